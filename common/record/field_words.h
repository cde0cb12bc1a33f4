/* field_words: how the fields of plain records are called and what they allow, in words: for the
 * local API, the command line and error texts.
 *
 * Owns:    nothing.   Threads: any.   Limits: FIELD_KEY_BYTES, FIELD_WORD_BYTES. */
#pragma once

#include "record/kinds.h"

#define FIELD_KEY_BYTES 40u
#define FIELD_WORD_BYTES 40u

/* The key of a field in JSON: its name, but "started_at" for "started_ms" and "value" for
 * "value_milli", because there they are RFC 3339 and a decimal number. */
void field_key(const struct field_rule *rule, char ret_key[FIELD_KEY_BYTES]);
/* The rule with this key; NULL when the kind has none. `clears` has no key. */
const struct field_rule *field_find_key(const struct kind_info *info, const char *key);

/* "allergy" for ALLERGY; false for a value that the enum does not have, or 0. */
bool enum_word(const ProtobufCEnumDescriptor *type, int value, char ret_word[FIELD_WORD_BYTES]);
/* ERR_BAD_VALUE for a word that it does not have. */
MUST_USE enum err enum_parse(const ProtobufCEnumDescriptor *type, const char *word, int *ret_value);
/* All words in the order of record.proto, `between` them; cut off at `cap`. */
void enum_words(const ProtobufCEnumDescriptor *type, const char *between, char *out, size_t cap);
/* The enum of a FIELD_ENUM or FIELD_ENUMS. */
const ProtobufCEnumDescriptor *field_enum(const struct kind_info *info,
					  const struct field_rule *rule);

/* What this field may hold: "one of yes, no, unsure", "a whole number from 1 to 5", ...; cut off at
 * `cap`. */
void field_allowed_text(const struct kind_info *info, const struct field_rule *rule, char *out,
			size_t cap);
