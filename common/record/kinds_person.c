/* kinds_person: one person with two charts (DOMAIN 4.1), and words in a chart that are about
 * another person (4.8). */
#include "record/kinds_priv.h"
#include "record/merge_record.h"

#include "wire/op.h"

#include <string.h>

static const struct field_rule patient_merge_fields[] = {
	FIELD_OWN_ID("patient_merge_id"),
	FIELD_OF_PATIENT,
	{ "into_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "the chart that stays" },
	{ "ended_on", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "the day it was taken back" },
	FIELD_TAKES_BACK,
};

static const struct field_rule third_party_span_fields[] = {
	FIELD_OWN_ID("third_party_span_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_SESSION,
	{ "text", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "the words as they stand" },
	{ "about", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "who they are about" },
	{ "told_by", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "who said it" },
	{ "ended_on", FIELD_DATE, FIELD_OPTIONAL, 10, 10,
	  "the day it turned out to be about the patient" },
	FIELD_TAKES_BACK,
};

/* ---- what the records say -------------------------------------------------------------------- */

bool merge_record_read(const Roomkeep__PatientMerge *m, struct merge_pair *ret)
{
	return m->ended_on == NULL && wire_id(m->patient_id, &ret->from) == ERR_OK &&
	       wire_id(m->into_id, &ret->into) == ERR_OK && !id_equal(&ret->from, &ret->into);
}

static bool ids_have(const struct id *ids, size_t count, const struct id *id)
{
	for (size_t i = 0; i < count; i++)
		if (id_equal(&ids[i], id)) return true;
	return false;
}

size_t merge_same(const struct merge_pair *pairs, size_t count, const struct id *patient_id,
		  struct id ret_ids[MERGE_SAME_MAX])
{
	size_t found = 1;
	ret_ids[0] = *patient_id;
	for (size_t at = 0; at < found; at++) {
		for (size_t i = 0; i < count && found < MERGE_SAME_MAX; i++) {
			if (!id_equal(&pairs[i].into, &ret_ids[at])) continue;
			if (!ids_have(ret_ids, found, &pairs[i].from))
				ret_ids[found++] = pairs[i].from;
		}
	}
	return found;
}

/* Of a circle's charts: the one that every room and the server name. */
static struct id least_of(const struct id *ids, size_t count)
{
	size_t least = 0;
	for (size_t i = 1; i < count; i++)
		if (memcmp(ids[i].b, ids[least].b, ID_BYTES) < 0) least = i;
	return ids[least];
}

struct id merge_stays(const struct merge_pair *pairs, size_t count, const struct id *patient_id)
{
	struct id seen[MERGE_SAME_MAX] = { *patient_id };
	size_t steps = 1;
	for (size_t i = 0; i < count && steps < MERGE_SAME_MAX; i++) {
		if (!id_equal(&pairs[i].from, &seen[steps - 1])) continue;
		for (size_t k = 0; k < steps; k++)
			if (id_equal(&seen[k], &pairs[i].into))
				return least_of(&seen[k], steps - k);
		seen[steps++] = pairs[i].into;
		i = SIZE_MAX; /* from the start again: the order of the pairs says nothing */
	}
	return seen[steps - 1];
}

/* ---- rules ----------------------------------------------------------------------------------- */

static enum err check_merge_change(const struct kind_change *change, struct record_error *error)
{
	const void *after = change->after;
	const void *before = change->before;
	const Roomkeep__PatientMerge *m = after;
	const Roomkeep__PatientMerge *was = before;
	const struct view into = view_of(m->into_id.data, m->into_id.len);
	if (view_equal(into, view_of(m->patient_id.data, m->patient_id.len)))
		return field_fail(error, ERR_BAD_VALUE, "into_id", "another patient");
	if (was == NULL || view_equal(into, view_of(was->into_id.data, was->into_id.len)))
		return ERR_OK;
	return field_fail(error, ERR_BAD_VALUE, "into_id", "the patient it was merged into");
}

const struct kind_info kinds_person[] = {
	{ .kind = KIND_PATIENT_MERGE,
	  .name = "patient_merge",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_STAFF,
	  .write = ROLES_STAFF,
	  KIND_MESSAGE(patient_merge, patient_merge_fields),
	  .subject_field = "patient_merge_id",
	  .patient_field = "patient_id",
	  .relative_field = "into_id",
	  .check_change = check_merge_change,
	  .one = "a merge of two charts",
	  .many = "merges of charts",
	  .about = "one person who was entered twice",
	  .example = "--into ID",
	  .example_set = "--ended-on 2026-12-01" },
	{ .kind = KIND_THIRD_PARTY_SPAN,
	  .name = "third_party_span",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(third_party_span, third_party_span_fields),
	  .subject_field = "third_party_span_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .one = "words about another person",
	  .many = "marks of words about others",
	  .about = "words in this record that leave the clinic in no paper",
	  .example = "--text @words.txt --about \"her sister\" --told-by the_patient",
	  .example_set = "--ended-on 2026-12-01" },
};
const size_t kinds_person_count = COUNT_OF(kinds_person);
