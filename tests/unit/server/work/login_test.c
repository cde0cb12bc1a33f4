/* Sign-in: proofs, throttles, and that nobody learns who exists. */
#include "work_fx.h"

/* A person who is known to nobody. */
static void stranger_init(struct box_clinic *c, struct box_person *p, const char *login)
{
	box_person_init(c, p, "Nobody", login, DIR_THERAPIST);
}

static void test_login_ok_brings_the_keyring(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(1);
	const Roomkeep__Frame *f = box_try_sign_in(c, &c->room1, &c->owner);
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_LOGIN_OK);
	const Roomkeep__LoginOk *ok = f->login_ok;
	assert_int_equal(ok->keyring_blob.len, c->owner.blob.len);
	assert_memory_equal(ok->keyring_blob.data, c->owner.blob.p, c->owner.blob.len);
	assert_false(ok->has_vault_blob);
	assert_int_equal(ok->n_own_lanes, 0);
	box_clinic_free(c);
}

static void test_params_are_the_blobs(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(2);
	uint8_t cn[PROOF_NONCE_BYTES];
	const Roomkeep__Frame *f = box_login_start(c, &c->room1, "jo", cn);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_LOGIN_PARAMS);
	const Roomkeep__LoginParams *p = f->login_params;
	const struct kdf_params kdf = kdf_params_default();
	assert_memory_equal(p->user_id.data, c->owner.id.b, ID_BYTES);
	assert_memory_equal(p->salt.data, c->owner.salt, KDF_SALT_BYTES);
	assert_int_equal(p->t, kdf.t);
	assert_int_equal(p->m_kib, kdf.m_kib);
	assert_int_equal(p->cs_id, 1);
	assert_int_equal(p->sn.len, PROOF_NONCE_BYTES);
	box_clinic_free(c);
}

/* Size and codes of every answer are the same for the known, the unknown and the dismissed. */
static void test_no_enumeration(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(3);
	struct box_person gone;
	struct box_person blocked;
	struct box_person nobody;
	box_sign_in(c, &c->room1, &c->owner);
	box_person_init(c, &gone, "Gone Person", "gone", DIR_THERAPIST);
	box_add_person(c, &c->room1, &gone);
	box_disable_person(c, &c->room1, &gone);
	box_person_init(c, &blocked, "Blocked Person", "block", DIR_THERAPIST);
	box_add_person(c, &c->room1, &blocked);
	struct id blocked_id;
	assert_int_equal(setup_block_user(server_box_store(c->box), view_str("block"), c->wall_ms,
					  &blocked_id),
			 ERR_OK);
	assert_true(id_equal(&blocked_id, &blocked.id));
	assert_int_equal(roster_block_user(server_box_roster(c->box), &blocked_id), ERR_OK);
	stranger_init(c, &nobody, "nobody");

	struct box_person wrong = c->owner; /* the right login, another passphrase */
	assert_int_equal(sign_key_new(&wrong.auth), ERR_OK);
	const struct box_person *people[] = { &wrong, &gone, &blocked, &nobody };
	size_t params_len = 0;
	size_t reply_len = 0;
	for (size_t i = 0; i < COUNT_OF(people); i++) {
		(void)box_room_hello(c, &c->room1, true);
		uint8_t cn[PROOF_NONCE_BYTES];
		Roomkeep__Frame *f = box_login_start(c, &c->room1, people[i]->login, cn);
		assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_LOGIN_PARAMS);
		const size_t len = frame_bytes(f);
		if (i == 0) params_len = len;
		assert_int_equal(len, params_len);
		/* Dismissed people's real ids and salts are not told any more. */
		if (i > 0) {
			assert_memory_not_equal(f->login_params->user_id.data, people[i]->id.b,
						ID_BYTES);
			assert_memory_not_equal(f->login_params->salt.data, people[i]->salt,
						KDF_SALT_BYTES);
		}
		const uint64_t from_ms = c->now_ms;
		Roomkeep__Frame *proof =
			box_login_proof_frame(c, &c->room1, people[i], cn, f->login_params);
		assert_null(box_call(c, &c->room1, proof));
		assert_int_equal(server_box_deadline_ms(c->box), from_ms + LOGIN_FAIL_MS_MIN);
		box_clinic_advance(c, LOGIN_FAIL_MS_MIN);
		f = box_collect(c, &c->room1, c->room1.request);
		assert_int_equal(reply_code(f), ERR_AUTH);
		if (i == 0) reply_len = frame_bytes(f);
		assert_int_equal(frame_bytes(f), reply_len);
	}
	sign_key_fini(&wrong.auth);
	box_person_fini(&gone);
	box_person_fini(&blocked);
	box_person_fini(&nobody);
	check_store(c);
	box_clinic_free(c);
}

/* An unknown login answers the same thing tomorrow. */
static void test_fake_params_are_steady(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(4);
	uint8_t cn[PROOF_NONCE_BYTES];
	const Roomkeep__LoginParams *a = box_login_start(c, &c->room1, "nobody", cn)->login_params;
	const Roomkeep__LoginParams *other =
		box_login_start(c, &c->room1, "nobody2", cn)->login_params;
	box_clinic_restart(c);
	(void)box_room_hello(c, &c->room1, true);
	const Roomkeep__LoginParams *b = box_login_start(c, &c->room1, "nobody", cn)->login_params;
	assert_memory_equal(a->user_id.data, b->user_id.data, ID_BYTES);
	assert_memory_equal(a->salt.data, b->salt.data, KDF_SALT_BYTES);
	assert_memory_not_equal(a->salt.data, other->salt.data, KDF_SALT_BYTES);
	assert_memory_not_equal(a->sn.data, b->sn.data, PROOF_NONCE_BYTES);
	box_clinic_free(c);
}

/* Even the key of the account that is read in their stead opens nothing under an unknown login. */
static void test_decoy_does_not_sign_in(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(5);
	struct box_person trick = c->owner;
	trick.login = "nobody";
	assert_int_equal(reply_code(box_try_sign_in(c, &c->room1, &trick)), ERR_AUTH);
	box_clinic_free(c);
}

static void test_proof_belongs_to_its_conn_and_room(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(6);
	struct box_room room2;
	box_room_init(c, &room2, "Room 2");
	box_sign_in(c, &c->room1, &c->owner);
	box_enrol(c, &c->room1, &room2);
	uint8_t cn[PROOF_NONCE_BYTES];
	const Roomkeep__Frame *f = box_login_start(c, &room2, "jo", cn);
	/* Made with room 1's exporter and key, sent in room 2. */
	Roomkeep__Frame *moved =
		box_login_proof_frame(c, &c->room1, &c->owner, cn, f->login_params);
	assert_null(box_call(c, &room2, moved));
	box_clinic_advance(c, LOGIN_FAIL_MS_MIN);
	assert_int_equal(reply_code(box_collect(c, &room2, room2.request)), ERR_AUTH);
	/* A good proof kept for another conn of the same room. */
	f = box_login_start(c, &room2, "jo", cn);
	Roomkeep__Frame *kept = box_login_proof_frame(c, &room2, &c->owner, cn, f->login_params);
	(void)box_room_hello(c, &room2, true);
	assert_int_equal(box_call_code(c, &room2, kept), ERR_EXPIRED);
	(void)box_login_start(c, &room2, "jo", cn);
	assert_null(box_call(c, &room2, kept));
	box_clinic_advance(c, LOGIN_FAIL_MS_MIN);
	assert_int_equal(reply_code(box_collect(c, &room2, room2.request)), ERR_AUTH);
	box_room_hang_up(c, &room2);
	box_clinic_free(c);
}

static enum err try_wrong(struct box_clinic *c, struct box_room *room, struct box_person *wrong)
{
	return reply_code(box_try_sign_in(c, room, wrong));
}

static void test_throttle_by_handle_and_room(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(7);
	struct box_room room2;
	box_room_init(c, &room2, "Room 2");
	box_sign_in(c, &c->room1, &c->owner);
	box_enrol(c, &c->room1, &room2);
	(void)box_room_hello(c, &c->room1, true);
	struct box_person wrong = c->owner;
	assert_int_equal(sign_key_new(&wrong.auth), ERR_OK);
	for (unsigned i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(try_wrong(c, &c->room1, &wrong), ERR_AUTH);
	/* The sixth has to wait, and is told how long. */
	const Roomkeep__Frame *f = box_try_sign_in(c, &c->room1, &wrong);
	assert_int_equal(reply_code(f), ERR_THROTTLED);
	assert_true(f->result->retry_ms > 0 && f->result->retry_ms <= THROTTLE_MS_FIRST);
	/* Also with the right passphrase, and after a restart. */
	assert_int_equal(reply_code(box_try_sign_in(c, &c->room1, &c->owner)), ERR_THROTTLED);
	box_room_hang_up(c, &room2);
	box_clinic_restart(c);
	(void)box_room_hello(c, &c->room1, true);
	assert_int_equal(reply_code(box_try_sign_in(c, &c->room1, &c->owner)), ERR_THROTTLED);
	/* Another room is not locked out by it. */
	(void)box_room_hello(c, &room2, true);
	box_sign_in(c, &room2, &c->owner);
	box_room_hang_up(c, &room2);
	/* Time heals; a good sign-in starts anew. */
	box_clinic_advance(c, THROTTLE_MS_FIRST);
	box_sign_in(c, &c->room1, &c->owner);
	sign_key_fini(&wrong.auth);
	box_clinic_free(c);
}

static void test_unknown_logins_are_throttled_alike(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(8);
	struct box_person nobody;
	stranger_init(c, &nobody, "nobody");
	for (unsigned i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(try_wrong(c, &c->room1, &nobody), ERR_AUTH);
	assert_int_equal(try_wrong(c, &c->room1, &nobody), ERR_THROTTLED);
	box_person_fini(&nobody);
	box_clinic_free(c);
}

static enum err unlock(struct box_clinic *c, struct box_room *room, const char *login)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_UNLOCK_LOGIN);
	f->unlock_login->handle = login == NULL ? NULL : box_text(c, login);
	return box_call_code(c, room, f);
}

/* What 100 wrong tries lock an owner opens again, in every room at once; nobody else can. */
static void test_owner_unlocks_a_login(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 11);
	struct box_room room3;
	box_room_init(t.c, &room3, "Room 3");
	box_enrol(t.c, &t.c->room1, &room3);
	struct box_person wrong = t.dee;
	assert_int_equal(sign_key_new(&wrong.auth), ERR_OK);
	for (unsigned i = 0; i < THROTTLE_HANDLE_FAILURES_MAX; i++) {
		box_clinic_advance(t.c, i < THROTTLE_FREE ? 1 : THROTTLE_MS_MAX);
		(void)box_room_hello(t.c, &room3, true); /* idle rooms are closed meanwhile */
		assert_int_equal(try_wrong(t.c, &room3, &wrong), ERR_AUTH);
	}
	box_clinic_advance(t.c, THROTTLE_MS_MAX);
	(void)box_room_hello(t.c, &room3, true);
	assert_int_equal(reply_code(box_try_sign_in(t.c, &room3, &t.dee)), ERR_THROTTLED);
	(void)box_room_hello(t.c, &t.c->room1, true);
	box_sign_in(t.c, &t.c->room1, &t.c->owner);
	(void)box_room_hello(t.c, &t.room2, true);
	box_sign_in(t.c, &t.room2, &t.mara);
	const uint64_t before = status_of(t.c).audit_seq;
	assert_int_equal(unlock(t.c, &t.room2, "dee"), ERR_DENIED);
	assert_int_equal(status_of(t.c).audit_seq, before + 1); /* the refusal is written down */
	assert_int_equal(reply_code(box_try_sign_in(t.c, &room3, &t.dee)), ERR_THROTTLED);
	assert_int_equal(unlock(t.c, &t.c->room1, ""), ERR_BAD_TEXT);
	assert_int_equal(unlock(t.c, &t.c->room1, NULL), ERR_BAD_FORMAT);
	assert_int_equal(unlock(t.c, &t.c->room1, "nobody"), ERR_OK);
	assert_int_equal(unlock(t.c, &t.c->room1, "dee"), ERR_OK);
	assert_int_equal(status_of(t.c).audit_seq, before + 3);
	box_sign_in(t.c, &room3, &t.dee);
	sign_key_fini(&wrong.auth);
	box_room_hang_up(t.c, &room3);
	two_fini(&t);
}

static void test_handle_limits(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(9);
	char handle[LOGIN_BYTES_MAX + 2] = { 0 };
	for (size_t i = 0; i <= LOGIN_BYTES_MAX; i++) handle[i] = 'x';
	uint8_t cn[PROOF_NONCE_BYTES];
	assert_int_equal(reply_code(box_login_start(c, &c->room1, handle, cn)), ERR_BAD_VALUE);
	handle[LOGIN_BYTES_MAX] = '\0';
	assert_int_equal(box_login_start(c, &c->room1, handle, cn)->body_case,
			 ROOMKEEP__FRAME__BODY_LOGIN_PARAMS);
	assert_int_equal(reply_code(box_login_start(c, &c->room1, "", cn)), ERR_BAD_VALUE);
	box_clinic_free(c);
}

static void test_audit_of_sign_ins(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(10);
	const uint64_t before = status_of(c).audit_seq;
	box_sign_in(c, &c->room1, &c->owner);
	assert_int_equal(status_of(c).audit_seq, before + 1);
	assert_int_equal(box_call_code(c, &c->room1, box_frame(c, ROOMKEEP__FRAME__BODY_LOGOUT)),
			 ERR_OK);
	assert_int_equal(status_of(c).audit_seq, before + 2);
	struct box_person wrong = c->owner;
	assert_int_equal(sign_key_new(&wrong.auth), ERR_OK);
	assert_int_equal(try_wrong(c, &c->room1, &wrong), ERR_AUTH);
	assert_int_equal(status_of(c).audit_seq, before + 3);
	sign_key_fini(&wrong.auth);
	check_store(c);
	box_clinic_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_ok_brings_the_keyring),
		cmocka_unit_test(test_params_are_the_blobs),
		cmocka_unit_test(test_no_enumeration),
		cmocka_unit_test(test_fake_params_are_steady),
		cmocka_unit_test(test_decoy_does_not_sign_in),
		cmocka_unit_test(test_proof_belongs_to_its_conn_and_room),
		cmocka_unit_test(test_throttle_by_handle_and_room),
		cmocka_unit_test(test_unknown_logins_are_throttled_alike),
		cmocka_unit_test(test_owner_unlocks_a_login),
		cmocka_unit_test(test_handle_limits),
		cmocka_unit_test(test_audit_of_sign_ins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
