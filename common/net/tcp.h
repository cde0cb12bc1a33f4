/* tcp: a listener and a dialler. Both deal in connected sockets (non-blocking descriptors), which
 * tls_stream_open takes.
 *
 * Addresses as in tcp_address.h; port 0 listens on any free port.
 * Owns:    its own sockets, until they are handed to a callback.
 * Threads: loop thread only.    Limits: ACCEPTS_PER_TURN_MAX connections in one turn.
 * Errors:  ERR_BAD_VALUE (address text), err_from_uv for the rest (ERR_BUSY: port in use). */
#pragma once

#include "net/tcp_address.h"
#include "net/timer.h"

struct tcp_listener {
	struct loop *loop; /* borrowed */
	uv_poll_t poll;
	struct timer pause;       /* after descriptors ran out */
	int fd;                   /* owned; -1 once closed */
	struct tcp_address local; /* the real one, port 0 resolved */
	unsigned handles_open;
	bool closing;
	uint64_t accept_fail_count; /* times accepting had to pause */
	/* `fd` is the callee's from here on. */
	void (*on_accept)(struct tcp_listener *l, int fd, const struct tcp_address *peer);
	loop_closed_fn on_closed;
	void *closed_owner; /* borrowed */
};

/* Listens at once; on_accept runs later, on the loop. Numeric addresses only. On error nothing is
 * left open. */
MUST_USE enum err tcp_listener_open(struct tcp_listener *l, struct loop *loop, const char *address,
				    void (*on_accept)(struct tcp_listener *l, int fd,
						      const struct tcp_address *peer));
void tcp_listener_close(struct tcp_listener *l, loop_closed_fn on_closed, void *owner);

/* One try to reach an address: the name is looked up, its addresses are tried in turn. */
struct tcp_dial {
	struct loop *loop; /* borrowed */
	struct timer deadline;
	uv_poll_t poll; /* on `fd` while a connect is under way */
	uv_getaddrinfo_t lookup;
	struct loop_task start; /* the first step, outside tcp_dial_open */
	struct tcp_target target;
	struct addrinfo *found; /* owned, from the lookup; NULL for a numeric address */
	struct addrinfo *at;    /* the one to try next, inside `found` */
	int fd;                 /* owned while trying; -1 otherwise */
	unsigned parts_open;    /* handles not closed, and a lookup under way */
	bool poll_open;
	bool looking_up;
	bool finished; /* on_done was called or never will be */
	bool closing;
	enum err last; /* why the last address failed */
	/* ERR_OK: `fd` is connected and the callee's. Otherwise fd is -1. Called once. */
	void (*on_done)(struct tcp_dial *d, enum err result, int fd);
	loop_closed_fn on_closed;
	void *closed_owner; /* borrowed */
};

/* Returns ERR_BAD_VALUE for a malformed address (nothing is open then); everything else arrives in
 * on_done, later: ERR_OFFLINE, ERR_TIMEOUT, ... Requires: timeout_ms > 0. */
MUST_USE enum err tcp_dial_open(struct tcp_dial *d, struct loop *loop, const char *address,
				uint64_t timeout_ms,
				void (*on_done)(struct tcp_dial *d, enum err result, int fd));

/* Always needed, also after on_done; may be called inside it. on_done does not run any more. Waits
 * for a name lookup that cannot be stopped. */
void tcp_dial_close(struct tcp_dial *d, loop_closed_fn on_closed, void *owner);
