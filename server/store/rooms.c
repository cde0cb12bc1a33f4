#include "base/check.h"
#include "base/limits.h"
#include "server/store/store_priv.h"

/* ---- invites --------------------------------------------------------------------------------- */

static enum err name_is_free(struct store *s, struct view name)
{
	uint64_t taken = 0;
	TRY(db_get_u64(s->db,
		       "SELECT (SELECT count(*) FROM room WHERE name = ?1 AND state = 1)"
		       " + (SELECT count(*) FROM invite WHERE name = ?1 AND used_ms IS NULL"
		       "    AND expires_ms > ?2)",
		       DB_ARGS(db_text(name), db_u64(s->now_ms)), &taken));
	return taken == 0 ? ERR_OK : ERR_EXISTS;
}

enum err store_invite_put(struct store *s, const struct store_invite *invite)
{
	REQUIRE(s->open);
	ENSURE(!id_is_zero(&invite->join_id) && invite->name.len > 0, ERR_BAD_VALUE);
	TRY(name_is_free(s, invite->name));
	return db_run(s->db,
		      "INSERT INTO invite (join_id, join_mac, join_blob, name, kind, invited_by,"
		      " expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      DB_ARGS(db_id(&invite->join_id), db_blob(VIEW_OF(invite->join_mac)),
			      db_blob(invite->join_blob), db_text(invite->name),
			      db_text(invite->kind), db_id(&invite->invited_by),
			      db_u64(invite->expires_ms)));
}

enum err store_invite_find(struct store_reader *r, const struct id *join_id, uint64_t now_ms,
			   struct arena *arena, struct store_invite *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db,
			 "SELECT used_ms, expires_ms, join_mac, join_blob, name, kind, invited_by"
			 " FROM invite WHERE join_id = ?1",
			 DB_ARGS(db_id(join_id)), &stmt));
	ENSURE(db_col_is_null(stmt, 0), ERR_USED);
	struct store_invite invite = { .join_id = *join_id, .expires_ms = db_col_u64(stmt, 1) };
	ENSURE(now_ms < invite.expires_ms, ERR_EXPIRED);
	TRY(db_col_bytes(stmt, 2, invite.join_mac, sizeof(invite.join_mac)));
	TRY(store_col_dup(stmt, 3, arena, &invite.join_blob));
	TRY(store_col_dup(stmt, 4, arena, &invite.name));
	TRY(store_col_dup(stmt, 5, arena, &invite.kind));
	TRY(db_col_id(stmt, 6, &invite.invited_by));
	*ret = invite;
	return ERR_OK;
}

enum err store_invite_burn(struct store *s, const struct id *join_id)
{
	REQUIRE(s->open);
	/* What it was for goes too: nothing is left to try a code against. */
	TRY(db_run(s->db,
		   "UPDATE invite SET used_ms = coalesce(used_ms, ?2), join_mac = x'',"
		   " join_blob = x'' WHERE join_id = ?1",
		   DB_ARGS(db_id(join_id), db_u64(s->now_ms))));
	return db_changes(s->db) == 1 ? ERR_OK : ERR_NOT_FOUND;
}

/* ---- rooms ----------------------------------------------------------------------------------- */

/* *ret_same: this id with this key is active already. ERR_EXISTS: one of the two is somebody
 * else's, or retired. */
static enum err room_is_new(struct store *s, const struct id *room_id, const struct hash32 *spki,
			    bool *ret_same)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	TRY(db_query(s->db,
		     "SELECT room_id = ?1 AND spki = ?2 AND state = 1 FROM room"
		     " WHERE room_id = ?1 OR spki = ?2",
		     DB_ARGS(db_id(room_id), db_hash(spki)), &stmt));
	TRY(db_step(stmt, &row));
	*ret_same = row && db_col_u64(stmt, 0) == 1;
	return !row || *ret_same ? ERR_OK : ERR_EXISTS;
}

static enum err room_insert(struct store *s, const struct store_invite *invite,
			    const struct id *room_id, const struct hash32 *spki)
{
	uint64_t active = 0;
	TRY(db_get_u64(s->db, "SELECT count(*) FROM room WHERE state = 1", DB_NO_ARGS, &active));
	ENSURE(active < ROOMS_MAX, ERR_FULL);
	return db_run(s->db,
		      "INSERT INTO room (room_id, name, kind, spki, state, enrolled_ms)"
		      " VALUES (?1, ?2, ?3, ?4, 1, ?5)",
		      DB_ARGS(db_id(room_id), db_text(invite->name), db_text(invite->kind),
			      db_hash(spki), db_u64(s->now_ms)));
}

enum err store_room_enrol(struct store *s, const struct id *join_id, const struct id *room_id,
			  const struct hash32 *spki)
{
	REQUIRE(s->open);
	ENSURE(!id_is_zero(room_id), ERR_BAD_VALUE);
	struct store_invite invite;
	arena_reset(&s->arena);
	TRY(store_invite_find(&s->self, join_id, s->now_ms, &s->arena, &invite));
	bool same = false;
	TRY(room_is_new(s, room_id, spki, &same));
	crashpoint(CRASHPOINT_STORE_ROOM_BEFORE);
	if (!same) TRY(room_insert(s, &invite, room_id, spki));
	TRY(store_invite_burn(s, join_id));
	crashpoint(CRASHPOINT_STORE_ROOM_AFTER);
	return ERR_OK;
}

static enum err invite_withdraw(struct store *s, struct view name)
{
	TRY(db_run(s->db,
		   "UPDATE invite SET used_ms = ?2, join_mac = x'', join_blob = x''"
		   " WHERE name = ?1 AND used_ms IS NULL AND expires_ms > ?2",
		   DB_ARGS(db_text(name), db_u64(s->now_ms))));
	return db_changes(s->db) > 0 ? ERR_OK : ERR_NOT_FOUND;
}

static enum err room_active_by_name(struct store *s, struct view name, struct id *ret_room_id)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(s->db, "SELECT room_id FROM room WHERE name = ?1 AND state = 1",
			 DB_ARGS(db_text(name)), &stmt));
	return db_col_id(stmt, 0, ret_room_id);
}

enum err store_room_retire(struct store *s, struct view name, struct id *ret_room_id)
{
	REQUIRE(s->open);
	struct id room_id = { 0 };
	const enum err found = room_active_by_name(s, name, &room_id);
	if (found == ERR_NOT_FOUND) {
		TRY(invite_withdraw(s, name));
		*ret_room_id = room_id;
		return ERR_OK;
	}
	if (found != ERR_OK) return found;
	TRY(db_run(s->db, "UPDATE room SET state = 2, retired_ms = ?2 WHERE room_id = ?1",
		   DB_ARGS(db_id(&room_id), db_u64(s->now_ms))));
	*ret_room_id = room_id;
	return ERR_OK;
}

static enum err room_read(const struct db_stmt *stmt, struct arena *arena, struct store_room *ret)
{
	TRY(db_col_id(stmt, 0, &ret->room_id));
	TRY(store_col_dup(stmt, 1, arena, &ret->name));
	TRY(store_col_dup(stmt, 2, arena, &ret->kind));
	if (!db_col_is_null(stmt, 3)) TRY(store_col_hash(stmt, 3, &ret->spki));
	const uint64_t state = db_col_u64(stmt, 4);
	ENSURE(state <= STORE_ROOM_RETIRED, ERR_CORRUPT);
	ret->state = (enum store_room_state)state;
	return ERR_OK;
}

#define ROOMS_LIVE                                                                                 \
	" FROM (SELECT room_id, name, kind, spki, state, enrolled_ms AS age FROM room"             \
	" UNION ALL SELECT NULL, name, kind, NULL, 0, expires_ms FROM invite"                      \
	" WHERE used_ms IS NULL AND expires_ms > ?1)"

enum err store_rooms_list(struct store_reader *r, uint64_t now_ms, struct arena *arena,
			  struct store_room **ret_rooms, size_t *ret_count)
{
	uint64_t expected = 0;
	TRY(db_get_u64(r->db, "SELECT count(*)" ROOMS_LIVE, DB_ARGS(db_u64(now_ms)), &expected));
	struct store_room *rooms = NULL;
	TRY(store_array(arena, expected, sizeof(*rooms), &rooms));

	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db,
		     "SELECT room_id, name, kind, spki, state" ROOMS_LIVE " ORDER BY age, name",
		     DB_ARGS(db_u64(now_ms)), &stmt));
	size_t count = 0;
	bool row = false;
	/* Another room may have come between the two statements: it is in the next list. */
	for (; count < expected; count++) {
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(room_read(stmt, arena, &rooms[count]));
	}
	*ret_rooms = rooms;
	*ret_count = count;
	return ERR_OK;
}
