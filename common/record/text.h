/* text: what counts as clean text, and the form in which names are searched.
 *
 * Threads: any.   Unicode data: utf8proc.   Rules: SECURITY 3.7 (bad input). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

enum text_lines {
	TEXT_ONE_LINE,  /* no control character at all, no line separator, no direction override */
	TEXT_MANY_LINES /* tab and newline are allowed, nothing else below space */
};

/* ERR_BAD_TEXT for bad UTF-8, NUL, or a control character; an empty text is clean. */
MUST_USE enum err text_check(struct view text, enum text_lines lines);

/* False when a blank stands at either end, or the text is not UTF-8. */
bool text_is_trimmed(struct view text);

/* A typed name as it is stored: NFC, blanks at the ends dropped, runs of blanks made one. Appends.
 * ERR_BAD_TEXT as text_check(TEXT_ONE_LINE), but tabs and newlines count as blanks; ERR_NOMEM. */
MUST_USE enum err text_normalise_name(struct view typed, struct buf *out);

/* The search form of a name: compatibility-decomposed, case-folded, without accents, marks and
 * punctuation, single blanks; letters that have no accent-free form in Unicode (o with stroke and
 * the like) become the usual ASCII ones. "Jose" finds "José", "obrien" finds "O'Brien". Appends.
 * ERR_BAD_TEXT, ERR_NOMEM. */
MUST_USE enum err text_search_key(struct view text, struct buf *out);

/* The ASCII form of a case-folded letter that Unicode does not decompose (o with stroke: "o"); NULL
 * for any other. For who folds letters without memory of its own. */
const char *text_plain_letter(int32_t point);

/* True when every word of `query_key` stands somewhere in `name_key`; an empty query finds all.
 * Both are text_search_key forms. */
bool text_key_matches(struct view name_key, struct view query_key);
