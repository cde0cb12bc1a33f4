/* record_json: messages of plain records from JSON and back, as their field tables say: ids as UUID
 * text, times RFC 3339, enum values as words, thousandths as decimals, lists as arrays.
 *
 * Owns:    nothing: what is read lives in the arena and in the request.  Threads: the desk thread.
 * Errors:  ERR_USAGE (a key the kind does not have) and ERR_BAD_VALUE & co with the verb's fault,
 *          which names the key and what it may hold; ERR_NOMEM. */
#pragma once

#include "client/api/verb.h"
#include "record/field_words.h"

/* A key of requests that is no field: keys of fields that are taken back. */
#define RECORD_CLEAR_KEY "clear"

/* Reads every key of the request into `m`, which is initialised; null is as absent. */
MUST_USE enum err record_from_json(struct verb *v, const struct kind_info *info, struct arena *a,
				   ProtobufCMessage *m);
/* ERR_USAGE for a field that a first op needs and the request does not have; `made_here` aside. */
MUST_USE enum err record_need_fields(struct verb *v, const struct kind_info *info,
				     const char *made_here);

/* Puts all fields into `object`: null for what is not said, [] for an empty list. */
MUST_USE enum err record_to_json(json_t *object, const struct kind_info *info,
				 const ProtobufCMessage *m);
/* Only what one change said, and "cleared" with the keys it took back. */
MUST_USE enum err record_change_to_json(json_t *object, const struct kind_info *info,
					const ProtobufCMessage *m);

/* Appends a record whose own id is set, with the rules that its kind has in a room, and answers
 * with its id and the op's. (verbs_record.c) */
MUST_USE enum err record_append(struct verb *v, const struct kind_info *info, ProtobufCMessage *m,
				const struct id *record_id);

/* What the record refers to must be here: an id that names nothing is a slip of the hand.
 * `patient_id`: whose it is, zeros when that is not known. (verbs_record.c) */
MUST_USE enum err record_check_ref(struct verb *v, const struct kind_info *info,
				   struct id patient_id);

/* What local_append said, in words: the key instead of the field, the limits of its rule. */
MUST_USE enum err record_fail(struct verb *v, const struct kind_info *info, enum err e,
			      const struct record_error *error);
