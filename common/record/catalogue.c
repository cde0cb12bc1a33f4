#include "record/catalogue.h"

#include "base/check.h"
#include "record/catalogue_tables.h"

/* Near enough to be a slip of the fingers. */
#define CATALOGUE_NEAR_EDITS 2u

const struct catalogue_entry *catalogue_table(size_t *ret_count)
{
	*ret_count = catalogue_entries_count;
	return catalogue_entries;
}

const struct catalogue_rom *catalogue_roms(size_t *ret_count)
{
	*ret_count = catalogue_rom_rows_count;
	return catalogue_rom_rows;
}

const struct catalogue_rom *catalogue_rom_find(struct view ref)
{
	for (size_t i = 0; i < catalogue_rom_rows_count; i++) {
		if (view_equal(view_str(catalogue_rom_rows[i].ref), ref)) {
			return &catalogue_rom_rows[i];
		}
	}
	return NULL;
}

const struct catalogue_scale *catalogue_scale_find(struct view ref)
{
	for (size_t i = 0; i < catalogue_scale_rows_count; i++) {
		if (view_equal(view_str(catalogue_scale_rows[i].ref), ref)) {
			return &catalogue_scale_rows[i];
		}
	}
	return NULL;
}

const struct catalogue_grade *catalogue_grades(size_t *ret_count)
{
	*ret_count = catalogue_grade_rows_count;
	return catalogue_grade_rows;
}

const struct catalogue_mdc *catalogue_mdcs(size_t *ret_count)
{
	*ret_count = catalogue_mdc_rows_count;
	return catalogue_mdc_rows;
}

const struct catalogue_flag *catalogue_flags(size_t *ret_count)
{
	*ret_count = catalogue_flag_rows_count;
	return catalogue_flag_rows;
}

const struct catalogue_suggestion *catalogue_suggestions(size_t *ret_count)
{
	*ret_count = catalogue_suggestion_rows_count;
	return catalogue_suggestion_rows;
}

const struct catalogue_scale *catalogue_scales(size_t *ret_count)
{
	*ret_count = catalogue_scale_rows_count;
	return catalogue_scale_rows;
}

/* Order of the table: bytes, a shorter text before a longer one it begins. */
static int catalogue_compare(struct view key, const char *ref)
{
	const size_t len = strlen(ref);
	const size_t common = key.len < len ? key.len : len;
	const int order = common == 0 ? 0 : memcmp(key.p, ref, common);
	if (order != 0) return order;
	return key.len == len ? 0 : key.len < len ? -1 : 1;
}

const struct catalogue_entry *catalogue_find(struct view ref)
{
	size_t low = 0;
	size_t high = catalogue_entries_count;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		const int order = catalogue_compare(ref, catalogue_entries[mid].ref);
		if (order == 0) return &catalogue_entries[mid];
		if (order < 0) {
			high = mid;
		} else {
			low = mid + 1;
		}
	}
	return NULL;
}

/* ---- near misses ----------------------------------------------------------------------------- */

/* Edits between two short texts (Levenshtein, one row). */
static unsigned catalogue_distance(struct view a, struct view b)
{
	unsigned row[CATALOGUE_REF_BYTES_MAX + 1];
	REQUIRE(a.len <= CATALOGUE_REF_BYTES_MAX && b.len <= CATALOGUE_REF_BYTES_MAX);
	for (unsigned j = 0; j <= b.len; j++) row[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			const unsigned above = row[j];
			unsigned best = diagonal + (a.p[i - 1] == b.p[j - 1] ? 0u : 1u);
			if (above + 1 < best) best = above + 1;
			if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[b.len];
}

static struct view catalogue_lowered(struct view ref, uint8_t to[CATALOGUE_REF_BYTES_MAX])
{
	for (size_t i = 0; i < ref.len; i++) {
		const uint8_t c = ref.p[i];
		to[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c == '-' ? '_' : c;
	}
	return view_of(to, ref.len);
}

size_t catalogue_suggest(struct view ref, const char *ret_refs[CATALOGUE_NEAR_MAX])
{
	if (ref.len == 0 || ref.len > CATALOGUE_REF_BYTES_MAX) return 0;
	uint8_t bytes[CATALOGUE_REF_BYTES_MAX];
	const struct view key = catalogue_lowered(ref, bytes);
	unsigned edits[CATALOGUE_NEAR_MAX];
	size_t count = 0;
	for (size_t i = 0; i < catalogue_entries_count; i++) {
		const char *known = catalogue_entries[i].ref;
		const unsigned d = catalogue_distance(key, view_str(known));
		if (d > CATALOGUE_NEAR_EDITS || d >= key.len) continue;
		size_t at = count;
		while (at > 0 && edits[at - 1] > d) at--;
		if (at == CATALOGUE_NEAR_MAX) continue;
		if (count < CATALOGUE_NEAR_MAX) count++;
		for (size_t j = count - 1; j > at; j--) {
			edits[j] = edits[j - 1];
			ret_refs[j] = ret_refs[j - 1];
		}
		edits[at] = d;
		ret_refs[at] = known;
	}
	return count;
}

/* ---- checking a measure ---------------------------------------------------------------------- */

static bool catalogue_is_grade(int64_t value_milli)
{
	for (size_t i = 0; i < catalogue_grade_rows_count; i++) {
		const struct catalogue_grade *g = &catalogue_grade_rows[i];
		if (g->tested && g->code_milli == value_milli) return true;
	}
	return false;
}

static enum err catalogue_check_value(const struct catalogue_entry *e, const Roomkeep__Measure *m,
				      struct record_error *error)
{
	if (!e->takes_value) {
		return field_fail(error, ERR_BAD_VALUE, "value_milli",
				  "a result and no value: this is a test");
	}
	if (m->unit == NULL || strcmp(m->unit, e->unit) != 0) {
		return field_fail(error, ERR_BAD_VALUE, "unit", "the unit of the catalogue");
	}
	if (m->value_milli < e->min_milli || m->value_milli > e->max_milli) {
		return field_fail(error, ERR_BAD_VALUE, "value_milli",
				  "a value within the range of the catalogue");
	}
	if (e->kind == CATALOGUE_MMT && !catalogue_is_grade(m->value_milli)) {
		return field_fail(error, ERR_BAD_VALUE, "value_milli",
				  "a grade: 0 1 1.7 2 2.3 2.7 3 3.3 3.7 4 4.3 5");
	}
	return ERR_OK;
}

static bool catalogue_allows(unsigned set, int value)
{
	return value > 0 && value < 32 && (set & CATALOGUE_BIT(value)) != 0;
}

static enum err catalogue_check_result(const struct catalogue_entry *e, const Roomkeep__Measure *m,
				       struct record_error *error)
{
	if (m->unit != NULL) {
		return field_fail(error, ERR_BAD_VALUE, "unit", "no unit beside a result");
	}
	if (!catalogue_allows(e->results, (int)m->result)) {
		return field_fail(error, ERR_BAD_VALUE, "result",
				  e->takes_value ? "a value, or unable"
						 : "positive, negative, equivocal or unable");
	}
	return ERR_OK;
}

static enum err catalogue_check_side(const struct catalogue_entry *e, const Roomkeep__Measure *m,
				     struct record_error *error)
{
	if (!m->has_side) {
		if (!e->side_required) return ERR_OK;
		return field_fail(error, ERR_BAD_VALUE, "side", "a side is required here");
	}
	if (catalogue_allows(e->sides, (int)m->side)) return ERR_OK;
	const char *allowed = "left or right, one row each";
	if (e->sides == CATALOGUE_BIT(ROOMKEEP__SIDE__MIDLINE)) allowed = "midline or no side";
	if ((e->sides & CATALOGUE_BIT(ROOMKEEP__SIDE__BOTH)) != 0) allowed = "left, right or both";
	return field_fail(error, ERR_BAD_VALUE, "side", allowed);
}

enum err catalogue_check(const Roomkeep__Measure *m, struct record_error *ret_error)
{
	const struct catalogue_entry *e = m->ref == NULL ? NULL : catalogue_find(view_str(m->ref));
	if (e == NULL) {
		const bool newer = m->has_catalogue && m->catalogue > CATALOGUE_VERSION;
		return field_fail(ret_error, newer ? ERR_VERSION : ERR_BAD_VALUE, "ref",
				  "an id of the catalogue");
	}
	const bool has_result = m->has_result && m->result != ROOMKEEP__TEST_RESULT__RESULT_NONE;
	const bool skipped = m->has_skipped_reason != 0;
	if ((m->has_value_milli != 0) + has_result + skipped != 1) {
		return field_fail(ret_error, ERR_BAD_VALUE,
				  e->takes_value ? "value_milli" : "result",
				  "exactly one of value, result and skipped_reason");
	}
	if (skipped && m->unit != NULL) {
		return field_fail(ret_error, ERR_BAD_VALUE, "unit", "no unit without a value");
	}
	if (m->has_value_milli) {
		TRY(catalogue_check_value(e, m, ret_error));
	} else if (has_result) {
		TRY(catalogue_check_result(e, m, ret_error));
	}
	return catalogue_check_side(e, m, ret_error);
}
