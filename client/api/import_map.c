#include "client/api/import_map.h"

#include "base/check.h"
#include "client/api/import_priv.h"

#include <fcntl.h>
#include <string.h>

#define MAP_NAME "the map"

enum { MAP_FILE, MAP_COLUMN, MAP_SOURCE, MAP_VALUE, MAP_COUNT };

static const char *const map_columns[MAP_COUNT] = { "file", "column", "source", "value" };
static const char *const map_files[] = { "patients.csv", "sessions.csv", "measures.csv",
					 "appointments.csv" };

static const char *text_of(const struct import_map *map, size_t row, int column)
{
	return csv_file_text(&map->rows, row, (size_t)column);
}

void import_map_fini(struct import_map *map)
{
	csv_file_fini(&map->rows);
}

static enum err fail_row(struct import *m, size_t row, int column, const char *what)
{
	return import_fail_line(m, MAP_NAME, m->map.rows.rows[row].line, ERR_BAD_VALUE,
				map_columns[column], what);
}

static enum err check_row(struct import *m, size_t row)
{
	const char *file = text_of(&m->map, row, MAP_FILE);
	bool is_known = false;

	for (size_t i = 0; i < COUNT_OF(map_files); i++)
		if (strcmp(map_files[i], file) == 0) is_known = true;
	if (!is_known) {
		return fail_row(m, row, MAP_FILE,
				"patients.csv, sessions.csv, measures.csv or appointments.csv");
	}
	if ((text_of(&m->map, row, MAP_SOURCE)[0] == '\0') !=
	    (text_of(&m->map, row, MAP_VALUE)[0] == '\0')) {
		return ERR_OK;
	}
	return fail_row(m, row, MAP_SOURCE, "either a source or a value, not both or none");
}

enum err import_map_read(struct import *m, const char *path)
{
	size_t line = 0;

	if (path[0] != '/') {
		return fault_set(&m->v->fault, ERR_BAD_VALUE, NULL, "map: a whole path");
	}
	const enum err e =
		csv_file_read(AT_FDCWD, path, map_columns, MAP_COUNT, &m->map.rows, &line);
	if (e == ERR_NOMEM) return e;
	if (e != ERR_OK && line == 0) {
		return fault_set(&m->v->fault, e, NULL, MAP_NAME ": %s", err_text(e));
	}
	if (e != ERR_OK) {
		return import_fail_line(m, MAP_NAME, line, e, "",
					"columns file, column, source, value");
	}
	for (size_t i = 0; i < m->map.rows.row_count; i++) TRY(check_row(m, i));
	return ERR_OK;
}

bool import_map_has(const struct import_map *map, const char *file)
{
	for (size_t i = 0; i < map->rows.row_count; i++)
		if (strcmp(text_of(map, i, MAP_FILE), file) == 0) return true;
	return false;
}

static enum err find_own(struct import *m, size_t row, const char *const *columns, size_t count,
			 size_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(columns[i], text_of(&m->map, row, MAP_COLUMN)) != 0) continue;
		*ret = i;
		return ERR_OK;
	}
	return fail_row(m, row, MAP_COLUMN, "is no column of ours in that file");
}

enum err import_map_apply(struct import *m, const char *file, const char *const *columns,
			  size_t count, struct csv_file *f)
{
	struct csv_place places[CSV_COLUMNS_MAX] = { 0 };
	bool said[CSV_COLUMNS_MAX] = { false };

	REQUIRE(count <= CSV_COLUMNS_MAX);
	for (size_t i = 0; i < count; i++) places[i].value = "";
	for (size_t r = 0; r < m->map.rows.row_count; r++) {
		size_t own = 0;
		if (strcmp(text_of(&m->map, r, MAP_FILE), file) != 0) continue;
		TRY(find_own(m, r, columns, count, &own));
		if (said[own]) return fail_row(m, r, MAP_COLUMN, "stands twice for that file");
		said[own] = true;
		places[own].value = text_of(&m->map, r, MAP_VALUE);
		const char *source = text_of(&m->map, r, MAP_SOURCE);
		if (source[0] == '\0') continue;
		if (csv_file_find(f, source, &places[own].column) != ERR_OK)
			return fail_row(m, r, MAP_SOURCE, "is no column of that file");
		places[own].has_column = true;
	}
	return csv_file_arrange(f, places, count);
}
