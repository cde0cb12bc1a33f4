#include "net/jobs.h"

#include <errno.h>
#include <time.h>

static void jobs_lock(struct jobs *j)
{
	INSIST(pthread_mutex_lock(&j->lock) == 0);
}

static void jobs_unlock(struct jobs *j)
{
	INSIST(pthread_mutex_unlock(&j->lock) == 0);
}

static void jobs_fini_locks(struct jobs *j)
{
	INSIST(pthread_cond_destroy(&j->ready) == 0);
	INSIST(pthread_cond_destroy(&j->wake) == 0);
	INSIST(pthread_mutex_destroy(&j->lock) == 0);
}

static void jobs_on_handle_closed(uv_handle_t *h)
{
	struct jobs *j = h->data;
	jobs_fini_locks(j);
	if (j->on_closed != NULL) j->on_closed(j->closed_owner);
}

/* The threads have ended and every `done` was called: nothing can touch this any more. */
static void jobs_maybe_finish(struct jobs *j)
{
	if (!j->closing || j->unfinished > 0) return;
	if (uv_is_closing((uv_handle_t *)&j->async) != 0) return;
	jobs_lock(j);
	const bool live = j->threads_live > 0;
	jobs_unlock(j);
	if (live) return;
	j->join(j);
	uv_close((uv_handle_t *)&j->async, jobs_on_handle_closed);
}

static void jobs_on_async(uv_async_t *h)
{
	struct jobs *j = h->data;
	struct list batch;
	list_init(&batch);
	jobs_lock(j);
	list_splice(&batch, &j->finished);
	jobs_unlock(j);

	struct list *item;
	while ((item = list_take_first(&batch)) != NULL) {
		struct worker_job *job = CONTAINER_OF(item, struct worker_job, link);
		INSIST(j->unfinished > 0);
		j->unfinished--;
		job->done(job);
	}
	jobs_maybe_finish(j);
}

static enum err jobs_init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	ENSURE(pthread_condattr_init(&attr) == 0, ERR_NOMEM);
	/* A jump of the wall clock must not shorten or stretch an idle gap. */
	INSIST(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	const int status = pthread_cond_init(cond, &attr);
	INSIST(pthread_condattr_destroy(&attr) == 0);
	return status == 0 ? ERR_OK : ERR_NOMEM;
}

static enum err jobs_init_locks(struct jobs *j)
{
	ENSURE(pthread_mutex_init(&j->lock, NULL) == 0, ERR_NOMEM);
	enum err e = jobs_init_cond(&j->wake);
	if (e == ERR_OK) {
		e = jobs_init_cond(&j->ready);
		if (e != ERR_OK) INSIST(pthread_cond_destroy(&j->wake) == 0);
	}
	if (e != ERR_OK) INSIST(pthread_mutex_destroy(&j->lock) == 0);
	return e;
}

enum err jobs_init(struct jobs *j, struct loop *loop, unsigned queue_max,
		   void (*join)(struct jobs *jobs))
{
	REQUIRE(loop_is_mine(loop));
	REQUIRE(queue_max > 0 && join != NULL);
	*j = (struct jobs){ .loop = loop, .queue_max = queue_max, .join = join };
	list_init(&j->queued);
	list_init(&j->finished);
	return jobs_init_locks(j);
}

enum err jobs_open(struct jobs *j)
{
	jobs_lock(j);
	while (j->threads_starting > 0) INSIST(pthread_cond_wait(&j->ready, &j->lock) == 0);
	enum err e = j->setup_result;
	if (e == ERR_OK) {
		e = err_from_uv(uv_async_init(&j->loop->uv, &j->async, jobs_on_async));
		j->async_open = e == ERR_OK;
	}
	jobs_unlock(j);
	j->async.data = j;
	return e;
}

void jobs_abort(struct jobs *j)
{
	REQUIRE(!j->async_open && j->unfinished == 0);
	jobs_lock(j);
	j->stopping = true;
	INSIST(pthread_cond_broadcast(&j->wake) == 0);
	jobs_unlock(j);
	j->join(j);
	jobs_fini_locks(j);
}

enum err jobs_submit(struct jobs *j, struct worker_job *job)
{
	REQUIRE(loop_is_mine(j->loop));
	REQUIRE(job->done != NULL);
	ENSURE(!j->closing, ERR_CLOSED);
	jobs_lock(j);
	const bool full = j->queued_count >= j->queue_max;
	if (!full) {
		list_append(&j->queued, &job->link);
		j->queued_count++;
		/* Under the lock: a waiting thread cannot miss it, and TSan can see why. */
		INSIST(pthread_cond_signal(&j->wake) == 0);
	}
	jobs_unlock(j);
	ENSURE(!full, ERR_FULL);
	j->unfinished++;
	return ERR_OK;
}

void jobs_close(struct jobs *j, loop_closed_fn on_closed, void *owner)
{
	REQUIRE(loop_is_mine(j->loop));
	if (j->closing) return;
	j->closing = true;
	j->on_closed = on_closed;
	j->closed_owner = owner;
	jobs_lock(j);
	j->stopping = true;
	INSIST(pthread_cond_broadcast(&j->wake) == 0);
	jobs_unlock(j);
	/* When the threads are gone already nobody else would wake the loop for the end. */
	UV_MUST(uv_async_send(&j->async));
}

void jobs_thread_expect(struct jobs *j)
{
	jobs_lock(j);
	j->threads_starting++;
	j->threads_live++;
	jobs_unlock(j);
}

void jobs_thread_unexpect(struct jobs *j)
{
	jobs_lock(j);
	j->threads_starting--;
	j->threads_live--;
	jobs_unlock(j);
}

void jobs_thread_ready(struct jobs *j, enum err setup_result)
{
	jobs_lock(j);
	INSIST(j->threads_starting > 0);
	j->threads_starting--;
	if (j->setup_result == ERR_OK) j->setup_result = setup_result;
	INSIST(pthread_cond_signal(&j->ready) == 0);
	jobs_unlock(j);
}

static struct timespec jobs_deadline(uint64_t wait_ms)
{
	struct timespec at;
	INSIST(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
	at.tv_sec += (time_t)(wait_ms / 1000u);
	at.tv_nsec += (long)(wait_ms % 1000u) * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

/* Returns false when `idle_ms` went by with nothing to do. Called and left with the lock held. */
static bool jobs_wait_work(struct jobs *j, uint64_t idle_ms)
{
	struct timespec deadline = { 0 };
	if (idle_ms > 0) deadline = jobs_deadline(idle_ms);
	int status = 0;
	while (list_empty(&j->queued) && !j->stopping && status != ETIMEDOUT) {
		status = idle_ms == 0 ? pthread_cond_wait(&j->wake, &j->lock)
				      : pthread_cond_timedwait(&j->wake, &j->lock, &deadline);
		INSIST(status == 0 || status == ETIMEDOUT);
	}
	return !list_empty(&j->queued) || j->stopping;
}

unsigned jobs_take(struct jobs *j, struct list *ret_jobs, unsigned take_max, uint64_t idle_ms,
		   bool *ret_stop)
{
	unsigned taken = 0;
	jobs_lock(j);
	const bool work = jobs_wait_work(j, idle_ms);
	if (take_max >= j->queued_count) {
		list_splice(ret_jobs, &j->queued);
		taken = j->queued_count;
	} else {
		for (; taken < take_max; taken++) {
			list_append(ret_jobs, list_take_first(&j->queued));
		}
	}
	j->queued_count -= taken;
	*ret_stop = work && taken == 0;
	jobs_unlock(j);
	return taken;
}

void jobs_give_back(struct jobs *j, struct list *jobs)
{
	jobs_lock(j);
	list_splice(&j->finished, jobs);
	jobs_unlock(j);
	UV_MUST(uv_async_send(&j->async));
}

void jobs_thread_end(struct jobs *j)
{
	/* The send stays under the lock: once the loop has seen threads_live at 0 it may close the
	 * handle, and the join that comes first waits for the unlock. */
	jobs_lock(j);
	INSIST(j->threads_live > 0);
	j->threads_live--;
	if (j->async_open) UV_MUST(uv_async_send(&j->async));
	jobs_unlock(j);
}
