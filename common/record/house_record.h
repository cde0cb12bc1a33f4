/* house_record: hours and closed days as plain records say them, for booking.h and calendar.h.
 *
 * Threads: any, pure functions.   Days: calendar.h.   No clock. */
#pragma once

#include "record/booking.h"
#include "roomkeep/record.pb-c.h"

/* `*ret_therapist`: zeros for the hours of the house. False: it says nothing (any more). */
bool house_record_shift(const Roomkeep__Shift *m, struct id *ret_therapist,
			struct booking_hours *ret);
bool house_record_closed_day(const Roomkeep__ClosedDay *m, int64_t *ret_day);
