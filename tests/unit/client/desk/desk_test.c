#include "support/rooms_world.h"

static void test_found_sign_in_enrol(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	assert_int_equal(sync_state_now(r1->sync), SYNC_SIGNED_IN);
	assert_true(sync_is_live(r1->sync));
	assert_int_equal(local_room(r2->local)->state, LOCAL_READY);
	assert_string_equal(local_room(r2->local)->name, "Room 2");
	assert_string_equal(local_room(r2->local)->clinic_name, "Harbour Street");
	assert_int_equal(local_directory(r2->local)->entry_count, 2);
	assert_int_equal(room_sign_in(r2, "mara", "not the passphrase at all"), ERR_AUTH);
	assert_int_equal(room_sign_in(r2, "nobody", MARA_PASS), ERR_AUTH);
	assert_null(desk_person(&r2->desk));
	OK(room_sign_in(r2, "mara", MARA_PASS));
	assert_true(sync_is_live(r2->sync));
	assert_int_equal(local_alarms(r1->local), 0);
	assert_int_equal(local_alarms(r2->local), 0);
	world_free(w);
}

static void test_session_is_seen_in_the_other_room_and_the_note_is_not(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r2, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r2, &patient);
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__SUBJECTIVE, "neck pain, 6 of 10"));
	OK(room_measure(r2, &session, 52000));
	struct id note_id;
	OK(local_add_note(r2->local, &r2->desk.vault, &patient, &session,
			  view_str("she told me about her sister"), w->wall, &note_id, NULL));
	assert_int_equal(room_queued(r2), 5);
	room_saved(r2);
	assert_int_equal(room_queued(r2), 0);
	struct local_counts counts;
	OK(local_counts(r2->local, &counts));
	assert_int_equal(counts.committed, 5);

	struct local_patient p;
	size_t at = 0;
	OK(local_find_patient(r1->local, &r1->desk.vault, view_str("maya"), &at, &p));
	assert_string_equal(p.name, "Maya Rosen");
	assert_true(id_equal(&p.id, &patient));
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r1, &session, &fold, &s));
	assert_true(view_equal(s.text[0].value->text, view_str("neck pain, 6 of 10")));
	assert_int_equal(s.measure_count, 1);
	assert_int_equal(s.measures[0]->value_milli, 52000);
	session_fold_fini(&fold);
	struct local_note note;
	at = 0;
	assert_int_equal(local_next_note(r1->local, &r1->desk.vault, NULL, &at, &note),
			 ERR_NOT_FOUND);
	at = 0;
	OK(local_next_note(r2->local, &r2->desk.vault, &patient, &at, &note));
	assert_true(id_equal(&note.note_id, &note_id));
	struct view text;
	OK(local_note_text(r2->local, &r2->desk.vault, &note.op_id, &text));
	assert_true(view_equal(text, view_str("she told me about her sister")));

	/* The same person in the other room has it, through the server that cannot read it. */
	OK(room_sign_in(r1, "mara", MARA_PASS));
	at = 0;
	OK(local_next_note(r1->local, &r1->desk.vault, &patient, &at, &note));
	OK(local_note_text(r1->local, &r1->desk.vault, &note.op_id, &text));
	assert_true(view_equal(text, view_str("she told me about her sister")));
	assert_int_equal(local_alarms(r1->local) | local_alarms(r2->local), 0);
	world_free(w);
}

/* Network cut while writing, the author signs out, the agent restarts, another signs in and out,
 * the network returns with nobody signed in: all arrives, in lane order. */
static void test_courier_delivers_what_the_room_cannot_read(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "jo", JO_PASS)); /* known here from now on */
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r2, "Maya Rosen", "1984-05-06");
	room_saved(r2);
	room_cut(r2, true);
	const struct id session = room_start_session(r2, &patient);
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__PLAN, "stretch daily"));
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__PLAN, "stretch twice daily"));
	room_saved(r2);
	room_lock(r2);
	room_close(r2);
	room_start(r2);
	OK(room_sign_in(r2, "jo", JO_PASS)); /* offline */
	const struct id other = room_add_patient(r2, "Omar Said", "1970-01-02");
	room_saved(r2);
	room_lock(r2);
	assert_int_equal(room_queued(r2), 4);
	room_cut(r2, false);
	assert_int_equal(sync_state_now(r2->sync), SYNC_COURIER);
	assert_int_equal(room_queued(r2), 0);
	struct local_patient p;
	OK(local_get_patient(r1->local, &r1->desk.vault, &other, &p));
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r1, &session, &fold, &s));
	assert_true(view_equal(s.text[3].value->text, view_str("stretch twice daily")));
	session_fold_fini(&fold);
	assert_int_equal(local_alarms(r1->local) | local_alarms(r2->local), 0);
	/* And with Mara back, her lanes are whole. */
	OK(room_sign_in(r2, "mara", MARA_PASS));
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__PLAN, "stretch as you like"));
	room_saved(r2);
	assert_int_equal(room_queued(r2), 0);
	assert_int_equal(local_alarms(r2->local), 0);
	world_free(w);
}

static void test_others_rows_go_while_somebody_is_signed_in(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "jo", JO_PASS));
	OK(room_sign_in(r2, "mara", MARA_PASS));
	room_cut(r2, true);
	(void)room_add_patient(r2, "Maya Rosen", "1984-05-06");
	room_saved(r2);
	OK(room_sign_in(r2, "jo", JO_PASS));
	(void)room_add_patient(r2, "Omar Said", "1970-01-02");
	room_saved(r2);
	assert_int_equal(room_queued(r2), 2);
	room_cut(r2, false);
	assert_int_equal(sync_state_now(r2->sync), SYNC_SIGNED_IN);
	assert_int_equal(room_queued(r2), 0);
	world_free(w);
}

static void test_conflict_shows_both_and_set_resolves(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r1, "mara", MARA_PASS));
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__ASSESSMENT, "base"));
	room_saved(r1);
	room_cut(r1, true);
	room_cut(r2, true);
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__ASSESSMENT, "from room 1"));
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__ASSESSMENT, "from room 2"));
	room_saved(r1);
	room_saved(r2);
	room_cut(r1, false);
	room_cut(r2, false);
	for (unsigned k = 0; k < 2; k++) {
		struct session_fold fold;
		struct session_state s;
		OK(room_load(&w->rooms[k], &session, &fold, &s));
		assert_true(s.has_conflict);
		assert_int_equal(s.text[2].head_count, 2);
		session_fold_fini(&fold);
	}
	struct id op_id;
	assert_int_equal(local_sign_session(r1->local, &r1->desk.vault, &session, w->wall, &op_id),
			 ERR_CONFLICT);
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__ASSESSMENT, "both, settled"));
	room_saved(r1);
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r2, &session, &fold, &s));
	assert_false(s.has_conflict);
	assert_true(view_equal(s.text[2].value->text, view_str("both, settled")));
	session_fold_fini(&fold);
	OK(local_sign_session(r1->local, &r1->desk.vault, &session, w->wall, &op_id));
	room_saved(r1);
	OK(room_load(r2, &session, &fold, &s));
	assert_non_null(s.sign);
	assert_int_equal(s.sign->check, FOLD_SIGN_HOLDS);
	session_fold_fini(&fold);
	world_free(w);
}

static void test_late_change_after_sign_and_refusal(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r1, "mara", MARA_PASS));
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "as agreed"));
	room_saved(r1);
	room_cut(r2, true);
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__PLAN, "typed offline"));
	room_saved(r2);
	struct id op_id;
	OK(local_sign_session(r1->local, &r1->desk.vault, &session, w->wall, &op_id));
	room_saved(r1);
	room_cut(r2, false);
	for (unsigned k = 0; k < 2; k++) {
		struct room *r = &w->rooms[k];
		struct session_fold fold;
		struct session_state s;
		OK(room_load(r, &session, &fold, &s));
		assert_non_null(s.sign);
		assert_true(view_equal(s.text[3].value->text, view_str("as agreed")));
		assert_int_equal(s.late_count, 1);
		assert_true(view_equal(s.late[0].text->text, view_str("typed offline")));
		session_fold_fini(&fold);
		/* No op comes to be. */
		assert_int_equal(room_text(r, &session, ROOMKEEP__TEXT_FIELD__PLAN, "again"),
				 ERR_SIGNED);
		assert_int_equal(room_measure(r, &session, 1000), ERR_SIGNED);
		assert_int_equal(
			local_sign_session(r->local, &r->desk.vault, &session, w->wall, &op_id),
			ERR_SIGNED);
		assert_int_equal(room_queued(r), 0);
	}
	world_free(w);
}

static void test_lost_link_at_any_moment_loses_and_doubles_nothing(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	unsigned made = 0;
	for (unsigned i = 0; i < 25; i++) {
		char name[32];
		snprintf(name, sizeof(name), "Patient %c%c", (char)('A' + (int)i),
			 (char)('a' + (int)i));
		(void)room_add_patient(r2, name, "1984-05-06");
		made++;
		room_event(r2, SYNC_EV_OUTBOX);
		/* So many little moves, then the cable is pulled; sometimes the Ack is on its
		 * way. */
		for (unsigned m = 0; m < i % 7; m++) {
			(void)room_run(r2);
			if (m % 2 == 0) (void)server_box_work(w->box);
		}
		room_cut(r2, true);
		world_wait(w, 500);
		room_cut(r2, false);
	}
	world_wait(w, 6000);
	assert_int_equal(room_queued(r2), 0);
	struct local_patient p;
	size_t at = 0;
	unsigned seen = 0;
	while (local_find_patient(r1->local, &r1->desk.vault, VIEW_EMPTY, &at, &p) == ERR_OK)
		seen++;
	assert_int_equal(seen, made);
	assert_int_equal(local_alarms(r1->local) | local_alarms(r2->local), 0);
	world_free(w);
}

static void test_server_crash_before_and_after_commit(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	for (unsigned i = 0; i < 6; i++) {
		(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
		room_event(r1, SYNC_EV_OUTBOX);
		for (unsigned m = 0; m < 40 && room_queued(r1) > 0 && m < i; m++) {
			(void)room_run(r1);
			if (m % 2 == 1) (void)server_box_work(w->box);
		}
		for (size_t k = 0; k < WORLD_ROOMS; k++) {
			struct room *r = &w->rooms[k];
			if (r->conn == NULL) continue;
			server_box_disconnect(w->box, r->conn);
			r->conn = NULL;
			room_event(r, SYNC_EV_LINK_DOWN);
		}
		server_box_crash(w->box);
		w->box = NULL;
		world_wait(w, 1000);
		world_server_open(w);
		world_wait(w, 6000);
		assert_int_equal(room_queued(r1), 0);
		assert_int_equal(server_box_roster(w->box)->seq, i + 1);
	}
	world_free(w);
}

static void test_passphrase_change_drops_the_other_rooms_copy(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	OK(room_sign_in(r1, "mara", MARA_PASS));
	struct buf frame = { 0 };
	struct passphrase_swap *swap = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	struct vault *v = &r1->desk.vault;
	const struct view fresh = view_str("a wholly other sentence now");
	assert_int_equal(people_passphrase(r1->local, v, view_str("wrong old passphrase"), fresh,
					   &frame, &swap, &fault),
			 ERR_AUTH);
	assert_int_equal(people_passphrase(r1->local, v, view_str(MARA_PASS), view_str("short"),
					   &frame, &swap, &fault),
			 ERR_BAD_VALUE);
	assert_int_equal(fault, PASSPHRASE_TOO_SHORT);
	buf_clear(&frame);
	OK(people_passphrase(r1->local, v, view_str(MARA_PASS), fresh, &frame, &swap, &fault));
	OK(room_ask(r1, buf_view(&frame)));
	OK(people_passphrase_done(r1->local, v, swap));
	passphrase_swap_free(swap);
	buf_fini(&frame);
	/* This room goes on with the new key after a drop. */
	room_cut(r1, true);
	room_cut(r1, false);
	assert_int_equal(sync_state_now(r1->sync), SYNC_SIGNED_IN);
	/* The other one cannot, and forgets its copy. */
	room_cut(r2, true);
	room_cut(r2, false);
	world_wait(w, 1000);
	assert_true(r2->must_lock);
	room_lock(r2);
	room_cut(r2, true);
	assert_int_equal(room_sign_in(r2, "mara", MARA_PASS), ERR_NOT_FOUND);
	room_cut(r2, false);
	assert_int_equal(room_sign_in(r2, "mara", MARA_PASS), ERR_AUTH);
	OK(room_sign_in(r2, "mara", "a wholly other sentence now"));
	room_cut(r2, true);
	OK(room_sign_in(r2, "mara", "a wholly other sentence now"));
	world_free(w);
}

static void test_disabled_person_is_out_everywhere(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	struct id mara;
	OK(local_user_by_login(r1->local, "mara", &mara));
	struct buf frame = { 0 };
	assert_int_equal(people_disable(r2->local, &r2->desk.vault, &mara, &frame), ERR_DENIED);
	OK(people_disable(r1->local, &r1->desk.vault, &mara, &frame));
	OK(room_ask(r1, buf_view(&frame)));
	OK(people_sent(r1->local, buf_view(&frame), w->wall));
	buf_fini(&frame);
	world_wait(w, 8000);
	assert_true(r2->must_lock);
	room_lock(r2);
	assert_int_equal(room_sign_in(r2, "mara", MARA_PASS), ERR_AUTH);
	world_free(w);
}

static void test_offline_sign_in_is_throttled_and_ends(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	room_lock(r2);
	room_cut(r2, true);
	const char *wrong = "this is not it, surely not";
	for (unsigned i = 0; i < LOCAL_TRIES_FREE; i++)
		assert_int_equal(room_sign_in(r2, "mara", wrong), ERR_AUTH);
	assert_int_equal(room_sign_in(r2, "mara", MARA_PASS), ERR_THROTTLED);
	/* On disk: a restart does not help. */
	room_close(r2);
	room_start(r2);
	assert_int_equal(room_sign_in(r2, "mara", MARA_PASS), ERR_THROTTLED);
	w->wall += LOCAL_WAIT_MS_FIRST;
	OK(room_sign_in(r2, "mara", MARA_PASS)); /* and the count is back to 0 */
	room_lock(r2);
	for (unsigned i = 0; i < LOCAL_TRIES_MAX; i++) {
		assert_int_equal(room_sign_in(r2, "mara", wrong), ERR_AUTH);
		w->wall += LOCAL_WAIT_MS_MAX;
	}
	assert_int_equal(room_sign_in(r2, "mara", MARA_PASS), ERR_NOT_FOUND);
	room_cut(r2, false);
	OK(room_sign_in(r2, "mara", MARA_PASS)); /* through the server */
	room_cut(r2, true);
	room_lock(r2);
	OK(room_sign_in(r2, "mara", MARA_PASS));
	room_lock(r2);
	w->wall += (LOCAL_SERVER_DAYS_MAX + 1) * 24ull * 3600u * 1000u;
	assert_int_equal(room_sign_in(r2, "mara", MARA_PASS), ERR_EXPIRED);
	assert_int_equal(room_sign_in(r2, "jo", JO_PASS), ERR_NOT_FOUND);
	world_free(w);
}

static void test_vault_and_heads_survive_another_machine(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	(void)room_add_patient(r2, "Maya Rosen", "1984-05-06");
	room_saved(r2);
	room_lock(r2); /* vault blob goes up */
	OK(room_sign_in(r1, "mara", MARA_PASS));
	assert_int_equal(local_alarms(r1->local), 0);
	struct account acc = { 0 };
	OK(account_by_login(r1->local, "mara", &acc));
	assert_int_equal(acc.vault_rev, 1);
	account_fini(&acc);
	/* A third machine of the clinic, new: nothing is missing, nothing alarms. */
	OK(room_sign_in(r1, "jo", JO_PASS));
	world_enrol(w, 2, "Room 3");
	OK(room_sign_in(&w->rooms[2], "mara", MARA_PASS));
	assert_true(sync_is_live(w->rooms[2].sync));
	assert_int_equal(local_alarms(w->rooms[2].local), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_sign_in_enrol),
		cmocka_unit_test(test_session_is_seen_in_the_other_room_and_the_note_is_not),
		cmocka_unit_test(test_courier_delivers_what_the_room_cannot_read),
		cmocka_unit_test(test_others_rows_go_while_somebody_is_signed_in),
		cmocka_unit_test(test_conflict_shows_both_and_set_resolves),
		cmocka_unit_test(test_late_change_after_sign_and_refusal),
		cmocka_unit_test(test_lost_link_at_any_moment_loses_and_doubles_nothing),
		cmocka_unit_test(test_server_crash_before_and_after_commit),
		cmocka_unit_test(test_passphrase_change_drops_the_other_rooms_copy),
		cmocka_unit_test(test_disabled_person_is_out_everywhere),
		cmocka_unit_test(test_offline_sign_in_is_throttled_and_ends),
		cmocka_unit_test(test_vault_and_heads_survive_another_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
