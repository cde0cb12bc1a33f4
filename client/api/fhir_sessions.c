/* Sessions: an Encounter, and what was said and measured in it. */
#include "client/api/fhir_records.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/chart_fhir.h"
#include "client/api/page_words.h"
#include "record/fold.h"

#include <string.h>

/* ---- the visit ----------------------------------------------------------------------------- */

static enum err add_participant(struct fhir *f, json_t *list, const char *as, const char *login)
{
	json_t *participant = json_object();

	ENSURE(json_array_append_new(list, participant) == 0, ERR_NOMEM);
	if (as != NULL) {
		json_t *type = json_object();
		TRY(fhir_put_list(participant, "type", type));
		TRY(json_put(type, "text", json_string(as)));
	}
	return fhir_put_person(f, participant, "individual", login);
}

static enum err add_encounter(struct fhir *f, const char *id, const json_t *s, bool is_signed)
{
	json_t *e = NULL;
	json_t *class = NULL;
	json_t *period = NULL;
	json_t *people = NULL;
	const char *supervisor = json_text_of(s, "supervisor");

	TRY(fhir_add(f, "Encounter", id, &e));
	TRY(json_put(e, "status", json_string(is_signed ? "finished" : "in-progress")));
	class = json_object();
	TRY(json_put(e, "class", class));
	TRY(json_put(class, "system",
		     json_string("http://terminology.hl7.org/CodeSystem/v3-ActCode")));
	TRY(json_put(class, "code", json_string("AMB")));
	TRY(fhir_put_reference(e, "subject", f->patient));
	people = json_array();
	TRY(json_put(e, "participant", people));
	TRY(add_participant(f, people, NULL, json_text_of(s, "author")));
	if (supervisor != NULL) TRY(add_participant(f, people, "supervisor", supervisor));
	if (json_text_of(s, "started_at") == NULL) return ERR_OK;
	period = json_object();
	TRY(json_put(e, "period", period));
	TRY(fhir_put_text(period, "start", json_text_of(s, "started_at")));
	return fhir_put_text(period, "end", json_text_of(s, "ended_at"));
}

/* ---- what was said ------------------------------------------------------------------------- */

static enum err add_text(struct fhir *f, const char *session_id, const json_t *s,
			 Roomkeep__TextField field, bool is_signed)
{
	CLEANUP(buf_finip) struct buf label = { 0 };
	const char *text = json_text_of(s, fold_field_name(field));
	const char *words = NULL;
	char id[37];
	json_t *o = NULL;

	if (text == NULL || text[0] == '\0') return ERR_OK;
	fhir_id_of(session_id, (unsigned)field, id);
	if (field == ROOMKEEP__TEXT_FIELD__PLAN) {
		TRY(fhir_add(f, "CarePlan", id, &o));
		TRY(json_put(o, "status", json_string(is_signed ? "active" : "draft")));
		TRY(json_put(o, "intent", json_string("plan")));
		TRY(json_put(o, "description", json_string(text)));
		TRY(fhir_put_reference(o, "subject", f->patient));
		TRY(fhir_put_reference(o, "encounter", session_id));
		TRY(fhir_put_text(o, "created", json_text_of(s, "started_at")));
		return fhir_put_person(f, o, "author", json_text_of(s, "author"));
	}
	TRY(page_put_label(&label, fold_field_name(field)));
	TRY(buf_cstr(&label, &words));
	TRY(fhir_add_observation(f, id, words, is_signed, session_id, &o));
	TRY(fhir_put_text(o, "effectiveDateTime", json_text_of(s, "started_at")));
	return json_put(o, "valueString", json_string(text));
}

/* A text that stands beside: an addendum, another version, a change after signing. */
static enum err add_beside(struct fhir *f, const char *session_id, const char *id,
			   const char *words, const json_t *row)
{
	json_t *o = NULL;

	TRY(fhir_add_observation(f, id, words, true, session_id, &o));
	TRY(fhir_put_text(o, "effectiveDateTime", json_text_of(row, "at")));
	TRY(fhir_put_text(o, "valueString", json_text_of(row, "text")));
	return fhir_add_provenance(f, id, json_text_of(row, "by"), json_text_of(row, "at"));
}

static enum err add_beside_all(struct fhir *f, const char *session_id, const json_t *s)
{
	const json_t *addenda = json_object_get(s, "addenda");
	const json_t *conflicts = json_object_get(s, "conflicts");
	const json_t *late = json_object_get(s, "late_changes");

	for (size_t i = 0; i < json_array_size(addenda); i++) {
		const json_t *row = json_array_get(addenda, i);
		TRY(add_beside(f, session_id, json_text_of(row, "addendum_id"), "Addendum", row));
	}
	for (size_t i = 0; i < json_array_size(conflicts); i++) {
		const json_t *values = json_object_get(json_array_get(conflicts, i), "values");
		for (size_t k = 0; k < json_array_size(values); k++) {
			const json_t *row = json_array_get(values, k);
			TRY(add_beside(f, session_id, json_text_of(row, "op_id"),
				       "One of two versions", row));
		}
	}
	for (size_t i = 0; i < json_array_size(late); i++) {
		const json_t *row = json_array_get(late, i);
		TRY(add_beside(f, session_id, json_text_of(row, "op_id"), "Changed after signing",
			       row));
	}
	return ERR_OK;
}

/* ---- what was measured --------------------------------------------------------------------- */

static enum err put_code(json_t *o, const json_t *m)
{
	const char *name = json_text_of(m, "name");
	const char *ref = json_text_of(m, "ref");

	return fhir_put_code(o, "code", FHIR_CATALOGUE_SYSTEM, ref, name != NULL ? name : ref);
}

static enum err put_value(json_t *o, const json_t *m)
{
	const char *skipped = json_text_of(m, "skipped_reason");
	const char *result = json_text_of(m, "result");
	const char *unit = json_text_of(m, "unit");
	json_t *value = json_object_get(m, "value");
	json_t *quantity = NULL;

	if (skipped != NULL) return fhir_put_words(o, "dataAbsentReason", skipped);
	if (result != NULL) return json_put(o, "valueString", json_string(result));
	quantity = json_object();
	TRY(json_put(o, "valueQuantity", quantity));
	TRY(json_put(quantity, "value", json_incref(value)));
	return fhir_put_text(quantity, "unit", unit);
}

static enum err put_pain(json_t *o, const json_t *m)
{
	json_t *pain = json_object_get(m, "pain_at_end");
	json_t *component = NULL;
	json_t *quantity = NULL;

	if (!json_is_integer(pain)) return ERR_OK;
	component = json_object();
	TRY(fhir_put_list(o, "component", component));
	TRY(fhir_put_words(component, "code", "Pain at the end of the movement, 0 to 10"));
	quantity = json_object();
	TRY(json_put(component, "valueQuantity", quantity));
	return json_put(quantity, "value", json_incref(pain));
}

static enum err put_how(json_t *o, const json_t *m)
{
	static const char *const keys[] = { "phase",    "mode",       "position", "method",
					    "end_feel", "limited_by", "pair_id" };
	CLEANUP(json_decrefp) json_t *list = json_array();

	ENSURE(list != NULL, ERR_NOMEM);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		CLEANUP(buf_finip) struct buf url = { 0 };
		const char *text = json_text_of(m, keys[i]);
		json_t *one = NULL;
		if (text == NULL) continue;
		TRY(buf_append_fmt(&url, FHIR_FIELD_URL "%s", keys[i]));
		one = json_object();
		ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
		TRY(json_put_text(one, "url", buf_view(&url)));
		TRY(json_put(one, "valueString", json_string(text)));
	}
	if (json_array_size(list) == 0) return ERR_OK;
	return json_put(o, "extension", json_incref(list));
}

static enum err add_measure(struct fhir *f, const char *session_id, const json_t *m, bool is_signed)
{
	const char *side = json_text_of(m, "side");
	const char *id = json_text_of(m, "measure_id");
	json_t *o = NULL;
	json_t *performer = NULL;

	TRY(fhir_add_observation(f, id, "", is_signed, session_id, &o));
	TRY(put_code(o, m));
	TRY(put_how(o, m));
	TRY(fhir_put_text(o, "effectiveDateTime", json_text_of(m, "at")));
	TRY(put_value(o, m));
	if (side != NULL) {
		TRY(fhir_put_words(o, "bodySite",
				   strcmp(side, "L") == 0   ? "left"
				   : strcmp(side, "R") == 0 ? "right"
							    : side));
	}
	TRY(put_pain(o, m));
	performer = json_object();
	TRY(fhir_put_person(f, performer, "of", json_text_of(m, "rater")));
	json_t *who = json_incref(json_object_get(performer, "of"));
	json_decref(performer);
	if (who != NULL) TRY(fhir_put_list(o, "performer", who));
	return fhir_add_provenance(f, id, json_text_of(m, "by"), json_text_of(m, "at"));
}

static enum err add_session(struct fhir *f, const json_t *s)
{
	const char *id = json_text_of(s, "session_id");
	const char *signed_at = json_text_of(s, "signed_at");
	const char *written_at = signed_at != NULL ? signed_at : json_text_of(s, "started_at");
	const json_t *measures = json_object_get(s, "measures");

	TRY(add_encounter(f, id, s, signed_at != NULL));
	TRY(fhir_add_provenance(f, id, json_text_of(s, "author"), written_at));
	for (int i = 0; i < (int)FOLD_TEXT_FIELDS; i++)
		TRY(add_text(f, id, s, (Roomkeep__TextField)(i + 1), signed_at != NULL));
	for (size_t i = 0; i < json_array_size(measures); i++)
		TRY(add_measure(f, id, json_array_get(measures, i), signed_at != NULL));
	return add_beside_all(f, id, s);
}

enum err fhir_add_sessions(struct fhir *f)
{
	const json_t *list = json_object_get(f->chart, "sessions");

	for (size_t i = 0; i < json_array_size(list); i++)
		TRY(add_session(f, json_array_get(list, i)));
	return ERR_OK;
}
