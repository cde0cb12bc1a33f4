/* Sign-in by challenge, without telling who exists (SECURITY 2.7).
 *
 * A known and an unknown login take the same steps: both look up the login, read one account,
 * derive the fake parameters and check one signature; they differ in what is thrown away. */
#include "base/check.h"
#include "server/work/work_handlers.h"

static struct view login_handle(const struct ask *a)
{
	return view_of(a->desc.challenge.handle, a->desc.challenge.handle_len);
}

static bool login_is_active(struct work *w, const struct id *user_id)
{
	REQUIRE(pthread_rwlock_rdlock(&w->lock) == 0);
	const struct dir_user *u = dir_user(&w->dir, user_id);
	const bool active = u != NULL && u->active;
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	return active;
}

static void login_read_shared(struct work *w, struct id *ret_decoy, uint32_t *ret_cs_id)
{
	REQUIRE(pthread_rwlock_rdlock(&w->lock) == 0);
	*ret_decoy = w->decoy_id;
	*ret_cs_id = w->cs_id;
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
}

/* The account of this login, or the decoy; what the room gets to see of it. */
static enum err login_find(struct work *w, struct ask *a, struct store_reader *r,
			   struct login_checked *c)
{
	struct id decoy_id;
	uint32_t cs_id = 0;
	login_read_shared(w, &decoy_id, &cs_id);
	struct store_account found = { 0 };
	const enum err e = store_account_by_login(r, login_handle(a), &a->arena, &found);
	ENSURE(e == ERR_OK || e == ERR_NOT_FOUND, e);
	const struct id read_id = e == ERR_OK ? found.user_id : decoy_id;
	TRY(store_account_by_id(r, &read_id, &a->arena, &c->account));
	TRY(blob_parse_head(c->account.keyring_blob, &c->head));
	c->known = login_is_active(w, &read_id) && e == ERR_OK && !c->account.blocked;

	struct id fake_id;
	uint8_t fake_salt[KDF_SALT_BYTES];
	TRY(login_fake_params(w->secrets->enum_key, login_handle(a), &fake_id, fake_salt));
	c->user_id = c->known ? c->account.user_id : fake_id;
	memcpy(c->salt, c->known ? c->head.salt : fake_salt, sizeof(c->salt));
	c->kdf = c->known ? c->head.kdf : kdf_params_default();
	c->cs_id = c->known ? c->head.cs_id : cs_id;
	return ERR_OK;
}

static enum err login_check_throttle(struct ask *a, struct store_reader *r, struct login_checked *c)
{
	struct store_throttle throttle;
	TRY(store_throttle_get(r, login_handle(a), &a->desc.who.room_id, a->wall_ms, &throttle));
	c->retry_ms = throttle.retry_ms;
	if (throttle.locked && c->retry_ms == 0) c->retry_ms = THROTTLE_MS_MAX;
	return c->retry_ms == 0 ? ERR_OK : ERR_THROTTLED;
}

enum err work_check_login_start(struct work *w, struct ask *a, struct store_reader *r)
{
	struct login_checked *c = &a->checked->is.login;
	TRY(login_check_throttle(a, r, c));
	TRY(login_find(w, a, r, c));
	a->user_id = c->user_id;
	return ERR_OK;
}

enum err work_reply_login_start(struct work *w, struct ask *a)
{
	(void)w;
	const struct login_checked *c = &a->checked->is.login;
	Roomkeep__LoginParams params = ROOMKEEP__LOGIN_PARAMS__INIT;
	params.has_user_id = 1;
	params.user_id = wire_id_bytes(&c->user_id);
	params.has_t = 1;
	params.t = c->kdf.t;
	params.has_m_kib = 1;
	params.m_kib = c->kdf.m_kib;
	params.has_salt = 1;
	params.salt = wire_bytes(VIEW_OF(c->salt));
	params.has_cs_id = 1;
	params.cs_id = c->cs_id;
	params.has_sn = 1;
	params.sn = wire_bytes(VIEW_OF(a->desc.challenge.sn));
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_LOGIN_PARAMS);
	frame.login_params = &params;
	return reply_send(a, &frame);
}

static enum err login_check_signature(struct work *w, const struct ask *a,
				      const struct login_checked *c)
{
	struct login_proof proof = { .clinic_id = work_clinic_id(w), .user_id = c->user_id };
	memcpy(proof.cn, a->desc.challenge.cn, sizeof(proof.cn));
	memcpy(proof.sn, a->desc.challenge.sn, sizeof(proof.sn));
	memcpy(proof.exporter, a->desc.who.peer.exporter_login, sizeof(proof.exporter));
	memcpy(proof.room_spki.b, a->desc.who.peer.spki, sizeof(proof.room_spki.b));
	struct sign_sig sig;
	TRY(sign_sig_from_view(wire_view(a->frame->login_proof->sig), &sig));
	return login_proof_verify(&proof, &c->account.auth_pk, &sig);
}

enum err work_check_login_proof(struct work *w, struct ask *a, struct store_reader *r)
{
	struct login_checked *c = &a->checked->is.login;
	TRY(login_check_throttle(a, r, c));
	TRY(login_find(w, a, r, c));
	/* The login must still mean whom the parameters named. */
	const bool same = id_equal(&c->user_id, &a->desc.challenge.user_id);
	const enum err proof = login_check_signature(w, a, c);
	ENSURE(proof != ERR_NOMEM, proof); /* a try that was not looked at is not a failed one */
	c->proof_ok = proof == ERR_OK && same && c->known;
	const enum err e =
		store_vault_get(r, &c->account.user_id, &a->arena, &c->vault_rev, &c->vault);
	ENSURE(e == ERR_OK || e == ERR_NOT_FOUND, e);
	return store_lane_heads(r, &c->account.user_id, &a->arena, &c->lanes, &c->lane_count);
}

static enum err login_write_failed(struct ask *a, struct store *s)
{
	TRY(store_throttle_fail(s, login_handle(a), &a->desc.who.room_id));
	TRY(work_audit(a, s, STORE_EVENT_SIGN_IN_FAILED, &a->user_id, ERR_AUTH));
	a->result = ERR_AUTH;
	return ERR_OK;
}

enum err work_write_login_proof(struct work *w, struct ask *a, struct store *s)
{
	struct login_checked *c = &a->checked->is.login;
	TRY(work_check_who(w, a, s));
	/* Again, because tries at the same time were all looked at before any was counted. */
	TRY(login_check_throttle(a, store_as_reader(s), c));
	bool may = false;
	uint64_t roles = 0;
	TRY(work_user_may_act(w, store_as_reader(s), &a->arena, &c->account.user_id, &may, &roles));
	if (c->known) a->user_id = c->account.user_id;
	if (!c->proof_ok || !may) return login_write_failed(a, s);
	TRY(store_throttle_reset(s, login_handle(a), &a->desc.who.room_id));
	return work_audit(a, s, STORE_EVENT_SIGN_IN, &a->user_id, ERR_OK);
}

static enum err login_fill_lanes(struct ask *a, Roomkeep__LoginOk *ok)
{
	const struct login_checked *c = &a->checked->is.login;
	if (c->lane_count == 0) return ERR_OK;
	ok->own_lanes = arena_alloc(&a->arena, c->lane_count * sizeof(*ok->own_lanes));
	Roomkeep__Head *heads = arena_alloc(&a->arena, c->lane_count * sizeof(*heads));
	ENSURE(ok->own_lanes != NULL && heads != NULL, ERR_NOMEM);
	for (size_t i = 0; i < c->lane_count; i++) {
		roomkeep__head__init(&heads[i]);
		heads[i].has_lane_id = 1;
		heads[i].lane_id = wire_bytes(hash_view(&c->lanes[i].head.lane_id));
		heads[i].has_lane_seq = 1;
		heads[i].lane_seq = c->lanes[i].head.lane_seq;
		heads[i].has_op_hash = 1;
		heads[i].op_hash = wire_bytes(hash_view(&c->lanes[i].head.op_hash));
		ok->own_lanes[i] = &heads[i];
	}
	ok->n_own_lanes = c->lane_count;
	return ERR_OK;
}

enum err work_reply_login_proof(struct work *w, struct ask *a)
{
	(void)w;
	const struct login_checked *c = &a->checked->is.login;
	Roomkeep__LoginOk ok = ROOMKEEP__LOGIN_OK__INIT;
	Roomkeep__SignedHead head;
	ok.has_keyring_blob = 1;
	ok.keyring_blob = wire_bytes(c->account.keyring_blob);
	if (c->vault.len > 0) {
		ok.has_vault_blob = 1;
		ok.vault_blob = wire_bytes(c->vault);
		ok.has_vault_rev = 1;
		ok.vault_rev = c->vault_rev;
	}
	if (a->now.head.present) {
		reply_fill_head(&a->now.head, &head);
		ok.head = &head;
	}
	TRY(login_fill_lanes(a, &ok));
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_LOGIN_OK);
	frame.login_ok = &ok;
	return reply_send(a, &frame);
}

enum err work_write_logout(struct work *w, struct ask *a, struct store *s)
{
	(void)w;
	return work_audit(a, s, STORE_EVENT_SIGN_OUT, &a->desc.who.user_id, ERR_OK);
}
