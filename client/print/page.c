#include "client/print/page.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
/* fontconfig keeps its configuration to the end of the process. Giving it back (FcFini) asserts
 * when Pango's own thread still reads it, so the leak checker is told instead. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig";
}
#endif
#endif

struct page {
	struct buf bytes; /* what cairo wrote so far */
	cairo_surface_t *surface;
	cairo_t *cr;
	PangoFontMap *fonts;
	PangoContext *context;
	PangoLayout *layout;
	enum err failed;
	unsigned tags_open; /* cairo 1.16 does not always notice one that is left open */
};

static cairo_status_t page_write(void *closure, const unsigned char *data, unsigned int length)
{
	struct page *p = closure;

	if (p->failed == ERR_OK) p->failed = buf_append(&p->bytes, view_of(data, length));
	return p->failed == ERR_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

void page_free(struct page *p)
{
	if (p == NULL) return;
	if (p->layout != NULL) g_object_unref(p->layout);
	if (p->context != NULL) g_object_unref(p->context);
	if (p->fonts != NULL) g_object_unref(p->fonts);
	/* Freeing an unfinished surface would write the rest. */
	p->failed = p->failed == ERR_OK ? ERR_CANCELED : p->failed;
	if (p->cr != NULL) cairo_destroy(p->cr);
	if (p->surface != NULL) cairo_surface_destroy(p->surface);
	buf_fini(&p->bytes);
	free(p);
}

void page_freep(struct page **p)
{
	page_free(*p);
	*p = NULL;
}

enum err page_new(const char *title, struct page **ret_page)
{
	CLEANUP(page_freep) struct page *p = calloc(1, sizeof(*p));

	ENSURE(p != NULL, ERR_NOMEM);
	p->surface = cairo_pdf_surface_create_for_stream(page_write, p, PAGE_WIDTH, PAGE_HEIGHT);
	p->cr = cairo_create(p->surface);
	ENSURE(cairo_status(p->cr) == CAIRO_STATUS_SUCCESS, ERR_NOMEM);
	cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_TITLE, title);
	cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_CREATOR, "Roomkeep");
	/* A font map of its own, not the thread's default: what it caches goes with the page. */
	p->fonts = pango_cairo_font_map_new();
	p->context = pango_font_map_create_context(p->fonts);
	pango_cairo_update_context(p->cr, p->context);
	p->layout = pango_layout_new(p->context);
	pango_layout_set_wrap(p->layout, PANGO_WRAP_WORD_CHAR);
	page_tag_begin(p, "Document");
	*ret_page = TAKE(p);
	return ERR_OK;
}

void page_tag_begin(struct page *p, const char *tag)
{
	p->tags_open++;
	cairo_tag_begin(p->cr, tag, NULL);
}

void page_tag_end(struct page *p, const char *tag)
{
	REQUIRE(p->tags_open > 0);
	p->tags_open--;
	cairo_tag_end(p->cr, tag);
}

/* ---- text ---------------------------------------------------------------------------------- */

static const struct {
	double size;
	PangoWeight weight;
} page_fonts[] = {
	[PAGE_TITLE] = { 28, PANGO_WEIGHT_BOLD },     [PAGE_HEADING] = { 16, PANGO_WEIGHT_BOLD },
	[PAGE_STRONG] = { 13.5, PANGO_WEIGHT_BOLD },  [PAGE_BODY] = { 13.5, PANGO_WEIGHT_NORMAL },
	[PAGE_SMALL] = { 10.5, PANGO_WEIGHT_NORMAL }, [PAGE_LABEL] = { 10.5, PANGO_WEIGHT_BOLD },
	[PAGE_TINY] = { 8.5, PANGO_WEIGHT_NORMAL },
};

/* Sets the layout up; returns its height in points. */
static double page_lay_out(struct page *p, enum page_font font, double width, const char *text)
{
	PangoFontDescription *d = pango_font_description_new();
	int height = 0;

	/* Pango would warn on standard error and show boxes. */
	if (!g_utf8_validate(text, -1, NULL)) {
		if (p->failed == ERR_OK) p->failed = ERR_BAD_TEXT;
		text = "";
	}
	pango_font_description_set_family_static(d, "Sans");
	pango_font_description_set_weight(d, page_fonts[font].weight);
	pango_font_description_set_absolute_size(d, page_fonts[font].size * PANGO_SCALE);
	pango_layout_set_font_description(p->layout, d);
	pango_font_description_free(d);
	pango_layout_set_width(p->layout, (int)(width * PANGO_SCALE));
	pango_layout_set_text(p->layout, text, -1);
	pango_layout_get_size(p->layout, NULL, &height);
	return (double)height / PANGO_SCALE;
}

double page_text(struct page *p, enum page_font font, enum page_align align, double grey, double x,
		 double y, double width, const char *text)
{
	pango_layout_set_alignment(p->layout,
				   align == PAGE_RIGHT ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
	const double height = page_lay_out(p, font, width, text);
	cairo_set_source_rgb(p->cr, grey, grey, grey);
	cairo_move_to(p->cr, x, y);
	pango_cairo_show_layout(p->cr, p->layout);
	return height;
}

double page_text_height(struct page *p, enum page_font font, double width, const char *text)
{
	return page_lay_out(p, font, width, text);
}

/* The first line whose foot is below `height`; NULL: all of them fit. */
static PangoLayoutLine *page_first_left(struct page *p, double height)
{
	PangoLayoutIter *at = pango_layout_get_iter(p->layout);
	PangoLayoutLine *left = NULL;

	do {
		int bottom = 0;
		pango_layout_iter_get_line_yrange(at, NULL, &bottom);
		if ((double)bottom / PANGO_SCALE <= height) continue;
		left = pango_layout_iter_get_line_readonly(at);
	} while (left == NULL && pango_layout_iter_next_line(at));
	pango_layout_iter_free(at);
	return left;
}

double page_text_part(struct page *p, enum page_font font, double grey, double x, double y,
		      double width, double height, const char *text, size_t *ret_used)
{
	pango_layout_set_alignment(p->layout, PANGO_ALIGN_LEFT);
	double whole = page_lay_out(p, font, width, text);
	const PangoLayoutLine *left = page_first_left(p, height);

	*ret_used = left == NULL ? strlen(text) : (size_t)left->start_index;
	if (*ret_used == 0) return 0;
	if (left != NULL) {
		pango_layout_set_text(p->layout, text, (int)*ret_used);
		int part = 0;
		pango_layout_get_size(p->layout, NULL, &part);
		whole = (double)part / PANGO_SCALE;
	}
	cairo_set_source_rgb(p->cr, grey, grey, grey);
	cairo_move_to(p->cr, x, y);
	pango_cairo_show_layout(p->cr, p->layout);
	return whole;
}

/* ---- shapes -------------------------------------------------------------------------------- */

void page_fill(struct page *p, double grey, double x, double y, double width, double height)
{
	cairo_set_source_rgb(p->cr, grey, grey, grey);
	cairo_rectangle(p->cr, x, y, width, height);
	cairo_fill(p->cr);
}

void page_frame(struct page *p, double grey, double x, double y, double width, double height)
{
	cairo_set_source_rgb(p->cr, grey, grey, grey);
	cairo_set_line_width(p->cr, 1.0);
	cairo_rectangle(p->cr, x + 0.5, y + 0.5, width - 1.0, height - 1.0);
	cairo_stroke(p->cr);
}

void page_line(struct page *p, double grey, double thick, double x1, double y1, double x2,
	       double y2)
{
	cairo_set_source_rgb(p->cr, grey, grey, grey);
	cairo_set_line_width(p->cr, thick);
	cairo_move_to(p->cr, x1, y1);
	cairo_line_to(p->cr, x2, y2);
	cairo_stroke(p->cr);
}

void page_dashed(struct page *p, double grey, double thick, double x1, double y1, double x2,
		 double y2)
{
	static const double dash[] = { 3.0, 2.0 };

	cairo_set_dash(p->cr, dash, COUNT_OF(dash), 0);
	page_line(p, grey, thick, x1, y1, x2, y2);
	cairo_set_dash(p->cr, NULL, 0, 0);
}

/* ---- the end ------------------------------------------------------------------------------- */

static enum err page_status(cairo_status_t status)
{
	if (status == CAIRO_STATUS_SUCCESS) return ERR_OK;
	if (status == CAIRO_STATUS_NO_MEMORY) return ERR_NOMEM;
	return status == CAIRO_STATUS_INVALID_STRING ? ERR_BAD_TEXT : ERR_BUG;
}

void page_next(struct page *p)
{
	/* What is marked on a page ends on it. */
	page_tag_end(p, "Document");
	REQUIRE(p->tags_open == 0);
	cairo_show_page(p->cr);
	page_tag_begin(p, "Document");
}

enum err page_finish(struct page *p, struct buf *out)
{
	page_tag_end(p, "Document");
	cairo_show_page(p->cr);
	const cairo_status_t drawn = cairo_status(p->cr);
	cairo_surface_finish(p->surface);
	TRY(p->failed);
	ENSURE(p->tags_open == 0, ERR_BUG);
	TRY(page_status(drawn));
	TRY(page_status(cairo_surface_status(p->surface)));
	return buf_append(out, buf_view(&p->bytes));
}
