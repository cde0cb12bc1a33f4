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
	m.ended_on = wire_text("2026-11-01");
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
	m.given_on = wire_text("2026-11-01");
	assert_int_equal(change(KIND_SHARING_GRANT, NULL, &m.base), ERR_BAD_VALUE);
	assert_string_equal(error.field, "to_id");
	m.to_id = sample_id(3);
	assert_int_equal(change(KIND_SHARING_GRANT, NULL, &m.base), ERR_OK);
	m.expires_on = wire_text("2026-10-31");
	assert_int_equal(change(KIND_SHARING_GRANT, NULL, &m.base), ERR_BAD_VALUE);
	assert_string_equal(error.field, "expires_on");
	m.expires_on = NULL;
	guard_grant_read(&m, false, 0, &g);
	const struct id from = { { 2 } };
	const struct id to = { { 3 } };
	assert_true(guard_may_share(&g, 1, &from, &to, GUARD_SEE_BOOKING, g.given_on));
	assert_false(guard_may_share(&g, 1, &to, &from, GUARD_SEE_BOOKING, g.given_on));
	assert_false(guard_may_share(&g, 1, &from, &to, GUARD_SEE_NOTE, g.given_on));
	m.revoked_on = wire_text("2026-11-02");
	guard_grant_read(&m, false, 0, &g);
	assert_string_equal(guard_grant_state_name(guard_grant_state_at(&g, g.given_on)),
			    "revoked");
}

/* A tombstone may take an id away: half a link joins nobody, half a grant gives nothing. */
static void test_what_was_torn_guards_and_gives_nothing(void **state)
{
	(void)state;
	const struct id patient = { { 2 } };
	const struct id relative = { { 3 } };
	Roomkeep__FamilyLink m = link_of(2, 3);
	Roomkeep__DeskFamilyLink d = ROOMKEEP__DESK_FAMILY_LINK__INIT;
	Roomkeep__SharingGrant g = ROOMKEEP__SHARING_GRANT__INIT;
	Roomkeep__SharingGrant__Scope scope[] = { ROOMKEEP__SHARING_GRANT__SCOPE__BOOKING };
	struct guard_link l;
	struct guard_grant grant;
	m.relative_id.len = 0;
	assert_false(guard_link_read(&m.base, &patient, &l));
	/* What it was is not known any more: the change is taken. */
	const Roomkeep__FamilyLink whole = link_of(2, 3);
	assert_int_equal(change(KIND_FAMILY_LINK, &m.base, &whole.base), ERR_OK);
	m.patient_id.len = 0;
	assert_false(guard_link_read(&m.base, &patient, &l));
	SAMPLE_SET(&d, patient_id, sample_id(2));
	assert_false(guard_link_read(&d.base, &patient, &l));
	SAMPLE_SET(&d, relative_id, sample_id(3));
	assert_true(guard_link_read(&d.base, &patient, &l));
	assert_int_equal(l.kin, GUARD_KIN_OTHER); /* nobody says what they are */
	d.patient_id.len = 0;
	assert_false(guard_link_read(&d.base, &patient, &l));

	g.scope = scope;
	g.n_scope = 1;
	guard_grant_read(&g, false, 0, &grant);
	assert_true(id_is_zero(&grant.from) && id_is_zero(&grant.to));
	assert_true(grant.revoked); /* given on no day */
	SAMPLE_SET(&g, patient_id, sample_id(2));
	SAMPLE_SET(&g, to_id, sample_id(3));
	guard_grant_read(&g, false, 0, &grant);
	assert_false(guard_may_share(&grant, 1, &patient, &relative, GUARD_SEE_BOOKING, 20000));
}

static void test_a_split_is_said_of_any_kin(void **state)
{
	(void)state;
	Roomkeep__FamilyLink m = link_of(2, 3);
	struct guard_link l;
	assert_true(guard_link_read(&m.base, &(struct id){ { 2 } }, &l));
	assert_false(l.split);
	SAMPLE_SET(&m, split, true);
	assert_true(guard_link_read(&m.base, &(struct id){ { 2 } }, &l));
	assert_true(l.split);
}

static void test_a_grant_keeps_whom_it_was_given_to(void **state)
{
	(void)state;
	Roomkeep__SharingGrant__Scope scope[] = { ROOMKEEP__SHARING_GRANT__SCOPE__BOOKING };
	Roomkeep__SharingGrant m = ROOMKEEP__SHARING_GRANT__INIT;
	SAMPLE_SET(&m, sharing_grant_id, sample_id(1));
	SAMPLE_SET(&m, patient_id, sample_id(2));
	SAMPLE_SET(&m, to_id, sample_id(3));
	m.scope = scope;
	m.n_scope = 1;
	m.given_on = wire_text("2026-11-02");
	Roomkeep__SharingGrant op = ROOMKEEP__SHARING_GRANT__INIT;
	SAMPLE_SET(&op, sharing_grant_id, sample_id(1));
	SAMPLE_SET(&op, patient_id, sample_id(2));
	SAMPLE_SET(&op, to_id, sample_id(3));
	op.revoked_on = wire_text("2026-11-01");
	assert_int_equal(change(KIND_SHARING_GRANT, &m.base, &op.base), ERR_BAD_VALUE);
	assert_string_equal(error.field, "revoked_on");
	op.revoked_on = wire_text("2026-11-02");
	assert_int_equal(change(KIND_SHARING_GRANT, &m.base, &op.base), ERR_OK);
	SAMPLE_SET(&op, to_id, sample_id(4));
	assert_int_equal(change(KIND_SHARING_GRANT, &m.base, &op.base), ERR_BAD_VALUE);
	assert_string_equal(error.field, "to_id");
	assert_string_equal(error.allowed, "the patient it was given to");
	/* Its first op was erased: what it was for is not known, and nothing can be asked of it. */
	Roomkeep__SharingGrant torn = ROOMKEEP__SHARING_GRANT__INIT;
	SAMPLE_SET(&torn, to_id, sample_id(3));
	op.to_id = sample_id(3);
	assert_int_equal(change(KIND_SHARING_GRANT, &torn.base, &op.base), ERR_OK);
}

static void test_each_state_of_a_grant_has_a_name(void **state)
{
	(void)state;
	const struct {
		enum guard_grant_state state;
		const char *name;
	} rows[] = { { GUARD_GRANT_VALID, "valid" },
		     { GUARD_GRANT_NOT_YET, "not_yet" },
		     { GUARD_GRANT_REVOKED, "revoked" },
		     { GUARD_GRANT_EXPIRED, "expired" },
		     { GUARD_GRANT_LAPSED, "lapsed" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(guard_grant_state_name(rows[i].state), rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_link_is_seen_from_both_charts),
		cmocka_unit_test(test_a_link_for_the_desk_is_known_to_both_sides),
		cmocka_unit_test(test_a_link_keeps_its_two_patients),
		cmocka_unit_test(test_a_grant_is_one_way_and_dated),
		cmocka_unit_test(test_what_was_torn_guards_and_gives_nothing),
		cmocka_unit_test(test_a_split_is_said_of_any_kin),
		cmocka_unit_test(test_a_grant_keeps_whom_it_was_given_to),
		cmocka_unit_test(test_each_state_of_a_grant_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
