#include "wire/scan.h"

#include "base/check.h"

#include <stdalign.h>

/* Wire types (protobuf encoding specification); 3 and 4 are groups, which we never accept. */
enum scan_wire { SCAN_VARINT = 0, SCAN_FIXED64 = 1, SCAN_BYTES = 2, SCAN_FIXED32 = 5 };

#define SCAN_VARINT_BYTES_MAX 10
#define SCAN_FIELD_NUMBER_MAX 0x1fffffffu
#define SCAN_TYPE_FIELDS_MAX 64u

struct scan_field {
	uint32_t number;
	enum scan_wire wire;
	uint64_t varint;   /* of SCAN_VARINT */
	struct view bytes; /* of the other three */
};

struct scan {
	size_t fields;
	size_t unknown;
	const char *at; /* name of the field being looked at */
};

static enum err scan_take_varint(struct view *in, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (size_t i = 0; i < SCAN_VARINT_BYTES_MAX; i++) {
		ENSURE(i < in->len, ERR_BAD_FORMAT);
		const uint8_t byte = in->p[i];
		ENSURE(i < 9 || byte <= 1, ERR_BAD_FORMAT); /* the tenth byte holds bit 63 */
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if ((byte & 0x80) != 0) continue;
		ENSURE(i == 0 || byte != 0, ERR_BAD_FORMAT); /* a shorter form exists */
		in->p += i + 1;
		in->len -= i + 1;
		*ret_value = value;
		return ERR_OK;
	}
	return ERR_BAD_FORMAT;
}

static enum err scan_take_bytes(struct view *in, uint64_t len, struct view *ret_bytes)
{
	ENSURE(len <= in->len, ERR_BAD_FORMAT);
	*ret_bytes = view_of(in->p, (size_t)len);
	in->p += len;
	in->len -= (size_t)len;
	return ERR_OK;
}

/* Takes one tag and its value from the front of `in`. */
static enum err scan_take_field(struct view *in, struct scan_field *ret_field)
{
	struct scan_field f = { 0 };
	uint64_t tag;
	TRY(scan_take_varint(in, &tag));
	ENSURE(tag >> 3 >= 1 && tag >> 3 <= SCAN_FIELD_NUMBER_MAX, ERR_BAD_FORMAT);
	f.number = (uint32_t)(tag >> 3);
	switch (tag & 7) {
	case SCAN_VARINT:
		f.wire = SCAN_VARINT;
		TRY(scan_take_varint(in, &f.varint));
		break;
	case SCAN_FIXED64:
		f.wire = SCAN_FIXED64;
		TRY(scan_take_bytes(in, 8, &f.bytes));
		break;
	case SCAN_BYTES: {
		f.wire = SCAN_BYTES;
		uint64_t len;
		TRY(scan_take_varint(in, &len));
		TRY(scan_take_bytes(in, len, &f.bytes));
		break;
	}
	case SCAN_FIXED32:
		f.wire = SCAN_FIXED32;
		TRY(scan_take_bytes(in, 4, &f.bytes));
		break;
	default: return ERR_BAD_FORMAT;
	}
	*ret_field = f;
	return ERR_OK;
}

/* Length of the UTF-8 sequence at p (RFC 3629 section 4), 0 when it is none. */
static size_t scan_utf8_sequence(const uint8_t *p, size_t len)
{
	if (p[0] < 0x80) return 1;
	const size_t need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || need > len) return 0;
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80) return 0;
	}
	if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* longer than it must be */
	if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogates */
	if (p[0] == 0xf0 && p[1] < 0x90) return 0;
	if (p[0] == 0xf4 && p[1] > 0x8f) return 0; /* above U+10FFFF */
	return need;
}

static enum err scan_check_string(struct view text)
{
	for (size_t i = 0; i < text.len;) {
		ENSURE(text.p[i] != 0, ERR_BAD_TEXT);
		const size_t step = scan_utf8_sequence(text.p + i, text.len - i);
		ENSURE(step > 0, ERR_BAD_TEXT);
		i += step;
	}
	return ERR_OK;
}

static enum err scan_check_enum(const ProtobufCEnumDescriptor *type, uint64_t value)
{
	ENSURE(value <= INT32_MAX, ERR_BAD_VALUE);
	ENSURE(protobuf_c_enum_descriptor_get_value(type, (int)value) != NULL, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err scan_check_varint(const ProtobufCFieldDescriptor *field, uint64_t v)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32: ENSURE(v <= UINT32_MAX, ERR_BAD_VALUE); return ERR_OK;
	case PROTOBUF_C_TYPE_INT32:
		ENSURE((int64_t)v >= INT32_MIN && (int64_t)v <= INT32_MAX, ERR_BAD_VALUE);
		return ERR_OK;
	case PROTOBUF_C_TYPE_BOOL: ENSURE(v <= 1, ERR_BAD_VALUE); return ERR_OK;
	case PROTOBUF_C_TYPE_ENUM: return scan_check_enum(field->descriptor, v);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_INT64: return ERR_OK;
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE: break;
	}
	return ERR_BAD_FORMAT;
}

static enum scan_wire scan_wire_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE: return SCAN_BYTES;
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT: return SCAN_FIXED32;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE: return SCAN_FIXED64;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_BOOL:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_INT64: break;
	}
	return SCAN_VARINT;
}

/* No second value of a single field, no second member of a oneof. `*seen` has a bit per field. */
static enum err scan_mark_seen(const ProtobufCMessageDescriptor *type,
			       const ProtobufCFieldDescriptor *field, uint64_t *seen)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED) return ERR_OK;
	const uint64_t bit = UINT64_C(1) << (unsigned)(field - type->fields);
	ENSURE((*seen & bit) == 0, ERR_BAD_FORMAT);
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
		for (unsigned i = 0; i < type->n_fields; i++) {
			const ProtobufCFieldDescriptor *other = &type->fields[i];
			const bool same = (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
					  other->quantifier_offset == field->quantifier_offset;
			ENSURE(!same || (*seen & UINT64_C(1) << i) == 0, ERR_BAD_FORMAT);
		}
	}
	*seen |= bit;
	return ERR_OK;
}

static enum err scan_walk(struct scan *s, const ProtobufCMessageDescriptor *type, struct view in,
			  unsigned depth);

static enum err scan_check_value(struct scan *s, const ProtobufCFieldDescriptor *field,
				 const struct scan_field *f, unsigned depth)
{
	ENSURE(f->wire == scan_wire_of(field->type), ERR_BAD_FORMAT);
	if (f->wire == SCAN_VARINT) return scan_check_varint(field, f->varint);
	if (field->type == PROTOBUF_C_TYPE_STRING) return scan_check_string(f->bytes);
	if (field->type != PROTOBUF_C_TYPE_MESSAGE) return ERR_OK;
	return scan_walk(s, field->descriptor, f->bytes, depth + 1);
}

/* Recursion is bounded by WIRE_DEPTH_MAX, whatever the bytes say. */
static enum err scan_walk(struct scan *s, const ProtobufCMessageDescriptor *type, struct view in,
			  unsigned depth)
{
	REQUIRE(type->n_fields <= SCAN_TYPE_FIELDS_MAX);
	ENSURE(depth <= WIRE_DEPTH_MAX, ERR_BAD_FORMAT);
	uint64_t seen = 0;
	while (in.len > 0) {
		s->at = NULL;
		struct scan_field f;
		TRY(scan_take_field(&in, &f));
		s->fields++;
		ENSURE(s->fields <= WIRE_FIELDS_MAX, ERR_TOO_BIG);

		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field(type, f.number);
		if (field == NULL) {
			s->unknown++;
			continue;
		}
		s->at = field->name;
		TRY(scan_mark_seen(type, field, &seen));
		TRY(scan_check_value(s, field, &f, depth));
	}
	return ERR_OK;
}

enum err scan_message(const ProtobufCMessageDescriptor *type, struct view bytes,
		      struct scan_count *ret_count, struct scan_fault *ret_fault)
{
	struct scan s = { 0 };
	const enum err e = scan_walk(&s, type, bytes, 1);
	if (e != ERR_OK) {
		if (ret_fault != NULL) *ret_fault = (struct scan_fault){ s.at };
		return e;
	}
	if (ret_count != NULL) *ret_count = (struct scan_count){ s.fields, s.unknown };
	return ERR_OK;
}

static bool scan_find_field(struct view bytes, uint32_t number, enum scan_wire wire,
			    struct scan_field *ret_field)
{
	while (bytes.len > 0) {
		struct scan_field f;
		if (scan_take_field(&bytes, &f) != ERR_OK) return false;
		if (f.number != number || f.wire != wire) continue;
		*ret_field = f;
		return true;
	}
	return false;
}

bool scan_find(struct view bytes, uint32_t number, struct view *ret_value)
{
	struct scan_field f;
	if (!scan_find_field(bytes, number, SCAN_BYTES, &f)) return false;
	*ret_value = f.bytes;
	return true;
}

bool scan_find_varint(struct view bytes, uint32_t number, uint64_t *ret_value)
{
	struct scan_field f;
	if (!scan_find_field(bytes, number, SCAN_VARINT, &f)) return false;
	*ret_value = f.varint;
	return true;
}

/* ---- unpacking ------------------------------------------------------------------------------- */

struct scan_memory {
	struct arena *arena;
	size_t left;   /* bytes this message may still take */
	bool exceeded; /* the limit, not the machine, said no */
};

static void *scan_alloc(void *data, size_t bytes)
{
	struct scan_memory *m = data;
	if (bytes > m->left) {
		m->exceeded = true;
		return NULL;
	}
	const size_t used_before = m->arena->used;
	void *p = arena_alloc(m->arena, bytes);
	if (p == NULL) {
		/* Alignment may have been what did not fit. */
		const size_t free_bytes = m->arena->cap - m->arena->used;
		m->exceeded = free_bytes < bytes + alignof(max_align_t);
		return NULL;
	}
	const size_t took = m->arena->used - used_before;
	m->left -= took < m->left ? took : m->left;
	return p;
}

static void scan_free(void *data, void *p)
{
	(void)data; /* the arena gives all back at once */
	(void)p;
}

static size_t scan_parse_bytes_max(size_t len)
{
	const size_t cap = FRAME_PARSE_BYTES_MAX;
	if (len > (cap - WIRE_PARSE_BYTES_MIN) / FRAME_PARSE_FACTOR) return cap;
	return len * FRAME_PARSE_FACTOR + WIRE_PARSE_BYTES_MIN;
}

enum err scan_unpack(struct arena *a, const ProtobufCMessageDescriptor *type, struct view bytes,
		     ProtobufCMessage **ret_message, struct scan_count *ret_count,
		     struct scan_fault *ret_fault)
{
	struct scan_count count;
	TRY(scan_message(type, bytes, &count, ret_fault));

	struct scan_memory memory = { .arena = a, .left = scan_parse_bytes_max(bytes.len) };
	ProtobufCAllocator allocator = { scan_alloc, scan_free, &memory };
	static const uint8_t nothing; /* protobuf-c wants a pointer even for no bytes */
	ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, bytes.len,
							      bytes.len == 0 ? &nothing : bytes.p);
	if (message == NULL) {
		if (ret_fault != NULL) *ret_fault = (struct scan_fault){ NULL };
		return memory.exceeded ? ERR_TOO_BIG : ERR_NOMEM;
	}
	*ret_message = message;
	if (ret_count != NULL) *ret_count = count;
	return ERR_OK;
}
