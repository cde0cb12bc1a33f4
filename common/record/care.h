/* care: what may be done about a patient, where one record alone cannot say: minors and consent,
 * what may be brought up, and who may reach out to somebody who stays away.
 *
 * Owns:    nothing.   Threads: any, pure functions.   Days: calendar.h; no clock, today comes in.
 * Rules:   DOMAIN 3h and BC10 (consent), 4.4 (talk-about), 4.10 (touch). Words are the caller's. */
#pragma once

#include "base/err.h"
#include "roomkeep/record.pb-c.h"

#include <stdbool.h>

#define CARE_TALK_MONTHS 6u
#define CARE_TOUCH_DAYS 60 /* at most one touch in as many days */

/* Text as in FIELD_DATE; false when it is NULL or no day. */
bool care_day(const char *date, int64_t *ret_day);

/* ---- talk-about ------------------------------------------------------------------------------ */

/* The last day it may be brought up: as told, or CARE_TALK_MONTHS after it was heard. Requires: a
 * whole record. */
int64_t care_talk_until(const Roomkeep__TalkAbout *m);
/* Marked as ok to mention, and not expired. */
bool care_talk_shows(const Roomkeep__TalkAbout *m, int64_t today);

/* ---- consent --------------------------------------------------------------------------------- */

/* The patient is under age on that day by one of these jurisdictions (LAW_BIT()s); without a birth
 * date nobody is a minor. */
bool care_is_minor(const char *born, unsigned jurisdictions, int64_t on);
/* BC10: a yes of a minor who answers without guardian says why that may be. A no always counts. */
bool care_consent_lacks_basis(const Roomkeep__Consent *m, bool is_minor);
/* What holds. A withdrawal holds whatever was said beside it in another room. */
Roomkeep__Consent__Answer care_consent_answer(const Roomkeep__Consent *m);

/* ---- touch ----------------------------------------------------------------------------------- */

/* All but leaving in peace. */
bool care_touch_reaches_out(Roomkeep__Touch__What what);
/* As told, or what the kind of touch goes by; CHANNEL_UNKNOWN when nobody can know. */
Roomkeep__Touch__Channel care_touch_channel(const Roomkeep__Touch *m);
/* A message needs a yes, a call only no refusal, a talk in person nothing. `detail` may be NULL. */
bool care_touch_is_consented(const Roomkeep__Touch *m, const Roomkeep__PatientDetail *detail);
/* Less than CARE_TOUCH_DAYS lie between the two, whichever was first. */
bool care_touch_is_too_soon(int64_t on, int64_t other);
