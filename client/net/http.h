/* http: the room's local door: HTTP on a Unix socket, one request and one answer per connection.
 *
 * libmicrohttpd under our loop (ROOM-UI D1): a uv_poll on its epoll descriptor, a timer from
 * MHD_get_timeout after each run, requests suspended while the desk works. Knows no verbs.
 * Owns:    the listening socket, connections, bodies (wiped when a request is over).
 * Threads: loop thread only.
 * Guard:   the socket is 0600 in a 0700 folder, and the peer's uid must be ours or root's
 *          (SO_PEERCRED); others get a closed connection.
 * Limits:  HTTP_BODY_BYTES_MAX, HTTP_CONNS_MAX, HTTP_HEAD_BYTES for a request's head, 10 s for a
 *          slow request; no chunked uploads (ROOM-UI D1, SECURITY 5). Over a limit: 413, 431, 400
 *          or closed.
 * Lives:   http_open .. on_closed of http_close. Every accepted request must be answered. */
#pragma once

#include "base/view.h"
#include "net/timer.h"

#include <sys/types.h>

#define HTTP_BODY_BYTES_MAX (1024u * 1024u)
#define HTTP_CONNS_MAX 32u
#define HTTP_HEAD_BYTES 8192u
#define HTTP_SLOW_S 10u
#define HTTP_PATH_BYTES 64u

struct http_request {
	struct list link;  /* in http.waiting until answered */
	struct http *http; /* the one it came to */
	struct MHD_Connection *conn;
	char path[HTTP_PATH_BYTES]; /* of the URL, NUL-terminated */
	struct view body;           /* whole; borrowed until the answer is given */
	void *owner;                /* the handler's */
	uint8_t *bytes;             /* owned, of the body */
	size_t cap;
	unsigned status; /* the answer's; 0 until given */
	char *answer;    /* owned until queued */
	size_t answer_len;
	void (*answer_free)(void *answer);
	bool suspended;
};

struct http {
	struct loop *loop; /* borrowed */
	struct MHD_Daemon *daemon;
	uv_poll_t poll;         /* on the daemon's epoll descriptor */
	struct timer timer;     /* what MHD_get_timeout asked for */
	struct list waiting;    /* of http_request.link */
	int dir_fd;             /* owned copy: where the socket file is */
	char name[32];          /* of the socket file */
	uid_t uid;              /* who may call, beside root */
	uint64_t foreign_count; /* connections of other users, closed */
	unsigned handles_open;
	bool closing;
	bool in_run;  /* inside MHD_run: it will look again by itself */
	bool resumed; /* a request was answered since MHD_run began */
	/* A whole POST has come. Answer now or later with http_answer. */
	void (*on_request)(void *ctx, struct http_request *r);
	void *ctx; /* borrowed */
	loop_closed_fn on_closed;
	void *closed_owner; /* borrowed */
};

/* Listens at NAME in the folder. ERR_BUSY: somebody serves there; others of sock_file, ERR_NOMEM.
 * On error nothing is left open. */
MUST_USE enum err http_open(struct http *h, struct loop *loop, int dir_fd, const char *name,
			    void (*on_request)(void *ctx, struct http_request *r), void *ctx);

/* Gives the answer, once; JSON. `text` is given away and freed by `text_free`. */
void http_answer(struct http_request *r, unsigned status, char *text, size_t len,
		 void (*text_free)(void *text));

/* Stops accepting, answers what still waits with 503, removes the socket file. Idempotent.
 * The handler must not answer requests any more after this. */
void http_close(struct http *h, loop_closed_fn on_closed, void *closed_owner);
