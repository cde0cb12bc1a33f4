/* Adding one assessment row. With `pair_id` everything about how it is taken comes from the pre
 * row, so that a retest is one number. */
#include "client/api/session_calls.h"
#include "client/api/show.h"
#include "client/api/show_proof.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "record/catalogue.h"
#include "record/measure.h"
#include "record/proof_words.h"
#include "wire/op.h"

#include <stdio.h>
#include <string.h>

/* A row under construction and what its pointers point to. */
struct asked {
	Roomkeep__Measure m;
	struct id measure_id, session_id, pair_id, rater_id;
	char ref[CATALOGUE_REF_BYTES_MAX + 1];
	char unit[CATALOGUE_UNIT_BYTES_MAX + 1];
};

/* ---- what the request says ----------------------------------------------------------------- */

static enum err read_value(struct verb *v, Roomkeep__Measure *m)
{
	const json_t *value = json_object_get(v->request, "value");

	if (value == NULL || json_is_null(value)) return ERR_OK;
	if (!json_is_number(value)) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "value is no number");
	}
	if (json_milli_read(value, &m->value_milli) != ERR_OK) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "value: up to three digits behind the point");
	}
	m->has_value_milli = 1;
	return ERR_OK;
}

static enum err read_pain(struct verb *v, Roomkeep__Measure *m)
{
	const json_t *pain = json_object_get(v->request, "pain_at_end");

	if (pain == NULL || json_is_null(pain)) return ERR_OK;
	const json_int_t points = json_integer_value(pain);
	if (!json_is_integer(pain) || points < 0 || points > (json_int_t)MEASURE_PAIN_MAX) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "pain_at_end: 0 to %u",
				 MEASURE_PAIN_MAX);
	}
	m->has_pain_at_end = 1;
	m->pain_at_end = (uint32_t)points;
	return ERR_OK;
}

/* A word of one of measure.h's lists. `*value` stays when it is not said. */
static enum err read_word(struct verb *v, const char *key, enum measure_list list,
			  protobuf_c_boolean *has, int *value)
{
	if (!verb_has(v, key)) return ERR_OK;
	const int said = measure_word_parse(list, verb_text(v, key));
	if (said == 0) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "%s is one of %s", key,
				 measure_words(list));
	}
	*has = 1;
	*value = said;
	return ERR_OK;
}

static enum err read_how(struct verb *v, Roomkeep__Measure *m)
{
	int mode = (int)m->mode;
	int position = (int)m->position;
	int method = (int)m->method;
	int end_feel = 0;
	int skipped = 0;

	TRY(read_word(v, "mode", MEASURE_MODE, &m->has_mode, &mode));
	TRY(read_word(v, "position", MEASURE_POSITION, &m->has_position, &position));
	TRY(read_word(v, "method", MEASURE_METHOD, &m->has_method, &method));
	TRY(read_word(v, "end_feel", MEASURE_END_FEEL, &m->has_end_feel, &end_feel));
	TRY(read_word(v, "skipped_reason", MEASURE_SKIPPED, &m->has_skipped_reason, &skipped));
	m->mode = (Roomkeep__Mode)mode;
	m->position = (Roomkeep__Position)position;
	m->method = (Roomkeep__Method)method;
	m->end_feel = (Roomkeep__EndFeel)end_feel;
	m->skipped_reason = (Roomkeep__SkippedReason)skipped;
	return read_pain(v, m);
}

static enum err read_phase_and_side(struct verb *v, Roomkeep__Measure *m)
{
	m->has_phase = 1;
	/* A row that names its pre row is the retest unless it says that it is the one between. */
	const bool retest = m->has_pair_id && !verb_has(v, "phase");
	m->phase = retest ? ROOMKEEP__PHASE__POST : show_phase_parse(verb_text(v, "phase"));
	if (m->phase == ROOMKEEP__PHASE__PHASE_UNKNOWN) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "phase is pre, mid or post");
	}
	if (!verb_has(v, "side")) return ERR_OK;
	m->has_side = 1;
	m->side = show_side_parse(verb_text(v, "side"));
	if (m->side == ROOMKEEP__SIDE__SIDE_UNKNOWN) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "side is L, R, mid or both");
	}
	return ERR_OK;
}

static enum err read_finding(struct verb *v, Roomkeep__Measure *m)
{
	if (verb_has(v, "result")) {
		m->has_result = 1;
		m->result = show_result_parse(verb_text(v, "result"));
		if (m->result == ROOMKEEP__TEST_RESULT__RESULT_NONE) {
			return fault_set(&v->fault, ERR_USAGE, "usage",
					 "result is pos, neg, equivocal or unable");
		}
	}
	TRY(read_value(v, m));
	if (m->has_value_milli + m->has_result + m->has_skipped_reason != 1) {
		return fault_set(&v->fault, ERR_USAGE, "usage",
				 "give either a value or a result, or skipped and why");
	}
	return ERR_OK;
}

static enum err read_people_and_words(struct verb *v, struct asked *a)
{
	a->m.limited_by = wire_text(json_text_of(v->request, "limited_by"));
	if (!verb_has(v, "rater")) return ERR_OK;
	const enum err e = local_user_by_login(verb_local(v), verb_text(v, "rater"), &a->rater_id);
	if (e == ERR_NOT_FOUND) {
		return fault_set(&v->fault, e, NULL, "rater: no such login known here");
	}
	TRY(e);
	a->m.has_rater_id = 1;
	a->m.rater_id = wire_id_bytes(&a->rater_id);
	return ERR_OK;
}

/* ---- what comes from the pre row ----------------------------------------------------------- */

static const struct fold_measure *find_measure(const struct session_state *s, const struct id *id)
{
	for (size_t i = 0; i < s->measure_count; i++) {
		if (id_equal(&s->measures[i]->measure_id, id)) return s->measures[i];
	}
	return NULL;
}

static void copy_from(struct asked *a, const struct fold_measure *pre)
{
	Roomkeep__Measure *m = &a->m;

	(void)snprintf(a->ref, sizeof(a->ref), "%.*s", (int)pre->ref.len, (const char *)pre->ref.p);
	m->has_side = pre->has_side;
	m->side = pre->side;
	m->has_mode = pre->mode != 0;
	m->mode = pre->mode;
	m->has_position = pre->position != 0;
	m->position = pre->position;
	m->has_method = pre->method != 0;
	m->method = pre->method;
}

static enum err read_pair(struct verb *v, struct asked *a)
{
	struct session_fold fold;
	struct session_state s;

	if (!verb_has(v, "pair_id")) return ERR_OK;
	TRY(verb_need_id(v, "pair_id", &a->pair_id));
	TRY(local_load_session(verb_local(v), verb_vault(v), &a->session_id, &fold, &s));
	const struct fold_measure *pre = find_measure(&s, &a->pair_id);
	if (pre != NULL) copy_from(a, pre);
	session_fold_fini(&fold);
	if (pre == NULL) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "pair_id: the id of a pre row of this session");
	}
	a->m.has_pair_id = 1;
	a->m.pair_id = wire_id_bytes(&a->pair_id);
	return ERR_OK;
}

/* ---- the catalogue ------------------------------------------------------------------------- */

static enum err fail_ref(struct verb *v, const char *ref)
{
	const char *near[CATALOGUE_NEAR_MAX];
	const size_t count = catalogue_suggest(view_str(ref), near);

	err_ignore(fault_set(&v->fault, ERR_NOT_FOUND, NULL, "no such ref in the catalogue"));
	if (count == 0) return fault_hint(&v->fault, "roomkeep list tests");
	return fault_hint(&v->fault, "Did you mean %s?", near[0]);
}

static enum err read_ref(struct verb *v, struct asked *a, const struct catalogue_entry **ret_entry)
{
	const char *ref = a->ref;

	if (!a->m.has_pair_id || verb_has(v, "ref")) TRY(verb_need_text(v, "ref", &ref));
	const struct catalogue_entry *entry = catalogue_find(view_str(ref));
	if (entry == NULL) return fail_ref(v, ref);
	(void)snprintf(a->ref, sizeof(a->ref), "%s", entry->ref);
	(void)snprintf(a->unit, sizeof(a->unit), "%s", entry->unit);
	*ret_entry = entry;
	return ERR_OK;
}

/* "Neck rotation is between -60 and 220 degrees": what the record says without numbers. */
static enum err hint_range(struct verb *v, const struct catalogue_entry *e)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	const char *hint = NULL;

	TRY(proof_put_title(&text, e, ROOMKEEP__SIDE__SIDE_UNKNOWN));
	TRY(buf_append_str(&text, " is between "));
	TRY(proof_put_number(&text, e->min_milli));
	TRY(buf_append_str(&text, " and "));
	TRY(proof_put_amount(&text, e->max_milli, e->unit));
	TRY(buf_cstr(&text, &hint));
	return fault_hint(&v->fault, "%s", hint);
}

static bool is_out_of_range(const Roomkeep__Measure *m, const struct catalogue_entry *e)
{
	return m->has_value_milli && e != NULL && e->takes_value &&
	       (m->value_milli < e->min_milli || m->value_milli > e->max_milli);
}

/* ---- the verb ------------------------------------------------------------------------------ */

static enum err fill(struct verb *v, struct asked *a, const struct catalogue_entry **ret_entry)
{
	TRY(verb_need_id(v, "session_id", &a->session_id));
	TRY(read_pair(v, a));
	TRY(read_phase_and_side(v, &a->m));
	TRY(read_how(v, &a->m));
	TRY(read_finding(v, &a->m));
	TRY(read_people_and_words(v, a));
	TRY(read_ref(v, a, ret_entry));
	a->measure_id = local_new_id(verb_local(v), v->now_ms);
	a->m.has_measure_id = a->m.has_session_id = a->m.has_catalogue = a->m.has_at_ms = 1;
	a->m.measure_id = wire_id_bytes(&a->measure_id);
	a->m.session_id = wire_id_bytes(&a->session_id);
	a->m.ref = a->ref;
	a->m.catalogue = CATALOGUE_VERSION;
	a->m.unit = a->m.has_value_milli ? a->unit : NULL;
	a->m.at_ms = v->now_ms;
	return ERR_OK;
}

enum err verb_add_measure(struct verb *v)
{
	struct asked a = { .m = ROOMKEEP__MEASURE__INIT };
	const struct catalogue_entry *entry = NULL;

	TRY(fill(v, &a, &entry));
	const enum err e = session_append(v, KIND_MEASURE, &a.m.base);
	if (e == ERR_BAD_VALUE && is_out_of_range(&a.m, entry)) TRY(hint_range(v, entry));
	TRY(e);
	TRY(json_put_id(v->answer, "measure_id", &a.measure_id));
	TRY(json_put_id(v->answer, "session_id", &a.session_id));
	return show_measure_proof(v, &a.session_id, &a.measure_id);
}
