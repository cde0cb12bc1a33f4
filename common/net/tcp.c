#include "net/tcp.h"

#include "base/cleanup.h"
#include "base/limits.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define LISTEN_BACKLOG 128 /* the kernel caps it at net.core.somaxconn */

/* ---- listener ---- */

static void listener_on_part_closed(void *owner)
{
	struct tcp_listener *l = owner;
	INSIST(l->handles_open > 0);
	if (--l->handles_open == 0 && l->on_closed != NULL) l->on_closed(l->closed_owner);
}

static void listener_on_poll_closed(uv_handle_t *h)
{
	listener_on_part_closed(h->data);
}

/* Errors that belong to one connection, which is gone; the next may be fine (accept(2)). */
static bool listener_error_passes(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
	       error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET ||
	       error == EHOSTUNREACH || error == EOPNOTSUPP || error == ENETUNREACH;
}

/* Without descriptors the socket stays readable: polling on would burn the processor. */
static void listener_take_breath(struct tcp_listener *l)
{
	l->accept_fail_count++;
	UV_MUST(uv_poll_stop(&l->poll));
	timer_start(&l->pause, ACCEPT_PAUSE_MS);
}

static void listener_on_readable(uv_poll_t *h, int status, int events)
{
	(void)events;
	struct tcp_listener *l = h->data;
	if (status < 0) {
		listener_take_breath(l);
		return;
	}
	for (unsigned i = 0; i < ACCEPTS_PER_TURN_MAX && !l->closing; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t from_len = sizeof(from);
		const int fd = accept4(l->fd, (struct sockaddr *)&from, &from_len,
				       SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			struct tcp_address peer;
			tcp_address_from_sock(&from, &peer);
			l->on_accept(l, fd, &peer);
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK) return;
		if (listener_error_passes(errno)) continue;
		listener_take_breath(l);
		return;
	}
}

static void listener_on_pause_over(struct timer *t)
{
	struct tcp_listener *l = CONTAINER_OF(t, struct tcp_listener, pause);
	UV_MUST(uv_poll_start(&l->poll, UV_READABLE, listener_on_readable));
}

static enum err listener_bind(const struct tcp_address *address, int *ret_fd)
{
	struct sockaddr_storage sock;
	const socklen_t len = tcp_address_to_sock(address, &sock);
	CLEANUP(closep)
	int fd = socket(sock.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	ENSURE(fd >= 0, err_from_uv(-errno));
	/* A restart must not wait for the connections of the last run to leave TIME_WAIT. */
	const int on = 1;
	ENSURE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0, err_from_uv(-errno));
	ENSURE(bind(fd, (const struct sockaddr *)&sock, len) == 0, err_from_uv(-errno));
	ENSURE(listen(fd, LISTEN_BACKLOG) == 0, err_from_uv(-errno));
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}

static enum err listener_local(int fd, struct tcp_address *ret_local)
{
	struct sockaddr_storage sock = { 0 };
	socklen_t len = sizeof(sock);
	ENSURE(getsockname(fd, (struct sockaddr *)&sock, &len) == 0, err_from_uv(-errno));
	tcp_address_from_sock(&sock, ret_local);
	return ERR_OK;
}

enum err tcp_listener_open(struct tcp_listener *l, struct loop *loop, const char *address,
			   void (*on_accept)(struct tcp_listener *l, int fd,
					     const struct tcp_address *peer))
{
	REQUIRE(loop_is_mine(loop));
	REQUIRE(on_accept != NULL);
	struct tcp_target target;
	struct tcp_address numeric;
	TRY(tcp_target_parse(address, &target));
	TRY(tcp_target_numeric(&target, &numeric));
	CLEANUP(closep) int fd = -1;
	TRY(listener_bind(&numeric, &fd));

	*l = (struct tcp_listener){ .loop = loop, .fd = -1, .on_accept = on_accept };
	TRY(listener_local(fd, &l->local));
	TRY(err_from_uv(uv_poll_init_socket(&loop->uv, &l->poll, fd)));
	l->fd = fd;
	fd = -1;
	l->poll.data = l;
	timer_init(&l->pause, loop, listener_on_pause_over);
	l->handles_open = 2;
	UV_MUST(uv_poll_start(&l->poll, UV_READABLE, listener_on_readable));
	return ERR_OK;
}

void tcp_listener_close(struct tcp_listener *l, loop_closed_fn on_closed, void *owner)
{
	REQUIRE(loop_is_mine(l->loop));
	if (l->closing) return;
	l->closing = true;
	l->on_closed = on_closed;
	l->closed_owner = owner;
	timer_close(&l->pause, listener_on_part_closed, l);
	uv_close((uv_handle_t *)&l->poll, listener_on_poll_closed);
	closep(&l->fd); /* uv_poll(3): allowed once uv_close was called */
}

/* ---- dial ---- */

static void dial_maybe_finish(struct tcp_dial *d)
{
	if (!d->closing || d->parts_open > 0) return;
	if (d->found != NULL) uv_freeaddrinfo(d->found);
	d->found = NULL;
	if (d->on_closed != NULL) d->on_closed(d->closed_owner);
}

static void dial_on_part_closed(void *owner)
{
	struct tcp_dial *d = owner;
	INSIST(d->parts_open > 0);
	d->parts_open--;
	dial_maybe_finish(d);
}

static void dial_finish(struct tcp_dial *d, enum err result)
{
	INSIST(!d->finished);
	d->finished = true;
	loop_task_cancel(&d->start);
	timer_stop(&d->deadline);
	const int fd = result == ERR_OK ? d->fd : -1;
	if (result == ERR_OK) {
		d->fd = -1;
	} else {
		closep(&d->fd);
	}
	d->on_done(d, result, fd);
}

static void dial_try_next(struct tcp_dial *d);

static void dial_on_poll_closed(uv_handle_t *h)
{
	struct tcp_dial *d = h->data;
	d->poll_open = false;
	INSIST(d->parts_open > 0);
	d->parts_open--;
	/* The handle is free again: the next address may have it. */
	if (!d->finished) dial_try_next(d);
	dial_maybe_finish(d);
}

static void dial_on_writable(uv_poll_t *h, int status, int events)
{
	(void)events;
	struct tcp_dial *d = h->data;
	if (d->finished) return;
	/* libuv calls every failure EBADF; the socket itself knows the reason. */
	int error = 0;
	socklen_t len = sizeof(error);
	INSIST(getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	if (error == 0 && status < 0) error = -status;
	UV_MUST(uv_poll_stop(h));
	uv_close((uv_handle_t *)h, dial_on_poll_closed);
	if (error == 0) {
		dial_finish(d, ERR_OK);
		return;
	}
	d->last = err_from_uv(-error);
	closep(&d->fd);
}

/* Starts to connect; from ERR_OK on the poll handle tells how it went. */
static enum err dial_connect(struct tcp_dial *d, const struct sockaddr *to, socklen_t len)
{
	CLEANUP(closep)
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	ENSURE(fd >= 0, err_from_uv(-errno));
	ENSURE(connect(fd, to, len) == 0 || errno == EINPROGRESS, err_from_uv(-errno));
	TRY(err_from_uv(uv_poll_init_socket(&d->loop->uv, &d->poll, fd)));
	d->fd = fd;
	fd = -1;
	d->poll.data = d;
	d->poll_open = true;
	d->parts_open++;
	UV_MUST(uv_poll_start(&d->poll, UV_WRITABLE, dial_on_writable));
	return ERR_OK;
}

static void dial_try_next(struct tcp_dial *d)
{
	while (d->at != NULL) {
		const struct addrinfo *a = d->at;
		d->at = a->ai_next;
		d->last = dial_connect(d, a->ai_addr, a->ai_addrlen);
		if (d->last == ERR_OK) return;
	}
	dial_finish(d, d->last);
}

static void dial_on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct tcp_dial *d = CONTAINER_OF(req, struct tcp_dial, lookup);
	d->looking_up = false;
	INSIST(d->parts_open > 0);
	d->parts_open--;
	d->found = found;
	d->at = found;
	if (!d->finished) {
		d->last = status == 0 ? ERR_OFFLINE : err_from_uv(status);
		dial_try_next(d);
	}
	dial_maybe_finish(d);
}

static enum err dial_look_up(struct tcp_dial *d)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV };
	char port[6];
	const int len = snprintf(port, sizeof(port), "%u", (unsigned)d->target.port);
	INSIST(len > 0 && (size_t)len < sizeof(port));
	TRY(err_from_uv(uv_getaddrinfo(&d->loop->uv, &d->lookup, dial_on_found, d->target.host,
				       port, &hints)));
	d->looking_up = true;
	d->parts_open++;
	return ERR_OK;
}

static void dial_on_start(struct loop_task *task)
{
	struct tcp_dial *d = CONTAINER_OF(task, struct tcp_dial, start);
	struct tcp_address numeric;
	enum err e;
	if (tcp_target_numeric(&d->target, &numeric) == ERR_OK) {
		struct sockaddr_storage sock;
		const socklen_t len = tcp_address_to_sock(&numeric, &sock);
		e = dial_connect(d, (const struct sockaddr *)&sock, len);
	} else {
		e = dial_look_up(d);
	}
	if (e != ERR_OK) dial_finish(d, e);
}

/* Stops whatever is under way; the parts close later. */
static void dial_stop(struct tcp_dial *d)
{
	loop_task_cancel(&d->start);
	if (d->looking_up) {
		/* A lookup that a thread has begun cannot be stopped; its callback comes anyway. */
		(void)uv_cancel((uv_req_t *)&d->lookup);
	}
	if (d->poll_open && uv_is_closing((uv_handle_t *)&d->poll) == 0) {
		UV_MUST(uv_poll_stop(&d->poll));
		uv_close((uv_handle_t *)&d->poll, dial_on_poll_closed);
	}
}

static void dial_on_deadline(struct timer *t)
{
	struct tcp_dial *d = CONTAINER_OF(t, struct tcp_dial, deadline);
	dial_stop(d);
	dial_finish(d, ERR_TIMEOUT);
}

enum err tcp_dial_open(struct tcp_dial *d, struct loop *loop, const char *address,
		       uint64_t timeout_ms,
		       void (*on_done)(struct tcp_dial *d, enum err result, int fd))
{
	REQUIRE(loop_is_mine(loop));
	REQUIRE(timeout_ms > 0 && on_done != NULL);
	*d = (struct tcp_dial){ .loop = loop, .fd = -1, .on_done = on_done };
	TRY(tcp_target_parse(address, &d->target));
	ENSURE(d->target.port != 0, ERR_BAD_VALUE);
	timer_init(&d->deadline, loop, dial_on_deadline);
	d->parts_open = 1;
	timer_start(&d->deadline, timeout_ms);
	loop_task_init(&d->start, dial_on_start);
	loop_defer(loop, &d->start);
	return ERR_OK;
}

void tcp_dial_close(struct tcp_dial *d, loop_closed_fn on_closed, void *owner)
{
	REQUIRE(loop_is_mine(d->loop));
	if (d->closing) return;
	d->closing = true;
	d->finished = true;
	d->on_closed = on_closed;
	d->closed_owner = owner;
	dial_stop(d);
	closep(&d->fd);
	timer_close(&d->deadline, dial_on_part_closed, d);
}
