#include "crypt/aead.h"

#include "base/check.h"

#include <sodium.h>

_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == AEAD_NONCE_BYTES, "nonce");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == AEAD_TAG_BYTES, "tag");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == KEY_BYTES, "key");

static const uint8_t aead_zero_nonce[AEAD_NONCE_BYTES] = { 0 };

/* Appends ciphertext || tag. */
static enum err aead_encrypt(const struct secret *key, const uint8_t *nonce, struct view aad,
			     struct view plain, struct buf *out)
{
	REQUIRE(key->len == KEY_BYTES);
	ENSURE(plain.len <= AEAD_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, plain.len + AEAD_TAG_BYTES));
	unsigned long long len = 0;
	INSIST(crypto_aead_xchacha20poly1305_ietf_encrypt(out->p + out->len, &len, plain.p,
							  plain.len, aad.p, aad.len, NULL, nonce,
							  key->p) == 0);
	out->len += (size_t)len;
	return ERR_OK;
}

/* `body` is ciphertext || tag. libsodium checks the tag first and writes nothing if it fails. */
static enum err aead_decrypt(const struct secret *key, const uint8_t *nonce, struct view aad,
			     struct view body, uint8_t *ret_plain, size_t cap, size_t *ret_len)
{
	REQUIRE(key->len == KEY_BYTES);
	ENSURE(body.len >= AEAD_TAG_BYTES, ERR_BAD_FORMAT);
	ENSURE(body.len - AEAD_TAG_BYTES <= AEAD_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	ENSURE(body.len - AEAD_TAG_BYTES <= cap, ERR_TOO_BIG);
	unsigned long long len = 0;
	ENSURE(crypto_aead_xchacha20poly1305_ietf_decrypt(ret_plain, &len, NULL, body.p, body.len,
							  aad.p, aad.len, nonce, key->p) == 0,
	       ERR_AUTH);
	*ret_len = (size_t)len;
	return ERR_OK;
}

enum err aead_seal_with_nonce(const struct secret *key, struct view nonce, struct view aad,
			      struct view plain, struct buf *out)
{
	REQUIRE(nonce.len == AEAD_NONCE_BYTES);
	ENSURE(plain.len <= AEAD_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, plain.len + AEAD_OVERHEAD_BYTES)); /* so that nothing fails half-way */
	TRY(buf_append(out, nonce));
	return aead_encrypt(key, nonce.p, aad, plain, out);
}

enum err aead_seal(const struct secret *key, struct view aad, struct view plain, struct buf *out)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	randombytes_buf(nonce, sizeof(nonce));
	return aead_seal_with_nonce(key, VIEW_OF(nonce), aad, plain, out);
}

enum err aead_seal_once(const struct secret *key, struct view aad, struct view plain,
			struct buf *out)
{
	return aead_encrypt(key, aead_zero_nonce, aad, plain, out);
}

enum err aead_seal_enc(const struct secret *key, const struct enc *aad, struct view plain,
		       struct buf *out)
{
	struct view aad_bytes;
	TRY(enc_end(aad, &aad_bytes));
	return aead_seal(key, aad_bytes, plain, out);
}

enum err aead_open_to(const struct secret *key, struct view aad, struct view sealed,
		      uint8_t *ret_plain, size_t cap, size_t *ret_len)
{
	ENSURE(sealed.len >= AEAD_OVERHEAD_BYTES, ERR_BAD_FORMAT);
	const struct view body = { sealed.p + AEAD_NONCE_BYTES, sealed.len - AEAD_NONCE_BYTES };
	return aead_decrypt(key, sealed.p, aad, body, ret_plain, cap, ret_len);
}

enum err aead_open_once_to(const struct secret *key, struct view aad, struct view sealed,
			   uint8_t *ret_plain, size_t cap, size_t *ret_len)
{
	return aead_decrypt(key, aead_zero_nonce, aad, sealed, ret_plain, cap, ret_len);
}

enum err aead_open_secret(const struct secret *key, struct view aad, struct view sealed,
			  struct secret **ret_plain)
{
	ENSURE(sealed.len > AEAD_OVERHEAD_BYTES, ERR_BAD_FORMAT);
	ENSURE(sealed.len - AEAD_OVERHEAD_BYTES <= SECRET_BYTES_MAX, ERR_TOO_BIG);
	CLEANUP(secret_freep) struct secret *plain = NULL;
	TRY(secret_new(sealed.len - AEAD_OVERHEAD_BYTES, &plain));
	size_t len = 0;
	TRY(aead_open_to(key, aad, sealed, plain->p, plain->len, &len));
	*ret_plain = TAKE(plain);
	return ERR_OK;
}

enum err aead_open_buf(const struct secret *key, struct view aad, struct view sealed,
		       struct buf *out)
{
	ENSURE(sealed.len >= AEAD_OVERHEAD_BYTES, ERR_BAD_FORMAT);
	const size_t room = sealed.len - AEAD_OVERHEAD_BYTES;
	ENSURE(room <= AEAD_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, room + 1)); /* + 1: a place to point at when there is no plaintext */
	size_t len = 0;
	TRY(aead_open_to(key, aad, sealed, out->p + out->len, room, &len));
	out->len += len;
	return ERR_OK;
}

enum err aead_open_enc(const struct secret *key, const struct enc *aad, struct view sealed,
		       struct buf *out)
{
	struct view aad_bytes;
	TRY(enc_end(aad, &aad_bytes));
	return aead_open_buf(key, aad_bytes, sealed, out);
}
