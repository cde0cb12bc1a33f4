/* Hours and closed days out of plain records: what was torn, or is over, says nothing. */
#include "record/house_record.h"

#include "base/check.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static Roomkeep__Shift shift(void)
{
	Roomkeep__Shift m = ROOMKEEP__SHIFT__INIT;
	m.has_weekday = true;
	m.weekday = ROOMKEEP__SHIFT__WEEKDAY__TUESDAY;
	m.opens = wire_text("09:00");
	m.closes = wire_text("17:30");
	return m;
}

static void test_hours_of_the_house_and_of_one_person(void **state)
{
	(void)state;
	struct id jo = { { 7 } };
	struct id whose = { { 1 } };
	struct booking_hours hours;
	Roomkeep__Shift m = shift();
	assert_true(house_record_shift(&m, &whose, &hours));
	assert_true(id_is_zero(&whose));
	assert_int_equal(hours.weekday, WEEKDAY_TUESDAY);
	assert_int_equal(hours.from, 9 * 60);
	assert_int_equal(hours.to, 17 * 60 + 30);
	m.has_therapist_id = true;
	m.therapist_id = wire_id_bytes(&jo);
	m.has_ended = true; /* and not ended */
	assert_true(house_record_shift(&m, &whose, &hours));
	assert_true(id_equal(&whose, &jo));
	m.therapist_id.len = 3; /* torn: nobody's own */
	assert_true(house_record_shift(&m, &whose, &hours));
	assert_true(id_is_zero(&whose));
}

static void test_hours_that_say_nothing(void **state)
{
	(void)state;
	struct id whose;
	struct booking_hours hours;
	Roomkeep__Shift m = shift();
	m.has_ended = m.ended = true;
	assert_false(house_record_shift(&m, &whose, &hours));
	m = shift();
	m.has_weekday = false;
	assert_false(house_record_shift(&m, &whose, &hours));
	m = shift();
	m.opens = NULL;
	assert_false(house_record_shift(&m, &whose, &hours));
	m = shift();
	m.closes = NULL;
	assert_false(house_record_shift(&m, &whose, &hours));
	m = shift();
	m.closes = wire_text("09:00"); /* two rooms changed it apart */
	assert_false(house_record_shift(&m, &whose, &hours));
	m.closes = wire_text("25:00");
	assert_false(house_record_shift(&m, &whose, &hours));
	m.opens = wire_text("9");
	assert_false(house_record_shift(&m, &whose, &hours));
}

static void test_closed_days(void **state)
{
	(void)state;
	int64_t day = 0;
	Roomkeep__ClosedDay m = ROOMKEEP__CLOSED_DAY__INIT;
	assert_false(house_record_closed_day(&m, &day));
	m.day = wire_text("1970-01-03");
	assert_true(house_record_closed_day(&m, &day));
	assert_int_equal(day, 2);
	m.has_ended = true;
	assert_true(house_record_closed_day(&m, &day));
	m.ended = true;
	assert_false(house_record_closed_day(&m, &day));
	m.ended = false;
	m.day = wire_text("1970-02-30");
	assert_false(house_record_closed_day(&m, &day));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hours_of_the_house_and_of_one_person),
		cmocka_unit_test(test_hours_that_say_nothing),
		cmocka_unit_test(test_closed_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
