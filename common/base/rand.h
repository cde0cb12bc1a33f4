/* rand: a source of random bytes that the caller passes in, so that a simulation can replay a seed.
 *
 * Production uses rand_system() (getrandom(2)). core/ code never calls the system by itself.
 * Threads: rand_system any; a seeded source one at a time. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct rand_source {
	/* Fills `len` bytes; aborts the process rather than give bytes that are not random. */
	void (*fill)(void *ctx, void *p, size_t len);
	void *ctx; /* borrowed; lives as long as the source */
};

struct rand_source rand_system(void);

static inline void rand_fill(const struct rand_source *r, void *p, size_t len)
{
	r->fill(r->ctx, p, len);
}

/* A replayable generator for tests and the simulator, never for keys: splitmix64
 * (Steele, Lea, Flood 2014). */
struct rand_seeded {
	uint64_t state;
};

struct rand_source rand_seeded_init(struct rand_seeded *s, uint64_t seed);
uint64_t rand_u64(const struct rand_source *r);
/* Uniform in [0, below); requires below > 0. */
uint64_t rand_below(const struct rand_source *r, uint64_t below);
