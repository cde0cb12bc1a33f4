/* kdf and hmac: floor and ceiling, separation by context, published values. */
#include "crypt/hmac.h"
#include "crypt/kdf.h"
#include "crypt/pass_keys.h"
#include "unit/crypt/helpers.h"

static void test_floor_and_ceiling(void **state)
{
	(void)state;
	static const struct {
		uint32_t t, m_kib;
		enum err want;
	} cases[] = {
		{ KDF_T_MIN, KDF_M_KIB_MIN, ERR_OK },
		{ KDF_T_MAX, KDF_M_KIB_MAX, ERR_OK },
		{ 3, 256 * 1024, ERR_OK },
		{ KDF_T_MIN - 1, KDF_M_KIB_MIN, ERR_KDF_FLOOR },
		{ KDF_T_MIN, KDF_M_KIB_MIN - 1, ERR_KDF_FLOOR },
		{ KDF_T_MAX + 1, KDF_M_KIB_MIN, ERR_KDF_FLOOR },
		{ KDF_T_MIN, KDF_M_KIB_MAX + 1, ERR_KDF_FLOOR },
		{ 1000000, KDF_M_KIB_MIN, ERR_KDF_FLOOR },
		{ 0, 0, ERR_KDF_FLOOR },
		{ UINT32_MAX, UINT32_MAX, ERR_KDF_FLOOR },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct kdf_params p = { cases[i].t, cases[i].m_kib };
		assert_err(kdf_params_check(&p, NULL), cases[i].want);
	}
}

static void test_pinned_values_only_rise(void **state)
{
	(void)state;
	const struct kdf_params pinned = { 4, KDF_M_KIB_MIN + 100 };
	static const struct {
		uint32_t t, more;
		enum err want;
	} cases[] = { { 4, 100, ERR_OK },
		      { 5, 101, ERR_OK },
		      { 3, 100, ERR_KDF_FLOOR },
		      { 4, 99, ERR_KDF_FLOOR },
		      { 10, 99, ERR_KDF_FLOOR } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct kdf_params p = { cases[i].t, KDF_M_KIB_MIN + cases[i].more };
		assert_err(kdf_params_check(&p, &pinned), cases[i].want);
	}
}

static void test_default_is_accepted_and_the_floor_is_named(void **state)
{
	(void)state;
	const struct kdf_params p = kdf_params_default();
	assert_ok(kdf_params_check(&p, NULL));
#ifdef ROOMKEEP_FAST_KDF
	assert_non_null(strstr(kdf_floor_text(), "FAST TEST BUILD"));
#else
	assert_int_equal(p.t, 3);
	assert_int_equal(p.m_kib, 256 * 1024);
	assert_string_equal(kdf_floor_text(), "kdf floor t=3 m=64MiB");
#endif
}

/* SECURITY 6.1 C6: t=1, m=8 MiB from a lying server is refused before anything is derived. */
static void test_weak_parameters_derive_nothing(void **state)
{
	(void)state;
	static const uint8_t salt[KDF_SALT_BYTES] = { 0 };
	static const struct kdf_params weak[] = { { 0, 8 * 1024 }, { 3, 7 }, { 1000000, 65536 } };
	struct secret *a = NULL;
	for (size_t i = 0; i < COUNT_OF(weak); i++) {
		assert_err(kdf_argon2id(view_str("a long passphrase"), VIEW_OF(salt), &weak[i], &a),
			   ERR_KDF_FLOOR);
		assert_null(a);
	}
}

/* RFC 4231, test case 2. */
static void test_hmac_known_value(void **state)
{
	(void)state;
	const struct hmac mac =
		hmac_sha512(view_str("Jefe"), view_str("what do ya want for nothing?"));
	test_expect_hex(VIEW_OF(mac.b),
			"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
			"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

static void test_hmac_verify_wants_all_of_it(void **state)
{
	(void)state;
	const struct view key = view_str("key"), msg = view_str("message");
	struct hmac mac = hmac_sha512(key, msg);
	assert_ok(hmac_verify(key, msg, VIEW_OF(mac.b)));
	assert_err(hmac_verify(key, msg, view_of(mac.b, HMAC_BYTES - 1)), ERR_AUTH);
	assert_err(hmac_verify(key, msg, VIEW_EMPTY), ERR_AUTH);
	assert_err(hmac_verify(view_str("kez"), msg, VIEW_OF(mac.b)), ERR_AUTH);
	for (size_t i = 0; i < HMAC_BYTES; i++) {
		mac.b[i] ^= 1;
		assert_err(hmac_verify(key, msg, VIEW_OF(mac.b)), ERR_AUTH);
		mac.b[i] ^= 1;
	}
}

static void test_expand_lengths_agree(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *prk = test_secret(1, KDF_PRK_BYTES);
	CLEANUP(secret_freep) struct secret *most = NULL;
	CLEANUP(enc_finip) struct enc info;
	enc_begin(&info, "crs1/test");
	assert_ok(kdf_expand(prk, &info, KDF_EXPAND_BYTES_MAX, &most));
	static const size_t lens[] = { 1, 63, 64, 65, 128, 1000 };
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		CLEANUP(secret_freep) struct secret *okm = NULL;
		assert_ok(kdf_expand(prk, &info, lens[i], &okm));
		assert_true(secret_equal_view(secret_view(okm), view_of(most->p, lens[i])));
	}
}

static void test_empty_salt_is_64_zeros(void **state)
{
	(void)state;
	static const uint8_t zeros[64] = { 0 };
	CLEANUP(secret_freep) struct secret *a = NULL;
	CLEANUP(secret_freep) struct secret *b = NULL;
	assert_ok(kdf_extract(VIEW_EMPTY, view_str("ikm"), &a));
	assert_ok(kdf_extract(VIEW_OF(zeros), view_str("ikm"), &b));
	assert_true(secret_equal(a, b));
}

static void test_failed_enc_derives_nothing(void **state)
{
	(void)state;
	CLEANUP(enc_finip) struct enc info;
	enc_begin_secret(&info,
			 "a label that does not fit into the few bytes given, by far, as it "
			 "is long",
			 8);
	struct secret *key = NULL;
	assert_err(kdf_derive(VIEW_EMPTY, view_str("ikm"), &info, &key), ERR_TOO_BIG);
	assert_null(key);
}

/* Each input on its own changes all three keys. */
static void test_pass_keys_depend_on_everything(void **state)
{
	(void)state;
	const struct id ids[] = { test_id(1), test_id(2) };
	CLEANUP(secret_freep) struct secret *a = test_secret(1, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *b = test_secret(2, KEY_BYTES);
	CLEANUP(pass_keys_finip) struct pass_keys base = { 0 };
	assert_ok(pass_keys_from_a(a, b, &ids[0], &ids[1], &base));
	assert_false(secret_equal(base.uwk, base.ask));
	for (int i = 0; i < 4; i++) {
		CLEANUP(pass_keys_finip) struct pass_keys k = { 0 };
		assert_ok(pass_keys_from_a(i == 0 ? b : a, i == 1 ? a : b, &ids[i == 2 ? 1 : 0],
					   &ids[i == 3 ? 0 : 1], &k));
		assert_false(secret_equal(k.uwk, base.uwk));
		assert_false(secret_equal(k.ask, base.ask));
		assert_false(hash_equal(&k.ucm, &base.ucm));
		assert_false(sign_pk_equal(&k.auth.pk, &base.auth.pk));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor_and_ceiling),
		cmocka_unit_test(test_pinned_values_only_rise),
		cmocka_unit_test(test_default_is_accepted_and_the_floor_is_named),
		cmocka_unit_test(test_weak_parameters_derive_nothing),
		cmocka_unit_test(test_hmac_known_value),
		cmocka_unit_test(test_hmac_verify_wants_all_of_it),
		cmocka_unit_test(test_expand_lengths_agree),
		cmocka_unit_test(test_empty_salt_is_64_zeros),
		cmocka_unit_test(test_failed_enc_derives_nothing),
		cmocka_unit_test(test_pass_keys_depend_on_everything),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
