#include "record/field_words.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/reflect.h"

#include <stdio.h>
#include <string.h>

static bool has_ending(const char *name, const char *ending)
{
	const size_t len = strlen(name);
	const size_t end = strlen(ending);
	return len > end && strcmp(name + len - end, ending) == 0;
}

void field_key(const struct field_rule *rule, char ret_key[FIELD_KEY_BYTES])
{
	const char *const name = rule->name;
	const bool is_time = rule->format == FIELD_TIME && has_ending(name, "_ms");
	const bool is_milli = rule->format == FIELD_NUMBER && has_ending(name, "_milli");
	const size_t cut = is_time ? 3 : is_milli ? 6 : 0;
	const int len = snprintf(ret_key, FIELD_KEY_BYTES, "%.*s%s", (int)(strlen(name) - cut),
				 name, is_time ? "_at" : "");
	INSIST(len > 0 && (size_t)len < FIELD_KEY_BYTES);
}

const struct field_rule *field_find_key(const struct kind_info *info, const char *key)
{
	char own[FIELD_KEY_BYTES];
	for (size_t i = 0; i < info->field_count; i++) {
		if (info->fields[i].format == FIELD_CLEARS) continue;
		field_key(&info->fields[i], own);
		if (strcmp(own, key) == 0) return &info->fields[i];
	}
	return NULL;
}

/* ---- enums ----------------------------------------------------------------------------------- */

static void word_of(const ProtobufCEnumValue *value, char ret_word[FIELD_WORD_BYTES])
{
	size_t i = 0;
	for (; value->name[i] != '\0'; i++) {
		const char c = value->name[i];
		INSIST(i + 1 < FIELD_WORD_BYTES);
		ret_word[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	ret_word[i] = '\0';
}

bool enum_word(const ProtobufCEnumDescriptor *type, int value, char ret_word[FIELD_WORD_BYTES])
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);
	if (found == NULL || value == 0) return false;
	word_of(found, ret_word);
	return true;
}

enum err enum_parse(const ProtobufCEnumDescriptor *type, const char *word, int *ret_value)
{
	char own[FIELD_WORD_BYTES];
	for (unsigned i = 0; i < type->n_values; i++) {
		if (type->values[i].value == 0) continue;
		word_of(&type->values[i], own);
		if (strcmp(own, word) != 0) continue;
		*ret_value = type->values[i].value;
		return ERR_OK;
	}
	return ERR_BAD_VALUE;
}

void enum_words(const ProtobufCEnumDescriptor *type, const char *between, char *out, size_t cap)
{
	char word[FIELD_WORD_BYTES];
	size_t at = 0;
	REQUIRE(cap > 0);
	out[0] = '\0';
	for (unsigned i = 0; i < type->n_values; i++) {
		if (type->values[i].value == 0) continue;
		word_of(&type->values[i], word);
		const int len = snprintf(out + at, cap - at, "%s%s", at > 0 ? between : "", word);
		INSIST(len > 0);
		if ((size_t)len >= cap - at) return;
		at += (size_t)len;
	}
}

const ProtobufCEnumDescriptor *field_enum(const struct kind_info *info,
					  const struct field_rule *rule)
{
	REQUIRE(rule->format == FIELD_ENUM || rule->format == FIELD_ENUMS);
	return reflect_field(info->message, rule->name)->descriptor;
}

/* ---- what is allowed ------------------------------------------------------------------------- */

static void allowed_words(const struct kind_info *info, const struct field_rule *rule, char *out,
			  size_t cap)
{
	const int len =
		rule->format == FIELD_ENUM
			? snprintf(out, cap, "one of ")
			: snprintf(out, cap, "at most %u, each once, of ", (unsigned)rule->max);
	INSIST(len > 0 && (size_t)len < cap);
	enum_words(field_enum(info, rule), ", ", out + len, cap - (size_t)len);
}

static void allowed_number(const struct field_rule *rule, char *out, size_t cap)
{
	const bool milli = rule->format == FIELD_NUMBER;
	if (milli && rule->max == 0) {
		(void)snprintf(out, cap, "a number with at most three digits behind the point");
	} else {
		(void)snprintf(out, cap, "%s from %g to %g", milli ? "a number" : "a whole number",
			       rule->min / (milli ? 1000.0 : 1.0),
			       rule->max / (milli ? 1000.0 : 1.0));
	}
}

void field_allowed_text(const struct kind_info *info, const struct field_rule *rule, char *out,
			size_t cap)
{
	switch (rule->format) {
	case FIELD_ENUM:
	case FIELD_ENUMS: allowed_words(info, rule, out, cap); return;
	case FIELD_COUNT:
	case FIELD_NUMBER: allowed_number(rule, out, cap); return;
	case FIELD_NAME:
		(void)snprintf(out, cap,
			       "one line of text, not empty, at most %u bytes, without control "
			       "characters or blanks at its ends",
			       (unsigned)rule->max);
		return;
	case FIELD_TEXT:
		(void)snprintf(out, cap,
			       "text in UTF-8, not empty, at most %u bytes, without control "
			       "characters but tab and newline",
			       (unsigned)rule->max);
		return;
	case FIELD_TEXTS:
		(void)snprintf(out, cap,
			       "at most %u lines of text, none empty or above %u bytes, without "
			       "control characters or blanks at their ends",
			       (unsigned)rule->max, NAME_BYTES_MAX);
		return;
	case FIELD_TIME:
		(void)snprintf(out, cap,
			       "a time as RFC 3339, such as 2026-11-24T10:41:00Z, from 2000 to "
			       "2100");
		return;
	case FIELD_ID: (void)snprintf(out, cap, "an id"); return;
	case FIELD_IDS:
		(void)snprintf(out, cap, "at most %u ids, each once", (unsigned)rule->max);
		return;
	case FIELD_DATE:
	case FIELD_CLOCK:
	case FIELD_PHONE:
	case FIELD_EMAIL:
	case FIELD_BYTES32:
	case FIELD_BYTES:
	case FIELD_BOOL:
	case FIELD_REF:
	case FIELD_UNIT:
	case FIELD_CLEARS: break;
	}
	(void)snprintf(out, cap, "%s", field_format_allowed(rule->format));
}
