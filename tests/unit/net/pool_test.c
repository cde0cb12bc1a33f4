#include "net/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define JOBS_MAX 200
#define THREADS 4

struct reader { /* one thread's own context */
	unsigned index;
	pthread_t thread;
	unsigned ran;
	bool torn_down;
};

static struct loop loop;
static struct pool pool;
static struct reader readers[POOL_THREADS_MAX];
static unsigned fail_index; /* this thread's setup fails; UINT32_MAX: none */
static unsigned done_count;
static unsigned closed_count;

/* All threads must be inside a job at once before any may go on. */
static pthread_mutex_t meet_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t meet_turn = PTHREAD_COND_INITIALIZER;
static unsigned meet_waiting;

struct query {
	struct worker_job job;
	struct reader *by;
	bool meet;
};

static struct query queries[JOBS_MAX];

static enum err reader_setup(void *arg, unsigned index, void **ret_ctx)
{
	assert_ptr_equal(arg, &readers);
	if (index == fail_index) return ERR_STORE;
	readers[index] = (struct reader){ .index = index, .thread = pthread_self() };
	*ret_ctx = &readers[index];
	return ERR_OK;
}

static void reader_teardown(void *arg, void *ctx)
{
	struct reader *r = ctx;
	assert_ptr_equal(arg, &readers);
	assert_true(pthread_equal(r->thread, pthread_self()) != 0);
	r->torn_down = true;
}

static void meet_all(void)
{
	pthread_mutex_lock(&meet_lock);
	meet_waiting++;
	pthread_cond_broadcast(&meet_turn);
	while (meet_waiting < THREADS) pthread_cond_wait(&meet_turn, &meet_lock);
	pthread_mutex_unlock(&meet_lock);
}

static void query_run(struct worker_job *job, void *ctx)
{
	struct query *q = CONTAINER_OF(job, struct query, job);
	struct reader *r = ctx;
	assert_true(pthread_equal(r->thread, pthread_self()) != 0);
	r->ran++;
	q->by = r;
	if (q->meet) meet_all();
}

static void query_done(struct worker_job *job)
{
	const struct query *q = CONTAINER_OF(job, struct query, job);
	assert_true(loop_is_mine(&loop));
	assert_non_null(q->by);
	done_count++;
}

static void on_closed(void *owner)
{
	assert_ptr_equal(owner, &pool);
	closed_count++;
}

static int setup(void **state)
{
	(void)state;
	done_count = 0;
	closed_count = 0;
	meet_waiting = 0;
	fail_index = UINT32_MAX;
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		queries[i] = (struct query){ 0 };
		queries[i].job.run = query_run;
		queries[i].job.done = query_done;
	}
	for (unsigned i = 0; i < POOL_THREADS_MAX; i++) readers[i] = (struct reader){ 0 };
	return loop_init(&loop) == ERR_OK ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	return loop_close(&loop) == ERR_OK ? 0 : 1;
}

static struct pool_options options_for(unsigned threads)
{
	return (struct pool_options){ .thread_count = threads,
				      .queue_max = JOBS_MAX,
				      .setup = reader_setup,
				      .teardown = reader_teardown,
				      .arg = &readers };
}

static void test_threads_work_side_by_side(void **state)
{
	(void)state;
	const struct pool_options o = options_for(THREADS);
	assert_int_equal(pool_open(&pool, &loop, &o), ERR_OK);
	for (unsigned i = 0; i < THREADS; i++) {
		queries[i].meet = true; /* ends only if all four run at once */
		assert_int_equal(pool_submit(&pool, &queries[i].job), ERR_OK);
	}
	pool_close(&pool, on_closed, &pool);
	loop_run(&loop);
	assert_int_equal(done_count, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(readers[i].ran, 1);
		assert_true(readers[i].torn_down);
	}
	assert_int_equal(closed_count, 1);
}

static void test_close_runs_what_is_queued(void **state)
{
	(void)state;
	const struct pool_options o = options_for(2);
	assert_int_equal(pool_open(&pool, &loop, &o), ERR_OK);
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		assert_int_equal(pool_submit(&pool, &queries[i].job), ERR_OK);
	}
	pool_close(&pool, on_closed, &pool);
	pool_close(&pool, on_closed, &pool);
	struct query late = { .job = { .run = query_run, .done = query_done } };
	assert_int_equal(pool_submit(&pool, &late.job), ERR_CLOSED);
	loop_run(&loop);
	assert_int_equal(done_count, JOBS_MAX);
	assert_int_equal(readers[0].ran + readers[1].ran, JOBS_MAX);
	assert_int_equal(pool_unfinished(&pool), 0);
	assert_int_equal(closed_count, 1);
}

static void test_a_full_queue_refuses(void **state)
{
	(void)state;
	struct pool_options o = options_for(1);
	o.queue_max = 2;
	assert_int_equal(pool_open(&pool, &loop, &o), ERR_OK);
	meet_waiting = 0;
	queries[0].meet = true; /* holds the only thread */
	assert_int_equal(pool_submit(&pool, &queries[0].job), ERR_OK);
	pthread_mutex_lock(&meet_lock);
	while (meet_waiting == 0) pthread_cond_wait(&meet_turn, &meet_lock);
	pthread_mutex_unlock(&meet_lock);
	assert_int_equal(pool_submit(&pool, &queries[1].job), ERR_OK);
	assert_int_equal(pool_submit(&pool, &queries[2].job), ERR_OK);
	assert_int_equal(pool_submit(&pool, &queries[3].job), ERR_FULL);
	pthread_mutex_lock(&meet_lock);
	meet_waiting = THREADS;
	pthread_cond_broadcast(&meet_turn);
	pthread_mutex_unlock(&meet_lock);
	pool_close(&pool, on_closed, &pool);
	loop_run(&loop);
	assert_int_equal(done_count, 3);
}

static void test_one_failed_setup_undoes_all(void **state)
{
	(void)state;
	fail_index = 2;
	const struct pool_options o = options_for(THREADS);
	assert_int_equal(pool_open(&pool, &loop, &o), ERR_STORE);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(readers[i].torn_down, i != fail_index);
	}
}

static void test_the_largest_pool(void **state)
{
	(void)state;
	const struct pool_options o = options_for(POOL_THREADS_MAX);
	assert_int_equal(pool_open(&pool, &loop, &o), ERR_OK);
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		assert_int_equal(pool_submit(&pool, &queries[i].job), ERR_OK);
	}
	while (done_count < JOBS_MAX) assert_true(loop_run_once(&loop));
	pool_close(&pool, on_closed, &pool);
	loop_run(&loop);
	for (unsigned i = 0; i < POOL_THREADS_MAX; i++) assert_true(readers[i].torn_down);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_threads_work_side_by_side), T(test_close_runs_what_is_queued),
		T(test_a_full_queue_refuses),      T(test_one_failed_setup_undoes_all),
		T(test_the_largest_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
