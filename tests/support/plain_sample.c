#include "support/plain_sample.h"

#include "base/check.h"
#include "record/reflect.h"

#include <stdio.h>

#define LIST_MAX 4u
/* Many years, so that no two appointments of a test meet by chance; three times that is before
 * 2100. */
#define TIME_SPAN_MS 800000000000u
#define TIMES_MAX 3u

/* Numbers from a seed and a field that look alike for no two fields. */
static uint64_t mix(uint64_t seed, uint64_t field)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + field * 0xbf58476d1ce4e5b9u + 1;
	x ^= x >> 30;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static char *keep(struct arena *a, const char *text)
{
	const struct view kept = arena_dup(a, view_str(text));
	INSIST(kept.p != NULL);
	union {
		const uint8_t *from;
		char *to;
	} p = { .from = kept.p };
	return p.to;
}

/* The later field of a message has the later month, by at most 58 days for its neighbour, and the
 * later time: no rule about order or age is broken. */
static char *text_value(const struct field_rule *rule, size_t index, uint64_t n, struct arena *a)
{
	char text[64];
	switch ((int)rule->format) {
	case FIELD_DATE:
		(void)snprintf(text, sizeof(text), "%04u-%02u-%02u", 1990u + (unsigned)index / 12,
			       1u + (unsigned)index % 12, 1u + (unsigned)(n % 28));
		break;
	case FIELD_CLOCK:
		(void)snprintf(text, sizeof(text), "%02u:%02u", 5u + (unsigned)index,
			       (unsigned)(n % 60));
		break;
	case FIELD_PHONE:
		(void)snprintf(text, sizeof(text), "555-%04u", (unsigned)(n % 10000));
		break;
	case FIELD_EMAIL:
		(void)snprintf(text, sizeof(text), "p%u@example.org", (unsigned)(n % 1000));
		break;
	case FIELD_TEXT:
		(void)snprintf(text, sizeof(text), "%.20s\nline %u", rule->name,
			       (unsigned)(n % 1000));
		break;
	default:
		(void)snprintf(text, sizeof(text), "%.20s \xc3\xa9 %u", rule->name,
			       (unsigned)(n % 1000));
		break;
	}
	return keep(a, text);
}

static size_t list_count(const struct field_rule *rule, uint64_t n, size_t choice)
{
	size_t most = rule->max < LIST_MAX ? rule->max : LIST_MAX;
	if (choice < most) most = choice;
	return 1 + (size_t)(n % most);
}

static void put_enums(const struct field_rule *rule, const ProtobufCFieldDescriptor *f, uint64_t n,
		      struct arena *a, ProtobufCMessage *m)
{
	const ProtobufCEnumDescriptor *e = f->descriptor;
	const size_t choice = e->n_values - 1; /* but UNKNOWN */
	const size_t count = list_count(rule, n, choice);
	int *values = arena_alloc(a, count * sizeof(*values));
	INSIST(values != NULL);
	for (size_t i = 0; i < count; i++) values[i] = e->values[1 + (n / 8 + i) % choice].value;
	reflect_put_list(m, f, values, count);
}

static void put_texts(const struct field_rule *rule, const ProtobufCFieldDescriptor *f, uint64_t n,
		      struct arena *a, ProtobufCMessage *m)
{
	const size_t count = list_count(rule, n, LIST_MAX);
	char **texts = arena_alloc(a, count * sizeof(char *));
	INSIST(texts != NULL);
	for (size_t i = 0; i < count; i++) texts[i] = text_value(rule, 0, n / 8 + i, a);
	reflect_put_list(m, f, texts, count);
}

static void put_id(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const uint8_t *bytes,
		   struct arena *a)
{
	const struct view kept = arena_dup(a, view_of(bytes, ID_BYTES));
	INSIST(kept.p != NULL);
	union {
		const uint8_t *from;
		uint8_t *to;
	} p = { .from = kept.p };
	const ProtobufCBinaryData data = { ID_BYTES, p.to };
	reflect_put(m, f, &data, sizeof(data));
}

bool plain_sample_stands_alone(const struct kind_info *info)
{
	return info->kind != KIND_DIRECTIVE && info->kind != KIND_DIRECTIVE_END &&
	       info->kind != KIND_REVIEW_MARK && info->kind != KIND_COSIGN &&
	       info->kind != KIND_PATIENT_MERGE;
}

void plain_sample_id(ProtobufCMessage *m, const char *field, const struct id *id, struct arena *a)
{
	put_id(m, reflect_field(m->descriptor, field), id->b, a);
}

/* The first time of a message is in the first span, the second one in the next. */
static uint64_t times_before(const struct kind_info *info, const struct field_rule *rule)
{
	uint64_t count = 0;
	for (const struct field_rule *r = info->fields; r < rule; r++)
		count += r->format == FIELD_TIME;
	INSIST(rule->format != FIELD_TIME || count < TIMES_MAX);
	return count;
}

static void put_number(const struct kind_info *info, const struct field_rule *rule,
		       const ProtobufCFieldDescriptor *f, uint64_t n, ProtobufCMessage *m)
{
	const uint64_t range = (uint64_t)rule->max - rule->min + 1;
	const uint64_t time =
		1700000000000u + times_before(info, rule) * TIME_SPAN_MS + n % TIME_SPAN_MS;
	const uint64_t value = rule->format == FIELD_TIME ? time : rule->min + n % range;
	const uint32_t small = (uint32_t)value;
	if (reflect_size(f) == sizeof(small)) {
		reflect_put(m, f, &small, sizeof(small));
	} else {
		reflect_put(m, f, &value, sizeof(value));
	}
}

/* A field whose values follow each other: one value only, so that no step is skipped. */
static bool is_step(const struct field_rule *rule)
{
	return strcmp(rule->name, "state") == 0 || strcmp(rule->name, "decision") == 0;
}

/* A field that another one of the record asks for is always said; one that asks for another which
 * a change may not say is left out. */
static bool is_always(const struct field_rule *rule)
{
	static const char *const names[] = { "consent_signed_on", "item_id", "user_id", "role",
					     "recipient" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (rule->need == FIELD_OPTIONAL && strcmp(rule->name, names[i]) == 0) return true;
	return false;
}

static bool is_left_out(const struct field_rule *rule)
{
	return strcmp(rule->name, "extended_on") == 0;
}

/* A record that is named must be there: tests that have one name it. */
static bool is_ref(const struct kind_info *info, const struct field_rule *rule)
{
	return info->ref_field != NULL && rule->need == FIELD_OPTIONAL &&
	       strcmp(info->ref_field, rule->name) == 0;
}

void plain_sample_field(const struct kind_info *info, const struct field_rule *rule, uint64_t seed,
			struct arena *a, ProtobufCMessage *m)
{
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	const size_t index = (size_t)(rule - info->fields);
	const uint64_t n = mix(seed, index);
	/* The second patient of a record never changes. */
	const bool fixed = info->relative_field != NULL &&
			   strcmp(info->relative_field, rule->name) == 0;
	const uint64_t of = fixed ? 9 : n;
	const uint8_t id[ID_BYTES] = { 1, (uint8_t)index, (uint8_t)of, (uint8_t)(of >> 8) };
	const protobuf_c_boolean yes = n % 2 == 0;
	switch (rule->format) {
	case FIELD_ID: put_id(m, f, id, a); return;
	case FIELD_ENUMS: put_enums(rule, f, n, a, m); return;
	case FIELD_TEXTS: put_texts(rule, f, n, a, m); return;
	case FIELD_BOOL: reflect_put(m, f, &yes, sizeof(yes)); return;
	case FIELD_TIME:
	case FIELD_COUNT:
	case FIELD_NUMBER: put_number(info, rule, f, n, m); return;
	case FIELD_ENUM: {
		const ProtobufCEnumDescriptor *e = f->descriptor;
		const size_t at = is_step(rule) ? 0 : (size_t)(n % (e->n_values - 1));
		const int value = e->values[1 + at].value;
		reflect_put(m, f, &value, sizeof(value));
		return;
	}
	case FIELD_NAME:
	case FIELD_TEXT:
	case FIELD_DATE:
	case FIELD_CLOCK:
	case FIELD_PHONE:
	case FIELD_EMAIL: {
		const char *text = text_value(rule, index, n, a);
		reflect_put(m, f, &text, sizeof(text));
		return;
	}
	case FIELD_CLEARS: return;
	case FIELD_IDS:
	case FIELD_BYTES:
	case FIELD_BYTES32:
	case FIELD_REF:
	case FIELD_UNIT: break;
	}
	const bool is_format_of_plain_records = false;
	INSIST(is_format_of_plain_records);
}

void plain_sample(const struct kind_info *info, uint64_t seed, struct arena *a, ProtobufCMessage *m)
{
	protobuf_c_message_init(info->message, m);
	for (size_t i = 0; i < info->field_count; i++) {
		if (!is_ref(info, &info->fields[i]) && !is_left_out(&info->fields[i]))
			plain_sample_field(info, &info->fields[i], seed, a, m);
	}
}

void plain_sample_change(const struct kind_info *info, uint64_t seed, bool first, struct arena *a,
			 ProtobufCMessage *m)
{
	const ProtobufCFieldDescriptor *clears = NULL;
	uint32_t *numbers = arena_alloc(a, info->field_count * sizeof(*numbers));
	size_t count = 0;
	INSIST(numbers != NULL);
	protobuf_c_message_init(info->message, m);
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
		const uint64_t what = mix(seed, 1000 + i) % 4;
		if (is_ref(info, rule) || is_left_out(rule)) continue;
		if (rule->format == FIELD_CLEARS) {
			clears = f;
		} else if (rule->need == FIELD_REQUIRED || (first && rule->need == FIELD_FIRST) ||
			   is_always(rule) || what < 2) {
			plain_sample_field(info, rule, seed, a, m);
		} else if (rule->need == FIELD_OPTIONAL && what == 2 && rule->format != FIELD_ID) {
			/* A session is set by who asks for the change. */
			numbers[count++] = f->id;
		}
	}
	if (clears != NULL) reflect_put_list(m, clears, numbers, count);
}
