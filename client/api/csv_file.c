#include "client/api/csv_file.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/text.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* State of one reading; libcsv's callbacks cannot return errors. */
struct reading {
	struct csv_file *file;
	size_t line;       /* of the byte fed now */
	size_t row_line;   /* where the record under way began */
	size_t row_fields; /* fields of it so far */
	enum err failed;
};

static enum err grow(void **items, size_t *cap, size_t count, size_t item_bytes)
{
	if (count < *cap) return ERR_OK;
	const size_t wanted = *cap == 0 ? 256 : *cap * 2;
	void *bigger = reallocarray(*items, wanted, item_bytes);
	ENSURE(bigger != NULL, ERR_NOMEM);
	*items = bigger;
	*cap = wanted;
	return ERR_OK;
}

static enum err add_field(struct reading *r, struct view text)
{
	struct csv_file *f = r->file;
	void *fields = f->fields;

	ENSURE(r->row_fields < CSV_COLUMNS_MAX, ERR_BAD_FORMAT);
	TRY(text_check(text, TEXT_MANY_LINES));
	TRY(grow(&fields, &f->field_cap, f->field_count, sizeof(*f->fields)));
	f->fields = fields;
	f->fields[f->field_count++] = f->bytes.len;
	r->row_fields++;
	TRY(buf_append(&f->bytes, text));
	return buf_append_u8(&f->bytes, 0);
}

static void on_field(void *text, size_t len, void *ctx)
{
	struct reading *r = ctx;

	if (r->failed != ERR_OK) return;
	r->failed = add_field(r, view_of(text, len));
}

static enum err add_row(struct reading *r)
{
	struct csv_file *f = r->file;
	void *rows = f->rows;

	if (!f->have_header) {
		f->have_header = true;
		f->column_count = r->row_fields;
		return ERR_OK;
	}
	ENSURE(r->row_fields == f->column_count, ERR_BAD_FORMAT);
	ENSURE(f->row_count < CSV_ROWS_MAX, ERR_TOO_BIG);
	TRY(grow(&rows, &f->row_cap, f->row_count, sizeof(*f->rows)));
	f->rows = rows;
	f->rows[f->row_count++] = (struct csv_row){ r->row_line, f->field_count - r->row_fields };
	return ERR_OK;
}

static void on_row(int terminator, void *ctx)
{
	struct reading *r = ctx;

	(void)terminator;
	if (r->failed == ERR_OK) r->failed = add_row(r);
	r->row_fields = 0;
}

/* Byte by byte, because only then the line of a record and of an error is known. */
static enum err feed_bytes(struct csv_parser *parser, struct reading *r, struct view bytes)
{
	bool quoted = false;

	for (size_t i = 0; i < bytes.len; i++) {
		if (i == 0 || (!quoted && bytes.p[i - 1] == '\n')) r->row_line = r->line;
		if (bytes.p[i] == '"') quoted = !quoted;
		if (csv_parse(parser, bytes.p + i, 1, on_field, on_row, r) != 1) {
			return csv_error(parser) == CSV_ENOMEM ? ERR_NOMEM : ERR_BAD_FORMAT;
		}
		TRY(r->failed);
		if (bytes.p[i] == '\n') r->line++;
	}
	if (csv_fini(parser, on_field, on_row, r) != 0) return ERR_BAD_FORMAT;
	return r->failed;
}

/* Blanks belong to their field: RFC 4180 section 2, rule 4. */
static int nothing_is_blank(unsigned char c)
{
	(void)c;
	return 0;
}

static enum err parse(struct reading *r, struct view bytes)
{
	struct csv_parser parser;

	ENSURE(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0, ERR_NOMEM);
	csv_set_space_func(&parser, nothing_is_blank);
	const enum err e = feed_bytes(&parser, r, bytes);
	if (parser.entry_buf != NULL) explicit_bzero(parser.entry_buf, parser.entry_size);
	csv_free(&parser);
	return e;
}

static enum err file_error(int saved_errno)
{
	const enum err e = err_from_errno(saved_errno);
	return e == ERR_IO || e == ERR_DISK_FULL ? ERR_DENIED : e;
}

static enum err read_bytes(int dir_fd, const char *name, struct buf *out)
{
	CLEANUP(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	ENSURE(fd >= 0, file_error(errno));
	ENSURE(fstat(fd, &st) == 0 && S_ISREG(st.st_mode), ERR_DENIED);
	ENSURE(st.st_size <= (off_t)CSV_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, (size_t)st.st_size + 1));
	while (out->len < out->cap) {
		const ssize_t n = read(fd, out->p + out->len, out->cap - out->len);
		if (n < 0 && errno == EINTR) continue;
		ENSURE(n >= 0, file_error(errno));
		if (n == 0) return ERR_OK;
		out->len += (size_t)n;
	}
	return ERR_TOO_BIG; /* it grew while it was read */
}

static enum err check_header(const struct csv_file *f, const char *const *columns, size_t count)
{
	ENSURE(f->have_header && f->column_count == count, ERR_BAD_FORMAT);
	for (size_t i = 0; i < count; i++) {
		const char *name = (const char *)f->bytes.p + f->fields[i];
		ENSURE(strcmp(name, columns[i]) == 0, ERR_BAD_FORMAT);
	}
	return ERR_OK;
}

enum err csv_file_read_any(int dir_fd, const char *name, struct csv_file *ret, size_t *ret_line)
{
	CLEANUP(csv_file_finip) struct csv_file file = { 0 };
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct reading r = { .file = &file, .line = 1, .row_line = 1 };

	*ret_line = 0;
	enum err e = read_bytes(dir_fd, name, &bytes);
	if (e == ERR_OK) {
		e = parse(&r, buf_view(&bytes));
		*ret_line = r.line;
	}
	buf_wipe(&bytes);
	TRY(e);
	*ret_line = 1;
	ENSURE(file.have_header, ERR_BAD_FORMAT);
	*ret = file;
	file = (struct csv_file){ 0 };
	return ERR_OK;
}

enum err csv_file_read(int dir_fd, const char *name, const char *const *columns,
		       size_t column_count, struct csv_file *ret, size_t *ret_line)
{
	CLEANUP(csv_file_finip) struct csv_file file = { 0 };

	TRY(csv_file_read_any(dir_fd, name, &file, ret_line));
	TRY(check_header(&file, columns, column_count));
	*ret = file;
	file = (struct csv_file){ 0 };
	return ERR_OK;
}

enum err csv_file_find(const struct csv_file *f, const char *column, size_t *ret_column)
{
	for (size_t i = 0; i < f->column_count; i++) {
		if (strcmp((const char *)f->bytes.p + f->fields[i], column) != 0) continue;
		*ret_column = i;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

enum err csv_file_arrange(struct csv_file *f, const struct csv_place *places, size_t count)
{
	CLEANUP(freep) size_t *fields = calloc(f->row_count * count + 1, sizeof(*fields));
	size_t values[CSV_COLUMNS_MAX];

	REQUIRE(count <= CSV_COLUMNS_MAX);
	ENSURE(fields != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) {
		REQUIRE(!places[i].has_column || places[i].column < f->column_count);
		values[i] = f->bytes.len;
		if (places[i].has_column) continue;
		TRY(buf_append_str(&f->bytes, places[i].value));
		TRY(buf_append_u8(&f->bytes, 0));
	}
	for (size_t r = 0; r < f->row_count; r++) {
		for (size_t i = 0; i < count; i++) {
			const size_t from = f->rows[r].first_field + places[i].column;
			fields[r * count + i] = places[i].has_column ? f->fields[from] : values[i];
		}
	}
	for (size_t r = 0; r < f->row_count; r++) f->rows[r].first_field = r * count;
	free(f->fields);
	f->fields = TAKE(fields);
	f->field_count = f->field_cap = f->row_count * count;
	f->column_count = count;
	return ERR_OK;
}

void csv_file_fini(struct csv_file *f)
{
	buf_wipe(&f->bytes);
	buf_fini(&f->bytes);
	free(f->fields);
	free(f->rows);
	*f = (struct csv_file){ 0 };
}

void csv_file_finip(struct csv_file *f)
{
	csv_file_fini(f);
}

const char *csv_file_text(const struct csv_file *f, size_t row, size_t column)
{
	REQUIRE(row < f->row_count && column < f->column_count);
	return (const char *)f->bytes.p + f->fields[f->rows[row].first_field + column];
}
