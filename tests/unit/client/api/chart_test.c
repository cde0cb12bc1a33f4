/* A chart in a room that does not hold all of it: what is fetched for what, and what is said of the
 * rest. */
#include "unit/client/api/verbs_rig.h"

#define DAY_MS_ 86400000ull
#define OLD 60u /* sessions that the feed brings no more */
#define NEW 10u
#define LISTED 50u

/* Jo has treated Maya for years; Mara opens the chart in her room for the first time. */
struct scene {
	struct world *w;
	struct room *jo, *mara;
	char *patient;
	struct id patient_id;
	struct id sessions[OLD + NEW]; /* oldest first */
};

static void put_session(struct scene *s, size_t i, uint64_t started_ms)
{
	const uint64_t now = s->w->wall;
	s->w->wall = started_ms;
	s->sessions[i] = local_new_id(s->jo->local, started_ms);
	OK(room_put_frame(s->jo, &s->sessions[i], &s->patient_id, desk_person(&s->jo->desk)));
	s->w->wall = now;
	OK(room_text(s->jo, &s->sessions[i], ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
}

/* The newest session was so long ago. */
static struct scene begin_at(unsigned days)
{
	struct scene s = { .w = clinic() };
	s.jo = &s.w->rooms[0];
	s.mara = &s.w->rooms[1];
	s.patient = copy(text_at(ask(s.jo, "add/patient", "{'name':'Maya','born':'1988-04-02'}"),
				 "patient_id"));
	OK(id_parse(view_str(s.patient), &s.patient_id));
	for (size_t i = 0; i < OLD; i++) put_session(&s, i, s.w->wall - (700 + OLD - i) * DAY_MS_);
	for (size_t i = OLD; i < OLD + NEW; i++)
		put_session(&s, i, s.w->wall - (days + OLD + NEW - i) * DAY_MS_);
	room_saved(s.jo);
	return s;
}

static struct scene begin(void)
{
	return begin_at(1);
}

static void end(struct scene *s)
{
	free(s->patient);
	world_free(s->w);
}

static struct said list(struct scene *s, const char *more)
{
	return ask(s->mara, "list/sessions", "{'patient_id':'%s'%s}", s->patient, more);
}

static void expect_list(struct scene *s, const char *more, size_t rows, const char *left,
			const char *partial)
{
	struct said said = list(s, more);
	char text[ID_TEXT_BYTES];
	OK(said.err);
	const json_t *sessions = json_object_get(said.answer, "sessions");
	assert_int_equal(json_array_size(sessions), rows);
	for (size_t i = 0; i < rows; i++) {
		id_print(&s->sessions[OLD + NEW - rows + i], text);
		assert_string_equal(json_text_of(json_array_get(sessions, i), "session_id"), text);
	}
	expect_json((struct said){ .answer = json_incref(said.answer) }, "more", left);
	expect_json(said, "partial", partial);
}

static struct local_history history(struct scene *s)
{
	struct local_history h = { 0 };
	OK(local_history(s->mara->local, &s->mara->desk.vault, &s->patient_id, &h));
	return h;
}

static size_t held(struct scene *s)
{
	struct local_sessions all = { 0 };
	OK(local_find_sessions(s->mara->local, &s->mara->desk.vault, &s->patient_id, &all));
	const size_t count = all.count;
	local_sessions_fini(&all);
	return count;
}

static void test_the_card_fetches_what_it_needs(void **state)
{
	(void)state;
	struct scene s = begin();
	assert_int_equal(held(&s), NEW);
	expect_json(ask(s.mara, "show/card", "{'patient_id':'%s'}", s.patient), "visit", "71");
	/* The ten that the feed brought are enough: it was only counted. */
	assert_int_equal(held(&s), NEW);
	assert_int_equal(history(&s).whole_ms, 0);
	assert_int_equal(history(&s).sessions, OLD);
	assert_int_equal(history(&s).newest, 8);
	expect_json(ask(s.mara, "show/card", "{'patient_id':'%s'}", s.patient), "first_visit",
		    "false");
	end(&s);
}

/* All were here long ago. */
static void test_the_card_of_a_patient_who_comes_back(void **state)
{
	(void)state;
	struct scene s = begin_at(600);
	assert_int_equal(held(&s), 0);
	struct said said = ask(s.mara, "show/card", "{'patient_id':'%s'}", s.patient);
	OK(said.err);
	char text[ID_TEXT_BYTES];
	id_print(&s.sessions[OLD + NEW - 1], text);
	const json_t *last = json_object_get(said.answer, "last_visit");
	assert_string_equal(json_text_of(last, "session_id"), text);
	assert_string_equal(json_text_of(last, "plan"), "rest");
	expect_json(said, "visit", "71");
	assert_int_equal(held(&s), 8);
	expect_list(&s, "", LISTED, "20", "false");
	assert_int_equal(held(&s), LISTED);
	end(&s);
}

static void test_a_list_says_how_many_are_not_on_it(void **state)
{
	(void)state;
	struct scene s = begin();
	room_cut(s.mara, true); /* never asked: nobody knows */
	expect_list(&s, "", NEW, "null", "true");
	room_cut(s.mara, false);
	expect_list(&s, ",'limit':3", 3, "67", "false");
	expect_list(&s, "", LISTED, "20", "false");
	assert_int_equal(held(&s), LISTED);
	room_cut(s.mara, true);
	expect_list(&s, "", LISTED, "20", "true");
	expect_list(&s, ",'all':true", LISTED, "20", "true");
	room_cut(s.mara, false);
	expect_list(&s, ",'limit':64", 64, "6", "false");
	expect_list(&s, ",'all':true", OLD + NEW, "0", "false");
	assert_int_equal(history(&s).whole_ms, s.w->wall);
	room_cut(s.mara, true);
	expect_list(&s, ",'all':true", OLD + NEW, "0", "true");
	expect_list(&s, ",'all':false", LISTED, "20", "true");
	end(&s);
}

static void test_a_limit_above_a_page_fetches_everything(void **state)
{
	(void)state;
	struct scene s = begin();
	expect_list(&s, ",'limit':65", 65, "5", "false");
	assert_int_equal(held(&s), OLD + NEW);
	expect_list(&s, ",'limit':70", 70, "0", "false");
	end(&s);
}

static void test_limits_that_are_none(void **state)
{
	(void)state;
	struct scene s = begin();
	fails(list(&s, ",'limit':0"), "bad_value", 65);
	fails(list(&s, ",'limit':65537"), "bad_value", 65);
	fails(list(&s, ",'limit':'9'"), "bad_value", 65);
	fails(list(&s, ",'all':1"), "usage", 64);
	fails(list(&s, ",'limit':5,'all':true"), "usage", 64);
	done(list(&s, ",'limit':65536"));
	done(list(&s, ",'limit':1,'all':null"));
	end(&s);
}

/* What has come since everything was here, and not everything once more. */
static void test_the_whole_is_fetched_once(void **state)
{
	(void)state;
	struct scene s = begin();
	done(list(&s, ",'all':true"));
	const uint64_t seq = history(&s).whole_seq;
	assert_true(seq > 0);
	const struct id late = local_new_id(s.jo->local, s.w->wall);
	const uint64_t now = s.w->wall;
	s.w->wall = now - 600 * DAY_MS_;
	OK(room_put_frame(s.jo, &late, &s.patient_id, desk_person(&s.jo->desk)));
	s.w->wall = now;
	room_saved(s.jo);
	assert_int_equal(held(&s), OLD + NEW);
	s.w->wall += 11u * 60u * 1000u;
	done(list(&s, ""));
	assert_int_equal(held(&s), OLD + NEW + 1);
	assert_true(history(&s).whole_seq > seq);
	end(&s);
}

/* The feed does not bring what is said late of a session of long ago: who opens it sees it. */
static void test_late_words_of_an_old_session(void **state)
{
	(void)state;
	struct scene s = begin();
	char sid[ID_TEXT_BYTES];
	id_print(&s.sessions[0], sid);
	expect_json(ask(s.mara, "show/session", "{'session_id':'%s'}", sid), "plan", "'rest'");
	OK(room_text(s.jo, &s.sessions[0], ROOMKEEP__TEXT_FIELD__PLAN, "walk"));
	room_saved(s.jo);
	expect_json(ask(s.mara, "show/session", "{'session_id':'%s'}", sid), "plan", "'walk'");
	room_cut(s.mara, true);
	expect_json(ask(s.mara, "show/session", "{'session_id':'%s'}", sid), "plan", "'walk'");
	end(&s);
}

/* An allergy that was told in a session of long ago stands on the card, whatever is not here. */
static void test_what_was_told_long_ago_is_on_the_card(void **state)
{
	(void)state;
	struct scene s = begin();
	char sid[ID_TEXT_BYTES];
	id_print(&s.sessions[1], sid);
	done(ask(s.jo, "add/health-answer",
		 "{'patient_id':'%s','session_id':'%s','question':'allergy_latex','answer':'yes',"
		 "'asked_on':'2024-01-05','source':'form'}",
		 s.patient, sid));
	room_saved(s.jo);
	struct said said = ask(s.mara, "show/card", "{'patient_id':'%s'}", s.patient);
	OK(said.err);
	assert_int_equal(json_array_size(json_object_get(said.answer, "take_care")), 1);
	json_decref(said.answer);
	assert_int_equal(held(&s), NEW);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_card_fetches_what_it_needs),
		cmocka_unit_test(test_the_card_of_a_patient_who_comes_back),
		cmocka_unit_test(test_a_list_says_how_many_are_not_on_it),
		cmocka_unit_test(test_a_limit_above_a_page_fetches_everything),
		cmocka_unit_test(test_limits_that_are_none),
		cmocka_unit_test(test_the_whole_is_fetched_once),
		cmocka_unit_test(test_late_words_of_an_old_session),
		cmocka_unit_test(test_what_was_told_long_ago_is_on_the_card),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
