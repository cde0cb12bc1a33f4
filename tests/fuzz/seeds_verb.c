/* seeds_verb: a good request for every verb, with the answers of a server where one is asked. */
#include "fuzz/seeds.h"
#include "wire/frame.h"

#define ONLINE "+"
#define OFFLINE "-"

static void put_reply(struct buf *b, Roomkeep__Frame *f)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };

	f->has_request = 1;
	f->request = 1;
	INSIST(frame_encode(f, &bytes) == ERR_OK);
	buf_consume(&bytes, FRAME_HEADER_BYTES);
	seed_put_u8(b, (uint8_t)(bytes.len >> 8));
	seed_put_u8(b, (uint8_t)bytes.len);
	seed_put(b, buf_view(&bytes));
}

static void put_result(struct buf *b, enum err e)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Result result = ROOMKEEP__RESULT__INIT;

	result.has_code = result.has_retry_ms = 1;
	result.code = e;
	result.retry_ms = 3000;
	f.body_case = ROOMKEEP__FRAME__BODY_RESULT;
	f.result = &result;
	put_reply(b, &f);
}

static void put_rooms(struct buf *b)
{
	static char name[] = "Room 2";
	static char kind[] = "desk";
	static char state[] = "online";
	static uint8_t id[16] = { 5 };
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Rooms rooms = ROOMKEEP__ROOMS__INIT;
	Roomkeep__RoomInfo info = ROOMKEEP__ROOM_INFO__INIT;
	Roomkeep__RoomInfo *list[] = { &info };

	info.has_room_id = 1;
	info.room_id = (ProtobufCBinaryData){ sizeof(id), id };
	info.name = name;
	info.kind = kind;
	info.state = state;
	rooms.n_rooms = 1;
	rooms.rooms = list;
	f.body_case = ROOMKEEP__FRAME__BODY_ROOMS;
	f.rooms = &rooms;
	put_reply(b, &f);
}

static void put_page(struct buf *b)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__FetchPage page = ROOMKEEP__FETCH_PAGE__INIT;

	page.has_last_seq = page.has_more = 1;
	page.last_seq = 7;
	f.body_case = ROOMKEEP__FRAME__BODY_FETCH_PAGE;
	f.fetch_page = &page;
	put_reply(b, &f);
}

/* The newest sessions, out of nine. */
static void put_part(struct buf *b)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__FetchPage page = ROOMKEEP__FETCH_PAGE__INIT;

	page.has_last_seq = page.has_more = page.has_sessions = 1;
	page.last_seq = 7;
	page.sessions = 9;
	f.body_case = ROOMKEEP__FRAME__BODY_FETCH_PAGE;
	f.fetch_page = &page;
	put_reply(b, &f);
}

static void put_directory(struct buf *b)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Directory directory = ROOMKEEP__DIRECTORY__INIT;

	f.body_case = ROOMKEEP__FRAME__BODY_DIRECTORY;
	f.directory = &directory;
	put_reply(b, &f);
}

/* Three lines, then `answer` twice. */
static void seed(const char *name, const char *path, const char *link, const char *json,
		 void (*answer)(struct buf *))
{
	CLEANUP(buf_finip) struct buf b = { 0 };

	INSIST(buf_append_fmt(&b, "%s\n%s\n%s\n", path, link, json) == ERR_OK);
	for (int i = 0; answer != NULL && i < 2; i++) answer(&b);
	seed_write("verb", name, buf_view(&b));
}

static void put_ok(struct buf *b)
{
	put_result(b, ERR_OK);
}

static void put_throttled(struct buf *b)
{
	put_result(b, ERR_THROTTLED);
}

static void seeds_records(void)
{
	seed("add_patient", "add/patient", OFFLINE,
	     "{\"name\":\"Bo\",\"born\":\"1980-01-02\",\"phone\":\"030 5550100\"}", NULL);
	seed("set_patient", "set/patient", OFFLINE,
	     "{\"patient_id\":\"@p\",\"name_used\":\"Annie\"}", NULL);
	seed("find_patient", "find/patient", OFFLINE, "{\"text\":\"ann\"}", NULL);
	seed("start_session", "start/session", OFFLINE, "{\"patient_id\":\"@p\"}", NULL);
	seed("set_session", "set/session", OFFLINE,
	     "{\"session_id\":\"@s\",\"subjective\":\"sore\",\"plan\":\"rest\"}", NULL);
	seed("set_signed", "set/session", OFFLINE, "{\"session_id\":\"@g\",\"plan\":\"run\"}",
	     NULL);
	seed("add_measure", "add/measure", OFFLINE,
	     "{\"session_id\":\"@s\",\"ref\":\"cx_rot\",\"phase\":\"post\",\"side\":\"left\","
	     "\"value\":52.5}",
	     NULL);
	seed("add_test", "add/measure", OFFLINE,
	     "{\"session_id\":\"@s\",\"ref\":\"spurling\",\"phase\":\"pre\",\"result\":"
	     "\"positive\"}",
	     NULL);
	seed("add_how", "add/measure", OFFLINE,
	     "{\"session_id\":\"@s\",\"ref\":\"cx_rot\",\"phase\":\"pre\",\"side\":\"L\","
	     "\"value\":52,\"mode\":\"active\",\"position\":\"seated\",\"method\":\"tape\","
	     "\"pain_at_end\":3,\"end_feel\":\"firm\",\"limited_by\":\"pull\"}",
	     NULL);
	seed("add_pair", "add/measure", OFFLINE,
	     "{\"session_id\":\"@s\",\"pair_id\":\"01234567-89ab-7def-8123-456789abcdef\","
	     "\"skipped_reason\":\"time\"}",
	     NULL);
	seed("sign_session", "sign/session", OFFLINE, "{\"session_id\":\"@s\"}", NULL);
	seed("show_session", "show/session", OFFLINE, "{\"session_id\":\"@g\"}", NULL);
	seed("fetch_session", "show/session", ONLINE,
	     "{\"session_id\":\"01234567-89ab-7def-8123-456789abcdef\"}", put_page);
	seed("list_sessions", "list/sessions", ONLINE, "{\"patient_id\":\"@p\"}", put_part);
	seed("list_all_sessions", "list/sessions", ONLINE, "{\"patient_id\":\"@p\",\"all\":true}",
	     put_page);
	seed("list_some_sessions", "list/sessions", ONLINE, "{\"patient_id\":\"@p\",\"limit\":2}",
	     put_part);
	seed("show_progress", "show/progress", ONLINE, "{\"patient_id\":\"@p\"}", put_page);
	seed("list_tests", "list/tests", OFFLINE,
	     "{\"patient_id\":\"@p\",\"region\":\"low back\",\"complaint\":\"numb\"}", NULL);
	seed("add_addendum", "add/addendum", OFFLINE, "{\"session_id\":\"@g\",\"text\":\"also\"}",
	     NULL);
	seed("add_note", "add/note", OFFLINE,
	     "{\"patient_id\":\"@p\",\"session_id\":\"@s\",\"text\":\"us\"}", NULL);
	seed("list_notes", "list/notes", OFFLINE, "{\"patient_id\":\"@p\"}", NULL);
	seed("list_pending", "list/pending", OFFLINE, "{}", NULL);
}

static void seeds_clinic(void)
{
	seed("status", "status", ONLINE, "{}", put_rooms);
	seed("list_users", "list/users", ONLINE, "{}", put_directory);
	seed("list_rooms", "list/rooms", ONLINE, "{}", put_rooms);
	seed("invite_room", "invite/room", ONLINE, "{\"name\":\"Room 9\",\"kind\":\"desk\"}",
	     put_ok);
	seed("retire_room", "retire/room", ONLINE, "{\"name\":\"Room 9\"}", put_ok);
	seed("throttled", "retire/room", ONLINE, "{\"name\":\"Room 9\"}", put_throttled);
	seed("add_user", "add/user", ONLINE,
	     "{\"name\":\"Kim\",\"login\":\"kim\",\"roles\":[\"desk\"],"
	     "\"new_passphrase\":\"nine blue herons stand still\"}",
	     put_ok);
	seed("disable_user", "disable/user", ONLINE, "{\"login\":\"mara\"}", put_throttled);
	seed("set_server", "set/server", OFFLINE, "{\"address\":\"127.0.0.1:7001\"}", NULL);
	seed("confirm_kit", "confirm/kit", OFFLINE, "{\"shares\":[\"CRSS\"]}", NULL);
}

void seeds_verb(void)
{
	seeds_records();
	seeds_clinic();
}
