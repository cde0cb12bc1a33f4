/* Connections, statements, transactions, migrations and the lock, on real files. */
#include "db/db.h"
#include "db/db_priv.h"
#include "db/err_sqlite.h"
#include "db/lockfile.h"

#include "base/buf.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static const char *const steps[] = {
	"CREATE TABLE thing (thing INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB,"
	" n INTEGER CHECK (n < 100)) STRICT;",
	"CREATE TABLE part (part INTEGER PRIMARY KEY, thing INTEGER NOT NULL REFERENCES thing)"
	" STRICT; INSERT INTO thing (name, n) VALUES ('from step 2', 2);",
};
static const struct db_schema schema_1 = { 0x31323334, steps, 1 };
static const struct db_schema schema_2 = { 0x31323334, steps, 2 };
static const char *const broken_steps[] = {
	"CREATE TABLE a (b INTEGER) STRICT;",
	"CREATE TABLE c (d INTEGER) STRICT; INSERT INTO nowhere VALUES (1);",
};
static const struct db_schema broken = { 0x31323334, broken_steps, 2 };

struct folder {
	char path[64];
	char file[96];
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	assert_true(scratch_make(f->path, sizeof(f->path), "db"));
	(void)snprintf(f->file, sizeof(f->file), "%s/x.db", f->path);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	static const char *const names[] = { "x.db", "x.db-wal", "x.db-shm", "lock", "y.db" };
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
	assert_int_equal(db_open_writer(f->path, "x.db", &schema_2, &db), ERR_OK);
	return db;
}

static uint64_t number(struct db *db, const char *sql)
{
	uint64_t n = UINT64_MAX;
	assert_int_equal(db_get_u64(db, sql, DB_NO_ARGS, &n), ERR_OK);
	return n;
}

static void test_files_are_closed_to_others(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	struct stat st;
	static const char *const names[] = { "x.db", "x.db-wal", "x.db-shm", "lock" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	db_close(db);
	assert_int_equal(chmod(f->file, 0640), 0);
	assert_int_equal(db_open_writer(f->path, "x.db", &schema_2, &db), ERR_DENIED);
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &db), ERR_DENIED);
	assert_int_equal(chmod(f->file, 0600), 0);
	assert_int_equal(chmod(f->path, 0750), 0);
	assert_int_equal(db_open_writer(f->path, "x.db", &schema_2, &db), ERR_DENIED);
	assert_int_equal(chmod(f->path, 0700), 0);
}

static void test_folder_is_made(void **state)
{
	const struct folder *f = *state;
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/new", f->path);
	assert_int_equal(folder_prepare(path), ERR_OK);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(rmdir(path), 0);
	(void)snprintf(path, sizeof(path), "%s/no/new", f->path);
	assert_int_equal(folder_prepare(path), ERR_NOT_FOUND);
}

static void test_only_plain_files_of_ours(void **state)
{
	const struct folder *f = *state;
	char other[96];
	db_close(writer(f));
	assert_int_equal(file_check_mode(f->file), ERR_OK);
	assert_int_equal(file_check_mode(f->path), ERR_DENIED); /* a folder */
	(void)snprintf(other, sizeof(other), "%s/y.db", f->path);
	assert_int_equal(file_check_mode(other), ERR_NOT_FOUND);
	assert_int_equal(symlink(f->file, other), 0);
	assert_int_equal(file_check_mode(other), ERR_DENIED);
	int fd = -1;
	assert_int_not_equal(lockfile_open(other, &fd), ERR_OK); /* nor a lock through a link */
	assert_int_equal(fd, -1);
	assert_int_equal(unlink(other), 0);
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(f->file, 0600 | bit), 0);
		assert_int_equal(file_check_mode(f->file), ERR_DENIED);
	}
	assert_int_equal(folder_prepare(f->file), ERR_DENIED); /* a file */
}

/* A switch of the connection as it stands. */
static int config(struct db *db, int option)
{
	int on = -1;
	assert_int_equal(sqlite3_db_config(db->raw, option, -1, &on), SQLITE_OK);
	return on;
}

static void check_common(struct db *db)
{
	assert_int_equal(config(db, SQLITE_DBCONFIG_DEFENSIVE), 1);
	assert_int_equal(config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA), 0);
	assert_int_equal(config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION), 0);
	assert_int_equal(number(db, "PRAGMA mmap_size"), 0);
	assert_int_equal(number(db, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
	assert_int_equal(number(db, "PRAGMA temp_store"), 2);
}

static void test_pragmas_of_a_reader_stand(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	struct db *reader = NULL;
	check_common(db);
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &reader), ERR_OK);
	check_common(reader);
	assert_int_equal(sqlite3_db_readonly(reader->raw, "main"), 1);
	assert_int_equal(config(reader, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE), 1);
	assert_int_equal(number(reader, "PRAGMA query_only"), 1);
	db_close(reader);
	db_close(db);
}

/* What it does against power cuts is shown on the simulator's disk: unit/sim/open_test.c. */
static void test_settling_changes_nothing(void **state)
{
	const struct folder *f = *state;
	enum { LONG = 200000 }; /* several blocks, and a part of one */
	char other[96];
	(void)snprintf(other, sizeof(other), "%s/y", f->path);
	assert_int_equal(file_settle(other), ERR_OK); /* none yet */
	assert_int_equal(file_create(f->path, other), ERR_OK);
	assert_int_equal(file_settle(other), ERR_OK);
	FILE *out = fopen(other, "w");
	assert_non_null(out);
	for (int i = 0; i < LONG; i++) assert_int_not_equal(fputc(i % 251, out), EOF);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(file_settle(other), ERR_OK);
	assert_int_equal(file_create(f->path, other), ERR_OK); /* is there */
	FILE *in = fopen(other, "r");
	assert_non_null(in);
	for (int i = 0; i < LONG; i++) assert_int_equal(fgetc(in), i % 251);
	assert_int_equal(fgetc(in), EOF);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(unlink(other), 0);
	assert_int_not_equal(file_settle(f->path), ERR_OK); /* a folder */
}

static void test_pragmas_stand(void **state)
{
	struct db *db = writer(*state);
	assert_int_equal(number(db, "PRAGMA synchronous"), 2);
	assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
	assert_int_equal(number(db, "PRAGMA trusted_schema"), 0);
	assert_int_equal(number(db, "PRAGMA secure_delete"), 1);
	assert_int_equal(number(db, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(number(db, "PRAGMA application_id"), 0x31323334);
	assert_int_equal(number(db, "PRAGMA user_version"), 2);
	/* DEFENSIVE: the schema cannot be written to behind SQLite's back. */
	err_ignore(db_run(db, "PRAGMA writable_schema=ON", DB_NO_ARGS)); /* silently refused */
	assert_int_not_equal(
		db_run(db, "UPDATE sqlite_schema SET sql = 'x' WHERE name = 'thing'", DB_NO_ARGS),
		ERR_OK);
	struct db_stmt *stmt = NULL;
	assert_int_not_equal(db_query(db, "SELECT load_extension('x')", DB_NO_ARGS, &stmt) == ERR_OK
				     ? db_step_row(stmt)
				     : ERR_STORE,
			     ERR_OK);
	db_stmt_done(stmt);
	db_close(db);
}

static void test_second_writer_is_refused(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	struct db *second = NULL;
	assert_int_equal(db_open_writer(f->path, "x.db", &schema_2, &second), ERR_BUSY);
	const pid_t child = fork();
	if (child == 0) {
		_exit(db_open_writer(f->path, "x.db", &schema_2, &second) == ERR_BUSY ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	db_close(db);
	db = writer(f);
	db_close(db);
}

static void test_values_come_back(void **state)
{
	struct db *db = writer(*state);
	static const uint8_t bytes[] = { 0, 1, 2, 0 };
	assert_int_equal(db_run(db,
				"INSERT INTO thing (thing, name, data, n) VALUES (?1, ?2, ?3, ?4)",
				DB_ARGS(db_u64(7), db_text(view_str("seven")),
					db_blob(VIEW_OF(bytes)), db_i64(-3))),
			 ERR_OK);
	assert_int_equal(db_changes(db), 1);
	assert_int_equal(db_last_row(db), 7);
	assert_int_equal(
		db_run(db, "INSERT INTO thing (thing, name, data, n) VALUES (?1, ?2, ?3, ?4)",
		       DB_ARGS(db_u64(8), db_text(VIEW_EMPTY), db_blob(VIEW_EMPTY), db_null())),
		ERR_OK);
	struct db_stmt *stmt = NULL;
	assert_int_equal(db_query_row(db, "SELECT name, data, n FROM thing WHERE thing = ?1",
				      DB_ARGS(db_u64(7)), &stmt),
			 ERR_OK);
	assert_true(view_equal(db_col_view(stmt, 0), view_str("seven")));
	assert_true(view_equal(db_col_view(stmt, 1), VIEW_OF(bytes)));
	assert_int_equal(db_col_i64(stmt, 2), -3);
	assert_int_equal(db_col_u64(stmt, 2), 0);
	assert_int_equal(db_step_done(stmt), ERR_OK);
	db_stmt_done(stmt);

	assert_int_equal(db_query_row(db, "SELECT name, data, n FROM thing WHERE thing = ?1",
				      DB_ARGS(db_u64(8)), &stmt),
			 ERR_OK);
	assert_false(db_col_is_null(stmt, 0)); /* empty is a value */
	assert_false(db_col_is_null(stmt, 1));
	assert_true(db_col_is_null(stmt, 2));
	struct id id;
	assert_int_equal(db_col_id(stmt, 0, &id), ERR_CORRUPT);
	assert_int_equal(db_col_id(stmt, 2, &id), ERR_OK);
	assert_true(id_is_zero(&id));
	db_stmt_done(stmt);
	assert_int_equal(db_query_row(db, "SELECT name, data, n FROM thing WHERE thing = ?1",
				      DB_ARGS(db_u64(9)), &stmt),
			 ERR_NOT_FOUND);
	db_close(db);
}

static void test_numbers_at_the_limit(void **state)
{
	struct db *db = writer(*state);
	static const char insert[] = "INSERT INTO thing (thing, name) VALUES (?1, 'big')";
	uint64_t n = 0;
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64((uint64_t)INT64_MAX + 1))),
			 ERR_BAD_VALUE);
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64(UINT64_MAX))), ERR_BAD_VALUE);
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64(INT64_MAX - 1))), ERR_OK);
	assert_int_equal(db_get_u64(db, "SELECT max(thing) FROM thing", DB_NO_ARGS, &n), ERR_OK);
	assert_true(n == INT64_MAX - 1);
	db_close(db);
}

static void test_constraints_have_their_errors(void **state)
{
	struct db *db = writer(*state);
	static const char insert[] = "INSERT INTO thing (thing, name, n) VALUES (?1, ?2, ?3)";
	const struct db_arg name = db_text(view_str("from step 2"));
	const struct db_arg other = db_text(view_str("other"));
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64(50), name, db_u64(1))), ERR_EXISTS);
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64(1), other, db_u64(1))), ERR_EXISTS);
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64(50), db_null(), db_u64(1))),
			 ERR_BAD_VALUE);
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64(50), other, db_u64(100))),
			 ERR_BAD_VALUE);
	assert_int_equal(db_run(db, insert, DB_ARGS(db_u64(50), other, db_u64(99))), ERR_OK);
	assert_int_equal(db_run(db, "INSERT INTO part (thing) VALUES (?1)", DB_ARGS(db_u64(404))),
			 ERR_NOT_FOUND);
	db_close(db);
}

static void test_same_statement_twice_at_once(void **state)
{
	struct db *db = writer(*state);
	static const char sql[] = "SELECT name FROM thing ORDER BY thing";
	struct db_stmt *a = NULL;
	struct db_stmt *b = NULL;
	assert_int_equal(db_query_row(db, sql, DB_NO_ARGS, &a), ERR_OK);
	assert_int_equal(db_query_row(db, sql, DB_NO_ARGS, &b), ERR_OK);
	assert_ptr_not_equal(a, b);
	assert_int_equal(db_step_done(b), ERR_OK);
	db_stmt_done(b);
	assert_true(view_equal(db_col_view(a, 0), view_str("from step 2")));
	db_stmt_done(a);
	db_close(db);
}

static void test_more_statements_than_the_cache(void **state)
{
	struct db *db = writer(*state);
	enum { SQL_COUNT = 300 };
	static char sql[SQL_COUNT][32];
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < SQL_COUNT; i++) {
			(void)snprintf(sql[i], sizeof(sql[i]), "SELECT %u", i);
			assert_int_equal(number(db, sql[i]), i);
		}
	}
	db_close(db);
}

static void put(struct db *db, const char *name)
{
	assert_int_equal(db_run(db, "INSERT INTO thing (name) VALUES (?1)",
				DB_ARGS(db_text(view_str(name)))),
			 ERR_OK);
}

static void test_transactions_and_marks(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	assert_int_equal(db_begin(db), ERR_OK);
	put(db, "gone");
	db_rollback(db);
	assert_int_equal(db_begin(db), ERR_OK);
	put(db, "a");
	assert_int_equal(db_mark(db), ERR_OK);
	put(db, "b");
	assert_int_equal(db_mark_undo(db), ERR_OK);
	assert_int_equal(db_mark(db), ERR_OK);
	put(db, "c");
	assert_int_equal(db_mark_release(db), ERR_OK);
	assert_int_equal(db_commit(db), ERR_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM thing WHERE name IN ('a', 'c')"), 2);
	assert_int_equal(number(db, "SELECT count(*) FROM thing"), 3);
	assert_int_equal(db_commit(db), ERR_STORE); /* nothing is open: nothing is confirmed */
	db_close(db);
}

static void test_closing_rolls_back(void **state)
{
	struct db *db = writer(*state);
	assert_int_equal(db_begin(db), ERR_OK);
	put(db, "gone");
	db_close(db);
	db = writer(*state);
	assert_int_equal(number(db, "SELECT count(*) FROM thing"), 1);
	db_close(db);
}

static void test_reader_sees_commits_and_cannot_write(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	struct db *reader = NULL;
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &reader), ERR_OK);
	assert_int_equal(db_begin(db), ERR_OK);
	put(db, "new");
	assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 1);
	assert_int_equal(db_commit(db), ERR_OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 2);
	assert_int_equal(db_run(reader, "DELETE FROM thing", DB_NO_ARGS), ERR_DENIED);

	/* One snapshot while its transaction is open. */
	assert_int_equal(db_begin(reader), ERR_OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 2);
	assert_int_equal(db_begin(db), ERR_OK);
	put(db, "newer");
	assert_int_equal(db_commit(db), ERR_OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 2);
	db_rollback(reader);
	assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 3);
	db_close(reader);
	db_close(db);
}

static void test_checkpoint_keeps_the_wal(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	struct stat st;
	char wal[128];
	(void)snprintf(wal, sizeof(wal), "%s-wal", f->file);
	for (int i = 0; i < 50; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "t%d", i);
		put(db, name);
	}
	assert_true(db_wal_pages(db) >= 50); /* no checkpoint by itself */
	assert_int_equal(db_checkpoint(db, false), ERR_OK);
	assert_int_equal(db_wal_pages(db), 0);
	assert_int_equal(stat(wal, &st), 0);
	const off_t size = st.st_size;
	put(db, "again");
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_size, size); /* it started again from the beginning */
	assert_int_equal(db_checkpoint(db, true), ERR_OK);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_size, 0);
	db_close(db);
	assert_int_equal(stat(wal, &st), 0);
}

static void test_checkpoint_beside_a_reader(void **state)
{
	const struct folder *f = *state;
	struct db *db = writer(f);
	struct db *reader = NULL;
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &reader), ERR_OK);
	assert_int_equal(db_begin(reader), ERR_OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 1);
	put(db, "after the snapshot");
	assert_int_equal(db_checkpoint(db, false), ERR_OK);
	assert_true(db_wal_pages(db) > 0); /* what the reader needs stays */
	assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 1);
	db_rollback(reader);
	assert_int_equal(db_checkpoint(db, false), ERR_OK);
	assert_int_equal(db_wal_pages(db), 0);
	db_close(reader);
	db_close(db);
}

static size_t slurp(const char *path, char *to, size_t cap)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	const size_t len = fread(to, 1, cap, file);
	assert_int_equal(fclose(file), 0);
	return len;
}

static void test_hot_wal_after_a_kill(void **state)
{
	const struct folder *f = *state;
	const pid_t child = fork();
	if (child == 0) {
		struct db *db = NULL;
		if (db_open_writer(f->path, "x.db", &schema_2, &db) != ERR_OK) _exit(1);
		for (int i = 0; i < 20; i++) {
			if (db_run(db, "INSERT INTO thing (name) VALUES (hex(randomblob(8)))",
				   DB_NO_ARGS) != ERR_OK) {
				_exit(1);
			}
		}
		if (db_begin(db) != ERR_OK) _exit(1);
		err_ignore(db_run(db, "DELETE FROM thing", DB_NO_ARGS)); /* not committed */
		(void)raise(SIGKILL);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));

	char shm[128];
	(void)snprintf(shm, sizeof(shm), "%s-shm", f->file);
	static char before[1 << 16];
	static char after[1 << 16];
	const size_t len = slurp(shm, before, sizeof(before));
	assert_true(len > 0);
	struct db *onlooker = NULL;
	assert_int_equal(db_open_onlooker(f->path, "x.db", &schema_2, &onlooker), ERR_OK);
	assert_int_equal(number(onlooker, "SELECT count(*) FROM thing"), 21);
	db_close(onlooker);
	assert_int_equal(slurp(shm, after, sizeof(after)), len);
	assert_memory_equal(before, after, len);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(db_open_onlooker(f->path, "x.db", &schema_2, &onlooker), ERR_OK);
		assert_int_equal(number(onlooker, "SELECT count(*) FROM thing"), 21);
		db_close(onlooker);
		struct db *reader = NULL;
		assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &reader), ERR_OK);
		assert_int_equal(number(reader, "SELECT count(*) FROM thing"), 21);
		uint64_t complaints = 1;
		assert_int_equal(db_check_integrity(reader, &complaints), ERR_OK);
		assert_int_equal(complaints, 0);
		db_close(reader);
		(void)unlink(shm); /* also without it */
	}
	struct db *db = writer(f); /* the lock went with the process */
	assert_int_equal(number(db, "SELECT count(*) FROM thing"), 21);
	db_close(db);
}

static void test_migration_goes_step_by_step(void **state)
{
	const struct folder *f = *state;
	struct db *db = NULL;
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_1, &db), ERR_NOT_FOUND);
	assert_int_equal(db_open_writer(f->path, "x.db", &schema_1, &db), ERR_OK);
	put(db, "old");
	db_close(db);
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &db),
			 ERR_VERSION); /* not yet */
	db = writer(f);
	assert_int_equal(number(db, "SELECT count(*) FROM thing"), 2);
	db_close(db);
	/* Made by a newer program. */
	assert_int_equal(db_open_writer(f->path, "x.db", &schema_1, &db), ERR_VERSION);
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_1, &db), ERR_VERSION);
	const struct db_schema foreign = { 0x41414141, steps, 2 };
	assert_int_equal(db_open_writer(f->path, "x.db", &foreign, &db), ERR_BAD_FORMAT);
	assert_int_equal(db_open_reader(f->path, "x.db", &foreign, &db), ERR_BAD_FORMAT);
}

/* Somebody else's database is left alone, also one that never said whose it is. */
static void test_files_of_others_are_not_migrated(void **state)
{
	const struct folder *f = *state;
	static const char *const makings[] = {
		"CREATE TABLE theirs (a)",
		"PRAGMA user_version = 1",
		"PRAGMA application_id = 7",
	};
	for (size_t i = 0; i < COUNT_OF(makings); i++) {
		struct db *db = NULL;
		sqlite3 *raw = NULL;
		unlink(f->file);
		assert_int_equal(sqlite3_open(f->file, &raw), SQLITE_OK);
		assert_int_equal(sqlite3_exec(raw, makings[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_close(raw), SQLITE_OK);
		assert_int_equal(chmod(f->file, 0600), 0);
		assert_int_equal(db_open_writer(f->path, "x.db", &schema_2, &db), ERR_BAD_FORMAT);
		assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &db), ERR_BAD_FORMAT);
		assert_null(db);
	}
}

/* The onlooker's path travels as a URI: every byte of a folder's name must arrive. */
static void test_onlooker_in_an_odd_folder(void **state)
{
	const struct folder *f = *state;
	struct db *db = NULL;
	static const char *const names[] = { "x.db", "x.db-wal", "x.db-shm", "lock" };
	char odd[128];
	char path[160];
	(void)snprintf(odd, sizeof(odd), "%s/Aa_ %%3f?#&{\xc3\xa9", f->path);
	assert_int_equal(db_open_writer(odd, "x.db", &schema_2, &db), ERR_OK);
	db_close(db);
	assert_int_equal(db_open_onlooker(odd, "x.db", &schema_2, &db), ERR_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM thing"), 1);
	assert_int_equal(db_run(db, "DELETE FROM thing", DB_NO_ARGS), ERR_DENIED);
	db_close(db);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", odd, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(odd), 0);
}

static void test_statements_that_are_wrong(void **state)
{
	struct db *db = writer(*state);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	uint64_t n = 0;
	put(db, "one");
	put(db, "two");
	/* More rows than were expected, none where one was, no SQL, a table that is not there. */
	assert_int_equal(db_run(db, "SELECT name FROM thing", DB_NO_ARGS), ERR_STORE);
	assert_int_equal(db_get_u64(db, "SELECT n FROM thing WHERE name = 'x'", DB_NO_ARGS, &n),
			 ERR_NOT_FOUND);
	assert_int_equal(db_run(db, "  ", DB_NO_ARGS), ERR_STORE);
	assert_int_equal(db_run(db, "DELETE FROM nowhere", DB_NO_ARGS), ERR_STORE);
	assert_int_equal(db_query_row(db, "SELECT ?1 IS NULL AND ?2 IS NULL",
				      DB_ARGS(db_id(NULL), db_maybe(false, db_u64(1))), &stmt),
			 ERR_OK);
	assert_int_equal(db_col_u64(stmt, 0), 1);
	db_stmt_donep(&stmt);
	/* What SQLite gave up by itself cannot be kept any more. */
	assert_int_equal(db_commit(db), ERR_STORE);
	assert_int_equal(db_mark_release(db), ERR_STORE);
	assert_int_equal(db_mark_undo(db), ERR_STORE);
	db_close(db);
}

static void test_failed_migration_leaves_the_step_before(void **state)
{
	const struct folder *f = *state;
	struct db *db = NULL;
	assert_int_equal(db_open_writer(f->path, "x.db", &broken, &db), ERR_STORE);
	const struct db_schema first = { 0x31323334, broken_steps, 1 };
	assert_int_equal(db_open_reader(f->path, "x.db", &first, &db), ERR_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
	db_close(db);
}

static void test_damaged_file(void **state)
{
	const struct folder *f = *state;
	db_close(writer(f));
	FILE *file = fopen(f->file, "r+b");
	assert_non_null(file);
	assert_int_equal(fputs("this is no database at all", file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
	struct db *db = NULL;
	assert_int_equal(db_open_writer(f->path, "x.db", &schema_2, &db), ERR_CORRUPT);
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &db), ERR_CORRUPT);
	assert_int_equal(db_open_onlooker(f->path, "x.db", &schema_2, &db), ERR_CORRUPT);
}

static void test_full_disk(void **state)
{
	struct db *db = writer(*state);
	assert_int_equal(db_set_pages_max(db, 12), ERR_OK);
	assert_int_equal(db_begin(db), ERR_OK);
	put(db, "kept");
	assert_int_equal(db_mark(db), ERR_OK);
	static const uint8_t big[100000];
	assert_int_equal(db_run(db, "INSERT INTO thing (name, data) VALUES ('big', ?1)",
				DB_ARGS(db_blob(VIEW_OF(big)))),
			 ERR_DISK_FULL);
	/* Either SQLite kept the transaction and the mark works, or it says that it did not. */
	const enum err undone = db_mark_undo(db);
	if (undone == ERR_OK) {
		assert_int_equal(db_commit(db), ERR_OK);
		assert_int_equal(number(db, "SELECT count(*) FROM thing WHERE name = 'kept'"), 1);
	} else {
		assert_int_equal(undone, ERR_STORE);
		db_rollback(db);
	}
	assert_int_equal(number(db, "SELECT count(*) FROM thing WHERE name = 'big'"), 0);
	assert_int_equal(db_set_pages_max(db, 1000000), ERR_OK);
	put(db, "room again");
	db_close(db);
}

static void test_space_threshold(void **state)
{
	const struct folder *f = *state;
	assert_int_equal(db_check_space(f->path, (struct db_space){ 1, 1 }), ERR_OK);
	assert_int_equal(db_check_space(f->path, (struct db_space){ UINT64_MAX, 101 }),
			 ERR_DISK_FULL);
	assert_int_equal(db_check_space(f->path, (struct db_space){ 1, 101 }), ERR_OK);
	assert_int_equal(db_check_space("/nowhere/at/all", DB_SPACE_DEFAULT), ERR_NOT_FOUND);
}

static void test_foreign_key_complaints(void **state)
{
	const struct folder *f = *state;
	db_close(writer(f));
	sqlite3 *raw = NULL; /* another program, without our pragmas */
	assert_int_equal(sqlite3_open(f->file, &raw), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(raw, "INSERT INTO part (thing) VALUES (99)", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
	struct db *db = NULL;
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &db), ERR_OK);
	uint64_t complaints = 0;
	assert_int_equal(db_check_foreign_keys(db, &complaints), ERR_OK);
	assert_int_equal(complaints, 1);
	db_close(db);
	/* A file that is damaged all over is not counted to its end. */
	assert_int_equal(sqlite3_open(f->file, &raw), SQLITE_OK);
	for (int i = 0; i < 150; i++)
		(void)sqlite3_exec(raw, "INSERT INTO part (thing) VALUES (98)", NULL, NULL, NULL);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
	assert_int_equal(db_open_reader(f->path, "x.db", &schema_2, &db), ERR_OK);
	assert_int_equal(db_check_foreign_keys(db, &complaints), ERR_OK);
	assert_int_equal(complaints, 100);
	db_close(db);
}

static void test_memory_database(void **state)
{
	(void)state;
	struct db *db = NULL;
	assert_int_equal(db_open_memory(&schema_2, &db), ERR_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM thing"), 1);
	db_close(db);
}

static void test_error_codes(void **state)
{
	(void)state;
	static const struct {
		int code;
		enum err err;
	} rows[] = {
		{ SQLITE_OK, ERR_OK },
		{ SQLITE_ROW, ERR_OK },
		{ SQLITE_DONE, ERR_OK },
		{ SQLITE_FULL, ERR_DISK_FULL },
		{ SQLITE_IOERR, ERR_IO },
		{ SQLITE_IOERR_FSYNC, ERR_IO },
		{ SQLITE_IOERR_NOMEM, ERR_NOMEM },
		{ SQLITE_IOERR_SHMSIZE, ERR_DISK_FULL },
		{ SQLITE_NOMEM, ERR_NOMEM },
		{ SQLITE_CORRUPT, ERR_CORRUPT },
		{ SQLITE_NOTADB, ERR_CORRUPT },
		{ SQLITE_BUSY, ERR_BUSY },
		{ SQLITE_BUSY_RECOVERY, ERR_BUSY },
		{ SQLITE_CONSTRAINT_UNIQUE, ERR_EXISTS },
		{ SQLITE_CONSTRAINT_PRIMARYKEY, ERR_EXISTS },
		{ SQLITE_CONSTRAINT_FOREIGNKEY, ERR_NOT_FOUND },
		{ SQLITE_CONSTRAINT_CHECK, ERR_BAD_VALUE },
		{ SQLITE_CONSTRAINT_NOTNULL, ERR_BAD_VALUE },
		{ SQLITE_READONLY, ERR_DENIED },
		{ SQLITE_CANTOPEN, ERR_IO },
		{ SQLITE_TOOBIG, ERR_TOO_BIG },
		{ SQLITE_ERROR, ERR_STORE },
		{ SQLITE_MISUSE, ERR_STORE },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(err_from_sqlite(rows[i].code), rows[i].err);
	}
}

static void test_library_version(void **state)
{
	(void)state;
	const int v = sqlite3_libversion_number();
	assert_string_equal(db_library_version(), sqlite3_libversion());
	if (v == 3040001) assert_true(db_library_has_wal_reset_bug()); /* Debian 12 */
	if (v >= 3051003) assert_false(db_library_has_wal_reset_bug());
	assert_int_equal(db_version_has_wal_reset_bug(v), db_library_has_wal_reset_bug());
	static const struct {
		int first, last; /* with the bug */
	} ranges[] = { { 3007000, 3044005 }, { 3045000, 3050006 }, { 3051000, 3051002 } };
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		assert_false(db_version_has_wal_reset_bug(ranges[i].first - 1));
		assert_true(db_version_has_wal_reset_bug(ranges[i].first));
		assert_true(db_version_has_wal_reset_bug(ranges[i].last));
		assert_false(db_version_has_wal_reset_bug(ranges[i].last + 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files_are_closed_to_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_plain_files_of_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settling_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pragmas_stand, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pragmas_of_a_reader_stand, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_writer_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers_at_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_constraints_have_their_errors, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_same_statement_twice_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_statements_than_the_cache, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_transactions_and_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closing_rolls_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader_sees_commits_and_cannot_write, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_checkpoint_keeps_the_wal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checkpoint_beside_a_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hot_wal_after_a_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_migration_goes_step_by_step, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_of_others_are_not_migrated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_onlooker_in_an_odd_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statements_that_are_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_migration_leaves_the_step_before, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_damaged_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_space_threshold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_key_complaints, setup, teardown),
		cmocka_unit_test(test_memory_database),
		cmocka_unit_test(test_error_codes),
		cmocka_unit_test(test_library_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
