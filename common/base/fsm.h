/* fsm: states in a table, so that a forbidden move is found where it is made.
 *
 * A module writes one `struct fsm_state` per enum value; fsm_move checks the table and aborts on a
 * move it does not list (that is our bug: what a peer may send in which state is checked first and
 * is an error value). The form follows dqlite's sm.h. Threads: as the owner. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FSM_TO(state) (1u << (unsigned)(state))
#define FSM_INITIAL 1u
#define FSM_FINAL 2u

struct fsm_state {
	const char *name;
	uint32_t allowed; /* FSM_TO() of each next state */
	uint32_t flags;   /* FSM_INITIAL, FSM_FINAL */
};

struct fsm {
	const struct fsm_state *table; /* static storage of the owner's module */
	unsigned count;
	unsigned now;
};

/* Requires: `first` is marked FSM_INITIAL. */
void fsm_init(struct fsm *m, const struct fsm_state *table, unsigned count, unsigned first);
void fsm_move(struct fsm *m, unsigned next);
bool fsm_may_move(const struct fsm *m, unsigned next);
const char *fsm_name(const struct fsm *m);
