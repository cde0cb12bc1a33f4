/* verbs_booking: the day sheet, walk-ins, the next visit, the waiting list. What is said about one
 * appointment goes through the verbs of plain records (verbs_record.c). */
#include "client/api/day_sheet.h"
#include "client/api/record_json.h"
#include "client/api/same_person.h"
#include "client/api/session_chart.h"
#include "client/api/show.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/appointment.h"
#include "record/reflect.h"
#include "wire/op.h"

#include <stdlib.h>

/* ---- the day sheet --------------------------------------------------------------------------- */

static enum err put_closed(const struct day_sheet *s, json_t *answer)
{
	json_t *list = json_array();

	TRY(json_put(answer, "closed", list));
	for (uint32_t i = 0; i < s->days; i++) {
		CLEANUP(buf_finip) struct buf text = { 0 };
		const int64_t day = s->first_day + i;
		if (!calendar_is_closed(&s->house.calendar, day)) continue;
		TRY(calendar_print(day, &text));
		ENSURE(json_array_append_new(list, json_stringn((const char *)text.p, text.len)) ==
			       0,
		       ERR_NOMEM);
	}
	return ERR_OK;
}

/* Minutes of a day as HH:MM. */
static json_t *clock_json(uint16_t minutes)
{
	const char text[] = { (char)('0' + minutes / 600), (char)('0' + minutes / 60 % 10), ':',
			      (char)('0' + minutes % 60 / 10), (char)('0' + minutes % 10) };

	return json_stringn(text, sizeof(text));
}

static enum err put_hours_of(struct verb *v, const struct house_shift *shift, json_t *list)
{
	static const char *const days[] = { "monday", "tuesday",  "wednesday", "thursday",
					    "friday", "saturday", "sunday" };
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "weekday", json_string(days[shift->hours.weekday])));
	TRY(json_put(object, "opens", clock_json(shift->hours.from)));
	TRY(json_put(object, "closes", clock_json(shift->hours.to)));
	return verb_put_login(v, object, "therapist", &shift->therapist);
}

/* Hours that hold on the days of the sheet. */
static enum err put_hours(struct verb *v, const struct day_sheet *s)
{
	json_t *list = json_array();
	unsigned weekdays = 0;

	TRY(json_put(v->answer, "hours", list));
	for (uint32_t i = 0; i < s->days && i < 7; i++)
		weekdays |= WEEKDAY_BIT(calendar_weekday(s->first_day + i));
	for (size_t i = 0; i < s->house.shift_count; i++) {
		const struct house_shift *shift = &s->house.shifts[i];
		if ((weekdays & WEEKDAY_BIT(shift->hours.weekday)) == 0) continue;
		TRY(put_hours_of(v, shift, list));
	}
	return ERR_OK;
}

static enum err list_day_sheet(struct verb *v)
{
	CLEANUP(day_sheet_finip) struct day_sheet s = { 0 };
	json_t *list = json_array();

	TRY(json_put(v->answer, "appointments", list));
	TRY(day_sheet_read(v, 1, &s));
	TRY(house_put_date(v->answer, "day", house_day_start(s.first_day)));
	TRY(json_put(v->answer, "days", json_integer((json_int_t)s.days)));
	TRY(put_closed(&s, v->answer));
	TRY(put_hours(v, &s));
	for (size_t i = 0; i < s.count; i++) {
		json_t *object = json_object();
		ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
		TRY(day_sheet_put_row(v, &s, &s.rows[i], object));
	}
	return ERR_OK;
}

enum err verb_list_day_sheet(struct verb *v)
{
	return verb_show_named(v, list_day_sheet);
}

/* ---- the waiting list ------------------------------------------------------------------------ */

static bool still_waits(const Roomkeep__WaitlistItem *m)
{
	return !m->has_state || m->state == ROOMKEEP__WAITLIST_ITEM__STATE__WAITING ||
	       m->state == ROOMKEEP__WAITLIST_ITEM__STATE__OFFERED;
}

static enum err put_waiting(struct verb *v, const struct record_state *s, json_t *list)
{
	struct local_patient p;
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(record_to_json(object, kind_find(KIND_WAITLIST_ITEM), s->message));
	TRY(json_put_time(object, "added_at", s->first->client_time_ms));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), &s->patient_id, &p);
	if (e == ERR_NOT_FOUND) return json_put(object, "patient", json_null());
	TRY(e);
	return json_put(object, "patient",
			json_string(p.name_used[0] != '\0' ? p.name_used : p.name));
}

/* Who waits, longest first. */
enum err verb_list_waitlist(struct verb *v)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "waiting", list));
	const enum err e =
		local_list_waiting(verb_local(v), verb_vault(v), &fold, &records, &count);
	if (e == ERR_DENIED) return fault_set(&v->fault, e, NULL, "you may not read appointments");
	TRY(e);
	for (size_t i = 0; i < count; i++) {
		if (still_waits((const Roomkeep__WaitlistItem *)(const void *)records[i].message))
			TRY(put_waiting(v, &records[i], list));
	}
	return ERR_OK;
}

/* ---- walk-in --------------------------------------------------------------------------------- */

#define REQUEST_ARENA_BYTES (4u * OP_BYTES_MAX)

/* Fields of the request into `m`, which is initialised, without those that the verb sets. */
static enum err read_appointment(struct verb *v, struct arena *a, Roomkeep__Appointment *m)
{
	static const char *const own[] = { "appointment_id", "starts_at", "state", "walk_in",
					   "arrived_at" };

	for (size_t i = 0; i < COUNT_OF(own); i++) {
		if (!verb_has(v, own[i])) continue;
		return fault_set(&v->fault, ERR_USAGE, "usage", "%s is made here: leave it out",
				 own[i]);
	}
	return record_from_json(v, kind_find(KIND_APPOINTMENT), a, &m->base);
}

static enum err append_appointment(struct verb *v, Roomkeep__Appointment *m)
{
	const struct id id = local_new_id(verb_local(v), v->now_ms);
	struct id patient_id;

	m->has_appointment_id = true;
	m->appointment_id = wire_id_bytes(&id);
	TRY(wire_id(m->patient_id, &patient_id));
	TRY(same_person_need_chart(v, &patient_id));
	TRY(json_put_time(v->answer, "starts_at", m->starts_ms));
	return record_append(v, kind_find(KIND_APPOINTMENT), &m->base, &id);
}

/* Somebody stands at the door: it begins now, in this room when no other is named. */
enum err verb_add_walk_in(struct verb *v)
{
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	const char *unused = NULL;

	arena_init(&a, REQUEST_ARENA_BYTES);
	TRY(verb_need_text(v, "patient_id", &unused));
	TRY(verb_need_text(v, "therapist_id", &unused));
	TRY(read_appointment(v, &a, &m));
	if (!m.has_room_id) m.room_id = wire_id_bytes(&local_room(verb_local(v))->room_id);
	if (!m.has_minutes) {
		return fault_set(&v->fault, ERR_USAGE, "usage",
				 "minutes is missing: how long it is");
	}
	m.has_room_id = m.has_starts_ms = m.has_arrived_ms = m.has_state = m.has_walk_in = true;
	m.starts_ms = v->now_ms - v->now_ms % CALENDAR_MINUTE_MS;
	m.arrived_ms = v->now_ms;
	m.state = ROOMKEEP__APPOINTMENT__STATE__ARRIVED;
	m.walk_in = true;
	return append_appointment(v, &m);
}

/* ---- the next visit -------------------------------------------------------------------------- */

/* The appointment to go on from: the one that is named, else the patient's latest that was kept. */
static enum err find_last(struct verb *v, const struct id *patient_id, struct record_fold *fold,
			  const struct record_state **ret)
{
	const struct record_state *records = NULL;
	struct id wanted = { 0 };
	size_t count = 0;
	uint64_t latest = 0;

	*ret = NULL;
	if (verb_has(v, "appointment_id")) TRY(verb_need_id(v, "appointment_id", &wanted));
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_APPOINTMENT, patient_id, fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const Roomkeep__Appointment *m =
			(const Roomkeep__Appointment *)(const void *)records[i].message;
		struct booking b;
		if (appointment_booking(m, &b, NULL) != ERR_OK) continue;
		const bool named = id_equal(&records[i].record_id, &wanted);
		if (id_is_zero(&wanted) ? !appointment_holds_time(m) : !named) continue;
		if (*ret != NULL && b.start_ms <= latest) continue;
		*ret = &records[i];
		latest = b.start_ms;
	}
	if (*ret != NULL) return ERR_OK;
	if (!id_is_zero(&wanted))
		return verb_fail_unknown(v, "appointment of this patient", "appointment_id");
	return fault_set(&v->fault, ERR_NOT_FOUND, NULL,
			 "this patient has no appointment to go on from: add one");
}

/* The session that is named, else the patient's last; zeros: there is none. */
static enum err find_planning_session(struct verb *v, const struct id *patient_id, struct id *ret)
{
	CLEANUP(local_sessions_finip) struct local_sessions all = { 0 };

	*ret = (struct id){ 0 };
	if (verb_has(v, "session_id")) return verb_need_id(v, "session_id", ret);
	TRY(local_find_sessions(verb_local(v), verb_vault(v), patient_id, &all));
	TRY(local_drop_misfiled(verb_local(v), verb_vault(v), patient_id, &all));
	if (all.count > 0) *ret = all.held[all.count - 1].session_id;
	return ERR_OK;
}

/* What its plan says of the next visit. */
static enum err plan_interval(struct verb *v, const struct id *patient_id, uint32_t *ret_days)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__SessionChart *chart = NULL;
	struct id session_id;
	enum err e = find_planning_session(v, patient_id, &session_id);

	if (e == ERR_OK) {
		ENSURE(!id_is_zero(&session_id), ERR_NOT_FOUND);
		e = session_chart_get(v, &session_id, NULL, &fold, &chart);
	}
	TRY(e);
	ENSURE(chart->has_next_in_days && !chart->next_as_needed, ERR_NOT_FOUND);
	ENSURE(chart->next_in_days >= 1 && chart->next_in_days <= BOOKING_INTERVAL_DAYS_MAX,
	       ERR_TOO_BIG);
	*ret_days = chart->next_in_days;
	return ERR_OK;
}

static enum err read_interval(struct verb *v, const struct id *patient_id, uint32_t *ret_days)
{
	const json_t *value = json_object_get(v->request, "interval_days");

	if (value == NULL) {
		const enum err e = plan_interval(v, patient_id, ret_days);
		if (e == ERR_DENIED)
			return fault_set(&v->fault, ERR_USAGE, "usage",
					 "interval_days is missing: the plan is not yours to read");
		if (e == ERR_NOT_FOUND || e == ERR_TOO_BIG)
			return fault_set(
				&v->fault, ERR_USAGE, "usage",
				"interval_days is missing: the last session's plan says no "
				"number of days up to %u",
				BOOKING_INTERVAL_DAYS_MAX);
		return e;
	}
	if (json_is_integer(value) && json_integer_value(value) >= 1 &&
	    json_integer_value(value) <= BOOKING_INTERVAL_DAYS_MAX) {
		*ret_days = (uint32_t)json_integer_value(value);
		return ERR_OK;
	}
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
			 "interval_days: a whole number from 1 to %u, as the plan says",
			 BOOKING_INTERVAL_DAYS_MAX);
}

/* The same time of the day as `from_ms`, on the first open day after the interval. */
static enum err next_start(struct verb *v, uint64_t from_ms, uint32_t interval, uint64_t *ret_ms)
{
	CLEANUP(house_finip) struct house h = { 0 };
	const int32_t offset = house_offset_minutes(from_ms);
	int64_t day = 0;

	TRY(house_load(v, &h));
	if (booking_next_day(&h.calendar, calendar_day_of(from_ms, offset), interval, &day) !=
	    ERR_OK) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "interval_days: no open day follows");
	}
	/* By the clock on the wall, also where the hour changed in between. */
	const uint64_t noon = house_day_start(day) + 12u * CALENDAR_HOUR_MS;
	const uint64_t midnight_utc = (uint64_t)day * CALENDAR_DAY_MS;
	const uint64_t clock = (uint64_t)calendar_minute_of(from_ms, offset) * CALENDAR_MINUTE_MS;
	const int64_t shift = (int64_t)house_offset_minutes(noon) * CALENDAR_MINUTE_MS;

	*ret_ms = (uint64_t)((int64_t)(midnight_utc + clock) - shift);
	return ERR_OK;
}

/* Who comes again: patient_id, or the patient of session_id, at the end of which this is asked. */
static enum err find_patient(struct verb *v, struct id *ret_patient_id)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	struct id session_id;

	if (verb_has(v, "patient_id") == verb_has(v, "session_id")) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "give patient_id or session_id");
	}
	if (verb_has(v, "patient_id")) return verb_need_id(v, "patient_id", ret_patient_id);
	TRY(verb_need_id(v, "session_id", &session_id));
	const enum err e = local_load_session(verb_local(v), verb_vault(v), &session_id, &fold, &s);
	if (e == ERR_DENIED) return fault_set(&v->fault, e, NULL, "you may not read sessions");
	if (e == ERR_NOT_FOUND || (e == ERR_OK && !s.has_frame))
		return verb_fail_unknown(v, "session", "session_id");
	TRY(e);
	*ret_patient_id = s.patient_id;
	return ERR_OK;
}

enum err verb_rebook(struct verb *v)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *last = NULL;
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	struct id patient_id;
	uint32_t interval = 0;

	TRY(find_patient(v, &patient_id));
	TRY(read_interval(v, &patient_id, &interval));
	TRY(json_put(v->answer, "interval_days", json_integer(interval)));
	const enum err e = find_last(v, &patient_id, &fold, &last);
	if (e == ERR_DENIED) return fault_set(&v->fault, e, NULL, "you may not read appointments");
	TRY(e);
	INSIST(last != NULL);
	const Roomkeep__Appointment *from =
		(const Roomkeep__Appointment *)(const void *)last->message;
	m.has_patient_id = m.has_room_id = m.has_therapist_id = true;
	m.has_starts_ms = m.has_minutes = m.has_rebooked_from = true;
	m.patient_id = wire_id_bytes(&patient_id);
	m.room_id = from->room_id;
	m.therapist_id = from->therapist_id;
	m.minutes = from->minutes;
	m.has_type = from->has_type;
	m.type = from->type == ROOMKEEP__APPOINTMENT__TYPE__FIRST_VISIT
			 ? ROOMKEEP__APPOINTMENT__TYPE__TREATMENT
			 : from->type;
	m.rebooked_from = wire_id_bytes(&last->record_id);
	m.has_spoken_yes = json_is_true(json_object_get(v->request, "spoken_yes"));
	m.spoken_yes = m.has_spoken_yes;
	TRY(next_start(v, from->starts_ms, interval, &m.starts_ms));
	return append_appointment(v, &m);
}
