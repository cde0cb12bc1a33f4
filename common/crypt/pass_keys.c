#include "crypt/pass_keys.h"

#include "base/check.h"

/* The last field of the three infos is the version of this derivation. */
#define PASS_KEYS_VERSION 1u

static enum err pass_keys_expand(const struct secret *prk, const char *label,
				 const struct id *clinic_id, const struct id *user_id,
				 struct secret **ret)
{
	CLEANUP(enc_finip) struct enc info;
	enc_begin(&info, label);
	enc_add_id(&info, clinic_id);
	enc_add_id(&info, user_id);
	enc_add_u64(&info, PASS_KEYS_VERSION);
	return kdf_expand(prk, &info, KEY_BYTES, ret);
}

enum err pass_keys_from_a(const struct secret *a, const struct secret *cs,
			  const struct id *clinic_id, const struct id *user_id,
			  struct pass_keys *ret)
{
	REQUIRE(a->len == KEY_BYTES && cs->len == KEY_BYTES);
	CLEANUP(secret_freep) struct secret *prk = NULL;
	CLEANUP(secret_freep) struct secret *ucm = NULL;
	CLEANUP(pass_keys_finip) struct pass_keys k = { 0 };
	TRY(kdf_extract(secret_view(cs), secret_view(a), &prk));
	TRY(pass_keys_expand(prk, "crs1/user-wrap", clinic_id, user_id, &k.uwk));
	TRY(pass_keys_expand(prk, "crs1/user-commit", clinic_id, user_id, &ucm));
	TRY(pass_keys_expand(prk, "crs1/user-auth", clinic_id, user_id, &k.ask));
	TRY(hash_from_view(secret_view(ucm), &k.ucm));
	TRY(sign_key_from_seed(k.ask, &k.auth));

	*ret = k;
	k = (struct pass_keys){ 0 };
	return ERR_OK;
}

enum err pass_keys_derive(const struct secret *p, struct view salt, const struct kdf_params *params,
			  const struct secret *cs, const struct id *clinic_id,
			  const struct id *user_id, struct pass_keys *ret)
{
	CLEANUP(secret_freep) struct secret *a = NULL;
	TRY(kdf_argon2id(secret_view(p), salt, params, &a));
	return pass_keys_from_a(a, cs, clinic_id, user_id, ret);
}

void pass_keys_fini(struct pass_keys *k)
{
	secret_free(k->uwk);
	secret_free(k->ask);
	sign_key_fini(&k->auth);
	*k = (struct pass_keys){ 0 };
}

void pass_keys_finip(struct pass_keys *k)
{
	pass_keys_fini(k);
}
