#include "record/lockbox_record.h"

#include "base/check.h"
#include "record/access.h"
#include "record/kinds.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW 1900000000000u

static const struct id ana = { { 1 } };
static const struct id bo = { { 2 } };
static const struct id maya = { { 3 } };
static const struct id ben = { { 4 } };
static const struct id session = { { 5 } };
static const struct id record = { { 6 } };

static struct lockbox_bar bar_of(enum lockbox_scope scope)
{
	return (struct lockbox_bar){ .directive_id = { { 9 } },
				     .patient_id = maya,
				     .scope = scope,
				     .user_id = ana,
				     .from_ms = NOW - 1000,
				     .until_ms = UINT64_MAX };
}

static struct lockbox_item item_of(enum kind kind)
{
	return (struct lockbox_item){ .kind = (uint64_t)kind,
				      .patient_id = maya,
				      .written_ms = NOW - 5000 };
}

static bool withheld(struct lockbox_bar bar, struct lockbox_item item, struct lockbox_reader r)
{
	const struct lockbox box = { .bars = &bar, .bar_count = 1 };
	return lockbox_withholds(&box, &r, &item);
}

static const struct lockbox_reader is_ana = { .user_id = { { 1 } },
					      .roles = ROLE_THERAPIST,
					      .now_ms = NOW };

static void test_a_record_is_withheld_from_one_person(void **state)
{
	(void)state;
	struct lockbox_reader is_bo = is_ana;
	struct lockbox_item other = item_of(KIND_ALERT);
	is_bo.user_id = bo;
	other.patient_id = ben;
	assert_true(withheld(bar_of(LOCKBOX_RECORD), item_of(KIND_ALERT), is_ana));
	assert_true(withheld(bar_of(LOCKBOX_RECORD), item_of(KIND_SESSION_TEXT), is_ana));
	assert_false(withheld(bar_of(LOCKBOX_RECORD), item_of(KIND_ALERT), is_bo));
	assert_false(withheld(bar_of(LOCKBOX_RECORD), other, is_ana));
}

/* The house works on: who it is, that there was a visit, bookings; and notes are nobody else's. */
static void test_what_is_not_clinical_is_not_withheld(void **state)
{
	(void)state;
	const enum kind kinds[] = { KIND_PATIENT,     KIND_SESSION_FRAME, KIND_OPENED,
				    KIND_APPOINTMENT, KIND_COMFORT,       KIND_NOTE,
				    KIND_REVIEW_MARK, KIND_FAMILY_LINK };
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		assert_false(withheld(bar_of(LOCKBOX_RECORD), item_of(kinds[i]), is_ana));
}

static void test_scopes(void **state)
{
	(void)state;
	struct lockbox_item in_session = item_of(KIND_MOOD_READ);
	struct lockbox_item alone = item_of(KIND_ALERT);
	struct lockbox_bar item = bar_of(LOCKBOX_ITEM);
	in_session.session_id = session;
	alone.record_id = record;
	assert_true(withheld(bar_of(LOCKBOX_SESSIONS), in_session, is_ana));
	assert_false(withheld(bar_of(LOCKBOX_SESSIONS), alone, is_ana));
	item.item_id = record;
	assert_true(withheld(item, alone, is_ana));
	assert_false(withheld(item, in_session, is_ana));
	item.item_id = session;
	assert_true(withheld(item, in_session, is_ana));
	item.item_id =
		(struct id){ { 0 } }; /* names nothing, and so not everything without an id */
	assert_false(withheld(item, item_of(KIND_ALERT), is_ana));
}

static void test_a_role(void **state)
{
	(void)state;
	struct lockbox_bar bar = bar_of(LOCKBOX_RECORD);
	struct lockbox_reader reader = is_ana;
	bar.user_id = (struct id){ { 0 } };
	bar.role = ROLE_STUDENT;
	assert_false(withheld(bar, item_of(KIND_ALERT), reader));
	reader.roles |= ROLE_STUDENT;
	assert_true(withheld(bar, item_of(KIND_ALERT), reader));
}

static void test_times(void **state)
{
	(void)state;
	struct lockbox_bar bar = bar_of(LOCKBOX_RECORD);
	bar.from_ms = NOW;
	bar.until_ms = NOW + 1;
	assert_true(withheld(bar, item_of(KIND_ALERT), is_ana));
	bar.until_ms = NOW;
	assert_false(withheld(bar, item_of(KIND_ALERT), is_ana));
	bar.until_ms = UINT64_MAX;
	bar.from_ms = NOW + 1;
	assert_false(withheld(bar, item_of(KIND_ALERT), is_ana));
}

/* Recording goes on: what was written since, and a session that is not signed yet. */
static void test_what_must_be_recorded_stays_with_its_author(void **state)
{
	(void)state;
	struct lockbox_item own = item_of(KIND_ALERT);
	own.own = true;
	assert_true(withheld(bar_of(LOCKBOX_RECORD), own, is_ana));
	own.written_ms = NOW - 1000;
	assert_false(withheld(bar_of(LOCKBOX_RECORD), own, is_ana));
	own.written_ms = NOW - 1001;
	assert_true(withheld(bar_of(LOCKBOX_RECORD), own, is_ana));
	own.own_draft = true;
	assert_false(withheld(bar_of(LOCKBOX_RECORD), own, is_ana));
	own.own = false; /* somebody else's words in it are */
	assert_true(withheld(bar_of(LOCKBOX_RECORD), own, is_ana));
}

static void test_an_opening_is_for_one_person_one_patient_and_an_hour(void **state)
{
	(void)state;
	struct lockbox_bar bar = bar_of(LOCKBOX_RECORD);
	struct lockbox_opening opening = { .user_id = ana,
					   .patient_id = maya,
					   .until_ms = NOW + 1 };
	const struct lockbox box = { &bar, 1, &opening, 1 };
	const struct lockbox_item item = item_of(KIND_ALERT);
	assert_false(lockbox_withholds(&box, &is_ana, &item));
	assert_false(lockbox_withholds_any(&box, &is_ana, &maya));
	opening.until_ms = NOW;
	assert_true(lockbox_withholds(&box, &is_ana, &item));
	assert_true(lockbox_withholds_any(&box, &is_ana, &maya));
	opening.until_ms = NOW + 1;
	opening.patient_id = ben;
	assert_true(lockbox_withholds(&box, &is_ana, &item));
	opening.patient_id = maya;
	opening.user_id = bo;
	assert_true(lockbox_withholds(&box, &is_ana, &item));
}

static void test_the_version_changes_with_what_is_withheld(void **state)
{
	(void)state;
	struct lockbox_bar bars[2] = { bar_of(LOCKBOX_RECORD), bar_of(LOCKBOX_RECORD) };
	struct lockbox_opening opening = { .user_id = ana,
					   .patient_id = maya,
					   .until_ms = NOW + 9 };
	struct lockbox box = { .bars = bars, .openings = &opening };
	bars[1].directive_id = (struct id){ { 8 } };
	assert_int_equal(lockbox_version(&box, &is_ana, 7), 7);
	box.bar_count = 1;
	const uint64_t one = lockbox_version(&box, &is_ana, 7);
	box.bar_count = 2;
	const uint64_t two = lockbox_version(&box, &is_ana, 7);
	box.opening_count = 1;
	const uint64_t open = lockbox_version(&box, &is_ana, 7);
	opening.until_ms++;
	const uint64_t longer = lockbox_version(&box, &is_ana, 7);
	const uint64_t all[] = { 7, one, two, open, longer, lockbox_version(&box, &is_ana, 8) };
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_true(all[i] <= INT64_MAX);
		for (size_t k = 0; k < i; k++) assert_int_not_equal(all[i], all[k]);
	}
	struct lockbox_reader is_bo = is_ana;
	is_bo.user_id = bo;
	assert_int_equal(lockbox_version(&box, &is_bo, 7), 7);
}

/* ---- records --------------------------------------------------------------------------------- */

static Roomkeep__Directive directive(void)
{
	Roomkeep__Directive m = ROOMKEEP__DIRECTIVE__INIT;
	m.has_directive_id = m.has_patient_id = m.has_scope = m.has_against = 1;
	m.directive_id = wire_id_bytes(&record);
	m.patient_id = wire_id_bytes(&maya);
	m.scope = ROOMKEEP__DIRECTIVE__SCOPE__RECORD;
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__PERSON;
	return m;
}

static void expect_field(const Roomkeep__Directive *m, const char *field)
{
	struct record_error error = { .err = ERR_OK };
	const struct kind_info *info = kind_find(KIND_DIRECTIVE);
	assert_int_equal(info->check(&m->base, &error), ERR_BAD_VALUE);
	assert_string_equal(error.field, field);
}

static void test_a_directive_names_what_it_needs(void **state)
{
	(void)state;
	struct record_error error = { .err = ERR_OK };
	char name[] = "Harbour Mutual";
	Roomkeep__Directive m = directive();
	expect_field(&m, "user_id");
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__ROLE;
	expect_field(&m, "role");
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__RECIPIENT;
	expect_field(&m, "recipient");
	m.recipient = name;
	m.scope = ROOMKEEP__DIRECTIVE__SCOPE__ITEM;
	expect_field(&m, "item_id");
	m.scope = ROOMKEEP__DIRECTIVE__SCOPE__SESSIONS;
	m.has_from_ms = m.has_until_ms = 1;
	m.from_ms = m.until_ms = NOW;
	expect_field(&m, "until_ms");
	m.until_ms++;
	assert_int_equal(kind_find(KIND_DIRECTIVE)->check(&m.base, &error), ERR_OK);
}

static void test_a_directive_becomes_a_bar(void **state)
{
	(void)state;
	struct lockbox_bar bar;
	Roomkeep__Directive m = directive();
	m.has_user_id = 1;
	m.user_id = wire_id_bytes(&ana);
	assert_true(lockbox_bar_read(&m, NOW, &bar));
	assert_int_equal(bar.from_ms, NOW);
	assert_true(bar.until_ms == UINT64_MAX);
	assert_true(id_equal(&bar.user_id, &ana));
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__ROLE;
	m.has_role = 1;
	m.role = ROOMKEEP__DIRECTIVE__ROLE__LEAD;
	assert_true(lockbox_bar_read(&m, NOW, &bar));
	assert_true(id_is_zero(&bar.user_id));
	assert_int_equal(bar.role, ROLE_LEAD);
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__RECIPIENT;
	assert_false(lockbox_bar_read(&m, NOW, &bar));
}

static void test_a_recipient_outside_is_known_by_its_name(void **state)
{
	(void)state;
	char name[] = "Harbour Mutual";
	Roomkeep__Directive m = directive();
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__RECIPIENT;
	m.recipient = name;
	assert_true(lockbox_is_against_recipient(&m, view_str("harbour  MUTUAL"), 0, NOW));
	assert_false(lockbox_is_against_recipient(&m, view_str("Harbour"), 0, NOW));
	m.has_until_ms = 1;
	m.until_ms = NOW;
	assert_false(lockbox_is_against_recipient(&m, view_str("Harbour Mutual"), 0, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_is_withheld_from_one_person),
		cmocka_unit_test(test_what_is_not_clinical_is_not_withheld),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_a_role),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_what_must_be_recorded_stays_with_its_author),
		cmocka_unit_test(test_an_opening_is_for_one_person_one_patient_and_an_hour),
		cmocka_unit_test(test_the_version_changes_with_what_is_withheld),
		cmocka_unit_test(test_a_directive_names_what_it_needs),
		cmocka_unit_test(test_a_directive_becomes_a_bar),
		cmocka_unit_test(test_a_recipient_outside_is_known_by_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
