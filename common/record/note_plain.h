/* note_plain: the inside of a confidential note, read and written in memory the caller chose.
 *
 * No copy is made and nothing is allocated, because plain notes stand in guarded memory only:
 * reading gives views into the plaintext, writing goes straight into the caller's block.
 *
 * Threads: any.   Limits: TEXT_BYTES_MAX. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "base/view.h"
#include "record/fields.h"

struct note_plain {
	struct id patient_id;
	bool has_session;
	struct id session_id;
	struct view text;    /* borrowed; clean text, not empty */
	uint64_t written_ms; /* 2000..2100 */
};

/* Returns: ERR_OK; ERR_BAD_FORMAT, ERR_BAD_VALUE, ERR_BAD_TEXT, ERR_TOO_BIG. Unknown fields are
 * skipped. `ret_error` may be NULL. */
MUST_USE enum err note_plain_read(struct view plain, struct note_plain *ret_note,
				  struct record_error *ret_error);

/* The same checks before writing. */
MUST_USE enum err note_plain_check(const struct note_plain *note, struct record_error *ret_error);

/* Bytes that note_plain_write needs. Requires: note_plain_check passed. */
size_t note_plain_bytes(const struct note_plain *note);

/* Writes note_plain_bytes() bytes. ERR_TOO_BIG when `cap` is less. Requires: note_plain_check
 * passed. */
MUST_USE enum err note_plain_write(const struct note_plain *note, uint8_t *p, size_t cap,
				   size_t *ret_len);
