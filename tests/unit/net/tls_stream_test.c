#include "net/tls_stream.h"

#include "base/limits.h"
#include "base/log.h"
#include "net/tcp.h"

#include "tls_pair.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STUCK_MS 60000u /* no test waits this long unless something hangs */

/* One side of a connection, with what a test wants it to do. */
struct side {
	struct tls_stream s;
	const char *name;
	struct side *other;
	void (*on_ready)(struct side *side);
	void (*on_plain)(struct side *side, struct view plain);
	void (*on_drained)(struct side *side);
	unsigned ready_count;
	unsigned plain_count;
	unsigned drained_count;
	unsigned closed_count;
	size_t plain_bytes;
	uint64_t plain_sum; /* of byte x position: order and content */
	size_t to_send;     /* bytes that on_drained still has to write */
	uint64_t sent_sum;
	size_t sent_bytes;
	enum err why;
	const char *reason;
	bool open;
};

static struct loop loop;
static struct tls_pair keys; /* contexts only */
static struct tcp_listener listener;
static struct tcp_dial dial;
static struct side server, room;
static struct tls_stream_options server_options, room_options;
static struct timer stuck;
static int small_buffers; /* SO_SNDBUF and SO_RCVBUF for both sockets; 0: the system's */

static void side_on_ready(struct tls_stream *s)
{
	struct side *e = CONTAINER_OF(s, struct side, s);
	assert_int_equal(e->ready_count, 0);
	e->ready_count++;
	if (e->on_ready != NULL) e->on_ready(e);
}

static void side_on_plain(struct tls_stream *s, struct view plain)
{
	struct side *e = CONTAINER_OF(s, struct side, s);
	assert_int_equal(e->ready_count, 1);
	assert_int_equal(e->closed_count, 0);
	assert_false(tls_stream_is_ending(s));
	e->plain_count++;
	for (size_t i = 0; i < plain.len; i++) {
		e->plain_sum += (e->plain_bytes + i + 1) * plain.p[i];
	}
	e->plain_bytes += plain.len;
	if (e->on_plain != NULL) e->on_plain(e, plain);
}

static void side_on_drained(struct tls_stream *s)
{
	struct side *e = CONTAINER_OF(s, struct side, s);
	assert_int_equal(e->ready_count, 1);
	assert_int_equal(e->closed_count, 0);
	assert_true(tls_stream_queued_bytes(s) <= TLS_DRAINED_BYTES);
	e->drained_count++;
	if (e->on_drained != NULL) e->on_drained(e);
}

static void side_on_closed(struct tls_stream *s, enum err why)
{
	struct side *e = CONTAINER_OF(s, struct side, s);
	assert_true(e->open);
	e->open = false;
	e->closed_count++;
	e->why = why;
	e->reason = tls_stream_reason(s); /* still there, and so is the peer's name */
	if (e->ready_count > 0) assert_non_null(tls_stream_peer_spki(s));
}

static const struct tls_stream_events side_events = {
	.on_ready = side_on_ready,
	.on_plain = side_on_plain,
	.on_drained = side_on_drained,
	.on_closed = side_on_closed,
};

static void on_stuck(struct timer *t)
{
	(void)t;
	log_error("test", "stuck: server open=%d room open=%d", server.open, room.open);
	abort();
}

static int setup(void **state)
{
	(void)state;
	pair_open_ctxs(&keys);
	server = (struct side){ .name = "server", .other = &room };
	room = (struct side){ .name = "room", .other = &server };
	server_options = (struct tls_stream_options){ .events = &side_events };
	room_options = server_options;
	small_buffers = 0;
	assert_int_equal(loop_init(&loop), ERR_OK);
	timer_init(&stuck, &loop, on_stuck);
	timer_start(&stuck, STUCK_MS);
	timer_unref(&stuck);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	timer_close(&stuck, NULL, NULL);
	if (loop_close(&loop) != ERR_OK) return 1;
	pair_close(&keys);
	return 0;
}

static void shrink_buffers(int fd)
{
	if (small_buffers == 0) return;
	const socklen_t len = sizeof(small_buffers);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small_buffers, len), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small_buffers, len), 0);
}

static void side_open(struct side *e, struct tls_ctx *ctx, int fd,
		      const struct tls_stream_options *options)
{
	shrink_buffers(fd);
	e->open = true;
	assert_int_equal(tls_stream_open(&e->s, &loop, ctx, fd, options), ERR_OK);
	assert_int_equal(e->ready_count + e->closed_count, 0);
}

static void on_accept(struct tcp_listener *l, int fd, const struct tcp_address *peer)
{
	(void)peer;
	side_open(&server, &keys.server_ctx, fd, &server_options);
	tcp_listener_close(l, NULL, NULL);
}

static void on_dialled(struct tcp_dial *d, enum err result, int fd)
{
	assert_int_equal(result, ERR_OK);
	side_open(&room, &keys.room_ctx, fd, &room_options);
	tcp_dial_close(d, NULL, NULL);
}

static void open_listener(char *ret_text)
{
	assert_int_equal(tcp_listener_open(&listener, &loop, "127.0.0.1:0", on_accept), ERR_OK);
	tcp_address_print(&listener.local, ret_text);
}

static void connect_both(void)
{
	char text[TCP_ADDRESS_TEXT_MAX];
	open_listener(text);
	assert_int_equal(tcp_dial_open(&dial, &loop, text, STUCK_MS, on_dialled), ERR_OK);
}

/* One turn. A paused stream alone does not keep the loop alive, so the result says nothing. */
static void turn(void)
{
	static unsigned turns;
	assert_true(++turns < 1000000u); /* hangs end here */
	(void)loop_run_once(&loop);
}

static void on_tick(struct timer *t)
{
	timer_close(t, NULL, NULL);
}

/* About a millisecond of turns, whether events come or not. */
static void turn_a_while(void)
{
	static struct timer tick;
	timer_init(&tick, &loop, on_tick);
	timer_start(&tick, 1);
	while (uv_is_closing((uv_handle_t *)&tick.uv) == 0) turn();
	turn();
}

/* Runs until nothing is open; each side must have closed exactly once, for these reasons. */
static void run_and_check(enum err server_why, enum err room_why)
{
	loop_run(&loop);
	assert_int_equal(server.closed_count, 1);
	assert_int_equal(room.closed_count, 1);
	assert_int_equal(server.why, server_why);
	assert_int_equal(room.why, room_why);
}

/* ---- what sides do ---- */

static void do_nothing(struct side *e)
{
	(void)e;
}

static void do_say_hello(struct side *e)
{
	assert_int_equal(tls_stream_write(&e->s, view_str("hello")), ERR_OK);
}

static void do_end(struct side *e)
{
	tls_stream_end(&e->s, ERR_OK);
	tls_stream_end(&e->s, ERR_BUG); /* the first reason counts */
	assert_true(tls_stream_is_ending(&e->s));
	assert_int_equal(tls_stream_write(&e->s, view_str("x")), ERR_CLOSED);
}

static void do_close(struct side *e)
{
	tls_stream_close(&e->s, ERR_CANCELED);
	tls_stream_close(&e->s, ERR_BUG);
	tls_stream_end(&e->s, ERR_BUG);
	assert_int_equal(tls_stream_write(&e->s, view_str("x")), ERR_CLOSED);
	assert_int_equal(e->closed_count, 0); /* never inside the call */
}

static void plain_end(struct side *e, struct view plain)
{
	(void)plain;
	do_end(e);
}

static void plain_close(struct side *e, struct view plain)
{
	(void)plain;
	do_close(e);
}

static void plain_echo(struct side *e, struct view plain)
{
	assert_int_equal(tls_stream_write(&e->s, plain), ERR_OK);
}

/* Writes a numbered pattern up to `to_send`, never more than a quarter of the limit queued. */
static void do_send_more(struct side *e)
{
	static uint8_t chunk[100000];
	while (e->sent_bytes < e->to_send &&
	       tls_stream_queued_bytes(&e->s) < WRITE_QUEUE_BYTES_MAX / 4) {
		const size_t left = e->to_send - e->sent_bytes;
		const size_t len = left < sizeof(chunk) ? left : sizeof(chunk);
		for (size_t i = 0; i < len; i++) {
			const size_t at = e->sent_bytes + i;
			chunk[i] = (uint8_t)(at * 31 + (at >> 11));
			e->sent_sum += (at + 1) * chunk[i];
		}
		assert_int_equal(tls_stream_write(&e->s, view_of(chunk, len)), ERR_OK);
		e->sent_bytes += len;
	}
}

static void do_send_and_end(struct side *e)
{
	do_send_more(e);
	assert_int_equal(e->sent_bytes, e->to_send);
	do_end(e);
}

/* ---- tests ---- */

static void room_hello_then_end(struct side *e, struct view plain)
{
	assert_true(view_equal(plain, view_str("hello")));
	do_end(e);
}

static void test_hello_and_a_proper_end(void **state)
{
	(void)state;
	room.on_ready = do_say_hello;
	server.on_plain = plain_echo;
	room.on_plain = room_hello_then_end;
	connect_both();
	run_and_check(ERR_CLOSED, ERR_OK);
	assert_int_equal(server.plain_bytes, 5);
	assert_int_equal(room.plain_bytes, 5);
	assert_true(server.drained_count >= 1);
	assert_string_equal(server.reason, "none");
}

static uint8_t exported[2][32];

static void do_export(struct side *e)
{
	const bool is_server = e == &server;
	const struct tls_spki *peer = tls_stream_peer_spki(&e->s);
	assert_true(tls_spki_equal(peer, is_server ? &keys.room_id.spki : &keys.server_id.spki));
	assert_int_equal(tls_stream_export(&e->s, "EXPORTER-crs1-login", exported[is_server]),
			 ERR_OK);
	assert_string_equal(tls_stream_reason(&e->s), "none");
	if (is_server) do_end(e);
}

static void test_both_know_each_other(void **state)
{
	(void)state;
	server.on_ready = do_export;
	room.on_ready = do_export;
	connect_both();
	run_and_check(ERR_OK, ERR_CLOSED);
	assert_memory_equal(exported[0], exported[1], 32);
}

static size_t wanted_bytes;

/* The reader ends when it has all, because a sender's end waits only TLS_LINGER_MS. */
static void plain_end_when_all(struct side *e, struct view plain)
{
	(void)plain;
	if (e->plain_bytes == wanted_bytes) tls_stream_end(&e->s, ERR_OK);
}

static void test_a_big_transfer_arrives_whole(void **state)
{
	(void)state;
	small_buffers = 16384; /* so that writes meet a full socket again and again */
	wanted_bytes = 20u * MIB + 3;
	server.to_send = wanted_bytes;
	server.on_ready = do_send_more;
	server.on_drained = do_send_more;
	room.on_plain = plain_end_when_all;
	connect_both();
	run_and_check(ERR_CLOSED, ERR_OK);
	assert_int_equal(room.plain_bytes, wanted_bytes);
	assert_true(room.plain_sum == server.sent_sum);
	assert_true(server.drained_count > 10);
}

static void test_end_sends_what_is_queued(void **state)
{
	(void)state;
	room.to_send = MIB - 70000;
	room.on_ready = do_send_and_end;
	connect_both();
	run_and_check(ERR_CLOSED, ERR_OK);
	assert_int_equal(server.plain_bytes, MIB - 70000);
	assert_true(server.plain_sum == room.sent_sum);
}

static void test_both_end_at_once(void **state)
{
	(void)state;
	server.on_ready = do_end;
	room.on_ready = do_end;
	connect_both();
	loop_run(&loop);
	assert_int_equal(server.closed_count + room.closed_count, 2);
	assert_int_equal(server.why, ERR_OK);
	assert_true(room.why == ERR_OK || room.why == ERR_CLOSED);
}

typedef void (*act_fn)(struct side *e);
typedef void (*plain_fn)(struct side *e, struct view plain);

/* Each callback of each side ends or closes the stream; the other side says hello all the time. */
static void check_action_in_callback(struct side *e, int callback, bool hard)
{
	const act_fn act = hard ? do_close : do_end;
	const plain_fn plain_act = hard ? plain_close : plain_end;
	e->on_ready = callback == 0 ? act : do_say_hello;
	e->on_plain = callback == 1 ? plain_act : NULL;
	e->on_drained = callback == 2 ? act : NULL;
	e->other->on_ready = do_say_hello;
	connect_both();
	loop_run(&loop);
	assert_int_equal(e->closed_count, 1);
	assert_int_equal(e->other->closed_count, 1);
	assert_int_equal(e->why, hard ? ERR_CANCELED : ERR_OK);
	const enum err other = e->other->why;
	if (!hard) assert_int_equal(other, ERR_CLOSED);
	if (hard) assert_int_equal(other, ERR_TRUNCATED);
}

static void test_end_and_close_in_every_callback(void **state)
{
	(void)state;
	for (int callback = 0; callback < 3; callback++) {
		for (int hard = 0; hard < 2; hard++) {
			for (int who = 0; who < 2; who++) {
				server = (struct side){ .name = "server", .other = &room };
				room = (struct side){ .name = "room", .other = &server };
				check_action_in_callback(who == 0 ? &server : &room, callback,
							 hard != 0);
			}
		}
	}
}

/* ---- backpressure ---- */

static void do_fill(struct side *e)
{
	static uint8_t chunk[MIB];
	/* Up to just below the point where the stream gives up. */
	while (tls_stream_queued_bytes(&e->s) + 2u * MIB < 2u * WRITE_QUEUE_BYTES_MAX) {
		assert_int_equal(tls_stream_write(&e->s, view_of(chunk, sizeof(chunk))), ERR_OK);
		e->sent_bytes += sizeof(chunk);
	}
	assert_true(e->s.choked);
}

static void do_pause(struct side *e)
{
	tls_stream_pause(&e->s);
}

static void do_pause_and_say_hello(struct side *e)
{
	tls_stream_pause(&e->s);
	do_say_hello(e);
}

static void plain_end_when_server_heard(struct side *e, struct view plain)
{
	(void)plain;
	if (e->plain_bytes == server.sent_bytes && server.plain_bytes == 5) do_end(e);
}

static void server_heard(struct side *e, struct view plain)
{
	(void)plain;
	assert_false(e->s.choked);
	if (room.plain_bytes == e->sent_bytes) do_end(e);
}

static void test_a_full_queue_stops_reading(void **state)
{
	(void)state;
	small_buffers = 16384;
	server.on_ready = do_fill;
	server.on_plain = server_heard;
	room.on_ready = do_pause_and_say_hello;
	room.on_plain = plain_end_when_server_heard;
	connect_both();
	/* Nobody reads: the hello stays unread on the server's side. */
	while (room.drained_count == 0 || server.ready_count == 0) turn();
	for (int i = 0; i < 20; i++) turn_a_while();
	assert_true(server.s.choked);
	assert_false(server.s.reading);
	assert_int_equal(server.plain_bytes, 0);
	assert_int_equal(room.plain_bytes, 0);
	assert_true(tls_stream_queued_bytes(&server.s) > WRITE_QUEUE_BYTES_MAX);
	tls_stream_resume(&room.s);
	loop_run(&loop);
	assert_int_equal(server.plain_bytes, 5);
	assert_int_equal(room.plain_bytes, server.sent_bytes);
	assert_int_equal(server.closed_count + room.closed_count, 2);
}

static enum err overflow_result;

static void do_overflow(struct side *e)
{
	static uint8_t chunk[MIB];
	overflow_result = ERR_OK;
	for (int i = 0; i < 20 && overflow_result == ERR_OK; i++) {
		overflow_result = tls_stream_write(&e->s, view_of(chunk, sizeof(chunk)));
		if (overflow_result == ERR_OK) e->sent_bytes += sizeof(chunk);
	}
	assert_int_equal(tls_stream_write(&e->s, view_str("x")), ERR_CLOSED);
}

static void test_twice_the_limit_closes(void **state)
{
	(void)state;
	server.on_ready = do_overflow;
	connect_both();
	run_and_check(ERR_FULL, ERR_TRUNCATED);
	assert_int_equal(overflow_result, ERR_FULL);
	assert_true(server.sent_bytes >= 7u * MIB && server.sent_bytes <= 8u * MIB);
}

static void test_a_peer_that_does_not_read_is_closed(void **state)
{
	(void)state;
	small_buffers = 16384;
	server_options.stall_ms = 40;
	server.on_ready = do_fill;
	room.on_ready = do_pause;
	connect_both();
	while (server.closed_count == 0) turn();
	assert_int_equal(server.why, ERR_TIMEOUT);
	tls_stream_close(&room.s, ERR_OK);
	run_and_check(ERR_TIMEOUT, ERR_OK);
}

static void plain_then_pause(struct side *e, struct view plain)
{
	(void)plain;
	if (e->plain_bytes == wanted_bytes) {
		do_end(e);
		return;
	}
	tls_stream_pause(&e->s);
}

static void test_pause_holds_within_one_read_and_resume_goes_on(void **state)
{
	(void)state;
	room.to_send = 200000;
	room.on_ready = do_send_more;
	wanted_bytes = 200000;
	server.on_plain = plain_then_pause;
	connect_both();
	for (unsigned crumb = 1; server.closed_count == 0; crumb++) {
		while (server.closed_count == 0 && !server.s.paused) turn();
		if (server.closed_count > 0) break;
		assert_int_equal(server.plain_count, crumb);
		tls_stream_resume(&server.s);
		assert_int_equal(server.plain_count, crumb); /* never inside the call */
	}
	run_and_check(ERR_OK, ERR_CLOSED);
	assert_int_equal(server.plain_bytes, 200000);
	assert_true(server.plain_sum == room.sent_sum);
}

static void do_write_ten(struct side *e)
{
	for (int i = 0; i < 10; i++) {
		assert_int_equal(tls_stream_write(&e->s, view_str("0123456789")), ERR_OK);
	}
	/* None has left yet: they go out together at the end of this turn. */
	assert_int_equal(tls_pipe_pending_out(&e->s.pipe), 10 * (10 + 22));
}

static void plain_end_at_100(struct side *e, struct view plain)
{
	(void)plain;
	if (e->plain_bytes == 100) do_end(e);
}

static void test_writes_of_one_turn_leave_together(void **state)
{
	(void)state;
	server.on_ready = do_write_ten;
	room.on_plain = plain_end_at_100;
	connect_both();
	run_and_check(ERR_CLOSED, ERR_OK);
	assert_int_equal(room.plain_bytes, 100);
	assert_int_equal(server.drained_count, 1);
}

static void do_release(struct side *e)
{
	tls_stream_release_idle(&e->s);
	assert_int_equal(e->s.writing.cap, 0);
}

static unsigned rounds;

static void plain_release_and_echo(struct side *e, struct view plain)
{
	assert_true(view_equal(plain, view_str("hello")));
	if (++rounds == 20) {
		do_end(e);
		return;
	}
	tls_stream_release_idle(&e->s);
	do_say_hello(e);
}

static void test_idle_release_keeps_working(void **state)
{
	(void)state;
	rounds = 0;
	room.on_ready = do_say_hello;
	room.on_drained = NULL;
	server.on_ready = do_release;
	server.on_plain = plain_release_and_echo;
	room.on_plain = plain_release_and_echo;
	connect_both();
	loop_run(&loop);
	assert_int_equal(rounds, 20);
	assert_int_equal(server.closed_count + room.closed_count, 2);
}

/* ---- rude peers ---- */

static int side_fd(const struct side *e)
{
	uv_os_fd_t fd = -1;
	UV_MUST(uv_fileno((const uv_handle_t *)&e->s.tcp, &fd));
	return fd;
}

static void do_reset(struct side *e)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	assert_int_equal(setsockopt(side_fd(e), SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	do_close(e);
}

static void test_a_reset_by_the_peer(void **state)
{
	(void)state;
	room.on_ready = do_reset;
	server.on_ready = do_say_hello;
	connect_both();
	run_and_check(ERR_TRUNCATED, ERR_CANCELED);
}

static void do_half_close(struct side *e)
{
	assert_int_equal(shutdown(side_fd(e), SHUT_WR), 0);
}

static void test_an_end_without_close_notify(void **state)
{
	(void)state;
	room.on_ready = do_half_close;
	connect_both();
	loop_run(&loop);
	assert_int_equal(server.why, ERR_TRUNCATED);
	assert_int_equal(room.closed_count, 1);
}

static int connect_plain(void)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(listener.local.port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void test_a_silent_peer_meets_the_handshake_deadline(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	server_options.handshake_ms = 30;
	open_listener(text);
	const int fd = connect_plain();
	loop_run(&loop);
	assert_int_equal(server.closed_count, 1);
	assert_int_equal(server.why, ERR_TIMEOUT);
	assert_int_equal(server.ready_count, 0);
	close(fd);
}

/* A byte now and then buys no time: the deadline is for the whole handshake. */
static void test_a_trickling_peer_meets_the_same_deadline(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	server_options.handshake_ms = 30;
	open_listener(text);
	const int fd = connect_plain();
	const uint8_t hello[] = { 22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 }; /* a hello of 512 */
	for (size_t i = 0; server.closed_count == 0; i++) {
		const uint8_t byte = i < sizeof(hello) ? hello[i] : 0;
		if (i < 400) (void)send(fd, &byte, 1, MSG_NOSIGNAL);
		turn_a_while();
	}
	assert_int_equal(server.why, ERR_TIMEOUT);
	close(fd);
}

static void test_a_plain_speaker_is_refused(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	open_listener(text);
	const int fd = connect_plain();
	const uint8_t hello[] = { 22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3 };
	assert_int_equal(send(fd, hello, sizeof(hello), MSG_NOSIGNAL), sizeof(hello));
	assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	loop_run(&loop); /* the linger ends it: we do not close */
	assert_int_equal(server.why, ERR_TLS);
	uint8_t alert[16];
	assert_int_equal(recv(fd, alert, sizeof(alert), 0), 7);
	assert_int_equal(alert[0], 21);
	assert_int_equal(recv(fd, alert, sizeof(alert), 0), 0); /* an end, no reset */
	close(fd);
}

static void test_peers_that_leave_during_the_handshake(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	open_listener(text);
	close(connect_plain());
	loop_run(&loop);
	assert_int_equal(server.why, ERR_TRUNCATED);

	server = (struct side){ .name = "server", .other = &room };
	open_listener(text);
	const int fd = connect_plain();
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
	loop_run(&loop);
	assert_int_equal(server.closed_count, 1);
	assert_int_equal(server.why, ERR_TRUNCATED);
}

static void test_close_right_after_open(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	side_open(&server, &keys.server_ctx, ends[0], &server_options);
	tls_stream_end(&server.s, ERR_CANCELED); /* no goodbye before the handshake */
	side_open(&room, &keys.room_ctx, ends[1], &room_options);
	do_close(&room);
	run_and_check(ERR_CANCELED, ERR_CANCELED);
	assert_int_equal(server.ready_count + room.ready_count, 0);
}

static void test_a_descriptor_that_is_not_open(void **state)
{
	(void)state;
	side_open(&server, &keys.server_ctx, 999, &server_options);
	loop_run(&loop);
	assert_int_equal(server.closed_count, 1);
	assert_int_not_equal(server.why, ERR_OK);
}

/* Works on a Unix socket pair too, which knows no TCP_NODELAY. */
static void test_over_a_socket_pair(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	room.on_ready = do_say_hello;
	server.on_plain = plain_echo;
	room.on_plain = room_hello_then_end;
	side_open(&server, &keys.server_ctx, ends[0], &server_options);
	side_open(&room, &keys.room_ctx, ends[1], &room_options);
	run_and_check(ERR_CLOSED, ERR_OK);
}

/* A damaged record in the middle of a good connection. */
static void do_send_garbage(struct side *e)
{
	const uint8_t record[] = { 23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
				   9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };
	assert_int_equal(send(side_fd(e), record, sizeof(record), MSG_NOSIGNAL), sizeof(record));
}

static void test_a_damaged_record_ends_both_sides(void **state)
{
	(void)state;
	server.on_ready = do_send_garbage;
	room.on_ready = do_nothing;
	connect_both();
	run_and_check(ERR_TLS, ERR_TLS); /* the server learns by the room's alert */
	assert_string_not_equal(room.reason, "none");
	assert_string_not_equal(server.reason, "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_hello_and_a_proper_end),
		T(test_both_know_each_other),
		T(test_a_big_transfer_arrives_whole),
		T(test_end_sends_what_is_queued),
		T(test_both_end_at_once),
		T(test_end_and_close_in_every_callback),
		T(test_a_full_queue_stops_reading),
		T(test_twice_the_limit_closes),
		T(test_a_peer_that_does_not_read_is_closed),
		T(test_pause_holds_within_one_read_and_resume_goes_on),
		T(test_writes_of_one_turn_leave_together),
		T(test_idle_release_keeps_working),
		T(test_a_reset_by_the_peer),
		T(test_an_end_without_close_notify),
		T(test_a_silent_peer_meets_the_handshake_deadline),
		T(test_a_trickling_peer_meets_the_same_deadline),
		T(test_a_plain_speaker_is_refused),
		T(test_peers_that_leave_during_the_handshake),
		T(test_close_right_after_open),
		T(test_a_descriptor_that_is_not_open),
		T(test_over_a_socket_pair),
		T(test_a_damaged_record_ends_both_sides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
