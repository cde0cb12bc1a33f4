#include "base/check.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_fail(const char *what, const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s failed: %s at %s:%d\n", what, expr, file, line);
	log_dump_ring(stderr);
	abort();
}
