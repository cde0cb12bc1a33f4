#include "db/err_sqlite.h"

#include <sqlite3.h>

static enum err err_from_constraint(int extended)
{
	switch (extended) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID: return ERR_EXISTS;
	case SQLITE_CONSTRAINT_FOREIGNKEY: return ERR_NOT_FOUND;
	default: return ERR_BAD_VALUE; /* CHECK, NOT NULL, the type of a STRICT column */
	}
}

static enum err err_from_io(int extended)
{
	switch (extended) {
	case SQLITE_IOERR_NOMEM: return ERR_NOMEM;
	/* No blocks for the WAL's index: SQLite's name for ENOSPC when it makes that file. */
	case SQLITE_IOERR_SHMSIZE: return ERR_DISK_FULL;
	default: return ERR_IO;
	}
}

enum err err_from_sqlite(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return ERR_OK;
	case SQLITE_NOMEM: return ERR_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ERR_BUSY;
	case SQLITE_FULL: return ERR_DISK_FULL;
	case SQLITE_IOERR: return err_from_io(code);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return ERR_CORRUPT;
	case SQLITE_CONSTRAINT: return err_from_constraint(code);
	case SQLITE_TOOBIG: return ERR_TOO_BIG;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH: return ERR_DENIED;
	case SQLITE_CANTOPEN: return ERR_IO;
	default: return ERR_STORE;
	}
}
