#include "crypt/enc.h"

#include "base/check.h"
#include "crypt/hash.h"

static void enc_note(struct enc *e, enum err result)
{
	if (e->failed == ERR_OK) e->failed = result;
}

static enum err enc_append(struct enc *e, struct view v)
{
	const size_t need = ENC_HEAD_BYTES + v.len;
	ENSURE(v.len <= ENC_BYTES_MAX && need <= ENC_BYTES_MAX - e->buf.len, ERR_TOO_BIG);
	if (e->secret) ENSURE(need <= e->buf.cap - e->buf.len, ERR_TOO_BIG);

	TRY(buf_reserve(&e->buf, need));
	TRY(buf_append_be32(&e->buf, (uint32_t)v.len));
	return buf_append(&e->buf, v);
}

void enc_begin(struct enc *e, const char *label)
{
	*e = (struct enc){ .failed = ERR_OK };
	enc_add_text(e, label);
}

void enc_begin_secret(struct enc *e, const char *label, size_t bytes)
{
	REQUIRE(bytes > 0 && bytes <= ENC_BYTES_MAX);
	*e = (struct enc){ .failed = ERR_OK, .secret = true };
	enc_note(e, buf_reserve(&e->buf, bytes));
	enc_add_text(e, label);
}

void enc_fini(struct enc *e)
{
	if (e->secret) buf_wipe(&e->buf);
	buf_fini(&e->buf);
}

void enc_finip(struct enc *e)
{
	enc_fini(e);
}

void enc_add_bytes(struct enc *e, struct view v)
{
	if (e->failed == ERR_OK) enc_note(e, enc_append(e, v));
}

void enc_add_text(struct enc *e, const char *text)
{
	REQUIRE(text != NULL);
	enc_add_bytes(e, view_str(text));
}

void enc_add_u64(struct enc *e, uint64_t v)
{
	uint8_t bytes[8];
	store_be64(bytes, v);
	enc_add_bytes(e, VIEW_OF(bytes));
}

void enc_add_id(struct enc *e, const struct id *id)
{
	enc_add_bytes(e, id_view(id));
}

void enc_add_hash(struct enc *e, const struct hash32 *h)
{
	enc_add_bytes(e, hash_view(h));
}

enum err enc_end(const struct enc *e, struct view *ret_bytes)
{
	ENSURE(e->failed == ERR_OK, e->failed);
	*ret_bytes = buf_view(&e->buf);
	return ERR_OK;
}

void enc_read_begin(struct enc_reader *r, struct view in, const char *label)
{
	*r = (struct enc_reader){ .in = in, .failed = ERR_OK };
	if (in.len > ENC_BYTES_MAX) r->failed = ERR_BAD_FORMAT;
	const struct view want = view_str(label);
	const struct view got = enc_read_bytes(r, want.len, want.len);
	if (r->failed == ERR_OK && !view_equal(want, got)) r->failed = ERR_BAD_FORMAT;
}

/* Length of the field at `at`, or false when it does not lie inside the input. */
static bool enc_peek(const struct enc_reader *r, size_t at, size_t *ret_len)
{
	if (r->in.len - at < ENC_HEAD_BYTES) return false;
	const size_t len = load_be32(r->in.p + at);
	if (r->in.len - at - ENC_HEAD_BYTES < len) return false;
	*ret_len = len;
	return true;
}

struct view enc_read_bytes(struct enc_reader *r, size_t min, size_t max)
{
	size_t len = 0;
	if (r->failed != ERR_OK) return VIEW_EMPTY;
	if (!enc_peek(r, r->at, &len) || len < min || len > max) {
		r->failed = ERR_BAD_FORMAT;
		return VIEW_EMPTY;
	}
	const struct view v = { r->in.p + r->at + ENC_HEAD_BYTES, len };
	r->at += ENC_HEAD_BYTES + len;
	return v;
}

void enc_read_exact(struct enc_reader *r, void *ret, size_t len)
{
	const struct view v = enc_read_bytes(r, len, len);
	if (r->failed == ERR_OK && len > 0) memcpy(ret, v.p, len);
}

uint64_t enc_read_u64(struct enc_reader *r)
{
	const struct view v = enc_read_bytes(r, 8, 8);
	return r->failed == ERR_OK ? load_be64(v.p) : 0;
}

struct id enc_read_id(struct enc_reader *r)
{
	struct id id = { 0 };
	enc_read_exact(r, id.b, sizeof(id.b));
	return id;
}

struct hash32 enc_read_hash(struct enc_reader *r)
{
	struct hash32 h = { 0 };
	enc_read_exact(r, h.b, sizeof(h.b));
	return h;
}

size_t enc_read_left(const struct enc_reader *r)
{
	if (r->failed != ERR_OK) return 0;
	size_t count = 0, len = 0;
	for (size_t at = r->at; at < r->in.len; at += ENC_HEAD_BYTES + len) {
		if (!enc_peek(r, at, &len)) return 0;
		count++;
	}
	return count;
}

enum err enc_read_end(const struct enc_reader *r)
{
	ENSURE(r->failed == ERR_OK, r->failed);
	ENSURE(r->at == r->in.len, ERR_BAD_FORMAT);
	return ERR_OK;
}
