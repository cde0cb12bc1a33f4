/* scan: a strict walk over encoded protobuf before protobuf-c unpacks it.
 *
 * protobuf-c allocates as the bytes say, follows any nesting, keeps the last of two equal fields,
 * cuts numbers to their type and ends strings at a NUL without a word. This walk refuses all that
 * first, led by the message's descriptor, without allocating. Also here: the one allocator through
 * which protobuf-c may take memory, from an arena with a cap.
 *
 * Owns:    nothing.   Threads: any.   Limits: WIRE_DEPTH_MAX, WIRE_FIELDS_MAX, parse memory. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/view.h"

#include <protobuf-c/protobuf-c.h>

#define WIRE_DEPTH_MAX 5u      /* Frame > Feed > FeedOp > Op > Head is the deepest we have */
#define WIRE_FIELDS_MAX 65536u /* fields of one frame in all its messages */
#define WIRE_PARSE_BYTES_MIN (8u * KIB) /* the "small constant": a tiny frame has structs too */

/* Where a scan failed, for an error that names the field. All static storage. */
struct scan_fault {
	const char *field; /* name in the innermost message that is known; NULL for none */
};

struct scan_count {
	size_t fields;  /* all, nested and unknown ones included */
	size_t unknown; /* fields the descriptor does not know */
};

/* Checks that `bytes` is one well-formed message of `type`: tags, wire types, lengths, no group, no
 * second value of a field that is not repeated, one member of a oneof, numbers inside their type,
 * enum values that are known (0 included when the enum has it), strings in UTF-8 form without NUL.
 * A number has one form only, the shortest; packed repeated numbers are not part of our contract.
 * Returns: ERR_OK; ERR_BAD_FORMAT for bad bytes or too deep nesting; ERR_BAD_TEXT for a bad string;
 * ERR_BAD_VALUE for an enum value or number outside its type; ERR_TOO_BIG for the count of fields.
 * `ret_count` and `ret_fault` may be NULL; the fault is written on failure only.
 * Requires: message types of at most 64 fields (a test counts ours). */
MUST_USE enum err scan_message(const ProtobufCMessageDescriptor *type, struct view bytes,
			       struct scan_count *ret_count, struct scan_fault *ret_fault);

/* The raw bytes of field `number` in a message that scan_message accepted: for a length-delimited
 * field its content. False when it is absent. The view borrows from `bytes`. */
bool scan_find(struct view bytes, uint32_t number, struct view *ret_value);

/* The same for a varint field. */
bool scan_find_varint(struct view bytes, uint32_t number, uint64_t *ret_value);

/* scan_message, then unpack into the arena within min(FRAME_PARSE_FACTOR x len + a small constant,
 * FRAME_PARSE_BYTES_MAX) bytes. Returns: as scan_message; ERR_TOO_BIG at that cap or the arena's;
 * ERR_NOMEM. The message is never freed by protobuf_c_message_free_unpacked: the arena does it. */
MUST_USE enum err scan_unpack(struct arena *a, const ProtobufCMessageDescriptor *type,
			      struct view bytes, ProtobufCMessage **ret_message,
			      struct scan_count *ret_count, struct scan_fault *ret_fault);
