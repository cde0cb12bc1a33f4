/* Verbs of people, rooms and sign-in. */
#include "unit/client/api/verbs_rig.h"

/* ---- people and rooms ---------------------------------------------------------------------- */

static void test_nobody_signed_in(void **state)
{
	(void)state;
	struct world *w = world_new();
	json_start();
	world_found(w);
	struct room *r = &w->rooms[0];
	size_t count = 0;
	const struct verb_row *table = verb_table(&count);

	for (size_t i = 0; i < count; i++) {
		if (table[i].needs_person) fails(ask(r, table[i].path, "{}"), "signed_out", 77);
	}
	expect_json(ask(r, "status", "{}"), "user", "null");
	expect_json(ask(r, "status", "{}"), "mode", "'courier'");
	expect_json(ask(r, "status", "{}"), "kit", "'on_disk'");
	expect_json(ask(r, "lock", "{}"), "locked", "false");
	world_free(w);
}

static void test_sign_in(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];

	expect_json(ask(r, "status", "{}"), "user", "'mara'");
	expect_json(ask(r, "status", "{}"), "mode", "'signed_in'");
	expect_json(ask(r, "status", "{}"), "link", "'online'");
	expect_json(ask(r, "status", "{}"), "outbox",
		    "{'queued':0,'committed':0,'rejected':0,'quarantined':0}");
	/* Over another person: that one goes first, whatever comes of it. */
	fails(sign_in(r, "jo", MARA_PASS), "login_failed", 77);
	expect_json(ask(r, "status", "{}"), "user", "null");
	fails(sign_in(r, "nobody", MARA_PASS), "login_failed", 77);
	fails(sign_in(r, "NOT A LOGIN", "x"), "login_failed", 77);
	expect_json(sign_in(r, "jo", JO_PASS), "roles", "['owner','therapist']");
	expect_json(ask(r, "lock", "{}"), "locked", "true");
	fails(ask(r, "sign-in", "{'login':'jo'}"), "usage", 64);
	world_free(w);
}

static enum err sick_with;

static bool answer_sick(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_RESULT) return true;
	f->result->has_code = true;
	f->result->code = sick_with;
	r->tampered++;
	return true;
}

/* A server whose disk is full says so; a room ends itself over its own disk only. */
static void test_the_servers_trouble_is_not_the_rooms(void **state)
{
	(void)state;
	static const enum err troubles[] = { ERR_IO,      ERR_DISK_FULL, ERR_STORE,
					     ERR_CORRUPT, ERR_NOMEM,     ERR_BUG };
	for (size_t i = 0; i < COUNT_OF(troubles); i++) {
		struct world *w = clinic();
		struct room *r = &w->rooms[0];
		sick_with = troubles[i];
		r->tamper = answer_sick;
		struct said s = ask(r, "unlock/user", "{'login':'mara'}");
		assert_int_equal(r->tampered, 1);
		assert_int_equal(s.err, ERR_OFFLINE);
		fails(s, "offline", 69);
		/* Who has signed in here before can go on. */
		fails(sign_in(r, "jo", MARA_PASS), "login_failed", 77);
		assert_true(r->tampered >= 2);
		expect_json(sign_in(r, "jo", JO_PASS), "user", "'jo'");
		world_free(w);
	}
}

static void test_sign_in_offline(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];

	room_cut(r, true);
	fails(sign_in(r, "mara", JO_PASS), "login_failed", 77);
	fails(sign_in(r, "jo", JO_PASS), "needs_server", 77); /* never signed in here */
	expect_json(sign_in(r, "mara", MARA_PASS), "online", "false");
	expect_json(ask(r, "status", "{}"), "link", "'offline'");
	for (unsigned i = 0; i < 5; i++) fails(sign_in(r, "mara", JO_PASS), "login_failed", 77);
	fails(sign_in(r, "mara", MARA_PASS), "throttled", 77);
	world_free(w);
}

static void test_users(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[0];

	expect_json(ask(r, "sync", "{}"), "schema", "'roomkeep.sync/1'");
	assert_int_equal(rows_at(ask(r, "list/users", "{}"), "users"), 2);
	fails(ask(r, "add/user",
		  "{'name':'X','login':'mara','roles':['desk'],'new_passphrase':'%s'}", JO_PASS),
	      "login_taken", 1);
	fails(ask(r, "add/user",
		  "{'name':'X','login':'x y','roles':['desk'],'new_passphrase':'%s'}", JO_PASS),
	      "bad_value", 65);
	fails(ask(r, "add/user",
		  "{'name':'X','login':'x','roles':['desk'],'new_passphrase':'short'}"),
	      "bad_passphrase", 65);
	fails(ask(r, "add/user", "{'name':'X','login':'x','roles':['king'],'new_passphrase':'%s'}",
		  JO_PASS),
	      "usage", 64);
	fails(ask(r, "add/user", "{'name':'X','login':'x','new_passphrase':'%s'}", JO_PASS),
	      "usage", 64);
	fails(ask(&w->rooms[1], "add/user",
		  "{'name':'X','login':'x','roles':['desk'],'new_passphrase':'%s'}", JO_PASS),
	      "denied", 77);
	fails(ask(&w->rooms[1], "disable/user", "{'login':'jo'}"), "denied", 77);
	fails(ask(r, "disable/user", "{'login':'zoe'}"), "not_found", 66);
	fails(ask(r, "disable/user", "{'login':'jo'}"), "denied", 77); /* the last owner */
	fails(ask(&w->rooms[1], "unlock/user", "{'login':'jo'}"), "denied", 77);
	fails(ask(r, "unlock/user", "{'login':'zoe'}"), "not_found", 66);
	expect_json(ask(r, "unlock/user", "{'login':'mara'}"), "login", "'mara'");
	expect_json(ask(r, "disable/user", "{'login':'mara'}"), "state", "'disabled'");
	room_cut(r, true);
	fails(ask(r, "add/user", "{'name':'X','login':'x','roles':['desk'],'new_passphrase':'%s'}",
		  JO_PASS),
	      "offline", 69);
	world_free(w);
}

static void test_names_are_learned_at_sign_in(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct said s = ask(&w->rooms[1], "list/users", "{}");
	OK(s.err);
	const json_t *list = json_object_get(s.answer, "users");
	assert_string_equal(json_text_of(json_array_get(list, 0), "login"), "jo");
	assert_string_equal(json_text_of(json_array_get(list, 1), "login"), "mara");
	json_decref(s.answer);
	assert_int_equal(names[1].count, 2);
	world_free(w);
}

static void test_rooms(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[0];

	struct said s = ask(r, "list/rooms", "{}");
	OK(s.err);
	assert_int_equal(json_array_size(json_object_get(s.answer, "rooms")), 2);
	json_decref(s.answer);
	const char *code =
		text_at(ask(r, "invite/room", "{'name':'Desk','kind':'desk'}"), "join_code");
	assert_int_equal(strlen(code), 34); /* 28 characters in groups of four */
	fails(ask(r, "invite/room", "{'name':'Room 2'}"), "name_taken", 1);
	fails(ask(r, "invite/room", "{'name':'Y','kind':'barn'}"), "usage", 64);
	fails(ask(r, "invite/room", "{'name':''}"), "bad_value", 65);
	fails(ask(r, "invite/room", "{}"), "usage", 64);
	fails(ask(&w->rooms[1], "invite/room", "{'name':'Y'}"), "denied", 77);
	fails(ask(&w->rooms[1], "retire/room", "{'name':'Room 1'}"), "denied", 77);
	fails(ask(r, "retire/room", "{'name':'Room 9'}"), "not_found", 66);
	done(ask(r, "retire/room", "{'name':'Room 2'}"));
	world_run(w);
	world_wait(w, 1000);
	expect_json(ask(&w->rooms[1], "status", "{}"), "link", "'refused'");
	expect_json(ask(&w->rooms[1], "status", "{}"), "reason", "'retired'");
	world_free(w);
}

static void test_set_passphrase(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];

	fails(ask(r, "set/passphrase", "{'passphrase':'%s','new_passphrase':'%s'}", JO_PASS,
		  JO_PASS),
	      "wrong_passphrase", 77);
	fails(ask(r, "set/passphrase", "{'passphrase':'%s','new_passphrase':'short'}", MARA_PASS),
	      "bad_passphrase", 65);
	fails(ask(r, "set/passphrase", "{'passphrase':'%s'}", MARA_PASS), "usage", 64);
	done(ask(r, "set/passphrase", "{'passphrase':'%s','new_passphrase':'%s'}", MARA_PASS,
		 "eleven small lanterns by the sea"));
	done(ask(r, "lock", "{}"));
	fails(sign_in(r, "mara", MARA_PASS), "login_failed", 77);
	done(sign_in(r, "mara", "eleven small lanterns by the sea"));
	world_free(w);
}

static void test_set_server(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[0];

	expect_json(ask(r, "set/server", "{'address':'clinic.lan:7340'}"), "address",
		    "'clinic.lan:7340'");
	expect_json(ask(r, "status", "{}"), "server", "'clinic.lan:7340'");
	fails(ask(r, "set/server", "{'address':'nonsense'}"), "usage", 64);
	fails(ask(r, "set/server", "{}"), "usage", 64);
	expect_json(ask(r, "status", "{}"), "server", "'clinic.lan:7340'");
	world_free(w);
}

static void test_confirm_kit_needs_real_shares(void **state)
{
	(void)state;
	struct world *w = clinic();

	fails(ask(&w->rooms[0], "confirm/kit", "{}"), "usage", 64);
	fails(ask(&w->rooms[0], "confirm/kit", "{'shares':[]}"), "more_shares", 65);
	fails(ask(&w->rooms[0], "confirm/kit", "{'shares':['ABCD']}"), "bad_share", 65);
	fails(ask(&w->rooms[1], "confirm/kit", "{'shares':['ABCD']}"), "not_found", 66);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_signed_in),
		cmocka_unit_test(test_sign_in),
		cmocka_unit_test(test_the_servers_trouble_is_not_the_rooms),
		cmocka_unit_test(test_sign_in_offline),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_names_are_learned_at_sign_in),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_set_passphrase),
		cmocka_unit_test(test_set_server),
		cmocka_unit_test(test_confirm_kit_needs_real_shares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
