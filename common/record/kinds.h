/* kinds: every kind of op this build knows, one row each: class, lane, message, fields.
 *
 * A new kind is one message in proto/roomkeep/record.proto, one row in kinds.c and its tests; a new
 * field is one line in the message and one row in that kind's field table.
 * Threads: any; all data is static and constant.  Numbers: the wire contract, never used again. */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "record/fields.h"

enum kind {
	KIND_PATIENT = 1,
	KIND_SESSION_FRAME = 2,
	KIND_SESSION_TEXT = 3,
	KIND_MEASURE = 4,
	KIND_SIGN = 5,
	KIND_ADDENDUM = 6,
	KIND_OPENED = 7,
	KIND_TOMBSTONE = 8,
	KIND_NOTE = 64,
	/* 65 grant and 66 revoke are reserved: unknown to this build. */
	KIND_SEALED_TOMBSTONE = 67,
};

/* Who may see it is decided per kind (access.h); the class is the outer bound. */
enum kind_class {
	KIND_CLASS_STAFF = 1,    /* identity, contact, session frame */
	KIND_CLASS_CLINICAL = 2, /* texts, measures, signing, addenda */
	KIND_CLASS_SEALED = 3,   /* the server cannot read it */
	KIND_CLASS_SYSTEM = 4,   /* about another op: tombstones */
};

/* SECURITY 2.13. The number is in the lane id. */
enum lane_class {
	LANE_CHART = 1,
	LANE_SEALED = 2,
};

struct kind_info {
	enum kind kind;
	const char *name; /* "session_text": for JSON and logs */
	enum kind_class class;
	enum lane_class lane;
	const ProtobufCMessageDescriptor *message;
	const struct field_rule *fields; /* field_count rows */
	size_t field_count;
	const char *subject_field; /* field with the record's own id, NULL for none */
	const char *session_field; /* field with a session id, NULL for none */
	const char *patient_field; /* field with a patient id, NULL for none */
	/* What the field table cannot say; NULL for none. `error` is never NULL. */
	enum err (*check)(const ProtobufCMessage *message, struct record_error *error);
};

/* NULL for a kind this build does not know. */
const struct kind_info *kind_find(uint64_t number);
const struct kind_info *kind_find_name(struct view name);

/* Name for logs; "unknown" when it is. */
const char *kind_name(uint64_t number);

/* True when an op of this kind may stand in a lane of this class; an unknown kind may stand in
 * either (SECURITY 2.13). */
bool kind_fits_lane(uint64_t number, uint32_t lane_class);

/* All rows, in rising order of kind. */
const struct kind_info *kind_table(size_t *ret_count);
