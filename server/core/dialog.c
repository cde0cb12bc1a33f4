#include "server/core/dialog.h"

#include "base/check.h"
#include "server/core/dialog_internal.h"
#include "server/core/dialog_rules.h"
#include "wire/op.h"

static const struct fsm_state dialog_states[DIALOG_STATES] = {
	[DIALOG_CONNECTED] = { "connected",
			       FSM_TO(DIALOG_FOUNDING) | FSM_TO(DIALOG_ENROLLING) |
				       FSM_TO(DIALOG_COURIER) | FSM_TO(DIALOG_CLOSED),
			       FSM_INITIAL },
	[DIALOG_FOUNDING] = { "founding",
			      FSM_TO(DIALOG_ENROLLING) | FSM_TO(DIALOG_COURIER) |
				      FSM_TO(DIALOG_CLOSED),
			      0 },
	[DIALOG_ENROLLING] = { "enrolling", FSM_TO(DIALOG_COURIER) | FSM_TO(DIALOG_CLOSED), 0 },
	[DIALOG_COURIER] = { "courier", FSM_TO(DIALOG_SIGNED_IN) | FSM_TO(DIALOG_CLOSED), 0 },
	[DIALOG_SIGNED_IN] = { "signed_in", FSM_TO(DIALOG_COURIER) | FSM_TO(DIALOG_CLOSED), 0 },
	[DIALOG_CLOSED] = { "closed", 0, FSM_FINAL },
};

/* ---- small helpers ----------------------------------------------------------------------- */

enum dialog_state dialog_state(const struct dialog *d)
{
	return (enum dialog_state)d->fsm.now;
}

const char *dialog_state_name(const struct dialog *d)
{
	return fsm_name(&d->fsm);
}

static bool dialog_is_room(const struct dialog *d)
{
	return dialog_state(d) == DIALOG_COURIER || dialog_state(d) == DIALOG_SIGNED_IN;
}

static struct roster_room *dialog_room(const struct dialog *d)
{
	return roster_room_by_spki(d->roster, d->peer.spki);
}

static struct feed_eyes dialog_eyes(const struct dialog *d, uint64_t wall_ms)
{
	return (struct feed_eyes){ .user_id = d->user_id,
				   .roles = d->roles,
				   .epoch = d->roster->epoch,
				   .wall_ms = wall_ms,
				   .box = roster_lockbox(d->roster) };
}

/* What must hold between steps. */
static bool dialog_invariant(const struct dialog *d)
{
	const bool in = dialog_state(d) == DIALOG_SIGNED_IN;
	if (in == id_is_zero(&d->user_id)) return false;
	if (!in && d->feed.state != FEED_OFF) return false;
	if (d->ask_count > DIALOG_ASKS_MAX) return false;
	return d->late_at_ms == 0 || d->ask_count > 0;
}

static void dialog_forget_user(struct dialog *d)
{
	d->user_id = (struct id){ { 0 } };
	d->roles = 0;
	d->scope_version = 0;
	d->page_ask_id = 0;
	feed_stop(&d->feed);
}

void dialog_leave(struct dialog *d)
{
	if (dialog_state(d) == DIALOG_CLOSED) return;
	struct roster_room *room = dialog_room(d);
	if (room != NULL) roster_room_disconnect(room, d->conn_id);
	dialog_forget_user(d);
	d->challenge = (struct dialog_challenge){ 0 };
	fsm_move(&d->fsm, DIALOG_CLOSED);
}

/* ---- asks -------------------------------------------------------------------------------- */

static struct dialog_who dialog_who(const struct dialog *d)
{
	struct dialog_who who = { .conn_id = d->conn_id, .peer = d->peer };
	const struct roster_room *room = dialog_room(d);
	if (dialog_is_room(d) && room != NULL) {
		who.enrolled = true;
		who.room_id = room->room_id;
	}
	if (dialog_state(d) == DIALOG_SIGNED_IN) {
		who.signed_in = true;
		who.user_id = d->user_id;
		who.roles = d->roles;
	}
	return who;
}

/* NULL when the dialog has as many asks as it may have; then the answer has been given. */
static struct dialog_ask *dialog_start_ask(struct dialog *d, enum dialog_ask_kind kind,
					   uint64_t request, size_t bytes,
					   struct dialog_actions *out)
{
	if (d->ask_count == DIALOG_ASKS_MAX) {
		dialog_say_result(d, request, ERR_BUSY, out);
		return NULL;
	}
	INSIST(out->ask_count < COUNT_OF(out->ask));
	struct dialog_ask *ask = &out->ask[out->ask_count++];
	*ask = (struct dialog_ask){ .ask_id = d->next_ask_id++,
				    .kind = kind,
				    .request = request,
				    .held = d->ask_count > 0,
				    .who = dialog_who(d) };
	d->asks[d->ask_count].ask_id = ask->ask_id;
	d->asks[d->ask_count].request = request;
	d->asks[d->ask_count].kind = kind;
	d->asks[d->ask_count].bytes = bytes;
	d->asks[d->ask_count].user_id = d->user_id;
	d->asks[d->ask_count].scope_version = d->scope_version;
	d->asks[d->ask_count].left = false;
	d->ask_count++;
	d->ask_bytes += bytes;
	return ask;
}

/* The running ask is answered: the next one starts. */
static void dialog_end_ask(struct dialog *d, struct dialog_actions *out)
{
	INSIST(d->ask_count > 0);
	d->ask_bytes -= d->asks[0].bytes;
	d->ask_count--;
	for (size_t i = 0; i < d->ask_count; i++) d->asks[i] = d->asks[i + 1];
	if (d->ask_count > 0) out->start_ask_id = d->asks[0].ask_id;
}

static void dialog_pump_feed(struct dialog *d, struct dialog_actions *out)
{
	if (dialog_state(d) != DIALOG_SIGNED_IN || !feed_take_page_wish(&d->feed)) return;
	INSIST(out->ask_count < COUNT_OF(out->ask));
	struct dialog_ask *ask = &out->ask[out->ask_count++];
	*ask = (struct dialog_ask){ .ask_id = d->next_ask_id++,
				    .kind = ASK_FEED_PAGE,
				    .who = dialog_who(d),
				    .page_after_seq = d->feed.cursor };
	d->page_ask_id = ask->ask_id;
}

/* ---- bad frames -------------------------------------------------------------------------- */

/* True: the conn has been closed for it. */
static bool dialog_count_bad(struct dialog *d, struct dialog_actions *out)
{
	d->metrics->bad_frames++;
	bool full = false;
	struct roster_room *room = dialog_is_room(d) ? dialog_room(d) : NULL;
	if (room != NULL)
		full = roster_room_count_bad(room, d->now_ms);
	else
		full = ++d->bad_unknown >= ROSTER_BAD_FRAMES_MAX;
	if (full) dialog_refuse(d, ROOMKEEP__REFUSE_REASON__BAD_FRAME, out);
	return full;
}

/* A room is told what was wrong; a stranger is shown out at once. */
static void dialog_on_bad_frame(struct dialog *d, uint64_t request, enum err err,
				struct dialog_actions *out)
{
	if (!dialog_is_room(d)) {
		d->metrics->bad_frames++;
		dialog_refuse(d, ROOMKEEP__REFUSE_REASON__BAD_FRAME, out);
		return;
	}
	dialog_say_result(d, request, err, out);
	if (dialog_state(d) != DIALOG_CLOSED) (void)dialog_count_bad(d, out);
}

/* ---- Hello ------------------------------------------------------------------------------- */

static bool dialog_id_fits(protobuf_c_boolean has, ProtobufCBinaryData id)
{
	return !has || id.len == ID_BYTES;
}

static bool dialog_id_is(ProtobufCBinaryData a, const struct id *b)
{
	return view_equal(wire_view(a), id_view(b));
}

/* Which room it is decides its key alone; what Hello says may only agree. */
static Roomkeep__RefuseReason dialog_judge_hello(const struct dialog *d, const Roomkeep__Hello *h,
						 const struct roster_room *room)
{
	if (!h->has_proto_min || !h->has_proto_max || h->proto_min > h->proto_max ||
	    !dialog_id_fits(h->has_clinic_id, h->clinic_id) ||
	    !dialog_id_fits(h->has_room_id, h->room_id) || !dialog_id_fits(h->has_epoch, h->epoch))
		return ROOMKEEP__REFUSE_REASON__BAD_FRAME;
	if (h->proto_max < DIALOG_PROTO_MIN) return ROOMKEEP__REFUSE_REASON__TOO_OLD;
	if (h->proto_min > DIALOG_PROTO_MAX) return ROOMKEEP__REFUSE_REASON__TOO_NEW;
	if (room != NULL && room->state == ROSTER_RETIRED) return ROOMKEEP__REFUSE_REASON__RETIRED;
	if (h->has_clinic_id &&
	    (!d->roster->founded || !dialog_id_is(h->clinic_id, &d->roster->clinic_id)))
		return ROOMKEEP__REFUSE_REASON__WRONG_CLINIC;
	if (room == NULL)
		return h->has_clinic_id ? ROOMKEEP__REFUSE_REASON__NOT_ENROLLED
					: ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN;
	if (h->has_room_id && !dialog_id_is(h->room_id, &room->room_id))
		return ROOMKEEP__REFUSE_REASON__NOT_ENROLLED;
	if (h->has_epoch && !dialog_id_is(h->epoch, &d->roster->epoch))
		return ROOMKEEP__REFUSE_REASON__WRONG_EPOCH;
	return ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN;
}

static void dialog_on_hello(struct dialog *d, uint64_t request, const Roomkeep__Hello *h,
			    uint64_t wall_ms, struct dialog_actions *out)
{
	struct roster_room *room = dialog_room(d);
	const Roomkeep__RefuseReason no = dialog_judge_hello(d, h, room);
	if (no != ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN) {
		dialog_refuse(d, no, out);
		return;
	}
	if (room != NULL) {
		out->close_conn_id = roster_room_connect(room, d->conn_id);
		fsm_move(&d->fsm, DIALOG_COURIER);
	} else {
		fsm_move(&d->fsm, d->roster->founded ? DIALOG_ENROLLING : DIALOG_FOUNDING);
	}
	const uint32_t proto = h->proto_max < DIALOG_PROTO_MAX ? h->proto_max : DIALOG_PROTO_MAX;
	dialog_say_welcome(d, request, h, proto, wall_ms, out);
}

/* ---- sign-in ----------------------------------------------------------------------------- */

static void dialog_on_login_start(struct dialog *d, uint64_t request, const Roomkeep__LoginStart *m,
				  size_t bytes, struct dialog_actions *out)
{
	const size_t handle_len = m->handle == NULL ? 0 : strlen(m->handle);
	if (handle_len == 0 || handle_len > LOGIN_BYTES_MAX || !m->has_cn ||
	    m->cn.len != DIALOG_NONCE_BYTES) {
		dialog_on_bad_frame(d, request, ERR_BAD_VALUE, out);
		return;
	}
	struct dialog_ask *ask = dialog_start_ask(d, ASK_LOGIN_START, request, bytes, out);
	if (ask == NULL) return;
	struct dialog_challenge *c = &d->challenge;
	*c = (struct dialog_challenge){ .handle_len = handle_len };
	memcpy(c->handle, m->handle, handle_len);
	memcpy(c->cn, m->cn.data, sizeof(c->cn));
	rand_fill(&d->rand, c->sn, sizeof(c->sn));
	ask->challenge = *c;
}

/* One proof per challenge, whatever comes of it. */
static void dialog_on_login_proof(struct dialog *d, uint64_t request, const Roomkeep__LoginProof *m,
				  size_t bytes, struct dialog_actions *out)
{
	const bool open = d->challenge.open && d->now_ms < d->challenge.expires_ms;
	d->challenge.open = false;
	if (!m->has_sig || m->sig.len != ROSTER_SIG_BYTES) {
		dialog_on_bad_frame(d, request, ERR_BAD_FORMAT, out);
		return;
	}
	if (!open) {
		dialog_say_result(d, request, ERR_EXPIRED, out);
		return;
	}
	struct dialog_ask *ask = dialog_start_ask(d, ASK_LOGIN_PROOF, request, bytes, out);
	if (ask == NULL) return;
	ask->challenge = d->challenge;
	d->login_from_ms = d->now_ms;
}

static void dialog_on_logout(struct dialog *d, uint64_t request, size_t bytes,
			     struct dialog_actions *out)
{
	const bool was_in = dialog_state(d) == DIALOG_SIGNED_IN;
	if (was_in) {
		if (dialog_start_ask(d, ASK_LOGOUT, request, bytes, out) == NULL) return;
		dialog_forget_user(d);
		fsm_move(&d->fsm, DIALOG_COURIER);
		struct roster_room *room = dialog_room(d);
		if (room != NULL) room->user_id = (struct id){ { 0 } };
	}
	/* A proof on its way must not sign anybody in behind his back. */
	for (size_t i = 0; i < d->ask_count; i++) d->asks[i].left = true;
	d->challenge = (struct dialog_challenge){ 0 };
	dialog_say_result(d, request, ERR_OK, out);
}

/* The proof held: from now on it is this person's dialog. */
static bool dialog_sign_in(struct dialog *d, const struct id *user_id, uint64_t wall_ms)
{
	const struct roster_user *user = roster_user(d->roster, user_id);
	struct roster_room *room = dialog_room(d);
	if (dialog_state(d) != DIALOG_COURIER || room == NULL || room->state != ROSTER_ACTIVE ||
	    !roster_user_may_sign_in(d->roster, user_id))
		return false;
	fsm_move(&d->fsm, DIALOG_SIGNED_IN);
	d->user_id = *user_id;
	d->roles = user->roles;
	d->scope_version = roster_scope(d->roster, user, wall_ms);
	room->user_id = *user_id;
	return true;
}

/* ---- feed -------------------------------------------------------------------------------- */

/* What the person may read is something else by now: the feed begins anew under it. */
static void dialog_look_at_scope(struct dialog *d, const struct roster_user *user, uint64_t wall_ms,
				 struct dialog_actions *out)
{
	const uint64_t scope = roster_scope(d->roster, user, wall_ms);
	if (scope == d->scope_version) return;
	d->scope_version = scope;
	if (d->feed.state == FEED_OFF) return;
	feed_stop(&d->feed);
	dialog_say_scope_change(d, wall_ms, out);
}

static void dialog_on_pull(struct dialog *d, uint64_t request, const Roomkeep__Pull *m,
			   uint64_t wall_ms, struct dialog_actions *out)
{
	const uint64_t seq = m->has_seq ? m->seq : 0;
	const uint64_t scope = m->has_scope_version ? m->scope_version : 0;
	if (!dialog_id_fits(m->has_epoch, m->epoch) || (!m->has_epoch && seq != 0)) {
		dialog_on_bad_frame(d, request, ERR_BAD_VALUE, out);
		return;
	}
	if (m->has_epoch && !dialog_id_is(m->epoch, &d->roster->epoch)) {
		dialog_refuse(d, ROOMKEEP__REFUSE_REASON__WRONG_EPOCH, out);
		return;
	}
	if (scope != d->scope_version) {
		feed_stop(&d->feed);
		dialog_say_scope_change(d, wall_ms, out);
		if (scope != 0 || seq != 0) return; /* the room pulls again, from its new cursor */
	}
	/* The room has seen ops that this database does not hold: somebody put back an old one. */
	if (dialog_state(d) != DIALOG_CLOSED && feed_start(&d->feed, seq, d->roster->seq) != ERR_OK)
		dialog_say_result(d, request, ERR_FORK, out);
}

static void dialog_on_feed_ack(struct dialog *d, uint64_t request, const Roomkeep__FeedAck *m,
			       struct dialog_actions *out)
{
	const enum err e = feed_on_ack(&d->feed, m->has_up_to_seq ? m->up_to_seq : 0);
	if (e != ERR_OK) dialog_on_bad_frame(d, request, e, out);
}

/* Directives begin and end, and openings end, by the clock alone: each ping looks. */
static void dialog_on_ping(struct dialog *d, uint64_t request, const struct dialog_event *ev,
			   struct dialog_actions *out)
{
	dialog_say_pong(d, request, ev->frame->ping, ev->wall_ms, out);
	if (dialog_state(d) != DIALOG_SIGNED_IN) return;
	dialog_look_at_scope(d, roster_user(d->roster, &d->user_id), ev->wall_ms, out);
}

/* ---- frames ------------------------------------------------------------------------------ */

static void dialog_on_inline(struct dialog *d, const struct dialog_event *ev,
			     struct dialog_actions *out)
{
	const Roomkeep__Frame *f = ev->frame;
	const uint64_t request = f->has_request ? f->request : 0;
	if (f->body_case == ROOMKEEP__FRAME__BODY_HELLO)
		dialog_on_hello(d, request, f->hello, ev->wall_ms, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_LOGOUT)
		dialog_on_logout(d, request, ev->frame_bytes, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_PULL)
		dialog_on_pull(d, request, f->pull, ev->wall_ms, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_FEED_ACK)
		dialog_on_feed_ack(d, request, f->feed_ack, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_LIST_ROOMS)
		dialog_say_rooms(d, request, ev->wall_ms, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_PING)
		dialog_on_ping(d, request, ev, out);
	else
		INSIST(false); /* every inline rule has its branch */
}

static void dialog_on_asking(struct dialog *d, const struct dialog_rule *rule,
			     const struct dialog_event *ev, struct dialog_actions *out)
{
	const Roomkeep__Frame *f = ev->frame;
	const uint64_t request = f->has_request ? f->request : 0;
	if (rule->ask == ASK_LOGIN_START) {
		dialog_on_login_start(d, request, f->login_start, ev->frame_bytes, out);
		return;
	}
	if (rule->ask == ASK_LOGIN_PROOF) {
		dialog_on_login_proof(d, request, f->login_proof, ev->frame_bytes, out);
		return;
	}
	if (rule->ask == ASK_FOUND_START) {
		if (d->found_start_seen) {
			dialog_on_bad_frame(d, request, ERR_PROTO, out);
			return;
		}
		d->found_start_seen = true;
	}
	struct dialog_ask *ask = dialog_start_ask(d, rule->ask, request, ev->frame_bytes, out);
	if (ask != NULL) ask->denied = rule->roles != 0 && (d->roles & rule->roles) == 0;
}

/* A frame that may not come now. */
static void dialog_on_misplaced(struct dialog *d, const struct dialog_rule *rule, uint64_t request,
				struct dialog_actions *out)
{
	const enum dialog_state s = dialog_state(d);
	if (s == DIALOG_FOUNDING || s == DIALOG_ENROLLING) {
		dialog_refuse(d, ROOMKEEP__REFUSE_REASON__NOT_ENROLLED, out);
		return;
	}
	const bool signed_out = rule != NULL && s == DIALOG_COURIER &&
				(rule->states & FSM_TO(DIALOG_SIGNED_IN)) != 0;
	dialog_on_bad_frame(d, request, signed_out ? ERR_SIGNED_OUT : ERR_PROTO, out);
}

static void dialog_on_frame(struct dialog *d, const struct dialog_event *ev,
			    struct dialog_actions *out)
{
	d->metrics->frames++;
	d->progress_ms = d->now_ms;
	d->frame_by_ms = 0;
	if (ev->frame == NULL) {
		REQUIRE(ev->frame_err != ERR_OK);
		dialog_on_bad_frame(d, 0, ev->frame_err, out);
		return;
	}
	const uint64_t request = ev->frame->has_request ? ev->frame->request : 0;
	const struct dialog_rule *rule = dialog_rule_for(ev->frame->body_case);
	if (rule == NULL || (rule->states & FSM_TO(dialog_state(d))) == 0) {
		dialog_on_misplaced(d, rule, request, out);
		return;
	}
	if (ev->frame_bytes > rule->bytes_max) {
		dialog_on_bad_frame(d, request, ERR_TOO_BIG, out);
		return;
	}
	if (rule->answer == DIALOG_INLINE)
		dialog_on_inline(d, ev, out);
	else
		dialog_on_asking(d, rule, ev, out);
}

/* ---- what comes of asks ------------------------------------------------------------------ */

static void dialog_send_bytes(struct dialog *d, struct view bytes, struct dialog_actions *out)
{
	if (buf_append(&out->send, bytes) != ERR_OK) dialog_drop(d, out);
}

/* A failed sign-in is answered 250 ms after its proof came, whatever the reason (SECURITY 2.7).
 * Its ask counts as running until then, so that nothing overtakes it. */
static void dialog_answer_late(struct dialog *d, const struct dialog_done *done,
			       struct dialog_actions *out)
{
	d->metrics->login_failures++;
	const uint64_t at_ms = d->login_from_ms + LOGIN_FAIL_MS_MIN;
	if (d->now_ms >= at_ms) {
		dialog_send_bytes(d, done->reply, out);
		dialog_end_ask(d, out);
		return;
	}
	buf_clear(&d->late);
	if (buf_append(&d->late, done->reply) != ERR_OK) {
		dialog_drop(d, out);
		return;
	}
	d->late_at_ms = at_ms;
}

static void dialog_on_login_done(struct dialog *d, const struct dialog_done *done, uint64_t wall_ms,
				 struct dialog_actions *out)
{
	if (done->err == ERR_OK && !d->asks[0].left && dialog_sign_in(d, &done->user_id, wall_ms)) {
		dialog_send_bytes(d, done->reply, out);
		dialog_end_ask(d, out);
		return;
	}
	if (done->err != ERR_OK) {
		dialog_answer_late(d, done, out);
		return;
	}
	/* Blocked, retired or signed out while the proof was looked at: the keyring stays here. */
	dialog_say_result(d, d->asks[0].request, ERR_AUTH, out);
	dialog_end_ask(d, out);
}

/* A machine that was let in becomes a room; one that sent its proof twice is one already. */
static void dialog_on_joined(struct dialog *d, struct dialog_actions *out)
{
	if (dialog_is_room(d)) return;
	struct roster_room *room = dialog_room(d);
	if (room == NULL || room->state != ROSTER_ACTIVE) {
		dialog_refuse(d, ROOMKEEP__REFUSE_REASON__NOT_ENROLLED, out);
		return;
	}
	out->close_conn_id = roster_room_connect(room, d->conn_id);
	fsm_move(&d->fsm, DIALOG_COURIER);
}

static void dialog_on_page(struct dialog *d, const struct dialog_done *done, uint64_t wall_ms,
			   struct dialog_actions *out)
{
	d->page_ask_id = 0;
	if (dialog_state(d) != DIALOG_SIGNED_IN) return;
	if (done->err != ERR_OK || done->page == NULL) {
		dialog_drop(d, out); /* the store cannot be read: the room comes back later */
		return;
	}
	const struct feed_eyes eyes = dialog_eyes(d, wall_ms);
	if (feed_on_page(&d->feed, &eyes, done->page, &out->send) != ERR_OK) dialog_drop(d, out);
}

/* A fetched page was read for a person who has left since, or with rights that have changed: access
 * is decided when it is sent (SECURITY 3.4). */
static bool dialog_answer_is_stale(const struct dialog *d)
{
	if (d->asks[0].kind != ASK_FETCH) return false;
	return dialog_state(d) != DIALOG_SIGNED_IN || !id_equal(&d->asks[0].user_id, &d->user_id) ||
	       d->asks[0].scope_version != d->scope_version;
}

static void dialog_on_ask_done(struct dialog *d, const struct dialog_event *ev,
			       struct dialog_actions *out)
{
	const struct dialog_done *done = ev->done;
	if (done->ask_id == d->page_ask_id) {
		dialog_on_page(d, done, ev->wall_ms, out);
		return;
	}
	if (d->ask_count == 0 || d->asks[0].ask_id != done->ask_id) return; /* an old feed page */
	d->progress_ms = d->now_ms;
	if (done->refuse) {
		dialog_refuse(d, done->reason, out);
		return;
	}
	const enum dialog_ask_kind kind = d->asks[0].kind;
	if (kind == ASK_LOGIN_PROOF) {
		dialog_on_login_done(d, done, ev->wall_ms, out);
		return;
	}
	if (kind == ASK_LOGIN_START && done->err == ERR_OK) {
		d->challenge.user_id = done->user_id;
		d->challenge.open = true;
		d->challenge.expires_ms = d->now_ms + LOGIN_CHALLENGE_MS;
	}
	if (dialog_answer_is_stale(d))
		dialog_say_result(d, d->asks[0].request, ERR_SIGNED_OUT, out);
	else
		dialog_send_bytes(d, done->reply, out);
	if ((kind == ASK_FOUND || kind == ASK_ENROL_PROOF) && done->err == ERR_OK &&
	    dialog_state(d) != DIALOG_CLOSED)
		dialog_on_joined(d, out);
	if (dialog_state(d) != DIALOG_CLOSED && done->bad && dialog_count_bad(d, out)) return;
	if (dialog_state(d) != DIALOG_CLOSED) dialog_end_ask(d, out);
}

/* ---- other events ------------------------------------------------------------------------ */

static void dialog_on_published(struct dialog *d, const struct dialog_event *ev,
				struct dialog_actions *out)
{
	if (dialog_state(d) != DIALOG_SIGNED_IN) return;
	const struct feed_eyes eyes = dialog_eyes(d, ev->wall_ms);
	if (feed_on_published(&d->feed, &eyes, ev->page, &out->send) != ERR_OK) dialog_drop(d, out);
}

static void dialog_on_roster_user(struct dialog *d, uint64_t wall_ms, struct dialog_actions *out)
{
	if (!roster_user_may_sign_in(d->roster, &d->user_id)) {
		/* The keys may still be in that room's memory; here they open nothing any more. */
		dialog_say_result(d, 0, ERR_SIGNED_OUT, out);
		dialog_drop(d, out);
		return;
	}
	const struct roster_user *user = roster_user(d->roster, &d->user_id);
	d->roles = user->roles;
	dialog_look_at_scope(d, user, wall_ms, out);
}

static void dialog_on_roster(struct dialog *d, uint64_t wall_ms, struct dialog_actions *out)
{
	const struct roster_room *room = dialog_room(d);
	switch (dialog_state(d)) {
	case DIALOG_FOUNDING:
		if (d->roster->founded && room == NULL) fsm_move(&d->fsm, DIALOG_ENROLLING);
		return;
	case DIALOG_COURIER:
	case DIALOG_SIGNED_IN:
		if (room == NULL || room->state != ROSTER_ACTIVE)
			dialog_refuse(d, ROOMKEEP__REFUSE_REASON__RETIRED, out);
		else if (dialog_state(d) == DIALOG_SIGNED_IN)
			dialog_on_roster_user(d, wall_ms, out);
		return;
	case DIALOG_CONNECTED:
	case DIALOG_ENROLLING:
	case DIALOG_CLOSED: return;
	}
}

static uint64_t dialog_stall_ms(const struct dialog *d)
{
	if (d->ask_count > 0) return UINT64_MAX; /* it waits for us, not we for it */
	return d->progress_ms + STALLED_MS_MAX;
}

static void dialog_on_tick(struct dialog *d, struct dialog_actions *out)
{
	if (d->late_at_ms != 0 && d->now_ms >= d->late_at_ms) {
		d->late_at_ms = 0;
		dialog_send_bytes(d, buf_view(&d->late), out);
		buf_clear(&d->late);
		if (dialog_state(d) == DIALOG_CLOSED) return;
		d->progress_ms = d->now_ms;
		dialog_end_ask(d, out);
	}
	const bool mute = dialog_state(d) == DIALOG_CONNECTED && d->now_ms >= d->hello_by_ms;
	const bool drips = d->frame_by_ms != 0 && d->now_ms >= d->frame_by_ms;
	if (mute || drips || d->now_ms >= dialog_stall_ms(d))
		dialog_refuse(d, ROOMKEEP__REFUSE_REASON__STALLED, out);
}

uint64_t dialog_deadline_ms(const struct dialog *d)
{
	if (dialog_state(d) == DIALOG_CLOSED) return UINT64_MAX;
	uint64_t at_ms = dialog_stall_ms(d);
	if (dialog_state(d) == DIALOG_CONNECTED && d->hello_by_ms < at_ms) at_ms = d->hello_by_ms;
	if (d->late_at_ms != 0 && d->late_at_ms < at_ms) at_ms = d->late_at_ms;
	if (d->frame_by_ms != 0 && d->frame_by_ms < at_ms) at_ms = d->frame_by_ms;
	return at_ms;
}

size_t dialog_frame_bytes_max(const struct dialog *d)
{
	switch (dialog_state(d)) {
	case DIALOG_FOUNDING: return FOUND_BYTES_MAX;
	case DIALOG_COURIER:
	case DIALOG_SIGNED_IN: return FRAME_BODY_BYTES_MAX;
	case DIALOG_CONNECTED:
	case DIALOG_ENROLLING:
	case DIALOG_CLOSED: break;
	}
	return HELLO_BYTES_MAX;
}

bool dialog_may_read(const struct dialog *d)
{
	return dialog_state(d) != DIALOG_CLOSED && d->ask_count < DIALOG_ASKS_MAX &&
	       d->ask_bytes < UNACKED_BYTES_MAX;
}

/* ---- life -------------------------------------------------------------------------------- */

void dialog_init(struct dialog *d, struct roster *roster, struct rand_source rand,
		 struct dialog_metrics *metrics, uint64_t conn_id, const struct dialog_peer *peer,
		 uint64_t now_ms)
{
	REQUIRE(conn_id != 0);
	REQUIRE(metrics != NULL);
	*d = (struct dialog){ .roster = roster,
			      .rand = rand,
			      .metrics = metrics,
			      .conn_id = conn_id,
			      .peer = *peer,
			      .hello_by_ms = now_ms + FIRST_FRAME_MS_MAX,
			      .progress_ms = now_ms,
			      .now_ms = now_ms,
			      .next_ask_id = 1 };
	fsm_init(&d->fsm, dialog_states, DIALOG_STATES, DIALOG_CONNECTED);
	feed_init(&d->feed);
}

void dialog_fini(struct dialog *d)
{
	dialog_leave(d);
	buf_fini(&d->late);
}

void dialog_actions_init(struct dialog_actions *out)
{
	*out = (struct dialog_actions){ 0 };
}

void dialog_actions_fini(struct dialog_actions *out)
{
	buf_fini(&out->send);
	dialog_actions_init(out);
}

static void dialog_actions_clear(struct dialog_actions *out)
{
	struct buf send = out->send;
	buf_clear(&send);
	*out = (struct dialog_actions){ .send = send };
}

void dialog_step(struct dialog *d, uint64_t now_ms, const struct dialog_event *ev,
		 struct dialog_actions *out)
{
	REQUIRE(dialog_state(d) != DIALOG_CLOSED);
	REQUIRE(now_ms >= d->now_ms);
	d->now_ms = now_ms;
	dialog_actions_clear(out);
	switch (ev->type) {
	case DIALOG_EV_FRAME: dialog_on_frame(d, ev, out); break;
	case DIALOG_EV_BEGUN:
		/* From its first byte on: those that drip in behind it do not buy time. */
		if (d->frame_by_ms == 0) d->frame_by_ms = now_ms + FRAME_MS_MAX;
		break;
	case DIALOG_EV_TOO_BIG:
		d->metrics->bad_frames++;
		dialog_refuse(d, ROOMKEEP__REFUSE_REASON__FRAME_TOO_BIG, out);
		break;
	case DIALOG_EV_ASK_DONE: dialog_on_ask_done(d, ev, out); break;
	case DIALOG_EV_PUBLISHED: dialog_on_published(d, ev, out); break;
	case DIALOG_EV_ROSTER: dialog_on_roster(d, ev->wall_ms, out); break;
	case DIALOG_EV_REPLACED: dialog_refuse(d, ROOMKEEP__REFUSE_REASON__TOO_MANY, out); break;
	case DIALOG_EV_TICK: dialog_on_tick(d, out); break;
	case DIALOG_EV_SHUTDOWN:
		dialog_refuse(d, ROOMKEEP__REFUSE_REASON__SHUTTING_DOWN, out);
		break;
	case DIALOG_EV_LOST: dialog_drop(d, out); break;
	}
	if (dialog_state(d) == DIALOG_CLOSED) {
		INSIST(out->close);
		out->ask_count = 0; /* nobody is left to hear the answer */
		out->start_ask_id = 0;
		return;
	}
	dialog_pump_feed(d, out);
	INSIST(dialog_invariant(d));
}
