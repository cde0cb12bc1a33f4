/* sync: requests of verbs, bad peers, and anything in any order. */
#include "rig_talk.h"

#define PUSH ROOMKEEP__FRAME__BODY_PUSH
#define PULL ROOMKEEP__FRAME__BODY_PULL

/* ---- requests -------------------------------------------------------------------------------- */

static void test_requests_fail_in_the_right_way(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	rig_request(r, 1, SYNC_NEEDS_PERSON, 1000, 0);
	assert_int_equal(r->replies[0].err, ERR_SIGNED_OUT);
	rig_request(r, 2, SYNC_NEEDS_LINK, 1000, 0); /* waits for the dial */
	assert_int_equal(r->reply_count, 1);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
	assert_int_equal(r->replies[1].err, ERR_OFFLINE);
	rig_clear(r);
	rig_request(r, 3, SYNC_NEEDS_LINK, 700, 0); /* does not sit out the back-off */
	assert_int_equal(sync_state_now(r->s), SYNC_DIALING);
	rig_wait(r, 699);
	assert_int_equal(r->reply_count, 0);
	rig_wait(r, 1);
	assert_int_equal(r->replies[0].err, ERR_TIMEOUT);
	rig_request(r, 4, SYNC_NEEDS_LINK, 700, 77); /* another connection */
	assert_int_equal(r->replies[1].err, ERR_OFFLINE);
	rig_clear(r);
	for (uint64_t id = 10; id < 10 + SYNC_REQUESTS_MAX; id++)
		rig_request(r, id, SYNC_NEEDS_LINK, 9000, 0);
	assert_int_equal(r->reply_count, 0);
	rig_request(r, 99, SYNC_NEEDS_LINK, 9000, 0);
	assert_int_equal(r->replies[0].err, ERR_FULL);
	rig_free(r);
}

static void test_request_waits_for_sign_in_after_a_drop(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_request(r, 1, SYNC_NEEDS_PERSON, 30000, 0); /* on the wire */
	rig_clear(r);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
	assert_int_equal(r->replies[0].err, ERR_OFFLINE);
	rig_request(r, 2, SYNC_NEEDS_PERSON, 30000, 0);
	rig_clear(r);
	rig_to_courier(r);
	assert_null(rig_sent(r, ROOMKEEP__FRAME__BODY_LIST_ROOMS));
	rig_finish_login(r, (struct sync_cursor){ .epoch = rig_epoch });
	const uint64_t n = rig_number(r, ROOMKEEP__FRAME__BODY_LIST_ROOMS);
	rig_clear(r);
	rig_result(r, n, ERR_DENIED);
	assert_int_equal(r->replies[0].id, 2);
	assert_int_equal(r->replies[0].err, ERR_DENIED);
	assert_non_null(r->replies[0].frame);
	rig_result(r, n, ERR_DENIED); /* twice: late, no harm */
	assert_int_equal(r->reply_count, 1);
	assert_int_equal(sync_stats(r->s)->late_replies, 1);
	assert_int_equal(sync_state_now(r->s), SYNC_SIGNED_IN);
	rig_free(r);
}

/* ---- bad peers ------------------------------------------------------------------------------- */

static void test_unexpected_frames_close(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		struct rig *r = rig_new(1);
		rig_event(r, SYNC_EV_TICK);
		rig_event(r, SYNC_EV_LINK_UP);
		if (i >= 2) {
			rig_welcome(r);
			rig_done(r, (struct sync_result){ .type = SYNC_ASK_WELCOME });
		}
		if (i == 0) rig_feed(r, 1, true);        /* before Welcome */
		if (i == 1) rig_result(r, 1, ERR_OK);    /* instead of Welcome */
		if (i == 2) rig_feed(r, 1, true);        /* nobody signed in */
		if (i == 3) rig_welcome(r);              /* twice */
		if (i == 4) rig_result(r, 1000, ERR_OK); /* to no request */
		if (i == 5) rig_result(r, 0, ERR_PROTO); /* could not read ours */
		if (i == 6)
			rig_step(r, &(struct sync_event){ .type = SYNC_EV_FRAME,
							  .frame = view_str("garbage") });
		assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
		assert_int_equal(sync_stats(r->s)->bad_frames, 1);
		assert_int_equal(r->closes, 1);
		rig_free(r);
	}
}

static void test_server_with_less_than_seen_is_refused(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_result(r, rig_number(r, PULL), ERR_FORK);
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_REFUSED);
	assert_int_equal(sync_reason_now(r->s), SYNC_REASON_WRONG_EPOCH);
	rig_free(r);
}

static void test_bad_peer_slows_the_dialling(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	uint64_t last = 0;
	for (unsigned i = 0; i < 8; i++) {
		rig_to_courier(r);
		rig_feed(r, 1, true);
		rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_CLOSED });
		last = sync_deadline_ms(r->s) - r->now;
		rig_clear(r);
	}
	assert_true(last >= RETRY_MS_MAX_BUSY / 2);
	rig_free(r);
}

static void test_redial_on_new_address(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_event(r, SYNC_EV_REDIAL);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	rig_clear(r);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_CANCELED });
	assert_int_equal(r->dials, 1);
	rig_free(r);
}

/* ---- anything in any order ------------------------------------------------------------------- */

static void any_frame(struct rig *r, const struct rand_source *rand)
{
	const uint64_t n = rand_below(rand, 4) == 0 ? rand_below(rand, 40)
			   : r->sent_count > 0 ? r->sent[rand_below(rand, r->sent_count)]->request
					       : 0;
	switch (rand_below(rand, 12)) {
	case 0: rig_welcome(r); break;
	case 1: rig_login_params(r, n); break;
	case 2: rig_login_ok(r, n); break;
	case 3: rig_feed(r, rand_below(rand, 100), rand_below(rand, 2) == 0); break;
	case 4: rig_ack(r, n); break;
	case 5: rig_scope(r); break;
	case 6: rig_result(r, n, rand_below(rand, 2) == 0 ? ERR_OK : ERR_AUTH); break;
	case 7: {
		Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
		Roomkeep__Directory d = ROOMKEEP__DIRECTORY__INIT;
		f.body_case = ROOMKEEP__FRAME__BODY_DIRECTORY;
		f.directory = &d;
		rig_frame(r, &f, n);
		break;
	}
	case 8: {
		Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
		Roomkeep__Pong p = ROOMKEEP__PONG__INIT;
		f.body_case = ROOMKEEP__FRAME__BODY_PONG;
		f.pong = &p;
		rig_frame(r, &f, n);
		break;
	}
	default: rig_result(r, n, ERR_OK); break;
	}
}

static void any_event(struct rig *r, const struct rand_source *rand, bool *in)
{
	struct sync_result res = { 0 };
	r->now += rand_below(rand, 700);
	switch (rand_below(rand, 14)) {
	case 0:
		if (sync_state_now(r->s) == SYNC_DIALING) rig_event(r, SYNC_EV_LINK_UP);
		break;
	case 1:
		if (rand_below(rand, 6) == 0)
			rig_step(r,
				 &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
		break;
	case 2: rig_event(r, SYNC_EV_OUTBOX); break;
	case 3:
		if (*in)
			rig_event(r, SYNC_EV_PERSON_OUT);
		else
			rig_person_in(r);
		*in = !*in;
		break;
	case 4:
		rig_request(r, 1 + rand_below(rand, 1000000), (enum sync_needs)rand_below(rand, 2),
			    3000, 0);
		break;
	case 5: rig_event(r, SYNC_EV_NOW); break;
	case 6:
	case 7:
	case 8:
		if (r->ask_count == 0) break;
		res.type = r->asks[r->ask_count - 1].type;
		res.id = r->asks[r->ask_count - 1].id;
		if (rand_below(rand, 5) == 0) res.err = ERR_NOT_FOUND;
		if (res.type == SYNC_ASK_LOGIN_PROOF)
			res.frame = rig_body(ROOMKEEP__FRAME__BODY_LOGIN_PROOF);
		if (res.type == SYNC_ASK_PUSH && rand_below(rand, 2) == 0)
			res.frame = rig_body(PUSH);
		rig_step(r, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &res });
		sync_result_fini(&res);
		break;
	default: any_frame(r, rand); break;
	}
	if (sync_state_now(r->s) == SYNC_CLOSING && rand_below(rand, 3) == 0)
		rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_CLOSED });
}

/* The invariants stand in sync_step itself; here it meets whatever order. Afterwards a good server
 * and desk must bring it back to work: nothing is stuck. */
static void test_any_order_of_events(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		struct rig *r = rig_new(seed);
		struct rand_seeded seeded;
		const struct rand_source rand = rand_seeded_init(&seeded, seed * 7919);
		bool in = false;
		for (unsigned i = 0; i < 120; i++) {
			if (r->sent_count > 100 || r->ask_count > 100) rig_clear(r);
			any_event(r, &rand, &in);
		}
		if (in) rig_event(r, SYNC_EV_PERSON_OUT);
		rig_event(r, SYNC_EV_REDIAL);
		rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_CLOSED });
		rig_clear(r);
		if (sync_state_now(r->s) == SYNC_DIALING) {
			rig_step(r,
				 &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
		}
		rig_to_courier(r);
		assert_int_equal(sync_state_now(r->s), SYNC_COURIER);
		rig_person_in(r);
		rig_finish_login(r, (struct sync_cursor){ .epoch = rig_epoch });
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_fail_in_the_right_way),
		cmocka_unit_test(test_request_waits_for_sign_in_after_a_drop),
		cmocka_unit_test(test_unexpected_frames_close),
		cmocka_unit_test(test_server_with_less_than_seen_is_refused),
		cmocka_unit_test(test_bad_peer_slows_the_dialling),
		cmocka_unit_test(test_redial_on_new_address),
		cmocka_unit_test(test_any_order_of_events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
