#include "record/proof.h"

#include "base/check.h"
#include "record/measure.h"

#include <stdio.h>
#include <string.h>

#define PAIN_MARK_POINTS 2

bool proof_row_of(const struct fold_measure *m, struct proof_row *ret_row)
{
	const struct catalogue_entry *entry = catalogue_find(m->ref);
	if (entry == NULL) return false;
	*ret_row = (struct proof_row){
		.measure_id = m->measure_id,
		.entry = entry,
		.phase = m->phase,
		.side = m->has_side ? m->side : ROOMKEEP__SIDE__SIDE_UNKNOWN,
		.mode = m->mode,
		.position = m->position,
		.method = m->method,
		.has_value = m->has_value,
		.value_milli = m->value_milli,
		.result = m->result,
		.skipped_reason = m->skipped_reason,
		.has_pain = m->has_pain,
		.pain_at_end = m->pain_at_end,
		.rater_id = m->has_rater ? m->rater_id : m->meta.author_id,
		.has_pair = m->has_pair,
		.pair_id = m->pair_id,
		.at_ms = m->at_ms,
	};
	return true;
}

/* How two rows differ in the way they were taken; PROOF_WHY_COMPARED when they do not. */
static enum proof_why proof_differ(const struct proof_row *a, const struct proof_row *b)
{
	if (a->entry != b->entry) return PROOF_WHY_REF;
	if (a->side != b->side) return PROOF_WHY_SIDE;
	if (a->mode != b->mode) return PROOF_WHY_MODE;
	if (a->position != b->position) return PROOF_WHY_POSITION;
	if (a->method != b->method) return PROOF_WHY_METHOD;
	return PROOF_WHY_COMPARED;
}

bool proof_alike(const struct proof_row *a, const struct proof_row *b)
{
	return proof_differ(a, b) == PROOF_WHY_COMPARED;
}

/* ---- error ----------------------------------------------------------------------------------- */

/* The word of the table for the method, said or not. */
static const char *proof_method_word(const struct catalogue_entry *e, Roomkeep__Method method)
{
	const char *word = measure_word(MEASURE_METHOD, (int)method);
	if (word != NULL) return word;
	if (e->kind == CATALOGUE_SCALE) return "patient";
	return strcmp(e->unit, "cm") == 0 || strcmp(e->unit, "mm") == 0 ? "tape" : "visual";
}

static bool proof_rater_fits(const struct catalogue_mdc *row, bool same_rater)
{
	if (strcmp(row->rater, "same") == 0) return same_rater;
	if (strcmp(row->rater, "other") == 0) return !same_rater;
	return true; /* any, patient */
}

/* The row of the table for `ref`; one that names the method goes before one for any. */
static const struct catalogue_mdc *proof_error_row(const char *ref, const struct catalogue_entry *e,
						   const char *method, bool same_rater)
{
	size_t count = 0;
	const struct catalogue_mdc *rows = catalogue_mdcs(&count);
	const struct catalogue_mdc *any = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct catalogue_mdc *row = &rows[i];
		if (strcmp(row->ref, ref) != 0 || strcmp(row->unit, e->unit) != 0) continue;
		if (!proof_rater_fits(row, same_rater)) continue;
		if (strcmp(row->method, method) == 0) return row;
		if (any == NULL && strcmp(row->method, "any") == 0) any = row;
	}
	return any;
}

/* "cx_rot" -> "cx_any" */
static void proof_joint(const char *ref, const char *suffix, char *ret_joint, size_t bytes)
{
	const size_t len = strcspn(ref, "_");
	(void)snprintf(ret_joint, bytes, "%.*s%s", (int)len, ref, suffix);
}

static const struct catalogue_mdc *proof_error_by_table(const struct catalogue_entry *e,
							Roomkeep__Mode mode, const char *method,
							bool same_rater)
{
	char passive[2 * CATALOGUE_REF_BYTES_MAX];
	char joint[2 * CATALOGUE_REF_BYTES_MAX];
	proof_joint(e->ref, "_any_passive", passive, sizeof(passive));
	proof_joint(e->ref, "_any", joint, sizeof(joint));
	const bool is_passive = mode == ROOMKEEP__MODE__MODE_PASSIVE;
	const char *const refs[] = { e->ref, is_passive ? passive : joint, joint,
				     e->kind == CATALOGUE_MMT ? "mmt" : "any" };
	for (size_t i = 0; i < COUNT_OF(refs); i++) {
		const struct catalogue_mdc *row = proof_error_row(refs[i], e, method, same_rater);
		if (row != NULL) return row;
	}
	return NULL;
}

static bool proof_is_pain_score(const struct catalogue_entry *e)
{
	return strncmp(e->ref, "nprs", 4) == 0;
}

static bool proof_error_of_scale(const struct catalogue_entry *e, struct proof_error *ret_error)
{
	const struct catalogue_scale *scale = catalogue_scale_find(view_str(e->ref));
	INSIST(scale != NULL);
	const int64_t milli = scale->mdc_milli > 0 ? scale->mdc_milli : scale->mcid_milli;
	if (milli <= 0) return false;
	*ret_error = (struct proof_error){ milli, e->unit, scale->source, scale->verified };
	return true;
}

bool proof_error_find(const struct catalogue_entry *entry, Roomkeep__Mode mode,
		      Roomkeep__Method method, bool same_rater, struct proof_error *ret_error)
{
	const char *word = proof_method_word(entry, method);
	const struct catalogue_mdc *row = NULL;
	if (proof_is_pain_score(entry)) {
		row = proof_error_row("nprs", entry, word, same_rater);
	} else if (entry->kind == CATALOGUE_SCALE) {
		return proof_error_of_scale(entry, ret_error);
	} else if (entry->takes_value) {
		row = proof_error_by_table(entry, mode, word, same_rater);
	}
	if (row == NULL) return false;
	*ret_error = (struct proof_error){ row->mdc_milli, row->unit, row->source, row->verified };
	return true;
}

/* ---- one change ------------------------------------------------------------------------------ */

static enum proof_state proof_judge(int64_t delta, int64_t error)
{
	if (delta >= error) return PROOF_IMPROVED;
	if (delta <= -error) return PROOF_WORSE;
	return PROOF_WITHIN;
}

static bool proof_is_never(const struct catalogue_entry *e)
{
	const struct catalogue_scale *scale = catalogue_scale_find(view_str(e->ref));
	return scale != NULL && !scale->is_proof;
}

static enum proof_why proof_compare_value(const struct proof_row *before,
					  const struct proof_row *after, struct proof_delta *d)
{
	const struct catalogue_entry *e = after->entry;
	const enum proof_why differ = proof_differ(before, after);
	if (differ != PROOF_WHY_COMPARED) return differ;
	if (proof_is_never(e)) return PROOF_WHY_NEVER;
	if (!before->has_value || !after->has_value) return PROOF_WHY_NO_NUMBER;
	if (!proof_error_find(e, after->mode, after->method, d->same_rater, &d->error)) {
		struct proof_error one;
		const bool known = proof_error_find(e, after->mode, after->method, true, &one);
		return !d->same_rater && known ? PROOF_WHY_RATER : PROOF_WHY_NO_ERROR;
	}
	const int64_t up = after->value_milli - before->value_milli;
	d->delta_milli = e->higher_is_better ? up : -up;
	d->state = proof_judge(d->delta_milli, d->error.milli);
	return PROOF_WHY_COMPARED;
}

struct proof_delta proof_compare(const struct proof_row *before, const struct proof_row *after)
{
	struct proof_delta d = { .same_rater = id_equal(&before->rater_id, &after->rater_id) };
	d.why = proof_compare_value(before, after, &d);
	if (!proof_alike(before, after) || !before->has_pain || !after->has_pain) return d;
	d.has_pain = true;
	d.pain_delta = (int32_t)before->pain_at_end - (int32_t)after->pain_at_end;
	d.pain_state = proof_judge(d.pain_delta, PAIN_MARK_POINTS);
	return d;
}

const char *proof_state_name(enum proof_state state)
{
	switch (state) {
	case PROOF_NOT_COMPARABLE: return "not_comparable";
	case PROOF_IMPROVED: return "improved";
	case PROOF_WITHIN: return "within_error";
	case PROOF_WORSE: return "worse";
	}
	return NULL;
}

const char *proof_why_name(enum proof_why why)
{
	switch (why) {
	case PROOF_WHY_COMPARED: return NULL;
	case PROOF_WHY_NO_PRE: return "no_pre";
	case PROOF_WHY_REF: return "ref";
	case PROOF_WHY_SIDE: return "side";
	case PROOF_WHY_MODE: return "mode";
	case PROOF_WHY_POSITION: return "position";
	case PROOF_WHY_METHOD: return "method";
	case PROOF_WHY_NO_NUMBER: return "no_number";
	case PROOF_WHY_RATER: return "rater";
	case PROOF_WHY_NO_ERROR: return "no_error_known";
	case PROOF_WHY_NEVER: return "never_proof";
	}
	return NULL;
}

/* ---- one visit ------------------------------------------------------------------------------- */

const struct proof_row *proof_set_row(const struct proof_set *set)
{
	if (set->pre != NULL) return set->pre;
	return set->post != NULL ? set->post : set->mid;
}

const struct proof_row *proof_set_last(const struct proof_set *set)
{
	if (set->post != NULL && set->post->has_value) return set->post;
	if (set->mid != NULL && set->mid->has_value) return set->mid;
	return set->pre != NULL && set->pre->has_value ? set->pre : NULL;
}

/* How well a set's pre row is what this row belongs to: 3 it is named, 2 taken alike, 1 the same
 * ref and side, 0 not at all. */
static int proof_fit(const struct proof_set *set, const struct proof_row *row)
{
	const struct proof_row *pre = set->pre;
	if (pre == NULL) return 0;
	if (row->has_pair) return id_equal(&row->pair_id, &pre->measure_id) ? 3 : 0;
	if (pre->at_ms > row->at_ms) return 0;
	if (proof_alike(pre, row)) return 2;
	return pre->entry == row->entry && pre->side == row->side ? 1 : 0;
}

/* The newest of the best fitting; NULL when none fits. */
static struct proof_set *proof_set_for(struct proof_set *sets, size_t count,
				       const struct proof_row *row)
{
	struct proof_set *best = NULL;
	int best_fit = 1;
	for (size_t i = 0; i < count; i++) {
		const int fit = proof_fit(&sets[i], row);
		if (fit < best_fit) continue;
		best = &sets[i];
		best_fit = fit;
	}
	return best;
}

static void proof_set_judge(struct proof_set *set)
{
	set->mid_delta = set->delta = (struct proof_delta){ .why = PROOF_WHY_NO_PRE };
	if (set->pre == NULL) return;
	set->mid_delta.why = set->delta.why = PROOF_WHY_NO_NUMBER;
	if (set->mid != NULL) set->mid_delta = proof_compare(set->pre, set->mid);
	if (set->post != NULL) set->delta = proof_compare(set->pre, set->post);
}

size_t proof_pair(const struct proof_row *rows, size_t count, struct proof_set *ret_sets)
{
	size_t made = 0;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].phase != ROOMKEEP__PHASE__PRE) continue;
		ret_sets[made++] = (struct proof_set){ .pre = &rows[i] };
	}
	for (size_t i = 0; i < count; i++) {
		const struct proof_row *row = &rows[i];
		if (row->phase == ROOMKEEP__PHASE__PRE) continue;
		struct proof_set *set = proof_set_for(ret_sets, made, row);
		if (set == NULL) {
			set = &ret_sets[made++];
			*set = (struct proof_set){ 0 };
		}
		if (row->phase == ROOMKEEP__PHASE__MID) set->mid = row;
		if (row->phase == ROOMKEEP__PHASE__POST) set->post = row;
	}
	for (size_t i = 0; i < made; i++) proof_set_judge(&ret_sets[i]);
	return made;
}

bool proof_kept(const struct proof_set *visit, const struct proof_row *next_pre, int *ret_percent)
{
	if (visit->delta.state != PROOF_IMPROVED || !next_pre->has_value) return false;
	if (!proof_alike(visit->pre, next_pre)) return false;
	const int64_t gain = visit->post->value_milli - visit->pre->value_milli;
	const int64_t kept = next_pre->value_milli - visit->pre->value_milli;
	const int64_t milli_percent = kept * 100 * 1000 / gain;
	*ret_percent = (int)((milli_percent + (milli_percent < 0 ? -500 : 500)) / 1000);
	return true;
}

bool proof_set_counts(const struct proof_set *set)
{
	return set->pre != NULL && set->pre->skipped_reason == 0 &&
	       !proof_is_never(set->pre->entry);
}

/* Does the set count as an assessment, and is it the first of its ref? */
static bool proof_counts(const struct proof_set *sets, size_t at)
{
	const struct proof_row *pre = sets[at].pre;
	if (!proof_set_counts(&sets[at])) return false;
	for (size_t i = 0; i < at; i++) {
		const struct proof_row *other = sets[i].pre;
		if (other == NULL || other->skipped_reason != 0) continue;
		if (other->entry == pre->entry) return false;
	}
	return true;
}

/* Was what this set measured before treatment measured after it? A pre row that was typed twice has
 * its post row at one of the two. */
static bool proof_is_again(const struct proof_set *sets, size_t count, const struct proof_set *set)
{
	for (size_t i = 0; i < count; i++) {
		if (sets[i].pre == NULL || sets[i].post == NULL) continue;
		if (sets[i].pre->entry != set->pre->entry) continue;
		if (sets[i].pre->side == set->pre->side) return true;
	}
	return false;
}

struct proof_counter proof_count(const struct proof_set *sets, size_t count)
{
	struct proof_counter c = { 0 };
	for (size_t i = 0; i < count; i++) {
		if (!proof_counts(sets, i)) continue;
		c.tested++;
		if (proof_is_again(sets, count, &sets[i])) c.again++;
	}
	return c;
}

/* ---- signing --------------------------------------------------------------------------------- */

static bool proof_has_reason(const struct proof_set *sets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sets[i].pre != NULL && sets[i].pre->skipped_reason != 0) return true;
	}
	return false;
}

/* Is there an earlier set that says the same "not again"? */
static bool proof_said_already(const struct proof_set *sets, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		const struct proof_row *other = sets[i].pre;
		if (other == NULL || other->skipped_reason != 0) continue;
		if (other->entry == sets[at].pre->entry && other->side == sets[at].pre->side) {
			return true;
		}
	}
	return false;
}

static bool proof_lacks_post(const struct proof_set *sets, size_t count, size_t at)
{
	if (!proof_set_counts(&sets[at])) return false;
	return !proof_is_again(sets, count, &sets[at]) && !proof_said_already(sets, at);
}

size_t proof_warnings(const struct proof_row *rows, size_t row_count, const struct proof_set *sets,
		      size_t set_count, bool has_plan, struct proof_warning *ret_warnings)
{
	size_t made = 0;
	const struct proof_counter counter = proof_count(sets, set_count);
	if (counter.tested < PROOF_TESTS_WANTED && !proof_has_reason(sets, set_count)) {
		ret_warnings[made++] = (struct proof_warning){ PROOF_WARN_FEW_TESTS, NULL };
	}
	for (size_t i = 0; i < set_count; i++) {
		const struct proof_set *set = &sets[i];
		if (proof_lacks_post(sets, set_count, i)) {
			ret_warnings[made++] =
				(struct proof_warning){ PROOF_WARN_NOT_AGAIN, set->pre };
		}
		if (set->pre == NULL || set->post == NULL || set->post->skipped_reason != 0) {
			continue;
		}
		if (!set->delta.same_rater) {
			ret_warnings[made++] =
				(struct proof_warning){ PROOF_WARN_OTHER_RATER, set->post };
		}
	}
	for (size_t i = 0; i < row_count && !has_plan; i++) {
		if (!proof_is_flag(&rows[i], false)) continue;
		ret_warnings[made++] = (struct proof_warning){ PROOF_WARN_FLAG_NO_PLAN, &rows[i] };
	}
	INSIST(made <= PROOF_WARNINGS_MAX(row_count));
	return made;
}

const char *proof_warning_name(enum proof_warning_code code)
{
	switch (code) {
	case PROOF_WARN_FEW_TESTS: return "few_tests";
	case PROOF_WARN_NOT_AGAIN: return "not_again";
	case PROOF_WARN_OTHER_RATER: return "other_rater";
	case PROOF_WARN_FLAG_NO_PLAN: return "flag_without_plan";
	}
	return NULL;
}

bool proof_is_flag(const struct proof_row *row, bool caution)
{
	if (row->result != ROOMKEEP__TEST_RESULT__POSITIVE) return false;
	return strcmp(row->entry->alert, "refer") == 0 ||
	       (caution && strcmp(row->entry->alert, "caution") == 0);
}
