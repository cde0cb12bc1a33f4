/* keyring: opens with the right passphrase only, for the right person only, and says why not. */
#include "crypt/aead.h"
#include "crypt/enc.h"
#include "seal/keyring.h"
#include "unit/crypt/helpers.h"

#define AT_REV 40
#define AT_T 48
#define AT_M 52
#define AT_CS_ID 72
#define AT_COMMIT 76
#define AT_NONCE 108

struct ring {
	struct id clinic, user;
	struct keyring *keyring;
	struct pass_keys keys;
	struct buf blob;
	struct keyring_expect expect;
	uint8_t salt[KDF_SALT_BYTES];
	struct kdf_params kdf;
};

/* A blob with two generations; A is made up, as Argon2id is tested elsewhere. */
static int ring_setup(void **state)
{
	struct ring *r = calloc(1, sizeof(*r));
	if (r == NULL) return 1;
	r->clinic = test_id(1);
	r->user = test_id(2);
	r->expect = (struct keyring_expect){ .clinic_id = r->clinic, .user_id = r->user };
	r->kdf = (struct kdf_params){ .t = 3, .m_kib = 256 * 1024 };
	CLEANUP(secret_freep) struct secret *a = test_secret(1, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *cs = test_secret(2, KEY_BYTES);
	assert_ok(pass_keys_from_a(a, cs, &r->clinic, &r->user, &r->keys));
	assert_ok(keyring_new(&r->clinic, &r->user, &r->keyring));
	assert_ok(keyring_add_gen(r->keyring));
	assert_ok(keyring_seal(r->keyring, &r->keys, 5, &r->kdf, r->salt, 1, &r->blob));
	*state = r;
	return 0;
}

static int ring_teardown(void **state)
{
	struct ring *r = *state;
	keyring_free(r->keyring);
	pass_keys_fini(&r->keys);
	buf_fini(&r->blob);
	free(r);
	return 0;
}

static enum err ring_open(struct ring *r, struct view blob)
{
	struct keyring *k = NULL;
	const enum err e = keyring_open(blob, &r->expect, &r->keys, &k);
	assert_int_equal(e == ERR_OK, k != NULL);
	keyring_free(k);
	return e;
}

static void test_opens_to_the_same_seeds(void **state)
{
	struct ring *r = *state;
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	assert_ok(keyring_open(buf_view(&r->blob), &r->expect, &r->keys, &k));
	assert_int_equal(keyring_gen(k), 2);
	assert_true(id_equal(keyring_user_id(k), &r->user));
	assert_true(id_equal(keyring_clinic_id(k), &r->clinic));
	for (uint64_t g = 1; g <= 2; g++) {
		CLEANUP(secret_freep) struct secret *a = NULL;
		CLEANUP(secret_freep) struct secret *b = NULL;
		assert_ok(keyring_seed(r->keyring, g, &a));
		assert_ok(keyring_seed(k, g, &b));
		assert_true(secret_equal(a, b));
	}
	struct secret *none = NULL;
	assert_err(keyring_seed(k, 0, &none), ERR_NOT_FOUND);
	assert_err(keyring_seed(k, 3, &none), ERR_NOT_FOUND);
	assert_err(keyring_note_kek(k, 3, &none), ERR_NOT_FOUND);
	assert_null(none);
}

static void test_head_is_blob_v1(void **state)
{
	struct ring *r = *state;
	struct keyring_head h;
	assert_ok(keyring_read_head(buf_view(&r->blob), &h));
	assert_int_equal(h.kind, KEYRING_BY_PASSPHRASE);
	assert_int_equal(h.rev, 5);
	assert_int_equal(h.kdf.t, 3);
	assert_int_equal(h.kdf.m_kib, 256 * 1024);
	assert_int_equal(h.cs_id, 1);
	assert_true(hash_equal(&h.commit, &r->keys.ucm));
	assert_memory_equal(r->blob.p, "CRSK\x01\x01\x01\x00", 8);
}

/* SECURITY 6.1 C4: each changed byte gives a typed error, and what kind depends on where it is. */
static void refuse_blob(struct view bad, void *ctx)
{
	struct ring *r = ctx;
	const enum err e = ring_open(r, bad);
	if (bad.len != r->blob.len) {
		assert_true(e == ERR_BAD_FORMAT || e == ERR_CORRUPT);
		return;
	}
	size_t at = 0;
	while (bad.p[at] == r->blob.p[at]) at++;
	if (at < 4 || at == 7)
		assert_err(e, ERR_BAD_FORMAT);
	else if (at == 4 || at == 6)
		assert_err(e, ERR_VERSION);
	else if (at == 5)
		assert_true(e == ERR_VERSION || e == ERR_BAD_FORMAT);
	else if (at < 40)
		assert_err(e, ERR_CONFLICT);
	else if (at < AT_T)
		assert_err(e, ERR_CORRUPT);
	else if (at < AT_M + 4)
		assert_true(e == ERR_KDF_FLOOR || e == ERR_CORRUPT);
	else if (at < AT_COMMIT)
		assert_err(e, ERR_CORRUPT);
	else if (at < AT_NONCE)
		assert_err(e, ERR_AUTH);
	else
		assert_err(e, ERR_CORRUPT);
}

static void test_every_flipped_byte_is_refused(void **state)
{
	struct ring *r = *state;
	test_each_damage(buf_view(&r->blob), refuse_blob, r);
}

struct plain_form {
	uint64_t format;
	uint8_t clinic, user; /* test_id of these */
	size_t gens;
	size_t seed_bytes;
	bool no_format;
};

/* Sealed as it should be, with other words inside. */
static enum err open_plain(struct ring *r, const struct plain_form *f)
{
	CLEANUP(enc_finip) struct enc e;
	CLEANUP(buf_finip) struct buf blob = { 0 };
	static const uint8_t seed[KEY_BYTES + 1];
	static const uint8_t nonce[AEAD_NONCE_BYTES];
	const struct id clinic = test_id(f->clinic);
	const struct id user = test_id(f->user);
	const struct view head = view_of(r->blob.p, AT_NONCE);
	struct view plain;
	enc_begin(&e, "crs1/keyring");
	if (!f->no_format) {
		enc_add_u64(&e, f->format);
		enc_add_id(&e, &clinic);
		enc_add_id(&e, &user);
		for (size_t i = 0; i < f->gens; i++)
			enc_add_bytes(&e, view_of(seed, f->seed_bytes));
	}
	assert_ok(enc_end(&e, &plain));
	assert_ok(buf_append(&blob, head));
	assert_ok(aead_seal_with_nonce(r->keys.uwk, VIEW_OF(nonce), head, plain, &blob));
	return ring_open(r, buf_view(&blob));
}

static void test_what_opens_and_is_no_keyring_is_damage(void **state)
{
	struct ring *r = *state;
	const struct plain_form good = { 1, 1, 2, 2, KEY_BYTES, false };
	assert_ok(open_plain(r, &good));
	static const struct {
		struct plain_form form;
		enum err want;
	} cases[] = {
		{ { 2, 1, 2, 2, KEY_BYTES, false }, ERR_VERSION },
		{ { 1, 9, 2, 2, KEY_BYTES, false }, ERR_CORRUPT },
		{ { 1, 1, 9, 2, KEY_BYTES, false }, ERR_CORRUPT },
		{ { 1, 1, 2, 0, KEY_BYTES, false }, ERR_CORRUPT },
		{ { 1, 1, 2, KEYRING_GENS_MAX + 1, 1, false }, ERR_CORRUPT },
		{ { 1, 1, 2, 1, KEY_BYTES + 1, false }, ERR_CORRUPT },
		{ { 1, 1, 2, 1, KEY_BYTES, true }, ERR_CORRUPT },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_err(open_plain(r, &cases[i].form), cases[i].want);
}

static void test_wrong_passphrase_is_told_from_damage(void **state)
{
	struct ring *r = *state;
	CLEANUP(secret_freep) struct secret *a = test_secret(9, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *cs = test_secret(2, KEY_BYTES);
	CLEANUP(pass_keys_finip) struct pass_keys wrong = { 0 };
	struct keyring *k = NULL;
	assert_ok(pass_keys_from_a(a, cs, &r->clinic, &r->user, &wrong));
	assert_err(keyring_open(buf_view(&r->blob), &r->expect, &wrong, &k), ERR_AUTH);
	assert_null(k);
	r->blob.p[r->blob.len - 1] ^= 1;
	assert_err(ring_open(r, buf_view(&r->blob)), ERR_CORRUPT);
}

/* SECURITY 6.1 C6. */
static void test_server_cannot_weaken_or_roll_back(void **state)
{
	struct ring *r = *state;
	static const struct {
		uint32_t t, m_kib;
		enum err want;
	} cases[] = {
		{ 0, 8 * 1024, ERR_KDF_FLOOR },
		{ 1000000, 256 * 1024, ERR_KDF_FLOOR },
		{ 11, 256 * 1024, ERR_KDF_FLOOR },
		{ 3, 1024 * 1024 + 1, ERR_KDF_FLOOR },
		{ KDF_T_MIN, KDF_M_KIB_MIN - 1, ERR_KDF_FLOOR },
		{ KDF_T_MIN, KDF_M_KIB_MIN, ERR_CORRUPT }, /* accepted, but another AAD */
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		store_be32(r->blob.p + AT_T, cases[i].t);
		store_be32(r->blob.p + AT_M, cases[i].m_kib);
		assert_err(ring_open(r, buf_view(&r->blob)), cases[i].want);
	}
	store_be32(r->blob.p + AT_T, 3);
	store_be32(r->blob.p + AT_M, 256 * 1024);
	const struct kdf_params pinned = { .t = 4, .m_kib = 256 * 1024 };
	r->expect.pinned = &pinned;
	assert_err(ring_open(r, buf_view(&r->blob)), ERR_KDF_FLOOR);
	r->expect.pinned = &r->kdf;
	r->expect.rev_min = 5;
	assert_ok(ring_open(r, buf_view(&r->blob)));
	r->expect.rev_min = 6;
	assert_err(ring_open(r, buf_view(&r->blob)), ERR_EXPIRED);
	r->expect.rev_min = 0;
	r->expect.user_id = test_id(9);
	assert_err(ring_open(r, buf_view(&r->blob)), ERR_CONFLICT);
	r->expect.user_id = r->user;
	r->expect.clinic_id = test_id(9);
	assert_err(ring_open(r, buf_view(&r->blob)), ERR_CONFLICT);
}

static void test_numbers_of_a_head_begin_at_one(void **state)
{
	struct ring *r = *state;
	store_be64(r->blob.p + AT_REV, 0);
	assert_err(ring_open(r, buf_view(&r->blob)), ERR_BAD_FORMAT);
	store_be64(r->blob.p + AT_REV, 5);
	store_be32(r->blob.p + AT_CS_ID, 0);
	assert_err(ring_open(r, buf_view(&r->blob)), ERR_BAD_FORMAT);
	store_be32(r->blob.p + AT_CS_ID, 1);
	static uint8_t large[KEYRING_BLOB_BYTES_MAX + 1];
	struct keyring_head h;
	memcpy(large, r->blob.p, AT_NONCE);
	assert_ok(keyring_read_head(view_of(large, KEYRING_BLOB_BYTES_MAX), &h));
	assert_err(keyring_read_head(VIEW_OF(large), &h), ERR_BAD_FORMAT);
}

static void test_rewrapping_keeps_the_seeds(void **state)
{
	struct ring *r = *state;
	CLEANUP(secret_freep) struct secret *a = test_secret(7, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *cs = test_secret(8, KEY_BYTES);
	CLEANUP(pass_keys_finip) struct pass_keys fresh = { 0 };
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	CLEANUP(secret_freep) struct secret *before = NULL;
	CLEANUP(secret_freep) struct secret *after = NULL;
	assert_ok(pass_keys_from_a(a, cs, &r->clinic, &r->user, &fresh));
	assert_ok(keyring_seal(r->keyring, &fresh, 6, &r->kdf, r->salt, 2, &blob));
	assert_err(keyring_open(buf_view(&blob), &r->expect, &r->keys, &k), ERR_AUTH);
	assert_ok(keyring_open(buf_view(&blob), &r->expect, &fresh, &k));
	assert_ok(keyring_seed(r->keyring, 1, &before));
	assert_ok(keyring_seed(k, 1, &after));
	assert_true(secret_equal(before, after));
	buf_clear(&blob);
	const struct kdf_params weak = { .t = 0, .m_kib = 1 };
	assert_err(keyring_seal(r->keyring, &fresh, 7, &weak, r->salt, 2, &blob), ERR_KDF_FLOOR);
	assert_int_equal(blob.len, 0);
}

struct recovery_case {
	struct ring *ring;
	struct box_key crk;
};

static void refuse_recovery(struct view bad, void *ctx)
{
	struct recovery_case *c = ctx;
	struct keyring *k = NULL;
	const enum err e = keyring_open_recovery(bad, &c->ring->expect, &c->crk, &k);
	assert_true(e == ERR_BAD_FORMAT || e == ERR_VERSION || e == ERR_CONFLICT || e == ERR_AUTH);
	assert_null(k);
}

static void test_recovery_blob(void **state)
{
	struct ring *r = *state;
	struct recovery_case c = { .ring = r, .crk = test_box_key(5) };
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	struct keyring_head h;
	struct keyring *none = NULL;
	assert_ok(keyring_seal_recovery(r->keyring, &c.crk.pk, 5, &blob));
	assert_ok(keyring_read_head(buf_view(&blob), &h));
	assert_int_equal(h.kind, KEYRING_BY_RECOVERY);
	assert_int_equal(h.kdf.t, 0);
	assert_ok(keyring_open_recovery(buf_view(&blob), &r->expect, &c.crk, &k));
	assert_int_equal(keyring_gen(k), 2);
	test_each_damage(buf_view(&blob), refuse_recovery, &c);
	CLEANUP(box_key_finip) struct box_key wrong = test_box_key(6);
	assert_err(keyring_open_recovery(buf_view(&blob), &r->expect, &wrong, &none), ERR_AUTH);
	/* Neither kind passes as the other. */
	assert_err(ring_open(r, buf_view(&blob)), ERR_BAD_FORMAT);
	assert_err(keyring_open_recovery(buf_view(&r->blob), &r->expect, &c.crk, &none),
		   ERR_BAD_FORMAT);
	box_key_fini(&c.crk);
}

static void test_generations_are_bounded_and_fit_a_blob(void **state)
{
	struct ring *r = *state;
	while (keyring_gen(r->keyring) < KEYRING_GENS_MAX) assert_ok(keyring_add_gen(r->keyring));
	assert_err(keyring_add_gen(r->keyring), ERR_FULL);
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	assert_ok(keyring_seal(r->keyring, &r->keys, 6, &r->kdf, r->salt, 1, &blob));
	assert_true(blob.len <= KEYRING_BLOB_BYTES_MAX);
	assert_ok(keyring_open(buf_view(&blob), &r->expect, &r->keys, &k));
	assert_int_equal(keyring_gen(k), KEYRING_GENS_MAX);
}

static void test_derived_keys_are_all_different(void **state)
{
	struct ring *r = *state;
	const struct id room_a = test_id(3), room_b = test_id(4);
	struct secret *keys[7] = { NULL };
	assert_ok(keyring_note_kek(r->keyring, 1, &keys[0]));
	assert_ok(keyring_note_kek(r->keyring, 2, &keys[1]));
	assert_ok(keyring_vault_key(r->keyring, 1, &keys[2]));
	assert_ok(keyring_local_key(r->keyring, 1, &room_a, &keys[3]));
	assert_ok(keyring_local_key(r->keyring, 1, &room_b, &keys[4]));
	assert_ok(keyring_local_key(r->keyring, 2, &room_a, &keys[5]));
	assert_ok(keyring_seed(r->keyring, 1, &keys[6]));
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		for (size_t j = 0; j < i; j++) assert_false(secret_equal(keys[i], keys[j]));
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++) secret_free(keys[i]);
}

#define ring_test(f) cmocka_unit_test_setup_teardown(f, ring_setup, ring_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(test_opens_to_the_same_seeds),
		ring_test(test_head_is_blob_v1),
		ring_test(test_every_flipped_byte_is_refused),
		ring_test(test_wrong_passphrase_is_told_from_damage),
		ring_test(test_server_cannot_weaken_or_roll_back),
		ring_test(test_what_opens_and_is_no_keyring_is_damage),
		ring_test(test_numbers_of_a_head_begin_at_one),
		ring_test(test_rewrapping_keeps_the_seeds),
		ring_test(test_recovery_blob),
		ring_test(test_generations_are_bounded_and_fit_a_blob),
		ring_test(test_derived_keys_are_all_different),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
