/* seeds_dialog: a machine founds, enrols, signs in, pulls, is turned away; as events of
 * fuzz_dialog.c. */
#include "fuzz/seeds.h"
#include "wire/frame.h"
#include "wire/op.h"

enum { EV_FRAME = 0, EV_DONE = 2, EV_PAGE, EV_COMMIT, EV_ROSTER, EV_TICK, EV_OTHER };
#define START_EMPTY 0u
#define START_STRANGER 1u
#define START_ROOM 7u /* founded, enrolled, and a person whose roles follow */
#define DONE_OK 0u
#define DONE_AUTH 0x40u /* errs[2] of fuzz_dialog.c */
#define OWNER_AND_THERAPIST 3u

static const struct id clinic = { { 0xc1, [15] = 1 } };
static const struct id epoch = { { 0xe1, [15] = 1 } };
static uint8_t nonce[64] = { 5 };

static void put2(struct buf *b, uint8_t x, uint8_t y)
{
	seed_put_u8(b, x);
	seed_put_u8(b, y);
}

static void put_frame(struct buf *b, Roomkeep__Frame__BodyCase body, void *message)
{
	static uint64_t request;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	CLEANUP(buf_finip) struct buf bytes = { 0 };

	f.has_request = 1;
	f.request = ++request % 100;
	f.body_case = body;
	f.hello = message; /* the members of the oneof are all pointers to messages */
	INSIST(frame_encode(&f, &bytes) == ERR_OK);
	buf_consume(&bytes, FRAME_HEADER_BYTES);
	INSIST(bytes.len < 65536);
	seed_put_u8(b, EV_FRAME);
	put2(b, (uint8_t)(bytes.len >> 8), (uint8_t)bytes.len);
	seed_put(b, buf_view(&bytes));
}

static void put_hello(struct buf *b, bool joined)
{
	Roomkeep__Hello h = ROOMKEEP__HELLO__INIT;

	h.has_proto_min = h.has_proto_max = 1;
	h.proto_min = h.proto_max = 1;
	h.has_clinic_id = h.has_epoch = joined;
	h.clinic_id = wire_id_bytes(&clinic);
	h.epoch = wire_id_bytes(&epoch);
	put_frame(b, ROOMKEEP__FRAME__BODY_HELLO, &h);
}

static void put_login_start(struct buf *b)
{
	static char handle[] = "jo";
	Roomkeep__LoginStart m = ROOMKEEP__LOGIN_START__INIT;

	m.handle = handle;
	m.has_cn = 1;
	m.cn = (ProtobufCBinaryData){ 32, nonce };
	put_frame(b, ROOMKEEP__FRAME__BODY_LOGIN_START, &m);
}

static void put_login_proof(struct buf *b)
{
	Roomkeep__LoginProof m = ROOMKEEP__LOGIN_PROOF__INIT;

	m.has_sig = 1;
	m.sig = (ProtobufCBinaryData){ 64, nonce };
	put_frame(b, ROOMKEEP__FRAME__BODY_LOGIN_PROOF, &m);
}

static void put_done(struct buf *b, uint8_t flags)
{
	seed_put_u8(b, EV_DONE);
	put2(b, flags, 0);
}

static void put_sign_in(struct buf *b)
{
	put_login_start(b);
	put_done(b, DONE_OK);
	put_login_proof(b);
	put_done(b, DONE_OK);
}

static void put_pull(struct buf *b, uint64_t scope)
{
	Roomkeep__Pull m = ROOMKEEP__PULL__INIT;

	m.has_scope_version = 1;
	m.scope_version = scope;
	put_frame(b, ROOMKEEP__FRAME__BODY_PULL, &m);
}

static void put_commits(struct buf *b)
{
	for (uint8_t i = 0; i < 4; i++) {
		put2(b, EV_COMMIT, 2); /* three ops: kinds and authors in turn */
		for (uint8_t k = 0; k < 3; k++) put2(b, (uint8_t)(3 * i + k), k);
	}
}

static void put_feed_ack(struct buf *b, uint64_t seq)
{
	Roomkeep__FeedAck m = ROOMKEEP__FEED_ACK__INIT;

	m.has_up_to_seq = 1;
	m.up_to_seq = seq;
	put_frame(b, ROOMKEEP__FRAME__BODY_FEED_ACK, &m);
}

static void put_empty(struct buf *b, Roomkeep__Frame__BodyCase body)
{
	Roomkeep__Ping ping = ROOMKEEP__PING__INIT;
	Roomkeep__Push push = ROOMKEEP__PUSH__INIT;
	Roomkeep__Fetch fetch = ROOMKEEP__FETCH__INIT;
	static uint8_t patient_id[ID_BYTES];
	Roomkeep__Logout logout = ROOMKEEP__LOGOUT__INIT;
	Roomkeep__FoundStart start = ROOMKEEP__FOUND_START__INIT;
	Roomkeep__Found found = ROOMKEEP__FOUND__INIT;
	Roomkeep__EnrolProof enrol = ROOMKEEP__ENROL_PROOF__INIT;
	Roomkeep__ListRooms rooms = ROOMKEEP__LIST_ROOMS__INIT;
	Roomkeep__RetireRoom retire = ROOMKEEP__RETIRE_ROOM__INIT;
	void *const messages[] = { &ping,  &push,  &fetch, &logout, &start,
				   &found, &enrol, &rooms, &retire };
	static const Roomkeep__Frame__BodyCase bodies[] = {
		ROOMKEEP__FRAME__BODY_PING,        ROOMKEEP__FRAME__BODY_PUSH,
		ROOMKEEP__FRAME__BODY_FETCH,       ROOMKEEP__FRAME__BODY_LOGOUT,
		ROOMKEEP__FRAME__BODY_FOUND_START, ROOMKEEP__FRAME__BODY_FOUND,
		ROOMKEEP__FRAME__BODY_ENROL_PROOF, ROOMKEEP__FRAME__BODY_LIST_ROOMS,
		ROOMKEEP__FRAME__BODY_RETIRE_ROOM,
	};
	fetch.has_patient_id = fetch.has_sessions_max = fetch.has_before_ms = 1;
	fetch.patient_id = (ProtobufCBinaryData){ sizeof(patient_id), patient_id };
	fetch.sessions_max = 8;
	fetch.before_ms = 1700000000000u;
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		if (bodies[i] == body) put_frame(b, body, messages[i]);
}

static void seed_joining(void)
{
	CLEANUP(buf_finip) struct buf found = { 0 };
	CLEANUP(buf_finip) struct buf enrol = { 0 };

	seed_put_u8(&found, START_EMPTY);
	put_hello(&found, false);
	put_empty(&found, ROOMKEEP__FRAME__BODY_FOUND_START);
	put_done(&found, DONE_OK);
	put_empty(&found, ROOMKEEP__FRAME__BODY_FOUND);
	put_done(&found, DONE_OK);
	put_empty(&found, ROOMKEEP__FRAME__BODY_PING);
	seed_write("dialog", "found", buf_view(&found));
	seed_put_u8(&enrol, START_STRANGER);
	put_hello(&enrol, false);
	put_empty(&enrol, ROOMKEEP__FRAME__BODY_ENROL_PROOF);
	put_done(&enrol, DONE_AUTH | 6u);
	put_empty(&enrol, ROOMKEEP__FRAME__BODY_ENROL_PROOF);
	put_done(&enrol, DONE_OK);
	put_empty(&enrol, ROOMKEEP__FRAME__BODY_PUSH);
	seed_write("dialog", "enrol", buf_view(&enrol));
}

static void seed_signed_in(void)
{
	CLEANUP(buf_finip) struct buf b = { 0 };

	put2(&b, START_ROOM, OWNER_AND_THERAPIST);
	put_hello(&b, true);
	put_sign_in(&b);
	put_pull(&b, 1);
	put2(&b, EV_PAGE, 0);
	put_commits(&b);
	put_feed_ack(&b, 3);
	put_empty(&b, ROOMKEEP__FRAME__BODY_PUSH);
	put_empty(&b, ROOMKEEP__FRAME__BODY_FETCH);
	put_done(&b, DONE_OK);
	put_done(&b, DONE_OK);
	put_empty(&b, ROOMKEEP__FRAME__BODY_LIST_ROOMS);
	seed_write("dialog", "signed_in", buf_view(&b));
	seed_put_u8(&b, EV_ROSTER);
	put2(&b, 0, 4); /* becomes the desk */
	put_pull(&b, 2);
	put2(&b, EV_PAGE, 0xc0);
	put2(&b, EV_PAGE, 0xc0);
	put_feed_ack(&b, 12);
	put_empty(&b, ROOMKEEP__FRAME__BODY_RETIRE_ROOM);
	put_done(&b, DONE_OK);
	put_empty(&b, ROOMKEEP__FRAME__BODY_LOGOUT);
	put_done(&b, DONE_OK);
	seed_write("dialog", "rights_change", buf_view(&b));
	put2(&b, EV_ROSTER, 0xc0); /* the room is retired */
	put_hello(&b, true);
	seed_write("dialog", "retired", buf_view(&b));
}

static void seed_refusals(void)
{
	CLEANUP(buf_finip) struct buf b = { 0 };

	put2(&b, START_ROOM, OWNER_AND_THERAPIST);
	put_hello(&b, true);
	put_login_start(&b);
	put_done(&b, DONE_OK);
	put_login_proof(&b);
	put_done(&b, DONE_AUTH);
	seed_put_u8(&b, EV_TICK);
	put2(&b, 1, 0); /* the late answer */
	for (int i = 0; i < 3; i++) put_empty(&b, ROOMKEEP__FRAME__BODY_FOUND_START);
	put_hello(&b, true);
	put2(&b, EV_OTHER, 0);
	seed_write("dialog", "refusals", buf_view(&b));
}

void seeds_dialog(void)
{
	seed_joining();
	seed_signed_in();
	seed_refusals();
}
