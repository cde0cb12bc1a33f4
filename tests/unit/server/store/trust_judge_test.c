/* Rules about what may follow what, as the server keeps them for a room that does not. */
#include "store_fixture.h"

#include "support/plain_sample.h"

struct world {
	struct fx *fx;
	struct fx_lane *mara;
	struct id patient;
	struct arena arena;
};

static void world_make(struct world *w, struct fx *fx)
{
	*w = (struct world){ .fx = fx };
	arena_init(&w->arena, MIB);
	fx_begin(fx);
	w->mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	w->patient = fx_id(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, w->mara, &w->patient, "Ana", NULL, NULL));
}

static void world_fini(struct world *w)
{
	fx_commit(w->fx);
	fx_check_ok(w->fx);
	arena_fini(&w->arena);
}

static char *text(struct world *w, const char *s)
{
	union {
		const uint8_t *from;
		char *to;
	} p = { .from = arena_dup(&w->arena, view_of(s, strlen(s) + 1)).p };
	return p.to;
}

static void test_referral_states_are_not_skipped(void **state)
{
	struct world w;
	world_make(&w, *state);
	const struct id id = fx_id(w.fx);
	Roomkeep__Referral m = ROOMKEEP__REFERRAL__INIT;
	m.has_referral_id = m.has_patient_id = m.has_state = 1;
	m.referral_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&w.patient);
	m.state = ROOMKEEP__REFERRAL__STATE__SENT;
	m.noticed_on = m.sent_on = text(&w, "2026-11-01");
	m.ask = text(&w, "is it the disc?");
	ASSERT_VERDICT(fx_push(w.fx, w.mara, KIND_REFERRAL, &m.base, NULL), STORE_OP_REJECTED,
		       ERR_BAD_VALUE);
	m.state = ROOMKEEP__REFERRAL__STATE__NOTICED;
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_REFERRAL, &m.base, NULL));
	m.ask = m.noticed_on = NULL;
	m.state = ROOMKEEP__REFERRAL__STATE__CONSENTED;
	ASSERT_VERDICT(fx_push(w.fx, w.mara, KIND_REFERRAL, &m.base, NULL), STORE_OP_REJECTED,
		       ERR_BAD_VALUE);
	m.state = ROOMKEEP__REFERRAL__STATE__DISCUSSED;
	m.discussed_on = text(&w, "2026-11-01");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_REFERRAL, &m.base, NULL));
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_referral_states_are_not_skipped, fx_setup,
						fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
