/* same_person: one person with two charts, at the local API: what is shown of it, that nothing new
 * is written into the one that is not used any more, and what is taken over.
 *
 * Reading needs nothing of this: the store lists what was merged with the chart that stays.
 * Owns:    nothing.   Threads: the desk thread.   Errors: with the verb's fault; ERR_NOMEM; what
 * the store returns. */
#pragma once

#include "client/api/verb.h"

/* "merged_into": the chart that is read for this one, or null; "merged": [{"patient_id","name",
 * "born"}], those that are read as part of it. */
MUST_USE enum err same_person_put(struct verb *v, const struct id *patient_id, json_t *object);

/* ERR_CONFLICT, code merged, for a chart that was merged into another: the hint says into which. */
MUST_USE enum err same_person_need_chart(struct verb *v, const struct id *patient_id);

/* Of two charts that become one: what `from` says and `into` does not (telephone, comfort,
 * preferences, details) is said there too, in the open batch. Of what both say, `into` holds. */
MUST_USE enum err same_person_adopt(struct verb *v, const struct id *from, const struct id *into);
