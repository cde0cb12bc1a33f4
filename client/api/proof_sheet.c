#include "client/api/proof_sheet.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/proof_words.h"

#include <string.h>
#include <time.h>

#define SHEET_BYTES_MAX (4u * MIB)
#define SHEET_TESTS_MAX 64u /* of one panel; a page holds a handful */
#define DATE_BYTES 32u

/* ---- texts --------------------------------------------------------------------------------- */

/* The buf's text into the arena; the buf is empty afterwards. */
static enum err keep(struct proof_sheet *s, struct buf *text, const char **ret)
{
	const struct view copy = arena_dup(&s->texts, buf_view(text));

	ENSURE(copy.p != NULL, ERR_NOMEM);
	buf_clear(text);
	*ret = (const char *)copy.p;
	return ERR_OK;
}

enum date_form {
	DATE_LONG,  /* "30 November 2026" */
	DATE_SHORT, /* "30 Nov 2026" */
};

/* In the room's time zone. */
static void date_text(uint64_t ms, enum date_form form, char ret_text[DATE_BYTES])
{
	const time_t seconds = (time_t)(ms / 1000u);
	struct tm tm;

	ret_text[0] = '\0';
	if (localtime_r(&seconds, &tm) == NULL) return;
	const size_t len = form == DATE_LONG ? strftime(ret_text, DATE_BYTES, "%-d %B %Y", &tm)
					     : strftime(ret_text, DATE_BYTES, "%-d %b %Y", &tm);
	INSIST(len > 0);
}

static bool is_same_day(uint64_t a_ms, uint64_t b_ms)
{
	char a[DATE_BYTES];
	char b[DATE_BYTES];

	date_text(a_ms, DATE_LONG, a);
	date_text(b_ms, DATE_LONG, b);
	return strcmp(a, b) == 0;
}

static enum err keep_date(struct proof_sheet *s, const char *before, uint64_t ms,
			  enum date_form form, const char **ret)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	char date[DATE_BYTES];

	date_text(ms, form, date);
	TRY(buf_append_fmt(&text, "%s%s", before, date));
	return keep(s, &text, ret);
}

/* ---- one measure --------------------------------------------------------------------------- */

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Scales stand on their whole length; ranges on what is normal, or as far as the values go. */
static void set_scale(struct proof_page_test *t, const struct catalogue_entry *e)
{
	if (e->kind != CATALOGUE_ROM) {
		t->low_milli = e->min_milli;
		t->high_milli = e->max_milli;
		return;
	}
	const struct catalogue_rom *rom = catalogue_rom_find(view_str(e->ref));
	INSIST(rom != NULL);
	t->high_milli = larger(larger(rom->aaos_milli, rom->ama_milli), 1000);
	for (size_t i = 0; i < PROOF_PAGE_BARS; i++) {
		if (!t->bars[i].there) continue;
		t->low_milli = smaller(t->low_milli, t->bars[i].milli);
		t->high_milli = larger(t->high_milli, t->bars[i].milli);
	}
	t->low_milli = smaller(t->low_milli, t->bars[0].milli - t->band_milli);
	t->high_milli = larger(t->high_milli, t->bars[0].milli + t->band_milli);
	t->high_milli += t->high_milli / 20;
}

static enum err set_bar(struct proof_sheet *s, struct proof_page_bar *bar, const char *label,
			const struct proof_row *row)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	*bar = (struct proof_page_bar){ .label = label, .text = "" };
	if (row == NULL || !row->has_value) return ERR_OK;
	bar->there = true;
	bar->milli = row->value_milli;
	TRY(proof_put_amount(&text, row->value_milli, row->entry->unit));
	return keep(s, &text, &bar->text);
}

/* Title, way of measuring and sentence; the bars are the caller's. */
static enum err set_words(struct proof_sheet *s, struct proof_page_test *t,
			  const struct proof_row *before, const struct proof_row *after,
			  const struct proof_delta *delta)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	TRY(proof_put_title(&text, before->entry, before->side));
	TRY(keep(s, &text, &t->title));
	TRY(proof_put_how(&text, before));
	if (!before->entry->higher_is_better) {
		TRY(buf_append_fmt(&text, "%sless is better", text.len > 0 ? ", " : ""));
	}
	TRY(keep(s, &text, &t->how));
	TRY(proof_put_sentence(&text, before, after, delta));
	t->band_milli = delta->error.milli;
	return keep(s, &text, &t->sentence);
}

/* ---- panels -------------------------------------------------------------------------------- */

struct panel {
	struct proof_page_test *tests;
	size_t count;
	size_t not_comparable;
	struct buf note;  /* owned */
	struct buf thumb; /* owned; titles whose error nobody has looked up */
};

static void panel_finip(struct panel *p)
{
	buf_fini(&p->note);
	buf_fini(&p->thumb);
}

static enum err panel_init(struct proof_sheet *s, struct panel *p)
{
	p->tests = arena_alloc(&s->texts, SHEET_TESTS_MAX * sizeof(*p->tests));
	return p->tests != NULL ? ERR_OK : ERR_NOMEM;
}

/* Room for one more; NULL when the panel is full, which a page is long before. */
static struct proof_page_test *panel_next(struct panel *p)
{
	return p->count < SHEET_TESTS_MAX ? &p->tests[p->count++] : NULL;
}

static enum err panel_note_error(struct panel *p, const struct proof_page_test *t,
				 const struct proof_delta *delta)
{
	if (delta->error.verified) return ERR_OK;
	return buf_append_fmt(&p->thumb, "%s%s", p->thumb.len > 0 ? "; " : "", t->title);
}

static enum err panel_end(struct proof_sheet *s, struct panel *p, struct proof_page_panel *to)
{
	if (p->not_comparable > 0) {
		TRY(buf_append_fmt(&p->note, "%zu more cannot be compared. ", p->not_comparable));
	}
	if (p->thumb.len > 0) {
		const char *titles = NULL;
		TRY(buf_cstr(&p->thumb, &titles));
		TRY(buf_append_fmt(&p->note, "The grey band is a rule of thumb for: %s.", titles));
	}
	to->tests = p->tests;
	to->count = p->count;
	return keep(s, &p->note, &to->note);
}

/* A test by hand, in words. A red flag is for the therapist to explain, not for a sheet. */
static enum err panel_note_result(struct panel *p, const struct proof_set *set)
{
	if (set->pre == NULL || set->post == NULL || set->pre->result == 0) return ERR_OK;
	if (set->pre->entry->kind != CATALOGUE_TEST || set->pre->entry->alert[0] != '\0') {
		return ERR_OK;
	}
	TRY(proof_put_title(&p->note, set->pre->entry, set->pre->side));
	TRY(buf_append_str(&p->note, ". "));
	TRY(proof_put_sentence(&p->note, set->pre, set->post, &set->delta));
	return buf_append_str(&p->note, " ");
}

static enum err today_add(struct proof_sheet *s, struct panel *p, const struct proof_set *set)
{
	if (set->pre == NULL || set->post == NULL) return ERR_OK;
	if (set->delta.why == PROOF_WHY_NO_NUMBER) return panel_note_result(p, set);
	if (set->delta.why == PROOF_WHY_NEVER) return ERR_OK;
	if (set->delta.state == PROOF_NOT_COMPARABLE) {
		p->not_comparable++;
		return ERR_OK;
	}
	struct proof_page_test *t = panel_next(p);
	if (t == NULL) return ERR_OK;
	const bool mid = set->mid != NULL && set->mid_delta.state != PROOF_NOT_COMPARABLE;
	TRY(set_bar(s, &t->bars[0], "Before", set->pre));
	TRY(set_bar(s, &t->bars[1], "During", mid ? set->mid : NULL));
	TRY(set_bar(s, &t->bars[2], "After", set->post));
	TRY(set_words(s, t, set->pre, set->post, &set->delta));
	set_scale(t, set->pre->entry);
	return panel_note_error(p, t, &set->delta);
}

static enum err today_make(struct proof_sheet *s, const struct proof_visit *visit, bool is_today,
			   struct proof_page_panel *to)
{
	CLEANUP(panel_finip) struct panel p = { 0 };
	struct proof_set *sets =
		arena_alloc(&s->texts, (visit->row_count + 1) * sizeof(struct proof_set));

	ENSURE(sets != NULL, ERR_NOMEM);
	TRY(panel_init(s, &p));
	const size_t count = proof_pair(visit->rows, visit->row_count, sets);
	for (size_t i = 0; i < count; i++) TRY(today_add(s, &p, &sets[i]));
	to->heading = "Today";
	if (!is_today) {
		TRY(keep_date(s, "Visit of ", visit->started_ms, DATE_LONG, &to->heading));
	}
	return panel_end(s, &p, to);
}

static enum err whole_label(struct proof_sheet *s, uint64_t at_ms, uint64_t now_ms,
			    const char **ret_label)
{
	*ret_label = "Today";
	return is_same_day(at_ms, now_ms) ? ERR_OK : keep_date(s, "", at_ms, DATE_SHORT, ret_label);
}

static enum err whole_add(struct proof_sheet *s, struct panel *p, const struct proof_series *series,
			  uint64_t now_ms)
{
	const char *first = NULL;
	const char *last = NULL;

	if (series->point_count < 2 || series->whole.state == PROOF_NOT_COMPARABLE) return ERR_OK;
	struct proof_page_test *t = panel_next(p);
	if (t == NULL) return ERR_OK;
	TRY(whole_label(s, series->begin->at_ms, now_ms, &first));
	TRY(whole_label(s, series->end->at_ms, now_ms, &last));
	/* Two visits on one day: the date would say nothing. */
	if (is_same_day(series->begin->at_ms, series->end->at_ms)) first = "First visit";
	TRY(set_bar(s, &t->bars[0], first, series->begin));
	TRY(set_bar(s, &t->bars[1], "", NULL));
	TRY(set_bar(s, &t->bars[2], last, series->end));
	TRY(set_words(s, t, series->begin, series->end, &series->whole));
	set_scale(t, series->first->entry);
	return panel_note_error(p, t, &series->whole);
}

static enum err whole_make(struct proof_sheet *s, const struct proof_visits *visits,
			   uint64_t now_ms, struct proof_page_panel *to)
{
	CLEANUP(panel_finip) struct panel p = { 0 };
	CLEANUP(proof_history_finip) struct proof_history history = { 0 };

	TRY(panel_init(s, &p));
	TRY(proof_history_make(visits->visits, visits->count, &history));
	for (size_t i = 0; i < history.series_count; i++) {
		TRY(whole_add(s, &p, &history.series[i], now_ms));
	}
	if (p.count == 0) {
		TRY(buf_append_str(&p.note, "Two visits with the same measure make a line. This is "
					    "the first."));
	}
	to->heading = "Since the first visit";
	return panel_end(s, &p, to);
}

/* ---- the sheet ----------------------------------------------------------------------------- */

static bool was_measured_again(const struct proof_visit *visit, struct proof_set *sets)
{
	const size_t count = proof_pair(visit->rows, visit->row_count, sets);

	for (size_t i = 0; i < count; i++) {
		if (sets[i].post != NULL && sets[i].delta.state != PROOF_NOT_COMPARABLE)
			return true;
	}
	return false;
}

static enum err find_visit(struct proof_sheet *s, const struct proof_visits *visits, size_t *ret_at)
{
	for (size_t i = visits->count; i > 0; i--) {
		const struct proof_visit *visit = &visits->visits[i - 1];
		struct proof_set *sets =
			arena_alloc(&s->texts, (visit->row_count + 1) * sizeof(*sets));
		ENSURE(sets != NULL, ERR_NOMEM);
		if (!was_measured_again(visit, sets)) continue;
		*ret_at = i - 1;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

void proof_sheet_fini(struct proof_sheet *s)
{
	arena_fini(&s->texts);
}

void proof_sheet_finip(struct proof_sheet *s)
{
	proof_sheet_fini(s);
}

static enum err sheet_fill(struct proof_sheet *s, const struct proof_visits *visits,
			   uint64_t now_ms)
{
	size_t at = 0;

	TRY(find_visit(s, visits, &at));
	const struct proof_visit *visit = &visits->visits[at];
	s->session_id = visit->session_id;
	TRY(keep_date(s, "", now_ms, DATE_LONG, &s->page.date));
	TRY(today_make(s, visit, is_same_day(visit->started_ms, now_ms), &s->page.today));
	/* Not beyond the visit that is shown. */
	const struct proof_visits until = { visits->visits, at + 1 };
	return whole_make(s, &until, now_ms, &s->page.whole);
}

enum err proof_sheet_make(const struct proof_visits *visits, uint64_t now_ms,
			  struct proof_sheet *ret_sheet)
{
	CLEANUP(proof_sheet_finip) struct proof_sheet s = { 0 };

	arena_init(&s.texts, SHEET_BYTES_MAX);
	TRY(sheet_fill(&s, visits, now_ms));
	*ret_sheet = s;
	arena_init(&s.texts, SHEET_BYTES_MAX);
	return ERR_OK;
}
