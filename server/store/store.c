#include "server/store/store.h"

#include "base/check.h"
#include "server/store/store_priv.h"

#include <stdlib.h>
#include <string.h>

/* "RKc1": a clinic's database (PRAGMA application_id). */
#define STORE_APPLICATION_ID 0x524b6331u
/* For one op and its decoded message (wire/frame.h: parse memory), or one row of a table. */
#define STORE_SCRATCH_BYTES (16u * MIB)

/* Made by cmake/embed_sql.py from migrations/. */
extern const char *const store_migrations[];
extern const unsigned store_migrations_count;

struct db_schema store_schema(void)
{
	return (struct db_schema){ .application_id = STORE_APPLICATION_ID,
				   .steps = store_migrations,
				   .step_count = store_migrations_count };
}

/* ---- helpers --------------------------------------------------------------------------------- */

enum err store_col_dup(const struct db_stmt *stmt, int column, struct arena *arena,
		       struct view *ret)
{
	const struct view from = db_col_view(stmt, column);
	const struct view copy = arena_dup(arena, from);
	ENSURE(copy.p != NULL, arena_fits(arena, from.len + 1) ? ERR_NOMEM : ERR_TOO_BIG);
	*ret = copy;
	return ERR_OK;
}

enum err store_col_hash(const struct db_stmt *stmt, int column, struct hash32 *ret)
{
	return db_col_bytes(stmt, column, ret->b, HASH_BYTES);
}

enum err store_col_sig(const struct db_stmt *stmt, int column, struct sign_sig *ret)
{
	return db_col_bytes(stmt, column, ret->b, SIGN_SIG_BYTES);
}

enum err store_array(struct arena *arena, size_t count, size_t bytes_each, void *ret_array)
{
	ENSURE(count <= SIZE_MAX / bytes_each - 1, ERR_TOO_BIG);
	const size_t bytes = (count == 0 ? 1 : count) * bytes_each;
	void *p = arena_alloc(arena, bytes);
	ENSURE(p != NULL, arena_fits(arena, bytes) ? ERR_NOMEM : ERR_TOO_BIG);
	memcpy(ret_array, &p, sizeof(p));
	return ERR_OK;
}

/* ---- open, close ----------------------------------------------------------------------------- */

static enum err state_load_clinic(struct db *db, struct store_state *state)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	TRY(db_query(db, "SELECT clinic_id, epoch FROM clinic", DB_NO_ARGS, &stmt));
	TRY(db_step(stmt, &row));
	state->founded = row;
	if (!row) return ERR_OK;
	TRY(db_col_id(stmt, 0, &state->clinic_id));
	return db_col_id(stmt, 1, &state->epoch);
}

static enum err state_load_audit(struct db *db, struct store_state *state)
{
	CLEANUP(db_stmt_donep) struct db_stmt *last = NULL;
	bool row = false;
	TRY(db_query(db, "SELECT seq, entry FROM audit ORDER BY seq DESC LIMIT 1", DB_NO_ARGS,
		     &last));
	TRY(db_step(last, &row));
	if (!row) return ERR_OK;
	state->audit_seq = db_col_u64(last, 0);
	TRY(store_col_hash(last, 1, &state->audit_entry));

	CLEANUP(db_stmt_donep) struct db_stmt *waiting = NULL;
	TRY(db_query_row(db,
			 "SELECT count(*), min(time_ms) FROM audit"
			 " WHERE seq > (SELECT coalesce(max(seq), 0) FROM audit_head)",
			 DB_NO_ARGS, &waiting));
	state->unsigned_count = db_col_u64(waiting, 0);
	state->unsigned_since_ms = db_col_u64(waiting, 1);
	return ERR_OK;
}

static enum err state_load(struct store *s)
{
	s->state = (struct store_state){ 0 };
	TRY(state_load_clinic(s->db, &s->state));
	TRY(state_load_audit(s->db, &s->state));
	struct store_now now;
	TRY(store_now_read(&s->self, &now));
	s->state.op_seq = now.seq;
	s->state.backed_up_seq = now.backed_up_seq;
	s->state.has_head = now.has_head;
	s->state.head = now.head;
	return ERR_OK;
}

enum err store_open(const struct store_options *options, struct store **ret_store)
{
	REQUIRE(options->folder != NULL && options->log_key != NULL);
	CLEANUP(store_closep) struct store *s = calloc(1, sizeof(*s));
	ENSURE(s != NULL, ERR_NOMEM);
	arena_init(&s->arena, STORE_SCRATCH_BYTES);
	s->folder = strdup(options->folder);
	ENSURE(s->folder != NULL, ERR_NOMEM);
	s->log_key = options->log_key;
	s->erase_due = true;
	s->space = (struct db_space){ options->space_bytes_min, options->space_percent_min };
	if (s->space.bytes_min == 0 && s->space.percent_min == 0) s->space = DB_SPACE_DEFAULT;

	const struct db_schema schema = store_schema();
	TRY(db_open_writer(s->folder, STORE_FILE_NAME, &schema, &s->db));
	s->self.db = s->db;
	TRY(state_load(s));
	*ret_store = TAKE(s);
	return ERR_OK;
}

void store_close(struct store *s)
{
	if (s == NULL) return;
	db_close(s->db);
	arena_fini(&s->arena);
	free(s->folder);
	free(s);
}

void store_closep(struct store **s)
{
	store_close(*s);
	*s = NULL;
}

static enum err reader_open(const char *folder,
			    enum err (*open)(const char *, const char *, const struct db_schema *,
					     struct db **),
			    struct store_reader **ret_reader)
{
	CLEANUP(store_reader_closep) struct store_reader *r = calloc(1, sizeof(*r));
	ENSURE(r != NULL, ERR_NOMEM);
	const struct db_schema schema = store_schema();
	TRY(open(folder, STORE_FILE_NAME, &schema, &r->db));
	*ret_reader = TAKE(r);
	return ERR_OK;
}

enum err store_reader_open(const char *folder, struct store_reader **ret_reader)
{
	return reader_open(folder, db_open_reader, ret_reader);
}

enum err store_reader_open_onlooker(const char *folder, struct store_reader **ret_reader)
{
	return reader_open(folder, db_open_onlooker, ret_reader);
}

void store_reader_close(struct store_reader *r)
{
	if (r == NULL) return;
	db_close(r->db);
	free(r);
}

void store_reader_closep(struct store_reader **r)
{
	store_reader_close(*r);
	*r = NULL;
}

struct store_reader *store_as_reader(struct store *s)
{
	return &s->self;
}

/* ---- transactions ---------------------------------------------------------------------------- */

enum err store_begin(struct store *s, uint64_t now_ms)
{
	REQUIRE(!s->open);
	ENSURE(now_ms <= INT64_MAX, ERR_BAD_VALUE);
	TRY(db_begin(s->db));
	s->now_ms = now_ms;
	s->open = true;
	s->marked = false;
	s->at_begin = s->state;
	return ERR_OK;
}

enum err store_commit(struct store *s)
{
	REQUIRE(s->open);
	enum err e = store_head_sign_due(s);
	if (e == ERR_OK) {
		crashpoint(CRASHPOINT_STORE_COMMIT_BEFORE);
		e = db_commit(s->db);
	}
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	crashpoint(CRASHPOINT_STORE_COMMIT_AFTER);
	s->open = false;
	s->marked = false;
	arena_reset(&s->arena);
	return ERR_OK;
}

void store_rollback(struct store *s)
{
	if (!s->open) return;
	db_rollback(s->db);
	s->state = s->at_begin;
	s->open = false;
	s->marked = false;
	arena_reset(&s->arena);
}

enum err store_mark(struct store *s)
{
	REQUIRE(s->open);
	if (s->marked) TRY(db_mark_release(s->db));
	s->marked = false;
	TRY(db_mark(s->db));
	s->marked = true;
	s->at_mark = s->state;
	return ERR_OK;
}

enum err store_undo(struct store *s)
{
	REQUIRE(s->open && s->marked);
	s->marked = false;
	TRY(db_mark_undo(s->db));
	s->state = s->at_mark;
	crashpoint(CRASHPOINT_STORE_UNDO_AFTER);
	return ERR_OK;
}

/* ---- space, checkpoint ----------------------------------------------------------------------- */

enum err store_check_space(const struct store *s)
{
	return db_check_space(s->folder, s->space);
}

static enum err checkpoint_run(struct store *s, bool truncate)
{
	REQUIRE(!s->open);
	crashpoint(CRASHPOINT_STORE_CHECKPOINT_BEFORE);
	TRY(db_checkpoint(s->db, truncate));
	crashpoint(CRASHPOINT_STORE_CHECKPOINT_AFTER);
	return ERR_OK;
}

enum err store_checkpoint(struct store *s)
{
	return checkpoint_run(s, false);
}

enum err store_checkpoint_erase(struct store *s)
{
	return checkpoint_run(s, true);
}

uint64_t store_wal_pages(const struct store *s)
{
	return db_wal_pages(s->db);
}

/* ---- settings -------------------------------------------------------------------------------- */

enum err store_setting_put(struct store *s, const char *name, struct view value)
{
	REQUIRE(s->open);
	return db_run(s->db,
		      "INSERT INTO setting (name, value) VALUES (?1, ?2)"
		      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		      DB_ARGS(db_text(view_str(name)), db_blob(value)));
}

enum err store_setting_get(struct store_reader *r, const char *name, struct arena *arena,
			   struct view *ret_value)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(r->db, "SELECT value FROM setting WHERE name = ?1",
			 DB_ARGS(db_text(view_str(name))), &stmt));
	return store_col_dup(stmt, 0, arena, ret_value);
}
