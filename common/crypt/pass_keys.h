/* pass_keys: what a passphrase and the clinic secret give together (SECURITY 2.3).
 *
 * PRK = HKDF-Extract(CS, A); UWK wraps the keyring, UCM commits to it, ASK is the seed of the
 * sign-in key. Without CS (never on the server) a stolen server disk holds nothing that can be
 * guessed. Owns: its secrets, until pass_keys_fini.  Threads: one at a time.  Errors: ERR_NOMEM,
 * ERR_KDF_FLOOR. */
#pragma once

#include "base/id.h"
#include "crypt/hash.h"
#include "crypt/kdf.h"
#include "crypt/sign.h"

struct pass_keys {
	struct secret *uwk;   /* owned, 32 bytes: wraps keyring blob kind 1 */
	struct hash32 ucm;    /* stands in the blob in clear */
	struct secret *ask;   /* owned, 32 bytes */
	struct sign_key auth; /* owned; Ed25519 from ASK; auth.pk is what the server keeps */
};

/* `a` from kdf_argon2id, `cs` the clinic secret; both 32 bytes and stay the caller's. */
MUST_USE enum err pass_keys_from_a(const struct secret *a, const struct secret *cs,
				   const struct id *clinic_id, const struct id *user_id,
				   struct pass_keys *ret);
/* kdf_argon2id and pass_keys_from_a in one: slow, never on the loop thread. `p` is normalised. */
MUST_USE enum err pass_keys_derive(const struct secret *p, struct view salt,
				   const struct kdf_params *params, const struct secret *cs,
				   const struct id *clinic_id, const struct id *user_id,
				   struct pass_keys *ret);
void pass_keys_fini(struct pass_keys *k);  /* { 0 } is fine */
void pass_keys_finip(struct pass_keys *k); /* for CLEANUP */
