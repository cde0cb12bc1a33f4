/* show: sessions as JSON. Shapes: issue 2 and ROOM-UI C1.
 * Threads: the desk thread.  Errors: ERR_NOMEM, and what the store returns. */
#pragma once

#include "client/api/verb.h"

/* "pre", "L", "pos" and back; 0 (unknown) for another word, NULL for an unknown value. */
const char *show_phase_name(Roomkeep__Phase phase);
const char *show_side_name(Roomkeep__Side side);
const char *show_result_name(Roomkeep__TestResult result);
Roomkeep__Phase show_phase_parse(const char *name);
Roomkeep__Side show_side_parse(const char *name);
Roomkeep__TestResult show_result_parse(const char *name);

/* Runs a verb that shows people and rooms by name, and again when names had to be asked for. */
MUST_USE enum err verb_show_named(struct verb *v, enum err (*show_it)(struct verb *v));

/* "by", "room", "at" and "op_id": who, where, when and which op, behind a value. */
MUST_USE enum err show_meta(struct verb *v, json_t *object, const struct fold_meta *meta);

/* {"measure_id","ref","name","side","phase","value","unit","result","skipped_reason","mode",
 * "position","method","pain_at_end","end_feel","limited_by","pair_id","at","by","rater"} */
MUST_USE enum err show_measure(struct verb *v, const struct fold_measure *m, json_t *object);

/* Puts all that is shown of a session into v->answer, apart from what belongs to its chart. */
MUST_USE enum err show_session_put(struct verb *v, const struct session_state *s);
