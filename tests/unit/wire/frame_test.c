#include "wire/frame.h"

#include "base/cleanup.h"
#include "wire/op.h"
#include "wire/scan.h"

#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NUMBER(field) ((uint32_t)ROOMKEEP__FRAME__BODY_##field)

static enum err decode(struct arena *a, struct view body, Roomkeep__Frame **ret)
{
	const struct view v = tight(body);
	const enum err e = frame_decode(a, v, ret);
	tight_free(v); /* the frame does not point into the body */
	return e;
}

static enum err decode_only(struct view body)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *frame = NULL;
	const enum err e = decode(&a, body, &frame);
	assert_true((frame != NULL) == (e == ERR_OK));
	return e;
}

/* A Feed with every part of an op in it, in `a`. */
static void make_feed(struct arena *a, Roomkeep__Frame *frame, size_t ops)
{
	static const uint8_t core[300] = { 1, 2, 3 };
	static const uint8_t sig[WIRE_SIGNATURE_BYTES] = { 4 };
	static const uint8_t payload[200] = { 5 };
	static const struct id room = { { 6 } };
	static struct wire_head heads[2];
	heads[0] = (struct wire_head){ { 7 }, 1, { 8 } };
	heads[1] = (struct wire_head){ { 9 }, 2, { 10 } };
	const struct wire_op op = {
		.core = VIEW_OF(core),
		.signature = VIEW_OF(sig),
		.payload = VIEW_OF(payload),
		.has_payload = true,
		.has_intro = true,
		.intro = { room, room, 1, room },
		.heads = heads,
		.head_count = 2,
	};
	Roomkeep__Feed *feed = arena_alloc(a, sizeof(*feed));
	assert_non_null(feed);
	roomkeep__feed__init(feed);
	feed->n_ops = ops;
	feed->ops = arena_alloc(a, ops * sizeof(Roomkeep__FeedOp *));
	assert_non_null(feed->ops);
	for (size_t i = 0; i < ops; i++) {
		Roomkeep__FeedOp *f = arena_alloc(a, sizeof(*f));
		assert_non_null(f);
		roomkeep__feed_op__init(f);
		f->has_seq = true;
		f->seq = 1000 + i;
		f->has_room_id = true;
		f->room_id = wire_id_bytes(&room);
		assert_int_equal(wire_op_write(a, &op, &f->op), ERR_OK);
		feed->ops[i] = f;
	}
	feed->has_up_to_seq = true;
	feed->up_to_seq = 1000 + ops;
	roomkeep__frame__init(frame);
	frame->has_request = true;
	frame->request = 3;
	frame->body_case = ROOMKEEP__FRAME__BODY_FEED;
	frame->feed = feed;
}

/* ---- peek ------------------------------------------------------------------------------------ */

static void test_peek_asks_for_more_until_the_frame_is_whole(void **state)
{
	(void)state;
	uint8_t bytes[4 + 10 + 3] = { 0, 0, 0, 10 };
	for (size_t len = 0; len < sizeof(bytes); len++) {
		const struct view in = tight(view_of(bytes, len));
		struct view body = VIEW_EMPTY;
		const enum err e = frame_peek(in, HELLO_BYTES_MAX, &body);
		assert_int_equal(e, len < 14 ? ERR_MORE : ERR_OK);
		assert_int_equal(body.len, len < 14 ? 0 : 10);
		if (e == ERR_OK) assert_ptr_equal(body.p, in.p + 4);
		tight_free(in);
	}
}

static void test_peek_refuses_by_the_length_alone(void **state)
{
	(void)state;
	const struct {
		uint32_t len;
		size_t max;
		enum err want;
	} rows[] = {
		{ 0, FRAME_BODY_BYTES_MAX, ERR_PROTO },
		{ 1, FRAME_BODY_BYTES_MAX, ERR_MORE },
		{ HELLO_BYTES_MAX - 1, HELLO_BYTES_MAX, ERR_MORE },
		{ HELLO_BYTES_MAX, HELLO_BYTES_MAX, ERR_MORE },
		{ HELLO_BYTES_MAX + 1, HELLO_BYTES_MAX, ERR_TOO_BIG },
		{ FRAME_BODY_BYTES_MAX - 1, FRAME_BODY_BYTES_MAX, ERR_MORE },
		{ FRAME_BODY_BYTES_MAX, FRAME_BODY_BYTES_MAX, ERR_MORE },
		{ FRAME_BODY_BYTES_MAX + 1, FRAME_BODY_BYTES_MAX, ERR_TOO_BIG },
		{ 0x7fffffff, FRAME_BODY_BYTES_MAX, ERR_TOO_BIG },
		{ 0x80000000, FRAME_BODY_BYTES_MAX, ERR_TOO_BIG },
		{ UINT32_MAX, FRAME_BODY_BYTES_MAX, ERR_TOO_BIG }, /* 4 GiB */
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t bytes[4];
		store_be32(bytes, rows[i].len);
		struct view body = VIEW_EMPTY;
		assert_int_equal(frame_peek(VIEW_OF(bytes), rows[i].max, &body), rows[i].want);
		assert_null(body.p);
	}
}

static void test_peek_finds_the_first_of_two(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 0, 0, 0, 1, 'a', 0, 0, 0, 2, 'b', 'c' };
	struct view in = VIEW_OF(bytes);
	struct view body;
	assert_int_equal(frame_peek(in, HELLO_BYTES_MAX, &body), ERR_OK);
	assert_true(view_equal(body, view_str("a")));
	in = view_of(body.p + body.len, (size_t)(bytes + sizeof(bytes) - body.p) - body.len);
	assert_int_equal(frame_peek(in, HELLO_BYTES_MAX, &body), ERR_OK);
	assert_true(view_equal(body, view_str("bc")));
}

/* ---- both ways ------------------------------------------------------------------------------- */

static void test_a_frame_comes_back_as_it_went(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	Roomkeep__Frame frame;
	make_feed(&a, &frame, 3);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(buf_append_str(&out, "before"), ERR_OK);
	assert_int_equal(frame_encode(&frame, &out), ERR_OK);
	assert_int_equal(out.len, 6 + frame_bytes(&frame));

	struct view body;
	assert_int_equal(frame_peek(view_of(out.p + 6, out.len - 6), FRAME_BODY_BYTES_MAX, &body),
			 ERR_OK);
	Roomkeep__Frame *back = NULL;
	assert_int_equal(decode(&a, body, &back), ERR_OK);
	assert_int_equal(back->request, 3);
	assert_int_equal(back->body_case, ROOMKEEP__FRAME__BODY_FEED);
	assert_int_equal(back->feed->n_ops, 3);
	assert_int_equal(back->feed->ops[2]->seq, 1002);
	struct wire_op op;
	assert_int_equal(wire_op_read(&a, back->feed->ops[2]->op, &op), ERR_OK);
	assert_int_equal(op.core.len, 300);
	assert_int_equal(op.head_count, 2);

	CLEANUP(buf_finip) struct buf again = { 0 };
	assert_int_equal(frame_encode(back, &again), ERR_OK);
	assert_true(view_equal(buf_view(&again), view_of(out.p + 6, out.len - 6)));
}

static void test_every_truncation_is_refused(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	Roomkeep__Frame frame;
	make_feed(&a, &frame, 2);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(frame_encode(&frame, &out), ERR_OK);
	const struct view body = view_of(out.p + 4, out.len - 4);
	for (size_t len = 0; len < body.len; len++) {
		assert_int_equal(decode_only(view_of(body.p, len)), ERR_PROTO);
	}
	assert_int_equal(decode_only(body), ERR_OK);
}

static void test_every_flipped_bit_is_refused_or_decodes(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	Roomkeep__Frame frame;
	make_feed(&a, &frame, 2);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(frame_encode(&frame, &out), ERR_OK);
	size_t refused = 0;
	for (size_t i = 4; i < out.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			out.p[i] = (uint8_t)(out.p[i] ^ 1u << bit);
			const enum err e = decode_only(view_of(out.p + 4, out.len - 4));
			assert_true(e == ERR_OK || e == ERR_PROTO || e == ERR_TOO_BIG);
			if (e != ERR_OK) refused++;
			out.p[i] = (uint8_t)(out.p[i] ^ 1u << bit);
		}
	}
	assert_true(refused > 100);
}

static void test_exactly_one_body(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_number(&b, 1, 5);
	assert_int_equal(decode_only(buf_view(&b)), ERR_PROTO); /* none */
	put_bytes(&b, NUMBER(PING), VIEW_EMPTY);
	assert_int_equal(decode_only(buf_view(&b)), ERR_OK);
	const size_t one = b.len;
	put_bytes(&b, NUMBER(PING), VIEW_EMPTY);
	assert_int_equal(decode_only(buf_view(&b)), ERR_PROTO); /* the same twice */
	b.len = one;
	put_bytes(&b, NUMBER(LOGOUT), VIEW_EMPTY);
	assert_int_equal(decode_only(buf_view(&b)), ERR_PROTO); /* two */
	b.len = one;
	put_number(&b, 1, 5);
	assert_int_equal(decode_only(buf_view(&b)), ERR_PROTO); /* the request twice */
}

static void test_unknown_bodies_are_refused_and_unknown_fields_skipped(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_number(&b, 1, 5);
	put_bytes(&b, 200, VIEW_EMPTY); /* a body of a later version */
	assert_int_equal(decode_only(buf_view(&b)), ERR_PROTO);

	CLEANUP(buf_finip) struct buf ack = { 0 };
	put_number(&ack, 1, 44);
	put_bytes(&ack, 77, view_str("later"));
	buf_clear(&b);
	put_bytes(&b, NUMBER(FEED_ACK), buf_view(&ack));
	put_number(&b, 300, 1);
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	Roomkeep__Frame *frame = NULL;
	assert_int_equal(decode(&a, buf_view(&b), &frame), ERR_OK);
	assert_int_equal(frame->feed_ack->up_to_seq, 44);
}

static void test_texts_with_nul_or_bad_utf8_are_refused(void **state)
{
	(void)state;
	const struct view texts[] = { view_of("a\0b", 3), view_of("\xc0\x80", 2) };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CLEANUP(buf_finip) struct buf login = { 0 };
		CLEANUP(buf_finip) struct buf b = { 0 };
		put_bytes(&login, 1, texts[i]);
		put_bytes(&b, NUMBER(LOGIN_START), buf_view(&login));
		assert_int_equal(decode_only(buf_view(&b)), ERR_PROTO);
	}
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void make_vault(Roomkeep__Frame *frame, Roomkeep__PutVault *put, struct view blob)
{
	roomkeep__put_vault__init(put);
	put->has_blob = true;
	put->blob = wire_bytes(blob);
	roomkeep__frame__init(frame);
	frame->body_case = ROOMKEEP__FRAME__BODY_PUT_VAULT;
	frame->put_vault = put;
}

static void test_a_frame_is_at_most_the_limit(void **state)
{
	(void)state;
	CLEANUP(freep) uint8_t *blob = calloc(1, FRAME_BODY_BYTES_MAX);
	assert_non_null(blob);
	Roomkeep__Frame frame;
	Roomkeep__PutVault put;
	make_vault(&frame, &put, view_of(blob, FRAME_BODY_BYTES_MAX - 64));
	const size_t framing = frame_bytes(&frame) - (FRAME_BODY_BYTES_MAX - 64);
	const size_t fits = FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX - framing;

	CLEANUP(buf_finip) struct buf out = { 0 };
	for (size_t more = 0; more < 3; more++) {
		buf_clear(&out);
		make_vault(&frame, &put, view_of(blob, fits - 1 + more));
		assert_int_equal(frame_encode(&frame, &out), more < 2 ? ERR_OK : ERR_TOO_BIG);
		if (more == 2) assert_int_equal(out.len, 0);
		if (more == 2) continue;
		struct view body;
		assert_int_equal(frame_peek(buf_view(&out), FRAME_BODY_BYTES_MAX, &body), ERR_OK);
		assert_int_equal(body.len, FRAME_BODY_BYTES_MAX - 1 + more);
		assert_int_equal(decode_only(body), ERR_OK);
	}
}

static void test_a_body_above_the_limit_is_not_parsed(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	CLEANUP(freep) uint8_t *blob = calloc(1, FRAME_BODY_BYTES_MAX);
	assert_non_null(blob);
	put_bytes(&b, 900, view_of(blob, FRAME_BODY_BYTES_MAX));
	assert_int_equal(decode_only(buf_view(&b)), ERR_TOO_BIG);
}

static void test_amplification_is_capped(void **state)
{
	(void)state;
	/* 1 MiB of two-byte ops would be 100 MiB of structs. */
	CLEANUP(buf_finip) struct buf push = { 0 };
	while (push.len < FRAME_BODY_BYTES_MAX - 64) put_bytes(&push, 1, VIEW_EMPTY);
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_bytes(&b, NUMBER(PUSH), buf_view(&push));
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, SIZE_MAX);
	Roomkeep__Frame *frame = NULL;
	assert_int_equal(decode(&a, buf_view(&b), &frame), ERR_TOO_BIG);
	assert_true(a.used <= FRAME_PARSE_BYTES_MAX + 64);
}

static void test_the_largest_honest_frames_fit_the_parse_memory(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, 16 * MIB);
	Roomkeep__Frame frame;
	make_feed(&a, &frame, BATCH_OPS_MAX);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(frame_encode(&frame, &out), ERR_OK);
	assert_int_equal(decode_only(view_of(out.p + 4, out.len - 4)), ERR_OK);

	/* The smallest results that are possible: the worst ratio of memory to bytes. */
	static const struct id op_id = { { 1 } };
	Roomkeep__OpResult results[BATCH_OPS_MAX];
	Roomkeep__OpResult *pointers[BATCH_OPS_MAX];
	for (size_t i = 0; i < BATCH_OPS_MAX; i++) {
		roomkeep__op_result__init(&results[i]);
		results[i].has_op_id = true;
		results[i].op_id = wire_id_bytes(&op_id);
		results[i].has_status = true;
		results[i].status = ROOMKEEP__OP_STATUS__BUSY_DISK;
		pointers[i] = &results[i];
	}
	Roomkeep__Ack ack;
	roomkeep__ack__init(&ack);
	ack.n_results = BATCH_OPS_MAX;
	ack.results = pointers;
	roomkeep__frame__init(&frame);
	frame.body_case = ROOMKEEP__FRAME__BODY_ACK;
	frame.ack = &ack;
	buf_clear(&out);
	assert_int_equal(frame_encode(&frame, &out), ERR_OK);
	assert_int_equal(decode_only(view_of(out.p + 4, out.len - 4)), ERR_OK);
}

static void test_decode_survives_every_arena_size(void **state)
{
	(void)state;
	CLEANUP(arena_finip) struct arena made = { 0 };
	arena_init(&made, MIB);
	Roomkeep__Frame frame;
	make_feed(&made, &frame, 2);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(frame_encode(&frame, &out), ERR_OK);
	bool passed = false;
	for (size_t cap = 0; cap < 64 * KIB && !passed; cap += 16) {
		CLEANUP(arena_finip) struct arena a = { 0 };
		arena_init(&a, cap);
		Roomkeep__Frame *back = NULL;
		const enum err e = decode(&a, view_of(out.p + 4, out.len - 4), &back);
		assert_true(e == ERR_TOO_BIG || e == ERR_OK);
		passed = e == ERR_OK;
	}
	assert_true(passed);
}

static void test_names_for_the_log(void **state)
{
	(void)state;
	Roomkeep__Frame frame;
	Roomkeep__PutVault put;
	make_vault(&frame, &put, VIEW_EMPTY);
	assert_string_equal(frame_body_name(&frame), "put_vault");
	roomkeep__frame__init(&frame);
	assert_string_equal(frame_body_name(&frame), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peek_asks_for_more_until_the_frame_is_whole),
		cmocka_unit_test(test_peek_refuses_by_the_length_alone),
		cmocka_unit_test(test_peek_finds_the_first_of_two),
		cmocka_unit_test(test_a_frame_comes_back_as_it_went),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_every_flipped_bit_is_refused_or_decodes),
		cmocka_unit_test(test_exactly_one_body),
		cmocka_unit_test(test_unknown_bodies_are_refused_and_unknown_fields_skipped),
		cmocka_unit_test(test_texts_with_nul_or_bad_utf8_are_refused),
		cmocka_unit_test(test_a_frame_is_at_most_the_limit),
		cmocka_unit_test(test_a_body_above_the_limit_is_not_parsed),
		cmocka_unit_test(test_amplification_is_capped),
		cmocka_unit_test(test_the_largest_honest_frames_fit_the_parse_memory),
		cmocka_unit_test(test_decode_survives_every_arena_size),
		cmocka_unit_test(test_names_for_the_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
