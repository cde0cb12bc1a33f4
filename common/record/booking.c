#include "record/booking.h"

#include "base/check.h"

#define DAY_MINUTES 1440u

enum err booking_check(const struct booking *booking, struct record_error *ret_error)
{
	const struct booking *b = booking;
	const struct {
		const struct id *id;
		const char *field;
	} ids[] = { { &b->room, "room" },
		    { &b->therapist, "therapist" },
		    { &b->patient, "patient" } };
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		if (!id_is_zero(ids[i].id)) continue;
		return field_fail(ret_error, ERR_BAD_VALUE, ids[i].field, "an id, not all zero");
	}
	if (b->start_ms < TIME_MS_MIN || b->start_ms >= TIME_MS_END) {
		return field_fail(ret_error, ERR_BAD_VALUE, "start_ms",
				  "a time from the year 2000 to 2100");
	}
	if (b->end_ms <= b->start_ms || b->end_ms >= TIME_MS_END ||
	    b->end_ms - b->start_ms > BOOKING_MS_MAX) {
		return field_fail(ret_error, ERR_BAD_VALUE, "end_ms",
				  "a time after the start, within 12 hours");
	}
	return ERR_OK;
}

/* ---- overlap --------------------------------------------------------------------------------- */

static bool booking_overlaps(const struct booking *a, const struct booking *b, uint32_t turnover_ms)
{
	return a->start_ms < b->end_ms + turnover_ms && b->start_ms < a->end_ms + turnover_ms;
}

unsigned booking_clash(const struct booking *a, const struct booking *b,
		       const struct booking_turnover *turnover)
{
	REQUIRE(a->start_ms < a->end_ms && b->start_ms < b->end_ms);
	REQUIRE(turnover->room_ms <= BOOKING_TURNOVER_MS_MAX &&
		turnover->therapist_ms <= BOOKING_TURNOVER_MS_MAX);
	unsigned clash = 0;
	if (id_equal(&a->room, &b->room) && booking_overlaps(a, b, turnover->room_ms)) {
		clash |= BOOKING_CLASH_ROOM;
	}
	if (id_equal(&a->therapist, &b->therapist) &&
	    booking_overlaps(a, b, turnover->therapist_ms)) {
		clash |= BOOKING_CLASH_THERAPIST;
	}
	if (id_equal(&a->patient, &b->patient) && booking_overlaps(a, b, 0)) {
		clash |= BOOKING_CLASH_PATIENT;
	}
	return clash;
}

unsigned booking_clash_any(const struct booking *booking, const struct booking *others,
			   size_t count, const struct booking_turnover *turnover, size_t *ret_first)
{
	unsigned all = 0;
	size_t first = count;
	for (size_t i = 0; i < count; i++) {
		const unsigned clash = booking_clash(booking, &others[i], turnover);
		if (clash != 0 && first == count) first = i;
		all |= clash;
	}
	if (ret_first != NULL) *ret_first = first;
	return all;
}

enum err booking_place_check(unsigned clash, struct view reason, struct record_error *ret_error)
{
	if ((clash & BOOKING_CLASH_PATIENT) != 0) {
		return field_fail(ret_error, ERR_CLASH, "patient",
				  "a time at which the patient is nowhere else");
	}
	if (clash == 0 || reason.len > 0) return ERR_OK;
	return field_fail(ret_error, ERR_CLASH,
			  (clash & BOOKING_CLASH_ROOM) != 0 ? "room" : "therapist",
			  "a free time, or a reason for the overlap");
}

/* ---- hours ----------------------------------------------------------------------------------- */

bool booking_is_in_hours(const struct booking *booking, const struct booking_hours *hours,
			 size_t count, const struct calendar *calendar, int32_t offset_minutes)
{
	const int64_t day = calendar_day_of(booking->start_ms, offset_minutes);
	if (calendar_is_closed(calendar, day)) return false;

	const enum weekday weekday = calendar_weekday(day);
	const uint64_t of_minute = booking->start_ms % CALENDAR_MINUTE_MS;
	const uint64_t start = (uint64_t)calendar_minute_of(booking->start_ms, offset_minutes) *
				       CALENDAR_MINUTE_MS +
			       of_minute;
	const uint64_t end = start + (booking->end_ms - booking->start_ms);
	uint64_t covered = start; /* everything before it is within hours */
	for (size_t i = 0; i < count; i++) {
		REQUIRE(hours[i].from < hours[i].to && hours[i].to <= DAY_MINUTES);
		if (hours[i].weekday != weekday) continue;
		const uint64_t from = (uint64_t)hours[i].from * CALENDAR_MINUTE_MS;
		const uint64_t to = (uint64_t)hours[i].to * CALENDAR_MINUTE_MS;
		if (from <= covered && covered < to) covered = to;
	}
	return end > start && covered > start && end <= covered;
}

enum err booking_next_day(const struct calendar *calendar, int64_t last_day, uint32_t interval_days,
			  int64_t *ret_day)
{
	ENSURE(interval_days >= 1 && interval_days <= BOOKING_INTERVAL_DAYS_MAX, ERR_BAD_VALUE);
	return calendar_next_open(calendar, last_day + interval_days, ret_day);
}

/* ---- comfort --------------------------------------------------------------------------------- */

enum booking_answer booking_comfort_check(const struct booking_comfort *comfort,
					  enum booking_gender therapist, bool spoken_yes)
{
	const bool met = therapist != BOOKING_GENDER_UNKNOWN && therapist == comfort->gender;
	const enum booking_answer asked = spoken_yes ? BOOKING_ALLOWED : BOOKING_NEEDS_YES;
	switch (comfort->wish) {
	case BOOKING_WISH_NONE: return BOOKING_ALLOWED;
	case BOOKING_WISH_PREFERS: return met ? BOOKING_ALLOWED : asked;
	case BOOKING_WISH_ONLY: return met ? BOOKING_ALLOWED : BOOKING_REFUSED;
	case BOOKING_WISH_TALK_FIRST: return asked;
	}
	return BOOKING_REFUSED; /* a wish this build does not know is not overridden */
}

/* ---- without the server ---------------------------------------------------------------------- */

const char *booking_state_name(enum booking_state state)
{
	static const char *const names[] = {
		[BOOKING_TENTATIVE] = "tentative",
		[BOOKING_CONFIRMED] = "confirmed",
		[BOOKING_CLASHED] = "clashed",
	};
	REQUIRE((size_t)state < COUNT_OF(names));
	return names[state];
}

enum booking_state booking_state_first(bool server_agreed)
{
	return server_agreed ? BOOKING_CONFIRMED : BOOKING_TENTATIVE;
}

enum booking_state booking_state_answered(enum booking_state state, bool server_agreed)
{
	if (state != BOOKING_TENTATIVE) return state;
	return server_agreed ? BOOKING_CONFIRMED : BOOKING_CLASHED;
}
