/* roomkeep_fault: see README.md.
 *
 *   --list                       scenes and kinds of faults
 *   --scenario NAME, --call NAME only this one, or those whose names begin so (NAME.)
 *   --mode once|on|both          call i fails, or call i and all later ones
 *   --from I --to I --stride N   which calls
 *   --quick                      strides chosen so that all of it takes half a minute
 *   --trace                      with one call: where it was made, and stacks of what leaks */
#include "fault.h"

#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUICK_RUNS 6u /* per scene and kind, about */
/* Of the slow scenes the quick form takes every so manieth, and every so manieth kind in them. */
#ifdef ROOMKEEP_FAULT_ASAN
#define QUICK_SLOW_SCENES 3u
#define QUICK_SLOW_KINDS 6u
#else
#define QUICK_SLOW_SCENES 1u
#define QUICK_SLOW_KINDS 3u
#endif

struct options {
	const char *scenario;
	const char *call;
	struct fault_plan plan;
	bool quick;
	bool list;
};

static void usage(const char *what)
{
	(void)fprintf(stderr, "roomkeep_fault: %s; the head of fault_main.c lists the arguments\n",
		      what);
	exit(2);
}

static uint64_t number_of(const char *text)
{
	char *end = NULL;
	const unsigned long long n = text == NULL ? 0 : strtoull(text, &end, 10);
	if (end == NULL || end == text || *end != '\0' || n == 0)
		usage("a number from 1 is needed");
	return n;
}

static void read_mode(struct fault_plan *plan, const char *mode)
{
	const bool both = mode != NULL && strcmp(mode, "both") == 0;
	plan->once = both || (mode != NULL && strcmp(mode, "once") == 0);
	plan->on = both || (mode != NULL && strcmp(mode, "on") == 0);
	if (!plan->once && !plan->on) usage("--mode is once, on or both");
}

static struct options options_read(char **argv)
{
	struct options o = {
		.plan = { .from = 1, .stride = 1, .once = true, .on = true, .shown_max = 3 }
	};
	for (char **a = argv + 1; *a != NULL; a++) {
		if (strcmp(*a, "--list") == 0) {
			o.list = true;
		} else if (strcmp(*a, "--quick") == 0) {
			o.quick = true;
		} else if (strcmp(*a, "--trace") == 0) {
			o.plan.trace = true;
		} else if (a[1] == NULL) {
			usage("an argument is unknown or lacks its value");
		} else if (strcmp(*a, "--scenario") == 0) {
			o.scenario = *++a;
		} else if (strcmp(*a, "--call") == 0) {
			o.call = *++a;
		} else if (strcmp(*a, "--mode") == 0) {
			read_mode(&o.plan, *++a);
		} else if (strcmp(*a, "--from") == 0) {
			o.plan.from = number_of(*++a);
		} else if (strcmp(*a, "--to") == 0) {
			o.plan.to = number_of(*++a);
		} else if (strcmp(*a, "--stride") == 0) {
			o.plan.stride = number_of(*++a);
		} else {
			usage("an argument is unknown");
		}
	}
	return o;
}

/* "store" chooses "store.open" and "store.push" too. */
static bool chosen(const char *wanted, const char *name)
{
	if (wanted == NULL) return true;
	const size_t len = strlen(wanted);
	return strncmp(name, wanted, len) == 0 && strchr(".-", name[len]) != NULL;
}

static void list(void)
{
	for (size_t i = 0; i < fault_scene_count; i++)
		printf("scenario %-16s %s%s\n", fault_scenes[i]->name, fault_scenes[i]->says,
		       fault_scenes[i]->negative ? " (planted: must be found)" : "");
	for (size_t i = 0; i < fault_kind_count; i++) printf("call     %s\n", fault_kinds[i].name);
}

static void sum_show(const struct fault_scene *scene, const struct fault_kind *kind, uint64_t calls,
		     const struct fault_sum *s)
{
	printf("%-16s %-12s calls %6llu runs %6llu unharmed %6llu", scene->name, kind->name,
	       (unsigned long long)calls, (unsigned long long)s->runs, (unsigned long long)s->ok);
	if (s->died > 0) printf(" stopped %llu", (unsigned long long)s->died);
	for (int i = 0; i < 64; i++)
		if (s->errs[i] > 0)
			printf(" %s %llu", err_name((enum err) - i),
			       (unsigned long long)s->errs[i]);
	if (s->breaches > 0) printf("  BROKEN %llu", (unsigned long long)s->breaches);
	printf("\n");
}

/* A few runs of each kind: the modes take turns, and each kind begins at another place of its
 * stride; always the same in each run of the program. */
static struct fault_plan quick_plan(const struct fault_scene *scene, size_t kind, uint64_t calls,
				    struct fault_plan plan)
{
	static unsigned turn;
	const uint64_t runs = scene->slow ? 1 : QUICK_RUNS;
	const bool on = turn++ % 2 == 1 && !fault_kinds[kind].once;
	plan.stride = calls / runs + 1;
	plan.from = 1 + (kind * 7 + turn) % (calls < plan.stride ? calls : plan.stride);
	plan.once = plan.once && !on;
	plan.on = plan.on && on;
	return plan;
}

/* Sets the scene, after having let it run once: that fills what libraries keep for good. */
static bool scene_set(const struct fault_scene *scene)
{
	if (scene->set != NULL) scene->set();
	const enum err e = scene->run();
	if (e != ERR_OK) {
		printf("%s does not pass without a fault: %s\n", scene->name, err_name(e));
		return false;
	}
	if (scene->check != NULL) scene->check(e);
	if (scene->end != NULL) scene->end();
	fault_canaries_clear();
	if (scene->set != NULL) scene->set();
	return true;
}

static void sum_add(struct fault_sum *to, const struct fault_sum *from)
{
	to->runs += from->runs;
	to->ok += from->ok;
	to->died += from->died;
	to->breaches += from->breaches;
}

/* Slow scenes take turns with the kinds, so that all of these are met somewhere. */
static bool quick_leaves_out(const struct options *o, const struct fault_scene *scene)
{
	static unsigned turn;
	return o->quick && scene->slow && turn++ % QUICK_SLOW_KINDS != 0;
}

/* All kinds of this scene; `totals` by kind. */
static void scene_run(const struct fault_scene *scene, const struct options *o,
		      struct fault_sum totals[])
{
	uint64_t calls[FAULT_CALL_COUNT];
	if (!scene_set(scene) || !fault_measure(scene, calls)) {
		totals[0].breaches++;
		return;
	}
	for (size_t k = 0; k < fault_kind_count; k++) {
		const struct fault_kind *kind = &fault_kinds[k];
		const uint64_t count = calls[kind->call];
		struct fault_sum sum;
		if (count == 0 || !chosen(o->call, kind->name)) continue;
		if (quick_leaves_out(o, scene)) continue;
		const struct fault_plan plan = o->quick ? quick_plan(scene, k, count, o->plan)
							: o->plan;
		fault_campaign(scene, kind, &plan, &sum);
		sum_show(scene, kind, count, &sum);
		sum_add(&totals[k], &sum);
	}
	if (scene->end != NULL) scene->end();
}

/* Returns the number of broken promises. */
static uint64_t totals_show(const struct fault_sum totals[], double seconds)
{
	struct fault_sum all = { 0 };
	for (size_t k = 0; k < fault_kind_count; k++)
		if (totals[k].runs > 0)
			printf("all scenarios    %-12s runs %7llu unharmed %7llu broken %llu\n",
			       fault_kinds[k].name, (unsigned long long)totals[k].runs,
			       (unsigned long long)totals[k].ok,
			       (unsigned long long)totals[k].breaches);
	for (size_t k = 0; k < fault_kind_count; k++) sum_add(&all, &totals[k]);
	printf("%llu runs with a fault, %llu broken promises, %.1f s\n",
	       (unsigned long long)all.runs, (unsigned long long)all.breaches, seconds);
	return all.breaches;
}

static double seconds_now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	(void)argc;
	static struct fault_sum totals[64];
	static char out[4096];
	const struct options o = options_read(argv);
	if (o.list) {
		list();
		return 0;
	}
	/* Not from the heap, whose blocks are counted. */
	(void)setvbuf(stdout, out, _IOLBF, sizeof(out));
	const double started = seconds_now();
	unsigned scenes = 0;
	run_open();
	for (size_t i = 0; i < fault_scene_count; i++) {
		const struct fault_scene *scene = fault_scenes[i];
		if (!chosen(o.scenario, scene->name)) continue;
		if (scene->negative && o.scenario == NULL) continue;
		if (o.quick && scene->slow && i % QUICK_SLOW_SCENES != 0) continue;
		scenes++;
		scene_run(scene, &o, totals);
	}
	run_close();
	if (scenes == 0) usage("there is no such scenario");
	return totals_show(totals, seconds_now() - started) == 0 ? 0 : 1;
}
