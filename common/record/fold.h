/* fold: ops of one session or one patient, in any order, become what is shown.
 *
 * The one home of the merge rule (SECURITY 3.5), beside record_fold.h for plain records. The
 * result depends on the set of ops and their server numbers, never on the order in which they were
 * added; the server's views follow the same rule and a test compares them.
 *
 * The rule
 *   newer      an op with a higher seq; ops without one (not confirmed yet) are newer than all with
 *              one, among themselves by local_order; the op id breaks a tie.
 *   patient    per field the newest value holds, older ones are its history.
 *   frame      patient, therapist, supervisor and the imported mark come from the oldest op and
 *              never change; of the other fields the newest holds.
 *   text       heads of a field = its ops less those that another op of the field names as parent.
 *              One head is the value; several are a conflict, all shown. (Should forged ops name
 *              each other in a ring, so that no head is left, all ops of the field are heads.)
 *   measure    one row per measure_id; should two ops carry one id, the oldest holds (once signed:
 *              the oldest that is covered).
 *   addendum   one row per addendum_id, oldest first; never part of what is signed.
 *   sign       the oldest Sign by the session's therapist holds (by any author, if the session is
 *              imported or has no frame here). Then the content is exactly what it covers: frame
 *              from the oldest and the covered frame ops, covered texts, covered measures. Every
 *              other text op that is not an ancestor (through parents of the same field) of a
 *              covered one, every other measure and every other frame op is a late change: never
 *              applied, always listed. Plain records that are part of the session (kinds.h,
 *              closed_by_sign) are folded elsewhere: the Sign names the ops that were seen, and
 *              the server takes none after it.
 *   tombstone  its target stays in its place without content (text), or leaves the list (measure,
 *              addendum, patient's value); a frame or Sign is not touched. The caller adds only
 *              tombstones that access.h allows.
 *
 * Owns:    copies of all it is given, in an arena; given back by _fini.  Threads: one at a time.
 * Limits:  FOLD_OPS_MAX ops and FOLD_BYTES_MAX bytes per fold.
 * Errors:  ERR_FULL (limits), ERR_NOMEM, ERR_BAD_VALUE (an op of another record or kind).
 * Lives:   views and pointers in a state die at the next _add, _state or _fini of that fold.
 * Secrets: none of it is sealed content, but it is patient data: memory is wiped by _fini. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/view.h"
#include "record/fold_base.h"
#include "record/patient_fold.h"
#include "record/payload.h"

#define FOLD_HASH_BYTES 32u
#define FOLD_TEXT_FIELDS 4u /* subjective, objective, assessment, plan */

/* BLAKE2b-256 in production; record does not link crypt. */
struct fold_hasher {
	void (*hash)(void *ctx, struct view bytes, uint8_t ret_hash[FOLD_HASH_BYTES]);
	void *ctx; /* borrowed; lives as long as the fold */
};

/* ---- session --------------------------------------------------------------------------------- */

/* One revision of one text field. */
struct fold_text {
	struct fold_meta meta;
	Roomkeep__TextField field;
	struct view text; /* empty when erased */
	bool erased;      /* a tombstone took the content */
};

struct fold_field {
	Roomkeep__TextField field;
	const struct fold_text *value;        /* NULL without a revision or in conflict */
	const struct fold_text *const *heads; /* what a new edit names as parents; oldest first */
	size_t head_count;                    /* above 1: conflict */
};

struct fold_measure {
	struct fold_meta meta;
	struct id measure_id;
	struct view ref;
	uint32_t catalogue;
	Roomkeep__Phase phase;
	bool has_side;
	Roomkeep__Side side;
	bool has_value;
	int64_t value_milli;
	struct view unit;            /* empty without a value */
	Roomkeep__TestResult result; /* RESULT_NONE with a value */
	uint64_t at_ms;
	/* 0 (unknown) = not said */
	Roomkeep__Mode mode;
	Roomkeep__Position position;
	Roomkeep__Method method;
	Roomkeep__EndFeel end_feel;
	Roomkeep__SkippedReason skipped_reason; /* else 0: it was measured */
	bool has_pain;
	uint32_t pain_at_end;   /* 0 to 10 */
	struct view limited_by; /* empty = not said */
	bool has_rater;
	struct id rater_id; /* without one the author measured */
	bool has_pair;
	struct id pair_id; /* of a mid or post row: its pre row's measure_id */
};

struct fold_addendum {
	struct fold_meta meta;
	struct id addendum_id;
	struct view text;
};

/* The frame as one op changes it: what is absent is not touched. */
struct fold_frame {
	struct fold_meta meta;
	bool has_room, has_started, has_ended;
	struct id room_id;
	uint64_t started_ms;
	uint64_t ended_ms;
};

/* A change the Sign does not cover. Exactly one pointer is set. */
struct fold_late {
	const struct fold_meta *meta;
	const struct fold_text *text;
	const struct fold_measure *measure;
	const struct fold_frame *frame;
};

enum fold_sign_check {
	FOLD_SIGN_HOLDS,
	FOLD_SIGN_INCOMPLETE, /* not checkable: a covered op is not here, or was erased */
	FOLD_SIGN_DIFFERS,    /* all ops are here and their values hash to something else: alarm */
};

struct fold_sign {
	struct fold_meta meta;
	uint8_t values_hash[FOLD_HASH_BYTES]; /* as signed */
	enum fold_sign_check check;
	/* Ops of the session's plain records as who signed saw them; others are late too. */
	const struct id *records;
	size_t record_count;
};

struct session_state {
	struct id session_id;

	bool has_frame; /* false: no frame op yet, the frame fields below are empty */
	struct id patient_id;
	struct id therapist_id;  /* zero if the oldest frame op does not say */
	struct id supervisor_id; /* who co-signs a student's; zero for none; never changes */
	struct id room_id;
	bool imported;
	uint64_t started_ms; /* 0 = not said */
	uint64_t ended_ms;   /* 0 = not said */
	/* Nothing but the frame and the Sign is shown, at the patient's request. Set by who reads;
	 * a fold knows of no reader. */
	bool withheld;

	const struct fold_sign *sign;             /* NULL: draft */
	bool has_conflict;                        /* a field has several heads */
	struct fold_field text[FOLD_TEXT_FIELDS]; /* index: field - 1 */

	const struct fold_measure *const *measures; /* by at_ms, then as `newer` */
	size_t measure_count;
	const struct fold_addendum *const *addenda; /* oldest first */
	size_t addendum_count;
	const struct fold_late *late; /* oldest first */
	size_t late_count;

	/* What a Sign made now would say: all frame ops, the head of each field, the measures
	 * shown. Empty once signed, without a frame, or while a conflict is open. */
	const struct id *covers;
	size_t cover_count; /* may be above COVERED_MAX: then payload_encode refuses the Sign */
	uint8_t values_hash[FOLD_HASH_BYTES];
};

struct session_fold {
	struct id session_id;
	struct fold_hasher hasher;
	struct fold_store store;
};

void session_fold_init(struct session_fold *f, const struct id *session_id,
		       struct fold_hasher hasher);
void session_fold_fini(struct session_fold *f);
void session_fold_finip(struct session_fold *f); /* for CLEANUP */

/* Adds an op of kind session_frame, session_text, measure, sign, addendum or tombstone. Content is
 * copied. The same op again is fine: it only learns its seq. */
MUST_USE enum err session_fold_add(struct session_fold *f, const struct fold_meta *meta,
				   const struct payload *payload);

/* Computes the state of all that was added. */
MUST_USE enum err session_fold_state(struct session_fold *f, struct session_state *ret_state);

/* The bytes that values_hash is the hash of: SECURITY 2.1's enc("crs1/values-2", session_id,
 * patient_id, therapist_id, room_id, started_ms, ended_ms, imported, then per text field: count of
 * heads and their texts by op id, then count of measures and per measure by measure_id: measure_id,
 * ref, catalogue, phase, side, has_value, value_milli, unit, result, at_ms, mode, position, method,
 * end_feel, skipped_reason, has_pain, pain_at_end, limited_by, rater_id, pair_id). What is absent
 * is 0 or empty. Appends. A later form of the bytes gets a label of its own beside this one. */
MUST_USE enum err session_values_encode(const struct session_state *s, struct buf *out);

/* "subjective", ...; NULL for an unknown field. And back: TEXT_FIELD_UNKNOWN for another word. */
const char *fold_field_name(Roomkeep__TextField field);
Roomkeep__TextField fold_field_parse(struct view name);
