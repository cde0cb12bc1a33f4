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

/* ---- requests with a clock (3f) ------------------------------------------------------------ */

static char *add_request(struct room *r, const char *patient_id, const char *kind, const char *on)
{
	return copy(
		text_at(ask(r, "add/request", "{'patient_id':'%s','kind':'%s','received_on':'%s'}",
			    patient_id, kind, on),
			"request_id"));
}

static void expect_request(struct room *r, const char *id, const char *key, const char *value)
{
	expect_json(ask(r, "show/request", "{'request_id':'%s'}", id), key, value);
}

/* The arithmetic is law_test's (BC6, ON6, US10); here that the patient's own law is asked. */
static void test_bc6_a_request_is_due_by_the_law_of_its_patient(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya");
	char *id = add_request(r, maya, "access", "2025-11-03");
	expect_request(r, id, "due_on", "'2025-12-15'"); /* 30 open days: BC6 */
	expect_request(r, id, "light", "'amber'");
	expect_request(r, id, "rule", "'BC6'");
	expect_request(r, id, "waiting", "'the answer is due in 15 open days'");
	/* A holiday in between; a closed Sunday says nothing new. */
	done(ask(&w->rooms[0], "add/closed-day", "{'day':'2025-11-11','name':'Remembrance Day'}"));
	done(ask(&w->rooms[0], "add/closed-day", "{'day':'2025-11-16','name':'Cleaning'}"));
	expect_request(r, id, "due_on", "'2025-12-16'");
	expect_request(r, id, "waiting", "'the answer is due in 16 open days'");
	/* Moved to Ontario: the earlier day of both laws. */
	done(ask(r, "set/patient-detail", "{'patient_id':'%s','jurisdiction':'ca_on'}", maya));
	done(ask(r, "set/patient-detail", "{'patient_id':'%s','jurisdiction':'us'}", maya));
	expect_request(&w->rooms[0], id, "due_on", "'2025-12-03'");
	expect_request(&w->rooms[0], id, "rule", "'ON6'");
	char *old = add_request(r, maya, "access", "2025-10-01");
	struct said s = ask(r, "list/requests", "{'overdue':true}");
	OK(s.err);
	const json_t *late = json_array_get(json_object_get(s.answer, "requests"), 0);
	assert_string_equal(json_text_of(late, "request_id"), old);
	assert_string_equal(json_text_of(late, "waiting"), "the answer is 24 days overdue");
	assert_string_equal(json_text_of(late, "light"), "overdue");
	json_decref(s.answer);
	done(ask(r, "set/request", "{'request_id':'%s','sent_on':'2025-11-24'}", old));
	assert_int_equal(rows_at(ask(r, "list/requests", "{'overdue':true}"), "requests"), 0);
	fails(ask(r, "set/request", "{'request_id':'%s','extended_on':'2025-11-10'}", id),
	      "bad_value", 65);
	done(ask(r, "set/request",
		 "{'request_id':'%s','extended_on':'2025-11-10','extension_reason':'a lot'}", id));
	expect_request(r, id, "due_on", "'2026-01-02'");
	free(old);
	free(id);
	free(maya);
	world_free(w);
}

static void test_bc5_refusing_a_correction_needs_an_annotation(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya");
	char *id = add_request(r, maya, "correction", "2025-11-03");
	struct said s = ask(r, "set/request", "{'request_id':'%s','decision':'refused'}", id);
	assert_int_equal(s.err, ERR_BAD_VALUE);
	assert_non_null(strstr(s.fault.message, "annotation: "));
	done(ask(r, "set/request",
		 "{'request_id':'%s','decision':'refused','annotation':'it was the left'}", id));
	/* And it does not get lost afterwards. */
	fails(ask(r, "set/request", "{'request_id':'%s','clear':['annotation']}", id), "bad_value",
	      65);
	char *access = add_request(r, maya, "access", "2025-11-03");
	done(ask(r, "set/request", "{'request_id':'%s','decision':'refused'}", access));
	free(access);
	free(id);
	free(maya);
	world_free(w);
}

static void test_on4_a_consent_to_release_is_not_too_old(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya");
#define GIVE(more)                                                                                 \
	ask(r, "add/disclosure",                                                                   \
	    "{'patient_id':'%s','recipient':'Harbour Mutual','what':'dates','basis':'consent',"    \
	    "'given_on':'2025-11-24'%s}",                                                          \
	    maya, more)
	fails(GIVE(""), "bad_value", 65);
	fails(GIVE(",'consent_signed_on':'2025-11-25'"), "bad_value", 65);
	done(GIVE(",'consent_signed_on':'2024-11-25'")); /* BC names no limit */
	done(ask(r, "set/patient-detail", "{'patient_id':'%s','jurisdiction':'ca_on'}", maya));
	struct said s = GIVE(",'consent_signed_on':'2025-05-24'");
	assert_int_equal(s.err, ERR_BAD_VALUE);
	assert_non_null(strstr(s.fault.message, "183 days"));
	done(GIVE(",'consent_signed_on':'2025-05-25'")); /* the 183rd day */
#undef GIVE
	assert_int_equal(rows_at(ask(&w->rooms[0], "list/disclosures", "{'patient_id':'%s'}", maya),
				 "disclosures"),
			 2);
	free(maya);
	world_free(w);
}

/* ---- registers ----------------------------------------------------------------------------- */

#define INCIDENT                                                                                   \
	"'category':'theft','found_on':'2025-11-20','what':'a laptop','encrypted':true,"           \
	"'key_on_device':false"

static void test_ca2_both_answers_of_the_harm_test_are_required(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	fails(ask(r, "add/incident", "{" INCIDENT ",'sensitivity':'high'}"), "usage", 64);
	fails(ask(r, "add/incident", "{" INCIDENT ",'probability':'likely'}"), "usage", 64);
	fails(ask(r, "add/incident", "{" INCIDENT ",'probability':'likely','sensitivity':'low'}"),
	      "bad_value", 65);
	char *risky =
		copy(text_at(ask(r, "add/incident",
				 "{" INCIDENT ",'sensitivity':'high','probability':'likely'}"),
			     "incident_id"));
	char *id = copy(text_at(ask(r, "add/incident",
				    "{" INCIDENT ",'sensitivity':'medium',"
				    "'probability':'unlikely'}"),
				"incident_id"));
	expect_json(ask(r, "show/incident", "{'incident_id':'%s'}", risky), "real_risk", "true");
	expect_json(ask(r, "show/incident", "{'incident_id':'%s'}", risky), "waiting",
		    "'the people are not told'");
	/* ON9: theft of what was encrypted, without its key, tells nobody. */
	expect_json(ask(r, "show/incident", "{'incident_id':'%s'}", id), "encryption",
		    "'encrypted: yes, key not on device'");
	expect_json(ask(r, "show/incident", "{'incident_id':'%s'}", id), "tell_authority", "false");
	expect_json(ask(r, "show/incident", "{'incident_id':'%s'}", id), "kept_until",
		    "'2027-11-24'");
	assert_int_equal(rows_at(ask(r, "list/incidents", "{'overdue':true}"), "incidents"), 1);
	done(ask(r, "set/incident", "{'incident_id':'%s','told_on':'2025-11-24'}", risky));
	assert_int_equal(rows_at(ask(r, "list/incidents", "{'overdue':true}"), "incidents"), 0);
	free(risky);
	free(id);
	world_free(w);
}

static void test_on6_a_statement_stands_beside_its_entry(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya");
	char *sid =
		copy(text_at(ask(r, "start/session", "{'patient_id':'%s'}", maya), "session_id"));
	char *id = add_request(r, maya, "correction", "2025-11-03");
	done(ask(r, "add/statement",
		 "{'patient_id':'%s','session_id':'%s','request_id':'%s','text':'it was the left',"
		 "'written_on':'2025-11-20'}",
		 maya, sid, id));
	struct room *other = &w->rooms[0];
	assert_int_equal(
		rows_at(ask(other, "show/session", "{'session_id':'%s'}", sid), "statements"), 1);
	assert_int_equal(
		rows_at(ask(other, "show/request", "{'request_id':'%s'}", id), "statements"), 1);
	free(id);
	free(sid);
	free(maya);
	world_free(w);
}

static void expect_kept(struct room *r, const char *patient_id, const char *key, const char *value)
{
	expect_json(ask(r, "show/retention", "{'patient_id':'%s'}", patient_id), key, value);
}

static void test_bc4_how_long_a_record_is_kept(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *child = copy(
		text_at(ask(r, "add/patient", "{'name':'Noa','born':'2015-06-01'}"), "patient_id"));
	expect_kept(r, child, "retention_until", "'2050-06-01'"); /* 35 */
	expect_kept(r, child, "from_majority", "true");
	expect_kept(r, child, "jurisdictions", "['ca-bc']");
	char *maya = add_patient(r, "Maya");
	done(ask(r, "set/comfort", "{'patient_id':'%s','chaperone':true}", maya));
	expect_kept(r, maya, "last_entry", "'2025-11-24'");
	expect_kept(r, maya, "retention_until", "'2041-11-24'");
	expect_kept(r, maya, "rule", "'BC4'");
	expect_kept(r, maya, "may_dispose", "false");
	assert_int_equal(rows_at(ask(r, "show/retention", "{'patient_id':'%s'}", maya), "holds"),
			 0);
	char *hold = copy(text_at(ask(r, "add/legal-hold",
				      "{'patient_id':'%s','reason':'a claim',"
				      "'placed_on':'2025-11-01'}",
				      maya),
				  "legal_hold_id"));
	assert_int_equal(rows_at(ask(r, "show/retention", "{'patient_id':'%s'}", maya), "holds"),
			 1);
	done(ask(r, "set/legal-hold", "{'legal_hold_id':'%s','lifted_on':'2025-11-20'}", hold));
	assert_int_equal(rows_at(ask(r, "show/retention", "{'patient_id':'%s'}", maya), "holds"),
			 0);
	fails(ask(r, "show/retention", "{'patient_id':'nonsense'}"), "not_found", 66);
	free(hold);
	free(maya);
	free(child);
	world_free(w);
}

/* ---- the guard (4.8) ----------------------------------------------------------------------- */

/* The whole answer as text. */
static char *whole(struct said s)
{
	char *text = NULL;
	OK(s.err);
	OK(json_text_dump(s.answer, &text));
	json_decref(s.answer);
	char *mine = copy(text);
	json_text_free(text);
	return mine;
}

static const char *guard_text(const json_t *answer, const char *key)
{
	return json_text_of(json_object_get(answer, "guard"), key);
}

static void link_family(struct room *r, const char *path, const char *a, const char *b)
{
	done(ask(r, path, "{'patient_id':'%s','relative_id':'%s','kin':'spouse'}", a, b));
}

static void test_a_link_puts_up_band_and_wall_in_both_charts(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya Rowe");
	char *ben = add_patient(r, "Ben Rowe");
	link_family(r, "add/family-link", maya, ben);
	struct said s = ask(r, "show/patient", "{'patient_id':'%s'}", maya);
	OK(s.err);
	assert_non_null(strstr(guard_text(s.answer, "band"), "spouse"));
	assert_null(strstr(guard_text(s.answer, "band"), "Ben"));
	assert_true(json_is_false(json_object_get(json_object_get(s.answer, "guard"), "wall")));
	json_decref(s.answer);
	/* Maya's chart was open a moment ago. */
	s = ask(r, "show/patient", "{'patient_id':'%s'}", ben);
	OK(s.err);
	const json_t *guard = json_object_get(s.answer, "guard");
	assert_true(json_is_true(json_object_get(guard, "wall")));
	assert_int_equal(json_integer_value(json_object_get(guard, "wall_ms")), 2000);
	assert_non_null(json_text_of(guard, "wall_words"));
	json_decref(s.answer);
	/* In the other room nobody opened it. */
	s = ask(&w->rooms[0], "show/patient", "{'patient_id':'%s'}", ben);
	OK(s.err);
	guard = json_object_get(s.answer, "guard");
	assert_true(json_is_false(json_object_get(guard, "wall")));
	json_decref(s.answer);
	free(maya);
	free(ben);
	world_free(w);
}

static void test_a_relatives_name_in_a_text_is_hinted(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya Rowe");
	char *ben = add_patient(r, "Ben Rowe");
	char *sid =
		copy(text_at(ask(r, "start/session", "{'patient_id':'%s'}", maya), "session_id"));
#define WRITE(words) ask(r, "set/session", "{'session_id':'%s','subjective':'" words "'}", sid)
	assert_int_equal(rows_at(WRITE("Ben snores"), "hints"), 0); /* no link yet */
	link_family(r, "add/family-link", ben, maya);
	struct said s = WRITE("sleeps badly, Ben snores; bent neck");
	OK(s.err);
	const json_t *hints = json_object_get(s.answer, "hints");
	assert_int_equal(json_array_size(hints), 1);
	const json_t *hint = json_array_get(hints, 0);
	assert_string_equal(json_text_of(hint, "kind"), "relative");
	assert_string_equal(json_text_of(hint, "field"), "subjective");
	assert_int_equal(json_integer_value(json_object_get(hint, "start")), 14);
	assert_int_equal(json_integer_value(json_object_get(hint, "end")), 17);
	json_decref(s.answer);
#undef WRITE
	free(sid);
	free(maya);
	free(ben);
	world_free(w);
}

/* Every chart read of the desk, before and after a link that it may not know of. */
static void test_who_may_not_know_gets_the_same_bytes(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[0];
	struct room *desk = &w->rooms[1];
	char *maya = add_patient(r, "Maya Rowe");
	char *ben = add_patient(r, "Ben Rowe");
	done(ask(r, "add/user",
		 "{'name':'Sam','login':'sam','roles':['desk'],'new_passphrase':'%s'}", MARA_PASS));
	done(sign_in(desk, "sam", MARA_PASS));
	const char *const paths[] = { "show/patient", "list/desk-family-links",
				      "list/sharing-grants", "show/comfort" };
	char *before[COUNT_OF(paths)];
	done(ask(desk, "show/patient", "{'patient_id':'%s'}", ben));
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		before[i] = whole(ask(desk, paths[i], "{'patient_id':'%s'}", maya));
	link_family(r, "add/family-link", maya, ben);
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		char *after = whole(ask(desk, paths[i], "{'patient_id':'%s'}", maya));
		assert_string_equal(after, before[i]);
		free(after);
		free(before[i]);
	}
	fails(ask(desk, "list/family-links", "{'patient_id':'%s'}", maya), "denied", 77);
	/* Told to the desk, it sees a band without the kin, and the wall. */
	link_family(r, "add/desk-family-link", maya, ben);
	struct said s = ask(desk, "show/patient", "{'patient_id':'%s'}", maya);
	OK(s.err);
	assert_null(strstr(guard_text(s.answer, "band"), "spouse"));
	assert_non_null(guard_text(s.answer, "wall_words"));
	json_decref(s.answer);
	free(maya);
	free(ben);
	world_free(w);
}

static void test_a_grant_says_whether_it_holds(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *maya = add_patient(r, "Maya Rowe");
	char *ben = add_patient(r, "Ben Rowe");
	char *id = copy(text_at(ask(r, "add/sharing-grant",
				    "{'patient_id':'%s','to_id':'%s','scope':['booking'],"
				    "'given_on':'2025-11-01','by_parent':true}",
				    maya, ben),
				"sharing_grant_id"));
	/* Rule 7: Maya is of age. */
	expect_json(ask(r, "show/sharing-grant", "{'sharing_grant_id':'%s'}", id), "grant_state",
		    "'lapsed'");
	done(ask(r, "set/sharing-grant", "{'sharing_grant_id':'%s','by_parent':false}", id));
	expect_json(ask(r, "show/sharing-grant", "{'sharing_grant_id':'%s'}", id), "grant_state",
		    "'valid'");
	assert_int_equal(rows_at(ask(r, "list/sharing-grants", "{'patient_id':'%s'}", ben),
				 "sharing_grants"),
			 1);
	fails(ask(r, "add/sharing-grant",
		  "{'patient_id':'%s','to_id':'%s','scope':['notes'],'given_on':'2025-11-01'}",
		  maya, ben),
	      "bad_value", 65);
	free(id);
	free(maya);
	free(ben);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_referral_says_what_it_waits_for),
		cmocka_unit_test(test_a_referral_skips_no_state),
		cmocka_unit_test(test_a_referral_names_a_provider_who_is_there),
		cmocka_unit_test(test_bc6_a_request_is_due_by_the_law_of_its_patient),
		cmocka_unit_test(test_bc5_refusing_a_correction_needs_an_annotation),
		cmocka_unit_test(test_on4_a_consent_to_release_is_not_too_old),
		cmocka_unit_test(test_ca2_both_answers_of_the_harm_test_are_required),
		cmocka_unit_test(test_on6_a_statement_stands_beside_its_entry),
		cmocka_unit_test(test_bc4_how_long_a_record_is_kept),
		cmocka_unit_test(test_a_link_puts_up_band_and_wall_in_both_charts),
		cmocka_unit_test(test_a_relatives_name_in_a_text_is_hinted),
		cmocka_unit_test(test_who_may_not_know_gets_the_same_bytes),
		cmocka_unit_test(test_a_grant_says_whether_it_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
