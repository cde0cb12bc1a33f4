#include "record/guard.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR 3600000u
#define NOW 1700000000000u
#define DESK GUARD_SIDE_BIT(GUARD_SIDE_DESK)
#define THERAPIST GUARD_SIDE_BIT(GUARD_SIDE_THERAPIST)

static const struct id mia = { { 1 } };
static const struct id tom = { { 2 } };
static const struct id eva = { { 3 } };
static const struct id nobody = { { 0 } };

static const struct guard_link family[] = {
	{ { { 1 } }, { { 2 } }, GUARD_KIN_SPOUSE, DESK | THERAPIST, false },
	{ { { 2 } }, { { 1 } }, GUARD_KIN_SPOUSE, DESK | THERAPIST, false },
};

static struct guard_grant grant_of(unsigned scope)
{
	return (struct guard_grant){ .from = mia, .to = tom, .scope = scope, .given_on = 1000 };
}

static void test_guard_1_a_link_alone_shares_nothing(void **state)
{
	(void)state;
	for (int a = GUARD_SEE_BOOKING; a <= GUARD_SEE_NOTE; a++) {
		assert_false(guard_may_share(NULL, 0, &mia, &tom, (enum guard_action)a, 1000));
	}
}

static void test_guard_1_grants_are_one_way_and_never_clinical(void **state)
{
	(void)state;
	const struct guard_grant all = grant_of(GUARD_SCOPE_ALL);
	for (int a = GUARD_SEE_BOOKING; a <= GUARD_SEE_NOTE; a++) {
		const enum guard_action action = (enum guard_action)a;
		assert_int_equal(guard_may_share(&all, 1, &mia, &tom, action, 1000),
				 a <= GUARD_SEE_HOMECARE);
		assert_false(guard_may_share(&all, 1, &tom, &mia, action, 1000));
		assert_false(guard_may_share(&all, 1, &mia, &eva, action, 1000));
		/* A grant that was never valid, from whatever source, shares nothing either. */
		const struct guard_grant bad =
			grant_of(GUARD_SCOPE_ALL | GUARD_ACTION_BIT(GUARD_SEE_NOTE));
		assert_false(guard_may_share(&bad, 1, &mia, &tom, action, 1000));
	}
	const struct guard_grant booking = grant_of(GUARD_ACTION_BIT(GUARD_SEE_BOOKING));
	assert_true(guard_may_share(&booking, 1, &mia, &tom, GUARD_SEE_BOOKING, 1000));
	assert_false(guard_may_share(&booking, 1, &mia, &tom, GUARD_SEE_BILLING, 1000));
}

static void test_guard_1_grants_are_dated_and_revocable(void **state)
{
	(void)state;
	struct guard_grant g = grant_of(GUARD_SCOPE_ALL);
	assert_int_equal(guard_grant_state_at(&g, 999), GUARD_GRANT_NOT_YET);
	assert_int_equal(guard_grant_state_at(&g, 1000), GUARD_GRANT_VALID);
	g.has_expiry = true;
	g.expires_on = 1100;
	assert_int_equal(guard_grant_state_at(&g, 1100), GUARD_GRANT_VALID);
	assert_int_equal(guard_grant_state_at(&g, 1101), GUARD_GRANT_EXPIRED);
	g.expires_on = g.given_on; /* for one day */
	assert_int_equal(guard_grant_check(&g, NULL), ERR_OK);
	g.revoked = true;
	assert_int_equal(guard_grant_state_at(&g, 1050), GUARD_GRANT_REVOKED);
	assert_false(guard_may_share(&g, 1, &mia, &tom, GUARD_SEE_BOOKING, 1050));
}

static void test_guard_1_bad_grants_name_their_field(void **state)
{
	(void)state;
	const struct {
		struct guard_grant grant;
		const char *field;
	} rows[] = {
		{ { .from = nobody, .to = tom, .scope = 2 }, "from" },
		{ { .from = mia, .to = nobody, .scope = 2 }, "to" },
		{ { .from = mia, .to = mia, .scope = 2 }, "to" },
		{ { .from = mia, .to = tom, .scope = 0 }, "scope" },
		{ { .from = mia, .to = tom, .scope = 1 }, "scope" },
		{ { .from = mia, .to = tom, .scope = GUARD_ACTION_BIT(GUARD_SEE_SUBJECTIVE) },
		  "scope" },
		{ { .from = mia,
		    .to = tom,
		    .scope = 2,
		    .given_on = 2,
		    .has_expiry = true,
		    .expires_on = 1 },
		  "expires_on" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct record_error e = { 0 };
		assert_int_equal(guard_grant_check(&rows[i].grant, &e), ERR_BAD_VALUE);
		assert_string_equal(e.field, rows[i].field);
	}
}

static void test_guard_2_the_band_by_side_and_kin(void **state)
{
	(void)state;
	for (int k = GUARD_KIN_SPOUSE; k <= GUARD_KIN_OTHER; k++) {
		const enum guard_kin kin = (enum guard_kin)k;
		struct guard_link link = { mia, tom, kin, DESK | THERAPIST, false };
		const char *therapist = guard_band_words(&link, GUARD_SIDE_THERAPIST);
		const char *desk = guard_band_words(&link, GUARD_SIDE_DESK);
		assert_non_null(strstr(therapist, "What one says stays with that one."));
		assert_null(strstr(desk, guard_kin_words(kin))); /* not beyond need */
		assert_null(guard_band_words(&link, GUARD_SIDE_NONE));
		link.known_by = THERAPIST;
		assert_null(guard_band_words(&link, GUARD_SIDE_DESK));
		assert_non_null(guard_band_words(&link, GUARD_SIDE_THERAPIST));
		link.known_by = DESK;
		assert_null(guard_band_words(&link, GUARD_SIDE_THERAPIST));
		assert_int_equal(guard_kin_reverse(guard_kin_reverse(kin)), kin);
	}
	assert_int_equal(guard_kin_reverse(GUARD_KIN_PARENT), GUARD_KIN_CHILD);
	assert_null(guard_kin_words((enum guard_kin)0));
	assert_null(guard_kin_words((enum guard_kin)(GUARD_KIN_COUNT + 1)));
	assert_non_null(strstr(guard_band_words(&family[0], GUARD_SIDE_THERAPIST), "spouse"));
}

static void test_guard_2_the_strictest_band_stands(void **state)
{
	(void)state;
	const struct guard_link links[] = {
		{ mia, eva, GUARD_KIN_CHILD, DESK | THERAPIST, false },
		{ mia, tom, GUARD_KIN_FORMER, DESK, true },
		{ tom, mia, GUARD_KIN_FORMER, DESK, true },
	};
	assert_ptr_equal(guard_band_find(links, 3, &mia, GUARD_SIDE_DESK), &links[1]);
	assert_ptr_equal(guard_band_find(links, 3, &mia, GUARD_SIDE_THERAPIST), &links[0]);
	assert_null(guard_band_find(links, 3, &eva, GUARD_SIDE_DESK));
	assert_null(guard_band_find(links, 3, &mia, GUARD_SIDE_NONE));
	assert_null(guard_band_find(NULL, 0, &mia, GUARD_SIDE_DESK));
}

static void test_guard_3_a_wall_within_24_hours(void **state)
{
	(void)state;
	const struct {
		const struct id *from;
		const struct id *to;
		uint64_t now_ms;
		uint32_t wall_ms;
	} rows[] = {
		{ &mia, &tom, NOW, 2000 },
		{ &tom, &mia, NOW, 2000 }, /* both ways, whoever the link was written for */
		{ &mia, &tom, NOW + 24 * HOUR - 1, 2000 },
		{ &mia, &tom, NOW + 24 * HOUR, 0 },
		{ &mia, &tom, NOW - HOUR, 2000 }, /* the clock was set back */
		{ &mia, &eva, NOW, 0 },
		{ &mia, &mia, NOW, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t links = 1; links <= 2; links++) {
			const struct guard_wall w = guard_switch_wall(
				family, links, rows[i].from, NOW, rows[i].to, rows[i].now_ms);
			assert_int_equal(w.ms, rows[i].wall_ms);
			assert_int_equal(w.clear, rows[i].wall_ms != 0);
			assert_int_equal(w.words != NULL, rows[i].wall_ms != 0);
		}
	}
	/* A link that must stay unknown is not passed in: no sign of it. */
	assert_int_equal(guard_switch_wall(NULL, 0, &mia, NOW, &tom, NOW).ms, 0);
	assert_true(guard_may_carry(&mia, &mia));
	assert_false(guard_may_carry(&mia, &tom));
	assert_false(guard_may_carry(&mia, &eva));
}

static void test_guard_5_nothing_leaves_unresolved(void **state)
{
	(void)state;
	enum guard_resolution found[] = { GUARD_REMOVED, GUARD_REPHRASED, GUARD_NOT_THEM };
	struct record_error e = { 0 };
	assert_int_equal(guard_output_check(found, 0, &e), ERR_OK);
	assert_int_equal(guard_output_check(found, COUNT_OF(found), &e), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(found); i++) {
		const enum guard_resolution before = found[i];
		found[i] = GUARD_UNRESOLVED;
		assert_int_equal(guard_output_check(found, COUNT_OF(found), &e), ERR_DENIED);
		assert_string_equal(e.field, "third_party");
		found[i] = (enum guard_resolution)9;
		assert_int_equal(guard_output_check(found, COUNT_OF(found), &e), ERR_DENIED);
		found[i] = before;
	}
}

static void test_guard_6_desk_contacts_and_receipts(void **state)
{
	(void)state;
	assert_null(guard_desk_answer(true));
	assert_non_null(guard_desk_answer(false));
	const struct {
		const char *mine;
		const char *theirs;
		bool shared;
	} rows[] = {
		{ "604 555 0199", "(604) 555-0199", true },
		{ "+1 604 555 0199", "6045550199", true },
		{ "604 555 0199", "604 555 0198", false },
		{ "555 0199", "604 555 0199", true },
		{ "0199", "604 555 0199", false },
		{ "", "", false },
		{ "604 555 0199", "", false },
		{ "-", "-", false },
		{ "home@example.org", "Home@Example.org", true },
		{ "AZ@example.org", "az@example.org", true },
		{ "home@example.org", "hom@example.org", false },
		{ "", "home@example.org", false },
		{ "home@example.org", "home@example.com", false },
		{ "a5550199@example.org", "555 0199", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
			guard_contact_is_shared(view_str(rows[i].mine), view_str(rows[i].theirs)),
			rows[i].shared);
		assert_int_equal(
			guard_contact_is_shared(view_str(rows[i].theirs), view_str(rows[i].mine)),
			rows[i].shared);
	}
	for (int p = GUARD_RECEIPT_NAME; p <= GUARD_RECEIPT_THERAPIST_NOTES; p++) {
		const enum guard_receipt_part part = (enum guard_receipt_part)p;
		assert_true(guard_receipt_may_show(part, false));
		assert_int_equal(guard_receipt_may_show(part, true), p < GUARD_RECEIPT_COMPLAINT);
	}
	assert_false(guard_receipt_may_show((enum guard_receipt_part)99, false));
}

static void test_guard_7_a_parents_grant_lapses(void **state)
{
	(void)state;
	struct guard_grant g = grant_of(GUARD_SCOPE_ALL);
	g.by_parent = true;
	g.has_majority = true;
	g.majority_on = 2000;
	assert_int_equal(guard_grant_state_at(&g, 1999), GUARD_GRANT_VALID);
	assert_int_equal(guard_grant_state_at(&g, 2000), GUARD_GRANT_LAPSED);
	g.capable = true;
	assert_int_equal(guard_grant_state_at(&g, 1500), GUARD_GRANT_LAPSED);
	g.by_parent = false; /* her own grant stays */
	assert_int_equal(guard_grant_state_at(&g, 2000), GUARD_GRANT_VALID);
	g.by_parent = true;
	g.capable = false;
	g.has_majority = false;
	assert_int_equal(guard_grant_state_at(&g, 9000), GUARD_GRANT_VALID);
	/* both over: the task to ask again matters more */
	g.has_majority = true;
	g.has_expiry = true;
	g.expires_on = 1500;
	assert_int_equal(guard_grant_state_at(&g, 2000), GUARD_GRANT_LAPSED);
}

static void test_guard_8_a_hard_split(void **state)
{
	(void)state;
	const struct guard_link split = { mia, tom, GUARD_KIN_FORMER, DESK, true };
	const struct {
		uint64_t start;
		uint64_t end;
		bool clash;
	} rows[] = {
		/* against [NOW, NOW + 1 h) */
		{ NOW, NOW + HOUR, true },
		{ NOW + HOUR / 2, NOW + 2 * HOUR, true },
		{ NOW + HOUR, NOW + 2 * HOUR, true },
		{ NOW + 2 * HOUR - 1, NOW + 3 * HOUR, true },
		{ NOW + 2 * HOUR, NOW + 3 * HOUR, false },
		{ NOW - 2 * HOUR, NOW - HOUR, false },
		{ NOW - 2 * HOUR, NOW - HOUR + 1, true },
		{ NOW - 2 * HOUR, NOW + 5 * HOUR, true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
			guard_split_clash(&split, NOW, NOW + HOUR, rows[i].start, rows[i].end),
			rows[i].clash);
		assert_int_equal(
			guard_split_clash(&split, rows[i].start, rows[i].end, NOW, NOW + HOUR),
			rows[i].clash);
		assert_false(
			guard_split_clash(&family[0], NOW, NOW + HOUR, rows[i].start, rows[i].end));
	}
	assert_false(guard_may_share_reminder(&split));
	assert_true(guard_may_share_reminder(&family[0]));
	assert_non_null(strstr(guard_band_words(&split, GUARD_SIDE_DESK), "apart"));
}

static void test_guard_9_two_linked_charts_in_a_day(void **state)
{
	(void)state;
	const struct id ann = { { 8 } };
	const struct id ben = { { 9 } };
	const struct guard_open opens[] = {
		{ ann, mia, 10 }, { ben, tom, 10 }, { ann, eva, 10 }, { ann, tom, 11 },
		{ ann, mia, 11 }, { ann, mia, 11 }, { ann, tom, 11 }, { ben, mia, 12 },
	};
	struct guard_double found[4] = { { 0 } };
	assert_int_equal(guard_find_double_opens(family, COUNT_OF(family), opens, COUNT_OF(opens),
						 found, COUNT_OF(found)),
			 1);
	assert_int_equal(found[0].first, 3);
	assert_int_equal(found[0].second, 4);
	assert_int_equal(guard_find_double_opens(family, 2, opens, COUNT_OF(opens), NULL, 0), 1);
	assert_int_equal(guard_find_double_opens(NULL, 0, opens, COUNT_OF(opens), NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_1_a_link_alone_shares_nothing),
		cmocka_unit_test(test_guard_1_grants_are_one_way_and_never_clinical),
		cmocka_unit_test(test_guard_1_grants_are_dated_and_revocable),
		cmocka_unit_test(test_guard_1_bad_grants_name_their_field),
		cmocka_unit_test(test_guard_2_the_band_by_side_and_kin),
		cmocka_unit_test(test_guard_2_the_strictest_band_stands),
		cmocka_unit_test(test_guard_3_a_wall_within_24_hours),
		cmocka_unit_test(test_guard_5_nothing_leaves_unresolved),
		cmocka_unit_test(test_guard_6_desk_contacts_and_receipts),
		cmocka_unit_test(test_guard_7_a_parents_grant_lapses),
		cmocka_unit_test(test_guard_8_a_hard_split),
		cmocka_unit_test(test_guard_9_two_linked_charts_in_a_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
