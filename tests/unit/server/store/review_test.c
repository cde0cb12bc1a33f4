/* What is looked at each month, out of views and log: overrides are test_trust.py's; here charts of
 * one family, charts after hours, and charts of namesakes. */
#include "server/store/store_review.h"

#include "store_fixture.h"

#include "record/calendar.h"
#include "roomkeep/record.pb-c.h"
#include "wire/op.h"

#define MONDAY_9H UINT64_C(1790586000000) /* 2026-09-28 09:00 UTC */
#define HOUR_MS CALENDAR_HOUR_MS

struct people {
	struct fx_lane *jo, *mara;
	struct id maya, tom, lena; /* Maya Rowe, Tom Lind (as Mara), Lena Rowe */
};

static struct id patient(struct fx *fx, struct fx_lane *lane, const char *name)
{
	const struct id id = fx_id(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, lane, &id, name, NULL, NULL));
	return id;
}

static struct people begin(struct fx *fx)
{
	struct people p = { 0 };
	fx->now_ms = MONDAY_9H;
	fx_begin(fx);
	p.jo = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	p.mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	p.maya = patient(fx, p.mara, "Maya Rowe");
	p.tom = patient(fx, p.mara, "Tom LIND");
	p.lena = patient(fx, p.mara, "Lena Rowe");
	fx_commit(fx);
	return p;
}

static void open_at(struct fx *fx, struct fx_lane *lane, const struct id *patient_id, uint64_t at)
{
	Roomkeep__Opened m = ROOMKEEP__OPENED__INIT;
	m.has_patient_id = true;
	m.patient_id = fx_bytes(patient_id);
	fx->now_ms = at;
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push(fx, lane, KIND_OPENED, &m.base, NULL));
	fx_commit(fx);
}

static void put_hours(struct fx *fx, struct fx_lane *lane, const struct id *therapist,
		      Roomkeep__Shift__Weekday weekday, const char *opens, const char *closes)
{
	Roomkeep__Shift m = ROOMKEEP__SHIFT__INIT;
	const struct id id = fx_id(fx);
	m.has_shift_id = m.has_weekday = true;
	m.shift_id = fx_bytes(&id);
	m.weekday = weekday;
	m.opens = wire_text(opens);
	m.closes = wire_text(closes);
	m.has_therapist_id = therapist != NULL;
	if (therapist != NULL) m.therapist_id = fx_bytes(therapist);
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push(fx, lane, KIND_SHIFT, &m.base, NULL));
	fx_commit(fx);
}

static void put_closed(struct fx *fx, struct fx_lane *lane, const char *day)
{
	Roomkeep__ClosedDay m = ROOMKEEP__CLOSED_DAY__INIT;
	const struct id id = fx_id(fx);
	m.has_closed_day_id = true;
	m.closed_day_id = fx_bytes(&id);
	m.day = wire_text(day);
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push(fx, lane, KIND_CLOSED_DAY, &m.base, NULL));
	fx_commit(fx);
}

struct found {
	struct arena arena;
	struct store_unusual *rows;
	size_t count;
};

static struct found look(struct fx *fx, uint64_t from, uint64_t to, int32_t offset)
{
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;
	struct found f = { .rows = NULL };
	arena_init(&f.arena, 1024 * 1024);
	OK(store_reader_open(fx->folder, &r));
	OK(store_review_unusual(r, from, to, offset, &f.arena, &f.rows, &f.count));
	return f;
}

static void test_US5_charts_of_a_namesake(void **state)
{
	struct fx *fx = *state;
	const struct people p = begin(fx);
	open_at(fx, p.mara, &p.tom, MONDAY_9H + 1000);
	open_at(fx, p.mara, &p.maya, MONDAY_9H + 2000);
	open_at(fx, p.mara, &p.tom, MONDAY_9H + 3000); /* the same chart again */
	open_at(fx, p.mara, &p.tom, MONDAY_9H + CALENDAR_DAY_MS);
	struct found f = look(fx, MONDAY_9H, MONDAY_9H + 2 * CALENDAR_DAY_MS, 0);
	assert_int_equal(f.count, 2);
	for (size_t i = 0; i < f.count; i++) {
		assert_int_equal(f.rows[i].kind, STORE_UNUSUAL_NAMESAKE);
		assert_int_equal(f.rows[i].charts, 1);
		assert_true(id_equal(&f.rows[i].user_id, &p.mara->intro.user_id));
	}
	assert_int_equal(f.rows[1].day, f.rows[0].day + 1);
	arena_fini(&f.arena);
	/* Only of the span that was asked for. */
	f = look(fx, MONDAY_9H, MONDAY_9H + CALENDAR_DAY_MS, 0);
	assert_int_equal(f.count, 1);
	arena_fini(&f.arena);
}

static void test_US5_charts_after_hours(void **state)
{
	struct fx *fx = *state;
	const struct people p = begin(fx);
	const Roomkeep__Shift__Weekday monday = ROOMKEEP__SHIFT__WEEKDAY__MONDAY;
	open_at(fx, p.mara, &p.maya, MONDAY_9H + 14 * HOUR_MS);
	/* A house that says no hours has none after which. */
	struct found f = look(fx, MONDAY_9H, MONDAY_9H + CALENDAR_DAY_MS, 0);
	assert_int_equal(f.count, 0);
	arena_fini(&f.arena);

	put_hours(fx, p.jo, NULL, monday, "09:00", "18:00");
	put_hours(fx, p.jo, &p.jo->intro.user_id, monday, "18:00", "23:30");
	open_at(fx, p.jo, &p.maya, MONDAY_9H + 14 * HOUR_MS);   /* 23:00: within her own hours */
	open_at(fx, p.mara, &p.lena, MONDAY_9H + 14 * HOUR_MS); /* a second chart that night */
	open_at(fx, p.mara, &p.maya, MONDAY_9H + 7 * CALENDAR_DAY_MS);               /* a Monday */
	open_at(fx, p.mara, &p.maya, MONDAY_9H + 7 * CALENDAR_DAY_MS + 9 * HOUR_MS); /* 18:00 */
	open_at(fx, p.mara, &p.maya, MONDAY_9H + 8 * CALENDAR_DAY_MS); /* no hours on Tuesdays */
	f = look(fx, MONDAY_9H, MONDAY_9H + 10 * CALENDAR_DAY_MS, 0);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.rows[0].kind, STORE_UNUSUAL_HOURS);
	assert_int_equal(f.rows[0].charts, 2);
	assert_int_equal(f.rows[1].charts, 1);
	assert_int_equal(f.rows[1].day, f.rows[0].day + 7);
	assert_int_equal(f.rows[2].day, f.rows[0].day + 8);
	arena_fini(&f.arena);
	/* Where it is nine hours earlier the house opens at 18:00 UTC. */
	f = look(fx, MONDAY_9H + 7 * CALENDAR_DAY_MS, MONDAY_9H + 8 * CALENDAR_DAY_MS, -9 * 60);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.rows[0].charts, 1);
	arena_fini(&f.arena);

	put_closed(fx, p.jo, "2026-10-05");
	f = look(fx, MONDAY_9H + 7 * CALENDAR_DAY_MS - HOUR_MS,
		 MONDAY_9H + 7 * CALENDAR_DAY_MS + HOUR_MS, 0);
	assert_int_equal(f.count, 1); /* a holiday, at nine */
	arena_fini(&f.arena);
}

static void test_48_two_charts_of_one_family_on_one_day(void **state)
{
	struct fx *fx = *state;
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;
	CLEANUP(arena_finip) struct arena arena;
	struct store_family_day *days = NULL;
	size_t count = 0;
	const struct people p = begin(fx);
	Roomkeep__FamilyLink m = ROOMKEEP__FAMILY_LINK__INIT;
	const struct id id = fx_id(fx);
	m.has_family_link_id = m.has_patient_id = m.has_relative_id = m.has_kin = true;
	m.family_link_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&p.maya);
	m.relative_id = fx_bytes(&p.lena);
	m.kin = ROOMKEEP__FAMILY_LINK__KIN__SIBLING;
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push(fx, p.mara, KIND_FAMILY_LINK, &m.base, NULL));
	fx_commit(fx);
	open_at(fx, p.mara, &p.maya, MONDAY_9H + 1000);
	open_at(fx, p.mara, &p.tom, MONDAY_9H + 2000);
	open_at(fx, p.jo, &p.lena, MONDAY_9H + 3000); /* somebody else */
	open_at(fx, p.mara, &p.lena, MONDAY_9H + 4000);
	open_at(fx, p.mara, &p.lena, MONDAY_9H + CALENDAR_DAY_MS);
	arena_init(&arena, 1024 * 1024);
	OK(store_reader_open(fx->folder, &r));
	OK(store_review_families(r, MONDAY_9H, MONDAY_9H + 2 * CALENDAR_DAY_MS, 0, &arena, &days,
				 &count));
	assert_int_equal(count, 1);
	assert_true(id_equal(&days[0].user_id, &p.mara->intro.user_id));
	assert_int_equal(days[0].pairs, 1);
	assert_int_equal(days[0].day, calendar_day_of(MONDAY_9H, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_US5_charts_of_a_namesake, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_US5_charts_after_hours, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_48_two_charts_of_one_family_on_one_day,
						fx_setup, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
