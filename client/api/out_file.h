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

#define OUT_FILE_NAME_BYTES 256u

/* In two steps, because a record may have to stand before the file does: written and synced under a
 * name of its own, then given its name. */
struct out_file {
	int folder; /* owned */
	bool overwrite;
	bool written; /* under `beside` */
	char name[OUT_FILE_NAME_BYTES];
	char beside[OUT_FILE_NAME_BYTES];
};
#define OUT_FILE_NONE                                                                              \
	{                                                                                          \
		.folder = -1                                                                       \
	}

/* `path` is absolute. Mode 0600. Says now what can be known: no folder, a file that is there, a
 * full disk. `*ret` is the caller's to out_file_fini, also after an error. */
MUST_USE enum err out_file_begin(const char *path, struct view bytes, bool overwrite,
				 struct out_file *ret);
MUST_USE enum err out_file_publish(struct out_file *f);
/* Takes back what was not published. */
void out_file_fini(struct out_file *f);
void out_file_finip(struct out_file *f); /* for CLEANUP */
