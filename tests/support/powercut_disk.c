#include "support/powercut_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One write or change of size; the newest first. */
struct undo {
	struct undo *older;
	off_t at;
	size_t len;     /* of the bytes that were there */
	size_t reaches; /* how much the write covers, which may be more */
	off_t size;     /* of the file before */
	uint8_t bytes[];
};

struct file {
	struct file *next;
	dev_t dev;
	ino_t ino;
	bool index; /* a -shm file: shared memory, made anew after a cut */
	bool gone;  /* has no name any more, and never gets one back */
	char path[DISK_PATH_MAX];
	struct undo *newest;
	uint32_t count;
};

enum name_change { NAME_MADE, NAME_MOVED, NAME_REMOVED };

struct name {
	struct name *older;
	enum name_change change;
	char path[DISK_PATH_MAX];
	char to[DISK_PATH_MAX]; /* of a move */
	char *saved;            /* owned: link to what `to` or `path` named before; may be NULL */
};

static struct {
	char folder[DISK_PATH_MAX];
	char beside[DISK_PATH_MAX];
	uint64_t random;
	uint32_t saved;
	struct file *files;
	struct file *by_fd[DISK_FDS_MAX];
	struct name *names;
} disk;

static void must(bool fine, const char *what)
{
	if (fine) return;
	perror(what);
	abort();
}

void disk_open(const char *folder, const char *beside, uint64_t seed)
{
	const int a = snprintf(disk.folder, sizeof(disk.folder), "%s/", folder);
	const int b = snprintf(disk.beside, sizeof(disk.beside), "%s", beside);
	must(a > 0 && (size_t)a < sizeof(disk.folder), "powercut: folder");
	must(b > 0 && (size_t)b < sizeof(disk.beside), "powercut: beside");
	disk.random = seed * 2 + 1;
}

uint32_t disk_draw(uint32_t limit)
{
	/* splitmix64 (Vigna) */
	disk.random += 0x9e3779b97f4a7c15u;
	uint64_t z = disk.random;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % limit);
}

bool disk_watches(const char *path)
{
	return strncmp(path, disk.folder, strlen(disk.folder)) == 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct file *file_of(int fd)
{
	return fd >= 0 && fd < DISK_FDS_MAX ? disk.by_fd[fd] : NULL;
}

bool disk_fd_is_watched(int fd)
{
	return file_of(fd) != NULL;
}

static struct file *file_find(dev_t dev, ino_t ino)
{
	for (struct file *f = disk.files; f != NULL; f = f->next) {
		if (f->dev == dev && f->ino == ino && !f->gone) return f;
	}
	return NULL;
}

static void path_set(char *to, const char *path)
{
	const int n = snprintf(to, DISK_PATH_MAX, "%s", path);
	must(n > 0 && (size_t)n < DISK_PATH_MAX, "powercut: path");
}

void disk_fd_opened(int fd, const char *path)
{
	struct stat st;
	must(fd < DISK_FDS_MAX, "powercut: descriptors");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return;
	struct file *f = file_find(st.st_dev, st.st_ino);
	if (f == NULL) {
		f = calloc(1, sizeof(*f));
		must(f != NULL, "powercut: memory");
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		f->next = disk.files;
		disk.files = f;
	}
	path_set(f->path, path);
	const size_t len = strlen(path);
	f->index = len > 4 && strcmp(path + len - 4, "-shm") == 0;
	disk.by_fd[fd] = f;
}

void disk_fd_closed(int fd)
{
	if (fd >= 0 && fd < DISK_FDS_MAX) disk.by_fd[fd] = NULL;
}

static void undo_add(struct file *f, int fd, off_t at, size_t reaches, size_t len)
{
	struct stat st;
	must(fstat(fd, &st) == 0, "powercut: fstat");
	struct undo *u = malloc(sizeof(*u) + len);
	must(u != NULL, "powercut: memory");
	u->at = at;
	u->reaches = reaches;
	u->size = st.st_size;
	const ssize_t got = pread(fd, u->bytes, len, at);
	must(got >= 0, "powercut: pread");
	u->len = (size_t)got;
	u->older = f->newest;
	f->newest = u;
	f->count++;
}

void disk_fd_writes(int fd, off_t at, size_t len)
{
	struct file *f = file_of(fd);
	if (f != NULL && !f->index) undo_add(f, fd, at, len, len);
}

void disk_fd_resizes(int fd, off_t size)
{
	struct stat st;
	struct file *f = file_of(fd);
	if (f == NULL || f->index) return;
	must(fstat(fd, &st) == 0, "powercut: fstat");
	undo_add(f, fd, size, 0, st.st_size > size ? (size_t)(st.st_size - size) : 0);
}

static void file_forget(struct file *f)
{
	while (f->newest != NULL) {
		struct undo *u = f->newest;
		f->newest = u->older;
		free(u);
	}
	f->count = 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void name_add(enum name_change change, const char *path, const char *to, char *saved)
{
	struct name *n = calloc(1, sizeof(*n));
	must(n != NULL, "powercut: memory");
	n->change = change;
	path_set(n->path, path);
	if (to != NULL) path_set(n->to, to);
	n->saved = saved;
	n->older = disk.names;
	disk.names = n;
}

/* The file that is found at `path` from now on. */
static void file_renamed(const char *path)
{
	struct stat st;
	struct file *f = lstat(path, &st) == 0 ? file_find(st.st_dev, st.st_ino) : NULL;
	if (f != NULL) path_set(f->path, path);
}

void disk_name_made(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) return;
	name_add(NAME_MADE, path, NULL, NULL);
	file_renamed(path); /* made by a link: the older name will go */
}

char *disk_name_save(const char *path)
{
	struct stat st;
	char *saved = NULL;
	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) return NULL;
	must(asprintf(&saved, "%s/%d.%u", disk.beside, (int)getpid(), disk.saved++) > 0,
	     "powercut: memory");
	must(link(path, saved) == 0, "powercut: link");
	return saved;
}

/* A saved link that nobody will need: with the last name the file goes, and its number may come
 * back as another file's. */
void disk_name_kept(char *saved)
{
	struct stat st;
	if (saved == NULL) return;
	must(lstat(saved, &st) == 0, "powercut: saved link");
	struct file *f = file_find(st.st_dev, st.st_ino);
	if (st.st_nlink == 1 && f != NULL) {
		file_forget(f);
		f->gone = true;
	}
	must(unlink(saved) == 0, "powercut: saved link");
	free(saved);
}

void disk_name_moved(const char *from, const char *to, char *saved)
{
	name_add(NAME_MOVED, from, to, saved);
	file_renamed(to);
}

void disk_name_removed(const char *path, char *saved)
{
	if (saved == NULL) return; /* a socket */
	name_add(NAME_REMOVED, path, NULL, saved);
	struct stat st;
	struct file *f = lstat(saved, &st) == 0 ? file_find(st.st_dev, st.st_ino) : NULL;
	if (f != NULL && strcmp(f->path, path) == 0) path_set(f->path, saved);
}

static bool is_in(const char *path, const char *folder, size_t len)
{
	return strncmp(path, folder, len) == 0 && path[len] == '/' &&
	       strchr(path + len + 1, '/') == NULL;
}

static void folder_synced(int fd)
{
	char link[64];
	char folder[DISK_PATH_MAX];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	const ssize_t len = readlink(link, folder, sizeof(folder));
	must(len > 0 && (size_t)len < sizeof(folder), "powercut: folder");
	struct name **at = &disk.names;
	while (*at != NULL) {
		struct name *n = *at;
		if (!is_in(n->change == NAME_MOVED ? n->to : n->path, folder, (size_t)len)) {
			at = &n->older;
			continue;
		}
		*at = n->older;
		disk_name_kept(n->saved);
		free(n);
	}
}

void disk_fd_synced(int fd)
{
	struct stat st;
	if (file_of(fd) != NULL) {
		file_forget(file_of(fd));
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) folder_synced(fd);
}

static bool name_undo(const struct name *n)
{
	switch (n->change) {
	case NAME_MADE: return unlink(n->path) == 0 || errno == ENOENT; /* an index that is gone */
	case NAME_MOVED:
		if (rename(n->to, n->path) != 0) return false;
		return n->saved == NULL || rename(n->saved, n->to) == 0;
	case NAME_REMOVED: return rename(n->saved, n->path) == 0;
	}
	return false;
}

/* Changes of names reach the disk in their order: the newest few are taken back. */
static uint32_t names_cut(void)
{
	uint32_t count = 0;
	for (const struct name *n = disk.names; n != NULL; n = n->older) count++;
	const uint32_t undone = disk_draw(count + 1);
	const struct name *n = disk.names;
	for (uint32_t i = 0; i < undone; i++, n = n->older) {
		must(name_undo(n), "powercut: name");
	}
	return undone;
}

/* ---- the cut --------------------------------------------------------------------------------- */

/* A file's content, with room for the largest size it had since its last sync. */
struct image {
	uint8_t *p; /* owned */
	size_t len;
	size_t cap;
};

static void image_undo(struct image *m, const struct undo *u)
{
	const size_t size = (size_t)u->size;
	/* What lies behind the end reads as zeros once the file has grown over it. */
	for (size_t i = m->len; i < size; i++) m->p[i] = 0;
	memcpy(m->p + u->at, u->bytes, u->len);
	m->len = size;
}

static struct image image_read(int fd, const struct file *f)
{
	struct stat st;
	must(fstat(fd, &st) == 0, "powercut: fstat");
	struct image m = { .len = (size_t)st.st_size, .cap = (size_t)st.st_size };
	for (const struct undo *u = f->newest; u != NULL; u = u->older) {
		const size_t reach = (size_t)u->at + u->reaches + u->len;
		if ((size_t)u->size > m.cap) m.cap = (size_t)u->size;
		if (reach > m.cap) m.cap = reach;
	}
	m.p = calloc(1, m.cap + DISK_SECTOR);
	must(m.p != NULL && pread(fd, m.p, m.len, 0) == (ssize_t)m.len, "powercut: read back");
	return m;
}

static void image_write(int fd, const struct image *m)
{
	must(pwrite(fd, m->p, m->len, 0) == (ssize_t)m->len, "powercut: write back");
	must(ftruncate(fd, (off_t)m->len) == 0, "powercut: ftruncate");
}

static struct image image_copy(const struct image *m)
{
	struct image copy = { .p = malloc(m->cap + DISK_SECTOR), .len = m->len, .cap = m->cap };
	must(copy.p != NULL, "powercut: memory");
	memcpy(copy.p, m->p, m->cap + DISK_SECTOR);
	return copy;
}

static size_t sector_len(const struct image *m, size_t at)
{
	return m->cap - at < DISK_SECTOR ? m->cap - at : DISK_SECTOR;
}

static bool sector_same(const struct image *a, const struct image *b, size_t at)
{
	return memcmp(a->p + at, b->p + at, sector_len(a, at)) == 0;
}

/* Zeros from the end on, so that two images of different sizes can be compared sector by sector. */
static void image_pad(struct image *m)
{
	for (size_t i = m->len; i < m->cap; i++) m->p[i] = 0;
}

/* Each sector that differs is lost in `percent` of all cases. The file keeps its new size when it
 * grew and something behind the old end is there, or when it shrank and luck has it. */
static void image_mix(struct image *now, const struct image *base, uint32_t percent)
{
	size_t kept_end = 0;
	const bool shrank = now->len < base->len;
	const bool shrinks = shrank && disk_draw(100) >= percent;
	for (size_t at = 0; at < now->cap; at += DISK_SECTOR) {
		const bool cut_off = shrank && at >= now->len;
		if (sector_same(now, base, at)) continue;
		if (cut_off ? !shrinks : disk_draw(100) < percent) {
			memcpy(now->p + at, base->p + at, sector_len(now, at));
		} else {
			kept_end = at + sector_len(now, at);
		}
	}
	if (shrank && !shrinks) now->len = base->len;
	if (now->len > base->len && kept_end <= base->len) now->len = base->len;
}

/* Of the sectors that were written since the last sync. */
static void image_count(const struct image *was, const struct image *base, const struct image *is,
			struct disk_cut *ret)
{
	for (size_t at = 0; at < was->cap; at += DISK_SECTOR) {
		if (sector_same(was, base, at)) continue;
		if (sector_same(was, is, at))
			ret->sectors_kept++;
		else
			ret->sectors_lost++;
	}
}

/* The newest `undone` writes never happened; of the others each sector is lost in `percent` of all
 * cases. */
static void file_cut_at(struct file *f, int fd, uint32_t percent, uint32_t undone,
			struct disk_cut *ret)
{
	struct image now = image_read(fd, f);
	const struct image was = image_copy(&now);
	const struct undo *u = f->newest;
	for (uint32_t i = 0; i < undone; i++, u = u->older) image_undo(&now, u);
	struct image base = image_copy(&now);
	for (; u != NULL; u = u->older) image_undo(&base, u);
	image_pad(&now);
	image_pad(&base);
	image_mix(&now, &base, percent);
	image_count(&was, &base, &now, ret);
	image_write(fd, &now);
	ret->writes += f->count;
	free(now.p);
	free(was.p);
	free(base.p);
	file_forget(f);
}

/* After a cut the index may be anything: it is whatever pages of shared memory were written back.
 * SQLite must build it anew. */
static void index_cut(const struct file *f)
{
	uint8_t rubbish[4096];
	if (access(f->path, F_OK) != 0) return;
	switch (disk_draw(3)) {
	case 0: return;
	case 1: must(unlink(f->path) == 0, "powercut: index"); return;
	default: break;
	}
	const int fd = open(f->path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0, "powercut: index");
	for (size_t i = 0; i < sizeof(rubbish); i++) rubbish[i] = (uint8_t)disk_draw(256);
	must(pwrite(fd, rubbish, sizeof(rubbish), 0) == (ssize_t)sizeof(rubbish),
	     "powercut: index");
	(void)close(fd);
}

static void file_cut(struct file *f, bool everything, struct disk_cut *ret)
{
	static const uint32_t percents[] = { 100, 100, 0, 25, 50, 90 };
	if (f->gone) return;
	if (f->index) {
		index_cut(f);
		return;
	}
	if (f->count == 0) return;
	const int fd = open(f->path, O_RDWR | O_CLOEXEC);
	must(fd >= 0, "powercut: open");
	const uint32_t percent = percents[disk_draw(sizeof(percents) / sizeof(percents[0]))];
	const uint32_t undone = disk_draw(f->count + 1);
	file_cut_at(f, fd, percent, everything ? f->count : undone, ret);
	(void)close(fd);
}

struct disk_cut disk_cut_all(bool everything)
{
	struct disk_cut done = { 0 };
	for (struct file *f = disk.files; f != NULL; f = f->next) file_cut(f, everything, &done);
	done.names_undone = names_cut();
	return done;
}

void disk_cut_fd(int fd)
{
	struct disk_cut done = { 0 };
	struct file *f = file_of(fd);
	if (f != NULL && f->count > 0) file_cut_at(f, fd, 100, f->count, &done);
}
