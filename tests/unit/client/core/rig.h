/* rig: a sync machine with a scripted server and desk, for the tests of this folder. */
#pragma once

#include "client/core/sync.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define RIG_SEEN_MAX 256u

struct rig {
	struct sync *s;
	struct rand_seeded seeded;
	uint64_t now;
	struct sync_actions out;
	struct arena arena; /* decoded frames that were sent */
	/* since rig_clear */
	Roomkeep__Frame *sent[RIG_SEEN_MAX];
	size_t sent_count;
	struct sync_ask asks[RIG_SEEN_MAX]; /* without their bytes */
	size_t ask_count;
	struct {
		uint64_t id;
		enum err err;
		uint64_t serial;
		Roomkeep__Frame *frame;
	} replies[RIG_SEEN_MAX];
	size_t reply_count;
	unsigned dials, closes, links, refused_people;
};

static const struct id rig_person = { { 7 } };
static const struct id rig_epoch = { { 9 } };

static inline void rig_clear(struct rig *r)
{
	r->sent_count = r->ask_count = r->reply_count = 0;
	r->dials = r->closes = r->links = r->refused_people = 0;
	arena_reset(&r->arena);
}

static inline void rig_note(struct rig *r, struct sync_action *a)
{
	Roomkeep__Frame *f = NULL;
	switch (a->type) {
	case SYNC_ACT_DIAL: r->dials++; break;
	case SYNC_ACT_CLOSE: r->closes++; break;
	case SYNC_ACT_LINK: r->links++; break;
	case SYNC_ACT_PERSON_REFUSED: r->refused_people++; break;
	case SYNC_ACT_SEND: {
		struct view body;
		assert_int_equal(frame_peek(buf_view(&a->bytes), FRAME_BODY_BYTES_MAX, &body),
				 ERR_OK);
		assert_int_equal(body.len + FRAME_HEADER_BYTES, a->bytes.len);
		assert_int_equal(frame_decode(&r->arena, body, &f), ERR_OK);
		assert_true(f->has_request && f->request > 0);
		assert_true(r->sent_count < RIG_SEEN_MAX);
		r->sent[r->sent_count++] = f;
		break;
	}
	case SYNC_ACT_DESK:
		assert_true(r->ask_count < RIG_SEEN_MAX);
		r->asks[r->ask_count] = a->ask;
		r->asks[r->ask_count++].frame = (struct buf){ 0 };
		break;
	case SYNC_ACT_REPLY:
		if (a->bytes.len > 0)
			assert_int_equal(frame_decode(&r->arena, buf_view(&a->bytes), &f), ERR_OK);
		assert_true(r->reply_count < RIG_SEEN_MAX);
		r->replies[r->reply_count].id = a->request_id;
		r->replies[r->reply_count].err = a->err;
		r->replies[r->reply_count].serial = a->conn.serial;
		r->replies[r->reply_count++].frame = f;
		break;
	}
}

static inline void rig_step(struct rig *r, const struct sync_event *ev)
{
	sync_actions_init(&r->out);
	sync_step(r->s, r->now, ev, &r->out);
	for (size_t i = 0; i < r->out.count; i++) rig_note(r, &r->out.a[i]);
	sync_actions_clear(&r->out);
}

static inline struct rig *rig_new(uint64_t seed)
{
	struct rig *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->now = 1000;
	arena_init(&r->arena, 64u * MIB);
	const struct sync_config c = { .build = "test",
				       .clinic_id = { { 1 } },
				       .room_id = { { 2 } },
				       .epoch = rig_epoch,
				       .rand = rand_seeded_init(&r->seeded, seed) };
	assert_int_equal(sync_new(&c, r->now, &r->s), ERR_OK);
	return r;
}

static inline void rig_free(struct rig *r)
{
	sync_free(r->s);
	arena_fini(&r->arena);
	free(r);
}

static inline void rig_event(struct rig *r, enum sync_event_type type)
{
	rig_step(r, &(struct sync_event){ .type = type });
}

/* Time passes; every deadline on the way is kept. */
static inline void rig_wait(struct rig *r, uint64_t ms)
{
	const uint64_t until = r->now + ms;
	for (unsigned i = 0; i < 100000; i++) {
		const uint64_t at = sync_deadline_ms(r->s);
		if (at > until) break;
		if (at > r->now) r->now = at;
		rig_event(r, SYNC_EV_TICK);
	}
	r->now = until;
	rig_event(r, SYNC_EV_TICK);
}

static inline void rig_frame(struct rig *r, Roomkeep__Frame *f, uint64_t request)
{
	struct buf b = { 0 };
	f->has_request = true;
	f->request = request;
	assert_int_equal(frame_encode(f, &b), ERR_OK);
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_FRAME,
					  .frame = view_of(b.p + FRAME_HEADER_BYTES,
							   b.len - FRAME_HEADER_BYTES) });
	buf_fini(&b);
}

static inline void rig_result(struct rig *r, uint64_t request, enum err code)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Result m = ROOMKEEP__RESULT__INIT;
	m.has_code = true;
	m.code = code;
	f.body_case = ROOMKEEP__FRAME__BODY_RESULT;
	f.result = &m;
	rig_frame(r, &f, request);
}

/* Newest of its sort since rig_clear. */
static inline Roomkeep__Frame *rig_sent(struct rig *r, Roomkeep__Frame__BodyCase which)
{
	for (size_t i = r->sent_count; i > 0; i--)
		if (r->sent[i - 1]->body_case == which) return r->sent[i - 1];
	return NULL;
}

static inline uint64_t rig_number(struct rig *r, Roomkeep__Frame__BodyCase which)
{
	Roomkeep__Frame *f = rig_sent(r, which);
	assert_non_null(f);
	return f->request;
}

static inline const struct sync_ask *rig_ask(struct rig *r, enum sync_ask_type type)
{
	for (size_t i = r->ask_count; i > 0; i--)
		if (r->asks[i - 1].type == type) return &r->asks[i - 1];
	return NULL;
}

static inline void rig_done(struct rig *r, struct sync_result res)
{
	const struct sync_ask *ask = rig_ask(r, res.type);
	assert_non_null(ask);
	res.id = ask->id;
	rig_step(r, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &res });
	sync_result_fini(&res);
}
