/* rig_talk: the scripted server and desk of rig.h say the usual things. */
#pragma once

#include "rig.h"

static inline struct buf rig_body(Roomkeep__Frame__BodyCase which)
{
	struct buf b = { 0 };
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Push push = ROOMKEEP__PUSH__INIT;
	Roomkeep__CourierPush courier = ROOMKEEP__COURIER_PUSH__INIT;
	Roomkeep__LoginProof proof = ROOMKEEP__LOGIN_PROOF__INIT;
	Roomkeep__LoginStart start = ROOMKEEP__LOGIN_START__INIT;
	Roomkeep__ListRooms rooms = ROOMKEEP__LIST_ROOMS__INIT;
	Roomkeep__PutVault vault = ROOMKEEP__PUT_VAULT__INIT;
	f.body_case = which;
	if (which == ROOMKEEP__FRAME__BODY_PUSH) f.push = &push;
	if (which == ROOMKEEP__FRAME__BODY_COURIER_PUSH) f.courier_push = &courier;
	if (which == ROOMKEEP__FRAME__BODY_LOGIN_PROOF) f.login_proof = &proof;
	if (which == ROOMKEEP__FRAME__BODY_LOGIN_START) f.login_start = &start;
	if (which == ROOMKEEP__FRAME__BODY_LIST_ROOMS) f.list_rooms = &rooms;
	if (which == ROOMKEEP__FRAME__BODY_PUT_VAULT) f.put_vault = &vault;
	const size_t size = roomkeep__frame__get_packed_size(&f);
	assert_int_equal(buf_reserve(&b, size), ERR_OK);
	b.len = roomkeep__frame__pack(&f, b.p);
	return b;
}

static inline void rig_welcome(struct rig *r)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Welcome w = ROOMKEEP__WELCOME__INIT;
	w.has_proto = w.has_enrolled = w.has_founded = true;
	w.proto = 1;
	w.enrolled = w.founded = true;
	f.body_case = ROOMKEEP__FRAME__BODY_WELCOME;
	f.welcome = &w;
	rig_frame(r, &f, 1);
}

/* From a fresh or dropped link to courier mode. */
static inline void rig_to_courier(struct rig *r)
{
	for (unsigned i = 0; i < 100 && sync_state_now(r->s) == SYNC_OFFLINE; i++) {
		const uint64_t at = sync_deadline_ms(r->s);
		if (at > r->now) r->now = at;
		rig_event(r, SYNC_EV_TICK);
	}
	assert_int_equal(sync_state_now(r->s), SYNC_DIALING);
	rig_event(r, SYNC_EV_LINK_UP);
	assert_int_equal(sync_state_now(r->s), SYNC_HELLO);
	rig_welcome(r);
	assert_int_equal(sync_state_now(r->s), SYNC_CHECK);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_WELCOME, .dir_seq = 1 });
}

static inline void rig_directory_empty(struct rig *r)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Directory d = ROOMKEEP__DIRECTORY__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_DIRECTORY;
	f.directory = &d;
	rig_frame(r, &f, rig_number(r, ROOMKEEP__FRAME__BODY_GET_DIRECTORY));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_DIRECTORY, .dir_seq = 1 });
}

static inline void rig_person_in(struct rig *r)
{
	rig_step(r, &(struct sync_event){
			    .type = SYNC_EV_PERSON_IN, .person = rig_person, .login = "mara" });
}

static inline void rig_login_params(struct rig *r, uint64_t number)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__LoginParams p = ROOMKEEP__LOGIN_PARAMS__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_LOGIN_PARAMS;
	f.login_params = &p;
	rig_frame(r, &f, number);
}

static inline void rig_login_ok(struct rig *r, uint64_t number)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__LoginOk ok = ROOMKEEP__LOGIN_OK__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_LOGIN_OK;
	f.login_ok = &ok;
	rig_frame(r, &f, number);
}

/* The person is in already; the machine is in LOGIN. */
static inline void rig_finish_login(struct rig *r, struct sync_cursor cursor)
{
	assert_int_equal(sync_state_now(r->s), SYNC_LOGIN);
	rig_login_params(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_LOGIN_PROOF,
					  .frame = rig_body(ROOMKEEP__FRAME__BODY_LOGIN_PROOF) });
	rig_login_ok(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_PROOF));
	rig_directory_empty(r);
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_LOGIN_OK, .cursor = cursor });
	assert_int_equal(sync_state_now(r->s), SYNC_SIGNED_IN);
}

static inline void rig_to_signed_in(struct rig *r)
{
	rig_to_courier(r);
	rig_person_in(r);
	rig_finish_login(r,
			 (struct sync_cursor){ .epoch = rig_epoch, .seq = 5, .scope_version = 1 });
}

static inline void rig_feed(struct rig *r, uint64_t up_to, bool live)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Feed m = ROOMKEEP__FEED__INIT;
	m.has_up_to_seq = m.has_live = true;
	m.up_to_seq = up_to;
	m.live = live;
	f.body_case = ROOMKEEP__FRAME__BODY_FEED;
	f.feed = &m;
	rig_frame(r, &f, 0);
}

static inline void rig_ack(struct rig *r, uint64_t number)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Ack a = ROOMKEEP__ACK__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_ACK;
	f.ack = &a;
	rig_frame(r, &f, number);
}

static inline void rig_request(struct rig *r, uint64_t id, enum sync_needs needs, uint64_t timeout,
			       uint64_t serial)
{
	struct buf b = rig_body(needs == SYNC_NEEDS_LINK ? ROOMKEEP__FRAME__BODY_LOGIN_START
							 : ROOMKEEP__FRAME__BODY_LIST_ROOMS);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_REQUEST,
					  .request = { .id = id,
						       .needs = needs,
						       .timeout_ms = timeout,
						       .serial = serial,
						       .frame = buf_view(&b) } });
	buf_fini(&b);
}

static inline void rig_scope(struct rig *r)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__ScopeChange m = ROOMKEEP__SCOPE_CHANGE__INIT;
	m.has_scope_version = true;
	m.scope_version = 2;
	f.body_case = ROOMKEEP__FRAME__BODY_SCOPE_CHANGE;
	f.scope_change = &m;
	rig_frame(r, &f, 0);
}
