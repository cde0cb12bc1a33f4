#include "client/api/card.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/care.h"
#include "client/api/chart_guard.h"
#include "client/api/misfiled.h"
#include "client/api/proof_load.h"
#include "client/api/record_json.h"
#include "client/api/show_proof.h"
#include "record/calendar.h"
#include "record/care.h"

#include <stdlib.h>

static json_t *text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static enum err new_row(json_t *list, json_t **ret)
{
	*ret = json_object();
	return json_array_append_new(list, *ret) == 0 ? ERR_OK : ERR_NOMEM;
}

/* ---- who ----------------------------------------------------------------------------------- */

static enum err put_identity(struct verb *v, const struct local_patient *p)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__PatientDetail *detail = NULL;

	TRY(care_load_detail(v, &p->id, &fold, &detail));
	TRY(json_put_id(v->answer, "patient_id", &p->id));
	TRY(json_put(v->answer, "name", text_or_null(p->name)));
	TRY(json_put(v->answer, "name_used", text_or_null(p->name_used)));
	TRY(json_put(v->answer, "pronounced_as",
		     text_or_null(detail != NULL ? detail->pronounced_as : NULL)));
	return json_put(v->answer, "pronouns",
			text_or_null(detail != NULL ? detail->pronouns : NULL));
}

/* All that a one-per-patient record says, by its keys; null when nothing was ever said. */
static enum err put_whole(struct verb *v, enum kind kind, const struct id *patient_id,
			  const char *key)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *s = NULL;
	json_t *object = json_object();
	const enum err e =
		local_get_record(verb_local(v), verb_vault(v), kind, patient_id, &fold, &s);

	TRY(json_put(v->answer, key, object));
	if (e == ERR_NOT_FOUND) return json_put(v->answer, key, json_null());
	TRY(e);
	TRY(record_to_json(object, kind_find((uint64_t)kind), s->message));
	(void)json_object_del(object, "patient_id");
	return ERR_OK;
}

/* ---- visits -------------------------------------------------------------------------------- */

static enum err put_session_text(json_t *object, const struct session_state *s,
				 Roomkeep__TextField field)
{
	const struct fold_field *f = &s->text[field - 1];
	const char *key = fold_field_name(field);

	if (f->value == NULL || f->value->erased || f->value->text.len == 0) {
		return json_put(object, key, json_null());
	}
	return json_put_text(object, key, f->value->text);
}

static enum err put_last_visit(struct verb *v, const struct local_session_start *row)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_fold loaded;
	struct session_state s;
	json_t *object = json_object();

	TRY(json_put(v->answer, "last_visit", object));
	TRY(local_load_session(verb_local(v), verb_vault(v), &row->session_id, &loaded, &s));
	fold = loaded; /* only now there is something to give back */
	TRY(json_put_id(object, "session_id", &row->session_id));
	TRY(json_put_time(object, "started_at", row->started_ms));
	TRY(verb_put_login(v, object, "author", &s.therapist_id));
	TRY(put_session_text(object, &s, ROOMKEEP__TEXT_FIELD__SUBJECTIVE));
	return put_session_text(object, &s, ROOMKEEP__TEXT_FIELD__PLAN);
}

/* What the patient was to do at home since the last visit: to be asked about. */
static enum err put_homecare(struct verb *v, const struct id *session_id)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;
	json_t *list = json_array();

	TRY(json_put(v->answer, "homecare", list));
	TRY(local_list_session_records(verb_local(v), verb_vault(v), KIND_HOMECARE_ITEM, session_id,
				       NULL, &fold, &records, &count));
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__HomecareItem *m = any;
		json_t *object = NULL;
		if (m->what == NULL) continue; /* erased */
		TRY(new_row(list, &object));
		TRY(json_put(object, "what", json_string(m->what)));
		TRY(json_put(object, "dose", m->dose == NULL ? json_null() : json_string(m->dose)));
	}
	return ERR_OK;
}

/* ---- proof --------------------------------------------------------------------------------- */

static json_t *value_of(const struct proof_row *row)
{
	return row->has_value ? json_milli(row->value_milli) : json_null();
}

static enum err put_proof_line(json_t *list, const struct proof_set *set, uint64_t started_ms)
{
	json_t *object = NULL;

	TRY(new_row(list, &object));
	TRY(show_what(object, set->pre));
	TRY(json_put_time(object, "started_at", started_ms));
	TRY(json_put(object, "from", value_of(set->pre)));
	TRY(json_put(object, "to", value_of(set->post)));
	return show_delta(object, "change", set->pre, set->post, &set->delta);
}

/* What one visit showed beyond doubt or honestly did not; what cannot be compared is no line. */
static enum err put_visit_proof(struct verb *v, const struct local_session_start *row, json_t *list)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	CLEANUP(proof_session_finip) struct proof_session p = { 0 };
	struct session_fold loaded;
	struct session_state s;

	TRY(local_load_session(verb_local(v), verb_vault(v), &row->session_id, &loaded, &s));
	fold = loaded; /* only now there is something to give back */
	TRY(proof_session_of(&s, &p));
	for (size_t i = 0; i < p.set_count; i++) {
		const struct proof_set *set = &p.sets[i];
		if (set->pre == NULL || set->post == NULL) continue;
		if (set->delta.state == PROOF_NOT_COMPARABLE) continue;
		TRY(put_proof_line(list, set, row->started_ms));
	}
	return ERR_OK;
}

/* Of the newest visit that has any. */
static enum err put_proof(struct verb *v, const struct local_session_start *rows, size_t count)
{
	json_t *list = json_array();

	TRY(json_put(v->answer, "proof", list));
	for (size_t i = 0; i < count && i < CARD_PROOF_VISITS; i++) {
		TRY(put_visit_proof(v, &rows[count - 1 - i], list));
		if (json_array_size(list) > 0) return ERR_OK;
	}
	return ERR_OK;
}

/* Sessions of today are this visit. */
static enum err put_visits(struct verb *v, const struct id *patient_id, int64_t today)
{
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };

	TRY(local_find_sessions(verb_local(v), verb_vault(v), patient_id, &s));
	TRY(local_drop_misfiled(verb_local(v), verb_vault(v), patient_id, &s));
	size_t count = s.count;
	while (count > 0 && care_local_day(s.held[count - 1].started_ms) >= today) count--;
	const uint64_t before = count + s.rest;
	TRY(json_put(v->answer, "visit", json_integer((json_int_t)before + 1)));
	/* Nobody is greeted as new because this room is offline and never held the old sessions. */
	TRY(json_put(v->answer, "first_visit",
		     before == 0 && !s.knows_rest ? json_null() : json_boolean(before == 0)));
	TRY(put_proof(v, s.held, count));
	if (count == 0) {
		TRY(json_put(v->answer, "homecare", json_array()));
		return json_put(v->answer, "last_visit", json_null());
	}
	TRY(put_homecare(v, &s.held[count - 1].session_id));
	return put_last_visit(v, &s.held[count - 1]);
}

/* ---- what was said ------------------------------------------------------------------------- */

static enum err put_complaints(struct verb *v, const struct id *patient_id, int64_t today)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "complaints", list));
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_EPISODE, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const Roomkeep__Episode *m =
			(const Roomkeep__Episode *)(const void *)records[i].message;
		int64_t closed = 0;
		if (m->complaint == NULL) continue; /* its first op is not here */
		if (care_day(m->closed, &closed) && closed < today) continue;
		ENSURE(json_array_append_new(list, json_string(m->complaint)) == 0, ERR_NOMEM);
	}
	return ERR_OK;
}

static enum err put_promises(struct verb *v, const struct id *patient_id)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	CLEANUP(freep) struct record_state *stand = NULL;
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "promises", list));
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_PROMISE, patient_id, &fold,
			       &records, &count));
	TRY(misfiled_drop(v, KIND_PROMISE, records, &count, &stand));
	records = stand;
	for (size_t i = 0; i < count; i++) {
		const Roomkeep__Promise *m =
			(const Roomkeep__Promise *)(const void *)records[i].message;
		json_t *object = NULL;
		if (m->text == NULL) continue;
		if (m->has_kept && m->kept != ROOMKEEP__PROMISE__KEPT__OPEN) continue;
		TRY(new_row(list, &object));
		TRY(json_put_id(object, "promise_id", &records[i].record_id));
		TRY(json_put(object, "text", json_string(m->text)));
		TRY(json_put(object, "due", text_or_null(m->due)));
		TRY(json_put_time(object, "made_at", records[i].first->client_time_ms));
		TRY(verb_put_login(v, object, "by", &records[i].first->author_id));
	}
	return ERR_OK;
}

static enum err put_talk(struct verb *v, json_t *list, const struct record_state *s)
{
	CLEANUP(buf_finip) struct buf until = { 0 };
	const Roomkeep__TalkAbout *m = (const Roomkeep__TalkAbout *)(const void *)s->message;
	json_t *object = NULL;

	TRY(calendar_print(care_talk_until(m), &until));
	TRY(new_row(list, &object));
	TRY(json_put_id(object, "talk_about_id", &s->record_id));
	TRY(json_put(object, "text", json_string(m->text)));
	TRY(json_put(object, "heard_on", json_string(m->heard_on)));
	TRY(verb_put_login(v, object, "by", &s->first->author_id));
	return json_put_text(object, "until", buf_view(&until));
}

static enum err put_talks(struct verb *v, const struct id *patient_id, int64_t today)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "talk_about", list));
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_TALK_ABOUT, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const Roomkeep__TalkAbout *m =
			(const Roomkeep__TalkAbout *)(const void *)records[i].message;
		if (m->text == NULL || m->heard_on == NULL) continue;
		if (care_talk_shows(m, today)) TRY(put_talk(v, list, &records[i]));
	}
	return ERR_OK;
}

/* ---- own notes ----------------------------------------------------------------------------- */

/* Two versions of one note are one note: only the first that is met counts. */
static enum err is_first_of_note(struct verb *v, const struct local_note *note, bool *ret)
{
	struct local_note other;
	size_t at = 0;

	do {
		TRY(local_next_note(verb_local(v), verb_vault(v), &note->patient_id, &at, &other));
	} while (!id_equal(&other.note_id, &note->note_id));
	*ret = id_equal(&other.op_id, &note->op_id);
	return ERR_OK;
}

static enum err put_note_count(struct verb *v, const struct id *patient_id)
{
	struct local_note note;
	json_int_t count = 0;
	size_t at = 0;

	for (;;) {
		const enum err e =
			local_next_note(verb_local(v), verb_vault(v), patient_id, &at, &note);
		bool counts = true;
		if (e == ERR_NOT_FOUND)
			return json_put(v->answer, "own_notes", json_integer(count));
		TRY(e);
		if (note.conflict) TRY(is_first_of_note(v, &note, &counts));
		if (counts) count++;
	}
}

/* -------------------------------------------------------------------------------------------- */

enum err card_put(struct verb *v, const struct local_patient *p, bool partial)
{
	const int64_t today = care_local_day(v->now_ms);
	const struct id id = p->id;

	TRY(put_identity(v, p));
	TRY(put_visits(v, &id, today));
	TRY(card_put_alerts(v, &id, today));
	TRY(card_put_consents(v, &id, today));
	TRY(put_complaints(v, &id, today));
	TRY(put_promises(v, &id));
	TRY(put_talks(v, &id, today));
	TRY(put_whole(v, KIND_COMFORT, &id, "comfort"));
	TRY(put_whole(v, KIND_PREFERENCE, &id, "preference"));
	TRY(card_put_moods(v, &id, today));
	TRY(put_note_count(v, &id));
	TRY(chart_guard_put(v, &id, v->answer));
	return json_put(v->answer, "partial", json_boolean(partial));
}
