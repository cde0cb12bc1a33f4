/* long_clinic: years of a large clinic written straight into the server's views: patients,
 * sessions, mood reads at the door and at goodbye, and one measure before and after. For the
 * relationship watch, which reads views only; there are no ops beneath it, so it does not check.
 *
 * Every patient comes about every 73 days; most were here within two months, every seventh has been
 * away for up to 400 days. All of it is the same each time.
 * Owns: nothing.   Threads: one.   Whatever fails ends the process. */
#pragma once

#include "db/db.h"

#define LONG_CLINIC_VISITS 50u /* of each patient: ten years */

/* Into an empty database of the server's schema, in an open transaction of the caller's. */
void long_clinic_fill(struct db *db, uint64_t patients, uint64_t now_ms);
