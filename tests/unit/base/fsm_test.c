#include "base/fsm.h"

#include "base/check.h"

#include "death.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum door { DOOR_OPEN, DOOR_SHUT, DOOR_GONE };

static const struct fsm_state doors[] = {
	[DOOR_OPEN] = { "open", FSM_TO(DOOR_SHUT) | FSM_TO(DOOR_GONE), FSM_INITIAL },
	[DOOR_SHUT] = { "shut", FSM_TO(DOOR_OPEN) | FSM_TO(DOOR_SHUT), 0 },
	[DOOR_GONE] = { "gone", 0, FSM_FINAL },
};

static void test_it_starts_where_told_and_names_its_state(void **state)
{
	(void)state;
	struct fsm m;
	fsm_init(&m, doors, COUNT_OF(doors), DOOR_OPEN);
	assert_int_equal(m.now, DOOR_OPEN);
	assert_string_equal(fsm_name(&m), "open");
	fsm_move(&m, DOOR_SHUT);
	assert_string_equal(fsm_name(&m), "shut");
	fsm_move(&m, DOOR_SHUT); /* the table allows it */
	fsm_move(&m, DOOR_OPEN);
	fsm_move(&m, DOOR_GONE);
	assert_string_equal(fsm_name(&m), "gone");
}

static void test_may_move_says_exactly_what_the_table_says(void **state)
{
	(void)state;
	const bool want[3][3] = {
		{ false, true, true },
		{ true, true, false },
		{ false, false, false },
	};
	for (unsigned from = 0; from < 3; from++) {
		const struct fsm m = { .table = doors, .count = 3, .now = from };
		for (unsigned to = 0; to < 3; to++) {
			assert_int_equal(fsm_may_move(&m, to), want[from][to]);
		}
	}
}

static void test_a_state_outside_the_table_is_never_allowed(void **state)
{
	(void)state;
	const struct fsm_state all[] = { { "all", UINT32_MAX, FSM_INITIAL } };
	struct fsm m;
	fsm_init(&m, all, 1, 0);
	assert_true(fsm_may_move(&m, 0));
	for (unsigned to = 1; to < 70; to++) assert_false(fsm_may_move(&m, to));
	assert_false(fsm_may_move(&m, UINT32_MAX));
}

struct attempt {
	unsigned count;
	unsigned first;
	unsigned next;
};

static void init_and_move(void *arg)
{
	const struct attempt *t = arg;
	struct fsm m;
	fsm_init(&m, doors, t->count, t->first);
	fsm_move(&m, t->next);
}

static void test_our_own_mistakes_abort(void **state)
{
	(void)state;
	struct attempt fine = { 3, DOOR_OPEN, DOOR_SHUT };
	assert_int_equal(death_of(init_and_move, &fine).signal, 0);

	struct attempt bad[] = {
		{ 3, DOOR_OPEN, DOOR_OPEN }, /* not in the table */
		{ 3, DOOR_OPEN, 3 },         /* no such state */
		{ 3, DOOR_SHUT, DOOR_OPEN }, /* starts in a state that is not initial */
		{ 3, 3, DOOR_OPEN },         /* starts outside */
		{ 0, 0, 0 },                 /* no states */
		{ 33, DOOR_OPEN, DOOR_SHUT } /* more than the 32 bits of `allowed` */
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct death d = death_of(init_and_move, &bad[i]);
		assert_int_equal(d.signal, SIGABRT);
		assert_non_null(strstr(d.said, "REQUIRE failed"));
	}
}

static void test_thirty_two_states_fit(void **state)
{
	(void)state;
	struct fsm_state many[32] = { 0 };
	for (unsigned i = 0; i < 32; i++) {
		many[i] = (struct fsm_state){ "s", FSM_TO((i + 1) % 32), i == 0 ? FSM_INITIAL : 0 };
	}
	struct fsm m;
	fsm_init(&m, many, 32, 0);
	for (unsigned i = 1; i < 32; i++) fsm_move(&m, i);
	assert_int_equal(m.now, 31);
	fsm_move(&m, 0);
	assert_int_equal(m.now, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_starts_where_told_and_names_its_state),
		cmocka_unit_test(test_may_move_says_exactly_what_the_table_says),
		cmocka_unit_test(test_a_state_outside_the_table_is_never_allowed),
		cmocka_unit_test(test_our_own_mistakes_abort),
		cmocka_unit_test(test_thirty_two_states_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
