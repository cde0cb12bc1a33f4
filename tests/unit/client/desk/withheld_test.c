/* What a patient withholds from who is signed in leaves the room when the word comes, and comes
 * back with it; what must be recorded stays with who records it (ON7, ON8). */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"

#define HOUR_MS 3600000ull

/* Jo treats Maya in room 1; Mara, in room 2, is to see none of it. */
struct house {
	struct world *w;
	struct room *jo, *mara;
	struct id maya, omar;
	struct id his;     /* Jo's session of Maya, signed */
	struct id draft;   /* Mara's, not signed */
	struct id hers;    /* Mara's, signed */
	struct id alert;   /* of Maya, by Jo */
	struct id episode; /* of Maya, by Mara */
};

static struct id append(struct room *r, enum kind kind, const ProtobufCMessage *m)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id = { 0 };
	const enum err e =
		local_append(r->local, &r->desk.vault, kind, m, r->w->wall, &op_id, &error);
	if (e != ERR_OK) fail_msg("%s: %s %s", err_name(e), error.field, error.allowed);
	return op_id;
}

static struct id put_alert(struct room *r, const struct id *patient, const char *text)
{
	Roomkeep__Alert m = ROOMKEEP__ALERT__INIT;
	const struct id id = local_new_id(r->local, r->w->wall);
	m.has_alert_id = m.has_patient_id = m.has_kind = true;
	m.alert_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(patient);
	m.kind = ROOMKEEP__ALERT__KIND__ALLERGY;
	m.text = wire_text(text);
	(void)append(r, KIND_ALERT, &m.base);
	return id;
}

static struct id put_episode(struct room *r, const struct id *patient)
{
	Roomkeep__Episode m = ROOMKEEP__EPISODE__INIT;
	const struct id id = local_new_id(r->local, r->w->wall);
	m.has_episode_id = m.has_patient_id = true;
	m.episode_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(patient);
	m.complaint = wire_text("stiff neck");
	m.started = wire_text("2026-11-01");
	(void)append(r, KIND_EPISODE, &m.base);
	return id;
}

static void put_homecare(struct room *r, const struct id *patient, const struct id *session)
{
	Roomkeep__HomecareItem m = ROOMKEEP__HOMECARE_ITEM__INIT;
	const struct id id = local_new_id(r->local, r->w->wall);
	m.has_homecare_item_id = m.has_patient_id = m.has_session_id = true;
	m.homecare_item_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(patient);
	m.session_id = wire_id_bytes(session);
	m.what = wire_text("chin tucks");
	(void)append(r, KIND_HOMECARE_ITEM, &m.base);
}

/* What stands in a visit; `id` has begun. */
static void treat(struct room *r, const struct id *patient, const struct id *id, bool sign)
{
	struct id op_id;
	OK(room_text(r, id, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(room_measure(r, id, 52));
	put_homecare(r, patient, id);
	if (sign) OK(local_sign_session(r->local, &r->desk.vault, id, r->w->wall, &op_id));
}

static struct id visit(struct room *r, const struct id *patient, bool sign)
{
	const struct id id = room_start_session(r, patient);
	treat(r, patient, &id, sign);
	return id;
}

/* Signed today, of the day before yesterday. */
static struct id late_entry(struct room *r, const struct id *patient)
{
	const struct id id = local_new_id(r->local, r->w->wall);
	const struct id room_id = local_room(r->local)->room_id;
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = m.has_patient_id = m.has_therapist_id = m.has_room_id = true;
	m.has_started_ms = true;
	m.session_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(patient);
	m.therapist_id = wire_id_bytes(desk_person(&r->desk));
	m.room_id = wire_id_bytes(&room_id);
	m.started_ms = r->w->wall - 48 * HOUR_MS;
	(void)append(r, KIND_SESSION_FRAME, &m.base);
	treat(r, patient, &id, true);
	return id;
}

/* Everything is at the server and in both rooms. */
static void all_saved(struct house *h)
{
	room_saved(h->jo);
	room_saved(h->mara);
	world_wait(h->w, 3000);
}

static struct house house_begin(void)
{
	struct house h = { .w = world_clinic() };
	h.jo = &h.w->rooms[0];
	h.mara = &h.w->rooms[1];
	OK(room_sign_in(h.mara, "mara", MARA_PASS));
	h.maya = room_add_patient(h.jo, "Maya Rosen", "1984-05-06");
	h.omar = room_add_patient(h.jo, "Omar Said", "1970-01-02");
	h.his = visit(h.jo, &h.maya, true);
	h.alert = put_alert(h.jo, &h.maya, "nuts");
	(void)put_alert(h.jo, &h.omar, "latex");
	room_saved(h.jo);
	world_wait(h.w, 3000);
	h.draft = visit(h.mara, &h.maya, false);
	h.hers = visit(h.mara, &h.maya, true);
	h.episode = put_episode(h.mara, &h.maya);
	all_saved(&h);
	return h;
}

/* Against Mara, by Jo, and the server's word for it in her room. */
static struct id withhold(struct house *h, const struct id *patient,
			  Roomkeep__Directive__Scope scope, const struct id *item)
{
	Roomkeep__Directive m = ROOMKEEP__DIRECTIVE__INIT;
	const struct id id = local_new_id(h->jo->local, h->w->wall);
	struct id mara;
	OK(local_user_by_login(h->jo->local, "mara", &mara));
	m.has_directive_id = m.has_patient_id = m.has_scope = m.has_against = m.has_user_id = true;
	m.directive_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(patient);
	m.scope = scope;
	m.has_item_id = item != NULL;
	if (item != NULL) m.item_id = wire_id_bytes(item);
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__PERSON;
	m.user_id = wire_id_bytes(&mara);
	(void)append(h->jo, KIND_DIRECTIVE, &m.base);
	all_saved(h);
	return id;
}

static void take_back(struct house *h, const struct id *directive)
{
	Roomkeep__DirectiveEnd m = ROOMKEEP__DIRECTIVE_END__INIT;
	const struct id id = local_new_id(h->jo->local, h->w->wall);
	m.has_directive_end_id = m.has_patient_id = m.has_directive_id = true;
	m.directive_end_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(&h->maya);
	m.directive_id = wire_id_bytes(directive);
	(void)append(h->jo, KIND_DIRECTIVE_END, &m.base);
	all_saved(h);
}

static struct local_withheld withheld_at(struct room *r, const struct id *patient)
{
	struct local_withheld w;
	OK(local_withheld(r->local, &r->desk.vault, patient, &w));
	return w;
}

static bool withheld_by_itself(struct house *h, const struct id *item)
{
	bool is = false;
	OK(local_withheld_item(h->mara->local, &h->mara->desk.vault, item, &is));
	return is;
}

/* Is there a text and a measure to be read in it? */
static bool is_readable(struct room *r, const struct id *session)
{
	struct session_fold fold;
	struct session_state s;
	if (room_load(r, session, &fold, &s) == ERR_NOT_FOUND) return false;
	const struct fold_text *plan = s.text[ROOMKEEP__TEXT_FIELD__PLAN - 1].value;
	const bool readable = plan != NULL && s.measure_count == 1;
	assert_int_equal(readable, !s.withheld && s.has_frame);
	assert_int_equal(plan != NULL, s.measure_count == 1);
	session_fold_fini(&fold);
	return readable;
}

static size_t records(struct room *r, enum kind kind, const struct id *patient)
{
	const struct record_state *rows = NULL;
	struct record_fold fold;
	size_t count = 0;
	OK(local_list_records(r->local, &r->desk.vault, kind, patient, &fold, &rows, &count));
	record_fold_fini(&fold);
	return count;
}

static size_t homecare_in(struct room *r, const struct id *session)
{
	const struct record_state *rows = NULL;
	struct record_fold fold;
	size_t count = 0;
	OK(local_list_session_records(r->local, &r->desk.vault, KIND_HOMECARE_ITEM, session, NULL,
				      &fold, &rows, &count));
	record_fold_fini(&fold);
	return count;
}

/* Op rows of Mara's that room 2 holds of other people. */
static uint64_t rows_of_others(struct room *r)
{
	uint64_t count = 0;
	uint64_t own = 0;
	OK(db_get_u64(r->local->db, "SELECT count(*) FROM op WHERE user_id = ?1",
		      DB_ARGS(db_id(&r->desk.vault.user_id)), &count));
	OK(db_get_u64(r->local->db,
		      "SELECT count(*) FROM op JOIN outbox USING (op_id) WHERE op.user_id = ?1",
		      DB_ARGS(db_id(&r->desk.vault.user_id)), &own));
	return count - own;
}

static void expect_all(struct house *h)
{
	const struct local_withheld w = withheld_at(h->mara, &h->maya);
	size_t patients = 9;
	assert_false(w.any);
	assert_int_equal(w.sessions + w.records, 0);
	assert_true(is_readable(h->mara, &h->his));
	assert_true(is_readable(h->mara, &h->hers));
	assert_true(is_readable(h->mara, &h->draft));
	assert_int_equal(records(h->mara, KIND_ALERT, &h->maya), 1);
	assert_int_equal(records(h->mara, KIND_EPISODE, &h->maya), 1);
	assert_int_equal(homecare_in(h->mara, &h->draft), 1);
	assert_int_equal(homecare_in(h->mara, &h->hers), 1);
	OK(local_withheld_patients(h->mara->local, &h->mara->desk.vault, &patients));
	assert_int_equal(patients, 0);
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static void test_ON7_the_whole_record_leaves_the_room_and_comes_back(void **state)
{
	(void)state;
	struct house h = house_begin();
	expect_all(&h);
	const uint64_t before = rows_of_others(h.mara);
	const struct id directive = withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	const struct local_withheld w = withheld_at(h.mara, &h.maya);
	size_t patients = 0;
	assert_true(w.any && w.whole);
	assert_false(withheld_by_itself(&h, &h.his)); /* with all of hers; nobody knows by its id */
	assert_int_equal(w.open_until_ms, 0);
	assert_true(rows_of_others(h.mara) < before); /* gone, not only hidden */
	assert_false(is_readable(h.mara, &h.his));
	assert_false(is_readable(h.mara, &h.hers)); /* written before */
	assert_true(is_readable(h.mara, &h.draft)); /* hers to finish */
	assert_int_equal(homecare_in(h.mara, &h.draft), 1);
	assert_int_equal(homecare_in(h.mara, &h.hers), 0);
	assert_int_equal(records(h.mara, KIND_ALERT, &h.maya), 0);
	assert_int_equal(records(h.mara, KIND_EPISODE, &h.maya), 0);
	assert_int_equal(records(h.mara, KIND_ALERT, &h.omar), 1); /* another patient */
	assert_int_equal(records(h.mara, KIND_DIRECTIVE, &h.maya), 0);
	OK(local_withheld_patients(h.mara->local, &h.mara->desk.vault, &patients));
	assert_int_equal(patients, 1);
	assert_true(is_readable(h.jo, &h.hers)); /* nobody else loses anything */

	/* What must be recorded is: what she writes from now on stays with her. */
	struct id after = put_episode(h.mara, &h.maya);
	all_saved(&h);
	assert_int_equal(records(h.mara, KIND_EPISODE, &h.maya), 1);
	take_back(&h, &directive);
	assert_int_equal(records(h.mara, KIND_EPISODE, &h.maya), 2);
	assert_false(id_is_zero(&after));
	assert_true(is_readable(h.mara, &h.his));
	assert_false(withheld_at(h.mara, &h.maya).any);
	world_free(h.w);
}

/* It was written since, whenever the visit was: her room decides as the server does. */
static void test_ON7_a_late_entry_stays_with_who_wrote_it(void **state)
{
	(void)state;
	struct house h = house_begin();
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	const struct id late = late_entry(h.mara, &h.maya);
	assert_true(is_readable(h.mara, &late));
	all_saved(&h);
	assert_true(is_readable(h.mara, &late));
	assert_false(is_readable(h.mara, &h.hers));
	world_free(h.w);
}

static void test_ON7_sessions_leave_and_alerts_stay(void **state)
{
	(void)state;
	struct house h = house_begin();
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__SESSIONS, NULL);
	const struct local_withheld w = withheld_at(h.mara, &h.maya);
	assert_true(w.any && !w.whole);
	assert_true(w.sessions > 0);
	assert_false(is_readable(h.mara, &h.his));
	assert_false(is_readable(h.mara, &h.hers));
	assert_true(is_readable(h.mara, &h.draft));
	assert_int_equal(records(h.mara, KIND_ALERT, &h.maya), 1);
	assert_int_equal(records(h.mara, KIND_EPISODE, &h.maya), 1);
	world_free(h.w);
}

static void test_ON7_one_session_and_one_record(void **state)
{
	(void)state;
	struct house h = house_begin();
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__ITEM, &h.his);
	struct local_withheld w = withheld_at(h.mara, &h.maya);
	assert_true(w.any && !w.whole);
	assert_int_equal(w.sessions + w.records, 1);
	assert_true(withheld_by_itself(&h, &h.his));
	assert_false(withheld_by_itself(&h, &h.alert));
	assert_false(is_readable(h.mara, &h.his));
	assert_true(is_readable(h.mara, &h.hers));
	assert_int_equal(records(h.mara, KIND_ALERT, &h.maya), 1);
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__ITEM, &h.alert);
	w = withheld_at(h.mara, &h.maya);
	assert_int_equal(w.sessions + w.records, 2);
	assert_true(withheld_by_itself(&h, &h.alert));
	assert_false(withheld_by_itself(&h, &h.hers));
	assert_int_equal(records(h.mara, KIND_ALERT, &h.maya), 0);
	world_free(h.w);
}

/* ---- time, sign-out, restart ----------------------------------------------------------------- */

/* What the server said last holds without it, at the next sign-in and after a restart. */
static void test_ON7_it_holds_without_the_server(void **state)
{
	(void)state;
	struct house h = house_begin();
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	room_cut(h.mara, true);
	room_lock(h.mara);
	OK(room_sign_in(h.mara, "mara", MARA_PASS));
	assert_true(withheld_at(h.mara, &h.maya).whole);
	assert_false(is_readable(h.mara, &h.hers));
	room_lock(h.mara);
	room_close(h.mara);
	room_start(h.mara);
	OK(room_sign_in(h.mara, "mara", MARA_PASS));
	assert_true(withheld_at(h.mara, &h.maya).whole);
	assert_false(is_readable(h.mara, &h.hers));
	assert_true(is_readable(h.mara, &h.draft));
	/* Another person in the same room is kept from nothing. */
	room_lock(h.mara);
	room_cut(h.mara, false);
	OK(room_sign_in(h.mara, "jo", JO_PASS));
	world_wait(h.w, 3000);
	assert_false(withheld_at(h.mara, &h.maya).any);
	assert_true(is_readable(h.mara, &h.his));
	world_free(h.w);
}

/* An hour for one patient, and then it is as before. */
static void test_ON8_an_opening_shows_it_for_an_hour(void **state)
{
	(void)state;
	struct house h = house_begin();
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	(void)withhold(&h, &h.omar, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	Roomkeep__Override m = ROOMKEEP__OVERRIDE__INIT;
	const struct id id = local_new_id(h.mara->local, h.w->wall);
	m.has_override_id = m.has_patient_id = m.has_reason = true;
	m.override_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(&h.maya);
	m.reason = ROOMKEEP__OVERRIDE__REASON__EMERGENCY;
	m.text = wire_text("she collapsed");
	(void)append(h.mara, KIND_OVERRIDE, &m.base);
	all_saved(&h);
	const struct local_withheld w = withheld_at(h.mara, &h.maya);
	size_t patients = 0;
	assert_false(w.any);
	assert_true(w.open_until_ms > h.w->wall && w.open_until_ms <= h.w->wall + HOUR_MS);
	assert_true(is_readable(h.mara, &h.his));
	assert_true(is_readable(h.mara, &h.hers));
	assert_int_equal(records(h.mara, KIND_ALERT, &h.maya), 1);
	assert_int_equal(records(h.mara, KIND_ALERT, &h.omar), 0);
	OK(local_withheld_patients(h.mara->local, &h.mara->desk.vault, &patients));
	assert_int_equal(patients, 1); /* Omar */
	/* Also where the network fails meanwhile. */
	room_cut(h.mara, true);
	local_tell_time(h.mara->local, w.open_until_ms);
	assert_true(withheld_at(h.mara, &h.maya).any);
	assert_false(is_readable(h.mara, &h.hers));
	/* A clock that is set back opens nothing again. */
	local_tell_time(h.mara->local, w.open_until_ms - HOUR_MS);
	assert_true(withheld_at(h.mara, &h.maya).any);
	world_free(h.w);
}

/* ---- what was erased ------------------------------------------------------------------------- */

static struct id op_of(struct room *r, const struct id *session)
{
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r, session, &fold, &s));
	const struct id id = s.text[ROOMKEEP__TEXT_FIELD__PLAN - 1].value->meta.op_id;
	session_fold_fini(&fold);
	return id;
}

static struct id erase(struct room *r, const struct id *op_id)
{
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	m.has_target = true;
	m.target = wire_id_bytes(op_id);
	m.reason = wire_text("entered for the wrong person");
	return append(r, KIND_TOMBSTONE, &m.base);
}

/* Of what was erased, that it was there goes too, with who erased it (the simulator's seed
 * 5229). */
static void test_ON7_nothing_of_what_was_erased_stays(void **state)
{
	(void)state;
	struct house h = house_begin();
	const struct id session = visit(h.jo, &h.maya, false);
	all_saved(&h);
	const struct id text = op_of(h.jo, &session);
	const struct id erasure = erase(h.jo, &text);
	all_saved(&h);
	struct local *l = h.mara->local;
	const struct vault *v = &h.mara->desk.vault;
	const struct id *const ids[] = { &text, &erasure };
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		CLEANUP(op_row_finip) struct op_row row = { 0 };
		OK(row_find(l, v, ids[i], &row));
	}
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		CLEANUP(op_row_finip) struct op_row row = { 0 };
		assert_int_equal(row_find(l, v, ids[i], &row), ERR_NOT_FOUND);
	}
	world_free(h.w);
}

/* Mara keeps her own words; what Jo erased of them stays erased (the simulator's seed 201387). */
static void test_ON7_what_was_erased_of_ones_own_stays_erased(void **state)
{
	(void)state;
	struct house h = house_begin();
	const struct id text = op_of(h.mara, &h.draft);
	const struct id erasure = erase(h.jo, &text);
	all_saved(&h);
	for (int withheld = 0; withheld < 2; withheld++) {
		CLEANUP(op_row_finip) struct op_row row = { 0 };
		CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
		struct session_state s;
		OK(row_find(h.mara->local, &h.mara->desk.vault, &erasure, &row));
		OK(room_load(h.mara, &h.draft, &fold, &s));
		const struct fold_text *plan = s.text[ROOMKEEP__TEXT_FIELD__PLAN - 1].value;
		assert_true(plan != NULL && plan->erased);
		assert_int_equal(plan->text.len, 0);
		if (withheld == 0)
			(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	}
	world_free(h.w);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* What cannot be read is not taken for "nothing is withheld". */
static void test_ON7_a_damaged_word_signs_nobody_in(void **state)
{
	(void)state;
	struct house h = house_begin();
	(void)withhold(&h, &h.maya, ROOMKEEP__DIRECTIVE__SCOPE__RECORD, NULL);
	room_cut(h.mara, true);
	room_lock(h.mara);
	OK(db_run(h.mara->local->db,
		  "UPDATE cursor SET withheld = CAST(x'00' || substr(withheld, 2) AS BLOB)",
		  DB_NO_ARGS));
	assert_int_equal(room_sign_in(h.mara, "mara", MARA_PASS), ERR_CORRUPT);
	world_free(h.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ON7_the_whole_record_leaves_the_room_and_comes_back),
		cmocka_unit_test(test_ON7_a_late_entry_stays_with_who_wrote_it),
		cmocka_unit_test(test_ON7_sessions_leave_and_alerts_stay),
		cmocka_unit_test(test_ON7_one_session_and_one_record),
		cmocka_unit_test(test_ON7_it_holds_without_the_server),
		cmocka_unit_test(test_ON8_an_opening_shows_it_for_an_hour),
		cmocka_unit_test(test_ON7_nothing_of_what_was_erased_stays),
		cmocka_unit_test(test_ON7_what_was_erased_of_ones_own_stays_erased),
		cmocka_unit_test(test_ON7_a_damaged_word_signs_nobody_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
