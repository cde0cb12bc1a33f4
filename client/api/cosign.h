/* cosign: a student's session counts as signed when the supervisor whom it names stands by it.
 *
 * Owns: nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"

/* Puts "state": "draft", "to_cosign", "signed", or "withheld" where even that is not said. */
MUST_USE enum err cosign_put_state(struct verb *v, json_t *object, bool withheld, bool is_signed,
				   const struct id *supervisor_id, const struct id *patient_id,
				   const struct id *session_id);

/* Does it wait for the signed-in person to stand by it? */
MUST_USE enum err cosign_waits(struct verb *v, const struct local_session_row *row,
			       const struct id *patient_id, bool *ret);
