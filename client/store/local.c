#include "client/store/local_priv.h"

#include "base/crashpoint.h"

#include <stdlib.h>

#define WAL_PAGES_MAX 1000u /* about 4 MiB: then it is copied back */

/* ---- opening and closing --------------------------------------------------------------------- */

enum err local_open(const char *folder, struct rand_source rand, struct local **ret)
{
	TRY(crypt_init());
	CLEANUP(local_closep) struct local *l = calloc(1, sizeof(*l));
	ENSURE(l != NULL, ERR_NOMEM);
	l->rand = rand;
	id_source_init(&l->ids, rand);
	TRY(db_open_writer(folder, LOCAL_FILE, &local_schema, &l->db));
	TRY(meta_load(l));
	dir_init(&l->dir, &l->room.clinic_id, &l->room.root_pk);
	if (l->room.state != LOCAL_EMPTY) {
		TRY(dir_store_load(l));
		const enum err e = dir_check_epoch(l);
		ENSURE(e == ERR_OK || e == ERR_MORE, ERR_CORRUPT);
	}
	TRY(guarded_open(&l->guarded, NOTE_ROOM_BYTES));
	*ret = TAKE(l);
	return ERR_OK;
}

void local_close(struct local *l)
{
	if (l == NULL) return;
	local_forget(l);
	guarded_close(&l->guarded);
	dir_fini(&l->dir);
	free(l->logins);
	buf_fini(&l->server_bytes);
	buf_fini(&l->policy_bytes);
	buf_fini(&l->epoch_bytes);
	secret_free(l->cs);
	secret_free(l->prev_cs);
	db_close(l->db);
	free(l);
}

void local_closep(struct local **l)
{
	local_close(*l);
	*l = NULL;
}

static void person_forget(struct local *l)
{
	patients_forget(l);
	notes_forget(l);
	withheld_forget(l);
	same_forget(l);
	secret_wipe(l->lanes, sizeof(l->lanes));
	l->lane_count = 0;
	secret_wipe(l->opened, sizeof(l->opened));
	l->opened_next = 0;
	guarded_wipe(&l->guarded);
	l->user_id = (struct id){ 0 };
	l->loaded = l->reload = false;
}

void local_forget(struct local *l)
{
	local_cancel(l, NULL);
	person_forget(l);
}

static enum err person_load(struct local *l, const struct vault *v)
{
	person_forget(l);
	l->user_id = v->user_id;
	l->loading = true;
	enum err e = lanes_load(l, v);
	if (e == ERR_OK) e = withheld_load(l, v);
	if (e == ERR_OK) e = patients_load(l, v);
	if (e == ERR_OK) e = notes_load(l, v);
	l->loading = false;
	if (e != ERR_OK)
		person_forget(l);
	else
		l->loaded = true;
	return e;
}

enum err local_load_person(struct local *l, const struct vault *v)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	local_forget(l);
	return person_load(l, v);
}

void person_must_reload(struct local *l)
{
	person_forget(l);
	l->reload = true;
}

static enum err person_reload(struct local *l, const struct vault *v)
{
	const enum err e = person_load(l, v);
	if (e != ERR_OK) person_must_reload(l);
	return e;
}

enum err person_check(struct local *l, const struct vault *v)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	if (l->reload) TRY(person_reload(l, v));
	ENSURE(l->loaded || l->loading, ERR_SIGNED_OUT);
	REQUIRE(id_equal(&l->user_id, &v->user_id));
	return ERR_OK;
}

/* Only what a verified backup holds, and not while a red flag stands (SECURITY 2.13); a wrong clock
 * is none of those. */
static enum err tidy_outbox(struct local *l, uint64_t today)
{
	if ((l->alarms & ~(1ull << LOCAL_ALARM_CLOCK)) != 0 || today <= LOCAL_KEEP_DAYS)
		return ERR_OK;
	TRY(db_run(l->db, "DELETE FROM outbox WHERE state = 1 AND seq <= ?1 AND day < ?2",
		   DB_ARGS(db_u64(l->backed_up_seq), db_u64(today - LOCAL_KEEP_DAYS))));
	return db_run(l->db,
		      "DELETE FROM boot WHERE NOT EXISTS"
		      " (SELECT 1 FROM outbox WHERE outbox.boot_id = boot.boot_id)",
		      DB_NO_ARGS);
}

enum err local_tidy(struct local *l, uint64_t now_ms)
{
	REQUIRE(!l->batch);
	const uint64_t today = now_ms / DAY_MS;
	if (today != l->tidied_day) {
		TRY(tidy_outbox(l, today));
		l->tidied_day = today;
	}
	return db_wal_pages(l->db) < WAL_PAGES_MAX ? ERR_OK : db_checkpoint(l->db, false);
}

/* ---- transactions ---------------------------------------------------------------------------- */

enum err local_tx_begin(struct local *l, struct local_tx *ret)
{
	*ret = (struct local_tx){ .l = l, .own = !l->batch };
	if (!ret->own) return ERR_OK;
	const enum err e = db_begin(l->db);
	if (e != ERR_OK) ret->own = false; /* nothing to roll back */
	return e;
}

enum err local_tx_commit(struct local_tx *tx)
{
	tx->done = true;
	if (!tx->own) return ERR_OK;
	return db_commit(tx->l->db);
}

void local_tx_endp(struct local_tx *tx)
{
	if (!tx->own || tx->done) return;
	db_rollback(tx->l->db);
	tx->l->merges_read = false;
}

enum err local_begin(struct local *l)
{
	REQUIRE(!l->batch);
	TRY(db_begin(l->db));
	l->batch = true;
	l->batch_ops = 0;
	return ERR_OK;
}

enum err local_commit(struct local *l)
{
	REQUIRE(l->batch);
	crashpoint(CRASHPOINT_LOCAL_COMMIT_BEFORE);
	const enum err e = db_commit(l->db);
	crashpoint(CRASHPOINT_LOCAL_COMMIT_AFTER);
	/* On failure nothing stands, but memory is ahead: local_cancel puts it back. */
	if (e == ERR_OK) l->batch = false;
	return e;
}

void local_cancel(struct local *l, struct vault *v)
{
	if (!l->batch) return;
	db_rollback(l->db);
	l->batch = false;
	if (v == NULL || !v->open || !l->loaded) return;
	/* What memory learned inside the transaction is not true any more. If it cannot be read
	 * now, the next call that needs it reads it, or says why it cannot. */
	err_ignore(person_reload(l, v));
}

/* ---- room ------------------------------------------------------------------------------------ */

const struct local_room *local_room(const struct local *l)
{
	return &l->room;
}

const struct directory *local_directory(const struct local *l)
{
	return &l->dir;
}

enum err local_set_address(struct local *l, const char *address)
{
	const size_t len = strlen(address);
	ENSURE(len > 0 && len <= LOCAL_ADDRESS_BYTES_MAX, ERR_BAD_VALUE);
	TRY(meta_set(l, "address", view_str(address)));
	memcpy(l->room.address, address, len + 1);
	return ERR_OK;
}

enum err local_set_kit(struct local *l, enum local_kit kit)
{
	TRY(meta_set_u64(l, "kit", kit));
	l->room.kit = kit;
	return ERR_OK;
}

struct rand_source local_rand(const struct local *l)
{
	return l->rand;
}

struct id local_new_id(struct local *l, uint64_t now_ms)
{
	return id_make_v7(&l->ids, now_ms);
}

void make_blind(struct local *l, uint8_t ret_blind[PAYLOAD_BLIND_BYTES])
{
	rand_fill(&l->rand, ret_blind, PAYLOAD_BLIND_BYTES);
}

static void hash_for_fold(void *ctx, struct view bytes, uint8_t ret_hash[FOLD_HASH_BYTES])
{
	(void)ctx;
	const struct hash32 h = hash_bytes(bytes);
	memcpy(ret_hash, h.b, FOLD_HASH_BYTES);
}

struct fold_hasher local_hasher(void)
{
	return (struct fold_hasher){ .hash = hash_for_fold };
}

/* ---- alarms and status ----------------------------------------------------------------------- */

const char *local_alarm_name(enum local_alarm a)
{
	switch (a) {
	case LOCAL_ALARM_LANE_ROLLBACK: return "lane_rollback";
	case LOCAL_ALARM_LANE_FORK: return "lane_fork";
	case LOCAL_ALARM_LANE_GAP: return "lane_gap";
	case LOCAL_ALARM_FORGED: return "forged";
	case LOCAL_ALARM_DIRECTORY: return "directory";
	case LOCAL_ALARM_EPOCH: return "epoch";
	case LOCAL_ALARM_SERVER_RECORD: return "server_record";
	case LOCAL_ALARM_VAULT: return "vault";
	case LOCAL_ALARM_SIGN_DIFFERS: return "sign_differs";
	case LOCAL_ALARM_CLOCK: return "clock";
	case LOCAL_ALARM_LOG_HEAD: return "log_head";
	case LOCAL_ALARM_COUNT: break;
	}
	return "unknown";
}

uint64_t local_alarms(const struct local *l)
{
	return l->alarms;
}

enum err local_raise(struct local *l, enum local_alarm a, uint64_t now_ms)
{
	REQUIRE(a > 0 && a < LOCAL_ALARM_COUNT);
	if ((l->alarms & 1ull << a) != 0) return ERR_OK;
	TRY(db_run(l->db, "INSERT OR IGNORE INTO alarm (alarm, at_ms) VALUES (?1, ?2)",
		   DB_ARGS(db_u64(a), db_u64(now_ms))));
	l->alarms |= 1ull << a;
	return ERR_OK;
}

const char *local_op_state_name(enum local_op_state s)
{
	switch (s) {
	case LOCAL_OP_QUEUED: return "queued";
	case LOCAL_OP_COMMITTED: return "committed";
	case LOCAL_OP_REJECTED: return "rejected";
	case LOCAL_OP_QUARANTINED: return "quarantined";
	}
	return "queued";
}

enum err local_counts(struct local *l, struct local_counts *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct local_counts c = { 0 };
	TRY(db_query(l->db, "SELECT state, count(*) FROM outbox GROUP BY state", DB_NO_ARGS,
		     &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		const uint64_t n = db_col_u64(stmt, 1);
		switch (db_col_u64(stmt, 0)) {
		case LOCAL_OP_QUEUED: c.queued = n; break;
		case LOCAL_OP_COMMITTED: c.committed = n; break;
		case LOCAL_OP_REJECTED: c.rejected = n; break;
		case LOCAL_OP_QUARANTINED: c.quarantined = n; break;
		default: return ERR_CORRUPT;
		}
	}
	*ret = c;
	return ERR_OK;
}

enum err local_queued(struct local *l, uint64_t *ret_count)
{
	return db_get_u64(l->db, "SELECT count(*) FROM outbox WHERE state = 0", DB_NO_ARGS,
			  ret_count);
}

enum err local_cursor(struct local *l, const struct vault *v, struct local_cursor *ret)
{
	ENSURE(v->open, ERR_SIGNED_OUT);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct local_cursor c = { 0 };
	const enum err e = db_query_row(
		l->db, "SELECT epoch, seq, scope_version FROM cursor WHERE user_id = ?1",
		DB_ARGS(db_id(&v->user_id)), &stmt);
	if (e == ERR_OK) {
		TRY(db_col_id(stmt, 0, &c.epoch));
		c.seq = db_col_u64(stmt, 1);
		c.scope_version = db_col_u64(stmt, 2);
	} else if (e != ERR_NOT_FOUND) {
		return e;
	}
	*ret = c;
	return ERR_OK;
}
