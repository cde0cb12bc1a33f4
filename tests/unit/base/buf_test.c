#include "base/buf.h"

#include "base/cleanup.h"
#include "base/limits.h"

#include "death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Linked with --wrap=free: what is in memory at the moment it is given back? */
static const uint8_t *watched;
static size_t watched_len;
static unsigned watched_frees;
static bool watched_clean;

void __real_free(void *p);
void __wrap_free(void *p);

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0) return false;
	return true;
}

void __wrap_free(void *p)
{
	if (p != NULL && p == watched) {
		watched_frees++;
		watched_clean = is_zero(watched, watched_len);
		watched = NULL;
	}
	__real_free(p);
}

static void watch(const struct buf *b)
{
	watched = b->p;
	watched_len = b->len;
	watched_frees = 0;
	watched_clean = false;
}

/* Session texts and passphrases go through bufs: what leaves one leaves no copy behind. */
static void test_what_leaves_a_buf_is_overwritten(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_int_equal(buf_append_str(&b, "a canary in forty bytes of plain words.."), ERR_OK);
	watch(&b);
	for (size_t cap = b.cap; b.cap == cap;) assert_int_equal(buf_append_u8(&b, 'x'), ERR_OK);
	assert_int_equal(watched_frees, 1);
	assert_true(watched_clean);
	assert_memory_equal(b.p, "a canary", 8);

	const size_t len = b.len;
	buf_consume(&b, 10);
	assert_true(is_zero(b.p + b.len, 10));
	assert_memory_equal(b.p, "n forty", 7);
	buf_clear(&b);
	assert_true(is_zero(b.p, len));

	assert_int_equal(buf_append_str(&b, "another canary"), ERR_OK);
	watch(&b);
	buf_fini(&b);
	assert_int_equal(watched_frees, 1);
	assert_true(watched_clean);
}

static void test_a_new_buf_is_empty_and_fini_may_run_twice(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_int_equal(buf_view(&b).len, 0);
	buf_fini(&b);
	buf_init(&b);
	assert_int_equal(buf_append_str(&b, "x"), ERR_OK);
	buf_fini(&b);
	assert_null(b.p);
	assert_int_equal(b.cap, 0);
	buf_fini(&b);
}

static void test_append_keeps_order_over_many_growths(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	for (uint32_t i = 0; i < 10000; i++) assert_int_equal(buf_append_be32(&b, i), ERR_OK);
	assert_int_equal(b.len, 40000);
	for (uint32_t i = 0; i < 10000; i++) assert_int_equal(load_be32(b.p + 4 * i), i);
}

static void test_integers_are_big_endian(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_append_u8(&b, 0xab), ERR_OK);
	assert_int_equal(buf_append_be32(&b, 0x01020304u), ERR_OK);
	assert_int_equal(buf_append_be64(&b, 0xf1f2f3f4f5f6f7f8u), ERR_OK);
	const uint8_t want[] = { 0xab, 1, 2, 3, 4, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8 };
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
	assert_int_equal(load_be64(b.p + 5), 0xf1f2f3f4f5f6f7f8u);
}

static void test_empty_pieces_change_nothing(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_append(&b, VIEW_EMPTY), ERR_OK);
	assert_int_equal(buf_append_str(&b, ""), ERR_OK);
	assert_int_equal(buf_append_str(&b, NULL), ERR_OK);
	assert_int_equal(buf_append_fmt(&b, "%s", ""), ERR_OK);
	assert_int_equal(b.len, 0);
}

static void test_fmt_appends_and_does_not_count_the_nul(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_append_str(&b, "a="), ERR_OK);
	assert_int_equal(buf_append_fmt(&b, "%d b=%s", 7, "text"), ERR_OK);
	assert_int_equal(b.len, strlen("a=7 b=text"));
	assert_memory_equal(b.p, "a=7 b=text", b.len);

	/* A text that fills the allocation to its last byte still has room for vsnprintf's NUL. */
	for (int wide = 0; wide < 300; wide++) {
		CLEANUP(buf_finip) struct buf c = { 0 };
		assert_int_equal(buf_append_fmt(&c, "%*s", wide, ""), ERR_OK);
		assert_int_equal(c.len, wide);
		assert_true(c.cap > c.len);
	}
}

static void test_reserve_at_the_limit(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_append_str(&b, "kept"), ERR_OK);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_TOO_BIG);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 4), ERR_TOO_BIG);
	assert_int_equal(buf_reserve(&b, BUF_BYTES_MAX - 3), ERR_TOO_BIG);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.p, "kept", 4);
	assert_int_equal(buf_reserve(&b, BUF_BYTES_MAX - 5), ERR_OK);
	assert_int_equal(buf_reserve(&b, BUF_BYTES_MAX - 4), ERR_OK);
	assert_int_equal(b.cap, BUF_BYTES_MAX);
	assert_memory_equal(b.p, "kept", 4);
}

static void test_a_full_buf_refuses_one_byte_more_and_stays_as_it_is(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_reserve(&b, BUF_BYTES_MAX), ERR_OK);
	b.len = BUF_BYTES_MAX - 1;
	b.p[0] = 'f';
	assert_int_equal(buf_append_u8(&b, 'l'), ERR_OK);
	assert_int_equal(buf_append_u8(&b, 'x'), ERR_TOO_BIG);
	assert_int_equal(buf_append_str(&b, "x"), ERR_TOO_BIG);
	assert_int_equal(buf_append_be32(&b, 1), ERR_TOO_BIG);
	assert_int_equal(buf_append_be64(&b, 1), ERR_TOO_BIG);
	assert_int_equal(buf_append_fmt(&b, "x"), ERR_TOO_BIG);
	const char *untouched = "untouched";
	assert_int_equal(buf_cstr(&b, &untouched), ERR_TOO_BIG);
	assert_string_equal(untouched, "untouched");
	assert_int_equal(b.len, BUF_BYTES_MAX);
	assert_int_equal(b.p[0], 'f');
	assert_int_equal(b.p[BUF_BYTES_MAX - 1], 'l');
}

static void test_consume_drops_from_the_front(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_append_str(&b, "abcdef"), ERR_OK);
	buf_consume(&b, 0);
	assert_int_equal(b.len, 6);
	buf_consume(&b, 2);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.p, "cdef", 4);
	buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_append_str(&b, "z"), ERR_OK);
	assert_memory_equal(b.p, "z", 1);
}

static void consume_one_too_many(void *arg)
{
	struct buf *b = arg;
	buf_consume(b, b->len + 1);
}

static void test_consuming_more_than_there_is_is_our_bug(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_append_str(&b, "abc"), ERR_OK);
	const struct death d = death_of(consume_one_too_many, &b);
	assert_int_equal(d.signal, SIGABRT);
	assert_non_null(strstr(d.said, "count <= b->len"));
}

static void test_clear_keeps_memory_and_wipe_overwrites_all_of_it(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(buf_append_str(&b, "a long secret text"), ERR_OK);
	const uint8_t *before = b.p;
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_ptr_equal(b.p, before);
	assert_true(is_zero(b.p, 18));

	memcpy(b.p, "read in behind len", 18); /* what only wipe knows of */
	buf_wipe(&b);
	assert_true(is_zero(b.p, 18));
	assert_int_equal(buf_append_str(&b, "again"), ERR_OK);
	assert_memory_equal(b.p, "again", 5);

	struct buf never = { 0 };
	buf_wipe(&never);
}

static void test_take_hands_the_bytes_over(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_int_equal(buf_append_str(&b, "mine"), ERR_OK);
	size_t len = 99;
	CLEANUP(freep) uint8_t *bytes = buf_take(&b, &len);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "mine", 4);
	assert_null(b.p);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, 0);

	size_t none = 99;
	assert_null(buf_take(&b, &none));
	assert_int_equal(none, 0);
}

static void test_cstr_terminates_without_counting(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	const char *text = NULL;
	assert_int_equal(buf_cstr(&b, &text), ERR_OK);
	assert_string_equal(text, "");
	for (size_t i = 0; i < 200; i++) {
		assert_int_equal(buf_append_u8(&b, 'x'), ERR_OK);
		assert_int_equal(buf_cstr(&b, &text), ERR_OK);
		assert_int_equal(strlen(text), i + 1);
		assert_int_equal(b.len, i + 1);
	}
}

static void test_views_compare_by_content(void **state)
{
	(void)state;
	const uint8_t raw[] = { 'a', 'b' };
	assert_true(view_equal(view_str("ab"), VIEW_OF(raw)));
	assert_false(view_equal(view_str("ab"), view_str("abc")));
	assert_false(view_equal(view_str("ab"), view_str("aB")));
	assert_true(view_equal(VIEW_EMPTY, view_str("")));
	assert_true(view_equal(VIEW_EMPTY, view_str(NULL)));
	assert_false(view_equal(VIEW_EMPTY, view_str("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_leaves_a_buf_is_overwritten),
		cmocka_unit_test(test_a_new_buf_is_empty_and_fini_may_run_twice),
		cmocka_unit_test(test_append_keeps_order_over_many_growths),
		cmocka_unit_test(test_integers_are_big_endian),
		cmocka_unit_test(test_empty_pieces_change_nothing),
		cmocka_unit_test(test_fmt_appends_and_does_not_count_the_nul),
		cmocka_unit_test(test_reserve_at_the_limit),
		cmocka_unit_test(test_a_full_buf_refuses_one_byte_more_and_stays_as_it_is),
		cmocka_unit_test(test_consume_drops_from_the_front),
		cmocka_unit_test(test_consuming_more_than_there_is_is_our_bug),
		cmocka_unit_test(test_clear_keeps_memory_and_wipe_overwrites_all_of_it),
		cmocka_unit_test(test_take_hands_the_bytes_over),
		cmocka_unit_test(test_cstr_terminates_without_counting),
		cmocka_unit_test(test_views_compare_by_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
