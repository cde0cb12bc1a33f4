/* home: a room's folder: where it is, that it is ours alone, and its TLS key.
 *
 * room.db (with its lock), room.key and agent.sock lie in it; client/store makes the first.
 * Owns:    a descriptor of the folder and its path, until home_close.    Threads: any.
 * Limits:  the socket is reached through /proc/self/fd, so the path may be as long as the system
 *          allows.
 * Errors:  ERR_DENIED (somebody else may look into it), ERR_NOT_FOUND, errno's. */
#pragma once

#include "base/err.h"
#include "net/tls_identity.h"

#define HOME_SOCKET "agent.sock"
#define HOME_KEY "room.key"

struct home {
	char *path; /* owned, absolute */
	int fd;     /* owned; -1 when closed */
};

/* The folder that was meant: the flag, ROOMKEEP_HOME, $XDG_STATE_HOME/roomkeep, or
 * ~/.local/state/roomkeep (XDG base directory specification); absolute, malloc'ed. */
MUST_USE enum err home_path(const char *flag, char **ret_path);

/* Opens it; `make` creates it (0700), parents too. Without `make` a missing folder is
 * ERR_NOT_FOUND. */
MUST_USE enum err home_open(const char *path, bool make, struct home *ret);
void home_close(struct home *h);
void home_closep(struct home *h); /* for CLEANUP */

/* The room's key; made when `make` and there is none. */
MUST_USE enum err home_identity(const struct home *h, bool make, struct tls_identity *ret);
