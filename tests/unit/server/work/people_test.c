/* People: accounts, the signed directory, passphrases, vaults. */
#include "work_fx.h"

static Roomkeep__Frame *put_directory(struct box_clinic *c, Roomkeep__DirectoryItem *item)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_PUT_DIRECTORY);
	f->put_directory->item = item;
	return f;
}

static void test_add_user_and_resend(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(1);
	struct box_person mara;
	box_sign_in(c, &c->room1, &c->owner);
	box_person_init(c, &mara, "Mara Lind", "mara", DIR_THERAPIST);
	Roomkeep__Frame *f = box_add_user_frame(c, &mara, &c->owner);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK); /* its answer was lost */
	box_dir_take(c, f->add_user->item);
	assert_int_equal(status_of(c).dir_seq, 2);
	const struct roster *r = server_box_roster(c->box);
	assert_int_equal(r->dir_seq, 2);
	assert_int_equal(roster_user(r, &mara.id)->roles, DIR_THERAPIST);
	struct hash32 hash;
	assert_int_equal(dir_head(&c->dir, &hash), 2);
	assert_memory_equal(r->dir_hash, hash.b, HASH_BYTES);
	/* She is there at once, without a restart. */
	assert_int_equal(box_call_code(c, &c->room1, box_frame(c, ROOMKEEP__FRAME__BODY_LOGOUT)),
			 ERR_OK);
	box_sign_in(c, &c->room1, &mara);
	box_person_fini(&mara);
	check_store(c);
	box_clinic_free(c);
}

static void test_logins_and_ids_are_unique(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(2);
	struct box_person p;
	box_sign_in(c, &c->room1, &c->owner);
	box_person_init(c, &p, "Another Jo", "jo", DIR_THERAPIST);
	assert_int_equal(box_call_code(c, &c->room1, box_add_user_frame(c, &p, &c->owner)),
			 ERR_EXISTS);
	assert_int_equal(status_of(c).dir_seq, 1); /* no entry without its account */
	p.login = "jo2";
	p.id = c->owner.id;
	box_person_make_blob(c, &p);
	assert_int_equal(box_call_code(c, &c->room1, box_add_user_frame(c, &p, &c->owner)),
			 ERR_EXISTS);
	assert_int_equal(status_of(c).dir_seq, 1);
	box_person_fini(&p);
	/* The chain in memory was not spoilt by what was refused. */
	box_person_init(c, &p, "Mara Lind", "mara", DIR_THERAPIST);
	box_add_person(c, &c->room1, &p);
	box_person_fini(&p);
	check_store(c);
	box_clinic_free(c);
}

static void test_forged_entries(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(3);
	struct box_person mara;
	struct box_person spy;
	box_sign_in(c, &c->room1, &c->owner);
	box_person_init(c, &mara, "Mara Lind", "mara", DIR_THERAPIST);
	box_add_person(c, &c->room1, &mara);
	box_person_init(c, &spy, "Spy", "spy", DIR_THERAPIST);

	/* Names the owner as signer, but the key is another's. */
	Roomkeep__Frame *f = box_add_user_frame(c, &spy, &c->owner);
	f->add_user->item = box_dir_item(c, &spy, DIR_ACTIVE, &c->owner, &mara.sign, true);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_AUTH);
	/* Signed by a therapist, who may not, and by the root, who is on paper. */
	f->add_user->item = box_dir_item(c, &spy, DIR_ACTIVE, &mara, NULL, true);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_DENIED);
	f->add_user->item = box_dir_item(c, &spy, DIR_ACTIVE, NULL, NULL, true);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_DENIED);
	/* New keys that did not sign themselves. */
	f->add_user->item = box_dir_item(c, &spy, DIR_ACTIVE, &c->owner, NULL, false);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_AUTH);
	/* Every byte of the entry counts. */
	f->add_user->item = box_dir_item(c, &spy, DIR_ACTIVE, &c->owner, NULL, true);
	Roomkeep__DirectoryItem *item = f->add_user->item;
	for (size_t i = 0; i < item->entry.len; i++) {
		item->entry.data[i] ^= 1;
		assert_int_not_equal(box_call_code(c, &c->room1, f), ERR_OK);
		item->entry.data[i] ^= 1;
	}
	assert_int_equal(status_of(c).dir_seq, 2);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	/* An entry that skips one. */
	const Roomkeep__DirectoryItem *real = item;
	Roomkeep__DirectoryItem *fork =
		box_dir_item(c, &mara, DIR_DISABLED, &c->owner, NULL, false);
	assert_int_equal(box_call_code(c, &c->room1, put_directory(c, fork)), ERR_FORK);
	box_dir_take(c, real);
	fork = box_dir_item(c, &mara, DIR_DISABLED, &c->owner, NULL, false);
	box_dir_take(c, fork);
	struct box_person again = spy;
	Roomkeep__DirectoryItem *late =
		box_dir_item(c, &again, DIR_DISABLED, &c->owner, NULL, false);
	assert_int_equal(box_call_code(c, &c->room1, put_directory(c, late)), ERR_LANE_GAP);
	box_person_fini(&mara);
	box_person_fini(&spy);
	check_store(c);
	box_clinic_free(c);
}

static void test_accounts_that_do_not_fit(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(4);
	struct box_person p;
	box_sign_in(c, &c->room1, &c->owner);
	box_person_init(c, &p, "Mara Lind", "mara", DIR_THERAPIST);
	Roomkeep__Frame *f = box_add_user_frame(c, &p, &c->owner);
	Roomkeep__Account *a = f->add_user->account;
	a->user_id.data[0] ^= 1;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_VALUE);
	a->user_id.data[0] ^= 1;
	a->auth_pk.len = 31;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_FORMAT);
	a->auth_pk.len = 32;
	a->keyring_blob.data[5] = 2;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_VALUE);
	a->keyring_blob.data[5] = 1;
	a->keyring_blob.data[51] = 0; /* t = 0: below what anybody would open */
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_KDF_FLOOR);
	a->keyring_blob.data[51] = (uint8_t)kdf_params_default().t;
	a->keyring_blob.data[10] ^= 1; /* another clinic's */
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_VALUE);
	a->keyring_blob.data[10] ^= 1;
	a->login = box_text(c, "ma\tra");
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_TEXT);
	a->login = box_text(c, "mara");
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	box_person_fini(&p);
	box_clinic_free(c);
}

static void test_disabled_person_is_cut_off(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 5);
	box_disable_person(t.c, &t.c->room1, &t.mara);
	(void)box_collect(t.c, &t.room2, 0);
	assert_true(box_conn_is_closed(t.room2.conn));
	(void)box_room_hello(t.c, &t.room2, true); /* the room itself is as welcome as before */
	assert_int_equal(reply_code(box_try_sign_in(t.c, &t.room2, &t.mara)), ERR_AUTH);
	/* The last owner cannot go. */
	Roomkeep__DirectoryItem *item =
		box_dir_item(t.c, &t.c->owner, DIR_DISABLED, &t.c->owner, NULL, false);
	assert_int_equal(box_call_code(t.c, &t.c->room1, put_directory(t.c, item)), ERR_DENIED);
	two_fini(&t);
}

static void test_push_and_dismissal_in_one_batch(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 6);
	const struct id patient = box_make_id(t.c);
	Roomkeep__Op *op = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	Roomkeep__DirectoryItem *item =
		box_dir_item(t.c, &t.mara, DIR_DISABLED, &t.c->owner, NULL, false);
	assert_int_equal(box_send(t.c, &t.c->room1, put_directory(t.c, item)), ERR_OK);
	assert_int_equal(box_send(t.c, &t.room2, box_push_frame(t.c, &op, 1)), ERR_OK);
	box_clinic_settle(t.c);
	assert_null(box_collect(t.c, &t.room2, t.room2.request));
	assert_true(box_conn_is_closed(t.room2.conn));
	assert_int_equal(status_of(t.c).seq, 0);
	two_fini(&t);
}

static void test_blocked_person_is_cut_off(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 7);
	struct id id;
	struct store *s = server_box_store(t.c->box);
	assert_int_equal(setup_block_user(s, view_str("nobody"), t.c->wall_ms, &id), ERR_NOT_FOUND);
	assert_int_equal(setup_block_user(s, view_str("mara"), t.c->wall_ms, &id), ERR_OK);
	assert_int_equal(roster_block_user(server_box_roster(t.c->box), &id), ERR_OK);
	server_box_tell_roster(t.c->box);
	assert_true(box_conn_is_closed(t.room2.conn));
	t.room2.conn = NULL;
	box_clinic_restart(t.c); /* it stands in the database */
	(void)box_room_hello(t.c, &t.room2, true);
	assert_int_equal(reply_code(box_try_sign_in(t.c, &t.room2, &t.mara)), ERR_AUTH);
	two_fini(&t);
}

static void test_directory_pages(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 8);
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_GET_DIRECTORY);
	f->get_directory->has_after_dir_seq = 1;
	f->get_directory->after_dir_seq = 1;
	const Roomkeep__Directory *d = box_call(t.c, &t.room2, f)->directory;
	assert_int_equal(d->n_items, 2);
	assert_string_equal(d->items[0]->login, "mara");
	assert_string_equal(d->items[1]->login, "dee");
	/* What comes verifies from the pinned root on. */
	f->get_directory->after_dir_seq = 0;
	d = box_call(t.c, &t.room2, f)->directory;
	CLEANUP(dir_finip) struct directory dir;
	dir_init(&dir, &t.c->clinic_id, &t.c->root.pk);
	for (size_t i = 0; i < d->n_items; i++) {
		struct dir_signed s = { .entry = wire_view(d->items[i]->entry) };
		assert_int_equal(
			sign_sig_from_view(wire_view(d->items[i]->signer_signature), &s.by_signer),
			ERR_OK);
		assert_int_equal(
			sign_sig_from_view(wire_view(d->items[i]->subject_signature), &s.by_new),
			ERR_OK);
		assert_false(d->items[i]->has_previous_signature);
		assert_int_equal(dir_apply(&dir, &s), ERR_OK);
	}
	f->get_directory->after_dir_seq = 99;
	assert_int_equal(box_call(t.c, &t.room2, f)->directory->n_items, 0);
	two_fini(&t);
}

/* ---- passphrase --------------------------------------------------------------------------- */

static Roomkeep__Frame *passphrase_frame(struct box_clinic *c, struct box_person *p,
					 const struct sign_key *new_auth)
{
	const struct passphrase_change change = { .clinic_id = c->clinic_id,
						  .user_id = p->id,
						  .keyring_rev = p->keyring_rev,
						  .blob = buf_view(&p->blob),
						  .auth_pk = new_auth->pk };
	struct sign_sig by_sign;
	struct sign_sig by_old;
	assert_int_equal(passphrase_change_sign(&change, &p->sign, &by_sign), ERR_OK);
	assert_int_equal(passphrase_change_sign(&change, &p->auth, &by_old), ERR_OK);
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_PASSPHRASE_CHANGE);
	Roomkeep__PassphraseChange *m = f->passphrase_change;
	m->has_keyring_blob = m->has_auth_pk = m->has_sign_sig = m->has_old_auth_sig = 1;
	m->keyring_blob = box_bytes(c, buf_view(&p->blob));
	m->auth_pk = box_bytes(c, sign_pk_view(&new_auth->pk));
	m->sign_sig = box_bytes(c, sign_sig_view(&by_sign));
	m->old_auth_sig = box_bytes(c, sign_sig_view(&by_old));
	return f;
}

static void test_passphrase_change(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(9);
	box_sign_in(c, &c->room1, &c->owner);
	struct sign_key new_auth = { 0 };
	assert_int_equal(sign_key_new(&new_auth), ERR_OK);
	/* The revision must be the next one. */
	c->owner.keyring_rev = 3;
	box_person_make_blob(c, &c->owner);
	assert_int_equal(box_call_code(c, &c->room1, passphrase_frame(c, &c->owner, &new_auth)),
			 ERR_CONFLICT);
	c->owner.keyring_rev = 2;
	box_person_make_blob(c, &c->owner);
	Roomkeep__Frame *f = passphrase_frame(c, &c->owner, &new_auth);
	f->passphrase_change->old_auth_sig.data[0] ^= 1;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_AUTH);
	f->passphrase_change->old_auth_sig.data[0] ^= 1;
	f->passphrase_change->sign_sig.data[0] ^= 1;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_AUTH);
	f->passphrase_change->sign_sig.data[0] ^= 1;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK); /* its answer was lost */
	/* The old passphrase is over, the new one works. */
	(void)box_room_hello(c, &c->room1, true);
	assert_int_equal(reply_code(box_try_sign_in(c, &c->room1, &c->owner)), ERR_AUTH);
	sign_key_fini(&c->owner.auth);
	c->owner.auth = new_auth;
	box_sign_in(c, &c->room1, &c->owner);
	check_store(c);
	box_clinic_free(c);
}

static void test_passphrase_of_somebody_else(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 10);
	struct sign_key new_auth = { 0 };
	assert_int_equal(sign_key_new(&new_auth), ERR_OK);
	t.c->owner.keyring_rev = 2;
	box_person_make_blob(t.c, &t.c->owner);
	Roomkeep__Frame *f = passphrase_frame(t.c, &t.c->owner, &new_auth);
	assert_int_equal(box_call_code(t.c, &t.room2, f), ERR_BAD_VALUE);
	sign_key_fini(&new_auth);
	two_fini(&t);
}

static void test_vault(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(11);
	box_sign_in(c, &c->room1, &c->owner);
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_PUT_VAULT);
	f->put_vault->has_vault_rev = 1;
	f->put_vault->vault_rev = 1;
	f->put_vault->has_blob = 1;
	f->put_vault->blob = box_bytes(c, view_str("sealed pins"));
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_CONFLICT); /* not newer */
	f->put_vault->vault_rev = 2;
	f->put_vault->blob.len = 0;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_FORMAT);
	uint8_t *big = box_alloc(c, 256 * KIB + 1);
	f->put_vault->blob = wire_bytes(view_of(big, 256 * KIB + 1));
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_TOO_BIG);
	f->put_vault->blob.len--;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	(void)box_room_hello(c, &c->room1, true);
	const Roomkeep__Frame *ok = box_try_sign_in(c, &c->room1, &c->owner);
	assert_int_equal(ok->login_ok->vault_rev, 2);
	assert_int_equal(ok->login_ok->vault_blob.len, 256 * KIB);
	box_clinic_free(c);
}

static void test_failed_commit_adds_nobody(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(12);
	struct box_person mara;
	box_sign_in(c, &c->room1, &c->owner);
	box_person_init(c, &mara, "Mara Lind", "mara", DIR_THERAPIST);
	server_box_fail_commits(c->box, ERR_DISK_FULL);
	Roomkeep__Frame *f = box_add_user_frame(c, &mara, &c->owner);
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_DISK_FULL);
	assert_null(roster_user(server_box_roster(c->box), &mara.id));
	server_box_fail_commits(c->box, ERR_OK);
	/* The checked chain was taken back too: the same entry still comes next. */
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_OK);
	assert_int_equal(status_of(c).dir_seq, 2);
	box_person_fini(&mara);
	check_store(c);
	box_clinic_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_user_and_resend),
		cmocka_unit_test(test_logins_and_ids_are_unique),
		cmocka_unit_test(test_forged_entries),
		cmocka_unit_test(test_accounts_that_do_not_fit),
		cmocka_unit_test(test_disabled_person_is_cut_off),
		cmocka_unit_test(test_push_and_dismissal_in_one_batch),
		cmocka_unit_test(test_blocked_person_is_cut_off),
		cmocka_unit_test(test_directory_pages),
		cmocka_unit_test(test_passphrase_change),
		cmocka_unit_test(test_passphrase_of_somebody_else),
		cmocka_unit_test(test_vault),
		cmocka_unit_test(test_failed_commit_adds_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
