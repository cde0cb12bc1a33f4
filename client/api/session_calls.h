/* session_calls: what verbs about sessions share: adding an op, and who may read.
 * Threads: the desk thread, inside a verb. */
#pragma once

#include "client/api/verb.h"

/* Appends an op through local_append and puts op_id into the answer; errors are in words. */
MUST_USE enum err session_append(struct verb *v, enum kind kind, const ProtobufCMessage *message);

/* What the store said about a change of a session, in words. */
MUST_USE enum err session_fail(struct verb *v, enum err e, const struct record_error *error);

/* ERR_DENIED with words for who may read no sessions. */
MUST_USE enum err session_may_read(struct verb *v);

/* The patient must be known here; errors in words. */
MUST_USE enum err session_need_patient(struct verb *v, struct id *ret_patient_id);
