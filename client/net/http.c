#include "client/net/http.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "net/sock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void http_run(struct http *h);

static void http_wipe_free(uint8_t *p, size_t len)
{
	if (p != NULL) explicit_bzero(p, len);
	free(p);
}

static void request_free(struct http_request *r)
{
	list_remove(&r->link);
	if (r->answer != NULL) r->answer_free(r->answer);
	http_wipe_free(r->bytes, r->cap);
	free(r);
}

/* ---- requests ------------------------------------------------------------------------------ */

static bool peer_allowed(const struct http *h, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (info == NULL) return false;
	if (getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return false;
	return peer.uid == h->uid || peer.uid == 0;
}

static enum MHD_Result answer_plain(struct MHD_Connection *conn, unsigned status)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

	if (response == NULL) return MHD_NO;
	const bool added = MHD_add_response_header(response, "Connection", "close") == MHD_YES;
	const enum MHD_Result queued = added ? MHD_queue_response(conn, status, response) : MHD_NO;
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result answer_queue(struct http_request *r)
{
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
		r->answer_len, r->answer, r->answer_free);

	if (response == NULL) return MHD_NO;
	r->answer = NULL; /* the response frees it */
	const bool added =
		MHD_add_response_header(response, "Content-Type", "application/json") == MHD_YES &&
		MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
		MHD_add_response_header(response, "Connection", "close") == MHD_YES;
	const enum MHD_Result queued = added ? MHD_queue_response(r->conn, r->status, response)
					     : MHD_NO;
	MHD_destroy_response(response);
	return queued;
}

/* What the head says about the body; 0: go on, else the status to refuse with. */
static unsigned head_refusal(struct MHD_Connection *conn, const char *method, const char *url)
{
	if (MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Transfer-Encoding") != NULL) {
		return MHD_HTTP_BAD_REQUEST;
	}
	if (strcmp(method, "POST") != 0) return MHD_HTTP_METHOD_NOT_ALLOWED;
	if (strlen(url) >= HTTP_PATH_BYTES) return MHD_HTTP_NOT_FOUND;
	const char *length = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Length");
	if (length == NULL) return MHD_HTTP_LENGTH_REQUIRED;
	char *end = NULL;
	errno = 0;
	const unsigned long long bytes = strtoull(length, &end, 10);
	if (errno != 0 || end == length || *end != '\0') return MHD_HTTP_BAD_REQUEST;
	if (bytes > HTTP_BODY_BYTES_MAX) return MHD_HTTP_CONTENT_TOO_LARGE;
	return 0;
}

static enum MHD_Result request_begin(struct http *h, struct MHD_Connection *conn, const char *url,
				     void **req_cls)
{
	struct http_request *r = calloc(1, sizeof(*r));

	if (r == NULL) return MHD_NO;
	r->http = h;
	r->conn = conn;
	list_init(&r->link);
	(void)snprintf(r->path, sizeof(r->path), "%s", url);
	*req_cls = r;
	return MHD_YES;
}

/* Grows by doubling into fresh memory, so that no copy of a passphrase is left behind. */
static bool body_append(struct http_request *r, const char *data, size_t len)
{
	if (len > HTTP_BODY_BYTES_MAX - r->body.len) return false;
	if (r->body.len + len > r->cap) {
		size_t cap = r->cap == 0 ? 1024 : r->cap;
		while (cap < r->body.len + len) cap *= 2;
		uint8_t *bytes = calloc(1, cap);
		if (bytes == NULL) return false;
		if (r->body.len > 0) memcpy(bytes, r->bytes, r->body.len);
		http_wipe_free(r->bytes, r->cap);
		r->bytes = bytes;
		r->cap = cap;
	}
	memcpy(r->bytes + r->body.len, data, len);
	r->body = view_of(r->bytes, r->body.len + len);
	return true;
}

static enum MHD_Result request_whole(struct http *h, struct http_request *r)
{
	if (h->closing) return answer_plain(r->conn, MHD_HTTP_SERVICE_UNAVAILABLE);
	MHD_suspend_connection(r->conn);
	r->suspended = true;
	list_append(&h->waiting, &r->link);
	h->on_request(h->ctx, r);
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
				 const char *method, const char *version, const char *upload_data,
				 size_t *upload_data_size, void **req_cls)
{
	struct http *h = cls;
	struct http_request *r = *req_cls;

	(void)version;
	if (r == NULL) {
		if (!peer_allowed(h, conn)) {
			h->foreign_count++;
			log_warn("http", "another user's call refused count=%llu",
				 (unsigned long long)h->foreign_count);
			return MHD_NO;
		}
		const unsigned refusal = head_refusal(conn, method, url);
		if (refusal != 0) return answer_plain(conn, refusal);
		return request_begin(h, conn, url, req_cls);
	}
	if (*upload_data_size > 0) {
		if (!body_append(r, upload_data, *upload_data_size)) return MHD_NO;
		*upload_data_size = 0;
		return MHD_YES;
	}
	if (r->status != 0) return answer_queue(r);
	return request_whole(h, r);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
			 enum MHD_RequestTerminationCode why)
{
	(void)cls;
	(void)conn;
	(void)why;
	struct http_request *r = *req_cls;
	if (r == NULL) return;
	INSIST(!r->suspended);
	request_free(r);
	*req_cls = NULL;
}

void http_answer(struct http_request *r, unsigned status, char *text, size_t len,
		 void (*text_free)(void *text))
{
	struct http *h = r->http;

	REQUIRE(loop_is_mine(h->loop));
	REQUIRE(r->suspended && r->status == 0 && status != 0);
	r->status = status;
	r->answer = text;
	r->answer_len = len;
	r->answer_free = text_free;
	r->suspended = false;
	list_remove(&r->link);
	MHD_resume_connection(r->conn);
	h->resumed = true;
	if (!h->in_run && !h->closing) timer_start(&h->timer, 0);
}

/* ---- the daemon under the loop ------------------------------------------------------------- */

static void http_arm(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG wait_ms = 0;

	/* A request answered inside MHD_run is resumed by the next run, which nothing else
	 * causes. */
	if (h->resumed) {
		timer_start(&h->timer, 0);
	} else if (MHD_get_timeout(h->daemon, &wait_ms) == MHD_YES) {
		timer_start(&h->timer, wait_ms);
	} else {
		timer_stop(&h->timer);
	}
}

/* MHD's epoll is edge-triggered: without asking for its timeout each time, large bodies hang. */
static void http_run(struct http *h)
{
	h->in_run = true;
	h->resumed = false;
	if (MHD_run(h->daemon) != MHD_YES) log_error("http", "MHD_run failed");
	h->in_run = false;
	if (!h->closing) http_arm(h);
}

static void http_on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	struct http *h = poll->data;
	if (!h->closing) http_run(h);
}

static void http_on_timer(struct timer *t)
{
	struct http *h = CONTAINER_OF(t, struct http, timer);

	if (!h->closing) http_run(h);
}

/* Its messages name no data, but they may quote what a peer sent: only their number is kept. */
static void on_mhd_log(void *cls, const char *format, va_list args)
{
	(void)cls;
	(void)format;
	(void)args;
	log_debug("http", "libmicrohttpd complained");
}

static struct MHD_Daemon *daemon_start(struct http *h, int listen_fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
				NULL, NULL, on_access, h, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log,
				NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNS_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_SLOW_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_BYTES * 2u,
				MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
				on_completed, NULL, MHD_OPTION_END);
}

enum err http_open(struct http *h, struct loop *loop, int dir_fd, const char *name,
		   void (*on_request)(void *ctx, struct http_request *r), void *ctx)
{
	REQUIRE(loop_is_mine(loop));
	REQUIRE(strlen(name) < sizeof(h->name));
	CLEANUP(closep) int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	CLEANUP(closep) int fd = -1;

	ENSURE(copy >= 0, err_from_errno(errno));
	TRY(sock_file_listen(dir_fd, name, &fd));
	*h = (struct http){ .loop = loop, .uid = geteuid(), .on_request = on_request, .ctx = ctx };
	(void)snprintf(h->name, sizeof(h->name), "%s", name);
	list_init(&h->waiting);
	h->daemon = daemon_start(h, fd);
	ENSURE(h->daemon != NULL, ERR_NOMEM);
	fd = -1; /* MHD closes it */
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || uv_poll_init(&loop->uv, &h->poll, info->epoll_fd) != 0) {
		MHD_stop_daemon(h->daemon);
		return ERR_NOMEM;
	}
	h->dir_fd = copy;
	copy = -1;
	h->poll.data = h;
	timer_init(&h->timer, loop, http_on_timer);
	h->handles_open = 2;
	UV_MUST(uv_poll_start(&h->poll, UV_READABLE, http_on_poll));
	timer_start(&h->timer, 0);
	return ERR_OK;
}

static void http_maybe_finish(struct http *h)
{
	if (--h->handles_open > 0) return;
	const loop_closed_fn on_closed = h->on_closed;
	if (on_closed != NULL) on_closed(h->closed_owner);
}

static void http_on_poll_closed(uv_handle_t *handle)
{
	http_maybe_finish(handle->data);
}

static void http_on_timer_closed(void *owner)
{
	http_maybe_finish(owner);
}

static void nothing_to_free(void *text)
{
	(void)text;
}

void http_close(struct http *h, loop_closed_fn on_closed, void *closed_owner)
{
	REQUIRE(loop_is_mine(h->loop));
	REQUIRE(!h->in_run);
	if (h->closing) return;
	h->closing = true;
	h->on_closed = on_closed;
	h->closed_owner = closed_owner;
	UV_MUST(uv_poll_stop(&h->poll));
	timer_stop(&h->timer);
	/* Nothing may stay suspended when the daemon stops. */
	LIST_FOREACH_SAFE(it, &h->waiting) {
		static char gone[] = "{}";
		http_answer(CONTAINER_OF(it, struct http_request, link),
			    MHD_HTTP_SERVICE_UNAVAILABLE, gone, 2, nothing_to_free);
	}
	http_run(h);
	MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
	err_ignore(sock_file_remove(h->dir_fd,
				    h->name)); /* a leftover is replaced at the next start */
	closep(&h->dir_fd);
	timer_close(&h->timer, http_on_timer_closed, h);
	uv_close((uv_handle_t *)&h->poll, http_on_poll_closed);
}
