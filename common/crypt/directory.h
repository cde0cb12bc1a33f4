/* directory: who belongs to the clinic, with which keys and roles, as a signed chain.
 * SECURITY 2.9.
 *
 * entry = enc("crs1/dir", clinic_id, dir_seq, prev_hash, user_id, g, name, roles, sign_pk, box_pk,
 * status, signer_id, signer_g); prev_hash = BLAKE2b-256 of the entry before (zeros for the first).
 * Signatures are Ed25519 over the entry bytes:
 *   by_signer   the clinic root for entry 1 (signer_id zeros, signer_g 0), else a person who is
 *               an active owner at that point of the chain, with that person's newest generation;
 *   by_new      by the entry's own sign_pk, when the entry brings new keys;
 *   by_old      by generation g-1, when g > 1 brings new keys, unless status is DIR_RECOVERED.
 * A server that lies can withhold entries; it cannot make one.
 *
 * The state is the checked chain: every entry goes through dir_apply, on the server and in rooms.
 * Owns:    its arrays, until dir_fini.    Threads: one at a time, or many readers.
 * Limits:  DIR_ENTRIES_MAX entries, DIR_USERS_MAX people; above: ERR_FULL.
 * Errors:  below at dir_apply. Logins are not here: the server's account table has them. */
#pragma once

#include "base/id.h"
#include "base/limits.h"
#include "crypt/hash.h"
#include "crypt/sealed_box.h"
#include "crypt/sign.h"

#define DIR_ENTRIES_MAX 8192u
#define DIR_USERS_MAX 1024u
#define DIR_ENTRY_BYTES_MAX 512u

enum dir_role {
	DIR_OWNER = 1,
	DIR_THERAPIST = 2,
	DIR_DESK = 4,
	DIR_ADMIN = 8,
	DIR_LEAD = 16,
	DIR_STUDENT = 32,
};
#define DIR_ROLES_ALL 63u

enum dir_status {
	DIR_ACTIVE = 1,
	DIR_DISABLED = 2,
	DIR_RECOVERED = 3, /* active; the new keys came by recovery, the old ones were lost */
};

struct dir_entry {
	struct id clinic_id;
	uint64_t dir_seq; /* from 1, no gaps */
	struct hash32 prev_hash;
	struct id user_id;
	uint64_t g;       /* key generation, from 1 */
	struct view name; /* UTF-8, 1..NAME_BYTES_MAX; borrows from the entry bytes after a parse */
	uint64_t roles;   /* enum dir_role bits, at least one */
	struct sign_pk sign_pk;
	struct box_pk box_pk;
	enum dir_status status;
	struct id signer_id; /* zeros: the clinic root */
	uint64_t signer_g;
};

/* What travels and is stored: the entry's bytes and the signatures over them. */
struct dir_signed {
	struct view entry; /* borrowed */
	struct sign_sig by_signer;
	struct sign_sig by_new; /* zeros where not needed */
	struct sign_sig by_old; /* zeros where not needed */
};

MUST_USE enum err dir_entry_encode(const struct dir_entry *e, struct buf *out);
MUST_USE enum err dir_entry_parse(struct view bytes, struct dir_entry *ret);

struct dir_key {
	uint64_t g;
	struct sign_pk sign_pk;
	struct box_pk box_pk;
	uint64_t dir_seq; /* entry that brought them */
	uint32_t user_index;
};

struct dir_user {
	struct id id;
	char name[NAME_BYTES_MAX + 1]; /* newest, NUL-terminated */
	uint64_t roles;
	uint64_t roles_ever; /* all that this person has had at some point of the chain */
	uint64_t g;          /* newest */
	bool active;
	bool recovered;   /* the newest keys came by recovery */
	uint64_t dir_seq; /* newest entry about this person */
};

struct directory {
	struct id clinic_id;
	struct sign_pk root_pk;
	struct dir_user *users; /* owned; order of first appearance */
	size_t user_count;
	size_t user_cap;
	struct dir_key *keys; /* owned; every generation of everybody, old ones for old ops */
	size_t key_count;
	size_t key_cap;
	struct hash32 *hashes; /* owned; hashes[seq - 1] of every entry */
	size_t entry_count;    /* = last dir_seq */
	size_t entry_cap;
};

void dir_init(struct directory *d, const struct id *clinic_id, const struct sign_pk *root_pk);
void dir_fini(struct directory *d);
void dir_finip(struct directory *d); /* for CLEANUP */

/* Checks the next entry and adds it; on error the state is as before.
 * ERR_OK also for an entry that is there already, byte for byte.
 *   ERR_BAD_FORMAT  not an entry
 *   ERR_BAD_VALUE   roles, status, generation or name are outside what is allowed
 *   ERR_LANE_GAP    entries before it are missing
 *   ERR_FORK        another entry stands there already, or prev_hash is wrong
 *   ERR_AUTH        a signature does not hold, or it is another clinic's
 *   ERR_DENIED      the signer is no active owner; or the last active owner would go
 *   ERR_EXISTS      the new keys are somebody else's, or old ones
 *   ERR_FULL, ERR_NOMEM */
MUST_USE enum err dir_apply(struct directory *d, const struct dir_signed *s);

/* Sequence and hash of the newest entry; 0 and zeros while empty. */
uint64_t dir_head(const struct directory *d, struct hash32 *ret_hash);
/* What a room pinned must still be part of the chain: ERR_MORE if the chain is shorter (a rollback,
 * or not all fetched yet), ERR_FORK if it differs there. seq 0 is always fine. */
MUST_USE enum err dir_check_pin(const struct directory *d, uint64_t seq, const struct hash32 *hash);

/* NULL if unknown. Pointers die at the next dir_apply. */
const struct dir_user *dir_user(const struct directory *d, const struct id *user_id);
const struct dir_key *dir_key(const struct directory *d, const struct id *user_id, uint64_t g);
/* True if active and with all bits of `roles`. */
bool dir_user_has(const struct directory *d, const struct id *user_id, uint64_t roles);

/* Making entries: fills seq and prev from the chain's head, encodes into `entry_bytes`, signs. The
 * caller has set user_id, g, name, roles, keys, status, signer_id, signer_g. `by_new` / `by_old`
 * NULL where not needed. `ret_signed->entry` borrows from `entry_bytes`. dir_apply still judges
 * it. */
struct dir_signers {
	const struct sign_key *by_signer; /* root or an owner */
	const struct sign_key *by_new;
	const struct sign_key *by_old;
};
MUST_USE enum err dir_entry_make(const struct directory *d, struct dir_entry *e,
				 const struct dir_signers *keys, struct buf *entry_bytes,
				 struct dir_signed *ret_signed);

/* 30 digits in 6 groups, "93413 02285 ...", which two people compare before the first grant. */
#define FINGERPRINT_TEXT_BYTES 36u /* NUL included */
MUST_USE enum err fingerprint_print(const struct id *clinic_id, const struct id *user_id,
				    uint64_t g, const struct sign_pk *sign_pk,
				    const struct box_pk *box_pk,
				    char ret_text[FINGERPRINT_TEXT_BYTES]);
