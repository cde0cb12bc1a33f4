/* secrets: the server's own keys besides TLS: ingest (X25519), log (Ed25519), enum_key.
 *
 * Made once by `roomkeepd init`, kept in <data>/secrets, mode 0600, in one fixed binary form:
 * "CRSV" ver=1, three zero bytes, ingest_sk[32], log seed[32], enum_key[32], BLAKE2b-256 of all
 * before. With these and the TLS key a thief can pose as the server on the LAN until a new
 * ServerRecord is signed (SECURITY 1.2); they open no note and no passphrase.
 *
 * Owns:    struct secret each, wiped by _fini.
 * Threads: readers any.
 * Errors:  ERR_EXISTS (never overwritten), ERR_NOT_FOUND, ERR_CONFIG (mode is not 0600, or another
 *          owner), ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
#pragma once

#include "base/err.h"
#include "crypt/sealed_box.h"
#include "crypt/secret.h"
#include "crypt/sign.h"

#define SECRETS_FILE "secrets"

struct server_secrets {
	struct box_key ingest;   /* rooms seal their boot keys to it */
	struct sign_key log;     /* signs audit heads */
	struct secret *enum_key; /* 32 bytes: answers about logins that do not exist */
};

MUST_USE enum err secrets_new(struct server_secrets *ret);
/* Writes `dir`/secrets, mode 0600, and syncs file and folder: after a crash it is there whole or
 * not at all. */
MUST_USE enum err secrets_write(const struct server_secrets *s, const char *dir);
MUST_USE enum err secrets_read(const char *dir, struct server_secrets *ret);
void secrets_fini(struct server_secrets *s); /* { 0 } is fine */
void secrets_finip(struct server_secrets *s);
