/* passphrase: what is accepted, what is refused, and that each refusal has its own reason. */
#include "crypt/passphrase.h"

#include "base/limits.h"
#include "unit/crypt/helpers.h"

static const struct passphrase_owner nobody = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };

static void expect_normal(const char *raw, const char *want)
{
	CLEANUP(secret_freep) struct secret *p = NULL;
	assert_ok(passphrase_normalize(view_str(raw), &p, NULL));
	assert_string_equal(secret_text(p), want);
}

static void expect_refused(struct view raw, enum passphrase_fault want)
{
	struct secret *p = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	assert_err(passphrase_normalize(raw, &p, &fault), ERR_BAD_VALUE);
	assert_string_equal(passphrase_fault_text(fault), passphrase_fault_text(want));
	assert_err(passphrase_normalize(raw, &p, NULL), ERR_BAD_VALUE);
	assert_null(p);
}

static enum passphrase_fault judge(const char *raw, const struct passphrase_owner *who)
{
	CLEANUP(secret_freep) struct secret *p = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	assert_ok(passphrase_normalize(view_str(raw), &p, NULL));
	const enum err e = passphrase_check_new(p, who, &fault);
	assert_true(e == ERR_OK || e == ERR_BAD_VALUE);
	assert_int_equal(e == ERR_OK, fault == PASSPHRASE_NONE);
	return fault;
}

static void test_normal_form_joins_equal_texts(void **state)
{
	(void)state;
	expect_normal("correct horse battery staple", "correct horse battery staple");
	expect_normal("e\xcc\x81tude", "\xc3\xa9tude"); /* combining accent */
	expect_normal("\xef\xac\x81sh", "fish");        /* the ligature fi */
	expect_normal("\xe2\x91\xa0 \xc2\xbd", "1 1\xe2\x81\x84"
					       "2");     /* circled 1, one half */
	expect_normal("  both ends  ", "  both ends  "); /* nothing is trimmed */
	expect_normal("Case Stays", "Case Stays");
}

static void test_newline_rule(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *want;
	} cases[] = { { "a\n", "a" },   { "a\r\n", "a" }, { "a\n\n", "a\n" }, { "a\r", "a\r" },
		      { "a \n", "a " }, { "a", "a" },     { "\n", "" },       { "", "" } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct view got = passphrase_trim_newline(view_str(cases[i].raw));
		assert_true(view_equal(got, view_str(cases[i].want)));
	}
}

static void test_not_text_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "\xff", "abc\xc3", "\xc0\xaf", "\xed\xa0\x80",
					   "\xf4\x90\x80\x80" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		expect_refused(view_str(bad[i]), PASSPHRASE_NOT_UTF8);
	}
	expect_refused(VIEW_EMPTY, PASSPHRASE_EMPTY);
	expect_refused(view_str("unassigned \xcd\xb8 here"), PASSPHRASE_UNASSIGNED); /* U+0378 */
}

static void test_length_limits(void **state)
{
	(void)state;
	uint8_t raw[PASSPHRASE_BYTES_MAX + 1];
	for (size_t i = 0; i < sizeof(raw); i++) raw[i] = (uint8_t)('a' + (i * 40503u >> 5) % 26);
	CLEANUP(secret_freep) struct secret *p = NULL;
	assert_ok(passphrase_normalize(view_of(raw, PASSPHRASE_BYTES_MAX), &p, NULL));
	assert_int_equal(p->len, PASSPHRASE_BYTES_MAX);
	assert_ok(passphrase_check_new(p, &nobody, NULL));
	expect_refused(VIEW_OF(raw), PASSPHRASE_TOO_LONG);

	/* The worst expansion: U+FDFA becomes 18 code points, 33 bytes. */
	for (size_t i = 0; i + 3 <= PASSPHRASE_BYTES_MAX; i += 3) {
		raw[i] = 0xef;
		raw[i + 1] = 0xb7;
		raw[i + 2] = 0xba;
	}
	expect_refused(view_of(raw, 31 * 33), PASSPHRASE_TOO_LONG);
	expect_refused(view_of(raw, 341 * 3), PASSPHRASE_TOO_LONG);
}

static void test_fifteen_characters_whatever_their_bytes(void **state)
{
	(void)state;
	assert_int_equal(judge("fourteen chars", &nobody), PASSPHRASE_TOO_SHORT);
	assert_int_equal(judge("fifteen chars..", &nobody), PASSPHRASE_NONE);
	assert_int_equal(judge("vierzehn \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f!", &nobody),
			 PASSPHRASE_TOO_SHORT);
	assert_int_equal(judge("f\xc3\xbcnfzehn \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f!?", &nobody),
			 PASSPHRASE_NONE);
	assert_int_equal(judge("f\xc3\xbcnfzehn \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f!", &nobody),
			 PASSPHRASE_TOO_SHORT);
}

static void test_common_ones_only_as_a_whole(void **state)
{
	(void)state;
	static const char *const common[] = {
		/* the last ends in a full width z */
		"correct horse battery staple",
		"Correct Horse Battery Staple",
		"CORRECTHORSEBATTERYSTAPLE",
		"qwertyuiopasdfghjklzxcvbnm",
		"Massage Therapist",
		"abcdefghijklmnopqrstuvwxy\xef\xbd\x9a",
	};
	for (size_t i = 0; i < COUNT_OF(common); i++) {
		assert_int_equal(judge(common[i], &nobody), PASSPHRASE_COMMON);
	}
	static const char *const fine[] = {
		"correct horse battery staple gun",
		"my correct horse battery staple",
		"velvet anchor picnic drum olive",
		"password is part of this one",
	};
	for (size_t i = 0; i < COUNT_OF(fine); i++) {
		assert_int_equal(judge(fine[i], &nobody), PASSPHRASE_NONE);
	}
}

static void test_own_names_only_as_a_whole(void **state)
{
	(void)state;
	const struct passphrase_owner who = { view_str("mara.lind@harbour.example"),
					      view_str("Mara Lindstr\xc3\xb6m-Ek"),
					      view_str("Harbour Massage Therapy") };
	assert_int_equal(judge("Mara.Lind@Harbour.Example", &who), PASSPHRASE_IS_LOGIN);
	assert_int_equal(judge("MARA LINDSTR\xc3\x96M-EK", &who), PASSPHRASE_IS_NAME);
	assert_int_equal(judge("mara lindstro\xcc\x88m-ek", &who), PASSPHRASE_IS_NAME);
	assert_int_equal(judge("harbour massage therapy", &who), PASSPHRASE_IS_CLINIC);
	assert_int_equal(judge("harbour massage therapy!", &who), PASSPHRASE_NONE);
	assert_int_equal(judge("mara at harbour massage", &who), PASSPHRASE_NONE);
	const struct passphrase_owner odd = { view_str("\xff\xff"), VIEW_EMPTY, VIEW_EMPTY };
	assert_int_equal(judge("a name that is no text", &odd), PASSPHRASE_NONE);
}

static void test_repetitions(void **state)
{
	(void)state;
	static const char *const repeated[] = {
		"aaaaaaaaaaaaaaa",
		"abcabcabcabcabc",
		"abcabcabcabcabca",
		"AbCaBcAbCaBcabc",
		"password password",
		"\xc3\xa4o\xc3\xa4o\xc3\xa4o\xc3\xa4o\xc3\xa4o\xc3\xa4o\xc3\xa4o\xc3\xa4o",
	};
	for (size_t i = 0; i < COUNT_OF(repeated); i++) {
		assert_int_equal(judge(repeated[i], &nobody), PASSPHRASE_REPEATED);
	}
	assert_int_equal(judge("abcabcabcabcabcx", &nobody), PASSPHRASE_NONE);
	assert_int_equal(judge("the same, the s", &nobody), PASSPHRASE_NONE);
}

static void test_every_reason_has_its_own_text(void **state)
{
	(void)state;
	for (int a = PASSPHRASE_NONE; a <= PASSPHRASE_REPEATED; a++) {
		for (int b = PASSPHRASE_NONE; b < a; b++) {
			assert_string_not_equal(passphrase_fault_text((enum passphrase_fault)a),
						passphrase_fault_text((enum passphrase_fault)b));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_form_joins_equal_texts),
		cmocka_unit_test(test_newline_rule),
		cmocka_unit_test(test_not_text_is_refused),
		cmocka_unit_test(test_length_limits),
		cmocka_unit_test(test_fifteen_characters_whatever_their_bytes),
		cmocka_unit_test(test_common_ones_only_as_a_whole),
		cmocka_unit_test(test_own_names_only_as_a_whole),
		cmocka_unit_test(test_repetitions),
		cmocka_unit_test(test_every_reason_has_its_own_text),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
