/* Appointments in the store: what stands beside what, in the transaction that writes it. */
#include "store_fixture.h"

#include "record/appointment.h"
#include "record/guard.h"
#include "server/store/store_priv.h"

#define START_MS 1800000000000u
#define HOUR_MS CALENDAR_HOUR_MS
#define MIN_MS CALENDAR_MINUTE_MS

struct desk {
	struct fx *fx;
	struct fx_lane *lanes[2]; /* Mara in room 1, Jo in room 2 */
	struct id patients[3], rooms[2], therapists[2];
	struct id op; /* the last one */
};

static char reason[] = "two in one room, as they asked";

static void desk_make(struct desk *d, struct fx *fx)
{
	*d = (struct desk){ .fx = fx };
	d->lanes[0] = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	d->lanes[1] = fx_lane_new(fx, JO, 1, OP_LANE_CHART);
	for (size_t i = 0; i < COUNT_OF(d->patients); i++) {
		d->patients[i] = fx_id(fx);
		ASSERT_COMMITTED(
			fx_push_patient(fx, d->lanes[0], &d->patients[i], "Ana", NULL, NULL));
	}
	for (size_t i = 0; i < 2; i++) {
		d->rooms[i] = fx_id(fx);
		d->therapists[i] = fx_id(fx);
	}
}

/* A change of an appointment; what is not set is not said. */
static Roomkeep__Appointment change_of(struct desk *d, const struct id *id, size_t patient)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	m.has_appointment_id = m.has_patient_id = true;
	m.appointment_id = fx_bytes(id);
	m.patient_id = fx_bytes(&d->patients[patient]);
	return m;
}

static void put_state(Roomkeep__Appointment *m, Roomkeep__Appointment__State state)
{
	m->has_state = true;
	m->state = state;
}

static void put_start(Roomkeep__Appointment *m, uint64_t start_ms)
{
	m->has_starts_ms = true;
	m->starts_ms = start_ms;
}

static Roomkeep__Appointment whole_of(struct desk *d, const struct id *id, size_t patient,
				      size_t room, size_t therapist, uint64_t start_ms)
{
	Roomkeep__Appointment m = change_of(d, id, patient);
	m.has_room_id = m.has_therapist_id = m.has_minutes = true;
	m.room_id = fx_bytes(&d->rooms[room]);
	m.therapist_id = fx_bytes(&d->therapists[therapist]);
	put_start(&m, start_ms);
	m.minutes = 60;
	return m;
}

static enum err said(struct desk *d, const Roomkeep__Appointment *m)
{
	return fx_push(d->fx, d->lanes[0], KIND_APPOINTMENT, &m->base, &d->op).code;
}

/* Books in one call. */
static enum err book(struct desk *d, struct id *ret_id, size_t patient, size_t room,
		     size_t therapist, uint64_t start_ms)
{
	*ret_id = fx_id(d->fx);
	const Roomkeep__Appointment m = whole_of(d, ret_id, patient, room, therapist, start_ms);
	return said(d, &m);
}

#define EXPECT(call, wanted) assert_string_equal(err_name(call), err_name(wanted))

/* ---- one after the other --------------------------------------------------------------------- */

static void test_one_room_one_therapist_one_patient(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	struct id a, b;
	fx_begin(fx);
	desk_make(&d, fx);
	EXPECT(book(&d, &a, 0, 0, 0, START_MS), ERR_OK);
	EXPECT(book(&d, &b, 1, 0, 1, START_MS), ERR_CLASH);               /* the room */
	EXPECT(book(&d, &b, 1, 1, 0, START_MS + 59 * MIN_MS), ERR_CLASH); /* the therapist */
	EXPECT(book(&d, &b, 0, 1, 1, START_MS - 59 * MIN_MS), ERR_CLASH); /* the patient */
	EXPECT(book(&d, &b, 1, 1, 1, START_MS), ERR_OK);                  /* apart in all */
	EXPECT(book(&d, &b, 2, 0, 0, START_MS + HOUR_MS), ERR_OK);        /* right behind */
	EXPECT(book(&d, &b, 1, 0, 0, START_MS - HOUR_MS), ERR_OK);        /* right before */
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_a_reason_opens_a_room_but_splits_no_patient(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	struct id a, b = fx_id(fx);
	fx_begin(fx);
	desk_make(&d, fx);
	EXPECT(book(&d, &a, 0, 0, 0, START_MS), ERR_OK);
	Roomkeep__Appointment m = whole_of(&d, &b, 0, 1, 1, START_MS);
	m.overlap_reason = reason;
	EXPECT(said(&d, &m), ERR_CLASH);
	m = whole_of(&d, &b, 1, 0, 0, START_MS);
	m.overlap_reason = reason;
	EXPECT(said(&d, &m), ERR_OK);
	/* Both go on: neither is asked again for its place. */
	m = change_of(&d, &a, 0);
	put_state(&m, ROOMKEEP__APPOINTMENT__STATE__ARRIVED);
	EXPECT(said(&d, &m), ERR_OK);
	m = change_of(&d, &b, 1);
	put_state(&m, ROOMKEEP__APPOINTMENT__STATE__ARRIVED);
	EXPECT(said(&d, &m), ERR_OK);
	/* The reason cannot be taken back while they stand so. */
	uint32_t clears[] = { 12 };
	m = change_of(&d, &b, 1);
	m.clears = clears;
	m.n_clears = 1;
	EXPECT(said(&d, &m), ERR_CLASH);
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_a_move_is_judged_and_leaves_its_old_time(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	struct id a, b, c;
	fx_begin(fx);
	desk_make(&d, fx);
	EXPECT(book(&d, &a, 0, 0, 0, START_MS), ERR_OK);
	EXPECT(book(&d, &b, 1, 0, 0, START_MS + 2 * HOUR_MS), ERR_OK);
	Roomkeep__Appointment m = change_of(&d, &b, 1);
	put_start(&m, START_MS + 30 * MIN_MS);
	EXPECT(said(&d, &m), ERR_CLASH);
	/* Refused: it stands where it stood. */
	EXPECT(book(&d, &c, 2, 0, 0, START_MS + 2 * HOUR_MS), ERR_CLASH);
	put_start(&m, START_MS + HOUR_MS);
	EXPECT(said(&d, &m), ERR_OK);
	EXPECT(book(&d, &c, 2, 0, 0, START_MS + 2 * HOUR_MS), ERR_OK);
	/* Longer is a move too; against itself it never stands. */
	m = change_of(&d, &b, 1);
	m.has_minutes = true;
	m.minutes = 90;
	EXPECT(said(&d, &m), ERR_CLASH);
	m.minutes = 45;
	EXPECT(said(&d, &m), ERR_OK);
	m = change_of(&d, &b, 1);
	put_start(&m, TIME_MS_END - 1);
	EXPECT(said(&d, &m), ERR_BAD_VALUE);
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_who_does_not_come_leaves_the_time_to_others(void **state)
{
	static const Roomkeep__Appointment__State gone[] = {
		ROOMKEEP__APPOINTMENT__STATE__CANCELLED,
		ROOMKEEP__APPOINTMENT__STATE__LATE_CANCELLED,
		ROOMKEEP__APPOINTMENT__STATE__NO_SHOW,
	};
	struct fx *fx = *state;
	struct desk d;
	fx_begin(fx);
	desk_make(&d, fx);
	for (size_t i = 0; i < COUNT_OF(gone); i++) {
		const uint64_t at = START_MS + i * HOUR_MS;
		struct id a, b;
		EXPECT(book(&d, &a, 0, 0, 0, at), ERR_OK);
		Roomkeep__Appointment m = change_of(&d, &a, 0);
		put_state(&m, gone[i]);
		EXPECT(said(&d, &m), ERR_OK);
		const struct id cancel = d.op;
		EXPECT(book(&d, &b, 1, 0, 0, at), ERR_OK);
		/* Coming back is judged, whichever way it comes. */
		put_state(&m, ROOMKEEP__APPOINTMENT__STATE__BOOKED);
		EXPECT(said(&d, &m), ERR_CLASH);
		EXPECT(fx_push_tombstone(fx, d.lanes[0], &cancel).code, ERR_CLASH);
		m = change_of(&d, &b, 1);
		put_state(&m, gone[i]);
		EXPECT(said(&d, &m), ERR_OK);
		EXPECT(fx_push_tombstone(fx, d.lanes[0], &cancel).code, ERR_OK);
		EXPECT(book(&d, &b, 1, 0, 0, at), ERR_CLASH);
	}
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_an_erased_one_holds_nothing(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	struct id a, b;
	fx_begin(fx);
	desk_make(&d, fx);
	EXPECT(book(&d, &a, 0, 0, 0, START_MS), ERR_OK);
	const struct id first = d.op;
	Roomkeep__Appointment m = change_of(&d, &a, 0);
	put_state(&m, ROOMKEEP__APPOINTMENT__STATE__ARRIVED);
	EXPECT(said(&d, &m), ERR_OK);
	EXPECT(fx_push_tombstone(fx, d.lanes[0], &first).code, ERR_OK);
	/* What is left names no time: it holds none, and more may be said of it. */
	EXPECT(said(&d, &m), ERR_OK);
	EXPECT(book(&d, &b, 1, 0, 0, START_MS), ERR_OK);
	fx_commit(fx);
	fx_check_ok(fx);
}

static void set_room_turnover(struct desk *d, const struct id *room, uint32_t minutes)
{
	const struct id id = fx_id(d->fx);
	Roomkeep__RoomSetting m = ROOMKEEP__ROOM_SETTING__INIT;
	m.has_room_setting_id = m.has_room_id = m.has_turnover_minutes = true;
	m.room_setting_id = fx_bytes(&id);
	m.room_id = fx_bytes(room);
	m.turnover_minutes = minutes;
	ASSERT_COMMITTED(fx_push(d->fx, d->lanes[0], KIND_ROOM_SETTING, &m.base, NULL));
}

static void set_own_turnover(struct desk *d, const struct id *user, uint32_t minutes)
{
	const struct id id = fx_id(d->fx);
	Roomkeep__StaffProfile m = ROOMKEEP__STAFF_PROFILE__INIT;
	m.has_staff_profile_id = m.has_user_id = m.has_turnover_minutes = true;
	m.staff_profile_id = fx_bytes(&id);
	m.user_id = fx_bytes(user);
	m.turnover_minutes = minutes;
	ASSERT_COMMITTED(fx_push(d->fx, d->lanes[0], KIND_STAFF_PROFILE, &m.base, NULL));
}

/* Patients 0 and 1; the desk may know of it, or not. */
static void put_link(struct desk *d, enum kind kind, bool split)
{
	const struct id id = fx_id(d->fx);
	Roomkeep__FamilyLink m = ROOMKEEP__FAMILY_LINK__INIT;
	Roomkeep__DeskFamilyLink desk = ROOMKEEP__DESK_FAMILY_LINK__INIT;
	m.has_family_link_id = m.has_patient_id = m.has_relative_id = m.has_kin = m.has_split =
		true;
	m.family_link_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&d->patients[0]);
	m.relative_id = fx_bytes(&d->patients[1]);
	m.kin = ROOMKEEP__FAMILY_LINK__KIN__SPOUSE;
	m.split = split;
	desk.has_desk_family_link_id = desk.has_patient_id = desk.has_relative_id = true;
	desk.has_kin = desk.has_split = true;
	desk.desk_family_link_id = m.family_link_id;
	desk.patient_id = m.patient_id;
	desk.relative_id = m.relative_id;
	desk.kin = m.kin;
	desk.split = split;
	const ProtobufCMessage *any = kind == KIND_FAMILY_LINK ? &m.base : &desk.base;
	ASSERT_COMMITTED(fx_push(d->fx, d->lanes[0], kind, any, NULL));
}

/* Who split up is not booked for one hour, in whichever rooms, from whichever of the two sides. */
static void test_guard_8_who_split_up_does_not_meet(void **state)
{
	struct fx *fx = *state;
	const enum kind kinds[] = { KIND_FAMILY_LINK, KIND_DESK_FAMILY_LINK };
	const uint64_t gap = HOUR_MS + GUARD_SPLIT_GAP_MS;
	fx_begin(fx);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct desk d;
		struct id id;
		desk_make(&d, fx);
		put_link(&d, kinds[i], true);
		EXPECT(book(&d, &id, 1, 0, 0, START_MS), ERR_OK);
		EXPECT(book(&d, &id, 0, 1, 1, START_MS), ERR_CLASH);
		EXPECT(book(&d, &id, 0, 1, 1, START_MS + gap - 1), ERR_CLASH);
		EXPECT(book(&d, &id, 0, 1, 1, START_MS - gap + 1), ERR_CLASH);
		EXPECT(book(&d, &id, 0, 1, 1, START_MS + gap), ERR_OK);
		EXPECT(book(&d, &id, 1, 0, 0, START_MS + gap), ERR_CLASH);
		EXPECT(book(&d, &id, 2, 0, 0, START_MS + gap), ERR_OK); /* a third person */
	}
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_guard_8_who_is_together_may_come_together(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	struct id id;
	fx_begin(fx);
	desk_make(&d, fx);
	put_link(&d, KIND_FAMILY_LINK, false);
	EXPECT(book(&d, &id, 1, 0, 0, START_MS), ERR_OK);
	EXPECT(book(&d, &id, 0, 1, 1, START_MS), ERR_OK);
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_linen_and_breath_take_their_time(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	struct id a, b;
	fx_begin(fx);
	desk_make(&d, fx);
	set_room_turnover(&d, &d.rooms[0], 240);
	set_room_turnover(&d, &d.rooms[0], 10); /* made last: holds */
	set_own_turnover(&d, &d.therapists[1], 20);
	EXPECT(book(&d, &a, 0, 0, 0, START_MS), ERR_OK);
	EXPECT(book(&d, &b, 1, 0, 1, START_MS + HOUR_MS + 9 * MIN_MS), ERR_CLASH);
	EXPECT(book(&d, &b, 1, 0, 1, START_MS + HOUR_MS + 10 * MIN_MS), ERR_OK);
	const uint64_t end = START_MS + 2 * HOUR_MS + 10 * MIN_MS;
	EXPECT(book(&d, &b, 2, 1, 1, end + 19 * MIN_MS), ERR_CLASH);
	EXPECT(book(&d, &b, 2, 1, 1, end + 20 * MIN_MS), ERR_OK);
	fx_commit(fx);
	fx_check_ok(fx);
}

/* ---- two rooms at once ----------------------------------------------------------------------- */

#define RACES 1000u
#define SLOTS 10000u /* so that most are free when two rooms try */
#define LEN 40u      /* quarter hours in which they try: they meet often */

/* Each room has made and signed its op without knowing of the other's; the server takes them in
 * either order. Whatever was taken before, of two that clash never both are. */
static void race(struct desk *d, unsigned *both, unsigned *one, unsigned *none)
{
	struct fx *fx = d->fx;
	struct fx_op ops[2];
	struct booking bookings[2];
	enum err codes[2];
	for (size_t i = 0; i < 2; i++) {
		const struct id id = fx_id(fx);
		const uint64_t slot = START_MS + rand_below(&fx->rand, SLOTS) * HOUR_MS;
		const Roomkeep__Appointment m = whole_of(d, &id, i, 0, rand_below(&fx->rand, 2),
							 i == 0 ? slot : bookings[0].start_ms);
		OK(appointment_booking(&m, &bookings[i], NULL));
		fx_op_make(fx, d->lanes[i], KIND_APPOINTMENT, &m.base, true, &ops[i]);
	}
	const size_t first = (size_t)rand_below(&fx->rand, 2);
	for (size_t k = 0; k < 2; k++) {
		const size_t i = k == 0 ? first : 1 - first;
		codes[i] = fx_append(fx, &ops[i]).code;
		fx_lane_move(d->lanes[i], &ops[i]);
		fx_op_fini(&ops[i]);
		assert_true(codes[i] == ERR_OK || codes[i] == ERR_CLASH);
	}
	const bool taken[] = { codes[0] == ERR_OK, codes[1] == ERR_OK };
	*both += taken[0] && taken[1];
	*one += taken[0] != taken[1];
	*none += !taken[0] && !taken[1];
	/* Only an earlier one keeps the first to come out. */
	if (!taken[0] && !taken[1]) return;
	assert_true(taken[first]);
}

static void expect_no_two_clash(struct fx *fx)
{
	uint64_t pairs = 0;
	OK(db_get_u64(store_as_reader(fx->store)->db,
		      "SELECT count(*) FROM booking a JOIN booking b ON a.plain < b.plain"
		      " AND a.start_ms < b.end_ms AND b.start_ms < a.end_ms"
		      " AND (a.room_id = b.room_id OR a.therapist_id = b.therapist_id"
		      " OR a.patient_id = b.patient_id)",
		      DB_NO_ARGS, &pairs));
	assert_int_equal(pairs, 0);
}

static void test_two_rooms_never_both_have_the_same_time(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	unsigned both = 0, one = 0, none = 0;
	fx_begin(fx);
	desk_make(&d, fx);
	fx_commit(fx);
	for (unsigned i = 0; i < RACES; i++) {
		fx_begin(fx);
		race(&d, &both, &one, &none);
		fx_commit(fx);
	}
	print_message("%u races: both %u, one %u, none %u\n", RACES, both, one, none);
	assert_int_equal(both, 0);
	assert_true(one > 800);
	assert_int_equal(one + none, RACES);
	expect_no_two_clash(fx);
	fx_check_ok(fx);
}

/* Everything that can be said of appointments, at random, from both rooms. */
static void test_whatever_is_said_no_two_clash(void **state)
{
	struct fx *fx = *state;
	struct desk d;
	struct id ids[40], ops[600];
	size_t taken[COUNT_OF(ids)] = { 0 };
	size_t patient_of[COUNT_OF(ids)];
	size_t op_count = 0;
	unsigned refused = 0;
	fx_begin(fx);
	desk_make(&d, fx);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		ids[i] = fx_id(fx);
		patient_of[i] = (size_t)rand_below(&fx->rand, 3);
	}
	for (size_t step = 0; step < COUNT_OF(ops); step++) {
		const size_t i = (size_t)rand_below(&fx->rand, COUNT_OF(ids));
		struct fx_lane *lane = d.lanes[rand_below(&fx->rand, 2)];
		if (op_count > 0 && rand_below(&fx->rand, 6) == 0) {
			const size_t at = (size_t)rand_below(&fx->rand, op_count);
			refused += fx_push_tombstone(fx, lane, &ops[at]).code == ERR_CLASH;
			expect_no_two_clash(fx);
			continue;
		}
		Roomkeep__Appointment m = change_of(&d, &ids[i], patient_of[i]);
		const uint64_t at = START_MS + rand_below(&fx->rand, LEN) * 15 * MIN_MS;
		if (taken[i] == 0 || rand_below(&fx->rand, 3) == 0)
			m = whole_of(&d, &ids[i], patient_of[i], (size_t)rand_below(&fx->rand, 2),
				     (size_t)rand_below(&fx->rand, 2), at);
		if (rand_below(&fx->rand, 2) == 0)
			put_state(&m, (Roomkeep__Appointment__State)(1 + rand_below(&fx->rand, 7)));
		const enum err e =
			fx_push(fx, lane, KIND_APPOINTMENT, &m.base, &ops[op_count]).code;
		assert_true(e == ERR_OK || e == ERR_CLASH);
		refused += e == ERR_CLASH;
		taken[i] += e == ERR_OK;
		op_count += e == ERR_OK;
		expect_no_two_clash(fx);
	}
	fx_commit(fx);
	assert_true(refused > 50);
	fx_check_ok(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_room_one_therapist_one_patient, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_a_reason_opens_a_room_but_splits_no_patient,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_a_move_is_judged_and_leaves_its_old_time,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_who_does_not_come_leaves_the_time_to_others,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_an_erased_one_holds_nothing, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_guard_8_who_split_up_does_not_meet, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_guard_8_who_is_together_may_come_together,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_linen_and_breath_take_their_time, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_two_rooms_never_both_have_the_same_time,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_whatever_is_said_no_two_clash, fx_setup,
						fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
