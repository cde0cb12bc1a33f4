/* blob: the head of a keyring blob, as far as the server reads it (SECURITY 2.5).
 *
 * The server keeps the blobs of its people and hands their passphrase parameters to whoever wants
 * to sign in; it can open none of them and does not link the code that could.
 * Threads: any.  Errors: ERR_BAD_FORMAT, ERR_VERSION, ERR_TOO_BIG. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "crypt/kdf.h"

#define BLOB_KIND_PASSPHRASE 1u
#define BLOB_KIND_RECOVERY 2u
#define BLOB_BYTES_MAX 8192u /* twice what 64 generations of seeds need */

struct blob_head {
	uint8_t kind;
	struct id clinic_id;
	struct id user_id;
	uint64_t keyring_rev;
	struct kdf_params kdf; /* kind 1 only, as the following */
	uint8_t salt[KDF_SALT_BYTES];
	uint32_t cs_id;
};

MUST_USE enum err blob_parse_head(struct view blob, struct blob_head *ret);
