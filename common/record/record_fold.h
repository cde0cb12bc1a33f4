/* record_fold: ops of plain records of one kind, in any order, become what is shown. One rule for
 * all kinds whose row says KIND_MERGE_FIELDS or KIND_MERGE_FIRST, through protobuf-c's descriptors.
 *
 * The rule (SECURITY 3.5; `newer` as fold.h defines it)
 *   record     all ops of one id. Its patient is the one its oldest op names; an op that names
 *              another is no part of it (server and room refuse such an op before).
 *   fields     of each field the value of the newest op that sets or clears it holds; a list is
 *              replaced as a whole; a field that an op does not name is not touched.
 *   first      the oldest op holds; every other one is late: listed, never applied.
 *   tombstone  its target leaves the record as if it had never been; a record without ops is gone.
 *              The caller adds only tombstones that access.h allows.
 *
 * Owns:    copies of all it is given, in an arena; given back by _fini.  Threads: one at a time.
 * Limits:  FOLD_OPS_MAX ops and FOLD_BYTES_MAX bytes per fold.
 * Errors:  ERR_FULL (limits), ERR_NOMEM, ERR_BAD_VALUE (an op of another kind).
 * Lives:   what a state points to dies at the next _add, _state or _fini of that fold.
 * Secrets: patient data: memory is wiped by _fini. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "record/fold_base.h"
#include "record/payload.h"

/* One op of a record, as its author said it. */
struct record_change {
	struct fold_meta meta;
	const ProtobufCMessage *message;
	bool late; /* not applied: the record was written before */
};

struct record_state {
	struct id record_id;
	struct id patient_id;                /* zeros: the kind has no patient */
	const ProtobufCMessage *message;     /* merged; ids are set, `clears` is not */
	const struct fold_meta *first;       /* who made it, and when */
	const struct fold_meta *newest;      /* of the ops that are applied */
	const struct record_change *changes; /* oldest first, late ones too */
	size_t change_count;
};

struct record_fold {
	const struct kind_info *info;
	struct fold_store store;
};

/* Requires: kind_is_plain(info). */
void record_fold_init(struct record_fold *f, const struct kind_info *info);
void record_fold_fini(struct record_fold *f);
void record_fold_finip(struct record_fold *f); /* for CLEANUP */

/* Adds an op of the fold's kind or a tombstone. The same op again is fine: it only learns its
 * seq. */
MUST_USE enum err record_fold_add(struct record_fold *f, const struct fold_meta *meta,
				  const struct payload *payload);

/* All records that are there, by age of their first op. */
MUST_USE enum err record_fold_state(struct record_fold *f, const struct record_state **ret_records,
				    size_t *ret_count);

/* Asks the kind's own rule about what may follow what (kinds.h, check_change): `before` is what
 * holds (NULL: nothing yet), `op` one more change, `jurisdictions` the LAW_BIT()s of the patient.
 * ERR_NOMEM and what the rule says. */
MUST_USE enum err record_check_change(const struct kind_info *info, const ProtobufCMessage *before,
				      const ProtobufCMessage *op, unsigned jurisdictions,
				      struct record_error *ret_error);

/* The rule for one more op that is newer than all `into` was made of: `into` (a message of the
 * kind, as init left it or as this made it) says afterwards what holds. Shallow: texts stay
 * `op`'s. */
void record_apply(const struct kind_info *info, ProtobufCMessage *into, bool is_first,
		  const ProtobufCMessage *op);
