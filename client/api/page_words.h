/* page_words: values of a chart as a person reads them on paper: days and times of this room, words
 * instead of keys, yes and no.
 *
 * Owns: nothing; appends to the caller's buf.   Threads: any, but localtime's.   Errors:
 * ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "client/api/json.h"

/* "30 November 2026" and "30 Nov 2026, 10:05" of a moment; nothing for 0. */
MUST_USE enum err page_put_day(struct buf *out, uint64_t ms);
MUST_USE enum err page_put_moment(struct buf *out, uint64_t ms);
/* The same of a text: RFC 3339 (`with_time` or only its day) or YYYY-MM-DD; other text as it is. */
MUST_USE enum err page_put_date_text(struct buf *out, const char *text, bool with_time);

/* "Asked on" of "asked_on". */
MUST_USE enum err page_put_label(struct buf *out, const char *key);
/* "large gain" of "large_gain". */
MUST_USE enum err page_put_word(struct buf *out, const char *word);
/* "52.5": as short as it is exact. */
MUST_USE enum err page_put_number(struct buf *out, const json_t *value);

/* "1 record", "3 records". */
MUST_USE enum err page_put_count(struct buf *out, size_t count, const char *one, const char *many);
