#include "db/db_priv.h"
#include "db/err_sqlite.h"

#include <stdlib.h>

static size_t cache_slot(const char *sql)
{
	/* Fibonacci hashing (Knuth, TAOCP 6.4) of the address. */
	return (size_t)(((uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15ull) >> 32) &
	       (DB_CACHE_STMTS - 1);
}

/* The statement's place: its own, or the first empty one, or NULL when the cache is full. */
static struct db_stmt **cache_find(struct db *db, const char *sql)
{
	const size_t first = cache_slot(sql);
	for (size_t i = 0; i < DB_CACHE_STMTS; i++) {
		struct db_stmt **at = &db->cache[(first + i) & (DB_CACHE_STMTS - 1)];
		if (*at == NULL || (*at)->sql == sql) return at;
	}
	return NULL;
}

static enum err stmt_prepare(struct db *db, const char *sql, struct db_stmt **ret_stmt)
{
	struct db_stmt *stmt = calloc(1, sizeof(*stmt));
	ENSURE(stmt != NULL, ERR_NOMEM);
	stmt->db = db;
	stmt->sql = sql;
	const char *tail = NULL;
	const int rc =
		sqlite3_prepare_v3(db->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->raw, &tail);
	if (rc != SQLITE_OK || stmt->raw == NULL) {
		free(stmt);
		return rc == SQLITE_OK ? ERR_STORE : db_last_err(db, rc);
	}
	INSIST(*tail == '\0'); /* one statement: the rest would silently not run */
	*ret_stmt = stmt;
	return ERR_OK;
}

static enum err stmt_take(struct db *db, const char *sql, struct db_stmt **ret_stmt)
{
	struct db_stmt **at = cache_find(db, sql);
	if (at != NULL && *at != NULL && !(*at)->busy) {
		/* The key is an address: text that moved or changed must not run as something
		 * else. */
		INSIST(strcmp(sqlite3_sql((*at)->raw), sql) == 0);
		*ret_stmt = *at;
		return ERR_OK;
	}
	TRY(stmt_prepare(db, sql, ret_stmt));
	INSIST(*ret_stmt != NULL);
	if (at != NULL && *at == NULL) {
		(*ret_stmt)->cached = true;
		*at = *ret_stmt;
	}
	return ERR_OK;
}

static void stmt_free(struct db_stmt *stmt)
{
	(void)sqlite3_finalize(stmt->raw); /* repeats the error of the last step */
	free(stmt);
}

void db_cache_clear(struct db *db)
{
	for (size_t i = 0; i < DB_CACHE_STMTS; i++) {
		if (db->cache[i] == NULL) continue;
		INSIST(!db->cache[i]->busy);
		stmt_free(db->cache[i]);
		db->cache[i] = NULL;
	}
}

void db_stmt_done(struct db_stmt *stmt)
{
	if (stmt == NULL) return;
	if (!stmt->cached) {
		stmt_free(stmt);
		return;
	}
	(void)sqlite3_reset(stmt->raw);          /* repeats the error of the last step */
	(void)sqlite3_clear_bindings(stmt->raw); /* cannot fail; the views may die now */
	stmt->busy = false;
}

void db_stmt_donep(struct db_stmt **stmt)
{
	db_stmt_done(*stmt);
	*stmt = NULL;
}

static const void *bytes_or_empty(struct view v)
{
	/* SQLite takes a NULL pointer for SQL NULL. */
	return v.p == NULL ? (const void *)"" : v.p;
}

static enum err stmt_bind(struct db_stmt *stmt, int index, const struct db_arg *arg)
{
	int rc = SQLITE_OK;
	switch (arg->type) {
	case DB_ARG_NULL: rc = sqlite3_bind_null(stmt->raw, index); break;
	case DB_ARG_U64:
		ENSURE(arg->u64 <= INT64_MAX, ERR_BAD_VALUE);
		rc = sqlite3_bind_int64(stmt->raw, index, (sqlite3_int64)arg->u64);
		break;
	case DB_ARG_I64: rc = sqlite3_bind_int64(stmt->raw, index, (sqlite3_int64)arg->u64); break;
	case DB_ARG_BLOB:
		rc = sqlite3_bind_blob64(stmt->raw, index, bytes_or_empty(arg->view), arg->view.len,
					 SQLITE_STATIC);
		break;
	case DB_ARG_TEXT:
		rc = sqlite3_bind_text64(stmt->raw, index, bytes_or_empty(arg->view), arg->view.len,
					 SQLITE_STATIC, SQLITE_UTF8);
		break;
	}
	return rc == SQLITE_OK ? ERR_OK : db_last_err(stmt->db, rc);
}

enum err db_query(struct db *db, const char *sql, const struct db_arg *args, size_t arg_count,
		  struct db_stmt **ret_stmt)
{
	REQUIRE(db != NULL && sql != NULL);
	struct db_stmt *taken = NULL;
	TRY(stmt_take(db, sql, &taken));
	INSIST(taken != NULL);
	taken->busy = true;
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = taken;
	REQUIRE(arg_count == (size_t)sqlite3_bind_parameter_count(stmt->raw));
	for (size_t i = 0; i < arg_count; i++) TRY(stmt_bind(stmt, (int)i + 1, &args[i]));
	*ret_stmt = TAKE(stmt);
	return ERR_OK;
}

enum err db_step(struct db_stmt *stmt, bool *ret_row)
{
	const int rc = sqlite3_step(stmt->raw);
	ENSURE(rc == SQLITE_ROW || rc == SQLITE_DONE, db_last_err(stmt->db, rc));
	*ret_row = rc == SQLITE_ROW;
	return ERR_OK;
}

enum err db_step_row(struct db_stmt *stmt)
{
	bool row = false;
	TRY(db_step(stmt, &row));
	return row ? ERR_OK : ERR_NOT_FOUND;
}

enum err db_step_done(struct db_stmt *stmt)
{
	bool row = false;
	TRY(db_step(stmt, &row));
	return row ? ERR_STORE : ERR_OK;
}

enum err db_query_row(struct db *db, const char *sql, const struct db_arg *args, size_t arg_count,
		      struct db_stmt **ret_stmt)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(db, sql, args, arg_count, &stmt));
	TRY(db_step_row(stmt));
	*ret_stmt = TAKE(stmt);
	return ERR_OK;
}

enum err db_run(struct db *db, const char *sql, const struct db_arg *args, size_t arg_count)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(db, sql, args, arg_count, &stmt));
	return db_step_done(stmt);
}

enum err db_get_u64(struct db *db, const char *sql, const struct db_arg *args, size_t arg_count,
		    uint64_t *ret_value)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(db, sql, args, arg_count, &stmt));
	*ret_value = db_col_u64(stmt, 0);
	return ERR_OK;
}

uint64_t db_changes(const struct db *db)
{
	return (uint64_t)sqlite3_changes64(db->raw);
}

uint64_t db_last_row(const struct db *db)
{
	return (uint64_t)sqlite3_last_insert_rowid(db->raw);
}

bool db_col_is_null(const struct db_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt->raw, column) == SQLITE_NULL;
}

uint64_t db_col_u64(const struct db_stmt *stmt, int column)
{
	const sqlite3_int64 v = sqlite3_column_int64(stmt->raw, column);
	return v < 0 ? 0 : (uint64_t)v;
}

int64_t db_col_i64(const struct db_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->raw, column);
}

struct view db_col_view(const struct db_stmt *stmt, int column)
{
	/* This order: asking for the bytes first may convert and move them
	 * (sqlite3_column_blob). */
	const void *p = sqlite3_column_blob(stmt->raw, column);
	const int len = sqlite3_column_bytes(stmt->raw, column);
	if (p == NULL) return VIEW_EMPTY; /* as SQLite answers for a value without bytes */
	INSIST(len > 0);
	return view_of(p, (size_t)len);
}

enum err db_col_id(const struct db_stmt *stmt, int column, struct id *ret_id)
{
	if (db_col_is_null(stmt, column)) {
		*ret_id = (struct id){ 0 };
		return ERR_OK;
	}
	return db_col_bytes(stmt, column, ret_id->b, ID_BYTES);
}

enum err db_col_bytes(const struct db_stmt *stmt, int column, uint8_t *ret_bytes, size_t len)
{
	REQUIRE(len > 0);
	const struct view v = db_col_view(stmt, column);
	ENSURE(v.len == len, ERR_CORRUPT);
	memcpy(ret_bytes, v.p, len);
	return ERR_OK;
}
