#include "record/watch.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LAST 10000 /* the day of the last visit */
#define VISIT(on)                                                                                  \
	{                                                                                          \
		.day = (on), .what = WATCH_VISIT                                                   \
	}

/* Seven visits, every 16 days: the rhythm has a whole quarter. */
static const struct watch_event steady[] = {
	VISIT(LAST - 96), VISIT(LAST - 80), VISIT(LAST - 64), VISIT(LAST - 48),
	VISIT(LAST - 32), VISIT(LAST - 16), VISIT(LAST),
};

static struct watch_result judge(const struct watch_patient *p, int32_t after)
{
	struct watch_result r;
	watch_judge(p, LAST + after, &r);
	return r;
}

static struct watch_result judge_events(const struct watch_event *events, size_t count,
					int32_t after)
{
	const struct watch_patient p = { .events = events, .event_count = count };
	return judge(&p, after);
}

static const struct watch_reason *find(const struct watch_result *r, enum watch_code code)
{
	for (size_t i = 0; i < r->reason_count; i++) {
		if (r->reasons[i].code == code) return &r->reasons[i];
	}
	return NULL;
}

static void test_watch_410_steps_at_the_exact_ratio(void **state)
{
	(void)state;
	const struct {
		int32_t days;
		enum watch_step step;
		uint32_t milli;
	} rows[] = {
		{ -5, WATCH_WARM, 0 }, /* a clock that was set back */
		{ 0, WATCH_WARM, 0 },        { 19, WATCH_WARM, 1187 },
		{ 20, WATCH_COOLING, 1250 },                           /* exactly 1.25 */
		{ 31, WATCH_COOLING, 1937 }, { 32, WATCH_COLD, 2000 }, /* exactly 2 */
		{ 48, WATCH_COLD, 3000 },                              /* exactly 3 */
		{ 49, WATCH_LAPSED, 3062 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct watch_result r = judge_events(steady, COUNT_OF(steady), rows[i].days);
		assert_int_equal(r.base, rows[i].step);
		assert_int_equal(r.step, rows[i].step);
		assert_true(r.has_ratio);
		assert_int_equal(r.ratio_milli, rows[i].milli);
	}
	/* A hair above 3: the rounded number says 3000, the step knows better. */
	const struct watch_patient plan = { .events = steady,
					    .event_count = COUNT_OF(steady),
					    .planned_days = 59 };
	assert_int_equal(judge(&plan, 177).step, WATCH_COLD);
	assert_int_equal(judge(&plan, 178).step, WATCH_LAPSED);
}

static void test_watch_410_lapsed_above_180_days(void **state)
{
	(void)state;
	struct watch_patient p = { .events = steady,
				   .event_count = COUNT_OF(steady),
				   .planned_days = 365 };
	assert_int_equal(judge(&p, 180).step, WATCH_WARM);
	const struct watch_result r = judge(&p, 181);
	assert_int_equal(r.step, WATCH_LAPSED);
	assert_int_equal(find(&r, WATCH_CODE_LONG_AGO)->a, 181);
	p.booked = true;
	assert_int_equal(judge(&p, 181).step, WATCH_WARM);
	/* without a rhythm, too */
	const struct watch_event two[] = { VISIT(LAST - 7), VISIT(LAST) };
	assert_int_equal(judge_events(two, 2, 180).step, WATCH_WARM);
	assert_int_equal(judge_events(two, 2, 181).step, WATCH_LAPSED);
}

static void test_watch_410_rhythm_is_the_plan_else_the_median_of_6_gaps(void **state)
{
	(void)state;
	const struct {
		int32_t gaps[9]; /* newest first, 0 ends */
		uint32_t plan;
		int32_t half_days; /* 0: not known */
		int32_t used;
	} rows[] = {
		{ { 10 }, 0, 0, 0 },
		{ { 10, 11 }, 0, 21, 2 },
		{ { 10, 30, 11 }, 0, 22, 3 },
		{ { 7, 7, 7, 7, 7, 90 }, 0, 14, 6 },
		{ { 9, 1, 8, 2, 7, 3 }, 0, 10, 6 },
		{ { 9, 1, 8, 2, 7, 3, 90, 90 }, 0, 10, 6 }, /* the 7th gap is not looked at */
		{ { 10, 30, 11 }, 14, 28, 0 },
		{ { 0 }, 14, 28, 0 },
		{ { 10, 30, 11 }, WATCH_PLAN_DAYS_MAX, 2 * WATCH_PLAN_DAYS_MAX, 0 },
		{ { 10, 30, 11 }, WATCH_PLAN_DAYS_MAX + 1, 22, 3 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct watch_event events[10] = { 0 };
		size_t gaps = 0;
		while (gaps < 9 && rows[i].gaps[gaps] != 0) gaps++;
		int32_t day = LAST;
		for (size_t v = 0; v <= gaps; v++) {
			events[gaps - v] = (struct watch_event)VISIT(day);
			day -= v < gaps ? rows[i].gaps[v] : 0;
		}
		const struct watch_patient p = { .events = events,
						 .event_count = gaps + 1,
						 .planned_days = rows[i].plan };
		const struct watch_result r = judge(&p, 1);
		assert_int_equal(r.has_ratio, rows[i].half_days != 0);
		const struct watch_reason *plan = find(&r, WATCH_CODE_PLAN);
		const struct watch_reason *rhythm = find(&r, WATCH_CODE_RHYTHM);
		if (rows[i].half_days == 0) {
			assert_null(plan);
			assert_null(rhythm);
			assert_non_null(find(&r, WATCH_CODE_RHYTHM_UNKNOWN));
		} else if (rows[i].used == 0) {
			assert_int_equal(plan->a * 2, rows[i].half_days);
			assert_null(rhythm);
		} else {
			assert_int_equal(rhythm->a, rows[i].half_days);
			assert_int_equal(rhythm->b, rows[i].used);
		}
	}
}

static void test_two_visits_on_one_day_are_one(void **state)
{
	(void)state;
	const struct watch_event twice[] = { VISIT(LAST - 10), VISIT(LAST - 10), VISIT(LAST) };
	assert_false(judge_events(twice, COUNT_OF(twice), 100).has_ratio);
	const struct watch_event thrice[] = { VISIT(LAST - 20), VISIT(LAST - 10), VISIT(LAST - 10),
					      VISIT(LAST) };
	const struct watch_result r = judge_events(thrice, COUNT_OF(thrice), 20);
	assert_int_equal(r.ratio_milli, 2000);
}

static void test_watch_410_new_patients_have_21_days(void **state)
{
	(void)state;
	const struct watch_event one[] = { VISIT(LAST) };
	struct watch_patient p = { .events = one, .event_count = 1 };
	assert_int_equal(judge(&p, 21).step, WATCH_WARM);
	const struct watch_result r = judge(&p, 22);
	assert_int_equal(r.step, WATCH_COOLING);
	assert_int_equal(find(&r, WATCH_CODE_NEW)->a, 22);
	p.booked = true;
	assert_int_equal(judge(&p, 100).step, WATCH_WARM);
	p.booked = false;
	p.planned_days = 28; /* she was told to come in four weeks */
	assert_int_equal(judge(&p, 28).step, WATCH_WARM);
	assert_int_equal(judge(&p, 29).step, WATCH_COOLING);
	p.planned_days = 7; /* the plan is stricter */
	assert_int_equal(judge(&p, 9).step, WATCH_COOLING);
	assert_int_equal(judge(&p, 22).step, WATCH_LAPSED);
	/* a tail of a longer history is not new */
	p.planned_days = 0;
	p.visits_before = 1;
	assert_int_equal(judge(&p, 22).step, WATCH_WARM);
	p.event_count = 0;
	p.visits_before = 0;
	const struct watch_result none = judge(&p, 500);
	assert_int_equal(none.step, WATCH_WARM);
	assert_non_null(find(&none, WATCH_CODE_NO_VISIT));
}

/* Four visits and, as fifth, what the row says; nothing else is wrong with them. */
struct signal_row {
	struct watch_event third;
	struct watch_event fourth;
	struct watch_event fifth;
	bool booked;
	bool quiet;
	enum watch_code code; /* WATCH_CODE_COUNT: no signal */
};
#define AT(n, ...)                                                                                 \
	{                                                                                          \
		.day = LAST - 16 * (5 - (n)), .what = WATCH_VISIT, __VA_ARGS__                     \
	}
#define NOT(n, how, ...)                                                                           \
	{                                                                                          \
		.day = LAST - 16 * (5 - (n)), .what = (how), __VA_ARGS__                           \
	}

static const struct signal_row signal_rows[] = {
	{ AT(3), AT(4), AT(5), false, false, WATCH_CODE_COUNT },
	{ AT(3), AT(4), AT(5), false, true, WATCH_CODE_GONE_QUIET },

	{ AT(3), AT(4), NOT(5, WATCH_CANCEL), false, false, WATCH_CODE_CANCELLED },
	{ AT(3), AT(4), NOT(5, WATCH_LATE_CANCEL), false, false, WATCH_CODE_CANCELLED },
	{ AT(3), AT(4), NOT(5, WATCH_CANCEL, .rebooked = true), false, false, WATCH_CODE_COUNT },
	{ AT(3), AT(4), NOT(5, WATCH_CANCEL), true, false, WATCH_CODE_COUNT },
	{ AT(3), NOT(4, WATCH_CANCEL), AT(5), false, false, WATCH_CODE_COUNT },

	{ NOT(3, WATCH_LATE_CANCEL), NOT(4, WATCH_NO_SHOW), AT(5), false, false,
	  WATCH_CODE_LATE_CANCELS },
	{ NOT(3, WATCH_LATE_CANCEL), AT(4), NOT(5, WATCH_LATE_CANCEL), true, false,
	  WATCH_CODE_LATE_CANCELS },
	{ NOT(3, WATCH_LATE_CANCEL), NOT(4, WATCH_CANCEL), AT(5), false, false, WATCH_CODE_COUNT },

	{ AT(3), AT(4, .arrival = 3, .departure = 2), AT(5, .arrival = 4, .departure = 3), false,
	  false, WATCH_CODE_MOOD },
	{ AT(3), AT(4, .arrival = 3, .departure = 3), AT(5, .arrival = 4, .departure = 3), false,
	  false, WATCH_CODE_COUNT },
	{ AT(3, .arrival = 3, .departure = 2), AT(4, .arrival = 3), /* not read at the door */
	  AT(5, .arrival = 4, .departure = 3), false, false, WATCH_CODE_MOOD },
	{ AT(3), AT(4, .arrival = 3), AT(5, .arrival = 4), false, false, WATCH_CODE_COUNT },

	{ AT(3, .proof = WATCH_PROOF_WITHIN_ERROR), AT(4, .proof = WATCH_PROOF_WORSE),
	  AT(5, .proof = WATCH_PROOF_WITHIN_ERROR), false, false, WATCH_CODE_NO_GAIN },
	{ AT(3, .proof = WATCH_PROOF_BETTER), AT(4, .proof = WATCH_PROOF_WORSE),
	  AT(5, .proof = WATCH_PROOF_WITHIN_ERROR), false, false, WATCH_CODE_COUNT },
	{ AT(3), AT(4, .proof = WATCH_PROOF_WORSE), AT(5, .proof = WATCH_PROOF_WORSE), false, false,
	  WATCH_CODE_COUNT },

	{ AT(3), AT(4, .homecare = WATCH_HOMECARE_NONE), AT(5, .homecare = WATCH_HOMECARE_NONE),
	  false, false, WATCH_CODE_HOMECARE },
	{ AT(3), AT(4, .homecare = WATCH_HOMECARE_SOME), AT(5, .homecare = WATCH_HOMECARE_NONE),
	  false, false, WATCH_CODE_COUNT },

	{ AT(3), AT(4), AT(5, .comfort = WATCH_COMFORT_HARDER), false, false, WATCH_CODE_COMFORT },
	{ AT(3), AT(4, .comfort = WATCH_COMFORT_HARDER), AT(5), false, false, WATCH_CODE_COMFORT },
	{ AT(3), AT(4, .comfort = WATCH_COMFORT_HARDER), AT(5, .comfort = WATCH_COMFORT_SAME),
	  false, false, WATCH_CODE_COUNT },

	{ AT(3), AT(4, .adverse = true), AT(5), false, false, WATCH_CODE_ADVERSE },
	{ AT(3), AT(4, .adverse = true, .followed_up = true), AT(5), false, false,
	  WATCH_CODE_COUNT },

	{ AT(3), AT(4, .therapist = 1), AT(5, .therapist = 2), false, false, WATCH_CODE_THERAPIST },
	{ AT(3), AT(4, .therapist = 1), AT(5, .therapist = 2, .change_known = true), false, false,
	  WATCH_CODE_COUNT },
	{ AT(3, .therapist = 1), AT(4, .therapist = 2), AT(5, .therapist = 2), false, false,
	  WATCH_CODE_COUNT },
	{ AT(3), AT(4), AT(5, .therapist = 2), false, false, WATCH_CODE_COUNT },
};

static void test_watch_410_each_quiet_signal_is_one_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(signal_rows); i++) {
		const struct signal_row *row = &signal_rows[i];
		const struct watch_event events[] = { AT(1), AT(2), row->third, row->fourth,
						      row->fifth };
		const struct watch_patient p = { .events = events,
						 .event_count = COUNT_OF(events),
						 .booked = row->booked,
						 .gone_quiet = row->quiet,
						 .planned_days = 28 };
		for (size_t e = 0; e < COUNT_OF(events); e++) {
			assert_true(watch_event_is_valid(&events[e]));
		}
		const struct watch_result r = judge(&p, 1);
		assert_int_equal(r.base, WATCH_WARM);
		size_t signals = 0;
		for (size_t k = 0; k < r.reason_count; k++) {
			if (r.reasons[k].code < WATCH_CODE_FIRST_SIGNAL) continue;
			assert_int_equal(r.reasons[k].code, row->code);
			signals++;
		}
		assert_int_equal(signals, row->code == WATCH_CODE_COUNT ? 0 : 1);
		assert_int_equal(r.step,
				 row->code == WATCH_CODE_COUNT ? WATCH_WARM : WATCH_COOLING);
	}
}

static void test_two_visits_are_enough_to_change_therapist(void **state)
{
	(void)state;
	const struct watch_event two[] = { AT(4, .therapist = 1), AT(5, .therapist = 2) };
	const struct watch_result r = judge_events(two, COUNT_OF(two), 1);
	assert_non_null(find(&r, WATCH_CODE_THERAPIST));
}

static void test_a_cancelled_visit_may_lie_ahead(void **state)
{
	(void)state;
	const struct watch_event events[] = { AT(4), NOT(5, WATCH_CANCEL) };
	struct watch_result r = judge_events(events, COUNT_OF(events), -3);
	assert_int_equal(find(&r, WATCH_CODE_CANCELLED)->a, -3);
	r = judge_events(events, COUNT_OF(events), 2);
	assert_int_equal(find(&r, WATCH_CODE_CANCELLED)->a, 2);
}

static void test_many_cancels_do_not_make_a_patient_new(void **state)
{
	(void)state;
	struct watch_event events[WATCH_EVENTS_USED + 1] = { 0 };
	for (int i = 0; i <= WATCH_EVENTS_USED; i++) {
		events[i] = (struct watch_event){ .day = LAST - WATCH_EVENTS_USED + i,
						  .what = WATCH_CANCEL };
	}
	events[0].what = WATCH_VISIT;
	events[WATCH_EVENTS_USED].what = WATCH_VISIT;
	assert_int_equal(judge_events(events, COUNT_OF(events), 22).step, WATCH_WARM);
}

static void test_signals_add_up_and_stop_at_lapsed(void **state)
{
	(void)state;
	const struct watch_event events[] = {
		AT(1, .proof = WATCH_PROOF_WORSE, .arrival = 5, .departure = 1, .therapist = 1,
		   .homecare = WATCH_HOMECARE_NONE),
		AT(2, .proof = WATCH_PROOF_WORSE, .arrival = 5, .departure = 1, .therapist = 1,
		   .homecare = WATCH_HOMECARE_NONE),
		AT(3, .proof = WATCH_PROOF_WORSE, .arrival = 5, .departure = 1, .therapist = 2,
		   .homecare = WATCH_HOMECARE_NONE, .comfort = WATCH_COMFORT_HARDER,
		   .adverse = true),
		NOT(4, WATCH_LATE_CANCEL),
		NOT(5, WATCH_NO_SHOW),
	};
	const struct watch_patient p = { .events = events,
					 .event_count = COUNT_OF(events),
					 .gone_quiet = true };
	const struct watch_result r = judge(&p, 300);
	assert_int_equal(r.step, WATCH_LAPSED);
	for (int code = WATCH_CODE_FIRST_SIGNAL; code < WATCH_CODE_COUNT; code++) {
		assert_non_null(find(&r, (enum watch_code)code));
	}
	assert_true(r.reason_count <= WATCH_REASONS_MAX);
}

static void test_watch_410_one_touch_in_60_days(void **state)
{
	(void)state;
	struct watch_patient p = { .events = steady, .event_count = COUNT_OF(steady) };
	assert_true(judge(&p, 0).may_touch);
	p.touched = true;
	p.touched_day = LAST;
	assert_false(judge(&p, -1).may_touch);
	assert_false(judge(&p, 0).may_touch);
	assert_false(judge(&p, 59).may_touch);
	assert_true(judge(&p, 60).may_touch);
}

static void test_watch_410_leave_in_peace_is_silence_for_good(void **state)
{
	(void)state;
	const struct watch_patient p = { .events = steady,
					 .event_count = COUNT_OF(steady),
					 .in_peace = true,
					 .gone_quiet = true };
	for (int32_t after = 0; after < 4000; after += 100) {
		const struct watch_result r = judge(&p, after);
		assert_true(r.silent);
		assert_false(r.may_touch);
		assert_int_equal(r.step, WATCH_WARM);
		assert_int_equal(r.reason_count, 1);
		assert_int_equal(r.reasons[0].code, WATCH_CODE_IN_PEACE);
	}
}

static void test_the_tail_of_a_history_says_the_same(void **state)
{
	(void)state;
	struct watch_event events[600] = { 0 };
	for (int i = 0; i < 600; i++) {
		events[i] = (struct watch_event){
			.day = LAST - (600 - i) * 6 - i % 3,
			.what = i % 5 == 0 ? WATCH_CANCEL : WATCH_VISIT,
			.proof = (uint8_t)(i % 4),
			.homecare = (uint8_t)(i % 3 + 1),
		};
	}
	for (size_t count = 40; count <= 600; count += 7) {
		const struct watch_patient whole = { .events = events, .event_count = count };
		const struct watch_patient tail = {
			.events = events + count - WATCH_EVENTS_USED,
			.event_count = WATCH_EVENTS_USED,
			.visits_before = (uint32_t)(count - WATCH_EVENTS_USED),
		};
		const struct watch_result a = judge(&whole, 0);
		const struct watch_result b = judge(&tail, 0);
		assert_int_equal(a.step, b.step);
		assert_int_equal(a.ratio_milli, b.ratio_milli);
		assert_int_equal(a.reason_count, b.reason_count);
		for (size_t i = 0; i < a.reason_count; i++) {
			assert_int_equal(a.reasons[i].code, b.reasons[i].code);
			assert_int_equal(a.reasons[i].a, b.reasons[i].a);
		}
	}
}

static void test_every_reason_has_words(void **state)
{
	(void)state;
	const struct {
		struct watch_reason reason;
		const char *words;
	} rows[] = {
		{ { WATCH_CODE_LAST_VISIT, 0, 0 }, "the last visit was today" },
		{ { WATCH_CODE_LAST_VISIT, 1, 0 }, "the last visit was 1 day ago" },
		{ { WATCH_CODE_LAST_VISIT, 47, 0 }, "the last visit was 47 days ago" },
		{ { WATCH_CODE_PLAN, 14, 0 }, "the plan says every 14 days" },
		{ { WATCH_CODE_RHYTHM, 28, 6 },
		  "usually comes every 14 days (middle of the last 6 gaps)" },
		{ { WATCH_CODE_RHYTHM, 29, 2 },
		  "usually comes every 14 and a half days (middle of the last 2 gaps)" },
		{ { WATCH_CODE_RHYTHM_UNKNOWN, 1, 0 }, "no rhythm is known yet (1 visit)" },
		{ { WATCH_CODE_RATIO, 1999, 0 }, "that is 1.99 times the rhythm" },
		{ { WATCH_CODE_RATIO, 2005, 0 }, "that is 2.00 times the rhythm" },
		{ { WATCH_CODE_LONG_AGO, 200, 180 }, "more than 180 days without a visit" },
		{ { WATCH_CODE_NEW, 30, 21 }, "new here, and no second visit within 21 days" },
		{ { WATCH_CODE_LATE_CANCELS, 2, 3 },
		  "cancelled late or did not come 2 times in the last 3" },
		{ { WATCH_CODE_ADVERSE, 9, 0 },
		  "an adverse reaction 9 days ago was not followed up" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_finip) struct buf b = { 0 };
		assert_int_equal(watch_reason_print(&rows[i].reason, &b), ERR_OK);
		const char *text;
		assert_int_equal(buf_cstr(&b, &text), ERR_OK);
		assert_string_equal(text, rows[i].words);
	}
	for (int code = 0; code < WATCH_CODE_COUNT; code++) {
		CLEANUP(buf_finip) struct buf b = { 0 };
		const struct watch_reason reason = { (enum watch_code)code, 2, 3 };
		assert_int_equal(watch_reason_print(&reason, &b), ERR_OK);
		assert_true(b.len > 0);
		assert_non_null(watch_code_name(reason.code));
	}
	assert_string_equal(watch_step_name(WATCH_WARM), "warm");
	assert_string_equal(watch_step_name(WATCH_LAPSED), "lapsed");
}

static void test_events_from_elsewhere_are_checked(void **state)
{
	(void)state;
	const struct watch_event bad[] = {
		{ .what = 0 },
		{ .what = WATCH_NO_SHOW + 1 },
		{ .what = WATCH_VISIT, .arrival = 6 },
		{ .what = WATCH_VISIT, .departure = 6 },
		{ .what = WATCH_VISIT, .proof = WATCH_PROOF_WORSE + 1 },
		{ .what = WATCH_VISIT, .homecare = WATCH_HOMECARE_WORSE + 1 },
		{ .what = WATCH_VISIT, .comfort = WATCH_COMFORT_HARDER + 1 },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(watch_event_is_valid(&bad[i]));
	const struct watch_event most = { .what = WATCH_NO_SHOW,
					  .arrival = 5,
					  .departure = 5,
					  .proof = WATCH_PROOF_WORSE,
					  .homecare = WATCH_HOMECARE_WORSE,
					  .comfort = WATCH_COMFORT_HARDER };
	assert_true(watch_event_is_valid(&most));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch_410_steps_at_the_exact_ratio),
		cmocka_unit_test(test_watch_410_lapsed_above_180_days),
		cmocka_unit_test(test_watch_410_rhythm_is_the_plan_else_the_median_of_6_gaps),
		cmocka_unit_test(test_two_visits_on_one_day_are_one),
		cmocka_unit_test(test_watch_410_new_patients_have_21_days),
		cmocka_unit_test(test_watch_410_each_quiet_signal_is_one_step),
		cmocka_unit_test(test_two_visits_are_enough_to_change_therapist),
		cmocka_unit_test(test_a_cancelled_visit_may_lie_ahead),
		cmocka_unit_test(test_many_cancels_do_not_make_a_patient_new),
		cmocka_unit_test(test_signals_add_up_and_stop_at_lapsed),
		cmocka_unit_test(test_watch_410_one_touch_in_60_days),
		cmocka_unit_test(test_watch_410_leave_in_peace_is_silence_for_good),
		cmocka_unit_test(test_the_tail_of_a_history_says_the_same),
		cmocka_unit_test(test_every_reason_has_words),
		cmocka_unit_test(test_events_from_elsewhere_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
