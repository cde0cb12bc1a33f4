#include "client/api/house.h"

#include "base/check.h"
#include "record/house_record.h"
#include "wire/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void house_fini(struct house *h)
{
	free(h->shifts);
	free(h->closed);
	free(h->notes);
	*h = (struct house){ 0 };
}

void house_finip(struct house *h)
{
	house_fini(h);
}

/* ---- loading --------------------------------------------------------------------------------- */

/* All records of a kind without a patient. Somebody who may not read them plans without them. */
struct loaded {
	struct record_fold fold;
	const struct record_state *records;
	size_t count;
};

static void loaded_finip(struct loaded *l)
{
	record_fold_fini(&l->fold);
}

static enum err load(struct verb *v, enum kind kind, struct loaded *ret)
{
	const enum err e = local_list_records(verb_local(v), verb_vault(v), kind, NULL, &ret->fold,
					      &ret->records, &ret->count);
	if (e == ERR_OK) return ERR_OK;
	return e == ERR_DENIED ? ERR_OK : e;
}

static struct id id_of(protobuf_c_boolean has, ProtobufCBinaryData bytes)
{
	struct id id = { 0 };
	if (has && wire_id(bytes, &id) != ERR_OK) return (struct id){ 0 };
	return id;
}

static void add_shift(struct house *h, const Roomkeep__Shift *m)
{
	struct house_shift *shift = &h->shifts[h->shift_count];
	if (house_record_shift(m, &shift->therapist, &shift->hours)) h->shift_count++;
}

static int compare_hours(const void *a, const void *b)
{
	const struct house_shift *x = a;
	const struct house_shift *y = b;
	if (x->hours.weekday != y->hours.weekday)
		return x->hours.weekday < y->hours.weekday ? -1 : 1;
	return x->hours.from < y->hours.from ? -1 : x->hours.from > y->hours.from;
}

static enum err load_shifts(struct verb *v, struct house *h)
{
	CLEANUP(loaded_finip) struct loaded l = { 0 };
	unsigned open = 0;
	TRY(load(v, KIND_SHIFT, &l));
	h->shifts = calloc(l.count + 1, sizeof(*h->shifts));
	ENSURE(h->shifts != NULL, ERR_NOMEM);
	for (size_t i = 0; i < l.count; i++)
		add_shift(h, (const Roomkeep__Shift *)(const void *)l.records[i].message);
	qsort(h->shifts, h->shift_count, sizeof(*h->shifts), compare_hours);
	for (size_t i = 0; i < h->shift_count; i++) {
		if (id_is_zero(&h->shifts[i].therapist))
			open |= WEEKDAY_BIT(h->shifts[i].hours.weekday);
	}
	/* A house that says no hours is open on all days. */
	const unsigned week = (1u << 7) - 1;
	h->calendar.closed_weekdays = open == 0 ? 0 : week & ~open;
	return ERR_OK;
}

static int compare_days(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;
	return *x < *y ? -1 : *x > *y;
}

static enum err load_closed_days(struct verb *v, struct house *h)
{
	CLEANUP(loaded_finip) struct loaded l = { 0 };
	TRY(load(v, KIND_CLOSED_DAY, &l));
	h->closed = calloc(l.count + 1, sizeof(*h->closed));
	ENSURE(h->closed != NULL, ERR_NOMEM);
	for (size_t i = 0; i < l.count; i++) {
		const Roomkeep__ClosedDay *m =
			(const Roomkeep__ClosedDay *)(const void *)l.records[i].message;
		if (house_record_closed_day(m, &h->closed[h->closed_count])) h->closed_count++;
	}
	qsort(h->closed, h->closed_count, sizeof(*h->closed), compare_days);
	h->calendar.closed_days = h->closed;
	h->calendar.closed_count = h->closed_count;
	return ERR_OK;
}

static enum booking_gender gender_of(const Roomkeep__StaffProfile *m)
{
	if (!m->has_gender) return BOOKING_GENDER_UNKNOWN;
	switch ((int)m->gender) {
	case ROOMKEEP__STAFF_PROFILE__GENDER__WOMAN: return BOOKING_GENDER_WOMAN;
	case ROOMKEEP__STAFF_PROFILE__GENDER__MAN: return BOOKING_GENDER_MAN;
	case ROOMKEEP__STAFF_PROFILE__GENDER__OTHER_GENDER: return BOOKING_GENDER_OTHER;
	default: return BOOKING_GENDER_UNKNOWN;
	}
}

static enum err load_notes(struct verb *v, struct house *h)
{
	CLEANUP(loaded_finip) struct loaded rooms = { 0 };
	CLEANUP(loaded_finip) struct loaded people = { 0 };
	TRY(load(v, KIND_ROOM_SETTING, &rooms));
	TRY(load(v, KIND_STAFF_PROFILE, &people));
	h->notes = calloc(rooms.count + people.count + 1, sizeof(*h->notes));
	ENSURE(h->notes != NULL, ERR_NOMEM);
	for (size_t i = 0; i < rooms.count; i++) {
		const Roomkeep__RoomSetting *m =
			(const Roomkeep__RoomSetting *)(const void *)rooms.records[i].message;
		h->notes[h->note_count++] =
			(struct house_note){ .of = id_of(m->has_room_id, m->room_id),
					     .turnover_ms =
						     m->turnover_minutes * CALENDAR_MINUTE_MS };
	}
	for (size_t i = 0; i < people.count; i++) {
		const Roomkeep__StaffProfile *m =
			(const Roomkeep__StaffProfile *)(const void *)people.records[i].message;
		h->notes[h->note_count++] =
			(struct house_note){ .of = id_of(m->has_user_id, m->user_id),
					     .turnover_ms =
						     m->turnover_minutes * CALENDAR_MINUTE_MS,
					     .gender = gender_of(m) };
	}
	return ERR_OK;
}

enum err house_load(struct verb *v, struct house *ret)
{
	struct house h = { 0 };
	enum err e = load_shifts(v, &h);
	if (e == ERR_OK) e = load_closed_days(v, &h);
	if (e == ERR_OK) e = load_notes(v, &h);
	if (e != ERR_OK) {
		house_fini(&h);
		return e;
	}
	*ret = h;
	return ERR_OK;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const struct house_note *find_note(const struct house *h, const struct id *of)
{
	for (size_t i = h->note_count; i > 0; i--)
		if (id_equal(&h->notes[i - 1].of, of)) return &h->notes[i - 1];
	return NULL;
}

static uint32_t turnover_of(const struct house *h, const struct id *of)
{
	const struct house_note *note = find_note(h, of);
	return note == NULL ? 0 : note->turnover_ms;
}

struct booking_turnover house_turnover(const struct house *h, const struct id *room,
				       const struct id *therapist)
{
	return (struct booking_turnover){ .room_ms = turnover_of(h, room),
					  .therapist_ms = turnover_of(h, therapist) };
}

enum booking_gender house_gender(const struct house *h, const struct id *therapist)
{
	const struct house_note *note = find_note(h, therapist);
	return note == NULL ? BOOKING_GENDER_UNKNOWN : note->gender;
}

/* Hours of the house (zeros) or of one therapist; none said: any time is good. */
static bool is_within(const struct house *h, const struct id *whose, const struct booking *b)
{
	struct booking_hours hours[64];
	size_t count = 0;
	for (size_t i = 0; i < h->shift_count && count < COUNT_OF(hours); i++)
		if (id_equal(&h->shifts[i].therapist, whose)) hours[count++] = h->shifts[i].hours;
	return count == 0 || booking_is_in_hours(b, hours, count, &h->calendar,
						 house_offset_minutes(b->start_ms));
}

bool house_is_open(const struct house *h, const struct booking *b)
{
	const int64_t day = calendar_day_of(b->start_ms, house_offset_minutes(b->start_ms));
	return !calendar_is_closed(&h->calendar, day) && is_within(h, &(struct id){ 0 }, b) &&
	       is_within(h, &b->therapist, b);
}

/* ---- days here ------------------------------------------------------------------------------- */

uint64_t house_day_start(int64_t day)
{
	const struct date date = calendar_date_of(day);
	struct tm tm = { .tm_year = (int)date.year - 1900,
			 .tm_mon = (int)date.month - 1,
			 .tm_mday = (int)date.day,
			 .tm_isdst = -1 };
	const time_t at = mktime(&tm);
	return at <= 0 ? 0 : (uint64_t)at * 1000u;
}

static bool local_tm(uint64_t time_ms, struct tm *ret)
{
	const time_t at = (time_t)(time_ms / 1000u);
	return localtime_r(&at, ret) != NULL;
}

int32_t house_offset_minutes(uint64_t time_ms)
{
	struct tm tm;
	return local_tm(time_ms, &tm) ? (int32_t)(tm.tm_gmtoff / 60) : 0;
}

enum err house_put_date(json_t *object, const char *key, uint64_t time_ms)
{
	char text[sizeof("YYYY-MM-DD")];
	struct tm tm;
	if (!local_tm(time_ms, &tm) || strftime(text, sizeof(text), "%Y-%m-%d", &tm) == 0)
		return json_put(object, key, json_null());
	return json_put(object, key, json_string(text));
}

enum err house_put_clock(json_t *object, const char *key, uint64_t time_ms)
{
	char text[sizeof("HH:MM")];
	struct tm tm;
	if (!local_tm(time_ms, &tm) || strftime(text, sizeof(text), "%H:%M", &tm) == 0)
		return json_put(object, key, json_null());
	return json_put(object, key, json_string(text));
}
