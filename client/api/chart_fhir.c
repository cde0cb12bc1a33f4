#include "client/api/chart_fhir.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/fhir_records.h"

#include <string.h>

/* ---- who ----------------------------------------------------------------------------------- */

static enum err add_name(json_t *names, const char *use, const char *text)
{
	json_t *name = json_object();

	ENSURE(json_array_append_new(names, name) == 0, ERR_NOMEM);
	TRY(json_put(name, "use", json_string(use)));
	return json_put(name, "text", json_string(text));
}

static enum err add_telecom(json_t *list, const char *system, const char *value)
{
	json_t *one = NULL;

	if (value == NULL) return ERR_OK;
	one = json_object();
	ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
	TRY(json_put(one, "system", json_string(system)));
	return json_put(one, "value", json_string(value));
}

static enum err put_contacts(const json_t *who, json_t *patient)
{
	CLEANUP(json_decrefp) json_t *list = json_array();

	ENSURE(list != NULL, ERR_NOMEM);
	TRY(add_telecom(list, "phone", json_text_of(who, "phone")));
	TRY(add_telecom(list, "email", json_text_of(who, "email")));
	if (json_array_size(list) == 0) return ERR_OK; /* FHIR has no empty lists */
	return json_put(patient, "telecom", json_incref(list));
}

static enum err add_link(json_t *links, const char *type, const char *id)
{
	json_t *link = json_object();

	ENSURE(json_array_append_new(links, link) == 0, ERR_NOMEM);
	TRY(fhir_put_reference(link, "other", id));
	return json_put(link, "type", json_string(type));
}

/* A chart that was merged into this one: a Patient of its own, not in use, so that whoever knew the
 * person by it finds them. */
static enum err add_merged(struct fhir *f, const json_t *merged, json_t *links)
{
	const char *id = json_text_of(merged, "patient_id");
	json_t *patient = NULL;
	json_t *names = NULL;
	json_t *back = NULL;

	TRY(add_link(links, "replaces", id));
	TRY(fhir_add(f, "Patient", id, &patient));
	TRY(json_put(patient, "active", json_false()));
	if (json_text_of(merged, "name") != NULL) {
		names = json_array();
		TRY(json_put(patient, "name", names));
		TRY(add_name(names, "old", json_text_of(merged, "name")));
	}
	TRY(fhir_put_text(patient, "birthDate", json_text_of(merged, "born")));
	back = json_array();
	TRY(json_put(patient, "link", back));
	return add_link(back, "replaced-by", f->patient);
}

static enum err add_all_merged(struct fhir *f, const json_t *list, json_t *patient)
{
	json_t *links = NULL;

	if (json_array_size(list) == 0) return ERR_OK;
	links = json_array();
	TRY(json_put(patient, "link", links));
	for (size_t i = 0; i < json_array_size(list); i++)
		TRY(add_merged(f, json_array_get(list, i), links));
	return ERR_OK;
}

static enum err add_patient(struct fhir *f, const char *clinic_id)
{
	const json_t *who = json_object_get(f->chart, "patient");
	json_t *patient = NULL;
	json_t *names = NULL;

	TRY(fhir_add(f, "Patient", f->patient, &patient));
	names = json_array();
	TRY(json_put(patient, "name", names));
	TRY(add_name(names, "official", json_text_of(who, "name")));
	if (json_text_of(who, "name_used") != NULL)
		TRY(add_name(names, "usual", json_text_of(who, "name_used")));
	TRY(put_contacts(who, patient));
	TRY(fhir_put_text(patient, "birthDate", json_text_of(who, "born")));
	TRY(add_all_merged(f, json_object_get(who, "merged"), patient));
	return fhir_put_reference(patient, "managingOrganization", clinic_id);
}

static enum err add_person(struct fhir *f, const json_t *person)
{
	const char *number = json_text_of(person, "registration_number");
	json_t *p = NULL;
	json_t *name = NULL;
	json_t *identifier = NULL;

	TRY(fhir_add(f, "Practitioner", json_text_of(person, "user_id"), &p));
	name = json_object();
	TRY(fhir_put_list(p, "name", name));
	TRY(json_put(name, "text", json_string(json_text_of(person, "name"))));
	if (number == NULL) return ERR_OK;
	identifier = json_object();
	TRY(fhir_put_list(p, "identifier", identifier));
	TRY(fhir_put_words(identifier, "type", "registration number"));
	return json_put(identifier, "value", json_string(number));
}

static enum err add_people(struct fhir *f)
{
	json_t *people = json_object_get(f->chart, "people");
	const json_t *person;
	const char *login;

	json_object_foreach(people, login, person) TRY(add_person(f, person));
	return ERR_OK;
}

static enum err add_clinic(struct fhir *f, const char *clinic_id)
{
	json_t *clinic = NULL;

	TRY(fhir_add(f, "Organization", clinic_id, &clinic));
	return json_put(clinic, "name", json_string(json_text_of(f->chart, "clinic")));
}

/* ---- notes, and what is not here ----------------------------------------------------------- */

static enum err add_notes(struct fhir *f)
{
	const json_t *notes = json_object_get(f->chart, "notes");
	json_t *line = json_object();
	char id[37];

	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);
		json_t *o = NULL;
		/* Two versions of one note have one id. */
		fhir_id_of(json_text_of(note, "note_id"), (unsigned)i, id);
		TRY(fhir_add_observation(f, id, "Confidential note", true,
					 json_text_of(note, "session_id"), &o));
		TRY(fhir_put_text(o, "valueString", json_text_of(note, "text")));
		TRY(fhir_put_text(o, "effectiveDateTime", json_text_of(note, "written_at")));
	}
	fhir_id_of(f->patient, 1, id);
	enum err e = json_put(line, "line", json_string(json_text_of(f->chart, "notes_line")));
	if (e == ERR_OK) e = fhir_add_basic(f, "confidential_notes", id, line);
	json_decref(line);
	return e;
}

static enum err add_rows(struct fhir *f, const char *key, const char *kind, unsigned first)
{
	const json_t *list = json_object_get(f->chart, key);
	char id[37];

	for (size_t i = 0; i < json_array_size(list); i++) {
		fhir_id_of(f->patient, first + (unsigned)i, id);
		TRY(fhir_add_basic(f, kind, id, json_array_get(list, i)));
	}
	return ERR_OK;
}

static enum err add_all(struct fhir *f)
{
	const char *clinic_id = json_text_of(f->chart, "clinic_id");
	char id[37];

	TRY(add_patient(f, clinic_id));
	TRY(add_clinic(f, clinic_id));
	TRY(add_people(f));
	TRY(fhir_add_records(f));
	TRY(fhir_add_sessions(f));
	TRY(add_notes(f));
	fhir_id_of(f->patient, 2, id);
	TRY(fhir_add_basic(f, "retention", id, json_object_get(f->chart, "retention")));
	TRY(add_rows(f, "withheld", "withheld", 0x10000000u));
	return add_rows(f, "counts", "count", 0x20000000u);
}

enum err chart_fhir_make(const json_t *chart, json_t **ret_bundle)
{
	CLEANUP(json_decrefp) json_t *bundle = json_object();
	struct fhir f = { .chart = chart, .bundle = bundle };

	ENSURE(bundle != NULL, ERR_NOMEM);
	f.patient = json_text_of(json_object_get(chart, "patient"), "patient_id");
	f.entries = json_array();
	TRY(json_put(bundle, "resourceType", json_string("Bundle")));
	TRY(json_put(bundle, "type", json_string("collection")));
	TRY(json_put(bundle, "timestamp", json_string(json_text_of(chart, "made_at"))));
	TRY(json_put(bundle, "entry", f.entries));
	TRY(add_all(&f));
	*ret_bundle = json_incref(bundle);
	return ERR_OK;
}
