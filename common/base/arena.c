#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_BLOCK_BYTES 4096u

struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes of data */
	size_t used;
	alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap };
}

/* What was in it may have been about a patient: nothing of it stays in freed memory. */
static void arena_free_block(struct arena_block *b)
{
	explicit_bzero(b->data, b->used);
	free(b);
}

static void arena_free_blocks(struct arena_block *b)
{
	while (b != NULL) {
		struct arena_block *next = b->next;
		arena_free_block(b);
		b = next;
	}
}

void arena_fini(struct arena *a)
{
	arena_free_blocks(a->blocks);
	*a = (struct arena){ 0 };
}

void arena_finip(struct arena *a)
{
	arena_fini(a);
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = NULL;
	struct arena_block *b = a->blocks;
	while (b != NULL) {
		struct arena_block *next = b->next;
		/* Only a block of the usual size stays: a conn that once had a large message must
		 * not hold its memory for good. */
		if (keep == NULL && b->size == ARENA_BLOCK_BYTES) {
			keep = b;
		} else {
			arena_free_block(b);
		}
		b = next;
	}
	if (keep != NULL) {
		/* What was used goes, so that no later message can see an earlier one. */
		explicit_bzero(keep->data, keep->used);
		keep->used = 0;
		keep->next = NULL;
	}
	a->blocks = keep;
	a->used = 0;
}

static size_t arena_pad(size_t bytes)
{
	const size_t align = alignof(max_align_t);
	return (align - bytes % align) % align;
}

bool arena_fits(const struct arena *a, size_t bytes)
{
	/* In this order no sum can wrap, even with a cap of SIZE_MAX. */
	const size_t left = a->cap - a->used;
	return bytes <= left && arena_pad(bytes) <= left - bytes;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	if (!arena_fits(a, bytes)) return NULL;
	const size_t need = bytes + arena_pad(bytes);

	struct arena_block *b = a->blocks;
	if (b == NULL || b->size - b->used < need) {
		const size_t size = need > ARENA_BLOCK_BYTES ? need : ARENA_BLOCK_BYTES;
		if (size > SIZE_MAX - sizeof(*b)) return NULL;
		b = calloc(1, sizeof(*b) + size);
		if (b == NULL) return NULL;
		b->size = size;
		b->next = a->blocks;
		a->blocks = b;
	}
	void *p = b->data + b->used;
	b->used += need;
	a->used += need;
	return p;
}

struct view arena_dup(struct arena *a, struct view v)
{
	if (v.len == SIZE_MAX) return VIEW_EMPTY; /* no room for the NUL */
	uint8_t *p = arena_alloc(a, v.len + 1);
	if (p == NULL) return VIEW_EMPTY;
	if (v.len > 0) memcpy(p, v.p, v.len);
	return (struct view){ p, v.len };
}
