/* agent_priv: the parts of an agent, for its own files: agent.c (start and end), agent_calls.c
 * (verbs), agent_sync.c (sync, link, asks).
 *
 * Two threads meet in jobs only: a job is filled on the loop, runs on the desk thread, and is
 * read on the loop again. What the desk thread learns about the room travels back in `facts`. */
#pragma once

#include "base/list.h"
#include "client/api/agent.h"
#include "client/api/home.h"
#include "client/api/verb.h"
#include "client/net/http.h"
#include "client/net/link.h"
#include "net/worker.h"

#define AGENT_JOBS_MAX 256u
#define AGENT_TIDY_MS 2000u /* quiet time before the database is tidied */
#define AGENT_CALLS_MAX 64u
/* A request that needs the server, while the link is down: one dial, then the truth. */
#define AGENT_ASK_OFFLINE_MS 3000u
/* A sign-in is answered when the person's records are here, so that the next command finds them;
 * a room that has months to pull does not keep the person waiting longer than this. */
#define AGENT_FEED_MS 5000u
#define AGENT_SLEEP_MS 1000u /* less is two clocks read at different moments */

/* What the loop thread must know of the room; copied after each job. */
struct agent_facts {
	struct id clinic_id;
	struct id room_id;
	struct id epoch;
	enum local_state state;
	char address[LOCAL_ADDRESS_BYTES_MAX + 1];
	struct hash32 spki[SERVER_SPKI_MAX];
	size_t spki_count;
	bool someone;          /* a person is signed in */
	uint64_t signed_in_ms; /* wall clock */
};

struct agent;

struct agent_job {
	struct worker_job job;
	struct agent *agent;
	struct agent_facts facts; /* as of its end */
};

/* An ask of sync on its way through the desk. */
struct agent_ask {
	struct agent_job base;
	struct sync_ask ask;       /* owned */
	struct sync_result result; /* owned */
};

/* What a call that could be answered still waits for. */
enum agent_wait {
	AGENT_WAIT_NOTHING,
	AGENT_WAIT_OUTBOX, /* `sync --wait`: every op has its receipt; the verb counts again */
	AGENT_WAIT_FEED,   /* sign-in: the room has what the person may read */
};

/* A verb on its way: one job per step, between them a request to the server. */
struct agent_call {
	struct agent_job base;
	struct list link; /* in agent.calls while it lives */
	struct verb verb;
	struct http_request *http; /* NULL: the agent's own call, nobody waits */
	enum err result;           /* of the last step */
	char *text;                /* owned: the answer as JSON, after the last step */
	uint64_t request_id;       /* not 0: waits for the server */
	uint64_t wait_until_ms;    /* `sync --wait`, sign-in: loop time when waiting ends */
	enum agent_wait waiting;
	bool held;      /* a sign-in that has not begun: another one is under way */
	bool then_stop; /* the agent ends after this one */
};

struct agent {
	struct loop loop;
	struct home home;
	struct tls_identity id;
	struct fault *fault; /* the caller's */
	uint64_t idle_ms;

	/* desk thread only, between worker_open and its on_closed */
	struct worker worker;
	struct local *local;
	struct desk desk;
	struct room_names room_names;
	struct agent_facts first_facts; /* written by setup, read after worker_open */

	/* loop thread */
	struct agent_facts facts;
	struct sync *sync;
	struct sync_actions actions;
	struct link link;
	struct timer sync_timer;
	struct timer idle_timer; /* lock after this long without a person */
	struct timer day_timer;  /* lock 12 h after sign-in */
	struct timer wait_timer; /* the next `sync --wait` that gives up */
	struct http http;
	struct list calls; /* of agent_call.link */
	unsigned call_count;
	uint64_t next_request_id;
	uint64_t slept_ms;        /* how long this machine has slept since it started */
	uint64_t link_changed_ms; /* wall clock */
	unsigned parts_open;      /* while closing */
	bool stop_asked;
	bool closing;
	enum err failed; /* why it ends by itself */
};

/* agent.c */
void agent_take_facts(struct agent *a, const struct agent_facts *facts);
void agent_copy_facts(struct agent *a, struct agent_facts *ret); /* desk thread */
/* Begins the end; `e` ERR_OK for a wish, else what failed. */
void agent_stop(struct agent *a, enum err e);
void agent_close(struct agent *a);

/* agent_calls.c */
void agent_on_http(void *ctx, struct http_request *r);
/* The agent's own call of a verb, with an empty request. */
void agent_call_self(struct agent *a, const struct verb_row *row, bool then_stop);
void agent_call_reply(struct agent *a, uint64_t request_id, enum err e, struct view reply,
		      const struct sync_conn *conn);
/* Somebody is signed in and the server is back: learns names of rooms and people. */
void agent_learn_names(struct agent *a);
/* Looks again at the calls that wait. */
void agent_calls_wake(struct agent *a);
void agent_call_free(struct agent_call *c);

/* agent_sync.c */
extern const struct link_events agent_link_events;
void agent_sync_event(struct agent *a, const struct sync_event *ev);
void agent_sync_on_timer(struct timer *t);
uint64_t agent_slept_ms(void); /* since the machine started */
struct verb_link agent_link_now(const struct agent *a);
