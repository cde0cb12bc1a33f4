/* proof_history: one patient's measures over visits, as series that can be compared.
 *
 * A series is one ref, side, mode, position and method; whatever was taken another way is a series
 * of its own. Per visit it has one point: the set of the newest pre row of this kind.
 *
 * Owns:    its series and points until _fini; the rows stay the caller's and must outlive it.
 * Threads: any, one at a time.   Errors: ERR_NOMEM.
 * Cost:    rows times series; a patient has some thousands of rows and some dozens of series. */
#pragma once

#include "base/err.h"
#include "record/proof.h"

struct proof_visit {
	struct id session_id;
	uint64_t started_ms;
	const struct proof_row *rows; /* borrowed, oldest first */
	size_t row_count;
};

struct proof_point {
	size_t visit; /* index */
	struct proof_set set;
	/* Of the gain of the point before, in percent: what this visit began with. */
	bool has_kept;
	int kept_percent;
};

struct proof_series {
	const struct proof_row *first; /* says ref, side, mode, position, method */
	struct proof_point *points;    /* by visit */
	size_t point_count;
	/* First value ever to the newest one. With one point and nothing after its pre row:
	 * not comparable. */
	const struct proof_row *begin; /* NULL: no number anywhere */
	const struct proof_row *end;
	struct proof_delta whole;
};

struct proof_history {
	struct proof_series *series; /* in the order in which they first appeared */
	size_t series_count;
	struct proof_point *points; /* of all series */
	struct proof_set *sets;     /* of one visit, while it is made */
};

/* `visits` oldest first. On failure there is nothing to give back. */
MUST_USE enum err proof_history_make(const struct proof_visit *visits, size_t visit_count,
				     struct proof_history *ret_history);
void proof_history_fini(struct proof_history *h);
void proof_history_finip(struct proof_history *h); /* for CLEANUP */
