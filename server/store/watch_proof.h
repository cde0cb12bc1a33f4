/* watch_proof: what the measures of one session come to, for the relationship watch.
 *
 * The best change from before to after that is comparable (record/proof.h), of the rows that stand.
 * Who measured, when a row does not say: the session's therapist, who alone writes there.
 * Of a session the first WATCH_PROOF_ROWS rows are looked at.
 * Owns, threads, errors: as store.h.   Source: DOMAIN 4.10, "no improvement beyond error". */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <stdint.h>

#define WATCH_PROOF_ROWS 64u

struct db;

/* `*ret_proof`: enum watch_proof (record/watch.h). */
MUST_USE enum err watch_proof_of(struct db *db, const struct id *session_id, uint8_t *ret_proof);
