/* pool: some threads that share one queue, each with a context of its own (a reader's read-only
 * connection, for example). Jobs start in order and may finish in any order.
 *
 * Owns:    its threads and, through setup and teardown, their contexts.
 * Threads: submit and close on the loop thread; job->run, setup, teardown on a pool thread; `done`
 *          on the loop thread.
 * Limits:  POOL_THREADS_MAX threads, queue_max jobs that no thread has taken; above ERR_FULL.
 * Errors:  ERR_FULL, ERR_CLOSED (closing), ERR_NOMEM, and what `setup` returns.
 * Lives:   pool_open .. on_closed. Closing runs what is queued, calls every `done`, then on_closed.
 */
#pragma once

#include "net/jobs.h"

#include "base/limits.h"

struct pool_options {
	unsigned thread_count; /* 1 .. POOL_THREADS_MAX */
	unsigned queue_max;    /* jobs, > 0 */
	/* Optional: makes the context of thread `index`, on that thread. A failure fails pool_open;
	 * teardown is called for the threads whose setup went well. */
	enum err (*setup)(void *arg, unsigned index, void **ret_ctx);
	void (*teardown)(void *arg, void *ctx);
	void *arg; /* borrowed, lives until on_closed; also each job's ctx when there is no setup */
};

struct pool_thread {
	struct pool *pool; /* the one it belongs to */
	pthread_t thread;
	unsigned index;
};

struct pool {
	struct jobs jobs;
	struct pool_options options;
	unsigned started; /* threads made */
	struct pool_thread threads[POOL_THREADS_MAX];
};

/* Waits for every setup (at start only: it blocks the loop). On error nothing is left open. */
MUST_USE enum err pool_open(struct pool *p, struct loop *loop, const struct pool_options *options);

/* Requires: job->run and job->done set, job not queued. On error the job stays the caller's. */
MUST_USE enum err pool_submit(struct pool *p, struct worker_job *job);

unsigned pool_unfinished(const struct pool *p);

/* Idempotent, also from inside a `done`. */
void pool_close(struct pool *p, loop_closed_fn on_closed, void *owner);
