#include "bench/samples.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec t;
	INSIST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(pid_t pid)
{
	clockid_t clock;
	struct timespec t;
	if (pid == 0) return 0;
	INSIST(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void samples_add(struct samples *s, uint64_t ns)
{
	if (s->count == s->cap) {
		s->cap = s->cap == 0 ? 4096 : s->cap * 2;
		s->ns = realloc(s->ns, s->cap * sizeof(*s->ns));
		INSIST(s->ns != NULL);
	}
	s->ns[s->count++] = ns;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* Nearest rank; sorts. */
static uint64_t percentile(uint64_t *ns, size_t count, unsigned percent)
{
	if (count == 0) return 0;
	qsort(ns, count, sizeof(*ns), by_size);
	const size_t rank = (count * percent + 99) / 100;
	return ns[rank == 0 ? 0 : rank - 1];
}

void samples_begin_round(struct samples *s, pid_t server)
{
	s->round_at = s->count;
	s->began_mine = cpu_ns(getpid());
	s->began_server = cpu_ns(server);
	s->began_wall = now_ns();
}

void samples_end_round(struct samples *s, pid_t server, bool keep)
{
	const uint64_t wall = now_ns() - s->began_wall;
	if (!keep) {
		s->count = s->round_at;
		s->units = 0;
		return;
	}
	INSIST(s->rounds < SAMPLES_ROUNDS_MAX);
	s->wall_ns += wall;
	s->mine_ns += cpu_ns(getpid()) - s->began_mine;
	s->server_ns += cpu_ns(server) - s->began_server;
	s->round_median[s->rounds++] = percentile(s->ns + s->round_at, s->count - s->round_at, 50);
}

static double us(uint64_t ns)
{
	const uint64_t hundredths = ns / 10;
	return (double)hundredths / 100.0;
}

json_t *samples_report(struct samples *s, const char *name)
{
	json_t *rounds = json_array();
	for (size_t i = 0; i < s->rounds; i++)
		INSIST(json_array_append_new(rounds, json_real(us(s->round_median[i]))) == 0);
	const uint64_t units = s->units != 0 ? s->units : s->count;
	const uint64_t each = units == 0 ? 1 : units;
	json_t *o = json_pack(
		"{s:s, s:I, s:f, s:f, s:o, s:I, s:f, s:f, s:f}", "name", name, "n",
		(json_int_t)s->count, "median_us", us(percentile(s->ns, s->count, 50)), "p99_us",
		us(percentile(s->ns, s->count, 99)), "rounds_us", rounds, "units",
		(json_int_t)units, "units_per_s",
		s->wall_ns == 0 ? 0.0 : (double)units * 1e9 / (double)s->wall_ns, "load_cpu_us",
		us(s->mine_ns / each), "server_cpu_us", us(s->server_ns / each));
	INSIST(o != NULL);
	free(s->ns);
	*s = (struct samples){ 0 };
	return o;
}
