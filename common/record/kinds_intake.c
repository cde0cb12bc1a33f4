/* kinds_intake: who the patient is and how to treat them (DOMAIN 4.1). */
#include "record/kinds_priv.h"

#define STAFF_ROLES ROLES_STAFF
#define CLINICAL_ROLES ROLES_CARE
#define INSURERS_MAX 4

static const struct field_rule patient_detail_fields[] = {
	FIELD_OF_PATIENT,
	{ "pronounced_as", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "how to say the name" },
	{ "pronouns", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "pronouns" },
	{ "sex", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "sex, where it is clinically needed" },
	{ "gender", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "in the person's own words" },
	{ "language", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "language to talk in" },
	{ "interpreter", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "is an interpreter needed?" },
	{ "emergency_name", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX,
	  "whom to call; no right to be told anything" },
	{ "emergency_phone", FIELD_PHONE, FIELD_OPTIONAL, 1, PHONE_BYTES_MAX, "that telephone" },
	{ "guardian", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "guardian of the patient" },
	{ "jurisdiction", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "whose law the record follows" },
	{ "phone_ok", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "may we call?" },
	{ "message_ok", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "may we leave a message?" },
	{ "email_ok", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "may we write e-mail?" },
	{ "clinic_name_ok", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "may a message name the clinic?" },
	{ "custodian", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX,
	  "who answers for the record, if not the clinic" },
	{ "insurer_numbers", FIELD_TEXTS, FIELD_OPTIONAL, 0, INSURERS_MAX,
	  "plan and number, printed on receipts" },
	{ "gone_quiet_since", FIELD_DATE, FIELD_OPTIONAL, 10, 10,
	  "since when replies that used to come do not" },
	FIELD_TAKES_BACK,
};

static const struct field_rule comfort_fields[] = {
	FIELD_OF_PATIENT,
	{ "therapist_gender", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "by whom to be treated" },
	{ "chaperone", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "is a chaperone wished for?" },
	FIELD_TAKES_BACK,
};

static const struct field_rule preference_fields[] = {
	FIELD_OF_PATIENT,
	{ "pressure", FIELD_COUNT, FIELD_OPTIONAL, 1, 5, "pressure, 1 light to 5 deep" },
	{ "talk", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "talk during the treatment" },
	{ "warmth", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "heat and cold" },
	{ "music", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "music, or none" },
	{ "scent", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "scent, or none" },
	{ "drape", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "weight of the drape" },
	{ "avoid_positions", FIELD_ENUMS, FIELD_OPTIONAL, 0, 8, "position to avoid" },
	{ "never_touch", FIELD_TEXTS, FIELD_OPTIONAL, 0, 32, "area never to touch" },
	{ "undress", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "as far as the patient is at ease" },
	FIELD_TAKES_BACK,
};

static const struct field_rule alert_fields[] = {
	FIELD_OWN_ID("alert_id"),
	FIELD_OF_PATIENT,
	{ "kind", FIELD_ENUM, FIELD_FIRST, 0, 0, "what kind of alert" },
	{ "text", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "what to know" },
	{ "started", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "since when" },
	{ "ended", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "until when; absent: it stands" },
	{ "reason", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "why it was set or ended" },
	FIELD_TAKES_BACK,
};

static const struct field_rule health_answer_fields[] = {
	FIELD_OWN_ID("health_answer_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_SESSION,
	{ "question", FIELD_ENUM, FIELD_REQUIRED, 0, 0, "what was asked" },
	{ "answer", FIELD_ENUM, FIELD_REQUIRED, 0, 0, "what was answered" },
	{ "detail", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "more about it" },
	{ "asked_on", FIELD_DATE, FIELD_REQUIRED, 10, 10, "the day it was asked" },
	{ "source", FIELD_ENUM, FIELD_REQUIRED, 0, 0, "where the answer comes from" },
};

static const struct field_rule episode_fields[] = {
	FIELD_OWN_ID("episode_id"),
	FIELD_OF_PATIENT,
	{ "complaint", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "what the patient comes for" },
	{ "onset", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "when it began, how fast" },
	{ "mechanism", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "what happened" },
	{ "aggravating", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "what makes it worse" },
	{ "easing", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "what makes it better" },
	{ "pattern", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "how it goes over the day" },
	{ "goals", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "goals, in the patient's words" },
	{ "demands", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "demands of work and sport" },
	{ "activities", FIELD_TEXTS, FIELD_OPTIONAL, 0, 10, "activity that is hard to do" },
	{ "third_party_claim", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "is there a claim?" },
	{ "started", FIELD_DATE, FIELD_FIRST, 10, 10, "first day of this episode" },
	{ "closed", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "last day of it" },
	FIELD_TAKES_BACK,
};

static enum err check_alert(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Alert *m = (const Roomkeep__Alert *)(const void *)message;
	return field_check_order(m->started, m->ended, "ended", error);
}

static enum err check_episode(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Episode *m = (const Roomkeep__Episode *)(const void *)message;
	return field_check_order(m->started, m->closed, "closed", error);
}

const struct kind_info kinds_intake[] = {
	{ .kind = KIND_PATIENT_DETAIL,
	  .name = "patient_detail",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = STAFF_ROLES,
	  .write = STAFF_ROLES,
	  KIND_MESSAGE(patient_detail, patient_detail_fields),
	  .subject_field = "patient_id",
	  .patient_field = "patient_id",
	  .one = "a patient's details",
	  .about = "language, people to call, consent per channel",
	  .example = "--pronouns they/them --message-ok no" },
	{ .kind = KIND_COMFORT,
	  .name = "comfort",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = STAFF_ROLES,
	  .write = STAFF_ROLES,
	  KIND_MESSAGE(comfort, comfort_fields),
	  .subject_field = "patient_id",
	  .patient_field = "patient_id",
	  .one = "a patient's comfort",
	  .about = "by whom to be treated, and with whom in the room",
	  .example = "--therapist-gender prefers_woman --chaperone yes" },
	{ .kind = KIND_PREFERENCE,
	  .name = "preference",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = CLINICAL_ROLES,
	  .write = CLINICAL_ROLES,
	  KIND_MESSAGE(preference, preference_fields),
	  .subject_field = "patient_id",
	  .patient_field = "patient_id",
	  .one = "a patient's preferences",
	  .about = "pressure, talk, warmth, positions, areas never to touch",
	  .example = "--pressure 3 --talk quiet" },
	{ .kind = KIND_ALERT,
	  .name = "alert",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = CLINICAL_ROLES,
	  .write = CLINICAL_ROLES,
	  KIND_MESSAGE(alert, alert_fields),
	  .subject_field = "alert_id",
	  .patient_field = "patient_id",
	  .check = check_alert,
	  .one = "an alert",
	  .many = "alerts",
	  .about = "what everybody who treats must know first",
	  .example = "--kind allergy --text -",
	  .example_set = "--ended 2026-12-01 --reason -" },
	{ .kind = KIND_HEALTH_ANSWER,
	  .name = "health_answer",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = CLINICAL_ROLES,
	  .write = CLINICAL_ROLES,
	  KIND_MESSAGE(health_answer, health_answer_fields),
	  .subject_field = "health_answer_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .one = "an answer about the patient's health",
	  .many = "health answers",
	  .about = "the health history, as answered on a day",
	  .example = "--question diabetes --answer no --asked-on 2026-11-30 --source form" },
	{ .kind = KIND_EPISODE,
	  .name = "episode",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = CLINICAL_ROLES,
	  .write = CLINICAL_ROLES,
	  KIND_MESSAGE(episode, episode_fields),
	  .subject_field = "episode_id",
	  .patient_field = "patient_id",
	  .check = check_episode,
	  .one = "an episode of care",
	  .many = "episodes of care",
	  .about = "what a patient comes for, over several sessions",
	  .example = "--complaint - --started 2026-11-30",
	  .example_set = "--goals - --closed 2027-01-15" },
};
const size_t kinds_intake_count = COUNT_OF(kinds_intake);
