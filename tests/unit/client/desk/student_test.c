/* A student's session in rooms: with a supervisor from the beginning, who stands by it once it is
 * signed, and nobody else. */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"

#define NIA_PASS "four slow boats under the pier"

struct house {
	struct world *w;
	struct room *nia, *mara;
	struct id maya, mara_id, session;
};

static enum err frame(struct room *r, const struct id *session, const struct id *patient,
		      const struct id *supervisor, bool first)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	struct record_error error = { .err = ERR_OK };
	struct id op_id;
	m.has_session_id = m.has_patient_id = true;
	m.session_id = wire_id_bytes(session);
	m.patient_id = wire_id_bytes(patient);
	m.has_therapist_id = m.has_room_id = m.has_started_ms = first;
	m.therapist_id = wire_id_bytes(desk_person(&r->desk));
	m.room_id = wire_id_bytes(&local_room(r->local)->room_id);
	m.started_ms = r->w->wall;
	m.has_ended_ms = !first;
	m.ended_ms = r->w->wall;
	m.has_supervisor_id = supervisor != NULL;
	if (supervisor != NULL) m.supervisor_id = wire_id_bytes(supervisor);
	return local_append(r->local, &r->desk.vault, KIND_SESSION_FRAME, &m.base, r->w->wall,
			    &op_id, &error);
}

static enum err cosign(struct room *r, const struct id *patient, const struct id *session,
		       struct record_error *error)
{
	Roomkeep__Cosign m = ROOMKEEP__COSIGN__INIT;
	const struct id id = local_new_id(r->local, r->w->wall);
	struct id op_id;
	*error = (struct record_error){ .err = ERR_OK };
	m.has_cosign_id = m.has_patient_id = true;
	m.cosign_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(patient);
	m.has_session_id = session != NULL;
	if (session != NULL) m.session_id = wire_id_bytes(session);
	return local_append(r->local, &r->desk.vault, KIND_COSIGN, &m.base, r->w->wall, &op_id,
			    error);
}

static struct house house_begin(void)
{
	struct house h = { .w = world_clinic() };
	h.nia = &h.w->rooms[0];
	h.mara = &h.w->rooms[1];
	(void)room_add_user(h.nia, "Nia Holm", "nia", DIR_STUDENT, NIA_PASS);
	OK(room_sign_in(h.mara, "mara", MARA_PASS));
	h.mara_id = *desk_person(&h.mara->desk);
	h.maya = room_add_patient(h.mara, "Maya Rosen", "1984-05-06");
	room_saved(h.mara);
	OK(room_sign_in(h.nia, "nia", NIA_PASS));
	world_wait(h.w, 3000);
	h.session = local_new_id(h.nia->local, h.w->wall);
	return h;
}

static void test_a_student_begins_nothing_alone(void **state)
{
	(void)state;
	struct house h = house_begin();
	const struct id nia = *desk_person(&h.nia->desk);
	assert_int_equal(frame(h.nia, &h.session, &h.maya, NULL, true), ERR_BAD_VALUE);
	assert_int_equal(frame(h.nia, &h.session, &h.maya, &nia, true), ERR_BAD_VALUE);
	OK(frame(h.nia, &h.session, &h.maya, &h.mara_id, true));
	assert_int_equal(frame(h.nia, &h.session, &h.maya, &nia, false), ERR_BAD_VALUE);
	OK(frame(h.nia, &h.session, &h.maya, &h.mara_id, false));
	world_free(h.w);
}

static void test_who_is_named_stands_by_what_is_signed(void **state)
{
	(void)state;
	struct house h = house_begin();
	struct record_error error;
	struct session_fold fold;
	struct session_state s;
	struct id op_id;
	OK(frame(h.nia, &h.session, &h.maya, &h.mara_id, true));
	OK(room_text(h.nia, &h.session, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	room_saved(h.nia);
	world_wait(h.w, 3000);
	OK(room_load(h.mara, &h.session, &fold, &s));
	assert_true(id_equal(&s.supervisor_id, &h.mara_id));
	session_fold_fini(&fold);
	assert_int_equal(cosign(h.mara, &h.maya, &h.session, &error), ERR_BAD_VALUE);
	assert_string_equal(error.allowed, "a session that is signed");
	OK(local_sign_session(h.nia->local, &h.nia->desk.vault, &h.session, h.w->wall, &op_id));
	room_saved(h.nia);
	world_wait(h.w, 3000);
	assert_int_equal(cosign(h.mara, &h.maya, NULL, &error), ERR_BAD_VALUE);
	assert_string_equal(error.field, "session_id");
	OK(cosign(h.mara, &h.maya, &h.session, &error));
	room_saved(h.mara);
	/* Another therapist may read it, and stands by nothing. */
	OK(room_sign_in(h.mara, "jo", JO_PASS));
	world_wait(h.w, 3000);
	assert_int_equal(cosign(h.mara, &h.maya, &h.session, &error), ERR_DENIED);
	assert_string_equal(error.field, "session_id");
	world_free(h.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_student_begins_nothing_alone),
		cmocka_unit_test(test_who_is_named_stands_by_what_is_signed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
