/* A student's session and who stands by it, as the server judges them: the supervisor is named when
 * the session begins and never changes, signs nothing of it, and co-signs what is signed. */
#include "store_fixture.h"

#include "record/access.h"

struct house {
	struct fx *fx;
	struct fx_lane *sam, *mara, *jo; /* Sam learns */
	struct id maya;
	struct id session; /* Sam's, with Mara as supervisor */
};

static struct store_op_result push_frame(struct house *h, struct fx_lane *lane, const struct id *id,
					 const struct id *supervisor, bool first)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = m.has_patient_id = 1;
	m.session_id = fx_bytes(id);
	m.patient_id = fx_bytes(&h->maya);
	m.has_therapist_id = m.has_room_id = m.has_started_ms = first;
	m.therapist_id = fx_bytes(&lane->intro.user_id);
	m.room_id = fx_bytes(&lane->intro.room_id);
	m.started_ms = h->fx->now_ms;
	m.has_ended_ms = !first;
	m.ended_ms = h->fx->now_ms;
	m.has_supervisor_id = supervisor != NULL;
	if (supervisor != NULL) m.supervisor_id = fx_bytes(supervisor);
	return fx_push(h->fx, lane, KIND_SESSION_FRAME, &m.base, NULL);
}

static struct house house_begin(void **state)
{
	struct house h = { .fx = *state };
	h.fx->roles[SAM] = ROLE_STUDENT;
	fx_begin(h.fx);
	h.sam = fx_lane_new(h.fx, SAM, 0, OP_LANE_CHART);
	h.mara = fx_lane_new(h.fx, MARA, 0, OP_LANE_CHART);
	h.jo = fx_lane_new(h.fx, JO, 0, OP_LANE_CHART);
	h.maya = fx_id(h.fx);
	h.session = fx_id(h.fx);
	ASSERT_COMMITTED(fx_push_patient(h.fx, h.mara, &h.maya, "Maya", NULL, NULL));
	ASSERT_COMMITTED(push_frame(&h, h.sam, &h.session, &h.mara->intro.user_id, true));
	return h;
}

static void house_end(struct house *h)
{
	fx_commit(h->fx);
	fx_check_ok(h->fx);
}

static struct store_op_result cosign(struct house *h, struct fx_lane *who, const struct id *session)
{
	Roomkeep__Cosign m = ROOMKEEP__COSIGN__INIT;
	const struct id id = fx_id(h->fx);
	m.has_cosign_id = m.has_patient_id = m.has_session_id = 1;
	m.cosign_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&h->maya);
	m.session_id = fx_bytes(session);
	return fx_push(h->fx, who, KIND_COSIGN, &m.base, NULL);
}

static void sign(struct house *h)
{
	struct id text;
	ASSERT_COMMITTED(fx_push_text(h->fx, h->sam, &h->session, ROOMKEEP__TEXT_FIELD__PLAN,
				      "rest", NULL, 0, &text));
	ASSERT_COMMITTED(fx_push_sign(h->fx, h->sam, &h->session, &text, 1, NULL));
}

static void test_a_student_begins_nothing_alone(void **state)
{
	struct house h = house_begin(state);
	const struct id other = fx_id(h.fx);
	ASSERT_VERDICT(push_frame(&h, h.sam, &other, NULL, true), STORE_OP_REJECTED, ERR_BAD_VALUE);
	ASSERT_VERDICT(push_frame(&h, h.sam, &other, &h.sam->intro.user_id, true),
		       STORE_OP_REJECTED, ERR_BAD_VALUE);
	house_end(&h);
}

static void test_the_supervisor_never_changes(void **state)
{
	struct house h = house_begin(state);
	ASSERT_VERDICT(push_frame(&h, h.sam, &h.session, &h.jo->intro.user_id, false),
		       STORE_OP_REJECTED, ERR_BAD_VALUE);
	ASSERT_COMMITTED(push_frame(&h, h.sam, &h.session, &h.mara->intro.user_id, false));
	ASSERT_COMMITTED(push_frame(&h, h.sam, &h.session, NULL, false));
	house_end(&h);
}

static void test_who_is_named_stands_by_what_is_signed(void **state)
{
	struct house h = house_begin(state);
	const struct id nothing = fx_id(h.fx);
	ASSERT_VERDICT(cosign(&h, h.mara, &h.session), STORE_OP_REJECTED, ERR_BAD_VALUE);
	ASSERT_VERDICT(cosign(&h, h.mara, &nothing), STORE_OP_REJECTED, ERR_NOT_FOUND);
	sign(&h);
	ASSERT_VERDICT(cosign(&h, h.jo, &h.session), STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_VERDICT(cosign(&h, h.sam, &h.session), STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_COMMITTED(cosign(&h, h.mara, &h.session));
	house_end(&h);
}

#define FX(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(test_a_student_begins_nothing_alone),
		FX(test_the_supervisor_never_changes),
		FX(test_who_is_named_stands_by_what_is_signed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
