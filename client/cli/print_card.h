/* print_card: the welcome card for a person who stands an arm's length away: short lines, one
 * thing each, nothing where nothing is to be said.   Threads: one.   Owns: nothing. */
#pragma once

#include "base/err.h"

#include <jansson.h>

MUST_USE enum err print_card(const json_t *answer);
