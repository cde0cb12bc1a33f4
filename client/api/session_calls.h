/* session_calls: what verbs about sessions share: adding an op, fetching all of a patient.
 * Threads: the desk thread, inside a verb. */
#pragma once

#include "client/api/verb.h"

/* Appends an op through local_append and puts op_id into the answer; errors are in words. */
MUST_USE enum err session_append(struct verb *v, enum kind kind, const ProtobufCMessage *message);

/* ERR_DENIED with words for who may read no sessions. */
MUST_USE enum err session_may_read(struct verb *v);

/* The patient must be known here; errors in words. */
MUST_USE enum err session_need_patient(struct verb *v, struct id *ret_patient_id);

/* Brings every session of the patient here, page by page; the verb calls it at each step and
 * returns while `*ret_ready` is false (v->ask is then filled). `*ret_partial`: the server could not
 * be asked, what is here may not be all. */
MUST_USE enum err session_fetch_all(struct verb *v, const struct id *patient_id, bool *ret_ready,
				    bool *ret_partial);
