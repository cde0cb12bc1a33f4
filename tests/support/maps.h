/* maps: the spans that /proc/self/maps and /proc/self/smaps list, for tests that look at memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct maps_span {
	uint64_t from, to; /* [from, to) */
	char mode[4];      /* "rw-p", without an end */
};

/* True when the line begins a span ("7f00-7f10 rw-p ..."); false for the lines about it. */
static inline bool maps_read_span(const char *line, struct maps_span *ret)
{
	char *end = NULL;
	const unsigned long long from = strtoull(line, &end, 16);
	if (end == line || *end != '-') return false;
	const char *second = end + 1;
	const unsigned long long to = strtoull(second, &end, 16);
	if (end == second || *end != ' ') return false;
	*ret = (struct maps_span){ .from = from, .to = to };
	for (size_t i = 0; i < sizeof(ret->mode) && end[1 + i] != '\0'; i++)
		ret->mode[i] = end[1 + i];
	return true;
}
