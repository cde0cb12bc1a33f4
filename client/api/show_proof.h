/* show_proof: what proof says about a session, as JSON.
 * Threads: the desk thread.  Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"
#include "record/proof.h"

/* {"state","why","delta","unit","error","error_source","error_verified","same_rater","pain_delta",
 * "pain_state","text"}; null when there is no `after`. */
MUST_USE enum err show_delta(json_t *object, const char *key, const struct proof_row *before,
			     const struct proof_row *after, const struct proof_delta *delta);

/* "ref", "title" and "side" of a row. */
MUST_USE enum err show_what(json_t *object, const struct proof_row *row);

/* Into the answer: "assessments" {"tested","wanted","again","not_again"}, "changes" (one a set),
 * "retest" (retest.h) and "warnings" [{"code","ref","side","measure_id","text"}]. */
MUST_USE enum err show_session_proof(struct verb *v, const struct session_state *s);

/* Into the answer: "change" of the row that was just added (null for a pre row), and "prompts":
 * what a positive test asks for. */
MUST_USE enum err show_measure_proof(struct verb *v, const struct id *session_id,
				     const struct id *measure_id);

/* Into the answer: "warnings" of a session that is about to be signed. One that is not here is
 * left to the signing itself. */
MUST_USE enum err show_sign_warnings(struct verb *v, const struct id *session_id);
