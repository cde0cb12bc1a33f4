#include "record/guard_words.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <utf8proc.h>

#define SPANS 16

static struct guard_name name_of(const char *text)
{
	struct guard_name n;
	assert_int_equal(guard_name_make(view_str(text), &n), ERR_OK);
	return n;
}

/* The first place of the name as text, "" when there is none. */
static void first_place(const char *name, const char *text, char ret_place[64])
{
	const struct guard_name n = name_of(name);
	struct guard_span spans[SPANS];
	size_t count = 99;
	assert_int_equal(guard_names_find(view_str(text), &n, 1, spans, SPANS, &count), ERR_OK);
	ret_place[0] = '\0';
	if (count == 0) return;
	assert_true(spans[0].start < spans[0].end && spans[0].end <= strlen(text));
	snprintf(ret_place, 64, "%.*s", (int)(spans[0].end - spans[0].start),
		 text + spans[0].start);
}

static void test_guard_4_linked_names_on_word_boundaries(void **state)
{
	(void)state;
	const struct {
		const char *name;
		const char *text;
		const char *place;
	} rows[] = {
		{ "Anna", "told Anna about it", "Anna" },
		{ "Anna", "ANNA, said she", "ANNA" },
		{ "anna", "(Anna)", "Anna" },
		{ "Anna", "Anna", "Anna" },
		{ "Anna", "her sister Annabel", "" },
		{ "Anna", "Susanna", "" },
		{ "Anna", "Anna2", "" },
		{ "Anna", "Anna's knee", "Anna's" },
		{ "Anna", "Anna\xe2\x80\x99s knee", "Anna\xe2\x80\x99s" },
		{ "Anna", "l'avis d'Anna", "d'Anna" },
		{ "Anna", "qu'Anna", "qu'Anna" },
		{ "Anna", "pour'Anna", "" }, /* nothing of three letters is elided */
		{ "Anna", "x'y'Anna", "" },
		{ "Anna", "'Anna'", "Anna" },
		{ "Dan", "Dan'el", "" },
		{ "Dan", "Dan'th", "" },
		{ "Dan", "Dans", "" },
		{ "OBrien",
		  "O\xca\xbc"
		  "Brien",
		  "O\xca\xbc"
		  "Brien" }, /* U+02BC */
		{ "Anna", "", "" },
		{ "Anna", "Anna-Lena", "Anna" },
		{ "Anna-Lena", "with Anna Lena today", "Anna Lena" },
		{ "Anna-Lena", "with Anna-Lena's mother", "Anna-Lena's" },
		{ "Anna-Lena", "with Anna", "" },
		{ "Anna-Lena", "with Anna Len", "" },
		{ "Mary Ann", "Mary  Ann came", "Mary  Ann" },
		{ "Jose", "Jos\xc3\xa9's back", "Jos\xc3\xa9's" },
		{ "Jos\xc3\xa9", "jose said", "jose" },
		{ "Jose", "Jose\xcc\x81 came", "Jose\xcc\x81" }, /* combining accent */
		{ "Jose", "Joseph", "" },
		{ "O'Brien", "Mr OBrien", "OBrien" },
		{ "OBrien", "Mr O'Brien", "O'Brien" },
		{ "S\xc3\xb8ren", "soren", "soren" },
		{ "Straße", "STRASSE", "STRASSE" },
		{ "Eli", "\xef\xbc\xa5\xef\xbc\xac\xef\xbc\xa9", /* full width */
		  "\xef\xbc\xa5\xef\xbc\xac\xef\xbc\xa9" },
		{ "\xd0\x9e\xd0\xbb\xd1\x8f", "\xd0\xbe\xd0\xbb\xd1\x8f 7", /* Cyrillic */
		  "\xd0\xbe\xd0\xbb\xd1\x8f" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char place[64];
		first_place(rows[i].name, rows[i].text, place);
		assert_string_equal(place, rows[i].place);
	}
}

/* Other apostrophes; a soft hyphen, a circle around a letter; and what is no letter yet. */
static void test_guard_4_signs_in_and_around_a_name(void **state)
{
	(void)state;
	const char *const rows[][2] = {
		{ "d\xe2\x80\x98Nora", "d\xe2\x80\x98Nora" },
		{ "d\xca\xbcNora", "d\xca\xbcNora" },
		{ "d\xef\xbc\x87Nora", "d\xef\xbc\x87Nora" },
		{ "\xca\xbcNora", "Nora" },
		{ "No\xc2\xadra", "No\xc2\xadra" },
		{ "N\xe2\x83\x9dora", "N\xe2\x83\x9dora" },
		{ "Nora\xcd\xb8too", "Nora" },
		{ "d'Nora's", "d'Nora's" },
		{ "l's Nora", "Nora" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char place[64];
		first_place("Nora", rows[i][0], place);
		assert_string_equal(place, rows[i][1]);
	}
}

static void test_every_place_is_counted_and_the_first_are_given(void **state)
{
	(void)state;
	const struct guard_name names[] = { name_of("Mary"), name_of("Mary Ann"), name_of("Ann") };
	const char *text = "Mary Ann and Mary";
	struct guard_span spans[SPANS] = { { 0 } };
	size_t count = 0;
	assert_int_equal(guard_names_find(view_str(text), names, 3, spans, SPANS, &count), ERR_OK);
	assert_int_equal(count, 4);
	const struct guard_span want[] = { { 0, 4, 0 }, { 0, 8, 1 }, { 5, 8, 2 }, { 13, 17, 0 } };
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_int_equal(spans[i].start, want[i].start);
		assert_int_equal(spans[i].end, want[i].end);
		assert_int_equal(spans[i].code, want[i].code);
	}
	const struct guard_span untouched = { 7, 7, 7 };
	spans[1] = untouched;
	assert_int_equal(guard_names_find(view_str(text), names, 3, spans, 1, &count), ERR_OK);
	assert_int_equal(count, 4);
	assert_int_equal(spans[1].start, 7);
	assert_int_equal(guard_names_find(view_str(text), names, 0, NULL, 0, &count), ERR_OK);
	assert_int_equal(count, 0);
}

static void test_names_and_texts_that_cannot_be_looked_at(void **state)
{
	(void)state;
	struct guard_name n = { .len = 77 };
	assert_int_equal(guard_name_make(VIEW_EMPTY, &n), ERR_BAD_VALUE);
	assert_int_equal(guard_name_make(view_str(" - "), &n), ERR_BAD_VALUE);
	assert_int_equal(guard_name_make(view_str("J."), &n), ERR_BAD_VALUE);
	assert_int_equal(guard_name_make(view_str("Jo\xff"), &n), ERR_BAD_TEXT);
	char longest[600];
	for (size_t i = 0; i < sizeof(longest); i++) longest[i] = i % 50 == 49 ? ' ' : 'a';
	assert_int_equal(guard_name_make(view_of(longest, 256), &n), ERR_OK);
	assert_int_equal(n.len, 256);
	n.len = 77;
	assert_int_equal(guard_name_make(view_of(longest, 257), &n), ERR_TOO_BIG);
	for (size_t i = 0; i < sizeof(longest); i++) longest[i] = 'a';
	assert_int_equal(guard_name_make(view_of(longest, 96), &n), ERR_OK);
	assert_int_equal(n.len, 96);
	n.len = 77;
	assert_int_equal(guard_name_make(view_of(longest, 97), &n), ERR_TOO_BIG);
	assert_int_equal(n.len, 77);

	const struct guard_name jo = name_of("Jo");
	size_t count = 99;
	const char *bad[] = { "Jo \xff", "\xc3", "Jo\xed\xa0\x80" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(guard_names_find(view_str(bad[i]), &jo, 1, NULL, 0, &count),
				 ERR_BAD_TEXT);
	}
	assert_int_equal(count, 99);
	assert_int_equal(guard_names_find(view_of("a\0Jo", 4), &jo, 1, NULL, 0, &count), ERR_OK);
	assert_int_equal(count, 1);
	/* A word beyond the limit matches nothing, and nothing goes wrong. */
	assert_int_equal(guard_names_find(view_of(longest, 600), &jo, 1, NULL, 0, &count), ERR_OK);
	assert_int_equal(count, 0);
}

/* text.c has the same folding with memory of its own; two homes must not drift apart. */
static void test_folding_is_that_of_text_search_key(void **state)
{
	(void)state;
	size_t letters = 0;
	for (utf8proc_int32_t point = 0x20; point < 0x20000; point++) {
		if (point >= 0xd800 && point < 0xe000) continue;
		const utf8proc_category_t c = utf8proc_category(point);
		if (c < UTF8PROC_CATEGORY_LU || c > UTF8PROC_CATEGORY_LO || point == 0x02bc)
			continue;
		uint8_t text[8] = { 'x' };
		const size_t len = 1 + (size_t)utf8proc_encode_char(point, text + 1);
		text[len] = 'x';
		CLEANUP(buf_finip) struct buf key = { 0 };
		assert_int_equal(text_search_key(view_of(text, len + 1), &key), ERR_OK);
		/* Ligatures of whole phrases hold blanks; they are nobody's name. */
		if (memchr(key.p, ' ', key.len) != NULL) continue;
		struct guard_name n;
		assert_int_equal(guard_name_make(view_of(text, len + 1), &n), ERR_OK);
		assert_true(view_equal(view_of(n.key, n.len), buf_view(&key)));
		letters++;
	}
	assert_true(letters > 10000);
}

static unsigned first_word(const char *text)
{
	struct guard_span spans[SPANS];
	size_t count = 0;
	assert_int_equal(guard_words_find(view_str(text), spans, SPANS, &count), ERR_OK);
	return count == 0 ? 0 : spans[0].code;
}

static void test_trust_47_words_ask_for_a_sealed_note(void **state)
{
	(void)state;
	const struct {
		const char *text;
		unsigned word;
	} rows[] = {
		{ "she is having an affair", GUARD_WORD_AFFAIR },
		{ "a fair amount of tone", 0 },
		{ "fairly tender", 0 },
		{ "Divorce last spring", GUARD_WORD_DIVORCE },
		{ "is divorcing", GUARD_WORD_DIVORCE },
		{ "DON'T TELL my husband", GUARD_WORD_SECRET },
		{ "don\xe2\x80\x99t  tell", GUARD_WORD_SECRET },
		{ "dont tell", GUARD_WORD_SECRET },
		{ "do not tell", GUARD_WORD_SECRET },
		{ "I do not think", 0 },
		{ "tell me if it hurts", 0 },
		{ "Ne le dites pas", GUARD_WORD_SECRET },
		{ "between us", GUARD_WORD_SECRET },
		{ "between the blades", 0 },
		{ "an abusive boss", GUARD_WORD_ABUSE },
		{ "abuse", GUARD_WORD_ABUSE },
		{ "shoulder abduction", 0 },
		{ "custody of the boys", GUARD_WORD_LAW },
		{ "grape seed oil", 0 },
		{ "skin scraped", 0 },
		{ "therapeutic", 0 },
		{ "scapular drape checked", 0 },
		{ "", 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(first_word(rows[i].text), rows[i].word);
		if (rows[i].word != 0) {
			assert_true(guard_word_asks_seal((enum guard_word)rows[i].word));
		}
	}
}

static void test_trust_45_self_harm_and_abuse_bring_the_safety_card(void **state)
{
	(void)state;
	const struct {
		const char *text;
		unsigned word;
	} rows[] = {
		{ "thoughts of suicide", GUARD_WORD_SELF_HARM },
		{ "feels suicidal", GUARD_WORD_SELF_HARM },
		{ "I want to die", GUARD_WORD_SELF_HARM },
		{ "self-harm in her teens", GUARD_WORD_SELF_HARM },
		{ "self harming", GUARD_WORD_SELF_HARM },
		{ "could not hurt myself more at the gym", GUARD_WORD_SELF_HARM },
		{ "says she wants to hurt herself", GUARD_WORD_SELF_HARM },
		{ "afraid he may harm himself", GUARD_WORD_SELF_HARM },
		{ "hurt herself lifting a box", 0 },
		{ "he hits me", GUARD_WORD_VIOLENCE },
		{ "it hits the nerve", 0 },
		{ "was assaulted", GUARD_WORD_VIOLENCE },
		{ "abused as a child", GUARD_WORD_ABUSE },
		{ "self care at home", 0 },
		{ "dying for a coffee", 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(first_word(rows[i].text), rows[i].word);
		if (rows[i].word != 0) {
			assert_true(guard_word_asks_safety((enum guard_word)rows[i].word));
		}
	}
	assert_false(guard_word_asks_safety(GUARD_WORD_AFFAIR));
	assert_false(guard_word_asks_safety(GUARD_WORD_SECRET));
}

static void test_the_list_is_folded_and_each_phrase_finds_itself(void **state)
{
	(void)state;
	size_t count;
	const struct guard_phrase *list = guard_phrases(&count);
	for (size_t i = 0; i < count; i++) {
		const size_t len = strcspn(list[i].text, "*");
		struct guard_name n;
		assert_int_equal(guard_name_make(view_of(list[i].text, len), &n), ERR_OK);
		assert_true(view_equal(view_of(n.key, n.len), view_of(list[i].text, len)));
		assert_true(strlen(list[i].text) <= len + 1);
		struct guard_span spans[SPANS];
		size_t found = 0;
		assert_int_equal(guard_words_find(view_of(list[i].text, len), spans, SPANS, &found),
				 ERR_OK);
		assert_true(found >= 1 && spans[0].start == 0);
		assert_true(strlen(guard_word_name(list[i].word)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_4_linked_names_on_word_boundaries),
		cmocka_unit_test(test_guard_4_signs_in_and_around_a_name),
		cmocka_unit_test(test_every_place_is_counted_and_the_first_are_given),
		cmocka_unit_test(test_names_and_texts_that_cannot_be_looked_at),
		cmocka_unit_test(test_folding_is_that_of_text_search_key),
		cmocka_unit_test(test_trust_47_words_ask_for_a_sealed_note),
		cmocka_unit_test(test_trust_45_self_harm_and_abuse_bring_the_safety_card),
		cmocka_unit_test(test_the_list_is_folded_and_each_phrase_finds_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
