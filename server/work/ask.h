/* ask: one request of a room on its way through the server's threads.
 *
 * The loop makes it (ask_new, ask_decode), gives the frame to its dialog, and if that wants it
 * done, ask_begin copies what the dialog said. Then work.h's stages pass it from thread to thread;
 * at each moment exactly one thread has it. It comes back to the loop with its reply and its
 * effects on the roster.
 *
 * Owns:    its arena (the decoded frame and all that is made on the way) and its reply.
 * Threads: one at a time.
 * Limits:  ASK_ARENA_BYTES_MAX: a frame, and what becomes of it.
 * Lives:   ask_new .. ask_free. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "server/core/dialog.h"
#include "server/core/feed.h"
#include "server/core/roster.h"
#include "wire/frame.h"

#define ASK_ARENA_BYTES_MAX (2u * FRAME_PARSE_BYTES_MAX)
#define ASK_EFFECTS_MAX 4u

enum ask_effect_type {
	ASK_EFFECT_FOUNDED, /* clinic */
	ASK_EFFECT_ROOM,    /* room: joined or invited */
	ASK_EFFECT_RETIRED, /* room.name */
	ASK_EFFECT_USER,    /* user, dir_seq, dir_hash */
	ASK_EFFECT_KEYRING, /* user.user_id, user.keyring_rev: another passphrase */
	ASK_EFFECT_LOCKBOX, /* the ask's `box`: directives or openings changed */
};

/* What the roster does when the ask has been committed. */
struct ask_effect {
	enum ask_effect_type type;
	struct roster_room room;
	struct roster_user user;
	uint64_t dir_seq;
	uint8_t dir_hash[ROSTER_HASH_BYTES];
};

/* The clinic's records, for ASK_EFFECT_FOUNDED. */
struct ask_clinic {
	struct id clinic_id;
	struct id epoch;
	struct roster_signed epoch_record;
	struct roster_signed server_record;
};

struct ask_now {
	struct roster_head head;
	uint64_t seq; /* newest op */
	uint64_t backed_up_seq;
};

struct ask_checked; /* what the check stage found out; work's own, in the arena */

struct ask {
	struct list link; /* for the owner's queues; ask code never touches it */
	void *owner;      /* the caller's conn; ask code never touches it */
	struct arena arena;
	Roomkeep__Frame *frame; /* in the arena; NULL for ASK_FEED_PAGE */
	size_t frame_bytes;
	struct dialog_ask desc;
	uint64_t wall_ms; /* the server's clock when it began: received_ms of its ops */
	struct ask_checked *checked;
	bool needs_write; /* set by work_check: it has something for the writer */
	enum err result;  /* what the reply says */
	bool bad;         /* as struct dialog_done */
	bool refuse;
	Roomkeep__RefuseReason reason;
	struct id user_id; /* as struct dialog_done */
	struct buf reply;  /* frames, length prefix included; ready after work_finish */
	struct ask_effect effects[ASK_EFFECTS_MAX];
	size_t effect_count;
	struct ask_clinic *clinic; /* ASK_EFFECT_FOUNDED; in the arena */
	struct lockbox box;        /* ASK_EFFECT_LOCKBOX; lists in the arena */
	struct feed_page page;     /* ASK_FEED_PAGE: what was read; rows in the arena */
	bool committed;            /* its write was committed: `now` holds */
	struct ask_now now;        /* the store's heads after that commit, for the roster */
};

/* NULL when memory ran out. */
struct ask *ask_new(void);
/* NULL is fine. */
void ask_free(struct ask *a);

/* Unpacks a frame's body (without the length prefix) into the ask. Errors as frame_decode. */
MUST_USE enum err ask_decode(struct ask *a, struct view body);

/* Takes over what the dialog asked for. `desc` is copied. For ASK_FEED_PAGE no frame is needed. */
void ask_begin(struct ask *a, const struct dialog_ask *desc, uint64_t wall_ms);

/* For DIALOG_EV_ASK_DONE; borrows from the ask. Requires: work_finish has run. */
void ask_done(const struct ask *a, struct dialog_done *ret_done);
