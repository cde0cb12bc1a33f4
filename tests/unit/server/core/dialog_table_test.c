/* Every frame in every state: who may say what. The table below is written by hand and is the
 * reading of SECURITY 2.7, 2.8 and 3.7; dialog_rules.c must come to the same. */
#include "dialog_talk.h"
#include "server/core/dialog_rules.h"

/* a ask   d ask, marked denied for want of a role   w Welcome   r Result OK   p Pong   l Rooms
 * - nothing is said   e Result EXPIRED (no challenge)   v Result BAD_VALUE, counted
 * b Result PROTO, counted as bad   s Result SIGNED_OUT, counted as bad
 * X Refuse BAD_FRAME and close   N Refuse NOT_ENROLLED and close */
static const struct {
	Roomkeep__Frame__BodyCase body;
	const char *in; /* connected, founding, enrolling, courier, signed in */
} table[] = {
	{ ROOMKEEP__FRAME__BODY_HELLO, "wNNbb" },
	{ ROOMKEEP__FRAME__BODY_FOUND_START, "XaNbb" },
	{ ROOMKEEP__FRAME__BODY_FOUND, "XaNbb" },
	{ ROOMKEEP__FRAME__BODY_ENROL_START, "XNabb" },
	{ ROOMKEEP__FRAME__BODY_ENROL_PROOF, "XNabb" },
	{ ROOMKEEP__FRAME__BODY_LOGIN_START, "XNNab" },
	{ ROOMKEEP__FRAME__BODY_LOGIN_PROOF, "XNNeb" },
	{ ROOMKEEP__FRAME__BODY_LOGOUT, "XNNrr" },
	{ ROOMKEEP__FRAME__BODY_PUSH, "XNNsa" },
	{ ROOMKEEP__FRAME__BODY_COURIER_PUSH, "XNNaa" },
	{ ROOMKEEP__FRAME__BODY_PULL, "XNNs-" },
	{ ROOMKEEP__FRAME__BODY_FEED_ACK, "XNN--" },
	{ ROOMKEEP__FRAME__BODY_FETCH, "XNNsa" },
	{ ROOMKEEP__FRAME__BODY_WATCH_GET, "XNNsa" },
	{ ROOMKEEP__FRAME__BODY_REVIEW_GET, "XNNsd" },
	{ ROOMKEEP__FRAME__BODY_OPENINGS_GET, "XNNsa" },
	{ ROOMKEEP__FRAME__BODY_GET_DIRECTORY, "XNNaa" },
	{ ROOMKEEP__FRAME__BODY_ADD_USER, "XNNsd" },
	{ ROOMKEEP__FRAME__BODY_PUT_DIRECTORY, "XNNsd" },
	{ ROOMKEEP__FRAME__BODY_PASSPHRASE_CHANGE, "XNNsa" },
	{ ROOMKEEP__FRAME__BODY_PUT_VAULT, "XNNsa" },
	{ ROOMKEEP__FRAME__BODY_INVITE_ROOM, "XNNsd" },
	{ ROOMKEEP__FRAME__BODY_RETIRE_ROOM, "XNNsd" },
	{ ROOMKEEP__FRAME__BODY_UNLOCK_LOGIN, "XNNsd" },
	{ ROOMKEEP__FRAME__BODY_LIST_ROOMS, "XNNsl" },
	{ ROOMKEEP__FRAME__BODY_PING, "XNNpp" },
	/* What only a server says is out of place everywhere. */
	{ ROOMKEEP__FRAME__BODY_WELCOME, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_REFUSE, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_FOUND_INFO, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_ENROL_BLOB, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_LOGIN_PARAMS, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_LOGIN_OK, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_ACK, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_FEED, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_SCOPE_CHANGE, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_FETCH_PAGE, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_DIRECTORY, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_ROOMS, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_RESULT, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_PONG, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_WATCH_REPLY, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_REVIEW_REPLY, "XNNbb" },
	{ ROOMKEEP__FRAME__BODY_OPENINGS_REPLY, "XNNbb" },
};

static Roomkeep__Frame *sample(struct fx *x, Roomkeep__Frame__BodyCase body)
{
	if (body == ROOMKEEP__FRAME__BODY_HELLO) return fx_hello_frame(x, false);
	if (body == ROOMKEEP__FRAME__BODY_LOGIN_START) return fx_login_start_frame(x);
	if (body == ROOMKEEP__FRAME__BODY_LOGIN_PROOF) return fx_login_proof_frame(x);
	Roomkeep__Frame *f = fx_frame(x, body);
	if (body == ROOMKEEP__FRAME__BODY_PULL) {
		f->pull->has_epoch = 1;
		f->pull->epoch = wire_id_bytes(&fx_epoch);
		f->pull->has_scope_version = 1;
		f->pull->scope_version = 3;
	}
	return f;
}

static void check_result(struct fx *x, enum err err, uint64_t bad)
{
	fx_assert_result(x, err);
	assert_int_equal(fx_sent(x, 0)->request, x->request);
	assert_int_equal(x->metrics.bad_frames, bad);
	assert_false(x->out.close);
	assert_int_equal(x->out.ask_count, 0);
}

static void check(struct fx *x, char expected)
{
	switch (expected) {
	case 'a':
	case 'd':
		assert_int_equal(x->out.ask_count, 1);
		assert_int_equal(x->out.ask[0].denied, expected == 'd');
		assert_int_equal(x->out.ask[0].request, x->request);
		assert_int_equal(x->out.send.len, 0);
		break;
	case 'w': assert_int_equal(fx_sent(x, 0)->body_case, ROOMKEEP__FRAME__BODY_WELCOME); break;
	case 'p':
		assert_int_equal(fx_sent(x, 0)->body_case, ROOMKEEP__FRAME__BODY_PONG);
		assert_int_equal(fx_sent(x, 0)->pong->time_ms, FX_WALL_MS);
		assert_int_equal(fx_sent(x, 0)->pong->backed_up_seq, 4);
		break;
	case 'l': assert_int_equal(fx_sent(x, 0)->body_case, ROOMKEEP__FRAME__BODY_ROOMS); break;
	case 'r': fx_assert_result(x, ERR_OK); break;
	case '-':
		assert_int_equal(x->out.send.len, 0);
		assert_false(x->out.close);
		assert_int_equal(x->metrics.bad_frames, 0);
		break;
	case 'e': check_result(x, ERR_EXPIRED, 0); break;
	case 'b': check_result(x, ERR_PROTO, 1); break;
	case 's': check_result(x, ERR_SIGNED_OUT, 1); break;
	case 'X': fx_assert_refused(x, ROOMKEEP__REFUSE_REASON__BAD_FRAME); break;
	case 'N': fx_assert_refused(x, ROOMKEEP__REFUSE_REASON__NOT_ENROLLED); break;
	default: fail_msg("no such outcome: %c", expected);
	}
}

static void test_every_frame_in_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		for (unsigned s = DIALOG_CONNECTED; s <= DIALOG_SIGNED_IN; s++) {
			struct fx x;
			fx_reach(&x, (enum dialog_state)s);
			fx_send(&x, sample(&x, table[i].body));
			check(&x, table[i].in[s]);
			fx_fini(&x);
		}
	}
}

/* The table above misses no frame of the protocol. */
static void test_table_is_whole(void **state)
{
	(void)state;
	unsigned bodies = 0;
	for (unsigned i = 0; i < roomkeep__frame__descriptor.n_fields; i++)
		if (roomkeep__frame__descriptor.fields[i].type == PROTOBUF_C_TYPE_MESSAGE) bodies++;
	assert_int_equal(bodies, COUNT_OF(table));
}

static void test_owner_may_what_others_may_not(void **state)
{
	(void)state;
	static const Roomkeep__Frame__BodyCase owners[] = { ROOMKEEP__FRAME__BODY_ADD_USER,
							    ROOMKEEP__FRAME__BODY_PUT_DIRECTORY,
							    ROOMKEEP__FRAME__BODY_INVITE_ROOM,
							    ROOMKEEP__FRAME__BODY_RETIRE_ROOM };
	for (size_t i = 0; i < COUNT_OF(owners); i++) {
		for (uint64_t role = 1; role <= ROLE_STUDENT; role <<= 1) {
			struct fx x;
			fx_init(&x, true, true);
			fx_put_user(&x, role, true, 3);
			fx_hello(&x, true);
			fx_sign_in(&x);
			fx_send(&x, fx_frame(&x, owners[i]));
			assert_int_equal(x.out.ask_count, 1);
			assert_int_equal(x.out.ask[0].denied, role != ROLE_OWNER);
			assert_int_equal(x.out.ask[0].who.roles, role);
			fx_fini(&x);
		}
	}
}

static void test_frame_sizes_by_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct dialog_rule *rule = dialog_rule_for(table[i].body);
		if (rule == NULL) continue;
		for (unsigned s = DIALOG_CONNECTED; s <= DIALOG_SIGNED_IN; s++) {
			if ((rule->states & FSM_TO(s)) == 0) continue;
			struct fx x;
			fx_reach(&x, (enum dialog_state)s);
			assert_true(rule->bytes_max <= dialog_frame_bytes_max(&x.d));
			const Roomkeep__Frame *f = sample(&x, table[i].body);
			const struct dialog_event over = { .type = DIALOG_EV_FRAME,
							   .frame = f,
							   .frame_bytes = rule->bytes_max + 1 };
			fx_step(&x, &over);
			if (s == DIALOG_COURIER || s == DIALOG_SIGNED_IN)
				check_result(&x, ERR_TOO_BIG, 1);
			else
				fx_assert_refused(&x, ROOMKEEP__REFUSE_REASON__BAD_FRAME);
			fx_fini(&x);
			fx_reach(&x, (enum dialog_state)s);
			struct dialog_event fits = over;
			fits.frame = sample(&x, table[i].body);
			fits.frame_bytes = rule->bytes_max;
			fx_step(&x, &fits);
			check(&x, table[i].in[s]);
			fx_fini(&x);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_frame_in_every_state),
		cmocka_unit_test(test_table_is_whole),
		cmocka_unit_test(test_owner_may_what_others_may_not),
		cmocka_unit_test(test_frame_sizes_by_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
