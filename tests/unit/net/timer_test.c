#include "net/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct loop loop;

struct clock {
	struct timer timer;
	unsigned fired;
	unsigned stop_at; /* closes itself then; 0: never */
	unsigned closed;
};

static void clock_on_closed(void *owner)
{
	struct clock *c = owner;
	c->closed++;
}

static void clock_on_fire(struct timer *t)
{
	struct clock *c = CONTAINER_OF(t, struct clock, timer);
	c->fired++;
	if (c->fired == c->stop_at) timer_close(&c->timer, clock_on_closed, c);
}

static void clock_init(struct clock *c, unsigned stop_at)
{
	*c = (struct clock){ .stop_at = stop_at };
	timer_init(&c->timer, &loop, clock_on_fire);
}

static int setup(void **state)
{
	(void)state;
	return loop_init(&loop) == ERR_OK ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	return loop_close(&loop) == ERR_OK ? 0 : 1;
}

static void test_one_shot_fires_once_and_not_inside_start(void **state)
{
	(void)state;
	struct clock c;
	clock_init(&c, 0);
	assert_false(timer_is_running(&c.timer));
	timer_start(&c.timer, 0);
	assert_true(timer_is_running(&c.timer));
	assert_int_equal(c.fired, 0);
	loop_run(&loop);
	assert_int_equal(c.fired, 1);
	assert_false(timer_is_running(&c.timer));
	timer_start(&c.timer, 1); /* it can be used again */
	loop_run(&loop);
	assert_int_equal(c.fired, 2);
	timer_close(&c.timer, clock_on_closed, &c);
	loop_run(&loop);
	assert_int_equal(c.closed, 1);
}

static void test_repeating_fires_until_it_is_closed(void **state)
{
	(void)state;
	struct clock c;
	clock_init(&c, 5);
	timer_start_repeating(&c.timer, 1);
	loop_run(&loop);
	assert_int_equal(c.fired, 5);
	assert_int_equal(c.closed, 1);
}

static void test_stop_and_start_again(void **state)
{
	(void)state;
	struct clock late, soon;
	clock_init(&late, 0);
	clock_init(&soon, 0);
	timer_start(&late.timer, 1);
	timer_stop(&late.timer);
	loop_run(&loop); /* nothing to wait for */
	assert_int_equal(late.fired, 0);
	timer_start(&late.timer, 1);
	timer_start(&late.timer, 30000); /* counts from now */
	timer_start(&soon.timer, 5);
	timer_unref(&late.timer);
	loop_run(&loop); /* an unreferenced timer does not hold it */
	assert_int_equal(soon.fired, 1);
	assert_int_equal(late.fired, 0);
	timer_close(&late.timer, clock_on_closed, &late);
	timer_close(&soon.timer, NULL, NULL);
	loop_run(&loop);
	assert_int_equal(late.closed, 1);
}

static void test_close_is_idempotent_and_wins_over_a_due_timer(void **state)
{
	(void)state;
	struct clock c;
	clock_init(&c, 0);
	timer_start(&c.timer, 1);
	timer_close(&c.timer, clock_on_closed, &c);
	timer_close(&c.timer, clock_on_closed, &c);
	assert_int_equal(c.closed, 0); /* never inside the call */
	loop_run(&loop);
	assert_int_equal(c.fired, 0);
	assert_int_equal(c.closed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_one_shot_fires_once_and_not_inside_start),
		T(test_repeating_fires_until_it_is_closed),
		T(test_stop_and_start_again),
		T(test_close_is_idempotent_and_wins_over_a_due_timer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
