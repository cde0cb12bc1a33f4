/* keyring: a person's seeds by generation, the blobs they travel in, and the keys they give.
 *
 * Only rooms link this folder: the server has no code that opens a keyring or a note (2.1).
 * Plain form: enc("crs1/keyring", format version 1, clinic_id, user_id, seed of generation 1, ..).
 * Blob v1, kind 1 (by passphrase), SECURITY 2.5:
 *   0 "CRSK" | 4 ver=1 | 5 kind=1 | 6 suite=1 | 7 zero | 8 clinic_id[16] | 24 user_id[16] |
 *   40 keyring_rev u64 | 48 t u32 | 52 m_KiB u32 | 56 salt[16] | 72 cs_id u32 | 76 commit[32]
 *   (UCM) | 108 nonce[24] | 132 ciphertext+tag; AAD = bytes 0..107.
 * Kind 2 (by the clinic recovery key): bytes 0..47 of the same head with kind=2, then
 * SealedBox(CRK_pk, "keyring-recovery", clinic_id, user_id, keyring_rev).
 *
 * Owns:    a keyring is one guarded block, wiped by keyring_free.   Threads: one at a time.
 * Limits:  KEYRING_GENS_MAX generations.
 * Errors:  keyring_open: ERR_BAD_FORMAT, ERR_VERSION (form); ERR_KDF_FLOOR; ERR_AUTH = wrong
 *          passphrase or clinic secret (the commitment does not fit; nothing was decrypted);
 *          ERR_CORRUPT = right passphrase, damaged blob; ERR_CONFLICT = another clinic or person;
 *          ERR_EXPIRED = an older keyring_rev than the pinned one. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "crypt/kdf.h"
#include "crypt/pass_keys.h"
#include "crypt/sealed_box.h"
#include "crypt/sign.h"

#define KEYRING_GENS_MAX 64u
#define KEYRING_HEAD_BYTES 132u /* kind 1, nonce included */
#define KEYRING_CONTEXT_BYTES 48u
#define KEYRING_BLOB_BYTES_MAX 4096u

enum keyring_kind { KEYRING_BY_PASSPHRASE = 1, KEYRING_BY_RECOVERY = 2 };

struct keyring; /* opaque: guarded memory */

struct keyring_head {
	enum keyring_kind kind;
	struct id clinic_id;
	struct id user_id;
	uint64_t rev;
	/* kind 1 only, zero otherwise */
	struct kdf_params kdf;
	uint8_t salt[KDF_SALT_BYTES];
	uint32_t cs_id;
	struct hash32 commit;
};

/* What the caller already knows; a blob that contradicts it is refused. */
struct keyring_expect {
	struct id clinic_id;
	struct id user_id;
	uint64_t rev_min;                /* highest seen, 0 if none */
	const struct kdf_params *pinned; /* may be NULL */
};

/* A new person's: US_1 random. */
MUST_USE enum err keyring_new(const struct id *clinic_id, const struct id *user_id,
			      struct keyring **ret);
/* From a personal recovery sheet or vectors: US_1 given, 32 bytes. */
MUST_USE enum err keyring_from_seed(const struct id *clinic_id, const struct id *user_id,
				    const struct secret *us1, struct keyring **ret);
/* Appends a random next generation. ERR_FULL. */
MUST_USE enum err keyring_add_gen(struct keyring *k);
void keyring_free(struct keyring *k);   /* NULL is fine */
void keyring_freep(struct keyring **k); /* for CLEANUP */

uint64_t keyring_gen(const struct keyring *k); /* newest generation, from 1 */
const struct id *keyring_user_id(const struct keyring *k);
const struct id *keyring_clinic_id(const struct keyring *k);
/* A copy of US_g, for the recovery sheet. ERR_NOT_FOUND for a generation it does not have. */
MUST_USE enum err keyring_seed(const struct keyring *k, uint64_t g, struct secret **ret);

/* Reads the head of either kind, exactly; for kind 1 checks the KDF floor and ceiling. */
MUST_USE enum err keyring_read_head(struct view blob, struct keyring_head *ret);

/* Kind 1, appended to `out`. `keys` come from the passphrase with this salt, params and cs_id.
 * Re-wrapping (new passphrase, new CS) is this call with the next rev. */
MUST_USE enum err keyring_seal(const struct keyring *k, const struct pass_keys *keys, uint64_t rev,
			       const struct kdf_params *kdf, const uint8_t salt[KDF_SALT_BYTES],
			       uint32_t cs_id, struct buf *out);
/* For vectors: the nonce given. */
MUST_USE enum err keyring_seal_with_nonce(const struct keyring *k, const struct pass_keys *keys,
					  uint64_t rev, const struct kdf_params *kdf,
					  const uint8_t salt[KDF_SALT_BYTES], uint32_t cs_id,
					  struct view nonce, struct buf *out);
/* Kind 1. Order of SECURITY 2.5: form, floor, commitment, only then decryption. */
MUST_USE enum err keyring_open(struct view blob, const struct keyring_expect *expect,
			       const struct pass_keys *keys, struct keyring **ret);

/* Kind 2, appended to `out`; and the quorum's way back (SECURITY 2.11). */
MUST_USE enum err keyring_seal_recovery(const struct keyring *k, const struct box_pk *crk_pk,
					uint64_t rev, struct buf *out);
MUST_USE enum err keyring_open_recovery(struct view blob, const struct keyring_expect *expect,
					const struct box_key *crk, struct keyring **ret);

/* Keys of generation g (SECURITY 2.3). ERR_NOT_FOUND for a generation it does not have. */
MUST_USE enum err keyring_sign_key(const struct keyring *k, uint64_t g, struct sign_key *ret);
MUST_USE enum err keyring_box_key(const struct keyring *k, uint64_t g, struct box_key *ret);
MUST_USE enum err keyring_note_kek(const struct keyring *k, uint64_t g, struct secret **ret);
MUST_USE enum err keyring_vault_key(const struct keyring *k, uint64_t g, struct secret **ret);
MUST_USE enum err keyring_local_key(const struct keyring *k, uint64_t g, const struct id *room_id,
				    struct secret **ret);
