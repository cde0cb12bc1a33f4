#include "seal/shares.h"

#include "base/check.h"
#include "crypt/enc.h"
#include "crypt/sealed_box.h"
#include "crypt/sign.h"

#include <libgfshare.h>
#include <pthread.h>
#include <sodium.h>

#define SHARE_VERSION 1u
#define SHARE_CHECKED_BYTES 44u
#define SHARE_CHECK_BYTES 4u

enum { SHARE_AT_VERSION = 4, SHARE_AT_K = 5, SHARE_AT_N = 6, SHARE_AT_X = 7 };
enum { SHARE_AT_KEY_ID = 8, SHARE_AT_Y = 12, SHARE_AT_CHECK = 44 };

_Static_assert(SHARE_BYTES == SHARE_CHECKED_BYTES + SHARE_CHECK_BYTES, "share form");
_Static_assert(SHARE_BYTES <= CODE_BYTES_MAX, "a share can be typed");
_Static_assert(RECOVERY_SHARES_MAX <= 255u, "x is one byte, from 1");

static pthread_once_t gfshare_once = PTHREAD_ONCE_INIT;

static void gfshare_fill(unsigned char *p, unsigned int len)
{
	randombytes_buf(p, len);
}

/* The library's own pointer is NULL: it would crash, in gfshare_ctx_free too. */
static void gfshare_prepare(void)
{
	gfshare_fill_rand = gfshare_fill;
}

static void gfshare_freep(gfshare_ctx **ctx)
{
	if (*ctx != NULL) gfshare_ctx_free(*ctx); /* overwrites its buffers with random bytes */
	*ctx = NULL;
}

void share_fini(struct share *s)
{
	secret_free(s->y);
	*s = (struct share){ 0 };
}

void share_finip(struct share *s)
{
	share_fini(s);
}

static enum err share_public_key(const struct secret *key, enum share_key_type type,
				 uint8_t ret_pk[KEY_BYTES])
{
	ENSURE(key->len == KEY_BYTES, ERR_BAD_VALUE);
	if (type == SHARE_X25519) {
		ENSURE(crypto_scalarmult_base(ret_pk, key->p) == 0, ERR_AUTH);
		return ERR_OK;
	}
	CLEANUP(sign_key_finip) struct sign_key k = { 0 };
	TRY(sign_key_from_seed(key, &k));
	memcpy(ret_pk, k.pk.b, SIGN_PK_BYTES);
	return ERR_OK;
}

static enum err share_key_id(struct view public_key, uint8_t ret[SHARE_KEY_ID_BYTES])
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/share-key");
	enc_add_bytes(&e, public_key);
	struct hash32 h;
	TRY(hash_enc(&e, &h));
	memcpy(ret, h.b, SHARE_KEY_ID_BYTES);
	return ERR_OK;
}

static void shares_fini(struct share *shares, size_t count)
{
	for (size_t i = 0; i < count; i++) share_fini(&shares[i]);
}

static enum err shares_fill(gfshare_ctx *ctx, const struct share *like, struct share *ret_shares)
{
	for (uint8_t i = 0; i < like->n; i++) {
		ret_shares[i] = *like;
		ret_shares[i].x = (uint8_t)(i + 1);
		const enum err e = secret_new(KEY_BYTES, &ret_shares[i].y);
		if (e != ERR_OK) {
			shares_fini(ret_shares, i);
			return e;
		}
		gfshare_ctx_enc_getshare(ctx, i, ret_shares[i].y->p);
	}
	return ERR_OK;
}

enum err shares_split(const struct secret *key, enum share_key_type type, unsigned k, unsigned n,
		      struct share *ret_shares)
{
	ENSURE(k >= 2 && k <= n && n <= RECOVERY_SHARES_MAX, ERR_BAD_VALUE);
	INSIST(pthread_once(&gfshare_once, gfshare_prepare) == 0);
	struct share like = { .k = (uint8_t)k, .n = (uint8_t)n };
	uint8_t pk[KEY_BYTES];
	TRY(share_public_key(key, type, pk));
	TRY(share_key_id(VIEW_OF(pk), like.key_id));

	unsigned char numbers[RECOVERY_SHARES_MAX];
	for (unsigned i = 0; i < n; i++) numbers[i] = (unsigned char)(i + 1);
	CLEANUP(gfshare_freep)
	gfshare_ctx *ctx = gfshare_ctx_init_enc(numbers, n, (unsigned char)k, KEY_BYTES);
	ENSURE(ctx != NULL, ERR_NOMEM);
	CLEANUP(secret_freep) struct secret *copy = NULL; /* the library's parameter is not const */
	TRY(secret_dup(key, &copy));
	gfshare_ctx_enc_setsecret(ctx, copy->p);
	return shares_fill(ctx, &like, ret_shares);
}

static enum err share_check_value(struct view checked, uint8_t ret[SHARE_CHECK_BYTES])
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin_secret(&e, "crs1/share", 2 * ENC_HEAD_BYTES + 10 + SHARE_CHECKED_BYTES);
	enc_add_bytes(&e, checked);
	struct hash32 h;
	TRY(hash_enc(&e, &h));
	memcpy(ret, h.b, SHARE_CHECK_BYTES);
	return ERR_OK;
}

enum err share_print(const struct share *s, struct secret **ret_text)
{
	REQUIRE(s->y != NULL && s->y->len == KEY_BYTES);
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	TRY(secret_new(SHARE_BYTES, &bytes));
	memcpy(bytes->p, "CRSS", 4);
	bytes->p[SHARE_AT_VERSION] = SHARE_VERSION;
	bytes->p[SHARE_AT_K] = s->k;
	bytes->p[SHARE_AT_N] = s->n;
	bytes->p[SHARE_AT_X] = s->x;
	memcpy(bytes->p + SHARE_AT_KEY_ID, s->key_id, SHARE_KEY_ID_BYTES);
	memcpy(bytes->p + SHARE_AT_Y, s->y->p, KEY_BYTES);
	TRY(share_check_value(view_of(bytes->p, SHARE_CHECKED_BYTES), bytes->p + SHARE_AT_CHECK));
	return base32_print(secret_view(bytes), ret_text);
}

static enum err share_refuse(enum code_fault *ret_fault)
{
	if (ret_fault != NULL) *ret_fault = CODE_BAD_CHECK;
	return ERR_BAD_VALUE;
}

enum err share_parse(struct view text, struct share *ret, enum code_fault *ret_fault)
{
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	TRY(base32_parse(text, SHARE_BYTES, &bytes, ret_fault));
	const uint8_t *p = bytes->p;
	uint8_t check[SHARE_CHECK_BYTES];
	TRY(share_check_value(view_of(p, SHARE_CHECKED_BYTES), check));
	/* First the check: a typing error in the first group is no unknown version. */
	if (!secret_equal_view(VIEW_OF(check), view_of(p + SHARE_AT_CHECK, SHARE_CHECK_BYTES))) {
		return share_refuse(ret_fault);
	}
	ENSURE(view_equal(view_of(p, 4), view_str("CRSS")), ERR_VERSION);
	ENSURE(p[SHARE_AT_VERSION] == SHARE_VERSION, ERR_VERSION);

	struct share s = { .k = p[SHARE_AT_K], .n = p[SHARE_AT_N], .x = p[SHARE_AT_X] };
	const bool sound = s.k >= 2 && s.k <= s.n && s.n <= RECOVERY_SHARES_MAX && s.x >= 1 &&
			   s.x <= s.n;
	if (!sound) return share_refuse(ret_fault);
	memcpy(s.key_id, p + SHARE_AT_KEY_ID, SHARE_KEY_ID_BYTES);
	TRY(secret_new_copy(view_of(p + SHARE_AT_Y, KEY_BYTES), &s.y));
	*ret = s;
	return ERR_OK;
}

/* Do these fit each other and the expected key? */
static enum err shares_check(const struct share *shares, size_t count, struct view public_key,
			     size_t *ret_bad)
{
	uint8_t key_id[SHARE_KEY_ID_BYTES];
	TRY(share_key_id(public_key, key_id));
	for (size_t i = 0; i < count; i++) {
		const struct share *s = &shares[i];
		const bool same = secret_equal_view(VIEW_OF(s->key_id), VIEW_OF(key_id)) &&
				  s->k == shares[0].k && s->n == shares[0].n;
		const bool sound = s->k >= 2 && s->k <= s->n && s->x >= 1 && s->x <= s->n &&
				   s->y != NULL && s->y->len == KEY_BYTES;
		if (!same || !sound) {
			*ret_bad = i;
			return ERR_CONFLICT;
		}
		for (size_t j = 0; j < i; j++) {
			if (shares[j].x != s->x) continue;
			*ret_bad = i;
			return ERR_EXISTS;
		}
	}
	return ERR_OK;
}

/* Combines all but the one at index `skip` (count: none). ERR_AUTH if that is not the key. */
static enum err shares_try(const struct share *shares, size_t count, size_t skip,
			   enum share_key_type type, struct view public_key,
			   struct secret **ret_key)
{
	unsigned char numbers[RECOVERY_SHARES_MAX];
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		if (i != skip) numbers[used++] = shares[i].x;
	}
	CLEANUP(gfshare_freep)
	gfshare_ctx *ctx = gfshare_ctx_init_dec(numbers, (unsigned)used, KEY_BYTES);
	ENSURE(ctx != NULL, ERR_NOMEM);
	unsigned char slot = 0;
	for (size_t i = 0; i < count; i++) {
		if (i != skip) gfshare_ctx_dec_giveshare(ctx, slot++, shares[i].y->p);
	}
	CLEANUP(secret_freep) struct secret *key = NULL;
	TRY(secret_new(KEY_BYTES, &key));
	gfshare_ctx_dec_extract(ctx, key->p);

	uint8_t pk[KEY_BYTES];
	TRY(share_public_key(key, type, pk));
	ENSURE(secret_equal_view(VIEW_OF(pk), public_key), ERR_AUTH);
	*ret_key = TAKE(key);
	return ERR_OK;
}

enum err shares_combine(const struct share *shares, size_t count, enum share_key_type type,
			struct view public_key, struct secret **ret_key, size_t *ret_bad)
{
	REQUIRE(public_key.len == KEY_BYTES);
	ENSURE(count > 0, ERR_MORE);
	ENSURE(count <= RECOVERY_SHARES_MAX, ERR_TOO_BIG);
	INSIST(pthread_once(&gfshare_once, gfshare_prepare) == 0);
	TRY(shares_check(shares, count, public_key, ret_bad));
	ENSURE(count >= shares[0].k, ERR_MORE);

	const enum err e = shares_try(shares, count, count, type, public_key, ret_key);
	if (e != ERR_AUTH) return e;
	*ret_bad = count;
	/* With one share to spare, the one whose absence gives the right key is the bad one. */
	for (size_t skip = 0; count > shares[0].k && skip < count; skip++) {
		CLEANUP(secret_freep) struct secret *key = NULL;
		const enum err without = shares_try(shares, count, skip, type, public_key, &key);
		if (without == ERR_OK)
			*ret_bad = skip;
		else if (without != ERR_AUTH)
			return without;
	}
	return ERR_AUTH;
}
