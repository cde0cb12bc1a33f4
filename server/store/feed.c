/* feed: ops as they leave the store, with what the access decision needs. Decides nothing. */
#include "base/check.h"
#include "base/limits.h"
#include "server/store/store_priv.h"

#define HEAD_BYTES (HASH_BYTES + 8u + HASH_BYTES)

/* A tombstone has its own session columns: those of its target. */
#define ROW_COLUMNS                                                                                \
	"SELECT o.seq, o.received_ms, o.kind, o.target_kind, l.class, o.op_id, o.author_id,"       \
	" l.room_id, o.code, o.hidden_by IS NOT NULL, o.patient_id, o.session_id,"                 \
	" s.therapist_id, coalesce(s.started_ms, s.first_started_ms), s.imported, o.core,"         \
	" o.signature, p.bytes, o.heads, o.lane_seq, l.user_id, l.random16,"                       \
	" s.sign_seq IS NOT NULL,"                                                                 \
	" CASE o.target_kind WHEN 0 THEN (SELECT r.record_id FROM plain_op q"                      \
	" JOIN plain r USING (plain) WHERE q.seq = o.seq)"                                         \
	" ELSE (SELECT r.record_id FROM op t JOIN plain_op q ON q.seq = t.seq"                     \
	" JOIN plain r USING (plain) WHERE t.hidden_by = o.seq LIMIT 1) END,"                      \
	" CASE o.target_kind WHEN 0 THEN NULL"                                                     \
	" ELSE (SELECT t.author_id FROM op t WHERE t.hidden_by = o.seq LIMIT 1) END"               \
	" FROM op o JOIN lane l ON l.lane = o.lane"                                                \
	" LEFT JOIN op_payload p ON p.seq = o.seq"                                                 \
	" LEFT JOIN session s ON s.session_id = o.session_id"

static enum err row_read_who(const struct db_stmt *stmt, struct store_row *row)
{
	row->seq = db_col_u64(stmt, 0);
	row->received_ms = db_col_u64(stmt, 1);
	row->kind = db_col_u64(stmt, 2);
	row->target_kind = db_col_u64(stmt, 3);
	row->lane_class = (enum op_lane_class)db_col_u64(stmt, 4);
	TRY(db_col_id(stmt, 5, &row->op_id));
	TRY(db_col_id(stmt, 6, &row->author_id));
	TRY(db_col_id(stmt, 7, &row->room_id));
	row->code = (enum err)db_col_i64(stmt, 8);
	row->hidden = db_col_u64(stmt, 9) == 1;
	TRY(db_col_id(stmt, 10, &row->patient_id));
	TRY(db_col_id(stmt, 11, &row->session_id));
	TRY(db_col_id(stmt, 12, &row->therapist_id));
	row->started_ms = db_col_u64(stmt, 13);
	row->imported = db_col_u64(stmt, 14) == 1;
	row->is_signed = db_col_u64(stmt, 22) == 1;
	TRY(db_col_id(stmt, 23, &row->record_id));
	return db_col_id(stmt, 24, &row->target_author);
}

static enum err row_read_heads(struct view bytes, struct arena *arena, struct store_row *row)
{
	ENSURE(bytes.len % HEAD_BYTES == 0 && bytes.len / HEAD_BYTES <= HEADS_MAX, ERR_CORRUPT);
	row->head_count = bytes.len / HEAD_BYTES;
	row->has_heads = row->head_count > 0;
	if (!row->has_heads) return ERR_OK;
	TRY(store_array(arena, row->head_count, sizeof(*row->heads), &row->heads));
	for (size_t i = 0; i < row->head_count; i++) {
		const uint8_t *at = bytes.p + i * HEAD_BYTES;
		memcpy(row->heads[i].lane_id.b, at, HASH_BYTES);
		row->heads[i].lane_seq = load_be64(at + HASH_BYTES);
		memcpy(row->heads[i].op_hash.b, at + HASH_BYTES + 8, HASH_BYTES);
	}
	return ERR_OK;
}

static enum err row_read_bytes(const struct db_stmt *stmt, struct arena *arena,
			       struct store_row *row)
{
	TRY(store_col_dup(stmt, 15, arena, &row->core));
	TRY(store_col_sig(stmt, 16, &row->signature));
	if (!db_col_is_null(stmt, 17)) TRY(store_col_dup(stmt, 17, arena, &row->payload));
	TRY(row_read_heads(db_col_view(stmt, 18), arena, row));
	row->has_intro = db_col_u64(stmt, 19) == 1;
	if (!row->has_intro) return ERR_OK;
	TRY(db_col_id(stmt, 20, &row->intro.user_id));
	row->intro.room_id = row->room_id;
	row->intro.lane_class = row->lane_class;
	return db_col_bytes(stmt, 21, row->intro.random16, LANE_RANDOM_BYTES);
}

/* Bytes of an op in a frame, framing aside. */
static size_t row_bytes(const struct db_stmt *stmt)
{
	return db_col_view(stmt, 15).len + SIGN_SIG_BYTES + db_col_view(stmt, 17).len +
	       db_col_view(stmt, 18).len;
}

/* Fills the page from a query that gives one row more than `limit` when there is more. */
static enum err page_fill(struct db *db, struct db_stmt *stmt, uint64_t after_seq, size_t limit,
			  size_t bytes_max, struct arena *arena, struct store_page *ret)
{
	struct store_page page = { .up_to_seq = after_seq };
	size_t bytes = 0;
	TRY(store_array(arena, limit, sizeof(*page.rows), &page.rows));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		bytes += row_bytes(stmt);
		page.more = page.count == limit || (page.count > 0 && bytes > bytes_max);
		if (page.more) break;
		TRY(row_read_who(stmt, &page.rows[page.count]));
		TRY(row_read_bytes(stmt, arena, &page.rows[page.count]));
		TRY(lockbox_read_against(db, &page.rows[page.count]));
		page.up_to_seq = page.rows[page.count].seq;
		page.count++;
	}
	*ret = page;
	return ERR_OK;
}

enum err store_feed_page(struct store_reader *r, uint64_t after_seq, size_t limit, size_t bytes_max,
			 struct arena *arena, struct store_page *ret)
{
	REQUIRE(limit > 0);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db, ROW_COLUMNS " WHERE o.seq > ?1 ORDER BY o.seq LIMIT ?2",
		     DB_ARGS(db_u64(after_seq), db_u64(limit + 1)), &stmt));
	return page_fill(r->db, stmt, after_seq, limit, bytes_max, arena, ret);
}

enum err store_patient_page(struct store_reader *r, const struct id *patient_id, uint64_t after_seq,
			    size_t limit, size_t bytes_max, struct arena *arena,
			    struct store_page *ret)
{
	REQUIRE(limit > 0);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db,
		     ROW_COLUMNS " WHERE o.patient_id = ?1 AND o.seq > ?2 ORDER BY o.seq LIMIT ?3",
		     DB_ARGS(db_id(patient_id), db_u64(after_seq), db_u64(limit + 1)), &stmt));
	return page_fill(r->db, stmt, after_seq, limit, bytes_max, arena, ret);
}

enum err store_session_page(struct store_reader *r, const struct id *session_id, uint64_t after_seq,
			    size_t limit, size_t bytes_max, struct arena *arena,
			    struct store_page *ret)
{
	REQUIRE(limit > 0);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db,
		     ROW_COLUMNS " WHERE o.session_id = ?1 AND o.seq > ?2 ORDER BY o.seq LIMIT ?3",
		     DB_ARGS(db_id(session_id), db_u64(after_seq), db_u64(limit + 1)), &stmt));
	return page_fill(r->db, stmt, after_seq, limit, bytes_max, arena, ret);
}

/* ---- a chart that is to open at once --------------------------------------------------------- */

/* As in the index op_apart: no session's own content, no openings, mood reads or appointments. */
#define APART_KINDS "(2, 3, 4, 5, 6, 7, 22, 23, 24, 25, 26, 27, 32, 50)"
_Static_assert(KIND_SESSION_FRAME == 2 && KIND_ADDENDUM == 6 && KIND_OPENED == 7 &&
		       KIND_SESSION_CHART == 22 && KIND_ADVERSE_EVENT == 27 &&
		       KIND_MOOD_READ == 32 && KIND_APPOINTMENT == 50,
	       "APART_KINDS names them by number");

/* ?1 the patient, ?2 the time. */
#define SESSIONS_BEFORE                                                                            \
	" FROM session s JOIN patient p ON p.patient = s.patient WHERE p.patient_id = ?1"          \
	" AND coalesce(s.started_ms, s.first_started_ms) < ?2"                                     \
	" AND EXISTS (SELECT 1 FROM session_frame f JOIN op o ON o.seq = f.seq"                    \
	"  WHERE f.session = s.session AND o.hidden_by IS NULL) "

/* With a time, what belongs to no session has come by the feed. */
#define CHART_SEQS                                                                                 \
	"SELECT o.seq FROM op o INDEXED BY op_apart"                                               \
	" LEFT JOIN session a ON a.session_id = o.session_id"                                      \
	" WHERE o.patient_id = ?1 AND o.seq > ?4 AND o.kind NOT IN " APART_KINDS                   \
	" AND o.target_kind NOT IN " APART_KINDS                                                   \
	" AND (?5 OR coalesce(a.started_ms, a.first_started_ms) < ?2)"                             \
	" UNION SELECT o.seq FROM op o WHERE o.seq > ?4 AND o.session_id IN"                       \
	" (SELECT s.session_id" SESSIONS_BEFORE                                                    \
	"ORDER BY coalesce(s.started_ms, s.first_started_ms) DESC, s.session_id DESC LIMIT ?3)"

enum err store_chart_page(struct store_reader *r, const struct store_chart *chart,
			  uint64_t after_seq, size_t limit, size_t bytes_max, struct arena *arena,
			  struct store_page *ret, uint64_t *ret_sessions)
{
	REQUIRE(limit > 0);
	const bool all = chart->before_ms > INT64_MAX;
	const struct db_arg before = db_u64(all ? INT64_MAX : chart->before_ms);
	TRY(db_get_u64(r->db, "SELECT count(*)" SESSIONS_BEFORE,
		       DB_ARGS(db_id(&chart->patient_id), before), ret_sessions));
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db,
		     ROW_COLUMNS " WHERE o.seq IN (" CHART_SEQS " ORDER BY 1 LIMIT ?6)"
				 " ORDER BY o.seq",
		     DB_ARGS(db_id(&chart->patient_id), before, db_u64(chart->sessions_max),
			     db_u64(after_seq), db_u64(all), db_u64(limit + 1)),
		     &stmt));
	return page_fill(r->db, stmt, after_seq, limit, bytes_max, arena, ret);
}

/* ---- heads and lookups ----------------------------------------------------------------------- */

static enum err lane_head_read(const struct db_stmt *stmt, struct store_lane_head *ret)
{
	TRY(store_col_hash(stmt, 0, &ret->head.lane_id));
	ret->head.lane_seq = db_col_u64(stmt, 1);
	TRY(store_col_hash(stmt, 2, &ret->head.op_hash));
	ret->lane_class = (enum op_lane_class)db_col_u64(stmt, 3);
	return db_col_id(stmt, 4, &ret->room_id);
}

enum err store_lane_heads(struct store_reader *r, const struct id *user_id, struct arena *arena,
			  struct store_lane_head **ret_heads, size_t *ret_count)
{
	uint64_t expected = 0;
	TRY(db_get_u64(r->db, "SELECT count(*) FROM lane WHERE user_id = ?1",
		       DB_ARGS(db_id(user_id)), &expected));
	struct store_lane_head *heads = NULL;
	TRY(store_array(arena, expected, sizeof(*heads), &heads));

	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db,
		     "SELECT lane_id, head_seq, head_hash, class, room_id FROM lane"
		     " WHERE user_id = ?1 ORDER BY lane_id",
		     DB_ARGS(db_id(user_id)), &stmt));
	size_t count = 0;
	bool row = false;
	for (; count < expected; count++) {
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(lane_head_read(stmt, &heads[count]));
	}
	*ret_heads = heads;
	*ret_count = count;
	return ERR_OK;
}

enum err store_session_ref(struct store_reader *r, const struct id *session_id,
			   struct store_session_ref *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db,
			 "SELECT p.patient_id, s.therapist_id,"
			 " coalesce(s.started_ms, s.first_started_ms), s.imported,"
			 " s.sign_seq IS NOT NULL FROM session s"
			 " JOIN patient p ON p.patient = s.patient WHERE s.session_id = ?1",
			 DB_ARGS(db_id(session_id)), &stmt));
	struct store_session_ref ref = { .started_ms = db_col_u64(stmt, 2),
					 .imported = db_col_u64(stmt, 3) == 1,
					 .is_signed = db_col_u64(stmt, 4) == 1 };
	TRY(db_col_id(stmt, 0, &ref.patient_id));
	TRY(db_col_id(stmt, 1, &ref.therapist_id));
	*ret = ref;
	return ERR_OK;
}

enum err store_patient_exists(struct store_reader *r, const struct id *patient_id)
{
	uint64_t one = 0;
	return db_get_u64(r->db, "SELECT 1 FROM patient WHERE patient_id = ?1",
			  DB_ARGS(db_id(patient_id)), &one);
}
