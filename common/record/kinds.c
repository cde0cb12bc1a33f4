#include "record/kinds.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/catalogue.h"
#include "record/measure.h"
#include "roomkeep/record.pb-c.h"

/* Nonce 24 and tag 16 around a text padded in steps of 512, or a 32 byte key (SECURITY 2.4). */
#define NOTE_CIPHER_BYTES_MIN 41u
#define NOTE_CIPHER_BYTES_MAX (TEXT_BYTES_MAX + 4u * KIB)
#define NOTE_WRAP_BYTES 72u
#define NOTE_GEN_MAX UINT32_MAX

static const struct field_rule kind_patient_fields[] = {
	{ "patient_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "name", FIELD_NAME, FIELD_FIRST, 1, NAME_BYTES_MAX },
	{ "name_used", FIELD_NAME, FIELD_OPTIONAL, 0, NAME_BYTES_MAX },
	{ "born", FIELD_DATE, FIELD_FIRST, 10, 10 },
	{ "phone", FIELD_PHONE, FIELD_OPTIONAL, 0, PHONE_BYTES_MAX },
	{ "email", FIELD_EMAIL, FIELD_OPTIONAL, 0, EMAIL_BYTES_MAX },
};

static const struct field_rule kind_session_frame_fields[] = {
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "patient_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "therapist_id", FIELD_ID, FIELD_FIRST, 0, 0 },
	{ "room_id", FIELD_ID, FIELD_FIRST, 0, 0 },
	{ "started_ms", FIELD_TIME, FIELD_FIRST, 0, 0 },
	{ "ended_ms", FIELD_TIME, FIELD_OPTIONAL, 0, 0 },
	{ "imported", FIELD_BOOL, FIELD_OPTIONAL, 0, 0 },
};

static const struct field_rule kind_session_text_fields[] = {
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "field", FIELD_ENUM, FIELD_REQUIRED, 0, 0 },
	{ "text", FIELD_TEXT, FIELD_REQUIRED, 0, TEXT_BYTES_MAX },
	{ "parents", FIELD_IDS, FIELD_OPTIONAL, 0, PARENTS_MAX },
};

static const struct field_rule kind_measure_fields[] = {
	{ "measure_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "ref", FIELD_REF, FIELD_REQUIRED, 1, CATALOGUE_REF_BYTES_MAX },
	{ "catalogue", FIELD_COUNT, FIELD_REQUIRED, 1, UINT32_MAX },
	{ "phase", FIELD_ENUM, FIELD_REQUIRED, 0, 0 },
	{ "side", FIELD_ENUM, FIELD_OPTIONAL, 0, 0 },
	{ "value_milli", FIELD_NUMBER, FIELD_OPTIONAL, 0, 0 },
	{ "unit", FIELD_UNIT, FIELD_OPTIONAL, 1, CATALOGUE_UNIT_BYTES_MAX },
	{ "result", FIELD_ENUM, FIELD_OPTIONAL, 0, 0 },
	{ "at_ms", FIELD_TIME, FIELD_REQUIRED, 0, 0 },
	{ "mode", FIELD_ENUM, FIELD_OPTIONAL, 0, 0 },
	{ "position", FIELD_ENUM, FIELD_OPTIONAL, 0, 0 },
	{ "method", FIELD_ENUM, FIELD_OPTIONAL, 0, 0 },
	{ "pain_at_end", FIELD_COUNT, FIELD_OPTIONAL, 0, MEASURE_PAIN_MAX },
	{ "end_feel", FIELD_ENUM, FIELD_OPTIONAL, 0, 0 },
	{ "limited_by", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX },
	{ "rater_id", FIELD_ID, FIELD_OPTIONAL, 0, 0 },
	{ "pair_id", FIELD_ID, FIELD_OPTIONAL, 0, 0 },
	{ "skipped_reason", FIELD_ENUM, FIELD_OPTIONAL, 0, 0 },
};

static const struct field_rule kind_sign_fields[] = {
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "covered", FIELD_IDS, FIELD_REQUIRED, 1, COVERED_MAX },
	{ "values_hash", FIELD_BYTES32, FIELD_REQUIRED, 0, 0 },
};

static const struct field_rule kind_addendum_fields[] = {
	{ "addendum_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "text", FIELD_TEXT, FIELD_REQUIRED, 1, TEXT_BYTES_MAX },
};

static const struct field_rule kind_opened_fields[] = {
	{ "patient_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "session_id", FIELD_ID, FIELD_OPTIONAL, 0, 0 },
};

static const struct field_rule kind_tombstone_fields[] = {
	{ "target", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "reason", FIELD_NAME, FIELD_REQUIRED, 1, NAME_BYTES_MAX },
};

static const struct field_rule kind_note_fields[] = {
	{ "note_id", FIELD_ID, FIELD_REQUIRED, 0, 0 },
	{ "note_gen", FIELD_COUNT, FIELD_REQUIRED, 1, NOTE_GEN_MAX },
	{ "parents", FIELD_IDS, FIELD_OPTIONAL, 0, PARENTS_MAX },
	{ "commitment", FIELD_BYTES32, FIELD_REQUIRED, 0, 0 },
	{ "ciphertext", FIELD_BYTES, FIELD_REQUIRED, NOTE_CIPHER_BYTES_MIN, NOTE_CIPHER_BYTES_MAX },
	{ "author_wrap", FIELD_BYTES, FIELD_REQUIRED, NOTE_WRAP_BYTES, NOTE_WRAP_BYTES },
};

static enum err kind_check_session_frame(const ProtobufCMessage *message,
					 struct record_error *error)
{
	const Roomkeep__SessionFrame *m = (const Roomkeep__SessionFrame *)(const void *)message;
	if (m->has_started_ms && m->has_ended_ms && m->ended_ms < m->started_ms) {
		return field_fail(error, ERR_BAD_VALUE, "ended_ms", "a time after started_ms");
	}
	return ERR_OK;
}

static enum err kind_check_measure(const ProtobufCMessage *message, struct record_error *error)
{
	return measure_check((const Roomkeep__Measure *)(const void *)message, error);
}

#define KIND_FIELDS(rules) (rules), COUNT_OF(rules)

static const struct kind_info kind_rows[] = {
	{ KIND_PATIENT, "patient", KIND_CLASS_STAFF, LANE_CHART, &roomkeep__patient__descriptor,
	  KIND_FIELDS(kind_patient_fields), "patient_id", NULL, "patient_id", NULL },
	{ KIND_SESSION_FRAME, "session_frame", KIND_CLASS_STAFF, LANE_CHART,
	  &roomkeep__session_frame__descriptor, KIND_FIELDS(kind_session_frame_fields),
	  "session_id", "session_id", "patient_id", kind_check_session_frame },
	{ KIND_SESSION_TEXT, "session_text", KIND_CLASS_CLINICAL, LANE_CHART,
	  &roomkeep__session_text__descriptor, KIND_FIELDS(kind_session_text_fields), "session_id",
	  "session_id", NULL, NULL },
	{ KIND_MEASURE, "measure", KIND_CLASS_CLINICAL, LANE_CHART, &roomkeep__measure__descriptor,
	  KIND_FIELDS(kind_measure_fields), "measure_id", "session_id", NULL, kind_check_measure },
	{ KIND_SIGN, "sign", KIND_CLASS_CLINICAL, LANE_CHART, &roomkeep__sign__descriptor,
	  KIND_FIELDS(kind_sign_fields), "session_id", "session_id", NULL, NULL },
	{ KIND_ADDENDUM, "addendum", KIND_CLASS_CLINICAL, LANE_CHART,
	  &roomkeep__addendum__descriptor, KIND_FIELDS(kind_addendum_fields), "addendum_id",
	  "session_id", NULL, NULL },
	{ KIND_OPENED, "opened", KIND_CLASS_STAFF, LANE_CHART, &roomkeep__opened__descriptor,
	  KIND_FIELDS(kind_opened_fields), NULL, "session_id", "patient_id", NULL },
	{ KIND_TOMBSTONE, "tombstone", KIND_CLASS_SYSTEM, LANE_CHART,
	  &roomkeep__tombstone__descriptor, KIND_FIELDS(kind_tombstone_fields), "target", NULL,
	  NULL, NULL },
	{ KIND_NOTE, "note", KIND_CLASS_SEALED, LANE_SEALED, &roomkeep__note__descriptor,
	  KIND_FIELDS(kind_note_fields), "note_id", NULL, NULL, NULL },
	{ KIND_SEALED_TOMBSTONE, "sealed_tombstone", KIND_CLASS_SEALED, LANE_SEALED,
	  &roomkeep__tombstone__descriptor, KIND_FIELDS(kind_tombstone_fields), "target", NULL,
	  NULL, NULL },
};

const struct kind_info *kind_table(size_t *ret_count)
{
	*ret_count = COUNT_OF(kind_rows);
	return kind_rows;
}

const struct kind_info *kind_find(uint64_t number)
{
	for (size_t i = 0; i < COUNT_OF(kind_rows); i++) {
		if ((uint64_t)kind_rows[i].kind == number) return &kind_rows[i];
	}
	return NULL;
}

const struct kind_info *kind_find_name(struct view name)
{
	for (size_t i = 0; i < COUNT_OF(kind_rows); i++) {
		if (view_equal(view_str(kind_rows[i].name), name)) return &kind_rows[i];
	}
	return NULL;
}

const char *kind_name(uint64_t number)
{
	const struct kind_info *info = kind_find(number);
	return info == NULL ? "unknown" : info->name;
}

bool kind_fits_lane(uint64_t number, uint32_t lane_class)
{
	if (lane_class != LANE_CHART && lane_class != LANE_SEALED) return false;
	const struct kind_info *info = kind_find(number);
	return info == NULL || (uint32_t)info->lane == lane_class;
}
