#include "net/tls_stream.h"

#include "base/limits.h"

#include <unistd.h>

_Static_assert(TLS_PIPE_OUT_BYTES_MAX >= 2u * WRITE_QUEUE_BYTES_MAX + 128u * KIB,
	       "the stream closes before its pipe is full");
_Static_assert(TLS_DRAINED_BYTES < WRITE_QUEUE_BYTES_MAX / 2, "a drained stream is not choked");
_Static_assert(LOOP_SCRATCH_BYTES <= TLS_PIPE_IN_BYTES_MAX, "one read fits the pipe");

enum stream_state { STREAM_HANDSHAKE, STREAM_OPEN, STREAM_ENDING, STREAM_CLOSED };

static const struct fsm_state stream_states[] = {
	[STREAM_HANDSHAKE] = { "handshake",
			       FSM_TO(STREAM_OPEN) | FSM_TO(STREAM_ENDING) | FSM_TO(STREAM_CLOSED),
			       FSM_INITIAL },
	[STREAM_OPEN] = { "open", FSM_TO(STREAM_ENDING) | FSM_TO(STREAM_CLOSED), 0 },
	[STREAM_ENDING] = { "ending", FSM_TO(STREAM_CLOSED), 0 },
	[STREAM_CLOSED] = { "closed", 0, FSM_FINAL },
};

static bool stream_is(const struct tls_stream *s, enum stream_state state)
{
	return s->fsm.now == (unsigned)state;
}

/* ---- close ---- */

static void stream_maybe_finish(struct tls_stream *s)
{
	if (s->handles_open > 0 || s->write_busy || s->shutdown_busy) return;
	s->reason = tls_pipe_reason(&s->pipe); /* static text: it outlives the pipe */
	tls_pipe_fini(&s->pipe);
	buf_fini(&s->writing);
	s->events->on_closed(s, s->why);
}

static void stream_on_part_closed(void *owner)
{
	struct tls_stream *s = owner;
	INSIST(s->handles_open > 0);
	s->handles_open--;
	stream_maybe_finish(s);
}

static void stream_on_tcp_closed(uv_handle_t *h)
{
	stream_on_part_closed(h->data);
}

/* The pipe lives until the handles have closed: a caller further up may be inside it. */
static void stream_shut(struct tls_stream *s, enum err why)
{
	if (stream_is(s, STREAM_CLOSED)) return;
	if (!stream_is(s, STREAM_ENDING)) s->why = why;
	fsm_move(&s->fsm, STREAM_CLOSED);
	loop_task_cancel(&s->work);
	timer_close(&s->timer, stream_on_part_closed, s);
	uv_close((uv_handle_t *)&s->tcp, stream_on_tcp_closed);
}

/* ---- end: send the rest, say goodbye, wait a little for the peer's end ---- */

static void stream_on_shutdown(uv_shutdown_t *req, int status)
{
	struct tls_stream *s = CONTAINER_OF(req, struct tls_stream, shutdown_req);
	s->shutdown_busy = false;
	if (stream_is(s, STREAM_CLOSED)) {
		stream_maybe_finish(s);
	} else if (status < 0) {
		stream_shut(s, s->why);
	}
}

static void stream_maybe_end(struct tls_stream *s)
{
	if (s->write_busy || tls_pipe_pending_out(&s->pipe) > 0) return;
	if (s->peer_done) {
		stream_shut(s, s->why);
		return;
	}
	/* Closing at once while the peer still sends would make the kernel answer with a reset, and
	 * the peer might lose what we sent last. So we end our direction and read on. */
	if (s->fin_sent) return;
	s->fin_sent = true;
	s->shutdown_busy =
		uv_shutdown(&s->shutdown_req, (uv_stream_t *)&s->tcp, stream_on_shutdown) == 0;
	if (!s->shutdown_busy) stream_shut(s, s->why);
}

static void stream_update_reading(struct tls_stream *s);

static void stream_begin_end(struct tls_stream *s, enum err why, bool peer_done)
{
	s->why = why;
	s->peer_done = peer_done;
	fsm_move(&s->fsm, STREAM_ENDING);
	tls_pipe_end(&s->pipe);
	timer_start(&s->timer, TLS_LINGER_MS);
	stream_update_reading(s);
	loop_defer(s->loop, &s->work);
}

/* A final error of the pipe. Where the peer can still hear us it gets the alert or our goodbye. */
static void stream_fail(struct tls_stream *s, enum err e)
{
	if (e == ERR_TLS || e == ERR_CLOSED) {
		stream_begin_end(s, e, e == ERR_CLOSED);
	} else {
		stream_shut(s, e);
	}
}

/* ---- read ---- */

static void stream_step(struct tls_stream *s)
{
	const enum err e = tls_pipe_step(&s->pipe);
	if (e == ERR_MORE) return;
	if (e != ERR_OK) {
		stream_fail(s, e);
		return;
	}
	fsm_move(&s->fsm, STREAM_OPEN);
	s->peer_known = true;
	s->peer_spki = *tls_pipe_peer_spki(&s->pipe);
	timer_stop(&s->timer);
	if (s->write_busy) timer_start(&s->timer, s->stall_ms);
	s->events->on_ready(s);
}

/* Reads until dry. Each callback may have paused, choked, ended or closed us. */
static void stream_pump(struct tls_stream *s)
{
	if (stream_is(s, STREAM_HANDSHAKE)) stream_step(s);
	while (stream_is(s, STREAM_OPEN) && !s->paused && !s->choked) {
		struct view plain;
		const enum err e = tls_pipe_read(&s->pipe, &plain);
		if (e == ERR_MORE) break;
		if (e != ERR_OK) {
			stream_fail(s, e);
			return;
		}
		s->events->on_plain(s, plain);
		tls_pipe_forget(&s->pipe, plain);
	}
	if (stream_is(s, STREAM_CLOSED)) return;
	if (tls_pipe_pending_out(&s->pipe) > 0) loop_defer(s->loop, &s->work);
	stream_update_reading(s);
}

static void stream_on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
	(void)suggested;
	const struct tls_stream *s = h->data;
	/* One buffer for all streams: it is emptied into the pipe before anybody reads again. */
	*ret_buf = uv_buf_init((char *)s->loop->scratch, LOOP_SCRATCH_BYTES);
}

/* Nothing that comes now matters, only that it ends. */
static void stream_on_late_bytes(struct tls_stream *s, ssize_t count)
{
	if (count >= 0) return;
	s->reading = false;
	UV_MUST(uv_read_stop((uv_stream_t *)&s->tcp));
	s->peer_done = true;
	if (count == UV_EOF) {
		stream_maybe_end(s);
	} else {
		stream_shut(s, s->why);
	}
}

static void stream_on_bytes(uv_stream_t *h, ssize_t count, const uv_buf_t *buf)
{
	struct tls_stream *s = h->data;
	if (count == 0 || stream_is(s, STREAM_CLOSED)) return;
	if (stream_is(s, STREAM_ENDING)) {
		stream_on_late_bytes(s, count);
		return;
	}
	if (count < 0 && count != UV_EOF) {
		stream_shut(s, err_from_uv((int)count));
		return;
	}
	if (count == UV_EOF) {
		tls_pipe_feed_eof(&s->pipe);
	} else {
		const enum err e = tls_pipe_feed(&s->pipe, view_of(buf->base, (size_t)count));
		if (e != ERR_OK) {
			stream_shut(s, e);
			return;
		}
	}
	stream_pump(s);
}

static void stream_update_reading(struct tls_stream *s)
{
	bool want = !s->pipe.eof;
	if (stream_is(s, STREAM_OPEN)) want = want && !s->paused && !s->choked;
	if (stream_is(s, STREAM_ENDING)) want = want && !s->peer_done;
	if (want == s->reading) return;
	s->reading = want;
	if (want) {
		UV_MUST(uv_read_start((uv_stream_t *)&s->tcp, stream_on_alloc, stream_on_bytes));
	} else {
		UV_MUST(uv_read_stop((uv_stream_t *)&s->tcp));
	}
}

/* ---- write ---- */

size_t tls_stream_queued_bytes(const struct tls_stream *s)
{
	const size_t under_way =
		s->write_busy ? uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp) : 0;
	return under_way + tls_pipe_pending_out(&s->pipe);
}

static void stream_after_write(struct tls_stream *s)
{
	if (stream_is(s, STREAM_ENDING)) {
		stream_maybe_end(s);
		return;
	}
	const size_t queued = tls_stream_queued_bytes(s);
	if (s->choked && queued <= WRITE_QUEUE_BYTES_MAX / 2) {
		s->choked = false;
		s->pump_wanted = true;
		loop_defer(s->loop, &s->work);
	}
	if (!stream_is(s, STREAM_OPEN) || !s->wrote || queued > TLS_DRAINED_BYTES) return;
	s->wrote = false;
	if (s->events->on_drained != NULL) s->events->on_drained(s);
}

static void stream_flush(struct tls_stream *s);

static void stream_on_written(uv_write_t *req, int status)
{
	struct tls_stream *s = CONTAINER_OF(req, struct tls_stream, write_req);
	s->write_busy = false;
	buf_clear(&s->writing);
	if (stream_is(s, STREAM_CLOSED)) {
		stream_maybe_finish(s);
		return;
	}
	if (status < 0) {
		stream_shut(s, err_from_uv(status));
		return;
	}
	if (stream_is(s, STREAM_OPEN)) timer_stop(&s->timer);
	s->wrote = true;
	stream_flush(s);
}

/* What the kernel did not take at once; the loop sends it when the peer has read. */
static void stream_send_rest(struct tls_stream *s, size_t sent)
{
	uv_buf_t rest = uv_buf_init((char *)s->writing.p + sent, (unsigned)(s->writing.len - sent));
	const int status =
		uv_write(&s->write_req, (uv_stream_t *)&s->tcp, &rest, 1, stream_on_written);
	if (status != 0) {
		stream_shut(s, err_from_uv(status));
		return;
	}
	s->write_busy = true;
	s->stall_queued = rest.len;
	if (stream_is(s, STREAM_OPEN)) timer_start(&s->timer, s->stall_ms);
}

/* One write at a time: what is made meanwhile gathers in the pipe and leaves as the next one. */
static void stream_flush(struct tls_stream *s)
{
	if (s->write_busy) return;
	const enum err e = tls_pipe_drain(&s->pipe, &s->writing);
	if (e != ERR_OK) {
		stream_shut(s, e);
		return;
	}
	if (s->writing.len > 0) {
		const uv_buf_t all = uv_buf_init((char *)s->writing.p, (unsigned)s->writing.len);
		const int sent = uv_try_write((uv_stream_t *)&s->tcp, &all, 1);
		if (sent < 0 && sent != UV_EAGAIN) {
			stream_shut(s, err_from_uv(sent));
			return;
		}
		if (sent > 0) s->wrote = true;
		if (sent < 0 || (size_t)sent < s->writing.len) {
			stream_send_rest(s, sent > 0 ? (size_t)sent : 0);
			return;
		}
		buf_clear(&s->writing);
	}
	stream_after_write(s);
}

static void stream_on_work(struct loop_task *task)
{
	struct tls_stream *s = CONTAINER_OF(task, struct tls_stream, work);
	if (s->pump_wanted) {
		s->pump_wanted = false;
		if (!stream_is(s, STREAM_ENDING)) stream_pump(s);
	}
	if (!stream_is(s, STREAM_CLOSED)) stream_flush(s);
}

static void stream_on_timer(struct timer *t)
{
	struct tls_stream *s = CONTAINER_OF(t, struct tls_stream, timer);
	if (stream_is(s, STREAM_OPEN)) {
		const size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp);
		if (left < s->stall_queued) { /* slow, but it moves */
			s->stall_queued = left;
			timer_start(&s->timer, s->stall_ms);
			return;
		}
	}
	stream_shut(s, ERR_TIMEOUT); /* an ending stream keeps its own reason */
}

/* ---- the callers' side ---- */

enum err tls_stream_open(struct tls_stream *s, struct loop *loop, struct tls_ctx *ctx, int fd,
			 const struct tls_stream_options *options)
{
	REQUIRE(loop_is_mine(loop));
	REQUIRE(fd >= 0 && options->events->on_ready != NULL);
	REQUIRE(options->events->on_plain != NULL && options->events->on_closed != NULL);
	*s = (struct tls_stream){ .loop = loop, .events = options->events };
	const enum err e = tls_pipe_init(&s->pipe, ctx);
	if (e != ERR_OK) {
		(void)close(fd); /* nothing left to do about it */
		return e;
	}
	s->stall_ms = options->stall_ms > 0 ? options->stall_ms : STALLED_MS_MAX;
	fsm_init(&s->fsm, stream_states, COUNT_OF(stream_states), STREAM_HANDSHAKE);
	loop_task_init(&s->work, stream_on_work);
	UV_MUST(uv_tcp_init(&loop->uv, &s->tcp));
	s->tcp.data = s;
	timer_init(&s->timer, loop, stream_on_timer);
	s->handles_open = 2;

	const int status = uv_tcp_open(&s->tcp, fd);
	if (status != 0) {
		(void)close(fd); /* nothing left to do about it */
		stream_shut(s, err_from_uv(status));
		return ERR_OK;
	}
	(void)uv_tcp_nodelay(&s->tcp, 1); /* a socket that knows no delay (a Unix one) refuses */
	timer_start(&s->timer,
		    options->handshake_ms > 0 ? options->handshake_ms : HANDSHAKE_MS_MAX);
	s->pump_wanted = true;
	loop_defer(loop, &s->work);
	return ERR_OK;
}

enum err tls_stream_write(struct tls_stream *s, struct view plain)
{
	REQUIRE(loop_is_mine(s->loop));
	REQUIRE(!stream_is(s, STREAM_HANDSHAKE));
	ENSURE(stream_is(s, STREAM_OPEN), ERR_CLOSED);
	const size_t hard_max = 2u * WRITE_QUEUE_BYTES_MAX;
	const size_t queued = tls_stream_queued_bytes(s);
	enum err e = ERR_FULL;
	if (plain.len <= hard_max && queued <= hard_max - plain.len) {
		e = tls_pipe_write(&s->pipe, plain);
	}
	if (e != ERR_OK) {
		stream_shut(s, e);
		return e;
	}
	if (tls_stream_queued_bytes(s) > WRITE_QUEUE_BYTES_MAX && !s->choked) {
		s->choked = true;
		stream_update_reading(s);
	}
	loop_defer(s->loop, &s->work);
	return ERR_OK;
}

void tls_stream_pause(struct tls_stream *s)
{
	REQUIRE(loop_is_mine(s->loop));
	s->paused = true;
	if (stream_is(s, STREAM_OPEN)) stream_update_reading(s);
}

void tls_stream_resume(struct tls_stream *s)
{
	REQUIRE(loop_is_mine(s->loop));
	if (!s->paused) return;
	s->paused = false;
	if (stream_is(s, STREAM_CLOSED)) return;
	s->pump_wanted = true; /* what is buffered comes first; the pump then reads on */
	loop_defer(s->loop, &s->work);
}

void tls_stream_end(struct tls_stream *s, enum err why)
{
	REQUIRE(loop_is_mine(s->loop));
	if (stream_is(s, STREAM_OPEN)) {
		stream_begin_end(s, why, false);
	} else if (stream_is(s, STREAM_HANDSHAKE)) {
		stream_shut(s, why); /* there is no goodbye before the handshake */
	}
}

void tls_stream_close(struct tls_stream *s, enum err why)
{
	REQUIRE(loop_is_mine(s->loop));
	stream_shut(s, why);
}

bool tls_stream_is_ending(const struct tls_stream *s)
{
	return stream_is(s, STREAM_ENDING) || stream_is(s, STREAM_CLOSED);
}

const struct tls_spki *tls_stream_peer_spki(const struct tls_stream *s)
{
	REQUIRE(s->peer_known);
	return &s->peer_spki;
}

enum err tls_stream_export(struct tls_stream *s, const char *label, uint8_t ret_key[32])
{
	REQUIRE(loop_is_mine(s->loop));
	REQUIRE(!stream_is(s, STREAM_HANDSHAKE));
	ENSURE(stream_is(s, STREAM_OPEN), ERR_CLOSED);
	return tls_pipe_export(&s->pipe, label, ret_key);
}

void tls_stream_release_idle(struct tls_stream *s)
{
	REQUIRE(loop_is_mine(s->loop));
	if (!stream_is(s, STREAM_OPEN) || s->write_busy) return;
	tls_pipe_release_idle(&s->pipe);
	buf_fini(&s->writing);
}

const char *tls_stream_reason(const struct tls_stream *s)
{
	return s->reason != NULL ? s->reason : tls_pipe_reason(&s->pipe);
}
