/* check_views: the views once more from the ops, through the same views_apply, in memory; then both
 * compared row by row. */
#include "base/check.h"
#include "server/store/store_priv.h"

/* ---- rebuild --------------------------------------------------------------------------------- */

static enum err rebuild_target(struct check *c, const struct payload *payload, struct view_op *op)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct id target;
	ENSURE(payload_subject_id(payload, &target), ERR_CORRUPT);
	TRY(db_query_row(c->db, "SELECT seq, kind, session_id FROM op WHERE op_id = ?1",
			 DB_ARGS(db_id(&target)), &stmt));
	op->target_seq = db_col_u64(stmt, 0);
	op->target_kind = db_col_u64(stmt, 1);
	return db_col_id(stmt, 2, &op->target_session);
}

static enum err rebuild_apply(struct check *c, struct db *fresh, const struct db_stmt *stmt,
			      const struct payload *payload)
{
	struct view_op op = { .seq = db_col_u64(stmt, 0), .payload = payload };
	TRY(db_col_id(stmt, 1, &op.op_id));
	TRY(db_col_id(stmt, 2, &op.author_id));
	if (payload->info->kind == KIND_TOMBSTONE) TRY(rebuild_target(c, payload, &op));
	return views_apply(fresh, &op);
}

static enum err rebuild_op(struct check *c, struct db *fresh, const struct db_stmt *stmt)
{
	const uint64_t kind = db_col_u64(stmt, 3);
	if (kind_find(kind) == NULL) return ERR_OK;
	struct payload payload;
	if (!db_col_is_null(stmt, 4)) {
		arena_reset(&c->arena);
		TRY(payload_decode(&c->arena, kind, db_col_view(stmt, 4), &payload, NULL));
		return rebuild_apply(c, fresh, stmt, &payload);
	}
	/* Erased: only the skeleton is left. */
	ENSURE(!db_col_is_null(stmt, 5), ERR_CORRUPT);
	TRY(skeleton_decode(kind, db_col_view(stmt, 5), &payload));
	const enum err e = rebuild_apply(c, fresh, stmt, &payload);
	skeleton_free(&payload);
	return e;
}

static enum err rebuild_all(struct check *c, struct db *fresh)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(c->db,
		     "SELECT o.seq, o.op_id, o.author_id, o.kind, p.bytes, k.bytes FROM op o"
		     " LEFT JOIN op_payload p ON p.seq = o.seq"
		     " LEFT JOIN op_skeleton k ON k.seq = o.seq"
		     " WHERE o.state = 1 ORDER BY o.seq",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		const enum err e = rebuild_op(c, fresh, stmt);
		if (e == ERR_NOMEM || e == ERR_IO) return e;
		if (e == ERR_OK) continue;
		check_bad(c, STORE_CHECK_VIEWS, db_col_u64(stmt, 0), "the op cannot be applied");
	}
}

/* ---- compare --------------------------------------------------------------------------------- */

/* By what names a row for ever, never by the numbers SQLite gave it. The first column is the
 * op's seq, or 0 where a row comes from several. */
static const struct view_table {
	const char *sql;
	int columns;
	const char *what;
} view_tables[] = {
	{ "SELECT 0, patient_id, name, name_used, born, phone, email FROM patient"
	  " ORDER BY patient_id",
	  7, "patient" },
	{ "SELECT h.seq, p.patient_id, h.field, h.value FROM patient_history h"
	  " JOIN patient p USING (patient) ORDER BY p.patient_id, h.field, h.seq",
	  4, "patient_history" },
	{ "SELECT coalesce(s.sign_seq, 0), s.session_id, p.patient_id, s.therapist_id, s.imported,"
	  " s.first_started_ms, s.room_id, s.started_ms, s.ended_ms, s.sign_seq, s.supervisor_id"
	  " FROM session s JOIN patient p USING (patient) ORDER BY s.session_id",
	  11, "session" },
	{ "SELECT f.seq, s.session_id, f.op_id, f.room_id, f.started_ms, f.ended_ms, f.covered, "
	  "f.late"
	  " FROM session_frame f JOIN session s USING (session) ORDER BY f.seq",
	  8, "session_frame" },
	{ "SELECT t.seq, s.session_id, t.op_id, t.field, t.text, t.erased, t.covered, t.replaced,"
	  " t.head, t.late FROM session_text t JOIN session s USING (session) ORDER BY t.seq",
	  10, "session_text" },
	{ "SELECT seq, parent FROM session_text_parent ORDER BY seq, parent", 2,
	  "session_text_parent" },
	{ "SELECT m.seq, s.session_id, m.op_id, m.measure_id, m.ref, m.catalogue, m.phase, m.side,"
	  " m.value_milli, m.unit, m.result, m.at_ms, m.mode, m.position, m.method, m.end_feel,"
	  " m.skipped_reason, m.pain_at_end, m.limited_by, m.rater_id, m.pair_id, m.erased,"
	  " m.covered, m.stands, m.late FROM measure m JOIN session s USING (session) ORDER BY "
	  "m.seq",
	  25, "measure" },
	{ "SELECT a.seq, s.session_id, a.op_id, a.addendum_id, a.text, a.erased, a.covered, "
	  "a.stands"
	  " FROM addendum a JOIN session s USING (session) ORDER BY a.seq",
	  8, "addendum" },
	{ "SELECT g.seq, s.session_id, g.op_id, g.author_id, g.values_hash FROM sign g"
	  " JOIN session s USING (session) ORDER BY g.seq",
	  5, "sign" },
	{ "SELECT seq, op_id FROM sign_covered ORDER BY seq, op_id", 2, "sign_covered" },
	{ "SELECT 0, r.record_id, r.kind, p.patient_id, r.message FROM plain r"
	  " LEFT JOIN patient p USING (patient) ORDER BY r.record_id, r.kind",
	  5, "plain" },
	{ "SELECT o.seq, r.record_id, r.kind, o.op_id, o.author_id, o.message FROM plain_op o"
	  " JOIN plain r USING (plain) ORDER BY o.seq",
	  6, "plain_op" },
	{ "SELECT 0, r.record_id, b.room_id, b.therapist_id, b.patient_id, b.start_ms, b.end_ms"
	  " FROM booking b JOIN plain r USING (plain) ORDER BY r.record_id",
	  7, "booking" },
	{ "SELECT 0, r.record_id, t.of_id, t.minutes FROM turnover t JOIN plain r USING (plain)"
	  " ORDER BY r.record_id",
	  4, "turnover" },
};

/* One row as bytes: NULL and an empty value differ, and no two rows give the same bytes. */
static enum err row_bytes(const struct db_stmt *stmt, int columns, struct buf *out)
{
	buf_clear(out);
	for (int i = 0; i < columns; i++) {
		const bool null = db_col_is_null(stmt, i);
		const struct view v = null ? VIEW_EMPTY : db_col_view(stmt, i);
		TRY(buf_append_be32(out, null ? UINT32_MAX : (uint32_t)v.len));
		TRY(buf_append(out, v));
	}
	return ERR_OK;
}

static enum err digest_extend(struct hash32 *digest, struct view row)
{
	CLEANUP(buf_finip) struct buf link = { 0 };
	TRY(buf_append(&link, hash_view(digest)));
	TRY(buf_append(&link, row));
	*digest = hash_bytes(buf_view(&link));
	return ERR_OK;
}

static enum err table_compare(struct check *c, struct db *fresh, const struct view_table *table)
{
	CLEANUP(db_stmt_donep) struct db_stmt *live = NULL;
	CLEANUP(db_stmt_donep) struct db_stmt *made = NULL;
	CLEANUP(buf_finip) struct buf live_row = { 0 };
	CLEANUP(buf_finip) struct buf made_row = { 0 };
	TRY(db_query(c->db, table->sql, DB_NO_ARGS, &live));
	TRY(db_query(fresh, table->sql, DB_NO_ARGS, &made));
	TRY(digest_extend(&c->report.logical_digest, view_str(table->what)));
	for (;;) {
		bool have_live = false;
		bool have_made = false;
		TRY(db_step(live, &have_live));
		TRY(db_step(made, &have_made));
		if (!have_live && !have_made) return ERR_OK;
		check_seen(c, STORE_CHECK_VIEWS);
		buf_clear(&live_row);
		buf_clear(&made_row);
		if (have_live) TRY(row_bytes(live, table->columns, &live_row));
		if (have_made) TRY(row_bytes(made, table->columns, &made_row));
		if (have_live) TRY(digest_extend(&c->report.logical_digest, buf_view(&live_row)));
		if (view_equal(buf_view(&live_row), buf_view(&made_row))) continue;
		check_bad(c, STORE_CHECK_VIEWS, db_col_u64(have_live ? live : made, 0),
			  table->what);
		if (have_live != have_made) return ERR_OK; /* the rest is on one side only */
	}
}

enum err check_views(struct check *c)
{
	CLEANUP(db_closep) struct db *fresh = NULL;
	const struct db_schema schema = store_schema();
	TRY(db_open_memory(&schema, &fresh));
	TRY(db_begin(fresh));
	TRY(rebuild_all(c, fresh));
	for (size_t i = 0; i < COUNT_OF(view_tables); i++) {
		TRY(table_compare(c, fresh, &view_tables[i]));
	}
	return ERR_OK;
}
