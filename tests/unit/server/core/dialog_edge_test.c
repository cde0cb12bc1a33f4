/* Frames that are almost right, asks that end in a world that has changed, and memory that runs out
 * at each allocation of a step: the dialog answers, refuses or hangs up and says nothing untrue. */
#include "dialog_talk.h"

#include "support/nomem.h"

/* ---- fields of a sign-in --------------------------------------------------------------------- */

static void test_a_login_without_its_parts(void **state)
{
	(void)state;
	static char long_handle[LOGIN_BYTES_MAX + 2];
	static char empty[] = "";
	static uint8_t cn[DIALOG_NONCE_BYTES + 1];
	struct fx x;
	for (size_t i = 0; i <= LOGIN_BYTES_MAX; i++) long_handle[i] = 'a';
	for (unsigned which = 0; which < 6; which++) {
		fx_reach(&x, DIALOG_COURIER);
		Roomkeep__Frame *f = fx_login_start_frame(&x);
		Roomkeep__LoginStart *m = f->login_start;
		if (which == 0) m->handle = NULL;
		if (which == 1) m->handle = empty;
		if (which == 2) m->handle = long_handle;
		if (which == 3) m->has_cn = 0;
		if (which == 4) m->cn = (ProtobufCBinaryData){ DIALOG_NONCE_BYTES - 1, cn };
		if (which == 5) m->cn = (ProtobufCBinaryData){ DIALOG_NONCE_BYTES + 1, cn };
		fx_send(&x, f);
		fx_assert_result(&x, ERR_BAD_VALUE);
		assert_int_equal(x.out.ask_count, 0);
		fx_fini(&x);
	}
}

static void test_a_proof_without_its_signature(void **state)
{
	(void)state;
	static uint8_t sig[ROSTER_SIG_BYTES];
	struct fx x;
	for (unsigned which = 0; which < 2; which++) {
		fx_reach(&x, DIALOG_COURIER);
		fx_login_start(&x);
		Roomkeep__Frame *f = fx_login_proof_frame(&x);
		if (which == 0) f->login_proof->has_sig = 0;
		if (which == 1)
			f->login_proof->sig = (ProtobufCBinaryData){ ROSTER_SIG_BYTES - 1, sig };
		fx_send(&x, f);
		fx_assert_result(&x, ERR_BAD_FORMAT);
		/* The challenge is spent all the same. */
		fx_send(&x, fx_login_proof_frame(&x));
		fx_assert_result(&x, ERR_EXPIRED);
		fx_fini(&x);
	}
}

/* A room that knows its clinic and not its epoch, as after a try that was cut off. */
static void test_a_hello_without_an_epoch(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, true);
	Roomkeep__Frame *f = fx_hello_frame(&x, true);
	f->hello->has_epoch = 0;
	fx_send(&x, f);
	assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
	fx_fini(&x);
}

static void test_a_pull_without_its_parts(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PULL)); /* nothing at all: from the start */
	const Roomkeep__Frame *f = fx_sent(&x, 0);
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_SCOPE_CHANGE);
	fx_fini(&x);
}

/* ---- as many asks as there may be ------------------------------------------------------------ */

static void test_nothing_is_begun_above_the_limit(void **state)
{
	(void)state;
	static const Roomkeep__Frame__BodyCase more[] = { ROOMKEEP__FRAME__BODY_LOGIN_START,
							  ROOMKEEP__FRAME__BODY_LOGIN_PROOF };
	struct fx x;
	for (size_t i = 0; i < COUNT_OF(more); i++) {
		fx_reach(&x, DIALOG_COURIER);
		if (more[i] == ROOMKEEP__FRAME__BODY_LOGIN_PROOF) fx_login_start(&x);
		while (x.d.ask_count < DIALOG_ASKS_MAX)
			fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_COURIER_PUSH));
		assert_false(dialog_may_read(&x.d));
		fx_send(&x, more[i] == ROOMKEEP__FRAME__BODY_LOGIN_START
				    ? fx_login_start_frame(&x)
				    : fx_login_proof_frame(&x));
		assert_int_equal(x.out.ask_count, 0);
		assert_int_equal(x.d.ask_count, DIALOG_ASKS_MAX);
		fx_fini(&x);
	}
	/* Signing out is not put off by it: the person stays in until the ask can be made. */
	fx_reach(&x, DIALOG_SIGNED_IN);
	while (x.d.ask_count < DIALOG_ASKS_MAX)
		fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PUSH));
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_LOGOUT));
	assert_int_equal(x.out.ask_count, 0);
	fx_fini(&x);
}

/* ---- asks that end in another world ---------------------------------------------------------- */

/* Retired while the proof was looked at, and told only afterwards. */
static void test_a_room_that_is_none_any_more_signs_nobody_in(void **state)
{
	(void)state;
	struct fx x;
	for (unsigned which = 0; which < 2; which++) {
		fx_reach(&x, DIALOG_COURIER);
		fx_login_start(&x);
		fx_send(&x, fx_login_proof_frame(&x));
		const uint64_t ask_id = x.out.ask[0].ask_id;
		if (which == 0)
			assert_int_equal(roster_retire_room(x.roster, view_str("Room 1")), ERR_OK);
		else
			x.roster->room_count = 0; /* loaded anew, without it */
		struct dialog_done done = { .ask_id = ask_id, .user_id = fx_jo };
		fx_done_reply(&x, &done);
		fx_assert_result(&x, ERR_AUTH);
		assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
		fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
		fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__RETIRED);
		fx_fini(&x);
	}
}

/* The server said yes, and the list of rooms does not have it: nobody is let in by a word alone. */
static void test_joining_needs_a_room(void **state)
{
	(void)state;
	struct fx x;
	for (unsigned which = 0; which < 2; which++) {
		fx_reach(&x, DIALOG_ENROLLING);
		fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_ENROL_PROOF));
		assert_int_equal(x.out.ask_count, 1);
		if (which == 1) fx_put_room(&x, "Room 1", x.peer.spki, ROSTER_RETIRED);
		fx_done(&x, x.out.ask[0].ask_id, ERR_OK);
		fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__NOT_ENROLLED);
		fx_fini(&x);
	}
}

/* A page that was read for Jo goes to nobody else, and not with rights that were taken. */
static void test_fetched_pages_of_another_time(void **state)
{
	(void)state;
	struct fx x;
	for (unsigned which = 0; which < 3; which++) {
		fx_reach(&x, DIALOG_SIGNED_IN);
		fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_FETCH));
		assert_int_equal(x.out.ask_count, 1);
		const uint64_t ask_id = x.out.ask[0].ask_id;
		if (which == 0) fx_put_user(&x, ROLE_DESK, true, 4);
		if (which == 0) fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
		if (which == 1) x.d.user_id = fx_room_id; /* somebody else by now */
		fx_done(&x, ask_id, ERR_OK);
		fx_assert_result(&x, which == 2 ? ERR_OK : ERR_SIGNED_OUT);
		fx_fini(&x);
	}
}

static void test_a_page_that_cannot_be_read(void **state)
{
	(void)state;
	struct fx x;
	for (unsigned which = 0; which < 2; which++) {
		fx_reach(&x, DIALOG_SIGNED_IN);
		fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PULL));
		struct dialog_done done = { .ask_id = x.d.page_ask_id,
					    .err = which == 0 ? ERR_IO : ERR_OK };
		assert_int_not_equal(x.d.page_ask_id, 0);
		fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
		assert_true(x.out.close);
		fx_fini(&x);
	}
}

/* News of a commit concern who is signed in. */
static void test_commits_are_no_news_to_a_courier(void **state)
{
	(void)state;
	struct fx x;
	const struct feed_page page = { .from_seq = 10, .to_seq = 11 };
	fx_reach(&x, DIALOG_COURIER);
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_PUBLISHED, .page = &page });
	assert_int_equal(x.out.send.len, 0);
	fx_fini(&x);
}

/* A bad answer after the conn was closed by another one counts no more. */
static void test_the_third_bad_answer_closes(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	for (unsigned i = 0; i < 3; i++) {
		fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_COURIER_PUSH));
		assert_int_equal(x.out.ask_count, 1);
		struct dialog_done done = { .ask_id = x.out.ask[0].ask_id,
					    .err = ERR_AUTH,
					    .bad = true };
		fx_done_reply(&x, &done);
	}
	assert_int_equal(dialog_state(&x.d), DIALOG_CLOSED);
	assert_int_equal(dialog_deadline_ms(&x.d), UINT64_MAX);
	assert_false(dialog_may_read(&x.d));
	fx_fini(&x);
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct step {
	const char *name;
	enum dialog_state from;
	void (*prepare)(struct fx *x); /* may be NULL */
	void (*take)(struct fx *x);
};

static uint64_t waiting;       /* an ask's id */
static Roomkeep__Frame *words; /* made before memory runs out */
static uint8_t reply_bytes[2000];

static void take_words(struct fx *x)
{
	fx_step(x, &(struct dialog_event){
			   .type = DIALOG_EV_FRAME, .frame = words, .frame_bytes = 100 });
}

static void make_hello(struct fx *x)
{
	words = fx_hello_frame(x, true);
}

static void make_ping(struct fx *x)
{
	words = fx_frame(x, ROOMKEEP__FRAME__BODY_PING);
}

static void make_rooms(struct fx *x)
{
	words = fx_frame(x, ROOMKEEP__FRAME__BODY_LIST_ROOMS);
}

static void make_bad(struct fx *x)
{
	words = fx_login_start_frame(x);
	words->login_start->has_cn = 0;
}

static void start_ask(struct fx *x)
{
	fx_send(x, fx_frame(x, ROOMKEEP__FRAME__BODY_COURIER_PUSH));
	waiting = x->out.ask[0].ask_id;
}

static void start_proof(struct fx *x)
{
	fx_login_start(x);
	fx_send(x, fx_login_proof_frame(x));
	waiting = x->out.ask[0].ask_id;
}

static void answer(struct fx *x, enum err err)
{
	struct dialog_done done = {
		.ask_id = waiting, .err = err, .user_id = fx_jo, .reply = VIEW_OF(reply_bytes)
	};
	fx_step(x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
}

static void answer_yes(struct fx *x)
{
	answer(x, ERR_OK);
}

static void answer_no(struct fx *x)
{
	answer(x, ERR_AUTH);
}

static void make_scope(struct fx *x)
{
	fx_send(x, fx_frame(x, ROOMKEEP__FRAME__BODY_PULL));
	fx_put_user(x, ROLE_THERAPIST | ROLE_DESK, true, 9);
}

static void take_roster(struct fx *x)
{
	fx_step(x, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
}

/* It hangs up or it has done all that it does with memory: the room comes back and asks again. */
static void test_memory_runs_out_in_any_step(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "hello", DIALOG_CONNECTED, make_hello, take_words },
		{ "ping", DIALOG_SIGNED_IN, make_ping, take_words },
		{ "rooms", DIALOG_SIGNED_IN, make_rooms, take_words },
		{ "bad frame", DIALOG_COURIER, make_bad, take_words },
		{ "answer", DIALOG_COURIER, start_ask, answer_yes },
		{ "signed in", DIALOG_COURIER, start_proof, answer_yes },
		{ "late answer", DIALOG_COURIER, start_proof, answer_no },
		{ "scope", DIALOG_SIGNED_IN, make_scope, take_roster },
	};
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		bool struck = true;
		for (uint64_t n = 1; struck; n++) {
			struct fx x;
			fx_reach(&x, steps[i].from);
			if (steps[i].from == DIALOG_CONNECTED)
				fx_put_room(&x, "Room 1", x.peer.spki, ROSTER_ACTIVE);
			steps[i].prepare(&x);
			dialog_actions_fini(&x.out); /* without the room of earlier steps */
			dialog_actions_init(&x.out);
			nomem_arm(n);
			steps[i].take(&x);
			struck = nomem_disarm();
			if (struck && !x.out.close)
				fail_msg("%s, allocation %llu", steps[i].name,
					 (unsigned long long)n);
			if (!struck) assert_false(x.out.close);
			fx_fini(&x);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_login_without_its_parts),
		cmocka_unit_test(test_a_proof_without_its_signature),
		cmocka_unit_test(test_a_hello_without_an_epoch),
		cmocka_unit_test(test_a_pull_without_its_parts),
		cmocka_unit_test(test_nothing_is_begun_above_the_limit),
		cmocka_unit_test(test_a_room_that_is_none_any_more_signs_nobody_in),
		cmocka_unit_test(test_joining_needs_a_room),
		cmocka_unit_test(test_fetched_pages_of_another_time),
		cmocka_unit_test(test_a_page_that_cannot_be_read),
		cmocka_unit_test(test_commits_are_no_news_to_a_courier),
		cmocka_unit_test(test_the_third_bad_answer_closes),
		cmocka_unit_test(test_memory_runs_out_in_any_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
