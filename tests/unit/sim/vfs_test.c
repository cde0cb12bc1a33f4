/* SQLite on the simulated disk: it keeps its promises when it syncs, and the disk takes
 * acknowledged rows away when it does not. */
#include "sim/sim_vfs.h"

#include "sim/sim_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#define CUTS 1000
#define PATH "/sim/a/x.db"

struct fx {
	struct rand_seeded seeds[2];
	struct rand_source rand;
	uint64_t now_ms;
	struct drive *d;
	uint64_t visits_left; /* until the image is taken; 0: no more */
	bool power;
	struct drive_image *image;
	sqlite3 *db;
	uint64_t acked, tried; /* rows 1 .. n */
};

static void on_visit(void *ctx)
{
	struct fx *f = ctx;
	if (f->visits_left == 0 || --f->visits_left > 0) return;
	f->image = drive_take_image(f->d, f->power);
}

static int setup(void **state)
{
	static struct fx fx;
	fx = (struct fx){ .now_ms = 1 };
	fx.rand = rand_seeded_init(&fx.seeds[0], 11);
	fx.d = drive_new("/sim/a", rand_seeded_init(&fx.seeds[1], 12), &fx.now_ms);
	sim_vfs_install(fx.rand);
	drive_set_visitor(fx.d, on_visit, &fx);
	drive_expose(fx.d, true);
	*state = &fx;
	return 0;
}

static int teardown(void **state)
{
	struct fx *f = *state;
	assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
	drive_free(f->d);
	return 0;
}

static int run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static sqlite3_int64 number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	const sqlite3_int64 n = sqlite3_column_int64(stmt, 0);
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	return n;
}

static sqlite3 *connect(const char *pragmas)
{
	sqlite3 *db = NULL;
	assert_int_equal(
		sqlite3_open_v2(PATH, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
		SQLITE_OK);
	assert_int_equal(run(db, pragmas), SQLITE_OK);
	return db;
}

/* ---- power cuts under SQLite --------------------------------------------------------- */

/* One row, with a body that spans pages. */
static int add_row(struct fx *f)
{
	char sql[128];
	f->tried++;
	(void)snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO t VALUES (%llu, randomblob(%u))",
		       (unsigned long long)f->tried, (unsigned)rand_below(&f->rand, 9000));
	return run(f->db, sql);
}

static void work_until_struck(struct fx *f)
{
	while (f->image == NULL) {
		const int rc = add_row(f);
		if (f->image != NULL) return; /* a ghost: nobody heard */
		assert_int_equal(rc, SQLITE_OK);
		f->acked = f->tried;
		if (rand_below(&f->rand, 10) == 0)
			assert_int_equal(run(f->db, "PRAGMA wal_checkpoint(PASSIVE)"), SQLITE_OK);
	}
}

/* The number of acknowledged rows that are gone. */
static uint64_t cut_and_look(struct fx *f, const char *pragmas)
{
	f->power = rand_below(&f->rand, 4) > 0;
	f->visits_left = 1 + rand_below(&f->rand, 60);
	work_until_struck(f);
	assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
	drive_put_image(f->d, f->image);
	f->image = NULL;
	f->db = connect(pragmas);
	const uint64_t there = (uint64_t)number(f->db, "SELECT count(*) FROM t");
	assert_true((uint64_t)number(f->db, "SELECT coalesce(max(n), 0) FROM t") <= f->tried);
	const uint64_t lost = f->acked > there ? f->acked - there : 0;
	f->acked = f->tried = there;
	return lost;
}

#define WAL_PRAGMAS                                                                                \
	"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"           \
	"PRAGMA temp_store=MEMORY;"
/* Also brings what was found to the platter, as common/db does when it opens (db.h). */
#define WAL_FULL                                                                                   \
	WAL_PRAGMAS "PRAGMA wal_checkpoint(PASSIVE);"                                              \
		    "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, b BLOB);"

static void limit_rows(struct fx *f)
{
	if (f->acked < 50) return;
	assert_int_equal(run(f->db, "DELETE FROM t"), SQLITE_OK);
	f->acked = f->tried = 0;
}

static void synced_commits_survive(struct fx *f, const char *pragmas)
{
	f->db = connect(pragmas);
	for (int i = 0; i < CUTS; i++) {
		assert_int_equal(cut_and_look(f, pragmas), 0);
		assert_int_equal(number(f->db, "SELECT count(*) FROM pragma_integrity_check"
					       " WHERE integrity_check <> 'ok'"),
				 0);
		limit_rows(f);
	}
	assert_int_equal(sim_vfs_temp_files(), 0);
}

static void a_wal_with_full_syncs_survives_1000_cuts(void **state)
{
	synced_commits_survive(*state, WAL_FULL);
}

static void a_rollback_journal_survives_1000_cuts(void **state)
{
	synced_commits_survive(*state,
			       "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;"
			       "PRAGMA temp_store=MEMORY;"
			       "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, b BLOB);");
}

/* What a process that was killed had written and not synced is found by the next one, which may
 * acknowledge it: so it has to be synced first. */
static void what_is_only_found_may_be_lost(void **state)
{
	struct fx *f = *state;
	uint64_t lost = 0;
	f->db = connect(WAL_FULL);
	for (int i = 0; i < CUTS && lost == 0; i++) {
		lost = cut_and_look(f, WAL_PRAGMAS);
		limit_rows(f);
	}
	assert_true(lost > 0);
}

static uint64_t rows_left(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t n = 0;
	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return n;
}

/* The same harness, without the syncs: proof that it can fail. */
static void without_syncs_rows_are_lost(void **state)
{
	struct fx *f = *state;
	int lost = 0;
	for (int i = 0; i < 20; i++) {
		f->db = connect(WAL_FULL);
		assert_int_equal(run(f->db, "PRAGMA synchronous=OFF; DELETE FROM t"), SQLITE_OK);
		f->acked = f->tried = 0;
		f->power = true;
		f->visits_left = 30 + rand_below(&f->rand, 30);
		work_until_struck(f);
		assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
		drive_put_image(f->d, f->image);
		f->image = NULL;
		assert_int_equal(sqlite3_open(PATH, &f->db), SQLITE_OK);
		lost += rows_left(f->db) < f->acked; /* or the file is no database any more */
		assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
		f->db = NULL;
		(void)drive_unlink(f->d, "x.db");
		(void)drive_unlink(f->d, "x.db-wal");
	}
	assert_true(lost >= 10);
}

/* ---- errors -------------------------------------------------------------------------- */

static void full_disks_and_bad_sectors_have_their_codes(void **state)
{
	struct fx *f = *state;
	f->db = connect(WAL_FULL);
	assert_int_equal(add_row(f), SQLITE_OK);
	drive_fill(f->d, 5000, 1000);
	int rc = SQLITE_OK;
	for (int i = 0; i < 20 && rc == SQLITE_OK; i++) rc = add_row(f);
	assert_int_equal(rc, SQLITE_FULL);
	f->now_ms += 1000;
	assert_int_equal(add_row(f), SQLITE_OK);

	assert_int_equal(sqlite3_extended_result_codes(f->db, 1), SQLITE_OK);
	drive_break(f->d, DRIVE_WRITE, 0, 1, 1000);
	assert_int_equal(add_row(f), SQLITE_IOERR_WRITE);
	drive_break(f->d, DRIVE_SYNC, 0, 1, 1000);
	assert_int_equal(add_row(f), SQLITE_IOERR_FSYNC);
	assert_int_equal(add_row(f), SQLITE_OK);
	assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
	drive_break(f->d, DRIVE_READ, 2, 1, 1000);
	f->db = NULL;
	assert_int_equal(sqlite3_open(PATH, &f->db), SQLITE_OK);
	assert_int_equal(sqlite3_extended_result_codes(f->db, 1), SQLITE_OK);
	assert_int_equal(run(f->db, "SELECT count(*) FROM t"), SQLITE_IOERR_READ);
}

/* ---- several connections ------------------------------------------------------------- */

static void a_reader_keeps_its_view_while_another_writes(void **state)
{
	struct fx *f = *state;
	sqlite3 *reader = NULL;
	f->db = connect(WAL_FULL);
	assert_int_equal(add_row(f), SQLITE_OK);
	assert_int_equal(sqlite3_open_v2(PATH, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(run(reader, "BEGIN"), SQLITE_OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM t"), 1);
	assert_int_equal(add_row(f), SQLITE_OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM t"), 1);
	assert_int_equal(run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
	assert_true(drive_find(f->d, "x.db-wal")->cache.len > 0); /* the reader is in the way */
	assert_int_equal(run(reader, "COMMIT"), SQLITE_OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM t"), 2);
	assert_int_equal(run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
	assert_int_equal(drive_find(f->d, "x.db-wal")->cache.len, 0);
	assert_int_equal(run(reader, "DELETE FROM t"), SQLITE_READONLY);
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
}

static void two_writers_exclude_each_other(void **state)
{
	static const char *const modes[] = { "PRAGMA journal_mode=WAL",
					     "PRAGMA journal_mode=DELETE" };
	struct fx *f = *state;
	f->db = connect(WAL_FULL);
	for (size_t i = 0; i < 2; i++) {
		sqlite3 *other = NULL;
		assert_int_equal(run(f->db, modes[i]), SQLITE_OK);
		assert_int_equal(sqlite3_open(PATH, &other), SQLITE_OK);
		assert_int_equal(run(f->db, "BEGIN IMMEDIATE"), SQLITE_OK);
		assert_int_equal(run(other, "BEGIN IMMEDIATE"), SQLITE_BUSY);
		assert_int_equal(add_row(f), SQLITE_OK);
		assert_int_equal(run(f->db, "COMMIT"), SQLITE_OK);
		assert_int_equal(run(other, "BEGIN EXCLUSIVE"), SQLITE_OK);
		assert_int_equal(add_row(f), SQLITE_BUSY);
		assert_int_equal(run(other, "ROLLBACK"), SQLITE_OK);
		assert_int_equal(sqlite3_close(other), SQLITE_OK);
	}
}

static void temporary_files_are_refused_and_counted(void **state)
{
	struct fx *f = *state;
	f->db = connect(WAL_FULL);
	assert_int_equal(sim_vfs_temp_files(), 0);
	assert_int_equal(run(f->db, "PRAGMA temp_store=FILE; PRAGMA cache_size=1;"
				    "CREATE TEMP TABLE big (b)"),
			 SQLITE_OK);
	assert_int_equal(run(f->db, "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1"
				    " FROM c WHERE n < 5000) INSERT INTO big SELECT"
				    " randomblob(1000) FROM c"),
			 SQLITE_CANTOPEN);
	assert_true(sim_vfs_temp_files() > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_wal_with_full_syncs_survives_1000_cuts),
		T(a_rollback_journal_survives_1000_cuts),
		T(what_is_only_found_may_be_lost),
		T(without_syncs_rows_are_lost),
		T(full_disks_and_bad_sectors_have_their_codes),
		T(a_reader_keeps_its_view_while_another_writes),
		T(two_writers_exclude_each_other),
		T(temporary_files_are_refused_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
