/* tls_stream: a tls_pipe on a TCP socket.
 *
 *   HANDSHAKE --on_ready--> OPEN --end, peer's goodbye, TLS failure--> ENDING --on_closed--> CLOSED
 *       +------------------- close, reset, timeout, full queue ------------------------------^
 *
 * Owns:    the socket, a timer, the pipe, the bytes being written.   Threads: loop thread only.
 * Order:   on_ready once, then on_plain and on_drained, then on_closed exactly once, last; after it
 *          the memory is the caller's. on_closed comes also without on_ready. None of them runs
 *          inside a call on this stream. Every one of them may call anything here, close included.
 * Limits:  WRITE_QUEUE_BYTES_MAX waiting to be sent: above, reading stops until what is under way
 *          has left and at most half of the limit waits; at twice the limit the stream closes
 *          (ERR_FULL). Waits: handshake_ms for the handshake, stall_ms without one byte leaving
 *          while some should, TLS_LINGER_MS for the end. First frame and idle times are the
 *          caller's, who knows frames.
 * Corked:  all writes of one turn of the loop leave as one buffer. TCP_NODELAY is on.
 * Errors:  in on_closed, `why`: ERR_CLOSED (peer ended properly), ERR_TRUNCATED (without
 *          close_notify, or reset), ERR_TLS, ERR_TIMEOUT, ERR_FULL, ERR_NOMEM, ERR_IO, or what the
 *          caller gave to tls_stream_close or tls_stream_end. */
#pragma once

#include "base/fsm.h"
#include "net/timer.h"
#include "net/tls_pipe.h"

struct tls_stream;

/* All are needed but on_drained, which may be NULL. */
struct tls_stream_events {
	/* Handshake done. The caller now judges tls_stream_peer_spki. */
	void (*on_ready)(struct tls_stream *s);
	/* Plain bytes, a piece of the stream of any size > 0; borrowed until the callback ends. */
	void (*on_plain)(struct tls_stream *s, struct view plain);
	/* Something was sent and at most TLS_DRAINED_BYTES still wait: write more if you like. */
	void (*on_drained)(struct tls_stream *s);
	void (*on_closed)(struct tls_stream *s, enum err why);
};

struct tls_stream_options {
	const struct tls_stream_events *events; /* static storage */
	uint64_t handshake_ms;                  /* 0: HANDSHAKE_MS_MAX */
	uint64_t stall_ms;                      /* 0: STALLED_MS_MAX */
};

struct tls_stream {
	struct loop *loop; /* borrowed */
	const struct tls_stream_events *events;
	struct fsm fsm;
	uv_tcp_t tcp;
	struct timer timer; /* handshake, then write stall, then linger */
	struct tls_pipe pipe;
	struct loop_task work; /* flush, resume and first step, outside user calls */
	uv_write_t write_req;  /* at most one under way */
	struct buf writing;    /* its bytes, until its callback */
	uv_shutdown_t shutdown_req;
	uint64_t stall_ms;
	size_t stall_queued; /* bytes queued when the stall timer was started */
	enum err why;        /* what on_closed will say */
	const char *reason;  /* the pipe's, kept for on_closed */
	struct tls_spki peer_spki;
	bool peer_known; /* peer_spki is set: on_ready has come */
	unsigned handles_open;
	bool write_busy;    /* write_req is under way */
	bool shutdown_busy; /* shutdown_req is under way */
	bool fin_sent;      /* shutdown was asked for */
	bool peer_done;     /* nothing more comes, or nobody cares */
	bool paused;        /* by the caller */
	bool choked;        /* by a full write queue */
	bool reading;       /* uv_read_start is on */
	bool wrote;         /* something left since the last on_drained */
	bool pump_wanted;   /* `work` shall also read: first step, resume, queue has shrunk */
};

/* Takes `fd`, a connected stream socket, whatever it returns. The role is the ctx's. On error
 * (ERR_NOMEM) nothing is open and on_closed will not come. */
MUST_USE enum err tls_stream_open(struct tls_stream *s, struct loop *loop, struct tls_ctx *ctx,
				  int fd, const struct tls_stream_options *options);

/* Encrypts `plain` and queues it for the end of this turn. Requires: on_ready has come.
 * ERR_CLOSED: the stream is ending. ERR_FULL: the queue is at twice the limit, and the stream is
 * closing now. */
MUST_USE enum err tls_stream_write(struct tls_stream *s, struct view plain);

/* Cipher bytes that have not left for the kernel. */
size_t tls_stream_queued_bytes(const struct tls_stream *s);

/* Stops on_plain, from now on (also within one read). Resume goes on, later, with what is
 * buffered. A paused stream neither keeps the loop alive nor notices that its peer has gone. */
void tls_stream_pause(struct tls_stream *s);
void tls_stream_resume(struct tls_stream *s);

/* Ends properly: sends what is queued and a close_notify, then closes, at most TLS_LINGER_MS later.
 * No on_plain and no on_drained any more. */
void tls_stream_end(struct tls_stream *s, enum err why);

/* Closes now; what is queued is lost. Both are idempotent, close also after end. */
void tls_stream_close(struct tls_stream *s, enum err why);

/* True from end, close or failure on: writes return ERR_CLOSED. */
bool tls_stream_is_ending(const struct tls_stream *s);

/* Requires: on_ready has come. Also in on_closed. */
const struct tls_spki *tls_stream_peer_spki(const struct tls_stream *s);
/* As tls_pipe_export; ERR_CLOSED when the stream is ending. Requires: on_ready has come. */
MUST_USE enum err tls_stream_export(struct tls_stream *s, const char *label, uint8_t ret_key[32]);

/* For a quiet connection: gives its buffers back until the next byte. The C library keeps the
 * pages; after a sweep over many connections malloc_trim(3) returns them (measured at 1,000
 * connections: 37 KiB each resident, 25 after both). */
void tls_stream_release_idle(struct tls_stream *s);

/* Why TLS failed, for the log; static text, never NULL. Also in on_closed. */
const char *tls_stream_reason(const struct tls_stream *s);
