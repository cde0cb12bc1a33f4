/* clinic_words: what the clinic says of itself on paper (clinic_profile).
 *
 * Owns: nothing.   Threads: the desk thread.   Errors: what the store returns; ERR_NOMEM. */
#pragma once

#include "client/api/verb.h"
#include "client/print/document.h"

/* The profile that was made last; NULL: none, or not for who asks. `*ret` lives as long as `fold`,
 * which the caller clears with record_fold_finip. */
MUST_USE enum err clinic_words_load(struct verb *v, struct record_fold *fold,
				    const Roomkeep__ClinicProfile **ret);

/* Address, telephone and e-mail address, a line each; nothing of what is not said. */
MUST_USE enum err clinic_words_draw(const Roomkeep__ClinicProfile *m, struct document *d);
