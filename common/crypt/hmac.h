/* hmac: HMAC-SHA-512 with keys of any length (RFC 2104, RFC 4231). Threads: any. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define HMAC_BYTES 64u

struct hmac {
	uint8_t b[HMAC_BYTES];
};

struct hmac hmac_sha512(struct view key, struct view msg);
/* Constant time; ERR_AUTH unless `mac` is exactly the HMAC of msg. */
MUST_USE enum err hmac_verify(struct view key, struct view msg, struct view mac);
