/* buf: owned bytes that grow. For everything but secrets (crypt/secret.h has those).
 *
 * What was in a buf may have been about a patient: bytes that leave it (clear, consume, growing
 * into other memory, fini) are overwritten, at the cost of their number.
 * Owns:    its memory, from buf_init (or { 0 }) to buf_fini.  Threads: one at a time.
 * Errors:  ERR_NOMEM; ERR_TOO_BIG above BUF_BYTES_MAX. On error the content is unchanged.
 * Views of a buf die at the next call that changes it. */
#pragma once

#include "base/err.h"
#include "base/view.h"

struct buf {
	uint8_t *p; /* owned; NULL while cap is 0 */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

void buf_init(struct buf *b);
void buf_fini(struct buf *b);  /* frees; a { 0 } buf is fine */
void buf_finip(struct buf *b); /* for CLEANUP */
void buf_clear(struct buf *b); /* overwrites the content; length 0, memory kept */
void buf_wipe(struct buf *b);  /* overwrites the whole allocation, then length 0 */

MUST_USE enum err buf_reserve(struct buf *b, size_t more);
MUST_USE enum err buf_append(struct buf *b, struct view v);
MUST_USE enum err buf_append_str(struct buf *b, const char *s);
MUST_USE enum err buf_append_u8(struct buf *b, uint8_t v);
MUST_USE enum err buf_append_be32(struct buf *b, uint32_t v);
MUST_USE enum err buf_append_be64(struct buf *b, uint64_t v);
__attribute__((format(printf, 2, 3))) MUST_USE enum err buf_append_fmt(struct buf *b,
								       const char *fmt, ...);

/* Drops `count` bytes from the front. Requires: count <= b->len. */
void buf_consume(struct buf *b, size_t count);

/* Gives the bytes to the caller, who frees them; the buf is empty afterwards. */
uint8_t *buf_take(struct buf *b, size_t *ret_len);

/* NUL-terminates without counting it in len; the pointer lives as a view does. */
MUST_USE enum err buf_cstr(struct buf *b, const char **ret_text);

static inline struct view buf_view(const struct buf *b)
{
	return (struct view){ b->p, b->len };
}
