#include "record/measure.h"

#include "base/check.h"
#include "record/catalogue.h"
#include "wire/op.h"

#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

/* By enum value; 0 is "not said". */
static const char *const measure_modes[] = { NULL, "active", "passive", "resisted" };
static const char *const measure_positions[] = { NULL,     "supine",        "prone",   "side_lying",
						 "seated", "semi_reclined", "standing" };
static const char *const measure_methods[] = { NULL,     "goniometer", "inclinometer", "tape",
					       "visual", "count",      "timer",        "patient" };
static const char *const measure_end_feels[] = { NULL,      "soft",  "firm",    "hard",
						 "springy", "empty", "capsular" };
static const char *const measure_skips[] = { NULL,    "relaxation",      "declined",
					     "acute", "contraindicated", "time",
					     "sore" };

#define MEASURE_WORDS(words) (words), COUNT_OF(words)
static const struct {
	const char *const *words;
	size_t count;
	const char *all;
} measure_lists[] = {
	[MEASURE_MODE] = { MEASURE_WORDS(measure_modes), "active, passive, resisted" },
	[MEASURE_POSITION] = { MEASURE_WORDS(measure_positions),
			       "supine, prone, side_lying, seated, semi_reclined, standing" },
	[MEASURE_METHOD] = { MEASURE_WORDS(measure_methods),
			     "goniometer, inclinometer, tape, visual, count, timer, patient" },
	[MEASURE_END_FEEL] = { MEASURE_WORDS(measure_end_feels),
			       "soft, firm, hard, springy, empty, capsular" },
	[MEASURE_SKIPPED] = { MEASURE_WORDS(measure_skips),
			      "relaxation, declined, acute, contraindicated, time, sore" },
};

const char *measure_word(enum measure_list list, int value)
{
	if (value <= 0 || (size_t)value >= measure_lists[list].count) return NULL;
	return measure_lists[list].words[value];
}

int measure_word_parse(enum measure_list list, const char *word)
{
	for (size_t i = 1; i < measure_lists[list].count; i++) {
		if (strcmp(measure_lists[list].words[i], word) == 0) return (int)i;
	}
	return 0;
}

const char *measure_words(enum measure_list list)
{
	return measure_lists[list].all;
}

/* ---- one row --------------------------------------------------------------------------------- */

struct measure_methods {
	unsigned set; /* CATALOGUE_BIT of each */
	const char *allowed;
};

#define BIT(method) CATALOGUE_BIT(ROOMKEEP__METHOD__METHOD_##method)

static struct measure_methods measure_methods_of(const struct catalogue_entry *e)
{
	switch (e->kind) {
	case CATALOGUE_SCALE: return (struct measure_methods){ BIT(PATIENT), "patient" };
	case CATALOGUE_MMT:
		return (struct measure_methods){ 0, "no method: strength is judged by hand" };
	case CATALOGUE_TEST:
		return (struct measure_methods){
			BIT(GONIOMETER) | BIT(INCLINOMETER) | BIT(TAPE) | BIT(VISUAL) | BIT(COUNT) |
				BIT(TIMER),
			"goniometer, inclinometer, tape, visual, count or timer"
		};
	case CATALOGUE_ROM: break;
	}
	if (strcmp(e->unit, "deg") == 0) {
		return (struct measure_methods){ BIT(GONIOMETER) | BIT(INCLINOMETER) | BIT(VISUAL),
						 "goniometer, inclinometer or visual" };
	}
	if (strcmp(e->unit, "level") == 0) {
		return (struct measure_methods){ BIT(VISUAL) | BIT(COUNT), "visual or count" };
	}
	return (struct measure_methods){ BIT(TAPE) | BIT(VISUAL), "tape or visual" };
}

static enum err measure_check_how(const struct catalogue_entry *e, const Roomkeep__Measure *m,
				  struct record_error *error)
{
	const struct measure_methods methods = measure_methods_of(e);
	const bool known = measure_word(MEASURE_METHOD, (int)m->method) != NULL;
	if (m->has_method && (!known || (methods.set & CATALOGUE_BIT(m->method)) == 0)) {
		return field_fail(error, ERR_BAD_VALUE, "method", methods.allowed);
	}
	if (m->has_mode && e->kind == CATALOGUE_SCALE) {
		return field_fail(error, ERR_BAD_VALUE, "mode", "no mode: this is a scale");
	}
	if (m->has_mode && e->kind == CATALOGUE_MMT && m->mode != ROOMKEEP__MODE__MODE_RESISTED) {
		return field_fail(error, ERR_BAD_VALUE, "mode", "resisted: this is strength");
	}
	if (m->has_end_feel && e->kind != CATALOGUE_ROM) {
		return field_fail(error, ERR_BAD_VALUE, "end_feel", "ranges of motion only");
	}
	return ERR_OK;
}

/* What was not measured has nothing to say about how it was. */
static enum err measure_check_skipped(const Roomkeep__Measure *m, struct record_error *error)
{
	const char *field = NULL;
	if (m->has_pain_at_end) field = "pain_at_end";
	if (m->has_end_feel) field = "end_feel";
	if (m->limited_by != NULL) field = "limited_by";
	if (field == NULL) return ERR_OK;
	return field_fail(error, ERR_BAD_VALUE, field, "nothing, for it was skipped");
}

enum err measure_check(const Roomkeep__Measure *m, struct record_error *ret_error)
{
	TRY(catalogue_check(m, ret_error));
	const struct catalogue_entry *e = catalogue_find(view_str(m->ref));
	INSIST(e != NULL);
	TRY(measure_check_how(e, m, ret_error));
	if (m->has_skipped_reason) TRY(measure_check_skipped(m, ret_error));
	if (!m->has_pair_id) return ERR_OK;
	if (m->phase == ROOMKEEP__PHASE__PRE) {
		return field_fail(ret_error, ERR_BAD_VALUE, "pair_id",
				  "mid and post rows name their pre row, a pre row names none");
	}
	if (view_equal(view_of(m->pair_id.data, m->pair_id.len),
		       view_of(m->measure_id.data, m->measure_id.len))) {
		return field_fail(ret_error, ERR_BAD_VALUE, "pair_id", "another row than itself");
	}
	return ERR_OK;
}

/* ---- a pair ---------------------------------------------------------------------------------- */

static const struct fold_measure *measure_find(const struct session_state *s, const struct id *id)
{
	for (size_t i = 0; i < s->measure_count; i++) {
		if (id_equal(&s->measures[i]->measure_id, id)) return s->measures[i];
	}
	return NULL;
}

enum err measure_check_pair(const Roomkeep__Measure *m, const struct session_state *s,
			    struct record_error *ret_error)
{
	if (!m->has_pair_id) return ERR_OK;
	struct id pair_id = { 0 };
	TRY(wire_id(m->pair_id, &pair_id));
	const struct fold_measure *pre = measure_find(s, &pair_id);
	if (pre == NULL || pre->phase != ROOMKEEP__PHASE__PRE) {
		return field_fail(ret_error, ERR_BAD_VALUE, "pair_id",
				  "the id of a pre row of this session");
	}
	const char *field = NULL;
	if (m->method != pre->method) field = "method";
	if (m->position != pre->position) field = "position";
	if (m->mode != pre->mode) field = "mode";
	if (m->has_side != pre->has_side || (m->has_side && m->side != pre->side)) field = "side";
	if (!view_equal(view_str(m->ref), pre->ref)) field = "ref";
	if (field == NULL) return ERR_OK;
	return field_fail(ret_error, ERR_BAD_VALUE, field, "the same as in the pre row it names");
}
