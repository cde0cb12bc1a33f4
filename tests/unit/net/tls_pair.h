/* tls_pair: a room and a server joined in memory, for tests. */
#pragma once

#include "net/tls_pipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct tls_pair {
	struct tls_identity server_id;
	struct tls_identity room_id;
	struct tls_ctx server_ctx;
	struct tls_ctx room_ctx;
	struct tls_pipe server;
	struct tls_pipe room;
};

static inline void pair_open_ctxs(struct tls_pair *t)
{
	*t = (struct tls_pair){ 0 };
	assert_int_equal(tls_identity_make(&t->server_id), ERR_OK);
	assert_int_equal(tls_identity_make(&t->room_id), ERR_OK);
	assert_int_equal(tls_ctx_init(&t->server_ctx, TLS_ROLE_SERVER, &t->server_id), ERR_OK);
	assert_int_equal(tls_ctx_init(&t->room_ctx, TLS_ROLE_ROOM, &t->room_id), ERR_OK);
}

static inline void pair_open_pipes(struct tls_pair *t)
{
	assert_int_equal(tls_pipe_init(&t->server, &t->server_ctx), ERR_OK);
	assert_int_equal(tls_pipe_init(&t->room, &t->room_ctx), ERR_OK);
}

static inline void pair_close_pipes(struct tls_pair *t)
{
	tls_pipe_fini(&t->server);
	tls_pipe_fini(&t->room);
}

static inline void pair_close(struct tls_pair *t)
{
	pair_close_pipes(t);
	tls_ctx_fini(&t->server_ctx);
	tls_ctx_fini(&t->room_ctx);
	tls_identity_fini(&t->server_id);
	tls_identity_fini(&t->room_id);
}

/* Carries everything that `from` has made to `to`; returns how many bytes. */
static inline size_t pair_carry(struct tls_pipe *from, struct tls_pipe *to)
{
	struct buf bytes = { 0 };
	assert_int_equal(tls_pipe_drain(from, &bytes), ERR_OK);
	const size_t len = bytes.len;
	for (size_t at = 0; at < len;) {
		const size_t count = len - at < 65536 ? len - at : 65536;
		assert_int_equal(tls_pipe_feed(to, view_of(bytes.p + at, count)), ERR_OK);
		at += count;
	}
	buf_fini(&bytes);
	return len;
}

static inline void pair_handshake(struct tls_pair *t)
{
	assert_int_equal(tls_pipe_step(&t->room), ERR_MORE);
	assert_true(pair_carry(&t->room, &t->server) > 0);
	assert_int_equal(tls_pipe_step(&t->server), ERR_MORE);
	assert_true(pair_carry(&t->server, &t->room) > 0);
	assert_int_equal(tls_pipe_step(&t->room), ERR_OK);
	assert_true(pair_carry(&t->room, &t->server) > 0);
	assert_int_equal(tls_pipe_step(&t->server), ERR_OK);
	assert_int_equal(pair_carry(&t->server, &t->room), 0);
}

static inline void pair_open(struct tls_pair *t)
{
	pair_open_ctxs(t);
	pair_open_pipes(t);
	pair_handshake(t);
}

/* Reads all that is there; returns the result that stopped it. */
static inline enum err pair_read_all(struct tls_pipe *p, struct buf *to)
{
	for (;;) {
		struct view plain = VIEW_EMPTY;
		const enum err e = tls_pipe_read(p, &plain);
		if (e != ERR_OK) return e;
		assert_true(plain.len > 0);
		assert_int_equal(buf_append(to, plain), ERR_OK);
	}
}

/* One text from one end to the other. */
static inline void pair_say(struct tls_pipe *from, struct tls_pipe *to, const char *text)
{
	assert_int_equal(tls_pipe_write(from, view_str(text)), ERR_OK);
	(void)pair_carry(from, to);
	struct buf got = { 0 };
	assert_int_equal(pair_read_all(to, &got), ERR_MORE);
	assert_true(view_equal(buf_view(&got), view_str(text)));
	buf_fini(&got);
}
