/* reference: the conflict table (SECURITY 3.5) and the access table (3.4) once more, as slow and
 * plain as they can be written. Shares no code with record/fold.h, record/access.h or the server's
 * views: what they say is compared with what this says.
 *
 * It is told the ops that count, oldest first: committed ones in the order of their numbers. What a
 * session or a patient looks like then is given as lines of text, in the words of reference_say.h,
 * so that a difference can be read. Patients and sessions are named in the lines by their ids.
 *
 * Owns:    copies of all it is given.  Threads: one at a time.
 * Limits:  none but memory; time grows with the square of the ops of one session.
 * Errors:  ERR_BAD_VALUE & co: a payload that is not what its kind says. No memory: aborts. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

struct reference;

struct reference *reference_new(void);
void reference_free(struct reference *r); /* NULL is fine */

struct reference_op {
	struct id op_id;
	struct id author_id;
	uint64_t kind;       /* unknown ones too: they change nothing */
	struct view payload; /* blind and message */
};

/* The next op that counts; of one id only the first. */
MUST_USE enum err reference_add(struct reference *r, const struct reference_op *op);

/* Appends what is shown of the record; nothing when it does not exist. */
void reference_say_session(const struct reference *r, const struct id *session_id, struct buf *out);
/* `history`: every value with its op, newest first; otherwise only what holds. */
void reference_say_patient(const struct reference *r, const struct id *patient_id, bool history,
			   struct buf *out);

/* A plain record: what holds, and the ops that said it; nothing when all of it was erased. */
void reference_say_plain(const struct reference *r, uint64_t kind, const struct id *record_id,
			 struct buf *out);
/* A merged message of a view or a room in the same words. */
void reference_say_message(uint64_t kind, const struct id *record_id, struct view message,
			   struct buf *out);
/* The plain record that an op, or a tombstone's target, belongs to; false for another kind. */
bool reference_plain_of(const struct reference *r, const struct id *op_id, uint64_t *ret_kind,
			struct id *ret_record_id);
/* Two appointments hold one time: in one room or with one therapist without a reason on either, or
 * one patient twice. */
bool reference_has_clash(const struct reference *r);
/* Number `at` of all plain records, by age; false behind the last. */
bool reference_plain_at(const struct reference *r, size_t at, uint64_t *ret_kind,
			struct id *ret_record_id, struct id *ret_patient_id);

/* Which record an op belongs to, its target's for a tombstone; zeros for none. */
void reference_record_of(const struct reference *r, const struct id *op_id, struct id *ret_session,
			 struct id *ret_patient);
size_t reference_session_count(const struct reference *r);
const struct id *reference_session_at(const struct reference *r, size_t at,
				      struct id *ret_patient_id);
/* Kind of the target of a tombstone that counts; 0 for any other op. */
uint64_t reference_target_kind(const struct reference *r, const struct id *op_id);
/* A tombstone that counts names this op. */
bool reference_is_erased(const struct reference *r, const struct id *op_id);

/* ---- access -------------------------------------------------------------------------- */

/* May somebody with these roles be sent an op? `target_kind` of a tombstone. */
bool reference_may_read(uint64_t kind, uint64_t target_kind, uint64_t roles, bool is_author);
/* Does a patient withhold this op, or a tombstone's target, from this person at `now_ms`? By the
 * directives among the first `count` ops; an end counts whenever it came. One's own ops, and what
 * is opened by an override, are not withheld here: the caller looks at neither. */
bool reference_withholds(const struct reference *r, const struct id *op_id,
			 const struct id *user_id, uint64_t roles, uint64_t now_ms, size_t count);
/* Any directive against this person on this patient, among all. */
bool reference_withholds_any(const struct reference *r, const struct id *patient_id,
			     const struct id *user_id, uint64_t roles);
/* Somebody opened what this patient withholds. */
bool reference_was_opened(const struct reference *r, const struct id *patient_id,
			  const struct id *user_id);
size_t reference_count(const struct reference *r);
/* What a server must say to this op as things are: ERR_OK, or why it is refused. */
enum err reference_judge(const struct reference *r, const struct reference_op *op, uint64_t roles);
