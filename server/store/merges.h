/* merges: charts of one person, as records of kind patient_merge say it (record/merge_record.h),
 * for what the server reads of a patient.
 *
 * Owns:    the list, until merges_fini.   Threads, errors: as store.h. */
#pragma once

#include "base/err.h"
#include "record/merge_record.h"

struct db;

struct merges {
	struct merge_pair *pairs; /* owned */
	size_t count;
};

MUST_USE enum err merges_load(struct db *db, struct merges *ret);
void merges_fini(struct merges *m);
void merges_finip(struct merges *m); /* for CLEANUP */
