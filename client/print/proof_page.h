/* proof_page: what changed, on one page for the patient.
 *
 * Per measure bars before, during and after treatment over a grey band that shows how much the
 * measure varies by itself, and one sentence. Readable in grey: hollow is before, filled is after.
 * Draws what it is given and decides nothing: the numbers and sentences are record/proof.h's and
 * record/proof_words.h's.
 *
 * Owns: nothing.   Threads, errors: as page.h.   Source: DOMAIN 4.6, ROOM-UI 11. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROOF_PAGE_BARS 3u

/* Borrowed texts, UTF-8, NUL-terminated, never NULL. */
struct proof_page_bar {
	bool there;
	const char *label; /* "Before" */
	int64_t milli;     /* in thousandths of the unit */
	const char *text;  /* "50 degrees" */
};

struct proof_page_test {
	const char *title;                           /* "Neck rotation, left" */
	const char *how;                             /* "by goniometer, active, seated" */
	struct proof_page_bar bars[PROOF_PAGE_BARS]; /* hollow, grey, dark */
	int64_t low_milli;                           /* of the scale that the bars stand on */
	int64_t high_milli;                          /* above low_milli */
	int64_t band_milli;                          /* half its width, around bars[0]; 0: none */
	const char *sentence;
};

struct proof_page_panel {
	const char *heading;
	const struct proof_page_test *tests; /* as many as fit are drawn, in this order */
	size_t count;
	const char *note; /* below the tests, or instead of them; "": none */
};

struct proof_page {
	const char *clinic;
	const char *patient; /* as the person wants to be called */
	const char *date;    /* "30 November 2026" */
	struct proof_page_panel today;
	struct proof_page_panel whole; /* first visit to today */
};

/* Appends the PDF. ERR_NOMEM, ERR_BAD_TEXT. */
MUST_USE enum err proof_page_draw(const struct proof_page *page, struct buf *out);
