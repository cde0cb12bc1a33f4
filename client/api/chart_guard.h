/* chart_guard: what a chart says about relatives who are patients too (DOMAIN 4.8): the band, the
 * wall between two charts, and names of relatives in a text. The rules are record/guard.h's.
 *
 * A link whose kind the person may not read is not looked at, and every key stands in every answer:
 * who may not know of a relative gets the same bytes as if there were none.
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"
#include "record/guard.h"
#include "record/guard_words.h"

#define CHART_LINKS_MAX 32u /* of one patient; more are left out, the first stand */

/* Links of a patient that the signed-in person may know of. */
struct chart_links {
	struct guard_link list[CHART_LINKS_MAX];
	size_t count;
};
MUST_USE enum err chart_links_load(struct verb *v, const struct id *patient_id,
				   struct chart_links *ret);

/* Puts "guard": {"band","wall","wall_ms","wall_words","reminder_words","receipt_words"}; null,
 * false and 0 where there is none. `wall`: a relative's chart was opened by this person in this
 * room within 24 hours. */
MUST_USE enum err chart_guard_put(struct verb *v, const struct id *patient_id, json_t *object);

/* Adds to `hints` each place where `text`, written as `field` into this patient's chart, names a
 * relative: {"kind":"relative","field","start","end","words"}; start and end are bytes. */
MUST_USE enum err chart_guard_hint(struct verb *v, const struct id *patient_id, const char *field,
				   struct view text, json_t *hints);

#define CHART_GUARD_NAMES_MAX 64u

/* First names and names used of the patient's relatives who are patients too, as they are
 * looked for in what leaves the clinic (4.8, rule 5); the first CHART_GUARD_NAMES_MAX of them. */
MUST_USE enum err chart_guard_names(struct verb *v, const struct id *patient_id,
				    struct guard_name ret_names[CHART_GUARD_NAMES_MAX],
				    size_t *ret_count);

/* Rule 5, for whatever leaves the clinic: a letter, an export, a receipt, a proof. Looks for names
 * of relatives in `texts`; each mention has to be resolved: "third_party" of the request says how
 * for all of them ("removed" and "rephrased" are true only when none is found; "not_them": the same
 * name, somebody else; a person said so). ERR_DENIED with a fault while one is unresolved. The
 * patient's own names are no mention. Who may not know of a relative is asked nothing. */
MUST_USE enum err chart_guard_output(struct verb *v, const struct id *patient_id,
				     const struct view *texts, size_t count);
