#include "client/api/show_proof.h"

#include "base/check.h"
#include "client/api/proof_load.h"
#include "client/api/referral_offer.h"
#include "client/api/retest.h"
#include "client/api/show.h"
#include "record/proof_words.h"

#include <stdlib.h>

static json_t *text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

enum err show_what(json_t *object, const struct proof_row *row)
{
	CLEANUP(buf_finip) struct buf title = { 0 };

	TRY(json_put(object, "ref", json_string(row->entry->ref)));
	TRY(proof_put_title(&title, row->entry, row->side));
	TRY(json_put_text(object, "title", buf_view(&title)));
	return json_put(object, "side", text_or_null(show_side_name(row->side)));
}

static enum err put_numbers(json_t *object, const struct proof_row *after,
			    const struct proof_delta *d)
{
	const bool known = d->state != PROOF_NOT_COMPARABLE;

	TRY(json_put(object, "delta", known ? json_milli(d->delta_milli) : json_null()));
	TRY(json_put(object, "unit", text_or_null(known ? after->entry->unit : NULL)));
	TRY(json_put(object, "error", known ? json_milli(d->error.milli) : json_null()));
	TRY(json_put(object, "error_source", text_or_null(known ? d->error.source : NULL)));
	TRY(json_put(object, "error_verified",
		     known ? json_boolean(d->error.verified) : json_null()));
	TRY(json_put(object, "same_rater", json_boolean(d->same_rater)));
	TRY(json_put(object, "pain_delta",
		     d->has_pain ? json_integer(d->pain_delta) : json_null()));
	return json_put(object, "pain_state",
			text_or_null(d->has_pain ? proof_state_name(d->pain_state) : NULL));
}

enum err show_delta(json_t *object, const char *key, const struct proof_row *before,
		    const struct proof_row *after, const struct proof_delta *delta)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	if (before == NULL || after == NULL) return json_put(object, key, json_null());
	json_t *change = json_object();
	TRY(json_put(object, key, change));
	TRY(json_put(change, "state", text_or_null(proof_state_name(delta->state))));
	TRY(json_put(change, "why", text_or_null(proof_why_name(delta->why))));
	TRY(put_numbers(change, after, delta));
	TRY(proof_put_sentence(&text, before, after, delta));
	return json_put_text(change, "text", buf_view(&text));
}

/* ---- a session ----------------------------------------------------------------------------- */

static enum err put_row_id(json_t *object, const char *key, const struct proof_row *row)
{
	return json_put_id(object, key, row != NULL ? &row->measure_id : NULL);
}

static enum err put_change(json_t *list, const struct proof_set *set)
{
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(show_what(object, proof_set_row(set)));
	TRY(put_row_id(object, "pre_id", set->pre));
	TRY(put_row_id(object, "mid_id", set->mid));
	TRY(put_row_id(object, "post_id", set->post));
	TRY(show_delta(object, "mid", set->pre, set->mid, &set->mid_delta));
	return show_delta(object, "post", set->pre, set->post, &set->delta);
}

static enum err put_warning(json_t *list, const struct proof_warning *w,
			    const struct proof_counter *counter)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "code", json_string(proof_warning_name(w->code))));
	if (w->row != NULL) TRY(show_what(object, w->row));
	TRY(put_row_id(object, "measure_id", w->row));
	TRY(proof_put_warning(&text, w, counter));
	return json_put_text(object, "text", buf_view(&text));
}

static bool has_plan(const struct session_state *s)
{
	const struct fold_field *plan = &s->text[ROOMKEEP__TEXT_FIELD__PLAN - 1];

	for (size_t i = 0; i < plan->head_count; i++) {
		if (!plan->heads[i]->erased && plan->heads[i]->text.len > 0) return true;
	}
	return false;
}

/* "not_again" holds what the warnings of that name are about. */
static enum err put_warnings(struct verb *v, const struct session_state *s,
			     const struct proof_session *p, json_t *not_again)
{
	const struct proof_counter counter = proof_count(p->sets, p->set_count);
	CLEANUP(freep)
	struct proof_warning *warnings =
		calloc(PROOF_WARNINGS_MAX(p->row_count), sizeof(*warnings));
	json_t *list = json_array();

	TRY(json_put(v->answer, "warnings", list));
	ENSURE(warnings != NULL, ERR_NOMEM);
	const size_t count =
		proof_warnings(p->rows, p->row_count, p->sets, p->set_count, has_plan(s), warnings);
	for (size_t i = 0; i < count; i++) {
		TRY(put_warning(list, &warnings[i], &counter));
		if (warnings[i].code != PROOF_WARN_NOT_AGAIN || not_again == NULL) continue;
		json_t *object = json_object();
		ENSURE(json_array_append_new(not_again, object) == 0, ERR_NOMEM);
		TRY(show_what(object, warnings[i].row));
		TRY(put_row_id(object, "measure_id", warnings[i].row));
	}
	return ERR_OK;
}

enum err show_session_proof(struct verb *v, const struct session_state *s)
{
	CLEANUP(proof_session_finip) struct proof_session p = { 0 };
	json_t *assessments = json_object();
	json_t *changes = json_array();
	json_t *not_again = json_array();

	TRY(json_put(v->answer, "assessments", assessments));
	TRY(json_put(v->answer, "changes", changes));
	TRY(json_put(assessments, "not_again", not_again));
	TRY(proof_session_of(s, &p));
	const struct proof_counter counter = proof_count(p.sets, p.set_count);
	TRY(json_put(assessments, "tested", json_integer(counter.tested)));
	TRY(json_put(assessments, "wanted", json_integer(PROOF_TESTS_WANTED)));
	TRY(json_put(assessments, "again", json_integer(counter.again)));
	for (size_t i = 0; i < p.set_count; i++) TRY(put_change(changes, &p.sets[i]));
	TRY(retest_put(v, s, &p));
	return put_warnings(v, s, &p, not_again);
}

enum err show_sign_warnings(struct verb *v, const struct id *session_id)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	CLEANUP(proof_session_finip) struct proof_session p = { 0 };
	struct session_fold loaded;
	struct session_state s;

	const enum err e =
		local_load_session(verb_local(v), verb_vault(v), session_id, &loaded, &s);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	fold = loaded;
	TRY(proof_session_of(&s, &p));
	return put_warnings(v, &s, &p, NULL);
}

/* ---- one row ------------------------------------------------------------------------------- */

/* A positive test that calls for it opens a referral; one that calls for care may. */
static enum err put_prompts(struct verb *v, const struct session_state *s,
			    const struct proof_row *row)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	json_t *list = json_array();

	TRY(json_put(v->answer, "prompts", list));
	TRY(proof_put_prompt(&text, row));
	if (text.len == 0) return ERR_OK;
	json_t *object = json_object();
	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "alert", json_string(row->entry->alert)));
	TRY(json_put_text(object, "text", buf_view(&text)));
	return referral_offer_put(v, object, &s->patient_id, &s->session_id);
}

static enum err put_change_of(struct verb *v, const struct proof_session *p,
			      const struct proof_row *row)
{
	for (size_t i = 0; i < p->set_count; i++) {
		const struct proof_set *set = &p->sets[i];
		if (set->post == row)
			return show_delta(v->answer, "change", set->pre, row, &set->delta);
		if (set->mid == row)
			return show_delta(v->answer, "change", set->pre, row, &set->mid_delta);
	}
	return json_put(v->answer, "change", json_null());
}

enum err show_measure_proof(struct verb *v, const struct id *session_id,
			    const struct id *measure_id)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	CLEANUP(proof_session_finip) struct proof_session p = { 0 };
	struct session_fold loaded;
	struct session_state s;

	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &loaded, &s));
	fold = loaded;
	TRY(proof_session_of(&s, &p));
	for (size_t i = 0; i < p.row_count; i++) {
		if (!id_equal(&p.rows[i].measure_id, measure_id)) continue;
		TRY(put_change_of(v, &p, &p.rows[i]));
		return put_prompts(v, &s, &p.rows[i]);
	}
	return ERR_OK;
}
