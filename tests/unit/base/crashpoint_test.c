#include "base/crashpoint.h"

#include "base/check.h"

#include "death.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define VISITS 5

/* What the child of the tests below does: visits every point VISITS times. */
static int visit_all(void)
{
	for (int round = 0; round < VISITS; round++) {
		for (unsigned i = 0; i < CRASHPOINT_COUNT; i++) crashpoint((enum crashpoint)i);
	}
	return 0;
}

static void exec_with(void *arg)
{
	char setting[128];
	(void)snprintf(setting, sizeof(setting), "ROOMKEEP_CRASH_AT=%s", (const char *)arg);
	char *argv[] = { (char[]){ "crashpoint_test" }, (char[]){ "visit" }, NULL };
	char *envp[] = { setting, NULL };
	(void)execve("/proc/self/exe", argv, envp);
	abort();
}

static struct death run_with(const char *setting)
{
	return death_of(exec_with, (void *)(uintptr_t)setting);
}

static void test_names_are_whole_and_differ(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CRASHPOINT_COUNT; i++) {
		const char *name = crashpoint_name((enum crashpoint)i);
		assert_non_null(strchr(name, '.'));
		assert_true(strlen(name) < 64); /* what a setting may hold */
		for (unsigned j = 0; j < i; j++) {
			assert_string_not_equal(name, crashpoint_name((enum crashpoint)j));
		}
	}
}

static void test_without_a_setting_nothing_happens(void **state)
{
	(void)state;
	const struct death d = run_with("");
	assert_int_equal(d.signal, 0);
	assert_string_equal(d.said, "");
}

static void test_the_environment_kills_at_each_point(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CRASHPOINT_COUNT; i++) {
		const char *name = crashpoint_name((enum crashpoint)i);
		assert_int_equal(run_with(name).signal, SIGKILL);
	}
}

static void test_the_count_is_of_visits(void **state)
{
	(void)state;
	char setting[128];
	const char *name = crashpoint_name(0);
	for (int n = 1; n <= VISITS + 1; n++) {
		(void)snprintf(setting, sizeof(setting), "%s:%d", name, n);
		assert_int_equal(run_with(setting).signal, n <= VISITS ? SIGKILL : 0);
	}
}

static void test_a_setting_that_is_not_understood_stops_the_program(void **state)
{
	(void)state;
	char too_long[100];
	for (size_t i = 0; i < sizeof(too_long); i++) too_long[i] = 'x';
	too_long[sizeof(too_long) - 1] = '\0';
	const char *bad[] = { "no.such",
			      "store.commit_before:0",
			      "store.commit_before:",
			      "store.commit_before:x",
			      "store.commit_before:1x",
			      "store.commit_before:-1",
			      "store.commit_before: 1",
			      ":1",
			      too_long };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct death d = run_with(bad[i]);
		assert_int_equal(d.signal, 0);
		assert_non_null(strstr(d.said, "names no crash point; they are:"));
		assert_non_null(strstr(d.said, "\n  store.commit_before\n"));
	}
}

struct visit {
	enum crashpoint point;
	uint64_t at;
	int times;
};

static void arm_and_visit(void *arg)
{
	const struct visit *v = arg;
	if (crashpoint_arm(crashpoint_name(v->point), v->at) != ERR_OK) _exit(3);
	for (int i = 0; i < v->times; i++) {
		crashpoint(CRASHPOINT_STORE_COMMIT_BEFORE);
		crashpoint(CRASHPOINT_STORE_COMMIT_AFTER);
	}
}

static void test_arming_kills_at_that_visit_of_that_point_only(void **state)
{
	(void)state;
	struct visit killed[] = { { CRASHPOINT_STORE_COMMIT_BEFORE, 1, 1 },
				  { CRASHPOINT_STORE_COMMIT_AFTER, 3, 3 } };
	struct visit spared[] = { { CRASHPOINT_STORE_COMMIT_BEFORE, 3, 2 },
				  { CRASHPOINT_STORE_OP_BEFORE, 1, 9 } };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(death_of(arm_and_visit, &killed[i]).signal, SIGKILL);
		assert_int_equal(death_of(arm_and_visit, &spared[i]).signal, 0);
	}
}

static void test_arming_refuses_what_it_does_not_know(void **state)
{
	(void)state;
	assert_int_equal(crashpoint_arm("no.such", 1), ERR_NOT_FOUND);
	assert_int_equal(crashpoint_arm("", 1), ERR_NOT_FOUND);
	assert_int_equal(crashpoint_arm("store.commit_before", 0), ERR_BAD_VALUE);
	crashpoint(CRASHPOINT_STORE_COMMIT_BEFORE); /* still unarmed: we go on */
}

static void *visit_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 250; i++) crashpoint(CRASHPOINT_STORE_COMMIT_BEFORE);
	return NULL;
}

static void race(void *arg)
{
	pthread_t threads[4];
	const struct visit *v = arg;
	if (crashpoint_arm(crashpoint_name(v->point), v->at) != ERR_OK) _exit(3);
	for (int i = 0; i < 4; i++) {
		if (pthread_create(&threads[i], NULL, visit_often, NULL) != 0) _exit(3);
	}
	for (int i = 0; i < 4; i++) (void)pthread_join(threads[i], NULL);
}

static void test_visits_of_racing_threads_are_counted_once_each(void **state)
{
	(void)state;
	struct visit last = { CRASHPOINT_STORE_COMMIT_BEFORE, 1000, 0 };
	struct visit beyond = { CRASHPOINT_STORE_COMMIT_BEFORE, 1001, 0 };
	assert_int_equal(death_of(race, &last).signal, SIGKILL);
	assert_int_equal(death_of(race, &beyond).signal, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_whole_and_differ),
		cmocka_unit_test(test_without_a_setting_nothing_happens),
		cmocka_unit_test(test_the_environment_kills_at_each_point),
		cmocka_unit_test(test_the_count_is_of_visits),
		cmocka_unit_test(test_a_setting_that_is_not_understood_stops_the_program),
		cmocka_unit_test(test_arming_kills_at_that_visit_of_that_point_only),
		cmocka_unit_test(test_arming_refuses_what_it_does_not_know),
		cmocka_unit_test(test_visits_of_racing_threads_are_counted_once_each),
	};
	if (argc == 2 && strcmp(argv[1], "visit") == 0) return visit_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
