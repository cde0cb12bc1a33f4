/* check_ops: each op against its signature, its lane, its payload and the log. */
#include "base/check.h"
#include "base/limits.h"
#include "server/store/store_priv.h"

#define HEAD_BYTES (HASH_BYTES + 8u + HASH_BYTES)

/* ---- signatures ------------------------------------------------------------------------------ */

/* The columns are copies of what was signed, for looking things up; they must say the same. */
static enum err core_matches(const struct db_stmt *stmt, const struct op_core *core, bool *ret_same)
{
	struct id op_id;
	struct id author_id;
	TRY(db_col_id(stmt, 1, &op_id));
	TRY(db_col_id(stmt, 2, &author_id));
	*ret_same = id_equal(&op_id, &core->op_id) && id_equal(&author_id, &core->author_id) &&
		    db_col_u64(stmt, 3) == core->kind;
	return ERR_OK;
}

static enum err signature_look(struct check *c, const struct db_stmt *stmt, const char **ret_what)
{
	struct op_core core;
	struct sign_sig sig;
	bool same = false;
	*ret_what = "not an op";
	if (op_core_parse(db_col_view(stmt, 4), &core) != ERR_OK) return ERR_OK;
	*ret_what = "the row says something else than what was signed";
	TRY(core_matches(stmt, &core, &same));
	if (!same) return ERR_OK;
	*ret_what = "another clinic's";
	if (!id_equal(&core.clinic_id, &c->clinic_id)) return ERR_OK;
	*ret_what = "the author's key is not in the directory";
	const struct dir_key *key = dir_key(&c->directory, &core.author_id, core.author_gen);
	if (key == NULL) return ERR_OK;
	*ret_what = "the signature does not hold";
	TRY(store_col_sig(stmt, 5, &sig));
	if (op_verify(&key->sign_pk, db_col_view(stmt, 4), &sig) == ERR_OK) *ret_what = NULL;
	return ERR_OK;
}

enum err check_op_signatures(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(c->db,
		     "SELECT seq, op_id, author_id, kind, core, signature FROM op ORDER BY seq",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		const char *what = NULL;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		check_seen(c, STORE_CHECK_OP_SIGNATURES);
		TRY(signature_look(c, stmt, &what));
		if (what == NULL) continue;
		check_bad(c, STORE_CHECK_OP_SIGNATURES, db_col_u64(stmt, 0), what);
	}
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* Where the walk along one lane stands. */
struct lane_walk {
	uint64_t lane;
	uint64_t lane_seq;
	struct hash32 op_hash;
};

/* `*ret_what` stays NULL when no list travelled, or the one that was signed. */
static enum err heads_look(const struct db_stmt *stmt, const struct op_core *core,
			   const char **ret_what)
{
	struct op_head heads[HEADS_MAX];
	struct hash32 hash;
	const struct view bytes = db_col_view(stmt, 8);
	const size_t count = bytes.len / HEAD_BYTES;
	if (db_col_is_null(stmt, 8)) return ERR_OK;
	*ret_what = "its list of heads is not the one that was signed";
	if (bytes.len % HEAD_BYTES != 0 || count > HEADS_MAX) return ERR_OK;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at = bytes.p + i * HEAD_BYTES;
		memcpy(heads[i].lane_id.b, at, HASH_BYTES);
		heads[i].lane_seq = load_be64(at + HASH_BYTES);
		memcpy(heads[i].op_hash.b, at + HASH_BYTES + 8, HASH_BYTES);
	}
	const enum err e = op_heads_hash(heads, count, &hash);
	ENSURE(e != ERR_NOMEM, e);
	if (e == ERR_OK && hash_equal(&hash, &core->seen_heads_hash)) *ret_what = NULL;
	return ERR_OK;
}

static const char *lane_look(const struct db_stmt *stmt, const struct op_core *core,
			     const struct lane_walk *walk)
{
	struct hash32 lane_id;
	struct hash32 stored;
	const struct hash32 hash = op_hash(db_col_view(stmt, 3));
	if (store_col_hash(stmt, 4, &stored) != ERR_OK) return "not a hash";
	if (!hash_equal(&stored, &hash)) return "the op's hash is wrong";
	if (store_col_hash(stmt, 5, &lane_id) != ERR_OK) return "not a lane";
	if (!hash_equal(&lane_id, &core->lane_id)) return "it stands in another lane";
	if (core->lane_seq != db_col_u64(stmt, 2)) return "its number in the lane is wrong";
	if (core->lane_seq != walk->lane_seq + 1) return "an op is missing before it";
	if (!hash_equal(&core->prev_hash, &walk->op_hash)) return "it follows another op";
	const uint32_t lane_class = (uint32_t)db_col_u64(stmt, 6);
	const bool applied = db_col_u64(stmt, 7) == STORE_OP_COMMITTED;
	if (applied && !kind_fits_lane(core->kind, lane_class)) return "its kind is not the lane's";
	return NULL;
}

static enum err lanes_walk(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct lane_walk walk = { 0 };
	TRY(db_query(c->db,
		     "SELECT o.seq, o.lane, o.lane_seq, o.core, o.op_hash, l.lane_id, l.class,"
		     " o.state, o.heads FROM op o JOIN lane l ON l.lane = o.lane"
		     " ORDER BY o.lane, o.lane_seq",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		struct op_core core;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		check_seen(c, STORE_CHECK_OP_LANES);
		const uint64_t lane = db_col_u64(stmt, 1);
		if (lane != walk.lane) walk = (struct lane_walk){ .lane = lane };
		const char *what = "not an op";
		if (op_core_parse(db_col_view(stmt, 3), &core) == ERR_OK) {
			what = lane_look(stmt, &core, &walk);
			if (what == NULL) TRY(heads_look(stmt, &core, &what));
		}
		if (what != NULL) check_bad(c, STORE_CHECK_OP_LANES, db_col_u64(stmt, 0), what);
		walk.lane_seq = db_col_u64(stmt, 2);
		walk.op_hash = op_hash(db_col_view(stmt, 3));
	}
}

static enum err lane_id_look(const struct db_stmt *stmt, const char **ret_what)
{
	struct id user_id;
	struct id room_id;
	uint8_t random16[LANE_RANDOM_BYTES];
	struct hash32 stored;
	struct hash32 computed;
	TRY(store_col_hash(stmt, 1, &stored));
	TRY(db_col_id(stmt, 2, &user_id));
	TRY(db_col_id(stmt, 3, &room_id));
	TRY(db_col_bytes(stmt, 5, random16, sizeof(random16)));
	TRY(lane_id_make(&user_id, &room_id, (enum op_lane_class)db_col_u64(stmt, 4), random16,
			 &computed));
	*ret_what = NULL;
	if (!hash_equal(&stored, &computed)) *ret_what = "a lane is not its author's";
	if (db_col_u64(stmt, 6) != 1) *ret_what = "a lane's head is not its newest op";
	return ERR_OK;
}

static enum err lanes_look(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(c->db,
		     "SELECT l.head_seq, l.lane_id, l.user_id, l.room_id, l.class, l.random16,"
		     " EXISTS (SELECT 1 FROM op o WHERE o.lane = l.lane AND o.lane_seq = l.head_seq"
		     "  AND o.op_hash = l.head_hash AND NOT EXISTS (SELECT 1 FROM op n"
		     "  WHERE n.lane = l.lane AND n.lane_seq > l.head_seq))"
		     " FROM lane l ORDER BY l.lane",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		const char *what = NULL;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(lane_id_look(stmt, &what));
		if (what != NULL) check_bad(c, STORE_CHECK_OP_LANES, 0, what);
	}
}

enum err check_op_lanes(struct check *c)
{
	TRY(lanes_walk(c));
	return lanes_look(c);
}

/* ---- payloads -------------------------------------------------------------------------------- */

/* Does the payload of this tombstone name `target`? */
static enum err tombstone_names(struct check *c, const struct db_stmt *stmt,
				const struct id *target, bool *ret_names)
{
	struct payload payload;
	struct id named;
	*ret_names = false;
	const uint64_t kind = db_col_u64(stmt, 4);
	if (kind != KIND_TOMBSTONE && kind != KIND_SEALED_TOMBSTONE) return ERR_OK;
	arena_reset(&c->arena);
	const enum err e = payload_decode(&c->arena, kind, db_col_view(stmt, 5), &payload, NULL);
	if (e == ERR_NOMEM) return e;
	if (e != ERR_OK || !payload_subject_id(&payload, &named)) return ERR_OK;
	*ret_names = id_equal(&named, target);
	return ERR_OK;
}

static enum err payload_look(struct check *c, const struct db_stmt *stmt, const char **ret_what)
{
	struct op_core core;
	bool names = true;
	*ret_what = "not an op";
	if (op_core_parse(db_col_view(stmt, 1), &core) != ERR_OK) return ERR_OK;
	*ret_what = "it is hidden without a tombstone";
	if (!db_col_is_null(stmt, 3)) TRY(tombstone_names(c, stmt, &core.op_id, &names));
	if (!names) return ERR_OK;
	const bool missing = db_col_is_null(stmt, 2);
	*ret_what = "the payload is missing and no tombstone names it";
	if (missing && db_col_is_null(stmt, 3)) return ERR_OK;
	*ret_what = "the payload is not the one that was signed";
	if (!missing && op_check_payload(&core, db_col_view(stmt, 2)) != ERR_OK) return ERR_OK;
	*ret_what = NULL;
	return ERR_OK;
}

enum err check_op_payloads(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(c->db,
		     "SELECT o.seq, o.core, p.bytes, o.hidden_by, t.kind, q.bytes FROM op o"
		     " LEFT JOIN op_payload p ON p.seq = o.seq"
		     " LEFT JOIN op t ON t.seq = o.hidden_by AND t.state = 1"
		     " LEFT JOIN op_payload q ON q.seq = t.seq ORDER BY o.seq",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		const char *what = NULL;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		check_seen(c, STORE_CHECK_OP_PAYLOADS);
		TRY(payload_look(c, stmt, &what));
		if (what == NULL) continue;
		check_bad(c, STORE_CHECK_OP_PAYLOADS, db_col_u64(stmt, 0), what);
	}
}

/* ---- the log knows each op ------------------------------------------------------------------- */

/* Steps to the next log row about an op; *ret_row is false after the last. */
static enum err log_next_op(struct db_stmt *log, struct audit_row *ret, bool *ret_row)
{
	for (;;) {
		TRY(db_step(log, ret_row));
		if (!*ret_row) return ERR_OK;
		struct audit_row row;
		/* A row that does not parse was found by the walk along the chain. */
		if (audit_row_parse(db_col_view(log, 0), &row) != ERR_OK) continue;
		if (row.event != STORE_EVENT_OP && row.event != STORE_EVENT_OPENED) continue;
		*ret = row;
		return ERR_OK;
	}
}

static enum err log_row_is(const struct db_stmt *op, const struct db_stmt *log,
			   const struct audit_row *row, bool *ret_same)
{
	struct hash32 hash;
	struct id author_id;
	TRY(store_col_hash(op, 1, &hash));
	TRY(db_col_id(op, 2, &author_id));
	*ret_same = hash_equal(&hash, &row->hash) && id_equal(&author_id, &row->user_id) &&
		    (int64_t)row->code == db_col_i64(op, 3) &&
		    db_col_u64(log, 1) == db_col_u64(op, 4);
	return ERR_OK;
}

/* Both come in rising order of seq, so one walk along both finds what only one of them has. */
static enum err log_merge(struct check *c, struct db_stmt *ops, struct db_stmt *log)
{
	bool have_op = false;
	bool have_log = false;
	struct audit_row row = { 0 };
	TRY(db_step(ops, &have_op));
	TRY(log_next_op(log, &row, &have_log));
	while (have_op || have_log) {
		const uint64_t seq = have_op ? db_col_u64(ops, 0) : UINT64_MAX;
		const uint64_t logged = have_log ? row.number : UINT64_MAX;
		bool same = true;
		check_seen(c, STORE_CHECK_OP_AUDIT);
		if (seq == logged) TRY(log_row_is(ops, log, &row, &same));
		if (!same) check_bad(c, STORE_CHECK_OP_AUDIT, seq, "the log has another op here");
		if (seq < logged) check_bad(c, STORE_CHECK_OP_AUDIT, seq, "the log lacks it");
		if (seq > logged) check_bad(c, STORE_CHECK_OP_AUDIT, logged, "the op is missing");
		if (seq <= logged) TRY(db_step(ops, &have_op));
		if (logged <= seq) TRY(log_next_op(log, &row, &have_log));
	}
	return ERR_OK;
}

enum err check_op_audit(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *ops = NULL;
	CLEANUP(db_stmt_donep) struct db_stmt *log = NULL;
	TRY(db_query(c->db,
		     "SELECT seq, op_hash, author_id, code, received_ms FROM op ORDER BY seq",
		     DB_NO_ARGS, &ops));
	TRY(db_query(c->db, "SELECT body, time_ms FROM audit ORDER BY seq", DB_NO_ARGS, &log));
	return log_merge(c, ops, log);
}
