/* sync_state: the inside of struct sync, shared by the files of this folder only. */
#pragma once

#include "client/core/sync.h"
#include "wire/frame.h"

/* Purposes of a directory fetch, as bits: what goes on once the directory is whole. */
enum sync_dir {
	SYNC_DIR_WELCOME = 1, /* then courier mode */
	SYNC_DIR_LOGIN = 2,   /* then LOGIN_OK of the sign-in by itself */
	SYNC_DIR_USER = 4,    /* then the held LoginOk goes to the verb */
	SYNC_DIR_FEED = 8,    /* then the batch with an unknown author again */
	SYNC_DIR_SCOPE = 16,  /* then the scope change */
	SYNC_DIR_NEWS = 32,   /* then nothing: the server said that there is more */
};

enum sync_login {
	SYNC_LOGIN_NONE,
	SYNC_LOGIN_STARTED,  /* LoginStart sent */
	SYNC_LOGIN_SIGNING,  /* the desk makes the proof */
	SYNC_LOGIN_PROVED,   /* LoginProof sent */
	SYNC_LOGIN_CHECKING, /* directory, then the desk looks at LoginOk */
};

enum sync_batch {
	SYNC_BATCH_IDLE,
	SYNC_BATCH_ASKED,
	SYNC_BATCH_SENT,
	SYNC_BATCH_ACKING,
};

struct sync_waiting {
	uint64_t id; /* 0: free */
	enum sync_needs needs;
	uint64_t deadline_ms;
	uint64_t serial;  /* 0: any connection */
	uint64_t number;  /* on the wire; 0: not sent yet */
	bool held;        /* its LoginOk waits for the directory */
	struct buf bytes; /* the request until it is sent, then a held reply */
};

struct sync {
	struct sync_config config;
	char build[64];
	struct fsm fsm;
	struct arena arena; /* the frame of this step */
	uint64_t now_ms;
	enum sync_link link;
	enum sync_reason reason;

	/* dialling */
	uint64_t dial_ms;  /* OFFLINE: when to dial */
	uint32_t failures; /* since the last checked Welcome */
	bool refused;      /* the last connection ended in a refusal: slow down */
	bool bad;          /* ... in a bad frame */
	uint64_t up_ms;    /* when the Welcome was checked; 0: not on this connection */
	bool redial;       /* dial at once when the link is down */

	/* the connection */
	struct sync_conn conn;
	uint64_t next_serial;
	uint64_t next_number;
	uint64_t byte_ms; /* last bytes from the server */
	uint64_t ping_ms; /* next ping */
	uint64_t ping_number;
	uint64_t pull_number;
	bool pull_fresh;  /* the Pull was from the beginning, before any scope version was known */
	bool scope_pulls; /* of the ScopeChange that came last: it ended the feed */
	uint64_t wait_ms; /* a reply to sync itself is due by then; UINT64_MAX: none */
	uint64_t number;  /* of that reply: Hello, directory, login, logout */
	uint64_t backed_up_seq;
	uint64_t accounts; /* Welcome's or Pong's, applied; 0: none since this process began */
	uint64_t accounts_heard; /* of the Welcome that is checked */

	/* asks in flight, by id; 0: none */
	uint64_t next_ask;
	uint64_t check_ask; /* WELCOME, DIRECTORY, LOGIN_PROOF, LOGIN_OK, SCOPE: one at a time */
	uint64_t batch_ask; /* PUSH, COURIER, ACK */
	uint64_t feed_ask;

	/* directory */
	uint64_t dir_seq;
	unsigned dir_wants;  /* enum sync_dir: to be served by the next fetch */
	unsigned dir_serves; /* ... by the one under way */
	uint64_t dir_number; /* GetDirectory in flight; 0: none */
	uint64_t dir_wait_ms;
	uint64_t dir_ask;

	/* the person with keys in this room's memory */
	bool have_person;
	struct id person;
	char login[LOGIN_BYTES_MAX + 1];
	bool server_knows; /* a LoginOk came on this connection */
	uint64_t verb_ms;  /* ... to a verb: its person is in by then */
	enum sync_login login_step;
	uint8_t cn[SYNC_NONCE_BYTES];
	struct buf login_ok; /* body of LoginOk while the directory is fetched */
	uint64_t login_ms;   /* not before */

	/* outbox */
	enum sync_batch batch;
	uint64_t batch_number;
	uint64_t batch_wait_ms;
	bool outbox_more;  /* there may be something to send */
	bool courier_turn; /* the person's own ops are all sent: look at the others' */
	bool outbox_news;  /* something was saved since the look under way began */
	uint64_t batch_ms; /* not before */
	uint64_t queued;   /* without a receipt, as the desk said last */
	bool queued_known;

	/* feed */
	struct buf feed[SYNC_FEED_MAX]; /* bodies, oldest first */
	size_t feed_count;
	uint64_t feed_ms; /* the oldest is not tried before */
	bool feed_again;  /* the oldest was refused once for an unknown author */
	bool feed_broken; /* nothing more is taken on this connection */
	bool live;
	struct buf scope; /* body of a ScopeChange that waits for the directory */

	struct sync_waiting waiting[SYNC_REQUESTS_MAX];
	struct sync_stats stats;
};

/* sync_io.c: actions */
struct sync_action *sync_act(struct sync_actions *out, enum sync_action_type type);
/* Numbers and sends a frame; returns the number, 0 when it could not be built (the link then
 * closes). */
uint64_t sync_send(struct sync *s, Roomkeep__Frame *frame, struct sync_actions *out);
uint64_t sync_send_body(struct sync *s, struct view body, struct sync_actions *out);
/* Emits an ask; `body` (may be empty) is copied. Returns its id, 0 on no memory (link closes). */
uint64_t sync_ask(struct sync *s, enum sync_ask_type type, struct view body, uint64_t seq,
		  struct sync_actions *out);
uint64_t sync_send_hello(struct sync *s, struct sync_actions *out);
uint64_t sync_send_empty(struct sync *s, Roomkeep__Frame__BodyCase which, struct sync_actions *out);
uint64_t sync_send_login_start(struct sync *s, struct sync_actions *out);
uint64_t sync_send_pull(struct sync *s, const struct sync_cursor *c, struct sync_actions *out);
uint64_t sync_send_feed_ack(struct sync *s, uint64_t seq, struct sync_actions *out);
uint64_t sync_send_get_directory(struct sync *s, uint64_t after, struct sync_actions *out);
void sync_set_link(struct sync *s, enum sync_link link, enum sync_reason reason,
		   struct sync_actions *out);
/* Asks for the end of the connection; harmless without one. */
void sync_close(struct sync *s, struct sync_actions *out);
/* The peer broke the protocol. */
void sync_bad_frame(struct sync *s, struct sync_actions *out);
void sync_refuse(struct sync *s, enum sync_reason reason, struct sync_actions *out);
bool sync_is_up(const struct sync *s); /* Welcome checked and the link not closing */

/* sync_request.c: what verbs asked for */
void sync_request_add(struct sync *s, const struct sync_request *r, struct sync_actions *out);
void sync_request_send(struct sync *s, struct sync_actions *out); /* what may go now */
void sync_request_expire(struct sync *s, struct sync_actions *out);
void sync_request_fail(struct sync *s, bool sent_only, bool person_only, enum err err,
		       struct sync_actions *out);
struct sync_waiting *sync_request_find(struct sync *s, uint64_t number);
void sync_request_reply(struct sync *s, struct sync_waiting *w, enum err err, struct view body,
			struct sync_actions *out);
uint64_t sync_request_deadline(const struct sync *s);
void sync_request_fini(struct sync *s);

/* sync_person.c: signing in by itself, leaving, directory */
void sync_dir_want(struct sync *s, enum sync_dir why, struct sync_actions *out);
void sync_dir_on_frame(struct sync *s, struct view body, struct sync_actions *out);
void sync_dir_on_result(struct sync *s, const struct sync_result *r, struct sync_actions *out);
void sync_person_in(struct sync *s, const struct sync_event *ev, struct sync_actions *out);
void sync_person_out(struct sync *s, struct view farewell, struct sync_actions *out);
void sync_login_start(struct sync *s, struct sync_actions *out);
void sync_login_on_frame(struct sync *s, const Roomkeep__Frame *f, struct view body,
			 struct sync_actions *out);
void sync_login_on_result(struct sync *s, struct sync_result *r, struct sync_actions *out);
void sync_enter_courier(struct sync *s, struct sync_actions *out);
void sync_enter_signed_in(struct sync *s, const struct sync_cursor *c, struct sync_actions *out);

/* sync_flow.c: outbox and feed */
void sync_flow_reset(struct sync *s); /* the connection is gone */
void sync_outbox_pump(struct sync *s, struct sync_actions *out);
void sync_outbox_on_reply(struct sync *s, const Roomkeep__Frame *f, struct view body,
			  struct sync_actions *out);
void sync_outbox_on_result(struct sync *s, struct sync_result *r, struct sync_actions *out);
void sync_feed_on_frame(struct sync *s, const Roomkeep__Feed *feed, struct view body,
			struct sync_actions *out);
void sync_feed_pump(struct sync *s, struct sync_actions *out);
void sync_feed_on_result(struct sync *s, const struct sync_result *r, struct sync_actions *out);
void sync_feed_drop(struct sync *s);
