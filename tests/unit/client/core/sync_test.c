/* sync: connecting, back-off, silence, signing in and out. */
#include "rig_talk.h"

#define PING ROOMKEEP__FRAME__BODY_PING
#define PULL ROOMKEEP__FRAME__BODY_PULL
#define LOGOUT ROOMKEEP__FRAME__BODY_LOGOUT
#define GET_DIRECTORY ROOMKEEP__FRAME__BODY_GET_DIRECTORY

static void test_connects_and_goes_quiet(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	assert_int_equal(r->dials, 1);
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_OFFLINE);
	rig_event(r, SYNC_EV_LINK_UP);
	Roomkeep__Frame *hello = rig_sent(r, ROOMKEEP__FRAME__BODY_HELLO);
	assert_non_null(hello);
	assert_int_equal(hello->hello->proto_min, 1);
	assert_memory_equal(hello->hello->epoch.data, rig_epoch.b, ID_BYTES);
	rig_welcome(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_WELCOME, .dir_seq = 1 });
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_ONLINE);
	assert_int_equal(sync_state_now(r->s), SYNC_COURIER);
	assert_false(sync_is_quiet(r->s));
	assert_true(id_is_zero(&rig_ask(r, SYNC_ASK_COURIER)->person));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	assert_true(sync_is_quiet(r->s));
	rig_free(r);
}

static void test_fetches_directory_before_anything_else(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	rig_event(r, SYNC_EV_LINK_UP);
	rig_welcome(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_WELCOME, .dir_seq = 0, .again = true });
	assert_int_equal(sync_state_now(r->s), SYNC_CHECK);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Directory d = ROOMKEEP__DIRECTORY__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_DIRECTORY;
	f.directory = &d;
	for (uint64_t page = 1; page <= 3; page++) {
		assert_int_equal(rig_sent(r, GET_DIRECTORY)->get_directory->after_dir_seq,
				 (page - 1) * 10);
		rig_frame(r, &f, rig_number(r, GET_DIRECTORY));
		rig_done(r, (struct sync_result){ .type = SYNC_ASK_DIRECTORY,
						  .dir_seq = page * 10,
						  .again = true });
		assert_int_equal(sync_link_now(r->s), SYNC_LINK_OFFLINE);
	}
	rig_frame(r, &f, rig_number(r, GET_DIRECTORY));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_DIRECTORY, .dir_seq = 30 });
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_ONLINE);
	rig_free(r);
}

static void test_forged_directory_is_refused(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	rig_event(r, SYNC_EV_LINK_UP);
	rig_welcome(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_WELCOME, .again = true });
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Directory d = ROOMKEEP__DIRECTORY__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_DIRECTORY;
	f.directory = &d;
	rig_frame(r, &f, rig_number(r, GET_DIRECTORY));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_DIRECTORY,
					  .err = ERR_FORK,
					  .reason = SYNC_REASON_BAD_DIRECTORY });
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_REFUSED);
	assert_int_equal(sync_reason_now(r->s), SYNC_REASON_BAD_DIRECTORY);
	assert_int_equal(r->closes, 1);
	rig_free(r);
}

static void test_unknown_epoch_moves_nothing(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	rig_event(r, SYNC_EV_LINK_UP);
	rig_welcome(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_WELCOME,
					  .err = ERR_VERSION,
					  .reason = SYNC_REASON_WRONG_EPOCH });
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_REFUSED);
	assert_null(rig_ask(r, SYNC_ASK_COURIER));
	rig_clear(r);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_CLOSED });
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_REFUSED);
	const uint64_t wait = sync_deadline_ms(r->s) - r->now;
	assert_in_range(wait, RETRY_MS_IDLE / 2, RETRY_MS_IDLE);
	rig_free(r);
}

static void refuse_with(Roomkeep__RefuseReason reason, enum sync_link link, enum sync_reason why)
{
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	rig_event(r, SYNC_EV_LINK_UP);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Refuse m = ROOMKEEP__REFUSE__INIT;
	m.has_reason = true;
	m.reason = reason;
	f.body_case = ROOMKEEP__FRAME__BODY_REFUSE;
	f.refuse = &m;
	rig_frame(r, &f, 0);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	assert_int_equal(sync_link_now(r->s), link);
	assert_int_equal(sync_reason_now(r->s), why);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_CLOSED });
	assert_int_equal(sync_link_now(r->s), link);
	rig_free(r);
}

static void test_refusals(void **state)
{
	(void)state;
	refuse_with(ROOMKEEP__REFUSE_REASON__RETIRED, SYNC_LINK_REFUSED, SYNC_REASON_RETIRED);
	refuse_with(ROOMKEEP__REFUSE_REASON__TOO_OLD, SYNC_LINK_REFUSED, SYNC_REASON_TOO_OLD);
	refuse_with(ROOMKEEP__REFUSE_REASON__TOO_NEW, SYNC_LINK_REFUSED, SYNC_REASON_TOO_NEW);
	refuse_with(ROOMKEEP__REFUSE_REASON__WRONG_CLINIC, SYNC_LINK_REFUSED,
		    SYNC_REASON_WRONG_CLINIC);
	refuse_with(ROOMKEEP__REFUSE_REASON__NOT_ENROLLED, SYNC_LINK_REFUSED,
		    SYNC_REASON_NOT_ENROLLED);
	refuse_with(ROOMKEEP__REFUSE_REASON__WRONG_EPOCH, SYNC_LINK_REFUSED,
		    SYNC_REASON_WRONG_EPOCH);
	refuse_with(ROOMKEEP__REFUSE_REASON__SHUTTING_DOWN, SYNC_LINK_OFFLINE, SYNC_REASON_NONE);
	refuse_with(ROOMKEEP__REFUSE_REASON__TOO_MANY, SYNC_LINK_OFFLINE, SYNC_REASON_NONE);
	refuse_with(ROOMKEEP__REFUSE_REASON__BAD_FRAME, SYNC_LINK_OFFLINE, SYNC_REASON_NONE);
	refuse_with(ROOMKEEP__REFUSE_REASON__FRAME_TOO_BIG, SYNC_LINK_OFFLINE, SYNC_REASON_NONE);
	refuse_with(ROOMKEEP__REFUSE_REASON__STALLED, SYNC_LINK_OFFLINE, SYNC_REASON_NONE);
	refuse_with(ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN, SYNC_LINK_OFFLINE, SYNC_REASON_NONE);
}

static void test_foreign_server_is_red(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_REFUSED });
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_REFUSED);
	assert_int_equal(sync_reason_now(r->s), SYNC_REASON_FOREIGN_SERVER);
	rig_free(r);
}

/* ---- time ------------------------------------------------------------------------------------ */

static uint64_t fail_dial(struct rig *r)
{
	r->now = sync_deadline_ms(r->s);
	rig_event(r, SYNC_EV_TICK);
	assert_int_equal(sync_state_now(r->s), SYNC_DIALING);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
	return sync_deadline_ms(r->s) - r->now;
}

static void test_backoff_while_queued_stays_below_five_seconds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		struct rig *r = rig_new(seed);
		rig_event(r, SYNC_EV_OUTBOX);
		rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
		uint64_t want = RETRY_MS_MIN;
		for (unsigned i = 0; i < 20; i++) {
			const uint64_t wait = fail_dial(r);
			want = want * 2 < RETRY_MS_MAX_BUSY ? want * 2 : RETRY_MS_MAX_BUSY;
			assert_in_range(wait, want / 2, want);
		}
		rig_free(r);
	}
}

static void test_backoff_idle_and_woken_by_an_op(void **state)
{
	(void)state;
	struct rig *r = rig_new(3);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
	uint64_t wait = 0;
	for (unsigned i = 0; i < 12; i++) wait = fail_dial(r);
	assert_in_range(wait, RETRY_MS_IDLE / 2, RETRY_MS_IDLE);
	rig_event(r, SYNC_EV_OUTBOX);
	assert_true(sync_deadline_ms(r->s) - r->now <= RETRY_MS_MAX_BUSY);
	rig_event(r, SYNC_EV_NOW);
	assert_int_equal(sync_state_now(r->s), SYNC_DIALING);
	rig_free(r);
}

static void test_silence_is_noticed_within_five_seconds(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	rig_clear(r);
	const uint64_t from = r->now;
	rig_wait(r, OFFLINE_MS - 1);
	assert_non_null(rig_sent(r, PING));
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_ONLINE);
	rig_wait(r, 1);
	assert_int_equal(r->now, from + OFFLINE_MS);
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_OFFLINE);
	assert_int_equal(r->closes, 1);
	rig_wait(r, 60000); /* nothing more until the link says it is down */
	assert_int_equal(r->closes, 1);
	rig_free(r);
}

static void pong_news(struct rig *r, uint64_t dir_seq, uint64_t accounts)
{
	rig_clear(r);
	rig_wait(r, PING_MS);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Pong p = ROOMKEEP__PONG__INIT;
	p.has_dir_seq = p.has_accounts = true;
	p.dir_seq = dir_seq;
	p.accounts = accounts;
	f.body_case = ROOMKEEP__FRAME__BODY_PONG;
	f.pong = &p;
	rig_frame(r, &f, rig_number(r, PING));
}

/* With nobody signed in a disabled person's entry and a new passphrase come by the Pong. */
static void test_a_pong_brings_news_of_people(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	pong_news(r, 1, 0); /* what the room has: nothing happens */
	assert_null(rig_sent(r, GET_DIRECTORY));
	assert_null(rig_ask(r, SYNC_ASK_ACCOUNTS));

	pong_news(r, 2, 7);
	assert_int_equal(rig_sent(r, PING)->ping->accounts, 0);
	assert_non_null(rig_ask(r, SYNC_ASK_ACCOUNTS));
	assert_int_equal(rig_sent(r, GET_DIRECTORY)->get_directory->after_dir_seq, 1);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Directory d = ROOMKEEP__DIRECTORY__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_DIRECTORY;
	f.directory = &d;
	rig_frame(r, &f, rig_number(r, GET_DIRECTORY));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_DIRECTORY, .dir_seq = 2 });
	assert_int_equal(sync_state_now(r->s), SYNC_COURIER);

	pong_news(r, 2, 7); /* heard once is enough */
	assert_int_equal(rig_sent(r, PING)->ping->accounts, 7);
	assert_null(rig_sent(r, GET_DIRECTORY));
	assert_null(rig_ask(r, SYNC_ASK_ACCOUNTS));
	rig_free(r);
}

static void test_answers_and_bytes_keep_the_link(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	for (unsigned i = 0; i < 30; i++) {
		rig_clear(r);
		rig_wait(r, PING_MS);
		Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
		Roomkeep__Pong p = ROOMKEEP__PONG__INIT;
		p.has_backed_up_seq = true;
		p.backed_up_seq = i / 10;
		f.body_case = ROOMKEEP__FRAME__BODY_PONG;
		f.pong = &p;
		rig_frame(r, &f, rig_number(r, PING));
		assert_int_equal(rig_ask(r, SYNC_ASK_BACKED_UP) != NULL, i == 10 || i == 20);
	}
	for (unsigned i = 0; i < 4; i++) {
		rig_wait(r, OFFLINE_MS - 1000);
		rig_event(r, SYNC_EV_BYTES);
	}
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_ONLINE);
	rig_free(r);
}

static void test_dial_and_hello_have_deadlines(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_event(r, SYNC_EV_TICK);
	rig_wait(r, HANDSHAKE_MS_MAX);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_TIMEOUT });
	r->now = sync_deadline_ms(r->s);
	rig_event(r, SYNC_EV_TICK);
	rig_event(r, SYNC_EV_LINK_UP);
	rig_wait(r, OFFLINE_MS);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	rig_free(r);
}

/* ---- signing in ------------------------------------------------------------------------------ */

static void test_signs_in_by_itself_after_a_drop(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	uint8_t cn[2][SYNC_NONCE_BYTES];
	rig_to_signed_in(r);
	memcpy(cn[0], rig_ask(r, SYNC_ASK_LOGIN_PROOF)->cn, SYNC_NONCE_BYTES);
	Roomkeep__Frame *pull = rig_sent(r, PULL);
	assert_int_equal(pull->pull->seq, 5);
	assert_int_equal(pull->pull->scope_version, 1);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
	assert_int_equal(sync_state_now(r->s), SYNC_OFFLINE);
	assert_true(sync_deadline_ms(r->s) - r->now <= RETRY_MS_MAX_BUSY);
	rig_clear(r);
	rig_to_courier(r);
	rig_finish_login(r,
			 (struct sync_cursor){ .epoch = rig_epoch, .seq = 9, .scope_version = 1 });
	memcpy(cn[1], rig_ask(r, SYNC_ASK_LOGIN_PROOF)->cn, SYNC_NONCE_BYTES);
	assert_memory_not_equal(cn[0], cn[1], SYNC_NONCE_BYTES); /* a new challenge each time */
	assert_int_equal(rig_sent(r, PULL)->pull->seq, 9);
	rig_free(r);
}

static void test_keys_refused_locks_the_room_once(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_person_in(r);
	rig_login_params(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_LOGIN_PROOF,
					  .frame = rig_body(ROOMKEEP__FRAME__BODY_LOGIN_PROOF) });
	rig_result(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_PROOF), ERR_AUTH);
	assert_int_equal(r->refused_people, 1);
	assert_non_null(rig_ask(r, SYNC_ASK_LOGIN_REFUSED));
	assert_true(id_equal(&rig_ask(r, SYNC_ASK_LOGIN_REFUSED)->person, &rig_person));
	assert_int_equal(sync_state_now(r->s), SYNC_COURIER);
	rig_clear(r);
	rig_wait(r, 4000);
	assert_null(rig_sent(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_event(r, SYNC_EV_PERSON_OUT);
	assert_null(rig_sent(r, LOGOUT)); /* the server knows nobody */
	rig_free(r);
}

static void test_throttled_sign_in_waits(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	rig_person_in(r);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Result m = ROOMKEEP__RESULT__INIT;
	m.has_code = m.has_retry_ms = true;
	m.code = ERR_THROTTLED;
	m.retry_ms = 8000;
	f.body_case = ROOMKEEP__FRAME__BODY_RESULT;
	f.result = &m;
	const uint64_t at = r->now;
	rig_frame(r, &f, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	assert_int_equal(r->refused_people, 0);
	rig_clear(r);
	for (unsigned i = 0; i < 7; i++) {
		rig_wait(r, 1000);
		rig_event(r, SYNC_EV_BYTES);
	}
	assert_null(rig_sent(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_wait(r, 1000);
	assert_int_equal(r->now, at + 8000);
	assert_non_null(rig_sent(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_free(r);
}

static void test_verb_signs_in_and_the_directory_comes_first(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_COURIER });
	rig_request(r, 41, SYNC_NEEDS_LINK, 5000, 0);
	rig_login_params(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	assert_int_equal(r->reply_count, 1);
	assert_int_equal(r->replies[0].id, 41);
	assert_int_equal(r->replies[0].err, ERR_OK);
	assert_int_equal(r->replies[0].frame->body_case, ROOMKEEP__FRAME__BODY_LOGIN_PARAMS);
	const uint64_t serial = r->replies[0].serial;
	assert_int_equal(serial, sync_conn_now(r->s)->serial);
	rig_clear(r);
	rig_request(r, 42, SYNC_NEEDS_LINK, 5000, serial);
	rig_login_ok(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	assert_int_equal(r->reply_count, 0); /* held */
	rig_event(r, SYNC_EV_OUTBOX);
	assert_null(rig_ask(r, SYNC_ASK_COURIER)); /* whose rows they are is not settled yet */
	rig_directory_empty(r);
	assert_int_equal(r->reply_count, 1);
	assert_int_equal(r->replies[0].id, 42);
	assert_int_equal(r->replies[0].frame->body_case, ROOMKEEP__FRAME__BODY_LOGIN_OK);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_PERSON_IN,
					  .person = rig_person,
					  .login = "mara",
					  .serial = serial });
	assert_int_equal(sync_state_now(r->s), SYNC_SIGNED_IN);
	assert_non_null(rig_sent(r, PULL));
	rig_free(r);
}

static void test_failed_finish_makes_the_server_forget(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_request(r, 42, SYNC_NEEDS_LINK, 5000, 0);
	rig_login_ok(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_directory_empty(r);
	rig_event(r, SYNC_EV_PERSON_OUT);
	assert_int_equal(sync_state_now(r->s), SYNC_LEAVING);
	rig_result(r, rig_number(r, LOGOUT), ERR_OK);
	assert_int_equal(sync_state_now(r->s), SYNC_COURIER);
	rig_free(r);
}

/* A person who waits for the next own try to sign in does not hurry a verb that signs in anew, and
 * a verb that is never heard of again does not leave the outbox waiting for ever. */
static void test_verb_that_never_finishes_is_undone(void **state)
{
	(void)state;
	for (unsigned with_person = 0; with_person < 2; with_person++) {
		struct rig *r = rig_new(1);
		rig_to_courier(r);
		if (with_person == 1) {
			rig_person_in(r);
			rig_result(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START), ERR_BUSY);
			rig_clear(r);
		}
		rig_request(r, 42, SYNC_NEEDS_LINK, 30000, 0);
		rig_login_ok(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
		rig_directory_empty(r);
		assert_int_equal(r->reply_count, 1);
		for (uint64_t ms = 1000; ms <= SYNC_VERB_MS; ms += 1000) {
			assert_int_equal(sync_state_now(r->s), SYNC_COURIER);
			r->now += 1000;
			rig_event(r, SYNC_EV_BYTES);
			rig_event(r, SYNC_EV_TICK);
			assert_true(sync_deadline_ms(r->s) > r->now);
		}
		assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
		rig_free(r);
	}
}

static void test_sign_in_nobody_waits_for_is_undone(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_courier(r);
	rig_request(r, 42, SYNC_NEEDS_LINK, 1000, 0);
	const uint64_t number = rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START);
	rig_wait(r, 1000);
	assert_int_equal(r->replies[0].err, ERR_TIMEOUT);
	rig_login_ok(r, number);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	rig_free(r);
}

static void test_lock_says_farewell_and_logs_out(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_clear(r);
	rig_request(r, 9, SYNC_NEEDS_PERSON, 9000, 0);
	struct buf farewell = rig_body(ROOMKEEP__FRAME__BODY_PUT_VAULT);
	rig_step(r,
		 &(struct sync_event){ .type = SYNC_EV_PERSON_OUT, .frame = buf_view(&farewell) });
	buf_fini(&farewell);
	assert_int_equal(r->replies[0].err, ERR_SIGNED_OUT);
	assert_int_equal(r->sent_count, 3);
	assert_int_equal(r->sent[1]->body_case, ROOMKEEP__FRAME__BODY_PUT_VAULT);
	assert_int_equal(r->sent[2]->body_case, LOGOUT);
	assert_int_equal(sync_state_now(r->s), SYNC_LEAVING);
	rig_feed(r, 100, true); /* was on its way */
	assert_int_equal(sync_state_now(r->s), SYNC_LEAVING);
	assert_null(rig_ask(r, SYNC_ASK_FEED));
	rig_result(r, r->sent[1]->request, ERR_OK);
	rig_result(r, r->sent[2]->request, ERR_OK);
	assert_int_equal(sync_state_now(r->s), SYNC_COURIER);
	assert_int_equal(sync_link_now(r->s), SYNC_LINK_ONLINE);
	/* The next person at once. */
	rig_clear(r);
	rig_person_in(r);
	assert_non_null(rig_sent(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_free(r);
}

static void test_next_person_waits_for_the_logout(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_clear(r);
	rig_event(r, SYNC_EV_PERSON_OUT);
	const uint64_t logout = rig_number(r, LOGOUT);
	rig_person_in(r);
	assert_null(rig_sent(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_result(r, logout, ERR_OK);
	assert_non_null(rig_sent(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_free(r);
}

static void test_blocked_person_is_told_by_a_notice(void **state)
{
	(void)state;
	struct rig *r = rig_new(1);
	rig_to_signed_in(r);
	rig_result(r, 0, ERR_SIGNED_OUT);
	assert_int_equal(sync_state_now(r->s), SYNC_CLOSING);
	assert_int_equal(sync_stats(r->s)->bad_frames, 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects_and_goes_quiet),
		cmocka_unit_test(test_fetches_directory_before_anything_else),
		cmocka_unit_test(test_forged_directory_is_refused),
		cmocka_unit_test(test_unknown_epoch_moves_nothing),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_foreign_server_is_red),
		cmocka_unit_test(test_backoff_while_queued_stays_below_five_seconds),
		cmocka_unit_test(test_backoff_idle_and_woken_by_an_op),
		cmocka_unit_test(test_silence_is_noticed_within_five_seconds),
		cmocka_unit_test(test_a_pong_brings_news_of_people),
		cmocka_unit_test(test_answers_and_bytes_keep_the_link),
		cmocka_unit_test(test_dial_and_hello_have_deadlines),
		cmocka_unit_test(test_signs_in_by_itself_after_a_drop),
		cmocka_unit_test(test_keys_refused_locks_the_room_once),
		cmocka_unit_test(test_throttled_sign_in_waits),
		cmocka_unit_test(test_verb_signs_in_and_the_directory_comes_first),
		cmocka_unit_test(test_failed_finish_makes_the_server_forget),
		cmocka_unit_test(test_verb_that_never_finishes_is_undone),
		cmocka_unit_test(test_sign_in_nobody_waits_for_is_undone),
		cmocka_unit_test(test_lock_says_farewell_and_logs_out),
		cmocka_unit_test(test_next_person_waits_for_the_logout),
		cmocka_unit_test(test_blocked_person_is_told_by_a_notice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
