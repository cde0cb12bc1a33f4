/* kinds_referral: each letter to somebody else on its way (DOMAIN 4.9). */
#include "record/kinds_priv.h"

#include "record/referral_record.h"

#define DAY FIELD_DATE, FIELD_OPTIONAL, 10, 10
#define WORDS FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX

static const struct field_rule referral_fields[] = {
	FIELD_OWN_ID("referral_id"),
	FIELD_OF_PATIENT,
	FIELD_OF_SESSION,
	{ "provider_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "to whom: list providers" },
	{ "state", FIELD_ENUM, FIELD_FIRST, 0, 0, "how far it is; at first noticed" },
	{ "ask", FIELD_TEXT, FIELD_FIRST, 1, TEXT_BYTES_MAX, "what is asked of them" },
	{ "red_flag", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "must it go out the same day?" },
	{ "noticed_on", FIELD_DATE, FIELD_FIRST, 10, 10, "the day it was noticed" },
	{ "discussed_on", DAY, "talked over with the patient" },
	{ "consent_on", DAY, "the patient agreed" },
	{ "drafted_on", DAY, "the letter was written" },
	{ "sent_on", DAY, "it went out" },
	{ "acknowledged_on", DAY, "they said that they have it" },
	{ "replied_on", DAY, "their answer was filed" },
	{ "told_on", DAY, "the patient heard what came back" },
	{ "closed_on", DAY, "closed or declined" },
	{ "reason", WORDS, "why it ended without an answer" },
	{ "reply", WORDS, "what came back" },
	{ "learning_note", WORDS, "not sure about this: okay to admit" },
	FIELD_TAKES_BACK,
};
#undef DAY
#undef WORDS

/* ---- the dated facts of a referral ---------------------------------------------------------- */

static const Roomkeep__Referral *referral_of(const ProtobufCMessage *message)
{
	return (const Roomkeep__Referral *)(const void *)message;
}

/* Absent when the first op was erased. The numbers on the wire are one above referral.h. */
enum referral_state referral_record_state(const Roomkeep__Referral *m)
{
	return m->has_state ? (enum referral_state)(m->state - 1) : REFERRAL_NOTICED;
}

struct referral_fact {
	const char *field;
	const char *day;
};

/* The day that belongs to a state, in the order of the states; the last two share one. */
static struct referral_fact referral_fact_of(const Roomkeep__Referral *m, enum referral_state s)
{
	switch (s) {
	case REFERRAL_NOTICED: return (struct referral_fact){ "noticed_on", m->noticed_on };
	case REFERRAL_DISCUSSED: return (struct referral_fact){ "discussed_on", m->discussed_on };
	case REFERRAL_CONSENTED: return (struct referral_fact){ "consent_on", m->consent_on };
	case REFERRAL_DRAFTED: return (struct referral_fact){ "drafted_on", m->drafted_on };
	case REFERRAL_SENT: return (struct referral_fact){ "sent_on", m->sent_on };
	case REFERRAL_ACKNOWLEDGED:
		return (struct referral_fact){ "acknowledged_on", m->acknowledged_on };
	case REFERRAL_REPLIED: return (struct referral_fact){ "replied_on", m->replied_on };
	case REFERRAL_TOLD: return (struct referral_fact){ "told_on", m->told_on };
	case REFERRAL_CLOSED:
	case REFERRAL_DECLINED:
	case REFERRAL_STATE_COUNT: break;
	}
	return (struct referral_fact){ "closed_on", m->closed_on };
}

static bool day_of(const char *text, int64_t *ret_day)
{
	struct date d;
	if (text == NULL || date_parse(view_str(text), &d) != ERR_OK) return false;
	*ret_day = date_days(&d);
	return true;
}

bool referral_record_read(const Roomkeep__Referral *m, struct referral *ret)
{
	struct referral r = { .state = referral_record_state(m), .red_flag = m->red_flag };
	/* Without its first op a record may lack what it began with. */
	if (!day_of(m->noticed_on, &r.noticed_on)) return false;
	if (!day_of(referral_fact_of(m, r.state).day, &r.entered_on)) r.entered_on = r.noticed_on;
	if (!day_of(m->sent_on, &r.sent_on)) r.sent_on = r.entered_on;
	*ret = r;
	return true;
}

static enum err check_days(const Roomkeep__Referral *m, struct record_error *error)
{
	const char *earlier = NULL;
	for (int s = REFERRAL_NOTICED; s <= REFERRAL_CLOSED; s++) {
		const struct referral_fact fact = referral_fact_of(m, (enum referral_state)s);
		TRY(field_check_order(earlier, fact.day, fact.field, error));
		if (fact.day != NULL) earlier = fact.day;
	}
	return ERR_OK;
}

/* No state is skipped, and each is entered with its day (DOMAIN 4.9). */
static enum err check_referral_change(const struct kind_change *change, struct record_error *error)
{
	const Roomkeep__Referral *m = referral_of(change->after);
	const enum referral_state from =
		change->before == NULL ? REFERRAL_NOTICED
				       : referral_record_state(referral_of(change->before));
	const struct referral_move move = {
		.from = from,
		.to = referral_record_state(m),
		.has_consent_date = m->consent_on != NULL,
		.reason = m->reason == NULL ? VIEW_EMPTY : view_str(m->reason),
	};
	TRY(check_days(m, error));
	if (move.to == move.from) return ERR_OK;
	TRY(referral_move_check(&move, error));
	const struct referral_fact fact = referral_fact_of(m, move.to);
	if (fact.day != NULL) return ERR_OK;
	return field_fail(error, ERR_BAD_VALUE, fact.field, "the day on which this state began");
}

const struct kind_info kinds_referral[] = {
	{ .kind = KIND_REFERRAL,
	  .name = "referral",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_CARE,
	  .write = ROLES_CARE,
	  KIND_MESSAGE(referral, referral_fields),
	  .subject_field = "referral_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .check_change = check_referral_change,
	  .ref_field = "provider_id",
	  .ref_kind = KIND_PROVIDER,
	  .has_clock = true,
	  .one = "a referral",
	  .many = "referrals",
	  .about = "a letter to somebody else, until the patient was told",
	  .example = "--state noticed --noticed-on 2026-11-30 --ask -",
	  .example_set = "--state discussed --discussed-on 2026-11-30",
	  .columns = "state:State,waiting:Waiting for,overdue_since:Overdue since,ask:Ask,"
		     "patient_id:Patient,referral_id:Id" },
};
const size_t kinds_referral_count = COUNT_OF(kinds_referral);
