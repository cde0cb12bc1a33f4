#include "crypt/sealed_box.h"

#include "base/check.h"
#include "crypt/aead.h"
#include "crypt/kdf.h"

#include <sodium.h>

#define SEALED_BOX_VERSION 0x01u

_Static_assert(crypto_scalarmult_BYTES == BOX_PK_BYTES, "X25519");
_Static_assert(SEALED_BOX_OVERHEAD_BYTES == 1u + BOX_PK_BYTES + AEAD_TAG_BYTES, "form");

enum err box_key_from_sk(const struct secret *sk, struct box_key *ret)
{
	REQUIRE(sk->len == KEY_BYTES);
	struct box_key k = { 0 };
	ENSURE(crypto_scalarmult_base(k.pk.b, sk->p) == 0, ERR_AUTH);
	TRY(secret_dup(sk, &k.sk));
	*ret = k;
	return ERR_OK;
}

enum err box_key_new(struct box_key *ret)
{
	CLEANUP(secret_freep) struct secret *sk = NULL;
	TRY(secret_new_random(KEY_BYTES, &sk));
	return box_key_from_sk(sk, ret);
}

void box_key_fini(struct box_key *k)
{
	secret_free(k->sk);
	*k = (struct box_key){ 0 };
}

void box_key_finip(struct box_key *k)
{
	box_key_fini(k);
}

bool box_pk_equal(const struct box_pk *a, const struct box_pk *b)
{
	return sodium_memcmp(a->b, b->b, BOX_PK_BYTES) == 0;
}

enum err box_pk_from_view(struct view v, struct box_pk *ret)
{
	ENSURE(v.len == BOX_PK_BYTES, ERR_BAD_FORMAT);
	memcpy(ret->b, v.p, BOX_PK_BYTES);
	return ERR_OK;
}

void sealed_box_begin(struct enc *info, const char *label)
{
	enc_begin(info, "crs1/seal");
	enc_add_text(info, label);
}

/* K = HKDF(salt = E||R, ikm = X25519(own, other), info). */
static enum err sealed_box_key(const struct secret *own, const struct box_pk *other,
			       const struct box_pk *e, const struct box_pk *r,
			       const struct enc *info, struct secret **ret_key)
{
	CLEANUP(secret_freep) struct secret *z = NULL;
	TRY(secret_new(crypto_scalarmult_BYTES, &z));
	/* -1: the other side's point has small order, so the result would not be secret. */
	ENSURE(crypto_scalarmult(z->p, own->p, other->b) == 0, ERR_AUTH);

	uint8_t salt[2 * BOX_PK_BYTES];
	memcpy(salt, e->b, BOX_PK_BYTES);
	memcpy(salt + BOX_PK_BYTES, r->b, BOX_PK_BYTES);
	return kdf_derive(VIEW_OF(salt), secret_view(z), info, ret_key);
}

enum err sealed_box_seal_with(const struct secret *ephemeral, const struct box_pk *to,
			      const struct enc *info, struct view plain, struct buf *out)
{
	REQUIRE(ephemeral->len == KEY_BYTES);
	struct view aad;
	TRY(enc_end(info, &aad));
	struct box_pk e;
	ENSURE(crypto_scalarmult_base(e.b, ephemeral->p) == 0, ERR_AUTH);
	CLEANUP(secret_freep) struct secret *key = NULL;
	TRY(sealed_box_key(ephemeral, to, &e, to, info, &key));

	ENSURE(plain.len <= AEAD_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, plain.len + SEALED_BOX_OVERHEAD_BYTES)); /* nothing fails half-way */
	TRY(buf_append_u8(out, SEALED_BOX_VERSION));
	TRY(buf_append(out, box_pk_view(&e)));
	return aead_seal_once(key, aad, plain, out);
}

enum err sealed_box_seal(const struct box_pk *to, const struct enc *info, struct view plain,
			 struct buf *out)
{
	CLEANUP(secret_freep) struct secret *ephemeral = NULL;
	TRY(secret_new_random(KEY_BYTES, &ephemeral));
	return sealed_box_seal_with(ephemeral, to, info, plain, out);
}

/* Everything of opening but the decryption: the key and the body. */
static enum err sealed_box_unwrap(const struct box_key *to, const struct enc *info,
				  struct view sealed, struct secret **ret_key,
				  struct view *ret_body)
{
	REQUIRE(to->sk != NULL);
	ENSURE(sealed.len >= SEALED_BOX_OVERHEAD_BYTES, ERR_BAD_FORMAT);
	ENSURE(sealed.p[0] == SEALED_BOX_VERSION, ERR_VERSION);
	struct box_pk e;
	TRY(box_pk_from_view(view_of(sealed.p + 1, BOX_PK_BYTES), &e));
	TRY(sealed_box_key(to->sk, &e, &e, &to->pk, info, ret_key));
	*ret_body = view_of(sealed.p + 1 + BOX_PK_BYTES, sealed.len - 1 - BOX_PK_BYTES);
	return ERR_OK;
}

enum err sealed_box_open_secret(const struct box_key *to, const struct enc *info,
				struct view sealed, struct secret **ret_plain)
{
	struct view aad, body;
	TRY(enc_end(info, &aad));
	ENSURE(sealed.len > SEALED_BOX_OVERHEAD_BYTES, ERR_BAD_FORMAT);
	ENSURE(sealed.len - SEALED_BOX_OVERHEAD_BYTES <= SECRET_BYTES_MAX, ERR_TOO_BIG);
	CLEANUP(secret_freep) struct secret *key = NULL;
	TRY(sealed_box_unwrap(to, info, sealed, &key, &body));

	CLEANUP(secret_freep) struct secret *plain = NULL;
	TRY(secret_new(sealed.len - SEALED_BOX_OVERHEAD_BYTES, &plain));
	size_t len = 0;
	TRY(aead_open_once_to(key, aad, body, plain->p, plain->len, &len));
	*ret_plain = TAKE(plain);
	return ERR_OK;
}

enum err sealed_box_open_buf(const struct box_key *to, const struct enc *info, struct view sealed,
			     struct buf *out)
{
	struct view aad, body;
	TRY(enc_end(info, &aad));
	CLEANUP(secret_freep) struct secret *key = NULL;
	TRY(sealed_box_unwrap(to, info, sealed, &key, &body));

	const size_t room = sealed.len - SEALED_BOX_OVERHEAD_BYTES;
	ENSURE(room <= AEAD_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, room + 1)); /* + 1: a place to point at when there is no plaintext */
	size_t len = 0;
	TRY(aead_open_once_to(key, aad, body, out->p + out->len, room, &len));
	out->len += len;
	return ERR_OK;
}
