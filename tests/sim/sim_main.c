/* roomkeep_sim [--seeds N] [--seed S] [--steps M] [--from S] [--trace] [--twice] [--points]
 *
 * Without --seed: N seeds (50, what CI runs), the listed ones of seeds.txt first, each in a child
 * process of its own, so that a crash of one seed is one failure. Prints `N passed, N failed`. */
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
#define LISTED_MAX 1000u
#define SEED_SECONDS_MAX 300u /* of processor time: a seed that hangs is a failure */

struct args {
	struct sim_options sim;
	uint64_t seeds, from;
	bool one, twice, points;
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

/* A seed in its own process. */
static void run_apart(const struct sim_options *o, struct outcome *ret)
{
	int fds[2];
	int status = 0;
	*ret = (struct outcome){ .failed = true };
	INSIST(pipe(fds) == 0 && fflush(NULL) == 0);
	const pid_t pid = fork();
	INSIST(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		run_child(o, fds[1]);
	}
	(void)close(fds[1]);
	const ssize_t got = read(fds[0], ret, sizeof(*ret));
	(void)close(fds[0]);
	pid_t done;
	do done = waitpid(pid, &status, 0);
	while (done < 0 && errno == EINTR);
	const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (got == (ssize_t)sizeof(*ret) && clean) return;
	ret->failed = true;
	(void)snprintf(ret->failure, sizeof(ret->failure), "the process ended with %s %d",
		       WIFSIGNALED(status) ? "signal" : "exit code",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
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
	uint64_t points[CRASHPOINT_COUNT];
};

static void run_one(const struct args *a, uint64_t seed, struct tally *t)
{
	struct sim_options o = a->sim;
	struct outcome first, second;
	o.seed = seed;
	const double start = now_seconds();
	run_apart(&o, &first);
	if (a->twice && !first.failed) {
		run_apart(&o, &second);
		if (second.hash != first.hash) {
			first.failed = true;
			(void)snprintf(first.failure, sizeof(first.failure),
				       "the second run differs: hash %016llx, then %016llx",
				       (unsigned long long)first.hash,
				       (unsigned long long)second.hash);
		}
	}
	for (size_t i = 0; i < CRASHPOINT_COUNT; i++) t->points[i] += first.points[i];
	if (first.failed)
		t->failed++;
	else
		t->passed++;
	print_outcome(&o, &first, now_seconds() - start);
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

static void run_listed(const struct args *a, struct tally *t)
{
	uint64_t seeds[LISTED_MAX];
	const size_t count = read_listed(seeds);
	for (size_t i = 0; i < count; i++) run_one(a, seeds[i], t);
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

static bool parse(struct args *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		uint64_t *number = NULL;
		if (strcmp(arg, "--trace") == 0)
			a->sim.trace = true;
		else if (strcmp(arg, "--twice") == 0)
			a->twice = true;
		else if (strcmp(arg, "--points") == 0)
			a->points = true;
		else if (strcmp(arg, "--seeds") == 0)
			number = &a->seeds;
		else if (strcmp(arg, "--steps") == 0)
			number = &a->sim.steps;
		else if (strcmp(arg, "--from") == 0)
			number = &a->from;
		else if (strcmp(arg, "--seed") == 0)
			number = &a->sim.seed;
		else
			return false;
		if (number == NULL) continue;
		if (!parse_number(next, number)) return false;
		a->one = a->one || number == &a->sim.seed;
		i++;
	}
	return a->seeds <= SEEDS_MAX;
}

int main(int argc, char **argv)
{
	struct args a = { .sim = { .steps = STEPS_DEFAULT, .commit = ROOMKEEP_SIM_COMMIT },
			  .seeds = SEEDS_DEFAULT,
			  .from = 1 };
	struct tally t = { 0 };

	if (!parse(&a, argc, argv)) {
		fprintf(stderr, "usage: roomkeep_sim [--seeds N] [--from S] [--seed S] [--steps M] "
				"[--trace] [--twice] [--points]\n");
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
	INSIST(randombytes_set_implementation(&keys_source) == 0);
	INSIST(crypt_init() == ERR_OK);
	(void)signal(SIGABRT, on_abort);
	(void)signal(SIGSEGV, on_abort);
	if (a.one) {
		run_one(&a, a.sim.seed, &t);
	} else {
		run_listed(&a, &t);
		for (uint64_t i = 0; i < a.seeds; i++) run_one(&a, a.from + i, &t);
	}
	if (a.points) print_points(&t);
	printf("%llu passed, %llu failed\n", (unsigned long long)t.passed,
	       (unsigned long long)t.failed);
	return t.failed == 0 ? 0 : 1;
}
