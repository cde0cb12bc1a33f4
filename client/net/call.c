#include "client/net/call.h"

#include "base/cleanup.h"
#include "client/net/link.h"
#include "wire/frame.h"

#include <stdlib.h>

struct call {
	struct loop loop;
	struct link link;
	struct timer deadline;
	struct buf reply; /* the body waited for */
	uint64_t request; /* number of the frame sent last */
	enum err result;  /* of the step under way; ERR_MORE: not done */
	Roomkeep__RefuseReason refused;
	unsigned parts_open; /* link and timer, while closing */
};

static struct call *call_of(struct link *l)
{
	return l->owner;
}

static void call_finish(struct call *c, enum err result)
{
	if (c->result == ERR_MORE) c->result = result;
}

/* The caller judges by call_peer, because only it knows what to expect. */
static bool call_is_server(struct link *l, const struct tls_spki *peer)
{
	(void)l;
	(void)peer;
	return true;
}

static void call_on_up(struct link *l)
{
	call_finish(call_of(l), ERR_OK);
}

static enum err call_judge(struct call *c, const Roomkeep__Frame *frame, bool *ret_mine)
{
	*ret_mine = frame->request == c->request ||
		    frame->body_case == ROOMKEEP__FRAME__BODY_WELCOME;
	if (frame->body_case == ROOMKEEP__FRAME__BODY_REFUSE) {
		*ret_mine = true;
		c->refused = frame->refuse->reason;
		return ERR_REFUSED;
	}
	if (frame->body_case == ROOMKEEP__FRAME__BODY_RESULT) {
		return err_from_wire(frame->result->code);
	}
	return ERR_OK;
}

static void call_on_frame(struct link *l, struct view body)
{
	struct call *c = call_of(l);
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;
	bool mine = false;

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	if (c->result != ERR_MORE) return;
	enum err e = frame_decode(&arena, body, &frame);
	if (e != ERR_OK) {
		call_finish(c, e);
		return;
	}
	e = call_judge(c, frame, &mine);
	if (!mine) return;
	buf_clear(&c->reply);
	const enum err kept = buf_append(&c->reply, body);
	call_finish(c, kept != ERR_OK ? kept : e);
}

static void call_on_down(struct link *l, enum err why)
{
	call_finish(call_of(l), why);
}

static const struct link_events call_events = {
	.is_server = call_is_server,
	.on_up = call_on_up,
	.on_frame = call_on_frame,
	.on_down = call_on_down,
};

static void call_on_deadline(struct timer *t)
{
	call_finish(CONTAINER_OF(t, struct call, deadline), ERR_TIMEOUT);
}

static enum err call_run(struct call *c)
{
	timer_start(&c->deadline, CALL_MS_MAX);
	while (c->result == ERR_MORE && loop_run_once(&c->loop)) {
	}
	timer_stop(&c->deadline);
	return c->result == ERR_MORE ? ERR_TIMEOUT : c->result;
}

enum err call_open(const char *address, const struct tls_identity *id, struct call **ret)
{
	CLEANUP(freep) struct call *c = calloc(1, sizeof(*c));

	ENSURE(c != NULL, ERR_NOMEM);
	TRY(loop_init(&c->loop));
	const enum err e = link_init(&c->link, &c->loop, id, &call_events, c);
	if (e != ERR_OK) {
		err_ignore(loop_close(&c->loop)); /* nothing else was opened on it */
		return e;
	}
	timer_init(&c->deadline, &c->loop, call_on_deadline);
	c->result = ERR_MORE;
	link_dial(&c->link, address);
	struct call *made = TAKE(c);
	const enum err dialled = call_run(made);
	if (dialled != ERR_OK) {
		call_close(made);
		return dialled;
	}
	*ret = made;
	return ERR_OK;
}

const struct tls_spki *call_peer(const struct call *c)
{
	return link_peer_spki(&c->link);
}

enum err call_export(struct call *c, const char *label, uint8_t ret_key[32])
{
	ENSURE(link_is_up(&c->link), ERR_CLOSED);
	return link_export(&c->link, label, ret_key);
}

/* The request number is a field of its own, and protobuf fields may stand in any order. */
static enum err call_frame(struct call *c, struct view body, struct buf *out)
{
	Roomkeep__Frame number = ROOMKEEP__FRAME__INIT;
	uint8_t bytes[16];

	number.has_request = 1;
	number.request = c->request;
	const size_t len = roomkeep__frame__get_packed_size(&number);
	INSIST(len <= sizeof(bytes));
	INSIST(roomkeep__frame__pack(&number, bytes) == len);
	TRY(buf_append_be32(out, (uint32_t)(body.len + len)));
	TRY(buf_append(out, body));
	return buf_append(out, view_of(bytes, len));
}

enum err call_ask(struct call *c, struct view body, struct buf *ret_reply)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };

	ENSURE(body.len > 0 && body.len < FRAME_BODY_BYTES_MAX - 16, ERR_TOO_BIG);
	c->request++;
	c->result = ERR_MORE;
	TRY(call_frame(c, body, &frame));
	TRY(link_send(&c->link, buf_view(&frame)));
	const enum err e = call_run(c);
	buf_clear(ret_reply);
	TRY(buf_append(ret_reply, buf_view(&c->reply)));
	buf_clear(&c->reply);
	return e;
}

Roomkeep__RefuseReason call_refused(const struct call *c)
{
	return c->refused;
}

static void call_on_part_closed(void *owner)
{
	struct call *c = owner;

	INSIST(c->parts_open > 0);
	c->parts_open--;
}

void call_close(struct call *c)
{
	if (c == NULL) return;
	c->parts_open = 2;
	c->result = ERR_CANCELED;
	link_close(&c->link, call_on_part_closed, c);
	timer_close(&c->deadline, call_on_part_closed, c);
	while (c->parts_open > 0 && loop_run_once(&c->loop)) {
	}
	INSIST(loop_close(&c->loop) == ERR_OK);
	buf_fini(&c->reply);
	free(c);
}

void call_closep(struct call **c)
{
	call_close(*c);
	*c = NULL;
}
