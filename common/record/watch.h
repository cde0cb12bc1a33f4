/* watch: is the relationship with a patient warm, cooling, cold or lapsed, and why (DOMAIN 4.10).
 *
 * Plain facts of one patient in, a step and the reasons in words out. Nothing is ever done by it: a
 * therapist decides, and what she reads is what it used.
 *
 *   rhythm  the planned interval, else the median of the last 6 gaps (3 visits are needed)
 *   ratio   days since the last visit / rhythm, when nothing is booked:
 *             warm < 1.25 <= cooling < 2 <= cold <= 3 < lapsed; more than 180 days: lapsed
 *   new     one visit, none booked, more than 21 days and more than planned: cooling
 *   signals each of watch_code's second half: one step further
 *
 * Owns:    nothing, allocates nothing but the words' buffer.   Threads: any, pure functions.
 * Days:    calendar.h, local to the clinic; no clock, today comes in.   Cost: the last
 *          WATCH_EVENTS_USED events are read, whatever the length of the history. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define WATCH_GAPS 6
#define WATCH_EVENTS_USED 32 /* callers may pass the tail and say how many visits came before */
#define WATCH_REASONS_MAX 16

#define WATCH_COOLING_MILLI 1250
#define WATCH_COLD_MILLI 2000
#define WATCH_LAPSED_MILLI 3000
#define WATCH_LAPSED_DAYS 180
#define WATCH_NEW_DAYS 21
#define WATCH_TOUCH_DAYS 60 /* at most one touch in as many days */
#define WATCH_PLAN_DAYS_MAX 366
#define WATCH_GAIN_VISITS 3 /* measured visits running without a gain are a signal */

enum watch_what {
	WATCH_VISIT = 1,
	WATCH_CANCEL,
	WATCH_LATE_CANCEL,
	WATCH_NO_SHOW, /* counts as a late cancel */
};

enum watch_proof {
	WATCH_PROOF_NONE, /* no pair was measured */
	WATCH_PROOF_BETTER,
	WATCH_PROOF_WITHIN_ERROR,
	WATCH_PROOF_WORSE,
};

enum watch_homecare {
	WATCH_HOMECARE_NOT_ASKED,
	WATCH_HOMECARE_ALL,
	WATCH_HOMECARE_SOME,
	WATCH_HOMECARE_NONE,
	WATCH_HOMECARE_WORSE,
};

enum watch_comfort {
	WATCH_COMFORT_NOT_ASKED,
	WATCH_COMFORT_SAME,
	WATCH_COMFORT_EASIER,
	WATCH_COMFORT_HARDER,
};

/* A visit that took place, or one that did not. The fields after `rebooked` are a visit's. */
struct watch_event {
	int32_t day;        /* of the visit, or for which it had been booked */
	uint8_t what;       /* enum watch_what */
	bool rebooked;      /* a cancel that was followed by another booking at once */
	uint8_t arrival;    /* spirits 1..5, 0 = not read */
	uint8_t departure;  /* the same */
	uint8_t proof;      /* enum watch_proof, the best of the visit */
	uint8_t homecare;   /* enum watch_homecare */
	uint8_t comfort;    /* enum watch_comfort */
	bool adverse;       /* something went wrong or hurt */
	bool followed_up;   /* and somebody asked afterwards */
	bool change_known;  /* the reason for another therapist than before is known */
	uint32_t therapist; /* the caller's number for that person, 0 = not known */
};

struct watch_patient {
	const struct watch_event *events; /* borrowed; rising by day */
	size_t event_count;
	uint32_t visits_before; /* visits older than events[0] */
	uint32_t planned_days;  /* interval of the last plan, 0 = as needed or none */
	bool booked;            /* something is booked from today on */
	bool gone_quiet;        /* the desk's tag: replies that used to come do not */
	bool in_peace;          /* "leave in peace": silence for good */
	bool touched;           /* somebody has reached out before */
	int32_t touched_day;    /* the last time, when touched */
};

enum watch_step {
	WATCH_WARM,
	WATCH_COOLING,
	WATCH_COLD,
	WATCH_LAPSED,
};

/* What was used. In brackets what a and b hold. */
enum watch_code {
	WATCH_CODE_IN_PEACE,       /* () and nothing else is looked at */
	WATCH_CODE_NO_VISIT,       /* () */
	WATCH_CODE_LAST_VISIT,     /* (days ago) */
	WATCH_CODE_BOOKED,         /* () */
	WATCH_CODE_PLAN,           /* (planned days) */
	WATCH_CODE_RHYTHM,         /* (half days, gaps used) */
	WATCH_CODE_RHYTHM_UNKNOWN, /* (visits so far) */
	WATCH_CODE_RATIO,          /* (thousandths) */
	WATCH_CODE_LONG_AGO,       /* (days ago, 180) */
	WATCH_CODE_NEW,            /* (days ago, 21) */

	/* the quiet signals, one step each */
	WATCH_CODE_CANCELLED,    /* (days from the cancelled visit to today, negative = ahead) */
	WATCH_CODE_LATE_CANCELS, /* (late, of the last) */
	WATCH_CODE_MOOD,         /* (visits) */
	WATCH_CODE_NO_GAIN,      /* (visits) */
	WATCH_CODE_HOMECARE,     /* (visits) */
	WATCH_CODE_GONE_QUIET,   /* () */
	WATCH_CODE_COMFORT,      /* () */
	WATCH_CODE_ADVERSE,      /* (days ago) */
	WATCH_CODE_THERAPIST,    /* () */
	WATCH_CODE_COUNT,
};
#define WATCH_CODE_FIRST_SIGNAL WATCH_CODE_CANCELLED

struct watch_reason {
	enum watch_code code;
	int32_t a;
	int32_t b;
};

struct watch_result {
	enum watch_step base; /* by rhythm alone */
	enum watch_step step; /* with the signals */
	bool silent;          /* no card, for good */
	bool may_touch;       /* not silent, and the last touch is 60 days ago or more */
	bool has_ratio;
	uint32_t ratio_milli; /* rounded down; steps are decided exactly */
	struct watch_reason reasons[WATCH_REASONS_MAX];
	size_t reason_count;
};

/* Requires: events rise by day and hold known values (watch_event_is_valid). Events and touches
 * after today count as today. */
void watch_judge(const struct watch_patient *patient, int32_t today,
		 struct watch_result *ret_result);

/* For what comes from elsewhere: every enum known, moods 0..5. */
bool watch_event_is_valid(const struct watch_event *event);

/* "warm", "cooling", "cold", "lapsed". */
const char *watch_step_name(enum watch_step step);

/* "late_cancels" */
const char *watch_code_name(enum watch_code code);

/* Appends the reason in words, no full stop: "the last visit was 47 days ago". ERR_NOMEM. */
MUST_USE enum err watch_reason_print(const struct watch_reason *reason, struct buf *out);
