/* timer: a one-shot or repeating wait, embedded in its owner.
 *
 * Owns:    nothing but its handle.    Threads: loop thread only.    Errors: none.
 * Lives:   timer_init .. the on_closed of timer_close. on_fire never runs after timer_close, and
 *          never inside timer_start, even for 0 ms. */
#pragma once

#include "net/loop.h"

struct timer {
	uv_timer_t uv;
	struct loop *loop;                    /* borrowed */
	void (*on_fire)(struct timer *timer); /* CONTAINER_OF gives the owner */
	loop_closed_fn on_closed;
	void *closed_owner; /* borrowed */
};

void timer_init(struct timer *t, struct loop *loop, void (*on_fire)(struct timer *timer));

/* Fires once after `wait_ms`. A running timer starts again from now. */
void timer_start(struct timer *t, uint64_t wait_ms);

/* Fires every `every_ms`, first after one interval. Requires: every_ms > 0. */
void timer_start_repeating(struct timer *t, uint64_t every_ms);

void timer_stop(struct timer *t);
bool timer_is_running(const struct timer *t);

/* A running timer does not keep loop_run from returning (metrics, sweeps). */
void timer_unref(struct timer *t);

/* Idempotent; the first call's on_closed counts (may be NULL). */
void timer_close(struct timer *t, loop_closed_fn on_closed, void *owner);
