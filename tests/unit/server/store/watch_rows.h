/* watch_rows: patients, sessions and measures written straight into the views, and what the walk of
 * the relationship watch says of them. Included by the tests of the watch. */
#pragma once

#include "store_fixture.h"

#include "server/store/store_priv.h"
#include "server/store/store_watch.h"

#define DAY_MS UINT64_C(86400000)
#define NOW_MS (1764000000000u) /* 2025-11-24 16:00 UTC */
#define NOW_DAY 20416

static inline struct id id_of(uint8_t what, uint64_t n)
{
	struct id id = { { what } };
	store_be64(id.b + 8, n + 1);
	return id;
}

static inline void run(struct fx *fx, const char *sql, const struct db_arg *args, size_t count)
{
	OK(db_run(fx->store->db, sql, args, count));
}

static inline void put_patient(struct fx *fx, uint64_t patient)
{
	const struct id id = id_of(1, patient);
	run(fx, "INSERT INTO patient (patient, patient_id, name) VALUES (?1, ?2, 'A')",
	    DB_ARGS(db_u64(patient), db_id(&id)));
}

static inline void put_session(struct fx *fx, uint64_t patient, uint64_t n, uint64_t started_ms,
			       const struct id *therapist)
{
	const struct id id = id_of(2, patient * 1000 + n);
	run(fx,
	    "INSERT INTO session (session_id, patient, therapist_id, imported, first_started_ms,"
	    " started_ms) VALUES (?1, ?2, ?3, 0, ?4, ?4)",
	    DB_ARGS(db_id(&id), db_u64(patient), db_id(therapist), db_u64(started_ms)));
}

/* A measure of a visit, half an hour before or after; `pre` is its number, `post` another. */
static inline void put_measure(struct fx *fx, uint64_t patient, uint64_t n, Roomkeep__Phase phase,
			       const char *ref, int64_t value_milli)
{
	const bool after = phase == ROOMKEEP__PHASE__POST;
	const struct id session = id_of(2, patient * 1000 + n);
	const struct id measure = id_of(after ? 11 : 10, patient * 1000 + n);
	run(fx,
	    "INSERT INTO measure (session, op_id, measure_id, ref, catalogue, phase, side,"
	    " value_milli, unit, at_ms, method, stands) SELECT session, ?2, ?2, ?3, 1, ?4, 1, ?5,"
	    " 'deg', ?6, 1, 1 FROM session WHERE session_id = ?1",
	    DB_ARGS(db_id(&session), db_id(&measure), db_text(view_str(ref)), db_u64(phase),
		    db_i64(value_milli), db_u64(after ? 2 : 1)));
}

/* ---- what comes out -------------------------------------------------------------------------- */

struct seen {
	struct store_watch patients[8];
	struct watch_event events[8][WATCH_EVENTS_USED];
	size_t count;
	size_t steps[4];
};

static inline enum err see(void *ctx, const struct store_watch *p)
{
	struct seen *s = ctx;
	struct watch_result result;
	for (size_t i = 0; i < p->facts.event_count; i++) {
		assert_true(watch_event_is_valid(&p->facts.events[i]));
		assert_true(i == 0 || p->facts.events[i - 1].day <= p->facts.events[i].day);
	}
	watch_judge(&p->facts, NOW_DAY, &result);
	s->steps[result.step]++;
	if (s->count < COUNT_OF(s->patients)) {
		s->patients[s->count] = *p;
		memcpy(s->events[s->count], p->facts.events,
		       p->facts.event_count * sizeof(*p->facts.events));
	}
	s->count++;
	return ERR_OK;
}

static inline struct seen look(struct fx *fx, int32_t offset)
{
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;
	struct seen s = { .count = 0 };
	OK(store_reader_open(fx->folder, &r));
	OK(store_watch_each(r, NOW_MS, offset, (struct store_watch_visitor){ see, &s }));
	return s;
}

static inline bool says(const struct seen *s, size_t i, enum watch_code code)
{
	struct watch_patient facts = s->patients[i].facts;
	struct watch_result r;
	facts.events = s->events[i];
	watch_judge(&facts, NOW_DAY, &r);
	for (size_t k = 0; k < r.reason_count; k++)
		if (r.reasons[k].code == code) return true;
	return false;
}
