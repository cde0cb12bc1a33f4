/* One campaign: a child per failing call, and what is promised of each. */
#include "fault.h"

#include "files.h"
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS_MAX 60 /* far more than any run takes, the sanitizer's included */
#define SAID_BYTES 4096

/* A child ends by _exit, which writes no counts: built for coverage, it writes them itself. */
#ifdef ROOMKEEP_FAULT_COVERAGE
void __gcov_dump(void);
void __gcov_reset(void);
#else
#define __gcov_dump() ((void)0)
#define __gcov_reset() ((void)0)
#endif

enum phase { PHASE_RUN, PHASE_CHECK, PHASE_END, PHASE_DONE };

/* Written by the child, read by the parent. */
struct report {
	enum phase phase;
	enum err err;
	uint64_t struck;
	uint64_t counted[FAULT_CALL_COUNT];
	uint64_t live;
	uint64_t live_new;
	uint64_t canaries;
	unsigned files;
	char broken[512];
};

static struct report *report; /* shared memory */
static struct report unharmed;

void fault_broken(const char *file, int line, const char *what)
{
	fault_disarm();
	(void)snprintf(report->broken, sizeof(report->broken), "%s:%d: %s", file, line, what);
	(void)fprintf(stderr, "%s\n", report->broken);
	_exit(3);
}

/* ---- in the child ------------------------------------------------------------------------ */

static void child_look(struct report *r)
{
	r->live = fault_live_count();
	r->live_new = fault_live_new();
	r->canaries = fault_canaries_freed();
	r->files = fault_open_files();
}

static void child_run(const struct fault_scene *scene, const struct fault_kind *kind, uint64_t at,
		      bool on, bool trace)
{
	files_take_over();
	if (trace) fault_live_keep_stacks();
	fault_trace(trace);
	fault_live_mark();
	fault_arm(kind, at, on);
	const enum err e = scene->run();
	report->struck = fault_struck();
	for (size_t i = 0; i < FAULT_CALL_COUNT; i++)
		report->counted[i] = fault_counted((enum fault_call)i);
	fault_disarm();
	report->err = e;
	report->phase = PHASE_CHECK;
	if (scene->check != NULL) scene->check(e);
	report->phase = PHASE_END;
	if (scene->end != NULL) scene->end();
	child_look(report);
	report->phase = PHASE_DONE;
	if (trace && report->live_new > 0) fault_live_print(stderr);
}

/* ---- in the parent ----------------------------------------------------------------------- */

/* Returns wait's status; what the child printed is in `said`, which is rewound. */
static int child_start(const struct fault_scene *scene, const struct fault_kind *kind, uint64_t at,
		       bool on, bool trace, FILE *said)
{
	*report = (struct report){ 0 };
	(void)fflush(NULL);
	files_lend();
	const pid_t pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0) {
		(void)dup2(fileno(said), STDERR_FILENO);
		(void)dup2(fileno(said), STDOUT_FILENO);
		(void)alarm(CHILD_SECONDS_MAX);
		__gcov_reset(); /* what the parent has counted it writes itself */
		child_run(scene, kind, at, on, trace);
		__gcov_dump();
		_exit(0);
	}
	int status = 0;
	while (waitpid(pid, &status, 0) != pid && errno == EINTR) {
	}
	files_take_back();
	return status;
}

static const char *word_of_death(int status)
{
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGALRM) return "it hangs";
		if (WTERMSIG(status) == SIGABRT) return "it aborts";
		return "it crashes";
	}
	if (WEXITSTATUS(status) == 0) return NULL;
	if (report->broken[0] != '\0') return report->broken;
	return "it ends by itself"; /* a sanitizer, or an assertion in the scene */
}

/* Errors that a fault of the machine may give and that blame nobody else. */
static uint64_t honest(const struct fault_scene *scene, const struct fault_kind *kind)
{
	if (scene->strict) return kind->expect | scene->also;
	return FAULT_MAY(NOMEM) | FAULT_MAY(IO) | FAULT_MAY(DISK_FULL) | FAULT_MAY(STORE) |
	       FAULT_MAY(BUSY) | FAULT_MAY(TIMEOUT) | FAULT_MAY(OFFLINE) | FAULT_MAY(CLOSED) |
	       FAULT_MAY(TLS) | FAULT_MAY(FULL) | kind->expect | scene->also;
}

/* What is wrong with the run in `report`, or NULL. */
static const char *breach_of(const struct fault_scene *scene, const struct fault_kind *kind,
			     int status)
{
	static char text[256];
	const struct report *r = report;
	if (kind->dies && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
	    r->phase == PHASE_RUN)
		return NULL;
	const char *death = word_of_death(status);
	if (death != NULL) return death;
	if (r->err != ERR_OK && r->struck == 0) return "it fails without a fault";
	if (r->err != ERR_OK && (honest(scene, kind) & (UINT64_C(1) << -r->err)) == 0) {
		(void)snprintf(text, sizeof(text), "it blames something else: %s",
			       err_name(r->err));
		return text;
	}
	if (r->live > unharmed.live) {
		(void)snprintf(text, sizeof(text), "it leaks: %lld blocks (%lld made in this run)",
			       (long long)(r->live - unharmed.live),
			       (long long)(r->live_new - unharmed.live_new));
		return text;
	}
	if (r->files > unharmed.files) return "it leaks a descriptor";
	if (r->canaries > unharmed.canaries) return "memory with a secret in it is freed";
	return NULL;
}

static void said_show(FILE *said)
{
	static char text[SAID_BYTES];
	(void)fseek(said, 0, SEEK_SET);
	const size_t len = fread(text, 1, sizeof(text) - 1, said);
	text[len] = '\0';
	for (char *at = text, *end; *at != '\0'; at = end) {
		end = strchr(at, '\n');
		end = end == NULL ? at + strlen(at) : end + 1;
		printf("    | %.*s", (int)(end - at), at);
	}
	printf("\n");
}

static void breach_show(const struct fault_scene *scene, const struct fault_kind *kind, uint64_t at,
			bool on, const char *what, FILE *said)
{
	static const char *const phases[] = { "during the run", "checking after it", "closing",
					      "at the end" };
	printf("  BROKEN %s: %s (%s); the run gave %s\n", phases[report->phase], what,
	       on ? "on" : "once", err_name(report->err));
	printf("    again: roomkeep_fault --scenario %s --call %s --from %llu --to %llu --mode %s"
	       " --trace\n",
	       scene->name, kind->name, (unsigned long long)at, (unsigned long long)at,
	       on ? "on" : "once");
	said_show(said);
}

/* One run. False: no call was left to strike. */
static bool one_run(const struct fault_scene *scene, const struct fault_kind *kind,
		    const struct fault_plan *plan, uint64_t at, bool on, struct fault_sum *sum)
{
	FILE *said = tmpfile();
	if (said == NULL) {
		perror("tmpfile");
		exit(2);
	}
	const int status = child_start(scene, kind, at, on, plan->trace, said);
	const char *what = breach_of(scene, kind, status);
	const bool struck = report->struck > 0 || report->phase == PHASE_RUN;
	if (struck) {
		sum->runs++;
		if (report->phase == PHASE_RUN && what == NULL) {
			sum->died++;
		} else if (report->err == ERR_OK) {
			sum->ok++;
		} else {
			sum->errs[-report->err & 63]++;
		}
	}
	if (what != NULL && sum->breaches++ < plan->shown_max)
		breach_show(scene, kind, at, on, what, said);
	if (what == NULL && plan->trace) said_show(said);
	(void)fclose(said);
	return struck;
}

bool fault_measure(const struct fault_scene *scene, uint64_t ret_calls[FAULT_CALL_COUNT])
{
	FILE *said = tmpfile();
	if (said == NULL) {
		perror("tmpfile");
		exit(2);
	}
	const int status = child_start(scene, &fault_kinds[0], 0, false, false, said);
	const char *what = word_of_death(status);
	if (what == NULL && report->err != ERR_OK) what = err_name(report->err);
	if (what != NULL) {
		printf("  %s does not pass without a fault: %s\n", scene->name, what);
		said_show(said);
	}
	(void)fclose(said);
	unharmed = *report;
	for (size_t i = 0; i < FAULT_CALL_COUNT; i++) ret_calls[i] = report->counted[i];
	return what == NULL;
}

static void run_mode(const struct fault_scene *scene, const struct fault_kind *kind,
		     const struct fault_plan *plan, bool on, struct fault_sum *sum)
{
	if (on && kind->once) return;
	for (uint64_t at = plan->from; plan->to == 0 || at <= plan->to; at += plan->stride) {
		if (!one_run(scene, kind, plan, at, on, sum)) return;
	}
}

void fault_campaign(const struct fault_scene *scene, const struct fault_kind *kind,
		    const struct fault_plan *plan, struct fault_sum *sum)
{
	*sum = (struct fault_sum){ 0 };
	if (plan->once) run_mode(scene, kind, plan, false, sum);
	if (plan->on) run_mode(scene, kind, plan, true, sum);
}

/* Where it crashed; then it crashes as it would have. */
static void on_crash(int number)
{
	fault_disarm();
	fault_print_stack();
	(void)raise(number);
}

/* ---- around it --------------------------------------------------------------------------- */

void run_open(void)
{
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE };
	struct sigaction act = { .sa_handler = on_crash };
	act.sa_flags = (int)SA_RESETHAND;
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		(void)sigaction(deadly[i], &act, NULL);
	files_make();
	fault_print_stack_ready();
}

void run_close(void)
{
	files_remove();
}
