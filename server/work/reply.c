#include "base/check.h"
#include "server/work/work_internal.h"

Roomkeep__Frame reply_frame(const struct ask *a, Roomkeep__Frame__BodyCase body)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	frame.has_request = 1;
	frame.request = a->desc.request;
	frame.body_case = body;
	return frame;
}

enum err reply_send(struct ask *a, const Roomkeep__Frame *frame)
{
	buf_clear(&a->reply);
	return frame_encode(frame, &a->reply);
}

enum err reply_result(struct ask *a, enum err err, uint64_t retry_ms)
{
	Roomkeep__Result result = ROOMKEEP__RESULT__INIT;
	result.has_code = 1;
	result.code = err;
	result.has_retry_ms = retry_ms != 0;
	result.retry_ms = retry_ms;
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_RESULT);
	frame.result = &result;
	return reply_send(a, &frame);
}

void reply_fill_head(const struct roster_head *from, Roomkeep__SignedHead *to)
{
	roomkeep__signed_head__init(to);
	to->has_epoch = 1;
	to->epoch = wire_id_bytes(&from->epoch);
	to->has_seq = 1;
	to->seq = from->seq;
	to->has_entry = 1;
	to->entry = wire_bytes(VIEW_OF(from->entry));
	to->has_time_ms = 1;
	to->time_ms = from->time_ms;
	to->has_signature = 1;
	to->signature = wire_bytes(VIEW_OF(from->signature));
}

char *reply_text(struct arena *arena, struct view text)
{
	char *copy = arena_alloc(arena, text.len + 1);
	if (copy != NULL && text.len > 0) memcpy(copy, text.p, text.len);
	return copy;
}
