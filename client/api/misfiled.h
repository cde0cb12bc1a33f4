/* misfiled: sessions that were entered on the wrong chart (3g). Their words are readable, struck
 * through, to who wrote them and to a lead; to everybody else they are counted and said nothing of.
 * In what leaves the clinic about the wrong patient they are counted only, whoever makes it.
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"

/* Is this session, or the session that a record is part of, one of them? (A record that names none
 * is not, nor what the patient says about one.) `*ret_hidden`: and not the signed-in person's to
 * read. */
MUST_USE enum err misfiled_look(struct verb *v, const struct id *session_id, bool *ret_is,
				bool *ret_hidden);
MUST_USE enum err misfiled_look_record(struct verb *v, const struct kind_info *info,
				       const ProtobufCMessage *m, bool *ret_is, bool *ret_hidden);

/* The same for what leaves the clinic, where it is the same to whoever makes it. */
MUST_USE enum err misfiled_is_record(struct verb *v, const struct kind_info *info,
				     const ProtobufCMessage *m, bool *ret);

/* Of `records` those that no such session said, in their order: a shallow copy, the caller's to
 * free. For what is made of several records. */
MUST_USE enum err misfiled_drop(struct verb *v, enum kind kind, const struct record_state *records,
				size_t *count, struct record_state **ret_stand);

/* Into the answer: "entered_in_error": null, or {"by","at","right_session_id","reason"}; the last
 * two are null for who may not read the session. */
MUST_USE enum err misfiled_put(struct verb *v, const struct id *session_id, bool is_hidden);
