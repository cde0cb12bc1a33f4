/* When a visit is to be measured again (DOMAIN 4.6). */
#include "record/retest.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MINUTE UINT64_C(60000)
#define START UINT64_C(1764000000000)

static enum retest_due due(uint64_t span, uint64_t after, bool asleep)
{
	struct retest_times t;
	assert_true(retest_times_of(START, START + span, &t));
	return retest_due_at(&t, START + after, asleep);
}

static void test_46_between_40_and_60_percent_of_the_time(void **state)
{
	(void)state;
	assert_int_equal(due(60 * MINUTE, 0, false), RETEST_NOTHING);
	assert_int_equal(due(60 * MINUTE, 24 * MINUTE - 1, false), RETEST_NOTHING);
	assert_int_equal(due(60 * MINUTE, 24 * MINUTE, false), RETEST_MID);
	assert_int_equal(due(60 * MINUTE, 36 * MINUTE, false), RETEST_MID);
	assert_int_equal(due(60 * MINUTE, 36 * MINUTE + 1, false), RETEST_NOTHING);
}

static void test_46_after_treatment_from_five_minutes_before_the_end(void **state)
{
	(void)state;
	assert_int_equal(due(60 * MINUTE, 55 * MINUTE - 1, false), RETEST_NOTHING);
	assert_int_equal(due(60 * MINUTE, 55 * MINUTE, false), RETEST_POST);
	assert_int_equal(due(60 * MINUTE, 600 * MINUTE, false), RETEST_POST);
}

static void test_46_who_sleeps_is_not_woken_before_the_end(void **state)
{
	(void)state;
	assert_int_equal(due(60 * MINUTE, 30 * MINUTE, true), RETEST_NOTHING);
	assert_int_equal(due(60 * MINUTE, 56 * MINUTE, true), RETEST_POST);
}

static void test_46_a_short_visit_is_not_interrupted(void **state)
{
	struct retest_times t;
	(void)state;
	assert_false(retest_times_of(START, START + RETEST_SPAN_MIN_MS - 1, &t));
	assert_true(retest_times_of(START, START + RETEST_SPAN_MIN_MS, &t));
	assert_true(t.mid_until_ms <= t.post_ms);
	assert_false(retest_times_of(START, START - 1, &t)); /* begun after its end */
}

static void test_46_words(void **state)
{
	(void)state;
	assert_null(retest_due_name(RETEST_NOTHING));
	assert_string_equal(retest_due_name(RETEST_MID), "mid");
	assert_string_equal(retest_due_name(RETEST_POST), "post");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_46_between_40_and_60_percent_of_the_time),
		cmocka_unit_test(test_46_after_treatment_from_five_minutes_before_the_end),
		cmocka_unit_test(test_46_who_sleeps_is_not_woken_before_the_end),
		cmocka_unit_test(test_46_a_short_visit_is_not_interrupted),
		cmocka_unit_test(test_46_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
