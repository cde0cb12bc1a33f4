#include "client/api/chart_guard.h"
#include "client/api/hints.h"
#include "client/api/session_calls.h"
#include "client/api/show_proof.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "record/access.h"
#include "wire/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err fail_session(struct verb *v, enum err e, const struct record_error *error)
{
	if (e == ERR_DENIED) {
		return fault_set(&v->fault, e, NULL, "you may not write this session");
	}
	return verb_fail_record(v, e, error);
}

enum err session_append(struct verb *v, enum kind kind, const ProtobufCMessage *message)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	const enum err e = local_append(verb_local(v), verb_vault(v), kind, message, v->now_ms,
					&op_id, &error);
	if (e != ERR_OK) return fail_session(v, e, &error);
	v->effects.outbox = true;
	return json_put_id(v->answer, "op_id", &op_id);
}

enum err session_need_patient(struct verb *v, struct id *ret_patient_id)
{
	struct local_patient p;

	TRY(verb_need_id(v, "patient_id", ret_patient_id));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), ret_patient_id, &p);
	return e == ERR_NOT_FOUND ? verb_fail_unknown(v, "patient", "patient_id") : e;
}

enum err verb_start_session(struct verb *v)
{
	Roomkeep__SessionFrame frame = ROOMKEEP__SESSION_FRAME__INIT;
	const struct local_room *room = local_room(verb_local(v));
	struct id patient_id;

	TRY(session_need_patient(v, &patient_id));
	const struct id session_id = local_new_id(verb_local(v), v->now_ms);
	frame.has_session_id = frame.has_patient_id = frame.has_therapist_id = 1;
	frame.session_id = wire_id_bytes(&session_id);
	frame.patient_id = wire_id_bytes(&patient_id);
	frame.therapist_id = wire_id_bytes(desk_person(v->desk));
	frame.has_room_id = frame.has_started_ms = 1;
	frame.room_id = wire_id_bytes(&room->room_id);
	frame.started_ms = v->now_ms;
	TRY(session_append(v, KIND_SESSION_FRAME, &frame.base));
	TRY(json_put_id(v->answer, "session_id", &session_id));
	TRY(json_put_id(v->answer, "patient_id", &patient_id));
	return json_put_time(v->answer, "started_at", v->now_ms);
}

/* ---- texts --------------------------------------------------------------------------------- */

static enum err set_fields(struct verb *v, const struct id *session_id, unsigned *ret_count)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	for (int field = 1; field <= (int)FOLD_TEXT_FIELDS; field++) {
		const char *name = fold_field_name((Roomkeep__TextField)field);
		if (!verb_has(v, name)) continue;
		const json_t *value = json_object_get(v->request, name);
		if (!json_is_string(value)) {
			return fault_set(&v->fault, ERR_USAGE, "usage", "%s is no text", name);
		}
		const struct view text =
			view_of(json_string_value(value), json_string_length(value));
		const enum err e = local_set_text(verb_local(v), verb_vault(v), session_id,
						  (Roomkeep__TextField)field, text, v->now_ms,
						  &op_id, &error);
		if (e != ERR_OK) return fail_session(v, e, &error);
		(*ret_count)++;
	}
	return ERR_OK;
}

/* The texts are saved; what they name is said beside it. */
static enum err hint_relatives(struct verb *v, const struct id *session_id)
{
	struct session_fold fold;
	struct session_state s;
	json_t *hints = json_object_get(v->answer, "hints");

	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s));
	const struct id patient_id = s.patient_id;
	session_fold_fini(&fold);
	for (int field = 1; field <= (int)FOLD_TEXT_FIELDS; field++) {
		const char *name = fold_field_name((Roomkeep__TextField)field);
		if (!verb_has(v, name)) continue;
		TRY(chart_guard_hint(v, &patient_id, name, view_str(verb_text(v, name)), hints));
	}
	return ERR_OK;
}

static enum err put_text_hints(struct verb *v, const struct id *session_id)
{
	const char *keys[FOLD_TEXT_FIELDS];

	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++)
		keys[i] = fold_field_name((Roomkeep__TextField)(i + 1));
	TRY(hints_put(v, keys, FOLD_TEXT_FIELDS));
	return hint_relatives(v, session_id);
}

enum err verb_set_session(struct verb *v)
{
	struct id session_id;
	unsigned count = 0;

	TRY(verb_need_id(v, "session_id", &session_id));
	/* All fields or none: one call is one change. */
	TRY(local_begin(verb_local(v)));
	enum err e = set_fields(v, &session_id, &count);
	if (e == ERR_OK && count == 0) {
		e = fault_set(&v->fault, ERR_USAGE, "usage",
			      "nothing to change: give subjective, objective, assessment or plan");
	}
	if (e == ERR_OK) e = local_commit(verb_local(v));
	if (e != ERR_OK) {
		local_cancel(verb_local(v), verb_vault(v));
		return e;
	}
	v->effects.outbox = true;
	TRY(json_put_id(v->answer, "session_id", &session_id));
	TRY(json_put(v->answer, "changed", json_integer((json_int_t)count)));
	return put_text_hints(v, &session_id);
}

/* ---- signing and addenda ------------------------------------------------------------------- */

enum err verb_sign_session(struct verb *v)
{
	const struct record_error none = { .err = ERR_OK };
	struct id session_id;
	struct id op_id;

	TRY(verb_need_id(v, "session_id", &session_id));
	TRY(show_sign_warnings(v, &session_id));
	const enum err e =
		local_sign_session(verb_local(v), verb_vault(v), &session_id, v->now_ms, &op_id);
	if (e == ERR_CONFLICT) {
		err_ignore(fault_set(&v->fault, e, NULL,
				     "two versions of a field stand side by side"));
		return fault_hint(&v->fault, "roomkeep show session SID, then set session SID with "
					     "the words that shall stand");
	}
	if (e == ERR_DENIED) {
		return fault_set(&v->fault, e, NULL, "only the session's therapist signs it");
	}
	if (e != ERR_OK) return fail_session(v, e, &none);
	v->effects.outbox = true;
	TRY(json_put_id(v->answer, "session_id", &session_id));
	TRY(json_put(v->answer, "state", json_string("signed")));
	return json_put_id(v->answer, "op_id", &op_id);
}

enum err verb_add_addendum(struct verb *v)
{
	Roomkeep__Addendum a = ROOMKEEP__ADDENDUM__INIT;
	struct id session_id;
	const char *text = NULL;

	TRY(verb_need_id(v, "session_id", &session_id));
	TRY(verb_need_text(v, "text", &text));
	char *copy = strdup(text);
	ENSURE(copy != NULL, ERR_NOMEM);
	const struct id addendum_id = local_new_id(verb_local(v), v->now_ms);
	a.has_addendum_id = a.has_session_id = 1;
	a.addendum_id = wire_id_bytes(&addendum_id);
	a.session_id = wire_id_bytes(&session_id);
	a.text = copy;
	const enum err e = session_append(v, KIND_ADDENDUM, &a.base);
	secret_wipe(copy, strlen(copy));
	free(copy);
	TRY(e);
	TRY(hints_put(v, &(const char *){ "text" }, 1));
	TRY(json_put_id(v->answer, "addendum_id", &addendum_id));
	return json_put_id(v->answer, "session_id", &session_id);
}

/* ---- listing ------------------------------------------------------------------------------- */

static enum err put_rows(struct verb *v, const struct id *patient_id)
{
	CLEANUP(freep) struct local_session_row *session_rows = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "sessions", list));
	TRY(local_list_sessions(verb_local(v), verb_vault(v), patient_id, &session_rows, &count));
	for (size_t i = 0; i < count; i++) {
		const struct local_session_row *row = &session_rows[i];
		json_t *object = json_object();
		ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
		TRY(json_put_id(object, "session_id", &row->session_id));
		TRY(json_put(object, "state", json_string(row->is_signed ? "signed" : "draft")));
		TRY(json_put_time(object, "started_at", row->started_ms));
		TRY(verb_put_login(v, object, "author", &row->therapist_id));
		TRY(json_put(object, "conflict", json_boolean(row->has_conflict)));
	}
	return ERR_OK;
}

static enum err answer_list(struct verb *v, const struct id *patient_id, bool partial)
{
	struct local_patient p;
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p);

	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	TRY(json_put_id(v->answer, "patient_id", patient_id));
	TRY(put_rows(v, patient_id));
	TRY(chart_guard_put(v, patient_id, v->answer));
	return json_put(v->answer, "partial", json_boolean(partial));
}

enum err session_may_read(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));

	if (user != NULL && user->active && access_may_read_sessions(user->roles)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read sessions");
}

/* What this room does not hold is fetched; without the server it answers with what it holds. */
enum err verb_list_sessions(struct verb *v)
{
	struct id patient_id;
	bool partial = false;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(session_may_read(v));
	TRY(verb_fetch_patient(v, &patient_id, &partial));
	return v->ask.len > 0 ? ERR_OK : answer_list(v, &patient_id, partial);
}
