/* What the relationship watch found, in words; the decisions are watch.c's. */
#include "base/check.h"
#include "record/watch.h"

static const char *const watch_steps[] = {
	[WATCH_WARM] = "warm",
	[WATCH_COOLING] = "cooling",
	[WATCH_COLD] = "cold",
	[WATCH_LAPSED] = "lapsed",
};

/* `words` without a number; those with numbers are printed by watch_reason_print. */
static const struct watch_code_row {
	const char *name;
	const char *words;
} watch_codes[WATCH_CODE_COUNT] = {
	[WATCH_CODE_IN_PEACE] = { "in_peace", "wishes to be left in peace" },
	[WATCH_CODE_NO_VISIT] = { "no_visit", "has not been here yet" },
	[WATCH_CODE_LAST_VISIT] = { "last_visit", NULL },
	[WATCH_CODE_BOOKED] = { "booked", "a visit is booked" },
	[WATCH_CODE_PLAN] = { "plan", NULL },
	[WATCH_CODE_RHYTHM] = { "rhythm", NULL },
	[WATCH_CODE_RHYTHM_UNKNOWN] = { "rhythm_unknown", NULL },
	[WATCH_CODE_RATIO] = { "ratio", NULL },
	[WATCH_CODE_LONG_AGO] = { "long_ago", NULL },
	[WATCH_CODE_NEW] = { "new", NULL },
	[WATCH_CODE_CANCELLED] = { "cancelled", "cancelled the last booking and made no other" },
	[WATCH_CODE_LATE_CANCELS] = { "late_cancels", NULL },
	[WATCH_CODE_MOOD] = { "mood", "left in lower spirits than on arrival, twice running" },
	[WATCH_CODE_NO_GAIN] = { "no_gain", NULL },
	[WATCH_CODE_HOMECARE] = { "homecare", "did none of the homecare, twice running" },
	[WATCH_CODE_GONE_QUIET] = { "gone_quiet", "used to reply and no longer does" },
	[WATCH_CODE_COMFORT] = { "comfort", "felt less at ease after the last visit" },
	[WATCH_CODE_ADVERSE] = { "adverse", NULL },
	[WATCH_CODE_THERAPIST] = { "therapist", "saw another therapist, and nobody knows why" },
};

const char *watch_step_name(enum watch_step step)
{
	REQUIRE((size_t)step < COUNT_OF(watch_steps));
	return watch_steps[step];
}

const char *watch_code_name(enum watch_code code)
{
	REQUIRE((size_t)code < COUNT_OF(watch_codes));
	return watch_codes[code].name;
}

static enum err watch_print_days(const char *before, int32_t days, const char *after,
				 struct buf *out)
{
	return buf_append_fmt(out, "%s%d %s%s", before, days, days == 1 ? "day" : "days", after);
}

static enum err watch_print_last(int32_t days, struct buf *out)
{
	if (days == 0) return buf_append_str(out, "the last visit was today");
	return watch_print_days("the last visit was ", days, " ago", out);
}

static enum err watch_print_rhythm(int32_t half_days, int32_t gaps, struct buf *out)
{
	TRY(buf_append_fmt(out, "usually comes every %d", half_days / 2));
	if (half_days % 2 != 0) TRY(buf_append_str(out, " and a half"));
	return buf_append_fmt(out, " days (middle of the last %d gaps)", gaps);
}

/* Two decimals, rounded down, so that it never reads as more than it is. */
static enum err watch_print_ratio(int32_t milli, struct buf *out)
{
	return buf_append_fmt(out, "that is %d.%02d times the rhythm", milli / 1000,
			      milli % 1000 / 10);
}

enum err watch_reason_print(const struct watch_reason *reason, struct buf *out)
{
	const int32_t a = reason->a;
	const int32_t b = reason->b;
	switch (reason->code) {
	case WATCH_CODE_LAST_VISIT: return watch_print_last(a, out);
	case WATCH_CODE_PLAN: return watch_print_days("the plan says every ", a, "", out);
	case WATCH_CODE_RHYTHM: return watch_print_rhythm(a, b, out);
	case WATCH_CODE_RHYTHM_UNKNOWN:
		return buf_append_fmt(out, "no rhythm is known yet (%d %s)", a,
				      a == 1 ? "visit" : "visits");
	case WATCH_CODE_RATIO: return watch_print_ratio(a, out);
	case WATCH_CODE_LONG_AGO: return watch_print_days("more than ", b, " without a visit", out);
	case WATCH_CODE_NEW:
		return watch_print_days("new here, and no second visit within ", b, "", out);
	case WATCH_CODE_LATE_CANCELS:
		return buf_append_fmt(out, "cancelled late or did not come %d times in the last %d",
				      a, b);
	case WATCH_CODE_NO_GAIN:
		return buf_append_fmt(out,
				      "no gain beyond measuring error at the last %d measured "
				      "visits",
				      a);
	case WATCH_CODE_ADVERSE:
		return watch_print_days("an adverse reaction ", a, " ago was not followed up", out);
	case WATCH_CODE_IN_PEACE:
	case WATCH_CODE_NO_VISIT:
	case WATCH_CODE_BOOKED:
	case WATCH_CODE_CANCELLED:
	case WATCH_CODE_MOOD:
	case WATCH_CODE_HOMECARE:
	case WATCH_CODE_GONE_QUIET:
	case WATCH_CODE_COMFORT:
	case WATCH_CODE_THERAPIST: return buf_append_str(out, watch_codes[reason->code].words);
	case WATCH_CODE_COUNT: break;
	}
	INSIST(false);
	return ERR_BUG;
}
