#include "wire/op.h"

#include "base/cleanup.h"
#include "base/limits.h"

#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t sig[WIRE_SIGNATURE_BYTES] = { 4 };
static const struct id some = { { 6 } };

static struct wire_op small_op(void)
{
	return (struct wire_op){
		.core = view_str("core"),
		.signature = VIEW_OF(sig),
		.payload = view_str("0123456789abcdef!"),
		.has_payload = true,
	};
}

static void make_heads(struct wire_head *heads, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		heads[i] = (struct wire_head){ .lane_seq = UINT64_MAX };
		store_be32(heads[i].lane_id, (uint32_t)i + 1);
	}
}

static enum err encode_decode(struct arena *a, const struct wire_op *op, struct wire_op *ret)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(wire_op_encode(op, &b));
	assert_true(b.len <= wire_op_bytes(op));
	const struct view v = tight(buf_view(&b));
	const enum err e = wire_op_decode(a, v, ret);
	tight_free(v);
	return e;
}

static void test_an_op_comes_back_as_it_went(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	struct wire_head heads[3];
	make_heads(heads, 3);
	struct wire_op op = small_op();
	op.has_intro = true;
	op.intro = (struct wire_intro){ some, some, 2, some };
	op.heads = heads;
	op.head_count = 3;
	struct wire_op back = { 0 };
	assert_int_equal(encode_decode(&a, &op, &back), ERR_OK);
	assert_true(view_equal(back.core, op.core));
	assert_true(view_equal(back.signature, op.signature));
	assert_true(view_equal(back.payload, op.payload));
	assert_true(back.has_payload && back.has_intro);
	assert_int_equal(back.intro.lane_class, 2);
	assert_true(id_equal(&back.intro.random16, &some));
	assert_int_equal(back.head_count, 3);
	assert_memory_equal(back.heads, heads, sizeof(heads));
}

static void test_an_erased_op_has_no_payload(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	struct wire_op op = small_op();
	op.has_payload = false;
	op.payload = VIEW_EMPTY;
	struct wire_op back = { 0 };
	assert_int_equal(encode_decode(&a, &op, &back), ERR_OK);
	assert_false(back.has_payload);
	assert_int_equal(back.payload.len, 0);
}

static void test_sizes_are_checked_at_the_limit(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, 8 * MIB);
	CLEANUP(freep) uint8_t *bytes = calloc(1, OP_BYTES_MAX);
	assert_non_null(bytes);
	const size_t fits = OP_BYTES_MAX - 4 - WIRE_SIGNATURE_BYTES;
	struct wire_op op = small_op();
	struct wire_op back = { 0 };
	op.payload = view_of(bytes, fits - 1);
	assert_int_equal(encode_decode(&a, &op, &back), ERR_OK);
	op.payload = view_of(bytes, fits);
	assert_int_equal(encode_decode(&a, &op, &back), ERR_OK);
	op.payload = view_of(bytes, fits + 1);
	assert_int_equal(encode_decode(&a, &op, &back), ERR_TOO_BIG);
}

static void test_heads_are_few_and_sorted(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, 8 * MIB);
	static struct wire_head heads[HEADS_MAX + 1];
	make_heads(heads, HEADS_MAX + 1);
	struct wire_op op = small_op();
	op.heads = heads;
	struct wire_op back = { 0 };
	op.head_count = HEADS_MAX - 1;
	assert_int_equal(encode_decode(&a, &op, &back), ERR_OK);
	op.head_count = HEADS_MAX;
	assert_int_equal(encode_decode(&a, &op, &back), ERR_OK);

	/* One more than a writer of ours would make. */
	Roomkeep__Op *message;
	assert_int_equal(wire_op_write(&a, &op, &message), ERR_OK);
	assert_int_equal(wire_heads_write(&a, heads, HEADS_MAX + 1, &message->seen_heads), ERR_OK);
	message->n_seen_heads = HEADS_MAX + 1;
	assert_int_equal(wire_op_read(&a, message, &back), ERR_TOO_BIG);

	op.head_count = 2;
	heads[1] = heads[0]; /* the same lane twice */
	assert_int_equal(encode_decode(&a, &op, &back), ERR_BAD_FORMAT);
	store_be32(heads[0].lane_id, 5); /* falling */
	assert_int_equal(encode_decode(&a, &op, &back), ERR_BAD_FORMAT);
	op.head_count = 1;
	heads[0].lane_seq = 0;
	assert_int_equal(encode_decode(&a, &op, &back), ERR_BAD_FORMAT);
}

static void put_id(struct buf *b, uint32_t number, size_t len)
{
	uint8_t bytes[40] = { 1 };
	put_bytes(b, number, view_of(bytes, len));
}

/* Op with parts of the lengths given; a length of SIZE_MAX leaves the part out. */
static enum err decode_parts(size_t core, size_t signature, size_t payload)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	CLEANUP(buf_finip) struct buf b = { 0 };
	uint8_t bytes[100] = { 0 };
	if (core != SIZE_MAX) put_bytes(&b, 1, view_of(bytes, core));
	if (signature != SIZE_MAX) put_bytes(&b, 2, view_of(bytes, signature));
	if (payload != SIZE_MAX) put_bytes(&b, 3, view_of(bytes, payload));
	struct wire_op op;
	return wire_op_decode(&a, buf_view(&b), &op);
}

static void test_lengths_of_the_parts(void **state)
{
	(void)state;
	assert_int_equal(decode_parts(10, 64, 20), ERR_OK);
	assert_int_equal(decode_parts(10, 64, SIZE_MAX), ERR_OK);
	assert_int_equal(decode_parts(SIZE_MAX, 64, 20), ERR_BAD_FORMAT);
	assert_int_equal(decode_parts(0, 64, 20), ERR_BAD_FORMAT);
	assert_int_equal(decode_parts(10, SIZE_MAX, 20), ERR_BAD_FORMAT);
	assert_int_equal(decode_parts(10, 63, 20), ERR_BAD_FORMAT);
	assert_int_equal(decode_parts(10, 65, 20), ERR_BAD_FORMAT);
	assert_int_equal(decode_parts(10, 64, 0), ERR_BAD_FORMAT);
}

static enum err decode_intro(size_t user, size_t room, uint64_t class, size_t random)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	CLEANUP(buf_finip) struct buf intro = { 0 };
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_id(&intro, 1, user);
	put_id(&intro, 2, room);
	put_number(&intro, 3, class);
	put_id(&intro, 4, random);
	put_bytes(&b, 1, view_str("core"));
	put_bytes(&b, 2, VIEW_OF(sig));
	put_bytes(&b, 4, buf_view(&intro));
	struct wire_op op;
	return wire_op_decode(&a, buf_view(&b), &op);
}

static void test_an_intro_is_whole(void **state)
{
	(void)state;
	assert_int_equal(decode_intro(16, 16, 1, 16), ERR_OK);
	assert_int_equal(decode_intro(16, 16, 2, 16), ERR_OK);
	assert_int_equal(decode_intro(15, 16, 1, 16), ERR_BAD_FORMAT);
	assert_int_equal(decode_intro(16, 17, 1, 16), ERR_BAD_FORMAT);
	assert_int_equal(decode_intro(16, 16, 1, 0), ERR_BAD_FORMAT);
	assert_int_equal(decode_intro(16, 16, 0, 16), ERR_BAD_FORMAT);
	assert_int_equal(decode_intro(16, 16, 3, 16), ERR_BAD_FORMAT);
}

/* A head with a lane id, a hash and a number of these forms; SIZE_MAX: without. */
static enum err decode_head(size_t lane, size_t hash, uint64_t seq)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	CLEANUP(buf_finip) struct buf head = { 0 };
	CLEANUP(buf_finip) struct buf b = { 0 };
	static const uint8_t zeros[WIRE_HASH_BYTES + 1];
	if (lane != SIZE_MAX) put_bytes(&head, 1, view_of(zeros, lane));
	if (seq != UINT64_MAX) put_number(&head, 2, seq);
	if (hash != SIZE_MAX) put_bytes(&head, 3, view_of(zeros, hash));
	put_bytes(&b, 1, view_str("core"));
	put_bytes(&b, 2, VIEW_OF(sig));
	put_bytes(&b, 5, buf_view(&head));
	struct wire_op op;
	return wire_op_decode(&a, buf_view(&b), &op);
}

static void test_a_head_is_whole(void **state)
{
	(void)state;
	const size_t all = WIRE_HASH_BYTES;
	assert_int_equal(decode_head(all, all, 1), ERR_OK);
	assert_int_equal(decode_head(SIZE_MAX, all, 1), ERR_BAD_FORMAT);
	assert_int_equal(decode_head(all - 1, all, 1), ERR_BAD_FORMAT);
	assert_int_equal(decode_head(all + 1, all, 1), ERR_BAD_FORMAT);
	assert_int_equal(decode_head(all, SIZE_MAX, 1), ERR_BAD_FORMAT);
	assert_int_equal(decode_head(all, all - 1, 1), ERR_BAD_FORMAT);
	assert_int_equal(decode_head(all, all, 0), ERR_BAD_FORMAT);
	assert_int_equal(decode_head(all, all, UINT64_MAX), ERR_BAD_FORMAT);
}

/* By the length alone: nothing of it is read. */
static void test_more_than_any_op(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	struct wire_op op = small_op();
	arena_init(&a, MIB);
	assert_int_equal(wire_op_decode(&a, view_of("a", (size_t)2 * OP_BYTES_MAX), &op),
			 ERR_TOO_BIG);
	op = small_op();
	op.payload = view_of("a", (size_t)2 * OP_BYTES_MAX);
	assert_int_equal(wire_op_encode(&op, &out), ERR_TOO_BIG);
	assert_int_equal(out.len, 0);
}

static void test_every_truncation_and_flip_is_refused_or_decodes(void **state)
{
	(void)state;
	struct wire_head heads[2];
	make_heads(heads, 2);
	struct wire_op op = small_op();
	op.has_intro = true;
	op.intro = (struct wire_intro){ some, some, 1, some };
	op.heads = heads;
	op.head_count = 2;
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(wire_op_encode(&op, &b), ERR_OK);
	size_t whole = 0;
	for (size_t len = 0; len < b.len; len++) {
		CLEANUP(arena_finip) struct arena a = { 0 };
		arena_init(&a, MIB);
		const struct view v = tight(view_of(b.p, len));
		struct wire_op back = { 0 };
		if (wire_op_decode(&a, v, &back) == ERR_OK) whole++;
		tight_free(v);
	}
	assert_int_equal(whole, 4); /* cut before payload, intro and each head */
	for (size_t i = 0; i < b.len * 8; i++) {
		CLEANUP(arena_finip) struct arena a = { 0 };
		arena_init(&a, MIB);
		b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << i % 8);
		const struct view v = tight(buf_view(&b));
		struct wire_op back = { 0 };
		if (wire_op_decode(&a, v, &back) == ERR_OK) {
			assert_true(back.core.len > 0 && back.signature.len == 64);
		}
		tight_free(v);
		b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << i % 8);
	}
}

static void test_ids_have_sixteen_bytes(void **state)
{
	(void)state;
	uint8_t bytes[17] = { 1 };
	struct id id;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		const enum err e = wire_id(wire_bytes(view_of(bytes, len)), &id);
		assert_int_equal(e, len == 16 ? ERR_OK : ERR_BAD_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_op_comes_back_as_it_went),
		cmocka_unit_test(test_an_erased_op_has_no_payload),
		cmocka_unit_test(test_sizes_are_checked_at_the_limit),
		cmocka_unit_test(test_heads_are_few_and_sorted),
		cmocka_unit_test(test_lengths_of_the_parts),
		cmocka_unit_test(test_an_intro_is_whole),
		cmocka_unit_test(test_a_head_is_whole),
		cmocka_unit_test(test_more_than_any_op),
		cmocka_unit_test(test_every_truncation_and_flip_is_refused_or_decodes),
		cmocka_unit_test(test_ids_have_sixteen_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
