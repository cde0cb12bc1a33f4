/* watch: sessions and plain records walk side by side in the order of patients. */
#include "base/check.h"
#include "record/calendar.h"
#include "record/care.h"
#include "server/store/merges.h"
#include "server/store/store_priv.h"
#include "server/store/store_watch.h"
#include "server/store/watch_proof.h"

#define WATCH_FOLLOWS_MAX 64u
#define WATCH_PROOF_LOOKED 8 /* measured visits are looked for among so many */

/* The tail of one patient's visits. */
struct watch_tail {
	struct watch_event visits[WATCH_EVENTS_USED];
	struct id sessions[WATCH_EVENTS_USED];   /* the last of that day */
	struct id therapists[WATCH_EVENTS_USED]; /* its therapist */
	size_t count;
};

/* What was booked and did not take place: the last by day. */
struct watch_missed {
	struct watch_event events[WATCH_EVENTS_USED];
	struct id appointments[WATCH_EVENTS_USED];
	size_t count;
	struct id follows[WATCH_FOLLOWS_MAX]; /* what a later booking was made from; a ring */
	size_t follow_count;                  /* of all, also those that the ring has lost */
};

struct watch_walk {
	struct db *db;
	struct db_stmt *sessions; /* owned */
	struct db_stmt *records;  /* owned */
	bool has_record;          /* the row under the cursor holds */
	int32_t offset_minutes;
	int64_t today;
	uint64_t patient; /* of the tail */
	struct store_watch now;
	struct watch_tail tail;
	struct watch_missed missed;
	struct watch_event events[WATCH_EVENTS_USED]; /* both, as the visitor sees them */
};

static void watch_walk_finip(struct watch_walk *w)
{
	db_stmt_done(w->sessions);
	db_stmt_done(w->records);
}

/* ---- visits ---------------------------------------------------------------------------------- */

/* Two sessions of one day are one visit. */
static enum err tail_add(struct watch_walk *w)
{
	struct watch_tail *t = &w->tail;
	const int32_t day = (int32_t)calendar_day_of(db_col_u64(w->sessions, 4), w->offset_minutes);
	if (t->count > 0 && t->visits[t->count - 1].day == day) t->count--;
	if (t->count == WATCH_EVENTS_USED) {
		t->count--;
		memmove(t->visits, t->visits + 1, t->count * sizeof(t->visits[0]));
		memmove(t->sessions, t->sessions + 1, t->count * sizeof(t->sessions[0]));
		memmove(t->therapists, t->therapists + 1, t->count * sizeof(t->therapists[0]));
		w->now.facts.visits_before++;
	}
	t->visits[t->count] = (struct watch_event){ .day = day, .what = WATCH_VISIT };
	TRY(db_col_id(w->sessions, 2, &t->sessions[t->count]));
	TRY(db_col_id(w->sessions, 3, &t->therapists[t->count]));
	w->now.therapist_id = t->therapists[t->count];
	w->now.last_day = day;
	t->count++;
	return ERR_OK;
}

/* NULL: none of the visits that are looked at. */
static struct watch_event *tail_visit_of(struct watch_tail *t, bool has_id,
					 const ProtobufCBinaryData *session_id)
{
	if (!has_id || session_id->len != ID_BYTES) return NULL;
	for (size_t i = t->count; i > 0; i--) {
		if (memcmp(t->sessions[i - 1].b, session_id->data, ID_BYTES) == 0)
			return &t->visits[i - 1];
	}
	return NULL;
}

/* ---- what was read and written of a visit ---------------------------------------------------- */

static void mood_apply(struct watch_tail *t, const Roomkeep__MoodRead *m)
{
	struct watch_event *visit = tail_visit_of(t, m->has_session_id, &m->session_id);
	if (visit == NULL || !m->has_spirits) return;
	if (m->when == ROOMKEEP__MOOD_READ__WHEN__DEPARTURE) {
		visit->departure = (uint8_t)m->spirits;
	} else {
		visit->arrival = (uint8_t)m->spirits;
	}
}

static uint8_t homecare_of(Roomkeep__SessionChart__HomecareDone done)
{
	switch (done) {
	case ROOMKEEP__SESSION_CHART__HOMECARE_DONE__ALL: return WATCH_HOMECARE_ALL;
	case ROOMKEEP__SESSION_CHART__HOMECARE_DONE__SOME: return WATCH_HOMECARE_SOME;
	case ROOMKEEP__SESSION_CHART__HOMECARE_DONE__NONE: return WATCH_HOMECARE_NONE;
	case ROOMKEEP__SESSION_CHART__HOMECARE_DONE__MADE_WORSE: return WATCH_HOMECARE_WORSE;
	case ROOMKEEP__SESSION_CHART__HOMECARE_DONE__HOMECARE_DONE_UNKNOWN:
	case _ROOMKEEP__SESSION_CHART__HOMECARE_DONE_IS_INT_SIZE: break;
	}
	return WATCH_HOMECARE_NOT_ASKED;
}

static uint8_t comfort_of(Roomkeep__Comfort__After comfort)
{
	switch (comfort) {
	case ROOMKEEP__COMFORT__AFTER__SAME: return WATCH_COMFORT_SAME;
	case ROOMKEEP__COMFORT__AFTER__EASIER: return WATCH_COMFORT_EASIER;
	case ROOMKEEP__COMFORT__AFTER__HARDER: return WATCH_COMFORT_HARDER;
	case ROOMKEEP__COMFORT__AFTER__AFTER_UNKNOWN:
	case _ROOMKEEP__COMFORT__AFTER_IS_INT_SIZE: break;
	}
	return WATCH_COMFORT_NOT_ASKED;
}

/* The plan that counts is the last visit's. */
static void chart_apply(struct watch_walk *w, const Roomkeep__SessionChart *m)
{
	struct watch_tail *t = &w->tail;
	struct watch_event *visit = tail_visit_of(t, m->has_session_id, &m->session_id);
	if (visit == NULL) return;
	if (m->has_homecare_done) visit->homecare = homecare_of(m->homecare_done);
	if (m->has_comfort_after) visit->comfort = comfort_of(m->comfort_after);
	if (visit != &t->visits[t->count - 1] || !m->has_next_in_days || m->next_as_needed) return;
	w->now.facts.planned_days = m->next_in_days;
}

static void adverse_apply(struct watch_walk *w, const Roomkeep__AdverseEvent *m)
{
	struct watch_event *visit = tail_visit_of(&w->tail, m->has_session_id, &m->session_id);
	int64_t day = 0;
	if (visit == NULL) return;
	const bool called = care_day(m->follow_up_on, &day) && day <= w->today;
	/* Of two in one visit, the one that nobody asked about counts. */
	visit->followed_up = called && (!visit->adverse || visit->followed_up);
	visit->adverse = true;
}

/* Stops when enough visits measured something. */
static enum err proof_apply(struct db *db, struct watch_tail *t)
{
	int measured = 0;
	const size_t oldest = t->count > WATCH_PROOF_LOOKED ? t->count - WATCH_PROOF_LOOKED : 0;
	for (size_t i = t->count; i > oldest && measured < WATCH_GAIN_VISITS; i--) {
		TRY(watch_proof_of(db, &t->sessions[i - 1], &t->visits[i - 1].proof));
		if (t->visits[i - 1].proof != WATCH_PROOF_NONE) measured++;
	}
	return ERR_OK;
}

/* ---- touches, bookings ----------------------------------------------------------------------- */

static void touch_apply(struct watch_patient *p, const Roomkeep__Touch *m)
{
	int64_t day = 0;
	if (!care_touch_reaches_out(m->what)) p->in_peace = true;
	if (!care_touch_reaches_out(m->what) || !care_day(m->on, &day)) return;
	if (p->touched && p->touched_day >= day) return;
	p->touched = true;
	p->touched_day = (int32_t)day;
}

/* Who came back since then is not quiet any more. */
static void detail_apply(struct watch_walk *w, const Roomkeep__PatientDetail *m)
{
	int64_t day = 0;
	w->now.facts.gone_quiet = care_day(m->gone_quiet_since, &day) && day >= w->now.last_day;
}

/* 0: it took place, or still may. */
static uint8_t what_was_missed(const Roomkeep__Appointment *m)
{
	if (!m->has_state) return 0;
	switch (m->state) {
	case ROOMKEEP__APPOINTMENT__STATE__CANCELLED: return WATCH_CANCEL;
	case ROOMKEEP__APPOINTMENT__STATE__LATE_CANCELLED: return WATCH_LATE_CANCEL;
	case ROOMKEEP__APPOINTMENT__STATE__NO_SHOW: return WATCH_NO_SHOW;
	case ROOMKEEP__APPOINTMENT__STATE__STATE_UNKNOWN:
	case ROOMKEEP__APPOINTMENT__STATE__BOOKED:
	case ROOMKEEP__APPOINTMENT__STATE__ARRIVED:
	case ROOMKEEP__APPOINTMENT__STATE__IN_SESSION:
	case ROOMKEEP__APPOINTMENT__STATE__DONE:
	case _ROOMKEEP__APPOINTMENT__STATE_IS_INT_SIZE: break;
	}
	return 0;
}

/* Kept by day; the oldest gives way. */
static void missed_add(struct watch_missed *x, int32_t day, uint8_t what, const struct id *id)
{
	size_t at = x->count;
	while (at > 0 && x->events[at - 1].day > day) at--;
	if (x->count == WATCH_EVENTS_USED) {
		if (at == 0) return;
		at--;
		memmove(x->events, x->events + 1, at * sizeof(x->events[0]));
		memmove(x->appointments, x->appointments + 1, at * sizeof(x->appointments[0]));
	} else {
		const size_t later = x->count++ - at;
		memmove(x->events + at + 1, x->events + at, later * sizeof(x->events[0]));
		memmove(x->appointments + at + 1, x->appointments + at,
			later * sizeof(x->appointments[0]));
	}
	x->events[at] = (struct watch_event){ .day = day, .what = what };
	x->appointments[at] = *id;
}

static void appointment_apply(struct watch_walk *w, const Roomkeep__Appointment *m)
{
	struct watch_missed *x = &w->missed;
	struct watch_tail *t = &w->tail;
	const uint8_t missed = what_was_missed(m);
	if (m->has_rebooked_from && m->rebooked_from.len == ID_BYTES)
		memcpy(x->follows[x->follow_count++ % WATCH_FOLLOWS_MAX].b, m->rebooked_from.data,
		       ID_BYTES);
	if (!m->has_starts_ms || m->starts_ms >= TIME_MS_END) return;
	const int64_t day = calendar_day_of(m->starts_ms, w->offset_minutes);
	if (missed != 0) {
		struct id id = { 0 };
		if (m->appointment_id.len == ID_BYTES)
			memcpy(id.b, m->appointment_id.data, ID_BYTES);
		missed_add(x, (int32_t)day, missed, &id);
		return;
	}
	/* The patient was told who it would be, and agreed. */
	if (m->spoken_yes && t->count > 0 && t->visits[t->count - 1].day == day)
		t->visits[t->count - 1].change_known = true;
	if (m->has_state && m->state != ROOMKEEP__APPOINTMENT__STATE__BOOKED) return;
	if (day >= w->today) w->now.facts.booked = true;
}

static enum err record_apply_row(struct watch_walk *w)
{
	const struct kind_info *info = kind_find(db_col_u64(w->records, 1));
	const struct view bytes = db_col_view(w->records, 2);
	union {
		ProtobufCMessage *any;
		const Roomkeep__MoodRead *mood;
		const Roomkeep__Touch *touch;
		const Roomkeep__Appointment *appointment;
		const Roomkeep__SessionChart *chart;
		const Roomkeep__AdverseEvent *adverse;
		const Roomkeep__PatientDetail *detail;
	} m;
	INSIST(info != NULL);
	TRY(store_message_unpack(info, bytes, &m.any));
	if (info->kind == KIND_MOOD_READ) mood_apply(&w->tail, m.mood);
	if (info->kind == KIND_TOUCH) touch_apply(&w->now.facts, m.touch);
	if (info->kind == KIND_APPOINTMENT) appointment_apply(w, m.appointment);
	if (info->kind == KIND_SESSION_CHART) chart_apply(w, m.chart);
	if (info->kind == KIND_ADVERSE_EVENT) adverse_apply(w, m.adverse);
	if (info->kind == KIND_PATIENT_DETAIL) detail_apply(w, m.detail);
	store_message_freep(&m.any);
	return ERR_OK;
}

/* Records of patients before this one belong to nobody who was ever here. */
static enum err records_up_to(struct watch_walk *w)
{
	while (w->has_record && db_col_u64(w->records, 0) <= w->patient) {
		if (db_col_u64(w->records, 0) == w->patient) TRY(record_apply_row(w));
		TRY(db_step(w->records, &w->has_record));
	}
	return ERR_OK;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool was_rebooked(const struct watch_missed *x, const struct id *appointment_id)
{
	for (size_t i = 0; i < x->follow_count && i < WATCH_FOLLOWS_MAX; i++)
		if (id_equal(&x->follows[i], appointment_id)) return true;
	return false;
}

/* Who was there the last two times: more is not asked. */
static void therapists_number(struct watch_tail *t)
{
	if (t->count < 2) return;
	const size_t last = t->count - 1;
	const bool same = id_equal(&t->therapists[last], &t->therapists[last - 1]);
	t->visits[last].therapist = 1;
	t->visits[last - 1].therapist = same ? 1 : 2;
}

/* Visits and what did not take place, in one row; of one day the visit is the later. */
static void events_join(struct watch_walk *w)
{
	struct watch_patient *p = &w->now.facts;
	struct watch_missed *x = &w->missed;
	size_t visits = w->tail.count, missed = x->count, at = WATCH_EVENTS_USED;
	for (size_t i = 0; i < x->count; i++)
		x->events[i].rebooked = was_rebooked(x, &x->appointments[i]);
	therapists_number(&w->tail);
	while (at > 0 && visits + missed > 0) {
		const bool visit = missed == 0 || (visits > 0 && w->tail.visits[visits - 1].day >=
									 x->events[missed - 1].day);
		w->events[--at] = visit ? w->tail.visits[--visits] : x->events[--missed];
	}
	p->visits_before += (uint32_t)visits;
	p->events = w->events + at;
	p->event_count = WATCH_EVENTS_USED - at;
}

static enum err patient_done(struct watch_walk *w, struct store_watch_visitor visitor)
{
	if (w->tail.count == 0) return ERR_OK;
	TRY(records_up_to(w));
	TRY(proof_apply(w->db, &w->tail));
	events_join(w);
	return visitor.visit(visitor.ctx, &w->now);
}

static enum err patient_begin(struct watch_walk *w)
{
	w->patient = db_col_u64(w->sessions, 0);
	w->tail.count = w->missed.count = w->missed.follow_count = 0;
	w->now = (struct store_watch){ .last_day = 0 };
	return db_col_id(w->sessions, 1, &w->now.patient_id);
}

/* All but `except`, a JSON list of row numbers. */
static enum err walk_begin(struct watch_walk *w, uint64_t before_ms, struct view except)
{
	TRY(db_query(w->db,
		     "SELECT s.patient, p.patient_id, s.session_id, s.therapist_id,"
		     " coalesce(s.started_ms, s.first_started_ms) AS at"
		     " FROM session s JOIN patient p ON p.patient = s.patient"
		     " WHERE at < ?1 AND NOT EXISTS (SELECT 1 FROM plain f WHERE f.kind = ?2"
		     " AND f.record_id = s.session_id AND f.message IS NOT NULL)"
		     " AND s.patient NOT IN (SELECT value FROM json_each(?3))"
		     " ORDER BY s.patient, at",
		     DB_ARGS(db_u64(before_ms), db_u64(KIND_MISFILING), db_text(except)),
		     &w->sessions));
	TRY(db_query(w->db,
		     "SELECT patient, kind, message FROM plain WHERE kind IN (?1, ?2, ?3, ?4, ?5,"
		     " ?6) AND patient IS NOT NULL AND message IS NOT NULL ORDER BY patient, plain",
		     DB_ARGS(db_u64(KIND_MOOD_READ), db_u64(KIND_TOUCH), db_u64(KIND_APPOINTMENT),
			     db_u64(KIND_SESSION_CHART), db_u64(KIND_ADVERSE_EVENT),
			     db_u64(KIND_PATIENT_DETAIL)),
		     &w->records));
	return db_step(w->records, &w->has_record);
}

/* The charts of one person, a JSON list, all as patient `row`. */
static enum err walk_begin_charts(struct watch_walk *w, uint64_t before_ms, uint64_t row,
				  struct view charts)
{
	TRY(db_query(
		w->db,
		"SELECT ?4, (SELECT patient_id FROM patient WHERE patient = ?4), s.session_id,"
		" s.therapist_id, coalesce(s.started_ms, s.first_started_ms) AS at"
		" FROM session s WHERE s.patient IN (SELECT value FROM json_each(?3))"
		" AND at < ?1 AND NOT EXISTS (SELECT 1 FROM plain f WHERE f.kind = ?2"
		" AND f.record_id = s.session_id AND f.message IS NOT NULL) ORDER BY at",
		DB_ARGS(db_u64(before_ms), db_u64(KIND_MISFILING), db_text(charts), db_u64(row)),
		&w->sessions));
	TRY(db_query(w->db,
		     "SELECT ?7, kind, message FROM plain WHERE kind IN (?1, ?2, ?3, ?4, ?5, ?6)"
		     " AND patient IN (SELECT value FROM json_each(?8)) AND message IS NOT NULL"
		     " ORDER BY plain",
		     DB_ARGS(db_u64(KIND_MOOD_READ), db_u64(KIND_TOUCH), db_u64(KIND_APPOINTMENT),
			     db_u64(KIND_SESSION_CHART), db_u64(KIND_ADVERSE_EVENT),
			     db_u64(KIND_PATIENT_DETAIL), db_u64(row), db_text(charts)),
		     &w->records));
	return db_step(w->records, &w->has_record);
}

static enum err walk_run(struct watch_walk *w, struct store_watch_visitor visitor)
{
	for (;;) {
		bool row = false;
		TRY(db_step(w->sessions, &row));
		if (!row) return patient_done(w, visitor);
		if (db_col_u64(w->sessions, 0) != w->patient) {
			TRY(patient_done(w, visitor));
			TRY(patient_begin(w));
		}
		TRY(tail_add(w));
	}
}

/* ---- charts of one person -------------------------------------------------------------------- */

/* 0: no such patient here. */
static enum err row_of(struct db *db, const struct id *patient_id, uint64_t *ret_row)
{
	*ret_row = 0;
	const enum err e = db_get_u64(db, "SELECT patient FROM patient WHERE patient_id = ?1",
				      DB_ARGS(db_id(patient_id)), ret_row);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Row numbers of charts as a JSON list. */
static enum err list_add(struct db *db, const struct id *patient_id, struct buf *list)
{
	uint64_t row = 0;
	TRY(row_of(db, patient_id, &row));
	if (row == 0) return ERR_OK;
	return buf_append_fmt(list, "%s%llu", list->len > 0 ? "," : "[", (unsigned long long)row);
}

static enum err list_end(struct buf *list)
{
	return buf_append_str(list, list->len > 0 ? "]" : "[]");
}

/* A chart that others were merged into, once. */
static bool is_stayer(const struct merges *m, size_t i)
{
	const struct id *into = &m->pairs[i].into;
	const struct id stays = merge_stays(m->pairs, m->count, into);
	for (size_t k = 0; k < i; k++)
		if (id_equal(&m->pairs[k].into, into)) return false;
	return id_equal(&stays, into);
}

/* Adds the charts of one person to `list`, at the first pair of a chart that stays. `*ret_row`:
 * the row of that chart; 0: nothing was added. */
static enum err person_list(struct db *db, const struct merges *m, size_t i, struct buf *list,
			    uint64_t *ret_row)
{
	struct id ids[MERGE_SAME_MAX];
	*ret_row = 0;
	if (!is_stayer(m, i)) return ERR_OK;
	const size_t count = merge_same(m->pairs, m->count, &m->pairs[i].into, ids);
	TRY(row_of(db, &ids[0], ret_row));
	for (size_t k = 0; *ret_row != 0 && k < count; k++) TRY(list_add(db, &ids[k], list));
	return ERR_OK;
}

static enum err charts_each(struct watch_walk *like, const struct merges *m, uint64_t before_ms,
			    struct store_watch_visitor visitor)
{
	for (size_t i = 0; i < m->count; i++) {
		CLEANUP(watch_walk_finip)
		struct watch_walk w = {
			.db = like->db,
			.offset_minutes = like->offset_minutes,
			.today = like->today,
		};
		CLEANUP(buf_finip) struct buf charts = { 0 };
		uint64_t row = 0;
		TRY(person_list(w.db, m, i, &charts, &row));
		if (row == 0) continue;
		TRY(list_end(&charts));
		TRY(walk_begin_charts(&w, before_ms, row, buf_view(&charts)));
		TRY(walk_run(&w, visitor));
	}
	return ERR_OK;
}

/* Those that charts_each walks. */
static enum err charts_list(struct db *db, const struct merges *m, struct buf *list)
{
	for (size_t i = 0; i < m->count; i++) {
		uint64_t row = 0;
		TRY(person_list(db, m, i, list, &row));
	}
	return list_end(list);
}

enum err store_watch_each(struct store_reader *r, uint64_t before_ms, int32_t offset_minutes,
			  struct store_watch_visitor visitor)
{
	CLEANUP(merges_finip) struct merges m = { .count = 0 };
	CLEANUP(buf_finip) struct buf merged = { 0 };
	CLEANUP(watch_walk_finip)
	struct watch_walk w = {
		.db = r->db,
		.offset_minutes = offset_minutes,
	};
	REQUIRE(before_ms < TIME_MS_END);
	w.today = calendar_day_of(before_ms, offset_minutes);
	TRY(merges_load(r->db, &m));
	TRY(charts_list(r->db, &m, &merged));
	TRY(walk_begin(&w, before_ms, buf_view(&merged)));
	TRY(walk_run(&w, visitor));
	return charts_each(&w, &m, before_ms, visitor);
}
