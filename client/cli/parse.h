/* parse: from argv to a command and its values, without touching anything else. A wrong call is
 * found here, before a file is read or the agent is asked.
 *
 * Owns:    a call owns copies of its values, wiped by cli_call_fini.    Threads: one.
 * Limits:  CLI_VALUES_MAX values.
 * Errors:  ERR_USAGE with the fault filled (exit 64), ERR_NOMEM. */
#pragma once

#include "cli/fault.h"
#include "client/cli/table.h"

#define CLI_VALUES_MAX 64u

enum cli_color { CLI_COLOR_AUTO, CLI_COLOR_ALWAYS, CLI_COLOR_NEVER };

struct cli_value {
	const struct cli_param *param;
	char *text; /* owned; NULL for a switch */
};

struct cli_call {
	const struct cli_command *command; /* NULL: only --help or --version */
	struct cli_value values[CLI_VALUES_MAX];
	size_t value_count;
	unsigned arg_count; /* of them, arguments without a flag */
	const char *home;   /* --home as typed; borrows from values, NULL: absent */
	bool json, quiet, verbose, no_input;
	bool help, version;
	enum cli_color color;
	char verb[32];   /* as typed, for help on a verb; cut off */
	json_t *request; /* owned; made by input.h */
	struct fault fault;
};

/* Reads argv; the strings are not changed, the caller blanks them afterwards (cli_blank_argv).
 * `call` is written also on error, so that --json can shape the error; fini it always. */
MUST_USE enum err cli_parse(int argc, char **argv, struct cli_call *call);
void cli_call_fini(struct cli_call *call);
void cli_call_finip(struct cli_call *call); /* for CLEANUP */

/* The value of the flag or argument with this key, or NULL. */
const char *cli_value_of(const struct cli_call *call, const char *key);
bool cli_value_is(const struct cli_call *call, const char *key);

/* Overwrites every argument: nothing a person typed stays visible to ps. */
void cli_blank_argv(int argc, char **argv);
