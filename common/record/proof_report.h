/* proof_report: how a therapist assesses, over many visits: for own eyes and for teaching, never a
 * ranking (DOMAIN 4.6). Counts only; whoever shows them makes shares of them.
 *
 * Pure: no clock, no allocation.   Owns: nothing; groups are names of the static catalogue.
 * Threads: any. */
#pragma once

#include "record/proof.h"

#define PROOF_REPORT_GROUPS_MAX 64u /* the catalogue has fewer joints and regions */

struct proof_tally {
	unsigned tested;   /* measured before treatment; left and right are two */
	unsigned again;    /* of those, measured after it too */
	unsigned improved; /* of those, beyond the measure's error */
	unsigned within;
	unsigned worse;
	unsigned not_comparable;
};

struct proof_report_group {
	const char *name; /* catalogue: joint or region */
	struct proof_tally tally;
};

struct proof_report {
	unsigned visits;
	unsigned visits_enough; /* with PROOF_TESTS_WANTED or more */
	struct proof_tally all;
	struct proof_report_group groups[PROOF_REPORT_GROUPS_MAX]; /* in the order they came */
	size_t group_count;
};

/* Adds one visit: its sets, as proof_pair() made them. */
void proof_report_add(struct proof_report *r, const struct proof_set *sets, size_t count);
