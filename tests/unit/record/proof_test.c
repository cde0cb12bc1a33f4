/* The rules of proof, one test each (DOMAIN 4.3, 4.6, 5f). */
#include "record/proof.h"

#include "base/check.h"
#include "unit/record/proof_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void expect_state(const struct proof_row *a, const struct proof_row *b,
			 enum proof_state state, int64_t delta)
{
	const struct proof_delta d = proof_compare(a, b);
	assert_int_equal(d.state, state);
	assert_int_equal(d.why, PROOF_WHY_COMPARED);
	assert_int_equal(d.delta_milli, delta);
}

static void expect_why(const struct proof_row *a, const struct proof_row *b, enum proof_why why)
{
	const struct proof_delta d = proof_compare(a, b);
	assert_int_equal(d.state, PROOF_NOT_COMPARABLE);
	assert_int_equal(d.why, why);
	assert_int_equal(d.delta_milli, 0);
	assert_int_equal(d.error.milli, 0);
}

static void test_four_states_around_the_error(void **state)
{
	(void)state;
	/* Neck by goniometer, same rater: 6 degrees. */
	const struct proof_row pre = turn(PRE, 50);
	static const struct {
		int64_t milli;
		enum proof_state state;
	} rows[] = {
		{ 56000, PROOF_IMPROVED }, { 55999, PROOF_WITHIN }, { 50000, PROOF_WITHIN },
		{ 44001, PROOF_WITHIN },   { 44000, PROOF_WORSE },  { 90000, PROOF_IMPROVED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct proof_row post = turn(POST, 0);
		post.value_milli = rows[i].milli;
		expect_state(&pre, &post, rows[i].state, rows[i].milli - 50000);
	}
	const struct proof_row post = turn(POST, 64);
	const struct proof_delta d = proof_compare(&pre, &post);
	assert_int_equal(d.error.milli, 6000);
	assert_string_equal(d.error.unit, "deg");
	assert_non_null(strstr(d.error.source, "Fletcher 2008"));
	assert_true(d.error.verified && d.same_rater);
}

static void test_plus_is_better_whichever_way_the_scale_runs(void **state)
{
	(void)state;
	struct proof_row a = row_of("sp_ftf", PRE, 20); /* fingertip to floor, tape 4.5 cm */
	struct proof_row b = row_of("sp_ftf", POST, 12);
	expect_state(&a, &b, PROOF_IMPROVED, 8000);
	expect_state(&b, &a, PROOF_WORSE, -8000);
	a = row_of("ndi", PRE, 20);
	b = row_of("ndi", POST, 15);
	expect_state(&a, &b, PROOF_IMPROVED, 5000);
	a = row_of("lefs", PRE, 40);
	b = row_of("lefs", POST, 31);
	expect_state(&a, &b, PROOF_WORSE, -9000);
	a = row_of("mmt_sh_abd", PRE, 3);
	b = row_of("mmt_sh_abd", POST, 4);
	expect_state(&a, &b, PROOF_IMPROVED, 1000);
}

static void test_only_like_with_like(void **state)
{
	(void)state;
	const struct proof_row pre = turn(PRE, 50);
	struct proof_row post = turn(POST, 64);
	post.side = RIGHT;
	expect_why(&pre, &post, PROOF_WHY_SIDE);
	post = turn(POST, 64);
	post.mode = PASSIVE;
	expect_why(&pre, &post, PROOF_WHY_MODE);
	post = turn(POST, 64);
	post.position = SUPINE;
	expect_why(&pre, &post, PROOF_WHY_POSITION);
	post = turn(POST, 64);
	post.method = BY_EYE;
	expect_why(&pre, &post, PROOF_WHY_METHOD);
	post = turn(POST, 64);
	post.has_value = false;
	post.result = ROOMKEEP__TEST_RESULT__UNABLE;
	expect_why(&pre, &post, PROOF_WHY_NO_NUMBER);
	const struct proof_row other = row_of("cx_lat", POST, 64);
	expect_why(&pre, &other, PROOF_WHY_REF);
	assert_false(proof_alike(&pre, &other));
	assert_true(proof_alike(&pre, &pre));
}

static void test_what_is_never_proof_has_no_delta(void **state)
{
	(void)state;
	static const char *const refs[] = { "mood", "sleep", "stress", "groc" };
	for (size_t i = 0; i < COUNT_OF(refs); i++) {
		const struct proof_row a = row_of(refs[i], PRE, 1);
		const struct proof_row b = row_of(refs[i], POST, 5);
		expect_why(&a, &b, PROOF_WHY_NEVER);
	}
	/* Every other scale of the table has a threshold. */
	size_t count;
	const struct catalogue_scale *scales = catalogue_scales(&count);
	for (size_t i = 0; i < count; i++) {
		struct proof_error e;
		const struct catalogue_entry *entry = catalogue_find(view_str(scales[i].ref));
		if (scales[i].is_proof) assert_true(proof_error_find(entry, 0, 0, true, &e));
	}
}

/* ---- which error ----------------------------------------------------------------------------- */

static int64_t error_of(const char *ref, Roomkeep__Mode mode, Roomkeep__Method method, bool same)
{
	struct proof_error e = { 0 };
	const struct catalogue_entry *entry = catalogue_find(view_str(ref));
	assert_non_null(entry);
	return proof_error_find(entry, mode, method, same, &e) ? e.milli : 0;
}

static void test_the_error_is_looked_up_from_exact_to_any(void **state)
{
	(void)state;
	assert_int_equal(error_of("cx_flex", ACTIVE, GONIO, true), 9600); /* exact, any method */
	assert_int_equal(error_of("cx_rot", ACTIVE, GONIO, true), 6000);  /* the joint */
	assert_int_equal(error_of("kn_flex", ACTIVE, GONIO, true), 8000);
	assert_int_equal(error_of("hp_flex", ACTIVE, GONIO, true), 5000); /* any */
	assert_int_equal(error_of("hp_ext", ACTIVE, GONIO, true), 10000);
	assert_int_equal(error_of("sh_abd", ACTIVE, BY_EYE, true), 14000);
	assert_int_equal(error_of("sh_abd", ACTIVE, BY_EYE, false), 14000); /* any rater */
	assert_int_equal(error_of("lx_flex", ACTIVE, INCLINO, true), 8000);
	assert_int_equal(error_of("cx_rot", ACTIVE, BY_EYE, true), 10000);
	assert_int_equal(error_of("le_wblt", ACTIVE, TAPE, true), 1900);
	assert_int_equal(error_of("tm_open", 0, TAPE, true), 5000);
	assert_int_equal(error_of("mmt_sh_abd", 0, 0, true), 1000);
	assert_int_equal(error_of("mmt", 0, 0, true), 1000);
	assert_int_equal(error_of("sh_neer", 0, 0, true), 0);
	/* Centimetres never borrow degrees. */
	assert_int_equal(error_of("ch_exp", 0, TAPE, true), 0);
	assert_int_equal(error_of("sh_hbb", 0, BY_EYE, true), 0);
}

static void test_another_rater_has_another_error(void **state)
{
	(void)state;
	assert_int_equal(error_of("sh_flex", ACTIVE, INCLINO, true), 5000); /* any joint */
	assert_int_equal(error_of("sh_flex", ACTIVE, INCLINO, false), 8000);
	assert_int_equal(error_of("sh_er", ACTIVE, INCLINO, true), 5000);
	assert_int_equal(error_of("sh_er", ACTIVE, INCLINO, false), 9000);
	assert_int_equal(error_of("sh_abd", PASSIVE, GONIO, false), 20000); /* passive, in pain */
	assert_int_equal(error_of("sh_abd", ACTIVE, GONIO, false), 10000);
	assert_int_equal(error_of("cx_rot", ACTIVE, GONIO, false), 10000);
	assert_int_equal(error_of("mmt", 0, 0, false), 0);

	const struct proof_row pre = turn(PRE, 50);
	struct proof_row post = turn(POST, 58);
	expect_state(&pre, &post, PROOF_IMPROVED, 8000);
	post.rater_id.b[0] = RATER_MARA;
	expect_state(&pre, &post, PROOF_WITHIN, 8000);
	assert_false(proof_compare(&pre, &post).same_rater);
	/* By eye nobody knows how far two people are apart: no delta. */
	struct proof_row eye_pre = pre;
	eye_pre.method = post.method = BY_EYE;
	expect_why(&eye_pre, &post, PROOF_WHY_RATER);
	const struct proof_row reach = row_of("ch_exp", PRE, 3);
	const struct proof_row reached = row_of("ch_exp", POST, 5);
	expect_why(&reach, &reached, PROOF_WHY_NO_ERROR);
	struct proof_row by_mara = reached;
	by_mara.rater_id.b[0] = RATER_MARA;
	expect_why(&reach, &by_mara, PROOF_WHY_NO_ERROR);
}

static void test_a_method_that_was_not_said_is_the_plainest(void **state)
{
	(void)state;
	assert_int_equal(error_of("cx_rot", 0, 0, true), 10000);
	assert_int_equal(error_of("sh_abd", 0, 0, true), 14000);
	assert_int_equal(error_of("sp_ftf", 0, 0, true), 4500);
	assert_int_equal(error_of("nprs", 0, 0, true), 2000);
}

static void test_pain_has_two_points_as_the_mark(void **state)
{
	(void)state;
	static const char *const refs[] = { "nprs", "nprs_neck", "nprs_sh" };
	for (size_t i = 0; i < COUNT_OF(refs); i++) {
		const struct proof_row a = row_of(refs[i], PRE, 6);
		const struct proof_row b = row_of(refs[i], POST, 4);
		const struct proof_row c = row_of(refs[i], POST, 5);
		expect_state(&a, &b, PROOF_IMPROVED, 2000);
		expect_state(&a, &c, PROOF_WITHIN, 1000);
	}
	/* Pain at the end of a movement, beside its degrees. */
	struct proof_row pre = turn(PRE, 50);
	struct proof_row post = turn(POST, 52);
	assert_false(proof_compare(&pre, &post).has_pain);
	pre.has_pain = post.has_pain = true;
	pre.pain_at_end = 6;
	post.pain_at_end = 4;
	struct proof_delta d = proof_compare(&pre, &post);
	assert_int_equal(d.state, PROOF_WITHIN);
	assert_true(d.has_pain && d.pain_delta == 2 && d.pain_state == PROOF_IMPROVED);
	post.pain_at_end = 8;
	d = proof_compare(&pre, &post);
	assert_true(d.pain_delta == -2 && d.pain_state == PROOF_WORSE);
	post.pain_at_end = 5;
	assert_int_equal(proof_compare(&pre, &post).pain_state, PROOF_WITHIN);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static void test_pairs_by_name_then_by_likeness(void **state)
{
	(void)state;
	struct proof_row rows[] = { turn(PRE, 50), turn(PRE, 44), turn(MID, 55), turn(POST, 60),
				    turn(POST, 62) };
	rows[1].side = rows[4].side = RIGHT;
	struct proof_set sets[COUNT_OF(rows)];
	assert_int_equal(proof_pair(rows, COUNT_OF(rows), sets), 2);
	assert_ptr_equal(sets[0].pre, &rows[0]);
	assert_ptr_equal(sets[0].mid, &rows[2]);
	assert_ptr_equal(sets[0].post, &rows[3]);
	assert_int_equal(sets[0].mid_delta.state, PROOF_WITHIN);
	assert_int_equal(sets[0].delta.state, PROOF_IMPROVED);
	assert_ptr_equal(sets[1].post, &rows[4]);
	assert_null(sets[1].mid);
	assert_int_equal(sets[1].mid_delta.why, PROOF_WHY_NO_NUMBER);
	assert_int_equal(sets[1].delta.delta_milli, 18000);

	/* A name goes before likeness, and a name that is not here is nobody's. */
	rows[1].side = LEFT; /* typed again: the newest is meant */
	rows[4].side = LEFT;
	rows[3].has_pair = true;
	rows[3].pair_id = rows[0].measure_id;
	assert_int_equal(proof_pair(rows, COUNT_OF(rows), sets), 2);
	assert_ptr_equal(sets[0].post, &rows[3]);
	assert_ptr_equal(sets[1].post, &rows[4]);
	rows[4].has_pair = true;
	rows[4].pair_id.b[0] = 250;
	assert_int_equal(proof_pair(rows, COUNT_OF(rows), sets), 3);
	assert_null(sets[2].pre);
	assert_ptr_equal(sets[2].post, &rows[4]);
	assert_int_equal(sets[2].delta.why, PROOF_WHY_NO_PRE);
	assert_ptr_equal(proof_set_row(&sets[2]), &rows[4]);
}

static void test_taken_another_way_is_paired_and_not_comparable(void **state)
{
	(void)state;
	struct proof_row rows[] = { turn(PRE, 50), turn(POST, 64) };
	rows[1].method = BY_EYE;
	struct proof_set sets[COUNT_OF(rows)];
	assert_int_equal(proof_pair(rows, COUNT_OF(rows), sets), 1);
	assert_int_equal(sets[0].delta.why, PROOF_WHY_METHOD);
	/* And one that came before the pre row is no retest of it. */
	rows[1] = turn(POST, 64);
	rows[1].at_ms = rows[0].at_ms - 1;
	assert_int_equal(proof_pair(rows, COUNT_OF(rows), sets), 2);
	assert_int_equal(proof_pair(rows, 0, sets), 0);
}

static void test_the_last_value_of_a_set(void **state)
{
	(void)state;
	struct proof_row rows[] = { turn(PRE, 50), turn(MID, 55), turn(POST, 60) };
	struct proof_set set = { .pre = &rows[0] };
	assert_ptr_equal(proof_set_last(&set), &rows[0]);
	set.mid = &rows[1];
	assert_ptr_equal(proof_set_last(&set), &rows[1]);
	set.post = &rows[2];
	assert_ptr_equal(proof_set_last(&set), &rows[2]);
	rows[2].has_value = false;
	assert_ptr_equal(proof_set_last(&set), &rows[1]);
	rows[0].has_value = rows[1].has_value = false;
	assert_null(proof_set_last(&set));
}

static void test_kept_since_last_time(void **state)
{
	(void)state;
	struct proof_row rows[] = { turn(PRE, 50), turn(POST, 64) };
	struct proof_set set;
	assert_int_equal(proof_pair(rows, 2, &set), 1);
	static const struct {
		int64_t next;
		int percent;
	} cases[] = { { 57, 50 },  { 64, 100 }, { 50, 0 }, { 43, -50 },
		      { 71, 150 }, { 55, 36 },  { 58, 57 } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct proof_row next = turn(PRE, cases[i].next);
		int percent = 0;
		assert_true(proof_kept(&set, &next, &percent));
		assert_int_equal(percent, cases[i].percent);
	}
	int percent = 7;
	struct proof_row next = turn(PRE, 57);
	next.method = BY_EYE;
	assert_false(proof_kept(&set, &next, &percent));
	next = turn(PRE, 57);
	next.has_value = false;
	assert_false(proof_kept(&set, &next, &percent));
	/* A share of what may be no gain at all is not said. */
	rows[1] = turn(POST, 53);
	assert_int_equal(proof_pair(rows, 2, &set), 1);
	next = turn(PRE, 52);
	assert_false(proof_kept(&set, &next, &percent));
	assert_int_equal(percent, 7);
	/* Less is better: the same arithmetic. */
	struct proof_row pain[] = { row_of("nprs", PRE, 8), row_of("nprs", POST, 4) };
	assert_int_equal(proof_pair(pain, 2, &set), 1);
	const struct proof_row pain_next = row_of("nprs", PRE, 5);
	assert_true(proof_kept(&set, &pain_next, &percent));
	assert_int_equal(percent, 75);
}

/* ---- counter and warnings -------------------------------------------------------------------- */

static struct proof_counter count_of(const struct proof_row *rows, size_t count)
{
	struct proof_set sets[16];
	assert_true(count <= COUNT_OF(sets));
	return proof_count(sets, proof_pair(rows, count, sets));
}

static void test_the_counter_counts_distinct_refs(void **state)
{
	(void)state;
	struct proof_row rows[8] = { turn(PRE, 50), turn(PRE, 60), row_of("mood", PRE, 3) };
	rows[1].side = RIGHT;
	struct proof_counter c = count_of(rows, 3);
	assert_int_equal(c.tested, 1); /* both sides are one test, mood is none */
	assert_int_equal(c.again, 0);
	rows[3] = result_of("cx_spurling", PRE, ROOMKEEP__TEST_RESULT__NEGATIVE);
	rows[4] = row_of("nprs", PRE, 6);
	rows[4].has_value = false;
	rows[4].skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_TIME;
	assert_int_equal(count_of(rows, 5).tested, 2);
	rows[4] = row_of("nprs", PRE, 6);
	assert_int_equal(count_of(rows, 5).tested, 3);
	rows[5] = row_of("nprs", POST, 4);
	rows[6] = turn(POST, 60);
	c = count_of(rows, 7);
	assert_int_equal(c.tested, 3);
	assert_int_equal(c.again, 2);
}

/* What was measured only after treatment is shown, and proves and counts nothing. */
static void test_rows_without_one_before_treatment(void **state)
{
	(void)state;
	struct proof_set sets[8];
	struct proof_warning w[PROOF_WARNINGS_MAX(8)];
	struct proof_row rows[] = { row_of("ndi", PRE, 0),  row_of("ndi", PRE, 20),
				    row_of("mood", PRE, 3), row_of("nprs", POST, 4),
				    turn(POST, 60),         turn(MID, 55) };
	rows[0].has_value = false;
	rows[0].skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_TIME;
	const size_t count = proof_pair(rows, COUNT_OF(rows), sets);
	assert_int_equal(count, COUNT_OF(rows));
	for (size_t i = 3; i < count; i++) {
		assert_null(sets[i].pre);
		assert_ptr_equal(proof_set_row(&sets[i]), &rows[i]);
		assert_ptr_equal(proof_set_last(&sets[i]), &rows[i]);
		assert_int_equal(sets[i].delta.why, PROOF_WHY_NO_PRE);
	}
	rows[3].has_value = false;
	assert_null(proof_set_last(&sets[3]));
	assert_int_equal(proof_count(sets, count).tested, 1);
	assert_int_equal(proof_count(sets, count).again, 0);
	/* The skipped one is the reason for so few; the other was not taken again. */
	assert_int_equal(proof_warnings(rows, COUNT_OF(rows), sets, count, true, w), 1);
	assert_int_equal(w[0].code, PROOF_WARN_NOT_AGAIN);
	assert_ptr_equal(w[0].row, &rows[1]);
}

static size_t warn(const struct proof_row *rows, size_t count, bool has_plan,
		   struct proof_warning *ret)
{
	struct proof_set sets[16];
	const size_t set_count = proof_pair(rows, count, sets);
	return proof_warnings(rows, count, sets, set_count, has_plan, ret);
}

static void test_warns_of_fewer_than_three_and_takes_a_reason(void **state)
{
	(void)state;
	struct proof_warning w[PROOF_WARNINGS_MAX(8)];
	struct proof_row rows[8] = { turn(PRE, 50), turn(POST, 60) };
	assert_int_equal(warn(rows, 0, true, w), 1);
	assert_int_equal(w[0].code, PROOF_WARN_FEW_TESTS);
	assert_int_equal(warn(rows, 2, true, w), 1);
	assert_int_equal(w[0].code, PROOF_WARN_FEW_TESTS);
	assert_null(w[0].row);
	rows[2] = row_of("nprs", PRE, 0);
	rows[2].has_value = false;
	rows[2].skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_RELAXATION;
	assert_int_equal(warn(rows, 3, true, w), 0);
}

static void test_warns_of_what_was_not_measured_again(void **state)
{
	(void)state;
	struct proof_warning w[PROOF_WARNINGS_MAX(8)];
	struct proof_row rows[8] = { turn(PRE, 50), row_of("nprs", PRE, 6),
				     result_of("cx_spurling", PRE, 2), turn(POST, 60),
				     row_of("nprs", POST, 4) };
	assert_int_equal(warn(rows, 5, true, w), 1);
	assert_int_equal(w[0].code, PROOF_WARN_NOT_AGAIN);
	assert_ptr_equal(w[0].row, &rows[2]);
	/* Skipped with a reason is an answer. */
	rows[5] = result_of("cx_spurling", POST, 0);
	rows[5].skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_DECLINED;
	assert_int_equal(warn(rows, 6, true, w), 0);
	/* A pre row that was typed twice is asked for once. */
	rows[3] = turn(PRE, 51);
	assert_int_equal(warn(rows, 6, true, w), 1);
	assert_int_equal(w[0].code, PROOF_WARN_NOT_AGAIN);
	/* The other side is something else. */
	rows[3].side = RIGHT;
	assert_int_equal(warn(rows, 6, true, w), 2);
}

static void test_warns_of_another_rater(void **state)
{
	(void)state;
	struct proof_warning w[PROOF_WARNINGS_MAX(8)];
	struct proof_row rows[8] = { turn(PRE, 50),           row_of("nprs", PRE, 6),
				     row_of("ndi", PRE, 20),  turn(POST, 60),
				     row_of("nprs", POST, 4), row_of("ndi", POST, 20) };
	assert_int_equal(warn(rows, 6, true, w), 0);
	rows[3].rater_id.b[0] = RATER_MARA;
	assert_int_equal(warn(rows, 6, true, w), 1);
	assert_int_equal(w[0].code, PROOF_WARN_OTHER_RATER);
	assert_ptr_equal(w[0].row, &rows[3]);
}

static void test_warns_of_a_red_flag_without_a_plan(void **state)
{
	(void)state;
	struct proof_warning w[PROOF_WARNINGS_MAX(8)];
	struct proof_row rows[8] = { result_of("cx_vbi", PRE, 1),
				     result_of("cx_vbi", POST, 1),
				     turn(PRE, 50),
				     turn(POST, 60),
				     row_of("nprs", PRE, 6),
				     row_of("nprs", POST, 4) };
	assert_int_equal(warn(rows, 6, true, w), 0);
	assert_int_equal(warn(rows, 6, false, w), 2);
	assert_int_equal(w[0].code, PROOF_WARN_FLAG_NO_PLAN);
	assert_ptr_equal(w[0].row, &rows[0]);
	rows[0].result = rows[1].result = ROOMKEEP__TEST_RESULT__NEGATIVE;
	assert_int_equal(warn(rows, 6, false, w), 0);

	const struct proof_row caution = result_of("kn_lach", PRE, 1);
	const struct proof_row plain = result_of("sh_neer", PRE, 1);
	assert_false(proof_is_flag(&caution, false));
	assert_true(proof_is_flag(&caution, true));
	assert_false(proof_is_flag(&plain, true));
}

static void test_a_row_comes_from_a_folded_measure(void **state)
{
	(void)state;
	struct fold_measure m = { .measure_id = { { 5 } },
				  .meta = { .author_id = { { 3 } } },
				  .ref = view_str("cx_rot"),
				  .phase = PRE,
				  .has_side = true,
				  .side = LEFT,
				  .has_value = true,
				  .value_milli = 52000,
				  .method = GONIO,
				  .at_ms = 1700000000000u };
	struct proof_row r;
	assert_true(proof_row_of(&m, &r));
	assert_string_equal(r.entry->ref, "cx_rot");
	assert_int_equal(r.rater_id.b[0], 3);
	assert_int_equal(r.side, LEFT);
	m.has_rater = true;
	m.rater_id.b[0] = 4;
	m.has_side = false;
	assert_true(proof_row_of(&m, &r));
	assert_int_equal(r.rater_id.b[0], 4);
	assert_int_equal(r.side, 0);
	m.ref = view_str("of_a_newer_catalogue");
	assert_false(proof_row_of(&m, &r));
}

static void test_every_value_has_a_name(void **state)
{
	(void)state;
	for (int i = PROOF_NOT_COMPARABLE; i <= PROOF_WORSE; i++) {
		assert_non_null(proof_state_name((enum proof_state)i));
	}
	assert_null(proof_why_name(PROOF_WHY_COMPARED));
	for (int i = PROOF_WHY_NO_PRE; i <= PROOF_WHY_NEVER; i++) {
		assert_non_null(proof_why_name((enum proof_why)i));
	}
	for (int i = PROOF_WARN_FEW_TESTS; i <= PROOF_WARN_FLAG_NO_PLAN; i++) {
		assert_non_null(proof_warning_name((enum proof_warning_code)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_four_states_around_the_error),
		cmocka_unit_test(test_plus_is_better_whichever_way_the_scale_runs),
		cmocka_unit_test(test_only_like_with_like),
		cmocka_unit_test(test_what_is_never_proof_has_no_delta),
		cmocka_unit_test(test_the_error_is_looked_up_from_exact_to_any),
		cmocka_unit_test(test_another_rater_has_another_error),
		cmocka_unit_test(test_a_method_that_was_not_said_is_the_plainest),
		cmocka_unit_test(test_pain_has_two_points_as_the_mark),
		cmocka_unit_test(test_pairs_by_name_then_by_likeness),
		cmocka_unit_test(test_taken_another_way_is_paired_and_not_comparable),
		cmocka_unit_test(test_the_last_value_of_a_set),
		cmocka_unit_test(test_kept_since_last_time),
		cmocka_unit_test(test_the_counter_counts_distinct_refs),
		cmocka_unit_test(test_rows_without_one_before_treatment),
		cmocka_unit_test(test_warns_of_fewer_than_three_and_takes_a_reason),
		cmocka_unit_test(test_warns_of_what_was_not_measured_again),
		cmocka_unit_test(test_warns_of_another_rater),
		cmocka_unit_test(test_warns_of_a_red_flag_without_a_plan),
		cmocka_unit_test(test_a_row_comes_from_a_folded_measure),
		cmocka_unit_test(test_every_value_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
