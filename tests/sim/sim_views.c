#include "sim/sim_views.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/fold.h"
#include "server/store/store_priv.h"
#include "support/reference.h"
#include "support/reference_say.h"

/* ---- the server's tables ------------------------------------------------------------- */

static enum err rows_of(struct store_reader *r, const char *sql, const struct id *id,
			struct db_stmt **ret_stmt)
{
	return db_query(r->db, sql, DB_ARGS(db_id(id)), ret_stmt);
}

static enum err views_frame(struct store_reader *r, const struct id *session_id, struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct say_frame f = { 0 };
	bool row = false;
	TRY(rows_of(r,
		    "SELECT p.patient_id, s.therapist_id, s.room_id, s.imported, s.started_ms,"
		    " s.ended_ms, g.op_id FROM session s JOIN patient p USING (patient)"
		    " LEFT JOIN sign g ON g.seq = s.sign_seq WHERE s.session_id = ?1",
		    session_id, &stmt));
	TRY(db_step(stmt, &row));
	if (!row) return ERR_OK;
	TRY(db_col_id(stmt, 0, &f.patient_id));
	TRY(db_col_id(stmt, 1, &f.therapist_id));
	TRY(db_col_id(stmt, 2, &f.room_id));
	f.imported = db_col_u64(stmt, 3) != 0;
	f.started_ms = db_col_u64(stmt, 4);
	f.ended_ms = db_col_u64(stmt, 5);
	say_session_frame(out, &f);
	if (db_col_is_null(stmt, 6)) return ERR_OK;
	struct id sign_id;
	TRY(db_col_id(stmt, 6, &sign_id));
	say_signed(out, &sign_id);
	return ERR_OK;
}

static enum err views_texts(struct store_reader *r, const struct id *session_id, struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(rows_of(r,
		    "SELECT t.op_id, t.field, t.text, t.erased FROM session_text t"
		    " JOIN session s USING (session) WHERE s.session_id = ?1 AND t.head = 1"
		    " ORDER BY t.field, t.seq",
		    session_id, &stmt));
	for (;;) {
		struct id op_id;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(stmt, 0, &op_id));
		say_head(out, (int)db_col_u64(stmt, 1), &op_id, db_col_view(stmt, 2),
			 db_col_u64(stmt, 3) != 0);
	}
}

static enum err views_measures(struct store_reader *r, const struct id *session_id, struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(rows_of(r,
		    "SELECT m.op_id, m.measure_id, m.ref, m.catalogue, m.phase, m.side,"
		    " m.value_milli, m.unit, m.result, m.at_ms, m.mode, m.position, m.method,"
		    " m.end_feel, m.skipped_reason, m.pain_at_end, m.limited_by, m.rater_id,"
		    " m.pair_id FROM measure m"
		    " JOIN session s USING (session) WHERE s.session_id = ?1 AND m.stands = 1"
		    " ORDER BY m.at_ms, m.seq",
		    session_id, &stmt));
	for (;;) {
		struct say_measure m = { 0 };
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(stmt, 0, &m.op_id));
		TRY(db_col_id(stmt, 1, &m.measure_id));
		m.ref = db_col_view(stmt, 2);
		m.catalogue = (uint32_t)db_col_u64(stmt, 3);
		m.phase = (int)db_col_u64(stmt, 4);
		m.side = (int)db_col_u64(stmt, 5);
		m.has_value = !db_col_is_null(stmt, 6);
		m.value_milli = db_col_i64(stmt, 6);
		m.unit = db_col_view(stmt, 7);
		m.result = (int)db_col_u64(stmt, 8);
		m.at_ms = db_col_u64(stmt, 9);
		for (int i = 0; i < 5; i++) m.how[i] = (int)db_col_u64(stmt, 10 + i);
		m.pain = db_col_is_null(stmt, 15) ? -1 : (int)db_col_u64(stmt, 15);
		m.limited_by = db_col_view(stmt, 16);
		m.rater_id = db_col_view(stmt, 17);
		m.pair_id = db_col_view(stmt, 18);
		say_measure(out, &m);
	}
}

static enum err views_addenda(struct store_reader *r, const struct id *session_id, struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(rows_of(r,
		    "SELECT a.op_id, a.addendum_id, a.text FROM addendum a JOIN session s"
		    " USING (session) WHERE s.session_id = ?1 AND a.stands = 1 ORDER BY a.seq",
		    session_id, &stmt));
	for (;;) {
		struct id op_id, addendum_id;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(stmt, 0, &op_id));
		TRY(db_col_id(stmt, 1, &addendum_id));
		say_addendum(out, &op_id, &addendum_id, db_col_view(stmt, 2));
	}
}

static enum err views_late(struct store_reader *r, const struct id *session_id, struct buf *out)
{
	static const char *const words[] = { "frame ", "text ", "measure " };
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(rows_of(r,
		    "SELECT op_id, what FROM (SELECT seq, session, op_id, late, 0 AS what FROM"
		    " session_frame UNION ALL SELECT seq, session, op_id, late, 1 FROM session_text"
		    " UNION ALL SELECT seq, session, op_id, late, 2 FROM measure)"
		    " JOIN session s USING (session) WHERE s.session_id = ?1 AND late = 1"
		    " ORDER BY seq",
		    session_id, &stmt));
	for (;;) {
		struct id op_id;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(stmt, 0, &op_id));
		const uint64_t what = db_col_u64(stmt, 1);
		ENSURE(what < COUNT_OF(words), ERR_CORRUPT);
		say_late_op(out, &op_id, words[what]);
	}
}

enum err sim_views_say_session(struct store_reader *r, const struct id *session_id, bool content,
			       struct buf *out)
{
	TRY(views_frame(r, session_id, out));
	TRY(views_texts(r, session_id, out));
	TRY(views_measures(r, session_id, out));
	if (content) return ERR_OK;
	TRY(views_addenda(r, session_id, out));
	return views_late(r, session_id, out);
}

static enum err views_patient_history(struct store_reader *r, const struct id *patient_id,
				      int field, struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db,
		     "SELECT o.op_id, h.value FROM patient_history h JOIN patient p USING (patient)"
		     " JOIN op o ON o.seq = h.seq WHERE p.patient_id = ?1 AND h.field = ?2"
		     " ORDER BY h.seq DESC",
		     DB_ARGS(db_id(patient_id), db_u64((uint64_t)field)), &stmt));
	for (;;) {
		struct id op_id;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(stmt, 0, &op_id));
		say_patient_value(out, field, &op_id, db_col_view(stmt, 1));
	}
}

enum err sim_views_say_patient(struct store_reader *r, const struct id *patient_id, struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	TRY(rows_of(r,
		    "SELECT name, name_used, born, phone, email FROM patient WHERE patient_id = ?1",
		    patient_id, &stmt));
	TRY(db_step(stmt, &row));
	for (int field = 0; row && field < (int)PATIENT_FIELD_COUNT; field++) {
		if (!db_col_is_null(stmt, field)) say_patient(out, field, db_col_view(stmt, field));
		TRY(views_patient_history(r, patient_id, field, out));
	}
	return ERR_OK;
}

enum err sim_views_say_plain(struct store_reader *r, uint64_t kind, const struct id *record_id,
			     struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *merged = NULL;
	CLEANUP(db_stmt_donep) struct db_stmt *ops = NULL;
	bool row = false;
	TRY(db_query(r->db,
		     "SELECT message FROM plain WHERE kind = ?1 AND record_id = ?2"
		     " AND message IS NOT NULL",
		     DB_ARGS(db_u64(kind), db_id(record_id)), &merged));
	TRY(db_step(merged, &row));
	if (row) reference_say_message(kind, record_id, db_col_view(merged, 0), out);
	TRY(db_query(r->db,
		     "SELECT o.op_id FROM plain_op o JOIN plain p USING (plain)"
		     " WHERE p.kind = ?1 AND p.record_id = ?2 AND o.message IS NOT NULL"
		     " ORDER BY o.seq",
		     DB_ARGS(db_u64(kind), db_id(record_id)), &ops));
	for (;;) {
		struct id op_id;
		TRY(db_step(ops, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(ops, 0, &op_id));
		say_plain_change(out, &op_id);
	}
}
