#include "crypt/directory.h"

#include "base/check.h"
#include "crypt/enc.h"
#include "crypt/text.h"

#include <stdlib.h>

#define DIR_LABEL "crs1/dir"

static void dir_entry_enc(const struct dir_entry *d, struct enc *e)
{
	enc_begin(e, DIR_LABEL);
	enc_add_id(e, &d->clinic_id);
	enc_add_u64(e, d->dir_seq);
	enc_add_hash(e, &d->prev_hash);
	enc_add_id(e, &d->user_id);
	enc_add_u64(e, d->g);
	enc_add_bytes(e, d->name);
	enc_add_u64(e, d->roles);
	enc_add_bytes(e, sign_pk_view(&d->sign_pk));
	enc_add_bytes(e, box_pk_view(&d->box_pk));
	enc_add_u64(e, (uint64_t)d->status);
	enc_add_id(e, &d->signer_id);
	enc_add_u64(e, d->signer_g);
}

/* What a single entry must fulfil, whatever stands before it. */
static enum err dir_entry_check(const struct dir_entry *e)
{
	ENSURE(e->dir_seq >= 1 && e->g >= 1, ERR_BAD_VALUE);
	ENSURE((e->dir_seq == 1) == hash_is_zero(&e->prev_hash), ERR_BAD_VALUE);
	ENSURE(!id_is_zero(&e->user_id), ERR_BAD_VALUE);
	ENSURE(e->name.len >= 1 && e->name.len <= NAME_BYTES_MAX, ERR_BAD_VALUE);
	ENSURE(text_is_clean(e->name), ERR_BAD_VALUE);
	ENSURE(e->roles != 0 && (e->roles & ~(uint64_t)DIR_ROLES_ALL) == 0, ERR_BAD_VALUE);
	ENSURE(e->status >= DIR_ACTIVE && e->status <= DIR_RECOVERED, ERR_BAD_VALUE);
	ENSURE(id_is_zero(&e->signer_id) == (e->signer_g == 0), ERR_BAD_VALUE);
	return ERR_OK;
}

enum err dir_entry_encode(const struct dir_entry *d, struct buf *out)
{
	TRY(dir_entry_check(d));
	CLEANUP(enc_finip) struct enc e;
	dir_entry_enc(d, &e);
	struct view bytes;
	TRY(enc_end(&e, &bytes));
	INSIST(bytes.len <= DIR_ENTRY_BYTES_MAX);
	return buf_append(out, bytes);
}

enum err dir_entry_parse(struct view bytes, struct dir_entry *ret)
{
	struct enc_reader r;
	struct dir_entry e = { 0 };
	enc_read_begin(&r, bytes, DIR_LABEL);
	e.clinic_id = enc_read_id(&r);
	e.dir_seq = enc_read_u64(&r);
	e.prev_hash = enc_read_hash(&r);
	e.user_id = enc_read_id(&r);
	e.g = enc_read_u64(&r);
	e.name = enc_read_bytes(&r, 1, NAME_BYTES_MAX);
	e.roles = enc_read_u64(&r);
	enc_read_exact(&r, e.sign_pk.b, SIGN_PK_BYTES);
	enc_read_exact(&r, e.box_pk.b, BOX_PK_BYTES);
	const uint64_t status = enc_read_u64(&r);
	e.signer_id = enc_read_id(&r);
	e.signer_g = enc_read_u64(&r);
	TRY(enc_read_end(&r));
	ENSURE(status >= DIR_ACTIVE && status <= DIR_RECOVERED, ERR_BAD_VALUE);
	e.status = (enum dir_status)status;
	TRY(dir_entry_check(&e));
	*ret = e;
	return ERR_OK;
}

void dir_init(struct directory *d, const struct id *clinic_id, const struct sign_pk *root_pk)
{
	*d = (struct directory){ .clinic_id = *clinic_id, .root_pk = *root_pk };
}

void dir_fini(struct directory *d)
{
	free(d->users);
	free(d->keys);
	free(d->hashes);
	*d = (struct directory){ 0 };
}

void dir_finip(struct directory *d)
{
	dir_fini(d);
}

uint64_t dir_head(const struct directory *d, struct hash32 *ret_hash)
{
	*ret_hash = d->entry_count > 0 ? d->hashes[d->entry_count - 1] : (struct hash32){ 0 };
	return d->entry_count;
}

enum err dir_check_pin(const struct directory *d, uint64_t seq, const struct hash32 *hash)
{
	if (seq == 0) return ERR_OK;
	ENSURE(seq <= d->entry_count, ERR_MORE);
	ENSURE(hash_equal(&d->hashes[seq - 1], hash), ERR_FORK);
	return ERR_OK;
}

static struct dir_user *dir_find_user(const struct directory *d, const struct id *user_id)
{
	for (size_t i = 0; i < d->user_count; i++) {
		if (id_equal(&d->users[i].id, user_id)) return &d->users[i];
	}
	return NULL;
}

const struct dir_user *dir_user(const struct directory *d, const struct id *user_id)
{
	return dir_find_user(d, user_id);
}

const struct dir_key *dir_key(const struct directory *d, const struct id *user_id, uint64_t g)
{
	for (size_t i = 0; i < d->key_count; i++) {
		const struct dir_key *k = &d->keys[i];
		if (k->g == g && id_equal(&d->users[k->user_index].id, user_id)) return k;
	}
	return NULL;
}

bool dir_user_has(const struct directory *d, const struct id *user_id, uint64_t roles)
{
	const struct dir_user *u = dir_user(d, user_id);
	return u != NULL && u->active && (u->roles & roles) == roles;
}

/* Makes room for one more, up to `max`. */
static enum err dir_grow(void **array, size_t count, size_t *cap, size_t max, size_t item_bytes)
{
	ENSURE(count < max, ERR_FULL);
	if (count < *cap) return ERR_OK;
	size_t next = *cap == 0 ? 16 : *cap * 2;
	if (next > max) next = max;
	void *grown = reallocarray(*array, next, item_bytes);
	ENSURE(grown != NULL, ERR_NOMEM);
	*array = grown;
	*cap = next;
	return ERR_OK;
}

static enum err dir_reserve(struct directory *d)
{
	void *users = d->users, *keys = d->keys, *hashes = d->hashes;
	const enum err e1 =
		dir_grow(&users, d->user_count, &d->user_cap, DIR_USERS_MAX, sizeof(d->users[0]));
	d->users = users;
	const enum err e2 =
		dir_grow(&keys, d->key_count, &d->key_cap, DIR_ENTRIES_MAX, sizeof(d->keys[0]));
	d->keys = keys;
	const enum err e3 = dir_grow(&hashes, d->entry_count, &d->entry_cap, DIR_ENTRIES_MAX,
				     sizeof(d->hashes[0]));
	d->hashes = hashes;
	/* A full users array still takes entries about people it has. */
	ENSURE(e1 == ERR_OK || e1 == ERR_FULL, e1);
	TRY(e2);
	return e3;
}

/* Does the entry stand at the end of this chain? ERR_EXISTS: it is in the chain already. */
static enum err dir_check_place(const struct directory *d, const struct dir_entry *e,
				const struct hash32 *hash)
{
	if (e->dir_seq <= d->entry_count) {
		ENSURE(hash_equal(&d->hashes[e->dir_seq - 1], hash), ERR_FORK);
		return ERR_EXISTS;
	}
	ENSURE(e->dir_seq == d->entry_count + 1, ERR_LANE_GAP);
	struct hash32 head;
	(void)dir_head(d, &head);
	ENSURE(hash_equal(&head, &e->prev_hash), ERR_FORK);
	return ERR_OK;
}

static enum err dir_check_signer(const struct directory *d, const struct dir_entry *e,
				 const struct dir_signed *s)
{
	if (e->dir_seq == 1) {
		ENSURE(id_is_zero(&e->signer_id), ERR_DENIED);
		ENSURE((e->roles & DIR_OWNER) != 0 && e->status == DIR_ACTIVE, ERR_BAD_VALUE);
		return sign_verify(&d->root_pk, s->entry, &s->by_signer);
	}
	const struct dir_user *signer = dir_user(d, &e->signer_id);
	ENSURE(signer != NULL && signer->active, ERR_DENIED);
	ENSURE((signer->roles & DIR_OWNER) != 0 && signer->g == e->signer_g, ERR_DENIED);
	const struct dir_key *key = dir_key(d, &e->signer_id, e->signer_g);
	INSIST(key != NULL);
	return sign_verify(&key->sign_pk, s->entry, &s->by_signer);
}

/* Keys belong to one person and one generation for ever. */
static enum err dir_check_keys_unused(const struct directory *d, const struct dir_entry *e)
{
	ENSURE(!sign_pk_equal(&d->root_pk, &e->sign_pk), ERR_EXISTS);
	for (size_t i = 0; i < d->key_count; i++) {
		ENSURE(!sign_pk_equal(&d->keys[i].sign_pk, &e->sign_pk), ERR_EXISTS);
		ENSURE(!box_pk_equal(&d->keys[i].box_pk, &e->box_pk), ERR_EXISTS);
	}
	return ERR_OK;
}

static enum err dir_check_new_keys(const struct directory *d, const struct dir_entry *e,
				   const struct dir_signed *s)
{
	ENSURE(e->status != DIR_DISABLED, ERR_BAD_VALUE);
	ENSURE(e->status != DIR_RECOVERED || e->g > 1, ERR_BAD_VALUE);
	TRY(dir_check_keys_unused(d, e));
	TRY(sign_verify(&e->sign_pk, s->entry, &s->by_new));
	if (e->g == 1 || e->status == DIR_RECOVERED) return ERR_OK;
	const struct dir_key *old = dir_key(d, &e->user_id, e->g - 1);
	INSIST(old != NULL);
	return sign_verify(&old->sign_pk, s->entry, &s->by_old);
}

static enum err dir_check_keys(const struct directory *d, const struct dir_entry *e,
			       const struct dir_signed *s, bool *ret_new)
{
	const struct dir_user *user = dir_user(d, &e->user_id);
	if (user == NULL ? e->g == 1 : e->g == user->g + 1) {
		*ret_new = true;
		return dir_check_new_keys(d, e, s);
	}
	ENSURE(user != NULL && e->g == user->g, ERR_BAD_VALUE);
	const struct dir_key *key = dir_key(d, &e->user_id, e->g);
	INSIST(key != NULL);
	ENSURE(sign_pk_equal(&key->sign_pk, &e->sign_pk), ERR_BAD_VALUE);
	ENSURE(box_pk_equal(&key->box_pk, &e->box_pk), ERR_BAD_VALUE);
	ENSURE(e->status != DIR_RECOVERED || user->recovered, ERR_BAD_VALUE);
	*ret_new = false;
	return ERR_OK;
}

/* Without an active owner nobody could ever sign an entry again. */
static enum err dir_check_owner_left(const struct directory *d, const struct dir_entry *e)
{
	if (e->status != DIR_DISABLED && (e->roles & DIR_OWNER) != 0) return ERR_OK;
	for (size_t i = 0; i < d->user_count; i++) {
		const struct dir_user *u = &d->users[i];
		if (!id_equal(&u->id, &e->user_id) && dir_user_has(d, &u->id, DIR_OWNER)) {
			return ERR_OK;
		}
	}
	return ERR_DENIED;
}

/* Room has been made; cannot fail. */
static void dir_add(struct directory *d, const struct dir_entry *e, const struct hash32 *hash,
		    bool new_keys)
{
	struct dir_user *user = dir_find_user(d, &e->user_id);
	if (user == NULL) {
		INSIST(d->user_count < d->user_cap);
		user = &d->users[d->user_count++];
		*user = (struct dir_user){ .id = e->user_id };
	}
	if (new_keys) {
		INSIST(d->key_count < d->key_cap);
		d->keys[d->key_count++] = (struct dir_key){
			.g = e->g,
			.sign_pk = e->sign_pk,
			.box_pk = e->box_pk,
			.dir_seq = e->dir_seq,
			.user_index = (uint32_t)(user - d->users),
		};
		user->recovered = e->status == DIR_RECOVERED;
	}
	memcpy(user->name, e->name.p, e->name.len);
	user->name[e->name.len] = '\0';
	user->roles = e->roles;
	user->roles_ever |= e->roles;
	user->g = e->g;
	user->active = e->status != DIR_DISABLED;
	user->dir_seq = e->dir_seq;
	d->hashes[d->entry_count++] = *hash;
}

enum err dir_apply(struct directory *d, const struct dir_signed *s)
{
	struct dir_entry e;
	TRY(dir_entry_parse(s->entry, &e));
	ENSURE(id_equal(&e.clinic_id, &d->clinic_id), ERR_AUTH);
	const struct hash32 hash = hash_bytes(s->entry);
	const enum err place = dir_check_place(d, &e, &hash);
	if (place == ERR_EXISTS) return ERR_OK;
	TRY(place);

	bool new_keys = false;
	TRY(dir_check_signer(d, &e, s));
	TRY(dir_check_keys(d, &e, s, &new_keys));
	TRY(dir_check_owner_left(d, &e));
	TRY(dir_reserve(d));
	ENSURE(dir_user(d, &e.user_id) != NULL || d->user_count < d->user_cap, ERR_FULL);
	dir_add(d, &e, &hash, new_keys);
	return ERR_OK;
}

enum err dir_entry_make(const struct directory *d, struct dir_entry *e,
			const struct dir_signers *keys, struct buf *entry_bytes,
			struct dir_signed *ret_signed)
{
	REQUIRE(keys->by_signer != NULL);
	e->clinic_id = d->clinic_id;
	e->dir_seq = dir_head(d, &e->prev_hash) + 1;
	buf_clear(entry_bytes);
	TRY(dir_entry_encode(e, entry_bytes));

	struct dir_signed s = { .entry = buf_view(entry_bytes) };
	s.by_signer = sign_bytes(keys->by_signer, s.entry);
	if (keys->by_new != NULL) s.by_new = sign_bytes(keys->by_new, s.entry);
	if (keys->by_old != NULL) s.by_old = sign_bytes(keys->by_old, s.entry);
	*ret_signed = s;
	return ERR_OK;
}
