#include "client/api/out_file.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Is the name free to take? Only a file is replaced. */
static enum err out_look(const struct out_file *f)
{
	struct stat st;

	if (fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? ERR_OK : out_err(errno);
	ENSURE(f->overwrite, ERR_EXISTS);
	return S_ISREG(st.st_mode) ? ERR_OK : ERR_DENIED;
}

static enum err out_open(const char *path, struct out_file *f)
{
	const char *slash = strrchr(path, '/');

	ENSURE(slash != NULL, ERR_BAD_VALUE);
	const char *name = slash + 1;
	ENSURE(name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0, ERR_BAD_VALUE);
	ENSURE(strlen(name) < sizeof(f->name), ERR_BAD_VALUE);
	CLEANUP(freep) char *folder = strndup(path, (size_t)(slash - path) + 1);
	ENSURE(folder != NULL, ERR_NOMEM);
	f->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(f->folder >= 0, out_err(errno));
	memcpy(f->name, name, strlen(name) + 1);
	const int len =
		snprintf(f->beside, sizeof(f->beside), ".%.200s.%u.new", name, (unsigned)getpid());
	INSIST(len > 0 && (size_t)len < sizeof(f->beside));
	return ERR_OK;
}

enum err out_file_begin(const char *path, struct view bytes, bool overwrite, struct out_file *ret)
{
	*ret = (struct out_file)OUT_FILE_NONE;
	ret->overwrite = overwrite;
	TRY(out_open(path, ret));
	TRY(out_look(ret));
	/* Of a process that had this number and died. */
	(void)unlinkat(ret->folder, ret->beside, 0);
	TRY(out_make(ret->folder, ret->beside, bytes));
	ret->written = true;
	return ERR_OK;
}

/* Never over something that came meanwhile, unless told: a second name is only given when it is
 * free. The file systems of some sticks have no second names. */
static enum err out_rename(struct out_file *f)
{
	if (!f->overwrite && linkat(f->folder, f->beside, f->folder, f->name, 0) == 0) {
		(void)unlinkat(f->folder, f->beside, 0);
		return ERR_OK;
	}
	if (!f->overwrite) {
		ENSURE(errno == EPERM || errno == EOPNOTSUPP, out_err(errno));
		TRY(out_look(f));
	}
	return renameat(f->folder, f->beside, f->folder, f->name) == 0 ? ERR_OK : out_err(errno);
}

enum err out_file_publish(struct out_file *f)
{
	REQUIRE(f->written);
	TRY(out_rename(f));
	f->written = false;
	/* Some file systems of sticks cannot sync a folder. */
	return fsync(f->folder) == 0 || errno == EINVAL ? ERR_OK : out_err(errno);
}

void out_file_fini(struct out_file *f)
{
	if (f->written) (void)unlinkat(f->folder, f->beside, 0);
	if (f->folder >= 0) (void)close(f->folder);
	*f = (struct out_file)OUT_FILE_NONE;
}

void out_file_finip(struct out_file *f)
{
	out_file_fini(f);
}
