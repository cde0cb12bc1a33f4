#include "base/check.h"
#include "base/limits.h"
#include "crypt/records.h"
#include "server/store/store_priv.h"

/* ---- setup code ------------------------------------------------------------------------------ */

enum err store_setup_put(struct store *s, const uint8_t mac[SETUP_MAC_BYTES], uint64_t expires_ms)
{
	REQUIRE(s->open);
	ENSURE(!s->state.founded, ERR_EXISTS);
	return db_run(s->db,
		      "INSERT INTO setup (one, mac, expires_ms) VALUES (1, ?1, ?2)"
		      " ON CONFLICT (one) DO UPDATE SET mac = excluded.mac,"
		      " expires_ms = excluded.expires_ms",
		      DB_ARGS(db_blob(view_of(mac, SETUP_MAC_BYTES)), db_u64(expires_ms)));
}

enum err store_setup_get(struct store_reader *r, uint64_t now_ms, uint8_t ret_mac[SETUP_MAC_BYTES])
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db, "SELECT mac, expires_ms FROM setup", DB_NO_ARGS, &stmt));
	ENSURE(now_ms < db_col_u64(stmt, 1), ERR_EXPIRED);
	return db_col_bytes(stmt, 0, ret_mac, SETUP_MAC_BYTES);
}

enum err store_setup_burn(struct store *s)
{
	REQUIRE(s->open);
	return db_run(s->db, "DELETE FROM setup", DB_NO_ARGS);
}

/* ---- founding -------------------------------------------------------------------------------- */

struct founding_parsed {
	struct policy policy;
	struct server_record server;
	struct epoch_record epoch;
	struct dir_entry owner;
};

/* The caller has checked the signatures; here only what would leave a clinic that contradicts
 * itself. */
static enum err founding_parse(const struct store_founding *f, struct founding_parsed *ret)
{
	struct founding_parsed p;
	TRY(policy_parse(f->policy.body, &p.policy));
	TRY(server_record_parse(f->server_record.body, &p.server));
	TRY(epoch_record_parse(f->epoch_record.body, &p.epoch));
	TRY(dir_entry_parse(f->first_owner.entry, &p.owner));
	ENSURE(!id_is_zero(&f->clinic_id) && !id_is_zero(&f->room.room_id), ERR_BAD_VALUE);
	ENSURE(id_equal(&p.policy.clinic_id, &f->clinic_id), ERR_BAD_VALUE);
	ENSURE(id_equal(&p.server.clinic_id, &f->clinic_id), ERR_BAD_VALUE);
	ENSURE(id_equal(&p.epoch.clinic_id, &f->clinic_id), ERR_BAD_VALUE);
	ENSURE(id_equal(&p.owner.clinic_id, &f->clinic_id), ERR_BAD_VALUE);
	ENSURE(view_equal(p.policy.clinic_name, f->clinic_name), ERR_BAD_VALUE);
	ENSURE(p.owner.dir_seq == 1 && p.epoch.n == 1, ERR_BAD_VALUE);
	ENSURE(id_equal(&p.owner.user_id, &f->account.user_id), ERR_BAD_VALUE);
	ENSURE(id_equal(&p.epoch.signer_id, &f->account.user_id), ERR_BAD_VALUE);
	*ret = p;
	return ERR_OK;
}

static enum err record_put(struct store *s, enum store_record_kind kind, uint64_t number,
			   const struct store_signed *record)
{
	return db_run(s->db,
		      "INSERT INTO record (kind, number, body, signature) VALUES (?1, ?2, ?3, ?4)",
		      DB_ARGS(db_u64(kind), db_u64(number), db_blob(record->body),
			      db_sig(&record->signature)));
}

static enum err founding_put_records(struct store *s, const struct store_founding *f,
				     const struct founding_parsed *p)
{
	TRY(db_run(
		s->db,
		"INSERT INTO clinic (one, clinic_id, name, root_pk, epoch, epoch_n, backed_up_seq)"
		" VALUES (1, ?1, ?2, ?3, ?4, ?5, 0)",
		DB_ARGS(db_id(&f->clinic_id), db_text(f->clinic_name),
			db_blob(sign_pk_view(&f->root_pk)), db_blob(id_view(&p->epoch.epoch)),
			db_u64(p->epoch.n))));
	TRY(record_put(s, STORE_RECORD_POLICY, p->policy.version, &f->policy));
	TRY(record_put(s, STORE_RECORD_SERVER, p->server.seq, &f->server_record));
	return record_put(s, STORE_RECORD_EPOCH, p->epoch.n, &f->epoch_record);
}

static enum err founding_put_room(struct store *s, const struct store_room *room)
{
	return db_run(s->db,
		      "INSERT INTO room (room_id, name, kind, spki, state, enrolled_ms)"
		      " VALUES (?1, ?2, ?3, ?4, 1, ?5)",
		      DB_ARGS(db_id(&room->room_id), db_text(room->name), db_text(room->kind),
			      db_hash(&room->spki), db_u64(s->now_ms)));
}

enum err store_found(struct store *s, const struct store_founding *f)
{
	REQUIRE(s->open);
	ENSURE(!s->state.founded, ERR_EXISTS);
	struct founding_parsed p;
	TRY(founding_parse(f, &p));
	crashpoint(CRASHPOINT_STORE_FOUND_BEFORE);
	TRY(founding_put_records(s, f, &p));
	s->state.founded = true;
	s->state.clinic_id = f->clinic_id;
	s->state.epoch = p.epoch.epoch;
	TRY(store_account_put(s, &f->account));
	TRY(store_directory_append(s, &f->first_owner));
	TRY(founding_put_room(s, &f->room));
	TRY(store_setup_burn(s));
	TRY(store_audit(s, &(struct store_event){ .kind = STORE_EVENT_FOUNDED,
						  .user_id = f->account.user_id,
						  .room_id = f->room.room_id,
						  .subject_id = f->clinic_id }));
	crashpoint(CRASHPOINT_STORE_FOUND_AFTER);
	return ERR_OK;
}

static enum err record_newest(struct store_reader *r, enum store_record_kind kind,
			      struct arena *arena, struct store_signed *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db,
			 "SELECT body, signature FROM record WHERE kind = ?1"
			 " ORDER BY number DESC LIMIT 1",
			 DB_ARGS(db_u64(kind)), &stmt));
	TRY(store_col_dup(stmt, 0, arena, &ret->body));
	return store_col_sig(stmt, 1, &ret->signature);
}

enum err store_clinic_get(struct store_reader *r, struct arena *arena, struct store_clinic *ret)
{
	struct store_clinic c = { 0 };
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(
		r->db, "SELECT clinic_id, name, root_pk, epoch, epoch_n, backed_up_seq FROM clinic",
		DB_NO_ARGS, &stmt));
	TRY(db_col_id(stmt, 0, &c.clinic_id));
	TRY(store_col_dup(stmt, 1, arena, &c.name));
	TRY(db_col_bytes(stmt, 2, c.root_pk.b, SIGN_PK_BYTES));
	TRY(db_col_id(stmt, 3, &c.epoch));
	c.epoch_n = db_col_u64(stmt, 4);
	c.backed_up_seq = db_col_u64(stmt, 5);
	TRY(record_newest(r, STORE_RECORD_POLICY, arena, &c.policy));
	TRY(record_newest(r, STORE_RECORD_SERVER, arena, &c.server_record));
	TRY(record_newest(r, STORE_RECORD_EPOCH, arena, &c.epoch_record));
	*ret = c;
	return ERR_OK;
}

/* ---- status ---------------------------------------------------------------------------------- */

static enum err status_clinic(struct db *db, struct store_status *status)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	TRY(db_query(db, "SELECT clinic_id, epoch, epoch_n, backed_up_seq FROM clinic", DB_NO_ARGS,
		     &stmt));
	TRY(db_step(stmt, &row));
	status->founded = row;
	if (!row) return ERR_OK;
	TRY(db_col_id(stmt, 0, &status->clinic_id));
	TRY(db_col_id(stmt, 1, &status->epoch));
	status->epoch_n = db_col_u64(stmt, 2);
	status->backed_up_seq = db_col_u64(stmt, 3);
	return ERR_OK;
}

static enum err status_directory(struct db *db, struct store_status *status)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	TRY(db_query(db, "SELECT dir_seq, entry FROM directory ORDER BY dir_seq DESC LIMIT 1",
		     DB_NO_ARGS, &stmt));
	TRY(db_step(stmt, &row));
	if (!row) return ERR_OK;
	status->dir_seq = db_col_u64(stmt, 0);
	status->dir_hash = hash_bytes(db_col_view(stmt, 1));
	return ERR_OK;
}

enum err store_status(struct store_reader *r, struct store_status *ret)
{
	struct store_status status = { 0 };
	TRY(status_clinic(r->db, &status));
	TRY(status_directory(r->db, &status));
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db,
			 "SELECT (SELECT coalesce(max(seq), 0) FROM op),"
			 " (SELECT coalesce(max(seq), 0) FROM audit),"
			 " (SELECT count(*) FROM patient), (SELECT count(*) FROM session),"
			 " (SELECT count(*) FROM op WHERE state = 3),"
			 " (SELECT count(*) FROM quarantine)"
			 " + (SELECT count(*) FROM op WHERE state = 4)",
			 DB_NO_ARGS, &stmt));
	status.seq = db_col_u64(stmt, 0);
	status.audit_seq = db_col_u64(stmt, 1);
	status.patients = db_col_u64(stmt, 2);
	status.sessions = db_col_u64(stmt, 3);
	status.rejected = db_col_u64(stmt, 4);
	status.quarantined = db_col_u64(stmt, 5);
	*ret = status;
	return ERR_OK;
}
