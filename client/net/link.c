#include "client/net/link.h"

#include "wire/frame.h"

enum link_state {
	LINK_IDLE,
	LINK_DIALING,
	LINK_HANDSHAKE,
	LINK_UP,
	LINK_FALLING,
	LINK_STATE_COUNT
};

static const struct fsm_state link_states[] = {
	[LINK_IDLE] = { "idle", FSM_TO(LINK_DIALING), FSM_INITIAL },
	[LINK_DIALING] = { "dialing", FSM_TO(LINK_HANDSHAKE) | FSM_TO(LINK_FALLING), 0 },
	[LINK_HANDSHAKE] = { "handshake", FSM_TO(LINK_UP) | FSM_TO(LINK_FALLING), 0 },
	[LINK_UP] = { "up", FSM_TO(LINK_FALLING), 0 },
	[LINK_FALLING] = { "falling", FSM_TO(LINK_IDLE), FSM_FINAL },
};

static void link_maybe_finish(struct link *l);

static void link_on_down_task(struct loop_task *task)
{
	struct link *l = CONTAINER_OF(task, struct link, down_task);

	if (l->closing) {
		link_maybe_finish(l);
		return;
	}
	fsm_move(&l->fsm, LINK_IDLE);
	buf_clear(&l->in);
	l->events->on_down(l, l->why);
}

/* The last step down: dialler and stream are both gone. */
static void link_maybe_finish(struct link *l)
{
	if (l->dial_open || l->stream_open) return;
	if (!l->closing) {
		if (l->fsm.now == LINK_FALLING) loop_defer(l->loop, &l->down_task);
		return;
	}
	loop_task_cancel(&l->down_task);
	tls_ctx_fini(&l->tls);
	buf_fini(&l->in);
	const loop_closed_fn on_closed = l->on_closed;
	l->on_closed = NULL;
	if (on_closed != NULL) on_closed(l->closed_owner);
}

static void link_on_dial_closed(void *owner)
{
	struct link *l = owner;

	l->dial_open = false;
	link_maybe_finish(l);
}

static void link_fall(struct link *l, enum err why)
{
	if (l->fsm.now == LINK_IDLE || l->fsm.now == LINK_FALLING) return;
	l->why = why;
	fsm_move(&l->fsm, LINK_FALLING);
	if (l->dial_open) tcp_dial_close(&l->dial, link_on_dial_closed, l);
	if (l->stream_open) {
		/* A proper end lets the last frame (Logout) out; it is bounded by TLS_LINGER_MS. */
		tls_stream_end(&l->stream, why);
	}
	link_maybe_finish(l);
}

/* ---- the stream's events ------------------------------------------------------------------- */

static struct link *link_of(struct tls_stream *s)
{
	return CONTAINER_OF(s, struct link, stream);
}

static void link_on_ready(struct tls_stream *s)
{
	struct link *l = link_of(s);

	if (l->closing || l->fsm.now != LINK_HANDSHAKE) return;
	if (!l->events->is_server(l, tls_stream_peer_spki(s))) {
		link_fall(l, ERR_REFUSED);
		return;
	}
	fsm_move(&l->fsm, LINK_UP);
	l->events->on_up(l);
}

/* Hands on every whole frame in `in`; stops when a callback took the link down. */
static enum err link_split(struct link *l, bool *ret_any)
{
	size_t at = 0;
	enum err e = ERR_OK;

	*ret_any = false;
	while (l->fsm.now == LINK_UP && !l->closing) {
		struct view body;
		e = frame_peek(view_of(l->in.p + at, l->in.len - at), FRAME_BODY_BYTES_MAX, &body);
		if (e != ERR_OK) break;
		at += FRAME_HEADER_BYTES + body.len;
		*ret_any = true;
		l->events->on_frame(l, body);
	}
	if (at > 0 && at <= l->in.len) buf_consume(&l->in, at);
	return e == ERR_MORE ? ERR_OK : e;
}

static void link_on_plain(struct tls_stream *s, struct view plain)
{
	struct link *l = link_of(s);
	bool any = false;

	if (l->closing || l->fsm.now != LINK_UP) return;
	enum err e = buf_append(&l->in, plain);
	if (e == ERR_OK) e = link_split(l, &any);
	if (e != ERR_OK) {
		link_fall(l, e);
		return;
	}
	if (!any && l->fsm.now == LINK_UP && !l->closing && l->events->on_bytes != NULL) {
		l->events->on_bytes(l);
	}
}

static void link_on_stream_closed(struct tls_stream *s, enum err why)
{
	struct link *l = link_of(s);

	l->stream_open = false;
	if (l->fsm.now == LINK_HANDSHAKE || l->fsm.now == LINK_UP) {
		l->why = why;
		fsm_move(&l->fsm, LINK_FALLING);
	}
	link_maybe_finish(l);
}

static const struct tls_stream_events link_stream_events = {
	.on_ready = link_on_ready,
	.on_plain = link_on_plain,
	.on_closed = link_on_stream_closed,
};

static void link_on_dialled(struct tcp_dial *d, enum err result, int fd)
{
	struct link *l = CONTAINER_OF(d, struct link, dial);
	const struct tls_stream_options options = { .events = &link_stream_events };

	INSIST(l->fsm.now == LINK_DIALING && !l->closing);
	if (result == ERR_OK) {
		result = tls_stream_open(&l->stream, l->loop, &l->tls, fd, &options);
		l->stream_open = result == ERR_OK;
	}
	if (result != ERR_OK) {
		link_fall(l, result);
		return;
	}
	fsm_move(&l->fsm, LINK_HANDSHAKE);
	tcp_dial_close(&l->dial, link_on_dial_closed, l);
}

/* ---- the caller's side --------------------------------------------------------------------- */

enum err link_init(struct link *l, struct loop *loop, const struct tls_identity *id,
		   const struct link_events *events, void *owner)
{
	REQUIRE(loop_is_mine(loop));
	*l = (struct link){
		.loop = loop,
		.events = events,
		.owner = owner,
		.spki = id->spki,
	};
	TRY(tls_ctx_init(&l->tls, TLS_ROLE_ROOM, id));
	fsm_init(&l->fsm, link_states, LINK_STATE_COUNT, LINK_IDLE);
	loop_task_init(&l->down_task, link_on_down_task);
	buf_init(&l->in);
	return ERR_OK;
}

void link_dial(struct link *l, const char *address)
{
	REQUIRE(loop_is_mine(l->loop));
	REQUIRE(link_is_idle(l) && !l->closing);
	fsm_move(&l->fsm, LINK_DIALING);
	const enum err e = tcp_dial_open(&l->dial, l->loop, address, LINK_DIAL_MS, link_on_dialled);
	if (e != ERR_OK) {
		link_fall(l, e);
		return;
	}
	l->dial_open = true;
}

enum err link_send(struct link *l, struct view frame)
{
	REQUIRE(loop_is_mine(l->loop));
	ENSURE(link_is_up(l), ERR_CLOSED);
	return tls_stream_write(&l->stream, frame);
}

void link_drop(struct link *l, enum err why)
{
	REQUIRE(loop_is_mine(l->loop));
	REQUIRE(why != ERR_OK);
	if (!l->closing) link_fall(l, why);
}

bool link_is_idle(const struct link *l)
{
	return l->fsm.now == LINK_IDLE;
}

bool link_is_up(const struct link *l)
{
	return l->fsm.now == LINK_UP && !l->closing;
}

enum err link_export(struct link *l, const char *label, uint8_t ret_key[32])
{
	REQUIRE(link_is_up(l));
	return tls_stream_export(&l->stream, label, ret_key);
}

const struct tls_spki *link_peer_spki(const struct link *l)
{
	REQUIRE(link_is_up(l));
	return tls_stream_peer_spki(&l->stream);
}

static void link_on_close_task(struct loop_task *task)
{
	link_maybe_finish(CONTAINER_OF(task, struct link, down_task));
}

void link_close(struct link *l, loop_closed_fn on_closed, void *closed_owner)
{
	REQUIRE(loop_is_mine(l->loop));
	if (l->closing) return;
	l->on_closed = on_closed;
	l->closed_owner = closed_owner;
	link_fall(l, ERR_CANCELED);
	l->closing = true;
	loop_task_cancel(&l->down_task);
	loop_task_init(&l->down_task, link_on_close_task);
	if (!l->dial_open && !l->stream_open) loop_defer(l->loop, &l->down_task);
}
