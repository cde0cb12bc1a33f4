/* view: borrowed bytes. The owner stays somebody else and must outlive the view.
 * A view of text is not NUL-terminated. Threads: any, it is a value. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *p; /* may be NULL when len is 0 */
	size_t len;       /* bytes */
};

#define VIEW_EMPTY ((struct view){ NULL, 0 })
#define VIEW_OF(array) ((struct view){ (const uint8_t *)(array), sizeof(array) })

static inline struct view view_of(const void *p, size_t len)
{
	return (struct view){ p, len };
}

static inline struct view view_str(const char *s)
{
	return (struct view){ (const uint8_t *)s, s == NULL ? 0 : strlen(s) };
}

/* Not for secrets: time depends on the content (crypt has the constant-time compare). */
static inline bool view_equal(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Big-endian integers, the byte order of every format and frame here (RFC 1700). */
static inline uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t load_be64(const uint8_t *p)
{
	return (uint64_t)load_be32(p) << 32 | load_be32(p + 4);
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void store_be64(uint8_t *p, uint64_t v)
{
	store_be32(p, (uint32_t)(v >> 32));
	store_be32(p + 4, (uint32_t)v);
}
