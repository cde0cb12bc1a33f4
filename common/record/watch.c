#include "record/watch.h"

#include "base/check.h"

#define WATCH_LATE_OF 3      /* the last bookings looked at ... */
#define WATCH_LATE_MIN 2     /* ... and how many late ones are a signal */
#define WATCH_MOOD_VISITS 2  /* lower at departure twice running */
#define WATCH_HOME_VISITS 2  /* asked visits with "none" */
#define WATCH_VISITS_USED 7u /* for what is said once: adverse events */

/* What the events come down to: the tail, newest first. */
struct watch_tail {
	const struct watch_event *visits[WATCH_EVENTS_USED];
	size_t visit_count;
	const struct watch_event *bookings[WATCH_LATE_OF];
	size_t booking_count;
	uint32_t visits_in_all;
};

static void watch_add(struct watch_result *r, enum watch_code code, int32_t a, int32_t b)
{
	INSIST(r->reason_count < WATCH_REASONS_MAX);
	r->reasons[r->reason_count++] = (struct watch_reason){ code, a, b };
}

static int32_t watch_days_since(int32_t today, int32_t day)
{
	return day > today ? 0 : today - day;
}

static void watch_tail_fill(const struct watch_patient *p, struct watch_tail *t)
{
	size_t used = 0;
	t->visits_in_all = p->visits_before;
	for (size_t i = p->event_count; i > 0 && used < WATCH_EVENTS_USED; i--, used++) {
		const struct watch_event *e = &p->events[i - 1];
		if (t->booking_count < WATCH_LATE_OF) t->bookings[t->booking_count++] = e;
		if (e->what == WATCH_VISIT) t->visits[t->visit_count++] = e;
	}
	/* Older than the tail: enough to know that the patient is not new. */
	const size_t older = p->event_count - used;
	t->visits_in_all += (uint32_t)(t->visit_count + older);
}

/* ---- rhythm ---------------------------------------------------------------------------------- */

/* Gaps between the last visits on different days; sorted. */
static size_t watch_gaps(const struct watch_tail *t, int32_t ret_gaps[WATCH_GAPS])
{
	size_t count = 0;
	for (size_t i = 0; i + 1 < t->visit_count && count < WATCH_GAPS; i++) {
		const int32_t gap = t->visits[i]->day - t->visits[i + 1]->day;
		if (gap <= 0) continue;
		size_t at = count++;
		for (; at > 0 && ret_gaps[at - 1] > gap; at--) ret_gaps[at] = ret_gaps[at - 1];
		ret_gaps[at] = gap;
	}
	return count;
}

/* In half days, because the median of an even number lies between two days; 0 = not known. */
static int32_t watch_rhythm(const struct watch_patient *p, const struct watch_tail *t,
			    struct watch_result *r)
{
	if (p->planned_days > 0 && p->planned_days <= WATCH_PLAN_DAYS_MAX) {
		watch_add(r, WATCH_CODE_PLAN, (int32_t)p->planned_days, 0);
		return (int32_t)p->planned_days * 2;
	}
	int32_t gaps[WATCH_GAPS];
	const size_t count = watch_gaps(t, gaps);
	if (count < 2) {
		watch_add(r, WATCH_CODE_RHYTHM_UNKNOWN, (int32_t)t->visits_in_all, 0);
		return 0;
	}
	const int32_t half_days = gaps[(count - 1) / 2] + gaps[count / 2];
	watch_add(r, WATCH_CODE_RHYTHM, half_days, (int32_t)count);
	return half_days;
}

static enum watch_step watch_by_ratio(int64_t days, int64_t half_days)
{
	const int64_t scaled = days * 2 * 1000;
	if (scaled > WATCH_LAPSED_MILLI * half_days) return WATCH_LAPSED;
	if (scaled >= WATCH_COLD_MILLI * half_days) return WATCH_COLD;
	if (scaled >= WATCH_COOLING_MILLI * half_days) return WATCH_COOLING;
	return WATCH_WARM;
}

static enum watch_step watch_base(const struct watch_patient *p, const struct watch_tail *t,
				  int32_t today, struct watch_result *r)
{
	if (t->visit_count == 0) {
		watch_add(r, WATCH_CODE_NO_VISIT, 0, 0);
		return WATCH_WARM;
	}
	const int32_t days = watch_days_since(today, t->visits[0]->day);
	watch_add(r, WATCH_CODE_LAST_VISIT, days, 0);
	if (p->booked) {
		watch_add(r, WATCH_CODE_BOOKED, 0, 0);
		return WATCH_WARM;
	}
	enum watch_step step = WATCH_WARM;
	const int32_t half_days = watch_rhythm(p, t, r);
	if (half_days > 0) {
		r->has_ratio = true;
		r->ratio_milli = (uint32_t)((int64_t)days * 2 * 1000 / half_days);
		watch_add(r, WATCH_CODE_RATIO, (int32_t)r->ratio_milli, 0);
		step = watch_by_ratio(days, half_days);
	}
	if (t->visits_in_all == 1 && days > WATCH_NEW_DAYS && days * 2 > half_days) {
		watch_add(r, WATCH_CODE_NEW, days, WATCH_NEW_DAYS);
		if (step < WATCH_COOLING) step = WATCH_COOLING;
	}
	if (days > WATCH_LAPSED_DAYS) {
		watch_add(r, WATCH_CODE_LONG_AGO, days, WATCH_LAPSED_DAYS);
		step = WATCH_LAPSED;
	}
	return step;
}

/* ---- quiet signals --------------------------------------------------------------------------- */

static bool watch_is_late(const struct watch_event *e)
{
	return e->what == WATCH_LATE_CANCEL || e->what == WATCH_NO_SHOW;
}

static void watch_on_bookings(const struct watch_patient *p, const struct watch_tail *t,
			      int32_t today, struct watch_result *r)
{
	if (t->booking_count == 0) return;
	const struct watch_event *last = t->bookings[0];
	if (last->what != WATCH_VISIT && !last->rebooked && !p->booked) {
		watch_add(r, WATCH_CODE_CANCELLED, today - last->day, 0);
	}
	int32_t late = 0;
	for (size_t i = 0; i < t->booking_count; i++) late += watch_is_late(t->bookings[i]) ? 1 : 0;
	if (late >= WATCH_LATE_MIN) watch_add(r, WATCH_CODE_LATE_CANCELS, late, WATCH_LATE_OF);
}

static bool watch_mood_was_read(const struct watch_event *v)
{
	return v->arrival != 0 && v->departure != 0;
}

static bool watch_mood_fell(const struct watch_event *v)
{
	return v->departure < v->arrival;
}

static bool watch_was_measured(const struct watch_event *v)
{
	return v->proof != WATCH_PROOF_NONE;
}

static bool watch_had_no_gain(const struct watch_event *v)
{
	return v->proof != WATCH_PROOF_BETTER;
}

static bool watch_homecare_was_asked(const struct watch_event *v)
{
	return v->homecare != WATCH_HOMECARE_NOT_ASKED;
}

static bool watch_did_no_homecare(const struct watch_event *v)
{
	return v->homecare == WATCH_HOMECARE_NONE;
}

/* Do the last `want` visits that were `asked` all say `yes`? Others between do not count. */
static bool watch_last_all(const struct watch_tail *t, int want,
			   bool (*asked)(const struct watch_event *),
			   bool (*yes)(const struct watch_event *))
{
	int seen = 0;
	for (size_t i = 0; i < t->visit_count && seen < want; i++) {
		if (!asked(t->visits[i])) continue;
		if (!yes(t->visits[i])) return false;
		seen++;
	}
	return seen == want;
}

static bool watch_comfort_is_harder(const struct watch_tail *t)
{
	for (size_t i = 0; i < t->visit_count; i++) {
		if (t->visits[i]->comfort == WATCH_COMFORT_NOT_ASKED) continue;
		return t->visits[i]->comfort == WATCH_COMFORT_HARDER;
	}
	return false;
}

static void watch_on_adverse(const struct watch_tail *t, int32_t today, struct watch_result *r)
{
	for (size_t i = 0; i < t->visit_count && i < WATCH_VISITS_USED; i++) {
		const struct watch_event *v = t->visits[i];
		if (!v->adverse || v->followed_up) continue;
		watch_add(r, WATCH_CODE_ADVERSE, watch_days_since(today, v->day), 0);
		return;
	}
}

/* Only at the last visit: who came back to the new one has settled it. */
static bool watch_changed_therapist(const struct watch_tail *t)
{
	if (t->visit_count < 2) return false;
	const struct watch_event *last = t->visits[0];
	const struct watch_event *before = t->visits[1];
	return last->therapist != 0 && before->therapist != 0 &&
	       last->therapist != before->therapist && !last->change_known;
}

static void watch_signals(const struct watch_patient *p, const struct watch_tail *t, int32_t today,
			  struct watch_result *r)
{
	watch_on_bookings(p, t, today, r);
	if (watch_last_all(t, WATCH_MOOD_VISITS, watch_mood_was_read, watch_mood_fell)) {
		watch_add(r, WATCH_CODE_MOOD, WATCH_MOOD_VISITS, 0);
	}
	if (watch_last_all(t, WATCH_GAIN_VISITS, watch_was_measured, watch_had_no_gain)) {
		watch_add(r, WATCH_CODE_NO_GAIN, WATCH_GAIN_VISITS, 0);
	}
	if (watch_last_all(t, WATCH_HOME_VISITS, watch_homecare_was_asked, watch_did_no_homecare)) {
		watch_add(r, WATCH_CODE_HOMECARE, WATCH_HOME_VISITS, 0);
	}
	if (p->gone_quiet) watch_add(r, WATCH_CODE_GONE_QUIET, 0, 0);
	if (watch_comfort_is_harder(t)) watch_add(r, WATCH_CODE_COMFORT, 0, 0);
	watch_on_adverse(t, today, r);
	if (watch_changed_therapist(t)) watch_add(r, WATCH_CODE_THERAPIST, 0, 0);
}

static enum watch_step watch_step_with_signals(const struct watch_result *r)
{
	int step = (int)r->base;
	for (size_t i = 0; i < r->reason_count; i++) {
		if (r->reasons[i].code >= WATCH_CODE_FIRST_SIGNAL) step++;
	}
	return step > (int)WATCH_LAPSED ? WATCH_LAPSED : (enum watch_step)step;
}

void watch_judge(const struct watch_patient *patient, int32_t today,
		 struct watch_result *ret_result)
{
	struct watch_result r = { .base = WATCH_WARM };
	if (patient->in_peace) {
		r.silent = true;
		watch_add(&r, WATCH_CODE_IN_PEACE, 0, 0);
		*ret_result = r;
		return;
	}
	struct watch_tail t;
	t.visit_count = 0;
	t.booking_count = 0;
	watch_tail_fill(patient, &t);
	r.base = watch_base(patient, &t, today, &r);
	watch_signals(patient, &t, today, &r);
	r.step = watch_step_with_signals(&r);
	r.may_touch = !patient->touched ||
		      watch_days_since(today, patient->touched_day) >= WATCH_TOUCH_DAYS;
	*ret_result = r;
}

bool watch_event_is_valid(const struct watch_event *event)
{
	return event->what >= WATCH_VISIT && event->what <= WATCH_NO_SHOW && event->arrival <= 5 &&
	       event->departure <= 5 && event->proof <= WATCH_PROOF_WORSE &&
	       event->homecare <= WATCH_HOMECARE_WORSE && event->comfort <= WATCH_COMFORT_HARDER;
}
