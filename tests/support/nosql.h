/* nosql: call n to SQLite fails as on a disk with errors, for n = 1, 2, 3 ... until what is tried
 * passes unharmed. For programs that are linked with -Wl,--wrap for sqlite3_step, sqlite3_exec and
 * sqlite3_prepare_v3 (tests/CMakeLists.txt). Included once in a program. tests/fault does the same
 * to whole worlds.
 *
 * Threads: one. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* NOSQL_PREPARE: a statement that is made; one that was used before is kept and not made again. */
enum nosql_call { NOSQL_STEP, NOSQL_PREPARE };

static enum nosql_call nosql_call;
static uint64_t nosql_left; /* until the one that fails; 0: none does */
static bool nosql_struck;

/* From now on the n-th call of this sort fails, once. */
static inline void nosql_arm(enum nosql_call call, uint64_t n)
{
	nosql_call = call;
	nosql_left = n;
	nosql_struck = false;
}

/* True when one has failed since nosql_arm. */
static inline bool nosql_disarm(void)
{
	nosql_left = 0;
	return nosql_struck;
}

static inline bool nosql_strikes(enum nosql_call call)
{
	if (call != nosql_call || nosql_left == 0 || --nosql_left > 0) return false;
	nosql_struck = true;
	return true;
}

int __real_sqlite3_step(sqlite3_stmt *stmt);
int __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
			void *arg, char **ret_text);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int bytes, unsigned flags,
			      sqlite3_stmt **ret_stmt, const char **ret_tail);

int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
			void *arg, char **ret_text);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int bytes, unsigned flags,
			      sqlite3_stmt **ret_stmt, const char **ret_tail);

int __wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	/* SQLite gives a transaction up whatever happens. */
	const bool spared = strcmp(sqlite3_sql(stmt), "ROLLBACK") == 0;
	if (!spared && nosql_strikes(NOSQL_STEP)) return SQLITE_IOERR;
	return __real_sqlite3_step(stmt);
}

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
			void *arg, char **ret_text)
{
	if (nosql_strikes(NOSQL_STEP)) return SQLITE_IOERR;
	return __real_sqlite3_exec(db, sql, each, arg, ret_text);
}

int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int bytes, unsigned flags,
			      sqlite3_stmt **ret_stmt, const char **ret_tail)
{
	if (nosql_strikes(NOSQL_PREPARE)) {
		*ret_stmt = NULL;
		return SQLITE_IOERR;
	}
	return __real_sqlite3_prepare_v3(db, sql, bytes, flags, ret_stmt, ret_tail);
}
