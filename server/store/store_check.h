/* store_check: does the database still say what was written?
 *
 * Owns, threads, errors: as store.h. */
#pragma once

#include "crypt/hash.h"

struct store;
struct store_reader;

/* X(NAME, "word"): what store_check looks at, in this order. */
#define STORE_CHECK_MAP(X)                                                                         \
	X(INTEGRITY, "integrity")                                                                  \
	X(FOREIGN_KEYS, "foreign_keys")                                                            \
	X(RECORDS, "records") /* clinic root -> policy, server record, epoch */                    \
	X(DIRECTORY, "directory")                                                                  \
	X(AUDIT_CHAIN, "audit_chain")                                                              \
	X(AUDIT_HEADS, "audit_heads")                                                              \
	X(OP_SIGNATURES, "op_signatures")                                                          \
	X(OP_LANES, "op_lanes")       /* continuity, hashes, heads, classes */                     \
	X(OP_PAYLOADS, "op_payloads") /* hashes; missing only where a tombstone allows it */       \
	X(OP_AUDIT, "op_audit")       /* each op stands in the chain as it is, and nothing else */ \
	X(VIEWS, "views")             /* equal to a rebuild from the ops */

enum store_check_item {
#define STORE_CHECK_ENUM(name, word) STORE_CHECK_##name,
	STORE_CHECK_MAP(STORE_CHECK_ENUM)
#undef STORE_CHECK_ENUM
		STORE_CHECK_COUNT
};

struct store_check_result {
	bool done;          /* false: not reached, because something before it made it pointless */
	uint64_t looked_at; /* rows */
	uint64_t bad;       /* rows that do not hold */
	uint64_t first_bad; /* seq (of the op, log entry or directory entry) of the first; 0 = no
			       number */
	const char *what;   /* static words about the first */
};

struct store_check_report {
	struct store_check_result items[STORE_CHECK_COUNT];
	bool ok;                      /* all done, none bad */
	struct hash32 logical_digest; /* over the views: equal in two databases of the same ops */
};

const char *store_check_name(enum store_check_item item);

/* Never writes to the database; works while another process serves and after a kill -9. Holds one
 * snapshot while it runs. An error value says that it could not run, not that it found anything. */
MUST_USE enum err store_check(struct store_reader *r, struct store_check_report *ret);
