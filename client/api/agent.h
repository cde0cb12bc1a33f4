/* agent: `roomkeep serve`, the one process of a room: loop, link to the server, sync engine, the
 * desk thread with keys and database, and the local door (HTTP on home/agent.sock).
 *
 *	 command line --HTTP--> http --+                          +--> link ==TLS== server
 *	                               |        loop thread       |
 *	                               +--> calls --> sync -------+
 *	                                      |  ^     |  ^
 *	                                      v  |     v  |   jobs, one at a time
 *	                               +---------- desk thread ----------+
 *	                               |  verbs   asks   vault   room.db |
 *	                               +---------------------------------+
 *
 * Owns:    everything it starts; agent_serve returns with all of it gone (loop_close gives 0).
 * Threads: the caller's becomes the loop thread; one desk thread.
 * Locks:   signs the person out after `idle_ms` without a call of a person (`status` and `sync`
 *          are asked by scripts and do not count), 12 h after sign-in, when the machine slept, and
 *          at its own end.
 * Signals: SIGTERM and SIGINT end it.
 * Errors:  with the fault filled: 69 the home is in use, 74 the disk failed (it stops
 *          acknowledging and ends; nothing is tried again after a failed fsync), 78 the home is
 *          no room yet. */
#pragma once

#include "cli/fault.h"

#include <stdint.h>

#define AGENT_IDLE_MS (30u * 60u * 1000u)
#define AGENT_DAY_MS (12u * 60u * 60u * 1000u) /* SECURITY 2.14 */

struct agent_options {
	const char *home_path;
	uint64_t idle_ms; /* 0: AGENT_IDLE_MS */
};

/* Prints READY on standard output when it answers calls. Returns when it was told to end. */
MUST_USE enum err agent_serve(const struct agent_options *options, struct fault *fault);
