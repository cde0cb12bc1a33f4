/* suggest: "not sure what to test": from where it hurts and how, to three tests.
 *
 * Always one range of motion, one special test or strength, one function or pain score; what was
 * measured last time goes first, because only the same measure again shows a change. Suggestions
 * are a start, not a protocol: what positive means and how sure that is stands in the catalogue.
 *
 * Owns: nothing; all static.   Threads: any.   Source: DOMAIN 4.6, data/suggest.csv. */
#pragma once

#include "base/view.h"
#include "record/catalogue.h"
#include "record/proof.h"

#define SUGGEST_TESTS 3u

/* "lower back", "Lumbar" -> "low_back"; NULL when it is no region known here. */
const char *suggest_region(struct view typed);
/* "pins and needles" -> "tingling"; NULL when it says nothing we have a row for. */
const char *suggest_complaint(struct view typed);
/* All names that suggest_region gives, for an error. */
const char *suggest_regions(void);

/* Is the entry of this region? Scales are of every region. */
bool suggest_is_of_region(const struct catalogue_entry *entry, const char *region);

struct suggest_test {
	const struct catalogue_entry *entry;
	Roomkeep__Side side; /* of last time; 0 = not said */
	bool from_last;      /* it was measured at the last visit */
};

/* `region` and `complaint` as above, NULL for not known. `last` are the last visit's rows; of those
 * only what was measured before treatment counts, in any region when `region` is NULL. Returns how
 * many: 0 when nothing is known at all. */
size_t suggest_tests(const char *region, const char *complaint, const struct proof_row *last,
		     size_t last_count, struct suggest_test ret_tests[SUGGEST_TESTS]);
