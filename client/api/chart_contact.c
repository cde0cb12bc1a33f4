#include "client/api/chart_contact.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/guard.h"

#include <stdlib.h>

static const char words_shared[] =
	"This number or address is somebody else's too: a reminder would reveal this visit. Ask "
	"before one is sent.";
static const char words_split[] =
	"Send no reminder there: somebody whom this patient must not meet reads it.";

static bool is_shared(const struct local_patient *a, const struct local_patient *b)
{
	return guard_contact_is_shared(view_str(a->phone), view_str(b->phone)) ||
	       guard_contact_is_shared(view_str(a->email), view_str(b->email));
}

/* The next other patient with one of these contacts; ERR_NOT_FOUND after the last. */
static enum err next_shared(struct verb *v, const struct local_patient *of, size_t *at,
			    struct local_patient *ret)
{
	for (;;) {
		TRY(local_find_patient(verb_local(v), verb_vault(v), VIEW_EMPTY, at, ret));
		if (!id_equal(&ret->id, &of->id) && is_shared(of, ret)) return ERR_OK;
	}
}

static bool is_split(const struct chart_links *links, const struct id *relative)
{
	for (size_t i = 0; i < links->count; i++)
		if (!guard_may_share_reminder(&links->list[i]) &&
		    id_equal(&links->list[i].relative, relative))
			return true;
	return false;
}

enum err chart_contact_put(struct verb *v, const struct id *patient_id,
			   const struct chart_links *links, json_t *object)
{
	struct local_patient of;
	struct local_patient other;
	const char *words = NULL;
	size_t at = 0;

	enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &of);
	while (e == ERR_OK && words != words_split) {
		e = next_shared(v, &of, &at, &other);
		if (e == ERR_OK) words = is_split(links, &other.id) ? words_split : words_shared;
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND && e != ERR_DENIED) return e;
	return json_put(object, "reminder_words", words == NULL ? json_null() : json_string(words));
}

enum err chart_contact_check(struct verb *v, const struct id *patient_id, const char *phone,
			     const char *email)
{
	const struct local_patient of = { .id = *patient_id,
					  .phone = phone == NULL ? "" : phone,
					  .email = email == NULL ? "" : email };
	struct chart_links links;

	TRY(chart_links_load(v, patient_id, &links));
	for (size_t i = 0; i < links.count; i++) {
		const struct guard_link *link = &links.list[i];
		struct local_patient other;
		if (!link->split) continue;
		const enum err e =
			local_get_patient(verb_local(v), verb_vault(v), &link->relative, &other);
		if (e == ERR_NOT_FOUND) continue;
		TRY(e);
		if (!is_shared(&of, &other)) continue;
		const bool by_phone =
			guard_contact_is_shared(view_str(of.phone), view_str(other.phone));
		return fault_set(&v->fault, ERR_BAD_VALUE, "split",
				 "%s: not that of somebody whom this patient must not meet",
				 by_phone ? "phone" : "email");
	}
	return ERR_OK;
}

/* ---- bookings -------------------------------------------------------------------------------- */

static bool is_too_near(const struct chart_links *links, const struct booking *b,
			const struct local_appointment *row)
{
	for (size_t i = 0; i < links->count; i++) {
		const struct guard_link *link = &links->list[i];
		if (!id_equal(&link->relative, &row->booking.patient)) continue;
		if (guard_split_clash(link, b->start_ms, b->end_ms, row->booking.start_ms,
				      row->booking.end_ms))
			return true;
	}
	return false;
}

enum err chart_split_check(struct verb *v, const struct booking *b, const struct id *but)
{
	CLEANUP(freep) struct local_appointment *rows = NULL;
	const uint64_t reach = BOOKING_MS_MAX + GUARD_SPLIT_GAP_MS;
	const uint64_t end = b->end_ms + GUARD_SPLIT_GAP_MS;
	struct chart_links links;
	size_t count = 0;

	TRY(chart_links_load(v, &b->patient, &links));
	if (links.count == 0) return ERR_OK;
	TRY(local_list_appointments(verb_local(v), verb_vault(v), b->start_ms - reach,
				    end < TIME_MS_END ? end : TIME_MS_END, &rows, &count));
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].holds_time || id_equal(&rows[i].appointment_id, but)) continue;
		if (!is_too_near(&links, b, &rows[i])) continue;
		return fault_set(&v->fault, ERR_CLASH, "split",
				 "starts_at: an hour or more from the visit of somebody whom this "
				 "patient must not meet");
	}
	return ERR_OK;
}
