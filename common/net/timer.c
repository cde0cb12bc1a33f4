#include "net/timer.h"

static void timer_on_uv(uv_timer_t *h)
{
	struct timer *t = h->data;
	t->on_fire(t);
}

void timer_init(struct timer *t, struct loop *loop, void (*on_fire)(struct timer *timer))
{
	REQUIRE(loop_is_mine(loop));
	REQUIRE(on_fire != NULL);
	*t = (struct timer){ .loop = loop, .on_fire = on_fire };
	UV_MUST(uv_timer_init(&loop->uv, &t->uv));
	t->uv.data = t;
}

static void timer_start_uv(struct timer *t, uint64_t wait_ms, uint64_t every_ms)
{
	REQUIRE(loop_is_mine(t->loop));
	REQUIRE(uv_is_closing((uv_handle_t *)&t->uv) == 0);
	/* Between two runs the loop's clock stands still; inside one it must not move, or a timer
	 * that starts itself again could hold the turn for ever. */
	if (!t->loop->running) uv_update_time(&t->loop->uv);
	UV_MUST(uv_timer_start(&t->uv, timer_on_uv, wait_ms, every_ms));
}

void timer_start(struct timer *t, uint64_t wait_ms)
{
	timer_start_uv(t, wait_ms > 0 ? wait_ms : 1, 0);
}

void timer_start_repeating(struct timer *t, uint64_t every_ms)
{
	REQUIRE(every_ms > 0);
	timer_start_uv(t, every_ms, every_ms);
}

void timer_stop(struct timer *t)
{
	REQUIRE(loop_is_mine(t->loop));
	UV_MUST(uv_timer_stop(&t->uv));
}

bool timer_is_running(const struct timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

void timer_unref(struct timer *t)
{
	uv_unref((uv_handle_t *)&t->uv);
}

static void timer_on_handle_closed(uv_handle_t *h)
{
	struct timer *t = h->data;
	if (t->on_closed != NULL) t->on_closed(t->closed_owner);
}

void timer_close(struct timer *t, loop_closed_fn on_closed, void *owner)
{
	REQUIRE(loop_is_mine(t->loop));
	if (uv_is_closing((uv_handle_t *)&t->uv) != 0) return;
	t->on_closed = on_closed;
	t->closed_owner = owner;
	uv_close((uv_handle_t *)&t->uv, timer_on_handle_closed);
}
