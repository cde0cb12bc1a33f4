/* roomkeep_sim [--seeds N] [--seed S] [--steps M] [--from S] [--minutes M] [--jobs N] [--trace]
 *              [--twice] [--points] [--only] [--first]
 *
 * Without --seed: N seeds (50, what CI runs), the listed ones of seeds.txt first (not with --only),
 * each in a child process of its own, so that a crash of one seed is one failure; --jobs of them at
 * a time. With --minutes: seeds until the time is over. --first ends at the first that fails.
 * Prints `N passed, N failed`. */
#include "base/check.h"
#include "base/crashpoint.h"
#include "crypt/secret.h"
#include "sim/sim.h"
#include "sim/sim_crash.h"
#include "sim/sim_model.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef ROOMKEEP_SIM_COMMIT
#define ROOMKEEP_SIM_COMMIT "unknown"
#endif
#define HEAP_STEP_BYTES (16 * 1024 * 1024)
#define SEEDS_DEFAULT 50u
#define STEPS_DEFAULT 3000u
#define SEEDS_MAX 1000000u
#define MINUTES_MAX 100000u
#define JOBS_MAX 64u
#define LISTED_MAX 1000u
#define SEED_SECONDS_MAX 300u /* of processor time: a seed that hangs is a failure */

struct args {
	struct sim_options sim;
	uint64_t seeds, from, minutes, jobs;
	bool one, twice, points, only, first;
};

/* What a child tells: fixed size, one write. */
struct outcome {
	bool ran, failed;
	uint64_t hash, steps, ops, crashes, cuts, doings, now_ms;
	uint64_t points[CRASHPOINT_COUNT];
	char failure[512];
};

/* ---- libsodium draws from the seed --------------------------------------------------- */

static struct rand_source *sim_keys; /* of the run in this process */

static const char *keys_name(void)
{
	return "roomkeep_sim";
}

static uint32_t keys_random(void)
{
	uint32_t v = 0;
	if (sim_keys != NULL) rand_fill(sim_keys, &v, sizeof(v));
	return v;
}

static void keys_buf(void *const p, const size_t len)
{
	static struct rand_seeded early_state; /* libsodium's own start */
	static struct rand_source early;
	if (early.fill == NULL) early = rand_seeded_init(&early_state, 1);
	rand_fill(sim_keys != NULL ? sim_keys : &early, p, len);
}

static struct randombytes_implementation keys_source = {
	.implementation_name = keys_name,
	.random = keys_random,
	.buf = keys_buf,
};

/* ---- one seed ------------------------------------------------------------------------ */

static uint64_t running_seed;
static const struct sim *running;

/* Only what a signal handler may call (signal-safety(7)). */
static void say_word(const char *word)
{
	if (write(STDERR_FILENO, word, strlen(word)) < 0) _exit(1);
}

static void say_number(uint64_t n)
{
	char digits[21] = { 0 };
	size_t at = sizeof(digits) - 1;
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	say_word(digits + at);
}

/* INSIST, REQUIRE or a sanitizer: say which run it was, then die as before. */
static void on_abort(int sig)
{
	say_word("died of signal ");
	say_number((uint64_t)sig);
	say_word(": seed ");
	say_number(running_seed);
	say_word(" step ");
	say_number(running == NULL ? 0 : running->step);
	say_word(" commit " ROOMKEEP_SIM_COMMIT "\n");
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void run_seed(const struct sim_options *o, struct outcome *ret)
{
	struct sim *s = NULL;
	*ret = (struct outcome){ 0 };
	running_seed = o->seed;
	const enum err e = sim_open(o, &s);
	if (e != ERR_OK) {
		ret->failed = true;
		(void)snprintf(ret->failure, sizeof(ret->failure), "no simulation: %s",
			       err_name(e));
		return;
	}
	running = s;
	sim_keys = &s->keys;
	sim_run(s);
	ret->ran = true;
	ret->failed = s->failed;
	ret->hash = s->hash;
	ret->steps = s->step;
	ret->ops = sim_model_ops(s);
	ret->crashes = s->crashes;
	ret->cuts = s->cuts;
	ret->doings = s->doings;
	ret->now_ms = s->now_ms;
	memcpy(ret->failure, s->failure, sizeof(ret->failure));
	memcpy(ret->points, sim_crash_counts, sizeof(ret->points));
	running = NULL;
	sim_close(s);
	sim_keys = NULL;
}

static void run_child(const struct sim_options *o, int out)
{
	struct outcome result;
	const struct rlimit limit = { .rlim_cur = SEED_SECONDS_MAX, .rlim_max = SEED_SECONDS_MAX };
	INSIST(setrlimit(RLIMIT_CPU, &limit) == 0);
	run_seed(o, &result);
	if (write(out, &result, sizeof(result)) != (ssize_t)sizeof(result)) _exit(2);
	if (fflush(NULL) != 0) _exit(2);
	exit(0); /* leak checks of a sanitizer run here */
}

/* A seed in its own process, while it runs. */
struct slot {
	pid_t pid; /* 0: free */
	int fd;
	struct sim_options options;
	double start;
	bool again;         /* the second of --twice */
	uint64_t hash_once; /* of the first */
};

static void slot_start(struct slot *slot)
{
	int fds[2];
	INSIST(pipe(fds) == 0 && fflush(NULL) == 0);
	slot->pid = fork();
	INSIST(slot->pid >= 0);
	if (slot->pid == 0) {
		(void)close(fds[0]);
		run_child(&slot->options, fds[1]);
	}
	(void)close(fds[1]);
	slot->fd = fds[0];
}

/* Any of them has ended; what it told stands in its pipe. */
static struct slot *slot_wait(struct slot *slots, uint64_t count, struct outcome *ret)
{
	int status = 0;
	struct slot *slot = NULL;
	pid_t done;
	do done = waitpid(-1, &status, 0);
	while (done < 0 && errno == EINTR);
	for (uint64_t i = 0; i < count; i++) {
		if (slots[i].pid == done) slot = &slots[i];
	}
	INSIST(done > 0 && slot != NULL);
	*ret = (struct outcome){ .failed = true };
	const ssize_t got = read(slot->fd, ret, sizeof(*ret));
	(void)close(slot->fd);
	slot->pid = 0;
	if (got == (ssize_t)sizeof(*ret) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return slot;
	ret->failed = true;
	(void)snprintf(ret->failure, sizeof(ret->failure), "the process ended with %s %d",
		       WIFSIGNALED(status) ? "signal" : "exit code",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return slot;
}

static void print_outcome(const struct sim_options *o, const struct outcome *r, double seconds)
{
	printf("seed %llu: %s  hash %016llx  %llu steps, %llu s virtual, %llu doings, %llu ops, "
	       "%llu crashes, %llu cuts, %.2f s\n",
	       (unsigned long long)o->seed, r->failed ? "FAILED" : "passed",
	       (unsigned long long)r->hash, (unsigned long long)r->steps,
	       (unsigned long long)(r->now_ms / 1000), (unsigned long long)r->doings,
	       (unsigned long long)r->ops, (unsigned long long)r->crashes,
	       (unsigned long long)r->cuts, seconds);
	if (!r->failed) return;
	printf("  %s\n  seed %llu step %llu commit %s\n  again: roomkeep_sim --seed %llu --steps "
	       "%llu "
	       "--trace\n",
	       r->failure, (unsigned long long)o->seed, (unsigned long long)r->steps, o->commit,
	       (unsigned long long)o->seed, (unsigned long long)o->steps);
}

static double now_seconds(void)
{
	struct timespec t;
	INSIST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- many ---------------------------------------------------------------------------- */

struct tally {
	uint64_t passed, failed;
	uint64_t virtual_ms;
	uint64_t points[CRASHPOINT_COUNT];
};

static void tally_add(struct tally *t, const struct slot *slot, const struct outcome *r)
{
	for (size_t i = 0; i < CRASHPOINT_COUNT; i++) t->points[i] += r->points[i];
	t->virtual_ms += r->now_ms;
	if (r->failed)
		t->failed++;
	else
		t->passed++;
	print_outcome(&slot->options, r, now_seconds() - slot->start);
}

/* False: the seed runs once more. */
static bool seed_is_over(const struct args *a, struct slot *slot, struct outcome *r)
{
	if (!a->twice || r->failed) return true;
	if (!slot->again) {
		slot->again = true;
		slot->hash_once = r->hash;
		slot_start(slot);
		return false;
	}
	if (slot->hash_once == r->hash) return true;
	r->failed = true;
	(void)snprintf(r->failure, sizeof(r->failure),
		       "the second run differs: hash %016llx, then %016llx",
		       (unsigned long long)slot->hash_once, (unsigned long long)r->hash);
	return true;
}

/* Seeds that once found a bug, one a line; `#` begins a remark. All are read before the first
 * runs: a child that ends would move the place in a file that is still open. */
static size_t read_listed(uint64_t seeds[LISTED_MAX])
{
	char line[256];
	size_t count = 0;
	FILE *f = fopen(ROOMKEEP_SIM_SEEDS, "r");
	if (f == NULL) return 0;
	while (count < LISTED_MAX && fgets(line, sizeof(line), f) != NULL) {
		char *end = NULL;
		const unsigned long long seed = strtoull(line, &end, 10);
		if (line[0] != '#' && end != line) seeds[count++] = seed;
	}
	INSIST(fclose(f) == 0);
	return count;
}

/* Which seeds, in order: the listed ones, then `from` and on. */
struct seeds {
	uint64_t listed[LISTED_MAX];
	size_t listed_count;
	uint64_t taken;
	double end; /* no new one after it; 0: never */
};

static bool seeds_next(const struct args *a, const struct tally *t, struct seeds *q, uint64_t *ret)
{
	if (a->first && t->failed > 0) return false;
	if (q->end > 0 && now_seconds() >= q->end) return false;
	if (q->taken >= q->listed_count + a->seeds) return false;
	const uint64_t at = q->taken++;
	*ret = at < q->listed_count ? q->listed[at] : a->from + (at - q->listed_count);
	return true;
}

static void run_all(const struct args *a, struct seeds *q, struct tally *t)
{
	static struct slot slots[JOBS_MAX];
	uint64_t busy = 0;
	for (;;) {
		struct slot *slot = &slots[0];
		struct outcome result;
		uint64_t seed = 0;
		while (busy < a->jobs && seeds_next(a, t, q, &seed)) {
			for (slot = slots; slot->pid != 0;) slot++;
			*slot = (struct slot){ .options = a->sim, .start = now_seconds() };
			slot->options.seed = seed;
			slot_start(slot);
			busy++;
		}
		if (busy == 0) return;
		slot = slot_wait(slots, a->jobs, &result);
		if (!seed_is_over(a, slot, &result)) continue;
		busy--;
		tally_add(t, slot, &result);
	}
}

static void print_rates(const struct tally *t, double seconds)
{
	const double seeds = (double)(t->passed + t->failed);
	const double days = (double)t->virtual_ms / (24.0 * 3600.0 * 1000.0);
	printf("%.0f seeds in %.0f s, %.2f a second; %.3f days simulated, %.3f a minute\n", seeds,
	       seconds, seeds / seconds, days, 60.0 * days / seconds);
}

static void print_points(const struct tally *t)
{
	for (int i = 0; i < CRASHPOINT_COUNT; i++) {
		printf("%8llu crashes at %s\n", (unsigned long long)t->points[i],
		       crashpoint_name((enum crashpoint)i));
	}
}

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end = NULL;
	if (text == NULL || text[0] < '0' || text[0] > '9') return false;
	errno = 0;
	const unsigned long long v = strtoull(text, &end, 10);
	*ret = v;
	return errno == 0 && *end == '\0';
}

/* Where this option's number goes; NULL for another word. */
static uint64_t *number_of(struct args *a, const char *arg)
{
	const struct {
		const char *name;
		uint64_t *number;
	} numbers[] = { { "--seeds", &a->seeds },     { "--steps", &a->sim.steps },
			{ "--from", &a->from },       { "--seed", &a->sim.seed },
			{ "--minutes", &a->minutes }, { "--jobs", &a->jobs } };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		if (strcmp(numbers[i].name, arg) == 0) return numbers[i].number;
	}
	return NULL;
}

static bool *switch_of(struct args *a, const char *arg)
{
	const struct {
		const char *name;
		bool *on;
	} switches[] = { { "--trace", &a->sim.trace },
			 { "--twice", &a->twice },
			 { "--points", &a->points },
			 { "--only", &a->only },
			 { "--first", &a->first } };
	for (size_t i = 0; i < COUNT_OF(switches); i++) {
		if (strcmp(switches[i].name, arg) == 0) return switches[i].on;
	}
	return NULL;
}

static bool parse(struct args *a, int argc, char **argv)
{
	bool counted = false;
	for (int i = 1; i < argc; i++) {
		bool *on = switch_of(a, argv[i]);
		uint64_t *number = number_of(a, argv[i]);
		if (on != NULL) {
			*on = true;
			continue;
		}
		if (number == NULL || i + 1 >= argc || !parse_number(argv[++i], number))
			return false;
		a->one = a->one || number == &a->sim.seed;
		counted = counted || number == &a->seeds;
	}
	if (a->minutes > 0 && !counted) a->seeds = SEEDS_MAX;
	return a->seeds <= SEEDS_MAX && a->minutes <= MINUTES_MAX && a->jobs >= 1 &&
	       a->jobs <= JOBS_MAX;
}

static void run(struct args *a, struct tally *t)
{
	static struct seeds q;
	const double start = now_seconds();
	if (a->one) {
		a->seeds = 1;
		a->from = a->sim.seed;
	} else if (!a->only) {
		q.listed_count = read_listed(q.listed);
	}
	if (a->minutes > 0) q.end = start + 60.0 * (double)a->minutes;
	run_all(a, &q, t);
	if (a->points) print_points(t);
	print_rates(t, now_seconds() - start);
}

int main(int argc, char **argv)
{
	struct args a = { .sim = { .steps = STEPS_DEFAULT, .commit = ROOMKEEP_SIM_COMMIT },
			  .seeds = SEEDS_DEFAULT,
			  .from = 1,
			  .jobs = 1 };
	struct tally t = { 0 };

	if (!parse(&a, argc, argv)) {
		fprintf(stderr, "usage: roomkeep_sim [--seeds N] [--from S] [--seed S] [--steps M] "
				"[--minutes M] [--jobs N]\n"
				"                    [--trace] [--twice] [--points] [--only] "
				"[--first]\n");
		return 64;
	}
	const char *commit = getenv("ROOMKEEP_COMMIT");
	if (commit != NULL) a.sim.commit = commit;
	INSIST(setvbuf(stdout, NULL, _IOLBF, 0) == 0); /* progress also into a file */
	/* Blocks of all sizes stay in the heap: giving pages back and taking them again is slow. A
	 * sanitizer's heap takes no such advice. */
	(void)mallopt(M_MMAP_THRESHOLD, INT_MAX);
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	(void)mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
	/* One thread, and nobody reads SQLite's own statistics. */
	INSIST(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
	INSIST(randombytes_set_implementation(&keys_source) == 0);
	INSIST(crypt_init() == ERR_OK);
	(void)signal(SIGABRT, on_abort);
	(void)signal(SIGSEGV, on_abort);
	run(&a, &t);
	printf("%llu passed, %llu failed\n", (unsigned long long)t.passed,
	       (unsigned long long)t.failed);
	return t.failed == 0 ? 0 : 1;
}
