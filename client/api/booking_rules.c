#include "client/api/booking_rules.h"

#include "base/check.h"
#include "client/api/chart_contact.h"
#include "client/api/house.h"
#include "record/access.h"
#include "record/appointment.h"

#include <stdlib.h>

#define REACH_MS (BOOKING_MS_MAX + BOOKING_TURNOVER_MS_MAX)

/* What holds before and after the change. */
struct plan {
	struct record_fold fold;
	const Roomkeep__Appointment *before; /* NULL: it is new */
	Roomkeep__Appointment after;         /* shallow */
	bool whole;                          /* after: `booking` says where */
	struct booking booking;
	bool moved;         /* its time or place is new, or it holds it anew */
	bool new_therapist; /* or it holds its time anew, as the next */
	bool new_room;
};

static void plan_finip(struct plan *p)
{
	record_fold_fini(&p->fold);
}

static enum err plan_load(struct verb *v, struct plan *p, const Roomkeep__Appointment *change,
			  const struct id *record_id)
{
	const struct kind_info *info = kind_find(KIND_APPOINTMENT);
	const struct record_state *now = NULL;
	const enum err e = local_get_record(verb_local(v), verb_vault(v), KIND_APPOINTMENT,
					    record_id, &p->fold, &now);
	if (e != ERR_NOT_FOUND) TRY(e);
	if (e == ERR_NOT_FOUND) now = NULL;
	roomkeep__appointment__init(&p->after);
	if (now != NULL) {
		p->before = (const Roomkeep__Appointment *)(const void *)now->message;
		record_apply(info, &p->after.base, true, now->message);
	}
	record_apply(info, &p->after.base, now == NULL, &change->base);
	p->whole = appointment_booking(&p->after, &p->booking, NULL) == ERR_OK;
	struct booking was;
	const bool held = p->before != NULL && appointment_holds_time(p->before) &&
			  appointment_booking(p->before, &was, NULL) == ERR_OK;
	const bool therapist = held && id_equal(&was.therapist, &p->booking.therapist);
	p->new_therapist = !therapist;
	p->new_room = !held || !id_equal(&was.room, &p->booking.room);
	p->moved = !therapist || p->new_room || was.start_ms != p->booking.start_ms ||
		   was.end_ms != p->booking.end_ms;
	return ERR_OK;
}

/* ---- who ------------------------------------------------------------------------------------- */

static enum err check_therapist(struct verb *v, const struct plan *p)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), &p->booking.therapist);
	if (user == NULL) return verb_fail_unknown(v, "therapist", "therapist_id");
	if (user->active && (user->roles & ROLE_THERAPIST) != 0) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
			 "therapist_id: somebody who treats in this clinic");
}

/* By the list that the server gave last; before it gave one, any may be there. */
static enum err check_room(struct verb *v, const struct plan *p)
{
	if (v->room_names->count == 0 || verb_room_name(v, &p->booking.room) != NULL) return ERR_OK;
	return fault_set(&v->fault, ERR_NOT_FOUND, NULL,
			 "room_id: no room that this one knows has it; list rooms asks the server");
}

static struct booking_comfort comfort_of(const Roomkeep__Comfort *m)
{
	if (!m->has_therapist_gender) return (struct booking_comfort){ BOOKING_WISH_NONE, 0 };
	switch ((int)m->therapist_gender) {
	case ROOMKEEP__COMFORT__THERAPIST_GENDER__NO_PREFERENCE: break;
	case ROOMKEEP__COMFORT__THERAPIST_GENDER__PREFERS_WOMAN:
		return (struct booking_comfort){ BOOKING_WISH_PREFERS, BOOKING_GENDER_WOMAN };
	case ROOMKEEP__COMFORT__THERAPIST_GENDER__PREFERS_MAN:
		return (struct booking_comfort){ BOOKING_WISH_PREFERS, BOOKING_GENDER_MAN };
	case ROOMKEEP__COMFORT__THERAPIST_GENDER__ONLY_WOMAN:
		return (struct booking_comfort){ BOOKING_WISH_ONLY, BOOKING_GENDER_WOMAN };
	case ROOMKEEP__COMFORT__THERAPIST_GENDER__ONLY_MAN:
		return (struct booking_comfort){ BOOKING_WISH_ONLY, BOOKING_GENDER_MAN };
	case ROOMKEEP__COMFORT__THERAPIST_GENDER__TALK_FIRST:
		return (struct booking_comfort){ BOOKING_WISH_TALK_FIRST, 0 };
	}
	return (struct booking_comfort){ BOOKING_WISH_NONE, 0 };
}

static enum err load_comfort(struct verb *v, const struct id *patient, struct booking_comfort *ret)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *now = NULL;
	const enum err e =
		local_get_record(verb_local(v), verb_vault(v), KIND_COMFORT, patient, &fold, &now);
	*ret = (struct booking_comfort){ BOOKING_WISH_NONE, 0 };
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	*ret = comfort_of((const Roomkeep__Comfort *)(const void *)now->message);
	return ERR_OK;
}

static enum err check_comfort(struct verb *v, const struct plan *p, const struct house *h)
{
	struct booking_comfort comfort;
	TRY(load_comfort(v, &p->booking.patient, &comfort));
	switch (booking_comfort_check(&comfort, house_gender(h, &p->booking.therapist),
				      p->after.has_spoken_yes && p->after.spoken_yes)) {
	case BOOKING_ALLOWED: return ERR_OK;
	case BOOKING_NEEDS_YES:
		return fault_set(&v->fault, ERR_DENIED, "comfort_needs_yes",
				 "the patient wishes to be asked about this therapist: ask, and "
				 "book with spoken_yes");
	case BOOKING_REFUSED: break;
	}
	return fault_set(&v->fault, ERR_DENIED, "comfort_refused",
			 "the patient is treated by %s only: choose another therapist, or change "
			 "the comfort record when the patient says so",
			 comfort.gender == BOOKING_GENDER_WOMAN ? "women" : "men");
}

/* ---- when ------------------------------------------------------------------------------------ */

static const char *clash_field(unsigned clash)
{
	if ((clash & BOOKING_CLASH_PATIENT) != 0) return "patient_id";
	return (clash & BOOKING_CLASH_ROOM) != 0 ? "room_id" : "therapist_id";
}

static enum err fail_clash(struct verb *v, unsigned clash, const struct booking *with)
{
	CLEANUP(json_decrefp) json_t *words = json_object();
	ENSURE(words != NULL, ERR_NOMEM);
	TRY(house_put_clock(words, "from", with->start_ms));
	TRY(house_put_clock(words, "until", with->end_ms));
	return fault_set(&v->fault, ERR_CLASH, NULL,
			 "%s: taken by the appointment from %s to %s; choose a free time%s",
			 clash_field(clash), json_text_of(words, "from"),
			 json_text_of(words, "until"),
			 (clash & BOOKING_CLASH_PATIENT) != 0 ? "" : ", or give overlap_reason");
}

static enum err check_time(struct verb *v, const struct plan *p, const struct house *h,
			   const struct id *record_id)
{
	CLEANUP(freep) struct local_appointment *rows = NULL;
	const struct booking *b = &p->booking;
	const struct booking_turnover turnover = house_turnover(h, &b->room, &b->therapist);
	size_t count = 0;
	const uint64_t end = b->end_ms + BOOKING_TURNOVER_MS_MAX;
	TRY(local_list_appointments(verb_local(v), verb_vault(v), b->start_ms - REACH_MS,
				    end < TIME_MS_END ? end : TIME_MS_END, &rows, &count));
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].holds_time || id_equal(&rows[i].appointment_id, record_id)) continue;
		const unsigned clash = booking_clash(b, &rows[i].booking, &turnover);
		if (booking_place_check(clash, view_str(p->after.overlap_reason), NULL) != ERR_OK)
			return fail_clash(v, clash, &rows[i].booking);
	}
	return ERR_OK;
}

static enum err check_state(struct verb *v, const struct plan *p)
{
	const Roomkeep__Appointment__State state = appointment_state(&p->after);
	const bool cancelled = state == ROOMKEEP__APPOINTMENT__STATE__CANCELLED ||
			       state == ROOMKEEP__APPOINTMENT__STATE__LATE_CANCELLED;
	if (!cancelled || p->after.cancelled_reason != NULL) return ERR_OK;
	return fault_set(&v->fault, ERR_USAGE, "usage",
			 "cancelled_reason is missing: why it was cancelled");
}

enum err booking_rules_check(struct verb *v, Roomkeep__Appointment *change,
			     const struct id *record_id)
{
	CLEANUP(plan_finip) struct plan p = { 0 };
	CLEANUP(house_finip) struct house h = { 0 };
	TRY(plan_load(v, &p, change, record_id));
	if (p.before == NULL && !change->has_state) {
		change->has_state = true;
		change->state = APPOINTMENT_BOOKED;
	}
	if (change->has_state) TRY(check_state(v, &p));
	/* What is not whole is refused by name further on. */
	if (!p.whole || !appointment_holds_time(&p.after) || !p.moved) return ERR_OK;
	TRY(house_load(v, &h));
	if (p.new_room) TRY(check_room(v, &p));
	if (p.new_therapist) TRY(check_therapist(v, &p));
	if (p.new_therapist) TRY(check_comfort(v, &p, &h));
	TRY(chart_split_check(v, &p.booking, record_id));
	return check_time(v, &p, &h, record_id);
}
