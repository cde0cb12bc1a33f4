/* op: an op as it travels, between its protobuf struct and views with checked lengths.
 *
 * Knows the shape only: what is inside core and payload is crypt's and record's business.
 * Owns:    nothing; views point into the message or bytes they came from.   Threads: any.
 * Limits:  core + signature + payload OP_BYTES_MAX; HEADS_MAX heads. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/view.h"
#include "roomkeep/wire.pb-c.h"

#define WIRE_HASH_BYTES 32u
#define WIRE_SIGNATURE_BYTES 64u

struct wire_head {
	uint8_t lane_id[WIRE_HASH_BYTES];
	uint64_t lane_seq; /* from 1 */
	uint8_t op_hash[WIRE_HASH_BYTES];
};

struct wire_intro {
	struct id user_id;
	struct id room_id;
	uint32_t lane_class; /* enum lane_class of record/kinds.h: 1 or 2 */
	struct id random16;
};

struct wire_op {
	struct view core;      /* as signed; never empty */
	struct view signature; /* WIRE_SIGNATURE_BYTES */
	struct view payload;   /* blind and message; empty when has_payload is false */
	bool has_payload;      /* false: erased */
	bool has_intro;
	struct wire_intro intro;
	const struct wire_head *heads; /* borrowed; lane ids strictly rising */
	size_t head_count;
};

/* Checks lengths and copies nothing but the heads, which go into `a`.
 * Returns: ERR_OK; ERR_BAD_FORMAT for a wrong length, a lane class that is not 1 or 2, heads out of
 * order or a lane_seq of 0; ERR_TOO_BIG for OP_BYTES_MAX or HEADS_MAX; ERR_NOMEM. */
MUST_USE enum err wire_op_read(struct arena *a, const Roomkeep__Op *from, struct wire_op *ret_op);

/* The reverse: the message points into `op`'s views, its own parts live in `a`. ERR_NOMEM.
 * Requires: what wire_op_read checks. */
MUST_USE enum err wire_op_write(struct arena *a, const struct wire_op *op, Roomkeep__Op **ret_to);

/* The op alone as bytes (a Roomkeep__Op): inside a sealed outbox row and in stores. Appends;
 * `out` is unchanged on error. ERR_TOO_BIG, ERR_NOMEM. */
MUST_USE enum err wire_op_encode(const struct wire_op *op, struct buf *out);

/* Strict; parse errors as scan_unpack, then as wire_op_read. Views point into `a`. */
MUST_USE enum err wire_op_decode(struct arena *a, struct view bytes, struct wire_op *ret_op);

/* Bytes that count towards BATCH_BYTES_MAX: never less than the encoded op takes. */
size_t wire_op_bytes(const struct wire_op *op);

/* One head; LoginOk carries some too. ERR_BAD_FORMAT. */
MUST_USE enum err wire_head_read(const Roomkeep__Head *from, struct wire_head *ret_head);

/* Messages for `count` heads, in `a`, pointing into `heads`. NULL for none.
 * ERR_NOMEM, ERR_TOO_BIG. */
MUST_USE enum err wire_heads_write(struct arena *a, const struct wire_head *heads, size_t count,
				   Roomkeep__Head ***ret_to);

/* A protobuf bytes field as an id: ERR_BAD_FORMAT unless 16 bytes are there. */
MUST_USE enum err wire_id(ProtobufCBinaryData from, struct id *ret_id);

static inline struct view wire_view(ProtobufCBinaryData from)
{
	return (struct view){ from.data, from.len };
}

/* For building a message: borrows; protobuf-c's struct is not const but packing only reads. */
ProtobufCBinaryData wire_bytes(struct view v);
ProtobufCBinaryData wire_id_bytes(const struct id *id);
char *wire_text(const char *text);         /* NULL stays NULL */
char *wire_text_or_null(const char *text); /* an empty one is not said */
