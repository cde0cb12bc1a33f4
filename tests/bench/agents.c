#include "bench/agents.h"

#include "base/check.h"
#include "bench/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (256u * 1024u)
#define TEXTS_PER_SESSION 8u

static int agent_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	INSIST(strlen(path) < sizeof(to.sun_path));
	memcpy(to.sun_path, path, strlen(path));
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	INSIST(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	return fd;
}

/* One exchange; what answered something else than 200 is NULL. */
static json_t *agent_ask(const char *path, const char *verb, json_t *request)
{
	static char answer[ANSWER_BYTES_MAX];
	char *body = json_dumps(request, JSON_COMPACT);
	INSIST(body != NULL);
	json_decref(request);
	char *head = NULL;
	const int len = asprintf(&head,
				 "POST /1/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
				 verb, strlen(body), body);
	INSIST(len > 0);
	const int fd = agent_connect(path);
	INSIST(write(fd, head, (size_t)len) == len);
	size_t got = 0;
	ssize_t n = 0;
	while ((n = read(fd, answer + got, sizeof(answer) - 1 - got)) > 0) got += (size_t)n;
	INSIST(n == 0 && close(fd) == 0);
	answer[got] = '\0';
	free(head);
	free(body);
	const char *at = strstr(answer, "\r\n\r\n");
	INSIST(at != NULL);
	if (strncmp(answer, "HTTP/1.1 200", 12) != 0) return NULL;
	json_t *object = json_loads(at + 4, 0, NULL);
	INSIST(object != NULL);
	return object;
}

static void agents_next_session(struct agents *a)
{
	json_t *o =
		agent_ask(a->a, "start/session", json_pack("{s:s}", "patient_id", a->patient_id));
	INSIST(o != NULL);
	const char *id = json_string_value(json_object_get(o, "session_id"));
	INSIST(id != NULL && strlen(id) < sizeof(a->session_id));
	memcpy(a->session_id, id, strlen(id) + 1);
	json_decref(o);
	a->saves = 0;
}

static bool agents_is_committed(struct agents *a)
{
	json_t *o = agent_ask(a->a, "status", json_object());
	INSIST(o != NULL);
	const json_t *outbox = json_object_get(o, "outbox");
	const json_t *queued = json_object_get(outbox, "queued");
	INSIST(json_is_integer(queued));
	const bool done = json_integer_value(queued) == 0;
	json_decref(o);
	return done;
}

static bool agents_is_shown(struct agents *a, const char *text)
{
	json_t *o =
		agent_ask(a->b, "show/session", json_pack("{s:s}", "session_id", a->session_id));
	if (o == NULL) return false; /* the session itself is not there yet */
	const char *now = json_string_value(json_object_get(o, "subjective"));
	const bool done = now != NULL && strcmp(now, text) == 0;
	json_decref(o);
	return done;
}

/* Saves a text that was not there before; returns when the answer had come. */
static uint64_t agents_save(struct agents *a, char *ret_text, size_t cap, struct samples *saved)
{
	static const char words[] = "Neck stiff since Monday, worse when turning left. ";
	const int head = snprintf(ret_text, cap, "%u. ", ++a->serial);
	for (size_t i = (size_t)head; i < cap - 1; i++)
		ret_text[i] = words[i % (sizeof(words) - 1)];
	ret_text[cap - 2] = '.'; /* a blank at the end would not be kept */
	ret_text[cap - 1] = '\0';
	a->saves++;
	json_t *request =
		json_pack("{s:s, s:s}", "session_id", a->session_id, "subjective", ret_text);
	const uint64_t from = now_ns();
	json_t *o = agent_ask(a->a, "set/session", request);
	const uint64_t to = now_ns();
	INSIST(o != NULL);
	json_decref(o);
	samples_add(saved, to - from);
	return from;
}

/* False when it took too long; the next save then begins a new session. */
static bool agents_wait(struct agents *a, const char *text, bool committed, bool shown)
{
	const uint64_t end = now_ns() + AGENT_NS_MAX;
	while ((committed && !agents_is_committed(a)) || (shown && !agents_is_shown(a, text))) {
		if (now_ns() < end) continue;
		a->lost++;
		a->session_id[0] = '\0';
		return false;
	}
	return true;
}

/* The first text of a session is saved apart: B learns of the session with it. */
static bool agents_begin_session(struct agents *a)
{
	char text[PEER_BYTES - 64];
	struct samples ignored = { 0 };
	agents_next_session(a);
	(void)agents_save(a, text, sizeof(text), &ignored);
	free(ignored.ns);
	return agents_wait(a, text, true, true);
}

static void agents_run_one(struct agents *a, bool shown, struct agents_samples *s)
{
	char text[PEER_BYTES - 64];
	if (a->lost >= AGENT_LOST_MAX) return;
	const bool fresh = a->session_id[0] == '\0' || a->saves >= TEXTS_PER_SESSION;
	if (fresh && !agents_begin_session(a)) return;
	const uint64_t from = agents_save(a, text, sizeof(text), s->saved);
	if (!agents_wait(a, text, !shown, shown)) return;
	samples_add(shown ? s->shown : s->committed, now_ns() - from);
	(void)agents_wait(a, text, true, true);
}

void agents_run(struct agents *a, size_t count, struct agents_samples *s)
{
	for (size_t i = 0; i < count; i++) {
		agents_run_one(a, false, s);
		agents_run_one(a, true, s);
	}
}
