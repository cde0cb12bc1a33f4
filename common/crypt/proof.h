/* proof: what a room shows the server to found, to enrol, to sign in, to change a passphrase.
 *
 * Each proof names this very TLS connection (its exporter value, RFC 8446 7.5) so it cannot be
 * moved to another (SECURITY 2.6 to 2.8). Room and server build the same message with the same
 * function. Threads: any.  Errors: ERR_AUTH from the _verify functions; ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "crypt/hash.h"
#include "crypt/hmac.h"
#include "crypt/sign.h"

#define PROOF_NONCE_BYTES 32u
#define EXPORTER_BYTES 32u
#define EXPORTER_LABEL_LOGIN "EXPORTER-crs1-login"
#define EXPORTER_LABEL_SETUP "EXPORTER-crs1-setup"
#define EXPORTER_LABEL_ENROL "EXPORTER-crs1-enrol"
#define CODE_SECRET_BYTES 16u /* S and J */
#define JOIN_ID_BYTES ID_BYTES

/* Sign-in: enc("crs1/login", clinic_id, user_id, cn, sn, exporter, SPKI hash of the room). */
struct login_proof {
	struct id clinic_id;
	struct id user_id;
	uint8_t cn[PROOF_NONCE_BYTES];    /* the room's nonce */
	uint8_t sn[PROOF_NONCE_BYTES];    /* the server's, one use */
	uint8_t exporter[EXPORTER_BYTES]; /* EXPORTER_LABEL_LOGIN */
	struct hash32 room_spki;
};

MUST_USE enum err login_proof_message(const struct login_proof *p, struct buf *out);
MUST_USE enum err login_proof_sign(const struct login_proof *p, const struct sign_key *auth,
				   struct sign_sig *ret);
MUST_USE enum err login_proof_verify(const struct login_proof *p, const struct sign_pk *auth_pk,
				     const struct sign_sig *sig);

/* What an unknown login is answered with, the same every time: user_id and salt from
 * HMAC(enum_key, enc("crs1/fake", handle)), first and second 16 bytes. */
MUST_USE enum err login_fake_params(const struct secret *enum_key, struct view handle,
				    struct id *ret_user_id, uint8_t ret_salt[16]);

/* PassphraseChange: enc("crs1/passphrase", clinic_id, user_id, keyring_rev, BLAKE2b-256 of the new
 * blob, new auth_pk), signed by sign_sk AND by the old auth_sk. */
struct passphrase_change {
	struct id clinic_id;
	struct id user_id;
	uint64_t keyring_rev; /* the new one */
	struct view blob;     /* new keyring blob, kind 1 */
	struct sign_pk auth_pk;
};

MUST_USE enum err passphrase_change_sign(const struct passphrase_change *c,
					 const struct sign_key *key, struct sign_sig *ret);
MUST_USE enum err passphrase_change_verify(const struct passphrase_change *c,
					   const struct sign_pk *pk, const struct sign_sig *sig);

/* Founding. The server keeps setup_mac only; S exists in the printed code. */
MUST_USE enum err setup_mac_derive(const struct secret *s, struct secret **ret_setup_mac);
/* HMAC(setup_mac, exporter). exporter.len is EXPORTER_BYTES. */
struct hmac setup_proof_make(const struct secret *setup_mac, struct view exporter);
MUST_USE enum err setup_proof_verify(const struct secret *setup_mac, struct view exporter,
				     struct view proof);

/* Enrolment: what J gives. The server gets join_id and join_mac, never J or join_wrap. */
struct join_keys {
	struct id join_id;   /* first 16 bytes of its KDF output */
	struct secret *wrap; /* owned: opens the join blob */
	struct secret *mac;  /* owned */
};

MUST_USE enum err join_keys_derive(const struct secret *j, struct join_keys *ret);
void join_keys_fini(struct join_keys *k);  /* { 0 } is fine */
void join_keys_finip(struct join_keys *k); /* for CLEANUP */
/* HMAC(join_mac, enc("crs1/enrol", the new room's SPKI hash, exporter)). */
MUST_USE enum err enrol_proof_make(const struct secret *join_mac, const struct hash32 *room_spki,
				   struct view exporter, struct hmac *ret);
MUST_USE enum err enrol_proof_verify(const struct secret *join_mac, const struct hash32 *room_spki,
				     struct view exporter, struct view proof);
