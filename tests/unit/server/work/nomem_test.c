/* Memory runs out in the server, at each of its own allocations in turn: that is told as what it is
 * and is never a verdict on what the room asked. */
#include "server/store/store_priv.h"
#include "work_fx.h"

#include "support/nomem.h"

/* What waits is done while allocation n fails; true: one did. */
static bool work_without_memory(struct box_clinic *c, uint64_t n)
{
	nomem_arm(n);
	while (server_box_work(c->box)) {
	}
	return nomem_disarm();
}

/* A server that cannot go on ends and is started again; a room comes back by itself. */
static void come_back(struct two *t)
{
	if (server_box_broken(t->c->box)) {
		box_clinic_restart(t->c);
		t->room2.conn = NULL;
	}
	if (t->room2.conn != NULL) box_room_hang_up(t->c, &t->room2);
	(void)box_room_hello(t->c, &t->room2, true);
	box_sign_in(t->c, &t->room2, &t->mara);
}

static void test_an_op_is_not_judged_without_memory(void **state)
{
	(void)state;
	struct two t;
	bool struck = true;
	two_init(&t, 31);
	for (uint64_t n = 1; struck; n++) {
		struct box_lane lane;
		struct id patient = box_make_id(t.c);
		/* A lane of its own: the first op of one brings most along. */
		box_lane_init(t.c, &lane, &t.mara, &t.room2, OP_LANE_CHART);
		Roomkeep__Op *op = box_op_patient(t.c, &t.mara, &lane, &patient, "Ada Lee");
		assert_int_equal(box_send(t.c, &t.room2, box_push_frame(t.c, &op, 1)), ERR_OK);
		struck = work_without_memory(t.c, n);
		const Roomkeep__Frame *f = box_collect(t.c, &t.room2, t.room2.request);
		if (f != NULL && f->body_case == ROOMKEEP__FRAME__BODY_ACK) {
			assert_op(f->ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
		} else if (f != NULL) {
			assert_int_equal(reply_code(f), ERR_NOMEM);
		}
		assert_int_equal(status_of(t.c).rejected, 0);
		assert_int_equal(status_of(t.c).quarantined, 0);
		if (server_box_broken(t.c->box) || box_conn_is_closed(t.room2.conn)) come_back(&t);
		/* Nothing stands in its way; or it is there, and only the answer was lost. */
		const Roomkeep__Ack *ack = box_push(t.c, &t.room2, &op, 1);
		if (ack->results[0]->status != ROOMKEEP__OP_STATUS__DUPLICATE)
			assert_op(ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	}
	two_fini(&t);
}

static uint64_t tries_counted(struct box_clinic *c)
{
	uint64_t count = 0;
	struct db *db = store_as_reader(server_box_store(c->box))->db;
	assert_int_equal(db_get_u64(db, "SELECT count(*) FROM throttle", DB_NO_ARGS, &count),
			 ERR_OK);
	return count;
}

static void test_a_passphrase_is_not_wrong_without_memory(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(32);
	bool struck = true;
	for (uint64_t n = 1; struck; n++) {
		uint8_t cn[PROOF_NONCE_BYTES];
		const Roomkeep__Frame *f = box_login_start(c, &c->room1, "jo", cn);
		assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_LOGIN_PARAMS);
		Roomkeep__Frame *proof =
			box_login_proof_frame(c, &c->room1, &c->owner, cn, f->login_params);
		assert_int_equal(box_send(c, &c->room1, proof), ERR_OK);
		struck = work_without_memory(c, n);
		f = box_collect(c, &c->room1, c->room1.request);
		if (f != NULL && f->body_case != ROOMKEEP__FRAME__BODY_LOGIN_OK)
			assert_int_equal(reply_code(f), ERR_NOMEM);
		assert_int_equal(tries_counted(c), 0);
		if (server_box_broken(c->box)) box_clinic_restart(c);
		box_room_hang_up(c, &c->room1);
		(void)box_room_hello(c, &c->room1, true);
	}
	box_sign_in(c, &c->room1, &c->owner);
	box_clinic_free(c);
}

static void test_a_server_starts_or_says_that_memory_ran_out(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(33);
	struct server_box_options o = {
		.folder = c->folder, .rand = c->rand, .now_ms = c->now_ms, .wall_ms = c->wall_ms
	};
	bool struck = true;
	memcpy(o.server_spki, c->server_spki, sizeof(o.server_spki));
	box_room_hang_up(c, &c->room1);
	for (uint64_t n = 1; struck; n++) {
		server_box_close(c->box);
		c->box = NULL;
		nomem_arm(n);
		const enum err e = server_box_open(&o, &c->box);
		struck = nomem_disarm();
		assert_int_equal(e, struck ? ERR_NOMEM : ERR_OK);
	}
	box_clinic_free(c);
}

/* Damage is reported of a database that is damaged, not of a machine that is short of memory. */
static void test_a_check_finds_nothing_or_stops(void **state)
{
	(void)state;
	struct two t;
	bool struck = true;
	two_init(&t, 34);
	box_clinic_advance(t.c, 2 * STORE_HEAD_MS); /* the next commit signs a head */
	come_back(&t);
	struct id patient = box_make_id(t.c);
	Roomkeep__Op *op = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	(void)box_push_one(t.c, &t.room2, op);
	for (uint64_t n = 1; struck; n++) {
		struct store_check_report report = { 0 };
		nomem_arm(n);
		const enum err e =
			store_check(store_as_reader(server_box_store(t.c->box)), &report);
		struck = nomem_disarm();
		assert_int_equal(e, struck ? ERR_NOMEM : ERR_OK);
		if (e == ERR_OK) assert_true(report.ok);
	}
	two_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_op_is_not_judged_without_memory),
		cmocka_unit_test(test_a_passphrase_is_not_wrong_without_memory),
		cmocka_unit_test(test_a_server_starts_or_says_that_memory_ran_out),
		cmocka_unit_test(test_a_check_finds_nothing_or_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
