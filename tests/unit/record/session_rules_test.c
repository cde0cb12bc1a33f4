/* What a session must say before it is signed (BC2), and what may be offered of the last one. */
#include "record/session_rules.h"

#include "base/check.h"
#include "record/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A visit for relaxation that says no more than it must. */
static Roomkeep__SessionChart relaxation(void)
{
	Roomkeep__SessionChart m = ROOMKEEP__SESSION_CHART__INIT;
	m.has_consented = m.has_health_changed = m.has_draped_as_consented = 1;
	m.consented = ROOMKEEP__SESSION_CHART__CONSENTED__YES;
	m.has_no_complaint = m.no_complaint = 1;
	m.has_contraindications_considered = m.contraindications_considered = 1;
	m.draped_as_consented = 1;
	m.has_no_adverse_event = m.no_adverse_event = 1;
	m.has_next_as_needed = m.next_as_needed = 1;
	return m;
}

static struct session_facts facts_of(const Roomkeep__SessionChart *m)
{
	return (struct session_facts){ .chart = m, .has_ended = true, .treatment_count = 1 };
}

/* The only gap; NULL when there is none. */
static const char *gap_of(const struct session_facts *f)
{
	struct session_gap gaps[SESSION_GAPS_MAX];
	const size_t count = session_find_gaps(f, gaps);
	assert_true(count <= 1);
	return count == 0 ? NULL : gaps[0].field;
}

static void expect_gap(const struct session_facts *f, const char *field)
{
	const char *found = gap_of(f);
	if (field == NULL) {
		assert_null(found);
	} else {
		assert_non_null(found);
		assert_string_equal(found, field);
	}
}

static void test_BC2_an_empty_session_lacks_all_of_it_at_once(void **state)
{
	(void)state;
	static const char *const want[] = {
		"ended_at",     "consented",        "episode_id",  "pain_now",
		"change_since", "health_changed",   "red_flags",   "contraindications_considered",
		"treatments",   "no_adverse_event", "next_in_days"
	};
	const Roomkeep__SessionChart m = ROOMKEEP__SESSION_CHART__INIT;
	const struct session_facts f = { .chart = &m };
	struct session_gap gaps[SESSION_GAPS_MAX];
	assert_int_equal(session_find_gaps(&f, gaps), COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_string_equal(gaps[i].field, want[i]);
		assert_non_null(strstr(gaps[i].say, " SID"));
	}
}

static void test_BC2_the_least_of_a_visit_for_relaxation(void **state)
{
	(void)state;
	const Roomkeep__SessionChart m = relaxation();
	const struct session_facts f = facts_of(&m);
	expect_gap(&f, NULL);
}

/* Each of it alone is missed, and nothing else then. */
static void test_BC2_each_field_is_missed(void **state)
{
	(void)state;
	struct session_facts f;
	Roomkeep__SessionChart m = relaxation();
	f = facts_of(&m);
	f.has_ended = false;
	expect_gap(&f, "ended_at");
	m.has_consented = 0;
	f = facts_of(&m);
	expect_gap(&f, "consented");
	m = relaxation();
	m.has_health_changed = 0;
	expect_gap(&f, "health_changed");
	m.has_health_changed = m.health_changed = 1;
	expect_gap(&f, "health_change");
	m.health_change = (char[]){ "a new knee" };
	expect_gap(&f, NULL);
	m = relaxation();
	m.contraindications_considered = 0;
	expect_gap(&f, "contraindications_considered");
	m = relaxation();
	m.has_draped_as_consented = 0;
	expect_gap(&f, "draped_as_consented");
	m = relaxation();
	m.next_as_needed = 0;
	expect_gap(&f, "next_in_days");
	m.has_next_in_days = 1;
	expect_gap(&f, NULL);
	f.treatment_count = 0;
	expect_gap(&f, "treatments");
	m.has_treatment_not_done = 1;
	expect_gap(&f, NULL);
}

/* "None" and a list are two stories. */
static void test_BC2_adverse_events_are_none_or_listed(void **state)
{
	(void)state;
	Roomkeep__SessionChart m = relaxation();
	struct session_facts f = facts_of(&m);
	f.adverse_count = 1;
	expect_gap(&f, "no_adverse_event");
	m.no_adverse_event = 0;
	expect_gap(&f, NULL);
	f.adverse_count = 0;
	expect_gap(&f, "no_adverse_event");
}

/* With a complaint pain, change and red flags are asked for; each "not done" has its reason. */
static void test_BC2_a_complaint_asks_for_more(void **state)
{
	(void)state;
	Roomkeep__SessionChart m = relaxation();
	const struct session_facts f = facts_of(&m);
	struct session_gap gaps[SESSION_GAPS_MAX];
	m.no_complaint = 0;
	m.has_episode_id = 1;
	assert_int_equal(session_find_gaps(&f, gaps), 3);
	m.has_pain_now = 1;
	m.has_change_since = 1;
	expect_gap(&f, "red_flags");
	m.has_red_flags = 1;
	expect_gap(&f, NULL);
	m.has_pain_now = m.has_change_since = m.has_red_flags = 0;
	m.has_pain_not_done = m.has_change_not_done = m.has_red_flags_not_done = 1;
	expect_gap(&f, NULL);
	m.has_health_changed = 0;
	expect_gap(&f, "health_changed");
	m.has_health_not_done = 1;
	expect_gap(&f, NULL);
}

static void test_BC2_the_first_session_has_nothing_to_compare_with(void **state)
{
	(void)state;
	Roomkeep__SessionChart m = relaxation();
	struct session_facts f = facts_of(&m);
	m.no_complaint = 0;
	m.has_episode_id = m.has_pain_now = m.has_red_flags = 1;
	expect_gap(&f, "change_since");
	f.is_first = true;
	expect_gap(&f, NULL);
}

/* 3h: areas that need a consent of their own, by region and by working inside the mouth. */
static void test_3h_a_sensitive_area_needs_its_consent(void **state)
{
	(void)state;
	Roomkeep__SessionChart m = relaxation();
	struct session_facts f = facts_of(&m);
	Roomkeep__Treatment__Technique mouth[] = { ROOMKEEP__TREATMENT__TECHNIQUE__STRETCH,
						   ROOMKEEP__TREATMENT__TECHNIQUE__INTRA_ORAL };
	Roomkeep__Treatment t = ROOMKEEP__TREATMENT__INIT;
	t.region = ROOMKEEP__TREATMENT__REGION__NECK;
	assert_int_equal(session_areas_of(&t), 0);
	t.region = ROOMKEEP__TREATMENT__REGION__GLUTEAL;
	f.areas_treated = session_areas_of(&t);
	expect_gap(&f, "consent gluteal");
	f.areas_consented = SESSION_AREA_BIT(ROOMKEEP__CONSENT__AREA__ABDOMEN);
	expect_gap(&f, "consent gluteal");
	f.areas_consented |= SESSION_AREA_BIT(ROOMKEEP__CONSENT__AREA__GLUTEAL);
	expect_gap(&f, NULL);
	t.region = ROOMKEEP__TREATMENT__REGION__JAW;
	t.technique = mouth;
	t.n_technique = 2;
	f.areas_treated = session_areas_of(&t);
	expect_gap(&f, "consent intra_oral");
}

static void test_3h_each_sensitive_region_asks_for_its_own_consent(void **state)
{
	(void)state;
	static const struct {
		Roomkeep__Treatment__Region region;
		const char *gap;
	} rows[] = {
		{ ROOMKEEP__TREATMENT__REGION__CHEST, "consent chest_wall" },
		{ ROOMKEEP__TREATMENT__REGION__BREAST, "consent breast_tissue" },
		{ ROOMKEEP__TREATMENT__REGION__GLUTEAL, "consent gluteal" },
		{ ROOMKEEP__TREATMENT__REGION__INNER_THIGH, "consent inner_thigh" },
		{ ROOMKEEP__TREATMENT__REGION__ABDOMEN, "consent abdomen" },
		{ ROOMKEEP__TREATMENT__REGION__COCCYX, "consent coccyx" },
	};
	const Roomkeep__SessionChart m = relaxation();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct session_facts f = facts_of(&m);
		Roomkeep__Treatment t = ROOMKEEP__TREATMENT__INIT;
		t.region = rows[i].region;
		f.areas_treated = session_areas_of(&t);
		expect_gap(&f, rows[i].gap);
	}
}

/* Every area of the consents can be asked for by name. */
static void test_3h_every_area_has_its_words(void **state)
{
	(void)state;
	const ProtobufCEnumDescriptor *areas = &roomkeep__consent__area__descriptor;
	const Roomkeep__SessionChart m = relaxation();
	for (unsigned i = 0; i < areas->n_values; i++) {
		struct session_facts f = facts_of(&m);
		if (areas->values[i].value == 0) continue;
		f.areas_treated = SESSION_AREA_BIT(areas->values[i].value);
		const char *gap = gap_of(&f);
		assert_non_null(gap);
		assert_memory_equal(gap, "consent ", 8);
	}
}

/* What is offered exists, is optional, and is nothing that was felt, agreed or done that day. */
static void test_what_is_carried_forward_is_not_of_the_day(void **state)
{
	(void)state;
	static const char *const never[] = { "pain_now",
					     "change_since",
					     "health_changed",
					     "red_flags",
					     "consented",
					     "contraindications_considered",
					     "no_adverse_event",
					     "own_words",
					     "arrived_ms",
					     "draped_as_consented",
					     "receipt_number",
					     "shown",
					     "pain_not_done",
					     "booked_next",
					     "reentered_from",
					     "stopped_ms",
					     "health_change",
					     "session_id",
					     "treatment_not_done",
					     "comfort_after",
					     "asleep" };
	const struct kind_info *info = kind_find(KIND_SESSION_CHART);
	size_t count = 0;
	for (; session_carry_at(count) != NULL; count++) {
		const struct field_rule *rule =
			field_find(info->fields, info->field_count, session_carry_at(count));
		assert_non_null(rule);
		assert_int_equal(rule->need, FIELD_OPTIONAL);
		assert_true(session_may_carry(view_str(session_carry_at(count))));
	}
	assert_true(count >= 10);
	for (size_t i = 0; i < COUNT_OF(never); i++) {
		assert_non_null(field_find(info->fields, info->field_count, never[i]));
		assert_false(session_may_carry(view_str(never[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_BC2_an_empty_session_lacks_all_of_it_at_once),
		cmocka_unit_test(test_BC2_the_least_of_a_visit_for_relaxation),
		cmocka_unit_test(test_BC2_each_field_is_missed),
		cmocka_unit_test(test_BC2_adverse_events_are_none_or_listed),
		cmocka_unit_test(test_BC2_a_complaint_asks_for_more),
		cmocka_unit_test(test_BC2_the_first_session_has_nothing_to_compare_with),
		cmocka_unit_test(test_3h_a_sensitive_area_needs_its_consent),
		cmocka_unit_test(test_3h_each_sensitive_region_asks_for_its_own_consent),
		cmocka_unit_test(test_3h_every_area_has_its_words),
		cmocka_unit_test(test_what_is_carried_forward_is_not_of_the_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
