/* chart_contact: what a shared phone or e-mail address gives away (DOMAIN 4.8 rules 6 and 8), and
 * the hard split of two who must not meet.
 *
 * Contacts are compared with those of every patient whom the person may read, linked or not: what
 * is said does not depend on a link that must stay unknown. A split is looked at only by who may
 * know of it; the server judges bookings by all of them.
 *
 * Owns: nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/chart_guard.h"
#include "record/booking.h"

/* Puts "reminder_words": what to mind before a reminder goes to this patient; null for nothing.
 * `links`: the patient's. */
MUST_USE enum err chart_contact_put(struct verb *v, const struct id *patient_id,
				    const struct chart_links *links, json_t *object);

/* ERR_BAD_VALUE with a fault: this phone or address is that of somebody whom the patient must not
 * meet. Texts may be NULL. */
MUST_USE enum err chart_contact_check(struct verb *v, const struct id *patient_id,
				      const char *phone, const char *email);

/* ERR_CLASH with a fault: less than an hour from a booking of somebody whom the patient must not
 * meet. `but`: the appointment that moves. */
MUST_USE enum err chart_split_check(struct verb *v, const struct booking *b, const struct id *but);
