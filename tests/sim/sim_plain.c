/* sim_plain: plain records are made and changed, every kind alike, from their field tables. */
#include "base/check.h"
#include "base/cleanup.h"
#include "record/reflect.h"
#include "sim/sim_do.h"
#include "sim/sim_reference.h"
#include "support/plain_sample.h"

#include <stdlib.h>

/* Which record, and whose; a session beside it when the kind may have one. */
struct about {
	struct id record_id, patient_id, session_id;
	bool has_session;
	bool first;
};

static const struct kind_info *draw_kind(struct sim *s)
{
	size_t count = 0;
	const struct kind_info *drawn = NULL;
	for (size_t i = 0; i < kind_count(); i++) {
		/* Nobody here learns: there is no student's session to stand by. */
		if (!kind_is_plain(kind_at(i)) || kind_at(i)->kind == KIND_COSIGN) continue;
		if (rand_below(&s->rand, ++count) == 0) drawn = kind_at(i);
	}
	return drawn;
}

/* One that the server has; where it was written once, now and then a second time. */
static bool draw_old(struct sim *s, const struct kind_info *info, struct about *a)
{
	const unsigned percent = info->merge == KIND_MERGE_FIRST ? 20 : 60;
	if (!sim_chance(&s->rand, percent)) return false;
	return sim_reference_pick_plain(s, (uint64_t)info->kind, &a->record_id, &a->patient_id);
}

static enum err draw_new(struct sim *s, struct sim_room *r, const struct kind_info *info,
			 struct about *a)
{
	const struct sim_thing *session = sim_model_pick(s, SIM_SESSIONS, r->person);
	const struct sim_thing *t = sim_model_pick(s, SIM_PATIENTS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	a->patient_id = t->id;
	if (info->own_session) ENSURE(session != NULL, ERR_NOT_FOUND);
	if (info->session_field != NULL && session != NULL &&
	    (info->own_session || sim_chance(&s->rand, 50))) {
		a->patient_id = session->patient_id;
		a->session_id = session->id;
		a->has_session = true;
	}
	a->record_id = kind_is_one_per_patient(info) ? a->patient_id
		       : kind_is_one_per_session(info)
			       ? a->session_id
			       : local_new_id(r->local, sim_room_wall_ms(s, r));
	return ERR_OK;
}

/* Is it here, as the verb of a change asks? */
static enum err find_here(struct sim_room *r, const struct kind_info *info, struct about *a)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *st = NULL;
	const enum err e =
		local_get_record(r->local, &r->desk.vault, info->kind, &a->record_id, &fold, &st);
	a->first = e == ERR_NOT_FOUND;
	if (kind_is_one_per_session(info)) {
		a->session_id = a->record_id;
		a->has_session = true;
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	const bool made_alike = info->merge == KIND_MERGE_FIRST || kind_is_one_per_patient(info);
	if (e != ERR_OK || !info->own_session) return a->first && made_alike ? ERR_OK : e;
	/* It stays in its session. */
	ProtobufCBinaryData bytes;
	reflect_get(st->message, reflect_field(info->message, info->session_field), &bytes,
		    sizeof(bytes));
	TRY(id_from_view(view_of(bytes.data, bytes.len), &a->session_id));
	a->has_session = true;
	return ERR_OK;
}

/* Few rooms, people and times, so that appointments meet. */
#define SLOT_MS (30u * 60u * 1000u)
#define SLOTS 40u
static void crowd(struct sim *s, const struct kind_info *info, struct arena *arena,
		  ProtobufCMessage *m)
{
	static const char *const ids[] = { "room_id", "therapist_id", "user_id" };
	const uint64_t start = 1900000000000u + rand_below(&s->rand, SLOTS) * SLOT_MS;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		const struct id id = { { 7, (uint8_t)(i > 0), (uint8_t)rand_below(&s->rand, 2) } };
		if (field_find(info->fields, info->field_count, ids[i]) == NULL) continue;
		if (!reflect_is_set(m, reflect_field(info->message, ids[i]))) continue;
		plain_sample_id(m, ids[i], &id, arena);
	}
	if (info->kind != KIND_APPOINTMENT) return;
	const ProtobufCFieldDescriptor *at = reflect_field(info->message, "starts_ms");
	if (reflect_is_set(m, at)) reflect_put(m, at, &start, sizeof(start));
}

static void fill(struct sim *s, const struct kind_info *info, const struct about *a,
		 struct arena *arena, ProtobufCMessage *m)
{
	plain_sample_change(info, rand_u64(&s->rand), a->first, arena, m);
	crowd(s, info, arena, m);
	plain_sample_id(m, info->subject_field, &a->record_id, arena);
	if (info->patient_field != NULL)
		plain_sample_id(m, info->patient_field, &a->patient_id, arena);
	if (info->session_field == NULL) return;
	reflect_clear(m, reflect_field(info->message, info->session_field));
	if (a->has_session) plain_sample_id(m, info->session_field, &a->session_id, arena);
}

enum err sim_do_plain(struct sim *s, struct sim_room *r)
{
	CLEANUP(arena_finip) struct arena arena;
	const struct kind_info *info = draw_kind(s);
	struct about a = { .first = true };
	arena_init(&arena, MIB);
	if (draw_old(s, info, &a)) {
		TRY(find_here(r, info, &a));
	} else {
		TRY(draw_new(s, r, info, &a));
	}
	ProtobufCMessage *m = arena_alloc(&arena, info->message->sizeof_message);
	ENSURE(m != NULL, ERR_NOMEM);
	fill(s, info, &a, &arena, m);
	return sim_append(s, r, info->kind, m);
}
