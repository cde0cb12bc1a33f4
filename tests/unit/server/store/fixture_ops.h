/* fixture_ops: signed ops in lanes, and verdicts. Part of store_fixture.h. */
#pragma once

#include "fixture_setup.h"

static inline struct fx_lane *fx_lane_new(struct fx *fx, size_t user, size_t room,
					  enum op_lane_class lane_class)
{
	assert_true(fx->lane_count < FX_LANES);
	struct fx_lane *lane = &fx->lanes[fx->lane_count++];
	*lane = (struct fx_lane){ .intro = { .user_id = fx->users[user],
					     .room_id = fx->rooms[room],
					     .lane_class = lane_class } };
	rand_fill(&fx->rand, lane->intro.random16, LANE_RANDOM_BYTES);
	OK(lane_id_make(&lane->intro.user_id, &lane->intro.room_id, lane_class,
			lane->intro.random16, &lane->lane_id));
	return lane;
}

static inline size_t fx_user_of(const struct fx *fx, const struct id *user_id)
{
	for (size_t i = 0; i < FX_USERS; i++) {
		if (id_equal(&fx->users[i], user_id)) return i;
	}
	fail_msg("no such user");
	return 0;
}

static inline void fx_op_fini(struct fx_op *op)
{
	buf_fini(&op->core_bytes);
	buf_fini(&op->payload);
}

/* Encodes and signs what stands in op->core and op->payload. */
static inline void fx_op_sign(struct fx *fx, struct fx_op *op)
{
	const size_t user = fx_user_of(fx, &op->core.author_id);
	op->core.payload_hash = op_payload_hash(buf_view(&op->payload));
	buf_clear(&op->core_bytes);
	OK(op_core_encode(&op->core, &op->core_bytes));
	op->op =
		(struct store_op){ .core = &op->core,
				   .core_bytes = buf_view(&op->core_bytes),
				   .signature = op_sign(&fx->keys[user], buf_view(&op->core_bytes)),
				   .payload = buf_view(&op->payload),
				   .intro = op->core.lane_seq == 1 ? &op->intro : NULL,
				   .author_roles = fx->roles[user] };
}

/* The next op of a lane with raw payload bytes; the lane does not move (fx_lane_move). */
static inline void fx_op_make_raw(struct fx *fx, const struct fx_lane *lane, uint64_t kind,
				  struct view payload, struct fx_op *op)
{
	*op = (struct fx_op){ .intro = lane->intro };
	op->core = (struct op_core){ .clinic_id = fx->clinic_id,
				     .op_id = fx_id(fx),
				     .kind = kind,
				     .author_id = lane->intro.user_id,
				     .author_gen = 1,
				     .lane_id = lane->lane_id,
				     .lane_seq = lane->seq + 1,
				     .prev_hash = lane->prev,
				     .client_time_ms = fx->now_ms };
	if (!id_is_zero(&fx->next_op_id)) op->core.op_id = fx->next_op_id;
	fx->next_op_id = (struct id){ 0 };
	OK(buf_append(&op->payload, payload));
	fx_op_sign(fx, op);
}

static inline void fx_op_make(struct fx *fx, const struct fx_lane *lane, enum kind kind,
			      const ProtobufCMessage *message, bool first, struct fx_op *op)
{
	CLEANUP(buf_finip) struct buf payload = { 0 };
	uint8_t blind[PAYLOAD_BLIND_BYTES];
	struct record_error error = { 0 };
	rand_fill(&fx->rand, blind, sizeof(blind));
	const enum err e = payload_encode(kind, message, first, blind, &payload, &error);
	if (e != ERR_OK) fail_msg("%s: %s", error.field, error.allowed);
	fx_op_make_raw(fx, lane, kind, buf_view(&payload), op);
}

static inline void fx_lane_move(struct fx_lane *lane, const struct fx_op *op)
{
	lane->seq = op->core.lane_seq;
	lane->prev = op_hash(buf_view(&op->core_bytes));
}

static inline struct store_op_result fx_append(struct fx *fx, const struct fx_op *op)
{
	struct store_op_result result = { 0 };
	OK(store_append_op(fx->store, &op->op, &result));
	return result;
}

/* Makes, appends in the open transaction and moves the lane, whatever the verdict. */
static inline struct store_op_result fx_push(struct fx *fx, struct fx_lane *lane, enum kind kind,
					     const ProtobufCMessage *message, struct id *ret_op_id)
{
	struct fx_op op;
	fx_op_make(fx, lane, kind, message, false, &op);
	const struct store_op_result result = fx_append(fx, &op);
	fx_lane_move(lane, &op);
	if (ret_op_id != NULL) *ret_op_id = op.core.op_id;
	fx_op_fini(&op);
	return result;
}

#define ASSERT_COMMITTED(result)                                                                   \
	do {                                                                                       \
		const struct store_op_result r_ = (result);                                        \
		assert_string_equal(err_name(r_.code), "ok");                                      \
		assert_int_equal(r_.status, STORE_OP_COMMITTED);                                   \
	} while (0)
#define ASSERT_VERDICT(result, wanted, wanted_code)                                                \
	do {                                                                                       \
		const struct store_op_result r_ = (result);                                        \
		assert_string_equal(err_name(r_.code), err_name(wanted_code));                     \
		assert_int_equal(r_.status, wanted);                                               \
	} while (0)
