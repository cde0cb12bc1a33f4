#include "record/booking.h"

#include "base/check.h"
#include "unit/record/day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MINUTE ((uint64_t)CALENDAR_MINUTE_MS)
#define HOUR ((uint64_t)CALENDAR_HOUR_MS)
#define T0 1700000000000u

static const struct id room1 = { { 1 } };
static const struct id room2 = { { 2 } };
static const struct id ann = { { 3 } };
static const struct id ben = { { 4 } };
static const struct id mia = { { 5 } };
static const struct id tom = { { 6 } };
static const struct id nobody = { { 0 } };

static void test_booking_half_open_times_and_turnover(void **state)
{
	(void)state;
	const struct booking a = { room1, ann, mia, T0, T0 + HOUR };
	const struct booking_turnover none = { 0, 0 };
	const struct booking_turnover some = { 10 * MINUTE, 5 * MINUTE };
	const struct {
		struct booking b;
		unsigned without;
		unsigned with;
	} rows[] = {
		/* the same room, another therapist */
		{ { room1, ben, tom, T0 + HOUR, T0 + 2 * HOUR }, 0, BOOKING_CLASH_ROOM },
		{ { room1, ben, tom, T0 + HOUR - 1, T0 + 2 * HOUR },
		  BOOKING_CLASH_ROOM,
		  BOOKING_CLASH_ROOM },
		{ { room1, ben, tom, T0 + HOUR + 10 * MINUTE - 1, T0 + 2 * HOUR },
		  0,
		  BOOKING_CLASH_ROOM },
		{ { room1, ben, tom, T0 + HOUR + 10 * MINUTE, T0 + 2 * HOUR }, 0, 0 },
		{ { room1, ben, tom, T0 - HOUR, T0 }, 0, BOOKING_CLASH_ROOM },
		{ { room1, ben, tom, T0 - HOUR, T0 - 10 * MINUTE }, 0, 0 },
		/* another room, the same therapist */
		{ { room2, ann, tom, T0 + HOUR + 5 * MINUTE, T0 + 2 * HOUR }, 0, 0 },
		{ { room2, ann, tom, T0 + HOUR + 5 * MINUTE - 1, T0 + 2 * HOUR },
		  0,
		  BOOKING_CLASH_THERAPIST },
		/* within, around, the same */
		{ { room1, ann, tom, T0 + 1, T0 + 2 },
		  BOOKING_CLASH_ROOM | BOOKING_CLASH_THERAPIST,
		  BOOKING_CLASH_ROOM | BOOKING_CLASH_THERAPIST },
		{ { room1, ben, tom, T0 - 1, T0 + 2 * HOUR },
		  BOOKING_CLASH_ROOM,
		  BOOKING_CLASH_ROOM },
		{ { room1, ann, mia, T0, T0 + HOUR }, 7, 7 },
		/* a patient goes from one to the next without turnover */
		{ { room2, ben, mia, T0 + HOUR, T0 + 2 * HOUR }, 0, 0 },
		{ { room2, ben, mia, T0 + HOUR - 1, T0 + 2 * HOUR },
		  BOOKING_CLASH_PATIENT,
		  BOOKING_CLASH_PATIENT },
		{ { room2, ben, tom, T0, T0 + HOUR }, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(booking_clash(&a, &rows[i].b, &none), rows[i].without);
		assert_int_equal(booking_clash(&rows[i].b, &a, &none), rows[i].without);
		assert_int_equal(booking_clash(&a, &rows[i].b, &some), rows[i].with);
		assert_int_equal(booking_clash(&rows[i].b, &a, &some), rows[i].with);
	}
}

static void test_booking_211_an_overlap_needs_a_reason(void **state)
{
	(void)state;
	const struct booking_turnover none = { 0, 0 };
	const struct booking a = { room1, ann, mia, T0, T0 + HOUR };
	const struct booking others[] = {
		{ room2, ben, tom, T0, T0 + HOUR },
		{ room2, ann, tom, T0, T0 + HOUR },
		{ room1, ben, tom, T0, T0 + HOUR },
	};
	size_t first = 99;
	assert_int_equal(booking_clash_any(&a, others, 3, &none, &first), 3);
	assert_int_equal(first, 1);
	assert_int_equal(booking_clash_any(&a, others, 1, &none, &first), 0);
	assert_int_equal(first, 1); /* count: none */
	assert_int_equal(booking_clash_any(&a, NULL, 0, &none, NULL), 0);

	const struct {
		unsigned clash;
		const char *reason;
		const char *field; /* NULL: fine */
	} rows[] = {
		{ 0, "", NULL },
		{ BOOKING_CLASH_ROOM, "", "room" },
		{ BOOKING_CLASH_ROOM, "couple in the large room", NULL },
		{ BOOKING_CLASH_THERAPIST, "", "therapist" },
		{ BOOKING_CLASH_PATIENT, "twins", "patient" },
		{ 7, "", "patient" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct record_error e = { 0 };
		assert_int_equal(booking_place_check(rows[i].clash, view_str(rows[i].reason), &e),
				 rows[i].field == NULL ? ERR_OK : ERR_CLASH);
		if (rows[i].field != NULL) assert_string_equal(e.field, rows[i].field);
	}
}

static void test_bad_bookings_name_their_field(void **state)
{
	(void)state;
	const struct {
		struct booking b;
		const char *field; /* NULL: fine */
	} rows[] = {
		{ { room1, ann, mia, T0, T0 + 1 }, NULL },
		{ { room1, ann, mia, T0, T0 + 12 * HOUR }, NULL },
		{ { room1, ann, mia, T0, T0 + 12 * HOUR + 1 }, "end_ms" },
		{ { room1, ann, mia, T0, T0 }, "end_ms" },
		{ { room1, ann, mia, T0, T0 - 1 }, "end_ms" },
		{ { room1, ann, mia, TIME_MS_MIN, TIME_MS_MIN + 1 }, NULL },
		{ { room1, ann, mia, TIME_MS_MIN - 1, TIME_MS_MIN + 1 }, "start_ms" },
		{ { room1, ann, mia, TIME_MS_END - 1, TIME_MS_END }, "end_ms" },
		{ { room1, ann, mia, TIME_MS_END, TIME_MS_END + 1 }, "start_ms" },
		{ { nobody, ann, mia, T0, T0 + 1 }, "room" },
		{ { room1, nobody, mia, T0, T0 + 1 }, "therapist" },
		{ { room1, ann, nobody, T0, T0 + 1 }, "patient" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct record_error e = { 0 };
		assert_int_equal(booking_check(&rows[i].b, &e),
				 rows[i].field == NULL ? ERR_OK : ERR_BAD_VALUE);
		if (rows[i].field != NULL) assert_string_equal(e.field, rows[i].field);
	}
}

static const struct booking_hours hours[] = {
	{ WEEKDAY_MONDAY, 8 * 60, 12 * 60 },  { WEEKDAY_MONDAY, 12 * 60, 13 * 60 },
	{ WEEKDAY_MONDAY, 14 * 60, 18 * 60 }, { WEEKDAY_TUESDAY, 0, 24 * 60 },
	{ WEEKDAY_WEDNESDAY, 0, 24 * 60 },
};

static void test_booking_stands_within_hours(void **state)
{
	(void)state;
	const int64_t holiday = day_of("2024-12-25"); /* a Wednesday */
	const struct calendar c = { WEEKDAY_BITS_WEEKEND, &holiday, 1 };
	const struct {
		const char *day;
		uint64_t start; /* minutes, local */
		uint64_t end;
		bool in;
	} rows[] = {
		{ "2024-12-02", 8 * 60, 9 * 60, true }, /* a Monday */
		{ "2024-12-02", 8 * 60 - 1, 9 * 60, false },
		{ "2024-12-02", 11 * 60 + 30, 12 * 60 + 30, true }, /* what touches is one */
		{ "2024-12-02", 12 * 60 + 30, 13 * 60, true },
		{ "2024-12-02", 12 * 60 + 30, 13 * 60 + 1, false },
		{ "2024-12-02", 12 * 60 + 30, 14 * 60 + 30, false },
		{ "2024-12-02", 13 * 60, 14 * 60, false },
		{ "2024-12-02", 17 * 60, 18 * 60, true },
		{ "2024-12-02", 18 * 60, 19 * 60, false },
		{ "2024-12-03", 23 * 60, 24 * 60, true },
		{ "2024-12-03", 23 * 60, 24 * 60 + 1, false }, /* across midnight */
		{ "2024-12-05", 10 * 60, 11 * 60, false },     /* a Thursday without hours */
		{ "2024-12-07", 10 * 60, 11 * 60, false },     /* Saturday */
		{ "2024-12-18", 10 * 60, 11 * 60, true },
		{ "2024-12-25", 10 * 60, 11 * 60, false },
	};
	const int32_t offsets[] = { 0, -480, 330 };
	for (size_t o = 0; o < COUNT_OF(offsets); o++) {
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			const uint64_t midnight = (uint64_t)(day_of(rows[i].day) * CALENDAR_DAY_MS -
							     offsets[o] * CALENDAR_MINUTE_MS);
			const struct booking b = { room1, ann, mia,
						   midnight + rows[i].start * MINUTE,
						   midnight + rows[i].end * MINUTE };
			assert_int_equal(
				booking_is_in_hours(&b, hours, COUNT_OF(hours), &c, offsets[o]),
				rows[i].in);
		}
	}
	const struct booking late = { room1, ann, mia, T0, T0 + 1 };
	assert_false(booking_is_in_hours(&late, NULL, 0, &c, 0));
}

static void test_booking_the_next_visit_skips_closed_days(void **state)
{
	(void)state;
	const int64_t holidays[] = { day_of("2024-12-25"), day_of("2024-12-26") };
	const struct calendar c = { WEEKDAY_BITS_WEEKEND, holidays, 2 };
	const struct {
		const char *last;
		uint32_t interval;
		const char *next; /* NULL: refused */
	} rows[] = {
		{ "2024-12-02", 7, "2024-12-09" },   { "2024-12-02", 5, "2024-12-09" },
		{ "2024-12-11", 14, "2024-12-27" },  { "2024-12-02", 1, "2024-12-03" },
		{ "2024-02-29", 366, "2025-03-03" }, { "2024-12-02", 0, NULL },
		{ "2024-12-02", 367, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t day = 77;
		const enum err got =
			booking_next_day(&c, day_of(rows[i].last), rows[i].interval, &day);
		assert_int_equal(got, rows[i].next == NULL ? ERR_BAD_VALUE : ERR_OK);
		assert_int_equal(day, rows[i].next == NULL ? 77 : day_of(rows[i].next));
	}
}

static void test_comfort_47_three_outcomes(void **state)
{
	(void)state;
	const struct {
		enum booking_wish wish;
		enum booking_gender wanted;
		enum booking_gender therapist;
		enum booking_answer silent;
		enum booking_answer after_yes;
	} rows[] = {
		{ BOOKING_WISH_NONE, BOOKING_GENDER_UNKNOWN, BOOKING_GENDER_MAN, BOOKING_ALLOWED,
		  BOOKING_ALLOWED },
		{ BOOKING_WISH_PREFERS, BOOKING_GENDER_WOMAN, BOOKING_GENDER_WOMAN, BOOKING_ALLOWED,
		  BOOKING_ALLOWED },
		{ BOOKING_WISH_PREFERS, BOOKING_GENDER_WOMAN, BOOKING_GENDER_MAN, BOOKING_NEEDS_YES,
		  BOOKING_ALLOWED },
		{ BOOKING_WISH_PREFERS, BOOKING_GENDER_WOMAN, BOOKING_GENDER_UNKNOWN,
		  BOOKING_NEEDS_YES, BOOKING_ALLOWED },
		{ BOOKING_WISH_ONLY, BOOKING_GENDER_WOMAN, BOOKING_GENDER_WOMAN, BOOKING_ALLOWED,
		  BOOKING_ALLOWED },
		{ BOOKING_WISH_ONLY, BOOKING_GENDER_WOMAN, BOOKING_GENDER_MAN, BOOKING_REFUSED,
		  BOOKING_REFUSED },
		{ BOOKING_WISH_ONLY, BOOKING_GENDER_WOMAN, BOOKING_GENDER_OTHER, BOOKING_REFUSED,
		  BOOKING_REFUSED },
		{ BOOKING_WISH_ONLY, BOOKING_GENDER_UNKNOWN, BOOKING_GENDER_UNKNOWN,
		  BOOKING_REFUSED, BOOKING_REFUSED },
		{ BOOKING_WISH_TALK_FIRST, BOOKING_GENDER_UNKNOWN, BOOKING_GENDER_WOMAN,
		  BOOKING_NEEDS_YES, BOOKING_ALLOWED },
		{ (enum booking_wish)9, BOOKING_GENDER_WOMAN, BOOKING_GENDER_WOMAN, BOOKING_REFUSED,
		  BOOKING_REFUSED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct booking_comfort c = { rows[i].wish, rows[i].wanted };
		assert_int_equal(booking_comfort_check(&c, rows[i].therapist, false),
				 rows[i].silent);
		assert_int_equal(booking_comfort_check(&c, rows[i].therapist, true),
				 rows[i].after_yes);
	}
}

static void test_booking_offline_is_tentative_until_the_server_answers(void **state)
{
	(void)state;
	assert_int_equal(booking_state_first(true), BOOKING_CONFIRMED);
	assert_int_equal(booking_state_first(false), BOOKING_TENTATIVE);
	assert_int_equal(booking_state_answered(BOOKING_TENTATIVE, true), BOOKING_CONFIRMED);
	assert_int_equal(booking_state_answered(BOOKING_TENTATIVE, false), BOOKING_CLASHED);
	assert_int_equal(booking_state_answered(BOOKING_CONFIRMED, false), BOOKING_CONFIRMED);
	assert_int_equal(booking_state_answered(BOOKING_CLASHED, true), BOOKING_CLASHED);
	assert_string_equal(booking_state_name(BOOKING_TENTATIVE), "tentative");
	assert_string_equal(booking_state_name(BOOKING_CLASHED), "clashed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_booking_half_open_times_and_turnover),
		cmocka_unit_test(test_booking_211_an_overlap_needs_a_reason),
		cmocka_unit_test(test_bad_bookings_name_their_field),
		cmocka_unit_test(test_booking_stands_within_hours),
		cmocka_unit_test(test_booking_the_next_visit_skips_closed_days),
		cmocka_unit_test(test_comfort_47_three_outcomes),
		cmocka_unit_test(test_booking_offline_is_tentative_until_the_server_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
