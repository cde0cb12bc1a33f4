/* sim_do: people at work. Each doing is one call of client/store/local.h, as the agent's verbs
 * make it. */
#include "sim/sim_do.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "record/catalogue.h"
#include "record/measure.h"
#include "wire/op.h"

#include <stdlib.h>

enum doing {
	DO_ADD_PATIENT,
	DO_SET_PATIENT,
	DO_START_SESSION,
	DO_SET_TEXT,
	DO_ADD_MEASURE,
	DO_SIGN,
	DO_ADDENDUM,
	DO_NOTE,
	DO_SET_NOTE,
	DO_OPENED,
	DO_SIGN_IN,
	DO_SIGN_OUT,
	DO_FETCH,
	DO_WRONG_PASSPHRASE,
	DO_PASSPHRASE,
	DO_SET_FRAME,
	DO_ERASE,
	DO_ERASE_NOTE,
	DO_IMPORT,
	DO_PLAIN,
	DOINGS,
};

static const char *const doing_names[DOINGS] = {
	"add patient", "set patient", "start session", "set text",         "add measure",
	"sign",        "addendum",    "note",          "set note",         "opened",
	"sign in",     "sign out",    "fetch",         "wrong passphrase", "passphrase",
	"set frame",   "erase",       "erase note",    "import",           "plain record",
};

/* Errors that an honest person may meet, as bits by -err. */
#define MAY(e) (1ull << (unsigned)(-(ERR_##e)))
static const uint64_t doing_may[DOINGS] = {
	[DO_ADD_PATIENT] = MAY(DENIED),
	[DO_SET_PATIENT] = MAY(DENIED) | MAY(NOT_FOUND),
	[DO_START_SESSION] = MAY(DENIED) | MAY(NOT_FOUND),
	[DO_SET_TEXT] = MAY(DENIED) | MAY(NOT_FOUND) | MAY(SIGNED),
	[DO_ADD_MEASURE] = MAY(DENIED) | MAY(NOT_FOUND) | MAY(SIGNED),
	[DO_SIGN] = MAY(DENIED) | MAY(NOT_FOUND) | MAY(SIGNED) | MAY(CONFLICT),
	[DO_ADDENDUM] = MAY(DENIED) | MAY(NOT_FOUND),
	[DO_NOTE] = MAY(DENIED) | MAY(NOT_FOUND),
	[DO_SET_NOTE] = MAY(DENIED) | MAY(NOT_FOUND),
	[DO_OPENED] = MAY(DENIED) | MAY(NOT_FOUND),
	[DO_SET_FRAME] = MAY(DENIED) | MAY(NOT_FOUND) | MAY(SIGNED),
	[DO_ERASE] = MAY(DENIED) | MAY(NOT_FOUND) | MAY(SIGNED),
	[DO_ERASE_NOTE] = MAY(DENIED) | MAY(NOT_FOUND),
	[DO_IMPORT] = MAY(DENIED),
	[DO_PLAIN] = MAY(DENIED) | MAY(NOT_FOUND) | MAY(EXISTS) | MAY(SIGNED),
};

/* ---- words --------------------------------------------------------------------------- */

/* Canary, then letters, blanks and line ends, some of more than one byte. */
enum err sim_make_text(struct sim *s, const char *canary, size_t most, struct buf *out)
{
	static const char *const pieces[] = { "a", "e", "n", "s", "t", " ", "ö", "→", "\n", "0" };
	TRY(buf_append_str(out, canary));
	const size_t len = (size_t)sim_upto(&s->rand, most);
	for (size_t i = 0; i < len; i++) {
		TRY(buf_append_str(out, pieces[rand_below(&s->rand, COUNT_OF(pieces))]));
	}
	return buf_append_str(out, ".");
}

void sim_make_name(struct sim *s, char ret_name[64])
{
	static const char *const names[] = { "Ida", "Noor", "Jan", "Eva", "Tom", "Åsa" };
	const char *first = names[rand_below(&s->rand, COUNT_OF(names))];
	const unsigned number = (unsigned)rand_below(&s->rand, 1000);
	(void)snprintf(ret_name, 64, "%s %s %u", first, s->chart, number);
}

/* ---- records ------------------------------------------------------------------------- */

/* Saved, or not known: the room died or its disk failed meanwhile. */
static bool may_be_there(const struct sim_room *r, enum err e)
{
	return e == ERR_OK || sim_disk_excuses(&r->disk, e);
}

static bool is_sure(const struct sim_room *r, enum err e)
{
	return e == ERR_OK && !sim_disk_struck(&r->disk);
}

enum err sim_append(struct sim *s, struct sim_room *r, enum kind kind, const ProtobufCMessage *m)
{
	struct id op_id;
	struct record_error error = { .err = ERR_OK };
	TRY(local_append(r->local, &r->desk.vault, kind, m, sim_room_wall_ms(s, r), &op_id,
			 &error));
	sim_model_on_saved(s, r, &op_id, !sim_disk_struck(&r->disk));
	return ERR_OK;
}

static enum err do_add_patient(struct sim *s, struct sim_room *r)
{
	char name[64], born[16], phone[16];
	Roomkeep__Patient p = ROOMKEEP__PATIENT__INIT;
	const struct id id = local_new_id(r->local, sim_room_wall_ms(s, r));
	sim_make_name(s, name);
	/* One draw a statement: compilers evaluate arguments in different orders. */
	const unsigned year = 1930 + (unsigned)rand_below(&s->rand, 90);
	const unsigned month = 1 + (unsigned)rand_below(&s->rand, 12);
	const unsigned day = 1 + (unsigned)rand_below(&s->rand, 28);
	(void)snprintf(born, sizeof(born), "%04u-%02u-%02u", year, month, day);
	(void)snprintf(phone, sizeof(phone), "+%u",
		       100000 + (unsigned)rand_below(&s->rand, 900000));
	p.has_patient_id = 1;
	p.patient_id = wire_id_bytes(&id);
	p.name = name;
	p.born = born;
	if (sim_chance(&s->rand, 60)) p.phone = phone;
	const enum err e = sim_append(s, r, KIND_PATIENT, &p.base);
	if (may_be_there(r, e)) {
		sim_model_add(
			s, SIM_PATIENTS,
			(struct sim_thing){ .id = id, .user = r->person, .sure = is_sure(r, e) });
	}
	return e;
}

static enum err do_set_patient(struct sim *s, struct sim_room *r)
{
	char name[64], phone[16];
	Roomkeep__Patient p = ROOMKEEP__PATIENT__INIT;
	struct local_patient here;
	const struct sim_thing *t = sim_model_pick(s, SIM_PATIENTS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	TRY(local_get_patient(r->local, &r->desk.vault, &t->id, &here)); /* as the verb does */
	sim_make_name(s, name);
	(void)snprintf(phone, sizeof(phone), "0%u",
		       100000 + (unsigned)rand_below(&s->rand, 900000));
	p.has_patient_id = 1;
	p.patient_id = wire_id_bytes(&t->id);
	if (sim_chance(&s->rand, 40))
		p.name_used = name;
	else
		p.phone = phone;
	return sim_append(s, r, KIND_PATIENT, &p.base);
}

static enum err do_start_session(struct sim *s, struct sim_room *r)
{
	Roomkeep__SessionFrame f = ROOMKEEP__SESSION_FRAME__INIT;
	const uint64_t wall_ms = sim_room_wall_ms(s, r);
	const struct sim_thing *t = sim_model_pick(s, SIM_PATIENTS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	const struct id patient_id = t->id;
	const struct id id = local_new_id(r->local, wall_ms);
	f.has_session_id = f.has_patient_id = f.has_therapist_id = f.has_room_id =
		f.has_started_ms = 1;
	f.session_id = wire_id_bytes(&id);
	f.patient_id = wire_id_bytes(&patient_id);
	f.therapist_id = wire_id_bytes(desk_person(&r->desk));
	f.room_id = wire_id_bytes(&local_room(r->local)->room_id);
	f.started_ms = wall_ms;
	const enum err e = sim_append(s, r, KIND_SESSION_FRAME, &f.base);
	if (may_be_there(r, e)) {
		sim_model_add(s, SIM_SESSIONS,
			      (struct sim_thing){ .id = id,
						  .patient_id = patient_id,
						  .user = r->person,
						  .sure = is_sure(r, e) });
	}
	return e;
}

/* What was set is what is shown: the set named everything that stood there. */
static void check_text_set(struct sim *s, struct sim_room *r, const struct id *session_id,
			   Roomkeep__TextField field, const struct id *op_id)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state st;
	const enum err e = local_load_session(r->local, &r->desk.vault, session_id, &fold, &st);
	if (sim_disk_was_hit(&r->disk)) return;
	SIM_CHECK(s, e == ERR_OK, "room %u: a session cannot be read after a set: %s", r->index,
		  err_name(e));
	if (e != ERR_OK) return;
	const struct fold_field *f = &st.text[field - 1];
	SIM_CHECK(s, f->head_count == 1 && id_equal(&f->heads[0]->meta.op_id, op_id),
		  "room %u: a text was set and %zu stand", r->index, f->head_count);
}

static enum err do_set_text(struct sim *s, struct sim_room *r)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	struct id op_id;
	struct record_error error = { .err = ERR_OK };
	const struct sim_thing *t = sim_model_pick(s, SIM_SESSIONS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	if (!sim_chance(&s->rand, 3))
		TRY(sim_make_text(s, s->chart, s->swarm.text_bytes_max, &text));
	const Roomkeep__TextField field =
		(Roomkeep__TextField)(1 + rand_below(&s->rand, FOLD_TEXT_FIELDS));
	const struct id session_id = t->id;
	const bool is_signed = sim_is_signed_here(r, &session_id);
	TRY(local_set_text(r->local, &r->desk.vault, &session_id, field, buf_view(&text),
			   sim_room_wall_ms(s, r), &op_id, &error));
	sim_model_on_saved(s, r, &op_id, !sim_disk_struck(&r->disk));
	SIM_CHECK(s, !is_signed, "room %u: a signed session's text was edited", r->index);
	check_text_set(s, r, &session_id, field, &op_id);
	return ERR_OK;
}

/* How it was measured: each thing is said or not. */
static void make_measure_how(struct sim *s, Roomkeep__Measure *m)
{
	static char limit[] = "a pull";
	m->has_mode = sim_chance(&s->rand, 50);
	m->mode = (Roomkeep__Mode)(1 + rand_below(&s->rand, 3));
	m->has_position = sim_chance(&s->rand, 50);
	m->position = (Roomkeep__Position)(1 + rand_below(&s->rand, 6));
	m->has_method = sim_chance(&s->rand, 50);
	m->method = (Roomkeep__Method)(1 + rand_below(&s->rand, 7));
	m->has_pain_at_end = sim_chance(&s->rand, 50);
	m->pain_at_end = (uint32_t)rand_below(&s->rand, MEASURE_PAIN_MAX + 1);
	m->limited_by = sim_chance(&s->rand, 30) ? limit : NULL;
}

/* Something the catalogue allows; ERR_MORE when the dice did not find it. */
static enum err make_measure(struct sim *s, Roomkeep__Measure *m)
{
	size_t count = 0;
	const struct catalogue_entry *table = catalogue_table(&count);
	const struct catalogue_entry *e = &table[rand_below(&s->rand, count)];
	m->ref = (char *)(uintptr_t)e->ref;
	m->has_catalogue = m->has_phase = 1;
	m->catalogue = CATALOGUE_VERSION;
	m->phase = (Roomkeep__Phase)(1 + rand_below(&s->rand, 3));
	if (e->side_required || sim_chance(&s->rand, 50)) {
		m->has_side = 1;
		m->side = (Roomkeep__Side)(1 + rand_below(&s->rand, 4));
	}
	if (e->takes_value) {
		m->has_value_milli = 1;
		const uint64_t span = (uint64_t)((int64_t)e->max_milli - e->min_milli) / 1000;
		m->value_milli = e->min_milli + 1000 * (int64_t)sim_upto(&s->rand, span);
		m->unit = (char *)(uintptr_t)e->unit;
	} else {
		m->has_result = 1;
		m->result = (Roomkeep__TestResult)(1 + rand_below(&s->rand, 4));
	}
	make_measure_how(s, m);
	return measure_check(m, NULL) == ERR_OK ? ERR_OK : ERR_MORE;
}

static enum err do_add_measure(struct sim *s, struct sim_room *r)
{
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	const uint64_t wall_ms = sim_room_wall_ms(s, r);
	const struct sim_thing *t = sim_model_pick(s, SIM_SESSIONS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	const struct id session_id = t->id;
	const bool is_signed = sim_is_signed_here(r, &session_id);
	for (int tries = 0; tries < 20; tries++) {
		m = (Roomkeep__Measure)ROOMKEEP__MEASURE__INIT;
		if (make_measure(s, &m) != ERR_OK) continue;
		const struct id id = local_new_id(r->local, wall_ms);
		m.has_measure_id = m.has_session_id = m.has_at_ms = 1;
		m.measure_id = wire_id_bytes(&id);
		m.session_id = wire_id_bytes(&session_id);
		m.at_ms = wall_ms;
		TRY(sim_append(s, r, KIND_MEASURE, &m.base));
		SIM_CHECK(s, !is_signed, "room %u: a signed session got a measure", r->index);
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

/* A Sign names all that its room showed, and holds at once. */
static void check_sign_made(struct sim *s, struct sim_room *r, const struct id *session_id)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state st;
	const enum err e = local_load_session(r->local, &r->desk.vault, session_id, &fold, &st);
	if (sim_disk_was_hit(&r->disk)) return;
	SIM_CHECK(s,
		  e == ERR_OK && st.sign != NULL && st.sign->check != FOLD_SIGN_DIFFERS &&
			  st.late_count == 0,
		  "room %u: a Sign does not cover what its room showed (%s)", r->index,
		  err_name(e));
}

static enum err do_sign(struct sim *s, struct sim_room *r)
{
	struct id op_id;
	const struct sim_thing *t = sim_model_pick(s, SIM_SESSIONS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	const struct id session_id = t->id;
	TRY(local_sign_session(r->local, &r->desk.vault, &session_id, sim_room_wall_ms(s, r),
			       &op_id));
	sim_model_on_saved(s, r, &op_id, !sim_disk_struck(&r->disk));
	check_sign_made(s, r, &session_id);
	return ERR_OK;
}

static enum err do_addendum(struct sim *s, struct sim_room *r)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	Roomkeep__Addendum a = ROOMKEEP__ADDENDUM__INIT;
	const char *words = NULL;
	const struct id id = local_new_id(r->local, sim_room_wall_ms(s, r));
	const struct sim_thing *t = sim_model_pick(s, SIM_SESSIONS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	TRY(sim_make_text(s, s->chart, s->swarm.text_bytes_max, &text));
	TRY(buf_cstr(&text, &words));
	a.has_addendum_id = a.has_session_id = 1;
	a.addendum_id = wire_id_bytes(&id);
	a.session_id = wire_id_bytes(&t->id);
	a.text = (char *)(uintptr_t)words;
	return sim_append(s, r, KIND_ADDENDUM, &a.base);
}

static enum err do_note(struct sim *s, struct sim_room *r)
{
	static const struct id nameless; /* of a note that the disk kept from getting its id out */
	CLEANUP(buf_finip) struct buf text = { 0 };
	struct id id = { 0 };
	struct id op_id;
	struct record_error error = { .err = ERR_OK };
	const struct sim_thing *t = sim_model_pick(s, SIM_PATIENTS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	TRY(sim_make_text(s, s->canary, s->swarm.text_bytes_max, &text));
	const struct id patient_id = t->id;
	enum err e = local_add_note(r->local, &r->desk.vault, &patient_id, NULL, buf_view(&text),
				    sim_room_wall_ms(s, r), &id, &error);
	if (e == ERR_OK) e = sim_note_op(r, &id, &op_id);
	if (sim_disk_excuses(&r->disk, e)) sim_model_note_text(s, &nameless, buf_view(&text));
	TRY(e);
	sim_model_on_saved(s, r, &op_id, !sim_disk_struck(&r->disk));
	sim_model_add(s, SIM_NOTES,
		      (struct sim_thing){ .id = id,
					  .op_id = op_id,
					  .patient_id = patient_id,
					  .user = r->person,
					  .sure = !sim_disk_struck(&r->disk) });
	sim_model_note_text(s, &id, buf_view(&text));
	return ERR_OK;
}

static enum err do_set_note(struct sim *s, struct sim_room *r)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	struct id op_id;
	struct record_error error = { .err = ERR_OK };
	const struct sim_thing *t = sim_model_pick(s, SIM_NOTES, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	TRY(sim_make_text(s, s->canary, s->swarm.text_bytes_max, &text));
	const struct id id = t->id;
	const bool mine = t->user == r->person;
	const enum err e = local_set_note(r->local, &r->desk.vault, &id, buf_view(&text),
					  sim_room_wall_ms(s, r), &error);
	if (may_be_there(r, e)) sim_model_note_text(s, &id, buf_view(&text));
	TRY(e);
	SIM_CHECK(s, mine, "room %u: somebody changed another's note", r->index);
	TRY(sim_note_op(r, &id, &op_id));
	sim_model_on_saved(s, r, &op_id, !sim_disk_struck(&r->disk));
	return ERR_OK;
}

static enum err do_opened(struct sim *s, struct sim_room *r)
{
	const struct sim_thing *session = sim_model_pick(s, SIM_SESSIONS, r->person);
	if (session != NULL && sim_chance(&s->rand, 50)) {
		const struct id session_id = session->id;
		const struct id patient_id = session->patient_id;
		return local_opened(r->local, &r->desk.vault, &patient_id, &session_id,
				    sim_room_wall_ms(s, r));
	}
	const struct sim_thing *t = sim_model_pick(s, SIM_PATIENTS, r->person);
	ENSURE(t != NULL, ERR_NOT_FOUND);
	return local_opened(r->local, &r->desk.vault, &t->id, NULL, sim_room_wall_ms(s, r));
}

static enum err do_fetch(struct sim *s, struct sim_room *r)
{
	const struct sim_thing *t = sim_model_pick(s, SIM_PATIENTS, r->person);
	if (t == NULL || r->talk.kind != SIM_TALK_NONE) return ERR_OK;
	const struct id patient_id = t->id;
	if (sim_talk_begin(s, r, SIM_TALK_FETCH, r->person)) r->talk.subject = patient_id;
	return ERR_OK;
}

/* ---- choosing ------------------------------------------------------------------------ */

static enum err sign_somebody_in(struct sim *s, struct sim_room *r, bool wrong)
{
	/* The same few people meet in several rooms. */
	const unsigned few = sim_chance(&s->rand, s->swarm.together_percent) ? 2
									     : s->swarm.user_count;
	const unsigned user = (unsigned)rand_below(&s->rand, few);
	if (sim_talk_begin(s, r, SIM_TALK_SIGN_IN, user)) r->talk.wrong = wrong;
	return ERR_OK;
}

static enum doing choose(struct sim *s, bool somebody)
{
	const struct sim_swarm *w = &s->swarm;
	const unsigned weights[DOINGS] = {
		[DO_ADD_PATIENT] = w->add_patient,
		[DO_SET_PATIENT] = w->set_patient,
		[DO_START_SESSION] = w->start_session,
		[DO_SET_TEXT] = w->set_text,
		[DO_ADD_MEASURE] = w->add_measure,
		[DO_SIGN] = w->sign,
		[DO_ADDENDUM] = w->addendum,
		[DO_NOTE] = w->note,
		[DO_SET_NOTE] = w->set_note,
		[DO_OPENED] = w->opened,
		[DO_SIGN_IN] = w->sign_in,
		[DO_SIGN_OUT] = w->sign_out,
		[DO_FETCH] = w->fetch,
		[DO_WRONG_PASSPHRASE] = w->wrong_passphrase,
		[DO_PASSPHRASE] = w->passphrase,
		[DO_SET_FRAME] = w->set_frame,
		[DO_ERASE] = w->erase,
		[DO_ERASE_NOTE] = w->erase_note,
		[DO_IMPORT] = w->import,
		[DO_PLAIN] = w->plain,
	};
	if (!somebody)
		return sim_chance(&s->rand, w->wrong_passphrase) ? DO_WRONG_PASSPHRASE : DO_SIGN_IN;
	uint64_t sum = 0;
	for (size_t i = 0; i < DOINGS; i++) sum += weights[i];
	uint64_t at = rand_below(&s->rand, sum);
	for (size_t i = 0; i < DOINGS; i++) {
		if (at < weights[i]) return (enum doing)i;
		at -= weights[i];
	}
	return DO_ADD_PATIENT;
}

/* In an empty clinic most doings find nothing to work on. */
static enum doing first_things_first(const struct sim *s, enum doing what)
{
	const bool in_session = what == DO_SET_TEXT || what == DO_ADD_MEASURE || what == DO_SIGN ||
				what == DO_ADDENDUM || what == DO_SET_FRAME;
	const bool of_patient = what == DO_SET_PATIENT || what == DO_START_SESSION ||
				what == DO_NOTE || what == DO_OPENED || what == DO_PLAIN ||
				in_session;
	if (of_patient && sim_model_count(s, SIM_PATIENTS) < 2) return DO_ADD_PATIENT;
	if (in_session && sim_model_count(s, SIM_SESSIONS) < 2) return DO_START_SESSION;
	if (what == DO_SET_NOTE && sim_model_count(s, SIM_NOTES) == 0) return DO_NOTE;
	return what;
}

static enum err carry_out(struct sim *s, struct sim_room *r, enum doing what)
{
	switch (what) {
	case DO_ADD_PATIENT: return do_add_patient(s, r);
	case DO_SET_PATIENT: return do_set_patient(s, r);
	case DO_START_SESSION: return do_start_session(s, r);
	case DO_SET_TEXT: return do_set_text(s, r);
	case DO_ADD_MEASURE: return do_add_measure(s, r);
	case DO_SIGN: return do_sign(s, r);
	case DO_ADDENDUM: return do_addendum(s, r);
	case DO_NOTE: return do_note(s, r);
	case DO_SET_NOTE: return do_set_note(s, r);
	case DO_OPENED: return do_opened(s, r);
	case DO_SIGN_IN: return sign_somebody_in(s, r, false);
	case DO_WRONG_PASSPHRASE: return sign_somebody_in(s, r, true);
	case DO_FETCH: return do_fetch(s, r);
	case DO_PASSPHRASE:
		(void)sim_talk_begin(s, r, SIM_TALK_PASSPHRASE, r->person);
		return ERR_OK;
	case DO_SET_FRAME: return sim_do_set_frame(s, r);
	case DO_ERASE: return sim_do_erase(s, r);
	case DO_ERASE_NOTE: return sim_do_erase_note(s, r);
	case DO_IMPORT: return sim_do_import(s, r);
	case DO_PLAIN: return sim_do_plain(s, r);
	case DO_SIGN_OUT: sim_room_post_job(s, r, SIM_JOB_LOCK); return ERR_OK;
	case DOINGS: break;
	}
	return ERR_BUG;
}

void sim_do(struct sim *s, struct sim_room *r, struct sim_done *d)
{
	const bool somebody = desk_person(&r->desk) != NULL;
	/* Nobody works while being signed in or out; others may push the button. */
	if (!somebody && r->talk.kind != SIM_TALK_NONE) return;
	if (somebody && sim_chance(&s->rand, 2)) sim_room_post_job(s, r, SIM_JOB_TIDY);
	const enum doing what = first_things_first(s, choose(s, somebody));
	REQUIRE(what < DOINGS);
	const enum err e = carry_out(s, r, what);
	s->doings++;
	d->outbox = somebody && e == ERR_OK;
	sim_trace(s, "room %u: %s %s: %s", r->index,
		  somebody ? s->users[r->person].login : "nobody", doing_names[what], err_name(e));
	if (sim_disk_excuses(&r->disk, e)) {
		sim_model_on_doubt(s, r);
		r->exit_due = true;
		return;
	}
	const bool may = e == ERR_OK || (doing_may[what] >> (unsigned)-e & 1u) != 0;
	SIM_CHECK(s, may, "room %u: %s failed: %s", r->index, doing_names[what], err_name(e));
}
