/* Founding: the one way an empty server gets an owner. */
#include "work_fx.h"

static void test_found_then_sign_in(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(1);
	assert_int_equal(dialog_state(box_conn_dialog(c->room1.conn)), DIALOG_COURIER);
	box_sign_in(c, &c->room1, &c->owner);
	assert_int_equal(dialog_state(box_conn_dialog(c->room1.conn)), DIALOG_SIGNED_IN);
	const struct roster *r = server_box_roster(c->box);
	assert_true(r->founded);
	assert_true(id_equal(&r->clinic_id, &c->clinic_id));
	assert_int_equal(r->dir_seq, 1);
	assert_true(status_of(c).founded);
	check_store(c);
	box_clinic_free(c);
}

static void test_server_gives_its_keys(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(2);
	(void)box_room_hello(c, &c->room1, false);
	const Roomkeep__Frame *f =
		box_call(c, &c->room1, box_frame(c, ROOMKEEP__FRAME__BODY_FOUND_START));
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_FOUND_INFO);
	const struct server_secrets *s = server_box_secrets(c->box);
	assert_int_equal(f->found_info->ingest_pk.len, BOX_PK_BYTES);
	assert_memory_equal(f->found_info->ingest_pk.data, s->ingest.pk.b, BOX_PK_BYTES);
	assert_memory_equal(f->found_info->log_pk.data, s->log.pk.b, SIGN_PK_BYTES);
	box_clinic_free(c);
}

static void test_founded_clinic_survives_a_restart(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(3);
	box_clinic_restart(c);
	const Roomkeep__Frame *f = box_room_hello(c, &c->room1, true);
	assert_non_null(f);
	assert_true(f->welcome->enrolled);
	assert_int_equal(f->welcome->dir_seq, 1);
	struct hash32 hash;
	assert_int_equal(dir_head(&c->dir, &hash), 1);
	assert_memory_equal(f->welcome->dir_hash.data, hash.b, HASH_BYTES);
	box_sign_in(c, &c->room1, &c->owner);
	box_clinic_free(c);
}

static void test_founding_twice(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(4);
	struct box_room other;
	box_room_init(c, &other, "Elsewhere");
	(void)box_room_hello(c, &c->room1, false);
	(void)box_room_hello(c, &other, false);
	/* Both at once, in one batch: the first wins. */
	Roomkeep__Frame *one = box_found_frame(c, &c->owner, &c->room1);
	Roomkeep__Frame *two = box_found_frame(c, &c->owner, &other);
	assert_int_equal(box_send(c, &c->room1, one), ERR_OK);
	assert_int_equal(box_send(c, &other, two), ERR_OK);
	box_clinic_settle(c);
	assert_int_equal(reply_code(box_collect(c, &c->room1, c->room1.request)), ERR_OK);
	assert_int_equal(reply_code(box_collect(c, &other, other.request)), ERR_EXISTS);
	/* And from then on a stranger cannot even try. */
	assert_null(box_call(c, &other, two));
	assert_int_equal(box_refused(&other), ROOMKEEP__REFUSE_REASON__NOT_ENROLLED);
	box_room_hang_up(c, &other);
	check_store(c);
	box_clinic_free(c);
}

static void test_wrong_proof_burns_the_code(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(5);
	(void)box_room_hello(c, &c->room1, false);
	Roomkeep__Frame *f = box_found_frame(c, &c->owner, &c->room1);
	f->found->proof.data[7] ^= 1;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_AUTH);
	f->found->proof.data[7] ^= 1;
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_NOT_FOUND);
	assert_false(status_of(c).founded);
	assert_int_equal(status_of(c).audit_seq, 1); /* the try is written down */
	box_clinic_free(c);
}

static void test_proof_is_bound_to_its_conn(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(6);
	(void)box_room_hello(c, &c->room1, false);
	Roomkeep__Frame *f = box_found_frame(c, &c->owner, &c->room1);
	(void)box_room_hello(c, &c->room1, false); /* another conn, another exporter */
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_AUTH);
	box_clinic_free(c);
}

static void test_code_expires(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(7);
	box_clinic_advance(c, SETUP_CODE_MS);
	(void)box_room_hello(c, &c->room1, false);
	assert_int_equal(box_call_code(c, &c->room1, box_found_frame(c, &c->owner, &c->room1)),
			 ERR_EXPIRED);
	box_clinic_free(c);
}

static void test_renewed_code(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(8);
	struct hash32 spki;
	memcpy(spki.b, c->server_spki, sizeof(spki.b));
	CLEANUP(secret_freep) struct secret *code = NULL;
	assert_int_equal(setup_new_code(server_box_store(c->box), &spki, c->wall_ms, &code),
			 ERR_OK);
	(void)box_room_hello(c, &c->room1, false);
	/* The one printed before is void. */
	assert_int_equal(box_call_code(c, &c->room1, box_found_frame(c, &c->owner, &c->room1)),
			 ERR_AUTH);
	box_clinic_free(c);
	c = box_clinic_new_founded(9);
	CLEANUP(secret_freep) struct secret *late = NULL;
	assert_int_equal(setup_new_code(server_box_store(c->box), &spki, c->wall_ms, &late),
			 ERR_EXISTS);
	assert_null(late);
	box_clinic_free(c);
}

/* ---- records that do not hold ------------------------------------------------------------- */

typedef void (*spoil)(struct box_clinic *c, Roomkeep__Found *m);

static void spoil_policy_sig(struct box_clinic *c, Roomkeep__Found *m)
{
	(void)c;
	m->policy->signature.data[0] ^= 1;
}
static void spoil_server_sig(struct box_clinic *c, Roomkeep__Found *m)
{
	(void)c;
	m->server_record->signature.data[0] ^= 1;
}
static void spoil_epoch_sig(struct box_clinic *c, Roomkeep__Found *m)
{
	(void)c;
	m->epoch_record->signature.data[0] ^= 1;
}
static void spoil_owner_sig(struct box_clinic *c, Roomkeep__Found *m)
{
	(void)c;
	m->first_owner->signer_signature.data[0] ^= 1;
}
static void spoil_subject_sig(struct box_clinic *c, Roomkeep__Found *m)
{
	(void)c;
	m->first_owner->subject_signature.data[0] ^= 1;
}
static void spoil_root(struct box_clinic *c, Roomkeep__Found *m)
{
	m->root_pk = box_bytes(c, sign_pk_view(&c->owner.sign.pk));
}
static void spoil_clinic(struct box_clinic *c, Roomkeep__Found *m)
{
	m->clinic_id = box_bytes(c, id_view(&c->owner.id));
}
static void spoil_name(struct box_clinic *c, Roomkeep__Found *m)
{
	m->clinic_name = box_text(c, "Another Name");
}
static void spoil_room(struct box_clinic *c, Roomkeep__Found *m)
{
	const struct id zeros = { { 0 } };
	m->room_id = box_bytes(c, id_view(&zeros));
}
static void spoil_room_name(struct box_clinic *c, Roomkeep__Found *m)
{
	m->room_name = box_text(c, "Room\n1");
}
static void spoil_account_user(struct box_clinic *c, Roomkeep__Found *m)
{
	m->account->user_id = box_bytes(c, id_view(&c->clinic_id));
}
static void spoil_blob(struct box_clinic *c, Roomkeep__Found *m)
{
	(void)c;
	m->account->keyring_blob.data[0] = 'X';
}
static void spoil_login(struct box_clinic *c, Roomkeep__Found *m)
{
	m->account->login = box_text(c, "");
}
static void spoil_no_epoch(struct box_clinic *c, Roomkeep__Found *m)
{
	(void)c;
	m->epoch_record = NULL;
}

static void test_records_that_do_not_hold(void **state)
{
	(void)state;
	static const spoil spoils[] = { spoil_policy_sig, spoil_server_sig,   spoil_epoch_sig,
					spoil_owner_sig,  spoil_subject_sig,  spoil_root,
					spoil_clinic,     spoil_name,         spoil_room,
					spoil_room_name,  spoil_account_user, spoil_blob,
					spoil_login,      spoil_no_epoch };
	struct box_clinic *c = box_clinic_new(10);
	for (size_t i = 0; i < COUNT_OF(spoils); i++) {
		(void)box_room_hello(c, &c->room1, false);
		Roomkeep__Frame *f = box_found_frame(c, &c->owner, &c->room1);
		spoils[i](c, f->found);
		assert_int_not_equal(box_call_code(c, &c->room1, f), ERR_OK);
		assert_false(status_of(c).founded);
	}
	/* The code was proven each time, so it still stands. */
	(void)box_room_hello(c, &c->room1, false);
	assert_int_equal(box_call_code(c, &c->room1, box_found_frame(c, &c->owner, &c->room1)),
			 ERR_OK);
	box_clinic_free(c);
}

/* A record that names another server would lock every room out later. */
static void test_record_of_another_server(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(11);
	(void)box_room_hello(c, &c->room1, false);
	uint8_t real[HASH_BYTES];
	memcpy(real, c->server_spki, sizeof(real));
	c->server_spki[0] ^= 1;
	Roomkeep__Frame *f = box_found_frame(c, &c->owner, &c->room1);
	memcpy(c->server_spki, real, sizeof(real));
	assert_int_equal(box_call_code(c, &c->room1, f), ERR_BAD_VALUE);
	box_clinic_free(c);
}

static void test_failed_commit_founds_nothing(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new(12);
	(void)box_room_hello(c, &c->room1, false);
	server_box_fail_commits(c->box, ERR_DISK_FULL);
	assert_int_equal(box_call_code(c, &c->room1, box_found_frame(c, &c->owner, &c->room1)),
			 ERR_DISK_FULL);
	assert_false(server_box_roster(c->box)->founded);
	server_box_fail_commits(c->box, ERR_OK);
	assert_int_equal(box_call_code(c, &c->room1, box_found_frame(c, &c->owner, &c->room1)),
			 ERR_OK);
	assert_true(server_box_roster(c->box)->founded);
	check_store(c);
	box_clinic_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_then_sign_in),
		cmocka_unit_test(test_server_gives_its_keys),
		cmocka_unit_test(test_founded_clinic_survives_a_restart),
		cmocka_unit_test(test_founding_twice),
		cmocka_unit_test(test_wrong_proof_burns_the_code),
		cmocka_unit_test(test_proof_is_bound_to_its_conn),
		cmocka_unit_test(test_code_expires),
		cmocka_unit_test(test_renewed_code),
		cmocka_unit_test(test_records_that_do_not_hold),
		cmocka_unit_test(test_record_of_another_server),
		cmocka_unit_test(test_failed_commit_founds_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
