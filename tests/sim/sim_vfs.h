/* sim_vfs: SQLite, and what common/db does beside it, on simulated drives (sim_drive.h).
 *
 * A VFS for SQLite that behaves as its unix VFS does on Linux: the same locks, shared index, error
 * codes, sector size and device characteristics, the same sync of the folder at the first sync of
 * a new journal. It declares SQLITE_IOCAP_POWERSAFE_OVERWRITE, as the unix VFS does by default and
 * as the product therefore runs, because the drive keeps that promise; it declares nothing else:
 * writes are not atomic, not in order, and a file may grow without its bytes.
 *
 * The shared index of a WAL is memory of this process: there is only one. Temporary files are
 * refused, because the product promises to have none (PRAGMA temp_store=MEMORY).
 *
 * Calls of common/db/lockfile.h and statvfs(3) come here through the linker (-Wl,--wrap) and go on
 * to the real ones for paths that lead to no drive.
 *
 * Threads: one. Time and random numbers of SQLite itself come from here as well, so that two runs
 * are equal. */
#pragma once

#include "base/rand.h"

/* From now on SQLite's default VFS. `rand` is borrowed until the next call or the end. */
void sim_vfs_install(struct rand_source rand);
/* Temporary files that SQLite has asked for since the start, and that it did not get. */
unsigned sim_vfs_temp_files(void);
