/* rooms_world: real rooms (sync, desk, local store) and the real server's inside, in one thread,
 * without sockets: bytes go from one to the other when world_run says so. For cmocka programs: what
 * must work is asserted.
 *
 * Owns:    a temporary folder, the server box and the rooms, until world_free.   Threads: one. */
#pragma once

#include "client/desk/desk.h"
#include "client/store/account.h"
#include "server/work/setup.h"
#include "support/server_box.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORLD_ROOMS 3u
#define JO_PASS "seven grey herons wait quietly"
#define MARA_PASS "the ferry left before breakfast"
#define OK(call) assert_int_equal((call), ERR_OK)

struct reply {
	bool have;
	uint64_t id;
	enum err err;
	struct buf body;
	struct sync_conn conn;
};

struct room {
	struct world *w;
	char folder[128];
	uint8_t spki[32];
	struct local *local;
	struct desk desk;
	struct sync *sync;
	struct box_conn *conn;
	struct reply reply;
	uint64_t next_request;
	bool cut; /* no network */
	/* A lying server: changes a frame on its way to the room; false: the frame is lost. */
	bool (*tamper)(struct room *r, Roomkeep__Frame *f, struct arena *a);
	unsigned tampered;
	struct buf kept; /* for tampers that keep a frame */
	bool must_lock;
	bool disk_failed; /* a desk job said so: the agent would end here */
	struct sync_action queue[512];
	size_t queue_len;
};

struct world {
	char folder[64];
	char server_folder[96];
	struct server_box *box;
	struct rand_seeded seeded;
	struct rand_source rand;
	uint64_t now;
	uint64_t wall;
	struct room rooms[WORLD_ROOMS];
	struct secret *setup;
};

/* Gives sync an event; its actions wait in the room's queue. */
void room_step(struct room *r, const struct sync_event *ev);
void room_event(struct room *r, enum sync_event_type type); /* one without data */
/* One little move: the queue's actions, then one frame. False: nothing to do. */
bool room_run(struct room *r);
/* Until nothing moves any more. */
void world_run(struct world *w);
/* Time passes in steps of 250 ms, deadlines are kept. */
void world_wait(struct world *w, uint64_t ms);
/* After server_box_crash or _close. */
void world_server_open(struct world *w);

struct world *world_new(void);                  /* a server that nobody has founded */
struct world *world_new_in(const char *parent); /* its files in a folder of that one */
void world_free(struct world *w);
void folder_remove(const char *path); /* with everything in it */
/* Room 1 founds the clinic: Jo is owner and therapist. Its agent runs afterwards. */
void world_found(struct world *w);
struct found_options found_words(void);
/* Room k (from 0) joins by a code of room 1, where an owner is signed in. */
void world_enrol(struct world *w, size_t k, const char *name);
/* Founded, Jo signed in in room 1, Mara (therapist) added, room 2 enrolled. */
struct world *world_clinic(void);
struct world *world_clinic_in(const char *parent);

/* The agent of a room that belongs to the clinic, and its end (memory is gone, nothing said). */
void room_start(struct room *r);
void room_close(struct room *r);
void room_cut(struct room *r, bool cut); /* the network; coming back retries at once */
/* Through the server, else offline, as the sign-in verb does. Locks whoever is in first. */
enum err room_sign_in(struct room *r, const char *login, const char *pass);
void room_lock(struct room *r);
struct id room_add_user(struct room *r, const char *name, const char *login, uint64_t roles,
			const char *pass);
/* Other roles for somebody, by the owner who is signed in here. */
void room_set_roles(struct room *r, const char *login, uint64_t roles);
/* A request through sync; the reply stands in r->reply. */
enum err room_ask(struct room *r, struct view frame);
enum err room_ask_since(struct room *r, enum sync_needs needs, uint64_t serial, struct view frame);

/* Records by the signed-in person. Nothing is sent before room_saved. */
struct id room_add_patient(struct room *r, const char *name, const char *born);
struct id room_start_session(struct room *r, const struct id *patient_id);
enum err room_put_frame(struct room *r, const struct id *session_id, const struct id *patient_id,
			const struct id *therapist);
enum err room_text(struct room *r, const struct id *session_id, Roomkeep__TextField field,
		   const char *text);
enum err room_measure(struct room *r, const struct id *session_id, int64_t value);
enum err room_load(struct room *r, const struct id *id, struct session_fold *fold,
		   struct session_state *s);
void room_saved(struct room *r);
uint64_t room_queued(struct room *r);
