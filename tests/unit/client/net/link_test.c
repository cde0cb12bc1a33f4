/* link and call against a real TLS server on loopback, in the same loop or on a thread of its
 * own. */
#include "client/net/call.h"
#include "client/net/link.h"

#include "base/limits.h"
#include "wire/frame.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Turns the loop while `cond` holds; an empty loop that leaves it true is a failure. */
#define RUN_WHILE(loop, cond)                                                                      \
	do {                                                                                       \
		while (cond) {                                                                     \
			if (!loop_run_once(loop)) assert_false(cond);                              \
		}                                                                                  \
	} while (0)

/* What the server side does with what it gets. */
enum manner {
	MANNER_ECHO,     /* sends every byte back */
	MANNER_ONE_BYTE, /* sends `say` byte by byte, a record each */
	MANNER_SAY,      /* sends `say` at once */
	MANNER_END,      /* ends properly when something comes */
	MANNER_CUT,      /* drops the socket when something comes */
};

struct world {
	struct loop loop;
	struct tls_identity server_id;
	struct tls_identity room_id;
	struct tls_ctx server_ctx;
	struct tcp_listener listener;
	struct tls_stream peer; /* the server's end */
	bool peer_open;
	enum manner manner;
	struct buf say;
	char address[TCP_ADDRESS_TEXT_MAX];

	struct link link;
	struct tls_spki expected;
	bool up, down;
	enum err why;
	unsigned frames, bytes;
	struct buf last;
	bool drop_in_frame;
	unsigned parts;
};

/* ---- server end ---------------------------------------------------------------------------- */

static void peer_ready(struct tls_stream *s)
{
	(void)s;
}

static void peer_plain(struct tls_stream *s, struct view plain)
{
	struct world *w = CONTAINER_OF(s, struct world, peer);

	switch (w->manner) {
	case MANNER_ECHO: assert_int_equal(tls_stream_write(s, plain), ERR_OK); break;
	case MANNER_ONE_BYTE:
		for (size_t i = 0; i < w->say.len; i++) {
			assert_int_equal(tls_stream_write(s, view_of(w->say.p + i, 1)), ERR_OK);
		}
		break;
	case MANNER_SAY: assert_int_equal(tls_stream_write(s, buf_view(&w->say)), ERR_OK); break;
	case MANNER_END: tls_stream_end(s, ERR_CANCELED); break;
	case MANNER_CUT: tls_stream_close(s, ERR_CANCELED); break;
	}
}

static void peer_closed(struct tls_stream *s, enum err why)
{
	(void)why;
	CONTAINER_OF(s, struct world, peer)->peer_open = false;
}

static const struct tls_stream_events peer_events = {
	.on_ready = peer_ready,
	.on_plain = peer_plain,
	.on_closed = peer_closed,
};

static void on_accept(struct tcp_listener *l, int fd, const struct tcp_address *from)
{
	struct world *w = CONTAINER_OF(l, struct world, listener);
	const struct tls_stream_options options = { .events = &peer_events };

	(void)from;
	assert_false(w->peer_open);
	assert_int_equal(tls_stream_open(&w->peer, &w->loop, &w->server_ctx, fd, &options), ERR_OK);
	w->peer_open = true;
}

/* ---- room end ------------------------------------------------------------------------------ */

static bool link_is_server(struct link *l, const struct tls_spki *peer)
{
	return tls_spki_equal(peer, &((struct world *)l->owner)->expected);
}

static void link_up(struct link *l)
{
	((struct world *)l->owner)->up = true;
}

static void link_frame(struct link *l, struct view body)
{
	struct world *w = l->owner;

	w->frames++;
	buf_clear(&w->last);
	assert_int_equal(buf_append(&w->last, body), ERR_OK);
	if (w->drop_in_frame) link_drop(l, ERR_CANCELED);
}

static void link_bytes(struct link *l)
{
	((struct world *)l->owner)->bytes++;
}

static void link_down(struct link *l, enum err why)
{
	struct world *w = l->owner;

	assert_false(w->down);
	w->down = true;
	w->why = why;
}

static const struct link_events link_events = {
	.is_server = link_is_server,
	.on_up = link_up,
	.on_frame = link_frame,
	.on_bytes = link_bytes,
	.on_down = link_down,
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_init(&w->loop), ERR_OK);
	assert_int_equal(tls_identity_make(&w->server_id), ERR_OK);
	assert_int_equal(tls_identity_make(&w->room_id), ERR_OK);
	assert_int_equal(tls_ctx_init(&w->server_ctx, TLS_ROLE_SERVER, &w->server_id), ERR_OK);
	assert_int_equal(tcp_listener_open(&w->listener, &w->loop, "127.0.0.1:0", on_accept),
			 ERR_OK);
	tcp_address_print(&w->listener.local, w->address);
	w->expected = w->server_id.spki;
	assert_int_equal(link_init(&w->link, &w->loop, &w->room_id, &link_events, w), ERR_OK);
	*state = w;
	return 0;
}

static void on_part(void *owner)
{
	((struct world *)owner)->parts--;
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->parts = 2;
	link_close(&w->link, on_part, w);
	link_close(&w->link, on_part, w); /* idempotent */
	tcp_listener_close(&w->listener, on_part, w);
	if (w->peer_open) tls_stream_close(&w->peer, ERR_CANCELED);
	RUN_WHILE(&w->loop, w->parts > 0 || w->peer_open);
	assert_int_equal(loop_close(&w->loop), ERR_OK);
	tls_ctx_fini(&w->server_ctx);
	tls_identity_fini(&w->server_id);
	tls_identity_fini(&w->room_id);
	buf_fini(&w->say);
	buf_fini(&w->last);
	free(w);
	return 0;
}

static void run_until(struct world *w, const bool *flag)
{
	RUN_WHILE(&w->loop, !*flag);
}

static void go_up(struct world *w)
{
	link_dial(&w->link, w->address);
	run_until(w, &w->up);
	assert_true(link_is_up(&w->link));
}

/* A frame whose body is `len` bytes of 7. */
static void add_frame(struct buf *out, size_t len)
{
	assert_int_equal(buf_append_be32(out, (uint32_t)len), ERR_OK);
	for (size_t i = 0; i < len; i++) assert_int_equal(buf_append_u8(out, 7), ERR_OK);
}

static void test_frames_go_and_come(void **state)
{
	struct world *w = *state;
	struct buf two = { 0 };

	go_up(w);
	add_frame(&two, 10);
	add_frame(&two, 3);
	assert_int_equal(link_send(&w->link, buf_view(&two)), ERR_OK);
	RUN_WHILE(&w->loop, w->frames < 2);
	assert_int_equal(w->last.len, 3);
	assert_false(w->down);
	buf_fini(&two);
}

static void test_exporters_agree(void **state)
{
	struct world *w = *state;
	uint8_t here[32];
	uint8_t there[32];

	go_up(w);
	assert_true(tls_spki_equal(link_peer_spki(&w->link), &w->server_id.spki));
	RUN_WHILE(&w->loop, !w->peer_open);
	assert_int_equal(link_export(&w->link, "EXPORTER-crs1-login", here), ERR_OK);
	/* The server's handshake may end a turn later. */
	w->manner = MANNER_ECHO;
	const uint8_t one[5] = { 0, 0, 0, 1, 7 };
	assert_int_equal(link_send(&w->link, VIEW_OF(one)), ERR_OK);
	RUN_WHILE(&w->loop, w->frames == 0);
	assert_int_equal(tls_stream_export(&w->peer, "EXPORTER-crs1-login", there), ERR_OK);
	assert_memory_equal(here, there, 32);
}

static void test_largest_frame_fits(void **state)
{
	struct world *w = *state;
	struct buf big = { 0 };

	go_up(w);
	add_frame(&big, FRAME_BODY_BYTES_MAX);
	assert_int_equal(link_send(&w->link, buf_view(&big)), ERR_OK);
	RUN_WHILE(&w->loop, w->frames == 0);
	assert_int_equal(w->last.len, FRAME_BODY_BYTES_MAX);
	assert_true(w->bytes > 0);
	buf_fini(&big);
}

static void answers(struct world *w, enum manner manner, struct view say, enum err expected)
{
	const uint8_t one[5] = { 0, 0, 0, 1, 7 };

	w->manner = manner;
	assert_int_equal(buf_append(&w->say, say), ERR_OK);
	go_up(w);
	assert_int_equal(link_send(&w->link, VIEW_OF(one)), ERR_OK);
	run_until(w, &w->down);
	assert_int_equal(w->why, expected);
	assert_true(link_is_idle(&w->link));
	assert_int_equal(link_send(&w->link, VIEW_OF(one)), ERR_CLOSED);
}

static void test_too_large_frame_ends_it(void **state)
{
	const uint8_t say[4] = { 0x00, 0x10, 0x00, 0x01 }; /* 1 MiB + 1 */
	answers(*state, MANNER_SAY, VIEW_OF(say), ERR_TOO_BIG);
}

static void test_empty_frame_ends_it(void **state)
{
	const uint8_t say[4] = { 0 };
	answers(*state, MANNER_SAY, VIEW_OF(say), ERR_PROTO);
}

static void test_end_is_closed(void **state)
{
	answers(*state, MANNER_END, VIEW_EMPTY, ERR_CLOSED);
}

static void test_cut_is_truncated(void **state)
{
	answers(*state, MANNER_CUT, VIEW_EMPTY, ERR_TRUNCATED);
}

static void test_byte_by_byte(void **state)
{
	struct world *w = *state;
	const uint8_t one[5] = { 0, 0, 0, 1, 7 };

	add_frame(&w->say, 40);
	add_frame(&w->say, 2);
	w->manner = MANNER_ONE_BYTE;
	go_up(w);
	assert_int_equal(link_send(&w->link, VIEW_OF(one)), ERR_OK);
	RUN_WHILE(&w->loop, w->frames < 2);
	assert_int_equal(w->last.len, 2);
}

static void test_drop_inside_a_frame(void **state)
{
	struct world *w = *state;
	struct buf two = { 0 };

	w->drop_in_frame = true;
	go_up(w);
	add_frame(&two, 4);
	add_frame(&two, 4);
	assert_int_equal(link_send(&w->link, buf_view(&two)), ERR_OK);
	run_until(w, &w->down);
	assert_int_equal(w->frames, 1); /* the second one is not handed on */
	assert_int_equal(w->why, ERR_CANCELED);
	buf_fini(&two);
}

static void test_foreign_server_is_refused(void **state)
{
	struct world *w = *state;

	w->expected.b[0] ^= 1;
	link_dial(&w->link, w->address);
	run_until(w, &w->down);
	assert_false(w->up);
	assert_int_equal(w->why, ERR_REFUSED);
}

static void test_nobody_there(void **state)
{
	struct world *w = *state;
	char address[TCP_ADDRESS_TEXT_MAX];

	/* A port that was just free: listen and close. */
	struct tcp_listener other;
	assert_int_equal(tcp_listener_open(&other, &w->loop, "127.0.0.1:0", on_accept), ERR_OK);
	tcp_address_print(&other.local, address);
	w->parts = 1;
	tcp_listener_close(&other, on_part, w);
	RUN_WHILE(&w->loop, w->parts > 0);
	link_dial(&w->link, address);
	assert_false(w->down); /* never inside the call */
	run_until(w, &w->down);
	assert_int_equal(w->why, ERR_OFFLINE);
}

static void test_bad_address(void **state)
{
	struct world *w = *state;

	link_dial(&w->link, "no port");
	assert_false(w->down);
	run_until(w, &w->down);
	assert_int_equal(w->why, ERR_BAD_VALUE);
}

static void test_drop_while_dialling_and_again(void **state)
{
	struct world *w = *state;

	link_dial(&w->link, w->address);
	link_drop(&w->link, ERR_CANCELED);
	link_drop(&w->link, ERR_TIMEOUT); /* the first one counts */
	run_until(w, &w->down);
	assert_int_equal(w->why, ERR_CANCELED);
	RUN_WHILE(&w->loop, w->peer_open);
	w->down = false;
	go_up(w);
}

static void test_close_while_up(void **state)
{
	go_up(*state); /* teardown closes; no on_down may come (link_down would count) */
}

/* ---- call: its server runs on another thread ------------------------------------------------ */

struct served {
	pthread_t thread;
	pthread_barrier_t started;
	struct world w;
	uv_async_t stop;
	bool stopping;
};

static void on_stop(uv_async_t *async)
{
	((struct served *)async->data)->stopping = true;
}

static void on_async_closed(uv_handle_t *h)
{
	on_part(&((struct served *)h->data)->w);
}

static void *serve(void *arg)
{
	struct served *s = arg;
	struct world *w = &s->w;

	assert_int_equal(loop_init(&w->loop), ERR_OK);
	assert_int_equal(tls_identity_make(&w->server_id), ERR_OK);
	assert_int_equal(tls_ctx_init(&w->server_ctx, TLS_ROLE_SERVER, &w->server_id), ERR_OK);
	assert_int_equal(tcp_listener_open(&w->listener, &w->loop, "127.0.0.1:0", on_accept),
			 ERR_OK);
	tcp_address_print(&w->listener.local, w->address);
	s->stop.data = s;
	UV_MUST(uv_async_init(&w->loop.uv, &s->stop, on_stop));
	pthread_barrier_wait(&s->started);
	RUN_WHILE(&w->loop, !s->stopping);
	w->parts = 2;
	tcp_listener_close(&w->listener, on_part, w);
	uv_close((uv_handle_t *)&s->stop, on_async_closed);
	if (w->peer_open) tls_stream_close(&w->peer, ERR_CANCELED);
	RUN_WHILE(&w->loop, w->parts > 0 || w->peer_open);
	assert_int_equal(loop_close(&w->loop), ERR_OK);
	tls_ctx_fini(&w->server_ctx);
	tls_identity_fini(&w->server_id);
	return NULL;
}

static void serve_start(struct served *s)
{
	assert_int_equal(pthread_barrier_init(&s->started, NULL, 2), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	pthread_barrier_wait(&s->started);
}

static void serve_stop(struct served *s)
{
	uv_async_send(&s->stop);
	pthread_join(s->thread, NULL);
	pthread_barrier_destroy(&s->started);
	buf_fini(&s->w.say);
}

static void pack_frame(const Roomkeep__Frame *f, struct buf *out, bool with_length)
{
	const size_t len = roomkeep__frame__get_packed_size(f);

	if (with_length) assert_int_equal(buf_append_be32(out, (uint32_t)len), ERR_OK);
	assert_int_equal(buf_reserve(out, len), ERR_OK);
	assert_int_equal(roomkeep__frame__pack(f, out->p + out->len), len);
	out->len += len;
}

/* Asks a Ping with the server saying `say`; returns call_ask's result. */
static enum err ask_with(struct served *s, enum manner manner, struct buf *reply,
			 Roomkeep__RefuseReason *ret_reason)
{
	struct tls_identity id = { 0 };
	struct call *c = NULL;
	struct buf body = { 0 };
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Ping ping = ROOMKEEP__PING__INIT;

	s->w.manner = manner;
	serve_start(s);
	assert_int_equal(tls_identity_make(&id), ERR_OK);
	assert_int_equal(call_open(s->w.address, &id, &c), ERR_OK);
	assert_true(tls_spki_equal(call_peer(c), &s->w.server_id.spki));
	f.body_case = ROOMKEEP__FRAME__BODY_PING;
	f.ping = &ping;
	pack_frame(&f, &body, false);
	const enum err e = call_ask(c, buf_view(&body), reply);
	*ret_reason = call_refused(c);
	call_close(c);
	tls_identity_fini(&id);
	buf_fini(&body);
	serve_stop(s);
	return e;
}

static void test_call_numbers_its_requests(void **state)
{
	(void)state;
	struct served s = { 0 };
	struct buf reply = { 0 };
	struct arena arena;
	Roomkeep__Frame *frame = NULL;
	Roomkeep__RefuseReason reason;

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	assert_int_equal(ask_with(&s, MANNER_ECHO, &reply, &reason), ERR_OK);
	assert_int_equal(frame_decode(&arena, buf_view(&reply), &frame), ERR_OK);
	assert_int_equal(frame->body_case, ROOMKEEP__FRAME__BODY_PING);
	assert_int_equal(frame->request, 1);
	arena_fini(&arena);
	buf_fini(&reply);
}

static void test_call_result_error(void **state)
{
	(void)state;
	struct served s = { 0 };
	struct buf reply = { 0 };
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Result result = ROOMKEEP__RESULT__INIT;
	Roomkeep__RefuseReason reason;

	f.has_request = 1;
	f.request = 1;
	f.body_case = ROOMKEEP__FRAME__BODY_RESULT;
	f.result = &result;
	result.has_code = 1;
	result.code = ERR_EXPIRED;
	pack_frame(&f, &s.w.say, true);
	assert_int_equal(ask_with(&s, MANNER_SAY, &reply, &reason), ERR_EXPIRED);
	assert_true(reply.len > 0);
	buf_fini(&reply);
}

static void test_call_refused(void **state)
{
	(void)state;
	struct served s = { 0 };
	struct buf reply = { 0 };
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Refuse refuse = ROOMKEEP__REFUSE__INIT;
	Roomkeep__RefuseReason reason;

	f.body_case = ROOMKEEP__FRAME__BODY_REFUSE;
	f.refuse = &refuse;
	refuse.has_reason = 1;
	refuse.reason = ROOMKEEP__REFUSE_REASON__RETIRED;
	pack_frame(&f, &s.w.say, true);
	assert_int_equal(ask_with(&s, MANNER_SAY, &reply, &reason), ERR_REFUSED);
	assert_int_equal(reason, ROOMKEEP__REFUSE_REASON__RETIRED);
	buf_fini(&reply);
}

static void test_call_garbage_and_end(void **state)
{
	(void)state;
	struct served s = { 0 };
	struct served t = { 0 };
	struct buf reply = { 0 };
	Roomkeep__RefuseReason reason;
	const uint8_t garbage[] = { 0, 0, 0, 2, 0xff, 0xff };

	assert_int_equal(buf_append(&s.w.say, VIEW_OF(garbage)), ERR_OK);
	assert_int_equal(ask_with(&s, MANNER_SAY, &reply, &reason), ERR_PROTO);
	assert_int_equal(ask_with(&t, MANNER_END, &reply, &reason), ERR_CLOSED);
	buf_fini(&reply);
}

static void test_call_nobody_there(void **state)
{
	(void)state;
	struct tls_identity id = { 0 };
	struct call *c = NULL;

	assert_int_equal(tls_identity_make(&id), ERR_OK);
	assert_int_equal(call_open("127.0.0.1:1", &id, &c), ERR_OFFLINE);
	assert_int_equal(call_open("nonsense", &id, &c), ERR_BAD_VALUE);
	assert_null(c);
	tls_identity_fini(&id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames_go_and_come, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exporters_agree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_largest_frame_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large_frame_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_frame_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_is_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_is_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_byte_by_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_inside_a_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_server_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_address, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_while_dialling_and_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_close_while_up, setup, teardown),
		cmocka_unit_test(test_call_numbers_its_requests),
		cmocka_unit_test(test_call_result_error),
		cmocka_unit_test(test_call_refused),
		cmocka_unit_test(test_call_garbage_and_end),
		cmocka_unit_test(test_call_nobody_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
