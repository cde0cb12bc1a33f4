/* vault: the keys of the one person who is signed in, and how they come and go.
 *
 * A vault is shut (no keys at all) or open (one person). Shutting wipes every secret in the call:
 * seeds, note keys, sign-in key, boot key. Everything decrypted that local.h keeps in memory hangs
 * on the vault and goes with it (local_forget is called by desk_lock before vault_shut).
 *
 * Owns:    its secrets.      Threads: the desk thread only.
 * Limits:  a dozen secrets, guarded memory.
 * Errors:  ERR_AUTH: passphrase or login wrong (never told apart); ERR_KDF_FLOOR: the server asked
 * for weak parameters, nothing was derived; ERR_EXPIRED: an older keyring than pinned (rollback);
 *          ERR_THROTTLED; ERR_NOT_FOUND: nobody of that login has signed in here.
 * Sources: SECURITY 2.2, 2.3, 2.5, 2.7, 2.14. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "crypt/courier.h"
#include "crypt/kdf.h"
#include "crypt/pass_keys.h"
#include "crypt/proof.h"
#include "crypt/secret.h"
#include "crypt/sign.h"
#include "seal/keyring.h"

struct vault {
	bool open;
	struct id clinic_id;
	struct id room_id;
	struct id user_id;
	char login[LOGIN_BYTES_MAX + 1];
	uint64_t g; /* newest generation of the keyring */
	uint64_t keyring_rev;
	struct kdf_params kdf;   /* of the blob that opened */
	struct keyring *keyring; /* owned */
	struct sign_key sign;    /* owned, generation g */
	struct secret *
		local_key; /* owned; seals rows of room.db, generation 1 (rows outlive rotations) */
	struct secret *tag_key; /* owned; from local_key: keyed tags of subjects */
	struct sign_key auth;   /* owned; from ASK: signs login challenges */
	struct boot_key boot;   /* owned; made anew at each sign-in */
	uint64_t signed_in_ms;  /* wall clock */
	bool by_server;         /* signed in online at least once since */
};

void vault_init(struct vault *v); /* shut */
/* Wipes and frees every secret; harmless when shut. */
void vault_shut(struct vault *v);

/* Opens with pass keys and the kind-1 blob they must fit. `expect` carries the pins. On any error
 * the vault is shut. Takes the auth key out of `keys`. */
MUST_USE enum err vault_open_blob(struct vault *v, const struct keyring_expect *expect,
				  const struct id *room_id, const char *login, struct view blob,
				  struct pass_keys *keys, uint64_t now_ms);

/* A login challenge signed with the key in memory. ERR_SIGNED_OUT when shut. */
MUST_USE enum err vault_sign_login(const struct vault *v, const struct login_proof *p,
				   struct sign_sig *ret);

/* 16 bytes by which rows are found without being readable: keyed BLAKE2b of (class of thing, id).
 */
#define VAULT_TAG_BYTES 16u
void vault_tag(const struct vault *v, const char *what, const struct id *id,
	       uint8_t ret_tag[VAULT_TAG_BYTES]);

/* Note keys. `wrapped` as in the op. */
MUST_USE enum err vault_note_kek(const struct vault *v, uint64_t g, struct secret **ret);
/* Item 3: the person's own pins and heads for the server to keep. */
MUST_USE enum err vault_seal_blob(const struct vault *v, uint64_t rev, struct view plain,
				  struct buf *out);
MUST_USE enum err vault_open_vault_blob(const struct vault *v, uint64_t rev_min, struct view blob,
					uint64_t *ret_rev, struct buf *out);
