/* replay: runs a fuzz target over every file of the folders given, without libFuzzer; a test.
 * Each file is also tried cut short at 16 places, because a cut is what networks and disks do. */
#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLAY_FILE_BYTES_MAX MIB
#define REPLAY_CUTS 16u

static enum err read_all(int fd, struct buf *out)
{
	TRY(buf_reserve(out, REPLAY_FILE_BYTES_MAX));
	for (;;) {
		ENSURE(out->len < REPLAY_FILE_BYTES_MAX, ERR_TOO_BIG);
		const ssize_t n = read(fd, out->p + out->len, REPLAY_FILE_BYTES_MAX - out->len);
		if (n < 0 && errno == EINTR) continue;
		ENSURE(n >= 0, err_from_errno(errno));
		if (n == 0) return ERR_OK;
		out->len += (size_t)n;
	}
}

/* In memory of exactly that size, so that a sanitizer sees the first byte too far. */
static enum err run_copy(struct view bytes)
{
	CLEANUP(freep) uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
	ENSURE(copy != NULL, ERR_NOMEM);
	if (bytes.len > 0) memcpy(copy, bytes.p, bytes.len);
	INSIST(LLVMFuzzerTestOneInput(copy, bytes.len) == 0);
	return ERR_OK;
}

static enum err replay_file(int dir_fd, const char *name)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	CLEANUP(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ENSURE(fd >= 0, err_from_errno(errno));
	TRY(read_all(fd, &bytes));
	for (size_t i = 0; i < REPLAY_CUTS; i++)
		TRY(run_copy(view_of(bytes.p, bytes.len * i / REPLAY_CUTS)));
	return run_copy(buf_view(&bytes));
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static enum err replay_folder(const char *path, size_t *count)
{
	CLEANUP(closep) int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir_fd >= 0, err_from_errno(errno));
	struct dirent **entries = NULL;
	const int entry_count = scandir(path, &entries, is_input, alphasort);
	ENSURE(entry_count >= 0, err_from_errno(errno));
	enum err first = ERR_OK;
	for (int i = 0; i < entry_count; i++) {
		const enum err e = replay_file(dir_fd, entries[i]->d_name);
		if (e != ERR_OK) fprintf(stderr, "%s: %s\n", entries[i]->d_name, err_text(e));
		if (e != ERR_OK && first == ERR_OK) first = e;
		free(entries[i]);
		(*count)++;
	}
	free(entries);
	return first;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	for (int i = 1; i < argc; i++) {
		const enum err e = replay_folder(argv[i], &count);
		if (e != ERR_OK) {
			fprintf(stderr, "%s: %s\n", argv[i], err_text(e));
			return EXIT_FAILURE;
		}
	}
	printf("%zu inputs\n", count);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
