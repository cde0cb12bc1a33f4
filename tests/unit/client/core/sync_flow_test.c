/* sync: outbox and feed. */
#include "rig_talk.h"

#define PUSH ROOMKEEP__FRAME__BODY_PUSH
#define COURIER ROOMKEEP__FRAME__BODY_COURIER_PUSH
#define PULL ROOMKEEP__FRAME__BODY_PULL

/* ---- outbox ---------------------------------------------------------------------------------- */

static void test_own_ops_then_the_others(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	rig_clear(r);
	rig_person_in(r);
	rig_finish_login(r,
			 (struct sync_cursor){ .epoch = rig_epoch, .seq = 5, .scope_version = 1 });
	assert_true(id_equal(&rig_ask(r, SYNC_ASK_PUSH)->person, &rig_person));
	assert_null(rig_ask(r, SYNC_ASK_COURIER));
	rig_done(r, (struct sync_result){
			    .type = SYNC_ASK_PUSH, .frame = rig_body(PUSH), .queued = 3 });
	rig_event(r, SYNC_EV_OUTBOX);      /* one batch at a time */
	assert_int_equal(r->ask_count, 4); /* proof, directory, ok, push */
	rig_ack(r, rig_number(r, PUSH));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_ACK, .queued = 1 });
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_PUSH, .queued = 1 });
	assert_true(
		id_equal(&rig_ask(r, SYNC_ASK_COURIER)->person, &rig_person)); /* all but hers */
	rig_done(r, (struct sync_result){
			    .type = SYNC_ASK_COURIER, .frame = rig_body(COURIER), .queued = 1 });
	rig_ack(r, rig_number(r, COURIER));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_ACK });
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_PUSH });
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	assert_true(sync_is_quiet(r->s));
	rig_free(r);
}

/* An op is saved while the desk already looks: at the person's own rows, or past them at the
 * others'. The look that finds nothing has not seen it. */
static void test_saved_during_a_look_is_looked_for(void **state)
{
	(void)state;
	for (int during_courier = 0; during_courier < 2; during_courier++) {
		struct rig *r = rig_new(1);
		rig_to_courier(r);
		rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
		rig_person_in(r);
		rig_finish_login(r, (struct sync_cursor){
					    .epoch = rig_epoch, .seq = 5, .scope_version = 1 });
		if (!during_courier) rig_event(r, SYNC_EV_OUTBOX);
		const uint64_t first = rig_ask(r, SYNC_ASK_PUSH)->id;
		rig_done(r, (struct sync_result){ .type = SYNC_ASK_PUSH });
		if (during_courier) {
			rig_event(r, SYNC_EV_OUTBOX);
			rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
		}
		assert_int_not_equal(rig_ask(r, SYNC_ASK_PUSH)->id, first);
		assert_false(sync_is_quiet(r->s));
		rig_done(r, (struct sync_result){ .type = SYNC_ASK_PUSH });
		rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
		assert_true(sync_is_quiet(r->s));
		rig_free(r);
	}
}

static void test_busy_disk_is_tried_again(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){
			    .type = SYNC_ASK_COURIER, .frame = rig_body(COURIER), .queued = 5 });
	rig_ack(r, rig_number(r, COURIER));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_ACK, .again = true, .queued = 4 });
	rig_clear(r);
	rig_wait(r, SYNC_BUSY_MS - 1);
	assert_null(rig_ask(r, SYNC_ASK_COURIER));
	rig_wait(r, 1);
	assert_non_null(rig_ask(r, SYNC_ASK_COURIER));
	rig_free(r);
}

/* The link breaks at each point of a batch: it is sent again, and never two at once. */
static void test_drop_at_each_point_of_a_batch(void **state)
{
	(void)state;
	for (unsigned point = 0; point < 3; point++) {
		struct rig *r = rig_new(point + 1);
		rig_to_courier(r);
		const uint64_t ask_id = rig_ask(r, SYNC_ASK_COURIER)->id;
		uint64_t ack_id = 0;
		if (point > 0)
			rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER,
							  .frame = rig_body(COURIER),
							  .queued = 1 });
		if (point > 1) {
			rig_ack(r, rig_number(r, COURIER));
			ack_id = rig_ask(r, SYNC_ASK_ACK)->id;
		}
		rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
		rig_clear(r);
		if (point == 0) { /* the answer comes to a connection that is gone */
			struct sync_result late = { .type = SYNC_ASK_COURIER,
						    .id = ask_id,
						    .frame = rig_body(COURIER),
						    .queued = 1 };
			rig_step(r, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &late });
			sync_result_fini(&late);
			assert_int_equal(r->sent_count, 0);
		}
		rig_to_courier(r);
		if (point == 2) { /* the receipts are still being stored */
			assert_null(rig_ask(r, SYNC_ASK_COURIER));
			struct sync_result acked = { .type = SYNC_ASK_ACK, .id = ack_id };
			rig_step(r, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &acked });
		}
		assert_non_null(rig_ask(r, SYNC_ASK_COURIER));
		rig_free(r);
	}
}

/* ---- feed ------------------------------------------------------------------------------------ */

static void test_feed_is_stored_in_order_and_confirmed(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_clear(r);
	rig_feed(r, 10, false);
	rig_feed(r, 20, true);
	assert_int_equal(r->ask_count, 1); /* one at a time */
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_FEED, .cursor = { .seq = 10 } });
	assert_int_equal(rig_sent(r, ROOMKEEP__FRAME__BODY_FEED_ACK)->feed_ack->up_to_seq, 10);
	assert_false(sync_is_live(r->s));
	rig_done(r, (struct sync_result){
			    .type = SYNC_ASK_FEED, .cursor = { .seq = 20 }, .live = true });
	assert_int_equal(rig_sent(r, ROOMKEEP__FRAME__BODY_FEED_ACK)->feed_ack->up_to_seq, 20);
	assert_true(sync_is_live(r->s));
	rig_free(r);
}

static void test_unknown_author_fetches_the_directory_first(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_clear(r);
	rig_feed(r, 10, false);
	rig_feed(r, 20, false);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_FEED, .err = ERR_NOT_FOUND });
	assert_int_equal(r->ask_count, 1); /* the second waits for the first */
	rig_directory_empty(r);
	assert_int_equal(r->ask_count, 3);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_FEED, .cursor = { .seq = 10 } });
	assert_int_equal(r->ask_count, 4);
	assert_null(r->closes ? r : NULL);
	rig_free(r);
}

static void test_forged_feed_stops_pulling_not_pushing(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_feed(r, 10, false);
	rig_clear(r);
	struct sync_result bad = { .type = SYNC_ASK_FEED, .err = ERR_AUTH };
	for (bad.id = 1; bad.id < 20; bad.id++)
		rig_step(r, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &bad });
	rig_feed(r, 20, false);
	assert_null(rig_ask(r, SYNC_ASK_FEED));
	assert_null(rig_sent(r, ROOMKEEP__FRAME__BODY_FEED_ACK));
	assert_int_equal(sync_state_now(r->s), SYNC_SIGNED_IN);
	rig_free(r);
}

/* No memory, a busy database: the same batch again a second later, on the same connection. */
static void test_feed_that_could_not_be_stored_is_tried_again(void **state)
{
	(void)state;
	static const enum err passing[] = { ERR_NOMEM, ERR_BUSY, ERR_STORE };
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_feed(r, 10, true);
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		rig_done(r, (struct sync_result){ .type = SYNC_ASK_FEED, .err = passing[i] });
		rig_clear(r);
		assert_null(rig_ask(r, SYNC_ASK_FEED)); /* and nobody spins */
		rig_wait(r, SYNC_BUSY_MS - 1);
		assert_null(rig_ask(r, SYNC_ASK_FEED));
		rig_wait(r, 1);
		assert_non_null(rig_ask(r, SYNC_ASK_FEED));
	}
	rig_done(r, (struct sync_result){
			    .type = SYNC_ASK_FEED, .cursor = { .seq = 10 }, .live = true });
	assert_int_equal(rig_sent(r, ROOMKEEP__FRAME__BODY_FEED_ACK)->feed_ack->up_to_seq, 10);
	assert_true(sync_is_live(r->s));
	rig_free(r);
}

static void test_feed_queue_has_a_limit(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	for (unsigned i = 0; i < SYNC_FEED_MAX; i++) rig_feed(r, 10 + i, false);
	assert_int_equal(sync_state_now(r->s), SYNC_SIGNED_IN);
	rig_feed(r, 99, false);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	assert_int_equal(sync_stats(r->s)->bad_frames, 1);
	rig_free(r);
}

static void test_scope_change_pulls_again(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_feed(r, 10, false);
	rig_clear(r);
	rig_scope(r);
	assert_null(rig_ask(r, SYNC_ASK_SCOPE));
	rig_directory_empty(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_SCOPE,
					  .cursor = { .epoch = rig_epoch, .scope_version = 2 } });
	assert_int_equal(rig_sent(r, PULL)->pull->scope_version, 2);
	assert_int_equal(rig_sent(r, PULL)->pull->seq, 0);
	rig_free(r);
}

static void test_first_scope_does_not_restart_a_fresh_feed(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_person_in(r);
	rig_finish_login(r, (struct sync_cursor){ 0 });
	rig_clear(r);
	rig_scope(r);
	rig_feed(r, 10, false);
	/* The rights may have changed since the directory was read. */
	assert_null(rig_ask(r, SYNC_ASK_SCOPE));
	assert_null(rig_ask(r, SYNC_ASK_FEED));
	rig_directory_empty(r);
	assert_non_null(rig_ask(r, SYNC_ASK_SCOPE));
	assert_null(rig_ask(r, SYNC_ASK_FEED));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_SCOPE,
					  .cursor = { .epoch = rig_epoch, .scope_version = 2 } });
	assert_null(rig_sent(r, PULL));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_FEED, .cursor = { .seq = 10 } });
	assert_non_null(rig_sent(r, ROOMKEEP__FRAME__BODY_FEED_ACK));
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_ops_then_the_others),
		cmocka_unit_test(test_saved_during_a_look_is_looked_for),
		cmocka_unit_test(test_busy_disk_is_tried_again),
		cmocka_unit_test(test_drop_at_each_point_of_a_batch),
		cmocka_unit_test(test_feed_is_stored_in_order_and_confirmed),
		cmocka_unit_test(test_unknown_author_fetches_the_directory_first),
		cmocka_unit_test(test_forged_feed_stops_pulling_not_pushing),
		cmocka_unit_test(test_feed_that_could_not_be_stored_is_tried_again),
		cmocka_unit_test(test_feed_queue_has_a_limit),
		cmocka_unit_test(test_scope_change_pulls_again),
		cmocka_unit_test(test_first_scope_does_not_restart_a_fresh_feed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
