/* staff_words: who treats, as papers name them.
 * Owns: nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"

/* The name in the directory; "" for nobody. Borrowed until the directory changes. */
const char *staff_name(struct verb *v, const struct id *user_id);
/* The registration number of the newest profile that says one; "" when none does, or when this
 * person's role may not read profiles. */
MUST_USE enum err staff_registration(struct verb *v, const struct id *user_id,
				     char ret_number[NAME_BYTES_MAX + 1]);
