#include "server/store/watch_proof.h"

#include "base/check.h"
#include "db/db.h"
#include "record/proof.h"
#include "record/watch.h"

/* False: of a newer catalogue, which proves nothing here. */
static enum err row_read(struct db_stmt *stmt, struct proof_row *row, bool *ret_known)
{
	struct fold_measure m = {
		.ref = db_col_view(stmt, 1),
		.phase = (Roomkeep__Phase)db_col_u64(stmt, 2),
		.has_side = !db_col_is_null(stmt, 3),
		.side = (Roomkeep__Side)db_col_u64(stmt, 3),
		.has_value = !db_col_is_null(stmt, 4),
		.value_milli = db_col_i64(stmt, 4),
		.mode = (Roomkeep__Mode)db_col_u64(stmt, 5),
		.position = (Roomkeep__Position)db_col_u64(stmt, 6),
		.method = (Roomkeep__Method)db_col_u64(stmt, 7),
		.has_rater = true,
		.has_pair = !db_col_is_null(stmt, 9),
		.at_ms = db_col_u64(stmt, 10),
	};
	TRY(db_col_id(stmt, 0, &m.measure_id));
	TRY(db_col_id(stmt, 8, &m.rater_id));
	TRY(db_col_id(stmt, 9, &m.pair_id));
	*ret_known = proof_row_of(&m, row);
	return ERR_OK;
}

static enum err rows_read(struct db *db, const struct id *session_id, struct proof_row *rows,
			  size_t *ret_count)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	size_t count = 0;
	TRY(db_query(db,
		     "SELECT m.measure_id, m.ref, m.phase, m.side, m.value_milli, m.mode,"
		     " m.position, m.method, coalesce(m.rater_id, s.therapist_id), m.pair_id,"
		     " m.at_ms FROM session s JOIN measure m USING (session)"
		     " WHERE s.session_id = ?1 AND m.stands = 1 ORDER BY m.at_ms, m.seq",
		     DB_ARGS(db_id(session_id)), &stmt));
	while (count < WATCH_PROOF_ROWS) {
		bool has_row = false, known = false;
		TRY(db_step(stmt, &has_row));
		if (!has_row) break;
		TRY(row_read(stmt, &rows[count], &known));
		if (known) count++;
	}
	*ret_count = count;
	return ERR_OK;
}

static uint8_t proof_of(const struct proof_set *set)
{
	switch (set->delta.state) {
	case PROOF_IMPROVED: return WATCH_PROOF_BETTER;
	case PROOF_WITHIN: return WATCH_PROOF_WITHIN_ERROR;
	case PROOF_WORSE: return WATCH_PROOF_WORSE;
	case PROOF_NOT_COMPARABLE: break;
	}
	return WATCH_PROOF_NONE;
}

enum err watch_proof_of(struct db *db, const struct id *session_id, uint8_t *ret_proof)
{
	struct proof_row rows[WATCH_PROOF_ROWS];
	struct proof_set sets[WATCH_PROOF_ROWS];
	size_t count = 0;
	uint8_t best = WATCH_PROOF_NONE;
	TRY(rows_read(db, session_id, rows, &count));
	const size_t set_count = proof_pair(rows, count, sets);
	for (size_t i = 0; i < set_count; i++) {
		const uint8_t proof = proof_of(&sets[i]);
		/* The enum goes from the best to the worst, after "none". */
		if (proof != WATCH_PROOF_NONE && (best == WATCH_PROOF_NONE || proof < best))
			best = proof;
	}
	*ret_proof = best;
	return ERR_OK;
}
