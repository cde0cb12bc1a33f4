#include "record/referral.h"

#include "base/check.h"
#include "base/fsm.h"

#define TO(state) FSM_TO(REFERRAL_##state)

static const struct fsm_state referral_states[REFERRAL_STATE_COUNT] = {
	[REFERRAL_NOTICED] = { "noticed", TO(DISCUSSED) | TO(DECLINED), FSM_INITIAL },
	[REFERRAL_DISCUSSED] = { "discussed", TO(CONSENTED) | TO(DECLINED), 0 },
	[REFERRAL_CONSENTED] = { "consented", TO(DRAFTED) | TO(DECLINED), 0 },
	[REFERRAL_DRAFTED] = { "drafted", TO(SENT) | TO(DECLINED), 0 },
	/* Some answer without a receipt before; some never. */
	[REFERRAL_SENT] = { "sent", TO(ACKNOWLEDGED) | TO(REPLIED) | TO(CLOSED) | TO(DECLINED), 0 },
	[REFERRAL_ACKNOWLEDGED] = { "acknowledged", TO(REPLIED) | TO(CLOSED) | TO(DECLINED), 0 },
	[REFERRAL_REPLIED] = { "replied", TO(TOLD), 0 },
	[REFERRAL_TOLD] = { "told", TO(CLOSED), 0 },
	[REFERRAL_CLOSED] = { "closed", 0, FSM_FINAL },
	[REFERRAL_DECLINED] = { "declined", 0, FSM_FINAL },
};

const char *referral_state_name(enum referral_state state)
{
	REQUIRE((size_t)state < REFERRAL_STATE_COUNT);
	return referral_states[state].name;
}

enum err referral_state_parse(struct view name, enum referral_state *ret_state)
{
	for (size_t i = 0; i < REFERRAL_STATE_COUNT; i++) {
		if (!view_equal(view_str(referral_states[i].name), name)) continue;
		*ret_state = (enum referral_state)i;
		return ERR_OK;
	}
	return ERR_BAD_VALUE;
}

bool referral_is_over(enum referral_state state)
{
	REQUIRE((size_t)state < REFERRAL_STATE_COUNT);
	return (referral_states[state].flags & FSM_FINAL) != 0;
}

bool referral_may_move(enum referral_state from, enum referral_state to)
{
	REQUIRE((size_t)from < REFERRAL_STATE_COUNT && (size_t)to < REFERRAL_STATE_COUNT);
	return (referral_states[from].allowed & FSM_TO(to)) != 0;
}

const char *referral_next_words(enum referral_state from)
{
	switch (from) {
	case REFERRAL_NOTICED: return "after noticed comes discussed or declined";
	case REFERRAL_DISCUSSED: return "after discussed comes consented or declined";
	case REFERRAL_CONSENTED: return "after consented comes drafted or declined";
	case REFERRAL_DRAFTED: return "after drafted comes sent or declined";
	case REFERRAL_SENT: return "after sent comes acknowledged, replied, closed or declined";
	case REFERRAL_ACKNOWLEDGED: return "after acknowledged comes replied, closed or declined";
	case REFERRAL_REPLIED: return "after replied comes told";
	case REFERRAL_TOLD: return "after told comes closed";
	case REFERRAL_CLOSED: return "it is closed: nothing follows";
	case REFERRAL_DECLINED: return "it was declined: nothing follows";
	case REFERRAL_STATE_COUNT: break;
	}
	const bool is_state = false;
	REQUIRE(is_state);
	return NULL;
}

enum err referral_move_check(const struct referral_move *move, struct record_error *ret_error)
{
	if (!referral_may_move(move->from, move->to)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "state",
				  referral_next_words(move->from));
	}
	if (move->to == REFERRAL_CONSENTED && !move->has_consent_date) {
		return field_fail(ret_error, ERR_BAD_VALUE, "consent_on",
				  "the day on which the patient agreed");
	}
	const bool early = move->to == REFERRAL_CLOSED && move->from != REFERRAL_TOLD;
	if ((move->to == REFERRAL_DECLINED || early) && move->reason.len == 0) {
		return field_fail(ret_error, ERR_BAD_VALUE, "reason",
				  "why it ends without an answer");
	}
	return ERR_OK;
}

/* ---- timers ---------------------------------------------------------------------------------- */

static struct referral_due referral_due_of(enum referral_timer timer, int64_t from, int64_t days,
					   int64_t today)
{
	return (struct referral_due){ timer, from + days, today - (from + days) };
}

static struct referral_due referral_red_flag_or(const struct referral *r, int64_t today,
						struct referral_due otherwise)
{
	if (!r->red_flag) return otherwise;
	return referral_due_of(REFERRAL_TIMER_RED_FLAG, r->noticed_on, 0, today);
}

struct referral_due referral_due_at(const struct referral *referral, int64_t today)
{
	const struct referral *r = referral;
	const struct referral_due none = { .timer = REFERRAL_TIMER_NONE };
	switch (r->state) {
	case REFERRAL_NOTICED:
	case REFERRAL_DISCUSSED: return referral_red_flag_or(r, today, none);
	case REFERRAL_CONSENTED:
		return referral_red_flag_or(r, today,
					    referral_due_of(REFERRAL_TIMER_DRAFT, r->entered_on,
							    REFERRAL_DRAFT_DAYS, today));
	case REFERRAL_DRAFTED:
		return referral_red_flag_or(r, today,
					    referral_due_of(REFERRAL_TIMER_SEND, r->entered_on,
							    REFERRAL_DRAFT_DAYS, today));
	case REFERRAL_SENT:
		return referral_due_of(REFERRAL_TIMER_ACKNOWLEDGE, r->sent_on,
				       REFERRAL_ACKNOWLEDGE_DAYS, today);
	case REFERRAL_ACKNOWLEDGED:
		return referral_due_of(REFERRAL_TIMER_REPLY, r->sent_on, REFERRAL_REPLY_DAYS,
				       today);
	case REFERRAL_REPLIED:
	case REFERRAL_TOLD:
	case REFERRAL_CLOSED:
	case REFERRAL_DECLINED:
	case REFERRAL_STATE_COUNT: break;
	}
	return none;
}

bool referral_is_overdue(const struct referral *referral, int64_t today)
{
	const struct referral_due due = referral_due_at(referral, today);
	return due.timer != REFERRAL_TIMER_NONE && due.days_late > 0;
}

static const char *const referral_timer_words[] = {
	[REFERRAL_TIMER_RED_FLAG] = "a red flag is to be sent on the day it is noticed",
	[REFERRAL_TIMER_DRAFT] = "the letter is not drafted",
	[REFERRAL_TIMER_SEND] = "the draft is not sent",
	[REFERRAL_TIMER_ACKNOWLEDGE] = "nobody has acknowledged the letter",
	[REFERRAL_TIMER_REPLY] = "no reply has come",
};

enum err referral_due_print(const struct referral_due *due, struct buf *out)
{
	if (due->timer == REFERRAL_TIMER_NONE) return ERR_OK;
	const char *words = referral_timer_words[due->timer];
	const long long days = due->days_late < 0 ? -due->days_late : due->days_late;
	const char *unit = days == 1 ? "day" : "days";
	if (days == 0) return buf_append_fmt(out, "%s: due today", words);
	if (due->days_late > 0)
		return buf_append_fmt(out, "%s: %lld %s overdue", words, days, unit);
	return buf_append_fmt(out, "%s: due in %lld %s", words, days, unit);
}
