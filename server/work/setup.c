#include "server/work/setup.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "crypt/codes.h"
#include "crypt/proof.h"
#include "server/store/store.h"

/* One verb, one transaction. */
static enum err setup_finish(struct store *store, enum err e)
{
	if (e == ERR_OK) return store_commit(store);
	store_rollback(store);
	return e;
}

static enum err setup_put_mac(struct store *store, const struct secret *mac, uint64_t wall_ms)
{
	ENSURE(mac->len == SETUP_MAC_BYTES, ERR_BUG);
	TRY(store_begin(store, wall_ms));
	return setup_finish(store, store_setup_put(store, mac->p, wall_ms + SETUP_CODE_MS));
}

enum err setup_new_code(struct store *store, const struct hash32 *server_spki, uint64_t wall_ms,
			struct secret **ret_code)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	CLEANUP(secret_freep) struct secret *mac = NULL;
	CLEANUP(secret_freep) struct secret *code = NULL;
	TRY(secret_new_random(CODE_SECRET_BYTES, &s));
	TRY(setup_mac_derive(s, &mac));
	TRY(setup_code_print(s, server_spki, &code));
	TRY(setup_put_mac(store, mac, wall_ms));
	*ret_code = TAKE(code);
	return ERR_OK;
}

static enum err setup_block(struct store *store, struct view login, struct id *ret_user_id)
{
	struct id user_id;
	TRY(store_account_block(store, login, &user_id));
	const struct store_event event = { .kind = STORE_EVENT_USER_BLOCKED,
					   .subject_id = user_id };
	TRY(store_audit(store, &event));
	*ret_user_id = user_id;
	return ERR_OK;
}

enum err setup_block_user(struct store *store, struct view login, uint64_t wall_ms,
			  struct id *ret_user_id)
{
	ENSURE(login.len > 0 && login.len <= LOGIN_BYTES_MAX, ERR_BAD_TEXT);
	struct id user_id;
	TRY(store_begin(store, wall_ms));
	TRY(setup_finish(store, setup_block(store, login, &user_id)));
	*ret_user_id = user_id;
	return ERR_OK;
}
