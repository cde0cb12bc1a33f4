/* What changes in a clinic's office while people work: roles, people who are dismissed or come,
 * rooms that are retired or join. An owner does it in a room where he is signed in; the admin's
 * block comes from the server's machine. Mostly it meets people who are at work elsewhere. */
#include "sim/sim_office.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/access.h"
#include "sim/sim_join.h"
#include "sim/sim_net.h"
#include "sim/sim_reference.h"
#include "sim/sim_server.h"

#define JOIN_TRIES 3u
#define INVITE_MS 20000u

enum office {
	OFFICE_ROLES,
	OFFICE_DISABLE,
	OFFICE_BLOCK,
	OFFICE_RETIRE,
	OFFICE_JOIN,
	OFFICE_ADD_USER,
	OFFICE_LINGER,
	OFFICE_COUNT
};

void sim_office_post(struct sim *s)
{
	if (s->swarm.office_gap_ms == 0) return;
	(void)sim_post(s, 1 + sim_upto(&s->rand, 2 * s->swarm.office_gap_ms), SIM_EV_OFFICE,
		       SIM_SERVER, 0);
}

/* Signed in, and an owner by the server's rows. */
static bool is_owners(const struct sim *s, const struct sim_room *r)
{
	return r->up && r->sync != NULL && r->talk.kind == SIM_TALK_NONE &&
	       r->person < SIM_USERS_MAX && desk_person(&r->desk) != NULL &&
	       (sim_reference_roles(s, &s->users[r->person].id) & ROLE_OWNER) != 0;
}

static struct sim_room *room_of_owner(struct sim *s)
{
	const unsigned from = (unsigned)rand_below(&s->rand, s->swarm.room_count);
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		struct sim_room *r = s->rooms[(from + i) % s->swarm.room_count];
		if (is_owners(s, r)) return r;
	}
	return NULL;
}

/* Mostly somebody who is at work in some room. */
static unsigned somebody(struct sim *s)
{
	const struct sim_room *r = s->rooms[rand_below(&s->rand, s->swarm.room_count)];
	const unsigned any = (unsigned)rand_below(&s->rand, s->swarm.user_count);
	const bool at_work = sim_chance(&s->rand, 70);
	return at_work && r->person < s->swarm.user_count ? r->person : any;
}

static unsigned active_people(const struct sim *s)
{
	unsigned count = 0;
	for (unsigned i = 0; i < s->swarm.user_count; i++)
		count += sim_reference_roles(s, &s->users[i].id) != 0;
	return count;
}

static unsigned active_rooms(const struct sim *s)
{
	unsigned count = 0;
	for (unsigned i = 0; i < s->swarm.room_count; i++) count += !s->rooms[i]->retire_asked;
	return count;
}

/* ---- what is done -------------------------------------------------------------------- */

static void change_roles(struct sim *s, struct sim_room *r)
{
	static const uint64_t any[] = { ROLE_THERAPIST,
					ROLE_THERAPIST,
					ROLE_DESK,
					ROLE_THERAPIST | ROLE_DESK,
					ROLE_OWNER | ROLE_THERAPIST,
					ROLE_ADMIN };
	static const uint64_t first[] = { ROLE_OWNER | ROLE_THERAPIST, ROLE_OWNER,
					  ROLE_OWNER | ROLE_THERAPIST | ROLE_DESK };
	const unsigned user = somebody(s);
	const uint64_t roles = user == 0 ? first[rand_below(&s->rand, COUNT_OF(first))]
					 : any[rand_below(&s->rand, COUNT_OF(any))];
	if (!sim_talk_begin(s, r, SIM_TALK_DIRECTORY, user)) return;
	r->talk.roles = roles;
	sim_trace(s, "room %u: %s is to have roles %llu", r->index, s->users[user].login,
		  (unsigned long long)roles);
}

/* The first owner stays, so that somebody can always do something. */
static void disable(struct sim *s, struct sim_room *r)
{
	const unsigned user = somebody(s);
	if (user == 0 || active_people(s) < 3) return;
	if (!sim_talk_begin(s, r, SIM_TALK_DIRECTORY, user)) return;
	r->talk.roles = 0;
	sim_trace(s, "room %u: %s is to be disabled", r->index, s->users[user].login);
}

static void block(struct sim *s)
{
	const unsigned user = somebody(s);
	if (user != 0 && active_people(s) >= 3) sim_server_block(s, s->users[user].login);
}

static void retire(struct sim *s, struct sim_room *r)
{
	const unsigned other = (unsigned)rand_below(&s->rand, s->swarm.room_count);
	if (other == r->index || s->rooms[other]->retire_asked || active_rooms(s) < 3) return;
	if (!sim_talk_begin(s, r, SIM_TALK_RETIRE, other)) return;
	sim_trace(s, "room %u: room %u is to be retired", r->index, other);
}

static void linger(struct sim *s)
{
	const unsigned room = (unsigned)rand_below(&s->rand, s->swarm.room_count);
	struct sim_link *l = sim_net_of_room(s, room);
	if (l == NULL) return;
	s->cuts++;
	sim_net_linger(s, l);
}

static void add_user(struct sim *s, struct sim_room *r)
{
	if (s->swarm.user_count == SIM_USERS_MAX) return;
	(void)sim_talk_begin(s, r, SIM_TALK_ADD_USER, s->swarm.user_count);
}

static void carry_out(struct sim *s, enum office what)
{
	struct sim_room *r = room_of_owner(s);
	const bool by_owner = what == OFFICE_ROLES || what == OFFICE_DISABLE ||
			      what == OFFICE_RETIRE || what == OFFICE_ADD_USER;
	if (by_owner && r == NULL) return;
	switch (what) {
	case OFFICE_ROLES: change_roles(s, r); break;
	case OFFICE_DISABLE: disable(s, r); break;
	case OFFICE_BLOCK: block(s); break;
	case OFFICE_RETIRE: retire(s, r); break;
	case OFFICE_JOIN: s->wish_join = s->swarm.room_count < SIM_ROOMS_MAX; break;
	case OFFICE_ADD_USER: add_user(s, r); break;
	case OFFICE_LINGER: linger(s); break;
	case OFFICE_COUNT: break;
	}
}

void sim_office_on_event(struct sim *s)
{
	const struct sim_swarm *w = &s->swarm;
	const unsigned weights[OFFICE_COUNT] = {
		[OFFICE_ROLES] = w->roles,   [OFFICE_DISABLE] = w->disable,
		[OFFICE_BLOCK] = w->block,   [OFFICE_RETIRE] = w->retire,
		[OFFICE_JOIN] = w->join,     [OFFICE_ADD_USER] = w->add_user,
		[OFFICE_LINGER] = w->linger,
	};
	uint64_t sum = 0;
	unsigned which = 0;
	if (!s->wild) return;
	sim_office_post(s);
	for (size_t i = 0; i < OFFICE_COUNT; i++) sum += weights[i];
	if (sum == 0) return;
	for (uint64_t at = rand_below(&s->rand, sum); at >= weights[which]; which++)
		at -= weights[which];
	carry_out(s, (enum office)which);
}

/* ---- a room that joins --------------------------------------------------------------- */

static bool talk_is_over(struct sim *s, void *ctx)
{
	(void)s;
	const struct sim_room *r = ctx;
	return !r->up || r->talk.kind == SIM_TALK_NONE;
}

/* A name of its own for each invitation: one whose code was lost still holds its name. */
static enum err invite(struct sim *s, struct sim_room *owner, struct sim_room *r)
{
	(void)snprintf(r->name, sizeof(r->name), "Room %u", (unsigned)(100 + s->step % 100000));
	ENSURE(sim_talk_begin(s, owner, SIM_TALK_INVITE, r->index), ERR_BUSY);
	ENSURE(sim_run_until(s, INVITE_MS, talk_is_over, owner), ERR_TIMEOUT);
	ENSURE(owner->up && owner->talk.result == ERR_OK && owner->talk.code != NULL, ERR_OFFLINE);
	return ERR_OK;
}

static enum err join(struct sim *s, struct sim_room *owner, struct sim_room *r)
{
	CLEANUP(secret_freep) struct secret *code = NULL;
	if (!r->up) sim_room_start(s, r);
	ENSURE(r->up, ERR_OFFLINE);
	/* Perhaps an earlier try got through. */
	if (local_room(r->local)->state == LOCAL_ENROLLING &&
	    sim_join_enrol(s, r, VIEW_EMPTY, 1) == ERR_OK)
		return ERR_OK;
	TRY(invite(s, owner, r));
	code = TAKE(owner->talk.code);
	return sim_join_enrol(s, r, secret_view(code), JOIN_TRIES);
}

void sim_office_between(struct sim *s)
{
	struct sim_room *owner = s->wish_join && s->wild ? room_of_owner(s) : NULL;
	if (owner == NULL) return;
	s->wish_join = false;
	if (s->swarm.room_count == SIM_ROOMS_MAX) return; /* one has joined since the wish */
	const unsigned index = s->swarm.room_count;
	if (s->rooms[index] == NULL) s->rooms[index] = sim_room_new(s, index);
	struct sim_room *r = s->rooms[index];
	const enum err e = join(s, owner, r);
	sim_trace(s, "room %u joins: %s", index, err_name(e));
	if (e != ERR_OK || !r->up || s->failed) return;
	s->swarm.room_count++;
	if (r->sync == NULL) sim_room_go(s, r);
}
