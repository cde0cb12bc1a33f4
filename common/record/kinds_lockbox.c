/* kinds_lockbox: what a patient withholds and from whom, what was opened all the same and how that
 * was judged (ON7, ON8), and the supervisor's word under a student's session. */
#include "base/cleanup.h"
#include "record/kinds_priv.h"
#include "record/lockbox_record.h"
#include "record/text.h"

#include "wire/op.h"

static const struct field_rule directive_fields[] = {
	FIELD_OWN_ID("directive_id"),
	FIELD_OF_PATIENT,
	{ "scope", FIELD_ENUM, FIELD_REQUIRED, 0, 0, "what is withheld" },
	{ "item_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "the session or record, with scope item" },
	{ "against", FIELD_ENUM, FIELD_REQUIRED, 0, 0, "from whom" },
	{ "user_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "the person, with against person" },
	{ "role", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "the role, with against role" },
	{ "recipient", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX,
	  "who outside, with against recipient" },
	{ "from_ms", FIELD_TIME, FIELD_OPTIONAL, 0, 0, "since when; absent: now" },
	{ "until_ms", FIELD_TIME, FIELD_OPTIONAL, 0, 0, "until when; absent: until it is ended" },
	{ "asked_by", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "who asks; absent: the patient" },
};

static const struct field_rule directive_end_fields[] = {
	FIELD_OWN_ID("directive_end_id"),
	FIELD_OF_PATIENT,
	{ "directive_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "which directive ends" },
	{ "asked_by", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "who asks; absent: the patient" },
};

static const struct field_rule override_fields[] = {
	FIELD_OWN_ID("override_id"),
	FIELD_OF_PATIENT,
	{ "reason", FIELD_ENUM, FIELD_FIRST, 0, 0, "why it was opened; there is no third reason" },
	{ "text", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "in words" },
	{ "told_on", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "the day the patient was told" },
	FIELD_TAKES_BACK,
};

static const struct field_rule review_mark_fields[] = {
	FIELD_OWN_ID("review_mark_id"),
	{ "override_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "what was looked at" },
	{ "outcome", FIELD_ENUM, FIELD_REQUIRED, 0, 0, "what the review found" },
	{ "note", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "nothing about the patient" },
	{ "reviewed_on", FIELD_DATE, FIELD_REQUIRED, 10, 10, "the day" },
};

static const struct field_rule cosign_fields[] = {
	FIELD_OWN_ID("cosign_id"),
	FIELD_OF_PATIENT,
	{ "session_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "which session; always" },
	{ "note", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "for the student" },
};

/* ---- rules ----------------------------------------------------------------------------------- */

static enum err check_against(const Roomkeep__Directive *m, struct record_error *error)
{
	switch (m->against) {
	case ROOMKEEP__DIRECTIVE__AGAINST__PERSON:
		if (m->has_user_id) return ERR_OK;
		return field_fail(error, ERR_BAD_VALUE, "user_id", "the person it is against");
	case ROOMKEEP__DIRECTIVE__AGAINST__ROLE:
		if (m->has_role) return ERR_OK;
		return field_fail(error, ERR_BAD_VALUE, "role", "therapist, lead or student");
	case ROOMKEEP__DIRECTIVE__AGAINST__RECIPIENT:
		if (m->recipient != NULL) return ERR_OK;
		return field_fail(error, ERR_BAD_VALUE, "recipient", "who outside it is against");
	case ROOMKEEP__DIRECTIVE__AGAINST__AGAINST_UNKNOWN:
	case _ROOMKEEP__DIRECTIVE__AGAINST_IS_INT_SIZE: break;
	}
	return ERR_OK;
}

static enum err check_directive(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Directive *m = (const Roomkeep__Directive *)(const void *)message;
	if (m->scope == ROOMKEEP__DIRECTIVE__SCOPE__ITEM && !m->has_item_id) {
		return field_fail(error, ERR_BAD_VALUE, "item_id", "a session or a record");
	}
	if (m->has_from_ms && m->has_until_ms && m->until_ms <= m->from_ms) {
		return field_fail(error, ERR_BAD_VALUE, "until_ms", "a time after from_at");
	}
	return check_against(m, error);
}

/* ---- what the records say -------------------------------------------------------------------- */

static uint64_t role_of(const Roomkeep__Directive *m)
{
	switch (m->role) {
	case ROOMKEEP__DIRECTIVE__ROLE__THERAPIST: return ROLE_THERAPIST;
	case ROOMKEEP__DIRECTIVE__ROLE__LEAD: return ROLE_LEAD;
	case ROOMKEEP__DIRECTIVE__ROLE__STUDENT: return ROLE_STUDENT;
	case ROOMKEEP__DIRECTIVE__ROLE__ROLE_UNKNOWN:
	case _ROOMKEEP__DIRECTIVE__ROLE_IS_INT_SIZE: break;
	}
	return 0;
}

static uint64_t from_of(const Roomkeep__Directive *m, uint64_t taken_ms)
{
	return m->has_from_ms ? m->from_ms : taken_ms;
}

static uint64_t until_of(const Roomkeep__Directive *m)
{
	return m->has_until_ms ? m->until_ms : UINT64_MAX;
}

bool lockbox_bar_read(const Roomkeep__Directive *m, uint64_t taken_ms, struct lockbox_bar *ret)
{
	struct lockbox_bar bar = { .scope = (enum lockbox_scope)m->scope,
				   .from_ms = from_of(m, taken_ms),
				   .until_ms = until_of(m) };
	if (wire_id(m->directive_id, &bar.directive_id) != ERR_OK ||
	    wire_id(m->patient_id, &bar.patient_id) != ERR_OK)
		return false;
	if (m->has_item_id && wire_id(m->item_id, &bar.item_id) != ERR_OK) return false;
	if (m->against == ROOMKEEP__DIRECTIVE__AGAINST__PERSON) {
		if (wire_id(m->user_id, &bar.user_id) != ERR_OK) return false;
	} else if (m->against == ROOMKEEP__DIRECTIVE__AGAINST__ROLE) {
		bar.role = role_of(m);
	} else {
		return false;
	}
	*ret = bar;
	return true;
}

bool lockbox_is_against_recipient(const Roomkeep__Directive *m, struct view recipient,
				  uint64_t taken_ms, uint64_t now_ms)
{
	CLEANUP(buf_finip) struct buf theirs = { 0 };
	CLEANUP(buf_finip) struct buf named = { 0 };
	if (m->against != ROOMKEEP__DIRECTIVE__AGAINST__RECIPIENT || m->recipient == NULL)
		return false;
	if (now_ms < from_of(m, taken_ms) || now_ms >= until_of(m)) return false;
	/* What cannot be compared is taken for the one that is meant: nothing goes by mistake. */
	if (text_search_key(recipient, &theirs) != ERR_OK ||
	    text_search_key(view_str(m->recipient), &named) != ERR_OK)
		return true;
	return view_equal(buf_view(&theirs), buf_view(&named));
}

/* ---------------------------------------------------------------------------------------------- */

const struct kind_info kinds_lockbox[] = {
	{ .kind = KIND_DIRECTIVE,
	  .name = "directive",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(directive, directive_fields),
	  .subject_field = "directive_id",
	  .patient_field = "patient_id",
	  .check = check_directive,
	  .kept = true,
	  .one = "a directive",
	  .many = "directives",
	  .about = "what the patient withholds, and from whom",
	  .example = "--scope record --against person --user ID --asked-by patient",
	  .columns = "scope:Withheld,against:Against,directive_state:State,from_at:From,"
		     "until_at:Until,directive_id:Id" },
	{ .kind = KIND_DIRECTIVE_END,
	  .name = "directive_end",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(directive_end, directive_end_fields),
	  .subject_field = "directive_end_id",
	  .patient_field = "patient_id",
	  .ref_field = "directive_id",
	  .ref_kind = KIND_DIRECTIVE,
	  .kept = true,
	  .one = "an end of a directive",
	  .many = "ends of directives",
	  .about = "the patient takes a directive back",
	  .example = "--directive ID --asked-by patient" },
	{ .kind = KIND_OVERRIDE,
	  .name = "override",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(override, override_fields),
	  .subject_field = "override_id",
	  .patient_field = "patient_id",
	  .kept = true,
	  .has_clock = true,
	  .one = "an override",
	  .many = "overrides",
	  .about = "what was withheld and was opened for an hour; the patient is told",
	  .example = "--reason emergency --text -",
	  .example_set = "--told-on 2026-12-01",
	  .columns = "reason:Reason,open_until:Open until,told_on:Told,waiting:Waiting,"
		     "patient_id:Patient,override_id:Id" },
	{ .kind = KIND_REVIEW_MARK,
	  .name = "review_mark",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = ROLE_OWNER | ROLE_LEAD,
	  .write = ROLE_OWNER | ROLE_LEAD,
	  KIND_MESSAGE(review_mark, review_mark_fields),
	  .subject_field = "review_mark_id",
	  .kept = true,
	  .one = "a mark of a review",
	  .many = "marks of reviews",
	  .about = "what was found of an override, by somebody else",
	  .example = "--override ID --outcome justified --reviewed-on 2026-12-01" },
	{ .kind = KIND_COSIGN,
	  .name = "cosign",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = ROLES_CARE,
	  .write = ROLE_THERAPIST | ROLE_LEAD,
	  KIND_MESSAGE(cosign, cosign_fields),
	  .subject_field = "cosign_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .one = "a co-signature",
	  .many = "co-signatures",
	  .about = "a supervisor stands by a student's signed session",
	  .example = "--session SID" },
};
const size_t kinds_lockbox_count = COUNT_OF(kinds_lockbox);
