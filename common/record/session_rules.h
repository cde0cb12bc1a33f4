/* session_rules: what a session must say before it can be signed, and what of the last one may be
 * offered again. When an entry is late: law_duty.h.
 *
 * Owns:    nothing.   Threads: any, pure functions; words are static.
 * Rules:   DOMAIN 4.2 (R: required to sign, r: required or reasoned), BC2 (each "not
 *          done" has a reason), US9 (a confidential note counts for none of it). */
#pragma once

#include "base/view.h"
#include "record/kinds.h"
#include "roomkeep/record.pb-c.h"

#include <stdbool.h>

/* ---- signing --------------------------------------------------------------------------------- */

#define SESSION_GAPS_MAX 24u

struct session_facts {
	const Roomkeep__SessionChart *chart; /* borrowed; an empty one when nothing was said */
	bool has_ended;
	bool is_first; /* the patient has no earlier session */
	size_t treatment_count;
	size_t adverse_count;
	unsigned areas_treated;   /* SESSION_AREA_BIT()s that need a consent of their own */
	unsigned areas_consented; /* of this session, answered yes */
};

#define SESSION_AREA_BIT(area) (1u << (unsigned)(area))

/* The area of DOMAIN 3h that a region lies in; AREA_UNKNOWN: it needs no consent of its own. */
Roomkeep__Consent__Area session_area_of(Roomkeep__Treatment__Region region);
/* All areas of a treatment: of its region, and of working inside the mouth. */
unsigned session_areas_of(const Roomkeep__Treatment *m);

struct session_gap {
	const char *field; /* key as in JSON */
	const char *say;   /* what to type behind `roomkeep`, SID for the session */
};

/* What is neither filled nor reasoned, in the order of the record; returns how many. Requires:
 * space for SESSION_GAPS_MAX. */
size_t session_find_gaps(const struct session_facts *f, struct session_gap *ret);

/* ---- carry-forward --------------------------------------------------------------------------- */

/* Fields of a session_chart that are often as they were last time; what is of the day is not among
 * them. NULL behind the last. */
const char *session_carry_at(size_t at);
bool session_may_carry(struct view field);
