/* worker: ONE thread with a queue. It takes everything that is queued at once, runs it as one
 * batch, and then every job's `done` runs on the loop. What gathers during a batch is the next
 * batch: group commit without a timer.
 *
 * Owns:    its thread. Jobs stay the submitter's memory; the worker only links them.
 * Threads: submit and close on the loop thread; run_batch, run_idle, setup, teardown on the
 *          worker's thread; `done` on the loop thread, in the order of submission. What is written
 *          to memory before submit is seen by run_batch, and what is written there by `done`.
 * Limits:  queue_max jobs waiting (those of the running batch are not counted), above ERR_FULL.
 * Errors:  ERR_FULL, ERR_CLOSED (closing), ERR_NOMEM, and what `setup` returns.
 * Lives:   worker_open .. on_closed. Closing runs the jobs that are still queued, calls every
 *          `done`, then on_closed: nothing accepted is dropped. */
#pragma once

#include "net/jobs.h"

struct worker_options {
	unsigned queue_max; /* jobs, > 0 */
	unsigned batch_max; /* jobs in one run_batch; 0: everything that waits */
	uint64_t idle_ms;   /* with run_idle: how long the queue must stay empty; > 0 then */

	/* Runs the batch. Every job must be on `jobs` again when it returns (results go into the
	 * job); worker_run_each is the simple form. */
	void (*run_batch)(void *ctx, struct list *jobs);
	/* Optional: called once in each gap of idle_ms without jobs (a checkpoint, for example). */
	void (*run_idle)(void *ctx);
	/* Optional: first and last on the thread. A failed setup fails worker_open; teardown is not
	 * called then. */
	enum err (*setup)(void *ctx);
	void (*teardown)(void *ctx);
	void *ctx; /* borrowed, lives until on_closed */
};

struct worker {
	struct jobs jobs;
	struct worker_options options;
	bool started; /* the thread was made */
	pthread_t thread;
};

/* Waits for `setup` (at start only: it blocks the loop). On error nothing is left open. */
MUST_USE enum err worker_open(struct worker *w, struct loop *loop,
			      const struct worker_options *options);

/* Requires: job->done set, job not queued. On error the job stays the caller's, done is not called.
 */
MUST_USE enum err worker_submit(struct worker *w, struct worker_job *job);

/* Accepted jobs whose `done` was not called yet. */
unsigned worker_unfinished(const struct worker *w);

/* Idempotent, also from inside a `done`. */
void worker_close(struct worker *w, loop_closed_fn on_closed, void *owner);

/* A run_batch that calls job->run(job, ctx) for each job in turn. */
void worker_run_each(void *ctx, struct list *jobs);
