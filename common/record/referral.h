/* referral: a letter to somebody else, from "noticed" until the patient was told what came back.
 *
 *   noticed -> discussed -> consented -> drafted -> sent
 *   sent -> acknowledged -> replied -> told -> closed      (or sent -> replied at once)
 *   declined from any state until a reply has come; closed early, with a reason, once it was sent.
 *
 * Timers: a red flag is sent on the day it was noticed; a draft is begun 2 days after consent and
 * sent 2 days after that; acknowledged within 14 days of sending, answered within 30.
 *
 * Owns:    nothing.   Threads: any, pure functions.   Days: calendar.h.   No clock.
 * Rules:   DOMAIN 4.9. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "record/fields.h"

#define REFERRAL_DRAFT_DAYS 2
#define REFERRAL_ACKNOWLEDGE_DAYS 14
#define REFERRAL_REPLY_DAYS 30

enum referral_state {
	REFERRAL_NOTICED,
	REFERRAL_DISCUSSED,
	REFERRAL_CONSENTED,
	REFERRAL_DRAFTED,
	REFERRAL_SENT,
	REFERRAL_ACKNOWLEDGED,
	REFERRAL_REPLIED,
	REFERRAL_TOLD,
	REFERRAL_CLOSED,
	REFERRAL_DECLINED,
	REFERRAL_STATE_COUNT,
};

const char *referral_state_name(enum referral_state state);
MUST_USE enum err referral_state_parse(struct view name, enum referral_state *ret_state);
bool referral_is_over(enum referral_state state);

/* "after noticed comes discussed or declined": where it may go from here. Static. */
const char *referral_next_words(enum referral_state from);

/* By the drawing alone. */
bool referral_may_move(enum referral_state from, enum referral_state to);

struct referral_move {
	enum referral_state from;
	enum referral_state to;
	bool has_consent_date; /* for consented */
	struct view reason;    /* for declined, and closed without an answer */
};

/* ERR_BAD_VALUE with field state, consent_on or reason. */
MUST_USE enum err referral_move_check(const struct referral_move *move,
				      struct record_error *ret_error);

struct referral {
	enum referral_state state;
	bool red_flag;
	int64_t noticed_on;
	int64_t entered_on; /* the state it is in */
	int64_t sent_on;    /* from sent on */
};

enum referral_timer {
	REFERRAL_TIMER_NONE, /* nothing is waited for, or no time is set */
	REFERRAL_TIMER_RED_FLAG,
	REFERRAL_TIMER_DRAFT,
	REFERRAL_TIMER_SEND,
	REFERRAL_TIMER_ACKNOWLEDGE,
	REFERRAL_TIMER_REPLY,
};

struct referral_due {
	enum referral_timer timer;
	int64_t due;       /* the last day in time */
	int64_t days_late; /* above 0: overdue; 0: due today; below: days left */
};

/* What is waited for. All 0 with REFERRAL_TIMER_NONE. */
struct referral_due referral_due_at(const struct referral *referral, int64_t today);
bool referral_is_overdue(const struct referral *referral, int64_t today);

/* Appends "no reply has come: 3 days overdue"; nothing for REFERRAL_TIMER_NONE. ERR_NOMEM. */
MUST_USE enum err referral_due_print(const struct referral_due *due, struct buf *out);
