/* arena: memory for one frame or one request, given back all at once, with a cap.
 *
 * Owns:    its blocks until arena_reset or arena_fini.    Threads: one at a time.
 * Limits:  `cap` bytes in all, set at init; a peer's frame cannot make us take more.
 * Why: protobuf-c allocates as the message says (no recursion or size limit of its own), and one
 * reset ends a message on every path. */
#pragma once

#include "base/err.h"
#include "base/view.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* owned, newest first */
	size_t used;                /* bytes handed out, alignment included */
	size_t cap;                 /* bytes that may be handed out */
};

void arena_init(struct arena *a, size_t cap);
void arena_fini(struct arena *a);
void arena_finip(struct arena *a); /* for CLEANUP */
/* Reset and fini overwrite what was used before they give it back. */
void arena_reset(struct arena *a); /* keeps one small block for the next message */

/* Aligned for any type, zeroed; NULL when the cap or the memory is exhausted. */
void *arena_alloc(struct arena *a, size_t bytes);

/* Does the cap leave room for this much? When not, arena_alloc has failed for the cap's sake, and
 * otherwise for want of memory. */
bool arena_fits(const struct arena *a, size_t bytes);

/* A copy with a NUL behind it that is not counted; .p is NULL when the cap is exhausted. */
struct view arena_dup(struct arena *a, struct view v);
