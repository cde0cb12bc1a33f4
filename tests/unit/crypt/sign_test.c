/* sign and hash: signatures that hold, and all that do not. */
#include "crypt/enc.h"
#include "unit/crypt/helpers.h"

static void test_every_flipped_bit_breaks_it(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key k = test_sign_key(1);
	uint8_t msg[] = "a message of some length";
	struct sign_sig sig = sign_bytes(&k, VIEW_OF(msg));
	assert_ok(sign_verify(&k.pk, VIEW_OF(msg), &sig));
	for (size_t i = 0; i < SIGN_SIG_BYTES; i++) {
		sig.b[i] ^= (uint8_t)(1u << (i % 8));
		assert_err(sign_verify(&k.pk, VIEW_OF(msg), &sig), ERR_AUTH);
		sig.b[i] ^= (uint8_t)(1u << (i % 8));
	}
	for (size_t i = 0; i < sizeof(msg); i++) {
		msg[i] ^= 0x80;
		assert_err(sign_verify(&k.pk, VIEW_OF(msg), &sig), ERR_AUTH);
		msg[i] ^= 0x80;
	}
	assert_err(sign_verify(&k.pk, view_of(msg, sizeof(msg) - 1), &sig), ERR_AUTH);
	struct sign_pk other = k.pk;
	for (size_t i = 0; i < SIGN_PK_BYTES; i++) {
		other.b[i] ^= 1;
		assert_err(sign_verify(&other, VIEW_OF(msg), &sig), ERR_AUTH);
		other.b[i] ^= 1;
	}
}

/* With the identity as public key and R, an all-but-zero signature would fit every message. */
static void test_weak_public_key_signs_nothing(void **state)
{
	(void)state;
	const struct sign_pk identity = { { 1 } };
	const struct sign_sig sig = { { 1 } };
	assert_err(sign_verify(&identity, view_str("anything"), &sig), ERR_AUTH);
	const struct sign_pk zero = { { 0 } };
	const struct sign_sig none = { { 0 } };
	assert_err(sign_verify(&zero, view_str("anything"), &none), ERR_AUTH);
}

static void test_seed_goes_round(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key a = { 0 };
	CLEANUP(sign_key_finip) struct sign_key b = { 0 };
	CLEANUP(sign_key_finip) struct sign_key c = { 0 };
	CLEANUP(secret_freep) struct secret *seed = NULL;
	assert_ok(sign_key_new(&a));
	assert_ok(sign_key_seed(&a, &seed));
	assert_int_equal(seed->len, KEY_BYTES);
	assert_ok(sign_key_from_seed(seed, &b));
	assert_true(sign_pk_equal(&a.pk, &b.pk));
	assert_ok(sign_key_new(&c));
	assert_false(sign_pk_equal(&a.pk, &c.pk));
}

static void test_enc_is_what_is_signed(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key k = test_sign_key(1);
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/test");
	enc_add_u64(&e, 5);
	struct sign_sig sig;
	struct view bytes;
	assert_ok(sign_enc(&k, &e, &sig));
	assert_ok(enc_end(&e, &bytes));
	assert_ok(sign_verify(&k.pk, bytes, &sig));
	assert_ok(sign_verify_enc(&k.pk, &e, &sig));
	enc_add_u64(&e, 6);
	assert_err(sign_verify_enc(&k.pk, &e, &sig), ERR_AUTH);
}

static void test_views_must_have_the_exact_length(void **state)
{
	(void)state;
	static const uint8_t bytes[SIGN_SIG_BYTES + 1] = { 0 };
	struct sign_pk pk;
	struct sign_sig sig;
	struct box_pk box;
	struct hash32 h;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		const enum err want32 = len == 32 ? ERR_OK : ERR_BAD_FORMAT;
		assert_err(sign_pk_from_view(view_of(bytes, len), &pk), want32);
		assert_err(box_pk_from_view(view_of(bytes, len), &box), want32);
		assert_err(hash_from_view(view_of(bytes, len), &h), want32);
		assert_err(sign_sig_from_view(view_of(bytes, len), &sig),
			   len == SIGN_SIG_BYTES ? ERR_OK : ERR_BAD_FORMAT);
	}
}

static void test_hash_order_and_zero(void **state)
{
	(void)state;
	struct hash32 a = test_hash(5), b = test_hash(5);
	assert_int_equal(hash_compare(&a, &b), 0);
	b.b[31] = 6;
	assert_int_equal(hash_compare(&a, &b), -1);
	b.b[0] = 4;
	assert_int_equal(hash_compare(&a, &b), 1);
	assert_false(hash_equal(&a, &b));
	a = test_hash(0);
	assert_true(hash_is_zero(&a));
	a.b[31] = 1;
	assert_false(hash_is_zero(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_flipped_bit_breaks_it),
		cmocka_unit_test(test_weak_public_key_signs_nothing),
		cmocka_unit_test(test_seed_goes_round),
		cmocka_unit_test(test_enc_is_what_is_signed),
		cmocka_unit_test(test_views_must_have_the_exact_length),
		cmocka_unit_test(test_hash_order_and_zero),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
