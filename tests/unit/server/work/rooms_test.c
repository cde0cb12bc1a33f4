/* Rooms join by a code, and leave when an owner says so. */
#include "work_fx.h"

static struct box_clinic *clinic_with_owner(uint64_t seed)
{
	struct box_clinic *c = box_clinic_new_founded(seed);
	box_sign_in(c, &c->room1, &c->owner);
	return c;
}

static Roomkeep__Frame *enrol_start(struct box_clinic *c, const struct id *join_id)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_ENROL_START);
	f->enrol_start->has_join_id = 1;
	f->enrol_start->join_id = box_bytes(c, id_view(join_id));
	return f;
}

static void test_join(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(1);
	struct box_room room2;
	struct box_join j;
	box_room_init(c, &room2, "Room 2");
	assert_int_equal(box_call_code(c, &c->room1, box_invite_frame(c, "Room 2", &j)), ERR_OK);
	(void)box_room_hello(c, &room2, false);
	const Roomkeep__Frame *f = box_call(c, &room2, enrol_start(c, &j.keys.join_id));
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_ENROL_BLOB);
	assert_string_equal(f->enrol_blob->room_name, "Room 2");
	assert_string_equal(f->enrol_blob->room_kind, "treatment");
	assert_int_equal(f->enrol_blob->expires_ms, c->wall_ms + 15 * 60 * 1000);
	assert_true(f->enrol_blob->join_blob.len > 0);
	assert_int_equal(box_call_code(c, &room2, box_enrol_proof_frame(c, &room2, &j)), ERR_OK);
	/* From now on it is a room: courier mode here, and known after a restart. */
	assert_int_equal(dialog_state(box_conn_dialog(room2.conn)), DIALOG_COURIER);
	box_room_hang_up(c, &room2);
	box_clinic_restart(c);
	f = box_room_hello(c, &room2, true);
	assert_true(f->welcome->enrolled);
	box_sign_in(c, &room2, &c->owner);
	box_room_hang_up(c, &room2);
	/* The code is spent. */
	struct box_room thief;
	box_room_init(c, &thief, "Thief");
	(void)box_room_hello(c, &thief, false);
	assert_int_equal(reply_code(box_call(c, &thief, enrol_start(c, &j.keys.join_id))),
			 ERR_USED);
	assert_int_equal(box_call_code(c, &thief, box_enrol_proof_frame(c, &thief, &j)), ERR_USED);
	box_room_hang_up(c, &thief);
	box_join_fini(&j);
	check_store(c);
	box_clinic_free(c);
}

static void test_wrong_mac_burns_the_code(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(2);
	struct box_room room2;
	struct box_join j;
	box_room_init(c, &room2, "Room 2");
	assert_int_equal(box_call_code(c, &c->room1, box_invite_frame(c, "Room 2", &j)), ERR_OK);
	(void)box_room_hello(c, &room2, false);
	Roomkeep__Frame *f = box_enrol_proof_frame(c, &room2, &j);
	f->enrol_proof->mac.data[0] ^= 1;
	assert_int_equal(box_call_code(c, &room2, f), ERR_AUTH);
	f->enrol_proof->mac.data[0] ^= 1;
	assert_int_equal(box_call_code(c, &room2, f), ERR_USED);
	box_room_hang_up(c, &room2);
	box_join_fini(&j);
	box_clinic_free(c);
}

/* A man in the middle has another key: the MAC names the key of the conn that brings it. */
static void test_mac_is_bound_to_the_key(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(3);
	struct box_room room2;
	struct box_room middle;
	struct box_join j;
	box_room_init(c, &room2, "Room 2");
	box_room_init(c, &middle, "Middle");
	assert_int_equal(box_call_code(c, &c->room1, box_invite_frame(c, "Room 2", &j)), ERR_OK);
	(void)box_room_hello(c, &room2, false);
	(void)box_room_hello(c, &middle, false);
	Roomkeep__Frame *f = box_enrol_proof_frame(c, &room2, &j);
	assert_int_equal(box_call_code(c, &middle, f), ERR_AUTH);
	box_room_hang_up(c, &room2);
	box_room_hang_up(c, &middle);
	box_join_fini(&j);
	box_clinic_free(c);
}

static void test_code_expires(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(4);
	struct box_room room2;
	struct box_join j;
	box_room_init(c, &room2, "Room 2");
	assert_int_equal(box_call_code(c, &c->room1, box_invite_frame(c, "Room 2", &j)), ERR_OK);
	box_clinic_advance(c, 15 * 60 * 1000);
	(void)box_room_hello(c, &room2, false);
	assert_int_equal(reply_code(box_call(c, &room2, enrol_start(c, &j.keys.join_id))),
			 ERR_EXPIRED);
	box_room_hang_up(c, &room2);
	box_join_fini(&j);
	box_clinic_free(c);
}

static void test_third_guess_closes(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(5);
	struct box_room thief;
	box_room_init(c, &thief, "Thief");
	(void)box_room_hello(c, &thief, false);
	for (int i = 0; i < 3; i++) {
		const struct id guess = id_make_random(&c->rand);
		assert_int_equal(reply_code(box_call(c, &thief, enrol_start(c, &guess))),
				 ERR_NOT_FOUND);
	}
	assert_true(box_conn_is_closed(thief.conn));
	assert_int_equal(box_refused(&thief), ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	box_room_hang_up(c, &thief);
	box_clinic_free(c);
}

static void test_invitations_that_make_no_sense(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(6);
	struct box_join j;
	Roomkeep__Frame *f = box_invite_frame(c, "Room 2", &j);
	f->invite_room->kind = box_text(c, "garage");
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_VALUE);
	f->invite_room->kind = box_text(c, "desk");
	f->invite_room->expires_ms = c->wall_ms;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_EXPIRED);
	f->invite_room->expires_ms = c->wall_ms + 2ull * 3600 * 1000;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_VALUE);
	f->invite_room->expires_ms = c->wall_ms + 60000;
	f->invite_room->name = box_text(c, "Room 1"); /* taken */
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_EXISTS);
	f->invite_room->name = box_text(c, "");
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_TEXT);
	f->invite_room->name = box_text(c, "Desk");
	f->invite_room->join_mac.len = 31;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_FORMAT);
	f->invite_room->join_mac.len = 32;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	box_join_fini(&j);
	box_clinic_free(c);
}

static void test_only_owners_invite_and_retire(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(7);
	struct box_person mara;
	struct box_room room2;
	box_person_init(c, &mara, "Mara Lind", "mara", DIR_THERAPIST | DIR_ADMIN);
	box_add_person(c, &c->room1, &mara);
	box_room_init(c, &room2, "Room 2");
	box_enrol(c, &c->room1, &room2);
	box_sign_in(c, &room2, &mara);
	const uint64_t before = status_of(c).audit_seq;
	struct box_join j;
	assert_int_equal(box_call_code(c, &room2, box_invite_frame(c, "Room 3", &j)), ERR_DENIED);
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_RETIRE_ROOM);
	f->retire_room->name = box_text(c, "Room 1");
	assert_int_equal(box_call_code(c, &room2, f), ERR_DENIED);
	assert_int_equal(status_of(c).audit_seq, before + 2); /* each refusal is written down */
	assert_false(box_conn_is_closed(c->room1.conn));
	box_join_fini(&j);
	box_room_hang_up(c, &room2);
	box_person_fini(&mara);
	box_clinic_free(c);
}

static void test_retired_room_is_out_at_once(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(8);
	struct box_room room2;
	box_room_init(c, &room2, "Room 2");
	box_enrol(c, &c->room1, &room2);
	box_sign_in(c, &room2, &c->owner);
	struct box_lane lane;
	box_lane_init(c, &lane, &c->owner, &room2, OP_LANE_CHART);
	const struct id patient = box_make_id(c);
	Roomkeep__Op *op = box_op_patient(c, &c->owner, &lane, &patient, "Ada Lee");
	/* The push and the retirement meet in one batch; the retirement was first. */
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_RETIRE_ROOM);
	f->retire_room->name = box_text(c, "Room 2");
	assert_int_equal(box_send(c, &c->room1, f), ERR_OK);
	assert_int_equal(box_send(c, &room2, box_push_frame(c, &op, 1)), ERR_OK);
	box_clinic_settle(c);
	assert_int_equal(reply_code(box_collect(c, &c->room1, c->room1.request)), ERR_OK);
	assert_null(box_collect(c, &room2, room2.request));
	assert_true(box_conn_is_closed(room2.conn));
	assert_int_equal(box_refused(&room2), ROOMKEEP__REFUSE_REASON__RETIRED);
	assert_int_equal(status_of(c).seq, 0); /* not accepted */
	/* And it stays out, also after a restart. */
	assert_null(box_room_hello(c, &room2, true));
	assert_int_equal(box_refused(&room2), ROOMKEEP__REFUSE_REASON__RETIRED);
	box_room_hang_up(c, &room2);
	box_clinic_restart(c);
	assert_null(box_room_hello(c, &room2, true));
	assert_int_equal(box_refused(&room2), ROOMKEEP__REFUSE_REASON__RETIRED);
	box_room_hang_up(c, &room2);
	check_store(c);
	box_clinic_free(c);
}

static void test_retire_own_room_answers_first(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(9);
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_RETIRE_ROOM);
	f->retire_room->name = box_text(c, "Nowhere");
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_NOT_FOUND);
	f->retire_room->name = box_text(c, "Room 1");
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	assert_true(box_conn_is_closed(c->room1.conn));
	box_clinic_free(c);
}

static const char *state_of(const Roomkeep__Frame *f, const char *name)
{
	for (size_t i = 0; i < f->rooms->n_rooms; i++)
		if (strcmp(f->rooms->rooms[i]->name, name) == 0) return f->rooms->rooms[i]->state;
	return "absent";
}

static void test_list_rooms(void **state)
{
	(void)state;
	struct box_clinic *c = clinic_with_owner(10);
	struct box_room room2;
	struct box_join j;
	box_room_init(c, &room2, "Room 2");
	box_enrol(c, &c->room1, &room2);
	assert_int_equal(box_call_code(c, &c->room1, box_invite_frame(c, "Desk", &j)), ERR_OK);
	const Roomkeep__Frame *f =
		box_call(c, &c->room1, box_frame(c, ROOMKEEP__FRAME__BODY_LIST_ROOMS));
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_ROOMS);
	assert_int_equal(f->rooms->n_rooms, 3);
	assert_string_equal(state_of(f, "Room 1"), "online");
	assert_string_equal(state_of(f, "Room 2"), "online");
	assert_string_equal(state_of(f, "Desk"), "invited");
	box_room_hang_up(c, &room2);
	f = box_call(c, &c->room1, box_frame(c, ROOMKEEP__FRAME__BODY_LIST_ROOMS));
	assert_string_equal(state_of(f, "Room 2"), "offline");
	box_join_fini(&j);
	box_clinic_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_wrong_mac_burns_the_code),
		cmocka_unit_test(test_mac_is_bound_to_the_key),
		cmocka_unit_test(test_code_expires),
		cmocka_unit_test(test_third_guess_closes),
		cmocka_unit_test(test_invitations_that_make_no_sense),
		cmocka_unit_test(test_only_owners_invite_and_retire),
		cmocka_unit_test(test_retired_room_is_out_at_once),
		cmocka_unit_test(test_retire_own_room_answers_first),
		cmocka_unit_test(test_list_rooms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
