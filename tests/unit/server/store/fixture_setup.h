/* fixture_setup: founding it, and the setup functions of the tests. Part of store_fixture.h. */
#pragma once

#include "fixture_clinic.h"
#include "support/scratch.h"

static inline struct store_signed fx_signed(const struct sign_key *key, const struct buf *body)
{
	return (struct store_signed){ .body = buf_view(body),
				      .signature = sign_bytes(key, buf_view(body)) };
}

static inline void fx_make_entry(struct fx *fx, size_t user, const char *name, struct buf *bytes,
				 struct dir_signed *ret)
{
	struct dir_entry entry = { .user_id = fx->users[user],
				   .g = 1,
				   .name = fx_text(name),
				   .roles = fx->roles[user],
				   .sign_pk = fx->keys[user].pk,
				   .box_pk = fx->boxes[user].pk,
				   .status = DIR_ACTIVE };
	struct dir_signers signers = { .by_signer = &fx->root, .by_new = &fx->keys[user] };
	if (user != JO) {
		entry.signer_id = fx->users[JO];
		entry.signer_g = 1;
		signers.by_signer = &fx->keys[JO];
	}
	OK(dir_entry_make(&fx->directory, &entry, &signers, bytes, ret));
	OK(dir_apply(&fx->directory, ret));
}

static inline struct store_account fx_account(const struct fx *fx, size_t user, const char *login)
{
	return (struct store_account){ .user_id = fx->users[user],
				       .login = fx_text(login),
				       .auth_pk = fx->keys[user].pk,
				       .keyring_blob = fx_text("keyring blob"),
				       .keyring_rev = 1,
				       .recovery_blob = fx_text("recovery blob") };
}

/* Records of a founding that contradict each other. */
enum fx_lie {
	FX_HONEST,
	FX_LIE_NO_CLINIC,
	FX_LIE_NO_ROOM,
	FX_LIE_POLICY_CLINIC,
	FX_LIE_POLICY_NAME,
	FX_LIE_SERVER_CLINIC,
	FX_LIE_EPOCH_CLINIC,
	FX_LIE_EPOCH_NUMBER,
	FX_LIE_EPOCH_SIGNER,
	FX_LIE_ACCOUNT,
	FX_LIES,
};

/* Founds; the caller is inside begin .. commit. */
static inline enum err fx_found_lying(struct fx *fx, enum fx_lie lie)
{
	const struct id other = { { 0x99 } };
	CLEANUP(buf_finip) struct buf policy = { 0 };
	CLEANUP(buf_finip) struct buf server = { 0 };
	CLEANUP(buf_finip) struct buf epoch = { 0 };
	CLEANUP(buf_finip) struct buf entry = { 0 };
	OK(policy_encode(
		&(struct policy){
			.clinic_id = lie == FX_LIE_POLICY_CLINIC ? other : fx->clinic_id,
			.version = 1,
			.clinic_name = fx_text(lie == FX_LIE_POLICY_NAME ? "Other" : "Harbour") },
		&policy));
	OK(server_record_encode(&(struct server_record){ .clinic_id = lie == FX_LIE_SERVER_CLINIC
									      ? other
									      : fx->clinic_id,
							 .seq = 1,
							 .spki = { { { 1 } } },
							 .spki_count = 1,
							 .ingest_pk = fx->boxes[JO].pk,
							 .log_pk = fx->log.pk },
				&server));
	OK(epoch_record_encode(
		&(struct epoch_record){
			.clinic_id = lie == FX_LIE_EPOCH_CLINIC ? other : fx->clinic_id,
			.epoch = fx->epoch,
			.n = lie == FX_LIE_EPOCH_NUMBER ? 2 : 1,
			.reason = fx_text("founding"),
			.signer_id = lie == FX_LIE_EPOCH_SIGNER ? other : fx->users[JO],
			.signer_g = 1 },
		&epoch));
	struct store_founding f = { .clinic_id = fx->clinic_id,
				    .clinic_name = fx_text("Harbour"),
				    .root_pk = fx->root.pk,
				    .policy = fx_signed(&fx->root, &policy),
				    .server_record = fx_signed(&fx->root, &server),
				    .epoch_record = fx_signed(&fx->keys[JO], &epoch),
				    .account = fx_account(fx, JO, "jo"),
				    .room = { .room_id = fx->rooms[0],
					      .name = fx_text("Room 1"),
					      .kind = fx_text("treatment"),
					      .spki = { { 0x11 } } } };
	if (fx->directory.entry_count > 0) {
		dir_fini(&fx->directory);
		dir_init(&fx->directory, &fx->clinic_id, &fx->root.pk);
	}
	fx_make_entry(fx, JO, "Jo Park", &entry, &f.first_owner);
	if (lie == FX_LIE_NO_CLINIC) f.clinic_id = (struct id){ { 0 } };
	if (lie == FX_LIE_NO_ROOM) f.room.room_id = (struct id){ { 0 } };
	if (lie == FX_LIE_ACCOUNT) f.account.user_id = other;
	return store_found(fx->store, &f);
}

static inline enum err fx_found(struct fx *fx)
{
	return fx_found_lying(fx, FX_HONEST);
}

static inline void fx_add_user(struct fx *fx, size_t user, const char *name, const char *login)
{
	CLEANUP(buf_finip) struct buf entry = { 0 };
	struct dir_signed item;
	fx_make_entry(fx, user, name, &entry, &item);
	OK(store_directory_append(fx->store, &item));
	const struct store_account account = fx_account(fx, user, login);
	OK(store_account_put(fx->store, &account));
}

/* Keys and ids, but nothing on the disk besides an open, unfounded store. */
static inline void fx_init(struct fx *fx)
{
	*fx = (struct fx){ .now_ms = FX_NOW };
	OK(crypt_init());
	fx->rand = rand_seeded_init(&fx->seed, 42);
	id_source_init(&fx->ids, fx->rand);
	assert_true(scratch_make(fx->folder, sizeof(fx->folder), "store"));
	OK(sign_key_new(&fx->root));
	OK(sign_key_new(&fx->log));
	for (size_t i = 0; i < FX_USERS; i++) {
		OK(sign_key_new(&fx->keys[i]));
		OK(box_key_new(&fx->boxes[i]));
		fx->users[i] = id_make_random(&fx->rand);
	}
	fx->roles[JO] = ROLE_OWNER | ROLE_THERAPIST;
	fx->roles[MARA] = ROLE_THERAPIST;
	fx->roles[SAM] = ROLE_DESK;
	fx->rooms[0] = id_make_random(&fx->rand);
	fx->rooms[1] = id_make_random(&fx->rand);
	fx->clinic_id = id_make_random(&fx->rand);
	fx->epoch = id_make_random(&fx->rand);
	dir_init(&fx->directory, &fx->clinic_id, &fx->root.pk);
	fx_open(fx);
}

static inline void fx_fini(struct fx *fx)
{
	static const char *const names[] = { "clinic.db", "clinic.db-wal", "clinic.db-shm",
					     "lock" };
	char path[128];
	store_close(fx->store);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", fx->folder, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(fx->folder), 0);
	dir_fini(&fx->directory);
	sign_key_fini(&fx->root);
	sign_key_fini(&fx->log);
	for (size_t i = 0; i < FX_USERS; i++) {
		sign_key_fini(&fx->keys[i]);
		box_key_fini(&fx->boxes[i]);
	}
}

static inline int fx_setup_unfounded(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	assert_non_null(fx);
	fx_init(fx);
	*state = fx;
	return 0;
}

static inline int fx_setup(void **state)
{
	(void)fx_setup_unfounded(state);
	struct fx *fx = *state;
	fx_begin(fx);
	OK(fx_found(fx));
	fx_add_user(fx, MARA, "Mara Lind", "mara");
	fx_add_user(fx, SAM, "Sam Okafor", "sam");
	fx_commit(fx);
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *fx = *state;
	fx_fini(fx);
	free(fx);
	return 0;
}
