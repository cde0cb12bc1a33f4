/* tls_pipe: TLS 1.3 without a socket. Feed cipher bytes, step the handshake, read plain, write
 * plain, drain cipher bytes.
 *
 * The peer must show a certificate with a well-formed P-256 key and prove that it holds the key;
 * WHO that is, the caller decides after the handshake by tls_pipe_peer_spki. ALPN "crs/1" on both
 * sides; no tickets, no resumption, no early data, no older TLS (SECURITY 2.8).
 * A room's handshake ends before the server has judged the room's certificate, and writes after it
 * may go nowhere: only an application-level answer counts (SECURITY 0, fact 3).
 * Owns:    its OpenSSL state and two buffers.     Threads: one at a time per ctx and its pipes.
 * Limits:  TLS_PIPE_IN_BYTES_MAX fed and not yet read, TLS_PIPE_OUT_BYTES_MAX written and not yet
 *          drained; above ERR_FULL.
 * Errors:  ERR_MORE    more cipher bytes are needed (not a failure)
 *          ERR_CLOSED  the peer ended by close_notify
 *          ERR_TRUNCATED  the bytes ended without close_notify
 *          ERR_TLS     refused by us or by the peer, or damaged; tls_pipe_reason says more
 *          ERR_NOMEM.  The last four are final: each later call but drain and fini repeats them.
 *          So is ERR_FULL from step and read: TLS's own answers (key updates) found no room.
 * After EVERY call, also a failed one, drain: it may have made an alert or an answer.
 * Lives:   tls_pipe_init .. tls_pipe_fini, at one address. The ctx outlives its pipes. */
#pragma once

#include "base/buf.h"
#include "net/tls_identity.h"

#define TLS_PLAIN_BYTES_MAX 16384 /* one record (RFC 8446 5.1) */

/* After this many records we change our sending key. AES-GCM is good for 2^24.5 full records a key
 * (RFC 8446 5.5), which a busy connection would pass within a day. */
#define TLS_KEY_RECORDS_MAX (UINT64_C(1) << 23)

enum tls_role { TLS_ROLE_SERVER, TLS_ROLE_ROOM };

/* What all pipes of one side share. */
struct tls_ctx {
	struct ssl_ctx_st *ssl_ctx;       /* owned */
	struct bio_method_st *bio_method; /* owned; how OpenSSL reaches a pipe's buffers */
	enum tls_role role;
	uint8_t *plain; /* owned, TLS_PLAIN_BYTES_MAX: tls_pipe_read's result */
};

/* The identity is copied (by reference count) and may be closed afterwards. */
MUST_USE enum err tls_ctx_init(struct tls_ctx *c, enum tls_role role,
			       const struct tls_identity *id);
void tls_ctx_fini(struct tls_ctx *c); /* fine on { 0 } */

struct tls_pipe {
	struct tls_ctx *ctx;  /* borrowed */
	struct ssl_st *ssl;   /* owned; owns a BIO that points back to this pipe */
	struct buf in;        /* cipher bytes fed */
	size_t in_at;         /* of those, consumed */
	struct buf out;       /* cipher bytes to drain */
	bool eof;             /* nothing more will be fed */
	bool ready;           /* handshake done */
	bool ended;           /* our close_notify is out */
	bool peer_known;      /* peer_spki is set */
	uint64_t key_records; /* records sent under the current key */
	enum err bio_failed;  /* what kept bytes out of `out`, or ERR_OK */
	enum err failed;      /* the final error, or ERR_OK */
	const char *reason;   /* static text of OpenSSL for `failed`, or NULL */
	struct tls_spki peer_spki;
};

MUST_USE enum err tls_pipe_init(struct tls_pipe *p, struct tls_ctx *ctx);
void tls_pipe_fini(struct tls_pipe *p); /* fine on { 0 } */

/* Copies bytes from the peer. ERR_FULL takes nothing: read first. */
MUST_USE enum err tls_pipe_feed(struct tls_pipe *p, struct view cipher);
/* The peer's bytes have ended. What was fed can still be read; then ERR_CLOSED or ERR_TRUNCATED. */
void tls_pipe_feed_eof(struct tls_pipe *p);

/* Moves the handshake: ERR_OK when done (and ever after), ERR_MORE, or final. Call it first on both
 * sides; the room's first step makes the first flight. */
MUST_USE enum err tls_pipe_step(struct tls_pipe *p);

/* The next plain bytes, never empty. The view dies at the next read on ANY pipe of the same ctx.
 * Requires: the handshake is done. Call until ERR_MORE. */
MUST_USE enum err tls_pipe_read(struct tls_pipe *p, struct view *ret_plain);
/* Overwrites what tls_pipe_read gave, once it was used: a room that is locked keeps none of it. */
void tls_pipe_forget(struct tls_pipe *p, struct view plain);

/* Encrypts all of `plain` or, on ERR_FULL, nothing. Requires: the handshake is done, not ended. */
MUST_USE enum err tls_pipe_write(struct tls_pipe *p, struct view plain);

/* Moves all cipher bytes for the peer to the end of `to`; an empty `to` gets them without a copy,
 * and its memory is used for the next ones. ERR_NOMEM, ERR_TOO_BIG: nothing moved. */
MUST_USE enum err tls_pipe_drain(struct tls_pipe *p, struct buf *to);
size_t tls_pipe_pending_out(const struct tls_pipe *p);

/* Makes a close_notify, once; nothing during the handshake or after a final error. */
void tls_pipe_end(struct tls_pipe *p);

/* 32 bytes that both ends of this connection, and nobody else, can make (RFC 8446 7.5; no context).
 * Requires: the handshake is done, `label` NUL-terminated. */
MUST_USE enum err tls_pipe_export(struct tls_pipe *p, const char *label, uint8_t ret_key[32]);

/* Requires: the handshake is done. */
const struct tls_spki *tls_pipe_peer_spki(const struct tls_pipe *p);

/* Gives back the buffers of a quiet connection; they return by themselves with the next bytes
 * (GOALS G6: 41 KiB become 24). Does nothing while bytes are under way. */
void tls_pipe_release_idle(struct tls_pipe *p);

/* Why it failed, for the log: static text of OpenSSL, never the peer's words. Never NULL. */
const char *tls_pipe_reason(const struct tls_pipe *p);
