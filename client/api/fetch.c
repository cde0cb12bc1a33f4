#include "client/api/verb.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/calendar.h"
#include "wire/op.h"

#define FETCH_MS 5000u
#define FETCH_AGAIN_MS (10u * 60u * 1000u) /* what was fetched just now is not asked for again */
/* Asked for though the feed brings it: the clocks of room and server may differ. */
#define FEED_SCOPE_MARGIN_MS (7u * CALENDAR_DAY_MS)

static enum err ask_for_page(struct verb *v, uint64_t after_seq)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Fetch fetch = ROOMKEEP__FETCH__INIT;

	ENSURE(v->step < VERB_STEPS_MAX, ERR_PROTO);
	fetch.has_patient_id = 1;
	fetch.patient_id = wire_id_bytes(&v->fetch.patient_id);
	fetch.has_after_seq = 1;
	fetch.after_seq = after_seq;
	fetch.has_sessions_max = v->fetch.is_part;
	fetch.sessions_max = v->fetch.sessions_max;
	fetch.has_before_ms = v->fetch.is_part && v->fetch.before_ms > 0;
	fetch.before_ms = v->fetch.before_ms;
	frame.body_case = ROOMKEEP__FRAME__BODY_FETCH;
	frame.fetch = &fetch;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, FETCH_MS);
}

static enum err take_page(struct verb *v)
{
	uint64_t after_seq = 0;
	bool more = false;

	TRY(feed_apply_page(verb_local(v), verb_vault(v), &v->fetch, buf_view(&v->reply), v->now_ms,
			    &after_seq, &more));
	return more ? ask_for_page(v, after_seq) : ERR_OK;
}

/* Without a live feed this room does not hear of what is new. */
static bool is_fresh(const struct verb *v, uint64_t at_ms)
{
	return v->link.live && at_ms > 0 && v->now_ms >= at_ms &&
	       v->now_ms - at_ms < FETCH_AGAIN_MS;
}

/* From here on the feed has brought all sessions; 0: it has not brought them yet. */
static uint64_t held_from_ms(const struct verb *v)
{
	const uint64_t ago_ms = FEED_SCOPE_MS - FEED_SCOPE_MARGIN_MS;

	return v->link.live && v->now_ms > ago_ms ? v->now_ms - ago_ms : 0;
}

enum err verb_is_stale(struct verb *v, const struct id *patient_id, uint64_t started_ms,
		       bool *ret_stale)
{
	struct local_history h = { 0 };

	*ret_stale = started_ms + FEED_SCOPE_MS < v->now_ms + FEED_SCOPE_MARGIN_MS;
	if (!*ret_stale) return ERR_OK;
	TRY(local_history(verb_local(v), verb_vault(v), patient_id, &h));
	*ret_stale = !is_fresh(v, h.whole_ms);
	return ERR_OK;
}

/* Everything, or what has come since everything was here. */
static enum err ask_for_whole(struct verb *v, const struct id *patient_id,
			      const struct local_history *h)
{
	if (is_fresh(v, h->whole_ms)) return ERR_OK;
	v->fetch = (struct feed_fetch){ .patient_id = *patient_id };
	return ask_for_page(v, h->whole_seq);
}

/* How many of the newest `wanted` sessions began before; 0: all do, whatever is here. */
static size_t wanted_before(const struct local_sessions *s, uint64_t before_ms, size_t wanted)
{
	size_t since = 0;

	if (before_ms == 0) return wanted;
	while (since < s->count && s->held[s->count - 1 - since].started_ms >= before_ms) since++;
	return wanted > since ? wanted - since : 0;
}

static enum err ask_for_part(struct verb *v, const struct id *patient_id, size_t wanted)
{
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };
	const uint64_t before_ms = held_from_ms(v);
	const enum err e = local_find_sessions(verb_local(v), verb_vault(v), patient_id, &s);

	if (e != ERR_NOT_FOUND) TRY(e); /* the patient may come with the page */
	v->fetch =
		(struct feed_fetch){ .patient_id = *patient_id,
				     .is_part = true,
				     .sessions_max = (uint32_t)wanted_before(&s, before_ms, wanted),
				     .before_ms = before_ms,
				     .newest = (uint32_t)wanted };
	return ask_for_page(v, 0);
}

/* True when the server is asked, or has answered; else this room knows what it holds. */
static bool can_ask(const struct verb *v)
{
	return v->step == 0 ? v->link.link == SYNC_LINK_ONLINE : v->reply_err == ERR_OK;
}

/* Each chart of the person in turn: asks for the next until one of them is to be asked for. */
static enum err fetch_each(struct verb *v, const struct id *patient_id,
			   enum err (*ask_for)(struct verb *v, const struct id *id,
					       size_t sessions),
			   size_t sessions, bool *ret_partial)
{
	struct id ids[MERGE_SAME_MAX];
	size_t count = 0;

	*ret_partial = !can_ask(v);
	if (*ret_partial) return ERR_OK;
	if (v->step > 0) TRY(take_page(v));
	TRY(local_same_person(verb_local(v), verb_vault(v), patient_id, ids, &count));
	while (v->ask.len == 0 && v->fetched < count) TRY(ask_for(v, &ids[v->fetched++], sessions));
	return ERR_OK;
}

static enum err fetch_whole(struct verb *v, const struct id *patient_id, size_t sessions)
{
	struct local_history h = { 0 };

	(void)sessions;
	TRY(local_history(verb_local(v), verb_vault(v), patient_id, &h));
	return ask_for_whole(v, patient_id, &h);
}

static enum err fetch_chart(struct verb *v, const struct id *patient_id, size_t sessions)
{
	struct local_history h = { 0 };

	TRY(local_history(verb_local(v), verb_vault(v), patient_id, &h));
	if (h.whole_ms > 0 || sessions > FETCH_SESSIONS_MAX)
		return ask_for_whole(v, patient_id, &h);
	if (is_fresh(v, h.part_ms) && h.newest >= sessions) return ERR_OK;
	return ask_for_part(v, patient_id, sessions);
}

enum err verb_fetch_patient(struct verb *v, const struct id *patient_id, bool *ret_partial)
{
	return fetch_each(v, patient_id, fetch_whole, 0, ret_partial);
}

enum err verb_fetch_chart(struct verb *v, const struct id *patient_id, size_t sessions,
			  bool *ret_partial)
{
	return fetch_each(v, patient_id, fetch_chart, sessions, ret_partial);
}
