/* house: what the clinic says about its days, rooms and people (shift, closed_day, room_setting,
 * staff_profile), loaded for one verb, and the local days of this machine's time zone.
 *
 * Owns:    its lists; house_fini.   Threads: the desk thread.   Errors: ERR_NOMEM, ERR_STORE. */
#pragma once

#include "client/api/verb.h"
#include "record/booking.h"

struct house_shift {
	struct id therapist; /* zeros: of the house */
	struct booking_hours hours;
};

/* What is said of a room or a person. */
struct house_note {
	struct id of;
	uint32_t turnover_ms;
	enum booking_gender gender;
};

struct house {
	struct house_shift *shifts; /* owned */
	size_t shift_count;
	int64_t *closed; /* owned, rising */
	size_t closed_count;
	struct house_note *notes; /* owned; of several of one the last holds */
	size_t note_count;
	struct calendar calendar; /* closed days, and weekdays on which the house has no hours */
};

MUST_USE enum err house_load(struct verb *v, struct house *ret);
void house_fini(struct house *h);
void house_finip(struct house *h); /* for CLEANUP */

struct booking_turnover house_turnover(const struct house *h, const struct id *room,
				       const struct id *therapist);
enum booking_gender house_gender(const struct house *h, const struct id *therapist);
/* Within the hours of the house and of the therapist, as far as they are said. */
bool house_is_open(const struct house *h, const struct booking *b);

/* The first moment of a day here. Requires: a valid day. */
uint64_t house_day_start(int64_t day);
/* local = UTC + offset, at that moment. */
int32_t house_offset_minutes(uint64_t time_ms);
/* "2026-12-01" or "10:00" of a moment here. */
MUST_USE enum err house_put_date(json_t *object, const char *key, uint64_t time_ms);
MUST_USE enum err house_put_clock(json_t *object, const char *key, uint64_t time_ms);
