#include "crypt/codes.h"

#include "base/check.h"
#include "crypt/enc.h"

#define CODE_GROUP 4u
#define CODE_CHECK_CHARS 2u
#define CODE_RUNS_MAX 2u
#define CODE_CHARS_MAX ((CODE_BYTES_MAX * 8u + 4u) / 5u + CODE_RUNS_MAX + CODE_CHECK_CHARS)
#define CODE_TYPE_BYTES_MAX 32u
#define SYMBOL_NONE 32u

/* Crockford's alphabet: no I, L, O, U. */
static const char code_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

_Static_assert(sizeof(code_alphabet) == 33, "32 characters");
_Static_assert(CODE_TEXT_BYTES_MAX > 2u * CODE_CHARS_MAX, "a typed code with separators fits");

const char *code_fault_text(enum code_fault f)
{
	switch (f) {
#define CODE_FAULT_CASE(name, text)                                                                \
	case CODE_##name: return text;
		CODE_FAULT_MAP(CODE_FAULT_CASE)
#undef CODE_FAULT_CASE
	}
	return "the code is wrong";
}

/* Symbols (values 0..31) of one code, on their way in or out. */
struct symbols {
	uint8_t v[CODE_CHARS_MAX];
	size_t count;
};

static void symbols_wipe(struct symbols *s)
{
	secret_wipe(s, sizeof(*s));
}

static size_t symbols_for(size_t bytes)
{
	return (bytes * 8u + 4u) / 5u;
}

/* One run: big-endian bits, the last symbol filled up with zero bits. */
static void symbols_add_run(struct symbols *s, struct view bytes)
{
	uint32_t bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		bits = (bits << 8 | bytes.p[i]) & 0xfffu;
		for (have += 8; have >= 5; have -= 5) {
			INSIST(s->count < CODE_CHARS_MAX);
			s->v[s->count++] = (uint8_t)(bits >> (have - 5u) & 31u);
		}
	}
	if (have == 0) return;
	INSIST(s->count < CODE_CHARS_MAX);
	s->v[s->count++] = (uint8_t)(bits << (5 - have) & 31u);
}

/* Takes the symbols from `*at`; false when the bits behind the last byte are not zero. */
static bool symbols_take_run(const struct symbols *s, size_t *at, uint8_t *ret, size_t len)
{
	uint32_t bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < len; i++) {
		while (have < 8) {
			INSIST(*at < s->count);
			bits = (bits << 5 | s->v[(*at)++]) & 0xfffffu;
			have += 5;
		}
		have -= 8;
		ret[i] = (uint8_t)(bits >> have & 0xffu);
	}
	return (bits & ((1u << have) - 1u)) == 0;
}

static enum err code_check_symbols(const char *type, struct view bytes, uint8_t ret[2])
{
	REQUIRE(view_str(type).len > 0 && view_str(type).len <= CODE_TYPE_BYTES_MAX);
	CLEANUP(enc_finip) struct enc e;
	enc_begin_secret(&e, "crs1/code", 3 * ENC_HEAD_BYTES + 9 + CODE_TYPE_BYTES_MAX + bytes.len);
	enc_add_text(&e, type);
	enc_add_bytes(&e, bytes);
	struct hash32 h;
	TRY(hash_enc(&e, &h));
	ret[0] = (uint8_t)(h.b[0] >> 3);
	ret[1] = (uint8_t)(((unsigned)h.b[0] << 2 | (unsigned)h.b[1] >> 6) & 31u);
	return ERR_OK;
}

static enum err symbols_print(const struct symbols *s, struct secret **ret_text)
{
	const size_t separators = (s->count - 1) / CODE_GROUP;
	struct secret *text = NULL;
	TRY(secret_new(s->count + separators, &text));
	size_t at = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (i > 0 && i % CODE_GROUP == 0) text->p[at++] = '-';
		text->p[at++] = (uint8_t)code_alphabet[s->v[i]];
	}
	INSIST(at == text->len);
	*ret_text = text;
	return ERR_OK;
}

/* 0..31, or SYMBOL_NONE. */
static uint8_t symbol_of(uint8_t c)
{
	if (c >= 'a' && c <= 'z') c = (uint8_t)(c - 'a' + 'A');
	if (c == 'O') c = '0';
	if (c == 'I' || c == 'L') c = '1';
	for (uint8_t i = 0; i < SYMBOL_NONE; i++) {
		if ((uint8_t)code_alphabet[i] == c) return i;
	}
	return SYMBOL_NONE;
}

static bool symbol_is_separator(uint8_t c)
{
	return c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n';
}

/* Reads exactly `count` symbols. */
static enum code_fault symbols_read(struct view text, size_t count, struct symbols *ret)
{
	INSIST(count <= CODE_CHARS_MAX);
	if (text.len > CODE_TEXT_BYTES_MAX) return CODE_TOO_LONG;
	for (size_t i = 0; i < text.len; i++) {
		if (symbol_is_separator(text.p[i])) continue;
		const uint8_t v = symbol_of(text.p[i]);
		if (v == SYMBOL_NONE) return CODE_BAD_CHARACTER;
		if (ret->count == count) return CODE_TOO_LONG;
		ret->v[ret->count++] = v;
	}
	return ret->count < count ? CODE_TOO_SHORT : CODE_NONE;
}

static enum err code_refuse(enum code_fault fault, enum code_fault *ret_fault)
{
	if (ret_fault != NULL) *ret_fault = fault;
	return ERR_BAD_VALUE;
}

/* `bytes` as `runs` equal runs of base32, then the check over all of them. */
static enum err code_print_runs(const char *type, struct view bytes, size_t runs,
				struct secret **ret_text)
{
	REQUIRE(bytes.len >= 1 && bytes.len <= CODE_BYTES_MAX);
	INSIST(runs >= 1 && runs <= CODE_RUNS_MAX && bytes.len % runs == 0);
	const size_t run = bytes.len / runs;
	CLEANUP(symbols_wipe) struct symbols s = { .count = 0 };
	for (size_t i = 0; i < runs; i++) symbols_add_run(&s, view_of(bytes.p + i * run, run));
	uint8_t check[CODE_CHECK_CHARS];
	TRY(code_check_symbols(type, bytes, check));
	for (size_t i = 0; i < CODE_CHECK_CHARS; i++) s.v[s.count++] = check[i];
	return symbols_print(&s, ret_text);
}

static enum err code_parse_runs(const char *type, size_t bytes, size_t runs, struct view text,
				struct secret **ret_bytes, enum code_fault *ret_fault)
{
	REQUIRE(bytes >= 1 && bytes <= CODE_BYTES_MAX);
	INSIST(runs >= 1 && runs <= CODE_RUNS_MAX && bytes % runs == 0);
	const size_t run = bytes / runs;
	CLEANUP(symbols_wipe) struct symbols s = { .count = 0 };
	const enum code_fault fault =
		symbols_read(text, runs * symbols_for(run) + CODE_CHECK_CHARS, &s);
	if (fault != CODE_NONE) return code_refuse(fault, ret_fault);

	CLEANUP(secret_freep) struct secret *out = NULL;
	TRY(secret_new(bytes, &out));
	size_t at = 0;
	bool clean = true;
	for (size_t i = 0; i < runs; i++) {
		clean = symbols_take_run(&s, &at, out->p + i * run, run) && clean;
	}
	uint8_t check[CODE_CHECK_CHARS];
	TRY(code_check_symbols(type, secret_view(out), check));
	clean = clean && secret_equal_view(VIEW_OF(check), view_of(s.v + at, CODE_CHECK_CHARS));
	if (!clean) return code_refuse(CODE_BAD_CHECK, ret_fault);
	*ret_bytes = TAKE(out);
	return ERR_OK;
}

enum err code_print(const char *type, struct view bytes, struct secret **ret_text)
{
	return code_print_runs(type, bytes, 1, ret_text);
}

enum err code_parse(const char *type, size_t bytes, struct view text, struct secret **ret_bytes,
		    enum code_fault *ret_fault)
{
	return code_parse_runs(type, bytes, 1, text, ret_bytes, ret_fault);
}

enum err setup_code_print(const struct secret *s, const struct hash32 *server_spki,
			  struct secret **ret_text)
{
	REQUIRE(s->len == CODE_SPKI_BYTES);
	CLEANUP(secret_freep) struct secret *both = NULL;
	TRY(secret_new(2 * CODE_SPKI_BYTES, &both));
	memcpy(both->p, s->p, s->len);
	memcpy(both->p + s->len, server_spki->b, CODE_SPKI_BYTES);
	return code_print_runs("setup", secret_view(both), 2, ret_text);
}

enum err setup_code_parse(struct view text, struct setup_code *ret, enum code_fault *ret_fault)
{
	CLEANUP(secret_freep) struct secret *both = NULL;
	TRY(code_parse_runs("setup", 2 * CODE_SPKI_BYTES, 2, text, &both, ret_fault));
	struct setup_code c = { 0 };
	TRY(secret_new_copy(view_of(both->p, CODE_SPKI_BYTES), &c.s));
	memcpy(c.spki, both->p + CODE_SPKI_BYTES, CODE_SPKI_BYTES);
	*ret = c;
	return ERR_OK;
}

bool setup_code_names(const struct setup_code *c, const struct hash32 *peer_spki)
{
	return secret_equal_view(VIEW_OF(c->spki), view_of(peer_spki->b, CODE_SPKI_BYTES));
}

void setup_code_fini(struct setup_code *c)
{
	secret_free(c->s);
	*c = (struct setup_code){ 0 };
}

void setup_code_finip(struct setup_code *c)
{
	setup_code_fini(c);
}

enum err join_code_print(const struct secret *j, struct secret **ret_text)
{
	return code_print_runs("join", secret_view(j), 1, ret_text);
}

enum err join_code_parse(struct view text, struct secret **ret_j, enum code_fault *ret_fault)
{
	return code_parse_runs("join", CODE_SPKI_BYTES, 1, text, ret_j, ret_fault);
}

enum err base32_print(struct view bytes, struct secret **ret_text)
{
	REQUIRE(bytes.len >= 1 && bytes.len <= CODE_BYTES_MAX);
	CLEANUP(symbols_wipe) struct symbols s = { .count = 0 };
	symbols_add_run(&s, bytes);
	return symbols_print(&s, ret_text);
}

enum err base32_parse(struct view text, size_t bytes, struct secret **ret_bytes,
		      enum code_fault *ret_fault)
{
	REQUIRE(bytes >= 1 && bytes <= CODE_BYTES_MAX);
	CLEANUP(symbols_wipe) struct symbols s = { .count = 0 };
	const enum code_fault fault = symbols_read(text, symbols_for(bytes), &s);
	if (fault != CODE_NONE) return code_refuse(fault, ret_fault);
	CLEANUP(secret_freep) struct secret *out = NULL;
	TRY(secret_new(bytes, &out));
	size_t at = 0;
	if (!symbols_take_run(&s, &at, out->p, bytes)) {
		return code_refuse(CODE_BAD_CHECK, ret_fault);
	}
	*ret_bytes = TAKE(out);
	return ERR_OK;
}
