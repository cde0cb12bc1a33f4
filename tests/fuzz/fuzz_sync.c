/* fuzz_sync: what a server says and what else happens to the room's half of the talk, as a list of
 * events: frames, answers of the desk, people coming and going, requests, time, a link that breaks.
 * Targets: sync_* of client/core.
 * Holds:   all that is sent are whole frames of a room's, numbered and rising; nothing of a person
 *          is sent when the person is gone; every request gets exactly one reply, and none that
 *          looks like trouble of this room's own; a tick leaves no deadline behind. */
#include "base/cleanup.h"
#include "client/core/sync.h"
#include "fuzz/fuzz.h"
#include "wire/frame.h"
#include "wire/op.h"

#define EVENTS_MAX 96u
#define ASKS_MAX 32u
#define NUMBERS_MAX 8u
#define REQUESTS_MAX 64u

struct talk {
	struct sync *s;
	struct rand_seeded seeded;
	uint64_t now_ms;
	enum { DOWN, DIALING, UP } link;
	bool person;
	enum sync_event_type event;    /* the one under way */
	uint64_t numbers[NUMBERS_MAX]; /* of frames sent last; [0] is the newest */
	struct sync_ask asks[ASKS_MAX];
	size_t ask_count;
	bool waits[REQUESTS_MAX]; /* by request id - 1 */
	size_t request_count;
	uint64_t login_serial; /* a LoginOk came by this connection */
};

static const struct id person_id = { { 7 } };

/* ---- what comes out ---- */

static void on_send(struct talk *t, struct view bytes)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	struct view body;
	Roomkeep__Frame *f = NULL;

	INSIST(t->link == UP);
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	INSIST(frame_peek(bytes, FRAME_BODY_BYTES_MAX, &body) == ERR_OK);
	INSIST(bytes.len == FRAME_HEADER_BYTES + body.len);
	INSIST(frame_decode(&a, body, &f) == ERR_OK);
	INSIST(f->body_case < ROOMKEEP__FRAME__BODY_WELCOME);
	INSIST(f->has_request && f->request > t->numbers[0]);
	for (size_t i = NUMBERS_MAX - 1; i > 0; i--) t->numbers[i] = t->numbers[i - 1];
	t->numbers[0] = f->request;
	/* The last words for a person who leaves go with the event that says so. */
	if (f->body_case == ROOMKEEP__FRAME__BODY_PUSH)
		INSIST(t->person || t->event == SYNC_EV_PERSON_OUT);
	if (f->body_case == ROOMKEEP__FRAME__BODY_PULL) INSIST(t->person);
}

static void on_ask(struct talk *t, struct sync_action *a)
{
	INSIST(id_is_zero(&a->ask.person) || id_equal(&a->ask.person, &person_id));
	if (a->ask.type == SYNC_ASK_FEED) INSIST(t->person && !id_is_zero(&a->ask.person));
	INSIST(t->ask_count < ASKS_MAX);
	t->asks[t->ask_count] = a->ask;
	t->asks[t->ask_count++].frame = (struct buf){ 0 };
}

static void on_reply(struct talk *t, const struct sync_action *a)
{
	CLEANUP(arena_finip) struct arena arena = { 0 };
	Roomkeep__Frame *f = NULL;

	INSIST(a->request_id >= 1 && a->request_id <= t->request_count);
	INSIST(t->waits[a->request_id - 1]);
	t->waits[a->request_id - 1] = false;
	INSIST(a->err != ERR_IO && a->err != ERR_DISK_FULL && a->err != ERR_STORE);
	if (a->bytes.len == 0) return;
	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	INSIST(frame_decode(&arena, buf_view(&a->bytes), &f) == ERR_OK);
	INSIST(f->body_case >= ROOMKEEP__FRAME__BODY_WELCOME);
	if (f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK && a->err == ERR_OK)
		t->login_serial = a->conn.serial;
}

static void on_action(struct talk *t, struct sync_action *a)
{
	switch (a->type) {
	case SYNC_ACT_DIAL:
		INSIST(t->link == DOWN);
		t->link = DIALING;
		t->numbers[0] = 0; /* they begin anew with each connection */
		break;
	case SYNC_ACT_CLOSE: INSIST(t->link != DOWN); break;
	case SYNC_ACT_SEND: on_send(t, buf_view(&a->bytes)); break;
	case SYNC_ACT_DESK: on_ask(t, a); break;
	case SYNC_ACT_REPLY: on_reply(t, a); break;
	case SYNC_ACT_PERSON_REFUSED: INSIST(t->person); break;
	case SYNC_ACT_LINK: break;
	}
}

static void step(struct talk *t, const struct sync_event *ev)
{
	static struct sync_actions out;

	sync_actions_init(&out);
	t->event = ev->type;
	sync_step(t->s, t->now_ms, ev, &out);
	for (size_t i = 0; i < out.count; i++) on_action(t, &out.a[i]);
	for (size_t i = 0; i < out.count; i++) {
		/* the desk's copy was not kept */
		sync_ask_fini(&out.a[i].ask);
		out.a[i].ask = (struct sync_ask){ 0 };
	}
	sync_actions_clear(&out);
}

/* ---- what goes in ---- */

static void put(struct buf *b, struct view v)
{
	INSIST(buf_append(b, v) == ERR_OK);
}

/* A body with the number of a request behind it, as a server's answer has. */
static void do_frame(struct talk *t, struct fuzz_in *in)
{
	const uint8_t which = fuzz_u8(in);
	const struct view body = fuzz_take(in, fuzz_u16(in));
	CLEANUP(buf_finip) struct buf frame = { 0 };

	if (t->link != UP) return;
	put(&frame, body);
	uint64_t number = which == 0 ? 0 : t->numbers[(which - 1u) % NUMBERS_MAX];
	if (number != 0) {
		INSIST(buf_append_u8(&frame, 1u << 3) == ERR_OK);
		for (; number >= 0x80u; number >>= 7)
			INSIST(buf_append_u8(&frame, (uint8_t)(number | 0x80u)) == ERR_OK);
		INSIST(buf_append_u8(&frame, (uint8_t)number) == ERR_OK);
	}
	if (frame.len == 0) return;
	step(t, &(struct sync_event){ .type = SYNC_EV_FRAME, .frame = buf_view(&frame) });
}

/* A frame body that a room sends, without anything in it. */
static struct buf made_body(Roomkeep__Frame__BodyCase which)
{
	Roomkeep__Push push = ROOMKEEP__PUSH__INIT;
	Roomkeep__CourierPush courier = ROOMKEEP__COURIER_PUSH__INIT;
	Roomkeep__LoginProof proof = ROOMKEEP__LOGIN_PROOF__INIT;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	struct buf out = { 0 };

	f.body_case = which;
	if (which == ROOMKEEP__FRAME__BODY_PUSH) {
		f.push = &push;
	} else if (which == ROOMKEEP__FRAME__BODY_COURIER_PUSH) {
		f.courier_push = &courier;
	} else {
		f.body_case = ROOMKEEP__FRAME__BODY_LOGIN_PROOF;
		f.login_proof = &proof;
	}
	INSIST(frame_encode(&f, &out) == ERR_OK);
	buf_consume(&out, FRAME_HEADER_BYTES);
	return out;
}

static void do_desk(struct talk *t, struct fuzz_in *in)
{
	static const enum err errs[] = { ERR_OK, ERR_OK,   ERR_OK,   ERR_OK,
					 ERR_OK, ERR_AUTH, ERR_FORK, ERR_NOT_FOUND };
	const uint8_t which = fuzz_u8(in);
	const uint8_t flags = fuzz_u8(in);

	if (t->ask_count == 0) return;
	const size_t at = which % t->ask_count;
	const struct sync_ask ask = t->asks[at];
	t->ask_count--;
	for (size_t i = at; i < t->ask_count; i++) t->asks[i] = t->asks[i + 1];
	struct sync_result r = { .type = ask.type, .id = ask.id, .err = errs[flags >> 5] };
	r.again = (flags & 1u) != 0;
	r.live = (flags & 2u) != 0;
	r.dir_seq = flags & 3u;
	r.queued = flags & 7u;
	r.cursor.seq = flags & 3u;
	if (r.err == ERR_FORK) r.reason = SYNC_REASON_BAD_DIRECTORY;
	if (r.err == ERR_OK && ask.type == SYNC_ASK_PUSH && (flags & 4u) != 0)
		r.frame = made_body(ROOMKEEP__FRAME__BODY_PUSH);
	if (r.err == ERR_OK && ask.type == SYNC_ASK_COURIER && (flags & 4u) != 0)
		r.frame = made_body(ROOMKEEP__FRAME__BODY_COURIER_PUSH);
	if (r.err == ERR_OK && ask.type == SYNC_ASK_LOGIN_PROOF)
		r.frame = made_body(ROOMKEEP__FRAME__BODY_LOGIN_PROOF);
	step(t, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &r });
	sync_result_fini(&r);
}

static void do_link(struct talk *t, struct fuzz_in *in)
{
	static const enum err errs[] = { ERR_IO, ERR_CLOSED, ERR_REFUSED, ERR_TIMEOUT };
	const uint8_t how = fuzz_u8(in);

	if (t->link == DOWN) return;
	if (t->link == DIALING && (how & 0x80u) == 0) {
		t->link = UP;
		step(t, &(struct sync_event){ .type = SYNC_EV_LINK_UP });
		return;
	}
	t->link = DOWN;
	t->login_serial = 0;
	step(t, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = errs[how % 4u] });
}

static void do_person(struct talk *t, struct fuzz_in *in)
{
	const uint8_t how = fuzz_u8(in);
	CLEANUP(buf_finip) struct buf farewell = { 0 };

	if (!t->person) {
		t->person = true;
		const uint64_t serial = (how & 1u) != 0 ? t->login_serial : 0;
		t->login_serial = 0;
		step(t, &(struct sync_event){ .type = SYNC_EV_PERSON_IN,
					      .person = person_id,
					      .login = "jo",
					      .serial = serial });
		return;
	}
	t->person = false;
	if ((how & 2u) != 0) farewell = made_body(ROOMKEEP__FRAME__BODY_PUSH);
	step(t, &(struct sync_event){ .type = SYNC_EV_PERSON_OUT, .frame = buf_view(&farewell) });
}

static void do_request(struct talk *t, struct fuzz_in *in)
{
	const uint8_t how = fuzz_u8(in);
	CLEANUP(buf_finip) struct buf body = made_body(ROOMKEEP__FRAME__BODY_LOGIN_PROOF);

	if (t->request_count == REQUESTS_MAX) return;
	t->waits[t->request_count++] = true;
	step(t, &(struct sync_event){
			.type = SYNC_EV_REQUEST,
			.request = { .id = t->request_count,
				     .needs = (how & 1u) != 0 ? SYNC_NEEDS_PERSON : SYNC_NEEDS_LINK,
				     .timeout_ms = 1u + (how >> 4) * 4000u,
				     .serial = (how & 2u) != 0 ? sync_conn_now(t->s)->serial : 0,
				     .frame = buf_view(&body) } });
}

static void do_tick(struct talk *t, uint64_t ms)
{
	t->now_ms += ms;
	step(t, &(struct sync_event){ .type = SYNC_EV_TICK });
	INSIST(sync_deadline_ms(t->s) > t->now_ms);
}

static void do_other(struct talk *t, struct fuzz_in *in)
{
	static const enum sync_event_type types[] = { SYNC_EV_OUTBOX, SYNC_EV_NOW, SYNC_EV_REDIAL };

	step(t, &(struct sync_event){ .type = types[fuzz_below(in, COUNT_OF(types))] });
	if (t->link == UP) step(t, &(struct sync_event){ .type = SYNC_EV_BYTES });
}

static void event(struct talk *t, struct fuzz_in *in)
{
	const uint8_t what = fuzz_u8(in) % 8u;

	if (what <= 1)
		do_frame(t, in);
	else if (what == 2)
		do_desk(t, in);
	else if (what == 3)
		do_link(t, in);
	else if (what == 4)
		do_person(t, in);
	else if (what == 5)
		do_request(t, in);
	else if (what == 6)
		do_tick(t, (uint64_t)fuzz_u16(in) / 4u);
	else
		do_other(t, in);
}

/* The link breaks and time passes: nobody waits for ever. */
static void check_replies(struct talk *t)
{
	if (t->link != DOWN) {
		t->link = DOWN;
		step(t, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_IO });
	}
	do_tick(t, SYNC_REQUEST_MS_MAX + 1);
	for (size_t i = 0; i < t->request_count; i++) INSIST(!t->waits[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	struct talk t = { .now_ms = 1000 };
	const struct sync_config c = { .build = "fuzz",
				       .clinic_id = { { 1 } },
				       .room_id = { { 2 } },
				       .epoch = { { 9 } },
				       .rand = rand_seeded_init(&t.seeded, 1) };

	INSIST(sync_new(&c, t.now_ms, &t.s) == ERR_OK);
	do_tick(&t, 0);
	for (size_t i = 0; i < EVENTS_MAX && fuzz_has(&in); i++) event(&t, &in);
	check_replies(&t);
	sync_free(t.s);
	return 0;
}
