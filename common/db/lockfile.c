#include "db/lockfile.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_BYTES 65536u

enum err lockfile_open(const char *path, int *ret_fd)
{
	CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	ENSURE(fd >= 0, err_from_errno(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		return errno == EWOULDBLOCK ? ERR_BUSY : err_from_errno(errno);
	}
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}

void lockfile_close(int *fd)
{
	closep(fd);
}

static enum err mode_check(const struct stat *st, mode_t type)
{
	ENSURE((st->st_mode & S_IFMT) == type, ERR_DENIED);
	ENSURE(st->st_uid == geteuid(), ERR_DENIED);
	ENSURE((st->st_mode & (S_IRWXG | S_IRWXO)) == 0, ERR_DENIED);
	return ERR_OK;
}

enum err folder_prepare(const char *path)
{
	if (mkdir(path, 0700) != 0) {
		ENSURE(errno == EEXIST, err_from_errno(errno));
	}
	struct stat st;
	ENSURE(stat(path, &st) == 0, err_from_errno(errno));
	return mode_check(&st, S_IFDIR);
}

enum err file_check_mode(const char *path)
{
	struct stat st;
	ENSURE(lstat(path, &st) == 0, err_from_errno(errno));
	return mode_check(&st, S_IFREG);
}

enum err file_create(const char *folder, const char *path)
{
	CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) return errno == EEXIST ? ERR_OK : err_from_errno(errno);
	CLEANUP(closep) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir >= 0 && fsync(dir) == 0, ERR_IO);
	return ERR_OK;
}

enum err file_settle(const char *path)
{
	uint8_t block[SETTLE_BYTES];
	off_t at = 0;
	CLEANUP(closep) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) return errno == ENOENT ? ERR_OK : err_from_errno(errno);
	for (;;) {
		const ssize_t got = pread(fd, block, sizeof(block), at);
		ENSURE(got >= 0, err_from_errno(errno));
		if (got == 0) break;
		const ssize_t put = pwrite(fd, block, (size_t)got, at);
		ENSURE(put > 0, err_from_errno(errno));
		at += put;
	}
	ENSURE(fsync(fd) == 0, ERR_IO);
	return ERR_OK;
}
