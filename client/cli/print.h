/* print: answers and errors for people, or as JSON.
 *
 * Threads: one.  stdout is the answer, stderr everything else; colour only on a terminal and
 * never with NO_COLOR, TERM=dumb or --color=never (ROOM-UI C1). */
#pragma once

#include "base/buf.h"
#include "client/cli/parse.h"

#include <jansson.h>

/* Prints the answer as the call wants it. Returns EXIT_DONE, or EXIT_DISK when stdout failed. */
int print_answer(const struct cli_call *call, const json_t *answer);

/* Prints the fault. Returns its exit status. */
int print_fault(const struct cli_call *call, const struct fault *fault);

/* A value as a cell. RFC 3339 is for programs: a time ("..._at") is shown to the minute, in the
 * time zone of the room; a list is joined by commas. Appends; ERR_NOMEM. */
MUST_USE enum err print_add_cell(struct buf *out, const char *key, const json_t *value);

/* `text` with {key} replaced from `answer`, else from `request`; a list is joined by commas.
 * Malloc'ed, NULL when memory ran out. */
char *print_fill(const char *text, const json_t *answer, const json_t *request);
