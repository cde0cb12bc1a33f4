/* The local door: requests over a real Unix socket in a folder with a very long path. */
#include "client/net/http.h"

#include "net/sock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Turns the loop while `cond` holds; an empty loop that leaves it true is a failure. */
#define RUN_WHILE(loop, cond)                                                                      \
	do {                                                                                       \
		while (cond) {                                                                     \
			if (!loop_run_once(loop)) assert_false(cond);                              \
		}                                                                                  \
	} while (0)

#define REPLY_BYTES (64u * 1024u)

/* A caller on a thread of its own; the loop runs on the test's. */
struct caller {
	int dir_fd;
	const char *head; /* request head, NUL-terminated */
	size_t body_len;  /* bytes of 'x' sent behind it */
	size_t piece;     /* bytes per write; 0: all at once */
	sem_t *hang_up;   /* go away without the answer, once this is posted */
	char reply[REPLY_BYTES];
	size_t reply_len;
	uv_async_t *done;
};

struct fixture {
	struct loop loop;
	struct http http;
	char base[64];
	char *path;
	int dir_fd;
	uv_async_t done;
	bool caller_done;
	bool closed;
	unsigned parts;
	struct http_request *held; /* kept by the handler */
	bool hold;
	sem_t got; /* posted for each request */
	size_t last_body_len;
	char last_path[HTTP_PATH_BYTES];
	struct timer later;
};

static struct fixture *now; /* of the running test, for callbacks without a context */

static void text_free(void *text)
{
	free(text);
}

static void answer(struct http_request *r)
{
	char *text = NULL;
	const int len = asprintf(&text, "{\"bytes\":%zu}", r->body.len);

	assert_true(len > 0);
	http_answer(r, 200, text, (size_t)len, text_free);
}

static void on_later(struct timer *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, later);
	answer(f->held);
	f->held = NULL;
}

static void on_request(void *ctx, struct http_request *r)
{
	struct fixture *f = ctx;

	f->last_body_len = r->body.len;
	sem_post(&f->got);
	(void)snprintf(f->last_path, sizeof(f->last_path), "%s", r->path);
	for (size_t i = 0; i < r->body.len; i++) assert_int_equal(r->body.p[i], 'x');
	if (f->hold) {
		f->held = r;
		timer_start(&f->later, 20);
		return;
	}
	answer(r);
}

static void on_caller_done(uv_async_t *async)
{
	((struct fixture *)async->data)->caller_done = true;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (f == NULL) return 1;
	(void)snprintf(f->base, sizeof(f->base), "/tmp/roomkeep-http-XXXXXX");
	if (mkdtemp(f->base) == NULL) return 1;
	/* Deeper than the 107 bytes of sun_path. */
	if (asprintf(&f->path, "%s/%0120d/%0120d", f->base, 1, 2) < 0) return 1;
	char *middle = strdup(f->path);
	*strrchr(middle, '/') = '\0';
	if (mkdir(middle, 0700) != 0 || mkdir(f->path, 0700) != 0) return 1;
	free(middle);
	f->dir_fd = open(f->path, O_RDONLY | O_DIRECTORY);
	if (f->dir_fd < 0 || loop_init(&f->loop) != ERR_OK) return 1;
	f->done.data = f;
	UV_MUST(uv_async_init(&f->loop.uv, &f->done, on_caller_done));
	timer_init(&f->later, &f->loop, on_later);
	assert_int_equal(http_open(&f->http, &f->loop, f->dir_fd, "agent.sock", on_request, f),
			 ERR_OK);
	assert_int_equal(sem_init(&f->got, 0, 0), 0);
	now = f;
	*state = f;
	return 0;
}

static void on_part_closed(void *owner)
{
	((struct fixture *)owner)->parts--;
}

static void on_async_closed(uv_handle_t *h)
{
	on_part_closed(h->data);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->parts = f->http.closing ? 2 : 3; /* one test has closed it */
	http_close(&f->http, on_part_closed, f);
	timer_close(&f->later, on_part_closed, f);
	uv_close((uv_handle_t *)&f->done, on_async_closed);
	RUN_WHILE(&f->loop, f->parts > 0);
	assert_int_equal(loop_close(&f->loop), ERR_OK);
	struct stat st;
	assert_int_not_equal(fstatat(f->dir_fd, "agent.sock", &st, 0), 0);
	close(f->dir_fd);
	rmdir(f->path);
	*strrchr(f->path, '/') = '\0';
	rmdir(f->path);
	rmdir(f->base);
	free(f->path);
	free(f);
	return 0;
}

static bool send_piecewise(int fd, const char *p, size_t len, size_t piece)
{
	while (len > 0) {
		const size_t want = piece == 0 || piece > len ? len : piece;
		const ssize_t n = send(fd, p, want, MSG_NOSIGNAL);
		if (n <= 0) return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void *caller_run(void *arg)
{
	struct caller *c = arg;
	int fd = -1;

	if (sock_file_connect(c->dir_fd, "agent.sock", &fd) == ERR_OK) {
		char *body = malloc(c->body_len + 1);
		for (size_t i = 0; i <= c->body_len; i++) body[i] = 'x';
		bool sent = send_piecewise(fd, c->head, strlen(c->head), c->piece);
		sent = sent && send_piecewise(fd, body, c->body_len, c->piece);
		free(body);
		if (c->hang_up != NULL) sem_wait(c->hang_up);
		while (c->hang_up == NULL && c->reply_len < REPLY_BYTES - 1) {
			const ssize_t n =
				read(fd, c->reply + c->reply_len, REPLY_BYTES - 1 - c->reply_len);
			if (n <= 0) break;
			c->reply_len += (size_t)n;
		}
		close(fd);
	}
	uv_async_send(c->done);
	return NULL;
}

/* Runs the caller to its end; returns the HTTP status, 0 for a closed connection. */
static int call(struct fixture *f, struct caller *c)
{
	pthread_t thread;
	int status = 0;

	c->dir_fd = f->dir_fd;
	c->done = &f->done;
	f->caller_done = false;
	assert_int_equal(pthread_create(&thread, NULL, caller_run, c), 0);
	RUN_WHILE(&f->loop, !f->caller_done);
	pthread_join(thread, NULL);
	if (c->reply_len > 0) {
		assert_int_equal(strncmp(c->reply, "HTTP/1.1 ", 9), 0);
		status = (int)strtol(c->reply + 9, NULL, 10);
	}
	return status;
}

static int post(struct fixture *f, size_t body_len, size_t piece, struct caller **ret)
{
	static struct caller c;
	static char head[256];

	(void)snprintf(head, sizeof(head),
		       "POST /1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
		       body_len);
	c = (struct caller){ .head = head, .body_len = body_len, .piece = piece };
	if (ret != NULL) *ret = &c;
	return call(f, &c);
}

static void test_answers_a_post(void **state)
{
	struct caller *c = NULL;
	assert_int_equal(post(*state, 2, 0, &c), 200);
	assert_non_null(strstr(c->reply, "{\"bytes\":2}"));
	assert_non_null(strstr(c->reply, "Content-Type: application/json"));
	assert_non_null(strstr(c->reply, "Cache-Control: no-store"));
	assert_string_equal(now->last_path, "/1/status");
}

static void test_socket_is_private(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_int_equal(fstatat(f->dir_fd, "agent.sock", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_answers_later(void **state)
{
	struct fixture *f = *state;
	f->hold = true;
	assert_int_equal(post(f, 10, 0, NULL), 200);
}

static void test_takes_single_bytes(void **state)
{
	assert_int_equal(post(*state, 300, 1, NULL), 200);
	assert_int_equal(now->last_body_len, 300);
}

/* Without asking MHD for its timeout, 100 kB and more hang for good (ROOM-UI D1). */
static void test_body_limits(void **state)
{
	const size_t fine[] = {
		0, 1, 1023, 1024, 1025, 100000, HTTP_BODY_BYTES_MAX - 1, HTTP_BODY_BYTES_MAX
	};
	for (size_t i = 0; i < COUNT_OF(fine); i++) {
		assert_int_equal(post(*state, fine[i], 0, NULL), 200);
		assert_int_equal(now->last_body_len, fine[i]);
	}
	struct caller big = { .head = "POST /1/status HTTP/1.1\r\nHost: a\r\n"
				      "Content-Length: 1048577\r\n\r\n" };
	assert_int_equal(call(*state, &big), 413);
	struct caller huge = { .head = "POST /1/status HTTP/1.1\r\nHost: a\r\n"
				       "Content-Length: 4294967296\r\n\r\n" };
	assert_int_equal(call(*state, &huge), 413);
}

static void test_refuses_other_heads(void **state)
{
	static const struct {
		const char *head;
		int status;
	} heads[] = {
		{ "GET /1/status HTTP/1.1\r\nHost: a\r\n\r\n", 405 },
		{ "OPTIONS /1/status HTTP/1.1\r\nHost: a\r\n\r\n", 405 },
		{ "POST /1/status HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST /1/status HTTP/1.1\r\nHost: a\r\n\r\n", 411 },
		{ "POST /1/status HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400 }, /* no Host */
		{ "POST /12345678901234567890123456789012345678901234567890123456789012345 HTTP/1.1"
		  "\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		  404 },
		{ "nonsense\r\n\r\n", 400 },
	};
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		struct caller c = { .head = heads[i].head };
		const int status = call(*state, &c);
		if (i == COUNT_OF(heads) - 1) {
			assert_true(status == 0 || status == 400);
		} else {
			assert_int_equal(status, heads[i].status);
		}
	}
}

static void test_head_too_large(void **state)
{
	char filler[40 * 1024] = { 0 };
	char *head = NULL;

	for (size_t i = 0; i < sizeof(filler) - 1; i++) filler[i] = 'a';
	assert_true(asprintf(&head,
			     "POST /1/status HTTP/1.1\r\nHost: a\r\nX: %s\r\n"
			     "Content-Length: 0\r\n\r\n",
			     filler) > 0);
	struct caller c = { .head = head };
	const int status = call(*state, &c);
	assert_true(status == 431 || status == 413 || status == 0);
	free(head);
}

static void test_caller_goes_away(void **state)
{
	struct fixture *f = *state;
	f->hold = true;
	struct caller c = {
		.head = "POST /1/status HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		.hang_up = &f->got
	};
	(void)call(f, &c);
	RUN_WHILE(&f->loop, f->held != NULL); /* the answer has nobody to go to */
	f->hold = false;
	assert_int_equal(post(f, 1, 0, NULL), 200);
}

static void test_second_listener_is_refused(void **state)
{
	struct fixture *f = *state;
	struct http other;
	assert_int_equal(http_open(&other, &f->loop, f->dir_fd, "agent.sock", on_request, f),
			 ERR_BUSY);
	assert_int_equal(post(f, 1, 0, NULL), 200);
}

/* Closing answers who waits; the connection is not left hanging. */
static void on_later_close(struct timer *t)
{
	struct fixture *f = CONTAINER_OF(t, struct fixture, later);
	f->held = NULL;
	f->parts = 1;
	http_close(&f->http, on_part_closed, f);
}

static void test_close_answers_waiting(void **state)
{
	struct fixture *f = *state;
	f->hold = true;
	f->later.on_fire = on_later_close;
	assert_int_equal(post(f, 1, 0, NULL), 503);
	RUN_WHILE(&f->loop, f->parts > 0);
}

/* As root: a child of another user, with the folder opened for it. Otherwise: we are the
 * foreigner. */
static void test_other_user_is_closed(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0) {
		f->http.uid = geteuid() + 1;
		assert_int_equal(post(f, 1, 0, NULL), 0);
		assert_int_equal(f->http.foreign_count, 1);
		f->http.uid = geteuid();
		return;
	}
	assert_int_equal(fchmodat(f->dir_fd, "agent.sock", 0666, 0), 0);
	assert_int_equal(fchmod(f->dir_fd, 0755), 0);
	const pid_t child = fork();
	if (child == 0) {
		int fd = -1;
		char byte = 0;
		if (setgid(65534) != 0 || setuid(65534) != 0) _exit(2);
		if (sock_file_connect(f->dir_fd, "agent.sock", &fd) != ERR_OK) _exit(3);
		const char head[] =
			"POST /1/status HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
		if (send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL) < 0) _exit(0);
		_exit(read(fd, &byte, 1) <= 0 ? 0 : 4); /* closed without a byte */
	}
	int status = 0;
	RUN_WHILE(&f->loop, f->http.foreign_count == 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_string_equal(f->last_path, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers_a_post, setup, teardown),
		cmocka_unit_test_setup_teardown(test_socket_is_private, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takes_single_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_other_heads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caller_goes_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_listener_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_answers_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_user_is_closed, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
