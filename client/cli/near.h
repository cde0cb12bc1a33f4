/* near: which command, flag or choice was probably meant (cli/words.h says how near two words are).
 * Only ever a suggestion; nothing is run on a guess.
 * Threads: any. */
#pragma once

#include "cli/words.h"

#include <stddef.h>

struct cli_command;

/* The command that was probably meant by these words (noun may be NULL), or NULL. A known noun
 * weighs most, because that is what a person wants to get at: "shwo rooms" means "list rooms". */
const struct cli_command *near_command(const char *verb, const char *noun);
/* The flag of `command` that was probably meant, or NULL. `len` of `name`. */
const char *near_flag(const struct cli_command *command, const char *name, size_t len);
/* The word of "a|b|c" that was probably meant, copied to `ret` (WORDS_MAX + 1), or "". */
void near_choice(const char *choices, const char *typed, char *ret);
