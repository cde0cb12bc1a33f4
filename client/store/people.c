#include "client/store/people.h"

#include "client/store/feed.h"
#include "client/store/people_priv.h"
#include "crypt/join_blob.h"
#include "record/text.h"

#include <stdlib.h>

#define INVITE_MS (15u * 60u * 1000u) /* SECURITY 2.8 */

/* ---- shared small parts ---------------------------------------------------------------------- */

Roomkeep__Signed people_signed(struct view body, const struct sign_sig *sig)
{
	Roomkeep__Signed s = ROOMKEEP__SIGNED__INIT;
	s.has_body = s.has_signature = true;
	s.body = wire_bytes(body);
	s.signature = wire_bytes(sign_sig_view(sig));
	return s;
}

static bool sig_is_zero(const struct sign_sig *sig)
{
	for (size_t i = 0; i < SIGN_SIG_BYTES; i++)
		if (sig->b[i] != 0) return false;
	return true;
}

Roomkeep__DirectoryItem people_item(const struct dir_signed *s, const char *login)
{
	Roomkeep__DirectoryItem item = ROOMKEEP__DIRECTORY_ITEM__INIT;
	item.has_entry = item.has_signer_signature = true;
	item.entry = wire_bytes(s->entry);
	item.signer_signature = wire_bytes(sign_sig_view(&s->by_signer));
	item.has_subject_signature = !sig_is_zero(&s->by_new);
	item.subject_signature = wire_bytes(sign_sig_view(&s->by_new));
	item.has_previous_signature = !sig_is_zero(&s->by_old);
	item.previous_signature = wire_bytes(sign_sig_view(&s->by_old));
	item.login = wire_text(login);
	return item;
}

enum err people_check_name(const char *name, const char *field, struct record_error *ret_error)
{
	const struct view v = view_str(name);
	if (v.len == 0 || v.len > NAME_BYTES_MAX || text_check(v, TEXT_ONE_LINE) != ERR_OK ||
	    !text_is_trimmed(v)) {
		return field_fail(ret_error, ERR_BAD_VALUE, field,
				  "one line of text, up to 200 bytes, no blank at either end");
	}
	return ERR_OK;
}

enum err people_check_login(const char *login, struct record_error *ret_error)
{
	const size_t len = login == NULL ? 0 : strlen(login);
	bool good = len > 0 && len <= LOGIN_BYTES_MAX;
	for (size_t i = 0; good && i < len; i++) {
		const char c = login[i];
		const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		good = plain || (i > 0 && (c == '.' || c == '-' || c == '_'));
	}
	if (good) return ERR_OK;
	return field_fail(
		ret_error, ERR_BAD_VALUE, "login",
		"a to z, digits, dot, dash or underscore, up to 64, a letter or digit first");
}

enum err people_new_passphrase(struct view raw, const char *login, const char *name,
			       const char *clinic, struct secret **ret_p,
			       enum passphrase_fault *ret_fault)
{
	enum passphrase_fault fault = PASSPHRASE_NONE;
	CLEANUP(secret_freep) struct secret *p = NULL;
	const struct passphrase_owner who = { .login = view_str(login),
					      .name = view_str(name),
					      .clinic_name = view_str(clinic) };
	enum err e = passphrase_normalize(raw, &p, &fault);
	if (e == ERR_OK) e = passphrase_check_new(p, &who, &fault);
	if (e != ERR_OK) {
		if (ret_fault != NULL) *ret_fault = fault;
		return e;
	}
	*ret_p = TAKE(p);
	return ERR_OK;
}

enum err people_store_joined(struct local *l, const struct people_joined *j)
{
	TRY(meta_set_u64(l, "state", j->state));
	TRY(meta_set(l, "clinic_id", id_view(j->clinic_id)));
	TRY(meta_set(l, "room_id", id_view(j->room_id)));
	TRY(meta_set(l, "root_pk", sign_pk_view(j->root_pk)));
	TRY(meta_set(l, "room_name", view_str(j->room_name)));
	TRY(meta_set(l, "room_kind", view_str(j->room_kind)));
	TRY(meta_set(l, "address", view_str(j->address)));
	TRY(meta_set(l, "cs", secret_view(j->cs)));
	TRY(meta_set_u64(l, "cs_id", j->cs_id));
	if (j->prev_cs != NULL) {
		TRY(meta_set(l, "prev_cs", secret_view(j->prev_cs)));
		TRY(meta_set_u64(l, "prev_cs_id", j->prev_cs_id));
	}
	TRY(meta_set_signed(l, "server_record", j->server, j->server_sig));
	TRY(meta_set_signed(l, "policy", j->policy, j->policy_sig));
	return meta_set_signed(l, "epoch_record", j->epoch, j->epoch_sig);
}

enum err people_reload(struct local *l)
{
	TRY(meta_load(l));
	dir_fini(&l->dir);
	dir_init(&l->dir, &l->room.clinic_id, &l->room.root_pk);
	l->login_count = 0;
	return dir_store_load(l);
}

bool people_server_is_pinned(const struct local *l, const struct hash32 *spki)
{
	return l->room.state != LOCAL_EMPTY && server_record_has_spki(&l->room.server, spki);
}

/* ---- people ---------------------------------------------------------------------------------- */

static enum err owner_check(const struct local *l, const struct vault *v)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	return dir_user_has(&l->dir, &v->user_id, DIR_OWNER) ? ERR_OK : ERR_DENIED;
}

struct add {
	struct id user_id;
	struct keyring *keyring;
	struct sign_key sign;
	struct box_key box;
	struct pass_keys pass;
	struct buf blob, recovery, entry;
	struct dir_signed dir;
};

static void add_finip(struct add *a)
{
	keyring_free(a->keyring);
	sign_key_fini(&a->sign);
	box_key_fini(&a->box);
	pass_keys_fini(&a->pass);
	buf_fini(&a->blob);
	buf_fini(&a->recovery);
	buf_fini(&a->entry);
}

static enum err add_make_keys(struct local *l, const struct secret *p, struct add *a)
{
	a->user_id = id_make_random(&l->rand);
	TRY(keyring_new(&l->room.clinic_id, &a->user_id, &a->keyring));
	TRY(keyring_sign_key(a->keyring, 1, &a->sign));
	TRY(keyring_box_key(a->keyring, 1, &a->box));
	const struct kdf_params kdf = kdf_params_default();
	uint8_t salt[KDF_SALT_BYTES];
	rand_fill(&l->rand, salt, sizeof(salt));
	TRY(pass_keys_derive(p, VIEW_OF(salt), &kdf, l->cs, &l->room.clinic_id, &a->user_id,
			     &a->pass));
	TRY(keyring_seal(a->keyring, &a->pass, 1, &kdf, salt, l->room.cs_id, &a->blob));
	/* The recovery key comes from the pinned policy, never from the server (SECURITY 2.11). */
	if (l->room.policy.n == 0) return ERR_OK;
	return keyring_seal_recovery(a->keyring, &l->room.policy.crk_pk, 1, &a->recovery);
}

static enum err add_make_entry(struct local *l, const struct vault *v, const struct new_user *u,
			       struct add *a)
{
	struct dir_entry e = { .user_id = a->user_id,
			       .g = 1,
			       .name = view_str(u->name),
			       .roles = u->roles,
			       .sign_pk = a->sign.pk,
			       .box_pk = a->box.pk,
			       .status = DIR_ACTIVE,
			       .signer_id = v->user_id,
			       .signer_g = v->g };
	const struct dir_signers signers = { .by_signer = &v->sign, .by_new = &a->sign };
	return dir_entry_make(&l->dir, &e, &signers, &a->entry, &a->dir);
}

static enum err add_make_frame(const struct add *a, const struct new_user *u, struct buf *out)
{
	Roomkeep__DirectoryItem item = people_item(&a->dir, u->login);
	Roomkeep__Account account = ROOMKEEP__ACCOUNT__INIT;
	account.has_user_id = account.has_auth_pk = account.has_keyring_blob = true;
	account.user_id = wire_id_bytes(&a->user_id);
	account.login = wire_text(u->login);
	account.auth_pk = wire_bytes(sign_pk_view(&a->pass.auth.pk));
	account.keyring_blob = wire_bytes(buf_view(&a->blob));
	account.has_recovery_blob = a->recovery.len > 0;
	account.recovery_blob = wire_bytes(buf_view(&a->recovery));
	Roomkeep__AddUser m = ROOMKEEP__ADD_USER__INIT;
	m.item = &item;
	m.account = &account;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_ADD_USER;
	f.add_user = &m;
	return body_encode(&f, out);
}

enum err people_add(struct local *l, const struct vault *v, const struct new_user *u,
		    struct buf *ret_frame, struct id *ret_user_id, enum passphrase_fault *ret_fault,
		    struct record_error *ret_error)
{
	TRY(owner_check(l, v));
	TRY(people_check_name(u->name, "name", ret_error));
	TRY(people_check_login(u->login, ret_error));
	if (u->roles == 0 || (u->roles & ~(uint64_t)DIR_ROLES_ALL) != 0)
		return field_fail(ret_error, ERR_BAD_VALUE, "role",
				  "owner, therapist, desk, admin, lead or student");
	struct id taken = { 0 };
	ENSURE(local_user_by_login(l, u->login, &taken) == ERR_NOT_FOUND, ERR_EXISTS);
	CLEANUP(secret_freep) struct secret *p = NULL;
	TRY(people_new_passphrase(u->passphrase, u->login, u->name, l->room.clinic_name, &p,
				  ret_fault));
	CLEANUP(add_finip) struct add a = { 0 };
	TRY(add_make_keys(l, p, &a));
	TRY(add_make_entry(l, v, u, &a));
	TRY(add_make_frame(&a, u, ret_frame));
	*ret_user_id = a.user_id;
	return ERR_OK;
}

enum err people_disable(struct local *l, const struct vault *v, const struct id *user_id,
			struct buf *ret_frame)
{
	TRY(owner_check(l, v));
	const struct dir_user *u = dir_user(&l->dir, user_id);
	ENSURE(u != NULL, ERR_NOT_FOUND);
	const struct dir_key *key = dir_key(&l->dir, user_id, u->g);
	INSIST(key != NULL);
	struct dir_entry e = { .user_id = *user_id,
			       .g = u->g,
			       .name = view_str(u->name),
			       .roles = u->roles,
			       .sign_pk = key->sign_pk,
			       .box_pk = key->box_pk,
			       .status = DIR_DISABLED,
			       .signer_id = v->user_id,
			       .signer_g = v->g };
	const struct dir_signers signers = { .by_signer = &v->sign };
	CLEANUP(buf_finip) struct buf entry = { 0 };
	struct dir_signed s = { 0 };
	TRY(dir_entry_make(&l->dir, &e, &signers, &entry, &s));
	Roomkeep__DirectoryItem item = people_item(&s, NULL);
	Roomkeep__PutDirectory m = ROOMKEEP__PUT_DIRECTORY__INIT;
	m.item = &item;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_PUT_DIRECTORY;
	f.put_directory = &m;
	return body_encode(&f, ret_frame);
}

enum err people_sent(struct local *l, struct view frame, uint64_t now_ms)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(&a, frame, &f));
	const Roomkeep__DirectoryItem *item = NULL;
	if (f->body_case == ROOMKEEP__FRAME__BODY_ADD_USER) item = f->add_user->item;
	if (f->body_case == ROOMKEEP__FRAME__BODY_PUT_DIRECTORY) item = f->put_directory->item;
	REQUIRE(item != NULL);
	TRY(dir_store_apply(l, item));
	TRY(meta_set_u64(l, "server_ms", now_ms)); /* it has just answered */
	l->server_ms = now_ms;
	return ERR_OK;
}

/* ---- rooms ----------------------------------------------------------------------------------- */

static enum err invite_blob(const struct local *l, const struct join_keys *keys,
			    uint64_t expires_ms, struct buf *out)
{
	struct join_blob b = { .clinic_id = l->room.clinic_id,
			       .cs_id = l->room.cs_id,
			       .cs = l->cs,
			       .prev_cs_id = l->prev_cs_id,
			       .prev_cs = l->prev_cs,
			       .root_pk = l->room.root_pk,
			       .server_record = l->server_bytes,
			       .server_record_sig = l->server_sig,
			       .epoch_record = l->epoch_bytes,
			       .epoch_record_sig = l->epoch_sig,
			       .policy = l->policy_bytes,
			       .policy_sig = l->policy_sig };
	b.dir_seq = dir_head(&l->dir, &b.dir_hash);
	/* In front, in clear, the id that the seal binds: the new room has it from nowhere else. */
	TRY(buf_append(out, id_view(&l->room.clinic_id)));
	return join_blob_seal(keys, &b, expires_ms, out); /* everything in b is borrowed */
}

enum err people_invite(struct local *l, const struct vault *v, const char *room_name,
		       const char *kind, uint64_t now_ms, struct buf *ret_frame,
		       struct secret **ret_code)
{
	TRY(owner_check(l, v));
	TRY(people_check_name(room_name, "room", NULL));
	ENSURE(strcmp(kind, "treatment") == 0 || strcmp(kind, "desk") == 0, ERR_BAD_VALUE);
	CLEANUP(secret_freep) struct secret *j = NULL;
	TRY(secret_new_random(CODE_SECRET_BYTES, &j));
	CLEANUP(join_keys_finip) struct join_keys keys = { 0 };
	TRY(join_keys_derive(j, &keys));
	/* By the server's clock, should this machine's be behind. */
	const uint64_t expires_ms = (now_ms > l->floor_ms ? now_ms : l->floor_ms) + INVITE_MS;
	CLEANUP(buf_finip) struct buf blob = { 0 };
	TRY(invite_blob(l, &keys, expires_ms, &blob));

	Roomkeep__InviteRoom m = ROOMKEEP__INVITE_ROOM__INIT;
	m.name = wire_text(room_name);
	m.kind = wire_text(kind);
	m.has_join_id = m.has_join_mac = m.has_expires_ms = m.has_join_blob = true;
	m.join_id = wire_id_bytes(&keys.join_id);
	m.join_mac = wire_bytes(secret_view(keys.mac));
	m.expires_ms = expires_ms;
	m.join_blob = wire_bytes(buf_view(&blob));
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_INVITE_ROOM;
	f.invite_room = &m;
	TRY(body_encode(&f, ret_frame));
	return join_code_print(j, ret_code);
}

/* ---- passphrase ------------------------------------------------------------------------------ */

struct passphrase_swap {
	struct buf blob;
	struct pass_keys keys;
	uint64_t rev;
	struct kdf_params kdf;
};

void passphrase_swap_free(struct passphrase_swap *s)
{
	if (s == NULL) return;
	buf_fini(&s->blob);
	pass_keys_fini(&s->keys);
	free(s);
}

static void passphrase_swap_freep(struct passphrase_swap **s)
{
	passphrase_swap_free(*s);
}

/* The old passphrase must open the copy kept here; gives the old sign-in key. */
static enum err swap_open_old(struct local *l, const struct vault *v, const struct account *acc,
			      struct view raw, struct pass_keys *ret_keys)
{
	struct keyring_head head = { 0 };
	CLEANUP(secret_freep) struct secret *p = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	/* One that cannot be right is as wrong as any other. */
	const enum err e = passphrase_normalize(raw, &p, &fault);
	ENSURE(e != ERR_BAD_VALUE, ERR_AUTH);
	TRY(e);
	TRY(keyring_read_head(buf_view(&acc->blob), &head));
	const struct secret *cs = account_cs(l, head.cs_id);
	ENSURE(cs != NULL, ERR_NOT_FOUND);
	TRY(pass_keys_derive(p, VIEW_OF(head.salt), &head.kdf, cs, &v->clinic_id, &v->user_id,
			     ret_keys));
	return hash_equal(&ret_keys->ucm, &head.commit) ? ERR_OK : ERR_AUTH;
}

static enum err swap_make(struct local *l, const struct vault *v, const struct secret *p,
			  struct passphrase_swap *s)
{
	uint8_t salt[KDF_SALT_BYTES];
	rand_fill(&l->rand, salt, sizeof(salt));
	s->kdf = kdf_params_default();
	s->rev = v->keyring_rev + 1;
	TRY(pass_keys_derive(p, VIEW_OF(salt), &s->kdf, l->cs, &v->clinic_id, &v->user_id,
			     &s->keys));
	return keyring_seal(v->keyring, &s->keys, s->rev, &s->kdf, salt, l->room.cs_id, &s->blob);
}

static enum err swap_frame(const struct vault *v, const struct passphrase_swap *s,
			   const struct sign_key *old_auth, struct buf *out)
{
	const struct passphrase_change c = { .clinic_id = v->clinic_id,
					     .user_id = v->user_id,
					     .keyring_rev = s->rev,
					     .blob = buf_view(&s->blob),
					     .auth_pk = s->keys.auth.pk };
	struct sign_sig by_sign;
	struct sign_sig by_old;
	TRY(passphrase_change_sign(&c, &v->sign, &by_sign));
	TRY(passphrase_change_sign(&c, old_auth, &by_old));
	Roomkeep__PassphraseChange m = ROOMKEEP__PASSPHRASE_CHANGE__INIT;
	m.has_keyring_blob = m.has_auth_pk = m.has_sign_sig = m.has_old_auth_sig = true;
	m.keyring_blob = wire_bytes(buf_view(&s->blob));
	m.auth_pk = wire_bytes(sign_pk_view(&s->keys.auth.pk));
	m.sign_sig = wire_bytes(sign_sig_view(&by_sign));
	m.old_auth_sig = wire_bytes(sign_sig_view(&by_old));
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_PASSPHRASE_CHANGE;
	f.passphrase_change = &m;
	return body_encode(&f, out);
}

enum err people_passphrase(struct local *l, const struct vault *v, struct view old,
			   struct view chosen, struct buf *ret_frame, struct passphrase_swap **ret,
			   enum passphrase_fault *ret_fault)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	CLEANUP(account_finip) struct account acc = { 0 };
	TRY(account_by_id(l, &v->user_id, &acc));
	ENSURE(acc.have_blob, ERR_NOT_FOUND);
	CLEANUP(pass_keys_finip) struct pass_keys old_keys = { 0 };
	TRY(swap_open_old(l, v, &acc, old, &old_keys));
	const struct dir_user *u = dir_user(&l->dir, &v->user_id);
	CLEANUP(secret_freep) struct secret *p = NULL;
	TRY(people_new_passphrase(chosen, v->login, u != NULL ? u->name : "", l->room.clinic_name,
				  &p, ret_fault));
	CLEANUP(passphrase_swap_freep) struct passphrase_swap *s = calloc(1, sizeof(*s));
	ENSURE(s != NULL, ERR_NOMEM);
	TRY(swap_make(l, v, p, s));
	TRY(swap_frame(v, s, &old_keys.auth, ret_frame));
	*ret = TAKE(s);
	return ERR_OK;
}

enum err people_passphrase_done(struct local *l, struct vault *v, struct passphrase_swap *s)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	CLEANUP(account_finip) struct account acc = { 0 };
	TRY(account_by_id(l, &v->user_id, &acc));
	buf_clear(&acc.blob);
	TRY(buf_append(&acc.blob, buf_view(&s->blob)));
	acc.rev_min = s->rev;
	acc.pinned = s->kdf;
	TRY(account_store_online(l, &acc));
	sign_key_fini(&v->auth);
	v->auth = s->keys.auth;
	s->keys.auth = (struct sign_key){ 0 };
	v->keyring_rev = s->rev;
	v->kdf = s->kdf;
	return ERR_OK;
}
