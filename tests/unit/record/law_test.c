#include "record/law.h"

#include "base/check.h"
#include "unit/record/day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BC LAW_BIT(LAW_CA_BC)
#define ON LAW_BIT(LAW_CA_ON)
#define US LAW_BIT(LAW_US)
#define OTHER LAW_BIT(LAW_OTHER)

static struct law_retention keep(unsigned set, const char *last_entry, const char *born)
{
	const struct law_record record = {
		.jurisdictions = set,
		.last_entry = day_of(last_entry),
		.has_born = born != NULL,
		.born = born == NULL ? 0 : day_of(born),
	};
	struct law_retention r = { 0 };
	assert_int_equal(law_retention_until(&record, &r), ERR_OK);
	return r;
}

struct keep_row {
	unsigned set;
	const char *last_entry;
	const char *born;
	const char *until;
	const char *rule;
	bool from_majority;
};

static void check_keep(const struct keep_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct law_retention r = keep(rows[i].set, rows[i].last_entry, rows[i].born);
		assert_int_equal(r.until, day_of(rows[i].until));
		assert_string_equal(r.rule, rows[i].rule);
		assert_int_equal(r.from_majority, rows[i].from_majority);
		assert_false(r.born_assumed);
	}
}

static void test_BC4_ten_year_old_keeps_to_dob_plus_35y(void **state)
{
	(void)state;
	const struct keep_row rows[] = {
		{ BC, "2024-06-01", "2014-05-20", "2049-05-20", "BC4", true },
		/* born on a leap day: 19 on 1 March, 35 years in all */
		{ BC, "2024-06-01", "2016-02-29", "2051-03-01", "BC4", true },
		/* an entry the day before, on and after the 19th birthday */
		{ BC, "2024-05-19", "2005-05-20", "2040-05-20", "BC4", true },
		{ BC, "2024-05-20", "2005-05-20", "2040-05-20", "BC4", false },
		{ BC, "2024-05-21", "2005-05-20", "2040-05-21", "BC4", false },
		/* an adult: 16 years from the last entry, a leap day too */
		{ BC, "2024-02-29", "1970-01-01", "2040-02-29", "BC4", false },
		{ BC, "2023-02-28", "1970-01-01", "2039-02-28", "BC4", false },
	};
	check_keep(rows, COUNT_OF(rows));
}

static void test_ON2_ten_years_after_last_entry_or_18th_birthday(void **state)
{
	(void)state;
	const struct keep_row rows[] = {
		{ ON, "2024-06-01", "1970-01-01", "2034-06-01", "ON2", false },
		{ ON, "2024-06-01", "2014-05-20", "2042-05-20", "ON2", true },
		{ ON, "2024-02-29", "1970-01-01", "2034-03-01", "ON2", false },
		{ ON, "2018-06-01", "2000-06-01", "2028-06-01", "ON2", false },
		{ ON, "2018-05-31", "2000-06-01", "2028-06-01", "ON2", true },
	};
	check_keep(rows, COUNT_OF(rows));
}

static void test_US13_six_years_or_until_the_age_of_22(void **state)
{
	(void)state;
	const struct keep_row rows[] = {
		{ US, "2024-06-01", "1970-01-01", "2030-06-01", "US13", false },
		{ US, "2024-06-01", "2014-05-20", "2036-05-20", "US13", true },
		{ US, "2024-06-01", "2008-06-01", "2030-06-01", "US13", false }, /* both alike */
		{ US, "2024-06-01", "2008-06-02", "2030-06-02", "US13", true },
	};
	check_keep(rows, COUNT_OF(rows));
}

static void test_a_moved_patient_keeps_the_longer_rule(void **state)
{
	(void)state;
	const struct keep_row rows[] = {
		{ BC | ON, "2024-06-01", "1970-01-01", "2040-06-01", "BC4", false },
		{ ON | US, "2024-06-01", "1970-01-01", "2034-06-01", "ON2", false },
		{ ON | US, "2024-06-01", "2014-05-20", "2042-05-20", "ON2", true },
		{ BC | ON | US, "2024-06-01", "2014-05-20", "2049-05-20", "BC4", true },
		{ OTHER, "2024-06-01", "2014-05-20", "2049-05-20", "house", true },
	};
	check_keep(rows, COUNT_OF(rows));
	/* No set keeps less than one of its members would. */
	for (unsigned set = 1; set <= LAW_BITS_ALL; set++) {
		for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
			if ((set & LAW_BIT(j)) == 0) continue;
			assert_true(keep(set, "2024-02-29", "2012-02-29").until >=
				    keep(LAW_BIT(j), "2024-02-29", "2012-02-29").until);
		}
	}
}

static void test_no_birth_date_keeps_the_longest_it_could_be(void **state)
{
	(void)state;
	const struct law_retention r = keep(BC, "2024-06-01", NULL);
	assert_int_equal(r.until, day_of("2059-06-01"));
	assert_true(r.born_assumed && r.from_majority);

	struct law_retention none = { .until = 77 };
	const struct law_record bad[] = {
		{ .jurisdictions = 0, .last_entry = 1 },
		{ .jurisdictions = LAW_BITS_ALL + 1, .last_entry = 1 },
		{ .jurisdictions = BC, .last_entry = CALENDAR_DAY_MAX + 1 },
		{ .jurisdictions = BC, .has_born = true, .born = CALENDAR_DAY_MIN - 1 },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(law_retention_until(&bad[i], &none), ERR_BAD_VALUE);
	}
	assert_int_equal(none.until, 77);
}

/* ---- requests -------------------------------------------------------------------------------- */

static const struct calendar *clinic(void)
{
	static int64_t holidays[3];
	static struct calendar c = { WEEKDAY_BITS_WEEKEND, holidays, COUNT_OF(holidays) };
	holidays[0] = day_of("2024-12-25");
	holidays[1] = day_of("2024-12-26");
	holidays[2] = day_of("2025-01-01");
	return &c;
}

struct due_row {
	enum law_request kind;
	enum law_jurisdiction jurisdiction;
	const char *received;
	bool extended;
	const char *due;
	uint32_t days;
	const char *rule;
};

static void check_due(const struct due_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct law_clock c = { 0 };
		assert_int_equal(law_request_due(rows[i].kind, rows[i].jurisdiction,
						 day_of(rows[i].received), rows[i].extended,
						 clinic(), &c),
				 ERR_OK);
		assert_int_equal(c.due, day_of(rows[i].due));
		assert_int_equal(c.days, rows[i].days);
		assert_string_equal(c.rule, rows[i].rule);
	}
}

static void test_BC6_access_in_30_business_days_around_holidays(void **state)
{
	(void)state;
	const struct due_row rows[] = {
		/* no holiday between: six weeks */
		{ LAW_REQUEST_ACCESS, LAW_CA_BC, "2024-09-02", false, "2024-10-14", 30, "BC6" },
		/* Christmas, Boxing Day and New Year's Day cost three days */
		{ LAW_REQUEST_ACCESS, LAW_CA_BC, "2024-12-02", false, "2025-01-16", 30, "BC6" },
		/* received on a Saturday, on a holiday */
		{ LAW_REQUEST_ACCESS, LAW_CA_BC, "2024-09-07", false, "2024-10-18", 30, "BC6" },
		{ LAW_REQUEST_ACCESS, LAW_CA_BC, "2024-12-25", false, "2025-02-07", 30, "BC6" },
		{ LAW_REQUEST_ACCESS, LAW_CA_BC, "2024-09-02", true, "2024-11-25", 60, "BC6" },
		{ LAW_REQUEST_PORTABILITY, LAW_CA_BC, "2024-09-02", false, "2024-10-14", 30,
		  "BC6" },
		{ LAW_REQUEST_DISCLOSURE_LIST, LAW_CA_BC, "2024-09-02", false, "2024-10-14", 30,
		  "BC6" },
	};
	check_due(rows, COUNT_OF(rows));
}

static void test_ON6_access_in_30_days_and_30_more(void **state)
{
	(void)state;
	const struct due_row rows[] = {
		{ LAW_REQUEST_ACCESS, LAW_CA_ON, "2024-12-01", false, "2024-12-31", 30, "ON6" },
		{ LAW_REQUEST_ACCESS, LAW_CA_ON, "2024-12-01", true, "2025-01-30", 60, "ON6" },
		/* due on New Year's Day: closed, and still the day */
		{ LAW_REQUEST_ACCESS, LAW_CA_ON, "2024-12-02", false, "2025-01-01", 30, "ON6" },
		{ LAW_REQUEST_ACCESS, LAW_CA_ON, "2024-01-30", false, "2024-02-29", 30, "ON6" },
		{ LAW_REQUEST_CORRECTION, LAW_CA_ON, "2024-12-01", true, "2025-01-30", 60, "ON6" },
		{ LAW_REQUEST_RESTRICTION, LAW_CA_ON, "2024-12-01", false, "2024-12-31", 30,
		  "ON6" },
	};
	check_due(rows, COUNT_OF(rows));
}

static void test_US10_access_30_days_amendment_60_both_30_more(void **state)
{
	(void)state;
	const struct due_row rows[] = {
		{ LAW_REQUEST_ACCESS, LAW_US, "2024-12-01", false, "2024-12-31", 30, "US10" },
		{ LAW_REQUEST_ACCESS, LAW_US, "2024-12-01", true, "2025-01-30", 60, "US10" },
		{ LAW_REQUEST_CORRECTION, LAW_US, "2024-12-01", false, "2025-01-30", 60, "US10" },
		{ LAW_REQUEST_CORRECTION, LAW_US, "2024-12-01", true, "2025-03-01", 90, "US10" },
	};
	check_due(rows, COUNT_OF(rows));
}

static void test_US11_disclosures_six_years_notice_in_60_days(void **state)
{
	(void)state;
	const struct due_row rows[] = {
		{ LAW_REQUEST_DISCLOSURE_LIST, LAW_US, "2024-12-01", false, "2025-01-30", 60,
		  "US11" },
	};
	check_due(rows, COUNT_OF(rows));
	const struct law_row *kept = law_find(LAW_US, LAW_DISCLOSURE_KEEP);
	const struct law_row *notice = law_find(LAW_US, LAW_BREACH_NOTICE);
	int64_t day = 0;
	assert_int_equal(law_add(kept, day_of("2024-02-29"), NULL, &day), ERR_OK);
	assert_int_equal(day, day_of("2030-03-01"));
	assert_int_equal(law_add(notice, day_of("2024-01-01"), NULL, &day), ERR_OK);
	assert_int_equal(day, day_of("2024-03-01"));
	assert_null(law_find(LAW_CA_BC, LAW_DISCLOSURE_KEEP));
}

static void test_3f_amber_at_half_time_red_at_5_days(void **state)
{
	(void)state;
	const struct {
		enum law_jurisdiction jurisdiction;
		const char *received;
		bool extended;
		const char *today;
		enum law_light light;
	} rows[] = {
		{ LAW_CA_ON, "2024-12-01", false, "2024-11-30", LAW_GREEN }, /* clock set back */
		{ LAW_CA_ON, "2024-12-01", false, "2024-12-01", LAW_GREEN },
		{ LAW_CA_ON, "2024-12-01", false, "2024-12-15", LAW_GREEN },
		{ LAW_CA_ON, "2024-12-01", false, "2024-12-16", LAW_AMBER }, /* 15 of 30 */
		{ LAW_CA_ON, "2024-12-01", false, "2024-12-25", LAW_AMBER }, /* 6 left */
		{ LAW_CA_ON, "2024-12-01", false, "2024-12-26", LAW_RED },   /* 5 left */
		{ LAW_CA_ON, "2024-12-01", false, "2024-12-31", LAW_RED },   /* the day itself */
		{ LAW_CA_ON, "2024-12-01", false, "2025-01-01", LAW_OVERDUE },
		{ LAW_CA_ON, "2024-12-01", true, "2024-12-30", LAW_GREEN },
		{ LAW_CA_ON, "2024-12-01", true, "2024-12-31", LAW_AMBER }, /* 30 of 60 */
		/* open days: due 14 October, half time after 15 of them */
		{ LAW_CA_BC, "2024-09-02", false, "2024-09-20", LAW_GREEN },
		{ LAW_CA_BC, "2024-09-02", false, "2024-09-23", LAW_AMBER },
		{ LAW_CA_BC, "2024-09-02", false, "2024-10-04", LAW_AMBER }, /* 6 open ones left */
		{ LAW_CA_BC, "2024-09-02", false, "2024-10-07", LAW_RED },
		{ LAW_CA_BC, "2024-09-02", false, "2024-10-15", LAW_OVERDUE },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct law_clock c = { 0 };
		assert_int_equal(law_request_due(LAW_REQUEST_ACCESS, rows[i].jurisdiction,
						 day_of(rows[i].received), rows[i].extended,
						 clinic(), &c),
				 ERR_OK);
		assert_int_equal(law_request_light(&c, day_of(rows[i].today), clinic()),
				 rows[i].light);
	}
}

static void test_a_clock_says_when_it_is_our_own_knowledge(void **state)
{
	(void)state;
	const struct {
		enum law_request kind;
		enum law_jurisdiction jurisdiction;
		bool own;
	} rows[] = {
		{ LAW_REQUEST_ACCESS, LAW_CA_ON, false },
		{ LAW_REQUEST_PORTABILITY, LAW_CA_ON, false },
		{ LAW_REQUEST_DISCLOSURE_LIST, LAW_CA_ON, true },
		{ LAW_REQUEST_CORRECTION, LAW_US, false },
		{ LAW_REQUEST_RESTRICTION, LAW_US, true },
		{ LAW_REQUEST_ACCESS, LAW_CA_BC, true },
		{ LAW_REQUEST_ACCESS, LAW_OTHER, true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct law_clock c = { 0 };
		assert_int_equal(law_request_due(rows[i].kind, rows[i].jurisdiction, 20000, false,
						 clinic(), &c),
				 ERR_OK);
		assert_int_equal(c.own_knowledge, rows[i].own);
	}
}

static void test_a_clock_needs_open_days(void **state)
{
	(void)state;
	const struct calendar closed = { .closed_weekdays = 127 };
	struct law_clock c = { .due = 77 };
	assert_int_equal(law_request_due(LAW_REQUEST_ACCESS, LAW_CA_BC, 20000, false, &closed, &c),
			 ERR_BAD_VALUE);
	assert_int_equal(law_request_due(LAW_REQUEST_ACCESS, LAW_CA_ON, CALENDAR_DAY_MAX + 1, false,
					 &closed, &c),
			 ERR_BAD_VALUE);
	assert_int_equal(c.due, 77);
}

/* ---- consents and registers ------------------------------------------------------------------ */

static void test_ON4_release_consent_holds_183_days(void **state)
{
	(void)state;
	const int64_t signed_on = day_of("2024-01-31");
	const struct {
		unsigned set;
		int64_t after;
		enum err want;
	} rows[] = {
		{ ON, 0, ERR_OK },           { ON, 182, ERR_OK },           { ON, 183, ERR_OK },
		{ ON, 184, ERR_EXPIRED },    { ON, -1, ERR_BAD_VALUE },     { BC, 184, ERR_OK },
		{ US, 4000, ERR_OK },        { BC | ON, 184, ERR_EXPIRED }, { OTHER, 183, ERR_OK },
		{ OTHER, 184, ERR_EXPIRED }, { BC, -1, ERR_BAD_VALUE },     { 0, 0, ERR_BAD_VALUE },
		{ 64, 0, ERR_BAD_VALUE },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(law_release_consent_check(rows[i].set, signed_on,
							   signed_on + rows[i].after),
				 rows[i].want);
	}
}

static void test_CA1_incidents_stay_for_24_months(void **state)
{
	(void)state;
	const struct {
		enum law_jurisdiction jurisdiction;
		const char *recorded;
		const char *today;
		enum err want;
	} rows[] = {
		{ LAW_CA_BC, "2024-02-29", "2024-02-29", ERR_DENIED },
		{ LAW_CA_BC, "2024-02-29", "2026-02-28", ERR_DENIED },
		{ LAW_CA_BC, "2024-02-29", "2026-03-01", ERR_OK },
		{ LAW_CA_ON, "2024-05-10", "2026-05-09", ERR_DENIED },
		{ LAW_CA_ON, "2024-05-10", "2026-05-10", ERR_DENIED },
		{ LAW_CA_ON, "2024-05-10", "2026-05-11", ERR_OK },
		{ LAW_US, "2024-05-10", "2030-05-10", ERR_DENIED },
		{ LAW_US, "2024-05-10", "2030-05-11", ERR_OK },
		{ LAW_OTHER, "2024-05-10", "2026-05-11", ERR_DENIED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(law_incident_delete_check(rows[i].jurisdiction,
							   day_of(rows[i].recorded),
							   day_of(rows[i].today)),
				 rows[i].want);
	}
}

static void test_ON3_the_person_is_told_at_the_first_opportunity(void **state)
{
	(void)state;
	int64_t day = 0;
	const struct law_row *row = law_find(LAW_CA_ON, LAW_BREACH_NOTICE);
	assert_int_equal(row->unit, LAW_AT_ONCE);
	assert_int_equal(law_add(row, 20000, NULL, &day), ERR_OK);
	assert_int_equal(day, 20000);
}

static void test_every_row_names_its_rule_and_source(void **state)
{
	(void)state;
	size_t count;
	const struct law_row *rows = law_table(&count);
	for (size_t i = 0; i < count; i++) {
		const struct law_row *r = &rows[i];
		assert_true(strlen(r->rule) > 0);
		assert_true(r->own_knowledge || r->source[0] == 'L');
		assert_int_equal(r->value == 0, r->unit == LAW_AT_ONCE);
		assert_ptr_equal(law_find(r->jurisdiction, r->item), r); /* each once */
	}
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		for (int item = 0; item < LAW_ITEM_COUNT; item++) {
			if (item == LAW_RELEASE_CONSENT || item == LAW_DISCLOSURE_KEEP) continue;
			assert_non_null(law_find((enum law_jurisdiction)j, (enum law_item)item));
		}
	}
}

static void test_names_go_both_ways(void **state)
{
	(void)state;
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		enum law_jurisdiction got = LAW_JURISDICTION_COUNT;
		const char *name = law_jurisdiction_name((enum law_jurisdiction)j);
		assert_int_equal(law_jurisdiction_parse(view_str(name), &got), ERR_OK);
		assert_int_equal(got, j);
	}
	for (int k = 0; k < LAW_REQUEST_COUNT; k++) {
		enum law_request got = LAW_REQUEST_COUNT;
		const char *name = law_request_name((enum law_request)k);
		assert_int_equal(law_request_parse(view_str(name), &got), ERR_OK);
		assert_int_equal(got, k);
	}
	enum law_jurisdiction j = LAW_US;
	assert_int_equal(law_jurisdiction_parse(view_str("us-hipaa"), &j), ERR_BAD_VALUE);
	assert_int_equal(law_jurisdiction_parse(VIEW_EMPTY, &j), ERR_BAD_VALUE);
	assert_int_equal(j, LAW_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_BC4_ten_year_old_keeps_to_dob_plus_35y),
		cmocka_unit_test(test_ON2_ten_years_after_last_entry_or_18th_birthday),
		cmocka_unit_test(test_US13_six_years_or_until_the_age_of_22),
		cmocka_unit_test(test_a_moved_patient_keeps_the_longer_rule),
		cmocka_unit_test(test_no_birth_date_keeps_the_longest_it_could_be),
		cmocka_unit_test(test_BC6_access_in_30_business_days_around_holidays),
		cmocka_unit_test(test_ON6_access_in_30_days_and_30_more),
		cmocka_unit_test(test_US10_access_30_days_amendment_60_both_30_more),
		cmocka_unit_test(test_US11_disclosures_six_years_notice_in_60_days),
		cmocka_unit_test(test_3f_amber_at_half_time_red_at_5_days),
		cmocka_unit_test(test_a_clock_says_when_it_is_our_own_knowledge),
		cmocka_unit_test(test_a_clock_needs_open_days),
		cmocka_unit_test(test_ON4_release_consent_holds_183_days),
		cmocka_unit_test(test_CA1_incidents_stay_for_24_months),
		cmocka_unit_test(test_ON3_the_person_is_told_at_the_first_opportunity),
		cmocka_unit_test(test_every_row_names_its_rule_and_source),
		cmocka_unit_test(test_names_go_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
