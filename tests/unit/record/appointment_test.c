/* What an appointment says, as a booking. */
#include "record/appointment.h"

#include "base/check.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define START_MS 1800000000000u

static uint8_t bytes[3][ID_BYTES] = { { 1 }, { 2 }, { 3 } };

static Roomkeep__Appointment whole(void)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	m.has_room_id = m.has_therapist_id = m.has_patient_id = true;
	m.room_id = (ProtobufCBinaryData){ ID_BYTES, bytes[0] };
	m.therapist_id = (ProtobufCBinaryData){ ID_BYTES, bytes[1] };
	m.patient_id = (ProtobufCBinaryData){ ID_BYTES, bytes[2] };
	m.has_starts_ms = m.has_minutes = true;
	m.starts_ms = START_MS;
	m.minutes = 60;
	return m;
}

static void test_a_whole_one_is_a_booking(void **state)
{
	(void)state;
	const Roomkeep__Appointment m = whole();
	struct booking b;
	assert_int_equal(appointment_booking(&m, &b, NULL), ERR_OK);
	assert_int_equal(b.room.b[0], 1);
	assert_int_equal(b.therapist.b[0], 2);
	assert_int_equal(b.patient.b[0], 3);
	assert_int_equal(b.start_ms, START_MS);
	assert_int_equal(b.end_ms, START_MS + CALENDAR_HOUR_MS);
}

static void expect_not_whole(const Roomkeep__Appointment *m, const char *field)
{
	struct record_error error = { 0 };
	struct booking b;
	assert_int_equal(appointment_booking(m, &b, &error), ERR_BAD_VALUE);
	assert_string_equal(error.field, field);
}

static void test_one_that_is_not_whole_says_what_is_missing(void **state)
{
	(void)state;
	Roomkeep__Appointment m = whole();
	m.has_room_id = false;
	expect_not_whole(&m, "room");
	m = whole();
	m.has_therapist_id = false;
	expect_not_whole(&m, "therapist");
	m = whole();
	m.has_patient_id = false;
	expect_not_whole(&m, "patient");
	m = whole();
	m.has_starts_ms = false;
	expect_not_whole(&m, "start_ms");
	m = whole();
	m.has_minutes = false;
	expect_not_whole(&m, "end_ms");
	m = whole();
	m.starts_ms = TIME_MS_END - 1;
	expect_not_whole(&m, "end_ms");
}

static void test_which_states_hold_their_time(void **state)
{
	(void)state;
	static const struct {
		Roomkeep__Appointment__State state;
		bool holds;
	} rows[] = {
		{ ROOMKEEP__APPOINTMENT__STATE__BOOKED, true },
		{ ROOMKEEP__APPOINTMENT__STATE__ARRIVED, true },
		{ ROOMKEEP__APPOINTMENT__STATE__IN_SESSION, true },
		{ ROOMKEEP__APPOINTMENT__STATE__DONE, true },
		{ ROOMKEEP__APPOINTMENT__STATE__CANCELLED, false },
		{ ROOMKEEP__APPOINTMENT__STATE__LATE_CANCELLED, false },
		{ ROOMKEEP__APPOINTMENT__STATE__NO_SHOW, false },
	};
	Roomkeep__Appointment m = whole();
	assert_int_equal(appointment_state(&m), APPOINTMENT_BOOKED);
	assert_true(appointment_holds_time(&m));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		m.has_state = true;
		m.state = rows[i].state;
		assert_int_equal(appointment_holds_time(&m), rows[i].holds);
	}
	assert_int_equal(roomkeep__appointment__state__descriptor.n_values, COUNT_OF(rows) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_one_is_a_booking),
		cmocka_unit_test(test_one_that_is_not_whole_says_what_is_missing),
		cmocka_unit_test(test_which_states_hold_their_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
