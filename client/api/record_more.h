/* record_more: what follows from a plain record and stands in no field of it: what is waited for,
 * since when it is late, and which rule says so. The rules are common/record's.
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns.
 * Days:    of this machine's time zone: calendar.h. */
#pragma once

#include "client/api/verb.h"
#include "record/record_fold.h"

/* Today, as a day of calendar.h, where this room stands. */
int64_t record_today(const struct verb *v);
/* "2026-11-30", or null. */
MUST_USE enum err record_put_day(json_t *object, const char *key, bool is_known, int64_t day);

/* Puts "statements": the patient's words about the session or request `of`. */
MUST_USE enum err record_put_statements(struct verb *v, const struct id *patient_id,
					const struct id *of, json_t *object);

/* Puts the keys of the record's kind that are no fields; of a kind without any, nothing.
 * `*ret_overdue`: something it waits for is late. */
MUST_USE enum err record_put_more(struct verb *v, const struct kind_info *info,
				  const struct record_state *s, json_t *object, bool *ret_overdue);

/* "added_by", "added_at", "changed_by", "changed_at". */
MUST_USE enum err record_put_people(struct verb *v, json_t *object, const struct record_state *s);
/* "history": every change, oldest first: [{"said","late","by","room","at","op_id"}]. */
MUST_USE enum err record_put_history(struct verb *v, const struct kind_info *info,
				     const struct record_state *s, json_t *object);
