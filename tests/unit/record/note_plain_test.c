#include "record/note_plain.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "roomkeep/record.pb-c.h"
#include "unit/wire/wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct note_plain some_note(void)
{
	return (struct note_plain){
		.patient_id = { { 1 } },
		.has_session = true,
		.session_id = { { 2 } },
		.text = view_str("said that his brother drinks\nagain"),
		.written_ms = 1700000000000u,
	};
}

static void write_note(const struct note_plain *note, struct buf *b)
{
	const size_t len = note_plain_bytes(note);
	assert_int_equal(buf_reserve(b, len), ERR_OK);
	size_t wrote = 0;
	if (len > 0) assert_int_equal(note_plain_write(note, b->p, len - 1, &wrote), ERR_TOO_BIG);
	assert_int_equal(wrote, 0);
	assert_int_equal(note_plain_write(note, b->p, len, &wrote), ERR_OK);
	assert_int_equal(wrote, len);
	b->len = len;
}

static void test_a_note_comes_back_without_a_copy(void **state)
{
	(void)state;
	for (int session = 0; session < 2; session++) {
		struct note_plain note = some_note();
		note.has_session = session == 1;
		CLEANUP(buf_finip) struct buf b = { 0 };
		write_note(&note, &b);
		struct note_plain back;
		assert_int_equal(note_plain_read(buf_view(&b), &back, NULL), ERR_OK);
		assert_true(id_equal(&back.patient_id, &note.patient_id));
		assert_int_equal(back.has_session, session == 1);
		if (session == 1) assert_true(id_equal(&back.session_id, &note.session_id));
		assert_true(view_equal(back.text, note.text));
		assert_true(back.text.p > b.p && back.text.p < b.p + b.len);
		assert_int_equal(back.written_ms, note.written_ms);
	}
}

/* The hand-written codec and protobuf-c agree on every byte. */
static void test_bytes_are_those_of_protobuf(void **state)
{
	(void)state;
	const struct note_plain note = some_note();
	CLEANUP(buf_finip) struct buf b = { 0 };
	write_note(&note, &b);
	Roomkeep__NotePlain *m = roomkeep__note_plain__unpack(NULL, b.len, b.p);
	assert_non_null(m);
	assert_int_equal(m->patient_id.len, 16);
	assert_int_equal(m->session_id.data[0], 2);
	assert_string_equal(m->text, "said that his brother drinks\nagain");
	assert_int_equal(m->written_ms, 1700000000000u);
	uint8_t again[200];
	assert_true(roomkeep__note_plain__get_packed_size(m) <= sizeof(again));
	const size_t len = roomkeep__note_plain__pack(m, again);
	assert_true(view_equal(view_of(again, len), buf_view(&b)));
	roomkeep__note_plain__free_unpacked(m, NULL);
}

static void expect(struct note_plain note, enum err want, const char *field)
{
	struct record_error error = { ERR_OK, NULL, NULL };
	assert_int_equal(note_plain_check(&note, &error), want);
	assert_int_equal(error.err, want);
	if (want != ERR_OK) assert_string_equal(error.field, field);
	/* What the check refuses, reading refuses too. */
	CLEANUP(buf_finip) struct buf b = { 0 };
	write_note(&note, &b);
	struct note_plain back;
	assert_int_equal(note_plain_read(buf_view(&b), &back, NULL), want);
}

static void test_each_field_is_checked(void **state)
{
	(void)state;
	expect(some_note(), ERR_OK, NULL);
	struct note_plain n = some_note();
	n.patient_id = (struct id){ { 0 } };
	expect(n, ERR_BAD_VALUE, "patient_id");
	n = some_note();
	n.session_id = (struct id){ { 0 } };
	expect(n, ERR_BAD_VALUE, "session_id");
	n = some_note();
	n.text = VIEW_EMPTY;
	expect(n, ERR_BAD_VALUE, "text");
	n.text = view_str("\x01");
	expect(n, ERR_BAD_TEXT, "text");
	n.text = view_str("tab\tand line\n");
	expect(n, ERR_OK, NULL);
	n = some_note();
	n.written_ms = TIME_MS_MIN - 1;
	expect(n, ERR_BAD_VALUE, "written_ms");
	n.written_ms = TIME_MS_MIN;
	expect(n, ERR_OK, NULL);
	n.written_ms = TIME_MS_END - 1;
	expect(n, ERR_OK, NULL);
	n.written_ms = TIME_MS_END;
	expect(n, ERR_BAD_VALUE, "written_ms");
}

static void test_text_at_the_limit(void **state)
{
	(void)state;
	CLEANUP(freep) uint8_t *text = malloc(TEXT_BYTES_MAX + 1);
	assert_non_null(text);
	for (size_t i = 0; i <= TEXT_BYTES_MAX; i++) text[i] = 'a';
	struct note_plain n = some_note();
	n.text = view_of(text, TEXT_BYTES_MAX - 1);
	expect(n, ERR_OK, NULL);
	n.text = view_of(text, TEXT_BYTES_MAX);
	expect(n, ERR_OK, NULL);
	n.text = view_of(text, TEXT_BYTES_MAX + 1);
	expect(n, ERR_TOO_BIG, "text");
}

static enum err read_raw(const struct buf *b)
{
	const struct view v = tight(buf_view(b));
	struct note_plain note;
	const enum err e = note_plain_read(v, &note, NULL);
	tight_free(v);
	return e;
}

static void test_ids_of_another_length_and_missing_fields(void **state)
{
	(void)state;
	const uint8_t bytes[17] = { 1 };
	for (size_t len = 0; len <= 17; len++) {
		CLEANUP(buf_finip) struct buf b = { 0 };
		put_bytes(&b, 1, view_of(bytes, len));
		put_bytes(&b, 3, view_str("x"));
		put_number(&b, 4, TIME_MS_MIN);
		assert_int_equal(read_raw(&b), len == 16 ? ERR_OK : ERR_BAD_FORMAT);
		put_bytes(&b, 2, view_of(bytes, len));
		assert_int_equal(read_raw(&b), len == 16 ? ERR_OK : ERR_BAD_FORMAT);
	}
	CLEANUP(buf_finip) struct buf b = { 0 };
	assert_int_equal(read_raw(&b), ERR_BAD_VALUE);
	put_bytes(&b, 1, view_of(bytes, 16));
	assert_int_equal(read_raw(&b), ERR_BAD_VALUE);
	put_bytes(&b, 3, view_str("x"));
	assert_int_equal(read_raw(&b), ERR_BAD_VALUE);
	put_number(&b, 4, TIME_MS_MIN);
	assert_int_equal(read_raw(&b), ERR_OK);
	put_number(&b, 50, 1); /* a field of a later build */
	assert_int_equal(read_raw(&b), ERR_OK);
	put_number(&b, 4, TIME_MS_MIN); /* twice */
	assert_int_equal(read_raw(&b), ERR_BAD_FORMAT);
}

static void test_every_truncation_and_flip(void **state)
{
	(void)state;
	const struct note_plain note = some_note();
	CLEANUP(buf_finip) struct buf b = { 0 };
	write_note(&note, &b);
	for (size_t len = 0; len < b.len; len++) {
		const struct buf cut = { b.p, len, b.cap };
		assert_int_not_equal(read_raw(&cut), ERR_OK);
	}
	size_t refused = 0;
	for (size_t i = 0; i < b.len * 8; i++) {
		b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << i % 8);
		if (read_raw(&b) != ERR_OK) refused++;
		b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ 1u << i % 8);
	}
	assert_true(refused > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_note_comes_back_without_a_copy),
		cmocka_unit_test(test_bytes_are_those_of_protobuf),
		cmocka_unit_test(test_each_field_is_checked),
		cmocka_unit_test(test_text_at_the_limit),
		cmocka_unit_test(test_ids_of_another_length_and_missing_fields),
		cmocka_unit_test(test_every_truncation_and_flip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
