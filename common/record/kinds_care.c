/* kinds_care: how the patient feels, what was promised and agreed, and who reached out (DOMAIN 3h,
 * 4.4, 4.5, 4.10). What needs more than one record to decide stands in care.h. */
#include "record/kinds_priv.h"

#define CLINICAL_ROLES ROLES_CARE
#define MOOD_WORDS_MAX 9

static const struct field_rule mood_read_fields[] = {
	FIELD_OWN_ID("mood_read_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_SESSION,
	{ "when", FIELD_ENUM, FIELD_FIRST, 0, 0, "at the door or at goodbye" },
	{ "spirits", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "spirits" },
	{ "energy", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "energy" },
	{ "source", FIELD_ENUM, FIELD_FIRST, 0, 0, "who says so" },
	{ "body", FIELD_ENUMS, FIELD_OPTIONAL, 0, MOOD_WORDS_MAX, "what the body said" },
	{ "lifted", FIELD_ENUMS, FIELD_OPTIONAL, 0, MOOD_WORDS_MAX, "what lifted the mood" },
	FIELD_TAKES_BACK,
};

static const struct field_rule promise_fields[] = {
	FIELD_OWN_ID("promise_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_SESSION,
	{ "text", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "what was promised" },
	{ "kept", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "what became of it" },
	{ "due", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "by when" },
	FIELD_TAKES_BACK,
};

static const struct field_rule talk_about_fields[] = {
	FIELD_OWN_ID("talk_about_id"),
	FIELD_OF_PATIENT,
	{ "text", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "what to ask about" },
	{ "heard_on", FIELD_DATE, FIELD_FIRST, 10, 10, "the day it was told" },
	{ "ok_to_mention", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "may it be brought up?" },
	{ "expires", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "last day; absent: 6 months" },
	FIELD_TAKES_BACK,
};

static const struct field_rule consent_fields[] = {
	FIELD_OWN_ID("consent_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_SESSION,
	{ "area", FIELD_ENUM, FIELD_FIRST, 0, 0, "area of the body" },
	{ "purpose_explained", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "was the purpose explained?" },
	{ "risks_explained", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "were the risks explained?" },
	{ "alternatives_explained", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "were alternatives named?" },
	{ "may_stop_explained", FIELD_BOOL, FIELD_OPTIONAL, 0, 0,
	  "do they know they may stop it?" },
	{ "undress", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "undressing as agreed" },
	{ "draping", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "draping as agreed" },
	{ "chaperone_offered", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "was a chaperone offered?" },
	{ "answer", FIELD_ENUM, FIELD_FIRST, 0, 0, "what the patient answered" },
	{ "answered_ms", FIELD_TIME, FIELD_OPTIONAL, 0, 0, "when; absent: now" },
	{ "withdrawn_ms", FIELD_TIME, FIELD_OPTIONAL, 0, 0, "when it was withdrawn" },
	{ "given_by", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "who answered" },
	{ "capacity_basis", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX,
	  "why a minor may answer alone" },
	FIELD_TAKES_BACK,
};

static const struct field_rule touch_fields[] = {
	FIELD_OWN_ID("touch_id"),
	FIELD_OF_PATIENT,
	{ "what", FIELD_ENUM, FIELD_FIRST, 0, 0, "what was done" },
	{ "channel", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "by which channel" },
	{ "on", FIELD_DATE, FIELD_FIRST, 10, 10, "the day" },
	{ "outcome", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "why they stayed away" },
	FIELD_TAKES_BACK,
};

static enum err check_talk_about(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__TalkAbout *m = (const Roomkeep__TalkAbout *)(const void *)message;
	return field_check_order(m->heard_on, m->expires, "expires", error);
}

static enum err check_consent(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Consent *m = (const Roomkeep__Consent *)(const void *)message;
	if (!m->has_answered_ms || !m->has_withdrawn_ms || m->answered_ms <= m->withdrawn_ms) {
		return ERR_OK;
	}
	return field_fail(error, ERR_BAD_VALUE, "withdrawn_ms", "not before answered_at");
}

#define CARE_ROW                                                                                   \
	.class = KIND_CLASS_CLINICAL, .lane = LANE_CHART, .merge = KIND_MERGE_FIELDS,              \
	.read = CLINICAL_ROLES, .write = CLINICAL_ROLES, .patient_field = "patient_id"

const struct kind_info kinds_care[] = {
	{ .kind = KIND_MOOD_READ,
	  .name = "mood_read",
	  CARE_ROW,
	  KIND_MESSAGE(mood_read, mood_read_fields),
	  .subject_field = "mood_read_id",
	  .session_field = "session_id",
	  .one = "a mood read",
	  .many = "mood reads",
	  .about = "spirits and energy at the door and at goodbye",
	  .example = "--session SID --when arrival --spirits low --source my_read",
	  .example_set = "--energy tired" },
	{ .kind = KIND_PROMISE,
	  .name = "promise",
	  CARE_ROW,
	  KIND_MESSAGE(promise, promise_fields),
	  .subject_field = "promise_id",
	  .session_field = "session_id",
	  .one = "a promise",
	  .many = "promises",
	  .about = "what was said would be done",
	  .example = "--text - --due 2026-12-14",
	  .example_set = "--kept kept" },
	{ .kind = KIND_TALK_ABOUT,
	  .name = "talk_about",
	  CARE_ROW,
	  KIND_MESSAGE(talk_about, talk_about_fields),
	  .subject_field = "talk_about_id",
	  .check = check_talk_about,
	  .one = "a thing to talk about",
	  .many = "things to talk about",
	  .about = "holiday, grandchild, race: what to ask next time",
	  .example = "--text - --heard-on 2026-11-30 --ok-to-mention yes",
	  .example_set = "--expires 2026-12-31" },
	{ .kind = KIND_CONSENT,
	  .name = "consent",
	  CARE_ROW,
	  KIND_MESSAGE(consent, consent_fields),
	  .subject_field = "consent_id",
	  .session_field = "session_id",
	  .check = check_consent,
	  .one = "a consent",
	  .many = "consents",
	  .about = "what was explained and answered about one area",
	  .mark = "withdrawn",
	  .example = "--session SID --area abdomen --purpose-explained yes --answer yes",
	  .example_set = "--withdrawn" },
	{ .kind = KIND_TOUCH,
	  .name = "touch",
	  CARE_ROW,
	  KIND_MESSAGE(touch, touch_fields),
	  .subject_field = "touch_id",
	  .one = "a touch",
	  .many = "touches",
	  .about = "reaching out to a patient who stays away",
	  .example = "--what personal_call --on 2026-11-30",
	  .example_set = "--outcome schedule" },
};
const size_t kinds_care_count = COUNT_OF(kinds_care);
