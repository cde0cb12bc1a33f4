/* link: this room's one connection to its server: dial, TLS, who is it, frames in, frames out.
 *
 *	IDLE --link_dial--> DIALING --> HANDSHAKE --on_up--> UP
 *	  ^                    |            |                 |
 *	  +------ on_down -----+------------+-----------------+   (link_drop, failure, peer)
 *
 * Decides nothing about when to dial or what to send: client/core/sync does. It dials exactly the
 * given address; who answers is judged by the key alone, before the first byte is sent to it.
 * Owns:    sockets, TLS state, received bytes until they make a frame.   Threads: loop thread only.
 * Order:   after link_dial: at most one on_up, then on_frame and on_bytes, then exactly one
 *          on_down. None of them runs inside a call on this link; each may call anything here.
 * Limits:  frames of FRAME_BODY_BYTES_MAX; tls_stream's write queue (over it: on_down ERR_FULL).
 * Errors:  in on_down: of tcp_dial and tls_stream; ERR_REFUSED: a server with another key;
 *          ERR_PROTO, ERR_TOO_BIG: bytes that are no frame; what link_drop was given.
 * Lives:   link_init .. on_closed of link_close, at one address. */
#pragma once

#include "base/buf.h"
#include "base/fsm.h"
#include "net/tcp.h"
#include "net/tls_stream.h"

#define LINK_DIAL_MS 5000u /* no server in the clinic is further away */

struct link;

struct link_events {
	/* Is this the server we mean? Judged right after the handshake. */
	bool (*is_server)(struct link *l, const struct tls_spki *peer);
	void (*on_up)(struct link *l);
	/* One frame's body; borrowed until the callback ends. */
	void (*on_frame)(struct link *l, struct view body);
	/* Bytes came that do not make a frame yet. May be NULL. */
	void (*on_bytes)(struct link *l);
	void (*on_down)(struct link *l, enum err why);
};

struct link {
	struct loop *loop;                /* borrowed */
	const struct link_events *events; /* static storage */
	void *owner;                      /* the caller's, for its callbacks */
	struct tls_ctx tls;               /* owned */
	struct tls_spki spki;             /* of this room's own key */
	struct fsm fsm;
	struct tcp_dial dial;
	struct tls_stream stream;
	struct loop_task down_task; /* on_down, outside the caller's calls */
	struct buf in;              /* bytes that do not make a frame yet */
	enum err why;               /* what on_down will say */
	bool dial_open;             /* `dial` is not closed yet */
	bool stream_open;           /* `stream` is not closed yet */
	bool closing;
	loop_closed_fn on_closed;
	void *closed_owner; /* borrowed */
};

/* The identity is copied by reference count. */
MUST_USE enum err link_init(struct link *l, struct loop *loop, const struct tls_identity *id,
			    const struct link_events *events, void *owner);

/* Requires: idle. What goes wrong arrives in on_down, also a malformed address (ERR_BAD_VALUE). */
void link_dial(struct link *l, const char *address);

/* One whole frame, length in front. ERR_CLOSED when not up; ERR_FULL closes the link. */
MUST_USE enum err link_send(struct link *l, struct view frame);

/* Ends the connection if there is one; on_down(why) follows later. Idempotent. */
void link_drop(struct link *l, enum err why);

bool link_is_idle(const struct link *l);
bool link_is_up(const struct link *l);

/* Requires: up. */
MUST_USE enum err link_export(struct link *l, const char *label, uint8_t ret_key[32]);
const struct tls_spki *link_peer_spki(const struct link *l);

/* Idempotent; no callback but on_closed(closed_owner) after it. */
void link_close(struct link *l, loop_closed_fn on_closed, void *closed_owner);
