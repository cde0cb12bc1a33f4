/* sim_more: rarer doings: frames that change, erasing, import. */
#include "base/check.h"
#include "base/cleanup.h"
#include "client/store/local_priv.h"
#include "record/access.h"
#include "sim/sim_do.h"
#include "sim/sim_reference.h"

#define DAY_MS_SIM (24ull * 3600u * 1000u)
#define IMPORT_DAYS_MAX 300u /* inside the feed's scope */
#define IMPORT_SESSIONS_MAX 3u
#define IMPORT_OPS_MAX (4u * IMPORT_SESSIONS_MAX)

enum err sim_look_here(struct sim_room *r, const struct id *session_id, bool *ret_signed)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state st;
	TRY(local_load_session(r->local, &r->desk.vault, session_id, &fold, &st));
	*ret_signed = st.sign != NULL;
	return st.has_frame ? ERR_OK : ERR_NOT_FOUND;
}

bool sim_is_signed_here(struct sim_room *r, const struct id *session_id)
{
	bool is_signed = false;
	return sim_look_here(r, session_id, &is_signed) == ERR_OK && is_signed;
}

enum err sim_do_set_frame(struct sim *s, struct sim_room *r)
{
	Roomkeep__SessionFrame f = ROOMKEEP__SESSION_FRAME__INIT;
	const struct sim_thing *t = sim_model_pick(s, SIM_SESSIONS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	const struct id session_id = t->id;
	const struct id patient_id = t->patient_id;
	bool is_signed = false;
	TRY(sim_look_here(r, &session_id, &is_signed)); /* as the verb does */
	f.has_session_id = f.has_patient_id = 1;
	f.session_id = wire_id_bytes(&session_id);
	f.patient_id = wire_id_bytes(&patient_id);
	if (sim_chance(&s->rand, 70)) {
		f.has_ended_ms = 1;
		f.ended_ms = sim_room_wall_ms(s, r) + sim_upto(&s->rand, 3600 * 1000);
	} else {
		f.has_room_id = 1;
		f.room_id = wire_id_bytes(&local_room(r->local)->room_id);
	}
	TRY(sim_append(s, r, KIND_SESSION_FRAME, &f.base));
	SIM_CHECK(s, !is_signed, "room %u: a signed session's frame was edited", r->index);
	return ERR_OK;
}

/* ---- erasing ------------------------------------------------------------------------- */

static void fill_tombstone(Roomkeep__Tombstone *t, const struct id *target)
{
	static char reason[] = "entered for the wrong person";
	t->has_target = 1;
	t->target = wire_id_bytes(target);
	t->reason = reason;
}

enum err sim_do_erase(struct sim *s, struct sim_room *r)
{
	Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
	struct id target;
	ENSURE(sim_reference_pick(s, &target), ERR_NOT_FOUND);
	fill_tombstone(&t, &target);
	return sim_append(s, r, KIND_TOMBSTONE, &t.base);
}

/* No verb makes these yet: the op is made as local_append would make it. */
enum err sim_do_erase_note(struct sim *s, struct sim_room *r)
{
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
	struct id op_id;
	const struct sim_thing *note = sim_model_pick(s, SIM_NOTES, r->person);
	ENSURE(note != NULL && note->user == r->person, ERR_NOT_FOUND);
	const struct id target = note->op_id;
	ENSURE(!id_is_zero(&target), ERR_NOT_FOUND);
	ENSURE((person_roles(r->local, &r->desk.vault.user_id) & ROLE_THERAPIST) != 0, ERR_DENIED);
	TRY(row_find(r->local, &r->desk.vault, &target, &row));
	fill_tombstone(&t, &target);
	/* Even when it fails: an error of the disk does not say that nothing was kept. */
	sim_model_note_erased(s, &note->id);
	TRY(make_append(r->local, &r->desk.vault, KIND_SEALED_TOMBSTONE, &t.base, false,
			sim_room_wall_ms(s, r), &op_id, NULL));
	sim_model_on_saved(s, r, &op_id, !sim_disk_struck(&r->disk));
	return ERR_OK;
}

enum err sim_note_op(struct sim_room *r, const struct id *note_id, struct id *ret_op_id)
{
	struct local_note n;
	size_t at = 0;
	bool found = false;
	enum err e;
	while ((e = local_next_note(r->local, &r->desk.vault, NULL, &at, &n)) == ERR_OK) {
		if (!id_equal(&n.note_id, note_id)) continue;
		*ret_op_id = n.op_id;
		found = true;
	}
	ENSURE(e == ERR_NOT_FOUND, e);
	return found ? ERR_OK : ERR_NOT_FOUND;
}

/* ---- import -------------------------------------------------------------------------- */

struct import {
	struct id ops[IMPORT_OPS_MAX];
	size_t op_count;
	struct sim_thing patients[IMPORT_SESSIONS_MAX];
	struct sim_thing sessions[IMPORT_SESSIONS_MAX];
	size_t count;
};

static enum err import_op(struct sim *s, struct sim_room *r, struct import *im, enum kind kind,
			  const ProtobufCMessage *m)
{
	struct record_error error = { .err = ERR_OK };
	INSIST(im->op_count < IMPORT_OPS_MAX);
	return local_append(r->local, &r->desk.vault, kind, m, sim_room_wall_ms(s, r),
			    &im->ops[im->op_count++], &error);
}

static enum err import_patient(struct sim *s, struct sim_room *r, struct import *im,
			       const struct id *id)
{
	static char born[] = "1961-02-03";
	char name[64];
	Roomkeep__Patient p = ROOMKEEP__PATIENT__INIT;
	sim_make_name(s, name);
	p.has_patient_id = 1;
	p.patient_id = wire_id_bytes(id);
	p.name = name;
	p.born = born;
	return import_op(s, r, im, KIND_PATIENT, &p.base);
}

static enum err import_frame(struct sim *s, struct sim_room *r, struct import *im,
			     const struct id *session_id, const struct id *patient_id,
			     unsigned therapist)
{
	Roomkeep__SessionFrame f = ROOMKEEP__SESSION_FRAME__INIT;
	const uint64_t days = sim_upto(&s->rand, IMPORT_DAYS_MAX);
	f.has_session_id = f.has_patient_id = f.has_therapist_id = f.has_room_id = 1;
	f.has_started_ms = f.has_imported = f.imported = 1;
	f.session_id = wire_id_bytes(session_id);
	f.patient_id = wire_id_bytes(patient_id);
	f.therapist_id = wire_id_bytes(&s->users[therapist].id);
	f.room_id = wire_id_bytes(&local_room(r->local)->room_id);
	f.started_ms = sim_room_wall_ms(s, r) - days * DAY_MS_SIM;
	return import_op(s, r, im, KIND_SESSION_FRAME, &f.base);
}

static enum err import_one(struct sim *s, struct sim_room *r, struct import *im)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	struct record_error error = { .err = ERR_OK };
	const uint64_t wall_ms = sim_room_wall_ms(s, r);
	const struct id patient_id = local_new_id(r->local, wall_ms);
	const struct id session_id = local_new_id(r->local, wall_ms);
	unsigned therapist = (unsigned)rand_below(&s->rand, s->swarm.user_count);
	if (id_is_zero(&s->users[therapist].id)) therapist = r->person;
	TRY(import_patient(s, r, im, &patient_id));
	TRY(import_frame(s, r, im, &session_id, &patient_id, therapist));
	TRY(sim_make_text(s, s->chart, s->swarm.text_bytes_max, &text));
	TRY(local_set_text(r->local, &r->desk.vault, &session_id, ROOMKEEP__TEXT_FIELD__PLAN,
			   buf_view(&text), wall_ms, &im->ops[im->op_count], &error));
	im->op_count++;
	if (sim_chance(&s->rand, 60)) {
		TRY(local_sign_session(r->local, &r->desk.vault, &session_id, wall_ms,
				       &im->ops[im->op_count]));
		im->op_count++;
	}
	im->patients[im->count] = (struct sim_thing){ .id = patient_id, .user = r->person };
	im->sessions[im->count++] =
		(struct sim_thing){ .id = session_id, .patient_id = patient_id, .user = therapist };
	return ERR_OK;
}

enum err sim_do_import(struct sim *s, struct sim_room *r)
{
	struct import im = { 0 };
	const size_t count = 1 + (size_t)sim_upto(&s->rand, IMPORT_SESSIONS_MAX - 1);
	TRY(local_begin(r->local));
	enum err e = ERR_OK;
	for (size_t i = 0; i < count && e == ERR_OK; i++) e = import_one(s, r, &im);
	if (e == ERR_OK) e = local_commit(r->local);
	if (e != ERR_OK) local_cancel(r->local, &r->desk.vault);
	/* A commit that the disk failed may stand all the same. */
	if (e != ERR_OK && !sim_disk_excuses(&r->disk, e)) return e;
	for (size_t i = 0; i < im.op_count; i++) {
		if (id_is_zero(&im.ops[i])) continue;
		sim_model_on_saved(s, r, &im.ops[i], e == ERR_OK && !sim_disk_struck(&r->disk));
	}
	for (size_t i = 0; i < im.count; i++) {
		sim_model_add(s, SIM_PATIENTS, im.patients[i]);
		sim_model_add(s, SIM_SESSIONS, im.sessions[i]);
	}
	return e;
}
