#include "client/cli/ask.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/home.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum err fail_not_running(struct fault *fault)
{
	err_ignore(fault_set(fault, ERR_OFFLINE, "agent_not_running",
			     "no agent is running in this home"));
	return fault_hint(fault, "Start it with roomkeep serve; --home DIR or ROOMKEEP_HOME names "
				 "another home");
}

/* Grows by copying into fresh memory and wiping the old: the answer may hold patient text. */
static enum err answer_grow(struct buf *answer, size_t more)
{
	if (answer->cap - answer->len >= more) return ERR_OK;
	struct buf bigger = { 0 };
	const size_t doubled = answer->cap < 4096 ? 8192 : answer->cap * 2;
	const size_t wanted = doubled > answer->len + more ? doubled : answer->len + more;
	TRY(buf_reserve(&bigger, wanted));
	TRY(buf_append(&bigger, buf_view(answer)));
	buf_wipe(answer);
	buf_fini(answer);
	*answer = bigger;
	return ERR_OK;
}

static size_t on_data(char *data, size_t size, size_t count, void *ctx)
{
	struct buf *answer = ctx;
	const size_t len = size * count;

	if (len > ASK_ANSWER_BYTES_MAX - answer->len) return 0;
	if (answer_grow(answer, len) != ERR_OK) return 0;
	if (buf_append(answer, view_of(data, len)) != ERR_OK) return 0;
	return len;
}

struct exchange {
	CURL *curl;                 /* owned */
	struct curl_slist *headers; /* owned */
	char *body;                 /* owned */
	struct buf answer;          /* owned */
	int dir_fd;                 /* owned; the home */
	char socket[64]; /* reaches agent.sock through dir_fd, so any path length works */
	char url[128];
};

static void exchange_finip(struct exchange *x)
{
	curl_easy_cleanup(x->curl);
	curl_slist_free_all(x->headers);
	json_text_free(x->body);
	buf_wipe(&x->answer);
	buf_fini(&x->answer);
	closep(&x->dir_fd);
}

static bool set_all(struct exchange *x, unsigned wait_s)
{
	CURL *c = x->curl;
	const curl_off_t len = (curl_off_t)strlen(x->body);

	/* Whatever proxy the environment names, this stays on the machine. */
	return curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, x->socket) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_URL, x->url) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, len) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POSTFIELDS, x->body) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)wait_s) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, &x->answer) == CURLE_OK;
}

static enum err exchange_open(struct exchange *x, const char *home, const char *path,
			      const json_t *request, unsigned wait_s)
{
	x->dir_fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(x->dir_fd >= 0, err_from_errno(errno));
	(void)snprintf(x->socket, sizeof(x->socket), "/proc/self/fd/%d/" HOME_SOCKET, x->dir_fd);
	(void)snprintf(x->url, sizeof(x->url), "http://localhost/1/%s", path);
	TRY(json_text_dump(request, &x->body));
	x->curl = curl_easy_init();
	ENSURE(x->curl != NULL, ERR_NOMEM);
	/* "Expect: 100-continue" would cost a second on large requests. */
	x->headers = curl_slist_append(x->headers, "Expect:");
	struct curl_slist *more = curl_slist_append(x->headers, "Content-Type: application/json");
	ENSURE(x->headers != NULL && more != NULL, ERR_NOMEM);
	x->headers = more;
	ENSURE(set_all(x, wait_s), ERR_NOMEM);
	return ERR_OK;
}

static enum err fail_exchange(CURLcode code, struct fault *fault)
{
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_GOT_NOTHING) {
		return fail_not_running(fault);
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		return fault_set(fault, ERR_TIMEOUT, NULL, "the agent did not answer in time");
	}
	if (code == CURLE_OUT_OF_MEMORY) return ERR_NOMEM;
	return fault_set(fault, ERR_OFFLINE, "agent_not_running",
			 "the talk with the agent broke off");
}

static enum err read_answer(struct exchange *x, json_t **ret_answer, struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *answer = NULL;
	long status = 0;

	ENSURE(curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK, ERR_BUG);
	if (json_object_read(buf_view(&x->answer), &answer) != ERR_OK) {
		return status == 413
			       ? fault_set(fault, ERR_TOO_BIG, NULL, "the request is too large")
			       : fail_exchange(CURLE_RECV_ERROR, fault);
	}
	if (status == 200) {
		*ret_answer = TAKE(answer);
		return ERR_OK;
	}
	if (json_object_size(answer) == 0) return fail_not_running(fault); /* it is ending */
	fault_from_json(answer, fault);
	return fault->err;
}

enum err ask_agent(const char *home_flag, const char *path, const json_t *request, unsigned wait_s,
		   json_t **ret_answer, struct fault *fault)
{
	CLEANUP(exchange_finip) struct exchange x = { .dir_fd = -1 };
	CLEANUP(freep) char *home = NULL;

	if (home_path(home_flag, &home) != ERR_OK) return fail_not_running(fault);
	const enum err e = exchange_open(&x, home, path, request, wait_s);
	if (e == ERR_NOT_FOUND || e == ERR_IO) return fail_not_running(fault);
	if (e == ERR_DENIED) {
		return fault_set(fault, e, NULL, "this home belongs to somebody else");
	}
	TRY(e);
	const CURLcode code = curl_easy_perform(x.curl);
	if (code != CURLE_OK) return fail_exchange(code, fault);
	return read_answer(&x, ret_answer, fault);
}
