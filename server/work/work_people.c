/* People: accounts, the signed directory, passphrases, vaults (SECURITY 2.6, 2.9). */
#include "base/check.h"
#include "server/work/work_handlers.h"

#define VAULT_BYTES_MAX (256u * KIB)
#define DIRECTORY_PAGE_MAX 256u

/* ---- new entries ------------------------------------------------------------------------- */

/* The entry comes from the person who sends it, and that person is an owner at this very point. */
static enum err people_check_owner(struct work *w, struct ask *a, struct store *s)
{
	TRY(work_check_who(w, a, s));
	ENSURE((a->desc.who.roles & DIR_OWNER) != 0, ERR_DENIED);
	ENSURE(id_equal(&a->checked->is.people.entry.signer_id, &a->desc.who.user_id), ERR_DENIED);
	return ERR_OK;
}

/* True: this very entry stands in the chain already; its answer was lost on the way. */
static bool people_is_again(const struct work *w, const struct people_checked *c)
{
	const uint64_t seq = c->entry.dir_seq;
	if (seq == 0 || seq > w->dir.entry_count) return false;
	const struct hash32 hash = hash_bytes(c->item.entry);
	return hash_equal(&hash, &w->dir.hashes[seq - 1]);
}

/* Last of all, so that nothing has to be taken back from the checked chain in memory. */
static enum err people_apply(struct work *w, struct ask *a)
{
	const struct people_checked *c = &a->checked->is.people;
	REQUIRE(pthread_rwlock_wrlock(&w->lock) == 0);
	const enum err e = dir_apply(&w->dir, &c->item);
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	TRY(e);
	work_effect_user(&w->dir, &c->entry.user_id, a);
	return ERR_OK;
}

enum err work_check_add_user(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)r;
	struct people_checked *c = &a->checked->is.people;
	const Roomkeep__AddUser *m = a->frame->add_user;
	const struct id clinic_id = work_clinic_id(w);
	TRY(work_read_item(m->item, &c->item, &c->entry));
	TRY(work_read_account(m->account, &clinic_id, &c->account));
	ENSURE(id_equal(&c->entry.user_id, &c->account.user_id), ERR_BAD_VALUE);
	ENSURE(!id_is_zero(&c->entry.user_id), ERR_BAD_VALUE);
	ENSURE(c->entry.status == DIR_ACTIVE && c->entry.g == 1, ERR_BAD_VALUE);
	return ERR_OK;
}

/* A resend of what is there: the same account, or somebody else's under this name or id. */
static enum err people_check_same_account(struct ask *a, struct store *s)
{
	const struct store_account *want = &a->checked->is.people.account;
	struct store_account have;
	TRY(store_account_by_id(store_as_reader(s), &want->user_id, &a->arena, &have));
	ENSURE(view_equal(have.login, want->login), ERR_EXISTS);
	return ERR_OK;
}

enum err work_write_add_user(struct work *w, struct ask *a, struct store *s)
{
	struct people_checked *c = &a->checked->is.people;
	TRY(people_check_owner(w, a, s));
	if (people_is_again(w, c)) {
		TRY(people_check_same_account(a, s));
		return people_apply(w, a);
	}
	ENSURE(dir_user(&w->dir, &c->entry.user_id) == NULL, ERR_EXISTS);
	TRY(store_account_put(s, &c->account));
	TRY(store_directory_append(s, &c->item));
	TRY(work_audit(a, s, STORE_EVENT_USER_ADDED, &c->entry.user_id, ERR_OK));
	return people_apply(w, a);
}

enum err work_check_put_directory(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	(void)r;
	struct people_checked *c = &a->checked->is.people;
	return work_read_item(a->frame->put_directory->item, &c->item, &c->entry);
}

enum err work_write_put_directory(struct work *w, struct ask *a, struct store *s)
{
	struct people_checked *c = &a->checked->is.people;
	TRY(people_check_owner(w, a, s));
	const struct dir_user *u = dir_user(&w->dir, &c->entry.user_id);
	ENSURE(u != NULL, ERR_NOT_FOUND);          /* a new person comes with an account */
	ENSURE(c->entry.g == u->g, ERR_BAD_VALUE); /* new keys come with new blobs */
	if (!people_is_again(w, c)) {
		TRY(store_directory_append(s, &c->item));
		TRY(work_audit(a, s, STORE_EVENT_DIRECTORY, &c->entry.user_id, ERR_OK));
	}
	return people_apply(w, a);
}

/* ---- a login that too many tries have locked ---------------------------------------------- */

enum err work_check_unlock(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	(void)r;
	struct view handle;
	ENSURE(a->frame->unlock_login->handle != NULL, ERR_BAD_FORMAT);
	return work_check_login(a->frame->unlock_login->handle, &handle);
}

/* Logins that nobody has are counted alike, so they are unlocked alike. */
enum err work_write_unlock(struct work *w, struct ask *a, struct store *s)
{
	const struct view handle = view_str(a->frame->unlock_login->handle);
	TRY(work_check_who(w, a, s));
	ENSURE((a->desc.who.roles & DIR_OWNER) != 0, ERR_DENIED);
	struct store_account account = { 0 };
	const enum err e = store_account_by_login(store_as_reader(s), handle, &a->arena, &account);
	ENSURE(e == ERR_OK || e == ERR_NOT_FOUND, e);
	TRY(store_throttle_unlock(s, handle));
	return work_audit(a, s, STORE_EVENT_UNLOCKED, &account.user_id, ERR_OK);
}

/* ---- passphrase and vault ---------------------------------------------------------------- */

enum err work_check_passphrase(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)r;
	struct passphrase_checked *c = &a->checked->is.passphrase;
	const Roomkeep__PassphraseChange *m = a->frame->passphrase_change;
	const struct id clinic_id = work_clinic_id(w);
	ENSURE(m->has_keyring_blob && m->has_auth_pk && m->has_sign_sig && m->has_old_auth_sig,
	       ERR_BAD_FORMAT);
	c->blob = wire_view(m->keyring_blob);
	TRY(sign_pk_from_view(wire_view(m->auth_pk), &c->auth_pk));
	TRY(blob_parse_head(c->blob, &c->head));
	ENSURE(c->head.kind == BLOB_KIND_PASSPHRASE, ERR_BAD_VALUE);
	ENSURE(id_equal(&c->head.clinic_id, &clinic_id), ERR_BAD_VALUE);
	ENSURE(id_equal(&c->head.user_id, &a->desc.who.user_id), ERR_BAD_VALUE);
	return kdf_params_check(&c->head.kdf, NULL);
}

/* Both keys that the person has: the one of the seeds and the one of the old passphrase. */
static enum err passphrase_check_signatures(const struct work *w, const struct ask *a,
					    const struct store_account *account)
{
	const struct passphrase_checked *c = &a->checked->is.passphrase;
	const Roomkeep__PassphraseChange *m = a->frame->passphrase_change;
	const struct dir_user *u = dir_user(&w->dir, &a->desc.who.user_id);
	ENSURE(u != NULL, ERR_NOT_FOUND);
	const struct dir_key *key = dir_key(&w->dir, &u->id, u->g);
	ENSURE(key != NULL, ERR_NOT_FOUND);
	const struct passphrase_change change = { .clinic_id = w->clinic_id,
						  .user_id = u->id,
						  .keyring_rev = c->head.keyring_rev,
						  .blob = c->blob,
						  .auth_pk = c->auth_pk };
	struct sign_sig sign_sig;
	struct sign_sig old_sig;
	TRY(sign_sig_from_view(wire_view(m->sign_sig), &sign_sig));
	TRY(sign_sig_from_view(wire_view(m->old_auth_sig), &old_sig));
	TRY(passphrase_change_verify(&change, &key->sign_pk, &sign_sig));
	return passphrase_change_verify(&change, &account->auth_pk, &old_sig);
}

enum err work_write_passphrase(struct work *w, struct ask *a, struct store *s)
{
	const struct passphrase_checked *c = &a->checked->is.passphrase;
	const struct id *user_id = &a->desc.who.user_id;
	TRY(work_check_who(w, a, s));
	struct store_account account;
	TRY(store_account_by_id(store_as_reader(s), user_id, &a->arena, &account));
	if (view_equal(account.keyring_blob, c->blob) &&
	    sign_pk_equal(&account.auth_pk, &c->auth_pk))
		return ERR_OK; /* it was done; the answer was lost on the way */
	TRY(passphrase_check_signatures(w, a, &account));
	TRY(store_passphrase_change(s, user_id, c->blob, c->head.keyring_rev, &c->auth_pk));
	TRY(work_audit(a, s, STORE_EVENT_PASSPHRASE_CHANGED, user_id, ERR_OK));
	INSIST(a->effect_count < ASK_EFFECTS_MAX);
	struct ask_effect *f = &a->effects[a->effect_count++];
	*f = (struct ask_effect){ .type = ASK_EFFECT_KEYRING };
	f->user = (struct roster_user){ .user_id = *user_id, .keyring_rev = c->head.keyring_rev };
	if (c->head.cs_id > w->cs_id) {
		REQUIRE(pthread_rwlock_wrlock(&w->lock) == 0);
		w->cs_id = c->head.cs_id;
		REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	}
	return ERR_OK;
}

enum err work_check_vault(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	(void)r;
	const Roomkeep__PutVault *m = a->frame->put_vault;
	ENSURE(m->has_vault_rev && m->vault_rev >= 1 && m->has_blob && m->blob.len > 0,
	       ERR_BAD_FORMAT);
	ENSURE(m->blob.len <= VAULT_BYTES_MAX, ERR_TOO_BIG);
	return ERR_OK;
}

enum err work_write_vault(struct work *w, struct ask *a, struct store *s)
{
	const Roomkeep__PutVault *m = a->frame->put_vault;
	TRY(work_check_who(w, a, s));
	return store_vault_put(s, &a->desc.who.user_id, m->vault_rev, wire_view(m->blob));
}

/* ---- reading ----------------------------------------------------------------------------- */

static void directory_fill_sig(const struct sign_sig *from, protobuf_c_boolean *ret_has,
			       ProtobufCBinaryData *ret_bytes)
{
	static const struct sign_sig none = { { 0 } };
	*ret_has = !view_equal(sign_sig_view(from), sign_sig_view(&none));
	if (*ret_has) *ret_bytes = wire_bytes(sign_sig_view(from));
}

/* Logins are for the eyes of a signed-in person only. */
static enum err directory_fill_item(struct ask *a, const struct store_dir_item *from,
				    Roomkeep__DirectoryItem *to)
{
	roomkeep__directory_item__init(to);
	struct dir_entry entry;
	TRY(dir_entry_parse(from->item.entry, &entry));
	to->has_entry = 1;
	to->entry = wire_bytes(from->item.entry);
	to->has_signer_signature = 1;
	to->signer_signature = wire_bytes(sign_sig_view(&from->item.by_signer));
	directory_fill_sig(&from->item.by_new, &to->has_subject_signature, &to->subject_signature);
	directory_fill_sig(&from->item.by_old, &to->has_previous_signature,
			   &to->previous_signature);
	to->has_recovered = entry.status == DIR_RECOVERED;
	to->recovered = entry.status == DIR_RECOVERED;
	if (!a->desc.who.signed_in || from->login.len == 0) return ERR_OK;
	to->login = reply_text(&a->arena, from->login);
	return to->login != NULL ? ERR_OK : ERR_NOMEM;
}

enum err work_check_get_directory(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	const Roomkeep__GetDirectory *m = a->frame->get_directory;
	const uint64_t after = m->has_after_dir_seq ? m->after_dir_seq : 0;
	struct store_dir_item *items = NULL;
	size_t count = 0;
	TRY(store_directory_list(r, after, DIRECTORY_PAGE_MAX, &a->arena, &items, &count));
	Roomkeep__Directory *out = &a->checked->is.list.directory;
	roomkeep__directory__init(out);
	if (count == 0) return ERR_OK;
	out->items = arena_alloc(&a->arena, count * sizeof(*out->items));
	Roomkeep__DirectoryItem *to = arena_alloc(&a->arena, count * sizeof(*to));
	ENSURE(out->items != NULL && to != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) {
		TRY(directory_fill_item(a, &items[i], &to[i]));
		out->items[i] = &to[i];
	}
	out->n_items = count;
	return ERR_OK;
}

enum err work_reply_get_directory(struct work *w, struct ask *a)
{
	(void)w;
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_DIRECTORY);
	frame.directory = &a->checked->is.list.directory;
	return reply_send(a, &frame);
}
