/* withheld: where something is missing at the patient's request, every answer says so (ON7).
 *
 * It says that and how much, never who asked for it or against whom: who is kept out sees that
 * something is withheld, and nothing of the directive.
 *
 * Owns: nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"

/* When something was withheld from this answer: "withheld": {"words","count","whole"}; count is of
 * sessions and single records, or of patients in a list over all of them. And "opened_until" while
 * it is opened to this person all the same. Nothing is put otherwise. For verbs that show a chart
 * (verb_row.is_chart). */
MUST_USE enum err withheld_put(struct verb *v);

/* "Information withheld at the patient's request: 3." or nothing: for what is printed. Appends. */
MUST_USE enum err withheld_print(struct verb *v, const struct id *patient_id, struct buf *out);

/* Of a record that this room does not hold, named under `key`: ERR_DENIED with a fault when it is
 * withheld by itself. Else ERR_OK; `*ret_others`: of so many patients something is withheld, and it
 * may be theirs. */
MUST_USE enum err withheld_check_absent(struct verb *v, const char *key, size_t *ret_others);

#define WITHHELD_ITEMS_MAX 64u

/* What directives keep from somebody outside. */
struct withheld_from {
	bool record;                         /* everything */
	bool sessions;                       /* all that stands in sessions */
	struct id items[WITHHELD_ITEMS_MAX]; /* single sessions and records */
	size_t item_count;
};
/* By the directives that are in force. ERR_FULL: more than WITHHELD_ITEMS_MAX. */
MUST_USE enum err withheld_from_recipient(struct verb *v, const struct id *patient_id,
					  struct view recipient, struct withheld_from *ret);
MUST_USE enum err withheld_add_item(struct withheld_from *from, const struct id *item_id);

/* "in_force", "not_yet", "run_out", "ended". */
MUST_USE enum err withheld_directive_state(struct verb *v, const struct record_state *s,
					   const char **ret_name);
