/* booking_rules: what a room asks before it writes an appointment: is it somebody who treats, may
 * this therapist treat this patient, is the time free as far as this room knows. The server asks
 * the last question again, and decides (server/store/booking_view.c).
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: with the verb's fault. */
#pragma once

#include "client/api/verb.h"

/* `change` is what local_append will be given; `record_id` the appointment it is about. A new one
 * becomes "booked" when it says no state. ERR_NOT_FOUND (no such therapist), ERR_USAGE (a cancel
 * without its reason), ERR_DENIED (comfort; code comfort_refused or comfort_needs_yes), ERR_CLASH.
 */
MUST_USE enum err booking_rules_check(struct verb *v, Roomkeep__Appointment *change,
				      const struct id *record_id);
