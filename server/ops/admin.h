/* admin: how the admin's own commands reach a running server: admin.sock in its folder.
 *
 * One line of JSON in ({"verb":"status"}), one line of JSON out, then the server closes.
 * The socket has mode 0600 in a 0700 folder, and a peer of another user (SO_PEERCRED) is dropped.
 * Verbs: status | renew_code | block {"login"}. Answers are {"ok":{...}} or {"error":{"code"}}.
 * Threads: admin_open and what follows on the loop; admin_call any (it blocks).
 * Limits:  ADMIN_LINE_BYTES_MAX a line, ADMIN_CONNS_MAX at once, ADMIN_MS_MAX for a whole call. */
#pragma once

#include "server/net/engine.h"

#include <jansson.h>

#define ADMIN_SOCKET "admin.sock"
#define ADMIN_LINE_BYTES_MAX 65536u
#define ADMIN_CONNS_MAX 8u
#define ADMIN_MS_MAX 10000u

struct admin {
	struct engine *engine; /* borrowed */
	uv_pipe_t pipe;
	struct list conns; /* of admin_conn.link */
	size_t conn_count;
	bool open;
	bool closing;
	loop_closed_fn on_closed;
	void *closed_owner;
};

/* Requires: the engine is open. Errors of sock_file_listen. */
MUST_USE enum err admin_open(struct admin *a, struct engine *engine);
/* Idempotent; on_closed also when it was never open. */
void admin_close(struct admin *a, loop_closed_fn on_closed, void *owner);

/* The command's side. ERR_OFFLINE or ERR_NOT_FOUND: no server runs on this folder. `*ret_answer` is
 * the object under "ok"; an {"error"} answer becomes its err value. */
MUST_USE enum err admin_call(const char *folder, const json_t *request, json_t **ret_answer);
