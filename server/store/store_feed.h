/* store_feed: ops as they leave the store, and what a reader asks about lanes and sessions.
 *
 * Decides nothing: who may see a row is record/access.h's business.
 * Owns, threads, errors, memory: as store.h.   Rules: SECURITY 3.4. */
#pragma once

#include "base/arena.h"
#include "base/id.h"
#include "crypt/op.h"
#include "crypt/sign.h"
#include "server/store/store_ops.h"

struct store;
struct store_reader;

/* One op with all that the access decision needs (record/access.h). */
struct store_row {
	uint64_t seq;
	uint64_t received_ms;
	uint64_t kind;
	uint64_t target_kind;    /* of a tombstone; 0 otherwise */
	struct id target_author; /* of what a tombstone erased; zeros otherwise */
	enum op_lane_class lane_class;
	struct id op_id;
	struct id author_id;
	struct id room_id;      /* where it was written; keep it back in sealed lanes */
	enum err code;          /* not ERR_OK: rejected or quarantined; to its author only */
	bool hidden;            /* a tombstone names it: the payload goes or went */
	struct id patient_id;   /* zeros when the op belongs to none */
	struct id session_id;   /* zeros ... */
	struct id therapist_id; /* of the session */
	uint64_t started_ms;    /* of the session */
	bool imported;          /* the session */
	bool is_signed;         /* the session */
	struct id record_id;    /* of a plain record, a tombstone's target's; zeros for none */
	/* A directive's, or the end's of one: whom it is against. Zeros and 0: nobody here. */
	struct id against_user;
	uint64_t against_role;

	struct view core;
	struct sign_sig signature;
	struct view payload; /* empty when erased */
	bool has_intro;
	struct store_lane_intro intro;
	struct op_head *heads; /* as they travelled; only for the author */
	size_t head_count;
	bool has_heads;
};

struct store_page {
	struct store_row *rows;
	size_t count;
	uint64_t up_to_seq; /* everything up to here was looked at */
	bool more;          /* there is more above it */
};

/* All ops above after_seq in order, until `limit` rows or `bytes_max` op bytes (at least one). */
MUST_USE enum err store_feed_page(struct store_reader *r, uint64_t after_seq, size_t limit,
				  size_t bytes_max, struct arena *arena, struct store_page *ret);
/* Ops that belong to a patient (identity, session frames and everything in the sessions). */
MUST_USE enum err store_patient_page(struct store_reader *r, const struct id *patient_id,
				     uint64_t after_seq, size_t limit, size_t bytes_max,
				     struct arena *arena, struct store_page *ret);
/* A part of it, for a chart that is to open at once. */
struct store_chart {
	struct id patient_id;
	uint64_t before_ms;  /* of sessions that began before; UINT64_MAX: of all, and of none */
	size_t sessions_max; /* whole, the newest; of two that began at once the greater id */
};
/* Ops of those sessions, and of the older ones what a chart shows at any time: plain records, but
 * no mood reads and no appointments. `*ret_sessions`: how many sessions began before. One whose
 * frame was erased is none. */
MUST_USE enum err store_chart_page(struct store_reader *r, const struct store_chart *chart,
				   uint64_t after_seq, size_t limit, size_t bytes_max,
				   struct arena *arena, struct store_page *ret,
				   uint64_t *ret_sessions);
MUST_USE enum err store_session_page(struct store_reader *r, const struct id *session_id,
				     uint64_t after_seq, size_t limit, size_t bytes_max,
				     struct arena *arena, struct store_page *ret);

struct store_lane_head {
	struct op_head head;
	enum op_lane_class lane_class;
	struct id room_id;
};
/* All lanes of one person, sorted by lane_id. */
MUST_USE enum err store_lane_heads(struct store_reader *r, const struct id *user_id,
				   struct arena *arena, struct store_lane_head **ret_heads,
				   size_t *ret_count);

/* ERR_NOT_FOUND when no patient or session of that id exists. */
struct store_session_ref {
	struct id patient_id;
	struct id therapist_id;
	uint64_t started_ms;
	bool imported;
	bool is_signed;
};
MUST_USE enum err store_session_ref(struct store_reader *r, const struct id *session_id,
				    struct store_session_ref *ret);
MUST_USE enum err store_patient_exists(struct store_reader *r, const struct id *patient_id);
