/* join_blob: what a new room must know, sealed under the join code (SECURITY 2.8, 2.4 item 10).
 *
 * Plain = enc("crs1/join-plain", clinic_id, cs_id, CS, prev_cs_id, prev_CS (empty: none), root_pk,
 * server_record, its signature, epoch_record, its signature, dir_seq, dir_hash, policy, its
 * signature). AAD = enc("crs1/join", clinic_id, join_id, expires_ms): the server sends these three
 * beside the blob. Sealed form: "CRSJ" | 1 | suite 1 | 0 0 | nonce[24] | ciphertext | tag.
 * Opening checks: form, seal, that the clinic inside is the one named outside, and the root's
 * signatures on ServerRecord and policy. The epoch's needs the directory: the caller does that
 * later. Owns:   `*ret` its secrets and bytes until join_blob_fini.   Threads: any.
 * Errors: ERR_AUTH, ERR_BAD_FORMAT, ERR_VERSION, ERR_BAD_VALUE, ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "crypt/proof.h"
#include "crypt/records.h"
#include "crypt/secret.h"

#define JOIN_BLOB_BYTES_MAX 8192u

struct join_blob {
	struct id clinic_id;
	uint32_t cs_id;         /* from 1 */
	struct secret *cs;      /* owned, 32 bytes */
	uint32_t prev_cs_id;    /* 0: none */
	struct secret *prev_cs; /* owned; NULL: none */
	struct sign_pk root_pk;
	struct buf server_record; /* owned bytes, as signed */
	struct sign_sig server_record_sig;
	struct buf epoch_record; /* owned bytes, as signed */
	struct sign_sig epoch_record_sig;
	uint64_t dir_seq; /* directory head at the time of the invitation */
	struct hash32 dir_hash;
	struct buf policy; /* owned bytes, as signed */
	struct sign_sig policy_sig;
};

void join_blob_fini(struct join_blob *b);  /* { 0 } is fine */
void join_blob_finip(struct join_blob *b); /* for CLEANUP */

MUST_USE enum err join_blob_seal(const struct join_keys *keys, const struct join_blob *b,
				 uint64_t expires_ms, struct buf *out);
MUST_USE enum err join_blob_open(const struct join_keys *keys, const struct id *clinic_id,
				 uint64_t expires_ms, struct view sealed, struct join_blob *ret);
