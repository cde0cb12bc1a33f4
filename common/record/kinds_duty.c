/* kinds_duty: requests with a clock and the registers the law asks for (DOMAIN 3, 3f). */
#include "record/duty_record.h"
#include "record/kinds_priv.h"

#define DAY FIELD_DATE, FIELD_OPTIONAL, 10, 10
#define DAY_FIRST FIELD_DATE, FIELD_FIRST, 10, 10
#define LINE FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX
#define WORDS FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX

static const struct field_rule request_fields[] = {
	FIELD_OWN_ID("request_id"),
	FIELD_OF_PATIENT,
	{ "session_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "about which session" },
	{ "kind", FIELD_ENUM, FIELD_FIRST, 0, 0, "what is asked for" },
	{ "received_on", DAY_FIRST, "the day it came" },
	{ "what", WORDS, "in the patient's words" },
	{ "identity_checked_by", LINE, "who made sure who asks" },
	{ "extended_on", DAY, "day of the letter that takes more time" },
	{ "extension_reason", WORDS, "why more time is needed" },
	{ "decision", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "granted or refused" },
	{ "reason", WORDS, "why it was decided so" },
	{ "annotation", WORDS, "the correction that was asked for" },
	{ "sent_on", DAY, "the day of the answer" },
	{ "how", LINE, "how it was sent" },
	{ "fee_cents", FIELD_COUNT, FIELD_OPTIONAL, 0, 1000000, "fee in cents" },
	FIELD_TAKES_BACK,
};

static const struct field_rule disclosure_fields[] = {
	FIELD_OWN_ID("disclosure_id"),
	FIELD_OF_PATIENT,
	{ "recipient", FIELD_NAME, FIELD_REQUIRED, 1, NAME_BYTES_MAX, "to whom" },
	{ "what", FIELD_TEXT, FIELD_REQUIRED, 1, TEXT_BYTES_MAX, "what was given" },
	{ "basis", FIELD_ENUM, FIELD_REQUIRED, 0, 0, "on which ground" },
	{ "consent_signed_on", DAY, "the day the consent was signed" },
	{ "given_on", FIELD_DATE, FIELD_REQUIRED, 10, 10, "the day it was given" },
	{ "how", LINE, "how it was sent" },
	{ "request_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "the request it answers" },
};

static const struct field_rule incident_fields[] = {
	FIELD_OWN_ID("incident_id"),
	{ "category", FIELD_ENUM, FIELD_FIRST, 0, 0, "what happened" },
	{ "happened_on", DAY, "the day it happened" },
	{ "found_on", DAY_FIRST, "the day it was found" },
	{ "what", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "in words" },
	{ "people", FIELD_COUNT, FIELD_OPTIONAL, 0, 1000000, "how many people it is about" },
	{ "sensitivity", FIELD_ENUM, FIELD_FIRST, 0, 0, "how sensitive it is" },
	{ "probability", FIELD_ENUM, FIELD_FIRST, 0, 0, "will it be misused?" },
	{ "encrypted", FIELD_BOOL, FIELD_FIRST, 0, 0, "was it encrypted?" },
	{ "key_on_device", FIELD_BOOL, FIELD_FIRST, 0, 0, "was the key with it?" },
	{ "told_on", DAY, "the people were told" },
	{ "commissioner_told_on", DAY, "the authority was told" },
	{ "done", WORDS, "what was done about it" },
	FIELD_TAKES_BACK,
};

static const struct field_rule statement_fields[] = {
	FIELD_OWN_ID("statement_id"),
	FIELD_OF_PATIENT,
	{ "session_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "about which session" },
	{ "request_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "after which request" },
	{ "text", FIELD_TEXT, FIELD_REQUIRED, 1, TEXT_BYTES_MAX, "the patient's own words" },
	{ "written_on", FIELD_DATE, FIELD_REQUIRED, 10, 10, "the day it was written" },
};

static const struct field_rule legal_hold_fields[] = {
	FIELD_OWN_ID("legal_hold_id"),
	FIELD_OF_PATIENT,
	{ "reason", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "why nothing may go" },
	{ "placed_on", DAY_FIRST, "since when" },
	{ "lifted_on", DAY, "until when; absent: it stands" },
	{ "lift_reason", WORDS, "why it was lifted" },
	FIELD_TAKES_BACK,
};
#undef DAY
#undef DAY_FIRST
#undef LINE
#undef WORDS

/* ---- rules ----------------------------------------------------------------------------------- */

static struct view text_view(const char *text)
{
	return text == NULL ? VIEW_EMPTY : view_str(text);
}

/* BC5: a correction is refused with an annotation or not at all. ON6: more time has a reason. */
static enum err check_request_change(const struct kind_change *change, struct record_error *error)
{
	const Roomkeep__Request *m = (const Roomkeep__Request *)(const void *)change->after;
	TRY(field_check_order(m->received_on, m->extended_on, "extended_on", error));
	TRY(field_check_order(m->received_on, m->sent_on, "sent_on", error));
	if (m->extended_on != NULL && m->extension_reason == NULL) {
		return field_fail(error, ERR_BAD_VALUE, "extension_reason",
				  "why more time is needed, in writing");
	}
	if (m->kind != ROOMKEEP__REQUEST__KIND__CORRECTION || !m->has_decision) return ERR_OK;
	const enum law_decision decision =
		m->decision == ROOMKEEP__REQUEST__DECISION__REFUSED ? LAW_REFUSED : LAW_GRANTED;
	return law_correction_check(decision, text_view(m->annotation), error);
}

static enum err check_disclosure(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Disclosure *m = (const Roomkeep__Disclosure *)(const void *)message;
	if (m->basis == ROOMKEEP__DISCLOSURE__BASIS__CONSENT && m->consent_signed_on == NULL) {
		return field_fail(error, ERR_BAD_VALUE, "consent_signed_on",
				  "the day the consent was signed");
	}
	return field_check_order(m->consent_signed_on, m->given_on, "given_on", error);
}

/* ON4: how old the consent may be is the law of the patient's jurisdictions. */
static enum err check_disclosure_change(const struct kind_change *change,
					struct record_error *error)
{
	const Roomkeep__Disclosure *m = (const Roomkeep__Disclosure *)(const void *)change->after;
	int64_t signed_on;
	int64_t given_on;
	TRY(check_disclosure(change->after, error));
	if (m->basis != ROOMKEEP__DISCLOSURE__BASIS__CONSENT) return ERR_OK;
	if (!duty_day(m->consent_signed_on, &signed_on) || !duty_day(m->given_on, &given_on))
		return ERR_OK;
	const enum err e = law_release_consent_check(change->jurisdictions, signed_on, given_on);
	if (e != ERR_EXPIRED) return e;
	return field_fail(error, ERR_BAD_VALUE, "consent_signed_on",
			  "within 183 days before it is given (ON4)");
}

static enum err check_incident(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Incident *m = (const Roomkeep__Incident *)(const void *)message;
	TRY(field_check_order(m->happened_on, m->found_on, "found_on", error));
	TRY(field_check_order(m->found_on, m->told_on, "told_on", error));
	return field_check_order(m->found_on, m->commissioner_told_on, "commissioner_told_on",
				 error);
}

static enum err check_legal_hold(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__LegalHold *m = (const Roomkeep__LegalHold *)(const void *)message;
	return field_check_order(m->placed_on, m->lifted_on, "lifted_on", error);
}

const struct kind_info kinds_duty[] = {
	{ .kind = KIND_REQUEST,
	  .name = "request",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(request, request_fields),
	  .subject_field = "request_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .check_change = check_request_change,
	  .has_clock = true,
	  .one = "a request",
	  .many = "requests",
	  .about = "what a patient asks for, with the day it is due",
	  .example = "--kind access --received-on 2026-11-30",
	  .example_set = "--decision refused --annotation - --sent-on 2026-12-10",
	  .columns = "kind:Asks for,received_on:Received,due_on:Due,light:Light,waiting:Waiting,"
		     "patient_id:Patient,request_id:Id" },
	{ .kind = KIND_DISCLOSURE,
	  .name = "disclosure",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(disclosure, disclosure_fields),
	  .subject_field = "disclosure_id",
	  .patient_field = "patient_id",
	  .check = check_disclosure,
	  .check_change = check_disclosure_change,
	  .ref_field = "request_id",
	  .ref_kind = KIND_REQUEST,
	  .one = "a disclosure",
	  .many = "disclosures",
	  .about = "what was given to whom, and on which ground",
	  .example = "--recipient 'Harbour Mutual' --what - --basis law --given-on 2026-11-30" },
	{ .kind = KIND_INCIDENT,
	  .name = "incident",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_STAFF,
	  .write = ROLES_STAFF,
	  KIND_MESSAGE(incident, incident_fields),
	  .subject_field = "incident_id",
	  .check = check_incident,
	  .has_clock = true,
	  .kept = true,
	  .one = "an incident",
	  .many = "incidents",
	  .about = "information lost, stolen or seen by the wrong one",
	  .example = "--category theft --found-on 2026-11-30 --what - --sensitivity high"
		     " --probability unlikely --encrypted yes --key-on-device no",
	  .example_set = "--told-on 2026-12-01",
	  .columns = "category:Category,found_on:Found,real_risk:Real risk,waiting:Waiting,"
		     "kept_until:Kept until,incident_id:Id" },
	{ .kind = KIND_STATEMENT,
	  .name = "statement",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIRST,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(statement, statement_fields),
	  .subject_field = "statement_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .ref_field = "request_id",
	  .ref_kind = KIND_REQUEST,
	  .one = "a statement of disagreement",
	  .many = "statements of disagreement",
	  .about = "the patient disagrees with an entry",
	  .example = "--request ID --text - --written-on 2026-11-30" },
	{ .kind = KIND_LEGAL_HOLD,
	  .name = "legal_hold",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(legal_hold, legal_hold_fields),
	  .subject_field = "legal_hold_id",
	  .patient_field = "patient_id",
	  .check = check_legal_hold,
	  .kept = true,
	  .one = "a legal hold",
	  .many = "legal holds",
	  .about = "nothing of the patient goes while it stands",
	  .example = "--reason - --placed-on 2026-11-30",
	  .example_set = "--lifted-on 2027-06-01 --lift-reason -" },
};
const size_t kinds_duty_count = COUNT_OF(kinds_duty);

/* ---- what the records say -------------------------------------------------------------------- */

bool duty_day(const char *text, int64_t *ret_day)
{
	struct date d;
	if (text == NULL || date_parse(view_str(text), &d) != ERR_OK) return false;
	*ret_day = date_days(&d);
	return true;
}

static unsigned jurisdiction_bit(Roomkeep__PatientDetail__Jurisdiction jurisdiction)
{
	switch (jurisdiction) {
	case ROOMKEEP__PATIENT_DETAIL__JURISDICTION__CA_BC: return LAW_BIT(LAW_CA_BC);
	case ROOMKEEP__PATIENT_DETAIL__JURISDICTION__CA_ON: return LAW_BIT(LAW_CA_ON);
	case ROOMKEEP__PATIENT_DETAIL__JURISDICTION__US: return LAW_BIT(LAW_US);
	case ROOMKEEP__PATIENT_DETAIL__JURISDICTION__OTHER: return LAW_BIT(LAW_OTHER);
	case ROOMKEEP__PATIENT_DETAIL__JURISDICTION__JURISDICTION_UNKNOWN:
	case _ROOMKEEP__PATIENT_DETAIL__JURISDICTION_IS_INT_SIZE: break;
	}
	return 0;
}

unsigned duty_jurisdiction_bit(const Roomkeep__PatientDetail *m)
{
	return m->has_jurisdiction ? jurisdiction_bit(m->jurisdiction) : 0;
}

unsigned duty_clinic_bit(const Roomkeep__ClinicProfile *m)
{
	return m->has_jurisdiction ? jurisdiction_bit(m->jurisdiction) : 0;
}

enum err duty_request_clock(const Roomkeep__Request *m, unsigned jurisdictions,
			    const struct calendar *calendar, struct law_clock *ret_clock)
{
	struct law_clock first = { .due = CALENDAR_DAY_MAX + 1 };
	int64_t received;
	ENSURE(m->has_kind && duty_day(m->received_on, &received), ERR_NOT_FOUND);
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		struct law_clock one;
		if ((jurisdictions & LAW_BIT(j)) == 0) continue;
		TRY(law_request_due((enum law_request)(m->kind - 1), (enum law_jurisdiction)j,
				    received, m->extended_on != NULL, calendar, &one));
		if (one.due < first.due) first = one;
	}
	*ret_clock = first;
	return ERR_OK;
}

/* The numbers on the wire are those of law_duty.h. */
enum err duty_incident_read(const Roomkeep__Incident *m, struct duty_incident *ret)
{
	struct duty_incident i = { 0 };
	ENSURE(m->has_category && m->has_sensitivity && m->has_probability, ERR_NOT_FOUND);
	TRY(law_harm_test((enum law_level)m->sensitivity, (enum law_level)m->probability, true,
			  &i.real_risk, NULL));
	i.notice = law_incident_notice((enum law_incident)m->category,
				       m->encrypted && !m->key_on_device);
	i.notice.person = i.notice.person || i.real_risk;
	i.encryption = law_incident_encryption(m->encrypted, m->key_on_device);
	*ret = i;
	return ERR_OK;
}

bool duty_incident_is_kept(uint64_t recorded_ms, uint64_t now_ms)
{
	return law_incident_delete_check(LAW_DEFAULT, calendar_day_of(recorded_ms, 0),
					 calendar_day_of(now_ms, 0)) != ERR_OK;
}
