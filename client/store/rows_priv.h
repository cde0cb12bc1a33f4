/* rows_priv: op rows, lanes, making and the decrypted indexes, shared by the files of this folder;
 * part of local_priv.h. */
#pragma once

#include "client/store/local_priv.h"

/* ---- op rows (rows.c) ------------------------------------------------------------------------ */
/* One op row, opened. `plain` owns all bytes the rest points into; wiped by row_fini. */
struct op_row {
	uint64_t ord;
	uint64_t seq; /* 0: no receipt yet */
	struct id op_id;
	/* Of its outbox row; of what was pulled: REJECTED with a code, else COMMITTED. */
	enum local_op_state state;
	enum err code;
	struct buf plain;
	struct arena arena;
	struct wire_op op;
	struct op_core core;
	struct hash32 hash;
	struct id room_id; /* zeros: not told */
	uint64_t received_ms;
};
void op_row_fini(struct op_row *r);
void op_row_finip(struct op_row *r);

/* Names for vault_tag. */
#define TAG_PATIENTS "patients" /* every patient op */
#define TAG_PATIENT "patient"   /* those of one */
#define TAG_SESSION "session"
#define TAG_FRAMES "frames" /* frame ops of one patient */
#define TAG_NOTES "notes"
#define TAG_OPENED "opened"
#define TAG_RECORD "record"   /* with the kind's name: ops of one plain record */
#define TAG_RECORDS "records" /* with the kind's name: all of one patient */
#define TAG_FOUND "found"     /* with the kind's name: all of a day, of a session, or all */
#define TAG_TARGET "target"   /* a tombstone whose target is not here yet */

/* What a row is found by. */
struct op_tags {
	bool has_subject, has_patient, has_found;
	uint8_t subject[VAULT_TAG_BYTES];
	uint8_t patient[VAULT_TAG_BYTES];
	uint8_t found[VAULT_TAG_BYTES];
};
MUST_USE enum err row_tags(struct local *l, const struct vault *v, uint64_t kind,
			   const struct payload *p, struct op_tags *ret);
MUST_USE enum err row_adopt_tombstones(struct local *l, const struct vault *v,
				       const struct id *op_id, const struct op_tags *tags);
/* What the server says about an op; zeros where it said nothing. */
struct row_origin {
	uint64_t seq;
	uint64_t received_ms;
	struct id room_id; /* where it was written */
	enum err code;     /* it was refused, and is no part of the record */
};
/* Inserts one op for the person. ERR_EXISTS. */
MUST_USE enum err row_insert(struct local *l, const struct vault *v, const struct op_core *core,
			     const struct wire_op *op, const struct row_origin *origin,
			     const struct op_tags *tags);
/* A second op under the id of a stored one: kept aside. */
MUST_USE enum err row_insert_odd(struct local *l, const struct vault *v, const struct op_core *core,
				 const struct wire_op *op, const struct row_origin *origin);
/* ERR_NOT_FOUND. */
MUST_USE enum err row_find(struct local *l, const struct vault *v, const struct id *op_id,
			   struct op_row *ret);
/* Calls `each` for every row with this tag, oldest first. The row is the callee's only during the
 * call. */
struct row_visitor {
	enum err (*each)(void *ctx, struct op_row *row);
	void *ctx;
};
MUST_USE enum err row_each_subject(struct local *l, const struct vault *v,
				   const uint8_t tag[VAULT_TAG_BYTES], struct row_visitor visit);
MUST_USE enum err row_each_patient(struct local *l, const struct vault *v,
				   const uint8_t tag[VAULT_TAG_BYTES], struct row_visitor visit);
MUST_USE enum err row_each_found(struct local *l, const struct vault *v,
				 const uint8_t tag[VAULT_TAG_BYTES], struct row_visitor visit);
/* The same tag, newest first, until `each` returns ERR_NOT_FOUND. */
MUST_USE enum err row_each_newest(struct local *l, const struct vault *v,
				  const uint8_t tag[VAULT_TAG_BYTES], struct row_visitor visit);
/* Every patient op, grouped by patient. */
MUST_USE enum err row_each_of_patients(struct local *l, const struct vault *v,
				       struct row_visitor visit);
MUST_USE enum err row_each_all(struct local *l, const struct vault *v, struct row_visitor visit);
/* By the state of the outbox row: all but committed; newest committed; queued, oldest first. */
MUST_USE enum err row_each_pending(struct local *l, const struct vault *v,
				   struct row_visitor visit);
/* Own ops of other rooms that the server refused, oldest first. */
MUST_USE enum err row_each_refused(struct local *l, const struct vault *v,
				   struct row_visitor visit);
MUST_USE enum err row_each_committed(struct local *l, const struct vault *v, uint64_t max,
				     struct row_visitor visit);
MUST_USE enum err row_each_queued(struct local *l, const struct vault *v, uint64_t max,
				  struct row_visitor visit);
/* Belongs to the record as it is shown: not what the server refused. */
bool row_counts(const struct op_row *row);
/* A tombstone counts when its author may erase that target (read.c). */
MUST_USE enum err row_tombstone_holds(struct local *l, const struct vault *v,
				      const struct op_row *row, const struct payload *p, bool *ret);
/* Decodes a row that is part of the record as it is shown: it counts, its words are here, and a
 * tombstone holds. ERR_CORRUPT. (read.c) */
MUST_USE enum err row_shown(struct local *l, const struct vault *v, struct op_row *row,
			    struct payload *ret, bool *ret_shown);
/* Decodes the payload; ERR_NOT_FOUND when erased or of an unknown kind. */
MUST_USE enum err row_payload(struct op_row *row, struct payload *ret);
struct fold_meta row_meta(const struct op_row *row);
/* When the server took it; of what was written in this room: the room's own time. ms since 1970 */
uint64_t row_taken_ms(const struct op_row *row);

/* ---- what was fetched (history.c) ------------------------------------------------------------ */
struct feed_fetch;
/* Everything of the patient is here up to `seq`. */
MUST_USE enum err history_set_whole(struct local *l, const struct vault *v,
				    const struct id *patient_id, uint64_t now_ms, uint64_t seq);
/* What was asked for is here, out of `sessions`. */
MUST_USE enum err history_set_part(struct local *l, const struct vault *v,
				   const struct feed_fetch *what, uint64_t now_ms,
				   uint64_t sessions);
/* For a person whose rights are other ones now: what was not to be read then was not sent. */
MUST_USE enum err history_forget(struct local *l, const struct id *user_id);

/* ---- lanes (lanes.c) ------------------------------------------------------------------------- */
MUST_USE enum err lanes_load(struct local *l, const struct vault *v);
MUST_USE enum err lane_store(struct local *l, const struct vault *v, struct local_lane *lane);
struct local_lane *lane_find(struct local *l, const struct hash32 *lane_id);
/* The lane this room writes for the person; made when there is none. */
MUST_USE enum err lane_mine(struct local *l, const struct vault *v, uint32_t class,
			    struct local_lane **ret);
MUST_USE enum err lane_add(struct local *l, const struct hash32 *lane_id, uint32_t class,
			   struct local_lane **ret);
/* Heads of the person's other lanes of the class, sorted. */
size_t lane_other_heads(const struct local *l, const struct local_lane *mine,
			struct op_head heads[HEADS_MAX]);

/* ---- plain records (records.c) --------------------------------------------------------------- */
void record_tags(const struct vault *v, const struct payload *p, struct op_tags *ret);
/* Ops of one plain record. */
void record_tag(const struct vault *v, const char *what, const struct kind_info *info,
		const struct id *id, uint8_t ret_tag[VAULT_TAG_BYTES]);
/* What is listed across patients: an appointment stands under the UTC day (since 1970) at which an
 * op lets it begin; a place on the waiting list under day 0. */
void record_tag_found(const struct vault *v, const struct kind_info *info, uint64_t day,
		      uint8_t ret_tag[VAULT_TAG_BYTES]);
MUST_USE enum err record_may_read(struct local *l, const struct vault *v, enum kind kind);
/* As local_list_records, of everybody: for a kind that is listed for two, or has no patient. */
MUST_USE enum err record_list_all(struct local *l, const struct vault *v, enum kind kind,
				  struct record_fold *ret_fold,
				  const struct record_state **ret_records, size_t *ret_count);
/* Adds a row that counts to a fold of its kind. */
MUST_USE enum err record_add_row(struct local *l, const struct vault *v, struct op_row *row,
				 struct record_fold *fold);
/* All texts of it, "reason: over" line by line, for its author to see when it was refused.
 * `*ret_text` is the caller's (wipe, free); NULL when it has none. */
MUST_USE enum err record_typed(const struct payload *p, char **ret_text);
/* Are its patient and session here, and is it still the record it was? Roles are not asked about.
 * `*ret_first`: it is the first op of its record. Errors as local_append. */
MUST_USE enum err record_check_write(struct local *l, const struct vault *v,
				     const struct payload *p, bool *ret_first,
				     struct record_error *ret_error);

/* ---- making (make.c) ------------------------------------------------------------------------- */
/* Numbers, signs, seals and stores an op whose payload is made. Inside a transaction. */
struct making {
	uint64_t kind;
	struct local_lane *lane;
	struct id op_id;
	uint64_t time_ms;
};
MUST_USE enum err make_begin(struct local *l, const struct vault *v, enum kind kind,
			     uint64_t now_ms, struct making *ret);
MUST_USE enum err make_finish(struct local *l, struct vault *v, const struct making *m,
			      struct view payload, uint64_t now_ms);
/* Encodes, then begin and finish in a transaction. The caller has asked access.h. */
MUST_USE enum err make_append(struct local *l, struct vault *v, enum kind kind,
			      const ProtobufCMessage *msg, bool first, uint64_t now_ms,
			      struct id *ret_op_id, struct record_error *ret_error);
uint64_t person_roles(const struct local *l, const struct id *user_id);

/* ---- decrypted indexes ----------------------------------------------------------------------- */
MUST_USE enum err patients_load(struct local *l, const struct vault *v);
MUST_USE enum err patients_refresh(struct local *l, const struct vault *v, const struct id *id);
/* The patient whose op this is, when it is one: a tombstone names it. */
MUST_USE enum err patients_refresh_target(struct local *l, const struct vault *v,
					  const struct id *op_id);
void patients_forget(struct local *l);
bool patients_have(const struct local *l, const struct id *id);
MUST_USE enum err notes_load(struct local *l, const struct vault *v);
/* Adds one note op to the index. */
MUST_USE enum err notes_add(struct local *l, const struct vault *v, struct op_row *row);
void notes_forget(struct local *l);
/* Signed head of the audit log, verified and kept; raises LOG_HEAD. */
MUST_USE enum err head_keep(struct local *l, const Roomkeep__SignedHead *head, uint64_t now_ms);
/* A payload for encoding: blind from the room's source. */
void make_blind(struct local *l, uint8_t ret_blind[PAYLOAD_BLIND_BYTES]);
struct fold_hasher local_hasher(void);
