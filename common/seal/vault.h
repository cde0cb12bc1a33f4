/* vault: a person's own pins, last heads and settings, kept on the server where it cannot read them
 * (SECURITY 2.4 item 3).
 *
 * Form: "CRSV" | 1 | suite 1 | 0 0 | clinic_id[16] | user_id[16] | g u64 | vault_rev u64 |
 *       nonce[24] |
 * ciphertext+tag; AAD enc("crs1/vault", clinic_id, user_id, g, vault_rev). The content is the
 * caller's. Threads: any.  Limits: VAULT_PLAIN_BYTES_MAX.
 * Errors: ERR_BAD_FORMAT, ERR_VERSION, ERR_AUTH, ERR_CONFLICT (another clinic, person or
 *         generation),
 * ERR_EXPIRED (older than rev_min), ERR_TOO_BIG, ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "crypt/secret.h"

#define VAULT_PLAIN_BYTES_MAX (192u * 1024u)
#define VAULT_HEAD_BYTES 56u

struct vault_context {
	struct id clinic_id;
	struct id user_id;
	uint64_t g;
	uint64_t rev;
};

/* `vault_key` of generation c->g. Appends to `out`. */
MUST_USE enum err vault_seal(const struct secret *vault_key, const struct vault_context *c,
			     struct view plain, struct buf *out);
/* Which generation and revision a blob says it is; not yet checked. */
MUST_USE enum err vault_read_head(struct view blob, struct vault_context *ret);
/* `expect->rev` is the least that is accepted (0: any); the rest must fit. The plain bytes are
 * appended to `out`, the revision found goes to `*ret_rev`. */
MUST_USE enum err vault_open(const struct secret *vault_key, const struct vault_context *expect,
			     struct view blob, uint64_t *ret_rev, struct buf *out);
