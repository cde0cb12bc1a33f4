/* common/db on the simulated disk: what db_open_writer has found stays, what db_commit has called
 * committed stays, and full or failing disks have their names. */
#include "db/db.h"
#include "sim/sim_drive.h"
#include "sim/sim_vfs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROUNDS 400

static const char *const steps[] = { "CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB) STRICT;" };
static const struct db_schema schema = { 0x31323334, steps, 1 };

struct fx {
	struct rand_seeded seeds[2];
	struct rand_source rand;
	uint64_t now_ms;
	struct drive *d;
	struct db *db;
	uint64_t visits_left;
	struct drive_image *image;
	bool power;
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
	fx.rand = rand_seeded_init(&fx.seeds[0], 21);
	fx.d = drive_new("/sim/a", rand_seeded_init(&fx.seeds[1], 22), &fx.now_ms);
	sim_vfs_install(fx.rand);
	drive_set_visitor(fx.d, on_visit, &fx);
	drive_expose(fx.d, true);
	assert_int_equal(db_open_writer("/sim/a", "x.db", &schema, &fx.db), ERR_OK);
	*state = &fx;
	return 0;
}

static int teardown(void **state)
{
	struct fx *f = *state;
	db_close(f->db);
	drive_free(f->d);
	return 0;
}

static enum err add_row(struct fx *f)
{
	TRY(db_begin(f->db));
	const enum err e = db_run(f->db, "INSERT INTO t (b) VALUES (randomblob(?1))",
				  DB_ARGS(db_u64(rand_below(&f->rand, 9000))));
	if (e == ERR_OK) return db_commit(f->db);
	db_rollback(f->db);
	return e;
}

static uint64_t rows(struct fx *f)
{
	uint64_t n = 0;
	assert_int_equal(db_get_u64(f->db, "SELECT count(*) FROM t", DB_NO_ARGS, &n), ERR_OK);
	return n;
}

static void die(struct fx *f, bool power)
{
	if (f->image == NULL) f->image = drive_take_image(f->d, power);
	db_close(f->db);
	f->db = NULL;
	drive_put_image(f->d, f->image);
	f->image = NULL;
}

static void open_again(struct fx *f)
{
	assert_int_equal(db_open_writer("/sim/a", "x.db", &schema, &f->db), ERR_OK);
}

static void the_first_commit_survives(void **state)
{
	struct fx *f = *state;
	assert_int_equal(add_row(f), ERR_OK);
	for (int i = 0; i < 20; i++) {
		die(f, true);
		assert_non_null(drive_find(f->d, "x.db"));
		assert_non_null(drive_find(f->d, "x.db-wal"));
		open_again(f);
		assert_int_equal(rows(f), 1);
	}
}

/* Killed at some write or sync; opened; the plug is pulled before anything else is written. */
static void what_a_writer_finds_stays(void **state)
{
	struct fx *f = *state;
	for (int i = 0; i < ROUNDS; i++) {
		f->visits_left = 1 + rand_below(&f->rand, 12);
		while (f->image == NULL) assert_int_equal(add_row(f), ERR_OK);
		die(f, false);
		open_again(f);
		const uint64_t found = rows(f);
		die(f, true);
		open_again(f);
		assert_int_equal(rows(f), found);
	}
}

/* SECURITY 3.3: a failed sync ends the process; the next one looks at what is there. */
static void what_is_found_after_a_failed_sync_stays(void **state)
{
	struct fx *f = *state;
	int there = 0;
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(add_row(f), ERR_OK); /* syncs a new head of the WAL as well */
		const uint64_t before = rows(f);
		drive_break(f->d, DRIVE_SYNC, 0, 1, 1000);
		const enum err e = add_row(f);
		drive_mend(f->d);
		assert_int_equal(e, ERR_IO);
		assert_int_equal(rows(f), before);
		if (rand_below(&f->rand, 2) == 0) {
			die(f, false);
		} else {
			db_close(f->db);
			f->db = NULL;
		}
		open_again(f);
		const uint64_t found = rows(f);
		assert_true(found == before || found == before + 1);
		there += found > before;
		die(f, true);
		open_again(f);
		assert_int_equal(rows(f), found);
	}
	assert_true(there > 0);
}

static void a_full_disk_is_named(void **state)
{
	struct fx *f = *state;
	drive_fill(f->d, 0, 1000);
	assert_int_equal(add_row(f), ERR_DISK_FULL);
	assert_int_equal(db_check_space("/sim/a", DB_SPACE_DEFAULT), ERR_DISK_FULL);
	db_close(f->db);
	f->db = NULL;
	drive_fill(f->d, 0, 1000); /* what was freed is taken */
	assert_int_equal(db_open_writer("/sim/a", "x.db", &schema, &f->db), ERR_DISK_FULL);
	f->now_ms += 1000;
	assert_int_equal(db_check_space("/sim/a", DB_SPACE_DEFAULT), ERR_OK);
	open_again(f);
	assert_int_equal(add_row(f), ERR_OK);
}

static void one_writer_at_a_time(void **state)
{
	struct fx *f = *state;
	struct db *other = NULL;
	assert_int_equal(db_open_writer("/sim/a", "x.db", &schema, &other), ERR_BUSY);
	assert_int_equal(db_open_reader("/sim/a", "x.db", &schema, &other), ERR_OK);
	db_close(other);
	assert_int_equal(db_open_reader("/sim/a", "y.db", &schema, &other), ERR_NOT_FOUND);
	die(f, false);
	open_again(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_first_commit_survives),
		T(what_a_writer_finds_stays),
		T(what_is_found_after_a_failed_sync_stays),
		T(a_full_disk_is_named),
		T(one_writer_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
