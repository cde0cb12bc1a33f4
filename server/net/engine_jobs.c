/* What the server's other threads do: the readers check and read, the writer writes batches. */
#include "base/log.h"
#include "server/net/conn.h"
#include "server/net/engine.h"

#include <stdlib.h>

/* A push up to this size may be checked by the writer itself: some ops, under a millisecond. */
#define ENGINE_DIRECT_BYTES_MAX (16u * KIB)

/* One ask on its way; both queues use the same job, one after the other. */
struct ask_job {
	struct worker_job job;
	struct engine *engine;
	struct ask *ask;
	bool unchecked;        /* went straight to the writer, which checks it too */
	enum err failed;       /* why the writer stopped for good, or ERR_OK */
	struct list published; /* of published.link: what the batch committed, on its last ask */
};

/* One page for the feeds, on its way from the writer to the loop. */
struct published {
	struct list link;
	struct work_published work;
};

/* ---- reader threads -------------------------------------------------------------------------- */

static enum err readers_setup(void *arg, unsigned index, void **ret_ctx)
{
	(void)index;
	struct engine *e = arg;
	struct store_reader *reader = NULL;
	TRY(store_reader_open(e->options.folder, &reader));
	*ret_ctx = reader;
	return ERR_OK;
}

static void readers_teardown(void *arg, void *ctx)
{
	(void)arg;
	store_reader_close(ctx);
}

static void ask_check_run(struct worker_job *job, void *ctx)
{
	struct ask_job *j = CONTAINER_OF(job, struct ask_job, job);
	struct store_reader *reader = ctx;
	work_check(j->engine->work, j->ask, reader);
	if (!j->ask->needs_write) work_finish(j->engine->work, j->ask, ERR_OK);
}

/* ---- loop thread ----------------------------------------------------------------------------- */

static void ask_job_publish(struct ask_job *j)
{
	for (struct list *l = list_take_first(&j->published); l != NULL;
	     l = list_take_first(&j->published)) {
		struct published *p = CONTAINER_OF(l, struct published, link);
		engine_publish(j->engine, &p->work.page);
		work_published_fini(&p->work);
		free(p);
	}
}

static void ask_job_deliver(struct ask_job *j)
{
	struct engine *e = j->engine;
	const bool changed = work_apply(j->ask, e->roster);
	conn_on_ask_done(j->ask->owner, j->ask);
	if (changed) engine_roster_changed(e);
	ask_job_publish(j);
	ask_free(j->ask);
	free(j);
}

static bool engine_is_fatal(enum err e)
{
	return e == ERR_IO || e == ERR_CORRUPT || e == ERR_STORE;
}

static void ask_write_done(struct worker_job *job)
{
	struct ask_job *j = CONTAINER_OF(job, struct ask_job, job);
	struct engine *e = j->engine;
	const enum err failed = j->failed;
	ask_job_deliver(j);
	if (failed != ERR_OK) engine_fail(e, failed);
}

static void ask_check_done(struct worker_job *job)
{
	struct ask_job *j = CONTAINER_OF(job, struct ask_job, job);
	if (!j->ask->needs_write) {
		ask_job_deliver(j);
		return;
	}
	j->job.run = NULL;
	j->job.done = ask_write_done;
	const enum err e = worker_submit(&j->engine->writer, &j->job);
	if (e == ERR_OK) return;
	work_finish(j->engine->work, j->ask, e); /* ERR_FULL or ERR_CLOSED: not committed */
	ask_job_deliver(j);
}

/* With nothing under way a second thread has nothing to offer but its wake-ups, which take longer
 * than the check of one op. What comes meanwhile is checked beside the flush. */
static bool ask_goes_direct(const struct engine *e, const struct ask *ask)
{
	const bool push = ask->desc.kind == ASK_PUSH || ask->desc.kind == ASK_COURIER_PUSH;
	return push && ask->frame_bytes <= ENGINE_DIRECT_BYTES_MAX &&
	       pool_unfinished(&e->readers) == 0 && worker_unfinished(&e->writer) == 0;
}

enum err engine_submit_ask(struct engine *e, struct ask *ask)
{
	struct ask_job *j = calloc(1, sizeof(*j));
	ENSURE(j != NULL, ERR_NOMEM);
	j->engine = e;
	j->ask = ask;
	list_init(&j->published);
	j->unchecked = ask_goes_direct(e, ask);
	j->job.run = j->unchecked ? NULL : ask_check_run;
	j->job.done = j->unchecked ? ask_write_done : ask_check_done;
	const enum err result = j->unchecked ? worker_submit(&e->writer, &j->job)
					     : pool_submit(&e->readers, &j->job);
	if (result != ERR_OK) free(j);
	return result;
}

/* ---- writer thread --------------------------------------------------------------------------- */

static void call_done(struct worker_job *job)
{
	struct engine_call *call = CONTAINER_OF(job, struct engine_call, job);
	call->done(call);
}

/* A call is told from an ask by its `run`, which asks in the writer's queue do not have. */
static void call_run_marker(struct worker_job *job, void *ctx)
{
	struct engine_call *call = CONTAINER_OF(job, struct engine_call, job);
	call->run(call, ctx);
}

enum err engine_submit_call(struct engine *e, struct engine_call *call)
{
	call->job.run = call_run_marker;
	call->job.done = call_done;
	return worker_submit(&e->writer, &call->job);
}

/* Returns false when there is nothing to write. */
static bool writer_check_asks(struct engine *e, struct list *asks)
{
	bool any = false;
	LIST_FOREACH(l, asks) {
		struct ask_job *j = CONTAINER_OF(l, struct ask_job, job.link);
		if (j->unchecked) work_check(e->work, j->ask, store_as_reader(e->store));
		if (j->ask->needs_write) any = true;
	}
	return any;
}

static enum err writer_run_asks(struct engine *e, struct list *asks)
{
	TRY(store_begin(e->store, loop_wall_ms()));
	LIST_FOREACH(l, asks) {
		struct ask_job *j = CONTAINER_OF(l, struct ask_job, job.link);
		if (!j->ask->needs_write) continue;
		const enum err result = work_write(e->work, j->ask, e->store);
		if (result != ERR_OK) {
			store_rollback(e->store);
			return result;
		}
	}
	TRY(store_commit(e->store));
	e->metrics.batches++;
	return ERR_OK;
}

/* Reads what was committed, for the feeds. A page that cannot be read stops the server: a live feed
 * would miss it, and rooms that come back read it from the store. */
static enum err writer_read_published(struct engine *e, struct list *pages)
{
	TRY(work_committed(e->work, e->store));
	for (;;) {
		struct published *p = calloc(1, sizeof(*p));
		ENSURE(p != NULL, ERR_NOMEM);
		const enum err result = work_publish(e->work, e->store, &p->work);
		if (result == ERR_OK && p->work.page.to_seq > p->work.page.from_seq) {
			list_init(&p->link);
			list_append(pages, &p->link);
			continue;
		}
		work_published_fini(&p->work);
		free(p);
		return result;
	}
}

/* All asks of `asks` in one transaction; then their replies are made. */
static void writer_run_batch_asks(struct engine *e, struct list *asks)
{
	if (list_empty(asks)) return;
	struct ask_job *last = CONTAINER_OF(asks->prev, struct ask_job, job.link);
	const bool any = writer_check_asks(e, asks);
	enum err result = e->writer_failed;
	if (result == ERR_OK && any) {
		result = writer_run_asks(e, asks);
		const enum err after = result == ERR_OK ? writer_read_published(e, &last->published)
							: work_rolled_back(e->work, e->store);
		if (after != ERR_OK) e->writer_failed = after;
	}
	if (engine_is_fatal(result)) e->writer_failed = result;
	LIST_FOREACH(l, asks) {
		struct ask_job *j = CONTAINER_OF(l, struct ask_job, job.link);
		work_finish(e->work, j->ask, j->ask->needs_write ? result : ERR_OK);
		j->failed = e->writer_failed;
	}
}

/* What passes (a full disk, no memory) only leaves the WAL longer: the next gap tries again. */
static void writer_checkpoint(struct engine *e)
{
	const enum err result = store_checkpoint(e->store);
	if (engine_is_fatal(result)) e->writer_failed = result;
}

static void writer_run_batch(void *ctx, struct list *jobs)
{
	struct engine *e = ctx;
	struct list done;
	struct list asks;
	list_init(&done);
	list_init(&asks);
	for (struct list *l = list_take_first(jobs); l != NULL; l = list_take_first(jobs)) {
		struct worker_job *job = CONTAINER_OF(l, struct worker_job, link);
		if (job->run == NULL) {
			list_append(&asks, l);
			continue;
		}
		writer_run_batch_asks(e, &asks);
		list_splice(&done, &asks);
		job->run(job, e->store);
		list_append(&done, l);
	}
	writer_run_batch_asks(e, &asks);
	list_splice(&done, &asks);
	list_splice(jobs, &done);
	if (e->writer_failed == ERR_OK && store_wal_pages(e->store) > ENGINE_WAL_PAGES_HARD) {
		writer_checkpoint(e);
	}
}

/* Erased payloads go after 30 days (SECURITY 3.8), a few at a time, when nobody waits. */
static void writer_tend(struct engine *e)
{
	const uint64_t now_ms = loop_wall_ms();
	bool again = false;
	/* A clock that was set back wraps around and is due at once. */
	if (e->tended_ms != 0 && now_ms - e->tended_ms < ENGINE_TEND_MS) return;
	const enum err result = store_tend(e->store, now_ms, &again);
	if (engine_is_fatal(result)) e->writer_failed = result;
	/* Anything else (a reader in the way, a full disk) passes: the next gap tries again. */
	if (result == ERR_OK && !again) e->tended_ms = now_ms;
}

static void writer_run_idle(void *ctx)
{
	struct engine *e = ctx;
	if (e->writer_failed == ERR_OK && store_wal_pages(e->store) > ENGINE_WAL_PAGES_SOFT) {
		writer_checkpoint(e);
	}
	if (e->writer_failed == ERR_OK) writer_tend(e);
}

static void writer_teardown(void *ctx)
{
	struct engine *e = ctx;
	store_close(e->store);
	e->store = NULL;
}

enum err engine_jobs_open(struct engine *e)
{
	TRY(pool_open(&e->readers, e->loop,
		      &(struct pool_options){ .thread_count = ENGINE_READERS,
					      .queue_max = ENGINE_QUEUE_MAX,
					      .setup = readers_setup,
					      .teardown = readers_teardown,
					      .arg = e }));
	e->readers_open = true;
	e->parts_open++;
	TRY(worker_open(&e->writer, e->loop,
			&(struct worker_options){ .queue_max = ENGINE_QUEUE_MAX,
						  .idle_ms = ENGINE_IDLE_MS,
						  .run_batch = writer_run_batch,
						  .run_idle = writer_run_idle,
						  .teardown = writer_teardown,
						  .ctx = e }));
	e->writer_open = true;
	e->parts_open++;
	return ERR_OK;
}

static void engine_readers_closed(void *owner)
{
	/* Checked asks are with the writer by now: it closes second. */
	struct engine *e = owner;
	if (e->writer_open) worker_close(&e->writer, engine_part_closed, e);
	engine_part_closed(e);
}

void engine_jobs_close(struct engine *e)
{
	if (e->readers_open) pool_close(&e->readers, engine_readers_closed, e);
}
