/* reference_booking: may an appointment stand where an op puts it? From the ops alone, every one
 * against every other, without an index. */
#include "base/check.h"
#include "record/calendar.h"
#include "support/reference_priv.h"

#define MINUTE_MS 60000u
#define CLEAR_STATE 8u
#define CLEAR_REASON 12u
#define CLEAR_TURNOVER_ROOM 3u
#define CLEAR_TURNOVER_STAFF 4u

/* What the ops of one record say together. */
struct appointment {
	bool there;
	bool has_room, has_therapist, has_patient, has_start, has_minutes, has_reason;
	struct id room, therapist, patient;
	uint64_t start_ms;
	uint32_t minutes;
	int state; /* 0: none said */
};

static bool clears(const uint32_t *numbers, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number) return true;
	return false;
}

static void take_id(protobuf_c_boolean has, ProtobufCBinaryData bytes, bool *has_it, struct id *it)
{
	if (!has) return;
	*has_it = true;
	*it = reference_id(bytes);
}

static void take(struct appointment *a, const Roomkeep__Appointment *m)
{
	a->there = true;
	take_id(m->has_room_id, m->room_id, &a->has_room, &a->room);
	take_id(m->has_therapist_id, m->therapist_id, &a->has_therapist, &a->therapist);
	take_id(m->has_patient_id, m->patient_id, &a->has_patient, &a->patient);
	if (m->has_starts_ms) {
		a->has_start = true;
		a->start_ms = m->starts_ms;
	}
	if (m->has_minutes) {
		a->has_minutes = true;
		a->minutes = m->minutes;
	}
	if (m->has_state) a->state = (int)m->state;
	if (m->overlap_reason != NULL) a->has_reason = true;
	if (clears(m->clears, m->n_clears, CLEAR_STATE)) a->state = 0;
	if (clears(m->clears, m->n_clears, CLEAR_REASON)) a->has_reason = false;
}

static const Roomkeep__Appointment *message(const struct entry *e)
{
	return (const Roomkeep__Appointment *)(const void *)e->payload.is.any;
}

/* All ops of a record but one. */
static struct appointment appointment_of(const struct reference *r, const struct id *record_id,
					 const struct entry *but)
{
	struct appointment a = { .there = false };
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		const bool left_out = but != NULL && id_equal(&e->op_id, &but->op_id);
		if (e->kind != KIND_APPOINTMENT || e->erased || left_out) continue;
		if (id_equal(&e->record_id, record_id)) take(&a, message(e));
	}
	return a;
}

static bool is_whole(const struct appointment *a)
{
	return a->has_room && a->has_therapist && a->has_patient && a->has_start && a->has_minutes;
}

static bool holds(const struct appointment *a)
{
	return a->there && is_whole(a) && a->state != ROOMKEEP__APPOINTMENT__STATE__CANCELLED &&
	       a->state != ROOMKEEP__APPOINTMENT__STATE__LATE_CANCELLED &&
	       a->state != ROOMKEEP__APPOINTMENT__STATE__NO_SHOW;
}

/* ---- turnover ------------------------------------------------------------------------------- */

struct setting {
	bool there;
	struct id of;
	uint32_t minutes;
};

static void take_setting(struct setting *s, const struct entry *e)
{
	const union {
		const ProtobufCMessage *any;
		const Roomkeep__RoomSetting *room;
		const Roomkeep__StaffProfile *staff;
	} m = { .any = e->payload.is.any };
	if (e->kind == KIND_ROOM_SETTING) {
		take_id(m.room->has_room_id, m.room->room_id, &s->there, &s->of);
		if (m.room->has_turnover_minutes) s->minutes = m.room->turnover_minutes;
		if (clears(m.room->clears, m.room->n_clears, CLEAR_TURNOVER_ROOM)) s->minutes = 0;
		return;
	}
	take_id(m.staff->has_user_id, m.staff->user_id, &s->there, &s->of);
	if (m.staff->has_turnover_minutes) s->minutes = m.staff->turnover_minutes;
	if (clears(m.staff->clears, m.staff->n_clears, CLEAR_TURNOVER_STAFF)) s->minutes = 0;
}

static struct setting setting_of(const struct reference *r, const struct entry *first)
{
	struct setting s = { .there = false };
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (e->kind == first->kind && !e->erased &&
		    id_equal(&e->record_id, &first->record_id))
			take_setting(&s, e);
	}
	return s;
}

/* Of those about `of`, the one whose first op is the newest. */
static uint64_t turnover_ms(const struct reference *r, uint64_t kind, const struct id *of)
{
	for (size_t i = r->count; i > 0; i--) {
		const struct entry *e = &r->ops[i - 1];
		if (e->kind != kind) continue;
		if (reference_first_plain(r, kind, &e->record_id) != e) continue;
		const struct setting s = setting_of(r, e);
		if (s.there && id_equal(&s.of, of)) return (uint64_t)s.minutes * MINUTE_MS;
	}
	return 0;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static bool meet(const struct appointment *a, const struct appointment *b, uint64_t pause_ms)
{
	const uint64_t a_end = a->start_ms + (uint64_t)a->minutes * MINUTE_MS + pause_ms;
	const uint64_t b_end = b->start_ms + (uint64_t)b->minutes * MINUTE_MS + pause_ms;
	return a->start_ms < b_end && b->start_ms < a_end;
}

static bool may_stand_beside(const struct reference *r, const struct appointment *a,
			     const struct appointment *b)
{
	const uint64_t linen = turnover_ms(r, KIND_ROOM_SETTING, &a->room);
	const uint64_t breath = turnover_ms(r, KIND_STAFF_PROFILE, &a->therapist);
	if (id_equal(&a->patient, &b->patient) && meet(a, b, 0)) return false;
	if (a->has_reason) return true;
	if (id_equal(&a->room, &b->room) && meet(a, b, linen)) return false;
	return !id_equal(&a->therapist, &b->therapist) || !meet(a, b, breath);
}

static bool stays(const struct appointment *before, const struct appointment *after)
{
	return holds(before) && id_equal(&before->room, &after->room) &&
	       id_equal(&before->therapist, &after->therapist) &&
	       before->start_ms == after->start_ms && before->minutes == after->minutes &&
	       (after->has_reason || !before->has_reason);
}

static enum err judge_change(const struct reference *r, const struct id *record_id,
			     const struct appointment *before, const struct appointment *after)
{
	if (!holds(after) || stays(before, after)) return ERR_OK;
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (e->kind != KIND_APPOINTMENT || id_equal(&e->record_id, record_id)) continue;
		if (reference_first_plain(r, e->kind, &e->record_id) != e) continue;
		const struct appointment other = appointment_of(r, &e->record_id, NULL);
		if (holds(&other) && !may_stand_beside(r, after, &other)) return ERR_CLASH;
	}
	return ERR_OK;
}

enum err reference_judge_booking(const struct reference *r, const struct id *record_id,
				 const Roomkeep__Appointment *m)
{
	const struct appointment before = appointment_of(r, record_id, NULL);
	struct appointment after = before;
	take(&after, m);
	return judge_change(r, record_id, &before, &after);
}

enum err reference_judge_unbooking(const struct reference *r, const struct entry *target)
{
	const struct appointment before = appointment_of(r, &target->record_id, NULL);
	const struct appointment after = appointment_of(r, &target->record_id, target);
	if (target->kind != KIND_APPOINTMENT) return ERR_OK;
	return judge_change(r, &target->record_id, &before, &after);
}

bool reference_has_clash(const struct reference *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (e->kind != KIND_APPOINTMENT) continue;
		const struct appointment a = appointment_of(r, &e->record_id, NULL);
		for (size_t k = 0; k < i && holds(&a); k++) {
			const struct entry *f = &r->ops[k];
			if (f->kind != KIND_APPOINTMENT || id_equal(&f->record_id, &e->record_id))
				continue;
			const struct appointment b = appointment_of(r, &f->record_id, NULL);
			if (!holds(&b) || !meet(&a, &b, 0)) continue;
			if (id_equal(&a.patient, &b.patient)) return true;
			const bool one = id_equal(&a.room, &b.room) ||
					 id_equal(&a.therapist, &b.therapist);
			if (one && !a.has_reason && !b.has_reason) return true;
		}
	}
	return false;
}
