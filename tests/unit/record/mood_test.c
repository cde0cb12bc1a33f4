#include "record/mood.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool has_digit(const char *text)
{
	return strpbrk(text, "0123456789") != NULL;
}

static void test_mood_45_words_never_numbers(void **state)
{
	(void)state;
	for (int s = MOOD_SPIRITS; s <= MOOD_ENERGY; s++) {
		const enum mood_scale scale = (enum mood_scale)s;
		for (unsigned step = 1; step <= MOOD_STEP_MAX; step++) {
			const char *words = mood_words(scale, step);
			assert_false(has_digit(words));
			unsigned back = 0;
			assert_int_equal(mood_parse(scale, view_str(words), &back), ERR_OK);
			assert_int_equal(back, step);
		}
		assert_null(mood_words(scale, 0));
		assert_null(mood_words(scale, MOOD_STEP_MAX + 1));
		unsigned back = 77;
		assert_int_equal(mood_parse(scale, view_str("3"), &back), ERR_BAD_VALUE);
		assert_int_equal(mood_parse(scale, VIEW_EMPTY, &back), ERR_BAD_VALUE);
		assert_int_equal(back, 77);
	}
	for (int c = 0; c < MOOD_CHIP_COUNT; c++) {
		assert_false(has_digit(mood_chip_words((enum mood_chip)c)));
	}
	assert_non_null(mood_source_words(MOOD_MY_READ));
	assert_non_null(mood_source_words(MOOD_PATIENT_SAID));
	assert_null(mood_source_words((enum mood_source)0));
	for (unsigned flags = 1; flags < 4; flags++) {
		assert_false(has_digit(mood_flag_words(flags)));
		assert_non_null(strstr(mood_flag_words(flags), "sealed note?"));
	}
	assert_null(mood_flag_words(0));
}

static void test_mood_45_low_twice_or_a_drop_of_two(void **state)
{
	(void)state;
	const unsigned twice = MOOD_FLAG_LOW_TWICE;
	const unsigned drop = MOOD_FLAG_DROP;
	const struct {
		uint8_t before; /* spirits at the last goodbye */
		uint8_t arrival;
		uint8_t departure;
		unsigned flags;
	} rows[] = {
		{ 3, 3, 3, 0 },
		{ 2, 2, 2, twice },
		{ 1, 2, 1, twice },
		{ 3, 2, 2, 0 },
		{ 2, 2, 3, 0 },
		{ 0, 2, 2, 0 }, /* not read the time before */
		{ 2, 2, 0, 0 }, /* not read today */
		{ 3, 5, 4, 0 },
		{ 3, 5, 3, drop },
		{ 3, 4, 2, drop },
		{ 3, 3, 1, drop },
		{ 2, 4, 2, twice | drop },
		{ 3, 0, 1, 0 }, /* no read on arrival */
		{ 2, 0, 1, twice },
		{ 3, 5, 0, 0 },
		{ 3, 1, 5, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct mood_visit visits[] = {
			{ { 3, 3 }, { 1, 1 } }, /* older: not looked at */
			{ { 3, 3 }, { rows[i].before, 5 } },
			{ { rows[i].arrival, 5 }, { rows[i].departure, 1 } },
		};
		assert_int_equal(mood_flags(visits, 3), rows[i].flags);
		assert_int_equal(mood_flags(visits + 1, 2), rows[i].flags);
		assert_int_equal(mood_flags(visits + 2, 1), rows[i].flags & drop);
	}
	assert_int_equal(mood_flags(NULL, 0), 0);
}

static void test_mood_45_a_low_arrival_brings_what_helped_first(void **state)
{
	(void)state;
	const char *prompts[MOOD_PROMPTS_MAX];
	const struct {
		struct mood_read arrival;
		bool low;
	} rows[] = {
		{ { 0, 0 }, false }, { { 3, 3 }, false }, { { 5, 5 }, false }, { { 2, 5 }, true },
		{ { 5, 2 }, true },  { { 1, 0 }, true },  { { 0, 1 }, true },  { { 0, 3 }, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(mood_prompts(&rows[i].arrival, 0, prompts), rows[i].low ? 5 : 0);
	}
	const struct mood_read low = { 1, 1 };
	assert_int_equal(mood_prompts(&low, 1u << MOOD_LIFT_STORY, prompts), 6);
	assert_string_equal(prompts[0], "A story helped last time.");
	assert_string_equal(prompts[1], "Slow down.");
	assert_int_equal(mood_prompts(&low, ~0u, prompts), MOOD_PROMPTS_MAX);
	assert_string_equal(prompts[2], "Silence helped last time.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mood_45_words_never_numbers),
		cmocka_unit_test(test_mood_45_low_twice_or_a_drop_of_two),
		cmocka_unit_test(test_mood_45_a_low_arrival_brings_what_helped_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
