/* check: our own bugs stop the process, in every build.
 *
 * REQUIRE stands at the entry of a function and names what the caller promised; INSIST stands
 * inside and names what we believe. Neither is ever used on bytes from a peer or a disk: those are
 * error values. On failure the last log events are dumped (log_dump_ring) and the process aborts.
 * Threads: any. */
#pragma once

#include <stddef.h>

_Noreturn void check_fail(const char *what, const char *expr, const char *file, int line);

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			check_fail("REQUIRE", #cond, __FILE__, __LINE__);                          \
	} while (0)

#define INSIST(cond)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0)) check_fail("INSIST", #cond, __FILE__, __LINE__); \
	} while (0)

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
