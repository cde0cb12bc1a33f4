/* Verbs of assessments and proof: rows in pairs, what a session and its signing say about them. */
#include "unit/client/api/verbs_rig.h"

#include "client/print/page.h"

#include <sys/stat.h>
#include <unistd.h>

static char *add_patient(struct room *r, const char *name)
{
	return copy(text_at(ask(r, "add/patient", "{'name':'%s','born':'1988-04-02'}", name),
			    "patient_id"));
}

static char *start_session(struct room *r, const char *patient_id)
{
	return copy(
		text_at(ask(r, "start/session", "{'patient_id':'%s'}", patient_id), "session_id"));
}

/* Adds a row; `rest` is JSON with ' for ". Returns its id, the caller's. */
static char *add(struct room *r, const char *sid, const char *rest)
{
	r->w->wall += 60000;
	return copy(
		text_at(ask(r, "add/measure", "{'session_id':'%s',%s}", sid, rest), "measure_id"));
}

static void add_only(struct room *r, const char *sid, const char *rest)
{
	free(add(r, sid, rest));
}

static char *add_pair(struct room *r, const char *sid, const char *pre_id, const char *rest)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "'pair_id':'%s',%s", pre_id, rest);
	return add(r, sid, text);
}

/* It fails, and these words stand in message or hint. */
static void fails_with(struct said s, const char *code, const char *words)
{
	const struct fault fault = s.fault;

	fails(s, code, fault.exit);
	if (strstr(fault.message, words) == NULL && strstr(fault.hint, words) == NULL) {
		print_message("'%s' '%s' lacks '%s'\n", fault.message, fault.hint, words);
		fail();
	}
}

/* The row of a list whose `key` is `value`; NULL when there is none. */
static const json_t *row_with(const json_t *list, const char *key, const char *value)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *text = json_text_of(row, key);
		if (text != NULL && strcmp(text, value) == 0) return row;
	}
	return NULL;
}

#define TURN_PRE                                                                                   \
	"'ref':'cx_rot','side':'L','phase':'pre','value':50,'mode':'active','position':'seated',"  \
	"'method':'goniometer','pain_at_end':5,'end_feel':'firm','limited_by':'a pull'"

static void test_a_row_says_how_it_was_taken(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = add_patient(mara, "Maya");
	char *sid = start_session(mara, id);

	add_only(mara, sid, TURN_PRE ",'rater':'jo'");
	add_only(mara, sid, "'ref':'cx_lat','side':'L','phase':'pre','skipped_reason':'sore'");
	struct said s = ask(&w->rooms[0], "show/session", "{'session_id':'%s'}", sid);
	OK(s.err);
	const json_t *m = json_array_get(json_object_get(s.answer, "measures"), 0);
	static const char *const said[][2] = {
		{ "mode", "active" },   { "position", "seated" },        { "method", "goniometer" },
		{ "end_feel", "firm" }, { "limited_by", "a pull" },      { "rater", "jo" },
		{ "by", "mara" },       { "name", "cervical rotation" },
	};
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		assert_string_equal(json_text_of(m, said[i][0]), said[i][1]);
	}
	assert_int_equal(json_integer_value(json_object_get(m, "pain_at_end")), 5);
	assert_true(json_is_null(json_object_get(m, "pair_id")));
	m = json_array_get(json_object_get(s.answer, "measures"), 1);
	assert_string_equal(json_text_of(m, "skipped_reason"), "sore");
	assert_true(json_is_null(json_object_get(m, "value")));
	json_decref(s.answer);
	free(id);
	free(sid);
	world_free(w);
}

static void test_a_retest_is_one_number(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = add_patient(mara, "Maya");
	char *sid = start_session(mara, id);
	char *pre = add(mara, sid, TURN_PRE);

	w->wall += 60000;
	struct said s = ask(mara, "add/measure",
			    "{'session_id':'%s','pair_id':'%s','value':64,'pain_at_end':2}", sid,
			    pre);
	OK(s.err);
	const json_t *change = json_object_get(s.answer, "change");
	assert_string_equal(json_text_of(change, "state"), "improved");
	assert_int_equal(json_integer_value(json_object_get(change, "delta")), 14);
	assert_int_equal(json_integer_value(json_object_get(change, "error")), 6);
	assert_int_equal(json_integer_value(json_object_get(change, "pain_delta")), 3);
	assert_string_equal(json_text_of(change, "pain_state"), "improved");
	assert_string_equal(json_text_of(change, "text"),
			    "You turned 14 degrees further; the measure is good to about 6.");
	json_decref(s.answer);

	s = ask(mara, "show/session", "{'session_id':'%s'}", sid);
	const json_t *post = json_array_get(json_object_get(s.answer, "measures"), 1);
	assert_string_equal(json_text_of(post, "phase"), "post");
	assert_string_equal(json_text_of(post, "ref"), "cx_rot");
	assert_string_equal(json_text_of(post, "side"), "L");
	assert_string_equal(json_text_of(post, "method"), "goniometer");
	assert_string_equal(json_text_of(post, "pair_id"), pre);
	assert_true(json_is_null(json_object_get(post, "end_feel"))); /* said anew or not at all */
	const json_t *c = json_array_get(json_object_get(s.answer, "changes"), 0);
	assert_string_equal(json_text_of(c, "title"), "Neck rotation, left");
	assert_string_equal(json_text_of(c, "pre_id"), pre);
	assert_string_equal(json_text_of(json_object_get(c, "post"), "state"), "improved");
	assert_true(json_is_null(json_object_get(c, "mid")));
	json_decref(s.answer);
	free(add_pair(mara, sid, pre, "'phase':'mid','value':56"));
	free(add_pair(mara, sid, pre, "'skipped_reason':'time'"));
	free(pre);
	free(id);
	free(sid);
	world_free(w);
}

static void test_a_row_that_differs_from_its_pre_row_is_refused(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = add_patient(mara, "Maya");
	char *other_id = add_patient(mara, "Sam");
	char *sid = start_session(mara, id);
	char *other_sid = start_session(mara, other_id);
	char *pre = add(mara, sid, TURN_PRE);
	static const struct {
		const char *rest;
		const char *field;
	} rows[] = {
		{ "'ref':'cx_lat'", "ref:" },
		{ "'side':'R'", "side:" },
		{ "'mode':'passive'", "mode:" },
		{ "'position':'supine'", "position:" },
		{ "'method':'inclinometer'", "method:" },
		{ "'phase':'pre'", "pair_id:" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fails_with(ask(mara, "add/measure",
			       "{'session_id':'%s','pair_id':'%s','value':64,%s}", sid, pre,
			       rows[i].rest),
			   "bad_value", rows[i].field);
	}
	/* The pre row of another session, here another patient's. */
	fails_with(ask(mara, "add/measure", "{'session_id':'%s','pair_id':'%s','value':64}",
		       other_sid, pre),
		   "bad_value", "pair_id: the id of a pre row of this session");
	char *post = add_pair(mara, sid, pre, "'value':60");
	fails_with(ask(mara, "add/measure", "{'session_id':'%s','pair_id':'%s','value':64}", sid,
		       post),
		   "bad_value", "pair_id:");
	free(post);
	free(pre);
	free(id);
	free(other_id);
	free(sid);
	free(other_sid);
	world_free(w);
}

static void test_refusals_name_the_field_and_what_is_allowed(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *sid = start_session(r, id);
	static const struct {
		const char *rest;
		const char *code;
		const char *words;
	} rows[] = {
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':245", "bad_value",
		  "Neck rotation is between -60 and 220 degrees" },
		{ "'ref':'nprs','phase':'pre','value':11", "bad_value",
		  "is between 0 and 10 points" },
		{ "'ref':'cx_rott','side':'L','phase':'pre','value':1", "not_found", "cx_rot" },
		{ "'ref':'zzzzzzz','side':'L','phase':'pre','value':1", "not_found", "list tests" },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1,'method':'tape'", "bad_value",
		  "method: goniometer, inclinometer or visual" },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1,'method':'guess'", "usage",
		  "method is one of goniometer" },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1,'pain_at_end':11", "bad_value",
		  "pain_at_end: 0 to 10" },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1,'skipped_reason':'time'",
		  "usage", "skipped" },
		{ "'ref':'nprs','phase':'pre','value':1,'end_feel':'soft'", "bad_value",
		  "end_feel: ranges of motion only" },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1,'rater':'nobody'", "not_found",
		  "rater" },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1,'limited_by':' x'",
		  "bad_value", "limited_by" },
		{ "'side':'L','phase':'pre','value':1", "usage", "ref" },
		{ "'ref':'cx_rot','side':'L','value':1", "usage", "phase" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fails_with(ask(r, "add/measure", "{'session_id':'%s',%s}", sid, rows[i].rest),
			   rows[i].code, rows[i].words);
	}
	free(id);
	free(sid);
	world_free(w);
}

static void test_a_positive_red_flag_asks_for_a_referral(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *sid = start_session(r, id);

	struct said s = ask(r, "add/measure",
			    "{'session_id':'%s','ref':'cx_vbi','phase':'pre','result':'pos'}", sid);
	OK(s.err);
	const json_t *prompt = json_array_get(json_object_get(s.answer, "prompts"), 0);
	assert_string_equal(json_text_of(prompt, "alert"), "refer");
	assert_non_null(strstr(json_text_of(prompt, "text"), "Stop and refer"));
	json_decref(s.answer);
	assert_int_equal(
		rows_at(ask(r, "add/measure",
			    "{'session_id':'%s','ref':'cx_vbi','phase':'post','result':'neg'}",
			    sid),
			"prompts"),
		0);
	s = ask(r, "show/session", "{'session_id':'%s'}", sid);
	assert_non_null(
		row_with(json_object_get(s.answer, "warnings"), "code", "flag_without_plan"));
	json_decref(s.answer);
	done(ask(r, "set/session", "{'session_id':'%s','plan':'told her doctor today'}", sid));
	s = ask(r, "show/session", "{'session_id':'%s'}", sid);
	assert_null(row_with(json_object_get(s.answer, "warnings"), "code", "flag_without_plan"));
	json_decref(s.answer);
	free(id);
	free(sid);
	world_free(w);
}

static void test_the_counter_and_signing_that_warns_and_never_blocks(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *sid = start_session(r, id);
	char *pre = add(r, sid, TURN_PRE);

	add_only(r, sid, "'ref':'cx_spurling','side':'L','phase':'pre','result':'pos'");
	free(add_pair(r, sid, pre, "'value':60,'rater':'jo'"));
	struct said s = ask(r, "show/session", "{'session_id':'%s'}", sid);
	OK(s.err);
	const json_t *a = json_object_get(s.answer, "assessments");
	assert_int_equal(json_integer_value(json_object_get(a, "tested")), 2);
	assert_int_equal(json_integer_value(json_object_get(a, "wanted")), 3);
	assert_int_equal(json_integer_value(json_object_get(a, "again")), 1);
	const json_t *left = json_array_get(json_object_get(a, "not_again"), 0);
	assert_string_equal(json_text_of(left, "ref"), "cx_spurling");
	json_decref(s.answer);

	fill_session(r, sid);
	s = ask(r, "sign/session", "{'session_id':'%s'}", sid);
	OK(s.err);
	assert_string_equal(json_text_of(s.answer, "state"), "signed");
	const json_t *warnings = json_object_get(s.answer, "warnings");
	assert_int_equal(json_array_size(warnings), 3);
	assert_non_null(row_with(warnings, "code", "few_tests"));
	assert_string_equal(json_text_of(row_with(warnings, "code", "not_again"), "ref"),
			    "cx_spurling");
	assert_non_null(strstr(json_text_of(row_with(warnings, "code", "other_rater"), "text"),
			       "somebody else"));
	json_decref(s.answer);
	s = ask(r, "show/session", "{'session_id':'%s'}", sid);
	assert_string_equal(json_text_of(s.answer, "signature"), "holds");
	json_decref(s.answer);
	free(pre);
	free(id);
	free(sid);
	world_free(w);
}

/* ---- progress ------------------------------------------------------------------------------ */

/* A visit with three measures, two of them again; `turned` and `more` are degrees. */
static void visit(struct room *r, const char *patient_id, int turned, int more)
{
	char *sid = start_session(r, patient_id);
	char rest[256];

	(void)snprintf(rest, sizeof(rest),
		       "'ref':'cx_rot','side':'L','phase':'pre','value':%d,'mode':'active',"
		       "'position':'seated','method':'goniometer'",
		       turned);
	char *turn = add(r, sid, rest);
	char *pain = add(r, sid, "'ref':'nprs','phase':'pre','value':6");
	add_only(r, sid, "'ref':'cx_spurling','side':'L','phase':'pre','result':'pos'");
	(void)snprintf(rest, sizeof(rest), "'phase':'mid','value':%d", turned + more / 2);
	free(add_pair(r, sid, turn, rest));
	(void)snprintf(rest, sizeof(rest), "'value':%d", turned + more);
	free(add_pair(r, sid, turn, rest));
	free(add_pair(r, sid, pain, "'value':3"));
	fill_session(r, sid);
	done(ask(r, "sign/session", "{'session_id':'%s'}", sid));
	r->w->wall += 7ull * 24 * 3600 * 1000;
	free(turn);
	free(pain);
	free(sid);
}

static void test_progress_is_a_series_over_visits(void **state)
{
	(void)state;
	struct world *w = clinic();
	char *id = add_patient(&w->rooms[1], "Maya");

	visit(&w->rooms[1], id, 40, 20);
	visit(&w->rooms[1], id, 50, 16);
	/* From the other room, which has to hear of it first. */
	struct said s = ask(&w->rooms[0], "show/progress", "{'patient_id':'%s'}", id);
	OK(s.err);
	assert_true(json_is_false(json_object_get(s.answer, "partial")));
	assert_int_equal(json_integer_value(json_object_get(s.answer, "visits")), 2);
	const json_t *list = json_object_get(s.answer, "series");
	assert_int_equal(json_array_size(list), 3);
	const json_t *turn = row_with(list, "ref", "cx_rot");
	assert_string_equal(json_text_of(turn, "how"), "by goniometer, active, seated");
	assert_string_equal(json_text_of(turn, "unit"), "deg");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(turn, "normal"), "ama")), 80);
	const json_t *second = json_array_get(json_object_get(turn, "visits"), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(second, "pre"), "value")), 50);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(second, "mid"), "value")), 58);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(second, "change"), "delta")),
		16);
	assert_int_equal(json_integer_value(json_object_get(second, "kept_percent")), 50);
	assert_string_equal(json_text_of(json_object_get(turn, "whole"), "text"),
			    "You turned 26 degrees further; the measure is good to about 6.");
	const json_t *spurling = row_with(list, "ref", "cx_spurling");
	assert_true(json_is_null(json_object_get(spurling, "normal")));
	json_decref(s.answer);
	assert_int_equal(
		rows_at(ask(&w->rooms[0], "show/progress", "{'patient_id':'%s','ref':'nprs'}", id),
			"series"),
		1);
	fails(ask(&w->rooms[0], "show/progress", "{'patient_id':'nonsense'}"), "not_found", 66);
	fails(ask(&w->rooms[0], "show/progress",
		  "{'patient_id':'01a20b7c-c27a-73bc-9514-f03fa89e0055'}"),
	      "not_found", 66);
	free(id);
	world_free(w);
}

static void test_the_desk_sees_no_progress(void **state)
{
	(void)state;
	struct world *w = clinic();
	char *id = add_patient(&w->rooms[0], "Maya");

	done(ask(&w->rooms[0], "add/user",
		 "{'name':'Sam','login':'sam','roles':['desk'],'new_passphrase':'%s'}", MARA_PASS));
	done(sign_in(&w->rooms[1], "sam", MARA_PASS));
	fails(ask(&w->rooms[1], "show/progress", "{'patient_id':'%s'}", id), "denied", 77);
	fails(ask(&w->rooms[1], "list/tests", "{'patient_id':'%s'}", id), "denied", 77);
	free(id);
	world_free(w);
}

/* ---- what to test -------------------------------------------------------------------------- */

static void test_three_suggestions_go_before_the_catalogue(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	struct said s = ask(r, "list/tests", "{'region':'neck','complaint':'headache'}");

	OK(s.err);
	assert_string_equal(json_text_of(s.answer, "region"), "neck");
	assert_string_equal(json_text_of(s.answer, "complaint"), "headache");
	const json_t *tests = json_object_get(s.answer, "tests");
	static const char *const kinds[] = { "range", "test", "scale" };
	for (size_t i = 0; i < 3; i++) {
		const json_t *t = json_array_get(tests, i);
		assert_true(json_is_true(json_object_get(t, "suggested")));
		assert_string_equal(json_text_of(t, "kind"), kinds[i]);
	}
	const json_t *test = json_array_get(tests, 1);
	assert_non_null(strstr(json_text_of(test, "positive_when"), "32 degrees"));
	assert_non_null(strstr(json_text_of(test, "text"), "(unverified)"));
	assert_null(row_with(tests, "ref", "kn_lach"));
	assert_string_equal(json_text_of(row_with(tests, "ref", "cx_vbi"), "alert"), "refer");
	assert_int_equal(json_array_size(json_object_get(s.answer, "red_flags")), 40);
	const json_t *ndi = row_with(json_object_get(s.answer, "scales"), "ref", "ndi");
	assert_int_equal(json_integer_value(json_object_get(ndi, "mcid")), 7);
	json_decref(s.answer);

	/* Everything, when nothing is asked; and a headache says where. */
	assert_true(rows_at(ask(r, "list/tests", "{}"), "tests") > 200);
	expect_json(ask(r, "list/tests", "{'complaint':'migraine'}"), "region", "'neck'");
	fails_with(ask(r, "list/tests", "{'region':'aura'}"), "bad_value", "region: neck, jaw");
	world_free(w);
}

static void test_last_visits_tests_are_suggested_first(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");

	visit(r, id, 40, 20);
	struct said s = ask(r, "list/tests", "{'patient_id':'%s','region':'neck'}", id);
	OK(s.err);
	const json_t *first = json_array_get(json_object_get(s.answer, "tests"), 0);
	assert_string_equal(json_text_of(first, "ref"), "cx_rot");
	assert_string_equal(json_text_of(first, "side"), "L");
	assert_true(json_is_true(json_object_get(first, "from_last")));
	json_decref(s.answer);
	free(id);
	world_free(w);
}

/* ---- the page ------------------------------------------------------------------------------ */

static void expect_pdf(const char *path)
{
	struct stat st;
	char head[8] = { 0 };
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	assert_int_equal(fread(head, 1, 5, f), 5);
	assert_string_equal(head, "%PDF-");
	assert_int_equal(fclose(f), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_the_page_is_a_file_for_the_person_who_asked(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char folder[] = "/tmp/roomkeep-proof-XXXXXX";
	char file[64];

	assert_non_null(mkdtemp(folder));
	(void)snprintf(file, sizeof(file), "%s/maya.pdf", folder);
	fails(ask(r, "export/proof", "{'patient_id':'%s','file':'%s'}", id, file),
	      "nothing_measured", 66);
	visit(r, id, 40, 20);
	visit(r, id, 50, 16);
	expect_json(ask(r, "export/proof", "{'patient_id':'%s','file':'%s'}", id, file), "measures",
		    "2");
	expect_pdf(file);
	fails(ask(r, "export/proof", "{'patient_id':'%s','file':'%s'}", id, file), "file_exists",
	      1);
	done(ask(r, "export/proof", "{'patient_id':'%s','file':'%s','overwrite':true}", id, file));
	expect_pdf(file);
	fails(ask(r, "export/proof", "{'patient_id':'%s','file':'%s/no/x.pdf'}", id, folder),
	      "not_found", 66);
	fails(ask(r, "export/proof", "{'patient_id':'%s','file':'%s/'}", id, folder), "bad_value",
	      65);
	fails(ask(r, "export/proof", "{'patient_id':'%s','file':'x.pdf'}", id), "bad_value", 65);
	fails(ask(r, "export/proof", "{'patient_id':'%s'}", id), "usage", 64);
	/* A link is not followed, and a folder not replaced. */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink("/dev/null", file), 0);
	fails(ask(r, "export/proof", "{'patient_id':'%s','file':'%s','overwrite':true}", id, file),
	      "denied", 77);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0); /* nothing is left behind */
	free(id);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_row_says_how_it_was_taken),
		cmocka_unit_test(test_a_retest_is_one_number),
		cmocka_unit_test(test_a_row_that_differs_from_its_pre_row_is_refused),
		cmocka_unit_test(test_refusals_name_the_field_and_what_is_allowed),
		cmocka_unit_test(test_a_positive_red_flag_asks_for_a_referral),
		cmocka_unit_test(test_the_counter_and_signing_that_warns_and_never_blocks),
		cmocka_unit_test(test_progress_is_a_series_over_visits),
		cmocka_unit_test(test_the_desk_sees_no_progress),
		cmocka_unit_test(test_three_suggestions_go_before_the_catalogue),
		cmocka_unit_test(test_last_visits_tests_are_suggested_first),
		cmocka_unit_test(test_the_page_is_a_file_for_the_person_who_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
