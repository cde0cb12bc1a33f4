/* crashpoint: named places where a test may kill the process, so that "every point" can be counted.
 *
 * Test builds (ROOMKEEP_FAST_KDF): with ROOMKEEP_CRASH_AT=name or name:n in the environment at
 * start, the n-th visit (from 1) of that point raises SIGKILL: no handler, no flush, as when the
 * power goes. Otherwise a visit costs one compare. --version says that the points are there.
 * All other builds: a visit is nothing, and neither the names nor the variable are in the program.
 * New points: one row here and one call; the unit tests of the stores, `./dev sim` and `./dev
 * crash` visit each. Threads: any; a visit is counted once however many threads race. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, "name") */
#define CRASHPOINT_MAP(X)                                                                          \
	X(STORE_FOUND_BEFORE, "store.found_before")                                                \
	X(STORE_FOUND_AFTER, "store.found_after")                                                  \
	X(STORE_ROOM_BEFORE, "store.room_before")                                                  \
	X(STORE_ROOM_AFTER, "store.room_after")                                                    \
	X(STORE_ACCOUNT_BEFORE, "store.account_before")                                            \
	X(STORE_ACCOUNT_AFTER, "store.account_after")                                              \
	X(STORE_OP_BEFORE, "store.op_before")                                                      \
	X(STORE_OP_AFTER_ROW, "store.op_after_row")                                                \
	X(STORE_OP_AFTER_VIEWS, "store.op_after_views")                                            \
	X(STORE_OP_AFTER_AUDIT, "store.op_after_audit")                                            \
	X(STORE_QUARANTINE_AFTER, "store.quarantine_after")                                        \
	X(STORE_UNDO_AFTER, "store.undo_after")                                                    \
	X(STORE_HEAD_AFTER, "store.head_after")                                                    \
	X(STORE_COMMIT_BEFORE, "store.commit_before")                                              \
	X(STORE_COMMIT_AFTER, "store.commit_after")                                                \
	X(STORE_PURGE_BEFORE, "store.purge_before")                                                \
	X(STORE_PURGE_AFTER, "store.purge_after")                                                  \
	X(STORE_CHECKPOINT_BEFORE, "store.checkpoint_before")                                      \
	X(STORE_CHECKPOINT_AFTER, "store.checkpoint_after")                                        \
	X(DB_MIGRATE_BEFORE, "db.migrate_before")                                                  \
	X(DB_MIGRATE_AFTER, "db.migrate_after")                                                    \
	X(LOCAL_APPEND_BEFORE, "local.append_before")                                              \
	X(LOCAL_APPEND_AFTER_ROW, "local.append_after_row")                                        \
	X(LOCAL_APPEND_AFTER_OUTBOX, "local.append_after_outbox")                                  \
	X(LOCAL_COMMIT_BEFORE, "local.commit_before")                                              \
	X(LOCAL_COMMIT_AFTER, "local.commit_after")                                                \
	X(LOCAL_ACK_BEFORE, "local.ack_before")                                                    \
	X(LOCAL_ACK_AFTER, "local.ack_after")                                                      \
	X(LOCAL_FEED_BEFORE, "local.feed_before")                                                  \
	X(LOCAL_FEED_AFTER_ROWS, "local.feed_after_rows")                                          \
	X(LOCAL_FEED_AFTER, "local.feed_after")                                                    \
	X(LOCAL_SIGN_IN_TRY, "local.sign_in_try")                                                  \
	X(LOCAL_SIGN_IN_AFTER, "local.sign_in_after")                                              \
	X(LOCAL_FOUND_AFTER, "local.found_after")                                                  \
	X(LOCAL_ENROL_AFTER, "local.enrol_after")

enum crashpoint {
#define CRASHPOINT_ENUM(name, text) CRASHPOINT_##name,
	CRASHPOINT_MAP(CRASHPOINT_ENUM)
#undef CRASHPOINT_ENUM
		CRASHPOINT_COUNT
};

/* For --version. */
static inline bool crashpoint_built_in(void)
{
#ifdef ROOMKEEP_FAST_KDF
	return true;
#else
	return false;
#endif
}

#ifdef ROOMKEEP_FAST_KDF
/* Visits the point. */
void crashpoint(enum crashpoint point);

const char *crashpoint_name(enum crashpoint point);
/* As the environment variable; for the child of a fork. ERR_NOT_FOUND for an unknown name,
 * ERR_BAD_VALUE for a count of 0. */
MUST_USE enum err crashpoint_arm(const char *name, uint64_t visit);
#else
static inline void crashpoint(enum crashpoint point)
{
	(void)point;
}
#endif
