/* sim_crash: what a killed process leaves behind.
 *
 * A node that makes a call which touches its database wraps it in sim_crash_enter and _leave.
 * While it is inside and armed, the n-th crash point copies the node's files; _leave then says so,
 * and the node crashes as if the process had died there. */
#pragma once

#include "sim/sim.h"

struct sim_disk {
	char folder[SIM_PATH_MAX]; /* of this life */
	char base[SIM_PATH_MAX];
	const char *file; /* "clinic.db" */
	unsigned generation;
	uint64_t armed;    /* visits left; 0: not armed */
	bool struck;       /* the copy is made: this life is a ghost */
	const char *point; /* where */
	char copy[SIM_PATH_MAX];
};

void sim_disk_init(struct sim *s, struct sim_disk *d, const char *name, const char *file);
void sim_crash_enter(struct sim_disk *d);
/* True: the process died inside. */
bool sim_crash_leave(struct sim_disk *d);
/* Takes the copy now, unless a crash point has taken it. */
void sim_disk_snapshot(struct sim *s, struct sim_disk *d);
/* After all handles are closed: goes on with the copy, drops the old folder. */
void sim_disk_switch(struct sim *s, struct sim_disk *d);
/* Times each point was struck, all seeds of this process; by enum crashpoint. */
extern uint64_t sim_crash_counts[];
