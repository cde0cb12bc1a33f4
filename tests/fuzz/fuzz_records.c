/* fuzz_records: a history of plain records of one kind, drawn from the input.
 * Targets: record_fold_add, record_fold_state, record_apply.
 * Holds:   whatever the order of adding, the fold shows what the plain model of the merge rule
 *          shows (support/reference_plain.c). */
#include "base/rand.h"
#include "fuzz/fuzz.h"
#include "support/plain_history.h"

/* What is drawn is what the input says. After its end come ones: rand_below() would refuse zeros
 * for ever. */
static void fill(void *ctx, void *p, size_t len)
{
	uint8_t *bytes = p;
	for (size_t i = 0; i < len; i++) bytes[i] = fuzz_has(ctx) ? fuzz_u8(ctx) : UINT8_MAX;
}

static const struct kind_info *plain_kind(unsigned n)
{
	unsigned left = n % KIND_PLAIN_COUNT;
	size_t at = 0;
	while (!kind_is_plain(kind_at(at)) || left-- > 0) at++;
	return kind_at(at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	const struct kind_info *info = plain_kind(fuzz_u8(&in));
	const struct rand_source source = { fill, &in };
	char line[400];
	INSIST(plain_history_agrees(info, &source, line, sizeof(line)));
	return 0;
}
