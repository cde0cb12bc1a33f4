/* fixture_records: one function per kind of record. Part of store_fixture.h. */
#pragma once

#include "fixture_ops.h"

static inline struct store_op_result fx_push_patient(struct fx *fx, struct fx_lane *lane,
						     const struct id *patient_id, const char *name,
						     const char *phone, struct id *ret_op_id)
{
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(patient_id);
	m.name = (char *)(uintptr_t)name;
	m.born = name == NULL ? NULL : (char *)(uintptr_t) "1980-02-29";
	m.phone = (char *)(uintptr_t)phone;
	return fx_push(fx, lane, KIND_PATIENT, &m.base, ret_op_id);
}

static inline struct store_op_result fx_push_frame(struct fx *fx, struct fx_lane *lane,
						   const struct id *session_id,
						   const struct id *patient_id, bool first,
						   uint64_t ended_ms, struct id *ret_op_id)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = 1;
	m.session_id = fx_bytes(session_id);
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(patient_id);
	if (first) {
		m.has_therapist_id = 1;
		m.therapist_id = fx_bytes(&lane->intro.user_id);
		m.has_room_id = 1;
		m.room_id = fx_bytes(&lane->intro.room_id);
		m.has_started_ms = 1;
		m.started_ms = fx->now_ms;
	}
	m.has_ended_ms = ended_ms != 0;
	m.ended_ms = ended_ms;
	return fx_push(fx, lane, KIND_SESSION_FRAME, &m.base, ret_op_id);
}

#define FX_IDS_MAX 64u

static inline struct store_op_result fx_push_text(struct fx *fx, struct fx_lane *lane,
						  const struct id *session_id,
						  Roomkeep__TextField field, const char *text,
						  const struct id *parents, size_t parent_count,
						  struct id *ret_op_id)
{
	ProtobufCBinaryData list[FX_IDS_MAX];
	assert_true(parent_count <= FX_IDS_MAX);
	Roomkeep__SessionText m = ROOMKEEP__SESSION_TEXT__INIT;
	m.has_session_id = 1;
	m.session_id = fx_bytes(session_id);
	m.has_field = 1;
	m.field = field;
	m.text = (char *)(uintptr_t)text;
	for (size_t i = 0; i < parent_count; i++) list[i] = fx_bytes(&parents[i]);
	m.n_parents = parent_count;
	m.parents = list;
	return fx_push(fx, lane, KIND_SESSION_TEXT, &m.base, ret_op_id);
}

static inline struct store_op_result fx_push_measure(struct fx *fx, struct fx_lane *lane,
						     const struct id *session_id,
						     const struct id *measure_id, int64_t value,
						     struct id *ret_op_id)
{
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	m.has_session_id = 1;
	m.session_id = fx_bytes(session_id);
	m.has_measure_id = 1;
	m.measure_id = fx_bytes(measure_id);
	m.ref = (char *)(uintptr_t) "cx_rot";
	m.has_catalogue = 1;
	m.catalogue = 1;
	m.has_phase = 1;
	m.phase = ROOMKEEP__PHASE__PRE;
	m.has_side = 1;
	m.side = ROOMKEEP__SIDE__LEFT;
	m.has_value_milli = 1;
	m.value_milli = value * 1000;
	m.unit = (char *)(uintptr_t) "deg";
	m.has_at_ms = 1;
	m.at_ms = fx->now_ms;
	return fx_push(fx, lane, KIND_MEASURE, &m.base, ret_op_id);
}

static inline struct store_op_result fx_push_sign(struct fx *fx, struct fx_lane *lane,
						  const struct id *session_id,
						  const struct id *covered, size_t covered_count,
						  struct id *ret_op_id)
{
	ProtobufCBinaryData list[FX_IDS_MAX];
	uint8_t hash[32] = { 7 };
	assert_true(covered_count <= FX_IDS_MAX);
	Roomkeep__Sign m = ROOMKEEP__SIGN__INIT;
	m.has_session_id = 1;
	m.session_id = fx_bytes(session_id);
	for (size_t i = 0; i < covered_count; i++) list[i] = fx_bytes(&covered[i]);
	m.n_covered = covered_count;
	m.covered = list;
	m.has_values_hash = 1;
	m.values_hash = (ProtobufCBinaryData){ sizeof(hash), hash };
	return fx_push(fx, lane, KIND_SIGN, &m.base, ret_op_id);
}

static inline struct store_op_result fx_push_addendum(struct fx *fx, struct fx_lane *lane,
						      const struct id *session_id,
						      const struct id *addendum_id,
						      const char *text, struct id *ret_op_id)
{
	Roomkeep__Addendum m = ROOMKEEP__ADDENDUM__INIT;
	m.has_session_id = 1;
	m.session_id = fx_bytes(session_id);
	m.has_addendum_id = 1;
	m.addendum_id = fx_bytes(addendum_id);
	m.text = (char *)(uintptr_t)text;
	return fx_push(fx, lane, KIND_ADDENDUM, &m.base, ret_op_id);
}

static inline struct store_op_result fx_push_tombstone(struct fx *fx, struct fx_lane *lane,
						       const struct id *target)
{
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	m.has_target = 1;
	m.target = fx_bytes(target);
	m.reason = (char *)(uintptr_t) "asked for";
	return fx_push(fx, lane,
		       lane->intro.lane_class == OP_LANE_CHART ? KIND_TOMBSTONE
							       : KIND_SEALED_TOMBSTONE,
		       &m.base, NULL);
}
