/* sealed_box: bytes only the holder of one X25519 private key can open (SECURITY 2.4).
 *
 * SealedBox(R, label, ctx, m): fresh (e,E); z = X25519(e,R); info = enc("crs1/seal", label, ctx..);
 * K = HKDF(salt = E||R, ikm = z, info); output = 0x01 || E || AEAD(K, zero nonce, m, AAD = info).
 * ctx is the field list of its row in the table, appended field by field (the anchor's is one
 * field). It hides the sender: whatever must be authentic is also signed.
 * Threads: any.  Errors: ERR_AUTH, ERR_BAD_FORMAT (length), ERR_VERSION (first byte), ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "crypt/enc.h"
#include "crypt/secret.h"

#define BOX_PK_BYTES 32u
#define SEALED_BOX_OVERHEAD_BYTES (1u + BOX_PK_BYTES + 16u)

struct box_pk {
	uint8_t b[BOX_PK_BYTES];
};

struct box_key {
	struct box_pk pk;
	struct secret *sk; /* owned, 32 bytes; NULL while empty */
};

MUST_USE enum err box_key_new(struct box_key *ret);
/* Takes a copy of the 32-byte private key. ERR_AUTH for a key whose public half is degenerate. */
MUST_USE enum err box_key_from_sk(const struct secret *sk, struct box_key *ret);
void box_key_fini(struct box_key *k);  /* { 0 } is fine */
void box_key_finip(struct box_key *k); /* for CLEANUP */
bool box_pk_equal(const struct box_pk *a, const struct box_pk *b);
MUST_USE enum err box_pk_from_view(struct view v, struct box_pk *ret);

static inline struct view box_pk_view(const struct box_pk *pk)
{
	return view_of(pk->b, BOX_PK_BYTES);
}

/* Begins info; the caller adds the context fields of the row, in its order. */
void sealed_box_begin(struct enc *info, const char *label);

/* Appends to `out`. */
MUST_USE enum err sealed_box_seal(const struct box_pk *to, const struct enc *info,
				  struct view plain, struct buf *out);
/* With the ephemeral private key given: vectors only; reuse of one breaks the box. */
MUST_USE enum err sealed_box_seal_with(const struct secret *ephemeral, const struct box_pk *to,
				       const struct enc *info, struct view plain, struct buf *out);

MUST_USE enum err sealed_box_open_secret(const struct box_key *to, const struct enc *info,
					 struct view sealed, struct secret **ret_plain);
MUST_USE enum err sealed_box_open_buf(const struct box_key *to, const struct enc *info,
				      struct view sealed, struct buf *out);
