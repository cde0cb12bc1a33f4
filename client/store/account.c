/* account: what this room keeps of the people who signed in here: a copy of the sealed keyring, the
 * pins, and the count of offline tries. None of it can be guessed faster than Argon2id allows. */
#include "client/store/local_priv.h"

void account_fini(struct account *a)
{
	buf_fini(&a->blob);
	*a = (struct account){ 0 };
}

#define ACCOUNT_COLUMNS                                                                            \
	"SELECT user_id, login, blob, rev_min, kdf_t, kdf_m_kib, vault_rev, online_ms, tries,"     \
	" next_try_ms FROM account WHERE "

static enum err account_read(struct db_stmt *stmt, struct account *ret)
{
	struct account a = { 0 };
	TRY(db_col_id(stmt, 0, &a.user_id));
	const struct view login = db_col_view(stmt, 1);
	ENSURE(login.len > 0 && login.len <= LOGIN_BYTES_MAX, ERR_CORRUPT);
	memcpy(a.login, login.p, login.len);
	a.have_blob = !db_col_is_null(stmt, 2);
	a.rev_min = db_col_u64(stmt, 3);
	const uint64_t t = db_col_u64(stmt, 4);
	const uint64_t m = db_col_u64(stmt, 5);
	ENSURE(t <= UINT32_MAX && m <= UINT32_MAX, ERR_CORRUPT);
	a.pinned = (struct kdf_params){ .t = (uint32_t)t, .m_kib = (uint32_t)m };
	a.vault_rev = db_col_u64(stmt, 6);
	a.online_ms = db_col_u64(stmt, 7);
	a.tries = db_col_u64(stmt, 8);
	a.next_try_ms = db_col_u64(stmt, 9);
	TRY(buf_append(&a.blob, db_col_view(stmt, 2)));
	*ret = a;
	return ERR_OK;
}

enum err account_by_login(struct local *l, const char *login, struct account *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(l->db, ACCOUNT_COLUMNS "login = ?1", DB_ARGS(db_text(view_str(login))),
			 &stmt));
	return account_read(stmt, ret);
}

enum err account_by_id(struct local *l, const struct id *user_id, struct account *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(l->db, ACCOUNT_COLUMNS "user_id = ?1", DB_ARGS(db_id(user_id)), &stmt));
	return account_read(stmt, ret);
}

enum err account_store_online(struct local *l, const struct account *a)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(l, &tx));
	/* A login may have passed to another person: then the old one's copy is of no use here. */
	TRY(db_run(l->db, "DELETE FROM account WHERE login = ?1 AND user_id <> ?2",
		   DB_ARGS(db_text(view_str(a->login)), db_id(&a->user_id))));
	TRY(db_run(
		l->db,
		"INSERT INTO account (user_id, login, blob, rev_min, kdf_t, kdf_m_kib, vault_rev,"
		" online_ms, tries, next_try_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0)"
		" ON CONFLICT (user_id) DO UPDATE SET login = ?2, blob = ?3,"
		" rev_min = max(rev_min, ?4), kdf_t = max(kdf_t, ?5),"
		" kdf_m_kib = max(kdf_m_kib, ?6), vault_rev = max(vault_rev, ?7),"
		" online_ms = ?8, tries = 0, next_try_ms = 0",
		DB_ARGS(db_id(&a->user_id), db_text(view_str(a->login)),
			db_blob(buf_view(&a->blob)), db_u64(a->rev_min), db_u64(a->pinned.t),
			db_u64(a->pinned.m_kib), db_u64(a->vault_rev), db_u64(a->online_ms))));
	return local_tx_commit(&tx);
}

enum err account_drop_blob(struct local *l, const struct id *user_id)
{
	return db_run(l->db, "UPDATE account SET blob = NULL WHERE user_id = ?1",
		      DB_ARGS(db_id(user_id)));
}

static uint64_t account_wait_ms(uint64_t tries)
{
	if (tries < LOCAL_TRIES_FREE) return 0;
	uint64_t ms = LOCAL_WAIT_MS_FIRST;
	for (uint64_t i = LOCAL_TRIES_FREE; i < tries && ms < LOCAL_WAIT_MS_MAX; i++) ms *= 2;
	return ms < LOCAL_WAIT_MS_MAX ? ms : LOCAL_WAIT_MS_MAX;
}

enum err account_count_try(struct local *l, struct account *a, uint64_t now_ms)
{
	a->tries++;
	a->next_try_ms = now_ms + account_wait_ms(a->tries);
	return db_run(l->db, "UPDATE account SET tries = ?2, next_try_ms = ?3 WHERE user_id = ?1",
		      DB_ARGS(db_id(&a->user_id), db_u64(a->tries), db_u64(a->next_try_ms)));
}

enum err account_clear_tries(struct local *l, const struct id *user_id)
{
	return db_run(l->db, "UPDATE account SET tries = 0, next_try_ms = 0 WHERE user_id = ?1",
		      DB_ARGS(db_id(user_id)));
}

enum err account_set_vault_rev(struct local *l, const struct id *user_id, uint64_t rev)
{
	return db_run(l->db, "UPDATE account SET vault_rev = max(vault_rev, ?2) WHERE user_id = ?1",
		      DB_ARGS(db_id(user_id), db_u64(rev)));
}

const struct secret *account_cs(const struct local *l, uint32_t cs_id)
{
	if (l->cs != NULL && cs_id == l->room.cs_id) return l->cs;
	if (l->prev_cs != NULL && cs_id == l->prev_cs_id) return l->prev_cs;
	return NULL;
}

uint64_t account_server_ms(const struct local *l)
{
	return l->server_ms;
}
