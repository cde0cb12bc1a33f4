/* aead: XChaCha20-Poly1305-IETF with everything it belongs to in the AAD (SECURITY 2.4).
 *
 * Sealed form: nonce[24] || ciphertext || tag[16]; the nonce is random. With a single-use key
 * (aead_*_once) the nonce is 24 zero bytes and is not stored: ciphertext || tag[16].
 * It does not commit to its key; where two keys could be tried, compare a commitment first.
 * Threads: any.  Errors: ERR_AUTH (key, AAD or bytes are not the ones sealed), ERR_BAD_FORMAT (too
 * short), ERR_TOO_BIG, ERR_NOMEM; the enc's own. Nothing is written on failure.
 * Requires everywhere: key->len == KEY_BYTES. */
#pragma once

#include "base/buf.h"
#include "crypt/enc.h"
#include "crypt/secret.h"

#define AEAD_NONCE_BYTES 24u
#define AEAD_TAG_BYTES 16u
#define AEAD_OVERHEAD_BYTES (AEAD_NONCE_BYTES + AEAD_TAG_BYTES)
#define AEAD_PLAIN_BYTES_MAX (16u * 1024u * 1024u)

/* Appends the sealed form of `plain` to `out`. `aad` is the raw AAD. */
MUST_USE enum err aead_seal(const struct secret *key, struct view aad, struct view plain,
			    struct buf *out);
/* The same with a given nonce (AEAD_NONCE_BYTES): for vectors and forms that place it elsewhere. */
MUST_USE enum err aead_seal_with_nonce(const struct secret *key, struct view nonce, struct view aad,
				       struct view plain, struct buf *out);
MUST_USE enum err aead_seal_once(const struct secret *key, struct view aad, struct view plain,
				 struct buf *out);
/* The usual call: the AAD is an enc. */
MUST_USE enum err aead_seal_enc(const struct secret *key, const struct enc *aad, struct view plain,
				struct buf *out);

/* Writes exactly sealed.len - AEAD_OVERHEAD_BYTES bytes to `ret_plain`, which has room for `cap`
 * (ERR_TOO_BIG otherwise). For memory of the caller, such as the guarded arena of notes. */
MUST_USE enum err aead_open_to(const struct secret *key, struct view aad, struct view sealed,
			       uint8_t *ret_plain, size_t cap, size_t *ret_len);
MUST_USE enum err aead_open_once_to(const struct secret *key, struct view aad, struct view sealed,
				    uint8_t *ret_plain, size_t cap, size_t *ret_len);
/* Plaintext that is itself a secret; never empty (ERR_BAD_FORMAT). */
MUST_USE enum err aead_open_secret(const struct secret *key, struct view aad, struct view sealed,
				   struct secret **ret_plain);
/* Plaintext that is no key and no note; appended to `out` (buf_wipe it when done). */
MUST_USE enum err aead_open_buf(const struct secret *key, struct view aad, struct view sealed,
				struct buf *out);
MUST_USE enum err aead_open_enc(const struct secret *key, const struct enc *aad, struct view sealed,
				struct buf *out);
