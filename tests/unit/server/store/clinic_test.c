/* Setup code, founding, rooms, people, directory, throttle, settings, the log's heads. */
#include "store_fixture.h"

#define ARENA_BYTES (1u << 20)

/* ---- setup code and founding ----------------------------------------------------------------- */

static void test_setup_code_lives_until_it_is_burnt(void **state)
{
	struct fx *fx = *state;
	const uint8_t mac[SETUP_MAC_BYTES] = { FX_SETUP_MAC_BYTE };
	const uint8_t mac2[SETUP_MAC_BYTES] = { 0x77 };
	uint8_t got[SETUP_MAC_BYTES];
	struct store_reader *r = store_as_reader(fx->store);
	assert_int_equal(store_setup_get(r, fx->now_ms, got), ERR_NOT_FOUND);
	fx_begin(fx);
	OK(store_setup_put(fx->store, mac, FX_NOW + 100));
	OK(store_setup_put(fx->store, mac2, FX_NOW + 200)); /* --renew-code */
	fx_commit(fx);
	OK(store_setup_get(r, FX_NOW + 199, got));
	assert_memory_equal(got, mac2, sizeof(got));
	assert_int_equal(store_setup_get(r, FX_NOW + 200, got), ERR_EXPIRED);
	fx_begin(fx);
	OK(store_setup_burn(fx->store));
	fx_commit(fx);
	assert_int_equal(store_setup_get(r, FX_NOW, got), ERR_NOT_FOUND);
}

static void test_founding_happens_once(void **state)
{
	struct fx *fx = *state;
	struct store_status status;
	const uint8_t mac[SETUP_MAC_BYTES] = { 1 };
	uint8_t got[SETUP_MAC_BYTES];
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct store_clinic clinic;
	struct store_reader *r = store_as_reader(fx->store);
	OK(store_status(r, &status));
	assert_false(status.founded);
	assert_int_equal(store_clinic_get(r, &arena, &clinic), ERR_NOT_FOUND);

	fx_begin(fx);
	OK(store_setup_put(fx->store, mac, FX_NOW + 100));
	OK(fx_found(fx));
	fx_commit(fx);
	assert_int_equal(store_setup_get(r, FX_NOW, got), ERR_NOT_FOUND); /* burnt with it */
	OK(store_status(r, &status));
	assert_true(status.founded);
	assert_int_equal(status.dir_seq, 1);
	assert_int_equal(status.epoch_n, 1);
	assert_int_equal(status.audit_seq, 1);
	OK(store_clinic_get(r, &arena, &clinic));
	assert_true(id_equal(&clinic.clinic_id, &fx->clinic_id));
	assert_true(view_equal(clinic.name, view_str("Harbour")));
	struct server_record record;
	OK(server_record_verify(clinic.server_record.body, &clinic.server_record.signature,
				&clinic.clinic_id, &clinic.root_pk, &record));

	fx_begin(fx);
	assert_int_equal(fx_found(fx), ERR_EXISTS);
	assert_int_equal(store_setup_put(fx->store, mac, FX_NOW + 100), ERR_EXISTS);
	store_rollback(fx->store);
	fx_check_ok(fx);
	arena_fini(&arena);
}

static void test_founding_that_is_rolled_back_leaves_nothing(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	OK(fx_found(fx));
	store_rollback(fx->store);
	struct store_status status;
	OK(store_status(store_as_reader(fx->store), &status));
	assert_false(status.founded);
	assert_int_equal(status.audit_seq, 0);
	fx_begin(fx);
	OK(fx_found(fx));
	fx_commit(fx);
	fx_check_ok(fx);
}

/* Signed or not: records that contradict each other would be a clinic that no room can join. */
static void test_contradicting_foundings_are_refused(void **state)
{
	struct fx *fx = *state;
	struct store_status status;

	for (unsigned lie = FX_HONEST + 1; lie < FX_LIES; lie++) {
		fx_begin(fx);
		const enum err e = fx_found_lying(fx, (enum fx_lie)lie);
		if (e != ERR_BAD_VALUE) fail_msg("lie %u: %s", lie, err_name(e));
		store_rollback(fx->store);
	}
	OK(store_status(store_as_reader(fx->store), &status));
	assert_false(status.founded);
	fx_begin(fx);
	OK(fx_found(fx));
	fx_commit(fx);
}

/* The chain goes on over the founding, where the epoch begins; no head before there is a clinic. */
static void test_log_from_before_the_founding(void **state)
{
	struct fx *fx = *state;
	struct store_head head;
	fx_begin(fx);
	for (unsigned i = 0; i < STORE_HEAD_ENTRIES + 5; i++) {
		OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_SETUP_FAILED,
								 .code = ERR_AUTH }));
	}
	fx_commit(fx);
	assert_int_equal(store_head_latest(store_as_reader(fx->store), &head), ERR_NOT_FOUND);
	assert_false(store_head_is_due(fx->store, UINT64_MAX));
	fx_check_ok(fx);
	fx_begin(fx);
	OK(fx_found(fx));
	fx_commit(fx);
	OK(store_head_latest(store_as_reader(fx->store), &head));
	assert_int_equal(head.head.seq, STORE_HEAD_ENTRIES + 6);
	fx_check_ok(fx);
}

/* ---- rooms ----------------------------------------------------------------------------------- */

static struct store_invite invite_make(const char *name, uint8_t number, uint64_t expires_ms)
{
	return (struct store_invite){ .join_id = { { number } },
				      .join_mac = { 3 },
				      .expires_ms = expires_ms,
				      .name = view_str(name),
				      .kind = view_str("treatment"),
				      .join_blob = view_str("sealed"),
				      .invited_by = { { 9 } } };
}

static void test_invites_are_used_once(void **state)
{
	struct fx *fx = *state;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct store_reader *r = store_as_reader(fx->store);
	const struct store_invite invite = invite_make("Room 2", 2, FX_NOW + 1000);
	const struct hash32 spki = { { 0x22 } };
	struct store_invite found;
	assert_int_equal(store_invite_find(r, &invite.join_id, FX_NOW, &arena, &found),
			 ERR_NOT_FOUND);
	fx_begin(fx);
	OK(store_invite_put(fx->store, &invite));
	struct store_invite again = invite_make("Room 2", 3, FX_NOW + 1000);
	assert_int_equal(store_invite_put(fx->store, &again), ERR_EXISTS);
	again.name = view_str("Room 1"); /* an active room */
	assert_int_equal(store_invite_put(fx->store, &again), ERR_EXISTS);
	again = invite_make("Room 3", 2, FX_NOW + 1000); /* a join_id again */
	assert_int_equal(store_invite_put(fx->store, &again), ERR_EXISTS);

	OK(store_invite_find(r, &invite.join_id, FX_NOW + 999, &arena, &found));
	assert_true(view_equal(found.name, invite.name));
	assert_true(view_equal(found.join_blob, invite.join_blob));
	assert_memory_equal(found.join_mac, invite.join_mac, sizeof(found.join_mac));
	assert_int_equal(store_invite_find(r, &invite.join_id, FX_NOW + 1000, &arena, &found),
			 ERR_EXPIRED);

	OK(store_room_enrol(fx->store, &invite.join_id, &fx->rooms[1], &spki));
	assert_int_equal(store_invite_find(r, &invite.join_id, FX_NOW, &arena, &found), ERR_USED);
	assert_int_equal(store_room_enrol(fx->store, &invite.join_id, &fx->rooms[1], &spki),
			 ERR_USED);
	fx_commit(fx);
	arena_fini(&arena);
}

static void test_wrong_proof_burns_the_invite(void **state)
{
	struct fx *fx = *state;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct store_reader *r = store_as_reader(fx->store);
	struct store_invite invite = invite_make("Room 2", 2, FX_NOW + 1000);
	struct store_invite found;
	fx_begin(fx);
	assert_int_equal(store_invite_burn(fx->store, &invite.join_id), ERR_NOT_FOUND);
	OK(store_invite_put(fx->store, &invite));
	OK(store_invite_burn(fx->store, &invite.join_id));
	OK(store_invite_burn(fx->store, &invite.join_id));
	assert_int_equal(store_invite_find(r, &invite.join_id, FX_NOW, &arena, &found), ERR_USED);
	invite.join_id.b[0] = 77; /* the name is free again */
	OK(store_invite_put(fx->store, &invite));
	fx_commit(fx);
	arena_fini(&arena);
}

static enum store_room_state room_state(struct fx *fx, const char *name, size_t *ret_rooms)
{
	struct arena arena;
	struct store_room *rooms = NULL;
	enum store_room_state found = STORE_ROOM_INVITED;
	arena_init(&arena, ARENA_BYTES);
	OK(store_rooms_list(store_as_reader(fx->store), fx->now_ms, &arena, &rooms, ret_rooms));
	bool there = false;
	for (size_t i = 0; i < *ret_rooms; i++) {
		if (!view_equal(rooms[i].name, view_str(name))) continue;
		found = rooms[i].state;
		there = true;
	}
	assert_true(there);
	arena_fini(&arena);
	return found;
}

static void test_rooms_come_and_go(void **state)
{
	struct fx *fx = *state;
	struct id gone;
	size_t rooms = 0;
	const struct hash32 spki = { { 0x22 } };
	const struct hash32 spki3 = { { 0x33 } };
	const struct store_invite invite = invite_make("Room 2", 2, FX_NOW + 1000);
	const struct store_invite renew = invite_make("Renew", 4, FX_NOW + 1000);
	const struct store_invite next = invite_make("Room 2", 5, FX_NOW + 1000);
	fx_begin(fx);
	OK(store_invite_put(fx->store, &invite));
	assert_int_equal(room_state(fx, "Room 2", &rooms), STORE_ROOM_INVITED);
	assert_int_equal(rooms, 2);
	OK(store_room_enrol(fx->store, &invite.join_id, &fx->rooms[1], &spki));
	assert_int_equal(room_state(fx, "Room 2", &rooms), STORE_ROOM_ACTIVE);
	assert_int_equal(rooms, 2);
	OK(store_invite_put(fx->store, &renew));
	OK(store_room_enrol(fx->store, &renew.join_id, &fx->rooms[1], &spki)); /* --renew */
	(void)room_state(fx, "Room 2", &rooms);
	assert_int_equal(rooms, 2);

	OK(store_room_retire(fx->store, view_str("Room 2"), &gone));
	assert_true(id_equal(&gone, &fx->rooms[1]));
	assert_int_equal(room_state(fx, "Room 2", &rooms), STORE_ROOM_RETIRED);
	assert_int_equal(store_room_retire(fx->store, view_str("Room 2"), &gone), ERR_NOT_FOUND);

	/* The name may be used again; neither the id nor the key of a retired room. */
	OK(store_invite_put(fx->store, &next));
	assert_int_equal(store_room_enrol(fx->store, &next.join_id, &fx->rooms[1], &spki3),
			 ERR_EXISTS);
	const struct id other = { { 0x99 } };
	assert_int_equal(store_room_enrol(fx->store, &next.join_id, &other, &spki), ERR_EXISTS);
	OK(store_room_enrol(fx->store, &next.join_id, &other, &spki3));
	fx_commit(fx);
}

static void test_retiring_an_invited_room_withdraws_it(void **state)
{
	struct fx *fx = *state;
	struct id gone = { { 1 } };
	size_t rooms = 0;
	const struct store_invite invite = invite_make("Room 2", 2, FX_NOW + 1000);
	const struct hash32 spki = { { 0x22 } };
	fx_begin(fx);
	OK(store_invite_put(fx->store, &invite));
	OK(store_room_retire(fx->store, view_str("Room 2"), &gone));
	assert_true(id_is_zero(&gone));
	(void)room_state(fx, "Room 1", &rooms);
	assert_int_equal(rooms, 1);
	assert_int_equal(store_room_enrol(fx->store, &invite.join_id, &fx->rooms[1], &spki),
			 ERR_USED);
	fx_commit(fx);
}

static void test_rooms_are_bounded(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	for (unsigned i = 1; i <= ROOMS_MAX; i++) { /* Room 1 is there */
		char name[32];
		(void)snprintf(name, sizeof(name), "Extra %u", i);
		const struct store_invite invite = invite_make(name, (uint8_t)(i + 10), FX_NOW + 9);
		const struct id room_id = { { 0xaa, (uint8_t)i } };
		const struct hash32 spki = { { 0xbb, (uint8_t)i } };
		OK(store_invite_put(fx->store, &invite));
		assert_int_equal(store_room_enrol(fx->store, &invite.join_id, &room_id, &spki),
				 i < ROOMS_MAX ? ERR_OK : ERR_FULL);
	}
	fx_commit(fx);
}

/* ---- people ---------------------------------------------------------------------------------- */

static void test_accounts(void **state)
{
	struct fx *fx = *state;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct store_reader *r = store_as_reader(fx->store);
	struct store_account a;
	OK(store_account_by_login(r, view_str("mara"), &arena, &a));
	assert_true(id_equal(&a.user_id, &fx->users[MARA]));
	assert_true(sign_pk_equal(&a.auth_pk, &fx->keys[MARA].pk));
	assert_true(view_equal(a.keyring_blob, view_str("keyring blob")));
	assert_false(a.blocked);
	OK(store_account_by_id(r, &fx->users[SAM], &arena, &a));
	assert_true(view_equal(a.login, view_str("sam")));
	assert_int_equal(store_account_by_login(r, view_str("Mara"), &arena, &a), ERR_NOT_FOUND);
	struct store_account *all = NULL;
	size_t count = 0;
	OK(store_accounts_list(r, &arena, &all, &count));
	assert_int_equal(count, FX_USERS);

	fx_begin(fx);
	struct store_account again = fx_account(fx, MARA, "other");
	OK(store_mark(fx->store));
	assert_int_equal(store_account_put(fx->store, &again), ERR_EXISTS); /* user_id */
	again.user_id = (struct id){ { 1 } };
	again.login = view_str("jo");
	assert_int_equal(store_account_put(fx->store, &again), ERR_EXISTS); /* login */
	char login[LOGIN_BYTES_MAX + 2] = { 0 };
	for (size_t i = 0; i <= LOGIN_BYTES_MAX; i++) login[i] = 'x';
	again.login = view_str(login);
	assert_int_equal(store_account_put(fx->store, &again), ERR_BAD_VALUE);
	again.login.len = LOGIN_BYTES_MAX;
	OK(store_account_put(fx->store, &again));

	struct id blocked;
	assert_int_equal(store_account_block(fx->store, view_str("who"), &blocked), ERR_NOT_FOUND);
	OK(store_account_block(fx->store, view_str("mara"), &blocked));
	assert_true(id_equal(&blocked, &fx->users[MARA]));
	OK(store_account_by_login(r, view_str("mara"), &arena, &a));
	assert_true(a.blocked);
	fx_commit(fx);
	arena_fini(&arena);
}

static void test_passphrase_and_vault_revisions(void **state)
{
	struct fx *fx = *state;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct store_reader *r = store_as_reader(fx->store);
	const struct id *mara = &fx->users[MARA];
	const struct id nobody = { { 5 } };
	struct store_account a;
	uint64_t rev = 0;
	struct view blob;
	fx_begin(fx);
	const struct view b2 = view_str("blob 2");
	assert_int_equal(store_passphrase_change(fx->store, mara, b2, 1, &fx->root.pk),
			 ERR_CONFLICT);
	assert_int_equal(store_passphrase_change(fx->store, mara, b2, 3, &fx->root.pk),
			 ERR_CONFLICT);
	assert_int_equal(store_passphrase_change(fx->store, &nobody, b2, 2, &fx->root.pk),
			 ERR_NOT_FOUND);
	OK(store_passphrase_change(fx->store, mara, b2, 2, &fx->root.pk));
	OK(store_account_by_id(r, mara, &arena, &a));
	assert_int_equal(a.keyring_rev, 2);
	assert_true(view_equal(a.keyring_blob, b2));
	assert_true(sign_pk_equal(&a.auth_pk, &fx->root.pk));

	assert_int_equal(store_vault_get(r, mara, &arena, &rev, &blob), ERR_NOT_FOUND);
	assert_int_equal(store_vault_put(fx->store, &nobody, 1, b2), ERR_NOT_FOUND);
	OK(store_vault_put(fx->store, mara, 5, view_str("vault 5")));
	assert_int_equal(store_vault_put(fx->store, mara, 5, b2), ERR_CONFLICT);
	assert_int_equal(store_vault_put(fx->store, mara, 4, b2), ERR_CONFLICT);
	OK(store_vault_put(fx->store, mara, 6, view_str("vault 6")));
	OK(store_vault_get(r, mara, &arena, &rev, &blob));
	assert_int_equal(rev, 6);
	assert_true(view_equal(blob, view_str("vault 6")));
	fx_commit(fx);
	arena_fini(&arena);
}

static void test_directory_is_a_chain(void **state)
{
	struct fx *fx = *state;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct store_reader *r = store_as_reader(fx->store);
	struct store_dir_item *items = NULL;
	size_t count = 0;
	OK(store_directory_list(r, 0, 100, &arena, &items, &count));
	assert_int_equal(count, 3);
	assert_true(view_equal(items[1].login, view_str("mara")));
	OK(store_directory_list(r, 1, 1, &arena, &items, &count));
	assert_int_equal(count, 1);
	OK(store_directory_list(r, 3, 100, &arena, &items, &count));
	assert_int_equal(count, 0);

	CLEANUP(dir_finip) struct directory loaded = { 0 };
	OK(store_directory_load(r, &loaded));
	assert_int_equal(loaded.entry_count, 3);
	assert_true(dir_user_has(&loaded, &fx->users[JO], ROLE_OWNER));

	/* The same entry again is fine, another one with its number is not, nor one after a gap. */
	OK(store_directory_list(r, 2, 1, &arena, &items, &count));
	fx_begin(fx);
	OK(store_directory_append(fx->store, &items[0].item));
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct dir_entry entry;
	OK(dir_entry_parse(items[0].item.entry, &entry));
	entry.roles = ROLE_ADMIN;
	OK(dir_entry_encode(&entry, &bytes));
	struct dir_signed other = items[0].item;
	other.entry = buf_view(&bytes);
	assert_int_equal(store_directory_append(fx->store, &other), ERR_FORK);
	entry.dir_seq = 4; /* its prev_hash is not that of entry 3 */
	buf_clear(&bytes);
	OK(dir_entry_encode(&entry, &bytes));
	other.entry = buf_view(&bytes);
	assert_int_equal(store_directory_append(fx->store, &other), ERR_FORK);
	entry.dir_seq = 5;
	buf_clear(&bytes);
	OK(dir_entry_encode(&entry, &bytes));
	other.entry = buf_view(&bytes);
	assert_int_equal(store_directory_append(fx->store, &other), ERR_LANE_GAP);
	store_rollback(fx->store);
	arena_fini(&arena);
}

/* ---- throttle -------------------------------------------------------------------------------- */

static struct store_throttle throttle(struct fx *fx, const char *handle, size_t room,
				      uint64_t now_ms)
{
	struct store_throttle t;
	OK(store_throttle_get(store_as_reader(fx->store), view_str(handle), &fx->rooms[room],
			      now_ms, &t));
	return t;
}

static void fail_sign_in(struct fx *fx, const char *handle, size_t room)
{
	fx_begin(fx);
	OK(store_throttle_fail(fx->store, view_str(handle), &fx->rooms[room]));
	OK(store_commit(fx->store));
}

static void test_throttle_waits_as_written(void **state)
{
	struct fx *fx = *state;
	static const uint64_t waits[] = { 0,     0,      0,      0,      15000,  30000,
					  60000, 120000, 240000, 480000, 900000, 900000 };
	const uint64_t now = fx->now_ms;
	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		fail_sign_in(fx, "mara", 0);
		assert_int_equal(throttle(fx, "mara", 0, now).retry_ms, waits[i]);
		if (waits[i] > 0) {
			assert_int_equal(throttle(fx, "mara", 0, now + waits[i] - 1).retry_ms, 1);
		}
		assert_int_equal(throttle(fx, "mara", 0, now + waits[i]).retry_ms, 0);
		assert_int_equal(throttle(fx, "mara", 1, now).retry_ms, 0); /* the other room */
	}
	fx_close(fx);
	fx_open(fx); /* it survives a restart */
	assert_int_equal(throttle(fx, "mara", 0, now).retry_ms, 900000);
	/* A clock that was set back a little while a wait ran does not make it longer. */
	assert_int_equal(throttle(fx, "mara", 0, now - 1000).retry_ms, 900000);
	/* A clock that was wrong by years locks nobody out. */
	assert_int_equal(throttle(fx, "mara", 0, now - 10ull * 365 * 86400000).retry_ms, 0);
	fx_begin(fx);
	OK(store_throttle_reset(fx->store, view_str("mara"), &fx->rooms[0]));
	fx_commit(fx);
	assert_int_equal(throttle(fx, "mara", 0, now).retry_ms, 0);
}

static void test_throttle_locks_the_handle_at_100(void **state)
{
	struct fx *fx = *state;
	for (unsigned i = 1; i <= THROTTLE_HANDLE_FAILURES_MAX; i++) {
		assert_false(throttle(fx, "ghost", 0, fx->now_ms).locked);
		fail_sign_in(fx, "ghost", i % 2); /* nobody has that name: counted all the same */
	}
	assert_true(throttle(fx, "ghost", 0, fx->now_ms).locked);
	assert_true(throttle(fx, "ghost", 1, fx->now_ms).locked);
	assert_false(throttle(fx, "mara", 0, fx->now_ms).locked);
	fx_begin(fx);
	OK(store_throttle_unlock(fx->store, view_str("ghost")));
	fx_commit(fx);
	assert_false(throttle(fx, "ghost", 0, fx->now_ms).locked);
	assert_int_equal(throttle(fx, "ghost", 0, fx->now_ms).retry_ms, 0);
}

static void test_good_sign_in_resets_the_count_over_all_rooms(void **state)
{
	struct fx *fx = *state;
	for (unsigned i = 0; i < THROTTLE_HANDLE_FAILURES_MAX - 1; i++) fail_sign_in(fx, "jo", 0);
	fx_begin(fx);
	OK(store_throttle_reset(fx->store, view_str("jo"), &fx->rooms[1]));
	fx_commit(fx);
	fail_sign_in(fx, "jo", 0);
	const struct store_throttle t = throttle(fx, "jo", 0, fx->now_ms);
	assert_false(t.locked);
	assert_true(t.retry_ms > 0); /* but that room still waits */
}

static void test_throttle_table_is_bounded(void **state)
{
	struct fx *fx = *state;
	struct store_throttle t;
	char handle[LOGIN_BYTES_MAX + 2] = { 0 };
	fx_begin(fx);
	for (unsigned i = 0; i < THROTTLE_ROWS_MAX / 2 + 10; i++) {
		(void)snprintf(handle, sizeof(handle), "h%u", i);
		OK(store_throttle_fail(fx->store, view_str(handle), &fx->rooms[0]));
	}
	fx_commit(fx);
	for (size_t i = 0; i <= LOGIN_BYTES_MAX; i++) handle[i] = 'x';
	assert_int_equal(store_throttle_get(store_as_reader(fx->store), view_str(handle),
					    &fx->rooms[0], fx->now_ms, &t),
			 ERR_TOO_BIG);
	handle[LOGIN_BYTES_MAX] = '\0';
	OK(store_throttle_get(store_as_reader(fx->store), view_str(handle), &fx->rooms[0],
			      fx->now_ms, &t));
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void test_settings(void **state)
{
	struct fx *fx = *state;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	struct view value;
	struct store_reader *r = store_as_reader(fx->store);
	assert_int_equal(store_setting_get(r, "listen", &arena, &value), ERR_NOT_FOUND);
	fx_begin(fx);
	OK(store_setting_put(fx->store, "listen", view_str("127.0.0.1:1")));
	OK(store_setting_put(fx->store, "listen", view_str("127.0.0.1:2")));
	fx_commit(fx);
	OK(store_setting_get(r, "listen", &arena, &value));
	assert_true(view_equal(value, view_str("127.0.0.1:2")));
	arena_fini(&arena);

	struct arena tiny; /* the cap of the caller's arena is an error, not a crash */
	arena_init(&tiny, 4);
	assert_int_equal(store_setting_get(r, "listen", &tiny, &value), ERR_TOO_BIG);
	arena_fini(&tiny);
}

static void note_event(struct fx *fx)
{
	OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_SIGN_IN,
							 .user_id = fx->users[MARA] }));
}

static void test_heads_after_100_entries_or_a_minute(void **state)
{
	struct fx *fx = *state; /* one entry: founded */
	struct store_head head;
	struct store_reader *r = store_as_reader(fx->store);
	assert_int_equal(store_head_latest(r, &head), ERR_NOT_FOUND);
	fx_begin(fx);
	for (unsigned i = 0; i < STORE_HEAD_ENTRIES - 2; i++) note_event(fx);
	fx_commit(fx);
	assert_int_equal(store_head_latest(r, &head), ERR_NOT_FOUND); /* 99 */
	assert_false(store_head_is_due(fx->store, FX_NOW + STORE_HEAD_MS - 1));
	fx_begin(fx);
	note_event(fx);
	fx_commit(fx);
	OK(store_head_latest(r, &head)); /* 100 */
	assert_int_equal(head.head.seq, STORE_HEAD_ENTRIES);
	assert_true(id_equal(&head.head.epoch, &fx->epoch));
	OK(audit_head_verify(&head.head, &fx->log.pk, &head.signature));

	fx_begin(fx);
	note_event(fx);
	const uint64_t at_ms = fx->now_ms;
	fx_commit(fx);
	assert_false(store_head_is_due(fx->store, at_ms + STORE_HEAD_MS - 1));
	assert_true(store_head_is_due(fx->store, at_ms + STORE_HEAD_MS));
	fx_close(fx);
	fx_open(fx); /* what waits is known after a restart */
	assert_true(store_head_is_due(fx->store, at_ms + STORE_HEAD_MS));
	fx->now_ms = at_ms + STORE_HEAD_MS;
	fx_begin(fx);
	fx_commit(fx); /* an empty transaction signs it */
	OK(store_head_latest(store_as_reader(fx->store), &head));
	assert_int_equal(head.head.seq, STORE_HEAD_ENTRIES + 1);
	assert_false(store_head_is_due(fx->store, UINT64_MAX));
	fx_check_ok(fx);
}

/* What no room and no admin of ours sends: refused before anything is written. */
static void test_ids_and_names_are_there(void **state)
{
	struct fx *fx = *state;
	struct store_invite invite = invite_make("Room 2", 2, FX_NOW + 1000);
	struct store_account account = fx_account(fx, MARA, "ida");
	const struct hash32 spki = { { 0x22 } };
	const struct id nobody = { { 0 } };
	char login[LOGIN_BYTES_MAX + 2];
	assert_int_equal(store_begin(fx->store, (uint64_t)INT64_MAX + 1), ERR_BAD_VALUE);
	fx_begin(fx);
	invite.join_id = nobody;
	assert_int_equal(store_invite_put(fx->store, &invite), ERR_BAD_VALUE);
	invite = invite_make("", 2, FX_NOW + 1000);
	assert_int_equal(store_invite_put(fx->store, &invite), ERR_BAD_VALUE);
	invite = invite_make("Room 2", 2, FX_NOW + 1000);
	OK(store_invite_put(fx->store, &invite));
	assert_int_equal(store_room_enrol(fx->store, &invite.join_id, &nobody, &spki),
			 ERR_BAD_VALUE);
	account.user_id = nobody;
	assert_int_equal(store_account_put(fx->store, &account), ERR_BAD_VALUE);
	account.user_id = fx_id(fx);
	account.login = VIEW_EMPTY;
	assert_int_equal(store_account_put(fx->store, &account), ERR_BAD_VALUE);
	for (size_t i = 0; i <= LOGIN_BYTES_MAX; i++) login[i] = 'a';
	account.login = view_of(login, LOGIN_BYTES_MAX + 1);
	assert_int_equal(store_account_put(fx->store, &account), ERR_BAD_VALUE);
	account.login = view_of(login, LOGIN_BYTES_MAX);
	OK(store_account_put(fx->store, &account));
	store_rollback(fx->store);
}

/* A clock that goes back must not stop the heads. */
static void test_a_head_is_due_when_the_clock_went_back(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_SIGN_IN }));
	fx_commit(fx);
	const uint64_t since = FX_NOW; /* of the founding */
	assert_false(store_head_is_due(fx->store, since));
	assert_false(store_head_is_due(fx->store, since + STORE_HEAD_MS - 1));
	assert_true(store_head_is_due(fx->store, since + STORE_HEAD_MS));
	assert_true(store_head_is_due(fx->store, since - 3600000));
}

static void test_undo_takes_the_log_back_too(void **state)
{
	struct fx *fx = *state;
	struct store_status status;
	fx_begin(fx);
	note_event(fx);
	OK(store_mark(fx->store));
	note_event(fx);
	note_event(fx);
	OK(store_undo(fx->store));
	OK(store_mark(fx->store));
	note_event(fx);
	OK(store_mark(fx->store)); /* replaces the one before */
	OK(store_undo(fx->store));
	fx_commit(fx);
	OK(store_status(store_as_reader(fx->store), &status));
	assert_int_equal(status.audit_seq, 3);
	fx_check_ok(fx);
}

static void test_second_store_and_readers(void **state)
{
	struct fx *fx = *state;
	struct store *second = NULL;
	const struct store_options options = { .folder = fx->folder, .log_key = &fx->log };
	assert_int_equal(store_open(&options, &second), ERR_BUSY);
	struct store_reader *r = NULL;
	struct store_status status;
	OK(store_reader_open(fx->folder, &r));
	fx_begin(fx);
	note_event(fx);
	OK(store_status(r, &status));
	assert_int_equal(status.audit_seq, 1); /* not committed yet */
	fx_commit(fx);
	OK(store_status(r, &status));
	assert_int_equal(status.audit_seq, 2);
	store_reader_close(r);
	assert_int_equal(store_reader_open("/tmp/rk-no-such-folder", &r), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define UNFOUNDED(test) cmocka_unit_test_setup_teardown(test, fx_setup_unfounded, fx_teardown)
#define FOUNDED(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)
		UNFOUNDED(test_setup_code_lives_until_it_is_burnt),
		UNFOUNDED(test_founding_happens_once),
		UNFOUNDED(test_founding_that_is_rolled_back_leaves_nothing),
		UNFOUNDED(test_contradicting_foundings_are_refused),
		UNFOUNDED(test_log_from_before_the_founding),
		FOUNDED(test_invites_are_used_once),
		FOUNDED(test_wrong_proof_burns_the_invite),
		FOUNDED(test_rooms_come_and_go),
		FOUNDED(test_retiring_an_invited_room_withdraws_it),
		FOUNDED(test_rooms_are_bounded),
		FOUNDED(test_accounts),
		FOUNDED(test_passphrase_and_vault_revisions),
		FOUNDED(test_directory_is_a_chain),
		FOUNDED(test_throttle_waits_as_written),
		FOUNDED(test_throttle_locks_the_handle_at_100),
		FOUNDED(test_good_sign_in_resets_the_count_over_all_rooms),
		FOUNDED(test_throttle_table_is_bounded),
		FOUNDED(test_settings),
		FOUNDED(test_heads_after_100_entries_or_a_minute),
		FOUNDED(test_ids_and_names_are_there),
		FOUNDED(test_a_head_is_due_when_the_clock_went_back),
		FOUNDED(test_undo_takes_the_log_back_too),
		FOUNDED(test_second_store_and_readers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
