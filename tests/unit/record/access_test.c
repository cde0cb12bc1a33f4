#include "record/access.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct id me = { { 1 } };
static const struct id other = { { 2 } };
static const struct id patient = { { 3 } };

static const uint64_t all_kinds[] = { KIND_PATIENT,
				      KIND_SESSION_FRAME,
				      KIND_SESSION_TEXT,
				      KIND_MEASURE,
				      KIND_SIGN,
				      KIND_ADDENDUM,
				      KIND_OPENED,
				      KIND_PATIENT_DETAIL,
				      KIND_COMFORT,
				      KIND_PREFERENCE,
				      KIND_ALERT,
				      KIND_HEALTH_ANSWER,
				      KIND_EPISODE,
				      KIND_PATIENT_MERGE,
				      KIND_THIRD_PARTY_SPAN,
				      KIND_MOOD_READ,
				      KIND_PROMISE,
				      KIND_TALK_ABOUT,
				      KIND_CONSENT,
				      KIND_TOUCH,
				      KIND_REFERRAL,
				      KIND_REQUEST,
				      KIND_DISCLOSURE,
				      KIND_INCIDENT,
				      KIND_STATEMENT,
				      KIND_LEGAL_HOLD,
				      KIND_FAMILY_LINK,
				      KIND_PROVIDER,
				      KIND_SHARING_GRANT,
				      KIND_APPOINTMENT,
				      KIND_SHIFT,
				      KIND_CLOSED_DAY,
				      KIND_ROOM_SETTING,
				      KIND_WAITLIST_ITEM,
				      KIND_STAFF_PROFILE,
				      KIND_DESK_FAMILY_LINK,
				      KIND_CLINIC_PROFILE,
				      KIND_DIRECTIVE,
				      KIND_DIRECTIVE_END,
				      KIND_OVERRIDE,
				      KIND_REVIEW_MARK,
				      KIND_COSIGN,
				      KIND_NOTE,
				      KIND_SEALED_TOMBSTONE,
				      9,
				      65,
				      66,
				      1000 };

static bool reads(uint64_t kind, uint64_t roles, bool is_author)
{
	const struct access_read q = { .kind = kind, .roles = roles, .is_author = is_author };
	return access_may_read(&q);
}

/* The table of SECURITY 3.4 again, written down by hand. */
static bool table_reads(uint64_t kind, uint64_t roles, bool is_author)
{
	const bool therapist = (roles & (2 | 16 | 32)) != 0; /* or lead, or student */
	const bool desk = (roles & 4) != 0;
	if (kind == 61) return (roles & (1 | 16)) != 0;
	if (kind >= 58 && kind <= 62) return therapist;
	if (kind == 1) return therapist || desk;
	if (kind >= 2 && kind <= 6) return therapist;
	if (kind == 16 || kind == 17 || kind == 29 || kind == 48) return therapist || desk;
	if ((kind >= 18 && kind <= 21) || kind == 30) return therapist;
	if (kind >= 32 && kind <= 36) return therapist;
	if (kind == 44 || kind == 49 || kind == 56) return therapist || desk;
	if (kind >= 41 && kind <= 47) return therapist;
	if (kind == 50 || kind == 54) return therapist || desk;
	if ((kind >= 51 && kind <= 55) || kind == 57) return (roles & (1 | 2 | 4 | 16 | 32)) != 0;
	return is_author;
}

static void test_reading_follows_the_table_for_every_set_of_roles(void **state)
{
	(void)state;
	for (uint64_t roles = 0; roles < 64; roles++) {
		for (size_t i = 0; i < COUNT_OF(all_kinds); i++) {
			for (int own = 0; own < 2; own++) {
				assert_int_equal(reads(all_kinds[i], roles, own == 1),
						 table_reads(all_kinds[i], roles, own == 1));
			}
		}
		assert_int_equal(access_may_read_patients(roles), (roles & 54) != 0);
		assert_int_equal(access_may_read_sessions(roles), (roles & 50) != 0);
	}
}

static void test_no_role_opens_another_persons_note(void **state)
{
	(void)state;
	for (uint64_t roles = 0; roles < 64; roles++) {
		assert_false(reads(KIND_NOTE, roles, false));
		assert_false(reads(KIND_SEALED_TOMBSTONE, roles, false));
		assert_false(reads(KIND_OPENED, roles, false));
		assert_true(reads(KIND_NOTE, roles, true));
	}
}

static void test_a_tombstone_is_read_with_its_target(void **state)
{
	(void)state;
	struct access_read q = { .kind = KIND_TOMBSTONE, .roles = ROLE_DESK };
	q.target_kind = KIND_PATIENT;
	assert_true(access_may_read(&q));
	q.target_kind = KIND_SESSION_TEXT;
	assert_false(access_may_read(&q));
	q.roles = ROLE_THERAPIST;
	assert_true(access_may_read(&q));
	q.target_kind = KIND_NOTE;
	assert_false(access_may_read(&q));
	q.target_kind = 0; /* not known */
	assert_false(access_may_read(&q));
	q.is_author = true;
	assert_true(access_may_read(&q));
}

static enum err writes(struct access_write q, uint64_t kind, uint64_t roles)
{
	q.kind = kind;
	q.roles = roles;
	q.author_id = me;
	return access_may_write(&q);
}

static struct access_write session_of(struct id therapist, bool imported)
{
	return (struct access_write){ .session_exists = true,
				      .session_therapist = therapist,
				      .session_patient = patient,
				      .session_imported = imported,
				      .frame_patient = patient };
}

static void test_patients_are_written_by_therapist_and_desk(void **state)
{
	(void)state;
	const struct access_write none = { 0 };
	for (uint64_t roles = 0; roles < 64; roles++) {
		const enum err want = (roles & 54) != 0 ? ERR_OK : ERR_DENIED;
		assert_int_equal(writes(none, KIND_PATIENT, roles), want);
		assert_int_equal(writes(none, KIND_OPENED, roles), want);
		assert_int_equal(writes(none, KIND_NOTE, roles),
				 (roles & 34) != 0 ? ERR_OK : ERR_DENIED);
		assert_int_equal(writes(none, 1000, roles), roles == 0 ? ERR_DENIED : ERR_OK);
	}
}

static void test_clinical_kinds_in_own_sessions_only(void **state)
{
	(void)state;
	const uint64_t kinds[] = { KIND_SESSION_TEXT, KIND_MEASURE, KIND_SIGN };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		for (uint64_t roles = 0; roles < 64; roles++) {
			const bool therapist = (roles & 50) != 0; /* or lead, or student */
			const bool importer = (roles & 3) == 3;
			const enum err yes = therapist ? ERR_OK : ERR_DENIED;
			assert_int_equal(writes(session_of(me, false), kinds[i], roles), yes);
			assert_int_equal(writes(session_of(other, false), kinds[i], roles),
					 ERR_DENIED);
			assert_int_equal(writes(session_of(other, true), kinds[i], roles),
					 importer ? ERR_OK : ERR_DENIED);
			const struct access_write none = { 0 };
			assert_int_equal(writes(none, kinds[i], roles),
					 therapist ? ERR_NOT_FOUND : ERR_DENIED);
		}
	}
}

static void test_addenda_to_any_session(void **state)
{
	(void)state;
	assert_int_equal(writes(session_of(other, false), KIND_ADDENDUM, ROLE_THERAPIST), ERR_OK);
	assert_int_equal(writes(session_of(other, false), KIND_ADDENDUM, ROLE_OWNER | ROLE_DESK),
			 ERR_DENIED);
	const struct access_write none = { 0 };
	assert_int_equal(writes(none, KIND_ADDENDUM, ROLE_THERAPIST), ERR_NOT_FOUND);
}

static void test_a_new_frame_names_its_author_or_is_imported(void **state)
{
	(void)state;
	struct access_write q = { .frame_patient = patient };
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST), ERR_BAD_VALUE);
	q.frame_has_therapist = true;
	q.frame_therapist = me;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST), ERR_OK);
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_OWNER | ROLE_DESK), ERR_DENIED);
	q.frame_therapist = other;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST | ROLE_OWNER), ERR_DENIED);
	q.frame_has_imported = true;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST | ROLE_OWNER), ERR_DENIED);
	q.frame_imported = true;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST | ROLE_OWNER), ERR_OK);
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST), ERR_DENIED);
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_OWNER), ERR_DENIED);
}

static void test_a_students_frame_names_who_answers_for_it(void **state)
{
	(void)state;
	struct access_write q = { .frame_patient = patient,
				  .frame_has_therapist = true,
				  .frame_therapist = me };
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT), ERR_BAD_VALUE);
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT | ROLE_THERAPIST), ERR_OK);
	q.frame_has_supervisor = true;
	q.frame_supervisor = me;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT), ERR_BAD_VALUE);
	q.frame_supervisor = other;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT), ERR_OK);
	/* Who answers for it is never another one later. */
	q = session_of(me, false);
	q.session_supervisor = other;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT), ERR_OK);
	q.frame_has_supervisor = true;
	q.frame_supervisor = patient;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT), ERR_BAD_VALUE);
	q.frame_supervisor = other;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT), ERR_OK);
	q.session_supervisor = (struct id){ 0 };
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_STUDENT), ERR_BAD_VALUE);
}

static void test_a_frame_never_changes_hands(void **state)
{
	(void)state;
	struct access_write q = session_of(me, false);
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST), ERR_OK);
	q.frame_patient = other;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST), ERR_BAD_VALUE);
	q = session_of(me, false);
	q.frame_has_therapist = true;
	q.frame_therapist = me;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST), ERR_OK);
	q.frame_therapist = other;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST), ERR_BAD_VALUE);
	/* An owner cannot make somebody's session his by calling it imported. */
	q = session_of(other, false);
	q.frame_has_imported = true;
	q.frame_imported = true;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST | ROLE_OWNER), ERR_DENIED);
	q = session_of(me, false);
	q.frame_has_imported = true;
	q.frame_imported = true;
	assert_int_equal(writes(q, KIND_SESSION_FRAME, ROLE_THERAPIST | ROLE_OWNER), ERR_BAD_VALUE);
}

static void test_tombstones(void **state)
{
	(void)state;
	struct access_write q = { 0 };
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST), ERR_NOT_FOUND);
	q.target_exists = true;
	q.target_kind = KIND_MEASURE;
	q.target_author = me;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST), ERR_OK);
	q.target_signed = true;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST), ERR_SIGNED);
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_OWNER), ERR_OK);
	q.target_signed = false;
	q.target_author = other;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST), ERR_DENIED);
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_OWNER), ERR_OK);
	q.target_author = me;
	q.target_kind = KIND_SIGN;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST), ERR_SIGNED);
	q.target_kind = KIND_NOTE;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST | ROLE_OWNER), ERR_DENIED);
	assert_int_equal(writes(q, KIND_SEALED_TOMBSTONE, ROLE_THERAPIST), ERR_OK);
	q.target_author = other;
	assert_int_equal(writes(q, KIND_SEALED_TOMBSTONE, ROLE_THERAPIST | ROLE_OWNER), ERR_DENIED);
	q.target_author = me;
	q.target_kind = KIND_PATIENT;
	assert_int_equal(writes(q, KIND_SEALED_TOMBSTONE, ROLE_THERAPIST), ERR_DENIED);
	q.target_kind = KIND_TOMBSTONE;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_OWNER), ERR_DENIED);
	q.target_kind = KIND_DIRECTIVE;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST | ROLE_OWNER), ERR_DENIED);
	q.target_kind = KIND_OVERRIDE;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST | ROLE_OWNER), ERR_DENIED);
	q.target_kind = 1000;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_THERAPIST), ERR_OK);
	q.target_author = other;
	assert_int_equal(writes(q, KIND_TOMBSTONE, ROLE_OWNER), ERR_DENIED);
}

/* What a row may say at most: nothing clinical for the desk, no patient's record for admin or owner
 * alone. */
static void test_plain_records_stay_within_their_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		const struct access_write none = { 0 };
		if (!kind_is_plain(info)) continue;
		const uint64_t never = info->class == KIND_CLASS_CLINICAL
					       ? ROLE_DESK | ROLE_ADMIN | ROLE_OWNER
				       : info->patient_field != NULL ? ROLE_ADMIN | ROLE_OWNER
								     : ROLE_ADMIN;
		assert_true(info->class == KIND_CLASS_CLINICAL || info->class == KIND_CLASS_STAFF);
		for (uint64_t roles = 0; roles < 64; roles++) {
			const uint64_t kind = (uint64_t)info->kind;
			const bool may_read = (roles & info->read & ~never) != 0;
			const bool may_write = (roles & info->write & ~never) != 0;
			assert_int_equal(reads(kind, roles, false), may_read);
			/* No session is there: nobody's own. */
			const enum err ok = info->own_session ? ERR_NOT_FOUND : ERR_OK;
			assert_int_equal(writes(none, kind, roles), may_write ? ok : ERR_DENIED);
		}
		/* Who may write one may also see what it becomes. */
		assert_int_equal(info->write & ~info->read, 0);
		assert_int_equal((info->read | info->write) & never, 0);
	}
}

/* What a session holds is written by who treats in it, as its texts are. */
static void test_records_of_a_session_are_its_therapists(void **state)
{
	(void)state;
	const struct id theirs = { { 2 } };
	unsigned seen = 0;
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		const uint64_t kind = (uint64_t)info->kind;
		struct access_write q = { .session_exists = true, .session_therapist = me };
		if (!kind_is_plain(info) || !info->own_session) continue;
		assert_int_equal(writes(q, kind, ROLE_THERAPIST), ERR_OK);
		assert_int_equal(writes(q, kind, ROLE_DESK), ERR_DENIED);
		q.session_therapist = theirs;
		assert_int_equal(writes(q, kind, ROLE_THERAPIST), ERR_DENIED);
		assert_int_equal(writes(q, kind, ROLE_THERAPIST | ROLE_LEAD), ERR_DENIED);
		q.session_imported = true;
		assert_int_equal(writes(q, kind, ROLE_THERAPIST), ERR_DENIED);
		assert_int_equal(writes(q, kind, ROLE_THERAPIST | ROLE_OWNER), ERR_OK);
		seen++;
	}
	assert_int_equal(seen, 7);
}

/* A kind that was added and has no row in the table would stop the server. */
static void test_every_kind_has_an_answer(void **state)
{
	(void)state;
	const size_t count = kind_count();
	for (size_t i = 0; i < count; i++) {
		const struct access_write none = { 0 };
		const enum err e = writes(none, (uint64_t)kind_at(i)->kind, 63);
		assert_true(e == ERR_OK || e == ERR_NOT_FOUND || e == ERR_BAD_VALUE);
		assert_int_equal(writes(none, (uint64_t)kind_at(i)->kind, 0), ERR_DENIED);
	}
}

static void test_role_names_go_both_ways(void **state)
{
	(void)state;
	const char *names[] = { "owner", "therapist", "desk", "admin", "lead", "student" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		uint64_t role = 0;
		assert_int_equal(access_role_parse(view_str(names[i]), &role), ERR_OK);
		assert_int_equal(role, 1u << i);
		assert_string_equal(access_role_name(role), names[i]);
	}
	uint64_t role = 77;
	assert_int_equal(access_role_parse(view_str("boss"), &role), ERR_BAD_VALUE);
	assert_int_equal(access_role_parse(VIEW_EMPTY, &role), ERR_BAD_VALUE);
	assert_int_equal(role, 77);
	assert_null(access_role_name(3));
	assert_null(access_role_name(0));
	assert_null(access_role_name(64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading_follows_the_table_for_every_set_of_roles),
		cmocka_unit_test(test_no_role_opens_another_persons_note),
		cmocka_unit_test(test_records_of_a_session_are_its_therapists),
		cmocka_unit_test(test_a_tombstone_is_read_with_its_target),
		cmocka_unit_test(test_patients_are_written_by_therapist_and_desk),
		cmocka_unit_test(test_clinical_kinds_in_own_sessions_only),
		cmocka_unit_test(test_addenda_to_any_session),
		cmocka_unit_test(test_a_new_frame_names_its_author_or_is_imported),
		cmocka_unit_test(test_a_students_frame_names_who_answers_for_it),
		cmocka_unit_test(test_a_frame_never_changes_hands),
		cmocka_unit_test(test_tombstones),
		cmocka_unit_test(test_plain_records_stay_within_their_class),
		cmocka_unit_test(test_every_kind_has_an_answer),
		cmocka_unit_test(test_role_names_go_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
