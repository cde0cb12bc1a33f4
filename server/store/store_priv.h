/* store_priv: the inside of the store, shared by the files of this folder only. */
#pragma once

#include "base/crashpoint.h"
#include "db/db.h"
#include "record/payload.h"
#include "server/store/store.h"

struct store_reader {
	struct db *db; /* owned, but for the writer's own eyes */
};

/* What the writer knows without asking; goes back with undo and rollback. */
struct store_state {
	bool founded;
	struct id clinic_id;        /* zeros while unfounded */
	struct id epoch;            /* zeros while unfounded */
	uint64_t op_seq;            /* newest op */
	uint64_t audit_seq;         /* newest log entry */
	struct hash32 audit_entry;  /* its hash; zeros before the first */
	uint64_t unsigned_count;    /* entries above the newest head */
	uint64_t unsigned_since_ms; /* time of the oldest of them */
	uint64_t backed_up_seq;
	bool has_head;
	struct store_head head; /* the newest */
};

struct store {
	struct db *db; /* owned */
	struct store_reader self;
	char *folder; /* owned */
	struct db_space space;
	const struct sign_key *log_key; /* borrowed */
	uint64_t now_ms;                /* of this transaction */
	bool open;                      /* a transaction is open */
	bool marked;
	bool erase_due; /* the WAL may hold what was purged; also at start, after a crash */
	struct store_state state;
	struct store_state at_begin;
	struct store_state at_mark;
	struct arena arena; /* scratch of one verb */
};

struct db_schema store_schema(void);

enum store_record_kind { STORE_RECORD_POLICY = 1, STORE_RECORD_SERVER = 2, STORE_RECORD_EPOCH = 3 };

/* ---- helpers --------------------------------------------------------------------------------- */

/* A column copied into the arena; ERR_TOO_BIG when its cap is reached, which a peer or a large
 * clinic can do, and ERR_NOMEM when there is no memory, which is our own trouble. */
MUST_USE enum err store_col_dup(const struct db_stmt *stmt, int column, struct arena *arena,
				struct view *ret);
MUST_USE enum err store_col_hash(const struct db_stmt *stmt, int column, struct hash32 *ret);
MUST_USE enum err store_col_sig(const struct db_stmt *stmt, int column, struct sign_sig *ret);
/* Room for `count` elements (at least one) in the arena. Errors as above. */
MUST_USE enum err store_array(struct arena *arena, size_t count, size_t bytes_each,
			      void *ret_array);

static inline struct db_arg db_hash(const struct hash32 *h)
{
	return db_blob(hash_view(h));
}

static inline struct db_arg db_sig(const struct sign_sig *s)
{
	return db_blob(sign_sig_view(s));
}

/* ---- audit_log.c ----------------------------------------------------------------------------- */

/* One row of the log as it is hashed: enc("crs1/audit-row", event, user_id, room_id, subject_id,
 * code, number, hash). */
struct audit_row {
	enum store_event_kind event;
	struct id user_id;
	struct id room_id;
	struct id subject_id;
	enum err code;
	uint64_t number;    /* seq of the op; 0 when it is about none */
	struct hash32 hash; /* op_hash; zeros */
};
MUST_USE enum err audit_row_encode(const struct audit_row *row, struct buf *out);
MUST_USE enum err audit_row_parse(struct view body, struct audit_row *ret);
MUST_USE enum err store_audit_row(struct store *s, const struct audit_row *row);
/* Signs a head when one is due. */
MUST_USE enum err store_head_sign_due(struct store *s);

/* ---- judge.c: may this op be applied? -------------------------------------------------------- */

struct store_judged {
	enum store_op_status status; /* COMMITTED, REJECTED or QUARANTINED */
	enum err code;
	bool known;             /* payload is decoded */
	struct payload payload; /* in the arena */
	struct id patient_id;   /* zeros: none */
	struct id session_id;   /* zeros: none */
	uint64_t target_kind;   /* of a tombstone */
	uint64_t target_seq;    /* of a tombstone */
	bool target_hidden;     /* an earlier tombstone names it */
};
/* An error value: nothing could be decided. `lane_class` is the lane's. */
MUST_USE enum err store_judge(struct db *db, struct arena *arena, const struct store_op *op,
			      enum op_lane_class lane_class, uint64_t now_ms,
			      struct store_judged *ret);

/* ---- views.c: what the ops say --------------------------------------------------------------- */

/* An op to be applied; the same call builds the live views and rebuilds them in store_check. */
struct view_op {
	uint64_t seq;
	struct id op_id;
	struct id author_id;
	const struct payload *payload;
	struct id target_session; /* of a tombstone: session of its target, zeros for none */
	uint64_t target_kind;
	uint64_t target_seq;
};
MUST_USE enum err views_apply(struct db *db, const struct view_op *op);

/* ---- record_view.c: those of plain records --------------------------------------------------- */

/* Does the kind allow this op after what its record says now? (record_fold.h) */
MUST_USE enum err record_view_check(struct db *db, const struct payload *payload,
				    const struct id *patient_id);
/* Does a legal hold stand for this patient? */
MUST_USE enum err record_view_is_held(struct db *db, const struct id *patient_id, bool *ret_held);
MUST_USE enum err record_view_apply(struct db *db, const struct view_op *op);
/* Takes away what op `seq` said of a record of this kind. */
MUST_USE enum err record_view_erase(struct db *db, const struct kind_info *info, uint64_t seq);

/* What a record would be after an op, or without op `seq`. `*ret_plain`: its row, 0 for none yet.
 * The buffers hold its message, empty when there is none. */
MUST_USE enum err record_view_after(struct db *db, const struct payload *payload,
				    uint64_t *ret_plain, bool *ret_is_first, struct buf *before,
				    struct buf *after);
MUST_USE enum err record_view_without(struct db *db, const struct kind_info *info, uint64_t seq,
				      uint64_t *ret_plain, bool *ret_was_there, struct buf *before,
				      bool *ret_is_there, struct buf *after);

/* ---- booking_view.c: which appointments hold their time -------------------------------------- */

/* A record of any kind is now `state` (nothing when it is not there). */
MUST_USE enum err booking_view_update(struct db *db, const struct kind_info *info, uint64_t plain,
				      bool is_there, struct view state);
/* ERR_CLASH: with this op an appointment would stand where another does. ERR_OK for other kinds. */
MUST_USE enum err booking_judge(struct db *db, const struct payload *payload);
/* ERR_CLASH: without that op it would come back to where another stands by now. */
MUST_USE enum err booking_judge_erased(struct db *db, uint64_t target_kind, uint64_t target_seq);

/* ---- lockbox.c: what patients withhold ------------------------------------------------------- */

/* Fills against_user and against_role of a row of a directive or of its end. */
MUST_USE enum err lockbox_read_against(struct db *db, struct store_row *row);
/* ERR_FULL for one directive more than LOCKBOX_BARS_MAX; ERR_NOT_FOUND for the end of none;
 * ERR_DENIED for a review by who made the override. ERR_OK for other kinds. */
struct lockbox_asks {
	struct id patient_id;
	struct id author_id;
	uint64_t author_roles;
};
MUST_USE enum err lockbox_judge(struct db *db, const struct payload *payload,
				const struct lockbox_asks *asks);

/* ---- skeleton.c: what stays of an erased payload --------------------------------------------- */

/* Appends the message's bytes (ERR_NOMEM), and reads what was stored (ERR_CORRUPT). */
MUST_USE enum err store_message_pack(const ProtobufCMessage *message, struct buf *out);
MUST_USE enum err store_message_unpack(const struct kind_info *info, struct view bytes,
				       ProtobufCMessage **ret);
void store_message_freep(ProtobufCMessage **m); /* for CLEANUP */
/* Appends the message of `payload` without its words; nothing for kinds without a view. */
MUST_USE enum err skeleton_encode(const struct payload *payload, struct buf *out);
/* `ret->is.any` is to be freed with skeleton_free. ERR_CORRUPT. Requires: a known kind. */
MUST_USE enum err skeleton_decode(uint64_t kind, struct view bytes, struct payload *ret);
void skeleton_free(struct payload *p);

/* ---- check.c, check_ops.c, check_views.c ----------------------------------------------------- */

struct check {
	struct db *db; /* borrowed; a snapshot is open */
	struct store_check_report report;
	bool founded;
	struct id clinic_id;
	struct sign_pk root_pk;
	struct directory directory; /* owned; as far as its entries hold */
	struct sign_pk *log_pks;    /* owned; of every server record that holds */
	size_t log_pk_count;
	struct arena arena; /* scratch of one row */
};

/* Counts a finding; the first one is named. `what` is static. */
void check_bad(struct check *c, enum store_check_item item, uint64_t number, const char *what);
void check_seen(struct check *c, enum store_check_item item);

MUST_USE enum err check_op_signatures(struct check *c);
MUST_USE enum err check_op_lanes(struct check *c);
MUST_USE enum err check_op_payloads(struct check *c);
MUST_USE enum err check_op_audit(struct check *c);
MUST_USE enum err check_views(struct check *c);
