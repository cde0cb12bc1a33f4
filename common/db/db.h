/* db: one SQLite connection with the rules of this product, and small hands to work with it.
 *
 * Owns:    the connection, its cached statements, and (writer only) the folder's lock.
 * Threads: a connection belongs to one thread at a time; SQLite's own mutexes are off.
 * Rules:   exactly ONE connection may write and checkpoint, because Debian 12's SQLite has the
 *          WAL-reset bug (SECURITY 0, fact 1): db_open_writer takes an exclusive lock file, every
 *          other connection comes from db_open_reader, which can neither write nor checkpoint.
 *          Pragmas: SECURITY 3.3. Nothing checkpoints by itself: the owner calls db_checkpoint in
 *          its idle gaps.
 * Errors:  err_from_sqlite is the only translation: ERR_DISK_FULL, ERR_IO (the process must stop
 *          acknowledging and exit: a failed fsync is never tried again), ERR_CORRUPT, ERR_BUSY,
 *          ERR_EXISTS (a UNIQUE or primary key), ERR_NOT_FOUND (a foreign key), ERR_BAD_VALUE
 *          (CHECK, NOT NULL, a number above 2^63 - 1), ERR_VERSION, ERR_NOMEM, ERR_STORE (others).
 * Lives:   views of columns die at the next step, or when the statement is done. */
#pragma once

#include "base/check.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct db_stmt;

/* What a database file must be. Step i brings a file from user_version i to i + 1; an empty file
 * has version 0. Steps are never changed once released, only added. */
struct db_schema {
	uint32_t application_id;  /* PRAGMA application_id; another one is ERR_BAD_FORMAT */
	const char *const *steps; /* SQL, each run in one transaction; static storage */
	unsigned step_count;
};

#define DB_LOCK_NAME "lock"

/* Opens folder/name for reading and writing, creating both (0700, 0600) when missing, and migrates
 * it; what only the kernel's cache had is then on the disk. Holds folder/lock until db_close.
 * ERR_BUSY: another process or connection holds the lock; ERR_DENIED: folder or file are open to
 * others (SECURITY 1.4); ERR_VERSION: the file was made by a newer program. */
MUST_USE enum err db_open_writer(const char *folder, const char *name,
				 const struct db_schema *schema, struct db **ret_db);

/* Opens an existing file read-only, also while another process writes and after a kill -9 with a
 * hot WAL and no -shm. Never checkpoints. ERR_NOT_FOUND when there is no file; ERR_VERSION when it
 * is newer or not yet migrated. */
MUST_USE enum err db_open_reader(const char *folder, const char *name,
				 const struct db_schema *schema, struct db **ret_db);

/* As db_open_reader, but where nobody writes not even an existing -shm is touched. */
MUST_USE enum err db_open_onlooker(const char *folder, const char *name,
				   const struct db_schema *schema, struct db **ret_db);
/* An empty database in memory with the schema: for rebuilding views and for tests. */
MUST_USE enum err db_open_memory(const struct db_schema *schema, struct db **ret_db);

void db_close(struct db *db); /* rolls back what is open; NULL is fine */
void db_closep(struct db **db);

/* Borrowed from the caller of db_open_*: the schema's steps are static, so this is too. */
const char *db_library_version(void);
/* True while the linked SQLite loses committed data when two connections write or checkpoint at
 * once (3.7.0 .. 3.51.2 without the backports 3.44.6 and 3.50.7; sqlite.org/wal.html, "WAL-reset
 * bug"). */
bool db_library_has_wal_reset_bug(void);

/* ---- statements ------------------------------------------------------------------------------ */

enum db_arg_type { DB_ARG_NULL, DB_ARG_U64, DB_ARG_I64, DB_ARG_BLOB, DB_ARG_TEXT };

struct db_arg {
	enum db_arg_type type;
	uint64_t u64;     /* DB_ARG_U64, and the bits of DB_ARG_I64 */
	struct view view; /* DB_ARG_BLOB, DB_ARG_TEXT; borrowed until the statement is done */
};

static inline struct db_arg db_null(void)
{
	return (struct db_arg){ .type = DB_ARG_NULL };
}
static inline struct db_arg db_u64(uint64_t v)
{
	return (struct db_arg){ .type = DB_ARG_U64, .u64 = v };
}
static inline struct db_arg db_i64(int64_t v)
{
	return (struct db_arg){ .type = DB_ARG_I64, .u64 = (uint64_t)v };
}
/* An empty blob or text is a value, not NULL. */
static inline struct db_arg db_blob(struct view v)
{
	return (struct db_arg){ .type = DB_ARG_BLOB, .view = v };
}
static inline struct db_arg db_text(struct view v)
{
	return (struct db_arg){ .type = DB_ARG_TEXT, .view = v };
}
/* `id` is borrowed; NULL or all zeros becomes SQL NULL. */
static inline struct db_arg db_id(const struct id *id)
{
	if (id == NULL || id_is_zero(id)) return db_null();
	return db_blob(id_view(id));
}
/* NULL when `have` is false. */
static inline struct db_arg db_maybe(bool have, struct db_arg arg)
{
	return have ? arg : db_null();
}

/* The two parameters `args, arg_count` of the calls below; DB_NO_ARGS when the SQL has none. */
#define DB_ARGS(...)                                                                               \
	((const struct db_arg[]){ __VA_ARGS__ }),                                                  \
		(sizeof((const struct db_arg[]){ __VA_ARGS__ }) / sizeof(struct db_arg))
#define DB_NO_ARGS NULL, 0

/* Takes a statement out of the cache (or prepares it) and binds ?1 .. ?n. `sql` must be one
 * statement in static storage: the cache knows it by its address. Give it back with
 * CLEANUP(db_stmt_donep). */
MUST_USE enum err db_query(struct db *db, const char *sql, const struct db_arg *args,
			   size_t arg_count, struct db_stmt **ret_stmt);
void db_stmt_done(struct db_stmt *stmt); /* NULL is fine */
void db_stmt_donep(struct db_stmt **stmt);

/* Steps to the next row; *ret_row is false after the last. */
MUST_USE enum err db_step(struct db_stmt *stmt, bool *ret_row);
/* Exactly one more row is expected: ERR_NOT_FOUND when there is none. */
MUST_USE enum err db_step_row(struct db_stmt *stmt);
/* No more row is expected: ERR_STORE when there is one. */
MUST_USE enum err db_step_done(struct db_stmt *stmt);

/* db_query + db_step_row: the first row, or ERR_NOT_FOUND. */
MUST_USE enum err db_query_row(struct db *db, const char *sql, const struct db_arg *args,
			       size_t arg_count, struct db_stmt **ret_stmt);
/* db_query + db_step_done: a statement without rows. */
MUST_USE enum err db_run(struct db *db, const char *sql, const struct db_arg *args,
			 size_t arg_count);
/* One number from the first column of the first row; ERR_NOT_FOUND without a row, 0 for NULL. */
MUST_USE enum err db_get_u64(struct db *db, const char *sql, const struct db_arg *args,
			     size_t arg_count, uint64_t *ret_value);

/* Rows changed by the last db_run; row id of the last insert. */
uint64_t db_changes(const struct db *db);
uint64_t db_last_row(const struct db *db);

/* Columns of the current row, from 0. A NULL column reads as 0, an empty view or a zero id. */
bool db_col_is_null(const struct db_stmt *stmt, int column);
uint64_t db_col_u64(const struct db_stmt *stmt, int column); /* a negative value reads as 0 */
int64_t db_col_i64(const struct db_stmt *stmt, int column);
struct view db_col_view(const struct db_stmt *stmt, int column); /* blob or text */
/* ERR_CORRUPT unless NULL (gives zeros) or exactly 16 bytes. */
MUST_USE enum err db_col_id(const struct db_stmt *stmt, int column, struct id *ret_id);
/* ERR_CORRUPT unless exactly `len` bytes. */
MUST_USE enum err db_col_bytes(const struct db_stmt *stmt, int column, uint8_t *ret_bytes,
			       size_t len);

/* ---- transactions ---------------------------------------------------------------------------- */

/* BEGIN IMMEDIATE on a writer, BEGIN (a stable snapshot from the first read on) on a reader. */
MUST_USE enum err db_begin(struct db *db);
/* Returns ERR_OK only when the data is on the disk (WAL, synchronous=FULL). On an error nothing of
 * the transaction stands and it is closed. */
MUST_USE enum err db_commit(struct db *db);
void db_rollback(struct db *db); /* harmless without a transaction */
bool db_in_transaction(const struct db *db);

/* One mark inside a transaction: undo goes back to it, release keeps what was done since. Marks do
 * not nest. After ERR_DISK_FULL or ERR_IO SQLite may have rolled the whole transaction back: then
 * db_mark_undo returns ERR_STORE and the caller must db_rollback. */
MUST_USE enum err db_mark(struct db *db);
MUST_USE enum err db_mark_undo(struct db *db);
MUST_USE enum err db_mark_release(struct db *db);

/* ---- checkpoint and space -------------------------------------------------------------------- */

/* Copies what it can from the WAL into the database and keeps the WAL file for reuse. Writer only,
 * not inside a transaction. Readers do not make it fail: what they still need stays for next time.
 * `truncate` waits for readers (busy timeout) and empties the WAL: after erasing text. */
MUST_USE enum err db_checkpoint(struct db *db, bool truncate);
/* Pages in the WAL at the last commit, 0 after a complete checkpoint. */
uint64_t db_wal_pages(const struct db *db);

/* Below both of these the disk counts as full (SECURITY 3.3): refuse work before SQLite fails. */
struct db_space {
	uint64_t bytes_min;
	unsigned percent_min;
};
#define DB_SPACE_DEFAULT ((struct db_space){ .bytes_min = 1ull << 30, .percent_min = 5 })
/* ERR_DISK_FULL when the file system of `folder` has less than the smaller of the two free. */
MUST_USE enum err db_check_space(const char *folder, struct db_space space);

/* ---- tests and checks ------------------------------------------------------------------------ */

/* PRAGMA integrity_check, PRAGMA foreign_key_check: how many complaints (at most 100).
 * ERR_CORRUPT when SQLite cannot even walk the file. The words of a complaint stay here: they
 * can hold data. */
MUST_USE enum err db_check_integrity(struct db *db, uint64_t *ret_complaints);
MUST_USE enum err db_check_foreign_keys(struct db *db, uint64_t *ret_complaints);
/* Limits the file to `pages` pages, so that a test meets a full disk. */
MUST_USE enum err db_set_pages_max(struct db *db, uint64_t pages);
