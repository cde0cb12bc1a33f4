/* directory_store: the chain of SECURITY 2.9 on disk and, checked from the pinned root, in
 * memory. */
#include "client/store/local_priv.h"

#include <stdlib.h>

static enum err login_set(struct local *l, const struct id *user_id, const char *login)
{
	const size_t len = strnlen(login, LOGIN_BYTES_MAX + 1);
	if (len == 0 || len > LOGIN_BYTES_MAX)
		return ERR_OK; /* display only: not worth a refusal */
	struct local_login *at = NULL;
	for (size_t i = 0; i < l->login_count; i++)
		if (id_equal(&l->logins[i].user_id, user_id)) at = &l->logins[i];
	if (at == NULL) {
		if (l->login_count == l->login_cap) {
			const size_t cap = l->login_cap == 0 ? 16 : l->login_cap * 2;
			struct local_login *more = realloc(l->logins, cap * sizeof(*more));
			ENSURE(more != NULL, ERR_NOMEM);
			l->logins = more;
			l->login_cap = cap;
		}
		at = &l->logins[l->login_count++];
		at->user_id = *user_id;
	}
	memcpy(at->login, login, len);
	at->login[len] = '\0';
	return ERR_OK;
}

static enum err load_row(struct local *l, struct db_stmt *stmt)
{
	struct dir_signed s = { .entry = db_col_view(stmt, 0) };
	TRY(db_col_bytes(stmt, 1, s.by_signer.b, sizeof(s.by_signer.b)));
	TRY(db_col_bytes(stmt, 2, s.by_new.b, sizeof(s.by_new.b)));
	TRY(db_col_bytes(stmt, 3, s.by_old.b, sizeof(s.by_old.b)));
	struct dir_entry entry = { 0 };
	if (dir_entry_parse(s.entry, &entry) != ERR_OK) return ERR_CORRUPT;
	/* dir_apply takes what it has already: a copied row would hide the entry it stands for, and
	 * block its place for ever. */
	ENSURE(entry.dir_seq == l->dir.entry_count + 1, ERR_CORRUPT);
	ENSURE(entry.dir_seq == db_col_u64(stmt, 5), ERR_CORRUPT);
	const enum err e = dir_apply(&l->dir, &s);
	if (e != ERR_OK) return e == ERR_NOMEM ? e : ERR_CORRUPT;
	char login[LOGIN_BYTES_MAX + 1] = { 0 };
	const struct view text = db_col_view(stmt, 4);
	if (text.len > 0 && text.len <= LOGIN_BYTES_MAX) memcpy(login, text.p, text.len);
	return login_set(l, &entry.user_id, login);
}

enum err dir_store_load(struct local *l)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db,
		     "SELECT entry, by_signer, by_new, by_old, login, dir_seq FROM dir_entry"
		     " ORDER BY dir_seq",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(load_row(l, stmt));
	}
}

static enum err sig_from(bool has, ProtobufCBinaryData from, struct sign_sig *ret)
{
	if (!has) return ERR_OK; /* zeros: dir_apply says whether it is needed */
	return sign_sig_from_view(wire_view(from), ret);
}

/* `reread`: what was asked for may go on from where memory was, not from where it is now. */
static enum err dir_store_put(struct local *l, const Roomkeep__DirectoryItem *item, bool reread)
{
	ENSURE(item->has_entry && item->has_signer_signature, ERR_BAD_FORMAT);
	struct dir_signed s = { .entry = wire_view(item->entry) };
	TRY(sig_from(true, item->signer_signature, &s.by_signer));
	TRY(sig_from(item->has_subject_signature, item->subject_signature, &s.by_new));
	TRY(sig_from(item->has_previous_signature, item->previous_signature, &s.by_old));
	struct dir_entry entry = { 0 };
	TRY(dir_entry_parse(s.entry, &entry));
	ENSURE(!reread || entry.dir_seq <= l->dir.entry_count + 1, ERR_BUSY);
	const char *login = item->login != NULL ? item->login : "";
	if (login[0] == '\0') login = local_login_of(l, &entry.user_id);

	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(l, &tx));
	const uint64_t before = l->dir.entry_count;
	/* The row first: if it cannot be stored the chain in memory must not be ahead of the
	 * disk. */
	if (entry.dir_seq == before + 1) {
		TRY(db_run(
			l->db,
			"INSERT INTO dir_entry (dir_seq, entry, by_signer, by_new, by_old, login)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			DB_ARGS(db_u64(entry.dir_seq), db_blob(s.entry),
				db_blob(sign_sig_view(&s.by_signer)),
				db_blob(sign_sig_view(&s.by_new)),
				db_blob(sign_sig_view(&s.by_old)), db_text(view_str(login)))));
	}
	TRY(dir_apply(&l->dir, &s));
	/* A courier is told no logins; they come with the same entries once somebody is signed
	 * in. */
	if (entry.dir_seq <= before && login[0] != '\0') {
		TRY(db_run(l->db,
			   "UPDATE dir_entry SET login = ?2 WHERE dir_seq = ?1 AND login <> ?2",
			   DB_ARGS(db_u64(entry.dir_seq), db_text(view_str(login)))));
	}
	TRY(local_tx_commit(&tx));
	return login_set(l, &entry.user_id, login);
}

/* Memory becomes what the disk has; on failure it stays ahead of it, which is no lie: what is in it
 * was checked. */
static enum err dir_store_reload(struct local *l)
{
	struct directory ahead = l->dir;
	l->dir_stale = true;
	dir_init(&l->dir, &l->room.clinic_id, &l->room.root_pk);
	const enum err e = dir_store_load(l);
	if (e != ERR_OK) {
		dir_fini(&l->dir);
		l->dir = ahead;
		return e;
	}
	dir_fini(&ahead);
	l->dir_stale = false;
	return ERR_OK;
}

enum err dir_store_apply(struct local *l, const Roomkeep__DirectoryItem *item)
{
	const bool reread = l->dir_stale;
	if (reread) TRY(dir_store_reload(l));
	const uint64_t before = l->dir.entry_count;
	const enum err e = dir_store_put(l, item, reread);
	/* Rows that go on from an entry which the disk does not have would be a chain with a hole,
	 * and the room could not be opened any more. What cannot be read again now is at the next
	 * item. */
	if (e != ERR_OK && l->dir.entry_count != before) err_ignore(dir_store_reload(l));
	return e;
}

enum err dir_check_epoch(const struct local *l)
{
	const struct epoch_record *e = &l->room.epoch;
	const struct dir_key *key = dir_key(&l->dir, &e->signer_id, e->signer_g);
	ENSURE(key != NULL, ERR_MORE);
	struct epoch_record checked = { 0 };
	TRY(epoch_record_verify(buf_view(&l->epoch_bytes), &l->epoch_sig, &l->room.clinic_id,
				&key->sign_pk, &checked));
	return ERR_OK;
}

const char *local_login_of(const struct local *l, const struct id *user_id)
{
	for (size_t i = 0; i < l->login_count; i++)
		if (id_equal(&l->logins[i].user_id, user_id)) return l->logins[i].login;
	return "";
}

enum err local_user_by_login(const struct local *l, const char *login, struct id *ret_id)
{
	for (size_t i = 0; i < l->login_count; i++) {
		if (strcmp(l->logins[i].login, login) != 0) continue;
		*ret_id = l->logins[i].user_id;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

uint64_t person_roles(const struct local *l, const struct id *user_id)
{
	const struct dir_user *u = dir_user(&l->dir, user_id);
	return u != NULL && u->active ? u->roles : 0;
}
