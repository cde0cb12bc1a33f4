/* fuzz_payload: the content of an op, read as every kind there is; and the inside of a note.
 * Targets: payload_decode, payload_check_first, payload_encode, payload_*_id, note_plain_read,
 *          note_plain_check, note_plain_write.
 * Holds:   a refusal names a reason; what was accepted is accepted again when written anew. */
#include "base/cleanup.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "record/note_plain.h"
#include "record/payload.h"

#include <stdlib.h>

static void check_ids(const struct payload *p)
{
	struct id id;

	(void)payload_session_id(p, &id);
	(void)payload_patient_id(p, &id);
	INSIST(payload_subject_id(p, &id) == (p->info->subject_field != NULL));
}

static void check_again(const struct payload *p, size_t len)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	CLEANUP(buf_finip) struct buf twice = { 0 };
	struct payload again;
	struct record_error error = { 0 };

	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	INSIST(payload_encode(p->info->kind, p->is.any, false, p->blind.p, &bytes, &error) ==
	       ERR_OK);
	INSIST(bytes.len == len);
	INSIST(payload_decode(&a, (uint64_t)p->info->kind, buf_view(&bytes), &again, &error) ==
	       ERR_OK);
	INSIST(again.unknown_fields == p->unknown_fields);
	INSIST(payload_encode(p->info->kind, again.is.any, false, again.blind.p, &twice, &error) ==
	       ERR_OK);
	INSIST(view_equal(buf_view(&bytes), buf_view(&twice)));
	INSIST(payload_check_first(p, NULL) == payload_check_first(&again, NULL));
}

static void check_as(const struct kind_info *info, struct view bytes)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	struct payload p;
	struct record_error error = { 0 };

	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	const enum err e = payload_decode(&a, (uint64_t)info->kind, bytes, &p, &error);
	if (e != ERR_OK) {
		INSIST(e != ERR_NOT_FOUND && error.err == e);
		INSIST(error.allowed != NULL);
		return;
	}
	INSIST(p.info == info && p.blind.len == PAYLOAD_BLIND_BYTES);
	check_ids(&p);
	check_again(&p, bytes.len);
}

static void check_note(struct view plain)
{
	struct note_plain n;
	struct note_plain again;
	struct record_error error = { 0 };
	size_t len = 0;

	if (note_plain_read(plain, &n, &error) != ERR_OK) {
		INSIST(error.err != ERR_OK && error.allowed != NULL);
		return;
	}
	INSIST(note_plain_check(&n, &error) == ERR_OK);
	const size_t bytes = note_plain_bytes(&n);
	CLEANUP(freep) uint8_t *copy = malloc(bytes);
	INSIST(copy != NULL);
	INSIST(note_plain_write(&n, copy, bytes - 1, &len) == ERR_TOO_BIG);
	INSIST(note_plain_write(&n, copy, bytes, &len) == ERR_OK && len == bytes);
	INSIST(note_plain_read(view_of(copy, len), &again, &error) == ERR_OK);
	INSIST(id_equal(&n.patient_id, &again.patient_id) && view_equal(n.text, again.text));
	INSIST(n.has_session == again.has_session && n.written_ms == again.written_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t count = kind_count();

	for (size_t i = 0; i < count; i++) check_as(kind_at(i), view_of(data, size));
	check_note(view_of(data, size));
	return 0;
}
