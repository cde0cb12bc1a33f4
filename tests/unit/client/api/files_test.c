/* csv_file, kit_files, out_file, home: what this folder reads from and writes to disks. */
#include "client/api/csv_file.h"
#include "client/api/home.h"
#include "client/api/kit_files.h"
#include "client/api/out_file.h"

#include "base/check.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[64];
static int base_fd = -1;

static int setup(void **state)
{
	(void)state;
	(void)snprintf(base, sizeof(base), "/tmp/roomkeep-files-XXXXXX");
	if (mkdtemp(base) == NULL) return 1;
	base_fd = open(base, O_RDONLY | O_DIRECTORY);
	return base_fd < 0 || crypt_init() != ERR_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	close(base_fd);
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *name, const void *p, size_t len)
{
	const int fd = openat(base_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, len), (ssize_t)len);
	close(fd);
}

static const char *const ab[] = { "a", "b" };

static enum err read_csv(const char *text, struct csv_file *f, size_t *line)
{
	write_file("x.csv", text, strlen(text));
	return csv_file_read(base_fd, "x.csv", ab, 2, f, line);
}

static void test_csv_reads(void **state)
{
	(void)state;
	struct csv_file f;
	size_t line = 0;

	assert_int_equal(read_csv("a,b\n1,2\n\"x,\"\"y\"\"\", z \n,\n", &f, &line), ERR_OK);
	assert_int_equal(f.row_count, 3);
	assert_string_equal(csv_file_text(&f, 0, 0), "1");
	assert_string_equal(csv_file_text(&f, 1, 0), "x,\"y\"");
	assert_string_equal(csv_file_text(&f, 1, 1), " z "); /* blanks belong to the field */
	assert_string_equal(csv_file_text(&f, 2, 0), "");
	csv_file_fini(&f);
	assert_int_equal(read_csv("a,b\r\n1,2\r\n", &f, &line), ERR_OK);
	assert_int_equal(f.row_count, 1);
	assert_string_equal(csv_file_text(&f, 0, 1), "2");
	csv_file_fini(&f);
	assert_int_equal(read_csv("a,b\n1,2", &f, &line), ERR_OK); /* no newline at the end */
	assert_int_equal(f.row_count, 1);
	csv_file_fini(&f);
	assert_int_equal(read_csv("a,b\n", &f, &line), ERR_OK);
	assert_int_equal(f.row_count, 0);
	csv_file_fini(&f);
}

static void test_csv_columns_are_arranged(void **state)
{
	(void)state;
	struct csv_place places[3] = { { .value = "" }, { .value = "same" }, { .value = "" } };
	struct csv_file f;
	size_t line = 0;

	write_file("x.csv", "old,b,c\n1,2,3\n4,5,6\n", 20);
	assert_int_equal(csv_file_read_any(base_fd, "x.csv", &f, &line), ERR_OK);
	assert_int_equal(csv_file_find(&f, "a", &places[0].column), ERR_NOT_FOUND);
	assert_int_equal(csv_file_find(&f, "c", &places[0].column), ERR_OK);
	places[0].has_column = true;
	assert_int_equal(csv_file_arrange(&f, places, 3), ERR_OK);
	static const char *const wanted[2][3] = { { "3", "same", "" }, { "6", "same", "" } };
	for (size_t r = 0; r < 2; r++)
		for (size_t c = 0; c < 3; c++)
			assert_string_equal(csv_file_text(&f, r, c), wanted[r][c]);
	assert_int_equal(f.column_count, 3);
	csv_file_fini(&f);

	write_file("x.csv", "", 0);
	assert_int_equal(csv_file_read_any(base_fd, "x.csv", &f, &line), ERR_BAD_FORMAT);
	write_file("x.csv", "a,b\n", 4); /* no rows */
	assert_int_equal(csv_file_read_any(base_fd, "x.csv", &f, &line), ERR_OK);
	assert_int_equal(csv_file_arrange(&f, places + 1, 2), ERR_OK);
	assert_int_equal(f.row_count, 0);
	csv_file_fini(&f);
}

static void test_csv_counts_lines(void **state)
{
	(void)state;
	struct csv_file f;
	size_t line = 0;

	assert_int_equal(read_csv("a,b\n1,\"two\nlines\"\n\"also\nhere\",4\n5,6\n", &f, &line),
			 ERR_OK);
	assert_int_equal(f.rows[0].line, 2);
	assert_int_equal(f.rows[1].line, 4);
	assert_int_equal(f.rows[2].line, 6);
	assert_string_equal(csv_file_text(&f, 0, 1), "two\nlines");
	csv_file_fini(&f);
}

static void test_csv_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum err err;
		size_t line;
	} rows[] = {
		{ "", ERR_BAD_FORMAT, 1 },
		{ "a\n", ERR_BAD_FORMAT, 1 },
		{ "a,c\n", ERR_BAD_FORMAT, 1 },
		{ "b,a\n", ERR_BAD_FORMAT, 1 },
		{ "a,b,c\n", ERR_BAD_FORMAT, 1 },
		{ "a,b\n1,2\n1\n", ERR_BAD_FORMAT, 3 },
		{ "a,b\n1,2,3\n", ERR_BAD_FORMAT, 2 },
		{ "a,b\n1,\"2\n", ERR_BAD_FORMAT, 3 },
		{ "a,b\n1,2\"3\n", ERR_BAD_FORMAT, 2 },
		{ "a,b\n1,\xff\n", ERR_BAD_TEXT, 2 },
		{ "a,b\n1,2\n1,\x01\n", ERR_BAD_TEXT, 3 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct csv_file f = { 0 };
		size_t line = 0;
		assert_int_equal(read_csv(rows[i].text, &f, &line), rows[i].err);
		assert_int_equal(line, rows[i].line);
		assert_null(f.rows);
	}
}

static void test_csv_files_that_are_none(void **state)
{
	(void)state;
	struct csv_file f;
	size_t line = 7;

	assert_int_equal(csv_file_read(base_fd, "missing.csv", ab, 2, &f, &line), ERR_NOT_FOUND);
	assert_int_equal(line, 0);
	assert_int_equal(mkdirat(base_fd, "folder", 0700), 0);
	assert_int_equal(csv_file_read(base_fd, "folder", ab, 2, &f, &line), ERR_DENIED);
	assert_int_equal(symlinkat("/etc/passwd", base_fd, "link.csv"), 0);
	assert_int_not_equal(csv_file_read(base_fd, "link.csv", ab, 2, &f, &line), ERR_OK);
	const int fd = openat(base_fd, "big.csv", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, (off_t)CSV_BYTES_MAX + 1), 0);
	close(fd);
	assert_int_equal(csv_file_read(base_fd, "big.csv", ab, 2, &f, &line), ERR_TOO_BIG);
}

/* ---- kit_files ----------------------------------------------------------------------------- */

static const char page[] = "PAGE 1\nclinic: A & B <C>\n\nrecovery share:\n  ABCD-EFGH-JKMN\n\n"
			   "clinic secret:\n  0123-4567-89AB\n\n";

static void test_kit_file(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *text = NULL;
	char name[KIT_FILE_NAME_BYTES];
	struct stat st;
	char *bytes = calloc(1, 65536);

	assert_int_equal(secret_new_copy(view_str(page), &text), ERR_OK);
	assert_int_equal(kit_file_write(base, 1, text), ERR_OK);
	kit_file_name(1, name);
	assert_string_equal(name, "roomkeep-kit-2.html");
	assert_int_equal(fstatat(base_fd, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	const int fd = openat(base_fd, name, O_RDONLY);
	assert_true(read(fd, bytes, 65535) > 0);
	close(fd);
	assert_non_null(strstr(bytes, "recovery share:\n  ABCD-EFGH-JKMN\n")); /* text as it is */
	assert_non_null(strstr(bytes, "A &amp; B &lt;C&gt;"));
	/* A QR code for each code on the page, none for those that are not. */
	unsigned figures = 0;
	for (const char *at = bytes; (at = strstr(at, "<svg")) != NULL; at++) figures++;
	assert_int_equal(figures, 2);
	assert_int_equal(kit_file_write(base, 1, text), ERR_EXISTS);
	kit_files_remove(base, 3);
	assert_int_not_equal(fstatat(base_fd, name, &st, 0), 0);
	free(bytes);
}

static void test_kit_folder(void **state)
{
	(void)state;
	char home[96];
	char path[160];
	char *real = NULL;
	struct stat st;

	(void)snprintf(home, sizeof(home), "%s/home", base);
	assert_int_equal(mkdir(home, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/kit", base);
	assert_int_equal(kit_folder_prepare(path, home, &real), ERR_OK);
	assert_string_equal(real, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	free(real);
	assert_int_equal(kit_folder_prepare(home, home, &real), ERR_USAGE);
	(void)snprintf(path, sizeof(path), "%s/kit", home);
	assert_int_equal(kit_folder_prepare(path, home, &real), ERR_USAGE);
	assert_int_not_equal(stat(path, &st), 0); /* not left behind */
	(void)snprintf(path, sizeof(path), "%s/../home/kit", home);
	assert_int_equal(kit_folder_prepare(path, home, &real), ERR_USAGE);
	(void)snprintf(path, sizeof(path), "%s/home2", base); /* a name that begins alike */
	assert_int_equal(kit_folder_prepare(path, home, &real), ERR_OK);
	free(real);
	(void)snprintf(path, sizeof(path), "%s/no/such", base);
	assert_int_equal(kit_folder_prepare(path, home, &real), ERR_NOT_FOUND);
}

/* ---- home ---------------------------------------------------------------------------------- */

static bool is_there(const char *name)
{
	struct stat st;
	return fstatat(base_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void expect_file(const char *name, const char *text)
{
	char got[64] = { 0 };
	struct stat st;
	const int fd = openat(base_fd, name, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

/* In two steps: it has its name after the second, and nothing is left when that does not come. */
static void test_out_file_has_its_name_last(void **state)
{
	(void)state;
	char path[128];
	struct out_file f;
	(void)snprintf(path, sizeof(path), "%s/page.pdf", base);
	assert_int_equal(out_file_begin(path, view_str("one"), false, &f), ERR_OK);
	assert_false(is_there("page.pdf"));
	assert_true(is_there(f.beside));
	char beside[OUT_FILE_NAME_BYTES];
	memcpy(beside, f.beside, sizeof(beside));
	out_file_fini(&f);
	assert_false(is_there(beside));

	assert_int_equal(out_file_begin(path, view_str("one"), false, &f), ERR_OK);
	assert_int_equal(out_file_publish(&f), ERR_OK);
	out_file_fini(&f);
	expect_file("page.pdf", "one");
	assert_int_equal(out_file_begin(path, view_str("two"), false, &f), ERR_EXISTS);
	out_file_fini(&f);
	assert_int_equal(out_file_begin(path, view_str("two"), true, &f), ERR_OK);
	expect_file("page.pdf", "one");
	assert_int_equal(out_file_publish(&f), ERR_OK);
	out_file_fini(&f);
	expect_file("page.pdf", "two");
	assert_false(is_there(beside));
}

static void test_out_file_that_came_meanwhile_stays(void **state)
{
	(void)state;
	char path[128];
	struct out_file f;
	(void)snprintf(path, sizeof(path), "%s/raced.pdf", base);
	assert_int_equal(out_file_begin(path, view_str("mine"), false, &f), ERR_OK);
	write_file("raced.pdf", "theirs", 6);
	assert_int_equal(out_file_publish(&f), ERR_EXISTS);
	char beside[OUT_FILE_NAME_BYTES];
	memcpy(beside, f.beside, sizeof(beside));
	out_file_fini(&f);
	expect_file("raced.pdf", "theirs");
	assert_false(is_there(beside));
}

static void test_out_file_refuses(void **state)
{
	(void)state;
	char path[128];
	struct out_file f;
	(void)snprintf(path, sizeof(path), "%s/no/such", base);
	assert_int_equal(out_file_begin(path, VIEW_EMPTY, false, &f), ERR_NOT_FOUND);
	out_file_fini(&f);
	(void)snprintf(path, sizeof(path), "%s/", base);
	assert_int_equal(out_file_begin(path, VIEW_EMPTY, false, &f), ERR_BAD_VALUE);
	out_file_fini(&f);
	(void)snprintf(path, sizeof(path), "%s/..", base);
	assert_int_equal(out_file_begin(path, VIEW_EMPTY, true, &f), ERR_BAD_VALUE);
	out_file_fini(&f);
	assert_int_equal(out_file_begin("page", VIEW_EMPTY, true, &f), ERR_BAD_VALUE);
	out_file_fini(&f);
	assert_int_equal(mkdirat(base_fd, "folder", 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/folder", base);
	assert_int_equal(out_file_begin(path, VIEW_EMPTY, true, &f), ERR_DENIED);
	out_file_fini(&f);
}

static void test_home_path_order(void **state)
{
	(void)state;
	char *path = NULL;

	setenv("ROOMKEEP_HOME", "/var/room", 1);
	setenv("XDG_STATE_HOME", "/xdg", 1);
	setenv("HOME", "/me", 1);
	assert_int_equal(home_path("/flag", &path), ERR_OK);
	assert_string_equal(path, "/flag");
	free(path);
	assert_int_equal(home_path(NULL, &path), ERR_OK);
	assert_string_equal(path, "/var/room");
	free(path);
	unsetenv("ROOMKEEP_HOME");
	assert_int_equal(home_path(NULL, &path), ERR_OK);
	assert_string_equal(path, "/xdg/roomkeep");
	free(path);
	setenv("XDG_STATE_HOME", "relative", 1); /* the specification says: ignore it */
	assert_int_equal(home_path(NULL, &path), ERR_OK);
	assert_string_equal(path, "/me/.local/state/roomkeep");
	free(path);
	assert_int_equal(chdir("/tmp"), 0);
	assert_int_equal(home_path("r1", &path), ERR_OK);
	assert_string_equal(path, "/tmp/r1");
	free(path);
}

static void test_home_is_private(void **state)
{
	(void)state;
	struct home h = { .fd = -1 };
	struct tls_identity first = { 0 };
	struct tls_identity again = { 0 };
	char path[160];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/deep/er/room", base);
	assert_int_equal(home_open(path, false, &h), ERR_NOT_FOUND);
	assert_int_equal(home_open(path, true, &h), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(home_identity(&h, false, &first), ERR_NOT_FOUND);
	assert_int_equal(home_identity(&h, true, &first), ERR_OK);
	assert_int_equal(home_identity(&h, true, &again), ERR_OK);
	assert_true(tls_spki_equal(&first.spki, &again.spki));
	tls_identity_fini(&first);
	tls_identity_fini(&again);
	home_close(&h);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(home_open(path, true, &h), ERR_DENIED);
	home_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_csv_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_csv_columns_are_arranged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_csv_counts_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_csv_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_csv_files_that_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kit_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kit_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_file_has_its_name_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_file_that_came_meanwhile_stays, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_out_file_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_path_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_is_private, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
