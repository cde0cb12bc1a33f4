/* Plain records of every kind as rooms make and read them, through the real server: apart and
 * together again, after a restart, erased, and refused. */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"
#include "record/reflect.h"
#include "support/plain_sample.h"

union message {
	ProtobufCMessage any;
	uint64_t room[256];
};

static struct arena arena;

static int arena_setup(void **state)
{
	(void)state;
	arena_init(&arena, 8u * MIB);
	return 0;
}

static int arena_teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void make(const struct kind_info *info, const struct id *record, const struct id *patient,
		 const struct id *session, uint64_t seed, bool first, union message *m)
{
	assert_true(info->message->sizeof_message <= sizeof(*m));
	plain_sample_change(info, seed, first, &arena, &m->any);
	plain_sample_id(&m->any, info->subject_field, record, &arena);
	if (info->session_field != NULL)
		plain_sample_id(&m->any, info->session_field, session, &arena);
	if (info->patient_field != NULL)
		plain_sample_id(&m->any, info->patient_field, patient, &arena);
}

static enum err save(struct room *r, const struct kind_info *info, const union message *m,
		     struct id *ret_op_id, struct record_error *ret_error)
{
	return local_append(r->local, &r->desk.vault, info->kind, &m->any, r->w->wall, ret_op_id,
			    ret_error);
}

static struct id new_record(struct room *r, const struct kind_info *info, const struct id *patient,
			    const struct id *session)
{
	if (kind_is_one_per_session(info)) return *session;
	return kind_is_one_per_patient(info) ? *patient : local_new_id(r->local, r->w->wall);
}

/* All records of a kind of a patient as bytes, to compare rooms. */
static size_t say(struct room *r, const struct kind_info *info, const struct id *patient,
		  struct buf *out)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records;
	size_t count = 0;
	OK(local_list_records(r->local, &r->desk.vault, info->kind,
			      info->patient_field != NULL ? patient : NULL, &fold, &records,
			      &count));
	for (size_t i = 0; i < count; i++) {
		CLEANUP(record_fold_finip) struct record_fold one = { 0 };
		const struct record_state *found;
		uint8_t packed[4096];
		OK(buf_append(
			out, view_of(packed, protobuf_c_message_pack(records[i].message, packed))));
		for (size_t k = 0; k < records[i].change_count; k++)
			OK(buf_append(out, id_view(&records[i].changes[k].meta.op_id)));
		/* Alone it is the same as among the others. */
		OK(local_get_record(r->local, &r->desk.vault, info->kind, &records[i].record_id,
				    &one, &found));
		assert_int_equal(found->change_count, records[i].change_count);
		assert_true(id_equal(&found->record_id, &records[i].record_id));
	}
	return count;
}

static void expect_same(struct world *w, const struct kind_info *info, const struct id *patient,
			size_t count)
{
	CLEANUP(buf_finip) struct buf a = { 0 };
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(say(&w->rooms[0], info, patient, &a), count);
	assert_int_equal(say(&w->rooms[1], info, patient, &b), count);
	assert_true(view_equal(buf_view(&a), buf_view(&b)));
}

static void erase(struct room *r, const struct id *op_id)
{
	static char reason[] = "typed twice";
	Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
	struct id made;
	t.has_target = true;
	t.target = wire_id_bytes(op_id);
	t.reason = reason;
	OK(local_append(r->local, &r->desk.vault, KIND_TOMBSTONE, &t.base, r->w->wall, &made,
			NULL));
	room_saved(r);
}

/* Both rooms write while apart; what they show afterwards is the same, and the same after a new
 * start. */
static void apart_and_together(struct world *w, const struct kind_info *info,
			       const struct id *patient, const struct id *session)
{
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id record = new_record(r1, info, patient, session);
	const struct id other = new_record(r2, info, patient, session);
	const size_t count = id_equal(&record, &other) ? 1 : 2;
	union message m;
	struct id first_op, op_id;
	make(info, &record, patient, session, 1, true, &m);
	OK(save(r1, info, &m, &first_op, NULL));
	room_saved(r1);
	expect_same(w, info, patient, 1);

	room_cut(r1, true);
	room_cut(r2, true);
	make(info, &other, patient, session, 2, true, &m);
	OK(save(r2, info, &m, &op_id, NULL));
	room_saved(r2);
	if (info->merge == KIND_MERGE_FIELDS) {
		make(info, &record, patient, session, 3, false, &m);
		OK(save(r1, info, &m, &op_id, NULL));
		make(info, &record, patient, session, 4, false, &m);
		OK(save(r2, info, &m, &op_id, NULL));
	}
	room_saved(r1);
	room_saved(r2);
	room_cut(r2, false);
	room_cut(r1, false);
	expect_same(w, info, patient, count);

	room_close(r2);
	room_start(r2);
	OK(room_sign_in(r2, "mara", MARA_PASS));
	expect_same(w, info, patient, count);
	if (info->kept) return;
	erase(r1, &first_op);
	expect_same(w, info, patient, info->merge == KIND_MERGE_FIRST ? count - 1 : count);
}

/* What is part of a session is its therapist's alone: another reads it, and may not write. */
static void written_by_one(struct world *w, const struct kind_info *info, const struct id *patient,
			   const struct id *session)
{
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id record = new_record(r1, info, patient, session);
	const bool once = info->merge == KIND_MERGE_FIRST;
	union message m;
	struct id first_op, op_id;
	make(info, &record, patient, session, 1, true, &m);
	OK(save(r1, info, &m, &first_op, NULL));
	room_saved(r1);
	expect_same(w, info, patient, 1);
	assert_int_equal(save(r2, info, &m, &op_id, NULL), ERR_DENIED);

	room_cut(r1, true);
	make(info, &record, patient, session, 3, false, &m);
	if (!once) OK(save(r1, info, &m, &op_id, NULL));
	room_cut(r1, false);
	room_saved(r1);
	expect_same(w, info, patient, 1);
	erase(r1, &first_op);
	expect_same(w, info, patient, once ? 0 : 1);
}

static void test_every_kind_apart_and_together(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	OK(room_sign_in(&w->rooms[1], "mara", MARA_PASS));
	const struct id patient = room_add_patient(&w->rooms[0], "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(&w->rooms[0], &patient);
	room_saved(&w->rooms[0]);
	for (size_t i = 0; i < kind_count(); i++) {
		if (!kind_is_plain(kind_at(i)) || !plain_sample_stands_alone(kind_at(i))) continue;
		(kind_at(i)->own_session ? written_by_one : apart_and_together)(w, kind_at(i),
										&patient, &session);
	}
	struct local_counts c;
	OK(local_counts(w->rooms[0].local, &c));
	assert_int_equal(c.rejected + c.quarantined, 0);
	world_free(w);
}

/* What a room refuses before an op exists. */
static void refused_here(struct world *w, const struct kind_info *info, const struct id *patient,
			 const struct id *other, const struct id *session)
{
	struct room *r = &w->rooms[0];
	const struct id nobody = { { 1 } };
	const struct id record = new_record(r, info, patient, session);
	const bool one = kind_is_one_per_patient(info);
	struct record_error error = { 0 };
	union message m;
	struct id op_id;
	if (info->patient_field != NULL) {
		make(info, one ? &nobody : &record, &nobody, session, 1, true, &m);
		assert_int_equal(save(r, info, &m, &op_id, &error), ERR_NOT_FOUND);
	}
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->need == FIELD_OPTIONAL) continue;
		make(info, &record, patient, session, 1, true, &m);
		reflect_clear(&m.any, reflect_field(info->message, rule->name));
		assert_int_equal(save(r, info, &m, &op_id, &error), ERR_BAD_VALUE);
		assert_string_equal(error.field, rule->name);
	}
	make(info, &record, patient, session, 1, true, &m);
	OK(save(r, info, &m, &op_id, &error));
	if (info->merge == KIND_MERGE_FIRST) {
		assert_int_equal(save(r, info, &m, &op_id, &error), ERR_EXISTS);
	} else if (!one && info->patient_field != NULL) {
		make(info, &record, other, session, 1, true, &m);
		if (info->session_field != NULL && !info->own_session)
			reflect_clear(&m.any, reflect_field(info->message, info->session_field));
		assert_int_equal(save(r, info, &m, &op_id, &error), ERR_BAD_VALUE);
		assert_string_equal(error.field,
				    info->own_session ? info->session_field : info->patient_field);
	}
	if (info->session_field == NULL) return;
	const struct id next = new_record(r, info, patient, session);
	make(info, &next, patient, &nobody, 1, true, &m);
	assert_int_equal(save(r, info, &m, &op_id, &error), ERR_NOT_FOUND);
	make(info, &next, other, session, 1, true, &m);
	assert_int_equal(save(r, info, &m, &op_id, &error), ERR_BAD_VALUE);
}

static void test_bad_records_of_every_kind_make_no_op(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	const struct id patient = room_add_patient(&w->rooms[0], "Maya Rosen", "1984-05-06");
	const struct id other = room_add_patient(&w->rooms[0], "Anna Berg", "1990-01-01");
	const struct id session = room_start_session(&w->rooms[0], &patient);
	for (size_t i = 0; i < kind_count(); i++) {
		if (!kind_is_plain(kind_at(i)) || !plain_sample_stands_alone(kind_at(i))) continue;
		refused_here(w, kind_at(i), &patient, &other, &session);
	}
	room_saved(&w->rooms[0]);
	struct local_counts c;
	OK(local_counts(w->rooms[0].local, &c));
	assert_int_equal(c.rejected + c.quarantined, 0);
	world_free(w);
}

/* Both rooms are apart: one signs, the other, of the same person, writes on. What comes after the
 * Sign is refused by the room that knows of it and by the server, and is no part of the record. */
static void closed_by_a_sign(struct world *w, const struct kind_info *info,
			     const struct id *patient)
{
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id session = room_start_session(r1, patient);
	const struct id record = new_record(r1, info, patient, &session);
	struct local_counts before, after;
	union message m;
	struct id first_op, op_id;
	make(info, &record, patient, &session, 1, true, &m);
	OK(save(r1, info, &m, &first_op, NULL));
	room_saved(r1);
	expect_same(w, info, patient, 1);
	OK(local_counts(r2->local, &before));

	room_cut(r2, true);
	OK(local_sign_session(r1->local, &r1->desk.vault, &session, w->wall, &op_id));
	room_saved(r1);
	make(info, &record, patient, &session, 2, false, &m);
	assert_int_equal(save(r1, info, &m, &op_id, NULL), ERR_SIGNED);
	OK(save(r2, info, &m, &op_id, NULL));
	room_saved(r2);
	room_cut(r2, false);
	expect_same(w, info, patient, 1);
	OK(local_counts(r2->local, &after));
	assert_int_equal(after.rejected, before.rejected + 1);
	/* Nor is it erased by who wrote it. */
	Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
	static char reason[] = "no";
	t.has_target = true;
	t.target = wire_id_bytes(&first_op);
	t.reason = reason;
	OK(local_append(r2->local, &r2->desk.vault, KIND_TOMBSTONE, &t.base, w->wall, &op_id,
			NULL));
	room_saved(r2);
	expect_same(w, info, patient, 1);
	OK(local_counts(r2->local, &after));
	assert_int_equal(after.rejected, before.rejected + 2);
}

static void test_a_sign_closes_the_records_of_its_session(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		if (!kind_is_plain(kind_at(i)) || !kind_at(i)->closed_by_sign) continue;
		struct world *w = world_clinic();
		OK(room_sign_in(&w->rooms[0], "mara", MARA_PASS));
		OK(room_sign_in(&w->rooms[1], "mara", MARA_PASS));
		const struct id patient =
			room_add_patient(&w->rooms[0], "Maya Rosen", "1984-05-06");
		closed_by_a_sign(w, kind_at(i), &patient);
		world_free(w);
	}
}

/* It stays where it was made, else it could be taken out of a session that is signed. */
static void test_a_record_stays_in_its_session(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r, &patient);
	const struct id next = room_start_session(r, &patient);
	struct record_error error = { 0 };
	union message m;
	struct id op_id;
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (!kind_is_plain(info) || !info->own_session) continue;
		if (kind_is_one_per_session(info)) continue; /* its id is the session's */
		const struct id record = new_record(r, info, &patient, &session);
		make(info, &record, &patient, &session, 1, true, &m);
		OK(save(r, info, &m, &op_id, &error));
		make(info, &record, &patient, &next, 2, true, &m);
		assert_int_equal(save(r, info, &m, &op_id, &error), ERR_BAD_VALUE);
		assert_string_equal(error.field, "session_id");
	}
	world_free(w);
}

/* A change is judged with what it changes: the end of an alert lies behind its beginning. */
static void test_the_whole_record_is_checked(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	const struct id alert = local_new_id(r->local, w->wall);
	const struct kind_info *info = kind_find(KIND_ALERT);
	struct record_error error = { 0 };
	static char text[] = "latex", from[] = "2026-11-02", to[] = "2026-11-01";
	struct id op_id;
	union {
		union message m;
		Roomkeep__Alert alert;
	} a = { .alert = ROOMKEEP__ALERT__INIT };
	a.alert.has_alert_id = a.alert.has_patient_id = a.alert.has_kind = true;
	a.alert.alert_id = wire_id_bytes(&alert);
	a.alert.patient_id = wire_id_bytes(&patient);
	a.alert.kind = ROOMKEEP__ALERT__KIND__ALLERGY;
	a.alert.text = text;
	a.alert.started = from;
	OK(save(r, info, &a.m, &op_id, &error));
	a.alert.text = a.alert.started = NULL;
	a.alert.ended = to;
	assert_int_equal(save(r, info, &a.m, &op_id, &error), ERR_BAD_VALUE);
	assert_string_equal(error.field, "ended");
	world_free(w);
}

/* The desk holds and writes what its role may read, and nothing clinical ever reaches its room. */
static void test_the_desk_sees_no_clinical_kind(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	(void)room_add_user(r1, "Sam Okafor", "sam", ROLE_DESK, MARA_PASS);
	room_saved(r1);
	OK(room_sign_in(r2, "sam", MARA_PASS));
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (!kind_is_plain(info) || !plain_sample_stands_alone(info)) continue;
		CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
		const struct id record = new_record(r1, info, &patient, &session);
		const struct record_state *found;
		union message m;
		struct id op_id;
		const bool may = (info->read & ROLE_DESK) != 0;
		make(info, &record, &patient, &session, 1, true, &m);
		OK(save(r1, info, &m, &op_id, NULL));
		room_saved(r1);
		const enum err e = local_get_record(r2->local, &r2->desk.vault, info->kind, &record,
						    &fold, &found);
		assert_int_equal(e, may ? ERR_OK : ERR_DENIED);
		uint64_t rows = 0;
		OK(db_get_u64(r2->local->db, "SELECT count(*) FROM op WHERE op_id = ?1",
			      DB_ARGS(db_id(&op_id)), &rows));
		assert_int_equal(rows, may);
		make(info, &record, &patient, &session, 2, true, &m);
		const enum err wrote = save(r2, info, &m, &op_id, NULL);
		assert_int_equal(wrote, (info->write & ROLE_DESK) != 0 ? ERR_OK : ERR_DENIED);
	}
	world_free(w);
}

/* Refused by the server, its author still finds every word. */
static void test_a_refused_record_keeps_its_words(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct kind_info *info = kind_find(KIND_ALERT);
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	room_saved(r1);
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id alert = new_record(r2, info, &patient, NULL);
	static char text[] = "latex,\neven gloves", reason[] = "a rash";
	struct local_pending *rows = NULL;
	size_t count = 0;
	struct id op_id;
	union {
		union message m;
		Roomkeep__Alert alert;
	} a = { .alert = ROOMKEEP__ALERT__INIT };
	a.alert.has_alert_id = a.alert.has_patient_id = a.alert.has_kind = true;
	a.alert.alert_id = wire_id_bytes(&alert);
	a.alert.patient_id = wire_id_bytes(&patient);
	a.alert.kind = ROOMKEEP__ALERT__KIND__ALLERGY;
	a.alert.text = text;
	a.alert.reason = reason;
	static char scent[] = "none", feet[] = "feet", scar[] = "the scar, left";
	char *areas[] = { feet, scar };
	union {
		union message m;
		Roomkeep__Preference preference;
	} p = { .preference = ROOMKEEP__PREFERENCE__INIT };
	p.preference.has_patient_id = true;
	p.preference.patient_id = wire_id_bytes(&patient);
	p.preference.scent = scent;
	p.preference.never_touch = areas;
	p.preference.n_never_touch = COUNT_OF(areas);
	room_cut(r2, true);
	OK(save(r2, info, &a.m, &op_id, NULL));
	OK(save(r2, kind_find(KIND_PREFERENCE), &p.m, &op_id, NULL));
	room_saved(r2);
	room_set_roles(r1, "mara", ROLE_DESK);
	room_cut(r2, false);
	world_wait(w, 10000);
	OK(local_list_pending(r2->local, &r2->desk.vault, 0, &rows, &count));
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].state, LOCAL_OP_REJECTED);
		assert_int_equal(rows[i].code, ERR_DENIED);
		assert_string_equal(rows[i].text,
				    rows[i].kind == KIND_ALERT
					    ? "text: latex,\neven gloves\nreason: a rash"
					    : "scent: none\nnever_touch: feet\n"
					      "never_touch: the scar, left");
	}
	local_pending_free(rows, count);
	world_free(w);
}

static bool refuse(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_ACK) return true;
	for (size_t i = 0; i < f->ack->n_results; i++) {
		f->ack->results[i]->has_code = true;
		f->ack->results[i]->code = ERR_BAD_VALUE;
		f->ack->results[i]->has_seq = false;
		f->ack->results[i]->status = ROOMKEEP__OP_STATUS__REJECTED;
		r->tampered++;
	}
	return true;
}

static void expect_name(struct room *r, const struct id *patient, const char *name)
{
	struct local_patient p;
	OK(local_get_patient(r->local, &r->desk.vault, patient, &p));
	assert_string_equal(p.name, name);
}

/* The list says what holds, at once and after a new start. */
static void test_a_refused_name_is_not_the_patients(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	static char name[] = "Maja Rosen";
	struct id op_id;
	room_saved(r);
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(&patient);
	m.name = name;
	r->tamper = refuse;
	OK(local_append(r->local, &r->desk.vault, KIND_PATIENT, &m.base, w->wall, &op_id, NULL));
	expect_name(r, &patient, "Maja Rosen");
	room_saved(r);
	assert_int_equal(r->tampered, 1);
	r->tamper = NULL;
	expect_name(r, &patient, "Maya Rosen");
	room_close(r);
	room_start(r);
	OK(room_sign_in(r, "jo", JO_PASS));
	expect_name(r, &patient, "Maya Rosen");
	world_free(w);
}

/* A link is in both charts, and in no other. */
static void test_a_link_is_listed_for_its_two_only(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct kind_info *info = kind_find(KIND_FAMILY_LINK);
	const struct id patients[] = { room_add_patient(r, "Maya Rosen", "1984-05-06"),
				       room_add_patient(r, "Noa Rosen", "2014-05-06"),
				       room_add_patient(r, "Anna Berg", "1990-01-01") };
	const struct id link = local_new_id(r->local, w->wall);
	struct id op_id;
	union {
		union message m;
		Roomkeep__FamilyLink link;
	} l = { .link = ROOMKEEP__FAMILY_LINK__INIT };
	l.link.has_family_link_id = l.link.has_patient_id = l.link.has_relative_id = true;
	l.link.family_link_id = wire_id_bytes(&link);
	l.link.patient_id = wire_id_bytes(&patients[0]);
	l.link.relative_id = wire_id_bytes(&patients[1]);
	l.link.has_kin = true;
	l.link.kin = ROOMKEEP__FAMILY_LINK__KIN__CHILD;
	OK(save(r, info, &l.m, &op_id, NULL));
	for (size_t i = 0; i < COUNT_OF(patients); i++) {
		CLEANUP(buf_finip) struct buf said = { 0 };
		assert_int_equal(say(r, info, &patients[i], &said), i < 2);
	}
	world_free(w);
}

static uint64_t opened_ms(struct room *r, const struct id *patient, uint64_t since_ms)
{
	uint64_t ms = 0;
	OK(local_last_opened(r->local, &r->desk.vault, patient, since_ms, &ms));
	return ms;
}

static void open_chart(struct room *r, const struct id *patient)
{
	OK(local_opened(r->local, &r->desk.vault, patient, NULL, r->w->wall));
	room_saved(r);
}

/* Of this patient, in this room, and not too long ago. */
static void test_when_a_chart_was_last_open_here(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id maya = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id anna = room_add_patient(r1, "Anna Berg", "1990-01-01");
	room_saved(r1);
	assert_int_equal(opened_ms(r1, &maya, 0), 0);
	open_chart(r1, &maya);
	const uint64_t first_ms = w->wall;
	w->wall += 1000;
	open_chart(r1, &anna);
	assert_int_equal(opened_ms(r1, &maya, first_ms), first_ms);
	assert_int_equal(opened_ms(r1, &maya, first_ms + 1), 0);
	assert_int_equal(opened_ms(r1, &anna, first_ms), first_ms + 1000);
	/* The same person, in the other room: that is not this screen. */
	OK(room_sign_in(r2, "jo", JO_PASS));
	w->wall += 1000;
	open_chart(r2, &maya);
	world_wait(w, 2000);
	assert_int_equal(opened_ms(r2, &maya, first_ms), first_ms + 2000);
	assert_int_equal(opened_ms(r1, &maya, first_ms), first_ms);
	world_free(w);
}

/* CA1, BC4: a room makes no op that would empty a register or hide a hold. */
static void test_ca1_a_register_is_not_erased_in_a_room(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r, &patient);
	static char reason[] = "typed twice";
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (!kind_is_plain(info) || !info->kept) continue;
		const struct id record = new_record(r, info, &patient, &session);
		Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
		union message m;
		struct id op_id, made;
		make(info, &record, &patient, &session, 1, true, &m);
		OK(save(r, info, &m, &op_id, NULL));
		t.has_target = true;
		t.target = wire_id_bytes(&op_id);
		t.reason = reason;
		assert_int_equal(local_append(r->local, &r->desk.vault, KIND_TOMBSTONE, &t.base,
					      w->wall, &made, NULL),
				 ERR_DENIED);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_apart_and_together),
		cmocka_unit_test(test_bad_records_of_every_kind_make_no_op),
		cmocka_unit_test(test_a_sign_closes_the_records_of_its_session),
		cmocka_unit_test(test_a_record_stays_in_its_session),
		cmocka_unit_test(test_the_whole_record_is_checked),
		cmocka_unit_test(test_the_desk_sees_no_clinical_kind),
		cmocka_unit_test(test_a_refused_record_keeps_its_words),
		cmocka_unit_test(test_a_refused_name_is_not_the_patients),
		cmocka_unit_test(test_a_link_is_listed_for_its_two_only),
		cmocka_unit_test(test_when_a_chart_was_last_open_here),
		cmocka_unit_test(test_ca1_a_register_is_not_erased_in_a_room),
	};
	return cmocka_run_group_tests(tests, arena_setup, arena_teardown);
}
