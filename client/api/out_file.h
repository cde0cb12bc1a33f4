/* out_file: a file that a person asked for, anywhere on this machine: readable by its owner only,
 * whole or not there, and never over something that is there unless told.
 *
 * Owns: nothing.   Threads: any.
 * Errors:  ERR_EXISTS, ERR_NOT_FOUND (no such folder), ERR_DENIED, ERR_BAD_VALUE (no file name),
 *          ERR_FULL (the disk; never ERR_DISK_FULL or ERR_IO, which would say that the room's own
 *          disk fails). On error nothing is left behind and what was there stays. */
#pragma once

#include "base/err.h"
#include "base/view.h"

/* `path` is absolute. Mode 0600, synced to the disk. */
MUST_USE enum err out_file_write(const char *path, struct view bytes, bool overwrite);
