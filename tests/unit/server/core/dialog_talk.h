/* dialog_talk: a room's usual words to a dialog_fx, and what the tests expect back. */
#pragma once

#include "dialog_fx.h"

/* An ask's end with a Result as its reply. */
static inline void fx_done_reply(struct fx *x, struct dialog_done *done)
{
	Roomkeep__Frame *f = fx_frame(x, ROOMKEEP__FRAME__BODY_RESULT);
	f->result->has_code = 1;
	f->result->code = done->err;
	CLEANUP(buf_finip) struct buf reply = { 0 };
	assert_int_equal(frame_encode(f, &reply), ERR_OK);
	done->reply = buf_view(&reply);
	fx_step(x, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = done });
}

static inline void fx_done(struct fx *x, uint64_t ask_id, enum err err)
{
	struct dialog_done done = { .ask_id = ask_id, .err = err };
	fx_done_reply(x, &done);
}

static inline Roomkeep__Frame *fx_hello_frame(struct fx *x, bool joined)
{
	Roomkeep__Frame *f = fx_frame(x, ROOMKEEP__FRAME__BODY_HELLO);
	Roomkeep__Hello *h = f->hello;
	h->has_proto_min = h->has_proto_max = 1;
	h->proto_min = DIALOG_PROTO_MIN;
	h->proto_max = DIALOG_PROTO_MAX;
	if (joined) {
		h->has_clinic_id = h->has_room_id = h->has_epoch = 1;
		h->clinic_id = wire_id_bytes(&fx_clinic);
		h->room_id = wire_id_bytes(&fx_room_id);
		h->epoch = wire_id_bytes(&fx_epoch);
	}
	return f;
}

static inline void fx_hello(struct fx *x, bool joined)
{
	fx_send(x, fx_hello_frame(x, joined));
	const Roomkeep__Frame *f = fx_sent(x, 0);
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_WELCOME);
}

static inline Roomkeep__Frame *fx_login_start_frame(struct fx *x)
{
	static uint8_t cn[DIALOG_NONCE_BYTES] = { 5 };
	static char handle[] = "jo";
	Roomkeep__Frame *f = fx_frame(x, ROOMKEEP__FRAME__BODY_LOGIN_START);
	f->login_start->handle = handle;
	f->login_start->has_cn = 1;
	f->login_start->cn = (ProtobufCBinaryData){ .len = sizeof(cn), .data = cn };
	return f;
}

static inline Roomkeep__Frame *fx_login_proof_frame(struct fx *x)
{
	static uint8_t sig[ROSTER_SIG_BYTES] = { 6 };
	Roomkeep__Frame *f = fx_frame(x, ROOMKEEP__FRAME__BODY_LOGIN_PROOF);
	f->login_proof->has_sig = 1;
	f->login_proof->sig = (ProtobufCBinaryData){ .len = sizeof(sig), .data = sig };
	return f;
}

/* Leaves an open challenge. */
static inline void fx_login_start(struct fx *x)
{
	fx_send(x, fx_login_start_frame(x));
	assert_int_equal(x->out.ask_count, 1);
	struct dialog_done done = { .ask_id = x->out.ask[0].ask_id, .user_id = fx_jo };
	fx_done_reply(x, &done);
}

static inline void fx_sign_in(struct fx *x)
{
	fx_login_start(x);
	fx_send(x, fx_login_proof_frame(x));
	assert_int_equal(x->out.ask_count, 1);
	struct dialog_done done = { .ask_id = x->out.ask[0].ask_id, .user_id = fx_jo };
	fx_done_reply(x, &done);
	assert_int_equal(dialog_state(&x->d), DIALOG_SIGNED_IN);
}

/* A fresh dialog in this state, by the way a room would take. */
static inline void fx_reach(struct fx *x, enum dialog_state state)
{
	const bool room = state == DIALOG_COURIER || state == DIALOG_SIGNED_IN;
	fx_init(x, state != DIALOG_FOUNDING, room);
	if (state == DIALOG_CONNECTED) return;
	fx_hello(x, room);
	if (state == DIALOG_SIGNED_IN) fx_sign_in(x);
	assert_int_equal(dialog_state(&x->d), state);
}

static inline void fx_assert_refused(struct fx *x, Roomkeep__RefuseReason reason)
{
	assert_true(x->out.close);
	assert_int_equal(x->out.reason, reason);
	assert_int_equal(dialog_state(&x->d), DIALOG_CLOSED);
	size_t n = 0;
	while (fx_sent(x, n + 1) != NULL) n++;
	const Roomkeep__Frame *f = fx_sent(x, n);
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_REFUSE);
	assert_int_equal(f->refuse->reason, reason);
}

static inline void fx_assert_result(struct fx *x, enum err err)
{
	const Roomkeep__Frame *f = fx_sent(x, 0);
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_RESULT);
	assert_int_equal(f->result->code, err);
}
