/* found: everything secret of a new clinic is made here, in its first room (SECURITY 2.6). */
#include "client/store/local_priv.h"
#include "client/store/people.h"

#include "base/crashpoint.h"
#include "client/store/feed.h"
#include "client/store/people_priv.h"
#include "crypt/kdf.h"
#include "seal/keyring.h"

#include <stdlib.h>
#include <time.h>

#define FOUND_REASON "founded"

void founding_fini(struct founding *f)
{
	buf_fini(&f->frame);
	for (unsigned i = 0; i < f->kit_count; i++) secret_free(f->kit_pages[i]);
	free(f->kit_pages);
	*f = (struct founding){ 0 };
}

/* All that founding makes; wiped as one. */
struct found_keys {
	struct id clinic_id, room_id, user_id, epoch;
	struct sign_key root;
	struct secret *root_seed;
	struct secret *cs;
	struct box_key crk, backup, backup2;
	struct keyring *keyring;
	struct sign_key sign;
	struct box_key box;
	struct pass_keys pass;
	struct kdf_params kdf;
	uint8_t salt[KDF_SALT_BYTES];
	/* public results */
	struct buf blob, recovery, server, policy, epoch_bytes, entry;
	struct sign_sig server_sig, policy_sig, epoch_sig;
	struct dir_signed dir;
	struct directory chain;
};

static void found_keys_finip(struct found_keys *k)
{
	sign_key_fini(&k->root);
	secret_free(k->root_seed);
	secret_free(k->cs);
	box_key_fini(&k->crk);
	box_key_fini(&k->backup);
	box_key_fini(&k->backup2);
	keyring_free(k->keyring);
	sign_key_fini(&k->sign);
	box_key_fini(&k->box);
	pass_keys_fini(&k->pass);
	buf_fini(&k->blob);
	buf_fini(&k->recovery);
	buf_fini(&k->server);
	buf_fini(&k->policy);
	buf_fini(&k->epoch_bytes);
	buf_fini(&k->entry);
	dir_fini(&k->chain);
}

enum err found_check(const struct found_options *o, enum passphrase_fault *ret_fault,
		     struct record_error *ret_error)
{
	TRY(people_check_name(o->clinic_name, "clinic", ret_error));
	TRY(people_check_name(o->owner_name, "owner", ret_error));
	TRY(people_check_name(o->room_name, "room", ret_error));
	TRY(people_check_login(o->login, ret_error));
	ENSURE(o->k >= 2 && o->k <= o->n && o->n <= RECOVERY_SHARES_MAX, ERR_BAD_VALUE);
	ENSURE(strlen(o->address) <= LOCAL_ADDRESS_BYTES_MAX &&
		       strlen(o->kit_folder) <= LOCAL_ADDRESS_BYTES_MAX,
	       ERR_TOO_BIG);
	CLEANUP(secret_freep) struct secret *p = NULL;
	return people_new_passphrase(o->passphrase, o->login, o->owner_name, o->clinic_name, &p,
				     ret_fault);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static enum err found_make_keys(struct local *l, const struct found_options *o,
				struct found_keys *k)
{
	k->clinic_id = id_make_random(&l->rand);
	k->room_id = id_make_random(&l->rand);
	k->user_id = id_make_random(&l->rand);
	k->epoch = id_make_random(&l->rand);
	TRY(sign_key_new(&k->root));
	TRY(sign_key_seed(&k->root, &k->root_seed));
	TRY(secret_new_random(KEY_BYTES, &k->cs));
	TRY(box_key_new(&k->crk));
	TRY(box_key_new(&k->backup));
	TRY(box_key_new(&k->backup2));
	TRY(keyring_new(&k->clinic_id, &k->user_id, &k->keyring));
	TRY(keyring_sign_key(k->keyring, 1, &k->sign));
	TRY(keyring_box_key(k->keyring, 1, &k->box));

	CLEANUP(secret_freep) struct secret *p = NULL;
	TRY(people_new_passphrase(o->passphrase, o->login, o->owner_name, o->clinic_name, &p,
				  NULL));
	k->kdf = kdf_params_default();
	rand_fill(&l->rand, k->salt, sizeof(k->salt));
	TRY(pass_keys_derive(p, VIEW_OF(k->salt), &k->kdf, k->cs, &k->clinic_id, &k->user_id,
			     &k->pass));
	TRY(keyring_seal(k->keyring, &k->pass, 1, &k->kdf, k->salt, 1, &k->blob));
	return keyring_seal_recovery(k->keyring, &k->crk.pk, 1, &k->recovery);
}

/* ---- records --------------------------------------------------------------------------------- */

static enum err found_make_server_record(struct found_keys *k, const struct found_server *s,
					 const Roomkeep__FoundInfo *info)
{
	struct server_record r = { .clinic_id = k->clinic_id, .seq = 1, .spki_count = 1 };
	r.spki[0] = s->spki;
	ENSURE(info->has_ingest_pk && info->has_log_pk, ERR_PROTO);
	TRY(box_pk_from_view(wire_view(info->ingest_pk), &r.ingest_pk));
	TRY(sign_pk_from_view(wire_view(info->log_pk), &r.log_pk));
	TRY(server_record_encode(&r, &k->server));
	k->server_sig = sign_bytes(&k->root, buf_view(&k->server));
	return ERR_OK;
}

static enum err found_make_records(struct found_keys *k, const struct found_options *o)
{
	const struct policy p = { .clinic_id = k->clinic_id,
				  .version = 1,
				  .clinic_name = view_str(o->clinic_name),
				  .crk_pk = k->crk.pk,
				  .k = o->k,
				  .n = o->n };
	TRY(policy_encode(&p, &k->policy));
	k->policy_sig = sign_bytes(&k->root, buf_view(&k->policy));
	const struct epoch_record e = { .clinic_id = k->clinic_id,
					.epoch = k->epoch,
					.n = 1,
					.reason = view_str(FOUND_REASON),
					.signer_id = k->user_id,
					.signer_g = 1 };
	TRY(epoch_record_encode(&e, &k->epoch_bytes));
	k->epoch_sig = sign_bytes(&k->sign, buf_view(&k->epoch_bytes));

	dir_init(&k->chain, &k->clinic_id, &k->root.pk);
	struct dir_entry entry = { .user_id = k->user_id,
				   .g = 1,
				   .name = view_str(o->owner_name),
				   .roles = DIR_OWNER | DIR_THERAPIST,
				   .sign_pk = k->sign.pk,
				   .box_pk = k->box.pk,
				   .status = DIR_ACTIVE };
	const struct dir_signers signers = { .by_signer = &k->root, .by_new = &k->sign };
	TRY(dir_entry_make(&k->chain, &entry, &signers, &k->entry, &k->dir));
	return dir_apply(&k->chain, &k->dir);
}

/* ---- kit ------------------------------------------------------------------------------------- */

struct found_shares {
	struct share recovery[RECOVERY_SHARES_MAX];
	struct share root[RECOVERY_SHARES_MAX];
	struct share backup[RECOVERY_SHARES_MAX];
};

static void found_shares_finip(struct found_shares *s)
{
	for (unsigned i = 0; i < RECOVERY_SHARES_MAX; i++) {
		share_fini(&s->recovery[i]);
		share_fini(&s->root[i]);
		share_fini(&s->backup[i]);
	}
}

static enum err found_date(uint64_t now_ms, char ret[16])
{
	const time_t t = (time_t)(now_ms / 1000);
	struct tm tm = { 0 };
	ENSURE(gmtime_r(&t, &tm) != NULL && strftime(ret, 16, "%Y-%m-%d", &tm) == 10,
	       ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err found_make_kit(const struct found_keys *k, const struct found_options *o,
			       uint64_t now_ms, struct founding *ret)
{
	CLEANUP(found_shares_finip) struct found_shares s = { 0 };
	TRY(shares_split(k->crk.sk, SHARE_X25519, o->k, o->n, s.recovery));
	TRY(shares_split(k->root_seed, SHARE_ED25519_SEED, o->k, o->n, s.root));
	TRY(shares_split(k->backup.sk, SHARE_X25519, o->k, o->n, s.backup));
	char date[16];
	TRY(found_date(now_ms, date));
	const struct kit kit = { .clinic_name = view_str(o->clinic_name),
				 .clinic_id = k->clinic_id,
				 .root_pk = k->root.pk,
				 .cs_id = 1,
				 .cs = k->cs,
				 .k = o->k,
				 .n = o->n,
				 .recovery_shares = s.recovery,
				 .root_shares = s.root,
				 .backup_shares = s.backup,
				 .backup_pk = k->backup.pk,
				 .second_backup_pk = k->backup2.pk,
				 .second_backup_sk = k->backup2.sk,
				 .created = view_str(date) };
	ret->kit_pages = calloc(o->n, sizeof(struct secret *));
	ENSURE(ret->kit_pages != NULL, ERR_NOMEM);
	for (; ret->kit_count < o->n; ret->kit_count++)
		TRY(kit_page_make(&kit, ret->kit_count, &ret->kit_pages[ret->kit_count]));
	return ERR_OK;
}

/* ---- the frame ------------------------------------------------------------------------------- */

static enum err found_make_frame(const struct found_keys *k, const struct found_options *o,
				 const struct found_server *s, const struct setup_code *code,
				 struct buf *out)
{
	CLEANUP(secret_freep) struct secret *mac = NULL;
	TRY(setup_mac_derive(code->s, &mac));
	ENSURE(s->exporter.len == EXPORTER_BYTES, ERR_BAD_VALUE);
	const struct hmac proof = setup_proof_make(mac, s->exporter);

	Roomkeep__Found m = ROOMKEEP__FOUND__INIT;
	Roomkeep__Signed policy = people_signed(buf_view(&k->policy), &k->policy_sig);
	Roomkeep__Signed server = people_signed(buf_view(&k->server), &k->server_sig);
	Roomkeep__Signed epoch = people_signed(buf_view(&k->epoch_bytes), &k->epoch_sig);
	Roomkeep__DirectoryItem item = people_item(&k->dir, o->login);
	Roomkeep__Account account = ROOMKEEP__ACCOUNT__INIT;
	account.has_user_id = account.has_auth_pk = true;
	account.has_keyring_blob = account.has_recovery_blob = true;
	account.user_id = wire_id_bytes(&k->user_id);
	account.login = wire_text(o->login);
	account.auth_pk = wire_bytes(sign_pk_view(&k->pass.auth.pk));
	account.keyring_blob = wire_bytes(buf_view(&k->blob));
	account.recovery_blob = wire_bytes(buf_view(&k->recovery));

	m.has_proof = m.has_clinic_id = m.has_root_pk = m.has_room_id = true;
	m.proof = wire_bytes(VIEW_OF(proof.b));
	m.clinic_id = wire_id_bytes(&k->clinic_id);
	m.clinic_name = wire_text(o->clinic_name);
	m.root_pk = wire_bytes(sign_pk_view(&k->root.pk));
	m.policy = &policy;
	m.server_record = &server;
	m.epoch_record = &epoch;
	m.first_owner = &item;
	m.account = &account;
	m.room_id = wire_id_bytes(&k->room_id);
	m.room_name = wire_text(o->room_name);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_FOUND;
	f.found = &m;
	return body_encode(&f, out);
}

/* ---- storing --------------------------------------------------------------------------------- */

static enum err found_store_tx(struct local *l, const struct found_options *o,
			       const struct found_keys *k)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(l, &tx));
	TRY(db_run(l->db, "DELETE FROM meta", DB_NO_ARGS)); /* of a try that failed */
	TRY(db_run(l->db, "DELETE FROM dir_entry", DB_NO_ARGS));
	const struct people_joined j = { .state = LOCAL_FOUNDING,
					 .clinic_id = &k->clinic_id,
					 .room_id = &k->room_id,
					 .root_pk = &k->root.pk,
					 .room_name = o->room_name,
					 .room_kind = "treatment",
					 .address = o->address,
					 .cs = k->cs,
					 .cs_id = 1,
					 .server = buf_view(&k->server),
					 .server_sig = &k->server_sig,
					 .policy = buf_view(&k->policy),
					 .policy_sig = &k->policy_sig,
					 .epoch = buf_view(&k->epoch_bytes),
					 .epoch_sig = &k->epoch_sig };
	TRY(people_store_joined(l, &j));
	TRY(meta_set_u64(l, "kit", LOCAL_KIT_ON_DISK));
	TRY(meta_set(l, "kit_folder", view_str(o->kit_folder)));
	TRY(meta_set(l, "backup_pk", box_pk_view(&k->backup.pk)));
	TRY(meta_set(l, "second_backup_pk", box_pk_view(&k->backup2.pk)));
	TRY(db_run(l->db,
		   "INSERT INTO dir_entry (dir_seq, entry, by_signer, by_new, by_old, login)"
		   " VALUES (1, ?1, ?2, ?3, ?4, ?5)",
		   DB_ARGS(db_blob(buf_view(&k->entry)), db_blob(sign_sig_view(&k->dir.by_signer)),
			   db_blob(sign_sig_view(&k->dir.by_new)),
			   db_blob(sign_sig_view(&k->dir.by_old)), db_text(view_str(o->login)))));
	return local_tx_commit(&tx);
}

enum err found_make(struct local *l, const struct found_options *o, const struct found_server *s,
		    uint64_t now_ms, struct founding *ret)
{
	REQUIRE(l->room.state == LOCAL_EMPTY || l->room.state == LOCAL_FOUNDING);
	TRY(found_check(o, NULL, NULL));
	CLEANUP(setup_code_finip) struct setup_code code = { 0 };
	TRY(setup_code_parse(s->setup_code, &code, NULL));
	ENSURE(setup_code_names(&code, &s->spki), ERR_AUTH);
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *info = NULL;
	TRY(frame_decode(&a, s->found_info, &info));
	ENSURE(info->body_case == ROOMKEEP__FRAME__BODY_FOUND_INFO, ERR_PROTO);

	CLEANUP(found_keys_finip) struct found_keys k = { 0 };
	TRY(found_make_keys(l, o, &k));
	TRY(found_make_server_record(&k, s, info->found_info));
	TRY(found_make_records(&k, o));
	struct founding f = { 0 };
	enum err e = found_make_frame(&k, o, s, &code, &f.frame);
	if (e == ERR_OK) e = found_make_kit(&k, o, now_ms, &f);
	if (e == ERR_OK) e = found_store_tx(l, o, &k);
	if (e == ERR_OK) e = people_reload(l);
	if (e != ERR_OK) {
		founding_fini(&f);
		return e;
	}
	crashpoint(CRASHPOINT_LOCAL_FOUND_AFTER);
	*ret = f;
	return ERR_OK;
}

enum err found_done(struct local *l, uint64_t now_ms)
{
	REQUIRE(l->room.state == LOCAL_FOUNDING);
	TRY(meta_set_u64(l, "server_ms", now_ms));
	TRY(meta_set_u64(l, "state", LOCAL_READY));
	return people_reload(l);
}
