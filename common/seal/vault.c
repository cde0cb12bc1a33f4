#include "seal/vault.h"

#include "base/check.h"
#include "crypt/aead.h"
#include "crypt/enc.h"

/* "CRSV", version 1, suite 1, two zero bytes. */
static const uint8_t vault_magic[8] = { 'C', 'R', 'S', 'V', 1, 1, 0, 0 };

enum { VAULT_AT_CLINIC = 8, VAULT_AT_USER = 24, VAULT_AT_G = 40, VAULT_AT_REV = 48 };

static void vault_aad(struct enc *aad, const struct vault_context *c)
{
	enc_begin(aad, "crs1/vault");
	enc_add_id(aad, &c->clinic_id);
	enc_add_id(aad, &c->user_id);
	enc_add_u64(aad, c->g);
	enc_add_u64(aad, c->rev);
}

enum err vault_seal(const struct secret *vault_key, const struct vault_context *c,
		    struct view plain, struct buf *out)
{
	REQUIRE(c->g >= 1 && c->rev >= 1);
	ENSURE(plain.len <= VAULT_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	uint8_t head[VAULT_HEAD_BYTES];
	memcpy(head, vault_magic, sizeof(vault_magic));
	memcpy(head + VAULT_AT_CLINIC, c->clinic_id.b, ID_BYTES);
	memcpy(head + VAULT_AT_USER, c->user_id.b, ID_BYTES);
	store_be64(head + VAULT_AT_G, c->g);
	store_be64(head + VAULT_AT_REV, c->rev);

	CLEANUP(enc_finip) struct enc aad;
	vault_aad(&aad, c);
	const size_t start = out->len;
	TRY(buf_reserve(out, sizeof(head) + plain.len + AEAD_OVERHEAD_BYTES));
	TRY(buf_append(out, VIEW_OF(head)));
	const enum err e = aead_seal_enc(vault_key, &aad, plain, out);
	if (e != ERR_OK) out->len = start;
	return e;
}

enum err vault_read_head(struct view blob, struct vault_context *ret)
{
	ENSURE(blob.len >= VAULT_HEAD_BYTES + AEAD_OVERHEAD_BYTES, ERR_BAD_FORMAT);
	ENSURE(blob.len <= VAULT_HEAD_BYTES + AEAD_OVERHEAD_BYTES + VAULT_PLAIN_BYTES_MAX,
	       ERR_TOO_BIG);
	ENSURE(view_equal(view_of(blob.p, 4), view_of(vault_magic, 4)), ERR_BAD_FORMAT);
	ENSURE(view_equal(view_of(blob.p, 8), VIEW_OF(vault_magic)), ERR_VERSION);
	struct vault_context c = { 0 };
	memcpy(c.clinic_id.b, blob.p + VAULT_AT_CLINIC, ID_BYTES);
	memcpy(c.user_id.b, blob.p + VAULT_AT_USER, ID_BYTES);
	c.g = load_be64(blob.p + VAULT_AT_G);
	c.rev = load_be64(blob.p + VAULT_AT_REV);
	ENSURE(c.g >= 1 && c.rev >= 1, ERR_BAD_FORMAT);
	*ret = c;
	return ERR_OK;
}

enum err vault_open(const struct secret *vault_key, const struct vault_context *expect,
		    struct view blob, uint64_t *ret_rev, struct buf *out)
{
	struct vault_context c;
	TRY(vault_read_head(blob, &c));
	ENSURE(id_equal(&c.clinic_id, &expect->clinic_id), ERR_CONFLICT);
	ENSURE(id_equal(&c.user_id, &expect->user_id) && c.g == expect->g, ERR_CONFLICT);
	ENSURE(c.rev >= expect->rev, ERR_EXPIRED);

	CLEANUP(enc_finip) struct enc aad;
	vault_aad(&aad, &c);
	TRY(aead_open_enc(vault_key, &aad,
			  view_of(blob.p + VAULT_HEAD_BYTES, blob.len - VAULT_HEAD_BYTES), out));
	*ret_rev = c.rev;
	return ERR_OK;
}
