/* sim_room: one room's node: sync, desk, vault, local store; the desk thread is a queue of jobs.
 *
 * A job runs when its event comes, what came of it reaches sync a little later: between the two
 * other frames arrive, the link breaks, or the room crashes. As in the agent, one job runs at a
 * time and a conversation with the server (sign-in, adding a person) goes step by step through
 * both. */
#pragma once

#include "client/desk/desk.h"
#include "sim/sim.h"
#include "sim/sim_crash.h"

struct sim_link;

enum sim_job_type {
	SIM_JOB_ASK,   /* of sync */
	SIM_JOB_TALK,  /* the next step of room->talk */
	SIM_JOB_DOING, /* somebody does something */
	SIM_JOB_LOCK,
	SIM_JOB_TIDY,
};

struct sim_job {
	struct list link;
	enum sim_job_type type;
	struct sync_ask ask;
	enum err reply_err; /* TALK */
	struct buf reply;
	struct sync_conn reply_conn;
};

/* What a job wants of the loop, in this order. */
struct sim_done {
	bool has_result;
	struct sync_result result;
	bool person_out;
	struct buf farewell;
	bool person_in;
	struct id person;
	char login[LOGIN_BYTES_MAX + 1];
	uint64_t serial;
	struct sync_cursor cursor;
	bool outbox;
	bool now;
	struct buf request; /* frame body; empty: none */
	enum sync_needs needs;
	uint64_t timeout_ms;
	uint64_t request_serial;
};

enum sim_talk_kind {
	SIM_TALK_NONE,
	SIM_TALK_SIGN_IN,
	SIM_TALK_ADD_USER,
	SIM_TALK_INVITE,
	SIM_TALK_FETCH,
	SIM_TALK_PASSPHRASE,
	SIM_TALK_DIRECTORY, /* talk.user gets talk.roles; 0: is disabled */
	SIM_TALK_RETIRE,    /* room number talk.user */
};

/* One conversation with the server: several requests, each answered on the desk. */
struct sim_talk {
	enum sim_talk_kind kind;
	unsigned step;
	uint64_t request_id; /* in sync; 0: a job is queued */
	unsigned user;       /* whom it is about */
	bool wrong;          /* with a wrong passphrase, on purpose */
	struct sign_in *sign_in;
	char tried[64]; /* the passphrase of this sign-in */
	struct passphrase_swap *swap;
	struct buf sent;
	struct id subject;
	struct secret *code; /* INVITE: the join code, for the setup */
	enum err result;     /* of the last one */
	uint64_t roles;      /* DIRECTORY */
};

struct sim_cursor {
	uint64_t seq, scope_version;
};

struct sim_room {
	unsigned index;
	struct id id;      /* once it belongs to the clinic */
	char name[16];     /* of the last invitation */
	bool retire_asked; /* from then on the server may refuse it */
	struct sim_disk disk;
	uint8_t spki[32]; /* of its TLS key: stays */
	int64_t clock_off_ms;
	struct rand_seeded seed;
	struct rand_source rand;
	bool up;
	bool exit_due; /* the disk failed: the agent ends (client/api/agent.c) */
	uint64_t life;

	struct local *local;
	struct desk desk;
	struct sync *sync; /* NULL while the room is founded or enrolled */
	struct sync_actions acts;
	uint64_t link_id; /* 0: none */
	struct buf in;
	struct list jobs;
	size_t job_count;
	bool desk_busy;
	struct sim_done *done; /* of the job that ran, on its way to the loop */
	struct sim_talk talk;
	uint64_t next_request;
	unsigned person; /* index of who is signed in; SIM_USERS_MAX: nobody */
	struct sim_cursor cursor_seen[SIM_USERS_MAX]; /* per person, here: only rises */

	/* the first talk, without sync */
	bool calling;
	struct buf call_reply;
	bool call_done, call_failed;
};

struct sim_room *sim_room_new(struct sim *s, unsigned index);
void sim_room_free(struct sim *s, struct sim_room *r);
/* Opens the store; with sync when the room belongs to the clinic. */
void sim_room_start(struct sim *s, struct sim_room *r);
/* As sim_server_crash. */
void sim_room_crash(struct sim *s, struct sim_room *r, enum sim_death death, uint64_t down_ms,
		    bool silent);
/* Another error of its wall clock. */
void sim_room_draw_clock(struct sim_room *r, const struct sim_swarm *w,
			 const struct rand_source *rand);
const uint8_t *sim_room_spki(const struct sim_room *r);
uint64_t sim_room_wall_ms(const struct sim *s, const struct sim_room *r);
/* Sync starts; the room is LOCAL_READY. */
void sim_room_go(struct sim *s, struct sim_room *r);
void sim_room_post_job(struct sim *s, struct sim_room *r, enum sim_job_type type);
/* Nothing queued on the desk, nothing in flight, nothing to send. */
bool sim_room_is_quiet(const struct sim_room *r);
bool sim_room_is_live(const struct sim_room *r);

void sim_room_on_up(struct sim *s, struct sim_link *l);
void sim_room_on_bytes(struct sim *s, struct sim_link *l, struct view bytes);
void sim_room_on_down(struct sim *s, unsigned room, uint64_t link_id);
void sim_room_on_event(struct sim *s, struct sim_event *e);
uint64_t sim_room_deadline_ms(const struct sim_room *r);
void sim_room_tick(struct sim *s, struct sim_room *r);

/* ---- sim_desk.c: on the desk thread -------------------------------------------------- */
void sim_desk_run(struct sim *s, struct sim_room *r, struct sim_job *j, struct sim_done *d);
/* Begins a talk; its first step is a job. False: one runs already. */
bool sim_talk_begin(struct sim *s, struct sim_room *r, enum sim_talk_kind kind, unsigned user);
void sim_talk_end(struct sim_room *r, enum err result);
/* A look at a desk after each job: alarms, cursors. */
void sim_desk_look(struct sim *s, struct sim_room *r);
void sim_done_free(struct sim_done *d);

/* ---- sim_do.c: what people do -------------------------------------------------------- */
void sim_do(struct sim *s, struct sim_room *r, struct sim_done *d);
