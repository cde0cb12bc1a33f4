/* sync_event: what goes into the sync machine and what comes out: events, actions, and the asks by
 * which it lets the desk work. See sync.h.
 *
 * Owns:    a buf in an action, ask or result belongs to whoever holds it.   Threads: values. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

#define SYNC_NONCE_BYTES 32u
#define SYNC_HASH_BYTES 32u
#define SYNC_REQUESTS_MAX 16u /* user requests waiting or in flight; above: ERR_FULL */
#define SYNC_REQUEST_MS_MAX 60000u

/* Why the link is refused (or was closed last); words for the screen are the caller's. */
enum sync_reason {
	SYNC_REASON_NONE,
	SYNC_REASON_TOO_OLD,
	SYNC_REASON_TOO_NEW,
	SYNC_REASON_WRONG_CLINIC,
	SYNC_REASON_NOT_ENROLLED,
	SYNC_REASON_RETIRED,
	SYNC_REASON_WRONG_EPOCH,    /* the server was restored, or is another one: nothing moves */
	SYNC_REASON_FOREIGN_SERVER, /* its TLS key is not in the pinned ServerRecord */
	SYNC_REASON_BAD_DIRECTORY,  /* rolled back, forked or forged */
	SYNC_REASON_BAD_RECORD,     /* ServerRecord or Welcome does not check out */
};

/* Facts of the TLS connection in use, for proofs that name it. */
struct sync_conn {
	uint64_t serial;                    /* counts connections from 1; 0: none */
	uint8_t exporter[SYNC_NONCE_BYTES]; /* EXPORTER-crs1-login */
	uint8_t room_spki[SYNC_HASH_BYTES];
};

struct sync_cursor {
	struct id epoch; /* zeros: from the beginning */
	uint64_t seq;
	uint64_t scope_version;
};

/* ---- asks: what the desk does for sync ---------------------------------------------------------
 */

enum sync_ask_type {
	SYNC_ASK_WELCOME,     /* frame: the Welcome. Checks clinic, epoch pin, ServerRecord, head */
	SYNC_ASK_DIRECTORY,   /* frame: a Directory. Applies it */
	SYNC_ASK_LOGIN_PROOF, /* frame: LoginParams; cn, conn. Gives a LoginProof frame */
	SYNC_ASK_LOGIN_OK,    /* frame: LoginOk. Checks heads and vault, gives the cursor */
	SYNC_ASK_LOGIN_REFUSED, /* the server does not know this person's keys any more: drops the
				   copy */
	SYNC_ASK_PUSH,          /* gives the next Push frame of the person, if any */
	SYNC_ASK_COURIER,       /* gives the next CourierPush frame of everybody else, if any */
	SYNC_ASK_ACK,           /* frame: an Ack. Applies it */
	SYNC_ASK_FEED,          /* frame: a Feed. Stores rows and cursor */
	SYNC_ASK_SCOPE,         /* frame: a ScopeChange. Gives the cursor to pull from */
	SYNC_ASK_BACKED_UP,     /* seq: what a verified backup holds by now */
	SYNC_ASK_ACCOUNTS,      /* frame: a Pong. Drops copies of keyrings that are good no more */
	SYNC_ASK_COUNT
};

struct sync_ask {
	enum sync_ask_type type;
	uint64_t id;      /* answers carry it */
	struct id person; /* zeros: nobody. The desk refuses (ERR_SIGNED_OUT) when it is another */
	struct buf frame; /* owned by whoever holds the ask */
	struct sync_conn conn;
	uint8_t cn[SYNC_NONCE_BYTES];
	uint64_t seq;
};

void sync_ask_fini(struct sync_ask *ask);

struct sync_result {
	enum sync_ask_type type;
	uint64_t id;
	enum err err; /* WELCOME: ERR_FORK/ERR_VERSION.. see desk.h; FEED: ERR_NOT_FOUND = unknown
			 author */
	enum sync_reason reason; /* with an error of WELCOME or DIRECTORY */
	struct buf frame;        /* owned; to be sent; empty: nothing to send */
	bool again;       /* WELCOME, DIRECTORY: ask for more; ACK: not at once (disk full, gap,
	                            * or no receipt at all) */
	bool live;        /* FEED: the batch said that this is all */
	uint64_t dir_seq; /* WELCOME, DIRECTORY: last entry held */
	struct sync_cursor cursor; /* LOGIN_OK, SCOPE, FEED */
	uint64_t queued;           /* ops of anybody without a receipt; valid when err is ERR_OK */
};

void sync_result_fini(struct sync_result *r);

/* ---- events ------------------------------------------------------------------------------------
 */

enum sync_event_type {
	SYNC_EV_TICK,       /* time passed; send one at sync_deadline_ms */
	SYNC_EV_LINK_UP,    /* conn.exporter, conn.room_spki: TLS is up */
	SYNC_EV_LINK_DOWN,  /* err: why; ERR_REFUSED when the server's key is not the pinned one */
	SYNC_EV_BYTES,      /* bytes came that do not make a frame yet: the server lives */
	SYNC_EV_FRAME,      /* frame: one frame's body */
	SYNC_EV_OUTBOX,     /* an op was saved in this room */
	SYNC_EV_PERSON_IN,  /* person, login, serial: keys are in memory. serial != 0: signed in by
			     * that  very connection's LoginOk; cursor is then where to pull from */
	SYNC_EV_PERSON_OUT, /* keys are gone; frame: what is still to be sent for the person, or
			       empty */
	SYNC_EV_DESK,       /* result: borrowed, sync takes its frame's bytes */
	SYNC_EV_REQUEST,    /* request */
	SYNC_EV_NOW,        /* `sync now`: dial at once, retry at once */
	SYNC_EV_REDIAL,     /* the address changed: drop the link and dial at once */
	SYNC_EV_COUNT
};

enum sync_needs {
	SYNC_NEEDS_LINK,   /* any checked connection: LoginStart, LoginProof */
	SYNC_NEEDS_PERSON, /* the server knows the person on this connection */
};

struct sync_request {
	uint64_t id; /* the caller's; the reply carries it. Not 0, not in use */
	enum sync_needs needs;
	uint64_t timeout_ms; /* from now, SYNC_REQUEST_MS_MAX at most */
	uint64_t serial;     /* not 0: only on this very connection, else ERR_OFFLINE */
	struct view frame;   /* body without request number */
};

struct sync_event {
	enum sync_event_type type;
	struct sync_conn conn;       /* LINK_UP; serial is sync's own and ignored */
	enum err err;                /* LINK_DOWN */
	struct view frame;           /* FRAME, PERSON_OUT; borrowed */
	struct id person;            /* PERSON_IN */
	const char *login;           /* PERSON_IN; borrowed */
	uint64_t serial;             /* PERSON_IN */
	struct sync_cursor cursor;   /* PERSON_IN with serial */
	struct sync_result *result;  /* DESK */
	struct sync_request request; /* REQUEST */
};

/* ---- actions -----------------------------------------------------------------------------------
 */

enum sync_action_type {
	SYNC_ACT_DIAL,
	SYNC_ACT_CLOSE, /* LINK_DOWN must follow */
	SYNC_ACT_SEND,  /* bytes: one whole frame with its length */
	SYNC_ACT_DESK,  /* ask */
	SYNC_ACT_REPLY, /* request_id, err, bytes: the reply frame's body (also with an error that
			 * the server sent: Result), conn: the connection it came by */
	SYNC_ACT_LINK,  /* sync_link_now changed */
	SYNC_ACT_PERSON_REFUSED, /* the server refused the person's keys: lock the room */
};

struct sync_action {
	enum sync_action_type type;
	struct buf bytes;
	struct sync_ask ask;
	uint64_t request_id;
	enum err err;
	struct sync_conn conn;
};

#define SYNC_ACTIONS_MAX (SYNC_REQUESTS_MAX + 32u)

/* Filled by sync_step in the order in which they are to be carried out. */
struct sync_actions {
	struct sync_action a[SYNC_ACTIONS_MAX];
	size_t count;
};

void sync_actions_init(struct sync_actions *out);
/* Frees what was not taken (buf_take, or a buf copied out and zeroed in the action). */
void sync_actions_clear(struct sync_actions *out);
