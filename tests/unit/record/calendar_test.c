#include "record/calendar.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "unit/record/day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void check_day(int64_t got, const char *want)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(calendar_print(got, &b), ERR_OK);
	const char *text;
	assert_int_equal(buf_cstr(&b, &text), ERR_OK);
	assert_string_equal(text, want);
}

static void test_every_day_goes_to_a_date_and_back(void **state)
{
	(void)state;
	enum weekday weekday = calendar_weekday(CALENDAR_DAY_MIN);
	assert_int_equal(weekday, WEEKDAY_THURSDAY); /* 1880-01-01 */
	for (int64_t day = CALENDAR_DAY_MIN; day <= CALENDAR_DAY_MAX; day++) {
		const struct date d = calendar_date_of(day);
		assert_int_equal(date_days(&d), day);
		assert_int_equal(calendar_weekday(day), weekday);
		weekday = (enum weekday)((weekday + 1) % 7);
	}
	check_day(0, "1970-01-01");
	check_day(CALENDAR_DAY_MIN, "1880-01-01");
	check_day(CALENDAR_DAY_MAX, "2299-12-31");
	assert_false(calendar_day_is_valid(CALENDAR_DAY_MIN - 1));
	assert_false(calendar_day_is_valid(CALENDAR_DAY_MAX + 1));
}

static void test_years_go_to_1_march_where_29_february_is_missing(void **state)
{
	(void)state;
	const struct {
		const char *from;
		uint32_t years;
		const char *to;
	} rows[] = {
		{ "2020-02-29", 1, "2021-03-01" },  { "2020-02-29", 4, "2024-02-29" },
		{ "2020-02-29", 80, "2100-03-01" }, { "2020-02-28", 4, "2024-02-28" },
		{ "2019-03-01", 1, "2020-03-01" },  { "2020-12-31", 0, "2020-12-31" },
		{ "2100-12-31", 35, "2135-12-31" }, { "2100-12-31", 1000, "2299-12-31" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		check_day(calendar_add_years(day_of(rows[i].from), rows[i].years), rows[i].to);
	}
}

static void test_months_go_to_the_last_day_of_a_shorter_one(void **state)
{
	(void)state;
	const struct {
		const char *from;
		uint32_t months;
		const char *to;
	} rows[] = {
		{ "2023-01-31", 1, "2023-02-28" },  { "2024-01-31", 1, "2024-02-29" },
		{ "2024-02-29", 12, "2025-02-28" }, { "2024-02-29", 24, "2026-02-28" },
		{ "2024-02-29", 48, "2028-02-29" }, { "2023-12-31", 2, "2024-02-29" },
		{ "2023-11-30", 1, "2023-12-30" },  { "2023-12-01", 0, "2023-12-01" },
		{ "2023-08-31", 1, "2023-09-30" },  { "2100-12-31", 12000, "2299-12-31" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		check_day(calendar_add_months(day_of(rows[i].from), rows[i].months), rows[i].to);
	}
}

static void test_age_turns_on_the_birthday(void **state)
{
	(void)state;
	const struct {
		const char *born;
		const char *on;
		uint32_t years;
	} rows[] = {
		{ "2000-05-10", "2019-05-09", 18 }, { "2000-05-10", "2019-05-10", 19 },
		{ "2000-02-29", "2019-02-28", 18 }, { "2000-02-29", "2019-03-01", 19 },
		{ "2000-02-29", "2020-02-29", 20 }, { "2000-05-10", "2000-05-10", 0 },
		{ "2000-05-10", "1999-01-01", 0 },  { "2000-12-31", "2001-01-01", 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(calendar_age_years(day_of(rows[i].born), day_of(rows[i].on)),
				 rows[i].years);
	}
}

static void test_the_local_day_follows_the_offset(void **state)
{
	(void)state;
	const uint64_t midnight = (uint64_t)day_of("2024-03-10") * CALENDAR_DAY_MS;
	const struct {
		uint64_t ms;
		int32_t offset;
		const char *day;
		uint32_t minute;
	} rows[] = {
		{ midnight, 0, "2024-03-10", 0 },
		{ midnight - 1, 0, "2024-03-09", 1439 },
		{ midnight, -480, "2024-03-09", 960 },
		{ midnight + 8 * CALENDAR_HOUR_MS, -480, "2024-03-10", 0 },
		{ midnight + 8 * CALENDAR_HOUR_MS - 1, -480, "2024-03-09", 1439 },
		{ midnight, 840, "2024-03-10", 840 },
		{ midnight + 10 * CALENDAR_HOUR_MS, 840, "2024-03-11", 0 },
		{ midnight, -210, "2024-03-09", 1230 },
		{ 0, -840, "1969-12-31", 600 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		check_day(calendar_day_of(rows[i].ms, rows[i].offset), rows[i].day);
		assert_int_equal(calendar_minute_of(rows[i].ms, rows[i].offset), rows[i].minute);
	}
}

static void test_open_days_skip_weekends_and_holidays(void **state)
{
	(void)state;
	const int64_t holidays[] = { day_of("2024-12-25"), day_of("2024-12-26"),
				     day_of("2025-01-01") };
	const struct calendar c = { WEEKDAY_BITS_WEEKEND, holidays, COUNT_OF(holidays) };
	const struct {
		const char *from;
		uint32_t count;
		const char *to;
	} rows[] = {
		{ "2024-12-20", 0, "2024-12-20" }, /* a Friday */
		{ "2024-12-20", 1, "2024-12-23" }, { "2024-12-21", 1, "2024-12-23" },
		{ "2024-12-24", 1, "2024-12-27" }, { "2024-12-24", 2, "2024-12-30" },
		{ "2024-12-31", 1, "2025-01-02" }, { "2024-12-25", 5, "2025-01-03" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t day = 0;
		assert_int_equal(calendar_add_open(&c, day_of(rows[i].from), rows[i].count, &day),
				 ERR_OK);
		check_day(day, rows[i].to);
		assert_int_equal(calendar_count_open(&c, day_of(rows[i].from), day), rows[i].count);
	}
	int64_t day = 0;
	assert_int_equal(calendar_next_open(&c, day_of("2024-12-25"), &day), ERR_OK);
	check_day(day, "2024-12-27");
	assert_int_equal(calendar_next_open(&c, day_of("2024-12-27"), &day), ERR_OK);
	check_day(day, "2024-12-27");
	assert_int_equal(calendar_count_open(&c, 10, 10), 0);
	assert_int_equal(calendar_count_open(&c, 10, 9), 0);
	assert_true(calendar_is_closed(&c, day_of("2025-01-01")));
	assert_false(calendar_is_closed(&c, day_of("2025-01-02")));
}

static void test_a_calendar_that_never_opens_is_an_error(void **state)
{
	(void)state;
	const struct calendar closed = { .closed_weekdays = 127 };
	int64_t day = 77;
	assert_int_equal(calendar_next_open(&closed, 0, &day), ERR_BAD_VALUE);
	assert_int_equal(calendar_add_open(&closed, 0, 1, &day), ERR_BAD_VALUE);
	const struct calendar open = { 0 };
	assert_int_equal(calendar_next_open(&open, CALENDAR_DAY_MAX + 1, &day), ERR_BAD_VALUE);
	assert_int_equal(day, 77);
	assert_int_equal(calendar_next_open(&open, CALENDAR_DAY_MAX, &day), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day_goes_to_a_date_and_back),
		cmocka_unit_test(test_years_go_to_1_march_where_29_february_is_missing),
		cmocka_unit_test(test_months_go_to_the_last_day_of_a_shorter_one),
		cmocka_unit_test(test_age_turns_on_the_birthday),
		cmocka_unit_test(test_the_local_day_follows_the_offset),
		cmocka_unit_test(test_open_days_skip_weekends_and_holidays),
		cmocka_unit_test(test_a_calendar_that_never_opens_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
