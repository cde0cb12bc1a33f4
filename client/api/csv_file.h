/* csv_file: one CSV file with a header line, read whole, for `import`.
 *
 * RFC 4180 by libcsv (a state machine over bytes, which does not care where lines are cut); this
 * adds what an import needs: columns by name, the line number of each record, and limits.
 * Owns:    all fields, wiped by csv_file_fini: they are patient text.    Threads: one.
 * Limits:  CSV_BYTES_MAX per file, CSV_COLUMNS_MAX columns, CSV_ROWS_MAX rows.
 * Errors:  ERR_NOT_FOUND (no such file), ERR_DENIED, ERR_TOO_BIG, ERR_BAD_TEXT (not clean UTF-8),
 *          ERR_BAD_FORMAT (quotes, columns); `*ret_line` says where. Never ERR_IO: that would say
 *          that the room's own disk fails. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

#define CSV_BYTES_MAX (32u * 1024u * 1024u)
#define CSV_COLUMNS_MAX 32u
#define CSV_ROWS_MAX 200000u

struct csv_row {
	size_t line;        /* where it begins, from 1 */
	size_t first_field; /* index into csv_file.fields */
};

struct csv_file {
	struct buf bytes; /* all field texts, each with a NUL behind */
	size_t *fields;   /* owned; offsets into bytes */
	size_t field_count;
	size_t field_cap;
	struct csv_row *rows; /* owned; without the header */
	size_t row_count;
	size_t row_cap;
	size_t column_count;
	bool have_header;
};

/* Reads `name` in the folder `dir_fd`, whatever its header is: csv_file_arrange follows. */
MUST_USE enum err csv_file_read_any(int dir_fd, const char *name, struct csv_file *ret,
				    size_t *ret_line);
/* The column of this name in the header of what csv_file_read_any read; ERR_NOT_FOUND. */
MUST_USE enum err csv_file_find(const struct csv_file *f, const char *column, size_t *ret_column);

/* Where a wanted column comes from. */
struct csv_place {
	bool has_column;
	size_t column;     /* of the file, with has_column */
	const char *value; /* else this for every row; never NULL */
};
/* Makes the rows hold `count` columns in this order. */
MUST_USE enum err csv_file_arrange(struct csv_file *f, const struct csv_place *places,
				   size_t count);

/* Reads `name` in the folder `dir_fd`. `columns` is the exact header expected, in order. */
MUST_USE enum err csv_file_read(int dir_fd, const char *name, const char *const *columns,
				size_t column_count, struct csv_file *ret, size_t *ret_line);
void csv_file_fini(struct csv_file *f);  /* { 0 } is fine */
void csv_file_finip(struct csv_file *f); /* for CLEANUP */

/* NUL-terminated; lives as long as the file. */
const char *csv_file_text(const struct csv_file *f, size_t row, size_t column);
