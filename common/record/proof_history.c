#include "record/proof_history.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <stdlib.h>

void proof_history_fini(struct proof_history *h)
{
	free(h->series);
	free(h->points);
	free(h->sets);
	*h = (struct proof_history){ 0 };
}

void proof_history_finip(struct proof_history *h)
{
	proof_history_fini(h);
}

static struct proof_series *history_series_of(struct proof_history *h, const struct proof_row *row)
{
	for (size_t i = 0; i < h->series_count; i++) {
		if (proof_alike(h->series[i].first, row)) return &h->series[i];
	}
	struct proof_series *s = &h->series[h->series_count++];
	*s = (struct proof_series){ .first = row };
	return s;
}

/* Which of two sets of one series and visit is shown: the one that was measured again, else the
 * newer. */
static bool history_goes_before(const struct proof_set *old, const struct proof_set *new)
{
	return old->post != NULL && new->post == NULL;
}

/* Two walks over the same sets: the first counts the points of each series, the second fills
 * them. */
static void history_add(struct proof_series *s, size_t visit, const struct proof_set *set,
			bool fill)
{
	if (!fill) {
		s->point_count++; /* at most; two sets of one visit share a point */
		return;
	}
	INSIST(s->points != NULL); /* the first walk counted, history_give_room gave */
	struct proof_point *last = s->point_count > 0 ? &s->points[s->point_count - 1] : NULL;
	if (last != NULL && last->visit == visit) {
		if (!history_goes_before(&last->set, set)) last->set = *set;
		return;
	}
	s->points[s->point_count++] = (struct proof_point){ .visit = visit, .set = *set };
}

static void history_walk(struct proof_history *h, const struct proof_visit *visits, size_t count,
			 bool fill)
{
	for (size_t i = 0; i < count; i++) {
		const size_t made = proof_pair(visits[i].rows, visits[i].row_count, h->sets);
		for (size_t j = 0; j < made; j++) {
			const struct proof_row *row = proof_set_row(&h->sets[j]);
			history_add(history_series_of(h, row), i, &h->sets[j], fill);
		}
	}
}

static void history_give_room(struct proof_history *h)
{
	struct proof_point *next = h->points;
	for (size_t i = 0; i < h->series_count; i++) {
		h->series[i].points = next;
		next += h->series[i].point_count;
		h->series[i].point_count = 0;
	}
}

static const struct proof_row *history_first_value(const struct proof_set *set)
{
	if (set->pre != NULL && set->pre->has_value) return set->pre;
	return proof_set_last(set);
}

static void history_finish(struct proof_series *s)
{
	for (size_t i = 0; i < s->point_count; i++) {
		const struct proof_set *set = &s->points[i].set;
		if (s->begin == NULL) s->begin = history_first_value(set);
		const struct proof_row *last = proof_set_last(set);
		if (last != NULL) s->end = last;
		if (i == 0 || set->pre == NULL) continue;
		struct proof_point *p = &s->points[i];
		p->has_kept = proof_kept(&s->points[i - 1].set, set->pre, &p->kept_percent);
	}
	s->whole.why = PROOF_WHY_NO_NUMBER;
	if (s->begin != NULL && s->begin != s->end) s->whole = proof_compare(s->begin, s->end);
}

enum err proof_history_make(const struct proof_visit *visits, size_t visit_count,
			    struct proof_history *ret_history)
{
	CLEANUP(proof_history_finip) struct proof_history h = { 0 };
	size_t rows = 0;
	size_t most = 0;
	for (size_t i = 0; i < visit_count; i++) {
		rows += visits[i].row_count;
		if (visits[i].row_count > most) most = visits[i].row_count;
	}
	h.series = calloc(rows + 1, sizeof(*h.series));
	h.points = calloc(rows + 1, sizeof(*h.points));
	h.sets = calloc(most + 1, sizeof(*h.sets));
	ENSURE(h.series != NULL && h.points != NULL && h.sets != NULL, ERR_NOMEM);
	history_walk(&h, visits, visit_count, false);
	history_give_room(&h);
	history_walk(&h, visits, visit_count, true);
	for (size_t i = 0; i < h.series_count; i++) history_finish(&h.series[i]);
	*ret_history = h;
	h = (struct proof_history){ 0 };
	return ERR_OK;
}
