#include "record/proof_history.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "unit/record/proof_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_nothing_makes_nothing(void **state)
{
	(void)state;
	struct proof_history h;
	assert_int_equal(proof_history_make(NULL, 0, &h), ERR_OK);
	assert_int_equal(h.series_count, 0);
	proof_history_fini(&h);
	const struct proof_visit empty = { .row_count = 0 };
	assert_int_equal(proof_history_make(&empty, 1, &h), ERR_OK);
	assert_int_equal(h.series_count, 0);
	proof_history_fini(&h);
}

static void test_a_series_goes_over_visits_with_what_was_kept(void **state)
{
	(void)state;
	const struct proof_row first[] = { turn(PRE, 40), row_of("nprs", PRE, 7), turn(MID, 50),
					   turn(POST, 60), row_of("nprs", POST, 4) };
	const struct proof_row second[] = { turn(PRE, 50), turn(POST, 66) };
	const struct proof_row third[] = { turn(PRE, 58) };
	const struct proof_visit visits[] = { { .rows = first, .row_count = COUNT_OF(first) },
					      { .rows = second, .row_count = COUNT_OF(second) },
					      { .rows = third, .row_count = COUNT_OF(third) } };
	CLEANUP(proof_history_finip) struct proof_history h;
	assert_int_equal(proof_history_make(visits, COUNT_OF(visits), &h), ERR_OK);
	assert_int_equal(h.series_count, 2);
	const struct proof_series *s = &h.series[0];
	assert_string_equal(s->first->entry->ref, "cx_rot");
	assert_int_equal(s->point_count, 3);
	assert_ptr_equal(s->points[0].set.mid, &first[2]);
	assert_int_equal(s->points[0].set.delta.delta_milli, 20000);
	assert_false(s->points[0].has_kept);
	assert_true(s->points[1].has_kept);
	assert_int_equal(s->points[1].kept_percent, 50);
	assert_true(s->points[2].has_kept);
	assert_int_equal(s->points[2].kept_percent, 50);
	assert_int_equal(s->points[2].visit, 2);
	/* Today is the third visit's only value. */
	assert_ptr_equal(s->begin, &first[0]);
	assert_ptr_equal(s->end, &third[0]);
	assert_int_equal(s->whole.state, PROOF_IMPROVED);
	assert_int_equal(s->whole.delta_milli, 18000);
	assert_string_equal(h.series[1].first->entry->ref, "nprs");
	assert_int_equal(h.series[1].point_count, 1);
}

static void test_another_way_is_another_series(void **state)
{
	(void)state;
	struct proof_row first[] = { turn(PRE, 40), turn(POST, 60) };
	struct proof_row second[] = { turn(PRE, 50), turn(PRE, 45), turn(PRE, 47) };
	second[0].method = BY_EYE;
	second[1].side = RIGHT;
	second[2].position = SUPINE;
	const struct proof_visit visits[] = { { .rows = first, .row_count = 2 },
					      { .rows = second, .row_count = 3 } };
	CLEANUP(proof_history_finip) struct proof_history h;
	assert_int_equal(proof_history_make(visits, 2, &h), ERR_OK);
	assert_int_equal(h.series_count, 4);
	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(h.series[i].point_count, 1);
		assert_false(h.series[i].points[0].has_kept);
		assert_int_equal(h.series[i].whole.state, PROOF_NOT_COMPARABLE);
		assert_int_equal(h.series[i].whole.why, PROOF_WHY_NO_NUMBER);
	}
	assert_int_equal(h.series[0].whole.delta_milli, 20000);
}

static void test_a_row_typed_twice_is_one_point(void **state)
{
	(void)state;
	struct proof_row rows[] = { turn(PRE, 40), turn(PRE, 42), turn(POST, 60) };
	const struct proof_visit visit = { .rows = rows, .row_count = 3 };
	struct proof_history h;
	assert_int_equal(proof_history_make(&visit, 1, &h), ERR_OK);
	assert_int_equal(h.series_count, 1);
	assert_int_equal(h.series[0].point_count, 1);
	assert_ptr_equal(h.series[0].points[0].set.pre, &rows[1]);
	assert_int_equal(h.series[0].points[0].set.delta.delta_milli, 18000);
	proof_history_fini(&h);
	/* The one that was measured again stands, whichever was typed first. */
	rows[2].has_pair = true;
	rows[2].pair_id = rows[0].measure_id;
	assert_int_equal(proof_history_make(&visit, 1, &h), ERR_OK);
	assert_int_equal(h.series[0].point_count, 1);
	assert_ptr_equal(h.series[0].points[0].set.pre, &rows[0]);
	proof_history_fini(&h);
}

static void test_tests_and_skipped_rows_have_series_without_numbers(void **state)
{
	(void)state;
	struct proof_row rows[] = { result_of("sh_neer", PRE, 1), result_of("sh_neer", POST, 2),
				    result_of("cx_flex", PRE, 0) };
	rows[2].skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_SORE;
	const struct proof_visit visit = { .rows = rows, .row_count = 3 };
	CLEANUP(proof_history_finip) struct proof_history h;
	assert_int_equal(proof_history_make(&visit, 1, &h), ERR_OK);
	assert_int_equal(h.series_count, 2);
	assert_null(h.series[0].begin);
	assert_ptr_equal(h.series[0].points[0].set.post, &rows[1]);
	assert_int_equal(h.series[1].whole.why, PROOF_WHY_NO_NUMBER);
}

/* A patient of ten years: a thousand visits, eight rows each. */
static void test_a_long_history_is_made_at_once(void **state)
{
	(void)state;
	enum { VISITS = 1000, ROWS = 8 };
	struct proof_row *rows = calloc((size_t)VISITS * ROWS, sizeof(*rows));
	struct proof_visit *visits = calloc(VISITS, sizeof(*visits));
	assert_true(rows != NULL && visits != NULL);
	static const char *const refs[] = { "cx_rot", "sh_abd", "nprs", "lx_flex" };
	for (size_t v = 0; v < VISITS; v++) {
		visits[v] = (struct proof_visit){ .rows = &rows[v * ROWS], .row_count = ROWS };
		for (size_t i = 0; i < ROWS; i++) {
			rows[v * ROWS + i] = row_of(refs[i % 4], i < 4 ? PRE : POST, 5);
		}
	}
	CLEANUP(proof_history_finip) struct proof_history h;
	assert_int_equal(proof_history_make(visits, VISITS, &h), ERR_OK);
	assert_int_equal(h.series_count, 4);
	for (size_t i = 0; i < 4; i++) assert_int_equal(h.series[i].point_count, VISITS);
	free(rows);
	free(visits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_makes_nothing),
		cmocka_unit_test(test_a_series_goes_over_visits_with_what_was_kept),
		cmocka_unit_test(test_another_way_is_another_series),
		cmocka_unit_test(test_a_row_typed_twice_is_one_point),
		cmocka_unit_test(test_tests_and_skipped_rows_have_series_without_numbers),
		cmocka_unit_test(test_a_long_history_is_made_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
