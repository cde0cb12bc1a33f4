/* local: a room's database, room.db: who the room is, the checked directory, sign-in data of the
 * people it knows, and every op it wrote or pulled, sealed.
 *
 * With nobody signed in nothing of patients, sessions or notes can be read from it: op rows are
 * sealed under their reader's local key, outbox rows under a boot key that is sealed to the server
 * (SECURITY 2.14). In clear stand what a thief may have: the clinic's records, the clinic secret,
 * logins, op ids, lane numbers, sizes, keyed tags.
 *
 * Owns:    the connection (and the folder's lock), the directory in memory, and, while somebody is
 *          signed in, the decrypted patient index and note index; local_forget wipes those.
 * Threads: the desk thread only.      Times: `now_ms` is wall clock, milliseconds since 1970.
 * Errors:  common/db's; ERR_IO and ERR_DISK_FULL: the process must exit (nothing is tried again
 * after a failed fsync). ERR_SIGNED_OUT: needs an open vault. ERR_NOT_FOUND: no such thing *here*.
 * Lives:   pointers and views given back die at the next call on the same local, unless said
 * otherwise.
 * Sources: SECURITY 2.7, 2.9, 2.13, 2.14, 3.1 to 3.6. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/rand.h"
#include "client/store/vault.h"
#include "crypt/directory.h"
#include "crypt/records.h"
#include "record/booking.h"
#include "record/fields.h"
#include "record/fold.h"
#include "record/kinds.h"
#include "record/merge_record.h"
#include "record/record_fold.h"

#define LOCAL_BATCH_OPS_MAX 65536u /* ops in one local_begin .. local_commit */
#define LOCAL_TRIES_FREE 5u        /* offline sign-in: tries without a wait (SECURITY 2.7) */
#define LOCAL_TRIES_MAX 20u        /* then the local copy is deleted */
#define LOCAL_WAIT_MS_FIRST 15000u /* doubles up to LOCAL_WAIT_MS_MAX */
#define LOCAL_WAIT_MS_MAX (15u * 60u * 1000u)
#define LOCAL_PERSON_DAYS_MAX 30u            /* online sign-in here, else no offline sign-in */
#define LOCAL_SERVER_DAYS_MAX 14u            /* server contact, else no offline sign-in */
#define LOCAL_KEEP_DAYS 30u                  /* outbox rows, after they are in a backup */
#define LOCAL_HEADS_KEPT 1000u               /* signed log heads (SECURITY 2.15) */
#define LOCAL_OPENED_MS (10u * 60u * 1000u)  /* one `opened` op per chart in this time */
#define LOCAL_SKEW_MS_MAX (2u * 60u * 1000u) /* larger clock difference warns (SECURITY 3.6) */
#define LOCAL_ADDRESS_BYTES_MAX 300u

struct local; /* opaque */

/* ---- opening --------------------------------------------------------------------------------- */

/* Opens folder/room.db, made when missing. `rand` for ids and payload blinds: rand_system() but in
 * the simulator. ERR_BUSY: another process has it. ERR_CORRUPT: what is pinned does not check
 * out. */
MUST_USE enum err local_open(const char *folder, struct rand_source rand, struct local **ret);
void local_close(struct local *l); /* NULL is fine; wipes */
void local_closep(struct local **l);
/* Wipes everything decrypted. The vault is shut by the caller. */
void local_forget(struct local *l);
/* Between requests: copies the WAL back when it is long; deletes old outbox rows. */
MUST_USE enum err local_tidy(struct local *l, uint64_t now_ms);

enum local_state {
	LOCAL_EMPTY,     /* a machine that belongs to no clinic yet */
	LOCAL_FOUNDING,  /* keys are made and kept; the server has not confirmed */
	LOCAL_ENROLLING, /* proof is kept; the server has not confirmed */
	LOCAL_READY,
};

enum local_kit { LOCAL_KIT_NONE, LOCAL_KIT_ON_DISK, LOCAL_KIT_CONFIRMED };

struct local_room {
	enum local_state state;
	struct id clinic_id;
	struct id room_id;
	char clinic_name[NAME_BYTES_MAX + 1];
	char name[NAME_BYTES_MAX + 1];
	char kind[NAME_BYTES_MAX + 1]; /* "treatment" | "desk" */
	char address[LOCAL_ADDRESS_BYTES_MAX + 1];
	struct sign_pk root_pk;
	struct server_record server; /* pinned, newest seen */
	struct policy policy;        /* pinned; clinic_name borrows from local */
	struct epoch_record epoch;   /* pinned; its reason borrows from local */
	uint32_t cs_id;
	enum local_kit kit;
	char kit_folder[LOCAL_ADDRESS_BYTES_MAX + 1]; /* "" in rooms that did not found */
};

/* Lives as long as local; content changes only by calls below. */
const struct local_room *local_room(const struct local *l);
MUST_USE enum err local_set_address(struct local *l, const char *address);
MUST_USE enum err local_set_kit(struct local *l, enum local_kit kit);
/* The checked chain. */
const struct directory *local_directory(const struct local *l);
/* Login by user id as the server told it, "" if it did not: for display only. */
const char *local_login_of(const struct local *l, const struct id *user_id);
/* By login, from what the server told; ERR_NOT_FOUND. */
MUST_USE enum err local_user_by_login(const struct local *l, const char *login, struct id *ret_id);

/* Red flags that stay until somebody deals with them. Names are stable words. */
enum local_alarm {
	LOCAL_ALARM_LANE_ROLLBACK =
		1,                 /* the server has less of one's own lane than was stored here */
	LOCAL_ALARM_LANE_FORK,     /* another op stands at a place of one's own lane */
	LOCAL_ALARM_LANE_GAP,      /* one's own lane arrived with a hole */
	LOCAL_ALARM_FORGED,        /* an op whose signature does not hold was sent */
	LOCAL_ALARM_DIRECTORY,     /* directory rolled back or forked */
	LOCAL_ALARM_EPOCH,         /* unknown epoch */
	LOCAL_ALARM_SERVER_RECORD, /* an older or forged ServerRecord */
	LOCAL_ALARM_VAULT,         /* the server gave an older vault or keyring than seen */
	LOCAL_ALARM_SIGN_DIFFERS,  /* a signed session's values hash to something else */
	LOCAL_ALARM_CLOCK,         /* this machine's clock is far from the server's */
	LOCAL_ALARM_LOG_HEAD,      /* two different signed heads of one place of the audit log */
	LOCAL_ALARM_COUNT
};
const char *local_alarm_name(enum local_alarm a);
/* Bit (1 << alarm) for each raised. */
uint64_t local_alarms(const struct local *l);
MUST_USE enum err local_raise(struct local *l, enum local_alarm a, uint64_t now_ms);

/* ---- status ---------------------------------------------------------------------------------- */

struct local_counts {
	uint64_t queued; /* without a receipt of commit: queued ones and nothing else */
	uint64_t committed;
	uint64_t rejected;
	uint64_t quarantined;
};
/* Of everybody in this room. */
MUST_USE enum err local_counts(struct local *l, struct local_counts *ret);

/* Only the first of them, at the cost of what is queued: asked after every step of sync. */
MUST_USE enum err local_queued(struct local *l, uint64_t *ret_count);

struct local_cursor {
	struct id epoch; /* zeros: nothing pulled yet */
	uint64_t seq;
	uint64_t scope_version;
};
MUST_USE enum err local_cursor(struct local *l, const struct vault *v, struct local_cursor *ret);

/* The source given to local_open. */
struct rand_source local_rand(const struct local *l);
/* Makes an id for a new patient, session, measure or addendum (UUIDv7). */
struct id local_new_id(struct local *l, uint64_t now_ms);
/* What time it is, for what is opened for an hour only. Never falls behind what was told before. */
void local_tell_time(struct local *l, uint64_t now_ms);

/* Loads what the person's verbs need: lanes, patient index, note index. Called once after the vault
 * opened. */
MUST_USE enum err local_load_person(struct local *l, const struct vault *v);

#include "client/store/local_history.h" /* the rest of this header */
#include "client/store/local_records.h"
#include "client/store/local_withheld.h"
