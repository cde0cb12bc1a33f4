/* meta: what the room knows about itself and its clinic, in clear: none of it is about patients. */
#include "client/store/local_priv.h"

#include <stdlib.h>

enum err meta_set(struct local *l, const char *name, struct view value)
{
	return db_run(l->db,
		      "INSERT INTO meta (name, value) VALUES (?1, ?2)"
		      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		      DB_ARGS(db_text(view_str(name)), db_blob(value)));
}

enum err meta_set_u64(struct local *l, const char *name, uint64_t value)
{
	uint8_t b[8];
	store_be64(b, value);
	return meta_set(l, name, VIEW_OF(b));
}

enum err meta_drop(struct local *l, const char *name)
{
	return db_run(l->db, "DELETE FROM meta WHERE name = ?1", DB_ARGS(db_text(view_str(name))));
}

enum err meta_get(struct local *l, const char *name, struct buf *out)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(l->db, "SELECT value FROM meta WHERE name = ?1",
			 DB_ARGS(db_text(view_str(name))), &stmt));
	return buf_append(out, db_col_view(stmt, 0));
}

enum err meta_get_u64(struct local *l, const char *name, uint64_t *ret)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(meta_get(l, name, &b));
	ENSURE(b.len == 8, ERR_CORRUPT);
	*ret = load_be64(b.p);
	return ERR_OK;
}

enum err meta_set_signed(struct local *l, const char *name, struct view body,
			 const struct sign_sig *sig)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(buf_append(&b, sign_sig_view(sig)));
	TRY(buf_append(&b, body));
	return meta_set(l, name, buf_view(&b));
}

/* ---- loading --------------------------------------------------------------------------------- */

static enum err meta_get_signed(struct local *l, const char *name, struct buf *body,
				struct sign_sig *ret_sig)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(meta_get(l, name, &b));
	ENSURE(b.len > SIGN_SIG_BYTES, ERR_CORRUPT);
	memcpy(ret_sig->b, b.p, SIGN_SIG_BYTES);
	buf_clear(body);
	return buf_append(body, view_of(b.p + SIGN_SIG_BYTES, b.len - SIGN_SIG_BYTES));
}

static enum err meta_get_text(struct local *l, const char *name, char *ret, size_t cap)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(meta_get(l, name, &b));
	ENSURE(b.len < cap, ERR_CORRUPT);
	if (b.len > 0) memcpy(ret, b.p, b.len);
	ret[b.len] = '\0';
	return ERR_OK;
}

static enum err meta_get_id(struct local *l, const char *name, struct id *ret)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(meta_get(l, name, &b));
	ENSURE(id_from_view(buf_view(&b), ret) == ERR_OK, ERR_CORRUPT);
	return ERR_OK;
}

static enum err meta_get_secret(struct local *l, const char *name, struct secret **ret)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(meta_get(l, name, &b));
	ENSURE(b.len == KEY_BYTES, ERR_CORRUPT);
	secret_free(*ret);
	*ret = NULL;
	const enum err e = secret_new_copy(buf_view(&b), ret);
	buf_wipe(&b);
	return e;
}

static enum err meta_load_records(struct local *l)
{
	struct local_room *r = &l->room;
	TRY(meta_get_signed(l, "server_record", &l->server_bytes, &l->server_sig));
	TRY(meta_get_signed(l, "policy", &l->policy_bytes, &l->policy_sig));
	TRY(meta_get_signed(l, "epoch_record", &l->epoch_bytes, &l->epoch_sig));
	/* What is pinned is checked at every start: a damaged file is found before it is
	 * believed. */
	if (server_record_verify(buf_view(&l->server_bytes), &l->server_sig, &r->clinic_id,
				 &r->root_pk, &r->server) != ERR_OK ||
	    policy_verify(buf_view(&l->policy_bytes), &l->policy_sig, &r->clinic_id, &r->root_pk,
			  &r->policy) != ERR_OK ||
	    epoch_record_parse(buf_view(&l->epoch_bytes), &r->epoch) != ERR_OK ||
	    !id_equal(&r->epoch.clinic_id, &r->clinic_id)) {
		return ERR_CORRUPT;
	}
	ENSURE(r->policy.clinic_name.len <= NAME_BYTES_MAX, ERR_CORRUPT);
	memcpy(r->clinic_name, r->policy.clinic_name.p, r->policy.clinic_name.len);
	r->clinic_name[r->policy.clinic_name.len] = '\0';
	return ERR_OK;
}

static enum err meta_optional(enum err e)
{
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err meta_load_joined(struct local *l)
{
	struct local_room *r = &l->room;
	CLEANUP(buf_finip) struct buf root = { 0 };
	uint64_t n = 0;
	TRY(meta_get_id(l, "clinic_id", &r->clinic_id));
	TRY(meta_get_id(l, "room_id", &r->room_id));
	TRY(meta_get(l, "root_pk", &root));
	ENSURE(sign_pk_from_view(buf_view(&root), &r->root_pk) == ERR_OK, ERR_CORRUPT);
	TRY(meta_get_text(l, "room_name", r->name, sizeof(r->name)));
	TRY(meta_get_text(l, "room_kind", r->kind, sizeof(r->kind)));
	TRY(meta_get_text(l, "address", r->address, sizeof(r->address)));
	TRY(meta_get_secret(l, "cs", &l->cs));
	TRY(meta_get_u64(l, "cs_id", &n));
	ENSURE(n >= 1 && n <= UINT32_MAX, ERR_CORRUPT);
	r->cs_id = (uint32_t)n;
	n = 0;
	TRY(meta_optional(meta_get_secret(l, "prev_cs", &l->prev_cs)));
	TRY(meta_optional(meta_get_u64(l, "prev_cs_id", &n)));
	l->prev_cs_id = (uint32_t)n;
	n = LOCAL_KIT_NONE;
	TRY(meta_optional(meta_get_u64(l, "kit", &n)));
	ENSURE(n <= LOCAL_KIT_CONFIRMED, ERR_CORRUPT);
	r->kit = (enum local_kit)n;
	TRY(meta_optional(meta_get_text(l, "kit_folder", r->kit_folder, sizeof(r->kit_folder))));
	return meta_load_records(l);
}

static enum err meta_load_alarms(struct local *l)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, "SELECT alarm FROM alarm", DB_NO_ARGS, &stmt));
	l->alarms = 0;
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		const uint64_t a = db_col_u64(stmt, 0);
		if (a < LOCAL_ALARM_COUNT) l->alarms |= 1ull << a;
	}
}

enum err meta_load(struct local *l)
{
	uint64_t state = LOCAL_EMPTY;
	TRY(meta_optional(meta_get_u64(l, "state", &state)));
	ENSURE(state <= LOCAL_READY, ERR_CORRUPT);
	l->room = (struct local_room){ .state = (enum local_state)state };
	TRY(meta_optional(meta_get_u64(l, "floor_ms", &l->floor_ms)));
	TRY(meta_optional(meta_get_u64(l, "server_ms", &l->server_ms)));
	TRY(meta_optional(meta_get_u64(l, "backed_up_seq", &l->backed_up_seq)));
	TRY(meta_load_alarms(l));
	if (state == LOCAL_EMPTY) return ERR_OK;
	const enum err e = meta_load_joined(l);
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e; /* a part of it is gone */
}
