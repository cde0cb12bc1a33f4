/* care: rules of the room about consents and touches that need more than the record at hand
 * (record/care.h decides), and times that are stamped rather than typed.
 *
 * Owns:    nothing.   Threads: the desk thread.   Other kinds than these pass untouched. */
#pragma once

#include "client/api/verb.h"

/* Completes the request before it is read: when a consent was answered, or withdrawn. */
MUST_USE enum err care_fill(struct verb *v);
/* `m`: the message of an add or set, ids filled in. ERR_BAD_VALUE with a fault: "capacity_basis" (a
 * minor's yes without guardian or reason), "withdrawn" (a yes after a withdrawal), "no_consent" (a
 * message nobody agreed to), "too_soon" (a touch within 60 days of another), "in_peace". What is
 * wrong in itself, or may not be, is left to local_append. */
MUST_USE enum err care_check(struct verb *v, const ProtobufCMessage *m);

/* What is known of the patient beside the name; NULL: nothing. `*ret` lives as long as `fold`,
 * which the caller clears with record_fold_finip. */
MUST_USE enum err care_load_detail(struct verb *v, const struct id *patient_id,
				   struct record_fold *fold, const Roomkeep__PatientDetail **ret);

/* The local day of a time, in the time zone of the room. */
int64_t care_local_day(uint64_t ms);
