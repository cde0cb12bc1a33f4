/* print_proof: assessments and their changes for a person at a terminal.
 * Threads: any.  Errors: ERR_NOMEM.  Answers: client/api/show_proof.h, verbs_proof.c. */
#pragma once

#include "base/err.h"

#include <jansson.h>

/* After "Added measure ..." and "Signed session ...": how it compares, what a positive test asks
 * for, and the warnings of signing, each a line on standard error (they are no part of the answer
 * that scripts read). Says nothing for other answers. */
void print_proof_remarks(const json_t *answer);

/* `show progress`: a block a series, a line a visit. */
MUST_USE enum err print_progress(const json_t *answer);

/* In `show session`: changes, the counter, and the warnings of a draft. */
MUST_USE enum err print_session_proof(const json_t *answer);

/* Above the table of `show report`. */
void print_report_head(const json_t *answer);
