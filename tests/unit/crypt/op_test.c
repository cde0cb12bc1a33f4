/* op: one exact core form; every changed byte breaks form, hash or signature. */
#include "crypt/op.h"
#include "unit/crypt/helpers.h"

static struct op_core sample_core(void)
{
	return (struct op_core){
		.clinic_id = test_id(1),
		.op_id = test_id(2),
		.kind = 3,
		.author_id = test_id(4),
		.author_gen = 1,
		.lane_id = test_hash(5),
		.lane_seq = 6,
		.prev_hash = test_hash(7),
		.seen_heads_hash = test_hash(8),
		.client_time_ms = 9,
		.payload_hash = op_payload_hash(view_str("payload")),
	};
}

static struct buf encode(const struct op_core *core)
{
	struct buf out = { 0 };
	assert_ok(op_core_encode(core, &out));
	assert_int_equal(out.len, OP_CORE_BYTES);
	return out;
}

static void test_core_goes_round(void **state)
{
	(void)state;
	const struct op_core core = sample_core();
	struct op_core back;
	CLEANUP(buf_finip) struct buf bytes = encode(&core);
	assert_ok(op_core_parse(buf_view(&bytes), &back));
	CLEANUP(buf_finip) struct buf again = encode(&back);
	assert_true(view_equal(buf_view(&bytes), buf_view(&again)));
	assert_int_equal(back.lane_seq, 6);
	assert_int_equal(back.client_time_ms, 9);
	assert_ok(op_check_payload(&back, view_str("payload")));
	assert_err(op_check_payload(&back, view_str("payloae")), ERR_AUTH);
	assert_err(op_check_payload(&back, VIEW_EMPTY), ERR_AUTH);
}

struct op_case {
	struct sign_key key;
	struct sign_sig sig;
	struct hash32 hash;
};

static void refuse_op(struct view bad, void *ctx)
{
	const struct op_case *c = ctx;
	assert_err(op_verify(&c->key.pk, bad, &c->sig), ERR_AUTH);
	const struct hash32 h = op_hash(bad);
	assert_false(hash_equal(&h, &c->hash));
	struct op_core core;
	if (bad.len != OP_CORE_BYTES) assert_err(op_core_parse(bad, &core), ERR_BAD_FORMAT);
}

static void test_every_flipped_byte_is_found(void **state)
{
	(void)state;
	const struct op_core core = sample_core();
	CLEANUP(buf_finip) struct buf bytes = encode(&core);
	struct op_case c = { .key = test_sign_key(1) };
	c.sig = op_sign(&c.key, buf_view(&bytes));
	c.hash = op_hash(buf_view(&bytes));
	assert_ok(op_verify(&c.key.pk, buf_view(&bytes), &c.sig));
	test_each_damage(buf_view(&bytes), refuse_op, &c);
	sign_key_fini(&c.key);
}

/* What the encoder never makes: numbering from 0, a first op with a predecessor, a later one
 * without. */
static void test_unsound_cores_are_refused(void **state)
{
	(void)state;
	struct op_core core = sample_core(), back;
	CLEANUP(buf_finip) struct buf bytes = encode(&core);
	const size_t seq_at = OP_CORE_BYTES - 36 - 12 - 36 - 36 - 8;
	assert_int_equal(load_be64(bytes.p + seq_at), 6);
	store_be64(bytes.p + seq_at, 0);
	assert_err(op_core_parse(buf_view(&bytes), &back), ERR_BAD_FORMAT);
	store_be64(bytes.p + seq_at, 1);
	assert_err(op_core_parse(buf_view(&bytes), &back), ERR_BAD_FORMAT);
	store_be64(bytes.p + seq_at, 2);
	assert_ok(op_core_parse(buf_view(&bytes), &back));
	for (size_t i = 0; i < HASH_BYTES; i++) bytes.p[seq_at + 8 + 4 + i] = 0;
	assert_err(op_core_parse(buf_view(&bytes), &back), ERR_BAD_FORMAT);
	store_be64(bytes.p + seq_at, 1);
	assert_ok(op_core_parse(buf_view(&bytes), &back));
	const size_t gen_at = seq_at - 36 - 4 - 8;
	assert_int_equal(load_be64(bytes.p + gen_at), 1);
	store_be64(bytes.p + gen_at, 0);
	assert_err(op_core_parse(buf_view(&bytes), &back), ERR_BAD_FORMAT);
}

static void test_lane_id_depends_on_everything(void **state)
{
	(void)state;
	const struct id a = test_id(1), b = test_id(2);
	uint8_t random[LANE_RANDOM_BYTES] = { 3 };
	struct hash32 ids[5];
	assert_ok(lane_id_make(&a, &b, OP_LANE_CHART, random, &ids[0]));
	assert_ok(lane_id_make(&a, &b, OP_LANE_SEALED, random, &ids[1]));
	assert_ok(lane_id_make(&b, &a, OP_LANE_CHART, random, &ids[2]));
	assert_ok(lane_id_make(&a, &a, OP_LANE_CHART, random, &ids[3]));
	random[15] = 1;
	assert_ok(lane_id_make(&a, &b, OP_LANE_CHART, random, &ids[4]));
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		for (size_t j = 0; j < i; j++) assert_false(hash_equal(&ids[i], &ids[j]));
	}
	struct hash32 none = test_hash(7);
	assert_err(lane_id_make(&a, &b, (enum op_lane_class)3, random, &none), ERR_BAD_VALUE);
	assert_err(lane_id_make(&a, &b, (enum op_lane_class)0, random, &none), ERR_BAD_VALUE);
	assert_int_equal(none.b[0], 7);
}

static void test_heads_must_be_sorted_and_bounded(void **state)
{
	(void)state;
	static struct op_head heads[HEADS_MAX + 1];
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		heads[i] = (struct op_head){ .lane_seq = 1, .op_hash = test_hash(1) };
		store_be64(heads[i].lane_id.b, COUNT_OF(heads) - i);
	}
	struct hash32 sorted, other;
	assert_err(op_heads_hash(heads, 2, &sorted), ERR_BAD_VALUE);
	op_heads_sort(heads, COUNT_OF(heads));
	assert_ok(op_heads_hash(heads, HEADS_MAX, &sorted));
	assert_ok(op_heads_hash(heads, HEADS_MAX - 1, &other));
	assert_false(hash_equal(&sorted, &other));
	assert_err(op_heads_hash(heads, HEADS_MAX + 1, &other), ERR_BAD_VALUE);
	heads[1] = heads[0];
	assert_err(op_heads_hash(heads, 2, &other), ERR_BAD_VALUE); /* a lane twice */
	heads[0].lane_seq = 0;
	assert_err(op_heads_hash(heads, 1, &other), ERR_BAD_VALUE);
	assert_ok(op_heads_hash(NULL, 0, &other));
	assert_true(hash_is_zero(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_goes_round),
		cmocka_unit_test(test_every_flipped_byte_is_found),
		cmocka_unit_test(test_unsound_cores_are_refused),
		cmocka_unit_test(test_lane_id_depends_on_everything),
		cmocka_unit_test(test_heads_must_be_sorted_and_bounded),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
