/* fuzz_csv: a CSV file of an import. The first byte says whether the right header stands before the
 * input or is left to it.
 * Targets: csv_file_read, csv_file_text.
 * Holds:   every field of every row is there and is clean text; lines rise; the same fields written
 *          with quotes read the same again. */
#include "base/cleanup.h"
#include "client/api/csv_file.h"
#include "fuzz/fuzz.h"
#include "record/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "x.csv"

static const char *const columns[] = { "ref", "name", "value" };
static char folder[] = "/tmp/roomkeep-fuzz-XXXXXX";
static int folder_fd = -1;

static void remove_folder(void)
{
	(void)unlinkat(folder_fd, FILE_NAME, 0);
	(void)rmdir(folder);
}

static void start_once(void)
{
	if (folder_fd >= 0) return;
	INSIST(mkdtemp(folder) != NULL);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	INSIST(folder_fd >= 0);
	INSIST(atexit(remove_folder) == 0);
}

static void write_file(struct view bytes)
{
	CLEANUP(closep)
	int fd = openat(folder_fd, FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	INSIST(fd >= 0);
	INSIST(bytes.len == 0 || write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
}

static enum err read_file(struct csv_file *ret, size_t *ret_line)
{
	return csv_file_read(folder_fd, FILE_NAME, columns, COUNT_OF(columns), ret, ret_line);
}

static void put(struct buf *b, const char *text)
{
	INSIST(buf_append_str(b, text) == ERR_OK);
}

static void put_quoted(struct buf *b, const char *text)
{
	put(b, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"') put(b, "\"");
		INSIST(buf_append_u8(b, (uint8_t)*text) == ERR_OK);
	}
	put(b, "\"");
}

static void write_again(const struct csv_file *f)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	put(&text, "ref,name,value\n");
	for (size_t row = 0; row < f->row_count; row++) {
		for (size_t column = 0; column < COUNT_OF(columns); column++) {
			if (column > 0) put(&text, ",");
			put_quoted(&text, csv_file_text(f, row, column));
		}
		put(&text, "\r\n");
	}
	write_file(buf_view(&text));
}

static void check_same(const struct csv_file *f, const struct csv_file *again)
{
	INSIST(f->row_count == again->row_count);
	for (size_t row = 0; row < f->row_count; row++)
		for (size_t column = 0; column < COUNT_OF(columns); column++)
			INSIST(strcmp(csv_file_text(f, row, column),
				      csv_file_text(again, row, column)) == 0);
}

static void check_rows(const struct csv_file *f)
{
	INSIST(f->column_count == COUNT_OF(columns) && f->row_count <= CSV_ROWS_MAX);
	for (size_t row = 0; row < f->row_count; row++) {
		INSIST(f->rows[row].line >= 1);
		INSIST(row == 0 || f->rows[row].line >= f->rows[row - 1].line);
		for (size_t column = 0; column < COUNT_OF(columns); column++) {
			const struct view text = view_str(csv_file_text(f, row, column));
			INSIST(text_check(text, TEXT_MANY_LINES) == ERR_OK);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	CLEANUP(csv_file_finip) struct csv_file f = { 0 };
	CLEANUP(csv_file_finip) struct csv_file again = { 0 };
	struct fuzz_in in = { view_of(data, size) };
	size_t line = 0;

	start_once();
	if ((fuzz_u8(&in) & 1u) == 0) put(&bytes, "ref,name,value\n");
	INSIST(buf_append(&bytes, in.rest) == ERR_OK);
	write_file(buf_view(&bytes));
	const enum err e = read_file(&f, &line);
	INSIST(e == ERR_OK || e == ERR_BAD_FORMAT || e == ERR_BAD_TEXT);
	INSIST(e == ERR_OK || line >= 1);
	if (e != ERR_OK) return 0;
	check_rows(&f);
	write_again(&f);
	INSIST(read_file(&again, &line) == ERR_OK);
	check_same(&f, &again);
	return 0;
}
