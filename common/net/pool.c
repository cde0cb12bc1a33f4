#include "net/pool.h"

static void pool_serve(struct pool *p, void *ctx)
{
	bool stop = false;
	while (!stop) {
		struct list one;
		list_init(&one);
		if (jobs_take(&p->jobs, &one, 1, 0, &stop) == 0) continue;
		struct worker_job *job = CONTAINER_OF(one.next, struct worker_job, link);
		job->run(job, ctx);
		jobs_give_back(&p->jobs, &one);
	}
}

static void *pool_main(void *arg)
{
	const struct pool_thread *t = arg;
	struct pool *p = t->pool;
	const struct pool_options *o = &p->options;
	void *ctx = o->arg;
	const enum err e = o->setup != NULL ? o->setup(o->arg, t->index, &ctx) : ERR_OK;
	jobs_thread_ready(&p->jobs, e);
	if (e == ERR_OK) {
		pool_serve(p, ctx);
		if (o->teardown != NULL) o->teardown(o->arg, ctx);
	}
	jobs_thread_end(&p->jobs);
	return NULL;
}

static void pool_join(struct jobs *jobs)
{
	struct pool *p = CONTAINER_OF(jobs, struct pool, jobs);
	for (unsigned i = 0; i < p->started; i++) {
		INSIST(pthread_join(p->threads[i].thread, NULL) == 0);
	}
}

static enum err pool_start_thread(struct pool *p, unsigned index)
{
	struct pool_thread *t = &p->threads[index];
	*t = (struct pool_thread){ .pool = p, .index = index };
	jobs_thread_expect(&p->jobs);
	if (pthread_create(&t->thread, NULL, pool_main, t) != 0) {
		jobs_thread_unexpect(&p->jobs);
		return ERR_NOMEM;
	}
	p->started++;
	return ERR_OK;
}

enum err pool_open(struct pool *p, struct loop *loop, const struct pool_options *options)
{
	REQUIRE(options->thread_count > 0 && options->thread_count <= POOL_THREADS_MAX);
	*p = (struct pool){ .options = *options };
	TRY(jobs_init(&p->jobs, loop, options->queue_max, pool_join));

	enum err e = ERR_OK;
	for (unsigned i = 0; i < options->thread_count && e == ERR_OK; i++) {
		e = pool_start_thread(p, i);
	}
	if (e == ERR_OK) e = jobs_open(&p->jobs);
	if (e != ERR_OK) jobs_abort(&p->jobs);
	return e;
}

enum err pool_submit(struct pool *p, struct worker_job *job)
{
	REQUIRE(job->run != NULL);
	return jobs_submit(&p->jobs, job);
}

unsigned pool_unfinished(const struct pool *p)
{
	return p->jobs.unfinished;
}

void pool_close(struct pool *p, loop_closed_fn on_closed, void *owner)
{
	jobs_close(&p->jobs, on_closed, owner);
}
