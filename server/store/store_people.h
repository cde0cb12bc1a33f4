/* store_people: accounts, vaults, the directory, and the sign-in throttle.
 *
 * Owns, threads, errors, memory: as store.h.   Rules: SECURITY 2.6, 2.7, 2.9. */
#pragma once

#include "base/arena.h"
#include "base/id.h"
#include "crypt/directory.h"
#include "crypt/sign.h"

struct store;
struct store_reader;

/* ---- people ---------------------------------------------------------------------------------- */

struct store_account {
	struct id user_id;
	struct view login; /* 1..LOGIN_BYTES_MAX */
	struct sign_pk auth_pk;
	struct view keyring_blob;  /* kind 1 */
	uint64_t keyring_rev;      /* from the blob; the caller has parsed it */
	struct view recovery_blob; /* kind 2; may be empty */
	bool blocked;              /* out only: `roomkeepd block user` */
	uint64_t vault_rev;        /* out only; 0 = none yet */
};

/* ERR_EXISTS: user_id or login is taken. */
MUST_USE enum err store_account_put(struct store *s, const struct store_account *account);
/* ERR_NOT_FOUND. A blocked account is found, with `blocked` set: the caller calls it unknown. */
MUST_USE enum err store_account_by_login(struct store_reader *r, struct view login,
					 struct arena *arena, struct store_account *ret);
MUST_USE enum err store_account_by_id(struct store_reader *r, const struct id *user_id,
				      struct arena *arena, struct store_account *ret);
MUST_USE enum err store_accounts_list(struct store_reader *r, struct arena *arena,
				      struct store_account **ret_accounts, size_t *ret_count);
/* Deny only, and for good. ERR_NOT_FOUND. */
MUST_USE enum err store_account_block(struct store *s, struct view login, struct id *ret_user_id);
/* ERR_CONFLICT unless keyring_rev is the stored one + 1. ERR_NOT_FOUND. */
MUST_USE enum err store_passphrase_change(struct store *s, const struct id *user_id,
					  struct view keyring_blob, uint64_t keyring_rev,
					  const struct sign_pk *auth_pk);
/* ERR_CONFLICT unless vault_rev is above the stored one. ERR_NOT_FOUND: no such account. */
MUST_USE enum err store_vault_put(struct store *s, const struct id *user_id, uint64_t vault_rev,
				  struct view blob);
/* ERR_NOT_FOUND: no such account, or no vault yet. */
MUST_USE enum err store_vault_get(struct store_reader *r, const struct id *user_id,
				  struct arena *arena, uint64_t *ret_rev, struct view *ret_blob);

struct store_dir_item {
	struct dir_signed item; /* entry in the arena */
	struct view login;      /* of the person's account; may be empty */
};

/* The caller has passed it through dir_apply. The store holds number and prev_hash to the chain.
 * ERR_LANE_GAP, ERR_FORK; ERR_OK without a change for an entry that is there byte for byte. */
MUST_USE enum err store_directory_append(struct store *s, const struct dir_signed *item);
/* Entries above after_dir_seq in order, at most `limit`. */
MUST_USE enum err store_directory_list(struct store_reader *r, uint64_t after_dir_seq, size_t limit,
				       struct arena *arena, struct store_dir_item **ret_items,
				       size_t *ret_count);
/* Every entry through dir_apply into `*ret` (initialised here; dir_fini it). ERR_NOT_FOUND while
 * unfounded; dir_apply's errors mean a damaged database. */
MUST_USE enum err store_directory_load(struct store_reader *r, struct directory *ret);

/* ---- sign-in throttle (SECURITY 2.7) --------------------------------------------------------- */

#define THROTTLE_FREE 5u         /* failures per (handle, room) without a wait */
#define THROTTLE_MS_FIRST 15000u /* then this, doubling */
#define THROTTLE_MS_MAX 900000u
#define THROTTLE_HANDLE_FAILURES_MAX 100u /* over all rooms; then an owner must unlock */
#define THROTTLE_ROWS_MAX 10000u

struct store_throttle {
	uint64_t retry_ms; /* 0 = may try now */
	bool locked;       /* the handle needs an owner */
};

/* Handles are counted whether they exist or not; `handle` is the text as typed, up to
 * LOGIN_BYTES_MAX bytes (a longer one: ERR_TOO_BIG). */
MUST_USE enum err store_throttle_get(struct store_reader *r, struct view handle,
				     const struct id *room_id, uint64_t now_ms,
				     struct store_throttle *ret);
MUST_USE enum err store_throttle_fail(struct store *s, struct view handle,
				      const struct id *room_id);
/* After a good sign-in: this room's counter and the handle's count of consecutive failures. */
MUST_USE enum err store_throttle_reset(struct store *s, struct view handle,
				       const struct id *room_id);
/* By an owner: everything about the handle. */
MUST_USE enum err store_throttle_unlock(struct store *s, struct view handle);
