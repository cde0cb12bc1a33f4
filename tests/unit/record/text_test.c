#include "record/text.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_clean_text(void **state)
{
	(void)state;
	const struct {
		const char *text;
		size_t len;
		enum err one;
		enum err many;
	} rows[] = {
		{ "", 0, ERR_OK, ERR_OK },
		{ "plain", 5, ERR_OK, ERR_OK },
		{ "Jos\xc3\xa9", 5, ERR_OK, ERR_OK },
		{ "a\tb", 3, ERR_BAD_TEXT, ERR_OK },
		{ "a\nb", 3, ERR_BAD_TEXT, ERR_OK },
		{ "a\rb", 3, ERR_BAD_TEXT, ERR_BAD_TEXT },
		{ "a\0b", 3, ERR_BAD_TEXT, ERR_BAD_TEXT },
		{ "a\x01", 2, ERR_BAD_TEXT, ERR_BAD_TEXT },
		{ "a\x1b[0m", 5, ERR_BAD_TEXT, ERR_BAD_TEXT },
		{ "a\x7f", 2, ERR_BAD_TEXT, ERR_BAD_TEXT },
		{ "a\xc2\x85", 3, ERR_BAD_TEXT, ERR_BAD_TEXT }, /* C1: next line */
		{ "a\xe2\x80\xa8", 4, ERR_BAD_TEXT, ERR_OK },   /* U+2028 */
		{ "a\xe2\x80\xa9", 4, ERR_BAD_TEXT, ERR_OK },   /* U+2029 */
		{ "a\xe2\x80\xaa", 4, ERR_BAD_TEXT, ERR_OK },   /* U+202A */
		{ "a\xe2\x80\xae", 4, ERR_BAD_TEXT, ERR_OK },   /* U+202E */
		{ "a\xe2\x80\xaf", 4, ERR_OK, ERR_OK },         /* U+202F: a narrow blank */
		{ "a\xe2\x81\xa5", 4, ERR_OK, ERR_OK },         /* U+2065: nothing yet */
		{ "a\xe2\x81\xa6", 4, ERR_BAD_TEXT, ERR_OK },   /* U+2066 */
		{ "a\xe2\x81\xa9", 4, ERR_BAD_TEXT, ERR_OK },   /* U+2069 */
		{ "a\xe2\x81\xaa", 4, ERR_OK, ERR_OK },         /* U+206A: shapes digits */
		{ "\xc3", 1, ERR_BAD_TEXT, ERR_BAD_TEXT },
		{ "\xed\xa0\x80", 3, ERR_BAD_TEXT, ERR_BAD_TEXT },
		{ "\xc0\x80", 2, ERR_BAD_TEXT, ERR_BAD_TEXT },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct view v = view_of(rows[i].text, rows[i].len);
		assert_int_equal(text_check(v, TEXT_ONE_LINE), rows[i].one);
		assert_int_equal(text_check(v, TEXT_MANY_LINES), rows[i].many);
	}
}

static void check_name(const char *typed, const char *want)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(text_normalise_name(view_str(typed), &b), ERR_OK);
	const char *got;
	assert_int_equal(buf_cstr(&b, &got), ERR_OK);
	assert_string_equal(got, want);
	assert_true(text_is_trimmed(buf_view(&b)));
}

static void test_names_are_normalised(void **state)
{
	(void)state;
	check_name("", "");
	check_name("   ", "");
	check_name("  Ana \t\n  Silva ", "Ana Silva");
	check_name("Jose\xcc\x81", "Jos\xc3\xa9"); /* combining accent */
	check_name("\xc2\xa0"
		   "Ana\xe2\x80\x83"
		   "Silva",
		   "Ana Silva"); /* other blanks */
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(text_normalise_name(view_of("a\0b", 3), &b), ERR_BAD_TEXT);
	assert_int_equal(text_normalise_name(view_str("a\x02"), &b), ERR_BAD_TEXT);
	assert_int_equal(text_normalise_name(view_str("\xff"), &b), ERR_BAD_TEXT);
	assert_int_equal(b.len, 0);
}

static void test_trimmed(void **state)
{
	(void)state;
	assert_true(text_is_trimmed(VIEW_EMPTY));
	assert_true(text_is_trimmed(view_str("a b")));
	assert_false(text_is_trimmed(view_str(" a")));
	assert_false(text_is_trimmed(view_str("a ")));
	assert_false(text_is_trimmed(view_str("a\xc2\xa0")));
	assert_false(text_is_trimmed(view_str("a\r")));
	assert_false(text_is_trimmed(view_str("a\n")));
	assert_false(text_is_trimmed(view_str("\ta")));
	assert_false(text_is_trimmed(view_str("\xff")));
}

static bool finds(const char *query, const char *name)
{
	CLEANUP(buf_finip) struct buf q = { 0 };
	CLEANUP(buf_finip) struct buf n = { 0 };
	assert_int_equal(text_search_key(view_str(query), &q), ERR_OK);
	assert_int_equal(text_search_key(view_str(name), &n), ERR_OK);
	return text_key_matches(buf_view(&n), buf_view(&q));
}

static void test_search_finds_what_people_type(void **state)
{
	(void)state;
	assert_true(finds("jose", "Jos\xc3\xa9 \xc3\x81lvarez"));
	assert_true(finds("JOSE alvarez", "Jos\xc3\xa9 \xc3\x81lvarez"));
	assert_true(finds("alvarez jose", "Jos\xc3\xa9 \xc3\x81lvarez"));
	assert_true(finds("jos\xc3\xa9", "Jose Alvarez"));
	assert_true(finds("jose", "Jose\xcc\x81"));
	assert_true(finds("obrien", "Mary O'Brien"));
	assert_true(finds("o'brien", "Mary OBrien"));
	assert_true(finds("smith jones", "Ann Smith-Jones"));
	assert_true(finds("soren", "S\xc3\xb8ren"));
	assert_true(finds("strasse", "Stra\xc3\x9f"
				     "e"));
	assert_true(finds("\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82",
			  "\xce\xa3\xce\x8a\xce\xa3\xce\xa5\xce\xa6\xce\x9f\xce\xa3"));
	assert_true(finds("\xef\xbc\xa1"
			  "na",
			  "Ana")); /* full-width A */
	assert_true(finds("", "anybody"));
	assert_true(finds("  ", "anybody"));
	assert_false(finds("jose maria", "Jos\xc3\xa9"));
	assert_false(finds("x", ""));
	assert_false(finds("alvarezz", "Alvarez"));
}

/* Numbers and letters make words, signs do not, whatever the writing. */
static void test_what_counts_in_a_search(void **state)
{
	(void)state;
	assert_true(finds("room 4", "Room 4"));
	assert_true(finds("  room ", "Room 4"));
	assert_false(finds("5", "Room 4"));
	assert_true(finds("\xe2\x85\xab", "XII"));  /* U+216B, the Roman twelve */
	assert_true(finds("\xd9\xa4", "\xd9\xa4")); /* an Arabic four */
	assert_true(finds("\xd9\xa4", "Room \xd9\xa4"));
	assert_true(finds("\xe2\x98\xba", "anybody"));      /* a sign is no word */
	assert_true(finds("\xcd\xb8", "anybody"));          /* U+0378 is nothing yet */
	assert_true(finds("\xd7\x90", "\xd7\x90\xd7\x91")); /* Hebrew has no case */
}

/* Keys that other code put together: blanks at the ends and twice. */
static void test_blanks_in_a_key_match_everything(void **state)
{
	(void)state;
	const struct view name = view_str("ana silva");
	assert_true(text_key_matches(name, view_str(" ana")));
	assert_true(text_key_matches(name, view_str("ana ")));
	assert_true(text_key_matches(name, view_str("silva  ana")));
	assert_true(text_key_matches(name, view_str(" ")));
	assert_false(text_key_matches(name, view_str("ana silvaana silva")));
}

/* Refused by the length alone: nothing of it is read. */
static void test_more_than_any_buffer_holds(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	const struct view large = view_of("a", (size_t)BUF_BYTES_MAX + 1);
	assert_int_equal(text_check(large, TEXT_MANY_LINES), ERR_BAD_TEXT);
	assert_int_equal(text_search_key(large, &b), ERR_BAD_TEXT);
}

static void test_search_key_refuses_bad_bytes(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(text_search_key(view_str("\xff"), &b), ERR_BAD_TEXT);
	assert_int_equal(b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_text),
		cmocka_unit_test(test_names_are_normalised),
		cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_search_finds_what_people_type),
		cmocka_unit_test(test_what_counts_in_a_search),
		cmocka_unit_test(test_blanks_in_a_key_match_everything),
		cmocka_unit_test(test_more_than_any_buffer_holds),
		cmocka_unit_test(test_search_key_refuses_bad_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
