/* referral_offer: what a prompt about a red flag carries so that one action opens the referral
 * (DOMAIN 4.9): a request for add/referral that lacks only what is asked of whom.
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: what the store returns; ERR_NOMEM. */
#pragma once

#include "client/api/verb.h"

/* Into `prompt`: "referral": {"patient_id","session_id","state","noticed_on","red_flag"}, or null
 * when a referral for a red flag is open for this patient already. */
MUST_USE enum err referral_offer_put(struct verb *v, json_t *prompt, const struct id *patient_id,
				     const struct id *session_id);

/* Into the answer: "prompts": [{"alert":"refer","text","referral"}], after red flags were found in
 * the session; empty when `found` is false or one is open already. */
MUST_USE enum err referral_offer_prompts(struct verb *v, bool found, const struct id *patient_id,
					 const struct id *session_id);
