/* export_calendar: one room's or one therapist's appointments as iCalendar (RFC 5545), for a
 * telephone. It leaves the clinic: initials only, no type of visit, no words of anybody. */
#include "client/api/day_sheet.h"
#include "client/api/export_file.h"
#include "client/api/show.h"
#include "client/api/verbs.h"

#include "base/check.h"

#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>

#define INITIALS_MAX 4u
#define INITIALS_BYTES (INITIALS_MAX * 4u + 1u)

static void calendar_freep(icalcomponent **c)
{
	if (*c != NULL) icalcomponent_free(*c);
}

/* The first character of each word: "Maya Rosen" is "MR". */
static void initials_of(const char *name, char ret[INITIALS_BYTES])
{
	size_t len = 0;
	unsigned taken = 0;
	bool begins = true;

	for (const char *at = name; *at != '\0' && taken < INITIALS_MAX; at++) {
		if (*at == ' ' || *at == '-') {
			begins = true;
			continue;
		}
		if (!begins) continue;
		ret[len++] = *at;
		while (((uint8_t)at[1] & 0xc0u) == 0x80u && len + 1 < INITIALS_BYTES)
			ret[len++] = *++at;
		begins = false;
		taken++;
	}
	ret[len] = '\0';
}

static icaltimetype utc_of(uint64_t ms)
{
	return icaltime_from_timet_with_zone((time_t)(ms / 1000u), 0,
					     icaltimezone_get_utc_timezone());
}

static enum err put_property(icalcomponent *to, icalproperty *property)
{
	ENSURE(property != NULL, ERR_NOMEM);
	icalcomponent_add_property(to, property);
	return ERR_OK;
}

static icalproperty *status_of(const struct local_appointment *a)
{
	if (!a->holds_time) return icalproperty_new_status(ICAL_STATUS_CANCELLED);
	return icalproperty_new_status(a->booking_state == BOOKING_CONFIRMED
					       ? ICAL_STATUS_CONFIRMED
					       : ICAL_STATUS_TENTATIVE);
}

static enum err add_names(struct verb *v, const struct local_appointment *a, icalcomponent *event)
{
	CLEANUP(json_decrefp) json_t *words = json_object();
	char initials[INITIALS_BYTES] = "";
	struct local_patient p;

	ENSURE(words != NULL, ERR_NOMEM);
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), &a->booking.patient, &p);
	if (e != ERR_NOT_FOUND) TRY(e);
	if (e == ERR_OK) initials_of(p.name, initials);
	TRY(put_property(event, icalproperty_new_summary(initials)));
	TRY(verb_put_room(v, words, "room", &a->booking.room));
	return put_property(event, icalproperty_new_location(json_text_of(words, "room")));
}

static enum err add_event(struct verb *v, const struct local_appointment *a, icalcomponent *to)
{
	char uid[ID_TEXT_BYTES];
	icalcomponent *event = icalcomponent_new(ICAL_VEVENT_COMPONENT);

	ENSURE(event != NULL, ERR_NOMEM);
	icalcomponent_add_component(to, event);
	id_print(&a->appointment_id, uid);
	TRY(put_property(event, icalproperty_new_uid(uid)));
	TRY(put_property(event, icalproperty_new_dtstamp(utc_of(v->now_ms))));
	TRY(put_property(event, icalproperty_new_dtstart(utc_of(a->booking.start_ms))));
	TRY(put_property(event, icalproperty_new_dtend(utc_of(a->booking.end_ms))));
	TRY(put_property(event, status_of(a)));
	TRY(put_property(event, icalproperty_new_class(ICAL_CLASS_PRIVATE)));
	return add_names(v, a, event);
}

static enum err make_calendar(struct verb *v, const struct day_sheet *s, char **ret_text)
{
	CLEANUP(calendar_freep) icalcomponent *c = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);

	ENSURE(c != NULL, ERR_NOMEM);
	TRY(put_property(c, icalproperty_new_version("2.0")));
	TRY(put_property(c, icalproperty_new_prodid("-//Roomkeep//EN")));
	TRY(put_property(c, icalproperty_new_method(ICAL_METHOD_PUBLISH)));
	for (size_t i = 0; i < s->count; i++) {
		if (s->rows[i].booking_state == BOOKING_CLASHED) continue;
		TRY(add_event(v, &s->rows[i], c));
	}
	*ret_text = icalcomponent_as_ical_string_r(c);
	return *ret_text != NULL ? ERR_OK : ERR_NOMEM;
}

static enum err export_calendar(struct verb *v)
{
	CLEANUP(day_sheet_finip) struct day_sheet s = { 0 };
	char *text = NULL;

	TRY(export_file_need(v));
	if (verb_has(v, "room_id") == verb_has(v, "therapist_id")) {
		return fault_set(&v->fault, ERR_USAGE, "usage",
				 "a calendar is of one room or of one therapist: give room_id or "
				 "therapist_id");
	}
	TRY(day_sheet_read(v, DAY_SHEET_DAYS_MAX, &s));
	TRY(make_calendar(v, &s, &text));
	const bool again = v->name_missing && !v->learning && v->link.link == SYNC_LINK_ONLINE;
	enum err e = again ? ERR_OK : export_file_write(v, view_str(text));
	if (e == ERR_OK) e = json_put(v->answer, "appointments", json_integer((json_int_t)s.count));
	free(text);
	return e;
}

enum err verb_export_calendar(struct verb *v)
{
	return verb_show_named(v, export_calendar);
}
