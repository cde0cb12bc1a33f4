#include "record/proof_words.h"

#include "base/check.h"
#include "record/measure.h"

#include <stdio.h>
#include <string.h>

/* ---- numbers --------------------------------------------------------------------------------- */

enum err proof_put_number(struct buf *out, int64_t milli)
{
	const char *sign = milli < 0 ? "-" : "";
	const uint64_t size = milli < 0 ? 0 - (uint64_t)milli : (uint64_t)milli;
	unsigned rest = (unsigned)(size % 1000u);
	int digits = 3;
	while (digits > 0 && rest % 10u == 0) {
		rest /= 10u;
		digits--;
	}
	TRY(buf_append_fmt(out, "%s%llu", sign, (unsigned long long)(size / 1000u)));
	return digits == 0 ? ERR_OK : buf_append_fmt(out, ".%0*u", digits, rest);
}

/* Unit of the catalogue, one of it, more of it. */
static const struct {
	const char *unit;
	const char *one;
	const char *many;
} words_units[] = {
	{ "deg", "degree", "degrees" },
	{ "cm", "cm", "cm" },
	{ "mm", "mm", "mm" },
	{ "level", "level", "levels" },
	{ "grade", "grade", "grades" },
	{ "points", "point", "points" },
	{ "percent", "percent", "percent" },
};

enum err proof_put_amount(struct buf *out, int64_t milli, const char *unit)
{
	TRY(proof_put_number(out, milli));
	for (size_t i = 0; i < COUNT_OF(words_units); i++) {
		if (strcmp(words_units[i].unit, unit) != 0) continue;
		const bool one = milli == 1000 || milli == -1000;
		return buf_append_fmt(out, " %s", one ? words_units[i].one : words_units[i].many);
	}
	return unit[0] == '\0' ? ERR_OK : buf_append_fmt(out, " %s", unit);
}

/* How exact it is: "about 6"; whole numbers where the error is not small itself. */
static enum err words_put_error(struct buf *out, const struct proof_error *error)
{
	int64_t milli = error->milli;
	if (milli >= 3000) milli = (milli + 500) / 1000 * 1000;
	TRY(buf_append_str(out, "about "));
	return proof_put_number(out, milli);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Words of the catalogue that a person need not know, at the beginning of a name. */
static const struct {
	const char *from;
	const char *to;
} words_plain[] = {
	{ "strength of cervical", "strength of neck" },
	{ "strength of lumbar", "strength of low back" },
	{ "strength of thoracic", "strength of mid back" },
	{ "strength of thoracolumbar", "strength of whole back" },
	{ "cervical", "neck" },
	{ "lumbar", "low back" },
	{ "thoracolumbar", "whole back" },
	{ "thoracic", "mid back" },
	{ "leg length test ", "" },
	{ "spine length test ", "" },
};

static bool words_begin(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

enum err proof_put_title(struct buf *out, const struct catalogue_entry *entry, Roomkeep__Side side)
{
	const size_t at = out->len;
	const char *rest = entry->name;
	for (size_t i = 0; i < COUNT_OF(words_plain); i++) {
		if (!words_begin(rest, words_plain[i].from)) continue;
		rest += strlen(words_plain[i].from);
		TRY(buf_append_str(out, words_plain[i].to));
		break;
	}
	TRY(buf_append_str(out, rest));
	INSIST(out->len > at);
	if (out->p[at] >= 'a' && out->p[at] <= 'z') {
		out->p[at] = (uint8_t)(out->p[at] - 'a' + 'A');
	}
	if (side == ROOMKEEP__SIDE__LEFT) return buf_append_str(out, ", left");
	if (side == ROOMKEEP__SIDE__RIGHT) return buf_append_str(out, ", right");
	if (side == ROOMKEEP__SIDE__BOTH) return buf_append_str(out, ", both sides");
	return ERR_OK;
}

static enum err words_put_part(struct buf *out, const char *before, const char *word)
{
	if (word == NULL) return ERR_OK;
	TRY(buf_append_str(out, before));
	for (; *word != '\0'; word++) {
		TRY(buf_append_u8(out, *word == '_' ? (uint8_t)' ' : (uint8_t)*word));
	}
	return ERR_OK;
}

enum err proof_put_how(struct buf *out, const struct proof_row *row)
{
	const size_t at = out->len;
	const char *method = measure_word(MEASURE_METHOD, (int)row->method);
	if (row->method == ROOMKEEP__METHOD__METHOD_VISUAL) method = "eye";
	TRY(words_put_part(out, row->entry->kind == CATALOGUE_SCALE ? "said by " : "by ", method));
	TRY(words_put_part(out, out->len > at ? ", " : "",
			   measure_word(MEASURE_MODE, (int)row->mode)));
	return words_put_part(out, out->len > at ? ", " : "",
			      measure_word(MEASURE_POSITION, (int)row->position));
}

/* ---- the sentence ---------------------------------------------------------------------------- */

/* What the person did: "You turned 14 degrees further", "... less far". */
struct words_deed {
	const char *begin; /* "You turned " */
	const char *more;  /* " further" */
	const char *less;  /* " less far" */
};

static struct words_deed words_deed_of(const struct catalogue_entry *e)
{
	static const struct {
		const char *part; /* of the ref or the movement */
		struct words_deed deed;
	} deeds[] = {
		{ "sp_ftf", { "You reached ", " closer to the floor", " less far down" } },
		{ "th_opp", { "Your thumb came ", " closer", " less close" } },
		{ "sh_hbb", { "Your hand reached ", " higher", " less high" } },
		{ "le_popl", { "Your knee straightened ", " more", " less" } },
		{ "ch_exp", { "Your ribs opened ", " more", " less" } },
		{ "opening", { "You opened ", " wider", " less wide" } },
		{ "rotation", { "You turned ", " further", " less far" } },
		{ "pronation", { "You turned ", " further", " less far" } },
		{ "supination", { "You turned ", " further", " less far" } },
		{ "raise", { "Your leg rose ", " higher", " less high" } },
	};
	for (size_t i = 0; i < COUNT_OF(deeds); i++) {
		if (strcmp(e->ref, deeds[i].part) == 0) return deeds[i].deed;
		if (strstr(e->about, deeds[i].part) != NULL) return deeds[i].deed;
	}
	static const char *const bending[] = { "cx_", "tx_", "tl_", "lx_" };
	for (size_t i = 0; i < COUNT_OF(bending); i++) {
		if (words_begin(e->ref, bending[i])) {
			return (struct words_deed){ "You bent ", " further", " less far" };
		}
	}
	return (struct words_deed){ "You moved ", " further", " less far" };
}

static bool words_is_pain(const struct catalogue_entry *e)
{
	return words_begin(e->ref, "nprs") || strcmp(e->ref, "vas") == 0;
}

/* "Your pain is 3 points lower" */
static enum err words_put_score(struct buf *out, const struct catalogue_entry *e, int64_t delta)
{
	const int64_t size = delta < 0 ? -delta : delta;
	const bool pain = words_is_pain(e);
	const char *what = pain ? "Your pain is " : "Your score is ";
	if (e->kind == CATALOGUE_MMT) what = "Your strength is ";
	TRY(buf_append_str(out, what));
	TRY(proof_put_amount(out, size, e->unit));
	if (pain) return buf_append_str(out, delta > 0 ? " lower" : " higher");
	return buf_append_str(out, delta > 0 ? " better" : " lower than before");
}

static enum err words_put_change(struct buf *out, const struct catalogue_entry *e, int64_t delta)
{
	if (e->kind != CATALOGUE_ROM) return words_put_score(out, e, delta);
	const struct words_deed deed = words_deed_of(e);
	TRY(buf_append_str(out, deed.begin));
	TRY(proof_put_amount(out, delta < 0 ? -delta : delta, e->unit));
	return buf_append_str(out, delta > 0 ? deed.more : deed.less);
}

static enum err words_put_good_to(struct buf *out, const struct catalogue_entry *e,
				  const struct proof_error *error)
{
	if (e->kind != CATALOGUE_SCALE) {
		TRY(buf_append_str(out, "; the measure is good to "));
		TRY(words_put_error(out, error));
		return buf_append_str(out, ".");
	}
	TRY(buf_append_str(out, "; "));
	TRY(proof_put_number(out, error->milli));
	return buf_append_str(out, " or more count as a change.");
}

/* Neutral is neutral: neither "almost better" nor "a little worse". */
static enum err words_put_within(struct buf *out, const struct catalogue_entry *e,
				 const struct proof_delta *d)
{
	if (d->delta_milli == 0) {
		TRY(buf_append_str(out, "The same as before"));
		return words_put_good_to(out, e, &d->error);
	}
	TRY(buf_append_str(out, "About the same: "));
	const int64_t size = d->delta_milli < 0 ? -d->delta_milli : d->delta_milli;
	TRY(proof_put_amount(out, size, e->unit));
	TRY(buf_append_str(out, " apart"));
	return words_put_good_to(out, e, &d->error);
}

static const char *words_result(const struct proof_row *row)
{
	switch (row->result) {
	case ROOMKEEP__TEST_RESULT__POSITIVE: return "positive";
	case ROOMKEEP__TEST_RESULT__NEGATIVE: return "negative";
	case ROOMKEEP__TEST_RESULT__EQUIVOCAL: return "unclear";
	case ROOMKEEP__TEST_RESULT__UNABLE: return "not possible";
	case ROOMKEEP__TEST_RESULT__RESULT_NONE:
	case _ROOMKEEP__TEST_RESULT_IS_INT_SIZE: break;
	}
	return row->skipped_reason != 0 ? "not measured" : "measured";
}

static const char *words_why(enum proof_why why)
{
	switch (why) {
	case PROOF_WHY_REF:
	case PROOF_WHY_SIDE: return "it was another measure";
	case PROOF_WHY_MODE:
	case PROOF_WHY_POSITION:
	case PROOF_WHY_METHOD: return "it was measured in another way";
	case PROOF_WHY_RATER: return "two people measured, and how far they differ is not known";
	case PROOF_WHY_NO_ERROR: return "how exact this measure is, is not known";
	case PROOF_WHY_NEVER: return "this is for talking about, not a result";
	case PROOF_WHY_NO_PRE: return "it was not measured before";
	case PROOF_WHY_COMPARED:
	case PROOF_WHY_NO_NUMBER: break;
	}
	return "there is no number";
}

enum err proof_put_sentence(struct buf *out, const struct proof_row *before,
			    const struct proof_row *after, const struct proof_delta *delta)
{
	const struct catalogue_entry *e = after->entry;
	switch (delta->state) {
	case PROOF_IMPROVED:
	case PROOF_WORSE:
		TRY(words_put_change(out, e, delta->delta_milli));
		return words_put_good_to(out, e, &delta->error);
	case PROOF_WITHIN: return words_put_within(out, e, delta);
	case PROOF_NOT_COMPARABLE: break;
	}
	if (delta->why == PROOF_WHY_NO_NUMBER) {
		return buf_append_fmt(out, "Before: %s. Now: %s.", words_result(before),
				      words_result(after));
	}
	return buf_append_fmt(out, "Not comparable: %s.", words_why(delta->why));
}

/* ---- for the therapist ----------------------------------------------------------------------- */

enum err proof_put_warning(struct buf *out, const struct proof_warning *warning,
			   const struct proof_counter *counter)
{
	if (warning->code == PROOF_WARN_FEW_TESTS) {
		return buf_append_fmt(out, "%u of %u assessments before treatment.",
				      counter->tested, PROOF_TESTS_WANTED);
	}
	TRY(proof_put_title(out, warning->row->entry, warning->row->side));
	switch (warning->code) {
	case PROOF_WARN_NOT_AGAIN: return buf_append_str(out, " was not measured again.");
	case PROOF_WARN_OTHER_RATER:
		return buf_append_str(out, " was measured again by somebody else.");
	case PROOF_WARN_FLAG_NO_PLAN:
		return buf_append_str(out, " is positive and asks for a referral; there is no "
					   "plan.");
	case PROOF_WARN_FEW_TESTS: break;
	}
	return ERR_OK;
}

enum err proof_put_prompt(struct buf *out, const struct proof_row *row)
{
	if (!proof_is_flag(row, true)) return ERR_OK;
	TRY(proof_put_title(out, row->entry, row->side));
	TRY(buf_append_fmt(out, " is positive (%s). ", row->entry->about));
	const bool refer = proof_is_flag(row, false);
	return buf_append_str(out, refer ? "Stop and refer: a sign, not a diagnosis. Write in the "
					   "plan who was told and when."
					 : "Take care: a sign, not a diagnosis. Consider a "
					   "referral.");
}
