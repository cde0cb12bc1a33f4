#include "client/api/withheld.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/lockbox_record.h"
#include "record/record_fold.h"
#include "wire/op.h"

/* The patient that an answer or its request is about. */
static bool id_at(const json_t *object, const char *key, struct id *ret)
{
	const char *text = json_text_of(object, key);

	return text != NULL && id_parse(view_str(text), ret) == ERR_OK;
}

static enum err patient_of(struct verb *v, struct id *ret, bool *ret_known)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_fold loaded;
	struct session_state s;
	struct id session_id;

	*ret_known = id_at(v->answer, "patient_id", ret) || id_at(v->request, "patient_id", ret);
	if (*ret_known || !id_at(v->request, "session_id", &session_id)) return ERR_OK;
	const enum err e =
		local_load_session(verb_local(v), verb_vault(v), &session_id, &loaded, &s);
	if (e == ERR_NOT_FOUND || e == ERR_DENIED) return ERR_OK;
	TRY(e);
	fold = loaded; /* only now there is something to give back */
	*ret = s.patient_id;
	*ret_known = s.has_frame;
	return ERR_OK;
}

static enum err put(struct verb *v, size_t count, bool whole)
{
	json_t *object = json_object();

	TRY(json_put(v->answer, "withheld", object));
	TRY(json_put(object, "words", json_string(LOCKBOX_WORDS)));
	TRY(json_put(object, "count", json_integer((json_int_t)count)));
	return json_put(object, "whole", json_boolean(whole));
}

enum err withheld_put(struct verb *v)
{
	struct local_withheld w;
	struct id patient_id;
	size_t patients = 0;
	bool known = false;

	if (!v->row->is_chart) return ERR_OK;
	TRY(patient_of(v, &patient_id, &known));
	if (!known) {
		TRY(local_withheld_patients(verb_local(v), verb_vault(v), &patients));
		return patients > 0 ? put(v, patients, false) : ERR_OK;
	}
	TRY(local_withheld(verb_local(v), verb_vault(v), &patient_id, &w));
	if (w.open_until_ms != 0) TRY(json_put_time(v->answer, "opened_until", w.open_until_ms));
	return w.any ? put(v, w.sessions + w.records, w.whole) : ERR_OK;
}

enum err withheld_print(struct verb *v, const struct id *patient_id, struct buf *out)
{
	struct local_withheld w;

	TRY(local_withheld(verb_local(v), verb_vault(v), patient_id, &w));
	if (!w.any) return ERR_OK;
	return buf_append_fmt(out, "Information withheld at the patient's request: %zu. ",
			      w.sessions + w.records);
}

enum err withheld_check_absent(struct verb *v, const char *key, size_t *ret_others)
{
	struct id item_id;
	bool withheld = false;

	*ret_others = 0;
	if (!id_at(v->request, key, &item_id)) return ERR_OK;
	TRY(local_withheld_item(verb_local(v), verb_vault(v), &item_id, &withheld));
	if (!withheld) return local_withheld_patients(verb_local(v), verb_vault(v), ret_others);
	err_ignore(fault_set(&v->fault, ERR_DENIED, "withheld", LOCKBOX_WORDS));
	return fault_hint(&v->fault, "In an emergency, or when the patient agrees: "
				     "roomkeep open withheld PATIENT");
}

/* ---- directives ------------------------------------------------------------------------------ */

static enum err is_ended(struct verb *v, const struct record_state *s, bool *ret)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *ends = NULL;
	size_t count = 0;

	*ret = false;
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_DIRECTIVE_END, &s->patient_id,
			       &fold, &ends, &count));
	for (size_t i = 0; i < count; i++) {
		const void *any = ends[i].message;
		const Roomkeep__DirectiveEnd *m = any;
		struct id directive_id;
		if (wire_id(m->directive_id, &directive_id) != ERR_OK) continue;
		*ret = *ret || id_equal(&directive_id, &s->record_id);
	}
	return ERR_OK;
}

enum err withheld_directive_state(struct verb *v, const struct record_state *s,
				  const char **ret_name)
{
	const void *any = s->message;
	const Roomkeep__Directive *m = any;
	bool ended = false;

	TRY(is_ended(v, s, &ended));
	if (ended)
		*ret_name = "ended";
	else if (m->has_until_ms && m->until_ms <= v->now_ms)
		*ret_name = "run_out";
	else
		*ret_name = m->has_from_ms && v->now_ms < m->from_ms ? "not_yet" : "in_force";
	return ERR_OK;
}

enum err withheld_add_item(struct withheld_from *from, const struct id *item_id)
{
	ENSURE(from->item_count < WITHHELD_ITEMS_MAX, ERR_FULL);
	from->items[from->item_count++] = *item_id;
	return ERR_OK;
}

static enum err add_scope(const Roomkeep__Directive *m, struct withheld_from *from)
{
	struct id item;

	if (m->scope == ROOMKEEP__DIRECTIVE__SCOPE__RECORD) from->record = true;
	if (m->scope == ROOMKEEP__DIRECTIVE__SCOPE__SESSIONS) from->sessions = true;
	if (m->scope != ROOMKEEP__DIRECTIVE__SCOPE__ITEM) return ERR_OK;
	TRY(id_from_view(view_of(m->item_id.data, m->item_id.len), &item));
	return withheld_add_item(from, &item);
}

enum err withheld_from_recipient(struct verb *v, const struct id *patient_id, struct view recipient,
				 struct withheld_from *ret)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	*ret = (struct withheld_from){ .record = false };
	const enum err e = local_list_records(verb_local(v), verb_vault(v), KIND_DIRECTIVE,
					      patient_id, &fold, &records, &count);
	if (e == ERR_DENIED) return ERR_OK; /* and nothing clinical to give */
	TRY(e);
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		bool ended = false;
		if (!lockbox_is_against_recipient(any, recipient, 0, v->now_ms)) continue;
		TRY(is_ended(v, &records[i], &ended));
		if (!ended) TRY(add_scope(any, ret));
	}
	return ERR_OK;
}
