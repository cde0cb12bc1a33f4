#include "wire/op.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "wire/scan.h"

#define OP_LANE_CLASS_MAX 2u /* chart 1, sealed 2: SECURITY 2.13 */
/* Tag and length of each part; a head is 2 x (2 + 32) + 11 and its own 2. */
#define OP_PART_BYTES 5u
#define OP_HEAD_BYTES 82u
#define OP_INTRO_BYTES 64u
#define OP_ENCODED_BYTES_MAX                                                                       \
	(OP_BYTES_MAX + HEADS_MAX * OP_HEAD_BYTES + OP_INTRO_BYTES + 4u * OP_PART_BYTES)

_Static_assert(OP_ENCODED_BYTES_MAX <= BATCH_BYTES_MAX, "any op with all its heads fits a batch");

ProtobufCBinaryData wire_bytes(struct view v)
{
	/* protobuf-c's struct has no const; packing only reads. */
	union {
		const uint8_t *from;
		uint8_t *to;
	} p = { .from = v.p };
	return (ProtobufCBinaryData){ .len = v.len, .data = p.to };
}

ProtobufCBinaryData wire_id_bytes(const struct id *id)
{
	return wire_bytes(id_view(id));
}

char *wire_text(const char *text)
{
	union {
		const char *from;
		char *to;
	} p = { .from = text };
	return p.to;
}

char *wire_text_or_null(const char *text)
{
	return text[0] != '\0' ? wire_text(text) : NULL;
}

enum err wire_id(ProtobufCBinaryData from, struct id *ret_id)
{
	return id_from_view(wire_view(from), ret_id);
}

static enum err wire_hash(protobuf_c_boolean has, ProtobufCBinaryData from,
			  uint8_t ret_hash[WIRE_HASH_BYTES])
{
	ENSURE(has && from.len == WIRE_HASH_BYTES, ERR_BAD_FORMAT);
	memcpy(ret_hash, from.data, WIRE_HASH_BYTES);
	return ERR_OK;
}

enum err wire_head_read(const Roomkeep__Head *from, struct wire_head *ret_head)
{
	struct wire_head head;
	TRY(wire_hash(from->has_lane_id, from->lane_id, head.lane_id));
	TRY(wire_hash(from->has_op_hash, from->op_hash, head.op_hash));
	ENSURE(from->has_lane_seq && from->lane_seq >= 1, ERR_BAD_FORMAT);
	head.lane_seq = from->lane_seq;
	*ret_head = head;
	return ERR_OK;
}

static enum err wire_op_read_intro(const Roomkeep__LaneIntro *from, struct wire_intro *ret_intro)
{
	struct wire_intro intro;
	ENSURE(from->has_user_id && from->has_room_id && from->has_random16, ERR_BAD_FORMAT);
	TRY(wire_id(from->user_id, &intro.user_id));
	TRY(wire_id(from->room_id, &intro.room_id));
	TRY(wire_id(from->random16, &intro.random16));
	ENSURE(from->has_lane_class, ERR_BAD_FORMAT);
	ENSURE(from->lane_class >= 1 && from->lane_class <= OP_LANE_CLASS_MAX, ERR_BAD_FORMAT);
	intro.lane_class = from->lane_class;
	*ret_intro = intro;
	return ERR_OK;
}

/* Sorted, so that one list has one form and its hash one value. */
static enum err wire_op_read_heads(struct arena *a, const Roomkeep__Op *from, struct wire_op *op)
{
	if (from->n_seen_heads == 0) return ERR_OK;
	ENSURE(from->n_seen_heads <= HEADS_MAX, ERR_TOO_BIG);
	struct wire_head *heads = arena_alloc(a, from->n_seen_heads * sizeof(*heads));
	ENSURE(heads != NULL, ERR_NOMEM);
	for (size_t i = 0; i < from->n_seen_heads; i++) {
		TRY(wire_head_read(from->seen_heads[i], &heads[i]));
		ENSURE(i == 0 ||
			       memcmp(heads[i - 1].lane_id, heads[i].lane_id, WIRE_HASH_BYTES) < 0,
		       ERR_BAD_FORMAT);
	}
	op->heads = heads;
	op->head_count = from->n_seen_heads;
	return ERR_OK;
}

enum err wire_op_read(struct arena *a, const Roomkeep__Op *from, struct wire_op *ret_op)
{
	struct wire_op op = { 0 };
	ENSURE(from->has_core && from->core.len > 0, ERR_BAD_FORMAT);
	ENSURE(from->has_signature && from->signature.len == WIRE_SIGNATURE_BYTES, ERR_BAD_FORMAT);
	op.core = wire_view(from->core);
	op.signature = wire_view(from->signature);
	if (from->has_payload) {
		ENSURE(from->payload.len > 0, ERR_BAD_FORMAT);
		op.has_payload = true;
		op.payload = wire_view(from->payload);
	}
	ENSURE(op.core.len <= OP_BYTES_MAX && op.payload.len <= OP_BYTES_MAX, ERR_TOO_BIG);
	ENSURE(op.core.len + op.signature.len + op.payload.len <= OP_BYTES_MAX, ERR_TOO_BIG);
	if (from->intro != NULL) {
		op.has_intro = true;
		TRY(wire_op_read_intro(from->intro, &op.intro));
	}
	TRY(wire_op_read_heads(a, from, &op));
	*ret_op = op;
	return ERR_OK;
}

enum err wire_heads_write(struct arena *a, const struct wire_head *heads, size_t count,
			  Roomkeep__Head ***ret_to)
{
	if (count == 0) {
		*ret_to = NULL;
		return ERR_OK;
	}
	ENSURE(count <= SIZE_MAX / sizeof(Roomkeep__Head), ERR_TOO_BIG);
	Roomkeep__Head **to = arena_alloc(a, count * sizeof(*to));
	Roomkeep__Head *all = arena_alloc(a, count * sizeof(*all));
	ENSURE(to != NULL && all != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) {
		roomkeep__head__init(&all[i]);
		all[i].has_lane_id = true;
		all[i].lane_id = wire_bytes(view_of(heads[i].lane_id, WIRE_HASH_BYTES));
		all[i].has_lane_seq = true;
		all[i].lane_seq = heads[i].lane_seq;
		all[i].has_op_hash = true;
		all[i].op_hash = wire_bytes(view_of(heads[i].op_hash, WIRE_HASH_BYTES));
		to[i] = &all[i];
	}
	*ret_to = to;
	return ERR_OK;
}

static enum err wire_op_write_intro(struct arena *a, const struct wire_intro *intro,
				    Roomkeep__Op *op)
{
	Roomkeep__LaneIntro *to = arena_alloc(a, sizeof(*to));
	/* The ids stand in the wire_op itself, which may be gone when the message is packed. */
	struct wire_intro *kept = arena_alloc(a, sizeof(*kept));
	ENSURE(to != NULL && kept != NULL, ERR_NOMEM);
	*kept = *intro;
	roomkeep__lane_intro__init(to);
	to->has_user_id = true;
	to->user_id = wire_id_bytes(&kept->user_id);
	to->has_room_id = true;
	to->room_id = wire_id_bytes(&kept->room_id);
	to->has_lane_class = true;
	to->lane_class = kept->lane_class;
	to->has_random16 = true;
	to->random16 = wire_id_bytes(&kept->random16);
	op->intro = to;
	return ERR_OK;
}

enum err wire_op_write(struct arena *a, const struct wire_op *op, Roomkeep__Op **ret_to)
{
	REQUIRE(op->core.len > 0 && op->signature.len == WIRE_SIGNATURE_BYTES);
	REQUIRE(op->has_payload == (op->payload.len > 0));
	REQUIRE(op->head_count <= HEADS_MAX);
	Roomkeep__Op *to = arena_alloc(a, sizeof(*to));
	ENSURE(to != NULL, ERR_NOMEM);
	roomkeep__op__init(to);
	to->has_core = true;
	to->core = wire_bytes(op->core);
	to->has_signature = true;
	to->signature = wire_bytes(op->signature);
	to->has_payload = op->has_payload;
	to->payload = wire_bytes(op->payload);
	if (op->has_intro) TRY(wire_op_write_intro(a, &op->intro, to));
	TRY(wire_heads_write(a, op->heads, op->head_count, &to->seen_heads));
	to->n_seen_heads = op->head_count;
	*ret_to = to;
	return ERR_OK;
}

enum err wire_op_encode(const struct wire_op *op, struct buf *out)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	arena_init(&a, 64u * KIB); /* structs of HEADS_MAX heads and little else */
	Roomkeep__Op *message;
	TRY(wire_op_write(&a, op, &message));
	const size_t len = roomkeep__op__get_packed_size(message);
	ENSURE(len <= OP_ENCODED_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, len));
	const size_t packed = roomkeep__op__pack(message, out->p + out->len);
	INSIST(packed == len);
	out->len += len;
	return ERR_OK;
}

enum err wire_op_decode(struct arena *a, struct view bytes, struct wire_op *ret_op)
{
	ENSURE(bytes.len <= OP_ENCODED_BYTES_MAX, ERR_TOO_BIG);
	ProtobufCMessage *message;
	TRY(scan_unpack(a, &roomkeep__op__descriptor, bytes, &message, NULL, NULL));
	return wire_op_read(a, (const Roomkeep__Op *)(const void *)message, ret_op);
}

size_t wire_op_bytes(const struct wire_op *op)
{
	size_t bytes = op->core.len + op->signature.len + op->payload.len + 4u * OP_PART_BYTES;
	if (op->has_intro) bytes += OP_INTRO_BYTES;
	return bytes + op->head_count * OP_HEAD_BYTES;
}
