#include "wire/scan.h"

#include "base/cleanup.h"
#include "roomkeep/record.pb-c.h"
#include "roomkeep/wire.pb-c.h"

#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static enum err scan(const ProtobufCMessageDescriptor *type, const struct buf *b)
{
	const struct view v = tight(buf_view(b));
	const enum err e = scan_message(type, v, NULL, NULL);
	tight_free(v);
	return e;
}

static enum err scan_raw(const ProtobufCMessageDescriptor *type, const void *p, size_t len)
{
	const struct view v = tight(view_of(p, len));
	const enum err e = scan_message(type, v, NULL, NULL);
	tight_free(v);
	return e;
}
#define SCAN_RAW(type, text) scan_raw(&(type), (text), sizeof(text) - 1)

static void test_an_empty_message_is_well_formed(void **state)
{
	(void)state;
	struct scan_count count = { 9, 9 };
	assert_int_equal(scan_message(&roomkeep__ping__descriptor, VIEW_EMPTY, &count, NULL),
			 ERR_OK);
	assert_int_equal(count.fields, 0);
	assert_int_equal(count.unknown, 0);
}

static void test_numbers_have_one_form(void **state)
{
	(void)state;
	/* FeedAck.up_to_seq = 1 */
	assert_int_equal(SCAN_RAW(roomkeep__feed_ack__descriptor, "\x08\x01"), ERR_OK);
	assert_int_equal(SCAN_RAW(roomkeep__feed_ack__descriptor, "\x08\x81\x00"), ERR_BAD_FORMAT);
	assert_int_equal(SCAN_RAW(roomkeep__feed_ack__descriptor, "\x88\x00\x01"), ERR_BAD_FORMAT);
	assert_int_equal(SCAN_RAW(roomkeep__feed_ack__descriptor, "\x08\x80\x01"), ERR_OK);
	/* the largest u64, and one bit more */
	assert_int_equal(SCAN_RAW(roomkeep__feed_ack__descriptor,
				  "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
			 ERR_OK);
	assert_int_equal(SCAN_RAW(roomkeep__feed_ack__descriptor,
				  "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03"),
			 ERR_BAD_FORMAT);
	assert_int_equal(SCAN_RAW(roomkeep__feed_ack__descriptor,
				  "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
			 ERR_BAD_FORMAT);
}

static void test_numbers_stay_inside_their_type(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_number(&b, 1, UINT32_MAX); /* Hello.proto_min */
	assert_int_equal(scan(&roomkeep__hello__descriptor, &b), ERR_OK);
	buf_clear(&b);
	put_number(&b, 1, (uint64_t)UINT32_MAX + 1);
	assert_int_equal(scan(&roomkeep__hello__descriptor, &b), ERR_BAD_VALUE);
	buf_clear(&b);
	put_number(&b, 10, 1); /* Welcome.enrolled */
	assert_int_equal(scan(&roomkeep__welcome__descriptor, &b), ERR_OK);
	buf_clear(&b);
	put_number(&b, 10, 2);
	assert_int_equal(scan(&roomkeep__welcome__descriptor, &b), ERR_BAD_VALUE);
	buf_clear(&b);
	put_number(&b, 1, (uint64_t)UINT32_MAX); /* Result.code, zigzag: the lowest int32 */
	assert_int_equal(scan(&roomkeep__result__descriptor, &b), ERR_OK);
	buf_clear(&b);
	put_number(&b, 1, (uint64_t)UINT32_MAX + 1);
	assert_int_equal(scan(&roomkeep__result__descriptor, &b), ERR_BAD_VALUE);
}

static void test_enum_values_are_known_ones(void **state)
{
	(void)state;
	const struct {
		uint64_t value;
		enum err want;
	} rows[] = { { 0, ERR_OK },
		     { 11, ERR_OK },
		     { 12, ERR_BAD_VALUE },
		     { INT32_MAX, ERR_BAD_VALUE },
		     { UINT64_MAX, ERR_BAD_VALUE },
		     { (uint64_t)1 << 32 | 1, ERR_BAD_VALUE } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_finip) struct buf b = { 0 };
		put_number(&b, 1, rows[i].value);
		assert_int_equal(scan(&roomkeep__refuse__descriptor, &b), rows[i].want);
	}
}

static void test_strings_are_utf8_without_nul(void **state)
{
	(void)state;
	const struct {
		const char *bytes;
		size_t len;
		enum err want;
	} rows[] = {
		{ "", 0, ERR_OK },
		{ "Jos\xc3\xa9", 5, ERR_OK },
		{ "\xf0\x9f\x98\x80", 4, ERR_OK },
		{ "\xe0\xa0\x80", 3, ERR_OK },     /* the first of three bytes */
		{ "\xed\x9f\xbf", 3, ERR_OK },     /* the last before the surrogates */
		{ "\xf0\x90\x80\x80", 4, ERR_OK }, /* the first of four bytes */
		{ "\xf4\x8f\xbf\xbf", 4, ERR_OK }, /* U+10FFFF */
		{ "a\0b", 3, ERR_BAD_TEXT },       /* NUL inside */
		{ "a\0", 2, ERR_BAD_TEXT },        /* NUL at the end */
		{ "\x80", 1, ERR_BAD_TEXT },       /* continuation alone */
		{ "\xc3", 1, ERR_BAD_TEXT },       /* cut */
		{ "\xe2\x82", 2, ERR_BAD_TEXT },
		{ "\xf0\x9f\x98", 3, ERR_BAD_TEXT },
		{ "\xc0\xaf", 2, ERR_BAD_TEXT }, /* too long a form */
		{ "\xe0\x80\xaf", 3, ERR_BAD_TEXT },
		{ "\xf0\x80\x80\xaf", 4, ERR_BAD_TEXT },
		{ "\xed\xa0\x80", 3, ERR_BAD_TEXT },     /* surrogate */
		{ "\xf4\x90\x80\x80", 4, ERR_BAD_TEXT }, /* above the last */
		{ "\xf5\x80\x80\x80", 4, ERR_BAD_TEXT },
		{ "\xff", 1, ERR_BAD_TEXT },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_finip) struct buf b = { 0 };
		put_bytes(&b, 1, view_of(rows[i].bytes, rows[i].len)); /* LoginStart.handle */
		assert_int_equal(scan(&roomkeep__login_start__descriptor, &b), rows[i].want);
	}
}

static void test_bytes_may_hold_anything(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_bytes(&b, 1, view_of("\x00\xff\xc0", 3)); /* LoginProof.sig */
	assert_int_equal(scan(&roomkeep__login_proof__descriptor, &b), ERR_OK);
}

static void test_a_single_field_stands_once(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_number(&b, 1, 5);
	put_number(&b, 1, 5);
	struct scan_fault fault = { NULL };
	assert_int_equal(scan_message(&roomkeep__feed_ack__descriptor, buf_view(&b), NULL, &fault),
			 ERR_BAD_FORMAT);
	assert_string_equal(fault.field, "up_to_seq");
	buf_clear(&b);
	put_bytes(&b, 2, view_str("x")); /* Sign.covered is repeated */
	put_bytes(&b, 2, view_str("x"));
	assert_int_equal(scan(&roomkeep__sign__descriptor, &b), ERR_OK);
}

static void test_wire_types_match_and_groups_are_refused(void **state)
{
	(void)state;
	const struct {
		unsigned wire;
		const char *rest;
		size_t len;
		enum err want;
	} rows[] = {
		{ 0, "\x05", 1, ERR_OK },          { 1, "12345678", 8, ERR_BAD_FORMAT },
		{ 2, "\x01x", 2, ERR_BAD_FORMAT }, { 3, "", 0, ERR_BAD_FORMAT },
		{ 4, "", 0, ERR_BAD_FORMAT },      { 5, "1234", 4, ERR_BAD_FORMAT },
		{ 6, "", 0, ERR_BAD_FORMAT },      { 7, "", 0, ERR_BAD_FORMAT },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_finip) struct buf b = { 0 };
		put_tag(&b, 1, rows[i].wire);
		assert_int_equal(buf_append(&b, view_of(rows[i].rest, rows[i].len)), ERR_OK);
		assert_int_equal(scan(&roomkeep__feed_ack__descriptor, &b), rows[i].want);
	}
}

static void test_unknown_fields_are_skipped_and_counted(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_number(&b, 1, 7);
	put_number(&b, 100, 1);
	put_tag(&b, 101, 1);
	assert_int_equal(buf_append(&b, view_str("12345678")), ERR_OK);
	put_bytes(&b, 102, view_str("anything"));
	put_tag(&b, 103, 5);
	assert_int_equal(buf_append(&b, view_str("1234")), ERR_OK);
	put_number(&b, 0x1fffffff, 1); /* the largest field number */
	struct scan_count count;
	assert_int_equal(scan_message(&roomkeep__feed_ack__descriptor, buf_view(&b), &count, NULL),
			 ERR_OK);
	assert_int_equal(count.fields, 6);
	assert_int_equal(count.unknown, 5);
}

static void test_field_number_zero_and_too_large_are_refused(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_number(&b, 0, 1);
	assert_int_equal(scan(&roomkeep__feed_ack__descriptor, &b), ERR_BAD_FORMAT);
	buf_clear(&b);
	put_varint(&b, (uint64_t)0x20000000 << 3);
	put_varint(&b, 1);
	assert_int_equal(scan(&roomkeep__feed_ack__descriptor, &b), ERR_BAD_FORMAT);
}

static void test_lengths_never_pass_the_end(void **state)
{
	(void)state;
	assert_int_equal(SCAN_RAW(roomkeep__login_proof__descriptor, "\x0a\x02x"), ERR_BAD_FORMAT);
	assert_int_equal(SCAN_RAW(roomkeep__login_proof__descriptor, "\x0a"), ERR_BAD_FORMAT);
	assert_int_equal(SCAN_RAW(roomkeep__login_proof__descriptor, "\x0a\xff\xff\xff\xff\x0fx"),
			 ERR_BAD_FORMAT);
	assert_int_equal(SCAN_RAW(roomkeep__login_proof__descriptor,
				  "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"),
			 ERR_BAD_FORMAT);
}

/* ---- depth ----------------------------------------------------------------------------------- */

static unsigned depth_of(const ProtobufCMessageDescriptor *type, unsigned depth)
{
	assert_true(depth <= 16); /* a message that contains itself would never end */
	assert_true(type->n_fields <= 64);
	unsigned deepest = depth;
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (type->fields[i].type != PROTOBUF_C_TYPE_MESSAGE) continue;
		const unsigned d = depth_of(type->fields[i].descriptor, depth + 1);
		if (d > deepest) deepest = d;
	}
	return deepest;
}

static void test_no_message_of_ours_nests_deeper_than_the_limit(void **state)
{
	(void)state;
	assert_int_equal(depth_of(&roomkeep__frame__descriptor, 1), WIRE_DEPTH_MAX);
	assert_int_equal(depth_of(&roomkeep__note_plain__descriptor, 1), 1);
}

static void test_a_message_that_contains_itself_is_cut_at_the_limit(void **state)
{
	(void)state;
	/* Like Head, but the field is the message itself. */
	ProtobufCMessageDescriptor ring = roomkeep__login_proof__descriptor;
	ProtobufCFieldDescriptor field = ring.fields[0];
	field.type = PROTOBUF_C_TYPE_MESSAGE;
	field.descriptor = &ring;
	ring.fields = &field;

	CLEANUP(buf_finip) struct buf b = { 0 };
	for (unsigned depth = 1; depth <= 3 * WIRE_DEPTH_MAX; depth++) {
		const enum err want = depth <= WIRE_DEPTH_MAX ? ERR_OK : ERR_BAD_FORMAT;
		assert_int_equal(scan(&ring, &b), want);
		CLEANUP(buf_finip) struct buf outer = { 0 };
		put_bytes(&outer, 1, buf_view(&b));
		const struct buf swap = b;
		b = outer;
		outer = swap;
	}
}

static void test_the_count_of_fields_is_bounded(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	for (unsigned i = 0; i < WIRE_FIELDS_MAX - 1; i++) put_bytes(&b, 2, VIEW_EMPTY);
	assert_int_equal(scan(&roomkeep__sign__descriptor, &b), ERR_OK);
	put_bytes(&b, 2, VIEW_EMPTY);
	assert_int_equal(scan(&roomkeep__sign__descriptor, &b), ERR_OK);
	put_bytes(&b, 2, VIEW_EMPTY);
	assert_int_equal(scan(&roomkeep__sign__descriptor, &b), ERR_TOO_BIG);
}

/* ---- finding and unpacking ------------------------------------------------------------------- */

static void test_find_reads_one_field_without_unpacking(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	put_bytes(&b, 3, view_str("text"));
	put_number(&b, 4, 77);
	put_bytes(&b, 5, VIEW_EMPTY);
	struct view v = VIEW_EMPTY;
	assert_true(scan_find(buf_view(&b), 3, &v));
	assert_true(view_equal(v, view_str("text")));
	assert_true(scan_find(buf_view(&b), 5, &v));
	assert_int_equal(v.len, 0);
	uint64_t n = 0;
	assert_true(scan_find_varint(buf_view(&b), 4, &n));
	assert_int_equal(n, 77);
	assert_false(scan_find(buf_view(&b), 4, &v));
	assert_false(scan_find(buf_view(&b), 1, &v));
	assert_false(scan_find_varint(buf_view(&b), 3, &n));
	assert_false(scan_find(view_of("\x0a\x09", 2), 1, &v));
}

static void test_unpack_takes_no_more_than_its_factor(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	/* Two bytes each that cost a struct each. */
	for (int i = 0; i < 10000; i++) put_bytes(&b, 1, VIEW_EMPTY); /* Push.ops */
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, SIZE_MAX);
	ProtobufCMessage *message = NULL;
	assert_int_equal(
		scan_unpack(&a, &roomkeep__push__descriptor, buf_view(&b), &message, NULL, NULL),
		ERR_TOO_BIG);
	assert_null(message);
	assert_true(a.used <= b.len * FRAME_PARSE_FACTOR + WIRE_PARSE_BYTES_MIN + 64);
}

static void test_unknown_fields_cost_memory_and_are_capped(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	for (int i = 0; i < 5000; i++) put_number(&b, 99, 1);
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, SIZE_MAX);
	ProtobufCMessage *message = NULL;
	assert_int_equal(
		scan_unpack(&a, &roomkeep__push__descriptor, buf_view(&b), &message, NULL, NULL),
		ERR_TOO_BIG);
}

static void test_unpack_survives_every_arena_size(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = { 0 };
	const uint8_t id[16] = { 1 };
	put_bytes(&b, 1, VIEW_OF(id));
	for (int i = 0; i < 40; i++) put_bytes(&b, 2, VIEW_OF(id));
	put_bytes(&b, 3, VIEW_OF(id));
	put_bytes(&b, 9, VIEW_OF(id)); /* unknown */
	bool passed = false;
	for (size_t cap = 0; cap < 16384 && !passed; cap += 8) {
		CLEANUP(arena_finip) struct arena a = { 0 };
		arena_init(&a, cap);
		ProtobufCMessage *message = NULL;
		const enum err e = scan_unpack(&a, &roomkeep__sign__descriptor, buf_view(&b),
					       &message, NULL, NULL);
		assert_true(e == ERR_TOO_BIG || e == ERR_OK);
		assert_true((message != NULL) == (e == ERR_OK));
		passed = e == ERR_OK;
	}
	assert_true(passed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_message_is_well_formed),
		cmocka_unit_test(test_numbers_have_one_form),
		cmocka_unit_test(test_numbers_stay_inside_their_type),
		cmocka_unit_test(test_enum_values_are_known_ones),
		cmocka_unit_test(test_strings_are_utf8_without_nul),
		cmocka_unit_test(test_bytes_may_hold_anything),
		cmocka_unit_test(test_a_single_field_stands_once),
		cmocka_unit_test(test_wire_types_match_and_groups_are_refused),
		cmocka_unit_test(test_unknown_fields_are_skipped_and_counted),
		cmocka_unit_test(test_field_number_zero_and_too_large_are_refused),
		cmocka_unit_test(test_lengths_never_pass_the_end),
		cmocka_unit_test(test_no_message_of_ours_nests_deeper_than_the_limit),
		cmocka_unit_test(test_a_message_that_contains_itself_is_cut_at_the_limit),
		cmocka_unit_test(test_the_count_of_fields_is_bounded),
		cmocka_unit_test(test_find_reads_one_field_without_unpacking),
		cmocka_unit_test(test_unpack_takes_no_more_than_its_factor),
		cmocka_unit_test(test_unknown_fields_cost_memory_and_are_capped),
		cmocka_unit_test(test_unpack_survives_every_arena_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
