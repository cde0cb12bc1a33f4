/* kinds_booking: appointments, and what the house says about its days and rooms. */
#include "record/kinds_priv.h"

#include "record/booking.h"
#include "record/house_record.h"
#include "wire/op.h"

#define STAFF_ROLES ROLES_STAFF
#define HOUSE_ROLES (ROLE_THERAPIST | ROLE_DESK | ROLE_LEAD | ROLE_OWNER)

#define APPOINTMENT_MINUTES_MIN 5u
#define APPOINTMENT_MINUTES_MAX (BOOKING_MS_MAX / CALENDAR_MINUTE_MS)
#define TURNOVER_MINUTES_MAX (BOOKING_TURNOVER_MS_MAX / CALENDAR_MINUTE_MS)

static const struct field_rule appointment_fields[] = {
	FIELD_OWN_ID("appointment_id"),
	FIELD_OF_PATIENT,
	{ "room_id", FIELD_ID, FIELD_FIRST, 0, 0, "in which room" },
	{ "therapist_id", FIELD_ID, FIELD_FIRST, 0, 0, "with whom" },
	{ "starts_ms", FIELD_TIME, FIELD_FIRST, 0, 0, "when it begins" },
	{ "minutes", FIELD_COUNT, FIELD_FIRST, APPOINTMENT_MINUTES_MIN, APPOINTMENT_MINUTES_MAX,
	  "how long it is" },
	{ "type", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "what kind of visit" },
	{ "state", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "how far it is" },
	{ "walk_in", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "did the patient come without one?" },
	{ "desk_tag", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "how the patient seems at arrival" },
	{ "arrived_ms", FIELD_TIME, FIELD_OPTIONAL, 0, 0, "when the patient arrived" },
	{ "overlap_reason", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX,
	  "why it may stand beside another" },
	{ "spoken_yes", FIELD_BOOL, FIELD_OPTIONAL, 0, 0,
	  "the patient said yes to this therapist" },
	{ "cancelled_reason", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX,
	  "why it was cancelled" },
	{ "rebooked_from", FIELD_ID, FIELD_OPTIONAL, 0, 0, "the appointment it follows" },
	FIELD_TAKES_BACK,
};

static const struct field_rule shift_fields[] = {
	FIELD_OWN_ID("shift_id"),
	{ "therapist_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "whose; absent: of the house" },
	{ "weekday", FIELD_ENUM, FIELD_FIRST, 0, 0, "on which day of the week" },
	{ "opens", FIELD_CLOCK, FIELD_FIRST, 5, 5, "from when" },
	{ "closes", FIELD_CLOCK, FIELD_FIRST, 5, 5, "until when" },
	{ "ended", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "it holds no more" },
	FIELD_TAKES_BACK,
};

static const struct field_rule closed_day_fields[] = {
	FIELD_OWN_ID("closed_day_id"),
	{ "day", FIELD_DATE, FIELD_FIRST, 10, 10, "which day" },
	{ "name", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "what day it is" },
	{ "ended", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "open after all" },
	FIELD_TAKES_BACK,
};

static const struct field_rule room_setting_fields[] = {
	FIELD_OWN_ID("room_setting_id"),
	{ "room_id", FIELD_ID, FIELD_FIRST, 0, 0, "of which room" },
	{ "turnover_minutes", FIELD_COUNT, FIELD_OPTIONAL, 0, TURNOVER_MINUTES_MAX,
	  "minutes after each, to change the linen" },
	FIELD_TAKES_BACK,
};

static const struct field_rule waitlist_item_fields[] = {
	FIELD_OWN_ID("waitlist_item_id"),
	FIELD_OF_PATIENT,
	{ "wishes", FIELD_NAME, FIELD_FIRST, 1, NAME_BYTES_MAX, "what time would suit" },
	{ "therapist_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "with whom; absent: anybody" },
	{ "from_day", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "first day that would suit" },
	{ "until_day", FIELD_DATE, FIELD_OPTIONAL, 10, 10, "last day that would suit" },
	{ "state", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "how far it is" },
	FIELD_TAKES_BACK,
};

static const struct field_rule staff_profile_fields[] = {
	FIELD_OWN_ID("staff_profile_id"),
	{ "user_id", FIELD_ID, FIELD_FIRST, 0, 0, "whose" },
	{ "gender", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "for wishes of patients" },
	{ "turnover_minutes", FIELD_COUNT, FIELD_OPTIONAL, 0, TURNOVER_MINUTES_MAX,
	  "minutes after each, to write" },
	{ "registration_number", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX,
	  "with the college, for receipts" },
	FIELD_TAKES_BACK,
};

static enum err check_shift(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__Shift *m = (const Roomkeep__Shift *)(const void *)message;
	if (m->opens == NULL || m->closes == NULL || strcmp(m->opens, m->closes) < 0) return ERR_OK;
	return field_fail(error, ERR_BAD_VALUE, "closes", "a time of the day after it opens");
}

static enum err check_waitlist_item(const ProtobufCMessage *message, struct record_error *error)
{
	const Roomkeep__WaitlistItem *m = (const Roomkeep__WaitlistItem *)(const void *)message;
	return field_check_order(m->from_day, m->until_day, "until_day", error);
}

const struct kind_info kinds_booking[] = {
	{ .kind = KIND_APPOINTMENT,
	  .name = "appointment",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = STAFF_ROLES,
	  .write = STAFF_ROLES,
	  KIND_MESSAGE(appointment, appointment_fields),
	  .subject_field = "appointment_id",
	  .patient_field = "patient_id",
	  .one = "an appointment",
	  .many = "appointments",
	  .about = "who comes when, to which room and therapist",
	  .example = "--room R --therapist T --starts-at 2026-12-01T10:00:00Z --minutes 60",
	  .example_set = "--state cancelled --cancelled-reason -" },
	{ .kind = KIND_SHIFT,
	  .name = "shift",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_HOUSE,
	  .write = HOUSE_ROLES,
	  KIND_MESSAGE(shift, shift_fields),
	  .subject_field = "shift_id",
	  .check = check_shift,
	  .one = "working hours",
	  .many = "shifts",
	  .about = "when the house is open and who works when",
	  .example = "--weekday monday --opens 09:00 --closes 17:00",
	  .example_set = "--closes 18:00" },
	{ .kind = KIND_CLOSED_DAY,
	  .name = "closed_day",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_HOUSE,
	  .write = HOUSE_ROLES,
	  KIND_MESSAGE(closed_day, closed_day_fields),
	  .subject_field = "closed_day_id",
	  .one = "a closed day",
	  .many = "closed days",
	  .about = "days on which the house is closed",
	  .example = "--day 2026-12-25 --name Christmas",
	  .example_set = "--ended yes" },
	{ .kind = KIND_ROOM_SETTING,
	  .name = "room_setting",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_HOUSE,
	  .write = HOUSE_ROLES,
	  KIND_MESSAGE(room_setting, room_setting_fields),
	  .subject_field = "room_setting_id",
	  .one = "settings of a room",
	  .many = "room settings",
	  .about = "minutes between appointments, per room",
	  .example = "--room R --turnover-minutes 10",
	  .example_set = "--turnover-minutes 15" },
	{ .kind = KIND_WAITLIST_ITEM,
	  .name = "waitlist_item",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = STAFF_ROLES,
	  .write = STAFF_ROLES,
	  KIND_MESSAGE(waitlist_item, waitlist_item_fields),
	  .subject_field = "waitlist_item_id",
	  .patient_field = "patient_id",
	  .check = check_waitlist_item,
	  .one = "a place on the waiting list",
	  .many = "places on the waiting list",
	  .about = "who would come if there were time",
	  .example = "--wishes -",
	  .example_set = "--state booked_in" },
	{ .kind = KIND_STAFF_PROFILE,
	  .name = "staff_profile",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_HOUSE,
	  .write = ROLE_THERAPIST | ROLE_LEAD | ROLE_OWNER,
	  KIND_MESSAGE(staff_profile, staff_profile_fields),
	  .subject_field = "staff_profile_id",
	  .one = "a profile of a therapist",
	  .many = "staff profiles",
	  .about = "what a booking needs to know about a therapist",
	  .example = "--user T --gender woman",
	  .example_set = "--turnover-minutes 10" },
};
const size_t kinds_booking_count = COUNT_OF(kinds_booking);

/* ---- as other modules read them -------------------------------------------------------------- */

bool house_record_shift(const Roomkeep__Shift *m, struct id *ret_therapist,
			struct booking_hours *ret)
{
	uint32_t from = 0;
	uint32_t to = 0;
	if ((m->has_ended && m->ended) || !m->has_weekday || m->opens == NULL || m->closes == NULL)
		return false;
	if (clock_parse(view_str(m->opens), &from) != ERR_OK ||
	    clock_parse(view_str(m->closes), &to) != ERR_OK || from >= to)
		return false; /* two rooms changed it apart: it says nothing */
	if (!m->has_therapist_id || wire_id(m->therapist_id, ret_therapist) != ERR_OK)
		*ret_therapist = (struct id){ 0 };
	*ret = (struct booking_hours){ .weekday = (enum weekday)(m->weekday - 1),
				       .from = (uint16_t)from,
				       .to = (uint16_t)to };
	return true;
}

bool house_record_closed_day(const Roomkeep__ClosedDay *m, int64_t *ret_day)
{
	struct date date;
	if ((m->has_ended && m->ended) || m->day == NULL) return false;
	if (date_parse(view_str(m->day), &date) != ERR_OK) return false;
	*ret_day = date_days(&date);
	return true;
}
