#include "server/net/conn.h"

#include "base/log.h"
#include "crypt/proof.h"
#include "wire/frame.h"

#include <stdlib.h>
#include <unistd.h>

/* Handshakes under way may not take every place: rooms must be able to come back. */
#define CONNS_HANDSHAKE_MAX (CONNS_MAX / 2u)
/* Pings and their answers between two looks (ENGINE_SPACE_MS) are less than this. */
#define CONN_IDLE_BYTES 512u

struct conn {
	struct list link; /* engine.conns */
	struct engine *engine;
	uint64_t id;
	struct tcp_address peer;
	struct tls_stream stream;
	struct timer deadline;
	struct dialog dialog;
	struct dialog_actions actions; /* of the step under way */
	struct buf in;                 /* plain bytes that are no whole frame yet */
	struct list held;              /* asks that wait for start_ask_id */
	size_t moved;                  /* bytes in and out since the last conn_release_idle */
	unsigned asks_out;             /* asks in other threads; they pin this conn */
	unsigned parts_open;           /* stream, timer */
	bool unknown;                  /* counted in engine.unknown_count */
	bool talking;                  /* the dialog is initialised */
	bool ended;                    /* no more steps */
	bool pumping;                  /* inside conn_pump */
	bool frame_bad_size;           /* the length prefix was refused; nothing more is split */
};

static void conn_pump(struct conn *c);

struct conn *conn_of_link(struct list *link)
{
	return CONTAINER_OF(link, struct conn, link);
}

uint64_t conn_id(const struct conn *c)
{
	return c->id;
}

static void conn_free_held(struct conn *c)
{
	for (struct list *l = list_take_first(&c->held); l != NULL; l = list_take_first(&c->held)) {
		ask_free(CONTAINER_OF(l, struct ask, link));
	}
}

static void conn_maybe_finish(struct conn *c)
{
	if (c->parts_open > 0 || c->asks_out > 0) return;

	struct engine *e = c->engine;
	list_remove(&c->link);
	e->conn_count--;
	if (c->unknown) e->unknown_count--;
	if (c->talking) dialog_fini(&c->dialog);
	dialog_actions_fini(&c->actions);
	conn_free_held(c);
	buf_wipe(&c->in);
	buf_fini(&c->in);
	free(c);
	engine_maybe_finish(e);
}

static void conn_on_timer_closed(void *owner)
{
	struct conn *c = owner;
	c->parts_open--;
	conn_maybe_finish(c);
}

/* ---- asks ------------------------------------------------------------------------------------ */

static void conn_start_ask(struct conn *c, struct ask *ask)
{
	c->asks_out++;
	const enum err e = engine_submit_ask(c->engine, ask);
	if (e == ERR_OK) return;

	/* The queue is full: the room keeps what it has and comes back. */
	c->asks_out--;
	ask_free(ask);
	log_warn("conn", "queue full conn=%llu, closing", (unsigned long long)c->id);
	c->ended = true;
	tls_stream_end(&c->stream, e);
}

static void conn_start_held(struct conn *c, uint64_t ask_id)
{
	LIST_FOREACH_SAFE(l, &c->held) {
		struct ask *ask = CONTAINER_OF(l, struct ask, link);
		if (ask->desc.ask_id != ask_id) continue;
		list_remove(l);
		conn_start_ask(c, ask);
		return;
	}
}

/* `ask` carries the frame of this step, or is NULL. Takes it in any case. */
static void conn_run_asks(struct conn *c, struct ask *ask, uint64_t wall_ms)
{
	for (size_t i = 0; i < c->actions.ask_count && !c->ended; i++) {
		const struct dialog_ask *desc = &c->actions.ask[i];
		struct ask *mine = desc->kind == ASK_FEED_PAGE ? ask_new() : TAKE(ask);
		if (mine == NULL) {
			c->ended = true;
			tls_stream_end(&c->stream, ERR_NOMEM);
			break;
		}
		mine->owner = c;
		ask_begin(mine, desc, wall_ms);
		if (desc->held) {
			list_append(&c->held, &mine->link);
		} else {
			conn_start_ask(c, mine);
		}
	}
	ask_free(ask);
	if (c->actions.start_ask_id != 0 && !c->ended) {
		conn_start_held(c, c->actions.start_ask_id);
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void conn_replace(struct engine *e, uint64_t id)
{
	LIST_FOREACH(l, &e->conns) {
		struct conn *old = conn_of_link(l);
		if (old->id != id) continue;
		conn_step(old, &(struct dialog_event){ .type = DIALOG_EV_REPLACED,
						       .wall_ms = loop_wall_ms() });
		return;
	}
}

static void conn_set_deadline(struct conn *c)
{
	const uint64_t at = dialog_deadline_ms(&c->dialog);
	const uint64_t now = loop_now_ms(c->engine->loop);
	timer_start(&c->deadline, at > now ? at - now : 0);
}

static void conn_set_known(struct conn *c)
{
	if (!c->unknown) return;
	c->unknown = false;
	c->engine->unknown_count--;
}

/* Steps the dialog and does what it says. `ask` as in conn_run_asks. */
static void conn_step_ask(struct conn *c, const struct dialog_event *ev, struct ask *ask)
{
	if (c->ended || !c->talking) {
		ask_free(ask);
		return;
	}
	dialog_step(&c->dialog, loop_now_ms(c->engine->loop), ev, &c->actions);
	const uint64_t replaces = c->actions.close_conn_id;
	const bool close = c->actions.close;
	const Roomkeep__RefuseReason reason = c->actions.reason;

	if (c->actions.send.len > 0 && !tls_stream_is_ending(&c->stream)) {
		/* A failed write closes the stream; on_closed tells the dialog. */
		err_ignore(tls_stream_write(&c->stream, buf_view(&c->actions.send)));
		c->moved += c->actions.send.len;
		buf_clear(&c->actions.send);
	}
	conn_run_asks(c, ask, ev->wall_ms);
	if (!close && dialog_state(&c->dialog) >= DIALOG_COURIER) conn_set_known(c);
	if (close) {
		log_info("conn", "closing conn=%llu refuse=%d", (unsigned long long)c->id,
			 (int)reason);
		c->ended = true;
		timer_stop(&c->deadline);
		tls_stream_end(&c->stream, ERR_REFUSED);
	}
	if (!c->ended) conn_set_deadline(c);
	if (replaces != 0) conn_replace(c->engine, replaces);
}

void conn_step(struct conn *c, const struct dialog_event *ev)
{
	conn_step_ask(c, ev, NULL);
}

void conn_on_ask_done(struct conn *c, const struct ask *ask)
{
	INSIST(c->asks_out > 0);
	c->asks_out--;
	if (c->ended || !c->talking) {
		c->engine->metrics.dropped_replies++;
	} else {
		struct dialog_done done = { 0 };
		ask_done(ask, &done);
		conn_step(c, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE,
						     .wall_ms = loop_wall_ms(),
						     .done = &done });
	}
	if (!c->ended) conn_pump(c);
	conn_maybe_finish(c);
}

static void conn_on_deadline(struct timer *timer)
{
	struct conn *c = CONTAINER_OF(timer, struct conn, deadline);
	conn_step(c, &(struct dialog_event){ .type = DIALOG_EV_TICK, .wall_ms = loop_wall_ms() });
	if (!c->ended) conn_pump(c);
}

/* ---- bytes in -------------------------------------------------------------------------------- */

static void conn_on_frame(struct conn *c, struct view body)
{
	struct ask *ask = ask_new();
	struct dialog_event ev = { .type = DIALOG_EV_FRAME,
				   .wall_ms = loop_wall_ms(),
				   .frame_bytes = body.len,
				   .frame_err = ERR_NOMEM };
	if (ask != NULL) {
		ev.frame_err = ask_decode(ask, body);
		ev.frame = ev.frame_err == ERR_OK ? ask->frame : NULL;
	}
	conn_step_ask(c, &ev, ask);
}

/* Splits what has come into frames, as many as the dialog may take now. */
static void conn_pump(struct conn *c)
{
	if (c->pumping) return;
	c->pumping = true;
	size_t at = 0;
	bool begun = false;
	while (!c->ended && !c->frame_bad_size && dialog_may_read(&c->dialog)) {
		const struct view rest = view_of(c->in.p + at, c->in.len - at);
		struct view body = VIEW_EMPTY;
		const enum err e = frame_peek(rest, dialog_frame_bytes_max(&c->dialog), &body);
		begun = e == ERR_MORE && rest.len > 0;
		if (e == ERR_MORE) break;
		if (e == ERR_OK) {
			at += FRAME_HEADER_BYTES + body.len;
			conn_on_frame(c, body);
		} else {
			c->frame_bad_size = true;
			conn_step(c, &(struct dialog_event){ .type = DIALOG_EV_TOO_BIG,
							     .wall_ms = loop_wall_ms() });
		}
	}
	buf_consume(&c->in, at);
	c->pumping = false;
	if (begun && !c->ended && c->dialog.frame_by_ms == 0) {
		conn_step(c, &(struct dialog_event){ .type = DIALOG_EV_BEGUN,
						     .wall_ms = loop_wall_ms() });
	}
	if (c->ended) return;
	if (dialog_may_read(&c->dialog)) {
		tls_stream_resume(&c->stream);
	} else {
		tls_stream_pause(&c->stream);
	}
}

static void conn_on_plain(struct tls_stream *stream, struct view plain)
{
	struct conn *c = CONTAINER_OF(stream, struct conn, stream);
	if (c->ended) return;
	c->moved += plain.len;
	if (buf_append(&c->in, plain) != ERR_OK) {
		c->ended = true;
		tls_stream_close(stream, ERR_NOMEM);
		return;
	}
	conn_pump(c);
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* May one more peer that is on no list talk to us? This one is not talking yet, so not counted. */
static bool conn_unknown_fits(const struct conn *mine)
{
	size_t all = 0;
	size_t here = 0;
	LIST_FOREACH(l, &mine->engine->conns) {
		const struct conn *c = conn_of_link(l);
		if (!c->unknown || !c->talking) continue;
		all++;
		if (memcmp(c->peer.ip, mine->peer.ip, sizeof(mine->peer.ip)) == 0) here++;
	}
	return all < CONNS_UNKNOWN_MAX && here < CONNS_UNKNOWN_PER_ADDRESS_MAX;
}

static void conn_refuse_full(struct conn *c)
{
	c->engine->metrics.refused_full++;
	CLEANUP(buf_finip) struct buf out = { 0 };
	Roomkeep__Refuse refuse = ROOMKEEP__REFUSE__INIT;
	refuse.has_reason = true;
	refuse.reason = ROOMKEEP__REFUSE_REASON__TOO_MANY;
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	frame.body_case = ROOMKEEP__FRAME__BODY_REFUSE;
	frame.refuse = &refuse;
	if (frame_encode(&frame, &out) == ERR_OK) {
		/* Best effort: the conn ends in any case. */
		err_ignore(tls_stream_write(&c->stream, buf_view(&out)));
	}
	c->ended = true;
	tls_stream_end(&c->stream, ERR_FULL);
}

static enum err conn_read_peer(struct conn *c, struct dialog_peer *ret)
{
	struct tls_stream *s = &c->stream;
	memcpy(ret->spki, tls_stream_peer_spki(s)->b, ROSTER_SPKI_BYTES);
	TRY(tls_stream_export(s, EXPORTER_LABEL_LOGIN, ret->exporter_login));
	TRY(tls_stream_export(s, EXPORTER_LABEL_SETUP, ret->exporter_setup));
	TRY(tls_stream_export(s, EXPORTER_LABEL_ENROL, ret->exporter_enrol));
	return ERR_OK;
}

static void conn_on_ready(struct tls_stream *stream)
{
	struct conn *c = CONTAINER_OF(stream, struct conn, stream);
	struct engine *e = c->engine;
	struct dialog_peer peer = { 0 };
	if (conn_read_peer(c, &peer) != ERR_OK) {
		c->ended = true;
		tls_stream_close(stream, ERR_TLS);
		return;
	}
	const struct roster_room *room = roster_room_by_spki(e->roster, peer.spki);
	if (room != NULL && room->state == ROSTER_ACTIVE) {
		conn_set_known(c);
	} else if (!conn_unknown_fits(c)) {
		conn_refuse_full(c);
		return;
	}
	dialog_init(&c->dialog, e->roster, rand_system(), &e->dialog_metrics, c->id, &peer,
		    loop_now_ms(e->loop));
	c->talking = true;
	conn_set_deadline(c);
}

static void conn_on_closed(struct tls_stream *stream, enum err why)
{
	struct conn *c = CONTAINER_OF(stream, struct conn, stream);
	if (!c->talking && !c->ended) {
		c->engine->metrics.handshake_failed++;
		log_info("conn", "handshake failed conn=%llu err=%s", (unsigned long long)c->id,
			 err_name(why));
	} else {
		log_info("conn", "closed conn=%llu err=%s", (unsigned long long)c->id,
			 err_name(why));
	}
	if (!c->ended && c->talking) {
		conn_step(c, &(struct dialog_event){ .type = DIALOG_EV_LOST,
						     .wall_ms = loop_wall_ms() });
	}
	c->ended = true;
	timer_close(&c->deadline, conn_on_timer_closed, c);
	c->parts_open--;
	conn_maybe_finish(c);
}

static const struct tls_stream_events conn_events = {
	.on_ready = conn_on_ready,
	.on_plain = conn_on_plain,
	.on_closed = conn_on_closed,
};

void conn_accept(struct engine *e, int fd, const struct tcp_address *peer)
{
	e->metrics.accepted++;
	struct conn *c = NULL;
	if (!e->closing && e->conn_count < CONNS_MAX && e->unknown_count < CONNS_HANDSHAKE_MAX) {
		c = calloc(1, sizeof(*c));
	}
	if (c == NULL) {
		e->metrics.refused_full++;
		(void)close(fd); /* nothing was said yet */
		return;
	}
	c->engine = e;
	c->id = ++e->next_conn_id;
	c->peer = *peer;
	list_init(&c->held);
	dialog_actions_init(&c->actions);
	if (tls_stream_open(&c->stream, e->loop, &e->tls, fd,
			    &(struct tls_stream_options){ .events = &conn_events }) != ERR_OK) {
		dialog_actions_fini(&c->actions);
		free(c);
		return;
	}
	timer_init(&c->deadline, e->loop, conn_on_deadline);
	c->parts_open = 2;
	c->unknown = true;
	e->unknown_count++;
	e->conn_count++;
	list_append(&e->conns, &c->link);
}

bool conn_release_idle(struct conn *c)
{
	const bool idle = c->talking && !c->ended && c->asks_out == 0 && c->in.len == 0 &&
			  c->moved < CONN_IDLE_BYTES;
	c->moved = 0;
	if (!idle) return false;
	buf_fini(&c->in);
	buf_fini(&c->actions.send);
	tls_stream_release_idle(&c->stream);
	return true;
}

void conn_shut_down(struct conn *c)
{
	if (c->talking && !c->ended) {
		conn_step(c, &(struct dialog_event){ .type = DIALOG_EV_SHUTDOWN,
						     .wall_ms = loop_wall_ms() });
	}
	c->ended = true;
	tls_stream_end(&c->stream, ERR_CLOSED);
}
