#include "sim/sim.h"

#include <stdarg.h>
#include <string.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo): a fingerprint of a run, no security. */
#define FNV_PRIME 1099511628211ull

void sim_trace_bytes(struct sim *s, const void *p, size_t len)
{
	const uint8_t *at = p;
	for (size_t i = 0; i < len; i++) s->hash = (s->hash ^ at[i]) * FNV_PRIME;
}

void sim_trace(struct sim *s, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	const int len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (len < 0) return;
	sim_trace_bytes(s, &s->now_ms, sizeof(s->now_ms));
	sim_trace_bytes(s, line, strlen(line));
	if (!s->options.trace) return;
	printf("%6llu %9llu.%03llu  %s\n", (unsigned long long)s->step,
	       (unsigned long long)(s->now_ms / 1000), (unsigned long long)(s->now_ms % 1000),
	       line);
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list args;

	if (s->failed) return;
	s->failed = true;
	va_start(args, fmt);
	(void)vsnprintf(s->failure, sizeof(s->failure), fmt, args);
	va_end(args);
	sim_trace(s, "FAILED %s", s->failure);
}
