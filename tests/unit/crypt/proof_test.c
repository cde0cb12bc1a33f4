/* proof: a proof holds for one person, one connection, one room, and once changed never. */
#include "crypt/proof.h"
#include "unit/crypt/helpers.h"

static struct login_proof sample_login(void)
{
	struct login_proof p = { .clinic_id = test_id(1),
				 .user_id = test_id(2),
				 .room_spki = test_hash(3) };
	for (size_t i = 0; i < PROOF_NONCE_BYTES; i++) {
		p.cn[i] = (uint8_t)i;
		p.sn[i] = (uint8_t)(0x40 + i);
		p.exporter[i] = (uint8_t)(0x80 + i);
	}
	return p;
}

/* SECURITY 6.1 A3: replayed on another connection or room, or for another person, it fails. */
static void test_login_is_bound_to_every_field(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key auth = test_sign_key(1);
	CLEANUP(sign_key_finip) struct sign_key other = test_sign_key(2);
	const struct login_proof good = sample_login();
	struct sign_sig sig;
	assert_ok(login_proof_sign(&good, &auth, &sig));
	assert_ok(login_proof_verify(&good, &auth.pk, &sig));
	assert_err(login_proof_verify(&good, &other.pk, &sig), ERR_AUTH);

	struct login_proof p = good;
	uint8_t *const fields[] = { p.clinic_id.b, p.user_id.b, p.cn,
				    p.sn,          p.exporter,  p.room_spki.b };
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		fields[i][ID_BYTES - 1] ^= 1;
		assert_err(login_proof_verify(&p, &auth.pk, &sig), ERR_AUTH);
		fields[i][ID_BYTES - 1] ^= 1;
	}
	assert_ok(login_proof_verify(&p, &auth.pk, &sig));
}

/* Nonces of both sides swapped must not give the same message. */
static void test_login_nonces_are_not_interchangeable(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key auth = test_sign_key(1);
	struct login_proof p = sample_login(), swapped = p;
	struct sign_sig sig;
	memcpy(swapped.cn, p.sn, sizeof(p.sn));
	memcpy(swapped.sn, p.cn, sizeof(p.cn));
	assert_ok(login_proof_sign(&p, &auth, &sig));
	assert_err(login_proof_verify(&swapped, &auth.pk, &sig), ERR_AUTH);
}

static void test_unknown_logins_look_the_same_every_time(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *other = test_secret(2, KEY_BYTES);
	struct id a, b;
	uint8_t salt_a[16], salt_b[16];
	assert_ok(login_fake_params(key, view_str("nobody"), &a, salt_a));
	assert_ok(login_fake_params(key, view_str("nobody"), &b, salt_b));
	assert_true(id_equal(&a, &b));
	assert_true(view_equal(VIEW_OF(salt_a), VIEW_OF(salt_b)));
	assert_false(view_equal(VIEW_OF(salt_a), id_view(&a)));
	assert_ok(login_fake_params(key, view_str("nobodz"), &b, salt_b));
	assert_false(id_equal(&a, &b));
	assert_ok(login_fake_params(other, view_str("nobody"), &b, salt_b));
	assert_false(id_equal(&a, &b));
}

static void test_passphrase_change_names_blob_and_key(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key key = test_sign_key(1);
	uint8_t blob[] = "a new keyring blob";
	struct passphrase_change c = { .clinic_id = test_id(1),
				       .user_id = test_id(2),
				       .keyring_rev = 3,
				       .blob = VIEW_OF(blob),
				       .auth_pk = { { 9 } } };
	struct sign_sig sig;
	assert_ok(passphrase_change_sign(&c, &key, &sig));
	assert_ok(passphrase_change_verify(&c, &key.pk, &sig));
	blob[3] ^= 1;
	assert_err(passphrase_change_verify(&c, &key.pk, &sig), ERR_AUTH);
	blob[3] ^= 1;
	c.auth_pk.b[0] ^= 1;
	assert_err(passphrase_change_verify(&c, &key.pk, &sig), ERR_AUTH);
	c.auth_pk.b[0] ^= 1;
	c.keyring_rev = 4;
	assert_err(passphrase_change_verify(&c, &key.pk, &sig), ERR_AUTH);
	c.keyring_rev = 3;
	c.user_id = test_id(3);
	assert_err(passphrase_change_verify(&c, &key.pk, &sig), ERR_AUTH);
}

/* SECURITY 6.1 A5: a proof made on one connection does not fit another. */
static void test_setup_proof(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *s = test_secret(1, CODE_SECRET_BYTES);
	CLEANUP(secret_freep) struct secret *wrong = test_secret(2, CODE_SECRET_BYTES);
	CLEANUP(secret_freep) struct secret *mac_key = NULL;
	CLEANUP(secret_freep) struct secret *wrong_key = NULL;
	assert_ok(setup_mac_derive(s, &mac_key));
	assert_ok(setup_mac_derive(wrong, &wrong_key));
	uint8_t exporter[EXPORTER_BYTES] = { 7 };
	struct hmac proof = setup_proof_make(mac_key, VIEW_OF(exporter));
	assert_ok(setup_proof_verify(mac_key, VIEW_OF(exporter), VIEW_OF(proof.b)));
	assert_err(setup_proof_verify(wrong_key, VIEW_OF(exporter), VIEW_OF(proof.b)), ERR_AUTH);
	assert_err(setup_proof_verify(mac_key, VIEW_OF(exporter), view_of(proof.b, 32)), ERR_AUTH);
	exporter[31] = 1;
	assert_err(setup_proof_verify(mac_key, VIEW_OF(exporter), VIEW_OF(proof.b)), ERR_AUTH);
}

static void test_enrol_proof(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *j = test_secret(1, CODE_SECRET_BYTES);
	CLEANUP(join_keys_finip) struct join_keys k = { 0 };
	assert_ok(join_keys_derive(j, &k));
	assert_false(secret_equal(k.wrap, k.mac));
	struct hash32 spki = test_hash(1);
	uint8_t exporter[EXPORTER_BYTES] = { 7 };
	struct hmac proof;
	assert_ok(enrol_proof_make(k.mac, &spki, VIEW_OF(exporter), &proof));
	assert_ok(enrol_proof_verify(k.mac, &spki, VIEW_OF(exporter), VIEW_OF(proof.b)));
	assert_err(enrol_proof_verify(k.wrap, &spki, VIEW_OF(exporter), VIEW_OF(proof.b)),
		   ERR_AUTH);
	assert_err(enrol_proof_verify(k.mac, &spki, VIEW_OF(exporter), VIEW_EMPTY), ERR_AUTH);
	spki.b[0] ^= 1;
	assert_err(enrol_proof_verify(k.mac, &spki, VIEW_OF(exporter), VIEW_OF(proof.b)), ERR_AUTH);
	spki.b[0] ^= 1;
	exporter[0] ^= 1;
	assert_err(enrol_proof_verify(k.mac, &spki, VIEW_OF(exporter), VIEW_OF(proof.b)), ERR_AUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_is_bound_to_every_field),
		cmocka_unit_test(test_login_nonces_are_not_interchangeable),
		cmocka_unit_test(test_unknown_logins_look_the_same_every_time),
		cmocka_unit_test(test_passphrase_change_names_blob_and_key),
		cmocka_unit_test(test_setup_proof),
		cmocka_unit_test(test_enrol_proof),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
