/* powercut_disk: what a disk may forget. Remembers, for the files of one folder, every write and
 * every change of a name that no sync has made durable, and can take any of it back.
 *
 * For powercut.c only (it holds the lock around every call here). A write is remembered by what it
 * wrote over, a removed name by a second link in a folder beside the watched one.
 * At the cut each file becomes one that the disk might really hold: the writes up to a chosen one,
 * of which each sector of 512 bytes either arrived or did not; names likewise, in their order.
 * Owns:    copies of overwritten bytes, links.    Threads: one at a time.
 * Errors:  none: a campaign whose library cannot do its work must not go on, so it aborts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DISK_SECTOR 512u
#define DISK_PATH_MAX 512u
#define DISK_FDS_MAX 1024

/* What a cut did, for the report. */
struct disk_cut {
	uint32_t writes;       /* that no sync had covered */
	uint32_t sectors_lost; /* of them */
	uint32_t sectors_kept;
	uint32_t names_undone; /* creations, renames, removals */
};

/* `folder` is watched; `beside` is a folder of ours on the same file system. */
void disk_open(const char *folder, const char *beside, uint64_t seed);
/* A number below `limit`, from the seed. */
uint32_t disk_draw(uint32_t limit);
bool disk_watches(const char *path);

/* ---- files ---- */

void disk_fd_opened(int fd, const char *path);
void disk_fd_closed(int fd);
bool disk_fd_is_watched(int fd);
/* Before a write of `len` bytes at `at`, and before the size is set. */
void disk_fd_writes(int fd, off_t at, size_t len);
void disk_fd_resizes(int fd, off_t size);
/* After a sync of a file or a folder. */
void disk_fd_synced(int fd);

/* ---- names; call after the change, unless said otherwise ---- */

void disk_name_made(const char *path);
/* Before: keeps a link to what will lose its name, NULL when nothing does. disk_name_moved and
 * disk_name_removed take it; disk_name_kept gives it back when the call failed. */
char *disk_name_save(const char *path);
void disk_name_kept(char *saved);
void disk_name_moved(const char *from, const char *to, char *saved);
void disk_name_removed(const char *path, char *saved);

/* ---- the cut ---- */

/* Takes back, everywhere, what fate decides; or `everything`. Nothing may be written through us
 * afterwards. */
struct disk_cut disk_cut_all(bool everything);
/* Of one file, all that no sync has covered: what a failed fsync may do. */
void disk_cut_fd(int fd);
