/* record_table: the commands of plain records, made from the kind table: add, set, list and show
 * with a flag for each field; part of table.h.
 *
 * Owns:    nothing; static storage, filled once.    Threads: one. */
#pragma once

#include "client/cli/table.h"

#define CLI_RECORD_COMMANDS_MAX (4u * KIND_PLAIN_COUNT)

/* Fills `ret` (CLI_RECORD_COMMANDS_MAX) and returns how many. Call once. */
size_t cli_record_commands(struct cli_command *ret);

/* `own`, and a flag for each single value of a session (KIND_SESSION_CHART): of `set session`,
 * which says all of it. Call once, after the above. */
const struct cli_param *cli_session_flags(const struct cli_param *own);

/* "health-answer": what a kind is called on the command line; and a key's title, "Asked on". */
void cli_record_noun(const struct kind_info *info, char *ret, size_t cap);
void cli_record_title(const char *key, char *ret, size_t cap);
