/* Records as rooms make and read them, through the real server. */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"

#define DAY (24ull * 3600u * 1000u)

static size_t count_patients(struct room *r)
{
	struct local_patient p;
	size_t at = 0;
	size_t n = 0;
	while (local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p) == ERR_OK) n++;
	return n;
}

static uint64_t room_ops(struct room *r)
{
	struct local_counts c;
	OK(local_counts(r->local, &c));
	return c.queued + c.committed + c.rejected + c.quarantined;
}

/* ---- patients -------------------------------------------------------------------------------- */

static enum err set_phone(struct room *r, const struct id *id, const char *phone,
			  struct record_error *ret_error)
{
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	struct id op_id;
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(id);
	m.phone = wire_text(phone);
	return local_append(r->local, &r->desk.vault, KIND_PATIENT, &m.base, r->w->wall, &op_id,
			    ret_error);
}

static void test_patients_are_found_and_changed(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id jose = room_add_patient(r1, "Jos\xc3\xa9 O'Brien", "1984-05-06");
	(void)room_add_patient(r1, "Anna Berg", "1990-01-01");
	OK(set_phone(r1, &jose, "0170 55", NULL));
	room_saved(r1);
	struct local_patient p;
	size_t at = 0;
	OK(local_find_patient(r2->local, &r2->desk.vault, view_str("obrien jose"), &at, &p));
	assert_string_equal(p.name, "Jos\xc3\xa9 O'Brien");
	assert_string_equal(p.phone, "0170 55");
	assert_int_equal(
		local_find_patient(r2->local, &r2->desk.vault, view_str("obrien jose"), &at, &p),
		ERR_NOT_FOUND);
	at = 0;
	OK(local_find_patient(r2->local, &r2->desk.vault, VIEW_EMPTY, &at, &p));
	assert_string_equal(p.name, "Anna Berg"); /* by name */

	/* Both rooms change the number while apart: the server's order decides, both see the
	 * same. */
	room_cut(r1, true);
	room_cut(r2, true);
	OK(set_phone(r1, &jose, "0170 11", NULL));
	OK(set_phone(r2, &jose, "0170 22", NULL));
	room_saved(r1);
	room_saved(r2);
	room_cut(r2, false);
	room_cut(r1, false);
	for (size_t k = 0; k < 2; k++) {
		struct room *r = &w->rooms[k];
		OK(local_get_patient(r->local, &r->desk.vault, &jose, &p));
		assert_string_equal(p.phone, "0170 11");
		struct patient_fold fold;
		struct patient_state s;
		OK(local_load_patient(r->local, &r->desk.vault, &jose, &fold, &s));
		assert_int_equal(s.fields[PATIENT_PHONE].history_count, 3); /* nothing is lost */
		patient_fold_fini(&fold);
	}
	const struct id nobody = { { 1 } };
	assert_int_equal(local_get_patient(r1->local, &r1->desk.vault, &nobody, &p), ERR_NOT_FOUND);
	world_free(w);
}

static void test_bad_records_make_no_op(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	const struct id nobody = { { 1 } };
	const uint64_t before = room_ops(r1);
	struct record_error err = { 0 };
	assert_int_equal(set_phone(r1, &patient, "call me", &err), ERR_BAD_VALUE);
	assert_string_equal(err.field, "phone");
	assert_int_equal(set_phone(r1, &nobody, "0170 11", &err),
			 ERR_BAD_VALUE); /* no name, no birth */
	assert_int_equal(room_put_frame(r1, &(struct id){ { 3 } }, &nobody, desk_person(&r1->desk)),
			 ERR_NOT_FOUND);
	assert_int_equal(room_text(r1, &nobody, ROOMKEEP__TEXT_FIELD__PLAN, "x"), ERR_NOT_FOUND);
	assert_int_equal(room_measure(r1, &session, 999000), ERR_BAD_VALUE); /* 999 degrees */
	assert_int_equal(room_measure(r1, &nobody, 1000), ERR_NOT_FOUND);
	struct id op_id;
	assert_int_equal(local_set_text(r1->local, &r1->desk.vault, &session,
					ROOMKEEP__TEXT_FIELD__PLAN, view_of("a\0b", 3), w->wall,
					&op_id, NULL),
			 ERR_BAD_TEXT);
	assert_int_equal(local_set_text(r1->local, &r1->desk.vault, &session,
					ROOMKEEP__TEXT_FIELD__PLAN, view_str("bell \a"), w->wall,
					&op_id, NULL),
			 ERR_BAD_TEXT);
	assert_int_equal(local_append(r1->local, &r1->desk.vault, KIND_SESSION_TEXT, NULL, w->wall,
				      &op_id, NULL),
			 ERR_USAGE);
	assert_int_equal(room_ops(r1), before);
	world_free(w);
}

/* A dead clock battery: the server would keep such ops aside, so none is made. */
static void test_a_clock_outside_2000_to_2100_makes_no_op(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	const uint64_t before = room_ops(r1);
	const uint64_t times[] = { 0, TIME_MS_MIN - 1, TIME_MS_END };
	struct id op_id;
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		assert_int_equal(local_set_text(r1->local, &r1->desk.vault, &session,
						ROOMKEEP__TEXT_FIELD__PLAN, view_str("x"), times[i],
						&op_id, NULL),
				 ERR_CONFIG);
	}
	assert_int_equal(room_ops(r1), before);
	OK(local_set_text(r1->local, &r1->desk.vault, &session, ROOMKEEP__TEXT_FIELD__PLAN,
			  view_str("x"), TIME_MS_MIN, &op_id, NULL));
	assert_int_equal(room_ops(r1), before + 1);
	world_free(w);
}

static void test_text_limits(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	char *text = malloc(TEXT_BYTES_MAX + 1);
	assert_non_null(text);
	for (size_t i = 0; i <= TEXT_BYTES_MAX; i++) text[i] = 'a';
	struct id op_id;
	struct id again;
	struct vault *v = &r1->desk.vault;
	for (size_t len = TEXT_BYTES_MAX - 1; len <= TEXT_BYTES_MAX; len++) {
		OK(local_set_text(r1->local, v, &session, ROOMKEEP__TEXT_FIELD__PLAN,
				  view_of(text, len), w->wall, &op_id, NULL));
		struct id note;
		OK(local_add_note(r1->local, v, &patient, NULL, view_of(text, len), w->wall, &note,
				  NULL));
	}
	/* The same text again says nothing new: no op. */
	const uint64_t before = room_ops(r1);
	OK(local_set_text(r1->local, v, &session, ROOMKEEP__TEXT_FIELD__PLAN,
			  view_of(text, TEXT_BYTES_MAX), w->wall, &again, NULL));
	assert_true(id_equal(&op_id, &again));
	assert_int_equal(local_set_text(r1->local, v, &session, ROOMKEEP__TEXT_FIELD__PLAN,
					view_of(text, TEXT_BYTES_MAX + 1), w->wall, &op_id, NULL),
			 ERR_TOO_BIG);
	struct id note;
	assert_int_equal(local_add_note(r1->local, v, &patient, NULL,
					view_of(text, TEXT_BYTES_MAX + 1), w->wall, &note, NULL),
			 ERR_TOO_BIG);
	assert_int_equal(room_ops(r1), before);
	room_saved(r1);
	assert_int_equal(room_queued(r1), 0);
	free(text);
	world_free(w);
}

/* ---- many ------------------------------------------------------------------------------------ */

static void test_more_than_a_batch_by_count_and_by_bytes(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	room_cut(r1, true);
	OK(local_begin(r1->local));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	for (unsigned i = 0; i < 2 * BATCH_OPS_MAX; i++) OK(room_measure(r1, &session, 1000 + i));
	OK(local_commit(r1->local));
	char *text = malloc(TEXT_BYTES_MAX);
	assert_non_null(text);
	for (size_t i = 0; i < TEXT_BYTES_MAX; i++) text[i] = 'a';
	for (unsigned i = 0; i < 20; i++) {
		struct id op_id;
		text[i] = 'b';
		OK(local_set_text(r1->local, &r1->desk.vault, &session, ROOMKEEP__TEXT_FIELD__PLAN,
				  view_of(text, TEXT_BYTES_MAX), w->wall, &op_id, NULL));
	}
	free(text);
	room_saved(r1);
	room_cut(r1, false);
	world_wait(w, 3000);
	assert_int_equal(room_queued(r1), 0);
	assert_true(sync_stats(r1->sync)->pushes >= 4);
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r2, &session, &fold, &s));
	assert_int_equal(s.measure_count, 2 * BATCH_OPS_MAX);
	session_fold_fini(&fold);
	world_free(w);
}

static void test_a_batch_holds_whole_or_not_at_all(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	(void)room_add_patient(r1, "Before", "1984-05-06");
	OK(local_begin(r1->local));
	const struct id gone = room_add_patient(r1, "Gone Again", "1984-05-06");
	struct local_patient p;
	OK(local_get_patient(r1->local, &r1->desk.vault, &gone, &p)); /* seen inside */
	struct id note;
	OK(local_add_note(r1->local, &r1->desk.vault, &gone, NULL, view_str("x"), w->wall, &note,
			  NULL));
	local_cancel(r1->local, &r1->desk.vault);
	assert_int_equal(local_get_patient(r1->local, &r1->desk.vault, &gone, &p), ERR_NOT_FOUND);
	assert_int_equal(count_patients(r1), 1);
	struct local_note n;
	size_t at = 0;
	assert_int_equal(local_next_note(r1->local, &r1->desk.vault, NULL, &at, &n), ERR_NOT_FOUND);
	/* The numbers given out inside are given out again: no gap. */
	OK(local_begin(r1->local));
	(void)room_add_patient(r1, "Stays", "1984-05-06");
	OK(local_commit(r1->local));
	room_saved(r1);
	assert_int_equal(room_queued(r1), 0);
	assert_int_equal(local_alarms(r1->local), 0);
	assert_int_equal(count_patients(r1), 2);
	world_free(w);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static void test_desk_sees_patients_and_nothing_clinical(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id ida = room_add_user(r1, "Ida Berg", "ida", DIR_DESK, MARA_PASS);
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "not for the desk"));
	room_saved(r1);
	OK(room_sign_in(r2, "ida", MARA_PASS));
	assert_int_equal(count_patients(r2), 1);
	struct session_fold fold;
	struct session_state s;
	assert_int_equal(room_load(r2, &session, &fold, &s), ERR_DENIED);
	const uint64_t before = room_ops(r2);
	assert_int_equal(room_put_frame(r2, &(struct id){ { 8 } }, &patient, &ida), ERR_DENIED);
	struct id note;
	assert_int_equal(local_add_note(r2->local, &r2->desk.vault, &patient, NULL, view_str("x"),
					w->wall, &note, NULL),
			 ERR_DENIED);
	assert_int_equal(room_ops(r2), before);
	OK(set_phone(r2, &patient, "0170 99", NULL));
	room_saved(r2);
	struct local_patient p;
	OK(local_get_patient(r1->local, &r1->desk.vault, &patient, &p));
	assert_string_equal(p.phone, "0170 99");
	world_free(w);
}

static void test_anothers_session_takes_addenda_only(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r2, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r2, &patient);
	room_saved(r2);
	struct id op_id;
	assert_int_equal(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "mine now"),
			 ERR_DENIED);
	assert_int_equal(local_sign_session(r1->local, &r1->desk.vault, &session, w->wall, &op_id),
			 ERR_DENIED);
	const struct id add_id = local_new_id(r1->local, w->wall);
	Roomkeep__Addendum m = ROOMKEEP__ADDENDUM__INIT;
	char text[] = "seen with her, agreed";
	m.has_addendum_id = m.has_session_id = true;
	m.addendum_id = wire_id_bytes(&add_id);
	m.session_id = wire_id_bytes(&session);
	m.text = text;
	OK(local_append(r1->local, &r1->desk.vault, KIND_ADDENDUM, &m.base, w->wall, &op_id, NULL));
	room_saved(r1);
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r2, &session, &fold, &s));
	assert_int_equal(s.addendum_count, 1);
	assert_true(view_equal(s.addenda[0]->text, view_str(text)));
	session_fold_fini(&fold);
	world_free(w);
}

/* Mara loses the therapist's bit while she is signed in: what she may not see leaves her room. */
static void test_scope_change_purges(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	room_saved(r1);
	const struct id mine = room_add_patient(r2, "Omar Said", "1970-01-02");
	const struct id own = room_start_session(r2, &mine);
	room_saved(r2);
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r2, &session, &fold, &s));
	const struct id others = s.covers[0];
	session_fold_fini(&fold);
	OK(room_load(r2, &own, &fold, &s));
	const struct id owns = s.covers[0];
	session_fold_fini(&fold);

	struct id mara;
	OK(local_user_by_login(r1->local, "mara", &mara));
	room_set_roles(r1, "mara", DIR_DESK);
	assert_int_equal(sync_state_now(r2->sync), SYNC_SIGNED_IN);
	assert_true(sync_is_live(r2->sync));
	assert_int_equal(room_load(r2, &session, &fold, &s), ERR_DENIED);
	struct op_row row = { 0 };
	assert_int_equal(row_find(r2->local, &r2->desk.vault, &others, &row), ERR_NOT_FOUND);
	OK(row_find(r2->local, &r2->desk.vault, &owns, &row)); /* one's own are never purged */
	op_row_fini(&row);
	assert_int_equal(count_patients(r2), 2);
	assert_int_equal(room_put_frame(r2, &(struct id){ { 8 } }, &patient, &mara), ERR_DENIED);
	world_free(w);
}

static void test_imported_session_of_another_therapist(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	struct id mara;
	OK(local_user_by_login(r1->local, "mara", &mara));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = local_new_id(r1->local, w->wall);
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = m.has_patient_id = m.has_therapist_id = m.has_room_id = true;
	m.has_started_ms = m.has_imported = m.imported = true;
	m.session_id = wire_id_bytes(&session);
	m.patient_id = wire_id_bytes(&patient);
	m.therapist_id = wire_id_bytes(&mara);
	m.room_id = wire_id_bytes(&local_room(r1->local)->room_id);
	m.started_ms = w->wall - 30 * DAY;
	struct id op_id;
	OK(local_append(r1->local, &r1->desk.vault, KIND_SESSION_FRAME, &m.base, w->wall, &op_id,
			NULL));
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "from the old books"));
	OK(local_sign_session(r1->local, &r1->desk.vault, &session, w->wall, &op_id));
	room_saved(r1);
	assert_int_equal(room_queued(r1), 0);
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r2, &session, &fold, &s));
	assert_non_null(s.sign);
	assert_true(id_equal(&s.therapist_id, &mara));
	session_fold_fini(&fold);
	struct local_sessions all = { 0 };
	struct local_session_row *rows = NULL;
	size_t count = 0;
	OK(local_find_sessions(r2->local, &r2->desk.vault, &patient, &all));
	OK(local_list_sessions(r2->local, &r2->desk.vault, &all, 1, &rows, &count));
	assert_int_equal(count, 1);
	assert_true(rows[0].is_signed);
	local_sessions_fini(&all);
	free(rows);
	world_free(w);
}

/* ---- older records --------------------------------------------------------------------------- */

static void test_old_sessions_come_by_fetch(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = local_new_id(r1->local, w->wall);
	const uint64_t now = w->wall;
	w->wall = now - 700 * DAY; /* two years ago */
	OK(room_put_frame(r1, &session, &patient, desk_person(&r1->desk)));
	w->wall = now;
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "long ago"));
	room_saved(r1);
	OK(room_sign_in(r2, "mara", MARA_PASS));
	struct session_fold fold;
	struct session_state s;
	assert_int_equal(room_load(r2, &session, &fold, &s), ERR_NOT_FOUND);
	struct local_history h = { 0 };
	OK(local_history(r2->local, &r2->desk.vault, &patient, &h));
	assert_int_equal(h.whole_ms, 0);

	bool more = true;
	uint64_t after = 0;
	for (unsigned i = 0; i < 10 && more; i++) {
		Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
		Roomkeep__Fetch m = ROOMKEEP__FETCH__INIT;
		struct buf body = { 0 };
		m.has_patient_id = m.has_after_seq = true;
		m.patient_id = wire_id_bytes(&patient);
		m.after_seq = after;
		f.body_case = ROOMKEEP__FRAME__BODY_FETCH;
		f.fetch = &m;
		OK(body_encode(&f, &body));
		OK(room_ask(r2, buf_view(&body)));
		OK(feed_apply_page(r2->local, &r2->desk.vault,
				   &(struct feed_fetch){ .patient_id = patient },
				   buf_view(&r2->reply.body), w->wall, &after, &more));
		buf_fini(&body);
	}
	assert_false(more);
	OK(room_load(r2, &session, &fold, &s));
	assert_true(view_equal(s.text[3].value->text, view_str("long ago")));
	session_fold_fini(&fold);
	OK(local_history(r2->local, &r2->desk.vault, &patient, &h));
	assert_int_equal(h.whole_ms, w->wall);
	assert_int_equal(h.whole_seq, after);
	struct local_cursor c;
	OK(local_cursor(r2->local, &r2->desk.vault, &c));
	assert_true(c.seq > 0);
	world_free(w);
}

/* ---- notes ----------------------------------------------------------------------------------- */

static void test_note_revisions_and_two_heads(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r1, "mara", MARA_PASS));
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id other = room_add_patient(r1, "Omar Said", "1970-01-02");
	struct id note;
	struct id second;
	OK(local_add_note(r1->local, &r1->desk.vault, &patient, NULL, view_str("one"), w->wall,
			  &note, NULL));
	OK(local_add_note(r1->local, &r1->desk.vault, &other, NULL, view_str("of another"),
			  w->wall + 5, &second, NULL));
	OK(local_set_note(r1->local, &r1->desk.vault, &note, view_str("two"), w->wall + 1, NULL));
	room_saved(r1);
	struct local_note n;
	struct view text;
	size_t at = 0;
	OK(local_next_note(r2->local, &r2->desk.vault, &patient, &at, &n));
	OK(local_note_text(r2->local, &r2->desk.vault, &n.op_id, &text));
	assert_true(view_equal(text, view_str("two")));
	assert_false(n.conflict);
	assert_int_equal(local_next_note(r2->local, &r2->desk.vault, &patient, &at, &n),
			 ERR_NOT_FOUND);

	room_cut(r1, true);
	room_cut(r2, true);
	OK(local_set_note(r1->local, &r1->desk.vault, &note, view_str("from 1"), w->wall + 2,
			  NULL));
	OK(local_set_note(r2->local, &r2->desk.vault, &note, view_str("from 2"), w->wall + 3,
			  NULL));
	room_saved(r1);
	room_saved(r2);
	room_cut(r1, false);
	room_cut(r2, false);
	at = 0;
	for (unsigned i = 0; i < 2; i++) {
		OK(local_next_note(r1->local, &r1->desk.vault, &patient, &at, &n));
		assert_true(n.conflict);
		assert_true(id_equal(&n.note_id, &note));
	}
	OK(local_set_note(r1->local, &r1->desk.vault, &note, view_str("both"), w->wall + 4, NULL));
	room_saved(r1);
	at = 0;
	OK(local_next_note(r2->local, &r2->desk.vault, &patient, &at, &n));
	assert_false(n.conflict);
	OK(local_note_text(r2->local, &r2->desk.vault, &n.op_id, &text));
	assert_true(view_equal(text, view_str("both")));
	assert_int_equal(local_set_note(r1->local, &r1->desk.vault, &(struct id){ { 4 } },
					view_str("x"), w->wall, NULL),
			 ERR_NOT_FOUND);
	struct id none;
	assert_int_equal(local_add_note(r1->local, &r1->desk.vault, &(struct id){ { 4 } }, NULL,
					view_str("x"), w->wall, &none, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(local_add_note(r1->local, &r1->desk.vault, &patient, NULL, view_str(""),
					w->wall, &none, NULL) != ERR_OK,
			 true);
	/* All of it again after a restart. */
	room_close(r2);
	room_start(r2);
	OK(room_sign_in(r2, "mara", MARA_PASS));
	at = 0;
	OK(local_next_note(r2->local, &r2->desk.vault, NULL, &at, &n));
	OK(local_next_note(r2->local, &r2->desk.vault, NULL, &at, &n));
	assert_int_equal(local_next_note(r2->local, &r2->desk.vault, NULL, &at, &n), ERR_NOT_FOUND);
	assert_int_equal(local_alarms(r1->local) | local_alarms(r2->local), 0);
	world_free(w);
}

/* ---- opened, tombstone, tidying -------------------------------------------------------------- */

static void test_opened_once_per_chart_and_time(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	struct vault *v = &r1->desk.vault;
	const uint64_t before = room_ops(r1);
	OK(local_opened(r1->local, v, &patient, &session, w->wall));
	OK(local_opened(r1->local, v, &patient, &session, w->wall + LOCAL_OPENED_MS - 1));
	assert_int_equal(room_ops(r1), before + 1);
	OK(local_opened(r1->local, v, &patient, NULL, w->wall)); /* another chart */
	OK(local_opened(r1->local, v, &patient, &session, w->wall + LOCAL_OPENED_MS));
	assert_int_equal(room_ops(r1), before + 3);
	room_saved(r1);
	assert_int_equal(room_queued(r1), 0);
	OK(room_sign_in(r1, "jo", JO_PASS)); /* a new sign-in counts anew */
	OK(local_opened(r1->local, v, &patient, &session, w->wall));
	assert_int_equal(room_ops(r1), before + 4);
	world_free(w);
}

static void test_tombstone_takes_a_measure_away(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	OK(room_measure(r1, &session, 52000));
	OK(room_measure(r1, &session, 53000));
	room_saved(r1);
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r1, &session, &fold, &s));
	assert_int_equal(s.measure_count, 2);
	const struct id target = s.measures[0]->meta.op_id;
	session_fold_fini(&fold);
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	char reason[] = "wrong side";
	struct id op_id;
	m.has_target = true;
	m.target = wire_id_bytes(&target);
	m.reason = reason;
	OK(local_append(r1->local, &r1->desk.vault, KIND_TOMBSTONE, &m.base, w->wall, &op_id,
			NULL));
	room_saved(r1);
	assert_int_equal(room_queued(r1), 0);
	for (size_t k = 0; k < 2; k++) {
		OK(room_load(&w->rooms[k], &session, &fold, &s));
		assert_int_equal(s.measure_count, 1);
		session_fold_fini(&fold);
	}
	m.target = wire_id_bytes(&patient); /* no op of that id */
	assert_int_equal(local_append(r1->local, &r1->desk.vault, KIND_TOMBSTONE, &m.base, w->wall,
				      &op_id, NULL),
			 ERR_NOT_FOUND);
	world_free(w);
}

static void test_outbox_rows_go_when_backed_up_and_old(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
	room_saved(r1);
	assert_int_equal(room_ops(r1), 1);
	const uint64_t later = w->wall + (LOCAL_KEEP_DAYS + 1) * DAY;
	OK(local_tidy(r1->local, later)); /* old, but in no backup */
	assert_int_equal(room_ops(r1), 1);
	OK(feed_backed_up(r1->local, 1));
	OK(local_tidy(r1->local, w->wall + DAY)); /* in a backup, but young */
	assert_int_equal(room_ops(r1), 1);
	OK(local_tidy(r1->local, later));
	assert_int_equal(room_ops(r1), 0);
	struct local_patient p;
	size_t at = 0;
	OK(local_find_patient(r1->local, &r1->desk.vault, VIEW_EMPTY, &at, &p)); /* the row stays */
	/* An alarm stops all deleting. */
	(void)room_add_patient(r1, "Omar Said", "1970-01-02");
	room_saved(r1);
	OK(feed_backed_up(r1->local, 2));
	OK(local_raise(r1->local, LOCAL_ALARM_LANE_ROLLBACK, w->wall));
	OK(local_tidy(r1->local, later + 2 * DAY));
	assert_int_equal(room_ops(r1), 1);
	world_free(w);
}

/* ---- people ---------------------------------------------------------------------------------- */

static void test_people_are_checked(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	struct buf frame = { 0 };
	struct id id;
	struct record_error err = { 0 };
	enum passphrase_fault fault = PASSPHRASE_NONE;
	struct new_user u = { .name = "Ida Berg",
			      .login = "ida",
			      .roles = DIR_THERAPIST,
			      .passphrase = view_str(MARA_PASS) };
	assert_int_equal(people_add(r2->local, &r2->desk.vault, &u, &frame, &id, &fault, &err),
			 ERR_DENIED);
	struct vault *v = &r1->desk.vault;
	u.login = "mara";
	assert_int_equal(people_add(r1->local, v, &u, &frame, &id, &fault, &err), ERR_EXISTS);
	u.login = "Ida B";
	assert_int_equal(people_add(r1->local, v, &u, &frame, &id, &fault, &err), ERR_BAD_VALUE);
	assert_string_equal(err.field, "login");
	u.login = "ida";
	u.roles = 64;
	assert_int_equal(people_add(r1->local, v, &u, &frame, &id, &fault, &err), ERR_BAD_VALUE);
	u.roles = DIR_THERAPIST;
	u.name = " Ida";
	assert_int_equal(people_add(r1->local, v, &u, &frame, &id, &fault, &err), ERR_BAD_VALUE);
	u.name = "Ida Berg";
	u.passphrase = view_str("short");
	assert_int_equal(people_add(r1->local, v, &u, &frame, &id, &fault, &err), ERR_BAD_VALUE);
	assert_int_equal(fault, PASSPHRASE_TOO_SHORT);
	assert_int_equal(frame.len, 0);
	struct secret *code = NULL;
	assert_int_equal(people_invite(r2->local, &r2->desk.vault, "Room 9", "treatment", w->wall,
				       &frame, &code),
			 ERR_DENIED);
	assert_int_equal(people_invite(r1->local, v, "Room 9", "kitchen", w->wall, &frame, &code),
			 ERR_BAD_VALUE);
	room_lock(r1);
	assert_int_equal(people_add(r1->local, v, &u, &frame, &id, &fault, &err), ERR_SIGNED_OUT);
	buf_fini(&frame);
	world_free(w);
}

static void test_founding_is_checked(void **state)
{
	(void)state;
	OK(crypt_init());
	enum passphrase_fault fault = PASSPHRASE_NONE;
	struct record_error err = { 0 };
	struct found_options o = found_words();
	OK(found_check(&o, &fault, &err));
	o.login = "";
	assert_int_equal(found_check(&o, &fault, &err), ERR_BAD_VALUE);
	o = found_words();
	o.k = 1;
	assert_int_equal(found_check(&o, &fault, &err), ERR_BAD_VALUE);
	o.k = 4;
	assert_int_equal(found_check(&o, &fault, &err), ERR_BAD_VALUE);
	o = found_words();
	o.passphrase = view_str("Harbour Street");
	assert_int_equal(found_check(&o, &fault, &err), ERR_BAD_VALUE);
	assert_int_not_equal(fault, PASSPHRASE_NONE);
	o = found_words();
	o.clinic_name = "two\nlines";
	assert_int_equal(found_check(&o, &fault, &err), ERR_BAD_VALUE);
}

/* ---- limits of threads of control ------------------------------------------------------------ */

static void test_nothing_works_signed_out(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct vault *v = &r1->desk.vault;
	room_lock(r1);
	struct id id = { { 1 } };
	struct id out;
	struct local_cursor c;
	struct buf b = { 0 };
	bool live = false;
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	assert_int_equal(local_append(r1->local, v, KIND_PATIENT, &m.base, w->wall, &out, NULL),
			 ERR_SIGNED_OUT);
	assert_int_equal(room_text(r1, &id, ROOMKEEP__TEXT_FIELD__PLAN, "x"), ERR_SIGNED_OUT);
	assert_int_equal(local_sign_session(r1->local, v, &id, w->wall, &out), ERR_SIGNED_OUT);
	assert_int_equal(local_opened(r1->local, v, &id, NULL, w->wall), ERR_SIGNED_OUT);
	assert_int_equal(
		local_add_note(r1->local, v, &id, NULL, view_str("x"), w->wall, &out, NULL),
		ERR_SIGNED_OUT);
	assert_int_equal(local_cursor(r1->local, v, &c), ERR_SIGNED_OUT);
	assert_int_equal(feed_next_push(r1->local, v, &b), ERR_SIGNED_OUT);
	assert_int_equal(feed_apply(r1->local, v, view_str("x"), w->wall, &c, &live),
			 ERR_SIGNED_OUT);
	assert_int_equal(b.len, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patients_are_found_and_changed),
		cmocka_unit_test(test_bad_records_make_no_op),
		cmocka_unit_test(test_a_clock_outside_2000_to_2100_makes_no_op),
		cmocka_unit_test(test_text_limits),
		cmocka_unit_test(test_more_than_a_batch_by_count_and_by_bytes),
		cmocka_unit_test(test_a_batch_holds_whole_or_not_at_all),
		cmocka_unit_test(test_desk_sees_patients_and_nothing_clinical),
		cmocka_unit_test(test_anothers_session_takes_addenda_only),
		cmocka_unit_test(test_scope_change_purges),
		cmocka_unit_test(test_imported_session_of_another_therapist),
		cmocka_unit_test(test_old_sessions_come_by_fetch),
		cmocka_unit_test(test_note_revisions_and_two_heads),
		cmocka_unit_test(test_opened_once_per_chart_and_time),
		cmocka_unit_test(test_tombstone_takes_a_measure_away),
		cmocka_unit_test(test_outbox_rows_go_when_backed_up_and_old),
		cmocka_unit_test(test_people_are_checked),
		cmocka_unit_test(test_founding_is_checked),
		cmocka_unit_test(test_nothing_works_signed_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
