/* sim_setup: the clinic is founded, rooms join, people are added: by the real frames. */
#include "base/check.h"
#include "base/cleanup.h"
#include "sim/sim_join.h"
#include "sim/sim_server.h"

#include <limits.h>

#define SETUP_MS 120000u
#define INVITE_TRIES_MAX 5u

#define SETUP_TRY(s, call)                                                                         \
	do {                                                                                       \
		const enum err setup_err_ = (call);                                                \
		if (setup_err_ != ERR_OK) {                                                        \
			sim_fail((s), "setup: %s: %s", #call, err_name(setup_err_));               \
			return;                                                                    \
		}                                                                                  \
	} while (0)

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
	(void)snprintf(r->name, sizeof(r->name), "Room %u", r->index + 1);
	enum err e = ERR_OFFLINE;
	/* An earlier room's joining may have killed the server, and the owner's room may notice
	 * only now. */
	for (unsigned tries = 0; e == ERR_OFFLINE && tries < INVITE_TRIES_MAX; tries++) {
		ENSURE(sim_run_until(s, SETUP_MS, room_is_online, owner), ERR_TIMEOUT);
		e = talk(s, owner, SIM_TALK_INVITE, r->index);
	}
	TRY(e);
	CLEANUP(secret_freep) struct secret *code = TAKE(owner->talk.code);
	return sim_join_enrol(s, r, secret_view(code), UINT_MAX);
}

void sim_setup(struct sim *s)
{
	struct sim_room *owner = s->rooms[0];
	sim_server_start(s);
	for (unsigned i = 0; i < s->swarm.room_count; i++) sim_room_start(s, s->rooms[i]);
	if (s->failed) return;
	(void)snprintf(owner->name, sizeof(owner->name), "Room 1");
	SETUP_TRY(s, sim_join_found(s, owner));
	if (owner->sync == NULL) sim_room_go(s, owner);
	SIM_CHECK(s, sim_run_until(s, SETUP_MS, room_is_online, owner),
		  "the first room stays offline");
	SETUP_TRY(s, talk(s, owner, SIM_TALK_SIGN_IN, 0));
	for (unsigned i = 1; i < s->swarm.user_count && !s->failed; i++) {
		SETUP_TRY(s, talk(s, owner, SIM_TALK_ADD_USER, i));
	}
	for (unsigned i = 1; i < s->swarm.room_count && !s->failed; i++) {
		SETUP_TRY(s, enrol(s, owner, s->rooms[i]));
		if (s->rooms[i]->sync == NULL) sim_room_go(s, s->rooms[i]);
	}
	s->founded = true;
	sim_trace(s, "the clinic stands: %u rooms, %u people", s->swarm.room_count,
		  s->swarm.user_count);
}
