/* openings: of one patient, out of `opened` ops and the first op of each override; of all
 * patients in some span of time, out of the log. */
#include "base/check.h"
#include "server/store/merges.h"
#include "server/store/store_openings.h"
#include "server/store/store_priv.h"

/* Of all charts of the person. Committed ones; what was said of an override later opens nothing. */
#define OPENINGS_FROM                                                                              \
	" FROM op o JOIN lane l USING (lane)"                                                      \
	" WHERE o.patient_id IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) AND o.state = 1"                  \
	" AND (o.kind = 7 OR (o.kind = 60 AND EXISTS (SELECT 1 FROM plain_op f WHERE f.seq = "     \
	"o.seq"                                                                                    \
	" AND NOT EXISTS (SELECT 1 FROM plain_op b WHERE b.plain = f.plain AND b.seq < f.seq))))"

static enum err opening_read(struct db_stmt *stmt, struct store_opening *ret)
{
	struct store_opening o = { .kind = STORE_OPENING_CHART, .at_ms = db_col_u64(stmt, 3) };
	if (db_col_u64(stmt, 0) == KIND_OVERRIDE)
		o.kind = STORE_OPENING_OVERRIDE;
	else if (!db_col_is_null(stmt, 4))
		o.kind = STORE_OPENING_SESSION;
	TRY(db_col_id(stmt, 1, &o.user_id));
	TRY(db_col_id(stmt, 2, &o.room_id));
	*ret = o;
	return ERR_OK;
}

/* Ids of the charts; the rest of `ret` is NULL, which is in no list. */
static enum err charts_of(struct db *db, const struct id *patient_id,
			  struct db_arg ret[MERGE_SAME_MAX], struct id ids[MERGE_SAME_MAX])
{
	CLEANUP(merges_finip) struct merges m = { .count = 0 };
	_Static_assert(MERGE_SAME_MAX == 8, "as in OPENINGS_FROM");
	TRY(merges_load(db, &m));
	const size_t count = merge_same(m.pairs, m.count, patient_id, ids);
	for (size_t i = 0; i < MERGE_SAME_MAX; i++) ret[i] = i < count ? db_id(&ids[i]) : db_null();
	return ERR_OK;
}

enum err store_openings_list(struct store_reader *r, const struct id *patient_id,
			     struct arena *arena, struct store_opening **ret, size_t *ret_count,
			     uint64_t *ret_left_out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct store_opening *list = NULL;
	struct db_arg args[MERGE_SAME_MAX + 1];
	struct id ids[MERGE_SAME_MAX];
	uint64_t all = 0;
	size_t count = 0;
	_Static_assert(KIND_OPENED == 7 && KIND_OVERRIDE == 60, "as in the statements");
	TRY(db_get_u64(r->db, "SELECT patient FROM patient WHERE patient_id = ?1",
		       DB_ARGS(db_id(patient_id)), &all));
	TRY(charts_of(r->db, patient_id, args, ids));
	args[MERGE_SAME_MAX] = db_u64(OPENINGS_ROWS_MAX);
	TRY(db_get_u64(r->db, "SELECT count(*)" OPENINGS_FROM, args, MERGE_SAME_MAX, &all));
	TRY(store_array(arena, OPENINGS_ROWS_MAX, sizeof(*list), &list));
	TRY(db_query(
		r->db,
		"SELECT o.kind, o.author_id, l.room_id, o.received_ms, o.session_id" OPENINGS_FROM
		" ORDER BY o.seq DESC LIMIT ?9",
		args, COUNT_OF(args), &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(opening_read(stmt, &list[count]));
		count++;
	}
	*ret = list;
	*ret_count = count;
	*ret_left_out = all - count;
	return ERR_OK;
}

/* ---- by the log ------------------------------------------------------------------------------ */

/* An `opened` row names the patient, or the session. */
static enum err patient_of_open(struct db *db, const struct id *subject, struct id *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	const enum err e = db_query_row(db,
					"SELECT p.patient_id FROM session s JOIN patient p"
					" USING (patient) WHERE s.session_id = ?1",
					DB_ARGS(db_id(subject)), &stmt);
	*ret = *subject;
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	return db_col_id(stmt, 0, ret);
}

/* The log grows in time, but for a clock that was set back: the first row of about that time. */
static enum err first_after(struct db *db, uint64_t at_ms, uint64_t *ret_seq)
{
	uint64_t low = 0;
	uint64_t high = 0;
	TRY(db_get_u64(db, "SELECT coalesce(max(seq), 0) + 1 FROM audit", DB_NO_ARGS, &high));
	while (low < high) {
		const uint64_t mid = low + (high - low) / 2;
		uint64_t time_ms = UINT64_MAX >> 1;
		const enum err e = db_get_u64(
			db, "SELECT time_ms FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT 1",
			DB_ARGS(db_u64(mid)), &time_ms);
		if (e != ERR_NOT_FOUND) TRY(e);
		if (time_ms < at_ms)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_seq = low;
	return ERR_OK;
}

enum err store_opens_each(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
			  struct store_open_visitor visitor)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	uint64_t from_seq = 0;
	uint64_t to_seq = 0;
	TRY(first_after(r->db, from_ms, &from_seq));
	TRY(first_after(r->db, to_ms, &to_seq));
	TRY(db_query(r->db,
		     "SELECT time_ms, body FROM audit WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
		     DB_ARGS(db_u64(from_seq), db_u64(to_seq)), &stmt));
	for (;;) {
		struct audit_row audit;
		struct store_open open;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		const enum err e = audit_row_parse(db_col_view(stmt, 1), &audit);
		ENSURE(e == ERR_OK, e == ERR_NOMEM ? e : ERR_CORRUPT);
		if (audit.event != STORE_EVENT_OPENED) continue;
		open.user_id = audit.user_id;
		open.at_ms = db_col_u64(stmt, 0);
		TRY(patient_of_open(r->db, &audit.subject_id, &open.patient_id));
		TRY(visitor.visit(visitor.ctx, &open));
	}
}
