#include "record/fields.h"

#include "base/check.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/reflect.h"
#include "record/text.h"

#include <stdlib.h>

#define DATE_TEXT_BYTES 10u
#define CLOCK_TEXT_BYTES 5u
#define DATE_YEAR_MIN 1880u
#define DATE_YEAR_MAX 2100u
#define FIELD_HASH_BYTES 32u
#define FIELD_PHONE_DIGITS_MIN 3u
#define FIELD_EMAIL_LOCAL_BYTES_MAX 64u /* RFC 5321 4.5.3.1.1 */

static const char *const field_allowed[] = {
	[FIELD_ID] = "an id of 16 bytes, not all zero",
	[FIELD_IDS] = "ids of 16 bytes, each once, not more than the limit",
	[FIELD_NAME] = "one line of text without control characters or blanks at its ends",
	[FIELD_TEXT] = "text in UTF-8 without control characters but tab and newline",
	[FIELD_DATE] = "a day that exists, as YYYY-MM-DD, from 1880 to 2100",
	[FIELD_CLOCK] = "a time of the day, as HH:MM, from 00:00 to 24:00",
	[FIELD_PHONE] = "a phone number: digits, blanks and + ( ) - . / # x",
	[FIELD_EMAIL] = "an e-mail address like name@example.org",
	[FIELD_ENUM] = "one of the known values",
	[FIELD_ENUMS] = "known values, each once, not more than the limit",
	[FIELD_TEXTS] = "lines of text, none empty or too long, not more than the limit",
	[FIELD_TIME] = "a time from the year 2000 to 2100",
	[FIELD_BYTES32] = "exactly 32 bytes",
	[FIELD_BYTES] = "bytes of the right length",
	[FIELD_COUNT] = "a number within the limits",
	[FIELD_NUMBER] = "a number",
	[FIELD_BOOL] = "yes or no",
	[FIELD_REF] = "an id of the catalogue",
	[FIELD_UNIT] = "a unit of the catalogue",
	[FIELD_CLEARS] = "fields that may be empty, each once, and not set by the same change",
};

static const char field_shorter[] = "a shorter text";
static const char field_not_empty[] = "a text that is not empty";
static const char field_required[] = "this field is required";

enum err field_fail(struct record_error *error, enum err err, const char *field,
		    const char *allowed)
{
	REQUIRE(err != ERR_OK && allowed != NULL);
	if (error != NULL) *error = (struct record_error){ err, field, allowed };
	return err;
}

static enum err field_fail_rule(struct record_error *error, enum err err,
				const struct field_rule *rule)
{
	return field_fail(error, err, rule->name, field_allowed[rule->format]);
}

const char *field_format_allowed(enum field_format format)
{
	return field_allowed[format];
}

bool field_error_is_of_rule(const struct record_error *error, const struct field_rule *rule)
{
	const char *const allowed = error->allowed;
	return allowed == field_allowed[rule->format] || allowed == field_shorter ||
	       allowed == field_not_empty || allowed == field_required;
}

const struct field_rule *field_find(const struct field_rule *rules, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rules[i].name, name) == 0) return &rules[i];
	}
	return NULL;
}

/* ---- dates ----------------------------------------------------------------------------------- */

static bool date_is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned date_month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && date_is_leap(year) ? 1u : 0u);
}

static enum err date_digits(const uint8_t *p, size_t count, unsigned *ret_value)
{
	unsigned value = 0;
	for (size_t i = 0; i < count; i++) {
		ENSURE(p[i] >= '0' && p[i] <= '9', ERR_BAD_VALUE);
		value = value * 10 + (unsigned)(p[i] - '0');
	}
	*ret_value = value;
	return ERR_OK;
}

enum err date_parse(struct view text, struct date *ret_date)
{
	ENSURE(text.len == DATE_TEXT_BYTES, ERR_BAD_VALUE);
	ENSURE(text.p[4] == '-' && text.p[7] == '-', ERR_BAD_VALUE);
	struct date d;
	TRY(date_digits(text.p, 4, &d.year));
	TRY(date_digits(text.p + 5, 2, &d.month));
	TRY(date_digits(text.p + 8, 2, &d.day));
	ENSURE(d.year >= DATE_YEAR_MIN && d.year <= DATE_YEAR_MAX, ERR_BAD_VALUE);
	ENSURE(d.month >= 1 && d.month <= 12, ERR_BAD_VALUE);
	ENSURE(d.day >= 1 && d.day <= date_month_days(d.year, d.month), ERR_BAD_VALUE);
	*ret_date = d;
	return ERR_OK;
}

enum err clock_parse(struct view text, uint32_t *ret_minutes)
{
	unsigned hour = 0;
	unsigned minute = 0;
	ENSURE(text.len == CLOCK_TEXT_BYTES && text.p[2] == ':', ERR_BAD_VALUE);
	TRY(date_digits(text.p, 2, &hour));
	TRY(date_digits(text.p + 3, 2, &minute));
	ENSURE(hour < 24 || (hour == 24 && minute == 0), ERR_BAD_VALUE);
	ENSURE(minute < 60, ERR_BAD_VALUE);
	*ret_minutes = hour * 60 + minute;
	return ERR_OK;
}

int64_t date_days(const struct date *d)
{
	REQUIRE(d->year >= 1 && d->month >= 1 && d->month <= 12);
	const int64_t before = (int64_t)d->year - 1; /* whole years since the year 1 */
	int64_t days = before * 365 + before / 4 - before / 100 + before / 400;
	for (unsigned m = 1; m < d->month; m++) days += date_month_days(d->year, m);
	days += d->day - 1;
	return days - 719162; /* 0001-01-01 .. 1970-01-01 */
}

/* Dates are written so that the later one is the greater text. */
enum err field_check_order(const char *earlier, const char *later, const char *field,
			   struct record_error *error)
{
	if (earlier == NULL || later == NULL || strcmp(earlier, later) <= 0) return ERR_OK;
	return field_fail(error, ERR_BAD_VALUE, field, "a day that is not before it began");
}

/* ---- texts ----------------------------------------------------------------------------------- */

static enum err field_check_phone(struct view text)
{
	size_t digits = 0;
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.p[i];
		if (c >= '0' && c <= '9') {
			digits++;
		} else {
			ENSURE(c != 0 && strchr("+()-./ #x", c) != NULL, ERR_BAD_VALUE);
		}
	}
	ENSURE(text.len == 0 || digits >= FIELD_PHONE_DIGITS_MIN, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err field_check_email(struct view text)
{
	if (text.len == 0) return ERR_OK;
	const uint8_t *at = memchr(text.p, '@', text.len);
	ENSURE(at != NULL, ERR_BAD_VALUE);
	const size_t local = (size_t)(at - text.p);
	const size_t domain = text.len - local - 1;
	ENSURE(local > 0 && local <= FIELD_EMAIL_LOCAL_BYTES_MAX && domain > 0, ERR_BAD_VALUE);
	ENSURE(memchr(at + 1, '@', domain) == NULL, ERR_BAD_VALUE);
	ENSURE(at[1] != '.' && at[domain] != '.', ERR_BAD_VALUE);
	for (size_t i = 0; i < text.len; i++) {
		/* No blank, and nothing that ends an address in a list of them. */
		ENSURE(text.p[i] != 0 && strchr(" <>,;:\"\\()", text.p[i]) == NULL, ERR_BAD_VALUE);
	}
	return ERR_OK;
}

static enum err field_check_word(struct view text, const char *allowed)
{
	ENSURE(text.len > 0, ERR_BAD_VALUE);
	for (size_t i = 0; i < text.len; i++) {
		ENSURE(text.p[i] != 0 && strchr(allowed, text.p[i]) != NULL, ERR_BAD_VALUE);
	}
	return ERR_OK;
}

static enum err field_check_format(enum field_format format, struct view text)
{
	struct date date;
	uint32_t minutes;
	switch (format) {
	case FIELD_TEXT: return text_check(text, TEXT_MANY_LINES);
	case FIELD_NAME:
		TRY(text_check(text, TEXT_ONE_LINE));
		ENSURE(text_is_trimmed(text), ERR_BAD_VALUE);
		return ERR_OK;
	case FIELD_DATE: return date_parse(text, &date);
	case FIELD_CLOCK: return clock_parse(text, &minutes);
	case FIELD_PHONE: return field_check_phone(text);
	case FIELD_EMAIL: TRY(text_check(text, TEXT_ONE_LINE)); return field_check_email(text);
	case FIELD_REF: return field_check_word(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
	case FIELD_UNIT: return field_check_word(text, "abcdefghijklmnopqrstuvwxyz%");
	case FIELD_ID:
	case FIELD_IDS:
	case FIELD_ENUM:
	case FIELD_ENUMS:
	case FIELD_TEXTS:
	case FIELD_TIME:
	case FIELD_BYTES32:
	case FIELD_BYTES:
	case FIELD_COUNT:
	case FIELD_NUMBER:
	case FIELD_BOOL:
	case FIELD_CLEARS: break;
	}
	const bool is_text_format = false;
	REQUIRE(is_text_format);
	return ERR_BUG;
}

enum err field_check_text(const struct field_rule *rule, struct view text,
			  struct record_error *ret_error)
{
	if (text.len > rule->max) {
		return field_fail(ret_error, ERR_TOO_BIG, rule->name, field_shorter);
	}
	if (text.len < rule->min) {
		return field_fail(ret_error, ERR_BAD_VALUE, rule->name, field_not_empty);
	}
	const enum err e = field_check_format(rule->format, text);
	return e == ERR_OK ? ERR_OK : field_fail_rule(ret_error, e, rule);
}

/* ---- values of a message --------------------------------------------------------------------- */

static enum err field_check_id(ProtobufCBinaryData bytes)
{
	struct id id;
	TRY(id_from_view(view_of(bytes.data, bytes.len), &id));
	ENSURE(!id_is_zero(&id), ERR_BAD_VALUE);
	return ERR_OK;
}

static int field_compare_ids(const void *a, const void *b)
{
	const ProtobufCBinaryData *x = a;
	const ProtobufCBinaryData *y = b;
	return memcmp(x->data, y->data, ID_BYTES);
}

/* Sorted in a copy to find doubles: the list may be COVERED_MAX long. */
static enum err field_check_ids(const ProtobufCBinaryData *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) TRY(field_check_id(ids[i]));

	ProtobufCBinaryData *sorted = malloc(count * sizeof(*sorted));
	ENSURE(sorted != NULL, ERR_NOMEM);
	memcpy(sorted, ids, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), field_compare_ids);
	bool twice = false;
	for (size_t i = 1; i < count; i++) {
		if (field_compare_ids(&sorted[i - 1], &sorted[i]) == 0) twice = true;
	}
	free(sorted);
	ENSURE(!twice, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err field_check_bytes(ProtobufCBinaryData bytes, const struct field_rule *rule)
{
	if (rule->format == FIELD_ID) return field_check_id(bytes);
	if (rule->format == FIELD_BYTES32) {
		ENSURE(bytes.len == FIELD_HASH_BYTES, ERR_BAD_FORMAT);
		return ERR_OK;
	}
	INSIST(rule->format == FIELD_BYTES);
	ENSURE(bytes.len <= rule->max, ERR_TOO_BIG);
	ENSURE(bytes.len >= rule->min, ERR_BAD_FORMAT);
	return ERR_OK;
}

static enum err field_check_enum(int value, const ProtobufCFieldDescriptor *f)
{
	ENSURE(value != 0, ERR_BAD_VALUE);
	ENSURE(protobuf_c_enum_descriptor_get_value(f->descriptor, value) != NULL, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err field_check_enums(const int *values, size_t count,
				  const ProtobufCFieldDescriptor *f)
{
	for (size_t i = 0; i < count; i++) {
		TRY(field_check_enum(values[i], f));
		for (size_t k = 0; k < i; k++) ENSURE(values[k] != values[i], ERR_BAD_VALUE);
	}
	return ERR_OK;
}

static enum err field_check_texts(char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct view text = view_str(texts[i]);
		ENSURE(text.len <= NAME_BYTES_MAX, ERR_TOO_BIG);
		ENSURE(text.len > 0, ERR_BAD_VALUE);
		TRY(field_check_format(FIELD_NAME, text));
	}
	return ERR_OK;
}

static enum err field_check_unsigned(uint64_t value, const struct field_rule *rule)
{
	if (rule->format == FIELD_TIME) {
		ENSURE(value >= TIME_MS_MIN && value < TIME_MS_END, ERR_BAD_VALUE);
		return ERR_OK;
	}
	INSIST(rule->format == FIELD_COUNT);
	ENSURE(value >= rule->min && value <= rule->max, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err field_check_list(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
				 const struct field_rule *rule)
{
	const void *list;
	const size_t count = reflect_list(m, f, &list);
	ENSURE(count <= rule->max, ERR_TOO_BIG);
	ENSURE(count >= rule->min, ERR_BAD_VALUE);
	if (count == 0 || rule->format == FIELD_CLEARS) return ERR_OK;
	if (rule->format == FIELD_ENUMS) return field_check_enums(list, count, f);
	if (rule->format == FIELD_TEXTS) return field_check_texts(list, count);
	INSIST(rule->format == FIELD_IDS);
	return field_check_ids(list, count);
}

static enum err field_check_number(int64_t value, const struct field_rule *rule)
{
	INSIST(rule->format == FIELD_NUMBER);
	ENSURE(rule->max == 0 || (value >= rule->min && value <= rule->max), ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err field_check_value(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
				  const struct field_rule *rule)
{
	union {
		ProtobufCBinaryData bytes;
		uint64_t u64;
		int64_t i64;
		uint32_t u32;
		int word;
	} value;
	if (f->label == PROTOBUF_C_LABEL_REPEATED) return field_check_list(m, f, rule);
	reflect_get(m, f, &value, reflect_size(f));
	if (f->type == PROTOBUF_C_TYPE_BYTES) return field_check_bytes(value.bytes, rule);
	if (f->type == PROTOBUF_C_TYPE_UINT64) return field_check_unsigned(value.u64, rule);
	if (f->type == PROTOBUF_C_TYPE_UINT32) return field_check_unsigned(value.u32, rule);
	if (f->type == PROTOBUF_C_TYPE_SINT64) return field_check_number(value.i64, rule);
	INSIST(rule->format == FIELD_BOOL || rule->format == FIELD_ENUM);
	return rule->format == FIELD_BOOL ? ERR_OK : field_check_enum(value.word, f);
}

static enum err field_check_one(const ProtobufCMessage *m, const struct field_rule *rule,
				bool first, struct record_error *ret_error)
{
	const ProtobufCFieldDescriptor *f = reflect_field(m->descriptor, rule->name);
	const char *text;
	if (!reflect_is_set(m, f)) {
		const bool needed = rule->need == FIELD_REQUIRED ||
				    (first && rule->need == FIELD_FIRST);
		if (!needed) return ERR_OK;
		return field_fail(ret_error, ERR_BAD_VALUE, rule->name, field_required);
	}
	if (f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED) {
		reflect_get(m, f, &text, sizeof(text));
		return field_check_text(rule, view_str(text), ret_error);
	}
	const enum err e = field_check_value(m, f, rule);
	return e == ERR_OK ? ERR_OK : field_fail_rule(ret_error, e, rule);
}

/* Only what may be absent can be emptied, and no change says two things about one field. */
static bool field_clears_hold(const struct field_rule *rules, size_t count,
			      const ProtobufCMessage *m, const struct field_rule *rule)
{
	const void *list;
	const size_t n = reflect_list(m, reflect_field(m->descriptor, rule->name), &list);
	const uint32_t *numbers = list;
	for (size_t i = 0; i < n; i++) {
		const ProtobufCFieldDescriptor *f =
			protobuf_c_message_descriptor_get_field(m->descriptor, numbers[i]);
		const struct field_rule *of = f == NULL ? NULL : field_find(rules, count, f->name);
		if (of == NULL || of->need != FIELD_OPTIONAL || of == rule) return false;
		if (reflect_is_set(m, f)) return false;
		for (size_t k = 0; k < i; k++)
			if (numbers[k] == numbers[i]) return false;
	}
	return true;
}

enum err field_check_all(const struct field_rule *rules, size_t count,
			 const ProtobufCMessage *message, bool first,
			 struct record_error *ret_error)
{
	for (size_t i = 0; i < count; i++) {
		TRY(field_check_one(message, &rules[i], first, ret_error));
		if (rules[i].format != FIELD_CLEARS) continue;
		if (!field_clears_hold(rules, count, message, &rules[i])) {
			return field_fail_rule(ret_error, ERR_BAD_VALUE, &rules[i]);
		}
	}
	return ERR_OK;
}
