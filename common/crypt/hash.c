#include "crypt/hash.h"

#include "base/check.h"
#include "crypt/enc.h"

#include <sodium.h>

struct hash32 hash_bytes(struct view v)
{
	struct hash32 h;
	INSIST(crypto_generichash(h.b, sizeof(h.b), v.p, v.len, NULL, 0) == 0);
	return h;
}

enum err hash_enc(const struct enc *e, struct hash32 *ret)
{
	struct view bytes;
	TRY(enc_end(e, &bytes));
	*ret = hash_bytes(bytes);
	return ERR_OK;
}

struct hash32 hash_spki(struct view der)
{
	_Static_assert(crypto_hash_sha256_BYTES == HASH_BYTES, "SHA-256 fills a hash32");
	struct hash32 h;
	INSIST(crypto_hash_sha256(h.b, der.p, der.len) == 0);
	return h;
}

bool hash_equal(const struct hash32 *a, const struct hash32 *b)
{
	return sodium_memcmp(a->b, b->b, HASH_BYTES) == 0;
}

bool hash_is_zero(const struct hash32 *h)
{
	return sodium_is_zero(h->b, HASH_BYTES) == 1;
}

int hash_compare(const struct hash32 *a, const struct hash32 *b)
{
	for (size_t i = 0; i < HASH_BYTES; i++) {
		if (a->b[i] != b->b[i]) return a->b[i] < b->b[i] ? -1 : 1;
	}
	return 0;
}

enum err hash_from_view(struct view v, struct hash32 *ret)
{
	ENSURE(v.len == HASH_BYTES, ERR_BAD_FORMAT);
	memcpy(ret->b, v.p, HASH_BYTES);
	return ERR_OK;
}
