/* sync: a server that answers with the wrong thing, and requests that no server should see. */
#include "rig_talk.h"

#include "base/check.h"

static void frame_of(struct rig *r, Roomkeep__Frame__BodyCase body_case, uint64_t request)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Ping ping = ROOMKEEP__PING__INIT;
	Roomkeep__Rooms rooms = ROOMKEEP__ROOMS__INIT;

	f.body_case = body_case;
	if (body_case == ROOMKEEP__FRAME__BODY_PING) f.ping = &ping;
	if (body_case == ROOMKEEP__FRAME__BODY_ROOMS) f.rooms = &rooms;
	rig_frame(r, &f, request);
}

/* ---- Welcome --------------------------------------------------------------------------------- */

struct welcome {
	bool has_proto;
	uint32_t proto;
	bool enrolled;
	enum sync_reason want;
};

static void test_welcomes_that_are_none(void **state)
{
	static const struct welcome welcomes[] = {
		{ false, 1, true, SYNC_REASON_TOO_NEW },
		{ true, 0, true, SYNC_REASON_TOO_NEW },
		{ true, 99, true, SYNC_REASON_TOO_NEW },
		{ true, 1, false, SYNC_REASON_NOT_ENROLLED },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(welcomes); i++) {
		struct rig *r = rig_new(1);
		Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
		Roomkeep__Welcome w = ROOMKEEP__WELCOME__INIT;
		w.has_proto = welcomes[i].has_proto;
		w.proto = welcomes[i].proto;
		w.has_enrolled = true;
		w.enrolled = welcomes[i].enrolled;
		f.body_case = ROOMKEEP__FRAME__BODY_WELCOME;
		f.welcome = &w;
		rig_event(r, SYNC_EV_TICK);
		rig_event(r, SYNC_EV_LINK_UP);
		rig_frame(r, &f, 1);
		assert_int_equal(sync_link_now(r->s), SYNC_LINK_REFUSED);
		assert_int_equal(sync_reason_now(r->s), welcomes[i].want);
		assert_null(rig_ask(r, SYNC_ASK_WELCOME)); /* the desk never sees it */
		rig_free(r);
	}
}

static void test_words_for_every_link_and_reason(void **state)
{
	(void)state;
	for (unsigned i = SYNC_REASON_NONE; i <= SYNC_REASON_BAD_RECORD; i++)
		for (unsigned j = SYNC_REASON_NONE; j < i; j++)
			assert_string_not_equal(sync_reason_name((enum sync_reason)i),
						sync_reason_name((enum sync_reason)j));
	assert_string_equal(sync_reason_name(SYNC_REASON_NONE), "none");
	assert_string_equal(sync_reason_name(SYNC_REASON_RETIRED), "retired");
	assert_string_equal(sync_link_name(SYNC_LINK_OFFLINE), "offline");
	assert_string_equal(sync_link_name(SYNC_LINK_ONLINE), "online");
	assert_string_equal(sync_link_name(SYNC_LINK_REFUSED), "refused");
}

/* ---- answers of the wrong kind --------------------------------------------------------------- */

#define WRONG ROOMKEEP__FRAME__BODY_ROOMS

/* To every question a server may get, an answer that is not one. */
static void test_wrong_answers_end_the_link(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct rig *r = rig_new(1);
		rig_to_courier(r);
		if (i == 0) { /* to a batch */
			rig_done(r,
				 (struct sync_result){
					 .type = SYNC_ASK_COURIER,
					 .frame = rig_body(ROOMKEEP__FRAME__BODY_COURIER_PUSH) });
			frame_of(r, WRONG, rig_number(r, ROOMKEEP__FRAME__BODY_COURIER_PUSH));
		}
		if (i == 1) { /* to a ping */
			rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
			while (rig_sent(r, ROOMKEEP__FRAME__BODY_PING) == NULL) rig_wait(r, 250);
			frame_of(r, WRONG, rig_number(r, ROOMKEEP__FRAME__BODY_PING));
		}
		if (i >= 2) rig_person_in(r);
		if (i == 2) /* to the start of a sign-in */
			frame_of(r, WRONG, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
		if (i == 3) { /* to a proof */
			rig_login_params(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
			rig_done(r, (struct sync_result){
					    .type = SYNC_ASK_LOGIN_PROOF,
					    .frame = rig_body(ROOMKEEP__FRAME__BODY_LOGIN_PROOF) });
			frame_of(r, WRONG, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_PROOF));
		}
		if (i >= 4) rig_finish_login(r, (struct sync_cursor){ .epoch = rig_epoch });
		if (i == 4) { /* to a sign-out */
			rig_event(r, SYNC_EV_PERSON_OUT);
			frame_of(r, WRONG, rig_number(r, ROOMKEEP__FRAME__BODY_LOGOUT));
		}
		if (i == 5) /* a room's frame, said by the server */
			frame_of(r, ROOMKEEP__FRAME__BODY_PING, 0);
		assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
		assert_int_equal(sync_stats(r->s)->bad_frames, 1);
		assert_int_equal(sync_link_now(r->s), SYNC_LINK_OFFLINE);
		rig_free(r);
	}
}

static void test_pull_that_is_refused(void **state)
{
	(void)state;
	static const enum err codes[] = { ERR_OK, ERR_BUSY };
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct rig *r = rig_new(1);
		rig_to_signed_in(r);
		rig_result(r, rig_number(r, ROOMKEEP__FRAME__BODY_PULL), codes[i]);
		assert_int_equal(sync_state_now(r->s),
				 codes[i] == ERR_OK ? SYNC_SIGNED_IN : SYNC_CLOSING);
		/* It may be better the next time: not red. */
		assert_int_not_equal(sync_link_now(r->s), SYNC_LINK_REFUSED);
		rig_free(r);
	}
}

/* A server that says "wait a year" is asked again before that. */
static void test_throttled_for_ever_is_not_believed(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Result m = ROOMKEEP__RESULT__INIT;
	const uint64_t hour_ms = 60u * 60u * 1000u;

	rig_to_courier(r);
	rig_person_in(r);
	m.has_code = m.has_retry_ms = true;
	m.code = ERR_THROTTLED;
	m.retry_ms = UINT32_MAX;
	f.body_case = ROOMKEEP__FRAME__BODY_RESULT;
	f.result = &m;
	rig_frame(r, &f, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	assert_int_equal(sync_state_now(r->s), SYNC_COURIER);
	const uint64_t at = r->now;
	rig_clear(r);
	while (rig_sent(r, ROOMKEEP__FRAME__BODY_LOGIN_START) == NULL) {
		assert_true(r->now < at + hour_ms);
		rig_wait(r, 1000);
		rig_event(r, SYNC_EV_BYTES);
	}
	rig_free(r);
}

/* The verb signed in on a connection that is gone; on this one the server knows somebody else. */
static void test_person_of_another_connection(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);

	rig_to_courier(r);
	rig_request(r, 42, SYNC_NEEDS_LINK, 5000, 0);
	rig_login_ok(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_directory_empty(r);
	assert_int_equal(r->reply_count, 1);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_PERSON_IN,
					  .person = rig_person,
					  .login = "mara",
					  .serial = r->replies[0].serial + 1 });
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	assert_null(rig_sent(r, ROOMKEEP__FRAME__BODY_PULL));
	rig_free(r);
}

/* What the desk finds out about a person who has left the room meanwhile changes nothing. */
static void test_answers_about_somebody_who_left(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);

	rig_to_signed_in(r);
	rig_scope(r);
	rig_directory_empty(r);
	assert_non_null(rig_ask(r, SYNC_ASK_SCOPE));
	rig_event(r, SYNC_EV_PERSON_OUT);
	assert_int_equal(sync_state_now(r->s), SYNC_LEAVING);
	const size_t sent = r->sent_count;
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_SCOPE, .err = ERR_SIGNED_OUT });
	assert_int_equal(sync_state_now(r->s), SYNC_LEAVING);
	assert_int_equal(r->sent_count, sent);
	rig_free(r);
}

/* ---- requests -------------------------------------------------------------------------------- */

static enum err ask_with(struct rig *r, struct view frame, uint64_t serial)
{
	rig_clear(r);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_REQUEST,
					  .request = { .id = 1,
						       .needs = SYNC_NEEDS_LINK,
						       .timeout_ms = 1000,
						       .serial = serial,
						       .frame = frame } });
	return r->reply_count == 1 ? r->replies[0].err : ERR_OK;
}

static void test_requests_of_wrong_sizes(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	static uint8_t bytes[FRAME_BODY_BYTES_MAX];

	rig_to_courier(r);
	assert_int_equal(ask_with(r, VIEW_EMPTY, 0), ERR_TOO_BIG);
	assert_int_equal(ask_with(r, view_of(bytes, sizeof(bytes)), 0), ERR_TOO_BIG);
	assert_int_equal(ask_with(r, view_of(bytes, sizeof(bytes) - 16), 0), ERR_TOO_BIG);
	/* The connection it was meant for is going down. */
	struct buf start = rig_body(ROOMKEEP__FRAME__BODY_LOGIN_START);
	assert_int_equal(ask_with(r, buf_view(&start), 1), ERR_OK);
	rig_feed(r, 1, true);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	assert_int_equal(ask_with(r, buf_view(&start), 1), ERR_OFFLINE);
	buf_fini(&start);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_welcomes_that_are_none),
		cmocka_unit_test(test_words_for_every_link_and_reason),
		cmocka_unit_test(test_wrong_answers_end_the_link),
		cmocka_unit_test(test_pull_that_is_refused),
		cmocka_unit_test(test_throttled_for_ever_is_not_believed),
		cmocka_unit_test(test_person_of_another_connection),
		cmocka_unit_test(test_answers_about_somebody_who_left),
		cmocka_unit_test(test_requests_of_wrong_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
