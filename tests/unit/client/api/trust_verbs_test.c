/* What follows from records and stands in none of their fields, as verbs say it. Today it is
 * 2025-11-24. */
#include "unit/client/api/verbs_rig.h"

static char *add_patient(struct room *r, const char *name)
{
	return copy(text_at(ask(r, "add/patient", "{'name':'%s','born':'1988-04-02'}", name),
			    "patient_id"));
}

/* ---- the referral loop (DOMAIN 4.9) -------------------------------------------------------- */

static char *add_referral(struct room *r, const char *patient_id, const char *more)
{
	return copy(text_at(ask(r, "add/referral",
				"{'patient_id':'%s','state':'noticed','ask':'is it the disc?'%s}",
				patient_id, more),
			    "referral_id"));
}

static void test_a_referral_says_what_it_waits_for(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya");
	char *ben = add_patient(r, "Ben");
	char *flag = add_referral(r, maya, ",'noticed_on':'2025-11-22','red_flag':true");
	char *calm = add_referral(r, ben, ",'noticed_on':'2025-11-22'");

	struct said s = ask(r, "list/referrals", "{'overdue':true}");
	OK(s.err);
	const json_t *list = json_object_get(s.answer, "referrals");
	assert_int_equal(json_array_size(list), 1);
	const json_t *late = json_array_get(list, 0);
	assert_string_equal(json_text_of(late, "referral_id"), flag);
	assert_string_equal(json_text_of(late, "waiting"),
			    "a red flag is to be sent on the day it is noticed: "
			    "2 days overdue");
	assert_string_equal(json_text_of(late, "due_on"), "2025-11-22");
	assert_string_equal(json_text_of(late, "overdue_since"), "2025-11-23");
	json_decref(s.answer);

	/* Everybody's, or one patient's, for whom nothing is waited for yet. */
	assert_int_equal(rows_at(ask(r, "list/referrals", "{}"), "referrals"), 2);
	s = ask(r, "list/referrals", "{'patient_id':'%s'}", ben);
	OK(s.err);
	const json_t *waits = json_array_get(json_object_get(s.answer, "referrals"), 0);
	assert_true(json_is_null(json_object_get(waits, "waiting")));
	assert_true(json_is_false(json_object_get(waits, "overdue")));
	json_decref(s.answer);
	expect_json(ask(r, "show/referral", "{'referral_id':'%s'}", flag), "overdue", "true");
	free(flag);
	free(calm);
	free(maya);
	free(ben);
	world_free(w);
}

static void test_a_referral_skips_no_state(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya");
	char *id = add_referral(r, maya, ",'noticed_on':'2025-11-20'");
	struct said s = ask(r, "set/referral",
			    "{'referral_id':'%s','state':'sent','sent_on':'2025-11-21'}", id);
	assert_int_equal(s.err, ERR_BAD_VALUE);
	assert_string_equal(s.fault.message, "state: after noticed comes discussed or declined");
	done(ask(r, "set/referral",
		 "{'referral_id':'%s','state':'discussed','discussed_on':'2025-11-20'}", id));
	fails(ask(r, "set/referral", "{'referral_id':'%s','state':'consented'}", id), "bad_value",
	      65);
	done(ask(r, "set/referral",
		 "{'referral_id':'%s','state':'consented','consent_on':'2025-11-20'}", id));
	expect_json(ask(&w->rooms[0], "show/referral", "{'referral_id':'%s'}", id), "waiting",
		    "'the letter is not drafted: 2 days overdue'");
	free(id);
	free(maya);
	world_free(w);
}

static void test_a_referral_names_a_provider_who_is_there(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya");
	char *id = add_referral(r, maya, ",'noticed_on':'2025-11-20'");
	fails(ask(r, "set/referral", "{'referral_id':'%s','provider_id':'%s'}", id, maya),
	      "not_found", 66);
	char *provider = copy(text_at(ask(r, "add/provider",
					  "{'name':'Dr Brandt','discipline':'physiotherapy',"
					  "'good_for':'discs','wait_days':14}"),
				      "provider_id"));
	done(ask(r, "set/referral", "{'referral_id':'%s','provider_id':'%s'}", id, provider));
	assert_int_equal(rows_at(ask(&w->rooms[0], "list/providers", "{}"), "providers"), 1);
	free(provider);
	free(id);
	free(maya);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_referral_says_what_it_waits_for),
		cmocka_unit_test(test_a_referral_skips_no_state),
		cmocka_unit_test(test_a_referral_names_a_provider_who_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
