#include "net/loop.h"

#include "net/timer.h"

#include <signal.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct loop loop;
static char order[16];
static size_t order_len;

struct letter {
	struct loop_task task;
	char name;
	unsigned again; /* how often it defers itself */
};

static void letter_run(struct loop_task *task)
{
	struct letter *l = CONTAINER_OF(task, struct letter, task);
	assert_true(order_len + 1 < sizeof(order));
	order[order_len++] = l->name;
	if (l->again == 0) return;
	l->again--;
	loop_defer(&loop, task);
}

static void letter_init(struct letter *l, char name)
{
	*l = (struct letter){ .name = name };
	loop_task_init(&l->task, letter_run);
}

static int setup(void **state)
{
	(void)state;
	order_len = 0;
	return loop_init(&loop) == ERR_OK ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	return loop_close(&loop) == ERR_OK ? 0 : 1;
}

static void check_order(const char *want)
{
	order[order_len] = '\0';
	assert_string_equal(order, want);
}

static void test_tasks_run_later_once_and_in_order(void **state)
{
	(void)state;
	struct letter a, b, c;
	letter_init(&a, 'a');
	letter_init(&b, 'b');
	letter_init(&c, 'c');
	loop_defer(&loop, &b.task);
	loop_defer(&loop, &a.task);
	loop_defer(&loop, &c.task);
	loop_defer(&loop, &b.task); /* stays in its place */
	check_order("");
	loop_run(&loop);
	check_order("bac");
	loop_defer(&loop, &b.task);
	loop_run(&loop);
	check_order("bacb");
}

static void test_a_canceled_task_does_not_run(void **state)
{
	(void)state;
	struct letter a, b;
	letter_init(&a, 'a');
	letter_init(&b, 'b');
	loop_defer(&loop, &a.task);
	loop_defer(&loop, &b.task);
	loop_task_cancel(&a.task);
	loop_task_cancel(&a.task);
	loop_run(&loop);
	check_order("b");
	loop_defer(&loop, &a.task);
	loop_task_cancel(&a.task);
	loop_run(&loop); /* nothing is left to wait for */
	check_order("b");
}

/* One task takes back another of the same turn. */
static struct letter victim;

static void cancel_victim(struct loop_task *task)
{
	(void)task;
	loop_task_cancel(&victim.task);
}

static void test_a_task_may_cancel_its_neighbour(void **state)
{
	(void)state;
	struct loop_task killer;
	letter_init(&victim, 'v');
	loop_task_init(&killer, cancel_victim);
	loop_defer(&loop, &killer);
	loop_defer(&loop, &victim.task);
	loop_run(&loop);
	check_order("");
}

static void test_a_task_that_defers_itself_waits_for_the_next_turn(void **state)
{
	(void)state;
	struct letter a, b;
	letter_init(&a, 'a');
	letter_init(&b, 'b');
	a.again = 2;
	loop_defer(&loop, &a.task);
	loop_defer(&loop, &b.task);
	assert_true(loop_run_once(&loop));
	check_order("ab");
	assert_true(loop_run_once(&loop));
	check_order("aba");
	loop_run(&loop);
	check_order("abaa");
}

static unsigned fired_count;

static void on_fire_defer(struct timer *t)
{
	static struct letter a;
	fired_count++;
	letter_init(&a, 't');
	loop_defer(&loop, &a.task);
	timer_close(t, NULL, NULL);
}

/* A task deferred outside the poll must not wait for the next event, here a timer far away. */
static void test_a_task_deferred_by_a_timer_does_not_wait(void **state)
{
	(void)state;
	static struct timer t, far;
	fired_count = 0;
	timer_init(&t, &loop, on_fire_defer);
	timer_init(&far, &loop, on_fire_defer);
	timer_start(&t, 1);
	timer_start(&far, 600000);
	while (fired_count == 0) assert_true(loop_run_once(&loop));
	while (order_len == 0) assert_true(loop_run_once(&loop));
	check_order("t");
	assert_int_equal(fired_count, 1);
	timer_close(&far, NULL, NULL);
	loop_run(&loop);
}

static void on_fire_stop(struct timer *t)
{
	fired_count++;
	loop_stop(&loop);
	(void)t;
}

static void test_stop_ends_a_run_with_handles_left(void **state)
{
	(void)state;
	static struct timer t;
	fired_count = 0;
	timer_init(&t, &loop, on_fire_stop);
	timer_start_repeating(&t, 1);
	loop_run(&loop);
	assert_int_equal(fired_count, 1);
	/* Not empty: the loop refuses, stays as it was and can be emptied. */
	assert_int_equal(loop_close(&loop), ERR_BUSY);
	loop_run(&loop);
	assert_true(fired_count >= 2);
	timer_close(&t, NULL, NULL);
	assert_int_equal(loop_close(&loop), ERR_OK);
	assert_int_equal(loop_init(&loop), ERR_OK);
}

static void test_a_waiting_task_keeps_the_loop_open(void **state)
{
	(void)state;
	struct letter a;
	letter_init(&a, 'a');
	a.again = 1; /* the turn that loop_close makes runs it once */
	loop_defer(&loop, &a.task);
	assert_int_equal(loop_close(&loop), ERR_BUSY);
	check_order("a");
	loop_task_cancel(&a.task);
}

static int last_signal;

static void on_signal(void *ctx, int signal_number)
{
	assert_ptr_equal(ctx, &last_signal);
	last_signal = signal_number;
	loop_stop(&loop);
}

static void test_signals_arrive_on_the_loop(void **state)
{
	(void)state;
	static struct timer t; /* keeps the loop alive: the signal handles do not */
	assert_int_equal(loop_on_signals(&loop, on_signal, &last_signal), ERR_OK);
	loop_run(&loop);
	timer_init(&t, &loop, on_fire_stop);
	timer_start(&t, 20000);
	const int numbers[] = { SIGTERM, SIGINT };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		last_signal = 0;
		assert_int_equal(raise(numbers[i]), 0);
		loop_run(&loop);
		assert_int_equal(last_signal, numbers[i]);
	}
	timer_close(&t, NULL, NULL);
	loop_run(&loop);
}

static void test_sigpipe_is_ignored(void **state)
{
	(void)state;
	struct sigaction now;
	assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, SIG_IGN);
}

static void *thread_asks(void *arg)
{
	*(bool *)arg = loop_is_mine(&loop);
	return NULL;
}

static void test_a_loop_belongs_to_its_thread(void **state)
{
	(void)state;
	assert_true(loop_is_mine(&loop));
	bool theirs = true;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, thread_asks, &theirs), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(theirs);
}

static void test_clocks(void **state)
{
	(void)state;
	const uint64_t wall = loop_wall_ms();
	const uint64_t seconds = (uint64_t)time(NULL);
	assert_true(wall / 1000u + 2u >= seconds && wall / 1000u <= seconds + 2u);
	const uint64_t before = loop_now_ms(&loop);
	loop_run(&loop);
	assert_true(loop_now_ms(&loop) >= before);
}

static void test_errors_of_libuv(void **state)
{
	(void)state;
	assert_int_equal(err_from_uv(0), ERR_OK);
	assert_int_equal(err_from_uv(17), ERR_OK);
	assert_int_equal(err_from_uv(UV_ECONNREFUSED), ERR_OFFLINE);
	assert_int_equal(err_from_uv(UV_EAI_NONAME), ERR_OFFLINE);
	assert_int_equal(err_from_uv(UV_ECONNRESET), ERR_TRUNCATED);
	assert_int_equal(err_from_uv(UV_EPIPE), ERR_TRUNCATED);
	assert_int_equal(err_from_uv(UV_EOF), ERR_CLOSED);
	assert_int_equal(err_from_uv(UV_ECANCELED), ERR_CANCELED);
	assert_int_equal(err_from_uv(UV_ENOMEM), ERR_NOMEM);
	assert_int_equal(err_from_uv(UV_ETIMEDOUT), ERR_TIMEOUT);
	assert_int_equal(err_from_uv(UV_EADDRINUSE), ERR_BUSY);
	assert_int_equal(err_from_uv(UV_EMFILE), ERR_FULL);
	assert_int_equal(err_from_uv(UV_EACCES), ERR_DENIED);
	assert_int_equal(err_from_uv(UV_EIO), ERR_IO);
	assert_int_equal(err_from_uv(-123456), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_tasks_run_later_once_and_in_order),
		T(test_a_canceled_task_does_not_run),
		T(test_a_task_may_cancel_its_neighbour),
		T(test_a_task_that_defers_itself_waits_for_the_next_turn),
		T(test_a_task_deferred_by_a_timer_does_not_wait),
		T(test_stop_ends_a_run_with_handles_left),
		T(test_a_waiting_task_keeps_the_loop_open),
		T(test_signals_arrive_on_the_loop),
		T(test_sigpipe_is_ignored),
		T(test_a_loop_belongs_to_its_thread),
		T(test_clocks),
		T(test_errors_of_libuv),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
