/* What is read of a whole clinic (reviews, openings, the lock-box, the relationship watch) with
 * each call to SQLite failing in turn, and each allocation: it says so and gives nothing; damage
 * too. */
#include "failing_ways.h"

#include "record/calendar.h"
#include "record/lockbox.h"
#include "server/store/store_lockbox.h"
#include "server/store/store_openings.h"
#include "server/store/store_priv.h"
#include "server/store/store_review.h"
#include "server/store/store_watch.h"
#include "wire/op.h"

#define MONDAY_9H UINT64_C(1790586000000) /* 2026-09-28 09:00 UTC */

static struct {
	struct fx_lane *mara, *jo;
	struct id maya, tom; /* relatives; Tom has Mara's last name */
	struct id session;
	struct id directive, ended, override;
	struct arena arena;
} at;

static void put_link(struct fx *fx)
{
	Roomkeep__FamilyLink m = ROOMKEEP__FAMILY_LINK__INIT;
	const struct id id = fx_id(fx);
	m.has_family_link_id = m.has_patient_id = m.has_relative_id = m.has_kin = 1;
	m.family_link_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&at.maya);
	m.relative_id = fx_bytes(&at.tom);
	m.kin = ROOMKEEP__FAMILY_LINK__KIN__FORMER;
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_FAMILY_LINK, &m.base, NULL));
}

/* Maya was entered twice, and opened under that name too. */
static void put_merge(struct fx *fx)
{
	Roomkeep__PatientMerge m = ROOMKEEP__PATIENT_MERGE__INIT;
	const struct id id = fx_id(fx);
	const struct id twice = fx_id(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, at.mara, &twice, "Maja Row", NULL, NULL));
	m.has_patient_merge_id = m.has_patient_id = m.has_into_id = 1;
	m.patient_merge_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&twice);
	m.into_id = fx_bytes(&at.maya);
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_PATIENT_MERGE, &m.base, NULL));
}

static Roomkeep__Directive directive(struct id *id)
{
	Roomkeep__Directive m = ROOMKEEP__DIRECTIVE__INIT;
	m.has_directive_id = m.has_patient_id = m.has_scope = m.has_against = m.has_user_id = 1;
	m.directive_id = fx_bytes(id);
	m.patient_id = fx_bytes(&at.maya);
	m.scope = ROOMKEEP__DIRECTIVE__SCOPE__RECORD;
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__PERSON;
	m.user_id = fx_bytes(&at.jo->intro.user_id);
	return m;
}

static Roomkeep__DirectiveEnd end_of(struct id *id, const struct id *directive_id)
{
	Roomkeep__DirectiveEnd m = ROOMKEEP__DIRECTIVE_END__INIT;
	m.has_directive_end_id = m.has_patient_id = m.has_directive_id = 1;
	m.directive_end_id = fx_bytes(id);
	m.patient_id = fx_bytes(&at.maya);
	m.directive_id = fx_bytes(directive_id);
	return m;
}

static Roomkeep__ReviewMark mark_of(struct id *id)
{
	Roomkeep__ReviewMark m = ROOMKEEP__REVIEW_MARK__INIT;
	m.has_review_mark_id = m.has_override_id = m.has_outcome = 1;
	m.review_mark_id = fx_bytes(id);
	m.override_id = fx_bytes(&at.override);
	m.outcome = ROOMKEEP__REVIEW_MARK__OUTCOME__JUSTIFIED;
	m.reviewed_on = wire_text("2026-09-30");
	return m;
}

static void put_lockbox(struct fx *fx)
{
	Roomkeep__Override m = ROOMKEEP__OVERRIDE__INIT;
	struct id end = fx_id(fx);
	struct id mark = fx_id(fx);
	at.directive = fx_id(fx);
	at.ended = fx_id(fx);
	at.override = fx_id(fx);
	Roomkeep__Directive d = directive(&at.directive);
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_DIRECTIVE, &d.base, NULL));
	d = directive(&at.ended);
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_DIRECTIVE, &d.base, NULL));
	const Roomkeep__DirectiveEnd e = end_of(&end, &at.ended);
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_DIRECTIVE_END, &e.base, NULL));
	m.has_override_id = m.has_patient_id = m.has_reason = 1;
	m.override_id = fx_bytes(&at.override);
	m.patient_id = fx_bytes(&at.maya);
	m.reason = ROOMKEEP__OVERRIDE__REASON__CONSENT;
	m.text = wire_text("she agrees");
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_OVERRIDE, &m.base, NULL));
	const Roomkeep__ReviewMark k = mark_of(&mark);
	ASSERT_COMMITTED(fx_push(fx, at.jo, KIND_REVIEW_MARK, &k.base, NULL));
}

static void put_house(struct fx *fx)
{
	Roomkeep__Shift m = ROOMKEEP__SHIFT__INIT;
	Roomkeep__ClosedDay c = ROOMKEEP__CLOSED_DAY__INIT;
	const struct id shift = fx_id(fx);
	const struct id closed = fx_id(fx);
	m.has_shift_id = m.has_weekday = 1;
	m.shift_id = fx_bytes(&shift);
	m.weekday = ROOMKEEP__SHIFT__WEEKDAY__FRIDAY; /* so Monday is after hours */
	m.opens = wire_text("09:00");
	m.closes = wire_text("17:00");
	ASSERT_COMMITTED(fx_push(fx, at.jo, KIND_SHIFT, &m.base, NULL));
	c.has_closed_day_id = 1;
	c.closed_day_id = fx_bytes(&closed);
	c.day = wire_text("2026-12-25");
	ASSERT_COMMITTED(fx_push(fx, at.jo, KIND_CLOSED_DAY, &c.base, NULL));
}

static void put_opened(struct fx *fx, const struct id *patient, const struct id *session)
{
	Roomkeep__Opened m = ROOMKEEP__OPENED__INIT;
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(patient);
	m.has_session_id = session != NULL;
	if (session != NULL) m.session_id = fx_bytes(session);
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_OPENED, &m.base, NULL));
}

/* A visit with a measure, a mood and an appointment for each of the two. */
static void put_visit(struct fx *fx)
{
	Roomkeep__MoodRead m = ROOMKEEP__MOOD_READ__INIT;
	const struct id measure = fx_id(fx);
	const struct id mood = fx_id(fx);
	at.session = fx_id(fx);
	ASSERT_COMMITTED(fx_push_frame(fx, at.mara, &at.session, &at.maya, true, 0, NULL));
	ASSERT_COMMITTED(fx_push_measure(fx, at.mara, &at.session, &measure, 60, NULL));
	m.has_mood_read_id = m.has_patient_id = m.has_session_id = 1;
	m.mood_read_id = fx_bytes(&mood);
	m.patient_id = fx_bytes(&at.maya);
	m.session_id = fx_bytes(&at.session);
	m.has_when = m.has_source = m.has_spirits = 1;
	m.when = ROOMKEEP__MOOD_READ__WHEN__ARRIVAL;
	m.source = ROOMKEEP__MOOD_READ__SOURCE__MY_READ;
	m.spirits = ROOMKEEP__MOOD_READ__SPIRITS__LOW;
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_MOOD_READ, &m.base, NULL));
}

static Roomkeep__Appointment appointment(struct fx *fx, struct id *id, const struct id *patient)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	*id = fx_id(fx);
	m.has_appointment_id = m.has_patient_id = m.has_room_id = m.has_therapist_id = 1;
	m.has_starts_ms = m.has_minutes = 1;
	m.appointment_id = fx_bytes(id);
	m.patient_id = fx_bytes(patient);
	m.room_id = fx_bytes(id);
	m.therapist_id = fx_bytes(id);
	m.starts_ms = MONDAY_9H + CALENDAR_DAY_MS;
	m.minutes = 60;
	return m;
}

static int setup(void **state)
{
	(void)fx_setup(state);
	struct fx *fx = *state;
	struct id id;
	fx->now_ms = MONDAY_9H;
	arena_init(&at.arena, 2 * MIB);
	fx_begin(fx);
	at.mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	at.jo = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	at.maya = fx_id(fx);
	at.tom = fx_id(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, at.mara, &at.maya, "Maya Rowe", NULL, NULL));
	ASSERT_COMMITTED(fx_push_patient(fx, at.mara, &at.tom, "Tom Lind", NULL, NULL));
	put_house(fx);
	put_visit(fx);
	put_link(fx);
	put_lockbox(fx);
	put_opened(fx, &at.maya, NULL);
	put_opened(fx, &at.maya, &at.session);
	put_opened(fx, &at.tom, NULL);
	put_merge(fx);
	const Roomkeep__Appointment booked = appointment(fx, &id, &at.maya);
	ASSERT_COMMITTED(fx_push(fx, at.mara, KIND_APPOINTMENT, &booked.base, NULL));
	fx_commit(fx);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&at.arena);
	return fx_teardown(state);
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct store_reader *eyes(struct fx *fx)
{
	return store_as_reader(fx->store);
}

static enum err lockbox(struct fx *fx)
{
	struct lockbox box;
	TRY(store_lockbox_load(eyes(fx), fx->now_ms, &at.arena, &box));
	assert_int_equal(box.bar_count, 1);
	assert_int_equal(box.opening_count, 1);
	return ERR_OK;
}

static enum err overrides(struct fx *fx)
{
	struct store_override *rows = NULL;
	size_t count = 0;
	TRY(store_review_overrides(eyes(fx), MONDAY_9H, MONDAY_9H + CALENDAR_DAY_MS, &at.arena,
				   &rows, &count));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].outcome, ROOMKEEP__REVIEW_MARK__OUTCOME__JUSTIFIED);
	return ERR_OK;
}

static enum err families(struct fx *fx)
{
	struct store_family_day *rows = NULL;
	size_t count = 0;
	TRY(store_review_families(eyes(fx), MONDAY_9H, MONDAY_9H + CALENDAR_DAY_MS, 0, &at.arena,
				  &rows, &count));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].pairs, 1);
	return ERR_OK;
}

static enum err unusual(struct fx *fx)
{
	struct store_unusual *rows = NULL;
	size_t count = 0;
	TRY(store_review_unusual(eyes(fx), MONDAY_9H, MONDAY_9H + CALENDAR_DAY_MS, 0, &at.arena,
				 &rows, &count));
	assert_int_equal(count, 2); /* two charts after hours, and a namesake's */
	return ERR_OK;
}

static enum err openings(struct fx *fx)
{
	struct store_opening *rows = NULL;
	size_t count = 0;
	uint64_t more = 0;
	TRY(store_openings_list(eyes(fx), &at.maya, &at.arena, &rows, &count, &more));
	assert_int_equal(count, 3); /* with the override */
	return ERR_OK;
}

static enum err see(void *ctx, const struct store_watch *p)
{
	(void)p;
	(*(size_t *)ctx)++;
	return ERR_OK;
}

static enum err watch(struct fx *fx)
{
	size_t count = 0;
	TRY(store_watch_each(eyes(fx), fx->now_ms, 0, (struct store_watch_visitor){ see, &count }));
	assert_int_equal(count, 1);
	return ERR_OK;
}

static const struct verb reads[] = {
	{ "lockbox", lockbox }, { "overrides", overrides }, { "families", families },
	{ "unusual", unusual }, { "openings", openings },   { "watch", watch },
};

static void test_reviews_that_cannot_be_read(void **state)
{
	struct fx *fx = *state;
	for (size_t i = 0; i < COUNT_OF(reads); i++)
		for (unsigned way = 0; way < WAYS; way++)
			check_verb(fx, &at.arena, &reads[i], (enum way)way, false);
}

/* ---- judging --------------------------------------------------------------------------------- */

/* An op that cannot be judged is neither taken nor refused; the error is the caller's. */
static void check_judged(struct fx *fx, struct fx_lane *lane, enum kind kind,
			 const ProtobufCMessage *m)
{
	for (unsigned way = 0; way < WAY_MEMORY; way++) {
		bool struck = true;
		for (uint64_t n = 1; struck; n++) {
			struct store_op_result result = { 0 };
			struct fx_op op;
			if (way == WAY_PREPARE) {
				fx_close(fx);
				fx_open(fx);
			}
			fx_begin(fx);
			fx_op_make(fx, lane, kind, m, false, &op);
			arm((enum way)way, n);
			const enum err e = store_append_op(fx->store, &op.op, &result);
			struck = disarm((enum way)way);
			assert_int_equal(e, struck ? ERR_IO : ERR_OK);
			fx_op_fini(&op);
			store_rollback(fx->store);
		}
	}
}

static void test_ops_that_cannot_be_judged(void **state)
{
	struct fx *fx = *state;
	struct id id = fx_id(fx);
	struct id end = fx_id(fx);
	struct id mark = fx_id(fx);
	struct id booked;
	const Roomkeep__Directive d = directive(&id);
	const Roomkeep__DirectiveEnd e = end_of(&end, &at.directive);
	const Roomkeep__ReviewMark k = mark_of(&mark);
	const Roomkeep__Appointment a = appointment(fx, &booked, &at.tom); /* must not meet Maya */
	check_judged(fx, at.mara, KIND_DIRECTIVE, &d.base);
	check_judged(fx, at.mara, KIND_DIRECTIVE_END, &e.base);
	check_judged(fx, at.jo, KIND_REVIEW_MARK, &k.base);
	check_judged(fx, at.mara, KIND_APPOINTMENT, &a.base);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void test_damaged_rows_end_a_review(void **state)
{
	static const struct {
		const char *sql;
		enum err (*read)(struct fx *fx);
	} harms[] = {
		{ "UPDATE plain SET message = x'ff' WHERE kind = 60", overrides },
		{ "UPDATE plain_op SET message = x'ff' WHERE plain IN (SELECT plain FROM plain"
		  " WHERE kind = 60)",
		  overrides },
		{ "UPDATE plain SET message = x'ff' WHERE kind = 61", overrides },
		{ "UPDATE plain SET message = x'ff' WHERE kind = 47", families },
		{ "UPDATE audit SET body = x'ff'", families },
		{ "UPDATE plain SET message = x'ff' WHERE kind = 51", unusual },
		{ "UPDATE plain SET message = x'ff' WHERE kind = 52", unusual },
		{ "UPDATE plain SET message = x'ff' WHERE kind = 32", watch },
		{ "UPDATE measure SET measure_id = x'00'", watch },
		{ "UPDATE plain SET message = x'ff' WHERE kind = 29", watch },
		{ "UPDATE plain SET message = x'ff' WHERE kind = 29", openings },
	};
	struct fx *fx = *state;
	for (size_t i = 0; i < COUNT_OF(harms); i++) {
		fx_begin(fx);
		OK(db_run(fx->store->db, harms[i].sql, DB_NO_ARGS));
		arena_reset(&at.arena);
		if (harms[i].read(fx) != ERR_CORRUPT) fail_msg("%s", harms[i].sql);
		store_rollback(fx->store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reviews_that_cannot_be_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ops_that_cannot_be_judged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_rows_end_a_review, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
