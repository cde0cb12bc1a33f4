/* loop: one libuv loop, the thread that owns it, and the queue that keeps user callbacks out of the
 * calls that caused them.
 *
 * Owns:    the uv_loop_t and its own handles, from loop_init to loop_close.
 * Threads: the thread that called loop_init (or, later, loop_run). Only the uv_async_send inside
 *          worker and pool comes from elsewhere. REQUIRE(loop_is_mine(l)) stands at each net entry.
 * Errors:  ERR_NOMEM, ERR_FULL (descriptors ran out), ERR_BUSY (loop_close, handles left over).
 * Why:     STYLE 1.8. A component X of this folder closes by `x_close(x, on_closed, owner)`: it may
 *          be called twice, on_closed(owner) runs exactly once, later, and the memory is the
 *          caller's again inside it. One function can serve all parts of an owner, as a countdown.
 */
#pragma once

#include "base/check.h"
#include "base/err.h"
#include "base/list.h"

#include <pthread.h>
#include <stdint.h>
#include <uv.h>

#define LOOP_SCRATCH_BYTES 65536u /* what libuv suggests for one read */

/* For libuv calls that cannot fail when we use them rightly. */
#define UV_MUST(call)                                                                              \
	do {                                                                                       \
		const int uv_must_status_ = (call);                                                \
		INSIST(uv_must_status_ == 0);                                                      \
	} while (0)

typedef void (*loop_closed_fn)(void *owner);

/* Something to do later in this turn of the loop, or in the next one. Embedded in its owner. */
struct loop_task {
	struct list link;                    /* in loop.deferred, or unlinked */
	void (*run)(struct loop_task *task); /* CONTAINER_OF gives the owner */
};

struct loop {
	uv_loop_t uv;
	pthread_t thread;      /* the one that may call */
	bool running;          /* inside loop_run or loop_run_once */
	bool signals_on;       /* signal handles are initialised */
	unsigned handles_open; /* own handles that are not closed yet */
	struct list deferred;  /* of loop_task.link */
	uv_idle_t wake;        /* active while `deferred` holds tasks: the poll does not wait */
	uv_check_t check;      /* runs `deferred` right after the poll */
	uv_signal_t on_term;
	uv_signal_t on_int;
	void (*on_signal)(void *ctx, int signal_number);
	void *signal_ctx; /* borrowed */
	uint8_t *scratch; /* owned, LOOP_SCRATCH_BYTES: one read at a time lands here */
};

/* Also ignores SIGPIPE for the process: a write to a closed socket is an error value here. */
MUST_USE enum err loop_init(struct loop *l);

/* Runs until loop_stop or until nothing is left to wait for. The calling thread becomes the owner.
 */
void loop_run(struct loop *l);

/* One turn; waits for the first event. Returns false when nothing is left to wait for. */
bool loop_run_once(struct loop *l);

/* loop_run returns at the end of this turn. */
void loop_stop(struct loop *l);

/* Demands an empty loop. With handles, requests or tasks left over it logs each by its type name,
 * changes nothing and returns ERR_BUSY; the caller may close them and call again. */
MUST_USE enum err loop_close(struct loop *l);

bool loop_is_mine(const struct loop *l);

/* Milliseconds that never go back; the time when this turn began (it is what timers compare to). */
uint64_t loop_now_ms(const struct loop *l);

/* Milliseconds since 1970-01-01 UTC, as the machine's clock believes. */
uint64_t loop_wall_ms(void);

/* SIGTERM and SIGINT arrive here, on the loop. They do not keep the loop alive. Call once. */
MUST_USE enum err loop_on_signals(struct loop *l, void (*on_signal)(void *ctx, int signal_number),
				  void *ctx);

void loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task));

/* Runs the task once, later, in the order of the calls. A task already waiting stays in its place.
 * What a task defers runs in the next turn, so tasks cannot starve the sockets. */
void loop_defer(struct loop *l, struct loop_task *task);

/* Takes back a waiting task; harmless otherwise. */
void loop_task_cancel(struct loop_task *task);

/* The only translator of libuv's error numbers (0 and positive: ERR_OK).
 * ERR_OFFLINE: nobody there (refused, unreachable, unknown name). ERR_TRUNCATED: reset by the peer.
 * ERR_CLOSED: end of file. ERR_BUSY: address in use. ERR_FULL: no descriptors. ERR_CANCELED,
 * ERR_TIMEOUT, ERR_NOMEM, ERR_DENIED, ERR_NOT_FOUND, ERR_EXISTS, ERR_BAD_VALUE; others ERR_IO. */
enum err err_from_uv(int status);
