/* fuzz_negative: a target with a planted fault, which must be found: the proof that the sanitizers
 * and the coverage feedback of this build work. `./dev fuzz` fails when this target passes.
 *
 * The fault is the oldest one: a length that a peer sent is believed. Four bytes stand before
 * it, so that luck alone does not find it within ten seconds (2^32 tries), but feedback does. */
#include "base/cleanup.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>

#define FIELD_BYTES 16u

/* Kept from the optimiser, which would see that the copy is never read. */
static void keep(const uint8_t *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	static const uint8_t magic[] = { 'C', 'R', 'S', 'X' };

	for (size_t i = 0; i < sizeof(magic); i++)
		if (fuzz_u8(&in) != magic[i]) return 0;
	const struct view field = fuzz_take(&in, fuzz_u8(&in));
	CLEANUP(freep) uint8_t *copy = malloc(FIELD_BYTES);
	INSIST(copy != NULL);
	if (field.len > 0) memcpy(copy, field.p, field.len); /* the planted fault */
	keep(copy);
	return 0;
}
