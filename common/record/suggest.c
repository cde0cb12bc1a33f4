#include "record/suggest.h"

#include "base/check.h"

#include <string.h>

#define WORD_BYTES_MAX 64u

/* ---- what people type ------------------------------------------------------------------------ */

struct suggest_word {
	const char *typed; /* stands somewhere in what was typed */
	const char *name;
};

/* The first that is found counts: longer and rarer words stand before short ones. */
static const struct suggest_word suggest_region_words[] = {
	{ "low back", "low_back" }, { "lower back", "low_back" },
	{ "low_back", "low_back" }, { "lumbar", "low_back" },
	{ "sciati", "low_back" },   { "mid back", "mid_back" },
	{ "mid_back", "mid_back" }, { "upper back", "mid_back" },
	{ "thoracic", "mid_back" }, { "rib", "mid_back" },
	{ "neck", "neck" },         { "cervical", "neck" },
	{ "headache", "neck" },     { "migraine", "neck" },
	{ "jaw", "jaw" },           { "tmj", "jaw" },
	{ "shoulder", "shoulder" }, { "elbow", "elbow" },
	{ "forearm", "elbow" },     { "wrist", "wrist" },
	{ "hand", "wrist" },        { "thumb", "wrist" },
	{ "pelvis", "pelvis" },     { "sacro", "pelvis" },
	{ "sacrum", "pelvis" },     { "buttock", "pelvis" },
	{ "hip", "hip" },           { "groin", "hip" },
	{ "knee", "knee" },         { "ankle", "ankle" },
	{ "calf", "ankle" },        { "achilles", "ankle" },
	{ "foot", "foot" },         { "heel", "foot" },
	{ "toe", "foot" },          { "back", "low_back" },
};

static const struct suggest_word suggest_complaint_words[] = {
	{ "headache", "headache" },    { "migraine", "headache" },  { "tingl", "tingling" },
	{ "numb", "tingling" },        { "pins", "tingling" },      { "needles", "tingling" },
	{ "sciati", "tingling" },      { "shoot", "tingling" },     { "burn", "tingling" },
	{ "unstable", "instability" }, { "instab", "instability" }, { "giv", "instability" },
	{ "slips", "instability" },    { "weak", "weakness" },      { "drops", "weakness" },
	{ "stiff", "stiffness" },      { "tight", "stiffness" },    { "turn", "stiffness" },
	{ "reach", "stiffness" },      { "pain", "pain" },          { "ache", "pain" },
	{ "aching", "pain" },          { "sore", "pain" },          { "hurt", "pain" },
};

static const char *suggest_word(const struct suggest_word *words, size_t count, struct view typed)
{
	char low[WORD_BYTES_MAX + 1];
	const size_t len = typed.len < WORD_BYTES_MAX ? typed.len : WORD_BYTES_MAX;
	for (size_t i = 0; i < len; i++) {
		const uint8_t c = typed.p[i];
		low[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == '-' ? ' ' : c);
	}
	low[len] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strstr(low, words[i].typed) != NULL) return words[i].name;
	}
	return NULL;
}

const char *suggest_region(struct view typed)
{
	return suggest_word(suggest_region_words, COUNT_OF(suggest_region_words), typed);
}

const char *suggest_complaint(struct view typed)
{
	return suggest_word(suggest_complaint_words, COUNT_OF(suggest_complaint_words), typed);
}

const char *suggest_regions(void)
{
	return "neck, jaw, shoulder, elbow, wrist, mid_back, low_back, pelvis, hip, knee, ankle, "
	       "foot";
}

/* ---- regions of the catalogue ---------------------------------------------------------------- */

/* Groups of the catalogue (joints of ranges, regions of tests) of each region. */
static const struct {
	const char *region;
	const char *groups; /* each between bars */
} suggest_groups[] = {
	{ "neck", "|cervical|cervical/lumbar|neural|thoracic outlet|" },
	{ "jaw", "|jaw|" },
	{ "shoulder", "|shoulder|thoracic outlet|" },
	{ "elbow", "|elbow|forearm|neural|" },
	{ "wrist", "|wrist|wrist/hand|thumb|forearm|" },
	{ "mid_back", "|thoracic|thoracolumbar|chest|" },
	{ "low_back", "|lumbar|thoracolumbar|cervical/lumbar|sacroiliac|spine length test|"
		      "leg length test|" },
	{ "pelvis", "|sacroiliac|lumbar|hip|" },
	{ "hip", "|hip|hip/knee|leg length test|" },
	{ "knee", "|knee|hip/knee|leg length test|" },
	{ "ankle", "|ankle|hindfoot|lower leg|leg length test|" },
	{ "foot", "|foot|hindfoot|first toe joint|" },
};

/* Does the group stand between bars in the list? */
static bool suggest_has_group(const char *groups, const char *group)
{
	const size_t len = strlen(group);
	for (const char *at = strstr(groups, group); at != NULL; at = strstr(at + 1, group)) {
		if (at[-1] == '|' && at[len] == '|') return true;
	}
	return false;
}

bool suggest_is_of_region(const struct catalogue_entry *entry, const char *region)
{
	if (entry->kind == CATALOGUE_SCALE) return true;
	for (size_t i = 0; i < COUNT_OF(suggest_groups); i++) {
		if (strcmp(suggest_groups[i].region, region) != 0) continue;
		return suggest_has_group(suggest_groups[i].groups, entry->group);
	}
	return false;
}

/* ---- three tests ----------------------------------------------------------------------------- */

enum suggest_slot { SUGGEST_ROM, SUGGEST_TEST, SUGGEST_FUNCTION };

static enum suggest_slot suggest_slot_of(const struct catalogue_entry *e)
{
	switch (e->kind) {
	case CATALOGUE_ROM: return SUGGEST_ROM;
	case CATALOGUE_TEST:
	case CATALOGUE_MMT: return SUGGEST_TEST;
	case CATALOGUE_SCALE: break;
	}
	return SUGGEST_FUNCTION;
}

static const struct catalogue_suggestion *suggest_favourites(const char *region,
							     const char *complaint)
{
	size_t count = 0;
	const struct catalogue_suggestion *rows = catalogue_suggestions(&count);
	const struct catalogue_suggestion *any = NULL;
	for (size_t i = 0; i < count && region != NULL; i++) {
		if (strcmp(rows[i].region, region) != 0) continue;
		if (any == NULL) any = &rows[i];
		if (complaint != NULL && strcmp(rows[i].complaint, complaint) == 0) {
			return &rows[i];
		}
	}
	return any;
}

/* What of last time may be asked for again. */
static bool suggest_may_repeat(const struct proof_row *row, const char *region)
{
	if (row->phase != ROOMKEEP__PHASE__PRE || row->skipped_reason != 0) return false;
	const struct catalogue_scale *scale = catalogue_scale_find(view_str(row->entry->ref));
	if (scale != NULL && !scale->is_proof) return false;
	return region == NULL || suggest_is_of_region(row->entry, region);
}

size_t suggest_tests(const char *region, const char *complaint, const struct proof_row *last,
		     size_t last_count, struct suggest_test ret_tests[SUGGEST_TESTS])
{
	bool taken[SUGGEST_TESTS] = { false };
	size_t count = 0;
	for (size_t i = 0; i < last_count && count < SUGGEST_TESTS; i++) {
		if (!suggest_may_repeat(&last[i], region)) continue;
		const enum suggest_slot slot = suggest_slot_of(last[i].entry);
		if (taken[slot]) continue;
		taken[slot] = true;
		ret_tests[count++] = (struct suggest_test){ last[i].entry, last[i].side, true };
	}
	const struct catalogue_suggestion *row = suggest_favourites(region, complaint);
	if (row == NULL) return count;
	const char *const refs[SUGGEST_TESTS] = { row->rom, row->test, row->function };
	for (size_t slot = 0; slot < SUGGEST_TESTS; slot++) {
		if (taken[slot]) continue;
		const struct catalogue_entry *entry = catalogue_find(view_str(refs[slot]));
		INSIST(entry != NULL); /* the generator looked */
		ret_tests[count++] = (struct suggest_test){ .entry = entry };
	}
	return count;
}
