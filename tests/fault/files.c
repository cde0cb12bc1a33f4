#include "files.h"

#include "fault.h"

#include "support/maps.h"
#include "support/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512
#define FDS_MAX 256

static char base[64];               /* of this process */
static char folder[PATH_BYTES];     /* base/w: where the scene's files are */
static char lent[PATH_BYTES];       /* base/kept: the parent's own, while a child runs */
static char mapped[64][PATH_BYTES]; /* names of mappings, collected before changing any */

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			perror("fault: " #cond);                                                   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

const char *fault_folder(void)
{
	return folder;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void tree_remove(const char *path)
{
	MUST(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void files_make(void)
{
	MUST(scratch_make(base, sizeof(base), "fault"));
	(void)snprintf(folder, sizeof(folder), "%s/w", base);
	(void)snprintf(lent, sizeof(lent), "%s/kept", base);
	MUST(mkdir(folder, 0700) == 0);
}

void files_remove(void)
{
	tree_remove(base);
}

/* ---- copies ------------------------------------------------------------------------------ */

static void file_copy(const char *from, const char *to, const struct stat *st)
{
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	const int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
	MUST(in >= 0 && out >= 0);
	for (off_t left = st->st_size; left > 0;) {
		const ssize_t moved = sendfile(out, in, NULL, (size_t)left);
		MUST(moved > 0);
		left -= moved;
	}
	(void)close(in);
	(void)close(out);
}

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char to[PATH_BYTES];
	(void)at;
	(void)snprintf(to, sizeof(to), "%s%s", folder, path + strlen(lent));
	if (type == FTW_D) {
		MUST(mkdir(to, st->st_mode & 0777) == 0);
	} else if (S_ISREG(st->st_mode)) {
		file_copy(path, to, st);
	}
	return 0;
}

void files_lend(void)
{
	MUST(rename(folder, lent) == 0);
	MUST(nftw(lent, copy_one, 16, FTW_PHYS) == 0);
}

void files_take_back(void)
{
	tree_remove(folder);
	MUST(rename(lent, folder) == 0);
}

/* ---- in the child ------------------------------------------------------------------------ */

/* True when `path` lies in the parent's own folder; then where its copy is. */
static bool copy_of(const char *path, char to[PATH_BYTES])
{
	const size_t len = strlen(lent);
	if (strncmp(path, lent, len) != 0 || (path[len] != '/' && path[len] != '\0')) return false;
	(void)snprintf(to, PATH_BYTES, "%s%s", folder, path + len);
	return true;
}

static void descriptor_take_over(int fd)
{
	char link[64];
	char path[PATH_BYTES];
	char to[PATH_BYTES];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	const ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (len < 0) return;
	path[len] = '\0';
	if (!copy_of(path, to)) return;
	const int flags = fcntl(fd, F_GETFL);
	const off_t at = lseek(fd, 0, SEEK_CUR);
	const int copy = open(to, (flags & ~(O_CREAT | O_EXCL | O_TRUNC)) | O_CLOEXEC);
	MUST(flags >= 0 && copy >= 0);
	if (at > 0) MUST(lseek(copy, at, SEEK_SET) == at);
	MUST(dup3(copy, fd, O_CLOEXEC) == fd);
	(void)close(copy);
}

/* A line of /proc/self/maps: "from-to mode offset device inode path". */
static void mapping_take_over(const char *line)
{
	struct maps_span span;
	char path[PATH_BYTES];
	char to[PATH_BYTES];
	const char *mode = strchr(line, ' ');
	const char *name = strchr(line, '/');
	if (!maps_read_span(line, &span) || mode == NULL || name == NULL) return;
	(void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(name, "\n"), name);
	if (!copy_of(path, to)) return;
	const unsigned long off = strtoul(mode + sizeof(span.mode) + 1, NULL, 16);
	union {
		uint64_t number;
		void *p;
	} at = { .number = span.from };
	const bool writes = span.mode[1] == 'w';
	const int prot = (span.mode[0] == 'r' ? PROT_READ : 0) | (writes ? PROT_WRITE : 0);
	const int fd = open(to, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	MUST(fd >= 0);
	const int flags = MAP_FIXED | (span.mode[3] == 's' ? MAP_SHARED : MAP_PRIVATE);
	const void *there = mmap(at.p, span.to - span.from, prot, flags, fd, (off_t)off);
	MUST(there == at.p);
	(void)close(fd);
}

void files_take_over(void)
{
	for (int fd = 3; fd < FDS_MAX; fd++) descriptor_take_over(fd);
	FILE *maps = fopen("/proc/self/maps", "re");
	MUST(maps != NULL);
	size_t count = 0;
	char line[PATH_BYTES];
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, lent) == NULL) continue;
		MUST(count < sizeof(mapped) / sizeof(mapped[0]));
		(void)snprintf(mapped[count++], PATH_BYTES, "%s", line);
	}
	(void)fclose(maps);
	for (size_t i = 0; i < count; i++) mapping_take_over(mapped[i]);
}
