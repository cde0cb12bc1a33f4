/* desk: the one place where keys and the database are used together. Executes sync's asks, and
 * holds the steps of signing in and locking that the verbs call.
 *
 * The agent runs it on its desk thread; the simulator calls it directly. No sockets, no uv, no
 * clock:
 * `now_ms` is wall clock and comes in.
 * Owns:    the vault. Borrows local.      Threads: the desk thread only.
 * Errors:  of local.h and vault.h. After ERR_IO or ERR_DISK_FULL from any call the process must
 * exit. */
#pragma once

#include "client/core/sync.h"
#include "client/store/feed.h"
#include "client/store/local.h"
#include "client/store/people.h"
#include "client/store/vault.h"

struct desk {
	struct local *local; /* borrowed */
	struct vault vault;  /* owned */
};

void desk_init(struct desk *d, struct local *local);
void desk_fini(struct desk *d); /* locks */

/* Carries out one ask. `*ret` is always filled (err inside) and is the caller's: sync_result_fini,
 * after SYNC_EV_DESK took what it needs. The ask stays the caller's (sync_ask_fini). */
void desk_run(struct desk *d, uint64_t now_ms, const struct sync_ask *ask, struct sync_result *ret);

/* ---- signing in --------------------------------------------------------------------------------
 *
 * Online:  desk_sign_in_begin -> LoginStart frame -> request (SYNC_NEEDS_LINK)
 *          reply LoginParams  -> desk_sign_in_prove -> LoginProof frame -> request with the serial
 *                                of the connection the reply came by
 *          reply LoginOk      -> desk_sign_in_finish -> SYNC_EV_PERSON_IN with serial and cursor;
 *                                when it fails: SYNC_EV_PERSON_OUT, the server must forget
 *          A reply with an error (ERR_AUTH, ERR_THROTTLED): desk_sign_in_free, nothing else.
 * Offline (a request ended with ERR_OFFLINE or ERR_TIMEOUT):
 *          desk_sign_in_offline -> SYNC_EV_PERSON_IN with serial 0.
 * Whoever is signed in must be locked first (desk_lock, SYNC_EV_PERSON_OUT). */

struct sign_in;                            /* opaque: login, passphrase, nonce; wiped */
void desk_sign_in_free(struct sign_in *s); /* NULL is fine */

/* ERR_BAD_VALUE for a login or passphrase that cannot be right. */
MUST_USE enum err desk_sign_in_begin(struct desk *d, const char *login, struct view passphrase,
				     struct sign_in **ret, struct buf *ret_frame);
/* Slow (a passphrase hash). ERR_KDF_FLOOR: the server asked for weaker parameters than pinned. */
MUST_USE enum err desk_sign_in_prove(struct desk *d, struct sign_in *s, struct view params_frame,
				     const struct sync_conn *conn, struct buf *ret_frame);
/* Slow. Opens the vault. ERR_NOT_FOUND: the person is not in the checked directory. */
MUST_USE enum err desk_sign_in_finish(struct desk *d, struct sign_in *s, struct view ok_frame,
				      uint64_t now_ms, struct sync_cursor *ret_cursor);
/* Slow. Counts the try on disk first. ERR_AUTH; ERR_THROTTLED with `*ret_wait_ms`; ERR_NOT_FOUND:
 * no online sign-in here yet (or the copy is gone after LOCAL_TRIES_MAX); ERR_EXPIRED: too long
 * ago. */
MUST_USE enum err desk_sign_in_offline(struct desk *d, struct sign_in *s, uint64_t now_ms,
				       uint64_t *ret_wait_ms);

/* Everything decrypted and every key is gone when this returns. `farewell` receives what is to be
 * sent for the person (vault blob; SYNC_EV_PERSON_OUT.frame), if anything. Harmless when nobody is
 * in. */
void desk_lock(struct desk *d, uint64_t now_ms, struct buf *farewell);

/* The signed-in person: NULL when locked. */
const struct id *desk_person(const struct desk *d);
