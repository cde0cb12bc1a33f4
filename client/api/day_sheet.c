#include "client/api/day_sheet.h"

#include "base/check.h"
#include "record/access.h"
#include "record/field_words.h"

#include <stdlib.h>

void day_sheet_finip(struct day_sheet *s)
{
	free(s->rows);
	house_fini(&s->house);
}

/* ---- the request ----------------------------------------------------------------------------- */

static enum err read_day(struct verb *v, int64_t *ret_day)
{
	struct date date;

	*ret_day = calendar_day_of(v->now_ms, house_offset_minutes(v->now_ms));
	if (!verb_has(v, "day")) return ERR_OK;
	if (date_parse(view_str(verb_text(v, "day")), &date) == ERR_OK && date.year >= 2000) {
		*ret_day = date_days(&date);
		return ERR_OK;
	}
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
			 "day: a day that exists, as YYYY-MM-DD, from 2000 to 2100");
}

static enum err read_days(struct verb *v, uint32_t *days)
{
	const json_t *value = json_object_get(v->request, "days");

	if (value == NULL || json_is_null(value)) return ERR_OK;
	if (json_is_integer(value) && json_integer_value(value) >= 1 &&
	    json_integer_value(value) <= DAY_SHEET_DAYS_MAX) {
		*days = (uint32_t)json_integer_value(value);
		return ERR_OK;
	}
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "days: a whole number from 1 to %u",
			 DAY_SHEET_DAYS_MAX);
}

static enum err may_read(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));
	const struct access_read q = { .kind = KIND_APPOINTMENT,
				       .roles = user == NULL ? 0 : user->roles };

	if (user != NULL && user->active && access_may_read(&q)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read appointments");
}

static bool is_wanted(const struct day_sheet *s, const struct local_appointment *a)
{
	if (!id_is_zero(&s->room) && !id_equal(&s->room, &a->booking.room)) return false;
	return id_is_zero(&s->therapist) || id_equal(&s->therapist, &a->booking.therapist);
}

static enum err read_rows(struct verb *v, struct day_sheet *s)
{
	const uint64_t from = house_day_start(s->first_day);
	const uint64_t to = house_day_start(s->first_day + s->days);
	size_t count = 0;

	TRY(local_list_appointments(verb_local(v), verb_vault(v), from,
				    to < TIME_MS_END ? to : TIME_MS_END, &s->rows, &count));
	for (size_t i = 0; i < count; i++)
		if (is_wanted(s, &s->rows[i])) s->rows[s->count++] = s->rows[i];
	return ERR_OK;
}

enum err day_sheet_read(struct verb *v, uint32_t days, struct day_sheet *ret)
{
	struct day_sheet s = { .days = days };

	TRY(may_read(v));
	TRY(read_day(v, &s.first_day));
	TRY(read_days(v, &s.days));
	if (verb_has(v, "room_id")) TRY(verb_need_id(v, "room_id", &s.room));
	if (verb_has(v, "therapist_id")) TRY(verb_need_id(v, "therapist_id", &s.therapist));
	TRY(house_load(v, &s.house));
	const enum err e = read_rows(v, &s);
	if (e != ERR_OK) {
		day_sheet_finip(&s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

/* ---- a row ----------------------------------------------------------------------------------- */

static enum err put_word(json_t *object, const char *key, const ProtobufCEnumDescriptor *type,
			 bool has, int value)
{
	char word[FIELD_WORD_BYTES];

	if (!has || !enum_word(type, value, word)) return json_put(object, key, json_null());
	return json_put(object, key, json_string(word));
}

static enum err put_patient(struct verb *v, const struct id *patient, json_t *object)
{
	struct local_patient p;
	struct id chart;

	TRY(local_chart_of(verb_local(v), verb_vault(v), patient, &chart));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), &chart, &p);
	TRY(json_put_id(object, "patient_id", &chart));
	if (e == ERR_NOT_FOUND) return json_put(object, "patient", json_null());
	TRY(e);
	return json_put(object, "patient",
			json_string(p.name_used[0] != '\0' ? p.name_used : p.name));
}

static enum err put_times(const struct day_sheet *s, const struct booking *b, json_t *object)
{
	const struct booking_turnover t = house_turnover(&s->house, &b->room, &b->therapist);
	const uint32_t turnover = t.room_ms > t.therapist_ms ? t.room_ms : t.therapist_ms;

	TRY(house_put_date(object, "date", b->start_ms));
	TRY(house_put_clock(object, "time", b->start_ms));
	TRY(house_put_clock(object, "until", b->end_ms));
	TRY(house_put_clock(object, "free_from", b->end_ms + turnover));
	TRY(json_put_time(object, "starts_at", b->start_ms));
	return json_put_time(object, "ends_at", b->end_ms);
}

enum err day_sheet_put_row(struct verb *v, const struct day_sheet *s,
			   const struct local_appointment *a, json_t *object)
{
	const struct booking *b = &a->booking;

	TRY(json_put_id(object, "appointment_id", &a->appointment_id));
	TRY(put_times(s, b, object));
	TRY(json_put_id(object, "room_id", &b->room));
	TRY(verb_put_room(v, object, "room", &b->room));
	TRY(json_put_id(object, "therapist_id", &b->therapist));
	TRY(verb_put_login(v, object, "therapist", &b->therapist));
	TRY(put_patient(v, &b->patient, object));
	TRY(put_word(object, "type", &roomkeep__appointment__type__descriptor, a->has_type,
		     (int)a->type));
	TRY(put_word(object, "state", &roomkeep__appointment__state__descriptor, true,
		     (int)a->state));
	TRY(json_put(object, "booking", json_string(booking_state_name(a->booking_state))));
	TRY(json_put(object, "walk_in", json_boolean(a->walk_in)));
	TRY(put_word(object, "desk_tag", &roomkeep__appointment__desk_tag__descriptor,
		     a->has_desk_tag, (int)a->desk_tag));
	TRY(json_put(object, "overlap", json_boolean(a->has_reason)));
	return json_put(object, "outside_hours", json_boolean(!house_is_open(&s->house, b)));
}
