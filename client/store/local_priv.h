/* local_priv: the inside of struct local, shared by the files of this folder only. */
#pragma once

#include "base/check.h"
#include "base/cleanup.h"
#include "client/store/account.h"
#include "client/store/guarded.h"
#include "client/store/local.h"
#include "crypt/op.h"
#include "crypt/sign.h"
#include "db/db.h"
#include "record/access.h"
#include "record/lockbox.h"
#include "record/note_plain.h"
#include "record/payload.h"
#include "roomkeep/wire.pb-c.h"
#include "wire/frame.h"
#include "wire/op.h"
#include "wire/scan.h"

#define LOCAL_FILE "room.db"
#define LOCAL_LANES_MAX (2u * HEADS_MAX)
#define NOTE_ROOM_BYTES (2u * 80u * KIB) /* plain text being read or written, padding included */
#define DAY_MS (24ull * 60u * 60u * 1000u)

extern const struct db_schema local_schema;

/* A head of one of the signed-in person's own lanes. */
struct local_lane {
	struct hash32 lane_id;
	uint64_t rev;                        /* of its sealed row */
	uint32_t class;                      /* enum lane_class */
	bool mine;                           /* this room writes it */
	uint8_t random16[LANE_RANDOM_BYTES]; /* mine */
	uint64_t seq;                        /* newest op held here; 0: none */
	struct hash32 hash;
	struct hash32 heads_hash; /* mine: of the newest op */
	uint64_t seen_seq;        /* another room of this person had seen it this far (vault) */
	struct hash32 seen_hash;
};

struct local_patient_entry {
	struct local_patient p; /* texts point into `block` */
	char *block;            /* owned, wiped */
	size_t block_bytes;
	const char *key; /* search key; in block */
};

struct local_note_entry {
	struct local_note n;
	uint64_t ord;
	size_t parent_at; /* in note_parents */
	size_t parent_count;
	bool replaced;
};

struct local_login {
	struct id user_id;
	char login[LOGIN_BYTES_MAX + 1];
};

struct local_opened_mark {
	struct id patient_id;
	struct id session_id;
	uint64_t at_ms;
};
#define LOCAL_OPENED_MARKS 256u

struct local {
	struct db *db;
	struct rand_source rand;
	struct id_source ids;

	struct local_room room;
	struct buf server_bytes, policy_bytes, epoch_bytes; /* as signed */
	struct sign_sig server_sig, policy_sig, epoch_sig;
	struct secret *cs;
	struct secret *prev_cs;
	uint32_t prev_cs_id;
	struct directory dir;
	bool dir_stale; /* ahead of what the disk has: read again before more is stored */
	struct local_login *logins;
	size_t login_count, login_cap;
	uint64_t alarms;
	uint64_t floor_ms;  /* newest time the server has told */
	uint64_t now_ms;    /* newest time the caller has told; 0: none */
	uint64_t server_ms; /* this machine's clock at the last contact */
	uint64_t backed_up_seq;
	uint64_t tidied_day; /* of this run */

	/* of the signed-in person; wiped by local_forget */
	bool loaded;
	bool loading; /* inside local_load_person */
	bool reload;  /* what was loaded was lost to an error: read again before it is used */
	struct id user_id;
	struct local_lane lanes[LOCAL_LANES_MAX];
	size_t lane_count;
	struct local_patient_entry *patients;
	size_t patient_count, patient_cap;
	bool patients_sorted;
	struct local_note_entry *notes;
	size_t note_count, note_cap;
	struct id *note_parents;
	size_t note_parent_count, note_parent_cap;
	bool notes_sorted;
	struct guarded guarded;
	struct merge_pair *merges; /* charts of one person (same.c); owned */
	size_t merge_count;
	bool merges_read;         /* they are as the ops say */
	struct lockbox_bar *bars; /* what is withheld from the person, by the last ScopeChange */
	size_t bar_count;
	struct lockbox_opening *openings;
	size_t opening_count;
	struct local_opened_mark opened[LOCAL_OPENED_MARKS];
	size_t opened_next;

	uint64_t late_ord; /* oldest outbox row acked since the last sign-in proof; 0: none */
	bool batch;        /* between local_begin and local_commit */
	uint64_t batch_ops;
};

/* ---- meta (meta.c) --------------------------------------------------------------------------- */
MUST_USE enum err meta_set(struct local *l, const char *name, struct view value);
MUST_USE enum err meta_set_u64(struct local *l, const char *name, uint64_t value);
/* ERR_NOT_FOUND. Appends. */
MUST_USE enum err meta_get(struct local *l, const char *name, struct buf *out);
MUST_USE enum err meta_get_u64(struct local *l, const char *name, uint64_t *ret);
MUST_USE enum err meta_drop(struct local *l, const char *name);
/* Reads everything about the room and the clinic again. */
MUST_USE enum err meta_load(struct local *l);
/* Stores a signed record; in a transaction of the caller's or none. */
MUST_USE enum err meta_set_signed(struct local *l, const char *name, struct view body,
				  const struct sign_sig *sig);

/* ---- the signed-in person (local.c) ---------------------------------------------------------- */
/* Somebody is signed in and what was loaded for them is in memory; reads again what an earlier
 * error took away. ERR_SIGNED_OUT, or why it cannot be read. */
MUST_USE enum err person_check(struct local *l, const struct vault *v);
/* Memory may be ahead of the disk and could not be put back: nothing is served from it. */
void person_must_reload(struct local *l);

/* ---- charts of one person (same.c) ----------------------------------------------------------- */
void same_forget(struct local *l);
void same_on_op(struct local *l, uint64_t kind); /* an op of this kind came or went */

/* ---- transactions: a call takes part in the one that is open, or has its own ----------------- */
struct local_tx {
	struct local *l;
	bool own;
	bool done;
};
MUST_USE enum err local_tx_begin(struct local *l, struct local_tx *ret);
MUST_USE enum err local_tx_commit(struct local_tx *tx);
void local_tx_endp(struct local_tx *tx); /* for CLEANUP: rolls an own one back unless committed */

/* ---- directory (directory_store.c) ----------------------------------------------------------- */
MUST_USE enum err dir_store_load(struct local *l);
/* Checks and stores one item. ERR_OK also for one that is there. ERR_BUSY: the directory had to be
 * read again, and this does not follow it. */
MUST_USE enum err dir_store_apply(struct local *l, const Roomkeep__DirectoryItem *item);
/* The pinned epoch record holds: signed by a person who is an owner. ERR_MORE: the directory is not
 * here yet. */
MUST_USE enum err dir_check_epoch(const struct local *l);

#include "client/store/rows_priv.h" /* the rest of this header */
#include "client/store/withheld_priv.h"
