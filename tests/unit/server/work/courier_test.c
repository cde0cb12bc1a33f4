/* Delivery by a room in which nobody is signed in (SECURITY 2.4 items 9 and 13, 2.7, 2.14). */
#include "work_fx.h"

static void go_courier(struct two *t)
{
	assert_int_equal(
		box_call_code(t->c, &t->room2, box_frame(t->c, ROOMKEEP__FRAME__BODY_LOGOUT)),
		ERR_OK);
}

static const Roomkeep__Ack *deliver(struct two *t, Roomkeep__Op **ops, size_t count)
{
	const Roomkeep__Frame *f =
		box_call(t->c, &t->room2, box_courier_frame(t->c, &t->room2, NULL, ops, count));
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_ACK);
	return f->ack;
}

static size_t make_ops(struct two *t, Roomkeep__Op **ops)
{
	const struct id patient = box_make_id(t->c);
	const struct id session = box_make_id(t->c);
	ops[0] = box_op_patient(t->c, &t->mara, &t->chart, &patient, "Ada Lee");
	ops[1] = box_op_frame(t->c, &t->mara, &t->chart, &session, &patient, t->c->wall_ms);
	ops[2] = box_op_note(t->c, &t->mara, &t->sealed);
	return 3;
}

static void test_delivery_at_night(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 1);
	Roomkeep__Op *ops[3];
	const size_t count = make_ops(&t, ops);
	go_courier(&t);
	const Roomkeep__Ack *ack = deliver(&t, ops, count);
	for (size_t i = 0; i < count; i++) {
		assert_op(ack, i, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
		const struct id op_id = box_op_id(ops[i]);
		assert_memory_equal(ack->results[i]->op_id.data, op_id.b, ID_BYTES);
	}
	ack = deliver(&t, ops, count);
	for (size_t i = 0; i < count; i++)
		assert_op(ack, i, ROOMKEEP__OP_STATUS__DUPLICATE, ERR_OK);
	/* The same ops come again plainly when she signs in: still once. */
	box_sign_in(t.c, &t.room2, &t.mara);
	ack = box_push(t.c, &t.room2, ops, count);
	for (size_t i = 0; i < count; i++)
		assert_op(ack, i, ROOMKEEP__OP_STATUS__DUPLICATE, ERR_OK);
	assert_int_equal(status_of(t.c).seq, count);
	two_fini(&t);
}

static void test_delivery_while_another_is_signed_in(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 2);
	Roomkeep__Op *ops[3];
	const size_t count = make_ops(&t, ops);
	go_courier(&t);
	box_sign_in(t.c, &t.room2, &t.c->owner);
	const Roomkeep__Ack *ack = deliver(&t, ops, count);
	for (size_t i = 0; i < count; i++)
		assert_op(ack, i, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	two_fini(&t);
}

static void test_key_for_another_server(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 3);
	Roomkeep__Op *ops[3];
	const size_t count = make_ops(&t, ops);
	CLEANUP(box_key_finip) struct box_key other = { 0 };
	assert_int_equal(box_key_new(&other), ERR_OK);
	/* Nothing is decided about the rows: no Ack. */
	const Roomkeep__Frame *f =
		box_call(t.c, &t.room2, box_courier_frame(t.c, &t.room2, &other, ops, count));
	assert_int_equal(reply_code(f), ERR_AUTH);
	const Roomkeep__Ack *ack = deliver(&t, ops, count);
	assert_op(ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	two_fini(&t);
}

/* Rows are bound to their room, boot, place and op (AAD): swapped, moved or torn ones stay shut. */
static void test_rows_that_do_not_open(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 4);
	Roomkeep__Op *ops[3];
	const size_t count = make_ops(&t, ops);
	go_courier(&t);
	Roomkeep__Frame *f = box_courier_frame(t.c, &t.room2, NULL, ops, count);
	Roomkeep__CourierPush *m = f->courier_push;
	const ProtobufCBinaryData first = m->rows[0]->sealed;
	m->rows[0]->sealed = m->rows[1]->sealed;
	m->rows[1]->sealed = first;
	m->rows[2]->sealed.data[40] ^= 1;
	const Roomkeep__Ack *ack = box_call(t.c, &t.room2, f)->ack;
	for (size_t i = 0; i < count; i++) {
		assert_op(ack, i, ROOMKEEP__OP_STATUS__QUARANTINED, ERR_AUTH);
		const struct id op_id = box_op_id(ops[i]);
		assert_memory_equal(ack->results[i]->op_id.data, op_id.b, ID_BYTES);
	}
	/* Clear words that are none. */
	f = box_courier_frame(t.c, &t.room2, NULL, ops, count);
	f->courier_push->rows[0]->op_id.len = 15;
	f->courier_push->rows[1]->lane_id.len = 31;
	f->courier_push->rows[2]->has_lane_seq = 0;
	ack = box_call(t.c, &t.room2, f)->ack;
	for (size_t i = 0; i < count; i++)
		assert_op(ack, i, ROOMKEEP__OP_STATUS__REJECTED, ERR_BAD_FORMAT);
	assert_int_equal(status_of(t.c).seq, 0);
	two_fini(&t);
}

/* Another room with a stolen outbox: the boot key does not open there. */
static void test_rows_of_another_room(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 5);
	Roomkeep__Op *ops[3];
	const size_t count = make_ops(&t, ops);
	Roomkeep__Frame *f = box_courier_frame(t.c, &t.room2, NULL, ops, count);
	assert_int_equal(reply_code(box_call(t.c, &t.c->room1, f)), ERR_AUTH);
	two_fini(&t);
}

static void test_forged_author(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 6);
	go_courier(&t);
	/* The room's thief has its TLS key and outbox format, but nobody's signing key. */
	struct box_person thief = t.mara;
	assert_int_equal(sign_key_new(&thief.sign), ERR_OK);
	const struct id patient = box_make_id(t.c);
	Roomkeep__Op *op = box_op_patient(t.c, &thief, &t.chart, &patient, "Ada Lee");
	assert_op(deliver(&t, &op, 1), 0, ROOMKEEP__OP_STATUS__QUARANTINED, ERR_AUTH);
	sign_key_fini(&thief.sign);
	/* A person nobody knows. */
	struct box_person nobody;
	box_person_init(t.c, &nobody, "Nobody", "nobody", DIR_THERAPIST);
	struct box_lane lane;
	box_lane_init(t.c, &lane, &nobody, &t.room2, OP_LANE_CHART);
	op = box_op_patient(t.c, &nobody, &lane, &patient, "Ada Lee");
	assert_op(deliver(&t, &op, 1), 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_NOT_FOUND);
	box_person_fini(&nobody);
	assert_int_equal(status_of(t.c).seq, 0);
	two_fini(&t);
}

/* What arrives after a dismissal is kept aside, not applied, and not lost. */
static void test_ops_of_the_dismissed(void **state)
{
	(void)state;
	for (int blocked = 0; blocked <= 1; blocked++) {
		struct two t;
		two_init(&t, 7);
		Roomkeep__Op *ops[3];
		const size_t count = make_ops(&t, ops);
		go_courier(&t);
		struct id id;
		if (blocked)
			assert_int_equal(setup_block_user(server_box_store(t.c->box),
							  view_str("mara"), t.c->wall_ms, &id),
					 ERR_OK);
		else
			box_disable_person(t.c, &t.c->room1, &t.mara);
		const Roomkeep__Ack *ack = deliver(&t, ops, count);
		for (size_t i = 0; i < count; i++)
			assert_op(ack, i, ROOMKEEP__OP_STATUS__QUARANTINED, ERR_DENIED);
		assert_int_equal(status_of(t.c).seq, 0);
		assert_int_equal(status_of(t.c).quarantined, count);
		two_fini(&t);
	}
}

/* What was taken before the dismissal, and whose receipt was lost: it is there, once, and its room
 * learns so. */
static void test_receipts_of_the_dismissed(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 9);
	Roomkeep__Op *ops[3];
	const size_t count = make_ops(&t, ops);
	(void)box_push(t.c, &t.room2, ops, count);
	const uint64_t seq = status_of(t.c).seq;
	go_courier(&t);
	box_disable_person(t.c, &t.c->room1, &t.mara);
	const Roomkeep__Ack *ack = deliver(&t, ops, count);
	for (size_t i = 0; i < count; i++)
		assert_op(ack, i, ROOMKEEP__OP_STATUS__DUPLICATE, ERR_OK);
	assert_int_equal(status_of(t.c).seq, seq);
	assert_int_equal(status_of(t.c).quarantined, 0);
	two_fini(&t);
}

/* A stolen room key with nobody signed in reads nothing at all. */
static void test_courier_reads_no_record(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 8);
	Roomkeep__Op *ops[3];
	(void)box_push(t.c, &t.room2, ops, make_ops(&t, ops));
	static const Roomkeep__Frame__BodyCase all[] = {
		ROOMKEEP__FRAME__BODY_PULL,       ROOMKEEP__FRAME__BODY_FETCH,
		ROOMKEEP__FRAME__BODY_LIST_ROOMS, ROOMKEEP__FRAME__BODY_PUSH,
		ROOMKEEP__FRAME__BODY_PUT_VAULT,  ROOMKEEP__FRAME__BODY_PASSPHRASE_CHANGE,
		ROOMKEEP__FRAME__BODY_ADD_USER,   ROOMKEEP__FRAME__BODY_PUT_DIRECTORY,
		ROOMKEEP__FRAME__BODY_RETIRE_ROOM
	};
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		(void)box_room_hello(t.c, &t.room2, true);
		assert_int_equal(box_call_code(t.c, &t.room2, box_frame(t.c, all[i])),
				 ERR_SIGNED_OUT);
		box_clinic_advance(t.c, ROSTER_BAD_FRAMES_MS);
	}
	two_fini(&t);
}

static void test_directory_without_logins(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 9);
	go_courier(&t);
	const Roomkeep__Frame *f =
		box_call(t.c, &t.room2, box_frame(t.c, ROOMKEEP__FRAME__BODY_GET_DIRECTORY));
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_DIRECTORY);
	assert_int_equal(f->directory->n_items, 3);
	for (size_t i = 0; i < f->directory->n_items; i++)
		assert_true(f->directory->items[i]->login == NULL ||
			    f->directory->items[i]->login[0] == '\0');
	two_fini(&t);
}

static void test_empty_and_too_many_rows(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 10);
	go_courier(&t);
	Roomkeep__Op *ops[3];
	(void)make_ops(&t, ops);
	Roomkeep__Frame *f = box_courier_frame(t.c, &t.room2, NULL, ops, 1);
	Roomkeep__CourierRow *row = f->courier_push->rows[0];
	f->courier_push->n_rows = 0;
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_BAD_FORMAT);
	f->courier_push->rows =
		box_alloc(t.c, (BATCH_OPS_MAX + 1) * sizeof(*f->courier_push->rows));
	for (size_t i = 0; i <= BATCH_OPS_MAX; i++) f->courier_push->rows[i] = row;
	f->courier_push->n_rows = BATCH_OPS_MAX + 1;
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_TOO_BIG);
	f->courier_push->n_rows = BATCH_OPS_MAX;
	const Roomkeep__Ack *ack = box_call(t.c, &t.room2, f)->ack;
	assert_op(ack, 0, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	assert_op(ack, BATCH_OPS_MAX - 1, ROOMKEEP__OP_STATUS__DUPLICATE, ERR_OK);
	two_fini(&t);
}

/* A stolen room key with nobody signed in: what it can make up must not fill the clinic's disk. */
static void test_forged_ops_are_kept_up_to_a_bound(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 31);
	assert_int_equal(box_call_code(t.c, &t.room2, box_frame(t.c, ROOMKEEP__FRAME__BODY_LOGOUT)),
			 ERR_OK);
	Roomkeep__Op *ops[STORE_FORGED_MAX + 1];
	for (size_t i = 0; i < COUNT_OF(ops); i++) {
		const struct id patient = box_make_id(t.c);
		ops[i] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
		ops[i]->signature.data[0] ^= 1;
	}
	for (unsigned again = 0; again < 2; again++) { /* what is kept stays the same op */
		const Roomkeep__Ack *ack =
			box_call(t.c, &t.room2,
				 box_courier_frame(t.c, &t.room2, NULL, ops, STORE_FORGED_MAX))
				->ack;
		for (size_t i = 0; i < STORE_FORGED_MAX; i++)
			assert_op(ack, i, ROOMKEEP__OP_STATUS__QUARANTINED, ERR_AUTH);
		ack = box_call(t.c, &t.room2,
			       box_courier_frame(t.c, &t.room2, NULL, ops + STORE_FORGED_MAX, 1))
			      ->ack;
		assert_op(ack, 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_FULL);
		assert_int_equal(status_of(t.c).quarantined, STORE_FORGED_MAX);
	}
	two_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged_ops_are_kept_up_to_a_bound),
		cmocka_unit_test(test_delivery_at_night),
		cmocka_unit_test(test_delivery_while_another_is_signed_in),
		cmocka_unit_test(test_key_for_another_server),
		cmocka_unit_test(test_rows_that_do_not_open),
		cmocka_unit_test(test_rows_of_another_room),
		cmocka_unit_test(test_forged_author),
		cmocka_unit_test(test_ops_of_the_dismissed),
		cmocka_unit_test(test_receipts_of_the_dismissed),
		cmocka_unit_test(test_courier_reads_no_record),
		cmocka_unit_test(test_directory_without_logins),
		cmocka_unit_test(test_empty_and_too_many_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
