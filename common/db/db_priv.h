/* db_priv: the inside of a connection, shared by the files of this folder only. */
#pragma once

#include "db/db.h"

#include <sqlite3.h>

#define DB_CACHE_STMTS 256u /* power of two; a store has about a hundred statements */

struct db_stmt {
	struct db *db;     /* borrowed */
	sqlite3_stmt *raw; /* owned */
	const char *sql;   /* static storage: the key of the cache */
	bool busy;         /* handed out */
	bool cached;       /* stays when it is done */
};

struct db {
	sqlite3 *raw;                          /* owned */
	sqlite3_stmt *rollback;                /* owned; ready, so that it needs no memory */
	int lock_fd;                           /* owned; -1 on readers and in memory */
	bool marked;                           /* a mark is open */
	uint64_t wal_pages;                    /* at the last commit */
	struct db_stmt *cache[DB_CACHE_STMTS]; /* owned; open addressing by address */
};

/* Runs SQL without parameters and rows, several statements in one text allowed. */
MUST_USE enum err db_exec(struct db *db, const char *sql);
/* Result code of the last call on the connection, translated. */
enum err db_last_err(struct db *db, int code);
/* Finalises every cached statement. Requires: none is handed out. */
void db_cache_clear(struct db *db);
/* Of any version, in SQLite's form: 3.44.6 is 3044006. */
bool db_version_has_wal_reset_bug(int v);
