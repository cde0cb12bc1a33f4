#include "base/arena.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALIGN alignof(max_align_t)

static bool is_zero(const void *p, size_t len)
{
	const uint8_t *at = p;
	for (size_t i = 0; i < len; i++) {
		if (at[i] != 0) return false;
	}
	return true;
}

static void fill(void *p, size_t len)
{
	uint8_t *at = p;
	for (size_t i = 0; i < len; i++) at[i] = 0xee;
}

static void test_pieces_are_aligned_zeroed_and_apart(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 1u << 20);
	uint8_t *last = NULL;
	for (size_t bytes = 1; bytes < 300; bytes++) {
		uint8_t *p = arena_alloc(&a, bytes);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % ALIGN, 0);
		assert_true(is_zero(p, bytes));
		fill(p, bytes);
		if (last != NULL) assert_int_equal(last[0], 0xee);
		last = p;
	}
}

static void test_cap_at_max_minus_1_max_and_max_plus_1(void **state)
{
	(void)state;
	const size_t cap = 64 * ALIGN;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, cap);
	assert_null(arena_alloc(&a, cap + 1));
	assert_int_equal(a.used, 0);
	assert_non_null(arena_alloc(&a, cap));
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, cap - 1));
	assert_int_equal(a.used, cap); /* alignment counts */
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	for (size_t i = 0; i < 64; i++) assert_non_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, 1));
}

/* All of these must be refused before the allocator is asked: it would have to refuse them as well,
 * and ASan and valgrind call that a bug of its caller. */
static void test_what_fits_is_what_the_cap_leaves(void **state)
{
	(void)state;
	const size_t cap = 64 * ALIGN;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, cap);
	assert_false(arena_fits(&a, cap + 1));
	assert_true(arena_fits(&a, cap));
	assert_false(arena_fits(&a, SIZE_MAX));
	assert_non_null(arena_alloc(&a, cap - ALIGN));
	assert_false(arena_fits(&a, ALIGN + 1));
	assert_true(arena_fits(&a, ALIGN));
	a.cap--; /* the padding counts */
	assert_false(arena_fits(&a, ALIGN - 1));
	a.cap++;
}

static void test_no_sum_wraps(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, SIZE_MAX);
	/* The padding, then the block's own head, does not fit behind these. */
	for (size_t less = 0; less < 2 * ALIGN; less++) {
		assert_null(arena_alloc(&a, SIZE_MAX - less));
	}
	assert_non_null(arena_alloc(&a, 100));
	for (size_t less = 0; less < 100; less++) assert_null(arena_alloc(&a, SIZE_MAX - less));
	const struct view endless = { (const uint8_t *)"x", SIZE_MAX };
	assert_null(arena_dup(&a, endless).p);
	assert_non_null(arena_alloc(&a, 100));
}

static void test_an_arena_without_room_gives_nothing(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_dup(&a, VIEW_EMPTY).p); /* its NUL needs a byte */
	assert_null(a.blocks);
}

static void test_a_large_piece_has_its_own_block(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 1u << 20);
	uint8_t *small = arena_alloc(&a, 10);
	uint8_t *large = arena_alloc(&a, 500000);
	uint8_t *after = arena_alloc(&a, 10);
	assert_non_null(small);
	assert_non_null(large);
	assert_non_null(after);
	assert_true(is_zero(large, 500000));
	fill(large, 500000);
	assert_true(is_zero(small, 10));
	assert_true(is_zero(after, 10));
}

static void test_reset_gives_zeroed_memory_and_the_whole_cap_again(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 20000);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 19; i++) {
			uint8_t *p = arena_alloc(&a, 1000);
			assert_non_null(p);
			assert_true(is_zero(p, 1000));
			fill(p, 1000);
		}
		arena_reset(&a);
		assert_int_equal(a.used, 0);
	}
	assert_non_null(a.blocks);
}

static void test_reset_does_not_keep_a_large_block(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 8u << 20);
	assert_non_null(arena_alloc(&a, 4u << 20));
	arena_reset(&a);
	assert_null(a.blocks);
	assert_non_null(arena_alloc(&a, 8));
	assert_non_null(arena_alloc(&a, 4u << 20));
	arena_reset(&a);
	assert_non_null(a.blocks); /* the small one */
	assert_non_null(arena_alloc(&a, 8));
}

static void test_dup_copies_and_terminates(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 4096);
	char text[] = "Harbour";
	const struct view v = arena_dup(&a, view_str(text));
	text[0] = 'X';
	assert_int_equal(v.len, 7);
	assert_string_equal((const char *)v.p, "Harbour");
	const struct view empty = arena_dup(&a, VIEW_EMPTY);
	assert_non_null(empty.p);
	assert_int_equal(empty.len, 0);
	assert_int_equal(empty.p[0], 0);
}

static void test_dup_at_the_cap(void **state)
{
	(void)state;
	uint8_t bytes[2 * ALIGN];
	fill(bytes, sizeof(bytes));
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, sizeof(bytes));
	assert_null(arena_dup(&a, VIEW_OF(bytes)).p); /* one too long: the NUL */
	assert_int_equal(arena_dup(&a, VIEW_OF(bytes)).len, 0);
	assert_non_null(arena_dup(&a, view_of(bytes, sizeof(bytes) - 1)).p);
}

static void test_fini_may_run_twice(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 100);
	assert_non_null(arena_alloc(&a, 1));
	arena_fini(&a);
	arena_fini(&a);
	assert_null(arena_alloc(&a, 1)); /* its cap is gone too */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_aligned_zeroed_and_apart),
		cmocka_unit_test(test_cap_at_max_minus_1_max_and_max_plus_1),
		cmocka_unit_test(test_what_fits_is_what_the_cap_leaves),
		cmocka_unit_test(test_no_sum_wraps),
		cmocka_unit_test(test_an_arena_without_room_gives_nothing),
		cmocka_unit_test(test_a_large_piece_has_its_own_block),
		cmocka_unit_test(test_reset_gives_zeroed_memory_and_the_whole_cap_again),
		cmocka_unit_test(test_reset_does_not_keep_a_large_block),
		cmocka_unit_test(test_dup_copies_and_terminates),
		cmocka_unit_test(test_dup_at_the_cap),
		cmocka_unit_test(test_fini_may_run_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
