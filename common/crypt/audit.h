/* audit: the hash chain over the server's log and its signed heads (SECURITY 2.15).
 *
 * entry_n = H("crs1/log", epoch, seq, entry_(n-1), row_hash, time); entry_0 is 32 zero bytes.
 * Signed head = Ed25519(log_sk, enc("crs1/head", clinic_id, epoch, seq, entry_n, time)).
 * `seq` here is the number of the log entry. Rooms keep heads, so a rewritten log contradicts them.
 * Threads: any.  Errors: ERR_AUTH, ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "crypt/hash.h"
#include "crypt/sign.h"

struct audit_entry {
	struct id epoch;
	uint64_t seq;
	struct hash32 prev;     /* entry_(n-1) */
	struct hash32 row_hash; /* BLAKE2b-256 of the stored row's bytes */
	uint64_t time_ms;
};

struct audit_head {
	struct id clinic_id;
	struct id epoch;
	uint64_t seq;
	struct hash32 entry; /* entry_n */
	uint64_t time_ms;
};

MUST_USE enum err audit_entry_hash(const struct audit_entry *e, struct hash32 *ret);

MUST_USE enum err audit_head_sign(const struct audit_head *h, const struct sign_key *log_key,
				  struct sign_sig *ret);
MUST_USE enum err audit_head_verify(const struct audit_head *h, const struct sign_pk *log_pk,
				    const struct sign_sig *sig);
