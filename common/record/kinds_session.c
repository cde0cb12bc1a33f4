/* kinds_session: what a session holds beside its texts and measures (DOMAIN 4.2), and the mark of
 * one that was entered on the wrong chart (3g). What must be there to sign: session_rules.h. */
#include "record/kinds_priv.h"

#include "record/reflect.h"

#define CLINICAL_ROLES ROLES_CARE
#define SCALE_MAX 10
#define NEXT_DAYS_MAX 730
#define HANDS_ON_MINUTES_MAX 720
#define TREATMENT_MINUTES_MAX 240

#define FIELD_OF_OWN_SESSION                                                                       \
	{                                                                                          \
		"session_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "of which session"                   \
	}
#define FIELD_OF_REGION                                                                            \
	{                                                                                          \
		"region", FIELD_ENUM, FIELD_FIRST, 0, 0, "region of the body"                      \
	}
#define FIELD_OF_SIDE                                                                              \
	{                                                                                          \
		"side", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "side of the body"                       \
	}
#define FIELD_SCALE(name, help)                                                                    \
	{                                                                                          \
		name, FIELD_COUNT, FIELD_OPTIONAL, 0, SCALE_MAX, help                              \
	}
#define FIELD_WORD(name, help)                                                                     \
	{                                                                                          \
		name, FIELD_ENUM, FIELD_OPTIONAL, 0, 0, help                                       \
	}
#define FIELD_YES_NO(name, help)                                                                   \
	{                                                                                          \
		name, FIELD_BOOL, FIELD_OPTIONAL, 0, 0, help                                       \
	}
#define FIELD_LINE(name, help)                                                                     \
	{                                                                                          \
		name, FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, help                          \
	}
#define FIELD_WORDS(name, help)                                                                    \
	{                                                                                          \
		name, FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, help                          \
	}
#define FIELD_AT(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_TIME, FIELD_OPTIONAL, 0, 0, help                                       \
	}
#define FIELD_DAY(name, help)                                                                      \
	{                                                                                          \
		name, FIELD_DATE, FIELD_OPTIONAL, 10, 10, help                                     \
	}

static const struct field_rule session_chart_fields[] = {
	FIELD_OWN_ID("session_id"),
	FIELD_OF_PATIENT,
	FIELD_WORD("type", "kind of visit"),
	FIELD_AT("booked_ms", "for when it was booked"),
	FIELD_AT("arrived_ms", "when the patient came"),
	FIELD_LINE("student", "who treated under supervision"),
	FIELD_LINE("supervisor", "who supervised"),
	FIELD_LINE("chaperone", "who was there as chaperone"),
	FIELD_LINE("interpreter", "who interpreted"),
	FIELD_WORD("consented", "did the patient agree to what was explained?"),
	{ "episode_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "the complaint" },
	FIELD_YES_NO("no_complaint", "came for relaxation"),
	FIELD_SCALE("pain_now", "pain now"),
	FIELD_SCALE("pain_worst", "pain at its worst"),
	FIELD_SCALE("pain_best", "pain at its best"),
	FIELD_WORD("change_since", "since the last session"),
	FIELD_WORD("homecare_done", "homecare done"),
	FIELD_SCALE("sleep", "sleep, 10 is best"),
	FIELD_SCALE("stress", "stress, 0 is none"),
	FIELD_YES_NO("health_changed", "new medication, illness or injury?"),
	FIELD_WORDS("health_change", "what changed"),
	FIELD_WORD("red_flags", "screen for red flags"),
	{ "red_flags_found", FIELD_TEXTS, FIELD_OPTIONAL, 0, 16, "which flags" },
	FIELD_WORDS("own_words", "what the patient said, word for word"),
	{ "posture", FIELD_ENUMS, FIELD_OPTIONAL, 0, 18, "posture" },
	{ "gait", FIELD_ENUMS, FIELD_OPTIONAL, 0, 9, "gait" },
	FIELD_WORDS("impression", "signs consistent with; no diagnosis"),
	FIELD_WORDS("factors", "what contributes"),
	FIELD_WORD("response_to_plan", "to what was planned last time"),
	FIELD_YES_NO("contraindications_considered", "were contraindications considered?"),
	FIELD_WORDS("contraindications", "which, and what follows"),
	FIELD_WORD("progress", "towards the goals"),
	FIELD_YES_NO("draped_as_consented", "was the draping as agreed?"),
	{ "hands_on_minutes", FIELD_COUNT, FIELD_OPTIONAL, 0, HANDS_ON_MINUTES_MAX,
	  "minutes of treatment" },
	{ "check_ins", FIELD_COUNT, FIELD_OPTIONAL, 0, 100, "how often you asked" },
	{ "pressure_asked", FIELD_ENUMS, FIELD_OPTIONAL, 0, 2, "what the patient asked for" },
	FIELD_AT("stopped_ms", "when the patient stopped it"),
	FIELD_YES_NO("no_adverse_event", "nothing adverse happened"),
	{ "next_in_days", FIELD_COUNT, FIELD_OPTIONAL, 1, NEXT_DAYS_MAX, "days to the next visit" },
	FIELD_YES_NO("next_as_needed", "the next visit is as needed"),
	FIELD_WORDS("focus", "of the next visit"),
	FIELD_DAY("reassess_on", "when to assess again"),
	FIELD_WORDS("self_referral", "advice to see somebody else"),
	FIELD_DAY("goals_due", "when the goals are due"),
	{ "shown", FIELD_ENUMS, FIELD_OPTIONAL, 0, 6, "what the patient was shown" },
	FIELD_YES_NO("booked_next", "is the next visit booked?"),
	FIELD_LINE("booked_by", "who booked it"),
	FIELD_LINE("receipt_number", "number of the receipt"),
	FIELD_WORD("pain_not_done", "pain was not asked, because"),
	FIELD_WORD("change_not_done", "change was not asked, because"),
	FIELD_WORD("health_not_done", "health was not asked, because"),
	FIELD_WORD("red_flags_not_done", "red flags were not looked for, because"),
	FIELD_WORD("treatment_not_done", "nothing was treated, because"),
	{ "reentered_from", FIELD_ID, FIELD_OPTIONAL, 0, 0,
	  "the session on a wrong chart that this replaces" },
	FIELD_WORD("comfort_after", "at ease now, against the way in"),
	FIELD_YES_NO("asleep", "sleeps on the table: no prompt to measure between"),
	FIELD_TAKES_BACK,
};

static const struct field_rule discomfort_fields[] = {
	FIELD_OWN_ID("discomfort_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_OWN_SESSION,
	FIELD_OF_REGION,
	FIELD_OF_SIDE,
	{ "quality", FIELD_ENUMS, FIELD_FIRST, 0, 8, "how it feels" },
	FIELD_TAKES_BACK,
};

static const struct field_rule palpation_fields[] = {
	FIELD_OWN_ID("palpation_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_OWN_SESSION,
	FIELD_OF_REGION,
	FIELD_OF_SIDE,
	FIELD_WORD("tone", "tone"),
	FIELD_WORD("texture", "texture"),
	FIELD_WORD("temperature", "temperature"),
	{ "tenderness", FIELD_COUNT, FIELD_OPTIONAL, 0, 4, "tenderness" },
	FIELD_YES_NO("trigger_point", "is there a trigger point?"),
	FIELD_WORD("swelling", "swelling"),
	FIELD_TAKES_BACK,
};

static const struct field_rule treatment_fields[] = {
	FIELD_OWN_ID("treatment_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_OWN_SESSION,
	FIELD_OF_REGION,
	{ "pressure", FIELD_COUNT, FIELD_FIRST, 1, 5, "pressure" },
	{ "technique", FIELD_ENUMS, FIELD_OPTIONAL, 0, 24, "technique" },
	{ "minutes", FIELD_COUNT, FIELD_OPTIONAL, 1, TREATMENT_MINUTES_MAX, "minutes" },
	FIELD_OF_SIDE,
	FIELD_WORD("position", "position on the table"),
	FIELD_LINE("product", "oil, cream or other product"),
	FIELD_WORD("response", "how the tissue answered"),
	FIELD_TAKES_BACK,
};

static const struct field_rule homecare_item_fields[] = {
	FIELD_OWN_ID("homecare_item_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_OWN_SESSION,
	{ "what", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "what to do" },
	FIELD_LINE("dose", "how much, how often"),
	FIELD_WORDS("why", "what it is for"),
	FIELD_YES_NO("taught", "was it taught?"),
	FIELD_TAKES_BACK,
};

static const struct field_rule adverse_event_fields[] = {
	FIELD_OWN_ID("adverse_event_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_OWN_SESSION,
	{ "kind", FIELD_ENUM, FIELD_FIRST, 0, 0, "what happened" },
	{ "severity", FIELD_ENUM, FIELD_FIRST, 0, 0, "how severe" },
	FIELD_WORDS("action", "what was done"),
	FIELD_DAY("follow_up_on", "day of the follow-up call"),
	FIELD_TAKES_BACK,
};

static const struct field_rule misfiling_fields[] = {
	FIELD_OWN_ID("session_id"),
	FIELD_OF_PATIENT,
	{ "reason", FIELD_TEXT, FIELD_REQUIRED, 1, TEXT_BYTES_MAX, "why it was wrong" },
	{ "right_session_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "where it was entered again" },
};

/* A record stays in the session it was made in: else a Sign could be walked around. */
static enum err check_session_kept(const struct kind_change *change, struct record_error *error)
{
	ProtobufCBinaryData was;
	ProtobufCBinaryData is;
	if (change->before == NULL) return ERR_OK;
	const ProtobufCFieldDescriptor *f = reflect_field(change->after->descriptor, "session_id");
	reflect_get(change->before, f, &was, sizeof(was));
	reflect_get(change->after, f, &is, sizeof(is));
	if (view_equal(view_of(was.data, was.len), view_of(is.data, is.len))) return ERR_OK;
	return field_fail(error, ERR_BAD_VALUE, "session_id", "the session it was made in");
}

static enum err check_misfiling(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Misfiling *m = (const Roomkeep__Misfiling *)(const void *)message;
	const struct view wrong = view_of(m->session_id.data, m->session_id.len);
	if (!view_equal(wrong, view_of(m->right_session_id.data, m->right_session_id.len))) {
		return ERR_OK;
	}
	return field_fail(error, ERR_BAD_VALUE, "right_session_id", "another session");
}

#define SESSION_ROW                                                                                \
	.class = KIND_CLASS_CLINICAL, .lane = LANE_CHART, .merge = KIND_MERGE_FIELDS,              \
	.read = CLINICAL_ROLES, .write = CLINICAL_ROLES, .patient_field = "patient_id",            \
	.session_field = "session_id", .own_session = true, .closed_by_sign = true
#define SESSION_ROWS SESSION_ROW, .check_change = check_session_kept

const struct kind_info kinds_session[] = {
	{ .kind = KIND_SESSION_CHART,
	  .name = "session_chart",
	  SESSION_ROW,
	  KIND_MESSAGE(session_chart, session_chart_fields),
	  .subject_field = "session_id",
	  .ref_field = "episode_id",
	  .ref_kind = KIND_EPISODE,
	  .one = "the fields of a session",
	  .about = "what a session says beside its texts" },
	{ .kind = KIND_DISCOMFORT,
	  .name = "discomfort",
	  SESSION_ROWS,
	  KIND_MESSAGE(discomfort, discomfort_fields),
	  .subject_field = "discomfort_id",
	  .one = "a discomfort",
	  .many = "discomforts",
	  .about = "where it hurts, and how",
	  .example = "--region neck --side left --quality ache",
	  .example_set = "--quality pull" },
	{ .kind = KIND_PALPATION,
	  .name = "palpation",
	  SESSION_ROWS,
	  KIND_MESSAGE(palpation, palpation_fields),
	  .subject_field = "palpation_id",
	  .one = "a palpation",
	  .many = "palpations",
	  .about = "what the hand found in one region",
	  .example = "--region neck --tone raised --tenderness 2",
	  .example_set = "--trigger-point yes" },
	{ .kind = KIND_TREATMENT,
	  .name = "treatment",
	  SESSION_ROWS,
	  KIND_MESSAGE(treatment, treatment_fields),
	  .subject_field = "treatment_id",
	  .one = "a treatment",
	  .many = "treatments",
	  .about = "what was done in one region",
	  .example = "--region neck --pressure 3 --technique petrissage --minutes 15",
	  .example_set = "--response eased" },
	{ .kind = KIND_HOMECARE_ITEM,
	  .name = "homecare_item",
	  SESSION_ROWS,
	  KIND_MESSAGE(homecare_item, homecare_item_fields),
	  .subject_field = "homecare_item_id",
	  .one = "a homecare item",
	  .many = "homecare items",
	  .about = "something the patient does at home",
	  .example = "--what - --dose \"3 times a day\" --taught yes",
	  .example_set = "--taught yes" },
	{ .kind = KIND_ADVERSE_EVENT,
	  .name = "adverse_event",
	  SESSION_ROWS,
	  KIND_MESSAGE(adverse_event, adverse_event_fields),
	  .subject_field = "adverse_event_id",
	  .one = "an adverse event",
	  .many = "adverse events",
	  .about = "what the treatment did that it should not",
	  .example = "--kind bruise --severity mild --follow-up-on 2026-12-01",
	  .example_set = "--action -" },
	{ .kind = KIND_MISFILING,
	  .name = "misfiling",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = CLINICAL_ROLES,
	  .write = CLINICAL_ROLES,
	  KIND_MESSAGE(misfiling, misfiling_fields),
	  .subject_field = "session_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .own_session = true,
	  .check = check_misfiling,
	  .one = "the mark of a session on the wrong chart",
	  .about = "a session that was entered in error" },
};
const size_t kinds_session_count = COUNT_OF(kinds_session);
