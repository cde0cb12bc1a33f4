/* merge_record: one person who was entered twice, as a record of kind patient_merge says it.
 *
 * The merged chart is read as part of the one that stays; nothing is moved or rewritten, so taking
 * the merge back parts them again. Several may be merged into one, and one that stays may be merged
 * on; MERGE_SAME_MAX ids of one person are looked at.
 * Threads: any, pure functions. */
#pragma once

#include "base/id.h"
#include "roomkeep/record.pb-c.h"

#define MERGE_SAME_MAX 8u

struct merge_pair {
	struct id from; /* not used any more */
	struct id into; /* stays */
};

/* False: it was taken back, or was torn. */
bool merge_record_read(const Roomkeep__PatientMerge *m, struct merge_pair *ret);

/* All ids that are read as `patient_id`'s chart: itself first, then what was merged into it, and
 * into those. Returns how many, at least 1. A circle, which two rooms may make apart, ends. */
size_t merge_same(const struct merge_pair *pairs, size_t count, const struct id *patient_id,
		  struct id ret_ids[MERGE_SAME_MAX]);
/* Which chart is read for this one, in the end; itself when it was merged into none. Of a circle's
 * charts the one with the least id stays. */
struct id merge_stays(const struct merge_pair *pairs, size_t count, const struct id *patient_id);
