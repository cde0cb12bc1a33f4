/* chart_parts: the parts of chart_model.h that are no plain records, and the counting.
 *
 * Owns:    nothing; what is put lives in the chart.   Threads: the desk thread.
 * Errors:  as chart_model.h. */
#pragma once

#include "client/api/outgoing.h"

/* A row of "counts". ERR_BUG unless read = printed + withheld. */
MUST_USE enum err chart_put_count(json_t *chart, const char *kind, size_t read, size_t printed,
				  size_t withheld);
/* Of what this person's role may not read. */
MUST_USE enum err chart_put_unknown(json_t *chart, const char *kind);

/* "patient", with every value that was ever said. */
MUST_USE enum err chart_put_identity(struct verb *v, const struct id *patient_id, json_t *chart);
/* "sessions", oldest first, with measures, addenda, late changes and statements. */
MUST_USE enum err chart_put_sessions(struct verb *v, struct outgoing *o,
				     const struct id *patient_id, json_t *chart);
/* "notes": those that the request names, each the reader's own. */
MUST_USE enum err chart_put_notes(struct verb *v, struct outgoing *o, const struct id *patient_id,
				  json_t *chart);
/* "people": everybody whom the chart names by a login. Last. */
MUST_USE enum err chart_put_people(struct verb *v, json_t *chart);
