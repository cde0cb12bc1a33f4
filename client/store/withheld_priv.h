/* withheld_priv: rows that are withheld from who is signed in, for the files of this folder; part
 * of local_priv.h (withheld.c). */
#pragma once

#include "client/store/local_priv.h"

struct op_row; /* rows_priv.h */

MUST_USE enum err withheld_load(struct local *l, const struct vault *v);
void withheld_forget(struct local *l);
/* Stores what a ScopeChange says, beside the cursor that stands there; withheld_load reads it. */
MUST_USE enum err withheld_store(struct local *l, const struct vault *v,
				 const Roomkeep__ScopeChange *m);
/* A row of somebody else's, or an own one from before, that is withheld now. `session_patient`: of
 * rows that name a session only; zeros where it is not known. */
MUST_USE enum err withheld_row(struct local *l, const struct vault *v, const struct op_row *row,
			       const struct payload *p, const struct id *session_patient,
			       bool *ret_withheld);
/* Leaves the frame and the Sign of a session that is withheld. `begun_ms`: row_taken_ms of the
 * first row of it, not when the visit is said to have begun. */
void withheld_from_state(struct local *l, struct session_state *s, uint64_t begun_ms);
