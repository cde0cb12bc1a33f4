/* Who opened a chart, from the ops that say so. */
#include "server/store/store_openings.h"

#include "store_fixture.h"

#include "roomkeep/record.pb-c.h"

static struct id patient(struct fx *fx, struct fx_lane *lane)
{
	const struct id id = fx_id(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, lane, &id, "Maya Rowe", NULL, NULL));
	return id;
}

static struct store_op_result open_chart(struct fx *fx, struct fx_lane *lane,
					 const struct id *patient_id, const struct id *session_id)
{
	Roomkeep__Opened m = ROOMKEEP__OPENED__INIT;
	m.has_patient_id = true;
	m.patient_id = fx_bytes(patient_id);
	m.has_session_id = session_id != NULL;
	if (session_id != NULL) m.session_id = fx_bytes(session_id);
	fx->now_ms += 1000;
	return fx_push(fx, lane, KIND_OPENED, &m.base, NULL);
}

struct openings {
	struct arena arena;
	struct store_opening *rows;
	size_t count;
	uint64_t left_out;
};

static enum err look(struct fx *fx, const struct id *patient_id, struct openings *o)
{
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;
	*o = (struct openings){ .rows = NULL };
	arena_init(&o->arena, 1024 * 1024);
	OK(store_reader_open(fx->folder, &r));
	return store_openings_list(r, patient_id, &o->arena, &o->rows, &o->count, &o->left_out);
}

static void test_openings_are_told_newest_first(void **state)
{
	struct fx *fx = *state;
	struct openings o;
	fx_begin(fx);
	struct fx_lane *mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	struct fx_lane *next = fx_lane_new(fx, MARA, 1, OP_LANE_CHART);
	const struct id maya = patient(fx, mara);
	const struct id ben = patient(fx, mara);
	const struct id session = fx_id(fx);
	ASSERT_COMMITTED(fx_push_frame(fx, mara, &session, &maya, true, 0, NULL));
	ASSERT_COMMITTED(open_chart(fx, mara, &maya, NULL));
	ASSERT_COMMITTED(open_chart(fx, next, &maya, &session));
	ASSERT_COMMITTED(open_chart(fx, next, &ben, NULL));
	/* Refused: the session is another's. */
	ASSERT_VERDICT(open_chart(fx, next, &ben, &session), STORE_OP_REJECTED, ERR_BAD_VALUE);
	fx_commit(fx);
	OK(look(fx, &maya, &o));
	assert_int_equal(o.count, 2);
	assert_int_equal(o.left_out, 0);
	assert_int_equal(o.rows[0].kind, STORE_OPENING_SESSION);
	assert_int_equal(o.rows[1].kind, STORE_OPENING_CHART);
	assert_true(id_equal(&o.rows[0].user_id, &next->intro.user_id));
	assert_true(id_equal(&o.rows[0].room_id, &next->intro.room_id));
	assert_true(id_equal(&o.rows[1].user_id, &mara->intro.user_id));
	assert_true(o.rows[0].at_ms >= o.rows[1].at_ms);
	arena_fini(&o.arena);
	OK(look(fx, &ben, &o));
	assert_int_equal(o.count, 1);
	arena_fini(&o.arena);
}

/* Who opened either of the two charts opened this person's. */
static void test_charts_of_one_person_are_asked_for_as_one(void **state)
{
	struct fx *fx = *state;
	struct openings o;
	Roomkeep__PatientMerge m = ROOMKEEP__PATIENT_MERGE__INIT;
	fx_begin(fx);
	struct fx_lane *mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	struct fx_lane *jo = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	const struct id maya = patient(fx, mara);
	const struct id twice = patient(fx, mara);
	const struct id merge = fx_id(fx);
	ASSERT_COMMITTED(open_chart(fx, mara, &maya, NULL));
	ASSERT_COMMITTED(open_chart(fx, jo, &twice, NULL));
	m.has_patient_merge_id = m.has_patient_id = m.has_into_id = true;
	m.patient_merge_id = fx_bytes(&merge);
	m.patient_id = fx_bytes(&twice);
	m.into_id = fx_bytes(&maya);
	ASSERT_COMMITTED(fx_push(fx, mara, KIND_PATIENT_MERGE, &m.base, NULL));
	fx_commit(fx);
	OK(look(fx, &maya, &o));
	assert_int_equal(o.count, 2);
	assert_true(id_equal(&o.rows[0].user_id, &jo->intro.user_id));
	assert_true(id_equal(&o.rows[1].user_id, &mara->intro.user_id));
	arena_fini(&o.arena);
	OK(look(fx, &twice, &o));
	assert_int_equal(o.count, 1);
	arena_fini(&o.arena);
}

static void test_the_oldest_are_left_out_and_counted(void **state)
{
	struct fx *fx = *state;
	struct openings o;
	fx_begin(fx);
	struct fx_lane *mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	const struct id maya = patient(fx, mara);
	for (size_t i = 0; i < OPENINGS_ROWS_MAX + 3; i++)
		ASSERT_COMMITTED(open_chart(fx, mara, &maya, NULL));
	fx_commit(fx);
	OK(look(fx, &maya, &o));
	assert_int_equal(o.count, OPENINGS_ROWS_MAX);
	assert_int_equal(o.left_out, 3);
	arena_fini(&o.arena);
}

static void test_nobody_and_a_patient_who_is_not_there(void **state)
{
	struct fx *fx = *state;
	struct openings o;
	fx_begin(fx);
	struct fx_lane *mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	const struct id maya = patient(fx, mara);
	const struct id nobody = fx_id(fx);
	fx_commit(fx);
	OK(look(fx, &maya, &o));
	assert_int_equal(o.count, 0);
	arena_fini(&o.arena);
	assert_int_equal(look(fx, &nobody, &o), ERR_NOT_FOUND);
	arena_fini(&o.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_openings_are_told_newest_first, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_charts_of_one_person_are_asked_for_as_one,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_the_oldest_are_left_out_and_counted, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_nobody_and_a_patient_who_is_not_there,
						fx_setup, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
