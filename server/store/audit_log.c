#include "base/check.h"
#include "crypt/enc.h"
#include "server/store/store_priv.h"

#include <stdlib.h>

enum err audit_row_encode(const struct audit_row *row, struct buf *out)
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/audit-row");
	enc_add_u64(&e, (uint64_t)row->event);
	enc_add_id(&e, &row->user_id);
	enc_add_id(&e, &row->room_id);
	enc_add_id(&e, &row->subject_id);
	enc_add_u64(&e, (uint64_t)(-(int64_t)row->code)); /* err values are 0 or negative */
	enc_add_u64(&e, row->number);
	enc_add_hash(&e, &row->hash);
	struct view bytes;
	TRY(enc_end(&e, &bytes));
	return buf_append(out, bytes);
}

enum err audit_row_parse(struct view body, struct audit_row *ret)
{
	struct audit_row row = { 0 };
	struct enc_reader r;
	enc_read_begin(&r, body, "crs1/audit-row");
	const uint64_t event = enc_read_u64(&r);
	row.user_id = enc_read_id(&r);
	row.room_id = enc_read_id(&r);
	row.subject_id = enc_read_id(&r);
	const uint64_t code = enc_read_u64(&r);
	row.number = enc_read_u64(&r);
	row.hash = enc_read_hash(&r);
	TRY(enc_read_end(&r));
	ENSURE(event > 0 && event <= INT32_MAX && code <= INT32_MAX, ERR_BAD_FORMAT);
	row.event = (enum store_event_kind)event;
	row.code = (enum err)(-(int)code);
	*ret = row;
	return ERR_OK;
}

enum err store_audit_row(struct store *s, const struct audit_row *row)
{
	REQUIRE(s->open);
	CLEANUP(buf_finip) struct buf body = { 0 };
	TRY(audit_row_encode(row, &body));
	const struct audit_entry link = {
		.epoch = s->state.epoch,
		.seq = s->state.audit_seq + 1,
		.prev = s->state.audit_entry,
		.row_hash = hash_bytes(buf_view(&body)),
		.time_ms = s->now_ms,
	};
	struct hash32 entry;
	TRY(audit_entry_hash(&link, &entry));
	TRY(db_run(s->db,
		   "INSERT INTO audit (seq, epoch, time_ms, body, entry)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)",
		   DB_ARGS(db_u64(link.seq), db_blob(id_view(&link.epoch)), db_u64(link.time_ms),
			   db_blob(buf_view(&body)), db_hash(&entry))));

	s->state.audit_seq = link.seq;
	s->state.audit_entry = entry;
	if (s->state.unsigned_count++ == 0) s->state.unsigned_since_ms = s->now_ms;
	return ERR_OK;
}

enum err store_audit(struct store *s, const struct store_event *event)
{
	return store_audit_row(s, &(struct audit_row){ .event = event->kind,
						       .user_id = event->user_id,
						       .room_id = event->room_id,
						       .subject_id = event->subject_id,
						       .code = event->code });
}

bool store_head_is_due(const struct store *s, uint64_t now_ms)
{
	/* A head names the clinic: before founding there is none to name. */
	if (!s->state.founded || s->state.unsigned_count == 0) return false;
	if (s->state.unsigned_count >= STORE_HEAD_ENTRIES) return true;
	const uint64_t since_ms = s->state.unsigned_since_ms;
	/* A clock that went back must not stop the heads. */
	return now_ms < since_ms || now_ms - since_ms >= STORE_HEAD_MS;
}

enum err store_head_sign_due(struct store *s)
{
	if (!store_head_is_due(s, s->now_ms)) return ERR_OK;
	const struct audit_head head = {
		.clinic_id = s->state.clinic_id,
		.epoch = s->state.epoch,
		.seq = s->state.audit_seq,
		.entry = s->state.audit_entry,
		.time_ms = s->now_ms,
	};
	struct sign_sig sig;
	TRY(audit_head_sign(&head, s->log_key, &sig));
	TRY(db_run(s->db, "INSERT INTO audit_head (seq, time_ms, signature) VALUES (?1, ?2, ?3)",
		   DB_ARGS(db_u64(head.seq), db_u64(head.time_ms), db_sig(&sig))));
	s->state.unsigned_count = 0;
	s->state.unsigned_since_ms = 0;
	s->state.has_head = true;
	s->state.head = (struct store_head){ .head = head, .signature = sig };
	crashpoint(CRASHPOINT_STORE_HEAD_AFTER);
	return ERR_OK;
}

enum err store_head_latest(struct store_reader *r, struct store_head *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db,
			 "SELECT h.seq, h.time_ms, h.signature, a.epoch, a.entry, c.clinic_id"
			 " FROM audit_head h JOIN audit a ON a.seq = h.seq, clinic c"
			 " ORDER BY h.seq DESC LIMIT 1",
			 DB_NO_ARGS, &stmt));
	struct store_head head = { 0 };
	head.head.seq = db_col_u64(stmt, 0);
	head.head.time_ms = db_col_u64(stmt, 1);
	TRY(store_col_sig(stmt, 2, &head.signature));
	TRY(db_col_id(stmt, 3, &head.head.epoch));
	TRY(store_col_hash(stmt, 4, &head.head.entry));
	TRY(db_col_id(stmt, 5, &head.head.clinic_id));
	*ret = head;
	return ERR_OK;
}

void store_now(const struct store *s, struct store_now *ret)
{
	*ret = (struct store_now){ .seq = s->state.op_seq,
				   .backed_up_seq = s->state.backed_up_seq,
				   .has_head = s->state.has_head,
				   .head = s->state.head };
}

enum err store_now_read(struct store_reader *r, struct store_now *ret)
{
	struct store_now now = { 0 };
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db,
			 "SELECT (SELECT coalesce(max(seq), 0) FROM op),"
			 " (SELECT coalesce(max(backed_up_seq), 0) FROM clinic)",
			 DB_NO_ARGS, &stmt));
	now.seq = db_col_u64(stmt, 0);
	now.backed_up_seq = db_col_u64(stmt, 1);
	const enum err e = store_head_latest(r, &now.head);
	if (e != ERR_NOT_FOUND) TRY(e);
	now.has_head = e == ERR_OK;
	*ret = now;
	return ERR_OK;
}
