/* watch: sessions and plain records walk side by side in the order of patients. */
#include "base/check.h"
#include "record/calendar.h"
#include "record/care.h"
#include "server/store/store_priv.h"
#include "server/store/store_watch.h"

/* The tail of one patient's visits. */
struct watch_tail {
	struct watch_event events[WATCH_EVENTS_USED];
	struct id sessions[WATCH_EVENTS_USED]; /* the last of that day */
	size_t count;
};

struct watch_walk {
	struct db_stmt *sessions; /* owned */
	struct db_stmt *records;  /* owned */
	bool has_record;          /* the row under the cursor holds */
	int32_t offset_minutes;
	int64_t today;
	uint64_t patient; /* of the tail */
	struct store_watch now;
	struct watch_tail tail;
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
	if (t->count > 0 && t->events[t->count - 1].day == day) t->count--;
	if (t->count == WATCH_EVENTS_USED) {
		memmove(t->events, t->events + 1, sizeof(t->events) - sizeof(t->events[0]));
		memmove(t->sessions, t->sessions + 1, sizeof(t->sessions) - sizeof(t->sessions[0]));
		t->count--;
		w->now.facts.visits_before++;
	}
	t->events[t->count] = (struct watch_event){ .day = day, .what = WATCH_VISIT };
	TRY(db_col_id(w->sessions, 2, &t->sessions[t->count]));
	t->count++;
	w->now.last_day = day;
	return db_col_id(w->sessions, 3, &w->now.therapist_id);
}

/* ---- moods, touches, bookings ---------------------------------------------------------------- */

static void mood_apply(struct watch_tail *t, const Roomkeep__MoodRead *m)
{
	if (!m->has_session_id || m->session_id.len != ID_BYTES || !m->has_spirits) return;
	for (size_t i = t->count; i > 0; i--) {
		if (memcmp(t->sessions[i - 1].b, m->session_id.data, ID_BYTES) != 0) continue;
		struct watch_event *event = &t->events[i - 1];
		if (m->when == ROOMKEEP__MOOD_READ__WHEN__DEPARTURE) {
			event->departure = (uint8_t)m->spirits;
		} else {
			event->arrival = (uint8_t)m->spirits;
		}
		return;
	}
}

static void touch_apply(struct watch_patient *p, const Roomkeep__Touch *m)
{
	int64_t day = 0;
	if (!care_touch_reaches_out(m->what)) p->in_peace = true;
	if (!care_touch_reaches_out(m->what) || !care_day(m->on, &day)) return;
	if (p->touched && p->touched_day >= day) return;
	p->touched = true;
	p->touched_day = (int32_t)day;
}

static bool is_still_to_come(const struct watch_walk *w, const Roomkeep__Appointment *m)
{
	if (m->has_state && m->state != ROOMKEEP__APPOINTMENT__STATE__BOOKED) return false;
	if (!m->has_starts_ms || m->starts_ms >= TIME_MS_END) return false;
	return calendar_day_of(m->starts_ms, w->offset_minutes) >= w->today;
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
	} m;
	INSIST(info != NULL);
	TRY(store_message_unpack(info, bytes, &m.any));
	if (info->kind == KIND_MOOD_READ) mood_apply(&w->tail, m.mood);
	if (info->kind == KIND_TOUCH) touch_apply(&w->now.facts, m.touch);
	if (info->kind == KIND_APPOINTMENT && is_still_to_come(w, m.appointment))
		w->now.facts.booked = true;
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

static enum err patient_done(struct watch_walk *w, struct store_watch_visitor visitor)
{
	if (w->tail.count == 0) return ERR_OK;
	TRY(records_up_to(w));
	w->now.facts.events = w->tail.events;
	w->now.facts.event_count = w->tail.count;
	return visitor.visit(visitor.ctx, &w->now);
}

static enum err patient_begin(struct watch_walk *w)
{
	w->patient = db_col_u64(w->sessions, 0);
	w->tail.count = 0;
	w->now = (struct store_watch){ .last_day = 0 };
	return db_col_id(w->sessions, 1, &w->now.patient_id);
}

static enum err walk_begin(struct db *db, uint64_t before_ms, struct watch_walk *w)
{
	TRY(db_query(db,
		     "SELECT s.patient, p.patient_id, s.session_id, s.therapist_id,"
		     " coalesce(s.started_ms, s.first_started_ms) AS at"
		     " FROM session s JOIN patient p ON p.patient = s.patient"
		     " WHERE at < ?1 ORDER BY s.patient, at",
		     DB_ARGS(db_u64(before_ms)), &w->sessions));
	TRY(db_query(db,
		     "SELECT patient, kind, message FROM plain WHERE kind IN (?1, ?2, ?3)"
		     " AND patient IS NOT NULL AND message IS NOT NULL ORDER BY patient, plain",
		     DB_ARGS(db_u64(KIND_MOOD_READ), db_u64(KIND_TOUCH), db_u64(KIND_APPOINTMENT)),
		     &w->records));
	return db_step(w->records, &w->has_record);
}

enum err store_watch_each(struct store_reader *r, uint64_t before_ms, int32_t offset_minutes,
			  struct store_watch_visitor visitor)
{
	CLEANUP(watch_walk_finip) struct watch_walk w = { .offset_minutes = offset_minutes };
	REQUIRE(before_ms < TIME_MS_END);
	w.today = calendar_day_of(before_ms, offset_minutes);
	TRY(walk_begin(r->db, before_ms, &w));
	for (;;) {
		bool row = false;
		TRY(db_step(w.sessions, &row));
		if (!row) return patient_done(&w, visitor);
		if (db_col_u64(w.sessions, 0) != w.patient) {
			TRY(patient_done(&w, visitor));
			TRY(patient_begin(&w));
		}
		TRY(tail_add(&w));
	}
}
