#include "net/worker.h"

#include <limits.h>

static void worker_run_batch(struct worker *w, struct list *batch, unsigned count)
{
	w->options.run_batch(w->options.ctx, batch);
	unsigned left = 0;
	LIST_FOREACH(it, batch) left++;
	INSIST(left == count); /* a job that is lost here would never be done */
	jobs_give_back(&w->jobs, batch);
}

static void worker_serve(struct worker *w)
{
	const struct worker_options *o = &w->options;
	const unsigned take_max = o->batch_max > 0 ? o->batch_max : UINT_MAX;
	bool stop = false;
	bool idle_done = true; /* a gap begins only after some work */
	while (!stop) {
		struct list batch;
		list_init(&batch);
		const bool want_idle = o->run_idle != NULL && !idle_done;
		const unsigned count =
			jobs_take(&w->jobs, &batch, take_max, want_idle ? o->idle_ms : 0, &stop);
		if (count > 0) {
			worker_run_batch(w, &batch, count);
			idle_done = false;
		} else if (!stop) {
			o->run_idle(o->ctx);
			idle_done = true;
		}
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	const struct worker_options *o = &w->options;
	const enum err e = o->setup != NULL ? o->setup(o->ctx) : ERR_OK;
	jobs_thread_ready(&w->jobs, e);
	if (e == ERR_OK) {
		worker_serve(w);
		if (o->teardown != NULL) o->teardown(o->ctx);
	}
	jobs_thread_end(&w->jobs);
	return NULL;
}

static void worker_join(struct jobs *jobs)
{
	struct worker *w = CONTAINER_OF(jobs, struct worker, jobs);
	if (w->started) INSIST(pthread_join(w->thread, NULL) == 0);
}

enum err worker_open(struct worker *w, struct loop *loop, const struct worker_options *options)
{
	REQUIRE(options->run_batch != NULL);
	REQUIRE(options->run_idle == NULL || options->idle_ms > 0);
	*w = (struct worker){ .options = *options };
	TRY(jobs_init(&w->jobs, loop, options->queue_max, worker_join));

	jobs_thread_expect(&w->jobs);
	w->started = pthread_create(&w->thread, NULL, worker_main, w) == 0;
	if (!w->started) jobs_thread_unexpect(&w->jobs);
	const enum err e = w->started ? jobs_open(&w->jobs) : ERR_NOMEM;
	if (e != ERR_OK) jobs_abort(&w->jobs);
	return e;
}

enum err worker_submit(struct worker *w, struct worker_job *job)
{
	return jobs_submit(&w->jobs, job);
}

unsigned worker_unfinished(const struct worker *w)
{
	return w->jobs.unfinished;
}

void worker_close(struct worker *w, loop_closed_fn on_closed, void *owner)
{
	jobs_close(&w->jobs, on_closed, owner);
}

void worker_run_each(void *ctx, struct list *jobs)
{
	LIST_FOREACH(it, jobs) {
		struct worker_job *job = CONTAINER_OF(it, struct worker_job, link);
		job->run(job, ctx);
	}
}
