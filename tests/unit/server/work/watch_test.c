/* Who stays away: who may know of whom, and why. */
#include "work_fx.h"

#include "record/watch.h"

#define DAY_MS UINT64_C(86400000)

static void push(struct two *t, struct box_room *room, Roomkeep__Op *op)
{
	(void)box_push_one(t->c, room, op);
}

/* A patient with four weekly visits, the last so many days ago. */
static struct id patient_away(struct two *t, struct box_room *room, const struct box_person *who,
			      struct box_lane *lane, unsigned days)
{
	const struct id patient = box_make_id(t->c);
	push(t, room, box_op_patient(t->c, who, lane, &patient, "Ada Lee"));
	for (unsigned n = 4; n > 0; n--) {
		const struct id session = box_make_id(t->c);
		push(t, room,
		     box_op_frame(t->c, who, lane, &session, &patient,
				  t->c->wall_ms - (days + 7 * (n - 1)) * DAY_MS));
		for (int leaves = 0; leaves < 2; leaves++) {
			Roomkeep__MoodRead m = ROOMKEEP__MOOD_READ__INIT;
			const struct id id = box_make_id(t->c);
			m.has_mood_read_id = m.has_patient_id = m.has_session_id = true;
			m.mood_read_id = wire_id_bytes(&id);
			m.patient_id = wire_id_bytes(&patient);
			m.session_id = wire_id_bytes(&session);
			m.has_when = m.has_spirits = m.has_source = true;
			m.when = leaves ? ROOMKEEP__MOOD_READ__WHEN__DEPARTURE
					: ROOMKEEP__MOOD_READ__WHEN__ARRIVAL;
			m.spirits = leaves ? ROOMKEEP__MOOD_READ__SPIRITS__LOW
					   : ROOMKEEP__MOOD_READ__SPIRITS__EVEN;
			m.source = ROOMKEEP__MOOD_READ__SOURCE__MY_READ;
			push(t, room, box_op(t->c, who, lane, KIND_MOOD_READ, &m.base));
		}
	}
	return patient;
}

static void touch(struct two *t, const struct id *patient, Roomkeep__Touch__What what)
{
	Roomkeep__Touch m = ROOMKEEP__TOUCH__INIT;
	const struct id id = box_make_id(t->c);
	m.has_touch_id = m.has_patient_id = m.has_what = true;
	m.touch_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(patient);
	m.what = what;
	m.on = box_text(t->c, "2025-10-01"); /* it is 2025-10-09 */
	push(t, &t->room2, box_op(t->c, &t->mara, &t->chart, KIND_TOUCH, &m.base));
}

static const Roomkeep__WatchReply *get(struct two *t, struct box_room *room)
{
	Roomkeep__Frame *f = box_frame(t->c, ROOMKEEP__FRAME__BODY_WATCH_GET);
	f = box_call(t->c, room, f);
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_WATCH_REPLY);
	return f->watch_reply;
}

static bool is_of(const Roomkeep__WatchRow *row, const struct id *patient)
{
	return view_equal(wire_view(row->patient_id), id_view(patient));
}

static bool has_code(const Roomkeep__WatchRow *row, enum watch_code code)
{
	for (size_t i = 0; i < row->n_reasons; i++)
		if (row->reasons[i]->code == (uint32_t)code) return true;
	return false;
}

static void test_watch_410_each_is_told_what_is_theirs(void **state)
{
	(void)state;
	struct two t;
	struct box_lane jos;
	two_init(&t, 31);
	box_lane_init(t.c, &jos, &t.c->owner, &t.c->room1, OP_LANE_CHART);
	const struct id warm = patient_away(&t, &t.room2, &t.mara, &t.chart, 3);
	const struct id cooling = patient_away(&t, &t.room2, &t.mara, &t.chart, 10);
	const struct id peace = patient_away(&t, &t.room2, &t.mara, &t.chart, 12);
	const struct id other = patient_away(&t, &t.c->room1, &t.c->owner, &jos, 300);
	touch(&t, &cooling, ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL);
	touch(&t, &peace, ROOMKEEP__TOUCH__WHAT__LEAVE_IN_PEACE);
	const uint64_t before = status_of(t.c).audit_seq;

	/* Mara: her own, coldest first. One signal is one step more than the rhythm alone. */
	const Roomkeep__WatchReply *r = get(&t, &t.room2);
	assert_int_equal(status_of(t.c).audit_seq, before + 1);
	assert_int_equal(r->n_rows, 2);
	assert_true(is_of(r->rows[0], &cooling));
	assert_int_equal(r->rows[0]->step, WATCH_COLD);
	assert_false(r->rows[0]->may_touch); /* somebody called a week ago */
	assert_true(has_code(r->rows[0], WATCH_CODE_MOOD));
	assert_true(has_code(r->rows[0], WATCH_CODE_RATIO));
	assert_true(is_of(r->rows[1], &warm));
	assert_int_equal(r->rows[1]->step, WATCH_COOLING);
	assert_true(r->rows[1]->may_touch);
	assert_int_equal(r->left_out, 0);

	/* Jo: his one. */
	r = get(&t, &t.c->room1);
	assert_int_equal(r->n_rows, 1);
	assert_true(is_of(r->rows[0], &other));
	assert_int_equal(r->rows[0]->step, WATCH_LAPSED);

	/* The desk: everybody and every step, nothing clinical. */
	(void)box_room_hello(t.c, &t.room2, true);
	box_sign_in(t.c, &t.room2, &t.dee);
	r = get(&t, &t.room2);
	assert_int_equal(r->n_rows, 3);
	for (size_t i = 0; i < r->n_rows; i++) {
		assert_false(has_code(r->rows[i], WATCH_CODE_MOOD));
		assert_true(has_code(r->rows[i], WATCH_CODE_LAST_VISIT));
	}
	two_fini(&t);
}

static void test_watch_410_admins_are_told_nothing(void **state)
{
	(void)state;
	struct two t;
	struct box_person ada;
	two_init(&t, 32);
	box_person_init(t.c, &ada, "Ada Min", "ada", DIR_ADMIN);
	box_add_person(t.c, &t.c->room1, &ada);
	(void)box_room_hello(t.c, &t.room2, true);
	box_sign_in(t.c, &t.room2, &ada);
	const uint64_t before = status_of(t.c).audit_seq;
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_WATCH_GET);
	assert_int_equal(box_call_code(t.c, &t.room2, f), ERR_DENIED);
	assert_int_equal(status_of(t.c).audit_seq, before + 1); /* the refusal is written down */
	f = box_frame(t.c, ROOMKEEP__FRAME__BODY_WATCH_GET);
	f->watch_get->has_offset_minutes = true;
	f->watch_get->offset_minutes = 841;
	assert_int_equal(box_call_code(t.c, &t.room2, f), ERR_BAD_VALUE);
	box_person_fini(&ada);
	two_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch_410_each_is_told_what_is_theirs),
		cmocka_unit_test(test_watch_410_admins_are_told_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
