#include "client/api/json.h"

#include "base/check.h"
#include "base/rand.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Set when jansson got no memory: what it then says about the text is not so. */
static _Thread_local bool json_starved;

static void *json_malloc(size_t bytes)
{
	void *p = malloc(bytes);

	if (p == NULL) json_starved = true;
	return p;
}

static void json_free_wiped(void *p)
{
	if (p != NULL) explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void json_start(void)
{
	const struct rand_source rand = rand_system();

	/* Freed memory is overwritten by the allocator too: for the buffers of libraries. */
	err_ignore(mallopt(M_PERTURB, 0xa5) == 1 ? ERR_OK : ERR_IO); /* without it: only ours */
	json_set_alloc_funcs(json_malloc, json_free_wiped);
	json_object_seed((size_t)rand_u64(&rand) | 1u);
}

enum err json_object_read(struct view text, json_t **ret_object)
{
	json_error_t error;

	/* Nesting is bounded by jansson itself (JSON_PARSER_MAX_DEPTH, 2048). */
	json_starved = false;
	json_t *object = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL) return json_starved ? ERR_NOMEM : ERR_BAD_FORMAT;
	if (!json_is_object(object)) {
		json_decref(object);
		return ERR_BAD_FORMAT;
	}
	*ret_object = object;
	return ERR_OK;
}

enum err json_text_dump(const json_t *value, char **ret_text)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	ENSURE(text != NULL, ERR_NOMEM);
	*ret_text = text;
	return ERR_OK;
}

void json_text_free(char *text)
{
	json_free_wiped(text);
}

void json_text_freep(char **text)
{
	json_free_wiped(*text);
	*text = NULL;
}

enum err json_put(json_t *object, const char *key, json_t *value)
{
	ENSURE(value != NULL, ERR_NOMEM);
	ENSURE(json_object_set_new(object, key, value) == 0, ERR_NOMEM);
	return ERR_OK;
}

enum err json_put_text(json_t *object, const char *key, struct view text)
{
	return json_put(object, key,
			json_stringn(text.len > 0 ? (const char *)text.p : "", text.len));
}

enum err json_put_id(json_t *object, const char *key, const struct id *id)
{
	if (id == NULL) return json_put(object, key, json_null());
	char text[ID_TEXT_BYTES];
	id_print(id, text);
	return json_put(object, key, json_string(text));
}

enum err json_put_time(json_t *object, const char *key, uint64_t ms)
{
	if (ms == 0) return json_put(object, key, json_null());
	char text[JSON_TIME_BYTES];
	json_time_print(ms, text);
	return json_put(object, key, json_string(text));
}

void json_time_print(uint64_t ms, char ret_text[JSON_TIME_BYTES])
{
	const time_t seconds = (time_t)(ms / 1000u);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099) {
		(void)snprintf(ret_text, JSON_TIME_BYTES, "9999-12-31T23:59:59.999Z");
		return;
	}
	const int len = snprintf(ret_text, JSON_TIME_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
				 ((unsigned)tm.tm_year + 1900u) % 10000u,
				 (unsigned)tm.tm_mon % 12u + 1u, (unsigned)tm.tm_mday % 32u,
				 (unsigned)tm.tm_hour % 24u, (unsigned)tm.tm_min % 60u,
				 (unsigned)tm.tm_sec % 61u, (unsigned)(ms % 1000u));
	INSIST(len == (int)JSON_TIME_BYTES - 1);
}

/* The zone behind the seconds, in minutes east of Greenwich. */
static enum err json_zone_parse(const char *text, int *ret_minutes)
{
	if (text[0] == 'Z' && text[1] == '\0') {
		*ret_minutes = 0;
		return ERR_OK;
	}
	ENSURE(text[0] == '+' || text[0] == '-', ERR_BAD_VALUE);
	ENSURE(strlen(text) == 6 && text[3] == ':', ERR_BAD_VALUE);
	unsigned digits[6] = { 0 };
	for (size_t i = 1; i < 6; i++) {
		ENSURE(i == 3 || (text[i] >= '0' && text[i] <= '9'), ERR_BAD_VALUE);
		digits[i] = (unsigned)text[i] - (unsigned)'0';
	}
	const unsigned hours = digits[1] * 10u + digits[2];
	const unsigned minutes = digits[4] * 10u + digits[5];
	ENSURE(hours < 24 && minutes < 60, ERR_BAD_VALUE);
	const int sum = (int)(hours * 60u + minutes);
	*ret_minutes = text[0] == '-' ? -sum : sum;
	return ERR_OK;
}

enum err json_time_parse(const char *text, uint64_t *ret_ms)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	ENSURE(rest != NULL, ERR_BAD_VALUE);

	unsigned ms = 0;
	if (*rest == '.') {
		unsigned scale = 100;
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10) {
			ms += (unsigned)(*rest - '0') * scale;
		}
	}
	int zone_minutes = 0;
	TRY(json_zone_parse(rest, &zone_minutes));
	const time_t seconds = timegm(&tm) - (time_t)zone_minutes * 60;
	ENSURE(seconds > 0, ERR_BAD_VALUE);
	*ret_ms = (uint64_t)seconds * 1000u + ms;
	return ERR_OK;
}

json_t *json_milli(int64_t milli)
{
	if (milli % 1000 == 0) return json_integer((json_int_t)(milli / 1000));
	return json_real((double)milli / 1000.0);
}

enum err json_milli_read(const json_t *value, int64_t *ret_milli)
{
	ENSURE(json_is_number(value), ERR_BAD_VALUE);
	const double milli = json_number_value(value) * 1000.0;
	ENSURE(isfinite(milli) && fabs(milli) <= 1e12 && fabs(milli - round(milli)) <= 1e-4,
	       ERR_BAD_VALUE);
	*ret_milli = llround(milli);
	return ERR_OK;
}

const char *json_text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}
