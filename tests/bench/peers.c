#include "bench/peers.h"

#include "base/check.h"
#include "base/limits.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call) INSIST((call) == ERR_OK)

static uint8_t bytes[PEER_BYTES] = "what one op of a kibibyte costs by itself";

/* ---- disk ---------------------------------------------------------------------------------- */

void disk_open(struct disk *d, const char *folder)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/appended", folder);
	d->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	INSIST(d->fd >= 0);
}

void disk_close(struct disk *d)
{
	INSIST(close(d->fd) == 0);
}

void disk_run(struct disk *d, size_t count, struct samples *s)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t from = now_ns();
		INSIST(write(d->fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
		INSIST(fdatasync(d->fd) == 0);
		samples_add(s, now_ns() - from);
	}
}

/* ---- raw SQLite ---------------------------------------------------------------------------- */

static void raw_exec(struct raw *r, const char *sql)
{
	INSIST(sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static struct sqlite3_stmt *raw_prepare(struct raw *r, const char *sql)
{
	struct sqlite3_stmt *stmt = NULL;
	INSIST(sqlite3_prepare_v2(r->db, sql, -1, &stmt, NULL) == SQLITE_OK);
	return stmt;
}

void raw_open(struct raw *r, const char *folder)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/raw.db", folder);
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	INSIST(sqlite3_open_v2(path, &r->db, flags, NULL) == SQLITE_OK);
	raw_exec(r, "PRAGMA journal_mode=WAL");
	raw_exec(r, "PRAGMA synchronous=FULL");
	raw_exec(r, "CREATE TABLE op (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT");
	r->begin = raw_prepare(r, "BEGIN IMMEDIATE");
	r->insert = raw_prepare(r, "INSERT INTO op (bytes) VALUES (?1)");
	r->commit = raw_prepare(r, "COMMIT");
}

void raw_close(struct raw *r)
{
	INSIST(sqlite3_finalize(r->begin) == SQLITE_OK);
	INSIST(sqlite3_finalize(r->insert) == SQLITE_OK);
	INSIST(sqlite3_finalize(r->commit) == SQLITE_OK);
	INSIST(sqlite3_close(r->db) == SQLITE_OK);
}

static void raw_step(struct sqlite3_stmt *stmt)
{
	INSIST(sqlite3_step(stmt) == SQLITE_DONE);
	INSIST(sqlite3_reset(stmt) == SQLITE_OK);
}

void raw_run(struct raw *r, size_t count, unsigned rows, struct samples *s)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t from = now_ns();
		raw_step(r->begin);
		for (unsigned k = 0; k < rows; k++) {
			INSIST(sqlite3_bind_blob(r->insert, 1, bytes, sizeof(bytes),
						 SQLITE_STATIC) == SQLITE_OK);
			raw_step(r->insert);
		}
		raw_step(r->commit);
		samples_add(s, now_ns() - from);
	}
	s->units += (uint64_t)count * rows;
}

/* ---- echo: the process that answers -------------------------------------------------------- */

static struct {
	struct loop loop;
	struct tls_identity key;
	struct tls_ctx tls;
	struct tcp_listener listener;
	struct tls_stream stream;
	uv_poll_t parent; /* its end of the pipe closes with the bench */
} answer;

static void answer_on_ready(struct tls_stream *s)
{
	(void)s;
}

static void answer_on_plain(struct tls_stream *s, struct view plain)
{
	MUST(tls_stream_write(s, plain));
}

static void answer_on_closed(struct tls_stream *s, enum err why)
{
	(void)s;
	(void)why;
}

static const struct tls_stream_events answer_events = { .on_ready = answer_on_ready,
							.on_plain = answer_on_plain,
							.on_closed = answer_on_closed };

static void answer_on_accept(struct tcp_listener *l, int fd, const struct tcp_address *peer)
{
	(void)l;
	(void)peer;
	MUST(tls_stream_open(&answer.stream, &answer.loop, &answer.tls, fd,
			     &(struct tls_stream_options){ .events = &answer_events }));
}

static void answer_on_parent(uv_poll_t *poll, int status, int events)
{
	(void)poll;
	(void)status;
	(void)events;
	_exit(0); /* nothing of it outlives the bench */
}

static void answer_main(int to_parent, int parent)
{
	MUST(loop_init(&answer.loop));
	MUST(tls_identity_make(&answer.key));
	MUST(tls_ctx_init(&answer.tls, TLS_ROLE_SERVER, &answer.key));
	MUST(tcp_listener_open(&answer.listener, &answer.loop, "127.0.0.1:0", answer_on_accept));
	char address[TCP_ADDRESS_TEXT_MAX] = "";
	tcp_address_print(&answer.listener.local, address);
	INSIST(write(to_parent, address, sizeof(address)) == (ssize_t)sizeof(address));
	INSIST(uv_poll_init(&answer.loop.uv, &answer.parent, parent) == 0);
	INSIST(uv_poll_start(&answer.parent, UV_READABLE | UV_DISCONNECT, answer_on_parent) == 0);
	loop_run(&answer.loop);
	_exit(0);
}

void echo_fork(struct echo *e)
{
	int up[2];
	int down[2];
	INSIST(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
	e->pid = fork();
	INSIST(e->pid >= 0);
	if (e->pid == 0) {
		(void)close(up[0]);
		(void)close(down[1]);
		answer_main(up[1], down[0]);
	}
	(void)close(up[1]);
	(void)close(down[0]);
	INSIST(read(up[0], e->address, sizeof(e->address)) == (ssize_t)sizeof(e->address));
	(void)close(up[0]);
	e->alive = down[1];
}

/* ---- echo: the asking side ----------------------------------------------------------------- */

static struct echo *echo_of(struct tls_stream *s)
{
	return CONTAINER_OF(s, struct echo, stream);
}

static void echo_on_ready(struct tls_stream *s)
{
	echo_of(s)->ready = true;
}

static void echo_on_plain(struct tls_stream *s, struct view plain)
{
	echo_of(s)->got += plain.len;
}

static void echo_on_closed(struct tls_stream *s, enum err why)
{
	(void)why;
	echo_of(s)->parts_open--;
}

static const struct tls_stream_events echo_events = { .on_ready = echo_on_ready,
						      .on_plain = echo_on_plain,
						      .on_closed = echo_on_closed };

static void echo_on_dial_closed(void *owner)
{
	struct echo *e = owner;
	e->parts_open--;
}

static void echo_on_dialed(struct tcp_dial *d, enum err result, int fd)
{
	struct echo *e = CONTAINER_OF(d, struct echo, dial);
	MUST(result);
	MUST(tls_stream_open(&e->stream, e->loop, &e->tls, fd,
			     &(struct tls_stream_options){ .events = &echo_events }));
	e->parts_open++;
	tcp_dial_close(d, echo_on_dial_closed, e);
}

void echo_open(struct echo *e, struct loop *loop)
{
	e->loop = loop;
	e->parts_open = 1;
	MUST(tls_identity_make(&e->key));
	MUST(tls_ctx_init(&e->tls, TLS_ROLE_ROOM, &e->key));
	MUST(tcp_dial_open(&e->dial, loop, e->address, HANDSHAKE_MS_MAX, echo_on_dialed));
	while (!e->ready) INSIST(loop_run_once(loop));
}

void echo_close(struct echo *e)
{
	tls_stream_end(&e->stream, ERR_CLOSED);
	bool more = true;
	while (e->parts_open > 0 && more) more = loop_run_once(e->loop);
	INSIST(e->parts_open == 0);
	tls_ctx_fini(&e->tls);
	tls_identity_fini(&e->key);
	INSIST(close(e->alive) == 0);
	INSIST(waitpid(e->pid, NULL, 0) == e->pid);
}

void echo_run(struct echo *e, size_t count, struct samples *s)
{
	for (size_t i = 0; i < count; i++) {
		e->got = 0;
		const uint64_t from = now_ns();
		MUST(tls_stream_write(&e->stream, view_of(bytes, sizeof(bytes))));
		while (e->got < sizeof(bytes)) INSIST(loop_run_once(e->loop));
		samples_add(s, now_ns() - from);
	}
}
