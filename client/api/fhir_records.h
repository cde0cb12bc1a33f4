/* fhir_records: plain records and sessions of a chart as FHIR resources.
 * Owns: nothing.   Threads: any.   Errors: ERR_NOMEM. */
#pragma once

#include "client/api/fhir_bundle.h"

/* Every record of "records". */
MUST_USE enum err fhir_add_records(struct fhir *f);
/* Every session: an Encounter, its texts and measures as Observations, its plan as a CarePlan. */
MUST_USE enum err fhir_add_sessions(struct fhir *f);

/* What FHIR has no resource for: a Basic with the fields of `record` as extensions. */
MUST_USE enum err fhir_add_basic(struct fhir *f, const char *kind, const char *id,
				 const json_t *record);
/* An Observation about the patient, with its code in words. `encounter` may be NULL. */
MUST_USE enum err fhir_add_observation(struct fhir *f, const char *id, const char *words,
				       bool is_final, const char *encounter, json_t **ret);
