#include "record/retest.h"

#include <stddef.h>

#define RETEST_MID_FROM_PERCENT 40u
#define RETEST_MID_UNTIL_PERCENT 60u
#define RETEST_POST_BEFORE_MS (5u * 60u * 1000u)

bool retest_times_of(uint64_t started_ms, uint64_t booked_end_ms, struct retest_times *ret)
{
	if (booked_end_ms < started_ms || booked_end_ms - started_ms < RETEST_SPAN_MIN_MS)
		return false;
	const uint64_t span = booked_end_ms - started_ms;
	ret->mid_from_ms = started_ms + span * RETEST_MID_FROM_PERCENT / 100;
	ret->mid_until_ms = started_ms + span * RETEST_MID_UNTIL_PERCENT / 100;
	ret->post_ms = booked_end_ms - RETEST_POST_BEFORE_MS;
	return true;
}

enum retest_due retest_due_at(const struct retest_times *times, uint64_t now_ms, bool asleep)
{
	if (now_ms >= times->post_ms) return RETEST_POST;
	if (asleep || now_ms < times->mid_from_ms || now_ms > times->mid_until_ms)
		return RETEST_NOTHING;
	return RETEST_MID;
}

const char *retest_due_name(enum retest_due due)
{
	switch (due) {
	case RETEST_MID: return "mid";
	case RETEST_POST: return "post";
	case RETEST_NOTHING: break;
	}
	return NULL;
}
