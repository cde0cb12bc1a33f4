#include "record/note_plain.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/text.h"
#include "roomkeep/record.pb-c.h"
#include "wire/scan.h"

/* Field numbers of NotePlain in record.proto; a test holds them against the descriptor. */
enum note_plain_number {
	NOTE_PLAIN_PATIENT_ID = 1,
	NOTE_PLAIN_SESSION_ID = 2,
	NOTE_PLAIN_TEXT = 3,
	NOTE_PLAIN_WRITTEN_MS = 4,
};

enum err note_plain_check(const struct note_plain *note, struct record_error *ret_error)
{
	if (id_is_zero(&note->patient_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "patient_id", "this field is required");
	}
	if (note->has_session && id_is_zero(&note->session_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "session_id", "the id of a session");
	}
	if (note->text.len > TEXT_BYTES_MAX) {
		return field_fail(ret_error, ERR_TOO_BIG, "text", "a shorter text");
	}
	if (note->text.len == 0) {
		return field_fail(ret_error, ERR_BAD_VALUE, "text", "a text that is not empty");
	}
	if (text_check(note->text, TEXT_MANY_LINES) != ERR_OK) {
		return field_fail(ret_error, ERR_BAD_TEXT, "text",
				  "text in UTF-8 without control characters but tab and newline");
	}
	if (note->written_ms < TIME_MS_MIN || note->written_ms >= TIME_MS_END) {
		return field_fail(ret_error, ERR_BAD_VALUE, "written_ms",
				  "a time from the year 2000 to 2100");
	}
	return ERR_OK;
}

enum err note_plain_read(struct view plain, struct note_plain *ret_note,
			 struct record_error *ret_error)
{
	struct scan_fault fault = { NULL };
	const enum err e = scan_message(&roomkeep__note_plain__descriptor, plain, NULL, &fault);
	if (e != ERR_OK) return field_fail(ret_error, e, fault.field, "one well-formed message");

	struct note_plain note = { 0 };
	struct view bytes;
	if (scan_find(plain, NOTE_PLAIN_PATIENT_ID, &bytes) &&
	    id_from_view(bytes, &note.patient_id) != ERR_OK) {
		return field_fail(ret_error, ERR_BAD_FORMAT, "patient_id", "an id of 16 bytes");
	}
	if (scan_find(plain, NOTE_PLAIN_SESSION_ID, &bytes)) {
		note.has_session = true;
		if (id_from_view(bytes, &note.session_id) != ERR_OK) {
			return field_fail(ret_error, ERR_BAD_FORMAT, "session_id",
					  "an id of 16 bytes");
		}
	}
	if (scan_find(plain, NOTE_PLAIN_TEXT, &bytes)) note.text = bytes;
	uint64_t written;
	if (scan_find_varint(plain, NOTE_PLAIN_WRITTEN_MS, &written)) note.written_ms = written;
	TRY(note_plain_check(&note, ret_error));
	*ret_note = note;
	return ERR_OK;
}

static size_t note_plain_varint_bytes(uint64_t v)
{
	size_t bytes = 1;
	while (v >= 0x80) {
		v >>= 7;
		bytes++;
	}
	return bytes;
}

static uint8_t *note_plain_put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *note_plain_put_bytes(uint8_t *p, enum note_plain_number number, struct view v)
{
	*p++ = (uint8_t)((unsigned)number << 3 | 2); /* length-delimited */
	p = note_plain_put_varint(p, v.len);
	if (v.len > 0) memcpy(p, v.p, v.len);
	return p + v.len;
}

size_t note_plain_bytes(const struct note_plain *note)
{
	size_t bytes = 2 + ID_BYTES;
	if (note->has_session) bytes += 2 + ID_BYTES;
	bytes += 1 + note_plain_varint_bytes(note->text.len) + note->text.len;
	return bytes + 1 + note_plain_varint_bytes(note->written_ms);
}

enum err note_plain_write(const struct note_plain *note, uint8_t *p, size_t cap, size_t *ret_len)
{
	const size_t len = note_plain_bytes(note);
	ENSURE(len <= cap, ERR_TOO_BIG);
	uint8_t *at = note_plain_put_bytes(p, NOTE_PLAIN_PATIENT_ID, id_view(&note->patient_id));
	if (note->has_session) {
		at = note_plain_put_bytes(at, NOTE_PLAIN_SESSION_ID, id_view(&note->session_id));
	}
	at = note_plain_put_bytes(at, NOTE_PLAIN_TEXT, note->text);
	*at++ = (uint8_t)((unsigned)NOTE_PLAIN_WRITTEN_MS << 3); /* varint */
	at = note_plain_put_varint(at, note->written_ms);
	INSIST((size_t)(at - p) == len);
	*ret_len = len;
	return ERR_OK;
}
