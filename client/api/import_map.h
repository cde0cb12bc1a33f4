/* import_map: how the columns of another program's files are called, for `import --map FILE`.
 *
 * A CSV file with the columns file, column, source, value; one row for each of our columns:
 *
 *	file,column,source,value
 *	patients.csv,name,Full name,
 *	sessions.csv,days_ago,Date of visit,
 *	sessions.csv,signed,,yes
 *
 * `source` is a column of theirs, `value` stands for every row; exactly one of both. A file
 * that the map
 * names may have any columns in any order; of ours those without a row are empty. Any other
 * file has
 * our columns.
 *
 * Owns:    the file, until _fini.   Threads: the desk thread.
 * Errors:  ERR_BAD_VALUE with a fault that names the map's line and column; as csv_file.h. */
#pragma once

#include "client/api/csv_file.h"

struct import;

struct import_map {
	struct csv_file rows;
};

void import_map_fini(struct import_map *map); /* { 0 } is fine */

/* Reads the map into the import. `path` is a whole path. */
MUST_USE enum err import_map_read(struct import *m, const char *path);
/* A row speaks of this file. */
bool import_map_has(const struct import_map *map, const char *file);
/* Arranges what csv_file_read_any read as the map says. */
MUST_USE enum err import_map_apply(struct import *m, const char *file, const char *const *columns,
				   size_t count, struct csv_file *f);
