/* The parts of the room's store that need no server: files, the vault, the guarded block. */
#include "client/store/account.h"
#include "client/store/feed.h"
#include "client/store/guarded.h"
#include "client/store/local_priv.h"
#include "client/store/people.h"
#include "seal/vault.h"
#include "support/maps.h"
#include "support/scratch.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), ERR_OK)
#define NOW 1764000000000u

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

struct fixture {
	char folder[64];
	struct local *local;
};

static int fixture_new(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (f == NULL || crypt_init() != ERR_OK) return 1;
	if (!scratch_make(f->folder, sizeof(f->folder), "room")) return 1;
	if (local_open(f->folder, rand_system(), &f->local) != ERR_OK) return 1;
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int fixture_free(void **state)
{
	struct fixture *f = *state;
	local_close(f->local);
	const int rc = nftw(f->folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
	free(f);
	return rc;
}

static void reopen(struct fixture *f)
{
	local_close(f->local);
	f->local = NULL;
	OK(local_open(f->folder, rand_system(), &f->local));
}

/* ---- files ----------------------------------------------------------------------------------- */

static void test_empty_machine(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(local_room(f->local)->state, LOCAL_EMPTY);
	struct local *second = NULL;
	assert_int_equal(local_open(f->folder, rand_system(), &second), ERR_BUSY);
	struct local_counts c;
	OK(local_counts(f->local, &c));
	assert_int_equal(c.queued + c.committed + c.rejected + c.quarantined, 0);
	bool more = false;
	assert_int_equal(feed_apply_welcome(f->local, view_str("x"), NOW, &more), ERR_CONFIG);
	const struct hash32 spki = { { 1 } };
	assert_false(people_server_is_pinned(f->local, &spki));
}

static void test_open_modes_are_refused(void **state)
{
	struct fixture *f = *state;
	char path[96];
	snprintf(path, sizeof(path), "%s/room.db", f->folder);
	local_close(f->local);
	f->local = NULL;
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(local_open(f->folder, rand_system(), &f->local), ERR_DENIED);
	assert_int_equal(chmod(path, 0600), 0);
	OK(local_open(f->folder, rand_system(), &f->local));
}

static void test_alarms_stay(void **state)
{
	struct fixture *f = *state;
	OK(local_raise(f->local, LOCAL_ALARM_LANE_FORK, NOW));
	OK(local_raise(f->local, LOCAL_ALARM_LANE_FORK, NOW + 1)); /* once is enough */
	reopen(f);
	assert_int_equal(local_alarms(f->local), 1ull << LOCAL_ALARM_LANE_FORK);
	for (unsigned a = 1; a < LOCAL_ALARM_COUNT; a++) {
		assert_string_not_equal(local_alarm_name((enum local_alarm)a), "unknown");
		for (unsigned b = 1; b < a; b++)
			assert_string_not_equal(local_alarm_name((enum local_alarm)a),
						local_alarm_name((enum local_alarm)b));
	}
}

static void test_address_limits(void **state)
{
	struct fixture *f = *state;
	char text[LOCAL_ADDRESS_BYTES_MAX + 2];
	for (size_t len = LOCAL_ADDRESS_BYTES_MAX - 1; len <= LOCAL_ADDRESS_BYTES_MAX; len++) {
		for (size_t i = 0; i < len; i++) text[i] = 'a';
		text[len] = '\0';
		OK(local_set_address(f->local, text));
		assert_string_equal(local_room(f->local)->address, text);
	}
	text[LOCAL_ADDRESS_BYTES_MAX] = 'a';
	text[LOCAL_ADDRESS_BYTES_MAX + 1] = '\0';
	assert_int_equal(local_set_address(f->local, text), ERR_BAD_VALUE);
	assert_int_equal(local_set_address(f->local, ""), ERR_BAD_VALUE);
}

static void test_damaged_records_are_found_at_start(void **state)
{
	struct fixture *f = *state;
	OK(meta_set_u64(f->local, "state", LOCAL_READY));
	local_close(f->local);
	f->local = NULL;
	assert_int_equal(local_open(f->folder, rand_system(), &f->local), ERR_CORRUPT);
}

/* What is the room's own trouble raises no alarm about the server. */
static void test_whose_trouble(void **state)
{
	static const enum err ours[] = { ERR_NOMEM, ERR_IO,   ERR_DISK_FULL,
					 ERR_STORE, ERR_BUSY, ERR_CORRUPT };
	(void)state;
	for (int e = 0; e > -64; e--) {
		bool want = false;
		for (size_t i = 0; i < COUNT_OF(ours); i++) want = want || (int)ours[i] == e;
		assert_int_equal(feed_err_is_ours((enum err)e), want);
	}
}

/* ---- accounts -------------------------------------------------------------------------------- */

static void put_account(struct local *l, uint8_t id, const char *login, uint64_t rev)
{
	struct account a = {
		.user_id = { { id } }, .rev_min = rev, .online_ms = NOW, .vault_rev = rev
	};
	a.pinned = (struct kdf_params){ .t = (uint32_t)rev, .m_kib = 1024 * (uint32_t)rev };
	snprintf(a.login, sizeof(a.login), "%s", login);
	OK(buf_append_str(&a.blob, "a blob"));
	OK(account_store_online(l, &a));
	account_fini(&a);
}

static void test_pins_only_rise(void **state)
{
	struct fixture *f = *state;
	struct account a = { 0 };
	put_account(f->local, 1, "jo", 5);
	put_account(f->local, 1, "jo", 3);
	OK(account_by_login(f->local, "jo", &a));
	assert_int_equal(a.rev_min, 5);
	assert_int_equal(a.vault_rev, 5);
	assert_int_equal(a.pinned.t, 5);
	assert_int_equal(a.pinned.m_kib, 5120);
	assert_true(a.have_blob);
	account_fini(&a);
	OK(account_drop_blob(f->local, &(struct id){ { 1 } }));
	OK(account_by_id(f->local, &(struct id){ { 1 } }, &a));
	assert_false(a.have_blob);
	assert_int_equal(a.rev_min, 5); /* the pins outlive the copy */
	account_fini(&a);
	/* The login passes to another person. */
	put_account(f->local, 2, "jo", 1);
	assert_int_equal(account_by_id(f->local, &(struct id){ { 1 } }, &a), ERR_NOT_FOUND);
	assert_int_equal(account_by_login(f->local, "Jo", &a), ERR_NOT_FOUND);
}

/* Keyrings that were sealed before the clinic's secret changed still find theirs. */
static void test_secrets_of_the_clinic_by_number(void **state)
{
	struct local *l = ((struct fixture *)*state)->local;

	assert_null(account_cs(l, 0));
	assert_null(account_cs(l, 1));
	OK(secret_new_random(KEY_BYTES, &l->cs));
	l->room.cs_id = 2;
	assert_null(account_cs(l, 1));
	OK(secret_new_random(KEY_BYTES, &l->prev_cs));
	l->prev_cs_id = 1;
	assert_ptr_equal(account_cs(l, 2), l->cs);
	assert_ptr_equal(account_cs(l, 1), l->prev_cs);
	assert_null(account_cs(l, 3));
}

static void test_waits_double_up_to_a_quarter_hour(void **state)
{
	struct fixture *f = *state;
	put_account(f->local, 1, "jo", 1);
	static const uint64_t want[] = { 0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900, 900 };
	struct account a = { 0 };
	OK(account_by_login(f->local, "jo", &a));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		OK(account_count_try(f->local, &a, NOW));
		assert_int_equal(a.next_try_ms - NOW, want[i] * 1000);
	}
	account_fini(&a);
	reopen(f);
	OK(account_by_login(f->local, "jo", &a));
	assert_int_equal(a.tries, COUNT_OF(want));
	account_fini(&a);
	OK(account_clear_tries(f->local, &(struct id){ { 1 } }));
	OK(account_by_login(f->local, "jo", &a));
	assert_int_equal(a.tries, 0);
	assert_int_equal(a.next_try_ms, 0);
	account_fini(&a);
}

/* ---- vault ----------------------------------------------------------------------------------- */

struct keys {
	struct id clinic, user, room;
	struct secret *cs, *p;
	uint8_t salt[KDF_SALT_BYTES];
	struct kdf_params kdf;
	struct pass_keys pass;
	struct keyring *ring;
	struct buf blob;
};

static void keys_make(struct keys *k, const char *passphrase)
{
	*k = (struct keys){ .clinic = { { 1 } }, .user = { { 2 } }, .room = { { 3 } } };
	k->kdf = kdf_params_default();
	OK(secret_new_random(KEY_BYTES, &k->cs));
	OK(secret_new_copy(view_str(passphrase), &k->p));
	OK(pass_keys_derive(k->p, VIEW_OF(k->salt), &k->kdf, k->cs, &k->clinic, &k->user,
			    &k->pass));
	OK(keyring_new(&k->clinic, &k->user, &k->ring));
	OK(keyring_seal(k->ring, &k->pass, 4, &k->kdf, k->salt, 1, &k->blob));
}

static void keys_fini(struct keys *k)
{
	secret_free(k->cs);
	secret_free(k->p);
	pass_keys_fini(&k->pass);
	keyring_free(k->ring);
	buf_fini(&k->blob);
}

static bool all_zero(const void *p, size_t len)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < len; i++)
		if (b[i] != 0) return false;
	return true;
}

static void test_vault_opens_and_is_empty_when_shut(void **state)
{
	(void)state;
	struct keys k;
	keys_make(&k, "seven grey herons wait quietly");
	struct keyring_expect e = { .clinic_id = k.clinic, .user_id = k.user, .rev_min = 4 };
	struct vault v;
	vault_init(&v);
	struct login_proof proof = { 0 };
	struct sign_sig sig;
	assert_int_equal(vault_sign_login(&v, &proof, &sig), ERR_SIGNED_OUT);
	OK(vault_open_blob(&v, &e, &k.room, "jo", buf_view(&k.blob), &k.pass, NOW));
	assert_true(v.open);
	assert_int_equal(v.keyring_rev, 4);
	OK(vault_sign_login(&v, &proof, &sig));
	uint8_t tag[4][VAULT_TAG_BYTES];
	vault_tag(&v, "session", &k.room, tag[0]);
	vault_tag(&v, "session", &k.user, tag[1]);
	vault_tag(&v, "patient", &k.room, tag[2]);
	vault_tag(&v, "session", &k.room, tag[3]);
	assert_memory_not_equal(tag[0], tag[1], VAULT_TAG_BYTES);
	assert_memory_not_equal(tag[0], tag[2], VAULT_TAG_BYTES);
	assert_memory_equal(tag[0], tag[3], VAULT_TAG_BYTES);
	vault_shut(&v);
	assert_true(all_zero(&v, sizeof(v)));
	vault_shut(&v); /* harmless */
	keys_fini(&k);
}

static void test_vault_stays_shut(void **state)
{
	(void)state;
	struct keys k;
	struct keys wrong;
	keys_make(&k, "seven grey herons wait quietly");
	keys_make(&wrong, "seven grey herons wait noisily");
	struct keyring_expect e = { .clinic_id = k.clinic, .user_id = k.user };
	struct vault v;
	vault_init(&v);
	assert_int_equal(
		vault_open_blob(&v, &e, &k.room, "jo", buf_view(&k.blob), &wrong.pass, NOW),
		ERR_AUTH);
	assert_true(all_zero(&v, sizeof(v)));
	e.rev_min = 5; /* a newer one was seen: rollback */
	assert_int_equal(vault_open_blob(&v, &e, &k.room, "jo", buf_view(&k.blob), &k.pass, NOW),
			 ERR_EXPIRED);
	e.rev_min = 4;
	e.user_id.b[0] = 9;
	assert_int_equal(vault_open_blob(&v, &e, &k.room, "jo", buf_view(&k.blob), &k.pass, NOW),
			 ERR_CONFLICT);
	e.user_id = k.user;
	const struct kdf_params stronger = { .t = k.kdf.t + 1, .m_kib = k.kdf.m_kib };
	e.pinned = &stronger;
	assert_int_equal(vault_open_blob(&v, &e, &k.room, "jo", buf_view(&k.blob), &k.pass, NOW),
			 ERR_KDF_FLOOR);
	e.pinned = NULL;
	assert_int_equal(vault_open_blob(&v, &e, &k.room, "", buf_view(&k.blob), &k.pass, NOW),
			 ERR_BAD_VALUE);
	char login[LOGIN_BYTES_MAX + 2] = { 0 };
	for (size_t i = 0; i <= LOGIN_BYTES_MAX; i++) login[i] = 'a';
	assert_int_equal(vault_open_blob(&v, &e, &k.room, login, buf_view(&k.blob), &k.pass, NOW),
			 ERR_BAD_VALUE);
	k.blob.p[k.blob.len - 1] ^= 1;
	assert_int_equal(vault_open_blob(&v, &e, &k.room, "jo", buf_view(&k.blob), &k.pass, NOW),
			 ERR_CORRUPT);
	for (size_t len = 0; len < k.blob.len; len++)
		assert_int_not_equal(vault_open_blob(&v, &e, &k.room, "jo", view_of(k.blob.p, len),
						     &k.pass, NOW),
				     ERR_OK);
	assert_true(all_zero(&v, sizeof(v)));
	keys_fini(&k);
	keys_fini(&wrong);
}

static void test_vault_blob_is_bound_to_person_and_revision(void **state)
{
	(void)state;
	struct keys k;
	keys_make(&k, "seven grey herons wait quietly");
	const struct keyring_expect e = { .clinic_id = k.clinic, .user_id = k.user };
	struct vault v;
	vault_init(&v);
	OK(vault_open_blob(&v, &e, &k.room, "jo", buf_view(&k.blob), &k.pass, NOW));
	struct buf blob = { 0 };
	struct buf plain = { 0 };
	uint64_t rev = 0;
	OK(vault_seal_blob(&v, 7, view_str("pins"), &blob));
	OK(vault_open_vault_blob(&v, 7, buf_view(&blob), &rev, &plain));
	assert_int_equal(rev, 7);
	assert_true(view_equal(buf_view(&plain), view_str("pins")));
	assert_int_equal(vault_open_vault_blob(&v, 8, buf_view(&blob), &rev, &plain), ERR_EXPIRED);
	for (size_t i = 0; i < blob.len; i++) {
		blob.p[i] ^= 1;
		assert_int_not_equal(vault_open_vault_blob(&v, 0, buf_view(&blob), &rev, &plain),
				     ERR_OK);
		blob.p[i] ^= 1;
	}
	/* Of a generation of keys that this person's keyring does not have. */
	const struct vault_context later = {
		.clinic_id = k.clinic, .user_id = k.user, .g = v.g + 1, .rev = 9
	};
	buf_clear(&blob);
	OK(vault_seal(v.tag_key, &later, view_str("pins"), &blob));
	assert_int_equal(vault_open_vault_blob(&v, 0, buf_view(&blob), &rev, &plain), ERR_CONFLICT);
	vault_shut(&v);
	struct secret *kek = NULL;
	assert_int_equal(vault_seal_blob(&v, 8, view_str("pins"), &blob), ERR_SIGNED_OUT);
	assert_int_equal(vault_open_vault_blob(&v, 0, buf_view(&blob), &rev, &plain),
			 ERR_SIGNED_OUT);
	assert_int_equal(vault_note_kek(&v, 1, &kek), ERR_SIGNED_OUT);
	assert_null(kek);
	buf_fini(&blob);
	buf_fini(&plain);
	keys_fini(&k);
}

/* ---- guarded block --------------------------------------------------------------------------- */

static bool vm_flag(const void *p, const char *flag)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	assert_non_null(smaps);
	char line[512];
	bool here = false;
	bool found = false;
	while (fgets(line, sizeof(line), smaps) != NULL) {
		struct maps_span s;
		if (maps_read_span(line, &s)) here = s.from <= (uintptr_t)p && (uintptr_t)p < s.to;
		if (here && strncmp(line, "VmFlags:", 8) == 0) found = strstr(line, flag) != NULL;
	}
	(void)fclose(smaps);
	return found;
}

static void test_guarded_block(void **state)
{
	(void)state;
	struct guarded g = { 0 };
	OK(guarded_open(&g, NOTE_ROOM_BYTES));
	assert_true(vm_flag(g.p, " dd")); /* not in a core dump */
	/* AddressSanitizer makes mlock do nothing. */
	if (!SANITIZED) assert_int_equal(vm_flag(g.p, " lo"), g.locked);
	for (size_t i = 0; i < g.cap; i++) g.p[i] = 0xee;
	guarded_wipe(&g);
	assert_true(all_zero(g.p, g.cap));
	guarded_close(&g);
	assert_null(g.p);
	guarded_close(&g); /* harmless */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty_machine, fixture_new, fixture_free),
		cmocka_unit_test_setup_teardown(test_open_modes_are_refused, fixture_new,
						fixture_free),
		cmocka_unit_test_setup_teardown(test_alarms_stay, fixture_new, fixture_free),
		cmocka_unit_test_setup_teardown(test_address_limits, fixture_new, fixture_free),
		cmocka_unit_test_setup_teardown(test_damaged_records_are_found_at_start,
						fixture_new, fixture_free),
		cmocka_unit_test_setup_teardown(test_pins_only_rise, fixture_new, fixture_free),
		cmocka_unit_test_setup_teardown(test_secrets_of_the_clinic_by_number, fixture_new,
						fixture_free),
		cmocka_unit_test_setup_teardown(test_waits_double_up_to_a_quarter_hour, fixture_new,
						fixture_free),
		cmocka_unit_test(test_vault_opens_and_is_empty_when_shut),
		cmocka_unit_test(test_vault_stays_shut),
		cmocka_unit_test(test_vault_blob_is_bound_to_person_and_revision),
		cmocka_unit_test(test_whose_trouble),
		cmocka_unit_test(test_guarded_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
