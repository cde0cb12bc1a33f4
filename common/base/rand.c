#include "base/rand.h"

#include "base/check.h"

#include <errno.h>
#include <sys/random.h>

static void rand_system_fill(void *ctx, void *p, size_t len)
{
	(void)ctx;
	uint8_t *at = p;
	while (len > 0) {
		const ssize_t got = getrandom(at, len, 0);
		if (got < 0 && errno == EINTR) continue;
		INSIST(got > 0); /* a machine without random bytes must not make keys */
		at += got;
		len -= (size_t)got;
	}
}

struct rand_source rand_system(void)
{
	return (struct rand_source){ rand_system_fill, NULL };
}

static uint64_t rand_seeded_next(struct rand_seeded *s)
{
	uint64_t z = (s->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void rand_seeded_fill(void *ctx, void *p, size_t len)
{
	struct rand_seeded *s = ctx;
	uint8_t *at = p;
	uint64_t word = 0;
	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0) word = rand_seeded_next(s);
		at[i] = (uint8_t)(word >> (8 * (i % 8)));
	}
}

struct rand_source rand_seeded_init(struct rand_seeded *s, uint64_t seed)
{
	s->state = seed;
	return (struct rand_source){ rand_seeded_fill, s };
}

uint64_t rand_u64(const struct rand_source *r)
{
	uint64_t v = 0;
	rand_fill(r, &v, sizeof(v));
	return v;
}

uint64_t rand_below(const struct rand_source *r, uint64_t below)
{
	REQUIRE(below > 0);
	const uint64_t reject = (UINT64_MAX - below + 1) % below; /* 2^64 mod below */
	uint64_t v = rand_u64(r);
	while (v < reject) v = rand_u64(r);
	return v % below;
}
