/* tls_identity: the P-256 key of a server or a room and the self-signed certificate around it.
 *
 * Only the key counts: identity is the SHA-256 of its DER SubjectPublicKeyInfo ("SPKI hash",
 * SECURITY 2). Names and dates in the certificate are ignored by everybody, so the certificate is
 * made anew from the key whenever it is needed and only the key is ever stored.
 * Owns:    the OpenSSL key and certificate, until tls_identity_fini.   Threads: one at a time.
 * Errors:  ERR_BAD_FORMAT (not a P-256 key), ERR_NOMEM, ERR_TLS (OpenSSL refused); files also
 *          ERR_IO, ERR_NOT_FOUND, ERR_EXISTS, ERR_DENIED (somebody else may read the key).
 * Secrets: the private key; it leaves only into memory the caller gives (struct secret). */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define TLS_SPKI_BYTES 32     /* SHA-256 */
#define TLS_KEY_BYTES_MAX 160 /* PKCS#8 DER of a P-256 key takes 138 (RFC 5208, RFC 5915) */

struct tls_spki {
	uint8_t b[TLS_SPKI_BYTES];
};

struct tls_identity {
	struct evp_pkey_st *key; /* owned */
	struct x509_st *cert;    /* owned */
	struct tls_spki spki;    /* of the key */
};

/* A new key from OpenSSL's generator. */
MUST_USE enum err tls_identity_make(struct tls_identity *ret_id);
void tls_identity_fini(struct tls_identity *id);  /* fine on { 0 }; the key is wiped */
void tls_identity_finip(struct tls_identity *id); /* for CLEANUP */

/* Writes the private key as PKCS#8 DER. Requires: cap >= TLS_KEY_BYTES_MAX. */
MUST_USE enum err tls_identity_key_write(const struct tls_identity *id, uint8_t *ret_key,
					 size_t cap, size_t *ret_len);

/* The identity of a key written by tls_identity_key_write; the whole view must be one P-256 key. */
MUST_USE enum err tls_identity_from_key(struct view key, struct tls_identity *ret_id);

/* A PEM file of mode 0600 in the folder `dir_fd`, written beside, synced and renamed into place.
 * Save refuses to replace (ERR_EXISTS); load refuses a file that group or others may read. */
MUST_USE enum err tls_identity_save_file(const struct tls_identity *id, int dir_fd,
					 const char *name);
MUST_USE enum err tls_identity_load_file(int dir_fd, const char *name, struct tls_identity *ret_id);

static inline bool tls_spki_equal(const struct tls_spki *a, const struct tls_spki *b)
{
	return memcmp(a->b, b->b, TLS_SPKI_BYTES) == 0; /* public values */
}

/* The SPKI hash of a peer's certificate; ERR_BAD_FORMAT unless its key is exactly what we make: an
 * uncompressed point on the named curve P-256. Inner part: tls_pipe calls it. */
MUST_USE enum err tls_spki_of_cert(struct x509_st *cert, struct tls_spki *ret_spki);

/* Before any other use of OpenSSL: its configuration file is not read, so that every machine
 * behaves alike. Called by all of this folder; any number of times. */
MUST_USE enum err tls_library_init(void);
