/* cli: the words of `roomkeepd`, which knows the server's machine and nothing of keys or patients.
 *
 * One table (verb, noun, flags, help, two examples, exits) feeds the parser, the help and the near
 * misses; a new command is a row and a function. A wrong call changes nothing and exits 64.
 * stdout is the answer, stderr everything else; with --json both are one object each (ROOM-UI C1).
 * Threads: main.    Errors: exit statuses of cli/fault.h. */
#pragma once

#include "cli/fault.h"

#include <stdbool.h>

#define CLI_WORDS_MAX 3u

struct cli_args {
	const char *words[CLI_WORDS_MAX]; /* what follows verb and noun; NULL: absent */
	const char *data;                 /* --data, ROOMKEEP_DATA or the built-in folder */
	const char *listen;               /* NULL: absent */
	bool json, quiet, verbose, renew_code, help, version;
	struct fault fault; /* why the command did not do it */
};

/* Runs the program; returns the exit status. */
int cli_main(int argc, char **argv);

/* Prints one JSON object and a newline on stdout; takes `json`. ERR_NOMEM for NULL, ERR_IO. */
MUST_USE enum err cli_print_json(json_t *json);

/* Fills the fault for files that others can read; returns ERR_CONFIG. */
enum err cli_fail_modes(struct cli_args *args);
/* What opening the clinic's database can find, in words. Returns `e`, ERR_OK as well. */
MUST_USE enum err cli_fail_folder(struct cli_args *args, enum err e);
/* The same for server.key and secrets, of a clinic that is there. */
MUST_USE enum err cli_fail_keys(struct cli_args *args, enum err e);

/* The commands; each in a file of its own. They return the exit status of a success, or fill
 * args->fault. */
MUST_USE enum err cli_init(struct cli_args *args, int *ret_exit);
MUST_USE enum err cli_serve(struct cli_args *args, int *ret_exit);
MUST_USE enum err cli_status(struct cli_args *args, int *ret_exit);
MUST_USE enum err cli_check_database(struct cli_args *args, int *ret_exit);
MUST_USE enum err cli_block_user(struct cli_args *args, int *ret_exit);
MUST_USE enum err cli_show_paths(struct cli_args *args, int *ret_exit);
MUST_USE enum err cli_show_fingerprint(struct cli_args *args, int *ret_exit);
