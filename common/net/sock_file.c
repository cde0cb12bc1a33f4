#include "net/sock_file.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCK_BACKLOG 64
#define SOCK_BESIDE_SUFFIX ".new"

static enum err sock_file_check_name(const char *name)
{
	const size_t len = strlen(name);
	ENSURE(len > 0 && len <= SOCK_NAME_BYTES_MAX && strchr(name, '/') == NULL, ERR_BAD_VALUE);
	return ERR_OK;
}

/* `dir` is the folder's descriptor in this process; the path is looked up while it is open. */
static struct sockaddr_un sock_file_address(int dir_fd, const char *name, const char *suffix)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int len = snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s%s", dir_fd,
				 name, suffix);
	INSIST(len > 0 && (size_t)len < sizeof(at.sun_path));
	return at;
}

enum err sock_file_connect(int dir_fd, const char *name, int *ret_fd)
{
	TRY(sock_file_check_name(name));
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ENSURE(fd >= 0, err_from_errno(errno));
	const struct sockaddr_un at = sock_file_address(dir_fd, name, "");
	while (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		if (errno == EINTR) continue;
		return errno == ECONNREFUSED ? ERR_OFFLINE : err_from_errno(errno);
	}
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}

/* ERR_OK when the name is free or held by a socket that nobody serves. */
static enum err sock_file_check_free(int dir_fd, const char *name)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? ERR_OK : err_from_errno(errno);
	}
	ENSURE(S_ISSOCK(st.st_mode), ERR_EXISTS);
	CLEANUP(closep) int fd = -1;
	const enum err e = sock_file_connect(dir_fd, name, &fd);
	if (e == ERR_OK) return ERR_BUSY;
	return e == ERR_OFFLINE || e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err sock_file_bind(int dir_fd, const char *name, int *ret_fd)
{
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ENSURE(fd >= 0, err_from_errno(errno));
	/* The file takes its mode from the socket, so it is never open to others, not for a moment
	 * and whatever the umask. */
	ENSURE(fchmod(fd, 0600) == 0, err_from_errno(errno));
	const struct sockaddr_un at = sock_file_address(dir_fd, name, SOCK_BESIDE_SUFFIX);
	ENSURE(bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0,
	       errno == EADDRINUSE ? ERR_BUSY : err_from_errno(errno));
	ENSURE(listen(fd, SOCK_BACKLOG) == 0, err_from_errno(errno));
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}

enum err sock_file_listen(int dir_fd, const char *name, int *ret_fd)
{
	TRY(sock_file_check_name(name));
	TRY(sock_file_check_free(dir_fd, name));
	char beside[SOCK_NAME_BYTES_MAX + sizeof(SOCK_BESIDE_SUFFIX)];
	const int len = snprintf(beside, sizeof(beside), "%s" SOCK_BESIDE_SUFFIX, name);
	INSIST(len > 0 && (size_t)len < sizeof(beside));
	if (unlinkat(dir_fd, beside, 0) != 0 && errno != ENOENT) return err_from_errno(errno);

	CLEANUP(closep) int fd = -1;
	TRY(sock_file_bind(dir_fd, name, &fd));
	if (renameat(dir_fd, beside, dir_fd, name) != 0) {
		const int saved_errno = errno;
		(void)unlinkat(dir_fd, beside, 0); /* the first error is the one to tell */
		return err_from_errno(saved_errno);
	}
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}

enum err sock_file_remove(int dir_fd, const char *name)
{
	TRY(sock_file_check_name(name));
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) return ERR_OK;
	return err_from_errno(errno);
}
