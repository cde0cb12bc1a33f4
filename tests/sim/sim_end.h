/* sim_end: the last looks of a run, when the network is whole and every outbox is empty. */
#pragma once

#include "sim/sim.h"

/* Signs everybody in everywhere, one after the other: equal records, own notes readable. */
void sim_end_look(struct sim *s);
