/* Assessments over time, and what to test: answers made from records, nothing is written but that
 * the chart was opened. */
#include "client/api/chart_guard.h"
#include "client/api/proof_load.h"
#include "client/api/session_calls.h"
#include "client/api/show.h"
#include "client/api/show_proof.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "record/measure.h"
#include "record/proof_words.h"
#include "record/suggest.h"

#include <string.h>

static json_t *text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *append_object(json_t *list)
{
	json_t *object = json_object();

	return json_array_append_new(list, object) == 0 ? object : NULL;
}

/* ---- progress ------------------------------------------------------------------------------ */

static enum err put_row(struct verb *v, json_t *object, const char *key,
			const struct proof_row *row)
{
	if (row == NULL) return json_put(object, key, json_null());
	json_t *to = json_object();
	TRY(json_put(object, key, to));
	TRY(json_put_id(to, "measure_id", &row->measure_id));
	TRY(json_put(to, "value", row->has_value ? json_milli(row->value_milli) : json_null()));
	TRY(json_put(to, "result", text_or_null(show_result_name(row->result))));
	TRY(json_put(to, "skipped_reason",
		     text_or_null(measure_word(MEASURE_SKIPPED, (int)row->skipped_reason))));
	TRY(json_put(to, "pain_at_end",
		     row->has_pain ? json_integer((json_int_t)row->pain_at_end) : json_null()));
	TRY(json_put_time(to, "at", row->at_ms));
	return verb_put_login(v, to, "rater", &row->rater_id);
}

static enum err put_point(struct verb *v, json_t *list, const struct proof_visits *visits,
			  const struct proof_point *p)
{
	const struct proof_visit *visit = &visits->visits[p->visit];
	json_t *object = append_object(list);

	ENSURE(object != NULL, ERR_NOMEM);
	TRY(json_put_id(object, "session_id", &visit->session_id));
	TRY(json_put_time(object, "started_at", visit->started_ms));
	TRY(put_row(v, object, "pre", p->set.pre));
	TRY(put_row(v, object, "mid", p->set.mid));
	TRY(put_row(v, object, "post", p->set.post));
	TRY(show_delta(object, "mid_change", p->set.pre, p->set.mid, &p->set.mid_delta));
	TRY(show_delta(object, "change", p->set.pre, p->set.post, &p->set.delta));
	return json_put(object, "kept_percent",
			p->has_kept ? json_integer(p->kept_percent) : json_null());
}

static json_t *normal_or_null(int32_t milli)
{
	return milli == CATALOGUE_NO_NORMAL ? json_null() : json_milli(milli);
}

/* Normal values of a range of motion; null for anything else. */
static enum err put_normal(json_t *object, const struct catalogue_entry *e)
{
	const struct catalogue_rom *rom = catalogue_rom_find(view_str(e->ref));

	if (rom == NULL) return json_put(object, "normal", json_null());
	json_t *normal = json_object();
	TRY(json_put(object, "normal", normal));
	TRY(json_put(normal, "aaos", normal_or_null(rom->aaos_milli)));
	TRY(json_put(normal, "ama", normal_or_null(rom->ama_milli)));
	TRY(json_put(normal, "typical", text_or_null(rom->typical)));
	TRY(json_put(normal, "position", text_or_null(rom->position)));
	TRY(json_put(normal, "source", text_or_null(rom->source)));
	return json_put(normal, "verified", json_boolean(rom->verified));
}

static enum err put_series_head(json_t *object, const struct proof_series *s)
{
	const struct proof_row *first = s->first;
	CLEANUP(buf_finip) struct buf how = { 0 };

	TRY(show_what(object, first));
	TRY(json_put(object, "mode", text_or_null(measure_word(MEASURE_MODE, (int)first->mode))));
	TRY(json_put(object, "position",
		     text_or_null(measure_word(MEASURE_POSITION, (int)first->position))));
	TRY(json_put(object, "method",
		     text_or_null(measure_word(MEASURE_METHOD, (int)first->method))));
	TRY(proof_put_how(&how, first));
	TRY(json_put_text(object, "how", buf_view(&how)));
	TRY(json_put(object, "unit", text_or_null(first->entry->unit)));
	TRY(json_put(object, "higher_is_better", json_boolean(first->entry->higher_is_better)));
	return put_normal(object, first->entry);
}

static enum err put_series(struct verb *v, json_t *list, const struct proof_visits *visits,
			   const struct proof_series *s)
{
	json_t *object = append_object(list);

	ENSURE(object != NULL, ERR_NOMEM);
	TRY(put_series_head(object, s));
	json_t *points = json_array();
	TRY(json_put(object, "visits", points));
	for (size_t i = 0; i < s->point_count; i++)
		TRY(put_point(v, points, visits, &s->points[i]));
	const struct proof_row *end = s->begin != s->end ? s->end : NULL;
	return show_delta(object, "whole", s->begin, end, &s->whole);
}

static enum err answer_progress(struct verb *v, const struct id *patient_id, bool partial)
{
	CLEANUP(proof_visits_finip) struct proof_visits visits = { 0 };
	CLEANUP(proof_history_finip) struct proof_history history = { 0 };
	const char *ref = json_text_of(v->request, "ref");
	json_t *list = json_array();

	TRY(json_put(v->answer, "series", list));
	TRY(json_put_id(v->answer, "patient_id", patient_id));
	TRY(chart_guard_put(v, patient_id, v->answer));
	TRY(json_put(v->answer, "partial", json_boolean(partial)));
	TRY(proof_visits_load(v, patient_id, &visits));
	TRY(proof_history_make(visits.visits, visits.count, &history));
	TRY(json_put(v->answer, "visits", json_integer((json_int_t)visits.count)));
	/* To be shown beside what was kept. */
	json_t *published = json_pack("{s:i, s:i, s:s, s:s}", "low", PROOF_KEPT_LOW, "high",
				      PROOF_KEPT_HIGH, "of", "neck movements", "source",
				      "Tuttle 2005");
	TRY(json_put(v->answer, "kept_published", published));
	for (size_t i = 0; i < history.series_count; i++) {
		const struct proof_series *s = &history.series[i];
		if (ref != NULL && strcmp(ref, s->first->entry->ref) != 0) continue;
		TRY(put_series(v, list, &visits, s));
	}
	TRY(local_opened(verb_local(v), verb_vault(v), patient_id, NULL, v->now_ms));
	v->effects.outbox = true;
	return ERR_OK;
}

enum err verb_show_progress(struct verb *v)
{
	struct id patient_id;
	bool partial = false;

	TRY(session_need_patient(v, &patient_id));
	TRY(session_may_read(v));
	TRY(verb_fetch_patient(v, &patient_id, &partial));
	return v->ask.len > 0 ? ERR_OK : answer_progress(v, &patient_id, partial);
}

/* ---- what to test -------------------------------------------------------------------------- */

static const char *kind_name_of(const struct catalogue_entry *e)
{
	switch (e->kind) {
	case CATALOGUE_ROM: return "range";
	case CATALOGUE_TEST: return "test";
	case CATALOGUE_SCALE: return "scale";
	case CATALOGUE_MMT: break;
	}
	return "strength";
}

static enum err put_normal_words(struct buf *out, const struct catalogue_entry *e)
{
	const struct catalogue_rom *rom = catalogue_rom_find(view_str(e->ref));
	const int32_t lists[] = { rom->aaos_milli, rom->ama_milli };
	const char *before = "normal ";

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		if (lists[i] == CATALOGUE_NO_NORMAL || (i > 0 && lists[i] == lists[0])) continue;
		TRY(buf_append_str(out, before));
		TRY(proof_put_amount(out, lists[i], e->unit));
		before = " or ";
	}
	if (rom->typical[0] != '\0') {
		TRY(buf_append_fmt(out, "%s%s", out->len > 0 ? "; " : "normal ", rom->typical));
	}
	return buf_append_fmt(out, "%s%s", out->len > 0 ? "; " : "", rom->position);
}

/* What a result means, in one line; what nobody has looked up says so. */
static enum err put_meaning(json_t *object, const struct catalogue_entry *e)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	if (e->kind == CATALOGUE_ROM) {
		TRY(put_normal_words(&text, e));
	} else if (e->kind == CATALOGUE_TEST) {
		TRY(buf_append_fmt(&text, "positive when %s", e->hint));
	} else {
		TRY(proof_put_number(&text, e->min_milli));
		TRY(buf_append_str(&text, " to "));
		TRY(proof_put_amount(&text, e->max_milli, e->unit));
	}
	if (!e->verified) TRY(buf_append_str(&text, " (unverified)"));
	return json_put_text(object, "text", buf_view(&text));
}

static enum err put_test(json_t *list, const struct catalogue_entry *e,
			 const struct suggest_test *suggested)
{
	const bool is_test = e->kind == CATALOGUE_TEST;
	json_t *object = append_object(list);

	ENSURE(object != NULL, ERR_NOMEM);
	TRY(json_put(object, "ref", json_string(e->ref)));
	TRY(json_put(object, "name", json_string(e->name)));
	TRY(json_put(object, "kind", json_string(kind_name_of(e))));
	TRY(json_put(object, "group", json_string(e->group)));
	TRY(json_put(object, "unit", text_or_null(e->unit)));
	TRY(json_put(object, "about", text_or_null(e->about)));
	TRY(json_put(object, "positive_when", text_or_null(is_test ? e->hint : NULL)));
	TRY(json_put(object, "alert", text_or_null(e->alert)));
	TRY(json_put(object, "verified", json_boolean(e->verified)));
	TRY(json_put(object, "side_required", json_boolean(e->side_required)));
	TRY(json_put(object, "suggested", json_boolean(suggested != NULL)));
	TRY(json_put(object, "from_last", json_boolean(suggested != NULL && suggested->from_last)));
	TRY(json_put(object, "side",
		     text_or_null(suggested != NULL ? show_side_name(suggested->side) : NULL)));
	TRY(put_normal(object, e));
	return put_meaning(object, e);
}

static enum err put_scale_numbers(json_t *object)
{
	size_t count = 0;
	const struct catalogue_scale *scales = catalogue_scales(&count);
	json_t *list = json_array();

	TRY(json_put(object, "scales", list));
	for (size_t i = 0; i < count; i++) {
		const struct catalogue_scale *s = &scales[i];
		json_t *to = append_object(list);
		ENSURE(to != NULL, ERR_NOMEM);
		TRY(json_put(to, "ref", json_string(s->ref)));
		TRY(json_put(to, "higher_is_better", json_boolean(s->higher_is_better)));
		TRY(json_put(to, "mcid",
			     s->mcid_milli > 0 ? json_milli(s->mcid_milli) : json_null()));
		TRY(json_put(to, "mdc", s->mdc_milli > 0 ? json_milli(s->mdc_milli) : json_null()));
		TRY(json_put(to, "is_proof", json_boolean(s->is_proof)));
		TRY(json_put(to, "source", text_or_null(s->source)));
		TRY(json_put(to, "verified", json_boolean(s->verified)));
	}
	return ERR_OK;
}

static enum err put_flags(json_t *object)
{
	size_t count = 0;
	const struct catalogue_flag *flags = catalogue_flags(&count);
	json_t *list = json_array();

	TRY(json_put(object, "red_flags", list));
	for (size_t i = 0; i < count; i++) {
		json_t *to = append_object(list);
		ENSURE(to != NULL, ERR_NOMEM);
		TRY(json_put(to, "id", json_string(flags[i].id)));
		TRY(json_put(to, "group", json_string(flags[i].group)));
		TRY(json_put(to, "flag", json_string(flags[i].flag)));
		TRY(json_put(to, "action", json_string(flags[i].action)));
		TRY(json_put(to, "verified", json_boolean(flags[i].verified)));
	}
	return ERR_OK;
}

struct question {
	const char *region;    /* static; NULL: not said */
	const char *complaint; /* static; NULL: not said, or nothing we know */
	struct suggest_test tests[SUGGEST_TESTS];
	size_t count;
};

static bool is_suggested(const struct question *q, const struct catalogue_entry *e)
{
	for (size_t i = 0; i < q->count; i++) {
		if (q->tests[i].entry == e) return true;
	}
	return false;
}

static enum err answer_tests(struct verb *v, const struct question *q, bool partial)
{
	json_t *list = json_array();
	size_t count = 0;
	const struct catalogue_entry *all = catalogue_table(&count);

	TRY(json_put(v->answer, "tests", list));
	TRY(json_put(v->answer, "catalogue", json_integer(CATALOGUE_VERSION)));
	TRY(json_put(v->answer, "region", text_or_null(q->region)));
	TRY(json_put(v->answer, "complaint", text_or_null(q->complaint)));
	TRY(json_put(v->answer, "partial", json_boolean(partial)));
	for (size_t i = 0; i < q->count; i++) TRY(put_test(list, q->tests[i].entry, &q->tests[i]));
	for (size_t i = 0; i < count; i++) {
		if (is_suggested(q, &all[i])) continue;
		if (q->region != NULL && !suggest_is_of_region(&all[i], q->region)) continue;
		TRY(put_test(list, &all[i], NULL));
	}
	TRY(put_scale_numbers(v->answer));
	return put_flags(v->answer);
}

static enum err read_question(struct verb *v, struct question *q)
{
	const struct view region = view_str(verb_text(v, "region"));
	const struct view complaint = view_str(verb_text(v, "complaint"));

	q->complaint = suggest_complaint(complaint);
	/* "headache" and "sciatica" say where without saying so. */
	q->region = suggest_region(region.len > 0 ? region : complaint);
	if (q->region != NULL || region.len == 0) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "region: %s", suggest_regions());
}

static enum err suggest_for_patient(struct verb *v, struct question *q, bool partial)
{
	CLEANUP(proof_visits_finip) struct proof_visits visits = { 0 };
	struct id patient_id;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(proof_visits_load_last(v, &patient_id, &visits));
	const struct proof_visit *last = visits.count > 0 ? &visits.visits[0] : NULL;
	q->count = suggest_tests(q->region, q->complaint, last != NULL ? last->rows : NULL,
				 last != NULL ? last->row_count : 0, q->tests);
	TRY(local_opened(verb_local(v), verb_vault(v), &patient_id, NULL, v->now_ms));
	v->effects.outbox = true;
	return answer_tests(v, q, partial);
}

enum err verb_list_tests(struct verb *v)
{
	struct question q = { 0 };
	struct id patient_id;
	bool partial = false;

	TRY(read_question(v, &q));
	if (!verb_has(v, "patient_id")) {
		q.count = suggest_tests(q.region, q.complaint, NULL, 0, q.tests);
		return answer_tests(v, &q, false);
	}
	TRY(session_need_patient(v, &patient_id));
	TRY(session_may_read(v));
	TRY(verb_fetch_patient(v, &patient_id, &partial));
	return v->ask.len > 0 ? ERR_OK : suggest_for_patient(v, &q, partial);
}
