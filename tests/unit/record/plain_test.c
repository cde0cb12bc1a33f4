/* What every plain record's row and field table must be, and that each bad value of each format is
 * refused by name. A new kind is tested by being in the table. */
#include "record/record_fold.h"

#include "base/cleanup.h"
#include "record/reflect.h"
#include "unit/record/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint8_t blind[PAYLOAD_BLIND_BYTES] = { 1 };

static const struct field_rule *rule_of(const struct kind_info *info, const char *name)
{
	return name == NULL ? NULL : field_find(info->fields, info->field_count, name);
}

static void test_rows_are_what_the_generic_code_relies_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (!kind_is_plain(info)) continue;
		assert_int_equal(info->lane, LANE_CHART);
		/* The record's own id is field 1, and like the patient's it is in every op. */
		assert_string_equal(info->message->fields[0].name, info->subject_field);
		assert_int_equal(info->message->fields[0].id, 1);
		assert_int_equal(rule_of(info, info->subject_field)->need, FIELD_REQUIRED);
		if (info->patient_field != NULL)
			assert_int_equal(rule_of(info, info->patient_field)->need, FIELD_REQUIRED);
		if (info->session_field != NULL)
			assert_int_equal(rule_of(info, info->session_field)->need,
					 info->own_session ? FIELD_REQUIRED : FIELD_OPTIONAL);
		assert_true(info->own_session || !info->closed_by_sign);
		assert_non_null(info->one);
		assert_non_null(info->about);
		const bool by_session = kind_is_one_per_session(info);
		assert_int_equal(info->example == NULL, by_session);
		assert_int_equal(info->many == NULL, kind_is_one_per_patient(info) || by_session);
		const bool changes = info->merge == KIND_MERGE_FIELDS &&
				     !kind_is_one_per_patient(info) && !by_session;
		assert_int_equal(info->example_set != NULL, changes);
	}
}

static void test_field_tables_are_what_the_generic_code_relies_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (!kind_is_plain(info)) continue;
		bool clears = false;
		for (size_t f = 0; f < info->field_count; f++) {
			const struct field_rule *rule = &info->fields[f];
			assert_non_null(rule->help);
			assert_true(strlen(rule->help) <= 50);
			/* In the order of the message: lists and help follow the table. */
			assert_string_equal(rule->name, info->message->fields[f].name);
			/* No first op is known where two rooms may make the same record. */
			if (kind_is_one_per_patient(info) || kind_is_one_per_session(info))
				assert_int_not_equal(rule->need, FIELD_FIRST);
			/* Emptying a field is a thing of its own: no text is "". */
			if (rule->format == FIELD_TEXT || rule->format == FIELD_NAME ||
			    rule->format == FIELD_PHONE || rule->format == FIELD_EMAIL)
				assert_true(rule->min >= 1);
			clears = clears || rule->format == FIELD_CLEARS;
		}
		assert_int_equal(clears, info->merge == KIND_MERGE_FIELDS);
	}
}

/* ---- bad values ------------------------------------------------------------------------------ */

static struct arena arena;
static char long_text[TEXT_BYTES_MAX + 2];

static void expect_bad(const struct kind_info *info, const ProtobufCMessage *m,
		       const struct field_rule *rule)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	struct record_error error = { ERR_OK, NULL, NULL };
	const enum err e = payload_encode(info->kind, m, true, blind, &out, &error);
	if (e == ERR_OK) print_message("%s %s\n", info->name, rule->name);
	assert_int_not_equal(e, ERR_OK);
	assert_int_equal(error.err, e);
	assert_string_equal(error.field, rule->name);
	assert_non_null(error.allowed);
}

static void bad_text(const struct kind_info *info, const struct field_rule *rule, const char *text)
{
	union sample s = sample_of(info->kind);
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	const char *list[] = { text };
	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		reflect_put_list(&s.any, f, list, 1);
	} else {
		reflect_put(&s.any, f, &text, sizeof(text));
	}
	expect_bad(info, &s.any, rule);
}

static void bad_texts(const struct kind_info *info, const struct field_rule *rule)
{
	const bool lines = rule->format == FIELD_TEXT;
	bad_text(info, rule, "");
	bad_text(info, rule, "bell \a");
	bad_text(info, rule, "\xff\xfe");
	bad_text(info, rule, long_text);
	if (!lines) bad_text(info, rule, "two\nlines");
	if (rule->format == FIELD_NAME || rule->format == FIELD_TEXTS) bad_text(info, rule, " a");
	if (rule->format == FIELD_DATE) bad_text(info, rule, "2023-02-29");
	if (rule->format == FIELD_CLOCK) bad_text(info, rule, "24:01");
	if (rule->format == FIELD_PHONE) bad_text(info, rule, "call me");
	if (rule->format == FIELD_EMAIL) bad_text(info, rule, "at home");
}

static void bad_number(const struct kind_info *info, const struct field_rule *rule, int64_t value)
{
	union sample s = sample_of(info->kind);
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	const uint32_t small = (uint32_t)value;
	if (reflect_size(f) == sizeof(small)) {
		reflect_put(&s.any, f, &small, sizeof(small));
	} else {
		reflect_put(&s.any, f, &value, sizeof(value));
	}
	expect_bad(info, &s.any, rule);
}

static void bad_numbers(const struct kind_info *info, const struct field_rule *rule)
{
	if (rule->format == FIELD_TIME) {
		bad_number(info, rule, TIME_MS_MIN - 1);
		bad_number(info, rule, TIME_MS_END);
		return;
	}
	if (rule->max < UINT32_MAX) bad_number(info, rule, (int64_t)rule->max + 1);
	if (rule->min > 0) bad_number(info, rule, (int64_t)rule->min - 1);
}

static void bad_words(const struct kind_info *info, const struct field_rule *rule)
{
	union sample s = sample_of(info->kind);
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	const int bad[] = { 0, -1, 9999 };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (rule->format == FIELD_ENUM) {
			reflect_put(&s.any, f, &bad[i], sizeof(int));
		} else {
			reflect_put_list(&s.any, f, &bad[i], 1);
		}
		expect_bad(info, &s.any, rule);
	}
	if (rule->format == FIELD_ENUM) return;
	const int twice[] = { 1, 1 };
	reflect_put_list(&s.any, f, twice, 2);
	expect_bad(info, &s.any, rule);
}

static void bad_count(const struct kind_info *info, const struct field_rule *rule)
{
	union sample s = sample_of(info->kind);
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	int *many = arena_alloc(&arena, (rule->max + 1) * sizeof(*many));
	const char **texts = arena_alloc(&arena, (rule->max + 1) * sizeof(*texts));
	INSIST(many != NULL && texts != NULL);
	for (size_t i = 0; i <= rule->max; i++) texts[i] = "hip";
	if (rule->format == FIELD_TEXTS) {
		reflect_put_list(&s.any, f, texts, rule->max + 1);
	} else {
		reflect_put_list(&s.any, f, many, rule->max + 1);
	}
	expect_bad(info, &s.any, rule);
}

/* A field that must not be emptied, one that this change sets, one twice, one that is not there. */
static void bad_clears(const struct kind_info *info, const struct field_rule *rule)
{
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, rule->name);
	uint32_t optional = 0;
	for (size_t i = 0; i < info->field_count; i++) {
		if (info->fields[i].need == FIELD_OPTIONAL && &info->fields[i] != rule)
			optional = info->message->fields[i].id;
	}
	const uint32_t bad[] = { 1, optional, f->id, 77 };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		union sample s = sample_of(info->kind);
		reflect_put_list(&s.any, f, &bad[i], 1);
		expect_bad(info, &s.any, rule);
	}
	union sample s = sample_of(info->kind);
	const uint32_t twice[] = { optional, optional };
	reflect_clear(&s.any, protobuf_c_message_descriptor_get_field(info->message, optional));
	reflect_put_list(&s.any, f, twice, 2);
	expect_bad(info, &s.any, rule);
	reflect_put_list(&s.any, f, twice, 1);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(payload_encode(info->kind, &s.any, true, blind, &out, NULL), ERR_OK);
}

static void bad_values(const struct kind_info *info, const struct field_rule *rule)
{
	switch (rule->format) {
	case FIELD_NAME:
	case FIELD_TEXT:
	case FIELD_DATE:
	case FIELD_CLOCK:
	case FIELD_PHONE:
	case FIELD_EMAIL: bad_texts(info, rule); return;
	case FIELD_TEXTS:
		bad_texts(info, rule);
		bad_count(info, rule);
		return;
	case FIELD_TIME:
	case FIELD_COUNT:
	case FIELD_NUMBER: bad_numbers(info, rule); return;
	case FIELD_ENUM: bad_words(info, rule); return;
	case FIELD_ENUMS:
		bad_words(info, rule);
		bad_count(info, rule);
		return;
	case FIELD_CLEARS: bad_clears(info, rule); return;
	case FIELD_ID: /* payload_test does every id of every kind */
	case FIELD_BOOL: return;
	case FIELD_IDS:
	case FIELD_BYTES:
	case FIELD_BYTES32:
	case FIELD_REF:
	case FIELD_UNIT: break;
	}
	fail_msg("%s: no format of plain records", rule->name);
}

static void test_every_bad_value_names_its_field(void **state)
{
	(void)state;
	arena_init(&arena, MIB);
	for (size_t i = 0; i < sizeof(long_text) - 1; i++) long_text[i] = 'a';
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (!kind_is_plain(info)) continue;
		for (size_t f = 0; f < info->field_count; f++) {
			const struct field_rule *rule = &info->fields[f];
			bad_values(info, rule);
			union sample s = sample_of(info->kind);
			reflect_clear(&s.any, reflect_field(info->message, rule->name));
			if (rule->need != FIELD_OPTIONAL) expect_bad(info, &s.any, rule);
		}
	}
	arena_fini(&arena);
}

static void test_nothing_ends_before_it_began(void **state)
{
	(void)state;
	union sample s = sample_of(KIND_ALERT);
	Roomkeep__Alert *a = (Roomkeep__Alert *)&s.any;
	a->started = wire_text("2026-11-02");
	a->ended = wire_text("2026-11-01");
	expect_bad(kind_find(KIND_ALERT), &s.any, rule_of(kind_find(KIND_ALERT), "ended"));
	s = sample_of(KIND_EPISODE);
	Roomkeep__Episode *e = (Roomkeep__Episode *)&s.any;
	e->started = wire_text("2026-11-02");
	e->closed = wire_text("2026-11-01");
	expect_bad(kind_find(KIND_EPISODE), &s.any, rule_of(kind_find(KIND_EPISODE), "closed"));
	e->closed = wire_text("2026-11-02");
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(payload_encode(KIND_EPISODE, &s.any, true, blind, &out, NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_what_the_generic_code_relies_on),
		cmocka_unit_test(test_field_tables_are_what_the_generic_code_relies_on),
		cmocka_unit_test(test_every_bad_value_names_its_field),
		cmocka_unit_test(test_nothing_ends_before_it_began),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
