/* hash: BLAKE2b-256 (everything of ours) and SHA-256 (SubjectPublicKeyInfo of TLS keys).
 *
 * H(label, fields) of SECURITY 2.1 is hash_enc over an enc. Threads: any. No allocation, no failure
 * other than the sticky error of the enc. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define HASH_BYTES 32u

struct enc;

struct hash32 {
	uint8_t b[HASH_BYTES];
};

/* BLAKE2b-256 of the bytes as they are: op_hash, payload_hash, prev_hash of the directory. */
struct hash32 hash_bytes(struct view v);
/* H(..): BLAKE2b-256 of a finished enc. Returns the enc's error, if it has one. */
MUST_USE enum err hash_enc(const struct enc *e, struct hash32 *ret);

/* SPKI hash: SHA-256 of a DER SubjectPublicKeyInfo. */
struct hash32 hash_spki(struct view der);

/* Constant time. */
bool hash_equal(const struct hash32 *a, const struct hash32 *b);
bool hash_is_zero(const struct hash32 *h);
/* -1, 0, 1 in byte order, for sorting what is not secret. */
int hash_compare(const struct hash32 *a, const struct hash32 *b);
/* ERR_BAD_FORMAT unless exactly 32 bytes. */
MUST_USE enum err hash_from_view(struct view v, struct hash32 *ret);

static inline struct view hash_view(const struct hash32 *h)
{
	return view_of(h->b, HASH_BYTES);
}
