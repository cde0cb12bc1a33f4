/* DOMAIN 4.9 as a record: no state is skipped, each has its day, and the timers read it. */
#include "record/referral_record.h"

#include "record/law.h"
#include "record/record_fold.h"
#include "unit/record/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct record_error error;

/* A referral that is where `state` says, with the days of its way there. */
static Roomkeep__Referral referral_at(Roomkeep__Referral__State state)
{
	Roomkeep__Referral m = ROOMKEEP__REFERRAL__INIT;
	char **days[] = { &m.noticed_on, &m.discussed_on,    &m.consent_on, &m.drafted_on,
			  &m.sent_on,    &m.acknowledged_on, &m.replied_on, &m.told_on };
	static const char *const day[] = { "2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04",
					   "2026-11-05", "2026-11-06", "2026-11-07", "2026-11-08" };
	SAMPLE_SET(&m, referral_id, sample_id(1));
	SAMPLE_SET(&m, patient_id, sample_id(2));
	SAMPLE_SET(&m, state, state);
	m.ask = wire_text("is it the disc?");
	for (size_t i = 0; i < COUNT_OF(day) && i < (size_t)state; i++)
		*days[i] = wire_text(day[i]);
	return m;
}

static enum err move(const Roomkeep__Referral *before, Roomkeep__Referral op)
{
	error = (struct record_error){ ERR_OK, NULL, NULL };
	SAMPLE_SET(&op, referral_id, sample_id(1));
	SAMPLE_SET(&op, patient_id, sample_id(2));
	return record_check_change(kind_find(KIND_REFERRAL), before == NULL ? NULL : &before->base,
				   &op.base, LAW_BIT(LAW_DEFAULT), &error);
}

static Roomkeep__Referral to(Roomkeep__Referral__State state)
{
	Roomkeep__Referral op = ROOMKEEP__REFERRAL__INIT;
	SAMPLE_SET(&op, state, state);
	return op;
}

static void test_a_referral_begins_as_noticed(void **state)
{
	(void)state;
	Roomkeep__Referral first = referral_at(ROOMKEEP__REFERRAL__STATE__NOTICED);
	assert_int_equal(move(NULL, first), ERR_OK);
	first = referral_at(ROOMKEEP__REFERRAL__STATE__SENT);
	assert_int_equal(move(NULL, first), ERR_BAD_VALUE);
	assert_string_equal(error.field, "state");
	assert_string_equal(error.allowed, "after noticed comes discussed or declined");
}

static void test_a_skipped_state_is_refused_with_those_that_may_be(void **state)
{
	(void)state;
	const Roomkeep__Referral r = referral_at(ROOMKEEP__REFERRAL__STATE__DISCUSSED);
	Roomkeep__Referral op = to(ROOMKEEP__REFERRAL__STATE__SENT);
	op.sent_on = wire_text("2026-11-05");
	assert_int_equal(move(&r, op), ERR_BAD_VALUE);
	assert_string_equal(error.allowed, "after discussed comes consented or declined");
	/* Saying the same again, or something else, is no move. */
	assert_int_equal(move(&r, to(ROOMKEEP__REFERRAL__STATE__DISCUSSED)), ERR_OK);
	op = (Roomkeep__Referral)ROOMKEEP__REFERRAL__INIT;
	op.learning_note = wire_text("not sure about this");
	assert_int_equal(move(&r, op), ERR_OK);
}

static void test_a_state_is_entered_with_its_day(void **state)
{
	(void)state;
	const Roomkeep__Referral r = referral_at(ROOMKEEP__REFERRAL__STATE__DISCUSSED);
	Roomkeep__Referral op = to(ROOMKEEP__REFERRAL__STATE__CONSENTED);
	assert_int_equal(move(&r, op), ERR_BAD_VALUE);
	assert_string_equal(error.field, "consent_on");
	op.consent_on = wire_text("2026-11-01"); /* before it was discussed */
	assert_int_equal(move(&r, op), ERR_BAD_VALUE);
	assert_string_equal(error.field, "consent_on");
	op.consent_on = wire_text("2026-11-03");
	assert_int_equal(move(&r, op), ERR_OK);
	const Roomkeep__Referral c = referral_at(ROOMKEEP__REFERRAL__STATE__CONSENTED);
	assert_int_equal(move(&c, to(ROOMKEEP__REFERRAL__STATE__DRAFTED)), ERR_BAD_VALUE);
	assert_string_equal(error.field, "drafted_on");
}

static void test_an_end_without_an_answer_has_a_reason(void **state)
{
	(void)state;
	const Roomkeep__Referral r = referral_at(ROOMKEEP__REFERRAL__STATE__SENT);
	Roomkeep__Referral op = to(ROOMKEEP__REFERRAL__STATE__DECLINED);
	op.closed_on = wire_text("2026-11-20");
	assert_int_equal(move(&r, op), ERR_BAD_VALUE);
	assert_string_equal(error.field, "reason");
	op.reason = wire_text("went elsewhere");
	assert_int_equal(move(&r, op), ERR_OK);
	op.closed_on = NULL;
	assert_int_equal(move(&r, op), ERR_BAD_VALUE);
	assert_string_equal(error.field, "closed_on");
}

static void test_a_change_with_a_bad_field_says_that_first(void **state)
{
	(void)state;
	Roomkeep__Referral op = referral_at(ROOMKEEP__REFERRAL__STATE__NOTICED);
	op.noticed_on = wire_text("2026-02-30");
	assert_int_equal(move(NULL, op), ERR_BAD_VALUE);
	assert_string_equal(error.field, "noticed_on");
}

static void test_timers_read_the_days_of_the_record(void **state)
{
	(void)state;
	Roomkeep__Referral m = referral_at(ROOMKEEP__REFERRAL__STATE__ACKNOWLEDGED);
	struct referral r;
	struct date d;
	assert_true(referral_record_read(&m, &r));
	assert_int_equal(r.state, REFERRAL_ACKNOWLEDGED);
	assert_int_equal(date_parse(view_str("2026-11-05"), &d), ERR_OK);
	assert_int_equal(r.sent_on, date_days(&d));
	assert_int_equal(r.entered_on, r.sent_on + 1);
	assert_int_equal(referral_due_at(&r, r.sent_on).due, r.sent_on + REFERRAL_REPLY_DAYS);
	/* Its first op was erased: no timer. */
	m.noticed_on = NULL;
	assert_false(referral_record_read(&m, &r));
	m.has_state = false;
	assert_int_equal(referral_record_state(&m), REFERRAL_NOTICED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_referral_begins_as_noticed),
		cmocka_unit_test(test_a_skipped_state_is_refused_with_those_that_may_be),
		cmocka_unit_test(test_a_state_is_entered_with_its_day),
		cmocka_unit_test(test_an_end_without_an_answer_has_a_reason),
		cmocka_unit_test(test_a_change_with_a_bad_field_says_that_first),
		cmocka_unit_test(test_timers_read_the_days_of_the_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
