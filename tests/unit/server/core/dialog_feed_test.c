/* Pull, confirmations and changed rights, as the dialog sees them. */
#include "dialog_talk.h"

static Roomkeep__Frame *pull(struct fx *x, uint64_t seq, uint64_t scope)
{
	Roomkeep__Frame *f = fx_frame(x, ROOMKEEP__FRAME__BODY_PULL);
	f->pull->has_epoch = 1;
	f->pull->epoch = wire_id_bytes(&fx_epoch);
	f->pull->has_seq = 1;
	f->pull->seq = seq;
	f->pull->has_scope_version = 1;
	f->pull->scope_version = scope;
	return f;
}

static void test_pull_asks_for_a_page(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, pull(&x, 8, 3));
	assert_int_equal(x.out.ask_count, 1);
	assert_int_equal(x.out.ask[0].kind, ASK_FEED_PAGE);
	assert_false(x.out.ask[0].held);
	assert_int_equal(x.out.ask[0].page_after_seq, 8);
	const struct feed_page page = { .from_seq = 8, .to_seq = 10 };
	const struct dialog_done done = { .ask_id = x.out.ask[0].ask_id, .page = &page };
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
	const Roomkeep__Frame *f = fx_sent(&x, 0);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_FEED);
	assert_int_equal(f->feed->up_to_seq, 10);
	assert_true(f->feed->live);
	/* A page that cannot be read ends the conn; the room comes back. */
	fx_send(&x, pull(&x, 8, 3));
	const struct dialog_done failed = { .ask_id = x.out.ask[0].ask_id, .err = ERR_STORE };
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &failed });
	assert_true(x.out.close);
	fx_fini(&x);
}

static void test_pull_from_another_scope(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x,
		pull(&x, 8, 2)); /* an older version of the rights: nothing until it pulls anew */
	assert_int_equal(fx_sent(&x, 0)->body_case, ROOMKEEP__FRAME__BODY_SCOPE_CHANGE);
	assert_int_equal(fx_sent(&x, 0)->scope_change->scope_version, 3);
	assert_int_equal(x.out.ask_count, 0);
	fx_send(&x, pull(&x, 0, 0)); /* the very first one is told, and served */
	assert_int_equal(fx_sent(&x, 0)->body_case, ROOMKEEP__FRAME__BODY_SCOPE_CHANGE);
	assert_int_equal(x.out.ask_count, 1);
	fx_fini(&x);
}

static void test_changed_rights_stop_the_feed(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, pull(&x, 10, 3));
	const struct feed_page page = { .from_seq = 10, .to_seq = 10 };
	const struct dialog_done done = { .ask_id = x.out.ask[0].ask_id, .page = &page };
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
	fx_put_user(&x, ROLE_DESK, true, 5);
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
	assert_int_equal(fx_sent(&x, 0)->body_case, ROOMKEEP__FRAME__BODY_SCOPE_CHANGE);
	assert_int_equal(fx_sent(&x, 0)->scope_change->scope_version, 5);
	assert_int_equal(x.d.feed.state, FEED_OFF);
	const uint8_t field[] = { 0x0A, 0 };
	const struct feed_row row = {
		.seq = 11, .kind = KIND_PATIENT, .author_id = fx_room_id, .field = VIEW_OF(field)
	};
	const struct feed_page news = { .rows = &row, .count = 1, .from_seq = 10, .to_seq = 11 };
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_PUBLISHED, .page = &news });
	assert_int_equal(x.out.send.len, 0);
	fx_fini(&x);
}

static void test_pull_that_is_refused(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, pull(&x, 11, 3)); /* more than this database holds */
	fx_assert_result(&x, ERR_FORK);
	assert_int_equal(x.metrics.bad_frames, 0);
	Roomkeep__Frame *f = pull(&x, 5, 3);
	f->pull->has_epoch = 0; /* a cursor without its epoch means nothing */
	fx_send(&x, f);
	fx_assert_result(&x, ERR_BAD_VALUE);
	f = pull(&x, 5, 3);
	f->pull->epoch = wire_id_bytes(&fx_jo);
	fx_send(&x, f);
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__WRONG_EPOCH);
	fx_fini(&x);
}

static void test_page_of_the_person_before(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, pull(&x, 8, 3));
	const uint64_t page_id = x.out.ask[0].ask_id;
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_LOGOUT));
	const uint64_t logout_id = x.out.ask[0].ask_id;
	const uint8_t field[] = { 0x0A, 0 };
	const struct feed_row row = {
		.seq = 9, .kind = KIND_PATIENT, .author_id = fx_room_id, .field = VIEW_OF(field)
	};
	const struct feed_page page = { .rows = &row, .count = 1, .from_seq = 8, .to_seq = 10 };
	const struct dialog_done done = { .ask_id = page_id, .page = &page };
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
	assert_int_equal(x.out.send.len, 0);
	fx_done(&x, logout_id, ERR_OK);
	fx_fini(&x);
}

static void test_false_confirmation_is_a_bad_frame(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, pull(&x, 8, 3));
	Roomkeep__Frame *f = fx_frame(&x, ROOMKEEP__FRAME__BODY_FEED_ACK);
	f->feed_ack->has_up_to_seq = 1;
	f->feed_ack->up_to_seq = 1000;
	fx_send(&x, f);
	fx_assert_result(&x, ERR_BAD_VALUE);
	assert_int_equal(x.metrics.bad_frames, 1);
	fx_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pull_asks_for_a_page),
		cmocka_unit_test(test_pull_from_another_scope),
		cmocka_unit_test(test_changed_rights_stop_the_feed),
		cmocka_unit_test(test_pull_that_is_refused),
		cmocka_unit_test(test_page_of_the_person_before),
		cmocka_unit_test(test_false_confirmation_is_a_bad_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
