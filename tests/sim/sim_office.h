/* sim_office: rights and rooms that change during a run. */
#pragma once

#include "sim/sim.h"

/* The next change, at a time that is drawn. */
void sim_office_post(struct sim *s);
void sim_office_on_event(struct sim *s);
/* Between two events: what waits for the top level (a room that joins). */
void sim_office_between(struct sim *s);
