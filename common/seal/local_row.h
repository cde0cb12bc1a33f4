/* local_row: one row of a room's database, sealed for the person who is signed in (2.4 item 8).
 *
 * AAD enc("crs1/row", room_id, user_id, table, row_id, row_rev): a row moved to another table, id,
 * revision, person or room does not open. The key is keyring_local_key.
 * Form: nonce[24] || ciphertext || tag[16].
 * Threads: any.  Limits: ROW_PLAIN_BYTES_MAX.  Errors: ERR_AUTH, ERR_BAD_FORMAT, ERR_TOO_BIG,
 *          ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "crypt/secret.h"

#define ROW_PLAIN_BYTES_MAX (1024u * 1024u)
#define ROW_ID_BYTES_MAX 256u

struct row_context {
	struct id room_id;
	struct id user_id;
	const char *table;  /* name, 1..63 characters; borrowed */
	struct view row_id; /* any bytes, 1..ROW_ID_BYTES_MAX; borrowed */
	uint64_t row_rev;
};

/* Both append to `out`; wipe a buf that held plain bytes. */
MUST_USE enum err row_seal(const struct secret *local_key, const struct row_context *c,
			   struct view plain, struct buf *out);
MUST_USE enum err row_open(const struct secret *local_key, const struct row_context *c,
			   struct view sealed, struct buf *out);
