#include "seal/keyring.h"

#include "base/check.h"
#include "crypt/aead.h"
#include "crypt/enc.h"

#include <sodium.h>

#define KEYRING_LABEL "crs1/keyring"
#define KEYRING_FORMAT 1u
#define KEYRING_BLOB_VERSION 1u
#define KEYRING_SUITE 1u
#define KEYRING_AAD_BYTES 108u /* everything before the nonce */

/* Offsets of blob v1 (SECURITY 2.5). */
enum {
	AT_VERSION = 4,
	AT_KIND = 5,
	AT_SUITE = 6,
	AT_ZERO = 7,
	AT_CLINIC = 8,
	AT_USER = 24,
	AT_REV = 40,
	AT_T = 48,
	AT_M = 52,
	AT_SALT = 56,
	AT_CS_ID = 72,
	AT_COMMIT = 76,
};

/* Whole in guarded memory: one block for all seeds, so many generations cost no more mappings. */
struct keyring {
	struct id clinic_id;
	struct id user_id;
	uint64_t gens; /* 1..KEYRING_GENS_MAX */
	uint8_t seeds[KEYRING_GENS_MAX][KEY_BYTES];
};

_Static_assert(KEYRING_HEAD_BYTES == KEYRING_AAD_BYTES + AEAD_NONCE_BYTES, "blob v1");
_Static_assert(sizeof(struct keyring) % 8 == 0, "sodium_malloc aligns it");
_Static_assert(KEYRING_BLOB_BYTES_MAX >
		       KEYRING_HEAD_BYTES + (KEYRING_GENS_MAX + 4) * (ENC_HEAD_BYTES + KEY_BYTES),
	       "a full keyring fits a blob");

static enum err keyring_alloc(const struct id *clinic_id, const struct id *user_id,
			      struct keyring **ret)
{
	struct keyring *k = sodium_malloc(sizeof(*k));
	ENSURE(k != NULL, ERR_NOMEM);
	*k = (struct keyring){ .clinic_id = *clinic_id, .user_id = *user_id };
	*ret = k;
	return ERR_OK;
}

enum err keyring_add_gen(struct keyring *k)
{
	ENSURE(k->gens < KEYRING_GENS_MAX, ERR_FULL);
	randombytes_buf(k->seeds[k->gens], KEY_BYTES);
	k->gens++;
	return ERR_OK;
}

enum err keyring_new(const struct id *clinic_id, const struct id *user_id, struct keyring **ret)
{
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	TRY(keyring_alloc(clinic_id, user_id, &k));
	TRY(keyring_add_gen(k));
	*ret = TAKE(k);
	return ERR_OK;
}

enum err keyring_from_seed(const struct id *clinic_id, const struct id *user_id,
			   const struct secret *us1, struct keyring **ret)
{
	REQUIRE(us1->len == KEY_BYTES);
	struct keyring *k = NULL;
	TRY(keyring_alloc(clinic_id, user_id, &k));
	memcpy(k->seeds[0], us1->p, KEY_BYTES);
	k->gens = 1;
	*ret = k;
	return ERR_OK;
}

void keyring_free(struct keyring *k)
{
	sodium_free(k); /* wipes first */
}

void keyring_freep(struct keyring **k)
{
	keyring_free(*k);
	*k = NULL;
}

uint64_t keyring_gen(const struct keyring *k)
{
	return k->gens;
}

const struct id *keyring_user_id(const struct keyring *k)
{
	return &k->user_id;
}

const struct id *keyring_clinic_id(const struct keyring *k)
{
	return &k->clinic_id;
}

static enum err keyring_seed_view(const struct keyring *k, uint64_t g, struct view *ret)
{
	ENSURE(g >= 1 && g <= k->gens, ERR_NOT_FOUND);
	*ret = view_of(k->seeds[g - 1], KEY_BYTES);
	return ERR_OK;
}

enum err keyring_seed(const struct keyring *k, uint64_t g, struct secret **ret)
{
	struct view seed;
	TRY(keyring_seed_view(k, g, &seed));
	return secret_new_copy(seed, ret);
}

/* ---- plain form ---- */

static void keyring_plain_enc(const struct keyring *k, struct enc *e)
{
	enc_begin_secret(e, KEYRING_LABEL, KEYRING_BLOB_BYTES_MAX);
	enc_add_u64(e, KEYRING_FORMAT);
	enc_add_id(e, &k->clinic_id);
	enc_add_id(e, &k->user_id);
	for (uint64_t i = 0; i < k->gens; i++) enc_add_bytes(e, VIEW_OF(k->seeds[i]));
}

/* Bytes that passed their seal and are still not right are damage of our own making. */
static enum err keyring_plain_parse(struct view plain, const struct keyring_head *head,
				    struct keyring **ret)
{
	struct enc_reader r;
	enc_read_begin(&r, plain, KEYRING_LABEL);
	const uint64_t format = enc_read_u64(&r);
	ENSURE(r.failed == ERR_OK, ERR_CORRUPT);
	ENSURE(format == KEYRING_FORMAT, ERR_VERSION);
	const struct id clinic_id = enc_read_id(&r);
	const struct id user_id = enc_read_id(&r);
	const size_t gens = enc_read_left(&r);
	ENSURE(gens >= 1 && gens <= KEYRING_GENS_MAX, ERR_CORRUPT);
	ENSURE(id_equal(&clinic_id, &head->clinic_id), ERR_CORRUPT);
	ENSURE(id_equal(&user_id, &head->user_id), ERR_CORRUPT);

	CLEANUP(keyring_freep) struct keyring *k = NULL;
	TRY(keyring_alloc(&clinic_id, &user_id, &k));
	for (k->gens = 0; k->gens < gens; k->gens++) {
		enc_read_exact(&r, k->seeds[k->gens], KEY_BYTES);
	}
	ENSURE(enc_read_end(&r) == ERR_OK, ERR_CORRUPT);
	*ret = TAKE(k);
	return ERR_OK;
}

/* ---- blobs ---- */

static void keyring_context_write(const struct keyring *k, enum keyring_kind kind, uint64_t rev,
				  uint8_t head[KEYRING_CONTEXT_BYTES])
{
	memcpy(head, "CRSK", 4);
	head[AT_VERSION] = KEYRING_BLOB_VERSION;
	head[AT_KIND] = (uint8_t)kind;
	head[AT_SUITE] = KEYRING_SUITE;
	head[AT_ZERO] = 0;
	memcpy(head + AT_CLINIC, k->clinic_id.b, ID_BYTES);
	memcpy(head + AT_USER, k->user_id.b, ID_BYTES);
	store_be64(head + AT_REV, rev);
}

/* Bytes 0..47, the same in both kinds. */
static enum err keyring_context_read(struct view blob, struct keyring_head *ret)
{
	ENSURE(blob.len > KEYRING_CONTEXT_BYTES && blob.len <= KEYRING_BLOB_BYTES_MAX,
	       ERR_BAD_FORMAT);
	ENSURE(view_equal(view_of(blob.p, 4), view_str("CRSK")), ERR_BAD_FORMAT);
	ENSURE(blob.p[AT_VERSION] == KEYRING_BLOB_VERSION, ERR_VERSION);
	ENSURE(blob.p[AT_SUITE] == KEYRING_SUITE, ERR_VERSION);
	ENSURE(blob.p[AT_ZERO] == 0, ERR_BAD_FORMAT);
	const uint8_t kind = blob.p[AT_KIND];
	ENSURE(kind == KEYRING_BY_PASSPHRASE || kind == KEYRING_BY_RECOVERY, ERR_VERSION);
	ret->kind = (enum keyring_kind)kind;
	memcpy(ret->clinic_id.b, blob.p + AT_CLINIC, ID_BYTES);
	memcpy(ret->user_id.b, blob.p + AT_USER, ID_BYTES);
	ret->rev = load_be64(blob.p + AT_REV);
	ENSURE(ret->rev >= 1, ERR_BAD_FORMAT);
	return ERR_OK;
}

enum err keyring_read_head(struct view blob, struct keyring_head *ret)
{
	struct keyring_head h = { 0 };
	TRY(keyring_context_read(blob, &h));
	if (h.kind == KEYRING_BY_PASSPHRASE) {
		ENSURE(blob.len > KEYRING_HEAD_BYTES + AEAD_TAG_BYTES, ERR_BAD_FORMAT);
		h.kdf.t = load_be32(blob.p + AT_T);
		h.kdf.m_kib = load_be32(blob.p + AT_M);
		memcpy(h.salt, blob.p + AT_SALT, KDF_SALT_BYTES);
		h.cs_id = load_be32(blob.p + AT_CS_ID);
		memcpy(h.commit.b, blob.p + AT_COMMIT, HASH_BYTES);
		ENSURE(h.cs_id >= 1, ERR_BAD_FORMAT);
		TRY(kdf_params_check(&h.kdf, NULL));
	} else {
		ENSURE(blob.len > KEYRING_CONTEXT_BYTES + SEALED_BOX_OVERHEAD_BYTES,
		       ERR_BAD_FORMAT);
	}
	*ret = h;
	return ERR_OK;
}

static enum err keyring_check_expected(const struct keyring_head *h,
				       const struct keyring_expect *expect)
{
	ENSURE(id_equal(&h->clinic_id, &expect->clinic_id), ERR_CONFLICT);
	ENSURE(id_equal(&h->user_id, &expect->user_id), ERR_CONFLICT);
	ENSURE(h->rev >= expect->rev_min, ERR_EXPIRED);
	if (h->kind == KEYRING_BY_PASSPHRASE) TRY(kdf_params_check(&h->kdf, expect->pinned));
	return ERR_OK;
}

enum err keyring_seal_with_nonce(const struct keyring *k, const struct pass_keys *keys,
				 uint64_t rev, const struct kdf_params *kdf,
				 const uint8_t salt[KDF_SALT_BYTES], uint32_t cs_id,
				 struct view nonce, struct buf *out)
{
	REQUIRE(rev >= 1 && cs_id >= 1);
	TRY(kdf_params_check(kdf, NULL));
	uint8_t head[KEYRING_AAD_BYTES];
	keyring_context_write(k, KEYRING_BY_PASSPHRASE, rev, head);
	store_be32(head + AT_T, kdf->t);
	store_be32(head + AT_M, kdf->m_kib);
	memcpy(head + AT_SALT, salt, KDF_SALT_BYTES);
	store_be32(head + AT_CS_ID, cs_id);
	memcpy(head + AT_COMMIT, keys->ucm.b, HASH_BYTES);

	CLEANUP(enc_finip) struct enc plain;
	keyring_plain_enc(k, &plain);
	struct view bytes;
	TRY(enc_end(&plain, &bytes));
	TRY(buf_reserve(out, sizeof(head) + bytes.len + AEAD_OVERHEAD_BYTES));
	TRY(buf_append(out, VIEW_OF(head)));
	return aead_seal_with_nonce(keys->uwk, nonce, VIEW_OF(head), bytes, out);
}

enum err keyring_seal(const struct keyring *k, const struct pass_keys *keys, uint64_t rev,
		      const struct kdf_params *kdf, const uint8_t salt[KDF_SALT_BYTES],
		      uint32_t cs_id, struct buf *out)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	randombytes_buf(nonce, sizeof(nonce));
	return keyring_seal_with_nonce(k, keys, rev, kdf, salt, cs_id, VIEW_OF(nonce), out);
}

enum err keyring_open(struct view blob, const struct keyring_expect *expect,
		      const struct pass_keys *keys, struct keyring **ret)
{
	struct keyring_head h;
	TRY(keyring_read_head(blob, &h));
	ENSURE(h.kind == KEYRING_BY_PASSPHRASE, ERR_BAD_FORMAT);
	TRY(keyring_check_expected(&h, expect));
	/* Before any decryption: one ciphertext can be built to open under many keys. */
	ENSURE(hash_equal(&h.commit, &keys->ucm), ERR_AUTH);

	CLEANUP(secret_freep) struct secret *plain = NULL;
	const enum err e = aead_open_secret(
		keys->uwk, view_of(blob.p, KEYRING_AAD_BYTES),
		view_of(blob.p + KEYRING_AAD_BYTES, blob.len - KEYRING_AAD_BYTES), &plain);
	ENSURE(e != ERR_AUTH, ERR_CORRUPT);
	TRY(e);
	return keyring_plain_parse(secret_view(plain), &h, ret);
}

static void keyring_recovery_info(struct enc *info, const struct id *clinic_id,
				  const struct id *user_id, uint64_t rev)
{
	sealed_box_begin(info, "keyring-recovery");
	enc_add_id(info, clinic_id);
	enc_add_id(info, user_id);
	enc_add_u64(info, rev);
}

enum err keyring_seal_recovery(const struct keyring *k, const struct box_pk *crk_pk, uint64_t rev,
			       struct buf *out)
{
	REQUIRE(rev >= 1);
	uint8_t head[KEYRING_CONTEXT_BYTES];
	keyring_context_write(k, KEYRING_BY_RECOVERY, rev, head);
	CLEANUP(enc_finip) struct enc info = { 0 };
	CLEANUP(enc_finip) struct enc plain = { 0 };
	keyring_recovery_info(&info, &k->clinic_id, &k->user_id, rev);
	keyring_plain_enc(k, &plain);
	struct view bytes;
	TRY(enc_end(&plain, &bytes));

	const size_t start = out->len;
	TRY(buf_reserve(out, sizeof(head) + bytes.len + SEALED_BOX_OVERHEAD_BYTES));
	TRY(buf_append(out, VIEW_OF(head)));
	const enum err e = sealed_box_seal(crk_pk, &info, bytes, out);
	if (e != ERR_OK) out->len = start;
	return e;
}

enum err keyring_open_recovery(struct view blob, const struct keyring_expect *expect,
			       const struct box_key *crk, struct keyring **ret)
{
	struct keyring_head h;
	TRY(keyring_read_head(blob, &h));
	ENSURE(h.kind == KEYRING_BY_RECOVERY, ERR_BAD_FORMAT);
	TRY(keyring_check_expected(&h, expect));
	CLEANUP(enc_finip) struct enc info;
	keyring_recovery_info(&info, &h.clinic_id, &h.user_id, h.rev);

	CLEANUP(secret_freep) struct secret *plain = NULL;
	const struct view box =
		view_of(blob.p + KEYRING_CONTEXT_BYTES, blob.len - KEYRING_CONTEXT_BYTES);
	TRY(sealed_box_open_secret(crk, &info, box, &plain));
	return keyring_plain_parse(secret_view(plain), &h, ret);
}

/* ---- derived keys ---- */

/* KDF("", US_g, label, clinic_id, user_id, g[, room_id]). */
static enum err keyring_derive(const struct keyring *k, uint64_t g, const char *label,
			       const struct id *room_id, struct secret **ret)
{
	struct view seed;
	TRY(keyring_seed_view(k, g, &seed));
	CLEANUP(enc_finip) struct enc info;
	enc_begin(&info, label);
	enc_add_id(&info, &k->clinic_id);
	enc_add_id(&info, &k->user_id);
	enc_add_u64(&info, g);
	if (room_id != NULL) enc_add_id(&info, room_id);
	return kdf_derive(VIEW_EMPTY, seed, &info, ret);
}

enum err keyring_sign_key(const struct keyring *k, uint64_t g, struct sign_key *ret)
{
	CLEANUP(secret_freep) struct secret *seed = NULL;
	TRY(keyring_derive(k, g, "crs1/sign", NULL, &seed));
	return sign_key_from_seed(seed, ret);
}

enum err keyring_box_key(const struct keyring *k, uint64_t g, struct box_key *ret)
{
	CLEANUP(secret_freep) struct secret *sk = NULL;
	TRY(keyring_derive(k, g, "crs1/box", NULL, &sk));
	return box_key_from_sk(sk, ret);
}

enum err keyring_note_kek(const struct keyring *k, uint64_t g, struct secret **ret)
{
	return keyring_derive(k, g, "crs1/note-kek", NULL, ret);
}

enum err keyring_vault_key(const struct keyring *k, uint64_t g, struct secret **ret)
{
	return keyring_derive(k, g, "crs1/vault", NULL, ret);
}

enum err keyring_local_key(const struct keyring *k, uint64_t g, const struct id *room_id,
			   struct secret **ret)
{
	REQUIRE(room_id != NULL);
	return keyring_derive(k, g, "crs1/local", room_id, ret);
}
