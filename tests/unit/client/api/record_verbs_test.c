/* Verbs of plain records, over every kind there is: what goes in comes out, and what is wrong is
 * said by key and with what is allowed. */
#include "unit/client/api/verbs_rig.h"

#include "client/api/record_json.h"
#include "record/access.h"
#include "support/plain_sample.h"

static struct arena arena;
static char relative[ID_TEXT_BYTES]; /* a second patient, for records of two */

/* Paths of one kind. */
struct paths {
	char add[64], set[64], show[64], list[64], key[64];
};

static struct paths paths_of(const struct kind_info *info)
{
	struct paths p;
	char noun[40];
	(void)snprintf(noun, sizeof(noun), "%s", info->name);
	for (char *at = noun; *at != '\0'; at++)
		if (*at == '_') *at = '-';
	(void)snprintf(p.add, sizeof(p.add), "add/%s", noun);
	(void)snprintf(p.set, sizeof(p.set), "set/%s", noun);
	(void)snprintf(p.show, sizeof(p.show), "show/%s", noun);
	(void)snprintf(p.list, sizeof(p.list), "list/%s%s", noun, kind_plural_end(info));
	(void)snprintf(p.key, sizeof(p.key), "%s%s", info->name, kind_plural_end(info));
	return p;
}

/* Somebody who treats, in a room that there is: appointments ask for both. */
static char mara_id[ID_TEXT_BYTES];
static char place_id[ID_TEXT_BYTES];

static struct world *clinic_with_mara(void)
{
	struct world *w = clinic();
	struct id id = { 0 };
	OK(local_user_by_login(w->rooms[0].local, "mara", &id));
	id_print(&id, mara_id);
	id_print(&local_room(w->rooms[0].local)->room_id, place_id);
	return w;
}

static char session[ID_TEXT_BYTES]; /* Mara's, of the patient */

/* One per session: served by the verbs about sessions (session_verbs_test). */
static bool has_verbs(const struct kind_info *info)
{
	return kind_is_plain(info) && !kind_is_one_per_session(info);
}

/* A request of all fields as generated, for this patient; with ' for ". Free it. */
static json_t *request_of(const struct kind_info *info, uint64_t seed, const char *patient_id)
{
	json_t *request = json_object();
	ProtobufCMessage *m = arena_alloc(&arena, info->message->sizeof_message);
	assert_non_null(m);
	plain_sample(info, seed, &arena, m);
	OK(record_to_json(request, info, m));
	if (!kind_is_one_per_patient(info)) json_object_del(request, info->subject_field);
	if (info->session_field != NULL) json_object_del(request, info->session_field);
	if (info->own_session)
		json_object_set_new(request, info->session_field, json_string(session));
	if (info->patient_field != NULL)
		json_object_set_new(request, info->patient_field, json_string(patient_id));
	if (json_object_get(request, "therapist_id") != NULL)
		json_object_set_new(request, "therapist_id", json_string(mara_id));
	if (json_object_get(request, "room_id") != NULL)
		json_object_set_new(request, "room_id", json_string(place_id));
	/* Whom a touch may reach is care_verbs_test's. */
	if (info->kind == KIND_TOUCH)
		json_object_set_new(request, "what", json_string("leave_in_peace"));
	if (info->relative_field != NULL)
		json_object_set_new(request, info->relative_field, json_string(relative));
	return request;
}

/* Like ask(), with a request that is JSON already; takes it. */
static struct said ask_json(struct room *r, const char *path, json_t *request)
{
	char *text = NULL;
	OK(json_text_dump(request, &text));
	json_decref(request);
	struct said s = ask(r, path, "%s", text);
	json_text_free(text);
	return s;
}

static const char *make_path(const struct kind_info *info, const struct paths *p)
{
	return kind_is_one_per_patient(info) ? p->set : p->add;
}

static char *patient_of(struct room *r)
{
	(void)snprintf(
		relative, sizeof(relative), "%.36s",
		text_at(ask(r, "add/patient", "{'name':'Ben','born':'1986-04-02'}"), "patient_id"));
	char *id = copy(text_at(ask(r, "add/patient", "{'name':'Maya','born':'1988-04-02'}"),
				"patient_id"));
	(void)snprintf(session, sizeof(session), "%.36s",
		       text_at(ask(r, "start/session", "{'patient_id':'%s'}", id), "session_id"));
	return id;
}

static void expect_fields(const struct kind_info *info, const json_t *object, const json_t *request)
{
	char key[FIELD_KEY_BYTES];
	for (size_t i = 0; i < info->field_count; i++) {
		if (info->fields[i].format == FIELD_CLEARS) continue;
		field_key(&info->fields[i], key);
		const json_t *want = json_object_get(request, key);
		const json_t *got = json_object_get(object, key);
		assert_non_null(got);
		if (want != NULL && !json_equal(got, want)) fail_msg("%s %s", info->name, key);
	}
}

static char *id_request(const struct kind_info *info, const char *id)
{
	static char text[128];
	(void)snprintf(text, sizeof(text), "{'%s':'%s'}", info->subject_field, id);
	return text;
}

static struct said list_of(struct room *r, const struct kind_info *info, const char *patient_id)
{
	const struct paths p = paths_of(info);
	if (info->patient_field == NULL) return ask(r, p.list, "{}");
	if (info->own_session) return ask(r, p.list, "{'session_id':'%s'}", session);
	return ask(r, p.list, "{'patient_id':'%s'}", patient_id);
}

static void goes_in_and_comes_out(struct world *w, const struct kind_info *info,
				  const char *patient_id)
{
	const struct paths p = paths_of(info);
	json_t *request = request_of(info, 1, patient_id);
	char *id = copy(text_at(ask_json(&w->rooms[1], make_path(info, &p), json_copy(request)),
				info->subject_field));

	/* Shown in the other room, with its history. */
	struct said s = ask(&w->rooms[0], p.show, "%s", id_request(info, id));
	OK(s.err);
	expect_fields(info, s.answer, request);
	assert_string_equal(json_text_of(s.answer, "added_by"), "mara");
	const json_t *history = json_object_get(s.answer, "history");
	assert_int_equal(json_array_size(history), 1);
	const json_t *change = json_array_get(history, 0);
	assert_string_equal(json_text_of(change, "by"), "mara");
	assert_string_equal(json_text_of(change, "room"), "Room 2");
	assert_true(json_is_false(json_object_get(change, "late")));
	json_decref(s.answer);

	if (verb_find(p.list) != NULL) {
		s = list_of(&w->rooms[0], info, patient_id);
		OK(s.err);
		const json_t *list = json_object_get(s.answer, p.key);
		assert_int_equal(json_array_size(list), 1);
		expect_fields(info, json_array_get(list, 0), request);
		assert_true(json_is_false(json_object_get(s.answer, "partial")));
		json_decref(s.answer);
	}
	json_decref(request);
	free(id);
}

static void test_every_kind_goes_in_and_comes_out(void **state)
{
	(void)state;
	struct world *w = clinic_with_mara();
	char *patient_id = patient_of(&w->rooms[1]);
	int count = 3; /* two patients, a session, and one op of each kind with verbs */
	for (size_t i = 0; i < kind_count(); i++) {
		if (!has_verbs(kind_at(i)) || !plain_sample_stands_alone(kind_at(i))) continue;
		goes_in_and_comes_out(w, kind_at(i), patient_id);
		count++;
	}
	char saved[80];
	(void)snprintf(saved, sizeof(saved),
		       "{'queued':0,'committed':%d,'rejected':0,'quarantined':0}", count);
	expect_json(ask(&w->rooms[1], "status", "{}"), "outbox", saved);
	free(patient_id);
	world_free(w);
}

/* ---- changing ------------------------------------------------------------------------------ */

/* Every optional field is taken back by its key, and is null then. */
static void clear_all(struct room *r, const struct kind_info *info, const char *patient_id)
{
	const struct paths p = paths_of(info);
	char key[FIELD_KEY_BYTES];
	char *id = copy(text_at(ask_json(r, make_path(info, &p), request_of(info, 2, patient_id)),
				info->subject_field));
	json_t *request = json_object();
	json_t *keys = json_array();
	json_object_set_new(request, info->subject_field, json_string(id));
	json_object_set_new(request, "clear", keys);
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->need != FIELD_OPTIONAL || rule->format == FIELD_CLEARS) continue;
		field_key(rule, key);
		json_array_append_new(keys, json_string(key));
	}
	const size_t count = json_array_size(keys);
	done(ask_json(r, p.set, request));
	struct said s = ask(r, p.show, "%s", id_request(info, id));
	OK(s.err);
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->format == FIELD_CLEARS) continue;
		field_key(rule, key);
		const json_t *value = json_object_get(s.answer, key);
		const bool empty = json_is_null(value) ||
				   (json_is_array(value) && json_array_size(value) == 0);
		assert_int_equal(empty, rule->need == FIELD_OPTIONAL);
	}
	const json_t *last = json_array_get(json_object_get(s.answer, "history"), 1);
	const json_t *cleared = json_object_get(json_object_get(last, "said"), "cleared");
	assert_int_equal(json_array_size(cleared), count);
	json_decref(s.answer);
	fails(ask(r, p.set, "{'%s':'%s','clear':['%s']}", info->subject_field, id,
		  info->subject_field),
	      "bad_value", 65);
	fails(ask(r, p.set, "{'%s':'%s','clear':['nothing']}", info->subject_field, id), "usage",
	      64);
	fails(ask(r, p.set, "%s", id_request(info, id)), "usage", 64); /* nothing to change */
	free(id);
}

static void test_every_field_can_be_taken_back(void **state)
{
	(void)state;
	struct world *w = clinic_with_mara();
	char *patient_id = patient_of(&w->rooms[1]);
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (has_verbs(info) && info->merge == KIND_MERGE_FIELDS &&
		    plain_sample_stands_alone(info))
			clear_all(&w->rooms[1], info, patient_id);
	}
	free(patient_id);
	world_free(w);
}

static void test_an_alert_from_begin_to_end(void **state)
{
	(void)state;
	struct world *w = clinic_with_mara();
	struct room *mara = &w->rooms[1];
	char *patient_id = patient_of(mara);
	char *id =
		copy(text_at(ask(mara, "add/alert",
				 "{'patient_id':'%s','kind':'allergy','text':'latex'}", patient_id),
			     "alert_id"));
	done(ask(mara, "set/alert", "{'alert_id':'%s','ended':'2026-12-01'}", id));
	expect_json(ask(&w->rooms[0], "show/alert", "{'alert_id':'%s'}", id), "ended",
		    "'2026-12-01'");
	expect_json(ask(&w->rooms[0], "show/alert", "{'alert_id':'%s'}", id), "kind", "'allergy'");
	fails(ask(mara, "set/alert", "{'alert_id':'%s','started':'2026-12-02'}", id), "bad_value",
	      65);
	done(ask(mara, "set/alert", "{'alert_id':'%s','clear':['ended']}", id));
	expect_json(ask(&w->rooms[0], "show/alert", "{'alert_id':'%s'}", id), "ended", "null");
	/* Nobody has said anything yet: all of it is null. */
	expect_json(ask(mara, "show/comfort", "{'patient_id':'%s'}", patient_id), "chaperone",
		    "null");
	expect_json(ask(mara, "show/comfort", "{'patient_id':'%s'}", patient_id), "history", "[]");
	free(id);
	free(patient_id);
	world_free(w);
}

/* ---- what is wrong ------------------------------------------------------------------------- */

static void fails_saying(struct said s, const char *code, const char *begin, const char *part)
{
	assert_int_not_equal(s.err, ERR_OK);
	assert_string_equal(s.fault.code, code);
	if (strncmp(s.fault.message, begin, strlen(begin)) != 0 ||
	    strstr(s.fault.message, part) == NULL)
		fail_msg("%s: wanted %s and %s", s.fault.message, begin, part);
}

static json_t *bad_value_of(const struct field_rule *rule, const char **ret_part)
{
	switch (rule->format) {
	case FIELD_ENUM: *ret_part = "one of "; return json_string("sideways");
	case FIELD_ENUMS: *ret_part = "each once"; return json_pack("[s]", "sideways");
	case FIELD_TEXTS: *ret_part = "lines"; return json_pack("[s]", "");
	case FIELD_DATE: *ret_part = "YYYY-MM-DD"; return json_string("2026-02-30");
	case FIELD_CLOCK: *ret_part = "HH:MM"; return json_string("25:00");
	case FIELD_PHONE: *ret_part = "phone number"; return json_string("call me");
	case FIELD_EMAIL: *ret_part = "e-mail"; return json_string("at home");
	case FIELD_BOOL: *ret_part = "yes or no"; return json_string("maybe");
	case FIELD_COUNT: *ret_part = "whole number from"; return json_integer(-1);
	case FIELD_NUMBER: *ret_part = "a number"; return json_string("many");
	case FIELD_TIME: *ret_part = "RFC 3339"; return json_string("yesterday");
	case FIELD_ID: *ret_part = "an id"; return json_string("that one");
	case FIELD_IDS: *ret_part = "ids"; return json_pack("[s]", "that one");
	case FIELD_NAME: *ret_part = "bytes"; return json_string("");
	case FIELD_TEXT:
	case FIELD_BYTES:
	case FIELD_BYTES32:
	case FIELD_REF:
	case FIELD_UNIT:
	case FIELD_CLEARS: break;
	}
	*ret_part = "bytes";
	return json_string("");
}

static void wrong_values(struct room *r, const struct kind_info *info, const char *patient_id)
{
	const struct paths p = paths_of(info);
	const char *path = make_path(info, &p);
	char begin[FIELD_KEY_BYTES + 16];
	char key[FIELD_KEY_BYTES];
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->format == FIELD_CLEARS) continue;
		field_key(rule, key);
		const bool own = strcmp(rule->name, info->subject_field) == 0;
		if (own ||
		    (info->patient_field != NULL && strcmp(rule->name, info->patient_field) == 0))
			continue;
		/* Verbs about sessions say that alike: session_verbs_test. */
		if (info->own_session && strcmp(rule->name, info->session_field) == 0) continue;
		const char *part = NULL;
		json_t *request = request_of(info, 3, patient_id);
		json_object_set_new(request, key, bad_value_of(rule, &part));
		(void)snprintf(begin, sizeof(begin), "%s: ", key);
		fails_saying(ask_json(r, path, request), "bad_value", begin, part);
		request = request_of(info, 3, patient_id);
		json_object_set_new(request, key, json_object());
		fails_saying(ask_json(r, path, request), "bad_value", begin, "");
		if (rule->need == FIELD_OPTIONAL) continue;
		request = request_of(info, 3, patient_id);
		json_object_del(request, key);
		(void)snprintf(begin, sizeof(begin), "%s is missing: ", key);
		fails_saying(ask_json(r, path, request), "usage", begin, "");
	}
	json_t *request = request_of(info, 3, patient_id);
	json_object_set_new(request, "no_such_thing", json_true());
	fails_saying(ask_json(r, path, request), "usage", "no field \"no_such_thing\"", info->name);
	if (info->patient_field != NULL && !info->own_session) {
		request = request_of(info, 3, "01a20b7c-c27a-73bc-9514-f03fa89e0055");
		fails_saying(ask_json(r, path, request), "not_found", "no such patient",
			     "01a20b7c");
	}
	if (info->ref_field != NULL) {
		request = request_of(info, 3, patient_id);
		json_object_set_new(request, info->ref_field,
				    json_string("01a20b7c-c27a-73bc-9514-f03fa89e0055"));
		fails_saying(ask_json(r, path, request), "not_found", "no such ", "01a20b7c");
	}
	if (kind_is_one_per_patient(info)) return;
	fails(ask(r, p.show, "%s", id_request(info, "nonsense")), "not_found", 66);
	fails(ask(r, p.show, "%s", id_request(info, patient_id)), "not_found", 66);
	request = request_of(info, 3, patient_id);
	json_object_set_new(request, info->subject_field, json_string(patient_id));
	fails(ask_json(r, path, request), "usage", 64); /* ids are made here */
}

static void test_every_wrong_value_is_said_by_its_key(void **state)
{
	(void)state;
	struct world *w = clinic_with_mara();
	char *patient_id = patient_of(&w->rooms[1]);
	for (size_t i = 0; i < kind_count(); i++) {
		if (!has_verbs(kind_at(i)) || !plain_sample_stands_alone(kind_at(i))) continue;
		wrong_values(&w->rooms[1], kind_at(i), patient_id);
	}
	expect_json(ask(&w->rooms[1], "status", "{}"), "outbox",
		    "{'queued':0,'committed':3,'rejected':0,'quarantined':0}");
	free(patient_id);
	world_free(w);
}

static void test_the_desk_is_told_what_it_may_not(void **state)
{
	(void)state;
	struct world *w = clinic_with_mara();
	struct room *r = &w->rooms[0];
	char *patient_id = patient_of(&w->rooms[1]);
	done(ask(r, "add/user",
		 "{'name':'Sam','login':'sam','roles':['desk'],'new_passphrase':'%s'}", MARA_PASS));
	done(sign_in(&w->rooms[1], "sam", MARA_PASS));
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (!has_verbs(info)) continue;
		const struct paths p = paths_of(info);
		json_t *request = request_of(info, 4, patient_id);
		struct said s = ask_json(&w->rooms[1], make_path(info, &p), request);
		assert_int_equal(s.err, (info->write & ROLE_DESK) != 0 ? ERR_OK : ERR_DENIED);
		if (s.err == ERR_OK) json_decref(s.answer);
		s = ask(&w->rooms[1], p.show, "%s", id_request(info, patient_id));
		const bool may = (info->read & ROLE_DESK) != 0;
		const bool here = may && kind_is_one_per_patient(info); /* the id is a patient's */
		if (!may) fails(s, "denied", 77);
		if (may && !here) fails(s, "not_found", 66);
		if (here) done(s);
		if (verb_find(p.list) == NULL) continue;
		s = list_of(&w->rooms[1], info, patient_id);
		if (may) done(s);
		if (!may) fails(s, "denied", 77);
	}
	free(patient_id);
	world_free(w);
}

static int arena_setup(void **state)
{
	(void)state;
	arena_init(&arena, 8u * MIB);
	return 0;
}

static int arena_teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_goes_in_and_comes_out),
		cmocka_unit_test(test_every_field_can_be_taken_back),
		cmocka_unit_test(test_an_alert_from_begin_to_end),
		cmocka_unit_test(test_every_wrong_value_is_said_by_its_key),
		cmocka_unit_test(test_the_desk_is_told_what_it_may_not),
	};
	return cmocka_run_group_tests(tests, arena_setup, arena_teardown);
}
