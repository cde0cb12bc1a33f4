/* Planted bugs, one for each thing that the harness looks for: run by name only, and each must be
 * found (tests/tools/fault.py asks for it). */
#include "scenes.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An allocation that nobody looks at. */
static enum err run_null(void)
{
	CLEANUP(freep) char *first = malloc(10);
	ENSURE(first != NULL, ERR_NOMEM);
	CLEANUP(freep) char *second = malloc(10);
	*(volatile char *)second = 'x';
	return ERR_OK;
}

/* The first block is lost when the second cannot be had. */
static enum err run_leak(void)
{
	char *first = malloc(10);
	ENSURE(first != NULL, ERR_NOMEM);
	char *second = malloc(10);
	ENSURE(second != NULL, ERR_NOMEM);
	free(second);
	free(first);
	return ERR_OK;
}

/* Says "saved" without having looked at what fsync said. */
static bool synced;

static enum err run_ack(void)
{
	CLEANUP(closep) int fd = open(fault_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(fd >= 0, ERR_IO);
	synced = fsync(fd) == 0;
	return ERR_OK;
}

static void check_ack(enum err e)
{
	if (e == ERR_OK) FAULT_CHECK(synced);
}

/* Tells the user that the passphrase is wrong when memory ran out. */
static enum err run_blame(void)
{
	CLEANUP(freep) char *p = malloc(10);
	ENSURE(p != NULL, ERR_AUTH);
	return ERR_OK;
}

/* Frees a passphrase as it is, on the way out of an error only. */
static enum err run_secret(void)
{
	char *pass = malloc(sizeof(FAULT_PASS));
	ENSURE(pass != NULL, ERR_NOMEM);
	memcpy(pass, FAULT_PASS, sizeof(FAULT_PASS));
	char *second = malloc(10);
	if (second != NULL) explicit_bzero(pass, sizeof(FAULT_PASS));
	free(pass);
	ENSURE(second != NULL, ERR_NOMEM);
	free(second);
	return ERR_OK;
}

static void set_secret(void)
{
	fault_canary(FAULT_PASS);
}

/* Forgets to close on the way out. */
static enum err run_file(void)
{
	const int fd = open(fault_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(fd >= 0, ERR_IO);
	ENSURE(fsync(fd) == 0, ERR_IO);
	(void)close(fd);
	return ERR_OK;
}

#define PLANTED(id, label, what, ...)                                                              \
	const struct fault_scene scene_planted_##id = {                                            \
		.name = "planted." label, .says = what, .negative = true, __VA_ARGS__              \
	}

PLANTED(null, "null", "an allocation is not checked", .run = run_null);
PLANTED(leak, "leak", "a block is lost on an error path", .run = run_leak);
PLANTED(ack, "ack", "saved is said whatever fsync said", .run = run_ack, .check = check_ack);
PLANTED(blame, "blame", "no memory is called a wrong passphrase", .run = run_blame);
PLANTED(secret, "secret", "a passphrase is freed unwiped", .set = set_secret, .run = run_secret);
PLANTED(file, "file", "a descriptor is lost on an error path", .run = run_file);
