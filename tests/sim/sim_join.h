/* sim_join: the clinic is founded and rooms join, by the real frames.
 *
 * Runs events until that is done: for the top level only, not from within one. With
 * swarm.setup_percent tries meet crashes of either side and cuts; the last tries do not. */
#pragma once

#include "sim/sim_room.h"

/* The room is LOCAL_READY afterwards; sync is not started. */
MUST_USE enum err sim_join_found(struct sim *s, struct sim_room *r);
/* `code` may be empty: then only an earlier try is brought to its end. */
MUST_USE enum err sim_join_enrol(struct sim *s, struct sim_room *r, struct view code,
				 unsigned tries_max);
