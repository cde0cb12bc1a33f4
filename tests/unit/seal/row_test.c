/* vault and local_row: sealed for one person, one place, one revision. */
#include "seal/local_row.h"
#include "seal/vault.h"
#include "unit/crypt/helpers.h"

struct vault_case {
	struct secret *key;
	struct vault_context context;
};

static void refuse_vault(struct view bad, void *ctx)
{
	const struct vault_case *c = ctx;
	CLEANUP(buf_finip) struct buf out = { 0 };
	uint64_t rev = 77;
	const enum err e = vault_open(c->key, &c->context, bad, &rev, &out);
	assert_true(e == ERR_BAD_FORMAT || e == ERR_VERSION || e == ERR_CONFLICT ||
		    e == ERR_EXPIRED || e == ERR_AUTH);
	assert_int_equal(rev, 77);
	assert_int_equal(out.len, 0);
}

static void test_vault(void **state)
{
	(void)state;
	struct vault_case c = { .key = test_secret(1, KEY_BYTES),
				.context = { test_id(1), test_id(2), 3, 4 } };
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	struct vault_context head;
	uint64_t rev = 0;
	assert_ok(vault_seal(c.key, &c.context, view_str("pins"), &blob));
	assert_ok(vault_read_head(buf_view(&blob), &head));
	assert_int_equal(head.g, 3);
	assert_int_equal(head.rev, 4);
	assert_ok(vault_open(c.key, &c.context, buf_view(&blob), &rev, &out));
	assert_int_equal(rev, 4);
	assert_true(view_equal(buf_view(&out), view_str("pins")));
	test_each_damage(buf_view(&blob), refuse_vault, &c);
	secret_free(c.key);
}

static void test_vault_expectations(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *other = test_secret(2, KEY_BYTES);
	const struct vault_context good = { test_id(1), test_id(2), 3, 4 };
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	uint64_t rev = 0;
	assert_ok(vault_seal(key, &good, VIEW_EMPTY, &blob));
	static const struct {
		uint8_t clinic, user;
		uint64_t g, rev;
		enum err want;
	} cases[] = { { 9, 2, 3, 4, ERR_CONFLICT }, { 1, 9, 3, 4, ERR_CONFLICT },
		      { 1, 2, 4, 4, ERR_CONFLICT }, { 1, 2, 3, 5, ERR_EXPIRED },
		      { 1, 2, 3, 3, ERR_OK },       { 1, 2, 3, 0, ERR_OK } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct vault_context c = { test_id(cases[i].clinic), test_id(cases[i].user),
						 cases[i].g, cases[i].rev };
		assert_err(vault_open(key, &c, buf_view(&blob), &rev, &out), cases[i].want);
	}
	assert_err(vault_open(other, &good, buf_view(&blob), &rev, &out), ERR_AUTH);
}

static void test_vault_limit(void **state)
{
	(void)state;
	static uint8_t big[VAULT_PLAIN_BYTES_MAX + 1];
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	const struct vault_context c = { test_id(1), test_id(2), 3, 4 };
	CLEANUP(buf_finip) struct buf blob = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	uint64_t rev = 0;
	assert_err(vault_seal(key, &c, VIEW_OF(big), &blob), ERR_TOO_BIG);
	assert_int_equal(blob.len, 0);
	assert_ok(vault_seal(key, &c, view_of(big, VAULT_PLAIN_BYTES_MAX), &blob));
	assert_ok(vault_open(key, &c, buf_view(&blob), &rev, &out));
	assert_int_equal(out.len, VAULT_PLAIN_BYTES_MAX);
	assert_ok(buf_append_u8(&blob, 0));
	assert_err(vault_open(key, &c, buf_view(&blob), &rev, &out), ERR_TOO_BIG);
}

struct row_case {
	struct secret *key;
	struct row_context context;
};

static void refuse_row(struct view bad, void *ctx)
{
	const struct row_case *c = ctx;
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_err(row_open(c->key, &c->context, bad, &out),
		   bad.len < 40 ? ERR_BAD_FORMAT : ERR_AUTH);
	assert_int_equal(out.len, 0);
}

static void test_row_is_bound_to_its_place(void **state)
{
	(void)state;
	struct row_case c = { .key = test_secret(1, KEY_BYTES),
			      .context = { .room_id = test_id(1),
					   .user_id = test_id(2),
					   .table = "patient",
					   .row_id = view_str("row-1"),
					   .row_rev = 3 } };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_ok(row_seal(c.key, &c.context, view_str("a row"), &sealed));
	assert_ok(row_open(c.key, &c.context, buf_view(&sealed), &out));
	assert_true(view_equal(buf_view(&out), view_str("a row")));
	test_each_damage(buf_view(&sealed), refuse_row, &c);
	const struct row_case good = c;
	for (int i = 0; i < 6; i++) {
		c = good;
		if (i == 0) c.context.room_id = test_id(9);
		if (i == 1) c.context.user_id = test_id(9);
		if (i == 2) c.context.table = "patienu";
		if (i == 3) c.context.row_id = view_str("row-2");
		if (i == 4) c.context.row_rev = 2; /* an older revision put back */
		if (i == 5) c.key = test_secret(2, KEY_BYTES);
		refuse_row(buf_view(&sealed), &c);
		if (i == 5) secret_free(c.key);
	}
	/* Table and id are fields of their own: no byte can move between them. */
	c = good;
	c.context.table = "patientr";
	c.context.row_id = view_str("ow-1");
	refuse_row(buf_view(&sealed), &c);
	secret_free(good.key);
}

static void test_row_limit(void **state)
{
	(void)state;
	static uint8_t big[ROW_PLAIN_BYTES_MAX + 1];
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	const struct row_context c = { .table = "t", .row_id = view_str("r") };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_err(row_seal(key, &c, VIEW_OF(big), &sealed), ERR_TOO_BIG);
	assert_ok(row_seal(key, &c, view_of(big, ROW_PLAIN_BYTES_MAX), &sealed));
	assert_ok(row_open(key, &c, buf_view(&sealed), &out));
	assert_int_equal(out.len, ROW_PLAIN_BYTES_MAX);
	assert_ok(buf_append_u8(&sealed, 0));
	assert_err(row_open(key, &c, buf_view(&sealed), &out), ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vault),
		cmocka_unit_test(test_vault_expectations),
		cmocka_unit_test(test_vault_limit),
		cmocka_unit_test(test_row_is_bound_to_its_place),
		cmocka_unit_test(test_row_limit),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
