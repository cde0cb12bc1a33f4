/* What goes on the page: everything that can be compared, in the order in which it was taken, and
 * nothing by how it came out. */
#include "client/api/proof_sheet.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "unit/record/proof_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define DAY (24ull * 3600 * 1000)
#define NOW 1700000000000u

static enum err make(const struct proof_visit *list, size_t count, uint64_t now_ms,
		     struct proof_sheet *ret)
{
	union {
		const struct proof_visit *in;
		struct proof_visit *out;
	} v = { .in = list };
	const struct proof_visits visits = { v.out, count };
	return proof_sheet_make(&visits, now_ms, ret);
}

static void at(struct proof_row *rows, size_t count, uint64_t ms)
{
	for (size_t i = 0; i < count; i++) rows[i].at_ms = ms + 1000 * (uint64_t)rows[i].phase;
}

static void test_better_worse_and_neutral_all_go_in(void **state)
{
	(void)state;
	struct proof_row rows[] = {
		turn(PRE, 50),           row_of("cx_lat", PRE, 40),  row_of("nprs", PRE, 4),
		row_of("mood", PRE, 2),  row_of("ch_exp", PRE, 3),   turn(MID, 55),
		turn(POST, 64),          row_of("cx_lat", POST, 25), row_of("nprs", POST, 5),
		row_of("mood", POST, 5), row_of("ch_exp", POST, 5),
	};
	at(rows, COUNT_OF(rows), NOW);
	const struct proof_visit visit = { .started_ms = NOW,
					   .rows = rows,
					   .row_count = COUNT_OF(rows) };
	CLEANUP(proof_sheet_finip) struct proof_sheet s = { 0 };
	assert_int_equal(make(&visit, 1, NOW, &s), ERR_OK);
	const struct proof_page_panel *p = &s.page.today;
	assert_string_equal(p->heading, "Today");
	assert_int_equal(p->count, 3);
	assert_string_equal(p->tests[0].title, "Neck rotation, left");
	assert_string_equal(p->tests[0].bars[1].text, "55 degrees");
	assert_int_equal(p->tests[0].band_milli, 6000);
	assert_string_equal(p->tests[1].title, "Neck lateral flexion, left");
	assert_non_null(strstr(p->tests[1].sentence, "less far"));
	assert_non_null(strstr(p->tests[2].sentence, "About the same"));
	assert_string_equal(p->tests[2].how, "less is better");
	assert_int_equal(p->tests[2].high_milli, 10000);
	assert_false(p->tests[2].bars[1].there);
	/* Chest expansion has no known error; mood is never spoken of. */
	assert_non_null(strstr(p->note, "1 more cannot be compared"));
	assert_non_null(strstr(p->note, "rule of thumb for: Neck lateral flexion, left; Numeric"));
	assert_null(strstr(p->note, "ood"));
	assert_int_equal(s.page.whole.count, 0);
	assert_non_null(strstr(s.page.whole.note, "This is the first"));
}

static void test_tests_by_hand_are_said_in_words_and_red_flags_are_not(void **state)
{
	(void)state;
	struct proof_row rows[] = {
		turn(PRE, 50),  result_of("cx_spurling", PRE, 1),  result_of("cx_vbi", PRE, 1),
		turn(POST, 64), result_of("cx_spurling", POST, 2), result_of("cx_vbi", POST, 1)
	};
	at(rows, COUNT_OF(rows), NOW);
	const struct proof_visit visit = { .started_ms = NOW, .rows = rows, .row_count = 6 };
	CLEANUP(proof_sheet_finip) struct proof_sheet s = { 0 };
	assert_int_equal(make(&visit, 1, NOW, &s), ERR_OK);
	assert_non_null(strstr(s.page.today.note,
			       "Spurling compression. Before: positive. Now: negative."));
	assert_null(strstr(s.page.today.note, "ertebral"));
}

static void test_since_the_first_visit(void **state)
{
	(void)state;
	struct proof_row first[] = { turn(PRE, 40), turn(POST, 55), row_of("nprs", PRE, 7),
				     row_of("nprs", POST, 5) };
	struct proof_row second[] = { turn(PRE, 50), turn(POST, 66) };
	struct proof_row third[] = { row_of("nprs", PRE, 5) }; /* not measured again */
	at(first, COUNT_OF(first), NOW - 8 * DAY);
	at(second, COUNT_OF(second), NOW);
	at(third, COUNT_OF(third), NOW + DAY);
	const struct proof_visit visits[] = {
		{ .session_id = { { 1 } },
		  .started_ms = NOW - 8 * DAY,
		  .rows = first,
		  .row_count = 4 },
		{ .session_id = { { 2 } }, .started_ms = NOW, .rows = second, .row_count = 2 },
		{ .session_id = { { 3 } }, .started_ms = NOW + DAY, .rows = third, .row_count = 1 },
	};
	CLEANUP(proof_sheet_finip) struct proof_sheet s = { 0 };
	assert_int_equal(make(visits, 3, NOW, &s), ERR_OK);
	assert_int_equal(s.session_id.b[0], 2);
	assert_int_equal(s.page.today.count, 1);
	assert_int_equal(s.page.whole.count, 1);
	const struct proof_page_test *t = &s.page.whole.tests[0];
	assert_string_equal(t->bars[0].text, "40 degrees");
	assert_string_equal(t->bars[2].text, "66 degrees");
	assert_string_equal(t->bars[0].label, "6 Nov 2023");
	assert_string_equal(t->bars[2].label, "Today");
	assert_false(t->bars[1].there);
	assert_string_equal(t->sentence,
			    "You turned 26 degrees further; the measure is good to about 6.");
	assert_string_equal(s.page.date, "14 November 2023");
	proof_sheet_fini(&s);
	/* A week later it is no longer today's. */
	assert_int_equal(make(visits, 3, NOW + 7 * DAY, &s), ERR_OK);
	assert_string_equal(s.page.today.heading, "Visit of 14 November 2023");
	assert_string_equal(s.page.whole.tests[0].bars[2].label, "14 Nov 2023");
}

static void test_nothing_to_show(void **state)
{
	(void)state;
	struct proof_sheet s;
	struct proof_row rows[] = { turn(PRE, 50), row_of("mood", PRE, 2),
				    row_of("mood", POST, 4) };
	const struct proof_visit visit = { .started_ms = NOW, .rows = rows, .row_count = 3 };
	assert_int_equal(make(&visit, 1, NOW, &s), ERR_NOT_FOUND);
	assert_int_equal(make(NULL, 0, NOW, &s), ERR_NOT_FOUND);
}

static void test_the_scale_holds_every_bar_and_the_band(void **state)
{
	(void)state;
	struct proof_row rows[] = { row_of("kn_ext", PRE, -12), row_of("kn_ext", POST, -2),
				    row_of("sh_abd", PRE, 170), row_of("sh_abd", POST, 200) };
	at(rows, COUNT_OF(rows), NOW);
	const struct proof_visit visit = { .started_ms = NOW, .rows = rows, .row_count = 4 };
	CLEANUP(proof_sheet_finip) struct proof_sheet s = { 0 };
	assert_int_equal(make(&visit, 1, NOW, &s), ERR_OK);
	for (size_t i = 0; i < s.page.today.count; i++) {
		const struct proof_page_test *t = &s.page.today.tests[i];
		assert_true(t->low_milli <= t->bars[0].milli - t->band_milli);
		assert_true(t->high_milli >= t->bars[0].milli + t->band_milli);
		assert_true(t->high_milli >= t->bars[2].milli && t->low_milli < t->high_milli);
	}
	assert_string_equal(s.page.today.tests[0].bars[0].text, "-12 degrees");
}

static void test_who_measured_in_an_imported_session(void **state)
{
	(void)state;
	struct fold_measure m = { .meta = { .author_id = { { 9 } } },
				  .ref = view_str("cx_rot"),
				  .phase = PRE,
				  .has_value = true,
				  .value_milli = 50000 };
	const struct fold_measure *list[] = { &m };
	struct session_state s = { .therapist_id = { { RATER_JO } },
				   .measures = list,
				   .measure_count = 1 };
	struct proof_session p;
	assert_int_equal(proof_session_of(&s, &p), ERR_OK);
	assert_int_equal(p.rows[0].rater_id.b[0], 9);
	proof_session_fini(&p);
	s.imported = true;
	assert_int_equal(proof_session_of(&s, &p), ERR_OK);
	assert_int_equal(p.rows[0].rater_id.b[0], RATER_JO);
	proof_session_fini(&p);
	m.has_rater = true;
	m.rater_id.b[0] = 8;
	assert_int_equal(proof_session_of(&s, &p), ERR_OK);
	assert_int_equal(p.rows[0].rater_id.b[0], 8);
	assert_int_equal(p.set_count, 1);
	proof_session_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_better_worse_and_neutral_all_go_in),
		cmocka_unit_test(test_tests_by_hand_are_said_in_words_and_red_flags_are_not),
		cmocka_unit_test(test_since_the_first_visit),
		cmocka_unit_test(test_nothing_to_show),
		cmocka_unit_test(test_the_scale_holds_every_bar_and_the_band),
		cmocka_unit_test(test_who_measured_in_an_imported_session),
	};
	if (setenv("TZ", "UTC", 1) != 0) return 1;
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
