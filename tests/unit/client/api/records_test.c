/* Verbs of records: patients, sessions, notes, import. */
#include "unit/client/api/verbs_rig.h"

/* ---- patients ------------------------------------------------------------------------------ */

static char *add_patient(struct room *r, const char *name)
{
	return copy(text_at(ask(r, "add/patient", "{'name':'%s','born':'1988-04-02'}", name),
			    "patient_id"));
}

static void test_patients(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "  Maya   Ros\xc3\xa9n ");

	struct said s = ask(&w->rooms[0], "find/patient", "{'text':'rosen'}");
	OK(s.err);
	const json_t *p = json_array_get(json_object_get(s.answer, "patients"), 0);
	assert_string_equal(json_text_of(p, "patient_id"), id);
	assert_string_equal(json_text_of(p, "name"), "Maya Ros\xc3\xa9n"); /* blanks put right */
	assert_string_equal(json_text_of(p, "born"), "1988-04-02");
	assert_true(json_is_null(json_object_get(p, "phone")));
	json_decref(s.answer);
	done(ask(r, "set/patient", "{'patient_id':'%s','phone':'604-555-0199'}", id));
	assert_int_equal(rows_at(ask(&w->rooms[0], "find/patient", "{'text':'0199'}"), "patients"),
			 1);
	assert_int_equal(rows_at(ask(r, "find/patient", "{'text':'nobody'}"), "patients"), 0);
	assert_int_equal(rows_at(ask(r, "list/patients", "{}"), "patients"), 1);
	fails(ask(r, "find/patient", "{'text':'  '}"), "usage", 64);
	fails(ask(r, "set/patient", "{'patient_id':'%s'}", id), "usage", 64);
	fails(ask(r, "set/patient", "{'patient_id':'%s','born':'yesterday'}", id), "bad_value", 65);
	fails(ask(r, "set/patient", "{'patient_id':'nonsense','phone':'1'}"), "not_found", 66);
	fails(ask(r, "set/patient",
		  "{'patient_id':'01a20b7c-c27a-73bc-9514-f03fa89e0055','phone':'1'}"),
	      "not_found", 66);
	fails(ask(r, "add/patient", "{'name':'A'}"), "usage", 64);
	fails(ask(r, "add/patient", "{'name':'','born':'1988-04-02'}"), "bad_value", 65);
	fails(ask(r, "add/patient", "{'name':'A\\u0007','born':'1988-04-02'}"), "bad_text", 65);
	free(id);
	world_free(w);
}

static void test_desk_role_reads_no_sessions(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[0];

	done(ask(r, "add/user",
		 "{'name':'Sam','login':'sam','roles':['desk'],'new_passphrase':'%s'}", MARA_PASS));
	char *id = add_patient(r, "Maya");
	char *sid = copy(text_at(ask(r, "start/session", "{'patient_id':'%s'}", id), "session_id"));
	done(sign_in(&w->rooms[1], "sam", MARA_PASS));
	assert_int_equal(rows_at(ask(&w->rooms[1], "list/patients", "{}"), "patients"), 1);
	fails(ask(&w->rooms[1], "list/sessions", "{'patient_id':'%s'}", id), "denied", 77);
	fails(ask(&w->rooms[1], "start/session", "{'patient_id':'%s'}", id), "denied", 77);
	fails(ask(&w->rooms[1], "show/session", "{'session_id':'%s'}", sid), "denied", 77);
	fails(ask(&w->rooms[1], "add/addendum", "{'session_id':'%s','text':'x'}", sid), "denied",
	      77);
	free(id);
	free(sid);
	world_free(w);
}

/* ---- sessions ------------------------------------------------------------------------------ */

static char *start_session(struct room *r, const char *patient_id)
{
	return copy(
		text_at(ask(r, "start/session", "{'patient_id':'%s'}", patient_id), "session_id"));
}

static void test_a_session_from_start_to_addendum(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *jo = &w->rooms[0];
	struct room *mara = &w->rooms[1];
	char *id = add_patient(mara, "Maya");
	char *sid = start_session(mara, id);

	done(ask(mara, "set/session", "{'session_id':'%s','subjective':'stiff','plan':'rest'}",
		 sid));
	done(ask(mara, "add/measure",
		 "{'session_id':'%s','ref':'cx_rot','side':'L','phase':'pre','value':52}", sid));
	done(ask(mara, "add/measure",
		 "{'session_id':'%s','ref':'cx_rot','side':'L','phase':'post','value':60.5}", sid));
	expect_json(ask(jo, "show/session", "{'session_id':'%s'}", sid), "subjective", "'stiff'");
	expect_json(ask(jo, "show/session", "{'session_id':'%s'}", sid), "objective", "null");
	expect_json(ask(jo, "show/session", "{'session_id':'%s'}", sid), "author", "'mara'");
	expect_json(ask(jo, "show/session", "{'session_id':'%s'}", sid), "room", "'Room 2'");
	struct said s = ask(jo, "show/session", "{'session_id':'%s'}", sid);
	const json_t *m = json_array_get(json_object_get(s.answer, "measures"), 1);
	assert_int_equal(json_array_size(json_object_get(s.answer, "measures")), 2);
	assert_true(json_is_real(json_object_get(m, "value")));
	assert_string_equal(json_text_of(m, "unit"), "deg");
	assert_string_equal(json_text_of(m, "phase"), "post");
	assert_string_equal(json_text_of(m, "by"), "mara");
	assert_true(json_is_null(json_object_get(m, "result")));
	json_decref(s.answer);

	fails(ask(jo, "sign/session", "{'session_id':'%s'}", sid), "denied", 77);
	fails(ask(jo, "set/session", "{'session_id':'%s','plan':'mine'}", sid), "denied", 77);
	fill_session(mara, sid);
	expect_json(ask(mara, "sign/session", "{'session_id':'%s'}", sid), "state", "'signed'");
	fails(ask(mara, "sign/session", "{'session_id':'%s'}", sid), "session_signed", 1);
	fails(ask(mara, "set/session", "{'session_id':'%s','plan':'more'}", sid), "session_signed",
	      1);
	fails(ask(mara, "add/measure",
		  "{'session_id':'%s','ref':'cx_rot','side':'L','phase':'pre','value':5}", sid),
	      "session_signed", 1);
	done(ask(jo, "add/addendum", "{'session_id':'%s','text':'seen'}", sid));
	fails(ask(jo, "add/addendum", "{'session_id':'%s','text':''}", sid), "bad_value", 65);
	s = ask(mara, "show/session", "{'session_id':'%s'}", sid);
	const json_t *a = json_array_get(json_object_get(s.answer, "addenda"), 0);
	assert_string_equal(json_text_of(a, "text"), "seen");
	assert_string_equal(json_text_of(a, "by"), "jo");
	assert_string_equal(json_text_of(s.answer, "signature"), "holds");
	json_decref(s.answer);
	free(id);
	free(sid);
	world_free(w);
}

static void test_measures_are_checked(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *sid = start_session(r, id);
	static const struct {
		const char *rest;
		const char *code;
		int exit_code;
	} rows[] = {
		{ "'ref':'cx_rto','side':'L','phase':'pre','value':1", "not_found", 66 },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':900", "bad_value", 65 },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1.00001", "bad_value", 65 },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':'52'", "usage", 64 },
		{ "'ref':'cx_rot','side':'L','phase':'per','value':1", "usage", 64 },
		{ "'ref':'cx_rot','side':'l','phase':'pre','value':1", "usage", 64 },
		{ "'ref':'cx_rot','phase':'pre','value':1", "bad_value", 65 },
		{ "'ref':'cx_rot','side':'L','phase':'pre'", "usage", 64 },
		{ "'ref':'cx_rot','side':'L','phase':'pre','value':1,'result':'pos'", "usage", 64 },
		{ "'ref':'cx_rot','side':'L','phase':'pre','result':'maybe'", "usage", 64 },
		{ "'ref':'cx_rot','side':'L','phase':'pre','result':'pos'", "bad_value", 65 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fails(ask(r, "add/measure", "{'session_id':'%s',%s}", sid, rows[i].rest),
		      rows[i].code, rows[i].exit_code);
	}
	done(ask(r, "add/measure",
		 "{'session_id':'%s','ref':'cx_rot','side':'R','phase':'mid','result':'unable'}",
		 sid));
	expect_json(ask(r, "status", "{}"), "outbox",
		    "{'queued':0,'committed':3,'rejected':0,'quarantined':0}");
	free(id);
	free(sid);
	world_free(w);
}

static void test_unknown_sessions(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	static const char *const paths[] = { "show/session", "sign/session", "set/session",
					     "add/measure", "add/addendum" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fails(ask(r, paths[i], "{'session_id':'01a20b7c-c27a-73bc-9514-f03fa89e0055'}"),
		      "not_found", 66);
		fails(ask(r, paths[i], "{'session_id':'x'}"), "not_found", 66);
		fails(ask(r, paths[i], "{}"), "usage", 64);
	}
	fails(ask(r, "start/session", "{'patient_id':'01a20b7c-c27a-73bc-9514-f03fa89e0055'}"),
	      "not_found", 66);
	room_cut(r, true);
	fails(ask(r, "show/session", "{'session_id':'01a20b7c-c27a-73bc-9514-f03fa89e0055'}"),
	      "not_found", 66);
	world_free(w);
}

static void test_set_session_is_all_or_nothing(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *sid = start_session(r, id);

	fails(ask(r, "set/session", "{'session_id':'%s','subjective':'kept?','plan':'bad \\u0007'}",
		  sid),
	      "bad_text", 65);
	expect_json(ask(r, "show/session", "{'session_id':'%s'}", sid), "subjective", "null");
	fails(ask(r, "set/session", "{'session_id':'%s'}", sid), "usage", 64);
	fails(ask(r, "set/session", "{'session_id':'%s','plan':7}", sid), "usage", 64);
	expect_json(ask(r, "set/session", "{'session_id':'%s','plan':''}", sid), "changed", "1");
	free(id);
	free(sid);
	world_free(w);
}

static void test_conflicts_are_shown_and_resolved(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *one = &w->rooms[0];
	struct room *two = &w->rooms[1];
	char *id = add_patient(one, "Maya");
	char *sid = start_session(one, id);

	done(sign_in(two, "jo", JO_PASS));
	room_cut(one, true);
	room_cut(two, true);
	done(ask(one, "set/session", "{'session_id':'%s','plan':'from one'}", sid));
	done(ask(two, "set/session", "{'session_id':'%s','plan':'from two'}", sid));
	room_cut(one, false);
	room_cut(two, false);
	world_wait(w, 2000);
	struct said s = ask(one, "show/session", "{'session_id':'%s'}", sid);
	OK(s.err);
	const json_t *c = json_array_get(json_object_get(s.answer, "conflicts"), 0);
	assert_string_equal(json_text_of(c, "field"), "plan");
	const json_t *values = json_object_get(c, "values");
	assert_int_equal(json_array_size(values), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *v = json_array_get(values, i);
		const char *text = json_text_of(v, "text");
		assert_string_equal(json_text_of(v, "room"),
				    strcmp(text, "from one") == 0 ? "Room 1" : "Room 2");
		assert_string_equal(json_text_of(v, "by"), "jo");
		assert_int_equal(strlen(json_text_of(v, "op_id")), 36);
		assert_non_null(json_text_of(v, "at"));
	}
	assert_true(json_is_null(json_object_get(s.answer, "plan")));
	json_decref(s.answer);
	fails(ask(two, "sign/session", "{'session_id':'%s'}", sid), "conflict", 1);
	done(ask(two, "set/session", "{'session_id':'%s','plan':'both'}", sid));
	expect_json(ask(one, "show/session", "{'session_id':'%s'}", sid), "conflicts", "[]");
	expect_json(ask(one, "show/session", "{'session_id':'%s'}", sid), "plan", "'both'");
	free(id);
	free(sid);
	world_free(w);
}

static void test_list_sessions_says_when_it_is_partial(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *sid = start_session(r, id);

	expect_json(ask(r, "list/sessions", "{'patient_id':'%s'}", id), "partial", "false");
	assert_int_equal(rows_at(ask(r, "list/sessions", "{'patient_id':'%s'}", id), "sessions"),
			 1);
	room_cut(r, true);
	expect_json(ask(r, "list/sessions", "{'patient_id':'%s'}", id), "partial", "true");
	assert_int_equal(rows_at(ask(r, "list/sessions", "{'patient_id':'%s'}", id), "sessions"),
			 1);
	fails(ask(r, "list/sessions", "{'patient_id':'x'}"), "not_found", 66);
	free(id);
	free(sid);
	world_free(w);
}

/* One `opened` per chart and ten minutes, whoever asks how often. */
static void test_opening_is_recorded_once(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *sid = start_session(r, id);

	for (unsigned i = 0; i < 3; i++) done(ask(r, "show/session", "{'session_id':'%s'}", sid));
	expect_json(ask(r, "status", "{}"), "outbox",
		    "{'queued':0,'committed':3,'rejected':0,'quarantined':0}");
	free(id);
	free(sid);
	world_free(w);
}

/* ---- notes --------------------------------------------------------------------------------- */

static void test_notes_are_their_authors(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *id = add_patient(mara, "Maya");
	char *other = add_patient(mara, "Noor");
	char *note = copy(text_at(
		ask(mara, "add/note", "{'patient_id':'%s','text':'she said so'}", id), "note_id"));

	struct said s = ask(mara, "list/notes", "{'patient_id':'%s'}", id);
	OK(s.err);
	const json_t *n = json_array_get(json_object_get(s.answer, "notes"), 0);
	assert_string_equal(json_text_of(n, "note_id"), note);
	assert_string_equal(json_text_of(n, "text"), "she said so");
	assert_string_equal(json_text_of(n, "patient_id"), id);
	assert_non_null(json_text_of(n, "written_at"));
	json_decref(s.answer);
	assert_int_equal(rows_at(ask(mara, "list/notes", "{'patient_id':'%s'}", other), "notes"),
			 0);
	assert_int_equal(rows_at(ask(&w->rooms[0], "list/notes", "{}"), "notes"), 0);
	done(ask(mara, "lock", "{}"));
	done(sign_in(mara, "jo", JO_PASS));
	assert_int_equal(rows_at(ask(mara, "list/notes", "{}"), "notes"), 0);
	done(sign_in(&w->rooms[0], "mara", MARA_PASS));
	assert_int_equal(rows_at(ask(&w->rooms[0], "list/notes", "{}"), "notes"), 1);
	fails(ask(mara, "add/note", "{'patient_id':'%s','text':''}", id), "bad_value", 65);
	fails(ask(mara, "add/note", "{'patient_id':'%s'}", id), "usage", 64);
	fails(ask(mara, "add/note", "{'patient_id':'x','text':'a'}"), "not_found", 66);
	free(id);
	free(other);
	free(note);
	world_free(w);
}

static void test_text_limits(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];
	char *id = add_patient(r, "Maya");
	char *text = calloc(1, TEXT_BYTES_MAX + 2);

	for (size_t i = 0; i < TEXT_BYTES_MAX; i++) text[i] = 'a';
	done(ask(r, "add/note", "{'patient_id':'%s','text':'%s'}", id, text));
	text[TEXT_BYTES_MAX] = 'a';
	fails(ask(r, "add/note", "{'patient_id':'%s','text':'%s'}", id, text), "too_big", 65);
	free(text);
	free(id);
	world_free(w);
}

static void test_pending(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[1];

	room_cut(r, true);
	char *id = add_patient(r, "Maya");
	struct said s = ask(r, "list/pending", "{}");
	OK(s.err);
	const json_t *op = json_array_get(json_object_get(s.answer, "ops"), 0);
	assert_string_equal(json_text_of(op, "state"), "queued");
	assert_string_equal(json_text_of(op, "kind"), "patient");
	assert_true(json_is_null(json_object_get(op, "code")));
	json_decref(s.answer);
	room_cut(r, false);
	world_wait(w, 2000);
	s = ask(r, "list/pending", "{}");
	op = json_array_get(json_object_get(s.answer, "ops"), 0);
	assert_string_equal(json_text_of(op, "state"), "committed");
	json_decref(s.answer);
	free(id);
	world_free(w);
}

/* ---- import -------------------------------------------------------------------------------- */

static void write_csv(struct world *w, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#define PATIENTS "ref,name,name_used,born,phone,email,household\n"
#define SESSIONS                                                                                   \
	"ref,patient_ref,staff_login,room,days_ago,start_hhmm,minutes,subjective,objective,"       \
	"assessment,plan,signed\n"
#define MEASURES "session_ref,phase,ref,side,value,result\n"

static void write_good(struct world *w)
{
	write_csv(w, "patients.csv",
		  PATIENTS "p1,Ada Lund,,1980-02-29,,,h1\np2,Bo Ek,Bosse,1970-01-01,"
			   "604-555-0101,bo@example.org,h2\n");
	write_csv(w, "sessions.csv",
		  SESSIONS "s1,p1,mara,Room 2,3,10:15,60,\"stiff, sore\",o,a,\"two\nlines\",yes\n"
			   "s2,p2,jo,Room 1,1,09:00,45,x,,,,no\n");
	write_csv(w, "measures.csv",
		  MEASURES
		  "s1,pre,cx_rot,L,52,\ns1,post,cx_rot,L,60.5,\ns2,pre,cx_rot,R,,unable\n");
}

static void test_import(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[0];

	write_good(w);
	fails(ask(&w->rooms[1], "import", "{'folder':'%s'}", w->folder), "denied", 77);
	expect_json(ask(r, "import", "{'folder':'%s','dry_run':true}", w->folder), "sessions", "2");
	assert_int_equal(rows_at(ask(r, "list/patients", "{}"), "patients"), 0);
	expect_json(ask(r, "import", "{'folder':'%s'}", w->folder), "measures", "3");
	world_wait(w, 1000);
	struct said s = ask(&w->rooms[1], "find/patient", "{'text':'ada'}");
	OK(s.err);
	char *id = copy(json_text_of(json_array_get(json_object_get(s.answer, "patients"), 0),
				     "patient_id"));
	json_decref(s.answer);
	s = ask(&w->rooms[1], "list/sessions", "{'patient_id':'%s'}", id);
	const json_t *row = json_array_get(json_object_get(s.answer, "sessions"), 0);
	assert_string_equal(json_text_of(row, "author"), "mara"); /* the original therapist */
	assert_string_equal(json_text_of(row, "state"), "signed");
	char *sid = copy(json_text_of(row, "session_id"));
	json_decref(s.answer);
	expect_json(ask(&w->rooms[1], "show/session", "{'session_id':'%s'}", sid), "plan",
		    "'two\\nlines'");
	expect_json(ask(&w->rooms[1], "show/session", "{'session_id':'%s'}", sid), "imported",
		    "true");
	expect_json(ask(r, "status", "{}"), "outbox",
		    "{'queued':0,'committed':13,'rejected':0,'quarantined':0}");
	free(id);
	free(sid);
	world_free(w);
}

static void test_import_names_the_line_and_changes_nothing(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *r = &w->rooms[0];
	static const struct {
		const char *file;
		const char *text;
		const char *message;
	} rows[] = {
		{ "patients.csv", PATIENTS "p1,Ada,,1980-02-30,,,h1\np2,B,,1970-01-01,,,\n",
		  "patients.csv line 2: born" },
		{ "patients.csv", PATIENTS "p1,Ada,,1980-02-28,,,h1\np1,B,,1970-01-01,,,\n",
		  "patients.csv line 3: ref" },
		{ "patients.csv", "name\nAda\n", "patients.csv line 1" },
		{ "patients.csv", PATIENTS "p1,Ada\n", "patients.csv line 2" },
		{ "sessions.csv", SESSIONS "s1,p9,mara,Room 2,3,10:15,60,,,,,yes\n",
		  "sessions.csv line 2: patient_ref" },
		{ "sessions.csv", SESSIONS "s1,p1,zoe,Room 2,3,10:15,60,,,,,yes\n",
		  "sessions.csv line 2: staff_login" },
		{ "sessions.csv", SESSIONS "s1,p1,mara,Attic,3,10:15,60,,,,,yes\n",
		  "sessions.csv line 2: room" },
		{ "sessions.csv", SESSIONS "s1,p1,mara,Room 2,-3,10:15,60,,,,,yes\n",
		  "sessions.csv line 2: days_ago" },
		{ "sessions.csv", SESSIONS "s1,p1,mara,Room 2,3,25:15,60,,,,,yes\n",
		  "sessions.csv line 2: start_hhmm" },
		{ "sessions.csv", SESSIONS "s1,p1,mara,Room 2,3,10:15,x,,,,,yes\n",
		  "sessions.csv line 2: minutes" },
		{ "sessions.csv", SESSIONS "s1,p1,mara,Room 2,3,10:15,60,,,,,maybe\n",
		  "sessions.csv line 2: signed" },
		{ "measures.csv", MEASURES "s9,pre,cx_rot,L,52,\n",
		  "measures.csv line 2: session_ref" },
		{ "measures.csv", MEASURES "s1,per,cx_rot,L,52,\n", "measures.csv line 2: phase" },
		{ "measures.csv", MEASURES "s1,pre,nope,L,52,\n", "measures.csv line 2: ref" },
		{ "measures.csv", MEASURES "s1,pre,cx_rot,X,52,\n", "measures.csv line 2: side" },
		{ "measures.csv", MEASURES "s1,pre,cx_rot,L,abc,\n", "measures.csv line 2: value" },
		{ "measures.csv", MEASURES "s1,pre,cx_rot,L,,\n", "measures.csv line 2: value" },
		{ "measures.csv", MEASURES "s1,pre,cx_rot,L,1,pos\n",
		  "measures.csv line 2: value" },
		{ "measures.csv", MEASURES "s1,pre,cx_rot,L,,sure\n",
		  "measures.csv line 2: result" },
		{ "measures.csv", MEASURES "s1,pre,cx_rot,L,9999,\n",
		  "measures.csv line 2: value" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_good(w);
		if (strcmp(rows[i].file, "sessions.csv") == 0)
			write_csv(w, "measures.csv", MEASURES);
		write_csv(w, rows[i].file, rows[i].text);
		struct said s = ask(r, "import", "{'folder':'%s'}", w->folder);
		const bool said =
			strncmp(s.fault.message, rows[i].message, strlen(rows[i].message)) == 0;
		if (!said) print_message("%zu: %s\n", i, s.fault.message);
		assert_true(said);
		assert_int_equal(s.fault.exit, 65);
		assert_null(strstr(s.fault.message, "Ada")); /* never what stands there */
	}
	assert_int_equal(rows_at(ask(r, "list/patients", "{}"), "patients"), 0);
	expect_json(ask(r, "status", "{}"), "outbox",
		    "{'queued':0,'committed':0,'rejected':0,'quarantined':0}");
	fails(ask(r, "import", "{'folder':'%s/none'}", w->folder), "not_found", 66);
	/* What failed left nothing behind that stands in the way. */
	write_good(w);
	done(ask(r, "import", "{'folder':'%s'}", w->folder));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patients),
		cmocka_unit_test(test_desk_role_reads_no_sessions),
		cmocka_unit_test(test_a_session_from_start_to_addendum),
		cmocka_unit_test(test_measures_are_checked),
		cmocka_unit_test(test_unknown_sessions),
		cmocka_unit_test(test_set_session_is_all_or_nothing),
		cmocka_unit_test(test_conflicts_are_shown_and_resolved),
		cmocka_unit_test(test_list_sessions_says_when_it_is_partial),
		cmocka_unit_test(test_opening_is_recorded_once),
		cmocka_unit_test(test_notes_are_their_authors),
		cmocka_unit_test(test_text_limits),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_import_names_the_line_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
