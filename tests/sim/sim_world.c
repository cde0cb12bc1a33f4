#include "base/check.h"
#include "base/cleanup.h"
#include "crypt/secret.h"
#include "record/access.h"
#include "sim/sim_end.h"
#include "sim/sim_model.h"
#include "sim/sim_net.h"
#include "sim/sim_office.h"
#include "sim/sim_outbox.h"
#include "sim/sim_reference.h"
#include "sim/sim_room.h"
#include "sim/sim_server.h"
#include "sim/sim_vfs.h"

#include <inttypes.h>
#include <stdlib.h>

#define SWEEP_STEPS 1500u
#define HEAL_MS 600000u /* every outbox is empty by then */
#define ARM_VISITS_MAX 40u
#define DISK_FAULT_MS_MAX 30000u
#define FILL_BYTES_MAX 200000u
#define SKIP_MAX 20u

enum fault {
	FAULT_CUT,
	FAULT_HALF_OPEN,
	FAULT_PARTITION,
	FAULT_BLACKHOLE,
	FAULT_CRASH_SERVER,
	FAULT_CRASH_ROOM,
	FAULT_CRASH_POINT,
	FAULT_CRASH_IO,
	FAULT_STOP_SERVER,
	FAULT_CLOCK,
	FAULT_DISK_FULL,
	FAULT_DISK_READ,
	FAULT_DISK_WRITE,
	FAULT_DISK_SYNC,
	FAULTS,
};

uint64_t sim_loop_ms(const struct sim *s)
{
	return SIM_LOOP_MS_FIRST + s->now_ms;
}

uint64_t sim_server_wall_ms(const struct sim *s)
{
	return SIM_WALL_MS_FIRST + s->now_ms;
}

/* ---- open, close --------------------------------------------------------------------- */

static void make_canary(struct sim *s, char ret[SIM_CANARY_BYTES + 1])
{
	for (size_t i = 0; i < SIM_CANARY_BYTES; i++) {
		ret[i] = (char)('a' + (char)rand_below(&s->rand, 26));
	}
}

static void make_users(struct sim *s)
{
	static const struct {
		const char *login, *name;
		uint64_t roles;
	} people[SIM_USERS_MAX] = {
		{ "jo", "Jo Park", ROLE_OWNER | ROLE_THERAPIST },
		{ "mara", "Mara Lind", ROLE_THERAPIST },
		{ "sam", "Sam Ode", ROLE_DESK },
		{ "kim", "Kim Reyes", ROLE_THERAPIST },
		{ "alex", "Alex Dorn", ROLE_THERAPIST | ROLE_DESK },
	};
	for (size_t i = 0; i < SIM_USERS_MAX; i++) {
		struct sim_user *u = &s->users[i];
		(void)snprintf(u->login, sizeof(u->login), "%s", people[i].login);
		(void)snprintf(u->name, sizeof(u->name), "%s", people[i].name);
		(void)snprintf(u->passphrase, sizeof(u->passphrase), "%s %" PRIx64 " sails far out",
			       "river stone", rand_u64(&s->rand));
		u->roles = people[i].roles;
	}
}

enum err sim_open(const struct sim_options *o, struct sim **ret)
{
	struct sim *s = calloc(1, sizeof(*s));
	ENSURE(s != NULL, ERR_NOMEM);
	s->options = *o;
	s->hash = 1469598103934665603ull; /* FNV's offset basis */
	/* Streams of their own: one more draw in one of them does not change the others. */
	s->rand = rand_seeded_init(&s->seeds[0], o->seed);
	s->faults = rand_seeded_init(&s->seeds[1], o->seed ^ 0x6661756c74730000ull);
	s->keys = rand_seeded_init(&s->seeds[2], o->seed ^ 0x6b65797300000000ull);
	sim_vfs_install(s->keys);
	sim_swarm_draw(s);
	make_canary(s, s->canary);
	make_canary(s, s->chart);
	make_users(s);
	*ret = s;
	return ERR_OK;
}

void sim_close(struct sim *s)
{
	sim_queue_clear(s);
	sim_server_free(s, s->server);
	for (size_t i = 0; i < SIM_ROOMS_MAX; i++) sim_room_free(s, s->rooms[i]);
	sim_net_free(s->net);
	sim_model_free(s->model);
	sim_reference_free(s->reference);
	free(s);
}

/* ---- faults -------------------------------------------------------------------------- */

static void post_fault(struct sim *s)
{
	if (s->swarm.fault_gap_ms == 0) return;
	(void)sim_post(s, 1 + sim_upto(&s->faults, 2 * s->swarm.fault_gap_ms), SIM_EV_FAULT,
		       SIM_SERVER, 0);
}

static enum sim_death draw_death(struct sim *s)
{
	return sim_chance(&s->faults, s->swarm.power_percent) ? SIM_DEATH_POWER : SIM_DEATH_KILL;
}

/* Some node dies at a visit to come. */
static void arm(struct sim *s, struct sim_room *r, bool io)
{
	struct sim_disk *d = sim_chance(&s->faults, 50) ? sim_server_disk(s->server) : &r->disk;
	const uint64_t visits = 1 + sim_upto(&s->faults, ARM_VISITS_MAX);
	sim_disk_arm(d, visits, io, draw_death(s));
}

static void fill_disk(struct sim *s, struct drive *d)
{
	const bool at_once = sim_chance(&s->faults, 50);
	const uint64_t bytes = at_once ? 0 : sim_upto(&s->faults, FILL_BYTES_MAX);
	const uint64_t ms = 100 + sim_upto(&s->faults, DISK_FAULT_MS_MAX);
	drive_fill(d, bytes, ms);
	sim_trace(s, "%s is full but for %llu bytes, for %llu ms", drive_folder(d),
		  (unsigned long long)bytes, (unsigned long long)ms);
}

static void break_disk(struct sim *s, struct drive *d, enum drive_op op)
{
	static const char *const names[DRIVE_OPS] = { "reads", "writes", "syncs" };
	const uint64_t count = sim_chance(&s->faults, 60) ? 1 : 1 + sim_upto(&s->faults, 1000);
	const uint64_t skip = sim_upto(&s->faults, SKIP_MAX);
	const uint64_t ms = 100 + sim_upto(&s->faults, DISK_FAULT_MS_MAX);
	drive_break(d, op, skip, count, ms);
	sim_trace(s, "%s: %llu %s will fail", drive_folder(d), (unsigned long long)count,
		  names[op]);
}

static void do_disk_fault(struct sim *s, enum fault which, struct sim_room *r)
{
	const struct sim_disk *disk = sim_chance(&s->faults, 50) ? sim_server_disk(s->server)
								 : &r->disk;
	if (which == FAULT_DISK_FULL)
		fill_disk(s, disk->drive);
	else if (which == FAULT_DISK_READ)
		break_disk(s, disk->drive, DRIVE_READ);
	else if (which == FAULT_DISK_WRITE)
		break_disk(s, disk->drive, DRIVE_WRITE);
	else
		break_disk(s, disk->drive, DRIVE_SYNC);
}

static void do_fault(struct sim *s, enum fault which, struct sim_room *r)
{
	struct sim_link *l = sim_net_of_room(s, r->index);
	const uint64_t down_ms = 50 + sim_upto(&s->faults, 10000);
	const bool silent = sim_chance(&s->faults, 30);
	switch (which) {
	case FAULT_CUT:
		if (l != NULL) sim_net_cut(s, l);
		s->cuts += l != NULL;
		break;
	case FAULT_HALF_OPEN:
		if (l != NULL) sim_net_half_open(s, l, sim_chance(&s->faults, 50));
		s->cuts += l != NULL;
		break;
	case FAULT_PARTITION:
		sim_net_isolate(s, r->index, 500 + sim_upto(&s->faults, 30000), true);
		break;
	case FAULT_BLACKHOLE:
		sim_net_isolate(s, r->index, 500 + sim_upto(&s->faults, 20000), false);
		break;
	case FAULT_CRASH_SERVER: sim_server_crash(s, draw_death(s), down_ms, silent); break;
	case FAULT_CRASH_ROOM: sim_room_crash(s, r, draw_death(s), down_ms, silent); break;
	case FAULT_CRASH_POINT: arm(s, r, false); break;
	case FAULT_CRASH_IO: arm(s, r, true); break;
	case FAULT_STOP_SERVER: sim_server_stop(s, down_ms); break;
	case FAULT_CLOCK:
		sim_room_draw_clock(r, &s->swarm, &s->faults);
		sim_trace(s, "room %u: clock off by %lld ms", r->index, (long long)r->clock_off_ms);
		break;
	case FAULT_DISK_FULL:
	case FAULT_DISK_READ:
	case FAULT_DISK_WRITE:
	case FAULT_DISK_SYNC: do_disk_fault(s, which, r); break;
	case FAULTS: break;
	}
}

static void on_fault(struct sim *s)
{
	const struct sim_swarm *w = &s->swarm;
	const unsigned weights[FAULTS] = {
		[FAULT_CUT] = w->cut,
		[FAULT_HALF_OPEN] = w->half_open,
		[FAULT_PARTITION] = w->partition,
		[FAULT_BLACKHOLE] = w->blackhole,
		[FAULT_CRASH_SERVER] = w->crash_server,
		[FAULT_CRASH_ROOM] = w->crash_room,
		[FAULT_CRASH_POINT] = w->crash_point,
		[FAULT_CRASH_IO] = w->crash_io,
		[FAULT_STOP_SERVER] = w->stop_server,
		[FAULT_CLOCK] = w->clock,
		[FAULT_DISK_FULL] = w->disk_full,
		[FAULT_DISK_READ] = w->disk_read,
		[FAULT_DISK_WRITE] = w->disk_write,
		[FAULT_DISK_SYNC] = w->disk_sync,
	};
	uint64_t sum = 0;
	unsigned which = 0;
	if (!s->wild) return;
	post_fault(s);
	for (size_t i = 0; i < COUNT_OF(weights); i++) sum += weights[i];
	if (sum == 0) return;
	for (uint64_t at = rand_below(&s->faults, sum); at >= weights[which]; which++)
		at -= weights[which];
	do_fault(s, (enum fault)which, s->rooms[rand_below(&s->faults, w->room_count)]);
}

/* ---- steps --------------------------------------------------------------------------- */

static void dispatch(struct sim *s, struct sim_event *e)
{
	switch (e->type) {
	case SIM_EV_BYTES: sim_net_on_bytes(s, e); break;
	case SIM_EV_DIALLED: sim_net_on_dialled(s, e); break;
	case SIM_EV_END:
		if (e->ptr != NULL)
			sim_room_on_event(s, e); /* the room's own closing */
		else
			sim_net_on_end(s, e);
		break;
	case SIM_EV_FAULT: on_fault(s); break;
	case SIM_EV_OFFICE: sim_office_on_event(s); break;
	case SIM_EV_START:
	case SIM_EV_CHECK:
	case SIM_EV_BATCH:
	case SIM_EV_DELIVER:
	case SIM_EV_HOUSEKEEP:
	case SIM_EV_DESK:
	case SIM_EV_DESK_DONE:
	case SIM_EV_PERSON:
		if (e->room == SIM_SERVER)
			sim_server_on_event(s, e);
		else
			sim_room_on_event(s, e);
		break;
	}
}

static void advance(struct sim *s, uint64_t to_ms)
{
	if (to_ms > s->now_ms) {
		s->now_ms = to_ms;
		s->spin = 0;
	}
	SIM_CHECK(s, ++s->spin < SIM_SPIN_MAX, "somebody spins: %u events in one millisecond",
		  SIM_SPIN_MAX);
}

void sim_step(struct sim *s)
{
	const struct sim_event *first = sim_queue_first(s);
	uint64_t at = first == NULL ? UINT64_MAX : first->at_ms;
	unsigned who = SIM_ROOMS_MAX + 1; /* the queue */
	const uint64_t server_ms = sim_server_deadline_ms(s);
	if (server_ms < at + SIM_LOOP_MS_FIRST) {
		at = server_ms <= SIM_LOOP_MS_FIRST ? 0 : server_ms - SIM_LOOP_MS_FIRST;
		who = SIM_ROOMS_MAX;
	}
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		if (s->rooms[i] == NULL) continue;
		const uint64_t room_ms = sim_room_deadline_ms(s->rooms[i]);
		if (room_ms == UINT64_MAX || room_ms >= at + SIM_LOOP_MS_FIRST) continue;
		at = room_ms <= SIM_LOOP_MS_FIRST ? 0 : room_ms - SIM_LOOP_MS_FIRST;
		who = i;
	}
	/* Pieces of frames are not counted: a seed with tiny pieces would do nothing else. */
	if (who <= SIM_ROOMS_MAX || first == NULL || first->type != SIM_EV_BYTES) s->step++;
	if (at != UINT64_MAX) advance(s, at);
	if (who < SIM_ROOMS_MAX) {
		sim_room_tick(s, s->rooms[who]);
	} else if (who == SIM_ROOMS_MAX) {
		sim_server_tick(s);
	} else if (first != NULL) {
		struct sim_event *e = sim_queue_take(s);
		dispatch(s, e);
		sim_event_free(e);
	}
}

bool sim_run_until(struct sim *s, uint64_t ms, bool (*done)(struct sim *s, void *ctx), void *ctx)
{
	const uint64_t end_ms = s->now_ms + ms;
	while (!s->failed && s->now_ms < end_ms) {
		if (done != NULL && done(s, ctx)) return true;
		sim_step(s);
	}
	return !s->failed && done != NULL && done(s, ctx);
}

/* ---- a run --------------------------------------------------------------------------- */

static void run_wild(struct sim *s)
{
	const uint64_t end = s->step + s->options.steps;
	s->wild = true;
	post_fault(s);
	sim_office_post(s);
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		(void)sim_post(s, sim_upto(&s->rand, s->swarm.gap_ms), SIM_EV_PERSON, i,
			       s->rooms[i]->life);
	}
	while (s->step < end && !s->failed) {
		sim_step(s);
		sim_office_between(s);
		if (s->step % SWEEP_STEPS == 0 && !s->failed) sim_model_sweep(s);
	}
	s->wild = false;
}

static bool all_is_quiet(struct sim *s, void *ctx)
{
	(void)ctx;
	if (!sim_server_is_idle(s->server)) return false;
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		if (sim_reference_is_retired(s, s->rooms[i])) continue;
		if (!sim_room_is_quiet(s->rooms[i])) return false;
	}
	return true;
}

static void check_queues(struct sim *s)
{
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		struct local_counts counts = { 0 };
		sim_outbox_check(s, s->rooms[i]);
		if (sim_reference_is_retired(s, s->rooms[i])) continue; /* it delivers no more */
		const enum err e = local_counts(s->rooms[i]->local, &counts);
		SIM_CHECK(s, e == ERR_OK && counts.queued == 0, "room %u still has %llu ops queued",
			  i, (unsigned long long)counts.queued);
	}
}

/* The network is whole, every machine was switched off and on: everything drains, all agree. */
static void run_end(struct sim *s)
{
	sim_net_heal(s);
	sim_trace(s, "the network heals, all start again");
	sim_disk_arm(sim_server_disk(s->server), 0, false, SIM_DEATH_EXIT);
	drive_mend(sim_server_disk(s->server)->drive);
	if (sim_chance(&s->faults, 50))
		sim_server_stop(s, 200);
	else
		sim_server_crash(s, draw_death(s), 200, false);
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		struct sim_room *r = s->rooms[i];
		sim_disk_arm(&r->disk, 0, false, SIM_DEATH_EXIT);
		drive_mend(r->disk.drive);
		sim_room_crash(s, r, draw_death(s), 100 + sim_upto(&s->rand, 1000), false);
	}
	SIM_CHECK(s, sim_run_until(s, HEAL_MS, all_is_quiet, NULL),
		  "the outboxes do not drain in %u s of a whole network", HEAL_MS / 1000);
	if (s->failed) return;
	check_queues(s);
	sim_model_sweep(s);
	sim_model_end(s);
	sim_end_look(s);
	if (!s->failed) sim_model_sweep(s);
}

void sim_run(struct sim *s)
{
	s->net = sim_net_new();
	s->model = sim_model_new();
	s->reference = sim_reference_new();
	s->server = sim_server_new(s);
	for (unsigned i = 0; i < s->swarm.room_count; i++) s->rooms[i] = sim_room_new(s, i);
	sim_setup(s);
	if (!s->failed) run_wild(s);
	if (!s->failed) run_end(s);
}
