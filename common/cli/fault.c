#include "cli/fault.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fault_exit_of(enum err e)
{
	switch (e) {
	case ERR_OK: return EXIT_DONE;
	case ERR_SIGNED:
	case ERR_CONFLICT:
	case ERR_CLASH:
	case ERR_EXISTS:
	case ERR_FULL:
	case ERR_USED:
	case ERR_EXPIRED: return EXIT_FAILED;
	case ERR_USAGE: return EXIT_USAGE;
	case ERR_BAD_VALUE:
	case ERR_BAD_TEXT:
	case ERR_BAD_FORMAT:
	case ERR_TOO_BIG: return EXIT_BAD_DATA;
	case ERR_NOT_FOUND: return EXIT_NO_SUCH;
	case ERR_OFFLINE:
	case ERR_REFUSED:
	case ERR_TLS:
	case ERR_CLOSED:
	case ERR_TRUNCATED:
	case ERR_PROTO: return EXIT_UNREACHABLE;
	case ERR_IO:
	case ERR_DISK_FULL:
	case ERR_STORE:
	case ERR_CORRUPT: return EXIT_DISK;
	case ERR_BUSY:
	case ERR_TIMEOUT:
	case ERR_CANCELED: return EXIT_LATER;
	case ERR_THROTTLED: /* not allowed now; a script that waits for 77 sees one answer */
	case ERR_AUTH:
	case ERR_KDF_FLOOR:
	case ERR_DENIED:
	case ERR_SIGNED_OUT:
	case ERR_FORK: return EXIT_NOT_ALLOWED;
	case ERR_CONFIG:
	case ERR_VERSION: return EXIT_CONFIG;
	case ERR_MORE:
	case ERR_NOMEM:
	case ERR_LANE_GAP:
	case ERR_BUG: break;
	}
	return EXIT_BUG;
}

static void fault_copy(char *to, size_t cap, const char *from)
{
	const size_t len = strlen(from) < cap ? strlen(from) : cap - 1;

	memcpy(to, from, len);
	to[len] = '\0';
}

void fault_default(struct fault *f, enum err e)
{
	if (f->err != ERR_OK) return;
	f->err = e;
	f->exit = fault_exit_of(e);
	const char *code = e == ERR_SIGNED ? "session_signed" : err_name(e);
	fault_copy(f->code, sizeof(f->code), code);
	fault_copy(f->message, sizeof(f->message), err_text(e));
}

enum err fault_set(struct fault *f, enum err e, const char *code, const char *message, ...)
{
	REQUIRE(e != ERR_OK);
	*f = (struct fault){ .err = e, .exit = fault_exit_of(e) };
	fault_copy(f->code, sizeof(f->code), code != NULL ? code : err_name(e));

	va_list args;
	va_start(args, message);
	if (vsnprintf(f->message, sizeof(f->message), message, args) < 0) {
		fault_copy(f->message, sizeof(f->message), err_text(e));
	}
	va_end(args);
	return e;
}

enum err fault_hint(struct fault *f, const char *hint, ...)
{
	va_list args;
	va_start(args, hint);
	if (vsnprintf(f->hint, sizeof(f->hint), hint, args) < 0) f->hint[0] = '\0';
	va_end(args);
	return f->err;
}

json_t *fault_to_json(const struct fault *f)
{
	return json_pack("{s:{s:s, s:s, s:s?, s:i}}", "error", "code", f->code, "message",
			 f->message, "hint", f->hint[0] != '\0' ? f->hint : NULL, "exit", f->exit);
}

void fault_from_json(const json_t *answer, struct fault *ret)
{
	const json_t *said = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(said, "code"));
	const char *message = json_string_value(json_object_get(said, "message"));
	const char *hint = json_string_value(json_object_get(said, "hint"));
	const json_int_t exit_code = json_integer_value(json_object_get(said, "exit"));

	*ret = (struct fault){ .err = ERR_BUG, .exit = EXIT_BUG };
	if (code == NULL || message == NULL || exit_code <= 0 || exit_code > 255) {
		fault_copy(ret->code, sizeof(ret->code), "bug");
		fault_copy(ret->message, sizeof(ret->message),
			   "the agent's answer could not be read");
		return;
	}
	ret->exit = (int)exit_code;
	fault_copy(ret->code, sizeof(ret->code), code);
	fault_copy(ret->message, sizeof(ret->message), message);
	if (hint != NULL) fault_copy(ret->hint, sizeof(ret->hint), hint);
}
