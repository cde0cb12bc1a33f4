/* Appointments by the verbs of a room: comfort and clashes said in words, the day sheet with and
 * without the server, walk-ins, the next visit, the waiting list, and the two exports. */
#include "unit/client/api/verbs_rig.h"

#include "base/check.h"

#include <fcntl.h>
#include <libical/ical.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A Tuesday. */
#define DAY "2026-12-01"

struct rig {
	struct world *w;
	struct room *r1, *r2; /* Jo, Mara */
	char *maya, *anna;    /* patients */
	char *jo, *mara, *room;
};

static char *user_of(struct room *r, const char *login)
{
	struct id id = { 0 };
	char text[ID_TEXT_BYTES];
	OK(local_user_by_login(r->local, login, &id));
	id_print(&id, text);
	return copy(text);
}

static struct rig rig_make(void)
{
	struct rig g = { .w = clinic() };
	char room[ID_TEXT_BYTES];
	(void)setenv("TZ", "UTC", 1);
	tzset();
	g.r1 = &g.w->rooms[0];
	g.r2 = &g.w->rooms[1];
	g.maya = copy(text_at(ask(g.r2, "add/patient", "{'name':'Maya Rosen','born':'1988-04-02'}"),
			      "patient_id"));
	g.anna = copy(text_at(
		ask(g.r2, "add/patient", "{'name':'\xc3\x85nna-Lena Berg','born':'1990-01-01'}"),
		"patient_id"));
	g.jo = user_of(g.r1, "jo");
	g.mara = user_of(g.r1, "mara");
	id_print(&local_room(g.r1->local)->room_id, room);
	g.room = copy(room);
	return g;
}

static void rig_free(struct rig *g)
{
	char *const texts[] = { g->maya, g->anna, g->jo, g->mara, g->room };
	for (size_t i = 0; i < COUNT_OF(texts); i++) free(texts[i]);
	world_free(g->w);
}

static struct said book(struct rig *g, struct room *r, const char *patient, const char *therapist,
			const char *time, const char *more)
{
	return ask(r, "add/appointment",
		   "{'patient_id':'%s','room_id':'%s','therapist_id':'%s','starts_at':'%s',"
		   "'minutes':60%s}",
		   patient, g->room, therapist, time, more);
}

static void expect_fault(struct said s, const char *code, int exit, const char *part)
{
	if (s.err == ERR_OK) json_decref(s.answer);
	assert_int_not_equal(s.err, ERR_OK);
	assert_string_equal(s.fault.code, code);
	assert_int_equal(s.fault.exit, exit);
	if (strstr(s.fault.message, part) == NULL) fail_msg("%s", s.fault.message);
}

static json_t *row_at(const struct said *s, size_t i)
{
	return json_array_get(json_object_get(s->answer, "appointments"), i);
}

/* ---- booking --------------------------------------------------------------------------------- */

static void test_a_day_is_shown_with_who_and_where(void **state)
{
	(void)state;
	struct rig g = rig_make();
	done(ask(g.r1, "add/room-setting", "{'room_id':'%s','turnover_minutes':15}", g.room));
	done(ask(g.r1, "add/shift", "{'weekday':'tuesday','opens':'09:00','closes':'17:00'}"));
	done(book(&g, g.r2, g.maya, g.mara, DAY "T16:30:00Z", ",'type':'relaxation'"));
	done(book(&g, g.r2, g.anna, g.mara, DAY "T09:00:00Z", ""));
	struct said s = ask(g.r1, "list/day-sheet", "{'day':'" DAY "'}");
	OK(s.err);
	const json_t *first = row_at(&s, 0);
	const json_t *second = row_at(&s, 1);
	assert_string_equal(json_text_of(first, "time"), "09:00");
	assert_string_equal(json_text_of(first, "until"), "10:00");
	assert_string_equal(json_text_of(first, "free_from"), "10:15");
	assert_string_equal(json_text_of(first, "patient"), "\xc3\x85nna-Lena Berg");
	assert_string_equal(json_text_of(first, "room"), "Room 1");
	assert_string_equal(json_text_of(first, "therapist"), "mara");
	assert_string_equal(json_text_of(first, "state"), "booked");
	assert_string_equal(json_text_of(first, "booking"), "confirmed");
	assert_true(json_is_false(json_object_get(first, "outside_hours")));
	assert_string_equal(json_text_of(second, "type"), "relaxation");
	assert_true(json_is_true(json_object_get(second, "outside_hours"))); /* until 17:30 */
	assert_int_equal(json_array_size(json_object_get(s.answer, "hours")), 1);
	assert_int_equal(json_array_size(json_object_get(s.answer, "closed")), 0);
	json_decref(s.answer);
	s = ask(g.r1, "list/day-sheet", "{'day':'2026-11-30','days':7,'therapist_id':'%s'}", g.jo);
	OK(s.err);
	assert_int_equal(json_array_size(json_object_get(s.answer, "appointments")), 0);
	assert_int_equal(json_array_size(json_object_get(s.answer, "closed")), 6);
	json_decref(s.answer);
	expect_fault(ask(g.r1, "list/day-sheet", "{'day':'2026-02-30'}"), "bad_value", 65, "day: ");
	expect_fault(ask(g.r1, "list/day-sheet", "{'days':32}"), "bad_value", 65, "1 to 31");
	rig_free(&g);
}

static void test_a_clash_is_said_with_what_to_do(void **state)
{
	(void)state;
	struct rig g = rig_make();
	char *id = copy(
		text_at(book(&g, g.r2, g.maya, g.mara, DAY "T10:00:00Z", ""), "appointment_id"));
	expect_fault(book(&g, g.r1, g.anna, g.jo, DAY "T10:30:00Z", ""), "clash", 1,
		     "room_id: taken by the appointment from 10:00 to 11:00");
	expect_fault(book(&g, g.r1, g.maya, g.jo, DAY "T10:30:00Z", ",'overlap_reason':'both'"),
		     "clash", 1, "patient_id: taken");
	done(book(&g, g.r1, g.anna, g.jo, DAY "T10:30:00Z", ",'overlap_reason':'both agreed'"));
	char *free_one =
		copy(text_at(book(&g, g.r1, g.anna, g.jo, DAY "T14:00:00Z", ""), "appointment_id"));
	expect_fault(ask(g.r1, "set/appointment", "{'appointment_id':'%s','starts_at':'%s'}",
			 free_one, DAY "T09:30:00Z"),
		     "clash", 1, "taken by");
	/* Arriving asks for nothing; a cancel says why and leaves the time. */
	done(ask(g.r1, "set/appointment",
		 "{'appointment_id':'%s','state':'arrived','desk_tag':'hurried'}", id));
	expect_fault(
		ask(g.r1, "set/appointment", "{'appointment_id':'%s','state':'cancelled'}", id),
		"usage", 64, "cancelled_reason");
	done(ask(g.r1, "set/appointment",
		 "{'appointment_id':'%s','state':'cancelled','cancelled_reason':'flu'}", id));
	done(ask(g.r1, "set/appointment", "{'appointment_id':'%s','starts_at':'%s'}", free_one,
		 DAY "T09:30:00Z"));
	free(id);
	free(free_one);
	rig_free(&g);
}

static void test_by_whom_is_asked_before_it_is_booked(void **state)
{
	(void)state;
	struct rig g = rig_make();
	done(ask(g.r2, "set/comfort", "{'patient_id':'%s','therapist_gender':'only_woman'}",
		 g.maya));
	done(ask(g.r2, "set/comfort", "{'patient_id':'%s','therapist_gender':'prefers_woman'}",
		 g.anna));
	expect_fault(book(&g, g.r1, g.maya, g.jo, DAY "T10:00:00Z", ",'spoken_yes':true"),
		     "comfort_refused", 77, "by women only");
	expect_fault(book(&g, g.r1, g.anna, g.jo, DAY "T10:00:00Z", ""), "comfort_needs_yes", 77,
		     "spoken_yes");
	char *id =
		copy(text_at(book(&g, g.r1, g.anna, g.jo, DAY "T10:00:00Z", ",'spoken_yes':true"),
			     "appointment_id"));
	done(ask(g.r1, "add/staff-profile", "{'user_id':'%s','gender':'woman'}", g.mara));
	char *mayas = copy(
		text_at(book(&g, g.r1, g.maya, g.mara, DAY "T12:00:00Z", ""), "appointment_id"));
	/* Another therapist is asked about again. */
	expect_fault(ask(g.r1, "set/appointment", "{'appointment_id':'%s','therapist_id':'%s'}",
			 mayas, g.jo),
		     "comfort_refused", 77, "women");
	expect_fault(book(&g, g.r1, g.maya, "01a20b7c-c27a-73bc-9514-f03fa89e0055",
			  DAY "T18:00:00Z", ""),
		     "not_found", 66, "therapist");
	free(id);
	free(mayas);
	rig_free(&g);
}

/* ---- without the server ---------------------------------------------------------------------- */

static void test_a_day_without_the_server(void **state)
{
	(void)state;
	struct rig g = rig_make();
	done(book(&g, g.r2, g.maya, g.mara, DAY "T10:00:00Z", ""));
	room_cut(g.r1, true);
	done(book(&g, g.r1, g.anna, g.jo, DAY "T12:00:00Z", ""));
	struct said s = ask(g.r1, "list/day-sheet", "{'day':'" DAY "'}");
	OK(s.err);
	assert_string_equal(json_text_of(row_at(&s, 0), "booking"), "confirmed");
	assert_string_equal(json_text_of(row_at(&s, 1), "booking"), "tentative");
	json_decref(s.answer);
	/* Meanwhile that time is taken in the other room. */
	done(book(&g, g.r2, g.maya, g.mara, DAY "T12:30:00Z", ""));
	room_cut(g.r1, false);
	room_saved(g.r1);
	s = ask(g.r1, "list/day-sheet", "{'day':'" DAY "'}");
	OK(s.err);
	assert_string_equal(json_text_of(row_at(&s, 1), "booking"), "clashed");
	assert_string_equal(json_text_of(row_at(&s, 2), "booking"), "confirmed");
	json_decref(s.answer);
	rig_free(&g);
}

/* Anna is booked apart from the server at noon, when the time is taken; returns the id. */
static char *clash_made(struct rig *g)
{
	room_cut(g->r1, true);
	char *id = copy(
		text_at(book(g, g->r1, g->anna, g->jo, DAY "T12:00:00Z", ""), "appointment_id"));
	done(book(g, g->r2, g->maya, g->mara, DAY "T12:30:00Z", ""));
	room_cut(g->r1, false);
	room_saved(g->r1);
	world_wait(g->w, 3000);
	return id;
}

/* The words of the day's rows: "clashed confirmed". */
static void expect_day(struct room *r, const char *words)
{
	char got[64] = "";
	struct said s = ask(r, "list/day-sheet", "{'day':'" DAY "'}");
	OK(s.err);
	const json_t *rows = json_object_get(s.answer, "appointments");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s %s",
			       i > 0 ? ", " : "", json_text_of(row, "booking"),
			       json_text_of(row, "state"));
	}
	assert_string_equal(got, words);
	json_decref(s.answer);
}

static void test_a_clashed_booking_finds_another_time(void **state)
{
	(void)state;
	struct rig g = rig_make();
	char *id = clash_made(&g);
	expect_day(g.r1, "clashed booked, confirmed booked");
	expect_fault(ask(g.r1, "set/appointment",
			 "{'appointment_id':'%s','starts_at':'" DAY "T12:15:00Z'}", id),
		     "clash", 1, "taken by");
	expect_fault(ask(g.r2, "show/appointment", "{'appointment_id':'%s'}", id), "not_found", 66,
		     "appointment"); /* nobody else's */
	struct said s = ask(g.r1, "show/appointment", "{'appointment_id':'%s'}", id);
	OK(s.err);
	assert_string_equal(json_text_of(s.answer, "starts_at"), DAY "T12:00:00.000Z");
	json_decref(s.answer);
	done(ask(g.r1, "set/appointment", "{'appointment_id':'%s','starts_at':'" DAY "T15:00:00Z'}",
		 id));
	room_saved(g.r1);
	expect_day(g.r1, "confirmed booked, confirmed booked");
	world_wait(g.w, 3000);
	expect_day(g.r2, "confirmed booked, confirmed booked");
	free(id);
	rig_free(&g);
}

static void test_a_clashed_booking_is_called_off(void **state)
{
	(void)state;
	struct rig g = rig_make();
	char *id = clash_made(&g);
	expect_fault(
		ask(g.r1, "set/appointment", "{'appointment_id':'%s','state':'cancelled'}", id),
		"usage", 64, "cancelled_reason");
	done(ask(g.r1, "set/appointment",
		 "{'appointment_id':'%s','state':'cancelled','cancelled_reason':'taken'}", id));
	room_saved(g.r1);
	expect_day(g.r1, "confirmed cancelled, confirmed booked");
	free(id);
	rig_free(&g);
}

/* ---- the desk -------------------------------------------------------------------------------- */

static void test_the_desk_does_all_of_it(void **state)
{
	(void)state;
	struct rig g = rig_make();
	done(ask(g.r1, "add/user",
		 "{'name':'Sam','login':'sam','roles':['desk'],'new_passphrase':'%s'}", MARA_PASS));
	done(sign_in(g.r2, "sam", MARA_PASS));
	done(ask(g.r2, "add/shift", "{'weekday':'tuesday','opens':'09:00','closes':'17:00'}"));
	done(ask(g.r2, "add/closed-day", "{'day':'2026-12-08','name':'Holiday'}"));
	done(book(&g, g.r2, g.maya, g.mara, DAY "T10:00:00Z", ""));
	/* A week later is closed, and the house opens on Tuesdays: two weeks later, 10:00. */
	assert_string_equal(
		text_at(ask(g.r2, "rebook", "{'patient_id':'%s','interval_days':7}", g.maya),
			"starts_at"),
		"2026-12-15T10:00:00.000Z");
	assert_string_equal(
		text_at(ask(g.r2, "rebook", "{'patient_id':'%s','interval_days':1}", g.maya),
			"starts_at"),
		"2026-12-22T10:00:00.000Z");
	expect_fault(ask(g.r2, "rebook", "{'patient_id':'%s','interval_days':0}", g.maya),
		     "bad_value", 65, "interval_days");
	expect_fault(ask(g.r2, "rebook", "{'patient_id':'%s','interval_days':7}", g.anna),
		     "not_found", 66, "no appointment to go on from");
	done(ask(g.r2, "add/walk-in",
		 "{'patient_id':'%s','therapist_id':'%s','minutes':30,'desk_tag':'in_pain'}",
		 g.anna, g.mara));
	expect_fault(ask(g.r2, "add/walk-in",
			 "{'patient_id':'%s','therapist_id':'%s','minutes':30}", g.maya, g.mara),
		     "clash", 1, "taken by");
	expect_fault(
		ask(g.r2, "add/walk-in", "{'patient_id':'%s','therapist_id':'%s'}", g.maya, g.mara),
		"usage", 64, "minutes is missing");
	expect_fault(ask(g.r2, "add/walk-in",
			 "{'patient_id':'%s','therapist_id':'%s','minutes':30,'state':'done'}",
			 g.maya, g.mara),
		     "usage", 64, "state is made here");
	struct said s = ask(g.r2, "list/day-sheet", "{}");
	OK(s.err);
	assert_int_equal(json_array_size(json_object_get(s.answer, "appointments")), 1);
	assert_string_equal(json_text_of(row_at(&s, 0), "state"), "arrived");
	assert_string_equal(json_text_of(row_at(&s, 0), "desk_tag"), "in_pain");
	assert_true(json_is_true(json_object_get(row_at(&s, 0), "walk_in")));
	json_decref(s.answer);
	rig_free(&g);
}

static void test_the_next_visit_at_the_end_of_a_session(void **state)
{
	(void)state;
	struct rig g = rig_make();
	done(book(&g, g.r2, g.maya, g.mara, DAY "T10:00:00Z", ",'type':'first_visit'"));
	char *session = copy(
		text_at(ask(g.r2, "start/session", "{'patient_id':'%s'}", g.maya), "session_id"));
	char *next =
		copy(text_at(ask(g.r2, "rebook", "{'session_id':'%s','interval_days':14}", session),
			     "appointment_id"));
	struct said s = ask(g.r2, "show/appointment", "{'appointment_id':'%s'}", next);
	OK(s.err);
	assert_string_equal(json_text_of(s.answer, "starts_at"), "2026-12-15T10:00:00.000Z");
	assert_string_equal(json_text_of(s.answer, "type"), "treatment");
	assert_string_equal(json_text_of(s.answer, "state"), "booked");
	assert_non_null(json_text_of(s.answer, "rebooked_from"));
	json_decref(s.answer);
	expect_fault(ask(g.r2, "rebook", "{'session_id':'%s','patient_id':'%s','interval_days':7}",
			 session, g.maya),
		     "usage", 64, "patient_id or session_id");
	expect_fault(ask(g.r2, "rebook", "{'session_id':'%s','interval_days':7}", g.maya),
		     "not_found", 66, "session");
	free(session);
	free(next);
	rig_free(&g);
}

/* The clock on the wall counts: 2027-03-28 is a day of 23 hours there. */
static void test_days_where_the_hour_changes(void **state)
{
	(void)state;
	struct rig g = rig_make();
	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	done(book(&g, g.r2, g.maya, g.mara, "2027-03-23T09:00:00Z", "")); /* 10:00 there */
	assert_string_equal(
		text_at(ask(g.r2, "rebook", "{'patient_id':'%s','interval_days':7}", g.maya),
			"starts_at"),
		"2027-03-30T08:00:00.000Z"); /* 10:00 again */
	done(book(&g, g.r2, g.anna, g.mara, "2027-03-28T21:30:00Z", ""));
	done(book(&g, g.r2, g.anna, g.mara, "2027-03-28T22:30:00Z", ""));
	struct said s = ask(g.r2, "list/day-sheet", "{'day':'2027-03-28'}");
	OK(s.err);
	assert_int_equal(json_array_size(json_object_get(s.answer, "appointments")), 1);
	assert_string_equal(json_text_of(row_at(&s, 0), "time"), "23:30");
	assert_string_equal(json_text_of(row_at(&s, 0), "until"), "00:30");
	json_decref(s.answer);
	s = ask(g.r2, "list/day-sheet", "{'day':'2027-03-29'}");
	OK(s.err);
	assert_int_equal(json_array_size(json_object_get(s.answer, "appointments")), 1);
	assert_string_equal(json_text_of(row_at(&s, 0), "time"), "00:30");
	json_decref(s.answer);
	rig_free(&g);
}

static void test_who_waits(void **state)
{
	(void)state;
	struct rig g = rig_make();
	char *id = copy(text_at(
		ask(g.r2, "add/waitlist-item", "{'patient_id':'%s','wishes':'Tuesdays'}", g.maya),
		"waitlist_item_id"));
	done(ask(g.r1, "add/waitlist-item", "{'patient_id':'%s','wishes':'any'}", g.anna));
	struct said s = ask(g.r1, "list/waitlist", "{}");
	OK(s.err);
	const json_t *list = json_object_get(s.answer, "waiting");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_text_of(json_array_get(list, 0), "patient"), "Maya Rosen");
	assert_string_equal(json_text_of(json_array_get(list, 0), "wishes"), "Tuesdays");
	json_decref(s.answer);
	done(ask(g.r1, "set/waitlist-item", "{'waitlist_item_id':'%s','state':'booked_in'}", id));
	assert_int_equal(rows_at(ask(g.r1, "list/waitlist", "{}"), "waiting"), 1);
	free(id);
	rig_free(&g);
}

/* ---- exports --------------------------------------------------------------------------------- */

static char *file_text(const char *path)
{
	struct stat st;
	const int fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	char *text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	(void)close(fd);
	return text;
}

static void test_a_sheet_on_paper(void **state)
{
	(void)state;
	struct rig g = rig_make();
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/day.html", g.w->folder);
	done(ask(g.r2, "set/patient", "{'patient_id':'%s','name_used':'May <b>'}", g.maya));
	done(book(&g, g.r2, g.maya, g.mara, DAY "T10:00:00Z", ""));
	room_cut(g.r2, true);
	done(ask(g.r2, "export/day-sheet", "{'day':'" DAY "','file':'%s'}", path));
	char *text = file_text(path);
	assert_non_null(strstr(text, "<td>10:00</td><td>11:00</td>"));
	assert_non_null(strstr(text, "May &lt;b&gt;"));
	assert_non_null(strstr(text, "Without the server"));
	assert_null(strstr(text, "http"));
	free(text);
	expect_fault(ask(g.r2, "export/day-sheet", "{'day':'" DAY "','file':'%s'}", path),
		     "file_exists", 1, "there is one already");
	expect_fault(ask(g.r2, "export/day-sheet", "{'file':'/no/such/folder/x'}"), "not_found", 66,
		     "no such folder");
	expect_fault(ask(g.r2, "export/day-sheet", "{'file':'day.html'}"), "bad_value", 65,
		     "whole path");
	rig_free(&g);
}

static void test_a_calendar_with_initials_only(void **state)
{
	(void)state;
	struct rig g = rig_make();
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/mara.ics", g.w->folder);
	done(book(&g, g.r2, g.anna, g.mara, DAY "T10:00:00Z", ",'type':'relaxation'"));
	done(book(&g, g.r2, g.maya, g.jo, DAY "T12:00:00Z", ""));
	expect_fault(ask(g.r2, "export/calendar", "{'file':'%s'}", path), "usage", 64,
		     "of one room or of one therapist");
	done(ask(g.r2, "export/calendar", "{'day':'" DAY "','therapist_id':'%s','file':'%s'}",
		 g.mara, path));
	char *text = file_text(path);
	assert_null(strstr(text, "Berg"));
	assert_null(strstr(text, "elax"));
	icalcomponent *c = icalparser_parse_string(text);
	assert_non_null(c);
	assert_int_equal(icalcomponent_count_errors(c), 0);
	assert_int_equal(icalcomponent_count_components(c, ICAL_VEVENT_COMPONENT), 1);
	icalcomponent *e = icalcomponent_get_first_component(c, ICAL_VEVENT_COMPONENT);
	assert_string_equal(icalcomponent_get_summary(e), "\xc3\x85LB");
	assert_string_equal(icalcomponent_get_location(e), "Room 1");
	assert_int_equal(icalcomponent_get_status(e), ICAL_STATUS_CONFIRMED);
	assert_string_equal(icaltime_as_ical_string(icalcomponent_get_dtstart(e)),
			    "20261201T100000Z");
	assert_string_equal(icaltime_as_ical_string(icalcomponent_get_dtend(e)),
			    "20261201T110000Z");
	icalcomponent_free(c);
	free(text);
	icalmemory_free_ring();
	rig_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_day_is_shown_with_who_and_where),
		cmocka_unit_test(test_a_clash_is_said_with_what_to_do),
		cmocka_unit_test(test_by_whom_is_asked_before_it_is_booked),
		cmocka_unit_test(test_a_day_without_the_server),
		cmocka_unit_test(test_a_clashed_booking_finds_another_time),
		cmocka_unit_test(test_a_clashed_booking_is_called_off),
		cmocka_unit_test(test_the_desk_does_all_of_it),
		cmocka_unit_test(test_the_next_visit_at_the_end_of_a_session),
		cmocka_unit_test(test_days_where_the_hour_changes),
		cmocka_unit_test(test_who_waits),
		cmocka_unit_test(test_a_sheet_on_paper),
		cmocka_unit_test(test_a_calendar_with_initials_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
