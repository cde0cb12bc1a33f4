/* The welcome card: what stands on it, what never does, and who may read it. */
#include "unit/client/api/verbs_rig.h"

#define DAY_MS_ 86400000u
#define CANARY "canary-of-a-note"

/* Mara at her desk with one patient. */
struct scene {
	struct world *w;
	struct room *mara;
	char *patient;
};

static struct scene begin(void)
{
	struct scene s = { .w = clinic() };
	s.mara = &s.w->rooms[1];
	s.patient = copy(text_at(ask(s.mara, "add/patient",
				     "{'name':'Maya Rowe','name_used':'May','born':'1988-04-02'}"),
				 "patient_id"));
	return s;
}

static void end(struct scene *s)
{
	free(s->patient);
	world_free(s->w);
}

static struct said card(struct scene *s)
{
	return ask(s->mara, "show/card", "{'patient_id':'%s'}", s->patient);
}

static void expect_card(struct scene *s, const char *key, const char *expected)
{
	expect_json(card(s), key, expected);
}

static char *visit(struct scene *s)
{
	return copy(text_at(ask(s->mara, "start/session", "{'patient_id':'%s'}", s->patient),
			    "session_id"));
}

/* Adds a record; `more` are its keys. */
static void add(struct scene *s, const char *path, const char *more)
{
	done(ask(s->mara, path, "{'patient_id':'%s',%s}", s->patient, more));
}

static void test_card_44_a_first_visit_is_said_to_be_one(void **state)
{
	(void)state;
	struct scene s = begin();
	expect_card(&s, "name_used", "'May'");
	expect_card(&s, "pronounced_as", "null");
	expect_card(&s, "visit", "1");
	expect_card(&s, "first_visit", "true");
	expect_card(&s, "last_visit", "null");
	expect_card(&s, "last_mood", "null");
	expect_card(&s, "comfort", "null");
	expect_card(&s, "preference", "null");
	expect_card(&s, "own_notes", "0");
	const char *lists[] = { "take_care", "consent",    "complaints",   "proof",
				"promises",  "talk_about", "mood_prompts", "homecare" };
	for (size_t i = 0; i < COUNT_OF(lists); i++) expect_card(&s, lists[i], "[]");
	/* During the first visit it still is the first. */
	free(visit(&s));
	expect_card(&s, "visit", "1");
	expect_card(&s, "first_visit", "true");
	s.w->wall += DAY_MS_;
	expect_card(&s, "visit", "2");
	expect_card(&s, "first_visit", "false");
	end(&s);
}

static void test_card_44_nobody_is_called_new_on_a_guess(void **state)
{
	(void)state;
	struct scene s = begin();
	room_cut(s.mara, true);
	expect_card(&s, "first_visit", "null"); /* never fetched: there may be old sessions */
	expect_card(&s, "partial", "true");
	room_cut(s.mara, false);
	expect_card(&s, "first_visit", "true");
	room_cut(s.mara, true);
	expect_card(&s, "first_visit", "true");
	end(&s);
}

static void test_card_44_what_was_said_last_time(void **state)
{
	(void)state;
	struct scene s = begin();
	char *session = visit(&s);
	done(ask(s.mara, "set/session",
		 "{'session_id':'%s','subjective':'stiff neck','plan':'recheck left rotation'}",
		 session));
	add(&s, "add/promise", "'text':'look up a stretch','due':'2025-12-01'");
	done(ask(s.mara, "add/homecare-item",
		 "{'session_id':'%s','what':'turn the head','dose':'3 times a day'}", session));
	expect_card(&s, "homecare", "[]"); /* it is to be done after today */
	add(&s, "add/promise", "'text':'kept already','kept':'kept'");
	add(&s, "add/promise", "'text':'dropped','kept':'dropped'");
	add(&s, "add/episode", "'complaint':'neck after a fall','started':'2025-11-01'");
	add(&s, "add/episode",
	    "'complaint':'old knee','started':'2020-01-01','closed':'2020-03-01'");
	s.w->wall += 7 * DAY_MS_;
	struct said said = card(&s);
	OK(said.err);
	const json_t *last = json_object_get(said.answer, "last_visit");
	assert_string_equal(json_text_of(last, "session_id"), session);
	assert_string_equal(json_text_of(last, "author"), "mara");
	assert_string_equal(json_text_of(last, "subjective"), "stiff neck");
	assert_string_equal(json_text_of(last, "plan"), "recheck left rotation");
	const json_t *promises = json_object_get(said.answer, "promises");
	assert_int_equal(json_array_size(promises), 1);
	assert_string_equal(json_text_of(json_array_get(promises, 0), "text"), "look up a stretch");
	assert_string_equal(json_text_of(json_array_get(promises, 0), "due"), "2025-12-01");
	assert_string_equal(json_text_of(json_array_get(promises, 0), "by"), "mara");
	json_decref(said.answer);
	expect_card(&s, "complaints", "['neck after a fall']");
	expect_card(&s, "homecare", "[{'what':'turn the head','dose':'3 times a day'}]");
	free(session);
	end(&s);
}

static void measure(struct scene *s, const char *session, const char *ref, const char *phase,
		    int value)
{
	done(ask(s->mara, "add/measure",
		 "{'session_id':'%s','ref':'%s','side':'L','phase':'%s','value':%d}", session, ref,
		 phase, value));
}

/* The newest visit that has any; what cannot be compared is no line. */
static void test_card_44_the_last_proof(void **state)
{
	(void)state;
	struct scene s = begin();
	char *session = visit(&s);
	measure(&s, session, "cx_rot", "pre", 52);
	measure(&s, session, "cx_rot", "post", 66);
	measure(&s, session, "cx_lat", "pre", 30); /* not measured again */
	expect_card(&s, "proof", "[]");            /* of today */
	free(session);
	s.w->wall += 7 * DAY_MS_;
	free(visit(&s)); /* nothing was measured */
	s.w->wall += 7 * DAY_MS_;
	struct said said = card(&s);
	OK(said.err);
	const json_t *list = json_object_get(said.answer, "proof");
	assert_int_equal(json_array_size(list), 1);
	const json_t *row = json_array_get(list, 0);
	assert_string_equal(json_text_of(row, "ref"), "cx_rot");
	assert_string_equal(json_text_of(row, "side"), "L");
	assert_int_equal(json_integer_value(json_object_get(row, "from")), 52);
	assert_int_equal(json_integer_value(json_object_get(row, "to")), 66);
	assert_string_equal(json_text_of(json_object_get(row, "change"), "state"), "improved");
	json_decref(said.answer);
	end(&s);
}

static void test_card_44_only_what_may_be_mentioned_and_is_not_expired(void **state)
{
	(void)state;
	struct scene s = begin(); /* it is 2025-11-24 */
	add(&s, "add/talk-about", "'text':'race','heard_on':'2025-11-01','ok_to_mention':true");
	add(&s, "add/talk-about", "'text':'secret','heard_on':'2025-11-01'");
	add(&s, "add/talk-about", "'text':'no','heard_on':'2025-11-01','ok_to_mention':false");
	add(&s, "add/talk-about", "'text':'old','heard_on':'2025-05-01','ok_to_mention':true");
	add(&s, "add/talk-about",
	    "'text':'over','heard_on':'2025-11-01','ok_to_mention':true,'expires':'2025-11-20'");
	add(&s, "add/talk-about",
	    "'text':'still','heard_on':'2025-05-01','ok_to_mention':true,'expires':'2025-12-20'");
	struct said said = card(&s);
	OK(said.err);
	const json_t *list = json_object_get(said.answer, "talk_about");
	assert_int_equal(json_array_size(list), 2);
	const json_t *row = json_array_get(list, 0);
	assert_string_equal(json_text_of(row, "text"), "race");
	assert_string_equal(json_text_of(row, "heard_on"), "2025-11-01");
	assert_string_equal(json_text_of(row, "by"), "mara");
	assert_string_equal(json_text_of(row, "until"), "2026-05-01");
	assert_string_equal(json_text_of(json_array_get(list, 1), "text"), "still");
	json_decref(said.answer);
	end(&s);
}

static void test_card_44_allergies_and_absolute_alerts_in_words(void **state)
{
	(void)state;
	struct scene s = begin();
	const struct {
		const char *question, *answer, *asked_on;
	} rows[] = {
		{ "allergy_latex", "yes", "2025-01-02" },   { "allergy_nuts", "yes", "2024-01-02" },
		{ "allergy_nuts", "no", "2025-01-02" }, /* today's answer */
		{ "allergy_tape", "unsure", "2025-01-02" }, { "diabetes", "yes", "2025-01-02" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char more[200];
		(void)snprintf(more, sizeof(more),
			       "'question':'%s','answer':'%s','asked_on':'%s','source':'form'",
			       rows[i].question, rows[i].answer, rows[i].asked_on);
		add(&s, "add/health-answer", more);
	}
	add(&s, "add/alert", "'kind':'contraindication_absolute','text':'clot in the left leg'");
	add(&s, "add/alert", "'kind':'allergy','text':'arnica','ended':'2025-11-24'");
	add(&s, "add/alert", "'kind':'allergy','text':'over','ended':'2025-11-23'");
	add(&s, "add/alert", "'kind':'safety','text':'for staff'");
	expect_card(&s, "take_care",
		    "[{'kind':'contraindication_absolute','text':'clot in the left "
		    "leg','since':null},"
		    "{'kind':'allergy','text':'arnica','since':null},"
		    "{'kind':'allergy','text':'latex','since':'2025-01-02'},"
		    "{'kind':'allergy','text':'tape (not sure)','since':'2025-01-02'}]");
	end(&s);
}

/* "abdomen refused, gluteal ask_again" */
static void expect_consents(struct scene *s, const char *expected)
{
	struct said said = card(s);
	char text[400] = { 0 };
	size_t at = 0;
	OK(said.err);
	const json_t *list = json_object_get(said.answer, "consent");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %s", i > 0 ? ", " : "",
				       json_text_of(row, "area"), json_text_of(row, "state"));
	}
	assert_string_equal(text, expected);
	json_decref(said.answer);
}

static void test_card_44_consents_still_open_or_refused(void **state)
{
	(void)state;
	struct scene s = begin();
	add(&s, "add/consent", "'area':'abdomen','answer':'no'");
	add(&s, "add/consent", "'area':'gluteal','answer':'yes'");
	add(&s, "add/consent", "'area':'coccyx','answer':'withdrawn'");
	expect_consents(&s,
			"abdomen refused, coccyx withdrawn"); /* a yes of today is no question */
	s.w->wall += DAY_MS_;
	expect_consents(&s, "gluteal ask_again, abdomen refused, coccyx withdrawn");
	add(&s, "add/consent", "'area':'coccyx','answer':'yes'"); /* the newest holds */
	add(&s, "add/consent", "'area':'gluteal','answer':'no'");
	expect_consents(&s, "gluteal refused, abdomen refused");
	end(&s);
}

static void add_mood(struct scene *s, const char *session, const char *more)
{
	done(ask(s->mara, "add/mood-read",
		 "{'patient_id':'%s','session_id':'%s','source':'my_read',%s}", s->patient, session,
		 more));
}

static void test_mood_45_last_goodbye_and_todays_arrival_in_words(void **state)
{
	(void)state;
	struct scene s = begin();
	for (int i = 0; i < 2; i++) {
		char *session = visit(&s);
		add_mood(&s, session, "'when':'arrival','spirits':'even','energy':'tired'");
		add_mood(&s, session,
			 "'when':'departure','spirits':'low','energy':'fresh','lifted':['story']");
		free(session);
		s.w->wall += 7 * DAY_MS_;
	}
	expect_card(&s, "mood_prompts", "[]"); /* nobody has come yet */
	struct said said = card(&s);
	OK(said.err);
	const json_t *mood = json_object_get(said.answer, "last_mood");
	assert_string_equal(json_text_of(mood, "spirits"), "low");
	assert_string_equal(json_text_of(mood, "energy"), "fresh");
	assert_string_equal(json_text_of(mood, "source"), "my read");
	assert_string_equal(json_text_of(mood, "by"), "mara");
	assert_non_null(strstr(json_text_of(said.answer, "mood_flag"), "twice running"));
	json_decref(said.answer);

	char *session = visit(&s);
	add_mood(&s, session, "'when':'arrival','spirits':'very_low'");
	said = card(&s);
	OK(said.err);
	const json_t *prompts = json_object_get(said.answer, "mood_prompts");
	assert_int_equal(json_array_size(prompts), 6);
	assert_string_equal(json_string_value(json_array_get(prompts, 0)),
			    "A story helped last time.");
	assert_non_null(json_text_of(said.answer, "mood_flag")); /* of the two before, still */
	json_decref(said.answer);
	add_mood(&s, session, "'when':'departure','spirits':'bright'");
	expect_card(&s, "mood_flag", "null");
	free(session);
	end(&s);
}

static void expect_without(struct said s, const char *word)
{
	char *text = NULL;
	OK(s.err);
	OK(json_text_dump(s.answer, &text));
	assert_null(strstr(text, word));
	json_text_free(text);
	json_decref(s.answer);
}

static void test_card_44_notes_are_counted_and_never_shown(void **state)
{
	(void)state;
	struct scene s = begin();
	for (int i = 0; i < 2; i++)
		done(ask(s.mara, "add/note", "{'patient_id':'%s','text':'" CANARY "'}", s.patient));
	expect_card(&s, "own_notes", "2");
	expect_without(card(&s), CANARY);
	/* Another reader has none. */
	struct said jo = ask(&s.w->rooms[0], "show/card", "{'patient_id':'%s'}", s.patient);
	expect_json(jo, "own_notes", "0");
	end(&s);
}

static void test_card_44_wishes_by_their_keys(void **state)
{
	(void)state;
	struct scene s = begin();
	done(ask(s.mara, "set/preference", "{'patient_id':'%s','pressure':3,'talk':'quiet'}",
		 s.patient));
	done(ask(s.mara, "set/comfort", "{'patient_id':'%s','chaperone':true}", s.patient));
	done(ask(s.mara, "set/patient-detail", "{'patient_id':'%s','pronounced_as':'MY-a'}",
		 s.patient));
	expect_card(&s, "comfort", "{'therapist_gender':null,'chaperone':true}");
	struct said said = card(&s);
	OK(said.err);
	const json_t *p = json_object_get(said.answer, "preference");
	assert_int_equal(json_integer_value(json_object_get(p, "pressure")), 3);
	assert_null(json_object_get(p, "patient_id"));
	assert_string_equal(json_text_of(said.answer, "pronounced_as"), "MY-a");
	json_decref(said.answer);
	end(&s);
}

static void test_card_44_the_desk_may_not_read_it(void **state)
{
	(void)state;
	struct scene s = begin();
	done(ask(&s.w->rooms[0], "add/user",
		 "{'name':'Sam','login':'sam','roles':['desk'],'new_passphrase':'%s'}", MARA_PASS));
	done(sign_in(s.mara, "sam", MARA_PASS));
	fails(card(&s), "denied", 77);
	/* It is not said whether there is such a patient. */
	fails(ask(s.mara, "show/card", "{'patient_id':'01a20b7c-c27a-73bc-9514-f03fa89e0055'}"),
	      "denied", 77);
	done(sign_in(s.mara, "mara", MARA_PASS));
	fails(ask(s.mara, "show/card", "{'patient_id':'01a20b7c-c27a-73bc-9514-f03fa89e0055'}"),
	      "not_found", 66);
	fails(ask(s.mara, "show/card", "{}"), "usage", 64);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_card_44_a_first_visit_is_said_to_be_one),
		cmocka_unit_test(test_card_44_nobody_is_called_new_on_a_guess),
		cmocka_unit_test(test_card_44_what_was_said_last_time),
		cmocka_unit_test(test_card_44_the_last_proof),
		cmocka_unit_test(test_card_44_only_what_may_be_mentioned_and_is_not_expired),
		cmocka_unit_test(test_card_44_allergies_and_absolute_alerts_in_words),
		cmocka_unit_test(test_card_44_consents_still_open_or_refused),
		cmocka_unit_test(test_mood_45_last_goodbye_and_todays_arrival_in_words),
		cmocka_unit_test(test_card_44_notes_are_counted_and_never_shown),
		cmocka_unit_test(test_card_44_wishes_by_their_keys),
		cmocka_unit_test(test_card_44_the_desk_may_not_read_it),
	};
	setenv("TZ", "UTC0", 1); /* days are local ones */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
