/* retest: when, within a visit, to measure again.
 *
 *   mid   at 40 to 60 % of the time between start and booked end; not while the patient sleeps
 *   post  from 5 minutes before the booked end on
 *
 * A visit of less than RETEST_SPAN_MIN_MS is too short to be interrupted twice and has neither.
 * Threads: any, pure functions.   Times: ms since 1970; no clock.   Source: DOMAIN 4.6. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define RETEST_SPAN_MIN_MS (15u * 60u * 1000u)

struct retest_times {
	uint64_t mid_from_ms;
	uint64_t mid_until_ms;
	uint64_t post_ms;
};

/* False: too short. */
bool retest_times_of(uint64_t started_ms, uint64_t booked_end_ms, struct retest_times *ret);

enum retest_due {
	RETEST_NOTHING,
	RETEST_MID,
	RETEST_POST,
};
enum retest_due retest_due_at(const struct retest_times *times, uint64_t now_ms, bool asleep);

/* "mid", "post"; NULL for nothing. */
const char *retest_due_name(enum retest_due due);
