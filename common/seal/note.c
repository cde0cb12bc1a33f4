#include "seal/note.h"

#include "base/check.h"
#include "crypt/enc.h"
#include "crypt/kdf.h"

#include <sodium.h>
#include <stdlib.h>

_Static_assert(NOTE_PADDED_BYTES_MIN % NOTE_PAD_BYTES == 0, "the minimum is a step");
_Static_assert(NOTE_SEALED_BYTES_MAX + KIB < OP_BYTES_MAX, "any note fits an op");

enum err note_key_new(struct secret **ret_nk)
{
	return secret_new_random(KEY_BYTES, ret_nk);
}

static void note_wrap_aad(struct enc *aad, const struct note_wrap_context *c)
{
	enc_begin(aad, "crs1/nk");
	enc_add_id(aad, &c->clinic_id);
	enc_add_id(aad, &c->user_id);
	enc_add_u64(aad, c->g);
	enc_add_id(aad, &c->note_id);
	enc_add_u64(aad, c->note_gen);
}

enum err note_key_wrap(const struct secret *note_kek, const struct note_wrap_context *c,
		       const struct secret *nk, struct buf *out)
{
	REQUIRE(nk->len == KEY_BYTES);
	CLEANUP(enc_finip) struct enc aad;
	note_wrap_aad(&aad, c);
	return aead_seal_enc(note_kek, &aad, secret_view(nk), out);
}

enum err note_key_unwrap(const struct secret *note_kek, const struct note_wrap_context *c,
			 struct view wrapped, struct secret **ret_nk)
{
	ENSURE(wrapped.len == NOTE_KEY_WRAPPED_BYTES, ERR_BAD_FORMAT);
	CLEANUP(enc_finip) struct enc aad;
	note_wrap_aad(&aad, c);
	struct view aad_bytes;
	TRY(enc_end(&aad, &aad_bytes));
	return aead_open_secret(note_kek, aad_bytes, wrapped, ret_nk);
}

/* KDF("", NK, label, note_id, note_gen). */
static enum err note_derive(const struct secret *nk, const struct note_head *h, const char *label,
			    struct secret **ret)
{
	REQUIRE(nk->len == KEY_BYTES);
	CLEANUP(enc_finip) struct enc info;
	enc_begin(&info, label);
	enc_add_id(&info, &h->note_id);
	enc_add_u64(&info, h->note_gen);
	return kdf_derive(VIEW_EMPTY, secret_view(nk), &info, ret);
}

static enum err note_commitment(const struct secret *nk, const struct note_head *h,
				struct hash32 *ret)
{
	CLEANUP(secret_freep) struct secret *commit = NULL;
	TRY(note_derive(nk, h, "crs1/note-commit", &commit));
	return hash_from_view(secret_view(commit), ret);
}

static int note_compare_ids(const void *a, const void *b)
{
	const struct id *left = a, *right = b;
	for (size_t i = 0; i < ID_BYTES; i++) {
		if (left->b[i] != right->b[i]) return left->b[i] < right->b[i] ? -1 : 1;
	}
	return 0;
}

/* H("crs1/parents", op ids sorted). The order they are listed in means nothing. */
static enum err note_parents_hash(const struct note_head *h, struct hash32 *ret)
{
	ENSURE(h->parent_count <= PARENTS_MAX, ERR_TOO_BIG);
	struct id sorted[PARENTS_MAX];
	for (size_t i = 0; i < h->parent_count; i++) sorted[i] = h->parents[i];
	if (h->parent_count > 1) {
		qsort(sorted, h->parent_count, sizeof(sorted[0]), note_compare_ids);
	}
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/parents");
	for (size_t i = 0; i < h->parent_count; i++) enc_add_id(&e, &sorted[i]);
	return hash_enc(&e, ret);
}

static enum err note_aad(struct enc *aad, const struct note_head *h,
			 const struct hash32 *commitment)
{
	struct hash32 parents;
	TRY(note_parents_hash(h, &parents));
	enc_begin(aad, "crs1/note");
	enc_add_id(aad, &h->clinic_id);
	enc_add_id(aad, &h->note_id);
	enc_add_u64(aad, h->note_gen);
	enc_add_id(aad, &h->author_id);
	enc_add_u64(aad, h->author_gen);
	enc_add_hash(aad, &h->lane_id);
	enc_add_u64(aad, h->lane_seq);
	enc_add_hash(aad, &parents);
	enc_add_hash(aad, commitment);
	return ERR_OK;
}

/* sodium_unpad looks back one step only, so the shortest form is one step of 1 KiB. */
static size_t note_pad_step(size_t padded)
{
	return padded <= NOTE_PADDED_BYTES_MIN ? NOTE_PADDED_BYTES_MIN : NOTE_PAD_BYTES;
}

static size_t note_padded_bytes(size_t plain)
{
	if (plain < NOTE_PADDED_BYTES_MIN) return NOTE_PADDED_BYTES_MIN;
	return (plain / NOTE_PAD_BYTES + 1) * NOTE_PAD_BYTES;
}

static void note_free_wiped(uint8_t **p)
{
	if (*p != NULL) sodium_free(*p);
	*p = NULL;
}

enum err note_seal_with_nonce(const struct secret *nk, const struct note_head *head,
			      struct view plain, struct view nonce, struct hash32 *ret_commitment,
			      struct buf *out)
{
	ENSURE(plain.len > 0, ERR_BAD_VALUE);
	ENSURE(plain.len <= NOTE_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	CLEANUP(secret_freep) struct secret *body_key = NULL;
	struct hash32 commitment;
	TRY(note_derive(nk, head, "crs1/note-body", &body_key));
	TRY(note_commitment(nk, head, &commitment));
	CLEANUP(enc_finip) struct enc aad = { 0 };
	TRY(note_aad(&aad, head, &commitment));
	struct view aad_bytes;
	TRY(enc_end(&aad, &aad_bytes));

	const size_t padded = note_padded_bytes(plain.len);
	CLEANUP(note_free_wiped) uint8_t *area = sodium_malloc(padded);
	ENSURE(area != NULL, ERR_NOMEM);
	memcpy(area, plain.p, plain.len);
	size_t len = 0;
	INSIST(sodium_pad(&len, area, plain.len, note_pad_step(padded), padded) == 0);
	INSIST(len == padded);
	TRY(aead_seal_with_nonce(body_key, nonce, aad_bytes, view_of(area, padded), out));
	*ret_commitment = commitment;
	return ERR_OK;
}

enum err note_seal(const struct secret *nk, const struct note_head *head, struct view plain,
		   struct hash32 *ret_commitment, struct buf *out)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	randombytes_buf(nonce, sizeof(nonce));
	return note_seal_with_nonce(nk, head, plain, VIEW_OF(nonce), ret_commitment, out);
}

size_t note_open_bytes(struct view sealed)
{
	if (sealed.len < NOTE_PADDED_BYTES_MIN + AEAD_OVERHEAD_BYTES) return 0;
	if (sealed.len > NOTE_SEALED_BYTES_MAX) return 0;
	const size_t padded = sealed.len - AEAD_OVERHEAD_BYTES;
	return padded % NOTE_PAD_BYTES == 0 ? padded : 0;
}

/* A padding that our own seal would not make is refused: one plaintext, one form. */
static enum err note_unpad(uint8_t *plain, size_t padded, size_t *ret_len)
{
	size_t len = 0;
	ENSURE(sodium_unpad(&len, plain, padded, note_pad_step(padded)) == 0, ERR_BAD_FORMAT);
	ENSURE(len > 0 && note_padded_bytes(len) == padded, ERR_BAD_FORMAT);
	*ret_len = len;
	return ERR_OK;
}

enum err note_open(const struct secret *nk, const struct note_head *head,
		   const struct hash32 *commitment, struct view sealed, uint8_t *ret_plain,
		   size_t cap, size_t *ret_len)
{
	const size_t padded = note_open_bytes(sealed);
	ENSURE(padded > 0, ERR_BAD_FORMAT);
	ENSURE(cap >= padded, ERR_TOO_BIG);
	struct hash32 want;
	TRY(note_commitment(nk, head, &want));
	/* First of all: a ciphertext made to open under two keys must not be opened under
	 * either. */
	ENSURE(hash_equal(&want, commitment), ERR_AUTH);

	CLEANUP(secret_freep) struct secret *body_key = NULL;
	TRY(note_derive(nk, head, "crs1/note-body", &body_key));
	CLEANUP(enc_finip) struct enc aad = { 0 };
	TRY(note_aad(&aad, head, commitment));
	struct view aad_bytes;
	TRY(enc_end(&aad, &aad_bytes));
	size_t got = 0;
	enum err e = aead_open_to(body_key, aad_bytes, sealed, ret_plain, cap, &got);
	if (e == ERR_OK) e = note_unpad(ret_plain, padded, ret_len);
	if (e != ERR_OK) sodium_memzero(ret_plain, padded);
	return e;
}

static void grant_info(struct enc *info, const struct grant_context *c)
{
	sealed_box_begin(info, "note-grant");
	enc_add_id(info, &c->clinic_id);
	enc_add_id(info, &c->grant_id);
	enc_add_id(info, &c->note_id);
	enc_add_u64(info, c->note_gen);
	enc_add_id(info, &c->author_id);
	enc_add_u64(info, c->author_gen);
	enc_add_id(info, &c->rcpt_id);
	enc_add_u64(info, c->rcpt_gen);
	enc_add_hash(info, &c->consent_hash);
}

enum err grant_seal(const struct box_pk *rcpt, const struct grant_context *c,
		    const struct secret *nk, struct buf *out)
{
	REQUIRE(nk->len == KEY_BYTES);
	CLEANUP(enc_finip) struct enc info;
	grant_info(&info, c);
	return sealed_box_seal(rcpt, &info, secret_view(nk), out);
}

enum err grant_open(const struct box_key *rcpt, const struct grant_context *c, struct view sealed,
		    struct secret **ret_nk)
{
	ENSURE(sealed.len == GRANT_SEALED_BYTES, ERR_BAD_FORMAT);
	CLEANUP(enc_finip) struct enc info;
	grant_info(&info, c);
	return sealed_box_open_secret(rcpt, &info, sealed, ret_nk);
}
