#include "cli/words.h"

#include <string.h>

static unsigned words_min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned words_distance(const char *a, const char *b)
{
	const size_t a_len = strlen(a);
	const size_t b_len = strlen(b);
	if (a_len > WORDS_MAX || b_len > WORDS_MAX) return WORDS_NOTHING;

	/* Three rows of the table are enough: two back for swapped letters. */
	unsigned rows[3][WORDS_MAX + 1] = { { 0 } };
	for (size_t j = 0; j <= b_len; j++) rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *now = rows[i % 3];
		const unsigned *prev = rows[(i + 2) % 3];
		const unsigned *prev2 = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			const unsigned other = prev[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u);
			now[j] = words_min(other, words_min(prev[j], now[j - 1]) + 1u);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
				now[j] = words_min(now[j], prev2[j - 2] + 1u);
			}
		}
	}
	return rows[a_len % 3][b_len];
}

unsigned words_near(const char *typed, const char *known)
{
	const unsigned distance = words_distance(typed, known);
	const size_t len = strlen(known);

	/* A start of the word counts as near: "pass" for "passphrase-file". */
	if (strlen(typed) >= 3 && strncmp(typed, known, strlen(typed)) == 0) return 1;
	if (distance <= 1 && len >= 2) return distance;
	if (distance <= 2 && len >= 5) return distance;
	if (distance <= 3 && len >= 8) return distance;
	return WORDS_NOTHING;
}

void words_offer(struct words_best *best, const char *typed, const char *known)
{
	const unsigned score = words_near(typed, known);
	if (score < best->score) *best = (struct words_best){ .word = known, .score = score };
}
