/* verb: one thing a room can be asked to do. One verb is one function: JSON in, JSON out.
 *
 * It runs on the desk thread, where the keys and the database are. What it needs from the server it
 * writes into `ask` and returns; the loop sends it and calls the function again with the reply and
 * the next `step`. There are no callbacks and no locks in verbs.
 *
 *	enum err verb_add_thing(struct verb *v)
 *	{
 *		if (v->step == 0) return make_frame(..., &v->ask);   the server is asked
 *		TRY(v->reply_err);                                   step 1: it has answered
 *		return json_put_id(v->answer, "thing_id", &id);      done
 *	}
 *
 * Owns:    request, answer, ask, reply and state, until verb_fini.
 * Threads: the desk thread while it runs, the loop thread between two steps.
 * Errors:  any; `fault` says it in words, verb_run fills it when the function did not.
 *          ERR_IO and ERR_DISK_FULL that come from the store end the process after the answer, so a
 *          verb reports its own file trouble by other values.
 * Secrets: a passphrase in `request` is wiped with it (json.h); plain notes go from the guarded
 *          arena into the answer only. */
#pragma once

#include "cli/fault.h"
#include "client/api/json.h"
#include "client/core/sync.h"
#include "client/desk/desk.h"
#include "roomkeep/wire.pb-c.h"

#define VERB_STEPS_MAX 4096u /* pages of a fetch; a server must not keep us for ever */
#define ROOM_NAMES_MAX ROOMS_MAX

/* Names of the clinic's rooms as the server told them last, for display. Desk thread. */
struct room_names {
	struct {
		struct id id;
		char name[NAME_BYTES_MAX + 1];
	} rooms[ROOM_NAMES_MAX];
	size_t count;
};

/* What sync must hear of when a step is over, in this order. */
struct verb_effects {
	bool person_out;
	struct buf farewell; /* owned; with person_out */
	bool person_in;
	struct id person;
	char login[LOGIN_BYTES_MAX + 1];
	uint64_t serial; /* 0: offline */
	struct sync_cursor cursor;
	bool outbox; /* ops were saved */
	bool now;    /* try the server at once */
	bool redial; /* the address changed */
};

/* What the loop knows, as it was when the step began. */
struct verb_link {
	enum sync_link link;
	enum sync_reason reason;
	bool live; /* the feed has delivered everything */
	bool quiet;
	uint64_t changed_ms; /* wall clock: since when the link is so */
};

struct verb;

struct verb_row {
	const char *path;   /* "add/patient"; of the URL behind /1/ */
	const char *schema; /* "roomkeep.patient/1" */
	enum err (*run)(struct verb *v);
	bool needs_person;  /* somebody must be signed in */
	bool needs_session; /* request.session_id is fetched first if this room does not hold it */
	bool is_presence;   /* a call of a person: restarts the idle lock */
	bool is_chart;      /* shows what stands in charts: what is withheld is said (withheld.h) */
	const struct kind_info *kind; /* of the verbs of plain records (verbs_record.c) */
};

struct verb {
	const struct verb_row *row;
	struct desk *desk;             /* borrowed, desk thread */
	struct room_names *room_names; /* borrowed, desk thread */
	json_t *request;               /* owned */
	json_t *answer;                /* owned; an object */
	struct fault fault;
	struct verb_link link;
	uint64_t now_ms;         /* wall clock of this step */
	unsigned step;           /* 0, then one more per reply */
	bool fetching;           /* the replies are pages of the session looked for */
	bool learning;           /* the replies are names (verb_learn_more) */
	bool name_missing;       /* a room or person was shown by its id */
	struct feed_fetch fetch; /* the replies are pages of this patient (fetch.c) */
	size_t fetched; /* charts of the person that were asked for, or are here (fetch.c) */

	struct buf ask; /* frame body for the server; empty: this was the last step */
	enum sync_needs ask_needs;
	uint64_t ask_timeout_ms; /* 0: SYNC_REQUEST_MS_MAX */
	uint64_t ask_serial;     /* not 0: on this connection only */

	enum err reply_err; /* of the exchange, or what the server's Result said */
	struct buf reply;   /* frame body; also with an error, if one came */
	struct sync_conn reply_conn;

	struct verb_effects effects; /* of the step that just ran */
	void *state;                 /* owned, between steps */
	void (*state_free)(void *state);
};

/* The table, in verbs.c: the rows there and four for each plain record. NULL: no such verb. */
const struct verb_row *verb_find(const char *path);
const struct verb_row *verb_table(size_t *ret_count);

/* Takes the request. */
MUST_USE enum err verb_init(struct verb *v, const struct verb_row *row, json_t *request);
void verb_fini(struct verb *v);

/* Runs one step: checks who is signed in, fetches a session the verb needs, calls it. On ERR_OK
 * with an empty `ask` the answer is whole, schema included; with an error the fault is filled. */
MUST_USE enum err verb_run(struct verb *v);

/* ---- for verbs ----------------------------------------------------------------------------- */

static inline struct local *verb_local(struct verb *v)
{
	return v->desk->local;
}

static inline struct vault *verb_vault(struct verb *v)
{
	return &v->desk->vault;
}

/* A text of the request. ERR_USAGE with a fault when it is missing. */
MUST_USE enum err verb_need_text(struct verb *v, const char *key, const char **ret_text);
/* "" when it is missing. */
const char *verb_text(struct verb *v, const char *key);
bool verb_has(struct verb *v, const char *key);
/* An id of the request; ERR_NOT_FOUND with a fault for what is no id, because it names nothing. */
MUST_USE enum err verb_need_id(struct verb *v, const char *key, struct id *ret_id);

/* Calls `each` for every patient whom this room holds, by name, until it fails; a chart that was
 * merged into another is read with that one. */
struct verb_patient_visitor {
	enum err (*each)(struct verb *v, void *ctx, const struct local_patient *p);
	void *ctx;
};
MUST_USE enum err verb_each_patient(struct verb *v, struct verb_patient_visitor visit);

/* After a local_begin(): all of it stays when `e` is ERR_OK, else nothing does. Returns what went
 * wrong. */
MUST_USE enum err verb_end_batch(struct verb *v, enum err e);

/* "no such patient here", with the id in the message. */
MUST_USE enum err verb_fail_unknown(struct verb *v, const char *what, const char *key);
/* A record error of the store in words: field and what is allowed. */
MUST_USE enum err verb_fail_record(struct verb *v, enum err e, const struct record_error *error);
/* A bad passphrase, login or code. */
MUST_USE enum err verb_fail_passphrase(struct verb *v, enum err e, enum passphrase_fault fault);
/* Words for the server's refusal of a request (v->reply_err and its Result). */
MUST_USE enum err verb_fail_server(struct verb *v);

/* Puts the frame of `request` into v->ask. */
MUST_USE enum err verb_ask(struct verb *v, const Roomkeep__Frame *frame, enum sync_needs needs,
			   uint64_t timeout_ms);

/* Fetches what this room does not hold of a patient (sessions of long ago), unless it did so just
 * now. Then v->ask is filled, and the verb calls this again in its next step. `*ret_partial`: the
 * server could not be asked, this room knows only what it holds. (fetch.c) */
MUST_USE enum err verb_fetch_patient(struct verb *v, const struct id *patient_id,
				     bool *ret_partial);
/* The same for a chart that is to open at once: of the sessions only as many as make the newest
 * `sessions` be here; local_find_sessions says how many others there are. */
MUST_USE enum err verb_fetch_chart(struct verb *v, const struct id *patient_id, size_t sessions,
				   bool *ret_partial);
/* A session that began then is not kept up to date by the feed, nor was it fetched just now.
 * (fetch.c) */
MUST_USE enum err verb_is_stale(struct verb *v, const struct id *patient_id, uint64_t started_ms,
				bool *ret_stale);

/* Login of a person as it is shown; the id's text when the server never told it. */
MUST_USE enum err verb_put_login(struct verb *v, json_t *object, const char *key,
				 const struct id *user_id);
/* NULL: none that this room has heard of. Borrowed until the next list of rooms. */
const char *verb_room_name(struct verb *v, const struct id *room_id);
/* Name of a room; the id's text when it is not known, null for zeros. */
MUST_USE enum err verb_put_room(struct verb *v, json_t *object, const char *key,
				const struct id *room_id);
MUST_USE enum err verb_put_roles(json_t *object, const char *key, uint64_t roles);

/* Reads a Rooms reply into room_names. */
MUST_USE enum err verb_learn_rooms(struct verb *v, struct view reply);

/* Locks: everything decrypted is gone; effects tell sync. Harmless when nobody is in. */
void verb_lock(struct verb *v);
