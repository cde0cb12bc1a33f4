#include "client/api/chart_model.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/chart_parts.h"
#include "client/api/misfiled.h"
#include "client/api/outgoing.h"
#include "client/api/record_json.h"
#include "client/api/record_more.h"
#include "client/api/retention.h"

#include <string.h>

/* ---- records ------------------------------------------------------------------------------- */

/* What it says of another person is not this patient's. */
static bool is_of_another(const struct kind_info *info, const struct record_state *s,
			  const struct id *patient_id)
{
	if (info->kind == KIND_THIRD_PARTY_SPAN) return true;
	if (info->relative_field == NULL || info->kind == KIND_PATIENT_MERGE) return false;
	return info->kind != KIND_SHARING_GRANT || !id_equal(&s->patient_id, patient_id);
}

/* Who and where, in words beside their ids. */
static enum err put_names(struct verb *v, json_t *object)
{
	struct id id;
	const char *therapist = json_text_of(object, "therapist_id");
	const char *room = json_text_of(object, "room_id");

	if (therapist != NULL && id_parse(view_str(therapist), &id) == ERR_OK)
		TRY(verb_put_login(v, object, "therapist", &id));
	if (room != NULL && id_parse(view_str(room), &id) == ERR_OK)
		TRY(verb_put_room(v, object, "room", &id));
	return ERR_OK;
}

/* To whom a referral goes. */
static enum err put_provider(struct verb *v, json_t *object)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *s = NULL;
	const char *text = json_text_of(object, "provider_id");
	struct id id;

	if (text == NULL || id_parse(view_str(text), &id) != ERR_OK) return ERR_OK;
	const enum err e =
		local_get_record(verb_local(v), verb_vault(v), KIND_PROVIDER, &id, &fold, &s);
	if (e == ERR_NOT_FOUND || e == ERR_DENIED) return ERR_OK;
	TRY(e);
	const void *any = s->message;
	const Roomkeep__Provider *m = any;
	return m->name == NULL ? ERR_OK : json_put(object, "provider", json_string(m->name));
}

static enum err look_at_fields(struct outgoing *o, const struct kind_info *info, const char *id,
			       json_t *object)
{
	/* Whom to call is the patient's own word. */
	if (info->kind == KIND_PATIENT_DETAIL) return ERR_OK;
	for (size_t i = 0; i < info->field_count; i++) {
		const enum field_format format = info->fields[i].format;
		if (format != FIELD_TEXT && format != FIELD_NAME && format != FIELD_TEXTS) continue;
		TRY(outgoing_text(o, info->name, id, object, info->fields[i].name));
	}
	return ERR_OK;
}

/* What is in a record that is printed, and in what it said before. */
static enum err look_at_record(struct outgoing *o, const struct kind_info *info, json_t *object)
{
	const char *id = json_text_of(object, info->subject_field);
	const json_t *history = json_object_get(object, "history");
	const json_t *statements = json_object_get(object, "statements");

	TRY(look_at_fields(o, info, id, object));
	for (size_t i = 0; i < json_array_size(statements); i++)
		TRY(outgoing_text(o, "statement", id, json_array_get(statements, i), "text"));
	for (size_t i = 0; i < json_array_size(history); i++) {
		json_t *said = json_object_get(json_array_get(history, i), "said");
		TRY(look_at_fields(o, info, id, said));
	}
	return ERR_OK;
}

static enum err put_record(struct verb *v, struct outgoing *o, const struct kind_info *info,
			   const struct record_state *s, json_t *list)
{
	json_t *object = json_object();
	bool overdue = false;

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(record_to_json(object, info, s->message));
	TRY(record_put_more(v, info, s, object, &overdue));
	TRY(put_names(v, object));
	if (info->kind == KIND_REFERRAL) TRY(put_provider(v, object));
	TRY(record_put_people(v, object, s));
	TRY(record_put_history(v, info, s, object));
	if (info->kind == KIND_REQUEST)
		TRY(record_put_statements(v, &s->patient_id, &s->record_id, object));
	/* The other one's id says that there is another patient. */
	if (info->relative_field != NULL && info->kind != KIND_PATIENT_MERGE)
		(void)json_object_del(object, info->relative_field);
	return look_at_record(o, info, object);
}

static enum err put_kind(struct verb *v, struct outgoing *o, const struct kind_info *info,
			 const struct id *patient_id, json_t *chart)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t others = 0, kept = 0, misfiled = 0, count = 0;

	TRY(json_put(json_object_get(chart, "records"), info->name, list));
	const enum err e = local_list_records(verb_local(v), verb_vault(v), info->kind, patient_id,
					      &fold, &records, &count);
	if (e == ERR_DENIED) {
		TRY(chart_put_unknown(chart, info->name));
		return outgoing_withhold(o, info->name, NULL, NULL, 0, OUTGOING_ROLE);
	}
	TRY(e);
	for (size_t i = 0; i < count; i++) {
		bool is_misfiled = false;
		TRY(misfiled_is_record(v, info, records[i].message, &is_misfiled));
		if (is_misfiled) {
			misfiled++;
		} else if (is_of_another(info, &records[i], patient_id)) {
			others++;
		} else if (outgoing_keeps_record(o, info, &records[i])) {
			kept++;
		} else {
			TRY(put_record(v, o, info, &records[i], list));
		}
	}
	if (others > 0)
		TRY(outgoing_withhold(o, info->name, NULL, NULL, others, OUTGOING_OTHER_PERSON));
	if (kept > 0)
		TRY(outgoing_withhold(o, info->name, NULL, NULL, kept, OUTGOING_PATIENT_REQUEST));
	if (misfiled > 0)
		TRY(outgoing_withhold(o, info->name, NULL, NULL, misfiled, OUTGOING_WRONG_CHART));
	return chart_put_count(chart, info->name, count, json_array_size(list),
			       others + kept + misfiled);
}

static enum err put_records(struct verb *v, struct outgoing *o, const struct id *patient_id,
			    json_t *chart)
{
	TRY(json_put(chart, "records", json_object()));
	for (size_t k = 0; k < kind_count(); k++) {
		const struct kind_info *info = kind_at(k);
		if (!kind_is_plain(info) || info->patient_field == NULL) continue;
		TRY(put_kind(v, o, info, patient_id, chart));
	}
	return ERR_OK;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static enum err put_head(struct verb *v, const struct chart_ask *ask, json_t *chart)
{
	const struct local_room *room = local_room(verb_local(v));

	TRY(json_put(chart, "schema", json_string(CHART_SCHEMA)));
	TRY(json_put_time(chart, "made_at", v->now_ms));
	TRY(verb_put_login(v, chart, "made_by", desk_person(v->desk)));
	TRY(json_put(chart, "clinic", json_string(room->clinic_name)));
	TRY(json_put_id(chart, "clinic_id", &room->clinic_id));
	TRY(json_put(chart, "room", json_string(room->name)));
	TRY(json_put(chart, "partial", json_boolean(ask->partial)));
	TRY(json_put(chart, "counts", json_array()));
	TRY(json_put(chart, "for", json_null()));
	return json_put(chart, "notes_line", json_string(CHART_NOTES_LINE));
}

/* What verbs_trust.c puts into the answer. */
static enum err put_retention(struct verb *v, const struct id *patient_id, json_t *chart)
{
	json_t *answer = v->answer;
	json_t *retention = json_object();
	struct local_patient p;

	TRY(json_put(chart, "retention", retention));
	TRY(local_get_patient(verb_local(v), verb_vault(v), patient_id, &p));
	v->answer = retention;
	const enum err e = retention_put(v, patient_id, p.born);
	v->answer = answer;
	return e;
}

static enum err put_line(const struct outgoing *o, json_t *chart)
{
	const char *line = outgoing_sentence(o);

	return json_put(chart, "withheld_line", line == NULL ? json_null() : json_string(line));
}

enum err chart_model_make(struct verb *v, const struct chart_ask *ask, json_t *chart)
{
	json_t *withheld = json_array();
	CLEANUP(outgoing_finip) struct outgoing o = { .v = NULL };

	TRY(json_put(chart, "withheld", withheld));
	TRY(outgoing_init(&o, v, &ask->patient_id, ask->recipient, withheld));
	TRY(put_head(v, ask, chart));
	TRY(chart_put_identity(v, &ask->patient_id, chart));
	TRY(put_records(v, &o, &ask->patient_id, chart));
	TRY(chart_put_sessions(v, &o, &ask->patient_id, chart));
	TRY(chart_put_notes(v, &o, &ask->patient_id, chart));
	TRY(put_retention(v, &ask->patient_id, chart));
	TRY(put_line(&o, chart));
	TRY(outgoing_end(&o));
	return chart_put_people(v, chart);
}
