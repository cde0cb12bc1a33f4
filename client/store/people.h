/* people: what a room makes or checks when people and rooms come, change and go.
 *
 * Everything secret is made here, in a room; the server gets public parts and sealed blobs. Each
 * function builds one frame (a body without request number, for SYNC_EV_REQUEST) and changes
 * nothing;
 * the matching _done call stores the result once the server has said yes.
 * Threads: the desk thread (found and enrol: their only thread). Slow: passphrases are hashed here.
 * Errors:  ERR_BAD_VALUE with `*ret_fault` for a passphrase; ERR_DENIED: not an owner; ERR_EXISTS.
 * Sources: SECURITY 2.6, 2.7, 2.8, 2.9. */
#pragma once

#include "client/store/local.h"
#include "crypt/codes.h"
#include "crypt/passphrase.h"
#include "seal/kit.h"

/* ---- founding (no agent runs) ---------------------------------------------------------------- */

struct found_options {
	const char *clinic_name;
	const char *owner_name;
	const char *login;
	const char *room_name;
	const char *address;    /* the server's, as dialled */
	const char *kit_folder; /* kept for `confirm kit` */
	struct view passphrase; /* raw, newline already dropped */
	unsigned k, n;          /* shares: 2, 3 by default */
};

/* From the connection: the setup code, the server's keys, this TLS channel. */
struct found_server {
	struct view setup_code;
	struct hash32 spki;     /* of the TLS peer; ERR_AUTH unless the code names it */
	struct view exporter;   /* EXPORTER_LABEL_SETUP */
	struct view found_info; /* frame body: FoundInfo */
};

struct founding {
	struct buf frame;          /* owned: the Found frame */
	struct secret **kit_pages; /* owned: `kit_count` texts (seal/kit.h) */
	unsigned kit_count;
};
void founding_fini(struct founding *f); /* { 0 } is fine */

/* Checks what can be checked before dialling: names, login, passphrase. */
MUST_USE enum err found_check(const struct found_options *o, enum passphrase_fault *ret_fault,
			      struct record_error *ret_error);
/* Makes root, CS, CRK, backup keys, shares, policy, records, first owner, account and kit; keeps in
 * room.db what the room needs (state LOCAL_FOUNDING) before giving the frame: if the answer is
 * lost, found_done can still be called. The root's private half exists only in the kit's shares.
 * Requires: local is LOCAL_EMPTY or LOCAL_FOUNDING (a try that failed is replaced). */
MUST_USE enum err found_make(struct local *l, const struct found_options *o,
			     const struct found_server *s, uint64_t now_ms, struct founding *ret);
/* The server said yes, or its Welcome names our clinic as founded. LOCAL_READY. */
MUST_USE enum err found_done(struct local *l, uint64_t now_ms);

/* ---- enrolment (no agent runs) --------------------------------------------------------------- */

struct enrolment; /* opaque: join keys, wiped */
void enrolment_free(struct enrolment *e);

/* Reads the typed code and gives the EnrolStart frame. ERR_BAD_VALUE with `*ret_fault`. */
MUST_USE enum err enrol_start(struct view code, enum code_fault *ret_fault, struct enrolment **ret,
			      struct buf *ret_frame);
/* EnrolBlob: opened with the code; REQUIRES that the TLS peer is in the ServerRecord inside
 * (ERR_AUTH: this is not the clinic's server). Keeps LOCAL_ENROLLING, gives the EnrolProof
 * frame. `exporter`: EXPORTER_LABEL_ENROL. Requires: local is LOCAL_EMPTY or LOCAL_ENROLLING. */
MUST_USE enum err enrol_prove(struct local *l, struct enrolment *e, struct view blob_frame,
			      const struct hash32 *server_spki, const struct hash32 *room_spki,
			      struct view exporter, const char *address, uint64_t now_ms,
			      struct buf *ret_frame);
MUST_USE enum err enrol_done(struct local *l, uint64_t now_ms);

/* ---- people (an owner is signed in) ---------------------------------------------------------- */

struct new_user {
	const char *name;
	const char *login;
	uint64_t roles;         /* enum dir_role bits */
	struct view passphrase; /* raw; the new person types it */
};
/* AddUser: US_1, both blobs, auth_pk, the directory entry signed by the new key and the owner's. */
MUST_USE enum err people_add(struct local *l, const struct vault *v, const struct new_user *u,
			     struct buf *ret_frame, struct id *ret_user_id,
			     enum passphrase_fault *ret_fault, struct record_error *ret_error);
/* PutDirectory with status disabled. ERR_NOT_FOUND. */
MUST_USE enum err people_disable(struct local *l, const struct vault *v, const struct id *user_id,
				 struct buf *ret_frame);
/* After the server said yes to either: the entry is applied here from the very frame sent. */
MUST_USE enum err people_sent(struct local *l, struct view frame, uint64_t now_ms);

/* InviteRoom: makes J; `*ret_code` is the text for the screen. */
MUST_USE enum err people_invite(struct local *l, const struct vault *v, const char *room_name,
				const char *kind, uint64_t now_ms, struct buf *ret_frame,
				struct secret **ret_code);

/* PassphraseChange: the old passphrase must open the blob kept here (ERR_AUTH). `*ret` is kept
 * until the server said yes, then people_passphrase_done stores the blob and swaps the key in
 * memory. */
struct passphrase_swap; /* opaque, wiped */
void passphrase_swap_free(struct passphrase_swap *s);
MUST_USE enum err people_passphrase(struct local *l, const struct vault *v, struct view old,
				    struct view chosen, struct buf *ret_frame,
				    struct passphrase_swap **ret, enum passphrase_fault *ret_fault);
MUST_USE enum err people_passphrase_done(struct local *l, struct vault *v,
					 struct passphrase_swap *s);

/* Room keys (SPKI hashes) this room dials to: of the pinned ServerRecord. */
bool people_server_is_pinned(const struct local *l, const struct hash32 *spki);
