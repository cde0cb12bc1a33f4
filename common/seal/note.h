/* note: sealing and opening confidential notes, their keys, and grants of those keys.
 *
 * One random NK per (note, note_gen); from it a body key and a commitment. NK is wrapped for its
 * author under note_kek (item 4) and for a colleague in a sealed box (item 5, a grant). A revision
 * (item 6) is the padded plain text under the body key; its AAD says whose it is, where it stands,
 * and what it came after. The commitment is compared before anything is decrypted:
 * XChaCha20-Poly1305 alone can be made to open under two keys.
 * The plain bytes are a protobuf message that contains the patient's id, so the server holds no
 * link.
 *
 * Owns:    nothing lasting.  Threads: any.
 * Limits:  NOTE_PLAIN_BYTES_MAX before padding (the text in it at most TEXT_BYTES_MAX, which the
 *          caller checks); padded to 512-byte steps, 1 KiB at least.
 * Errors:  ERR_AUTH (key, place or bytes do not fit), ERR_BAD_FORMAT, ERR_TOO_BIG, ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "crypt/aead.h"
#include "crypt/hash.h"
#include "crypt/sealed_box.h"
#include "crypt/secret.h"

#define NOTE_PAD_BYTES 512u
#define NOTE_PADDED_BYTES_MIN 1024u
#define NOTE_PLAIN_BYTES_MAX (TEXT_BYTES_MAX + 4u * KIB) /* text, tags and ids */
#define NOTE_PADDED_BYTES_MAX (NOTE_PLAIN_BYTES_MAX + NOTE_PAD_BYTES)
#define NOTE_SEALED_BYTES_MAX (NOTE_PADDED_BYTES_MAX + AEAD_OVERHEAD_BYTES)
#define NOTE_KEY_WRAPPED_BYTES (KEY_BYTES + AEAD_OVERHEAD_BYTES)
#define GRANT_SEALED_BYTES (KEY_BYTES + SEALED_BOX_OVERHEAD_BYTES)

/* Item 4: whose key, for which note. */
struct note_wrap_context {
	struct id clinic_id;
	struct id user_id; /* the author */
	uint64_t g;        /* generation of note_kek */
	struct id note_id;
	uint64_t note_gen; /* from 1 */
};

MUST_USE enum err note_key_new(struct secret **ret_nk);
/* Appends NOTE_KEY_WRAPPED_BYTES to `out`. */
MUST_USE enum err note_key_wrap(const struct secret *note_kek, const struct note_wrap_context *c,
				const struct secret *nk, struct buf *out);
MUST_USE enum err note_key_unwrap(const struct secret *note_kek, const struct note_wrap_context *c,
				  struct view wrapped, struct secret **ret_nk);

/* Item 6: where a revision belongs. All of it is in the op that carries it. */
struct note_head {
	struct id clinic_id;
	struct id note_id;
	uint64_t note_gen;
	struct id author_id;
	uint64_t author_gen;
	struct hash32 lane_id;
	uint64_t lane_seq;
	const struct id *parents; /* borrowed; op ids in any order, up to PARENTS_MAX */
	size_t parent_count;
};

/* Appends nonce || ciphertext || tag to `out`. `*ret_commitment` travels beside it. */
MUST_USE enum err note_seal(const struct secret *nk, const struct note_head *head,
			    struct view plain, struct hash32 *ret_commitment, struct buf *out);
/* For vectors: the nonce given. */
MUST_USE enum err note_seal_with_nonce(const struct secret *nk, const struct note_head *head,
				       struct view plain, struct view nonce,
				       struct hash32 *ret_commitment, struct buf *out);

/* Room that note_open needs for this ciphertext; 0 when its length cannot be right. */
size_t note_open_bytes(struct view sealed);
/* Opens into memory of the caller (the guarded arena): `cap` >= note_open_bytes(sealed), else
 * ERR_TOO_BIG. `*ret_len` is the length without the padding. On failure the memory is wiped. */
MUST_USE enum err note_open(const struct secret *nk, const struct note_head *head,
			    const struct hash32 *commitment, struct view sealed, uint8_t *ret_plain,
			    size_t cap, size_t *ret_len);

/* Item 5: from whom, to whom, on which consent. */
struct grant_context {
	struct id clinic_id;
	struct id grant_id;
	struct id note_id;
	uint64_t note_gen;
	struct id author_id;
	uint64_t author_gen;
	struct id rcpt_id;
	uint64_t rcpt_gen;
	struct hash32 consent_hash; /* op_hash of the Consent op */
};

MUST_USE enum err grant_seal(const struct box_pk *rcpt, const struct grant_context *c,
			     const struct secret *nk, struct buf *out);
MUST_USE enum err grant_open(const struct box_key *rcpt, const struct grant_context *c,
			     struct view sealed, struct secret **ret_nk);
