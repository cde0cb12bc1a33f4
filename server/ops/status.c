#include "server/ops/status.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "db/db.h"
#include "server/net/engine.h"
#include "server/store/store.h"

#define STATUS_ARENA_BYTES MIB

static void status_jsonp(json_t **json)
{
	json_decref(*json);
}

static enum err status_new(const char *state, const struct id *epoch, uint64_t seq, json_t **ret)
{
	char text[ID_TEXT_BYTES] = { 0 };
	const bool have_epoch = !id_is_zero(epoch);
	if (have_epoch) id_print(epoch, text);
	json_t *json = json_pack("{s:s, s:s, s:s?, s:I, s:[], s:s, s:b}", "schema",
				 "roomkeep.server-status/1", "state", state, "epoch",
				 have_epoch ? text : NULL, "seq", (json_int_t)seq, "rooms",
				 "sqlite_version", db_library_version(), "sqlite_wal_reset_bug",
				 db_library_has_wal_reset_bug());
	ENSURE(json != NULL, ERR_NOMEM);
	*ret = json;
	return ERR_OK;
}

static enum err status_add_room(json_t *json, struct view name, const char *state)
{
	json_t *room =
		json_pack("{s:s%, s:s}", "name", (const char *)name.p, name.len, "state", state);
	ENSURE(room != NULL, ERR_NOMEM);
	ENSURE(json_array_append_new(json_object_get(json, "rooms"), room) == 0, ERR_NOMEM);
	return ERR_OK;
}

enum err status_of_engine(const struct engine *e, json_t **ret_json)
{
	const struct roster *r = e->roster;
	CLEANUP(status_jsonp) json_t *json = NULL;
	TRY(status_new(r->founded ? "running" : "unfounded", &r->epoch, r->seq, &json));
	for (size_t i = 0; i < r->room_count; i++) {
		const struct roster_room *room = &r->rooms[i];
		TRY(status_add_room(json, view_str(room->name),
				    roster_room_state_text(room, loop_wall_ms())));
	}
	*ret_json = TAKE(json);
	return ERR_OK;
}

static const char *status_stored_state(enum store_room_state state)
{
	switch (state) {
	case STORE_ROOM_INVITED: return "invited";
	case STORE_ROOM_ACTIVE: return "offline"; /* the server does not run */
	case STORE_ROOM_RETIRED: return "retired";
	}
	return "retired";
}

enum err status_of_folder(const char *folder, json_t **ret_json)
{
	CLEANUP(store_reader_closep) struct store_reader *reader = NULL;
	TRY(store_reader_open_onlooker(folder, &reader));
	struct store_status status = { 0 };
	TRY(store_status(reader, &status));
	CLEANUP(arena_finip) struct arena arena = { 0 };
	arena_init(&arena, STATUS_ARENA_BYTES);
	struct store_room *rooms = NULL;
	size_t count = 0;
	TRY(store_rooms_list(reader, loop_wall_ms(), &arena, &rooms, &count));

	CLEANUP(status_jsonp) json_t *json = NULL;
	TRY(status_new("stopped", &status.epoch, status.seq, &json));
	for (size_t i = 0; i < count; i++) {
		TRY(status_add_room(json, rooms[i].name, status_stored_state(rooms[i].state)));
	}
	*ret_json = TAKE(json);
	return ERR_OK;
}
