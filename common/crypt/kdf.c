#include "crypt/kdf.h"

#include "base/check.h"

#include <pthread.h>
#include <sodium.h>

#define HMAC_BLOCK_OUT 64u

/* One derivation at a time: a room machine has memory for one (SECURITY 2.3). */
static pthread_mutex_t argon_lock = PTHREAD_MUTEX_INITIALIZER;

struct kdf_params kdf_params_default(void)
{
	return (struct kdf_params){ .t = KDF_T_DEFAULT, .m_kib = KDF_M_KIB_DEFAULT };
}

enum err kdf_params_check(const struct kdf_params *p, const struct kdf_params *pinned)
{
	ENSURE(p->t >= KDF_T_MIN && p->t <= KDF_T_MAX, ERR_KDF_FLOOR);
	ENSURE(p->m_kib >= KDF_M_KIB_MIN && p->m_kib <= KDF_M_KIB_MAX, ERR_KDF_FLOOR);
	if (pinned != NULL) {
		ENSURE(p->t >= pinned->t && p->m_kib >= pinned->m_kib, ERR_KDF_FLOOR);
	}
	return ERR_OK;
}

const char *kdf_floor_text(void)
{
#ifdef ROOMKEEP_FAST_KDF
	return "kdf floor t=1 m=64KiB (FAST TEST BUILD)";
#else
	return "kdf floor t=3 m=64MiB";
#endif
}

enum err kdf_argon2id(struct view passphrase, struct view salt, const struct kdf_params *p,
		      struct secret **ret_a)
{
	_Static_assert(crypto_pwhash_SALTBYTES == KDF_SALT_BYTES, "the salt fits Argon2id");
	REQUIRE(salt.len == KDF_SALT_BYTES);
	TRY(kdf_params_check(p, NULL));
	CLEANUP(secret_freep) struct secret *a = NULL;
	TRY(secret_new(KEY_BYTES, &a));

	INSIST(pthread_mutex_lock(&argon_lock) == 0);
	const int failed = crypto_pwhash(a->p, a->len, (const char *)passphrase.p, passphrase.len,
					 salt.p, p->t, (size_t)p->m_kib * 1024u,
					 crypto_pwhash_ALG_ARGON2ID13);
	INSIST(pthread_mutex_unlock(&argon_lock) == 0);
	ENSURE(failed == 0, ERR_NOMEM); /* the only way it fails with checked parameters */

	*ret_a = TAKE(a);
	return ERR_OK;
}

enum err kdf_extract(struct view salt, struct view ikm, struct secret **ret_prk)
{
	static const uint8_t zeros[HMAC_BLOCK_OUT] = { 0 };
	const struct view key = salt.len > 0 ? salt : VIEW_OF(zeros);
	CLEANUP(secret_freep) struct secret *prk = NULL;
	TRY(secret_new(KDF_PRK_BYTES, &prk));

	crypto_auth_hmacsha512_state state;
	(void)crypto_auth_hmacsha512_init(&state, key.p, key.len); /* these three always return 0 */
	(void)crypto_auth_hmacsha512_update(&state, ikm.p, ikm.len);
	(void)crypto_auth_hmacsha512_final(&state, prk->p);
	sodium_memzero(&state, sizeof(state));

	*ret_prk = TAKE(prk);
	return ERR_OK;
}

enum err kdf_expand(const struct secret *prk, const struct enc *info, size_t len,
		    struct secret **ret_okm)
{
	REQUIRE(len > 0 && len <= KDF_EXPAND_BYTES_MAX);
	struct view info_bytes;
	TRY(enc_end(info, &info_bytes));
	CLEANUP(secret_freep) struct secret *okm = NULL;
	TRY(secret_new(len, &okm));

	crypto_auth_hmacsha512_state state;
	uint8_t block[HMAC_BLOCK_OUT];
	size_t block_len = 0;
	uint8_t number = 0;
	for (size_t at = 0; at < len; at += HMAC_BLOCK_OUT) {
		number++;
		(void)crypto_auth_hmacsha512_init(&state, prk->p, prk->len);
		(void)crypto_auth_hmacsha512_update(&state, block, block_len);
		(void)crypto_auth_hmacsha512_update(&state, info_bytes.p, info_bytes.len);
		(void)crypto_auth_hmacsha512_update(&state, &number, 1);
		(void)crypto_auth_hmacsha512_final(&state, block);
		block_len = sizeof(block);
		memcpy(okm->p + at, block, len - at < block_len ? len - at : block_len);
	}
	sodium_memzero(block, sizeof(block));
	sodium_memzero(&state, sizeof(state));

	*ret_okm = TAKE(okm);
	return ERR_OK;
}

enum err kdf_derive(struct view salt, struct view ikm, const struct enc *info,
		    struct secret **ret_key)
{
	CLEANUP(secret_freep) struct secret *prk = NULL;
	TRY(kdf_extract(salt, ikm, &prk));
	return kdf_expand(prk, info, KEY_BYTES, ret_key);
}
