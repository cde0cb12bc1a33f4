/* json, fault: shapes, times, strictness. */
#include "cli/fault.h"
#include "client/api/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int start(void **state)
{
	(void)state;
	json_start();
	return 0;
}

static void test_times_go_both_ways(void **state)
{
	(void)state;
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{ 1000, "1970-01-01T00:00:01.000Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 1795489260123, "2026-11-24T03:01:00.123Z" },
		{ 4102444799000, "2099-12-31T23:59:59.000Z" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[JSON_TIME_BYTES];
		uint64_t ms = 0;
		json_time_print(rows[i].ms, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(json_time_parse(text, &ms), ERR_OK);
		assert_int_equal(ms, rows[i].ms);
	}
}

static void test_times_of_others(void **state)
{
	(void)state;
	uint64_t ms = 0;

	assert_int_equal(json_time_parse("2026-11-24T03:01:00Z", &ms), ERR_OK);
	assert_int_equal(ms, 1795489260000);
	uint64_t other = 0;
	assert_int_equal(json_time_parse("2026-11-24T04:01:00+01:00", &other), ERR_OK);
	assert_int_equal(ms, other);
	assert_int_equal(json_time_parse("2026-11-23T22:01:00-05:00", &other), ERR_OK);
	assert_int_equal(ms, other);
	assert_int_equal(json_time_parse("2026-11-24T03:01:00.5Z", &other), ERR_OK);
	assert_int_equal(other, ms + 500);
	static const char *const bad[] = { "",
					   "2026-11-24",
					   "2026-11-24T03:01:00",
					   "nonsense",
					   "2026-11-24T03:01:00+1:00",
					   "2026-11-24T03:01:00+25:00",
					   "2026-11-24T03:01:00ZZ",
					   "1960-01-01T00:00:00Z" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(json_time_parse(bad[i], &other), ERR_BAD_VALUE);
	}
}

static enum err read_text(const char *text, json_t **ret)
{
	return json_object_read(view_str(text), ret);
}

static void test_reads_one_strict_object(void **state)
{
	(void)state;
	json_t *o = NULL;

	assert_int_equal(read_text("{\"a\":1,\"b\":null}", &o), ERR_OK);
	assert_int_equal(json_object_size(o), 2);
	assert_null(json_text_of(o, "a")); /* no text */
	assert_null(json_text_of(o, "b"));
	assert_null(json_text_of(o, "c"));
	json_decref(o);
	static const char *const bad[] = { "",
					   "[]",
					   "1",
					   "{\"a\":1,\"a\":2}",
					   "{} {}",
					   "{\"a\":\"\\u0000\"}",
					   "{\"a\":\"\xff\"}",
					   "{",
					   "null" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_text(bad[i], &o), ERR_BAD_FORMAT);
	}
}

/* Nesting is bounded, so a request cannot run us out of stack. */
static void test_deep_nesting_is_refused(void **state)
{
	(void)state;
	char *deep = calloc(1, 200001);
	json_t *o = NULL;

	for (size_t i = 0; i < 200000; i++) deep[i] = '[';
	static const char head[5] = { '{', '"', 'a', '"', ':' };
	memcpy(deep, head, sizeof(head));
	assert_int_equal(json_object_read(view_of(deep, 200000), &o), ERR_BAD_FORMAT);
	free(deep);
}

static void test_puts_ids_times_and_null(void **state)
{
	(void)state;
	struct id id = { { 0xAB, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 } };
	json_t *o = json_object();
	char *text = NULL;

	assert_int_equal(json_put_id(o, "id", &id), ERR_OK);
	assert_int_equal(json_put_id(o, "none", NULL), ERR_OK);
	assert_int_equal(json_put_time(o, "at", 1000), ERR_OK);
	assert_int_equal(json_put_time(o, "never", 0), ERR_OK);
	assert_int_equal(json_put_text(o, "t", VIEW_EMPTY), ERR_OK);
	assert_int_equal(json_put(o, "x", NULL), ERR_NOMEM);
	assert_int_equal(json_text_dump(o, &text), ERR_OK);
	assert_string_equal(text, "{\"id\":\"ab010203-0405-0607-0809-0a0b0c0d0e0f\",\"none\":null,"
				  "\"at\":\"1970-01-01T00:00:01.000Z\",\"never\":null,\"t\":\"\"}");
	json_text_free(text);
	json_decref(o);
}

static void test_fault_has_the_shape(void **state)
{
	(void)state;
	struct fault f = { 0 };
	struct fault back;
	char *text = NULL;

	assert_int_equal(fault_set(&f, ERR_SIGNED, "session_signed", "it is %s", "signed"),
			 ERR_SIGNED);
	json_t *o = fault_to_json(&f);
	assert_int_equal(json_text_dump(o, &text), ERR_OK);
	assert_string_equal(text, "{\"error\":{\"code\":\"session_signed\",\"message\":\"it is "
				  "signed\",\"hint\":null,\"exit\":1}}");
	fault_from_json(o, &back);
	assert_int_equal(back.exit, 1);
	assert_string_equal(back.code, "session_signed");
	assert_string_equal(back.message, "it is signed");
	assert_string_equal(back.hint, "");
	json_text_free(text);
	json_decref(o);

	assert_int_equal(fault_hint(&f, "add an addendum"), ERR_SIGNED);
	o = fault_to_json(&f);
	fault_from_json(o, &back);
	assert_string_equal(back.hint, "add an addendum");
	json_decref(o);
}

static void test_fault_defaults(void **state)
{
	(void)state;
	struct fault f = { 0 };

	fault_default(&f, ERR_SIGNED);
	assert_string_equal(f.code, "session_signed");
	fault_default(&f, ERR_NOMEM); /* the first one stays */
	assert_int_equal(f.err, ERR_SIGNED);
	/* The exits the contract names. */
	assert_int_equal(fault_exit_of(ERR_OFFLINE), 69);
	assert_int_equal(fault_exit_of(ERR_SIGNED_OUT), 77);
	assert_int_equal(fault_exit_of(ERR_DENIED), 77);
	assert_int_equal(fault_exit_of(ERR_AUTH), 77);
	assert_int_equal(fault_exit_of(ERR_THROTTLED), 77);
	assert_int_equal(fault_exit_of(ERR_NOT_FOUND), 66);
	assert_int_equal(fault_exit_of(ERR_USAGE), 64);
	assert_int_equal(fault_exit_of(ERR_SIGNED), 1);
	assert_int_equal(fault_exit_of(ERR_TIMEOUT), 75);
	assert_int_equal(fault_exit_of(ERR_BAD_VALUE), 65);
	assert_int_equal(fault_exit_of(ERR_DISK_FULL), 74);
	assert_int_equal(fault_exit_of(ERR_BUG), 70);
}

static void test_long_texts_are_cut(void **state)
{
	(void)state;
	struct fault f = { 0 };
	char longer[2 * FAULT_TEXT_BYTES] = { 0 };

	for (size_t i = 0; i < sizeof(longer) - 1; i++) longer[i] = 'a';
	assert_int_equal(fault_set(&f, ERR_BUG, longer, "%s", longer), ERR_BUG);
	assert_int_equal(strlen(f.message), FAULT_TEXT_BYTES - 1);
	assert_int_equal(strlen(f.code), sizeof(f.code) - 1);
	assert_int_equal(fault_hint(&f, "%s", longer), ERR_BUG);
	assert_int_equal(strlen(f.hint), FAULT_TEXT_BYTES - 1);
}

static void test_foreign_answer_is_a_bug(void **state)
{
	(void)state;
	struct fault f;
	json_t *o = json_pack("{s:s}", "error", "text");

	fault_from_json(o, &f);
	assert_int_equal(f.exit, EXIT_BUG);
	json_decref(o);
	fault_from_json(NULL, &f);
	assert_int_equal(f.exit, EXIT_BUG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_go_both_ways),
		cmocka_unit_test(test_times_of_others),
		cmocka_unit_test(test_reads_one_strict_object),
		cmocka_unit_test(test_deep_nesting_is_refused),
		cmocka_unit_test(test_puts_ids_times_and_null),
		cmocka_unit_test(test_fault_has_the_shape),
		cmocka_unit_test(test_fault_defaults),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_foreign_answer_is_a_bug),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
