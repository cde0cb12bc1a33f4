/* referral_record: a referral as its plain record says it, for the timers of referral.h.
 *
 * Threads: any, pure functions.   Lives: nothing is kept. */
#pragma once

#include "record/referral.h"
#include "roomkeep/record.pb-c.h"

/* Where it is; noticed when the record does not say. */
enum referral_state referral_record_state(const Roomkeep__Referral *m);

/* False when the day on which it was noticed is gone (its first op was erased): no timer runs. */
bool referral_record_read(const Roomkeep__Referral *m, struct referral *ret);
