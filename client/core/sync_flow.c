/* sync_flow: the two streams: the outbox upward, one batch at a time, and the feed downward. */
#include "client/core/sync_state.h"

#include "base/check.h"

/* ---- outbox ---------------------------------------------------------------------------------- */

/* Nothing can be sent on a connection that is gone; an Ack that the desk is storing is still
 * stored. */
void sync_flow_reset(struct sync *s)
{
	if (s->batch != SYNC_BATCH_ACKING) s->batch = SYNC_BATCH_IDLE;
	s->batch_number = 0;
	s->batch_wait_ms = UINT64_MAX;
	s->outbox_more = true;
	s->courier_turn = false;
	s->live = false;
	s->feed_broken = false;
	sync_feed_drop(s);
}

void sync_outbox_pump(struct sync *s, struct sync_actions *out)
{
	if (s->fsm.now != SYNC_COURIER && s->fsm.now != SYNC_SIGNED_IN) return;
	if (s->server_knows && s->fsm.now == SYNC_COURIER)
		return; /* the verb is about to say more */
	if (s->batch != SYNC_BATCH_IDLE || !s->outbox_more || s->now_ms < s->batch_ms) return;

	const bool own = s->fsm.now == SYNC_SIGNED_IN && !s->courier_turn;
	s->batch_ask = sync_ask(s, own ? SYNC_ASK_PUSH : SYNC_ASK_COURIER, VIEW_EMPTY, 0, out);
	if (s->batch_ask == 0) return;
	/* Outside SIGNED_IN the person's rows travel like anybody's. */
	struct sync_ask *ask = &out->a[out->count - 1].ask;
	if (s->fsm.now != SYNC_SIGNED_IN) ask->person = (struct id){ 0 };
	/* The courier's turn is the second half of a look: what is saved in between is news. */
	if (own || s->fsm.now != SYNC_SIGNED_IN) s->outbox_news = false;
	s->batch = SYNC_BATCH_ASKED;
}

static void outbox_wait(struct sync *s)
{
	s->batch_ms = s->now_ms + SYNC_BUSY_MS;
}

/* PUSH or COURIER: a frame to send, or nothing left of this sort. */
static void outbox_on_batch(struct sync *s, const struct sync_result *r, struct sync_actions *out)
{
	s->batch = SYNC_BATCH_IDLE;
	const bool own = r->type == SYNC_ASK_PUSH;
	const bool may = s->fsm.now == SYNC_SIGNED_IN || (!own && s->fsm.now == SYNC_COURIER);
	if (!may || s->server_knows != (s->fsm.now == SYNC_SIGNED_IN)) return;
	if (r->err != ERR_OK) {
		outbox_wait(s);
		return;
	}
	if (r->frame.len > 0) {
		s->batch_number = sync_send_body(s, buf_view(&r->frame), out);
		if (s->batch_number == 0) return;
		s->batch = SYNC_BATCH_SENT;
		s->batch_wait_ms = s->now_ms + STALLED_MS_MAX;
		s->stats.pushes++;
		return;
	}
	if (s->outbox_news) {
		/* The desk looked before it was saved: look again, from the beginning. */
		s->courier_turn = false;
		return;
	}
	if (own)
		s->courier_turn = true;
	else
		s->outbox_more = false;
}

void sync_outbox_on_reply(struct sync *s, const Roomkeep__Frame *f, struct view body,
			  struct sync_actions *out)
{
	s->batch_number = 0;
	s->batch_wait_ms = UINT64_MAX;
	if (f->body_case == ROOMKEEP__FRAME__BODY_ACK) {
		s->stats.acks++;
		s->batch = SYNC_BATCH_ACKING;
		s->batch_ask = sync_ask(s, SYNC_ASK_ACK, body, 0, out);
		if (s->batch_ask == 0) s->batch = SYNC_BATCH_IDLE;
		return;
	}
	s->batch = SYNC_BATCH_IDLE;
	if (f->body_case != ROOMKEEP__FRAME__BODY_RESULT) {
		sync_bad_frame(s, out);
		return;
	}
	/* The server could not take the batch as a whole; the rows stay where they are. */
	outbox_wait(s);
}

static void outbox_on_acked(struct sync *s, const struct sync_result *r)
{
	s->batch = SYNC_BATCH_IDLE;
	if (r->err != ERR_OK) {
		outbox_wait(s);
		return;
	}
	if (r->again) outbox_wait(s);
	s->queued = r->queued;
	s->queued_known = true;
	s->outbox_more = true;
	s->courier_turn = false;
}

void sync_outbox_on_result(struct sync *s, struct sync_result *r, struct sync_actions *out)
{
	s->batch_ask = 0;
	if (r->type == SYNC_ASK_ACK) {
		outbox_on_acked(s, r);
		return;
	}
	if (r->err == ERR_OK) {
		s->queued = r->queued;
		s->queued_known = true;
	}
	outbox_on_batch(s, r, out);
}

/* ---- feed ------------------------------------------------------------------------------------ */

void sync_feed_drop(struct sync *s)
{
	for (size_t i = 0; i < s->feed_count; i++) buf_fini(&s->feed[i]);
	s->feed_count = 0;
	s->feed_ask = 0; /* what the desk still does for it is not waited for */
	s->feed_ms = 0;
	s->feed_again = false;
}

void sync_feed_on_frame(struct sync *s, const Roomkeep__Feed *feed, struct view body,
			struct sync_actions *out)
{
	if (s->fsm.now == SYNC_LEAVING) return; /* was on its way before the Logout */
	if (s->fsm.now != SYNC_SIGNED_IN || !feed->has_up_to_seq) {
		sync_bad_frame(s, out);
		return;
	}
	if (s->feed_broken) return;
	if (s->feed_count == SYNC_FEED_MAX) {
		sync_bad_frame(s, out);
		return;
	}
	struct buf *slot = &s->feed[s->feed_count];
	buf_init(slot);
	if (buf_append(slot, body) != ERR_OK) {
		sync_close(s, out);
		return;
	}
	s->feed_count++;
	s->stats.feeds++;
}

void sync_feed_pump(struct sync *s, struct sync_actions *out)
{
	if (s->fsm.now != SYNC_SIGNED_IN || s->feed_ask != 0 || s->feed_count == 0) return;
	if (s->now_ms < s->feed_ms) return;
	if (s->scope.len > 0 || ((s->dir_wants | s->dir_serves) & SYNC_DIR_FEED) != 0) return;
	s->feed_ask = sync_ask(s, SYNC_ASK_FEED, buf_view(&s->feed[0]), 0, out);
}

static void feed_shift(struct sync *s)
{
	INSIST(s->feed_count > 0);
	buf_fini(&s->feed[0]);
	s->feed_count--;
	for (size_t i = 0; i < s->feed_count; i++) s->feed[i] = s->feed[i + 1];
	s->feed_again = false;
}

static void feed_break(struct sync *s)
{
	sync_feed_drop(s);
	s->feed_broken = true;
	s->live = false;
}

/* The room's own trouble, not the batch's: the same may be stored a little later. */
static bool feed_err_passes(enum err e)
{
	return e == ERR_NOMEM || e == ERR_BUSY || e == ERR_STORE || e == ERR_SIGNED_OUT;
}

void sync_feed_on_result(struct sync *s, const struct sync_result *r, struct sync_actions *out)
{
	s->feed_ask = 0;
	if (s->fsm.now != SYNC_SIGNED_IN || s->feed_count == 0) return;
	if (r->err == ERR_NOT_FOUND && !s->feed_again) {
		s->feed_again = true;
		sync_dir_want(s, SYNC_DIR_FEED, out);
		return;
	}
	if (feed_err_passes(r->err)) {
		s->feed_ms = s->now_ms + SYNC_BUSY_MS;
		return;
	}
	if (r->err != ERR_OK) {
		/* Forged or forked: nothing more is taken from this connection, but what this room
		 * wrote still goes out. The desk has raised the alarm. */
		feed_break(s);
		return;
	}
	feed_shift(s);
	if (r->live) s->live = true;
	(void)sync_send_feed_ack(s, r->cursor.seq, out);
}
