/* sync: events are told apart here; the parts of the talk are in sync_person, sync_flow,
 * sync_request. */
#include "client/core/sync_state.h"

#include "base/check.h"
#include "wire/op.h"

#include <stdlib.h>

static const struct fsm_state sync_states[SYNC_STATE_COUNT] = {
	[SYNC_OFFLINE] = { "offline", FSM_TO(SYNC_DIALING), FSM_INITIAL },
	[SYNC_DIALING] = { "dialing",
			   FSM_TO(SYNC_HELLO) | FSM_TO(SYNC_OFFLINE) | FSM_TO(SYNC_CLOSING), 0 },
	[SYNC_HELLO] = { "hello", FSM_TO(SYNC_CHECK) | FSM_TO(SYNC_OFFLINE) | FSM_TO(SYNC_CLOSING),
			 0 },
	[SYNC_CHECK] = { "check",
			 FSM_TO(SYNC_COURIER) | FSM_TO(SYNC_OFFLINE) | FSM_TO(SYNC_CLOSING), 0 },
	[SYNC_COURIER] = { "courier",
			   FSM_TO(SYNC_LOGIN) | FSM_TO(SYNC_SIGNED_IN) | FSM_TO(SYNC_LEAVING) |
				   FSM_TO(SYNC_OFFLINE) | FSM_TO(SYNC_CLOSING),
			   0 },
	[SYNC_LOGIN] = { "login",
			 FSM_TO(SYNC_SIGNED_IN) | FSM_TO(SYNC_COURIER) | FSM_TO(SYNC_OFFLINE) |
				 FSM_TO(SYNC_CLOSING),
			 0 },
	[SYNC_SIGNED_IN] = { "signed_in",
			     FSM_TO(SYNC_LEAVING) | FSM_TO(SYNC_OFFLINE) | FSM_TO(SYNC_CLOSING),
			     0 },
	[SYNC_LEAVING] = { "leaving",
			   FSM_TO(SYNC_COURIER) | FSM_TO(SYNC_OFFLINE) | FSM_TO(SYNC_CLOSING), 0 },
	[SYNC_CLOSING] = { "closing", FSM_TO(SYNC_OFFLINE), 0 },
};

const char *sync_link_name(enum sync_link link)
{
	switch (link) {
	case SYNC_LINK_OFFLINE: return "offline";
	case SYNC_LINK_ONLINE: return "online";
	case SYNC_LINK_REFUSED: return "refused";
	}
	return "offline";
}

const char *sync_reason_name(enum sync_reason reason)
{
	switch (reason) {
	case SYNC_REASON_NONE: return "none";
	case SYNC_REASON_TOO_OLD: return "too_old";
	case SYNC_REASON_TOO_NEW: return "too_new";
	case SYNC_REASON_WRONG_CLINIC: return "wrong_clinic";
	case SYNC_REASON_NOT_ENROLLED: return "not_enrolled";
	case SYNC_REASON_RETIRED: return "retired";
	case SYNC_REASON_WRONG_EPOCH: return "wrong_epoch";
	case SYNC_REASON_FOREIGN_SERVER: return "foreign_server";
	case SYNC_REASON_BAD_DIRECTORY: return "bad_directory";
	case SYNC_REASON_BAD_RECORD: return "bad_record";
	}
	return "none";
}

/* ---- life ------------------------------------------------------------------------------------ */

enum err sync_new(const struct sync_config *config, uint64_t now_ms, struct sync **ret)
{
	struct sync *s = calloc(1, sizeof(*s));
	ENSURE(s != NULL, ERR_NOMEM);
	s->config = *config;
	const char *build = config->build != NULL ? config->build : "";
	const size_t len = strnlen(build, sizeof(s->build) - 1);
	memcpy(s->build, build, len);
	s->config.build = s->build;
	fsm_init(&s->fsm, sync_states, SYNC_STATE_COUNT, SYNC_OFFLINE);
	arena_init(&s->arena, FRAME_PARSE_BYTES_MAX);
	s->now_ms = now_ms;
	s->dial_ms = now_ms;
	s->next_ask = 1;
	s->next_number = 1;
	s->wait_ms = s->dir_wait_ms = UINT64_MAX;
	sync_flow_reset(s);
	*ret = s;
	return ERR_OK;
}

void sync_free(struct sync *s)
{
	if (s == NULL) return;
	sync_feed_drop(s);
	sync_request_fini(s);
	buf_fini(&s->login_ok);
	buf_fini(&s->scope);
	arena_fini(&s->arena);
	free(s);
}

void sync_freep(struct sync **s)
{
	sync_free(*s);
	*s = NULL;
}

enum sync_state sync_state_now(const struct sync *s)
{
	return (enum sync_state)s->fsm.now;
}

enum sync_link sync_link_now(const struct sync *s)
{
	return s->link;
}

enum sync_reason sync_reason_now(const struct sync *s)
{
	return s->reason;
}

bool sync_is_quiet(const struct sync *s)
{
	return s->batch == SYNC_BATCH_IDLE && !s->outbox_more && s->feed_count == 0 &&
	       s->feed_ask == 0 && s->queued == 0;
}

bool sync_is_live(const struct sync *s)
{
	return s->live;
}

const struct sync_conn *sync_conn_now(const struct sync *s)
{
	return &s->conn;
}

const struct sync_stats *sync_stats(const struct sync *s)
{
	return &s->stats;
}

/* ---- the link -------------------------------------------------------------------------------- */

static void sync_on_link_up(struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	if (s->fsm.now != SYNC_DIALING) return; /* closed meanwhile: LINK_DOWN follows */
	fsm_move(&s->fsm, SYNC_HELLO);
	s->conn = ev->conn;
	s->conn.serial = ++s->next_serial;
	s->next_number = 1;
	s->byte_ms = s->now_ms;
	s->ping_ms = s->now_ms + PING_MS;
	s->up_ms = 0;
	s->number = sync_send_hello(s, out);
}

static uint64_t sync_retry_ms(struct sync *s)
{
	/* Somebody who works here wants to see the others' work: as urgent as an own outbox. */
	const bool busy = !s->queued_known || s->queued > 0 || s->have_person;
	uint64_t cap = busy ? RETRY_MS_MAX_BUSY : RETRY_MS_IDLE;
	uint64_t ms = RETRY_MS_MIN << (s->failures < 16 ? s->failures : 16);
	if (s->refused) ms = cap = RETRY_MS_IDLE;
	if (ms > cap) ms = cap;
	return ms / 2 + rand_below(&s->config.rand, ms / 2 + 1);
}

static void sync_forget_conn(struct sync *s)
{
	s->conn = (struct sync_conn){ 0 };
	s->server_knows = false;
	s->login_step = SYNC_LOGIN_NONE;
	s->number = s->ping_number = s->pull_number = s->dir_number = 0;
	s->wait_ms = s->dir_wait_ms = UINT64_MAX;
	s->check_ask = s->dir_ask = 0;
	s->dir_wants = s->dir_serves = 0;
	buf_clear(&s->login_ok);
	buf_clear(&s->scope);
	sync_flow_reset(s);
}

static void sync_on_link_down(struct sync *s, enum err err, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_OFFLINE) return;
	fsm_move(&s->fsm, SYNC_OFFLINE);
	const bool was_up = s->up_ms != 0;
	const bool steady = was_up && s->now_ms - s->up_ms >= SYNC_STEADY_MS;
	if (was_up && (steady || !s->bad)) s->failures = 0;
	if (err == ERR_REFUSED) {
		s->refused = true;
		sync_set_link(s, SYNC_LINK_REFUSED, SYNC_REASON_FOREIGN_SERVER, out);
	} else if (s->link == SYNC_LINK_ONLINE || !s->refused) {
		sync_set_link(s, SYNC_LINK_OFFLINE, SYNC_REASON_NONE, out);
	}
	s->dial_ms = s->redial ? s->now_ms : s->now_ms + sync_retry_ms(s);
	if (s->failures < UINT32_MAX) s->failures++;
	/* A try that went nowhere tells everybody who waited for it; a working link that broke
	 * tells those whose frame was on it, the others wait for the next one. */
	sync_request_fail(s, was_up || s->redial, false, ERR_OFFLINE, out);
	s->redial = false;
	s->refused = false;
	s->bad = false;
	s->up_ms = 0;
	sync_forget_conn(s);
}

static void sync_dial(struct sync *s, struct sync_actions *out)
{
	fsm_move(&s->fsm, SYNC_DIALING);
	s->byte_ms = s->now_ms;
	s->stats.dials++;
	(void)sync_act(out, SYNC_ACT_DIAL);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void sync_on_refuse(struct sync *s, const Roomkeep__Refuse *r, struct sync_actions *out)
{
	switch (r->reason) {
	case ROOMKEEP__REFUSE_REASON__TOO_OLD: sync_refuse(s, SYNC_REASON_TOO_OLD, out); return;
	case ROOMKEEP__REFUSE_REASON__TOO_NEW: sync_refuse(s, SYNC_REASON_TOO_NEW, out); return;
	case ROOMKEEP__REFUSE_REASON__WRONG_CLINIC:
		sync_refuse(s, SYNC_REASON_WRONG_CLINIC, out);
		return;
	case ROOMKEEP__REFUSE_REASON__NOT_ENROLLED:
		sync_refuse(s, SYNC_REASON_NOT_ENROLLED, out);
		return;
	case ROOMKEEP__REFUSE_REASON__RETIRED: sync_refuse(s, SYNC_REASON_RETIRED, out); return;
	case ROOMKEEP__REFUSE_REASON__WRONG_EPOCH:
		sync_refuse(s, SYNC_REASON_WRONG_EPOCH, out);
		return;
	case ROOMKEEP__REFUSE_REASON__BAD_FRAME:
	case ROOMKEEP__REFUSE_REASON__FRAME_TOO_BIG:
		s->bad =
			true; /* our frame; the same talk again would end the same way: slow down */
		break;
	case ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN:
	case ROOMKEEP__REFUSE_REASON__TOO_MANY:
	case ROOMKEEP__REFUSE_REASON__STALLED:
	case ROOMKEEP__REFUSE_REASON__SHUTTING_DOWN:
	case _ROOMKEEP__REFUSE_REASON_IS_INT_SIZE: break;
	}
	sync_close(s, out);
}

static void sync_on_welcome(struct sync *s, const Roomkeep__Welcome *w, struct view body,
			    struct sync_actions *out)
{
	if (!w->has_proto || w->proto < SYNC_PROTO_MIN || w->proto > SYNC_PROTO_MAX) {
		sync_refuse(s, SYNC_REASON_TOO_NEW, out);
		return;
	}
	if (!w->enrolled) {
		sync_refuse(s, SYNC_REASON_NOT_ENROLLED, out);
		return;
	}
	fsm_move(&s->fsm, SYNC_CHECK);
	s->number = 0;
	s->backed_up_seq = w->backed_up_seq;
	s->accounts_heard = w->accounts;
	s->check_ask = sync_ask(s, SYNC_ASK_WELCOME, body, 0, out);
}

static void sync_on_pong(struct sync *s, const Roomkeep__Frame *f, struct view body,
			 struct sync_actions *out)
{
	s->ping_number = 0;
	if (f->body_case != ROOMKEEP__FRAME__BODY_PONG) {
		sync_bad_frame(s, out);
		return;
	}
	if (f->pong->backed_up_seq > s->backed_up_seq) {
		s->backed_up_seq = f->pong->backed_up_seq;
		(void)sync_ask(s, SYNC_ASK_BACKED_UP, VIEW_EMPTY, s->backed_up_seq, out);
	}
	if (!sync_is_up(s)) return; /* the Welcome comes first */
	/* Somebody was disabled or added while nobody is signed in here: an offline sign-in will
	 * ask our directory, not the server's. */
	if (f->pong->dir_seq > s->dir_seq) sync_dir_want(s, SYNC_DIR_NEWS, out);
	if (f->pong->accounts != s->accounts) {
		s->accounts = f->pong->accounts;
		(void)sync_ask(s, SYNC_ASK_ACCOUNTS, body, 0, out);
	}
}

static void sync_on_scope(struct sync *s, struct view body, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_LEAVING) return;
	if (s->fsm.now != SYNC_SIGNED_IN) {
		sync_bad_frame(s, out);
		return;
	}
	/* The first one tells the version that goes with the feed from the beginning that has
	 * begun; every other one ends the feed, which comes again under the new scope. Either may
	 * rest on an entry that came after our directory was read: what comes is stored once we
	 * know what the person may read, or it would be left out for good. */
	s->scope_pulls = !s->pull_fresh;
	s->pull_fresh = false;
	if (s->scope_pulls) {
		sync_feed_drop(s);
		s->live = false;
	}
	buf_clear(&s->scope);
	if (buf_append(&s->scope, body) != ERR_OK)
		sync_close(s, out);
	else
		sync_dir_want(s, SYNC_DIR_SCOPE, out);
}

/* The server's own trouble must not be taken for this room's, whose process ends when its disk
 * fails (SECURITY 3.3): to us such a server is one that cannot be used now. */
static enum err sync_result_err(const Roomkeep__Result *r)
{
	const enum err e = err_from_wire(r->code);
	switch ((int)e) {
	case ERR_IO:
	case ERR_DISK_FULL:
	case ERR_STORE:
	case ERR_CORRUPT:
	case ERR_NOMEM:
	case ERR_BUG: return ERR_OFFLINE;
	default: return e;
	}
}

static void sync_on_user_reply(struct sync *s, struct sync_waiting *w, const Roomkeep__Frame *f,
			       struct view body, struct sync_actions *out)
{
	if (f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK) {
		/* Before a verb may trust who this is, the directory has to be as new as the
		 * server's. */
		s->server_knows = true;
		s->verb_ms = s->now_ms + SYNC_VERB_MS;
		w->held = true;
		buf_clear(&w->bytes);
		if (buf_append(&w->bytes, body) != ERR_OK)
			sync_close(s, out);
		else
			sync_dir_want(s, SYNC_DIR_USER, out);
		return;
	}
	enum err e = ERR_OK;
	if (f->body_case == ROOMKEEP__FRAME__BODY_RESULT) e = sync_result_err(f->result);
	sync_request_reply(s, w, e, body, out);
}

static void sync_on_own_reply(struct sync *s, const Roomkeep__Frame *f, struct view body,
			      struct sync_actions *out)
{
	if (s->fsm.now == SYNC_LOGIN) {
		sync_login_on_frame(s, f, body, out);
		return;
	}
	if (s->fsm.now == SYNC_LEAVING && f->body_case == ROOMKEEP__FRAME__BODY_RESULT) {
		s->server_knows = false;
		sync_enter_courier(s, out);
		return;
	}
	sync_bad_frame(s, out);
}

static void sync_on_late_reply(struct sync *s, const Roomkeep__Frame *f, struct sync_actions *out)
{
	s->stats.late_replies++;
	if (f->body_case != ROOMKEEP__FRAME__BODY_LOGIN_OK) return;
	s->redial = true; /* signed in on a connection where nobody waits for it any more */
	sync_close(s, out);
}

static void sync_on_pull_refused(struct sync *s, enum err e, struct sync_actions *out)
{
	if (e == ERR_OK) return;
	/* It holds less than this room has seen of it: an old copy was put back. */
	if (e == ERR_FORK)
		sync_refuse(s, SYNC_REASON_WRONG_EPOCH, out);
	else
		sync_close(s, out);
}

/* A Result to no request: the person was blocked, or a frame of ours could not be read. */
static void sync_on_notice(struct sync *s, const Roomkeep__Frame *f, struct sync_actions *out)
{
	const bool blocked = f->body_case == ROOMKEEP__FRAME__BODY_RESULT &&
			     err_from_wire(f->result->code) == ERR_SIGNED_OUT;
	if (blocked)
		sync_close(s, out); /* signing in again will tell */
	else
		sync_bad_frame(s, out);
}

static void sync_on_reply(struct sync *s, uint64_t n, const Roomkeep__Frame *f, struct view body,
			  struct sync_actions *out)
{
	struct sync_waiting *w = sync_request_find(s, n);
	if (n == s->batch_number)
		sync_outbox_on_reply(s, f, body, out);
	else if (n == s->ping_number)
		sync_on_pong(s, f, body, out);
	else if (n == s->number)
		sync_on_own_reply(s, f, body, out);
	else if (w != NULL)
		sync_on_user_reply(s, w, f, body, out);
	else if (n == s->dir_number) {
		if (f->body_case == ROOMKEEP__FRAME__BODY_DIRECTORY)
			sync_dir_on_frame(s, body, out);
		else
			sync_bad_frame(s, out);
	} else if (n == s->pull_number && f->body_case == ROOMKEEP__FRAME__BODY_RESULT) {
		sync_on_pull_refused(s, err_from_wire(f->result->code), out);
	} else {
		sync_on_late_reply(s, f, out);
	}
}

static bool sync_server_may_send(const struct sync *s, const Roomkeep__Frame *f, uint64_t n)
{
	if (f->body_case < ROOMKEEP__FRAME__BODY_WELCOME || n >= s->next_number) return false;
	if (f->body_case == ROOMKEEP__FRAME__BODY_REFUSE) return true;
	const bool welcome = f->body_case == ROOMKEEP__FRAME__BODY_WELCOME;
	return welcome == (s->fsm.now == SYNC_HELLO);
}

static void sync_on_frame(struct sync *s, struct view body, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_OFFLINE || s->fsm.now == SYNC_DIALING || s->fsm.now == SYNC_CLOSING)
		return;
	s->byte_ms = s->now_ms;
	s->stats.frames_in++;
	Roomkeep__Frame *f = NULL;
	if (frame_decode(&s->arena, body, &f) != ERR_OK) {
		sync_bad_frame(s, out);
		return;
	}
	const uint64_t n = f->has_request ? f->request : 0;
	if (!sync_server_may_send(s, f, n)) {
		sync_bad_frame(s, out);
		return;
	}
	if (f->body_case == ROOMKEEP__FRAME__BODY_REFUSE)
		sync_on_refuse(s, f->refuse, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_WELCOME)
		sync_on_welcome(s, f->welcome, body, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_FEED)
		sync_feed_on_frame(s, f->feed, body, out);
	else if (f->body_case == ROOMKEEP__FRAME__BODY_SCOPE_CHANGE)
		sync_on_scope(s, body, out);
	else if (n == 0)
		sync_on_notice(s, f, out);
	else
		sync_on_reply(s, n, f, body, out);
}

/* ---- results of the desk --------------------------------------------------------------------- */

static void sync_on_welcome_result(struct sync *s, const struct sync_result *r,
				   struct sync_actions *out)
{
	if (s->fsm.now != SYNC_CHECK) return;
	if (r->err != ERR_OK) {
		if (r->reason != SYNC_REASON_NONE)
			sync_refuse(s, r->reason, out);
		else
			sync_close(s, out);
		return;
	}
	s->dir_seq = r->dir_seq;
	s->accounts = s->accounts_heard;
	s->queued = r->queued;
	s->queued_known = true;
	if (r->again)
		sync_dir_want(s, SYNC_DIR_WELCOME, out);
	else
		sync_enter_courier(s, out);
}

static void sync_on_desk(struct sync *s, struct sync_result *r, struct sync_actions *out)
{
	if (r->id == 0) return;
	if (r->id == s->batch_ask) {
		sync_outbox_on_result(s, r, out);
	} else if (r->id == s->feed_ask) {
		sync_feed_on_result(s, r, out);
	} else if (r->id == s->dir_ask) {
		sync_dir_on_result(s, r, out);
	} else if (r->id == s->check_ask) {
		s->check_ask = 0;
		if (r->type == SYNC_ASK_WELCOME)
			sync_on_welcome_result(s, r, out);
		else
			sync_login_on_result(s, r, out);
	}
	/* Others are about a connection or a person that is gone. */
}

/* ---- time ------------------------------------------------------------------------------------ */

/* The server knows somebody by a verb's sign-in; the person's keys are not in the room yet. */
static bool sync_awaits_verb(const struct sync *s)
{
	return s->fsm.now == SYNC_COURIER && s->server_knows;
}

static void sync_tick_link(struct sync *s, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_OFFLINE) {
		if (s->now_ms >= s->dial_ms) sync_dial(s, out);
		return;
	}
	if (s->fsm.now == SYNC_CLOSING) return;
	const uint64_t silent_ms = s->now_ms - s->byte_ms;
	const uint64_t silent_max = s->fsm.now == SYNC_DIALING ? HANDSHAKE_MS_MAX : OFFLINE_MS;
	if (silent_ms >= silent_max || s->now_ms >= s->wait_ms || s->now_ms >= s->dir_wait_ms ||
	    s->now_ms >= s->batch_wait_ms || (sync_awaits_verb(s) && s->now_ms >= s->verb_ms)) {
		sync_close(s, out);
		return;
	}
	if (s->now_ms < s->ping_ms || s->fsm.now == SYNC_DIALING || s->fsm.now == SYNC_HELLO)
		return;
	s->ping_ms = s->now_ms + PING_MS;
	if (s->ping_number == 0) {
		s->ping_number = sync_send_empty(s, ROOMKEEP__FRAME__BODY_PING, out);
	}
}

/* After every event: what has become possible. */
static void sync_pump(struct sync *s, struct sync_actions *out)
{
	sync_request_expire(s, out);
	sync_tick_link(s, out);
	if (s->fsm.now == SYNC_COURIER && s->have_person && !s->server_knows &&
	    s->now_ms >= s->login_ms) {
		sync_login_start(s, out);
	}
	sync_request_send(s, out);
	sync_outbox_pump(s, out);
	sync_feed_pump(s, out);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t sync_deadline_ms(const struct sync *s)
{
	uint64_t at = sync_request_deadline(s);
	if (s->fsm.now == SYNC_OFFLINE) return min_u64(at, s->dial_ms);
	if (s->fsm.now == SYNC_CLOSING) return at;
	if (s->fsm.now == SYNC_DIALING) return min_u64(at, s->byte_ms + HANDSHAKE_MS_MAX);
	at = min_u64(at, s->byte_ms + OFFLINE_MS);
	if (s->fsm.now == SYNC_HELLO) return at;
	at = min_u64(at, s->ping_ms);
	at = min_u64(at, min_u64(s->wait_ms, min_u64(s->dir_wait_ms, s->batch_wait_ms)));
	if (sync_awaits_verb(s))
		at = min_u64(at, s->verb_ms);
	else if (s->fsm.now == SYNC_COURIER && s->have_person)
		at = min_u64(at, s->login_ms);
	if (s->outbox_more && s->batch == SYNC_BATCH_IDLE && s->batch_ms > s->now_ms) {
		at = min_u64(at, s->batch_ms);
	}
	if (s->feed_count > 0 && s->feed_ask == 0 && s->feed_ms > s->now_ms)
		at = min_u64(at, s->feed_ms);
	return at;
}

/* ---- step ------------------------------------------------------------------------------------ */

static void sync_on_outbox(struct sync *s)
{
	s->outbox_more = true;
	s->outbox_news = true;
	s->courier_turn = false;
	if (!s->queued_known || s->queued == 0) {
		s->queued = 1; /* at least; the desk's next answer counts */
		s->queued_known = true;
	}
	const uint64_t latest = s->now_ms + RETRY_MS_MAX_BUSY;
	if (s->fsm.now == SYNC_OFFLINE && s->dial_ms > latest) s->dial_ms = latest;
}

static void sync_on_now(struct sync *s)
{
	s->outbox_more = true;
	s->outbox_news = true;
	s->courier_turn = false;
	s->batch_ms = 0;
	s->failures = 0;
	if (s->fsm.now == SYNC_OFFLINE) s->dial_ms = s->now_ms;
}

static void sync_on_redial(struct sync *s, struct sync_actions *out)
{
	sync_on_now(s);
	if (s->fsm.now == SYNC_OFFLINE) return;
	s->redial = true;
	sync_close(s, out);
}

static bool sync_invariant(const struct sync *s)
{
	if (s->fsm.now == SYNC_SIGNED_IN && !(s->have_person && s->server_knows)) return false;
	if (s->fsm.now == SYNC_OFFLINE && (s->conn.serial != 0 || s->server_knows)) return false;
	if (s->link == SYNC_LINK_ONLINE && !sync_is_up(s)) return false;
	return s->feed_count <= SYNC_FEED_MAX;
}

void sync_step(struct sync *s, uint64_t now_ms, const struct sync_event *ev,
	       struct sync_actions *out)
{
	REQUIRE(now_ms >= s->now_ms && out->count == 0);
	s->now_ms = now_ms;
	switch (ev->type) {
	case SYNC_EV_TICK: break;
	case SYNC_EV_LINK_UP: sync_on_link_up(s, ev, out); break;
	case SYNC_EV_LINK_DOWN: sync_on_link_down(s, ev->err, out); break;
	case SYNC_EV_BYTES: s->byte_ms = now_ms; break;
	case SYNC_EV_FRAME: sync_on_frame(s, ev->frame, out); break;
	case SYNC_EV_OUTBOX: sync_on_outbox(s); break;
	case SYNC_EV_PERSON_IN: sync_person_in(s, ev, out); break;
	case SYNC_EV_PERSON_OUT: sync_person_out(s, ev->frame, out); break;
	case SYNC_EV_DESK: sync_on_desk(s, ev->result, out); break;
	case SYNC_EV_REQUEST: sync_request_add(s, &ev->request, out); break;
	case SYNC_EV_NOW: sync_on_now(s); break;
	case SYNC_EV_REDIAL: sync_on_redial(s, out); break;
	case SYNC_EV_COUNT: break;
	}
	sync_pump(s, out);
	arena_reset(&s->arena);
	INSIST(sync_invariant(s));
}
