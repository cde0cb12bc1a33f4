/* seeds_sync: a server that welcomes, signs in, feeds and acknowledges; one that refuses; as
 * events of fuzz_sync.c. */
#include "fuzz/seeds.h"
#include "wire/frame.h"

enum { EV_FRAME = 0, EV_DESK = 2, EV_LINK, EV_PERSON, EV_REQUEST, EV_TICK, EV_OTHER };
#define TO_NOTHING 0u /* a frame that answers no request */
#define TO_NEWEST 1u  /* the frame that was sent last */
#define TO_BEFORE 2u  /* the one before it */
#define DESK_OK 0u
#define DESK_AGAIN 1u
#define DESK_LIVE 2u
#define DESK_FRAME 4u /* of a Push or CourierPush */

static void put2(struct buf *b, uint8_t x, uint8_t y)
{
	seed_put_u8(b, x);
	seed_put_u8(b, y);
}

static void put_desk(struct buf *b, uint8_t flags)
{
	seed_put_u8(b, EV_DESK);
	put2(b, 0, flags);
}

static void put_frame(struct buf *b, uint8_t to, Roomkeep__Frame__BodyCase body, void *message)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	CLEANUP(buf_finip) struct buf bytes = { 0 };

	f.body_case = body;
	f.welcome = message; /* the members of the oneof are all pointers to messages */
	INSIST(frame_encode(&f, &bytes) == ERR_OK);
	buf_consume(&bytes, FRAME_HEADER_BYTES);
	put2(b, EV_FRAME, to);
	put2(b, (uint8_t)(bytes.len >> 8), (uint8_t)bytes.len);
	seed_put(b, buf_view(&bytes));
}

static void put_welcome(struct buf *b)
{
	Roomkeep__Welcome m = ROOMKEEP__WELCOME__INIT;

	m.has_proto = m.has_enrolled = m.has_founded = m.has_dir_seq = 1;
	m.proto = 1;
	m.enrolled = m.founded = 1;
	m.dir_seq = 1;
	put2(b, EV_LINK, 0);
	put_frame(b, TO_NEWEST, ROOMKEEP__FRAME__BODY_WELCOME, &m);
	put_desk(b, DESK_OK);
}

static void put_directory(struct buf *b, uint8_t to)
{
	Roomkeep__Directory m = ROOMKEEP__DIRECTORY__INIT;

	put_frame(b, to, ROOMKEEP__FRAME__BODY_DIRECTORY, &m);
	put_desk(b, DESK_OK);
}

static void put_result(struct buf *b, enum err e)
{
	Roomkeep__Result m = ROOMKEEP__RESULT__INIT;

	m.has_code = m.has_retry_ms = 1;
	m.code = e;
	m.retry_ms = 100;
	put_frame(b, TO_NEWEST, ROOMKEEP__FRAME__BODY_RESULT, &m);
}

static void put_sign_in(struct buf *b)
{
	Roomkeep__LoginParams params = ROOMKEEP__LOGIN_PARAMS__INIT;
	Roomkeep__LoginOk ok = ROOMKEEP__LOGIN_OK__INIT;

	put2(b, EV_PERSON, 0);
	put_frame(b, TO_NEWEST, ROOMKEEP__FRAME__BODY_LOGIN_PARAMS, &params);
	put_desk(b, DESK_OK);
	put_frame(b, TO_NEWEST, ROOMKEEP__FRAME__BODY_LOGIN_OK, &ok);
	put_directory(b, TO_NEWEST);
	put_desk(b, DESK_OK);
}

static void put_flow(struct buf *b)
{
	Roomkeep__Feed feed = ROOMKEEP__FEED__INIT;
	Roomkeep__Ack ack = ROOMKEEP__ACK__INIT;
	Roomkeep__ScopeChange scope = ROOMKEEP__SCOPE_CHANGE__INIT;

	put_frame(b, TO_NOTHING, ROOMKEEP__FRAME__BODY_FEED, &feed);
	for (int i = 0; i < 4; i++) put_desk(b, DESK_FRAME | DESK_LIVE);
	put_frame(b, TO_NEWEST, ROOMKEEP__FRAME__BODY_ACK, &ack);
	put_frame(b, TO_BEFORE, ROOMKEEP__FRAME__BODY_ACK, &ack);
	for (int i = 0; i < 2; i++) put_desk(b, DESK_OK);
	put_frame(b, TO_NOTHING, ROOMKEEP__FRAME__BODY_SCOPE_CHANGE, &scope);
	put_directory(b, TO_NEWEST);
	for (int i = 0; i < 2; i++) put_desk(b, DESK_OK);
}

static void put_tick(struct buf *b, uint8_t quarter_seconds)
{
	seed_put_u8(b, EV_TICK);
	put2(b, quarter_seconds, 0); /* 64 ms each */
}

static void seed_courier(void)
{
	CLEANUP(buf_finip) struct buf b = { 0 };

	put_welcome(&b);
	put_directory(&b, TO_NEWEST);
	put_desk(&b, DESK_FRAME);
	put_result(&b, ERR_BUSY);
	put2(&b, EV_REQUEST, 0xf0);
	put_result(&b, ERR_DENIED);
	put2(&b, EV_REQUEST, 0xf1);
	put_tick(&b, 100);
	put2(&b, EV_OTHER, 1);
	seed_write("sync", "courier", buf_view(&b));
}

static void seed_signed_in(void)
{
	CLEANUP(buf_finip) struct buf b = { 0 };

	put_welcome(&b);
	put_directory(&b, TO_NEWEST);
	put_sign_in(&b);
	seed_write("sync", "sign_in", buf_view(&b));
	put_flow(&b);
	put2(&b, EV_REQUEST, 0xf1);
	put_result(&b, ERR_IO);
	put2(&b, EV_PERSON, 2);
	put_result(&b, ERR_OK);
	seed_write("sync", "signed_in", buf_view(&b));
	put2(&b, EV_LINK, 0x81);
	put_tick(&b, 200);
	put_welcome(&b);
	seed_write("sync", "again", buf_view(&b));
}

static void seed_refused(void)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	Roomkeep__Refuse m = ROOMKEEP__REFUSE__INIT;

	m.has_reason = 1;
	m.reason = ROOMKEEP__REFUSE_REASON__WRONG_EPOCH;
	put2(&b, EV_LINK, 0);
	put_frame(&b, TO_NEWEST, ROOMKEEP__FRAME__BODY_REFUSE, &m);
	put2(&b, EV_LINK, 0x80);
	put_tick(&b, 255);
	put_welcome(&b);
	put_desk(&b, DESK_AGAIN);
	seed_write("sync", "refused", buf_view(&b));
}

void seeds_sync(void)
{
	seed_courier();
	seed_signed_in();
	seed_refused();
}
