/* Consents and touches as the verbs take them: what is stamped, and what is refused in words. */
#include "unit/client/api/verbs_rig.h"

static char *add_patient(struct room *r, const char *born)
{
	return copy(
		text_at(ask(r, "add/patient", "{'name':'Maya','born':'%s'}", born), "patient_id"));
}

static char *add_consent(struct room *r, const char *patient_id, const char *more)
{
	return copy(text_at(
		ask(r, "add/consent", "{'patient_id':'%s','area':'abdomen'%s}", patient_id, more),
		"consent_id"));
}

static void test_consent_3h_withdrawal_is_one_action_and_stamps_the_time(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *patient_id = add_patient(mara, "1988-04-02");
	char *id = add_consent(mara, patient_id, ",'answer':'yes'");
	char now[JSON_TIME_BYTES + 2];
	char text[JSON_TIME_BYTES];
	json_time_print(w->wall, text);
	(void)snprintf(now, sizeof(now), "'%s'", text);
	expect_json(ask(mara, "show/consent", "{'consent_id':'%s'}", id), "answered_at", now);
	expect_json(ask(mara, "show/consent", "{'consent_id':'%s'}", id), "withdrawn_at", "null");

	w->wall += 60000;
	json_time_print(w->wall, text);
	(void)snprintf(now, sizeof(now), "'%s'", text);
	done(ask(mara, "set/consent", "{'consent_id':'%s','withdrawn':true}", id));
	expect_json(ask(mara, "show/consent", "{'consent_id':'%s'}", id), "withdrawn_at", now);
	expect_json(ask(&w->rooms[0], "show/consent", "{'consent_id':'%s'}", id), "answer",
		    "'withdrawn'");

	fails(ask(mara, "set/consent", "{'consent_id':'%s','answer':'yes'}", id), "withdrawn", 65);
	fails(ask(mara, "set/consent", "{'consent_id':'%s','withdrawn':'now'}", id), "usage", 64);
	fails(ask(mara, "set/consent", "{'consent_id':'%s','withdrawn':false}", id), "usage", 64);
	free(id);
	id = add_consent(mara, patient_id, ",'answer':'withdrawn'"); /* told at the door */
	expect_json(ask(mara, "show/consent", "{'consent_id':'%s'}", id), "withdrawn_at", now);
	free(id);
	free(patient_id);
	world_free(w);
}

static void test_bc10_minor_without_guardian_needs_capacity_basis(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *patient_id = add_patient(mara, "2012-04-02");
	fails(ask(mara, "add/consent", "{'patient_id':'%s','area':'gluteal','answer':'yes'}",
		  patient_id),
	      "capacity_basis", 65);
	char *id = add_consent(mara, patient_id, ",'answer':'no'");
	fails(ask(mara, "set/consent", "{'consent_id':'%s','answer':'yes'}", id), "capacity_basis",
	      65);
	done(ask(mara, "set/consent",
		 "{'consent_id':'%s','answer':'yes','capacity_basis':'explains it herself'}", id));
	free(id);
	id = add_consent(mara, patient_id, ",'answer':'yes','given_by':'guardian'");
	free(id);
	/* She answered at an age at which her own province calls her grown. */
	done(ask(mara, "set/patient-detail", "{'patient_id':'%s','jurisdiction':'ca_on'}",
		 patient_id));
	id = add_consent(mara, patient_id,
			 ",'answer':'yes','answered_at':'2030-04-02T12:00:00.000Z'");
	free(id);
	free(patient_id);
	world_free(w);
}

static struct said touch(struct room *r, const char *patient_id, const char *what, const char *on)
{
	return ask(r, "add/touch", "{'patient_id':'%s','what':'%s','on':'%s'}", patient_id, what,
		   on);
}

static void test_watch_410_a_message_needs_consent(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *patient_id = add_patient(mara, "1988-04-02");
	fails(touch(mara, patient_id, "short_message", "2026-03-01"), "no_consent", 65);
	done(ask(mara, "set/patient-detail", "{'patient_id':'%s','phone_ok':false}", patient_id));
	fails(touch(mara, patient_id, "personal_call", "2026-03-01"), "no_consent", 65);
	fails(ask(mara, "add/touch",
		  "{'patient_id':'%s','what':'ask_to_return','on':'2026-03-01','channel':'email'}",
		  patient_id),
	      "no_consent", 65);
	done(ask(mara, "set/patient-detail", "{'patient_id':'%s','message_ok':true}", patient_id));
	done(touch(mara, patient_id, "short_message", "2026-03-01"));
	free(patient_id);
	world_free(w);
}

static void test_watch_410_at_most_one_touch_in_sixty_days(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *patient_id = add_patient(mara, "1988-04-02");
	char *id =
		copy(text_at(touch(mara, patient_id, "personal_call", "2026-03-01"), "touch_id"));
	struct said s = touch(mara, patient_id, "personal_call", "2026-04-29");
	assert_non_null(strstr(s.fault.message, "2026-03-01"));
	assert_string_equal(s.fault.hint, "From 2026-04-30 on");
	fails(s, "too_soon", 65);
	fails(touch(mara, patient_id, "ask_to_return", "2026-02-01"), "too_soon", 65);
	done(ask(mara, "set/touch", "{'touch_id':'%s','outcome':'schedule'}", id));
	done(touch(mara, patient_id, "closed_with_thanks", "2026-04-30"));
	/* It may be told otherwise later, but not so that two stand too near. */
	fails(ask(mara, "set/touch", "{'touch_id':'%s','on':'2026-03-02'}", id), "too_soon", 65);
	/* To decide to do nothing is always kind, and for good. */
	done(touch(mara, patient_id, "leave_in_peace", "2026-05-01"));
	fails(touch(mara, patient_id, "personal_call", "2027-05-01"), "in_peace", 65);
	free(id);
	free(patient_id);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_consent_3h_withdrawal_is_one_action_and_stamps_the_time),
		cmocka_unit_test(test_bc10_minor_without_guardian_needs_capacity_basis),
		cmocka_unit_test(test_watch_410_a_message_needs_consent),
		cmocka_unit_test(test_watch_410_at_most_one_touch_in_sixty_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
