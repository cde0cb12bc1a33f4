#include "client/api/letter_history.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/misfiled.h"
#include "client/api/proof_load.h"
#include "client/api/record_json.h"
#include "record/proof_words.h"

#include <string.h>

/* ---- records ------------------------------------------------------------------------------- */

static bool is_told(const struct kind_info *info, const json_t *record)
{
	const char *answer = json_text_of(record, "answer");

	if (info->kind == KIND_EPISODE) return json_text_of(record, "closed") == NULL;
	if (info->kind == KIND_ALERT) {
		const char *kind = json_text_of(record, "kind");
		/* A safety flag is for who works here. */
		return json_text_of(record, "ended") == NULL && kind != NULL &&
		       strcmp(kind, "safety") != 0;
	}
	return answer != NULL && strcmp(answer, "no") != 0;
}

static enum err add_record(struct outgoing *o, const struct kind_info *info,
			   const struct record_state *s, json_t *list)
{
	CLEANUP(json_decrefp) json_t *record = json_object();

	ENSURE(record != NULL, ERR_NOMEM);
	TRY(record_to_json(record, info, s->message));
	if (!is_told(info, record)) return ERR_OK;
	for (size_t i = 0; i < info->field_count; i++) {
		const enum field_format format = info->fields[i].format;
		if (format != FIELD_TEXT && format != FIELD_NAME && format != FIELD_TEXTS) continue;
		TRY(outgoing_text(o, info->name, json_text_of(record, info->subject_field), record,
				  info->fields[i].name));
	}
	ENSURE(json_array_append(list, record) == 0, ERR_NOMEM);
	return ERR_OK;
}

static enum err read_kind(struct verb *v, struct outgoing *o, enum kind kind,
			  const struct id *patient_id, json_t *facts, const char *key)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(facts, key, list));
	TRY(local_list_records(verb_local(v), verb_vault(v), kind, patient_id, &fold, &records,
			       &count));
	const struct kind_info *info = kind_find((uint64_t)kind);
	for (size_t i = 0; i < count; i++) {
		bool is_misfiled = false;
		TRY(misfiled_is_record(v, info, records[i].message, &is_misfiled));
		if (!is_misfiled && !outgoing_keeps_record(o, info, &records[i]))
			TRY(add_record(o, info, &records[i], list));
	}
	return ERR_OK;
}

/* ---- measures ------------------------------------------------------------------------------ */

static enum err put_amount(json_t *object, const char *key, const struct proof_row *row)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	TRY(proof_put_amount(&text, row->value_milli, row->entry->unit));
	return json_put_text(object, key, buf_view(&text));
}

/* For somebody else who treats; the patient's own page says it to the patient. */
static const char *change_words(enum proof_state state)
{
	switch (state) {
	case PROOF_IMPROVED: return "better, by more than the measure's own error.";
	case PROOF_WITHIN: return "no change beyond the measure's own error.";
	case PROOF_WORSE: return "worse, by more than the measure's own error.";
	case PROOF_NOT_COMPARABLE: break;
	}
	return "";
}

static enum err put_series(const struct proof_series *series, json_t *list)
{
	CLEANUP(buf_finip) struct buf title = { 0 };
	CLEANUP(buf_finip) struct buf sentence = { 0 };
	json_t *object = json_object();
	const struct proof_row *first = series->begin;
	const struct proof_row *last = series->end != NULL ? series->end : series->begin;

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(proof_put_title(&title, first->entry, first->side));
	TRY(json_put_text(object, "title", buf_view(&title)));
	TRY(put_amount(object, "first", first));
	TRY(json_put_time(object, "first_at", first->at_ms));
	TRY(put_amount(object, "last", last));
	TRY(json_put_time(object, "last_at", last->at_ms));
	if (last != first) TRY(buf_append_str(&sentence, change_words(series->whole.state)));
	return json_put_text(object, "sentence", buf_view(&sentence));
}

/* A special test has a result and no number: the newest of each counts. */
static enum err put_result(const struct proof_row *row, json_t *list)
{
	static const char *const words[] = {
		[ROOMKEEP__TEST_RESULT__POSITIVE] = "positive",
		[ROOMKEEP__TEST_RESULT__NEGATIVE] = "negative",
		[ROOMKEEP__TEST_RESULT__EQUIVOCAL] = "equivocal",
		[ROOMKEEP__TEST_RESULT__UNABLE] = "could not be tested",
	};
	CLEANUP(buf_finip) struct buf title = { 0 };
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(proof_put_title(&title, row->entry, row->side));
	TRY(json_put_text(object, "title", buf_view(&title)));
	TRY(json_put(object, "first", json_null()));
	TRY(json_put(object, "first_at", json_null()));
	const char *word = (size_t)row->result < COUNT_OF(words) ? words[row->result] : NULL;
	TRY(json_put(object, "last", json_string(word == NULL ? "" : word)));
	TRY(json_put_time(object, "last_at", row->at_ms));
	return json_put(object, "sentence", json_string(""));
}

static bool is_never_told(const struct proof_row *row)
{
	const struct catalogue_scale *scale = catalogue_scale_find(view_str(row->entry->ref));

	return scale != NULL && !scale->is_proof;
}

/* The sessions that stay here go before anything is looked at. */
static void drop_withheld(const struct outgoing *o, struct proof_visits *visits)
{
	for (size_t i = 0; i < visits->count; i++)
		if (outgoing_keeps_session(o, &visits->visits[i].session_id))
			visits->visits[i].row_count = 0;
}

static enum err read_measures(struct verb *v, const struct outgoing *o, const struct id *patient_id,
			      json_t *facts)
{
	CLEANUP(proof_visits_finip) struct proof_visits visits = { 0 };
	CLEANUP(proof_history_finip) struct proof_history history = { 0 };
	json_t *list = json_array();

	TRY(json_put(facts, "measures", list));
	TRY(proof_visits_load(v, patient_id, &visits));
	drop_withheld(o, &visits);
	TRY(proof_history_make(visits.visits, visits.count, &history));
	for (size_t i = 0; i < history.series_count; i++) {
		const struct proof_series *series = &history.series[i];
		if (is_never_told(series->first)) continue;
		if (series->begin != NULL) {
			TRY(put_series(series, list));
			continue;
		}
		const struct proof_point *last = &series->points[series->point_count - 1];
		const struct proof_row *row = last->set.post != NULL ? last->set.post
								     : proof_set_row(&last->set);
		if (row->result != ROOMKEEP__TEST_RESULT__RESULT_NONE) TRY(put_result(row, list));
	}
	return ERR_OK;
}

enum err letter_history_read(struct verb *v, struct outgoing *o, const struct id *patient_id,
			     const char *ask, json_t *facts)
{
	TRY(json_put(facts, "ask", json_string(ask == NULL ? "" : ask)));
	TRY(outgoing_text(o, "referral", NULL, facts, "ask"));
	TRY(read_kind(v, o, KIND_EPISODE, patient_id, facts, "complaints"));
	TRY(read_kind(v, o, KIND_ALERT, patient_id, facts, "alerts"));
	TRY(read_kind(v, o, KIND_HEALTH_ANSWER, patient_id, facts, "health"));
	for (size_t i = 0; i < o->from.item_count; i++) {
		char id[ID_TEXT_BYTES];
		id_print(&o->from.items[i], id);
		TRY(outgoing_withhold(o, "item", id, NULL, 1, OUTGOING_PATIENT_REQUEST));
	}
	if (o->from.sessions)
		TRY(outgoing_withhold(o, "session", NULL, NULL, 0, OUTGOING_PATIENT_REQUEST));
	return read_measures(v, o, patient_id, facts);
}

/* ---- on paper ------------------------------------------------------------------------------ */

static enum err add_labelled(struct document *d, const char *key, const char *text)
{
	CLEANUP(buf_finip) struct buf label = { 0 };
	const char *words = NULL;

	if (text == NULL || text[0] == '\0') return ERR_OK;
	TRY(page_put_label(&label, key));
	TRY(buf_cstr(&label, &words));
	return document_add_field(d, words, text);
}

static enum err draw_complaints(const json_t *facts, struct document *d)
{
	static const char *const keys[] = { "complaint", "onset",   "mechanism", "aggravating",
					    "easing",    "pattern", "goals",     "demands" };
	const json_t *list = json_object_get(facts, "complaints");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		for (size_t k = 0; k < COUNT_OF(keys); k++)
			TRY(add_labelled(d, keys[k], json_text_of(one, keys[k])));
	}
	return ERR_OK;
}

static enum err draw_health(const json_t *facts, struct document *d)
{
	const json_t *health = json_object_get(facts, "health");
	const json_t *alerts = json_object_get(facts, "alerts");

	for (size_t i = 0; i < json_array_size(alerts); i++) {
		const json_t *one = json_array_get(alerts, i);
		TRY(add_labelled(d, json_text_of(one, "kind"), json_text_of(one, "text")));
	}
	for (size_t i = 0; i < json_array_size(health); i++) {
		CLEANUP(buf_finip) struct buf text = { 0 };
		const json_t *one = json_array_get(health, i);
		const char *detail = json_text_of(one, "detail");
		const char *words = NULL;
		TRY(page_put_word(&text, json_text_of(one, "answer")));
		if (detail != NULL) TRY(buf_append_fmt(&text, ": %s", detail));
		TRY(buf_append_str(&text, " (asked "));
		TRY(page_put_date_text(&text, json_text_of(one, "asked_on"), true));
		TRY(buf_append_str(&text, ")"));
		TRY(buf_cstr(&text, &words));
		TRY(add_labelled(d, json_text_of(one, "question"), words));
		buf_wipe(&text);
	}
	return ERR_OK;
}

static enum err put_with_day(struct buf *out, const json_t *one, const char *value, const char *at)
{
	const char *text = json_text_of(one, value);

	if (text == NULL) return ERR_OK;
	TRY(buf_append_fmt(out, "%s\n", text));
	return page_put_date_text(out, json_text_of(one, at), false);
}

static enum err draw_measure(const json_t *one, struct document *d)
{
	static const unsigned widths[] = { 34, 33, 33 };
	CLEANUP(buf_finip) struct buf first = { 0 };
	CLEANUP(buf_finip) struct buf last = { 0 };
	const char *cells[COUNT_OF(widths)] = { json_text_of(one, "title"), NULL, NULL };
	const char *first_at = json_text_of(one, "first_at");
	const char *last_at = json_text_of(one, "last_at");

	TRY(put_with_day(&first, one, "first", "first_at"));
	/* Measured once: it stands in one place. */
	if (first_at == NULL || strcmp(first_at, last_at) != 0)
		TRY(put_with_day(&last, one, "last", "last_at"));
	TRY(buf_cstr(&first, &cells[1]));
	TRY(buf_cstr(&last, &cells[2]));
	return document_add_row(d, false, cells, widths, COUNT_OF(cells));
}

static enum err draw_measures(const json_t *facts, struct document *d)
{
	static const unsigned widths[] = { 34, 33, 33 };
	static const char *const titles[] = { "Measure", "First", "Newest" };
	const json_t *list = json_object_get(facts, "measures");

	if (json_array_size(list) == 0) return ERR_OK;
	TRY(document_add(d, DOCUMENT_SECTION, "What we measured"));
	TRY(document_add_row(d, true, titles, widths, COUNT_OF(titles)));
	for (size_t i = 0; i < json_array_size(list); i++)
		TRY(draw_measure(json_array_get(list, i), d));
	TRY(document_add_gap(d));
	for (size_t i = 0; i < json_array_size(list); i++) {
		CLEANUP(buf_finip) struct buf text = { 0 };
		const json_t *one = json_array_get(list, i);
		const char *sentence = json_text_of(one, "sentence");
		const char *words = NULL;
		if (sentence == NULL || sentence[0] == '\0') continue;
		TRY(buf_append_fmt(&text, "%s: %s", json_text_of(one, "title"), sentence));
		TRY(buf_cstr(&text, &words));
		TRY(document_add(d, DOCUMENT_LINE, words));
	}
	return ERR_OK;
}

enum err letter_history_draw(const json_t *facts, struct document *d)
{
	const bool has_history = json_array_size(json_object_get(facts, "complaints")) > 0 ||
				 json_array_size(json_object_get(facts, "alerts")) > 0 ||
				 json_array_size(json_object_get(facts, "health")) > 0;

	if (has_history) {
		TRY(document_add(d, DOCUMENT_SECTION, "History"));
		TRY(draw_complaints(facts, d));
		TRY(draw_health(facts, d));
	}
	return draw_measures(facts, d);
}
