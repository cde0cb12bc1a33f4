/* fold_base: what both folds (session and patient) are made of; see fold.h.
 *
 * Threads: as the fold.   Limits: FOLD_OPS_MAX ops and FOLD_BYTES_MAX bytes per fold. */
#pragma once

#include "base/arena.h"
#include "base/id.h"
#include "base/limits.h"

#define FOLD_OPS_MAX 16384u
#define FOLD_BYTES_MAX (32u * MIB)

/* What is known about an op beside its payload. */
struct fold_meta {
	struct id op_id;
	struct id author_id;
	struct id room_id;       /* zero when not known */
	uint64_t seq;            /* the server's number; 0 = not confirmed yet */
	uint64_t local_order;    /* order of ops without a seq in this room, rising */
	uint64_t client_time_ms; /* the room's clock when it was made */
};

/* Fields are fold's own; only the embedding owner needs to see their size. */
struct fold_store {
	struct arena kept;           /* entries and what they point to */
	struct arena shown;          /* the last state */
	struct fold_entry **entries; /* owned, sorted by op id */
	size_t count;
	size_t cap;
};
