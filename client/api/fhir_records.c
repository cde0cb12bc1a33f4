/* Plain records: those that FHIR has a resource for, and all others as Basic. */
#include "client/api/fhir_records.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/chart_fhir.h"
#include "client/api/page_words.h"
#include "record/kinds.h"

#include <stdio.h>
#include <string.h>

#define HL7 "http://terminology.hl7.org/CodeSystem/"

static bool is_word(const json_t *record, const char *key, const char *word)
{
	const char *text = json_text_of(record, key);

	return text != NULL && strcmp(text, word) == 0;
}

/* ---- what has no resource of its own ------------------------------------------------------- */

static enum err put_words_of(struct buf *out, const json_t *value)
{
	if (json_is_string(value)) return buf_append_str(out, json_string_value(value));
	if (json_is_boolean(value))
		return buf_append_str(out, json_is_true(value) ? "true" : "false");
	if (json_is_number(value)) return page_put_number(out, value);
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i > 0) TRY(buf_append_str(out, ", "));
		TRY(put_words_of(out, json_array_get(value, i)));
	}
	return ERR_OK;
}

static enum err add_extension(json_t *list, const char *key, const json_t *value)
{
	CLEANUP(buf_finip) struct buf words = { 0 };
	char url[96];
	json_t *one = NULL;

	enum err e = put_words_of(&words, value);
	if (e == ERR_OK && words.len > 0) {
		(void)snprintf(url, sizeof(url), FHIR_FIELD_URL "%.60s", key);
		one = json_object();
		if (json_array_append_new(list, one) != 0) e = ERR_NOMEM;
		if (e == ERR_OK) e = json_put(one, "url", json_string(url));
		if (e == ERR_OK) e = json_put_text(one, "valueString", buf_view(&words));
	}
	buf_wipe(&words);
	return e;
}

/* Histories are told by Provenance; statements are records of their own. */
static enum err put_extensions(json_t *basic, const json_t *record)
{
	CLEANUP(json_decrefp) json_t *list = json_array();
	union {
		const json_t *in;
		json_t *out;
	} cast = { .in = record }; /* the walk only reads */
	const json_t *value;
	const char *key;

	ENSURE(list != NULL, ERR_NOMEM);
	json_object_foreach(cast.out, key, value)
	{
		if (json_is_object(value) || json_is_null(value)) continue;
		if (strcmp(key, "history") == 0 || strcmp(key, "statements") == 0) continue;
		TRY(add_extension(list, key, value));
	}
	return json_array_size(list) == 0 ? ERR_OK
					  : json_put(basic, "extension", json_incref(list));
}

enum err fhir_add_basic(struct fhir *f, const char *kind, const char *id, const json_t *record)
{
	json_t *basic = NULL;

	TRY(fhir_add(f, "Basic", id, &basic));
	TRY(put_extensions(basic, record));
	TRY(fhir_put_code(basic, "code", FHIR_KIND_SYSTEM, kind, NULL));
	TRY(fhir_put_reference(basic, "subject", f->patient));
	return fhir_put_person(f, basic, "author", json_text_of(record, "added_by"));
}

enum err fhir_add_observation(struct fhir *f, const char *id, const char *words, bool is_final,
			      const char *encounter, json_t **ret)
{
	json_t *o = NULL;

	TRY(fhir_add(f, "Observation", id, &o));
	TRY(json_put(o, "status", json_string(is_final ? "final" : "preliminary")));
	TRY(fhir_put_words(o, "code", words));
	TRY(fhir_put_reference(o, "subject", f->patient));
	if (encounter != NULL) TRY(fhir_put_reference(o, "encounter", encounter));
	*ret = o;
	return ERR_OK;
}

/* ---- one kind each ------------------------------------------------------------------------- */

static enum err put_period(json_t *object, const char *key, const char *from, const char *until)
{
	json_t *period = NULL;

	if (from == NULL && until == NULL) return ERR_OK;
	period = json_object();
	TRY(json_put(object, key, period));
	TRY(fhir_put_text(period, "start", from));
	return fhir_put_text(period, "end", until);
}

static enum err add_allergy(struct fhir *f, const char *id, const json_t *r)
{
	const bool over = json_text_of(r, "ended") != NULL;
	json_t *a = NULL;

	TRY(fhir_add(f, "AllergyIntolerance", id, &a));
	TRY(fhir_put_code(a, "clinicalStatus", HL7 "allergyintolerance-clinical",
			  over ? "inactive" : "active", NULL));
	TRY(fhir_put_code(a, "verificationStatus", HL7 "allergyintolerance-verification",
			  "unconfirmed", NULL));
	TRY(fhir_put_words(a, "code", json_text_of(r, "text")));
	TRY(fhir_put_reference(a, "patient", f->patient));
	TRY(fhir_put_text(a, "recordedDate", json_text_of(r, "added_at")));
	return fhir_put_person(f, a, "recorder", json_text_of(r, "added_by"));
}

static enum err add_alert(struct fhir *f, const char *id, const json_t *r)
{
	CLEANUP(buf_finip) struct buf words = { 0 };
	const char *kind = json_text_of(r, "kind");
	const char *text = NULL;
	json_t *flag = NULL;
	json_t *category = NULL;

	if (json_text_of(r, "text") == NULL) return fhir_add_basic(f, "alert", id, r);
	if (is_word(r, "kind", "allergy")) return add_allergy(f, id, r);
	TRY(page_put_word(&words, kind == NULL ? "alert" : kind));
	TRY(buf_cstr(&words, &text));
	TRY(fhir_add(f, "Flag", id, &flag));
	TRY(json_put(flag, "status",
		     json_string(json_text_of(r, "ended") == NULL ? "active" : "inactive")));
	category = json_object();
	TRY(fhir_put_list(flag, "category", category));
	TRY(json_put(category, "text", json_string(text)));
	TRY(fhir_put_words(flag, "code", json_text_of(r, "text")));
	TRY(fhir_put_reference(flag, "subject", f->patient));
	TRY(put_period(flag, "period", json_text_of(r, "started"), json_text_of(r, "ended")));
	return fhir_put_person(f, flag, "author", json_text_of(r, "added_by"));
}

static enum err add_episode(struct fhir *f, const char *id, const json_t *r)
{
	const bool over = json_text_of(r, "closed") != NULL;
	char condition_id[37];
	json_t *c = NULL;
	json_t *e = NULL;
	json_t *diagnosis = NULL;

	if (json_text_of(r, "complaint") == NULL) return fhir_add_basic(f, "episode", id, r);
	fhir_id_of(id, 1, condition_id);
	TRY(fhir_add(f, "Condition", condition_id, &c));
	TRY(put_extensions(c, r)); /* goals, pattern and all the rest in their own words */
	TRY(fhir_put_code(c, "clinicalStatus", HL7 "condition-clinical",
			  over ? "inactive" : "active", NULL));
	TRY(fhir_put_words(c, "code", json_text_of(r, "complaint")));
	TRY(fhir_put_reference(c, "subject", f->patient));
	TRY(fhir_put_text(c, "onsetString", json_text_of(r, "onset")));
	TRY(fhir_put_text(c, "recordedDate", json_text_of(r, "added_at")));
	TRY(fhir_put_person(f, c, "recorder", json_text_of(r, "added_by")));
	TRY(fhir_add(f, "EpisodeOfCare", id, &e));
	TRY(json_put(e, "status", json_string(over ? "finished" : "active")));
	diagnosis = json_object();
	TRY(fhir_put_list(e, "diagnosis", diagnosis));
	TRY(fhir_put_reference(diagnosis, "condition", condition_id));
	TRY(fhir_put_reference(e, "patient", f->patient));
	TRY(put_period(e, "period", json_text_of(r, "started"), json_text_of(r, "closed")));
	return fhir_put_reference(e, "managingOrganization", json_text_of(f->chart, "clinic_id"));
}

static enum err add_answer(struct fhir *f, const char *id, const json_t *r)
{
	CLEANUP(buf_finip) struct buf question = { 0 };
	CLEANUP(buf_finip) struct buf answer = { 0 };
	const char *detail = json_text_of(r, "detail");
	const char *said = json_text_of(r, "answer");
	const char *words = NULL;
	json_t *o = NULL;

	if (json_text_of(r, "question") == NULL) return fhir_add_basic(f, "health_answer", id, r);
	TRY(page_put_label(&question, json_text_of(r, "question")));
	TRY(buf_cstr(&question, &words));
	TRY(fhir_add_observation(f, id, words, true, NULL, &o));
	TRY(fhir_put_text(o, "effectiveDateTime", json_text_of(r, "asked_on")));
	if (said != NULL) TRY(page_put_word(&answer, said));
	if (detail != NULL)
		TRY(buf_append_fmt(&answer, "%s%s", answer.len > 0 ? ": " : "", detail));
	if (answer.len == 0) return ERR_OK;
	return json_put_text(o, "valueString", buf_view(&answer));
}

static enum err add_consent(struct fhir *f, const char *id, const json_t *r)
{
	const bool withdrawn = json_text_of(r, "withdrawn_at") != NULL ||
			       is_word(r, "answer", "withdrawn");
	const char *at = json_text_of(r, "answered_at");
	json_t *c = NULL;
	json_t *category = NULL;
	json_t *coding = NULL;

	TRY(fhir_add(f, "Consent", id, &c));
	TRY(put_extensions(c, r)); /* area, what was explained, draping: in no field of FHIR's */
	TRY(json_put(c, "status",
		     json_string(withdrawn                     ? "inactive"
				 : is_word(r, "answer", "yes") ? "active"
							       : "rejected")));
	TRY(fhir_put_code(c, "scope", HL7 "consentscope", "treatment", NULL));
	category = json_object();
	TRY(fhir_put_list(c, "category", category));
	coding = json_object();
	TRY(fhir_put_list(category, "coding", coding));
	TRY(json_put(coding, "system", json_string("http://loinc.org")));
	TRY(json_put(coding, "code", json_string("59284-0")));
	TRY(fhir_put_reference(c, "patient", f->patient));
	TRY(fhir_put_text(c, "dateTime", at != NULL ? at : json_text_of(r, "added_at")));
	return fhir_put_words(c, "policyRule", "Spoken consent to the treatment of one area");
}

static const char *referral_status(const char *state)
{
	if (state == NULL) return "unknown";
	if (strcmp(state, "declined") == 0) return "revoked";
	if (strcmp(state, "closed") == 0 || strcmp(state, "told") == 0) return "completed";
	if (strcmp(state, "noticed") == 0 || strcmp(state, "discussed") == 0 ||
	    strcmp(state, "consented") == 0 || strcmp(state, "drafted") == 0)
		return "draft";
	return "active";
}

static enum err add_referral(struct fhir *f, const char *id, const json_t *r)
{
	json_t *s = NULL;
	json_t *to = NULL;

	if (json_text_of(r, "ask") == NULL) return fhir_add_basic(f, "referral", id, r);
	TRY(fhir_add(f, "ServiceRequest", id, &s));
	TRY(put_extensions(s, r));
	TRY(json_put(s, "status", json_string(referral_status(json_text_of(r, "state")))));
	TRY(json_put(s, "intent", json_string("proposal")));
	if (json_is_true(json_object_get(r, "red_flag")))
		TRY(json_put(s, "priority", json_string("urgent")));
	TRY(fhir_put_words(s, "code", json_text_of(r, "ask")));
	TRY(fhir_put_reference(s, "subject", f->patient));
	TRY(fhir_put_text(s, "authoredOn", json_text_of(r, "noticed_on")));
	TRY(fhir_put_person(f, s, "requester", json_text_of(r, "added_by")));
	if (json_text_of(r, "provider") == NULL) return ERR_OK;
	to = json_object();
	TRY(fhir_put_list(s, "performer", to));
	return json_put(to, "display", json_string(json_text_of(r, "provider")));
}

static const char *appointment_status(const char *state)
{
	static const char *const words[][2] = {
		{ "arrived", "arrived" },          { "in_session", "arrived" },
		{ "done", "fulfilled" },           { "cancelled", "cancelled" },
		{ "late_cancelled", "cancelled" }, { "no_show", "noshow" },
	};
	for (size_t i = 0; state != NULL && i < COUNT_OF(words); i++)
		if (strcmp(words[i][0], state) == 0) return words[i][1];
	return "booked";
}

static enum err add_participant(json_t *list, const char *id)
{
	json_t *one = json_object();

	ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
	TRY(fhir_put_reference(one, "actor", id));
	return json_put(one, "status", json_string("accepted"));
}

static enum err add_appointment(struct fhir *f, const char *id, const json_t *r)
{
	const char *starts = json_text_of(r, "starts_at");
	const json_int_t minutes = json_integer_value(json_object_get(r, "minutes"));
	const char *therapist = json_text_of(r, "therapist");
	const json_t *person =
		therapist == NULL ? NULL
				  : json_object_get(json_object_get(f->chart, "people"), therapist);
	uint64_t start_ms = 0;
	json_t *a = NULL;
	json_t *list = NULL;

	if (starts == NULL || minutes <= 0) return fhir_add_basic(f, "appointment", id, r);
	TRY(json_time_parse(starts, &start_ms));
	TRY(fhir_add(f, "Appointment", id, &a));
	TRY(put_extensions(a, r));
	TRY(json_put(a, "status", json_string(appointment_status(json_text_of(r, "state")))));
	TRY(json_put(a, "start", json_string(starts)));
	TRY(json_put_time(a, "end", start_ms + (uint64_t)minutes * 60000u));
	TRY(json_put(a, "minutesDuration", json_integer(minutes)));
	list = json_array();
	TRY(json_put(a, "participant", list));
	TRY(add_participant(list, f->patient));
	return person == NULL ? ERR_OK : add_participant(list, json_text_of(person, "user_id"));
}

/* ---- all of them --------------------------------------------------------------------------- */

static const struct {
	enum kind kind;
	enum err (*add)(struct fhir *f, const char *id, const json_t *record);
} resources[] = {
	{ KIND_ALERT, add_alert },       { KIND_EPISODE, add_episode },
	{ KIND_CONSENT, add_consent },   { KIND_HEALTH_ANSWER, add_answer },
	{ KIND_REFERRAL, add_referral }, { KIND_APPOINTMENT, add_appointment },
};

static enum err add_record(struct fhir *f, const struct kind_info *info, const char *id,
			   const json_t *record)
{
	for (size_t i = 0; i < COUNT_OF(resources); i++)
		if (resources[i].kind == info->kind) return resources[i].add(f, id, record);
	return fhir_add_basic(f, info->name, id, record);
}

/* What is one per patient or session has its id, which is taken. */
static const char *resource_id(const struct fhir *f, const struct kind_info *info,
			       const json_t *record, char room[37])
{
	const char *id = json_text_of(record, info->subject_field);
	const bool of_session = kind_is_one_per_session(info);

	if (!kind_is_one_per_patient(info) && !of_session) return id;
	fhir_id_of(of_session ? id : f->patient, 0x30000000u + (unsigned)info->kind, room);
	return room;
}

enum err fhir_add_records(struct fhir *f)
{
	const json_t *records = json_object_get(f->chart, "records");

	for (size_t k = 0; k < kind_count(); k++) {
		const struct kind_info *info = kind_at(k);
		const json_t *list = json_object_get(records, info->name);
		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *record = json_array_get(list, i);
			char room[37];
			const char *id = resource_id(f, info, record, room);
			TRY(add_record(f, info, id, record));
			TRY(fhir_add_provenance(f, id, json_text_of(record, "added_by"),
						json_text_of(record, "added_at")));
		}
	}
	return ERR_OK;
}
