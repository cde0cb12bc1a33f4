/* The anchor vectors of SECURITY 2.17, byte for byte, on the server's side of the house; keyring
 * keys are derived here by hand because common/seal is not linked (tests/unit/seal has them
 * again). */
#include "crypt/directory.h"
#include "crypt/kdf.h"
#include "crypt/op.h"
#include "crypt/pass_keys.h"
#include "crypt/passphrase.h"
#include "crypt/proof.h"
#include "crypt/sealed_box.h"
#include "unit/crypt/helpers.h"

static struct secret *derive(const struct secret *us1, const char *label)
{
	const struct id clinic = test_id_up(0xa0), user = test_id_up(0xb0);
	CLEANUP(enc_finip) struct enc info;
	enc_begin(&info, label);
	enc_add_id(&info, &clinic);
	enc_add_id(&info, &user);
	enc_add_u64(&info, 1);
	struct secret *key = NULL;
	assert_ok(kdf_derive(VIEW_EMPTY, secret_view(us1), &info, &key));
	return key;
}

static void test_passphrase_gives_the_anchor_keys(void **state)
{
	(void)state;
	const struct id clinic = test_id_up(0xa0), user = test_id_up(0xb0);
	const struct kdf_params params = { .t = 3, .m_kib = 256 * 1024 };
	CLEANUP(secret_freep) struct secret *salt = test_secret(0, KDF_SALT_BYTES);
	CLEANUP(secret_freep) struct secret *cs = test_secret(0x20, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *p = NULL;
	CLEANUP(secret_freep) struct secret *a = NULL;
	CLEANUP(pass_keys_finip) struct pass_keys keys = { 0 };
	assert_ok(passphrase_normalize(view_str("correct horse battery staple"), &p, NULL));
	assert_ok(kdf_argon2id(secret_view(p), secret_view(salt), &params, &a));
	test_expect_hex(secret_view(a),
			"aad608b5866cef907f47d5cae529ed01a91301c92c5d5fef46e1a65e394e5742");
	assert_ok(pass_keys_from_a(a, cs, &clinic, &user, &keys));
	test_expect_hex(secret_view(keys.uwk),
			"723b613b88cb0ffc7ab16967628f344263755be5a6636d6f4c309b18079b0bec");
	test_expect_hex(hash_view(&keys.ucm),
			"5b82de6f870ebe40cb4c1e8048c9dda3bd1a3a45bc590db6e392c5202f817120");
	test_expect_hex(secret_view(keys.ask),
			"404868e0a0d0a8c7a00d01f5b6e8ca2ba6bf9ab0807e4d6b65e2fdcd2875f548");
	test_expect_hex(sign_pk_view(&keys.auth.pk),
			"cb0d720a70d07affeea4add3f8c378c49f43706c8bb5e0f34d9611ae56abac9f");
}

static void test_seed_gives_the_anchor_fingerprint(void **state)
{
	(void)state;
	const struct id clinic = test_id_up(0xa0), user = test_id_up(0xb0);
	CLEANUP(secret_freep) struct secret *us1 = test_secret(0x40, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *sign_seed = derive(us1, "crs1/sign");
	CLEANUP(secret_freep) struct secret *box_sk = derive(us1, "crs1/box");
	CLEANUP(sign_key_finip) struct sign_key sign = { 0 };
	CLEANUP(box_key_finip) struct box_key box = { 0 };
	assert_ok(sign_key_from_seed(sign_seed, &sign));
	assert_ok(box_key_from_sk(box_sk, &box));
	test_expect_hex(sign_pk_view(&sign.pk),
			"6820b0518d9572f4b7967e92d0629278dae4507d88fdd8ac84d511b19149f8db");
	test_expect_hex(box_pk_view(&box.pk),
			"7d00337068265dab70801a6b7241a2ae71080587a118c35861949e2f86e05074");
	char text[FINGERPRINT_TEXT_BYTES];
	assert_ok(fingerprint_print(&clinic, &user, 1, &sign.pk, &box.pk, text));
	assert_string_equal(text, "93413 02285 11807 56002 32693 40205");
}

static void test_sealed_box_is_the_anchor(void **state)
{
	(void)state;
	static const uint8_t context[] = { 1, 2, 3 };
	CLEANUP(secret_freep) struct secret *us1 = test_secret(0x40, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *box_sk = derive(us1, "crs1/box");
	CLEANUP(secret_freep) struct secret *e = test_secret(0x60, KEY_BYTES);
	CLEANUP(box_key_finip) struct box_key box = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	CLEANUP(enc_finip) struct enc info;
	sealed_box_begin(&info, "note-grant");
	enc_add_bytes(&info, VIEW_OF(context));
	assert_ok(box_key_from_sk(box_sk, &box));
	assert_ok(sealed_box_seal_with(e, &box.pk, &info, view_str("seal test"), &out));
	test_expect_hex(buf_view(&out),
			"01675dd574ed7789310b3d2e7681f3790b466c773b1521fecf36577958371ea52f"
			"90c6299383dec0e83e9a1893c0a343eba7c6b37837f2ffd770");
}

static void test_op_hash_and_signature_are_the_anchor(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *us1 = test_secret(0x40, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *sign_seed = derive(us1, "crs1/sign");
	CLEANUP(sign_key_finip) struct sign_key sign = { 0 };
	CLEANUP(buf_finip) struct buf core = { 0 };
	assert_ok(sign_key_from_seed(sign_seed, &sign));
	const struct op_core op = {
		.clinic_id = test_id_up(0xa0),
		.op_id = test_id(0xc1),
		.kind = 7,
		.author_id = test_id_up(0xb0),
		.author_gen = 1,
		.lane_id = test_hash(0xd2),
		.lane_seq = 1,
		.client_time_ms = 1700000000000,
		.payload_hash = op_payload_hash(view_str("payload")),
	};
	assert_ok(op_core_encode(&op, &core));
	const struct hash32 h = op_hash(buf_view(&core));
	const struct sign_sig sig = op_sign(&sign, buf_view(&core));
	test_expect_hex(hash_view(&h),
			"a5234fb5f2ad26e7417f80e12b057ad1b60d621f9a98596caa2839af8633c347");
	test_expect_hex(sign_sig_view(&sig),
			"13c30163036036187d0487949541de20182a756b89e369b077b5942782aeb273"
			"56287dcea5897b7475c33ae20c24d7d685b5ae227977a3ffe95069b4145b9f08");
	assert_ok(op_verify(&sign.pk, buf_view(&core), &sig));
}

static void test_join_id_is_the_anchor(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *j = test_secret(0x80, CODE_SECRET_BYTES);
	CLEANUP(join_keys_finip) struct join_keys keys = { 0 };
	assert_ok(join_keys_derive(j, &keys));
	test_expect_hex(id_view(&keys.join_id), "ecfc9fa30c640da67e491a2cbd33b318");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passphrase_gives_the_anchor_keys),
		cmocka_unit_test(test_seed_gives_the_anchor_fingerprint),
		cmocka_unit_test(test_sealed_box_is_the_anchor),
		cmocka_unit_test(test_op_hash_and_signature_are_the_anchor),
		cmocka_unit_test(test_join_id_is_the_anchor),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
