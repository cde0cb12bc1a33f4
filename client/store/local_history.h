/* local_history: which sessions of a patient a room holds, and what it knows of the others; part of
 * local.h (history.c).
 *
 * Owns, threads, errors, lifetimes: as local.h. Everything here needs a person who is signed in:
 * ERR_SIGNED_OUT otherwise. */
#pragma once

#include "client/store/local.h"

/* A session as its frames tell it. */
struct local_session_start {
	struct id session_id;
	uint64_t started_ms;
	bool at_server; /* not only in this room's outbox */
};
/* What is known of a patient's sessions without opening them. */
struct local_sessions {
	struct local_session_start *held; /* owned; oldest first, of the same time the smaller id */
	size_t count;
	bool knows_rest; /* the server was asked once */
	uint64_t rest;   /* further ones, that are not held here */
};
/* Frames are opened and, of a session whose frame was edited, the rest of it. ERR_NOT_FOUND: no
 * such patient here. ERR_DENIED. On failure there is nothing to give back. */
MUST_USE enum err local_find_sessions(struct local *l, const struct vault *v,
				      const struct id *patient_id, struct local_sessions *ret);
void local_sessions_fini(struct local_sessions *s);
void local_sessions_finip(struct local_sessions *s); /* for CLEANUP */

/* Was it entered on the wrong chart? */
MUST_USE enum err local_is_misfiled(struct local *l, const struct vault *v,
				    const struct id *session_id, bool *ret);
/* Leaves those out of what is held that were entered on this chart in error. */
MUST_USE enum err local_drop_misfiled(struct local *l, const struct vault *v,
				      const struct id *patient_id, struct local_sessions *s);

struct local_session_row {
	struct id session_id;
	struct id therapist_id;
	uint64_t started_ms;
	uint64_t ended_ms;  /* 0: not said */
	uint64_t signed_ms; /* 0: not signed */
	bool is_signed;
	bool has_conflict;
	bool is_misfiled;        /* entered in error, on the wrong chart */
	bool withheld;           /* whether it is signed is not said either */
	struct id supervisor_id; /* zeros: none */
};
/* The newest `limit` of those, oldest first; only they are opened. `*ret_rows` is the caller's
 * (free). */
MUST_USE enum err local_list_sessions(struct local *l, const struct vault *v,
				      const struct local_sessions *sessions, size_t limit,
				      struct local_session_row **ret_rows, size_t *ret_count);

/* All that are held, oldest first; `*ret_rows` is the caller's (free). */
MUST_USE enum err local_all_sessions(struct local *l, const struct vault *v,
				     const struct id *patient_id,
				     struct local_session_row **ret_rows, size_t *ret_count);
/* Leaves out those that were entered in error, in place; returns how many remain. */
size_t local_rows_that_stand(struct local_session_row *rows, size_t count);

/* What of a patient was fetched from the server for this person. */
struct local_history {
	uint64_t whole_ms;  /* everything, at this time; 0: never */
	uint64_t whole_seq; /* up to this op */
	/* At this time only the newest sessions (0: never, or everything since). */
	uint64_t part_ms;
	uint64_t newest;    /* so many are here */
	uint64_t before_ms; /* of the sessions that began before (0: of all) ... */
	uint64_t sessions;  /* ... there are so many */
};
MUST_USE enum err local_history(struct local *l, const struct vault *v, const struct id *patient_id,
				struct local_history *ret);
