/* verbs_record: add, set, list and show for every plain record; what they read and say comes from
 * the kind's row and field table. */
#include "client/api/booking_rules.h"
#include "client/api/care.h"
#include "client/api/chart_contact.h"
#include "client/api/hints.h"
#include "client/api/misfiled.h"
#include "client/api/record_json.h"
#include "client/api/record_more.h"
#include "client/api/same_person.h"
#include "client/api/show.h"
#include "client/api/verbs.h"
#include "client/api/withheld.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/access.h"
#include "record/reflect.h"
#include "wire/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_ARENA_BYTES (4u * OP_BYTES_MAX)

/* ---- writing ------------------------------------------------------------------------------- */

/* Who books is told what a reminder would give away. */
static enum err put_reminder(struct verb *v, const ProtobufCMessage *m)
{
	const Roomkeep__Appointment *a = (const Roomkeep__Appointment *)(const void *)m;
	struct chart_links links;
	struct id patient_id;

	TRY(wire_id(a->patient_id, &patient_id));
	TRY(chart_links_load(v, &patient_id, &links));
	return chart_contact_put(v, &patient_id, &links, v->answer);
}

enum err record_append(struct verb *v, const struct kind_info *info, ProtobufCMessage *m,
		       const struct id *record_id)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	if (info->kind == KIND_APPOINTMENT) {
		Roomkeep__Appointment *change = (Roomkeep__Appointment *)(void *)m;
		TRY(booking_rules_check(v, change, record_id));
	}
	const enum err e = local_append(verb_local(v), verb_vault(v), info->kind, m, v->now_ms,
					&op_id, &error);
	if (e == ERR_DENIED && info->own_session) {
		return fault_set(&v->fault, e, NULL, "only the session's therapist writes %s",
				 info->many);
	}
	if (e == ERR_NOT_FOUND && info->session_field != NULL && verb_has(v, info->session_field)) {
		return verb_fail_unknown(v, "patient or session", info->session_field);
	}
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	if (e != ERR_OK) return record_fail(v, info, e, &error);
	v->effects.outbox = true;
	TRY(hints_put_record(v, info));
	if (info->kind == KIND_APPOINTMENT) TRY(put_reminder(v, m));
	TRY(json_put_id(v->answer, info->subject_field, record_id));
	return json_put_id(v->answer, "op_id", &op_id);
}

static void put_id(const struct kind_info *info, const char *field, const struct id *id,
		   ProtobufCMessage *m)
{
	const ProtobufCBinaryData bytes = wire_id_bytes(id);

	reflect_put(m, reflect_field(info->message, field), &bytes, sizeof(bytes));
}

/* The patient that the request names; zeros when it names none. */
static struct id asked_patient(struct verb *v)
{
	const struct kind_info *info = v->row->kind;
	struct id id = { 0 };

	if (info->patient_field == NULL ||
	    id_parse(view_str(verb_text(v, info->patient_field)), &id) != ERR_OK) {
		return (struct id){ 0 };
	}
	return id;
}

enum err record_check_ref(struct verb *v, const struct kind_info *info, struct id patient_id)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *found = NULL;
	struct local_patient p;
	struct id id;
	enum err e;

	if (info->relative_field != NULL && verb_has(v, info->relative_field)) {
		TRY(verb_need_id(v, info->relative_field, &id));
		e = local_get_patient(verb_local(v), verb_vault(v), &id, &p);
		if (e == ERR_NOT_FOUND)
			return verb_fail_unknown(v, "patient", info->relative_field);
		TRY(e);
	}
	if (info->ref_field == NULL || !verb_has(v, info->ref_field)) return ERR_OK;
	TRY(verb_need_id(v, info->ref_field, &id));
	const char *what = kind_name((uint64_t)info->ref_kind);
	if (info->ref_kind == KIND_PATIENT) {
		e = local_get_patient(verb_local(v), verb_vault(v), &id, &p);
	} else {
		e = local_get_record(verb_local(v), verb_vault(v), info->ref_kind, &id, &fold,
				     &found);
	}
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, what, info->ref_field);
	TRY(e);
	if (found == NULL || id_is_zero(&found->patient_id) || id_is_zero(&patient_id) ||
	    id_equal(&found->patient_id, &patient_id)) {
		return ERR_OK;
	}
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "%s: a %s of this patient",
			 info->ref_field, what);
}

static enum err new_message(struct verb *v, struct arena *a, ProtobufCMessage **ret)
{
	const struct kind_info *info = v->row->kind;
	ProtobufCMessage *m = arena_alloc(a, info->message->sizeof_message);

	ENSURE(m != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, m);
	TRY(record_from_json(v, info, a, m));
	*ret = m;
	return ERR_OK;
}

/* Whose a record of a session is, the session says. */
static enum err fill_patient(struct verb *v, const struct kind_info *info)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	struct id session_id;

	TRY(verb_need_id(v, info->session_field, &session_id));
	TRY(local_load_session(verb_local(v), verb_vault(v), &session_id, &fold, &s));
	if (verb_has(v, info->patient_field)) return ERR_OK; /* the store compares */
	return json_put_id(v->request, info->patient_field, &s.patient_id);
}

/* A chart is merged into one that is used; what that one lacks it takes over. */
static enum err append_merge(struct verb *v, ProtobufCMessage *m, const struct id *record_id)
{
	const Roomkeep__PatientMerge *merge = (const Roomkeep__PatientMerge *)(void *)m;
	struct id from;
	struct id into;

	TRY(wire_id(merge->patient_id, &from));
	TRY(wire_id(merge->into_id, &into));
	TRY(same_person_need_chart(v, &from));
	TRY(same_person_need_chart(v, &into));
	TRY(local_begin(verb_local(v)));
	enum err e = record_append(v, v->row->kind, m, record_id);
	if (e == ERR_OK) e = same_person_adopt(v, &from, &into);
	return verb_end_batch(v, e);
}

enum err verb_add_record(struct verb *v)
{
	CLEANUP(arena_finip) struct arena a;
	const struct kind_info *info = v->row->kind;
	ProtobufCMessage *m = NULL;

	arena_init(&a, RECORD_ARENA_BYTES);
	if (verb_has(v, info->subject_field)) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "%s is made here: leave it out",
				 info->subject_field);
	}
	if (info->own_session) TRY(fill_patient(v, info));
	TRY(care_fill(v));
	TRY(record_need_fields(v, info, info->subject_field));
	TRY(new_message(v, &a, &m));
	TRY(record_check_ref(v, info, asked_patient(v)));
	const struct id record_id = local_new_id(verb_local(v), v->now_ms);
	put_id(info, info->subject_field, &record_id, m);
	TRY(care_check(v, m));
	if (info->kind == KIND_PATIENT_MERGE) return append_merge(v, m, &record_id);
	const struct id patient_id = asked_patient(v);
	if (!id_is_zero(&patient_id)) TRY(same_person_need_chart(v, &patient_id));
	return record_append(v, info, m, &record_id);
}

static enum err fail_unknown_record(struct verb *v)
{
	const struct kind_info *info = v->row->kind;
	size_t others = 0;

	if (kind_is_one_per_patient(info)) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(withheld_check_absent(v, info->subject_field, &others));
	err_ignore(verb_fail_unknown(v, info->name, info->subject_field));
	if (others > 0)
		return fault_hint(&v->fault,
				  "Something is withheld from you at the request of %zu %s; "
				  "it may be part of that",
				  others, others == 1 ? "patient" : "patients");
	return fault_hint(&v->fault, "roomkeep list %s --patient ID shows the ids", info->many);
}

/* What is here, or a new booking that the server refused; `fold` as local_get_record. */
static enum err get_record(struct verb *v, const struct id *record_id, struct record_fold *fold,
			   const struct record_state **ret, bool *ret_clashed)
{
	const enum kind kind = v->row->kind->kind;
	const enum err e =
		local_get_record(verb_local(v), verb_vault(v), kind, record_id, fold, ret);

	*ret_clashed = e == ERR_NOT_FOUND && kind == KIND_APPOINTMENT;
	return *ret_clashed ? local_get_clashed(verb_local(v), verb_vault(v), record_id, fold, ret)
			    : e;
}

/* What never changes: every op says it, the request need not. */
struct record_of {
	struct id patient;
	struct id relative; /* zeros: it has none */
	struct id session;  /* zeros: it is no part of one */
	struct record_fold fold;
	const ProtobufCMessage *clashed; /* in `fold`; NULL: it is there, nothing clashed */
};

static void record_of_finip(struct record_of *of)
{
	record_fold_fini(&of->fold);
}

static enum err get_id(const struct record_state *s, const char *field, struct id *ret)
{
	ProtobufCBinaryData bytes;

	reflect_get(s->message, reflect_field(s->message->descriptor, field), &bytes,
		    sizeof(bytes));
	return id_from_view(view_of(bytes.data, bytes.len), ret);
}

/* `ret` as CLEANUP(record_of_finip) left it. */
static enum err find_of(struct verb *v, const struct id *record_id, struct record_of *ret)
{
	const struct kind_info *info = v->row->kind;
	const struct record_state *now = NULL;
	bool clashed = false;

	const enum err e = get_record(v, record_id, &ret->fold, &now, &clashed);
	if (e == ERR_NOT_FOUND) return fail_unknown_record(v);
	if (e == ERR_DENIED) {
		return fault_set(&v->fault, e, NULL, "you may not write %s", info->many);
	}
	TRY(e);
	ret->patient = now->patient_id;
	ret->clashed = clashed ? now->message : NULL;
	if (info->relative_field != NULL) TRY(get_id(now, info->relative_field, &ret->relative));
	return info->own_session ? get_id(now, info->session_field, &ret->session) : ERR_OK;
}

static void put_of(struct verb *v, const char *field, const struct id *id, ProtobufCMessage *m)
{
	if (!id_is_zero(id) && !verb_has(v, field)) put_id(v->row->kind, field, id, m);
}

/* Does the request say more than which record it is about? */
static enum err need_change(struct verb *v)
{
	const struct kind_info *info = v->row->kind;
	const char *key;
	json_t *value;

	json_object_foreach(v->request, key, value)
	{
		if (json_is_null(value) || strcmp(key, info->subject_field) == 0) continue;
		if (info->relative_field != NULL && strcmp(key, info->relative_field) == 0)
			continue;
		if (info->own_session && strcmp(key, info->session_field) == 0) continue;
		if (info->patient_field == NULL || strcmp(key, info->patient_field) != 0)
			return ERR_OK;
	}
	return fault_set(&v->fault, ERR_USAGE, "usage", "nothing to change: give a field of %s",
			 info->name);
}

static enum err need_record_id(struct verb *v, struct id *ret_id)
{
	const char *key = v->row->kind->subject_field;
	const char *text = NULL;

	TRY(verb_need_text(v, key, &text));
	return id_parse(view_str(text), ret_id) == ERR_OK ? ERR_OK : fail_unknown_record(v);
}

/* The server does not know it: what its author wrote, with this change, is said anew. */
static enum err say_anew(struct verb *v, struct arena *a, const ProtobufCMessage *clashed,
			 ProtobufCMessage **m)
{
	const struct kind_info *info = v->row->kind;
	ProtobufCMessage *whole = arena_alloc(a, info->message->sizeof_message);

	ENSURE(whole != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, whole);
	record_apply(info, whole, true, clashed);
	record_apply(info, whole, false, *m);
	*m = whole;
	return ERR_OK;
}

enum err verb_set_record(struct verb *v)
{
	CLEANUP(arena_finip) struct arena a;
	const struct kind_info *info = v->row->kind;
	ProtobufCMessage *m = NULL;
	struct id record_id;

	arena_init(&a, RECORD_ARENA_BYTES);
	TRY(need_record_id(v, &record_id));
	TRY(care_fill(v));
	TRY(need_change(v));
	TRY(new_message(v, &a, &m));
	if (kind_is_one_per_patient(info)) return record_append(v, info, m, &record_id);

	CLEANUP(record_of_finip) struct record_of of = { 0 };
	TRY(find_of(v, &record_id, &of));
	if (of.clashed != NULL) TRY(say_anew(v, &a, of.clashed, &m));
	put_of(v, info->relative_field, &of.relative, m);
	if (info->own_session) put_of(v, info->session_field, &of.session, m);
	TRY(record_check_ref(v, info, of.patient));
	put_of(v, info->patient_field, &of.patient, m);
	TRY(care_check(v, m));
	return record_append(v, info, m, &record_id);
}

/* ---- reading ------------------------------------------------------------------------------- */

static enum err may_read_records(struct verb *v)
{
	const struct kind_info *info = v->row->kind;
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));
	const struct access_read q = { .kind = (uint64_t)info->kind,
				       .roles = user == NULL ? 0 : user->roles };

	if (user != NULL && user->active && access_may_read(&q)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read %s",
			 info->many != NULL ? info->many : info->one);
}

/* The chart was shown: the audit trail hears of it (SECURITY 2.15). */
static enum err tell_opened(struct verb *v, const struct id *patient_id)
{
	if (id_is_zero(patient_id)) return ERR_OK;
	v->effects.outbox = true;
	return local_opened(verb_local(v), verb_vault(v), patient_id, NULL, v->now_ms);
}

/* Nobody has said anything yet about a patient who is here. */
static enum err show_nothing(struct verb *v, const struct id *patient_id)
{
	CLEANUP(freep) ProtobufCMessage *none = NULL;
	const struct kind_info *info = v->row->kind;
	const struct record_state empty = { .change_count = 0 };
	struct local_patient p;

	const enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	none = calloc(1, info->message->sizeof_message);
	ENSURE(none != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, none);
	TRY(record_to_json(v->answer, info, none));
	TRY(json_put_id(v->answer, "patient_id", patient_id));
	return record_put_history(v, info, &empty, v->answer);
}

static enum err show_record(struct verb *v)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct kind_info *info = v->row->kind;
	const struct record_state *s = NULL;
	struct id record_id;
	bool clashed = false;

	TRY(need_record_id(v, &record_id));
	TRY(may_read_records(v));
	const enum err e = get_record(v, &record_id, &fold, &s, &clashed);
	if (e == ERR_NOT_FOUND && kind_is_one_per_patient(info)) return show_nothing(v, &record_id);
	if (e == ERR_NOT_FOUND) return fail_unknown_record(v);
	TRY(e);
	bool overdue = false;
	bool is_misfiled = false;
	bool is_hidden = false;
	TRY(misfiled_look_record(v, info, s->message, &is_misfiled, &is_hidden));
	if (is_hidden) return fail_unknown_record(v);
	TRY(record_to_json(v->answer, info, s->message));
	if (clashed)
		TRY(json_put(v->answer, "booking",
			     json_string(booking_state_name(BOOKING_CLASHED))));
	TRY(record_put_more(v, info, s, v->answer, &overdue));
	if (info->kind == KIND_REQUEST)
		TRY(record_put_statements(v, &s->patient_id, &s->record_id, v->answer));
	TRY(record_put_people(v, v->answer, s));
	TRY(record_put_history(v, info, s, v->answer));
	return tell_opened(v, &s->patient_id);
}

enum err verb_show_record(struct verb *v)
{
	return verb_show_named(v, show_record);
}

static void json_freep(json_t **json)
{
	json_decref(*json);
}

/* Adds one to `list`; with "overdue" in the request only when it is. What a session on the wrong
 * chart says is left out (3g). */
static enum err put_listed(struct verb *v, const struct record_state *s, json_t *list)
{
	CLEANUP(json_freep) json_t *object = json_object();
	const struct kind_info *info = v->row->kind;
	bool overdue = false;
	bool is_misfiled = false;
	bool is_hidden = false;

	ENSURE(object != NULL, ERR_NOMEM);
	TRY(misfiled_look_record(v, info, s->message, &is_misfiled, &is_hidden));
	if (is_hidden) return ERR_OK;
	TRY(record_to_json(object, info, s->message));
	TRY(record_put_more(v, info, s, object, &overdue));
	TRY(record_put_people(v, object, s));
	if (is_misfiled) TRY(json_put(object, "entered_in_error", json_true()));
	if (json_is_true(json_object_get(v->request, "overdue")) && !overdue) return ERR_OK;
	ENSURE(json_array_append(list, object) == 0, ERR_NOMEM);
	return ERR_OK;
}

static enum err put_records(struct verb *v, const struct id *patient_id, json_t *list)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	TRY(local_list_records(verb_local(v), verb_vault(v), v->row->kind->kind, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) TRY(put_listed(v, &records[i], list));
	return ERR_OK;
}

/* Those of one session. */
static enum err put_session_records(struct verb *v, json_t *list)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	CLEANUP(session_fold_finip) struct session_fold session = { 0 };
	const struct record_state *records = NULL;
	struct session_state s = { 0 };
	struct id session_id;
	size_t count = 0;

	TRY(verb_need_id(v, v->row->kind->session_field, &session_id));
	TRY(local_load_session(verb_local(v), verb_vault(v), &session_id, &session, &s));
	TRY(local_list_session_records(verb_local(v), verb_vault(v), v->row->kind->kind,
				       &session_id, s.sign, &fold, &records, &count));
	for (size_t i = 0; i < count; i++) TRY(put_listed(v, &records[i], list));
	TRY(json_put(v->answer, "partial", json_false()));
	return tell_opened(v, &s.patient_id);
}

static enum err put_records_of(struct verb *v, void *ctx, const struct local_patient *p)
{
	return put_records(v, &p->id, ctx);
}

/* What waits does so whoever's it is: every patient who is here. */
static enum err put_all_records(struct verb *v, json_t *list)
{
	return verb_each_patient(v, (struct verb_patient_visitor){ put_records_of, list });
}

static enum err need_patient(struct verb *v, struct id *ret_patient_id)
{
	struct local_patient p;

	TRY(verb_need_id(v, "patient_id", ret_patient_id));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), ret_patient_id, &p);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	return json_put_id(v->answer, "patient_id", ret_patient_id);
}

/* Of sessions of long ago a chart always brings the records, but not the moods: each visit has
 * two. */
static enum err fetch_records(struct verb *v, const struct id *patient_id, bool *ret_partial)
{
	if (v->row->kind->kind == KIND_MOOD_READ)
		return verb_fetch_patient(v, patient_id, ret_partial);
	return verb_fetch_chart(v, patient_id, 0, ret_partial);
}

/* Records of a session of long ago are fetched; all others are here. */
enum err verb_list_records(struct verb *v)
{
	const struct kind_info *info = v->row->kind;
	const bool all = info->has_clock && info->patient_field != NULL &&
			 !verb_has(v, info->patient_field);
	struct id patient_id = { 0 };
	json_t *list = json_array();
	char key[FIELD_KEY_BYTES];
	bool partial = false;

	(void)snprintf(key, sizeof(key), "%s%s", info->name, kind_plural_end(info)); /* "alerts" */
	TRY(json_put(v->answer, key, list));
	TRY(may_read_records(v));
	if (info->own_session) return put_session_records(v, list);
	if (info->patient_field != NULL && !all) TRY(need_patient(v, &patient_id));
	if (info->session_field != NULL && !all) {
		TRY(fetch_records(v, &patient_id, &partial));
		if (v->ask.len > 0) return ERR_OK;
	}
	TRY(all ? put_all_records(v, list) : put_records(v, &patient_id, list));
	TRY(json_put(v->answer, "partial", json_boolean(partial)));
	return tell_opened(v, &patient_id);
}
