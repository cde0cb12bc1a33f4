/* print: answers and errors for people, or as JSON.
 *
 * Threads: one.  stdout is the answer, stderr everything else; colour only on a terminal and
 * never with NO_COLOR, TERM=dumb or --color=never (ROOM-UI C1). */
#pragma once

#include "client/cli/parse.h"

/* Prints the answer as the call wants it. Returns EXIT_DONE, or EXIT_DISK when stdout failed. */
int print_answer(const struct cli_call *call, const json_t *answer);

/* Prints the fault. Returns its exit status. */
int print_fault(const struct cli_call *call, const struct fault *fault);

/* `text` with {key} replaced from `answer`, else from `request`; a list is joined by commas.
 * Malloc'ed, NULL when memory ran out. */
char *print_fill(const char *text, const json_t *answer, const json_t *request);
