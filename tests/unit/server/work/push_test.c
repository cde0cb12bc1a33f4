/* Ops on their way in: what is committed, refused, kept aside, and what goes on. */
#include "server/store/store_priv.h"
#include "work_fx.h"

static Roomkeep__Op *patient_op(struct two *t, struct id *ret_id)
{
	*ret_id = box_make_id(t->c);
	return box_op_patient(t->c, &t->mara, &t->chart, ret_id, "Ada Lee");
}

static void test_commit_and_resend(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 1);
	struct id patient;
	struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[3];
	ops[0] = patient_op(&t, &patient);
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient, t.c->wall_ms);
	ops[2] = box_op_text(t.c, &t.mara, &t.chart, &session, "stiff neck", NULL);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, ops, 3);
	assert_int_equal(ack->n_results, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_op(ack, i, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
		assert_int_equal(ack->results[i]->seq, i + 1);
		const struct id op_id = box_op_id(ops[i]);
		assert_memory_equal(ack->results[i]->op_id.data, op_id.b, ID_BYTES);
	}
	assert_memory_equal(ack->epoch.data, t.c->epoch.b, ID_BYTES);
	/* The Ack was lost: the same again is a success with the same numbers. */
	ack = box_push(t.c, &t.room2, ops, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_op(ack, i, ROOMKEEP__OP_STATUS__DUPLICATE, ERR_OK);
		assert_int_equal(ack->results[i]->seq, i + 1);
	}
	assert_int_equal(status_of(t.c).seq, 3);
	assert_int_equal(server_box_roster(t.c->box)->seq, 3);
	two_fini(&t);
}

static void test_nothing_is_acked_that_did_not_commit(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 2);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	server_box_fail_commits(t.c->box, ERR_DISK_FULL);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, &op, 1);
	assert_int_equal(ack->results[0]->status, ROOMKEEP__OP_STATUS__BUSY_DISK);
	assert_false(ack->results[0]->has_seq);
	assert_int_equal(status_of(t.c).seq, 0);
	server_box_fail_commits(t.c->box, ERR_IO);
	const Roomkeep__Frame *f = box_call(t.c, &t.room2, box_push_frame(t.c, &op, 1));
	assert_int_equal(reply_code(f), ERR_IO);
	server_box_fail_commits(t.c->box, ERR_OK);
	assert_int_equal(box_push_one(t.c, &t.room2, op), 1);
	two_fini(&t);
}

static void test_low_disk_refuses_before_sqlite_does(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 3);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	work_set_disk_low(server_box_work_state(t.c->box), true);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, &op, 1);
	assert_int_equal(ack->results[0]->status, ROOMKEEP__OP_STATUS__BUSY_DISK);
	work_set_disk_low(server_box_work_state(t.c->box), false);
	assert_int_equal(box_push_one(t.c, &t.room2, op), 1);
	two_fini(&t);
}

/* Where the warning came too late: SQLite then gives up the whole transaction by itself. */
static void test_a_disk_that_fills_inside_a_batch_is_told_as_that(void **state)
{
	(void)state;
	static const uint8_t bytes[60000];
	struct two t;
	two_init(&t, 22);
	struct db *db = store_as_reader(server_box_store(t.c->box))->db;
	uint64_t pages = 0;
	assert_int_equal(db_get_u64(db, "PRAGMA page_count", DB_NO_ARGS, &pages), ERR_OK);
	assert_int_equal(db_set_pages_max(db, pages + 60), ERR_OK);
	Roomkeep__Op *op = NULL;
	uint64_t committed = 0;
	for (bool full = false; !full;) {
		op = box_op_raw(t.c, &t.mara, &t.chart, 4711, VIEW_OF(bytes));
		const Roomkeep__Ack *ack = box_push(t.c, &t.room2, &op, 1);
		full = ack->results[0]->status == ROOMKEEP__OP_STATUS__BUSY_DISK;
		if (full) continue;
		assert_op(ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
		committed++;
	}
	assert_true(committed > 0);
	assert_int_equal(status_of(t.c).seq, committed);
	assert_int_equal(db_set_pages_max(db, 1000000), ERR_OK);
	assert_int_equal(box_push_one(t.c, &t.room2, op), committed + 1);
	two_fini(&t);
}

static void test_lane_gap_names_what_is_missing(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 4);
	struct id patient;
	struct id other;
	Roomkeep__Op *one = patient_op(&t, &patient);
	Roomkeep__Op *two = patient_op(&t, &other);
	Roomkeep__Op *three = patient_op(&t, &other);
	(void)box_push_one(t.c, &t.room2, one);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, &three, 1);
	assert_int_equal(ack->results[0]->status, ROOMKEEP__OP_STATUS__LANE_GAP);
	assert_int_equal(ack->results[0]->expected_seq, 2);
	(void)box_push_one(t.c, &t.room2, two);
	(void)box_push_one(t.c, &t.room2, three);
	two_fini(&t);
}

/* ---- what cannot be attributed ------------------------------------------------------------ */

static void test_only_ones_own_ops(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 5);
	struct box_lane jos;
	box_lane_init(t.c, &jos, &t.c->owner, &t.room2, OP_LANE_CHART);
	const struct id patient = box_make_id(t.c);
	/* Genuine, by Jo, but Mara is signed in here. */
	Roomkeep__Op *op = box_op_patient(t.c, &t.c->owner, &jos, &patient, "Ada Lee");
	assert_op(box_push(t.c, &t.room2, &op, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_DENIED);
	assert_int_equal(status_of(t.c).seq, 0);
	two_fini(&t);
}

static void test_lane_of_another_room(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 6);
	struct box_lane elsewhere;
	box_lane_init(t.c, &elsewhere, &t.mara, &t.c->room1, OP_LANE_CHART);
	const struct id patient = box_make_id(t.c);
	Roomkeep__Op *op = box_op_patient(t.c, &t.mara, &elsewhere, &patient, "Ada Lee");
	assert_op(box_push(t.c, &t.room2, &op, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_DENIED);
	/* An intro whose words do not hash to the lane. */
	Roomkeep__Op *first = patient_op(&t, &(struct id){ { 0 } });
	first->intro->random16.data[0] ^= 1;
	assert_op(box_push(t.c, &t.room2, &first, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_DENIED);
	first->intro->random16.data[0] ^= 1;
	first->intro->lane_class = OP_LANE_SEALED;
	assert_op(box_push(t.c, &t.room2, &first, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_DENIED);
	first->intro->lane_class = OP_LANE_CHART;
	(void)box_push_one(t.c, &t.room2, first);
	two_fini(&t);
}

static void test_op_of_another_clinic(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 7);
	const struct id real = t.c->clinic_id;
	t.c->clinic_id = id_make_random(&t.c->rand);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	t.c->clinic_id = real;
	assert_op(box_push(t.c, &t.room2, &op, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_DENIED);
	two_fini(&t);
}

static void test_key_of_a_generation_that_is_not(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 8);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	struct op_core core;
	assert_int_equal(op_core_parse(wire_view(op->core), &core), ERR_OK);
	core.author_gen = 2;
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	assert_int_equal(op_core_encode(&core, &bytes), ERR_OK);
	const struct sign_sig sig = op_sign(&t.mara.sign, buf_view(&bytes));
	op->core = box_bytes(t.c, buf_view(&bytes));
	op->signature = box_bytes(t.c, sign_sig_view(&sig));
	assert_op(box_push(t.c, &t.room2, &op, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_NOT_FOUND);
	two_fini(&t);
}

/* ---- poison ------------------------------------------------------------------------------- */

static void test_flipped_bytes_are_kept_aside(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 9);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	op->signature.data[5] ^= 1;
	assert_op(box_push(t.c, &t.room2, &op, 1), 0, ROOMKEEP__OP_STATUS__QUARANTINED, ERR_AUTH);
	op->signature.data[5] ^= 1;
	op->payload.data[20] ^= 1;
	assert_op(box_push(t.c, &t.room2, &op, 1), 0, ROOMKEEP__OP_STATUS__QUARANTINED, ERR_AUTH);
	op->payload.data[20] ^= 1;
	assert_true(status_of(t.c).quarantined >= 1);
	(void)box_push_one(t.c, &t.room2, op); /* the genuine one is not spoilt by it */
	two_fini(&t);
}

static void test_every_flipped_byte_of_a_core(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 10);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	for (size_t i = 0; i < op->core.len; i++) {
		op->core.data[i] ^= 1;
		const Roomkeep__Ack *ack = box_push(t.c, &t.room2, &op, 1);
		const int status = (int)ack->results[0]->status;
		assert_true(status == ROOMKEEP__OP_STATUS__REJECTED ||
			    status == ROOMKEEP__OP_STATUS__QUARANTINED);
		op->core.data[i] ^= 1;
	}
	assert_int_equal(status_of(t.c).seq, 0);
	(void)box_push_one(t.c, &t.room2, op);
	two_fini(&t);
}

/* Signed nonsense is the author's own: it takes its place, and what follows goes on. */
static void test_one_poison_op_does_not_block_its_lane(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 11);
	struct id patient;
	struct id other;
	Roomkeep__Op *ops[4];
	ops[0] = patient_op(&t, &patient);
	ops[1] = box_op_raw(t.c, &t.mara, &t.chart, KIND_PATIENT, view_str("\xFF\xFFnonsense"));
	ops[2] = box_op_raw(t.c, &t.mara, &t.chart, KIND_NOTE, view_str("")); /* wrong lane */
	ops[3] = patient_op(&t, &other);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, ops, 4);
	assert_op(ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	assert_int_equal(ack->results[1]->status, ROOMKEEP__OP_STATUS__QUARANTINED);
	assert_int_not_equal(ack->results[1]->code, ERR_OK);
	assert_true(ack->results[2]->status == ROOMKEEP__OP_STATUS__QUARANTINED ||
		    ack->results[2]->status == ROOMKEEP__OP_STATUS__REJECTED);
	assert_op(ack, 3, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	two_fini(&t);
}

static void test_unknown_kind_is_stored(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 12);
	Roomkeep__Op *op = box_op_raw(t.c, &t.mara, &t.chart, 4711, view_str("from next year"));
	(void)box_push_one(t.c, &t.room2, op);
	op = box_op_raw(t.c, &t.mara, &t.sealed, 4711, view_str("from next year"));
	(void)box_push_one(t.c, &t.room2, op);
	two_fini(&t);
}

static void test_fork_is_kept_in_both_versions(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 13);
	struct id patient;
	struct box_lane before;
	Roomkeep__Op *one = patient_op(&t, &patient);
	(void)box_push_one(t.c, &t.room2, one);
	before = t.chart;
	Roomkeep__Op *two = patient_op(&t, &patient);
	t.chart = before; /* a machine put back from an image */
	Roomkeep__Op *forked = patient_op(&t, &patient);
	(void)box_push_one(t.c, &t.room2, two);
	assert_op(box_push(t.c, &t.room2, &forked, 1), 0, ROOMKEEP__OP_STATUS__QUARANTINED,
		  ERR_FORK);
	assert_int_equal(status_of(t.c).seq, 2);
	two_fini(&t);
}

static void test_heads_must_be_the_named_ones(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 14);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	Roomkeep__Head *head = box_alloc(t.c, sizeof(*head));
	roomkeep__head__init(head);
	const struct hash32 some = { { 7 } };
	head->has_lane_id = head->has_lane_seq = head->has_op_hash = 1;
	head->lane_id = box_bytes(t.c, hash_view(&some));
	head->lane_seq = 1;
	head->op_hash = box_bytes(t.c, hash_view(&some));
	op->n_seen_heads = 1;
	op->seen_heads = &head;
	assert_op(box_push(t.c, &t.room2, &op, 1), 0, ROOMKEEP__OP_STATUS__QUARANTINED,
		  ERR_BAD_VALUE);
	two_fini(&t);
}

/* ---- rights ------------------------------------------------------------------------------- */

static void test_rights_to_write(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 15);
	struct id patient;
	const struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[2];
	ops[0] = patient_op(&t, &patient);
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient, t.c->wall_ms);
	(void)box_push(t.c, &t.room2, ops, 2);
	/* The desk: patients yes, sessions no. */
	assert_int_equal(box_call_code(t.c, &t.room2, box_frame(t.c, ROOMKEEP__FRAME__BODY_LOGOUT)),
			 ERR_OK);
	box_sign_in(t.c, &t.room2, &t.dee);
	struct box_lane desk;
	box_lane_init(t.c, &desk, &t.dee, &t.room2, OP_LANE_CHART);
	const struct id other = box_make_id(t.c);
	Roomkeep__Op *dees[3];
	dees[0] = box_op_patient(t.c, &t.dee, &desk, &other, "Bo Kim");
	dees[1] = box_op_text(t.c, &t.dee, &desk, &session, "overheard", NULL);
	dees[2] = box_op_patient(t.c, &t.dee, &desk, &other, "Bo Kim");
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, dees, 3);
	assert_op(ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	assert_op(ack, 1, ROOMKEEP__OP_STATUS__REJECTED, ERR_DENIED);
	assert_op(ack, 2, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	/* Another therapist does not write into Mara's session. */
	struct box_lane jos;
	box_lane_init(t.c, &jos, &t.c->owner, &t.c->room1, OP_LANE_CHART);
	Roomkeep__Op *op = box_op_text(t.c, &t.c->owner, &jos, &session, "me too", NULL);
	assert_op(box_push(t.c, &t.c->room1, &op, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_DENIED);
	two_fini(&t);
}

static void test_edit_that_saw_the_sign_is_refused(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 16);
	struct id patient;
	const struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[4];
	ops[0] = patient_op(&t, &patient);
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient, t.c->wall_ms);
	ops[2] = box_op_text(t.c, &t.mara, &t.chart, &session, "stiff neck", NULL);
	const struct id covered[2] = { box_op_id(ops[1]), box_op_id(ops[2]) };
	ops[3] = box_op_sign(t.c, &t.mara, &t.chart, &session, covered, 2);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, ops, 4);
	for (size_t i = 0; i < 4; i++) assert_op(ack, i, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	const struct id sign_id = box_op_id(ops[3]);
	Roomkeep__Op *late[2];
	late[0] = box_op_text(t.c, &t.mara, &t.chart, &session, "stiff neck, left", &sign_id);
	late[1] = box_op_text(t.c, &t.mara, &t.chart, &session, "stiff neck, right", &covered[1]);
	ack = box_push(t.c, &t.room2, late, 2);
	assert_op(ack, 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_SIGNED);
	assert_op(ack, 1, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK); /* a late change */
	two_fini(&t);
}

/* ---- batches ------------------------------------------------------------------------------ */

static void test_batch_limits(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 17);
	const Roomkeep__Frame *f = box_call(t.c, &t.room2, box_push_frame(t.c, NULL, 0));
	assert_int_equal(reply_code(f), ERR_BAD_FORMAT);
	Roomkeep__Op *ops[BATCH_OPS_MAX + 1];
	struct id patient;
	for (size_t i = 0; i < COUNT_OF(ops); i++) ops[i] = patient_op(&t, &patient);
	f = box_call(t.c, &t.room2, box_push_frame(t.c, ops, BATCH_OPS_MAX + 1));
	assert_int_equal(reply_code(f), ERR_TOO_BIG);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, ops, BATCH_OPS_MAX);
	assert_int_equal(ack->n_results, BATCH_OPS_MAX);
	assert_op(ack, BATCH_OPS_MAX - 1, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	two_fini(&t);
}

/* A bad request in a batch of several rooms spoils nothing of the others. */
static void test_requests_of_one_batch_are_apart(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 18);
	struct id patient;
	Roomkeep__Op *op = patient_op(&t, &patient);
	struct box_join j;
	Roomkeep__Frame *invite = box_invite_frame(t.c, "Room 2", &j); /* taken */
	assert_int_equal(box_send(t.c, &t.c->room1, invite), ERR_OK);
	assert_int_equal(box_send(t.c, &t.room2, box_push_frame(t.c, &op, 1)), ERR_OK);
	assert_true(server_box_work(t.c->box));
	assert_int_equal(reply_code(box_collect(t.c, &t.c->room1, t.c->room1.request)), ERR_EXISTS);
	const Roomkeep__Frame *f = box_collect(t.c, &t.room2, t.room2.request);
	assert_op(f->ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	box_join_fini(&j);
	two_fini(&t);
}

static void test_committed_survives_a_kill(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 19);
	struct id patient;
	Roomkeep__Op *one = patient_op(&t, &patient);
	(void)box_push_one(t.c, &t.room2, one);
	Roomkeep__Op *two = patient_op(&t, &patient);
	assert_int_equal(box_send(t.c, &t.room2, box_push_frame(t.c, &two, 1)), ERR_OK);
	t.room2.conn = NULL;
	box_clinic_restart(t.c); /* before the second was looked at */
	(void)box_room_hello(t.c, &t.room2, true);
	box_sign_in(t.c, &t.room2, &t.mara);
	Roomkeep__Op *both[2] = { one, two };
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, both, 2);
	assert_op(ack, 0, ROOMKEEP__OP_STATUS__DUPLICATE, ERR_OK);
	assert_op(ack, 1, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	/* LoginOk names where the lanes stand. */
	(void)box_room_hello(t.c, &t.room2, true);
	const Roomkeep__Frame *f = box_try_sign_in(t.c, &t.room2, &t.mara);
	assert_int_equal(f->login_ok->n_own_lanes, 1);
	assert_int_equal(f->login_ok->own_lanes[0]->lane_seq, 2);
	assert_memory_equal(f->login_ok->own_lanes[0]->op_hash.data, t.chart.prev.b, HASH_BYTES);
	two_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_and_resend),
		cmocka_unit_test(test_nothing_is_acked_that_did_not_commit),
		cmocka_unit_test(test_low_disk_refuses_before_sqlite_does),
		cmocka_unit_test(test_a_disk_that_fills_inside_a_batch_is_told_as_that),
		cmocka_unit_test(test_lane_gap_names_what_is_missing),
		cmocka_unit_test(test_only_ones_own_ops),
		cmocka_unit_test(test_lane_of_another_room),
		cmocka_unit_test(test_op_of_another_clinic),
		cmocka_unit_test(test_key_of_a_generation_that_is_not),
		cmocka_unit_test(test_flipped_bytes_are_kept_aside),
		cmocka_unit_test(test_every_flipped_byte_of_a_core),
		cmocka_unit_test(test_one_poison_op_does_not_block_its_lane),
		cmocka_unit_test(test_unknown_kind_is_stored),
		cmocka_unit_test(test_fork_is_kept_in_both_versions),
		cmocka_unit_test(test_heads_must_be_the_named_ones),
		cmocka_unit_test(test_rights_to_write),
		cmocka_unit_test(test_edit_that_saw_the_sign_is_refused),
		cmocka_unit_test(test_batch_limits),
		cmocka_unit_test(test_requests_of_one_batch_are_apart),
		cmocka_unit_test(test_committed_survives_a_kill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
