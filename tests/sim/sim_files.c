/* sim_files: what common/db does to files without SQLite, on simulated drives (sim_vfs.h). The
 * linker sends every call here. */
#include "base/check.h"
#include "db/lockfile.h"
#include "sim/sim_drive.h"

#include <sys/statvfs.h>

#define FAKE_FD 1000000 /* of a lock; no real descriptor comes near */
#define LOCKS_MAX 16

static const struct drive *locked[LOCKS_MAX];

enum err __real_lockfile_open(const char *path, int *ret_fd);
enum err __wrap_lockfile_open(const char *path, int *ret_fd);
void __real_lockfile_close(int *fd);
void __wrap_lockfile_close(int *fd);
enum err __real_folder_prepare(const char *path);
enum err __wrap_folder_prepare(const char *path);
enum err __real_file_check_mode(const char *path);
enum err __wrap_file_check_mode(const char *path);
enum err __real_file_create(const char *folder, const char *path);
enum err __wrap_file_create(const char *folder, const char *path);
enum err __real_file_settle(const char *path);
enum err __wrap_file_settle(const char *path);
int __real_statvfs(const char *restrict path, struct statvfs *restrict ret);
int __wrap_statvfs(const char *restrict path, struct statvfs *restrict ret);

enum err __wrap_lockfile_open(const char *path, int *ret_fd)
{
	const char *name = NULL;
	const struct drive *d = drive_of_path(path, &name);
	int free_place = -1;
	if (d == NULL) return __real_lockfile_open(path, ret_fd);
	for (int i = 0; i < LOCKS_MAX; i++) {
		if (locked[i] == d) return ERR_BUSY;
		if (locked[i] == NULL) free_place = i;
	}
	INSIST(free_place >= 0);
	locked[free_place] = d;
	*ret_fd = FAKE_FD + free_place;
	return ERR_OK;
}

void __wrap_lockfile_close(int *fd)
{
	if (*fd < FAKE_FD) {
		__real_lockfile_close(fd);
		return;
	}
	locked[*fd - FAKE_FD] = NULL;
	*fd = -1;
}

enum err __wrap_folder_prepare(const char *path)
{
	const char *name = NULL;
	return drive_of_path(path, &name) == NULL ? __real_folder_prepare(path) : ERR_OK;
}

enum err __wrap_file_check_mode(const char *path)
{
	const char *name = NULL;
	struct drive *d = drive_of_path(path, &name);
	if (d == NULL) return __real_file_check_mode(path);
	return drive_find(d, name) == NULL ? ERR_NOT_FOUND : ERR_OK;
}

enum err __wrap_file_create(const char *folder, const char *path)
{
	const char *name = NULL;
	struct drive *d = drive_of_path(path, &name);
	if (d == NULL) return __real_file_create(folder, path);
	if (drive_find(d, name) != NULL) return ERR_OK;
	(void)drive_create(d, name);
	return drive_sync_folder(d) == DRIVE_OK ? ERR_OK : ERR_IO;
}

enum err __wrap_file_settle(const char *path)
{
	uint8_t block[65536];
	const char *name = NULL;
	size_t got = 0;
	struct drive *d = drive_of_path(path, &name);
	if (d == NULL) return __real_file_settle(path);
	struct drive_file *f = drive_find(d, name);
	if (f == NULL) return ERR_OK;
	for (uint64_t at = 0; at < f->cache.len; at += got) {
		if (drive_read(f, at, block, sizeof(block), &got) != DRIVE_OK) return ERR_IO;
		if (drive_write(f, at, block, got) != DRIVE_OK) return ERR_IO;
	}
	return drive_sync(f) == DRIVE_OK ? ERR_OK : ERR_IO;
}

int __wrap_statvfs(const char *restrict path, struct statvfs *restrict ret)
{
	const char *name = NULL;
	const struct drive *d = drive_of_path(path, &name);
	if (d == NULL) return __real_statvfs(path, ret);
	*ret = (struct statvfs){ .f_bsize = DRIVE_SECTOR_BYTES,
				 .f_frsize = DRIVE_SECTOR_BYTES,
				 .f_blocks = DRIVE_SPACE_ALL / DRIVE_SECTOR_BYTES,
				 .f_bfree = drive_space_left(d) / DRIVE_SECTOR_BYTES,
				 .f_bavail = drive_space_left(d) / DRIVE_SECTOR_BYTES };
	return 0;
}
