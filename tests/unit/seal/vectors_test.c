/* Recomputes the room's vectors that tests/tools/vectors.py made without our code, and the keyring
 * part of the anchors of SECURITY 2.17. */
#include "seal/keyring.h"
#include "seal/local_row.h"
#include "seal/note.h"
#include "seal/shares.h"
#include "seal/vault.h"
#include "unit/crypt/helpers.h"
#include "unit/crypt/vector_file.h"

static struct keyring *vector_keyring(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *seed = vector_secret(v, "seed");
	const struct id clinic = vector_id(v, "clinic"), user = vector_id(v, "user");
	struct keyring *k = NULL;
	assert_ok(keyring_from_seed(&clinic, &user, seed, &k));
	return k;
}

static void vector_expect_seeds(const struct vector *v, const struct keyring *k)
{
	struct view want;
	uint64_t g = 0;
	while (vector_nth(v, "seed", (size_t)g, &want)) {
		CLEANUP(secret_freep) struct secret *seed = NULL;
		assert_ok(keyring_seed(k, ++g, &seed));
		assert_true(view_equal(want, secret_view(seed)));
	}
	assert_int_equal(keyring_gen(k), g);
}

static void check_seed(const struct vector *v)
{
	CLEANUP(keyring_freep) struct keyring *k = vector_keyring(v);
	CLEANUP(sign_key_finip) struct sign_key sign = { 0 };
	CLEANUP(box_key_finip) struct box_key box = { 0 };
	CLEANUP(secret_freep) struct secret *kek = NULL;
	CLEANUP(secret_freep) struct secret *vault = NULL;
	CLEANUP(secret_freep) struct secret *local = NULL;
	const struct id room = vector_id(v, "room");
	assert_ok(keyring_sign_key(k, 1, &sign));
	assert_ok(keyring_box_key(k, 1, &box));
	assert_ok(keyring_note_kek(k, 1, &kek));
	assert_ok(keyring_vault_key(k, 1, &vault));
	assert_ok(keyring_local_key(k, 1, &room, &local));
	vector_expect(v, "sign_pk", sign_pk_view(&sign.pk));
	vector_expect(v, "box_sk", secret_view(box.sk));
	vector_expect(v, "box_pk", box_pk_view(&box.pk));
	vector_expect(v, "note_kek", secret_view(kek));
	vector_expect(v, "vault_key", secret_view(vault));
	vector_expect(v, "local_key", secret_view(local));
}

static void check_keyring(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *a = vector_secret(v, "a");
	CLEANUP(secret_freep) struct secret *cs = vector_secret(v, "cs");
	CLEANUP(pass_keys_finip) struct pass_keys keys = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	CLEANUP(buf_finip) struct buf again = { 0 };
	const struct keyring_expect expect = { .clinic_id = vector_id(v, "clinic"),
					       .user_id = vector_id(v, "user") };
	const struct kdf_params params = { .t = 3, .m_kib = 262144 };
	assert_ok(pass_keys_from_a(a, cs, &expect.clinic_id, &expect.user_id, &keys));
	assert_ok(keyring_open(vector_bytes(v, "blob"), &expect, &keys, &k));
	vector_expect_seeds(v, k);
	assert_ok(keyring_seal_with_nonce(k, &keys, vector_u64(v, "rev"), &params,
					  vector_bytes(v, "salt").p, 1, vector_bytes(v, "nonce"),
					  &again));
	vector_expect(v, "blob", buf_view(&again));
}

static void check_recovery(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *sk = vector_secret(v, "crk");
	CLEANUP(box_key_finip) struct box_key crk = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	const struct keyring_expect expect = { .clinic_id = vector_id(v, "clinic"),
					       .user_id = vector_id(v, "user"),
					       .rev_min = vector_u64(v, "rev") };
	assert_ok(box_key_from_sk(sk, &crk));
	assert_ok(keyring_open_recovery(vector_bytes(v, "blob"), &expect, &crk, &k));
	vector_expect_seeds(v, k);
}

static void check_note(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *nk = vector_secret(v, "nk");
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	struct id parents[4];
	size_t count = 0;
	struct view parent;
	while (vector_nth(v, "parent", count, &parent)) {
		assert_ok(id_from_view(parent, &parents[count++]));
	}
	const struct note_head head = {
		.clinic_id = vector_id(v, "clinic"),
		.note_id = vector_id(v, "note"),
		.note_gen = vector_u64(v, "note_gen"),
		.author_id = vector_id(v, "author"),
		.author_gen = vector_u64(v, "author_gen"),
		.lane_id = vector_hash(v, "lane"),
		.lane_seq = vector_u64(v, "lane_seq"),
		.parents = parents,
		.parent_count = count,
	};
	struct hash32 commitment;
	uint8_t plain[8192];
	size_t len = 0;
	assert_ok(note_seal_with_nonce(nk, &head, vector_bytes(v, "plain"),
				       vector_bytes(v, "nonce"), &commitment, &sealed));
	vector_expect(v, "commitment", hash_view(&commitment));
	vector_expect(v, "sealed", buf_view(&sealed));
	assert_ok(note_open(nk, &head, &commitment, vector_bytes(v, "sealed"), plain, sizeof(plain),
			    &len));
	vector_expect(v, "plain", view_of(plain, len));
}

static void check_wrap(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *kek = vector_secret(v, "kek");
	CLEANUP(secret_freep) struct secret *nk = NULL;
	const struct note_wrap_context c = { .clinic_id = vector_id(v, "clinic"),
					     .user_id = vector_id(v, "user"),
					     .g = vector_u64(v, "g"),
					     .note_id = vector_id(v, "note"),
					     .note_gen = vector_u64(v, "note_gen") };
	assert_ok(note_key_unwrap(kek, &c, vector_bytes(v, "sealed"), &nk));
	vector_expect(v, "nk", secret_view(nk));
}

static void check_grant(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *sk = vector_secret(v, "sk");
	CLEANUP(box_key_finip) struct box_key rcpt = { 0 };
	CLEANUP(secret_freep) struct secret *nk = NULL;
	const struct grant_context c = { .clinic_id = vector_id(v, "clinic"),
					 .grant_id = vector_id(v, "grant"),
					 .note_id = vector_id(v, "note"),
					 .note_gen = vector_u64(v, "note_gen"),
					 .author_id = vector_id(v, "author"),
					 .author_gen = vector_u64(v, "author_gen"),
					 .rcpt_id = vector_id(v, "rcpt"),
					 .rcpt_gen = vector_u64(v, "rcpt_gen"),
					 .consent_hash = vector_hash(v, "consent") };
	assert_ok(box_key_from_sk(sk, &rcpt));
	assert_ok(grant_open(&rcpt, &c, vector_bytes(v, "sealed"), &nk));
	vector_expect(v, "nk", secret_view(nk));
}

static void check_vault(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *key = vector_secret(v, "key");
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct vault_context c = { .clinic_id = vector_id(v, "clinic"),
					 .user_id = vector_id(v, "user"),
					 .g = vector_u64(v, "g") };
	uint64_t rev = 0;
	assert_ok(vault_open(key, &c, vector_bytes(v, "blob"), &rev, &out));
	assert_int_equal(rev, vector_u64(v, "rev"));
	vector_expect(v, "plain", buf_view(&out));
}

static void check_row(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *key = vector_secret(v, "key");
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct row_context c = { .room_id = vector_id(v, "room"),
				       .user_id = vector_id(v, "user"),
				       .table = vector_text(v, "table"),
				       .row_id = vector_bytes(v, "row"),
				       .row_rev = vector_u64(v, "rev") };
	assert_ok(row_open(key, &c, vector_bytes(v, "sealed"), &out));
	vector_expect(v, "plain", buf_view(&out));
}

/* The first k and the last k of the shares give the key; printing gives the text again. */
static void check_shares(const struct vector *v)
{
	struct share shares[RECOVERY_SHARES_MAX] = { 0 };
	size_t n = 0, bad = 99;
	struct view text;
	while (vector_nth(v, "share", n, &text)) {
		CLEANUP(secret_freep) struct secret *printed = NULL;
		assert_ok(share_parse(text, &shares[n], NULL));
		assert_ok(share_print(&shares[n], &printed));
		assert_true(view_equal(text, secret_view(printed)));
		n++;
	}
	assert_int_equal(n, vector_u64(v, "n"));
	const size_t k = (size_t)vector_u64(v, "k");
	const enum share_key_type type = (enum share_key_type)vector_u64(v, "type");
	for (size_t from = 0; from + k <= n; from += n - k) {
		CLEANUP(secret_freep) struct secret *key = NULL;
		assert_ok(
			shares_combine(shares + from, k, type, vector_bytes(v, "pk"), &key, &bad));
		vector_expect(v, "key", secret_view(key));
	}
	for (size_t i = 0; i < n; i++) share_fini(&shares[i]);
}

/* SECURITY 6.1 C7: the cipher itself opens it under either key; we open it under one. */
static void check_two_key_note(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *nk = vector_secret(v, "nk");
	CLEANUP(secret_freep) struct secret *other_nk = vector_secret(v, "other_nk");
	CLEANUP(secret_freep) struct secret *other_body = vector_secret(v, "other_body");
	const struct note_head head = { .clinic_id = vector_id(v, "clinic"),
					.note_id = vector_id(v, "note"),
					.note_gen = 1,
					.author_id = vector_id(v, "author"),
					.author_gen = 1,
					.lane_id = vector_hash(v, "lane"),
					.lane_seq = 1 };
	const struct hash32 commitment = vector_hash(v, "commitment");
	const struct view sealed = vector_bytes(v, "sealed");
	uint8_t plain[2048];
	size_t len = 0;
	assert_ok(aead_open_to(other_body, vector_bytes(v, "aad"), sealed, plain, sizeof(plain),
			       &len));
	assert_ok(note_open(nk, &head, &commitment, sealed, plain, sizeof(plain), &len));
	assert_err(note_open(other_nk, &head, &commitment, sealed, plain, sizeof(plain), &len),
		   ERR_AUTH);
}

static void check_two_key_ring(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *a = vector_secret(v, "a");
	CLEANUP(secret_freep) struct secret *other_a = vector_secret(v, "other_a");
	CLEANUP(secret_freep) struct secret *cs = vector_secret(v, "cs");
	CLEANUP(pass_keys_finip) struct pass_keys keys = { 0 };
	CLEANUP(pass_keys_finip) struct pass_keys other = { 0 };
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	CLEANUP(buf_finip) struct buf plain = { 0 };
	const struct keyring_expect expect = { .clinic_id = vector_id(v, "clinic"),
					       .user_id = vector_id(v, "user") };
	const struct view blob = vector_bytes(v, "blob");
	const struct view aad = view_of(blob.p, 108);
	const struct view sealed = view_of(blob.p + 108, blob.len - 108);
	assert_ok(pass_keys_from_a(a, cs, &expect.clinic_id, &expect.user_id, &keys));
	assert_ok(pass_keys_from_a(other_a, cs, &expect.clinic_id, &expect.user_id, &other));
	assert_ok(aead_open_buf(keys.uwk, aad, sealed, &plain));
	assert_ok(aead_open_buf(other.uwk, aad, sealed, &plain));
	assert_err(keyring_open(blob, &expect, &other, &k), ERR_AUTH);
	assert_err(keyring_open(blob, &expect, &keys, &k), ERR_CORRUPT);
}

static void test_rooms_formats(void **state)
{
	(void)state;
	static const struct vector_kind kinds[] = {
		{ "seed", check_seed, 4 },
		{ "keyring", check_keyring, 3 },
		{ "recovery", check_recovery, 3 },
		{ "note", check_note, 6 },
		{ "wrap", check_wrap, 3 },
		{ "grant", check_grant, 2 },
		{ "vault", check_vault, 2 },
		{ "row", check_row, 2 },
		{ "shares", check_shares, 2 },
		{ "two-key-note", check_two_key_note, 1 },
		{ "two-key-ring", check_two_key_ring, 1 },
	};
	vector_run_file("seal.txt", kinds, COUNT_OF(kinds));
}

static void test_keyring_gives_the_anchor_keys(void **state)
{
	(void)state;
	const struct id clinic = test_id_up(0xa0), user = test_id_up(0xb0);
	CLEANUP(secret_freep) struct secret *us1 = test_secret(0x40, KEY_BYTES);
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	CLEANUP(sign_key_finip) struct sign_key sign = { 0 };
	CLEANUP(box_key_finip) struct box_key box = { 0 };
	CLEANUP(secret_freep) struct secret *kek = NULL;
	assert_ok(keyring_from_seed(&clinic, &user, us1, &k));
	assert_ok(keyring_sign_key(k, 1, &sign));
	assert_ok(keyring_box_key(k, 1, &box));
	assert_ok(keyring_note_kek(k, 1, &kek));
	test_expect_hex(sign_pk_view(&sign.pk),
			"6820b0518d9572f4b7967e92d0629278dae4507d88fdd8ac84d511b19149f8db");
	test_expect_hex(secret_view(box.sk),
			"708260c070d040b2e4c9342968e3a7a3f41101d709bed70929c7301a2f81e348");
	test_expect_hex(box_pk_view(&box.pk),
			"7d00337068265dab70801a6b7241a2ae71080587a118c35861949e2f86e05074");
	test_expect_hex(secret_view(kek),
			"75db14c57fd33ea40ff393cc5952ae64a0e5682ff36fa6b521b3afde8427d31e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rooms_formats),
		cmocka_unit_test(test_keyring_gives_the_anchor_keys),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
