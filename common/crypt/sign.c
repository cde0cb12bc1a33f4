#include "crypt/sign.h"

#include "base/check.h"
#include "crypt/enc.h"

#include <sodium.h>

enum err sign_key_from_seed(const struct secret *seed, struct sign_key *ret)
{
	REQUIRE(seed->len == crypto_sign_SEEDBYTES);
	struct sign_key k = { 0 };
	TRY(secret_new(crypto_sign_SECRETKEYBYTES, &k.sk));
	INSIST(crypto_sign_seed_keypair(k.pk.b, k.sk->p, seed->p) == 0);
	*ret = k;
	return ERR_OK;
}

enum err sign_key_new(struct sign_key *ret)
{
	CLEANUP(secret_freep) struct secret *seed = NULL;
	TRY(secret_new_random(crypto_sign_SEEDBYTES, &seed));
	return sign_key_from_seed(seed, ret);
}

enum err sign_key_seed(const struct sign_key *k, struct secret **ret_seed)
{
	REQUIRE(k->sk != NULL);
	return secret_new_copy(view_of(k->sk->p, crypto_sign_SEEDBYTES), ret_seed);
}

void sign_key_fini(struct sign_key *k)
{
	secret_free(k->sk);
	*k = (struct sign_key){ 0 };
}

void sign_key_finip(struct sign_key *k)
{
	sign_key_fini(k);
}

struct sign_sig sign_bytes(const struct sign_key *k, struct view msg)
{
	REQUIRE(k->sk != NULL);
	struct sign_sig sig;
	INSIST(crypto_sign_detached(sig.b, NULL, msg.p, msg.len, k->sk->p) == 0);
	return sig;
}

enum err sign_enc(const struct sign_key *k, const struct enc *e, struct sign_sig *ret)
{
	struct view msg;
	TRY(enc_end(e, &msg));
	*ret = sign_bytes(k, msg);
	return ERR_OK;
}

enum err sign_verify(const struct sign_pk *pk, struct view msg, const struct sign_sig *sig)
{
	ENSURE(crypto_sign_verify_detached(sig->b, msg.p, msg.len, pk->b) == 0, ERR_AUTH);
	return ERR_OK;
}

enum err sign_verify_enc(const struct sign_pk *pk, const struct enc *e, const struct sign_sig *sig)
{
	struct view msg;
	TRY(enc_end(e, &msg));
	return sign_verify(pk, msg, sig);
}

bool sign_pk_equal(const struct sign_pk *a, const struct sign_pk *b)
{
	return sodium_memcmp(a->b, b->b, SIGN_PK_BYTES) == 0;
}

enum err sign_pk_from_view(struct view v, struct sign_pk *ret)
{
	ENSURE(v.len == SIGN_PK_BYTES, ERR_BAD_FORMAT);
	memcpy(ret->b, v.p, SIGN_PK_BYTES);
	return ERR_OK;
}

enum err sign_sig_from_view(struct view v, struct sign_sig *ret)
{
	ENSURE(v.len == SIGN_SIG_BYTES, ERR_BAD_FORMAT);
	memcpy(ret->b, v.p, SIGN_SIG_BYTES);
	return ERR_OK;
}
