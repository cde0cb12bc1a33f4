#include "record/reflect.h"

#include "base/check.h"

#include <string.h>

const ProtobufCFieldDescriptor *reflect_field(const ProtobufCMessageDescriptor *type,
					      const char *name)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(type, name);
	INSIST(f != NULL);
	return f;
}

static bool is_list(const ProtobufCFieldDescriptor *f)
{
	return f->label == PROTOBUF_C_LABEL_REPEATED;
}

size_t reflect_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING: return sizeof(char *);
	case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SINT64: return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_UINT32: return sizeof(uint32_t);
	case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_ENUM: return sizeof(int);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_MESSAGE: break;
	}
	const bool is_type_of_ours = false; /* record.proto has no other */
	INSIST(is_type_of_ours);
	return 0;
}

void reflect_get(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, void *ret_value,
		 size_t bytes)
{
	REQUIRE(!is_list(f) && bytes == reflect_size(f));
	memcpy(ret_value, (const char *)m + f->offset, bytes);
}

static void set_has(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, bool is_set)
{
	const protobuf_c_boolean has = is_set;
	memcpy((char *)m + f->quantifier_offset, &has, sizeof(has));
}

void reflect_put(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const void *value,
		 size_t bytes)
{
	REQUIRE(!is_list(f) && bytes == reflect_size(f));
	memcpy((char *)m + f->offset, value, bytes);
	if (f->type != PROTOBUF_C_TYPE_STRING) set_has(m, f, true);
}

size_t reflect_list(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
		    const void **ret_elements)
{
	size_t count;
	REQUIRE(is_list(f));
	memcpy(&count, (const char *)m + f->quantifier_offset, sizeof(count));
	memcpy(ret_elements, (const char *)m + f->offset, sizeof(*ret_elements));
	return count;
}

void reflect_put_list(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const void *elements,
		      size_t count)
{
	REQUIRE(is_list(f));
	memcpy((char *)m + f->quantifier_offset, &count, sizeof(count));
	memcpy((char *)m + f->offset, &elements, sizeof(elements));
}

bool reflect_is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const void *unused;
	const char *text;
	protobuf_c_boolean has;
	if (is_list(f)) return reflect_list(m, f, &unused) > 0;
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		reflect_get(m, f, &text, sizeof(text));
		return text != NULL;
	}
	memcpy(&has, (const char *)m + f->quantifier_offset, sizeof(has));
	return has != 0;
}

void reflect_copy(ProtobufCMessage *to, const ProtobufCMessage *from,
		  const ProtobufCFieldDescriptor *f)
{
	REQUIRE(to->descriptor == from->descriptor);
	const size_t bytes = is_list(f) ? sizeof(void *) : reflect_size(f);
	memcpy((char *)to + f->offset, (const char *)from + f->offset, bytes);
	if (is_list(f)) {
		memcpy((char *)to + f->quantifier_offset, (const char *)from + f->quantifier_offset,
		       sizeof(size_t));
	} else if (f->type != PROTOBUF_C_TYPE_STRING) {
		set_has(to, f, reflect_is_set(from, f));
	}
}

void reflect_clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const char *none = NULL;
	if (is_list(f)) {
		reflect_put_list(m, f, NULL, 0);
	} else if (f->type == PROTOBUF_C_TYPE_STRING) {
		reflect_put(m, f, &none, sizeof(none));
	} else {
		set_has(m, f, false);
	}
}
