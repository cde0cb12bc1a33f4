/* table_rows: what the rows of the command table are written with, and the rows that have a file of
 * their own. For table*.c only.
 * Owns: nothing; static storage.   Threads: any. */
#pragma once

#include "client/cli/table.h"

/* table_export.c: files about a patient that leave the room. */
#define CLI_EXPORT_COMMANDS 3u
extern const struct cli_command cli_export_commands[CLI_EXPORT_COMMANDS];
/* table_trust.c: what the patient is owed. */
#define CLI_TRUST_COMMANDS 5u
extern const struct cli_command cli_trust_commands[CLI_TRUST_COMMANDS];

#define ARG(key_, meta_, take_, help_)                                                             \
	{                                                                                          \
		.name = key_, .key = key_, .meta = meta_, .take = take_, .help = help_,            \
		.required = true                                                                   \
	}
#define FLAG(name_, key_, meta_, take_, help_)                                                     \
	{                                                                                          \
		.name = name_, .key = key_, .meta = meta_, .take = take_, .help = help_            \
	}
#define NEED(name_, key_, meta_, take_, help_)                                                     \
	{                                                                                          \
		.name = name_, .key = key_, .meta = meta_, .take = take_, .help = help_,           \
		.required = true                                                                   \
	}
#define PASSPHRASE                                                                                 \
	{                                                                                          \
		.name = "passphrase-file", .key = "passphrase", .meta = "FILE",                    \
		.take = CLI_TAKE_SECRET, .help = "passphrase from FILE (- is standard input)",     \
		.required = true                                                                   \
	}
#define NEW_PASSPHRASE(name_, key_)                                                                \
	{                                                                                          \
		.name = name_, .key = key_, .meta = "FILE", .take = CLI_TAKE_SECRET,               \
		.help = "new passphrase from FILE (- is standard input)", .required = true,        \
		.is_new = true                                                                     \
	}

#define EXITS_AGENT "69 agent not running"
#define EXITS_SIGNED_IN "69 agent not running, 77 nobody signed in or not allowed"
#define EXITS_ID "66 unknown id, 69 agent not running, 77 nobody signed in or not allowed"

#define FLAGS(...)                                                                                 \
	(const struct cli_param[])                                                                 \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

#define FILE_FLAGS                                                                                 \
	NEED("file", "file", "FILE", CLI_TAKE_PATH, "where to; readable by you only"),             \
		FLAG("overwrite", "overwrite", NULL, CLI_TAKE_NOTHING,                             \
		     "replace a file that is there")
#define NAMES_FLAG                                                                                 \
	{                                                                                          \
		.name = "names", .key = "names", .meta = "WHAT", .take = CLI_TAKE_CHOICE,          \
		.choices = "gap|not_them",                                                         \
		.help = "a relative's name in a text: gap leaves the sentence out"                 \
	}
