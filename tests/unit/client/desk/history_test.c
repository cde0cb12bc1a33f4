/* Which sessions of a patient a room finds, in which order, and what it knows of the others. */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"

#define DAY_MS_ 86400000ull

static struct local_sessions find(struct room *r, const struct id *patient)
{
	struct local_sessions s = { 0 };
	OK(local_find_sessions(r->local, &r->desk.vault, patient, &s));
	return s;
}

/* A frame that lets the session begin at another time. */
static struct id begin(struct room *r, const struct id *session, const struct id *patient,
		       uint64_t started_ms)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	struct id op_id;
	m.has_session_id = m.has_patient_id = m.has_therapist_id = m.has_started_ms = true;
	m.has_room_id = true;
	m.room_id = wire_id_bytes(&local_room(r->local)->room_id);
	m.session_id = wire_id_bytes(session);
	m.patient_id = wire_id_bytes(patient);
	m.therapist_id = wire_id_bytes(desk_person(&r->desk));
	m.started_ms = started_ms;
	OK(local_append(r->local, &r->desk.vault, KIND_SESSION_FRAME, &m.base, r->w->wall, &op_id,
			NULL));
	return op_id;
}

static void erase(struct room *r, const struct id *target)
{
	static char reason[] = "entered for the wrong person";
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	struct id op_id;
	m.has_target = true;
	m.target = wire_id_bytes(target);
	m.reason = reason;
	OK(local_append(r->local, &r->desk.vault, KIND_TOMBSTONE, &m.base, r->w->wall, &op_id,
			NULL));
}

/* Each start is what the whole session says. */
static void check_starts(struct room *r, const struct local_sessions *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct session_fold fold;
		struct session_state state;
		OK(room_load(r, &s->held[i].session_id, &fold, &state));
		assert_int_equal(s->held[i].started_ms, state.started_ms);
		session_fold_fini(&fold);
		if (i == 0) continue;
		const struct local_session_start *before = &s->held[i - 1];
		assert_true(before->started_ms < s->held[i].started_ms ||
			    (before->started_ms == s->held[i].started_ms &&
			     memcmp(before->session_id.b, s->held[i].session_id.b, ID_BYTES) < 0));
	}
}

static void test_oldest_first_and_the_newest_of_them(void **state)
{
	(void)state;
	static const unsigned days_ago[] = { 3, 9, 1, 3, 5, 400 };
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	const struct id other = room_add_patient(r, "Omar Said", "1970-01-02");
	struct id ids[COUNT_OF(days_ago)];
	(void)room_start_session(r, &other);
	for (size_t i = 0; i < COUNT_OF(days_ago); i++) {
		ids[i] = local_new_id(r->local, w->wall);
		(void)begin(r, &ids[i], &patient, w->wall - days_ago[i] * DAY_MS_);
	}
	struct local_sessions s = find(r, &patient);
	assert_int_equal(s.count, COUNT_OF(days_ago));
	check_starts(r, &s);
	assert_true(id_equal(&s.held[0].session_id, &ids[5]));
	assert_true(id_equal(&s.held[5].session_id, &ids[2]));
	assert_false(s.held[0].at_server);
	assert_false(s.knows_rest);
	for (size_t limit = 0; limit <= s.count + 1; limit++) {
		struct local_session_row *rows = NULL;
		const size_t some = limit < s.count ? limit : s.count;
		size_t count = 0;
		OK(local_list_sessions(r->local, &r->desk.vault, &s, limit, &rows, &count));
		assert_int_equal(count, some);
		for (size_t i = 0; i < count; i++)
			assert_true(id_equal(&rows[i].session_id,
					     &s.held[s.count - some + i].session_id));
		free(rows);
	}
	local_sessions_fini(&s);
	room_saved(r);
	s = find(r, &patient);
	for (size_t i = 0; i < s.count; i++) assert_true(s.held[i].at_server);
	local_sessions_fini(&s);
	const struct id nobody = local_new_id(r->local, w->wall);
	assert_int_equal(local_find_sessions(r->local, &r->desk.vault, &nobody, &s), ERR_NOT_FOUND);
	world_free(w);
}

/* The newest frame says when; once signed, only what the Sign saw. */
static void test_edited_frames(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id first = local_new_id(r1->local, w->wall);
	const struct id second = local_new_id(r1->local, w->wall);
	(void)begin(r1, &first, &patient, w->wall - 5 * DAY_MS_);
	(void)begin(r1, &second, &patient, w->wall - 4 * DAY_MS_);
	(void)begin(r1, &first, &patient, w->wall - 3 * DAY_MS_);
	struct local_sessions s = find(r1, &patient);
	assert_int_equal(s.count, 2);
	assert_true(id_equal(&s.held[1].session_id, &first));
	check_starts(r1, &s);
	local_sessions_fini(&s);
	room_saved(r1);

	/* A change that did not see the Sign. */
	OK(room_sign_in(r2, "jo", JO_PASS));
	world_wait(w, 1000);
	room_cut(r2, true);
	(void)begin(r2, &first, &patient, w->wall - 9 * DAY_MS_);
	struct id op_id;
	OK(room_text(r1, &first, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(local_sign_session(r1->local, &r1->desk.vault, &first, w->wall, &op_id));
	room_saved(r1);
	room_cut(r2, false);
	world_wait(w, 5000);
	for (size_t i = 0; i < 2; i++) {
		s = find(&w->rooms[i], &patient);
		assert_int_equal(s.count, 2);
		assert_true(id_equal(&s.held[1].session_id, &first));
		assert_int_equal(s.held[1].started_ms, s.held[0].started_ms + DAY_MS_);
		check_starts(&w->rooms[i], &s);
		local_sessions_fini(&s);
	}
	world_free(w);
}

/* What was erased before this room heard of it: the words of one session, the frame of another. */
static void test_a_session_of_which_a_tombstone_is_left(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id whole = room_start_session(r1, &patient);
	const struct id gone = local_new_id(r1->local, w->wall);
	const struct id frame = begin(r1, &gone, &patient, w->wall - DAY_MS_);
	struct session_fold fold;
	struct session_state state_of;
	OK(room_text(r1, &whole, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(room_load(r1, &whole, &fold, &state_of));
	const struct id text = state_of.text[ROOMKEEP__TEXT_FIELD__PLAN - 1].value->meta.op_id;
	session_fold_fini(&fold);
	erase(r1, &text);
	erase(r1, &frame);
	room_saved(r1);
	OK(room_sign_in(r2, "mara", MARA_PASS));
	world_wait(w, 1000);
	struct local_sessions s = find(r2, &patient);
	assert_int_equal(s.count, 1);
	assert_true(id_equal(&s.held[0].session_id, &whole));
	check_starts(r2, &s);
	local_sessions_fini(&s);
	world_free(w);
}

/* ---- what is known of the others ------------------------------------------------------------- */

/* The server's last page for what was asked, with no ops on it. */
static enum err take_page(struct room *r, const struct feed_fetch *what, bool counts,
			  uint32_t sessions, uint64_t last_seq)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__FetchPage page = ROOMKEEP__FETCH_PAGE__INIT;
	struct buf body = { 0 };
	uint64_t after = 0;
	bool more = true;
	page.has_last_seq = page.has_more = true;
	page.last_seq = last_seq;
	page.has_sessions = counts;
	page.sessions = sessions;
	f.body_case = ROOMKEEP__FRAME__BODY_FETCH_PAGE;
	f.fetch_page = &page;
	OK(body_encode(&f, &body));
	const enum err e = feed_apply_page(r->local, &r->desk.vault, what, buf_view(&body),
					   r->w->wall, &after, &more);
	assert_int_equal(more, e != ERR_OK);
	buf_fini(&body);
	return e;
}

static void last_page(struct room *r, const struct feed_fetch *what, bool counts, uint32_t sessions)
{
	OK(take_page(r, what, counts, sessions, 5));
}

static void expect_rest(struct room *r, const struct id *patient, bool knows, uint64_t rest)
{
	struct local_sessions s = find(r, patient);
	assert_int_equal(s.knows_rest, knows);
	assert_int_equal(s.rest, rest);
	local_sessions_fini(&s);
}

static void test_how_many_others_there_are(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	const struct id old = local_new_id(r->local, w->wall);
	(void)begin(r, &old, &patient, w->wall - 20 * DAY_MS_);
	(void)room_start_session(r, &patient);
	expect_rest(r, &patient, false, 0);
	struct feed_fetch part = { .patient_id = patient,
				   .is_part = true,
				   .sessions_max = 3,
				   .newest = 4,
				   .before_ms = w->wall - 10 * DAY_MS_ };
	/* Only in the outbox: the server has not counted it. */
	last_page(r, &part, true, 7);
	expect_rest(r, &patient, true, 7);
	room_saved(r);
	expect_rest(r, &patient, true, 6);
	last_page(r, &part, true, 3); /* these are all */
	expect_rest(r, &patient, true, 2);
	struct local_history h = { 0 };
	OK(local_history(r->local, &r->desk.vault, &patient, &h));
	assert_int_equal(h.newest, UINT32_MAX);
	part.before_ms = 0;
	last_page(r, &part, true, 7);
	expect_rest(r, &patient, true, 5);
	OK(local_history(r->local, &r->desk.vault, &patient, &h));
	assert_int_equal(h.whole_ms, 0);
	assert_int_equal(h.part_ms, w->wall);
	assert_int_equal(h.sessions, 7);
	assert_int_equal(h.newest, 4);
	/* An older server sends everything, and does not count. */
	last_page(r, &part, false, 0);
	expect_rest(r, &patient, true, 0);
	OK(local_history(r->local, &r->desk.vault, &patient, &h));
	assert_int_equal(h.whole_ms, w->wall);
	assert_int_equal(h.whole_seq, 5);
	assert_int_equal(h.part_ms, 0);
	world_free(w);
}

/* What was not to be read then was not sent: nothing that was fetched counts any more. */
static void test_other_rights_forget_what_was_fetched(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id second = room_add_patient(r1, "Omar Said", "1970-01-02");
	room_saved(r1);
	OK(room_sign_in(r2, "mara", MARA_PASS));
	world_wait(w, 1000);
	last_page(r2, &(struct feed_fetch){ .patient_id = patient }, false, 0);
	last_page(r2, &(struct feed_fetch){ .patient_id = second, .is_part = true }, true, 4);
	expect_rest(r2, &second, true, 4);
	room_set_roles(r1, "mara", DIR_THERAPIST | DIR_DESK);
	world_wait(w, 2000);
	assert_true(sync_is_live(r2->sync));
	expect_rest(r2, &patient, false, 0);
	expect_rest(r2, &second, false, 0);
	world_free(w);
}

static void test_a_number_that_no_op_can_have(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	const struct feed_fetch whole = { .patient_id = patient };
	struct local_history h = { 0 };
	assert_int_equal(take_page(r, &whole, false, 0, (uint64_t)INT64_MAX + 1), ERR_BAD_VALUE);
	OK(local_history(r->local, &r->desk.vault, &patient, &h));
	assert_int_equal(h.whole_ms, 0);
	OK(take_page(r, &whole, false, 0, INT64_MAX));
	world_free(w);
}

/* Numbers of another epoch are other numbers; an older build kept none. */
static void test_the_number_belongs_to_its_epoch(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	const struct id patient = room_add_patient(r, "Maya Rosen", "1984-05-06");
	struct local_history h = { 0 };
	last_page(r, &(struct feed_fetch){ .patient_id = patient }, false, 0);
	OK(db_run(r->local->db, "UPDATE fetched SET epoch = ?1", DB_ARGS(db_id(&patient))));
	OK(local_history(r->local, &r->desk.vault, &patient, &h));
	assert_int_equal(h.whole_ms, 0);
	OK(db_run(r->local->db, "UPDATE fetched SET epoch = NULL, seq = 0", DB_NO_ARGS));
	OK(local_history(r->local, &r->desk.vault, &patient, &h));
	assert_int_equal(h.whole_ms, w->wall);
	assert_int_equal(h.whole_seq, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oldest_first_and_the_newest_of_them),
		cmocka_unit_test(test_edited_frames),
		cmocka_unit_test(test_a_session_of_which_a_tombstone_is_left),
		cmocka_unit_test(test_how_many_others_there_are),
		cmocka_unit_test(test_other_rights_forget_what_was_fetched),
		cmocka_unit_test(test_a_number_that_no_op_can_have),
		cmocka_unit_test(test_the_number_belongs_to_its_epoch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
