/* dialog_fx: a dialog with a roster of one clinic, for the tests of this folder. */
#pragma once

#include "base/check.h"
#include "base/cleanup.h"
#include "record/access.h"
#include "record/kinds.h"
#include "server/core/dialog.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FX_WALL_MS 1760000000000ull
#define FX_CONN 7u

static const struct id fx_clinic = { { 0xC1, [15] = 1 } };
static const struct id fx_epoch = { { 0xE1, [15] = 1 } };
static const struct id fx_room_id = { { 0x11, [15] = 1 } };
static const struct id fx_jo = { { 0x22, [15] = 1 } };

struct fx {
	struct roster *roster;
	struct dialog d;
	struct dialog_actions out;
	struct dialog_metrics metrics;
	struct rand_seeded seeded;
	struct rand_source rand;
	struct dialog_peer peer;
	struct arena arena;
	uint64_t now_ms;
	uint64_t request;
};

static inline void fx_put_room(struct fx *x, const char *name, const uint8_t *spki,
			       enum roster_room_state state)
{
	struct roster_room room = { .room_id = fx_room_id, .state = state };
	memcpy(room.spki, spki, sizeof(room.spki));
	(void)snprintf(room.name, sizeof(room.name), "%s", name);
	(void)snprintf(room.kind, sizeof(room.kind), "treatment");
	assert_int_equal(roster_put_room(x->roster, &room), ERR_OK);
}

static inline void fx_put_user(struct fx *x, uint64_t roles, bool active, uint64_t version)
{
	const struct roster_user u = {
		.user_id = fx_jo, .roles = roles, .active = active, .scope_version = version
	};
	assert_int_equal(roster_put_user(x->roster, &u), ERR_OK);
}

static inline void fx_dial(struct fx *x)
{
	dialog_init(&x->d, x->roster, x->rand, &x->metrics, FX_CONN, &x->peer, x->now_ms);
}

/* `founded`: the clinic exists, Jo is a therapist. `enrolled`: this peer is its room. */
static inline void fx_init(struct fx *x, bool founded, bool enrolled)
{
	*x = (struct fx){ .now_ms = 1000 };
	x->roster = calloc(1, sizeof(*x->roster));
	assert_non_null(x->roster);
	roster_init(x->roster);
	x->rand = rand_seeded_init(&x->seeded, 42);
	arena_init(&x->arena, 16 * MIB);
	dialog_actions_init(&x->out);
	rand_fill(&x->rand, &x->peer, sizeof(x->peer));
	if (founded) {
		const uint8_t body[] = { 1, 2, 3 };
		const uint8_t sig[ROSTER_SIG_BYTES] = { 4 };
		x->roster->founded = true;
		x->roster->clinic_id = fx_clinic;
		x->roster->epoch = fx_epoch;
		x->roster->seq = 10;
		x->roster->backed_up_seq = 4;
		assert_int_equal(
			roster_set_signed(&x->roster->epoch_record, VIEW_OF(body), VIEW_OF(sig)),
			ERR_OK);
		assert_int_equal(
			roster_set_signed(&x->roster->server_record, VIEW_OF(body), VIEW_OF(sig)),
			ERR_OK);
		fx_put_user(x, ROLE_THERAPIST, true, 3);
	}
	if (enrolled) fx_put_room(x, "Room 1", x->peer.spki, ROSTER_ACTIVE);
	fx_dial(x);
}

static inline void fx_fini(struct fx *x)
{
	dialog_fini(&x->d);
	dialog_actions_fini(&x->out);
	arena_fini(&x->arena);
	free(x->roster);
}

static inline void fx_step(struct fx *x, const struct dialog_event *ev)
{
	struct dialog_event timed = *ev;
	timed.wall_ms = FX_WALL_MS;
	dialog_step(&x->d, x->now_ms, &timed, &x->out);
}

static inline void fx_tick(struct fx *x, uint64_t ms)
{
	x->now_ms += ms;
	fx_step(x, &(struct dialog_event){ .type = DIALOG_EV_TICK });
}

static inline void *fx_alloc(struct fx *x, size_t bytes)
{
	void *p = arena_alloc(&x->arena, bytes);
	assert_non_null(p);
	return p;
}

static inline Roomkeep__Frame *fx_frame(struct fx *x, Roomkeep__Frame__BodyCase body)
{
	Roomkeep__Frame *f = fx_alloc(x, sizeof(*f));
	roomkeep__frame__init(f);
	f->has_request = 1;
	f->request = ++x->request;
	f->body_case = body;
	/* Any body as an empty message: the members of the oneof are all pointers to messages. */
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&roomkeep__frame__descriptor, (unsigned)body);
	assert_non_null(field);
	const ProtobufCMessageDescriptor *type = field->descriptor;
	ProtobufCMessage *m = fx_alloc(x, type->sizeof_message);
	type->message_init(m);
	memcpy((char *)f + field->offset, &m, sizeof(void *));
	return f;
}

/* The n-th frame of what was sent in the last step; NULL if there are fewer. */
static inline Roomkeep__Frame *fx_sent(struct fx *x, size_t n)
{
	size_t at = 0;
	struct view body;
	for (size_t i = 0;; i++) {
		const struct view rest = view_of(x->out.send.p + at, x->out.send.len - at);
		if (rest.len == 0) return NULL;
		assert_int_equal(frame_peek(rest, FRAME_BODY_BYTES_MAX, &body), ERR_OK);
		if (i == n) break;
		at += FRAME_HEADER_BYTES + body.len;
	}
	Roomkeep__Frame *f = NULL;
	assert_int_equal(frame_decode(&x->arena, body, &f), ERR_OK);
	return f;
}

static inline void fx_send(struct fx *x, const Roomkeep__Frame *f)
{
	const size_t bytes = frame_bytes(f) - FRAME_HEADER_BYTES;
	fx_step(x, &(struct dialog_event){
			   .type = DIALOG_EV_FRAME, .frame = f, .frame_bytes = bytes });
}
