/* calendar: arithmetic over days, as the rules of law, booking and the relationship watch need it.
 *
 * A day is a number: days since 1970-01-01 (fields.h, date_days), local to the clinic. No clock:
 * today comes in. Threads: any, pure functions.   Range: CALENDAR_DAY_MIN..CALENDAR_DAY_MAX.
 *
 * 29 February: years are counted as birthdays are, to the same date, and to 1 March where the year
 * has no 29 February, so that nobody is of age and nothing may be destroyed a day early. Months
 * are counted as plans are: to the same date or, where the month is shorter, to its last day. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "record/fields.h"

#define CALENDAR_DAY_MIN (-32872) /* 1880-01-01 */
#define CALENDAR_DAY_MAX 120529   /* 2299-12-31: retention of what is written in 2100 ends before */

#define CALENDAR_MINUTE_MS 60000
#define CALENDAR_HOUR_MS 3600000
#define CALENDAR_DAY_MS 86400000
#define CALENDAR_OFFSET_MINUTES_MAX 840 /* UTC+14 */

/* More closed days than this in a row is a mistake in the calendar. */
#define CALENDAR_CLOSED_RUN_MAX 366

enum weekday {
	WEEKDAY_MONDAY,
	WEEKDAY_TUESDAY,
	WEEKDAY_WEDNESDAY,
	WEEKDAY_THURSDAY,
	WEEKDAY_FRIDAY,
	WEEKDAY_SATURDAY,
	WEEKDAY_SUNDAY,
};
#define WEEKDAY_BIT(weekday) (1u << (unsigned)(weekday))
#define WEEKDAY_BITS_WEEKEND (WEEKDAY_BIT(WEEKDAY_SATURDAY) | WEEKDAY_BIT(WEEKDAY_SUNDAY))

/* When a clinic is closed. */
struct calendar {
	unsigned closed_weekdays;   /* WEEKDAY_BIT() of each */
	const int64_t *closed_days; /* borrowed: holidays, rising */
	size_t closed_count;
};

bool calendar_day_is_valid(int64_t day);

/* The date of a day. Requires: a valid day. */
struct date calendar_date_of(int64_t day);

/* Appends YYYY-MM-DD. ERR_NOMEM. Requires: a valid day. */
MUST_USE enum err calendar_print(int64_t day, struct buf *out);

enum weekday calendar_weekday(int64_t day);

/* The local day of a time in ms since 1970, where local = UTC + offset.
 * Requires: time_ms below TIME_MS_END, offset within CALENDAR_OFFSET_MINUTES_MAX either way. */
int64_t calendar_day_of(uint64_t time_ms, int32_t offset_minutes);
/* Minutes since local midnight, 0..1439. */
uint32_t calendar_minute_of(uint64_t time_ms, int32_t offset_minutes);

/* Requires: valid days; the result is held within the range. */
int64_t calendar_add_years(int64_t day, uint32_t years);
int64_t calendar_add_months(int64_t day, uint32_t months);

/* Whole years of somebody born on `born`; 0 before. */
uint32_t calendar_age_years(int64_t born, int64_t on);

bool calendar_is_closed(const struct calendar *c, int64_t day);

/* `day` itself when it is open, else the next open one. ERR_BAD_VALUE when none comes within
 * CALENDAR_CLOSED_RUN_MAX days. */
MUST_USE enum err calendar_next_open(const struct calendar *c, int64_t day, int64_t *ret_day);

/* The last of `count` open days that follow `day`, which itself does not count, open or not; 0
 * gives `day`. ERR_BAD_VALUE as calendar_next_open. */
MUST_USE enum err calendar_add_open(const struct calendar *c, int64_t day, uint32_t count,
				    int64_t *ret_day);

/* Open days after `from` up to and with `to`; 0 when `to` is not after `from`. */
uint32_t calendar_count_open(const struct calendar *c, int64_t from, int64_t to);
