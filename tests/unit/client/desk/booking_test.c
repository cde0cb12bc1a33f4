/* Appointments as rooms book them, through the real server: one slot wanted by two rooms, tentative
 * without the server, clashed when it was taken meanwhile, and a day that is readable alone. */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"
#include "record/calendar.h"

#define RACES 40u
#define LONG_DAY 70u

struct clinic {
	struct world *w;
	struct room *r1, *r2;
	struct id patients[2];
	struct id room, therapist; /* what both want */
	uint64_t day;              /* its first moment, UTC */
};

static struct clinic clinic_make(void)
{
	struct clinic c = { .w = world_clinic() };
	c.r1 = &c.w->rooms[0];
	c.r2 = &c.w->rooms[1];
	OK(room_sign_in(c.r2, "mara", MARA_PASS));
	c.patients[0] = room_add_patient(c.r1, "Maya Rosen", "1984-05-06");
	c.patients[1] = room_add_patient(c.r1, "Anna Berg", "1990-01-01");
	room_saved(c.r1);
	c.room = local_new_id(c.r1->local, c.w->wall);
	c.therapist = local_new_id(c.r1->local, c.w->wall);
	c.day = (c.w->wall / CALENDAR_DAY_MS + 1) * CALENDAR_DAY_MS;
	return c;
}

static enum err book_op(struct clinic *c, struct room *r, size_t patient, uint64_t start_ms,
			struct id *ret_id, struct id *ret_op_id)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	*ret_id = local_new_id(r->local, c->w->wall);
	m.has_appointment_id = m.has_patient_id = m.has_room_id = m.has_therapist_id = true;
	m.appointment_id = wire_id_bytes(ret_id);
	m.patient_id = wire_id_bytes(&c->patients[patient]);
	m.room_id = wire_id_bytes(&c->room);
	m.therapist_id = wire_id_bytes(&c->therapist);
	m.has_starts_ms = m.has_minutes = true;
	m.starts_ms = start_ms;
	m.minutes = 60;
	return local_append(r->local, &r->desk.vault, KIND_APPOINTMENT, &m.base, c->w->wall,
			    ret_op_id, NULL);
}

static enum err book(struct clinic *c, struct room *r, size_t patient, uint64_t start_ms,
		     struct id *ret_id)
{
	struct id op_id;
	return book_op(c, r, patient, start_ms, ret_id, &op_id);
}

static enum err move(struct clinic *c, struct room *r, size_t patient, const struct id *id,
		     uint64_t start_ms)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	struct id op_id;
	m.has_appointment_id = m.has_patient_id = m.has_starts_ms = true;
	m.appointment_id = wire_id_bytes(id);
	m.patient_id = wire_id_bytes(&c->patients[patient]);
	m.starts_ms = start_ms;
	return local_append(r->local, &r->desk.vault, KIND_APPOINTMENT, &m.base, c->w->wall, &op_id,
			    NULL);
}

static struct local_appointment *day_of(struct clinic *c, struct room *r, uint64_t day,
					size_t *ret_count)
{
	struct local_appointment *rows = NULL;
	(void)c;
	OK(local_list_appointments(r->local, &r->desk.vault, day, day + CALENDAR_DAY_MS, &rows,
				   ret_count));
	return rows;
}

/* How many rows a room shows on a day, and how many of them in this state. */
static void expect_day(struct clinic *c, struct room *r, uint64_t day, size_t count,
		       enum booking_state state, size_t in_state)
{
	size_t rows = 0;
	size_t found = 0;
	struct local_appointment *list = day_of(c, r, day, &rows);
	for (size_t i = 0; i < rows; i++) found += list[i].booking_state == state;
	free(list);
	assert_int_equal(rows, count);
	assert_int_equal(found, in_state);
}

static void test_a_booking_is_tentative_until_the_server_has_it(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	struct id a;
	room_cut(c.r1, true);
	OK(book(&c, c.r1, 0, c.day + 9 * CALENDAR_HOUR_MS, &a));
	expect_day(&c, c.r1, c.day, 1, BOOKING_TENTATIVE, 1);
	expect_day(&c, c.r2, c.day, 0, BOOKING_CONFIRMED, 0);
	room_cut(c.r1, false);
	room_saved(c.r1);
	expect_day(&c, c.r1, c.day, 1, BOOKING_CONFIRMED, 1);
	expect_day(&c, c.r2, c.day, 1, BOOKING_CONFIRMED, 1);
	world_free(c.w);
}

static void test_of_two_apart_the_later_to_come_is_clashed(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	struct id a, b;
	room_cut(c.r1, true);
	room_cut(c.r2, true);
	OK(book(&c, c.r1, 0, c.day + 9 * CALENDAR_HOUR_MS, &a));
	OK(book(&c, c.r2, 1, c.day + 9 * CALENDAR_HOUR_MS, &b));
	room_cut(c.r2, false);
	room_saved(c.r2);
	room_cut(c.r1, false);
	room_saved(c.r1);
	/* Room 1 sees the one that holds, and its own as clashed; room 2 the one. */
	expect_day(&c, c.r1, c.day, 2, BOOKING_CLASHED, 1);
	expect_day(&c, c.r2, c.day, 1, BOOKING_CONFIRMED, 1);
	size_t count = 0;
	struct local_appointment *rows = day_of(&c, c.r1, c.day, &count);
	for (size_t i = 0; i < count; i++) {
		const bool mine = id_equal(&rows[i].appointment_id, &a);
		assert_int_equal(rows[i].booking_state == BOOKING_CLASHED, mine);
		assert_int_equal(rows[i].holds_time, !mine);
	}
	free(rows);
	struct local_pending *pending = NULL;
	OK(local_list_pending(c.r1->local, &c.r1->desk.vault, 0, &pending, &count));
	assert_int_equal(count, 1);
	assert_int_equal(pending[0].state, LOCAL_OP_REJECTED);
	assert_int_equal(pending[0].code, ERR_CLASH);
	local_pending_free(pending, count);
	/* The same after a new start. */
	room_close(c.r1);
	room_start(c.r1);
	OK(room_sign_in(c.r1, "jo", JO_PASS));
	expect_day(&c, c.r1, c.day, 2, BOOKING_CLASHED, 1);
	world_free(c.w);
}

static void test_a_refused_move_shows_both_places_until_somebody_chose(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	struct id a, b;
	OK(book(&c, c.r1, 0, c.day + 9 * CALENDAR_HOUR_MS, &a));
	room_saved(c.r1);
	room_cut(c.r1, true);
	c.w->wall += 1000;
	OK(move(&c, c.r1, 0, &a, c.day + CALENDAR_DAY_MS + 9 * CALENDAR_HOUR_MS));
	expect_day(&c, c.r1, c.day, 0, BOOKING_TENTATIVE, 0);
	expect_day(&c, c.r1, c.day + CALENDAR_DAY_MS, 1, BOOKING_TENTATIVE, 1);
	OK(book(&c, c.r2, 1, c.day + CALENDAR_DAY_MS + 9 * CALENDAR_HOUR_MS, &b));
	room_saved(c.r2);
	room_cut(c.r1, false);
	room_saved(c.r1);
	expect_day(&c, c.r1, c.day, 1, BOOKING_CONFIRMED, 1);
	expect_day(&c, c.r1, c.day + CALENDAR_DAY_MS, 2, BOOKING_CLASHED, 1);
	c.w->wall += 1000;
	OK(move(&c, c.r1, 0, &a, c.day + CALENDAR_DAY_MS + 10 * CALENDAR_HOUR_MS));
	room_saved(c.r1);
	expect_day(&c, c.r1, c.day, 0, BOOKING_CONFIRMED, 0);
	expect_day(&c, c.r1, c.day + CALENDAR_DAY_MS, 2, BOOKING_CONFIRMED, 2);
	expect_day(&c, c.r2, c.day + CALENDAR_DAY_MS, 2, BOOKING_CONFIRMED, 2);
	world_free(c.w);
}

/* Both type it in the same moment, again and again: in both rooms one is confirmed, in one of them
 * the other is clashed. */
static void test_two_rooms_want_one_time(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	for (uint64_t i = 0; i < RACES; i++) {
		const uint64_t day = c.day + i * CALENDAR_DAY_MS;
		struct room *first = i % 3 == 0 ? c.r2 : c.r1;
		struct id a, b;
		OK(book(&c, c.r1, 0, day + 9 * CALENDAR_HOUR_MS, &a));
		OK(book(&c, c.r2, 1, day + 9 * CALENDAR_HOUR_MS + i % 60 * CALENDAR_MINUTE_MS, &b));
		room_saved(first);
		room_saved(c.r1);
		room_saved(c.r2);
		size_t clashed = 0;
		for (size_t r = 0; r < 2; r++) {
			size_t count = 0;
			size_t confirmed = 0;
			struct local_appointment *rows = day_of(&c, &c.w->rooms[r], day, &count);
			for (size_t k = 0; k < count; k++) {
				confirmed += rows[k].booking_state == BOOKING_CONFIRMED;
				clashed += rows[k].booking_state == BOOKING_CLASHED;
			}
			free(rows);
			assert_int_equal(confirmed, 1);
		}
		assert_int_equal(clashed, 1);
	}
	world_free(c.w);
}

static void test_a_day_is_readable_without_the_server_and_by_the_desk(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	struct id a, b;
	(void)room_add_user(c.r1, "Sam Okafor", "sam", ROLE_DESK, MARA_PASS);
	OK(book(&c, c.r1, 0, c.day + 9 * CALENDAR_HOUR_MS, &a));
	OK(book(&c, c.r1, 1, c.day + CALENDAR_DAY_MS - 1, &b)); /* the last moment of that day */
	room_saved(c.r1);
	OK(room_sign_in(c.r2, "sam", MARA_PASS));
	room_cut(c.r2, true);
	room_close(c.r2);
	room_start(c.r2);
	OK(room_sign_in(c.r2, "sam", MARA_PASS));
	expect_day(&c, c.r2, c.day, 2, BOOKING_CONFIRMED, 2);
	expect_day(&c, c.r2, c.day + CALENDAR_DAY_MS, 0, BOOKING_CONFIRMED, 0);
	room_lock(c.r2);
	size_t count = 0;
	struct local_appointment *rows = NULL;
	assert_int_equal(local_list_appointments(c.r2->local, &c.r2->desk.vault, c.day,
						 c.day + CALENDAR_DAY_MS, &rows, &count),
			 ERR_SIGNED_OUT);
	world_free(c.w);
}

/* A clinic of many rooms; and who walked in, or did not, as somebody said. */
static void test_a_long_day(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	struct id id;
	size_t count = 0;
	room_cut(c.r1, true);
	for (uint64_t i = 0; i < LONG_DAY; i++) {
		OK(book(&c, c.r1, i % 2, c.day + i * 15 * CALENDAR_MINUTE_MS, &id));
		Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
		struct id op_id;
		m.has_appointment_id = m.has_patient_id = m.has_walk_in = true;
		m.appointment_id = wire_id_bytes(&id);
		m.patient_id = wire_id_bytes(&c.patients[i % 2]);
		m.walk_in = i % 3 == 0;
		OK(local_append(c.r1->local, &c.r1->desk.vault, KIND_APPOINTMENT, &m.base,
				c.w->wall, &op_id, NULL));
	}
	struct local_appointment *rows = day_of(&c, c.r1, c.day, &count);
	assert_int_equal(count, LONG_DAY);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].booking.start_ms, c.day + i * 15 * CALENDAR_MINUTE_MS);
		assert_int_equal(rows[i].walk_in, i % 3 == 0);
	}
	free(rows);
	world_free(c.w);
}

/* Its first op was erased: the time that is left is nobody's. */
static void test_half_an_appointment_stands_on_no_day(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
	struct id a, op_id;
	char reason[] = "typed twice";
	OK(book_op(&c, c.r1, 0, c.day + 9 * CALENDAR_HOUR_MS, &a, &op_id));
	OK(move(&c, c.r1, 0, &a, c.day + 10 * CALENDAR_HOUR_MS));
	t.has_target = true;
	t.target = wire_id_bytes(&op_id);
	t.reason = reason;
	OK(local_append(c.r1->local, &c.r1->desk.vault, KIND_TOMBSTONE, &t.base, c.w->wall, &op_id,
			NULL));
	room_saved(c.r1);
	expect_day(&c, c.r1, c.day, 0, BOOKING_CONFIRMED, 0);
	expect_day(&c, c.r2, c.day, 0, BOOKING_CONFIRMED, 0);
	world_free(c.w);
}

static bool refuse(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_ACK) return true;
	for (size_t i = 0; i < f->ack->n_results; i++) {
		if (f->ack->results[i]->code != ERR_CLASH) continue;
		f->ack->results[i]->code = ERR_DENIED;
		r->tampered++;
	}
	return true;
}

/* Only a clash is for the desk to settle: what may not be is only its author's to see. */
static void test_what_was_refused_for_another_reason_is_on_no_day(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	struct id a, b;
	room_cut(c.r1, true);
	OK(book(&c, c.r1, 0, c.day + 9 * CALENDAR_HOUR_MS, &a));
	OK(book(&c, c.r2, 1, c.day + 9 * CALENDAR_HOUR_MS, &b));
	room_saved(c.r2);
	c.r1->tamper = refuse;
	room_cut(c.r1, false);
	room_saved(c.r1);
	assert_int_equal(c.r1->tampered, 1);
	expect_day(&c, c.r1, c.day, 1, BOOKING_CONFIRMED, 1);
	world_free(c.w);
}

static void test_the_waiting_list_goes_across_patients(void **state)
{
	(void)state;
	struct clinic c = clinic_make();
	static char wishes[] = "Tuesdays";
	for (size_t i = 0; i < 2; i++) {
		const struct id id = local_new_id(c.r1->local, c.w->wall);
		Roomkeep__WaitlistItem m = ROOMKEEP__WAITLIST_ITEM__INIT;
		struct id op_id;
		m.has_waitlist_item_id = m.has_patient_id = true;
		m.waitlist_item_id = wire_id_bytes(&id);
		m.patient_id = wire_id_bytes(&c.patients[i]);
		m.wishes = wishes;
		OK(local_append(c.r1->local, &c.r1->desk.vault, KIND_WAITLIST_ITEM, &m.base,
				c.w->wall, &op_id, NULL));
	}
	room_saved(c.r1);
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;
	OK(local_list_waiting(c.r2->local, &c.r2->desk.vault, &fold, &records, &count));
	assert_int_equal(count, 2);
	assert_true(id_equal(&records[0].patient_id, &c.patients[0]));
	assert_true(id_equal(&records[1].patient_id, &c.patients[1]));
	world_free(c.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_booking_is_tentative_until_the_server_has_it),
		cmocka_unit_test(test_of_two_apart_the_later_to_come_is_clashed),
		cmocka_unit_test(test_a_refused_move_shows_both_places_until_somebody_chose),
		cmocka_unit_test(test_two_rooms_want_one_time),
		cmocka_unit_test(test_a_day_is_readable_without_the_server_and_by_the_desk),
		cmocka_unit_test(test_a_long_day),
		cmocka_unit_test(test_half_an_appointment_stands_on_no_day),
		cmocka_unit_test(test_what_was_refused_for_another_reason_is_on_no_day),
		cmocka_unit_test(test_the_waiting_list_goes_across_patients),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
