/* jobs: the queue between the loop and the threads of a worker or a pool. Inner part of this
 * folder; others use worker.h and pool.h.
 *
 * Threads: the loop submits and runs `done`; the other threads take and give back. One mutex guards
 *          both lists, and uv_async_send wakes the loop.
 * Limits:  `queue_max` jobs that no thread has taken yet; above ERR_FULL.
 * Lives:   jobs_open .. on_closed of jobs_close. Jobs belong to their submitters all the time. */
#pragma once

#include "net/loop.h"

struct worker_job {
	struct list link; /* the worker's, from submit until `done` is called */
	/* Other thread. Used by pool and by worker_run_each; a worker with its own run_batch may
	 * leave it NULL. `ctx` is the worker's, or the pool thread's own. */
	void (*run)(struct worker_job *job, void *ctx);
	/* Loop thread, exactly once for every job that was accepted. The job may be freed or
	 * submitted again here. */
	void (*done)(struct worker_job *job);
};

struct jobs {
	struct loop *loop; /* borrowed */
	uv_async_t async;
	pthread_mutex_t lock; /* guards what follows, up to `async_open` */
	pthread_cond_t wake;  /* threads wait here for work or for `stopping` */
	pthread_cond_t ready; /* jobs_open waits here */
	struct list queued;   /* of worker_job.link, oldest first */
	struct list finished; /* ran, `done` not called yet */
	unsigned queued_count;
	unsigned threads_starting; /* setup not finished */
	unsigned threads_live;     /* not at their last line */
	enum err setup_result;     /* first failure of a thread's setup */
	bool stopping;
	bool async_open; /* `async` may be sent to */
	/* loop thread only */
	unsigned queue_max;
	unsigned unfinished; /* accepted, `done` not called yet */
	bool closing;
	void (*join)(struct jobs *jobs); /* joins the threads that have ended */
	loop_closed_fn on_closed;
	void *closed_owner; /* borrowed */
};

/* Start: jobs_init, then the threads, then jobs_open, which blocks until every thread has reported
 * its setup. When that fails, or a thread cannot be made, jobs_abort ends and joins the threads,
 * and nothing is left open. */
MUST_USE enum err jobs_init(struct jobs *j, struct loop *loop, unsigned queue_max,
			    void (*join)(struct jobs *jobs));
MUST_USE enum err jobs_open(struct jobs *j);
void jobs_abort(struct jobs *j);

MUST_USE enum err jobs_submit(struct jobs *j, struct worker_job *job);
void jobs_close(struct jobs *j, loop_closed_fn on_closed, void *owner);

/* The starter's side: announces a thread before it is made, takes it back when making failed. */
void jobs_thread_expect(struct jobs *j);
void jobs_thread_unexpect(struct jobs *j);

/* The threads' side. */
void jobs_thread_ready(struct jobs *j, enum err setup_result);
/* Blocks for work and moves up to `take_max` jobs to `ret_jobs` (an initialised head). Returns how
 * many; 0 with *ret_stop false means that `idle_ms` passed (0 waits for ever); *ret_stop means that
 * nothing is queued and nothing will come. */
unsigned jobs_take(struct jobs *j, struct list *ret_jobs, unsigned take_max, uint64_t idle_ms,
		   bool *ret_stop);
void jobs_give_back(struct jobs *j, struct list *jobs);
/* The last call of a thread on `j`. */
void jobs_thread_end(struct jobs *j);
