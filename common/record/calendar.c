#include "record/calendar.h"

#include "base/check.h"

#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define DAYS_IN_400_YEARS 146097

bool calendar_day_is_valid(int64_t day)
{
	return day >= CALENDAR_DAY_MIN && day <= CALENDAR_DAY_MAX;
}

static int64_t calendar_hold(int64_t day)
{
	return day > CALENDAR_DAY_MAX ? CALENDAR_DAY_MAX : day;
}

/* Years that begin on 1 March, so that the leap day is the last one (the usual arithmetic of the
 * proleptic Gregorian calendar; date_days is its other direction). */
struct date calendar_date_of(int64_t day)
{
	REQUIRE(calendar_day_is_valid(day));
	const int64_t since = day + DAYS_TO_1970;
	const int64_t era = since / DAYS_IN_400_YEARS;
	const int64_t of_era = since % DAYS_IN_400_YEARS;
	const int64_t years =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / (DAYS_IN_400_YEARS - 1)) / 365;
	const int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
	const int64_t march_month = (5 * of_year + 2) / 153;
	const unsigned month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
	return (struct date){
		.year = (unsigned)(era * 400 + years + (month <= 2 ? 1 : 0)),
		.month = month,
		.day = (unsigned)(of_year - (153 * march_month + 2) / 5 + 1),
	};
}

enum err calendar_print(int64_t day, struct buf *out)
{
	const struct date d = calendar_date_of(day);
	return buf_append_fmt(out, "%04u-%02u-%02u", d.year, d.month, d.day);
}

enum weekday calendar_weekday(int64_t day)
{
	REQUIRE(calendar_day_is_valid(day));
	/* 1970-01-01 was a Thursday; the shift keeps the sum above 0. */
	return (enum weekday)((day + WEEKDAY_THURSDAY + 7 * 10000) % 7);
}

static int64_t calendar_local_ms(uint64_t time_ms, int32_t offset_minutes)
{
	REQUIRE(time_ms < TIME_MS_END);
	REQUIRE(offset_minutes >= -CALENDAR_OFFSET_MINUTES_MAX &&
		offset_minutes <= CALENDAR_OFFSET_MINUTES_MAX);
	/* One day more keeps it positive west of Greenwich in the first hours of 1970. */
	return (int64_t)time_ms + (int64_t)offset_minutes * CALENDAR_MINUTE_MS + CALENDAR_DAY_MS;
}

int64_t calendar_day_of(uint64_t time_ms, int32_t offset_minutes)
{
	return calendar_local_ms(time_ms, offset_minutes) / CALENDAR_DAY_MS - 1;
}

uint32_t calendar_minute_of(uint64_t time_ms, int32_t offset_minutes)
{
	const int64_t of_day = calendar_local_ms(time_ms, offset_minutes) % CALENDAR_DAY_MS;
	return (uint32_t)(of_day / CALENDAR_MINUTE_MS);
}

int64_t calendar_add_years(int64_t day, uint32_t years)
{
	REQUIRE(years <= 1000);
	struct date d = calendar_date_of(day);
	d.year += years;
	const struct date first = { d.year, d.month, 1 };
	/* Only 29 February can be missing, and then the day after 28 February is 1 March. */
	return calendar_hold(date_days(&first) + (int64_t)d.day - 1);
}

int64_t calendar_add_months(int64_t day, uint32_t months)
{
	REQUIRE(months <= 12000);
	const struct date d = calendar_date_of(day);
	const unsigned at = d.month - 1 + months;
	const struct date first = { d.year + at / 12, at % 12 + 1, 1 };
	const struct date next = { d.year + (at + 1) / 12, (at + 1) % 12 + 1, 1 };
	const int64_t same = date_days(&first) + (int64_t)d.day - 1;
	const int64_t last = date_days(&next) - 1;
	return calendar_hold(same < last ? same : last);
}

uint32_t calendar_age_years(int64_t born, int64_t on)
{
	if (on <= born) return 0;
	const uint32_t years = calendar_date_of(on).year - calendar_date_of(born).year;
	return calendar_add_years(born, years) <= on ? years : years - 1;
}

/* ---- open days ------------------------------------------------------------------------------- */

static bool calendar_is_holiday(const struct calendar *c, int64_t day)
{
	size_t low = 0;
	size_t high = c->closed_count;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		if (c->closed_days[mid] == day) return true;
		if (c->closed_days[mid] < day) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return false;
}

bool calendar_is_closed(const struct calendar *c, int64_t day)
{
	return (c->closed_weekdays & WEEKDAY_BIT(calendar_weekday(day))) != 0 ||
	       calendar_is_holiday(c, day);
}

enum err calendar_next_open(const struct calendar *c, int64_t day, int64_t *ret_day)
{
	for (int64_t at = day; at <= day + CALENDAR_CLOSED_RUN_MAX; at++) {
		ENSURE(calendar_day_is_valid(at), ERR_BAD_VALUE);
		if (calendar_is_closed(c, at)) continue;
		*ret_day = at;
		return ERR_OK;
	}
	return ERR_BAD_VALUE;
}

enum err calendar_add_open(const struct calendar *c, int64_t day, uint32_t count, int64_t *ret_day)
{
	int64_t at = day;
	for (uint32_t i = 0; i < count; i++) TRY(calendar_next_open(c, at + 1, &at));
	*ret_day = at;
	return ERR_OK;
}

uint32_t calendar_count_open(const struct calendar *c, int64_t from, int64_t to)
{
	uint32_t count = 0;
	for (int64_t at = from + 1; at <= to; at++) count += calendar_is_closed(c, at) ? 0 : 1;
	return count;
}
