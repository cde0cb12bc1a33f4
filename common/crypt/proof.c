#include "crypt/proof.h"

#include "base/check.h"
#include "crypt/enc.h"
#include "crypt/kdf.h"

static void login_proof_enc(const struct login_proof *p, struct enc *e)
{
	enc_begin(e, "crs1/login");
	enc_add_id(e, &p->clinic_id);
	enc_add_id(e, &p->user_id);
	enc_add_bytes(e, VIEW_OF(p->cn));
	enc_add_bytes(e, VIEW_OF(p->sn));
	enc_add_bytes(e, VIEW_OF(p->exporter));
	enc_add_hash(e, &p->room_spki);
}

enum err login_proof_message(const struct login_proof *p, struct buf *out)
{
	CLEANUP(enc_finip) struct enc e;
	login_proof_enc(p, &e);
	struct view bytes;
	TRY(enc_end(&e, &bytes));
	return buf_append(out, bytes);
}

enum err login_proof_sign(const struct login_proof *p, const struct sign_key *auth,
			  struct sign_sig *ret)
{
	CLEANUP(enc_finip) struct enc e;
	login_proof_enc(p, &e);
	return sign_enc(auth, &e, ret);
}

enum err login_proof_verify(const struct login_proof *p, const struct sign_pk *auth_pk,
			    const struct sign_sig *sig)
{
	CLEANUP(enc_finip) struct enc e;
	login_proof_enc(p, &e);
	return sign_verify_enc(auth_pk, &e, sig);
}

enum err login_fake_params(const struct secret *enum_key, struct view handle,
			   struct id *ret_user_id, uint8_t ret_salt[16])
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/fake");
	enc_add_bytes(&e, handle);
	struct view msg;
	TRY(enc_end(&e, &msg));
	const struct hmac mac = hmac_sha512(secret_view(enum_key), msg);
	memcpy(ret_user_id->b, mac.b, ID_BYTES);
	memcpy(ret_salt, mac.b + ID_BYTES, KDF_SALT_BYTES);
	return ERR_OK;
}

static void passphrase_change_enc(const struct passphrase_change *c, struct enc *e)
{
	const struct hash32 blob_hash = hash_bytes(c->blob);
	enc_begin(e, "crs1/passphrase");
	enc_add_id(e, &c->clinic_id);
	enc_add_id(e, &c->user_id);
	enc_add_u64(e, c->keyring_rev);
	enc_add_hash(e, &blob_hash);
	enc_add_bytes(e, sign_pk_view(&c->auth_pk));
}

enum err passphrase_change_sign(const struct passphrase_change *c, const struct sign_key *key,
				struct sign_sig *ret)
{
	CLEANUP(enc_finip) struct enc e;
	passphrase_change_enc(c, &e);
	return sign_enc(key, &e, ret);
}

enum err passphrase_change_verify(const struct passphrase_change *c, const struct sign_pk *pk,
				  const struct sign_sig *sig)
{
	CLEANUP(enc_finip) struct enc e;
	passphrase_change_enc(c, &e);
	return sign_verify_enc(pk, &e, sig);
}

/* KDF("", secret, label): no context, the 16 random bytes are used once in the world. */
static enum err code_secret_derive(const struct secret *s, const char *label, struct secret **ret)
{
	REQUIRE(s->len == CODE_SECRET_BYTES);
	CLEANUP(enc_finip) struct enc info;
	enc_begin(&info, label);
	return kdf_derive(VIEW_EMPTY, secret_view(s), &info, ret);
}

enum err setup_mac_derive(const struct secret *s, struct secret **ret_setup_mac)
{
	return code_secret_derive(s, "crs1/setup-mac", ret_setup_mac);
}

struct hmac setup_proof_make(const struct secret *setup_mac, struct view exporter)
{
	REQUIRE(exporter.len == EXPORTER_BYTES);
	return hmac_sha512(secret_view(setup_mac), exporter);
}

enum err setup_proof_verify(const struct secret *setup_mac, struct view exporter, struct view proof)
{
	REQUIRE(exporter.len == EXPORTER_BYTES);
	return hmac_verify(secret_view(setup_mac), exporter, proof);
}

enum err join_keys_derive(const struct secret *j, struct join_keys *ret)
{
	CLEANUP(secret_freep) struct secret *id = NULL;
	CLEANUP(join_keys_finip) struct join_keys k = { 0 };
	TRY(code_secret_derive(j, "crs1/join-id", &id));
	TRY(code_secret_derive(j, "crs1/join-wrap", &k.wrap));
	TRY(code_secret_derive(j, "crs1/join-mac", &k.mac));
	memcpy(k.join_id.b, id->p, JOIN_ID_BYTES);

	*ret = k;
	k = (struct join_keys){ 0 };
	return ERR_OK;
}

void join_keys_fini(struct join_keys *k)
{
	secret_free(k->wrap);
	secret_free(k->mac);
	*k = (struct join_keys){ 0 };
}

void join_keys_finip(struct join_keys *k)
{
	join_keys_fini(k);
}

static void enrol_proof_enc(const struct hash32 *room_spki, struct view exporter, struct enc *e)
{
	REQUIRE(exporter.len == EXPORTER_BYTES);
	enc_begin(e, "crs1/enrol");
	enc_add_hash(e, room_spki);
	enc_add_bytes(e, exporter);
}

enum err enrol_proof_make(const struct secret *join_mac, const struct hash32 *room_spki,
			  struct view exporter, struct hmac *ret)
{
	CLEANUP(enc_finip) struct enc e;
	enrol_proof_enc(room_spki, exporter, &e);
	struct view msg;
	TRY(enc_end(&e, &msg));
	*ret = hmac_sha512(secret_view(join_mac), msg);
	return ERR_OK;
}

enum err enrol_proof_verify(const struct secret *join_mac, const struct hash32 *room_spki,
			    struct view exporter, struct view proof)
{
	CLEANUP(enc_finip) struct enc e;
	enrol_proof_enc(room_spki, exporter, &e);
	struct view msg;
	TRY(enc_end(&e, &msg));
	return hmac_verify(secret_view(join_mac), msg, proof);
}
