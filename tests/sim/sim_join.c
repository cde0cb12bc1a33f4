/* sim_join: founding and joining, by the real frames, as client/api/join.c does it. A try that is
 * cut off is made again: first the room asks whether it was taken. */
#include "sim/sim_join.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "server/work/setup.h"
#include "sim/sim_net.h"
#include "sim/sim_server.h"
#include "wire/frame.h"
#include "wire/op.h"

#define CALL_MS 120000u
#define TRIES_MAX 16u
#define TRIES_IN_WEATHER 8u
#define START_MS 20000u
#define TRY_AGAIN_MS 1000u

/* ---- a room's first talk, without sync (client/api/join.c) --------------------------- */

static bool call_is_done(struct sim *s, void *ctx)
{
	(void)s;
	const struct sim_room *r = ctx;
	return r->call_done || r->call_failed;
}

static enum err call_wait(struct sim *s, struct sim_room *r)
{
	ENSURE(sim_run_until(s, CALL_MS, call_is_done, r), ERR_TIMEOUT);
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
	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
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
	TRY(frame_decode(&arena, buf_view(&r->call_reply), &reply));
	if (reply->body_case == ROOMKEEP__FRAME__BODY_REFUSE)
		return reply->refuse->reason == ROOMKEEP__REFUSE_REASON__SHUTTING_DOWN
			       ? ERR_CLOSED
			       : ERR_REFUSED;
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

/* `with_ids`: as a room that may have been let in; `*ret_known` says whether it was. */
static enum err say_hello(struct sim *s, struct sim_room *r, bool with_ids, bool *ret_known)
{
	CLEANUP(arena_finip) struct arena arena;
	char build[] = "sim";
	const struct local_room *room = local_room(r->local);
	Roomkeep__Frame *reply = NULL;
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Hello hello = ROOMKEEP__HELLO__INIT;
	hello.has_proto_min = hello.has_proto_max = 1;
	hello.proto_min = SYNC_PROTO_MIN;
	hello.proto_max = SYNC_PROTO_MAX;
	hello.build = build;
	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	if (with_ids) {
		hello.has_clinic_id = hello.has_room_id = hello.has_epoch = 1;
		hello.clinic_id = wire_id_bytes(&room->clinic_id);
		hello.room_id = wire_id_bytes(&room->room_id);
		hello.epoch = wire_id_bytes(&room->epoch.epoch);
	}
	frame.body_case = ROOMKEEP__FRAME__BODY_HELLO;
	frame.hello = &hello;
	TRY(call_ask_frame(s, r, &frame));
	TRY(frame_decode(&arena, buf_view(&r->call_reply), &reply));
	ENSURE(reply->body_case == ROOMKEEP__FRAME__BODY_WELCOME, ERR_PROTO);
	*ret_known = reply->welcome->has_enrolled && reply->welcome->enrolled;
	return ERR_OK;
}

static struct view exporter_of(struct sim *s, const struct sim_room *r, size_t which)
{
	const struct sim_link *l = sim_net_find(s, r->link_id);
	return l == NULL ? VIEW_EMPTY : VIEW_OF(l->exporters[which]); /* cut meanwhile */
}

/* ---- weather ------------------------------------------------------------------------- */

static enum sim_death draw_death(struct sim *s)
{
	return sim_chance(&s->faults, s->swarm.power_percent) ? SIM_DEATH_POWER : SIM_DEATH_KILL;
}

static void arm(struct sim *s, struct sim_disk *d, uint64_t most)
{
	const uint64_t visits = 1 + sim_upto(&s->faults, most);
	sim_disk_arm(d, visits, sim_chance(&s->faults, 30), draw_death(s));
}

static void disarm(struct sim *s, struct sim_room *r)
{
	sim_disk_arm(sim_server_disk(s->server), 0, false, SIM_DEATH_EXIT);
	sim_disk_arm(&r->disk, 0, false, SIM_DEATH_EXIT);
}

/* Something goes wrong in this try: at the server, on the way, or (after it) in the room. */
static void weather(struct sim *s, struct sim_room *r)
{
	if (s->wild || !sim_chance(&s->faults, s->swarm.setup_percent)) return;
	switch (sim_upto(&s->faults, 3)) {
	case 0: arm(s, sim_server_disk(s->server), 60); break;
	case 1: sim_net_isolate(s, r->index, 100 + sim_upto(&s->faults, 5000), true); break;
	case 2: sim_server_crash(s, draw_death(s), 50 + sim_upto(&s->faults, 3000), false); break;
	default: arm(s, &r->disk, 30); break;
	}
}

static bool all_are_up(struct sim *s, void *ctx)
{
	const struct sim_room *r = ctx;
	return r->up && sim_server_is_up(s->server);
}

/* Before the next try: perhaps the machine is switched off and on. */
static enum err after_try(struct sim *s, struct sim_room *r, unsigned tries)
{
	if (r->up && !s->wild && sim_chance(&s->faults, s->swarm.setup_percent))
		sim_room_crash(s, r, draw_death(s), 100 + sim_upto(&s->faults, 1000), false);
	if (tries == TRIES_IN_WEATHER) sim_net_heal(s);
	if (!s->wild) disarm(s, r);
	(void)sim_run_until(s, TRY_AGAIN_MS, NULL, NULL);
	return sim_run_until(s, START_MS, all_are_up, r) ? ERR_OK : ERR_TIMEOUT;
}

/* It is in: what was still to go wrong is called off. */
static enum err calm(struct sim *s, struct sim_room *r)
{
	if (s->wild) return ERR_OK;
	disarm(s, r);
	sim_net_heal(s);
	return sim_run_until(s, START_MS, all_are_up, r) ? ERR_OK : ERR_TIMEOUT;
}

/* A call of the room's own, with its crash points; ERR_CANCELED when it died in it. */
static enum err here(struct sim *s, struct sim_room *r, enum err (*call)(struct local *, uint64_t))
{
	sim_crash_enter(&r->disk);
	const enum err e = call(r->local, sim_room_wall_ms(s, r));
	if (!sim_crash_leave(&r->disk)) return e;
	sim_room_crash(s, r, SIM_DEATH_KILL, 100, false);
	return ERR_CANCELED;
}

/* Did an earlier try get through, only its answer was lost? */
static enum err was_taken(struct sim *s, struct sim_room *r, bool *ret_taken)
{
	*ret_taken = false;
	TRY(call_open(s, r));
	const enum err e = say_hello(s, r, true, ret_taken);
	call_close(s, r);
	return e == ERR_REFUSED ? ERR_OK : e; /* it does not know us: not taken */
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
	bool known = false;
	TRY(say_hello(s, r, false, &known));
	frame.body_case = ROOMKEEP__FRAME__BODY_FOUND_START;
	frame.found_start = &start;
	TRY(call_ask_frame(s, r, &frame));
	struct found_server server = { .setup_code = code,
				       .exporter = exporter_of(s, r, 1),
				       .found_info = buf_view(&r->call_reply) };
	memcpy(server.spki.b, sim_server_spki(s->server), sizeof(server.spki.b));
	sim_crash_enter(&r->disk);
	const enum err e = found_make(r->local, &options, &server, sim_room_wall_ms(s, r), f);
	if (sim_crash_leave(&r->disk)) {
		sim_room_crash(s, r, SIM_DEATH_KILL, 100, false);
		return ERR_CANCELED;
	}
	TRY(e);
	return call_ask(s, r, buf_view(&f->frame));
}

static enum err found_try(struct sim *s, struct sim_room *r, struct view code)
{
	struct founding f = { 0 };
	bool taken = false;
	if (local_room(r->local)->state == LOCAL_READY) return ERR_OK;
	if (local_room(r->local)->state == LOCAL_FOUNDING) TRY(was_taken(s, r, &taken));
	if (!taken) {
		weather(s, r);
		TRY(call_open(s, r));
		const enum err e = found_talk(s, r, code, &f);
		founding_fini(&f);
		call_close(s, r);
		TRY(e);
	}
	return here(s, r, found_done);
}

enum err sim_join_found(struct sim *s, struct sim_room *r)
{
	CLEANUP(secret_freep) struct secret *code = NULL;
	struct hash32 spki;
	memcpy(spki.b, sim_server_spki(s->server), sizeof(spki.b));
	TRY(setup_new_code(sim_server_store(s->server), &spki, sim_server_wall_ms(s), &code));
	for (unsigned tries = 1;; tries++) {
		const enum err e = found_try(s, r, secret_view(code));
		sim_trace(s, "room %u founds: %s", r->index, err_name(e));
		if (e == ERR_OK) return calm(s, r);
		if (tries == TRIES_MAX || s->failed) return e;
		TRY(after_try(s, r, tries));
	}
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
	bool known = false;
	TRY(say_hello(s, r, false, &known));
	TRY(enrol_start(code, &fault, &enrolment, &body));
	enum err e = call_ask(s, r, buf_view(&body));
	buf_clear(&body);
	if (e == ERR_OK) {
		const struct view exporter = exporter_of(s, r, 2);
		sim_crash_enter(&r->disk);
		e = enrol_prove(r->local, enrolment, buf_view(&r->call_reply), &server, &room,
				exporter, "127.0.0.1:7340", sim_room_wall_ms(s, r), &body);
		if (sim_crash_leave(&r->disk)) {
			sim_room_crash(s, r, SIM_DEATH_KILL, 100, false);
			e = ERR_CANCELED;
		}
	}
	enrolment_free(enrolment);
	TRY(e);
	return call_ask(s, r, buf_view(&body));
}

static enum err enrol_try(struct sim *s, struct sim_room *r, struct view code)
{
	bool taken = false;
	if (local_room(r->local)->state == LOCAL_READY) return ERR_OK;
	if (local_room(r->local)->state == LOCAL_ENROLLING) TRY(was_taken(s, r, &taken));
	if (!taken) {
		ENSURE(code.len > 0, ERR_NOT_FOUND);
		weather(s, r);
		TRY(call_open(s, r));
		const enum err e = enrol_talk(s, r, code);
		call_close(s, r);
		TRY(e);
	}
	return here(s, r, enrol_done);
}

enum err sim_join_enrol(struct sim *s, struct sim_room *r, struct view code, unsigned tries_max)
{
	if (tries_max > TRIES_MAX) tries_max = TRIES_MAX;
	for (unsigned tries = 1;; tries++) {
		const enum err e = enrol_try(s, r, code);
		sim_trace(s, "room %u enrols: %s", r->index, err_name(e));
		if (e == ERR_OK) return calm(s, r);
		if (tries == tries_max || s->failed) return e;
		TRY(after_try(s, r, tries));
	}
}
