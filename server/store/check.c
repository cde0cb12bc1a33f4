/* check: does the database still say what was written? Reads only. */
#include "base/check.h"
#include "crypt/records.h"
#include "server/store/store_priv.h"

#include <stdlib.h>

#define CHECK_SCRATCH_BYTES (16u * MIB)

#define CHECK_WORD(name, word) [STORE_CHECK_##name] = word,
static const char *const check_words[STORE_CHECK_COUNT] = { STORE_CHECK_MAP(CHECK_WORD) };
#undef CHECK_WORD

const char *store_check_name(enum store_check_item item)
{
	REQUIRE((unsigned)item < STORE_CHECK_COUNT);
	return check_words[item];
}

void check_bad(struct check *c, enum store_check_item item, uint64_t number, const char *what)
{
	struct store_check_result *r = &c->report.items[item];
	if (r->bad++ > 0) return;
	r->first_bad = number;
	r->what = what;
}

void check_seen(struct check *c, enum store_check_item item)
{
	c->report.items[item].looked_at++;
}

/* ---- the file -------------------------------------------------------------------------------- */

static enum err check_integrity(struct check *c)
{
	uint64_t complaints = 0;
	TRY(db_check_integrity(c->db, &complaints));
	check_seen(c, STORE_CHECK_INTEGRITY);
	for (uint64_t i = 0; i < complaints; i++) {
		check_bad(c, STORE_CHECK_INTEGRITY, 0, "the file is damaged");
	}
	return ERR_OK;
}

static enum err check_foreign_keys(struct check *c)
{
	uint64_t complaints = 0;
	TRY(db_check_foreign_keys(c->db, &complaints));
	check_seen(c, STORE_CHECK_FOREIGN_KEYS);
	for (uint64_t i = 0; i < complaints; i++) {
		check_bad(c, STORE_CHECK_FOREIGN_KEYS, 0, "a row refers to nothing");
	}
	return ERR_OK;
}

/* ---- directory and records ------------------------------------------------------------------- */

static enum err check_directory(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(
		c->db,
		"SELECT dir_seq, entry, by_signer, by_new, by_old FROM directory ORDER BY dir_seq",
		DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		check_seen(c, STORE_CHECK_DIRECTORY);
		struct dir_signed item = { .entry = db_col_view(stmt, 1) };
		TRY(store_col_sig(stmt, 2, &item.by_signer));
		TRY(store_col_sig(stmt, 3, &item.by_new));
		TRY(store_col_sig(stmt, 4, &item.by_old));
		const enum err e = dir_apply(&c->directory, &item);
		if (e == ERR_NOMEM) return e;
		if (e == ERR_OK && c->directory.entry_count == db_col_u64(stmt, 0)) continue;
		check_bad(c, STORE_CHECK_DIRECTORY, db_col_u64(stmt, 0), "an entry does not hold");
	}
	if (c->founded && c->directory.entry_count == 0) {
		check_bad(c, STORE_CHECK_DIRECTORY, 0, "no entry");
	}
	return ERR_OK;
}

static enum err check_server_record(struct check *c, struct view body, const struct sign_sig *sig)
{
	struct server_record record;
	TRY(server_record_verify(body, sig, &c->clinic_id, &c->root_pk, &record));
	struct sign_pk *more = reallocarray(c->log_pks, c->log_pk_count + 1, sizeof(*more));
	ENSURE(more != NULL, ERR_NOMEM);
	c->log_pks = more;
	c->log_pks[c->log_pk_count++] = record.log_pk;
	return ERR_OK;
}

static enum err check_epoch_record(struct check *c, struct view body, const struct sign_sig *sig)
{
	struct epoch_record record;
	TRY(epoch_record_parse(body, &record));
	const struct dir_key *key = dir_key(&c->directory, &record.signer_id, record.signer_g);
	ENSURE(key != NULL, ERR_AUTH);
	return epoch_record_verify(body, sig, &c->clinic_id, &key->sign_pk, &record);
}

static enum err check_record(struct check *c, uint64_t kind, struct view body,
			     const struct sign_sig *sig)
{
	struct policy policy;
	switch (kind) {
	case STORE_RECORD_POLICY:
		return policy_verify(body, sig, &c->clinic_id, &c->root_pk, &policy);
	case STORE_RECORD_SERVER: return check_server_record(c, body, sig);
	case STORE_RECORD_EPOCH: return check_epoch_record(c, body, sig);
	default: return ERR_BAD_VALUE;
	}
}

static enum err check_records(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(c->db,
		     "SELECT kind, number, body, signature FROM record ORDER BY kind, number",
		     DB_NO_ARGS, &stmt));
	unsigned kinds = 0;
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		check_seen(c, STORE_CHECK_RECORDS);
		struct sign_sig sig;
		TRY(store_col_sig(stmt, 3, &sig));
		const uint64_t kind = db_col_u64(stmt, 0);
		const enum err e = check_record(c, kind, db_col_view(stmt, 2), &sig);
		if (e == ERR_NOMEM) return e;
		if (e == ERR_OK) kinds |= 1u << kind;
		if (e == ERR_OK) continue;
		check_bad(c, STORE_CHECK_RECORDS, db_col_u64(stmt, 1), "a record does not hold");
	}
	const unsigned all = 1u << STORE_RECORD_POLICY | 1u << STORE_RECORD_SERVER |
			     1u << STORE_RECORD_EPOCH;
	if (c->founded && kinds != all) {
		check_bad(c, STORE_CHECK_RECORDS, 0, "a record is missing");
	}
	return ERR_OK;
}

/* ---- the log --------------------------------------------------------------------------------- */

/* One row: NULL, or what is wrong with it. `prev` goes on to what the row claims, so that one
 * changed row is one finding. */
static enum err check_audit_row(const struct db_stmt *stmt, uint64_t expected, struct hash32 *prev,
				const char **ret_what)
{
	struct audit_entry link = { .seq = db_col_u64(stmt, 0),
				    .prev = *prev,
				    .row_hash = hash_bytes(db_col_view(stmt, 3)),
				    .time_ms = db_col_u64(stmt, 2) };
	struct hash32 stored;
	struct hash32 computed;
	struct audit_row row;
	TRY(db_col_id(stmt, 1, &link.epoch));
	TRY(store_col_hash(stmt, 4, &stored));
	TRY(audit_entry_hash(&link, &computed));
	*prev = stored;
	*ret_what = NULL;
	if (audit_row_parse(db_col_view(stmt, 3), &row) != ERR_OK) *ret_what = "not a log row";
	if (!hash_equal(&stored, &computed)) *ret_what = "the chain does not hold here";
	if (link.seq != expected) *ret_what = "rows are missing before this one";
	return ERR_OK;
}

static enum err check_audit_chain(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct hash32 prev = { { 0 } };
	uint64_t expected = 1;
	TRY(db_query(c->db, "SELECT seq, epoch, time_ms, body, entry FROM audit ORDER BY seq",
		     DB_NO_ARGS, &stmt));
	for (;; expected++) {
		bool row = false;
		const char *what = NULL;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		check_seen(c, STORE_CHECK_AUDIT_CHAIN);
		TRY(check_audit_row(stmt, expected, &prev, &what));
		const uint64_t seq = db_col_u64(stmt, 0);
		if (what != NULL) check_bad(c, STORE_CHECK_AUDIT_CHAIN, seq, what);
		expected = seq;
	}
}

static enum err check_head_signed(const struct check *c, const struct audit_head *head,
				  const struct sign_sig *sig, bool *ret_signed)
{
	*ret_signed = false;
	for (size_t i = 0; i < c->log_pk_count && !*ret_signed; i++) {
		const enum err e = audit_head_verify(head, &c->log_pks[i], sig);
		ENSURE(e != ERR_NOMEM, e);
		*ret_signed = e == ERR_OK;
	}
	return ERR_OK;
}

static enum err check_audit_heads(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(c->db,
		     "SELECT h.seq, h.time_ms, h.signature, a.epoch, a.entry FROM audit_head h"
		     " LEFT JOIN audit a ON a.seq = h.seq ORDER BY h.seq",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		check_seen(c, STORE_CHECK_AUDIT_HEADS);
		struct audit_head head = { .clinic_id = c->clinic_id,
					   .seq = db_col_u64(stmt, 0),
					   .time_ms = db_col_u64(stmt, 1) };
		struct sign_sig sig;
		if (db_col_is_null(stmt, 4)) {
			check_bad(c, STORE_CHECK_AUDIT_HEADS, head.seq,
				  "the signed row is missing");
			continue;
		}
		TRY(store_col_sig(stmt, 2, &sig));
		TRY(db_col_id(stmt, 3, &head.epoch));
		TRY(store_col_hash(stmt, 4, &head.entry));
		bool is_signed = false;
		TRY(check_head_signed(c, &head, &sig, &is_signed));
		if (is_signed) continue;
		check_bad(c, STORE_CHECK_AUDIT_HEADS, head.seq, "the signature does not hold");
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static enum err check_load_clinic(struct check *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(c->db, "SELECT clinic_id, root_pk FROM clinic", DB_NO_ARGS, &stmt));
	TRY(db_step(stmt, &c->founded));
	if (!c->founded) return ERR_OK;
	TRY(db_col_id(stmt, 0, &c->clinic_id));
	return db_col_bytes(stmt, 1, c->root_pk.b, SIGN_PK_BYTES);
}

/* The directory first: epoch records and ops are signed by the people in it. */
static const struct check_step {
	enum store_check_item item;
	enum err (*run)(struct check *c);
} check_steps[] = {
	{ STORE_CHECK_INTEGRITY, check_integrity },
	{ STORE_CHECK_FOREIGN_KEYS, check_foreign_keys },
	{ STORE_CHECK_DIRECTORY, check_directory },
	{ STORE_CHECK_RECORDS, check_records },
	{ STORE_CHECK_AUDIT_CHAIN, check_audit_chain },
	{ STORE_CHECK_AUDIT_HEADS, check_audit_heads },
	{ STORE_CHECK_OP_SIGNATURES, check_op_signatures },
	{ STORE_CHECK_OP_LANES, check_op_lanes },
	{ STORE_CHECK_OP_PAYLOADS, check_op_payloads },
	{ STORE_CHECK_OP_AUDIT, check_op_audit },
	{ STORE_CHECK_VIEWS, check_views },
};
_Static_assert(COUNT_OF(check_steps) == STORE_CHECK_COUNT, "every item has its step");

/* Errors that stop the check; every other one is a finding about what was being read. */
static bool check_err_stops(enum err e)
{
	switch ((int)e) {
	case ERR_NOMEM:
	case ERR_IO:
	case ERR_BUSY:
	case ERR_DISK_FULL: return true;
	default: return false;
	}
}

static enum err check_run(struct check *c)
{
	bool all_done = true;
	uint64_t bad = 0;
	TRY(check_load_clinic(c));
	dir_init(&c->directory, &c->clinic_id, &c->root_pk);
	for (size_t i = 0; i < COUNT_OF(check_steps); i++) {
		struct store_check_result *r = &c->report.items[check_steps[i].item];
		const enum err e = check_steps[i].run(c);
		if (check_err_stops(e)) return e;
		r->done = e == ERR_OK;
		if (e != ERR_OK) check_bad(c, check_steps[i].item, 0, "it cannot be read");
		all_done = all_done && r->done;
		bad += r->bad;
	}
	c->report.ok = all_done && bad == 0;
	return ERR_OK;
}

enum err store_check(struct store_reader *r, struct store_check_report *ret)
{
	struct check c = { .db = r->db };
	const bool own_snapshot = !db_in_transaction(r->db);
	arena_init(&c.arena, CHECK_SCRATCH_BYTES);
	if (own_snapshot) TRY(db_begin(r->db));
	const enum err e = check_run(&c);
	if (own_snapshot) db_rollback(r->db);
	dir_fini(&c.directory);
	free(c.log_pks);
	arena_fini(&c.arena);
	if (e == ERR_OK) *ret = c.report;
	return e;
}
