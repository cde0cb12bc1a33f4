/* enc: the one byte form that is signed, hashed or used as AAD and KDF info (SECURITY 2.1).
 *
 * enc(label, f1..fn) = for the label and each field in order: u32be(length) || bytes. Integers are
 * 8-byte big-endian fields. Every label has a fixed field list; a list is its elements' fields
 * repeated. Why not protobuf: its bytes are not unique, so it cannot be re-encoded for a signature.
 *
 * Builder: errors stick. Add everything, then ask once with enc_end; functions of this folder that
 *          take
 * a `const struct enc *` ask by themselves.
 *	CLEANUP(enc_finip) struct enc e;
 *	enc_begin(&e, "crs1/example");
 *	enc_add_id(&e, &clinic_id);
 *	TRY(hash_enc(&e, &hash));
 * Reader: errors stick too; a failed read gives zeros or an empty view, and enc_read_end tells.
 *
 * Owns:   the builder its bytes, until enc_fini. The reader borrows.    Threads: one at a time.
 * Errors: ERR_NOMEM, ERR_TOO_BIG (above ENC_BYTES_MAX; above the reserved size of a secret one);
 *         reader: ERR_BAD_FORMAT for anything that is not exactly the expected form. */
#pragma once

#include "base/buf.h"
#include "base/id.h"

#define ENC_BYTES_MAX (1024u * 1024u)
#define ENC_HEAD_BYTES 4u /* length in front of each field */
#define ENC_U64_BYTES (ENC_HEAD_BYTES + 8u)
#define ENC_ID_BYTES (ENC_HEAD_BYTES + ID_BYTES)
#define ENC_HASH_BYTES (ENC_HEAD_BYTES + 32u)

struct hash32;

struct enc {
	struct buf buf;  /* owned */
	enum err failed; /* first error; ERR_OK while all is well */
	bool secret;     /* never grows (growing leaves copies behind), wiped by enc_fini */
};

void enc_begin(struct enc *e, const char *label);
/* For contents that are secret: takes `bytes` at once (label and field heads included), never grows
 * beyond it, and wipes it at the end. */
void enc_begin_secret(struct enc *e, const char *label, size_t bytes);
void enc_fini(struct enc *e);
void enc_finip(struct enc *e); /* for CLEANUP */

void enc_add_bytes(struct enc *e, struct view v);
void enc_add_text(struct enc *e, const char *text); /* without the NUL */
void enc_add_u64(struct enc *e, uint64_t v);
void enc_add_id(struct enc *e, const struct id *id);
void enc_add_hash(struct enc *e, const struct hash32 *h);

/* The bytes, or the first error. The view dies at the next change or enc_fini. */
MUST_USE enum err enc_end(const struct enc *e, struct view *ret_bytes);

struct enc_reader {
	struct view in;  /* borrowed */
	size_t at;       /* next unread byte */
	enum err failed; /* ERR_OK or ERR_BAD_FORMAT */
};

void enc_read_begin(struct enc_reader *r, struct view in, const char *label);
/* A field of min..max bytes; the view borrows from the input. */
struct view enc_read_bytes(struct enc_reader *r, size_t min, size_t max);
/* A field of exactly `len` bytes, copied out. */
void enc_read_exact(struct enc_reader *r, void *ret, size_t len);
uint64_t enc_read_u64(struct enc_reader *r);
struct id enc_read_id(struct enc_reader *r);
struct hash32 enc_read_hash(struct enc_reader *r);
/* Fields not read yet, for the end of a list; 0 after an error or when the rest is malformed. */
size_t enc_read_left(const struct enc_reader *r);
/* ERR_BAD_FORMAT if anything was wrong or bytes are left over. */
MUST_USE enum err enc_read_end(const struct enc_reader *r);
