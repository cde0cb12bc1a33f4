#include "client/store/vault.h"

#include "base/check.h"
#include "crypt/enc.h"
#include "crypt/hmac.h"
#include "seal/vault.h"

void vault_init(struct vault *v)
{
	*v = (struct vault){ 0 };
}

void vault_shut(struct vault *v)
{
	keyring_free(v->keyring);
	sign_key_fini(&v->sign);
	secret_free(v->local_key);
	secret_free(v->tag_key);
	sign_key_fini(&v->auth);
	boot_key_fini(&v->boot);
	secret_wipe(v, sizeof(*v));
	vault_init(v);
}

static enum err vault_derive(struct vault *v)
{
	v->g = keyring_gen(v->keyring);
	TRY(keyring_sign_key(v->keyring, v->g, &v->sign));
	TRY(keyring_local_key(v->keyring, 1, &v->room_id, &v->local_key));
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/local-tags");
	TRY(kdf_derive(VIEW_EMPTY, secret_view(v->local_key), &e, &v->tag_key));
	return boot_key_new(&v->boot);
}

static enum err vault_fill(struct vault *v, const struct keyring_expect *expect, struct view blob,
			   struct pass_keys *keys)
{
	struct keyring_head head = { 0 };
	TRY(keyring_read_head(blob, &head));
	TRY(keyring_open(blob, expect, keys, &v->keyring));
	v->keyring_rev = head.rev;
	v->kdf = head.kdf;
	TRY(vault_derive(v));
	v->auth = keys->auth;
	keys->auth = (struct sign_key){ 0 };
	return ERR_OK;
}

enum err vault_open_blob(struct vault *v, const struct keyring_expect *expect,
			 const struct id *room_id, const char *login, struct view blob,
			 struct pass_keys *keys, uint64_t now_ms)
{
	REQUIRE(!v->open);
	const size_t login_len = strlen(login);
	ENSURE(login_len > 0 && login_len <= LOGIN_BYTES_MAX, ERR_BAD_VALUE);
	v->clinic_id = expect->clinic_id;
	v->user_id = expect->user_id;
	v->room_id = *room_id;
	const enum err e = vault_fill(v, expect, blob, keys);
	if (e != ERR_OK) {
		vault_shut(v);
		return e;
	}
	memcpy(v->login, login, login_len + 1);
	v->signed_in_ms = now_ms;
	v->open = true;
	return ERR_OK;
}

enum err vault_sign_login(const struct vault *v, const struct login_proof *p, struct sign_sig *ret)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	return login_proof_sign(p, &v->auth, ret);
}

void vault_tag(const struct vault *v, const char *what, const struct id *id,
	       uint8_t ret_tag[VAULT_TAG_BYTES])
{
	REQUIRE(v->open);
	/* HMAC over name, NUL and id: cannot run out of memory, unlike an enc. */
	uint8_t msg[48] = { 0 };
	const struct view name = view_str(what);
	const size_t len = name.len;
	REQUIRE(len < sizeof(msg) - ID_BYTES);
	memcpy(msg, name.p, len);
	memcpy(msg + len + 1, id->b, ID_BYTES);
	const struct hmac mac =
		hmac_sha512(secret_view(v->tag_key), view_of(msg, len + 1 + ID_BYTES));
	memcpy(ret_tag, mac.b, VAULT_TAG_BYTES);
}

enum err vault_note_kek(const struct vault *v, uint64_t g, struct secret **ret)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	return keyring_note_kek(v->keyring, g, ret);
}

enum err vault_seal_blob(const struct vault *v, uint64_t rev, struct view plain, struct buf *out)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	CLEANUP(secret_freep) struct secret *key = NULL;
	TRY(keyring_vault_key(v->keyring, v->g, &key));
	const struct vault_context c = {
		.clinic_id = v->clinic_id, .user_id = v->user_id, .g = v->g, .rev = rev
	};
	return vault_seal(key, &c, plain, out);
}

enum err vault_open_vault_blob(const struct vault *v, uint64_t rev_min, struct view blob,
			       uint64_t *ret_rev, struct buf *out)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	struct vault_context head = { 0 };
	TRY(vault_read_head(blob, &head));
	ENSURE(head.g >= 1 && head.g <= v->g, ERR_CONFLICT);
	CLEANUP(secret_freep) struct secret *key = NULL;
	TRY(keyring_vault_key(v->keyring, head.g, &key));
	const struct vault_context expect = {
		.clinic_id = v->clinic_id, .user_id = v->user_id, .g = head.g, .rev = rev_min
	};
	return vault_open(key, &expect, blob, ret_rev, out);
}
