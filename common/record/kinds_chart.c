/* kinds_chart: patients, sessions and confidential notes: kinds with folds of their own. */
#include "record/kinds_priv.h"

#include "record/catalogue.h"
#include "record/measure.h"

/* Nonce 24 and tag 16 around a text padded in steps of 512, or a 32 byte key (SECURITY 2.4). */
#define NOTE_CIPHER_BYTES_MIN 41u
#define NOTE_CIPHER_BYTES_MAX (TEXT_BYTES_MAX + 4u * KIB)
#define NOTE_WRAP_BYTES 72u
#define NOTE_GEN_MAX UINT32_MAX

static const struct field_rule kind_patient_fields[] = {
	{ "patient_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "name", FIELD_NAME, FIELD_FIRST, 1, NAME_BYTES_MAX, NULL },
	{ "name_used", FIELD_NAME, FIELD_OPTIONAL, 0, NAME_BYTES_MAX, NULL },
	{ "born", FIELD_DATE, FIELD_FIRST, 10, 10, NULL },
	{ "phone", FIELD_PHONE, FIELD_OPTIONAL, 0, PHONE_BYTES_MAX, NULL },
	{ "email", FIELD_EMAIL, FIELD_OPTIONAL, 0, EMAIL_BYTES_MAX, NULL },
};

static const struct field_rule kind_session_frame_fields[] = {
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "patient_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "therapist_id", FIELD_ID, FIELD_FIRST, 0, 0, NULL },
	{ "room_id", FIELD_ID, FIELD_FIRST, 0, 0, NULL },
	{ "started_ms", FIELD_TIME, FIELD_FIRST, 0, 0, NULL },
	{ "ended_ms", FIELD_TIME, FIELD_OPTIONAL, 0, 0, NULL },
	{ "imported", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, NULL },
	{ "supervisor_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, NULL },
};

static const struct field_rule kind_session_text_fields[] = {
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "field", FIELD_ENUM, FIELD_REQUIRED, 0, 0, NULL },
	{ "text", FIELD_TEXT, FIELD_REQUIRED, 0, TEXT_BYTES_MAX, NULL },
	{ "parents", FIELD_IDS, FIELD_OPTIONAL, 0, PARENTS_MAX, NULL },
};

static const struct field_rule kind_measure_fields[] = {
	{ "measure_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "ref", FIELD_REF, FIELD_REQUIRED, 1, CATALOGUE_REF_BYTES_MAX, NULL },
	{ "catalogue", FIELD_COUNT, FIELD_REQUIRED, 1, UINT32_MAX, NULL },
	{ "phase", FIELD_ENUM, FIELD_REQUIRED, 0, 0, NULL },
	{ "side", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, NULL },
	{ "value_milli", FIELD_NUMBER, FIELD_OPTIONAL, 0, 0, NULL },
	{ "unit", FIELD_UNIT, FIELD_OPTIONAL, 1, CATALOGUE_UNIT_BYTES_MAX, NULL },
	{ "result", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, NULL },
	{ "at_ms", FIELD_TIME, FIELD_REQUIRED, 0, 0, NULL },
	{ "mode", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, NULL },
	{ "position", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, NULL },
	{ "method", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, NULL },
	{ "pain_at_end", FIELD_COUNT, FIELD_OPTIONAL, 0, MEASURE_PAIN_MAX, NULL },
	{ "end_feel", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, NULL },
	{ "limited_by", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, NULL },
	{ "rater_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, NULL },
	{ "pair_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, NULL },
	{ "skipped_reason", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, NULL },
};

static const struct field_rule kind_sign_fields[] = {
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "covered", FIELD_IDS, FIELD_REQUIRED, 1, COVERED_MAX, NULL },
	{ "values_hash", FIELD_BYTES32, FIELD_REQUIRED, 0, 0, NULL },
	{ "records", FIELD_IDS, FIELD_OPTIONAL, 0, COVERED_MAX, NULL },
};

static const struct field_rule kind_addendum_fields[] = {
	{ "addendum_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "session_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "text", FIELD_TEXT, FIELD_REQUIRED, 1, TEXT_BYTES_MAX, NULL },
};

static const struct field_rule kind_opened_fields[] = {
	{ "patient_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "session_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, NULL },
};

static const struct field_rule kind_tombstone_fields[] = {
	{ "target", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "reason", FIELD_NAME, FIELD_REQUIRED, 1, NAME_BYTES_MAX, NULL },
};

static const struct field_rule kind_note_fields[] = {
	{ "note_id", FIELD_ID, FIELD_REQUIRED, 0, 0, NULL },
	{ "note_gen", FIELD_COUNT, FIELD_REQUIRED, 1, NOTE_GEN_MAX, NULL },
	{ "parents", FIELD_IDS, FIELD_OPTIONAL, 0, PARENTS_MAX, NULL },
	{ "commitment", FIELD_BYTES32, FIELD_REQUIRED, 0, 0, NULL },
	{ "ciphertext", FIELD_BYTES, FIELD_REQUIRED, NOTE_CIPHER_BYTES_MIN, NOTE_CIPHER_BYTES_MAX,
	  NULL },
	{ "author_wrap", FIELD_BYTES, FIELD_REQUIRED, NOTE_WRAP_BYTES, NOTE_WRAP_BYTES, NULL },
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

#define CARE ROLES_CARE
#define STAFF ROLES_STAFF
/* Who looks after others writes no confidential notes beside them. */
#define AUTHORS (ROLE_THERAPIST | ROLE_STUDENT)

const struct kind_info kinds_chart[] = {
	{ .kind = KIND_PATIENT,
	  .name = "patient",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .read = STAFF,
	  .write = STAFF,
	  KIND_MESSAGE(patient, kind_patient_fields),
	  .subject_field = "patient_id",
	  .patient_field = "patient_id" },
	{ .kind = KIND_SESSION_FRAME,
	  .name = "session_frame",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .read = CARE,
	  .write = CARE,
	  KIND_MESSAGE(session_frame, kind_session_frame_fields),
	  .subject_field = "session_id",
	  .session_field = "session_id",
	  .patient_field = "patient_id",
	  .check = kind_check_session_frame },
	{ .kind = KIND_SESSION_TEXT,
	  .name = "session_text",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .read = CARE,
	  .write = CARE,
	  KIND_MESSAGE(session_text, kind_session_text_fields),
	  .subject_field = "session_id",
	  .session_field = "session_id" },
	{ .kind = KIND_MEASURE,
	  .name = "measure",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .read = CARE,
	  .write = CARE,
	  KIND_MESSAGE(measure, kind_measure_fields),
	  .subject_field = "measure_id",
	  .session_field = "session_id",
	  .check = kind_check_measure },
	{ .kind = KIND_SIGN,
	  .name = "sign",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .read = CARE,
	  .write = CARE,
	  KIND_MESSAGE(sign, kind_sign_fields),
	  .subject_field = "session_id",
	  .session_field = "session_id" },
	{ .kind = KIND_ADDENDUM,
	  .name = "addendum",
	  .class = KIND_CLASS_CLINICAL,
	  .lane = LANE_CHART,
	  .read = CARE,
	  .write = CARE,
	  KIND_MESSAGE(addendum, kind_addendum_fields),
	  .subject_field = "addendum_id",
	  .session_field = "session_id" },
	{ .kind = KIND_OPENED,
	  .name = "opened",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .write = STAFF,
	  KIND_MESSAGE(opened, kind_opened_fields),
	  .session_field = "session_id",
	  .patient_field = "patient_id" },
	/* Read and written by who may read and erase its target. */
	{ .kind = KIND_TOMBSTONE,
	  .name = "tombstone",
	  .class = KIND_CLASS_SYSTEM,
	  .lane = LANE_CHART,
	  KIND_MESSAGE(tombstone, kind_tombstone_fields),
	  .subject_field = "target" },
};
const size_t kinds_chart_count = COUNT_OF(kinds_chart);

const struct kind_info kinds_sealed[] = {
	{ .kind = KIND_NOTE,
	  .name = "note",
	  .class = KIND_CLASS_SEALED,
	  .lane = LANE_SEALED,
	  .write = AUTHORS,
	  KIND_MESSAGE(note, kind_note_fields),
	  .subject_field = "note_id" },
	{ .kind = KIND_SEALED_TOMBSTONE,
	  .name = "sealed_tombstone",
	  .class = KIND_CLASS_SEALED,
	  .lane = LANE_SEALED,
	  .write = AUTHORS,
	  KIND_MESSAGE(tombstone, kind_tombstone_fields),
	  .subject_field = "target" },
};
const size_t kinds_sealed_count = COUNT_OF(kinds_sealed);
