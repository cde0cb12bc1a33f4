/* kdf: keys from keys (HKDF-SHA-512, RFC 5869) and from passphrases (Argon2id v1.3).
 *
 * Why our own HKDF: libsodium 1.0.18 has none (SECURITY 0, fact 5); these are fifteen lines over
 * its HMAC. Why a compiled-in floor: parameters come from the server, and a lying one would ask for
 * weak ones (SECURITY 1.4, 6.1 C6).
 * Threads: any; Argon2id derivations of one process run one after the other (256 MiB each).
 * Errors:  ERR_NOMEM, ERR_KDF_FLOOR; the enc's own error. */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "crypt/enc.h"
#include "crypt/secret.h"

#define KDF_PRK_BYTES 64u
#define KDF_SALT_BYTES 16u
#define KDF_EXPAND_BYTES_MAX (255u * 64u)

/* SECURITY 2.3 "KDF floor". A fast test build says so in --version (kdf_floor_text). */
#ifdef ROOMKEEP_FAST_KDF
#define KDF_T_MIN 1u
#define KDF_M_KIB_MIN 64u
#define KDF_T_DEFAULT 1u
#define KDF_M_KIB_DEFAULT 1024u
#else
#define KDF_T_MIN 3u
#define KDF_M_KIB_MIN (64u * 1024u)
#define KDF_T_DEFAULT 3u
#define KDF_M_KIB_DEFAULT (256u * 1024u)
#endif
#define KDF_T_MAX 10u
#define KDF_M_KIB_MAX (1024u * 1024u)

struct kdf_params {
	uint32_t t;     /* passes */
	uint32_t m_kib; /* memory, KiB */
};

/* What new passphrases get: t=3, m=256 MiB. */
struct kdf_params kdf_params_default(void);
/* ERR_KDF_FLOOR below the floor, above the ceiling, or lower in either number than what this room
 * pinned for the user (`pinned` may be NULL). Call it before any derivation and any proof. */
MUST_USE enum err kdf_params_check(const struct kdf_params *p, const struct kdf_params *pinned);
/* "kdf floor t=3 m=64MiB" or the same with " (FAST TEST BUILD)"; static storage. */
const char *kdf_floor_text(void);

/* A of SECURITY 2.3: 32 bytes. Checks floor and ceiling itself. Blocks for about half a second and
 * takes p->m_kib of memory: never on the loop thread. salt.len is KDF_SALT_BYTES. */
MUST_USE enum err kdf_argon2id(struct view passphrase, struct view salt, const struct kdf_params *p,
			       struct secret **ret_a);

/* HKDF-Extract: 64 bytes. An empty salt stands for 64 zero bytes. */
MUST_USE enum err kdf_extract(struct view salt, struct view ikm, struct secret **ret_prk);
/* HKDF-Expand. Requires: 1 <= len <= KDF_EXPAND_BYTES_MAX. */
MUST_USE enum err kdf_expand(const struct secret *prk, const struct enc *info, size_t len,
			     struct secret **ret_okm);
/* KDF(salt, ikm, label, f..) of SECURITY 2.1: extract, then expand with info = the enc, 32
 * bytes. */
MUST_USE enum err kdf_derive(struct view salt, struct view ikm, const struct enc *info,
			     struct secret **ret_key);
