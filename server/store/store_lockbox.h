/* store_lockbox: what patients withhold from whom, and what was opened all the same, as the
 * clinic's records say it (record/lockbox.h decides what follows from it).
 *
 * Owns, threads, errors, memory: as store.h.   Rules: DOMAIN 3b ON7, ON8. */
#pragma once

#include "base/arena.h"
#include "record/lockbox.h"

struct store_reader;

/* Directives that have neither ended nor run out at `now_ms`, those to come included, by age; and
 * openings that still run. Lists are the arena's. */
MUST_USE enum err store_lockbox_load(struct store_reader *r, uint64_t now_ms, struct arena *arena,
				     struct lockbox *ret);
