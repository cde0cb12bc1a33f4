/* The dialog's course: Hello, challenges, asks in order, deadlines, changes from outside. */
#include "dialog_talk.h"

/* ---- Hello -------------------------------------------------------------------------------- */

static void test_welcome_of_a_room(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, true);
	x.roster->head.present = true;
	x.roster->head.seq = 99;
	fx_hello(&x, true);
	const Roomkeep__Frame *f = fx_sent(&x, 0);
	assert_int_equal(f->request, x.request);
	assert_true(f->welcome->enrolled);
	assert_true(f->welcome->founded);
	assert_int_equal(f->welcome->proto, DIALOG_PROTO_MAX);
	assert_int_equal(f->welcome->time_ms, FX_WALL_MS);
	assert_int_equal(f->welcome->backed_up_seq, 4);
	assert_memory_equal(f->welcome->clinic_id.data, fx_clinic.b, ID_BYTES);
	assert_int_equal(f->welcome->head->seq, 99);
	assert_int_equal(f->welcome->epoch_record->body.len, 3);
	assert_int_equal(f->welcome->server_record->signature.len, ROSTER_SIG_BYTES);
	assert_string_equal(roster_room_state_text(&x.roster->rooms[0], 0), "online");
	fx_fini(&x);
	/* dialog_fini has left the roster; a new one finds the room offline. */
}

static void test_welcome_of_a_stranger_tells_nothing(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, false);
	fx_hello(&x, false);
	const Roomkeep__Welcome *w = fx_sent(&x, 0)->welcome;
	assert_false(w->enrolled);
	assert_true(w->founded);
	assert_true(w->has_clinic_id); /* the join blob is bound to it */
	assert_null(w->epoch_record);
	assert_null(w->server_record);
	assert_null(w->head);
	assert_false(w->has_dir_seq);
	assert_false(w->has_backed_up_seq);
	fx_fini(&x);
	fx_init(&x, false, false);
	fx_hello(&x, false);
	assert_false(fx_sent(&x, 0)->welcome->founded);
	assert_false(fx_sent(&x, 0)->welcome->has_clinic_id);
	fx_fini(&x);
}

static void refuse_hello(bool founded, bool enrolled,
			 void (*change)(struct fx *, Roomkeep__Hello *),
			 Roomkeep__RefuseReason reason)
{
	struct fx x;
	fx_init(&x, founded, enrolled);
	Roomkeep__Frame *f = fx_hello_frame(&x, enrolled);
	change(&x, f->hello);
	fx_send(&x, f);
	fx_assert_refused(&x, reason);
	fx_fini(&x);
}

static void no_min(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->has_proto_min = 0;
}
static void no_max(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->has_proto_max = 0;
}
static void min_over_max(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->proto_min = 2;
}
static void too_old(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->proto_min = 0;
	h->proto_max = 0;
}
static void too_new(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->proto_min = DIALOG_PROTO_MAX + 1;
	h->proto_max = DIALOG_PROTO_MAX + 2;
}
static void short_clinic(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->clinic_id.len = 15;
}
static void short_room(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->room_id.len = 15;
}
static void short_epoch(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->epoch.len = 15;
}
static void other_clinic(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->has_clinic_id = 1;
	h->clinic_id = wire_id_bytes(&fx_jo);
}
static void this_clinic(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->has_clinic_id = 1;
	h->clinic_id = wire_id_bytes(&fx_clinic);
}
static void other_room(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->room_id = wire_id_bytes(&fx_jo);
}
static void other_epoch(struct fx *x, Roomkeep__Hello *h)
{
	(void)x;
	h->epoch = wire_id_bytes(&fx_jo);
}
static void retired(struct fx *x, Roomkeep__Hello *h)
{
	(void)h;
	assert_int_equal(roster_retire_room(x->roster, view_str("Room 1")), ERR_OK);
}

static void test_hello_that_is_refused(void **state)
{
	(void)state;
	refuse_hello(true, true, no_min, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	refuse_hello(true, true, no_max, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	refuse_hello(true, true, min_over_max, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	refuse_hello(true, true, too_old, ROOMKEEP__REFUSE_REASON__TOO_OLD);
	refuse_hello(true, true, too_new, ROOMKEEP__REFUSE_REASON__TOO_NEW);
	refuse_hello(true, true, short_clinic, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	refuse_hello(true, true, short_room, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	refuse_hello(true, true, short_epoch, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	refuse_hello(true, true, other_clinic, ROOMKEEP__REFUSE_REASON__WRONG_CLINIC);
	refuse_hello(true, true, other_room, ROOMKEEP__REFUSE_REASON__NOT_ENROLLED);
	refuse_hello(true, true, other_epoch, ROOMKEEP__REFUSE_REASON__WRONG_EPOCH);
	refuse_hello(true, true, retired, ROOMKEEP__REFUSE_REASON__RETIRED);
	refuse_hello(true, false, this_clinic, ROOMKEEP__REFUSE_REASON__NOT_ENROLLED);
	refuse_hello(true, false, other_clinic, ROOMKEEP__REFUSE_REASON__WRONG_CLINIC);
	refuse_hello(false, false, this_clinic, ROOMKEEP__REFUSE_REASON__WRONG_CLINIC);
}

static void test_newer_room_is_met_half_way(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, true);
	Roomkeep__Frame *f = fx_hello_frame(&x, true);
	f->hello->proto_max = 77;
	fx_send(&x, f);
	assert_int_equal(fx_sent(&x, 0)->welcome->proto, DIALOG_PROTO_MAX);
	fx_fini(&x);
}

static void test_hello_replaces_the_older_conn(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, true);
	fx_hello(&x, true);
	assert_int_equal(x.out.close_conn_id, 0);
	struct dialog second;
	dialog_init(&second, x.roster, x.rand, &x.metrics, FX_CONN + 1, &x.peer, x.now_ms);
	const struct dialog_event ev = { .type = DIALOG_EV_FRAME,
					 .frame = fx_hello_frame(&x, true),
					 .frame_bytes = 10 };
	dialog_step(&second, x.now_ms, &ev, &x.out);
	assert_int_equal(x.out.close_conn_id, FX_CONN);
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_REPLACED });
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__TOO_MANY);
	/* The old one left last and took nothing with it. */
	assert_int_equal(x.roster->rooms[0].conn_id, FX_CONN + 1);
	dialog_fini(&second);
	assert_int_equal(x.roster->rooms[0].conn_id, 0);
	fx_fini(&x);
}

/* ---- copies of keyrings ------------------------------------------------------------------- */

static void assert_tells_jo(const struct fx *x, Roomkeep__AccountState *const *list, size_t count,
			    uint64_t version)
{
	assert_int_equal(version, roster_accounts_version(x->roster));
	assert_int_equal(count, 1);
	assert_memory_equal(list[0]->user_id.data, fx_jo.b, ID_BYTES);
	assert_int_equal(list[0]->keyring_rev, 3);
	assert_false(list[0]->blocked);
}

static void test_rooms_hear_of_new_passphrases_once(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, true);
	assert_int_equal(roster_set_keyring_rev(x.roster, &fx_jo, 3), ERR_OK);
	fx_hello(&x, true);
	const Roomkeep__Welcome *w = fx_sent(&x, 0)->welcome;
	assert_tells_jo(&x, w->account, w->n_account, w->accounts);
	const uint64_t known = w->accounts;

	Roomkeep__Frame *f = fx_frame(&x, ROOMKEEP__FRAME__BODY_PING);
	f->ping->has_accounts = 1;
	f->ping->accounts = known;
	fx_send(&x, f);
	const Roomkeep__Pong *p = fx_sent(&x, 0)->pong;
	assert_int_equal(p->accounts, known);
	assert_int_equal(p->n_account, 0);
	assert_int_equal(p->dir_seq, x.roster->dir_seq);

	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PING)); /* one that knows nothing */
	p = fx_sent(&x, 0)->pong;
	assert_tells_jo(&x, p->account, p->n_account, p->accounts);

	assert_int_equal(roster_block_user(x.roster, &fx_jo), ERR_OK);
	f = fx_frame(&x, ROOMKEEP__FRAME__BODY_PING);
	f->ping->has_accounts = 1;
	f->ping->accounts = known;
	fx_send(&x, f);
	assert_int_equal(fx_sent(&x, 0)->pong->n_account, 1);
	assert_true(fx_sent(&x, 0)->pong->account[0]->blocked);
	fx_fini(&x);
}

static void test_a_stranger_hears_of_nobody(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, false);
	assert_int_equal(roster_set_keyring_rev(x.roster, &fx_jo, 3), ERR_OK);
	fx_hello(&x, false);
	assert_false(fx_sent(&x, 0)->welcome->has_accounts);
	assert_int_equal(fx_sent(&x, 0)->welcome->n_account, 0);
	fx_fini(&x);
}

/* ---- deadlines ---------------------------------------------------------------------------- */

static void test_first_frame_within_five_seconds(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, true, true);
	assert_int_equal(dialog_deadline_ms(&x.d), x.now_ms + FIRST_FRAME_MS_MAX);
	fx_tick(&x, FIRST_FRAME_MS_MAX - 1);
	assert_false(x.out.close);
	fx_tick(&x, 1);
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__STALLED);
	assert_int_equal(dialog_deadline_ms(&x.d), UINT64_MAX);
	fx_fini(&x);
}

static void test_sixty_seconds_without_a_frame(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	assert_int_equal(dialog_deadline_ms(&x.d), x.now_ms + STALLED_MS_MAX);
	x.now_ms += STALLED_MS_MAX - 1;
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PING));
	assert_int_equal(dialog_deadline_ms(&x.d), x.now_ms + STALLED_MS_MAX);
	fx_tick(&x, STALLED_MS_MAX - 1);
	assert_false(x.out.close);
	fx_tick(&x, 1);
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__STALLED);
	fx_fini(&x);
}

/* A peer that sends one byte a second is always about to say something. */
static void test_a_begun_frame_ends_within_ten_seconds(void **state)
{
	(void)state;
	static const enum dialog_state states[] = { DIALOG_ENROLLING, DIALOG_COURIER,
						    DIALOG_SIGNED_IN };
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		struct fx x;
		fx_reach(&x, states[i]);
		const uint64_t began_ms = x.now_ms;
		fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_BEGUN });
		assert_int_equal(dialog_deadline_ms(&x.d), began_ms + FRAME_MS_MAX);
		x.now_ms += FRAME_MS_MAX - 1;
		fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_BEGUN });
		assert_int_equal(dialog_deadline_ms(&x.d), began_ms + FRAME_MS_MAX);
		assert_false(x.out.close);
		fx_tick(&x, 1);
		fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__STALLED);
		fx_fini(&x);
	}
}

static void test_a_frame_that_came_whole_stops_that_clock(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_BEGUN });
	x.now_ms += FRAME_MS_MAX - 1;
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PING));
	assert_int_equal(dialog_deadline_ms(&x.d), x.now_ms + STALLED_MS_MAX);
	fx_tick(&x, 2);
	assert_false(x.out.close);
	fx_fini(&x);
}

static void test_our_own_slowness_is_no_stall(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PUSH));
	const uint64_t ask_id = x.out.ask[0].ask_id;
	assert_int_equal(dialog_deadline_ms(&x.d), UINT64_MAX);
	fx_tick(&x, 10 * STALLED_MS_MAX);
	assert_false(x.out.close);
	fx_done(&x, ask_id, ERR_OK);
	assert_int_equal(dialog_deadline_ms(&x.d), x.now_ms + STALLED_MS_MAX);
	fx_fini(&x);
}

/* ---- sign-in ------------------------------------------------------------------------------ */

static void test_one_proof_per_challenge(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	fx_login_start(&x);
	fx_send(&x, fx_login_proof_frame(&x));
	assert_int_equal(x.out.ask_count, 1);
	const struct dialog_ask ask = x.out.ask[0];
	assert_int_equal(ask.kind, ASK_LOGIN_PROOF);
	assert_memory_equal(ask.challenge.user_id.b, fx_jo.b, ID_BYTES);
	assert_int_equal(ask.challenge.handle_len, 2);
	fx_done(&x, ask.ask_id, ERR_AUTH);
	fx_tick(&x, LOGIN_FAIL_MS_MIN);
	fx_send(&x, fx_login_proof_frame(&x)); /* replayed */
	fx_assert_result(&x, ERR_EXPIRED);
	assert_int_equal(x.out.ask_count, 0);
	fx_fini(&x);
}

static void test_challenge_lives_sixty_seconds(void **state)
{
	(void)state;
	for (int late = 0; late <= 1; late++) {
		struct fx x;
		fx_reach(&x, DIALOG_COURIER);
		fx_login_start(&x);
		x.now_ms += LOGIN_CHALLENGE_MS - 1 + (uint64_t)late;
		fx_send(&x, fx_login_proof_frame(&x));
		assert_int_equal(x.out.ask_count, late ? 0 : 1);
		if (late) fx_assert_result(&x, ERR_EXPIRED);
		fx_fini(&x);
	}
}

static void test_challenges_never_repeat(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	fx_send(&x, fx_login_start_frame(&x));
	const struct dialog_ask one = x.out.ask[0];
	fx_done(&x, one.ask_id, ERR_OK);
	fx_send(&x, fx_login_start_frame(&x));
	const struct dialog_ask two = x.out.ask[0];
	assert_memory_not_equal(one.challenge.sn, two.challenge.sn, DIALOG_NONCE_BYTES);
	fx_fini(&x);
}

static void test_refused_start_opens_no_challenge(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	fx_send(&x, fx_login_start_frame(&x));
	fx_done(&x, x.out.ask[0].ask_id, ERR_THROTTLED);
	fx_assert_result(&x, ERR_THROTTLED);
	fx_send(&x, fx_login_proof_frame(&x));
	fx_assert_result(&x, ERR_EXPIRED);
	fx_fini(&x);
}

static void test_failed_sign_in_waits(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	fx_login_start(&x);
	fx_send(&x, fx_login_proof_frame(&x));
	const uint64_t ask_id = x.out.ask[0].ask_id;
	const uint64_t from_ms = x.now_ms;
	x.now_ms += 3;
	fx_done(&x, ask_id, ERR_AUTH);
	assert_int_equal(x.out.send.len, 0);
	assert_int_equal(dialog_deadline_ms(&x.d), from_ms + LOGIN_FAIL_MS_MIN);
	fx_tick(&x, LOGIN_FAIL_MS_MIN - 4);
	assert_int_equal(x.out.send.len, 0);
	/* Nothing overtakes it. */
	fx_send(&x, fx_login_start_frame(&x));
	assert_true(x.out.ask[0].held);
	const uint64_t next_id = x.out.ask[0].ask_id;
	fx_tick(&x, 1);
	fx_assert_result(&x, ERR_AUTH);
	assert_int_equal(x.out.start_ask_id, next_id);
	assert_int_equal(x.metrics.login_failures, 1);
	assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
	fx_fini(&x);
}

static void test_slow_failure_is_told_at_once(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	fx_login_start(&x);
	fx_send(&x, fx_login_proof_frame(&x));
	const uint64_t ask_id = x.out.ask[0].ask_id;
	x.now_ms += LOGIN_FAIL_MS_MIN;
	fx_done(&x, ask_id, ERR_AUTH);
	fx_assert_result(&x, ERR_AUTH);
	fx_fini(&x);
}

static void test_blocked_while_the_proof_was_checked(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	fx_login_start(&x);
	fx_send(&x, fx_login_proof_frame(&x));
	struct dialog_done done = { .ask_id = x.out.ask[0].ask_id, .user_id = fx_jo };
	assert_int_equal(roster_block_user(x.roster, &fx_jo), ERR_OK);
	fx_done_reply(&x, &done);
	fx_assert_result(&x, ERR_AUTH);
	assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
	fx_fini(&x);
}

/* Who locks the room while his proof is on its way is not signed in when it arrives. */
static void test_logout_behind_a_proof(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	fx_login_start(&x);
	fx_send(&x, fx_login_proof_frame(&x));
	assert_int_equal(x.out.ask_count, 1);
	struct dialog_done done = { .ask_id = x.out.ask[0].ask_id, .user_id = fx_jo };
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_LOGOUT));
	fx_assert_result(&x, ERR_OK);
	fx_done_reply(&x, &done);
	fx_assert_result(&x, ERR_AUTH); /* and not the keyring */
	assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
	assert_true(id_is_zero(&x.roster->rooms[0].user_id));
	/* The next sign-in is a new one. */
	fx_sign_in(&x);
	fx_fini(&x);
}

static void test_logout_is_courier_again(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	assert_memory_equal(x.roster->rooms[0].user_id.b, fx_jo.b, ID_BYTES);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_LOGOUT));
	fx_assert_result(&x, ERR_OK);
	assert_int_equal(x.out.ask_count, 1); /* to be written down */
	assert_int_equal(x.out.ask[0].kind, ASK_LOGOUT);
	assert_memory_equal(x.out.ask[0].who.user_id.b, fx_jo.b, ID_BYTES);
	assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
	assert_true(id_is_zero(&x.roster->rooms[0].user_id));
	const struct dialog_done done = { .ask_id = x.out.ask[0].ask_id };
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
	assert_int_equal(x.out.send.len, 0);
	fx_fini(&x);
}

/* ---- asks --------------------------------------------------------------------------------- */

static void test_asks_run_one_at_a_time(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	uint64_t ids[DIALOG_ASKS_MAX];
	for (size_t i = 0; i < DIALOG_ASKS_MAX; i++) {
		assert_true(dialog_may_read(&x.d));
		fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PUSH));
		assert_int_equal(x.out.ask_count, 1);
		assert_int_equal(x.out.ask[0].held, i > 0);
		ids[i] = x.out.ask[0].ask_id;
	}
	assert_false(dialog_may_read(&x.d));
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PUSH));
	fx_assert_result(&x, ERR_BUSY);
	assert_int_equal(x.out.ask_count, 0);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PING)); /* pings pass */
	assert_int_equal(fx_sent(&x, 0)->body_case, ROOMKEEP__FRAME__BODY_PONG);
	for (size_t i = 0; i < DIALOG_ASKS_MAX; i++) {
		fx_done(&x, ids[i], ERR_OK);
		assert_int_equal(x.out.start_ask_id, i + 1 < DIALOG_ASKS_MAX ? ids[i + 1] : 0);
		assert_true(dialog_may_read(&x.d));
	}
	fx_fini(&x);
}

static void test_unanswered_bytes_stop_reading(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	struct dialog_event ev = { .type = DIALOG_EV_FRAME, .frame_bytes = FRAME_BODY_BYTES_MAX };
	for (unsigned i = 0; i < UNACKED_BYTES_MAX / FRAME_BODY_BYTES_MAX; i++) {
		assert_true(dialog_may_read(&x.d));
		ev.frame = fx_frame(&x, ROOMKEEP__FRAME__BODY_PUSH);
		fx_step(&x, &ev);
	}
	assert_false(dialog_may_read(&x.d));
	fx_done(&x, x.d.asks[0].ask_id, ERR_OK);
	assert_true(dialog_may_read(&x.d));
	fx_fini(&x);
}

static void test_bad_answers_close_on_the_third(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_ENROLLING);
	for (int i = 0; i < 3; i++) {
		assert_false(x.out.close);
		fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_ENROL_START));
		struct dialog_done done = { .ask_id = x.out.ask[0].ask_id,
					    .err = ERR_NOT_FOUND,
					    .bad = true };
		fx_done_reply(&x, &done);
	}
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	fx_fini(&x);
}

static void test_ask_that_ends_in_refusal(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_PUSH));
	const struct dialog_done done = { .ask_id = x.out.ask[0].ask_id,
					  .err = ERR_REFUSED,
					  .refuse = true,
					  .reason = ROOMKEEP__REFUSE_REASON__RETIRED };
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__RETIRED);
	fx_fini(&x);
}

static void test_joining_makes_a_room(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_ENROLLING);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_ENROL_PROOF));
	const uint64_t ask_id = x.out.ask[0].ask_id;
	fx_put_room(&x, "Room 2", x.peer.spki, ROSTER_ACTIVE); /* the ask's effect */
	fx_done(&x, ask_id, ERR_OK);
	fx_assert_result(&x, ERR_OK);
	assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
	assert_int_equal(x.roster->rooms[0].conn_id, FX_CONN);
	fx_fini(&x);
}

/* The second was sent before the first was answered. */
static void test_a_proof_that_comes_twice_joins_once(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_ENROLLING);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_ENROL_PROOF));
	const uint64_t first = x.out.ask[0].ask_id;
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_ENROL_PROOF));
	const uint64_t second = x.out.ask[0].ask_id;
	fx_put_room(&x, "Room 2", x.peer.spki, ROSTER_ACTIVE);
	fx_done(&x, first, ERR_OK);
	assert_int_equal(x.out.start_ask_id, second);
	fx_done(&x, second, ERR_OK);
	fx_assert_result(&x, ERR_OK);
	assert_int_equal(dialog_state(&x.d), DIALOG_COURIER);
	assert_int_equal(x.roster->rooms[0].conn_id, FX_CONN);
	assert_int_equal(x.out.close_conn_id, 0);
	fx_fini(&x);
}

static void test_founding_is_over_for_the_others(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_FOUNDING);
	x.roster->founded = true;
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
	assert_int_equal(dialog_state(&x.d), DIALOG_ENROLLING);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_FOUND));
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__NOT_ENROLLED);
	fx_fini(&x);
}

static void test_found_start_once(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_FOUNDING);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_FOUND_START));
	fx_done(&x, x.out.ask[0].ask_id, ERR_OK);
	fx_send(&x, fx_frame(&x, ROOMKEEP__FRAME__BODY_FOUND_START));
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	fx_fini(&x);
}

/* ---- from outside ------------------------------------------------------------------------- */

static void test_retired_room_is_closed(void **state)
{
	(void)state;
	for (unsigned s = DIALOG_COURIER; s <= DIALOG_SIGNED_IN; s++) {
		struct fx x;
		fx_reach(&x, (enum dialog_state)s);
		assert_int_equal(roster_retire_room(x.roster, view_str("Room 1")), ERR_OK);
		fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
		fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__RETIRED);
		fx_fini(&x);
	}
}

static void test_dismissed_person_is_cut_off(void **state)
{
	(void)state;
	for (int blocked = 0; blocked <= 1; blocked++) {
		struct fx x;
		fx_reach(&x, DIALOG_SIGNED_IN);
		if (blocked)
			assert_int_equal(roster_block_user(x.roster, &fx_jo), ERR_OK);
		else
			fx_put_user(&x, ROLE_THERAPIST, false, 4);
		fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
		assert_true(x.out.close);
		fx_assert_result(&x, ERR_SIGNED_OUT);
		assert_int_equal(fx_sent(&x, 0)->request, 0);
		assert_int_equal(dialog_state(&x.d), DIALOG_CLOSED);
		assert_int_equal(x.roster->rooms[0].conn_id, 0);
		fx_fini(&x);
	}
}

static void test_too_big_and_shutdown_and_lost(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_TOO_BIG });
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__FRAME_TOO_BIG);
	fx_fini(&x);
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_SHUTDOWN });
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__SHUTTING_DOWN);
	fx_fini(&x);
	fx_reach(&x, DIALOG_SIGNED_IN);
	fx_step(&x, &(struct dialog_event){ .type = DIALOG_EV_LOST });
	assert_true(x.out.close);
	assert_int_equal(x.out.send.len, 0);
	assert_int_equal(x.roster->rooms[0].conn_id, 0);
	fx_fini(&x);
}

static void test_bad_frames_of_a_room_outlive_its_conn(void **state)
{
	(void)state;
	struct fx x;
	fx_reach(&x, DIALOG_COURIER);
	const struct dialog_event bad = { .type = DIALOG_EV_FRAME,
					  .frame_bytes = 9,
					  .frame_err = ERR_PROTO };
	for (int i = 0; i < 2; i++) {
		fx_step(&x, &bad);
		fx_assert_result(&x, ERR_PROTO);
		assert_int_equal(fx_sent(&x, 0)->request, 0);
		dialog_fini(&x.d);
		fx_dial(&x);
		fx_hello(&x, true);
	}
	fx_step(&x, &bad);
	fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
	fx_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_welcome_of_a_room),
		cmocka_unit_test(test_welcome_of_a_stranger_tells_nothing),
		cmocka_unit_test(test_hello_that_is_refused),
		cmocka_unit_test(test_newer_room_is_met_half_way),
		cmocka_unit_test(test_hello_replaces_the_older_conn),
		cmocka_unit_test(test_rooms_hear_of_new_passphrases_once),
		cmocka_unit_test(test_a_stranger_hears_of_nobody),
		cmocka_unit_test(test_first_frame_within_five_seconds),
		cmocka_unit_test(test_sixty_seconds_without_a_frame),
		cmocka_unit_test(test_a_begun_frame_ends_within_ten_seconds),
		cmocka_unit_test(test_a_frame_that_came_whole_stops_that_clock),
		cmocka_unit_test(test_our_own_slowness_is_no_stall),
		cmocka_unit_test(test_one_proof_per_challenge),
		cmocka_unit_test(test_challenge_lives_sixty_seconds),
		cmocka_unit_test(test_challenges_never_repeat),
		cmocka_unit_test(test_refused_start_opens_no_challenge),
		cmocka_unit_test(test_failed_sign_in_waits),
		cmocka_unit_test(test_slow_failure_is_told_at_once),
		cmocka_unit_test(test_blocked_while_the_proof_was_checked),
		cmocka_unit_test(test_logout_behind_a_proof),
		cmocka_unit_test(test_logout_is_courier_again),
		cmocka_unit_test(test_asks_run_one_at_a_time),
		cmocka_unit_test(test_unanswered_bytes_stop_reading),
		cmocka_unit_test(test_bad_answers_close_on_the_third),
		cmocka_unit_test(test_ask_that_ends_in_refusal),
		cmocka_unit_test(test_joining_makes_a_room),
		cmocka_unit_test(test_a_proof_that_comes_twice_joins_once),
		cmocka_unit_test(test_founding_is_over_for_the_others),
		cmocka_unit_test(test_found_start_once),
		cmocka_unit_test(test_retired_room_is_closed),
		cmocka_unit_test(test_dismissed_person_is_cut_off),
		cmocka_unit_test(test_too_big_and_shutdown_and_lost),
		cmocka_unit_test(test_bad_frames_of_a_room_outlive_its_conn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
