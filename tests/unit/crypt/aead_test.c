/* aead and sealed_box: every flipped byte, every truncation, every other context is refused. */
#include "crypt/aead.h"
#include "crypt/sealed_box.h"
#include "unit/crypt/helpers.h"

struct aead_case {
	struct secret *key;
	struct view aad;
};

static void refuse_aead(struct view bad, void *ctx)
{
	const struct aead_case *c = ctx;
	CLEANUP(buf_finip) struct buf out = { 0 };
	const enum err e = aead_open_buf(c->key, c->aad, bad, &out);
	assert_err(e, bad.len < AEAD_OVERHEAD_BYTES ? ERR_BAD_FORMAT : ERR_AUTH);
	assert_int_equal(out.len, 0);
	struct secret *s = NULL;
	assert_int_not_equal(aead_open_secret(c->key, c->aad, bad, &s), ERR_OK);
	assert_null(s);
}

static void test_damage_is_refused(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	struct aead_case c = { key, view_str("where it belongs") };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	assert_ok(aead_seal(key, c.aad, view_str("some plain text"), &sealed));
	assert_int_equal(sealed.len, 15 + AEAD_OVERHEAD_BYTES);
	test_each_damage(buf_view(&sealed), refuse_aead, &c);
}

static void test_key_and_aad_must_fit(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *other = test_secret(2, KEY_BYTES);
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct view aad = view_str("aad");
	assert_ok(aead_seal(key, aad, view_str("text"), &sealed));
	assert_err(aead_open_buf(other, aad, buf_view(&sealed), &out), ERR_AUTH);
	assert_err(aead_open_buf(key, view_str("aae"), buf_view(&sealed), &out), ERR_AUTH);
	assert_err(aead_open_buf(key, VIEW_EMPTY, buf_view(&sealed), &out), ERR_AUTH);
	assert_ok(aead_open_buf(key, aad, buf_view(&sealed), &out));
	assert_true(view_equal(buf_view(&out), view_str("text")));
}

static void test_nonces_never_repeat(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(buf_finip) struct buf a = { 0 };
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_ok(aead_seal(key, VIEW_EMPTY, view_str("x"), &a));
	assert_ok(aead_seal(key, VIEW_EMPTY, view_str("x"), &b));
	assert_false(view_equal(view_of(a.p, AEAD_NONCE_BYTES), view_of(b.p, AEAD_NONCE_BYTES)));
}

static void test_appends_and_opens_in_place_of_the_caller(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_ok(buf_append_str(&out, "head"));
	assert_ok(aead_seal(key, VIEW_EMPTY, view_str("12345"), &out));
	assert_true(view_equal(view_of(out.p, 4), view_str("head")));
	const struct view sealed = view_of(out.p + 4, out.len - 4);
	uint8_t plain[5];
	size_t len = 99;
	assert_err(aead_open_to(key, VIEW_EMPTY, sealed, plain, 4, &len), ERR_TOO_BIG);
	assert_int_equal(len, 99);
	assert_ok(aead_open_to(key, VIEW_EMPTY, sealed, plain, sizeof(plain), &len));
	assert_int_equal(len, 5);
	assert_int_equal(plain[4], '5');
}

static void test_empty_plaintext(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	struct secret *s = NULL;
	assert_ok(aead_seal(key, VIEW_EMPTY, VIEW_EMPTY, &sealed));
	assert_ok(aead_open_buf(key, VIEW_EMPTY, buf_view(&sealed), &out));
	assert_int_equal(out.len, 0);
	assert_err(aead_open_secret(key, VIEW_EMPTY, buf_view(&sealed), &s), ERR_BAD_FORMAT);
}

static void test_too_big_leaves_out_alone(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(buf_finip) struct buf out = { 0 };
	uint8_t *big = calloc(1, AEAD_PLAIN_BYTES_MAX + 1);
	assert_non_null(big);
	assert_err(aead_seal(key, VIEW_EMPTY, view_of(big, AEAD_PLAIN_BYTES_MAX + 1), &out),
		   ERR_TOO_BIG);
	assert_int_equal(out.len, 0);
	free(big);
}

struct box_case {
	struct box_key key;
	struct enc *info;
};

static void refuse_box(struct view bad, void *ctx)
{
	const struct box_case *c = ctx;
	CLEANUP(buf_finip) struct buf out = { 0 };
	struct secret *s = NULL;
	const enum err e = sealed_box_open_buf(&c->key, c->info, bad, &out);
	assert_int_equal(out.len, 0);
	if (bad.len < SEALED_BOX_OVERHEAD_BYTES)
		assert_err(e, ERR_BAD_FORMAT);
	else if (bad.p[0] != 1)
		assert_err(e, ERR_VERSION);
	else
		assert_err(e, ERR_AUTH);
	assert_int_not_equal(sealed_box_open_secret(&c->key, c->info, bad, &s), ERR_OK);
	assert_null(s);
}

static void test_sealed_box_damage_is_refused(void **state)
{
	(void)state;
	CLEANUP(enc_finip) struct enc info;
	sealed_box_begin(&info, "test");
	enc_add_u64(&info, 1);
	struct box_case c = { test_box_key(1), &info };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	assert_ok(sealed_box_seal(&c.key.pk, &info, view_str("hello"), &sealed));
	assert_int_equal(sealed.len, 5 + SEALED_BOX_OVERHEAD_BYTES);
	test_each_damage(buf_view(&sealed), refuse_box, &c);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_ok(sealed_box_open_buf(&c.key, &info, buf_view(&sealed), &out));
	assert_true(view_equal(buf_view(&out), view_str("hello")));
	box_key_fini(&c.key);
}

static void test_sealed_box_is_bound_to_key_label_and_context(void **state)
{
	(void)state;
	CLEANUP(box_key_finip) struct box_key key = test_box_key(1);
	CLEANUP(box_key_finip) struct box_key other = test_box_key(2);
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	static const struct {
		const char *label;
		uint64_t field;
	} contexts[] = { { "note-grant", 1 }, { "note-grant", 2 }, { "outbox-key", 1 } };
	for (size_t i = 0; i < COUNT_OF(contexts); i++) {
		CLEANUP(enc_finip) struct enc info;
		sealed_box_begin(&info, contexts[i].label);
		enc_add_u64(&info, contexts[i].field);
		if (i == 0) assert_ok(sealed_box_seal(&key.pk, &info, view_str("m"), &sealed));
		assert_err(sealed_box_open_buf(&key, &info, buf_view(&sealed), &out),
			   i == 0 ? ERR_OK : ERR_AUTH);
		assert_err(sealed_box_open_buf(&other, &info, buf_view(&sealed), &out), ERR_AUTH);
	}
}

/* Points of small order would make the shared secret known to everybody. */
static void test_small_order_keys_are_refused(void **state)
{
	(void)state;
	CLEANUP(box_key_finip) struct box_key key = test_box_key(1);
	CLEANUP(enc_finip) struct enc info;
	sealed_box_begin(&info, "test");
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct box_pk zero = { { 0 } }, one = { { 1 } };
	assert_err(sealed_box_seal(&zero, &info, view_str("m"), &out), ERR_AUTH);
	assert_err(sealed_box_seal(&one, &info, view_str("m"), &out), ERR_AUTH);
	assert_int_equal(out.len, 0);
	uint8_t forged[SEALED_BOX_OVERHEAD_BYTES + 1] = { 1 };
	assert_err(sealed_box_open_buf(&key, &info, VIEW_OF(forged), &out), ERR_AUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_is_refused),
		cmocka_unit_test(test_key_and_aad_must_fit),
		cmocka_unit_test(test_nonces_never_repeat),
		cmocka_unit_test(test_appends_and_opens_in_place_of_the_caller),
		cmocka_unit_test(test_empty_plaintext),
		cmocka_unit_test(test_too_big_leaves_out_alone),
		cmocka_unit_test(test_sealed_box_damage_is_refused),
		cmocka_unit_test(test_sealed_box_is_bound_to_key_label_and_context),
		cmocka_unit_test(test_small_order_keys_are_refused),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
