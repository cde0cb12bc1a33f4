/* Rights that change under records that exist: what a room shows of one's own ops, of tombstones,
 * and what it takes for a fork. The simulator found each of these. */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"
#include "client/store/people_priv.h"

static enum err erase(struct room *r, const struct id *target)
{
	static char reason[] = "entered for the wrong person";
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	struct id op_id;
	m.has_target = true;
	m.target = wire_id_bytes(target);
	m.reason = reason;
	return local_append(r->local, &r->desk.vault, KIND_TOMBSTONE, &m.base, r->w->wall, &op_id,
			    NULL);
}

static struct id set_phone(struct room *r, const struct id *patient_id, const char *phone)
{
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	struct id op_id;
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(patient_id);
	m.phone = wire_text(phone);
	OK(local_append(r->local, &r->desk.vault, KIND_PATIENT, &m.base, r->w->wall, &op_id, NULL));
	return op_id;
}

static const char *phone_at(struct room *r, const struct id *patient_id)
{
	struct local_patient p;
	OK(local_get_patient(r->local, &r->desk.vault, patient_id, &p));
	return p.phone;
}

/* Mara writes in room 2, is the desk for a while, and signs in in room 1 meanwhile: there her
 * sessions come as cores alone. When she is a therapist again they come whole, and the lane that
 * was followed by its cores is no fork. */
static void test_own_sessions_come_back_whole(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r2, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r2, &patient);
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	room_saved(r2);
	room_set_roles(r1, "mara", DIR_DESK);
	OK(room_sign_in(r2, "jo", JO_PASS));
	OK(room_sign_in(r1, "mara", MARA_PASS));
	world_wait(w, 1000);
	assert_true(sync_is_live(r1->sync));
	struct session_fold fold;
	struct session_state s;
	assert_int_equal(room_load(r1, &session, &fold, &s), ERR_DENIED);

	room_set_roles(r2, "mara", DIR_THERAPIST);
	world_wait(w, 2000);
	assert_true(sync_is_live(r1->sync));
	assert_int_equal(local_alarms(r1->local), 0);
	OK(room_load(r1, &session, &fold, &s));
	assert_true(s.has_frame);
	assert_non_null(s.text[ROOMKEEP__TEXT_FIELD__PLAN - 1].value);
	assert_true(
		view_equal(s.text[ROOMKEEP__TEXT_FIELD__PLAN - 1].value->text, view_str("rest")));
	session_fold_fini(&fold);
	world_free(w);
}

/* The list of patients is kept apart from the ops: it follows a tombstone at once, in other rooms,
 * and at the next sign-in. */
static void test_an_erased_value_leaves_the_list(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	(void)set_phone(r1, &patient, "0170 11");
	const struct id second = set_phone(r1, &patient, "0170 22");
	room_saved(r1);
	assert_string_equal(phone_at(r2, &patient), "0170 22");
	OK(erase(r1, &second));
	assert_string_equal(phone_at(r1, &patient), "0170 11");
	room_saved(r1);
	assert_string_equal(phone_at(r2, &patient), "0170 11");
	OK(room_sign_in(r1, "jo", JO_PASS));
	assert_string_equal(phone_at(r1, &patient), "0170 11");
	OK(room_sign_in(r2, "mara", MARA_PASS));
	assert_string_equal(phone_at(r2, &patient), "0170 11");
	world_free(w);
}

static void test_a_patient_without_words_is_in_no_list(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	struct patient_fold fold;
	struct patient_state s;
	struct local_patient p;
	OK(local_load_patient(r1->local, &r1->desk.vault, &patient, &fold, &s));
	const struct id first = s.fields[PATIENT_NAME].value->meta.op_id;
	patient_fold_fini(&fold);
	OK(erase(r1, &first));
	room_saved(r1);
	for (int again = 0; again < 2; again++) {
		size_t at = 0;
		assert_int_equal(local_get_patient(r1->local, &r1->desk.vault, &patient, &p),
				 ERR_NOT_FOUND);
		assert_int_equal(
			local_find_patient(r1->local, &r1->desk.vault, VIEW_EMPTY, &at, &p),
			ERR_NOT_FOUND);
		OK(room_sign_in(r1, "jo", JO_PASS));
	}
	world_free(w);
}

/* An owner's tombstone was allowed when the server took it. That she is no owner any more brings
 * nothing back. */
static void test_a_tombstone_outlives_its_authors_role(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	room_set_roles(r1, "mara", DIR_OWNER | DIR_THERAPIST);
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	(void)set_phone(r1, &patient, "0170 11");
	const struct id second = set_phone(r1, &patient, "0170 22");
	room_saved(r1);
	OK(erase(r2, &second));
	room_saved(r2);
	assert_string_equal(phone_at(r1, &patient), "0170 11");
	room_set_roles(r1, "mara", DIR_THERAPIST);
	OK(room_sign_in(r1, "jo", JO_PASS));
	assert_string_equal(phone_at(r1, &patient), "0170 11");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_sessions_come_back_whole),
		cmocka_unit_test(test_an_erased_value_leaves_the_list),
		cmocka_unit_test(test_a_patient_without_words_is_in_no_list),
		cmocka_unit_test(test_a_tombstone_outlives_its_authors_role),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
