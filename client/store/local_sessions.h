/* local_sessions: the sessions that a room holds, and what is part of them; part of local.h.
 *
 * Owns, threads, errors, lifetimes: as local.h. Everything here needs a person who is signed in:
 * ERR_SIGNED_OUT otherwise. */
#pragma once

#include "client/store/local.h"

struct local_session_row {
	struct id session_id;
	struct id therapist_id;
	uint64_t started_ms;
	uint64_t ended_ms;  /* 0: not said */
	uint64_t signed_ms; /* 0: not signed */
	bool is_signed;
	bool has_conflict;
	bool is_misfiled;        /* entered in error, on the wrong chart */
	bool withheld;           /* whether it is signed is not said either */
	struct id supervisor_id; /* zeros: none */
};
/* Was it entered on the wrong chart? */
MUST_USE enum err local_is_misfiled(struct local *l, const struct vault *v,
				    const struct id *session_id, bool *ret);
/* Sessions of a patient that are held here, oldest first. `*ret_rows` is the caller's (free). */
MUST_USE enum err local_list_sessions(struct local *l, const struct vault *v,
				      const struct id *patient_id,
				      struct local_session_row **ret_rows, size_t *ret_count);

/* Leaves only those that were not entered in error, in their order; returns how many. */
size_t local_rows_that_stand(struct local_session_row *rows, size_t count);

/* All of a kind that is part of a session (kinds.h, own_session); as local_list_records. With
 * `sign` (may be NULL) only what that Sign names: the record as it was signed. */
MUST_USE enum err local_list_session_records(struct local *l, const struct vault *v, enum kind kind,
					     const struct id *session_id,
					     const struct fold_sign *sign,
					     struct record_fold *ret_fold,
					     const struct record_state **ret_records,
					     size_t *ret_count);
