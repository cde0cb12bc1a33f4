#include "client/api/verbs.h"

#include "base/check.h"
#include "client/api/chart_contact.h"
#include "client/api/chart_guard.h"
#include "client/api/same_person.h"
#include "record/access.h"
#include "record/duplicate.h"
#include "record/text.h"
#include "wire/op.h"

#include <string.h>
#include <time.h>

/* The date line: nobody lives further ahead of UTC than this. */
#define EARLIEST_MIDNIGHT_S (14 * 60 * 60)

/* A text field of the request as protobuf-c wants it: borrowed, not const. Names are stored in
 * their normal form, which `room` keeps. */
struct patient_texts {
	struct buf name;
	struct buf name_used;
};

static void patient_texts_finip(struct patient_texts *t)
{
	buf_wipe(&t->name);
	buf_fini(&t->name);
	buf_wipe(&t->name_used);
	buf_fini(&t->name_used);
}

static enum err normal_name(struct verb *v, const char *key, struct buf *room, char **ret_text)
{
	const char *unused = NULL;

	*ret_text = NULL;
	if (!verb_has(v, key)) return ERR_OK;
	if (text_normalise_name(view_str(verb_text(v, key)), room) != ERR_OK) {
		return fault_set(&v->fault, ERR_BAD_TEXT, NULL, "%s: one line of clean text", key);
	}
	TRY(buf_cstr(room, &unused));
	*ret_text = (char *)room->p;
	return ERR_OK;
}

static char *plain_text(struct verb *v, const char *key)
{
	json_t *value = json_object_get(v->request, key);

	if (!json_is_string(value)) return NULL;
	return wire_text(json_string_value(value));
}

/* Dates are written so that the later one is also the greater text. */
static enum err check_born(struct verb *v, const char *born)
{
	const time_t now = (time_t)(v->now_ms / 1000u) + EARLIEST_MIDNIGHT_S;
	char today[sizeof("YYYY-MM-DD")];
	struct tm tm;

	if (born == NULL || gmtime_r(&now, &tm) == NULL ||
	    strftime(today, sizeof(today), "%Y-%m-%d", &tm) == 0 || strcmp(born, today) <= 0) {
		return ERR_OK;
	}
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
			 "born: a day that has been, as YYYY-MM-DD, from 1880 on");
}

static enum err fill_patient(struct verb *v, struct patient_texts *texts, Roomkeep__Patient *p)
{
	TRY(normal_name(v, "name", &texts->name, &p->name));
	TRY(normal_name(v, "name_used", &texts->name_used, &p->name_used));
	p->born = plain_text(v, "born");
	p->phone = plain_text(v, "phone");
	p->email = plain_text(v, "email");
	return check_born(v, p->born);
}

static enum err append_patient(struct verb *v, Roomkeep__Patient *p, const struct id *patient_id)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	p->has_patient_id = 1;
	p->patient_id = wire_id_bytes(patient_id);
	const enum err e = local_append(verb_local(v), verb_vault(v), KIND_PATIENT, &p->base,
					v->now_ms, &op_id, &error);
	if (e == ERR_DENIED) return fault_set(&v->fault, e, NULL, "you may not write patients");
	if (e != ERR_OK) return verb_fail_record(v, e, &error);
	v->effects.outbox = true;
	TRY(json_put_id(v->answer, "patient_id", patient_id));
	return json_put_id(v->answer, "op_id", &op_id);
}

static struct view view_or_empty(const char *text)
{
	return text != NULL ? view_str(text) : VIEW_EMPTY;
}

static enum err put_duplicate(json_t *list, const struct id *patient_id, unsigned same)
{
	static const struct {
		unsigned bit;
		const char *key, *word;
	} rows[] = { { DUPLICATE_NAME, "name", "name" },
		     { DUPLICATE_BORN, "born", "birth date" },
		     { DUPLICATE_PHONE, "phone", "telephone" } };
	CLEANUP(buf_finip) struct buf text = { 0 };
	char id[ID_TEXT_BYTES];
	json_t *object = json_object();
	json_t *what = json_array();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "code", json_string("possible_duplicate")));
	TRY(json_put_id(object, "patient_id", patient_id));
	TRY(json_put(object, "same", what));
	TRY(buf_append_str(&text, "the same "));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if ((same & rows[i].bit) == 0) continue;
		TRY(buf_append_str(&text, json_array_size(what) > 0 ? " and " : ""));
		TRY(buf_append_str(&text, rows[i].word));
		ENSURE(json_array_append_new(what, json_string(rows[i].key)) == 0, ERR_NOMEM);
	}
	id_print(patient_id, id);
	TRY(buf_append_str(&text, " as patient "));
	TRY(buf_append_str(&text, id));
	TRY(buf_append_str(&text, ": is this one person, entered twice?"));
	return json_put_text(object, "text", buf_view(&text));
}

struct looking {
	struct duplicate_person it; /* just added */
	struct id id;
	json_t *list; /* borrowed */
};

static bool is_listed(const json_t *list, const struct id *patient_id)
{
	char text[ID_TEXT_BYTES];

	id_print(patient_id, text);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_text_of(json_array_get(list, i), "patient_id"), text) == 0)
			return true;
	return false;
}

/* Who was merged looks like it under either name; the chart that stays is named. */
static enum err look_at(struct verb *v, const struct looking *c, const struct local_patient *p)
{
	const struct duplicate_person known = { view_str(p->name), view_str(p->name_used),
						view_str(p->born), view_str(p->phone) };
	unsigned same = 0;
	struct id chart;

	if (id_equal(&p->id, &c->id)) return ERR_OK;
	TRY(duplicate_compare(&c->it, &known, &same));
	TRY(local_chart_of(verb_local(v), verb_vault(v), &p->id, &chart));
	if (same == 0 || is_listed(c->list, &chart)) return ERR_OK;
	return put_duplicate(c->list, &chart, same);
}

/* Who looks like the one just added: a warning, for the person at the desk to judge. */
static enum err put_duplicates(struct verb *v, const Roomkeep__Patient *p, const struct id *added)
{
	struct looking c = { .it = { view_or_empty(p->name), view_or_empty(p->name_used),
				     view_or_empty(p->born), view_or_empty(p->phone) },
			     .id = *added,
			     .list = json_array() };

	struct local_patient other;
	size_t at = 0;

	TRY(json_put(v->answer, "warnings", c.list));
	for (;;) {
		const enum err e =
			local_find_patient(verb_local(v), verb_vault(v), VIEW_EMPTY, &at, &other);
		if (e == ERR_NOT_FOUND) return ERR_OK;
		TRY(e);
		TRY(look_at(v, &c, &other));
	}
}

enum err verb_add_patient(struct verb *v)
{
	CLEANUP(patient_texts_finip) struct patient_texts texts = { 0 };
	Roomkeep__Patient p = ROOMKEEP__PATIENT__INIT;
	const char *unused = NULL;

	TRY(verb_need_text(v, "name", &unused));
	TRY(verb_need_text(v, "born", &unused));
	TRY(fill_patient(v, &texts, &p));
	const struct id patient_id = local_new_id(verb_local(v), v->now_ms);
	TRY(append_patient(v, &p, &patient_id));
	return put_duplicates(v, &p, &patient_id);
}

enum err verb_set_patient(struct verb *v)
{
	CLEANUP(patient_texts_finip) struct patient_texts texts = { 0 };
	Roomkeep__Patient p = ROOMKEEP__PATIENT__INIT;
	struct local_patient known;
	struct id patient_id;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), &patient_id, &known);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	TRY(fill_patient(v, &texts, &p));
	if (p.name == NULL && p.name_used == NULL && p.born == NULL && p.phone == NULL &&
	    p.email == NULL) {
		return fault_set(&v->fault, ERR_USAGE, "usage",
				 "nothing to change: give name, name_used, born, phone or email");
	}
	TRY(chart_contact_check(v, &patient_id, p.phone, p.email));
	return append_patient(v, &p, &patient_id);
}

/* ---- reading ------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

static enum err put_identity(json_t *object, const struct local_patient *p)
{
	TRY(json_put_id(object, "patient_id", &p->id));
	TRY(json_put(object, "name", json_string(p->name)));
	TRY(json_put(object, "name_used", text_or_null(p->name_used)));
	TRY(json_put(object, "born", text_or_null(p->born)));
	TRY(json_put(object, "phone", text_or_null(p->phone)));
	return json_put(object, "email", text_or_null(p->email));
}

static enum err put_patient(json_t *list, const struct local_patient *p)
{
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	return put_identity(object, p);
}

static enum err may_read_patients(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));

	if (user != NULL && user->active && access_may_read_patients(user->roles)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read patients");
}

/* Who was entered twice is listed once, by whichever of the two was looked for. */
static enum err put_chart(struct verb *v, const struct local_patient *p, json_t *list)
{
	struct id ids[MERGE_SAME_MAX];
	struct local_patient stays;
	struct id chart;
	size_t count = 0;

	TRY(local_chart_of(verb_local(v), verb_vault(v), &p->id, &chart));
	TRY(local_same_person(verb_local(v), verb_vault(v), &chart, ids, &count));
	if (count > 1 && is_listed(list, &chart)) return ERR_OK;
	if (id_equal(&chart, &p->id)) return put_patient(list, p);
	TRY(local_get_patient(verb_local(v), verb_vault(v), &chart, &stays));
	return put_patient(list, &stays);
}

static enum err list_matching(struct verb *v, struct view text)
{
	json_t *list = json_array();
	struct local_patient p;
	size_t at = 0;

	TRY(json_put(v->answer, "patients", list));
	TRY(may_read_patients(v));
	for (;;) {
		const enum err e = local_find_patient(verb_local(v), verb_vault(v), text, &at, &p);
		if (e == ERR_NOT_FOUND) return ERR_OK;
		TRY(e);
		TRY(put_chart(v, &p, list));
	}
}

enum err verb_find_patient(struct verb *v)
{
	const char *text = NULL;

	TRY(verb_need_text(v, "text", &text));
	if (text[strspn(text, " \t\n")] == '\0') {
		return fault_set(&v->fault, ERR_USAGE, "usage", "text is empty");
	}
	return list_matching(v, view_str(text));
}

enum err verb_list_patients(struct verb *v)
{
	return list_matching(v, VIEW_EMPTY);
}

/* Opening a chart: who it is, and what must be known before anything is said. */
enum err verb_show_patient(struct verb *v)
{
	struct local_patient p;
	struct id patient_id;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(may_read_patients(v));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), &patient_id, &p);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	TRY(put_identity(v->answer, &p));
	TRY(same_person_put(v, &patient_id, v->answer));
	TRY(chart_guard_put(v, &patient_id, v->answer));
	v->effects.outbox = true;
	return local_opened(verb_local(v), verb_vault(v), &patient_id, NULL, v->now_ms);
}
