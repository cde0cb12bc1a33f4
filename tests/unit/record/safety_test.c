/* The safety card: what is on it, for every jurisdiction. */
#include "record/safety.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_45_each_card_has_steps_then_a_line_then_a_duty(void **state)
{
	(void)state;
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		const struct safety_row *row;
		unsigned counts[SAFETY_DUTY + 1] = { 0 };
		int last = SAFETY_DO;
		for (size_t i = 0; (row = safety_row((enum law_jurisdiction)j, i)) != NULL; i++) {
			assert_true((int)row->what >= last);
			last = (int)row->what;
			counts[row->what]++;
			assert_true(row->text[0] != '\0');
			assert_int_equal(row->number[0] != '\0', row->what == SAFETY_CALL);
			/* A fact names its source, or says that nobody looked it up. */
			if (row->what != SAFETY_DO)
				assert_int_equal(row->source[0] == '\0', row->own_knowledge);
		}
		for (int what = SAFETY_DO; what <= (int)SAFETY_DUTY; what++)
			assert_true(counts[what] > 0);
	}
}

static void test_45_rows_have_their_words(void **state)
{
	(void)state;
	assert_string_equal(safety_what_name(SAFETY_DO), "do");
	assert_string_equal(safety_what_name(SAFETY_CALL), "call");
	assert_string_equal(safety_what_name(SAFETY_DUTY), "duty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_45_each_card_has_steps_then_a_line_then_a_duty),
		cmocka_unit_test(test_45_rows_have_their_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
