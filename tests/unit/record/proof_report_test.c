/* A therapist's report counts what visits proved (DOMAIN 4.6). */
#include "record/proof_report.h"

#include "base/check.h"
#include "unit/record/proof_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS_MAX 16

static void add(struct proof_report *r, const struct proof_row *rows, size_t count)
{
	struct proof_set sets[ROWS_MAX];
	proof_report_add(r, sets, proof_pair(rows, count, sets));
}

static void expect(const struct proof_tally *t, struct proof_tally want)
{
	assert_int_equal(t->tested, want.tested);
	assert_int_equal(t->again, want.again);
	assert_int_equal(t->improved, want.improved);
	assert_int_equal(t->within, want.within);
	assert_int_equal(t->worse, want.worse);
	assert_int_equal(t->not_comparable, want.not_comparable);
}

static void test_46_visits_and_what_they_proved(void **state)
{
	(void)state;
	struct proof_report r = { 0 };
	struct proof_row by_eye = turn(POST, 64);
	by_eye.method = BY_EYE;
	const struct proof_row first[] = {
		turn(PRE, 50),  row_of("nprs", PRE, 6),  row_of("sp_ftf", PRE, 20),
		turn(POST, 60), row_of("nprs", POST, 5), row_of("sp_ftf", POST, 30),
	};
	const struct proof_row second[] = { turn(PRE, 50), by_eye };
	const struct proof_row third[] = { turn(PRE, 50) };
	add(&r, first, COUNT_OF(first));
	add(&r, second, COUNT_OF(second));
	add(&r, third, COUNT_OF(third));
	add(&r, NULL, 0);
	assert_int_equal(r.visits, 4);
	assert_int_equal(r.visits_enough, 1);
	expect(&r.all, (struct proof_tally){ 5, 4, 1, 1, 1, 1 });
	assert_int_equal(r.group_count, 3);
	assert_string_equal(r.groups[0].name, "cervical");
	expect(&r.groups[0].tally, (struct proof_tally){ 3, 2, 1, 0, 0, 1 });
}

static void test_46_what_was_left_out_is_no_assessment(void **state)
{
	(void)state;
	struct proof_report r = { 0 };
	struct proof_row declined = turn(PRE, 0);
	declined.has_value = false;
	declined.skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_DECLINED;
	struct proof_row not_again = turn(POST, 0);
	not_again.has_value = false;
	not_again.skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_TIME;
	const struct proof_row one[] = { declined, row_of("sleep", PRE, 5) };
	const struct proof_row two[] = { turn(PRE, 50), not_again };
	add(&r, one, COUNT_OF(one));
	expect(&r.all, (struct proof_tally){ 0 });
	add(&r, two, COUNT_OF(two));
	expect(&r.all, (struct proof_tally){ .tested = 1 });
}

/* So many joints and regions can come, and no more. */
static void test_the_catalogue_fits(void **state)
{
	(void)state;
	struct proof_report r = { 0 };
	size_t count = 0;
	const struct catalogue_entry *table = catalogue_table(&count);
	for (size_t i = 0; i < count; i++) {
		const struct proof_row row = row_of(table[i].ref, PRE, 1);
		add(&r, &row, 1);
	}
	assert_in_range(r.group_count, 10, PROOF_REPORT_GROUPS_MAX);
	assert_int_equal(r.visits, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_46_visits_and_what_they_proved),
		cmocka_unit_test(test_46_what_was_left_out_is_no_assessment),
		cmocka_unit_test(test_the_catalogue_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
