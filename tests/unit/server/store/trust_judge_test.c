/* Rules about what may follow what, as the server keeps them for a room that does not. */
#include "store_fixture.h"

#include "record/calendar.h"
#include "server/store/store_priv.h"

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
	struct id op_id;
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_REFERRAL, &m.base, &op_id));
	/* A room that does not know yet of the erasing goes on from there. */
	ASSERT_COMMITTED(fx_push_tombstone(w.fx, w.mara, &op_id));
	m.discussed_on = NULL;
	m.state = ROOMKEEP__REFERRAL__STATE__CONSENTED;
	m.consent_on = text(&w, "2026-11-02");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_REFERRAL, &m.base, NULL));
	world_fini(&w);
}

/* A room that was away cannot know that the record it changes was erased. */
static void test_a_change_of_what_was_erased_meanwhile_is_taken(void **state)
{
	struct world w;
	world_make(&w, *state);
	const struct id id = fx_id(w.fx), relative = fx_id(w.fx);
	struct id op_id;
	Roomkeep__DeskFamilyLink m = ROOMKEEP__DESK_FAMILY_LINK__INIT;
	m.has_desk_family_link_id = m.has_patient_id = m.has_relative_id = m.has_split = 1;
	m.desk_family_link_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&w.patient);
	m.relative_id = fx_bytes(&relative);
	ASSERT_VERDICT(fx_push(w.fx, w.mara, KIND_DESK_FAMILY_LINK, &m.base, NULL),
		       STORE_OP_REJECTED, ERR_BAD_VALUE); /* kin is said from the start */
	m.has_kin = 1;
	m.kin = ROOMKEEP__FAMILY_LINK__KIN__SPOUSE;
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_DESK_FAMILY_LINK, &m.base, &op_id));
	ASSERT_COMMITTED(fx_push_tombstone(w.fx, w.mara, &op_id));
	m.has_kin = 0;
	m.split = 1;
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_DESK_FAMILY_LINK, &m.base, NULL));
	world_fini(&w);
}

static Roomkeep__Incident incident_of(struct world *w, const struct id *id)
{
	Roomkeep__Incident m = ROOMKEEP__INCIDENT__INIT;
	m.has_incident_id = m.has_category = m.has_sensitivity = m.has_probability = 1;
	m.has_encrypted = m.has_key_on_device = 1;
	m.incident_id = fx_bytes(id);
	m.category = ROOMKEEP__INCIDENT__CATEGORY__THEFT;
	m.sensitivity = ROOMKEEP__INCIDENT__SENSITIVITY__HIGH;
	m.probability = ROOMKEEP__INCIDENT__PROBABILITY__UNLIKELY;
	m.found_on = text(w, "2026-11-01");
	m.what = text(w, "a laptop");
	return m;
}

#define MONTH_MS (31ull * CALENDAR_DAY_MS)

static void test_ca1_an_incident_is_not_erased_before_24_months(void **state)
{
	struct world w;
	world_make(&w, *state);
	const struct id id = fx_id(w.fx);
	const Roomkeep__Incident m = incident_of(&w, &id);
	struct id op_id;
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_INCIDENT, &m.base, &op_id));
	const uint64_t then_ms = w.fx->now_ms;
	ASSERT_VERDICT(fx_push_tombstone(w.fx, w.mara, &op_id), STORE_OP_REJECTED, ERR_DENIED);
	fx_commit(w.fx);
	w.fx->now_ms = then_ms + 23 * MONTH_MS;
	fx_begin(w.fx);
	ASSERT_VERDICT(fx_push_tombstone(w.fx, w.mara, &op_id), STORE_OP_REJECTED, ERR_DENIED);
	fx_commit(w.fx);
	w.fx->now_ms = then_ms + 24 * MONTH_MS;
	fx_begin(w.fx);
	ASSERT_COMMITTED(fx_push_tombstone(w.fx, w.mara, &op_id));
	world_fini(&w);
}

static Roomkeep__LegalHold hold_of(struct world *w, const struct id *id)
{
	Roomkeep__LegalHold m = ROOMKEEP__LEGAL_HOLD__INIT;
	m.has_legal_hold_id = m.has_patient_id = 1;
	m.legal_hold_id = fx_bytes(id);
	m.patient_id = fx_bytes(&w->patient);
	return m;
}

static void purge_expect(struct world *w, uint64_t want)
{
	uint64_t purged = 0;
	fx_commit(w->fx);
	w->fx->now_ms += PURGE_AFTER_MS;
	fx_begin(w->fx);
	OK(store_purge_due(w->fx->store, 1000, &purged));
	assert_int_equal(purged, want);
}

/* What was erased while a hold stands is hidden, and its bytes stay until the hold ends. */
static void test_bc4_a_legal_hold_keeps_what_was_erased(void **state)
{
	struct world w;
	world_make(&w, *state);
	const struct id alert_id = fx_id(w.fx);
	const struct id hold_id = fx_id(w.fx);
	struct id alert_op, hold_op;
	Roomkeep__Alert alert = ROOMKEEP__ALERT__INIT;
	Roomkeep__LegalHold hold = hold_of(&w, &hold_id);
	alert.has_alert_id = alert.has_patient_id = alert.has_kind = 1;
	alert.alert_id = fx_bytes(&alert_id);
	alert.patient_id = fx_bytes(&w.patient);
	alert.kind = ROOMKEEP__ALERT__KIND__ALLERGY;
	alert.text = text(&w, "latex");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_ALERT, &alert.base, &alert_op));
	hold.reason = text(&w, "a claim");
	hold.placed_on = text(&w, "2026-11-01");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_LEGAL_HOLD, &hold.base, &hold_op));
	ASSERT_VERDICT(fx_push_tombstone(w.fx, w.mara, &hold_op), STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_COMMITTED(fx_push_tombstone(w.fx, w.mara, &alert_op));
	purge_expect(&w, 0);
	hold = hold_of(&w, &hold_id);
	hold.lifted_on = text(&w, "2026-12-31");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_LEGAL_HOLD, &hold.base, NULL));
	purge_expect(&w, 1);
	world_fini(&w);
}

static void test_bc5_a_refused_correction_without_annotation_is_no_op(void **state)
{
	struct world w;
	world_make(&w, *state);
	const struct id id = fx_id(w.fx);
	Roomkeep__Request m = ROOMKEEP__REQUEST__INIT;
	m.has_request_id = m.has_patient_id = m.has_kind = 1;
	m.request_id = fx_bytes(&id);
	m.patient_id = fx_bytes(&w.patient);
	m.kind = ROOMKEEP__REQUEST__KIND__CORRECTION;
	m.received_on = text(&w, "2026-11-01");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_REQUEST, &m.base, NULL));
	m.has_decision = 1;
	m.decision = ROOMKEEP__REQUEST__DECISION__REFUSED;
	ASSERT_VERDICT(fx_push(w.fx, w.mara, KIND_REQUEST, &m.base, NULL), STORE_OP_REJECTED,
		       ERR_BAD_VALUE);
	m.annotation = text(&w, "it was the left");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_REQUEST, &m.base, NULL));
	world_fini(&w);
}

/* Given on the first of November; `id` is kept by the caller. */
static Roomkeep__Disclosure disclosure(struct world *w, struct id *id, const char *consent_on)
{
	Roomkeep__Disclosure m = ROOMKEEP__DISCLOSURE__INIT;
	*id = fx_id(w->fx);
	m.has_disclosure_id = m.has_patient_id = m.has_basis = 1;
	m.disclosure_id = fx_bytes(id);
	m.patient_id = fx_bytes(&w->patient);
	m.basis = ROOMKEEP__DISCLOSURE__BASIS__CONSENT;
	m.recipient = text(w, "Harbour Mutual");
	m.what = text(w, "dates");
	m.consent_signed_on = text(w, consent_on);
	m.given_on = text(w, "2026-11-01");
	return m;
}

static void test_on4_an_old_consent_releases_nothing(void **state)
{
	struct world w;
	struct id id;
	world_make(&w, *state);
	Roomkeep__PatientDetail detail = ROOMKEEP__PATIENT_DETAIL__INIT;
	detail.has_patient_id = detail.has_jurisdiction = 1;
	detail.patient_id = fx_bytes(&w.patient);
	detail.jurisdiction = ROOMKEEP__PATIENT_DETAIL__JURISDICTION__CA_ON;
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_PATIENT_DETAIL, &detail.base, NULL));
	/* Moved away, but the longer rule stays. */
	detail.jurisdiction = ROOMKEEP__PATIENT_DETAIL__JURISDICTION__CA_BC;
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_PATIENT_DETAIL, &detail.base, NULL));
	Roomkeep__Disclosure m = disclosure(&w, &id, "2026-05-01"); /* 184 days */
	ASSERT_VERDICT(fx_push(w.fx, w.mara, KIND_DISCLOSURE, &m.base, NULL), STORE_OP_REJECTED,
		       ERR_BAD_VALUE);
	m = disclosure(&w, &id, "2026-05-02");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_DISCLOSURE, &m.base, NULL));
	world_fini(&w);
}

/* Of a patient who names no law, the clinic's holds; a clinic that names none has BC's. */
static void test_on4_by_the_law_of_the_clinic(void **state)
{
	struct world w;
	struct id id;
	world_make(&w, *state);
	struct fx_lane *jo = fx_lane_new(w.fx, JO, 0, OP_LANE_CHART);
	const struct id profile = fx_id(w.fx);
	Roomkeep__ClinicProfile clinic = ROOMKEEP__CLINIC_PROFILE__INIT;
	Roomkeep__Disclosure m = disclosure(&w, &id, "2026-05-01");
	ASSERT_COMMITTED(fx_push(w.fx, w.mara, KIND_DISCLOSURE, &m.base, NULL));
	clinic.has_clinic_profile_id = clinic.has_jurisdiction = 1;
	clinic.clinic_profile_id = fx_bytes(&profile);
	clinic.jurisdiction = ROOMKEEP__PATIENT_DETAIL__JURISDICTION__CA_ON;
	ASSERT_COMMITTED(fx_push(w.fx, jo, KIND_CLINIC_PROFILE, &clinic.base, NULL));
	m = disclosure(&w, &id, "2026-05-01");
	ASSERT_VERDICT(fx_push(w.fx, w.mara, KIND_DISCLOSURE, &m.base, NULL), STORE_OP_REJECTED,
		       ERR_BAD_VALUE);
	world_fini(&w);
}

#define FX(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(test_referral_states_are_not_skipped),
		FX(test_a_change_of_what_was_erased_meanwhile_is_taken),
		FX(test_ca1_an_incident_is_not_erased_before_24_months),
		FX(test_bc4_a_legal_hold_keeps_what_was_erased),
		FX(test_bc5_a_refused_correction_without_annotation_is_no_op),
		FX(test_on4_an_old_consent_releases_nothing),
		FX(test_on4_by_the_law_of_the_clinic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
