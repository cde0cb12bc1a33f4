/* retention: how long a patient's record is kept, from what this room holds of it (BC4, ON2, US13).
 * Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"

/* Into the answer: "jurisdictions", "last_entry", "retention_until", "rule", "from_majority",
 * "born_assumed", "holds", "may_dispose", "because". `born`: YYYY-MM-DD. */
MUST_USE enum err retention_put(struct verb *v, const struct id *patient_id, const char *born);
