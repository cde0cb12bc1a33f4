/* booking: may two appointments stand beside each other, is the house open, and who may treat whom.
 *
 * An appointment is [start, end): one may begin when another ends. After each the room and the
 * therapist have a turnover time in which nothing begins. The store checks and inserts in one
 * transaction; these are the questions it asks.
 *
 * Owns:    nothing.   Threads: any, pure functions.   Times: ms since 1970, UTC.   No clock.
 * Rules:   DOMAIN 2.11 (overlap needs a reason), 4.7 (comfort), issue 4 part 2. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "record/calendar.h"
#include "record/fields.h"

#define BOOKING_MS_MAX (12u * CALENDAR_HOUR_MS)
#define BOOKING_TURNOVER_MS_MAX (4u * CALENDAR_HOUR_MS)
#define BOOKING_INTERVAL_DAYS_MAX 366u

struct booking {
	struct id room;
	struct id therapist;
	struct id patient;
	uint64_t start_ms;
	uint64_t end_ms;
};

/* ERR_BAD_VALUE with the field: a zero id, a time outside 2000..2100, an end that is not after the
 * start, longer than BOOKING_MS_MAX. */
MUST_USE enum err booking_check(const struct booking *booking, struct record_error *ret_error);

/* ---- overlap --------------------------------------------------------------------------------- */

struct booking_turnover {
	uint32_t room_ms;      /* to change the linen */
	uint32_t therapist_ms; /* to write, and to breathe */
};

#define BOOKING_CLASH_ROOM 1u
#define BOOKING_CLASH_THERAPIST 2u
#define BOOKING_CLASH_PATIENT 4u /* in two places at once; no turnover */

/* BOOKING_CLASH_ bits, 0 for none; the order of the two makes no difference. Requires: both pass
 * booking_check, turnover within BOOKING_TURNOVER_MS_MAX. */
unsigned booking_clash(const struct booking *a, const struct booking *b,
		       const struct booking_turnover *turnover);

/* The bits of all together; *ret_first, when not NULL, is the first that clashes, else count. */
unsigned booking_clash_any(const struct booking *booking, const struct booking *others,
			   size_t count, const struct booking_turnover *turnover,
			   size_t *ret_first);

/* ERR_CLASH for a clash without a reason; a patient in two places is refused even with one. */
MUST_USE enum err booking_place_check(unsigned clash, struct view reason,
				      struct record_error *ret_error);

/* ---- hours ----------------------------------------------------------------------------------- */

/* Open from..to, minutes since local midnight, 0..1440; to is the end. */
struct booking_hours {
	enum weekday weekday;
	uint16_t from;
	uint16_t to;
};

/* Does it stand within opening hours (rising within a weekday; what touches is one), on a day that
 * is not closed? Across midnight it does not. `offset_minutes`: local = UTC + offset. */
bool booking_is_in_hours(const struct booking *booking, const struct booking_hours *hours,
			 size_t count, const struct calendar *calendar, int32_t offset_minutes);

/* The day for the next visit by the plan: last day + interval, or the next open one.
 * ERR_BAD_VALUE: interval not in 1..BOOKING_INTERVAL_DAYS_MAX, or a calendar that never opens. */
MUST_USE enum err booking_next_day(const struct calendar *calendar, int64_t last_day,
				   uint32_t interval_days, int64_t *ret_day);

/* ---- comfort --------------------------------------------------------------------------------- */

enum booking_gender {
	BOOKING_GENDER_UNKNOWN,
	BOOKING_GENDER_WOMAN,
	BOOKING_GENDER_MAN,
	BOOKING_GENDER_OTHER,
};

enum booking_wish {
	BOOKING_WISH_NONE,
	BOOKING_WISH_PREFERS,
	BOOKING_WISH_ONLY,
	BOOKING_WISH_TALK_FIRST, /* would rather be asked, whoever it is */
};

struct booking_comfort {
	enum booking_wish wish;
	enum booking_gender gender; /* for prefers and only */
};

enum booking_answer {
	BOOKING_ALLOWED,
	BOOKING_NEEDS_YES, /* the patient's spoken yes, recorded */
	BOOKING_REFUSED,
};

/* A therapist whose gender is not known meets no wish. A spoken yes never opens "only". */
enum booking_answer booking_comfort_check(const struct booking_comfort *comfort,
					  enum booking_gender therapist, bool spoken_yes);

/* ---- without the server ---------------------------------------------------------------------- */

enum booking_state {
	BOOKING_TENTATIVE, /* made in a room that could not ask the server; shown as such */
	BOOKING_CONFIRMED,
	BOOKING_CLASHED, /* the server had another one: somebody must choose */
};

const char *booking_state_name(enum booking_state state);

/* How a booking begins. `server_agreed`: the server checked and wrote it. */
enum booking_state booking_state_first(bool server_agreed);
/* When the server answers to a tentative one. Confirmed and clashed stay as they are. */
enum booking_state booking_state_answered(enum booking_state state, bool server_agreed);
