#include "record/appointment.h"

#include "wire/op.h"

Roomkeep__Appointment__State appointment_state(const Roomkeep__Appointment *m)
{
	return m->has_state ? m->state : APPOINTMENT_BOOKED;
}

bool appointment_holds_time(const Roomkeep__Appointment *m)
{
	switch ((int)appointment_state(m)) {
	case ROOMKEEP__APPOINTMENT__STATE__CANCELLED:
	case ROOMKEEP__APPOINTMENT__STATE__LATE_CANCELLED:
	case ROOMKEEP__APPOINTMENT__STATE__NO_SHOW: return false;
	default: return true;
	}
}

/* An absent id is no id: booking_check names the field. */
static enum err appointment_id(protobuf_c_boolean has, ProtobufCBinaryData bytes, struct id *ret)
{
	*ret = (struct id){ 0 };
	return has ? wire_id(bytes, ret) : ERR_OK;
}

enum err appointment_booking(const Roomkeep__Appointment *m, struct booking *ret,
			     struct record_error *ret_error)
{
	struct booking b = { .start_ms = m->has_starts_ms ? m->starts_ms : 0 };
	TRY(appointment_id(m->has_room_id, m->room_id, &b.room));
	TRY(appointment_id(m->has_therapist_id, m->therapist_id, &b.therapist));
	TRY(appointment_id(m->has_patient_id, m->patient_id, &b.patient));
	b.end_ms = b.start_ms + (m->has_minutes ? (uint64_t)m->minutes * CALENDAR_MINUTE_MS : 0);
	TRY(booking_check(&b, ret_error));
	*ret = b;
	return ERR_OK;
}
