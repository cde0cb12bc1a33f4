/* duty_record: requests, incidents and jurisdictions as plain records say them, for the rules of
 * law.h and law_duty.h.
 *
 * Threads: any, pure functions.   Days: calendar.h.   No clock: now comes in. */
#pragma once

#include "record/law_duty.h"
#include "roomkeep/record.pb-c.h"

/* The day of a date field; false for NULL. */
bool duty_day(const char *text, int64_t *ret_day);

/* LAW_BIT() of the jurisdiction that this change names; 0 when it names none. A patient of whom
 * none was ever said has the clinic's; LAW_DEFAULT when the clinic says none either. */
unsigned duty_jurisdiction_bit(const Roomkeep__PatientDetail *m);
unsigned duty_clinic_bit(const Roomkeep__ClinicProfile *m);

/* The first due day of all jurisdictions (LAW_BIT()s, not 0). ERR_NOT_FOUND when the record lost
 * what it began with; else as law_request_due. */
MUST_USE enum err duty_request_clock(const Roomkeep__Request *m, unsigned jurisdictions,
				     const struct calendar *calendar, struct law_clock *ret_clock);

struct duty_incident {
	bool real_risk;           /* of significant harm (CA2) */
	struct law_notice notice; /* whom to tell: Ontario's cases, or because of the harm test */
	const char *encryption;   /* "encrypted: yes, key not on device" */
};
/* ERR_NOT_FOUND when the record lost what it began with. */
MUST_USE enum err duty_incident_read(const Roomkeep__Incident *m, struct duty_incident *ret);

/* An op of the register that came at `recorded_ms` may not be erased yet (CA1). */
bool duty_incident_is_kept(uint64_t recorded_ms, uint64_t now_ms);
