/* The simulated disk: what a power cut, a kill, a full disk and a failed sync leave. */
#include "sim/sim_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CUTS 300
#define LEN (4u * DRIVE_SECTOR_BYTES)

struct fx {
	struct rand_seeded seed;
	struct rand_source rand;
	uint64_t now_ms;
	struct drive *d;
};

static int setup(void **state)
{
	static struct fx fx;
	fx = (struct fx){ .now_ms = 1000 };
	fx.rand = rand_seeded_init(&fx.seed, 7);
	fx.d = drive_new("/sim/a", fx.rand, &fx.now_ms);
	drive_expose(fx.d, true);
	*state = &fx;
	return 0;
}

static int teardown(void **state)
{
	struct fx *f = *state;
	drive_free(f->d);
	return 0;
}

/* A file that is on the platter with its name, full of `byte`. */
static struct drive_file *synced_file(struct drive *d, const char *name, int byte, size_t len)
{
	uint8_t block[LEN];
	for (size_t i = 0; i < LEN; i++) block[i] = (uint8_t)byte;
	struct drive_file *f = drive_create(d, name);
	assert_int_equal(drive_write(f, 0, block, len), DRIVE_OK);
	assert_int_equal(drive_sync(f), DRIVE_OK);
	assert_int_equal(drive_sync_folder(d), DRIVE_OK);
	return f;
}

static void fill(struct drive_file *f, uint64_t at, int byte, size_t len)
{
	uint8_t block[LEN];
	for (size_t i = 0; i < LEN; i++) block[i] = (uint8_t)byte;
	assert_int_equal(drive_write(f, at, block, len), DRIVE_OK);
}

static uint8_t byte_at(struct drive_file *f, uint64_t at)
{
	uint8_t b = 0;
	size_t got = 0;
	assert_int_equal(drive_read(f, at, &b, 1, &got), DRIVE_OK);
	assert_int_equal(got, 1);
	return b;
}

static void die(struct drive *d, bool power)
{
	static unsigned deaths; /* both ways of it */
	if (deaths++ % 2 == 0) {
		drive_put_image(d, drive_take_image(d, power));
		return;
	}
	drive_stop(d);
	drive_go_on(d, power);
}

static void paths_lead_to_their_drive(void **state)
{
	struct fx *f = *state;
	const char *name = NULL;
	assert_ptr_equal(drive_of_path("/sim/a/clinic.db", &name), f->d);
	assert_string_equal(name, "clinic.db");
	assert_ptr_equal(drive_of_path("/sim/a", &name), f->d);
	assert_string_equal(name, "");
	assert_null(drive_of_path("/sim/ab/x", &name));
	assert_null(drive_of_path("/tmp/x", &name));
}

static void what_is_synced_survives(void **state)
{
	struct fx *f = *state;
	(void)synced_file(f->d, "x", 'a', LEN);
	for (int i = 0; i < CUTS; i++) {
		die(f->d, true);
		struct drive_file *x = drive_find(f->d, "x");
		assert_non_null(x);
		assert_int_equal(x->cache.len, LEN);
		for (size_t k = 0; k < LEN; k++) assert_int_equal(byte_at(x, k), 'a');
	}
}

static void a_kill_loses_nothing_and_syncs_nothing(void **state)
{
	struct fx *f = *state;
	bool lost = false;
	for (int i = 0; i < CUTS && !lost; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "x%d", i % 2);
		struct drive_file *x = drive_find(f->d, name);
		if (x == NULL) x = synced_file(f->d, name, 'a', LEN);
		fill(x, 0, 'b', LEN);
		die(f->d, false);
		x = drive_find(f->d, name);
		assert_non_null(x);
		for (size_t k = 0; k < LEN; k++) assert_int_equal(byte_at(x, k), 'b');
		die(f->d, true);
		lost = byte_at(drive_find(f->d, name), 0) == 'a';
		assert_int_equal(drive_unlink(f->d, name), DRIVE_OK);
		assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
	}
	assert_true(lost);
}

/* Sector by sector the old or the new; every way of it is seen, bytes beside it never change. */
static void an_unsynced_write_may_tear(void **state)
{
	struct fx *f = *state;
	int none = 0, all = 0, torn = 0;
	for (int i = 0; i < CUTS; i++) {
		struct drive_file *x = synced_file(f->d, "x", 'a', LEN);
		fill(x, 100, 'b', 2 * DRIVE_SECTOR_BYTES);
		die(f->d, true);
		x = drive_find(f->d, "x");
		unsigned fresh = 0;
		static const size_t from[4] = { 100, 512, 1024, 1124 };
		for (size_t k = 0; k < 3; k++) {
			const uint8_t b = byte_at(x, from[k]);
			assert_true(b == 'a' || b == 'b');
			for (size_t n = from[k]; n < from[k + 1]; n++)
				assert_int_equal(byte_at(x, n), b);
			fresh += b == 'b';
		}
		for (size_t n = 0; n < 100; n++) assert_int_equal(byte_at(x, n), 'a');
		for (size_t n = 1124; n < LEN; n++) assert_int_equal(byte_at(x, n), 'a');
		none += fresh == 0;
		all += fresh == 3;
		torn += fresh == 1 || fresh == 2;
		assert_int_equal(drive_unlink(f->d, "x"), DRIVE_OK);
		assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
	}
	assert_true(none > 10 && all > 10 && torn > 10);
}

static void a_later_write_may_survive_an_earlier_one(void **state)
{
	struct fx *f = *state;
	int later = 0, grown = 0;
	for (int i = 0; i < CUTS; i++) {
		struct drive_file *x = synced_file(f->d, "x", 'a', DRIVE_SECTOR_BYTES);
		fill(x, 0, 'b', DRIVE_SECTOR_BYTES);
		fill(x, DRIVE_SECTOR_BYTES, 'c', DRIVE_SECTOR_BYTES);
		die(f->d, true);
		x = drive_find(f->d, "x");
		if (x->cache.len > DRIVE_SECTOR_BYTES) {
			const bool whole = byte_at(x, DRIVE_SECTOR_BYTES) == 'c' &&
					   byte_at(x, 2 * DRIVE_SECTOR_BYTES - 1) == 'c';
			later += whole && byte_at(x, 0) == 'a';
			grown += !whole;
		}
		assert_int_equal(drive_unlink(f->d, "x"), DRIVE_OK);
		assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
	}
	assert_true(later > 5 &&
		    grown > 5); /* grown: the file is longer, its bytes are not there */
}

static void names_and_sizes_need_a_sync_too(void **state)
{
	struct fx *f = *state;
	int made = 0, kept = 0, longer = 0;
	for (int i = 0; i < CUTS; i++) {
		struct drive_file *old = synced_file(f->d, "old", 'a', LEN);
		assert_int_equal(drive_sync(drive_create(f->d, "new")), DRIVE_OK);
		assert_int_equal(drive_resize(old, 1), DRIVE_OK);
		die(f->d, true);
		made += drive_find(f->d, "new") != NULL;
		longer += drive_find(f->d, "old")->cache.len == LEN;
		assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
		assert_int_equal(drive_unlink(f->d, "old"), DRIVE_OK);
		(void)drive_unlink(f->d, "new");
		assert_null(drive_find(f->d, "old"));
		die(f->d, true);
		kept += drive_find(f->d, "old") != NULL;
		(void)drive_unlink(f->d, "old");
		(void)drive_unlink(f->d, "new");
		assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
		die(f->d, true);
		assert_null(drive_find(f->d, "old")); /* deleted and synced: for good */
		assert_null(drive_find(f->d, "new"));
	}
	assert_true(made > 20 && made < CUTS - 20);
	assert_true(kept > 20 && kept < CUTS - 20);
	assert_true(longer > 20 && longer < CUTS - 20);
	assert_int_equal(drive_unlink(f->d, "never"), DRIVE_MISSING);
}

static void a_full_disk_takes_what_fits(void **state)
{
	struct fx *f = *state;
	uint8_t block[LEN] = { 0 };
	struct drive_file *x = synced_file(f->d, "x", 'a', 100);
	drive_fill(f->d, 50, 1000);
	assert_int_equal(drive_space_left(f->d), 50);
	assert_int_equal(drive_write(x, 0, block, 100), DRIVE_OK); /* in place */
	assert_int_equal(drive_hits(f->d), 0);
	assert_int_equal(drive_write(x, 60, block, 140), DRIVE_NO_SPACE);
	assert_int_equal(drive_hits(f->d), DRIVE_HIT_SPACE);
	assert_int_equal(x->cache.len, 150);
	assert_int_equal(drive_take_space(f->d, 1), DRIVE_NO_SPACE);
	assert_int_equal(drive_resize(x, 120), DRIVE_OK); /* gives 30 back */
	assert_int_equal(drive_write(x, 120, block, 30), DRIVE_OK);
	assert_int_equal(drive_write(x, 150, block, 1), DRIVE_NO_SPACE);
	f->now_ms += 1000;
	assert_int_equal(drive_write(x, 150, block, LEN), DRIVE_OK);
	assert_int_equal(drive_space_left(f->d), DRIVE_SPACE_ALL);
}

static void operations_fail_when_told(void **state)
{
	struct fx *f = *state;
	uint8_t b = 'b';
	size_t got = 0;
	struct drive_file *x = synced_file(f->d, "x", 'a', 100);
	drive_break(f->d, DRIVE_READ, 1, 2, 1000);
	drive_expose(f->d, false);
	assert_int_equal(drive_read(x, 0, &b, 1, &got), DRIVE_OK);
	assert_int_equal(drive_read(x, 0, &b, 1, &got), DRIVE_OK);
	drive_expose(f->d, true);
	assert_int_equal(drive_read(x, 0, &b, 1, &got), DRIVE_OK);
	assert_int_equal(drive_read(x, 0, &b, 1, &got), DRIVE_IO);
	assert_int_equal(drive_read(x, 0, &b, 1, &got), DRIVE_IO);
	assert_int_equal(drive_read(x, 0, &b, 1, &got), DRIVE_OK);
	assert_int_equal(drive_hits(f->d), DRIVE_HIT_IO);
	drive_expose(f->d, true);
	assert_int_equal(drive_hits(f->d), 0);

	drive_break(f->d, DRIVE_WRITE, 0, 5, 1000);
	assert_int_equal(drive_write(x, 0, &b, 1), DRIVE_IO);
	assert_int_equal(drive_resize(x, 1), DRIVE_IO);
	assert_int_equal(drive_unlink(f->d, "x"), DRIVE_IO);
	f->now_ms += 1000;
	assert_int_equal(drive_write(x, 0, &b, 1), DRIVE_OK);
	drive_break(f->d, DRIVE_SYNC, 0, 5, 1000);
	assert_int_equal(drive_sync_folder(f->d), DRIVE_IO);
	drive_mend(f->d);
	assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
}

/* The next sync says OK and has nothing to write. */
static void a_failed_sync_forgets(void **state)
{
	struct fx *f = *state;
	int lost = 0, cached = 0;
	for (int i = 0; i < CUTS; i++) {
		struct drive_file *x = synced_file(f->d, "x", 'a', LEN);
		fill(x, 0, 'b', LEN);
		drive_break(f->d, DRIVE_SYNC, 0, 1, 1000);
		assert_int_equal(drive_sync(x), DRIVE_IO);
		assert_int_equal(drive_sync(x), DRIVE_OK);
		const bool seen = byte_at(x, 0) == 'b';
		die(f->d, true);
		x = drive_find(f->d, "x");
		lost += byte_at(x, 0) == 'a';
		cached += seen && byte_at(x, 0) == 'a';
		assert_int_equal(drive_unlink(f->d, "x"), DRIVE_OK);
		assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
	}
	assert_true(lost > 20 && cached > 20);
}

static void a_stopped_drive_does_nothing(void **state)
{
	struct fx *f = *state;
	uint8_t b = 'b';
	size_t got = 0;
	struct drive_file *x = synced_file(f->d, "x", 'a', LEN);
	drive_stop(f->d);
	assert_int_equal(drive_write(x, 0, &b, 1), DRIVE_IO);
	assert_int_equal(drive_resize(x, 0), DRIVE_IO);
	assert_int_equal(drive_sync(x), DRIVE_IO);
	assert_int_equal(drive_sync_folder(f->d), DRIVE_IO);
	assert_int_equal(drive_unlink(f->d, "x"), DRIVE_IO);
	assert_int_equal(drive_read(x, 0, &b, 1, &got), DRIVE_IO);
	drive_go_on(f->d, true);
	assert_int_equal(byte_at(x, 0), 'a');
	assert_int_equal(x->cache.len, LEN);
}

static void count_visit(void *ctx)
{
	++*(int *)ctx;
}

static void every_change_is_a_place_to_die(void **state)
{
	struct fx *f = *state;
	int visits = 0;
	drive_set_visitor(f->d, count_visit, &visits);
	struct drive_file *x = synced_file(f->d, "x", 'a', LEN);
	assert_int_equal(visits, 4);
	assert_int_equal(drive_resize(x, 1), DRIVE_OK);
	assert_int_equal(drive_unlink(f->d, "x"), DRIVE_OK);
	assert_int_equal(visits, 6);
	drive_expose(f->d, false);
	assert_int_equal(drive_sync_folder(f->d), DRIVE_OK);
	assert_int_equal(visits, 6);
}

static void words_are_found_wherever_they_lie(void **state)
{
	struct fx *f = *state;
	struct drive_file *x = synced_file(f->d, "x", 'a', LEN);
	assert_int_equal(drive_write(x, 10, "needle", 6), DRIVE_OK);
	assert_string_equal(drive_search(f->d, "needle"), "x");
	assert_int_equal(drive_sync(x), DRIVE_OK);
	fill(x, 0, 'a', LEN); /* still on the platter */
	assert_string_equal(drive_search(f->d, "needle"), "x");
	assert_int_equal(drive_sync(x), DRIVE_OK);
	assert_null(drive_search(f->d, "needle"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(paths_lead_to_their_drive),
		T(what_is_synced_survives),
		T(a_kill_loses_nothing_and_syncs_nothing),
		T(an_unsynced_write_may_tear),
		T(a_later_write_may_survive_an_earlier_one),
		T(names_and_sizes_need_a_sync_too),
		T(a_full_disk_takes_what_fits),
		T(operations_fail_when_told),
		T(a_failed_sync_forgets),
		T(a_stopped_drive_does_nothing),
		T(every_change_is_a_place_to_die),
		T(words_are_found_wherever_they_lie),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
