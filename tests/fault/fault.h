/* fault: call i of a kind fails, for i = 1, 2, 3 ... until a scene passes unharmed (SQLite's
 * method, SECURITY 6.3).
 *
 * The program defines malloc, read, fsync, sqlite3_step and the others itself, so that the calls of
 * every library in the process come through it (wrap_*.c). For each i a child is forked from a
 * parent that has the scene set up; the child's files are a copy of the parent's. In the child the
 * i-th call fails, once or with all that follow; then the scene looks at what became of it.
 *
 * Threads: one. Memory of this harness is static: it must not meet the faults it makes. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What is counted. One kind of fault below strikes one of these. */
enum fault_call {
	FAULT_ALLOC,    /* malloc, calloc, realloc, aligned allocation; of all libraries */
	FAULT_OWN,      /* these of them that our own code asks for: few, so all can be tried */
	FAULT_MMAP,     /* mmap: libsodium's guarded memory, SQLite's shared memory */
	FAULT_MLOCK,    /* mlock */
	FAULT_RANDOM,   /* getrandom */
	FAULT_OPEN,     /* open, openat */
	FAULT_READ,     /* read, pread */
	FAULT_WRITE,    /* write, pwrite */
	FAULT_SYNC,     /* fsync, fdatasync */
	FAULT_NAME,     /* rename, link, unlink, mkdir */
	FAULT_TRUNCATE, /* ftruncate, fallocate */
	FAULT_STAT,     /* stat, fstat, lstat */
	FAULT_LOCK,     /* fcntl(F_SETLK) */
	FAULT_STEP,     /* sqlite3_step */
	FAULT_PREPARE,  /* sqlite3_prepare_v3 */
	FAULT_SSL,      /* OpenSSL: what common/net calls and can fail */
	FAULT_CALL_COUNT
};

/* One way for a call to fail. */
struct fault_kind {
	const char *name; /* --call NAME */
	enum fault_call call;
	int code;        /* errno, or SQLite's result; FAULT_SHORT: does half of it */
	bool once;       /* only by itself: for ever would be no machine to run on */
	bool dies;       /* the process may stop by abort: it must not go on without this */
	uint64_t expect; /* what a strict scene may return, besides ERR_OK: FAULT_MAY bits */
};
#define FAULT_SHORT (-1)
#define FAULT_MAY(name) (UINT64_C(1) << -ERR_##name)

extern const struct fault_kind fault_kinds[];
extern const size_t fault_kind_count;

/* ---- wrappers -------------------------------------------------------------------------------- */

/* From now on call `at` (from 1) of the kind's calls fails, and with `on` every later one too.
 * `at` 0: none does, calls are only counted. */
void fault_arm(const struct fault_kind *kind, uint64_t at, bool on);
void fault_disarm(void);
/* Calls struck since fault_arm, and calls of one sort counted. */
uint64_t fault_struck(void);
uint64_t fault_counted(enum fault_call call);
/* Prints where the struck call came from. */
void fault_trace(bool on);

/* Counts a call; true: it is to fail, `*ret_code` says how. For the wrappers. */
bool fault_strike(enum fault_call call, int *ret_code);
/* Prints the callers of the caller to stderr. */
void fault_print_stack(void);

/* True when the return address lies in this program: a library called nothing. */
bool fault_called_by_us(const void *caller);
#define FAULT_CALLED_BY_US() fault_called_by_us(__builtin_return_address(0))

/* Between these two, nothing is counted or fails: the scene itself is at work. They nest. */
void fault_pause(void);
void fault_resume(void);

/* ---- what lives ------------------------------------------------------------------------------ */

/* Blocks and mappings that are live; and how many of them were made since fault_live_mark. */
uint64_t fault_live_count(void);
void fault_live_mark(void);
uint64_t fault_live_new(void);
/* Prints what was made since the mark and still lives; with stacks when tracing. */
void fault_live_print(FILE *to);
/* Text that no freed block may hold (a passphrase, a note). Borrowed; a handful. */
void fault_canary(const char *text);
/* Blocks that held a canary when they were freed, since fault_live_mark. */
uint64_t fault_canaries_freed(void);

/* For the wrappers. */
void fault_live_add(const void *p, size_t bytes);
void fault_live_remove(const void *p);

unsigned fault_open_files(void);

/* ---- scenes ---------------------------------------------------------------------------------- */

struct fault_scene {
	const char *name;
	const char *says; /* what it does, for --list */
	/* Before all runs, in the parent, without faults. Must work. May be NULL. */
	void (*set)(void);
	/* The scene proper, with faults. */
	enum err (*run)(void);
	/* Without faults again: everything that was reported as done is done, and the same succeeds
	 * now. `e` is what run gave. May be NULL. */
	void (*check)(enum err e);
	/* Gives back everything. */
	void (*end)(void);
	bool strict;   /* run's error must be the one that the fault means */
	uint64_t also; /* FAULT_MAY bits: other errors that are honest here */
	bool negative; /* planted: must be found, only run by name */
	bool slow;     /* whole worlds: the quick form takes few runs of it */
};

extern const struct fault_scene *const fault_scenes[];
extern const size_t fault_scene_count;

/* An empty folder for the scene's files; the same in parent and child. */
const char *fault_folder(void);

/* A promise that did not hold: the run ends and is reported. */
void fault_broken(const char *file, int line, const char *what) __attribute__((noreturn));
#define FAULT_CHECK(cond)                                                                          \
	do {                                                                                       \
		if (!(cond)) fault_broken(__FILE__, __LINE__, #cond);                              \
	} while (0)
/* A call that must work. */
#define FAULT_OK(call)                                                                             \
	do {                                                                                       \
		const enum err fault_e_ = (call);                                                  \
		if (fault_e_ != ERR_OK) fault_broken(__FILE__, __LINE__, err_name(fault_e_));      \
	} while (0)

/* ---- campaigns ------------------------------------------------------------------------------- */

struct fault_plan {
	uint64_t from;   /* first call that fails, from 1 */
	uint64_t to;     /* last; 0: until a run passes unharmed */
	uint64_t stride; /* from one to the next */
	bool once, on;   /* which modes */
	bool trace;
	unsigned shown_max; /* breaches shown in full per scene and kind */
};

struct fault_sum {
	uint64_t runs;     /* a fault struck */
	uint64_t ok;       /* of these: run gave ERR_OK and it was so */
	uint64_t died;     /* of these: stopped by abort where that is right */
	uint64_t breaches; /* promises broken */
	uint64_t errs[64]; /* by -err */
};

/* Once for each scene before its campaigns: a run without faults, to know how many calls it makes
 * (`*ret_calls`, by enum fault_call) and what it leaves behind. False: it does not even pass. */
bool fault_measure(const struct fault_scene *scene, uint64_t ret_calls[FAULT_CALL_COUNT]);
/* Every i of the plan for this scene and kind. */
void fault_campaign(const struct fault_scene *scene, const struct fault_kind *kind,
		    const struct fault_plan *plan, struct fault_sum *sum);
