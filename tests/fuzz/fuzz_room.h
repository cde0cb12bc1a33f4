/* fuzz_room: one real room with a server beside it, for targets that need a signed-in person.
 *
 * A room's database cannot go back between runs, so the world is made anew after some of them. A
 * program that links this has no true fsync: no run cuts the power, and a disk would be all that
 * its targets measure.
 * Owns:    the world, until the process ends.   Threads: one. */
#pragma once

#include "fuzz/fuzz.h"
#include "support/rooms_world.h"

/* Room 1, founded, Jo (owner and therapist) signed in, Mara added, all sent. Made anew by the first
 * call, by every `runs`th call after it, and when nobody is signed in; then `fill` (may be NULL)
 * writes its records, and *ret_mara is set. */
struct room *fuzz_room(unsigned runs, void (*fill)(struct room *r), struct id *ret_mara);
