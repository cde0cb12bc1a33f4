#include "record/payload.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "record/reflect.h"
#include "unit/record/samples.h"
#include "unit/wire/wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t blind[PAYLOAD_BLIND_BYTES] = "0123456789abcde";

/* Packs without any check, as a peer of ours never would. */
static void pack_raw(const ProtobufCMessage *m, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(buf_append(out, VIEW_OF(blind)), ERR_OK);
	const size_t len = protobuf_c_message_get_packed_size(m);
	assert_int_equal(buf_reserve(out, len), ERR_OK);
	assert_int_equal(protobuf_c_message_pack(m, out->p + out->len), len);
	out->len += len;
}

static enum err decode_bytes(uint64_t kind, struct view bytes, struct record_error *error)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, 4 * MIB);
	const struct view v = tight(bytes);
	struct payload p;
	const enum err e = payload_decode(&a, kind, v, &p, error);
	if (e == ERR_OK) assert_non_null(p.is.any);
	tight_free(v);
	return e;
}

/* Both ways of meeting a message give the same answer: as bytes of a peer, and before encoding. */
static void expect(enum kind kind, const ProtobufCMessage *m, enum err want, const char *field)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	pack_raw(m, &b);
	struct record_error error = { ERR_OK, NULL, NULL };
	const enum err got = decode_bytes((uint64_t)kind, buf_view(&b), &error);
	assert_int_equal(got, want);
	assert_int_equal(error.err, want);
	if (want != ERR_OK) {
		assert_non_null(error.field);
		assert_string_equal(error.field, field);
		assert_non_null(error.allowed);
	}
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(payload_encode(kind, m, false, blind, &out, NULL), want);
	assert_int_equal(out.len, want == ERR_OK ? b.len : 0);
}

static void test_every_kind_comes_back_as_it_went(void **state)
{
	(void)state;
	const size_t count = kind_count();
	for (size_t i = 0; i < count; i++) {
		const union sample s = sample_of(kind_at(i)->kind);
		CLEANUP(buf_finip) struct buf b = { 0 };
		assert_int_equal(buf_append_str(&b, "before"), ERR_OK);
		assert_int_equal(payload_encode(kind_at(i)->kind, &s.any, true, blind, &b, NULL),
				 ERR_OK);
		CLEANUP(arena_finip) struct arena a = { 0 };
		arena_init(&a, MIB);
		struct payload p;
		const struct view bytes = view_of(b.p + 6, b.len - 6);
		assert_int_equal(payload_decode(&a, (uint64_t)kind_at(i)->kind, bytes, &p, NULL),
				 ERR_OK);
		assert_ptr_equal(p.info, kind_at(i));
		assert_true(view_equal(p.blind, VIEW_OF(blind)));
		assert_int_equal(p.unknown_fields, 0);
		assert_int_equal(payload_check_first(&p, NULL), ERR_OK);
		CLEANUP(buf_finip) struct buf again = { 0 };
		assert_int_equal(
			payload_encode(kind_at(i)->kind, p.is.any, true, blind, &again, NULL),
			ERR_OK);
		assert_true(view_equal(buf_view(&again), bytes));
	}
}

static void test_every_truncation_and_flip_of_every_kind(void **state)
{
	(void)state;
	const size_t count = kind_count();
	for (size_t k = 0; k < count; k++) {
		const uint64_t kind = (uint64_t)kind_at(k)->kind;
		const union sample s = sample_of(kind_at(k)->kind);
		CLEANUP(buf_finip) struct buf b = { 0 };
		pack_raw(&s.any, &b);
		for (size_t len = 0; len < PAYLOAD_BLIND_BYTES; len++) {
			assert_int_equal(decode_bytes(kind, view_of(b.p, len), NULL),
					 ERR_BAD_FORMAT);
		}
		size_t refused = 0;
		for (size_t len = PAYLOAD_BLIND_BYTES; len < b.len; len++) {
			if (decode_bytes(kind, view_of(b.p, len), NULL) != ERR_OK) refused++;
		}
		assert_true(refused > 0);
		for (size_t i = PAYLOAD_BLIND_BYTES * 8; i < b.len * 8; i++) {
			b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << i % 8);
			struct record_error error = { ERR_OK, NULL, NULL };
			const enum err e = decode_bytes(kind, buf_view(&b), &error);
			assert_int_equal(e, error.err);
			b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << i % 8);
		}
	}
}

static void test_unknown_kinds_are_told_apart(void **state)
{
	(void)state;
	const uint64_t kinds[] = { 0, 9, 63, 65, 66, 68, UINT64_MAX };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct record_error error = { ERR_OK, NULL, NULL };
		assert_int_equal(decode_bytes(kinds[i], VIEW_OF(blind), &error), ERR_NOT_FOUND);
		assert_null(error.field);
	}
}

static void test_a_payload_is_at_most_the_limit(void **state)
{
	(void)state;
	CLEANUP(freep) uint8_t *bytes = calloc(1, OP_BYTES_MAX + 1);
	assert_non_null(bytes);
	assert_int_equal(decode_bytes(KIND_OPENED, view_of(bytes, OP_BYTES_MAX + 1), NULL),
			 ERR_TOO_BIG);
	assert_int_equal(decode_bytes(KIND_OPENED, view_of(bytes, OP_BYTES_MAX), NULL),
			 ERR_BAD_FORMAT);
}

static void test_unknown_fields_are_kept_apart(void **state)
{
	(void)state;
	const union sample s = sample_of(KIND_OPENED);
	CLEANUP(buf_finip) struct buf b = { 0 };
	pack_raw(&s.any, &b);
	put_number(&b, 60, 1);
	put_bytes(&b, 61, view_str("later"));
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, MIB);
	struct payload p;
	assert_int_equal(payload_decode(&a, KIND_OPENED, buf_view(&b), &p, NULL), ERR_OK);
	assert_int_equal(p.unknown_fields, 2);
}

static void test_trailing_junk_doubles_and_nul_are_refused(void **state)
{
	(void)state;
	const union sample s = sample_of(KIND_ADDENDUM);
	CLEANUP(buf_finip) struct buf b = { 0 };
	pack_raw(&s.any, &b);
	const size_t len = b.len;
	put_bytes(&b, 3, view_str("again"));
	struct record_error error;
	assert_int_equal(decode_bytes(KIND_ADDENDUM, buf_view(&b), &error), ERR_BAD_FORMAT);
	assert_string_equal(error.field, "text");
	b.len = len;
	assert_int_equal(buf_append_u8(&b, 0), ERR_OK);
	assert_int_equal(decode_bytes(KIND_ADDENDUM, buf_view(&b), NULL), ERR_BAD_FORMAT);
	b.len = len;
	assert_int_equal(buf_append_u8(&b, 0xff), ERR_OK);
	assert_int_equal(decode_bytes(KIND_ADDENDUM, buf_view(&b), NULL), ERR_BAD_FORMAT);

	buf_clear(&b);
	assert_int_equal(buf_append(&b, VIEW_OF(blind)), ERR_OK);
	put_bytes(&b, 1, view_of(sample_id(7).data, 16));
	put_bytes(&b, 2, view_of(sample_id(2).data, 16));
	put_bytes(&b, 3, view_of("seen\0hidden", 11));
	assert_int_equal(decode_bytes(KIND_ADDENDUM, buf_view(&b), &error), ERR_BAD_TEXT);
	assert_string_equal(error.field, "text");
}

/* ---- what each kind needs -------------------------------------------------------------------- */

static bool listed(const char *const *list, const char *name)
{
	for (; *list != NULL; list++) {
		if (strcmp(*list, name) == 0) return true;
	}
	return false;
}

/* By hand from record.proto's comments: required always, and in the first op. */
static const struct needs {
	enum kind kind;
	const char *always[8];
	const char *first[4];
} needs[] = {
	{ KIND_PATIENT, { "patient_id" }, { "name", "born" } },
	{ KIND_SESSION_FRAME,
	  { "session_id", "patient_id" },
	  { "therapist_id", "room_id", "started_ms" } },
	{ KIND_SESSION_TEXT, { "session_id", "field", "text" }, { NULL } },
	/* of a row with a value on a joint that has sides */
	{ KIND_MEASURE,
	  { "measure_id", "session_id", "ref", "catalogue", "phase", "at_ms" },
	  { NULL } },
	{ KIND_SIGN, { "session_id", "covered", "values_hash" }, { NULL } },
	{ KIND_ADDENDUM, { "addendum_id", "session_id", "text" }, { NULL } },
	{ KIND_OPENED, { "patient_id" }, { NULL } },
	{ KIND_TOMBSTONE, { "target", "reason" }, { NULL } },
	{ KIND_NOTE,
	  { "note_id", "note_gen", "commitment", "ciphertext", "author_wrap" },
	  { NULL } },
	{ KIND_SEALED_TOMBSTONE, { "target", "reason" }, { NULL } },
};

static void test_each_kinds_required_set(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT_OF(needs); k++) {
		const struct kind_info *info = kind_find((uint64_t)needs[k].kind);
		for (unsigned i = 0; i < info->message->n_fields; i++) {
			const ProtobufCFieldDescriptor *f = &info->message->fields[i];
			union sample s = sample_of(needs[k].kind);
			reflect_clear(&s.any, f);
			/* What the catalogue asks of a measure is in catalogue_test. */
			if (listed((const char *[]){ "side", "value_milli", "unit", NULL },
				   f->name))
				continue;
			const bool always = listed(needs[k].always, f->name);
			const bool first = always || listed(needs[k].first, f->name);
			expect(needs[k].kind, &s.any, always ? ERR_BAD_VALUE : ERR_OK, f->name);
			CLEANUP(buf_finip) struct buf out = { 0 };
			struct record_error error = { ERR_OK, NULL, NULL };
			assert_int_equal(
				payload_encode(needs[k].kind, &s.any, true, blind, &out, &error),
				first ? ERR_BAD_VALUE : ERR_OK);
			if (first) assert_string_equal(error.field, f->name);
		}
	}
}

/* Its own, the patient's and the session's; what refers to other records has an id more. */
static size_t plain_ids(const struct kind_info *info)
{
	size_t count = 0;
	for (size_t i = 0; i < info->field_count; i++) count += info->fields[i].format == FIELD_ID;
	return count;
}

static void test_ids_of_another_length_or_zero(void **state)
{
	(void)state;
	static uint8_t zeros[32];
	const size_t count = kind_count();
	size_t seen = 0;
	for (size_t k = 0; k < count; k++) {
		for (size_t i = 0; i < kind_at(k)->field_count; i++) {
			const struct field_rule *rule = &kind_at(k)->fields[i];
			if (rule->format != FIELD_ID && rule->format != FIELD_BYTES32) continue;
			const ProtobufCFieldDescriptor *f =
				protobuf_c_message_descriptor_get_field_by_name(kind_at(k)->message,
										rule->name);
			const size_t right = rule->format == FIELD_ID ? 16 : 32;
			const size_t lens[] = { 0, 1, right - 1, right, right + 1, 64 };
			for (size_t j = 0; j < COUNT_OF(lens); j++) {
				union sample s = sample_of(kind_at(k)->kind);
				const ProtobufCBinaryData bytes = { lens[j], sample_bytes };
				reflect_put(&s.any, f, &bytes, sizeof(bytes));
				expect(kind_at(k)->kind, &s.any,
				       lens[j] == right ? ERR_OK : ERR_BAD_FORMAT, rule->name);
			}
			seen++;
			if (rule->format != FIELD_ID) continue;
			union sample s = sample_of(kind_at(k)->kind);
			const ProtobufCBinaryData zero = { 16, zeros };
			reflect_put(&s.any, f, &zero, sizeof(zero));
			expect(kind_at(k)->kind, &s.any, ERR_BAD_VALUE, rule->name);
		}
	}
	size_t plain = 0;
	for (size_t k = 0; k < count; k++) {
		if (!kind_is_plain(kind_at(k))) continue;
		plain += plain_ids(kind_at(k));
	}
	assert_int_equal(seen, 21 + plain);
}

static char *text_of(size_t len)
{
	static char text[TEXT_BYTES_MAX + 2];
	for (size_t i = 0; i < len; i++) text[i] = 'a';
	text[len] = '\0';
	return text;
}

static void test_texts_at_their_limits(void **state)
{
	(void)state;
	for (size_t more = 0; more < 3; more++) {
		const enum err want = more < 2 ? ERR_OK : ERR_TOO_BIG;
		union sample s = sample_of(KIND_PATIENT);
		s.patient.name = text_of(NAME_BYTES_MAX - 1 + more);
		expect(KIND_PATIENT, &s.any, want, "name");
		s = sample_of(KIND_PATIENT);
		s.patient.name_used = text_of(NAME_BYTES_MAX - 1 + more);
		expect(KIND_PATIENT, &s.any, want, "name_used");
		s = sample_of(KIND_SESSION_TEXT);
		s.session_text.text = text_of(TEXT_BYTES_MAX - 1 + more);
		expect(KIND_SESSION_TEXT, &s.any, want, "text");
		s = sample_of(KIND_ADDENDUM);
		s.addendum.text = text_of(TEXT_BYTES_MAX - 1 + more);
		expect(KIND_ADDENDUM, &s.any, want, "text");
		s = sample_of(KIND_TOMBSTONE);
		s.tombstone.reason = text_of(NAME_BYTES_MAX - 1 + more);
		expect(KIND_TOMBSTONE, &s.any, want, "reason");
	}
	union sample s = sample_of(KIND_SESSION_TEXT);
	s.session_text.text = text_of(0); /* clearing a field */
	expect(KIND_SESSION_TEXT, &s.any, ERR_OK, NULL);
	s = sample_of(KIND_ADDENDUM);
	s.addendum.text = text_of(0);
	expect(KIND_ADDENDUM, &s.any, ERR_BAD_VALUE, "text");
	s = sample_of(KIND_PATIENT);
	s.patient.name = text_of(0);
	expect(KIND_PATIENT, &s.any, ERR_BAD_VALUE, "name");
	s = sample_of(KIND_PATIENT);
	s.patient.phone = wire_text("");
	expect(KIND_PATIENT, &s.any, ERR_OK, NULL);
}

static void test_dirty_texts(void **state)
{
	(void)state;
	const char *dirty[] = { "a\x01", "a\x7f", "a\xc2\x80", "a\rb" };
	for (size_t i = 0; i < COUNT_OF(dirty); i++) {
		union sample s = sample_of(KIND_SESSION_TEXT);
		s.session_text.text = wire_text(dirty[i]);
		expect(KIND_SESSION_TEXT, &s.any, ERR_BAD_TEXT, "text");
		s = sample_of(KIND_PATIENT);
		s.patient.name = wire_text(dirty[i]);
		expect(KIND_PATIENT, &s.any, ERR_BAD_TEXT, "name");
	}
	union sample s = sample_of(KIND_PATIENT);
	s.patient.name = wire_text("two\nlines");
	expect(KIND_PATIENT, &s.any, ERR_BAD_TEXT, "name");
	s = sample_of(KIND_SESSION_TEXT);
	s.session_text.text = wire_text("\xc3");
	expect(KIND_SESSION_TEXT, &s.any, ERR_BAD_TEXT, "text");
}

static void test_times_and_enums(void **state)
{
	(void)state;
	const struct {
		uint64_t ms;
		enum err want;
	} times[] = { { 0, ERR_BAD_VALUE },           { TIME_MS_MIN - 1, ERR_BAD_VALUE },
		      { TIME_MS_MIN, ERR_OK },        { TIME_MS_END - 1, ERR_OK },
		      { TIME_MS_END, ERR_BAD_VALUE }, { UINT64_MAX, ERR_BAD_VALUE } };
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		union sample s = sample_of(KIND_MEASURE);
		s.measure.at_ms = times[i].ms;
		expect(KIND_MEASURE, &s.any, times[i].want, "at_ms");
	}
	const int fields[] = { 0, 1, 4, 5, -1, 99 };
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		union sample s = sample_of(KIND_SESSION_TEXT);
		s.session_text.field = (Roomkeep__TextField)fields[i];
		const bool good = fields[i] >= 1 && fields[i] <= 4;
		expect(KIND_SESSION_TEXT, &s.any, good ? ERR_OK : ERR_BAD_VALUE, "field");
	}
	union sample s = sample_of(KIND_SESSION_FRAME);
	s.session_frame.ended_ms = s.session_frame.started_ms;
	expect(KIND_SESSION_FRAME, &s.any, ERR_OK, NULL);
	s.session_frame.ended_ms--;
	expect(KIND_SESSION_FRAME, &s.any, ERR_BAD_VALUE, "ended_ms");
}

static void test_lists_of_ids(void **state)
{
	(void)state;
	static uint8_t bytes[COVERED_MAX + 1][16];
	static ProtobufCBinaryData ids[COVERED_MAX + 1];
	for (size_t i = 0; i <= COVERED_MAX; i++) {
		store_be32(bytes[i], (uint32_t)i + 1);
		ids[i] = (ProtobufCBinaryData){ 16, bytes[i] };
	}
	for (size_t more = 0; more < 3; more++) {
		const enum err want = more < 2 ? ERR_OK : ERR_TOO_BIG;
		union sample s = sample_of(KIND_SESSION_TEXT);
		s.session_text.parents = ids;
		s.session_text.n_parents = PARENTS_MAX - 1 + more;
		expect(KIND_SESSION_TEXT, &s.any, want, "parents");
		s = sample_of(KIND_SIGN);
		s.sign.covered = ids;
		s.sign.n_covered = COVERED_MAX - 1 + more;
		expect(KIND_SIGN, &s.any, want, "covered");
		s = sample_of(KIND_NOTE);
		s.note.parents = ids;
		s.note.n_parents = PARENTS_MAX - 1 + more;
		expect(KIND_NOTE, &s.any, want, "parents");
	}
	union sample s = sample_of(KIND_SIGN);
	s.sign.covered = ids;
	s.sign.n_covered = 3;
	ids[2] = ids[0]; /* twice */
	expect(KIND_SIGN, &s.any, ERR_BAD_VALUE, "covered");
	ids[2].len = 15;
	expect(KIND_SIGN, &s.any, ERR_BAD_FORMAT, "covered");
}

static void test_notes_have_the_sizes_of_their_seals(void **state)
{
	(void)state;
	static uint8_t cipher[TEXT_BYTES_MAX + 4 * KIB + 1];
	const struct {
		size_t cipher;
		size_t wrap;
		uint64_t gen;
		enum err want;
		const char *field;
	} rows[] = {
		{ 41, 72, 1, ERR_OK, NULL },
		{ 40, 72, 1, ERR_BAD_FORMAT, "ciphertext" },
		{ sizeof(cipher) - 1, 72, 1, ERR_OK, NULL },
		{ sizeof(cipher), 72, 1, ERR_TOO_BIG, "ciphertext" },
		{ 100, 71, 1, ERR_BAD_FORMAT, "author_wrap" },
		{ 100, 73, 1, ERR_TOO_BIG, "author_wrap" },
		{ 100, 72, 0, ERR_BAD_VALUE, "note_gen" },
		{ 100, 72, UINT32_MAX, ERR_OK, NULL },
		{ 100, 72, (uint64_t)UINT32_MAX + 1, ERR_BAD_VALUE, "note_gen" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		union sample s = sample_of(KIND_NOTE);
		s.note.ciphertext = (ProtobufCBinaryData){ rows[i].cipher, cipher };
		s.note.author_wrap.len = rows[i].wrap;
		s.note.note_gen = rows[i].gen;
		expect(KIND_NOTE, &s.any, rows[i].want, rows[i].field);
	}
}

static void test_a_measure_is_checked_against_the_catalogue(void **state)
{
	(void)state;
	union sample s = sample_of(KIND_MEASURE);
	s.measure.ref = wire_text("cx_rott");
	expect(KIND_MEASURE, &s.any, ERR_BAD_VALUE, "ref");
	s.measure.catalogue = 2;
	expect(KIND_MEASURE, &s.any, ERR_VERSION, "ref");
	s = sample_of(KIND_MEASURE);
	s.measure.catalogue = 0;
	expect(KIND_MEASURE, &s.any, ERR_BAD_VALUE, "catalogue");
	s = sample_of(KIND_MEASURE);
	s.measure.has_side = false;
	expect(KIND_MEASURE, &s.any, ERR_BAD_VALUE, "side");
	s = sample_of(KIND_MEASURE);
	s.measure.has_value_milli = false;
	expect(KIND_MEASURE, &s.any, ERR_BAD_VALUE, "value_milli");
	s.measure.unit = NULL;
	SAMPLE_SET(&s.measure, result, ROOMKEEP__TEST_RESULT__UNABLE);
	expect(KIND_MEASURE, &s.any, ERR_OK, NULL);
	s = sample_of(KIND_MEASURE);
	s.measure.value_milli = 400000;
	expect(KIND_MEASURE, &s.any, ERR_BAD_VALUE, "value_milli");
}

static void test_ids_of_the_record_it_is_about(void **state)
{
	(void)state;
	const struct {
		enum kind kind;
		uint8_t session, patient, subject; /* first byte of the id; 0 = none */
	} rows[] = {
		{ KIND_PATIENT, 0, 1, 1 },      { KIND_SESSION_FRAME, 2, 1, 2 },
		{ KIND_SESSION_TEXT, 2, 0, 2 }, { KIND_MEASURE, 2, 0, 5 },
		{ KIND_SIGN, 2, 0, 2 },         { KIND_ADDENDUM, 2, 0, 7 },
		{ KIND_OPENED, 2, 1, 0 },       { KIND_TOMBSTONE, 0, 0, 8 },
		{ KIND_NOTE, 0, 0, 6 },         { KIND_SEALED_TOMBSTONE, 0, 0, 8 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		union sample s = sample_of(rows[i].kind);
		const struct payload p = { .info = kind_find((uint64_t)rows[i].kind),
					   .is.any = &s.any };
		struct id id = { { 0 } };
		assert_int_equal(payload_session_id(&p, &id), rows[i].session != 0);
		assert_int_equal(id.b[0], rows[i].session);
		id = (struct id){ { 0 } };
		assert_int_equal(payload_patient_id(&p, &id), rows[i].patient != 0);
		assert_int_equal(id.b[0], rows[i].patient);
		id = (struct id){ { 0 } };
		assert_int_equal(payload_subject_id(&p, &id), rows[i].subject != 0);
		assert_int_equal(id.b[0], rows[i].subject);
	}
	union sample s = sample_of(KIND_OPENED);
	s.opened.has_session_id = false;
	const struct payload p = { .info = kind_find(KIND_OPENED), .is.any = &s.any };
	struct id id;
	assert_false(payload_session_id(&p, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_comes_back_as_it_went),
		cmocka_unit_test(test_every_truncation_and_flip_of_every_kind),
		cmocka_unit_test(test_unknown_kinds_are_told_apart),
		cmocka_unit_test(test_a_payload_is_at_most_the_limit),
		cmocka_unit_test(test_unknown_fields_are_kept_apart),
		cmocka_unit_test(test_trailing_junk_doubles_and_nul_are_refused),
		cmocka_unit_test(test_each_kinds_required_set),
		cmocka_unit_test(test_ids_of_another_length_or_zero),
		cmocka_unit_test(test_texts_at_their_limits),
		cmocka_unit_test(test_dirty_texts),
		cmocka_unit_test(test_times_and_enums),
		cmocka_unit_test(test_lists_of_ids),
		cmocka_unit_test(test_notes_have_the_sizes_of_their_seals),
		cmocka_unit_test(test_a_measure_is_checked_against_the_catalogue),
		cmocka_unit_test(test_ids_of_the_record_it_is_about),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
