/* codes: what people type is read generously and checked strictly. */
#include "crypt/codes.h"
#include "unit/crypt/helpers.h"

static enum code_fault join_fault(struct view text)
{
	struct secret *j = NULL;
	enum code_fault fault = CODE_NONE;
	const enum err e = join_code_parse(text, &j, &fault);
	assert_int_equal(e == ERR_OK, fault == CODE_NONE);
	if (e != ERR_OK) assert_err(e, ERR_BAD_VALUE);
	assert_int_equal(e == ERR_OK, j != NULL);
	secret_free(j);
	return fault;
}

static void test_shape_of_both_codes(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *s = test_secret(0x80, CODE_SPKI_BYTES);
	CLEANUP(secret_freep) struct secret *setup = NULL;
	CLEANUP(secret_freep) struct secret *join = NULL;
	const struct hash32 spki = test_hash(0xff);
	assert_ok(setup_code_print(s, &spki, &setup));
	assert_ok(join_code_print(s, &join));
	assert_int_equal(join->len, 28 + 6);            /* seven groups of four */
	assert_int_equal(setup->len, 26 + 26 + 2 + 13); /* fourteen groups, the last of two */
	/* 80..8f: the first 26 symbols are S in both; f..f ends in 11100. */
	assert_memory_equal(setup->p, join->p, 26 + 6);
	assert_memory_equal(setup->p + setup->len - 5, "ZW-", 3);
}

static void test_case_separators_and_look_alikes(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *j = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;
	assert_ok(secret_new(CODE_SPKI_BYTES, &j)); /* zeros: many '0' to misread */
	j->p[0] = 0x08;                             /* a '1' */
	assert_ok(join_code_print(j, &text));
	char typed[200];
	size_t at = 0;
	for (size_t i = 0; i < text->len; i++) {
		uint8_t c = text->p[i];
		if (c == '-') {
			typed[at++] = ' ';
			typed[at++] = '\t';
			typed[at++] = '\n';
			continue;
		}
		if (c == '0') c = i % 2 == 0 ? 'o' : 'O';
		if (c == '1') c = (uint8_t) "iIlL"[i % 4];
		if (c >= 'A' && c <= 'Z' && i % 3 == 0) c = (uint8_t)(c + 32);
		typed[at++] = (char)c;
	}
	CLEANUP(secret_freep) struct secret *back = NULL;
	assert_ok(join_code_parse(view_of(typed, at), &back, NULL));
	assert_true(secret_equal(j, back));
}

/* Each single wrong character: a character outside the alphabet is named as such, any other is
 * found by the check with 1023 in 1024; this code's inputs are fixed, so the count is too. */
static void test_single_typing_errors_are_found(void **state)
{
	(void)state;
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	CLEANUP(secret_freep) struct secret *j = test_secret(0x11, CODE_SPKI_BYTES);
	CLEANUP(secret_freep) struct secret *text = NULL;
	assert_ok(join_code_print(j, &text));
	unsigned tried = 0, missed = 0;
	for (size_t i = 0; i < text->len; i++) {
		const uint8_t right = text->p[i];
		if (right == '-') continue;
		for (size_t a = 0; a < 32; a++) {
			if ((uint8_t)alphabet[a] == right) continue;
			text->p[i] = (uint8_t)alphabet[a];
			tried++;
			const enum code_fault fault = join_fault(secret_view(text));
			if (fault == CODE_NONE)
				missed++;
			else
				assert_int_equal(fault, CODE_BAD_CHECK);
		}
		text->p[i] = 'u';
		assert_int_equal(join_fault(secret_view(text)), CODE_BAD_CHARACTER);
		text->p[i] = 0xc3;
		assert_int_equal(join_fault(secret_view(text)), CODE_BAD_CHARACTER);
		text->p[i] = right;
	}
	assert_int_equal(tried, 28 * 31);
	assert_true(missed <= 4);
	assert_int_equal(join_fault(secret_view(text)), CODE_NONE);
}

static void test_length_faults(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *j = test_secret(0x11, CODE_SPKI_BYTES);
	CLEANUP(secret_freep) struct secret *text = NULL;
	assert_ok(join_code_print(j, &text));
	for (size_t len = 0; len < text->len; len++) {
		assert_int_equal(join_fault(view_of(text->p, len)), CODE_TOO_SHORT);
	}
	char more[CODE_TEXT_BYTES_MAX + 1];
	for (size_t i = 0; i < sizeof(more); i++) more[i] = ' ';
	memcpy(more, text->p, text->len);
	assert_int_equal(join_fault(view_of(more, CODE_TEXT_BYTES_MAX)), CODE_NONE);
	assert_int_equal(join_fault(view_of(more, CODE_TEXT_BYTES_MAX + 1)), CODE_TOO_LONG);
	more[text->len] = '0';
	assert_int_equal(join_fault(view_of(more, text->len + 1)), CODE_TOO_LONG);
}

/* A code of one type is no code of another, even with the same bytes. */
static void test_types_are_apart(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *j = test_secret(0x11, CODE_SPKI_BYTES);
	CLEANUP(secret_freep) struct secret *text = NULL;
	struct secret *back = NULL;
	enum code_fault fault = CODE_NONE;
	assert_ok(join_code_print(j, &text));
	assert_err(code_parse("seed", CODE_SPKI_BYTES, secret_view(text), &back, &fault),
		   ERR_BAD_VALUE);
	assert_int_equal(fault, CODE_BAD_CHECK);
	assert_ok(code_parse("join", CODE_SPKI_BYTES, secret_view(text), &back, &fault));
	secret_free(back);
}

static void test_bits_behind_the_end_must_be_zero(void **state)
{
	(void)state;
	struct secret *back = NULL;
	enum code_fault fault = CODE_NONE;
	assert_ok(base32_parse(view_str("ZW"), 1, &back, &fault)); /* 11111 11100 */
	assert_int_equal(back->p[0], 0xff);
	secret_freep(&back);
	static const char *const bad[] = { "ZX", "ZY", "ZZ" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_err(base32_parse(view_str(bad[i]), 1, &back, &fault), ERR_BAD_VALUE);
		assert_int_equal(fault, CODE_BAD_CHECK);
	}
}

static void test_setup_code_names_its_server(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *s = test_secret(1, CODE_SPKI_BYTES);
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(setup_code_finip) struct setup_code code = { 0 };
	struct hash32 spki = test_hash(3);
	enum code_fault fault = CODE_NONE;
	assert_ok(setup_code_print(s, &spki, &text));
	assert_ok(setup_code_parse(secret_view(text), &code, &fault));
	assert_true(secret_equal(code.s, s));
	assert_true(setup_code_names(&code, &spki));
	for (size_t i = 0; i < CODE_SPKI_BYTES; i++) {
		spki.b[i] ^= 1;
		assert_false(setup_code_names(&code, &spki));
		spki.b[i] ^= 1;
	}
	text->p[5] ^= 1;
	struct setup_code none = { 0 };
	assert_err(setup_code_parse(secret_view(text), &none, &fault), ERR_BAD_VALUE);
	assert_null(none.s);
}

static void test_all_lengths_go_round(void **state)
{
	(void)state;
	for (size_t len = 1; len <= CODE_BYTES_MAX; len++) {
		CLEANUP(secret_freep) struct secret *bytes = test_secret((uint8_t)(len * 37), len);
		CLEANUP(secret_freep) struct secret *text = NULL;
		CLEANUP(secret_freep) struct secret *back = NULL;
		assert_ok(code_print("seed", secret_view(bytes), &text));
		assert_ok(code_parse("seed", len, secret_view(text), &back, NULL));
		assert_true(secret_equal(bytes, back));
	}
}

static void test_every_fault_has_its_own_text(void **state)
{
	(void)state;
	for (int a = CODE_NONE; a <= CODE_BAD_CHECK; a++) {
		for (int b = CODE_NONE; b < a; b++) {
			assert_string_not_equal(code_fault_text((enum code_fault)a),
						code_fault_text((enum code_fault)b));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape_of_both_codes),
		cmocka_unit_test(test_case_separators_and_look_alikes),
		cmocka_unit_test(test_single_typing_errors_are_found),
		cmocka_unit_test(test_length_faults),
		cmocka_unit_test(test_types_are_apart),
		cmocka_unit_test(test_bits_behind_the_end_must_be_zero),
		cmocka_unit_test(test_setup_code_names_its_server),
		cmocka_unit_test(test_all_lengths_go_round),
		cmocka_unit_test(test_every_fault_has_its_own_text),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
