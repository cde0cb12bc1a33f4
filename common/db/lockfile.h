/* lockfile: one process at a time owns a folder; and the names and modes of what lies in it. All
 * that common/db does to files without SQLite is here, so that the simulator can put a disk of its
 * own under it.
 *
 * Owns:    the file descriptor, until lockfile_close or the end of the process (flock(2) ends with
 *          the last descriptor, so a kill -9 leaves no stale lock). The file itself stays.
 * Threads: any. Two opens in one process refuse each other as well.
 * Errors:  ERR_BUSY, ERR_DENIED (bad modes), errno's. */
#pragma once

#include "base/err.h"

/* Creates `path` (0600) when missing and takes it exclusively, without waiting. */
MUST_USE enum err lockfile_open(const char *path, int *ret_fd);
void lockfile_close(int *fd); /* -1 is fine; leaves -1 */

/* Creates the folder with 0700, or checks that it is ours and closed to others. */
MUST_USE enum err folder_prepare(const char *path);
/* A regular file that is ours and closed to others (no bits of group or world). */
MUST_USE enum err file_check_mode(const char *path);
/* Creates an empty file (0600) whose name survives a power cut; does nothing when there is one. */
MUST_USE enum err file_create(const char *folder, const char *path);

/* Brings the file to the disk as it reads now; does nothing when there is none. Writes every byte
 * again before the sync: after a sync that failed the kernel takes pages for clean that never
 * arrived, and a second sync succeeds without them (Rebello et al., "Can applications recover from
 * fsync failures?", USENIX ATC 2020). Others may read meanwhile, nobody may write. */
MUST_USE enum err file_settle(const char *path);
