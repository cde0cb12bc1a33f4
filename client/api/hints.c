#include "client/api/hints.h"

#include "base/check.h"
#include "record/guard_words.h"

#define SPANS_MAX                                                                                  \
	256u /* words beyond that are of codes that are told already, or too many to help */
#define KEYS_MAX 64u

static enum err put_hint(json_t *list, const char *key, enum guard_word word)
{
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "field", json_string(key)));
	TRY(json_put(object, "code", json_string(guard_word_name(word))));
	TRY(json_put(object, "asks_note", json_boolean(guard_word_asks_seal(word))));
	return json_put(object, "asks_safety", json_boolean(guard_word_asks_safety(word)));
}

static enum err look(struct verb *v, const char *key, json_t *list)
{
	struct guard_span spans[SPANS_MAX];
	const json_t *value = json_object_get(v->request, key);
	unsigned told = 0;
	size_t count = 0;

	if (!json_is_string(value)) return ERR_OK;
	TRY(guard_words_find(view_of(json_string_value(value), json_string_length(value)), spans,
			     SPANS_MAX, &count));
	for (size_t i = 0; i < count && i < SPANS_MAX; i++) {
		if ((told & (1u << spans[i].code)) != 0) continue;
		told |= 1u << spans[i].code;
		TRY(put_hint(list, key, (enum guard_word)spans[i].code));
	}
	return ERR_OK;
}

enum err hints_put(struct verb *v, const char *const *keys, size_t count)
{
	json_t *list = json_array();

	TRY(json_put(v->answer, "hints", list));
	for (size_t i = 0; i < count; i++) TRY(look(v, keys[i], list));
	return ERR_OK;
}

enum err hints_put_record(struct verb *v, const struct kind_info *info)
{
	const char *keys[KEYS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < info->field_count && count < KEYS_MAX; i++) {
		/* The key of a text is its name. */
		if (info->fields[i].format == FIELD_TEXT) keys[count++] = info->fields[i].name;
	}
	return hints_put(v, keys, count);
}
