#include "record/measure.h"

#include "base/check.h"
#include "record/catalogue.h"
#include "unit/record/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static Roomkeep__Measure sample(void)
{
	return sample_of(KIND_MEASURE).measure;
}

static void expect(const Roomkeep__Measure *m, const char *bad_field, const char *allowed)
{
	struct record_error error = { ERR_OK, NULL, NULL };
	const enum err e = measure_check(m, &error);
	assert_int_equal(e, bad_field == NULL ? ERR_OK : ERR_BAD_VALUE);
	assert_int_equal(e, error.err);
	if (bad_field == NULL) return;
	assert_string_equal(error.field, bad_field);
	if (allowed != NULL) assert_string_equal(error.allowed, allowed);
}

static void test_words_and_back(void **state)
{
	(void)state;
	static const struct {
		enum measure_list list;
		const ProtobufCEnumDescriptor *values;
	} lists[] = {
		{ MEASURE_MODE, &roomkeep__mode__descriptor },
		{ MEASURE_POSITION, &roomkeep__position__descriptor },
		{ MEASURE_METHOD, &roomkeep__method__descriptor },
		{ MEASURE_END_FEEL, &roomkeep__end_feel__descriptor },
		{ MEASURE_SKIPPED, &roomkeep__skipped_reason__descriptor },
	};
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const enum measure_list list = lists[i].list;
		const int count = (int)lists[i].values->n_values;
		assert_null(measure_word(list, 0));
		assert_null(measure_word(list, count));
		assert_null(measure_word(list, -1));
		assert_int_equal(measure_word_parse(list, "nonsense"), 0);
		assert_int_equal(measure_word_parse(list, ""), 0);
		for (int value = 1; value < count; value++) {
			const char *word = measure_word(list, value);
			assert_non_null(word);
			assert_int_equal(measure_word_parse(list, word), value);
			assert_non_null(strstr(measure_words(list), word));
		}
	}
	assert_string_equal(measure_word(MEASURE_METHOD, ROOMKEEP__METHOD__METHOD_PATIENT),
			    "patient");
}

/* A row of this ref with nothing said but a value or a result. */
static Roomkeep__Measure plain(const char *ref)
{
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	const struct catalogue_entry *e = catalogue_find(view_str(ref));
	assert_non_null(e);
	m.measure_id = sample_id(5);
	m.ref = wire_text(ref);
	m.phase = ROOMKEEP__PHASE__PRE;
	m.has_side = e->side_required;
	m.side = ROOMKEEP__SIDE__LEFT;
	m.has_value_milli = e->takes_value;
	if (e->takes_value) m.unit = wire_text(e->unit);
	m.has_result = !e->takes_value;
	m.result = ROOMKEEP__TEST_RESULT__POSITIVE;
	return m;
}

static void test_each_kind_has_its_methods(void **state)
{
	(void)state;
	static const struct {
		const char *ref;
		const char *methods; /* by value: g i t v c t p */
	} rows[] = {
		{ "cx_rot", "12.4..." },     { "sp_ftf", "..34..." }, { "tm_open", "..34..." },
		{ "sh_hbb", "...45.." },     { "nprs", "......7" },   { "mmt", "......." },
		{ "mmt_sh_abd", "......." }, { "gn_sls", "123456." },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (int method = 1; method <= 7; method++) {
			Roomkeep__Measure m = plain(rows[i].ref);
			m.has_method = true;
			m.method = (Roomkeep__Method)method;
			const bool fits = rows[i].methods[method - 1] != '.';
			expect(&m, fits ? NULL : "method", NULL);
		}
		Roomkeep__Measure m = plain(rows[i].ref);
		expect(&m, NULL, NULL);
		m.has_method = true;
		m.method = (Roomkeep__Method)99;
		expect(&m, "method", NULL);
	}
	Roomkeep__Measure m = sample();
	m.method = ROOMKEEP__METHOD__METHOD_TAPE;
	expect(&m, "method", "goniometer, inclinometer or visual");
}

static void test_mode_and_end_feel_where_they_mean_something(void **state)
{
	(void)state;
	Roomkeep__Measure m = sample();
	expect(&m, NULL, NULL);
	m = plain("nprs");
	m.has_mode = true;
	m.mode = ROOMKEEP__MODE__MODE_ACTIVE;
	expect(&m, "mode", NULL);
	m = plain("mmt_sh_abd");
	m.has_mode = true;
	m.mode = ROOMKEEP__MODE__MODE_PASSIVE;
	expect(&m, "mode", NULL);
	m.mode = ROOMKEEP__MODE__MODE_RESISTED;
	expect(&m, NULL, NULL);
	m.has_end_feel = true;
	m.end_feel = ROOMKEEP__END_FEEL__END_FEEL_HARD;
	expect(&m, "end_feel", NULL);
	m = plain("sh_neer");
	m.has_end_feel = true;
	expect(&m, "end_feel", NULL);
}

static void test_a_skipped_row_says_why_and_nothing_else(void **state)
{
	(void)state;
	Roomkeep__Measure m = plain("cx_rot");
	m.has_skipped_reason = true;
	m.skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_DECLINED;
	expect(&m, "value_milli", "exactly one of value, result and skipped_reason");
	m.has_value_milli = false;
	expect(&m, "unit", NULL);
	m.unit = NULL;
	expect(&m, NULL, NULL);
	m.has_pain_at_end = true;
	expect(&m, "pain_at_end", NULL);
	m.has_pain_at_end = false;
	m.limited_by = wire_text("pain");
	expect(&m, "limited_by", NULL);
	m.limited_by = NULL;
	m.has_end_feel = true;
	expect(&m, "end_feel", NULL);
	m.has_end_feel = false;
	m.has_side = false;
	expect(&m, "side", NULL); /* which side was not measured still counts */
	m = plain("sh_neer");
	m.has_skipped_reason = true;
	expect(&m, "result", NULL);
}

static void test_only_mid_and_post_rows_name_a_pair(void **state)
{
	(void)state;
	Roomkeep__Measure m = sample();
	m.phase = ROOMKEEP__PHASE__PRE;
	expect(&m, "pair_id", NULL);
	m.phase = ROOMKEEP__PHASE__POST;
	expect(&m, NULL, NULL);
	m.phase = ROOMKEEP__PHASE__MID;
	expect(&m, NULL, NULL);
	m.pair_id = m.measure_id;
	expect(&m, "pair_id", "another row than itself");
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static void expect_pair(const Roomkeep__Measure *m, const struct session_state *s,
			const char *bad_field)
{
	struct record_error error = { ERR_OK, NULL, NULL };
	const enum err e = measure_check_pair(m, s, &error);
	assert_int_equal(e, bad_field == NULL ? ERR_OK : ERR_BAD_VALUE);
	if (bad_field != NULL) assert_string_equal(error.field, bad_field);
}

static void test_a_post_row_is_taken_like_its_pre_row(void **state)
{
	(void)state;
	struct fold_measure pre = { .measure_id = { { 6 } },
				    .ref = view_str("cx_rot"),
				    .phase = ROOMKEEP__PHASE__PRE,
				    .has_side = true,
				    .side = ROOMKEEP__SIDE__LEFT,
				    .mode = ROOMKEEP__MODE__MODE_ACTIVE,
				    .position = ROOMKEEP__POSITION__POSITION_SEATED,
				    .method = ROOMKEEP__METHOD__METHOD_GONIOMETER };
	const struct fold_measure *list[] = { &pre };
	const struct session_state s = { .measures = list, .measure_count = 1 };
	const struct session_state empty = { 0 };
	Roomkeep__Measure m = sample();
	m.has_pair_id = false;
	expect_pair(&m, &empty, NULL);
	m.has_pair_id = true;
	m.pair_id = sample_id(6);
	expect_pair(&m, &s, NULL);
	expect_pair(&m, &empty, "pair_id"); /* of another session, or of another patient's */

	Roomkeep__Measure other = m;
	other.ref = wire_text("cx_lat");
	expect_pair(&other, &s, "ref");
	other = m;
	other.side = ROOMKEEP__SIDE__RIGHT;
	expect_pair(&other, &s, "side");
	other.has_side = false;
	expect_pair(&other, &s, "side");
	other = m;
	other.mode = ROOMKEEP__MODE__MODE_PASSIVE;
	expect_pair(&other, &s, "mode");
	other = m;
	other.position = ROOMKEEP__POSITION__POSITION_SUPINE;
	expect_pair(&other, &s, "position");
	other = m;
	other.method = ROOMKEEP__METHOD__METHOD_VISUAL;
	expect_pair(&other, &s, "method");
	other.method = ROOMKEEP__METHOD__METHOD_UNKNOWN;
	expect_pair(&other, &s, "method");
	pre.phase = ROOMKEEP__PHASE__MID;
	expect_pair(&m, &s, "pair_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_back),
		cmocka_unit_test(test_each_kind_has_its_methods),
		cmocka_unit_test(test_mode_and_end_feel_where_they_mean_something),
		cmocka_unit_test(test_a_skipped_row_says_why_and_nothing_else),
		cmocka_unit_test(test_only_mid_and_post_rows_name_a_pair),
		cmocka_unit_test(test_a_post_row_is_taken_like_its_pre_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
