/* sock_file: Unix sockets in a folder of any path length.
 *
 * The address goes through /proc/self/fd/<folder>/NAME, so the 107 bytes of sun_path (unix(7)) hold
 * however deep the folder lies.
 * Owns:    nothing; descriptors are the caller's.   Threads: any.
 * Limits:  SOCK_NAME_BYTES_MAX for NAME, which has no slash.
 * Errors:  ERR_BUSY (somebody listens there), ERR_OFFLINE (nobody listens), ERR_NOT_FOUND (no
 *          socket file), ERR_BAD_VALUE (name), ERR_DENIED, ERR_EXISTS (a file that is no socket),
 *          ERR_IO. */
#pragma once

#include "base/err.h"

#define SOCK_NAME_BYTES_MAX 64

/* A listening socket of mode 0600, not blocking, close-on-exec. It is made beside and renamed into
 * place, so nobody meets a socket that does not listen yet. A socket file that nobody serves is
 * replaced. Two starters at the same moment are kept apart by the caller's own lock. */
MUST_USE enum err sock_file_listen(int dir_fd, const char *name, int *ret_fd);

/* A connected socket, blocking, close-on-exec. */
MUST_USE enum err sock_file_connect(int dir_fd, const char *name, int *ret_fd);

/* Removes the socket file; one that is gone is fine. */
MUST_USE enum err sock_file_remove(int dir_fd, const char *name);
