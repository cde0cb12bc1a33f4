/* payload: the content of an op: 16 random bytes (blind) and one message of record.proto.
 *
 * Decoding is strict, because these bytes are signed and kept for ever: what is once accepted
 * stays.
 *
 * Owns:    nothing; a decoded payload lives in the caller's arena.   Threads: any.
 * Limits:  OP_BYTES_MAX and each field's; parse memory as wire/frame.h.
 * Rules:   SECURITY 2.13 (blind), 3.7 (bad input). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/view.h"
#include "record/fields.h"
#include "record/kinds.h"
#include "roomkeep/record.pb-c.h"

#define PAYLOAD_BLIND_BYTES 16u

struct payload {
	const struct kind_info *info; /* static */
	struct view blind;            /* into the bytes it was decoded from */
	size_t unknown_fields;        /* from a newer build: kept in the bytes, shown to nobody */
	union {
		ProtobufCMessage *any; /* what info->kind says, never NULL */
		Roomkeep__Patient *patient;
		Roomkeep__SessionFrame *session_frame;
		Roomkeep__SessionText *session_text;
		Roomkeep__Measure *measure;
		Roomkeep__Sign *sign;
		Roomkeep__Addendum *addendum;
		Roomkeep__Opened *opened;
		Roomkeep__Tombstone *tombstone; /* KIND_TOMBSTONE and KIND_SEALED_TOMBSTONE */
		Roomkeep__Note *note;
	} is;
};

/* Unpacks and checks. `ret_error` may be NULL; it is written on failure only, its err is the
 * value returned. The fields that only a first op needs are not asked for: payload_check_first.
 * Returns: ERR_OK; ERR_NOT_FOUND for a kind this build does not know (store the bytes as they are);
 * ERR_BAD_FORMAT, ERR_BAD_VALUE, ERR_BAD_TEXT, ERR_TOO_BIG; ERR_VERSION (a measure of a newer
 * catalogue); ERR_NOMEM. */
MUST_USE enum err payload_decode(struct arena *a, uint64_t kind, struct view bytes,
				 struct payload *ret_payload, struct record_error *ret_error);

/* Also requires what the first op of a patient or session must have. */
MUST_USE enum err payload_check_first(const struct payload *p, struct record_error *ret_error);

/* Checks `message` (of the kind's type) as payload_decode would, then appends blind and message.
 * `out` is unchanged on error. `first` as payload_check_first. Requires: a known kind. */
MUST_USE enum err payload_encode(enum kind kind, const ProtobufCMessage *message, bool first,
				 const uint8_t blind[PAYLOAD_BLIND_BYTES], struct buf *out,
				 struct record_error *ret_error);

/* False when this kind or this payload names none. */
bool payload_session_id(const struct payload *p, struct id *ret_id);
bool payload_patient_id(const struct payload *p, struct id *ret_id);
/* The second patient of a record that is listed for two (kinds.h, relative_field). */
bool payload_relative_id(const struct payload *p, struct id *ret_id);
/* The record's own id: patient, session (of frame, text, sign), measure, addendum, note, target. */
bool payload_subject_id(const struct payload *p, struct id *ret_id);
