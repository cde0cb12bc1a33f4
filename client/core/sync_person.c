/* sync_person: the directory, signing in by itself after a drop, and leaving. */
#include "client/core/sync_state.h"

#include "base/check.h"

/* ---- directory ------------------------------------------------------------------------------- */

static void dir_fetch(struct sync *s, struct sync_actions *out)
{
	s->dir_number = sync_send_get_directory(s, s->dir_seq, out);
	s->dir_wait_ms = s->now_ms + STALLED_MS_MAX;
}

static void dir_start(struct sync *s, struct sync_actions *out)
{
	if (s->dir_wants == 0 || s->dir_serves != 0) return;
	s->dir_serves = s->dir_wants;
	s->dir_wants = 0;
	dir_fetch(s, out);
}

void sync_dir_want(struct sync *s, enum sync_dir why, struct sync_actions *out)
{
	s->dir_wants |= (unsigned)why;
	dir_start(s, out);
}

void sync_dir_on_frame(struct sync *s, struct view body, struct sync_actions *out)
{
	s->dir_number = 0;
	s->dir_wait_ms = UINT64_MAX;
	s->dir_ask = sync_ask(s, SYNC_ASK_DIRECTORY, body, 0, out);
}

static void dir_release_held(struct sync *s, struct sync_actions *out)
{
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) {
		struct sync_waiting *w = &s->waiting[i];
		if (w->id != 0 && w->held) {
			/* The reply's bytes stand in the entry that the reply frees. */
			struct sync_action *a = sync_act(out, SYNC_ACT_REPLY);
			a->request_id = w->id;
			a->conn = s->conn;
			a->bytes = w->bytes;
			*w = (struct sync_waiting){ 0 };
		}
	}
}

static void dir_finish(struct sync *s, struct sync_actions *out)
{
	const unsigned served = s->dir_serves;
	s->dir_serves = 0;
	if ((served & SYNC_DIR_WELCOME) != 0) sync_enter_courier(s, out);
	if ((served & SYNC_DIR_USER) != 0) dir_release_held(s, out);
	if ((served & SYNC_DIR_LOGIN) != 0 && s->login_step == SYNC_LOGIN_CHECKING) {
		s->check_ask = sync_ask(s, SYNC_ASK_LOGIN_OK, buf_view(&s->login_ok), 0, out);
		buf_wipe(&s->login_ok);
	}
	if ((served & SYNC_DIR_SCOPE) != 0 && s->scope.len > 0) {
		s->check_ask = sync_ask(s, SYNC_ASK_SCOPE, buf_view(&s->scope), 0, out);
	}
	dir_start(s, out); /* what was wanted while this one ran; the feed goes on in the pump */
}

void sync_dir_on_result(struct sync *s, const struct sync_result *r, struct sync_actions *out)
{
	s->dir_ask = 0;
	if (r->err != ERR_OK) {
		if (r->reason != SYNC_REASON_NONE)
			sync_refuse(s, r->reason, out);
		else
			sync_close(s, out);
		return;
	}
	if (r->again && r->dir_seq > s->dir_seq) {
		s->dir_seq = r->dir_seq;
		dir_fetch(s, out);
		return;
	}
	s->dir_seq = r->dir_seq;
	dir_finish(s, out);
}

/* ---- states ---------------------------------------------------------------------------------- */

void sync_enter_courier(struct sync *s, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_CLOSING) return;
	fsm_move(&s->fsm, SYNC_COURIER);
	s->number = 0;
	s->wait_ms = UINT64_MAX;
	s->outbox_more = true;
	s->courier_turn = false;
	if (s->up_ms == 0) {
		s->up_ms = s->now_ms > 0 ? s->now_ms : 1;
		s->refused = false;
		s->stats.links++;
		sync_set_link(s, SYNC_LINK_ONLINE, SYNC_REASON_NONE, out);
	}
	if (s->have_person && s->now_ms >= s->login_ms) sync_login_start(s, out);
}

static void sync_pull(struct sync *s, const struct sync_cursor *c, struct sync_actions *out)
{
	s->pull_fresh = c->seq == 0 && c->scope_version == 0;
	s->pull_number = sync_send_pull(s, c, out);
}

void sync_enter_signed_in(struct sync *s, const struct sync_cursor *c, struct sync_actions *out)
{
	fsm_move(&s->fsm, SYNC_SIGNED_IN);
	INSIST(s->server_knows && s->have_person);
	s->login_step = SYNC_LOGIN_NONE;
	s->number = 0;
	s->wait_ms = UINT64_MAX;
	s->outbox_more = true;
	s->courier_turn = false;
	s->feed_broken = false;
	s->live = false;
	s->stats.logins++;
	sync_pull(s, c, out);
}

/* ---- signing in by itself -------------------------------------------------------------------- */

void sync_login_start(struct sync *s, struct sync_actions *out)
{
	fsm_move(&s->fsm, SYNC_LOGIN);
	rand_fill(&s->config.rand, s->cn, sizeof(s->cn));
	s->login_step = SYNC_LOGIN_STARTED;
	s->number = sync_send_login_start(s, out);
	s->wait_ms = s->now_ms + STALLED_MS_MAX;
}

/* The server still sees nobody on this connection. */
static void login_failed(struct sync *s, enum err err, uint64_t retry_ms, struct sync_actions *out)
{
	s->login_step = SYNC_LOGIN_NONE;
	if (err == ERR_AUTH || err == ERR_DENIED) {
		s->login_ms = UINT64_MAX;
		(void)sync_ask(s, SYNC_ASK_LOGIN_REFUSED, VIEW_EMPTY, 0, out);
		(void)sync_act(out, SYNC_ACT_PERSON_REFUSED);
	} else {
		if (retry_ms < SYNC_LOGIN_RETRY_MS) retry_ms = SYNC_LOGIN_RETRY_MS;
		if (retry_ms > SYNC_LOGIN_WAIT_MS_MAX) retry_ms = SYNC_LOGIN_WAIT_MS_MAX;
		s->login_ms = s->now_ms + retry_ms;
	}
	sync_enter_courier(s, out);
}

static void login_on_ok(struct sync *s, struct view body, struct sync_actions *out)
{
	s->server_knows = true;
	s->number = 0;
	s->wait_ms = UINT64_MAX;
	buf_clear(&s->login_ok);
	if (buf_append(&s->login_ok, body) != ERR_OK) {
		sync_close(s, out);
		return;
	}
	s->login_step = SYNC_LOGIN_CHECKING;
	sync_dir_want(s, SYNC_DIR_LOGIN, out);
}

void sync_login_on_frame(struct sync *s, const Roomkeep__Frame *f, struct view body,
			 struct sync_actions *out)
{
	if (f->body_case == ROOMKEEP__FRAME__BODY_RESULT) {
		const enum err e = err_from_wire(f->result->code);
		login_failed(s, e == ERR_OK ? ERR_PROTO : e, f->result->retry_ms, out);
		return;
	}
	if (s->login_step == SYNC_LOGIN_STARTED &&
	    f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_PARAMS) {
		s->login_step = SYNC_LOGIN_SIGNING;
		s->number = 0;
		s->check_ask = sync_ask(s, SYNC_ASK_LOGIN_PROOF, body, 0, out);
		return;
	}
	if (s->login_step == SYNC_LOGIN_PROVED && f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK) {
		login_on_ok(s, body, out);
		return;
	}
	sync_bad_frame(s, out);
}

static void login_on_proof(struct sync *s, const struct sync_result *r, struct sync_actions *out)
{
	if (s->login_step != SYNC_LOGIN_SIGNING) return;
	if (r->err == ERR_CONFLICT) {
		/* The login now names somebody else or nobody: the answer to one who was
		 * disabled. */
		login_failed(s, ERR_DENIED, 0, out);
		return;
	}
	if (r->err != ERR_OK || r->frame.len == 0) {
		login_failed(s, ERR_IO, 0, out);
		return;
	}
	s->number = sync_send_body(s, buf_view(&r->frame), out);
	s->wait_ms = s->now_ms + STALLED_MS_MAX;
	s->login_step = SYNC_LOGIN_PROVED;
}

/* LOGIN_PROOF, LOGIN_OK, SCOPE. */
void sync_login_on_result(struct sync *s, struct sync_result *r, struct sync_actions *out)
{
	if (r->type == SYNC_ASK_SCOPE) {
		buf_clear(&s->scope);
		if (s->fsm.now != SYNC_SIGNED_IN || r->err == ERR_SIGNED_OUT) return;
		if (r->err != ERR_OK)
			sync_close(s, out);
		else if (s->scope_pulls)
			sync_pull(s, &r->cursor, out);
		return;
	}
	if (s->fsm.now != SYNC_LOGIN) return;
	if (r->type == SYNC_ASK_LOGIN_PROOF) {
		login_on_proof(s, r, out);
		return;
	}
	if (s->login_step != SYNC_LOGIN_CHECKING) return;
	if (r->err == ERR_OK) {
		sync_enter_signed_in(s, &r->cursor, out);
		return;
	}
	s->login_ms = s->now_ms + SYNC_LOGIN_RETRY_MS;
	sync_close(s, out);
}

/* ---- the person comes and goes --------------------------------------------------------------- */

void sync_person_in(struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	REQUIRE(!s->have_person && ev->login != NULL && strlen(ev->login) <= LOGIN_BYTES_MAX);
	s->have_person = true;
	s->person = ev->person;
	const size_t len = strlen(ev->login);
	memcpy(s->login, ev->login, len + 1);
	s->login_ms = s->now_ms;
	if (s->fsm.now == SYNC_OFFLINE) s->dial_ms = s->now_ms;
	if (s->fsm.now != SYNC_COURIER) return;
	if (!s->server_knows)
		sync_login_start(s, out);
	else if (ev->serial == s->conn.serial)
		sync_enter_signed_in(s, &ev->cursor, out);
	else
		sync_close(s, out); /* the server knows somebody this room has lost */
}

static void person_leave(struct sync *s, struct view farewell, struct sync_actions *out)
{
	if (farewell.len > 0) (void)sync_send_body(s, farewell, out);
	s->number = sync_send_empty(s, ROOMKEEP__FRAME__BODY_LOGOUT, out);
	s->wait_ms = s->now_ms + STALLED_MS_MAX;
	if (s->fsm.now != SYNC_CLOSING) fsm_move(&s->fsm, SYNC_LEAVING);
}

void sync_person_out(struct sync *s, struct view farewell, struct sync_actions *out)
{
	s->have_person = false;
	s->person = (struct id){ 0 };
	sync_request_fail(s, false, true, ERR_SIGNED_OUT, out);
	sync_feed_drop(s);
	buf_clear(&s->scope);
	s->live = false;
	switch ((enum sync_state)s->fsm.now) {
	case SYNC_SIGNED_IN: person_leave(s, farewell, out); break;
	case SYNC_COURIER:
		if (s->server_knows) person_leave(s, VIEW_EMPTY, out);
		break;
	case SYNC_LOGIN: /* half signed in: a fresh connection is the shortest way out */
		s->redial = true;
		sync_close(s, out);
		break;
	case SYNC_OFFLINE:
	case SYNC_DIALING:
	case SYNC_HELLO:
	case SYNC_CHECK:
	case SYNC_LEAVING:
	case SYNC_CLOSING:
	case SYNC_STATE_COUNT: break;
	}
}
