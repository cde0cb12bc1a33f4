/* Every verb of the store with each of its calls to SQLite failing in turn, and with each of its
 * own allocations: it says so, a rollback undoes it, and the same succeeds at once afterwards. */
#include "record/calendar.h"
#include "server/store/store_openings.h"
#include "server/store/store_priv.h"
#include "server/store/store_watch.h"
#include "store_fixture.h"

#include "failing_ways.h"

#define ARENA_BYTES (1u << 20)

/* What the verbs work on. */
static struct {
	struct fx_lane *mara; /* with ops in it */
	struct fx_lane *sam;
	struct id patient;
	struct id session;
	struct id measure;
	struct id text_op;
	struct id invited;       /* join id */
	struct dir_signed entry; /* Mara is disabled */
	struct buf entry_bytes;
	struct arena arena;
} at;

static struct store_reader *eyes(struct fx *fx)
{
	return store_as_reader(fx->store);
}

static struct store_invite invite_of(const struct id *join_id, const char *name, struct fx *fx)
{
	return (struct store_invite){ .join_id = *join_id,
				      .join_mac = { 7 },
				      .expires_ms = fx->now_ms + 100000000,
				      .name = fx_text(name),
				      .kind = fx_text("treatment"),
				      .join_blob = fx_text("sealed"),
				      .invited_by = fx->users[JO] };
}

static void make_disabling(struct fx *fx)
{
	struct dir_entry entry = { .user_id = fx->users[MARA],
				   .g = 1,
				   .name = fx_text("Mara Lind"),
				   .roles = fx->roles[MARA],
				   .sign_pk = fx->keys[MARA].pk,
				   .box_pk = fx->boxes[MARA].pk,
				   .status = DIR_DISABLED,
				   .signer_id = fx->users[JO],
				   .signer_g = 1 };
	const struct dir_signers signers = { .by_signer = &fx->keys[JO] };
	OK(dir_entry_make(&fx->directory, &entry, &signers, &at.entry_bytes, &at.entry));
}

static int setup(void **state)
{
	(void)fx_setup(state);
	struct fx *fx = *state;
	struct id row_id = fx_id(fx);
	struct id gone;
	arena_init(&at.arena, ARENA_BYTES);
	at.mara = fx_lane_new(fx, MARA, 1, OP_LANE_CHART);
	at.sam = fx_lane_new(fx, SAM, 0, OP_LANE_CHART);
	at.patient = fx_id(fx);
	at.session = fx_id(fx);
	at.measure = fx_id(fx);
	at.invited = fx_id(fx);
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, at.sam, &at.patient, "Ada Example", "555", NULL));
	ASSERT_COMMITTED(fx_push_frame(fx, at.mara, &at.session, &at.patient, true, 0, NULL));
	ASSERT_COMMITTED(fx_push_text(fx, at.mara, &at.session, ROOMKEEP__TEXT_FIELD__PLAN, "one",
				      NULL, 0, &at.text_op));
	ASSERT_COMMITTED(fx_push_measure(fx, at.mara, &at.session, &at.measure, 60, NULL));
	ASSERT_COMMITTED(fx_push_addendum(fx, at.mara, &at.session, &row_id, "more", &gone));
	ASSERT_COMMITTED(fx_push_tombstone(fx, at.mara, &gone));
	const struct store_invite invite = invite_of(&at.invited, "Room 2", fx);
	OK(store_invite_put(fx->store, &invite));
	OK(store_setting_put(fx->store, "colour", fx_text("green")));
	OK(store_vault_put(fx->store, &fx->users[MARA], 1, fx_text("vault")));
	fx_commit(fx);
	fx->now_ms += STORE_HEAD_MS;
	fx_begin(fx);
	fx_commit(fx); /* signs a head */
	make_disabling(fx);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&at.arena);
	buf_fini(&at.entry_bytes);
	return fx_teardown(state);
}

static void check_verbs(struct fx *fx, const struct verb *verbs, size_t count, bool writes)
{
	struct store_check_report before;
	struct store_check_report after;
	OK(store_check(eyes(fx), &before));
	assert_true(before.ok);
	for (size_t i = 0; i < count; i++)
		for (unsigned way = 0; way < WAYS; way++)
			check_verb(fx, &at.arena, &verbs[i], (enum way)way, writes);
	OK(store_check(eyes(fx), &after));
	assert_true(after.ok);
	assert_true(hash_equal(&before.logical_digest, &after.logical_digest));
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum err clinic_get(struct fx *fx)
{
	struct store_clinic clinic;
	return store_clinic_get(eyes(fx), &at.arena, &clinic);
}

static enum err status(struct fx *fx)
{
	struct store_status s;
	return store_status(eyes(fx), &s);
}

static enum err invite_find(struct fx *fx)
{
	struct store_invite invite;
	return store_invite_find(eyes(fx), &at.invited, fx->now_ms, &at.arena, &invite);
}

static enum err rooms_list(struct fx *fx)
{
	struct store_room *rooms = NULL;
	size_t count = 0;
	TRY(store_rooms_list(eyes(fx), fx->now_ms, &at.arena, &rooms, &count));
	assert_int_equal(count, 2);
	return ERR_OK;
}

static enum err account_get(struct fx *fx)
{
	struct store_account a;
	TRY(store_account_by_login(eyes(fx), fx_text("mara"), &at.arena, &a));
	return store_account_by_id(eyes(fx), &fx->users[SAM], &at.arena, &a);
}

static enum err accounts_list(struct fx *fx)
{
	struct store_account *list = NULL;
	size_t count = 0;
	TRY(store_accounts_list(eyes(fx), &at.arena, &list, &count));
	assert_int_equal(count, FX_USERS);
	return ERR_OK;
}

static enum err vault_get(struct fx *fx)
{
	struct view blob;
	uint64_t rev = 0;
	return store_vault_get(eyes(fx), &fx->users[MARA], &at.arena, &rev, &blob);
}

static enum err directory_list(struct fx *fx)
{
	struct store_dir_item *items = NULL;
	size_t count = 0;
	TRY(store_directory_list(eyes(fx), 0, 100, &at.arena, &items, &count));
	assert_int_equal(count, FX_USERS);
	return ERR_OK;
}

static enum err directory_load(struct fx *fx)
{
	struct directory dir;
	TRY(store_directory_load(eyes(fx), &dir));
	dir_fini(&dir);
	return ERR_OK;
}

static enum err throttle_get(struct fx *fx)
{
	struct store_throttle t;
	return store_throttle_get(eyes(fx), fx_text("mara"), &fx->rooms[0], fx->now_ms, &t);
}

static enum err setting_get(struct fx *fx)
{
	struct view value;
	return store_setting_get(eyes(fx), "colour", &at.arena, &value);
}

static enum err pages(struct fx *fx)
{
	struct store_page page;
	TRY(store_feed_page(eyes(fx), 0, 100, 1u << 20, &at.arena, &page));
	TRY(store_patient_page(eyes(fx), &at.patient, 0, 100, 1u << 20, &at.arena, &page));
	return store_session_page(eyes(fx), &at.session, 0, 100, 1u << 20, &at.arena, &page);
}

static enum err lane_heads(struct fx *fx)
{
	struct store_lane_head *heads = NULL;
	size_t count = 0;
	TRY(store_lane_heads(eyes(fx), &fx->users[MARA], &at.arena, &heads, &count));
	assert_int_equal(count, 1);
	return ERR_OK;
}

static enum err references(struct fx *fx)
{
	struct store_session_ref ref;
	TRY(store_session_ref(eyes(fx), &at.session, &ref));
	return store_patient_exists(eyes(fx), &at.patient);
}

static enum err now_read(struct fx *fx)
{
	struct store_now now;
	TRY(store_now_read(eyes(fx), &now));
	assert_true(now.has_head);
	return ERR_OK;
}

static enum err check(struct fx *fx)
{
	struct store_check_report report;
	TRY(store_check(eyes(fx), &report));
	assert_true(report.ok);
	return ERR_OK;
}

static void test_reading(void **state)
{
	static const struct verb verbs[] = {
		{ "clinic", clinic_get },

		{ "status", status },
		{ "invite", invite_find },
		{ "rooms", rooms_list },
		{ "account", account_get },
		{ "accounts", accounts_list },
		{ "vault", vault_get },
		{ "directory", directory_list },
		{ "directory load", directory_load },
		{ "throttle", throttle_get },
		{ "setting", setting_get },
		{ "pages", pages },
		{ "lane heads", lane_heads },
		{ "references", references },
		{ "now", now_read },
		{ "check", check },
	};
	check_verbs(*state, verbs, COUNT_OF(verbs), false);
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum err invite_put(struct fx *fx)
{
	const struct id join_id = { { 0x51 } };
	const struct store_invite invite = invite_of(&join_id, "Room 3", fx);
	TRY(store_invite_put(fx->store, &invite));
	return store_invite_burn(fx->store, &join_id);
}

static enum err room_enrol(struct fx *fx)
{
	const struct hash32 spki = { { 0x52 } };
	return store_room_enrol(fx->store, &at.invited, &fx->rooms[1], &spki);
}

static enum err room_retire(struct fx *fx)
{
	struct id room_id;
	TRY(store_room_retire(fx->store, fx_text("Room 1"), &room_id));
	return store_room_retire(fx->store, fx_text("Room 2"), &room_id); /* only invited */
}

static enum err account_block(struct fx *fx)
{
	struct id user_id;
	return store_account_block(fx->store, fx_text("mara"), &user_id);
}

static enum err passphrase_change(struct fx *fx)
{
	return store_passphrase_change(fx->store, &fx->users[MARA], fx_text("blob 2"), 2,
				       &fx->keys[SAM].pk);
}

static enum err vault_put(struct fx *fx)
{
	return store_vault_put(fx->store, &fx->users[MARA], 2, fx_text("vault 2"));
}

static enum err directory_append(struct fx *fx)
{
	TRY(store_directory_append(fx->store, &at.entry));
	return store_directory_append(fx->store, &at.entry); /* is there */
}

static enum err throttle_fail(struct fx *fx)
{
	const struct view handle = fx_text("mara");
	TRY(store_throttle_fail(fx->store, handle, &fx->rooms[0]));
	TRY(store_throttle_reset(fx->store, handle, &fx->rooms[0]));
	return store_throttle_unlock(fx->store, handle);
}

static enum err setting_put(struct fx *fx)
{
	return store_setting_put(fx->store, "colour", fx_text("blue"));
}

static enum err audit(struct fx *fx)
{
	return store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_SIGN_IN });
}

static enum err purge(struct fx *fx)
{
	uint64_t purged = 0;
	fx->store->now_ms += 2 * PURGE_AFTER_MS;
	TRY(store_purge_due(fx->store, 10, &purged));
	assert_int_equal(purged, 1);
	return ERR_OK;
}

static enum err mark_and_undo(struct fx *fx)
{
	TRY(store_mark(fx->store));
	TRY(setting_put(fx));
	TRY(store_mark(fx->store));
	return store_undo(fx->store);
}

static void test_writing(void **state)
{
	static const struct verb verbs[] = {

		{ "invite", invite_put },
		{ "enrol", room_enrol },
		{ "retire", room_retire },
		{ "block", account_block },
		{ "passphrase", passphrase_change },
		{ "vault", vault_put },
		{ "directory", directory_append },
		{ "throttle", throttle_fail },
		{ "setting", setting_put },
		{ "audit", audit },
		{ "purge", purge },
		{ "mark, undo", mark_and_undo },
	};
	check_verbs(*state, verbs, COUNT_OF(verbs), true);
}

/* ---- ops ------------------------------------------------------------------------------------- */

static struct fx_op made;

static enum err append_made(struct fx *fx)
{
	struct store_op_result result = { 0 };
	TRY(store_append_op(fx->store, &made.op, &result));
	assert_int_equal(result.status, STORE_OP_COMMITTED);
	return ERR_OK;
}

static enum err find_made(struct fx *fx)
{
	struct store_op_result result = { 0 };
	bool known = false;
	TRY(store_find_op(fx->store, &made.op, &known, &result));
	assert_false(known);
	return ERR_OK;
}

static enum err quarantine_made(struct fx *fx)
{
	return store_quarantine_op(fx->store, &made.op, ERR_AUTH);
}

/* The op is there for good afterwards, for those that build on it. */
static void check_op(struct fx *fx, struct fx_lane *lane, enum kind kind,
		     const ProtobufCMessage *message)
{
	static const struct verb verbs[] = { { "append", append_made },
					     { "find", find_made },
					     { "quarantine", quarantine_made } };
	fx_op_make(fx, lane, kind, message, false, &made);
	check_verbs(fx, verbs, COUNT_OF(verbs), true);
	fx_begin(fx);
	OK(append_made(fx));
	fx_commit(fx);
	fx_lane_move(lane, &made);
	fx_op_fini(&made);
}

static void check_text(struct fx *fx, const struct id *parent)
{
	Roomkeep__SessionText m = ROOMKEEP__SESSION_TEXT__INIT;
	char words[] = "two";
	ProtobufCBinaryData list[1] = { fx_bytes(parent) };
	m.has_session_id = m.has_field = 1;
	m.session_id = fx_bytes(&at.session);
	m.field = ROOMKEEP__TEXT_FIELD__PLAN;
	m.text = words;
	m.n_parents = 1;
	m.parents = list;
	check_op(fx, at.mara, KIND_SESSION_TEXT, &m.base);
}

static void check_measure(struct fx *fx, const struct id *measure_id)
{
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	char ref[] = "cx_rot";
	char unit[] = "deg";
	m.has_session_id = m.has_measure_id = m.has_catalogue = m.has_phase = m.has_side = 1;
	m.has_value_milli = m.has_at_ms = 1;
	m.session_id = fx_bytes(&at.session);
	m.measure_id = fx_bytes(measure_id);
	m.ref = ref;
	m.catalogue = 1;
	m.phase = ROOMKEEP__PHASE__PRE;
	m.side = ROOMKEEP__SIDE__LEFT;
	m.value_milli = 61000;
	m.unit = unit;
	m.at_ms = fx->now_ms;
	check_op(fx, at.mara, KIND_MEASURE, &m.base);
}

static void check_tombstone(struct fx *fx, struct fx_lane *lane, const struct id *target)
{
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	char reason[] = "asked for";
	m.has_target = 1;
	m.target = fx_bytes(target);
	m.reason = reason;
	check_op(fx, lane, KIND_TOMBSTONE, &m.base);
}

static void check_addendum(struct fx *fx, const struct id *addendum_id)
{
	Roomkeep__Addendum m = ROOMKEEP__ADDENDUM__INIT;
	char words[] = "even more";
	m.has_session_id = m.has_addendum_id = 1;
	m.session_id = fx_bytes(&at.session);
	m.addendum_id = fx_bytes(addendum_id);
	m.text = words;
	check_op(fx, at.mara, KIND_ADDENDUM, &m.base);
}

static void check_sign(struct fx *fx, const struct id *covered)
{
	Roomkeep__Sign m = ROOMKEEP__SIGN__INIT;
	uint8_t hash[HASH_BYTES] = { 7 };
	ProtobufCBinaryData list[1] = { fx_bytes(covered) };
	m.has_session_id = m.has_values_hash = 1;
	m.session_id = fx_bytes(&at.session);
	m.covered = list;
	m.n_covered = 1;
	m.values_hash = (ProtobufCBinaryData){ sizeof(hash), hash };
	check_op(fx, at.mara, KIND_SIGN, &m.base);
}

static void check_frame(struct fx *fx, struct fx_lane *lane)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = m.has_patient_id = m.has_ended_ms = 1;
	m.session_id = fx_bytes(&at.session);
	m.patient_id = fx_bytes(&at.patient);
	m.ended_ms = fx->now_ms;
	check_op(fx, lane, KIND_SESSION_FRAME, &m.base);
}

static void check_opened(struct fx *fx, struct fx_lane *lane)
{
	Roomkeep__Opened m = ROOMKEEP__OPENED__INIT;
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(&at.patient);
	check_op(fx, lane, KIND_OPENED, &m.base);
}

static void test_ops(void **state)
{
	struct fx *fx = *state;
	const struct id addendum_id = fx_id(fx);
	check_text(fx, &at.text_op);
	check_measure(fx, &at.measure); /* the second of its id: not the plain case */
	check_addendum(fx, &addendum_id);
	check_frame(fx, at.mara);
	check_tombstone(fx, at.mara, &at.text_op);
	check_sign(fx, &at.text_op);
	check_opened(fx, fx_lane_new(fx, MARA, 0, OP_LANE_CHART)); /* the first of a lane */
}

/* ---- plain records --------------------------------------------------------------------------- */

/* The op that check_op leaves behind. */
static struct id check_op_id(struct fx *fx, enum kind kind, const ProtobufCMessage *message)
{
	const struct id op_id = fx_id(fx);
	fx->next_op_id = op_id;
	check_op(fx, at.mara, kind, message);
	return op_id;
}

static Roomkeep__Appointment appointment_of(const struct id *id, uint64_t start_ms)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	m.has_appointment_id = m.has_patient_id = m.has_starts_ms = 1;
	m.appointment_id = fx_bytes(id);
	m.patient_id = fx_bytes(&at.patient);
	m.starts_ms = start_ms;
	return m;
}

static enum err watch_count(void *ctx, const struct store_watch *p)
{
	(void)p;
	(*(unsigned *)ctx)++;
	return ERR_OK;
}

static enum err watch_each(struct fx *fx)
{
	unsigned seen = 0;
	TRY(store_watch_each(eyes(fx), fx->now_ms + CALENDAR_DAY_MS, 0,
			     (struct store_watch_visitor){ watch_count, &seen }));
	assert_int_equal(seen, 1);
	return ERR_OK;
}

static enum err openings_list(struct fx *fx)
{
	CLEANUP(arena_finip) struct arena arena;
	struct store_opening *list = NULL;
	uint64_t left_out = 0;
	size_t count = 0;
	arena_init(&arena, 1024 * 1024);
	return store_openings_list(eyes(fx), &at.patient, &arena, &list, &count, &left_out);
}

/* Booked beside another in time, moved, and the move erased: each asks what stands near. */
static void test_appointments(void **state)
{
	static const struct verb watch = { "watch", watch_each };
	static const struct verb openings = { "openings", openings_list };
	struct fx *fx = *state;
	const uint64_t start_ms = fx->now_ms + 2 * CALENDAR_DAY_MS;
	const struct id ids[2] = { fx_id(fx), fx_id(fx) };
	Roomkeep__RoomSetting room = ROOMKEEP__ROOM_SETTING__INIT;
	const struct id setting_id = fx_id(fx);
	room.has_room_setting_id = room.has_room_id = room.has_turnover_minutes = 1;
	room.room_setting_id = fx_bytes(&setting_id);
	room.room_id = fx_bytes(&fx->rooms[0]);
	room.turnover_minutes = 10;
	check_op(fx, at.mara, KIND_ROOM_SETTING, &room.base);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		Roomkeep__Appointment m =
			appointment_of(&ids[i], start_ms + i * 2 * CALENDAR_HOUR_MS);
		m.has_room_id = m.has_therapist_id = m.has_minutes = 1;
		m.room_id = fx_bytes(&fx->rooms[0]);
		m.therapist_id = fx_bytes(&fx->users[MARA]);
		m.minutes = 60;
		check_op(fx, at.mara, KIND_APPOINTMENT, &m.base);
	}
	const Roomkeep__Appointment moved =
		appointment_of(&ids[0], start_ms + 4 * CALENDAR_HOUR_MS);
	const struct id move_op = check_op_id(fx, KIND_APPOINTMENT, &moved.base);
	for (unsigned way = 0; way < WAYS; way++) {
		check_verb(fx, &at.arena, &watch, (enum way)way, false);
		check_verb(fx, &at.arena, &openings, (enum way)way, false);
	}
	check_tombstone(fx, at.mara, &move_op);
}

/* A link asks what it was before, where the patient lives, and whether something of it is gone. */
static void test_plain_records(void **state)
{
	struct fx *fx = *state;
	Roomkeep__FamilyLink m = ROOMKEEP__FAMILY_LINK__INIT;
	Roomkeep__PatientDetail detail = ROOMKEEP__PATIENT_DETAIL__INIT;
	Roomkeep__LegalHold hold = ROOMKEEP__LEGAL_HOLD__INIT;
	const struct id link_id = fx_id(fx);
	const struct id hold_id = fx_id(fx);
	const struct id relative = fx_id(fx);
	struct id patient_op;
	char day[] = "2026-11-01";
	char why[] = "a claim";
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, at.mara, &relative, "Ben Example", NULL, &patient_op));
	fx_commit(fx);
	detail.has_patient_id = detail.has_jurisdiction = 1;
	detail.patient_id = fx_bytes(&at.patient);
	detail.jurisdiction = ROOMKEEP__PATIENT_DETAIL__JURISDICTION__CA_BC;
	check_op(fx, at.mara, KIND_PATIENT_DETAIL, &detail.base);
	m.has_family_link_id = m.has_patient_id = m.has_relative_id = m.has_kin = 1;
	m.family_link_id = fx_bytes(&link_id);
	m.patient_id = fx_bytes(&at.patient);
	m.relative_id = fx_bytes(&relative);
	m.kin = ROOMKEEP__FAMILY_LINK__KIN__SPOUSE;
	check_op(fx, at.mara, KIND_FAMILY_LINK, &m.base);
	m.has_kin = 0;
	m.has_split = m.split = 1;
	const struct id split_op = check_op_id(fx, KIND_FAMILY_LINK, &m.base);
	check_tombstone(fx, at.mara, &split_op);
	check_op(fx, at.mara, KIND_FAMILY_LINK, &m.base); /* of a record that is torn */
	hold.has_legal_hold_id = hold.has_patient_id = 1;
	hold.legal_hold_id = fx_bytes(&hold_id);
	hold.patient_id = fx_bytes(&relative);
	hold.placed_on = day;
	hold.reason = why;
	check_tombstone(fx, at.mara, &patient_op);
	check_op(fx, at.mara, KIND_LEGAL_HOLD, &hold.base);
}

/* ---- opening --------------------------------------------------------------------------------- */

static enum err open_again(struct fx *fx)
{
	const struct store_options o = { .folder = fx->folder, .log_key = &fx->log };
	return store_open(&o, &fx->store);
}

static void test_opening(void **state)
{
	struct fx *fx = *state;
	for (unsigned way = 0; way < WAYS; way++) {
		bool struck = true;
		for (uint64_t n = 1; struck; n++) {
			fx_close(fx);
			arm((enum way)way, n);
			const enum err e = open_again(fx);
			struck = disarm((enum way)way);
			const enum err want = way == WAY_MEMORY ? ERR_NOMEM : ERR_IO;
			assert_int_equal(e, struck ? want : ERR_OK);
			assert_true((fx->store == NULL) == struck);
		}
	}
}

static void test_opening_to_read(void **state)
{
	struct fx *fx = *state;
	for (unsigned way = 0; way < WAYS; way++) {
		bool struck = true;
		for (uint64_t n = 1; struck; n++) {
			struct store_reader *r = NULL;
			arm((enum way)way, n);
			const enum err e = store_reader_open(fx->folder, &r);
			struck = disarm((enum way)way);
			const enum err want = way == WAY_MEMORY ? ERR_NOMEM : ERR_IO;
			assert_int_equal(e, struck ? want : ERR_OK);
			store_reader_close(r);
		}
	}
}

static enum err setup_code(struct fx *fx)
{
	const uint8_t mac[SETUP_MAC_BYTES] = { 1 };
	uint8_t got[SETUP_MAC_BYTES];
	TRY(store_setup_put(fx->store, mac, fx->now_ms + 1000));
	TRY(store_setup_get(eyes(fx), fx->now_ms, got));
	return store_setup_burn(fx->store);
}

static enum err found(struct fx *fx)
{
	return fx_found(fx);
}

/* Without memory the founding's own words could not even be made: here only the disk fails. */
static void test_founding(void **state)
{
	static const struct verb code = { "setup code", setup_code };
	static const struct verb v = { "found", found };
	for (unsigned way = 0; way < WAYS; way++)
		check_verb(*state, &at.arena, &code, (enum way)way, true);
	check_verb(*state, &at.arena, &v, WAY_STEP, true);
	check_verb(*state, &at.arena, &v, WAY_PREPARE, true);
}

/* Words that could not be taken away are taken away the next time. */
static void test_tending(void **state)
{
	struct fx *fx = *state;
	for (unsigned way = 0; way < WAYS; way++) {
		struct id op_id;
		uint64_t left = 1;
		bool struck = true;
		fx_begin(fx);
		ASSERT_COMMITTED(fx_push_text(fx, at.mara, &at.session, ROOMKEEP__TEXT_FIELD__PLAN,
					      "canary-words", NULL, 0, &op_id));
		ASSERT_COMMITTED(fx_push_tombstone(fx, at.mara, &op_id));
		fx_commit(fx);
		fx->now_ms += PURGE_AFTER_MS;
		for (uint64_t n = 1; struck; n++) {
			bool again = false;
			fx_close(fx); /* with the statements it keeps */
			fx_open(fx);
			arm((enum way)way, n);
			const enum err e = store_tend(fx->store, fx->now_ms, &again);
			struck = disarm((enum way)way);
			const enum err want = way == WAY_MEMORY ? ERR_NOMEM : ERR_IO;
			assert_int_equal(e, struck ? want : ERR_OK);
		}
		OK(db_get_u64(eyes(fx)->db,
			      "SELECT count(*) FROM op_payload"
			      " WHERE instr(bytes, CAST('canary-words' AS BLOB)) > 0",
			      DB_NO_ARGS, &left));
		assert_int_equal(left, 0);
	}
	fx_check_ok(fx);
}

/* A commit that fails leaves nothing behind, in the database and in what the store knows. */
static void test_committing(void **state)
{
	struct fx *fx = *state;
	for (unsigned way = 0; way < WAYS; way++) {
		bool struck = true;
		for (uint64_t n = 1; struck; n++) {
			const uint64_t before = fx->store->state.audit_seq;
			fx->now_ms += STORE_HEAD_MS;
			fx_begin(fx);
			OK(audit(fx));
			fx->store->now_ms += STORE_HEAD_MS; /* a head is due */
			arm((enum way)way, n);
			const enum err e = store_commit(fx->store);
			struck = disarm((enum way)way);
			if (struck) assert_int_not_equal(e, ERR_OK);
			if (!struck) OK(e);
			fx->now_ms += STORE_HEAD_MS;
			assert_int_equal(fx->store->state.audit_seq, before + (struck ? 0 : 1));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ops, setup, teardown),
		cmocka_unit_test_setup_teardown(test_appointments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_opening, setup, teardown),
		cmocka_unit_test_setup_teardown(test_opening_to_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tending, setup, teardown),
		cmocka_unit_test_setup_teardown(test_committing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_founding, fx_setup_unfounded, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
