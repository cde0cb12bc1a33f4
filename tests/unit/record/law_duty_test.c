#include "record/law_duty.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/duty_record.h"
#include "unit/record/day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR ((uint64_t)CALENDAR_HOUR_MS)
#define T0 1700000000000u

static void test_BC1_late_entry_after_24_hours(void **state)
{
	(void)state;
	const struct {
		uint64_t signed_ms;
		const char *words;
	} rows[] = {
		{ T0 - HOUR, "" },
		{ T0, "" },
		{ T0 + 24 * HOUR, "" },
		{ T0 + 24 * HOUR + 1, "late entry (24 h)" },
		{ T0 + 25 * HOUR - 1, "late entry (24 h)" },
		{ T0 + 25 * HOUR, "late entry (25 h)" },
		{ T0 + 24000 * HOUR, "late entry (24000 h)" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_finip) struct buf b = { 0 };
		assert_int_equal(law_late_print(T0, rows[i].signed_ms, &b), ERR_OK);
		assert_true(view_equal(buf_view(&b), view_str(rows[i].words)));
	}
}

static void test_BC5_no_refusal_without_annotation(void **state)
{
	(void)state;
	struct record_error e = { 0 };
	assert_int_equal(law_correction_check(LAW_REFUSED, VIEW_EMPTY, &e), ERR_BAD_VALUE);
	assert_string_equal(e.field, "annotation");
	assert_int_equal(law_correction_check(LAW_REFUSED, view_str("asked for ..."), &e), ERR_OK);
	assert_int_equal(law_correction_check(LAW_GRANTED, VIEW_EMPTY, &e), ERR_OK);
	assert_int_equal(law_correction_check(LAW_UNDECIDED, view_str("x"), &e), ERR_BAD_VALUE);
	assert_string_equal(e.field, "decision");
}

static void test_BC10_minor_without_guardian_needs_capacity_basis(void **state)
{
	(void)state;
	const struct {
		enum law_jurisdiction jurisdiction;
		enum law_consent_by by;
		const char *born; /* NULL: not known */
		const char *basis;
		const char *field; /* NULL: fine */
	} rows[] = {
		/* today is 2024-06-01 */
		{ LAW_CA_BC, LAW_CONSENT_PATIENT, "2014-06-01", "", "capacity_basis" },
		{ LAW_CA_BC, LAW_CONSENT_PATIENT, "2014-06-01", "understood all", NULL },
		{ LAW_CA_BC, LAW_CONSENT_GUARDIAN, "2014-06-01", "", NULL },
		{ LAW_CA_BC, LAW_CONSENT_SUBSTITUTE, "1970-06-01", "", NULL },
		{ LAW_CA_BC, LAW_CONSENT_PATIENT, "2005-06-01", "", NULL }, /* 19 today */
		{ LAW_CA_BC, LAW_CONSENT_PATIENT, "2005-06-02", "", "capacity_basis" },
		{ LAW_CA_ON, LAW_CONSENT_PATIENT, "2006-06-01", "", NULL }, /* 18 today */
		{ LAW_CA_ON, LAW_CONSENT_PATIENT, "2006-06-02", "", "capacity_basis" },
		{ LAW_CA_BC, LAW_CONSENT_PATIENT, NULL, "", "capacity_basis" },
		{ LAW_CA_BC, (enum law_consent_by)0, "1970-06-01", "x", "given_by" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct record_error e = { 0 };
		const enum err got =
			law_consent_check(rows[i].jurisdiction, rows[i].by, rows[i].born != NULL,
					  rows[i].born == NULL ? 0 : day_of(rows[i].born),
					  day_of("2024-06-01"), view_str(rows[i].basis), &e);
		assert_int_equal(got, rows[i].field == NULL ? ERR_OK : ERR_BAD_VALUE);
		if (rows[i].field != NULL) assert_string_equal(e.field, rows[i].field);
	}
}

static const struct id ann = { { 1 } };
static const struct id ben = { { 2 } };
static const struct id nobody = { { 0 } };

static const char *disposal_stops_at(bool hold, int64_t after, struct id first, struct id second)
{
	const struct law_disposal d = { 20000, hold, first, second };
	struct record_error e = { 0 };
	const enum err got = law_disposal_check(&d, 20000 + after, &e);
	assert_true(got == ERR_OK || got == ERR_DENIED);
	return got == ERR_OK ? "" : e.field;
}

static void test_BC4_legal_hold_blocks_disposal(void **state)
{
	(void)state;
	assert_string_equal(disposal_stops_at(true, 10000, ann, ben), "legal_hold");
	assert_string_equal(disposal_stops_at(false, 10000, ann, ben), "");
	assert_string_equal(disposal_stops_at(false, -1, ann, ben), "retention_until");
	assert_string_equal(disposal_stops_at(false, 0, ann, ben), "retention_until");
	assert_string_equal(disposal_stops_at(false, 1, ann, ben), "");
}

static void test_BC7_two_people_confirm_disposal(void **state)
{
	(void)state;
	assert_string_equal(disposal_stops_at(false, 1, nobody, nobody), "confirmed_by");
	assert_string_equal(disposal_stops_at(false, 1, ann, nobody), "confirmed_by");
	assert_string_equal(disposal_stops_at(false, 1, nobody, ben), "confirmed_by");
	assert_string_equal(disposal_stops_at(false, 1, ann, ann), "confirmed_by");
	assert_string_equal(disposal_stops_at(false, 1, ben, ann), "");
}

static void test_BC9_drill_younger_than_90_days(void **state)
{
	(void)state;
	assert_true(law_drill_is_due(false, 0, 0));
	assert_false(law_drill_is_due(true, 1000, 1000));
	assert_false(law_drill_is_due(true, 1000, 1089));
	assert_true(law_drill_is_due(true, 1000, 1090));
}

static void test_ON8_no_third_reason_exists(void **state)
{
	(void)state;
	struct record_error e = { 0 };
	int known = 0;
	for (int i = -2; i < 300; i++) {
		const enum law_override reason = (enum law_override)i;
		const char *name = law_override_name(reason);
		assert_int_equal(name == NULL, law_override_words(reason) == NULL);
		assert_int_equal(law_override_check(reason, view_str("fell, no answer"), &e),
				 name == NULL ? ERR_BAD_VALUE : ERR_OK);
		if (name == NULL) continue;
		known++;
		enum law_override back = (enum law_override)0;
		assert_int_equal(law_override_parse(view_str(name), &back, &e), ERR_OK);
		assert_int_equal(back, reason);
	}
	assert_int_equal(known, 2);
	assert_int_equal(law_override_check(LAW_OVERRIDE_EMERGENCY, VIEW_EMPTY, &e), ERR_BAD_VALUE);
	assert_string_equal(e.field, "text");
	enum law_override reason = LAW_OVERRIDE_CONSENT;
	const char *others[] = { "", "curious", "Emergency", "audit", "express_consent " };
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_int_equal(law_override_parse(view_str(others[i]), &reason, &e),
				 ERR_BAD_VALUE);
		assert_string_equal(e.allowed, "express_consent or emergency");
	}
	assert_int_equal(reason, LAW_OVERRIDE_CONSENT);
}

static void test_ON9_whom_to_tell(void **state)
{
	(void)state;
	for (int i = 1; i <= LAW_INCIDENT_COUNT; i++) {
		const enum law_incident c = (enum law_incident)i;
		const struct law_notice open = law_incident_notice(c, false);
		assert_true(open.person);
		assert_int_equal(open.commissioner, c != LAW_INCIDENT_OTHER);
		const struct law_notice sealed = law_incident_notice(c, true);
		assert_int_equal(sealed.person, c != LAW_INCIDENT_THEFT);
		assert_int_equal(sealed.commissioner,
				 c != LAW_INCIDENT_THEFT && c != LAW_INCIDENT_OTHER);
		enum law_incident back = (enum law_incident)0;
		assert_int_equal(law_incident_parse(view_str(law_incident_name(c)), &back, NULL),
				 ERR_OK);
		assert_int_equal(back, c);
		assert_true(strlen(law_incident_words(c)) > 0);
	}
	assert_null(law_incident_name((enum law_incident)0));
	assert_null(law_incident_words((enum law_incident)(LAW_INCIDENT_COUNT + 1)));
	struct record_error e = { 0 };
	enum law_incident c = LAW_INCIDENT_THEFT;
	assert_int_equal(law_incident_parse(view_str("lost"), &c, &e), ERR_BAD_VALUE);
	assert_string_equal(e.field, "category");
}

static void test_ON9_lost_laptop_states_its_encryption(void **state)
{
	(void)state;
	assert_string_equal(law_incident_encryption(true, false),
			    "encrypted: yes, key not on device");
	assert_string_equal(law_incident_encryption(true, true), "encrypted: yes, key on device");
	assert_string_equal(law_incident_encryption(false, false), "encrypted: no");
	assert_string_equal(law_incident_encryption(false, true), "encrypted: no, key on device");
}

static void test_ON9_yearly_count(void **state)
{
	(void)state;
	const struct law_incident_row rows[] = {
		{ LAW_INCIDENT_THEFT, day_of("2023-12-31") },
		{ LAW_INCIDENT_THEFT, day_of("2024-01-01") },
		{ LAW_INCIDENT_THEFT, day_of("2024-12-31") },
		{ LAW_INCIDENT_OTHER, day_of("2024-02-29") },
		{ LAW_INCIDENT_OTHER, day_of("2025-01-01") },
	};
	uint32_t counts[LAW_INCIDENT_COUNT + 1] = { 9, 9, 9 };
	law_incident_count(rows, COUNT_OF(rows), 2024, counts);
	assert_int_equal(counts[LAW_INCIDENT_THEFT], 2);
	assert_int_equal(counts[LAW_INCIDENT_OTHER], 1);
	assert_int_equal(counts[LAW_INCIDENT_SNOOPING], 0);
	law_incident_count(rows, 0, 2024, counts);
	assert_int_equal(counts[LAW_INCIDENT_THEFT], 0);
}

static void test_CA2_both_answers_are_required(void **state)
{
	(void)state;
	const struct {
		enum law_level sensitivity;
		enum law_level probability;
		bool health;
		const char *field; /* NULL: fine */
		bool risk;
	} rows[] = {
		{ LAW_LEVEL_UNANSWERED, LAW_LEVEL_HIGH, true, "sensitivity", false },
		{ LAW_LEVEL_HIGH, LAW_LEVEL_UNANSWERED, true, "probability", false },
		{ LAW_LEVEL_UNANSWERED, LAW_LEVEL_UNANSWERED, false, "sensitivity", false },
		{ LAW_LEVEL_LOW, LAW_LEVEL_HIGH, true, "sensitivity", false },
		{ (enum law_level)9, LAW_LEVEL_HIGH, false, "sensitivity", false },
		{ LAW_LEVEL_LOW, LAW_LEVEL_LOW, false, NULL, false },
		{ LAW_LEVEL_LOW, LAW_LEVEL_MEDIUM, false, NULL, false },
		{ LAW_LEVEL_LOW, LAW_LEVEL_HIGH, false, NULL, true },
		{ LAW_LEVEL_MEDIUM, LAW_LEVEL_LOW, true, NULL, false },
		{ LAW_LEVEL_MEDIUM, LAW_LEVEL_MEDIUM, true, NULL, true },
		{ LAW_LEVEL_HIGH, LAW_LEVEL_LOW, true, NULL, true },
		{ LAW_LEVEL_HIGH, LAW_LEVEL_HIGH, true, NULL, true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct record_error e = { 0 };
		bool risk = false;
		const enum err got = law_harm_test(rows[i].sensitivity, rows[i].probability,
						   rows[i].health, &risk, &e);
		assert_int_equal(got, rows[i].field == NULL ? ERR_OK : ERR_BAD_VALUE);
		if (rows[i].field != NULL) assert_string_equal(e.field, rows[i].field);
		assert_int_equal(risk, rows[i].risk);
	}
}

/* A tombstone may have taken what a record began with: nothing is worked out from the rest. */
static void test_of_a_torn_record_nothing_is_due(void **state)
{
	(void)state;
	static char day[] = "2026-11-02", no_day[] = "soon";
	Roomkeep__Request request = ROOMKEEP__REQUEST__INIT;
	struct law_clock clock;
	const unsigned bits = LAW_BIT(LAW_DEFAULT);
	request.received_on = day;
	assert_int_equal(duty_request_clock(&request, bits, NULL, &clock), ERR_NOT_FOUND);
	request.has_kind = true;
	request.kind = ROOMKEEP__REQUEST__KIND__ACCESS;
	request.received_on = NULL;
	assert_int_equal(duty_request_clock(&request, bits, NULL, &clock), ERR_NOT_FOUND);
	request.received_on = no_day;
	assert_int_equal(duty_request_clock(&request, bits, NULL, &clock), ERR_NOT_FOUND);

	Roomkeep__Incident m = ROOMKEEP__INCIDENT__INIT;
	struct duty_incident is;
	for (unsigned has = 0; has < 8; has++) {
		m.has_category = (has & 1u) != 0;
		m.has_sensitivity = (has & 2u) != 0;
		m.has_probability = (has & 4u) != 0;
		m.category = ROOMKEEP__INCIDENT__CATEGORY__THEFT;
		m.sensitivity = ROOMKEEP__INCIDENT__SENSITIVITY__HIGH;
		m.probability = ROOMKEEP__INCIDENT__PROBABILITY__UNLIKELY;
		assert_int_equal(duty_incident_read(&m, &is), has == 7 ? ERR_OK : ERR_NOT_FOUND);
	}
	m.encrypted = m.key_on_device = true;
	assert_int_equal(duty_incident_read(&m, &is), ERR_OK);
	const bool told = is.notice.person;
	m.key_on_device = false;
	assert_int_equal(duty_incident_read(&m, &is), ERR_OK);
	assert_true(told);
	assert_string_equal(is.encryption, "encrypted: yes, key not on device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_BC1_late_entry_after_24_hours),
		cmocka_unit_test(test_BC5_no_refusal_without_annotation),
		cmocka_unit_test(test_BC10_minor_without_guardian_needs_capacity_basis),
		cmocka_unit_test(test_BC4_legal_hold_blocks_disposal),
		cmocka_unit_test(test_BC7_two_people_confirm_disposal),
		cmocka_unit_test(test_BC9_drill_younger_than_90_days),
		cmocka_unit_test(test_ON8_no_third_reason_exists),
		cmocka_unit_test(test_ON9_whom_to_tell),
		cmocka_unit_test(test_ON9_lost_laptop_states_its_encryption),
		cmocka_unit_test(test_ON9_yearly_count),
		cmocka_unit_test(test_CA2_both_answers_are_required),
		cmocka_unit_test(test_of_a_torn_record_nothing_is_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
