/* openings: `opened` ops and the first op of each override, of one patient. */
#include "base/check.h"
#include "server/store/store_openings.h"
#include "server/store/store_priv.h"

/* Committed ones; what was said of an override later opens nothing. */
#define OPENINGS_FROM                                                                              \
	" FROM op o JOIN lane l USING (lane) WHERE o.patient_id = ?1 AND o.state = 1"              \
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

enum err store_openings_list(struct store_reader *r, const struct id *patient_id,
			     struct arena *arena, struct store_opening **ret, size_t *ret_count,
			     uint64_t *ret_left_out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct store_opening *list = NULL;
	uint64_t all = 0;
	size_t count = 0;
	_Static_assert(KIND_OPENED == 7 && KIND_OVERRIDE == 60, "as in the statements");
	TRY(db_get_u64(r->db, "SELECT patient FROM patient WHERE patient_id = ?1",
		       DB_ARGS(db_id(patient_id)), &all));
	TRY(db_get_u64(r->db, "SELECT count(*)" OPENINGS_FROM, DB_ARGS(db_id(patient_id)), &all));
	TRY(store_array(arena, OPENINGS_ROWS_MAX, sizeof(*list), &list));
	TRY(db_query(
		r->db,
		"SELECT o.kind, o.author_id, l.room_id, o.received_ms, o.session_id" OPENINGS_FROM
		" ORDER BY o.seq DESC LIMIT ?2",
		DB_ARGS(db_id(patient_id), db_u64(OPENINGS_ROWS_MAX)), &stmt));
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
