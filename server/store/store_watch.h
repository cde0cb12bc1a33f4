/* store_watch: the facts of the relationship watch (record/watch.h), of all patients in one pass.
 *
 * From the views of sessions, mood reads, touches, appointments, session charts, adverse events and
 * patients' details: two statements for the clinic; the measures of the last visits are looked up a
 * visit at a time (watch_proof.h). A session that was entered on the wrong chart is no visit. A
 * change of therapist is known when the appointment of that day says that the patient agreed to it.
 * Charts of one person are one patient, the one that stays (merges.h). The tag "gone quiet" holds
 * until the next visit. What nobody said stays "not known", which is what watch.h makes of
 * zeros.
 *
 * Decides nothing: neither who is cooling nor who may know it.
 * Owns, threads, errors, memory: as store.h; at any time the events of one patient. */
#pragma once

#include "base/id.h"
#include "record/watch.h"

struct store_reader;

struct store_watch {
	struct id patient_id;
	struct id therapist_id;     /* of the last visit */
	struct watch_patient facts; /* events are borrowed until the visitor returns */
	int32_t last_day;           /* of the last visit */
};

struct store_watch_visitor {
	/* An error ends the walk and is handed on. */
	enum err (*visit)(void *ctx, const struct store_watch *patient);
	void *ctx;
};

/* Every patient with a visit up to `before_ms`. Days are local: UTC + offset_minutes.
 * Requires: before_ms below TIME_MS_END, an offset of calendar.h. */
MUST_USE enum err store_watch_each(struct store_reader *r, uint64_t before_ms,
				   int32_t offset_minutes, struct store_watch_visitor visitor);
