/* session_chart: what a session holds beside its texts and measures (DOMAIN 4.2), for the verbs
 * about sessions: its single values, its lists, what is missing to sign it, and what the last
 * session of the same patient offers. What is offered is stored nowhere, so it fills nothing.
 *
 * Owns:    nothing; what is read lives in folds of the caller.   Threads: the desk thread.
 * Errors:  what the store returns; ERR_NOMEM. */
#pragma once

#include "client/api/verb.h"
#include "record/session_rules.h"

/* The word of `set session --confirm` for what was treated last time. */
#define CARRY_TREATMENTS "treatments"
#define CARRY_ALL "all"

/* The single values; an empty message when nothing was said. With `sign` (may be NULL) as it was
 * signed. Give `ret_fold` to record_fold_fini. */
MUST_USE enum err session_chart_get(struct verb *v, const struct id *session_id,
				    const struct fold_sign *sign, struct record_fold *ret_fold,
				    const Roomkeep__SessionChart **ret);

/* What is neither filled nor reasoned. Requires: space for SESSION_GAPS_MAX. */
MUST_USE enum err session_chart_gaps(struct verb *v, const struct session_state *s,
				     struct session_gap *ret_gaps, size_t *ret_count);

/* The last session of the patient before this one; zeros when there is none. */
MUST_USE enum err session_before(struct verb *v, const struct session_state *s,
				 struct id *ret_session_id);

/* Is this field offered: does the last session say it, and this one not yet? */
bool session_is_proposed(const Roomkeep__SessionChart *last, const Roomkeep__SessionChart *now,
			 const char *field);

/* Into the answer: "chart", the lists, "late_entry_hours", "late_entry", "missing"
 * [{"field","say"}], "proposed" {field: value, "treatments": [...]}; and into its "late_changes"
 * what the Sign did not see. */
MUST_USE enum err session_chart_show(struct verb *v, const struct session_state *s);
/* The same keys, empty: for who may not read it. */
MUST_USE enum err session_chart_show_nothing(struct verb *v);

/* "late_entry_hours" and "late_entry": 26 and "late entry (26 h)", or null (BC1). */
MUST_USE enum err session_put_late(json_t *object, uint64_t started_ms, uint64_t ended_ms,
				   uint64_t signed_ms);
