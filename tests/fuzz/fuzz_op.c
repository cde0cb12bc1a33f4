/* fuzz_op: one op as bytes, from a peer or from a store; the same bytes as a signed core too.
 * Targets: wire_op_decode, wire_op_encode, op_core_parse, op_core_encode, op_heads_hash.
 * Holds:   an op that was read writes bytes that read and write the same again, within the length
 *          that counts towards a batch; a core that was read is exactly what would be written;
 *          heads that wire lets through are heads that crypt hashes. */
#include "base/cleanup.h"
#include "crypt/op.h"
#include "fuzz/fuzz.h"
#include "wire/op.h"

static void check_core(struct view core)
{
	CLEANUP(buf_finip) struct buf again = { 0 };
	struct op_core c;

	if (op_core_parse(core, &c) != ERR_OK) return;
	INSIST(op_core_encode(&c, &again) == ERR_OK);
	INSIST(view_equal(buf_view(&again), core));
	INSIST(c.lane_seq >= 1 && c.author_gen >= 1);
	INSIST((c.lane_seq == 1) == hash_is_zero(&c.prev_hash));
}

static void check_heads(const struct wire_op *op)
{
	static struct op_head heads[HEADS_MAX];
	struct hash32 hash;

	INSIST(op->head_count <= HEADS_MAX);
	for (size_t i = 0; i < op->head_count; i++) {
		memcpy(heads[i].lane_id.b, op->heads[i].lane_id, HASH_BYTES);
		memcpy(heads[i].op_hash.b, op->heads[i].op_hash, HASH_BYTES);
		heads[i].lane_seq = op->heads[i].lane_seq;
	}
	INSIST(op_heads_hash(heads, op->head_count, &hash) == ERR_OK);
}

static void check_again(const struct wire_op *op)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	CLEANUP(buf_finip) struct buf once = { 0 };
	CLEANUP(buf_finip) struct buf twice = { 0 };
	struct wire_op again;

	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	INSIST(wire_op_encode(op, &once) == ERR_OK);
	INSIST(once.len <= wire_op_bytes(op));
	INSIST(wire_op_decode(&a, buf_view(&once), &again) == ERR_OK);
	INSIST(view_equal(again.core, op->core) && view_equal(again.payload, op->payload));
	INSIST(again.has_payload == op->has_payload && again.has_intro == op->has_intro);
	INSIST(again.head_count == op->head_count);
	INSIST(wire_op_encode(&again, &twice) == ERR_OK);
	INSIST(view_equal(buf_view(&once), buf_view(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	struct wire_op op;

	check_core(view_of(data, size));
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	if (wire_op_decode(&a, view_of(data, size), &op) != ERR_OK) return 0;
	INSIST(op.core.len > 0 && op.signature.len == WIRE_SIGNATURE_BYTES);
	INSIST(op.core.len + op.signature.len + op.payload.len <= OP_BYTES_MAX);
	INSIST(op.has_payload || op.payload.len == 0);
	check_core(op.core);
	check_heads(&op);
	check_again(&op);
	return 0;
}
