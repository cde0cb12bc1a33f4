#include "client/api/same_person.h"
#include "client/api/verbs.h"

#include "base/check.h"

#include <string.h>

/* ---- confidential notes: their author's only ------------------------------------------------ */

static enum err optional_id(struct verb *v, const char *key, struct id *id, const struct id **ret)
{
	*ret = NULL;
	if (!verb_has(v, key)) return ERR_OK;
	TRY(verb_need_id(v, key, id));
	*ret = id;
	return ERR_OK;
}

static enum err check_patient(struct verb *v, const struct id *patient_id)
{
	struct local_patient p;
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p);

	return e == ERR_NOT_FOUND ? verb_fail_unknown(v, "patient", "patient_id") : e;
}

enum err verb_add_note(struct verb *v)
{
	struct record_error error = { .err = ERR_OK };
	const struct id *session = NULL;
	struct id patient_id;
	struct id session_id;
	struct id note_id;
	const char *text = NULL;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(optional_id(v, "session_id", &session_id, &session));
	TRY(verb_need_text(v, "text", &text));
	TRY(check_patient(v, &patient_id));
	TRY(same_person_need_chart(v, &patient_id));
	const enum err e = local_add_note(verb_local(v), verb_vault(v), &patient_id, session,
					  view_str(text), v->now_ms, &note_id, &error);
	if (e == ERR_DENIED) return fault_set(&v->fault, e, NULL, "you may not write notes");
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "session", "session_id");
	if (e != ERR_OK) return verb_fail_record(v, e, &error);
	v->effects.outbox = true;
	return json_put_id(v->answer, "note_id", &note_id);
}

static enum err put_note(struct verb *v, json_t *list, const struct local_note *n)
{
	json_t *object = json_object();
	struct view text;

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put_id(object, "note_id", &n->note_id));
	TRY(json_put_id(object, "patient_id", &n->patient_id));
	TRY(json_put_id(object, "session_id", n->has_session ? &n->session_id : NULL));
	TRY(local_note_text(verb_local(v), verb_vault(v), &n->op_id, &text));
	TRY(json_put_text(object, "text", text));
	TRY(json_put_time(object, "written_at", n->written_ms));
	return json_put(object, "conflict", json_boolean(n->conflict));
}

enum err verb_list_notes(struct verb *v)
{
	const struct id *patient = NULL;
	struct id patient_id;
	struct local_note note;
	json_t *list = json_array();
	size_t at = 0;

	TRY(json_put(v->answer, "notes", list));
	TRY(optional_id(v, "patient_id", &patient_id, &patient));
	if (patient != NULL) TRY(check_patient(v, patient));
	for (;;) {
		const enum err e =
			local_next_note(verb_local(v), verb_vault(v), patient, &at, &note);
		if (e == ERR_NOT_FOUND) return ERR_OK;
		TRY(e);
		TRY(put_note(v, list, &note));
	}
}

/* ---- what is waiting ----------------------------------------------------------------------- */

#define PENDING_COMMITTED_MAX 10000u

static enum err put_pending(struct verb *v, json_t *list, const struct local_pending *p)
{
	json_t *object = json_object();
	const bool failed = p->state == LOCAL_OP_REJECTED || p->state == LOCAL_OP_QUARANTINED;

	(void)v;
	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put_id(object, "op_id", &p->op_id));
	TRY(json_put(object, "kind", json_string(kind_name(p->kind))));
	TRY(json_put(object, "state", json_string(local_op_state_name(p->state))));
	TRY(json_put(object, "code", failed ? json_string(err_name(p->code)) : json_null()));
	TRY(json_put(object, "text", p->text != NULL ? json_string(p->text) : json_null()));
	TRY(json_put_id(object, "session_id", id_is_zero(&p->session_id) ? NULL : &p->session_id));
	return json_put_time(object, "at", p->made_ms);
}

enum err verb_list_pending(struct verb *v)
{
	struct local_pending *pending = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "ops", list));
	TRY(local_list_pending(verb_local(v), verb_vault(v), PENDING_COMMITTED_MAX, &pending,
			       &count));
	enum err e = ERR_OK;
	for (size_t i = 0; i < count && e == ERR_OK; i++) e = put_pending(v, list, &pending[i]);
	local_pending_free(pending, count);
	return e;
}
