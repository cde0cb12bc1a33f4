/* shares: a 32-byte private key as n paper shares of which any k give it back (SECURITY 2.11).
 *
 * Share = "CRSS" | ver 1 | k | n | x | key_id[4] | y[32] | check[4], 48 bytes, printed as base32 in
 * groups of four. key_id = first 4 bytes of H("crs1/share-key", public key): shares of different
 * keys are told apart. check = first 4 bytes of H("crs1/share", the 44 bytes before): it names the
 * damaged share. libgfshare has no random source by default (it would crash), takes x twice, and
 * gives wrong bytes from damaged shares without an error; all three are dealt with here, and the
 * result must give the expected public key.
 * Owns: `*ret` objects are the caller's.  Threads: any.
 * Errors: below. */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "crypt/codes.h"
#include "crypt/records.h"
#include "crypt/secret.h"

#define SHARE_BYTES 48u
#define SHARE_KEY_ID_BYTES 4u

/* How the public key follows from the 32 bytes. */
enum share_key_type { SHARE_X25519 = 1, SHARE_ED25519_SEED = 2 };

struct share {
	uint8_t k, n, x;
	uint8_t key_id[SHARE_KEY_ID_BYTES];
	struct secret *y; /* owned, 32 bytes */
};

void share_fini(struct share *s);  /* { 0 } is fine */
void share_finip(struct share *s); /* for CLEANUP */

/* Fills ret_shares[0..n-1], each to be given to share_fini. 2 <= k <= n <= RECOVERY_SHARES_MAX,
 * else ERR_BAD_VALUE. On failure nothing is left behind. */
MUST_USE enum err shares_split(const struct secret *key, enum share_key_type type, unsigned k,
			       unsigned n, struct share *ret_shares);

MUST_USE enum err share_print(const struct share *s, struct secret **ret_text);
/* ERR_BAD_VALUE with `*ret_fault` for what cannot be read (CODE_BAD_CHECK: the check value does not
 * fit); ERR_VERSION for another magic or version. `ret_fault` may be NULL. */
MUST_USE enum err share_parse(struct view text, struct share *ret, enum code_fault *ret_fault);

/* Puts k or more shares together. `public_key` is 32 bytes, from a place the server cannot change.
 * ERR_MORE       fewer than k different shares
 * ERR_CONFLICT   `*ret_bad` is a share of another key, or of another splitting
 * ERR_EXISTS     `*ret_bad` repeats the x of one before it
 * ERR_AUTH       the shares fit each other but give another key; `*ret_bad` = count unless leaving
 *                one share out gives the right key: then it names that one
 * `*ret_bad` is an index into shares and written only on these errors.
 * An X25519 key comes back as one that opens the same: damage to the five bits that the curve's
 * multiplication sets itself (RFC 7748 section 5) cannot be told, and does no harm. */
MUST_USE enum err shares_combine(const struct share *shares, size_t count, enum share_key_type type,
				 struct view public_key, struct secret **ret_key, size_t *ret_bad);
