#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int released[8];
static int released_count;

static void releasep(int *var)
{
	released[released_count++] = *var;
}

static int leave_early(int when)
{
	CLEANUP(releasep) int first = 1;
	if (when == 1) return first;
	CLEANUP(releasep) int second = 2;
	if (when == 2) return second;
	for (int i = 0; i < 2; i++) {
		CLEANUP(releasep) int inner = 10 + i;
		if (i == when - 3) break;
		(void)inner;
	}
	return 0;
}

static void test_each_way_out_releases_in_reverse_order(void **state)
{
	(void)state;
	released_count = 0;
	assert_int_equal(leave_early(1), 1);
	assert_int_equal(released_count, 1);

	released_count = 0;
	assert_int_equal(leave_early(2), 2);
	assert_int_equal(released_count, 2);
	assert_int_equal(released[0], 2);
	assert_int_equal(released[1], 1);

	released_count = 0;
	assert_int_equal(leave_early(9), 0);
	const int want[] = { 10, 11, 2, 1 };
	assert_int_equal(released_count, 4);
	assert_memory_equal(released, want, sizeof(want));
}

static void test_freep_frees_and_empties(void **state)
{
	(void)state;
	char *text = strdup("x");
	assert_non_null(text);
	freep(&text);
	assert_null(text);
	freep(&text); /* nothing left */
}

static char *make_text(void)
{
	CLEANUP(freep) char *text = strdup("kept");
	return TAKE(text);
}

static void test_take_saves_it_from_the_cleanup(void **state)
{
	(void)state;
	CLEANUP(freep) char *text = make_text();
	assert_string_equal(text, "kept"); /* ASan would see a use after free */
	char *moved = TAKE(text);
	assert_null(text);
	free(moved);
}

static void test_closep_closes_once_and_leaves_errno(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	const int was = ends[0];
	errno = 1234;
	closep(&ends[0]);
	assert_int_equal(ends[0], -1);
	assert_int_equal(fcntl(was, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	errno = 1234;
	closep(&ends[0]); /* -1: nothing to do */
	assert_int_equal(errno, 1234);
	closep(&ends[1]);
	assert_int_equal(errno, 1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_way_out_releases_in_reverse_order),
		cmocka_unit_test(test_freep_frees_and_empties),
		cmocka_unit_test(test_take_saves_it_from_the_cleanup),
		cmocka_unit_test(test_closep_closes_once_and_leaves_errno),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
