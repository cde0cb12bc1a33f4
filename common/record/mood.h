/* mood: two reads at the door and at goodbye, and what they ask of the therapist.
 *
 * A read is a step of a scale, shown as a word, never as a number, and on no document for the
 * patient. Nothing is computed from it but the two flags below: it is no outcome (DOMAIN 0, 5).
 * The flags look at spirits alone, because a body that was worked on is often tired and content.
 *
 * Owns:    nothing.   Threads: any, pure functions.   Words: static.
 * Rules:   DOMAIN 4.5. Words of self-harm or abuse: guard_words.h. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define MOOD_STEP_MAX 5
#define MOOD_LOW 2  /* this step and below */
#define MOOD_DROP 2 /* steps down within a visit */

enum mood_scale {
	MOOD_SPIRITS, /* very low .. very bright */
	MOOD_ENERGY,  /* drained .. lively */
};

/* "low"; NULL for a step outside 1..MOOD_STEP_MAX. */
const char *mood_words(enum mood_scale scale, unsigned step);
/* ERR_BAD_VALUE for another word. */
MUST_USE enum err mood_parse(enum mood_scale scale, struct view words, unsigned *ret_step);

enum mood_source {
	MOOD_MY_READ = 1,
	MOOD_PATIENT_SAID,
};
const char *mood_source_words(enum mood_source source); /* NULL for another number */

/* Body-language chips, as bits. */
enum mood_chip {
	MOOD_CHIP_SLUMPED,
	MOOD_CHIP_GUARDED,
	MOOD_CHIP_RUSHED,
	MOOD_CHIP_LIMPING,
	MOOD_CHIP_BREATH_HOLDING,
	MOOD_CHIP_TEARFUL,
	MOOD_CHIP_CHEERFUL,
	MOOD_CHIP_CHATTY,
	MOOD_CHIP_SILENT,
	MOOD_CHIP_COUNT,
};
const char *mood_chip_words(enum mood_chip chip);

struct mood_read {
	uint8_t spirits; /* 1..5, 0 = not read */
	uint8_t energy;
};

struct mood_visit {
	struct mood_read arrival;
	struct mood_read departure;
};

#define MOOD_FLAG_LOW_TWICE 1u /* left in low spirits at this visit and the one before */
#define MOOD_FLAG_DROP 2u      /* spirits fell by MOOD_DROP or more within this visit */

/* About the last of `visits` (oldest first). What was not read is not guessed: a visit without a
 * read at goodbye parts the two. */
unsigned mood_flags(const struct mood_visit *visits, size_t count);

/* The gentle question that goes with any flag; NULL for none. */
const char *mood_flag_words(unsigned flags);

/* What lifted it last time, as bits (1 << the enum). */
enum mood_lift {
	MOOD_LIFT_MUSIC,
	MOOD_LIFT_STORY,
	MOOD_LIFT_SILENCE,
	MOOD_LIFT_COUNT,
};

#define MOOD_PROMPTS_MAX 8

/* For an arrival that is low in spirits or energy: what helped before comes first, then the usual
 * ways. Returns how many; 0 when it is not low. */
size_t mood_prompts(const struct mood_read *arrival, unsigned lifted,
		    const char *ret_prompts[MOOD_PROMPTS_MAX]);
