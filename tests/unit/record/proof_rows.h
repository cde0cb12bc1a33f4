/* proof_rows: measures as plain values, for tests of what is said about them. */
#pragma once

#include "record/proof.h"

#include <string.h>

#define ACTIVE ROOMKEEP__MODE__MODE_ACTIVE
#define PASSIVE ROOMKEEP__MODE__MODE_PASSIVE
#define SEATED ROOMKEEP__POSITION__POSITION_SEATED
#define SUPINE ROOMKEEP__POSITION__POSITION_SUPINE
#define GONIO ROOMKEEP__METHOD__METHOD_GONIOMETER
#define INCLINO ROOMKEEP__METHOD__METHOD_INCLINOMETER
#define BY_EYE ROOMKEEP__METHOD__METHOD_VISUAL
#define TAPE ROOMKEEP__METHOD__METHOD_TAPE
#define PRE ROOMKEEP__PHASE__PRE
#define MID ROOMKEEP__PHASE__MID
#define POST ROOMKEEP__PHASE__POST
#define LEFT ROOMKEEP__SIDE__LEFT
#define RIGHT ROOMKEEP__SIDE__RIGHT

#define RATER_JO 3
#define RATER_MARA 4

static inline struct proof_row row_of(const char *ref, Roomkeep__Phase phase, int64_t value)
{
	static uint8_t next = 1;
	struct proof_row r = { .entry = catalogue_find(view_str(ref)),
			       .phase = phase,
			       .has_value = true,
			       .value_milli = value * 1000,
			       .rater_id = { { RATER_JO } } };
	r.measure_id.b[0] = next++;
	if (r.entry != NULL && r.entry->side_required) r.side = LEFT;
	r.at_ms = 1700000000000u + 1000u * (unsigned)phase;
	return r;
}

/* Neck rotation to the left with a goniometer, seated. */
static inline struct proof_row turn(Roomkeep__Phase phase, int64_t degrees)
{
	struct proof_row r = row_of("cx_rot", phase, degrees);
	r.mode = ACTIVE;
	r.position = SEATED;
	r.method = GONIO;
	return r;
}

static inline struct proof_row result_of(const char *ref, Roomkeep__Phase phase,
					 Roomkeep__TestResult result)
{
	struct proof_row r = row_of(ref, phase, 0);
	r.has_value = false;
	r.result = result;
	return r;
}
