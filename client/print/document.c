#include "client/print/document.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/print/page.h"

#include <stdio.h>
#include <string.h>

/* Points. */
#define MARGIN 56.0
#define WIDTH (PAGE_WIDTH - 2 * MARGIN)
#define HEAD_Y 34.0
#define TOP 66.0
#define BOTTOM (PAGE_HEIGHT - 62.0)
#define FOOT_Y (PAGE_HEIGHT - 44.0)
#define LABEL_WIDTH 132.0
#define CELL_GAP 8.0
#define NOTICE_INDENT 12.0
#define ORPHAN_HEIGHT 52.0 /* a heading stands above at least so much of what follows */

struct document_block {
	enum document_piece piece;
	size_t count;
	const char *texts[DOCUMENT_COLUMNS_MAX]; /* in the arena */
	unsigned widths[DOCUMENT_COLUMNS_MAX];   /* of a row */
};

/* ---- putting it together ------------------------------------------------------------------- */

void document_init(struct document *d, const struct document_head *head)
{
	*d = (struct document){ .head = *head };
	arena_init(&d->texts, DOCUMENT_BYTES_MAX);
}

void document_fini(struct document *d)
{
	arena_fini(&d->texts);
	free(d->blocks);
	*d = (struct document){ .block_count = 0 };
}

void document_finip(struct document *d)
{
	document_fini(d);
}

static enum err keep(struct document *d, const char *text, const char **ret)
{
	const size_t len = strlen(text);
	const bool fits = arena_fits(&d->texts, len + 1);
	const struct view copy = arena_dup(&d->texts, view_of(text, len));

	ENSURE(copy.p != NULL, fits ? ERR_NOMEM : ERR_FULL);
	*ret = (const char *)copy.p;
	return ERR_OK;
}

static enum err add(struct document *d, enum document_piece piece, const char *const *texts,
		    const unsigned *widths, size_t count)
{
	struct document_block block = { .piece = piece, .count = count };

	REQUIRE(count <= DOCUMENT_COLUMNS_MAX);
	for (size_t i = 0; i < count; i++) {
		TRY(keep(d, texts[i], &block.texts[i]));
		block.widths[i] = widths == NULL ? 0 : widths[i];
	}
	if (d->block_count == d->block_cap) {
		const size_t cap = d->block_cap == 0 ? 256 : d->block_cap * 2;
		struct document_block *more = reallocarray(d->blocks, cap, sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		d->blocks = more;
		d->block_cap = cap;
	}
	d->blocks[d->block_count++] = block;
	return ERR_OK;
}

enum err document_add(struct document *d, enum document_piece piece, const char *text)
{
	REQUIRE(piece != DOCUMENT_FIELD && piece != DOCUMENT_ROW && piece != DOCUMENT_ROW_HEAD);
	return add(d, piece, &text, NULL, 1);
}

enum err document_add_field(struct document *d, const char *label, const char *text)
{
	const char *const texts[] = { label, text };

	return add(d, DOCUMENT_FIELD, texts, NULL, COUNT_OF(texts));
}

enum err document_add_row(struct document *d, bool is_head, const char *const *cells,
			  const unsigned *widths, size_t count)
{
	return add(d, is_head ? DOCUMENT_ROW_HEAD : DOCUMENT_ROW, cells, widths, count);
}

enum err document_add_gap(struct document *d)
{
	return add(d, DOCUMENT_GAP, NULL, NULL, 0);
}

/* ---- setting it ---------------------------------------------------------------------------- */

struct setting {
	const struct document *d;
	struct page *page;
	unsigned number; /* of the page */
	unsigned pages;  /* in all; 0 while they are counted */
	double y;        /* where the next thing begins */
};

static void draw_head(struct setting *s)
{
	page_tag_begin(s->page, "P");
	page_text(s->page, PAGE_TINY, PAGE_LEFT, PAGE_MIDDLE, MARGIN, HEAD_Y, WIDTH * 0.55,
		  s->d->head.clinic);
	page_text(s->page, PAGE_TINY, PAGE_RIGHT, PAGE_MIDDLE, MARGIN + WIDTH * 0.45, HEAD_Y,
		  WIDTH * 0.55, s->d->head.subject);
	page_tag_end(s->page, "P");
	page_line(s->page, PAGE_LIGHT, 0.6, MARGIN, HEAD_Y + 15.0, MARGIN + WIDTH, HEAD_Y + 15.0);
	s->y = TOP;
}

static void draw_foot(struct setting *s)
{
	char number[48];

	(void)snprintf(number, sizeof(number), "Page %u of %u", s->number, s->pages);
	page_line(s->page, PAGE_LIGHT, 0.6, MARGIN, FOOT_Y - 6.0, MARGIN + WIDTH, FOOT_Y - 6.0);
	page_tag_begin(s->page, "P");
	page_text(s->page, PAGE_TINY, PAGE_LEFT, PAGE_MIDDLE, MARGIN, FOOT_Y, WIDTH * 0.7,
		  s->d->head.title);
	page_text(s->page, PAGE_TINY, PAGE_RIGHT, PAGE_MIDDLE, MARGIN + WIDTH * 0.7, FOOT_Y,
		  WIDTH * 0.3, number);
	page_tag_end(s->page, "P");
}

static void turn_page(struct setting *s)
{
	draw_foot(s);
	page_next(s->page);
	s->number++;
	draw_head(s);
}

/* Room for this much, or another page. What is higher than a page begins where it is. */
static void need(struct setting *s, double height)
{
	if (s->y + height > BOTTOM && s->y > TOP) turn_page(s);
}

/* A text of any length from `x` on, over as many pages as it takes. */
static void flow(struct setting *s, const char *tag, enum page_font font, double grey, double x,
		 double width, const char *text)
{
	while (*text != '\0') {
		size_t used = 0;
		page_tag_begin(s->page, tag);
		s->y += page_text_part(s->page, font, grey, x, s->y, width, BOTTOM - s->y, text,
				       &used);
		page_tag_end(s->page, tag);
		if (used == 0 && s->y <= TOP) return; /* a line higher than a page: there is none */
		text += used;
		if (*text != '\0') turn_page(s);
	}
}

static void set_section(struct setting *s, const char *text)
{
	if (s->y > TOP) s->y += 16.0;
	const double height = page_text_height(s->page, PAGE_HEADING, WIDTH, text);
	need(s, height + ORPHAN_HEIGHT);
	flow(s, "H2", PAGE_HEADING, PAGE_BLACK, MARGIN, WIDTH, text);
	page_line(s->page, PAGE_LIGHT, 0.8, MARGIN, s->y + 3.0, MARGIN + WIDTH, s->y + 3.0);
	s->y += 11.0;
}

static void set_heading(struct setting *s, const char *text)
{
	if (s->y > TOP) s->y += 7.0;
	need(s, page_text_height(s->page, PAGE_LABEL, WIDTH, text) + ORPHAN_HEIGHT);
	flow(s, "H3", PAGE_LABEL, PAGE_BLACK, MARGIN, WIDTH, text);
	s->y += 2.0;
}

/* The bar goes on with the text, also over the end of a page. */
static void set_notice(struct setting *s, const char *text)
{
	const double x = MARGIN + NOTICE_INDENT;

	s->y += 4.0;
	while (*text != '\0') {
		size_t used = 0;
		page_tag_begin(s->page, "P");
		const double height = page_text_part(s->page, PAGE_SMALL, PAGE_BLACK, x, s->y,
						     WIDTH - NOTICE_INDENT, BOTTOM - s->y, text,
						     &used);
		page_tag_end(s->page, "P");
		if (height > 0) page_fill(s->page, PAGE_MIDDLE, MARGIN, s->y, 3.0, height);
		s->y += height;
		if (used == 0 && s->y <= TOP) return;
		text += used;
		if (*text != '\0') turn_page(s);
	}
	s->y += 6.0;
}

static void set_field(struct setting *s, const struct document_block *b)
{
	const double label =
		page_text_height(s->page, PAGE_SMALL, LABEL_WIDTH - CELL_GAP, b->texts[0]);
	need(s, label);
	const double y = s->y;
	const unsigned number = s->number;
	page_tag_begin(s->page, "P");
	page_text(s->page, PAGE_SMALL, PAGE_LEFT, PAGE_MIDDLE, MARGIN, y, LABEL_WIDTH - CELL_GAP,
		  b->texts[0]);
	page_tag_end(s->page, "P");
	flow(s, "P", PAGE_SMALL, PAGE_BLACK, MARGIN + LABEL_WIDTH, WIDTH - LABEL_WIDTH,
	     b->texts[1]);
	if (s->number == number && s->y < y + label) s->y = y + label;
	s->y += 2.0;
}

/* One row stands on one page: its cells are short. */
static void set_row(struct setting *s, const struct document_block *b)
{
	const enum page_font font = b->piece == DOCUMENT_ROW_HEAD ? PAGE_LABEL : PAGE_SMALL;
	double height = 0;
	double x = MARGIN;

	for (size_t i = 0; i < b->count; i++) {
		const double width = WIDTH * b->widths[i] / 100.0 - CELL_GAP;
		const double cell = page_text_height(s->page, font, width, b->texts[i]);
		if (cell > height) height = cell;
	}
	need(s, height + (b->piece == DOCUMENT_ROW_HEAD ? ORPHAN_HEIGHT : 6.0));
	page_tag_begin(s->page, "P");
	for (size_t i = 0; i < b->count; i++) {
		const double width = WIDTH * b->widths[i] / 100.0;
		page_text(s->page, font, PAGE_LEFT, PAGE_BLACK, x, s->y, width - CELL_GAP,
			  b->texts[i]);
		x += width;
	}
	page_tag_end(s->page, "P");
	s->y += height + 2.5;
	page_line(s->page, b->piece == DOCUMENT_ROW_HEAD ? PAGE_MIDDLE : PAGE_BAND, 0.6, MARGIN,
		  s->y, MARGIN + WIDTH, s->y);
	s->y += 3.5;
}

static void set_block(struct setting *s, const struct document_block *b)
{
	switch (b->piece) {
	case DOCUMENT_TITLE:
		flow(s, "H1", PAGE_TITLE, PAGE_BLACK, MARGIN, WIDTH, b->texts[0]);
		s->y += 4.0;
		break;
	case DOCUMENT_LINE:
		flow(s, "P", PAGE_SMALL, PAGE_DARK, MARGIN, WIDTH, b->texts[0]);
		s->y += 2.0;
		break;
	case DOCUMENT_SECTION: set_section(s, b->texts[0]); break;
	case DOCUMENT_HEADING: set_heading(s, b->texts[0]); break;
	case DOCUMENT_TEXT:
		flow(s, "P", PAGE_SMALL, PAGE_BLACK, MARGIN, WIDTH, b->texts[0]);
		s->y += 6.0;
		break;
	case DOCUMENT_SMALL:
		flow(s, "P", PAGE_TINY, PAGE_MIDDLE, MARGIN, WIDTH, b->texts[0]);
		s->y += 3.0;
		break;
	case DOCUMENT_NOTICE: set_notice(s, b->texts[0]); break;
	case DOCUMENT_FIELD: set_field(s, b); break;
	case DOCUMENT_ROW:
	case DOCUMENT_ROW_HEAD: set_row(s, b); break;
	case DOCUMENT_GAP: s->y += 10.0; break;
	}
}

static enum err set_all(const struct document *d, struct buf *out, unsigned *pages)
{
	CLEANUP(page_freep) struct page *page = NULL;

	TRY(page_new(d->head.title, &page));
	struct setting s = { .d = d, .page = page, .number = 1, .pages = *pages };
	draw_head(&s);
	for (size_t i = 0; i < d->block_count; i++) set_block(&s, &d->blocks[i]);
	draw_foot(&s);
	*pages = s.number;
	return page_finish(page, out);
}

/* Set twice: the first time says how many pages there are. */
enum err document_draw(const struct document *d, struct buf *out, unsigned *ret_pages)
{
	CLEANUP(buf_finip) struct buf counted = { 0 };
	unsigned pages = 0;

	const enum err e = set_all(d, &counted, &pages);
	buf_wipe(&counted);
	TRY(e);
	TRY(set_all(d, out, &pages));
	*ret_pages = pages;
	return ERR_OK;
}
