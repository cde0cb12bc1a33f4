/* scratch: a new folder for one test, in memory where the machine has such a place. That what was
 * saved survives a power cut is shown by the simulator and the end-to-end tests; the others would
 * only wait for the disk, for more than half of their time. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SCRATCH_BYTES_FREE_MIN (512ull << 20) /* a container's /dev/shm often has 64 MiB in all */

static inline const char *scratch_place(void)
{
	static const char memory[] = "/dev/shm";
	struct statvfs is;
	const bool fits = access(memory, W_OK) == 0 && statvfs(memory, &is) == 0 &&
			  (unsigned long long)is.f_bavail * is.f_frsize >= SCRATCH_BYTES_FREE_MIN;
	return fits ? memory : "/tmp";
}

/* Writes its path; the caller empties and removes it. False, with errno: there is none. */
static inline bool scratch_make(char *ret_path, size_t bytes, const char *name)
{
	const int n = snprintf(ret_path, bytes, "%s/roomkeep-%s-XXXXXX", scratch_place(), name);
	return n > 0 && (size_t)n < bytes && mkdtemp(ret_path) != NULL;
}
