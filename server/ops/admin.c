#include "server/ops/admin.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "crypt/secret.h"
#include "net/sock_file.h"
#include "server/ops/status.h"
#include "server/work/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct admin_conn {
	struct list link; /* admin.conns */
	struct admin *admin;
	uv_pipe_t pipe;
	uv_write_t write_req;
	struct timer deadline;
	struct buf in;
	char *out;               /* owned; the answer while it is written */
	struct engine_call call; /* a verb of the writer thread */
	char login[LOGIN_BYTES_MAX + 1];
	struct id user_id;
	struct secret *code;
	enum err result;
	unsigned parts_open; /* pipe, timer */
	bool calling;
	bool answered;
	bool closing;
};

static void admin_maybe_finish(struct admin *a)
{
	if (!a->closing || a->open || a->conn_count > 0 || a->on_closed == NULL) return;
	const loop_closed_fn on_closed = a->on_closed;
	a->on_closed = NULL;
	on_closed(a->closed_owner);
}

static void admin_conn_maybe_free(struct admin_conn *c)
{
	if (c->parts_open > 0 || c->calling) return;
	struct admin *a = c->admin;
	list_remove(&c->link);
	a->conn_count--;
	buf_wipe(&c->in);
	buf_fini(&c->in);
	if (c->out != NULL) explicit_bzero(c->out, strlen(c->out));
	free(c->out);
	secret_free(c->code);
	free(c);
	admin_maybe_finish(a);
}

static void admin_conn_part_closed(void *owner)
{
	struct admin_conn *c = owner;
	c->parts_open--;
	admin_conn_maybe_free(c);
}

static void admin_conn_pipe_closed(uv_handle_t *handle)
{
	admin_conn_part_closed(handle->data);
}

static void admin_conn_close(struct admin_conn *c)
{
	if (c->closing) return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->pipe, admin_conn_pipe_closed);
	timer_close(&c->deadline, admin_conn_part_closed, c);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void admin_on_written(uv_write_t *req, int status)
{
	(void)status;
	admin_conn_close(req->data);
}

/* Takes `json`; NULL means that memory ran out. */
static void admin_answer(struct admin_conn *c, json_t *json)
{
	c->answered = true;
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (text == NULL || c->closing) {
		free(text);
		admin_conn_close(c);
		return;
	}
	c->out = text;
	uv_buf_t parts[] = { uv_buf_init(text, (unsigned)strlen(text)), uv_buf_init("\n", 1) };
	c->write_req.data = c;
	if (uv_write(&c->write_req, (uv_stream_t *)&c->pipe, parts, 2, admin_on_written) != 0) {
		admin_conn_close(c);
	}
}

static void admin_answer_error(struct admin_conn *c, enum err e)
{
	admin_answer(c, json_pack("{s:{s:i}}", "error", "code", (int)e));
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static void admin_status(struct admin_conn *c)
{
	json_t *status = NULL;
	const enum err e = status_of_engine(c->admin->engine, &status);
	if (e != ERR_OK) {
		admin_answer_error(c, e);
		return;
	}
	admin_answer(c, json_pack("{s:o}", "ok", status));
}

static void admin_block_run(struct engine_call *call, struct store *store)
{
	struct admin_conn *c = CONTAINER_OF(call, struct admin_conn, call);
	c->result = setup_block_user(store, view_str(c->login), loop_wall_ms(), &c->user_id);
}

static void admin_block_done(struct engine_call *call)
{
	struct admin_conn *c = CONTAINER_OF(call, struct admin_conn, call);
	c->calling = false;
	if (c->result == ERR_OK) {
		/* A person the roster does not know cannot be signed in either. */
		err_ignore(roster_block_user(c->admin->engine->roster, &c->user_id));
		engine_roster_changed(c->admin->engine);
		admin_answer(c, json_pack("{s:{}}", "ok"));
	} else {
		admin_answer_error(c, c->result);
	}
	admin_conn_maybe_free(c);
}

static void admin_code_run(struct engine_call *call, struct store *store)
{
	struct admin_conn *c = CONTAINER_OF(call, struct admin_conn, call);
	struct hash32 spki = { { 0 } };
	memcpy(spki.b, c->admin->engine->identity.spki.b, sizeof(spki.b));
	c->result = setup_new_code(store, &spki, loop_wall_ms(), &c->code);
}

static void admin_code_done(struct engine_call *call)
{
	struct admin_conn *c = CONTAINER_OF(call, struct admin_conn, call);
	c->calling = false;
	if (c->result == ERR_OK) {
		admin_answer(c, json_pack("{s:{s:s}}", "ok", "setup_code", secret_text(c->code)));
	} else {
		admin_answer_error(c, c->result);
	}
	admin_conn_maybe_free(c);
}

static void admin_call_writer(struct admin_conn *c,
			      void (*run)(struct engine_call *, struct store *),
			      void (*done)(struct engine_call *))
{
	c->call = (struct engine_call){ .run = run, .done = done };
	const enum err e = engine_submit_call(c->admin->engine, &c->call);
	if (e != ERR_OK) {
		admin_answer_error(c, e);
		return;
	}
	c->calling = true;
}

static void admin_block(struct admin_conn *c, const json_t *request)
{
	const char *login = json_string_value(json_object_get(request, "login"));
	if (login == NULL || strlen(login) > LOGIN_BYTES_MAX) {
		admin_answer_error(c, ERR_NOT_FOUND);
		return;
	}
	memcpy(c->login, login, strlen(login) + 1);
	admin_call_writer(c, admin_block_run, admin_block_done);
}

static void admin_on_line(struct admin_conn *c, struct view line)
{
	json_t *request = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES, NULL);
	const char *verb = json_string_value(json_object_get(request, "verb"));
	if (verb == NULL) {
		admin_answer_error(c, ERR_PROTO);
	} else if (strcmp(verb, "status") == 0) {
		admin_status(c);
	} else if (strcmp(verb, "renew_code") == 0) {
		admin_call_writer(c, admin_code_run, admin_code_done);
	} else if (strcmp(verb, "block") == 0) {
		admin_block(c, request);
	} else {
		admin_answer_error(c, ERR_USAGE);
	}
	json_decref(request);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static void admin_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	(void)suggested;
	struct admin_conn *c = handle->data;
	*ret = uv_buf_init(NULL, 0);
	if (c->in.len >= ADMIN_LINE_BYTES_MAX || buf_reserve(&c->in, 4096) != ERR_OK) return;
	*ret = uv_buf_init((char *)c->in.p + c->in.len, 4096);
}

static void admin_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *part)
{
	(void)part;
	struct admin_conn *c = stream->data;
	if (count == 0 || c->answered || c->calling) return;
	if (count < 0) {
		admin_conn_close(c);
		return;
	}
	c->in.len += (size_t)count;
	const uint8_t *end = memchr(c->in.p, '\n', c->in.len);
	if (end != NULL) admin_on_line(c, view_of(c->in.p, (size_t)(end - c->in.p)));
}

static void admin_on_deadline(struct timer *timer)
{
	admin_conn_close(CONTAINER_OF(timer, struct admin_conn, deadline));
}

static bool admin_peer_is_ours(uv_pipe_t *pipe)
{
	int fd = -1;
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	if (uv_fileno((uv_handle_t *)pipe, &fd) != 0) return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) return false;
	return cred.uid == geteuid() || cred.uid == 0;
}

static void admin_on_connection(uv_stream_t *server, int status)
{
	struct admin *a = server->data;
	if (status != 0 || a->closing) return;
	struct admin_conn *c = calloc(1, sizeof(*c));
	if (c == NULL) return; /* the connection stays in the backlog */
	c->admin = a;
	UV_MUST(uv_pipe_init(&a->engine->loop->uv, &c->pipe, 0));
	c->pipe.data = c;
	timer_init(&c->deadline, a->engine->loop, admin_on_deadline);
	c->parts_open = 2;
	list_append(&a->conns, &c->link);
	a->conn_count++;
	if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0 || a->conn_count > ADMIN_CONNS_MAX ||
	    !admin_peer_is_ours(&c->pipe) ||
	    uv_read_start((uv_stream_t *)&c->pipe, admin_on_alloc, admin_on_read) != 0) {
		log_warn("admin", "a connection was dropped");
		admin_conn_close(c);
		return;
	}
	timer_start(&c->deadline, ADMIN_MS_MAX);
}

enum err admin_open(struct admin *a, struct engine *engine)
{
	*a = (struct admin){ .engine = engine };
	list_init(&a->conns);
	CLEANUP(closep) int dir = open(engine->options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir >= 0, ERR_NOT_FOUND);
	CLEANUP(closep) int fd = -1;
	TRY(sock_file_listen(dir, ADMIN_SOCKET, &fd));
	TRY(err_from_uv(uv_pipe_init(&engine->loop->uv, &a->pipe, 0)));
	a->pipe.data = a;
	a->open = true;
	TRY(err_from_uv(uv_pipe_open(&a->pipe, fd)));
	fd = -1; /* the pipe's now */
	return err_from_uv(
		uv_listen((uv_stream_t *)&a->pipe, (int)ADMIN_CONNS_MAX, admin_on_connection));
}

static void admin_on_closed(uv_handle_t *handle)
{
	struct admin *a = handle->data;
	a->open = false;
	admin_maybe_finish(a);
}

void admin_close(struct admin *a, loop_closed_fn on_closed, void *owner)
{
	if (a->closing) return;
	a->closing = true;
	a->on_closed = on_closed;
	a->closed_owner = owner;
	if (a->engine == NULL) { /* the engine did not start, so this never opened */
		admin_maybe_finish(a);
		return;
	}
	LIST_FOREACH_SAFE(l, &a->conns) {
		admin_conn_close(CONTAINER_OF(l, struct admin_conn, link));
	}
	if (a->open) {
		CLEANUP(closep)
		int dir = open(a->engine->options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		/* A file that stays behind is found dead and replaced at the next start. */
		if (dir >= 0) err_ignore(sock_file_remove(dir, ADMIN_SOCKET));
		uv_close((uv_handle_t *)&a->pipe, admin_on_closed);
	}
	admin_maybe_finish(a);
}

/* ---- the command's side ---------------------------------------------------------------------- */

static enum err admin_write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		const ssize_t wrote = send(fd, text, len, MSG_NOSIGNAL);
		if (wrote < 0 && errno == EINTR) continue;
		ENSURE(wrote > 0, ERR_OFFLINE);
		text += wrote;
		len -= (size_t)wrote;
	}
	return ERR_OK;
}

static enum err admin_read_line(int fd, struct buf *line)
{
	while (line->len <= ADMIN_LINE_BYTES_MAX) {
		TRY(buf_reserve(line, 4096));
		const ssize_t got = recv(fd, line->p + line->len, 4096, 0);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return ERR_TIMEOUT;
		ENSURE(got > 0, ERR_OFFLINE);
		line->len += (size_t)got;
		if (line->p[line->len - 1] == '\n') return ERR_OK;
	}
	return ERR_TOO_BIG;
}

static enum err admin_exchange(int fd, const json_t *request, struct buf *line)
{
	const struct timeval limit = { .tv_sec = ADMIN_MS_MAX / 1000 };
	ENSURE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0, ERR_IO);
	CLEANUP(freep) char *text = json_dumps(request, JSON_COMPACT);
	ENSURE(text != NULL, ERR_NOMEM);
	TRY(admin_write_all(fd, text, strlen(text)));
	TRY(admin_write_all(fd, "\n", 1));
	return admin_read_line(fd, line);
}

static enum err admin_judge(json_t *answer, json_t **ret_answer)
{
	json_t *ok = json_object_get(answer, "ok");
	if (ok != NULL) {
		*ret_answer = json_incref(ok);
		return ERR_OK;
	}
	const json_t *code = json_object_get(json_object_get(answer, "error"), "code");
	const enum err e = err_from_wire((int)json_integer_value(code));
	return e == ERR_OK ? ERR_PROTO : e;
}

enum err admin_call(const char *folder, const json_t *request, json_t **ret_answer)
{
	CLEANUP(closep) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir >= 0, err_from_errno(errno));
	CLEANUP(closep) int fd = -1;
	TRY(sock_file_connect(dir, ADMIN_SOCKET, &fd));
	CLEANUP(buf_finip) struct buf line = { 0 };
	TRY(admin_exchange(fd, request, &line));
	json_t *answer = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES, NULL);
	buf_wipe(&line);
	ENSURE(answer != NULL, ERR_PROTO);
	const enum err e = admin_judge(answer, ret_answer);
	json_decref(answer);
	return e;
}
