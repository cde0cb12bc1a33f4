#include "client/api/referral_offer.h"

#include "base/check.h"
#include "client/api/record_json.h"
#include "client/api/record_more.h"
#include "record/referral_record.h"

#define OFFER_WORDS                                                                                \
	"A red flag was found: stop and refer. A sign, not a diagnosis. Open the referral: "       \
	"roomkeep add referral --state noticed --red-flag yes"

static enum err red_flag_is_open(struct verb *v, const struct id *patient_id, bool *ret)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	*ret = false;
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_REFERRAL, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__Referral *m = any;
		if (m->red_flag && !referral_is_over(referral_record_state(m))) *ret = true;
	}
	return ERR_OK;
}

static enum err put_offer(struct verb *v, json_t *prompt, const struct id *patient_id,
			  const struct id *session_id)
{
	json_t *offer = json_object();

	TRY(json_put(prompt, "referral", offer));
	TRY(json_put_id(offer, "patient_id", patient_id));
	TRY(json_put_id(offer, "session_id", session_id));
	TRY(json_put(offer, "state", json_string(referral_state_name(REFERRAL_NOTICED))));
	TRY(record_put_day(offer, "noticed_on", true, record_today(v)));
	return json_put(offer, "red_flag", json_true());
}

enum err referral_offer_put(struct verb *v, json_t *prompt, const struct id *patient_id,
			    const struct id *session_id)
{
	bool open = false;

	TRY(red_flag_is_open(v, patient_id, &open));
	return open ? json_put(prompt, "referral", json_null())
		    : put_offer(v, prompt, patient_id, session_id);
}

enum err referral_offer_prompts(struct verb *v, bool found, const struct id *patient_id,
				const struct id *session_id)
{
	json_t *list = json_array();
	bool open = false;

	TRY(json_put(v->answer, "prompts", list));
	if (!found) return ERR_OK;
	TRY(red_flag_is_open(v, patient_id, &open));
	if (open) return ERR_OK;
	json_t *prompt = json_object();
	ENSURE(json_array_append_new(list, prompt) == 0, ERR_NOMEM);
	TRY(json_put(prompt, "alert", json_string("refer")));
	TRY(json_put(prompt, "text", json_string(OFFER_WORDS)));
	return put_offer(v, prompt, patient_id, session_id);
}
