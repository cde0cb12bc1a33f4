/* card: the welcome card of one patient, from what this room holds and nothing else, so that it is
 * there when the network is not (DOMAIN 4.4).
 *
 * Never on it: text of a confidential note, anything told by or about another patient, money. Of
 * the reader's own notes it says how many. Mood is words, and no outcome.
 *
 * Owns:    nothing; what it puts lives in the answer.   Threads: the desk thread.
 * Errors:  of local.h. Who may read sessions may read it: the caller has looked. */
#pragma once

#include "client/api/verb.h"

#define CARD_PROOF_VISITS 6u /* looked back at: older proof is no news */
/* Sessions that must be here: those, and some of today, which are this visit. */
#define CARD_SESSIONS (CARD_PROOF_VISITS + 2u)

/* Puts all parts into v->answer. `partial`: this room may not hold all sessions. */
MUST_USE enum err card_put(struct verb *v, const struct local_patient *p, bool partial);

/* card_care.c: what to take care of, consents, moods. `today`: a local day (care.h). */
MUST_USE enum err card_put_alerts(struct verb *v, const struct id *patient_id, int64_t today);
MUST_USE enum err card_put_consents(struct verb *v, const struct id *patient_id, int64_t today);
MUST_USE enum err card_put_moods(struct verb *v, const struct id *patient_id, int64_t today);
