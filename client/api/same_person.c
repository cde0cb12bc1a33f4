#include "client/api/same_person.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/reflect.h"
#include "wire/op.h"

#include <stdlib.h>

/* ---- showing ------------------------------------------------------------------------------- */

static enum err put_merged(struct verb *v, const struct id *patient_id, json_t *list)
{
	struct local_patient p;
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put_id(object, "patient_id", patient_id));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p);
	if (e != ERR_NOT_FOUND) TRY(e);
	const bool is_here = e == ERR_OK;
	TRY(json_put(object, "name", is_here ? json_string(p.name) : json_null()));
	return json_put(object, "born",
			is_here && p.born[0] != '\0' ? json_string(p.born) : json_null());
}

enum err same_person_put(struct verb *v, const struct id *patient_id, json_t *object)
{
	struct id ids[MERGE_SAME_MAX];
	struct id chart;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(object, "merged", list));
	TRY(local_chart_of(verb_local(v), verb_vault(v), patient_id, &chart));
	TRY(json_put_id(object, "merged_into", id_equal(&chart, patient_id) ? NULL : &chart));
	TRY(local_same_person(verb_local(v), verb_vault(v), patient_id, ids, &count));
	for (size_t i = 1; i < count; i++) TRY(put_merged(v, &ids[i], list));
	return ERR_OK;
}

enum err same_person_need_chart(struct verb *v, const struct id *patient_id)
{
	struct id chart;
	char text[ID_TEXT_BYTES];

	TRY(local_chart_of(verb_local(v), verb_vault(v), patient_id, &chart));
	if (id_equal(&chart, patient_id)) return ERR_OK;
	id_print(&chart, text);
	err_ignore(fault_set(&v->fault, ERR_CONFLICT, "merged",
			     "this chart was merged into another: write there"));
	return fault_hint(&v->fault, "The chart that stays is patient %s", text);
}

/* ---- taking over --------------------------------------------------------------------------- */

static struct view text_of(const char *text)
{
	return text == NULL ? VIEW_EMPTY : view_str(text);
}

static char *kept_text(const char *from, const char *into)
{
	return text_of(into).len > 0 || text_of(from).len == 0 ? NULL : wire_text(from);
}

/* Names and birth date stay as they are in the chart that stays. */
static enum err adopt_identity(struct verb *v, const struct id *from, const struct id *into)
{
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	struct local_patient a;
	struct local_patient b;
	struct id op_id;

	TRY(local_get_patient(verb_local(v), verb_vault(v), from, &a));
	TRY(local_get_patient(verb_local(v), verb_vault(v), into, &b));
	m.has_patient_id = 1;
	m.patient_id = wire_id_bytes(into);
	m.name_used = kept_text(a.name_used, b.name_used);
	m.phone = kept_text(a.phone, b.phone);
	m.email = kept_text(a.email, b.email);
	if (m.name_used == NULL && m.phone == NULL && m.email == NULL) return ERR_OK;
	return local_append(verb_local(v), verb_vault(v), KIND_PATIENT, &m.base, v->now_ms, &op_id,
			    NULL);
}

/* What `from` says and `to` does not goes into `m`. */
static bool copy_missing(const struct kind_info *info, const ProtobufCMessage *from,
			 const ProtobufCMessage *to, ProtobufCMessage *m)
{
	bool any = false;

	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
		if (rule->format == FIELD_CLEARS || rule->need == FIELD_REQUIRED) continue;
		if (!reflect_is_set(from, f) || (to != NULL && reflect_is_set(to, f))) continue;
		reflect_copy(m, from, f);
		any = true;
	}
	return any;
}

static enum err load_one(struct verb *v, enum kind kind, const struct id *patient_id,
			 struct record_fold *fold, const ProtobufCMessage **ret)
{
	const struct record_state *s = NULL;
	const enum err e =
		local_get_record(verb_local(v), verb_vault(v), kind, patient_id, fold, &s);

	*ret = NULL;
	/* What the person may not read is left where it is. */
	if (e == ERR_NOT_FOUND || e == ERR_DENIED) return ERR_OK;
	TRY(e);
	*ret = s->message;
	return ERR_OK;
}

static enum err adopt_record(struct verb *v, const struct kind_info *info, const struct id *from,
			     const struct id *into)
{
	CLEANUP(record_fold_finip) struct record_fold there = { 0 };
	CLEANUP(record_fold_finip) struct record_fold here = { 0 };
	CLEANUP(freep) ProtobufCMessage *m = calloc(1, info->message->sizeof_message);
	const ProtobufCBinaryData id = wire_id_bytes(into);
	const ProtobufCMessage *old = NULL;
	const ProtobufCMessage *now = NULL;
	struct id op_id;

	ENSURE(m != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, m);
	TRY(load_one(v, info->kind, from, &there, &old));
	if (old == NULL) return ERR_OK;
	TRY(load_one(v, info->kind, into, &here, &now));
	if (!copy_missing(info, old, now, m)) return ERR_OK;
	reflect_put(m, reflect_field(info->message, info->subject_field), &id, sizeof(id));
	return local_append(verb_local(v), verb_vault(v), info->kind, m, v->now_ms, &op_id, NULL);
}

enum err same_person_adopt(struct verb *v, const struct id *from, const struct id *into)
{
	TRY(adopt_identity(v, from, into));
	for (size_t k = 0; k < kind_count(); k++) {
		const struct kind_info *info = kind_at(k);
		if (kind_is_one_per_patient(info)) TRY(adopt_record(v, info, from, into));
	}
	return ERR_OK;
}
