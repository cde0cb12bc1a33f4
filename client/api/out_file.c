#include "client/api/out_file.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 255u

static enum err out_err(int saved_errno)
{
	const enum err e = err_from_errno(saved_errno);

	if (e == ERR_EXISTS || e == ERR_NOT_FOUND || e == ERR_DENIED || e == ERR_NOMEM) return e;
	if (saved_errno == ENOSPC || saved_errno == EDQUOT || saved_errno == EIO) return ERR_FULL;
	return ERR_DENIED;
}

static enum err out_put(int fd, struct view v)
{
	while (v.len > 0) {
		const ssize_t n = write(fd, v.p, v.len);
		if (n < 0 && errno == EINTR) continue;
		ENSURE(n > 0, out_err(n < 0 ? errno : EIO));
		v = view_of(v.p + n, v.len - (size_t)n);
	}
	return fsync(fd) == 0 ? ERR_OK : out_err(errno);
}

/* A new file of this name; on error there is none. */
static enum err out_make(int dir, const char *name, struct view bytes)
{
	CLEANUP(closep)
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	ENSURE(fd >= 0, out_err(errno));
	const enum err e = out_put(fd, bytes);
	if (e != ERR_OK) (void)unlinkat(dir, name, 0);
	return e;
}

/* Beside it first: what is there stays until the new one is whole. Only a file is replaced. */
static enum err out_replace(int dir, const char *name, struct view bytes)
{
	char beside[NAME_MAX_BYTES + 1];
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode)) {
		return ERR_DENIED;
	}
	const int len =
		snprintf(beside, sizeof(beside), ".%.200s.%u.new", name, (unsigned)getpid());
	INSIST(len > 0 && (size_t)len < sizeof(beside));
	(void)unlinkat(dir, beside, 0); /* of a process that had this number and died */
	TRY(out_make(dir, beside, bytes));
	if (renameat(dir, beside, dir, name) == 0) return ERR_OK;
	const enum err e = out_err(errno);
	(void)unlinkat(dir, beside, 0);
	return e;
}

enum err out_file_write(const char *path, struct view bytes, bool overwrite)
{
	const char *slash = strrchr(path, '/');

	ENSURE(slash != NULL, ERR_BAD_VALUE);
	const char *name = slash + 1;
	ENSURE(name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0, ERR_BAD_VALUE);
	ENSURE(strlen(name) <= NAME_MAX_BYTES, ERR_BAD_VALUE);
	CLEANUP(freep) char *folder = strndup(path, (size_t)(slash - path) + 1);
	ENSURE(folder != NULL, ERR_NOMEM);
	CLEANUP(closep) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir >= 0, out_err(errno));
	TRY(overwrite ? out_replace(dir, name, bytes) : out_make(dir, name, bytes));
	/* Some file systems of sticks cannot sync a folder. */
	return fsync(dir) == 0 || errno == EINVAL ? ERR_OK : out_err(errno);
}
