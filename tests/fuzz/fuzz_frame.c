/* fuzz_frame: a stream of bytes, as a peer sends it.
 * Targets: frame_peek, frame_decode, frame_encode, frame_bytes, frame_body_name.
 * Holds:   a body lies inside the stream; a frame cut short is never called whole; what was decoded
 *          encodes to as many bytes, and those decode to the same again. */
#include "base/cleanup.h"
#include "fuzz/fuzz.h"
#include "wire/frame.h"

static void check_encode(const Roomkeep__Frame *frame, size_t body_bytes, struct buf *out)
{
	INSIST(frame_encode(frame, out) == ERR_OK);
	INSIST(out->len == FRAME_HEADER_BYTES + body_bytes);
	INSIST(frame_bytes(frame) == out->len);
}

static void check_again(const Roomkeep__Frame *frame, size_t body_bytes)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	CLEANUP(buf_finip) struct buf once = { 0 };
	CLEANUP(buf_finip) struct buf twice = { 0 };
	struct view body;
	Roomkeep__Frame *again = NULL;

	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	check_encode(frame, body_bytes, &once);
	INSIST(frame_peek(buf_view(&once), FRAME_BODY_BYTES_MAX, &body) == ERR_OK);
	INSIST(frame_decode(&a, body, &again) == ERR_OK);
	INSIST(again->body_case == frame->body_case);
	check_encode(again, body_bytes, &twice);
	INSIST(view_equal(buf_view(&once), buf_view(&twice)));
}

static void check_body(struct view body)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	Roomkeep__Frame *frame = NULL;

	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	const enum err e = frame_decode(&a, body, &frame);
	INSIST(e == ERR_OK || e == ERR_PROTO || e == ERR_TOO_BIG);
	if (e != ERR_OK) return;
	INSIST(frame->body_case != ROOMKEEP__FRAME__BODY__NOT_SET);
	INSIST(strcmp(frame_body_name(frame), "none") != 0);
	check_again(frame, body.len);
}

/* A peer that has not said Hello may send less; nothing else changes with it. */
static void check_small(struct view stream, const struct view *body)
{
	struct view small;
	const enum err e = frame_peek(stream, HELLO_BYTES_MAX, &small);
	INSIST(e == (body->len > HELLO_BYTES_MAX ? ERR_TOO_BIG : ERR_OK));
	INSIST(e != ERR_OK || (small.p == body->p && small.len == body->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = view_of(data, size);
	struct view body;

	while (frame_peek(rest, FRAME_BODY_BYTES_MAX, &body) == ERR_OK) {
		const size_t bytes = FRAME_HEADER_BYTES + body.len;
		INSIST(body.len > 0 && bytes <= rest.len);
		INSIST(body.p == rest.p + FRAME_HEADER_BYTES);
		struct view none;
		INSIST(frame_peek(view_of(rest.p, bytes - 1), FRAME_BODY_BYTES_MAX, &none) ==
		       ERR_MORE);
		check_small(rest, &body);
		check_body(body);
		rest = view_of(rest.p + bytes, rest.len - bytes);
	}
	return 0;
}
