#include "base/id.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS 1760000000000u

static struct rand_seeded seeded;

static struct id_source source(void)
{
	struct id_source s;
	id_source_init(&s, rand_seeded_init(&seeded, 3));
	return s;
}

static uint64_t id_ms(const struct id *id)
{
	uint64_t ms = 0;
	for (int i = 0; i < 6; i++) ms = ms << 8 | id->b[i];
	return ms;
}

static int id_order(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_BYTES);
}

static void test_v7_has_time_version_and_variant(void **state)
{
	(void)state;
	struct id_source s = source();
	for (uint64_t i = 0; i < 1000; i++) {
		const struct id id = id_make_v7(&s, NOW_MS + i);
		assert_int_equal(id_ms(&id), NOW_MS + i);
		assert_int_equal(id.b[6] >> 4, 7);
		assert_int_equal(id.b[8] >> 6, 2);
	}
}

static void test_v7_rises_within_a_millisecond_past_the_counter(void **state)
{
	(void)state;
	struct id_source s = source();
	struct id last = id_make_v7(&s, NOW_MS);
	/* 10,000 ids are more than the 12-bit counter holds, so time is borrowed. */
	for (int i = 0; i < 10000; i++) {
		const struct id next = id_make_v7(&s, NOW_MS);
		assert_true(id_order(&last, &next) < 0);
		assert_int_equal(next.b[6] >> 4, 7);
		last = next;
	}
	assert_in_range(id_ms(&last), NOW_MS + 1, NOW_MS + 5);
	/* The clock is now behind the borrowed time and must not pull ids back. */
	const struct id next = id_make_v7(&s, NOW_MS + 1);
	assert_true(id_order(&last, &next) < 0);
}

static void test_v7_rises_when_the_clock_jumps_back(void **state)
{
	(void)state;
	struct id_source s = source();
	struct id last = id_make_v7(&s, NOW_MS);
	const uint64_t clock[] = { NOW_MS - 3600000, 0, NOW_MS, NOW_MS - 1, NOW_MS + 1, NOW_MS };
	for (size_t i = 0; i < COUNT_OF(clock); i++) {
		const struct id next = id_make_v7(&s, clock[i]);
		assert_true(id_order(&last, &next) < 0);
		last = next;
	}
}

static void test_two_sources_do_not_meet(void **state)
{
	(void)state;
	struct rand_seeded s1, s2;
	struct id_source a, b;
	id_source_init(&a, rand_seeded_init(&s1, 1));
	id_source_init(&b, rand_seeded_init(&s2, 2));
	for (int i = 0; i < 1000; i++) {
		const struct id x = id_make_v7(&a, NOW_MS);
		const struct id y = id_make_v7(&b, NOW_MS);
		assert_false(id_equal(&x, &y));
	}
}

static void test_random_ids_show_no_time_and_differ(void **state)
{
	(void)state;
	const struct rand_source r = rand_seeded_init(&seeded, 9);
	uint8_t zeros_seen[ID_BYTES] = { 0 };
	uint8_t ones_seen[ID_BYTES] = { 0 };
	for (int i = 0; i < 200; i++) {
		const struct id id = id_make_random(&r);
		for (size_t j = 0; j < ID_BYTES; j++) {
			ones_seen[j] |= id.b[j];
			zeros_seen[j] |= (uint8_t)~id.b[j];
		}
	}
	/* Each of the 128 bits takes both values: no version, variant or time is fixed. */
	for (size_t j = 0; j < ID_BYTES; j++) {
		assert_int_equal(ones_seen[j], 0xff);
		assert_int_equal(zeros_seen[j], 0xff);
	}
}

static const struct id sample = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x7d, 0xef, 0x80, 0x12,
				    0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde } };
#define SAMPLE_TEXT "01234567-89ab-7def-8012-3456789abcde"

static void test_print_is_lower_case_uuid_text(void **state)
{
	(void)state;
	char text[ID_TEXT_BYTES + 1];
	text[ID_TEXT_BYTES] = 'G'; /* a guard behind what may be written */
	id_print(&sample, text);
	assert_string_equal(text, SAMPLE_TEXT);
	assert_int_equal(text[ID_TEXT_BYTES], 'G');
}

static void test_parse_takes_either_case_back(void **state)
{
	(void)state;
	struct id id = { { 0 } };
	assert_int_equal(id_parse(view_str(SAMPLE_TEXT), &id), ERR_OK);
	assert_true(id_equal(&id, &sample));
	id = (struct id){ { 0 } };
	assert_int_equal(id_parse(view_str("01234567-89AB-7DEF-8012-3456789ABCDE"), &id), ERR_OK);
	assert_true(id_equal(&id, &sample));

	const struct rand_source r = rand_seeded_init(&seeded, 5);
	for (int i = 0; i < 1000; i++) {
		const struct id want = id_make_random(&r);
		char text[ID_TEXT_BYTES];
		id_print(&want, text);
		assert_int_equal(id_parse(view_str(text), &id), ERR_OK);
		assert_true(id_equal(&id, &want));
	}
}

static void assert_refused(struct view text)
{
	const struct id before = { { 7, 7, 7 } };
	struct id id = before;
	assert_int_equal(id_parse(text, &id), ERR_BAD_VALUE);
	assert_true(id_equal(&id, &before)); /* untouched on failure */
}

static void test_parse_refuses_every_other_length(void **state)
{
	(void)state;
	const char *longer = SAMPLE_TEXT "00000000";
	for (size_t len = 0; len <= strlen(longer); len++) {
		if (len != 36) assert_refused(view_of(longer, len));
	}
	assert_refused(VIEW_EMPTY);
}

static void test_parse_refuses_a_wrong_byte_at_each_place(void **state)
{
	(void)state;
	const char wrong[] = { 'g', 'G', ' ', '/', ':', '@', '`', '\0', '\n', (char)0xff, '_' };
	for (size_t at = 0; at < 36; at++) {
		for (size_t w = 0; w < sizeof(wrong); w++) {
			char text[] = SAMPLE_TEXT;
			text[at] = wrong[w];
			assert_refused(view_of(text, 36));
		}
		char swapped[] = SAMPLE_TEXT; /* a dash for a digit, a digit for a dash */
		swapped[at] = swapped[at] == '-' ? '0' : '-';
		assert_refused(view_of(swapped, 36));
	}
}

static void test_from_view_takes_16_bytes_only(void **state)
{
	(void)state;
	uint8_t bytes[20];
	for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (uint8_t)i;
	struct id id = { { 9 } };
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		const enum err e = id_from_view(view_of(bytes, len), &id);
		assert_int_equal(e, len == 16 ? ERR_OK : ERR_BAD_FORMAT);
		if (len < 16) assert_int_equal(id.b[0], 9);
	}
	assert_memory_equal(id.b, bytes, 16);
	assert_true(view_equal(id_view(&id), view_of(bytes, 16)));
}

static void test_zero_is_only_all_zero(void **state)
{
	(void)state;
	struct id id = { { 0 } };
	assert_true(id_is_zero(&id));
	for (size_t i = 0; i < ID_BYTES; i++) {
		id = (struct id){ { 0 } };
		id.b[i] = 1;
		assert_false(id_is_zero(&id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v7_has_time_version_and_variant),
		cmocka_unit_test(test_v7_rises_within_a_millisecond_past_the_counter),
		cmocka_unit_test(test_v7_rises_when_the_clock_jumps_back),
		cmocka_unit_test(test_two_sources_do_not_meet),
		cmocka_unit_test(test_random_ids_show_no_time_and_differ),
		cmocka_unit_test(test_print_is_lower_case_uuid_text),
		cmocka_unit_test(test_parse_takes_either_case_back),
		cmocka_unit_test(test_parse_refuses_every_other_length),
		cmocka_unit_test(test_parse_refuses_a_wrong_byte_at_each_place),
		cmocka_unit_test(test_from_view_takes_16_bytes_only),
		cmocka_unit_test(test_zero_is_only_all_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
