/* The system calls that SQLite, libsodium, OpenSSL and our own code make, by the names they use. */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAILED (-1L)

/* The i-th call fails with errno, or (FAULT_SHORT) is given half of its length. */
static bool call_fails(enum fault_call call, size_t *len)
{
	int code = 0;
	if (!fault_strike(call, &code)) return false;
	if (code != FAULT_SHORT) {
		errno = code;
		return true;
	}
	if (len != NULL && *len > 1) *len /= 2;
	return false;
}

/* ---- files ------------------------------------------------------------------------------- */

static int call_openat(int dir, const char *path, int flags, mode_t mode)
{
	if (call_fails(FAULT_OPEN, NULL)) return (int)FAILED;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define TAKE_MODE(flags, last)                                                                     \
	mode_t mode = 0;                                                                           \
	if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                              \
		va_list args;                                                                      \
		va_start(args, last);                                                              \
		mode = va_arg(args, mode_t);                                                       \
		va_end(args);                                                                      \
	}

int open(const char *path, int flags, ...)
{
	TAKE_MODE(flags, flags);
	return call_openat(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	TAKE_MODE(flags, flags);
	return call_openat(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	TAKE_MODE(flags, flags);
	return call_openat(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	TAKE_MODE(flags, flags);
	return call_openat(dir, path, flags, mode);
}

ssize_t read(int fd, void *p, size_t len)
{
	return call_fails(FAULT_READ, &len) ? FAILED : syscall(SYS_read, fd, p, len);
}

ssize_t pread64(int fd, void *p, size_t len, off64_t at)
{
	return call_fails(FAULT_READ, &len) ? FAILED : syscall(SYS_pread64, fd, p, len, at);
}

ssize_t pread(int fd, void *p, size_t len, off_t at)
{
	return pread64(fd, p, len, at);
}

ssize_t write(int fd, const void *p, size_t len)
{
	return call_fails(FAULT_WRITE, &len) ? FAILED : syscall(SYS_write, fd, p, len);
}

ssize_t pwrite64(int fd, const void *p, size_t len, off64_t at)
{
	return call_fails(FAULT_WRITE, &len) ? FAILED : syscall(SYS_pwrite64, fd, p, len, at);
}

ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
	return pwrite64(fd, p, len, at);
}

int fsync(int fd)
{
	return (int)(call_fails(FAULT_SYNC, NULL) ? FAILED : syscall(SYS_fsync, fd));
}

int fdatasync(int fd)
{
	return (int)(call_fails(FAULT_SYNC, NULL) ? FAILED : syscall(SYS_fdatasync, fd));
}

int ftruncate64(int fd, off64_t len)
{
	return (int)(call_fails(FAULT_TRUNCATE, NULL) ? FAILED : syscall(SYS_ftruncate, fd, len));
}

int ftruncate(int fd, off_t len)
{
	return ftruncate64(fd, len);
}

/* What _FORTIFY_SOURCE makes of some of them. */

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
ssize_t __read_chk(int fd, void *p, size_t len, size_t room);
ssize_t __pread64_chk(int fd, void *p, size_t len, off64_t at, size_t room);

int __open_2(const char *path, int flags)
{
	return call_openat(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return call_openat(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dir, const char *path, int flags)
{
	return call_openat(dir, path, flags, 0);
}

ssize_t __read_chk(int fd, void *p, size_t len, size_t room)
{
	FAULT_CHECK(len <= room);
	return read(fd, p, len);
}

ssize_t __pread64_chk(int fd, void *p, size_t len, off64_t at, size_t room)
{
	FAULT_CHECK(len <= room);
	return pread64(fd, p, len, at);
}

/* SQLite's locks. */
static int call_fcntl(int fd, int command, void *arg)
{
	/* Taking one: letting go of one does not fail. */
	const struct flock *l = arg;
	const bool take = (command == F_SETLK || command == F_SETLKW) && l->l_type != F_UNLCK;
	if (take && call_fails(FAULT_LOCK, NULL)) return (int)FAILED;
	return (int)syscall(SYS_fcntl, fd, command, arg);
}

#define TAKE_ARG(command)                                                                          \
	va_list args;                                                                              \
	va_start(args, command);                                                                   \
	void *arg = va_arg(args, void *);                                                          \
	va_end(args)

int fcntl64(int fd, int command, ...)
{
	TAKE_ARG(command);
	return call_fcntl(fd, command, arg);
}

int fcntl(int fd, int command, ...)
{
	TAKE_ARG(command);
	return call_fcntl(fd, command, arg);
}

/* SQLite's wait for a lock that another process has: nobody has any here.
 * tidy: allow sleep, because this is what replaces it */
int usleep(useconds_t us)
{
	(void)us;
	return 0;
}

/* ---- names ------------------------------------------------------------------------------- */

int rename(const char *from, const char *to)
{
	return (int)(call_fails(FAULT_NAME, NULL) ? FAILED : syscall(SYS_rename, from, to));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)(call_fails(FAULT_NAME, NULL)
			     ? FAILED
			     : syscall(SYS_renameat, from_dir, from, to_dir, to));
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return (int)(call_fails(FAULT_NAME, NULL)
			     ? FAILED
			     : syscall(SYS_linkat, from_dir, from, to_dir, to, flags));
}

int unlink(const char *path)
{
	return (int)(call_fails(FAULT_NAME, NULL) ? FAILED : syscall(SYS_unlink, path));
}

int unlinkat(int dir, const char *path, int flags)
{
	return (int)(call_fails(FAULT_NAME, NULL) ? FAILED
						  : syscall(SYS_unlinkat, dir, path, flags));
}

int mkdir(const char *path, mode_t mode)
{
	return (int)(call_fails(FAULT_NAME, NULL) ? FAILED : syscall(SYS_mkdir, path, mode));
}

int fstat64(int fd, struct stat64 *to)
{
	return (int)(call_fails(FAULT_STAT, NULL) ? FAILED : syscall(SYS_fstat, fd, to));
}

int fstat(int fd, struct stat *to)
{
	return (int)(call_fails(FAULT_STAT, NULL) ? FAILED : syscall(SYS_fstat, fd, to));
}

int stat64(const char *path, struct stat64 *to)
{
	return (int)(call_fails(FAULT_STAT, NULL) ? FAILED : syscall(SYS_stat, path, to));
}

int stat(const char *path, struct stat *to)
{
	return (int)(call_fails(FAULT_STAT, NULL) ? FAILED : syscall(SYS_stat, path, to));
}

int lstat64(const char *path, struct stat64 *to)
{
	return (int)(call_fails(FAULT_STAT, NULL) ? FAILED : syscall(SYS_lstat, path, to));
}

int lstat(const char *path, struct stat *to)
{
	return (int)(call_fails(FAULT_STAT, NULL) ? FAILED : syscall(SYS_lstat, path, to));
}

/* ---- memory and randomness --------------------------------------------------------------- */

static void *call_mmap(void *at, size_t len, int prot, int flags, int fd, off64_t off)
{
	if (call_fails(FAULT_MMAP, NULL)) return MAP_FAILED;
	const long got = syscall(SYS_mmap, at, len, prot, flags, fd, off);
	union {
		long number;
		void *p;
	} result = { .number = got };
	if (result.p != MAP_FAILED && (flags & MAP_FIXED) == 0) fault_live_add(result.p, len);
	return result.p;
}

void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t off)
{
	return call_mmap(at, len, prot, flags, fd, off);
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	return call_mmap(at, len, prot, flags, fd, off);
}

int munmap(void *at, size_t len)
{
	fault_live_remove(at);
	return (int)syscall(SYS_munmap, at, len);
}

int mlock(const void *at, size_t len)
{
	return (int)(call_fails(FAULT_MLOCK, NULL) ? FAILED : syscall(SYS_mlock, at, len));
}

ssize_t getrandom(void *p, size_t len, unsigned flags)
{
	return call_fails(FAULT_RANDOM, &len) ? FAILED : syscall(SYS_getrandom, p, len, flags);
}
