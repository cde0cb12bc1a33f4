/* courier: how a room's outbox is sealed so that it can be delivered with nobody signed in.
 *
 * The boot key (32 random bytes, made at agent start and at each sign-in) is sealed once to the
 * server's ingest key (item 13); every outbox row is the WHOLE op sealed under it (item 9). The
 * room forgets the boot key at sign-out; only the server can open what stays. Both sides are here:
 * rooms seal, the server opens (SECURITY 2.4, 2.14).
 * Owns: nothing lasting.  Threads: any.  Errors: ERR_AUTH, ERR_BAD_FORMAT, ERR_VERSION,
 *       ERR_TOO_BIG,
 * ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "crypt/hash.h"
#include "crypt/sealed_box.h"
#include "crypt/secret.h"

#define BOOT_KEY_SEALED_BYTES (SEALED_BOX_OVERHEAD_BYTES + KEY_BYTES)

struct boot_key {
	struct id boot_id;  /* random; stands beside each row */
	struct secret *key; /* owned; NULL while empty */
};

MUST_USE enum err boot_key_new(struct boot_key *ret);
void boot_key_fini(struct boot_key *k);  /* { 0 } is fine; wipes */
void boot_key_finip(struct boot_key *k); /* for CLEANUP */

/* Item 13, appended to `out`: SealedBox(ingest_pk, "outbox-key", room_id, boot_id). */
MUST_USE enum err boot_key_seal(const struct boot_key *k, const struct box_pk *ingest_pk,
				const struct id *room_id, struct buf *out);
/* The server's side. */
MUST_USE enum err boot_key_open(const struct box_key *ingest, const struct id *room_id,
				const struct id *boot_id, struct view sealed, struct boot_key *ret);

/* What stands in clear beside a row, and is bound to it. */
struct outbox_row {
	struct id room_id;
	struct id op_id;
	struct hash32 lane_id;
	uint64_t lane_seq;
};

/* Item 9; AAD enc("crs1/outbox", room_id, boot_id, op_id, lane_id, lane_seq). Appends to `out`.
 * ERR_TOO_BIG above OP_BYTES_MAX. */
MUST_USE enum err outbox_row_seal(const struct boot_key *k, const struct outbox_row *row,
				  struct view op, struct buf *out);
MUST_USE enum err outbox_row_open(const struct boot_key *k, const struct outbox_row *row,
				  struct view sealed, struct buf *out);
