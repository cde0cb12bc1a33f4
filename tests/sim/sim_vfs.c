#include "sim/sim_vfs.h"

#include "base/check.h"
#include "sim/sim_drive.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Of SQLite's unix VFS: SQLITE_DEFAULT_SECTOR_SIZE. */
#define SECTOR_BYTES 4096
#define SHM_REGIONS_MAX 64

/* What the handles of one file share. */
struct locks {
	unsigned shared; /* handles that hold at least SHARED */
	const struct handle *reserved, *pending, *exclusive;
	/* the shared index of a WAL */
	unsigned shm_users;
	void *regions[SHM_REGIONS_MAX]; /* owned */
	int region_count, region_bytes;
	unsigned shm_shared[SQLITE_SHM_NLOCK];
	const struct handle *shm_exclusive[SQLITE_SHM_NLOCK];
};

struct handle {
	sqlite3_file base;
	struct drive_file *file;
	int level;        /* SQLITE_LOCK_* */
	bool sync_folder; /* a new journal: its name is not on the platter yet */
	bool persist_wal;
	bool psow;
	bool in_shm;
	bool shm_shared[SQLITE_SHM_NLOCK];
};

static struct rand_source sim_rand;
static unsigned temp_files;

static struct handle *handle_of(sqlite3_file *file)
{
	return (struct handle *)file;
}

static struct locks *locks_of(const struct handle *h)
{
	return h->file->locks;
}

/* ---- bytes --------------------------------------------------------------------------- */

static int vfs_read(sqlite3_file *file, void *p, int len, sqlite3_int64 at)
{
	size_t got = 0;
	if (drive_read(handle_of(file)->file, (uint64_t)at, p, (size_t)len, &got) != DRIVE_OK)
		return SQLITE_IOERR_READ;
	if (got == (size_t)len) return SQLITE_OK;
	for (uint8_t *bytes = p; got < (size_t)len; got++) bytes[got] = 0;
	return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *file, const void *p, int len, sqlite3_int64 at)
{
	switch (drive_write(handle_of(file)->file, (uint64_t)at, p, (size_t)len)) {
	case DRIVE_OK: return SQLITE_OK;
	case DRIVE_NO_SPACE: return SQLITE_FULL;
	case DRIVE_IO:
	case DRIVE_MISSING: break;
	}
	return SQLITE_IOERR_WRITE;
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return drive_resize(handle_of(file)->file, (uint64_t)size) == DRIVE_OK
		       ? SQLITE_OK
		       : SQLITE_IOERR_TRUNCATE;
}

static int vfs_sync(sqlite3_file *file, int flags)
{
	struct handle *h = handle_of(file);
	(void)flags; /* fdatasync brings a new size along too */
	if (drive_sync(h->file) != DRIVE_OK) return SQLITE_IOERR_FSYNC;
	if (!h->sync_folder) return SQLITE_OK;
	h->sync_folder = false;
	/* As unixSync does, which takes no notice of how that ends. */
	(void)drive_sync_folder(h->file->drive);
	return SQLITE_OK;
}

static int vfs_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)handle_of(file)->file->cache.len;
	return SQLITE_OK;
}

/* ---- locks of a rollback journal ----------------------------------------------------- */

static int lock_exclusive(struct handle *h, struct locks *k)
{
	if (k->reserved != NULL && k->reserved != h) return SQLITE_BUSY;
	if (k->pending != NULL && k->pending != h) return SQLITE_BUSY;
	k->pending = h;
	h->level = SQLITE_LOCK_PENDING;
	if (k->shared > 1) return SQLITE_BUSY;
	k->exclusive = h;
	h->level = SQLITE_LOCK_EXCLUSIVE;
	return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *file, int level)
{
	struct handle *h = handle_of(file);
	struct locks *k = locks_of(h);
	if (h->level >= level) return SQLITE_OK;
	if (level == SQLITE_LOCK_EXCLUSIVE) return lock_exclusive(h, k);
	if (level == SQLITE_LOCK_SHARED) {
		if (k->pending != NULL || k->exclusive != NULL) return SQLITE_BUSY;
		k->shared++;
	} else {
		if (k->reserved != NULL && k->reserved != h) return SQLITE_BUSY;
		k->reserved = h;
	}
	h->level = level;
	return SQLITE_OK;
}

static int vfs_unlock(sqlite3_file *file, int level)
{
	struct handle *h = handle_of(file);
	struct locks *k = locks_of(h);
	if (h->level <= level) return SQLITE_OK;
	if (k->reserved == h) k->reserved = NULL;
	if (k->pending == h) k->pending = NULL;
	if (k->exclusive == h) k->exclusive = NULL;
	if (level == SQLITE_LOCK_NONE) k->shared--;
	h->level = level;
	return SQLITE_OK;
}

static int vfs_is_reserved(sqlite3_file *file, int *ret)
{
	*ret = locks_of(handle_of(file))->reserved != NULL;
	return SQLITE_OK;
}

/* ---- the shared index of a WAL ------------------------------------------------------- */

static int vfs_shm_map(sqlite3_file *file, int region, int bytes, int extend, void volatile **ret)
{
	struct handle *h = handle_of(file);
	struct locks *k = locks_of(h);
	if (!h->in_shm) k->shm_users++;
	h->in_shm = true;
	*ret = NULL;
	INSIST(region >= 0 && region < SHM_REGIONS_MAX);
	k->region_bytes = bytes;
	while (extend != 0 && k->region_count <= region) {
		/* It is a file: the unix VFS takes its blocks before it maps them. */
		if (drive_take_space(h->file->drive, (uint64_t)bytes) != DRIVE_OK)
			return SQLITE_IOERR_SHMSIZE;
		void *p = calloc(1, (size_t)bytes);
		INSIST(p != NULL);
		k->regions[k->region_count++] = p;
	}
	if (region < k->region_count) *ret = k->regions[region];
	return SQLITE_OK;
}

static int shm_release(struct handle *h, struct locks *k, int from, int to)
{
	for (int i = from; i < to; i++) {
		if (k->shm_exclusive[i] == h) k->shm_exclusive[i] = NULL;
		if (h->shm_shared[i]) k->shm_shared[i]--;
		h->shm_shared[i] = false;
	}
	return SQLITE_OK;
}

static int vfs_shm_lock(sqlite3_file *file, int from, int n, int flags)
{
	struct handle *h = handle_of(file);
	struct locks *k = locks_of(h);
	const int to = from + n;
	INSIST(from >= 0 && n >= 1 && to <= SQLITE_SHM_NLOCK);
	if ((flags & SQLITE_SHM_UNLOCK) != 0) return shm_release(h, k, from, to);
	for (int i = from; i < to; i++) {
		const bool others = k->shm_shared[i] > (h->shm_shared[i] ? 1u : 0u);
		if (k->shm_exclusive[i] != NULL && k->shm_exclusive[i] != h) return SQLITE_BUSY;
		if ((flags & SQLITE_SHM_EXCLUSIVE) != 0 && others) return SQLITE_BUSY;
	}
	for (int i = from; i < to; i++) {
		if ((flags & SQLITE_SHM_EXCLUSIVE) != 0) {
			k->shm_exclusive[i] = h;
		} else if (!h->shm_shared[i]) {
			h->shm_shared[i] = true;
			k->shm_shared[i]++;
		}
	}
	return SQLITE_OK;
}

static void vfs_shm_barrier(sqlite3_file *file)
{
	(void)file; /* one thread */
}

static int vfs_shm_unmap(sqlite3_file *file, int delete)
{
	struct handle *h = handle_of(file);
	struct locks *k = locks_of(h);
	(void)delete;
	if (!h->in_shm) return SQLITE_OK;
	h->in_shm = false;
	(void)shm_release(h, k, 0, SQLITE_SHM_NLOCK);
	if (--k->shm_users > 0) return SQLITE_OK;
	for (int i = 0; i < k->region_count; i++) free(k->regions[i]);
	drive_give_space(h->file->drive, (uint64_t)k->region_count * (uint64_t)k->region_bytes);
	k->region_count = 0;
	return SQLITE_OK;
}

/* ---- the rest of a handle ------------------------------------------------------------ */

static int vfs_close(sqlite3_file *file)
{
	struct handle *h = handle_of(file);
	(void)vfs_shm_unmap(file, 0);
	(void)vfs_unlock(file, SQLITE_LOCK_NONE);
	if (h->file->opens == 1) {
		free(h->file->locks);
		h->file->locks = NULL;
	}
	drive_close(h->file);
	return SQLITE_OK;
}

static int flag_control(bool *flag, int *arg)
{
	if (*arg < 0)
		*arg = *flag;
	else
		*flag = *arg != 0;
	return SQLITE_OK;
}

static int vfs_control(sqlite3_file *file, int op, void *arg)
{
	struct handle *h = handle_of(file);
	if (op == SQLITE_FCNTL_PERSIST_WAL) return flag_control(&h->persist_wal, arg);
	if (op == SQLITE_FCNTL_POWERSAFE_OVERWRITE) return flag_control(&h->psow, arg);
	return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *file)
{
	(void)file;
	return SECTOR_BYTES;
}

static int vfs_device(sqlite3_file *file)
{
	return handle_of(file)->psow ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = vfs_close,
	.xRead = vfs_read,
	.xWrite = vfs_write,
	.xTruncate = vfs_truncate,
	.xSync = vfs_sync,
	.xFileSize = vfs_size,
	.xLock = vfs_lock,
	.xUnlock = vfs_unlock,
	.xCheckReservedLock = vfs_is_reserved,
	.xFileControl = vfs_control,
	.xSectorSize = vfs_sector,
	.xDeviceCharacteristics = vfs_device,
	.xShmMap = vfs_shm_map,
	.xShmLock = vfs_shm_lock,
	.xShmBarrier = vfs_shm_barrier,
	.xShmUnmap = vfs_shm_unmap,
};

/* ---- names --------------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
		    int *ret_flags)
{
	static const int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL |
				    SQLITE_OPEN_SUPER_JOURNAL;
	struct handle *h = handle_of(file);
	const char *name = NULL;
	(void)vfs;
	*h = (struct handle){ .level = SQLITE_LOCK_NONE, .psow = true };
	if (path == NULL) {
		temp_files++;
		return SQLITE_CANTOPEN;
	}
	struct drive *d = drive_of_path(path, &name);
	if (d == NULL) return SQLITE_CANTOPEN;
	struct drive_file *f = drive_find(d, name);
	if (f == NULL && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
	if (f == NULL) f = drive_create(d, name);
	if (f->locks == NULL) f->locks = calloc(1, sizeof(struct locks));
	INSIST(f->locks != NULL);
	drive_open(f);
	h->file = f;
	h->sync_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
	h->base.pMethods = &methods;
	if (ret_flags != NULL) *ret_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
	const char *name = NULL;
	struct drive *d = drive_of_path(path, &name);
	(void)vfs;
	if (d == NULL) return SQLITE_IOERR_DELETE;
	switch (drive_unlink(d, name)) {
	case DRIVE_OK: break;
	case DRIVE_MISSING: return SQLITE_IOERR_DELETE_NOENT;
	case DRIVE_IO:
	case DRIVE_NO_SPACE: return SQLITE_IOERR_DELETE;
	}
	if (sync_folder == 0) return SQLITE_OK;
	return drive_sync_folder(d) == DRIVE_OK ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret)
{
	const char *name = NULL;
	struct drive *d = drive_of_path(path, &name);
	const struct drive_file *f = d == NULL ? NULL : drive_find(d, name);
	(void)vfs;
	/* As unixAccess: an empty file does not exist. */
	*ret = f != NULL && (flags != SQLITE_ACCESS_EXISTS || f->cache.len > 0);
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret)
{
	const size_t len = strlen(path);
	(void)vfs;
	if (len >= (size_t)size) return SQLITE_CANTOPEN;
	memcpy(ret, path, len + 1);
	return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *p)
{
	(void)vfs;
	rand_fill(&sim_rand, p, (size_t)len);
	return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds; /* nobody else could do anything meanwhile */
}

static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
	(void)vfs;
	*ret = 212000000000000; /* some day, in SQLite's Julian milliseconds; nobody asks */
	return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret)
{
	sqlite3_int64 ms = 0;
	const int rc = vfs_time_ms(vfs, &ms);
	*ret = (double)ms / 86400000.0;
	return rc;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *p)
{
	(void)vfs;
	if (size > 0) p[0] = '\0';
	return 0;
}

static sqlite3_vfs sim_vfs = {
	.iVersion = 2,
	.szOsFile = sizeof(struct handle),
	.mxPathname = 256,
	.zName = "sim",
	.xOpen = vfs_open,
	.xDelete = vfs_delete,
	.xAccess = vfs_access,
	.xFullPathname = vfs_full_path,
	.xRandomness = vfs_random,
	.xSleep = vfs_sleep,
	.xCurrentTime = vfs_time,
	.xCurrentTimeInt64 = vfs_time_ms,
	.xGetLastError = vfs_last_error,
};

void sim_vfs_install(struct rand_source rand)
{
	sim_rand = rand;
	INSIST(sqlite3_vfs_register(&sim_vfs, 1) == SQLITE_OK);
}

unsigned sim_vfs_temp_files(void)
{
	return temp_files;
}
