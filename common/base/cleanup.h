/* cleanup: a resource is released when its variable leaves scope, on every path.
 *
 * CLEANUP(fn) calls fn with the variable's address. Write `fnp(T *)` helpers next to each type, and
 * hand a resource on by TAKE, which empties the variable. */
#pragma once

#include <stdlib.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define TAKE(var)                                                                                  \
	__extension__({                                                                            \
		__typeof__(var) taken_ = (var);                                                    \
		(var) = NULL;                                                                      \
		taken_;                                                                            \
	})

/* For any pointer from malloc: CLEANUP(freep) char *text = NULL; */
static inline void freep(void *var)
{
	void **ptr = var;
	free(*ptr);
	*ptr = NULL;
}

/* For file descriptors kept as int, -1 = none. */
void closep(int *fd);
