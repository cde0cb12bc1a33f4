/* seeds_wire: a frame of every kind, ops, and a payload of every kind. */
#include "crypt/op.h"
#include "fuzz/fuzz_keys.h"
#include "fuzz/seeds.h"
#include "record/note_plain.h"
#include "unit/record/samples.h"
#include "wire/frame.h"

#include <stdio.h>

/* ---- frames: every field of every message, written as the descriptors say ---- */

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80u; v >>= 7) seed_put_u8(b, (uint8_t)(v | 0x80u));
	seed_put_u8(b, (uint8_t)v);
}

static void put_message(struct buf *b, const ProtobufCMessageDescriptor *type);

static void put_delimited(struct buf *b, uint32_t number, struct view v)
{
	put_varint(b, (uint64_t)number << 3 | 2u);
	put_varint(b, v.len);
	seed_put(b, v);
}

static void put_field(struct buf *b, const ProtobufCFieldDescriptor *f)
{
	static const uint8_t bytes[16] = { 1, 2, 3 };
	CLEANUP(buf_finip) struct buf inner = { 0 };

	if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
		put_message(&inner, f->descriptor);
		put_delimited(b, f->id, buf_view(&inner));
	} else if (f->type == PROTOBUF_C_TYPE_BYTES) {
		put_delimited(b, f->id, VIEW_OF(bytes));
	} else if (f->type == PROTOBUF_C_TYPE_STRING) {
		put_delimited(b, f->id, view_str("text"));
	} else {
		put_varint(b, (uint64_t)f->id << 3);
		put_varint(b, 1);
	}
}

static void put_message(struct buf *b, const ProtobufCMessageDescriptor *type)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		put_field(b, &type->fields[i]);
		if (type->fields[i].label == PROTOBUF_C_LABEL_REPEATED)
			put_field(b, &type->fields[i]);
	}
}

static void put_frame(struct buf *stream, const ProtobufCFieldDescriptor *body)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	CLEANUP(arena_finip) struct arena a = { 0 };
	Roomkeep__Frame *frame = NULL;

	put_field(&bytes, &roomkeep__frame__descriptor.fields[0]);
	put_field(&bytes, body);
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	INSIST(frame_decode(&a, buf_view(&bytes), &frame) == ERR_OK);
	INSIST(buf_append_be32(stream, (uint32_t)bytes.len) == ERR_OK);
	seed_put(stream, buf_view(&bytes));
}

/* A few frames in each stream. */
static void seeds_frame(void)
{
	const ProtobufCMessageDescriptor *type = &roomkeep__frame__descriptor;
	CLEANUP(buf_finip) struct buf stream = { 0 };

	for (unsigned i = 1; i < type->n_fields; i++) {
		put_frame(&stream, &type->fields[i]);
		if (i % 6 != 0 && i + 1 < type->n_fields) continue;
		seed_write("frame", type->fields[i].name, buf_view(&stream));
		buf_clear(&stream);
	}
}

/* ---- ops ---- */

static void make_core(uint64_t kind, uint64_t lane_seq, struct view payload, struct buf *out)
{
	struct op_core c = { .clinic_id = fuzz_keys()->clinic,
			     .op_id = { { 9 } },
			     .kind = kind,
			     .author_id = fuzz_keys()->user,
			     .author_gen = 1,
			     .lane_id = { { 3 } },
			     .lane_seq = lane_seq,
			     .client_time_ms = 1700000000000u,
			     .payload_hash = op_payload_hash(payload) };
	c.prev_hash.b[0] = lane_seq > 1;
	INSIST(op_core_encode(&c, out) == ERR_OK);
}

static void write_op(const char *name, const struct wire_op *op)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	INSIST(wire_op_encode(op, &bytes) == ERR_OK);
	seed_write("op", name, buf_view(&bytes));
}

static void seeds_op(void)
{
	static const uint8_t payload[40] = { 5 };
	static const struct wire_head heads[2] = { { { 1 }, 4, { 2 } }, { { 2 }, 1, { 3 } } };
	CLEANUP(buf_finip) struct buf core = { 0 };

	make_core(KIND_MEASURE, 1, VIEW_OF(payload), &core);
	const struct sign_sig sig = op_sign(&fuzz_keys()->sign[1], buf_view(&core));
	struct wire_op op = { .core = buf_view(&core),
			      .signature = sign_sig_view(&sig),
			      .payload = VIEW_OF(payload),
			      .has_payload = true };
	seed_write("op", "core", buf_view(&core));
	write_op("plain", &op);
	op.has_intro = true;
	op.intro = (struct wire_intro){ fuzz_keys()->user, { { 4 } }, 1, { { 5 } } };
	write_op("first_of_lane", &op);
	op.heads = heads;
	op.head_count = COUNT_OF(heads);
	write_op("with_heads", &op);
	op.has_payload = false;
	op.payload = VIEW_EMPTY;
	write_op("erased", &op);
	buf_clear(&core);
	make_core(KIND_NOTE, 2, VIEW_OF(payload), &core);
	seed_write("op", "core_later", buf_view(&core));
}

/* ---- payloads ---- */

static void seeds_payload(void)
{
	const uint8_t blind[PAYLOAD_BLIND_BYTES] = { 7 };
	const size_t count = kind_count();

	for (size_t i = 0; i < count; i++) {
		CLEANUP(buf_finip) struct buf bytes = { 0 };
		union sample s = sample_of(kind_at(i)->kind);
		struct record_error error = { 0 };
		INSIST(payload_encode(kind_at(i)->kind, &s.any, false, blind, &bytes, &error) ==
		       ERR_OK);
		seed_write("payload", kind_at(i)->name, buf_view(&bytes));
	}
	const struct note_plain note = { .patient_id = { { 1 } },
					 .has_session = true,
					 .session_id = { { 2 } },
					 .text = view_str("between us"),
					 .written_ms = 1700000000000u };
	uint8_t plain[256];
	size_t len = 0;
	INSIST(note_plain_write(&note, plain, sizeof(plain), &len) == ERR_OK);
	seed_write("payload", "note_inside", view_of(plain, len));
}

void seeds_wire(void)
{
	seeds_frame();
	seeds_op();
	seeds_payload();
}
