#include "client/api/chart_parts.h"

#include "base/check.h"
#include "client/api/chart_model.h"
#include "client/api/record_more.h"
#include "client/api/same_person.h"
#include "client/api/show.h"
#include "record/fold.h"
#include "record/record_fold.h"

#include <stdlib.h>
#include <string.h>

/* ---- counting ------------------------------------------------------------------------------ */

static json_t *number(size_t count)
{
	return json_integer((json_int_t)count);
}

enum err chart_put_count(json_t *chart, const char *kind, size_t read, size_t printed,
			 size_t withheld)
{
	json_t *row = json_object();

	ENSURE(read == printed + withheld, ERR_BUG);
	ENSURE(json_array_append_new(json_object_get(chart, "counts"), row) == 0, ERR_NOMEM);
	TRY(json_put(row, "kind", json_string(kind)));
	TRY(json_put(row, "read", number(read)));
	TRY(json_put(row, "printed", number(printed)));
	return json_put(row, "withheld", number(withheld));
}

enum err chart_put_unknown(json_t *chart, const char *kind)
{
	json_t *row = json_object();

	ENSURE(json_array_append_new(json_object_get(chart, "counts"), row) == 0, ERR_NOMEM);
	TRY(json_put(row, "kind", json_string(kind)));
	TRY(json_put(row, "read", json_null()));
	TRY(json_put(row, "printed", number(0)));
	return json_put(row, "withheld", json_null());
}

/* ---- who it is ----------------------------------------------------------------------------- */

static enum err put_values(struct verb *v, const struct patient_field_state *field, json_t *list)
{
	for (size_t i = 0; i < field->history_count; i++) {
		const struct patient_value *value = &field->history[i];
		json_t *row = json_object();
		ENSURE(json_array_append_new(list, row) == 0, ERR_NOMEM);
		TRY(json_put(row, "field", json_string(field->name)));
		TRY(json_put_text(row, "value", value->text));
		TRY(verb_put_login(v, row, "by", &value->meta.author_id));
		TRY(json_put_time(row, "at", value->meta.client_time_ms));
	}
	return ERR_OK;
}

static enum err put_identity_fields(struct verb *v, const struct patient_state *s, json_t *patient)
{
	json_t *history = json_array();

	TRY(json_put(patient, "history", history));
	for (int i = 0; i < PATIENT_FIELD_COUNT; i++) {
		const struct patient_field_state *field = &s->fields[i];
		const bool said = field->value != NULL && field->value->text.len > 0;
		if (said) {
			TRY(json_put_text(patient, field->name, field->value->text));
		} else {
			TRY(json_put(patient, field->name, json_null()));
		}
		TRY(put_values(v, field, history));
	}
	return ERR_OK;
}

enum err chart_put_identity(struct verb *v, const struct id *patient_id, json_t *chart)
{
	struct patient_fold fold;
	struct patient_state state;
	json_t *patient = json_object();

	TRY(json_put(chart, "patient", patient));
	TRY(json_put_id(patient, "patient_id", patient_id));
	TRY(local_load_patient(verb_local(v), verb_vault(v), patient_id, &fold, &state));
	const enum err e = put_identity_fields(v, &state, patient);
	patient_fold_fini(&fold);
	TRY(e);
	TRY(same_person_put(v, patient_id, patient));
	return chart_put_count(chart, "patient", 1, 1, 0);
}

/* ---- sessions ------------------------------------------------------------------------------ */

/* What stands inside of sessions: read, and printed. */
struct inside {
	size_t measures, measures_printed;
	size_t addenda, addenda_printed;
	size_t late, late_printed;
	size_t printed; /* sessions */
};

static enum err look_at_rows(struct outgoing *o, const char *session_id, const json_t *list,
			     const char *kind, const char *key)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		TRY(outgoing_text(o, kind, session_id, json_array_get(list, i), key));
	return ERR_OK;
}

static enum err look_at_session(struct outgoing *o, json_t *session)
{
	const char *id = json_text_of(session, "session_id");
	const json_t *conflicts = json_object_get(session, "conflicts");

	for (int i = 0; i < (int)FOLD_TEXT_FIELDS; i++) {
		const char *name = fold_field_name((Roomkeep__TextField)(i + 1));
		TRY(outgoing_text(o, "session", id, session, name));
	}
	for (size_t i = 0; i < json_array_size(conflicts); i++) {
		const json_t *values = json_object_get(json_array_get(conflicts, i), "values");
		TRY(look_at_rows(o, id, values, "session", "text"));
	}
	TRY(look_at_rows(o, id, json_object_get(session, "measures"), "measure", "limited_by"));
	TRY(look_at_rows(o, id, json_object_get(session, "addenda"), "addendum", "text"));
	TRY(look_at_rows(o, id, json_object_get(session, "statements"), "statement", "text"));
	return look_at_rows(o, id, json_object_get(session, "late_changes"), "session", "text");
}

static enum err put_session(struct verb *v, struct outgoing *o, const struct session_state *s,
			    struct inside *in, json_t *list)
{
	json_t *answer = v->answer;
	json_t *session = json_object();

	ENSURE(json_array_append_new(list, session) == 0, ERR_NOMEM);
	v->answer = session;
	const enum err e = show_session_put(v, s);
	v->answer = answer;
	TRY(e);
	TRY(record_put_statements(v, &s->patient_id, &s->session_id, session));
	in->measures_printed += json_array_size(json_object_get(session, "measures"));
	in->addenda_printed += json_array_size(json_object_get(session, "addenda"));
	in->late_printed += json_array_size(json_object_get(session, "late_changes"));
	in->printed++;
	return look_at_session(o, session);
}

static enum err read_session(struct verb *v, struct outgoing *o, const struct id *session_id,
			     struct inside *in, json_t *list)
{
	struct session_fold fold;
	struct session_state s;
	char id[ID_TEXT_BYTES];
	bool is_misfiled = false;
	enum err e = ERR_OK;

	TRY(local_is_misfiled(verb_local(v), verb_vault(v), session_id, &is_misfiled));
	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s));
	in->measures += s.measure_count;
	in->addenda += s.addendum_count;
	in->late += s.late_count;
	if (is_misfiled || outgoing_keeps_session(o, session_id)) {
		id_print(session_id, id);
		e = outgoing_withhold(o, "session", id, NULL, 1,
				      is_misfiled ? OUTGOING_WRONG_CHART
						  : OUTGOING_PATIENT_REQUEST);
	} else {
		e = put_session(v, o, &s, in, list);
	}
	session_fold_fini(&fold);
	return e;
}

static enum err put_inside(json_t *chart, size_t sessions, const struct inside *in)
{
	TRY(chart_put_count(chart, "session", sessions, in->printed, sessions - in->printed));
	TRY(chart_put_count(chart, "measure", in->measures, in->measures_printed,
			    in->measures - in->measures_printed));
	TRY(chart_put_count(chart, "addendum", in->addenda, in->addenda_printed,
			    in->addenda - in->addenda_printed));
	return chart_put_count(chart, "late_change", in->late, in->late_printed,
			       in->late - in->late_printed);
}

enum err chart_put_sessions(struct verb *v, struct outgoing *o, const struct id *patient_id,
			    json_t *chart)
{
	CLEANUP(local_sessions_finip) struct local_sessions all = { 0 };
	struct inside in = { 0 };
	json_t *list = json_array();

	TRY(json_put(chart, "sessions", list));
	TRY(local_find_sessions(verb_local(v), verb_vault(v), patient_id, &all));
	const size_t count = all.count;
	for (size_t i = 0; i < count; i++)
		TRY(read_session(v, o, &all.held[i].session_id, &in, list));
	TRY(put_inside(chart, count, &in));
	/* Nothing inside goes unless its session does, and says so. */
	ENSURE(in.printed < count ||
		       (in.measures == in.measures_printed && in.addenda == in.addenda_printed &&
			in.late == in.late_printed),
	       ERR_BUG);
	return ERR_OK;
}

/* ---- notes --------------------------------------------------------------------------------- */

static enum err put_note(struct verb *v, struct outgoing *o, const struct local_note *n,
			 json_t *list)
{
	json_t *row = json_object();
	struct view text;

	ENSURE(json_array_append_new(list, row) == 0, ERR_NOMEM);
	TRY(json_put_id(row, "note_id", &n->note_id));
	TRY(json_put_id(row, "session_id", n->has_session ? &n->session_id : NULL));
	TRY(local_note_text(verb_local(v), verb_vault(v), &n->op_id, &text));
	TRY(json_put_text(row, "text", text));
	TRY(json_put_time(row, "written_at", n->written_ms));
	TRY(verb_put_login(v, row, "by", desk_person(v->desk)));
	return outgoing_text(o, "note", json_text_of(row, "note_id"), row, "text");
}

static enum err put_named(struct verb *v, struct outgoing *o, const struct id *patient_id,
			  const char *named, json_t *list)
{
	struct local_note note;
	struct id id;
	size_t at = 0;
	bool found = false;

	if (id_parse(view_str(named), &id) == ERR_OK) {
		for (;;) {
			const enum err e = local_next_note(verb_local(v), verb_vault(v), patient_id,
							   &at, &note);
			if (e == ERR_NOT_FOUND) break;
			TRY(e);
			if (!id_equal(&note.note_id, &id)) continue;
			TRY(put_note(v, o, &note, list));
			found = true;
		}
	}
	if (found) return ERR_OK;
	return fault_set(&v->fault, ERR_NOT_FOUND, NULL,
			 "notes: one of them is no note of yours about this patient");
}

enum err chart_put_notes(struct verb *v, struct outgoing *o, const struct id *patient_id,
			 json_t *chart)
{
	const json_t *named = json_object_get(v->request, "notes");
	json_t *list = json_array();

	TRY(json_put(chart, "notes", list));
	if (named != NULL && !json_is_array(named)) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "notes: a list of note ids");
	}
	for (size_t i = 0; i < json_array_size(named); i++) {
		const char *id = json_string_value(json_array_get(named, i));
		TRY(put_named(v, o, patient_id, id == NULL ? "" : id, list));
	}
	/* Only the named ones are read, so nothing is known of others. */
	return chart_put_count(chart, "note", json_array_size(list), json_array_size(list), 0);
}

/* ---- people -------------------------------------------------------------------------------- */

static const char *const person_keys[] = { "by",    "added_by", "changed_by", "author",
					   "rater", "made_by",  "therapist",  "supervisor" };

/* Every login that the chart names, as keys of `logins`. */
static enum err collect(const json_t *value, json_t *logins)
{
	union {
		const json_t *in;
		json_t *out;
	} cast = { .in = value }; /* the walk only reads */
	const char *key;
	json_t *one;

	for (size_t i = 0; i < json_array_size(value); i++)
		TRY(collect(json_array_get(value, i), logins));
	for (size_t i = 0; i < COUNT_OF(person_keys); i++) {
		const char *login = json_text_of(value, person_keys[i]);
		if (login != NULL) TRY(json_put(logins, login, json_true()));
	}
	json_object_foreach(cast.out, key, one)
	{
		if (json_is_object(one) || json_is_array(one)) TRY(collect(one, logins));
	}
	return ERR_OK;
}

static enum err put_number(struct verb *v, const struct id *user_id, json_t *person)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	const char *found = NULL;
	size_t count = 0;

	const enum err e = local_list_records(verb_local(v), verb_vault(v), KIND_STAFF_PROFILE,
					      user_id, &fold, &records, &count);
	if (e != ERR_DENIED) TRY(e);
	for (size_t i = 0; e == ERR_OK && i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__StaffProfile *m = any;
		struct id whose = { 0 };
		if (m->registration_number == NULL || !m->has_user_id) continue;
		TRY(id_from_view(view_of(m->user_id.data, m->user_id.len), &whose));
		if (id_equal(&whose, user_id)) found = m->registration_number;
	}
	return json_put(person, "registration_number",
			found == NULL ? json_null() : json_string(found));
}

static enum err put_person(struct verb *v, const struct dir_user *user, const json_t *logins,
			   json_t *people)
{
	const char *login = local_login_of(verb_local(v), &user->id);
	char id[ID_TEXT_BYTES];
	json_t *person = NULL;

	id_print(&user->id, id);
	if (login[0] == '\0') login = id; /* as verb_put_login shows it */
	if (json_object_get(logins, login) == NULL) return ERR_OK;
	person = json_object();
	TRY(json_put(people, login, person));
	TRY(json_put(person, "name", json_string(user->name)));
	TRY(json_put_id(person, "user_id", &user->id));
	return put_number(v, &user->id, person);
}

enum err chart_put_people(struct verb *v, json_t *chart)
{
	CLEANUP(json_decrefp) json_t *logins = json_object();
	const struct directory *d = local_directory(verb_local(v));
	json_t *people = json_object();

	ENSURE(logins != NULL, ERR_NOMEM);
	TRY(collect(chart, logins));
	TRY(json_put(chart, "people", people));
	for (size_t i = 0; i < d->user_count; i++) TRY(put_person(v, &d->users[i], logins, people));
	return ERR_OK;
}

const char *chart_person_name(const json_t *chart, const char *login)
{
	const json_t *person =
		login == NULL ? NULL : json_object_get(json_object_get(chart, "people"), login);
	const char *name = person == NULL ? NULL : json_text_of(person, "name");

	return name != NULL ? name : login == NULL ? "" : login;
}
