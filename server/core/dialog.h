/* dialog: what one peer may say, in which order, and what happens then (SECURITY 2.6-2.8, 3.7).
 *
 * Pure: events in, actions out; no clock, no sockets, no store, no random but the injected source.
 * The caller (server/net, or the simulator) reads frames, runs asks (server/work) and writes bytes.
 *
 *                     unknown key: no owner yet        Found committed
 *               +----> FOUNDING ------------------+
 *   CONNECTED --+----> ENROLLING -----------------+--> COURIER <--> SIGNED_IN      any --> CLOSED
 *     Hello     |      unknown key: owner exists     ^   LoginProof / Logout
 *               +------------------------------------+
 *                      key on the allow-list
 *
 * Caller's duties:
 *  - before a frame is allocated: refuse more than dialog_frame_bytes_max (DIALOG_EV_TOO_BIG);
 *  - stop reading the socket while dialog_may_read is false;
 *  - say so when what has come ends inside a frame and frame_by_ms is 0 (DIALOG_EV_BEGUN);
 *  - call with DIALOG_EV_TICK at dialog_deadline_ms;
 *  - keep each ask until its DIALOG_EV_ASK_DONE was given; when the dialog has closed, drop what
 *    comes back, and the held ones at once;
 *  - asks of one dialog run one at a time: one that comes out `held` starts when `start_ask_id`
 *    names it;
 *  - an ask that comes back: work_apply (roster), its own DIALOG_EV_ASK_DONE, and then, if the
 *    roster changed, DIALOG_EV_ROSTER to every dialog;
 *  - after a commit with ops: DIALOG_EV_PUBLISHED to every dialog, page by page;
 *  - after `close`: write what is in `send`, then close; no further call but dialog_fini.
 *
 * Owns:    its buffers.     Threads: loop thread only.     Borrows: roster, rand, for its life.
 * Limits:  DIALOG_ASKS_MAX asks and UNACKED_BYTES_MAX bytes of frames not answered yet.
 * Errors:  none upward: what fails ends the conn. */
#pragma once

#include "base/buf.h"
#include "base/fsm.h"
#include "base/rand.h"
#include "roomkeep/wire.pb-c.h"
#include "server/core/dialog_ask.h"
#include "server/core/feed.h"
#include "server/core/roster.h"

#define DIALOG_PROTO_MIN 1u /* current and previous protocol; there is only one so far */
#define DIALOG_PROTO_MAX 1u
#define DIALOG_ASKS_MAX 8u

enum dialog_state {
	DIALOG_CONNECTED, /* TLS stands, nothing said yet */
	DIALOG_FOUNDING,
	DIALOG_ENROLLING,
	DIALOG_COURIER,
	DIALOG_SIGNED_IN,
	DIALOG_CLOSED,
};
#define DIALOG_STATES 6u

enum dialog_event_type {
	DIALOG_EV_FRAME,     /* frame, frame_bytes, frame_err */
	DIALOG_EV_BEGUN,     /* some bytes of a frame have come, the others not yet */
	DIALOG_EV_TOO_BIG,   /* a length prefix above dialog_frame_bytes_max */
	DIALOG_EV_ASK_DONE,  /* done */
	DIALOG_EV_PUBLISHED, /* page */
	DIALOG_EV_ROSTER,    /* rooms, people or rights changed */
	DIALOG_EV_REPLACED,  /* a newer conn of the same room took over */
	DIALOG_EV_TICK,      /* a deadline passed */
	DIALOG_EV_SHUTDOWN,  /* the server ends */
	DIALOG_EV_LOST,      /* the conn is gone; nothing can be sent */
};

struct dialog_event {
	enum dialog_event_type type;
	uint64_t wall_ms;             /* the server's clock now, ms since 1970 UTC */
	const Roomkeep__Frame *frame; /* FRAME: borrowed during the call; NULL if frame_err */
	size_t frame_bytes;           /* FRAME: size on the wire without the prefix */
	enum err frame_err;           /* FRAME: why it could not be read */
	const struct dialog_done *done;
	const struct feed_page *page;
};

struct dialog_actions {
	struct buf send;          /* frames to write, in order; owned here */
	struct dialog_ask ask[2]; /* to run: at most the frame's own and a feed page */
	size_t ask_count;
	uint64_t start_ask_id;  /* a held ask that starts now; 0 = none */
	uint64_t close_conn_id; /* an older conn of this room: DIALOG_EV_REPLACED to it; 0 = none */
	bool close;             /* write `send`, then close */
	Roomkeep__RefuseReason
		reason; /* of the close, for the log; REFUSE_UNKNOWN = nothing was said */
};

/* Counters for ops/metrics; summed by the caller. */
struct dialog_metrics {
	uint64_t frames;
	uint64_t bad_frames;
	uint64_t refused;
	uint64_t login_failures;
};

/* A dialog's own state: read it, never write it. */
struct dialog {
	struct fsm fsm;                 /* enum dialog_state */
	struct roster *roster;          /* borrowed */
	struct rand_source rand;        /* borrowed */
	struct dialog_metrics *metrics; /* borrowed */
	uint64_t conn_id;               /* chosen by the caller, never 0, never reused */
	struct dialog_peer peer;
	struct id user_id;      /* SIGNED_IN */
	uint64_t roles;         /* SIGNED_IN; as of the last look at the roster */
	uint64_t scope_version; /* SIGNED_IN */
	uint64_t hello_by_ms;   /* loop time */
	uint64_t progress_ms;   /* loop time of the last whole frame */
	uint64_t frame_by_ms; /* loop time by which the begun frame must end; 0 = none has begun */
	uint64_t now_ms;      /* loop time of the last step */
	struct dialog_challenge challenge;
	struct {
		uint64_t ask_id;
		uint64_t request;
		enum dialog_ask_kind kind;
		size_t bytes;
		struct id user_id;      /* who was signed in when it came; zeros = nobody */
		uint64_t scope_version; /* and with which rights */
		bool left;              /* LOGIN_PROOF: Logout came behind it */
	} asks[DIALOG_ASKS_MAX]; /* not answered yet, oldest first; [0] runs, the others are held */
	size_t ask_count;
	size_t ask_bytes; /* of their frames */
	uint64_t next_ask_id;
	uint64_t page_ask_id;   /* a feed page on its way; 0 = none */
	uint64_t login_from_ms; /* when the running LoginProof came */
	struct buf late;        /* a failed sign-in's reply until late_at_ms */
	uint64_t late_at_ms;    /* 0 = none */
	bool found_start_seen;  /* FoundStart is answered once per conn */
	unsigned bad_unknown;   /* bad frames of a peer that is no room (its wrong codes) */
	struct feed feed;
};

/* The dialog begins when TLS stands. `peer` is copied. */
void dialog_init(struct dialog *d, struct roster *roster, struct rand_source rand,
		 struct dialog_metrics *metrics, uint64_t conn_id, const struct dialog_peer *peer,
		 uint64_t now_ms);
/* Leaves the roster if it still stands there. */
void dialog_fini(struct dialog *d);

void dialog_actions_init(struct dialog_actions *out);
void dialog_actions_fini(struct dialog_actions *out);

/* One event. `out` is emptied first. `now_ms` is the loop's clock and never falls.
 * Requires: the state is not CLOSED. */
void dialog_step(struct dialog *d, uint64_t now_ms, const struct dialog_event *ev,
		 struct dialog_actions *out);

/* When to come back with DIALOG_EV_TICK, loop time. */
uint64_t dialog_deadline_ms(const struct dialog *d);
/* Largest frame this peer may send now; a longer length prefix is DIALOG_EV_TOO_BIG. */
size_t dialog_frame_bytes_max(const struct dialog *d);
/* False: leave further bytes in the socket until the next step. */
bool dialog_may_read(const struct dialog *d);
enum dialog_state dialog_state(const struct dialog *d);
/* "connected" ...; static storage. */
const char *dialog_state_name(const struct dialog *d);
