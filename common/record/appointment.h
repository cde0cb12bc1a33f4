/* appointment: what an appointment says, as the rules of booking.h ask for it.
 *
 * Owns:    nothing.   Threads: any, pure functions.   No clock. */
#pragma once

#include "record/booking.h"
#include "roomkeep/record.pb-c.h"

#define APPOINTMENT_BOOKED ROOMKEEP__APPOINTMENT__STATE__BOOKED

/* Absent: booked. */
Roomkeep__Appointment__State appointment_state(const Roomkeep__Appointment *m);

/* Cancelled ones and no-shows leave their time to others. */
bool appointment_holds_time(const Roomkeep__Appointment *m);

/* Its booking, as booking_check wants it; ERR_BAD_VALUE with the field when it is not whole. */
MUST_USE enum err appointment_booking(const Roomkeep__Appointment *m, struct booking *ret,
				      struct record_error *ret_error);
