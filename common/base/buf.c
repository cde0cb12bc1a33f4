#include "base/buf.h"

#include "base/check.h"
#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_CAP_MIN 64u

void buf_init(struct buf *b)
{
	*b = (struct buf){ 0 };
}

/* Only the used bytes: behind them nothing has been written since they were overwritten last. */
static void buf_wipe_used(struct buf *b)
{
	if (b->len > 0) explicit_bzero(b->p, b->len);
}

void buf_fini(struct buf *b)
{
	buf_wipe_used(b);
	free(b->p);
	*b = (struct buf){ 0 };
}

void buf_finip(struct buf *b)
{
	buf_fini(b);
}

void buf_clear(struct buf *b)
{
	buf_wipe_used(b);
	b->len = 0;
}

void buf_wipe(struct buf *b)
{
	if (b->p != NULL) explicit_bzero(b->p, b->cap);
	b->len = 0;
}

enum err buf_reserve(struct buf *b, size_t more)
{
	REQUIRE(b->len <= b->cap);
	if (b->cap - b->len >= more) return ERR_OK;
	ENSURE(more <= BUF_BYTES_MAX && b->len <= BUF_BYTES_MAX - more, ERR_TOO_BIG);

	size_t cap = b->cap < BUF_CAP_MIN ? BUF_CAP_MIN : b->cap;
	while (cap < b->len + more) cap *= 2;
	/* Not realloc: it would leave a copy behind. */
	uint8_t *p = malloc(cap);
	ENSURE(p != NULL, ERR_NOMEM);
	if (b->len > 0) memcpy(p, b->p, b->len);
	buf_wipe_used(b);
	free(b->p);
	b->p = p;
	b->cap = cap;
	return ERR_OK;
}

enum err buf_append(struct buf *b, struct view v)
{
	TRY(buf_reserve(b, v.len));
	if (v.len > 0) memcpy(b->p + b->len, v.p, v.len);
	b->len += v.len;
	return ERR_OK;
}

enum err buf_append_str(struct buf *b, const char *s)
{
	return buf_append(b, view_str(s));
}

enum err buf_append_u8(struct buf *b, uint8_t v)
{
	return buf_append(b, view_of(&v, 1));
}

enum err buf_append_be32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];
	store_be32(bytes, v);
	return buf_append(b, VIEW_OF(bytes));
}

enum err buf_append_be64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];
	store_be64(bytes, v);
	return buf_append(b, VIEW_OF(bytes));
}

enum err buf_append_fmt(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	const int need = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	ENSURE(need >= 0, ERR_BUG);
	TRY(buf_reserve(b, (size_t)need + 1));

	va_start(args, fmt);
	const int wrote = vsnprintf((char *)b->p + b->len, (size_t)need + 1, fmt, args);
	va_end(args);
	INSIST(wrote == need);
	b->len += (size_t)need;
	return ERR_OK;
}

void buf_consume(struct buf *b, size_t count)
{
	REQUIRE(count <= b->len);
	b->len -= count;
	if (b->len > 0) memmove(b->p, b->p + count, b->len);
	if (count > 0) explicit_bzero(b->p + b->len, count);
}

uint8_t *buf_take(struct buf *b, size_t *ret_len)
{
	uint8_t *p = b->p;
	*ret_len = b->len;
	*b = (struct buf){ 0 };
	return p;
}

enum err buf_cstr(struct buf *b, const char **ret_text)
{
	TRY(buf_reserve(b, 1));
	b->p[b->len] = 0;
	*ret_text = (const char *)b->p;
	return ERR_OK;
}
