/* sim_queue: what is to happen, by virtual time and then by age. A binary heap. */
#include "base/check.h"
#include "sim/sim.h"

#include <stdlib.h>

static bool event_before(const struct sim_event *a, const struct sim_event *b)
{
	if (a->at_ms != b->at_ms) return a->at_ms < b->at_ms;
	return a->order < b->order;
}

static void heap_swap(struct sim *s, size_t a, size_t b)
{
	struct sim_event *e = s->heap[a];
	s->heap[a] = s->heap[b];
	s->heap[b] = e;
}

static void heap_up(struct sim *s, size_t at)
{
	while (at > 0 && event_before(s->heap[at], s->heap[(at - 1) / 2])) {
		heap_swap(s, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void heap_down(struct sim *s, size_t at)
{
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
			if (child >= s->heap_count) break;
			if (event_before(s->heap[child], s->heap[least])) least = child;
		}
		if (least == at) return;
		heap_swap(s, at, least);
		at = least;
	}
}

struct sim_event *sim_post(struct sim *s, uint64_t delay_ms, enum sim_event_type type,
			   unsigned room, uint64_t life)
{
	if (s->heap_count == s->heap_cap) {
		const size_t cap = s->heap_cap == 0 ? 256 : 2 * s->heap_cap;
		struct sim_event **heap = realloc(s->heap, cap * sizeof(*heap));
		INSIST(heap != NULL);
		s->heap = heap;
		s->heap_cap = cap;
	}
	struct sim_event *e = calloc(1, sizeof(*e));
	INSIST(e != NULL);
	e->at_ms = s->now_ms + delay_ms;
	e->order = s->next_order++;
	e->type = type;
	e->room = room;
	e->life = life;
	s->heap[s->heap_count++] = e;
	heap_up(s, s->heap_count - 1);
	return e;
}

const struct sim_event *sim_queue_first(const struct sim *s)
{
	return s->heap_count == 0 ? NULL : s->heap[0];
}

struct sim_event *sim_queue_take(struct sim *s)
{
	REQUIRE(s->heap_count > 0);
	struct sim_event *first = s->heap[0];
	s->heap[0] = s->heap[--s->heap_count];
	heap_down(s, 0);
	return first;
}

void sim_event_free(struct sim_event *e)
{
	if (e == NULL) return;
	buf_fini(&e->bytes);
	free(e);
}

void sim_queue_clear(struct sim *s)
{
	for (size_t i = 0; i < s->heap_count; i++) sim_event_free(s->heap[i]);
	free(s->heap);
	s->heap = NULL;
	s->heap_count = s->heap_cap = 0;
}

uint64_t sim_upto(const struct rand_source *r, uint64_t most)
{
	return rand_below(r, most + 1);
}

bool sim_chance(const struct rand_source *r, unsigned percent)
{
	return rand_below(r, 100) < percent;
}
