#include "base/check.h"
#include "base/limits.h"
#include "server/store/store_priv.h"

/* ---- accounts -------------------------------------------------------------------------------- */

enum err store_account_put(struct store *s, const struct store_account *a)
{
	REQUIRE(s->open);
	ENSURE(!id_is_zero(&a->user_id), ERR_BAD_VALUE);
	ENSURE(a->login.len > 0 && a->login.len <= LOGIN_BYTES_MAX, ERR_BAD_VALUE);
	crashpoint(CRASHPOINT_STORE_ACCOUNT_BEFORE);
	TRY(db_run(s->db,
		   "INSERT INTO account (user_id, login, auth_pk, keyring_rev, keyring_blob,"
		   " recovery_blob, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		   DB_ARGS(db_id(&a->user_id), db_text(a->login),
			   db_blob(sign_pk_view(&a->auth_pk)), db_u64(a->keyring_rev),
			   db_blob(a->keyring_blob),
			   db_maybe(a->recovery_blob.len > 0, db_blob(a->recovery_blob)),
			   db_u64(s->now_ms))));
	crashpoint(CRASHPOINT_STORE_ACCOUNT_AFTER);
	return ERR_OK;
}

#define ACCOUNT_COLUMNS                                                                            \
	"SELECT user_id, login, auth_pk, keyring_rev, keyring_blob, recovery_blob,"                \
	" blocked_ms IS NOT NULL, vault_rev FROM account"

static enum err account_read(const struct db_stmt *stmt, struct arena *arena,
			     struct store_account *ret)
{
	struct store_account a = { 0 };
	TRY(db_col_id(stmt, 0, &a.user_id));
	TRY(store_col_dup(stmt, 1, arena, &a.login));
	TRY(db_col_bytes(stmt, 2, a.auth_pk.b, SIGN_PK_BYTES));
	a.keyring_rev = db_col_u64(stmt, 3);
	TRY(store_col_dup(stmt, 4, arena, &a.keyring_blob));
	TRY(store_col_dup(stmt, 5, arena, &a.recovery_blob));
	a.blocked = db_col_u64(stmt, 6) == 1;
	a.vault_rev = db_col_u64(stmt, 7);
	*ret = a;
	return ERR_OK;
}

enum err store_account_by_login(struct store_reader *r, struct view login, struct arena *arena,
				struct store_account *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db, ACCOUNT_COLUMNS " WHERE login = ?1", DB_ARGS(db_text(login)),
			 &stmt));
	return account_read(stmt, arena, ret);
}

enum err store_account_by_id(struct store_reader *r, const struct id *user_id, struct arena *arena,
			     struct store_account *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db, ACCOUNT_COLUMNS " WHERE user_id = ?1", DB_ARGS(db_id(user_id)),
			 &stmt));
	return account_read(stmt, arena, ret);
}

enum err store_accounts_list(struct store_reader *r, struct arena *arena,
			     struct store_account **ret_accounts, size_t *ret_count)
{
	uint64_t expected = 0;
	TRY(db_get_u64(r->db, "SELECT count(*) FROM account", DB_NO_ARGS, &expected));
	struct store_account *accounts = NULL;
	TRY(store_array(arena, expected, sizeof(*accounts), &accounts));

	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db, ACCOUNT_COLUMNS " ORDER BY account", DB_NO_ARGS, &stmt));
	size_t count = 0;
	bool row = false;
	for (; count < expected; count++) {
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(account_read(stmt, arena, &accounts[count]));
	}
	*ret_accounts = accounts;
	*ret_count = count;
	return ERR_OK;
}

enum err store_account_block(struct store *s, struct view login, struct id *ret_user_id)
{
	REQUIRE(s->open);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct id user_id;
	TRY(db_query_row(s->db, "SELECT user_id FROM account WHERE login = ?1",
			 DB_ARGS(db_text(login)), &stmt));
	TRY(db_col_id(stmt, 0, &user_id));
	TRY(db_run(s->db,
		   "UPDATE account SET blocked_ms = coalesce(blocked_ms, ?2) WHERE user_id = ?1",
		   DB_ARGS(db_id(&user_id), db_u64(s->now_ms))));
	*ret_user_id = user_id;
	return ERR_OK;
}

/* Compare and set: rows changed tells whether the revision fitted, a second look why it did not. */
static enum err account_changed(struct store *s, const struct id *user_id)
{
	if (db_changes(s->db) == 1) return ERR_OK;
	uint64_t one = 0;
	TRY(db_get_u64(s->db, "SELECT 1 FROM account WHERE user_id = ?1", DB_ARGS(db_id(user_id)),
		       &one));
	return ERR_CONFLICT;
}

enum err store_passphrase_change(struct store *s, const struct id *user_id,
				 struct view keyring_blob, uint64_t keyring_rev,
				 const struct sign_pk *auth_pk)
{
	REQUIRE(s->open);
	TRY(db_run(s->db,
		   "UPDATE account SET keyring_blob = ?2, keyring_rev = ?3, auth_pk = ?4"
		   " WHERE user_id = ?1 AND keyring_rev + 1 = ?3",
		   DB_ARGS(db_id(user_id), db_blob(keyring_blob), db_u64(keyring_rev),
			   db_blob(sign_pk_view(auth_pk)))));
	return account_changed(s, user_id);
}

enum err store_vault_put(struct store *s, const struct id *user_id, uint64_t vault_rev,
			 struct view blob)
{
	REQUIRE(s->open);
	TRY(db_run(s->db,
		   "UPDATE account SET vault_blob = ?3, vault_rev = ?2"
		   " WHERE user_id = ?1 AND vault_rev < ?2",
		   DB_ARGS(db_id(user_id), db_u64(vault_rev), db_blob(blob))));
	return account_changed(s, user_id);
}

enum err store_vault_get(struct store_reader *r, const struct id *user_id, struct arena *arena,
			 uint64_t *ret_rev, struct view *ret_blob)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db,
			 "SELECT vault_rev, vault_blob FROM account"
			 " WHERE user_id = ?1 AND vault_blob IS NOT NULL",
			 DB_ARGS(db_id(user_id)), &stmt));
	TRY(store_col_dup(stmt, 1, arena, ret_blob));
	*ret_rev = db_col_u64(stmt, 0);
	return ERR_OK;
}

/* ---- directory ------------------------------------------------------------------------------- */

static enum err directory_head(struct db *db, uint64_t *ret_seq, struct hash32 *ret_hash)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	*ret_seq = 0;
	*ret_hash = (struct hash32){ 0 };
	TRY(db_query(db, "SELECT dir_seq, entry FROM directory ORDER BY dir_seq DESC LIMIT 1",
		     DB_NO_ARGS, &stmt));
	TRY(db_step(stmt, &row));
	if (!row) return ERR_OK;
	*ret_seq = db_col_u64(stmt, 0);
	*ret_hash = hash_bytes(db_col_view(stmt, 1));
	return ERR_OK;
}

/* An entry that stands there already: the same bytes or a fork. */
static enum err directory_compare(struct db *db, uint64_t dir_seq, struct view entry)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(db, "SELECT entry FROM directory WHERE dir_seq = ?1",
			 DB_ARGS(db_u64(dir_seq)), &stmt));
	return view_equal(db_col_view(stmt, 0), entry) ? ERR_OK : ERR_FORK;
}

enum err store_directory_append(struct store *s, const struct dir_signed *item)
{
	REQUIRE(s->open);
	struct dir_entry entry;
	TRY(dir_entry_parse(item->entry, &entry));
	uint64_t head_seq = 0;
	struct hash32 head_hash;
	TRY(directory_head(s->db, &head_seq, &head_hash));
	if (entry.dir_seq <= head_seq) return directory_compare(s->db, entry.dir_seq, item->entry);
	ENSURE(entry.dir_seq == head_seq + 1, ERR_LANE_GAP);
	ENSURE(hash_equal(&entry.prev_hash, &head_hash), ERR_FORK);
	return db_run(s->db,
		      "INSERT INTO directory (dir_seq, user_id, entry, by_signer, by_new, by_old)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		      DB_ARGS(db_u64(entry.dir_seq), db_id(&entry.user_id), db_blob(item->entry),
			      db_sig(&item->by_signer), db_sig(&item->by_new),
			      db_sig(&item->by_old)));
}

static enum err directory_read(const struct db_stmt *stmt, struct arena *arena,
			       struct store_dir_item *ret)
{
	TRY(store_col_dup(stmt, 0, arena, &ret->item.entry));
	TRY(store_col_sig(stmt, 1, &ret->item.by_signer));
	TRY(store_col_sig(stmt, 2, &ret->item.by_new));
	TRY(store_col_sig(stmt, 3, &ret->item.by_old));
	return store_col_dup(stmt, 4, arena, &ret->login);
}

#define DIRECTORY_COLUMNS                                                                          \
	"SELECT d.entry, d.by_signer, d.by_new, d.by_old, a.login"                                 \
	" FROM directory d LEFT JOIN account a ON a.user_id = d.user_id"

enum err store_directory_list(struct store_reader *r, uint64_t after_dir_seq, size_t limit,
			      struct arena *arena, struct store_dir_item **ret_items,
			      size_t *ret_count)
{
	uint64_t expected = 0;
	TRY(db_get_u64(r->db, "SELECT count(*) FROM directory WHERE dir_seq > ?1",
		       DB_ARGS(db_u64(after_dir_seq)), &expected));
	if (expected > limit) expected = limit;
	struct store_dir_item *items = NULL;
	TRY(store_array(arena, expected, sizeof(*items), &items));

	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db, DIRECTORY_COLUMNS " WHERE d.dir_seq > ?1 ORDER BY d.dir_seq LIMIT ?2",
		     DB_ARGS(db_u64(after_dir_seq), db_u64(expected)), &stmt));
	size_t count = 0;
	bool row = false;
	for (; count < expected; count++) {
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(directory_read(stmt, arena, &items[count]));
	}
	*ret_items = items;
	*ret_count = count;
	return ERR_OK;
}

static enum err directory_apply_all(struct store_reader *r, struct directory *dir)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db, DIRECTORY_COLUMNS " ORDER BY d.dir_seq", DB_NO_ARGS, &stmt));
	for (uint64_t seq = 1;; seq++) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		struct dir_signed item = { .entry = db_col_view(stmt, 0) };
		TRY(store_col_sig(stmt, 1, &item.by_signer));
		TRY(store_col_sig(stmt, 2, &item.by_new));
		TRY(store_col_sig(stmt, 3, &item.by_old));
		TRY(dir_apply(dir, &item));
	}
}

enum err store_directory_load(struct store_reader *r, struct directory *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct id clinic_id;
	struct sign_pk root_pk;
	TRY(db_query_row(r->db, "SELECT clinic_id, root_pk FROM clinic", DB_NO_ARGS, &stmt));
	TRY(db_col_id(stmt, 0, &clinic_id));
	TRY(db_col_bytes(stmt, 1, root_pk.b, SIGN_PK_BYTES));

	CLEANUP(dir_finip) struct directory dir;
	dir_init(&dir, &clinic_id, &root_pk);
	TRY(directory_apply_all(r, &dir));
	*ret = dir;
	dir = (struct directory){ 0 };
	return ERR_OK;
}
