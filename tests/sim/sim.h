/* sim: one server and some rooms of a clinic in one process, one thread, replayable from a seed.
 *
 * The real code between sockets and disk: on the server dialog, feed, roster, work stages and
 * store; in each room sync, desk, vault and the local store; real SQLite. Made up are time, the
 * network (encoded frames as bytes, in order, until a cut), TLS (both ends get the same
 * exporters), threads (stages and desk jobs are events with a delay of their own), the disks
 * (sim_drive.h) and the people.
 *
 * A crash takes an image of the node's drive at some instant, also at a named crash point
 * (base/crashpoint.h, wrapped by the linker) or before any write or sync in the middle of a call,
 * lets the call come to its end as a ghost that nobody hears, throws all memory away and starts
 * again from the image: everything that was written after a kill -9, only what was synced for
 * certain after a power cut.
 *
 * Owns:    everything under struct sim. Threads: one.
 * Limits:  SIM_ROOMS_MAX rooms, SIM_USERS_MAX people.
 * Errors:  a broken promise calls sim_fail: the first one is kept, the run ends, the seed is
 *          printed. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/rand.h"

#include <stdbool.h>
#include <stdio.h>

#define SIM_ROOMS_MAX 6u
#define SIM_USERS_MAX 5u
#define SIM_LOOP_MS_FIRST 1000000u       /* monotonic clocks do not start at 0 */
#define SIM_WALL_MS_FIRST 1790000000000u /* 2026-09-21, a made-up day */
#define SIM_SPIN_MAX 20000u              /* events within one millisecond: somebody spins */
#define SIM_CANARY_BYTES 24u

struct sim;
struct sim_room;
struct sim_server;
struct sim_net;
struct sim_model;
struct sim_reference;

/* What a seed likes to do, drawn once per seed: weights in percent or per mille, 0 switches off. */
struct sim_swarm {
	unsigned room_count;
	unsigned user_count;
	/* a person's doings, weights among each other */
	unsigned add_patient, set_patient, start_session, set_text, add_measure, sign, addendum,
		note;
	unsigned set_note, opened, sign_in, sign_out, fetch, wrong_passphrase, passphrase;
	unsigned gap_ms; /* mean time between two doings in one room */
	/* faults, weights among each other */
	unsigned cut, half_open, partition, blackhole, crash_server, crash_room, crash_point,
		stop_server, clock;
	/* and of disks; power: percent of deaths that are power cuts, not kills */
	unsigned crash_io, disk_full, disk_read, disk_write, disk_sync, power_percent;
	unsigned fault_gap_ms; /* mean time between two faults; 0: none at all */
	/* the ground */
	unsigned delay_ms_max; /* network, one way */
	unsigned stage_ms_max; /* server threads */
	unsigned desk_ms_max;  /* a room's desk thread */
	unsigned chunk_bytes;  /* writes are cut into pieces around this size; 0: whole */
	int clock_off_ms_max;  /* rooms' clocks */
	unsigned text_bytes_max;
	unsigned hot_percent;      /* how often the newest session is taken instead of any */
	unsigned together_percent; /* how often a doing takes a session that is everybody's */
	unsigned checkpoint_percent;
	/* more doings */
	unsigned set_frame, erase, erase_note, import, plain;
	/* what an owner, an admin and a bad switch do, weights among each other */
	unsigned roles, disable, block, retire, join, add_user, linger;
	unsigned office_gap_ms; /* mean time between two of them; 0: never */
	unsigned setup_percent; /* how often a try to found or join meets a fault */
};

struct sim_options {
	uint64_t seed;
	uint64_t steps; /* events of the wild part */
	bool trace;
	const char *commit;
};

struct sim_user {
	char login[16];
	char name[32];
	char passphrase[64];
	char other[64];      /* asked for, and not known whether the server took it; "": none */
	bool try_other;      /* next time */
	uint64_t decided_ms; /* from then on nothing of that request is on its way */
	bool changed;        /* ever: copies in other rooms open with an older one */
	uint64_t roles;
	struct id id;
};

/* ---- events -------------------------------------------------------------------------- */

enum sim_event_type {
	SIM_EV_BYTES,     /* link, to_server, bytes */
	SIM_EV_DIALLED,   /* link: the handshake is through, or nobody answers */
	SIM_EV_END,       /* link, to_server: this side learns that the conn is gone */
	SIM_EV_CHECK,     /* server: check stage of ptr */
	SIM_EV_BATCH,     /* server: the writer takes what waits */
	SIM_EV_DELIVER,   /* server: ptr comes back to the loop */
	SIM_EV_HOUSEKEEP, /* server: heads that are due, checkpoints */
	SIM_EV_DESK,      /* room: the desk takes its next job */
	SIM_EV_DESK_DONE, /* room: what came of it reaches the loop */
	SIM_EV_PERSON,    /* room: somebody does something */
	SIM_EV_FAULT,
	SIM_EV_START,  /* a node starts again; room, or the server */
	SIM_EV_OFFICE, /* somebody's rights, or the rooms, change */
};

#define SIM_SERVER 255u /* as a room number */

struct sim_event {
	uint64_t at_ms;
	uint64_t order; /* ties break by age */
	enum sim_event_type type;
	unsigned room; /* or SIM_SERVER */
	uint64_t life; /* of that node; 0: any */
	uint64_t link_id;
	bool to_server;
	struct buf bytes; /* owned */
	void *ptr;        /* belongs to the node; dead with its life */
};

struct sim {
	struct sim_options options;
	struct sim_swarm swarm;
	struct rand_seeded seeds[3];
	struct rand_source rand; /* schedule and people */
	struct rand_source faults;
	struct rand_source keys; /* libsodium's, through randombytes */
	uint64_t now_ms;         /* virtual, since the start */
	uint64_t step;
	uint64_t spin;
	uint64_t hash;  /* of everything traced */
	bool founded;   /* all rooms and people are there */
	bool wild;      /* faults and people are on */
	bool wish_join; /* a new room is to join, at the next chance */
	bool failed;
	char failure[512];

	struct sim_event **heap; /* owned */
	size_t heap_count, heap_cap;
	uint64_t next_order;

	struct sim_user users[SIM_USERS_MAX];
	char canary[SIM_CANARY_BYTES + 1]; /* stands in every note */
	char chart[SIM_CANARY_BYTES + 1];  /* in every name and session text */
	struct sim_server *server;
	struct sim_room *rooms[SIM_ROOMS_MAX];
	struct sim_net *net;
	struct sim_model *model;
	struct sim_reference *reference;
	uint64_t crashes, cuts, doings; /* for the summary */
	uint64_t looks;                 /* rooms compared with the reference */
};

/* ---- sim_trace.c: what happened, in order -------------------------------------------- */
/* Part of the hash; printed with --trace. Nothing that differs between two runs: no addresses. */
__attribute__((format(printf, 2, 3))) void sim_trace(struct sim *s, const char *fmt, ...);
/* Keeps the first; the run ends after this step. */
__attribute__((format(printf, 2, 3))) void sim_fail(struct sim *s, const char *fmt, ...);
void sim_trace_bytes(struct sim *s, const void *p, size_t len);
#define SIM_CHECK(s, cond, ...)                                                                    \
	do {                                                                                       \
		if (!(cond)) sim_fail((s), __VA_ARGS__);                                           \
	} while (0)

/* ---- sim_queue.c --------------------------------------------------------------------- */
/* Owned by the queue until it is handled; bytes are copied. */
struct sim_event *sim_post(struct sim *s, uint64_t delay_ms, enum sim_event_type type,
			   unsigned room, uint64_t life);
struct sim_event *sim_queue_take(struct sim *s);
const struct sim_event *sim_queue_first(const struct sim *s);
void sim_event_free(struct sim_event *e);
void sim_queue_clear(struct sim *s);
/* Uniform in [0, most]. */
uint64_t sim_upto(const struct rand_source *r, uint64_t most);
bool sim_chance(const struct rand_source *r, unsigned percent);

/* ---- sim_world.c --------------------------------------------------------------------- */
MUST_USE enum err sim_open(const struct sim_options *o, struct sim **ret);
void sim_close(struct sim *s);
/* One event. */
void sim_step(struct sim *s);
/* Steps until `done` says so; false when `ms` of virtual time were not enough, or on a failure. */
bool sim_run_until(struct sim *s, uint64_t ms, bool (*done)(struct sim *s, void *ctx), void *ctx);
/* Founds, enrols, adds people, runs wild, heals, checks. */
void sim_run(struct sim *s);
uint64_t sim_loop_ms(const struct sim *s);
uint64_t sim_server_wall_ms(const struct sim *s);

/* ---- sim_swarm.c --------------------------------------------------------------------- */
void sim_swarm_draw(struct sim *s);

/* ---- sim_setup.c --------------------------------------------------------------------- */
void sim_setup(struct sim *s);
