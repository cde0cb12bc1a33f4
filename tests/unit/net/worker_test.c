#include "net/worker.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define JOBS_MAX 512

/* A worker whose batches can be held back, so that tests decide what gathers. */
struct bench {
	struct loop loop;
	struct worker worker;
	struct worker_options options;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	bool gate_closed; /* batches wait while true */
	unsigned entered; /* batches that have begun */
	/* worker thread; read by the loop after `done` or the end */
	unsigned batch_sizes[JOBS_MAX];
	unsigned batch_count;
	unsigned idle_count;
	bool setup_ran, teardown_ran;
	enum err setup_result;
	pthread_t thread;
	/* loop thread */
	unsigned done_order[JOBS_MAX];
	unsigned done_count;
	unsigned closed_count;
	unsigned close_at; /* closes itself inside this `done`; 0: never */
};

struct sum {
	struct worker_job job;
	struct bench *bench;
	unsigned number;
	unsigned result;
	enum err resubmit; /* what a submit inside `done` gave, when asked for */
	bool again;
};

static struct bench bench;
static struct sum sums[JOBS_MAX];

static void bench_gate(struct bench *b, bool closed)
{
	pthread_mutex_lock(&b->lock);
	b->gate_closed = closed;
	pthread_cond_broadcast(&b->turn);
	pthread_mutex_unlock(&b->lock);
}

static void bench_wait_entered(struct bench *b, unsigned count)
{
	pthread_mutex_lock(&b->lock);
	while (b->entered < count) pthread_cond_wait(&b->turn, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

static void sum_run(struct worker_job *job, void *ctx)
{
	struct sum *s = CONTAINER_OF(job, struct sum, job);
	assert_ptr_equal(ctx, s->bench);
	s->result = s->number * 2 + 1;
}

static void bench_run_batch(void *ctx, struct list *jobs)
{
	struct bench *b = ctx;
	pthread_mutex_lock(&b->lock);
	b->entered++;
	pthread_cond_broadcast(&b->turn);
	while (b->gate_closed) pthread_cond_wait(&b->turn, &b->lock);
	pthread_mutex_unlock(&b->lock);

	unsigned count = 0;
	LIST_FOREACH(it, jobs) count++;
	b->batch_sizes[b->batch_count++] = count;
	worker_run_each(ctx, jobs);
}

static void bench_run_idle(void *ctx)
{
	struct bench *b = ctx;
	pthread_mutex_lock(&b->lock);
	b->idle_count++;
	pthread_cond_broadcast(&b->turn);
	pthread_mutex_unlock(&b->lock);
}

static enum err bench_thread_setup(void *ctx)
{
	struct bench *b = ctx;
	b->setup_ran = true;
	b->thread = pthread_self();
	return b->setup_result;
}

static void bench_thread_teardown(void *ctx)
{
	struct bench *b = ctx;
	assert_true(pthread_equal(b->thread, pthread_self()) != 0);
	b->teardown_ran = true;
}

static void bench_on_closed(void *owner)
{
	struct bench *b = owner;
	b->closed_count++;
}

static void sum_done(struct worker_job *job)
{
	struct sum *s = CONTAINER_OF(job, struct sum, job);
	struct bench *b = s->bench;
	assert_true(loop_is_mine(&b->loop));
	assert_int_equal(s->result, s->number * 2 + 1);
	b->done_order[b->done_count++] = s->number;
	if (b->done_count == b->close_at) worker_close(&b->worker, bench_on_closed, b);
	if (s->again) {
		s->again = false;
		s->resubmit = worker_submit(&b->worker, job);
	}
}

static int setup(void **state)
{
	(void)state;
	bench = (struct bench){ 0 };
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		sums[i] = (struct sum){ .bench = &bench, .number = i };
		sums[i].job.run = sum_run;
		sums[i].job.done = sum_done;
	}
	pthread_mutex_init(&bench.lock, NULL);
	pthread_cond_init(&bench.turn, NULL);
	bench.options = (struct worker_options){ .queue_max = JOBS_MAX,
						 .run_batch = bench_run_batch,
						 .setup = bench_thread_setup,
						 .teardown = bench_thread_teardown,
						 .ctx = &bench };
	return loop_init(&bench.loop) == ERR_OK ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	pthread_mutex_destroy(&bench.lock);
	pthread_cond_destroy(&bench.turn);
	return loop_close(&bench.loop) == ERR_OK ? 0 : 1;
}

static void bench_open(void)
{
	assert_int_equal(worker_open(&bench.worker, &bench.loop, &bench.options), ERR_OK);
	assert_true(bench.setup_ran);
	assert_false(pthread_equal(bench.thread, pthread_self()) != 0);
}

static void bench_submit(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		assert_int_equal(worker_submit(&bench.worker, &sums[i].job), ERR_OK);
	}
}

static void bench_wait_done(unsigned count)
{
	while (bench.done_count < count) assert_true(loop_run_once(&bench.loop));
}

static void bench_close(void)
{
	worker_close(&bench.worker, bench_on_closed, &bench);
	assert_int_equal(bench.closed_count, 0);
	loop_run(&bench.loop);
	assert_int_equal(bench.closed_count, 1);
	assert_true(bench.teardown_ran);
	assert_int_equal(worker_unfinished(&bench.worker), 0);
}

static void check_in_order(unsigned count)
{
	assert_int_equal(bench.done_count, count);
	for (unsigned i = 0; i < count; i++) assert_int_equal(bench.done_order[i], i);
}

static void test_what_gathers_during_a_batch_is_the_next(void **state)
{
	(void)state;
	bench_open();
	bench_gate(&bench, true);
	bench_submit(0, 1);
	bench_wait_entered(&bench, 1);
	bench_submit(1, 101);
	assert_int_equal(worker_unfinished(&bench.worker), 101);
	bench_gate(&bench, false);
	bench_wait_done(101);
	assert_int_equal(bench.batch_count, 2);
	assert_int_equal(bench.batch_sizes[0], 1);
	assert_int_equal(bench.batch_sizes[1], 100);
	check_in_order(101);
	bench_close();
}

static void test_batch_max_cuts_batches(void **state)
{
	(void)state;
	bench.options.batch_max = 40;
	bench_open();
	bench_gate(&bench, true);
	bench_submit(0, 1);
	bench_wait_entered(&bench, 1);
	bench_submit(1, 101);
	bench_gate(&bench, false);
	bench_wait_done(101);
	assert_int_equal(bench.batch_count, 4);
	assert_int_equal(bench.batch_sizes[1], 40);
	assert_int_equal(bench.batch_sizes[2], 40);
	assert_int_equal(bench.batch_sizes[3], 20);
	check_in_order(101);
	bench_close();
}

static void test_a_full_queue_refuses(void **state)
{
	(void)state;
	bench.options.queue_max = 3;
	bench_open();
	bench_gate(&bench, true);
	bench_submit(0, 1);
	bench_wait_entered(&bench, 1); /* the running batch does not count */
	bench_submit(1, 4);
	assert_int_equal(worker_submit(&bench.worker, &sums[4].job), ERR_FULL);
	assert_int_equal(worker_unfinished(&bench.worker), 4);
	bench_gate(&bench, false);
	bench_wait_done(4);
	assert_int_equal(worker_submit(&bench.worker, &sums[4].job), ERR_OK);
	bench_wait_done(5);
	check_in_order(5);
	bench_close();
}

static void test_close_runs_what_is_queued(void **state)
{
	(void)state;
	bench_open();
	bench_gate(&bench, true);
	bench_submit(0, 1);
	bench_wait_entered(&bench, 1);
	bench_submit(1, 50);
	worker_close(&bench.worker, bench_on_closed, &bench);
	assert_int_equal(worker_submit(&bench.worker, &sums[50].job), ERR_CLOSED);
	worker_close(&bench.worker, bench_on_closed, &bench); /* idempotent */
	bench_gate(&bench, false);
	loop_run(&bench.loop);
	check_in_order(50);
	assert_int_equal(bench.closed_count, 1);
	assert_true(bench.teardown_ran);
}

static void test_close_of_an_idle_worker(void **state)
{
	(void)state;
	bench_open();
	bench_close();
	assert_int_equal(bench.batch_count, 0);
}

static void test_close_inside_a_done(void **state)
{
	(void)state;
	bench.close_at = 2;
	bench_open();
	sums[4].again = true;
	sums[4].resubmit = ERR_OK;
	bench_submit(0, 5);
	loop_run(&bench.loop);
	check_in_order(5);
	assert_int_equal(sums[4].resubmit, ERR_CLOSED);
	assert_int_equal(bench.closed_count, 1);
}

static void test_a_done_job_may_go_again(void **state)
{
	(void)state;
	bench_open();
	sums[0].again = true;
	bench_submit(0, 1);
	bench_wait_done(2);
	assert_int_equal(sums[0].resubmit, ERR_OK);
	bench_close();
}

static void test_a_failed_setup_leaves_nothing_open(void **state)
{
	(void)state;
	bench.setup_result = ERR_STORE;
	assert_int_equal(worker_open(&bench.worker, &bench.loop, &bench.options), ERR_STORE);
	assert_true(bench.setup_ran);
	assert_false(bench.teardown_ran);
	/* the teardown of this test demands an empty loop */
}

static void test_idle_runs_once_in_each_gap(void **state)
{
	(void)state;
	bench.options.run_idle = bench_run_idle;
	bench.options.idle_ms = 1;
	bench_open();
	for (unsigned i = 0; i < 3; i++) {
		bench_submit(i, i + 1);
		bench_wait_done(i + 1);
		pthread_mutex_lock(&bench.lock);
		while (bench.idle_count < i + 1) pthread_cond_wait(&bench.turn, &bench.lock);
		assert_int_equal(bench.idle_count, i + 1);
		pthread_mutex_unlock(&bench.lock);
	}
	bench_close();
	assert_int_equal(bench.idle_count, 3);
}

static void test_many_jobs_in_waves(void **state)
{
	(void)state;
	bench_open();
	for (unsigned at = 0; at < JOBS_MAX; at += 32) {
		bench_submit(at, at + 32);
		assert_true(loop_run_once(&bench.loop));
	}
	bench_wait_done(JOBS_MAX);
	check_in_order(JOBS_MAX);
	bench_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_what_gathers_during_a_batch_is_the_next),
		T(test_batch_max_cuts_batches),
		T(test_a_full_queue_refuses),
		T(test_close_runs_what_is_queued),
		T(test_close_of_an_idle_worker),
		T(test_close_inside_a_done),
		T(test_a_done_job_may_go_again),
		T(test_a_failed_setup_leaves_nothing_open),
		T(test_idle_runs_once_in_each_gap),
		T(test_many_jobs_in_waves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
