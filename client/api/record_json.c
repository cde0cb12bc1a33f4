#include "client/api/record_json.h"

#include "base/check.h"
#include "cli/words.h"
#include "record/reflect.h"
#include "record/text.h"
#include "wire/op.h"

#include <stdio.h>
#include <string.h>

/* ---- failing in words ---------------------------------------------------------------------- */

static enum err fail_field(struct verb *v, const struct kind_info *info,
			   const struct field_rule *rule, enum err e)
{
	char allowed[FAULT_TEXT_BYTES];
	char key[FIELD_KEY_BYTES];

	field_key(rule, key);
	field_allowed_text(info, rule, allowed, sizeof(allowed));
	return fault_set(&v->fault, e, NULL, "%s: %s", key, allowed);
}

enum err record_fail(struct verb *v, const struct kind_info *info, enum err e,
		     const struct record_error *error)
{
	const struct field_rule *rule =
		error->err == ERR_OK || error->field == NULL
			? NULL
			: field_find(info->fields, info->field_count, error->field);

	if (e == ERR_DENIED) {
		return fault_set(&v->fault, e, NULL, "you may not write %s",
				 info->many != NULL ? info->many : info->one);
	}
	if (rule != NULL && field_error_is_of_rule(error, rule)) {
		return fail_field(v, info, rule, e);
	}
	return verb_fail_record(v, e, error);
}

/* "no field "txet" in alert" and the one that was meant, or all of them. */
static enum err fail_key(struct verb *v, const struct kind_info *info, const char *typed)
{
	const struct field_rule *meant = NULL;
	unsigned best = WORDS_NOTHING;
	char keys[FAULT_TEXT_BYTES] = { 0 };
	char key[FIELD_KEY_BYTES];
	size_t at = 0;

	err_ignore(fault_set(&v->fault, ERR_USAGE, "usage", "no field \"%.40s\" in %s", typed,
			     info->name));
	for (size_t i = 0; i < info->field_count && at < sizeof(keys); i++) {
		if (info->fields[i].format == FIELD_CLEARS) continue;
		field_key(&info->fields[i], key);
		if (words_near(typed, key) < best) {
			best = words_near(typed, key);
			meant = &info->fields[i];
		}
		at += (size_t)snprintf(keys + at, sizeof(keys) - at, "%s%s", at > 0 ? ", " : "",
				       key);
	}
	if (meant == NULL) return fault_hint(&v->fault, "It has %s", keys);
	field_key(meant, key);
	return fault_hint(&v->fault, "Did you mean %s?", key);
}

/* ---- from JSON ----------------------------------------------------------------------------- */

/* One line: in its normal form, as names are stored. */
static enum err read_line(struct arena *a, const json_t *value, char **ret_text)
{
	CLEANUP(buf_finip) struct buf normal = { 0 };
	union {
		const uint8_t *in;
		char *out;
	} cast;

	ENSURE(json_is_string(value), ERR_BAD_VALUE);
	const enum err e = text_normalise_name(view_str(json_string_value(value)), &normal);
	if (e == ERR_OK) cast.in = arena_dup(a, buf_view(&normal)).p;
	buf_wipe(&normal);
	TRY(e);
	ENSURE(cast.in != NULL, ERR_NOMEM);
	*ret_text = cast.out;
	return ERR_OK;
}

static enum err read_text(const struct field_rule *rule, struct arena *a, const json_t *value,
			  char **ret_text)
{
	ENSURE(json_is_string(value), ERR_BAD_VALUE);
	if (rule->format == FIELD_NAME) return read_line(a, value, ret_text);
	*ret_text = wire_text(json_string_value(value));
	return ERR_OK;
}

static enum err read_id(struct arena *a, const json_t *value, ProtobufCBinaryData *ret)
{
	struct id id;

	ENSURE(json_is_string(value), ERR_BAD_VALUE);
	TRY(id_parse(view_str(json_string_value(value)), &id));
	uint8_t *bytes = arena_alloc(a, ID_BYTES);
	ENSURE(bytes != NULL, ERR_NOMEM);
	memcpy(bytes, id.b, ID_BYTES);
	*ret = (ProtobufCBinaryData){ ID_BYTES, bytes };
	return ERR_OK;
}

static enum err read_word(const ProtobufCEnumDescriptor *type, const json_t *value, int *ret)
{
	ENSURE(json_is_string(value), ERR_BAD_VALUE);
	return enum_parse(type, json_string_value(value), ret);
}

static enum err read_number(const struct field_rule *rule, const json_t *value, uint64_t *ret)
{
	ENSURE(json_is_integer(value) && json_integer_value(value) >= 0, ERR_BAD_VALUE);
	*ret = (uint64_t)json_integer_value(value);
	ENSURE(*ret >= rule->min && *ret <= rule->max, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err read_list(const struct kind_info *info, const struct field_rule *rule,
			  struct arena *a, const json_t *value, ProtobufCMessage *m)
{
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	const size_t count = json_array_size(value);

	ENSURE(json_is_array(value) && count <= rule->max, ERR_BAD_VALUE);
	uint8_t *elements = arena_alloc(a, (count + 1) * reflect_size(f));
	ENSURE(elements != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(value, i);
		union {
			int word;
			char *text;
			ProtobufCBinaryData id;
		} read;
		if (rule->format == FIELD_ENUMS) {
			TRY(read_word(f->descriptor, one, &read.word));
		} else if (rule->format == FIELD_TEXTS) {
			TRY(read_line(a, one, &read.text));
		} else {
			TRY(read_id(a, one, &read.id));
		}
		memcpy(elements + i * reflect_size(f), &read, reflect_size(f));
	}
	reflect_put_list(m, f, elements, count);
	return ERR_OK;
}

/* A number or a yes or no; its size in the struct says how much of `ret` counts. */
union scalar {
	uint64_t u64;
	int64_t i64;
	uint32_t u32;
	protobuf_c_boolean yes;
	int word;
	char *text;
	ProtobufCBinaryData id;
};

static enum err read_scalar(const struct kind_info *info, const struct field_rule *rule,
			    struct arena *a, const json_t *value, union scalar *ret)
{
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	uint64_t number = 0;

	switch (rule->format) {
	case FIELD_ID: return read_id(a, value, &ret->id);
	case FIELD_ENUM: return read_word(f->descriptor, value, &ret->word);
	case FIELD_TIME:
		ENSURE(json_is_string(value), ERR_BAD_VALUE);
		return json_time_parse(json_string_value(value), &ret->u64);
	case FIELD_NUMBER: return json_milli_read(value, &ret->i64);
	case FIELD_COUNT:
		TRY(read_number(rule, value, &number));
		if (reflect_size(f) == sizeof(ret->u32)) {
			ret->u32 = (uint32_t)number;
		} else {
			ret->u64 = number;
		}
		return ERR_OK;
	case FIELD_BOOL:
		ENSURE(json_is_boolean(value), ERR_BAD_VALUE);
		ret->yes = json_is_true(value);
		return ERR_OK;
	case FIELD_NAME:
	case FIELD_TEXT:
	case FIELD_DATE:
	case FIELD_CLOCK:
	case FIELD_PHONE:
	case FIELD_EMAIL:
	case FIELD_REF:
	case FIELD_UNIT: return read_text(rule, a, value, &ret->text);
	case FIELD_IDS:
	case FIELD_ENUMS:
	case FIELD_TEXTS:
	case FIELD_BYTES:
	case FIELD_BYTES32:
	case FIELD_CLEARS: break;
	}
	return ERR_BUG; /* plain_test: no plain record has another format */
}

static enum err read_field(struct verb *v, const struct kind_info *info,
			   const struct field_rule *rule, struct arena *a, const json_t *value,
			   ProtobufCMessage *m)
{
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	union scalar scalar = { 0 };
	enum err e;

	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		e = read_list(info, rule, a, value, m);
	} else {
		e = read_scalar(info, rule, a, value, &scalar);
		if (e == ERR_OK) reflect_put(m, f, &scalar, reflect_size(f));
	}
	return e == ERR_OK || e == ERR_NOMEM ? e : fail_field(v, info, rule, e);
}

static enum err read_clear(struct verb *v, const struct kind_info *info, struct arena *a,
			   const json_t *list, ProtobufCMessage *m)
{
	const size_t count = json_array_size(list);
	uint32_t *numbers = arena_alloc(a, (count + 1) * sizeof(*numbers));

	ENSURE(numbers != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) {
		const char *key = json_string_value(json_array_get(list, i));
		const struct field_rule *rule = key == NULL ? NULL : field_find_key(info, key);
		if (key != NULL && rule == NULL) return fail_key(v, info, key);
		if (rule == NULL || rule->need != FIELD_OPTIONAL) {
			return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
					 RECORD_CLEAR_KEY ": keys of fields that may be empty");
		}
		numbers[i] = reflect_field(info->message, rule->name)->id;
	}
	reflect_put_list(m, reflect_field(info->message, "clears"), numbers, count);
	return ERR_OK;
}

enum err record_from_json(struct verb *v, const struct kind_info *info, struct arena *a,
			  ProtobufCMessage *m)
{
	const char *key;
	json_t *value;

	json_object_foreach(v->request, key, value)
	{
		const struct field_rule *rule = field_find_key(info, key);
		if (json_is_null(value)) continue;
		if (rule == NULL && strcmp(key, RECORD_CLEAR_KEY) == 0 &&
		    info->merge == KIND_MERGE_FIELDS) {
			TRY(read_clear(v, info, a, value, m));
		} else if (rule == NULL) {
			return fail_key(v, info, key);
		} else {
			TRY(read_field(v, info, rule, a, value, m));
		}
	}
	return ERR_OK;
}

enum err record_need_fields(struct verb *v, const struct kind_info *info, const char *made_here)
{
	char allowed[FAULT_TEXT_BYTES];
	char key[FIELD_KEY_BYTES];

	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->need == FIELD_OPTIONAL || strcmp(rule->name, made_here) == 0) continue;
		field_key(rule, key);
		if (verb_has(v, key)) continue;
		field_allowed_text(info, rule, allowed, sizeof(allowed));
		return fault_set(&v->fault, ERR_USAGE, "usage", "%s is missing: %s", key, allowed);
	}
	return ERR_OK;
}

/* ---- to JSON ------------------------------------------------------------------------------- */

static json_t *id_json(const ProtobufCBinaryData *bytes)
{
	struct id id = { 0 };
	char text[ID_TEXT_BYTES];

	if (id_from_view(view_of(bytes->data, bytes->len), &id) != ERR_OK) return json_null();
	id_print(&id, text);
	return json_string(text);
}

static json_t *word_json(const ProtobufCFieldDescriptor *f, int value)
{
	char word[FIELD_WORD_BYTES];

	return enum_word(f->descriptor, value, word) ? json_string(word) : json_null();
}

static json_t *list_json(const struct field_rule *rule, const ProtobufCFieldDescriptor *f,
			 const ProtobufCMessage *m)
{
	json_t *list = json_array();
	const void *elements;
	const size_t count = reflect_list(m, f, &elements);

	for (size_t i = 0; i < count && list != NULL; i++) {
		json_t *one = NULL;
		if (rule->format == FIELD_ENUMS) one = word_json(f, ((const int *)elements)[i]);
		if (rule->format == FIELD_TEXTS) one = json_string(((char *const *)elements)[i]);
		if (rule->format == FIELD_IDS)
			one = id_json(&((const ProtobufCBinaryData *)elements)[i]);
		if (json_array_append_new(list, one) == 0) continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *time_json(uint64_t ms)
{
	char text[JSON_TIME_BYTES];

	json_time_print(ms, text);
	return json_string(text);
}

/* NULL: no memory. */
static json_t *field_json(const struct field_rule *rule, const ProtobufCFieldDescriptor *f,
			  const ProtobufCMessage *m)
{
	union scalar value = { 0 };

	if (f->label == PROTOBUF_C_LABEL_REPEATED) return list_json(rule, f, m);
	if (!reflect_is_set(m, f)) return json_null();
	reflect_get(m, f, &value, reflect_size(f));
	if (f->type == PROTOBUF_C_TYPE_BYTES) return id_json(&value.id);
	if (f->type == PROTOBUF_C_TYPE_STRING) return json_string(value.text);
	if (f->type == PROTOBUF_C_TYPE_ENUM) return word_json(f, value.word);
	if (f->type == PROTOBUF_C_TYPE_BOOL) return json_boolean(value.yes);
	if (f->type == PROTOBUF_C_TYPE_SINT64) return json_milli(value.i64);
	if (f->type == PROTOBUF_C_TYPE_UINT32) return json_integer((json_int_t)value.u32);
	if (rule->format == FIELD_TIME) return time_json(value.u64);
	return json_integer((json_int_t)value.u64);
}

static enum err put_fields(json_t *object, const struct kind_info *info, const ProtobufCMessage *m,
			   bool only_set)
{
	char key[FIELD_KEY_BYTES];

	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
		if (rule->format == FIELD_CLEARS || (only_set && !reflect_is_set(m, f))) continue;
		field_key(rule, key);
		TRY(json_put(object, key, field_json(rule, f, m)));
	}
	return ERR_OK;
}

enum err record_to_json(json_t *object, const struct kind_info *info, const ProtobufCMessage *m)
{
	return put_fields(object, info, m, false);
}

enum err record_change_to_json(json_t *object, const struct kind_info *info,
			       const ProtobufCMessage *m)
{
	json_t *list = json_array();
	const void *elements = NULL;
	size_t count = 0;
	char key[FIELD_KEY_BYTES];

	TRY(json_put(object, "cleared", list));
	if (info->merge == KIND_MERGE_FIELDS) {
		count = reflect_list(m, reflect_field(info->message, "clears"), &elements);
	}
	for (size_t i = 0; i < count; i++) {
		const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(
			info->message, ((const uint32_t *)elements)[i]);
		field_key(field_find(info->fields, info->field_count, f->name), key);
		ENSURE(json_array_append_new(list, json_string(key)) == 0, ERR_NOMEM);
	}
	return put_fields(object, info, m, true);
}
