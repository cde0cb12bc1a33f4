#include "client/cli/input.h"

#include "base/check.h"
#include "base/limits.h"
#include "client/api/json.h"
#include "crypt/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static enum err read_all(int fd, struct buf *out)
{
	for (;;) {
		ENSURE(out->len < out->cap, ERR_TOO_BIG);
		const ssize_t n = read(fd, out->p + out->len, out->cap - out->len);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return err_from_errno(errno);
		if (n == 0) return ERR_OK;
		out->len += (size_t)n;
	}
}

enum err input_read(const char *source, size_t max, struct buf *out)
{
	CLEANUP(closep) int opened = -1;
	int fd = STDIN_FILENO;

	if (strcmp(source, "-") != 0) {
		opened = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0) return err_from_errno(errno);
		fd = opened;
	}
	/* Room for the newline that will be dropped and for one byte that proves it is too long. */
	TRY(buf_reserve(out, max + 3));
	const enum err e = read_all(fd, out);
	if (e == ERR_OK) out->len = passphrase_trim_newline(buf_view(out)).len;
	if (e == ERR_OK && out->len <= max) return ERR_OK;
	buf_wipe(out);
	return e == ERR_OK ? ERR_TOO_BIG : e;
}

bool input_can_ask(const struct cli_call *call)
{
	return !call->no_input && isatty(STDIN_FILENO) == 1;
}

/* One line without echo. The terminal is put back whatever happens; Ctrl-C is blocked meanwhile and
 * arrives afterwards. */
static enum err read_line_silently(FILE *tty, const char *prompt, struct secret *into,
				   size_t *ret_len)
{
	struct termios before;
	sigset_t block;
	sigset_t old;
	const int fd = fileno(tty);

	ENSURE(tcgetattr(fd, &before) == 0, ERR_IO);
	struct termios silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON;
	ENSURE(sigemptyset(&block) == 0 && sigaddset(&block, SIGTSTP) == 0, ERR_IO);
	ENSURE(pthread_sigmask(SIG_BLOCK, &block, &old) == 0, ERR_IO);
	enum err e = tcsetattr(fd, TCSAFLUSH, &silent) == 0 ? ERR_OK : ERR_IO;
	/* Only now: what is typed behind the prompt must be neither shown nor flushed away. */
	(void)fprintf(stderr, "%s: ", prompt);
	size_t len = 0;
	while (e == ERR_OK) {
		const ssize_t n = read(fd, into->p + len, into->len - len);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) e = n < 0 ? ERR_IO : ERR_CANCELED;
		if (n > 0) len += (size_t)n;
		if (n > 0 && into->p[len - 1] == '\n') break;
		if (len >= into->len) e = ERR_TOO_BIG;
	}
	const bool restored = tcsetattr(fd, TCSAFLUSH, &before) == 0;
	(void)fputc('\n', stderr);
	ENSURE(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0 && restored, ERR_IO);
	TRY(e);
	*ret_len = len;
	return ERR_OK;
}

static enum err ask_once(const char *prompt, struct secret **ret_bytes)
{
	CLEANUP(secret_freep) struct secret *line = NULL;
	size_t len = 0;

	TRY(secret_new(PASSPHRASE_BYTES_MAX + 4, &line));
	TRY(read_line_silently(stdin, prompt, line, &len));
	const struct view text = passphrase_trim_newline(view_of(line->p, len));
	ENSURE(text.len > 0, ERR_CANCELED);
	return secret_new_copy(text, ret_bytes);
}

enum err input_ask_secret(struct cli_call *call, const char *what, bool twice,
			  struct secret **ret_bytes)
{
	CLEANUP(secret_freep) struct secret *first = NULL;
	CLEANUP(secret_freep) struct secret *second = NULL;
	char prompt[80];

	TRY(ask_once(what, &first));
	if (twice) {
		(void)snprintf(prompt, sizeof(prompt), "%.60s again", what);
		TRY(ask_once(prompt, &second));
		if (!secret_equal(first, second)) {
			return fault_set(&call->fault, ERR_BAD_VALUE, NULL,
					 "the two entries are not the same");
		}
	}
	*ret_bytes = TAKE(first);
	return ERR_OK;
}

static enum err fail_read(struct cli_call *call, const struct cli_param *param, const char *source,
			  enum err e)
{
	const bool is_file = strcmp(source, "-") != 0;
	const bool is_flag = cli_flag_find(call->command, param->name, strlen(param->name)) ==
			     param;

	if (e == ERR_NOMEM) return e;
	err_ignore(fault_set(&call->fault, e, NULL, "%s%s could not be read%s%.100s: %s",
			     is_flag ? "--" : "", param->name, is_file ? " from " : "",
			     is_file ? source : "",
			     e == ERR_NOT_FOUND ? "no such file" : err_text(e)));
	if (!is_file || param->take != CLI_TAKE_TEXT) return e;
	return fault_hint(&call->fault, "@FILE reads a file; a text that begins with @ comes in by "
					"- from standard input");
}

static enum err text_json(struct view bytes, json_t **ret_text)
{
	ENSURE(bytes.len == 0 || memchr(bytes.p, '\0', bytes.len) == NULL, ERR_BAD_TEXT);
	json_t *text = json_stringn(bytes.len > 0 ? (const char *)bytes.p : "", bytes.len);
	ENSURE(text != NULL, ERR_BAD_TEXT); /* jansson checks the UTF-8 */
	*ret_text = text;
	return ERR_OK;
}

static enum err read_value(struct cli_call *call, const struct cli_param *param, const char *source,
			   size_t max, json_t **ret_value)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };

	enum err e = input_read(source, max, &bytes);
	if (e == ERR_OK) e = text_json(buf_view(&bytes), ret_value);
	buf_wipe(&bytes);
	return e == ERR_OK ? ERR_OK : fail_read(call, param, source, e);
}

static enum err text_value(struct cli_call *call, const struct cli_value *v, json_t **ret_value)
{
	if (strcmp(v->text, "-") == 0) {
		if (isatty(STDIN_FILENO) == 1) {
			(void)fprintf(stderr, "%s (Ctrl-D on a line of its own ends it):\n",
				      v->param->help);
		}
		return read_value(call, v->param, v->text, TEXT_BYTES_MAX, ret_value);
	}
	if (v->text[0] == '@') {
		return read_value(call, v->param, v->text + 1, TEXT_BYTES_MAX, ret_value);
	}
	*ret_value = json_string(v->text);
	if (*ret_value != NULL) return ERR_OK;
	return fault_set(&call->fault, ERR_BAD_TEXT, NULL, "%s is not clean UTF-8 text",
			 v->param->name);
}

static enum err path_value(struct cli_call *call, const struct cli_value *v, json_t **ret_value)
{
	char here[PATH_MAX];

	if (v->text[0] == '/') {
		*ret_value = json_string(v->text);
	} else {
		if (getcwd(here, sizeof(here)) == NULL)
			return fail_read(call, v->param, v->text, ERR_IO);
		*ret_value = json_sprintf("%s/%s", here, v->text);
	}
	if (*ret_value != NULL) return ERR_OK;
	return fault_set(&call->fault, ERR_BAD_TEXT, NULL, "%s is not clean UTF-8 text",
			 v->param->name);
}

static json_t *number_value(const struct cli_value *v)
{
	if (v->param->take == CLI_TAKE_COUNT || strchr(v->text, '.') == NULL) {
		return json_integer((json_int_t)strtoll(v->text, NULL, 10));
	}
	return json_real(strtod(v->text, NULL));
}

static enum err value_json(struct cli_call *call, const struct cli_value *v, json_t **ret_value)
{
	switch (v->param->take) {
	case CLI_TAKE_NOTHING: *ret_value = json_true(); return ERR_OK;
	case CLI_TAKE_TEXT: return text_value(call, v, ret_value);
	case CLI_TAKE_SECRET:
		return read_value(call, v->param, v->text, PASSPHRASE_BYTES_MAX, ret_value);
	case CLI_TAKE_PATH: return path_value(call, v, ret_value);
	case CLI_TAKE_NUMBER:
	case CLI_TAKE_COUNT:
		*ret_value = number_value(v);
		ENSURE(*ret_value != NULL, ERR_NOMEM);
		return ERR_OK;
	case CLI_TAKE_YES_NO: *ret_value = json_boolean(strcmp(v->text, "yes") == 0); return ERR_OK;
	case CLI_TAKE_WORD:
	case CLI_TAKE_CHOICE:
		*ret_value = json_string(v->text);
		if (*ret_value != NULL) return ERR_OK;
		break;
	}
	return fault_set(&call->fault, ERR_BAD_TEXT, NULL, "%s is not clean UTF-8 text",
			 v->param->name);
}

static enum err put_value(json_t *request, const struct cli_param *param, json_t *value)
{
	if (!param->repeat) return json_put(request, param->key, value);
	json_t *list = json_object_get(request, param->key);
	if (list == NULL) {
		const enum err e = json_put(request, param->key, json_array());
		if (e != ERR_OK) {
			json_decref(value);
			return e;
		}
		list = json_object_get(request, param->key);
	}
	ENSURE(json_array_append_new(list, value) == 0, ERR_NOMEM);
	return ERR_OK;
}

static enum err gather_missing_secret(struct cli_call *call, const struct cli_param *param)
{
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	json_t *text = NULL;

	if (!input_can_ask(call)) {
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage", "--%s %s is missing: %s",
				     param->name, param->meta, param->help));
		return fault_hint(&call->fault, "Without a terminal nobody can be asked");
	}
	TRY(input_ask_secret(call, param->is_new ? "New passphrase" : "Passphrase", param->is_new,
			     &bytes));
	INSIST(bytes != NULL);
	TRY(text_json(secret_view(bytes), &text));
	return json_put(call->request, param->key, text);
}

enum err cli_gather(struct cli_call *call)
{
	REQUIRE(call->command != NULL && call->request == NULL);
	call->request = json_object();
	ENSURE(call->request != NULL, ERR_NOMEM);
	for (size_t i = 0; i < call->value_count; i++) {
		json_t *value = NULL;
		if (call->values[i].param->key == NULL) continue;
		TRY(value_json(call, &call->values[i], &value));
		TRY(put_value(call->request, call->values[i].param, value));
	}
	for (const struct cli_param *p = call->command->flags; p->name != NULL; p++) {
		if (p->take != CLI_TAKE_SECRET) continue;
		if (json_object_get(call->request, p->key) != NULL) continue;
		TRY(gather_missing_secret(call, p));
	}
	return ERR_OK;
}
