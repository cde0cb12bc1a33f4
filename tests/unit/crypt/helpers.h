/* helpers: short ways to make ids, keys and expectations in the tests of crypt and seal. */
#pragma once

#include "base/buf.h"
#include "base/check.h"
#include "base/id.h"
#include "crypt/hash.h"
#include "crypt/sealed_box.h"
#include "crypt/secret.h"
#include "crypt/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_ok(call) assert_string_equal(err_name(call), err_name(ERR_OK))
#define assert_err(call, want) assert_string_equal(err_name(call), err_name(want))

static inline struct id test_id(uint8_t fill)
{
	struct id id;
	for (size_t i = 0; i < ID_BYTES; i++) id.b[i] = fill;
	return id;
}

static inline struct hash32 test_hash(uint8_t fill)
{
	struct hash32 h;
	for (size_t i = 0; i < HASH_BYTES; i++) h.b[i] = fill;
	return h;
}

/* `len` bytes counting up from `first`, as the anchor's inputs are written (40..5f). */
static inline struct secret *test_secret(uint8_t first, size_t len)
{
	struct secret *s = NULL;
	assert_ok(secret_new(len, &s));
	for (size_t i = 0; i < len; i++) s->p[i] = (uint8_t)(first + i);
	return s;
}

static inline struct id test_id_up(uint8_t first)
{
	struct id id;
	for (size_t i = 0; i < ID_BYTES; i++) id.b[i] = (uint8_t)(first + i);
	return id;
}

static inline struct sign_key test_sign_key(uint8_t first)
{
	struct secret *seed = test_secret(first, KEY_BYTES);
	struct sign_key k = { 0 };
	assert_ok(sign_key_from_seed(seed, &k));
	secret_free(seed);
	return k;
}

static inline struct box_key test_box_key(uint8_t first)
{
	struct secret *sk = test_secret(first, KEY_BYTES);
	struct box_key k = { 0 };
	assert_ok(box_key_from_sk(sk, &k));
	secret_free(sk);
	return k;
}

static inline void test_expect_hex(struct view got, const char *want)
{
	char text[1024];
	assert_true(got.len * 2 < sizeof(text));
	for (size_t i = 0; i < got.len; i++) {
		assert_int_equal(snprintf(text + 2 * i, 3, "%02x", got.p[i]), 2);
	}
	text[2 * got.len] = '\0';
	assert_string_equal(text, want);
}

/* Calls `refuses(bytes, ctx)` with each byte changed (two ways), each truncation, and one byte
 * more; the callee asserts that it is refused. */
static inline void test_each_damage(struct view good, void (*refuses)(struct view bad, void *ctx),
				    void *ctx)
{
	uint8_t *copy = malloc(good.len + 1);
	assert_non_null(copy);
	memcpy(copy, good.p, good.len);
	for (size_t i = 0; i < good.len; i++) {
		copy[i] = (uint8_t)(good.p[i] ^ 1u << (i % 8));
		refuses(view_of(copy, good.len), ctx);
		copy[i] = (uint8_t)~good.p[i];
		refuses(view_of(copy, good.len), ctx);
		copy[i] = good.p[i];
	}
	for (size_t len = 0; len < good.len; len++) refuses(view_of(copy, len), ctx);
	copy[good.len] = 0;
	refuses(view_of(copy, good.len + 1), ctx);
	free(copy);
}

static inline int test_start_crypt(void **state)
{
	(void)state;
	return crypt_init() == ERR_OK ? 0 : 1;
}
