/* fault: what a verb tells the caller when it does not do what was asked: a code for scripts, a
 * sentence and a hint for people, and the exit status of the command line (ROOM-UI C1).
 *
 * Owns:    its texts, by value.     Threads: a value.
 * Never in a text: patient text, notes, passphrases, codes (STYLE 1.12); ids and field names only.
 */
#pragma once

#include "base/err.h"

#include <jansson.h>

/* Exit statuses of ROOM-UI C1 (sysexits.h where it has one). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_NEEDS_PERSON = 3,
	EXIT_USAGE = 64,
	EXIT_BAD_DATA = 65,
	EXIT_NO_SUCH = 66,
	EXIT_UNREACHABLE = 69,
	EXIT_BUG = 70,
	EXIT_DISK = 74,
	EXIT_LATER = 75,
	EXIT_NOT_ALLOWED = 77,
	EXIT_CONFIG = 78,
	EXIT_INTERRUPTED = 130,
};

#define FAULT_TEXT_BYTES 1024u /* a list of allowed words fits */

struct fault {
	enum err err;                   /* ERR_OK: nothing is wrong */
	int exit;                       /* enum exit_code */
	char code[40];                  /* "session_signed": lower case, never translated */
	char message[FAULT_TEXT_BYTES]; /* what happened, a sentence without a full stop */
	char hint[FAULT_TEXT_BYTES];    /* what to do; empty: nothing to say */
};

/* The exit status that stands for an error value when a verb has nothing better to say. */
int fault_exit_of(enum err e);

/* Fills code, message and exit from `e` alone; keeps a fault that is filled already. */
void fault_default(struct fault *f, enum err e);

/* Fills all of it and returns `e`, so that a verb ends with `return fault_set(...)`. `code` NULL
 * takes err_name(e); exit comes from fault_exit_of. */
__attribute__((format(printf, 4, 5))) MUST_USE enum err fault_set(struct fault *f, enum err e,
								  const char *code,
								  const char *message, ...);

/* Adds the hint; also returns f->err. */
__attribute__((format(printf, 2, 3))) enum err fault_hint(struct fault *f, const char *hint, ...);

/* {"error":{"code","message","hint","exit"}}; a new reference, NULL when memory ran out. */
json_t *fault_to_json(const struct fault *f);
/* Reads what fault_to_json wrote; anything else becomes a BUG fault. */
void fault_from_json(const json_t *answer, struct fault *ret);
