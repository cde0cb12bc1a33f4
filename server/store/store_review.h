/* store_review: what those who answer for the clinic look at each month (US5): overrides, and who
 * opened two charts of one family, the chart of a namesake, or a chart after hours, on one day.
 *
 * Names of staff, days and counts; no patient leaves. Cost: the log rows of those days, and the
 * family links.
 * Decides nothing about who may ask.   Owns, threads, errors, memory: as store.h. */
#pragma once

#include "base/arena.h"
#include "base/id.h"

struct store_reader;

#define REVIEW_DAYS_MAX 31u
#define REVIEW_ROWS_MAX 1000u

struct store_override {
	struct id override_id;
	struct id user_id;
	uint64_t at_ms;
	uint32_t reason;  /* Override.Reason, of its first op */
	uint32_t outcome; /* ReviewMark.Outcome; 0: nobody looked */
	bool told;
};

struct store_family_day {
	struct id user_id;
	int32_t day;
	uint32_t pairs; /* of linked charts, all opened by this person on this day */
};

/* Taken from `from_ms` on and before `to_ms`, oldest first, at most REVIEW_ROWS_MAX. */
MUST_USE enum err store_review_overrides(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
					 struct arena *arena, struct store_override **ret,
					 size_t *ret_count);
/* Of the same span by the log: charts of patients with the person's own last name, and charts
 * opened when neither the house nor the person has hours (none is after hours where the house says
 * none). By day, then person, then what; at most REVIEW_ROWS_MAX. */
enum store_unusual_kind {
	STORE_UNUSUAL_HOURS = 3, /* numbers as ReviewRow.kind */
	STORE_UNUSUAL_NAMESAKE = 4,
};
struct store_unusual {
	enum store_unusual_kind kind;
	struct id user_id;
	int32_t day;
	uint32_t charts;
};
MUST_USE enum err store_review_unusual(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
				       int32_t offset_minutes, struct arena *arena,
				       struct store_unusual **ret, size_t *ret_count);

/* The same span by the log; days are local: UTC + offset_minutes. By day, then by person; at most
 * REVIEW_ROWS_MAX. */
MUST_USE enum err store_review_families(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
					int32_t offset_minutes, struct arena *arena,
					struct store_family_day **ret, size_t *ret_count);
