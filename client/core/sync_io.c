/* sync_io: how the machine builds its actions. */
#include "client/core/sync_state.h"

#include "base/check.h"
#include "wire/op.h"

#define REQUEST_TAG 0x08u /* field 1, varint */
#define VARINT_BYTES_MAX 10u

void sync_actions_init(struct sync_actions *out)
{
	out->count = 0;
}

void sync_ask_fini(struct sync_ask *ask)
{
	buf_fini(&ask->frame);
}

void sync_result_fini(struct sync_result *r)
{
	buf_fini(&r->frame);
}

void sync_actions_clear(struct sync_actions *out)
{
	for (size_t i = 0; i < out->count; i++) {
		buf_fini(&out->a[i].bytes);
		sync_ask_fini(&out->a[i].ask);
	}
	out->count = 0;
}

struct sync_action *sync_act(struct sync_actions *out, enum sync_action_type type)
{
	INSIST(out->count < SYNC_ACTIONS_MAX);
	struct sync_action *a = &out->a[out->count++];
	*a = (struct sync_action){ .type = type };
	return a;
}

bool sync_is_up(const struct sync *s)
{
	switch ((enum sync_state)s->fsm.now) {
	case SYNC_COURIER:
	case SYNC_LOGIN:
	case SYNC_SIGNED_IN:
	case SYNC_LEAVING: return true;
	case SYNC_OFFLINE:
	case SYNC_DIALING:
	case SYNC_HELLO:
	case SYNC_CHECK:
	case SYNC_CLOSING:
	case SYNC_STATE_COUNT: break;
	}
	return false;
}

void sync_set_link(struct sync *s, enum sync_link link, enum sync_reason reason,
		   struct sync_actions *out)
{
	if (s->link == link && s->reason == reason) return;
	s->link = link;
	s->reason = reason;
	(void)sync_act(out, SYNC_ACT_LINK);
}

void sync_close(struct sync *s, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_OFFLINE || s->fsm.now == SYNC_CLOSING) return;
	fsm_move(&s->fsm, SYNC_CLOSING);
	(void)sync_act(out, SYNC_ACT_CLOSE);
	if (s->link == SYNC_LINK_ONLINE) sync_set_link(s, SYNC_LINK_OFFLINE, SYNC_REASON_NONE, out);
}

void sync_bad_frame(struct sync *s, struct sync_actions *out)
{
	s->stats.bad_frames++;
	s->bad = true; /* a peer that breaks the protocol is not asked again at once */
	sync_close(s, out);
}

void sync_refuse(struct sync *s, enum sync_reason reason, struct sync_actions *out)
{
	s->refused = true;
	sync_close(s, out);
	sync_set_link(s, SYNC_LINK_REFUSED, reason, out);
	sync_request_fail(s, false, false, ERR_REFUSED, out);
}

/* An action that could not get its memory must not be carried out half. */
static uint64_t send_failed(struct sync *s, struct sync_actions *out)
{
	buf_fini(&out->a[out->count - 1].bytes);
	out->count--;
	sync_close(s, out);
	return 0;
}

uint64_t sync_send(struct sync *s, Roomkeep__Frame *frame, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_CLOSING) return 0; /* something before this closed the link */
	const uint64_t number = s->next_number++;
	frame->has_request = true;
	frame->request = number;
	struct sync_action *a = sync_act(out, SYNC_ACT_SEND);
	if (frame_encode(frame, &a->bytes) != ERR_OK) return send_failed(s, out);
	s->stats.frames_out++;
	return number;
}

static enum err append_numbered(struct buf *to, struct view body, uint64_t number)
{
	uint8_t tail[1 + VARINT_BYTES_MAX] = { REQUEST_TAG };
	size_t tail_len = 1;
	while (number >= 0x80) {
		tail[tail_len++] = (uint8_t)(number | 0x80);
		number >>= 7;
	}
	tail[tail_len++] = (uint8_t)number;
	ENSURE(body.len > 0 && body.len + tail_len <= FRAME_BODY_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_append_be32(to, (uint32_t)(body.len + tail_len)));
	TRY(buf_append(to, body));
	return buf_append(to, view_of(tail, tail_len));
}

uint64_t sync_send_body(struct sync *s, struct view body, struct sync_actions *out)
{
	if (s->fsm.now == SYNC_CLOSING) return 0;
	const uint64_t number = s->next_number++;
	struct sync_action *a = sync_act(out, SYNC_ACT_SEND);
	if (append_numbered(&a->bytes, body, number) != ERR_OK) return send_failed(s, out);
	s->stats.frames_out++;
	return number;
}

uint64_t sync_ask(struct sync *s, enum sync_ask_type type, struct view body, uint64_t seq,
		  struct sync_actions *out)
{
	struct sync_action *a = sync_act(out, SYNC_ACT_DESK);
	a->ask =
		(struct sync_ask){ .type = type, .id = s->next_ask++, .conn = s->conn, .seq = seq };
	if (s->have_person) a->ask.person = s->person;
	memcpy(a->ask.cn, s->cn, sizeof(a->ask.cn));
	if (buf_append(&a->ask.frame, body) != ERR_OK) {
		out->count--;
		sync_close(s, out);
		return 0;
	}
	return a->ask.id;
}

uint64_t sync_send_hello(struct sync *s, struct sync_actions *out)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Hello h = ROOMKEEP__HELLO__INIT;
	h.has_proto_min = h.has_proto_max = true;
	h.proto_min = SYNC_PROTO_MIN;
	h.proto_max = SYNC_PROTO_MAX;
	h.build = s->build;
	h.has_clinic_id = h.has_room_id = h.has_epoch = true;
	h.clinic_id = wire_id_bytes(&s->config.clinic_id);
	h.room_id = wire_id_bytes(&s->config.room_id);
	h.epoch = wire_id_bytes(&s->config.epoch);
	h.has_accounts = true;
	h.accounts = s->accounts;
	f.body_case = ROOMKEEP__FRAME__BODY_HELLO;
	f.hello = &h;
	return sync_send(s, &f, out);
}

uint64_t sync_send_empty(struct sync *s, Roomkeep__Frame__BodyCase which, struct sync_actions *out)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Ping ping = ROOMKEEP__PING__INIT;
	Roomkeep__Logout logout = ROOMKEEP__LOGOUT__INIT;
	f.body_case = which;
	if (which == ROOMKEEP__FRAME__BODY_PING) {
		ping.has_accounts = true;
		ping.accounts = s->accounts;
		f.ping = &ping;
	} else {
		INSIST(which == ROOMKEEP__FRAME__BODY_LOGOUT);
		f.logout = &logout;
	}
	return sync_send(s, &f, out);
}

uint64_t sync_send_login_start(struct sync *s, struct sync_actions *out)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__LoginStart m = ROOMKEEP__LOGIN_START__INIT;
	m.handle = s->login;
	m.has_cn = true;
	m.cn = wire_bytes(VIEW_OF(s->cn));
	f.body_case = ROOMKEEP__FRAME__BODY_LOGIN_START;
	f.login_start = &m;
	return sync_send(s, &f, out);
}

uint64_t sync_send_pull(struct sync *s, const struct sync_cursor *c, struct sync_actions *out)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Pull m = ROOMKEEP__PULL__INIT;
	if (!id_is_zero(&c->epoch)) {
		m.has_epoch = m.has_seq = true;
		m.epoch = wire_id_bytes(&c->epoch);
		m.seq = c->seq;
	}
	m.has_scope_version = true;
	m.scope_version = c->scope_version;
	f.body_case = ROOMKEEP__FRAME__BODY_PULL;
	f.pull = &m;
	return sync_send(s, &f, out);
}

uint64_t sync_send_feed_ack(struct sync *s, uint64_t seq, struct sync_actions *out)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__FeedAck m = ROOMKEEP__FEED_ACK__INIT;
	m.has_up_to_seq = true;
	m.up_to_seq = seq;
	f.body_case = ROOMKEEP__FRAME__BODY_FEED_ACK;
	f.feed_ack = &m;
	return sync_send(s, &f, out);
}

uint64_t sync_send_get_directory(struct sync *s, uint64_t after, struct sync_actions *out)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__GetDirectory m = ROOMKEEP__GET_DIRECTORY__INIT;
	m.has_after_dir_seq = true;
	m.after_dir_seq = after;
	f.body_case = ROOMKEEP__FRAME__BODY_GET_DIRECTORY;
	f.get_directory = &m;
	return sync_send(s, &f, out);
}
