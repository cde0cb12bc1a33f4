/* proof_sheet: from a patient's measures to what client/print/proof_page.h draws.
 *
 * Chooses nothing by its result: every measure that can be compared goes in, in the order in which
 * it was taken. Left out are what is never proof (mood, sleep, stress), what has no number (said
 * in the note, unless it is a red flag), and what cannot be compared (counted in the note).
 *
 * Owns:    its texts and tests, in an arena, until _fini.   Threads: any, one at a time.
 * Errors:  ERR_NOMEM; ERR_NOT_FOUND: no visit has a measure before and after treatment. */
#pragma once

#include "base/arena.h"
#include "client/api/proof_load.h"
#include "client/print/proof_page.h"

struct proof_sheet {
	struct arena texts;
	struct proof_page page; /* clinic and patient are the caller's to set */
	struct id session_id;   /* the visit that is shown: the newest that was measured again */
};

MUST_USE enum err proof_sheet_make(const struct proof_visits *visits, uint64_t now_ms,
				   struct proof_sheet *ret_sheet);
void proof_sheet_fini(struct proof_sheet *s);
void proof_sheet_finip(struct proof_sheet *s); /* for CLEANUP */
