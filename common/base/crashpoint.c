#include "base/crashpoint.h"

#include "base/check.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ROOMKEEP_FAST_KDF /* in all other builds the header says everything */

#define CRASHPOINT_NAME(name, text) text,
static const char *const crashpoint_names[CRASHPOINT_COUNT] = { CRASHPOINT_MAP(CRASHPOINT_NAME) };
#undef CRASHPOINT_NAME

/* Written before there are threads (constructor, or the child of a fork), then only read. */
static int crashpoint_armed = -1;
static atomic_uint_fast64_t crashpoint_left;

const char *crashpoint_name(enum crashpoint point)
{
	REQUIRE((unsigned)point < CRASHPOINT_COUNT);
	return crashpoint_names[point];
}

void crashpoint(enum crashpoint point)
{
	if (__builtin_expect((int)point != crashpoint_armed, 1)) return;
	if (atomic_fetch_sub(&crashpoint_left, 1) == 1) (void)raise(SIGKILL);
}

enum err crashpoint_arm(const char *name, uint64_t visit)
{
	ENSURE(visit > 0, ERR_BAD_VALUE);
	for (int i = 0; i < CRASHPOINT_COUNT; i++) {
		if (strcmp(crashpoint_names[i], name) != 0) continue;
		atomic_store(&crashpoint_left, visit);
		crashpoint_armed = i;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

static enum err crashpoint_arm_from(const char *setting)
{
	char name[64];
	const char *colon = strchr(setting, ':');
	const size_t len = colon == NULL ? strlen(setting) : (size_t)(colon - setting);
	ENSURE(len < sizeof(name), ERR_NOT_FOUND);
	memcpy(name, setting, len);
	name[len] = '\0';
	if (colon == NULL) return crashpoint_arm(name, 1);

	char *end = NULL;
	ENSURE(colon[1] >= '0' && colon[1] <= '9',
	       ERR_BAD_VALUE); /* strtoull takes "-1" and " 1" */
	const unsigned long long visit = strtoull(colon + 1, &end, 10);
	ENSURE(*end == '\0', ERR_BAD_VALUE);
	return crashpoint_arm(name, visit);
}

/* Before main. A setting that is not understood stops the program: a campaign that kills nothing
 * would pass without having tested anything. */
__attribute__((constructor)) static void crashpoint_arm_from_env(void)
{
	const char *setting = getenv("ROOMKEEP_CRASH_AT");
	if (setting == NULL || *setting == '\0') return;
	if (crashpoint_arm_from(setting) == ERR_OK) return;
	fprintf(stderr, "ROOMKEEP_CRASH_AT names no crash point; they are:\n");
	for (int i = 0; i < CRASHPOINT_COUNT; i++) fprintf(stderr, "  %s\n", crashpoint_names[i]);
	exit(64);
}

#endif
