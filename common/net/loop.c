#include "net/loop.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <signal.h>
#include <stdlib.h>

/* libuv ends a closed handle within one turn; more turns than this mean a bug of ours. */
#define LOOP_CLOSE_TURNS_MAX 16

static const struct {
	int uv;
	enum err err;
} loop_errors[] = {
	{ UV_ENOMEM, ERR_NOMEM },
	{ UV_EAI_MEMORY, ERR_NOMEM },
	{ UV_ECANCELED, ERR_CANCELED },
	{ UV_EAI_CANCELED, ERR_CANCELED },
	{ UV_ETIMEDOUT, ERR_TIMEOUT },
	{ UV_EOF, ERR_CLOSED },
	{ UV_ECONNRESET, ERR_TRUNCATED },
	{ UV_EPIPE, ERR_TRUNCATED },
	{ UV_ECONNABORTED, ERR_TRUNCATED },
	{ UV_ENOTCONN, ERR_TRUNCATED },
	{ UV_ECONNREFUSED, ERR_OFFLINE },
	{ UV_EHOSTUNREACH, ERR_OFFLINE },
	{ UV_ENETUNREACH, ERR_OFFLINE },
	{ UV_ENETDOWN, ERR_OFFLINE },
	{ UV_EHOSTDOWN, ERR_OFFLINE },
	{ UV_EAI_NONAME, ERR_OFFLINE },
	{ UV_EAI_NODATA, ERR_OFFLINE },
	{ UV_EAI_AGAIN, ERR_OFFLINE },
	{ UV_EAI_FAIL, ERR_OFFLINE },
	{ UV_EAI_ADDRFAMILY, ERR_OFFLINE },
	{ UV_EADDRINUSE, ERR_BUSY },
	{ UV_EBUSY, ERR_BUSY },
	{ UV_EADDRNOTAVAIL, ERR_BAD_VALUE },
	{ UV_EINVAL, ERR_BAD_VALUE },
	{ UV_EMFILE, ERR_FULL },
	{ UV_ENFILE, ERR_FULL },
	{ UV_ENOBUFS, ERR_FULL },
	{ UV_EACCES, ERR_DENIED },
	{ UV_EPERM, ERR_DENIED },
	{ UV_ENOENT, ERR_NOT_FOUND },
	{ UV_EEXIST, ERR_EXISTS },
};

enum err err_from_uv(int status)
{
	if (status >= 0) return ERR_OK;
	for (size_t i = 0; i < COUNT_OF(loop_errors); i++) {
		if (loop_errors[i].uv == status) return loop_errors[i].err;
	}
	return ERR_IO;
}

bool loop_is_mine(const struct loop *l)
{
	return pthread_equal(l->thread, pthread_self()) != 0;
}

uint64_t loop_now_ms(const struct loop *l)
{
	return uv_now(&l->uv);
}

uint64_t loop_wall_ms(void)
{
	uv_timeval64_t now;
	UV_MUST(uv_gettimeofday(&now));
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_usec / 1000u;
}

/* Nothing to do: that it is active is what keeps the poll from waiting. */
static void loop_on_wake(uv_idle_t *h)
{
	(void)h;
}

static void loop_run_deferred(struct loop *l)
{
	struct list batch;
	list_init(&batch);
	list_splice(&batch, &l->deferred);
	struct list *item;
	while ((item = list_take_first(&batch)) != NULL) {
		struct loop_task *task = CONTAINER_OF(item, struct loop_task, link);
		task->run(task);
	}
}

static void loop_on_check(uv_check_t *h)
{
	struct loop *l = h->data;
	if (!list_empty(&l->deferred)) loop_run_deferred(l);
	/* Not only after a run: the last task may have been taken back. */
	if (list_empty(&l->deferred)) UV_MUST(uv_idle_stop(&l->wake));
}

void loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task))
{
	REQUIRE(run != NULL);
	list_init(&task->link);
	task->run = run;
}

void loop_defer(struct loop *l, struct loop_task *task)
{
	REQUIRE(loop_is_mine(l));
	REQUIRE(task->run != NULL);
	if (!list_empty(&task->link)) return;
	list_append(&l->deferred, &task->link);
	UV_MUST(uv_idle_start(&l->wake, loop_on_wake));
}

void loop_task_cancel(struct loop_task *task)
{
	list_remove(&task->link);
}

static void loop_init_handles(struct loop *l)
{
	UV_MUST(uv_idle_init(&l->uv, &l->wake));
	UV_MUST(uv_check_init(&l->uv, &l->check));
	l->wake.data = l;
	l->check.data = l;
	l->handles_open = 2;
	UV_MUST(uv_check_start(&l->check, loop_on_check));
	uv_unref((uv_handle_t *)&l->check);
}

enum err loop_init(struct loop *l)
{
	*l = (struct loop){ .thread = pthread_self() };
	list_init(&l->deferred);
	CLEANUP(freep) uint8_t *scratch = malloc(LOOP_SCRATCH_BYTES);
	ENSURE(scratch != NULL, ERR_NOMEM);
	TRY(err_from_uv(uv_loop_init(&l->uv)));

	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	INSIST(sigaction(SIGPIPE, &ignore, NULL) == 0);
	loop_init_handles(l);
	l->scratch = TAKE(scratch);
	return ERR_OK;
}

void loop_run(struct loop *l)
{
	REQUIRE(!l->running);
	l->thread = pthread_self();
	l->running = true;
	(void)uv_run(&l->uv, UV_RUN_DEFAULT); /* tells only whether it was stopped */
	l->running = false;
}

bool loop_run_once(struct loop *l)
{
	REQUIRE(!l->running);
	l->thread = pthread_self();
	l->running = true;
	const int alive = uv_run(&l->uv, UV_RUN_ONCE);
	l->running = false;
	return alive != 0;
}

void loop_stop(struct loop *l)
{
	REQUIRE(loop_is_mine(l));
	uv_stop(&l->uv);
}

static void loop_on_uv_signal(uv_signal_t *h, int signal_number)
{
	struct loop *l = h->data;
	l->on_signal(l->signal_ctx, signal_number);
}

static void loop_on_own_closed(uv_handle_t *h)
{
	struct loop *l = h->data;
	INSIST(l->handles_open > 0);
	l->handles_open--;
}

static enum err loop_start_signal(struct loop *l, uv_signal_t *h, int signal_number)
{
	TRY(err_from_uv(uv_signal_init(&l->uv, h)));
	h->data = l;
	l->handles_open++;
	uv_unref((uv_handle_t *)h);
	const int status = uv_signal_start(h, loop_on_uv_signal, signal_number);
	if (status != 0) uv_close((uv_handle_t *)h, loop_on_own_closed);
	return err_from_uv(status);
}

enum err loop_on_signals(struct loop *l, void (*on_signal)(void *ctx, int signal_number), void *ctx)
{
	REQUIRE(loop_is_mine(l));
	REQUIRE(on_signal != NULL && !l->signals_on);
	l->on_signal = on_signal;
	l->signal_ctx = ctx;
	TRY(loop_start_signal(l, &l->on_term, SIGTERM));
	const enum err e = loop_start_signal(l, &l->on_int, SIGINT);
	if (e != ERR_OK) {
		uv_close((uv_handle_t *)&l->on_term, loop_on_own_closed);
		return e;
	}
	l->signals_on = true;
	return ERR_OK;
}

static bool loop_owns(const struct loop *l, const uv_handle_t *h)
{
	return h == (const uv_handle_t *)&l->wake || h == (const uv_handle_t *)&l->check ||
	       h == (const uv_handle_t *)&l->on_term || h == (const uv_handle_t *)&l->on_int;
}

struct loop_leftovers {
	const struct loop *loop;
	unsigned count;
};

static void loop_on_walk(uv_handle_t *h, void *arg)
{
	struct loop_leftovers *left = arg;
	if (loop_owns(left->loop, h)) return;
	left->count++;
	log_error("loop", "left over handle=%s active=%d closing=%d",
		  uv_handle_type_name(uv_handle_get_type(h)), uv_is_active(h), uv_is_closing(h));
}

static unsigned loop_count_leftovers(struct loop *l)
{
	struct loop_leftovers left = { .loop = l };
	uv_walk(&l->uv, loop_on_walk, &left);
	LIST_FOREACH(it, &l->deferred) {
		left.count++;
		log_error("loop", "left over task");
	}
	if (left.count == 0 && uv_loop_alive(&l->uv) != 0) {
		left.count++;
		log_error("loop", "left over request");
	}
	return left.count;
}

static void loop_turn_nowait(struct loop *l)
{
	l->running = true;
	(void)uv_run(&l->uv, UV_RUN_NOWAIT);
	l->running = false;
}

enum err loop_close(struct loop *l)
{
	REQUIRE(loop_is_mine(l) && !l->running);
	loop_turn_nowait(l); /* what was closed a moment ago ends here */
	if (list_empty(&l->deferred)) UV_MUST(uv_idle_stop(&l->wake));
	ENSURE(loop_count_leftovers(l) == 0, ERR_BUSY);

	uv_close((uv_handle_t *)&l->wake, loop_on_own_closed);
	uv_close((uv_handle_t *)&l->check, loop_on_own_closed);
	if (l->signals_on) {
		uv_close((uv_handle_t *)&l->on_term, loop_on_own_closed);
		uv_close((uv_handle_t *)&l->on_int, loop_on_own_closed);
	}
	for (int i = 0; i < LOOP_CLOSE_TURNS_MAX && l->handles_open > 0; i++) loop_turn_nowait(l);
	UV_MUST(uv_loop_close(&l->uv));
	free(l->scratch);
	*l = (struct loop){ 0 };
	return ERR_OK;
}
