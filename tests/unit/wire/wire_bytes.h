/* wire_bytes: protobuf by hand for tests, and input whose end is the end of its memory. */
#pragma once

#include "base/buf.h"
#include "base/check.h"

#include <stdlib.h>

static inline void put_varint(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		INSIST(buf_append_u8(b, (uint8_t)(v | 0x80)) == ERR_OK);
		v >>= 7;
	}
	INSIST(buf_append_u8(b, (uint8_t)v) == ERR_OK);
}

static inline void put_tag(struct buf *b, uint32_t number, unsigned wire)
{
	put_varint(b, (uint64_t)number << 3 | wire);
}

static inline void put_number(struct buf *b, uint32_t number, uint64_t v)
{
	put_tag(b, number, 0);
	put_varint(b, v);
}

static inline void put_bytes(struct buf *b, uint32_t number, struct view v)
{
	put_tag(b, number, 2);
	put_varint(b, v.len);
	INSIST(buf_append(b, v) == ERR_OK);
}

/* A copy in a block of exactly its size: reading one byte too far is seen by ASan. Free .p. */
static inline struct view tight(struct view v)
{
	uint8_t *p = malloc(v.len == 0 ? 1 : v.len);
	INSIST(p != NULL);
	if (v.len > 0) memcpy(p, v.p, v.len);
	return view_of(p, v.len);
}

static inline void tight_free(struct view v)
{
	union {
		const uint8_t *from;
		void *to;
	} p = { .from = v.p };
	free(p.to);
}
