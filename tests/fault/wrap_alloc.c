/* The allocator of the whole process: counts, fails on demand, knows what lives. */
#include "fault.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/* Under the sanitizer its allocator is the real one, so that it sees what it always sees. */
#ifdef ROOMKEEP_FAULT_ASAN
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif
void *REAL(malloc)(size_t bytes);
void *REAL(calloc)(size_t count, size_t bytes);
void *REAL(realloc)(void *p, size_t bytes);
void *REAL(memalign)(size_t align, size_t bytes);
void REAL(free)(void *p);

static bool alloc_fails(void)
{
	int code = 0;
	if (!fault_strike(FAULT_ALLOC, &code)) return false;
	errno = code;
	return true;
}

static void *alloc_noted(void *p, size_t bytes)
{
	if (p != NULL) fault_live_add(p, bytes);
	return p;
}

void *malloc(size_t bytes)
{
	return alloc_fails() ? NULL : alloc_noted(REAL(malloc)(bytes), bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return alloc_fails() ? NULL : alloc_noted(REAL(calloc)(count, bytes), count * bytes);
}

void *realloc(void *p, size_t bytes)
{
	if (bytes > 0 && alloc_fails()) return NULL;
	fault_live_remove(p);
	return alloc_noted(REAL(realloc)(p, bytes), bytes);
}

void *reallocarray(void *p, size_t count, size_t bytes)
{
	size_t all = 0;
	if (__builtin_mul_overflow(count, bytes, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

void *memalign(size_t align, size_t bytes)
{
	return alloc_fails() ? NULL : alloc_noted(REAL(memalign)(align, bytes), bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}

int posix_memalign(void **ret_p, size_t align, size_t bytes)
{
	void *p = memalign(align, bytes);
	if (p == NULL) return ENOMEM;
	*ret_p = p;
	return 0;
}

void free(void *p)
{
	const int saved = errno;
	fault_live_remove(p);
	REAL(free)(p);
	errno = saved;
}
