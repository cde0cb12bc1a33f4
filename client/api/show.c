#include "client/api/show.h"

#include "base/check.h"
#include "client/api/chart_guard.h"
#include "client/api/cosign.h"
#include "client/api/misfiled.h"
#include "client/api/record_more.h"
#include "client/api/session_chart.h"
#include "client/api/show_proof.h"
#include "client/api/verbs.h"
#include "record/catalogue.h"
#include "record/measure.h"

#include <string.h>

static const struct {
	Roomkeep__Phase phase;
	const char *name;
} phases[] = {
	{ ROOMKEEP__PHASE__PRE, "pre" },
	{ ROOMKEEP__PHASE__MID, "mid" },
	{ ROOMKEEP__PHASE__POST, "post" },
};

static const struct {
	Roomkeep__Side side;
	const char *name;
} sides[] = {
	{ ROOMKEEP__SIDE__LEFT, "L" },
	{ ROOMKEEP__SIDE__RIGHT, "R" },
	{ ROOMKEEP__SIDE__MIDLINE, "mid" },
	{ ROOMKEEP__SIDE__BOTH, "both" },
};

static const struct {
	Roomkeep__TestResult result;
	const char *name;
} results[] = {
	{ ROOMKEEP__TEST_RESULT__POSITIVE, "pos" },
	{ ROOMKEEP__TEST_RESULT__NEGATIVE, "neg" },
	{ ROOMKEEP__TEST_RESULT__EQUIVOCAL, "equivocal" },
	{ ROOMKEEP__TEST_RESULT__UNABLE, "unable" },
};

const char *show_phase_name(Roomkeep__Phase phase)
{
	for (size_t i = 0; i < COUNT_OF(phases); i++) {
		if (phases[i].phase == phase) return phases[i].name;
	}
	return NULL;
}

const char *show_side_name(Roomkeep__Side side)
{
	for (size_t i = 0; i < COUNT_OF(sides); i++) {
		if (sides[i].side == side) return sides[i].name;
	}
	return NULL;
}

const char *show_result_name(Roomkeep__TestResult result)
{
	for (size_t i = 0; i < COUNT_OF(results); i++) {
		if (results[i].result == result) return results[i].name;
	}
	return NULL;
}

Roomkeep__Phase show_phase_parse(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(phases); i++) {
		if (strcmp(phases[i].name, name) == 0) return phases[i].phase;
	}
	return ROOMKEEP__PHASE__PHASE_UNKNOWN;
}

Roomkeep__Side show_side_parse(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(sides); i++) {
		if (strcmp(sides[i].name, name) == 0) return sides[i].side;
	}
	return ROOMKEEP__SIDE__SIDE_UNKNOWN;
}

Roomkeep__TestResult show_result_parse(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(results); i++) {
		if (strcmp(results[i].name, name) == 0) return results[i].result;
	}
	return ROOMKEEP__TEST_RESULT__RESULT_NONE;
}

static json_t *name_or_null(const char *name)
{
	return name != NULL ? json_string(name) : json_null();
}

static enum err put_word(json_t *object, const char *key, enum measure_list list, int value)
{
	return json_put(object, key, name_or_null(measure_word(list, value)));
}

static enum err put_how(struct verb *v, const struct fold_measure *m, json_t *object)
{
	const struct catalogue_entry *entry = catalogue_find(m->ref);

	TRY(json_put(object, "name", name_or_null(entry != NULL ? entry->name : NULL)));
	TRY(put_word(object, "skipped_reason", MEASURE_SKIPPED, (int)m->skipped_reason));
	TRY(put_word(object, "mode", MEASURE_MODE, (int)m->mode));
	TRY(put_word(object, "position", MEASURE_POSITION, (int)m->position));
	TRY(put_word(object, "method", MEASURE_METHOD, (int)m->method));
	TRY(put_word(object, "end_feel", MEASURE_END_FEEL, (int)m->end_feel));
	TRY(json_put(object, "pain_at_end",
		     m->has_pain ? json_integer((json_int_t)m->pain_at_end) : json_null()));
	if (m->limited_by.len > 0) {
		TRY(json_put_text(object, "limited_by", m->limited_by));
	} else {
		TRY(json_put(object, "limited_by", json_null()));
	}
	TRY(json_put_id(object, "pair_id", m->has_pair ? &m->pair_id : NULL));
	return verb_put_login(v, object, "rater", m->has_rater ? &m->rater_id : &m->meta.author_id);
}

enum err show_measure(struct verb *v, const struct fold_measure *m, json_t *object)
{
	TRY(json_put_id(object, "measure_id", &m->measure_id));
	TRY(json_put_text(object, "ref", m->ref));
	TRY(json_put(object, "side",
		     m->has_side ? name_or_null(show_side_name(m->side)) : json_null()));
	TRY(json_put(object, "phase", name_or_null(show_phase_name(m->phase))));
	TRY(json_put(object, "value", m->has_value ? json_milli(m->value_milli) : json_null()));
	if (m->has_value) {
		TRY(json_put_text(object, "unit", m->unit));
	} else {
		TRY(json_put(object, "unit", json_null()));
	}
	TRY(json_put(object, "result", name_or_null(show_result_name(m->result))));
	TRY(put_how(v, m, object));
	TRY(json_put_time(object, "at", m->at_ms));
	return verb_put_login(v, object, "by", &m->meta.author_id);
}

enum err show_meta(struct verb *v, json_t *object, const struct fold_meta *meta)
{
	TRY(verb_put_login(v, object, "by", &meta->author_id));
	TRY(verb_put_room(v, object, "room", &meta->room_id));
	TRY(json_put_time(object, "at", meta->client_time_ms));
	return json_put_id(object, "op_id", &meta->op_id);
}

static enum err put_text_value(struct verb *v, json_t *list, const struct fold_text *t)
{
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	if (t->erased) {
		TRY(json_put(object, "text", json_null()));
	} else {
		TRY(json_put_text(object, "text", t->text));
	}
	return show_meta(v, object, &t->meta);
}

static enum err put_conflict(struct verb *v, json_t *conflicts, const struct fold_field *field)
{
	json_t *object = json_object();
	json_t *values = json_array();

	ENSURE(json_array_append_new(conflicts, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "field", json_string(fold_field_name(field->field))));
	TRY(json_put(object, "values", values));
	for (size_t i = 0; i < field->head_count; i++) {
		TRY(put_text_value(v, values, field->heads[i]));
	}
	return ERR_OK;
}

static enum err put_texts(struct verb *v, const struct session_state *s)
{
	json_t *conflicts = json_array();

	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		const struct fold_field *field = &s->text[i];
		const char *name = fold_field_name((Roomkeep__TextField)(i + 1));
		if (field->value != NULL && !field->value->erased) {
			TRY(json_put_text(v->answer, name, field->value->text));
		} else {
			TRY(json_put(v->answer, name, json_null()));
		}
	}
	TRY(json_put(v->answer, "conflicts", conflicts));
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		if (s->text[i].head_count > 1) TRY(put_conflict(v, conflicts, &s->text[i]));
	}
	return ERR_OK;
}

static enum err put_late_frame(struct verb *v, json_t *object, const struct fold_frame *f)
{
	if (f->has_room) TRY(verb_put_room(v, object, "new_room", &f->room_id));
	if (f->has_started) TRY(json_put_time(object, "started_at", f->started_ms));
	if (f->has_ended) TRY(json_put_time(object, "ended_at", f->ended_ms));
	return ERR_OK;
}

static enum err put_late(struct verb *v, json_t *list, const struct fold_late *late)
{
	json_t *object = json_object();
	const char *kind = late->text != NULL      ? "session_text"
			   : late->measure != NULL ? "measure"
						   : "session_frame";

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "kind", json_string(kind)));
	if (late->text != NULL) {
		TRY(json_put(object, "field", json_string(fold_field_name(late->text->field))));
		TRY(json_put_text(object, "text", late->text->text));
	} else {
		TRY(json_put(object, "field", json_null()));
		TRY(json_put(object, "text", json_null()));
	}
	if (late->measure != NULL) TRY(show_measure(v, late->measure, object));
	if (late->frame != NULL) TRY(put_late_frame(v, object, late->frame));
	return show_meta(v, object, late->meta);
}

static enum err put_lists(struct verb *v, const struct session_state *s)
{
	json_t *measures = json_array();
	json_t *addenda = json_array();
	json_t *late = json_array();

	TRY(json_put(v->answer, "measures", measures));
	TRY(json_put(v->answer, "late_changes", late));
	TRY(json_put(v->answer, "addenda", addenda));
	for (size_t i = 0; i < s->measure_count; i++) {
		json_t *object = json_object();
		ENSURE(json_array_append_new(measures, object) == 0, ERR_NOMEM);
		TRY(show_measure(v, s->measures[i], object));
	}
	for (size_t i = 0; i < s->late_count; i++) TRY(put_late(v, late, &s->late[i]));
	for (size_t i = 0; i < s->addendum_count; i++) {
		json_t *object = json_object();
		ENSURE(json_array_append_new(addenda, object) == 0, ERR_NOMEM);
		TRY(json_put_id(object, "addendum_id", &s->addenda[i]->addendum_id));
		TRY(json_put_text(object, "text", s->addenda[i]->text));
		TRY(show_meta(v, object, &s->addenda[i]->meta));
	}
	return ERR_OK;
}

static const char *sign_check_name(const struct fold_sign *sign)
{
	switch (sign->check) {
	case FOLD_SIGN_HOLDS: return "holds";
	case FOLD_SIGN_INCOMPLETE: return "incomplete";
	case FOLD_SIGN_DIFFERS: break;
	}
	return "differs";
}

/* Who, when, where: what stands of any session. */
static enum err put_frame(struct verb *v, const struct session_state *s, bool is_misfiled)
{
	TRY(json_put_id(v->answer, "session_id", &s->session_id));
	TRY(json_put_id(v->answer, "patient_id", &s->patient_id));
	TRY(verb_put_login(v, v->answer, "author", &s->therapist_id));
	TRY(verb_put_login(v, v->answer, "supervisor", &s->supervisor_id));
	TRY(json_put_id(v->answer, "author_id", &s->therapist_id));
	if (is_misfiled) {
		TRY(json_put(v->answer, "state", json_string("entered_in_error")));
	} else {
		TRY(cosign_put_state(v, v->answer, s->withheld, s->sign != NULL, &s->supervisor_id,
				     &s->patient_id, &s->session_id));
	}
	TRY(verb_put_room(v, v->answer, "room", &s->room_id));
	TRY(json_put_time(v->answer, "started_at", s->started_ms));
	TRY(json_put_time(v->answer, "ended_at", s->ended_ms));
	TRY(json_put(v->answer, "imported", json_boolean(s->imported)));
	return json_put_time(v->answer, "signed_at",
			     s->sign != NULL ? s->sign->meta.client_time_ms : 0);
}

static enum err put_session(struct verb *v, const struct session_state *s)
{
	TRY(put_texts(v, s));
	TRY(put_lists(v, s));
	TRY(show_session_proof(v, s));
	TRY(session_chart_show(v, s));
	return json_put(v->answer, "signature",
			s->sign != NULL ? json_string(sign_check_name(s->sign)) : json_null());
}

/* It is counted, and says nothing (3g). */
static enum err put_nothing(struct verb *v, const struct session_state *s)
{
	const struct session_state empty = { .session_id = s->session_id };

	TRY(put_texts(v, &empty));
	TRY(put_lists(v, &empty));
	TRY(show_session_proof(v, &empty));
	TRY(session_chart_show_nothing(v));
	return json_put(v->answer, "signature", json_null());
}

enum err show_session_put(struct verb *v, const struct session_state *s)
{
	bool is_misfiled = false;
	bool is_hidden = false;

	TRY(misfiled_look(v, &s->session_id, &is_misfiled, &is_hidden));
	TRY(put_frame(v, s, is_misfiled));
	TRY(is_hidden ? put_nothing(v, s) : put_session(v, s));
	return misfiled_put(v, &s->session_id, is_hidden);
}

static enum err show(struct verb *v)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state state;
	struct id session_id;

	TRY(verb_need_id(v, "session_id", &session_id));
	struct session_fold loaded;
	TRY(local_load_session(verb_local(v), verb_vault(v), &session_id, &loaded, &state));
	fold = loaded; /* only now there is something to give back */
	TRY(show_session_put(v, &state));
	TRY(record_put_statements(v, &state.patient_id, &session_id, v->answer));
	TRY(chart_guard_put(v, &state.patient_id, v->answer));
	/* The chart was shown: the audit trail hears of it (SECURITY 2.15). */
	TRY(local_opened(verb_local(v), verb_vault(v), &state.patient_id, &session_id, v->now_ms));
	v->effects.outbox = true;
	return ERR_OK;
}

/* A room or a person that came after the last sign-in is shown by its id; then the server is
 * asked for names, once, and it is shown again. */
enum err verb_show_named(struct verb *v, enum err (*show_it)(struct verb *v))
{
	if (v->learning) TRY(verb_learn_more(v));
	if (v->ask.len > 0) return ERR_OK;
	v->name_missing = false;
	TRY(show_it(v));
	if (!v->name_missing || v->learning || v->link.link != SYNC_LINK_ONLINE) return ERR_OK;
	v->learning = true;
	return verb_learn_begin(v);
}

enum err verb_show_session(struct verb *v)
{
	return verb_show_named(v, show);
}
