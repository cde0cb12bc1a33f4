#include "record/proof_words.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "unit/record/proof_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct buf said;

static const char *text(void)
{
	const char *t = NULL;
	assert_int_equal(buf_cstr(&said, &t), ERR_OK);
	return t;
}

#define SAYS(call, want)                                                                           \
	do {                                                                                       \
		buf_clear(&said);                                                                  \
		assert_int_equal(call, ERR_OK);                                                    \
		assert_string_equal(text(), want);                                                 \
	} while (0)

static void test_numbers_and_units(void **state)
{
	(void)state;
	SAYS(proof_put_number(&said, 14000), "14");
	SAYS(proof_put_number(&said, 1500), "1.5");
	SAYS(proof_put_number(&said, -250), "-0.25");
	SAYS(proof_put_number(&said, 1001), "1.001");
	SAYS(proof_put_number(&said, 10), "0.01");
	SAYS(proof_put_number(&said, 0), "0");
	SAYS(proof_put_number(&said, INT64_MIN), "-9223372036854775.808");
	SAYS(proof_put_amount(&said, 1000, "deg"), "1 degree");
	SAYS(proof_put_amount(&said, -1000, "points"), "-1 point");
	SAYS(proof_put_amount(&said, 14000, "deg"), "14 degrees");
	SAYS(proof_put_amount(&said, 1500, "cm"), "1.5 cm");
	SAYS(proof_put_amount(&said, 2000, ""), "2");
}

static void test_titles_are_for_a_person(void **state)
{
	(void)state;
	static const struct {
		const char *ref;
		int side;
		const char *title;
	} rows[] = {
		{ "cx_rot", LEFT, "Neck rotation, left" },
		{ "lx_flex", 0, "Low back flexion" },
		{ "sp_ftf", 0, "Fingertip to floor" },
		{ "mmt_cx_flex", 0, "Strength of neck flexion" },
		{ "sh_neer", RIGHT, "Neer, right" },
		{ "gn_sls", ROOMKEEP__SIDE__BOTH, "Single leg stance, both sides" },
		{ "tl_rot", RIGHT, "Whole back rotation, right" },
		{ "le_slr", LEFT, "Straight leg raise angle, left" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		SAYS(proof_put_title(&said, catalogue_find(view_str(rows[i].ref)),
				     (Roomkeep__Side)rows[i].side),
		     rows[i].title);
	}
	/* Whatever the table holds has a title. */
	size_t count;
	const struct catalogue_entry *all = catalogue_table(&count);
	for (size_t i = 0; i < count; i++) {
		buf_clear(&said);
		assert_int_equal(proof_put_title(&said, &all[i], 0), ERR_OK);
		assert_true(said.len > 2 && (said.p[0] < 'a' || said.p[0] > 'z'));
	}
}

static void test_how_it_was_taken(void **state)
{
	(void)state;
	struct proof_row r = turn(PRE, 50);
	SAYS(proof_put_how(&said, &r), "by goniometer, active, seated");
	r.method = BY_EYE;
	r.mode = 0;
	r.position = ROOMKEEP__POSITION__POSITION_SIDE_LYING;
	SAYS(proof_put_how(&said, &r), "by eye, side lying");
	r.method = 0;
	r.position = 0;
	SAYS(proof_put_how(&said, &r), "");
	r = row_of("nprs", PRE, 5);
	r.method = ROOMKEEP__METHOD__METHOD_PATIENT;
	SAYS(proof_put_how(&said, &r), "said by patient");
}

static enum err sentence(const struct proof_row *a, const struct proof_row *b)
{
	const struct proof_delta d = proof_compare(a, b);
	return proof_put_sentence(&said, a, b, &d);
}

static void test_the_sentence_about_a_movement(void **state)
{
	(void)state;
	const struct proof_row pre = turn(PRE, 50);
	struct proof_row post = turn(POST, 64);
	SAYS(sentence(&pre, &post),
	     "You turned 14 degrees further; the measure is good to about 6.");
	SAYS(sentence(&post, &pre),
	     "You turned 14 degrees less far; the measure is good to about 6.");
	post = turn(POST, 53);
	SAYS(sentence(&pre, &post), "About the same: 3 degrees apart; the measure is "
				    "good to about 6.");
	SAYS(sentence(&post, &pre), "About the same: 3 degrees apart; the measure is "
				    "good to about 6.");
	post = turn(POST, 50);
	SAYS(sentence(&pre, &post), "The same as before; the measure is good to about 6.");
	struct proof_row a = row_of("cx_flex", PRE, 40);
	struct proof_row b = row_of("cx_flex", POST, 60);
	SAYS(sentence(&a, &b), "You bent 20 degrees further; the measure is good to about 10.");
	a = row_of("sp_ftf", PRE, 20);
	b = row_of("sp_ftf", POST, 12);
	SAYS(sentence(&a, &b),
	     "You reached 8 cm closer to the floor; the measure is good to about 5.");
	a = row_of("le_wblt", PRE, 7);
	b = row_of("le_wblt", POST, 10);
	SAYS(sentence(&a, &b), "You moved 3 cm further; the measure is good to about 1.9.");
	a = row_of("tm_open", PRE, 30);
	b = row_of("tm_open", POST, 38);
	SAYS(sentence(&a, &b), "You opened 8 mm wider; the measure is good to about 5.");
}

/* Each reason why two are not compared is said, and none in the words of another. */
static void test_why_not_is_said_of_each_reason(void **state)
{
	(void)state;
	const struct {
		enum proof_why why;
		const char *words;
	} rows[] = {
		{ PROOF_WHY_REF, "it was another measure" },
		{ PROOF_WHY_SIDE, "it was another measure" },
		{ PROOF_WHY_MODE, "it was measured in another way" },
		{ PROOF_WHY_POSITION, "it was measured in another way" },
		{ PROOF_WHY_METHOD, "it was measured in another way" },
		{ PROOF_WHY_RATER, "two people measured, and how far they differ is not known" },
		{ PROOF_WHY_NO_ERROR, "how exact this measure is, is not known" },
		{ PROOF_WHY_NEVER, "this is for talking about, not a result" },
		{ PROOF_WHY_NO_PRE, "it was not measured before" },
	};
	const struct proof_row pre = turn(PRE, 50);
	const struct proof_row post = turn(POST, 64);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct proof_delta d = { .state = PROOF_NOT_COMPARABLE, .why = rows[i].why };
		char want[128];
		(void)snprintf(want, sizeof(want), "Not comparable: %s.", rows[i].words);
		SAYS(proof_put_sentence(&said, &pre, &post, &d), want);
	}
	struct proof_row a = result_of("cx_spurling", PRE, ROOMKEEP__TEST_RESULT__EQUIVOCAL);
	struct proof_row b = result_of("cx_spurling", POST, ROOMKEEP__TEST_RESULT__UNABLE);
	SAYS(sentence(&a, &b), "Before: unclear. Now: not possible.");
	a.result = ROOMKEEP__TEST_RESULT__POSITIVE;
	b.result = ROOMKEEP__TEST_RESULT__NEGATIVE;
	SAYS(sentence(&a, &b), "Before: positive. Now: negative.");
}

static void test_the_sentence_about_a_score(void **state)
{
	(void)state;
	struct proof_row a = row_of("nprs", PRE, 6);
	struct proof_row b = row_of("nprs", POST, 3);
	SAYS(sentence(&a, &b), "Your pain is 3 points lower; 2 or more count as a change.");
	SAYS(sentence(&b, &a), "Your pain is 3 points higher; 2 or more count as a change.");
	a = row_of("ndi", PRE, 20);
	b = row_of("ndi", POST, 10);
	SAYS(sentence(&a, &b), "Your score is 10 points better; 5 or more count as a change.");
	SAYS(sentence(&b, &a),
	     "Your score is 10 points lower than before; 5 or more count as a change.");
	a = row_of("mmt_sh_abd", PRE, 3);
	b = row_of("mmt_sh_abd", POST, 4);
	SAYS(sentence(&a, &b), "Your strength is 1 grade better; the measure is good to about 1.");
}

static void test_what_is_not_comparable_says_why(void **state)
{
	(void)state;
	struct proof_row a = result_of("sh_neer", PRE, ROOMKEEP__TEST_RESULT__POSITIVE);
	struct proof_row b = result_of("sh_neer", POST, ROOMKEEP__TEST_RESULT__NEGATIVE);
	SAYS(sentence(&a, &b), "Before: positive. Now: negative.");
	b.result = 0;
	b.skipped_reason = ROOMKEEP__SKIPPED_REASON__SKIPPED_TIME;
	SAYS(sentence(&a, &b), "Before: positive. Now: not measured.");
	a = turn(PRE, 50);
	b = turn(POST, 64);
	b.method = BY_EYE;
	SAYS(sentence(&a, &b), "Not comparable: it was measured in another way.");
	a = row_of("mood", PRE, 2);
	b = row_of("mood", POST, 5);
	SAYS(sentence(&a, &b), "Not comparable: this is for talking about, not a result.");
}

static void test_warnings_and_prompts(void **state)
{
	(void)state;
	const struct proof_counter counter = { .tested = 1 };
	const struct proof_row pre = turn(PRE, 50);
	const struct proof_row flag = result_of("cx_vbi", PRE, ROOMKEEP__TEST_RESULT__POSITIVE);
	SAYS(proof_put_warning(&said, &(struct proof_warning){ PROOF_WARN_FEW_TESTS, NULL },
			       &counter),
	     "1 of 3 assessments before treatment.");
	SAYS(proof_put_warning(&said, &(struct proof_warning){ PROOF_WARN_NOT_AGAIN, &pre },
			       &counter),
	     "Neck rotation, left was not measured again.");
	SAYS(proof_put_warning(&said, &(struct proof_warning){ PROOF_WARN_OTHER_RATER, &pre },
			       &counter),
	     "Neck rotation, left was measured again by somebody else.");
	SAYS(proof_put_warning(&said, &(struct proof_warning){ PROOF_WARN_FLAG_NO_PLAN, &flag },
			       &counter),
	     "Vertebral artery position test is positive and asks for a referral; there is no "
	     "plan.");
	buf_clear(&said);
	assert_int_equal(proof_put_prompt(&said, &flag), ERR_OK);
	assert_non_null(strstr(text(), "reduced vertebrobasilar flow"));
	assert_non_null(strstr(text(), "Stop and refer"));
	const struct proof_row caution = result_of("kn_lach", PRE, 1);
	buf_clear(&said);
	assert_int_equal(proof_put_prompt(&said, &caution), ERR_OK);
	assert_non_null(strstr(text(), "Take care"));
	const struct proof_row plain = result_of("sh_neer", PRE, 1);
	SAYS(proof_put_prompt(&said, &plain), "");
	SAYS(proof_put_prompt(&said, &pre), "");
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_and_units),
		cmocka_unit_test(test_titles_are_for_a_person),
		cmocka_unit_test(test_how_it_was_taken),
		cmocka_unit_test(test_the_sentence_about_a_movement),
		cmocka_unit_test(test_why_not_is_said_of_each_reason),
		cmocka_unit_test(test_the_sentence_about_a_score),
		cmocka_unit_test(test_what_is_not_comparable_says_why),
		cmocka_unit_test(test_warnings_and_prompts),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
