/* append: one op into its lane, the log and the views (SECURITY 2.13, 3.1, 3.2). */
#include "base/check.h"
#include "base/limits.h"
#include "server/store/store_priv.h"

struct lane_row {
	bool exists;
	uint64_t lane;
	struct id user_id;
	struct id room_id;
	enum op_lane_class lane_class;
	uint64_t head_seq;
	struct hash32 head_hash;
};

static struct store_op_result verdict(enum store_op_status status, enum err code)
{
	return (struct store_op_result){ .status = status, .code = code };
}

/* ---- quarantine ------------------------------------------------------------------------------ */

static enum err quarantine_add(struct store *s, const struct store_op *op, enum err code)
{
	const struct hash32 hash = op_hash(op->core_bytes);
	TRY(db_run(s->db,
		   "INSERT INTO quarantine (op_hash, op_id, lane_id, lane_seq, author_id,"
		   " received_ms, code, core, signature, payload)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
		   " ON CONFLICT (op_hash, signature) DO NOTHING",
		   DB_ARGS(db_hash(&hash), db_blob(id_view(&op->core->op_id)),
			   db_hash(&op->core->lane_id), db_u64(op->core->lane_seq),
			   db_blob(id_view(&op->core->author_id)), db_u64(s->now_ms), db_i64(code),
			   db_blob(op->core_bytes), db_sig(&op->signature), db_blob(op->payload))));
	if (db_changes(s->db) == 0) return ERR_OK;
	TRY(store_audit_row(s, &(struct audit_row){ .event = STORE_EVENT_QUARANTINED,
						    .user_id = op->core->author_id,
						    .subject_id = op->core->op_id,
						    .code = code,
						    .hash = hash }));
	crashpoint(CRASHPOINT_STORE_QUARANTINE_AFTER);
	return ERR_OK;
}

/* Numbers that no honest room makes; the database could not keep them. */
static bool numbers_fit(const struct op_core *core)
{
	return core->kind <= INT64_MAX && core->lane_seq <= INT64_MAX &&
	       core->client_time_ms <= INT64_MAX;
}

/* One that is kept already does not count against itself. */
static enum err forged_check_space(struct store *s, const struct store_op *op)
{
	const struct hash32 hash = op_hash(op->core_bytes);
	uint64_t others = 0;
	TRY(db_get_u64(s->db,
		       "SELECT count(*) FROM quarantine WHERE code = ?1"
		       " AND NOT (op_hash = ?2 AND signature = ?3)",
		       DB_ARGS(db_i64(ERR_AUTH), db_hash(&hash), db_sig(&op->signature)), &others));
	return others < STORE_FORGED_MAX ? ERR_OK : ERR_FULL;
}

enum err store_quarantine_op(struct store *s, const struct store_op *op, enum err code)
{
	REQUIRE(s->open && code != ERR_OK);
	ENSURE(numbers_fit(op->core), ERR_BAD_VALUE);
	if (code == ERR_AUTH) TRY(forged_check_space(s, op));
	return quarantine_add(s, op, code);
}

/* Two different ops claim one place or one name. The first stays, this one is kept beside. */
static enum err answer_fork(struct store *s, const struct store_op *op, struct store_op_result *ret)
{
	TRY(quarantine_add(s, op, ERR_FORK));
	*ret = verdict(STORE_OP_QUARANTINED, ERR_FORK);
	return ERR_OK;
}

/* ---- what is there already ------------------------------------------------------------------- */

/* *ret_known: this op_id was judged before, and `*ret` says how. */
static enum err find_same(struct store *s, const struct store_op *op, const struct hash32 *hash,
			  bool *ret_known, struct store_op_result *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(s->db, "SELECT seq, state, code, op_hash FROM op WHERE op_id = ?1",
		     DB_ARGS(db_blob(id_view(&op->core->op_id))), &stmt));
	TRY(db_step(stmt, ret_known));
	if (!*ret_known) return ERR_OK;
	struct hash32 stored;
	TRY(store_col_hash(stmt, 3, &stored));
	if (!hash_equal(&stored, hash)) return answer_fork(s, op, ret);

	const uint64_t state = db_col_u64(stmt, 1);
	ret->status = state == STORE_OP_COMMITTED ? STORE_OP_DUPLICATE
						  : (enum store_op_status)state;
	ret->code = (enum err)db_col_i64(stmt, 2);
	ret->seq = db_col_u64(stmt, 0);
	ret->expected_seq = 0;
	return ERR_OK;
}

enum err store_find_op(struct store *s, const struct store_op *op, bool *ret_known,
		       struct store_op_result *ret)
{
	REQUIRE(s->open && op->core != NULL && op->core_bytes.len == OP_CORE_BYTES);
	const struct hash32 hash = op_hash(op->core_bytes);
	return find_same(s, op, &hash, ret_known, ret);
}

static enum err lane_find(struct store *s, const struct hash32 *lane_id, struct lane_row *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct lane_row lane = { 0 };
	TRY(db_query(s->db,
		     "SELECT lane, user_id, room_id, class, head_seq, head_hash FROM lane"
		     " WHERE lane_id = ?1",
		     DB_ARGS(db_hash(lane_id)), &stmt));
	TRY(db_step(stmt, &lane.exists));
	if (lane.exists) {
		lane.lane = db_col_u64(stmt, 0);
		TRY(db_col_id(stmt, 1, &lane.user_id));
		TRY(db_col_id(stmt, 2, &lane.room_id));
		lane.lane_class = (enum op_lane_class)db_col_u64(stmt, 3);
		lane.head_seq = db_col_u64(stmt, 4);
		TRY(store_col_hash(stmt, 5, &lane.head_hash));
	}
	*ret = lane;
	return ERR_OK;
}

/* ---- place in the lane ----------------------------------------------------------------------- */

/* After a gap: an op that follows a quarantined one belongs to the same branch. Asking for what
 * comes before it would bring the branch again and again. */
static enum err place_after_gap(struct store *s, const struct store_op *op, uint64_t expected,
				struct store_op_result *ret)
{
	uint64_t branches = 0;
	TRY(db_get_u64(s->db, "SELECT count(*) FROM quarantine WHERE lane_id = ?1 AND op_hash = ?2",
		       DB_ARGS(db_hash(&op->core->lane_id), db_hash(&op->core->prev_hash)),
		       &branches));
	if (branches > 0) return answer_fork(s, op, ret);
	*ret = verdict(STORE_OP_LANE_GAP, ERR_LANE_GAP);
	ret->expected_seq = expected;
	return ERR_OK;
}

static enum err lane_count_check(struct store *s, const struct store_lane_intro *intro)
{
	uint64_t lanes = 0;
	TRY(db_get_u64(s->db, "SELECT count(*) FROM lane WHERE user_id = ?1 AND class = ?2",
		       DB_ARGS(db_id(&intro->user_id), db_u64(intro->lane_class)), &lanes));
	/* A list of heads names all others: it must stay within HEADS_MAX. */
	return lanes <= HEADS_MAX ? ERR_OK : ERR_FULL;
}

static enum err place_new_lane(struct store *s, const struct store_op *op, struct lane_row *lane,
			       bool *ret_placed, struct store_op_result *ret)
{
	if (op->core->lane_seq != 1) return place_after_gap(s, op, 1, ret);
	const struct store_lane_intro *intro = op->intro;
	*ret = verdict(STORE_OP_REJECTED, ERR_BAD_VALUE);
	if (intro == NULL) return ERR_OK;
	if (intro->lane_class != OP_LANE_CHART && intro->lane_class != OP_LANE_SEALED)
		return ERR_OK;
	*ret = verdict(STORE_OP_REJECTED, ERR_DENIED);
	if (!id_equal(&intro->user_id, &op->core->author_id)) return ERR_OK;
	const enum err counted = lane_count_check(s, intro);
	if (counted == ERR_FULL) {
		*ret = verdict(STORE_OP_REJECTED, ERR_FULL);
		return ERR_OK;
	}
	if (counted != ERR_OK) return counted;

	TRY(db_run(
		s->db,
		"INSERT INTO lane (lane_id, user_id, room_id, class, random16, head_seq, head_hash)"
		" VALUES (?1, ?2, ?3, ?4, ?5, 0, zeroblob(32))",
		DB_ARGS(db_hash(&op->core->lane_id), db_id(&intro->user_id),
			db_blob(id_view(&intro->room_id)), db_u64(intro->lane_class),
			db_blob(VIEW_OF(intro->random16)))));
	lane->lane = db_last_row(s->db);
	lane->user_id = intro->user_id;
	lane->room_id = intro->room_id;
	lane->lane_class = intro->lane_class;
	*ret_placed = true;
	return ERR_OK;
}

/* *ret_placed: the op is the next of its lane. Otherwise `*ret` says what it is. */
static enum err place(struct store *s, const struct store_op *op, struct lane_row *lane,
		      bool *ret_placed, struct store_op_result *ret)
{
	*ret_placed = false;
	TRY(lane_find(s, &op->core->lane_id, lane));
	if (!lane->exists) return place_new_lane(s, op, lane, ret_placed, ret);
	if (!id_equal(&lane->user_id, &op->core->author_id)) {
		*ret = verdict(STORE_OP_REJECTED, ERR_DENIED);
		return ERR_OK;
	}
	const uint64_t expected = lane->head_seq + 1;
	if (op->core->lane_seq > expected) return place_after_gap(s, op, expected, ret);
	if (op->core->lane_seq < expected) return answer_fork(s, op, ret);
	if (!hash_equal(&op->core->prev_hash, &lane->head_hash)) return answer_fork(s, op, ret);
	*ret_placed = true;
	return ERR_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum err heads_encode(const struct store_op *op, struct buf *out)
{
	for (size_t i = 0; i < op->head_count; i++) {
		TRY(buf_append(out, hash_view(&op->heads[i].lane_id)));
		TRY(buf_append_be64(out, op->heads[i].lane_seq));
		TRY(buf_append(out, hash_view(&op->heads[i].op_hash)));
	}
	return ERR_OK;
}

static enum err op_insert(struct store *s, const struct store_op *op, const struct hash32 *hash,
			  const struct lane_row *lane, const struct store_judged *j, uint64_t seq)
{
	CLEANUP(buf_finip) struct buf heads = { 0 };
	TRY(heads_encode(op, &heads));
	const struct op_core *core = op->core;
	TRY(db_run(
		s->db,
		"INSERT INTO op (seq, op_id, op_hash, lane, lane_seq, kind, author_id, received_ms,"
		" state, code, patient_id, session_id, target_kind, core, signature, heads)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
		DB_ARGS(db_u64(seq), db_blob(id_view(&core->op_id)), db_hash(hash),
			db_u64(lane->lane), db_u64(core->lane_seq), db_u64(core->kind),
			db_blob(id_view(&core->author_id)), db_u64(s->now_ms), db_u64(j->status),
			db_i64(j->code), db_id(&j->patient_id), db_id(&j->session_id),
			db_u64(j->target_kind), db_blob(op->core_bytes), db_sig(&op->signature),
			db_maybe(op->head_count > 0, db_blob(buf_view(&heads))))));
	TRY(db_run(s->db, "INSERT INTO op_payload (seq, bytes) VALUES (?1, ?2)",
		   DB_ARGS(db_u64(seq), db_blob(op->payload))));
	return db_run(s->db, "UPDATE lane SET head_seq = ?2, head_hash = ?3 WHERE lane = ?1",
		      DB_ARGS(db_u64(lane->lane), db_u64(core->lane_seq), db_hash(hash)));
}

static enum err op_apply(struct store *s, const struct store_op *op, const struct store_judged *j,
			 uint64_t seq)
{
	if (j->status != STORE_OP_COMMITTED || !j->known) return ERR_OK;
	if (j->target_seq != 0 && !j->target_hidden) {
		TRY(db_run(s->db, "UPDATE op SET hidden_by = ?2 WHERE seq = ?1",
			   DB_ARGS(db_u64(j->target_seq), db_u64(seq))));
	}
	return views_apply(s->db, &(struct view_op){ .seq = seq,
						     .op_id = op->core->op_id,
						     .author_id = op->core->author_id,
						     .payload = &j->payload,
						     .target_session = j->session_id,
						     .target_kind = j->target_kind,
						     .target_seq = j->target_seq });
}

static enum err op_audit(struct store *s, const struct store_op *op, const struct hash32 *hash,
			 const struct lane_row *lane, const struct store_judged *j, uint64_t seq)
{
	struct audit_row row = { .event = STORE_EVENT_OP,
				 .user_id = op->core->author_id,
				 .room_id = lane->room_id,
				 .code = j->code,
				 .number = seq,
				 .hash = *hash };
	if (j->known && j->status == STORE_OP_COMMITTED && op->core->kind == KIND_OPENED) {
		row.event = STORE_EVENT_OPENED;
		row.subject_id = id_is_zero(&j->session_id) ? j->patient_id : j->session_id;
	}
	return store_audit_row(s, &row);
}

static enum err append_placed(struct store *s, const struct store_op *op, const struct hash32 *hash,
			      const struct lane_row *lane, struct store_op_result *ret)
{
	struct store_judged j;
	arena_reset(&s->arena);
	TRY(store_judge(s->db, &s->arena, op, lane->lane_class, s->now_ms, &j));
	const uint64_t seq = s->state.op_seq + 1;
	TRY(op_insert(s, op, hash, lane, &j, seq));
	crashpoint(CRASHPOINT_STORE_OP_AFTER_ROW);
	TRY(op_apply(s, op, &j, seq));
	crashpoint(CRASHPOINT_STORE_OP_AFTER_VIEWS);
	TRY(op_audit(s, op, hash, lane, &j, seq));
	crashpoint(CRASHPOINT_STORE_OP_AFTER_AUDIT);
	s->state.op_seq = seq;
	*ret = verdict(j.status, j.code);
	ret->seq = seq;
	return ERR_OK;
}

static bool op_is_ours(const struct store *s, const struct store_op *op)
{
	return s->state.founded && id_equal(&op->core->clinic_id, &s->state.clinic_id) &&
	       numbers_fit(op->core) && op->head_count <= HEADS_MAX;
}

enum err store_append_op(struct store *s, const struct store_op *op, struct store_op_result *ret)
{
	REQUIRE(s->open && op->core != NULL && op->core_bytes.len == OP_CORE_BYTES);
	REQUIRE(op->head_count == 0 || op->heads != NULL);
	struct store_op_result result = verdict(STORE_OP_REJECTED, ERR_BAD_VALUE);
	crashpoint(CRASHPOINT_STORE_OP_BEFORE);
	if (op_is_ours(s, op)) {
		const struct hash32 hash = op_hash(op->core_bytes);
		struct lane_row lane = { 0 };
		bool known = false;
		bool placed = false;
		TRY(find_same(s, op, &hash, &known, &result));
		if (!known) TRY(place(s, op, &lane, &placed, &result));
		if (placed) TRY(append_placed(s, op, &hash, &lane, &result));
	}
	*ret = result;
	return ERR_OK;
}
