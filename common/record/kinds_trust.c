/* kinds_trust: relatives who are both patients, and what one lets the other see (DOMAIN 4.8). */
#include "record/duty_record.h"
#include "record/guard_record.h"
#include "record/kinds_priv.h"

#include "wire/op.h"

#define LINK_FIELDS(own)                                                                           \
	FIELD_OWN_ID(own), FIELD_OF_PATIENT,                                                       \
		{ "relative_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "the other patient" },            \
		{ "kin", FIELD_ENUM, FIELD_FIRST, 0, 0, "what the other is to the patient" },      \
		{ "split", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "must the two not meet?" },           \
		{ "ended_on", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "no guard since that day" },     \
		FIELD_TAKES_BACK

static const struct field_rule family_link_fields[] = { LINK_FIELDS("family_link_id") };
static const struct field_rule desk_family_link_fields[] = { LINK_FIELDS("desk_family_link_id") };

static const struct field_rule sharing_grant_fields[] = {
	FIELD_OWN_ID("sharing_grant_id"),
	FIELD_OF_PATIENT,
	{ "to_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "the patient who may have it" },
	{ "scope", FIELD_ENUMS, FIELD_FIRST, 0, 3, "what it is; never clinical" },
	{ "given_on", FIELD_DATE, FIELD_FIRST, 10, 10, "the day it was given" },
	{ "expires_on", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "the last day of it" },
	{ "revoked_on", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "the day it was taken back" },
	{ "by_parent", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "was it given for a minor?" },
	FIELD_TAKES_BACK,
};

/* ---- what the records say -------------------------------------------------------------------- */

struct link_parts {
	struct id patient;
	struct id relative;
	enum guard_kin kin;
	unsigned known_by;
	bool split;
	bool ended;
};

#define SIDES_DESK (GUARD_SIDE_BIT(GUARD_SIDE_DESK) | GUARD_SIDE_BIT(GUARD_SIDE_THERAPIST))

/* The numbers on the wire are those of guard.h. */
#define LINK_PARTS(m, sides)                                                                       \
	{                                                                                          \
		.kin = (m)->has_kin ? (enum guard_kin)(m)->kin : GUARD_KIN_OTHER,                  \
		.known_by = (sides), .split = (m)->split, .ended = (m)->ended_on != NULL           \
	}

static bool link_parts(const ProtobufCMessage *message, struct link_parts *ret)
{
	const void *any = message;
	if (message->descriptor == &roomkeep__family_link__descriptor) {
		const Roomkeep__FamilyLink *m = any;
		struct link_parts p = LINK_PARTS(m, GUARD_SIDE_BIT(GUARD_SIDE_THERAPIST));
		*ret = p;
		return wire_id(m->patient_id, &ret->patient) == ERR_OK &&
		       wire_id(m->relative_id, &ret->relative) == ERR_OK;
	}
	const Roomkeep__DeskFamilyLink *m = any;
	struct link_parts p = LINK_PARTS(m, SIDES_DESK);
	*ret = p;
	return wire_id(m->patient_id, &ret->patient) == ERR_OK &&
	       wire_id(m->relative_id, &ret->relative) == ERR_OK;
}

bool guard_link_read(const ProtobufCMessage *message, const struct id *patient,
		     struct guard_link *ret)
{
	struct link_parts p = { 0 };
	if (!link_parts(message, &p) || p.ended) return false;
	const bool from_there = id_equal(&p.relative, patient);
	if (!from_there && !id_equal(&p.patient, patient)) return false;
	*ret = (struct guard_link){
		.patient = *patient,
		.relative = from_there ? p.patient : p.relative,
		.kin = from_there ? guard_kin_reverse(p.kin) : p.kin,
		.known_by = p.known_by,
		.split = p.split || p.kin == GUARD_KIN_FORMER,
	};
	return true;
}

void guard_grant_read(const Roomkeep__SharingGrant *m, bool has_majority, int64_t majority_on,
		      struct guard_grant *ret)
{
	struct guard_grant g = { .revoked = m->revoked_on != NULL,
				 .by_parent = m->by_parent,
				 .has_majority = has_majority,
				 .majority_on = majority_on };
	if (wire_id(m->patient_id, &g.from) != ERR_OK) g.from = (struct id){ 0 };
	if (wire_id(m->to_id, &g.to) != ERR_OK) g.to = (struct id){ 0 };
	for (size_t i = 0; i < m->n_scope; i++) g.scope |= GUARD_ACTION_BIT(m->scope[i]);
	/* Its first op was erased: it is not given. */
	if (!duty_day(m->given_on, &g.given_on)) g.revoked = true;
	g.has_expiry = duty_day(m->expires_on, &g.expires_on);
	*ret = g;
}

const char *guard_grant_state_name(enum guard_grant_state state)
{
	switch (state) {
	case GUARD_GRANT_VALID: return "valid";
	case GUARD_GRANT_NOT_YET: return "not_yet";
	case GUARD_GRANT_REVOKED: return "revoked";
	case GUARD_GRANT_EXPIRED: return "expired";
	case GUARD_GRANT_LAPSED: break;
	}
	return "lapsed";
}

/* ---- rules ----------------------------------------------------------------------------------- */

static enum err check_link_change(const struct kind_change *change, struct record_error *error)
{
	struct link_parts before;
	struct link_parts after;
	if (!link_parts(change->after, &after) || id_equal(&after.patient, &after.relative)) {
		return field_fail(error, ERR_BAD_VALUE, "relative_id", "another patient");
	}
	if (change->before == NULL || !link_parts(change->before, &before) ||
	    id_equal(&before.relative, &after.relative)) {
		return ERR_OK;
	}
	return field_fail(error, ERR_BAD_VALUE, "relative_id", "the relative it was made with");
}

static enum err check_grant_change(const struct kind_change *change, struct record_error *error)
{
	const void *after = change->after;
	const void *before = change->before;
	const Roomkeep__SharingGrant *m = after;
	const Roomkeep__SharingGrant *was = before;
	struct guard_grant g;
	struct guard_grant old;
	guard_grant_read(m, false, 0, &g);
	if (id_equal(&g.from, &g.to)) {
		return field_fail(error, ERR_BAD_VALUE, "to_id", "another patient");
	}
	TRY(field_check_order(m->given_on, m->revoked_on, "revoked_on", error));
	TRY(field_check_order(m->given_on, m->expires_on, "expires_on", error));
	if (m->n_scope > 0) TRY(guard_grant_check(&g, error));
	if (was == NULL) return ERR_OK;
	guard_grant_read(was, false, 0, &old);
	if (id_equal(&old.to, &g.to)) return ERR_OK;
	return field_fail(error, ERR_BAD_VALUE, "to_id", "the patient it was given to");
}

#define STAFF_ROLES ROLES_STAFF

const struct kind_info kinds_trust[] = {
	{ .kind = KIND_FAMILY_LINK,
	  .name = "family_link",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(family_link, family_link_fields),
	  .subject_field = "family_link_id",
	  .patient_field = "patient_id",
	  .relative_field = "relative_id",
	  .check_change = check_link_change,
	  .one = "a family link",
	  .many = "family links",
	  .about = "relatives who are both patients, for who treats alone",
	  .example = "--relative ID --kin spouse",
	  .example_set = "--split yes" },
};
const size_t kinds_trust_count = COUNT_OF(kinds_trust);

const struct kind_info kinds_grant[] = {
	{ .kind = KIND_SHARING_GRANT,
	  .name = "sharing_grant",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = STAFF_ROLES,
	  .write = STAFF_ROLES,
	  KIND_MESSAGE(sharing_grant, sharing_grant_fields),
	  .subject_field = "sharing_grant_id",
	  .patient_field = "patient_id",
	  .relative_field = "to_id",
	  .check_change = check_grant_change,
	  .one = "a sharing grant",
	  .many = "sharing grants",
	  .about = "what one patient lets another see, one way",
	  .example = "--to ID --scope booking --given-on 2026-11-30",
	  .example_set = "--revoked-on 2026-12-01",
	  .columns = "scope:Scope,to_id:To,grant_state:State,given_on:Given,expires_on:Expires,"
		     "sharing_grant_id:Id" },
};
const size_t kinds_grant_count = COUNT_OF(kinds_grant);

const struct kind_info kinds_desk_trust[] = {
	{ .kind = KIND_DESK_FAMILY_LINK,
	  .name = "desk_family_link",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = STAFF_ROLES,
	  .write = STAFF_ROLES,
	  KIND_MESSAGE(desk_family_link, desk_family_link_fields),
	  .subject_field = "desk_family_link_id",
	  .patient_field = "patient_id",
	  .relative_field = "relative_id",
	  .check_change = check_link_change,
	  .one = "a family link that the desk may know",
	  .many = "family links that the desk may know",
	  .about = "relatives who are both patients, for the desk too",
	  .example = "--relative ID --kin child",
	  .example_set = "--ended-on 2026-12-01" }
};
const size_t kinds_desk_trust_count = COUNT_OF(kinds_desk_trust);
