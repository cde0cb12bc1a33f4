/* guard_words: names of relatives, and words that belong elsewhere, found in a text as it is typed.
 *
 * Compared by whole words, case-folded and without accents, as names are searched (text.h):
 * "Jose" finds "José's", not "Joseph". An apostrophe joins ("O'Brien" is "OBrien"), a possessive s
 * is left out, every other mark parts words. Scripts without blanks between words are not parted,
 * so a name inside them is not found.
 *
 * Owns:    nothing. Secrets: the text may be a confidential one: nothing is allocated or sent, and
 *          the words compared are wiped.
 * Threads: any.   Errors: ERR_BAD_TEXT (not UTF-8), ERR_TOO_BIG (a name).
 * Rules:   DOMAIN 4.7 (trust words), 4.8 rules 4 and 5 (names), 4.5 (safety card). The word lists
 *          are our own, short, English and some French; they prompt and judge nothing. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define GUARD_NAME_KEY_BYTES 256u
#define GUARD_NAME_LETTERS_MIN 2u /* initials would be found everywhere */

/* A linked first name or nickname in the form it is looked for. */
struct guard_name {
	uint8_t key[GUARD_NAME_KEY_BYTES]; /* folded words, one blank between */
	size_t len;
};

/* ERR_BAD_VALUE for a name with fewer than GUARD_NAME_LETTERS_MIN letters, ERR_TOO_BIG for one that
 * does not fit. */
MUST_USE enum err guard_name_make(struct view name, struct guard_name *ret_name);

/* Bytes [start, end) of the text. */
struct guard_span {
	size_t start;
	size_t end;
	unsigned code; /* index of the name, or enum guard_word */
};

/* Every place of every name, in the order of the text; places may overlap. *ret_count says how
 * many, `ret_spans` holds the first `cap`. */
MUST_USE enum err guard_names_find(struct view text, const struct guard_name *names,
				   size_t name_count, struct guard_span *ret_spans, size_t cap,
				   size_t *ret_count);

enum guard_word {
	GUARD_WORD_AFFAIR = 1,
	GUARD_WORD_DIVORCE,
	GUARD_WORD_SECRET, /* "don't tell" */
	GUARD_WORD_PREGNANCY,
	GUARD_WORD_ADDICTION,
	GUARD_WORD_LAW, /* custody, court, police */
	GUARD_WORD_ABUSE,
	GUARD_WORD_VIOLENCE,
	GUARD_WORD_SELF_HARM,
};
#define GUARD_WORD_COUNT 9

/* Does this word ask "belongs in a sealed note?" */
bool guard_word_asks_seal(enum guard_word word);
/* Does it bring up the safety card? */
bool guard_word_asks_safety(enum guard_word word);
/* "self_harm" */
const char *guard_word_name(enum guard_word word);

/* The same for trust and safety words. */
MUST_USE enum err guard_words_find(struct view text, struct guard_span *ret_spans, size_t cap,
				   size_t *ret_count);

/* The lists: for tests, and for a screen that explains them. A trailing * stands for any ending. */
struct guard_phrase {
	enum guard_word word;
	const char *text;
};
const struct guard_phrase *guard_phrases(size_t *ret_count);
