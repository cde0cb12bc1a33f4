/* words: which word was probably meant. Only ever a suggestion; nothing is run on a guess.
 *
 * Threads: any.    Limits: words above WORDS_MAX characters are near nothing. */
#pragma once

#define WORDS_MAX 40u
#define WORDS_NOTHING 1000u

/* Edits between two words: a letter more, less, other, or two swapped (optimal string alignment).
 * WORDS_NOTHING when one is longer than WORDS_MAX. */
unsigned words_distance(const char *a, const char *b);

/* The same, but WORDS_NOTHING unless the words are close enough to suggest one for the other. */
unsigned words_near(const char *typed, const char *known);

/* The nearest word so far; the first of several that are as near. */
struct words_best {
	const char *word; /* borrowed from those that were offered; NULL: none was near */
	unsigned score;
};

#define WORDS_BEST_NONE ((struct words_best){ .score = WORDS_NOTHING })

void words_offer(struct words_best *best, const char *typed, const char *known);
