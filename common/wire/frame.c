#include "wire/frame.h"

#include "base/check.h"
#include "wire/scan.h"

enum err frame_peek(struct view in, size_t body_bytes_max, struct view *ret_body)
{
	REQUIRE(body_bytes_max <= FRAME_BODY_BYTES_MAX);
	ENSURE(in.len >= FRAME_HEADER_BYTES, ERR_MORE);
	const uint32_t body_len = load_be32(in.p);
	ENSURE(body_len > 0, ERR_PROTO);
	ENSURE(body_len <= body_bytes_max, ERR_TOO_BIG);
	ENSURE(in.len - FRAME_HEADER_BYTES >= body_len, ERR_MORE);

	*ret_body = view_of(in.p + FRAME_HEADER_BYTES, body_len);
	return ERR_OK;
}

/* How the bytes are wrong matters to nobody but a peer that made them: one answer. */
static enum err frame_error(enum err e)
{
	return e == ERR_TOO_BIG || e == ERR_NOMEM ? e : ERR_PROTO;
}

enum err frame_decode(struct arena *a, struct view body, Roomkeep__Frame **ret_frame)
{
	ENSURE(body.len <= FRAME_BODY_BYTES_MAX, ERR_TOO_BIG);
	ProtobufCMessage *message;
	const enum err e = scan_unpack(a, &roomkeep__frame__descriptor, body, &message, NULL, NULL);
	if (e != ERR_OK) return frame_error(e);

	Roomkeep__Frame *frame = (Roomkeep__Frame *)(void *)message;
	/* A body of a later version is an unknown field to us: none of ours is set then. */
	ENSURE(frame->body_case != ROOMKEEP__FRAME__BODY__NOT_SET, ERR_PROTO);
	*ret_frame = frame;
	return ERR_OK;
}

size_t frame_bytes(const Roomkeep__Frame *frame)
{
	return FRAME_HEADER_BYTES + roomkeep__frame__get_packed_size(frame);
}

enum err frame_encode(const Roomkeep__Frame *frame, struct buf *out)
{
	REQUIRE(frame->body_case != ROOMKEEP__FRAME__BODY__NOT_SET);
	REQUIRE(frame->hello != NULL); /* any member: they share one pointer */
	const size_t body_len = roomkeep__frame__get_packed_size(frame);
	ENSURE(body_len <= FRAME_BODY_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, FRAME_HEADER_BYTES + body_len));

	store_be32(out->p + out->len, (uint32_t)body_len);
	const size_t packed = roomkeep__frame__pack(frame, out->p + out->len + FRAME_HEADER_BYTES);
	INSIST(packed == body_len);
	out->len += FRAME_HEADER_BYTES + body_len;
	return ERR_OK;
}

const char *frame_body_name(const Roomkeep__Frame *frame)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&roomkeep__frame__descriptor, (unsigned)frame->body_case);
	return field == NULL ? "none" : field->name;
}
