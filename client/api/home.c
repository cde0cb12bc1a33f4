#include "client/api/home.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "db/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err absolute(const char *path, char **ret_path)
{
	char here[PATH_MAX];

	ENSURE(path[0] != '\0', ERR_USAGE);
	if (path[0] == '/') {
		*ret_path = strdup(path);
		return *ret_path != NULL ? ERR_OK : ERR_NOMEM;
	}
	ENSURE(getcwd(here, sizeof(here)) != NULL, err_from_errno(errno));
	ENSURE(asprintf(ret_path, "%s/%s", here, path) > 0, ERR_NOMEM);
	return ERR_OK;
}

enum err home_path(const char *flag, char **ret_path)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *user = getenv("HOME");
	const char *named = flag != NULL ? flag : getenv("ROOMKEEP_HOME");

	if (named != NULL && named[0] != '\0') return absolute(named, ret_path);
	if (state != NULL && state[0] == '/') {
		ENSURE(asprintf(ret_path, "%s/roomkeep", state) > 0, ERR_NOMEM);
		return ERR_OK;
	}
	ENSURE(user != NULL && user[0] == '/', ERR_NOT_FOUND);
	ENSURE(asprintf(ret_path, "%s/.local/state/roomkeep", user) > 0, ERR_NOMEM);
	return ERR_OK;
}

/* mkdir -p of everything above the folder itself. */
static enum err make_parents(const char *path)
{
	CLEANUP(freep) char *copy = strdup(path);

	ENSURE(copy != NULL, ERR_NOMEM);
	for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ENSURE(mkdir(copy, 0700) == 0 || errno == EEXIST, err_from_errno(errno));
		*slash = '/';
	}
	return ERR_OK;
}

enum err home_open(const char *path, bool make, struct home *ret)
{
	struct stat st;

	if (make) TRY(make_parents(path));
	if (!make && stat(path, &st) != 0) return err_from_errno(errno);
	TRY(folder_prepare(path));
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(fd >= 0, err_from_errno(errno));
	char *copy = strdup(path);
	if (copy == NULL) {
		(void)close(fd);
		return ERR_NOMEM;
	}
	*ret = (struct home){ copy, fd };
	return ERR_OK;
}

void home_close(struct home *h)
{
	if (h->path != NULL) closep(&h->fd);
	free(h->path);
	*h = (struct home){ .fd = -1 };
}

void home_closep(struct home *h)
{
	home_close(h);
}

enum err home_identity(const struct home *h, bool make, struct tls_identity *ret)
{
	CLEANUP(tls_identity_finip) struct tls_identity id = { 0 };

	const enum err e = tls_identity_load_file(h->fd, HOME_KEY, ret);
	if (e != ERR_NOT_FOUND || !make) return e;
	TRY(tls_identity_make(&id));
	TRY(tls_identity_save_file(&id, h->fd, HOME_KEY));
	return tls_identity_load_file(h->fd, HOME_KEY, ret);
}
