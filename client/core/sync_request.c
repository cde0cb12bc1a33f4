/* sync_request: requests of verbs wait here for a connection that may carry them, then for the
 * reply. */
#include "client/core/sync_state.h"

#include "base/check.h"

static void request_free(struct sync_waiting *w)
{
	buf_wipe(&w->bytes);
	buf_fini(&w->bytes);
	*w = (struct sync_waiting){ 0 };
}

void sync_request_fini(struct sync *s)
{
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) request_free(&s->waiting[i]);
}

void sync_request_reply(struct sync *s, struct sync_waiting *w, enum err err, struct view body,
			struct sync_actions *out)
{
	struct sync_action *a = sync_act(out, SYNC_ACT_REPLY);
	a->request_id = w->id;
	a->err = err;
	a->conn = s->conn;
	if (buf_append(&a->bytes, body) != ERR_OK) a->err = ERR_NOMEM;
	request_free(w);
}

static void reply_now(const struct sync_request *r, enum err err, struct sync_actions *out)
{
	struct sync_action *a = sync_act(out, SYNC_ACT_REPLY);
	a->request_id = r->id;
	a->err = err;
}

static enum err request_admit(struct sync *s, const struct sync_request *r)
{
	ENSURE(r->needs == SYNC_NEEDS_LINK || s->have_person, ERR_SIGNED_OUT);
	ENSURE(r->serial == 0 || (r->serial == s->conn.serial && sync_is_up(s)), ERR_OFFLINE);
	ENSURE(r->frame.len > 0 && r->frame.len < FRAME_BODY_BYTES_MAX - 16, ERR_TOO_BIG);
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) {
		struct sync_waiting *w = &s->waiting[i];
		if (w->id != 0) continue;
		TRY(buf_append(&w->bytes, r->frame));
		const uint64_t ms = r->timeout_ms < SYNC_REQUEST_MS_MAX ? r->timeout_ms
									: SYNC_REQUEST_MS_MAX;
		w->id = r->id;
		w->needs = r->needs;
		w->serial = r->serial;
		w->deadline_ms = s->now_ms + ms;
		return ERR_OK;
	}
	return ERR_FULL;
}

void sync_request_add(struct sync *s, const struct sync_request *r, struct sync_actions *out)
{
	REQUIRE(r->id != 0);
	const enum err e = request_admit(s, r);
	if (e != ERR_OK) {
		reply_now(r, e, out);
		return;
	}
	/* Somebody waits for the server: do not sit out the back-off. */
	if (s->fsm.now == SYNC_OFFLINE) s->dial_ms = s->now_ms;
	if (s->fsm.now == SYNC_CLOSING) s->redial = true;
}

static bool may_send(const struct sync *s, const struct sync_waiting *w)
{
	if (w->id == 0 || w->number != 0) return false;
	if (s->fsm.now == SYNC_SIGNED_IN) return true;
	return w->needs == SYNC_NEEDS_LINK && s->fsm.now == SYNC_COURIER && !s->server_knows;
}

void sync_request_send(struct sync *s, struct sync_actions *out)
{
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) {
		struct sync_waiting *w = &s->waiting[i];
		if (!may_send(s, w)) continue;
		w->number = sync_send_body(s, buf_view(&w->bytes), out);
		buf_wipe(&w->bytes);
	}
}

void sync_request_expire(struct sync *s, struct sync_actions *out)
{
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) {
		struct sync_waiting *w = &s->waiting[i];
		if (w->id == 0 || s->now_ms < w->deadline_ms) continue;
		s->stats.timeouts++;
		sync_request_reply(s, w, ERR_TIMEOUT, VIEW_EMPTY, out);
	}
}

void sync_request_fail(struct sync *s, bool sent_only, bool person_only, enum err err,
		       struct sync_actions *out)
{
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) {
		struct sync_waiting *w = &s->waiting[i];
		if (w->id == 0) continue;
		if (sent_only && w->number == 0 && w->serial == 0) continue;
		if (person_only && w->needs != SYNC_NEEDS_PERSON) continue;
		sync_request_reply(s, w, err, VIEW_EMPTY, out);
	}
}

struct sync_waiting *sync_request_find(struct sync *s, uint64_t number)
{
	if (number == 0) return NULL;
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) {
		struct sync_waiting *w = &s->waiting[i];
		if (w->id != 0 && w->number == number && !w->held) return w;
	}
	return NULL;
}

uint64_t sync_request_deadline(const struct sync *s)
{
	uint64_t first = UINT64_MAX;
	for (size_t i = 0; i < SYNC_REQUESTS_MAX; i++) {
		const struct sync_waiting *w = &s->waiting[i];
		if (w->id != 0 && w->deadline_ms < first) first = w->deadline_ms;
	}
	return first;
}
