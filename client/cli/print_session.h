/* print_session: what a session holds beside its texts and measures, for people; part of print.h.
 *
 * Owns:    nothing.   Threads: one.   Errors: ERR_NOMEM. */
#pragma once

#include "base/err.h"

#include <jansson.h>

/* Before everything else: on which chart it should not be, and that it was signed late. */
void print_session_marks(const json_t *answer);
/* Fields, lists, what is proposed and what is missing. */
MUST_USE enum err print_session_chart(const json_t *answer);
