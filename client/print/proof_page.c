#include "client/print/proof_page.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/print/page.h"

#include <stdio.h>

/* Points. */
#define MARGIN 50.0
#define WIDTH (PAGE_WIDTH - 2 * MARGIN)
#define FOOT_TOP (PAGE_HEIGHT - 92.0) /* the legend begins here */
#define LABEL_WIDTH 80.0
#define VALUE_WIDTH 86.0
#define CHART_X (MARGIN + LABEL_WIDTH)
#define CHART_WIDTH (WIDTH - LABEL_WIDTH - VALUE_WIDTH)
#define BAR_HEIGHT 11.0
#define BAR_PITCH 16.0
#define TITLE_HEIGHT 21.0
#define TEST_GAP 10.0

struct sheet {
	struct page *page;
	double y; /* where the next thing begins */
};

/* ---- one measure --------------------------------------------------------------------------- */

static double chart_x(const struct proof_page_test *t, int64_t milli)
{
	if (milli < t->low_milli) milli = t->low_milli;
	if (milli > t->high_milli) milli = t->high_milli;
	const double span = (double)(t->high_milli - t->low_milli);
	return CHART_X + CHART_WIDTH * (double)(milli - t->low_milli) / span;
}

static size_t bar_count(const struct proof_page_test *t)
{
	size_t count = 0;

	for (size_t i = 0; i < PROOF_PAGE_BARS; i++) count += t->bars[i].there;
	return count;
}

static bool has_band(const struct proof_page_test *t)
{
	return t->band_milli > 0 && t->bars[0].there;
}

/* Where the band ends; across a filled bar in white, else dashed. */
static void draw_band_edges(struct sheet *s, const struct proof_page_test *t, double y,
			    double height, bool on_bar)
{
	if (!has_band(t)) return;
	const int64_t edges[] = { t->bars[0].milli - t->band_milli,
				  t->bars[0].milli + t->band_milli };
	for (size_t i = 0; i < COUNT_OF(edges); i++) {
		const double x = chart_x(t, edges[i]);
		if (on_bar) {
			page_line(s->page, PAGE_WHITE, 1.6, x, y, x, y + height);
		} else {
			page_dashed(s->page, PAGE_MIDDLE, 0.9, x, y, x, y + height);
		}
	}
}

static void draw_band(struct sheet *s, const struct proof_page_test *t, double y, double height)
{
	if (!has_band(t)) return;
	const double left = chart_x(t, t->bars[0].milli - t->band_milli);
	const double right = chart_x(t, t->bars[0].milli + t->band_milli);
	page_fill(s->page, PAGE_BAND, left, y, right - left, height);
}

/* From the scale's zero, or its low end, to the value. The first stays hollow, so that the band
 * shows through it. */
static void draw_bar(struct sheet *s, const struct proof_page_test *t, size_t index, double y)
{
	const double zero = chart_x(t, 0);
	const double end = chart_x(t, t->bars[index].milli);
	const double left = zero < end ? zero : end;
	double width = zero < end ? end - zero : zero - end;

	if (width < 1.5) width = 1.5; /* nothing is a thin line, not nothing */
	if (index > 0) {
		const double grey = index == 1 ? PAGE_LIGHT : PAGE_DARK;
		page_fill(s->page, grey, left, y, width, BAR_HEIGHT);
		draw_band_edges(s, t, y, BAR_HEIGHT, true);
	}
	page_frame(s->page, PAGE_DARK, left, y, width, BAR_HEIGHT);
}

static void draw_chart(struct sheet *s, const struct proof_page_test *t)
{
	const double height = BAR_PITCH * (double)bar_count(t) + 2.0;
	double y = s->y + 3.0;

	page_tag_begin(s->page, "Figure");
	draw_band(s, t, s->y, height);
	for (size_t i = 0; i < PROOF_PAGE_BARS; i++) {
		const struct proof_page_bar *bar = &t->bars[i];
		if (!bar->there) continue;
		page_text(s->page, PAGE_SMALL, PAGE_LEFT, PAGE_DARK, MARGIN, y - 1.5, LABEL_WIDTH,
			  bar->label);
		draw_bar(s, t, i, y);
		page_text(s->page, PAGE_SMALL, PAGE_RIGHT, PAGE_BLACK, MARGIN + WIDTH - VALUE_WIDTH,
			  y - 1.5, VALUE_WIDTH, bar->text);
		y += BAR_PITCH;
	}
	draw_band_edges(s, t, s->y, height, false);
	page_line(s->page, PAGE_MIDDLE, 0.8, chart_x(t, 0), s->y, chart_x(t, 0), s->y + height);
	page_tag_end(s->page, "Figure");
	s->y += height + 4.0;
}

static double test_height(const struct sheet *s, const struct proof_page_test *t)
{
	return TITLE_HEIGHT + BAR_PITCH * (double)bar_count(t) + 6.0 +
	       page_text_height(s->page, PAGE_BODY, WIDTH, t->sentence) + TEST_GAP;
}

static void draw_test(struct sheet *s, const struct proof_page_test *t)
{
	page_tag_begin(s->page, "Sect");
	page_tag_begin(s->page, "H3");
	page_text(s->page, PAGE_STRONG, PAGE_LEFT, PAGE_BLACK, MARGIN, s->y, WIDTH * 0.6, t->title);
	page_tag_end(s->page, "H3");
	page_tag_begin(s->page, "P");
	page_text(s->page, PAGE_SMALL, PAGE_RIGHT, PAGE_MIDDLE, MARGIN + WIDTH * 0.5, s->y + 3.0,
		  WIDTH * 0.5, t->how);
	page_tag_end(s->page, "P");
	s->y += TITLE_HEIGHT;
	draw_chart(s, t);
	page_tag_begin(s->page, "P");
	s->y += page_text(s->page, PAGE_BODY, PAGE_LEFT, PAGE_BLACK, MARGIN, s->y, WIDTH,
			  t->sentence);
	page_tag_end(s->page, "P");
	page_tag_end(s->page, "Sect");
	s->y += TEST_GAP;
}

/* ---- panels -------------------------------------------------------------------------------- */

#define PANEL_HEAD 31.0
#define SMALL_GAP 8.0
#define WHOLE_KEPT 2u /* measures of the second panel that the first one leaves room for */

static double small_height(const struct sheet *s, const char *text)
{
	if (text[0] == '\0') return 0;
	return page_text_height(s->page, PAGE_SMALL, WIDTH, text) + SMALL_GAP;
}

static void draw_small(struct sheet *s, const char *text)
{
	if (text[0] == '\0') return;
	page_tag_begin(s->page, "P");
	s->y += page_text(s->page, PAGE_SMALL, PAGE_LEFT, PAGE_MIDDLE, MARGIN, s->y, WIDTH, text);
	page_tag_end(s->page, "P");
	s->y += SMALL_GAP;
}

static void draw_panel_head(struct sheet *s, const char *heading)
{
	page_tag_begin(s->page, "H2");
	page_text(s->page, PAGE_HEADING, PAGE_LEFT, PAGE_BLACK, MARGIN, s->y, WIDTH, heading);
	page_tag_end(s->page, "H2");
	page_line(s->page, PAGE_LIGHT, 0.8, MARGIN, s->y + 22.0, MARGIN + WIDTH, s->y + 22.0);
	s->y += PANEL_HEAD;
}

/* How many of the panel's measures fit into this height, with its note and, when not all do, the
 * line that says so. */
static size_t panel_fit(const struct sheet *s, const struct proof_page_panel *panel, double height)
{
	static const char left_out[] = "9 of 9 measures fit on this page.";
	double left = height - small_height(s, panel->note);
	size_t count = 0;

	for (; count < panel->count; count++) {
		const double next = test_height(s, &panel->tests[count]);
		const bool last = count + 1 == panel->count;
		if (next + (last ? 0 : small_height(s, left_out)) > left) break;
		left -= next;
	}
	return count;
}

static double panel_height(const struct sheet *s, const struct proof_page_panel *panel, size_t most)
{
	double height = PANEL_HEAD + small_height(s, panel->note);

	for (size_t i = 0; i < panel->count && i < most; i++) {
		height += test_height(s, &panel->tests[i]);
	}
	return height + (panel->count > most ? 12.5 + SMALL_GAP : 0);
}

/* Tests until `bottom`; what does not fit is counted, never dropped in silence. */
static void draw_panel(struct sheet *s, const struct proof_page_panel *panel, double bottom)
{
	char text[96] = "";

	page_tag_begin(s->page, "Sect");
	draw_panel_head(s, panel->heading);
	const size_t fit = panel_fit(s, panel, bottom - s->y);
	for (size_t i = 0; i < fit; i++) draw_test(s, &panel->tests[i]);
	if (fit < panel->count) {
		(void)snprintf(text, sizeof(text), "%zu of %zu measures fit on this page.", fit,
			       panel->count);
	}
	draw_small(s, text);
	draw_small(s, panel->note);
	page_tag_end(s->page, "Sect");
}

/* ---- head and foot ------------------------------------------------------------------------- */

static void draw_head(struct sheet *s, const struct proof_page *p)
{
	page_tag_begin(s->page, "P");
	page_text(s->page, PAGE_SMALL, PAGE_LEFT, PAGE_MIDDLE, MARGIN, MARGIN - 8.0, WIDTH * 0.6,
		  p->clinic);
	page_text(s->page, PAGE_SMALL, PAGE_RIGHT, PAGE_MIDDLE, MARGIN + WIDTH * 0.5, MARGIN - 8.0,
		  WIDTH * 0.5, p->date);
	page_tag_end(s->page, "P");
	page_tag_begin(s->page, "H1");
	page_text(s->page, PAGE_TITLE, PAGE_LEFT, PAGE_BLACK, MARGIN, MARGIN + 8.0, WIDTH,
		  "What changed");
	page_tag_end(s->page, "H1");
	page_tag_begin(s->page, "P");
	page_text(s->page, PAGE_BODY, PAGE_LEFT, PAGE_DARK, MARGIN, MARGIN + 42.0, WIDTH,
		  p->patient);
	page_tag_end(s->page, "P");
	s->y = MARGIN + 68.0;
}

/* A sample of each bar and of the band, with what it stands for. */
static void draw_legend(struct sheet *s, double y)
{
	static const char *const words[] = { "before", "during", "after",
					     "how much the measure varies by itself" };
	static const double fills[] = { PAGE_WHITE, PAGE_LIGHT, PAGE_DARK, PAGE_BAND };
	double x = MARGIN;

	page_tag_begin(s->page, "P");
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		page_fill(s->page, fills[i], x, y + 2.0, 18.0, 9.0);
		if (i < 3) page_frame(s->page, PAGE_DARK, x, y + 2.0, 18.0, 9.0);
		page_text(s->page, PAGE_SMALL, PAGE_LEFT, PAGE_DARK, x + 23.0, y, 220.0, words[i]);
		x += 88.0;
	}
	page_tag_end(s->page, "P");
}

static void draw_foot(struct sheet *s, const struct proof_page *p)
{
	char text[512];
	double y = FOOT_TOP;

	page_line(s->page, PAGE_LIGHT, 0.8, MARGIN, y, MARGIN + WIDTH, y);
	draw_legend(s, y + 7.0);
	page_tag_begin(s->page, "P");
	page_text(s->page, PAGE_SMALL, PAGE_LEFT, PAGE_MIDDLE, MARGIN, y + 23.0, WIDTH,
		  "A change inside the grey band may be no change at all. These are measures, not "
		  "a diagnosis.");
	(void)snprintf(text, sizeof(text), "%s, for %s. Page 1 of 1.", p->clinic, p->patient);
	page_text(s->page, PAGE_SMALL, PAGE_LEFT, PAGE_MIDDLE, MARGIN, y + 37.0, WIDTH, text);
	page_tag_end(s->page, "P");
}

enum err proof_page_draw(const struct proof_page *page, struct buf *out)
{
	CLEANUP(page_freep) struct page *p = NULL;

	TRY(page_new("What changed", &p));
	struct sheet s = { .page = p };
	draw_head(&s, page);
	const double bottom = FOOT_TOP - 4.0;
	draw_panel(&s, &page->today, bottom - panel_height(&s, &page->whole, WHOLE_KEPT) - 4.0);
	s.y += 4.0;
	draw_panel(&s, &page->whole, bottom);
	draw_foot(&s, page);
	return page_finish(p, out);
}
