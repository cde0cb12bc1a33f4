/* record_view: the views of plain records. Ops come here in the order of their numbers, so the rule
 * of record_fold.h is one step per op; only a tombstone makes a record anew from what is left. */
#include "base/check.h"
#include "record/duty_record.h"
#include "record/record_fold.h"
#include "server/store/store_priv.h"

#include <stdlib.h>

/* `state` (bytes of what held, empty for the first op) and one newer op: `state` is what holds. */
static enum err state_step(const struct kind_info *info, bool is_first, const ProtobufCMessage *op,
			   struct buf *state)
{
	CLEANUP(store_message_freep) ProtobufCMessage *before = NULL;
	CLEANUP(freep) ProtobufCMessage *merged = calloc(1, info->message->sizeof_message);
	ENSURE(merged != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, merged);
	if (!is_first) {
		TRY(store_message_unpack(info, buf_view(state), &before));
		record_apply(info, merged, true, before);
	}
	record_apply(info, merged, is_first, op);
	buf_clear(state);
	return store_message_pack(merged, state);
}

static enum err record_store(struct db *db, const struct kind_info *info, uint64_t record,
			     bool is_there, const struct buf *state)
{
	TRY(db_run(db, "UPDATE plain SET message = ?2 WHERE plain = ?1",
		   DB_ARGS(db_u64(record), db_maybe(is_there, db_blob(buf_view(state))))));
	return booking_view_update(db, info, record, is_there, buf_view(state));
}

static enum err record_row(struct db *db, const struct payload *payload, uint64_t *ret_record)
{
	struct id record_id;
	struct id patient_id = { 0 };
	const struct db_arg kind = db_u64((uint64_t)payload->info->kind);
	ENSURE(payload_subject_id(payload, &record_id), ERR_CORRUPT);
	const bool has_patient = payload_patient_id(payload, &patient_id);
	TRY(db_run(db,
		   "INSERT INTO plain (kind, record_id, patient)"
		   " SELECT ?1, ?2, (SELECT patient FROM patient WHERE patient_id = ?3)"
		   " WHERE NOT EXISTS (SELECT 1 FROM plain WHERE record_id = ?2 AND kind = ?1)",
		   DB_ARGS(kind, db_id(&record_id), db_maybe(has_patient, db_id(&patient_id)))));
	return db_get_u64(db, "SELECT plain FROM plain WHERE record_id = ?1 AND kind = ?2",
			  DB_ARGS(db_id(&record_id), kind), ret_record);
}

static enum err state_load(struct db *db, uint64_t record, bool *ret_is_first, struct buf *state)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(db, "SELECT message FROM plain WHERE plain = ?1", DB_ARGS(db_u64(record)),
			 &stmt));
	*ret_is_first = db_col_is_null(stmt, 0);
	return *ret_is_first ? ERR_OK : buf_append(state, db_col_view(stmt, 0));
}

/* The record's message, freed by the caller; NULL: there is none, or all of it was erased. */
static enum err record_load(struct db *db, const struct payload *payload, bool *ret_known,
			    ProtobufCMessage **ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct id record_id;
	*ret = NULL;
	ENSURE(payload_subject_id(payload, &record_id), ERR_BAD_VALUE);
	TRY(db_query(db, "SELECT message FROM plain WHERE record_id = ?1 AND kind = ?2",
		     DB_ARGS(db_id(&record_id), db_u64((uint64_t)payload->info->kind)), &stmt));
	TRY(db_step(stmt, ret_known));
	if (!*ret_known || db_col_is_null(stmt, 0)) return ERR_OK;
	return store_message_unpack(payload->info, db_col_view(stmt, 0), ret);
}

/* Visits the messages of a query. */
struct message_visitor {
	void (*each)(void *ctx, const ProtobufCMessage *m);
	void *ctx;
};

static enum err messages_each(struct db_stmt *stmt, enum kind kind, struct message_visitor visit)
{
	for (;;) {
		CLEANUP(store_message_freep) ProtobufCMessage *m = NULL;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(store_message_unpack(kind_find((uint64_t)kind), db_col_view(stmt, 0), &m));
		visit.each(visit.ctx, m);
	}
}

static void add_jurisdiction(void *ctx, const ProtobufCMessage *m)
{
	unsigned *bits = ctx;
	*bits |= duty_jurisdiction_bit((const Roomkeep__PatientDetail *)(const void *)m);
}

static void add_clinic(void *ctx, const ProtobufCMessage *m)
{
	unsigned *bits = ctx;
	*bits |= duty_clinic_bit((const Roomkeep__ClinicProfile *)(const void *)m);
}

static enum err clinic_jurisdictions(struct db *db, unsigned *ret_bits)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(db,
		     "SELECT o.message FROM plain r JOIN plain_op o USING (plain)"
		     " WHERE r.patient IS NULL AND r.kind = ?1 AND o.message IS NOT NULL",
		     DB_ARGS(db_u64(KIND_CLINIC_PROFILE)), &stmt));
	return messages_each(stmt, KIND_CLINIC_PROFILE,
			     (struct message_visitor){ add_clinic, ret_bits });
}

/* All that were ever said: a patient who moved keeps the longer rule. */
static enum err jurisdictions_of(struct db *db, const struct id *patient_id, unsigned *ret_bits)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	unsigned bits = 0;
	TRY(db_query(db,
		     "SELECT o.message FROM plain r JOIN plain_op o USING (plain)"
		     " WHERE r.record_id = ?1 AND r.kind = ?2 AND o.message IS NOT NULL",
		     DB_ARGS(db_id(patient_id), db_u64(KIND_PATIENT_DETAIL)), &stmt));
	TRY(messages_each(stmt, KIND_PATIENT_DETAIL,
			  (struct message_visitor){ add_jurisdiction, &bits }));
	if (bits == 0) TRY(clinic_jurisdictions(db, &bits));
	*ret_bits = bits != 0 ? bits : LAW_BIT(LAW_DEFAULT);
	return ERR_OK;
}

static void find_standing(void *ctx, const ProtobufCMessage *m)
{
	bool *held = ctx;
	if (((const Roomkeep__LegalHold *)(const void *)m)->lifted_on == NULL) *held = true;
}

enum err record_view_is_held(struct db *db, const struct id *patient_id, bool *ret_held)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool held = false;
	TRY(db_query(db,
		     "SELECT r.message FROM plain r JOIN patient p USING (patient)"
		     " WHERE p.patient_id = ?1 AND r.kind = ?2 AND r.message IS NOT NULL",
		     DB_ARGS(db_id(patient_id), db_u64(KIND_LEGAL_HOLD)), &stmt));
	TRY(messages_each(stmt, KIND_LEGAL_HOLD, (struct message_visitor){ find_standing, &held }));
	*ret_held = held;
	return ERR_OK;
}

/* Something that was said of it is gone. */
static enum err record_is_torn(struct db *db, const struct payload *payload, bool *ret)
{
	struct id record_id;
	uint64_t gone = 0;
	ENSURE(payload_subject_id(payload, &record_id), ERR_BAD_VALUE);
	TRY(db_get_u64(db,
		       "SELECT count(*) FROM plain_op JOIN plain r USING (plain)"
		       " WHERE r.record_id = ?1 AND r.kind = ?2 AND plain_op.message IS NULL",
		       DB_ARGS(db_id(&record_id), db_u64((uint64_t)payload->info->kind)), &gone));
	*ret = gone > 0;
	return ERR_OK;
}

enum err record_view_check(struct db *db, const struct payload *payload,
			   const struct id *patient_id)
{
	unsigned bits = 0;
	bool known = false;
	bool torn = false;
	CLEANUP(store_message_freep) ProtobufCMessage *before = NULL;
	if (payload->info->check_change == NULL) return ERR_OK;
	TRY(record_load(db, payload, &known, &before));
	/* Of what is written once, a second op is late, not wrong (record_fold.h). */
	if (before != NULL && payload->info->merge == KIND_MERGE_FIRST) return ERR_OK;
	/* A change may have been made where all of it still stood: what it follows is not here. */
	if (payload->info->merge == KIND_MERGE_FIELDS && known) {
		TRY(record_is_torn(db, payload, &torn));
		if (torn || before == NULL) return ERR_OK;
	}
	TRY(jurisdictions_of(db, patient_id, &bits));
	return record_check_change(payload->info, before, payload->is.any, bits, NULL);
}

enum err record_view_apply(struct db *db, const struct view_op *op)
{
	CLEANUP(buf_finip) struct buf said = { 0 };
	CLEANUP(buf_finip) struct buf state = { 0 };
	uint64_t record = 0;
	bool is_first = false;
	TRY(record_row(db, op->payload, &record));
	TRY(store_message_pack(op->payload->is.any, &said));
	TRY(db_run(db,
		   "INSERT INTO plain_op (seq, plain, op_id, author_id, message)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)",
		   DB_ARGS(db_u64(op->seq), db_u64(record), db_id(&op->op_id),
			   db_id(&op->author_id), db_blob(buf_view(&said)))));
	TRY(state_load(db, record, &is_first, &state));
	TRY(state_step(op->payload->info, is_first, op->payload->is.any, &state));
	return record_store(db, op->payload->info, record, true, &state);
}

/* From all that was said but by op `but`. */
static enum err state_make(struct db *db, const struct kind_info *info, uint64_t record,
			   uint64_t but, bool *ret_is_there, struct buf *state)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool is_first = true;
	TRY(db_query(db,
		     "SELECT message FROM plain_op WHERE plain = ?1 AND message IS NOT NULL"
		     " AND seq <> ?2 ORDER BY seq",
		     DB_ARGS(db_u64(record), db_u64(but)), &stmt));
	for (;;) {
		CLEANUP(store_message_freep) ProtobufCMessage *op = NULL;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(store_message_unpack(info, db_col_view(stmt, 0), &op));
		TRY(state_step(info, is_first, op, state));
		is_first = false;
	}
	*ret_is_there = !is_first;
	return ERR_OK;
}

static enum err record_of_op(struct db *db, uint64_t seq, uint64_t *ret_record)
{
	return db_get_u64(db, "SELECT plain FROM plain_op WHERE seq = ?1", DB_ARGS(db_u64(seq)),
			  ret_record);
}

enum err record_view_erase(struct db *db, const struct kind_info *info, uint64_t seq)
{
	CLEANUP(buf_finip) struct buf state = { 0 };
	uint64_t record = 0;
	bool is_there = false;
	TRY(record_of_op(db, seq, &record));
	TRY(db_run(db, "UPDATE plain_op SET message = NULL WHERE seq = ?1", DB_ARGS(db_u64(seq))));
	TRY(state_make(db, info, record, 0, &is_there, &state));
	return record_store(db, info, record, is_there, &state);
}

/* ---- what would be --------------------------------------------------------------------------- */

enum err record_view_after(struct db *db, const struct payload *payload, uint64_t *ret_plain,
			   bool *ret_is_first, struct buf *before, struct buf *after)
{
	struct id record_id;
	ENSURE(payload_subject_id(payload, &record_id), ERR_CORRUPT);
	*ret_plain = 0;
	*ret_is_first = true;
	const enum err e = db_get_u64(
		db, "SELECT plain FROM plain WHERE record_id = ?1 AND kind = ?2",
		DB_ARGS(db_id(&record_id), db_u64((uint64_t)payload->info->kind)), ret_plain);
	if (e != ERR_NOT_FOUND) {
		TRY(e);
		TRY(state_load(db, *ret_plain, ret_is_first, before));
	}
	if (!*ret_is_first) TRY(buf_append(after, buf_view(before)));
	return state_step(payload->info, *ret_is_first, payload->is.any, after);
}

enum err record_view_without(struct db *db, const struct kind_info *info, uint64_t seq,
			     uint64_t *ret_plain, bool *ret_was_there, struct buf *before,
			     bool *ret_is_there, struct buf *after)
{
	bool is_first = false;
	TRY(record_of_op(db, seq, ret_plain));
	TRY(state_load(db, *ret_plain, &is_first, before));
	*ret_was_there = !is_first;
	return state_make(db, info, *ret_plain, seq, ret_is_there, after);
}
