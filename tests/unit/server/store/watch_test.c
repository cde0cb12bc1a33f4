/* The facts of the relationship watch over a whole clinic. The clinic is written straight into the
 * views. ROOMKEEP_WATCH_PATIENTS=20000 measures ten years of a large one; `time` says how long. */
#include "store_fixture.h"

#include "record/fields.h"
#include "roomkeep/record.pb-c.h"
#include "server/store/store_priv.h"
#include "server/store/store_watch.h"
#include "support/long_clinic.h"
#include "watch_rows.h"
#include "wire/op.h"

#include <stdlib.h>
#include <time.h>

#define PATIENTS_DEFAULT 50u

static void put_plain(struct fx *fx, enum kind kind, const struct id *id, uint64_t patient,
		      const ProtobufCMessage *m)
{
	uint8_t bytes[256];
	const size_t len = protobuf_c_message_pack(m, bytes);
	assert_true(len <= sizeof(bytes));
	run(fx, "INSERT INTO plain (kind, record_id, patient, message) VALUES (?1, ?2, ?3, ?4)",
	    DB_ARGS(db_u64(kind), db_id(id), db_u64(patient), db_blob(view_of(bytes, len))));
}

static void put_mood(struct fx *fx, uint64_t patient, uint64_t n, bool leaves,
		     Roomkeep__MoodRead__Spirits spirits)
{
	Roomkeep__MoodRead m = ROOMKEEP__MOOD_READ__INIT;
	struct id id = id_of(leaves ? 4 : 3, patient * 1000 + n);
	struct id patient_id = id_of(1, patient);
	struct id session = id_of(2, patient * 1000 + n);
	m.has_mood_read_id = m.has_patient_id = m.has_session_id = true;
	m.mood_read_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&patient_id);
	m.session_id = fx_bytes(&session);
	m.has_when = m.has_spirits = m.has_source = true;
	m.when = leaves ? ROOMKEEP__MOOD_READ__WHEN__DEPARTURE : ROOMKEEP__MOOD_READ__WHEN__ARRIVAL;
	m.spirits = spirits;
	m.source = ROOMKEEP__MOOD_READ__SOURCE__MY_READ;
	put_plain(fx, KIND_MOOD_READ, &id, patient, &m.base);
}

static void put_touch(struct fx *fx, uint64_t patient, uint64_t n, Roomkeep__Touch__What what,
		      const char *on)
{
	Roomkeep__Touch m = ROOMKEEP__TOUCH__INIT;
	struct id id = id_of(5, patient * 1000 + n);
	m.has_touch_id = m.has_what = true;
	m.touch_id = fx_bytes(&id);
	m.what = what;
	m.on = wire_text(on);
	put_plain(fx, KIND_TOUCH, &id, patient, &m.base);
}

static void put_appointment(struct fx *fx, uint64_t patient, uint64_t n, uint64_t starts_ms,
			    Roomkeep__Appointment__State state)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	struct id id = id_of(6, patient * 1000 + n);
	m.has_appointment_id = m.has_starts_ms = true;
	m.appointment_id = fx_bytes(&id);
	m.starts_ms = starts_ms;
	m.has_state = state != ROOMKEEP__APPOINTMENT__STATE__STATE_UNKNOWN;
	m.state = state;
	put_plain(fx, KIND_APPOINTMENT, &id, patient, &m.base);
}

static void put_chart(struct fx *fx, uint64_t patient, uint64_t n, Roomkeep__SessionChart m)
{
	struct id session = id_of(2, patient * 1000 + n);
	struct id patient_id = id_of(1, patient);
	m.has_session_id = m.has_patient_id = true;
	m.session_id = fx_bytes(&session);
	m.patient_id = fx_bytes(&patient_id);
	put_plain(fx, KIND_SESSION_CHART, &session, patient, &m.base);
}

static void put_adverse(struct fx *fx, uint64_t patient, uint64_t n, const char *follow_up_on)
{
	Roomkeep__AdverseEvent m = ROOMKEEP__ADVERSE_EVENT__INIT;
	struct id id = id_of(7, patient * 1000 + n);
	struct id session = id_of(2, patient * 1000 + n / 10);
	m.has_adverse_event_id = m.has_session_id = true;
	m.adverse_event_id = fx_bytes(&id);
	m.session_id = fx_bytes(&session);
	m.follow_up_on = wire_text(follow_up_on);
	put_plain(fx, KIND_ADVERSE_EVENT, &id, patient, &m.base);
}

static void put_detail(struct fx *fx, uint64_t patient, const char *gone_quiet_since)
{
	Roomkeep__PatientDetail m = ROOMKEEP__PATIENT_DETAIL__INIT;
	struct id id = id_of(1, patient);
	m.has_patient_id = true;
	m.patient_id = fx_bytes(&id);
	m.gone_quiet_since = wire_text(gone_quiet_since);
	put_plain(fx, KIND_PATIENT_DETAIL, &id, patient, &m.base);
}

static void put_merge(struct fx *fx, uint64_t from, uint64_t into, const char *ended_on)
{
	Roomkeep__PatientMerge m = ROOMKEEP__PATIENT_MERGE__INIT;
	struct id id = id_of(12, from * 1000 + into);
	struct id one = id_of(1, from);
	struct id other = id_of(1, into);
	m.has_patient_merge_id = m.has_patient_id = m.has_into_id = true;
	m.patient_merge_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&one);
	m.into_id = fx_bytes(&other);
	m.ended_on = wire_text(ended_on);
	put_plain(fx, KIND_PATIENT_MERGE, &id, from, &m.base);
}

static void put_misfiling(struct fx *fx, uint64_t patient, uint64_t n)
{
	Roomkeep__Misfiling m = ROOMKEEP__MISFILING__INIT;
	struct id session = id_of(2, patient * 1000 + n);
	m.has_session_id = true;
	m.session_id = fx_bytes(&session);
	put_plain(fx, KIND_MISFILING, &session, patient, &m.base);
}

/* Appointment n, made from appointment `from`; 0: from none. */
static void put_rebooked(struct fx *fx, uint64_t patient, uint64_t n, uint64_t from,
			 uint64_t starts_ms, bool spoken_yes)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	struct id id = id_of(6, patient * 1000 + n);
	struct id before = id_of(6, patient * 1000 + from);
	m.has_appointment_id = m.has_starts_ms = m.has_spoken_yes = true;
	m.appointment_id = fx_bytes(&id);
	m.starts_ms = starts_ms;
	m.spoken_yes = spoken_yes;
	if (from != 0) {
		m.has_rebooked_from = true;
		m.rebooked_from = fx_bytes(&before);
	}
	put_plain(fx, KIND_APPOINTMENT, &id, patient, &m.base);
}

/* ---- what comes out -------------------------------------------------------------------------- */

static void test_watch_410_visits_moods_and_touches_of_each_patient(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const struct id jo = id_of(9, 2);
	fx_begin(fx);
	for (uint64_t p = 1; p <= 4; p++) put_patient(fx, p);
	/* 1: nobody was ever here, though somebody wrote something about them. */
	put_touch(fx, 1, 0, ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL, "2025-01-01");
	/* 2: more visits than are used, two on one day, one in the future. */
	for (uint64_t n = 0; n < 40; n++) put_session(fx, 2, n, NOW_MS - (100 - n) * DAY_MS, &mara);
	put_session(fx, 2, 40, NOW_MS - 61 * DAY_MS + 3600000, &jo);
	put_session(fx, 2, 41, NOW_MS + DAY_MS, &mara);
	put_mood(fx, 2, 40, true, ROOMKEEP__MOOD_READ__SPIRITS__LOW);
	put_mood(fx, 2, 38, false, ROOMKEEP__MOOD_READ__SPIRITS__BRIGHT);
	put_mood(fx, 2, 1, false, ROOMKEEP__MOOD_READ__SPIRITS__BRIGHT); /* before the tail */
	/* 3: reached out to twice; 4: left in peace. */
	put_session(fx, 3, 0, NOW_MS - DAY_MS, &jo);
	put_touch(fx, 3, 0, ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL, "2025-06-01");
	put_touch(fx, 3, 1, ROOMKEEP__TOUCH__WHAT__SHORT_MESSAGE, "2025-03-01");
	put_session(fx, 4, 0, NOW_MS - DAY_MS, &jo);
	put_touch(fx, 4, 0, ROOMKEEP__TOUCH__WHAT__LEAVE_IN_PEACE, "2025-03-01");
	fx_commit(fx);

	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, 3);
	const struct store_watch *two = &s.patients[0];
	const struct id two_id = id_of(1, 2);
	assert_true(id_equal(&two->patient_id, &two_id));
	assert_true(id_equal(&two->therapist_id, &jo));
	assert_int_equal(two->facts.event_count, WATCH_EVENTS_USED);
	assert_int_equal(two->facts.visits_before, 40 - WATCH_EVENTS_USED);
	assert_int_equal(two->last_day, NOW_DAY - 61);
	assert_int_equal(s.events[0][WATCH_EVENTS_USED - 1].day, NOW_DAY - 61);
	assert_int_equal(s.events[0][WATCH_EVENTS_USED - 1].departure, 2);
	assert_int_equal(s.events[0][WATCH_EVENTS_USED - 2].arrival, 4);
	assert_int_equal(s.events[0][WATCH_EVENTS_USED - 2].departure, 0);
	assert_false(two->facts.touched);
	assert_true(s.patients[1].facts.touched);
	assert_int_equal(s.patients[1].facts.touched_day, NOW_DAY - 176); /* 2025-06-01 */
	assert_false(s.patients[1].facts.in_peace);
	assert_true(s.patients[2].facts.in_peace);
	assert_false(s.patients[2].facts.touched);

	/* 16:00 UTC is the next day where it is eight hours later and more. */
	assert_int_equal(look(fx, 8 * 60).patients[1].last_day, NOW_DAY);
	assert_int_equal(look(fx, 8 * 60 - 1).patients[1].last_day, NOW_DAY - 1);
}

static void test_watch_410_who_is_booked_from_today_on(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const Roomkeep__Appointment__State none = ROOMKEEP__APPOINTMENT__STATE__STATE_UNKNOWN;
	const struct {
		uint64_t starts_ms;
		Roomkeep__Appointment__State state;
		bool booked;
	} rows[] = {
		{ NOW_MS + DAY_MS, none, true },
		{ NOW_MS + DAY_MS, ROOMKEEP__APPOINTMENT__STATE__BOOKED, true },
		{ NOW_MS - 3600000, none, true }, /* this morning: it is still today */
		{ NOW_MS - DAY_MS, none, false },
		{ NOW_MS + DAY_MS, ROOMKEEP__APPOINTMENT__STATE__CANCELLED, false },
		{ NOW_MS + DAY_MS, ROOMKEEP__APPOINTMENT__STATE__NO_SHOW, false },
	};
	fx_begin(fx);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		put_patient(fx, i + 1);
		put_session(fx, i + 1, 0, NOW_MS - 90 * DAY_MS, &mara);
		put_appointment(fx, i + 1, 0, rows[i].starts_ms, rows[i].state);
	}
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, COUNT_OF(rows));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(s.patients[i].facts.booked, rows[i].booked);
}

static void test_watch_410_plan_homecare_and_what_went_wrong(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	Roomkeep__SessionChart m = ROOMKEEP__SESSION_CHART__INIT;
	fx_begin(fx);
	for (uint64_t p = 1; p <= 2; p++) {
		put_patient(fx, p);
		for (uint64_t n = 0; n < 3; n++)
			put_session(fx, p, n, NOW_MS - (60 - 20 * n) * DAY_MS, &mara);
	}
	m.has_homecare_done = m.has_next_in_days = true;
	m.homecare_done = ROOMKEEP__SESSION_CHART__HOMECARE_DONE__NONE;
	m.next_in_days = 14;
	put_chart(fx, 1, 1, m); /* not the last visit's: its plan is over */
	put_chart(fx, 2, 2, m);
	m.next_as_needed = m.has_next_as_needed = true;
	m.homecare_done = ROOMKEEP__SESSION_CHART__HOMECARE_DONE__SOME;
	put_chart(fx, 1, 2, m);
	put_adverse(fx, 1, 10, "2025-11-01");
	put_adverse(fx, 1, 11, ""); /* a second one in that visit, and nobody called */
	put_adverse(fx, 1, 20, "2025-11-24");
	put_adverse(fx, 2, 20, "2025-11-25"); /* the call is still to come */
	fx_commit(fx);

	const struct seen s = look(fx, 0);
	assert_int_equal(s.patients[0].facts.planned_days, 0);
	assert_int_equal(s.patients[1].facts.planned_days, 14);
	assert_int_equal(s.events[0][0].homecare, WATCH_HOMECARE_NOT_ASKED);
	assert_int_equal(s.events[0][1].homecare, WATCH_HOMECARE_NONE);
	assert_int_equal(s.events[0][2].homecare, WATCH_HOMECARE_SOME);
	assert_false(s.events[0][0].adverse);
	assert_true(s.events[0][1].adverse && !s.events[0][1].followed_up);
	assert_true(s.events[0][2].adverse && s.events[0][2].followed_up);
	assert_true(s.events[1][2].adverse && !s.events[1][2].followed_up);
}

static void test_watch_410_less_at_ease_than_on_the_way_in(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const Roomkeep__Comfort__After said[][2] = {
		{ ROOMKEEP__COMFORT__AFTER__EASIER, ROOMKEEP__COMFORT__AFTER__HARDER },
		{ ROOMKEEP__COMFORT__AFTER__HARDER, ROOMKEEP__COMFORT__AFTER__SAME },
		{ ROOMKEEP__COMFORT__AFTER__HARDER, ROOMKEEP__COMFORT__AFTER__AFTER_UNKNOWN },
	};
	fx_begin(fx);
	for (uint64_t p = 1; p <= COUNT_OF(said); p++) {
		put_patient(fx, p);
		for (uint64_t n = 0; n < 2; n++) {
			Roomkeep__SessionChart m = ROOMKEEP__SESSION_CHART__INIT;
			put_session(fx, p, n, NOW_MS - (20 - n) * DAY_MS, &mara);
			m.comfort_after = said[p - 1][n];
			m.has_comfort_after = m.comfort_after != 0;
			put_chart(fx, p, n, m);
		}
	}
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_true(says(&s, 0, WATCH_CODE_COMFORT));
	assert_int_equal(s.events[0][0].comfort, WATCH_COMFORT_EASIER);
	assert_false(says(&s, 1, WATCH_CODE_COMFORT));
	assert_true(says(&s, 2, WATCH_CODE_COMFORT)); /* the last time that was asked */
}

static void test_watch_410_gone_quiet_until_the_next_visit(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const char *const since[] = { "2025-11-01", "2025-10-31", "" };
	fx_begin(fx);
	for (uint64_t p = 1; p <= COUNT_OF(since); p++) {
		put_patient(fx, p);
		put_session(fx, p, 0, NOW_MS - 23 * DAY_MS, &mara); /* 2025-11-01 */
		put_detail(fx, p, since[p - 1]);
	}
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_true(says(&s, 0, WATCH_CODE_GONE_QUIET));
	assert_false(says(&s, 1, WATCH_CODE_GONE_QUIET));
	assert_false(says(&s, 2, WATCH_CODE_GONE_QUIET));
}

/* Who was entered twice has not stayed away because one of the two charts did. */
static void test_watch_410_charts_of_one_person_are_one_patient(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const struct id jo = id_of(9, 2);
	const struct id one = id_of(1, 1);
	fx_begin(fx);
	for (uint64_t p = 1; p <= 6; p++) put_patient(fx, p);
	for (uint64_t n = 0; n < 3; n++)
		put_session(fx, 1, n, NOW_MS - (300 - 20 * n) * DAY_MS, &mara);
	put_session(fx, 2, 0, NOW_MS - 250 * DAY_MS, &jo); /* between them */
	put_session(fx, 2, 1, NOW_MS - 5 * DAY_MS, &jo);
	put_touch(fx, 2, 0, ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL, "2025-06-01");
	put_session(fx, 3, 0, NOW_MS - 2 * DAY_MS, &mara);
	put_session(fx, 4, 0, NOW_MS - 2 * DAY_MS, &mara);
	put_merge(fx, 2, 1, NULL);
	put_merge(fx, 5, 1, NULL);         /* without any visit */
	put_merge(fx, 4, 3, "2025-11-01"); /* taken back */
	put_session(fx, 6, 0, NOW_MS - 2 * DAY_MS, &mara);
	put_merge(fx, 6, 78, NULL); /* into nobody who is here */
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, 4); /* 3, 4 and 6, then the one */
	assert_true(id_equal(&s.patients[3].patient_id, &one));
	assert_int_equal(s.patients[3].facts.event_count, 5);
	assert_int_equal(s.patients[3].last_day, NOW_DAY - 5);
	assert_true(id_equal(&s.patients[3].therapist_id, &jo));
	assert_true(s.patients[3].facts.touched);
}

/* Two rooms apart merged each into the other. */
static void test_watch_410_a_circle_of_merges_is_one_person(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const struct id one = id_of(1, 1);
	fx_begin(fx);
	for (uint64_t p = 1; p <= 2; p++) {
		put_patient(fx, p);
		put_session(fx, p, 0, NOW_MS - 2 * p * DAY_MS, &mara);
	}
	put_merge(fx, 1, 2, NULL);
	put_merge(fx, 2, 1, NULL);
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, 1);
	assert_true(id_equal(&s.patients[0].patient_id, &one));
	assert_int_equal(s.patients[0].facts.event_count, 2);
}

/* Every word of a chart that is looked at. */
static void test_watch_410_words_of_a_chart(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	static const uint8_t homecare[] = { WATCH_HOMECARE_NOT_ASKED, WATCH_HOMECARE_ALL,
					    WATCH_HOMECARE_SOME, WATCH_HOMECARE_NONE,
					    WATCH_HOMECARE_WORSE };
	fx_begin(fx);
	put_patient(fx, 1);
	for (uint64_t n = 0; n < COUNT_OF(homecare); n++) {
		Roomkeep__SessionChart m = ROOMKEEP__SESSION_CHART__INIT;
		put_session(fx, 1, n, NOW_MS - (20 - n) * DAY_MS, &mara);
		m.has_homecare_done = true;
		m.homecare_done = (Roomkeep__SessionChart__HomecareDone)n;
		put_chart(fx, 1, n, m);
	}
	put_chart(fx, 1, 900, (Roomkeep__SessionChart)ROOMKEEP__SESSION_CHART__INIT); /* no visit */
	put_adverse(fx, 1, 9000, "2025-11-01");
	/* Two events of one visit, and somebody asked about both; then about the first alone. */
	put_adverse(fx, 1, 10, "2025-11-20");
	put_adverse(fx, 1, 11, "2025-11-21");
	put_adverse(fx, 1, 20, "2025-11-20");
	put_adverse(fx, 1, 21, "");
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	for (size_t n = 0; n < COUNT_OF(homecare); n++)
		assert_int_equal(s.events[0][n].homecare, homecare[n]);
	assert_true(s.events[0][1].followed_up);
	assert_true(s.events[0][2].adverse && !s.events[0][2].followed_up);
}

/* One was there last and wrote it; on the right chart it is a visit, here it is none. */
static void test_watch_410_a_misfiled_session_is_no_visit(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	fx_begin(fx);
	put_patient(fx, 1);
	put_session(fx, 1, 0, NOW_MS - 90 * DAY_MS, &mara);
	put_session(fx, 1, 1, NOW_MS - DAY_MS, &mara);
	put_misfiling(fx, 1, 1);
	put_patient(fx, 2);
	put_session(fx, 2, 0, NOW_MS - DAY_MS, &mara);
	put_misfiling(fx, 2, 0);
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, 1); /* the second was never here */
	assert_int_equal(s.patients[0].last_day, NOW_DAY - 90);
}

static void test_watch_410_who_cancelled_and_did_not_come_back(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const Roomkeep__Appointment__State cancelled = ROOMKEEP__APPOINTMENT__STATE__CANCELLED;
	const Roomkeep__Appointment__State late = ROOMKEEP__APPOINTMENT__STATE__LATE_CANCELLED;
	const Roomkeep__Appointment__State no_show = ROOMKEEP__APPOINTMENT__STATE__NO_SHOW;
	fx_begin(fx);
	for (uint64_t p = 1; p <= 4; p++) {
		put_patient(fx, p);
		put_session(fx, p, 0, NOW_MS - 30 * DAY_MS, &mara);
	}
	/* Typed in another order than they were for; one of the day of the visit, one to come. */
	put_appointment(fx, 1, 3, NOW_MS + 5 * DAY_MS, no_show);
	put_appointment(fx, 1, 1, NOW_MS - 30 * DAY_MS, cancelled);
	put_appointment(fx, 1, 2, NOW_MS - 10 * DAY_MS, late);
	/* 2: another one was made from it, which is over, too. */
	put_appointment(fx, 2, 1, NOW_MS - 10 * DAY_MS, cancelled);
	put_rebooked(fx, 2, 2, 1, NOW_MS - 8 * DAY_MS, false);
	/* 3: more than are looked at; the oldest give way, the visit among them. */
	for (uint64_t n = 0; n < 40; n++)
		put_appointment(fx, 3, n, NOW_MS - (n * 7 % 40 + 1) * DAY_MS / 2, cancelled);
	/* 4: the last by day, whichever was typed last. */
	for (uint64_t n = 0; n < 40; n++)
		put_appointment(fx, 4, n, NOW_MS - (29 + n) * DAY_MS, late);
	fx_commit(fx);

	const struct seen s = look(fx, 0);
	const struct watch_event *one = s.events[0];
	assert_int_equal(s.patients[0].facts.event_count, 4);
	assert_int_equal(one[0].what, WATCH_CANCEL);
	assert_int_equal(one[1].what, WATCH_VISIT);
	assert_int_equal(one[1].day, one[0].day);
	assert_int_equal(one[2].what, WATCH_LATE_CANCEL);
	assert_int_equal(one[3].what, WATCH_NO_SHOW);
	assert_int_equal(one[3].day, NOW_DAY + 5);
	assert_false(one[2].rebooked);
	assert_int_equal(s.patients[0].last_day, NOW_DAY - 30);
	assert_int_equal(s.patients[1].facts.event_count, 2);
	assert_true(s.events[1][1].rebooked);
	assert_false(s.patients[1].facts.booked);
	assert_int_equal(s.patients[2].facts.event_count, WATCH_EVENTS_USED);
	assert_int_equal(s.patients[2].facts.visits_before, 1);
	for (size_t i = 0; i < WATCH_EVENTS_USED; i++)
		assert_int_equal(s.events[2][i].what, WATCH_CANCEL);
	assert_int_equal(s.events[3][WATCH_EVENTS_USED - 1].day, NOW_DAY - 29);
	assert_int_equal(s.events[3][WATCH_EVENTS_USED - 2].what, WATCH_VISIT);
}

static void test_watch_410_another_therapist_and_whether_that_was_agreed(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const struct id jo = id_of(9, 2);
	fx_begin(fx);
	for (uint64_t p = 1; p <= 3; p++) {
		put_patient(fx, p);
		put_session(fx, p, 0, NOW_MS - 40 * DAY_MS, &mara);
		put_session(fx, p, 1, NOW_MS - 20 * DAY_MS, p == 3 ? &mara : &jo);
		put_rebooked(fx, p, 1, 0, NOW_MS - 20 * DAY_MS, p == 2);
	}
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	for (size_t i = 0; i < 3; i++) assert_int_equal(says(&s, i, WATCH_CODE_THERAPIST), i == 0);
}

/* Of a record that a tombstone took a part of, the rest says what it can. */
static void test_watch_410_torn_records_count_for_nothing(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const struct id session = id_of(2, 1000);
	Roomkeep__MoodRead mood = ROOMKEEP__MOOD_READ__INIT;
	Roomkeep__Touch touch = ROOMKEEP__TOUCH__INIT;
	Roomkeep__Appointment appointment = ROOMKEEP__APPOINTMENT__INIT;
	const struct id patient = id_of(1, 1);
	fx_begin(fx);
	put_patient(fx, 1);
	put_session(fx, 1, 0, NOW_MS - DAY_MS, &mara);
	/* No session; then a session and no spirits; then half an id. */
	mood.has_spirits = true;
	mood.spirits = ROOMKEEP__MOOD_READ__SPIRITS__BRIGHT;
	put_plain(fx, KIND_MOOD_READ, &(struct id){ { 71 } }, 1, &mood.base);
	mood.has_session_id = true;
	mood.session_id = fx_bytes(&session);
	mood.has_spirits = false;
	put_plain(fx, KIND_MOOD_READ, &(struct id){ { 72 } }, 1, &mood.base);
	mood.has_spirits = true;
	mood.session_id.len = ID_BYTES / 2;
	put_plain(fx, KIND_MOOD_READ, &(struct id){ { 73 } }, 1, &mood.base);
	/* Reached out to, but when? */
	touch.has_what = touch.has_patient_id = true;
	touch.patient_id = fx_bytes(&patient);
	touch.what = ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL;
	put_plain(fx, KIND_TOUCH, &(struct id){ { 74 } }, 1, &touch.base);
	/* Booked, but for when? And at no time that there is. */
	appointment.has_patient_id = true;
	appointment.patient_id = fx_bytes(&patient);
	put_plain(fx, KIND_APPOINTMENT, &(struct id){ { 75 } }, 1, &appointment.base);
	appointment.has_starts_ms = true;
	appointment.starts_ms = UINT64_MAX;
	put_plain(fx, KIND_APPOINTMENT, &(struct id){ { 76 } }, 1, &appointment.base);
	fx_commit(fx);

	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.events[0][0].arrival, 0);
	assert_int_equal(s.events[0][0].departure, 0);
	assert_false(s.patients[0].facts.touched);
	assert_false(s.patients[0].facts.booked);
}

static void test_the_last_touch_counts_whichever_was_typed_last(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	fx_begin(fx);
	put_patient(fx, 1);
	put_session(fx, 1, 0, NOW_MS - 300 * DAY_MS, &mara);
	put_touch(fx, 1, 0, ROOMKEEP__TOUCH__WHAT__SHORT_MESSAGE, "2025-03-01");
	put_touch(fx, 1, 1, ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL, "2025-06-01");
	fx_commit(fx);
	assert_int_equal(look(fx, 0).patients[0].facts.touched_day, NOW_DAY - 176);
}

static enum err stop(void *ctx, const struct store_watch *p)
{
	(void)p;
	(*(unsigned *)ctx)++;
	return ERR_FULL;
}

static void test_the_walk_ends_with_the_visitors_error(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	unsigned calls = 0;
	struct store_reader *r = store_as_reader(fx->store);
	OK(store_watch_each(r, NOW_MS, 0, (struct store_watch_visitor){ stop, &calls }));
	assert_int_equal(calls, 0); /* nobody was ever here */
	fx_begin(fx);
	for (uint64_t p = 1; p <= 3; p++) put_patient(fx, p);
	for (uint64_t p = 1; p <= 3; p++) put_session(fx, p, 0, NOW_MS - DAY_MS, &mara);
	fx_commit(fx);
	assert_int_equal(
		store_watch_each(r, NOW_MS, 0, (struct store_watch_visitor){ stop, &calls }),
		ERR_FULL);
	assert_int_equal(calls, 1);
}

/* A damaged file ends the walk: nobody is called well or cold on half the facts. */
static void test_the_walk_ends_at_a_damaged_row(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	unsigned calls = 0;
	struct store_reader *r = store_as_reader(fx->store);
	fx_begin(fx);
	put_patient(fx, 1);
	put_session(fx, 1, 0, NOW_MS - DAY_MS, &mara);
	put_touch(fx, 1, 0, ROOMKEEP__TOUCH__WHAT__PERSONAL_CALL, "2025-06-01");
	run(fx, "UPDATE plain SET message = x'ffffff'", DB_NO_ARGS);
	fx_commit(fx);
	assert_int_equal(
		store_watch_each(r, NOW_MS, 0, (struct store_watch_visitor){ stop, &calls }),
		ERR_CORRUPT);
	assert_int_equal(calls, 0);
}

static uint64_t now_us(void)
{
	struct timespec t;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void test_watch_410_a_clinic_of_ten_years(void **state)
{
	struct fx *fx = *state;
	const char *asked = getenv("ROOMKEEP_WATCH_PATIENTS");
	const uint64_t patients = asked != NULL ? strtoull(asked, NULL, 10) : PATIENTS_DEFAULT;
	fx_begin(fx);
	long_clinic_fill(fx->store->db, patients, NOW_MS);
	fx_commit(fx);
	const uint64_t begun = now_us();
	const struct seen s = look(fx, 0);
	const uint64_t took = now_us() - begun;
	print_message("%llu patients, %llu sessions: %llu ms; warm %zu, cooling %zu, cold %zu, "
		      "lapsed %zu\n",
		      (unsigned long long)patients,
		      (unsigned long long)patients * LONG_CLINIC_VISITS,
		      (unsigned long long)(took / 1000), s.steps[WATCH_WARM],
		      s.steps[WATCH_COOLING], s.steps[WATCH_COLD], s.steps[WATCH_LAPSED]);
	assert_int_equal(s.count, patients);
	assert_true(s.steps[WATCH_WARM] > 0 && s.steps[WATCH_LAPSED] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_watch_410_visits_moods_and_touches_of_each_patient, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_who_is_booked_from_today_on,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_plan_homecare_and_what_went_wrong,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_less_at_ease_than_on_the_way_in,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_gone_quiet_until_the_next_visit,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_charts_of_one_person_are_one_patient,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_a_circle_of_merges_is_one_person,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_words_of_a_chart, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_a_misfiled_session_is_no_visit,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_who_cancelled_and_did_not_come_back,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
			test_watch_410_another_therapist_and_whether_that_was_agreed, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_torn_records_count_for_nothing,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_the_last_touch_counts_whichever_was_typed_last,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_the_walk_ends_with_the_visitors_error,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_the_walk_ends_at_a_damaged_row, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_a_clinic_of_ten_years, fx_setup,
						fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
