/* input: the second half of reading a call: texts from standard input and files, passphrases from a
 * prompt or a file, all into the JSON request.
 *
 * Owns:    nothing; the request belongs to the call.    Threads: one.
 * Limits:  TEXT_BYTES_MAX per text, PASSPHRASE_BYTES_MAX per passphrase.
 * Errors:  ERR_USAGE (a value is missing and nobody can be asked), ERR_NOT_FOUND (no such file),
 *          ERR_TOO_BIG, ERR_BAD_TEXT, ERR_IO, ERR_NOMEM; the call's fault says which.
 * Secrets: passphrases pass through guarded memory, a buf that is wiped, and jansson's wiped
 *          memory. */
#pragma once

#include "base/buf.h"
#include "client/cli/parse.h"
#include "crypt/secret.h"

/* Fills call->request from the values. Asks for secrets that are missing, if a person is there. */
MUST_USE enum err cli_gather(struct cli_call *call);

/* Everything of a file or of standard input (`-`), one trailing newline dropped, appended to
 * `out`, which is empty and grows once: wipe it after use. ERR_TOO_BIG above `max`. */
MUST_USE enum err input_read(const char *source, size_t max, struct buf *out);

/* Asks on the terminal without echo; `twice` compares two entries. ERR_USAGE without a terminal. */
MUST_USE enum err input_ask_secret(struct cli_call *call, const char *what, bool twice,
				   struct secret **ret_bytes);

/* Is a person at standard input, and may we ask? */
bool input_can_ask(const struct cli_call *call);
