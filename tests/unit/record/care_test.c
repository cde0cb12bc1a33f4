#include "record/care.h"

#include "base/check.h"
#include "record/field_words.h"
#include "record/law.h"
#include "record/mood.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t day_of(const char *text)
{
	int64_t day = 0;
	assert_true(care_day(text, &day));
	return day;
}

/* ---- mood ------------------------------------------------------------------------------------ */

/* The words of the record are those of mood.h, step for step. */
static void test_mood_45_the_record_has_the_same_steps(void **state)
{
	(void)state;
	const ProtobufCEnumDescriptor *scales[] = {
		[MOOD_SPIRITS] = &roomkeep__mood_read__spirits__descriptor,
		[MOOD_ENERGY] = &roomkeep__mood_read__energy__descriptor,
	};
	for (int s = MOOD_SPIRITS; s <= MOOD_ENERGY; s++) {
		assert_int_equal(scales[s]->n_values, MOOD_STEP_MAX + 1);
		for (int step = 1; step <= MOOD_STEP_MAX; step++) {
			char word[FIELD_WORD_BYTES];
			assert_true(enum_word(scales[s], step, word));
			for (char *at = word; *at != '\0'; at++)
				if (*at == '_') *at = ' ';
			assert_string_equal(word, mood_words((enum mood_scale)s, (unsigned)step));
		}
	}
	assert_int_equal(roomkeep__mood_read__body__descriptor.n_values, MOOD_CHIP_COUNT + 1);
	assert_int_equal(roomkeep__mood_read__lifted__descriptor.n_values, MOOD_LIFT_COUNT + 1);
	assert_int_equal(ROOMKEEP__MOOD_READ__LIFTED__SILENCE, MOOD_LIFT_SILENCE + 1);
	assert_int_equal(ROOMKEEP__MOOD_READ__BODY__TEARFUL, MOOD_CHIP_TEARFUL + 1);
	assert_int_equal(ROOMKEEP__MOOD_READ__SOURCE__PATIENT_SAID, MOOD_PATIENT_SAID);
}

/* ---- talk-about ------------------------------------------------------------------------------ */

static void test_card_44_a_thing_to_talk_about_ends_after_six_months(void **state)
{
	(void)state;
	Roomkeep__TalkAbout m = ROOMKEEP__TALK_ABOUT__INIT;
	m.heard_on = wire_text("2026-08-31");
	assert_int_equal(care_talk_until(&m), day_of("2027-02-28"));
	m.expires = wire_text("2026-09-30");
	assert_int_equal(care_talk_until(&m), day_of("2026-09-30"));

	assert_false(care_talk_shows(&m, day_of("2026-09-01"))); /* nobody said it was ok */
	m.has_ok_to_mention = true;
	assert_false(care_talk_shows(&m, day_of("2026-09-01")));
	m.ok_to_mention = true;
	assert_true(care_talk_shows(&m, day_of("2026-09-30")));
	assert_false(care_talk_shows(&m, day_of("2026-10-01")));
}

/* ---- consent --------------------------------------------------------------------------------- */

static void test_bc10_who_is_a_minor(void **state)
{
	(void)state;
	const unsigned bc = LAW_BIT(LAW_CA_BC);
	const unsigned us = LAW_BIT(LAW_US);
	assert_true(care_is_minor("2008-05-06", bc, day_of("2027-05-05")));
	assert_false(care_is_minor("2008-05-06", bc, day_of("2027-05-06"))); /* 19 */
	assert_true(care_is_minor("2008-05-06", us, day_of("2026-05-05")));
	assert_false(care_is_minor("2008-05-06", us, day_of("2026-05-06"))); /* 18 */
	assert_false(care_is_minor("", bc, day_of("2026-05-06")));
	assert_true(care_is_minor("2008-05-06", bc | us, day_of("2027-05-05"))); /* the later */
	assert_false(care_is_minor("2020-01-01", 0, day_of("2026-05-06")));
}

static void test_bc10_minor_without_guardian_needs_capacity_basis(void **state)
{
	(void)state;
	Roomkeep__Consent m = ROOMKEEP__CONSENT__INIT;
	m.answer = ROOMKEEP__CONSENT__ANSWER__YES;
	assert_true(care_consent_lacks_basis(&m, true));
	assert_false(care_consent_lacks_basis(&m, false));
	m.has_given_by = true;
	m.given_by = ROOMKEEP__CONSENT__GIVEN_BY__PATIENT;
	assert_true(care_consent_lacks_basis(&m, true));
	m.given_by = ROOMKEEP__CONSENT__GIVEN_BY__GUARDIAN;
	assert_false(care_consent_lacks_basis(&m, true));
	m.given_by = ROOMKEEP__CONSENT__GIVEN_BY__PATIENT;
	m.capacity_basis = wire_text("understands purpose, risks and that she may stop");
	assert_false(care_consent_lacks_basis(&m, true));
	m.capacity_basis = NULL;
	m.answer = ROOMKEEP__CONSENT__ANSWER__NO; /* a no always counts */
	assert_false(care_consent_lacks_basis(&m, true));
}

static void test_consent_3h_a_withdrawal_holds_whatever_is_said_beside_it(void **state)
{
	(void)state;
	Roomkeep__Consent m = ROOMKEEP__CONSENT__INIT;
	m.answer = ROOMKEEP__CONSENT__ANSWER__YES;
	assert_int_equal(care_consent_answer(&m), ROOMKEEP__CONSENT__ANSWER__YES);
	m.has_withdrawn_ms = true;
	assert_int_equal(care_consent_answer(&m), ROOMKEEP__CONSENT__ANSWER__WITHDRAWN);
}

/* ---- touch ----------------------------------------------------------------------------------- */

static Roomkeep__Touch touch_of(Roomkeep__Touch__What what, Roomkeep__Touch__Channel channel)
{
	Roomkeep__Touch m = ROOMKEEP__TOUCH__INIT;
	m.what = what;
	m.has_channel = channel != ROOMKEEP__TOUCH__CHANNEL__CHANNEL_UNKNOWN;
	m.channel = channel;
	return m;
}

#define WHAT(name) ROOMKEEP__TOUCH__WHAT__##name
#define CHANNEL(name) ROOMKEEP__TOUCH__CHANNEL__##name

static void test_watch_410_a_message_needs_consent_for_its_channel(void **state)
{
	(void)state;
	Roomkeep__PatientDetail yes = ROOMKEEP__PATIENT_DETAIL__INIT;
	Roomkeep__PatientDetail no = ROOMKEEP__PATIENT_DETAIL__INIT;
	yes.has_message_ok = yes.has_email_ok = yes.has_phone_ok = true;
	yes.message_ok = yes.email_ok = yes.phone_ok = true;
	no.has_message_ok = no.has_email_ok = no.has_phone_ok = true;
	const struct {
		Roomkeep__Touch__What what;
		Roomkeep__Touch__Channel channel;
		bool unasked; /* nothing is known */
		bool refused;
	} rows[] = {
		{ WHAT(SHORT_MESSAGE), CHANNEL(CHANNEL_UNKNOWN), false, false },
		{ WHAT(SHORT_MESSAGE), CHANNEL(PHONE), false, false },
		{ WHAT(SHORT_MESSAGE), CHANNEL(EMAIL), false, false },
		{ WHAT(ASK_TO_RETURN), CHANNEL(MESSAGE), false, false },
		{ WHAT(ASK_TO_RETURN), CHANNEL(IN_PERSON), true, true },
		{ WHAT(PERSONAL_CALL), CHANNEL(CHANNEL_UNKNOWN), true, false },
		{ WHAT(PERSONAL_CALL), CHANNEL(IN_PERSON), true, true },
		{ WHAT(CLOSED_WITH_THANKS), CHANNEL(CHANNEL_UNKNOWN), true, true },
		{ WHAT(LEAVE_IN_PEACE), CHANNEL(MESSAGE), true, true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const Roomkeep__Touch m = touch_of(rows[i].what, rows[i].channel);
		assert_true(care_touch_is_consented(&m, &yes));
		assert_int_equal(care_touch_is_consented(&m, NULL), rows[i].unasked);
		assert_int_equal(care_touch_is_consented(&m, &no), rows[i].refused);
	}
}

static void test_watch_410_at_most_one_touch_in_sixty_days(void **state)
{
	(void)state;
	const int64_t on = day_of("2026-11-30");
	assert_true(care_touch_is_too_soon(on, on));
	assert_true(care_touch_is_too_soon(on, on - 59));
	assert_false(care_touch_is_too_soon(on, on - 60));
	assert_true(care_touch_is_too_soon(on, on + 59));
	assert_false(care_touch_is_too_soon(on, on + 60));
	assert_true(care_touch_reaches_out(WHAT(CLOSED_WITH_THANKS)));
	assert_false(care_touch_reaches_out(WHAT(LEAVE_IN_PEACE)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mood_45_the_record_has_the_same_steps),
		cmocka_unit_test(test_card_44_a_thing_to_talk_about_ends_after_six_months),
		cmocka_unit_test(test_bc10_who_is_a_minor),
		cmocka_unit_test(test_bc10_minor_without_guardian_needs_capacity_basis),
		cmocka_unit_test(test_consent_3h_a_withdrawal_holds_whatever_is_said_beside_it),
		cmocka_unit_test(test_watch_410_a_message_needs_consent_for_its_channel),
		cmocka_unit_test(test_watch_410_at_most_one_touch_in_sixty_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
