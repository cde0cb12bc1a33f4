/* sim_outbox: a room's outbox against what the server has: every receipt that is booked is true,
 * and nothing is set aside but what may be. */
#pragma once

#include "sim/sim_room.h"

/* Every row: committed under the server's number, rejected with its verdict, quarantined only when
 * the author was dismissed. */
void sim_outbox_check(struct sim *s, struct sim_room *r);
/* At the end: may this op, saved in that room, not be among the server's rows? Its author was
 * dismissed and it is kept aside, or its room is retired and it is still queued there. */
bool sim_outbox_may_keep(struct sim *s, unsigned room, const struct id *op_id);
