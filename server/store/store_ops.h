/* store_ops: ops into their lanes, what happens to those that do not fit, erasing, and the log.
 *
 * Owns, threads, errors, memory: as store.h.   Rules: SECURITY 2.13, 2.15, 3.1, 3.2, 3.8. */
#pragma once

#include "base/id.h"
#include "crypt/audit.h"
#include "crypt/op.h"
#include "crypt/sign.h"

struct store;
struct store_reader;

/* ---- audit ----------------------------------------------------------------------------------- */

/* X(NAME, number for ever, "word") */
#define STORE_EVENT_MAP(X)                                                                         \
	X(FOUNDED, 1, "founded")                                                                   \
	X(SETUP_FAILED, 2, "setup_failed")                                                         \
	X(OP, 3, "op")         /* written by store_append_op */                                    \
	X(OPENED, 4, "opened") /* an `opened` op: subject is the patient or session */             \
	X(QUARANTINED, 5, "quarantined")                                                           \
	X(PURGED, 6, "purged") /* one erased payload */                                            \
	X(SIGN_IN, 7, "sign_in")                                                                   \
	X(SIGN_IN_FAILED, 8, "sign_in_failed")                                                     \
	X(SIGN_OUT, 9, "sign_out")                                                                 \
	X(FETCHED, 10, "fetched") /* subject: the patient or session */                            \
	X(REFUSED, 11, "refused") /* a request outside the rights of who asked */                  \
	X(ROOM_INVITED, 12, "room_invited")                                                        \
	X(ROOM_ENROLLED, 13, "room_enrolled")                                                      \
	X(ROOM_ENROL_FAILED, 14, "room_enrol_failed")                                              \
	X(ROOM_RETIRED, 15, "room_retired")                                                        \
	X(USER_ADDED, 16, "user_added")                                                            \
	X(USER_BLOCKED, 17, "user_blocked")                                                        \
	X(DIRECTORY, 18, "directory") /* subject: the person the entry is about */                 \
	X(PASSPHRASE_CHANGED, 19, "passphrase_changed")                                            \
	X(UNLOCKED, 20, "unlocked")                                                                \
	X(STARTED, 21, "started")                                                                  \
	X(WATCHED, 22, "watched")             /* who stays away was asked */                       \
	X(DIRECTIVE_HIT, 23, "directive_hit") /* withheld was looked at; subject: the patient */   \
	X(BREAKGLASS, 24, "breakglass")       /* withheld was opened; subject: the patient */      \
	X(REVIEWED, 25, "reviewed")           /* the monthly review was asked for */               \
	X(OPENINGS, 26, "openings") /* who opened a chart was asked; subject: the patient */

enum store_event_kind {
#define STORE_EVENT_ENUM(name, number, word) STORE_EVENT_##name = number,
	STORE_EVENT_MAP(STORE_EVENT_ENUM)
#undef STORE_EVENT_ENUM
};

/* Who did what to which id, where; never content. Zeros where a field does not apply. */
struct store_event {
	enum store_event_kind kind;
	struct id user_id;
	struct id room_id;
	struct id subject_id;
	enum err code; /* why it failed; ERR_OK otherwise */
};

/* Adds a row to the chain. Only store_append_op, store_quarantine_op, store_purge_due and
 * store_found do it by themselves; for every other verb the caller does, who knows who asked. */
MUST_USE enum err store_audit(struct store *s, const struct store_event *event);

struct store_head {
	struct audit_head head;
	struct sign_sig signature;
};

#define STORE_HEAD_ENTRIES 100u /* a head is signed every so many entries ... */
#define STORE_HEAD_MS 60000u    /* ... or when the oldest unsigned entry is this old */

/* ERR_NOT_FOUND before the first. */
MUST_USE enum err store_head_latest(struct store_reader *r, struct store_head *ret);
/* What an acknowledgement says about the clinic, after a commit. The writer knows it without asking
 * the database: it is needed once per batch. */
struct store_now {
	uint64_t seq; /* newest op */
	uint64_t backed_up_seq;
	bool has_head;
	struct store_head head;
};
void store_now(const struct store *s, struct store_now *ret);
/* The same for any reader, at start. */
MUST_USE enum err store_now_read(struct store_reader *r, struct store_now *ret);

/* True when entries wait for a head longer than STORE_HEAD_MS: then the owner runs an empty
 * begin/commit. Writer thread. */
bool store_head_is_due(const struct store *s, uint64_t now_ms);

/* ---- ops ------------------------------------------------------------------------------------- */

struct store_lane_intro {
	struct id user_id;
	struct id room_id;
	enum op_lane_class lane_class;
	uint8_t random16[LANE_RANDOM_BYTES];
};

/* One op, checked by the caller: core parsed from core_bytes, signature against the directory,
 * payload against payload_hash, intro against lane_id, heads against seen_heads_hash. */
struct store_op {
	const struct op_core *core;
	struct view core_bytes; /* OP_CORE_BYTES */
	struct sign_sig signature;
	struct view payload;                  /* blind and message */
	const struct store_lane_intro *intro; /* NULL but on the first op of a lane */
	const struct op_head *heads;          /* as they travelled; NULL when they did not */
	size_t head_count;
	uint64_t author_roles; /* bits, now, from the directory */
};

enum store_op_status {
	STORE_OP_COMMITTED = 1, /* numbers as in wire.proto, OpStatus */
	STORE_OP_DUPLICATE = 2,
	STORE_OP_REJECTED = 3,
	STORE_OP_QUARANTINED = 4,
	STORE_OP_LANE_GAP = 5,
};

struct store_op_result {
	enum store_op_status status;
	enum err code;         /* REJECTED, QUARANTINED */
	uint64_t seq;          /* 0 when the op got none */
	uint64_t expected_seq; /* LANE_GAP: lane_seq to send next */
};

/* Appends, applies to the views, extends the chain. The verdict is in `*ret`; an error value means
 * that nothing is decided (undo, answer BUSY_DISK or stop).
 *   COMMITTED    applied (or stored as bytes: an unknown kind)
 *   DUPLICATE    this op_id with this op_hash was committed before, as `seq`
 *   REJECTED     in its lane (the lane goes on, the op has a seq) but never applied: ERR_SIGNED,
 *                ERR_DENIED, ERR_NOT_FOUND (patient, session, target), ERR_BAD_VALUE; or not even
 *                in the lane (seq 0): a lane without intro or another person's, another clinic's
 *                op, ERR_FULL for more than HEADS_MAX + 1 lanes of one author and class
 *   QUARANTINED  ERR_FORK (seq 0): other bytes claim this op_id or place, both are kept, nothing is
 *                applied; any other code: the payload is not what its kind says, or the kind does
 *                not belong in this lane; the lane goes on
 *   LANE_GAP     send from expected_seq
 * The same op again gives the same verdict (COMMITTED becomes DUPLICATE). */
MUST_USE enum err store_append_op(struct store *s, const struct store_op *op,
				  struct store_op_result *ret);

/* Was this op judged before? `*ret_known`: then `*ret` is what store_append_op would say. Appends
 * nothing: for the op of somebody who may not act any more, whose receipt was lost on the way. */
MUST_USE enum err store_find_op(struct store *s, const struct store_op *op, bool *ret_known,
				struct store_op_result *ret);

/* Keeps an op that the caller found unsound (bad signature, payload of another hash) for the owner;
 * the lane does not move. The same bytes twice are kept once.
 * ERR_FULL for code ERR_AUTH when STORE_FORGED_MAX such ops are kept: whoever has a room's key and
 * nothing else can make as many as he likes, and the disk is everybody's (256 x 256 KiB = 64
 * MiB). */
#define STORE_FORGED_MAX 256u
MUST_USE enum err store_quarantine_op(struct store *s, const struct store_op *op, enum err code);

/* Removes payloads whose tombstones are 30 days old, at most `limit`; each makes an audit row. When
 * it returns more than 0, checkpoint with store_checkpoint_erase after the commit. */
#define PURGE_AFTER_MS (30ull * 24u * 3600u * 1000u)
MUST_USE enum err store_purge_due(struct store *s, size_t limit, uint64_t *ret_purged);
/* The writer's care in a gap between batches: purges a bounded number of payloads in a transaction
 * of its own and then empties the WAL. `*ret_again`: something is left, call in the next gap.
 * Requires: no transaction open. ERR_BUSY as store_checkpoint_erase: call in a later gap. */
#define STORE_TEND_MAX 256u
MUST_USE enum err store_tend(struct store *s, uint64_t now_ms, bool *ret_again);
/* As store_checkpoint, and empties the WAL, where old pages still hold erased bytes. ERR_BUSY
 * when a reader holds an old snapshot for seconds: try again in a later gap. */
MUST_USE enum err store_checkpoint_erase(struct store *s);
