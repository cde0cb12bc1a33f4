#include "sim/sim_crash.h"

#include "base/check.h"
#include "base/crashpoint.h"

uint64_t sim_crash_counts[CRASHPOINT_COUNT];

static struct sim_disk *inside; /* the node whose call runs now */

/* The linker sends every visit here (-Wl,--wrap=crashpoint). */
void __wrap_crashpoint(enum crashpoint point);

static bool counts_down(struct sim_disk *d, bool io)
{
	if (d == NULL || d->armed == 0 || d->armed_io != io || sim_disk_struck(d)) return false;
	return --d->armed == 0;
}

void __wrap_crashpoint(enum crashpoint point)
{
	struct sim_disk *d = inside;
	if (!counts_down(d, false)) return;
	sim_crash_counts[point]++;
	d->point = crashpoint_name(point);
	d->image = drive_take_image(d->drive, d->armed_for == SIM_DEATH_POWER);
}

static void on_io(void *ctx)
{
	struct sim_disk *d = ctx;
	if (d != inside || !counts_down(d, true)) return;
	d->point = "a change of its drive";
	d->image = drive_take_image(d->drive, d->armed_for == SIM_DEATH_POWER);
}

void sim_disk_init(struct sim *s, struct sim_disk *d, const char *name)
{
	char folder[DRIVE_NAME_BYTES_MAX];
	*d = (struct sim_disk){ .sim = s };
	const int n = snprintf(folder, sizeof(folder), "/sim/%s", name);
	INSIST(n > 0 && (size_t)n < sizeof(folder));
	d->drive = drive_new(folder, s->faults, &s->now_ms);
	drive_set_visitor(d->drive, on_io, d);
}

void sim_disk_fini(struct sim_disk *d)
{
	drive_image_free(d->image);
	drive_free(d->drive);
}

void sim_disk_arm(struct sim_disk *d, uint64_t visits, bool io, enum sim_death death)
{
	d->armed = visits;
	d->armed_io = io;
	d->armed_for = death;
}

void sim_crash_enter(struct sim_disk *d)
{
	INSIST(inside == NULL);
	inside = d;
	drive_expose(d->drive, true);
}

bool sim_crash_leave(struct sim_disk *d)
{
	INSIST(inside == d);
	inside = NULL;
	drive_expose(d->drive, false);
	if (drive_hits(d->drive) != 0) sim_trace(d->sim, "%s: a fault", drive_folder(d->drive));
	return sim_disk_struck(d);
}

bool sim_disk_excuses(const struct sim_disk *d, enum err e)
{
	const unsigned hits = drive_hits(d->drive);
	if (e == ERR_DISK_FULL) return (hits & DRIVE_HIT_SPACE) != 0;
	return e == ERR_IO && (hits & DRIVE_HIT_IO) != 0;
}

bool sim_disk_was_hit(const struct sim_disk *d)
{
	return drive_hits(d->drive) != 0;
}

void sim_disk_strike(struct sim *s, struct sim_disk *d, enum sim_death death)
{
	static const char *const names[] = { "exit", "kill", "power cut" };
	if (sim_disk_struck(d)) {
		death = d->armed_for;
	} else {
		d->point = "between calls";
		d->power = death == SIM_DEATH_POWER;
		if (death != SIM_DEATH_EXIT) drive_stop(d->drive);
	}
	sim_trace(s, "%s of %s at %s", names[death], drive_folder(d->drive) + 5, d->point);
}

void sim_disk_switch(struct sim_disk *d)
{
	if (d->image != NULL) drive_put_image(d->drive, d->image);
	drive_go_on(d->drive, d->power);
	d->image = NULL;
	d->armed = 0;
	d->point = NULL;
}
