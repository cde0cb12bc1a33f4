/* An honest server and bad luck: found by the simulator (tests/sim/seeds.txt). Nothing of it may
 * look like a lie, and nothing may be refused. */
#include "support/rooms_world.h"

static bool drop_acks(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_ACK) return true;
	r->tampered++;
	return false;
}

static bool drop_feeds(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_FEED) return true;
	r->tampered++;
	return false;
}

/* The vault blob goes up while ops still wait, and then the room is cut off (seed 4). */
static void test_vault_does_not_name_what_waits(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	(void)room_add_patient(r2, "Maya Rosen", "1984-05-06");
	room_saved(r2);
	(void)room_add_patient(r2, "Omar Said", "1970-01-02"); /* saved here, not sent */
	struct buf farewell = { 0 };
	desk_lock(&r2->desk, w->wall, &farewell);
	assert_true(farewell.len > 0);
	OK(room_ask(r2, buf_view(&farewell)));
	buf_fini(&farewell);
	assert_int_equal(room_queued(r2), 1);
	room_cut(r2, true);
	OK(room_sign_in(r1, "mara", MARA_PASS));
	assert_true(sync_is_live(r1->sync));
	assert_int_equal(local_alarms(r1->local), 0);
	world_free(w);
}

/* Mara's op is committed, its receipt is lost; Jo signs in in the same room, and the feed brings
 * Mara's op for Jo: it is not Jo's to push (seed 789). */
static void test_anothers_waiting_op_is_not_pushed_as_ones_own(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "jo", JO_PASS)); /* known here from now on */
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r2, "Maya Rosen", "1984-05-06");
	r2->tamper = drop_acks;
	room_saved(r2);
	assert_int_equal(r2->tampered, 1);
	room_cut(r2, true);
	OK(room_sign_in(r2, "jo", JO_PASS));
	room_cut(r2, false);
	assert_int_equal(sync_state_now(r2->sync), SYNC_SIGNED_IN);
	struct local_patient p;
	OK(local_get_patient(r2->local, &r2->desk.vault, &patient, &p)); /* by the feed */
	assert_int_equal(room_queued(r2), 1);
	struct buf push = { 0 };
	OK(feed_next_push(r2->local, &r2->desk.vault, &push));
	assert_int_equal(push.len, 0);
	struct local_pending *rows = NULL;
	size_t count = 1;
	OK(local_list_pending(r2->local, &r2->desk.vault, 10, &rows, &count));
	assert_int_equal(count, 0);
	local_pending_free(rows, count);
	buf_fini(&push);
	world_free(w);
}

/* A fetched patient's ops are some of a lane: the others are not missing (seed 58). */
static void test_fetched_records_say_nothing_about_lanes(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	(void)room_add_patient(r2, "Maya Rosen", "1984-05-06");
	const struct id second = room_add_patient(r2, "Omar Said", "1970-01-02");
	room_saved(r2);
	r1->tamper = drop_feeds;
	OK(room_sign_in(r1, "mara", MARA_PASS));
	assert_true(r1->tampered > 0);

	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Fetch m = ROOMKEEP__FETCH__INIT;
	struct buf body = { 0 };
	uint64_t after = 0;
	bool more = false;
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(&second);
	f.body_case = ROOMKEEP__FRAME__BODY_FETCH;
	f.fetch = &m;
	OK(body_encode(&f, &body));
	OK(room_ask(r1, buf_view(&body)));
	OK(feed_apply_page(r1->local, &r1->desk.vault, &(struct feed_fetch){ .patient_id = second },
			   buf_view(&r1->reply.body), w->wall, &after, &more));
	struct local_patient p;
	OK(local_get_patient(r1->local, &r1->desk.vault, &second, &p));
	assert_int_equal(local_alarms(r1->local), 0);
	buf_fini(&body);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vault_does_not_name_what_waits),
		cmocka_unit_test(test_anothers_waiting_op_is_not_pushed_as_ones_own),
		cmocka_unit_test(test_fetched_records_say_nothing_about_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
