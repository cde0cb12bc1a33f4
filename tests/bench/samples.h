/* samples: how long one thing took, many times over several rounds, and what they say.
 *
 * Owns:    the numbers.   Threads: one.   Time is nanoseconds of the monotonic clock. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#define SAMPLES_ROUNDS_MAX 64u

struct samples {
	uint64_t *ns; /* owned; of all rounds */
	size_t count;
	size_t cap;
	size_t round_at; /* where this round's begin */
	uint64_t round_median[SAMPLES_ROUNDS_MAX];
	size_t rounds;
	uint64_t units;     /* saved ops, when one sample is not one */
	uint64_t wall_ns;   /* of all rounds */
	uint64_t mine_ns;   /* CPU of this process meanwhile */
	uint64_t server_ns; /* CPU of the server's process meanwhile */
	uint64_t began_wall;
	uint64_t began_mine;
	uint64_t began_server;
};

uint64_t now_ns(void);

void samples_add(struct samples *s, uint64_t ns);
/* `server`: its process, 0 for none. */
void samples_begin_round(struct samples *s, pid_t server);
/* With `keep` false the round was a warm-up: it leaves no trace. */
void samples_end_round(struct samples *s, pid_t server, bool keep);

/* {"name","n","median_us","p99_us","rounds_us":[...], CPU}; ends the samples. */
json_t *samples_report(struct samples *s, const char *name);
