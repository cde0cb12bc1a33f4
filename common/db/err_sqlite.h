/* err_sqlite: the only translation of SQLite's result codes. Threads: any. */
#pragma once

#include "base/err.h"

/* `code` may be extended; SQLITE_OK, ROW and DONE are ERR_OK. The table of meanings: db.h,
 * "Errors". */
enum err err_from_sqlite(int code);
