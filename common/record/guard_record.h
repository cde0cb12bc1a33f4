/* guard_record: family links and grants as plain records say them, for guard.h.
 *
 * Threads: any, pure functions.   Days: calendar.h.   No clock. */
#pragma once

#include "record/guard.h"
#include "roomkeep/record.pb-c.h"

/* The link of a record of kind family_link or desk_family_link as it looks from the chart of
 * `patient`. False: it is no link of that patient, or it ended. */
bool guard_link_read(const ProtobufCMessage *message, const struct id *patient,
		     struct guard_link *ret);

/* `has_majority`: the day on which the giver comes of age is known. */
void guard_grant_read(const Roomkeep__SharingGrant *m, bool has_majority, int64_t majority_on,
		      struct guard_grant *ret);
/* "valid", "not_yet", "revoked", "expired", "lapsed". */
const char *guard_grant_state_name(enum guard_grant_state state);
