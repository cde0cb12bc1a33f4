/* json: jansson as this program uses it: strict, and wiped when freed.
 *
 * Requests and answers hold patient text and, at sign-in, a passphrase; every byte jansson
 * allocates is overwritten before it is freed (SECURITY 2.14), and so is the text json_text_dump
 * made. Threads: json_start once, before any other thread; then values one thread at a time.
 * Errors:  ERR_BAD_FORMAT (not one JSON object), ERR_NOMEM, ERR_BAD_VALUE (wrong type). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/view.h"

#include <jansson.h>

/* Sets the wiping allocator, a random hash seed, and makes malloc overwrite what anybody frees
 * (mallopt(M_PERTURB)). Call first in main. */
void json_start(void);

/* One object, no duplicate keys, nothing behind it, no NUL in texts. */
MUST_USE enum err json_object_read(struct view text, json_t **ret_object);

/* Compact text; give it to json_text_free, which wipes it. */
MUST_USE enum err json_text_dump(const json_t *value, char **ret_text);
void json_text_free(char *text);
void json_text_freep(char **text); /* for CLEANUP */

/* Sets a new reference; NULL (memory ran out while making it) is ERR_NOMEM. */
MUST_USE enum err json_put(json_t *object, const char *key, json_t *value);
MUST_USE enum err json_put_text(json_t *object, const char *key, struct view text);
/* Lower-case UUID text; NULL gives null. */
MUST_USE enum err json_put_id(json_t *object, const char *key, const struct id *id);
/* RFC 3339 UTC with milliseconds; 0 gives null. */
MUST_USE enum err json_put_time(json_t *object, const char *key, uint64_t ms);

/* "2026-11-24T10:41:00.000Z" and back ("2026-11-24T10:41:00Z" and "+01:00" too). */
#define JSON_TIME_BYTES 25u
void json_time_print(uint64_t ms, char ret_text[JSON_TIME_BYTES]);
MUST_USE enum err json_time_parse(const char *text, uint64_t *ret_ms);

/* Thousandths as a number: 52000 is 52, 52500 is 52.5. A new reference, NULL without memory. */
json_t *json_milli(int64_t milli);
/* ERR_BAD_VALUE for what is no number, has a fourth digit behind the point or is out of all
 * bounds. */
MUST_USE enum err json_milli_read(const json_t *value, int64_t *ret_milli);

/* NULL when the key is absent or null or no text. */
const char *json_text_of(const json_t *object, const char *key);
