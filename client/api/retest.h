/* retest: the prompt to measure again, of a session that is under way (record/retest.h).
 *
 * The booked end is that of the patient's appointment nearest to the start of the session.
 * Owns:    nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/proof_load.h"

/* Into the answer: "retest" {"mid_from","mid_until","post_at","due","mid","post"}; due is "mid",
 * "post" or null, mid and post are the pre rows that have none yet [{"measure_id","ref","title",
 * "side"}]. Null when the session has ended or is signed, nothing was measured before treatment,
 * or no end is booked. */
MUST_USE enum err retest_put(struct verb *v, const struct session_state *s,
			     const struct proof_session *p);
