/* proof_load: measures out of this room's store, as common/record/proof.h looks at them.
 *
 * Who measured, when a row does not say: its author; in an imported session its therapist.
 * Owns:    the rows it made, until _fini. Rows of a newer catalogue than this build's are left out:
 *          nothing can be said about them here.
 * Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"
#include "record/proof_history.h"

/* Of one session that is loaded already. */
struct proof_session {
	struct proof_row *rows; /* owned */
	size_t row_count;
	struct proof_set *sets; /* owned; point into rows */
	size_t set_count;
};
MUST_USE enum err proof_session_of(const struct session_state *s, struct proof_session *ret);
void proof_session_fini(struct proof_session *p);
void proof_session_finip(struct proof_session *p); /* for CLEANUP */

/* Of all sessions of a patient that this room holds, oldest first. */
struct proof_visits {
	struct proof_visit *visits; /* owned, with their rows */
	size_t count;
};
MUST_USE enum err proof_visits_load(struct verb *v, const struct id *patient_id,
				    struct proof_visits *ret);
/* The newest of them that measured anything: one, or none. */
MUST_USE enum err proof_visits_load_last(struct verb *v, const struct id *patient_id,
					 struct proof_visits *ret);
void proof_visits_fini(struct proof_visits *p);
void proof_visits_finip(struct proof_visits *p); /* for CLEANUP */
