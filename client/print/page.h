/* page: A4 pages as a tagged PDF in memory, black and grey only.
 *
 * Wraps cairo and Pango, and nothing else includes them: what a page says is given as texts and
 * numbers, in points (1/72 inch) from the top left corner.
 *
 * Owns:    the PDF's bytes until page_free.   Threads: any, one at a time for a page.
 * Errors:  are sticky and told by page_finish: ERR_NOMEM, ERR_BAD_TEXT (a text that is not UTF-8),
 *          ERR_BUG (a tag that was not closed). GLib ends the process when memory runs out under
 *          Pango.
 * Tags:    as far as cairo 1.16 can: structure elements in reading order, marked content, title.
 *          It cannot set the language or the alternative text of a figure, so a figure here always
 *          stands beside the sentence that says the same.
 * Secrets: the bytes are a patient's; they are wiped with the buf. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define PAGE_WIDTH 595.276  /* A4 */
#define PAGE_HEIGHT 841.890 /* A4 */

/* Greys: what is read is dark enough for a bad printer. */
#define PAGE_BLACK 0.0
#define PAGE_DARK 0.22
#define PAGE_MIDDLE 0.42
#define PAGE_LIGHT 0.65
#define PAGE_BAND 0.87
#define PAGE_WHITE 1.0

enum page_font {
	PAGE_TITLE,   /* 28 bold */
	PAGE_HEADING, /* 16 bold */
	PAGE_STRONG,  /* 13.5 bold */
	PAGE_BODY,    /* 13.5 */
	PAGE_SMALL,   /* 10.5 */
	PAGE_LABEL,   /* 10.5 bold */
	PAGE_TINY,    /* 8.5: head and foot of a long document */
};

enum page_align { PAGE_LEFT, PAGE_RIGHT };

struct page; /* opaque */

/* `title` is the document's title, for its window and for screen readers. */
MUST_USE enum err page_new(const char *title, struct page **ret_page);
void page_free(struct page *p); /* NULL is fine */
void page_freep(struct page **p);

/* A structure element: "H1", "H2", "P", "Figure", "Sect". They nest and are closed in turn. */
void page_tag_begin(struct page *p, const char *tag);
void page_tag_end(struct page *p, const char *tag);

/* Text wrapped to `width`, its top at `y`; returns its height. */
double page_text(struct page *p, enum page_font font, enum page_align align, double grey, double x,
		 double y, double width, const char *text);
/* The height it would have. */
double page_text_height(struct page *p, enum page_font font, double width, const char *text);
/* The same for as many whole lines as fit into `height`; `*ret_used` says how many bytes of the
 * text
 * they hold: all of them, or up to the first that is left. 0 when no line fits. */
double page_text_part(struct page *p, enum page_font font, double grey, double x, double y,
		      double width, double height, const char *text, size_t *ret_used);

void page_fill(struct page *p, double grey, double x, double y, double width, double height);
void page_frame(struct page *p, double grey, double x, double y, double width, double height);
void page_line(struct page *p, double grey, double thick, double x1, double y1, double x2,
	       double y2);
void page_dashed(struct page *p, double grey, double thick, double x1, double y1, double x2,
		 double y2);

/* Ends this page and begins another. Every tag is closed before. */
void page_next(struct page *p);

/* Ends the last page and appends the PDF to `out`. The page is only good for page_free
 * afterwards. */
MUST_USE enum err page_finish(struct page *p, struct buf *out);
