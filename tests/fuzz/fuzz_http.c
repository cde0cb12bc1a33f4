/* fuzz_http: what up to four callers do at a room's local door: connect, write pieces, stop
 * writing, go away; and when the room answers. The input is a list of such moves.
 * Targets: http_open, http_answer, http_close, all of client/net/http.c and libmicrohttpd under it.
 * Holds:   a caller gets nothing, a refusal, or one whole answer; a request that comes through
 *          began with POST, has the length that its head said, and its body is what the caller
 *          wrote, nothing else; the door closes with callers in every state and leaves nothing.
 * The socket is a real one: a Unix socket keeps what was written, so no waiting is needed. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "client/net/http.h"
#include "fuzz/fuzz.h"
#include "net/sock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DOOR "agent.sock"
#define CALLERS 4u
#define MOVES_MAX 64u
#define TURNS 6u       /* of the loop after a move */
#define TURNS_MAX 200u /* until an answer or an end is there */
#define ANSWER "{\"schema\":\"x\"}"

struct caller {
	int fd; /* -1: not connected */
	struct buf sent;
	struct buf got;
	bool heard; /* something came through that it wrote */
	bool ended; /* the door closed it */
};

/* Came through and waits for its answer. Two callers may have written the same. */
struct asked {
	struct http_request *request; /* NULL once answered */
	bool by[CALLERS];
};

static char folder[] = "/tmp/roomkeep-fuzz-XXXXXX";
static int folder_fd = -1;
static struct loop loop;
static struct http door;
static struct timer tick;      /* no turn waits longer than for it */
static struct loop_task nudge; /* the next turn does not wait at all */
static struct caller callers[CALLERS];
static struct asked asked[CALLERS];
static size_t asked_count;
static unsigned parts_open;

/* ---- the loop ---- */

static void on_tick(struct timer *t)
{
	(void)t; /* that it fires is all */
}

static void on_nudge(struct loop_task *task)
{
	(void)task;
}

/* Waits only when the door itself is to go on within a millisecond. */
static void turn(void)
{
	if (!timer_is_running(&door.timer) || uv_timer_get_due_in(&door.timer.uv) > 1)
		loop_defer(&loop, &nudge);
	(void)loop_run_once(&loop);
}

static void on_part_closed(void *owner)
{
	(void)owner;
	parts_open--;
}

static void end_process(void)
{
	parts_open = 1;
	timer_close(&tick, on_part_closed, NULL);
	while (parts_open > 0) (void)loop_run_once(&loop);
	INSIST(loop_close(&loop) == ERR_OK);
	closep(&folder_fd);
	(void)rmdir(folder);
}

static void start_once(void)
{
	if (folder_fd >= 0) return;
	INSIST(mkdtemp(folder) != NULL);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	INSIST(folder_fd >= 0);
	INSIST(loop_init(&loop) == ERR_OK);
	loop_task_init(&nudge, on_nudge);
	timer_init(&tick, &loop, on_tick);
	timer_start_repeating(&tick, 1);
	INSIST(atexit(end_process) == 0);
}

/* ---- what came through ---- */

/* Up to the next end of a line, as libmicrohttpd takes them: CR LF, LF, or CR alone. */
static bool take_line(struct view *rest, struct view *ret_line)
{
	for (size_t i = 0; i < rest->len; i++) {
		if (rest->p[i] != '\r' && rest->p[i] != '\n') continue;
		const bool two = rest->p[i] == '\r' && i + 1 < rest->len && rest->p[i + 1] == '\n';
		*ret_line = view_of(rest->p, i);
		*rest = view_of(rest->p + i + 1 + two, rest->len - i - 1 - two);
		return true;
	}
	return false;
}

/* The length of the head with its empty line; 0: it is not whole. */
static size_t head_bytes(struct view sent)
{
	struct view rest = sent;
	struct view line;

	while (take_line(&rest, &line))
		if (line.len == 0) return sent.len - rest.len;
	return 0;
}

/* Is there a line "Content-Length: LEN" in the head? */
static bool head_says_length(struct view head, size_t len)
{
	static const char name[] = "content-length";
	struct view rest = head;
	struct view line;

	while (take_line(&rest, &line)) {
		char text[64] = { 0 };
		if (line.len < sizeof(name)) continue;
		if (strncasecmp((const char *)line.p, name, sizeof(name) - 1) != 0) continue;
		const uint8_t *value = line.p + sizeof(name);
		const uint8_t *const end = head.p + head.len;
		while (value < end && (*value == ' ' || *value == '\t')) value++;
		const size_t after = (size_t)(end - value);
		memcpy(text, value, after < sizeof(text) - 1 ? after : sizeof(text) - 1);
		if (strtoull(text, NULL, 10) == len) return true;
	}
	return false;
}

/* Did this caller write this request: a line that begins with POST, one with the length, and after
 * the end of some line the body? Where the head ends is libmicrohttpd's to say: what breaks the
 * rules (NUL, CR alone, a length that is no number) 0.9.75 reads in its own way. */
static bool caller_wrote(const struct caller *c, const struct http_request *r)
{
	const struct view sent = buf_view(&c->sent);
	struct view rest = sent;
	struct view line;
	bool posted = false;

	while (take_line(&rest, &line)) {
		posted = posted || (line.len >= 4 && memcmp(line.p, "POST", 4) == 0);
		if (!posted || rest.len < r->body.len) continue;
		if (!view_equal(view_of(rest.p, r->body.len), r->body)) continue;
		if (head_says_length(view_of(sent.p, sent.len - rest.len), r->body.len))
			return true;
	}
	return false;
}

static void on_request(void *ctx, struct http_request *r)
{
	struct asked a = { .request = r };
	bool written = false;

	(void)ctx;
	INSIST(r->body.len <= HTTP_BODY_BYTES_MAX);
	INSIST(memchr(r->path, '\0', sizeof(r->path)) != NULL);
	for (size_t i = 0; i < CALLERS; i++) {
		a.by[i] = caller_wrote(&callers[i], r);
		callers[i].heard = callers[i].heard || a.by[i];
		written = written || a.by[i];
	}
	INSIST(written);
	INSIST(asked_count < CALLERS); /* a connection brings one */
	asked[asked_count++] = a;
}

static void nothing_to_free(void *text)
{
	(void)text;
}

/* All that this caller may have written. */
static void answer(size_t caller)
{
	static char text[] = ANSWER;

	for (size_t i = 0; i < asked_count; i++) {
		struct asked *a = &asked[i];
		if (a->request == NULL || !a->by[caller]) continue;
		http_answer(a->request, 200, text, sizeof(text) - 1, nothing_to_free);
		a->request = NULL;
	}
}

/* ---- callers ---- */

static void take_answers(struct caller *c)
{
	uint8_t bytes[4096];

	while (c->fd >= 0 && !c->ended) {
		const ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) return;
		c->ended = n <= 0;
		if (n > 0) INSIST(buf_append(&c->got, view_of(bytes, (size_t)n)) == ERR_OK);
	}
}

/* Nothing is an answer too: a closed connection. Of a refusal only the beginning is looked at:
 * libmicrohttpd 0.9.75 sends the head of its own refusal twice when Content-Length is no number. */
static void check_answer(const struct caller *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct view got = buf_view(&c->got);

	if (got.len >= sizeof(go_on) - 1 && memcmp(got.p, go_on, sizeof(go_on) - 1) == 0)
		got = view_of(got.p + sizeof(go_on) - 1, got.len - (sizeof(go_on) - 1));
	if (got.len == 0) return;
	INSIST(got.len > 12 && memcmp(got.p, "HTTP/1.", 7) == 0);
	if (memcmp(got.p + 9, "200", 3) != 0) {
		INSIST(got.p[9] == '4' || got.p[9] == '5');
		return;
	}
	INSIST(c->heard);
	const size_t head = head_bytes(got);
	INSIST(head > 0 && head_says_length(view_of(got.p, head), strlen(ANSWER)));
	INSIST(view_equal(view_of(got.p + head, got.len - head), view_str(ANSWER)));
}

static void caller_connect(struct caller *c)
{
	if (c->fd >= 0 || c->heard || c->sent.len > 0) return;
	INSIST(sock_file_connect(folder_fd, DOOR, &c->fd) == ERR_OK);
}

static void caller_write(struct caller *c, struct view bytes)
{
	if (c->fd < 0 || bytes.len == 0) return;
	const ssize_t n = send(c->fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0) INSIST(buf_append(&c->sent, view_of(bytes.p, (size_t)n)) == ERR_OK);
}

static void move(struct fuzz_in *in)
{
	const uint8_t byte = fuzz_u8(in);
	const size_t caller = (byte >> 4) % CALLERS;
	struct caller *c = &callers[caller];

	switch (byte & 7u) {
	case 0: caller_connect(c); break;
	case 1:
	case 2:
	case 3: caller_write(c, fuzz_take(in, fuzz_u8(in))); break;
	case 4: caller_write(c, fuzz_take(in, fuzz_u16(in))); break;
	case 5:
		if (c->fd >= 0) (void)shutdown(c->fd, SHUT_WR);
		break;
	case 6: closep(&c->fd); break;
	default: answer(caller);
	}
	for (size_t i = 0; i < TURNS; i++) turn();
	for (size_t i = 0; i < CALLERS; i++) take_answers(&callers[i]);
}

/* ---- one input ---- */

/* Callers 0 and 1 stay to the end of what they asked; the door closes on the others. */
static void end_callers(void)
{
	for (size_t i = 0; i < CALLERS / 2; i++) {
		struct caller *c = &callers[i];
		if (c->fd >= 0) (void)shutdown(c->fd, SHUT_WR);
		for (size_t n = 0; n < TURNS_MAX && c->fd >= 0 && !c->ended; n++) {
			answer(i);
			turn();
			take_answers(c);
		}
		INSIST(c->fd < 0 || c->ended);
	}
}

static void end_door(void)
{
	parts_open = 1;
	http_close(&door, on_part_closed, NULL);
	while (parts_open > 0) (void)loop_run_once(&loop);
	for (size_t i = 0; i < CALLERS; i++) {
		struct caller *c = &callers[i];
		take_answers(c);
		INSIST(c->fd < 0 || c->ended);
		check_answer(c);
		closep(&c->fd);
		buf_fini(&c->sent);
		buf_fini(&c->got);
	}
	INSIST(faccessat(folder_fd, DOOR, F_OK, 0) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };

	start_once();
	for (size_t i = 0; i < CALLERS; i++) callers[i] = (struct caller){ .fd = -1 };
	asked_count = 0;
	INSIST(http_open(&door, &loop, folder_fd, DOOR, on_request, NULL) == ERR_OK);
	for (size_t i = 0; i < MOVES_MAX && fuzz_has(&in); i++) move(&in);
	end_callers();
	end_door();
	return 0;
}
