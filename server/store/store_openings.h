/* store_openings: who opened one patient's chart, from the ops that say so: what a patient may ask
 * of the clinic (DOMAIN 3f, "who opened my chart").
 *
 * A person's charts count as one where they were merged (merges.h).
 *
 * A room writes one for each person and chart in a quarter of an hour (local.h, LOCAL_OPENED_MS).
 * Cost: the ops of that patient.   Decides nothing about who may ask.
 * Owns, threads, errors, memory: as store.h. */
#pragma once

#include "base/arena.h"
#include "base/id.h"

struct store_reader;

#define OPENINGS_ROWS_MAX 1000u

enum store_opening_kind {
	STORE_OPENING_CHART = 1, /* numbers as OpeningRow.kind */
	STORE_OPENING_SESSION,
	STORE_OPENING_OVERRIDE,
};

struct store_opening {
	enum store_opening_kind kind;
	struct id user_id;
	struct id room_id;
	uint64_t at_ms; /* when the server was told */
};

/* Newest first, at most OPENINGS_ROWS_MAX; `*ret_left_out` older ones. The list is the arena's.
 * ERR_NOT_FOUND: no such patient. */
MUST_USE enum err store_openings_list(struct store_reader *r, const struct id *patient_id,
				      struct arena *arena, struct store_opening **ret,
				      size_t *ret_count, uint64_t *ret_left_out);

/* A chart that was shown, by the log. */
struct store_open {
	struct id user_id;
	struct id patient_id;
	uint64_t at_ms;
};
struct store_open_visitor {
	/* An error ends the walk and is handed on. */
	enum err (*visit)(void *ctx, const struct store_open *open);
	void *ctx;
};
/* Those from `from_ms` on and before `to_ms`, in the log's order; reads the log rows of that
 * time. */
MUST_USE enum err store_opens_each(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
				   struct store_open_visitor visitor);
