/* sign: Ed25519 (RFC 8032). The private half is a secret; public keys and signatures are values.
 *
 * Threads: any.  Errors: ERR_NOMEM, ERR_AUTH (a signature that does not hold, a weak key). */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "crypt/secret.h"

#define SIGN_PK_BYTES 32u
#define SIGN_SIG_BYTES 64u

struct sign_pk {
	uint8_t b[SIGN_PK_BYTES];
};

struct sign_sig {
	uint8_t b[SIGN_SIG_BYTES];
};

struct sign_key {
	struct sign_pk pk;
	struct secret *sk; /* owned: seed || pk; NULL while empty */
};

/* `seed` is 32 bytes and stays the caller's. */
MUST_USE enum err sign_key_from_seed(const struct secret *seed, struct sign_key *ret);
/* A random one. */
MUST_USE enum err sign_key_new(struct sign_key *ret);
/* A copy of the 32-byte seed inside a key, for keeping it. */
MUST_USE enum err sign_key_seed(const struct sign_key *k, struct secret **ret_seed);
void sign_key_fini(struct sign_key *k);  /* { 0 } is fine */
void sign_key_finip(struct sign_key *k); /* for CLEANUP */

/* Deterministic; cannot fail. Requires: k->sk != NULL. */
struct sign_sig sign_bytes(const struct sign_key *k, struct view msg);
/* Ed25519 over a finished enc; the enc's error if it has one. */
struct enc;
MUST_USE enum err sign_enc(const struct sign_key *k, const struct enc *e, struct sign_sig *ret);

MUST_USE enum err sign_verify(const struct sign_pk *pk, struct view msg,
			      const struct sign_sig *sig);
MUST_USE enum err sign_verify_enc(const struct sign_pk *pk, const struct enc *e,
				  const struct sign_sig *sig);

bool sign_pk_equal(const struct sign_pk *a, const struct sign_pk *b);
/* ERR_BAD_FORMAT unless the length is exact. */
MUST_USE enum err sign_pk_from_view(struct view v, struct sign_pk *ret);
MUST_USE enum err sign_sig_from_view(struct view v, struct sign_sig *ret);

static inline struct view sign_pk_view(const struct sign_pk *pk)
{
	return view_of(pk->b, SIGN_PK_BYTES);
}

static inline struct view sign_sig_view(const struct sign_sig *s)
{
	return view_of(s->b, SIGN_SIG_BYTES);
}
