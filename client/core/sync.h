/* sync: the room's side of the talk with the server, as a state machine. Events in, actions out.
 *
 *	          dial                up               Welcome checked, directory whole
 *	OFFLINE -------> DIALING -------> HELLO --> CHECK ------------------------> COURIER
 *	   ^                                                                        |  ^
 *	   | link down (any state; CLOSING waits)               person with keys    v  | lock:
 *Logout
 *	   +------------------------------------------------- SIGNED_IN <------- LOGIN |
 *	                                                          +--------- LEAVING --+
 *
 * What it decides: when to dial (back-off with jitter), what may be sent in which state, one batch
 * of outbox rows in flight, which frames of the server are expected. What it does not do: read a
 * clock, draw random numbers by itself, touch keys, files or sockets. Work that needs keys or the
 * database goes out as an ask (SYNC_ACT_DESK) and comes back as SYNC_EV_DESK; client/desk executes
 * asks.
 *
 * Frames: in events the body of one frame (without the length in front); in actions one whole
 * frame, ready for the stream. Frames of asks, results and requests are bodies without a `request`
 * number: sync appends it, because protobuf fields may stand in any order.
 *
 * Owns:    its queues and the bytes in them; what an event borrows is copied before the call
 *          returns.
 * Threads: the loop thread only.
 * Limits:  SYNC_REQUESTS_MAX user requests, SYNC_FEED_MAX feed batches waiting; the arena's parse
 *          cap.
 * Errors:  none are returned: a bad frame closes the link, a request gets its error in its reply.
 * Sources: SECURITY 2.7, 3.2, 3.4, 3.7; limits.h; proto/README.md. */
#pragma once

#include "base/fsm.h"
#include "base/limits.h"
#include "base/rand.h"
#include "client/core/sync_event.h"

#define SYNC_FEED_MAX 8u /* Feed batches waiting for the desk; above the server broke its limit */
/* Before what the disk could not take (BUSY_DISK, a feed batch) is tried again. */
#define SYNC_BUSY_MS 1000u
#define SYNC_LOGIN_RETRY_MS 5000u
#define SYNC_VERB_MS 10000u /* from LoginOk to the person's keys being in; then the link closes */
#define SYNC_LOGIN_WAIT_MS_MAX 900000u /* however long the server says: look again then */
#define SYNC_STEADY_MS 10000u          /* a link that held this long counts as good again */
#define SYNC_PROTO_MIN 1u
#define SYNC_PROTO_MAX 1u

enum sync_link {
	SYNC_LINK_OFFLINE, /* the server does not answer */
	SYNC_LINK_ONLINE,  /* Welcome checked; courier mode counts */
	SYNC_LINK_REFUSED, /* the server refuses this room, or this room refuses the server: red */
};

const char *sync_link_name(enum sync_link link);       /* "online", as status prints it */
const char *sync_reason_name(enum sync_reason reason); /* "wrong_epoch"; "none" */

enum sync_state {
	SYNC_OFFLINE,
	SYNC_DIALING,
	SYNC_HELLO,
	SYNC_CHECK, /* desk checks the Welcome; directory is fetched */
	SYNC_COURIER,
	SYNC_LOGIN, /* signing in by itself with the keys in memory */
	SYNC_SIGNED_IN,
	SYNC_LEAVING, /* Logout sent */
	SYNC_CLOSING, /* CLOSE asked for, LINK_DOWN not yet seen */
	SYNC_STATE_COUNT
};

/* ---- the machine -------------------------------------------------------------------------------
 */

struct sync_config {
	const char *build; /* borrowed */
	struct id clinic_id;
	struct id room_id;
	struct id epoch;         /* pinned */
	struct rand_source rand; /* jitter and login nonces */
};

struct sync; /* opaque: about 10 KiB and an arena */

/* Starts OFFLINE with the first dial due at now_ms. ERR_NOMEM. */
MUST_USE enum err sync_new(const struct sync_config *config, uint64_t now_ms, struct sync **ret);
void sync_free(struct sync *s); /* NULL is fine */
void sync_freep(struct sync **s);

/* now_ms: monotonic, never falling. `out` must be empty (sync_actions_init or _clear). */
void sync_step(struct sync *s, uint64_t now_ms, const struct sync_event *ev,
	       struct sync_actions *out);
/* When the next SYNC_EV_TICK is due; UINT64_MAX: never (it is never so in practice). */
uint64_t sync_deadline_ms(const struct sync *s);

enum sync_state sync_state_now(const struct sync *s);
enum sync_link sync_link_now(const struct sync *s);
enum sync_reason sync_reason_now(const struct sync *s);
/* Nothing is queued, in flight or waiting for the desk, as far as this machine knows. */
bool sync_is_quiet(const struct sync *s);
/* The feed said `live`: the room has all that the person may read. False after each drop. */
bool sync_is_live(const struct sync *s);
const struct sync_conn *sync_conn_now(const struct sync *s); /* serial 0 when there is none */

/* Counters for status and tests. */
struct sync_stats {
	uint64_t dials, links, frames_in, frames_out, bad_frames, late_replies;
	uint64_t pushes, acks, feeds, logins, timeouts;
};
const struct sync_stats *sync_stats(const struct sync *s);
