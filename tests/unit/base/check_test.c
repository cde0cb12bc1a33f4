#include "base/check.h"

#include "base/log.h"

#include "death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void require_positive(void *arg)
{
	const int *v = arg;
	REQUIRE(*v > 0);
}

static void insist_positive(void *arg)
{
	const int *v = arg;
	INSIST(*v > 0);
}

static void test_a_true_condition_goes_on(void **state)
{
	(void)state;
	int v = 1;
	assert_int_equal(death_of(require_positive, &v).signal, 0);
	assert_int_equal(death_of(insist_positive, &v).signal, 0);
}

static void test_a_false_condition_aborts_and_names_itself(void **state)
{
	(void)state;
	int v = 0;
	const struct death r = death_of(require_positive, &v);
	assert_int_equal(r.signal, SIGABRT);
	assert_non_null(strstr(r.said, "REQUIRE failed: *v > 0 at "));
	assert_non_null(strstr(r.said, "check_test.c:"));

	const struct death i = death_of(insist_positive, &v);
	assert_int_equal(i.signal, SIGABRT);
	assert_non_null(strstr(i.said, "INSIST failed: *v > 0 at "));
}

static void log_then_fail(void *arg)
{
	log_debug("conn", "closing conn=%d", 17);
	log_info("writer", "batch ops=%d", 3);
	require_positive(arg);
}

static void test_the_dump_has_the_last_events_even_below_the_level(void **state)
{
	(void)state;
	int v = -1;
	const struct death d = death_of(log_then_fail, &v);
	assert_int_equal(d.signal, SIGABRT);
	const char *first = strstr(d.said, "  debug conn: closing conn=17\n");
	const char *second = strstr(d.said, "  info writer: batch ops=3\n");
	assert_non_null(first);
	assert_non_null(second);
	assert_true(first < second);
}

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

static void test_conditions_are_evaluated_once_in_every_build(void **state)
{
	(void)state;
	evaluated = 0;
	REQUIRE(evaluate() > 0);
	INSIST(evaluate() > 0);
	assert_int_equal(evaluated, 2);
}

struct inner {
	char c;
};

struct outer {
	uint64_t before;
	struct inner in;
	uint64_t after;
};

static void test_container_of_finds_the_owner(void **state)
{
	(void)state;
	struct outer o = { .before = 1, .after = 2 };
	struct inner *in = &o.in;
	assert_ptr_equal(CONTAINER_OF(in, struct outer, in), &o);
	const int three[3] = { 0 };
	assert_int_equal(COUNT_OF(three), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_true_condition_goes_on),
		cmocka_unit_test(test_a_false_condition_aborts_and_names_itself),
		cmocka_unit_test(test_the_dump_has_the_last_events_even_below_the_level),
		cmocka_unit_test(test_conditions_are_evaluated_once_in_every_build),
		cmocka_unit_test(test_container_of_finds_the_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
