/* measure: what one assessment row may say, beyond what its catalogue entry says, and the words for
 * how it was taken.
 *
 *   method     range of motion in degrees: goniometer, inclinometer or visual; in cm or mm: tape or
 *              visual; in levels: visual or count. Scales: patient. Special tests: any but patient.
 *              Strength: none, it is the hand.
 *   mode       strength: resisted; scales: none; else any.
 *   end_feel   ranges of motion only.
 *   skipped    no value, result, pain, end feel, limit: only what was not measured, and why.
 *   pair_id    mid and post rows only; never the row itself. The pre row it names is of the same
 *              session and has the same ref, side, mode, position and method (measure_check_pair).
 *
 * The rules are never narrowed, so that what was accepted once stays readable.
 * Owns: nothing.   Threads: any.   Source: DOMAIN 4.3. */
#pragma once

#include "base/err.h"
#include "record/fields.h"
#include "record/fold.h"
#include "roomkeep/record.pb-c.h"

#define MEASURE_PAIN_MAX 10u

/* What stands in record.proto as an enum, in words: "goniometer", "side_lying". */
enum measure_list {
	MEASURE_MODE,
	MEASURE_POSITION,
	MEASURE_METHOD,
	MEASURE_END_FEEL,
	MEASURE_SKIPPED,
};

/* NULL for 0 and for a value this build does not know. */
const char *measure_word(enum measure_list list, int value);
/* 0 for another word. */
int measure_word_parse(enum measure_list list, const char *word);
/* All words of a list, for an error: "active, passive, resisted". Static. */
const char *measure_words(enum measure_list list);

/* The row by itself: catalogue_check and the rules above but pairs. `ret_error` may be NULL.
 * Returns: as catalogue_check. */
MUST_USE enum err measure_check(const Roomkeep__Measure *m, struct record_error *ret_error);

/* A row that names its pre row, against the session it goes into. Where the pre row is not known
 * (the server, another room's order) this is not asked; such rows are then not comparable
 * (proof.h).
 * Returns: ERR_OK, also without pair_id; ERR_BAD_VALUE with the field that differs, or pair_id when
 * the session has no such pre row. */
MUST_USE enum err measure_check_pair(const Roomkeep__Measure *m, const struct session_state *s,
				     struct record_error *ret_error);
