/* fields: one rule per field, checked through protobuf-c's descriptors; errors name the field.
 *
 * The rule says format, size and need; the message says the type. No kind is known here by name.
 *
 * Owns:    nothing.   Threads: any.   Formats and limits: SECURITY 3.7, base/limits.h. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <protobuf-c/protobuf-c.h>

/* What is wrong with a record, for a person: "born: YYYY-MM-DD, a day that exists". The strings
 * have static storage and never hold what was typed. */
struct record_error {
	enum err err;        /* ERR_OK: nothing is wrong */
	const char *field;   /* name in record.proto; NULL when it is not about one field */
	const char *allowed; /* what would be right; never NULL when err is set */
};

enum field_format {
	FIELD_ID,      /* 16 bytes, not all zero */
	FIELD_IDS,     /* repeated ids without a double; max = how many */
	FIELD_NAME,    /* one line of clean text, no blank at either end; max bytes */
	FIELD_TEXT,    /* clean text; tab and newline allowed; max bytes */
	FIELD_DATE,    /* YYYY-MM-DD, a real day of 1880..2100 */
	FIELD_CLOCK,   /* HH:MM, 00:00 to 24:00: a time of the day */
	FIELD_PHONE,   /* digits with + ( ) - . / and blanks, 3 digits or more, or empty */
	FIELD_EMAIL,   /* one @, something before it, a name after it, or empty */
	FIELD_ENUM,    /* a known value that is not 0 */
	FIELD_ENUMS,   /* repeated FIELD_ENUM without a double; max = how many */
	FIELD_TEXTS,   /* repeated FIELD_NAME of 1..NAME_BYTES_MAX bytes; max = how many */
	FIELD_TIME,    /* milliseconds since 1970, in 2000..2100 */
	FIELD_BYTES32, /* exactly 32 bytes */
	FIELD_BYTES,   /* min..max bytes */
	FIELD_COUNT,   /* unsigned number in min..max */
	FIELD_NUMBER,  /* thousandths in min..max; max 0: the kind's own check bounds it */
	FIELD_BOOL,
	FIELD_REF,  /* catalogue id: a-z 0-9 _; max bytes */
	FIELD_UNIT, /* a-z and %; max bytes */
	/* repeated numbers of this message's optional fields: this change empties them. Absent
	 * means "not touched", so something else has to say "taken back". */
	FIELD_CLEARS,
};

enum field_need {
	FIELD_OPTIONAL, /* absent = not touched by this change */
	FIELD_REQUIRED,
	FIELD_FIRST, /* required in the first op of its record */
};

struct field_rule {
	const char *name; /* as in record.proto */
	enum field_format format;
	enum field_need need;
	uint32_t min; /* bytes, elements or value, as the format says */
	uint32_t max;
	const char *help; /* what it says, for a person; NULL where a verb has words of its own */
};

/* Milliseconds since 1970 of 2000-01-01 and 2101-01-01 UTC; the second is outside. */
#define TIME_MS_MIN 946684800000u
#define TIME_MS_END 4133980800000u

/* Fills `error` (may be NULL) and returns `err`, so that a check can end with it. */
enum err field_fail(struct record_error *error, enum err err, const char *field,
		    const char *allowed);

/* Checks every field of `message` against `count` rules. Every field of the message has a rule (a
 * test looks). `first` makes FIELD_FIRST fields required too.
 * Returns: ERR_OK; ERR_BAD_VALUE, ERR_BAD_TEXT, ERR_BAD_FORMAT (length of ids and hashes),
 * ERR_TOO_BIG. */
MUST_USE enum err field_check_all(const struct field_rule *rules, size_t count,
				  const ProtobufCMessage *message, bool first,
				  struct record_error *ret_error);

/* Checks one typed text against a text rule (NAME, TEXT, DATE, CLOCK, PHONE, EMAIL, REF, UNIT).
 * Requires: the rule has one of these formats. */
MUST_USE enum err field_check_text(const struct field_rule *rule, struct view text,
				   struct record_error *ret_error);

/* For a kind's own check of two days, either of which may be NULL: `field` names the later one.
 * ERR_BAD_VALUE when it lies before the earlier one. Requires: both passed FIELD_DATE. */
MUST_USE enum err field_check_order(const char *earlier, const char *later, const char *field,
				    struct record_error *error);

/* What the format allows, whatever the rule's limits are; static. */
const char *field_format_allowed(enum field_format format);
/* The rule itself was broken (limit, format, need), not a check that knows more than it: then the
 * limits say more than `allowed`. */
bool field_error_is_of_rule(const struct record_error *error, const struct field_rule *rule);

/* NULL when there is no such rule. */
const struct field_rule *field_find(const struct field_rule *rules, size_t count, const char *name);

/* A calendar day. */
struct date {
	unsigned year;
	unsigned month; /* 1..12 */
	unsigned day;   /* 1..31 */
};

/* ERR_BAD_VALUE unless YYYY-MM-DD is a day of the (proleptic Gregorian) calendar in 1880..2100. */
MUST_USE enum err date_parse(struct view text, struct date *ret_date);

/* Minutes since midnight, 0..1440; ERR_BAD_VALUE unless HH:MM. */
MUST_USE enum err clock_parse(struct view text, uint32_t *ret_minutes);

/* Days since 1970-01-01, to compare dates and to compare one with a time. */
int64_t date_days(const struct date *d);
