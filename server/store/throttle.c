#include "base/check.h"
#include "base/limits.h"
#include "server/store/store_priv.h"

/* The row of a handle over all rooms has an empty room_id. */
static struct db_arg all_rooms(void)
{
	return db_blob(VIEW_EMPTY);
}

static enum err handle_check(struct view handle)
{
	return handle.len <= LOGIN_BYTES_MAX ? ERR_OK : ERR_TOO_BIG;
}

static enum err failures_get(struct db *db, struct view handle, struct db_arg room,
			     uint64_t *ret_failures, uint64_t *ret_last_ms)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	TRY(db_query(db,
		     "SELECT failures, last_ms FROM throttle WHERE handle = ?1 AND room_id = ?2",
		     DB_ARGS(db_blob(handle), room), &stmt));
	TRY(db_step(stmt, &row));
	*ret_failures = row ? db_col_u64(stmt, 0) : 0;
	*ret_last_ms = row ? db_col_u64(stmt, 1) : 0;
	return ERR_OK;
}

static uint64_t wait_after(uint64_t failures)
{
	if (failures < THROTTLE_FREE) return 0;
	uint64_t ms = THROTTLE_MS_FIRST;
	for (uint64_t i = THROTTLE_FREE; i < failures && ms < THROTTLE_MS_MAX; i++) ms *= 2;
	return ms < THROTTLE_MS_MAX ? ms : THROTTLE_MS_MAX;
}

static uint64_t wait_left(uint64_t failures, uint64_t last_ms, uint64_t now_ms)
{
	const uint64_t wait_ms = wait_after(failures);
	/* A failure from far in the future: the clock was wrong then and was set right. Nobody
	 * may be locked out until that day. */
	if (last_ms > now_ms && last_ms - now_ms > THROTTLE_MS_MAX) return 0;
	const uint64_t due_ms = last_ms + wait_ms;
	if (due_ms <= now_ms) return 0;
	return due_ms - now_ms < wait_ms ? due_ms - now_ms : wait_ms;
}

enum err store_throttle_get(struct store_reader *r, struct view handle, const struct id *room_id,
			    uint64_t now_ms, struct store_throttle *ret)
{
	TRY(handle_check(handle));
	struct store_throttle throttle = { 0 };
	uint64_t failures = 0;
	uint64_t last_ms = 0;
	TRY(failures_get(r->db, handle, all_rooms(), &failures, &last_ms));
	throttle.locked = failures >= THROTTLE_HANDLE_FAILURES_MAX;
	TRY(failures_get(r->db, handle, db_blob(id_view(room_id)), &failures, &last_ms));
	throttle.retry_ms = wait_left(failures, last_ms, now_ms);
	*ret = throttle;
	return ERR_OK;
}

static enum err failures_add(struct store *s, struct view handle, struct db_arg room)
{
	return db_run(s->db,
		      "INSERT INTO throttle (handle, room_id, failures, last_ms)"
		      " VALUES (?1, ?2, 1, ?3)"
		      " ON CONFLICT (handle, room_id) DO UPDATE"
		      " SET failures = failures + 1, last_ms = excluded.last_ms",
		      DB_ARGS(db_blob(handle), room, db_u64(s->now_ms)));
}

/* Handles that do not exist are counted too, so somebody could fill the table. The oldest go; that
 * many tries take longer than the longest wait, so nothing is gained by it. */
static enum err throttle_bound(struct store *s)
{
	uint64_t rows = 0;
	TRY(db_get_u64(s->db, "SELECT count(*) FROM throttle", DB_NO_ARGS, &rows));
	if (rows <= THROTTLE_ROWS_MAX) return ERR_OK;
	return db_run(
		s->db,
		"DELETE FROM throttle WHERE throttle IN (SELECT throttle FROM throttle"
		" WHERE failures < ?1 ORDER BY last_ms LIMIT ?2)",
		DB_ARGS(db_u64(THROTTLE_HANDLE_FAILURES_MAX), db_u64(rows - THROTTLE_ROWS_MAX)));
}

enum err store_throttle_fail(struct store *s, struct view handle, const struct id *room_id)
{
	REQUIRE(s->open);
	TRY(handle_check(handle));
	TRY(failures_add(s, handle, all_rooms()));
	TRY(failures_add(s, handle, db_blob(id_view(room_id))));
	return throttle_bound(s);
}

enum err store_throttle_reset(struct store *s, struct view handle, const struct id *room_id)
{
	REQUIRE(s->open);
	TRY(handle_check(handle));
	return db_run(s->db, "DELETE FROM throttle WHERE handle = ?1 AND room_id IN (x'', ?2)",
		      DB_ARGS(db_blob(handle), db_blob(id_view(room_id))));
}

enum err store_throttle_unlock(struct store *s, struct view handle)
{
	REQUIRE(s->open);
	TRY(handle_check(handle));
	return db_run(s->db, "DELETE FROM throttle WHERE handle = ?1", DB_ARGS(db_blob(handle)));
}
