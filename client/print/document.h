/* document: a text of any length on A4 pages, as a tagged PDF: a chart, a letter, a receipt.
 *
 * What it says is added piece by piece, from top to bottom; pieces are set one below the other
 * and go
 * on to the next page where they do not fit. Each page names the clinic, the subject and its
 * number.
 * Calm and readable in grey: one column, labels on the left, no colour, no boxes.
 *
 * Owns:    copies of all it is given, until _fini.   Threads: any, one at a time.
 * Limits:  DOCUMENT_BYTES_MAX of texts; ERR_FULL above.
 * Errors:  ERR_NOMEM, ERR_FULL; document_draw: as page.h. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define DOCUMENT_BYTES_MAX (64u * 1024u * 1024u)
#define DOCUMENT_COLUMNS_MAX 5u

/* Borrowed until _fini, UTF-8, never NULL. */
struct document_head {
	const char *title;   /* of the file, and in each foot */
	const char *clinic;  /* in each head, left */
	const char *subject; /* in each head, right: whose it is */
};

enum document_piece {
	DOCUMENT_TITLE,   /* once, at the beginning */
	DOCUMENT_LINE,    /* below a title: for whom, when */
	DOCUMENT_SECTION, /* a heading with a rule */
	DOCUMENT_HEADING, /* of one thing */
	DOCUMENT_TEXT,    /* a paragraph */
	DOCUMENT_SMALL,   /* what a reader may pass over: who wrote it, when */
	DOCUMENT_NOTICE,  /* with a bar beside it: what must not be missed */
	DOCUMENT_FIELD,   /* a label and what it says */
	DOCUMENT_ROW,     /* of a table */
	DOCUMENT_ROW_HEAD,
	DOCUMENT_GAP, /* a little room */
};

struct document_block;

struct document {
	struct arena texts;
	struct document_head head;
	struct document_block *blocks; /* owned; in the order in which they were added */
	size_t block_count;
	size_t block_cap;
};

void document_init(struct document *d, const struct document_head *head);
void document_fini(struct document *d);  /* wipes */
void document_finip(struct document *d); /* for CLEANUP */

/* Any piece of one text: not a FIELD, not a ROW. */
MUST_USE enum err document_add(struct document *d, enum document_piece piece, const char *text);
MUST_USE enum err document_add_field(struct document *d, const char *label, const char *text);
/* `widths` in hundredths of the line; they add up to 100 at most. */
MUST_USE enum err document_add_row(struct document *d, bool is_head, const char *const *cells,
				   const unsigned *widths, size_t count);
MUST_USE enum err document_add_gap(struct document *d);

/* Appends the PDF; `*ret_pages` says how many pages it has. */
MUST_USE enum err document_draw(const struct document *d, struct buf *out, unsigned *ret_pages);
