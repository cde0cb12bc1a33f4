#include "base/new_file.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum err write_all(int fd, struct view v)
{
	while (v.len > 0) {
		const ssize_t wrote = write(fd, v.p, v.len);
		if (wrote < 0 && errno == EINTR) continue;
		ENSURE(wrote > 0, err_from_errno(wrote < 0 ? errno : EIO));
		v = view_of(v.p + wrote, v.len - (size_t)wrote);
	}
	return fsync(fd) == 0 ? ERR_OK : err_from_errno(errno);
}

static enum err write_beside(int dir_fd, const char *beside, struct view bytes)
{
	/* A file left by a crash is ours to replace; its content was never in use. */
	if (unlinkat(dir_fd, beside, 0) != 0 && errno != ENOENT) return err_from_errno(errno);
	CLEANUP(closep)
	int fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ENSURE(fd >= 0, err_from_errno(errno));
	return write_all(fd, bytes);
}

enum err new_file_write(int dir_fd, const char *name, struct view bytes)
{
	ENSURE(strlen(name) <= NEW_FILE_NAME_BYTES_MAX, ERR_BAD_VALUE);
	char beside[NEW_FILE_NAME_BYTES_MAX + sizeof(".new")];
	const int len = snprintf(beside, sizeof(beside), "%s.new", name);
	INSIST(len > 0 && (size_t)len < sizeof(beside));

	enum err e = write_beside(dir_fd, beside, bytes);
	/* link refuses an existing name, rename would replace it. */
	if (e == ERR_OK && linkat(dir_fd, beside, dir_fd, name, 0) != 0) e = err_from_errno(errno);
	/* The first error is the one to tell. */
	if (unlinkat(dir_fd, beside, 0) != 0 && e == ERR_OK) e = err_from_errno(errno);
	TRY(e);
	/* dir_fd may be O_PATH, which cannot be synced. */
	CLEANUP(closep) int dir = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir >= 0, err_from_errno(errno));
	return fsync(dir) == 0 ? ERR_OK : err_from_errno(errno);
}
