#include "base/err.h"

#include "base/check.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum err all[] = {
#define ROW(name, value, text) ERR_##name,
	ERR_OK, ERR_MAP(ROW)
#undef ROW
};

static void test_names_are_the_enum_in_lower_case(void **state)
{
	(void)state;
#define CHECK_ROW(name, value, text) assert_int_equal(strcasecmp(err_name(ERR_##name), #name), 0);
	ERR_MAP(CHECK_ROW)
#undef CHECK_ROW
	assert_string_equal(err_name(ERR_OK), "ok");
	assert_string_equal(err_name(ERR_TOO_BIG), "too_big");
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		for (const char *c = err_name(all[i]); *c != '\0'; c++) {
			assert_true(islower((unsigned char)*c) || *c == '_');
		}
	}
}

static void test_names_fit_and_differ(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		/* A name that fills the table's 23 characters was probably cut. */
		assert_in_range(strlen(err_name(all[i])), 2, 22);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(err_name(all[i]), err_name(all[j]));
		}
	}
}

static void test_texts_are_sentences_without_a_stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		const char *text = err_text(all[i]);
		assert_true(strlen(text) > 5);
		assert_int_not_equal(text[strlen(text) - 1], '.');
		assert_null(strchr(text, '\n'));
		assert_string_not_equal(text, "unknown error");
	}
	assert_string_equal(err_text(ERR_DISK_FULL), "the disk is full");
}

static void test_values_are_zero_and_below_without_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) assert_int_equal(all[i], -(int)i);
}

static void test_unknown_values_have_a_name(void **state)
{
	(void)state;
	const int odd[] = { 1, 2, -(int)COUNT_OF(all), -1000, INT_MAX, INT_MIN, INT_MIN + 1 };
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		assert_string_equal(err_name((enum err)odd[i]), "unknown");
		assert_string_equal(err_text((enum err)odd[i]), "unknown error");
	}
}

static void test_wire_values_come_back_or_are_a_protocol_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_int_equal(err_from_wire((int)all[i]), all[i]);
	}
	const int odd[] = { 1, -(int)COUNT_OF(all), INT_MAX, INT_MIN };
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		assert_int_equal(err_from_wire(odd[i]), ERR_PROTO);
	}
}

static void test_errno_is_mapped(void **state)
{
	(void)state;
	assert_int_equal(err_from_errno(0), ERR_IO); /* never ERR_OK */
	assert_int_equal(err_from_errno(ENOSPC), ERR_DISK_FULL);
	assert_int_equal(err_from_errno(EDQUOT), ERR_DISK_FULL);
	assert_int_equal(err_from_errno(ENOMEM), ERR_NOMEM);
	assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
	assert_int_equal(err_from_errno(EEXIST), ERR_EXISTS);
	assert_int_equal(err_from_errno(EACCES), ERR_DENIED);
	assert_int_equal(err_from_errno(EPERM), ERR_DENIED);
	assert_int_equal(err_from_errno(EIO), ERR_IO);
	assert_int_equal(err_from_errno(ECONNRESET), ERR_IO);
	assert_int_equal(err_from_errno(99999), ERR_IO);
}

static enum err count_and_return(int *calls, enum err e)
{
	(*calls)++;
	return e;
}

static enum err try_two(int *calls, enum err first, enum err second)
{
	TRY(count_and_return(calls, first));
	TRY(count_and_return(calls, second));
	return ERR_OK;
}

static void test_try_stops_at_the_first_error_and_runs_each_once(void **state)
{
	(void)state;
	int calls = 0;
	assert_int_equal(try_two(&calls, ERR_OK, ERR_OK), ERR_OK);
	assert_int_equal(calls, 2);
	calls = 0;
	assert_int_equal(try_two(&calls, ERR_FULL, ERR_IO), ERR_FULL);
	assert_int_equal(calls, 1);
	calls = 0;
	assert_int_equal(try_two(&calls, ERR_OK, ERR_MORE), ERR_MORE);
	assert_int_equal(calls, 2);
}

static enum err ensure_small(int v)
{
	ENSURE(v < 10, ERR_TOO_BIG);
	if (v >= 0)
		ENSURE(v != 3, ERR_BAD_VALUE);
	else
		return ERR_USAGE; /* ENSURE is one statement: this else belongs to the if */
	return ERR_OK;
}

static void test_ensure_returns_its_error(void **state)
{
	(void)state;
	assert_int_equal(ensure_small(10), ERR_TOO_BIG);
	assert_int_equal(ensure_small(9), ERR_OK);
	assert_int_equal(ensure_small(3), ERR_BAD_VALUE);
	assert_int_equal(ensure_small(-1), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_the_enum_in_lower_case),
		cmocka_unit_test(test_names_fit_and_differ),
		cmocka_unit_test(test_texts_are_sentences_without_a_stop),
		cmocka_unit_test(test_values_are_zero_and_below_without_holes),
		cmocka_unit_test(test_unknown_values_have_a_name),
		cmocka_unit_test(test_wire_values_come_back_or_are_a_protocol_error),
		cmocka_unit_test(test_errno_is_mapped),
		cmocka_unit_test(test_try_stops_at_the_first_error_and_runs_each_once),
		cmocka_unit_test(test_ensure_returns_its_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
