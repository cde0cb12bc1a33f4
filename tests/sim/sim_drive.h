/* sim_drive: the disk of one simulated machine, kept in memory.
 *
 * Each file is there twice: what the machine sees (the page cache) and what lies on the platter.
 * Writes and changes of size reach the first at once and stay in a list, in order, until a sync
 * brings them to the second. The same holds for names: a file that was made or deleted is so on
 * the platter only after a sync of the folder.
 *
 * A killed process (kill -9) leaves the cache as it is. After a power cut only the platter is
 * left, and of each change that was not synced any part: every sector of DRIVE_SECTOR_BYTES is
 * written whole or not at all, by itself, so that a write can be torn and a later one can survive
 * an earlier one; a file may have grown without its new bytes, which are then zeros or rubbish.
 * Bytes beside a write are never touched, not even within its sector: this is the promise that
 * SQLite calls POWERSAFE_OVERWRITE and that its unix VFS relies on by default (sim_vfs.h).
 *
 * Faults: a full disk (files cannot grow, overwriting works), failing reads and writes, and a sync
 * that fails and forgets: what it had to write is gone though the next sync succeeds, while the
 * cache keeps it or loses it too (the "fsyncgate" of PostgreSQL, 2018; Rebello et al., "Can
 * applications recover from fsync failures?", USENIX ATC 2020). They strike only while the drive
 * is exposed: the checks of the simulator read in peace.
 *
 * Owns:    all files, until drive_free. Threads: one.
 * Errors:  enum drive_result; running out of memory ends the process. */
#pragma once

#include "base/rand.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRIVE_SECTOR_BYTES 512u
#define DRIVE_NAME_BYTES_MAX 64u
#define DRIVE_FILES_MAX 16u
#define DRIVE_SPACE_ALL (64ull * 1024 * 1024) /* free when nothing is wrong */

struct drive;
struct drive_image;

struct drive_bytes {
	uint8_t *p; /* owned */
	size_t len, cap;
};

/* A write (`len` bytes from `data_at` on in the list's bytes) or a new size (`at`). */
struct drive_change {
	bool resize;
	uint64_t at;
	size_t len, data_at;
};

struct drive_file {
	struct drive *drive; /* borrowed */
	char name[DRIVE_NAME_BYTES_MAX];
	bool linked;         /* has its name, as the machine sees it */
	bool linked_platter; /* and after a power cut */
	unsigned opens;
	struct drive_bytes cache, platter;
	struct drive_change *changes; /* owned; since the last sync, in order */
	size_t change_count, change_cap;
	struct drive_bytes change_bytes;
	void *locks; /* of sim_vfs, while it is open */
};

enum drive_result {
	DRIVE_OK,
	DRIVE_MISSING, /* no file of that name */
	DRIVE_IO,
	DRIVE_NO_SPACE,
};

enum drive_op { DRIVE_READ, DRIVE_WRITE, DRIVE_SYNC, DRIVE_OPS };

/* What was returned to somebody since the last drive_expose, as bits. */
#define DRIVE_HIT_IO 1u
#define DRIVE_HIT_SPACE 2u

/* The name is the machine's folder: "/sim/server". `rand` draws what a power cut or a failed sync
 * leaves; `now_ms` ends faults; both are borrowed. */
struct drive *drive_new(const char *folder, struct rand_source rand, const uint64_t *now_ms);
void drive_free(struct drive *d); /* NULL is fine. Requires: no file is open */
/* The drive that a path leads to and the name on it ("" for the folder itself), or NULL: a real
 * path. */
struct drive *drive_of_path(const char *path, const char **ret_name);
const char *drive_folder(const struct drive *d);

/* ---- files --------------------------------------------------------------------------- */
/* NULL when there is none. */
struct drive_file *drive_find(struct drive *d, const char *name);
struct drive_file *drive_create(struct drive *d, const char *name);
void drive_open(struct drive_file *f);
void drive_close(struct drive_file *f); /* the last one frees what has no name any more */
enum drive_result drive_unlink(struct drive *d, const char *name);
enum drive_result drive_sync_folder(struct drive *d);

/* Gives as many bytes as there are. */
enum drive_result drive_read(struct drive_file *f, uint64_t at, void *p, size_t len,
			     size_t *ret_len);
/* DRIVE_NO_SPACE: as much as fits was written. */
enum drive_result drive_write(struct drive_file *f, uint64_t at, const void *p, size_t len);
enum drive_result drive_resize(struct drive_file *f, uint64_t len);
enum drive_result drive_sync(struct drive_file *f);

/* ---- memory that counts as space (SQLite's shared index lies in a file) --------------- */
enum drive_result drive_take_space(struct drive *d, uint64_t bytes);
void drive_give_space(struct drive *d, uint64_t bytes);

/* ---- faults -------------------------------------------------------------------------- */
/* From now on faults strike and changes are shown to the visitor. Forgets hits. */
void drive_expose(struct drive *d, bool on);
unsigned drive_hits(const struct drive *d);
/* After `skip` more operations of this kind the next `count` fail, but none after `ms`. */
void drive_break(struct drive *d, enum drive_op op, uint64_t skip, uint64_t count, uint64_t ms);
/* Files may grow by `bytes` together, for `ms`. */
void drive_fill(struct drive *d, uint64_t bytes, uint64_t ms);
void drive_mend(struct drive *d);
uint64_t drive_space_left(const struct drive *d);
/* Called before each change and each sync while exposed: a place to die. */
void drive_set_visitor(struct drive *d, void (*visit)(void *ctx), void *ctx);

/* ---- dying --------------------------------------------------------------------------- */
/* What is left when the process dies now, or (`power`) when the machine does. */
struct drive_image *drive_take_image(struct drive *d, bool power);
/* The drive is what the image says; takes it. Requires: no file is open. */
void drive_put_image(struct drive *d, struct drive_image *image);
void drive_image_free(struct drive_image *image); /* NULL is fine */

/* The same without an image, between calls: nothing that is done until drive_go_on has an effect,
 * so that a dead process can be taken apart. */
void drive_stop(struct drive *d);
/* Requires: no file is open. Does nothing to a drive that was not stopped. */
void drive_go_on(struct drive *d, bool power);

/* ---- looking ------------------------------------------------------------------------- */
/* The first file in which `word` stands, cached, on the platter or waiting; NULL: none. */
const char *drive_search(const struct drive *d, const char *word);
