#include "client/desk/desk.h"

#include "base/check.h"
#include "base/crashpoint.h"
#include "client/store/account.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <stdlib.h>

void desk_init(struct desk *d, struct local *local)
{
	d->local = local;
	vault_init(&d->vault);
}

void desk_fini(struct desk *d)
{
	local_forget(d->local);
	vault_shut(&d->vault);
}

const struct id *desk_person(const struct desk *d)
{
	return d->vault.open ? &d->vault.user_id : NULL;
}

/* ---- asks ------------------------------------------------------------------------------------ */

static enum sync_reason reason_of_welcome(enum err e)
{
	/* Only what a person has to know; all others are a link that did not work this time. */
	if (e == ERR_CONFLICT) return SYNC_REASON_WRONG_CLINIC;
	if (e == ERR_VERSION) return SYNC_REASON_WRONG_EPOCH;
	if (e == ERR_AUTH || e == ERR_BAD_FORMAT || e == ERR_BAD_VALUE)
		return SYNC_REASON_BAD_RECORD;
	if (e == ERR_FORK) return SYNC_REASON_BAD_DIRECTORY;
	return SYNC_REASON_NONE;
}

static enum err run_welcome(struct desk *d, uint64_t now_ms, const struct sync_ask *ask,
			    struct sync_result *ret)
{
	bool more = false;
	const enum err e = feed_apply_welcome(d->local, buf_view(&ask->frame), now_ms, &more);
	ret->reason = reason_of_welcome(e);
	ret->again = more;
	ret->dir_seq = local_directory(d->local)->entry_count;
	if (e == ERR_OK) TRY(local_tidy(d->local, now_ms));
	return e;
}

static enum err run_directory(struct desk *d, uint64_t now_ms, const struct sync_ask *ask,
			      struct sync_result *ret)
{
	bool more = false;
	const enum err e = feed_apply_directory(d->local, buf_view(&ask->frame), now_ms, &more);
	if (e != ERR_OK && !feed_err_is_ours(e)) ret->reason = SYNC_REASON_BAD_DIRECTORY;
	ret->again = more;
	ret->dir_seq = local_directory(d->local)->entry_count;
	return e;
}

static enum err params_read(struct arena *a, struct view frame, const Roomkeep__LoginParams **ret)
{
	arena_init(a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(a, frame, &f));
	ENSURE(f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_PARAMS, ERR_PROTO);
	const Roomkeep__LoginParams *p = f->login_params;
	ENSURE(p->has_sn && p->sn.len == PROOF_NONCE_BYTES && p->has_salt &&
		       p->salt.len == KDF_SALT_BYTES && p->has_t && p->has_m_kib,
	       ERR_PROTO);
	*ret = p;
	return ERR_OK;
}

static void proof_fill(const struct desk *d, const struct id *user_id,
		       const uint8_t cn[SYNC_NONCE_BYTES], const Roomkeep__LoginParams *p,
		       const struct sync_conn *conn, struct login_proof *ret)
{
	*ret = (struct login_proof){ .clinic_id = local_room(d->local)->clinic_id,
				     .user_id = *user_id };
	memcpy(ret->cn, cn, PROOF_NONCE_BYTES);
	memcpy(ret->sn, p->sn.data, PROOF_NONCE_BYTES);
	memcpy(ret->exporter, conn->exporter, EXPORTER_BYTES);
	memcpy(ret->room_spki.b, conn->room_spki, HASH_BYTES);
}

static enum err proof_frame(const struct sign_sig *sig, struct buf *out)
{
	Roomkeep__LoginProof m = ROOMKEEP__LOGIN_PROOF__INIT;
	m.has_sig = true;
	m.sig = wire_bytes(sign_sig_view(sig));
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_LOGIN_PROOF;
	f.login_proof = &m;
	return body_encode(&f, out);
}

/* The key is in memory: whatever parameters the server names now, nothing is derived. */
static enum err run_login_proof(struct desk *d, const struct sync_ask *ask, struct sync_result *ret)
{
	CLEANUP(arena_finip) struct arena a;
	const Roomkeep__LoginParams *p = NULL;
	TRY(params_read(&a, buf_view(&ask->frame), &p));
	struct id user_id = { 0 };
	TRY(wire_id(p->user_id, &user_id));
	ENSURE(id_equal(&user_id, &d->vault.user_id), ERR_CONFLICT);
	struct login_proof proof;
	proof_fill(d, &user_id, ask->cn, p, &ask->conn, &proof);
	struct sign_sig sig;
	feed_login_begins(d->local);
	TRY(vault_sign_login(&d->vault, &proof, &sig));
	return proof_frame(&sig, &ret->frame);
}

static struct sync_cursor cursor_of(const struct local_cursor *c)
{
	return (struct sync_cursor){ .epoch = c->epoch,
				     .seq = c->seq,
				     .scope_version = c->scope_version };
}

static enum err run_login_ok(struct desk *d, uint64_t now_ms, const struct sync_ask *ask,
			     struct sync_result *ret)
{
	struct local_cursor c = { 0 };
	TRY(feed_apply_login(d->local, &d->vault, buf_view(&ask->frame), now_ms, &c));
	ret->cursor = cursor_of(&c);
	return ERR_OK;
}

static enum err run_ack(struct desk *d, uint64_t now_ms, const struct sync_ask *ask,
			struct sync_result *ret)
{
	struct feed_ack ack = { 0 };
	TRY(feed_apply_ack(d->local, buf_view(&ask->frame), now_ms, &ack));
	ret->again = ack.busy || ack.gap ||
		     ack.receipts == 0; /* never spin on a server that cannot */
	/* What the server refused is no part of the record: read again without it. */
	if (ack.refused && d->vault.open) TRY(local_load_person(d->local, &d->vault));
	return local_tidy(d->local, now_ms);
}

static enum err run_feed(struct desk *d, uint64_t now_ms, const struct sync_ask *ask,
			 struct sync_result *ret)
{
	struct local_cursor c = { 0 };
	TRY(feed_apply(d->local, &d->vault, buf_view(&ask->frame), now_ms, &c, &ret->live));
	ret->cursor = cursor_of(&c);
	return local_tidy(d->local, now_ms);
}

static enum err run_scope(struct desk *d, const struct sync_ask *ask, struct sync_result *ret)
{
	struct local_cursor c = { 0 };
	TRY(feed_apply_scope(d->local, &d->vault, buf_view(&ask->frame), &c));
	ret->cursor = cursor_of(&c);
	return ERR_OK;
}

static bool ask_needs_person(enum sync_ask_type type)
{
	switch (type) {
	case SYNC_ASK_LOGIN_PROOF:
	case SYNC_ASK_LOGIN_OK:
	case SYNC_ASK_PUSH:
	case SYNC_ASK_FEED:
	case SYNC_ASK_SCOPE: return true;
	case SYNC_ASK_WELCOME:
	case SYNC_ASK_DIRECTORY:
	case SYNC_ASK_LOGIN_REFUSED:
	case SYNC_ASK_COURIER:
	case SYNC_ASK_ACK:
	case SYNC_ASK_BACKED_UP:
	case SYNC_ASK_ACCOUNTS:
	case SYNC_ASK_COUNT: break;
	}
	return false;
}

static enum err run_ask(struct desk *d, uint64_t now_ms, const struct sync_ask *ask,
			struct sync_result *ret)
{
	/* Between the ask and now somebody may have locked, or another person signed in. */
	const bool here = d->vault.open && id_equal(&d->vault.user_id, &ask->person);
	ENSURE(here || !ask_needs_person(ask->type), ERR_SIGNED_OUT);
	switch (ask->type) {
	case SYNC_ASK_WELCOME: return run_welcome(d, now_ms, ask, ret);
	case SYNC_ASK_DIRECTORY: return run_directory(d, now_ms, ask, ret);
	case SYNC_ASK_LOGIN_PROOF: return run_login_proof(d, ask, ret);
	case SYNC_ASK_LOGIN_OK: return run_login_ok(d, now_ms, ask, ret);
	case SYNC_ASK_LOGIN_REFUSED: return account_drop_blob(d->local, &ask->person);
	case SYNC_ASK_PUSH: return feed_next_push(d->local, &d->vault, &ret->frame);
	case SYNC_ASK_COURIER: return feed_next_courier(d->local, &ask->person, &ret->frame);
	case SYNC_ASK_ACK: return run_ack(d, now_ms, ask, ret);
	case SYNC_ASK_FEED: return run_feed(d, now_ms, ask, ret);
	case SYNC_ASK_SCOPE: return run_scope(d, ask, ret);
	case SYNC_ASK_BACKED_UP: return feed_backed_up(d->local, ask->seq);
	case SYNC_ASK_ACCOUNTS: return feed_apply_pong(d->local, buf_view(&ask->frame));
	case SYNC_ASK_COUNT: break;
	}
	return ERR_BUG;
}

void desk_run(struct desk *d, uint64_t now_ms, const struct sync_ask *ask, struct sync_result *ret)
{
	*ret = (struct sync_result){ .type = ask->type, .id = ask->id };
	ret->err = run_ask(d, now_ms, ask, ret);
	if (ret->err != ERR_OK) {
		buf_clear(&ret->frame);
		return;
	}
	ret->err = local_queued(d->local, &ret->queued);
}

/* ---- signing in ------------------------------------------------------------------------------ */

struct sign_in {
	char login[LOGIN_BYTES_MAX + 1];
	struct secret *p; /* normalised passphrase */
	uint8_t cn[PROOF_NONCE_BYTES];
	struct id user_id; /* as the server named it */
	struct pass_keys keys;
};

void desk_sign_in_free(struct sign_in *s)
{
	if (s == NULL) return;
	secret_free(s->p);
	pass_keys_fini(&s->keys);
	secret_wipe(s, sizeof(*s));
	free(s);
}

static void sign_in_freep(struct sign_in **s)
{
	desk_sign_in_free(*s);
	*s = NULL;
}

static enum err login_start_frame(struct sign_in *s, struct buf *out)
{
	Roomkeep__LoginStart m = ROOMKEEP__LOGIN_START__INIT;
	m.handle = s->login;
	m.has_cn = true;
	m.cn = wire_bytes(VIEW_OF(s->cn));
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_LOGIN_START;
	f.login_start = &m;
	return body_encode(&f, out);
}

enum err desk_sign_in_begin(struct desk *d, const char *login, struct view passphrase,
			    struct sign_in **ret, struct buf *ret_frame)
{
	const struct rand_source rand = local_rand(d->local);
	const size_t len = strlen(login);
	ENSURE(len > 0 && len <= LOGIN_BYTES_MAX, ERR_BAD_VALUE);
	CLEANUP(sign_in_freep) struct sign_in *s = calloc(1, sizeof(*s));
	ENSURE(s != NULL, ERR_NOMEM);
	memcpy(s->login, login, len + 1);
	enum passphrase_fault fault = PASSPHRASE_NONE;
	TRY(passphrase_normalize(passphrase, &s->p, &fault));
	rand_fill(&rand, s->cn, sizeof(s->cn));
	TRY(login_start_frame(s, ret_frame));
	*ret = TAKE(s);
	return ERR_OK;
}

static enum err pins_of(struct desk *d, const char *login, struct kdf_params *ret)
{
	CLEANUP(account_finip) struct account acc = { 0 };
	const enum err e = account_by_login(d->local, login, &acc);
	if (e == ERR_OK) *ret = acc.pinned;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err desk_sign_in_prove(struct desk *d, struct sign_in *s, struct view params_frame,
			    const struct sync_conn *conn, struct buf *ret_frame)
{
	CLEANUP(arena_finip) struct arena a;
	const Roomkeep__LoginParams *p = NULL;
	TRY(params_read(&a, params_frame, &p));
	TRY(wire_id(p->user_id, &s->user_id));
	/* Before anything is derived or proved (SECURITY 2.3, "KDF floor"). */
	const struct kdf_params kdf = { .t = p->t, .m_kib = p->m_kib };
	struct kdf_params pinned = { 0 };
	TRY(pins_of(d, s->login, &pinned));
	TRY(kdf_params_check(&kdf, pinned.t != 0 ? &pinned : NULL));
	/* For an unknown login the server names any secret: the proof then fails as a wrong one
	 * does. */
	const struct local_room *room = local_room(d->local);
	const struct secret *cs = account_cs(d->local, p->cs_id);
	if (cs == NULL) cs = account_cs(d->local, room->cs_id);
	ENSURE(cs != NULL, ERR_CONFIG);
	pass_keys_fini(&s->keys);
	TRY(pass_keys_derive(s->p, wire_view(p->salt), &kdf, cs, &room->clinic_id, &s->user_id,
			     &s->keys));
	struct login_proof proof;
	proof_fill(d, &s->user_id, s->cn, p, conn, &proof);
	struct sign_sig sig;
	feed_login_begins(d->local);
	TRY(login_proof_sign(&proof, &s->keys.auth, &sig));
	return proof_frame(&sig, ret_frame);
}

/* The keys in the keyring are the ones the clinic's directory names for this person. */
static enum err vault_is_listed(const struct desk *d)
{
	const struct directory *dir = local_directory(d->local);
	const struct dir_user *u = dir_user(dir, &d->vault.user_id);
	ENSURE(u != NULL && u->active, ERR_NOT_FOUND);
	const struct dir_key *key = dir_key(dir, &d->vault.user_id, d->vault.g);
	ENSURE(key != NULL, ERR_NOT_FOUND);
	return sign_pk_equal(&key->sign_pk, &d->vault.sign.pk) ? ERR_OK : ERR_AUTH;
}

static enum err finish_open(struct desk *d, struct sign_in *s, struct view blob, uint64_t now_ms)
{
	CLEANUP(account_finip) struct account acc = { 0 };
	const enum err known = account_by_id(d->local, &s->user_id, &acc);
	ENSURE(known == ERR_OK || known == ERR_NOT_FOUND, known);
	const struct local_room *room = local_room(d->local);
	const struct keyring_expect expect = { .clinic_id = room->clinic_id,
					       .user_id = s->user_id,
					       .rev_min = acc.rev_min,
					       .pinned = acc.pinned.t != 0 ? &acc.pinned : NULL };
	const enum err e = vault_open_blob(&d->vault, &expect, &room->room_id, s->login, blob,
					   &s->keys, now_ms);
	/* An older keyring than seen here: the server's database was put back, or it lies. */
	if (e == ERR_EXPIRED) TRY(local_raise(d->local, LOCAL_ALARM_VAULT, now_ms));
	TRY(e);
	TRY(vault_is_listed(d));
	acc.user_id = s->user_id;
	memcpy(acc.login, s->login, sizeof(acc.login));
	buf_clear(&acc.blob);
	TRY(buf_append(&acc.blob, blob));
	acc.rev_min = d->vault.keyring_rev;
	acc.pinned = d->vault.kdf;
	acc.online_ms = now_ms;
	return account_store_online(d->local, &acc);
}

static enum err finish_all(struct desk *d, struct sign_in *s, struct view frame, uint64_t now_ms,
			   struct local_cursor *c)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(&a, frame, &f));
	ENSURE(f->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK && f->login_ok->has_keyring_blob,
	       ERR_PROTO);
	ENSURE(s->keys.uwk != NULL, ERR_USAGE);
	TRY(finish_open(d, s, wire_view(f->login_ok->keyring_blob), now_ms));
	TRY(local_load_person(d->local, &d->vault));
	TRY(feed_apply_login(d->local, &d->vault, frame, now_ms, c));
	crashpoint(CRASHPOINT_LOCAL_SIGN_IN_AFTER);
	return ERR_OK;
}

enum err desk_sign_in_finish(struct desk *d, struct sign_in *s, struct view ok_frame,
			     uint64_t now_ms, struct sync_cursor *ret_cursor)
{
	REQUIRE(!d->vault.open);
	struct local_cursor c = { 0 };
	const enum err e = finish_all(d, s, ok_frame, now_ms, &c);
	if (e != ERR_OK) {
		local_forget(d->local);
		vault_shut(&d->vault);
		return e;
	}
	*ret_cursor = cursor_of(&c);
	return ERR_OK;
}

/* ---- offline --------------------------------------------------------------------------------- */

static bool older_than(uint64_t at_ms, uint64_t now_ms, uint64_t days)
{
	return at_ms == 0 || (now_ms > at_ms && now_ms - at_ms > days * 24 * 60 * 60 * 1000);
}

static enum err offline_admit(struct desk *d, const struct account *acc, uint64_t now_ms,
			      uint64_t *ret_wait_ms)
{
	ENSURE(acc->have_blob, ERR_NOT_FOUND);
	if (now_ms < acc->next_try_ms) {
		uint64_t wait = acc->next_try_ms - now_ms;
		/* A clock that was set back must not lock anybody out for years. */
		if (wait > LOCAL_WAIT_MS_MAX) wait = LOCAL_WAIT_MS_MAX;
		*ret_wait_ms = wait;
		return ERR_THROTTLED;
	}
	ENSURE(!older_than(acc->online_ms, now_ms, LOCAL_PERSON_DAYS_MAX), ERR_EXPIRED);
	ENSURE(!older_than(account_server_ms(d->local), now_ms, LOCAL_SERVER_DAYS_MAX),
	       ERR_EXPIRED);
	const struct dir_user *u = dir_user(local_directory(d->local), &acc->user_id);
	return u != NULL && u->active ? ERR_OK : ERR_NOT_FOUND;
}

static enum err offline_open(struct desk *d, struct sign_in *s, const struct account *acc,
			     uint64_t now_ms)
{
	struct keyring_head head = { 0 };
	const struct view blob = buf_view(&acc->blob);
	TRY(keyring_read_head(blob, &head));
	const struct secret *cs = account_cs(d->local, head.cs_id);
	ENSURE(cs != NULL, ERR_NOT_FOUND);
	const struct local_room *room = local_room(d->local);
	pass_keys_fini(&s->keys);
	TRY(pass_keys_derive(s->p, VIEW_OF(head.salt), &head.kdf, cs, &room->clinic_id,
			     &acc->user_id, &s->keys));
	const struct keyring_expect expect = { .clinic_id = room->clinic_id,
					       .user_id = acc->user_id,
					       .rev_min = acc->rev_min,
					       .pinned = acc->pinned.t != 0 ? &acc->pinned : NULL };
	TRY(vault_open_blob(&d->vault, &expect, &room->room_id, acc->login, blob, &s->keys,
			    now_ms));
	TRY(vault_is_listed(d));
	TRY(account_clear_tries(d->local, &acc->user_id));
	return local_load_person(d->local, &d->vault);
}

enum err desk_sign_in_offline(struct desk *d, struct sign_in *s, uint64_t now_ms,
			      uint64_t *ret_wait_ms)
{
	REQUIRE(!d->vault.open);
	CLEANUP(account_finip) struct account acc = { 0 };
	TRY(account_by_login(d->local, s->login, &acc));
	TRY(offline_admit(d, &acc, now_ms, ret_wait_ms));
	/* On disk before the try: pulling the plug does not give it back. */
	TRY(account_count_try(d->local, &acc, now_ms));
	crashpoint(CRASHPOINT_LOCAL_SIGN_IN_TRY);
	const enum err e = offline_open(d, s, &acc, now_ms);
	if (e == ERR_OK) return ERR_OK;
	local_forget(d->local);
	vault_shut(&d->vault);
	if (e == ERR_AUTH && acc.tries >= LOCAL_TRIES_MAX)
		TRY(account_drop_blob(d->local, &acc.user_id));
	return e;
}

/* ---- locking --------------------------------------------------------------------------------- */

static enum err farewell_make(struct desk *d, struct buf *out)
{
	CLEANUP(buf_finip) struct buf blob = { 0 };
	uint64_t rev = 0;
	TRY(vault_blob_make(d->local, &d->vault, &rev, &blob));
	Roomkeep__PutVault m = ROOMKEEP__PUT_VAULT__INIT;
	m.has_vault_rev = m.has_blob = true;
	m.vault_rev = rev;
	m.blob = wire_bytes(buf_view(&blob));
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_PUT_VAULT;
	f.put_vault = &m;
	return body_encode(&f, out);
}

void desk_lock(struct desk *d, uint64_t now_ms, struct buf *farewell)
{
	(void)now_ms;
	if (d->vault.open && d->vault.by_server && farewell != NULL) {
		/* Locking goes on without it: the heads are in room.db too and go with the next
		 * one. */
		err_ignore(farewell_make(d, farewell));
	}
	local_forget(d->local);
	vault_shut(&d->vault);
}
