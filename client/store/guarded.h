/* guarded: one block of memory for plain note text: never in a core dump or swap, wiped when told.
 *
 * Owns:    its mapping.     Threads: one at a time.
 * Why not struct secret: one sodium_malloc a note runs out of mappings (STYLE 1.7). */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guarded {
	uint8_t *p;  /* owned mapping; NULL while closed */
	size_t cap;  /* bytes */
	bool locked; /* mlock succeeded: it cannot reach the swap */
};

/* ERR_NOMEM. A failing mlock is not an error: `locked` says it, `check` reports it. */
MUST_USE enum err guarded_open(struct guarded *g, size_t bytes);
void guarded_wipe(struct guarded *g);
void guarded_close(struct guarded *g); /* wipes; { 0 } is fine */
