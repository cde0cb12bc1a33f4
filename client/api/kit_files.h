/* kit_files: the paper kit on its way to paper: one file per holder, mode 0600, in a folder outside
 * the room's home. Each file is a page a browser prints: the text of seal/kit.h, readable as it is,
 * and a QR code of every code on it.
 *
 * Owns:    nothing.     Threads: one.
 * Secrets: the pages pass through guarded memory; the files are the point of it all, and the person
 *          is told to print and delete them.
 * Errors:  ERR_USAGE (the folder is inside the home), ERR_EXISTS (a kit is there already),
 *          ERR_DENIED,
 *          ERR_NOT_FOUND, ERR_DISK_FULL, ERR_IO. On error nothing is left behind. */
#pragma once

#include "crypt/secret.h"

#define KIT_FILE_PREFIX "roomkeep-kit-"
#define KIT_FILE_NAME_BYTES 32u /* "roomkeep-kit-16.html" */

/* Would this folder be inside the home? Makes nothing; neither needs to exist. */
MUST_USE enum err kit_folder_check(const char *folder, const char *home);

/* Makes the folder when it is missing (0700) and gives its real path (malloc'ed, the caller's).
 * `home` must exist. */
MUST_USE enum err kit_folder_prepare(const char *folder, const char *home, char **ret_path);

/* Writes page `index` (from 0) and syncs it to the disk. */
MUST_USE enum err kit_file_write(const char *folder, unsigned index, const struct secret *page);

/* "roomkeep-kit-1.html" */
void kit_file_name(unsigned index, char ret_name[KIT_FILE_NAME_BYTES]);

/* Takes back what kit_file_write wrote; files that are gone are fine. */
void kit_files_remove(const char *folder, unsigned count);
