/* vector_file: reads the vectors that tests/tools/vectors.py made: "case KIND NAME", lines
 * "field VALUE", an empty line. A value is hex, "-" for no bytes, or "#123".
 * A broken file fails the test. Used by the tests of crypt and seal. */
#pragma once

#include "base/buf.h"
#include "base/check.h"
#include "base/id.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "crypt/sign.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define VECTOR_FIELDS_MAX 48u
#define VECTOR_LINE_MAX 16384u

struct vector_field {
	char name[24];
	uint8_t *bytes; /* owned */
	size_t len;
	uint64_t number;
};

struct vector {
	char kind[24];
	char name[40];
	struct vector_field fields[VECTOR_FIELDS_MAX];
	size_t count;
};

static inline void vector_take_value(struct vector_field *f, const char *text)
{
	if (text[0] == '#') {
		char *end = NULL;
		f->number = strtoull(text + 1, &end, 10);
		assert_true(end != text + 1 && *end == '\0');
		return;
	}
	f->len = text[0] == '-' ? 0 : strlen(text) / 2;
	f->bytes = malloc(f->len + 1);
	assert_non_null(f->bytes);
	assert_int_equal(sodium_hex2bin(f->bytes, f->len + 1, text, 2 * f->len, NULL, NULL, NULL),
			 0);
	f->bytes[f->len] = '\0'; /* text values are C strings too */
}

static inline void vector_clear(struct vector *v)
{
	for (size_t i = 0; i < v->count; i++) free(v->fields[i].bytes);
	*v = (struct vector){ .count = 0 };
}

/* False at the end of the file. */
static inline bool vector_next(FILE *f, struct vector *v)
{
	static char line[VECTOR_LINE_MAX];
	vector_clear(v);
	while (fgets(line, sizeof(line), f) != NULL) {
		const size_t len = strcspn(line, "\n");
		assert_int_equal(line[len], '\n'); /* else the line was cut */
		line[len] = '\0';
		if (line[0] == '#') continue;
		if (line[0] == '\0') {
			if (v->kind[0] != '\0') return true;
			continue;
		}
		char *value = strchr(line, ' ');
		assert_non_null(value);
		*value++ = '\0';
		if (v->kind[0] == '\0') {
			assert_string_equal(line, "case");
			assert_int_equal(sscanf(value, "%23s %39s", v->kind, v->name), 2);
			continue;
		}
		assert_true(v->count < VECTOR_FIELDS_MAX);
		struct vector_field *field = &v->fields[v->count++];
		assert_true(strlen(line) < sizeof(field->name));
		memcpy(field->name, line, strlen(line) + 1);
		vector_take_value(field, value);
	}
	return v->kind[0] != '\0';
}

/* The n-th field of that name, NULL if there is none. */
static inline const struct vector_field *vector_find(const struct vector *v, const char *name,
						     size_t n)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->fields[i].name, name) == 0 && n-- == 0) return &v->fields[i];
	}
	return NULL;
}

_Noreturn static inline void vector_fail(const struct vector *v, const char *field)
{
	fail_msg("%s %s: %s is missing or differs", v->kind, v->name, field);
	abort(); /* fail_msg jumps away, but does not say so to the compiler */
}

static inline struct view vector_bytes(const struct vector *v, const char *name)
{
	const struct vector_field *f = vector_find(v, name, 0);
	if (f == NULL || f->bytes == NULL) vector_fail(v, name);
	return view_of(f->bytes, f->len);
}

static inline const char *vector_text(const struct vector *v, const char *name)
{
	return (const char *)vector_bytes(v, name).p;
}

static inline uint64_t vector_u64(const struct vector *v, const char *name)
{
	const struct vector_field *f = vector_find(v, name, 0);
	if (f == NULL || f->bytes != NULL) vector_fail(v, name);
	return f->number;
}

static inline void vector_copy(const struct vector *v, const char *name, void *ret, size_t len)
{
	const struct view b = vector_bytes(v, name);
	if (b.len != len) vector_fail(v, name);
	memcpy(ret, b.p, len);
}

static inline struct id vector_id(const struct vector *v, const char *name)
{
	struct id id = { { 0 } };
	vector_copy(v, name, id.b, sizeof(id.b));
	return id;
}

static inline struct hash32 vector_hash(const struct vector *v, const char *name)
{
	struct hash32 h = { { 0 } };
	vector_copy(v, name, h.b, sizeof(h.b));
	return h;
}

static inline struct secret *vector_secret(const struct vector *v, const char *name)
{
	struct secret *s = NULL;
	assert_int_equal(secret_new_copy(vector_bytes(v, name), &s), ERR_OK);
	return s;
}

/* The n-th field of that name as bytes; `ret` says whether there is one. */
static inline bool vector_nth(const struct vector *v, const char *name, size_t n, struct view *ret)
{
	const struct vector_field *f = vector_find(v, name, n);
	if (f == NULL) return false;
	if (f->bytes == NULL) vector_fail(v, name);
	*ret = view_of(f->bytes, f->len);
	return true;
}

static inline void vector_expect(const struct vector *v, const char *name, struct view got)
{
	const struct view want = vector_bytes(v, name);
	if (!view_equal(want, got)) vector_fail(v, name);
}

struct vector_kind {
	const char *kind;
	void (*check)(const struct vector *v);
	unsigned cases; /* that the file must hold */
};

/* Every case of the file goes to the check of its kind; kinds without one, and counts that differ
 * from the table, fail. */
static inline void vector_run_file(const char *file, const struct vector_kind *kinds, size_t count)
{
	char path[512];
	assert_true(snprintf(path, sizeof(path), "%s/vectors/%s", ROOMKEEP_TEST_DATA, file) > 0);
	FILE *f = fopen(path, "r");
	if (f == NULL) fail_msg("cannot open %s", path);
	unsigned seen[64] = { 0 };
	assert_true(count <= COUNT_OF(seen));
	static struct vector v;
	while (vector_next(f, &v)) {
		size_t k = 0;
		while (k < count && strcmp(kinds[k].kind, v.kind) != 0) k++;
		if (k == count) fail_msg("%s: nobody checks %s", file, v.kind);
		kinds[k].check(&v);
		seen[k]++;
	}
	for (size_t k = 0; k < count; k++) {
		if (seen[k] != kinds[k].cases) fail_msg("%u of %s", seen[k], kinds[k].kind);
	}
	vector_clear(&v);
	assert_int_equal(fclose(f), 0);
}
