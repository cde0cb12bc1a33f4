/* safety: what to do when words of self-harm or abuse are said in the room: a card to read from,
 * for each jurisdiction. A card, never a score (DOMAIN 4.5).
 *
 * Steps are ours; lines and duties are facts, each with where it was read. One from our own
 * knowledge says so and must be shown so: an admin checks it before the clinic relies on it.
 * Threads: any; all data is static. */
#pragma once

#include "record/law.h"

enum safety_what {
	SAFETY_DO,   /* a step, in order */
	SAFETY_CALL, /* a line that answers at any hour */
	SAFETY_DUTY, /* what the law asks for */
};

struct safety_row {
	enum safety_what what;
	const char *text;
	const char *number; /* to call; "" for others than SAFETY_CALL */
	const char *source; /* "" for a step */
	bool own_knowledge; /* not verified */
};

/* Row `at` of the card, from 0: steps, then lines, then duties. NULL after the last. */
const struct safety_row *safety_row(enum law_jurisdiction jurisdiction, size_t at);

/* "do", "call", "duty". */
const char *safety_what_name(enum safety_what what);
