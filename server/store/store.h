/* store: what the clinic keeps, as verbs. One writer, any number of readers; no SQL in sight.
 *
 * Owns:    folder/clinic.db and folder/lock (writer). Not the server's key files.
 * Threads: a `struct store` lives on the writer thread; a `struct store_reader` is opened, used and
 *          closed by one thread at a time and sees a committed state.
 * Time:    never asks a clock: store_begin brings `now_ms`, which stamps everything of that
 *          transaction. No logs.
 * Order:   store_begin, then verbs, store_commit. Acks leave only after store_commit gave ERR_OK.
 *          store_mark before each request and store_undo after a failed one keep one bad request
 *          from spoiling the batch.
 * Errors:  each verb says its own; any of them also ERR_NOMEM, ERR_DISK_FULL (undo, answer
 *          BUSY_DISK, raise an alarm), ERR_IO (stop acknowledging and exit; SECURITY 3.3),
 *          ERR_CORRUPT, ERR_STORE. After an error that is not documented at the verb the
 *          transaction must be rolled back.
 * Memory:  readers' results are copied into the arena that the caller gives (ERR_TOO_BIG when its
 *          cap is reached); views in arguments are borrowed for the call.
 * Sources: SECURITY 2.7, 2.8, 2.13, 2.15, 3.1 to 3.6, 3.8. */
#pragma once

#include "base/arena.h"
#include "base/id.h"
#include "crypt/hash.h"
#include "crypt/sign.h"

struct store;
struct store_reader;

#define STORE_FILE_NAME "clinic.db"

/* ---- open, close, transactions --------------------------------------------------------------- */

struct store_options {
	const char *folder;             /* created 0700 when missing */
	const struct sign_key *log_key; /* signs heads; borrowed, lives as long as the store */
	uint64_t space_bytes_min; /* with space_percent_min 0 too: the default, 1 GiB or 5 % */
	unsigned space_percent_min;
};

/* ERR_BUSY: another process writes here. ERR_DENIED: file modes. ERR_VERSION: a newer database. */
MUST_USE enum err store_open(const struct store_options *options, struct store **ret_store);
void store_close(struct store *s); /* NULL is fine; rolls back */
void store_closep(struct store **s);

MUST_USE enum err store_reader_open(const char *folder, struct store_reader **ret_reader);
/* The same for looking at a folder from outside: changes no byte of a stopped server's files
 * (db_open_onlooker). */
MUST_USE enum err store_reader_open_onlooker(const char *folder, struct store_reader **ret_reader);
void store_reader_close(struct store_reader *r);
void store_reader_closep(struct store_reader **r);

/* The writer's own eyes: sees what this transaction has done. Borrowed; writer thread only. */
struct store_reader *store_as_reader(struct store *s);

MUST_USE enum err store_begin(struct store *s, uint64_t now_ms);
/* Signs a head when one is due, then COMMIT with fsync. On an error nothing stands. */
MUST_USE enum err store_commit(struct store *s);
void store_rollback(struct store *s);

/* A mark replaces the one before. ERR_STORE from undo: SQLite gave it all up, roll back. */
MUST_USE enum err store_mark(struct store *s);
MUST_USE enum err store_undo(struct store *s);

/* ERR_DISK_FULL below the threshold: answer BUSY_DISK before SQLite fails. */
MUST_USE enum err store_check_space(const struct store *s);
/* For idle gaps, outside a transaction. Keeps the WAL file. */
MUST_USE enum err store_checkpoint(struct store *s);
/* Pages in the WAL now: the owner checkpoints in the next gap above some hundreds. */
uint64_t store_wal_pages(const struct store *s);

/* Settings of this server that are no secret: listen address and the like. `name`: static words. */
MUST_USE enum err store_setting_put(struct store *s, const char *name, struct view value);
MUST_USE enum err store_setting_get(struct store_reader *r, const char *name, struct arena *arena,
				    struct view *ret_value);

/* ---- status -------------------------------------------------------------------------------- */

struct store_status {
	bool founded;
	struct id clinic_id; /* zeros while unfounded */
	struct id epoch;
	uint64_t epoch_n;
	uint64_t seq; /* newest op */
	uint64_t dir_seq;
	struct hash32 dir_hash;
	uint64_t audit_seq;
	uint64_t backed_up_seq;
	uint64_t patients;
	uint64_t sessions;
	uint64_t rejected;
	uint64_t quarantined; /* forks and unsound ops kept aside */
};
MUST_USE enum err store_status(struct store_reader *r, struct store_status *ret);

/* The verbs by subject; each of these headers also stands alone. */
#include "server/store/store_check.h"
#include "server/store/store_clinic.h"
#include "server/store/store_feed.h"
#include "server/store/store_ops.h"
#include "server/store/store_people.h"
