/* seed_corpus FOLDER: writes the first inputs of every fuzz target, FOLDER/TARGET/NAME.
 * Run it again when a format changes: build/debug/tests/seed_corpus tests/data/corpus */
#include "base/check.h"
#include "fuzz/fuzz_keys.h"
#include "fuzz/seeds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int corpus_fd = -1;

static int open_folder(const char *name)
{
	if (mkdirat(corpus_fd, name, 0755) != 0) INSIST(errno == EEXIST);
	return openat(corpus_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void seed_write(const char *target, const char *name, struct view bytes)
{
	CLEANUP(closep) int dir_fd = open_folder(target);
	INSIST(dir_fd >= 0);
	CLEANUP(closep)
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	INSIST(fd >= 0);
	INSIST(write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
}

void seed_write_as(const char *target, uint8_t first, const char *name, struct view bytes)
{
	CLEANUP(buf_finip) struct buf all = { 0 };
	seed_put_u8(&all, first);
	seed_put(&all, bytes);
	seed_write(target, name, buf_view(&all));
}

void seed_put(struct buf *b, struct view bytes)
{
	INSIST(buf_append(b, bytes) == ERR_OK);
}

void seed_put_u8(struct buf *b, uint8_t v)
{
	INSIST(buf_append_u8(b, v) == ERR_OK);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "seed_corpus FOLDER\n");
		return 2;
	}
	corpus_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (corpus_fd < 0) {
		perror(argv[1]);
		return 1;
	}
	fuzz_keys_reset();
	seeds_wire();
	seeds_formats();
	seeds_typed();
	seeds_moves();
	seeds_dialog();
	seeds_sync();
	seeds_verb();
	seeds_http();
	seeds_files();
	(void)close(corpus_fd);
	return 0;
}
