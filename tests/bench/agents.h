/* agents: two real rooms (`roomkeep serve`), driven as the command line does: HTTP on Unix sockets.
 *
 * Saved is the text of a session in room A; room B is another person's. What is polled is polled
 * without a pause, so a figure is at most one poll too long and the polls load what they measure.
 * Owns:    nothing between two calls.   Threads: one. */
#pragma once

#include "bench/samples.h"

struct agents {
	const char *a; /* sockets */
	const char *b;
	const char *patient_id;
	char session_id[64];
	unsigned saves;  /* in this session */
	unsigned serial; /* makes texts different */
	unsigned lost;   /* saves that were not committed or shown within AGENT_NS_MAX */
};

#define AGENT_NS_MAX UINT64_C(5000000000)
#define AGENT_LOST_MAX 3u /* then the agents are left alone */

struct agents_samples {
	struct samples *saved;     /* until the answer: in this room's store, flushed */
	struct samples *committed; /* until A's status counts nothing queued */
	struct samples *shown;     /* until B shows the text */
};

/* `count` saves for `committed` and as many for `shown`; `saved` gets all. */
void agents_run(struct agents *a, size_t count, struct agents_samples *s);
