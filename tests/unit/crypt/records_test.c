/* records and audit: the clinic's signed statements, taken only whole and only from the right
 * signer. */
#include "crypt/audit.h"
#include "crypt/records.h"
#include "unit/crypt/helpers.h"

static const struct id *clinic(void)
{
	static struct id id;
	id = test_id(0xcc);
	return &id;
}

static struct server_record sample_server(size_t spki_count)
{
	struct server_record r = { .clinic_id = *clinic(), .seq = 4, .spki_count = spki_count };
	for (size_t i = 0; i < spki_count && i < SERVER_SPKI_MAX; i++) {
		r.spki[i] = test_hash((uint8_t)(i + 1));
	}
	r.ingest_pk.b[0] = 9;
	r.log_pk.b[0] = 8;
	return r;
}

static struct policy sample_policy(void)
{
	return (struct policy){ .clinic_id = *clinic(),
				.version = 1,
				.clinic_name = view_str("Harbour Massage"),
				.crk_pk = { { 7 } },
				.k = 2,
				.n = 3 };
}

static struct epoch_record sample_epoch(void)
{
	return (struct epoch_record){ .clinic_id = *clinic(),
				      .epoch = test_id(1),
				      .n = 2,
				      .restored_seq = 77,
				      .reason = view_str("disk failure"),
				      .signer_id = test_id(2),
				      .signer_g = 1 };
}

struct record_case {
	struct sign_key key;
	struct sign_sig sig;
	int which;
};

static enum err verify_record(const struct record_case *c, const struct id *of, struct view bytes,
			      const struct sign_sig *sig)
{
	struct server_record server;
	struct policy policy;
	struct epoch_record epoch;
	if (c->which == 0) return server_record_verify(bytes, sig, of, &c->key.pk, &server);
	if (c->which == 1) return policy_verify(bytes, sig, of, &c->key.pk, &policy);
	return epoch_record_verify(bytes, sig, of, &c->key.pk, &epoch);
}

static void refuse_record(struct view bad, void *ctx)
{
	const struct record_case *c = ctx;
	assert_err(verify_record(c, clinic(), bad, &c->sig), ERR_AUTH);
	/* Signed anew, a damaged form is still no form unless only a value changed. */
	const struct sign_sig sig = sign_bytes(&c->key, bad);
	const enum err e = verify_record(c, clinic(), bad, &sig);
	assert_true(e == ERR_OK || e == ERR_BAD_FORMAT || e == ERR_BAD_VALUE || e == ERR_AUTH);
}

static void test_damage_and_other_signers_are_refused(void **state)
{
	(void)state;
	const struct server_record server = sample_server(2);
	const struct policy policy = sample_policy();
	const struct epoch_record epoch = sample_epoch();
	struct buf bytes[3] = { { 0 }, { 0 }, { 0 } };
	assert_ok(server_record_encode(&server, &bytes[0]));
	assert_ok(policy_encode(&policy, &bytes[1]));
	assert_ok(epoch_record_encode(&epoch, &bytes[2]));
	const struct id other = test_id(0xdd);
	for (int i = 0; i < 3; i++) {
		struct record_case c = { .key = test_sign_key(1), .which = i };
		const struct view good = buf_view(&bytes[i]);
		c.sig = sign_bytes(&c.key, good);
		assert_true(good.len <= RECORD_BYTES_MAX);
		assert_ok(verify_record(&c, clinic(), good, &c.sig));
		assert_err(verify_record(&c, &other, good, &c.sig), ERR_AUTH);
		test_each_damage(good, refuse_record, &c);
		/* A signed record of one type is none of another. */
		c.which = (i + 1) % 3;
		assert_err(verify_record(&c, clinic(), good, &c.sig), ERR_BAD_FORMAT);
		c.which = i;
		sign_key_fini(&c.key);
		c.key = test_sign_key(2);
		assert_err(verify_record(&c, clinic(), good, &c.sig), ERR_AUTH);
		sign_key_fini(&c.key);
	}
	for (int i = 0; i < 3; i++) buf_fini(&bytes[i]);
}

static void test_server_record_limits(void **state)
{
	(void)state;
	for (size_t count = 0; count <= SERVER_SPKI_MAX + 1; count++) {
		CLEANUP(buf_finip) struct buf bytes = { 0 };
		const struct server_record r = sample_server(count);
		const bool fine = count >= 1 && count <= SERVER_SPKI_MAX;
		assert_err(server_record_encode(&r, &bytes), fine ? ERR_OK : ERR_BAD_VALUE);
		assert_int_equal(bytes.len > 0, fine);
		if (!fine) continue;
		struct server_record back;
		assert_ok(server_record_parse(buf_view(&bytes), &back));
		assert_int_equal(back.spki_count, count);
		const struct hash32 last = test_hash((uint8_t)count),
				    next = test_hash((uint8_t)(count + 1));
		assert_true(server_record_has_spki(&back, &last));
		assert_false(server_record_has_spki(&back, &next));
	}
	struct server_record r = sample_server(1);
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	r.seq = 0;
	assert_err(server_record_encode(&r, &bytes), ERR_BAD_VALUE);
}

static void test_policy_limits(void **state)
{
	(void)state;
	static const struct {
		uint64_t k, n;
		uint8_t pk;
		enum err want;
	} cases[] = {
		{ 2, 2, 1, ERR_OK },        { 2, RECOVERY_SHARES_MAX, 1, ERR_OK },
		{ 0, 0, 0, ERR_OK },        { 1, 3, 1, ERR_BAD_VALUE },
		{ 4, 3, 1, ERR_BAD_VALUE }, { 2, RECOVERY_SHARES_MAX + 1, 1, ERR_BAD_VALUE },
		{ 0, 3, 0, ERR_BAD_VALUE }, { 0, 0, 1, ERR_BAD_VALUE },
		{ 2, 3, 0, ERR_BAD_VALUE },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_finip) struct buf bytes = { 0 };
		struct policy p = sample_policy();
		p.k = cases[i].k;
		p.n = cases[i].n;
		p.crk_pk.b[0] = cases[i].pk;
		assert_err(policy_encode(&p, &bytes), cases[i].want);
	}
	static char name[NAME_BYTES_MAX + 1];
	for (size_t i = 0; i < sizeof(name); i++) name[i] = 'c';
	const struct view names[] = { VIEW_EMPTY, VIEW_OF(name), view_str("\xc3"),
				      view_str("a\x1b") };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		CLEANUP(buf_finip) struct buf bytes = { 0 };
		struct policy p = sample_policy();
		p.clinic_name = names[i];
		assert_err(policy_encode(&p, &bytes), ERR_BAD_VALUE);
	}
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct policy p = sample_policy();
	p.clinic_name = view_of(name, NAME_BYTES_MAX);
	assert_ok(policy_encode(&p, &bytes));
}

static void test_epoch_limits(void **state)
{
	(void)state;
	static char reason[EPOCH_REASON_BYTES_MAX + 1];
	for (size_t i = 0; i < sizeof(reason); i++) reason[i] = 'r';
	const struct epoch_record good = sample_epoch();
	for (int i = 0; i < 7; i++) {
		CLEANUP(buf_finip) struct buf bytes = { 0 };
		struct epoch_record r = good;
		if (i == 0) r.n = 0;
		if (i == 1) r.n = 1; /* the first epoch restores nothing */
		if (i == 2) r.epoch = test_id(0);
		if (i == 3) r.reason = VIEW_OF(reason);
		if (i == 4) r.signer_id = test_id(0);
		if (i == 5) r.signer_g = 0;
		if (i == 6) r.reason = view_of(reason, EPOCH_REASON_BYTES_MAX);
		assert_err(epoch_record_encode(&r, &bytes), i == 6 ? ERR_OK : ERR_BAD_VALUE);
	}
}

static void test_audit_chain_and_head(void **state)
{
	(void)state;
	const struct audit_entry good = { .epoch = test_id(1),
					  .seq = 2,
					  .prev = test_hash(3),
					  .row_hash = test_hash(4),
					  .time_ms = 5 };
	struct hash32 base, other;
	assert_ok(audit_entry_hash(&good, &base));
	for (int i = 0; i < 5; i++) {
		struct audit_entry e = good;
		if (i == 0) e.epoch = test_id(9);
		if (i == 1) e.seq = 9;
		if (i == 2) e.prev = test_hash(9);
		if (i == 3) e.row_hash = test_hash(9);
		if (i == 4) e.time_ms = 9;
		assert_ok(audit_entry_hash(&e, &other));
		assert_false(hash_equal(&base, &other));
	}
	CLEANUP(sign_key_finip) struct sign_key log_key = test_sign_key(1);
	const struct audit_head head = { *clinic(), test_id(1), 2, base, 5 };
	struct sign_sig sig;
	assert_ok(audit_head_sign(&head, &log_key, &sig));
	assert_ok(audit_head_verify(&head, &log_key.pk, &sig));
	for (int i = 0; i < 5; i++) {
		struct audit_head h = head;
		if (i == 0) h.clinic_id = test_id(9);
		if (i == 1) h.epoch = test_id(9);
		if (i == 2) h.seq = 9;
		if (i == 3) h.entry = test_hash(9);
		if (i == 4) h.time_ms = 9;
		assert_err(audit_head_verify(&h, &log_key.pk, &sig), ERR_AUTH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_and_other_signers_are_refused),
		cmocka_unit_test(test_server_record_limits),
		cmocka_unit_test(test_policy_limits),
		cmocka_unit_test(test_epoch_limits),
		cmocka_unit_test(test_audit_chain_and_head),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
