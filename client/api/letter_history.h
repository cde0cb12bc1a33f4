/* letter_history: what a letter tells of a patient: complaints, health answers, alerts, and
 * measures
 * with their values, first to newest.
 *
 * Everything that is told is read into `facts` first, so that it can be looked at (outgoing.h)
 * before
 * a word of it is drawn. Left out: mood, sleep and stress (never proof), sessions that the patient
 * asked to withhold, texts of sessions, notes.
 *
 *	{"ask","complaints":[{"complaint","onset","mechanism","aggravating","easing","goals"}],
 *	 "health":[{"question","answer","detail","asked_on"}],"alerts":[{"kind","text"}],
 *	 "measures":[{"title","first","first_at","last","last_at","sentence"}]}
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/outgoing.h"
#include "client/api/page_words.h"
#include "client/print/document.h"

MUST_USE enum err letter_history_read(struct verb *v, struct outgoing *o,
				      const struct id *patient_id, const char *ask, json_t *facts);
MUST_USE enum err letter_history_draw(const json_t *facts, struct document *d);
