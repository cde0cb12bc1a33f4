#include "client/api/verb.h"

#include "base/check.h"
#include "wire/op.h"

#define FETCH_MS 5000u
#define FETCH_AGAIN_MS (10u * 60u * 1000u) /* what was fetched just now is not asked for again */

static enum err ask_for_page(struct verb *v, const struct id *patient_id, uint64_t after_seq)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Fetch fetch = ROOMKEEP__FETCH__INIT;

	ENSURE(v->step < VERB_STEPS_MAX, ERR_PROTO);
	fetch.has_patient_id = 1;
	fetch.patient_id = wire_id_bytes(patient_id);
	fetch.has_after_seq = 1;
	fetch.after_seq = after_seq;
	frame.body_case = ROOMKEEP__FRAME__BODY_FETCH;
	frame.fetch = &fetch;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, FETCH_MS);
}

enum err verb_fetch_patient(struct verb *v, const struct id *patient_id, bool *ret_partial)
{
	uint64_t fetched_ms = 0;
	uint64_t after_seq = 0;
	bool more = false;

	*ret_partial = v->step == 0 ? v->link.link != SYNC_LINK_ONLINE : v->reply_err != ERR_OK;
	if (*ret_partial) return ERR_OK;
	if (v->step == 0) {
		TRY(local_fetched_ms(verb_local(v), verb_vault(v), patient_id, &fetched_ms));
		const bool fresh = fetched_ms > 0 && v->now_ms >= fetched_ms &&
				   v->now_ms - fetched_ms < FETCH_AGAIN_MS;
		return fresh && v->link.live ? ERR_OK : ask_for_page(v, patient_id, 0);
	}
	TRY(feed_apply_page(verb_local(v), verb_vault(v), patient_id, buf_view(&v->reply),
			    v->now_ms, &after_seq, &more));
	return more ? ask_for_page(v, patient_id, after_seq) : ERR_OK;
}
