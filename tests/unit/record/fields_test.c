#include "record/fields.h"

#include "base/check.h"
#include "record/field_words.h"
#include "record/kinds.h"
#include "roomkeep/record.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static enum err check(enum field_format format, uint32_t min, uint32_t max, const char *text)
{
	const struct field_rule rule = { "thing", format, FIELD_REQUIRED, min, max, NULL };
	struct record_error error = { ERR_OK, NULL, NULL };
	const enum err e = field_check_text(&rule, view_str(text), &error);
	assert_int_equal(error.err, e);
	if (e != ERR_OK) assert_string_equal(error.field, "thing");
	if (e != ERR_OK) assert_non_null(error.allowed);
	assert_int_equal(field_check_text(&rule, view_str(text), NULL), e);
	return e;
}

static void test_dates_exist(void **state)
{
	(void)state;
	const char *good[] = { "1980-01-31", "2000-02-29", "2024-02-29", "1880-01-01",
			       "2100-12-31", "1999-12-31", "2023-04-30" };
	const char *bad[] = { "",           "1980",       "1980-1-31",  "1980-13-01", "1980-00-10",
			      "1980-01-00", "1980-01-32", "1900-02-29", "2023-02-29", "2100-02-29",
			      "1879-12-31", "2101-01-01", "1980/01/31", "198O-01-31", "1980-01-311",
			      "31.01.1980", "2023-04-31", "-980-01-31", "1980-01-3 " };
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(check(FIELD_DATE, 10, 10, good[i]), ERR_OK);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_not_equal(check(FIELD_DATE, 10, 10, bad[i]), ERR_OK);
	}
}

static void test_clocks_go_round(void **state)
{
	(void)state;
	const char *good[] = { "00:00", "09:05", "23:59", "24:00" };
	const uint32_t minutes[] = { 0, 545, 1439, 1440 };
	const char *bad[] = { "", "9:05", "24:01", "09:60", "25:00", "09-05", "09:5", "0a:00" };
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		uint32_t got = 0;
		assert_int_equal(check(FIELD_CLOCK, 5, 5, good[i]), ERR_OK);
		assert_int_equal(clock_parse(view_str(good[i]), &got), ERR_OK);
		assert_int_equal(got, minutes[i]);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_not_equal(check(FIELD_CLOCK, 5, 5, bad[i]), ERR_OK);
}

/* A count day by day, the slow way. */
static void test_days_count_one_by_one(void **state)
{
	(void)state;
	int64_t day = -32872; /* 1880-01-01, from `date -d 1880-01-01 +%s` / 86400 */
	unsigned seen = 0;
	for (unsigned y = 1880; y <= 2100; y++) {
		for (unsigned m = 1; m <= 12; m++) {
			for (unsigned d = 1; d <= 31; d++) {
				char text[16];
				const int n =
					snprintf(text, sizeof(text), "%04u-%02u-%02u", y, m, d);
				assert_int_equal(n, 10);
				struct date date;
				if (date_parse(view_str(text), &date) != ERR_OK) continue;
				assert_int_equal(date_days(&date), day);
				day++;
				seen++;
			}
		}
	}
	assert_int_equal(seen, 80719); /* 221 years with 54 leap days */
	const struct date epoch = { 1970, 1, 1 };
	assert_int_equal(date_days(&epoch), 0);
}

static void test_phones(void **state)
{
	(void)state;
	const char *good[] = { "", "112", "+49 (30) 555-0100", "030/555.0100", "555-0100 x12" };
	const char *bad[] = { "12", "+", "call me", "555\t0100", "555-0100\n", "5550100;rm" };
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(check(FIELD_PHONE, 0, 40, good[i]), ERR_OK);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(check(FIELD_PHONE, 0, 40, bad[i]), ERR_BAD_VALUE);
	}
	assert_int_equal(check(FIELD_PHONE, 0, 40, "1234567890123456789012345678901234567890"),
			 ERR_OK);
	assert_int_equal(check(FIELD_PHONE, 0, 40, "12345678901234567890123456789012345678901"),
			 ERR_TOO_BIG);
}

static void test_emails(void **state)
{
	(void)state;
	const char *good[] = { "", "a@b", "jo.park+x@harbour.example", "j\xc3\xb6@example.org" };
	const char *bad[] = { "a",       "@b",   "a@",      "a@@b",  "a@b@c",         "a b@c",
			      "a@b.",    "a@.b", "a@b,c@d", "<a@b>", "a@b\nBcc: x@y", "a\x01@b",
			      "\"a\"@b", "a@b;c" };
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(check(FIELD_EMAIL, 0, 254, good[i]), ERR_OK);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_not_equal(check(FIELD_EMAIL, 0, 254, bad[i]), ERR_OK);
	}
	/* 64 bytes before the @ and one more */
	char local[80];
	for (int len = 64; len <= 65; len++) {
		const int n = snprintf(local, sizeof(local), "%0*d@b", len, 7);
		assert_int_equal(n, len + 2);
		assert_int_equal(check(FIELD_EMAIL, 0, 254, local),
				 len == 64 ? ERR_OK : ERR_BAD_VALUE);
	}
}

static void test_names_texts_words(void **state)
{
	(void)state;
	assert_int_equal(check(FIELD_NAME, 1, 200, "Ana Silva"), ERR_OK);
	assert_int_equal(check(FIELD_NAME, 1, 200, ""), ERR_BAD_VALUE);
	assert_int_equal(check(FIELD_NAME, 0, 200, ""), ERR_OK);
	assert_int_equal(check(FIELD_NAME, 1, 200, " Ana"), ERR_BAD_VALUE);
	assert_int_equal(check(FIELD_NAME, 1, 200, "Ana\nSilva"), ERR_BAD_TEXT);
	assert_int_equal(check(FIELD_NAME, 1, 3, "Ana"), ERR_OK);
	assert_int_equal(check(FIELD_NAME, 1, 3, "Anas"), ERR_TOO_BIG);
	assert_int_equal(check(FIELD_TEXT, 0, 10, "a\n\tb"), ERR_OK);
	assert_int_equal(check(FIELD_TEXT, 0, 10, "a\rb"), ERR_BAD_TEXT);
	assert_int_equal(check(FIELD_REF, 1, 32, "cx_rot"), ERR_OK);
	assert_int_equal(check(FIELD_REF, 1, 32, "CX_ROT"), ERR_BAD_VALUE);
	assert_int_equal(check(FIELD_REF, 1, 32, ""), ERR_BAD_VALUE);
	assert_int_equal(check(FIELD_UNIT, 1, 16, "deg"), ERR_OK);
	assert_int_equal(check(FIELD_UNIT, 1, 16, "deg 2"), ERR_BAD_VALUE);
}

/* A field without a rule would be accepted unseen. */
static void test_every_field_of_every_kind_has_a_rule_that_fits_its_type(void **state)
{
	(void)state;
	const size_t count = kind_count();
	for (size_t i = 0; i < count; i++) {
		const struct kind_info *k = kind_at(i);
		assert_int_equal(k->message->n_fields, k->field_count);
		for (unsigned f = 0; f < k->message->n_fields; f++) {
			const ProtobufCFieldDescriptor *field = &k->message->fields[f];
			const struct field_rule *rule =
				field_find(k->fields, k->field_count, field->name);
			assert_non_null(rule);
			switch (rule->format) {
			case FIELD_ID:
			case FIELD_BYTES32:
			case FIELD_BYTES:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_BYTES);
				assert_int_equal(field->label, PROTOBUF_C_LABEL_OPTIONAL);
				break;
			case FIELD_IDS:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_BYTES);
				assert_int_equal(field->label, PROTOBUF_C_LABEL_REPEATED);
				break;
			case FIELD_NAME:
			case FIELD_TEXT:
			case FIELD_DATE:
			case FIELD_CLOCK:
			case FIELD_PHONE:
			case FIELD_EMAIL:
			case FIELD_REF:
			case FIELD_UNIT:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_STRING);
				break;
			case FIELD_ENUM:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_ENUM);
				assert_int_equal(field->label, PROTOBUF_C_LABEL_OPTIONAL);
				break;
			case FIELD_ENUMS:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_ENUM);
				assert_int_equal(field->label, PROTOBUF_C_LABEL_REPEATED);
				break;
			case FIELD_TEXTS:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_STRING);
				assert_int_equal(field->label, PROTOBUF_C_LABEL_REPEATED);
				break;
			case FIELD_CLEARS:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_UINT32);
				assert_int_equal(field->label, PROTOBUF_C_LABEL_REPEATED);
				break;
			case FIELD_TIME:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_UINT64);
				break;
			case FIELD_COUNT:
				assert_true(field->type == PROTOBUF_C_TYPE_UINT64 ||
					    field->type == PROTOBUF_C_TYPE_UINT32);
				break;
			case FIELD_NUMBER:
				assert_int_equal(field->type, PROTOBUF_C_TYPE_SINT64);
				break;
			case FIELD_BOOL: assert_int_equal(field->type, PROTOBUF_C_TYPE_BOOL); break;
			}
		}
		if (k->subject_field != NULL) {
			assert_non_null(field_find(k->fields, k->field_count, k->subject_field));
		}
		if (k->session_field != NULL) {
			assert_non_null(field_find(k->fields, k->field_count, k->session_field));
		}
		if (k->patient_field != NULL) {
			assert_non_null(field_find(k->fields, k->field_count, k->patient_field));
		}
	}
}

static void test_kinds_are_found_and_fit_their_lane(void **state)
{
	(void)state;
	const size_t count = kind_count();
	assert_int_equal(count, 10 + KIND_PLAIN_COUNT);
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || kind_at(i - 1)->kind < kind_at(i)->kind);
		assert_ptr_equal(kind_find((uint64_t)kind_at(i)->kind), kind_at(i));
		assert_ptr_equal(kind_find_name(view_str(kind_at(i)->name)), kind_at(i));
		assert_string_equal(kind_name((uint64_t)kind_at(i)->kind), kind_at(i)->name);
		const bool sealed = kind_at(i)->class == KIND_CLASS_SEALED;
		assert_int_equal(kind_fits_lane((uint64_t)kind_at(i)->kind, LANE_SEALED), sealed);
		assert_int_equal(kind_fits_lane((uint64_t)kind_at(i)->kind, LANE_CHART), !sealed);
		assert_false(kind_fits_lane((uint64_t)kind_at(i)->kind, 0));
		assert_false(kind_fits_lane((uint64_t)kind_at(i)->kind, 3));
	}
	const uint64_t unknown[] = { 0,         9,  63,         65,
				     66,        68, UINT32_MAX, (uint64_t)1 << 32 | 1,
				     UINT64_MAX };
	for (size_t i = 0; i < COUNT_OF(unknown); i++) {
		assert_null(kind_find(unknown[i]));
		assert_string_equal(kind_name(unknown[i]), "unknown");
		assert_true(kind_fits_lane(unknown[i], LANE_CHART));
		assert_true(kind_fits_lane(unknown[i], LANE_SEALED));
		assert_false(kind_fits_lane(unknown[i], 3));
	}
	assert_null(kind_find_name(view_str("notes")));
	assert_null(kind_find_name(VIEW_EMPTY));
}

static enum err check_value(int64_t value_milli, uint32_t min, uint32_t max)
{
	const struct field_rule rule = {
		"value_milli", FIELD_NUMBER, FIELD_REQUIRED, min, max, NULL
	};
	struct record_error error = { ERR_OK, NULL, NULL };
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	m.has_value_milli = true;
	m.value_milli = value_milli;
	return field_check_all(&rule, 1, &m.base, true, &error);
}

static void test_numbers_have_bounds_or_none(void **state)
{
	(void)state;
	assert_int_equal(check_value(INT64_MIN, 0, 0), ERR_OK); /* the kind's own check bounds it */
	assert_int_equal(check_value(500, 500, 2000), ERR_OK);
	assert_int_equal(check_value(2000, 500, 2000), ERR_OK);
	assert_int_equal(check_value(499, 500, 2000), ERR_BAD_VALUE);
	assert_int_equal(check_value(2001, 500, 2000), ERR_BAD_VALUE);
}

static void expect_key(const char *name, enum field_format format, const char *key)
{
	const struct field_rule rule = { name, format, FIELD_OPTIONAL, 0, 0, NULL };
	char got[FIELD_KEY_BYTES];
	field_key(&rule, got);
	assert_string_equal(got, key);
}

static void expect_allowed(enum field_format format, uint32_t min, uint32_t max, const char *words)
{
	const struct field_rule rule = { "thing", format, FIELD_OPTIONAL, min, max, NULL };
	char got[256];
	field_allowed_text(kind_find(KIND_MEASURE), &rule, got, sizeof(got));
	assert_string_equal(got, words);
}

static void test_keys_and_words_of_fields(void **state)
{
	(void)state;
	expect_key("started_ms", FIELD_TIME, "started_at");
	expect_key("value_milli", FIELD_NUMBER, "value");
	expect_key("count", FIELD_NUMBER, "count");
	expect_key("noon", FIELD_TIME, "noon");
	expect_key("ms", FIELD_TIME, "ms");
	expect_key("value_milli", FIELD_COUNT, "value_milli");
	expect_allowed(FIELD_NUMBER, 0, 0, "a number with at most three digits behind the point");
	expect_allowed(FIELD_NUMBER, 500, 2000, "a number from 0.5 to 2");
	expect_allowed(FIELD_COUNT, 1, 5, "a whole number from 1 to 5");
	expect_allowed(FIELD_IDS, 0, 3, "at most 3 ids, each once");
	expect_allowed(FIELD_DATE, 10, 10, field_format_allowed(FIELD_DATE));
}

static void test_words_of_an_enum(void **state)
{
	(void)state;
	const ProtobufCEnumDescriptor *type = &roomkeep__side__descriptor;
	char word[FIELD_WORD_BYTES];
	char all[64];
	assert_true(enum_word(type, ROOMKEEP__SIDE__LEFT, word));
	assert_string_equal(word, "left");
	assert_false(enum_word(type, 0, word));
	assert_false(enum_word(type, 4711, word));
	enum_words(type, "|", all, sizeof(all));
	const size_t len = strlen(all);
	assert_non_null(strchr(all, '|'));
	/* Cut off, never beyond. */
	for (size_t cap = 1; cap <= len + 1; cap++) {
		char some[64] = { 0 };
		enum_words(type, "|", some, cap);
		assert_int_equal(strlen(some), cap - 1);
		assert_memory_equal(some, all, cap - 1);
		if (cap < sizeof(some)) assert_int_equal(some[cap], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates_exist),
		cmocka_unit_test(test_clocks_go_round),
		cmocka_unit_test(test_days_count_one_by_one),
		cmocka_unit_test(test_phones),
		cmocka_unit_test(test_emails),
		cmocka_unit_test(test_names_texts_words),
		cmocka_unit_test(test_every_field_of_every_kind_has_a_rule_that_fits_its_type),
		cmocka_unit_test(test_kinds_are_found_and_fit_their_lane),
		cmocka_unit_test(test_numbers_have_bounds_or_none),
		cmocka_unit_test(test_keys_and_words_of_fields),
		cmocka_unit_test(test_words_of_an_enum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
