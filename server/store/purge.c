#include "base/check.h"
#include "server/store/store_priv.h"

/* Reads the payload, keeps what the merge needs of it, and lets the rest go. `hash` names the op
 * in the log. */
static enum err purge_one(struct store *s, uint64_t seq, uint64_t kind, struct view bytes,
			  const struct hash32 *hash)
{
	if (kind_find(kind) != NULL) {
		CLEANUP(buf_finip) struct buf skeleton = { 0 };
		struct payload payload;
		arena_reset(&s->arena);
		TRY(payload_decode(&s->arena, kind, bytes, &payload, NULL));
		TRY(skeleton_encode(&payload, &skeleton));
		TRY(db_run(s->db, "INSERT INTO op_skeleton (seq, bytes) VALUES (?1, ?2)",
			   DB_ARGS(db_u64(seq), db_blob(buf_view(&skeleton)))));
	}
	crashpoint(CRASHPOINT_STORE_PURGE_BEFORE);
	TRY(db_run(s->db, "DELETE FROM op_payload WHERE seq = ?1", DB_ARGS(db_u64(seq))));
	TRY(store_audit_row(
		s,
		&(struct audit_row){ .event = STORE_EVENT_PURGED, .number = seq, .hash = *hash }));
	crashpoint(CRASHPOINT_STORE_PURGE_AFTER);
	return ERR_OK;
}

static enum err purge_next(struct store *s, uint64_t before_ms, bool *ret_purged)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool held = true;
	TRY(db_query(s->db,
		     "SELECT o.seq, o.kind, p.bytes, o.op_hash, o.patient_id FROM op o"
		     " JOIN op t ON t.seq = o.hidden_by JOIN op_payload p ON p.seq = o.seq"
		     " WHERE o.hidden_by IS NOT NULL AND t.received_ms <= ?1",
		     DB_ARGS(db_u64(before_ms)), &stmt));
	/* What a legal hold stands over waits for its end (SECURITY 3.8, BC4). */
	while (held) {
		struct id patient_id;
		TRY(db_step(stmt, ret_purged));
		if (!*ret_purged) return ERR_OK;
		TRY(db_col_id(stmt, 4, &patient_id));
		TRY(record_view_is_held(s->db, &patient_id, &held));
	}
	struct hash32 hash;
	TRY(store_col_hash(stmt, 3, &hash));
	return purge_one(s, db_col_u64(stmt, 0), db_col_u64(stmt, 1), db_col_view(stmt, 2), &hash);
}

enum err store_purge_due(struct store *s, size_t limit, uint64_t *ret_purged)
{
	REQUIRE(s->open);
	uint64_t count = 0;
	bool purged = s->now_ms >= PURGE_AFTER_MS;
	while (purged && count < limit) {
		TRY(purge_next(s, s->now_ms - PURGE_AFTER_MS, &purged));
		if (purged) count++;
	}
	*ret_purged = count;
	return ERR_OK;
}

static enum err tend_purge(struct store *s, uint64_t now_ms, uint64_t *ret_purged)
{
	TRY(store_begin(s, now_ms));
	const enum err e = store_purge_due(s, STORE_TEND_MAX, ret_purged);
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	/* Nothing was written: nothing to flush, and no head to sign early. */
	if (*ret_purged > 0) return store_commit(s);
	store_rollback(s);
	return ERR_OK;
}

enum err store_tend(struct store *s, uint64_t now_ms, bool *ret_again)
{
	REQUIRE(!s->open);
	uint64_t purged = 0;
	TRY(tend_purge(s, now_ms, &purged));
	if (purged > 0) s->erase_due = true;
	if (s->erase_due) {
		TRY(store_checkpoint_erase(s));
		s->erase_due = false;
	}
	*ret_again = purged == STORE_TEND_MAX;
	return ERR_OK;
}
