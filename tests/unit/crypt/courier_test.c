/* courier and join_blob: what rooms leave for the server, and what an invitation carries. */
#include "crypt/aead.h"
#include "crypt/courier.h"
#include "crypt/join_blob.h"
#include "unit/crypt/helpers.h"

struct boot_case {
	struct box_key ingest;
	struct id room, boot;
};

static void refuse_boot_key(struct view bad, void *ctx)
{
	const struct boot_case *c = ctx;
	struct boot_key k = { 0 };
	const enum err e = boot_key_open(&c->ingest, &c->room, &c->boot, bad, &k);
	if (bad.len != BOOT_KEY_SEALED_BYTES)
		assert_err(e, ERR_BAD_FORMAT);
	else
		assert_err(e, bad.p[0] == 1 ? ERR_AUTH : ERR_VERSION);
	assert_null(k.key);
}

static void test_boot_key_reaches_the_server_only(void **state)
{
	(void)state;
	CLEANUP(boot_key_finip) struct boot_key k = { 0 };
	CLEANUP(boot_key_finip) struct boot_key back = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	struct boot_case c = { .ingest = test_box_key(1), .room = test_id(2) };
	assert_ok(boot_key_new(&k));
	c.boot = k.boot_id;
	assert_ok(boot_key_seal(&k, &c.ingest.pk, &c.room, &sealed));
	assert_int_equal(sealed.len, BOOT_KEY_SEALED_BYTES);
	assert_ok(boot_key_open(&c.ingest, &c.room, &c.boot, buf_view(&sealed), &back));
	assert_true(secret_equal(k.key, back.key));
	assert_true(id_equal(&k.boot_id, &back.boot_id));
	test_each_damage(buf_view(&sealed), refuse_boot_key, &c);
	const struct id other = test_id(9);
	struct boot_key none = { 0 };
	assert_err(boot_key_open(&c.ingest, &other, &c.boot, buf_view(&sealed), &none), ERR_AUTH);
	assert_err(boot_key_open(&c.ingest, &c.room, &other, buf_view(&sealed), &none), ERR_AUTH);
	CLEANUP(box_key_finip) struct box_key wrong = test_box_key(7);
	assert_err(boot_key_open(&wrong, &c.room, &c.boot, buf_view(&sealed), &none), ERR_AUTH);
	box_key_fini(&c.ingest);
}

struct row_case {
	struct boot_key key;
	struct outbox_row row;
};

static void refuse_row(struct view bad, void *ctx)
{
	const struct row_case *c = ctx;
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_err(outbox_row_open(&c->key, &c->row, bad, &out),
		   bad.len < AEAD_OVERHEAD_BYTES ? ERR_BAD_FORMAT : ERR_AUTH);
	assert_int_equal(out.len, 0);
}

static void test_outbox_row_is_bound_to_its_place(void **state)
{
	(void)state;
	struct row_case c = { .row = { .room_id = test_id(1),
				       .op_id = test_id(2),
				       .lane_id = test_hash(3),
				       .lane_seq = 4 } };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_ok(boot_key_new(&c.key));
	assert_ok(outbox_row_seal(&c.key, &c.row, view_str("a whole op"), &sealed));
	assert_ok(outbox_row_open(&c.key, &c.row, buf_view(&sealed), &out));
	assert_true(view_equal(buf_view(&out), view_str("a whole op")));
	test_each_damage(buf_view(&sealed), refuse_row, &c);
	const struct row_case good = c;
	for (int i = 0; i < 5; i++) {
		c = good;
		if (i == 0) c.row.room_id = test_id(9);
		if (i == 1) c.row.op_id = test_id(9);
		if (i == 2) c.row.lane_id = test_hash(9);
		if (i == 3) c.row.lane_seq = 5;
		if (i == 4) c.key.boot_id = test_id(9);
		refuse_row(buf_view(&sealed), &c);
	}
	c = good;
	boot_key_fini(&c.key);
}

static void test_outbox_row_limit(void **state)
{
	(void)state;
	static uint8_t big[OP_BYTES_MAX + 1];
	CLEANUP(boot_key_finip) struct boot_key k = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct outbox_row row = { .lane_seq = 1 };
	assert_ok(boot_key_new(&k));
	assert_err(outbox_row_seal(&k, &row, VIEW_OF(big), &sealed), ERR_TOO_BIG);
	assert_int_equal(sealed.len, 0);
	assert_ok(outbox_row_seal(&k, &row, view_of(big, OP_BYTES_MAX), &sealed));
	assert_ok(outbox_row_open(&k, &row, buf_view(&sealed), &out));
	assert_int_equal(out.len, OP_BYTES_MAX);
	assert_ok(buf_append_u8(&sealed, 0));
	assert_err(outbox_row_open(&k, &row, buf_view(&sealed), &out), ERR_TOO_BIG);
}

/* ---- join blob ---- */

#define EXPIRES_MS 1700000900000u

static struct join_blob sample_blob(const struct sign_key *root)
{
	const struct id clinic = test_id(0xcc);
	struct join_blob b = { .clinic_id = clinic,
			       .cs_id = 2,
			       .cs = test_secret(1, KEY_BYTES),
			       .prev_cs_id = 1,
			       .prev_cs = test_secret(2, KEY_BYTES),
			       .root_pk = root->pk,
			       .dir_seq = 7,
			       .dir_hash = test_hash(8) };
	const struct server_record server = {
		.clinic_id = clinic, .seq = 1, .spki = { test_hash(1) }, .spki_count = 1
	};
	const struct policy policy = { .clinic_id = clinic,
				       .version = 1,
				       .clinic_name = view_str("Harbour"),
				       .crk_pk = { { 1 } },
				       .k = 2,
				       .n = 3 };
	const struct epoch_record epoch = { .clinic_id = clinic,
					    .epoch = test_id(1),
					    .n = 1,
					    .signer_id = test_id(2),
					    .signer_g = 1 };
	assert_ok(server_record_encode(&server, &b.server_record));
	assert_ok(policy_encode(&policy, &b.policy));
	assert_ok(epoch_record_encode(&epoch, &b.epoch_record));
	b.server_record_sig = sign_bytes(root, buf_view(&b.server_record));
	b.policy_sig = sign_bytes(root, buf_view(&b.policy));
	return b;
}

struct join_case {
	struct join_keys keys;
	struct id clinic;
};

static struct join_case join_case_make(uint8_t first)
{
	CLEANUP(secret_freep) struct secret *j = test_secret(first, CODE_SECRET_BYTES);
	struct join_case c = { .clinic = test_id(0xcc) };
	assert_ok(join_keys_derive(j, &c.keys));
	return c;
}

static void refuse_join(struct view bad, void *ctx)
{
	const struct join_case *c = ctx;
	struct join_blob b = { 0 };
	const enum err e = join_blob_open(&c->keys, &c->clinic, EXPIRES_MS, bad, &b);
	assert_true(e == ERR_AUTH || e == ERR_VERSION || e == ERR_BAD_FORMAT);
	assert_null(b.cs);
	assert_null(b.policy.p);
}

static void test_join_blob_goes_round(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key root = test_sign_key(1);
	CLEANUP(join_blob_finip) struct join_blob b = sample_blob(&root);
	CLEANUP(join_blob_finip) struct join_blob back = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	struct join_case c = join_case_make(1);
	assert_ok(join_blob_seal(&c.keys, &b, EXPIRES_MS, &sealed));
	assert_true(sealed.len <= JOIN_BLOB_BYTES_MAX);
	assert_ok(join_blob_open(&c.keys, &c.clinic, EXPIRES_MS, buf_view(&sealed), &back));
	assert_true(secret_equal(b.cs, back.cs));
	assert_true(secret_equal(b.prev_cs, back.prev_cs));
	assert_int_equal(back.cs_id, 2);
	assert_int_equal(back.dir_seq, 7);
	assert_true(hash_equal(&b.dir_hash, &back.dir_hash));
	assert_true(view_equal(buf_view(&b.epoch_record), buf_view(&back.epoch_record)));
	test_each_damage(buf_view(&sealed), refuse_join, &c);

	struct join_blob none = { 0 };
	struct join_case other = join_case_make(2);
	assert_err(join_blob_open(&other.keys, &c.clinic, EXPIRES_MS, buf_view(&sealed), &none),
		   ERR_AUTH);
	assert_err(join_blob_open(&c.keys, &c.clinic, EXPIRES_MS + 1, buf_view(&sealed), &none),
		   ERR_AUTH); /* a lengthened invitation */
	c.clinic = test_id(0xdd);
	assert_err(join_blob_open(&c.keys, &c.clinic, EXPIRES_MS, buf_view(&sealed), &none),
		   ERR_AUTH);
	join_keys_fini(&c.keys);
	join_keys_fini(&other.keys);
}

/* Whoever has J could seal anything; the root's signatures inside must hold all the same. */
static void test_join_blob_checks_what_it_carries(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key root = test_sign_key(1);
	struct join_case c = join_case_make(1);
	for (int i = 0; i < 4; i++) {
		CLEANUP(join_blob_finip) struct join_blob b = sample_blob(&root);
		CLEANUP(buf_finip) struct buf sealed = { 0 };
		struct join_blob none = { 0 };
		if (i == 0) b.server_record_sig.b[0] ^= 1;
		if (i == 1) b.policy_sig.b[0] ^= 1;
		if (i == 2) b.root_pk.b[0] ^= 1;
		if (i == 3) b.epoch_record.p[b.epoch_record.len - 1] = 0; /* signer_g 0 */
		assert_ok(join_blob_seal(&c.keys, &b, EXPIRES_MS, &sealed));
		assert_err(join_blob_open(&c.keys, &c.clinic, EXPIRES_MS, buf_view(&sealed), &none),
			   i == 3 ? ERR_BAD_VALUE : ERR_AUTH);
		assert_null(none.cs);
	}
	join_keys_fini(&c.keys);
}

static void test_join_blob_without_previous_secret(void **state)
{
	(void)state;
	CLEANUP(sign_key_finip) struct sign_key root = test_sign_key(1);
	CLEANUP(join_blob_finip) struct join_blob b = sample_blob(&root);
	CLEANUP(join_blob_finip) struct join_blob back = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	struct join_case c = join_case_make(1);
	b.prev_cs_id = 0;
	assert_err(join_blob_seal(&c.keys, &b, EXPIRES_MS, &sealed), ERR_BAD_VALUE);
	secret_freep(&b.prev_cs);
	assert_ok(join_blob_seal(&c.keys, &b, EXPIRES_MS, &sealed));
	assert_ok(join_blob_open(&c.keys, &c.clinic, EXPIRES_MS, buf_view(&sealed), &back));
	assert_null(back.prev_cs);
	b.cs_id = 0;
	assert_err(join_blob_seal(&c.keys, &b, EXPIRES_MS, &sealed), ERR_BAD_VALUE);
	join_keys_fini(&c.keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot_key_reaches_the_server_only),
		cmocka_unit_test(test_outbox_row_is_bound_to_its_place),
		cmocka_unit_test(test_outbox_row_limit),
		cmocka_unit_test(test_join_blob_goes_round),
		cmocka_unit_test(test_join_blob_checks_what_it_carries),
		cmocka_unit_test(test_join_blob_without_previous_secret),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
