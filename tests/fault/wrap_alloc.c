/* The allocator of the whole process: counts, fails on demand, knows what lives. */
#include "fault.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

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

/* `caller`: the return address of the function that a library or our code called. */
static bool alloc_fails(const void *caller)
{
	int code = 0;
	bool fails = fault_strike(FAULT_ALLOC, &code);
	if (fault_called_by_us(caller) && fault_strike(FAULT_OWN, &code)) fails = true;
	if (fails) errno = code;
	return fails;
}
#define CALLER __builtin_return_address(0)

static void *alloc_noted(void *p, size_t bytes)
{
	if (p != NULL) fault_live_add(p, bytes);
	return p;
}

static void *alloc_grow(void *p, size_t bytes, const void *caller)
{
	if (bytes > 0 && alloc_fails(caller)) return NULL;
	fault_live_remove(p);
	return alloc_noted(REAL(realloc)(p, bytes), bytes);
}

static void *alloc_aligned(size_t align, size_t bytes, const void *caller)
{
	return alloc_fails(caller) ? NULL : alloc_noted(REAL(memalign)(align, bytes), bytes);
}

void *malloc(size_t bytes)
{
	return alloc_fails(CALLER) ? NULL : alloc_noted(REAL(malloc)(bytes), bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return alloc_fails(CALLER) ? NULL : alloc_noted(REAL(calloc)(count, bytes), count * bytes);
}

void *realloc(void *p, size_t bytes)
{
	return alloc_grow(p, bytes, CALLER);
}

void *reallocarray(void *p, size_t count, size_t bytes)
{
	size_t all = 0;
	if (__builtin_mul_overflow(count, bytes, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return alloc_grow(p, all, CALLER);
}

void *memalign(size_t align, size_t bytes)
{
	return alloc_aligned(align, bytes, CALLER);
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return alloc_aligned(align, bytes, CALLER);
}

int posix_memalign(void **ret_p, size_t align, size_t bytes)
{
	void *p = alloc_aligned(align, bytes, CALLER);
	if (p == NULL) return ENOMEM;
	*ret_p = p;
	return 0;
}

/* Here because the C library's own would not be seen as called by us. */
char *strdup(const char *text)
{
	const size_t bytes = strlen(text) + 1;
	char *p = alloc_fails(CALLER) ? NULL : alloc_noted(REAL(malloc)(bytes), bytes);
	return p == NULL ? NULL : memcpy(p, text, bytes);
}

void free(void *p)
{
	const int saved = errno;
	fault_live_remove(p);
	REAL(free)(p);
	errno = saved;
}
