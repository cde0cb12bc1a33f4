/* op: the signed core of one change, and the numbering of an author's lanes (SECURITY 2.13).
 *
 * core = enc("crs1/op", clinic_id, op_id, kind, author_id, author_gen, lane_id, lane_seq,
 * prev_op_hash, seen_heads_hash, client_time_ms, payload_hash); op_hash = BLAKE2b-256(core bytes);
 * signature = Ed25519(sign_sk, core bytes). The payload is hashed as received: 16 random bytes
 * `blind` || protobuf. Keep and pass on the core BYTES as received; parse them only to look inside.
 * Threads: any; values.  Errors: ERR_BAD_FORMAT, ERR_AUTH, ERR_BAD_VALUE, ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "crypt/hash.h"
#include "crypt/sign.h"

#define OP_BLIND_BYTES 16u
/* Exact size of every core: the label and eleven fields of fixed length. */
#define OP_CORE_BYTES 263u

enum op_lane_class { OP_LANE_CHART = 1, OP_LANE_SEALED = 2 };

struct op_core {
	struct id clinic_id;
	struct id op_id;
	uint64_t kind;
	struct id author_id;
	uint64_t author_gen;
	struct hash32 lane_id;
	uint64_t lane_seq;             /* from 1, no gaps */
	struct hash32 prev_hash;       /* op_hash of lane_seq - 1; zeros for the first */
	struct hash32 seen_heads_hash; /* op_heads_hash; zeros for an empty list */
	uint64_t client_time_ms;       /* sealed lanes: the day, UTC midnight */
	struct hash32 payload_hash;
};

/* Appends exactly OP_CORE_BYTES to `out`. */
MUST_USE enum err op_core_encode(const struct op_core *core, struct buf *out);
/* Accepts only what op_core_encode makes, with lane_seq >= 1, author_gen >= 1, and prev_hash zero
 * exactly when lane_seq is 1. */
MUST_USE enum err op_core_parse(struct view bytes, struct op_core *ret);

struct hash32 op_hash(struct view core_bytes);
struct hash32 op_payload_hash(struct view payload);
/* ERR_AUTH unless the payload is the one the core names. */
MUST_USE enum err op_check_payload(const struct op_core *core, struct view payload);

struct sign_sig op_sign(const struct sign_key *key, struct view core_bytes);
/* `pk` is the author's sign_pk of author_gen, from the directory. */
MUST_USE enum err op_verify(const struct sign_pk *pk, struct view core_bytes,
			    const struct sign_sig *sig);

/* lane_id = H("crs1/lane", user_id, room_id, class, random16); the four travel with the first
 * op. */
#define LANE_RANDOM_BYTES 16u
MUST_USE enum err lane_id_make(const struct id *user_id, const struct id *room_id,
			       enum op_lane_class class, const uint8_t random[LANE_RANDOM_BYTES],
			       struct hash32 *ret);

/* One lane's newest op, as the author's other lanes of the same class are listed beside an op. */
struct op_head {
	struct hash32 lane_id;
	uint64_t lane_seq;
	struct hash32 op_hash;
};

/* By lane_id; what op_heads_hash wants. */
void op_heads_sort(struct op_head *heads, size_t count);
/* H("crs1/heads", lane_id, lane_seq, op_hash of each); zeros if count is 0. ERR_BAD_VALUE unless
 * sorted without repeats and at most HEADS_MAX; so a peer's list is checked by hashing it. */
MUST_USE enum err op_heads_hash(const struct op_head *heads, size_t count, struct hash32 *ret);
