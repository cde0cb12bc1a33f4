#include "record/suggest.h"

#include "base/check.h"
#include "unit/record/proof_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *region(const char *typed)
{
	return suggest_region(view_str(typed));
}

static const char *complaint(const char *typed)
{
	return suggest_complaint(view_str(typed));
}

static void test_people_type_as_they_like(void **state)
{
	(void)state;
	assert_string_equal(region("neck"), "neck");
	assert_string_equal(region("Lower Back, left"), "low_back");
	assert_string_equal(region("low-back"), "low_back");
	assert_string_equal(region("upper back"), "mid_back");
	assert_string_equal(region("back"), "low_back");
	assert_string_equal(region("TMJ"), "jaw");
	assert_null(region("aura"));
	assert_null(region(""));
	assert_string_equal(complaint("Headache in the evening"), "headache");
	assert_string_equal(complaint("pins and needles"), "tingling");
	assert_string_equal(complaint("cannot turn"), "stiffness");
	assert_string_equal(complaint("it aches"), "pain");
	assert_null(complaint("odd"));
}

static void test_every_row_suggests_one_of_each(void **state)
{
	(void)state;
	size_t count;
	const struct catalogue_suggestion *rows = catalogue_suggestions(&count);
	assert_true(count >= 40);
	for (size_t i = 0; i < count; i++) {
		struct suggest_test t[SUGGEST_TESTS];
		/* The names are words that people type, and lead back to the row. */
		assert_string_equal(region(rows[i].region), rows[i].region);
		assert_string_equal(complaint(rows[i].complaint), rows[i].complaint);
		assert_non_null(strstr(suggest_regions(), rows[i].region));
		assert_int_equal(suggest_tests(rows[i].region, rows[i].complaint, NULL, 0, t), 3);
		assert_int_equal(t[0].entry->kind, CATALOGUE_ROM);
		assert_string_equal(t[0].entry->ref, rows[i].rom);
		assert_true(t[1].entry->kind == CATALOGUE_TEST ||
			    t[1].entry->kind == CATALOGUE_MMT);
		assert_int_equal(t[2].entry->kind, CATALOGUE_SCALE);
		for (size_t j = 0; j < SUGGEST_TESTS; j++) {
			assert_false(t[j].from_last);
			/* Never a test that may harm as a first idea. */
			assert_string_not_equal(t[j].entry->alert, "refer");
		}
	}
}

static void test_an_unknown_complaint_gets_the_first_of_the_region(void **state)
{
	(void)state;
	struct suggest_test t[SUGGEST_TESTS];
	assert_int_equal(suggest_tests("hip", "headache", NULL, 0, t), 3);
	assert_string_equal(t[0].entry->ref, "hp_ir");
	assert_int_equal(suggest_tests("hip", NULL, NULL, 0, t), 3);
	assert_int_equal(suggest_tests(NULL, "pain", NULL, 0, t), 0);
	assert_int_equal(suggest_tests("aura", "pain", NULL, 0, t), 0);
}

static void test_last_visits_tests_go_first(void **state)
{
	(void)state;
	struct proof_row last[] = { row_of("mood", PRE, 2),      row_of("sh_abd", PRE, 120),
				    row_of("sh_flex", PRE, 130), turn(PRE, 50),
				    row_of("psfs1", PRE, 4),     row_of("sh_er", POST, 60) };
	last[1].side = RIGHT;
	struct suggest_test t[SUGGEST_TESTS];
	assert_int_equal(suggest_tests("shoulder", "weakness", last, COUNT_OF(last), t), 3);
	assert_string_equal(t[0].entry->ref, "sh_abd");
	assert_int_equal(t[0].side, RIGHT);
	assert_true(t[0].from_last);
	assert_string_equal(t[1].entry->ref, "psfs1");
	assert_true(t[1].from_last);
	assert_string_equal(t[2].entry->ref, "mmt_sh_abd"); /* the kind that was missing */
	assert_false(t[2].from_last);
	/* Another region than last time: only what fits it. */
	assert_int_equal(suggest_tests("neck", NULL, last, COUNT_OF(last), t), 3);
	assert_string_equal(t[0].entry->ref, "cx_rot");
	assert_true(t[0].from_last);
	/* Not told where: what was measured last. */
	assert_int_equal(suggest_tests(NULL, NULL, last, COUNT_OF(last), t), 2);
	last[1].skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_SORE;
	assert_int_equal(suggest_tests("shoulder", NULL, last, COUNT_OF(last), t), 3);
	assert_string_equal(t[0].entry->ref, "sh_flex");
}

static void test_every_entry_is_of_some_region(void **state)
{
	(void)state;
	static const char *const regions[] = { "neck",  "jaw",      "shoulder", "elbow",
					       "wrist", "mid_back", "low_back", "pelvis",
					       "hip",   "knee",     "ankle",    "foot" };
	size_t count;
	const struct catalogue_entry *all = catalogue_table(&count);
	for (size_t i = 0; i < count; i++) {
		bool found = strcmp(all[i].group, "general") == 0 ||
			     strcmp(all[i].group, "strength") == 0;
		for (size_t j = 0; j < COUNT_OF(regions); j++) {
			found = found || suggest_is_of_region(&all[i], regions[j]);
		}
		if (!found) print_message("%s is of no region\n", all[i].ref);
		assert_true(found);
	}
	assert_false(suggest_is_of_region(catalogue_find(view_str("cx_rot")), "hip"));
	assert_false(suggest_is_of_region(catalogue_find(view_str("cx_rot")), "aura"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_people_type_as_they_like),
		cmocka_unit_test(test_every_row_suggests_one_of_each),
		cmocka_unit_test(test_an_unknown_complaint_gets_the_first_of_the_region),
		cmocka_unit_test(test_last_visits_tests_go_first),
		cmocka_unit_test(test_every_entry_is_of_some_region),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
