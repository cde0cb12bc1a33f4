#include "record/care.h"

#include "base/check.h"
#include "record/calendar.h"
#include "record/law.h"

#include <stdlib.h>

bool care_day(const char *date, int64_t *ret_day)
{
	struct date d;
	if (date == NULL || date_parse(view_str(date), &d) != ERR_OK) return false;
	*ret_day = date_days(&d);
	return true;
}

/* ---- talk-about ------------------------------------------------------------------------------ */

int64_t care_talk_until(const Roomkeep__TalkAbout *m)
{
	int64_t day = 0;
	if (care_day(m->expires, &day)) return day;
	REQUIRE(care_day(m->heard_on, &day));
	return calendar_add_months(day, CARE_TALK_MONTHS);
}

bool care_talk_shows(const Roomkeep__TalkAbout *m, int64_t today)
{
	return m->has_ok_to_mention && m->ok_to_mention && today <= care_talk_until(m);
}

/* ---- consent --------------------------------------------------------------------------------- */

bool care_is_minor(const char *born, unsigned jurisdictions, int64_t on)
{
	int64_t born_day = 0;
	if (!care_day(born, &born_day)) return false;
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		const struct law_row *majority = law_find((enum law_jurisdiction)j, LAW_MAJORITY);
		if ((jurisdictions & LAW_BIT(j)) == 0 || majority == NULL) continue;
		if (calendar_age_years(born_day, on) < majority->value) return true;
	}
	return false;
}

bool care_consent_lacks_basis(const Roomkeep__Consent *m, bool is_minor)
{
	const bool by_guardian = m->has_given_by &&
				 m->given_by == ROOMKEEP__CONSENT__GIVEN_BY__GUARDIAN;
	return is_minor && !by_guardian && m->capacity_basis == NULL &&
	       care_consent_answer(m) == ROOMKEEP__CONSENT__ANSWER__YES;
}

Roomkeep__Consent__Answer care_consent_answer(const Roomkeep__Consent *m)
{
	return m->has_withdrawn_ms ? ROOMKEEP__CONSENT__ANSWER__WITHDRAWN : m->answer;
}

/* ---- touch ----------------------------------------------------------------------------------- */

bool care_touch_reaches_out(Roomkeep__Touch__What what)
{
	return what != ROOMKEEP__TOUCH__WHAT__LEAVE_IN_PEACE;
}

Roomkeep__Touch__Channel care_touch_channel(const Roomkeep__Touch *m)
{
	if (m->has_channel) return m->channel;
	if (m->what == ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL) return ROOMKEEP__TOUCH__CHANNEL__PHONE;
	if (m->what == ROOMKEEP__TOUCH__WHAT__SHORT_MESSAGE)
		return ROOMKEEP__TOUCH__CHANNEL__MESSAGE;
	return ROOMKEEP__TOUCH__CHANNEL__CHANNEL_UNKNOWN;
}

bool care_touch_is_consented(const Roomkeep__Touch *m, const Roomkeep__PatientDetail *detail)
{
	const Roomkeep__PatientDetail none = ROOMKEEP__PATIENT_DETAIL__INIT;
	if (detail == NULL) detail = &none;
	if (!care_touch_reaches_out(m->what)) return true;
	if (care_touch_channel(m) == ROOMKEEP__TOUCH__CHANNEL__EMAIL) {
		return detail->has_email_ok && detail->email_ok;
	}
	/* A short message stays one, by whatever telephone. */
	if (care_touch_channel(m) == ROOMKEEP__TOUCH__CHANNEL__MESSAGE ||
	    m->what == ROOMKEEP__TOUCH__WHAT__SHORT_MESSAGE) {
		return detail->has_message_ok && detail->message_ok;
	}
	if (care_touch_channel(m) == ROOMKEEP__TOUCH__CHANNEL__PHONE) {
		return !detail->has_phone_ok || detail->phone_ok;
	}
	return true;
}

bool care_touch_is_too_soon(int64_t on, int64_t other)
{
	return llabs(on - other) < CARE_TOUCH_DAYS;
}
