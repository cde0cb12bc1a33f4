#include "record/catalogue.h"

#include "base/check.h"
#include "record/fields.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct catalogue_entry *entry(const char *ref)
{
	return catalogue_find(view_str(ref));
}

static void test_the_table_is_sorted_whole_and_found(void **state)
{
	(void)state;
	size_t count;
	const struct catalogue_entry *all = catalogue_table(&count);
	size_t kinds[4] = { 0 };
	const struct field_rule ref_rule = {
		"ref", FIELD_REF, FIELD_REQUIRED, 1, CATALOGUE_REF_BYTES_MAX, NULL
	};
	const struct field_rule unit_rule = {
		"unit", FIELD_UNIT, FIELD_REQUIRED, 1, CATALOGUE_UNIT_BYTES_MAX, NULL
	};
	for (size_t i = 0; i < count; i++) {
		const struct catalogue_entry *e = &all[i];
		assert_true(i == 0 || strcmp(all[i - 1].ref, e->ref) < 0);
		assert_ptr_equal(entry(e->ref), e);
		assert_int_equal(field_check_text(&ref_rule, view_str(e->ref), NULL), ERR_OK);
		assert_true(e->name[0] != '\0' && e->group[0] != '\0' && e->sides != 0);
		assert_true((e->unit[0] != '\0') == e->takes_value);
		if (e->takes_value) {
			assert_int_equal(field_check_text(&unit_rule, view_str(e->unit), NULL),
					 ERR_OK);
			assert_true(e->min_milli < e->max_milli);
		}
		assert_true((e->results & CATALOGUE_BIT(ROOMKEEP__TEST_RESULT__UNABLE)) != 0);
		kinds[e->kind]++;
	}
	/* Rows of the CSV files. One row less would be a catalogue that changed meaning. */
	assert_int_equal(kinds[CATALOGUE_ROM], 59);
	assert_int_equal(kinds[CATALOGUE_TEST], 132);
	assert_int_equal(kinds[CATALOGUE_SCALE], 19);
	assert_true(kinds[CATALOGUE_MMT] > 40);
	assert_null(entry("nothing"));
	assert_null(entry(""));
	assert_null(entry("cx_ro"));
	assert_null(entry("cx_rott"));
	assert_null(catalogue_find(view_of("cx_rot\0", 7)));
}

static void test_the_other_tables(void **state)
{
	(void)state;
	size_t count;
	const struct catalogue_grade *grades = catalogue_grades(&count);
	assert_int_equal(count, 13);
	assert_string_equal(grades[4].grade, "2+");
	assert_int_equal(grades[4].code_milli, 2300);
	assert_false(grades[12].tested);
	const struct catalogue_mdc *mdcs = catalogue_mdcs(&count);
	assert_int_equal(count, 29);
	assert_string_equal(mdcs[1].ref, "cx_flex");
	assert_int_equal(mdcs[1].mdc_milli, 9600);
	const struct catalogue_flag *flags = catalogue_flags(&count);
	assert_int_equal(count, 40);
	assert_string_equal(flags[0].action, "emergency");
	const struct catalogue_scale *scales = catalogue_scales(&count);
	assert_int_equal(count, 19);
	assert_string_equal(scales[0].ref, "nprs");
	assert_int_equal(scales[0].mcid_milli, 2000);
	assert_false(scales[0].higher_is_better);
}

static void test_normal_values(void **state)
{
	(void)state;
	size_t count;
	const struct catalogue_rom *roms = catalogue_roms(&count);
	assert_int_equal(count, 59);
	for (size_t i = 0; i < count; i++) {
		const struct catalogue_entry *e = entry(roms[i].ref);
		assert_non_null(e);
		assert_int_equal(e->kind, CATALOGUE_ROM);
		assert_true(e->verified == roms[i].verified);
		assert_true(roms[i].position[0] != '\0');
		/* A normal value is one that may be typed. */
		const int32_t normals[] = { roms[i].aaos_milli, roms[i].ama_milli };
		for (size_t j = 0; j < COUNT_OF(normals); j++) {
			if (normals[j] == CATALOGUE_NO_NORMAL) continue;
			assert_in_range(normals[j], 0, e->max_milli);
		}
	}
	const struct catalogue_rom *rotation = catalogue_rom_find(view_str("cx_rot"));
	assert_int_equal(rotation->aaos_milli, 60000);
	assert_int_equal(rotation->ama_milli, 80000);
	assert_string_equal(rotation->position, "seated");
	assert_string_equal(rotation->source, "M12");
	assert_false(rotation->verified);
	assert_int_equal(catalogue_rom_find(view_str("sh_hbb"))->aaos_milli, CATALOGUE_NO_NORMAL);
	assert_null(catalogue_rom_find(view_str("sh_neer")));
}

static void test_which_way_is_better(void **state)
{
	(void)state;
	static const char *const lower[] = { "sp_ftf", "th_opp",    "sh_hbb", "le_popl", "nprs",
					     "ndi",    "nprs_neck", "stress", "vas",     "dash" };
	static const char *const higher[] = { "cx_rot",  "tm_open", "kn_ext", "psfs",
					      "le_wblt", "mmt",     "lefs",   "mmt_hp_abd" };
	for (size_t i = 0; i < COUNT_OF(lower); i++) {
		assert_false(entry(lower[i])->higher_is_better);
	}
	for (size_t i = 0; i < COUNT_OF(higher); i++) {
		assert_true(entry(higher[i])->higher_is_better);
	}
	size_t count;
	const struct catalogue_scale *scales = catalogue_scales(&count);
	for (size_t i = 0; i < count; i++) {
		assert_true(scales[i].higher_is_better == entry(scales[i].ref)->higher_is_better);
	}
}

static void test_what_positive_means_and_what_is_never_proof(void **state)
{
	(void)state;
	size_t count;
	const struct catalogue_entry *all = catalogue_table(&count);
	for (size_t i = 0; i < count; i++) {
		if (all[i].kind != CATALOGUE_TEST) continue;
		assert_true(all[i].about[0] != '\0' && all[i].hint[0] != '\0');
		assert_false(all[i].verified); /* until somebody has looked them up */
	}
	assert_string_equal(entry("sh_neer")->about, "subacromial pain");
	assert_string_equal(entry("cx_vbi")->alert, "refer");
	assert_string_equal(entry("kn_lach")->alert, "caution");
	static const char *const own_eyes[] = { "mood", "sleep", "stress", "groc" };
	for (size_t i = 0; i < COUNT_OF(own_eyes); i++) {
		assert_false(catalogue_scale_find(view_str(own_eyes[i]))->is_proof);
	}
	assert_true(catalogue_scale_find(view_str("nprs"))->is_proof);
	assert_null(catalogue_scale_find(view_str("cx_rot")));
}

static Roomkeep__Measure value_of(const char *ref, const char *unit, int64_t milli, int side)
{
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	m.ref = wire_text(ref);
	m.unit = wire_text(unit);
	m.has_catalogue = true;
	m.catalogue = CATALOGUE_VERSION;
	m.has_value_milli = true;
	m.value_milli = milli;
	m.has_side = side != 0;
	m.side = (Roomkeep__Side)side;
	return m;
}

static Roomkeep__Measure result_of(const char *ref, int result, int side)
{
	Roomkeep__Measure m = value_of(ref, NULL, 0, side);
	m.has_value_milli = false;
	m.has_result = true;
	m.result = (Roomkeep__TestResult)result;
	return m;
}

static void check(Roomkeep__Measure m, const char *bad_field)
{
	struct record_error error = { ERR_OK, NULL, NULL };
	const enum err e = catalogue_check(&m, &error);
	assert_int_equal(e, error.err);
	if (bad_field == NULL) {
		assert_int_equal(e, ERR_OK);
	} else {
		assert_int_equal(e, ERR_BAD_VALUE);
		assert_string_equal(error.field, bad_field);
		assert_non_null(error.allowed);
	}
}

enum {
	L = ROOMKEEP__SIDE__LEFT,
	R = ROOMKEEP__SIDE__RIGHT,
	MID = ROOMKEEP__SIDE__MIDLINE,
	BOTH = ROOMKEEP__SIDE__BOTH,
	NO = 0
};
enum {
	POS = ROOMKEEP__TEST_RESULT__POSITIVE,
	NEG = ROOMKEEP__TEST_RESULT__NEGATIVE,
	EQ = ROOMKEEP__TEST_RESULT__EQUIVOCAL,
	UNABLE = ROOMKEEP__TEST_RESULT__UNABLE
};

static void test_range_of_motion(void **state)
{
	(void)state;
	check(value_of("cx_rot", "deg", 52000, L), NULL);
	check(value_of("cx_rot", "deg", 52000, R), NULL);
	check(value_of("cx_rot", "deg", 52000, NO), "side");
	check(value_of("cx_rot", "deg", 52000, MID), "side");
	check(value_of("cx_rot", "deg", 52000, BOTH), "side");
	check(value_of("cx_rot", "cm", 52000, L), "unit");
	check(value_of("cx_rot", NULL, 52000, L), "unit");
	check(value_of("cx_rot", "deg", -60000, L), NULL);
	check(value_of("cx_rot", "deg", -60001, L), "value_milli");
	check(value_of("cx_rot", "deg", 220000, L), NULL);
	check(value_of("cx_rot", "deg", 220001, L), "value_milli");
	check(value_of("cx_rot", "deg", INT64_MIN, L), "value_milli");
	check(value_of("cx_rot", "deg", INT64_MAX, L), "value_milli");
	check(result_of("cx_rot", UNABLE, L), NULL);
	check(result_of("cx_rot", POS, L), "result");
	check(value_of("cx_flex", "deg", 40000, NO), NULL);
	check(value_of("cx_flex", "deg", 40000, MID), NULL);
	check(value_of("cx_flex", "deg", 40000, L), "side");
	check(value_of("sh_hbb", "level", 7000, R), NULL);
	check(value_of("sh_hbb", "level", 21000, R), "value_milli");
	check(value_of("sp_ftf", "cm", -5000, NO), NULL);
	check(value_of("tm_open", "mm", 201000, NO), "value_milli");
}

static void test_special_tests(void **state)
{
	(void)state;
	check(result_of("sh_neer", POS, L), NULL);
	check(result_of("sh_neer", NEG, R), NULL);
	check(result_of("sh_neer", EQ, BOTH), NULL);
	check(result_of("sh_neer", UNABLE, L), NULL);
	check(result_of("sh_neer", POS, NO), "side");
	check(result_of("sh_neer", POS, MID), "side");
	check(result_of("sh_neer", 5, L), "result");
	check(result_of("sh_neer", 77, L), "result");
	check(value_of("sh_neer", "deg", 1000, L), "value_milli");
	check(result_of("cx_spurling", POS, NO), NULL);
	check(result_of("cx_spurling", POS, R), NULL);
	check(result_of("lx_slump", NEG, BOTH), NULL);
}

static void test_scales(void **state)
{
	(void)state;
	check(value_of("nprs", "points", 0, NO), NULL);
	check(value_of("nprs", "points", 10000, L), NULL);
	check(value_of("nprs", "points", 10001, NO), "value_milli");
	check(value_of("nprs", "points", -1, NO), "value_milli");
	check(value_of("groc", "points", -7000, NO), NULL);
	check(value_of("vas", "mm", 55000, NO), NULL);
	check(value_of("vas", "points", 55000, NO), "unit");
	check(value_of("odi", "percent", 100000, NO), NULL);
	check(result_of("nprs", UNABLE, NO), NULL);
	check(result_of("nprs", NEG, NO), "result");
}

static void test_muscle_tests(void **state)
{
	(void)state;
	check(value_of("mmt", "grade", 3300, NO), NULL);
	check(value_of("mmt", "grade", 5000, L), NULL);
	check(value_of("mmt", "grade", 3400, L), "value_milli");
	check(value_of("mmt", "grade", 5001, L), "value_milli");
	check(value_of("mmt_sh_abd", "grade", 1700, R), NULL);
	check(value_of("mmt_sh_abd", "grade", 1700, NO), "side");
	check(result_of("mmt_sh_abd", UNABLE, R), NULL);
	assert_null(entry("mmt_le_slr"));
	assert_null(entry("mmt_tm_open"));
}

static void test_exactly_one_of_value_and_result(void **state)
{
	(void)state;
	Roomkeep__Measure m = value_of("cx_rot", "deg", 52000, L);
	m.has_result = true;
	m.result = ROOMKEEP__TEST_RESULT__UNABLE;
	check(m, "value_milli");
	m = value_of("cx_rot", NULL, 0, L);
	m.has_value_milli = false;
	check(m, "value_milli");
	m = result_of("sh_neer", POS, L);
	m.has_result = false;
	check(m, "result");
	m = result_of("cx_rot", UNABLE, L);
	char unit[] = "deg";
	m.unit = unit;
	check(m, "unit");
}

static void test_unknown_refs(void **state)
{
	(void)state;
	check(value_of("cx_rott", "deg", 1000, L), "ref");
	check(value_of(NULL, "deg", 1000, L), "ref");
	Roomkeep__Measure m = value_of("new_thing", "deg", 1000, L);
	m.catalogue = CATALOGUE_VERSION + 1;
	assert_int_equal(catalogue_check(&m, NULL), ERR_VERSION);
}

static void test_near_misses(void **state)
{
	(void)state;
	const char *near[CATALOGUE_NEAR_MAX];
	assert_true(catalogue_suggest(view_str("cx_rott"), near) >= 1);
	assert_string_equal(near[0], "cx_rot");
	assert_true(catalogue_suggest(view_str("CX-ROT"), near) >= 1);
	assert_string_equal(near[0], "cx_rot");
	assert_true(catalogue_suggest(view_str("shneer"), near) >= 1);
	assert_string_equal(near[0], "sh_neer");
	assert_true(catalogue_suggest(view_str("npr"), near) >= 1);
	assert_string_equal(near[0], "nprs");
	assert_int_equal(catalogue_suggest(view_str("completely different"), near), 0);
	assert_int_equal(catalogue_suggest(VIEW_EMPTY, near), 0);
	const char *longest = "sh_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	assert_int_equal(catalogue_suggest(view_str(longest), near), 0);
	size_t most = 0;
	const char *vague[] = { "sh_a", "cx_ex", "kn_", "hp_i" };
	for (size_t i = 0; i < COUNT_OF(vague); i++) {
		const size_t n = catalogue_suggest(view_str(vague[i]), near);
		if (n > most) most = n;
		for (size_t j = 0; j < n; j++) assert_non_null(entry(near[j]));
	}
	assert_int_equal(most, CATALOGUE_NEAR_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_table_is_sorted_whole_and_found),
		cmocka_unit_test(test_the_other_tables),
		cmocka_unit_test(test_normal_values),
		cmocka_unit_test(test_which_way_is_better),
		cmocka_unit_test(test_what_positive_means_and_what_is_never_proof),
		cmocka_unit_test(test_range_of_motion),
		cmocka_unit_test(test_special_tests),
		cmocka_unit_test(test_scales),
		cmocka_unit_test(test_muscle_tests),
		cmocka_unit_test(test_exactly_one_of_value_and_result),
		cmocka_unit_test(test_unknown_refs),
		cmocka_unit_test(test_near_misses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
