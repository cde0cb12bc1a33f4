/* sim_setup: the clinic is founded, rooms join, people are added: by the real frames, in good
 * weather. */
#include "base/check.h"
#include "base/cleanup.h"
#include "server/work/setup.h"
#include "sim/sim_model.h"
#include "sim/sim_net.h"
#include "sim/sim_room.h"
#include "sim/sim_server.h"
#include "wire/frame.h"
#include "wire/op.h"

#define SETUP_MS 120000u

#define SETUP_TRY(s, call)                                                                         \
	do {                                                                                       \
		const enum err setup_err_ = (call);                                                \
		if (setup_err_ != ERR_OK) {                                                        \
			sim_fail((s), "setup: %s: %s", #call, err_name(setup_err_));               \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* ---- a room's first talk, without sync (client/api/join.c) --------------------------- */

static bool call_is_done(struct sim *s, void *ctx)
{
	(void)s;
	const struct sim_room *r = ctx;
	return r->call_done || r->call_failed;
}

static enum err call_wait(struct sim *s, struct sim_room *r)
{
	ENSURE(sim_run_until(s, SETUP_MS, call_is_done, r), ERR_TIMEOUT);
	return r->call_done ? ERR_OK : ERR_CLOSED;
}

static enum err call_open(struct sim *s, struct sim_room *r)
{
	r->calling = true;
	r->call_done = r->call_failed = false;
	r->link_id = sim_net_dial(s, r->index, r->life)->id;
	return call_wait(s, r);
}

static enum err call_ask(struct sim *s, struct sim_room *r, struct view body)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *reply = NULL;
	/* Field 1, `request`, may stand behind the body: protobuf fields come in any order. */
	TRY(buf_append_be32(&out, (uint32_t)body.len + 2));
	TRY(buf_append(&out, body));
	TRY(buf_append_u8(&out, 0x08));
	TRY(buf_append_u8(&out, (uint8_t)(r->next_request++ & 0x7f)));
	struct sim_link *l = sim_net_find(s, r->link_id);
	ENSURE(l != NULL, ERR_CLOSED);
	r->call_done = r->call_failed = false;
	sim_net_send(s, l, true, buf_view(&out));
	TRY(call_wait(s, r));
	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	TRY(frame_decode(&arena, buf_view(&r->call_reply), &reply));
	if (reply->body_case != ROOMKEEP__FRAME__BODY_RESULT) return ERR_OK;
	return err_from_wire(reply->result->code);
}

static enum err call_ask_frame(struct sim *s, struct sim_room *r, const Roomkeep__Frame *frame)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	TRY(frame_encode(frame, &out));
	return call_ask(s, r, view_of(out.p + FRAME_HEADER_BYTES, out.len - FRAME_HEADER_BYTES));
}

static void call_close(struct sim *s, struct sim_room *r)
{
	struct sim_link *l = sim_net_find(s, r->link_id);
	if (l != NULL) sim_net_end(s, l, false);
	r->link_id = 0;
	r->calling = false;
	buf_clear(&r->in);
}

static enum err say_hello(struct sim *s, struct sim_room *r)
{
	char build[] = "sim";
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Hello hello = ROOMKEEP__HELLO__INIT;
	hello.has_proto_min = hello.has_proto_max = 1;
	hello.proto_min = SYNC_PROTO_MIN;
	hello.proto_max = SYNC_PROTO_MAX;
	hello.build = build;
	frame.body_case = ROOMKEEP__FRAME__BODY_HELLO;
	frame.hello = &hello;
	return call_ask_frame(s, r, &frame);
}

static struct view exporter_of(struct sim *s, const struct sim_room *r, size_t which)
{
	const struct sim_link *l = sim_net_find(s, r->link_id);
	INSIST(l != NULL);
	return VIEW_OF(l->exporters[which]);
}

/* ---- founding ------------------------------------------------------------------------ */

static enum err found_talk(struct sim *s, struct sim_room *r, struct view code, struct founding *f)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__FoundStart start = ROOMKEEP__FOUND_START__INIT;
	const struct sim_user *jo = &s->users[0];
	const struct found_options options = { .clinic_name = "Harbour",
					       .owner_name = jo->name,
					       .login = jo->login,
					       .room_name = "Room 1",
					       .address = "127.0.0.1:7340",
					       .kit_folder = "/sim/kit",
					       .passphrase = view_str(jo->passphrase),
					       .k = 2,
					       .n = 3 };
	TRY(say_hello(s, r));
	frame.body_case = ROOMKEEP__FRAME__BODY_FOUND_START;
	frame.found_start = &start;
	TRY(call_ask_frame(s, r, &frame));
	struct found_server server = { .setup_code = code,
				       .exporter = exporter_of(s, r, 1),
				       .found_info = buf_view(&r->call_reply) };
	memcpy(server.spki.b, sim_server_spki(s->server), sizeof(server.spki.b));
	TRY(found_make(r->local, &options, &server, sim_room_wall_ms(s, r), f));
	TRY(call_ask(s, r, buf_view(&f->frame)));
	return found_done(r->local, sim_room_wall_ms(s, r));
}

static enum err found(struct sim *s, struct sim_room *r)
{
	CLEANUP(secret_freep) struct secret *code = NULL;
	struct founding f = { 0 };
	struct hash32 spki;
	memcpy(spki.b, sim_server_spki(s->server), sizeof(spki.b));
	TRY(setup_new_code(sim_server_store(s->server), &spki, sim_server_wall_ms(s), &code));
	TRY(call_open(s, r));
	const enum err e = found_talk(s, r, secret_view(code), &f);
	founding_fini(&f);
	call_close(s, r);
	return e;
}

/* ---- joining ------------------------------------------------------------------------- */

static enum err enrol_talk(struct sim *s, struct sim_room *r, struct view code)
{
	CLEANUP(buf_finip) struct buf body = { 0 };
	enum code_fault fault = CODE_NONE;
	struct enrolment *enrolment = NULL;
	struct hash32 server, room;
	memcpy(server.b, sim_server_spki(s->server), sizeof(server.b));
	memcpy(room.b, r->spki, sizeof(room.b));
	TRY(say_hello(s, r));
	TRY(enrol_start(code, &fault, &enrolment, &body));
	enum err e = call_ask(s, r, buf_view(&body));
	buf_clear(&body);
	if (e == ERR_OK) {
		e = enrol_prove(r->local, enrolment, buf_view(&r->call_reply), &server, &room,
				exporter_of(s, r, 2), "127.0.0.1:7340", sim_room_wall_ms(s, r),
				&body);
	}
	enrolment_free(enrolment);
	TRY(e);
	TRY(call_ask(s, r, buf_view(&body)));
	return enrol_done(r->local, sim_room_wall_ms(s, r));
}

static bool talk_is_over(struct sim *s, void *ctx)
{
	(void)s;
	const struct sim_room *r = ctx;
	return r->talk.kind == SIM_TALK_NONE && r->job_count == 0 && !r->desk_busy;
}

static enum err talk(struct sim *s, struct sim_room *r, enum sim_talk_kind kind, unsigned user)
{
	ENSURE(sim_talk_begin(s, r, kind, user), ERR_BUSY);
	ENSURE(sim_run_until(s, SETUP_MS, talk_is_over, r), ERR_TIMEOUT);
	return r->talk.result;
}

static bool room_is_online(struct sim *s, void *ctx)
{
	(void)s;
	const struct sim_room *r = ctx;
	return sync_link_now(r->sync) == SYNC_LINK_ONLINE;
}

static enum err enrol(struct sim *s, struct sim_room *owner, struct sim_room *r)
{
	TRY(talk(s, owner, SIM_TALK_INVITE, r->index));
	TRY(call_open(s, r));
	const enum err e = enrol_talk(s, r, secret_view(owner->talk.code));
	call_close(s, r);
	return e;
}

void sim_setup(struct sim *s)
{
	struct sim_room *owner = s->rooms[0];
	sim_server_start(s);
	for (unsigned i = 0; i < s->swarm.room_count; i++) sim_room_start(s, s->rooms[i]);
	if (s->failed) return;
	SETUP_TRY(s, found(s, owner));
	sim_room_go(s, owner);
	SIM_CHECK(s, sim_run_until(s, SETUP_MS, room_is_online, owner),
		  "the first room stays offline");
	SETUP_TRY(s, talk(s, owner, SIM_TALK_SIGN_IN, 0));
	for (unsigned i = 1; i < s->swarm.user_count && !s->failed; i++) {
		SETUP_TRY(s, talk(s, owner, SIM_TALK_ADD_USER, i));
	}
	for (unsigned i = 1; i < s->swarm.room_count && !s->failed; i++) {
		SETUP_TRY(s, enrol(s, owner, s->rooms[i]));
		sim_room_go(s, s->rooms[i]);
	}
	s->founded = true;
	sim_trace(s, "the clinic stands: %u rooms, %u people", s->swarm.room_count,
		  s->swarm.user_count);
}
