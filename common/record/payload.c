#include "record/payload.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/reflect.h"
#include "wire/op.h"
#include "wire/scan.h"

#define PAYLOAD_ALLOWED_FORM "16 random bytes and one well-formed message"

static enum err payload_check(const struct kind_info *info, const ProtobufCMessage *message,
			      bool first, struct record_error *ret_error)
{
	TRY(field_check_all(info->fields, info->field_count, message, first, ret_error));
	if (info->check == NULL) return ERR_OK;
	struct record_error error = { ERR_OK, NULL, NULL };
	const enum err e = info->check(message, &error);
	if (e != ERR_OK && ret_error != NULL) *ret_error = error;
	return e;
}

enum err payload_decode(struct arena *a, uint64_t kind, struct view bytes,
			struct payload *ret_payload, struct record_error *ret_error)
{
	const struct kind_info *info = kind_find(kind);
	if (info == NULL) {
		return field_fail(ret_error, ERR_NOT_FOUND, NULL, "a kind this build knows");
	}
	if (bytes.len > OP_BYTES_MAX) {
		return field_fail(ret_error, ERR_TOO_BIG, NULL, "a payload within the op limit");
	}
	if (bytes.len < PAYLOAD_BLIND_BYTES) {
		return field_fail(ret_error, ERR_BAD_FORMAT, NULL, PAYLOAD_ALLOWED_FORM);
	}

	struct payload p = { .info = info, .blind = view_of(bytes.p, PAYLOAD_BLIND_BYTES) };
	const struct view message =
		view_of(bytes.p + PAYLOAD_BLIND_BYTES, bytes.len - PAYLOAD_BLIND_BYTES);
	struct scan_count count = { 0, 0 };
	struct scan_fault fault = { NULL };
	const enum err e = scan_unpack(a, info->message, message, &p.is.any, &count, &fault);
	if (e != ERR_OK) return field_fail(ret_error, e, fault.field, PAYLOAD_ALLOWED_FORM);
	TRY(payload_check(info, p.is.any, false, ret_error));

	p.unknown_fields = count.unknown;
	*ret_payload = p;
	return ERR_OK;
}

enum err payload_check_first(const struct payload *p, struct record_error *ret_error)
{
	return payload_check(p->info, p->is.any, true, ret_error);
}

enum err payload_encode(enum kind kind, const ProtobufCMessage *message, bool first,
			const uint8_t blind[PAYLOAD_BLIND_BYTES], struct buf *out,
			struct record_error *ret_error)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	REQUIRE(info != NULL && message->descriptor == info->message);
	TRY(payload_check(info, message, first, ret_error));

	const size_t len = protobuf_c_message_get_packed_size(message);
	if (len > OP_BYTES_MAX - PAYLOAD_BLIND_BYTES) {
		return field_fail(ret_error, ERR_TOO_BIG, NULL, "a payload within the op limit");
	}
	const enum err e = buf_reserve(out, PAYLOAD_BLIND_BYTES + len);
	if (e != ERR_OK) return field_fail(ret_error, e, NULL, err_text(e));
	memcpy(out->p + out->len, blind, PAYLOAD_BLIND_BYTES);
	const size_t packed =
		protobuf_c_message_pack(message, out->p + out->len + PAYLOAD_BLIND_BYTES);
	INSIST(packed == len);
	out->len += PAYLOAD_BLIND_BYTES + len;
	return ERR_OK;
}

static bool payload_field_id(const struct payload *p, const char *name, struct id *ret_id)
{
	if (name == NULL) return false;
	const ProtobufCFieldDescriptor *f = reflect_field(p->info->message, name);
	ProtobufCBinaryData bytes;
	reflect_get(p->is.any, f, &bytes, sizeof(bytes));
	return reflect_is_set(p->is.any, f) && wire_id(bytes, ret_id) == ERR_OK;
}

bool payload_session_id(const struct payload *p, struct id *ret_id)
{
	return payload_field_id(p, p->info->session_field, ret_id);
}

bool payload_patient_id(const struct payload *p, struct id *ret_id)
{
	return payload_field_id(p, p->info->patient_field, ret_id);
}

bool payload_relative_id(const struct payload *p, struct id *ret_id)
{
	return payload_field_id(p, p->info->relative_field, ret_id);
}

bool payload_subject_id(const struct payload *p, struct id *ret_id)
{
	return payload_field_id(p, p->info->subject_field, ret_id);
}
