/* A server that lies: what it may achieve is less service, never a wrong belief (SECURITY 1.2). */
#include "client/store/local_priv.h"
#include "support/rooms_world.h"

static bool raised(struct room *r, enum local_alarm a)
{
	return (local_alarms(r->local) & 1ull << a) != 0;
}

static size_t count_patients(struct room *r)
{
	struct local_patient p;
	size_t at = 0;
	size_t n = 0;
	while (local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p) == ERR_OK) n++;
	return n;
}

/* ---- forged ops ------------------------------------------------------------------------------ */

enum forge { FORGE_SIGNATURE, FORGE_PAYLOAD, FORGE_CORE, FORGE_KINDS };
static enum forge forge_now;

static bool forge_feed(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_FEED || f->feed->n_ops == 0) return true;
	Roomkeep__Op *op = f->feed->ops[0]->op;
	if (forge_now == FORGE_SIGNATURE) op->signature.data[3] ^= 1;
	if (forge_now == FORGE_PAYLOAD) op->payload.data[op->payload.len - 1] ^= 1;
	if (forge_now == FORGE_CORE) op->core.data[op->core.len - 1] ^= 1;
	r->tampered++;
	return true;
}

static void test_forged_ops_are_not_stored_and_pushing_goes_on(void **state)
{
	(void)state;
	for (unsigned k = 0; k < FORGE_KINDS; k++) {
		struct world *w = world_clinic();
		struct room *r1 = &w->rooms[0];
		struct room *r2 = &w->rooms[1];
		OK(room_sign_in(r2, "mara", MARA_PASS));
		forge_now = (enum forge)k;
		r2->tamper = forge_feed;
		(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
		room_saved(r1);
		assert_int_equal(r2->tampered, 1);
		assert_true(raised(r2, LOCAL_ALARM_FORGED));
		assert_int_equal(count_patients(r2), 0);
		(void)room_add_patient(r2, "Omar Said", "1970-01-02");
		room_saved(r2);
		assert_int_equal(room_queued(r2), 0);
		assert_int_equal(count_patients(r1), 2);
		/* An honest server later: all is there. */
		r2->tamper = NULL;
		room_cut(r2, true);
		room_cut(r2, false);
		assert_int_equal(count_patients(r2), 2);
		world_free(w);
	}
}

/* ---- one's own lanes ------------------------------------------------------------------------- */

static bool hide_second_own(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_FEED) return true;
	size_t kept = 0;
	for (size_t i = 0; i < f->feed->n_ops; i++) {
		if (r->tampered++ == 1) continue; /* the second op of all */
		f->feed->ops[kept++] = f->feed->ops[i];
	}
	f->feed->n_ops = kept;
	return true;
}

static void test_hidden_own_op_is_noticed(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	for (unsigned i = 0; i < 3; i++) {
		(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
		room_saved(r1);
	}
	r2->tamper = hide_second_own;
	OK(room_sign_in(r2, "jo", JO_PASS));
	assert_true(raised(r2, LOCAL_ALARM_LANE_GAP));
	assert_int_equal(count_patients(r2), 2); /* what came is kept */
	world_free(w);
}

static bool hide_last_own(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK) {
		for (size_t i = 0; i < f->login_ok->n_own_lanes; i++)
			f->login_ok->own_lanes[i]->lane_seq = 1;
		r->tampered++;
	}
	return true;
}

static void test_rolled_back_lane_is_noticed_by_its_own_room(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	for (unsigned i = 0; i < 3; i++) {
		(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
		room_saved(r1);
	}
	assert_false(raised(r1, LOCAL_ALARM_LANE_ROLLBACK));
	r1->tamper = hide_last_own;
	room_cut(r1, true);
	room_cut(r1, false);
	assert_int_equal(r1->tampered, 1);
	assert_true(raised(r1, LOCAL_ALARM_LANE_ROLLBACK));
	world_free(w);
}

static bool hide_newest_from_new_machine(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)hide_last_own(r, f, a);
	if (f->body_case == ROOMKEEP__FRAME__BODY_FEED && f->feed->n_ops > 1) f->feed->n_ops = 1;
	return true;
}

/* A machine that never saw the ops: only the vault's heads can tell. */
static void test_vault_heads_tell_a_new_machine(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	for (unsigned i = 0; i < 3; i++) (void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
	room_saved(r1);
	room_lock(r1); /* heads go into the vault */
	r2->tamper = hide_newest_from_new_machine;
	OK(room_sign_in(r2, "jo", JO_PASS));
	assert_true(raised(r2, LOCAL_ALARM_LANE_ROLLBACK));
	world_free(w);
}

static bool drop_vault(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK) {
		f->login_ok->has_vault_blob = false;
		r->tampered++;
	}
	return true;
}

static void test_missing_vault_is_noticed(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	room_lock(r1);
	OK(room_sign_in(r1, "jo", JO_PASS));
	assert_false(raised(r1, LOCAL_ALARM_VAULT));
	room_lock(r1);
	r1->tamper = drop_vault;
	OK(room_sign_in(r1, "jo", JO_PASS));
	assert_true(raised(r1, LOCAL_ALARM_VAULT));
	world_free(w);
}

/* ---- records and directory ------------------------------------------------------------------- */

enum lie { LIE_EPOCH, LIE_SERVER_RECORD, LIE_DIR_SEQ, LIE_DIR_HASH, LIE_CLINIC, LIE_HEAD, LIES };
static enum lie lie_now;

static bool lie_in_welcome(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_WELCOME) return true;
	Roomkeep__Welcome *w = f->welcome;
	r->tampered++;
	if (lie_now == LIE_EPOCH) w->epoch_record->body.data[40] ^= 1;
	if (lie_now == LIE_SERVER_RECORD)
		w->server_record->body.data[w->server_record->body.len - 1] ^= 1;
	if (lie_now == LIE_DIR_SEQ) w->dir_seq = 1;
	if (lie_now == LIE_DIR_HASH) w->dir_hash.data[0] ^= 1;
	if (lie_now == LIE_CLINIC) w->clinic_id.data[0] ^= 1;
	if (lie_now == LIE_HEAD && w->head != NULL) w->head->entry.data[0] ^= 1;
	return true;
}

static void test_lies_in_welcome_are_refused(void **state)
{
	(void)state;
	static const enum sync_reason want[LIES] = {
		[LIE_EPOCH] = SYNC_REASON_WRONG_EPOCH,
		[LIE_SERVER_RECORD] = SYNC_REASON_BAD_RECORD,
		[LIE_DIR_SEQ] = SYNC_REASON_BAD_DIRECTORY,
		[LIE_DIR_HASH] = SYNC_REASON_BAD_DIRECTORY,
		[LIE_CLINIC] = SYNC_REASON_WRONG_CLINIC,
		[LIE_HEAD] = SYNC_REASON_BAD_RECORD,
	};
	for (unsigned k = 0; k < LIES; k++) {
		struct world *w = world_clinic();
		struct room *r1 = &w->rooms[0];
		world_wait(w, 61000); /* a signed head exists by now */
		(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
		room_saved(r1);
		room_cut(r1, true);
		(void)room_add_patient(r1, "Omar Said", "1970-01-02");
		lie_now = (enum lie)k;
		r1->tamper = lie_in_welcome;
		room_cut(r1, false);
		assert_int_equal(r1->tampered, 1);
		assert_int_equal(sync_link_now(r1->sync), SYNC_LINK_REFUSED);
		assert_int_equal(sync_reason_now(r1->sync), want[k]);
		assert_int_equal(room_queued(r1), 1); /* nothing was pushed */
		/* The honest server is believed again. */
		r1->tamper = NULL;
		room_event(r1, SYNC_EV_NOW);
		world_run(w);
		assert_int_equal(sync_link_now(r1->sync), SYNC_LINK_ONLINE);
		assert_int_equal(room_queued(r1), 0);
		world_free(w);
	}
}

static bool forge_directory(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_DIRECTORY || f->directory->n_items == 0)
		return true;
	Roomkeep__DirectoryItem *item = f->directory->items[f->directory->n_items - 1];
	item->entry.data[item->entry.len - 1] ^= 1;
	r->tampered++;
	return true;
}

static void test_forged_directory_entry_is_refused(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	(void)room_add_user(r1, "Ida Berg", "ida", DIR_THERAPIST, MARA_PASS);
	r2->tamper = forge_directory;
	room_cut(r2, true);
	room_cut(r2, false);
	assert_int_equal(r2->tampered, 1);
	assert_int_equal(sync_link_now(r2->sync), SYNC_LINK_REFUSED);
	assert_int_equal(sync_reason_now(r2->sync), SYNC_REASON_BAD_DIRECTORY);
	assert_true(raised(r2, LOCAL_ALARM_DIRECTORY));
	assert_int_equal(local_directory(r2->local)->entry_count, 2);
	world_free(w);
}

/* ---- sign-in --------------------------------------------------------------------------------- */

static bool weaken_kdf(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_PARAMS) {
		f->login_params->m_kib /= 2;
		r->tampered++;
	}
	return true;
}

static void test_weaker_passphrase_parameters_are_refused_before_any_proof(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	room_lock(r1);
	r1->tamper = weaken_kdf;
	assert_int_equal(room_sign_in(r1, "jo", JO_PASS), ERR_KDF_FLOOR);
	assert_int_equal(r1->tampered, 1);
	assert_null(desk_person(&r1->desk));
	world_free(w);
}

static bool wrong_epoch_ack(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case == ROOMKEEP__FRAME__BODY_ACK) {
		f->ack->epoch.data[0] ^= 1;
		r->tampered++;
	}
	return true;
}

static void test_receipt_of_another_epoch_does_not_count(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	r1->tamper = wrong_epoch_ack;
	(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
	room_saved(r1);
	assert_true(r1->tampered >= 1);
	assert_int_equal(room_queued(r1), 1);
	assert_true(raised(r1, LOCAL_ALARM_EPOCH));
	r1->tamper = NULL;
	world_wait(w, 2000);
	assert_int_equal(room_queued(r1), 0);
	world_free(w);
}

static bool ask_from_the_start(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_ACK || r->tampered > 0) return true;
	r->tampered++;
	for (size_t i = 0; i < f->ack->n_results; i++) {
		f->ack->results[i]->status = ROOMKEEP__OP_STATUS__LANE_GAP;
		f->ack->results[i]->has_expected_seq = true;
		f->ack->results[i]->expected_seq = 1;
	}
	return true;
}

static void test_lane_gap_sends_again_from_there(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
	room_saved(r1);
	assert_int_equal(room_queued(r1), 0);
	r1->tamper = ask_from_the_start;
	(void)room_add_patient(r1, "Omar Said", "1970-01-02");
	room_saved(r1);
	assert_int_equal(room_queued(r1), 2); /* both again */
	world_wait(w, 2000);
	assert_int_equal(room_queued(r1), 0);
	assert_int_equal(server_box_roster(w->box)->seq, 2); /* DUPLICATE is a success */
	world_free(w);
}

static bool refuse_ops(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_ACK) return true;
	for (size_t i = 0; i < f->ack->n_results; i++) {
		f->ack->results[i]->status = ROOMKEEP__OP_STATUS__REJECTED;
		f->ack->results[i]->has_code = true;
		f->ack->results[i]->code = ERR_SIGNED;
	}
	r->tampered++;
	return true;
}

static void test_rejected_op_is_kept_and_shown_to_its_author(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "first"));
	room_saved(r1);
	r1->tamper = refuse_ops;
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "second"));
	room_saved(r1);
	struct local_counts c;
	OK(local_counts(r1->local, &c));
	assert_int_equal(c.rejected, 1);
	assert_int_equal(c.queued, 0);
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r1, &session, &fold, &s));
	assert_true(view_equal(s.text[3].value->text, view_str("first")));
	session_fold_fini(&fold);
	struct local_pending *rows = NULL;
	size_t count = 0;
	OK(local_list_pending(r1->local, &r1->desk.vault, 2, &rows, &count));
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].state, LOCAL_OP_REJECTED);
	assert_int_equal(rows[0].code, ERR_SIGNED);
	assert_string_equal(rows[0].text, "second");
	assert_int_equal(rows[1].state, LOCAL_OP_COMMITTED);
	local_pending_free(rows, count);
	world_free(w);
}

/* ---- what the server refused is no part of the record, in the author's other rooms either ---- */

static struct id text_op(struct room *r, const struct id *session)
{
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r, session, &fold, &s));
	const struct id op_id = s.text[0].value->meta.op_id;
	session_fold_fini(&fold);
	return op_id;
}

/* Erasing signed words is refused by the server; it tells the author's other room about the op. */
static void test_refused_op_does_not_count_in_the_other_room(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	const struct id patient = room_add_patient(r2, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r2, &patient);
	OK(room_text(r2, &session, ROOMKEEP__TEXT_FIELD__SUBJECTIVE, "neck pain"));
	const struct id text = text_op(r2, &session);
	struct id op_id;
	OK(local_sign_session(r2->local, &r2->desk.vault, &session, w->wall, &op_id));
	room_saved(r2);
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	char reason[] = "typed for another person";
	m.has_target = true;
	m.target = wire_id_bytes(&text);
	m.reason = reason;
	OK(local_append(r2->local, &r2->desk.vault, KIND_TOMBSTONE, &m.base, w->wall, &op_id,
			NULL));
	room_saved(r2);
	struct local_counts counts;
	OK(local_counts(r2->local, &counts));
	assert_int_equal(counts.rejected, 1);

	room_lock(r1);
	OK(room_sign_in(r1, "mara", MARA_PASS));
	struct session_fold fold;
	struct session_state s;
	OK(room_load(r1, &session, &fold, &s));
	assert_false(s.text[0].value->erased);
	assert_true(view_equal(s.text[0].value->text, view_str("neck pain")));
	session_fold_fini(&fold);
	struct local_pending *rows = NULL;
	size_t count = 0;
	OK(local_list_pending(r1->local, &r1->desk.vault, 0, &rows, &count));
	assert_int_equal(count, 1);
	assert_true(id_equal(&rows[0].op_id, &op_id));
	assert_int_equal(rows[0].state, LOCAL_OP_REJECTED);
	assert_int_equal(rows[0].code, ERR_SIGNED);
	local_pending_free(rows, count);
	assert_int_equal(local_alarms(r1->local) | local_alarms(r2->local), 0);
	/* It stays so when everything is read again. */
	room_lock(r1);
	OK(room_sign_in(r1, "mara", MARA_PASS));
	OK(room_load(r1, &session, &fold, &s));
	assert_false(s.text[0].value->erased);
	session_fold_fini(&fold);
	world_free(w);
}

static bool call_it_refused(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_FEED || f->feed->n_ops == 0) return true;
	f->feed->ops[0]->has_code = true;
	f->feed->ops[0]->code = ERR_DENIED;
	r->tampered++;
	return true;
}

/* Only authors hear of what was refused; a server that says so of a colleague's op hides it. */
static void test_foreign_op_called_refused_is_not_believed(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	OK(room_sign_in(r2, "mara", MARA_PASS));
	r2->tamper = call_it_refused;
	(void)room_add_patient(r1, "Maya Rosen", "1984-05-06");
	room_saved(r1);
	assert_int_equal(r2->tampered, 1);
	assert_true(raised(r2, LOCAL_ALARM_FORGED));
	r2->tamper = NULL;
	room_cut(r2, true);
	room_cut(r2, false);
	assert_int_equal(count_patients(r2), 1);
	world_free(w);
}

/* ---- rights, once more in the room --------------------------------------------------------- */

static bool overhear(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_FEED || f->feed->n_ops == 0) return true;
	if (r->kept.len == 0) OK(frame_encode(f, &r->kept));
	return true;
}

/* Every op of the clinic to whoever pulls, as a server would that forgot its access table. */
static bool give_all(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	if (f->body_case != ROOMKEEP__FRAME__BODY_FEED || r->tampered > 0) return true;
	Roomkeep__Frame *heard = NULL;
	OK(frame_decode(a,
			view_of(r->kept.p + FRAME_HEADER_BYTES, r->kept.len - FRAME_HEADER_BYTES),
			&heard));
	f->feed->n_ops = heard->feed->n_ops;
	f->feed->ops = heard->feed->ops;
	r->tampered++;
	return true;
}

static uint64_t rows_of(struct room *r, const struct id *user_id)
{
	uint64_t count = 0;
	OK(db_get_u64(r->local->db, "SELECT count(*) FROM op WHERE user_id = ?1",
		      DB_ARGS(db_id(user_id)), &count));
	return count;
}

/* What a person may not read is not stored either, not even sealed to that person. */
static void check_given(uint64_t roles, uint64_t rows)
{
	struct world *w = world_clinic();
	struct room *r1 = &w->rooms[0];
	struct room *r2 = &w->rooms[1];
	const struct id ida = room_add_user(r1, "Ida Berg", "ida", roles, MARA_PASS);
	const struct id patient = room_add_patient(r1, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(r1, &patient);
	OK(room_text(r1, &session, ROOMKEEP__TEXT_FIELD__PLAN, "not for the desk"));
	struct id note;
	OK(local_add_note(r1->local, &r1->desk.vault, &patient, NULL, view_str("for me"), w->wall,
			  &note, NULL));
	room_saved(r1);
	r2->tamper = overhear;
	OK(room_sign_in(r2, "jo", JO_PASS));
	room_lock(r2);
	assert_true(r2->kept.len > 0);
	r2->tamper = give_all;
	OK(room_sign_in(r2, "ida", MARA_PASS));
	assert_int_equal(r2->tampered, 1);
	assert_int_equal(rows_of(r2, &ida), rows);
	world_free(w);
}

static void test_ops_beyond_ones_rights_are_not_stored(void **state)
{
	(void)state;
	check_given(DIR_ADMIN, 0);
	check_given(DIR_OWNER, 0);
	check_given(DIR_DESK, 1);      /* the patient */
	check_given(DIR_THERAPIST, 3); /* frame and text too; not the note */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged_ops_are_not_stored_and_pushing_goes_on),
		cmocka_unit_test(test_hidden_own_op_is_noticed),
		cmocka_unit_test(test_rolled_back_lane_is_noticed_by_its_own_room),
		cmocka_unit_test(test_vault_heads_tell_a_new_machine),
		cmocka_unit_test(test_missing_vault_is_noticed),
		cmocka_unit_test(test_lies_in_welcome_are_refused),
		cmocka_unit_test(test_forged_directory_entry_is_refused),
		cmocka_unit_test(test_weaker_passphrase_parameters_are_refused_before_any_proof),
		cmocka_unit_test(test_receipt_of_another_epoch_does_not_count),
		cmocka_unit_test(test_lane_gap_sends_again_from_there),
		cmocka_unit_test(test_rejected_op_is_kept_and_shown_to_its_author),
		cmocka_unit_test(test_refused_op_does_not_count_in_the_other_room),
		cmocka_unit_test(test_foreign_op_called_refused_is_not_believed),
		cmocka_unit_test(test_ops_beyond_ones_rights_are_not_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
