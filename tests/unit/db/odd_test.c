/* A database on machines that are not as they should be: another file system, other owners, values
 * beyond SQLite. */
#include "db/db_priv.h"
#include "db/lockfile.h"

#include "base/check.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const steps[] = {
	"CREATE TABLE thing (thing INTEGER PRIMARY KEY, name TEXT NOT NULL, data BLOB) STRICT;"
};
static const struct db_schema schema = { 0x31323334, steps, 1 };

struct folder {
	char path[64];
	char file[96];
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	assert_true(scratch_make(f->path, sizeof(f->path), "db-odd"));
	(void)snprintf(f->file, sizeof(f->file), "%s/x.db", f->path);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	static const char *const names[] = { "x.db", "x.db-wal", "x.db-shm", "lock" };
	char path[128];
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->path), 0);
	free(f);
	return 0;
}

static struct db *writer(const struct folder *f)
{
	struct db *db = NULL;
	assert_int_equal(db_open_writer(f->path, "x.db", &schema, &db), ERR_OK);
	return db;
}

/* SQLite answers with the journal it has, not with an error: here with one that is no WAL. */
static void test_a_disk_without_shared_memory(void **state)
{
	const struct folder *f = *state;
	sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
	struct db *db = NULL;
	assert_int_equal(sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1), SQLITE_OK);
	assert_int_equal(db_open_writer(f->path, "x.db", &schema, &db), ERR_STORE);
	assert_null(db);
	assert_int_equal(sqlite3_vfs_register(usual, 1), SQLITE_OK);
	db_close(writer(f));
}

/* Whole files of somebody else, whatever their modes. Only root can give files away. */
static void test_files_of_another_user(void **state)
{
	const struct folder *f = *state;
	struct db *db = NULL;
	if (geteuid() != 0) skip();
	db_close(writer(f));
	assert_int_equal(chown(f->file, 65534, 65534), 0);
	assert_int_equal(file_check_mode(f->file), ERR_DENIED);
	assert_int_equal(db_open_writer(f->path, "x.db", &schema, &db), ERR_DENIED);
	assert_int_equal(chown(f->file, 0, 0), 0);
	assert_int_equal(chown(f->path, 65534, 65534), 0);
	assert_int_equal(folder_prepare(f->path), ERR_DENIED);
	assert_int_equal(chown(f->path, 0, 0), 0);
	db_close(writer(f));
}

/* Refused by SQLite by the length alone. */
static void test_a_value_beyond_sqlite(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	assert_int_equal(db_run(db, "INSERT INTO thing (name, data) VALUES ('a', ?1)",
				DB_ARGS(db_blob(view_of("a", (size_t)3 << 30)))),
			 ERR_TOO_BIG);
	uint64_t rows = 1;
	assert_int_equal(db_get_u64(db, "SELECT count(*) FROM thing", DB_NO_ARGS, &rows), ERR_OK);
	assert_int_equal(rows, 0);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_disk_without_shared_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_of_another_user, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_value_beyond_sqlite, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
