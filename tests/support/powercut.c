/* powercut: a library for LD_PRELOAD that gives one program a disk with accidents. It stands
 * between the program (SQLite in it, too) and the files of one folder.
 *
 *   POWERCUT_FOLDER    the folder; everything else is passed through untouched
 *   POWERCUT_CONTROL   a file of the tester's, mapped: struct control below
 *
 * A cut: at the countdown's last call the files become what a disk might hold when the power goes
 * (powercut_disk.h), and the process dies by SIGKILL. A fault: calls fail while `mode` says so.
 * A lie: syncs answer 0 and make nothing durable, and the cut takes all; the test of the test.
 * Threads: any; one call at a time is let through, a sync included, so that no call is half done
 * when the lights go out. */
#include "support/powercut_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define FAILED (-1) /* what libc answers */

enum mode {
	MODE_NONE = 0,
	MODE_FULL = 1,        /* what grows a file: ENOSPC; statvfs says that nothing is left */
	MODE_FULL_HIDDEN = 2, /* the same, but statvfs knows nothing */
	MODE_READ_ONLY = 3,   /* EROFS, as after errors=remount-ro */
	MODE_SYNC_FAILS = 4,  /* the next sync of a file: EIO, once; what it covered may be lost */
	MODE_LIE = 5,
};

enum call { CALL_NONE, CALL_OPEN, CALL_WRITE, CALL_RESIZE, CALL_SYNC, CALL_NAME, CALL_EXIT };

/* tests/crash/powercut.py has the same layout. */
struct control {
	uint32_t mode;
	uint32_t
		countdown; /* to the cut, in calls; 0: none. The power goes at exit at the latest */
	uint32_t seed;
	uint32_t calls; /* from here on ours: watched calls so far */
	uint32_t faults;
	uint32_t cut_call; /* at which the cut came; CALL_NONE: none yet */
	struct disk_cut cut;
};

#define REAL(X)                                                                                    \
	X(int, open, (const char *, int, ...))                                                     \
	X(int, openat, (int, const char *, int, ...))                                              \
	X(int, close, (int))                                                                       \
	X(ssize_t, write, (int, const void *, size_t))                                             \
	X(ssize_t, pwrite, (int, const void *, size_t, off_t))                                     \
	X(int, ftruncate, (int, off_t))                                                            \
	X(int, fsync, (int))                                                                       \
	X(int, fdatasync, (int))                                                                   \
	X(int, renameat, (int, const char *, int, const char *))                                   \
	X(int, linkat, (int, const char *, int, const char *, int))                                \
	X(int, unlinkat, (int, const char *, int))                                                 \
	X(int, statvfs, (const char *, struct statvfs *))

#define REAL_POINTER(type, name, args) static type(*real_##name) args;
REAL(REAL_POINTER)

static struct control *control; /* NULL: not asked for */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static __thread bool inside; /* our own calls go straight through */

/* Before main and before its threads. */
__attribute__((constructor)) static void powercut_start(void)
{
#define REAL_FIND(type, name, args) *(void **)(&real_##name) = dlsym(RTLD_NEXT, #name);
	REAL(REAL_FIND)
	const char *folder = getenv("POWERCUT_FOLDER");
	const char *path = getenv("POWERCUT_CONTROL");
	char beside[DISK_PATH_MAX];
	if (folder == NULL || path == NULL) return;
	inside = true;
	const int n = snprintf(beside, sizeof(beside), "%s.powercut", folder);
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	void *map =
		fd < 0 ? MAP_FAILED
		       : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || n < 0 || (size_t)n >= sizeof(beside) ||
	    (mkdir(beside, 0700) != 0 && errno != EEXIST)) {
		perror("powercut");
		abort();
	}
	(void)close(fd);
	control = map;
	disk_open(folder, beside, control->seed);
	inside = false;
}

/* ---- the gate -------------------------------------------------------------------------------- */

/* False: not ours to look at. */
static bool enter(void)
{
	if (control == NULL || inside) return false;
	inside = true; /* first: a signal's handler may write while we wait */
	if (pthread_mutex_lock(&gate) != 0) abort();
	return true;
}

static void leave(void)
{
	const int kept = errno;
	if (pthread_mutex_unlock(&gate) != 0) abort();
	inside = false;
	errno = kept;
}

static void cut(enum call call)
{
	control->cut = disk_cut_all(control->mode == MODE_LIE);
	control->cut_call = call;
	(void)raise(SIGKILL);
	for (;;) (void)pause();
}

/* A program that came to its end has told somebody what it did: that must be on the disk. */
__attribute__((destructor)) static void powercut_end(void)
{
	if (control == NULL || control->countdown == 0 || !enter()) return;
	(void)fflush(NULL);
	cut(CALL_EXIT);
}

/* Counts a call. True: the power goes after it has done what it does; for half of them it goes
 * before. */
static bool is_last(enum call call)
{
	control->calls++;
	if (control->countdown == 0 || --control->countdown > 0) return false;
	if (disk_draw(2) == 0) cut(call);
	return true;
}

static int fault(int code)
{
	control->faults++;
	errno = code;
	return FAILED;
}

static bool is_full(void)
{
	return control->mode == MODE_FULL || control->mode == MODE_FULL_HIDDEN;
}

/* libc's prototypes name their parameters by reserved words. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

/* ---- files ----------------------------------------------------------------------------------- */

/* The whole path of `name` in the folder `at`. */
static bool path_whole(char whole[DISK_PATH_MAX], int at, const char *name)
{
	char link[64];
	char folder[DISK_PATH_MAX];
	if (name[0] == '/') {
		const int n = snprintf(whole, DISK_PATH_MAX, "%s", name);
		return n > 0 && (size_t)n < DISK_PATH_MAX;
	}
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", at);
	const ssize_t len = at == AT_FDCWD ? readlink("/proc/self/cwd", folder, sizeof(folder))
					   : readlink(link, folder, sizeof(folder));
	if (len <= 0 || (size_t)len >= sizeof(folder)) return false;
	const int n = snprintf(whole, DISK_PATH_MAX, "%.*s/%s", (int)len, folder, name);
	return n > 0 && (size_t)n < DISK_PATH_MAX;
}

static int open_watched(const char *path, int flags, mode_t mode)
{
	struct stat st;
	const bool makes = (flags & O_CREAT) != 0 && lstat(path, &st) != 0;
	const bool writes = (flags & O_ACCMODE) != O_RDONLY;
	if (control->mode == MODE_READ_ONLY && (makes || writes)) return fault(EROFS);
	if (is_full() && makes) return fault(ENOSPC);
	const bool last = makes && is_last(CALL_OPEN);
	/* What is written over must be read first; nobody here needs other ways to open. */
	if ((flags & (O_TRUNC | O_APPEND)) != 0) abort();
	if ((flags & O_ACCMODE) == O_WRONLY) flags = (flags & ~O_ACCMODE) | O_RDWR;
	const int fd = real_open(path, flags, mode);
	if (fd >= 0) disk_fd_opened(fd, path);
	if (fd >= 0 && makes) disk_name_made(path);
	if (last) cut(CALL_OPEN);
	return fd;
}

static int open_any(int at, const char *name, int flags, mode_t mode)
{
	char path[DISK_PATH_MAX];
	if (!enter()) return real_openat(at, name, flags, mode);
	int fd = FAILED;
	if (path_whole(path, at, name) && disk_watches(path) && (flags & O_DIRECTORY) == 0) {
		fd = open_watched(path, flags, mode);
	} else {
		fd = real_openat(at, name, flags, mode);
	}
	leave();
	return fd;
}

#define MODE_OF(flags)                                                                             \
	({                                                                                         \
		mode_t mode_ = 0;                                                                  \
		if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                      \
			va_list args_;                                                             \
			va_start(args_, flags);                                                    \
			mode_ = va_arg(args_, mode_t);                                             \
			va_end(args_);                                                             \
		}                                                                                  \
		mode_;                                                                             \
	})

EXPORTED int open(const char *path, int flags, ...)
{
	return open_any(AT_FDCWD, path, flags, MODE_OF(flags));
}

EXPORTED int open64(const char *path, int flags, ...)
{
	return open_any(AT_FDCWD, path, flags, MODE_OF(flags));
}

EXPORTED int openat(int at, const char *path, int flags, ...)
{
	return open_any(at, path, flags, MODE_OF(flags));
}

EXPORTED int close(int fd)
{
	if (!enter()) return real_close(fd);
	disk_fd_closed(fd); /* before: the number may be another's at once */
	const int result = real_close(fd);
	leave();
	return result;
}

/* ENOSPC: what is there already can be written over, what grows the file cannot. */
static ssize_t write_watched(int fd, const void *bytes, size_t len, off_t at)
{
	struct stat st;
	if (control->mode == MODE_READ_ONLY) return fault(EROFS);
	if (is_full() && fstat(fd, &st) == 0 && at + (off_t)len > st.st_size) {
		if (at >= st.st_size) return fault(ENOSPC);
		len = (size_t)(st.st_size - at); /* a short write; the next one fails */
	}
	const bool last = is_last(CALL_WRITE);
	disk_fd_writes(fd, at, len);
	const ssize_t result = real_pwrite(fd, bytes, len, at);
	if (last) cut(CALL_WRITE);
	return result;
}

static ssize_t pwrite_any(int fd, const void *bytes, size_t len, off_t at)
{
	if (!enter()) return real_pwrite(fd, bytes, len, at);
	const ssize_t result = disk_fd_is_watched(fd) ? write_watched(fd, bytes, len, at)
						      : real_pwrite(fd, bytes, len, at);
	leave();
	return result;
}

EXPORTED ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite_any(fd, bytes, len, at);
}

EXPORTED ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite_any(fd, bytes, len, at);
}

EXPORTED ssize_t write(int fd, const void *bytes, size_t len)
{
	if (!enter()) return real_write(fd, bytes, len);
	ssize_t result = FAILED;
	const off_t at = disk_fd_is_watched(fd) ? lseek(fd, 0, SEEK_CUR) : FAILED;
	if (at < 0) {
		result = real_write(fd, bytes, len);
	} else {
		result = write_watched(fd, bytes, len, at);
		if (result > 0 && lseek(fd, result, SEEK_CUR) < 0) abort();
	}
	leave();
	return result;
}

static int ftruncate_any(int fd, off_t size)
{
	struct stat st;
	if (!enter()) return real_ftruncate(fd, size);
	int result = FAILED;
	if (!disk_fd_is_watched(fd)) {
		result = real_ftruncate(fd, size);
	} else if (control->mode == MODE_READ_ONLY) {
		result = fault(EROFS);
	} else if (is_full() && fstat(fd, &st) == 0 && size > st.st_size) {
		result = fault(ENOSPC);
	} else {
		const bool last = is_last(CALL_RESIZE);
		disk_fd_resizes(fd, size);
		result = real_ftruncate(fd, size);
		if (last) cut(CALL_RESIZE);
	}
	leave();
	return result;
}

EXPORTED int ftruncate(int fd, off_t size)
{
	return ftruncate_any(fd, size);
}

EXPORTED int ftruncate64(int fd, off_t size)
{
	return ftruncate_any(fd, size);
}

/* ---- syncs ----------------------------------------------------------------------------------- */

static bool is_watched_folder(int fd)
{
	char link[64];
	char path[DISK_PATH_MAX];
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode)) return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	const ssize_t len = readlink(link, path, sizeof(path) - 2);
	if (len <= 0) return false;
	memcpy(path + len, "/", 2);
	return disk_watches(path);
}

/* As after a lost write-back: the error is told once, the pages count as clean, and what they held
 * is gone from the cache or is not. */
static int sync_fails(int fd)
{
	control->mode = MODE_NONE;
	if (disk_draw(2) == 0) disk_cut_fd(fd);
	return fault(EIO);
}

/* Nothing is sent to the disk: a file lives on in the cache of a machine that goes on running. */
static int sync_any(int fd, int (*real)(int))
{
	if (!enter()) return real(fd);
	int result = 0;
	const bool file = disk_fd_is_watched(fd);
	if (!file && !is_watched_folder(fd)) {
		result = real(fd);
	} else if (control->mode == MODE_SYNC_FAILS && file) {
		result = sync_fails(fd);
	} else {
		const bool last = is_last(CALL_SYNC);
		if (control->mode != MODE_LIE) disk_fd_synced(fd);
		if (last) cut(CALL_SYNC);
	}
	leave();
	return result;
}

EXPORTED int fsync(int fd)
{
	return sync_any(fd, real_fsync);
}

EXPORTED int fdatasync(int fd)
{
	return sync_any(fd, real_fdatasync);
}

/* ---- names ----------------------------------------------------------------------------------- */

EXPORTED int renameat(int from_at, const char *from, int to_at, const char *to)
{
	char old[DISK_PATH_MAX];
	char new[DISK_PATH_MAX];
	struct stat st;
	if (!enter()) return real_renameat(from_at, from, to_at, to);
	int result = FAILED;
	if (!path_whole(old, from_at, from) || !path_whole(new, to_at, to) ||
	    !(disk_watches(old) && disk_watches(new)) || lstat(old, &st) != 0 ||
	    !S_ISREG(st.st_mode)) {
		result = real_renameat(from_at, from, to_at, to);
	} else if (control->mode == MODE_READ_ONLY) {
		result = fault(EROFS);
	} else {
		const bool last = is_last(CALL_NAME);
		char *saved = disk_name_save(new);
		result = real_renameat(from_at, from, to_at, to);
		if (result == 0) disk_name_moved(old, new, saved);
		if (result != 0) disk_name_kept(saved);
		if (last) cut(CALL_NAME);
	}
	leave();
	return result;
}

EXPORTED int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

EXPORTED int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	char path[DISK_PATH_MAX];
	if (!enter()) return real_linkat(from_at, from, to_at, to, flags);
	int result = FAILED;
	if (!path_whole(path, to_at, to) || !disk_watches(path)) {
		result = real_linkat(from_at, from, to_at, to, flags);
	} else if (control->mode == MODE_READ_ONLY) {
		result = fault(EROFS);
	} else {
		const bool last = is_last(CALL_NAME);
		result = real_linkat(from_at, from, to_at, to, flags);
		if (result == 0) disk_name_made(path);
		if (last) cut(CALL_NAME);
	}
	leave();
	return result;
}

EXPORTED int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORTED int unlinkat(int at, const char *name, int flags)
{
	char path[DISK_PATH_MAX];
	if (!enter()) return real_unlinkat(at, name, flags);
	int result = FAILED;
	if (flags != 0 || !path_whole(path, at, name) || !disk_watches(path)) {
		result = real_unlinkat(at, name, flags);
	} else if (control->mode == MODE_READ_ONLY) {
		result = fault(EROFS);
	} else {
		const bool last = is_last(CALL_NAME);
		char *saved = disk_name_save(path);
		result = real_unlinkat(at, name, flags);
		if (result == 0) disk_name_removed(path, saved);
		if (result != 0) disk_name_kept(saved);
		if (last) cut(CALL_NAME);
	}
	leave();
	return result;
}

EXPORTED int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

/* ---- space ----------------------------------------------------------------------------------- */

static int statvfs_any(const char *path, struct statvfs *ret)
{
	const int result = real_statvfs(path, ret);
	if (control != NULL && result == 0 && control->mode == MODE_FULL) {
		control->faults++;
		ret->f_bavail = 0;
		ret->f_bfree = 0;
	}
	return result;
}

EXPORTED int statvfs(const char *path, struct statvfs *ret)
{
	return statvfs_any(path, ret);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
