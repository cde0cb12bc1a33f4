/* fuzz: what every target of this folder shares.
 *
 * A target is one file with one LLVMFuzzerTestOneInput. It is linked with libFuzzer into fuzz_NAME
 * (only with ROOMKEEP_FUZZ), and with replay.c into replay_NAME, a test that runs the corpus.
 * A finding is a sanitizer's report, or an INSIST about what must hold for every input.
 * Rules:   the same bytes always do the same; no file but a temporary one, no network, no waiting.
 * Threads: one. */
#pragma once

#include "base/check.h"
#include "base/view.h"

/* Called once per input by libFuzzer or by replay.c; always gives 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as numbers and pieces; what is beyond its end reads as zeros. */
struct fuzz_in {
	struct view rest; /* borrowed */
};

static inline bool fuzz_has(const struct fuzz_in *in)
{
	return in->rest.len > 0;
}

/* Up to `len` bytes. */
static inline struct view fuzz_take(struct fuzz_in *in, size_t len)
{
	const size_t count = len < in->rest.len ? len : in->rest.len;
	const struct view taken = view_of(in->rest.p, count);
	if (count > 0) in->rest = view_of(in->rest.p + count, in->rest.len - count);
	return taken;
}

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
	const struct view v = fuzz_take(in, 1);
	return v.len == 1 ? v.p[0] : 0;
}

static inline uint16_t fuzz_u16(struct fuzz_in *in)
{
	const unsigned high = fuzz_u8(in);
	return (uint16_t)(high << 8 | fuzz_u8(in));
}

/* In [0, below); requires 0 < below <= 256. */
static inline uint8_t fuzz_below(struct fuzz_in *in, unsigned below)
{
	return (uint8_t)(fuzz_u8(in) % below);
}

/* Up to the next newline, which is taken too; or all that is left. */
static inline struct view fuzz_line(struct fuzz_in *in)
{
	const uint8_t *end = in->rest.len > 0 ? memchr(in->rest.p, '\n', in->rest.len) : NULL;
	const struct view line =
		fuzz_take(in, end == NULL ? in->rest.len : (size_t)(end - in->rest.p));
	(void)fuzz_take(in, 1);
	return line;
}
