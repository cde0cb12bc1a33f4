/* verbs_rig: verbs as the command line sees them, JSON in and out, over a real desk, a real sync
 * engine and the server's inside, in one thread (support/rooms_world.h). */
#pragma once

#include "support/rooms_world.h"

#include "client/api/verbs.h"

/* What a verb answered. */
struct said {
	enum err err;
	struct fault fault;
	json_t *answer; /* owned; NULL after an error */
};

static struct room_names names[WORLD_ROOMS];

/* The loop's part of a step: what sync hears of it. */
static inline void apply_effects(struct room *r, struct verb_effects *fx)
{
	if (fx->person_out) {
		room_step(r, &(struct sync_event){ .type = SYNC_EV_PERSON_OUT,
						   .frame = buf_view(&fx->farewell) });
	}
	if (fx->person_in) {
		room_step(r, &(struct sync_event){ .type = SYNC_EV_PERSON_IN,
						   .person = fx->person,
						   .login = fx->login,
						   .serial = fx->serial,
						   .cursor = fx->cursor });
	}
	if (fx->outbox) room_event(r, SYNC_EV_OUTBOX);
	if (fx->now) room_event(r, SYNC_EV_NOW);
	if (fx->redial) room_event(r, SYNC_EV_REDIAL);
	world_run(r->w);
}

static inline void give_reply(struct room *r, struct verb *v)
{
	v->reply_err = room_ask_since(r, v->ask_needs, v->ask_serial, buf_view(&v->ask));
	v->reply_conn = r->reply.conn;
	buf_clear(&v->reply);
	OK(buf_append(&v->reply, buf_view(&r->reply.body)));
}

/* Runs a verb to its end. `request` is JSON with ' for ", formatted. */
__attribute__((format(printf, 3, 4))) static inline struct said ask(struct room *r,
								    const char *path,
								    const char *request, ...)
{
	struct said said = { 0 };
	struct verb v;
	char *text = NULL;
	json_t *object = NULL;
	va_list args;

	va_start(args, request);
	assert_true(vasprintf(&text, request, args) >= 0);
	va_end(args);
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '\'') *at = '"';
	}
	OK(json_object_read(view_str(text), &object));
	free(text);
	const struct verb_row *row = verb_find(path);
	assert_non_null(row);
	OK(verb_init(&v, row, object));
	v.desk = &r->desk;
	v.room_names = &names[r - r->w->rooms];
	do {
		v.link = (struct verb_link){ .link = sync_link_now(r->sync),
					     .reason = sync_reason_now(r->sync),
					     .live = sync_is_live(r->sync) };
		v.now_ms = r->w->wall;
		said.err = verb_run(&v);
		apply_effects(r, &v.effects);
		if (said.err == ERR_OK && v.ask.len > 0) give_reply(r, &v);
	} while (said.err == ERR_OK && v.ask.len > 0);
	said.fault = v.fault;
	if (said.err == ERR_OK) said.answer = json_incref(v.answer);
	verb_fini(&v);
	return said;
}

/* The text at `key` of an answer that went well; lives until the next call. */
static inline const char *text_at(struct said s, const char *key)
{
	static char text[4096];

	if (s.err != ERR_OK) print_message("%s: %s\n", s.fault.code, s.fault.message);
	OK(s.err);
	const char *found = json_text_of(s.answer, key);
	assert_non_null(found);
	(void)snprintf(text, sizeof(text), "%s", found);
	json_decref(s.answer);
	return text;
}

static inline void done(struct said s)
{
	if (s.err != ERR_OK) print_message("%s: %s\n", s.fault.code, s.fault.message);
	OK(s.err);
	json_decref(s.answer);
}

static inline void fails(struct said s, const char *code, int exit_code)
{
	if (s.err == ERR_OK) json_decref(s.answer);
	assert_int_not_equal(s.err, ERR_OK);
	assert_string_equal(s.fault.code, code);
	assert_int_equal(s.fault.exit, exit_code);
	assert_true(s.fault.message[0] != '\0');
}

static inline struct said sign_in(struct room *r, const char *login, const char *pass)
{
	return ask(r, "sign-in", "{'login':'%s','passphrase':'%s'}", login, pass);
}

/* Jo founds and signs in, adds Mara; room 2 joins and Mara signs in there. */
static inline struct world *clinic(void)
{
	struct world *w = world_new();
	json_start();
	for (size_t i = 0; i < WORLD_ROOMS; i++) names[i].count = 0;
	world_found(w);
	done(sign_in(&w->rooms[0], "jo", JO_PASS));
	done(ask(&w->rooms[0], "add/user",
		 "{'name':'Mara Lind','login':'mara','roles':['therapist'],'new_passphrase':'%s'}",
		 MARA_PASS));
	world_enrol(w, 1, "Room 2");
	done(sign_in(&w->rooms[1], "mara", MARA_PASS));
	return w;
}

/* What a session must say before it can be signed: that of a visit for relaxation. */
static inline void fill_session(struct room *r, const char *sid)
{
	done(ask(r, "add/treatment", "{'session_id':'%s','region':'neck','pressure':3}", sid));
	done(ask(r, "set/session",
		 "{'session_id':'%s','ends_now':true,'consented':'yes','no_complaint':true,"
		 "'health_changed':false,'contraindications_considered':true,"
		 "'draped_as_consented':true,'no_adverse_event':true,'next_as_needed':true}",
		 sid));
}

static inline void expect_json(struct said s, const char *key, const char *expected)
{
	char *text = NULL;

	OK(s.err);
	OK(json_text_dump(json_object_get(s.answer, key), &text));
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '"') *at = '\'';
	}
	assert_string_equal(text, expected);
	json_text_free(text);
	json_decref(s.answer);
}

static inline size_t rows_at(struct said s, const char *key)
{
	OK(s.err);
	const size_t count = json_array_size(json_object_get(s.answer, key));
	json_decref(s.answer);
	return count;
}

static inline char *copy(const char *text)
{
	char *made = strdup(text);
	assert_non_null(made);
	return made;
}
