/* The session record through the verbs: fields, signing, what is offered again, late entries, the
 * worklist, and a session on the wrong chart. */
#include "unit/client/api/verbs_rig.h"

#include <string.h>

#define HOUR_MS 3600000ull

static char *new_patient(struct room *r, const char *name)
{
	return strdup(text_at(ask(r, "add/patient", "{'name':'%s','born':'1988-04-02'}", name),
			      "patient_id"));
}

static char *new_session(struct room *r, const char *patient_id)
{
	return strdup(
		text_at(ask(r, "start/session", "{'patient_id':'%s'}", patient_id), "session_id"));
}

static struct said show(struct room *r, const char *sid)
{
	return ask(r, "show/session", "{'session_id':'%s'}", sid);
}

/* A value within an object of the answer, as text with ' for ". Takes the answer. */
static void expect_in(struct said s, const char *object, const char *key, const char *want)
{
	char *text = NULL;
	OK(s.err);
	const json_t *value = json_object_get(json_object_get(s.answer, object), key);
	if (value == NULL) {
		assert_null(want);
	} else {
		assert_non_null(want);
		OK(json_text_dump(value, &text));
		for (char *at = text; *at != '\0'; at++)
			if (*at == '"') *at = '\'';
		assert_string_equal(text, want);
		json_text_free(text);
	}
	json_decref(s.answer);
}

/* ---- fields -------------------------------------------------------------------------------- */

static void test_set_session_says_texts_and_fields_in_one_change(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = new_patient(mara, "Maya");
	char *sid = new_session(mara, id);
	expect_json(ask(mara, "set/session",
			"{'session_id':'%s','plan':'heat','pain_now':4,'posture':['head_forward'],"
			"'ends_now':true}",
			sid),
		    "changed", "4");
	expect_in(show(&w->rooms[0], sid), "chart", "pain_now", "4");
	expect_in(show(&w->rooms[0], sid), "chart", "posture", "['head_forward']");
	expect_in(show(&w->rooms[0], sid), "chart", "pain_best", "null");
	expect_json(show(&w->rooms[0], sid), "plan", "'heat'");
	/* One of it is wrong: none of it is said. */
	fails(ask(mara, "set/session", "{'session_id':'%s','plan':'cold','pain_now':11}", sid),
	      "bad_value", 65);
	fails(ask(mara, "set/session", "{'session_id':'%s','change_since':'fine'}", sid),
	      "bad_value", 65);
	fails(ask(mara, "set/session", "{'session_id':'%s','paln':'cold'}", sid), "usage", 64);
	fails(ask(mara, "set/session", "{'session_id':'%s','ended_at':'2001-01-01T00:00:00Z'}",
		  sid),
	      "bad_value", 65);
	fails(ask(mara, "set/session", "{'session_id':'%s'}", sid), "usage", 64);
	fails(ask(mara, "set/session", "{'session_id':'%s','episode_id':'%s'}", sid, id),
	      "not_found", 66);
	expect_json(show(mara, sid), "plan", "'heat'");
	expect_in(show(mara, sid), "chart", "pain_now", "4");
	done(ask(mara, "set/session", "{'session_id':'%s','clear':['pain_now']}", sid));
	expect_in(show(mara, sid), "chart", "pain_now", "null");
	fails(ask(mara, "add/treatment", "{'session_id':'nonsense','region':'neck','pressure':3}"),
	      "not_found", 66);
	fails(ask(mara, "add/treatment", "{'region':'neck','pressure':3}"), "usage", 64);
	fails(ask(mara, "add/treatment", "{'session_id':'%s','region':'neck'}", sid), "usage", 64);
	fails(ask(mara, "add/treatment",
		  "{'session_id':'%s','patient_id':'%s','region':'neck','pressure':3}", sid, sid),
	      "not_found", 66);
	/* Nobody else writes into it. */
	fails(ask(&w->rooms[0], "set/session", "{'session_id':'%s','pain_now':1}", sid), "denied",
	      77);
	fails(ask(&w->rooms[0], "add/treatment", "{'session_id':'%s','region':'neck','pressure':3}",
		  sid),
	      "denied", 77);
	free(sid);
	free(id);
	world_free(w);
}

/* ---- signing ------------------------------------------------------------------------------- */

static void test_BC2_signing_names_all_that_is_missing(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = new_patient(mara, "Maya");
	char *sid = new_session(mara, id);
	struct said s = ask(mara, "sign/session", "{'session_id':'%s'}", sid);
	assert_string_equal(s.fault.code, "incomplete");
	assert_int_equal(s.fault.exit, 1);
	assert_string_equal(s.fault.message,
			    "not signed, missing: ended_at, consented, episode_id, pain_now, "
			    "health_changed, red_flags, contraindications_considered, treatments, "
			    "no_adverse_event, next_in_days");
	assert_non_null(strstr(s.fault.hint, "set session SID --ends-now; --consented yes;"));
	assert_non_null(strstr(s.fault.hint, "add treatment --session SID"));
	expect_json(show(mara, sid), "state", "'draft'");
	/* US9: what a confidential note says counts for none of it. */
	done(ask(mara, "add/note",
		 "{'patient_id':'%s','session_id':'%s','text':'ended 10:40, neck, pressure 3, pain "
		 "4, no adverse event, next in 7 days'}",
		 id, sid));
	fails(ask(mara, "sign/session", "{'session_id':'%s'}", sid), "incomplete", 1);
	fill_session(mara, sid);
	expect_json(show(mara, sid), "missing", "[]");
	done(ask(mara, "sign/session", "{'session_id':'%s'}", sid));
	/* Closed: fields and records alike. */
	fails(ask(mara, "set/session", "{'session_id':'%s','pain_now':1}", sid), "session_signed",
	      1);
	fails(ask(mara, "add/treatment", "{'session_id':'%s','region':'neck','pressure':3}", sid),
	      "session_signed", 1);
	expect_json(show(mara, sid), "late_changes", "[]");
	free(sid);
	free(id);
	world_free(w);
}

/* The Sign says which ops were seen: all of them here. */
static void test_a_signed_session_shows_what_was_signed(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = new_patient(mara, "Maya");
	char *sid = new_session(mara, id);
	fill_session(mara, sid);
	done(ask(mara, "add/adverse-event", "{'session_id':'%s','kind':'bruise','severity':'mild'}",
		 sid));
	fails(ask(mara, "sign/session", "{'session_id':'%s'}", sid), "incomplete", 1);
	done(ask(mara, "set/session", "{'session_id':'%s','no_adverse_event':false}", sid));
	done(ask(mara, "sign/session", "{'session_id':'%s'}", sid));
	struct said s = show(&w->rooms[0], sid);
	OK(s.err);
	assert_int_equal(json_array_size(json_object_get(s.answer, "treatments")), 1);
	assert_int_equal(json_array_size(json_object_get(s.answer, "adverse_events")), 1);
	json_decref(s.answer);
	expect_in(show(&w->rooms[0], sid), "chart", "consented", "'yes'");
	expect_json(show(&w->rooms[0], sid), "late_changes", "[]");
	free(sid);
	free(id);
	world_free(w);
}

/* ---- carry-forward ------------------------------------------------------------------------- */

static void test_what_is_proposed_fills_nothing_until_it_is_confirmed(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = new_patient(mara, "Maya");
	char *other = new_patient(mara, "Ben");
	char *first = new_session(mara, id);
	expect_json(show(mara, first), "proposed", "{}");
	fill_session(mara, first);
	done(ask(mara, "set/session", "{'session_id':'%s','pain_now':6,'focus':'left side'}",
		 first));
	done(ask(mara, "sign/session", "{'session_id':'%s'}", first));
	w->wall += 7 * 24 * HOUR_MS;
	char *sid = new_session(mara, id);
	char *theirs = new_session(mara, other);
	expect_in(show(mara, sid), "proposed", "focus", "'left side'");
	expect_in(show(mara, sid), "proposed", "pain_now", NULL); /* of that day */
	expect_in(show(mara, sid), "chart", "focus", "null");
	expect_json(show(mara, theirs), "proposed", "{}"); /* never across patients */
	fails(ask(mara, "set/session", "{'session_id':'%s','confirm':['focus']}", theirs),
	      "bad_value", 65);
	/* It is offered, and still missing. */
	struct said s = ask(mara, "sign/session", "{'session_id':'%s'}", sid);
	assert_non_null(strstr(s.fault.message, "next_in_days"));
	assert_non_null(strstr(s.fault.message, "treatments"));
	fails(ask(mara, "set/session", "{'session_id':'%s','confirm':['pain_now']}", sid),
	      "bad_value", 65);
	done(ask(mara, "set/session", "{'session_id':'%s','confirm':['focus']}", sid));
	expect_in(show(mara, sid), "chart", "focus", "'left side'");
	expect_in(show(mara, sid), "proposed", "focus", NULL);
	expect_in(show(mara, sid), "chart", "next_as_needed", "null");
	done(ask(mara, "set/session", "{'session_id':'%s','confirm':['all'],'next_in_days':14}",
		 sid));
	expect_in(show(mara, sid), "chart", "no_complaint", "true");
	expect_in(show(mara, sid), "chart", "next_in_days", "14");
	s = show(mara, sid);
	OK(s.err);
	assert_int_equal(json_array_size(json_object_get(s.answer, "treatments")), 1);
	assert_int_equal(json_object_size(json_object_get(s.answer, "proposed")), 0);
	json_decref(s.answer);
	free(theirs);
	free(sid);
	free(first);
	free(other);
	free(id);
	world_free(w);
}

/* ---- late entries and the worklist --------------------------------------------------------- */

static void test_BC1_an_entry_after_24_hours_says_so(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = new_patient(mara, "Maya");
	char *sid = new_session(mara, id);
	fill_session(mara, sid);
	w->wall += 26 * HOUR_MS;
	done(ask(mara, "sign/session", "{'session_id':'%s'}", sid));
	expect_json(show(mara, sid), "late_entry", "'late entry (26 h)'");
	expect_json(show(&w->rooms[0], sid), "late_entry_hours", "26");
	struct said s = ask(mara, "list/sessions", "{'patient_id':'%s'}", id);
	OK(s.err);
	const json_t *row = json_array_get(json_object_get(s.answer, "sessions"), 0);
	assert_string_equal(json_text_of(row, "late_entry"), "late entry (26 h)");
	json_decref(s.answer);
	char *soon = new_session(mara, id);
	fill_session(mara, soon);
	w->wall += 24 * HOUR_MS;
	done(ask(mara, "sign/session", "{'session_id':'%s'}", soon));
	expect_json(show(mara, soon), "late_entry", "null");
	free(soon);
	free(sid);
	free(id);
	world_free(w);
}

static void test_the_worklist_is_ones_own_oldest_first(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = new_patient(mara, "Maya");
	char *other = new_patient(mara, "Ben");
	expect_json(ask(mara, "list/sessions", "{'unsigned':true}"), "sessions", "[]");
	char *first = new_session(mara, other);
	w->wall += 30 * HOUR_MS;
	char *second = new_session(mara, id);
	free(new_session(&w->rooms[0], id)); /* Jo's */
	char *ready = new_session(mara, id);
	fill_session(mara, ready);
	done(ask(mara, "sign/session", "{'session_id':'%s'}", ready));
	w->wall += 2 * HOUR_MS;
	struct said s = ask(mara, "list/sessions", "{'unsigned':true}");
	OK(s.err);
	const json_t *list = json_object_get(s.answer, "sessions");
	assert_int_equal(json_array_size(list), 2);
	const json_t *row = json_array_get(list, 0);
	assert_string_equal(json_text_of(row, "session_id"), first);
	assert_string_equal(json_text_of(row, "patient"), "Ben");
	assert_int_equal(json_integer_value(json_object_get(row, "age_hours")), 32);
	row = json_array_get(list, 1);
	assert_string_equal(json_text_of(row, "session_id"), second);
	json_decref(s.answer);
	fails(ask(mara, "list/sessions", "{'unsigned':true,'patient_id':'%s'}", id), "usage", 64);
	done(ask(&w->rooms[0], "add/user",
		 "{'name':'Sam','login':'sam','roles':['desk'],'new_passphrase':'%s'}", MARA_PASS));
	done(sign_in(mara, "sam", MARA_PASS));
	fails(ask(mara, "list/sessions", "{'unsigned':true}"), "denied", 77);
	free(ready);
	free(second);
	free(first);
	free(other);
	free(id);
	world_free(w);
}

/* ---- on the wrong chart -------------------------------------------------------------------- */

/* Everybody but its author counts it and reads nothing. */
static void expect_nothing_of(struct room *jo, const char *sid, const char *wrong)
{
	expect_json(show(jo, sid), "state", "'entered_in_error'");
	expect_json(show(jo, sid), "subjective", "null");
	expect_json(show(jo, sid), "measures", "[]");
	expect_json(show(jo, sid), "treatments", "[]");
	expect_json(show(jo, sid), "chart", "null");
	expect_in(show(jo, sid), "entered_in_error", "reason", "null");
	expect_in(show(jo, sid), "entered_in_error", "right_session_id", "null");
	expect_json(ask(jo, "list/treatments", "{'session_id':'%s'}", sid), "treatments", "[]");
	expect_json(ask(jo, "list/promises", "{'patient_id':'%s'}", wrong), "promises", "[]");
	struct said s = ask(jo, "list/sessions", "{'patient_id':'%s'}", wrong);
	OK(s.err);
	const json_t *list = json_object_get(s.answer, "sessions");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_text_of(json_array_get(list, 0), "state"), "entered_in_error");
	json_decref(s.answer);
}

/* On the right chart stands all of it, to be looked at and signed. */
static void expect_all_of(struct room *jo, const char *again, const char *right)
{
	char quoted[64];
	expect_json(show(jo, again), "state", "'draft'");
	expect_json(show(jo, again), "subjective", "'stiff neck'");
	(void)snprintf(quoted, sizeof(quoted), "'%s'", right);
	expect_json(show(jo, again), "patient_id", quoted);
	struct said s = show(jo, again);
	OK(s.err);
	const json_t *list = json_object_get(s.answer, "measures");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_text_of(json_array_get(list, 1), "pair_id"),
			    json_text_of(json_array_get(list, 0), "measure_id"));
	assert_int_equal(json_array_size(json_object_get(s.answer, "treatments")), 1);
	json_decref(s.answer);
	assert_int_equal(
		rows_at(ask(jo, "list/promises", "{'patient_id':'%s'}", right), "promises"), 1);
}

static void test_3g_a_session_on_the_wrong_chart(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	struct room *jo = &w->rooms[0];
	char *wrong = new_patient(mara, "Maya");
	char *right = new_patient(mara, "Ben");
	char *sid = new_session(mara, wrong);
	fill_session(mara, sid);
	done(ask(mara, "set/session", "{'session_id':'%s','subjective':'stiff neck'}", sid));
	char *pre = strdup(text_at(ask(mara, "add/measure",
				       "{'session_id':'%s','ref':'cx_rot','side':'L',"
				       "'phase':'pre','value':52}",
				       sid),
				   "measure_id"));
	done(ask(mara, "add/measure", "{'session_id':'%s','pair_id':'%s','value':60}", sid, pre));
	done(ask(mara, "add/promise", "{'patient_id':'%s','session_id':'%s','text':'look again'}",
		 wrong, sid));
	done(ask(mara, "sign/session", "{'session_id':'%s'}", sid));

	fails(ask(jo, "correct/session", "{'session_id':'%s','patient_id':'%s','reason':'x'}", sid,
		  right),
	      "denied", 77);
	fails(ask(mara, "correct/session", "{'session_id':'%s','patient_id':'%s','reason':'x'}",
		  sid, wrong),
	      "bad_value", 65);
	fails(ask(mara, "correct/session", "{'session_id':'%s','patient_id':'%s'}", sid, right),
	      "usage", 64);
	char *again = strdup(text_at(ask(mara, "correct/session",
					 "{'session_id':'%s','patient_id':'%s','reason':'it was "
					 "Ben'}",
					 sid, right),
				     "right_session_id"));
	fails(ask(mara, "correct/session", "{'session_id':'%s','patient_id':'%s','reason':'x'}",
		  sid, right),
	      "exists", 1);

	/* Its author reads it, marked; the two name each other. */
	expect_json(show(mara, sid), "state", "'entered_in_error'");
	expect_json(show(mara, sid), "subjective", "'stiff neck'");
	expect_in(show(mara, sid), "entered_in_error", "reason", "'it was Ben'");
	char quoted[64];
	(void)snprintf(quoted, sizeof(quoted), "'%s'", again);
	expect_in(show(mara, sid), "entered_in_error", "right_session_id", quoted);
	(void)snprintf(quoted, sizeof(quoted), "'%s'", sid);
	expect_in(show(mara, again), "chart", "reentered_from", quoted);
	expect_nothing_of(jo, sid, wrong);
	expect_all_of(jo, again, right);
	done(ask(mara, "sign/session", "{'session_id':'%s'}", again));
	/* What was on the wrong chart is no visit of hers. */
	w->wall += 48 * HOUR_MS;
	expect_json(ask(mara, "show/card", "{'patient_id':'%s'}", wrong), "visit", "1");
	free(again);
	free(pre);
	free(sid);
	free(right);
	free(wrong);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_session_says_texts_and_fields_in_one_change),
		cmocka_unit_test(test_BC2_signing_names_all_that_is_missing),
		cmocka_unit_test(test_a_signed_session_shows_what_was_signed),
		cmocka_unit_test(test_what_is_proposed_fills_nothing_until_it_is_confirmed),
		cmocka_unit_test(test_BC1_an_entry_after_24_hours_says_so),
		cmocka_unit_test(test_the_worklist_is_ones_own_oldest_first),
		cmocka_unit_test(test_3g_a_session_on_the_wrong_chart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
