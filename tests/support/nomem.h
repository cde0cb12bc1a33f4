/* nomem: allocation number n of our own code fails, for n = 1, 2, 3 ... until what is tried passes
 * unharmed. For programs that are linked with -Wl,--wrap for malloc, calloc, realloc, reallocarray
 * and strdup (tests/CMakeLists.txt): what libraries allocate themselves does not fail. Included
 * once in a program. tests/fault does the same to whole worlds, and to the libraries.
 *
 * Threads: one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint64_t nomem_left; /* until the one that fails; 0: none does */
static bool nomem_struck;

/* From now on the n-th allocation fails, once. */
static inline void nomem_arm(uint64_t n)
{
	nomem_left = n;
	nomem_struck = false;
}

/* True when one has failed since nomem_arm. */
static inline bool nomem_disarm(void)
{
	nomem_left = 0;
	return nomem_struck;
}

static inline bool nomem_strikes(void)
{
	if (nomem_left == 0 || --nomem_left > 0) return false;
	nomem_struck = true;
	return true;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void *__real_reallocarray(void *p, size_t count, size_t bytes);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
void *__wrap_reallocarray(void *p, size_t count, size_t bytes);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t bytes)
{
	return nomem_strikes() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return nomem_strikes() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
	return nomem_strikes() ? NULL : __real_realloc(p, bytes);
}

void *__wrap_reallocarray(void *p, size_t count, size_t bytes)
{
	return nomem_strikes() ? NULL : __real_reallocarray(p, count, bytes);
}

char *__wrap_strdup(const char *text)
{
	return nomem_strikes() ? NULL : __real_strdup(text);
}
