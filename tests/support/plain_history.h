/* plain_history: a made-up history of records of one kind, with tombstones, added in a drawn order
 * to the fold and told to the reference model: both must show the same.
 *
 * Threads: one.   Memory that runs out ends the process. */
#pragma once

#include "base/rand.h"
#include "record/kinds.h"

#define PLAIN_HISTORY_OPS 16u

/* True when they agree; else `ret_line` says where they part. All that is drawn comes from `r`. */
bool plain_history_agrees(const struct kind_info *info, const struct rand_source *r, char *ret_line,
			  size_t line_cap);
