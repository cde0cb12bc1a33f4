#include "sim/sim_crash.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/crashpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t sim_crash_counts[CRASHPOINT_COUNT];

static struct sim_disk *inside; /* the node whose call runs now */

/* The linker sends every visit here (-Wl,--wrap=crashpoint). */
void __wrap_crashpoint(enum crashpoint point);

static void path_join(char *ret, const char *folder, const char *name)
{
	const int n = snprintf(ret, SIM_PATH_MAX, "%s/%s", folder, name);
	INSIST(n > 0 && (size_t)n < SIM_PATH_MAX);
}

static void file_copy(const char *from, const char *to)
{
	uint8_t block[65536];
	CLEANUP(closep) int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0) return; /* no WAL yet */
	CLEANUP(closep) int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	INSIST(out >= 0);
	for (;;) {
		const ssize_t got = read(in, block, sizeof(block));
		INSIST(got >= 0);
		if (got == 0) return;
		INSIST(write(out, block, (size_t)got) == got);
	}
}

static void folder_remove(const char *folder)
{
	char path[SIM_PATH_MAX];
	DIR *dir = opendir(folder);
	if (dir == NULL) return;
	for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		if (d->d_name[0] == '.') continue;
		path_join(path, folder, d->d_name);
		INSIST(unlink(path) == 0);
	}
	INSIST(closedir(dir) == 0 && rmdir(folder) == 0);
}

static void disk_copy(struct sim_disk *d)
{
	static const char *const suffixes[] = { "", "-wal" };
	char from[SIM_PATH_MAX], to[SIM_PATH_MAX], name[64];

	const int n = snprintf(d->copy, sizeof(d->copy), "%s.%u", d->base, d->generation + 1);
	INSIST(n > 0 && (size_t)n < sizeof(d->copy));
	INSIST(mkdir(d->copy, 0700) == 0);
	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", d->file, suffixes[i]);
		path_join(from, d->folder, name);
		path_join(to, d->copy, name);
		file_copy(from, to);
	}
	d->struck = true;
}

void __wrap_crashpoint(enum crashpoint point)
{
	struct sim_disk *d = inside;
	if (d == NULL || d->armed == 0 || d->struck) return;
	if (--d->armed > 0) return;
	sim_crash_counts[point]++;
	d->point = crashpoint_name(point);
	disk_copy(d);
}

void sim_disk_init(struct sim *s, struct sim_disk *d, const char *name, const char *file)
{
	*d = (struct sim_disk){ .file = file };
	path_join(d->base, s->folder, name);
	const int n = snprintf(d->folder, sizeof(d->folder), "%s.0", d->base);
	INSIST(n > 0 && (size_t)n < sizeof(d->folder));
	INSIST(mkdir(d->folder, 0700) == 0);
}

void sim_crash_enter(struct sim_disk *d)
{
	INSIST(inside == NULL);
	inside = d;
}

bool sim_crash_leave(struct sim_disk *d)
{
	INSIST(inside == d);
	inside = NULL;
	return d->struck;
}

void sim_disk_snapshot(struct sim *s, struct sim_disk *d)
{
	if (!d->struck) {
		d->point = "between calls";
		disk_copy(d);
	}
	sim_trace(s, "crash of %s at %s", strrchr(d->base, '/') + 1, d->point);
}

void sim_disk_switch(struct sim *s, struct sim_disk *d)
{
	(void)s;
	INSIST(d->struck);
	folder_remove(d->folder);
	memcpy(d->folder, d->copy, sizeof(d->folder));
	d->generation++;
	d->struck = false;
	d->armed = 0;
	d->point = NULL;
}
