/* sim_crash: how a node dies, and what it leaves on its drive.
 *
 * A node that makes a call which touches its database wraps it in sim_crash_enter and _leave.
 * While it is inside, faults of its drive strike; and when it is armed, the n-th crash point or
 * the n-th change or sync of its drive takes an image of the drive. The call then comes to its end
 * as a ghost that nobody hears; _leave says so, and the node goes on from the image, as if the
 * process or the machine had died there. */
#pragma once

#include "sim/sim.h"
#include "sim/sim_drive.h"

enum sim_death {
	SIM_DEATH_EXIT,  /* in its own good order: all is closed */
	SIM_DEATH_KILL,  /* kill -9: what was written is there, synced or not */
	SIM_DEATH_POWER, /* what was not synced may be gone, in part or whole */
};

struct sim_disk {
	struct sim *sim;     /* borrowed, for the trace */
	struct drive *drive; /* owned */
	uint64_t armed;      /* visits left; 0: not armed */
	bool armed_io;       /* visits of the drive count, not those of crash points */
	enum sim_death armed_for;
	struct drive_image *image; /* owned; not NULL: this life is a ghost */
	bool power;                /* of a death between calls */
	const char *point;         /* where it died */
};

void sim_disk_init(struct sim *s, struct sim_disk *d, const char *name);
void sim_disk_fini(struct sim_disk *d);
static inline bool sim_disk_struck(const struct sim_disk *d)
{
	return d->image != NULL;
}
void sim_disk_arm(struct sim_disk *d, uint64_t visits, bool io, enum sim_death death);
void sim_crash_enter(struct sim_disk *d);
/* True: the process died inside. */
bool sim_crash_leave(struct sim_disk *d);
/* An error that an honest disk may give: it did fail in that way since sim_crash_enter. */
bool sim_disk_excuses(const struct sim_disk *d, enum err e);
/* Some call since sim_crash_enter met a fault, whatever came of it. */
bool sim_disk_was_hit(const struct sim_disk *d);

/* Dies now, unless it is a ghost already. */
void sim_disk_strike(struct sim *s, struct sim_disk *d, enum sim_death death);
/* After all handles are closed: goes on with what is left. */
void sim_disk_switch(struct sim_disk *d);
/* Times each point was struck, all seeds of this process; by enum crashpoint. */
extern uint64_t sim_crash_counts[];
