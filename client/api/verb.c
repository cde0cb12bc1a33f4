#include "client/api/verb.h"

#include "base/check.h"
#include "client/api/withheld.h"
#include "record/access.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <stdlib.h>
#include <string.h>

enum err verb_init(struct verb *v, const struct verb_row *row, json_t *request)
{
	*v = (struct verb){ .row = row, .request = request, .answer = json_object() };
	ENSURE(v->answer != NULL, ERR_NOMEM);
	return json_put(v->answer, "schema", json_string(row->schema));
}

void verb_fini(struct verb *v)
{
	if (v->state != NULL && v->state_free != NULL) v->state_free(v->state);
	json_decref(v->request);
	json_decref(v->answer);
	buf_wipe(&v->ask);
	buf_fini(&v->ask);
	buf_wipe(&v->reply);
	buf_fini(&v->reply);
	buf_fini(&v->effects.farewell);
	*v = (struct verb){ 0 };
}

/* ---- running one step ---------------------------------------------------------------------- */

static enum err ask_for_session(struct verb *v, const struct id *session_id, uint64_t after_seq)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Fetch fetch = ROOMKEEP__FETCH__INIT;

	fetch.has_session_id = 1;
	fetch.session_id = wire_id_bytes(session_id);
	fetch.has_after_seq = 1;
	fetch.after_seq = after_seq;
	frame.body_case = ROOMKEEP__FRAME__BODY_FETCH;
	frame.fetch = &fetch;
	v->fetching = true;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, 5000);
}

static enum err is_session_here(struct verb *v, const struct id *session_id, bool *ret_stale)
{
	struct session_fold fold;
	struct session_state state;

	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &state));
	const bool whole = state.has_frame;
	const struct id patient_id = state.patient_id;
	const uint64_t started_ms = state.started_ms;
	session_fold_fini(&fold);
	return whole ? verb_is_stale(v, &patient_id, started_ms, ret_stale) : ERR_NOT_FOUND;
}

/* Takes a page of the session; asks for the next one or goes on with whatever came. */
static enum err session_page(struct verb *v, const struct id *session_id)
{
	uint64_t after_seq = 0;
	bool more = false;

	v->fetching = false;
	if (v->reply_err != ERR_OK) return ERR_OK;
	TRY(feed_apply_page(verb_local(v), verb_vault(v), NULL, buf_view(&v->reply), v->now_ms,
			    &after_seq, &more));
	ENSURE(v->step < VERB_STEPS_MAX, ERR_PROTO);
	if (more) return ask_for_session(v, session_id, after_seq);
	return ERR_OK;
}

/* One that is not here is asked for; also one of long ago, whose newest words the feed does not
 * bring. Without the server it is as this room holds it. */
static enum err need_session(struct verb *v)
{
	struct id session_id;
	bool is_stale = false;

	TRY(verb_need_id(v, "session_id", &session_id));
	if (v->fetching) {
		TRY(session_page(v, &session_id));
		if (v->ask.len > 0) return ERR_OK;
		v->step = 0;
	} else if (v->step > 0) {
		return ERR_OK;
	} else {
		const enum err e = is_session_here(v, &session_id, &is_stale);
		if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
		if (e == ERR_OK && !is_stale) return ERR_OK;
		if (v->link.link == SYNC_LINK_ONLINE) return ask_for_session(v, &session_id, 0);
	}
	const enum err e = is_session_here(v, &session_id, &is_stale);
	return e == ERR_NOT_FOUND ? verb_fail_unknown(v, "session", "session_id") : e;
}

static enum err run_step(struct verb *v)
{
	if (v->row->needs_person && desk_person(v->desk) == NULL) {
		err_ignore(
			fault_set(&v->fault, ERR_SIGNED_OUT, "signed_out", "nobody is signed in"));
		return fault_hint(&v->fault, "roomkeep sign-in LOGIN");
	}
	if (v->row->needs_session) {
		TRY(need_session(v));
		if (v->ask.len > 0) return ERR_OK;
	}
	return v->row->run(v);
}

enum err verb_run(struct verb *v)
{
	buf_clear(&v->ask);
	buf_fini(&v->effects.farewell);
	v->effects = (struct verb_effects){ 0 };
	local_tell_time(verb_local(v), v->now_ms);
	enum err e = run_step(v);
	if (e == ERR_OK && v->ask.len == 0) e = withheld_put(v);
	buf_wipe(&v->reply);
	if (e != ERR_OK) {
		buf_clear(&v->ask);
		fault_default(&v->fault, e);
	}
	v->step++;
	return e;
}

/* ---- what the request says ----------------------------------------------------------------- */

const char *verb_text(struct verb *v, const char *key)
{
	const char *text = json_text_of(v->request, key);

	return text != NULL ? text : "";
}

bool verb_has(struct verb *v, const char *key)
{
	const json_t *value = json_object_get(v->request, key);

	return value != NULL && !json_is_null(value);
}

enum err verb_need_text(struct verb *v, const char *key, const char **ret_text)
{
	const char *text = json_text_of(v->request, key);

	if (text == NULL) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "%s is missing or no text", key);
	}
	*ret_text = text;
	return ERR_OK;
}

enum err verb_need_id(struct verb *v, const char *key, struct id *ret_id)
{
	const char *text = NULL;

	TRY(verb_need_text(v, key, &text));
	if (id_parse(view_str(text), ret_id) != ERR_OK) {
		return verb_fail_unknown(v, strcmp(key, "patient_id") == 0 ? "patient" : "session",
					 key);
	}
	return ERR_OK;
}

/* ---- failing in words ---------------------------------------------------------------------- */

enum err verb_end_batch(struct verb *v, enum err e)
{
	if (e == ERR_OK) e = local_commit(verb_local(v));
	if (e != ERR_OK) local_cancel(verb_local(v), verb_vault(v));
	return e;
}

enum err verb_each_patient(struct verb *v, struct verb_patient_visitor visit)
{
	struct local_patient p;
	size_t at = 0;

	for (;;) {
		const enum err e =
			local_find_patient(verb_local(v), verb_vault(v), VIEW_EMPTY, &at, &p);
		if (e == ERR_NOT_FOUND) return ERR_OK;
		TRY(e);
		struct id chart;
		TRY(local_chart_of(verb_local(v), verb_vault(v), &p.id, &chart));
		if (id_equal(&chart, &p.id)) TRY(visit.each(v, visit.ctx, &p));
	}
}

enum err verb_fail_unknown(struct verb *v, const char *what, const char *key)
{
	struct id id;
	const char *text = verb_text(v, key);
	const bool is_id = id_parse(view_str(text), &id) == ERR_OK;

	err_ignore(fault_set(&v->fault, ERR_NOT_FOUND, NULL, "no such %s%s%s", what,
			     is_id ? ": " : "", is_id ? text : ""));
	if (v->link.link != SYNC_LINK_ONLINE) {
		return fault_hint(&v->fault, "The server cannot be asked now; this room knows only "
					     "what it holds");
	}
	return fault_hint(&v->fault, strcmp(what, "patient") == 0
					     ? "roomkeep find patient NAME shows the ids"
					     : "roomkeep list sessions --patient ID shows the ids");
}

enum err verb_fail_record(struct verb *v, enum err e, const struct record_error *error)
{
	if (e == ERR_SIGNED) {
		err_ignore(fault_set(&v->fault, e, "session_signed",
				     "the session is signed and cannot change"));
		return fault_hint(&v->fault, "roomkeep add addendum --session SID -");
	}
	if (error->err == ERR_OK) return e;
	if (error->field == NULL) {
		return fault_set(&v->fault, e, NULL, "%s", error->allowed);
	}
	/* The record counts in thousandths; people do not. */
	const char *field = strcmp(error->field, "value_milli") == 0 ? "value" : error->field;
	return fault_set(&v->fault, e, NULL, "%s: %s", field, error->allowed);
}

enum err verb_fail_passphrase(struct verb *v, enum err e, enum passphrase_fault fault)
{
	if (e != ERR_BAD_VALUE || fault == PASSPHRASE_NONE) return e;
	return fault_set(&v->fault, e, "bad_passphrase", "%s", passphrase_fault_text(fault));
}

enum err verb_fail_server(struct verb *v)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;
	const enum err e = v->reply_err;

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	if (e == ERR_OFFLINE || e == ERR_TIMEOUT || e == ERR_REFUSED) {
		err_ignore(fault_set(&v->fault, e == ERR_TIMEOUT ? ERR_OFFLINE : e, "offline",
				     "this needs the server, and it cannot be reached"));
		return fault_hint(&v->fault, "roomkeep status says why; nothing was changed");
	}
	uint64_t retry_s = 0;
	if (v->reply.len > 0 && frame_decode(&arena, buf_view(&v->reply), &frame) == ERR_OK &&
	    frame->body_case == ROOMKEEP__FRAME__BODY_RESULT && frame->result->has_retry_ms) {
		retry_s = (frame->result->retry_ms + 999) / 1000;
	}
	if (e == ERR_THROTTLED) {
		err_ignore(fault_set(&v->fault, e, NULL, "too many tries"));
		return fault_hint(&v->fault, "Wait %llu seconds", (unsigned long long)retry_s);
	}
	return fault_set(&v->fault, e, NULL, "the server said no: %s", err_text(e));
}

/* ---- talking to the server ----------------------------------------------------------------- */

enum err verb_ask(struct verb *v, const Roomkeep__Frame *frame, enum sync_needs needs,
		  uint64_t timeout_ms)
{
	const size_t len = roomkeep__frame__get_packed_size(frame);

	ENSURE(len > 0 && len <= FRAME_BODY_BYTES_MAX, ERR_TOO_BIG);
	buf_clear(&v->ask);
	TRY(buf_reserve(&v->ask, len));
	INSIST(roomkeep__frame__pack(frame, v->ask.p) == len);
	v->ask.len = len;
	v->ask_needs = needs;
	v->ask_timeout_ms = timeout_ms;
	v->ask_serial = 0;
	return ERR_OK;
}

static void learn_room(struct room_names *names, const Roomkeep__RoomInfo *info)
{
	struct id id;

	if (info->name == NULL || wire_id(info->room_id, &id) != ERR_OK) return;
	if (strlen(info->name) > NAME_BYTES_MAX || names->count == ROOM_NAMES_MAX) return;
	names->rooms[names->count].id = id;
	memcpy(names->rooms[names->count].name, info->name, strlen(info->name) + 1);
	names->count++;
}

enum err verb_learn_rooms(struct verb *v, struct view reply)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	TRY(frame_decode(&arena, reply, &frame));
	ENSURE(frame->body_case == ROOMKEEP__FRAME__BODY_ROOMS, ERR_PROTO);
	v->room_names->count = 0;
	for (size_t i = 0; i < frame->rooms->n_rooms; i++) {
		learn_room(v->room_names, frame->rooms->rooms[i]);
	}
	return ERR_OK;
}

/* ---- names for people ---------------------------------------------------------------------- */

enum err verb_put_login(struct verb *v, json_t *object, const char *key, const struct id *user_id)
{
	if (id_is_zero(user_id)) return json_put(object, key, json_null());
	const char *login = local_login_of(verb_local(v), user_id);
	if (login[0] == '\0') {
		v->name_missing = true;
		return json_put_id(object, key, user_id);
	}
	return json_put(object, key, json_string(login));
}

const char *verb_room_name(struct verb *v, const struct id *room_id)
{
	const struct local_room *own = local_room(verb_local(v));

	if (id_equal(room_id, &own->room_id)) return own->name;
	for (size_t i = 0; i < v->room_names->count; i++) {
		if (id_equal(&v->room_names->rooms[i].id, room_id))
			return v->room_names->rooms[i].name;
	}
	return NULL;
}

enum err verb_put_room(struct verb *v, json_t *object, const char *key, const struct id *room_id)
{
	const char *name = verb_room_name(v, room_id);

	if (id_is_zero(room_id)) return json_put(object, key, json_null());
	if (name != NULL) return json_put(object, key, json_string(name));
	v->name_missing = true;
	return json_put_id(object, key, room_id);
}

enum err verb_put_roles(json_t *object, const char *key, uint64_t roles)
{
	json_t *list = json_array();

	ENSURE(list != NULL, ERR_NOMEM);
	TRY(json_put(object, key, list));
	for (uint64_t bit = 1; bit <= ROLE_STUDENT; bit <<= 1) {
		if ((roles & bit) == 0) continue;
		ENSURE(json_array_append_new(list, json_string(access_role_name(bit))) == 0,
		       ERR_NOMEM);
	}
	return ERR_OK;
}

void verb_lock(struct verb *v)
{
	if (desk_person(v->desk) == NULL) return;
	buf_clear(&v->effects.farewell);
	desk_lock(v->desk, v->now_ms, &v->effects.farewell);
	v->effects.person_out = true;
}
