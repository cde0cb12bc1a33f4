/* records: the clinic's few signed statements: server keys, policy, epochs.
 * SECURITY 2.2, 2.8, 4.6.
 *
 * Signed by the clinic root:
 *   enc("crs1/server-record", clinic_id, seq, spki_sha256.., ingest_pk, log_pk)
 *   enc("crs1/policy", clinic_id, version, clinic_name, CRK_pk, k, n); recovery off: zeros
 * Signed by an owner:
 *   enc("crs1/epoch", clinic_id, epoch, n, restored_seq, reason, signer_id, signer_g)
 * Encoders append to `out`; parsers accept nothing but what encoders make, and their views borrow
 * from the input. Keep the BYTES beside the signature. Threads: any.
 * Errors: ERR_BAD_FORMAT, ERR_BAD_VALUE, ERR_AUTH (signature, or another clinic's), ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "crypt/hash.h"
#include "crypt/sealed_box.h"
#include "crypt/sign.h"

#define SERVER_SPKI_MAX 4u /* old and new keys side by side during a rotation */
#define EPOCH_REASON_BYTES_MAX 500u
#define RECORD_BYTES_MAX 1024u /* any of the three */
#define RECOVERY_SHARES_MAX 16u

struct server_record {
	struct id clinic_id;
	uint64_t seq; /* rooms take only seq >= the pinned one */
	struct hash32 spki[SERVER_SPKI_MAX];
	size_t spki_count; /* 1..SERVER_SPKI_MAX */
	struct box_pk ingest_pk;
	struct sign_pk log_pk;
};

struct policy {
	struct id clinic_id;
	uint64_t version;
	struct view clinic_name; /* UTF-8, 1..NAME_BYTES_MAX */
	struct box_pk crk_pk;    /* zeros: recovery is off */
	uint64_t k, n;           /* 2 <= k <= n <= RECOVERY_SHARES_MAX, or both 0 */
};

struct epoch_record {
	struct id clinic_id;
	struct id epoch;       /* 16 random bytes */
	uint64_t n;            /* 1 at founding, then one more per restore */
	uint64_t restored_seq; /* 0 at founding */
	struct view reason;    /* UTF-8, up to EPOCH_REASON_BYTES_MAX */
	struct id signer_id;   /* an owner */
	uint64_t signer_g;
};

MUST_USE enum err server_record_encode(const struct server_record *r, struct buf *out);
MUST_USE enum err server_record_parse(struct view bytes, struct server_record *ret);
/* Parse, signature and clinic in one; `*ret` is only written when all hold. */
MUST_USE enum err server_record_verify(struct view bytes, const struct sign_sig *sig,
				       const struct id *clinic_id, const struct sign_pk *root_pk,
				       struct server_record *ret);
bool server_record_has_spki(const struct server_record *r, const struct hash32 *spki);

MUST_USE enum err policy_encode(const struct policy *p, struct buf *out);
MUST_USE enum err policy_parse(struct view bytes, struct policy *ret);
MUST_USE enum err policy_verify(struct view bytes, const struct sign_sig *sig,
				const struct id *clinic_id, const struct sign_pk *root_pk,
				struct policy *ret);

MUST_USE enum err epoch_record_encode(const struct epoch_record *r, struct buf *out);
MUST_USE enum err epoch_record_parse(struct view bytes, struct epoch_record *ret);
/* `signer_pk`: sign_pk of (signer_id, signer_g) from the checked directory; the caller looks
 * whether that person is an owner (dir_user_has). */
MUST_USE enum err epoch_record_verify(struct view bytes, const struct sign_sig *sig,
				      const struct id *clinic_id, const struct sign_pk *signer_pk,
				      struct epoch_record *ret);
