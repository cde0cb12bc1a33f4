/* What the watch makes of what was measured in each visit (4.10). */
#include "watch_rows.h"

/* A turn of the neck by goniometer: 5 degrees are the measure's own error or more, 20 never are. */
static void test_watch_410_three_measured_visits_without_a_gain(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const struct {
		int64_t gains[4]; /* oldest first; -1: not measured again */
		bool said;
		uint8_t last; /* of the newest visit */
	} rows[] = {
		{ { 20000, 0, 1000, -20000 }, true, WATCH_PROOF_WORSE },
		{ { 20000, 20000, 0, 0 }, false, WATCH_PROOF_WITHIN_ERROR },
		{ { 0, 0, 0, 20000 }, false, WATCH_PROOF_BETTER },
		{ { 0, 0, 0, -1 }, true, WATCH_PROOF_NONE },    /* the three before it */
		{ { -1, 0, 0, -1 }, false, WATCH_PROOF_NONE },  /* two only */
		{ { -1, -1, -1, -1 }, false, WATCH_PROOF_NONE } /* none */
	};
	fx_begin(fx);
	for (uint64_t p = 0; p < COUNT_OF(rows); p++) {
		put_patient(fx, p + 1);
		for (uint64_t n = 0; n < 4; n++) {
			const int64_t gain = rows[p].gains[n];
			put_session(fx, p + 1, n, NOW_MS - (40 - 10 * n) * DAY_MS, &mara);
			put_measure(fx, p + 1, n, ROOMKEEP__PHASE__PRE, "cx_rot", 50000);
			if (gain == -1) continue;
			put_measure(fx, p + 1, n, ROOMKEEP__PHASE__POST, "cx_rot", 50000 + gain);
		}
	}
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(s.events[i][3].proof, rows[i].last);
		assert_int_equal(says(&s, i, WATCH_CODE_NO_GAIN), rows[i].said);
	}
}

/* The other side of the neck gained 20 degrees in every visit. */
static void test_watch_410_the_best_of_a_visit_counts(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	fx_begin(fx);
	for (uint64_t p = 1; p <= 2; p++) {
		put_patient(fx, p);
		for (uint64_t n = 0; n < 3; n++) {
			put_session(fx, p, n, NOW_MS - (40 - 10 * n) * DAY_MS, &mara);
			put_measure(fx, p, n, ROOMKEEP__PHASE__PRE, "cx_rot", 50000);
			put_measure(fx, p, n, ROOMKEEP__PHASE__POST, "cx_rot", 50000);
		}
	}
	run(fx, "UPDATE measure SET at_ms = at_ms + 10", DB_NO_ARGS);
	/* Measured after it in the visits of the first patient, before it in the second's. */
	for (uint64_t p = 1; p <= 2; p++) {
		run(fx,
		    "INSERT INTO measure (session, op_id, measure_id, ref, catalogue, phase, side,"
		    " value_milli, unit, at_ms, method, stands) SELECT session,"
		    " zeroblob(16), zeroblob(16), ref, catalogue, phase, 2,"
		    " value_milli + iif(phase = ?1, 20000, 0), unit, at_ms + ?2, method, 1"
		    " FROM measure JOIN session USING (session) WHERE patient = ?3",
		    DB_ARGS(db_u64(ROOMKEEP__PHASE__POST), db_i64(p == 1 ? 5 : -5), db_u64(p)));
	}
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(s.events[i][2].proof, WATCH_PROOF_BETTER);
		assert_false(says(&s, i, WATCH_CODE_NO_GAIN));
	}
}

/* Another ref, one that no catalogue of this build knows, and a row that an edit took away. */
static void test_watch_410_what_cannot_be_compared_proves_nothing(void **state)
{
	struct fx *fx = *state;
	const struct id mara = id_of(9, 1);
	const char *const refs[][2] = {
		{ "cx_rot", "cx_flex" },
		{ "of_next_year", "of_next_year" },
		{ "cx_rot", "cx_rot" },
	};
	fx_begin(fx);
	for (uint64_t p = 1; p <= COUNT_OF(refs); p++) {
		put_patient(fx, p);
		put_session(fx, p, 0, NOW_MS - DAY_MS, &mara);
		put_measure(fx, p, 0, ROOMKEEP__PHASE__PRE, refs[p - 1][0], 50000);
		put_measure(fx, p, 0, ROOMKEEP__PHASE__POST, refs[p - 1][1], 70000);
	}
	run(fx,
	    "UPDATE measure SET stands = 0 WHERE phase = ?1 AND value_milli = 70000 AND session"
	    " = (SELECT max(session) FROM session)",
	    DB_ARGS(db_u64(ROOMKEEP__PHASE__POST)));
	fx_commit(fx);
	const struct seen s = look(fx, 0);
	assert_int_equal(s.count, COUNT_OF(refs));
	for (size_t i = 0; i < s.count; i++)
		assert_int_equal(s.events[i][0].proof, WATCH_PROOF_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_watch_410_three_measured_visits_without_a_gain,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_watch_410_the_best_of_a_visit_counts, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(
			test_watch_410_what_cannot_be_compared_proves_nothing, fx_setup,
			fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
