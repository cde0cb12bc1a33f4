/* table: everything `roomkeep` can be asked, in one place. The parser, the help, the near misses
 * and the tests read these rows; a new command is a new row and a verb of the agent. The commands
 * of plain records are made from the kind table (record_table.h).
 *
 * Owns:    nothing; static storage.    Threads: one; the first look makes the rows of records.
 * Sources: issue 2, "The command-line contract"; ROOM-UI C1, C3. */
#pragma once

#include "record/kinds.h"

#include <stdbool.h>
#include <stddef.h>

/* How the text of one value is understood. */
enum cli_take {
	CLI_TAKE_NOTHING, /* a switch */
	CLI_TAKE_WORD,    /* as it stands */
	CLI_TAKE_TEXT,    /* patient text or a code: `-` reads standard input, @FILE a file */
	CLI_TAKE_NUMBER,  /* a decimal number */
	CLI_TAKE_COUNT,   /* a whole number within [min, max] */
	CLI_TAKE_CHOICE,  /* one word of `choices` */
	CLI_TAKE_YES_NO,  /* yes or no; true or false in the request */
	CLI_TAKE_SECRET,  /* a file with a passphrase, `-` standard input; absent: a prompt */
	CLI_TAKE_PATH,    /* made absolute, because the agent stands elsewhere */
};

struct cli_param {
	const char *name;    /* a flag's name without dashes; NULL ends the list */
	const char *key;     /* its key in the request */
	const char *meta;    /* what help calls the value; NULL for a switch */
	const char *help;    /* one line; also the prompt's word for a secret */
	const char *choices; /* "pre|mid|post" for CLI_TAKE_CHOICE */
	enum cli_take take;
	bool required;
	bool repeat;   /* may be given again; the values become a list */
	bool is_new;   /* a secret that is being chosen: asked twice */
	long min, max; /* for CLI_TAKE_COUNT */
};

#define CLI_ARGS_MAX 2u
#define CLI_FLAGS_MAX 64u

struct cli_call;

struct cli_command {
	const char *verb;
	const char *noun; /* NULL: the verb stands alone */
	const char *help; /* what it does, one line */
	struct cli_param
		args[CLI_ARGS_MAX + 1]; /* arguments without a flag; `name` is unused but set */
	const struct cli_param *flags;  /* at most CLI_FLAGS_MAX, ended by a row without name */
	const char *examples[2];
	const char *exits; /* exits of its own, beside 0, 64 and 70 */

	/* Runs it. Returns the process's exit status. */
	int (*run)(struct cli_call *call);
	const char *path; /* of the agent's verb, for cli_run_verb */
	unsigned wait_s;  /* how long the agent may take; 0: CLI_WAIT_S */

	/* The answer for people. `done`: a line with {key} taken from the answer or the request;
	 * `list`: the key of the rows, `columns` their keys, "key:Title,key:Title". */
	const char *done;
	const char *list;
	const char *columns;
	const char *empty; /* said instead of a table without rows */

	const struct kind_info *kind; /* of the commands of plain records */
};

const struct cli_command *cli_commands(size_t *ret_count);

/* Flags that every command takes. */
extern const struct cli_param cli_global_flags[];

#define CLI_WAIT_S 60u

/* The flag of this command, or the global one; NULL when it has none. `len` of `name`. */
const struct cli_param *cli_flag_find(const struct cli_command *command, const char *name,
				      size_t len);
/* Any command's flag of this name: for telling values from words before the command is known. */
const struct cli_param *cli_flag_find_any(const char *name, size_t len);
/* Exactly this verb and noun (NULL: none). */
const struct cli_command *cli_command_find(const char *verb, const char *noun);
