/* DOMAIN 4.8 as records: a link is seen from both charts and never changes its two patients; a
 * grant is one way and never clinical. */
#include "record/guard_record.h"

#include "record/law.h"
#include "record/record_fold.h"
#include "unit/record/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct record_error error;

static Roomkeep__FamilyLink link_of(uint8_t patient, uint8_t relative)
{
	Roomkeep__FamilyLink m = ROOMKEEP__FAMILY_LINK__INIT;
	SAMPLE_SET(&m, family_link_id, sample_id(1));
	SAMPLE_SET(&m, patient_id, sample_id(patient));
	SAMPLE_SET(&m, relative_id, sample_id(relative));
	SAMPLE_SET(&m, kin, ROOMKEEP__FAMILY_LINK__KIN__CHILD);
	return m;
}

static enum err change(enum kind kind, const ProtobufCMessage *before, const ProtobufCMessage *op)
{
	error = (struct record_error){ ERR_OK, NULL, NULL };
	return record_check_change(kind_find((uint64_t)kind), before, op, LAW_BIT(LAW_DEFAULT),
				   &error);
}

static void test_a_link_is_seen_from_both_charts(void **state)
{
	(void)state;
	Roomkeep__FamilyLink m = link_of(2, 3);
	struct guard_link l;
	assert_true(guard_link_read(&m.base, &(struct id){ { 2 } }, &l));
	assert_int_equal(l.kin, GUARD_KIN_CHILD);
	assert_int_equal(l.relative.b[0], 3);
	assert_int_equal(l.known_by, GUARD_SIDE_BIT(GUARD_SIDE_THERAPIST));
	assert_true(guard_link_read(&m.base, &(struct id){ { 3 } }, &l));
	assert_int_equal(l.kin, GUARD_KIN_PARENT);
	assert_int_equal(l.relative.b[0], 2);
	assert_false(guard_link_read(&m.base, &(struct id){ { 4 } }, &l));
	m.ended_on = sample_text("2026-11-01");
	assert_false(guard_link_read(&m.base, &(struct id){ { 2 } }, &l));
}

static void test_a_link_for_the_desk_is_known_to_both_sides(void **state)
{
	(void)state;
	Roomkeep__DeskFamilyLink m = ROOMKEEP__DESK_FAMILY_LINK__INIT;
	struct guard_link l;
	SAMPLE_SET(&m, patient_id, sample_id(2));
	SAMPLE_SET(&m, relative_id, sample_id(3));
	SAMPLE_SET(&m, kin, ROOMKEEP__FAMILY_LINK__KIN__FORMER);
	assert_true(guard_link_read(&m.base, &(struct id){ { 2 } }, &l));
	assert_int_equal(l.known_by,
			 GUARD_SIDE_BIT(GUARD_SIDE_THERAPIST) | GUARD_SIDE_BIT(GUARD_SIDE_DESK));
	assert_true(l.split); /* rule 8 */
}

static void test_a_link_keeps_its_two_patients(void **state)
{
	(void)state;
	const Roomkeep__FamilyLink m = link_of(2, 3);
	const Roomkeep__FamilyLink other = link_of(2, 4);
	const Roomkeep__FamilyLink self = link_of(2, 2);
	assert_int_equal(change(KIND_FAMILY_LINK, NULL, &m.base), ERR_OK);
	assert_int_equal(change(KIND_FAMILY_LINK, &m.base, &m.base), ERR_OK);
	assert_int_equal(change(KIND_FAMILY_LINK, &m.base, &other.base), ERR_BAD_VALUE);
	assert_string_equal(error.field, "relative_id");
	assert_int_equal(change(KIND_FAMILY_LINK, NULL, &self.base), ERR_BAD_VALUE);
	assert_string_equal(error.allowed, "another patient");
}

static void test_a_grant_is_one_way_and_dated(void **state)
{
	(void)state;
	Roomkeep__SharingGrant__Scope scope[] = { ROOMKEEP__SHARING_GRANT__SCOPE__BOOKING };
	Roomkeep__SharingGrant m = ROOMKEEP__SHARING_GRANT__INIT;
	struct guard_grant g;
	SAMPLE_SET(&m, sharing_grant_id, sample_id(1));
	SAMPLE_SET(&m, patient_id, sample_id(2));
	SAMPLE_SET(&m, to_id, sample_id(2));
	m.scope = scope;
	m.n_scope = 1;
	m.given_on = sample_text("2026-11-01");
	assert_int_equal(change(KIND_SHARING_GRANT, NULL, &m.base), ERR_BAD_VALUE);
	assert_string_equal(error.field, "to_id");
	m.to_id = sample_id(3);
	assert_int_equal(change(KIND_SHARING_GRANT, NULL, &m.base), ERR_OK);
	m.expires_on = sample_text("2026-10-31");
	assert_int_equal(change(KIND_SHARING_GRANT, NULL, &m.base), ERR_BAD_VALUE);
	assert_string_equal(error.field, "expires_on");
	m.expires_on = NULL;
	guard_grant_read(&m, false, 0, &g);
	const struct id from = { { 2 } };
	const struct id to = { { 3 } };
	assert_true(guard_may_share(&g, 1, &from, &to, GUARD_SEE_BOOKING, g.given_on));
	assert_false(guard_may_share(&g, 1, &to, &from, GUARD_SEE_BOOKING, g.given_on));
	assert_false(guard_may_share(&g, 1, &from, &to, GUARD_SEE_NOTE, g.given_on));
	m.revoked_on = sample_text("2026-11-02");
	guard_grant_read(&m, false, 0, &g);
	assert_string_equal(guard_grant_state_name(guard_grant_state_at(&g, g.given_on)),
			    "revoked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_link_is_seen_from_both_charts),
		cmocka_unit_test(test_a_link_for_the_desk_is_known_to_both_sides),
		cmocka_unit_test(test_a_link_keeps_its_two_patients),
		cmocka_unit_test(test_a_grant_is_one_way_and_dated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
